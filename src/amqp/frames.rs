//! What a broker sends, as far as somebody else's message can be wrong in it.
//!
//! A broker passes names and headers on as they were published, and the client takes them for text and for tables
//! of any depth. A name that is no text ends the connection, and a table that is deep enough ends the process. So a
//! part of a message that cannot be read is taken out before the client sees it; its bytes are never touched.

/// Type, channel and size before the payload of a frame, and one byte after it.
const AROUND: usize = 7;
const METHOD: u8 = 1;
const HEADER: u8 = 2;

/// No broker sends frames that are larger.
const LARGEST: usize = 16 << 20;

/// Tables and arrays in each other, at most.
const DEPTH: u32 = 32;

/// What the beginning of a stream is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// A frame of so many bytes.
    Frame(usize),
    /// Not enough of one.
    Part,
    /// No frame of this protocol.
    Strange,
}

/// Whether a frame begins here, and how long it is.
pub(super) fn beginning(bytes: &[u8]) -> Beginning {
    let Some((&kind, head)) = bytes.split_first() else { return Beginning::Part };
    let Some(size) = head.get(2..6).and_then(|size| size.try_into().ok()).map(u32::from_be_bytes) else {
        return if is_frame(kind) { Beginning::Part } else { Beginning::Strange };
    };
    let length = AROUND + size as usize + 1;
    match is_frame(kind) && length <= LARGEST {
        false => Beginning::Strange,
        true if bytes.len() < length => Beginning::Part,
        true => Beginning::Frame(length),
    }
}

fn is_frame(kind: u8) -> bool {
    matches!(kind, 1..=4 | 8)
}

/// Writes a whole frame out, without what cannot be read of it.
pub(super) fn mend(frame: &[u8], out: &mut Vec<u8>) {
    let payload = &frame[AROUND..frame.len() - 1];
    match frame[0] {
        METHOD if payload.starts_with(&[0, 60, 0, 60]) => {
            let from = out.len() + AROUND;
            out.extend_from_slice(frame);
            spell(&mut out[from + 4..from + payload.len()]);
        }
        HEADER if payload.len() >= PROPERTIES => {
            let kept = properties(&payload[PROPERTIES - 2..]);
            out.extend_from_slice(&frame[..3]);
            let size = u32::try_from(PROPERTIES - 2 + kept.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&size.to_be_bytes());
            out.extend_from_slice(&payload[..PROPERTIES - 2]);
            out.extend_from_slice(&kept);
            out.push(frame[frame.len() - 1]);
        }
        _ => out.extend_from_slice(frame),
    }
}

/// The names in `basic.deliver`: the consumer's, the exchange's and the routing key. Each letter that is none
/// becomes a question mark.
fn spell(arguments: &mut [u8]) {
    let mut at = 0;
    for behind in [8 + 1, 0, 0] {
        let Some(length) = arguments.get(at).map(|length| usize::from(*length)) else { return };
        let Some(name) = arguments.get_mut(at + 1..at + 1 + length) else { return };
        if std::str::from_utf8(name).is_err() {
            name.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
        }
        at += 1 + length + behind;
    }
}

/// Class, weight, size of the body, and which properties there are.
const PROPERTIES: usize = 2 + 2 + 8 + 2;

/// What a property of a message is.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Table,
    Octet,
    Moment,
}

/// The properties of a message, the first one by the highest bit of their flags.
const SHAPES: [Shape; 14] = [
    Shape::Text,
    Shape::Text,
    Shape::Table,
    Shape::Octet,
    Shape::Octet,
    Shape::Text,
    Shape::Text,
    Shape::Text,
    Shape::Text,
    Shape::Moment,
    Shape::Text,
    Shape::Text,
    Shape::Text,
    Shape::Text,
];

/// Flags and properties, without those that cannot be read and without all behind one whose end is not to be found.
fn properties(given: &[u8]) -> Vec<u8> {
    let flags = u16::from_be_bytes([given[0], given[1]]);
    let (mut rest, mut kept, mut flagged) = (&given[2..], vec![0, 0], 0_u16);
    for (place, shape) in SHAPES.iter().enumerate() {
        let flag = 1 << (15 - place);
        if flags & flag == 0 {
            continue;
        }
        let length = match shape {
            Shape::Octet => Some(1),
            Shape::Moment => Some(8),
            Shape::Text => rest.first().map(|length| 1 + usize::from(*length)),
            Shape::Table => long(rest).map(|length| 4 + length),
        };
        let Some(property) = length.and_then(|length| rest.get(..length)) else { break };
        let reads = match shape {
            Shape::Octet | Shape::Moment => true,
            Shape::Text => std::str::from_utf8(&property[1..]).is_ok(),
            Shape::Table => table(&property[4..], DEPTH).is_some(),
        };
        if reads {
            flagged |= flag;
            kept.extend_from_slice(property);
        }
        rest = &rest[property.len()..];
    }
    kept[..2].copy_from_slice(&flagged.to_be_bytes());
    kept
}

