//! `foghorn send --wait`: each step of each delivery, until all have ended.
//!
//! The stream says when something happens, the list of deliveries says who is to be told. The list
//! is read again whenever the stream is silent for a while or was cut, so that a fact that nobody
//! told does not make anybody wait for ever.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::super::Exit;
use super::super::client::Session;
use super::super::connection::{Failure, RawPage};
use super::super::lists::{or_none, parsed};
use super::super::print::{refuse, say};
use super::super::shapes::Delivery;
use super::super::stream::{Heard, Says, Stream, Wish};
use super::SendArgs;
use crate::catalogue::Code;

/// How long the stream may be silent before the list is read again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where the stream stands before the event is sent, so that nothing that follows is missed.
pub(super) async fn before<W>(session: &Session<W>) -> Result<Option<String>, Failure> {
    let wish = Wish { topics: "incidents,deliveries".to_owned(), filter: String::new() };
    Ok(Stream::open(&session.server, &wish, None).await?.begun().await)
}

pub(super) async fn follow<W: Write>(
    args: &SendArgs,
    session: &mut Session<W>,
    begin: Option<String>,
    number: u64,
    result: &str,
) -> Result<Exit, Failure> {
    if !["opened", "reopened", "resolved"].contains(&result) {
        session.out.line("nobody is told again: the incident is known")?;
        return Ok(Exit::Done);
    }
    let deadline = Instant::now() + args.timeout;
    let form = if io::stdout().is_terminal() { Form::Tree } else { Form::Plain };
    let mut told = Told { form, url: session.server.pages().await?, steps: BTreeMap::new() };
    let wish = Wish { topics: "deliveries".to_owned(), filter: format!("incident:{number}") };
    // Without a position, what happened before now is read from the list.
    let mut stream = Stream::open(&session.server, &wish, begin.as_deref()).await?;
    loop {
        for line in told.read(&deliveries(session, number, result).await?) {
            session.out.line(&line)?;
        }
        let look_again = Instant::now() + LOOK_EVERY;
        loop {
            if told.all_ended() {
                return finish(session, &told, number);
            }
            let until = look_again.min(deadline);
            match timeout_at(until, stream.next()).await {
                Ok(Heard::Fact(fact)) => {
                    if let Some(line) = told.hear(&fact.says) {
                        session.out.line(&line)?;
                    }
                }
                Ok(Heard::Nothing) => {}
                Ok(Heard::Reset) => break,
                Ok(Heard::End) => {
                    stream = Stream::open(&session.server, &wish, stream.last()).await?;
                    break;
                }
                Err(_) if Instant::now() >= deadline => return out_of_time(args, &told, number),
                Err(_) => break,
            }
        }
    }
}

/// The deliveries that came of the event: the newest of their kind, all made in one moment.
async fn deliveries<W>(session: &Session<W>, number: u64, kind: &str) -> Result<Vec<Delivery>, Failure> {
    let query = [("incident", number.to_string()), ("limit", "200".to_owned())];
    let page: RawPage = session.server.get("/api/v1/deliveries", &query).await?;
    let mut of_kind = Vec::new();
    for raw in &page.data {
        let delivery: Delivery = parsed(raw)?;
        if delivery.notification == kind && delivery.replay_of.is_none() {
            of_kind.push(delivery);
        }
    }
    let newest = of_kind.iter().map(|delivery| delivery.created_at).max();
    of_kind.retain(|delivery| Some(delivery.created_at) == newest);
    of_kind.reverse();
    Ok(of_kind)
}

fn finish<W: Write>(session: &mut Session<W>, told: &Told, number: u64) -> Result<Exit, Failure> {
    if told.steps.is_empty() {
        session.out.line("nobody is told: no route takes it, or nobody on it can be reached")?;
    }
    let dead: Vec<&str> =
        told.steps.iter().filter(|(_, step)| step.state == "dead").map(|(id, _)| id.as_str()).collect();
    if let Some(first) = dead.first() {
        say(&format!(
            "{} of {} did not arrive. Why: foghorn delivery show {first}      Try again: foghorn dlq retry {}",
            dead.len(),
            told.steps.len(),
            dead.join(" ")
        ));
        return Ok(Exit::Failed);
    }
    if io::stderr().is_terminal() {
        say(&format!("Look: foghorn incident show {number}      Watch: foghorn tail"));
    }
    Ok(Exit::Done)
}

fn out_of_time(args: &SendArgs, told: &Told, number: u64) -> Result<Exit, Failure> {
    let waiting = told.steps.values().filter(|step| !step.has_ended()).count();
    let timeout = humantime::format_duration(args.timeout);
    refuse(
        Code::NotInTime,
        &format!("after {timeout}, {waiting} of {} deliveries of #{number} still wait", told.steps.len()),
    );
    Ok(Exit::Failed)
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people: steps hang from the incident.
    Tree,
    /// One line a step.
    Plain,
}

/// What was printed so far.
#[derive(Debug)]
struct Told {
    form: Form,
    url: String,
    steps: BTreeMap<String, Step>,
}

