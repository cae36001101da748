//! What `foghorn top` knows, and how it is to be shown. Pure: snapshots and keys go in, rows come out.

use std::cmp::Ordering;
use std::collections::VecDeque;

use serde::Deserialize;

use super::metrics::Samples;
use crate::cli::shapes::Incident;
use crate::domain::Timestamp;

/// One look at the server.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) at: Timestamp,
    pub(super) samples: Samples,
    /// `None` while the store is away: nobody can say what waits.
    pub(super) status: Option<Status>,
}

/// What `/api/v1/status` says, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Status {
    pub(super) version: String,
    pub(super) started_at: Timestamp,
    pub(super) ready: bool,
    sources: Vec<KnownSource>,
    channels: Vec<KnownChannel>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct KnownSource {
    name: String,
    state: String,
    lag: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct KnownChannel {
    name: String,
    state: String,
    retrying: u64,
    dead: u64,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct TopModel {
    /// The newest last; a minute of them.
    looks: VecDeque<Snapshot>,
    /// The newest that there was.
    status: Option<Status>,
    pub(super) incidents: Vec<Incident>,
    /// Why the server is lost, if it is.
    pub(super) lost: Option<String>,
    pub(super) view: View,
}

/// How it is shown.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// 1–9.
    pub(super) sort: Option<(u8, Turn)>,
    pub(super) filter: String,
    pub(super) mode: Mode,
}

/// Which way a column is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// As a column is read first: names from A, numbers from the largest.
    First,
    Reversed,
}

/// What keys mean now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Watching,
    /// A filter is being typed.
    Typing,
    /// The keys are shown.
    Helping,
}

/// What somebody pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Letter(char),
    Enter,
    Escape,
    Backspace,
    Interrupt,
}

/// What follows from a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Draw,
    Quit,
}

/// Rates are over this long, so that they do not jump; and quantiles over the longer.
const RATE_OVER: i64 = 10;
const KEPT: i64 = 60;

/// A row of the table of sources.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) rate: f64,
    /// Of what has a broker.
    pub(super) lag: Option<u64>,
    pub(super) rejected: f64,
}

/// A row of the table of channels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) rate: f64,
    pub(super) p95: Option<f64>,
    pub(super) retrying: u64,
    pub(super) dead: u64,
}

impl TopModel {
    pub(super) fn look(&mut self, snapshot: Snapshot) {
        self.lost = None;
        let began = |snapshot: &Snapshot| snapshot.samples.sum("process_start_time_seconds", &[]);
        // A server that was started again counts from nothing.
        if self.looks.back().is_some_and(|last| began(last) != began(&snapshot)) {
            self.looks.clear();
        }
        if snapshot.status.is_some() {
            self.status.clone_from(&snapshot.status);
        }
        let oldest = snapshot.at.as_second() - KEPT;
        self.looks.push_back(snapshot);
        while self.looks.front().is_some_and(|look| look.at.as_second() < oldest) {
            self.looks.pop_front();
        }
    }

    pub(super) fn press(&mut self, key: Key) -> Next {
        let view = &mut self.view;
        match (view.mode, key) {
            (_, Key::Interrupt) => return Next::Quit,
            (Mode::Typing, Key::Letter(letter)) => view.filter.push(letter),
            (Mode::Typing, Key::Backspace) => drop(view.filter.pop()),
            (Mode::Typing, Key::Enter) => view.mode = Mode::Watching,
            (Mode::Typing | Mode::Watching, Key::Escape) => {
                view.filter.clear();
                view.mode = Mode::Watching;
            }
            (Mode::Helping, _) => view.mode = Mode::Watching,
            (Mode::Watching, Key::Letter('q')) => return Next::Quit,
            (Mode::Watching, Key::Letter('/')) => view.mode = Mode::Typing,
            (Mode::Watching, Key::Letter('?')) => view.mode = Mode::Helping,
            (Mode::Watching, Key::Letter(letter @ '1'..='9')) => {
                let column = letter as u8 - b'0';
                view.sort = Some(match view.sort {
                    Some((known, Turn::First)) if known == column => (column, Turn::Reversed),
                    _ => (column, Turn::First),
                });
            }
            (Mode::Watching, _) => {}
        }
        Next::Draw
    }

    pub(super) fn newest(&self) -> Option<&Snapshot> {
        self.looks.back()
    }

    /// The look that rates are counted from.
    fn earlier(&self) -> Option<&Snapshot> {
        let since = self.newest()?.at.as_second() - RATE_OVER;
        self.looks.iter().find(|look| look.at.as_second() >= since)
    }

    /// How much a counter grows in a second.
    pub(super) fn rate(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let Some((now, then)) = self.newest().zip(self.earlier()) else { return 0.0 };
        let millis = now.at.as_millisecond() - then.at.as_millisecond();
        if millis <= 0 {
            return 0.0;
        }
        let count = |look: &Snapshot| look.samples.sum(name, labels).unwrap_or(0.0);
        // Counts and milliseconds are far from where a float loses whole numbers.
        (count(now) - count(then)).max(0.0) / (millis as f64 / 1000.0)
    }

