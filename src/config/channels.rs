//! `[channels]` and `[delivery]`: what every channel has is read here, the rest is its own type's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::check::is_bad;
use super::compose::plain;
use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::{CHANNEL, CHANNEL_KEYS_LATER, CHANNEL_TYPES_LATER, Kind};
use super::settings::{ChannelConfig, ServerConfig};
use super::tree::{Entry, Node, Place, Table, Value};
use super::unknown::Unknown;
use super::wrong::wrong;
use crate::channels::{self, CHANNELS, ChannelType, Settings, SettingsProblem, Surroundings};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::names::ChannelName;
use crate::domain::rate::Rates;
use crate::domain::retry::{OnUnknown, RetryPolicy};
use crate::domain::suggest::{listed, nearest, question};
use crate::render::Templates;

/// `[delivery]`: what a channel has unless it says otherwise.
pub(super) struct Lanes<'a> {
    workers: usize,
    retry: &'a Table,
}

impl<'a> Lanes<'a> {
    pub(super) fn of(table: &'a Table, report: &mut Report<'_>) -> Self {
        let retry = table.table("retry");
        contradictions("delivery", &policy(RetryPolicy::default(), retry), retry, report);
        Self { workers: workers(table).unwrap_or(1), retry }
    }
}

fn workers(table: &Table) -> Option<usize> {
    table.count("workers").and_then(|count| usize::try_from(count).ok())
}

fn rates(table: &Table) -> Rates {
    Rates {
        channel: table.rate("rate"),
        recipient: table.rate("recipient_rate"),
        destination: table.rate("destination_rate"),
    }
}

/// `below`, with what `table` says over it.
pub(super) fn policy(below: RetryPolicy, table: &Table) -> RetryPolicy {
    RetryPolicy {
        base: table.duration("base").unwrap_or(below.base),
        cap: table.duration("cap").unwrap_or(below.cap),
        max_attempts: table
            .count("max_attempts")
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(below.max_attempts),
        max_age: table.duration("max_age").unwrap_or(below.max_age),
        jitter: table.share("jitter").unwrap_or(below.jitter),
        on_unknown: match table.text("on_unknown") {
            Some("hold") => OnUnknown::Hold,
            Some("retry") => OnUnknown::Retry,
            _ => below.on_unknown,
        },
    }
}

/// Reports a policy that contradicts itself, at a key that `table` has.
fn contradictions(path: &str, policy: &RetryPolicy, table: &Table, report: &mut Report<'_>) {
    let mut refuse = |keys: [&str; 2], what: &str| {
        let node = keys.iter().find_map(|key| table.get(key).filter(|node| !is_bad(node)));
        if let Some(node) = node {
            let what = format!("[{path}.retry] {what}");
            report.at(
                &node.place,
                Problem::new(Code::Contradiction, what).label("the first wait comes from base"),
            );
        }
    };
    if policy.base > policy.cap {
        refuse(["base", "cap"], "base is longer than cap");
    }
    if policy.base > policy.max_age {
        refuse(["max_age", "base"], "max_age ends before the second attempt");
    }
}

/// What became of `[channels]`.
#[derive(Default)]
pub(super) struct Channels {
    /// Those that can be built.
    pub(super) configured: BTreeMap<ChannelName, ChannelConfig>,
    /// Those with a problem: whoever names one is not told that it does not exist.
    pub(super) refused: BTreeSet<String>,
    /// Those of a type that a later version knows.
    pub(super) later: BTreeSet<String>,
}

/// What is needed to read a channel.
pub(super) struct Reading<'a> {
    pub(super) server: &'a ServerConfig,
    pub(super) templates: &'a Arc<Templates>,
    pub(super) lanes: &'a Lanes<'a>,
}