/// How far a delivery is known to be.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    state: String,
    attempt: u32,
}

impl Step {
    fn has_ended(&self) -> bool {
        ["sent", "dead", "canceled", "expired"].contains(&self.state.as_str())
    }
}

impl Told {
    fn all_ended(&self) -> bool {
        self.steps.values().all(Step::has_ended)
    }

    /// What the list says and the stream did not. A retry that waits is left for the stream to tell,
    /// because it alone knows why.
    fn read(&mut self, deliveries: &[Delivery]) -> Vec<String> {
        for delivery in deliveries {
            let step = Step { state: "pending".to_owned(), attempt: 0 };
            self.steps.entry(delivery.id.clone()).or_insert(step);
        }
        let mut lines = Vec::new();
        for delivery in deliveries {
            let now = Step { state: delivery.state.clone(), attempt: delivery.attempt_count };
            let known = self.steps.get(&delivery.id).is_some_and(Step::has_ended);
            if known || !now.has_ended() {
                continue;
            }
            self.steps.insert(delivery.id.clone(), now);
            let says = Says {
                channel: Some(delivery.channel.clone()),
                recipient: Some(delivery.recipient.clone()),
                to: Some(delivery.to.clone()),
                state: Some(delivery.state.clone()),
                reason: delivery.reason.clone(),
                ..Says::default()
            };
            lines.push(self.line(&says));
        }
        lines
    }

    /// What the stream says and was not printed yet.
    fn hear(&mut self, says: &Says) -> Option<String> {
        let (id, state) = (says.id.as_ref()?, says.state.as_ref()?);
        let step = self.steps.get_mut(id)?;
        let now = Step { state: state.clone(), attempt: says.attempt.unwrap_or(step.attempt) };
        if step.has_ended() || *step == now {
            return None;
        }
        *step = now;
        let worth_a_line = step.has_ended() || state == "retrying";
        worth_a_line.then(|| self.line(says))
    }

    fn line(&self, says: &Says) -> String {
        let mark = match self.form {
            Form::Plain => "",
            Form::Tree if self.all_ended() => "└─ ",
            Form::Tree => "├─ ",
        };
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let outbox = says.provider_id.as_deref().and_then(|id| id.strip_prefix("outbox-"));
        let progress = match (outbox, says.state.as_deref()) {
            (Some(seq), Some("sent")) => format!("sent to outbox   {}/outbox/{seq}", self.url),
            _ => super::super::tail::progress(says, says.at),
        };
        format!("{mark}{:8} {:16} {progress}", word(&says.channel), or_none(&word(&says.to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: &str, state: &str) -> Delivery {
        serde_json::from_value(serde_json::json!({
            "id": id, "incident_number": 1, "notification": "opened", "channel": "email",
            "recipient": "you", "to": "y***@localhost", "state": state, "reason": null,
            "attempt_count": 1, "created_at": "2026-11-21T14:02:10Z", "updated_at": "2026-11-21T14:02:10Z",
            "next_attempt_at": null, "expires_at": "2026-11-22T14:02:10Z", "replay_of": null
        }))
        .expect("a delivery")
    }

    fn says(id: &str, state: &str, attempt: u32) -> Says {
        Says {
            id: Some(id.to_owned()),
            state: Some(state.to_owned()),
            attempt: Some(attempt),
            channel: Some("email".to_owned()),
            to: Some("y***@localhost".to_owned()),
            provider_id: (state == "sent").then(|| "outbox-3".to_owned()),
            ..Says::default()
        }
    }

    fn nothing_yet(form: Form) -> Told {
        Told { form, url: "http://h:1".to_owned(), steps: BTreeMap::new() }
    }

    #[test]
    fn each_step_is_told_once_and_the_last_one_ends_the_tree() {
        let mut told = nothing_yet(Form::Tree);
        assert_eq!(told.read(&[listed("a", "sending"), listed("b", "sending")]), Vec::<String>::new());
        assert_eq!(told.hear(&says("x", "sent", 1)), None, "of another event");
        assert_eq!(told.hear(&says("a", "sending", 1)), None, "not worth a line");
        assert!(told.hear(&says("a", "retrying", 1)).is_some_and(|line| line.starts_with("├─ ")));
        assert_eq!(told.hear(&says("a", "retrying", 1)), None, "told before");
        assert!(told.hear(&says("b", "sent", 1)).is_some_and(|line| line.starts_with("├─ ")));
        assert!(!told.all_ended());
        assert_eq!(
            told.hear(&says("a", "sent", 2)).as_deref(),
            Some("└─ email    y***@localhost   sent to outbox   http://h:1/outbox/3")
        );
        assert!(told.all_ended());
        assert!(told.read(&[listed("a", "sent"), listed("b", "sent")]).is_empty());
    }

    #[test]
    fn what_the_stream_did_not_tell_the_list_does() {
        let mut told = nothing_yet(Form::Plain);
        let lines = told.read(&[listed("a", "canceled"), listed("b", "pending")]);
        assert_eq!(lines, ["email    y***@localhost   canceled"]);
        assert!(!told.all_ended());
    }
}
