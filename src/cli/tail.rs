//! `foghorn tail`

use std::io::Write;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::ctrl_c;
use tokio::time::sleep;

use super::Exit;
use super::client::Session;
use super::connection::Failure;
use super::print::say;
use super::stream::{Fact, Heard, Says, Stream, Wish};
use crate::domain::Timestamp;

/// `foghorn tail`
#[derive(Debug, Clone, Args)]
pub struct TailArgs {
    /// Only these
    #[arg(value_name = "TOPIC", value_enum)]
    pub topics: Vec<TailTopic>,
    /// Only what matches, such as: severity:critical service:checkout-*
    #[arg(long, value_name = "QUERY", default_value = "", hide_default_value = true)]
    pub filter: String,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TailTopic {
    /// What comes in
    Events,
    /// What is wrong
    Incidents,
    /// Who is told
    Deliveries,
}

impl TailTopic {
    fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Incidents => "incidents",
            Self::Deliveries => "deliveries",
        }
    }
}

/// The first wait before coming back, and the longest.
const SOON: Duration = Duration::from_millis(250);
const LATE: Duration = Duration::from_secs(5);

pub(super) async fn run<W: Write>(args: &TailArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    tokio::select! {
        ended = follow(args, session) => ended,
        _ = ctrl_c() => Ok(Exit::Interrupted),
    }
}

async fn follow<W: Write>(args: &TailArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let topics: Vec<_> = args.topics.iter().map(|topic| topic.as_str()).collect();
    let wish = Wish { topics: topics.join(","), filter: args.filter.clone() };
    let mut stream = Stream::open(&session.server, &wish, None).await?;
    loop {
        match stream.next().await {
            Heard::Fact(fact) if args.json => session.out.json(&tagged(&fact))?,
            Heard::Fact(fact) => session.out.line(&line(&fact))?,
            Heard::Reset => say("some of what happened meanwhile was missed"),
            Heard::Nothing => {}
            Heard::End => {
                say(&format!("{} is gone; coming back when it does …", session.server.url()));
                stream = come_back(session, &wish, stream.last()).await?;
                say("connected again");
            }
        }
    }
}

/// Tries until somebody answers. A refusal that will not change ends it.
async fn come_back<W>(session: &Session<W>, wish: &Wish, last: Option<&str>) -> Result<Stream, Failure> {
    let mut wait = SOON;
    loop {
        match Stream::open(&session.server, wish, last).await {
            Err(failure) if failure.exit() != Exit::Unreachable => return Err(failure),
            Err(_) => {}
            Ok(stream) => return Ok(stream),
        }
        sleep(wait).await;
        wait = (wait * 2).min(LATE);
    }
}

/// The fact as it came, with its name as its first field.
fn tagged(fact: &Fact) -> String {
    let name = serde_json::Value::from(fact.name.as_str());
    match fact.json.strip_prefix('{') {
        Some("}") | None => format!("{{\"event\":{name}}}"),
        Some(rest) => format!("{{\"event\":{name},{rest}"),
    }
}

/// One line for people.
fn line(fact: &Fact) -> String {
    let (topic, what) = fact.name.split_once('.').unwrap_or((&fact.name, ""));
    let told = match topic {
        "event" => event(what, &fact.says),
        "incident" => incident(what, &fact.says),
        "delivery" => delivery(&fact.says),
        // Of a newer server.
        _ => fact.json.clone(),
    };
    let at = fact.says.at.map(clock).unwrap_or_default();
    format!("{at} {topic:9} {told}")
}

/// The time of day to the millisecond, UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.3f").to_string()
}

fn event(what: &str, says: &Says) -> String {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let source = format!("{:15}", word(&says.source));
    let known = [&says.dedup_key, &says.severity, &says.title].map(word);
    let known = known.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join("  ");
    match what {
        "accepted" => format!("{source} {known}"),
        "rejected" => {
            let why = [&says.reason, &says.detail].map(word).join(" ");
            format!("{source} rejected: {}", [known.as_str(), why.trim()].join(" ").trim())
        }
        "ignored" => format!("{source} ignored: {}", word(&says.detail)),
        what => format!("{source} {what}  {known}"),
    }
}

fn incident(what: &str, says: &Says) -> String {
    let number = says.number.unwrap_or_default();
    match (what, &says.policy) {
        ("opened" | "reopened", Some(policy)) => format!("#{number} {what}    → {policy}"),
        ("opened" | "reopened", None) => format!("#{number} {what}    → nobody: no route takes it"),
        _ => format!("#{number} {what}"),
    }
}

