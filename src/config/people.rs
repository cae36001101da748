//! `[users]` and `[teams]`.

use std::collections::BTreeSet;

use super::calendar::{preferences, quiet_hours, rotation, zone};
use super::channels::texts;
use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::Table;
use crate::domain::delivery::Address;
use crate::domain::names::{MessageType, UserName};
use crate::domain::people::{Role, Team, User, is_phone, is_slack_member};
use crate::domain::suggest::{listed, nearest, question};

/// `[users.NAME]`
pub(super) fn user(
    name: &str,
    table: &Table,
    tree: &Table,
    insistent: &BTreeSet<MessageType>,
    report: &mut Report<'_>,
) -> User {
    let mut address = |key: &str, what: &str, fits: fn(&str) -> bool, example: &str| {
        let node = table.get(key).filter(|node| node.text().is_some_and(|text| !text.is_empty()))?;
        let text = node.text()?;
        if !fits(text) {
            let problem = Problem::new(Code::WrongValue, format!("[users.{name}] {key} is no {what}"))
                .label(format!("write one such as \"{example}\""));
            report.at(&node.place, problem);
        }
        Some(Address::from(text))
    };
    let email = address("email", "mailbox", is_mailbox, "ada@example.com");
    let phone = address("phone", "phone number", is_phone, "+15550111");
    let slack = address("slack", "member id of Slack", is_slack_member, "U2CERLKJA");
    let devices = |key: &str| {
        let listed = table.get(key).map(texts).unwrap_or_default();
        listed.into_iter().map(|(token, _)| Address::from(token)).collect()
    };
    User {
        name: table.text("name").unwrap_or(name).to_owned(),
        email,
        phone,
        ios: devices("ios"),
        android: devices("android"),
        slack,
        role: table.text("role").and_then(Role::parse).unwrap_or_default(),
        timezone: zone(table),
        locale: locale(name, table, report),
        quiet_hours: quiet_hours(name, table, tree, report),
        preferences: preferences(name, table, tree, insistent, report),
    }
}

/// A language as browsers and phones name it; whether anybody speaks it is not asked.
fn locale(name: &str, table: &Table, report: &mut Report<'_>) -> Option<String> {
    let node = table.get("locale").filter(|node| node.text().is_some_and(|text| !text.is_empty()))?;
    let text = node.text()?;
    let mut parts = text.split('-');
    let language = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase());
    let more = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if !parts.next().is_some_and(language) || !parts.all(more) {
        let problem = Problem::new(Code::WrongValue, format!("[users.{name}] locale is no language"));
        report.at(&node.place, problem.label("write one such as \"en-GB\""));
    }
    Some(text.to_owned())
}

/// One mailbox; whether it exists only its server knows.
fn is_mailbox(text: &str) -> bool {
    let odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, ',' | ';' | '<' | '>')
    };
    text.len() <= 254
        && !text.contains(odd)
        && !text.starts_with('-')
        && text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// `[teams.NAME]`
pub(super) fn team(name: &str, table: &Table, tree: &Table, report: &mut Report<'_>) -> Team {
    let members = table.get("members").map(texts).unwrap_or_default();
    let users = tree.table("users");
    for (member, place) in &members {
        if !users.has(member) {
            let what = format!("team \"{name}\" has the member \"{member}\", who does not exist");
            report.at(place, stranger(what, member, users));
        }
    }
    let members: Vec<_> = members.into_iter().map(|(member, _)| UserName::from(member)).collect();
    let rotation = rotation(name, table, &members, tree, report);
    Team { members, rotation }
}

/// A problem about somebody of `table` who does not exist.
pub(super) fn stranger(what: String, name: &str, table: &Table) -> Problem {
    let names: Vec<&str> = table.entries.iter().map(|entry| entry.key.as_str()).collect();
    let slip = nearest(name, names.iter().copied());
    Problem::new(Code::UnknownPerson, what).note(format!("known: {}.{}", listed(names), question(slip)))
}
