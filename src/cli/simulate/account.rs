//! What became of all events together.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use super::super::age::moment;
use super::super::lists::counted;
use super::super::print::{Printer, overwrite};
use super::comparison::{Compared, Matter};
use crate::domain::Timestamp;

/// How many of what.
#[derive(Debug, Default, Serialize)]
pub(super) struct Account {
    /// Records that were read.
    records: u64,
    /// Events that open an incident, by one of the two.
    openings: u64,
    /// Those that tell people directly.
    notifications: u64,
    /// Those of which somebody hears differently.
    different: u64,
    /// Messages by the one.
    messages_before: u64,
    /// Messages by the other.
    messages_after: u64,
    /// More or fewer messages, by whom they are to.
    recipients: BTreeMap<String, i64>,
    /// How far it is on the terminal.
    #[serde(skip)]
    shown: u64,
    /// When the newest record came.
    #[serde(skip)]
    until: Option<Timestamp>,
}

impl Account {
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// A record of this moment.
    pub(super) fn read(&mut self, at: Timestamp) {
        self.records += 1;
        self.until = self.until.max(Some(at));
    }

    pub(super) fn add(&mut self, both: &Compared) {
        match both.matter {
            Matter::Opens => self.openings += 1,
            Matter::Tells => self.notifications += 1,
            Matter::IsRead => {}
            Matter::Nothing => return,
        }
        self.different += u64::from(both.differs());
        self.messages_before += both.before.told.len() as u64;
        self.messages_after += both.after.told.len() as u64;
        for (told, by) in
            both.before.told.iter().map(|told| (told, -1)).chain(both.after.told.iter().map(|told| (told, 1)))
        {
            *self.recipients.entry(told.recipient.clone()).or_default() += by;
        }
    }

    /// On a terminal, in place.
    pub(super) fn progress(&mut self) {
        if io::stderr().is_terminal() && self.records > self.shown {
            self.shown = self.records;
            let until = self.until.map(|until| format!(", up to {}", moment(until))).unwrap_or_default();
            overwrite(&format!("{} read{until}, {} heard of differently", self.records, self.different));
        }
    }

    /// The last lines.
    pub(super) fn tell<W: Write>(&self, json: bool, out: &mut Printer<W>) -> io::Result<()> {
        if json {
            return out.json(&json!({ "summary": self }).to_string());
        }
        self.lines().iter().try_for_each(|line| out.line(line))
    }

    fn lines(&self) -> Vec<String> {
        let direct = match self.notifications {
            0 => String::new(),
            some => format!(" {some} would tell people directly,"),
        };
        let mut lines = vec![format!(
            "{} read, {} would open an incident,{direct} {} heard of differently: {} before, {} after",
            counted(self.records, "record", "records"),
            self.openings,
            self.different,
            counted(self.messages_before, "message", "messages"),
            self.messages_after
        )];
        let changed = self.recipients.iter().filter(|(_, by)| **by != 0);
        lines.extend(changed.map(|(who, by)| format!("   {by:+}  {who}")));
        lines
    }
}
