//! `foghorn ingest`: JSON lines to a running Foghorn, in batches, each taken once.
//!
//! A line is a record as its source would have it. A batch is answered when it is on stable storage, and told by
//! what is in it and where it lies: the same file handed over once more, or from a line on, changes nothing that was
//! taken before. A record of our own that has no id gets one of its line and what it says.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::signal::ctrl_c;
use tokio::time::sleep;

use super::Exit;
use super::client::{Session, name};
use super::connection::{Failure, Handed, Place};
use super::lists::{counted, parsed};
use super::print::{overwrite, refuse, say};
use super::records::{self, Lines, Record};
use crate::catalogue::Code;
use crate::formats::native::fnv1a;

/// Most records of one request.
const AT_ONCE: usize = 500;
/// Most bytes of one request; the server takes 1 MiB unless told otherwise.
const BYTES_AT_ONCE: usize = 512 << 10;
/// The first wait for room, doubled up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait for room.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often there may be no room before that is the end.
const MOST_WAITS: u32 = 12;

/// `foghorn ingest`
#[derive(Debug, Clone, Args)]
pub struct IngestArgs {
    /// JSON lines, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// They are records of this source, and read as it reads its own: by its format, and its mapper
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub source: Option<String>,
    /// Go on with this line
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from_line: u64,
    /// Stop at the first line that is not taken
    #[arg(long)]
    pub strict: bool,
    /// One JSON object for each line
    #[arg(long)]
    pub json: bool,
}

/// What a source says of itself.
#[derive(Debug, Deserialize)]
struct Reads {
    format: String,
}

/// What became of one record.
#[derive(Debug, Deserialize)]
struct Became {
    result: String,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(args: &IngestArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let lines = match records::open(&args.file) {
        Ok(file) => Lines::of(file),
        Err(why) => {
            refuse(Code::InputUnreadable, &why);
            return Ok(Exit::Usage);
        }
    };
    let has_own_ids = match &args.source {
        None => true,
        Some(source) => {
            let path = format!("/api/v1/sources/{source}/test");
            let reads: Reads = session.server.post(&path, &json!({ "record": "{}" })).await?;
            reads.format == "foghorn"
        }
    };
    let mut intake =
        Intake { args, session, has_own_ids, done: Done { next: args.from_line, ..Done::default() } };
    let ended = tokio::select! {
        ended = intake.all(lines) => Some(ended),
        _ = ctrl_c() => None,
    };
    intake.done.progress(true);
    intake.done.tell();
    let went_well = matches!(ended, Some(Ok(Ended::AtTheEnd)));
    if !went_well {
        say(&format!("go on with: foghorn ingest {} --from-line {}", args.file.display(), intake.done.next));
    }
    match ended {
        None => Ok(Exit::Interrupted),
        Some(Err(failure)) => Err(failure),
        Some(Ok(_)) if intake.done.refused > 0 => {
            let of = counted(intake.done.seen, "line", "lines");
            refuse(Code::NotEveryRecord, &format!("{} of {of} were not taken", intake.done.refused));
            Ok(Exit::Failed)
        }
        Some(Ok(_)) => Ok(Exit::Done),
    }
}

/// Why it went no further.
enum Ended {
    AtTheEnd,
    /// At a line that was not taken, with `--strict`.
    AtALine,
}

/// What became of how many.
#[derive(Default)]
struct Done {
    seen: u64,
    refused: u64,
    results: BTreeMap<String, u64>,
    /// The first line that is not known to be dealt with.
    next: u64,
    last_shown: u64,
}

impl Done {
    fn count(&mut self, result: &str) {
        self.seen += 1;
        self.refused += u64::from(result == "rejected");
        *self.results.entry(result.to_owned()).or_default() += 1;
    }

    /// On a terminal, in place.
    fn progress(&mut self, is_over: bool) {
        const STEP: u64 = 1_000;
        if self.seen < STEP || !io::stderr().is_terminal() {
            return;
        }
        if is_over {
            overwrite("");
        } else if self.seen >= self.last_shown + STEP {
            self.last_shown = self.seen;
            overwrite(&format!("{} lines, {} not taken", self.seen, self.refused));
        }
    }

    fn tell(&self) {
        let each = self.results.iter().map(|(result, count)| format!("{count} {result}"));
        let each = each.collect::<Vec<_>>().join(", ");
        let colon = if each.is_empty() { "" } else { ": " };
        say(&format!("{}{colon}{each}", counted(self.seen, "line", "lines")));
    }
}

struct Intake<'a, W> {
    args: &'a IngestArgs,
    session: &'a mut Session<W>,
    /// Records may say their own id.
    has_own_ids: bool,
    done: Done,
}

