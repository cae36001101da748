//! What a service manager is told over `NOTIFY_SOCKET` (systemd, `Type=notify`): that the process is
//! ready, how it is in one line, that it still answers, and that it stops.
//!
//! The protocol is one datagram of `NAME=value` lines, too little to need a library for: see
//! `man sd_notify`. Without `NOTIFY_SOCKET` nobody is told anything.

use std::collections::BTreeMap;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::messages::Peers;
use crate::messages::status::StatusMessage;
use crate::telemetry::handles::ConfiguredSource;
use crate::telemetry::health::{Condition, Health, HealthReport, Phase};

/// Whom to tell. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ServiceManager {
    socket: Option<Arc<UnixDatagram>>,
    /// It wants a sign of life within this time.
    watchdog: Option<Duration>,
}

/// How often the status line is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An actor that lives answers sooner.
const PATIENCE: Duration = Duration::from_secs(1);

impl ServiceManager {
    /// The one that this environment names, if any.
    pub fn of(env: &BTreeMap<String, String>) -> Self {
        let Some(socket) = env.get("NOTIFY_SOCKET").and_then(|name| connect(name)) else {
            return Self::default();
        };
        let mine = env.get("WATCHDOG_PID").is_none_or(|pid| *pid == std::process::id().to_string());
        let micros = env.get("WATCHDOG_USEC").filter(|_| mine).and_then(|text| text.parse().ok());
        let watchdog = micros.filter(|micros| *micros > 0).map(Duration::from_micros);
        Self { socket: Some(Arc::new(socket)), watchdog }
    }

    /// The process takes work.
    pub fn ready(&self) {
        self.say("READY=1");
    }

    /// Another configuration is being read; say [`Self::ready`] when that is over.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1_000));
    }

    /// The process is ending.
    pub fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=draining");
    }

    /// Keeps the status line true, and gives signs of life as long as the status actor, and with it
    /// the runtime, answers. A store that is away is no reason to be killed.
    pub(super) async fn keep(self, health: Health, peers: watch::Receiver<Arc<Peers>>) {
        if self.socket.is_none() {
            return;
        }
        let answers = || {
            let status = peers.borrow().status.clone();
            async move {
                match status {
                    Some(status) => status.ask(StatusMessage::Presence, PATIENCE).await.is_some(),
                    None => false,
                }
            }
        };
        tokio::join!(self.keep_status(&health), self.keep_alive(answers));
    }

    async fn keep_status(&self, health: &Health) {
        let mut told = String::new();
        let mut tick = interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            let line = status_line(&health.report());
            if line != told {
                self.say(&format!("STATUS={line}"));
                told = line;
            }
        }
    }

    async fn keep_alive<Answer: Future<Output = bool>>(&self, answers: impl Fn() -> Answer) {
        let Some(patience) = self.watchdog else {
            return;
        };
        // Half of it, as its manual asks for: one beat may be late.
        let mut tick = interval(patience / 2);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tick.tick().await;
            if answers().await {
                self.say("WATCHDOG=1");
            } else {
                let waited_ms = asked.elapsed().as_millis();
                tracing::warn!(
                    waited_ms,
                    "the status actor does not answer; the watchdog is not told of life"
                );
                // It may be starting again: there is time for another question before it is too late.
                tick.reset_after(patience / 8);
            }
        }
    }

    /// A manager that does not listen is no reason to stop.
    fn say(&self, what: &str) {
        if let Some(socket) = &self.socket {
            drop(socket.send(what.as_bytes()));
        }
    }
}

/// A name that begins with `@` is one of the kernel's own, without a file.
fn connect(name: &str) -> Option<UnixDatagram> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect_addr(&address.ok()?).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

