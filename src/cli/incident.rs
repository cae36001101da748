//! `foghorn incident`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;
use serde_json::value::RawValue;

use super::Exit;
use super::acting::{self, ActArgs, EditArgs, NoteArgs, SnoozeArgs, act};
use super::age::{age, moment};
use super::client::{Session, number};
use super::connection::{Failure, RawPage};
use super::deleting::{self, DeleteArgs};
use super::lists::{FilterArgs, ListArgs, counted, footer, none, parsed, print, read};
use super::shapes::{Incident, Members, TimelineEntry};
use crate::domain::Timestamp;
use crate::domain::query::{IncidentField, IncidentQuery};

/// `foghorn incident`
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Those that need somebody; with --all those that are over, too
    List(IncidentListArgs),
    /// One, with its history
    Show(IncidentShowArgs),
    /// Take it: paging stops
    Ack(ActArgs),
    /// Give it back: paging goes on
    Unack(ActArgs),
    /// It is over
    Resolve(ActArgs),
    /// It is not over: paging begins again
    Reopen(ActArgs),
    /// Quiet for a while; then paging begins again
    Snooze(SnoozeArgs),
    /// End the quiet
    Unsnooze(ActArgs),
    /// Take the next step of its policy now
    Escalate(ActArgs),
    /// Write something into its history
    Note(NoteArgs),
    /// Change what is known of it
    Edit(EditArgs),
    /// Nobody sees it any more, and nothing more is sent; it cannot be taken back
    Delete(DeleteArgs),
}

/// `foghorn incident list`
#[derive(Debug, Clone, Args)]
pub struct IncidentListArgs {
    /// Only these: open, acknowledged, resolved
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How it is printed.
    #[command(flatten)]
    pub list: ListArgs,
}

/// `foghorn incident show`
#[derive(Debug, Clone, Args)]
pub struct IncidentShowArgs {
    /// Its number, with or without #
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub number: u64,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(
    command: &IncidentCommand,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    match command {
        IncidentCommand::List(args) => list(args, session).await,
        IncidentCommand::Show(args) => show(args, session).await,
        IncidentCommand::Ack(args) => act(acting::ACK, args, &json!({}), session).await,
        IncidentCommand::Unack(args) => act(acting::UNACK, args, &json!({}), session).await,
        IncidentCommand::Resolve(args) => act(acting::RESOLVE, args, &json!({}), session).await,
        IncidentCommand::Reopen(args) => act(acting::REOPEN, args, &json!({}), session).await,
        IncidentCommand::Unsnooze(args) => act(acting::UNSNOOZE, args, &json!({}), session).await,
        IncidentCommand::Escalate(args) => act(acting::ESCALATE, args, &json!({}), session).await,
        IncidentCommand::Snooze(args) => acting::snooze(args, session).await,
        IncidentCommand::Note(args) => acting::note(args, session).await,
        IncidentCommand::Edit(args) => acting::edit(args, session).await,
        IncidentCommand::Delete(args) => deleting::run(args, session).await,
    }
}

async fn list<W: Write>(args: &IncidentListArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let now = session.now;
    let need_somebody = need_somebody(args, now);
    let status = if need_somebody { "open,acknowledged".to_owned() } else { args.status.join(",") };
    let mut filter = vec![("status", status)];
    filter.extend(args.filter.parameter());
    let listed = read(&session.server, "/api/v1/incidents", &filter, &args.list).await?;
    let header = ["#", "SEV", "STATUS", "AGE", "SERVICE", "TITLE", "TOLD"];
    print(
        &mut session.out,
        &listed,
        &args.list,
        header,
        |incident| incident_row(incident, now),
        |incident: &Incident| incident.number.to_string(),
    )?;
    if need_somebody {
        footer(&listed, &args.list, "incident needs somebody", "incidents need somebody");
    } else {
        footer(&listed, &args.list, "incident", "incidents");
    }
    Ok(Exit::Done)
}

/// Those that are over are left out unless something else was asked for.
fn need_somebody(args: &IncidentListArgs, now: Timestamp) -> bool {
    // A query that is not understood is refused by the server, which says why.
    let statuses = IncidentQuery::parse(args.filter.text(), now)
        .is_ok_and(|query| query.words(IncidentField::Status, &[]).is_some());
    args.status.is_empty() && !args.list.all && !statuses
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

async fn show<W: Write>(args: &IncidentShowArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let path = format!("/api/v1/incidents/{}", args.number);
    let raw: Box<RawValue> = session.server.get(&path, &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let incident: Incident = parsed(&raw)?;
    let timeline: RawPage = session.server.get(&format!("{path}/timeline"), &[]).await?;
    for line in incident_lines(&incident, session.now) {
        session.out.line(&line)?;
    }
    session.out.line("TIMELINE")?;
    for entry in &timeline.data {
        let entry: TimelineEntry = parsed(entry)?;
        session.out.line(&history_line(&entry))?;
    }
    Ok(Exit::Done)
}

/// `14:05:11Z  escalated       step 2: 1 delivery`; who did it goes before the words.
fn history_line(entry: &TimelineEntry) -> String {
    let by = match (&entry.by, &entry.via) {
        (Some(by), Some(via)) if via != "timer" => format!("by {by} ({via})"),
        _ => String::new(),
    };
    let colon = if by.is_empty() || entry.detail.is_empty() { "" } else { ": " };
    format!("{}  {:14}  {by}{colon}{}", moment(entry.at), entry.kind, entry.detail).trim_end().to_owned()
}

pub(super) fn incident_lines(incident: &Incident, now: Timestamp) -> Vec<String> {
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
    lines.extend(
        incident
            .acknowledged_by
            .iter()
            .filter(|_| incident.status == "acknowledged")
            .map(|who| format!("{who} has it")),
    );
    lines.extend(incident.snoozed_until.map(|until| format!("snoozed until {}", moment(until))));
    lines.extend(incident.assignee.iter().map(|who| format!("assigned to {who}")));
    lines.extend(
        incident
            .next_step
            .iter()
            .map(|next| format!("next: step {} at {}, if nobody takes it", next.number, moment(next.at))),
    );
    lines.extend(incident.members.iter().flat_map(members));
    lines.extend(incident.description.iter().flat_map(|text| text.lines()).map(str::to_owned));
    lines.extend(incident.labels.iter().map(|(name, value)| format!("{name} = {value}")));
    lines.extend(incident.links.iter().map(|link| format!("{}  {}", link.text, link.url)));
    lines
}

/// What it stands for: how many of them, and the first ones.
fn members(members: &Members) -> Vec<String> {
    let mut lines = vec![format!("{} of {} wrong", members.wrong, members.wrong + members.over)];
    lines.extend(members.data.iter().take(NAMED_MEMBERS).map(|member| {
        let since = member.began_at.map(|began| format!(" since {}", moment(began))).unwrap_or_default();
        format!("  {}  {}{since}", member.status, member.dedup_key)
    }));
    let more = (members.wrong + members.over) as usize - members.data.len().min(NAMED_MEMBERS);
    lines.extend((more > 0).then(|| format!("  and {more} more")));
    lines
}

/// So many members of a group are shown.
const NAMED_MEMBERS: usize = 20;

#[cfg(test)]
mod tests {
    use super::super::lists::{FormArgs, Listed};
    use super::super::print::Printer;
    use super::*;

    fn args(json: bool, quiet: bool) -> ListArgs {
        ListArgs { form: FormArgs { json, quiet }, limit: 50, all: false }
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
