//! Lists: read page by page, printed as columns, as JSON lines or as bare ids.

use std::io::Write;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Exit;
use super::age::age;
use super::client::{DeliveryListArgs, IncidentListArgs, ListArgs};
use super::connection::{Connection, Failure, RawPage};
use super::print::{Printer, say};
use super::shapes::{Delivery, Incident};
use crate::domain::Timestamp;

/// Most entries that the server gives at once.
const PAGE: usize = 200;

/// A list as it was asked for.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) entries: Vec<Box<RawValue>>,
    /// There are more than were asked for.
    pub(super) more: bool,
}

/// Reads as many pages as it takes.
pub(super) async fn read(
    server: &Connection,
    path: &str,
    filter: &[(&str, String)],
    args: &ListArgs,
) -> Result<Listed, Failure> {
    let most = if args.all { usize::MAX } else { args.limit as usize };
    let mut entries = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = filter.to_vec();
        query.push(("limit", PAGE.min(most - entries.len()).to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: RawPage = server.get(path, &query).await?;
        entries.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() || entries.len() >= most {
            let more = cursor.is_some();
            return Ok(Listed { entries, more });
        }
    }
}

/// Prints a list in the form that was asked for.
pub(super) fn print<W: Write, T: DeserializeOwned, const N: usize>(
    out: &mut Printer<W>,
    listed: &Listed,
    args: &ListArgs,
    header: [&str; N],
    row: impl Fn(&T) -> [String; N],
    id: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    if args.json {
        for entry in &listed.entries {
            out.json(entry.get())?;
        }
        return Ok(());
    }
    let entries = listed.entries.iter().map(|entry| parsed(entry));
    let entries: Vec<T> = entries.collect::<Result<_, _>>()?;
    if args.quiet {
        for entry in &entries {
            out.line(&id(entry))?;
        }
        return Ok(());
    }
    let rows: Vec<_> = entries.iter().map(row).collect();
    out.table(header, &rows)?;
    Ok(())
}

/// An entry as what the tables read of it.
pub(super) fn parsed<T: DeserializeOwned>(raw: &RawValue) -> Result<T, Failure> {
    serde_json::from_str(raw.get())
        .map_err(|error| Failure::Garbled { url: "the server".to_owned(), why: error.to_string() })
}

/// The line under a table; talk, so it does not disturb a pipe.
pub(super) fn footer(listed: &Listed, args: &ListArgs, one: &str, many: &str) {
    if args.json || args.quiet {
        return;
    }
    let shown = listed.entries.len();
    if listed.more {
        say(&format!("{} shown, there are more: --limit N or --all", counted(shown as u64, one, many)));
    } else {
        say(&format!("{}.", counted(shown as u64, one, many)));
    }
}

pub(super) async fn incidents<W: Write>(
    server: &Connection,
    out: &mut Printer<W>,
    args: &IncidentListArgs,
    now: Timestamp,
) -> Result<Exit, Failure> {
    let status = match (args.status.is_empty(), args.list.all) {
        (false, _) => args.status.join(","),
        (true, true) => String::new(),
        (true, false) => "open,acknowledged".to_owned(),
    };
    let listed = read(server, "/api/v1/incidents", &[("status", status)], &args.list).await?;
    let header = ["#", "SEV", "STATUS", "AGE", "SERVICE", "TITLE", "TOLD"];
    print(
        out,
        &listed,
        &args.list,
        header,
        |incident| incident_row(incident, now),
        |incident: &Incident| incident.number.to_string(),
    )?;
    if args.status.is_empty() && !args.list.all {
        footer(&listed, &args.list, "incident needs somebody", "incidents need somebody");
    } else {
        footer(&listed, &args.list, "incident", "incidents");
    }
    Ok(Exit::Done)
}

fn incident_row(incident: &Incident, now: Timestamp) -> [String; 7] {
    [
        incident.number.to_string(),
        incident.severity.clone(),
        incident.status.clone(),
        age(incident.opened_at, now),
        incident.service.clone().unwrap_or_else(none),
        incident.title.clone(),
        told(incident),
    ]
}

/// How many of those who are to hear have heard.
pub(super) fn told(incident: &Incident) -> String {
    let all: u64 = incident.deliveries.values().sum();
    let sent = incident.deliveries.get("sent").copied().unwrap_or(0);
    let dead = incident.deliveries.get("dead").copied().unwrap_or(0);
    match (all, dead) {
        (0, _) => none(),
        (_, 0) => format!("{sent} of {all} sent"),
        _ => format!("{sent} of {all} sent, {dead} dead"),
    }
}

pub(super) async fn deliveries<W: Write>(
    server: &Connection,
    out: &mut Printer<W>,
    args: &DeliveryListArgs,
    now: Timestamp,
) -> Result<Exit, Failure> {
    let mut filter = vec![("state", args.state.join(","))];
    filter.extend(args.channel.iter().map(|channel| ("channel", channel.clone())));
    filter.extend(args.incident.map(|number| ("incident", number.to_string())));
    let listed = read(server, "/api/v1/deliveries", &filter, &args.list).await?;
    let header = ["ID", "AGE", "CHANNEL", "TO", "INCIDENT", "STATE", "TRIES", "REASON"];
    print(
        out,
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
        delivery.to.clone(),
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

/// `1 event`, `2 events`
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub(super) fn none() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: bool, quiet: bool) -> ListArgs {
        ListArgs { json, quiet, limit: 50, all: false }
    }

    fn raw(json: &serde_json::Value) -> Box<RawValue> {
        RawValue::from_string(json.to_string()).expect("it is JSON")
    }

    fn two_incidents() -> Listed {
        let incident = |number: u64, service: Option<&str>, opened_at: &str| {
            raw(&serde_json::json!({
                "number": number, "title": "5xx rate above 5%", "severity": "critical", "status": "open",
                "service": service, "description": null, "source": "api", "event_count": 1, "route": null,
                "policy": null, "opened_at": opened_at, "deliveries": {"sent": 2, "pending": 1},
                "a_field_of_the_future": true
            }))
        };
        Listed {
            entries: vec![
                incident(1042, Some("checkout-api"), "2026-11-21T14:02:10Z"),
                incident(7, None, "2026-11-21T13:00:00Z"),
            ],
            more: false,
        }
    }

    fn printed(form: &ListArgs) -> String {
        let now: Timestamp = "2026-11-21T14:06:31Z".parse().expect("a moment");
        let mut bytes = Vec::new();
        let header = ["#", "SEV", "STATUS", "AGE", "SERVICE", "TITLE", "TOLD"];
        print(
            &mut Printer::new(&mut bytes),
            &two_incidents(),
            form,
            header,
            |incident| incident_row(incident, now),
            |incident: &Incident| incident.number.to_string(),
        )
        .expect("it prints");
        String::from_utf8(bytes).expect("it is UTF-8")
    }

    #[test]
    fn a_list_is_a_header_and_aligned_columns() {
        assert_eq!(
            printed(&args(false, false)),
            "#     SEV       STATUS  AGE  SERVICE       TITLE              TOLD\n\
             1042  critical  open    4m   checkout-api  5xx rate above 5%  2 of 3 sent\n\
             7     critical  open    1h   –             5xx rate above 5%  2 of 3 sent\n"
        );
    }

    #[test]
    fn quiet_is_ids_alone_and_json_is_one_whole_object_a_line() {
        assert_eq!(printed(&args(false, true)), "1042\n7\n");
        let json = printed(&args(true, false));
        assert_eq!(json.lines().count(), 2);
        for line in json.lines() {
            let object: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
            assert_eq!(object["a_field_of_the_future"], true);
        }
    }
}
