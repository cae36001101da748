//! The JSON Schema for editors says what `foghorn check` says: what is valid passes, and what is
//! wrong in itself does not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use foghorn::cli::init;
use foghorn::config::{Code, Config, REFERENCE, json_schema};
use serde_json::{Value, json};

use crate::support::json_schema::misfits;

fn told(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().expect("TOML");
    misfits(&json_schema(), &serde_json::to_value(table).unwrap())
}

/// The reference with its examples, which are commented out.
fn with_examples() -> String {
    let mut example = false;
    let lines = REFERENCE.lines().map(|line| {
        example = (example || line == "# example") && !line.is_empty();
        let code = if example && line != "# example" { line.trim_start_matches('#') } else { line };
        format!("{code}\n")
    });
    lines.collect()
}

#[test]
fn the_reference_its_examples_and_a_first_file_fit() {
    assert_eq!(told(REFERENCE), [""; 0]);
    assert_eq!(told(&with_examples()), [""; 0]);
    assert_eq!(told(""), [""; 0]);
    let directory = tempfile::tempdir().unwrap();
    let path = init::write(directory.path(), false).unwrap();
    assert_eq!(told(&fs::read_to_string(path).unwrap()), [""; 0]);
}

/// Mistakes that lie in one value or one key, which a schema can know of.
const OF_ONE_VALUE: [Code; 2] = [Code::UnknownKey, Code::NeedsUnit];

#[test]
fn what_the_check_calls_a_mistake_of_one_value_does_not_fit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    let mut tried = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let Err(problems) = Config::parse(&text, None, &BTreeMap::new()) else { continue };
        let simple = |code: Code| problems.iter().any(|problem| problem.code == code && problem.is_error());
        let toml = path.extension().is_some_and(|extension| extension == "toml");
        if toml && text.parse::<toml::Table>().is_ok() && OF_ONE_VALUE.into_iter().any(simple) {
            tried += 1;
            assert!(!told(&text).is_empty(), "{} fits", path.display());
        }
    }
    assert!(tried >= 6, "{tried}");
}

#[test]
fn a_key_belongs_to_its_type_and_provider() {
    let email = "[channels.a]\ntype = 'email'\nprovider = 'smtp'\nhost = 'h'\nfrom = 'a@b'\n";
    assert_eq!(told(email), [""; 0]);
    for wrong in [
        "[channels.a]\ntype = 'email'\n",
        "[channels.a]\ntype = 'sms'\nprovider = 'smtp'\n",
        "[channels.a]\ntype = 'sms'\nprovider = 'outbox'\nhost = 'h'\n",
        "[channels.a]\ntype = 'email'\nprovider = 'smtp'\npassword = 5\n",
        "[sources.a]\ntype = 'http'\nbrokers = ['a:1']\n",
        "[sources.a]\ntype = 'kafka'\nbrokers = ['a:1']\n",
        "[sources.a]\nbrokers = ['a:1']\ntopics = ['t']\n",
        "[server]\nshutdown_grace = '25'\n",
        "[delivery.retry]\njitter = 2.0\n",
    ] {
        assert!(!told(wrong).is_empty(), "fits: {wrong}");
    }
}

#[test]
fn editors_are_told_what_a_key_is_for_and_its_default() {
    let schema = json_schema();
    let zone = schema.pointer("/properties/server/properties/timezone").unwrap();
    assert_eq!(zone["default"], json!("UTC"));
    assert!(zone["description"].as_str().unwrap().starts_with("of times in messages"));
    let port = schema.pointer("/properties/channels/additionalProperties/properties/security").unwrap();
    assert_eq!(port["description"], "starttls | tls | none");
    assert_eq!(schema.pointer("/properties/config_version/maximum"), Some(&Value::from(1)));
}
