//! When people are on call and when they want to hear: `rotation` and `overrides` of a team,
//! `quiet_hours` and `preferences` of a user, and `[notifications]`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::channels::texts;
use super::check::is_bad;
use super::people::stranger;
use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::SEVERITIES;
use super::tree::{Entry, Node, Place, Table};
use super::values::{self, Moment};
use crate::domain::Timestamp;
use crate::domain::hearing::Preferences;
use crate::domain::names::{ChannelName, MessageType, UserName};
use crate::domain::quiet::{EXCEPT, QuietHours};
use crate::domain::rotation::{Override, Rotation, Turn};
use crate::domain::severity::Severity;
use crate::domain::suggest::{listed, nearest, question};

/// `timezone` of a table; a wrong one is reported already.
pub(super) fn zone(table: &Table) -> Option<TimeZone> {
    TimeZone::get(table.text("timezone")?).ok()
}

/// The date and time behind `key`.
pub(super) fn moment(table: &Table, key: &str) -> Option<Moment> {
    values::moment(table.get(key)?.date()?)
}

/// Reports that `key` is missing from what `entry` names, unless it is there and reported.
pub(super) fn needs(
    table: &Table,
    key: &str,
    example: &str,
    what: &str,
    place: &Place,
    report: &mut Report<'_>,
) {
    if !table.has(key) {
        let problem = Problem::new(Code::Missing, format!("{what} needs {key}"));
        report.at(place, problem.label(format!("add: {key} = {example}")));
    }
}

/// From one moment to another, if the second one is later.
pub(super) fn span(
    table: &Table,
    zone: &TimeZone,
    what: &str,
    report: &mut Report<'_>,
) -> Option<(Option<Timestamp>, Timestamp)> {
    let from = moment(table, "from").and_then(|from| from.timestamp(zone));
    let until = moment(table, "until").and_then(|until| until.timestamp(zone))?;
    if let Some(from) = from.filter(|from| *from >= until) {
        let node = table.get("until")?;
        let problem = Problem::new(Code::Contradiction, format!("{what} ends before it begins"));
        report.at(&node.place, problem.label(format!("write a moment after {from}")));
        return None;
    }
    Some((from, until))
}

/// `rotation` and `overrides` of `[teams.NAME]`.
pub(super) fn rotation(
    name: &str,
    team: &Table,
    members: &[UserName],
    tree: &Table,
    report: &mut Report<'_>,
) -> Option<Rotation> {
    let Some(entry) = team.entry("rotation") else {
        if let Some(entry) = team.entry("overrides") {
            let what = format!("team \"{name}\" has overrides and no rotation");
            let problem = Problem::new(Code::Missing, what).label(format!("add: {ROTATION}"));
            report.at(&entry.place, problem);
        }
        return None;
    };
    let table = entry.node.table()?;
    let what = format!("the rotation of team \"{name}\"");
    needs(table, "every", "\"7d\"", &what, &entry.place, report);
    needs(table, "starts", "\"2026-01-05T09:00:00\"", &what, &entry.place, report);
    let zone = zone(table).or_else(|| zone(tree.table("server"))).unwrap_or(TimeZone::UTC);
    let order = order(name, table, members, tree, &entry.place, report);
    let overrides = overrides(name, team, &zone, tree, report);
    Some(Rotation {
        every: Turn::of(table.duration("every")?),
        starts: moment(table, "starts")?.local(&zone),
        zone,
        order,
        overrides,
    })
}

/// What to write where a team has none.
pub(super) const ROTATION: &str = r#"rotation = { every = "7d", starts = "2026-01-05T09:00:00" }"#;

fn order(
    name: &str,
    table: &Table,
    members: &[UserName],
    tree: &Table,
    place: &Place,
    report: &mut Report<'_>,
) -> Vec<UserName> {
    let written = table.get("order");
    let order = match written {
        None => members.to_vec(),
        Some(node) => {
            let users = tree.table("users");
            let listed = texts(node);
            for (user, place) in listed.iter().filter(|(user, _)| !users.has(user)) {
                let what = format!("\"{user}\" is in the rotation of team \"{name}\" and does not exist");
                report.at(place, stranger(what, user, users));
            }
            listed.into_iter().map(|(user, _)| UserName::from(user)).collect()
        }
    };
    if order.is_empty() && !written.is_some_and(is_bad) {
        let problem = Problem::new(Code::Missing, format!("nobody is in the rotation of team \"{name}\""));
        report.at(place, problem.label("add: order = [\"NAME\"], or members to the team"));
    }
    order
}

