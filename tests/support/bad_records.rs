//! What no producer should put on a bus, and what only looks as if it should not: one table for every bus
//! (`docs/adr/0042`). A bus that cannot carry a row says why; see `tests/it/source_contract`.

/// What somebody says.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// `None` is a tombstone.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// An event, unless a header says something else.
pub(crate) const GOOD: &[u8] = br#"{"title":"would be good"}"#;

fn raw(name: &'static str, bytes: &[u8]) -> Row {
    Row { name, payload: Some(bytes.to_vec()), headers: Vec::new() }
}

fn with(name: &'static str, headers: &[(&str, &[u8])]) -> Row {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
    Row { headers, ..raw(name, GOOD) }
}

/// What is no event, and the reason that it is kept for.
pub(crate) fn bad_records() -> Vec<(Row, &'static str)> {
    let deep = format!(r#"{{"title":"x","vars":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let keys: Vec<_> = (0..1_025).map(|number| format!("\"{number}\":1")).collect();
    let envelope_with_nul: [(&str, &[u8]); 3] =
        [("ce_specversion", b"1.0"), ("ce_source", b"s"), ("ce_id", b"a\0b")];
    vec![
        (Row { payload: None, ..raw("a tombstone", b"") }, "schema"),
        (raw("no bytes", b""), "parse"),
        (raw("blanks", b" \n"), "parse"),
        (raw("no UTF-8", b"{\"title\":\"\xff\xfe\"}"), "parse"),
        (raw("NUL", b"\0"), "parse"),
        (raw("a raw NUL in a text", b"{\"title\":\"a\0b\"}"), "parse"),
        (raw("an escaped NUL", br#"{"title":"a\u0000b"}"#), "schema"),
        (raw("half an event", br#"{"title":"x""#), "parse"),
        (raw("a byte order mark", b"\xef\xbb\xbf{\"title\":\"x\"}"), "parse"),
        (raw("UTF-16", b"{\0\"\0t\0"), "parse"),
        (raw("a schema id that nobody knows", b"\0\0\x0f\x42\x40{\"title\":\"x\"}"), "parse"),
        (raw("Avro", b"Obj\x01\x04\x14avro.codec\x08null"), "parse"),
        (raw("Protobuf", b"\x0a\x05hello\x12\x03abc"), "parse"),
        (raw("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"), "parse"),
        (raw("a list", br#"[{"title":"x"}]"#), "schema"),
        (raw("null", b"null"), "schema"),
        (raw("a duplicate key", br#"{"title":"x","severity":"low","severity":"high"}"#), "schema"),
        (raw("a typo", br#"{"title":"x","severty":"high"}"#), "schema"),
        (raw("a number that loses digits", br#"{"title":"x","event_id":18446744073709551616}"#), "schema"),
        (
            raw("nobody", br#"{"kind":"notification","to":[],"via":"email","subject":"s","body":"b"}"#),
            "unroutable",
        ),
        (
            raw(
                "somebody unknown",
                br#"{"kind":"notification","to":"eve","via":"email","subject":"s","body":"b"}"#,
            ),
            "unroutable",
        ),
        (raw("100,000 levels", deep.as_bytes()), "too_large"),
        (raw("1,025 keys", format!("{{{}}}", keys.join(",")).as_bytes()), "too_large"),
        (raw("900 KiB of blanks", &vec![b' '; 900 << 10]), "parse"),
        (raw("10 MiB", &vec![b' '; 10 << 20]), "too_large"),
        (with("one of our own", &[("foghorn-dead-letter", b"dle_1")]), "loop"),
        (with("our own tombstone", &[("Foghorn-Dead-Letter", b"")]), "loop"),
        (with("four times round", &[("foghorn-rounds", b"4")]), "loop"),
        (with("version 99", &[("ce_specversion", b"99")]), "schema"),
        (with("an envelope without a name", &[("ce_specversion", b"1.0")]), "schema"),
        (with("NUL in an envelope", &envelope_with_nul), "schema"),
        (with("a batch of envelopes", &[("content-type", b"application/cloudevents-batch+json")]), "schema"),
    ]
}

/// What is an event all the same, and its title.
pub(crate) fn odd_records() -> Vec<(Row, &'static str)> {
    let names: Vec<_> = (0..1_000).map(|number| format!("header-{number}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"\0\xff".as_slice())).collect();
    let late = br#"{"title":"long ago","occurred_at":"1999-12-31T23:59:59Z"}"#;
    let untyped = r#"{"title":"a\u0007 \u202eb\u2028c\u001b[2Jd\ufeff"}"#;
    let trace = b"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\0later".as_slice();
    let good = "would be good";
    vec![
        (with("1,000 headers", &many), good),
        (with("a header twice", &[("traceparent", b"x"), ("traceparent", b"y")]), good),
        (with("a header that is no text", &[("traceparent", b"\xff\0"), ("ce_specversion", b"\xff")]), good),
        (with("a header without a name", &[("", b"")]), good),
        (with("a header called NUL", &[("\0", b"\0")]), good),
        (with("a header of 100 KiB", &[("long", &vec![b'x'; 100 << 10])]), good),
        (with("NUL in a traceparent", &[("traceparent", trace)]), good),
        (raw("long ago", late), "long ago"),
        (raw("controls and overrides", untyped.as_bytes()), "a b cd\u{feff}"),
    ]
}
