//! `foghorn dlq export` and `foghorn dlq import`: dead letters as lines of a file, and records taken in
//! again from it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::Exit;
use super::client::Session;
use super::connection::{Failure, RawPage};
use super::dlq::DlqKind;
use super::lists::{FilterArgs, counted, parsed};
use super::print::{refuse, say};
use super::shapes::Again;
use crate::catalogue::Code;
use crate::domain::query::{DeadLetterKind, DeadLetterQuery};

const PATH: &str = "/api/v1/dead-letters";

/// What one request of an import holds: in letters, and in bytes of their lines.
const MOST: usize = 100;
const MOST_BYTES: usize = 512 << 10;

/// `foghorn dlq export`
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// Deliveries that ran out, or records that could not become events; both unless said
    #[arg(long, value_enum)]
    pub kind: Option<DlqKind>,
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Addresses in the clear
    #[arg(long)]
    pub addresses: bool,
    /// One JSON object a line, as it is anyway
    #[arg(long)]
    pub json: bool,
}

/// `foghorn dlq import`
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What an export printed; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// One JSON object a line: what became of each
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn export<W: Write>(args: &ExportArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let mut count = 0;
    for kind in kinds(args, session.now) {
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("kind", kind.to_string())];
            query.extend(args.filter.parameter());
            query.extend(args.addresses.then(|| ("addresses", "clear".to_owned())));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page: RawPage = session.server.get(&format!("{PATH}/export"), &query).await?;
            for letter in &page.data {
                session.out.json(letter.get())?;
                count += 1;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    say(&format!("{} exported.", counted(count, "dead letter", "dead letters")));
    Ok(Exit::Done)
}

/// A filter is about one kind.
fn kinds(args: &ExportArgs, now: crate::domain::Timestamp) -> Vec<DeadLetterKind> {
    match (args.kind, args.filter.text()) {
        (Some(kind), _) => vec![kind.of_query()],
        (None, "") => DeadLetterKind::ALL.to_vec(),
        (None, filter) => {
            // One that is not understood is refused by the server, which says why.
            let asked = DeadLetterQuery::parse(filter, None, now);
            vec![asked.map_or(DeadLetterKind::Delivery, |asked| asked.kind())]
        }
    }
}

/// What an import needs of a line.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Event(Record),
    /// Deliveries are not brought back: they are repeated where they are.
    Delivery {},
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    id: String,
    source: String,
    raw: String,
}

#[derive(Debug, Deserialize)]
struct Imported {
    imported: u64,
    events: Vec<Box<RawValue>>,
}

/// How it went so far.
#[derive(Debug, Default)]
struct Tally {
    imported: u64,
    still_there: u64,
    refused: u64,
    deliveries: u64,
}

pub(super) async fn import<W: Write>(args: &ImportArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let opened: io::Result<Box<dyn Read>> = match args.file.to_str() {
        Some("-") => Ok(Box::new(io::stdin().lock())),
        _ => std::fs::File::open(&args.file).map(|file| Box::new(file) as Box<dyn Read>),
    };
    let file = match opened {
        Ok(file) => file,
        Err(error) => return Ok(unreadable(args, &error.to_string())),
    };
    let (mut tally, mut letters, mut bytes) = (Tally::default(), Vec::new(), 0);
    for (place, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Ok(unreadable(args, &error.to_string())),
        };
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(&line) {
            Ok(Line::Delivery {}) => tally.deliveries += 1,
            Ok(Line::Event(record)) => {
                if letters.len() >= MOST || (!letters.is_empty() && bytes + line.len() > MOST_BYTES) {
                    send(&mut letters, &mut tally, args, session).await?;
                    bytes = 0;
                }
                bytes += line.len();
                letters.push(record);
            }
            Err(error) => {
                // What came before it is taken in, and importing it again doubles nothing.
                send(&mut letters, &mut tally, args, session).await?;
                return Ok(unreadable(args, &format!("line {place} is no exported dead letter: {error}")));
            }
        }
    }
    send(&mut letters, &mut tally, args, session).await?;
    say(&tally.told());
    Ok(if tally.refused == 0 { Exit::Done } else { Exit::Failed })
}

fn unreadable(args: &ImportArgs, why: &str) -> Exit {
    refuse(Code::InputUnreadable, &format!("{}: {why}", args.file.display()));
    Exit::Usage
}

async fn send<W: Write>(
    letters: &mut Vec<Record>,
    tally: &mut Tally,
    args: &ImportArgs,
    session: &mut Session<W>,
) -> Result<(), Failure> {
    if letters.is_empty() {
        return Ok(());
    }
    let wish = json!({ "letters": std::mem::take(letters) });
    let imported: Imported = session.server.post(&format!("{PATH}/import"), &wish).await?;
    tally.imported += imported.imported;
    for raw in &imported.events {
        let again: Again = parsed(raw)?;
        match again.result.as_str() {
            "still_there" => tally.still_there += 1,
            "rejected" => tally.refused += 1,
            _ => {}
        }
        match args.json {
            true => session.out.json(raw.get())?,
            false => session.out.line(&again.told())?,
        }
    }
    Ok(())
}

impl Tally {
    fn told(&self) -> String {
        let mut told = format!("{} taken in", counted(self.imported, "record", "records"));
        for (count, words) in [
            (self.still_there, "still there and left alone (foghorn dlq retry ID)"),
            (self.refused, "no event still"),
            (self.deliveries, "dead deliveries left out"),
        ] {
            if count > 0 {
                told.push_str(&format!(", {count} {words}"));
            }
        }
        told.push('.');
        told
    }
}