impl<W: Write> Intake<'_, W> {
    async fn all(&mut self, lines: Lines) -> Result<Ended, Failure> {
        // With --strict nothing goes behind a line that is not taken.
        let most = if self.args.strict { 1 } else { AT_ONCE };
        let mut batch = Batch::default();
        for record in lines {
            let record = record.map_err(|why| Failure::Unreadable(format!("the file breaks off: {why}")))?;
            if record.line < self.args.from_line {
                continue;
            }
            if let Some(flaw) = record.flaw() {
                if self.args.strict {
                    if self.hand_over(&mut batch).await? > 0 {
                        return Ok(Ended::AtALine);
                    }
                    self.done.next = record.line;
                    self.bad(record.line, &flaw)?;
                    return Ok(Ended::AtALine);
                }
                self.bad(record.line, &flaw)?;
                continue;
            }
            if batch.is_full_before(&record, most)
                && self.hand_over(&mut batch).await? > 0
                && self.args.strict
            {
                return Ok(Ended::AtALine);
            }
            batch.add(record, self.has_own_ids);
        }
        let refused = self.hand_over(&mut batch).await?;
        Ok(if refused > 0 && self.args.strict { Ended::AtALine } else { Ended::AtTheEnd })
    }

    /// A line that never left.
    fn bad(&mut self, line: u64, flaw: &str) -> Result<(), Failure> {
        self.done.count("rejected");
        self.told(line, &json!({ "result": "rejected", "errors": [{ "pointer": "", "detail": flaw }] }))
    }

    /// Hands over what is in the batch; returns how many of it were not taken.
    async fn hand_over(&mut self, batch: &mut Batch) -> Result<u64, Failure> {
        let batch = std::mem::take(batch);
        let Some(last) = batch.lines.last().copied() else { return Ok(0) };
        let before = self.done.refused;
        match self.handed(&batch).await? {
            Handed::Taken(items) => {
                for (line, raw) in batch.lines.iter().zip(&items) {
                    let became: Became = parsed(raw)?;
                    self.done.count(&became.result);
                    if self.args.json || became.result == "rejected" {
                        self.told(*line, &serde_json::from_str(raw.get()).map_err(io::Error::from)?)?;
                    }
                }
            }
            Handed::Refused(places) => {
                for (at, line) in batch.lines.iter().enumerate() {
                    let own: Vec<Value> = places.iter().filter_map(|place| below(place, at)).collect();
                    self.done.count("rejected");
                    self.told(*line, &json!({ "result": "rejected", "errors": own }))?;
                }
            }
            Handed::Later => {
                return Err(Failure::Unreachable("there was no room for more, again and again".to_owned()));
            }
        }
        let refused = self.done.refused - before;
        self.done.next = if refused > 0 && self.args.strict { last } else { last + 1 };
        self.done.progress(false);
        Ok(refused)
    }

    /// The same, patiently.
    async fn handed(&mut self, batch: &Batch) -> Result<Handed, Failure> {
        let source = self.args.source.clone();
        let query: Vec<(&str, String)> = source.into_iter().map(|source| ("source", source)).collect();
        let (body, mut wait) = (batch.body(), FIRST_WAIT);
        let key =
            format!("ingest-{:016x}-{}", fnv1a(&body), batch.lines.first().copied().unwrap_or_default());
        for _ in 0..MOST_WAITS {
            match self.session.server.submit(&query, &key, body.clone()).await? {
                Handed::Later => sleep(wait).await,
                handed => return Ok(handed),
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Ok(Handed::Later)
    }

    fn told(&mut self, line: u64, became: &Value) -> Result<(), Failure> {
        if self.args.json {
            let mut whole = json!({ "line": line });
            if let (Value::Object(whole), Value::Object(became)) = (&mut whole, became) {
                whole.extend(became.clone());
            }
            return Ok(self.session.out.json(&whole.to_string())?);
        }
        let errors = became["errors"].as_array().into_iter().flatten().map(|error| {
            let text = |key: &str| error[key].as_str().unwrap_or_default();
            let hint = error["hint"].as_str().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let pointer =
                if text("pointer").is_empty() { String::new() } else { format!("{}: ", text("pointer")) };
            format!("; {pointer}{}{hint}", text("detail"))
        });
        let result = became["result"].as_str().unwrap_or_default();
        Ok(self.session.out.line(&format!("line {line} {result}{}", errors.collect::<String>()))?)
    }
}

/// A problem of the record number `at`, with its place in the record.
fn below(place: &Place, at: usize) -> Option<Value> {
    let rest = place.pointer.strip_prefix(&format!("/{at}"))?;
    let pointer = (rest.is_empty() || rest.starts_with('/')).then_some(rest)?;
    Some(json!({ "pointer": pointer, "detail": place.detail, "hint": place.hint }))
}

/// Records that go together.
#[derive(Default)]
struct Batch {
    lines: Vec<u64>,
    items: Vec<Vec<u8>>,
    bytes: usize,
}

impl Batch {
    fn is_full_before(&self, record: &Record, most: usize) -> bool {
        !self.lines.is_empty() && (self.lines.len() >= most || self.bytes + record.raw.len() > BYTES_AT_ONCE)
    }

    fn add(&mut self, record: Record, has_own_ids: bool) {
        self.bytes += record.raw.len() + 1;
        self.lines.push(record.line);
        self.items.push(if has_own_ids { identified(record) } else { record.raw });
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes + 2);
        body.push(b'[');
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(item);
        }
        body.push(b']');
        body
    }
}

