//! The JSON body of a request, read as what its address takes: in one way for all of them.
//!
//! What serde_json lets pass is refused here as it is in events: NUL in a text, a key twice, an integer that
//! would lose digits, and anything past the bounds on depth and keys, before anybody works on it. The
//! body is one object: a list in its place would be read as the fields in their order.

use axum::body::HttpBody;
use axum::extract::Request;
use serde::de::DeserializeOwned;

use super::problem::{Code, Problem};
use super::{Shared, body};
use crate::domain::event::Bounds;
use crate::formats::strict_json::{self, Node};

/// The longest that is told of what is wrong, characters: names of fields may be of any length.
const TOLD: usize = 400;

/// The body, which has to be there.
pub(super) async fn read<T: DeserializeOwned>(shared: &Shared, request: Request) -> Result<T, Problem> {
    parse(&body::read_json(shared, request).await?.bytes)
}

/// The body, which may be left out.
pub(super) async fn read_if_any<T: DeserializeOwned + Default>(
    shared: &Shared,
    request: Request,
) -> Result<T, Problem> {
    match request.body().size_hint().exact() {
        Some(0) => Ok(T::default()),
        _ => read(shared, request).await,
    }
}

/// What these bytes say.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    parse_within(bytes, Bounds::default())
}

/// The same, within other bounds. How many bytes there may be was seen to when they were read.
pub(super) fn parse_within<T: DeserializeOwned>(bytes: &[u8], bounds: Bounds) -> Result<T, Problem> {
    let invalid = |detail: String| Problem::new(Code::InvalidBody, detail);
    match strict_json::parse(bytes, &Bounds { bytes: usize::MAX, ..bounds }) {
        Ok(Node::Map(_)) => serde_json::from_slice(bytes).map_err(|error| invalid(shortened(error))),
        Ok(other) => Err(invalid(format!("the body is one JSON object, and this is {}", other.kind()))),
        Err(malformed) => Err(Problem::malformed(Code::InvalidBody, malformed)),
    }
}

/// What is wrong, and where, which comes last.
fn shortened(error: serde_json::Error) -> String {
    let told = error.to_string();
    if told.chars().count() <= TOLD {
        return told;
    }
    let beginning: String = told.chars().take(TOLD).collect();
    format!("{beginning}… at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        #[expect(dead_code, reason = "it is read or not")]
        name: String,
    }

    #[test]
    fn a_body_is_one_object_that_every_reader_reads_alike() {
        let refused = |body: &str| parse::<Wish>(body.as_bytes()).map_err(|problem| problem.code()).err();
        assert_eq!(refused(r#"{"name":"ada"}"#), None);
        for body in ["", " ", "{", r#"{"name":"ada"} {}"#, "\u{feff}{}", r#"{"name":"\ud800"}"#, "nul"] {
            assert_eq!(refused(body), Some(Code::NotJson), "{body}");
        }
        let twice = r#"{"name":"ada","n\u0061me":"bob"}"#;
        for body in [r#"["ada"]"#, "null", "{}", r#"{"name":"a\u0000"}"#, r#"{"name":"a","nam":1}"#, twice] {
            assert_eq!(refused(body), Some(Code::InvalidBody), "{body}");
        }
        let keys: Vec<String> =
            (0..=Bounds::default().keys).map(|number| format!("\"k{number}\":1")).collect();
        let deep = format!("{{\"name\":{}{}}}", "[".repeat(64), "]".repeat(64));
        for body in [format!("{{{}}}", keys.join(",")), deep] {
            assert_eq!(refused(&body), Some(Code::TooLarge), "{body}");
        }
    }

    #[test]
    fn a_name_of_any_length_is_told_in_short_and_with_its_place() {
        let body = format!(r#"{{"name":"ada","{}":1}}"#, "k".repeat(50_000));
        let problem = parse::<Wish>(body.as_bytes()).expect_err("nobody knows it").body("", "", "");
        let told = String::from_utf8_lossy(&problem);
        assert!(told.len() < 1_000 && told.contains("line 1 column 50016"), "{told}");
    }
}
