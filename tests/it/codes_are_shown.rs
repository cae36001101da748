//! `foghorn codes` says offline what each answer of each provider means: from the very tables that
//! deliveries are judged by.

use std::process::Stdio;

use foghorn::channels::codes::{CODES, HTTP, Status};
use serde_json::Value;

use crate::support::process::{Said, said};

async fn codes(arguments: &[&str]) -> Said {
    let said = said(&[&["codes"], arguments].concat(), Stdio::piped()).await;
    let both = format!("{}{}", said.output, said.errors);
    assert!(!both.chars().any(|letter| letter.is_control() && letter != '\n'), "bare lines: {both:?}");
    said
}

async fn objects(arguments: &[&str]) -> Vec<Value> {
    let said = codes(&[arguments, &["--json"]].concat()).await;
    assert_eq!((said.exit, said.errors.as_str()), (0, ""), "{arguments:?}");
    said.output.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

#[tokio::test]
async fn every_table_is_listed_and_shown_whole() {
    let listed = codes(&[]).await;
    assert_eq!((listed.exit, listed.errors.as_str()), (0, ""));
    assert_eq!(listed.output.lines().count(), 1 + CODES.len());
    for (table, line) in CODES.iter().zip(listed.output.lines().skip(1)) {
        let rules = table.rules.len().to_string();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((words[0], words[1]), (table.provider, rules.as_str()), "{line}");
        assert!(line.ends_with(table.source), "{line}");
        let shown = objects(&[table.provider]).await;
        assert_eq!(shown.len(), table.rules.len());
        for (object, rule) in shown.iter().zip(table.rules) {
            assert_eq!(object["provider"], table.provider);
            assert_eq!((&object["code"], &object["why"]), (&rule.code.into(), &rule.why.into()));
            assert_eq!(object["does"], rule.meaning.consequence());
        }
        let lines = codes(&[table.provider]).await;
        assert_eq!(lines.output.lines().count(), 1 + table.rules.len());
    }
}

/// Asked for by status and code, each line that names a code is found again, and nothing before it.
#[tokio::test]
async fn one_answer_is_what_a_delivery_would_make_of_it() {
    for (provider, words, table, meaning) in [
        ("twilio", vec!["21610"], "twilio", "opt out"),
        ("twilio", vec!["400", "21610"], "twilio", "opt out"),
        ("TWILIO", vec!["503"], "http", "retry"),
        ("twilio", vec!["429", "4242"], "http", "throttle channel"),
        ("smtp", vec!["550", "5.1.1"], "smtp", "drop target"),
        ("smtp", vec!["5.1.1"], "smtp", "drop target"),
        ("smtp", vec!["552", "5.2.2"], "smtp", "retry, recipient only"),
        ("smtp", vec!["554", "5.7.509"], "smtp", "refused"),
        ("smtp", vec!["535", "5.7.8"], "smtp", "hold channel"),
        ("smtp", vec!["450", "4.7.1"], "smtp", "throttle recipient, 5m"),
        ("smtp-data", vec!["550"], "smtp-data", "refused"),
        ("smtp-mail", vec!["550", "5.1.1"], "smtp-mail", "hold channel"),
        ("http", vec!["302"], "http", "refused"),
    ] {
        let arguments = [vec![provider], words].concat();
        let found = objects(&arguments).await;
        assert_eq!(found.len(), 1, "{arguments:?}: {found:?}");
        assert_eq!((&found[0]["provider"], &found[0]["meaning"]), (&table.into(), &meaning.into()));
        let told = codes(&arguments).await;
        let does = found[0]["does"].as_str().unwrap();
        assert!(told.output.ends_with(&format!("\n\n{meaning}: {does}\n")), "{arguments:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_status_that_many_codes_come_with_shows_them_all() {
    let apns = CODES.iter().find(|codes| codes.provider == "apns").expect("a table");
    let (mut own, mut other) = (0, 0);
    for rule in apns.rules {
        if rule.status == Status::Is(400) && !rule.code.is_empty() {
            own += 1;
        }
    }
    for found in objects(&["apns", "400"]).await {
        other += usize::from(found["provider"] == "apns" && found["code"] != "");
    }
    assert!(own > 1 && own == other, "{own} {other}");
    assert!(HTTP.own(599, "").is_some());
}

#[tokio::test]
async fn what_nobody_knows_ends_with_3_and_names_what_was_meant() {
    let cases: [(&[&str], &str); 5] = [
        (&["twillio"], "no provider \"twillio\". Did you mean \"twilio\"?"),
        (&["apns", "Unregisterd"], "Did you mean \"Unregistered\"?"),
        (&["smtp", "9999"], "is not known to answer \"9999\""),
        (&["smtp", "five", "5.1.1"], "is not known to answer \"five\""),
        (&["\u{1b}]0;x"], "no provider \"?]0;x\""),
    ];
    for (arguments, words) in cases {
        let said = codes(arguments).await;
        assert_eq!((said.exit, said.output.as_str()), (3, ""), "{arguments:?}");
        assert!(said.errors.starts_with("error FH0815: ") && said.errors.contains(words), "{said:?}");
    }
    assert_eq!(codes(&["smtp", "550", "5.1.1", "x"]).await.exit, 2);
}
