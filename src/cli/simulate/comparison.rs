//! One event as both configurations take it, and how that is told.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use super::super::age::moment;
use super::super::print::Printer;
use super::super::route::after;
use super::past::{Keeper, Seen};
use super::side::{Both, One};
use crate::domain::event::EventStatus;
use crate::domain::malformed::Malformation;
use crate::domain::route_test;

/// What becomes of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Heard {
    /// Why it would be a dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// The rule that lets it go.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedup_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    pub(super) told: BTreeSet<Told>,
}

/// One message that would leave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Told {
    after_s: u64,
    channel: String,
    pub(super) recipient: String,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matter {
    /// It opens an incident, by one of the two.
    Opens,
    /// It tells people directly.
    Tells,
    /// Only one of the two makes an event of it.
    IsRead,
    /// Nobody would hear of it anew.
    Nothing,
}

/// What both make of an event.
pub(super) struct Compared {
    /// Of a record that holds several, which.
    part: Option<usize>,
    title: String,
    pub(super) matter: Matter,
    pub(super) before: Heard,
    pub(super) after: Heard,
}

/// Compares event by event, and keeps in mind what is open.
#[derive(Default)]
pub(super) struct Comparing {
    open: Open,
}

impl Comparing {
    /// Each event of a record.
    pub(super) fn each(&mut self, Both { seen, before, after }: &Both) -> Vec<Compared> {
        let nothing = One::default();
        let count = before.len().max(after.len());
        let each = (0..count).map(|at| {
            // One may see more events in it than the other.
            let (before, after) = (before.get(at).unwrap_or(&nothing), after.get(at).unwrap_or(&nothing));
            let mut compared = Compared::of(before, after, (count > 1).then_some(at + 1));
            let status = [after, before].into_iter().find_map(|one| Some(one.event.as_ref()?.status));
            if seen.keeper == Keeper::Sender && self.open.has(&compared, status) {
                compared.matter = Matter::Nothing;
            }
            compared
        });
        each.collect()
    }
}

impl Heard {
    fn of(one: &One) -> Self {
        let told = |told: &[route_test::Told]| -> BTreeSet<Told> {
            let each = told.iter().map(|told| Told {
                after_s: told.after_s,
                channel: told.channel.clone(),
                recipient: told.recipient.clone(),
            });
            each.collect()
        };
        let (refused, ignored) = (one.refused.clone(), one.ignored.clone());
        let mut heard = Self { refused, ignored, ..Self::default() };
        heard.dedup_key = one.event.as_ref().map(|event| event.dedup_key.clone());
        if let (true, Some(answer)) = (opens(one), &one.would) {
            heard.severity = Some(answer.severity.as_str().to_owned());
            heard.route.clone_from(&answer.route);
            heard.policy.clone_from(&answer.policy);
            heard.told = if answer.silence.is_none() { told(&answer.told) } else { BTreeSet::new() };
        }
        if let Some(answer) = &one.would_tell {
            let unroutable = answer.is_unroutable.then(|| Malformation::Unroutable.as_str().to_owned());
            heard.refused = heard.refused.or(unroutable);
            heard.told = told(&answer.told);
        }
        heard
    }
}

impl Heard {
    /// Why nobody hears of it.
    fn unheard(&self) -> (Option<&str>, Option<&str>) {
        (self.refused.as_deref(), self.ignored.as_deref())
    }
}

fn opens(one: &One) -> bool {
    one.event.as_ref().is_some_and(|event| event.status == EventStatus::Open)
}

impl Compared {
    fn of(before: &One, after: &One, part: Option<usize>) -> Self {
        let title = [after, before].into_iter().find_map(|one| {
            let of_event = one.event.as_ref().map(|event| event.title.clone());
            let said = one.notification.as_ref();
            of_event.or_else(|| said.and_then(|said| said.subject.clone().or_else(|| said.template.clone())))
        });
        let (heard_before, heard_after) = (Heard::of(before), Heard::of(after));
        let matter = match () {
            () if opens(before) || opens(after) => Matter::Opens,
            () if before.notification.is_some() || after.notification.is_some() => Matter::Tells,
            () if heard_before.unheard() != heard_after.unheard() => Matter::IsRead,
            () => Matter::Nothing,
        };
        Self { part, title: title.unwrap_or_default(), matter, before: heard_before, after: heard_after }
    }

    /// Would somebody hear of it differently?
    pub(super) fn differs(&self) -> bool {
        self.matter != Matter::Nothing && self.before != self.after
    }

    /// For people or for machines.
    pub(super) fn tell<W: Write>(&self, seen: &Seen, json: bool, out: &mut Printer<W>) -> io::Result<()> {
        if json {
            return out.json(&self.as_json(seen));
        }
        self.as_text(seen).iter().try_for_each(|line| out.line(line))
    }

    fn as_json(&self, seen: &Seen) -> String {
        let mut object = json!({
            "event": seen.name, "source": seen.source, "at": seen.at, "title": self.title,
            "before": self.before, "after": self.after,
        });
        if let Some(part) = self.part {
            object["part"] = json!(part);
        }
        object.to_string()
    }

    fn as_text(&self, seen: &Seen) -> Vec<String> {
        let Self { title, before, after: now, .. } = self;
        let part = self.part.map(|part| format!(", part {part}")).unwrap_or_default();
        let mut lines = vec![format!("{}{part}  {}  {}  {title}", seen.name, moment(seen.at), seen.source)];
        let mut changed = |what: &str, before: &Option<String>, after: &Option<String>| {
            let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "none".to_owned());
            if before != after {
                lines.push(format!("   {what:<10} {} → {}", word(before), word(after)));
            }
        };
        changed("refused", &before.refused, &now.refused);
        changed("ignored", &before.ignored, &now.ignored);
        changed("severity", &before.severity, &now.severity);
        changed("dedup_key", &before.dedup_key, &now.dedup_key);
        changed("route", &before.route, &now.route);
        changed("policy", &before.policy, &now.policy);
        let line = |mark: char, told: &Told| {
            format!("   {mark} {:<8} {:<12} {}", after(told.after_s), told.channel, told.recipient)
        };
        lines.extend(before.told.difference(&now.told).map(|told| line('-', told)));
        lines.extend(now.told.difference(&before.told).map(|told| line('+', told)));
        lines
    }
}

/// What is open by what a sender said so far, of which nobody is told again; the store knows by itself.
#[derive(Default)]
struct Open(HashSet<String>);

impl Open {
    /// Incidents that are kept in mind at the most; beyond, some are counted twice.
    const MOST: usize = 100_000;

    /// Is the event about an incident that was open before it?
    fn has(&mut self, both: &Compared, status: Option<EventStatus>) -> bool {
        let Some(key) = both.before.dedup_key.as_ref().or(both.after.dedup_key.as_ref()) else {
            return false;
        };
        match status {
            Some(EventStatus::Resolved) => {
                self.0.remove(key);
                false
            }
            Some(EventStatus::Open) if self.0.len() < Self::MOST => !self.0.insert(key.clone()),
            _ => self.0.contains(key),
        }
    }
}
