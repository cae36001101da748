//! Shifts as a calendar (RFC 5545) that phones and mail programs subscribe to.
//!
//! A shift keeps its UID as long as its person and its beginning stay: what changes later is moved,
//! and never there twice. Times are UTC, which every program shows on its owner's clocks.

use icalendar::{Calendar, Component, Event, Property};

use super::sanitize::{SUBJECT, line};
use crate::domain::Timestamp;
use crate::domain::on_call::{Roster, Watch};
use crate::domain::rotation::Because;

/// The calendar of a team, made at `now`.
pub fn of(roster: &Roster, now: Timestamp) -> String {
    let mut calendar = Calendar::empty();
    for (key, value) in [("VERSION", "2.0"), ("PRODID", "-//Foghorn//On call//EN"), ("METHOD", "PUBLISH")] {
        calendar.append_property(Property::new(key, value));
    }
    calendar.name(&format!("On call: {}", roster.team));
    for event in roster.shifts.iter().filter_map(|watch| event(&roster.team, watch, now)) {
        calendar.push(event);
    }
    calendar.to_string()
}

/// A shift of nobody is no entry, and neither is one without an end.
fn event(team: &str, watch: &Watch, now: Timestamp) -> Option<Event> {
    let (user, from, until) = (watch.user.as_deref()?, watch.from?, watch.until?);
    let name = line(watch.name.as_deref().unwrap_or(user), SUBJECT);
    let why = match watch.because {
        Because::Override => " (standing in)",
        Because::Turn | Because::NotYet => "",
    };
    let mut event = Event::new();
    event
        .uid(&format!("oncall-{team}-{}-{user}@foghorn", from.as_second()))
        .summary(&format!("{name} is on call for {team}{why}"))
        .add_property("DTSTAMP", utc(now))
        .add_property("DTSTART", utc(from))
        .add_property("DTEND", utc(until))
        // Whoever is on call has other things to do too.
        .add_property("TRANSP", "TRANSPARENT");
    Some(event.done())
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn watch(user: &str, name: &str, from: i64) -> Watch {
        let at = |second| Timestamp::from_second(second).ok();
        Watch {
            user: Some(user.to_owned()),
            name: Some(name.to_owned()),
            from: at(from),
            until: at(from + 604_800),
            because: Because::Turn,
        }
    }

    #[test]
    fn what_is_written_is_read_back_whatever_people_are_called() {
        let names = [
            "Ada Lovelace",
            "Ada, Countess; of \\ \"Lovelace\"",
            "x\r\nBEGIN:VEVENT\r\nUID:evil",
            &"Ä長".repeat(90),
        ];
        let shifts: Vec<Watch> =
            names.iter().zip(0..).map(|(name, at)| watch("ada", name, at * 604_800)).collect();
        let nobody = Watch { user: None, from: None, ..watch("", "", 0) };
        let roster = Roster {
            team: "payments".to_owned(),
            timezone: "UTC".to_owned(),
            shifts: [vec![nobody], shifts].concat(),
        };
        let text = of(&roster, Timestamp::UNIX_EPOCH);
        for written in text.split("\r\n") {
            assert!(written.len() <= 75 && !written.contains(['\r', '\n']), "{written:?}");
        }
        let read = Calendar::from_str(&text).expect("it is a calendar");
        let events: Vec<&Event> = read.events().collect();
        assert_eq!(events.len(), names.len(), "{text}");
        for ((event, name), number) in events.iter().zip(names).zip(0_i64..) {
            let expected = format!("{} is on call for payments", line(name, SUBJECT));
            assert_eq!(event.get_summary(), Some(expected.as_str()));
            let uid = format!("oncall-payments-{}-ada@foghorn", number * 604_800);
            assert_eq!(event.get_uid(), Some(uid.as_str()));
            let start = event.property_value("DTSTART").map(str::to_owned);
            assert_eq!(start, Timestamp::from_second(number * 604_800).ok().map(utc));
        }
    }
}
