//! `foghorn incident ack --filter …`: one action on every incident that fits, after a look at which they
//! are and a question.

use std::io::Write;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Exit;
use super::acting::{ActArgs, Deed};
use super::client::Session;
use super::connection::Failure;
use super::lists::{counted, parsed};
use super::print::say;
use super::question::may;
use super::shapes::Incident;

const PATH: &str = "/api/v1/incidents/bulk";

#[derive(Debug, Deserialize)]
struct Preview {
    matched: u64,
    matched_exact: bool,
    first: Vec<Incident>,
}

#[derive(Debug, Default, Deserialize)]
struct Done {
    done: u64,
    already: u64,
    refused: u64,
    refusals: Vec<Refused>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Refused {
    number: u64,
    why: String,
}

/// Does it to all that fits.
pub(super) async fn run<W: Write>(
    deed: Deed,
    filter: &str,
    args: &ActArgs,
    more: &Value,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let wish = |dry_run: bool, cursor: Option<&str>| {
        let mut wish = more.clone();
        let said = json!({
            "filter": filter, "action": deed.word, "note": args.note, "by": args.by,
            "dry_run": dry_run, "cursor": cursor,
        });
        if let (Value::Object(wish), Value::Object(said)) = (&mut wish, said) {
            wish.extend(said);
        }
        wish
    };
    let raw: Box<RawValue> = session.server.post(PATH, &wish(true, None)).await?;
    if args.dry_run && args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let preview: Preview = parsed(&raw)?;
    if !args.json {
        tell(&preview);
    }
    if args.dry_run || preview.matched == 0 {
        return Ok(Exit::Done);
    }
    let (matched, or_more) = (preview.matched, if preview.matched_exact { "" } else { " or more" });
    if !args.yes
        && let Err(exit) = may(deed.word, &format!("{matched}{or_more}")).await
    {
        return Ok(exit);
    }
    let mut all = Done::default();
    loop {
        let raw: Box<RawValue> = session.server.post(PATH, &wish(false, all.next_cursor.as_deref())).await?;
        if args.json {
            session.out.json(raw.get())?;
        }
        all.add(parsed(&raw)?);
        if all.next_cursor.is_none() {
            break;
        }
    }
    if !args.json {
        session.out.line(&all.told(deed))?;
        for Refused { number, why } in &all.refusals {
            say(&format!("#{number}: {why}"));
        }
    }
    Ok(if all.refused == 0 { Exit::Done } else { Exit::Failed })
}

fn tell(preview: &Preview) {
    let more = if preview.matched_exact { "" } else { ", or more" };
    say(&format!("{}{more}.", counted(preview.matched, "incident fits", "incidents fit")));
    for Incident { number, severity, status, title, .. } in &preview.first {
        say(&format!("  #{number}  {severity}  {status}  {title}"));
    }
    let left = preview.matched.saturating_sub(preview.first.len() as u64);
    if left > 0 {
        say(&format!("  and {left} more"));
    }
}

impl Done {
    fn add(&mut self, later: Self) {
        self.done += later.done;
        self.already += later.already;
        self.refused += later.refused;
        self.refusals.extend(later.refusals);
        self.next_cursor = later.next_cursor;
    }

    /// `12 acknowledged, 1 already, 2 refused`
    fn told(&self, deed: Deed) -> String {
        let mut told = format!("{} {}", self.done, deed.in_short());
        for (count, word) in [(self.already, "already"), (self.refused, "refused")] {
            if count > 0 {
                told.push_str(&format!(", {count} {word}"));
            }
        }
        told
    }
}
