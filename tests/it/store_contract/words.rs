//! The words in the schema are those of the enums.

use foghorn::domain::action::Via;
use foghorn::domain::delivery::{DeadReason, DeliveryState};
use foghorn::domain::incident::{Calls, IncidentStatus, Transition};
use foghorn::domain::malformed::Malformation;
use foghorn::domain::notification::NotificationKind;
use foghorn::domain::severity::Severity;
use foghorn::domain::timer::TimerKind;

/// The migrations that say something of words, in their order.
const SCHEMAS: [[&str; 4]; 2] = [
    [
        include_str!("../../../migrations/sqlite/0001_ledger.sql"),
        include_str!("../../../migrations/sqlite/0008_action.sql"),
        include_str!("../../../migrations/sqlite/0019_late.sql"),
        include_str!("../../../migrations/sqlite/0023_expiry.sql"),
    ],
    [
        include_str!("../../../migrations/postgres/0001_ledger.sql"),
        include_str!("../../../migrations/postgres/0008_action.sql"),
        include_str!("../../../migrations/postgres/0019_late.sql"),
        include_str!("../../../migrations/postgres/0023_expiry.sql"),
    ],
];

/// The words of the last `CHECK (column IN (…))` of a table: a later migration goes over an earlier one.
fn words(schema: &[&str], table: &str, column: &str) -> Vec<String> {
    let names = ["CREATE TABLE ", "ALTER TABLE "].map(|verb| format!("{verb}{table} "));
    let anew = format!("CREATE TABLE {table}_anew ");
    let check = format!("CHECK ({column} IN (");
    let statements = schema.iter().flat_map(|migration| migration.split(';'));
    let of_table = |text: &&str| names.iter().chain([&anew]).any(|name| text.contains(name.as_str()));
    let last = statements.filter(of_table).filter_map(|text| text.split_once(&check)).next_back();
    let (_, rest) = last.unwrap_or_else(|| panic!("{table}.{column}"));
    let list = &rest[..rest.find(')').unwrap()];
    list.split(',').map(|word| word.trim().trim_matches('\'').to_owned()).collect()
}

#[test]
fn every_check_allows_exactly_the_words_of_its_enum() {
    let table: [(&str, &str, Vec<&str>); 10] = [
        ("delivery", "state", DeliveryState::ALL.map(DeliveryState::as_str).to_vec()),
        ("delivery", "dead_reason", DeadReason::ALL.map(DeadReason::as_str).to_vec()),
        ("delivery", "kind", NotificationKind::ALL.map(NotificationKind::as_str).to_vec()),
        ("incident", "status", IncidentStatus::ALL.map(IncidentStatus::as_str).to_vec()),
        ("incident", "severity", Severity::ALL.map(Severity::as_str).to_vec()),
        ("timeline", "kind", Transition::ALL.map(Transition::as_str).to_vec()),
        ("timeline", "via", Via::ALL.map(Via::as_str).to_vec()),
        ("timer", "kind", TimerKind::ALL.map(TimerKind::as_str).to_vec()),
        ("incident", "calls", Calls::ALL.map(Calls::as_str).to_vec()),
        ("dead_letter", "reason", Malformation::ALL.map(Malformation::as_str).to_vec()),
    ];
    for schema in SCHEMAS {
        for (name, column, expected) in &table {
            assert_eq!(&words(&schema, name, column), expected, "{name}.{column}");
        }
        assert_eq!(words(&schema, "notification", "kind"), words(&schema, "delivery", "kind"));
    }
}
