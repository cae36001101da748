//! `foghorn top`: a table that changes in place.
//!
//! `model` knows, `draw` shows, and both are pure. What is left here is the terminal: keys and
//! snapshots in, frames out. ratatui writes only what differs from the frame before.

mod draw;
mod metrics;
mod model;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::StreamExt;
use ratatui::DefaultTerminal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::Exit;
use super::client::Session;
use super::connection::{Connection, Failure, RawPage};
use super::lists::parsed;
use super::print::refuse;
use super::shapes::Incident;
use super::stream::{Heard, Stream, Wish};
use crate::catalogue::Code;
use crate::clock::Clock;
use draw::{Paint, draw};
use metrics::Samples;
use model::{Key, Next, Snapshot, TopModel};

/// `foghorn top`
#[derive(Debug, Clone, Args)]
pub struct TopArgs {
    /// Look this often
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = humantime::parse_duration)]
    pub interval: Duration,
}

/// What there is to show.
#[derive(Debug)]
enum News {
    Look(Snapshot),
    Incidents(Vec<Incident>),
    Lost(String),
}

/// More often than this, incidents are not read, however much happens.
const INCIDENTS_EVERY: Duration = Duration::from_millis(500);
/// And as often they are read though nothing is told.
const INCIDENTS_ANYWAY: Duration = Duration::from_secs(10);

pub(super) async fn run<W>(args: &TopArgs, session: &Session<W>) -> Result<Exit, Failure> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        refuse(Code::NotATerminal, &"top draws on a terminal, and this is a pipe or a file");
        return Ok(Exit::Usage);
    }
    // Whoever is not there from the start is told of as by every other command.
    let first = look(&session.server).await?;
    let mut model = TopModel::default();
    model.look(first);
    let (tell, news) = mpsc::channel(16);
    let terminal = ratatui::try_init()?;
    let shown = tokio::select! {
        shown = show(terminal, model, news) => shown,
        () = watch_metrics(&session.server, args.interval, &tell) => Ok(()),
        () = watch_incidents(&session.server, &tell) => Ok(()),
    };
    ratatui::try_restore()?;
    shown?;
    Ok(Exit::Done)
}

/// Until somebody quits.
async fn show(
    mut terminal: DefaultTerminal,
    mut model: TopModel,
    mut news: mpsc::Receiver<News>,
) -> io::Result<()> {
    let clock = Clock::system();
    let paint = match std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        true => Paint::Plain,
        false => Paint::Colour,
    };
    let mut keys = EventStream::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        terminal.draw(|frame| draw(frame, &model, clock.now(), paint))?;
        tokio::select! {
            key = keys.next() => match key {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                    if pressed(key).is_some_and(|key| model.press(key) == Next::Quit) {
                        return Ok(());
                    }
                }
                // A new size is drawn; ratatui asks the terminal for it.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            Some(news) = news.recv() => match news {
                News::Look(snapshot) => model.look(snapshot),
                News::Incidents(incidents) => model.incidents = incidents,
                News::Lost(why) => model.lost = Some(why),
            },
            _ = terminate.recv() => return Ok(()),
            // The clock in the header goes on.
            _ = tick.tick() => {}
        }
    }
}

fn pressed(key: KeyEvent) -> Option<Key> {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Interrupt),
        KeyCode::Char(letter) => Some(Key::Letter(letter)),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Esc => Some(Key::Escape),
        KeyCode::Backspace => Some(Key::Backspace),
        _ => None,
    }
}

async fn look(server: &Connection) -> Result<Snapshot, Failure> {
    let (_, metrics) = server.probe("/metrics").await?;
    let status = match server.get("/api/v1/status", &[]).await {
        Ok(status) => Some(status),
        // Its store is away: all else is still known.
        Err(Failure::Refused { exit: Exit::Unreachable, .. }) => None,
        Err(failure) => return Err(failure),
    };
    let at = Clock::system().now();
    Ok(Snapshot { at, samples: Samples::parse(&metrics), status })
}

async fn watch_metrics(server: &Connection, every: Duration, tell: &mpsc::Sender<News>) {
    let mut tick = interval(every.max(Duration::from_millis(100)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let news = match look(server).await {
            Ok(snapshot) => News::Look(snapshot),
            Err(failure) => News::Lost(failure.to_string()),
        };
        if tell.send(news).await.is_err() {
            return;
        }
    }
}

/// Reads the incidents when something happened to one, and now and then anyway.
async fn watch_incidents(server: &Connection, tell: &mpsc::Sender<News>) {
    let wish = Wish { topics: "incidents,deliveries".to_owned(), filter: String::new() };
    loop {
        // That the server is lost is told by whoever reads the metrics.
        if let Ok(mut stream) = Stream::open(server, &wish, None).await {
            loop {
                if let Ok(incidents) = incidents(server).await
                    && tell.send(News::Incidents(incidents)).await.is_err()
                {
                    return;
                }
                let begun = Instant::now();
                if until_something(&mut stream, begun + INCIDENTS_ANYWAY).await == Heard::End {
                    break;
                }
                sleep_until(begun + INCIDENTS_EVERY).await;
            }
        }
        sleep(INCIDENTS_EVERY).await;
    }
}

/// Waits for a fact, the end, or `deadline`.
async fn until_something(stream: &mut Stream, deadline: Instant) -> Heard {
    loop {
        let heard = tokio::select! {
            heard = stream.next() => heard,
            () = sleep_until(deadline) => return Heard::Nothing,
        };
        if heard != Heard::Nothing {
            return heard;
        }
    }
}

async fn incidents(server: &Connection) -> Result<Vec<Incident>, Failure> {
    let query = [("status", "open,acknowledged".to_owned()), ("limit", "100".to_owned())];
    let page: RawPage = server.get("/api/v1/incidents", &query).await?;
    page.data.iter().map(|raw| parsed(raw)).collect()
}
