//! `[silences.NAME]`: when nobody is told of what.

use jiff::tz::TimeZone;

use super::calendar::{needs, span, zone};
use super::matching::matches;
use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::{Entry, Table};
use crate::domain::names::SilenceName;
use crate::domain::silence::Silence;

/// Every silence, in the order of the file.
pub(super) fn read(tree: &Table, report: &mut Report<'_>) -> Vec<Silence> {
    let zone = zone(tree.table("server")).unwrap_or(TimeZone::UTC);
    let entries = tree.table("silences").entries.iter();
    entries.filter_map(|entry| silence(entry, &zone, report)).collect()
}

fn silence(entry: &Entry, zone: &TimeZone, report: &mut Report<'_>) -> Option<Silence> {
    let table = entry.node.table()?;
    let what = format!("silence \"{}\"", entry.key);
    needs(table, "until", "\"2026-12-24T09:00:00\"", &what, &entry.place, report);
    let example = r#"{ service = ["checkout-*"] }"#;
    needs(table, "match", example, &what, &entry.place, report);
    let found = matches(table.table("match"), "", report);
    if let Some(node) = table.get("match").filter(|node| node.table().is_some_and(|it| it.entries.is_empty()))
    {
        let problem = Problem::new(Code::Missing, format!("{what} would silence everything"));
        let fix = r#"say what it is for; if everything is meant: match = { severity = "*" }"#;
        report.at(&node.place, problem.label(fix));
    }
    let (from, until) = span(table, zone, &what, report)?;
    Some(Silence {
        name: SilenceName::from(entry.key.as_str()),
        matches: found,
        from,
        until,
        comment: table.text("comment").unwrap_or_default().to_owned(),
        by: table.text("by").unwrap_or_default().to_owned(),
    })
}
