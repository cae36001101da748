//! Bulk jobs at the command line: what would be done, a question, then how it goes until it is over.
//! ^C stops the job on the server, not only the watching.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::signal::ctrl_c;
use tokio::time::interval;

use super::Exit;
use super::client::{Session, ShowArgs};
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, counted, parsed, print, read};
use super::print::say;
use super::question::{Answer, asked, may};
use crate::domain::bulk::Rate;

const JOBS: &str = "/api/v1/jobs";
/// How often a job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How something is done to all dead deliveries that fit.
#[derive(Debug, Clone, Args)]
pub struct BulkArgs {
    /// With --all: only what fits, such as: error:timeout channel:email age<2h
    #[arg(long, value_name = "QUERY", requires = "all")]
    pub filter: Option<String>,
    /// With --all: how many a second or a minute
    #[arg(long, value_name = "N/s", default_value_t = Rate::USUAL, requires = "all")]
    pub rate: Rate,
    /// With --all: do so many first, and see what becomes of them
    #[arg(long, value_name = "N", requires = "all")]
    pub canary: Option<u32>,
    /// With --all: say what would be done, and do nothing
    #[arg(long, requires = "all")]
    pub dry_run: bool,
    /// With --all: also calls to act about incidents that are resolved
    #[arg(long, requires = "all")]
    pub include_resolved: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Preview {
    matched: u64,
    matched_exact: bool,
    skipped: u64,
    reasons: Vec<Reason>,
    estimated_seconds: u64,
}

#[derive(Debug, Deserialize)]
struct Reason {
    reason: String,
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Job {
    job_id: String,
    action: String,
    filter: String,
    state: String,
    matched: u64,
    skipped: u64,
    done: u64,
    succeeded: u64,
    failed: u64,
    canceled: u64,
    pending: u64,
}

impl Job {
    fn waits(&self) -> bool {
        self.state == "waiting_canary" && self.pending == 0
    }

    fn is_over(&self) -> bool {
        self.state == "stopped" || (self.state == "done" && self.pending == 0)
    }

    fn wanted(&self) -> u64 {
        self.matched.saturating_sub(self.skipped).max(self.done)
    }

    fn told(&self) -> String {
        if self.action == "discard" {
            return format!("discarded {}", self.done);
        }
        let canceled = match self.canceled {
            0 => String::new(),
            count => format!("   canceled {count}"),
        };
        format!("sent {}   dead again {}{canceled}", self.succeeded, self.failed)
    }
}

/// What watching came to.
enum Watched {
    Ended(Job, Box<RawValue>),
    Interrupted(Job, Box<RawValue>),
}

/// Does `action` to all that fits.
pub(super) async fn run<W: Write>(
    action: &str,
    args: &BulkArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    let path = format!("/api/v1/dead-letters/{action}");
    let wish = |dry_run: bool| {
        json!({
            "filter": args.filter.as_deref().unwrap_or_default(), "rate": args.rate,
            "canary": args.canary.unwrap_or(0), "include_resolved": args.include_resolved, "dry_run": dry_run,
        })
    };
    let raw: Box<RawValue> = session.server.post(&path, &wish(true)).await?;
    let preview: Preview = parsed(&raw)?;
    if args.dry_run && args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let wanted = preview.matched.saturating_sub(preview.skipped);
    if !args.json {
        tell_preview(action, args, &preview);
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if wanted == 0 {
        say("Nothing to do.");
        return Ok(Exit::Done);
    }
    if !args.yes
        && let Err(exit) = may(action, &wanted.to_string()).await
    {
        return Ok(exit);
    }
    let begun: Job = session.server.post(&path, &wish(false)).await?;
    follow(begun.job_id, args, session).await
}

async fn follow<W: Write>(id: String, args: &BulkArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    loop {
        let (job, raw) = match watch(&id, args, session).await? {
            Watched::Ended(job, raw) => (job, raw),
            Watched::Interrupted(job, raw) => {
                finish(&job, &raw, args, session)?;
                return Ok(Exit::Interrupted);
            }
        };
        if !job.waits() {
            finish(&job, &raw, args, session)?;
            let all_well = job.failed == 0 && job.state == "done";
            return Ok(if all_well { Exit::Done } else { Exit::Failed });
        }
        let left = job.wanted().saturating_sub(job.done);
        say(&format!("Canary of {}: {}.", job.done, job.told()));
        let answer = if args.yes && job.failed == 0 {
            Some(Answer::Yes)
        } else {
            asked(&format!("Continue with {left}?")).await
        };
        let path = format!("{JOBS}/{id}");
        match answer {
            Some(Answer::Yes) => {
                session.server.post::<Job>(&format!("{path}/continue"), &json!({})).await?;
            }
            _ => {
                let raw: Box<RawValue> = session.server.delete(&path).await?;
                finish(&parsed(&raw)?, &raw, args, session)?;
                return Ok(if answer == Some(Answer::Interrupted) {
                    Exit::Interrupted
                } else {
                    Exit::Failed
                });
            }
        }
    }
}

/// Looks until the job ends, waits, or somebody presses ^C, which stops it.
async fn watch<W: Write>(id: &str, args: &BulkArgs, session: &Session<W>) -> Result<Watched, Failure> {
    let path = format!("{JOBS}/{id}");
    let bar = Bar::of(args);
    let mut tick = interval(LOOK_EVERY);
    let looked = async {
        loop {
            tick.tick().await;
            let raw: Box<RawValue> = session.server.get(&path, &[]).await?;
            let job: Job = parsed(&raw)?;
            bar.draw(&job);
            if job.waits() || job.is_over() {
                return Ok(Watched::Ended(job, raw));
            }
        }
    };
    let watched = tokio::select! {
        watched = looked => watched,
        _ = ctrl_c() => {
            let raw: Box<RawValue> = session.server.delete(&path).await?;
            Ok(Watched::Interrupted(parsed(&raw)?, raw))
        }
    };
    bar.end();
    watched
}

/// One line that is drawn over itself, at a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bar {
    Shown,
    Hidden,
}

impl Bar {
    const WIDTH: u64 = 20;