/// `ready; 3 of 4 sources up, legacy down; 4 retrying`
fn status_line(report: &HealthReport) -> String {
    let state = match (report.phase, &report.store) {
        _ if report.is_ready() => "ready".to_owned(),
        (Phase::Starting, _) => "starting".to_owned(),
        (Phase::Draining, _) => "draining".to_owned(),
        (Phase::Running, Condition::Down(why)) => format!("not ready: the store is down: {why}"),
        (Phase::Running, _) => "not ready: nobody knows how the store is".to_owned(),
    };
    // Requests need no connection, so nobody says how their source is.
    let is_up = |source: &&ConfiguredSource| match report.sources.get(&source.name) {
        Some(condition) => *condition == Condition::Up,
        None => source.kind == "http",
    };
    let configured = &report.roster.sources;
    let up = configured.iter().filter(is_up).count();
    let mut line = format!("{state}; {up} of {} sources up", configured.len());
    let sources = report.sources.iter().map(|(name, condition)| (name.as_str(), condition));
    let channels = report.channels.iter().map(|(name, condition)| (name.as_str(), condition));
    for (name, condition) in sources.chain(channels) {
        match condition {
            Condition::Up | Condition::Unknown => {}
            Condition::Degraded(_) => line.push_str(&format!(", {name} degraded")),
            Condition::Down(_) => line.push_str(&format!(", {name} down")),
        }
    }
    line.push_str(&format!("; {} retrying", report.retrying));
    // One line, and no other variable in it.
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::telemetry::health::Roster;

    fn listening(more: &[(&str, &str)]) -> (UnixDatagram, ServiceManager) {
        let name = format!("foghorn-test-{:016x}", fastrand::u64(..));
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("bound");
        socket.set_nonblocking(true).expect("a socket");
        let mut env = BTreeMap::from([("NOTIFY_SOCKET".to_owned(), format!("@{name}"))]);
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        (socket, ServiceManager::of(&env))
    }

    /// How often something was said since.
    fn heard(socket: &UnixDatagram) -> usize {
        std::iter::from_fn(|| socket.recv(&mut [0; 512]).ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_as_long_as_somebody_answers_and_no_longer() {
        let (socket, manager) = listening(&[("WATCHDOG_USEC", "30000000")]);
        let minute = Duration::from_secs(60);
        let fed = tokio::time::timeout(minute, manager.keep_alive(|| ready(true)));
        assert!(fed.await.is_err(), "it goes on");
        assert!((4..=5).contains(&heard(&socket)), "every 15 s");
        let silent = tokio::time::timeout(minute, manager.keep_alive(|| ready(false)));
        assert!(silent.await.is_err(), "it goes on");
        assert_eq!(heard(&socket), 0);
        let stuck = tokio::time::timeout(minute, manager.keep_alive(pending::<bool>));
        assert!(stuck.await.is_err(), "it waits");
        assert_eq!(heard(&socket), 0);
    }

    #[tokio::test]
    async fn a_watchdog_of_another_process_is_not_ours() {
        let (_socket, manager) = listening(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "1")]);
        assert_eq!(manager.watchdog, None);
        manager.keep_alive(|| ready(true)).await;
    }

    #[test]
    fn the_status_is_one_line_that_names_what_is_down() {
        let health = Health::default();
        let source = |name: &str, kind: &str| ConfiguredSource { name: name.into(), kind: kind.to_owned() };
        let sources = vec![source("api", "http"), source("incidents", "kafka"), source("legacy", "kafka")];
        health.roster(Roster { sources, channels: Vec::new() });
        health.enter(Phase::Running);
        health.store(Condition::Up);
        health.source(&"incidents".into(), None, Condition::Up);
        health.source(&"legacy".into(), None, Condition::Down("refused\nSTATUS=x".to_owned()));
        assert_eq!(status_line(&health.report()), "ready; 2 of 3 sources up, legacy down; 0 retrying");
        health.retrying(4);
        health.store(Condition::Down("disk\nREADY=1".to_owned()));
        let line = status_line(&health.report());
        assert!(line.starts_with("not ready: the store is down: disk READY=1; 2 of 3"), "{line}");
        assert!(line.ends_with("; 4 retrying"), "{line}");
    }
}