    /// What was last known of the whole; whether it is ready, only if that is known now.
    pub(super) fn status(&self) -> Option<(&Status, bool)> {
        let ready = self.newest().and_then(|look| look.status.as_ref()).is_some_and(|status| status.ready);
        Some((self.status.as_ref()?, ready))
    }

    pub(super) fn sources(&self) -> Vec<Source> {
        let Some((now, status)) = self.newest().zip(self.status.as_ref()) else { return Vec::new() };
        let row = |known: &KnownSource| {
            let of = [("source", known.name.as_str())];
            Source {
                name: known.name.clone(),
                state: word(&known.state),
                rate: self.rate("foghorn_events_received_total", &of),
                lag: known.lag,
                rejected: now.samples.sum("foghorn_events_rejected_total", &of).unwrap_or(0.0),
            }
        };
        let mut rows: Vec<Source> = status.sources.iter().map(row).collect();
        rows.retain(|row| self.shows(&[&row.name, &row.state]));
        sort(&mut rows, self.view.sort, |column, a, b| match column {
            1 => Some(a.name.cmp(&b.name)),
            2 => Some(a.state.cmp(&b.state)),
            3 => Some(b.rate.total_cmp(&a.rate)),
            4 => Some(b.lag.cmp(&a.lag)),
            5 => Some(b.rejected.total_cmp(&a.rejected)),
            _ => None,
        });
        rows
    }

    pub(super) fn channels(&self) -> Vec<Channel> {
        let looks = self.newest().zip(self.looks.front());
        let Some(((now, oldest), status)) = looks.zip(self.status.as_ref()) else { return Vec::new() };
        let row = |known: &KnownChannel| {
            let of = [("channel", known.name.as_str())];
            let took = "foghorn_delivery_attempt_duration_seconds";
            Channel {
                name: known.name.clone(),
                state: word(&known.state),
                rate: self.rate("foghorn_deliveries_total", &[of[0], ("result", "sent")]),
                p95: now.samples.quantile(&oldest.samples, took, &of, 0.95),
                retrying: known.retrying,
                dead: known.dead,
            }
        };
        let mut rows: Vec<Channel> = status.channels.iter().map(row).collect();
        rows.retain(|row| self.shows(&[&row.name, &row.state]));
        sort(&mut rows, self.view.sort, |column, a, b| match column {
            1 => Some(a.name.cmp(&b.name)),
            2 => Some(a.state.cmp(&b.state)),
            3 => Some(b.rate.total_cmp(&a.rate)),
            4 => Some(b.p95.unwrap_or(-1.0).total_cmp(&a.p95.unwrap_or(-1.0))),
            5 => Some(b.retrying.cmp(&a.retrying)),
            6 => Some(b.dead.cmp(&a.dead)),
            _ => None,
        });
        rows
    }

    /// Those that need somebody.
    pub(super) fn needing(&self) -> Vec<&Incident> {
        let mut rows: Vec<&Incident> = self.incidents.iter().collect();
        rows.retain(|incident| {
            let service = incident.service.as_deref().unwrap_or_default();
            let number = format!("#{}", incident.number);
            self.shows(&[&number, &incident.severity, &incident.status, service, &incident.title])
        });
        rows.sort_by_key(|incident| (rank(&incident.severity), std::cmp::Reverse(incident.number)));
        sort(&mut rows, self.view.sort, |column, a, b| match column {
            7 => Some(b.number.cmp(&a.number)),
            8 => Some(rank(&a.severity).cmp(&rank(&b.severity))),
            9 => Some(a.opened_at.cmp(&b.opened_at)),
            _ => None,
        });
        rows
    }

    fn shows(&self, words: &[&str]) -> bool {
        let wanted = self.view.filter.to_lowercase();
        words.iter().any(|word| word.to_lowercase().contains(&wanted))
    }
}

/// Leaves rows as they are if the column is none of theirs.
fn sort<T>(rows: &mut [T], by: Option<(u8, Turn)>, order: impl Fn(u8, &T, &T) -> Option<Ordering>) {
    let Some((column, turn)) = by else { return };
    rows.sort_by(|a, b| {
        let order = order(column, a, b).unwrap_or(Ordering::Equal);
        if turn == Turn::First { order } else { order.reverse() }
    });
}

/// What needs a look is loud, without any colour too.
fn word(state: &str) -> String {
    if state == "down" { "DOWN".to_owned() } else { state.to_owned() }
}

/// From the worst.
fn rank(severity: &str) -> usize {
    let all = ["critical", "high", "medium", "low", "info"];
    all.iter().position(|word| *word == severity).unwrap_or(all.len())
}