impl Reading<'_> {
    pub(super) fn all(&self, table: &Table, report: &mut Report<'_>) -> Channels {
        let mut channels = Channels::default();
        for entry in &table.entries {
            match self.one(entry, &mut channels, report) {
                Some(channel) => {
                    channels.configured.insert(ChannelName::from(entry.key.as_str()), channel);
                }
                None => {
                    channels.refused.insert(entry.key.clone());
                }
            }
        }
        channels
    }

    fn one(&self, entry: &Entry, channels: &mut Channels, report: &mut Report<'_>) -> Option<ChannelConfig> {
        let table = entry.node.table()?;
        let channel_type = self.channel_type(entry, table, channels, report)?;
        let provider = provider(entry, table, channel_type, report)?;
        let path = format!("channels.{}", entry.key);
        let retry = self.retry(&path, channel_type, table, report);
        let workers = workers(table).unwrap_or(self.lanes.workers);
        let excused = unknown_keys(&path, table, channel_type, &provider, report);
        let settings: Settings = own_settings(table, channel_type, &provider);
        let channel = ChannelConfig { channel_type, provider, workers, rates: rates(table), retry, settings };
        if let Err(problems) =
            channel_type.build(&channel.provider, &channel.settings, &self.surroundings(workers))
        {
            let mut blamed = Blame { entry, table, excused: &excused };
            for problem in &problems {
                blamed.report(problem, report);
            }
        }
        Some(channel)
    }

    fn surroundings(&self, workers: usize) -> Surroundings {
        Surroundings {
            server_name: self.server.name.as_str().to_owned(),
            public_url: self.server.public_url.clone(),
            outbox: Arc::default(),
            templates: Arc::clone(self.templates),
            locales: Arc::default(),
            workers,
            // A dry run: nothing is sent, so nobody asks for the time.
            links: None,
            clock: Clock::starting_at(Timestamp::UNIX_EPOCH),
        }
    }

    fn channel_type(
        &self,
        entry: &Entry,
        table: &Table,
        channels: &mut Channels,
        report: &mut Report<'_>,
    ) -> Option<&'static ChannelType> {
        let names = || CHANNELS.iter().map(|known| known.name());
        let Some(node) = table.get("type") else {
            let example = names().find(|name| *name == entry.key).unwrap_or("email");
            let problem = Problem::new(Code::Missing, format!("[channels.{}] needs a type", entry.key))
                .label(format!("add: type = \"{example}\""))
                .note(format!("types: {}", listed(names())));
            missing("type", entry, table, problem, report);
            return None;
        };
        let name = node.text()?;
        if let Some(known) = channels::channel_type(name) {
            return Some(known);
        }
        if CHANNEL_TYPES_LATER.contains(&name) {
            let what = format!("[channels.{}]: type \"{name}\" arrives in a later version", entry.key);
            let problem = Problem::new(Code::Later, what).label("this channel is left out");
            report.at(&node.place, problem.only_a_warning());
            channels.later.insert(entry.key.clone());
            return None;
        }
        let slip = nearest(name, names());
        let problem = Problem::new(Code::WrongValue, format!("type = {name:?} is not known")).label(format!(
            "write one of: {}.{}",
            listed(names()),
            question(slip)
        ));
        report.at(&node.place, problem);
        None
    }

    /// The channel's own words, over what the operator says of all, over what its type is best with.
    fn retry(
        &self,
        path: &str,
        channel_type: &'static ChannelType,
        table: &Table,
        report: &mut Report<'_>,
    ) -> RetryPolicy {
        let said = Table {
            entries: self
                .lanes
                .retry
                .entries
                .iter()
                .filter(|entry| !entry.node.is_default())
                .cloned()
                .collect(),
        };
        let own = table.table("retry");
        let retry = policy(policy(channel_type.retry(), &said), own);
        contradictions(path, &retry, own, report);
        retry
    }
}

/// Reports a key that is not there: as misspelt if it is, as missing otherwise.
fn missing(key: &str, entry: &Entry, table: &Table, problem: Problem, report: &mut Report<'_>) {
    let known: Vec<&str> = CHANNEL.names().collect();
    let slip = table.entries.iter().find(|other| {
        !known.contains(&other.key.as_str()) && strsim::damerau_levenshtein(&other.key, key) <= 1
    });
    match slip {
        Some(slip) => {
            let path = format!("channels.{}", entry.key);
            let unknown = Unknown { path: &path, known: &known, later: &[] };
            unknown.report(slip, report);
        }
        None => report.at(&entry.place, problem),
    }
}