fn delivery(says: &Says) -> String {
    let about = says.incident_number.map(|number| format!("#{number} ")).unwrap_or_default();
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let (channel, recipient) = (word(&says.channel), word(&says.recipient));
    format!("{about}{channel} {recipient}  {}", progress(says, says.at))
}

/// Where a delivery stands, with what there is to say about it.
pub(super) fn progress(says: &Says, now: Option<Timestamp>) -> String {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    // Some providers have one word for both outcome and code.
    let mut why = [&says.outcome, &says.code, &says.detail].map(word).to_vec();
    why.retain(|word| !word.is_empty());
    why.dedup();
    let why = why.join(" ");
    let wait = says.next_attempt_at.zip(now).map(|(next, now)| seconds(next.duration_since(now).as_millis()));
    match (word(&says.state).as_str(), wait) {
        ("sending", _) => format!("sending    attempt {}", says.attempt.unwrap_or(1)),
        ("sent", _) => {
            let took = says.took_ms.map(|took| seconds(took.into())).unwrap_or_default();
            format!("sent       {took}  {}", word(&says.provider_id)).trim_end().to_owned()
        }
        ("retrying", Some(wait)) => format!("retrying   in {wait}: {why}"),
        ("pending", Some(wait)) => format!("pending    for {wait}"),
        ("dead", _) => format!("dead       {}: {why}", word(&says.reason)),
        (state, _) => format!("{state:10} {why}").trim_end().to_owned(),
    }
}

fn seconds(milliseconds: i128) -> String {
    let tenths = (milliseconds.max(0) + 50) / 100;
    format!("{}.{}s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, json: &str) -> String {
        let says = serde_json::from_str(json).expect("it is JSON");
        line(&Fact { name: name.to_owned(), json: json.to_owned(), says })
    }

    #[test]
    fn a_fact_is_a_line_with_its_time_its_kind_and_what_happened() {
        let at = r#""at":"2026-11-21T14:02:10.114Z""#;
        for (name, json, line) in [
            (
                "event.accepted",
                r#""source":"prometheus","dedup_key":"checkout-5xx","severity":"critical","title":"5xx rate""#,
                "14:02:10.114 event     prometheus      checkout-5xx  critical  5xx rate",
            ),
            (
                "event.rejected",
                r#""source":"kafka","reason":"parse","detail":"cut off""#,
                "14:02:10.114 event     kafka           rejected: parse cut off",
            ),
            (
                "event.ignored",
                r#""source":"github","detail":"rule \"ping\" lets it go""#,
                "14:02:10.114 event     github          ignored: rule \"ping\" lets it go",
            ),
            (
                "incident.opened",
                r#""number":1042,"policy":"page""#,
                "14:02:10.114 incident  #1042 opened    → page",
            ),
            (
                "incident.resolved",
                r#""number":1042,"policy":"page""#,
                "14:02:10.114 incident  #1042 resolved",
            ),
            (
                "delivery.sent",
                r#""incident_number":1042,"channel":"ios","recipient":"ada","state":"sent","took_ms":400,"provider_id":"4F1C""#,
                "14:02:10.114 delivery  #1042 ios ada  sent       0.4s  4F1C",
            ),
            (
                "delivery.retrying",
                r#""channel":"sms","recipient":"ada","state":"retrying","outcome":"timeout","next_attempt_at":"2026-11-21T14:02:15.114Z""#,
                "14:02:10.114 delivery  sms ada  retrying   in 5.0s: timeout",
            ),
            (
                "delivery.dead",
                r#""channel":"sms","recipient":"ada","state":"dead","reason":"rejected","outcome":"refused","detail":"no""#,
                "14:02:10.114 delivery  sms ada  dead       rejected: refused no",
            ),
        ] {
            assert_eq!(told(name, &format!("{{{at},{json}}}")), line);
        }
    }

    #[test]
    fn json_is_the_fact_with_its_name() {
        let fact = |json: &str| Fact { name: "a.b".to_owned(), json: json.to_owned(), says: Says::default() };
        assert_eq!(tagged(&fact(r#"{"x":1}"#)), r#"{"event":"a.b","x":1}"#);
        assert_eq!(tagged(&fact("{}")), r#"{"event":"a.b"}"#);
    }
}
