//! `foghorn explain` says offline what an error means, and what was likely meant.

use std::process::Stdio;

use foghorn::catalogue::Code;

use crate::support::process::{Said, said};

async fn explain(arguments: &[&str]) -> Said {
    let said = said(&[&["explain"], arguments].concat(), Stdio::piped()).await;
    let both = format!("{}{}", said.output, said.errors);
    assert!(!both.contains('\u{1b}'), "no colour off a terminal: {both:?}");
    said
}

#[tokio::test]
async fn one_code_is_explained_in_any_spelling() {
    for spelling in ["FH0301", "fh0301", "0301", "301"] {
        let said = explain(&[spelling]).await;
        assert_eq!((said.exit, said.errors.as_str()), (0, ""));
        assert_eq!(said.output, Code::UnknownPolicy.page());
    }
}

#[tokio::test]
async fn without_a_code_all_are_listed() {
    let said = explain(&[]).await;
    assert_eq!((said.exit, said.output), (0, Code::list()));
    let json = explain(&["--json"]).await;
    let lines: Vec<serde_json::Value> =
        json.output.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    assert_eq!(lines.len(), Code::all().count());
    for (line, code) in lines.iter().zip(Code::all()) {
        assert_eq!(line["code"], code.as_str());
        assert_eq!(line["title"], code.title());
        assert_eq!(line["fix"], code.fix());
    }
    let one = explain(&["FH0713", "--json"]).await;
    let one: serde_json::Value = serde_json::from_str(&one.output).expect("one object");
    assert_eq!((&one["status"], &one["severity"]), (&503.into(), &"error".into()));
}

#[tokio::test]
async fn an_unknown_code_ends_with_3_and_names_the_nearest() {
    let said = explain(&["fh0702x"]).await;
    assert_eq!((said.exit, said.output.as_str()), (3, ""));
    assert!(said.errors.starts_with("error FH0804: \"fh0702x\" is no code of an error\n"), "{said:?}");
    let said = explain(&["FH0270"]).await;
    assert_eq!(said.exit, 3);
    assert!(said.errors.contains("there is no error FH0270; did you mean FH0207, \"Links"), "{said:?}");
}
