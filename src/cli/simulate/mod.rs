//! `foghorn simulate`: who would have been told differently by another configuration. Past events are read
//! again by both, and nobody is told anything.
//!
//! What opens an incident is compared, what tells people directly, and what could not be read: who would hear, on which
//! channel, how long after. Each event is asked about at the moment it came, so whoever was on call then is on call. One
//! page of events is held at a time, and of the store a line for each incident.
//!
//! ```text
//! place ─▶ past: the store, a file, a bus where it lies ─▶ both sides ─▶ comparison ─▶ account
//! ```

mod account;
mod bus;
mod comparison;
mod past;
mod place;
mod side;
mod store;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use tokio::signal::ctrl_c;

use self::account::Account;
use self::comparison::Comparing;
use self::past::Past;
use self::place::Place;
use self::side::{Sides, beside};
use super::Exit;
use super::client::Session;
use super::connection::{Connection, Failure};
use super::print::{Printer, overwrite, refuse};
use super::process::{environment, invalid};
use crate::catalogue::Code;
use crate::config;

/// How many events are asked about at once.
const AT_ONCE: usize = 8;

/// `foghorn simulate`
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// The configuration that is to be tried
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where past events are: the store, or store:SOURCE of it; a file of JSON lines (- for standard input); or
    /// topic:SOURCE[/TOPIC], which looks at the bus of a source and takes nothing
    #[arg(long, value_name = "PLACE", default_value = "store")]
    pub from: String,
    /// How far back, of what is in the store or on a bus
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = humantime::parse_duration)]
    pub since: Duration,
    /// Whose records the lines of a file are
    #[arg(long, value_name = "NAME", default_value = "api")]
    pub source: String,
    /// Compare with this configuration instead of the one in use
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// One JSON object for each event that is heard of differently, and one for all
    #[arg(long)]
    pub json: bool,
}

/// Does what was asked.
pub(super) async fn run<W: Write>(args: &SimulateArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let load = |path: &PathBuf| config::load(Some(path), &environment());
    let (new, against) = match (load(&args.config), args.against.as_ref().map(load).transpose()) {
        (Ok(new), Ok(against)) => (new, against),
        (Err(problems), _) | (_, Err(problems)) => return Ok(invalid(&problems)),
    };
    let place = match Place::of(&args.from) {
        Ok(place) => place,
        Err(why) => {
            refuse(Code::InputUnreadable, &why);
            return Ok(Exit::Usage);
        }
    };
    let Session { server, out, now } = session;
    let asks = against.is_none() || matches!(place, Place::Store(_));
    let stored = if asks { store::records(server).await? } else { Vec::new() };
    let (new, against) = match (beside(new, &stored), against.map(|old| beside(old, &stored)).transpose()) {
        (Ok(new), Ok(against)) => (new, against),
        (Err(problems), _) | (_, Err(problems)) => return Ok(invalid(&problems)),
    };
    let past = Past::of(place, args, *now, &new, against.as_ref()).await?;
    let sides = Sides::of(new, against, server);
    let mut account = Account::default();
    let compared = all(past, &sides, args, server, out, &mut account);
    let ended = tokio::select! {
        ended = compared => ended.map(|()| Exit::Done),
        _ = ctrl_c() => Ok(Exit::Interrupted),
    };
    if io::stderr().is_terminal() {
        overwrite("");
    }
    // What was compared so far counts, however it ended.
    match &ended {
        Err(Failure::Output(_)) => {}
        Err(_) if account.is_empty() => {}
        _ => account.tell(args.json, out)?,
    }
    ended
}

/// Compares what both make of each event.
async fn all<W: Write>(
    past: Past,
    sides: &Sides<'_>,
    args: &SimulateArgs,
    server: &Connection,
    out: &mut Printer<W>,
    account: &mut Account,
) -> Result<(), Failure> {
    let mut comparing = Comparing::default();
    let mut events = past.events(server);
    while let Some(page) = events.next().await? {
        let both = futures::stream::iter(page).map(|seen| sides.hear(seen)).buffered(AT_ONCE);
        let mut both = std::pin::pin!(both);
        while let Some(heard) = both.next().await {
            let heard = heard?;
            account.read(heard.seen.at);
            for compared in comparing.each(&heard) {
                account.add(&compared);
                if compared.differs() {
                    compared.tell(&heard.seen, args.json, out)?;
                }
            }
        }
        account.progress();
    }
    Ok(())
}
