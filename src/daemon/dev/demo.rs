//! The demo: records through the embedded broker, and what became of each.

use std::io::{self, Write};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::TOPIC;
use crate::channels::outbox::Outbox;
use crate::domain::delivery::DeliveryState;
use crate::domain::query::{DeliveryQuery, IncidentQuery, LetterQuery};
use crate::sources::kafka::EmbeddedBroker;
use crate::store::views::DeliveryView;
use crate::store::{Paging, Store, StoreError};

/// The records, with what each is there to show.
const RECORDS: [(&str, &str, &str); 5] = [
    (
        "a page on four channels",
        "checkout",
        r#"{"title":"5xx rate above 5%","severity":"critical","service":"checkout-api","dedup_key":"checkout-5xx"}"#,
    ),
    (
        "the same incident again: nobody is told twice",
        "checkout",
        r#"{"title":"5xx rate above 9%","severity":"critical","service":"checkout-api","dedup_key":"checkout-5xx"}"#,
    ),
    (
        "a provider that fails once: retried after a second",
        "queue",
        r#"{"title":"Queue depth above 50000","severity":"high","service":"payments-worker","labels":{"demo":"flaky"}}"#,
    ),
    (
        "a provider that refuses: a dead letter",
        "cert",
        r#"{"title":"Certificate expires in 6 days","severity":"medium","service":"edge-proxy","labels":{"demo":"broken"}}"#,
    ),
    (
        "a poisoned record: kept as it came, and its partition goes on",
        "poison",
        r#"{"title": "cut off in the mid"#,
    ),
];

/// Comes last: what is over before anybody was told of it is told to nobody.
const OVER: (&str, &str, &str) = (
    "it is over: who was told is told",
    "checkout",
    r#"{"title":"5xx rate above 9%","severity":"critical","service":"checkout-api","dedup_key":"checkout-5xx","status":"resolved"}"#,
);

/// Deliveries that the records lead to: 4 for the page, 1 and 1.
const FIRST: usize = 6;
/// And 4 for its end.
const ALL: usize = 10;
/// A group join takes a few seconds, the retry one more.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Feeds the records, waits until all is told, and prints what became of it.
pub(super) async fn play(broker: &EmbeddedBroker, store: &dyn Store, outbox: &Outbox) -> io::Result<()> {
    say(&format!(
        "Demo: {} records on topic {TOPIC} (joining the consumer group takes a few seconds) …",
        RECORDS.len() + 1
    ))?;
    for record in RECORDS {
        feed(broker, record).await?;
    }
    if let Err(error) = finished(store, FIRST).await {
        return say(&format!("the store does not answer: {error}"));
    }
    feed(broker, OVER).await?;
    match finished(store, ALL).await {
        Ok(deliveries) => tell(store, outbox, &deliveries).await,
        Err(error) => say(&format!("the store does not answer: {error}")),
    }
}

async fn feed(broker: &EmbeddedBroker, (what, key, record): (&str, &str, &str)) -> io::Result<()> {
    match broker.produce(TOPIC, key, record.as_bytes()).await {
        Ok(()) => say(&format!("  → {what}")),
        Err(error) => say(&format!("the embedded broker refused a record: {error}")),
    }
}

/// Waits until so many deliveries have ended, or for as long as anybody would.
async fn finished(store: &dyn Store, wanted: usize) -> Result<Vec<DeliveryView>, StoreError> {
    let everything = Paging { before: None, limit: 200 };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let deliveries = store.deliveries(&DeliveryQuery::default(), &everything).await?.data;
        let ended = deliveries.iter().filter(|delivery| delivery.state.is_terminal()).count();
        if ended >= wanted || Instant::now() >= deadline {
            return Ok(deliveries);
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn tell(store: &dyn Store, outbox: &Outbox, deliveries: &[DeliveryView]) -> io::Result<()> {
    let page = Paging { before: None, limit: 200 };
    let mut lines = vec![String::new(), "What became of them:".to_owned()];
    if let Ok(incidents) = store.incidents(&IncidentQuery::default(), &page).await {
        for incident in incidents.data.iter().rev() {
            let events = if incident.event_count == 1 { "event" } else { "events" };
            lines.push(format!(
                "  #{} {} {}  {}  ({} {events})",
                incident.number, incident.severity, incident.status, incident.title, incident.event_count
            ));
            lines.extend(
                deliveries.iter().rev().filter(|d| d.incident_number == Some(incident.number)).map(line),
            );
        }
    }
    if let Ok(letters) = store.dead_letters(&LetterQuery::default(), &page).await {
        for letter in &letters.data {
            lines.push(format!("  {} is no event ({}): {}", letter.position, letter.reason, letter.detail));
        }
    }
    let sent = deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Sent).count();
    let dead = deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Dead).count();
    lines.push(format!(
        "{} deliveries: {sent} sent, {dead} dead. {} messages in the outbox.",
        deliveries.len(),
        outbox.len()
    ));
    lines.push("Ctrl-C ends it.".to_owned());
    say(&lines.join("\n"))
}

fn line(delivery: &DeliveryView) -> String {
    let reason = delivery.reason.as_deref().filter(|_| delivery.state != DeliveryState::Sent);
    format!(
        "     {:8} {:10} {:9} {} {}",
        delivery.notification,
        delivery.channel.as_str(),
        delivery.state,
        match delivery.attempts {
            1 => "1 attempt".to_owned(),
            attempts => format!("{attempts} attempts"),
        },
        reason.unwrap_or_default()
    )
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