fn long(bytes: &[u8]) -> Option<usize> {
    let size: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    Some(u32::from_be_bytes(size) as usize)
}

/// Whether a table can be read.
fn table(mut rest: &[u8], depth: u32) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while let Some((&length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(length))?;
        std::str::from_utf8(name).ok()?;
        rest = value(after, depth)?;
    }
    Some(())
}

fn array(mut rest: &[u8], depth: u32) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while !rest.is_empty() {
        rest = value(rest, depth)?;
    }
    Some(())
}

/// What follows the value that begins here, if it can be read.
fn value(bytes: &[u8], depth: u32) -> Option<&[u8]> {
    let (&kind, after) = bytes.split_first()?;
    let size = match kind {
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'U' | b'u' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'L' | b'l' | b'd' | b'T' => 8,
        b'S' | b'x' | b'A' | b'F' => 4 + long(after)?,
        _ => return None,
    };
    let (inside, rest) = after.split_at_checked(size)?;
    match kind {
        b'A' => array(&inside[4..], depth)?,
        b'F' => table(&inside[4..], depth)?,
        _ => {}
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len()).expect("a size").to_be_bytes();
        [&[kind, 0, 1][..], &size, payload, &[0xce]].concat()
    }

    /// A content header with these flags and these properties.
    fn header(flags: u16, properties: &[u8]) -> Vec<u8> {
        frame(
            HEADER,
            &[&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9][..], &flags.to_be_bytes(), properties].concat(),
        )
    }

    fn mended(frame: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        mend(frame, &mut out);
        assert_eq!(beginning(&out), Beginning::Frame(out.len()));
        out
    }

    fn named(name: &[u8], value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(name.len()).expect("short");
        [&[length][..], name, value].concat()
    }

    fn sized(kind: Option<u8>, inside: &[u8]) -> Vec<u8> {
        let size = u32::try_from(inside.len()).expect("a size").to_be_bytes();
        kind.into_iter().chain(size).chain(inside.iter().copied()).collect()
    }

    const ID: u16 = 1 << 7;
    const HEADERS: u16 = 1 << 13;

    #[test]
    fn what_can_be_read_goes_through_byte_for_byte() {
        let inner = named(b"n", &sized(Some(b'F'), &named(b"deeper", b"t\x01")));
        let list = named(b"l", &sized(Some(b'A'), b"I\0\0\0\x01V"));
        let table =
            sized(None, &[inner, list, named("ä".as_bytes(), &sized(Some(b'S'), b"\xff\0"))].concat());
        let whole = header(HEADERS | ID, &[table, named(b"m-1", b"")].concat());
        assert_eq!(mended(&whole), whole);
        let body = frame(3, b"\xff\xfe anything");
        assert_eq!(mended(&body), body);
    }

    #[test]
    fn headers_that_cannot_be_read_go_and_the_name_stays() {
        let latin = sized(None, &named(b"\xff", b"t\x01"));
        let strange = sized(None, &named(b"a", b"?"));
        let cut = sized(None, &named(b"a", b"S\0\0\xff\xff"));
        let mut deep = Vec::new();
        for _ in 0..2_000 {
            deep = named(b"a", &sized(Some(b'F'), &deep));
        }
        for table in [latin, strange, cut, sized(None, &deep)] {
            let given = header(HEADERS | ID, &[table, named(b"m-1", b"")].concat());
            assert_eq!(mended(&given), header(ID, b"\x03m-1"));
        }
    }

    #[test]
    fn a_name_that_is_no_text_goes_and_what_has_no_end_ends_it() {
        assert_eq!(mended(&header(ID, b"\x02\xff\xfe")), header(0, b""));
        assert_eq!(mended(&header(HEADERS | ID, b"\0\0\xff\xff")), header(0, b""));
        assert_eq!(mended(&header(ID, b"")), header(0, b""));
    }

    #[test]
    fn a_routing_key_is_spelt_in_letters_that_there_are() {
        let deliver = |key: &[u8]| {
            let names = [named(b"ctag", &[0, 0, 0, 0, 0, 0, 0, 7, 0]), named(b"ex", b""), named(key, b"")];
            frame(METHOD, &[&[0, 60, 0, 60][..], &names.concat()].concat())
        };
        assert_eq!(mended(&deliver(b"caf\xe9.new")), deliver(b"caf?.new"));
        assert_eq!(mended(&deliver("café".as_bytes())), deliver("café".as_bytes()));
        assert_eq!(mended(&frame(METHOD, &[0, 60, 0, 60, 9])), frame(METHOD, &[0, 60, 0, 60, 9]));
    }

    #[test]
    fn a_frame_is_taken_when_all_of_it_is_there() {
        let whole = frame(8, b"");
        for length in 0..whole.len() {
            assert_eq!(beginning(&whole[..length]), Beginning::Part, "{length}");
        }
        assert_eq!(beginning(b"AMQP\0\0\x09\x01"), Beginning::Strange);
        assert_eq!(beginning(&[1, 0, 0, 0xff, 0xff, 0xff, 0xff]), Beginning::Strange);
    }
}
