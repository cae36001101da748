//! Bodies that are none, or not of this address.

use serde_json::{Map, Value, json};

use super::cells::{Ask, Cell, Place, Refused};
use crate::support::json_schema::misfits_of;

const JSON: &str = "application/json";
const NOT_JSON: &[&str] = &["FH0701"];
const TOO_MUCH: &[&str] = &["FH0703"];
const OF_THAT_TYPE: &[&str] = &["FH0704"];
/// Of an event, of everything else, and of a change that the configuration does not take.
const NOT_TAKEN: &[&str] = &["FH0702", "FH0712", "FH0754"];
const EITHER: &[&str] = &["FH0701", "FH0702", "FH0703", "FH0712", "FH0754"];

pub(super) fn refused(place: &Place<'_>) -> Vec<Cell> {
    let Some((schema, example)) = place.body() else {
        // Whoever sends it is not known by a token, but by what they signed.
        return if place.takes_a_body() { unsigned(place) } else { Vec::new() };
    };
    let good = example.to_string();
    [
        types(place, &good),
        no_json(place, &good),
        too_much(place),
        other_json(place, example),
        misfits(place, schema, example),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn unsigned(place: &Place<'_>) -> Vec<Cell> {
    let bodies: [&[u8]; 5] = [b"", b"{}", b"\xff\xfe", b"From=%2B15550111&Body=ACK", &[b'x'; 10_000]];
    let asks = bodies.map(|body| Ask { body: body.to_vec(), ..place.ask() });
    let mut cells: Vec<Cell> = asks.iter().map(|ask| Cell::new("unsigned", ask, Refused::Somehow)).collect();
    let large = Ask { body: vec![b'x'; (1 << 20) + 1], ..place.ask() };
    cells.push(Cell::new("more than a body may have", &large, Refused::With(TOO_MUCH, Vec::new())));
    cells
}

fn types(place: &Place<'_>, good: &str) -> Vec<Cell> {
    let line = |kind: &str| format!("Content-Type: {kind}\r\n");
    let kinds = [
        ("no type", String::new()),
        ("two types", line(JSON).repeat(2)),
        ("a list of types", line("application/json, text/html")),
        ("text", line("text/plain")),
        ("XML", line("application/xml")),
        ("parts of a form", line("multipart/form-data; boundary=x")),
        ("an empty type", line("")),
        ("UTF-16", line("application/json; charset=utf-16")),
        ("compressed", line(JSON) + "Content-Encoding: gzip\r\n"),
        ("compressed twice", line(JSON) + "Content-Encoding: gzip, br\r\n"),
    ];
    let told = || Refused::With(OF_THAT_TYPE, Vec::new());
    let typed = |(name, kind): (&str, String)| {
        Cell::new(name, &Ask { kind, body: good.into(), ..place.ask() }, told())
    };
    let mut cells: Vec<Cell> = kinds.into_iter().map(typed).collect();
    // 10 MB of blanks, if anybody unpacked it.
    let bomb = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), vec![0; 10_000]].concat();
    let kind = line(JSON) + "Content-Encoding: gzip\r\n";
    cells.push(Cell::new("a bomb", &Ask { kind, body: bomb, ..place.ask() }, told()));
    let form =
        Ask { kind: line("application/x-www-form-urlencoded"), body: b"title=x".to_vec(), ..place.ask() };
    cells.push(Cell::new("a form", &form, told()));
    cells
}

