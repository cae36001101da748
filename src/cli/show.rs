//! One thing in full.

use std::io::Write;

use serde_json::value::RawValue;

use super::Exit;
use super::age::{age, moment};
use super::client::{IncidentShowArgs, ShowArgs};
use super::connection::{Connection, Failure, RawPage};
use super::lists::{counted, incident_of, parsed, told};
use super::print::Printer;
use super::shapes::{Delivery, Incident, TimelineEntry};
use crate::domain::Timestamp;

pub(super) async fn incident<W: Write>(
    server: &Connection,
    out: &mut Printer<W>,
    args: &IncidentShowArgs,
    now: Timestamp,
) -> Result<Exit, Failure> {
    let path = format!("/api/v1/incidents/{}", args.number);
    let raw: Box<RawValue> = server.get(&path, &[]).await?;
    if args.json {
        out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let incident: Incident = parsed(&raw)?;
    let timeline: RawPage = server.get(&format!("{path}/timeline"), &[]).await?;
    for line in told_incident(&incident, now) {
        out.line(&line)?;
    }
    out.line("TIMELINE")?;
    for entry in &timeline.data {
        let entry: TimelineEntry = parsed(entry)?;
        out.line(&format!("{}  {:12}  {}", moment(entry.at), entry.kind, entry.detail))?;
    }
    Ok(Exit::Done)
}

fn told_incident(incident: &Incident, now: Timestamp) -> Vec<String> {
    let service = incident.service.as_deref().unwrap_or_default();
    let severity = incident.severity.to_uppercase();
    let route = match (&incident.route, &incident.policy) {
        (Some(route), Some(policy)) => format!("route \"{route}\" → policy {policy}"),
        _ => "no route: nobody was told".to_owned(),
    };
    let mut lines = vec![
        format!("#{}  {severity}  {}  {service}", incident.number, incident.status),
        incident.title.clone(),
        format!(
            "opened {} ({} ago) by source {} · {} · {route} · {}",
            moment(incident.opened_at),
            age(incident.opened_at, now),
            incident.source,
            counted(incident.event_count, "event", "events"),
            told(incident)
        ),
    ];
    lines.extend(incident.description.iter().flat_map(|text| text.lines()).map(str::to_owned));
    lines.extend(incident.labels.iter().map(|(name, value)| format!("{name} = {value}")));
    lines.extend(incident.links.iter().map(|link| format!("{}  {}", link.text, link.url)));
    lines
}

/// A delivery with its attempts, from `base`, which knows it by its id.
pub(super) async fn delivery<W: Write>(
    server: &Connection,
    out: &mut Printer<W>,
    base: &str,
    args: &ShowArgs,
) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = server.get(&format!("{base}/{}", args.id), &[]).await?;
    if args.json {
        out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    for line in told_delivery(&parsed(&raw)?) {
        out.line(&line)?;
    }
    Ok(Exit::Done)
}

fn told_delivery(delivery: &Delivery) -> Vec<String> {
    let reason = delivery.reason.as_ref().map(|reason| format!(" ({reason})"));
    let mut lines = vec![
        format!("{}  {}{}", delivery.id, delivery.state, reason.unwrap_or_default()),
        format!(
            "{} of {} to {} ({}) via {}",
            delivery.notification,
            incident_of(delivery),
            delivery.recipient,
            delivery.to,
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
        let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
        lines.push(format!(
            "{:2}  {}  {:12}  {took:>8}  {}",
            attempt.number,
            moment(attempt.at),
            attempt.outcome.as_deref().unwrap_or("running"),
            words.join(" ")
        ));
    }
    lines
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
