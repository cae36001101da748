//! `foghorn dev`: everything at once, nothing configured, nothing leaves the machine.
//!
//! The store is in memory, every channel is an outbox, and librdkafka's mock cluster runs in this
//! process as a Kafka-protocol broker, so that any Kafka client can try the real way in.

mod demo;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::serve::{Ended, ServeError, Serving};
use crate::config::{Config, Problem};
use crate::sources::SourceError;
use crate::sources::kafka::EmbeddedBroker;

/// What to do beside running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Nothing: wait for events.
    Nothing,
    /// Feed it a few events and tell what became of each.
    Demo,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The broker in this process.
    #[error("the embedded broker did not start: {0}")]
    Broker(#[from] SourceError),
    /// The rest.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The configuration below; only an environment variable can make it invalid.
    #[error("{}", .0.iter().map(Problem::render).collect::<Vec<_>>().join("\n"))]
    Config(Vec<Problem>),
    /// Standard output is gone.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// The topic that the embedded broker has from the start.
pub const TOPIC: &str = "incidents";

/// What `foghorn dev` runs on.
fn configuration(broker: &str, port: u16) -> String {
    include_str!("config.toml")
        .replace("@PORT@", &port.to_string())
        .replace("@BROKER@", broker)
        .replace("@TOPIC@", TOPIC)
}

/// Runs until a signal.
///
/// # Errors
/// It did not start, or standard output went away.
pub async fn run(port: u16, show: Show, env: &BTreeMap<String, String>) -> Result<Ended, DevError> {
    let broker = EmbeddedBroker::start(&[(TOPIC, 3)])?;
    let text = configuration(broker.address(), port);
    let loaded = Config::parse(&text, Some(Path::new("foghorn dev")), env).map_err(DevError::Config)?;
    let env = env.clone();
    let reread = Arc::new(move || Config::parse(&text, Some(Path::new("foghorn dev")), &env));
    let serving = Serving::start(&loaded, reread).await?;
    banner(&serving, broker.address())?;
    if show == Show::Demo {
        let (store, outbox) = (serving.store.clone(), serving.outbox.clone());
        tokio::spawn(async move {
            // Nothing to tell if standard output is gone.
            drop(demo::play(&broker, &*store, &outbox).await);
            std::future::pending::<()>().await;
        });
        return Ok(serving.run().await);
    }
    let ended = serving.run().await;
    drop(broker);
    Ok(ended)
}

fn banner(serving: &Serving, broker: &str) -> io::Result<()> {
    let url = format!("http://{}", serving.address);
    let mut out = io::stdout().lock();
    writeln!(out, "Development server. Data is in memory and gone when it ends.")?;
    writeln!(out, "Foghorn {} is running", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "├─ Outbox    {url}/outbox   every message lands here, nothing is sent")?;
    writeln!(out, "├─ API       {url}/api/v1")?;
    writeln!(out, "├─ Metrics   {url}/metrics")?;
    writeln!(out, "└─ Kafka     {broker}   topic {TOPIC}, for any Kafka client")?;
    writeln!(out)?;
    writeln!(out, "Try it in another terminal:")?;
    writeln!(
        out,
        "  foghorn send \"Disk full\" --severity critical --service db-1 --wait{}",
        elsewhere(&url)
    )?;
    writeln!(out, "or")?;
    writeln!(
        out,
        "  curl -d '{{\"title\":\"Disk full\",\"severity\":\"critical\",\"service\":\"db-1\"}}' {url}/api/v1/events"
    )?;
    writeln!(out)?;
    out.flush()
}

/// What a command needs to find a server that is not where it looks by itself.
fn elsewhere(url: &str) -> String {
    if url.ends_with(":3644") { String::new() } else { format!(" --url {url}") }
}
