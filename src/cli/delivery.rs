//! `foghorn delivery`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::value::RawValue;

use super::Exit;
use super::age::{age, moment};
use super::client::{Session, ShowArgs, number};
use super::connection::Failure;
use super::handling::{self, HandleArgs, Wish};
use super::lists::{FilterArgs, ListArgs, footer, none, or_none, parsed, print, read};
use super::shapes::{Delivery, ReceiptShown, Rendered};
use crate::domain::Timestamp;

const PATH: &str = "/api/v1/deliveries";

/// `foghorn delivery`
#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// The newest
    List(DeliveryListArgs),
    /// One, with its attempts
    Show(ShowArgs),
    /// Take back what waits to be sent
    Cancel(HandleArgs),
    /// Try what waits now, or repeat what is dead
    Retry(HandleArgs),
}

/// `foghorn delivery list`
#[derive(Debug, Clone, Args)]
pub struct DeliveryListArgs {
    /// Only these: pending, sending, retrying, sent, dead, canceled, expired
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<String>,
    /// Only on this channel
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Only of this incident
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub incident: Option<u64>,
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How it is printed.
    #[command(flatten)]
    pub list: ListArgs,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(
    command: &DeliveryCommand,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    match command {
        DeliveryCommand::List(args) => list(args, session).await,
        DeliveryCommand::Show(args) => show(PATH, args, session).await,
        DeliveryCommand::Cancel(args) => handling::run(Wish::Cancel, args, session).await,
        DeliveryCommand::Retry(args) => handling::run(Wish::Retry, args, session).await,
    }
}

async fn list<W: Write>(args: &DeliveryListArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let now = session.now;
    let mut filter = vec![("state", args.state.join(","))];
    filter.extend(args.channel.iter().map(|channel| ("channel", channel.clone())));
    filter.extend(args.incident.map(|number| ("incident", number.to_string())));
    filter.extend(args.filter.parameter());
    let listed = read(&session.server, PATH, &filter, &args.list).await?;
    let header = ["ID", "AGE", "CHANNEL", "TO", "INCIDENT", "STATE", "TRIES", "REASON"];
    print(
        &mut session.out,
        &listed,
        &args.list,
        header,
        |delivery| delivery_row(delivery, now),
        |delivery: &Delivery| delivery.id.clone(),
    )?;
    footer(&listed, &args.list, "delivery", "deliveries");
    Ok(Exit::Done)
}

fn delivery_row(delivery: &Delivery, now: Timestamp) -> [String; 8] {
    [
        delivery.id.clone(),
        age(delivery.created_at, now),
        delivery.channel.clone(),
        or_none(&delivery.to),
        incident_of(delivery),
        delivery.state.clone(),
        delivery.attempt_count.to_string(),
        // That it was sent is in the state already.
        delivery.reason.clone().filter(|reason| *reason != delivery.state).unwrap_or_else(none),
    ]
}

pub(super) fn incident_of(delivery: &Delivery) -> String {
    delivery.incident_number.map_or_else(none, |number| format!("#{number}"))
}

/// A delivery with its attempts, from `base`, which knows it by its id.
pub(super) async fn show<W: Write>(
    base: &str,
    args: &ShowArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.get(&format!("{base}/{}", args.id), &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    for line in told_delivery(&parsed(&raw)?) {
        session.out.line(&line)?;
    }
    Ok(Exit::Done)
}

fn told_delivery(delivery: &Delivery) -> Vec<String> {
    let reason = delivery.reason.as_ref().filter(|reason| **reason != delivery.state);
    let reason = reason.map(|reason| format!(" ({reason})"));
    let address = Some(&delivery.to).filter(|to| !to.is_empty()).map(|to| format!(" ({to})"));
    let mut lines = vec![
        format!("{}  {}{}", delivery.id, delivery.state, reason.unwrap_or_default()),
        format!(
            "{} of {} to {}{} via {}",
            delivery.notification,
            incident_of(delivery),
            delivery.recipient,
            address.unwrap_or_default(),
            delivery.channel
        ),
        format!(
            "created {} · changed {} · expires {}",
            moment(delivery.created_at),
            moment(delivery.updated_at),
            moment(delivery.expires_at)
        ),
    ];
    lines.extend(delivery.next_attempt_at.map(|at| format!("next attempt {}", moment(at))));
    lines.extend(delivery.replay_of.iter().map(|id| format!("repeats {id}")));
    lines.push(format!("ATTEMPTS  {} counted", delivery.attempt_count));
    for attempt in &delivery.attempts {
        let took = attempt.took_ms.map_or_else(String::new, |ms| format!("{}.{:03}s", ms / 1000, ms % 1000));
        let words = [&attempt.code, &attempt.detail, &attempt.provider_id];
        let words = words.into_iter().flatten().map(String::as_str);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        lines.push(format!(
            "{:2}  {}  {:12}  {took:>8}  {}",
            attempt.number,
            moment(attempt.at),
            attempt.outcome.as_deref().unwrap_or("running"),
            words.join(" ")
        ));
    }
    lines.extend(delivery.receipt.as_ref().map(told_receipt));
    lines.extend(delivery.rendered.iter().flat_map(told_words));
    lines
}

fn told_receipt(receipt: &ReceiptShown) -> String {
    let words = [receipt.kind.as_str(), &receipt.code, &receipt.detail];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!("RECEIPT   {}  {}", moment(receipt.at), words.join(" "))
}

fn told_words(rendered: &Rendered) -> Vec<String> {
    if let Some(fault) = &rendered.fault {
        return vec![format!("MESSAGE   cannot be made: {fault}")];
    }
    let subject = rendered.subject.as_ref().map(|subject| format!("    {subject}"));
    let text = rendered.text.trim_end().lines().map(|line| format!("    {line}").trim_end().to_owned());
    let note = rendered.note.as_ref().map_or_else(String::new, |note| format!(", {note}"));
    let title = format!("MESSAGE   as it reads now{note}");
    [title].into_iter().chain(subject).chain(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_tells_every_attempt() {
        let delivery = serde_json::json!({
            "id": "del_01", "incident_number": 1039, "notification": "opened", "channel": "email",
            "recipient": "grace", "to": "g***@example.com", "state": "dead", "reason": "rejected",
            "attempt_count": 1, "created_at": "2026-11-21T13:40:02Z", "updated_at": "2026-11-21T13:40:17Z",
            "next_attempt_at": null, "expires_at": "2026-11-22T13:40:02Z", "replay_of": null,
            "attempts": [{"number": 1, "at": "2026-11-21T13:40:02Z", "took_ms": 15003, "outcome": "refused",
                "code": "550", "detail": "no such user", "provider_id": null}]
        });
        let delivery: Delivery = serde_json::from_value(delivery).expect("it is one");
        assert_eq!(
            told_delivery(&delivery),
            [
                "del_01  dead (rejected)",
                "opened of #1039 to grace (g***@example.com) via email",
                "created 2026-11-21 13:40:02Z · changed 2026-11-21 13:40:17Z · expires 2026-11-22 13:40:02Z",
                "ATTEMPTS  1 counted",
                " 1  2026-11-21 13:40:02Z  refused        15.003s  550 no such user",
            ]
        );
    }
}