fn provider(
    entry: &Entry,
    table: &Table,
    channel_type: &'static ChannelType,
    report: &mut Report<'_>,
) -> Option<String> {
    let providers = channel_type.providers();
    let Some(node) = table.get("provider") else {
        let problem = Problem::new(Code::Missing, format!("[channels.{}] needs a provider", entry.key))
            .label(format!("add: provider = \"{}\"", providers.first().unwrap_or(&"outbox")))
            .note(format!("providers of {}: {}", channel_type.name(), listed(providers.iter().copied())));
        missing("provider", entry, table, problem, report);
        return None;
    };
    let name = node.text()?;
    if !providers.contains(&name) {
        let slip = nearest(name, providers.iter().copied());
        let what = format!("provider = {name:?} is not known for type \"{}\"", channel_type.name());
        let problem = Problem::new(Code::WrongValue, what).label(format!(
            "write one of: {}.{}",
            listed(providers.iter().copied()),
            question(slip)
        ));
        report.at(&node.place, problem);
        return None;
    }
    Some(name.to_owned())
}

/// Reports keys that neither every channel nor this provider has. Returns keys that are not to be
/// reported as missing: those that were meant, and those with a problem already.
fn unknown_keys(
    path: &str,
    table: &Table,
    channel_type: &'static ChannelType,
    provider: &str,
    report: &mut Report<'_>,
) -> BTreeSet<String> {
    let known: Vec<&str> = CHANNEL.names().chain(channel_type.keys(provider).iter().copied()).collect();
    let unknown = Unknown { path, known: &known, later: CHANNEL_KEYS_LATER };
    let mut excused = BTreeSet::new();
    for entry in &table.entries {
        if is_bad(&entry.node) {
            excused.insert(entry.key.clone());
        } else if !known.contains(&entry.key.as_str()) {
            excused.extend(unknown.report(entry, report).map(|(meant, _)| meant));
        }
    }
    excused
}

fn own_settings(table: &Table, channel_type: &'static ChannelType, provider: &str) -> Settings {
    let mut own = table.clone();
    let keys = channel_type.keys(provider);
    own.entries.retain(|entry| keys.contains(&entry.key.as_str()));
    own.to_toml()
}

/// Says where a problem that the channel's type found lies in the file.
struct Blame<'a> {
    entry: &'a Entry,
    table: &'a Table,
    excused: &'a BTreeSet<String>,
}

impl<'a> Blame<'a> {
    fn report(&mut self, problem: &SettingsProblem, report: &mut Report<'_>) {
        let key = problem.key.as_deref();
        if key.is_some_and(|key| self.excused.contains(key)) {
            return;
        }
        let top = key.map(|key| key.split('.').next().unwrap_or(key));
        let node = top.and_then(|key| self.table.get(key));
        // Every channel's timeout is a duration, and a bare number is the usual slip.
        if let Some(node) = node.filter(|_| key == Some("timeout"))
            && let Some(problem) = wrong("timeout", Kind::Duration(1, 3_600_000), &node.value)
        {
            return report.at(&node.place, problem);
        }
        let code = match (key, node) {
            (Some(_), None) => Code::Missing,
            _ => Code::WrongValue,
        };
        let message = scrubbed(&problem.message, self.table);
        let what = match key {
            Some(key) => format!("[channels.{}] {key} {message}", self.entry.key),
            None => format!("[channels.{}] {message}", self.entry.key),
        };
        report.at(self.place(node), Problem::new(code, what));
    }

    /// The key's own value; else the provider that asks for the key; else the channel.
    fn place(&self, node: Option<&'a Node>) -> &'a Place {
        node.or_else(|| self.table.get("provider")).map_or(&self.entry.place, |node| &node.place)
    }
}

/// A message without any secret of the channel, should its type have quoted one.
fn scrubbed(message: &str, table: &Table) -> String {
    let mut message = message.to_owned();
    for entry in &table.entries {
        match &entry.node.value {
            Value::Secret(secret) if !secret.expose_secret().is_empty() => {
                message = message.replace(secret.expose_secret(), "***");
            }
            Value::Table(inner) => message = scrubbed(&message, inner),
            _ => {}
        }
    }
    message
}

/// Does a list hold only plain values?
pub(super) fn texts(node: &Node) -> Vec<(String, &Place)> {
    node.list().iter().filter_map(|item| Some((plain(&item.value)?, &item.place))).collect()
}
