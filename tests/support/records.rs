//! Records as text, to be spoiled.

/// An event with these fields in JSON.
pub(crate) fn with(fields: &str) -> String {
    format!(r#"{{"title":"x",{fields}}}"#)
}

/// A notification to ada with these fields in JSON.
pub(crate) fn direct(fields: &str) -> String {
    format!(r#"{{"kind":"notification","via":"email",{fields}}}"#)
}

/// A notification that nests to this depth, in the one place where anything may nest.
pub(crate) fn nested(depth: usize) -> String {
    let (open, close) = ("[".repeat(depth - 2), "]".repeat(depth - 2));
    direct(&format!(r#""to":"ada","template":"t","vars":{{"deep":{open}{close}}}"#))
}

/// A good event, padded to this many bytes.
pub(crate) fn sized(bytes: usize) -> String {
    let event = r#"{"title":"padded"}"#;
    format!("{event}{}", " ".repeat(bytes - event.len()))
}
