//! Every format, and everything that is bad about what its sender may say: empty, of a wrong type, without
//! what is required, too large, of an unknown version, said twice, played back, signed by somebody else, by a
//! clock that is wrong. Through the real door, to the exact answer; nothing is kept of it that should not be,
//! and the next good one works.
//!
//! The table cannot miss a cell: each row has a field for each kind of bad input, and each format, as the
//! compiler sees, has its rows. A cell that a format cannot have says why.

mod ground;
mod rows;
mod signed;

use foghorn::clock::Clock;
use foghorn::formats::Format;
use reqwest::Method;
use serde_json::Value;

use ground::Ground;

/// A request of a sender.
#[derive(Debug, Clone)]
struct Ask {
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Ask {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same without this header.
    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// The same, said now.
    fn now(&self) -> Self {
        let moment = Clock::system().now().to_string();
        let mut ask = self.clone();
        for (_, value) in &mut ask.headers {
            *value = value.replace(NOW, &moment);
        }
        ask.body = String::from_utf8_lossy(&ask.body).replace(NOW, &moment).into_bytes();
        ask
    }

    fn saying(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// What is answered.
#[derive(Debug, Clone)]
enum Told {
    /// This status, and this JSON.
    Json(u16, Value),
    /// This status, and a problem with this code, this detail, and these errors: where and what.
    Problem(u16, &'static str, &'static str, &'static [(&'static str, &'static str)]),
    /// This status, and these words of Opsgenie.
    Opsgenie(u16, &'static str),
    /// This status, and nothing.
    Nothing(u16),
    /// This status, and one event with this result.
    Event(u16, &'static str),
    /// It is taken, and kept as a dead letter for a reason that begins so.
    Kept(&'static str),
}

/// A bad request and its answer; or why there is none.
enum Cell {
    Bad(Ask, Told),
    /// It is taken all the same: one thing is wrong more, and over once its end is said.
    Taken(Ask, Told, Ask),
    /// It is said once and kept, and then once more.
    Again(Ask, Told),
    Never(&'static str),
}

/// Said twice: what is answered, and how many events the incident has then.
struct Twice(Told, u64);

/// A format at its door.
struct Row {
    name: &'static str,
    /// Says that the thing of this name is wrong.
    good: fn(&str) -> Ask,
    /// The status of the answer.
    taken: u16,
    empty: Cell,
    wrong_type: Cell,
    missing_required: Cell,
    oversize: Cell,
    unknown_version: Cell,
    duplicate: Twice,
    replayed_signature: Cell,
    bad_signature: Cell,
    clock_skew: Cell,
}

impl Row {
    /// Each cell with its name.
    fn cells(&self) -> [(&'static str, &Cell); 8] {
        // Whoever adds a kind of bad input is told here that it is not looked at.
        let Self {
            name: _,
            good: _,
            taken: _,
            duplicate: _,
            empty,
            wrong_type,
            missing_required,
            oversize,
            unknown_version,
            replayed_signature,
            bad_signature,
            clock_skew,
        } = self;
        [
            ("empty", empty),
            ("wrong type", wrong_type),
            ("missing required", missing_required),
            ("oversize", oversize),
            ("unknown version", unknown_version),
            ("replayed signature", replayed_signature),
            ("bad signature", bad_signature),
            ("clock skew", clock_skew),
        ]
    }
}

/// Stands for the moment in which it is said, by our own clock.
const NOW: &str = "{now}";
/// A moment that no clock should show yet.
const FAR_AHEAD: &str = "2099-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_answers_every_bad_input_and_takes_the_next_good_one() {
    let ground = Ground::start().await;
    let mut wrong = Vec::new();
    // Every word for a format, those too that say less than all of one.
    for word in foghorn::formats::FORMATS {
        for row in rows::of(Format::named(word)) {
            hold(&ground, &row, &mut wrong).await;
        }
    }
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
    ground.end().await;
}

async fn hold(ground: &Ground, row: &Row, wrong: &mut Vec<String>) {
    let mut told = |cell: &str, why: String| wrong.push(format!("{}, {cell}: {why}", row.name));
    for (number, (name, cell)) in row.cells().into_iter().enumerate() {
        let before = ground.open().await;
        match cell {
            Cell::Never(why) => assert!(!why.is_empty()),
            Cell::Bad(ask, answer) => {
                if let Err(why) = ground.judged(ask, answer).await {
                    told(name, why);
                }
                let after = ground.open().await;
                if after != before {
                    told(name, format!("{before} incidents became {after}"));
                }
            }
            Cell::Again(ask, answer) => {
                ground.ask(ask).await;
                if let Err(why) = ground.judged(ask, answer).await {
                    told(name, why);
                }
                let after = ground.open().await;
                if after != before + 1 {
                    told(name, format!("{before} open incidents became {after}"));
                }
            }
            Cell::Taken(ask, answer, end) => {
                if let Err(why) = ground.judged(ask, answer).await {
                    told(name, why);
                }
                let between = ground.open().await;
                let ended = ground.ask(&end.now()).await;
                let after = ground.open().await;
                if (between, after) != (before + 1, before) {
                    told(name, format!("{before} → {between} → {after} open incidents: {ended:?}"));
                }
            }
        }
        let good = format!("{} after {number}", row.name);
        let answer = ground.ask(&(row.good)(&good)).await;
        if answer.status != row.taken || !ground.has(&good).await {
            told(name, format!("the next good one: {answer:?}"));
        }
    }
    let twice = format!("{} twice", row.name);
    let ask = (row.good)(&twice);
    ground.ask(&ask).await;
    if let Err(why) = ground.judged(&ask, &row.duplicate.0).await {
        told("duplicate", why);
    }
    let counts = ground.event_counts(&twice).await;
    if counts != [row.duplicate.1] {
        told("duplicate", format!("events of its incidents: {counts:?}"));
    }
}
