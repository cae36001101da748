//! `foghorn check --connect`: does what the configuration names answer? The store, each source's
//! broker, each channel's provider, who is told what changes and who says who somebody is are asked at once;
//! nothing is sent, and nothing changed.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, join_all};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::Exit;
use super::process::unopened;
use crate::channels::Channel;
use crate::clock::Clock;
use crate::config::{Config, SourceConfig};
use crate::daemon::assembly::{self, AssemblyError};
use crate::sources::SourceError;
use crate::sources::kafka::{self, KafkaSettings};
use crate::sources::redis::probe as probe_redis;
use crate::sources::{nats, pubsub, rabbitmq};
use crate::store::open;

/// One thing that was asked, and its answer.
#[derive(Debug, Clone)]
pub struct Probe {
    /// `store`, `source`, `channel`, `sink` or `auth`.
    pub part: &'static str,
    /// Its name; of the store, its kind.
    pub name: String,
    /// How long the answer took.
    pub took: Duration,
    /// What was seen, or what is wrong.
    pub found: Result<String, Trouble>,
}

/// Something that does not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// [`Exit::Unreachable`] if nobody answered; [`Exit::InvalidConfig`] if somebody said no.
    pub exit: Exit,
    /// What, without secrets.
    pub what: String,
    /// How to mend it.
    pub fix: String,
}

impl Trouble {
    fn unreachable(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { exit: Exit::Unreachable, what: what.into(), fix: fix.into() }
    }

    fn refused(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { exit: Exit::InvalidConfig, what: what.into(), fix: fix.into() }
    }
}

type Asking = BoxFuture<'static, Result<String, Trouble>>;

/// Asks everything that `config` names, all at once; nothing is waited for longer than `deadline`.
pub async fn probe(config: &Config, deadline: Duration) -> Vec<Probe> {
    let mut asking = vec![store(config)];
    for (name, source) in &config.sources {
        let name = name.to_string();
        let asked = match source {
            SourceConfig::Http(_) => continue,
            SourceConfig::Kafka(settings) => broker(name.clone(), Arc::clone(settings), deadline).boxed(),
            SourceConfig::Redis(settings) => {
                let (settings, place) = (Arc::clone(settings), settings.address());
                let asked = async move { probe_redis(&settings, deadline.mul_f64(0.9)).await };
                server(name.clone(), place, asked).boxed()
            }
            SourceConfig::Nats(settings) => {
                let (settings, place) = (Arc::clone(settings), settings.address());
                let asked = async move { nats::probe(&settings, deadline.mul_f64(0.9)).await };
                server(name.clone(), place, asked).boxed()
            }
            SourceConfig::RabbitMq(settings) => {
                let (settings, place) = (Arc::clone(settings), settings.access().shown());
                server(name.clone(), place, async move { rabbitmq::probe(&settings).await }).boxed()
            }
            SourceConfig::PubSub(settings) => {
                let (settings, place) = (Arc::clone(settings), settings.shown());
                server(name.clone(), place, async move { pubsub::probe(&settings).await }).boxed()
            }
        };
        asking.push(("source", name, asked));
    }
    let paper = assembly::letterhead(config);
    let channels = assembly::channels(config, &paper, &Arc::default(), Clock::system());
    match channels {
        Ok(channels) => asking.extend(channels.into_iter().map(|(name, part)| {
            let name = name.to_string();
            ("channel", name.clone(), provider(name, part.channel).boxed())
        })),
        Err(error) => {
            let trouble = Trouble::refused(error.to_string(), "foghorn check tells more");
            asking.push(("channel", "all".to_owned(), async { Err(trouble) }.boxed()));
        }
    }
    asking.extend(told(config, deadline));
    join_all(asking.into_iter().map(|(part, name, asked)| one(part, name, asked, deadline))).await
}

/// Who is told what changes, and who says who somebody is.
fn told(config: &Config, deadline: Duration) -> Vec<(&'static str, String, Asking)> {
    let mut asking: Vec<(&'static str, String, Asking)> = Vec::new();
    let broken = |error: AssemblyError| async move {
        Err(Trouble::refused(error.to_string(), "foghorn check tells more"))
    };
    match assembly::sinks(config, Clock::system()) {
        Ok(sinks) => asking.extend(sinks.into_iter().map(|(name, sink)| {
            let (name, within) = (name.to_string(), deadline.mul_f64(0.9));
            let place = format!("[events_out.{name}]");
            let asked = async move { sink.probe(within).await.map_err(|what| judged(what, &place)) };
            ("sink", name, asked.boxed())
        })),
        Err(error) => asking.push(("sink", "all".to_owned(), broken(error).boxed())),
    }
    match assembly::provider(config, Clock::system()) {
        Ok(None) => {}
        Ok(Some(provider)) => {
            let asked = async move { provider.probe().await.map_err(|what| judged(what, "[auth.oidc]")) };
            asking.push(("auth", "oidc".to_owned(), asked.boxed()));
        }
        Err(error) => asking.push(("auth", "oidc".to_owned(), broken(error).boxed())),
    }
    asking
}

/// Whether somebody said no, or nobody anything.
fn judged(what: String, place: &str) -> Trouble {
    if ["connection:", "timeout:"].iter().any(|code| what.starts_with(code)) {
        let fix = format!("check the address in {place}, and what lies on the way to it");
        return Trouble::unreachable(what, fix);
    }
    Trouble::refused(what, format!("mend what {place} says; nothing was sent"))
}

/// In a task of its own, so that a probe that panics is one failure among others.
async fn one(part: &'static str, name: String, asked: Asking, deadline: Duration) -> Probe {
    let begun = Instant::now();
    let task = tokio::spawn(asked);
    let stop = task.abort_handle();
    let found = match timeout(deadline, task).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => {
            Err(Trouble::unreachable("the probe crashed", "this is a defect of Foghorn: report it"))
        }
        Err(_) => {
            stop.abort();
            let what = format!("no answer within {} s", deadline.as_secs());
            Err(Trouble::unreachable(what, way_to(part, &name)))
        }
    };
    Probe { part, name, took: begun.elapsed(), found }
}

