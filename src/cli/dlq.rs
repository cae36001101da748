//! `foghorn dlq`

use std::io::Write;

use serde_json::value::RawValue;

use super::Exit;
use super::age::{age, moment};
use super::client::{DlqKind, DlqListArgs, DlqRetryArgs, ShowArgs};
use super::connection::{Connection, Failure};
use super::lists::{footer, incident_of, none, parsed, print, read};
use super::print::{Printer, say};
use super::shapes::{DeadLetter, Delivery, Retried};
use super::show;
use crate::domain::Timestamp;
use crate::domain::ids::DeadLetterId;

const PATH: &str = "/api/v1/dead-letters";

pub(super) async fn list<W: Write>(
    server: &Connection,
    out: &mut Printer<W>,
    args: &DlqListArgs,
    now: Timestamp,
) -> Result<Exit, Failure> {
    match args.kind {
        DlqKind::Delivery => {
            let listed = read(server, PATH, &[("kind", "delivery".to_owned())], &args.list).await?;
            let header = ["ID", "AGE", "CHANNEL", "TO", "INCIDENT", "TRIES", "REASON"];
            print(
                out,
                &listed,
                &args.list,
                header,
                |letter| delivery_row(letter, now),
                |letter: &Delivery| letter.id.clone(),
            )?;
            footer(&listed, &args.list, "dead delivery", "dead deliveries");
        }
        DlqKind::Event => {
            let listed = read(server, PATH, &[("kind", "event".to_owned())], &args.list).await?;
            let header = ["ID", "AGE", "SOURCE", "POSITION", "BYTES", "REASON", "DETAIL"];
            print(
                out,
                &listed,
                &args.list,
                header,
                |letter| record_row(letter, now),
                |letter: &DeadLetter| letter.id.clone(),
            )?;
            footer(
                &listed,
                &args.list,
                "record that could not become an event",
                "records that could not become events",
            );
        }
    }
    Ok(Exit::Done)
}

fn delivery_row(letter: &Delivery, now: Timestamp) -> [String; 7] {
    [
        letter.id.clone(),
        age(letter.updated_at, now),
        letter.channel.clone(),
        letter.to.clone(),
        incident_of(letter),
        letter.attempt_count.to_string(),
        letter.reason.clone().unwrap_or_else(none),
    ]
}

fn record_row(letter: &DeadLetter, now: Timestamp) -> [String; 7] {
    [
        letter.id.clone(),
        age(letter.quarantined_at, now),
        letter.source.clone(),
        letter.position.clone(),
        letter.bytes.to_string(),
        letter.reason.clone(),
        letter.detail.clone(),
    ]
}

pub(super) async fn show<W: Write>(
    server: &Connection,
    out: &mut Printer<W>,
    args: &ShowArgs,
) -> Result<Exit, Failure> {
    if !args.id.starts_with(DeadLetterId::PREFIX) {
        return show::delivery(server, out, PATH, args).await;
    }
    let raw: Box<RawValue> = server.get(&format!("{PATH}/{}", args.id), &[]).await?;
    if args.json {
        out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let letter: DeadLetter = parsed(&raw)?;
    out.line(&format!("{}  {}", letter.id, letter.reason))?;
    out.line(&letter.detail)?;
    let (at, source, position) = (moment(letter.quarantined_at), &letter.source, &letter.position);
    out.line(&format!("{at} from {source} at {position}, {} bytes", letter.bytes))?;
    for line in letter.payload.iter().flat_map(|payload| payload.lines()) {
        out.line(line)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn retry<W: Write>(
    server: &Connection,
    out: &mut Printer<W>,
    args: &DlqRetryArgs,
) -> Result<Exit, Failure> {
    let wish = match (args.all, args.limit) {
        (false, _) => serde_json::json!({"ids": args.ids}),
        (true, None) => serde_json::json!({"all": true}),
        (true, Some(limit)) => serde_json::json!({"all": true, "limit": limit}),
    };
    let raw: Box<RawValue> = server.post(&format!("{PATH}/retry"), &wish).await?;
    let retried: Retried = parsed(&raw)?;
    if args.json {
        out.json(raw.get())?;
    } else {
        for id in &retried.deliveries {
            out.line(id)?;
        }
        let skipped = match retried.skipped {
            0 => String::new(),
            count => format!(", {count} skipped (not dead, or repeated before)"),
        };
        say(&format!("{} repeated as new deliveries{skipped}.", retried.retried));
    }
    // Somebody who named them wants to know that one of them was not repeated.
    Ok(if retried.skipped > 0 && !args.all { Exit::Failed } else { Exit::Done })
}