fn overrides(
    name: &str,
    team: &Table,
    zone: &TimeZone,
    tree: &Table,
    report: &mut Report<'_>,
) -> Vec<Override> {
    let users = tree.table("users");
    let mut overrides = Vec::new();
    for node in team.get("overrides").map(Node::list).unwrap_or_default() {
        let Some(table) = node.table() else { continue };
        let what = format!("an override of team \"{name}\"");
        for (key, example) in
            [("user", "\"NAME\""), ("from", "\"2026-12-24T09:00:00\""), ("until", "\"2026-12-27T09:00:00\"")]
        {
            needs(table, key, example, &what, &node.place, report);
        }
        let span = span(table, zone, &what, report);
        let Some((user, place)) = table.get("user").and_then(|node| Some((node.text()?, &node.place))) else {
            continue;
        };
        if !users.has(user) {
            let what = format!("\"{user}\" stands in for team \"{name}\" and does not exist");
            report.at(place, stranger(what, user, users));
        }
        if let Some((Some(from), until)) = span {
            overrides.push(Override { user: user.into(), from, until });
        }
    }
    overrides
}

/// `quiet_hours` of `[users.NAME]`.
pub(super) fn quiet_hours(
    name: &str,
    user: &Table,
    tree: &Table,
    report: &mut Report<'_>,
) -> Option<QuietHours> {
    let entry = user.entry("quiet_hours")?;
    let table = entry.node.table()?;
    let what = format!("quiet_hours of user \"{name}\"");
    needs(table, "from", "\"22:00\"", &what, &entry.place, report);
    needs(table, "to", "\"07:00\"", &what, &entry.place, report);
    let except = table.get("except").map_or_else(|| EXCEPT.to_vec(), |node| severities(node, report));
    let clock = |key: &str| values::clock(table.get(key)?.date()?);
    let (from, to) = (clock("from")?, clock("to")?);
    if from == to {
        let problem = Problem::new(Code::WrongValue, format!("{what} end when they begin"));
        let place = &table.get("to")?.place;
        report.at(place, problem.label("write another time: this could be never, or always"));
        return None;
    }
    let zone = zone(table).or_else(|| zone(user)).or_else(|| zone(tree.table("server")));
    Some(QuietHours { from, to, zone: zone.unwrap_or(TimeZone::UTC), except })
}

fn severities(node: &Node, report: &mut Report<'_>) -> Vec<Severity> {
    let severity = |(text, place): (String, &Place)| {
        let found = Severity::ALL.into_iter().find(|known| known.as_str() == text);
        if found.is_none() {
            let slip = nearest(&text, SEVERITIES.iter().copied());
            let known = listed(SEVERITIES.iter().copied());
            let problem = Problem::new(Code::WrongValue, format!("severity {text:?} is not known"));
            report.at(place, problem.label(format!("write one of: {known}.{}", question(slip))));
        }
        found
    };
    texts(node).into_iter().filter_map(severity).collect()
}

/// `preferences` of `[users.NAME]`.
pub(super) fn preferences(
    name: &str,
    user: &Table,
    tree: &Table,
    insistent: &BTreeSet<MessageType>,
    report: &mut Report<'_>,
) -> Preferences {
    let table = user.table("preferences");
    let channels = tree.table("channels");
    for entry in table.table("channels").entries.iter().filter(|entry| !channels.has(&entry.key)) {
        let names: Vec<&str> = channels.entries.iter().map(|entry| entry.key.as_str()).collect();
        let slip = nearest(&entry.key, names.iter().copied());
        let what = format!("user \"{name}\" has a preference for channel \"{}\", which is none", entry.key);
        let problem = Problem::new(Code::UnknownChannel, what);
        report.at(&entry.place, problem.note(format!("channels: {}.{}", listed(names), question(slip))));
    }
    let types: BTreeMap<_, _> = switches(table.table("types"), |of| MessageType::from(of));
    for entry in table.table("types").entries.iter() {
        let of = MessageType::from(entry.key.as_str());
        if insistent.contains(&of) && types.get(&of) == Some(&false) {
            let what = format!("user \"{name}\" hears of {of} all the same");
            let problem = Problem::new(Code::Contradiction, what).only_a_warning();
            report.at(&entry.place, problem.label(format!("[notifications.{of}] mutable = false")));
        }
    }
    Preferences { channels: switches(table.table("channels"), |channel| ChannelName::from(channel)), types }
}

fn switches<K: Ord>(table: &Table, name: impl Fn(&str) -> K) -> BTreeMap<K, bool> {
    let switch = |entry: &Entry| Some((name(&entry.key), table.switch(&entry.key)?));
    table.entries.iter().filter_map(switch).collect()
}

/// `[notifications.TYPE] mutable = false`: the types that nobody can turn off.
pub(super) fn insistent(tree: &Table) -> BTreeSet<MessageType> {
    let entries = tree.table("notifications").entries.iter();
    let insists =
        |entry: &&Entry| entry.node.table().and_then(|table| table.switch("mutable")) == Some(false);
    entries.filter(insists).map(|entry| MessageType::from(entry.key.as_str())).collect()
}