fn way_to(part: &str, name: &str) -> String {
    match part {
        "store" => "check [store] url, that the database runs, and what lies on the way to it".to_owned(),
        "sink" => format!("check the address in [events_out.{name}], and what lies on the way to it"),
        "auth" => "check issuer in [auth.oidc], and what lies on the way to it".to_owned(),
        _ => format!("check the address in [{part}s.{name}], and what lies on the way to it"),
    }
}

fn store(config: &Config) -> (&'static str, String, Asking) {
    let (settings, shown) = (assembly::store_settings(config), config.store.url.to_string());
    let kind = shown.split(':').next().unwrap_or_default().to_owned();
    let asked = async move {
        match open::probe(&settings).await {
            Ok(seen) => Ok(format!("{shown}{}", schema(&seen))),
            Err(error) => {
                let (exit, code) = unopened(&error);
                let what = format!("{error} ({code})");
                Err(Trouble { exit, what, fix: code.fix().to_owned() })
            }
        }
    };
    ("store", kind, asked.boxed())
}

fn schema(seen: &open::Probed) -> String {
    match seen.schema {
        _ if seen.kind == "memory" => "  gone when Foghorn stops".to_owned(),
        None => "  nothing there yet; serve makes it".to_owned(),
        Some(schema) if schema < seen.newest => {
            format!("  schema {schema}; serve brings it to {}", seen.newest)
        }
        Some(schema) => format!("  schema {schema} (current)"),
    }
}

async fn broker(name: String, settings: Arc<KafkaSettings>, deadline: Duration) -> Result<String, Trouble> {
    // It says more of what it waited for than the one who waits for it.
    let deadline = deadline.mul_f64(0.9);
    match kafka::probe(&settings, deadline).await {
        Ok(seen) => {
            let topics: Vec<String> =
                seen.topics.iter().map(|(topic, partitions)| format!("{topic}({partitions})")).collect();
            let brokers = super::check::counted(seen.brokers, "broker");
            Ok(format!("{brokers}, topics {}", topics.join(" ")))
        }
        Err(SourceError::Refused(what)) => {
            Err(Trouble::refused(what, format!("mend [sources.{name}], or the rights of its user")))
        }
        Err(SourceError::Lost(what)) => {
            let brokers = settings.brokers.join(", ");
            let fix =
                format!("check that {brokers} can be reached from here, and brokers in [sources.{name}]");
            Err(Trouble::unreachable(what, fix))
        }
    }
}

/// What a server at `place` said to a probe of its own.
async fn server(
    name: String,
    place: String,
    asked: impl Future<Output = Result<String, SourceError>>,
) -> Result<String, Trouble> {
    asked.await.map_err(|error| match error {
        SourceError::Refused(what) => {
            Trouble::refused(what, format!("mend [sources.{name}], or the rights of its user"))
        }
        SourceError::Lost(what) => Trouble::unreachable(
            what,
            format!("check that {place} can be reached from here, and what [sources.{name}] says of it"),
        ),
    })
}

async fn provider(name: String, channel: Arc<dyn Channel>) -> Result<String, Trouble> {
    channel.probe().await.map_err(|what| judged(what, &format!("[channels.{name}]")))
}

/// The exit code of all: somebody's no weighs more than nobody's answer, because waiting mends only
/// the latter.
pub fn exit(probes: &[Probe]) -> Exit {
    let exits = || probes.iter().filter_map(|probe| probe.found.as_ref().err()).map(|trouble| trouble.exit);
    match exits().find(|exit| *exit == Exit::InvalidConfig) {
        Some(refused) => refused,
        None => exits().next().unwrap_or(Exit::Done),
    }
}

/// For people: a line for each probe, and how to mend what failed.
pub fn text(probes: &[Probe]) -> Vec<String> {
    let width = probes.iter().map(|probe| probe.name.chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for Probe { part, name, took, found } in probes {
        let (mark, what) = match found {
            Ok(seen) => ("√", seen),
            Err(trouble) => ("x", &trouble.what),
        };
        lines.push(format!("  {mark} {part:<8} {name:<width$}  {what}  {} ms", took.as_millis()));
        if let Err(trouble) = found {
            lines.push(format!("    {:<8} {:<width$}  fix: {}", "", "", trouble.fix));
        }
    }
    let failed = probes.iter().filter(|probe| probe.found.is_err()).count();
    lines.push(format!("{failed} failed, {} ok.", probes.len() - failed));
    lines
}

/// For machines: an object for each probe.
pub fn json(probes: &[Probe]) -> Vec<Value> {
    let object = |Probe { part, name, took, found }: &Probe| {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match found {
            Ok(seen) => json!({ "part": part, "name": name, "ok": true, "took_ms": took, "seen": seen }),
            Err(trouble) => json!({
                "part": part, "name": name, "ok": false, "took_ms": took,
                "what": trouble.what, "fix": trouble.fix, "exit": trouble.exit.code(),
            }),
        }
    };
    probes.iter().map(object).collect()
}
