//! The dead man's switch: an address outside is asked again and again while this process is ready, so
//! that somebody notices there when it no longer is. What cannot page any more cannot page about that.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::catalogue::Code;
use crate::config::Heartbeat;
use crate::store::Store;
use crate::telemetry::health::Health;
use crate::telemetry::labels::HeartbeatResult;
use crate::telemetry::metrics;

/// Neither the store nor whoever listens outside is waited for any longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells `heartbeat` of life, until it is dropped. Whatever goes wrong is only said.
pub async fn beat(heartbeat: Heartbeat, health: Health, store: Arc<dyn Store>) {
    let client = reqwest::Client::builder().timeout(PATIENCE).build();
    let mut tick = interval(heartbeat.every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if !is_ready(&health, store.as_ref()).await {
            continue;
        }
        match &client {
            Ok(client) => told(send(client, &heartbeat).await, &heartbeat),
            Err(error) => told(Err(innermost(error)), &heartbeat),
        }
    }
}

/// As `/readyz` sees it.
async fn is_ready(health: &Health, store: &dyn Store) -> bool {
    health.report().is_ready() && matches!(timeout(PATIENCE, store.check()).await, Ok(Ok(_)))
}

async fn send(client: &reqwest::Client, heartbeat: &Heartbeat) -> Result<(), String> {
    let answer = client.get(heartbeat.url.expose().clone()).send().await;
    let answer = answer.map_err(|error| innermost(&error.without_url()))?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
}

fn told(sent: Result<(), String>, heartbeat: &Heartbeat) {
    match sent {
        Ok(()) => metrics::heartbeat(HeartbeatResult::Sent),
        Err(why) => {
            metrics::heartbeat(HeartbeatResult::Failed);
            tracing::warn!(code = %Code::HeartbeatFailed, to = %heartbeat.url, why, "a heartbeat did not arrive");
        }
    }
}

/// The innermost reason; the words around it hold the address.
fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