    fn of(args: &BulkArgs) -> Self {
        if args.json || !io::stderr().is_terminal() { Self::Hidden } else { Self::Shown }
    }

    fn draw(self, job: &Job) {
        let wanted = job.wanted().max(1);
        let full = job.done * Self::WIDTH / wanted;
        let bar: String = (0..Self::WIDTH).map(|place| if place < full { '█' } else { '░' }).collect();
        let percent = job.done * 100 / wanted;
        self.write(&format!("\r {} of {wanted} {bar} {percent}%   {}   ", job.done, job.told()));
    }

    fn end(self) {
        self.write("\n");
    }

    /// Nobody can be told if it fails.
    fn write(self, text: &str) {
        if self == Self::Shown {
            let mut terminal = io::stderr();
            let _ = write!(terminal, "{text}").and_then(|()| terminal.flush());
        }
    }
}

fn finish<W: Write>(
    job: &Job,
    raw: &RawValue,
    args: &BulkArgs,
    session: &mut Session<W>,
) -> Result<(), Failure> {
    if args.json {
        session.out.json(raw.get())?;
        return Ok(());
    }
    let (id, done, wanted) = (&job.job_id, job.done, job.wanted());
    session.out.line(&format!("{id}  {}: {done} of {wanted}   {}", job.state, job.told()))?;
    if job.pending > 0 {
        say(&format!("{} are on their way: foghorn dlq job {id}", job.pending));
    }
    if job.failed > 0 {
        say("What is dead again: foghorn dlq list");
    }
    Ok(())
}

fn tell_preview(action: &str, args: &BulkArgs, preview: &Preview) {
    let reasons = preview.reasons.iter().map(|line| format!("{} {}", line.count, line.reason));
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    let reasons = if reasons.is_empty() { reasons } else { format!(" ({reasons})") };
    let more = if preview.matched_exact { "" } else { " or more" };
    say(&format!("{}{more} match{reasons}.", preview.matched));
    if preview.skipped > 0 {
        let skipped = preview.skipped;
        say(&format!("{skipped} belong to resolved incidents: skipped (--include-resolved to send them)."));
    }
    let wanted = preview.matched.saturating_sub(preview.skipped);
    let takes = humantime::format_duration(Duration::from_secs(preview.estimated_seconds));
    say(&format!("Will {action} {wanted} at {} ≈ {takes}.", args.rate));
}

pub(super) async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let args = ListArgs::all(form.clone());
    let listed = read(&session.server, JOBS, &[], &args).await?;
    let header = ["ID", "ACTION", "STATE", "DONE", "OF", "SENT", "DEAD AGAIN", "FILTER"];
    let row = |job: &Job| {
        let counts = [job.done, job.wanted(), job.succeeded, job.failed].map(|count| count.to_string());
        let [done, of, sent, failed] = counts;
        [
            job.job_id.clone(),
            job.action.clone(),
            job.state.clone(),
            done,
            of,
            sent,
            failed,
            job.filter.clone(),
        ]
    };
    print(&mut session.out, &listed, &args, header, row, |job: &Job| job.job_id.clone())?;
    if !form.json && !form.quiet {
        say(&format!("{}.", counted(listed.entries.len() as u64, "job", "jobs")));
    }
    Ok(Exit::Done)
}

pub(super) async fn show<W: Write>(args: &ShowArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw = session.server.get(&format!("{JOBS}/{}", args.id), &[]).await?;
    told(args, raw, session)
}

pub(super) async fn stop<W: Write>(args: &ShowArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw = session.server.delete(&format!("{JOBS}/{}", args.id)).await?;
    told(args, raw, session)
}

pub(super) async fn go_on<W: Write>(args: &ShowArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw = session.server.post(&format!("{JOBS}/{}/continue", args.id), &json!({})).await?;
    told(args, raw, session)
}

fn told<W: Write>(args: &ShowArgs, raw: Box<RawValue>, session: &mut Session<W>) -> Result<Exit, Failure> {
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let job: Job = parsed(&raw)?;
    let (id, state, done, wanted) = (&job.job_id, &job.state, job.done, job.wanted());
    session.out.line(&format!(
        "{id}  {state}: {done} of {wanted}   {}   pending {}",
        job.told(),
        job.pending
    ))?;
    Ok(Exit::Done)
}
