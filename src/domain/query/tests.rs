use std::collections::BTreeMap;

use super::subjects as words;
use super::*;
use crate::domain::delivery::DeliveryState;
use crate::domain::incident::IncidentStatus;
use crate::domain::malformed::Malformation;
use crate::domain::notification::NotificationKind;
use crate::domain::severity::Severity;

const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

struct Thing {
    name: Option<&'static str>,
    title: &'static str,
    labels: BTreeMap<String, String>,
}

impl Facts<IncidentField> for Thing {
    fn facts(&self, field: IncidentField) -> Vec<Fact<'_>> {
        match field {
            IncidentField::Status => vec![Fact::Name("open".into())],
            IncidentField::Service => self.name.iter().map(|name| Fact::Name((*name).into())).collect(),
            IncidentField::Title | IncidentField::Text => vec![Fact::Text(self.title.into())],
            IncidentField::OpenedAt => vec![Fact::Time(NOW)],
            _ => Vec::new(),
        }
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

fn thing() -> Thing {
    let labels = [("env".to_owned(), "prod".to_owned()), ("k8s.io/pod-1".to_owned(), "a".to_owned())];
    Thing { name: Some("checkout-api"), title: "5xx Rate above 5% (*)", labels: labels.into() }
}

fn later() -> Timestamp {
    Timestamp::from_second(NOW.as_second() + 600).expect("in range")
}

#[test]
fn terms_are_and_values_are_or_and_a_dash_turns_one_around() {
    let table = [
        ("", true),
        ("   ", true),
        ("status:open", true),
        ("status:resolved,open", true),
        ("status:resolved", false),
        ("-status:resolved", true),
        ("status:o*", true),
        ("service:checkout-*", true),
        ("service:Checkout-*", false),
        ("service:*-api,x", true),
        ("service:checkout", false),
        ("-service:checkout-api", false),
        ("service:\"checkout-*\"", false),
        ("rate", true),
        ("RATE 5XX", true),
        ("rate absent", false),
        ("-absent", true),
        ("\"rate above\"", true),
        ("-\"rate above\"", false),
        ("ra*above", true),
        ("\"(*)\"", true),
        ("\"(x*\"", false),
        ("title:\"5xx rate\"", true),
        ("title:rate,absent", true),
        ("label.env:prod", true),
        ("label.env:stag*", false),
        ("-label.zone:a", true),
        ("label.k8s.io/pod-1:a", true),
        ("age>9m", true),
        ("age>10m", false),
        ("age<10m", true),
        ("age<599s", false),
        ("-age>9m", false),
        ("since:2026-11-18", true),
        ("since:2026-11-18T11:06:41Z", false),
        ("before:2026-11-18T11:06:41Z", true),
        ("policy:page", false),
        ("-policy:page", true),
        ("status:open service:checkout-* age>1m rate", true),
    ];
    for (text, expected) in table {
        let query = IncidentQuery::parse(text, later()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.matches(&thing()), expected, "{text}");
    }
    let nameless = Thing { name: None, ..thing() };
    assert!(IncidentQuery::parse("-service:x", NOW).expect("a query").matches(&nameless));
    assert!(!IncidentQuery::parse("service:*", NOW).expect("a query").matches(&nameless));
}

#[test]
fn what_is_not_understood_is_told_with_its_column_and_what_is_known() {
    let table = [
        (
            "status:open sevrity:high",
            13,
            "incidents have no \"sevrity\"; known are status, severity, service, source, title, route, policy, \
             label.NAME, age, since, before. Did you mean \"severity\"? Text with a \":\" goes in quotes.",
        ),
        (
            "status:open,resolvd",
            13,
            "\"resolvd\" is no status; known are open, acknowledged, resolved. Did you mean \"resolved\"?",
        ),
        ("é \"open", 3, "a quote is opened and not closed"),
        ("service:", 9, "a value is missing; \"\" is the empty one"),
        ("service:a,", 11, "a value is missing; \"\" is the empty one"),
        ("a - b", 3, "\"-\" turns around what follows it, and nothing does"),
        ("age>10", 5, "\"10\" is no age; write 30s, 10m, 2h, 3d or 1w"),
        ("age:10m", 5, "write age>10m or age<2h"),
        ("status>open", 1, "\"status\" is followed by \":\", as in status:VALUE"),
        ("since:today", 7, "\"today\" is no moment; write 2026-11-21T10:00Z or 2026-11-21"),
        ("a\u{0}", 2, "a control character; nothing holds one"),
        ("service:*********", 9, "a value has at most 8 \"*\""),
    ];
    for (text, column, what) in table {
        let error = IncidentQuery::parse(text, NOW).expect_err(text);
        assert_eq!((error.column, error.what.as_str()), (column, what), "{text}");
    }
    assert!(IncidentQuery::parse(&"a ".repeat(MOST_TERMS + 1), NOW).is_err());
    assert!(IncidentQuery::parse(&"a".repeat(LONGEST + 1), NOW).is_err());
    assert!(IncidentQuery::parse(&"a".repeat(LONGEST), NOW).is_ok());
    assert!(IncidentQuery::parse("age>9223372036854775807w", NOW).is_err());
    assert!(IncidentQuery::parse("age<99999999999w", NOW).is_ok(), "longer ago than anything");
    assert_eq!(DeliveryQuery::parse("incident:x", NOW).expect_err("no number").column, 10);
    assert!(DeliveryQuery::parse("incident:#7,8 state:failed", NOW).is_ok());
}

#[test]
fn dead_letters_are_asked_about_by_kind() {
    let kind = |text| DeadLetterQuery::parse(text, None, NOW).map(|query| query.kind());
    assert_eq!(kind(""), Ok(DeadLetterKind::Delivery));
    assert_eq!(kind("kind:event source:kafka"), Ok(DeadLetterKind::Event));
    assert_eq!(kind("-kind:event channel:email"), Ok(DeadLetterKind::Delivery));
    assert_eq!(kind("source:kafka kind:delivery,event").expect_err("both").column, 14);
    let error = kind("kind:event channel:email").expect_err("records have none");
    assert_eq!(error.column, 12);
    assert!(error.what.starts_with("dead letters of kind event have no \"channel\""), "{error}");
    let given = |text, kind| DeadLetterQuery::parse(text, Some(kind), NOW).map(|query| query.kind());
    assert_eq!(given("error:timeout", DeadLetterKind::Event), Ok(DeadLetterKind::Event));
    assert!(given("kind:event", DeadLetterKind::Delivery).is_err(), "a parameter says otherwise");
}

#[test]
fn a_query_knows_which_words_are_left() {
    let left = |text| IncidentQuery::parse(text, NOW).expect(text).words(IncidentField::Status, STATUSES);
    assert_eq!(left("a"), None);
    assert_eq!(left("status:open,resolved -status:resolved"), Some(vec!["open"]));
    assert_eq!(left("-status:resolved"), Some(vec!["open", "acknowledged"]));
}

#[test]
fn words_are_those_of_the_enums() {
    assert_eq!(IncidentStatus::ALL.map(IncidentStatus::as_str), STATUSES);
    assert_eq!(Severity::ALL.map(Severity::as_str), SEVERITIES);
    assert_eq!(DeliveryState::ALL.map(DeliveryState::as_str), STATES);
    assert_eq!(NotificationKind::ALL.map(NotificationKind::as_str), words::KINDS);
    assert_eq!(Malformation::ALL.map(Malformation::as_str), words::REASONS);
    let decision = |text| EventQuery::parse(&format!("decision:{text}"), NOW).is_ok();
    assert!(words::DECISIONS.iter().all(decision));
}