/// The record with an id, if it is an object that has none.
fn identified(record: Record) -> Vec<u8> {
    let Record { line, raw } = record;
    let keys: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(&raw);
    let has_id = |keys: &BTreeMap<String, &RawValue>| {
        let given = |key: &str| keys.get(key).is_some_and(|value| value.get() != "null");
        given("event_id") || given("idempotency_key")
    };
    match keys {
        Ok(keys) if !keys.is_empty() && !has_id(&keys) && !keys.contains_key("event_id") => {
            let id = format!("{{\"event_id\":\"ingest-{:016x}-{line}\",", fnv1a(&raw));
            let rest = raw.iter().position(|byte| *byte == b'{').map_or(&raw[..], |at| &raw[at + 1..]);
            [id.as_bytes(), rest].concat()
        }
        _ => raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id(line: u64, raw: &str) -> String {
        String::from_utf8_lossy(&identified(Record { line, raw: raw.as_bytes().to_vec() })).into_owned()
    }

    #[test]
    fn a_record_without_an_id_gets_one_of_its_line_and_what_it_says() {
        let one = with_id(7, r#" {"title":"x"}"#);
        let id: Value = serde_json::from_str(&one).expect("still JSON");
        assert!(
            id["event_id"].as_str().is_some_and(|id| id.starts_with("ingest-") && id.ends_with("-7")),
            "{one}"
        );
        assert_eq!(one, with_id(7, r#" {"title":"x"}"#), "the same again");
        assert_ne!(one, with_id(8, r#" {"title":"x"}"#));
        assert_ne!(one, with_id(7, r#" {"title":"y"}"#));
        for own in
            [r#"{"title":"x","event_id":"e"}"#, r#"{"idempotency_key":"e"}"#, "{}", "[1]", "7", "\"x\""]
        {
            assert_eq!(with_id(7, own), own);
        }
    }

    #[test]
    fn a_batch_is_bounded_by_count_and_by_bytes() {
        let record = |length: usize| Record { line: 1, raw: vec![b'1'; length] };
        let mut batch = Batch::default();
        assert!(!batch.is_full_before(&record(BYTES_AT_ONCE * 2), AT_ONCE), "one goes alone, however long");
        (0..AT_ONCE).for_each(|_| batch.add(record(1), false));
        assert!(batch.is_full_before(&record(1), AT_ONCE));
        let mut batch = Batch::default();
        batch.add(record(BYTES_AT_ONCE), true);
        assert!(batch.is_full_before(&record(1), AT_ONCE));
        assert_eq!(Batch::default().body(), b"[]");
    }

    #[test]
    fn a_problem_of_a_batch_belongs_to_one_record() {
        let place = |pointer: &str| Place { pointer: pointer.to_owned(), detail: "d".to_owned(), hint: None };
        assert_eq!(below(&place("/1/title"), 1).map(|one| one["pointer"].clone()), Some("/title".into()));
        assert_eq!(below(&place("/1"), 1).map(|one| one["pointer"].clone()), Some("".into()));
        assert!(below(&place("/11/title"), 1).is_none() && below(&place("/0"), 1).is_none());
    }
}