fn no_json(place: &Place<'_>, good: &str) -> Vec<Cell> {
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| good.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
    let more = |text: &str| with_key(good, text);
    let lines = || {
        vec![
            "column".to_owned(),
            "byte".to_owned(),
            "there are no".to_owned(),
            "nothing but".to_owned(),
            "looks like".to_owned(),
        ]
    };
    let mut rows: Vec<(&str, Vec<u8>)> = vec![
        ("blanks", b" \r\n\t".to_vec()),
        ("half of it", good.as_bytes()[..good.len() - 1].to_vec()),
        ("the beginning of it", b"{".to_vec()),
        ("two of it", format!("{good} {good}").into_bytes()),
        ("something behind it", format!("{good}x").into_bytes()),
        ("a byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("UTF-16, small end first", utf16(u16::to_le_bytes)),
        ("UTF-16, big end first", utf16(u16::to_be_bytes)),
        (
            "no UTF-8 in a key",
            more("\"zz\u{1}\":1")
                .into_bytes()
                .into_iter()
                .map(|byte| if byte == 1 { 0xff } else { byte })
                .collect(),
        ),
        (
            "no UTF-8 in a value",
            more("\"zz\":\"\u{1}\"")
                .into_bytes()
                .into_iter()
                .map(|byte| if byte == 1 { 0xff } else { byte })
                .collect(),
        ),
        ("a raw NUL", more("\"zz\":\"\0\"").into_bytes()),
        ("a raw line break", more("\"zz\":\"\n\"").into_bytes()),
        ("half a surrogate pair", more(r#""zz":"\ud800""#).into_bytes()),
        ("a number past all numbers", more(r#""zz":1e400"#).into_bytes()),
        ("no number", more(r#""zz":NaN"#).into_bytes()),
        ("a comment", format!("{good} // why").into_bytes()),
        ("a comma too many", more("").into_bytes()),
        ("single quotes", more("'zz':1").into_bytes()),
        ("the wire format of a registry", b"\0\0\0\0\x2a\x02x".to_vec()),
    ];
    let required = place.operation["requestBody"]["required"] == true;
    if required {
        rows.push(("nothing", Vec::new()));
    }
    rows.into_iter()
        .map(|(name, body)| Cell::new(name, &Ask { body, ..place.ask() }, Refused::With(NOT_JSON, lines())))
        .collect()
}

/// The example with something more behind its last field.
fn with_key(good: &str, more: &str) -> String {
    let open = good.strip_suffix('}').unwrap_or(good);
    let comma = if open == "{" && !more.is_empty() { "" } else { "," };
    format!("{open}{comma}{more}}}")
}

fn too_much(place: &Place<'_>) -> Vec<Cell> {
    let body = |body: String| Ask { body: body.into_bytes(), ..place.ask() };
    let told = || Refused::With(TOO_MUCH, Vec::new());
    let nested = |depth: usize| format!("{{\"zz\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let keys: Vec<String> = (0..60_000).map(|number| format!("\"k{number}\":1")).collect();
    let announced = Ask {
        length: Some("Content-Length: 104857600\r\n".to_owned()),
        more: "Expect: 100-continue\r\n".to_owned(),
        ..body(String::new())
    };
    let mut chunked =
        Ask { length: Some("Transfer-Encoding: chunked\r\n".to_owned()), ..body(String::new()) };
    chunked.body = format!("10000\r\n{}\r\n", " ".repeat(0x10000)).repeat(20).into_bytes();
    chunked.body.extend(b"0\r\n\r\n");
    vec![
        Cell::new("one byte too many", &body(" ".repeat((1 << 20) + 1)), told()),
        Cell::new("100 MiB, announced", &announced, told()),
        Cell::new("more than a body may have, in chunks", &chunked, told()),
        Cell::new("65 levels", &body(nested(65)), Refused::With(EITHER, Vec::new())),
        Cell::new("127 levels", &body(nested(127)), told()),
        Cell::new("100,000 levels", &body(nested(100_000)), Refused::With(EITHER, Vec::new())),
        Cell::new("60,000 keys", &body(format!("{{{}}}", keys.join(","))), told()),
        Cell::new(
            "a key of 1 MB",
            &body(format!("{{\"{}\":1}}", "k".repeat(1_000_000))),
            Refused::With(EITHER, Vec::new()),
        ),
    ]
}

fn other_json(place: &Place<'_>, example: &Value) -> Vec<Cell> {
    let good = example.to_string();
    let body = |body: String| Ask { body: body.into_bytes(), ..place.ask() };
    let told =
        |words: &[&str]| Refused::With(NOT_TAKEN, words.iter().map(|word| (*word).to_owned()).collect());
    let mut cells: Vec<Cell> = ["null", "[]", "\"x\"", "42", "true", "[[]]", "[null]"]
        .map(|text| Cell::new(text, &body(text.to_owned()), told(&[])))
        .into();
    cells.push(Cell::new(
        "an unknown field",
        &body(with_key(&good, "\"zzzzzzzzzz\":1")),
        told(&["zzzzzzzzzz"]),
    ));
    cells.push(Cell::new(
        "a prototype",
        &body(with_key(&good, "\"__proto__\":{\"admin\":true}")),
        told(&["__proto__"]),
    ));
    cells.push(Cell::new("NUL in a key", &body(with_key(&good, r#""zz\u0000":1"#)), told(&["NUL", "zz"])));
    cells.push(Cell::new(
        "a number that loses digits",
        &body(with_key(&good, r#""zz":18446744073709551616"#)),
        told(&["zz"]),
    ));
    for (key, value) in example.as_object().into_iter().flatten() {
        let again = with_key(&good, &format!("{}:{value}", json!(key)));
        cells.push(Cell::new(format!("{key} twice"), &body(again), told(&[key])));
        let escaped = with_key(&good, &format!("\"\\u{:04x}{}\":{value}", key.as_bytes()[0], &key[1..]));
        cells.push(Cell::new(format!("{key} twice, once escaped"), &body(escaped), told(&[key])));
    }
    for (pointer, text) in texts(example, "") {
        let mut nul = example.clone();
        *nul.pointer_mut(&pointer).unwrap() = format!("{text}\0").into();
        cells.push(Cell::new(format!("NUL at {pointer}"), &body(nul.to_string()), told(&["NUL", "control"])));
    }
    cells
}

/// Every text of an example, with its place.
pub(super) fn texts(value: &Value, place: &str) -> Vec<(String, String)> {
    match value {
        Value::String(text) => vec![(place.to_owned(), text.clone())],
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| texts(item, &format!("{place}/{index}")))
            .collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(key, inner)| texts(inner, &format!("{place}/{key}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whatever the document says is not taken is not taken: each field with each kind of value that is none of its.
fn misfits(place: &Place<'_>, schema: &Value, example: &Value) -> Vec<Cell> {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!("x"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({ "a": { "b": 1 } }),
    ];
    let mut cells = Vec::new();
    for key in fields(place.document, schema).into_iter() {
        for value in &values {
            let mut body = example.clone();
            body[&key] = value.clone();
            if misfits_of(place.document, schema, &body).is_empty() {
                continue;
            }
            let ask = Ask { body: body.to_string().into_bytes(), ..place.ask() };
            let words = vec![key.clone(), "column".to_owned()];
            // What is wrong in a document is seen behind whether its name is free.
            let codes = if key == "document" { &["FH0712", "FH0752"] } else { NOT_TAKEN };
            let words = if key == "document" { Vec::new() } else { words };
            cells.push(Cell::new(format!("{key} = {value}"), &ask, Refused::With(codes, words)));
        }
    }
    cells
}

/// The fields of all that may be taken.
pub(super) fn fields(document: &Value, schema: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        schema["properties"].as_object().map(Map::keys).into_iter().flatten().cloned().collect();
    if let Some(path) = schema["$ref"].as_str() {
        all.extend(fields(document, document.pointer(path.trim_start_matches('#')).unwrap()));
    }
    for one in
        ["anyOf", "oneOf", "allOf"].iter().flat_map(|word| schema[word].as_array().into_iter().flatten())
    {
        all.extend(fields(document, one));
    }
    all.sort();
    all.dedup();
    all
}
