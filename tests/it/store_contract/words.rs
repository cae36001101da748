//! The words in the schema are those of the enums.

use foghorn::domain::delivery::{DeadReason, DeliveryState};
use foghorn::domain::incident::{IncidentStatus, Transition};
use foghorn::domain::malformed::Malformation;
use foghorn::domain::notification::NotificationKind;
use foghorn::domain::severity::Severity;

const SCHEMAS: [&str; 2] = [
    include_str!("../../../migrations/sqlite/0001_ledger.sql"),
    include_str!("../../../migrations/postgres/0001_ledger.sql"),
];

/// The words of `CHECK (column IN (…))` in a table.
fn words(schema: &str, table: &str, column: &str) -> Vec<String> {
    let start = schema.find(&format!("CREATE TABLE {table} ")).expect(table);
    let check = format!("CHECK ({column} IN (");
    let rest = &schema[start..];
    let rest = &rest[rest.find(&check).expect(column) + check.len()..];
    let list = &rest[..rest.find(')').unwrap()];
    list.split(',').map(|word| word.trim().trim_matches('\'').to_owned()).collect()
}

#[test]
fn every_check_allows_exactly_the_words_of_its_enum() {
    let table: [(&str, &str, Vec<&str>); 7] = [
        ("delivery", "state", DeliveryState::ALL.map(DeliveryState::as_str).to_vec()),
        ("delivery", "dead_reason", DeadReason::ALL.map(DeadReason::as_str).to_vec()),
        ("delivery", "kind", NotificationKind::ALL.map(NotificationKind::as_str).to_vec()),
        ("incident", "status", IncidentStatus::ALL.map(IncidentStatus::as_str).to_vec()),
        ("incident", "severity", Severity::ALL.map(Severity::as_str).to_vec()),
        ("timeline", "kind", Transition::ALL.map(Transition::as_str).to_vec()),
        ("dead_letter", "reason", Malformation::ALL.map(Malformation::as_str).to_vec()),
    ];
    for schema in SCHEMAS {
        for (name, column, expected) in &table {
            assert_eq!(&words(schema, name, column), expected, "{name}.{column}");
        }
        assert_eq!(words(schema, "notification", "kind"), words(schema, "delivery", "kind"));
    }
}
