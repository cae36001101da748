//! The one table of metrics. No other place knows a metric's name.
//!
//! Names start with `foghorn_`, units are seconds, only counters end in `_total`. Labels carry names
//! from the configuration or words from [`super::labels`]; never a user, an address, an id or a
//! provider's words. The help text says what to do, because that is when people read it.
//! `docs/metrics.md` is made from this table, and a test keeps it so.

use std::fmt::Write;

/// What a metric does over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size, with these upper bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the Prometheus text format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// As it is scraped.
    pub name: &'static str,
    /// What it does over time.
    pub kind: Kind,
    /// Names of its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// What it says, and what to do about it.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($variant:ident $name:literal $kind:ident$(($buckets:ident))? [$($label:literal),*] $help:literal)+) => {
        /// Every metric of Foghorn.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Metric {
            $(#[doc = $help] $variant,)+
        }

        impl Metric {
            /// Every metric, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its line of the table.
            pub fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$variant => &Spec {
                        name: $name,
                        kind: Kind::$kind$(($buckets))?,
                        labels: &[$($label),*],
                        help: $help,
                    },)+
                }
            }
        }
    };
}

/// From a cached answer to a stuck worker.
const ATTEMPT: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// From "at once" to "the provider was down".
const LATENCY: &[f64] = &[
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
    14400.0, 86400.0,
];
/// From a group commit on a quiet disk to a stall.
const COMMIT: &[f64] = &[0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// What an actor does with one message: microseconds, unless it waits.
const HANDLING: &[f64] =
    &[0.000_005, 0.000_025, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// Rows in a batch.
const ROWS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

metrics! {
    BuildInfo "foghorn_build_info" Gauge ["version", "revision", "rust_version"]
        "Always 1; the labels say which build runs."
    Ready "foghorn_ready" Gauge []
        "1 while /readyz says yes. If 0, ask /readyz?verbose what is missing."

    Heartbeats "foghorn_heartbeats_total" Counter ["result"]
        "Times that heartbeat_url was told of life: sent or failed. Whoever watches there notices when they stop."

    ConfigReloadOk "foghorn_config_last_reload_successful" Gauge []
        "1 if the configuration was taken the last time it was read. If 0, `foghorn check` says what is wrong with the file."
    ConfigReloadTime "foghorn_config_last_reload_success_timestamp_seconds" Gauge []
        "When the configuration in use was read, seconds since 1970."
    ConfigInfo "foghorn_config_info" Gauge ["digest"]
        "1 for the digest of the configuration in use, 0 for earlier ones. Nodes that differ do not work by the same file."

    SourceUp "foghorn_source_up" Gauge ["source", "type"]
        "1 while all topics of the source are connected. If 0, nothing comes in from it: look at its broker; events wait there."
    EventsReceived "foghorn_events_received_total" Counter ["source"]
        "Records read from the source, whatever became of them."
    EventsProcessed "foghorn_events_processed_total" Counter ["source", "result"]
        "Records that are dealt with and will not be read again: accepted, duplicate or rejected."
    EventsRejected "foghorn_events_rejected_total" Counter ["source", "reason"]
        "Records that are no events, by reason. They are kept: see them with `foghorn dlq list`, then mend the sender."
    EventProcessingDuration "foghorn_event_processing_duration_seconds" Histogram(COMMIT) ["source"]
        "From a record's arrival to its commit. If it grows, the store is slow or the disk is busy."
    SourceLag "foghorn_source_lag_messages" Gauge ["source"]
        "Records that wait behind the newest one, all topics and partitions. If it only grows, intake is slower than the senders."
    SourceLastEvent "foghorn_source_last_event_timestamp_seconds" Gauge ["source"]
        "When the last record came, seconds since 1970; 0 if none did. Alert when a busy source falls silent."
    SourceReconnects "foghorn_source_reconnects_total" Counter ["source"]
        "How often the connection was lost and made again. If it climbs, look at the network or the broker."
    SourceGone "foghorn_source_records_gone_total" Counter ["source"]
        "Records that the broker threw away before they were read. Alert on any: keep records longer, and find out what kept Foghorn from reading."
    SourceUnreadable "foghorn_source_unreadable_total" Counter ["source"]
        "Answers of a broker with batches that cannot be read; /readyz?verbose says why. While it grows, their partition stands still."

    IncidentsOpened "foghorn_incidents_opened_total" Counter ["severity", "source"]
        "Incidents that began, or began again."
    IncidentsResolved "foghorn_incidents_resolved_total" Counter ["severity", "by"]
        "Incidents that ended, by an event of the source, by a person or by time."
    IncidentsAcknowledged "foghorn_incidents_acknowledged_total" Counter ["severity", "by"]
        "Incidents that somebody took. Beside foghorn_incidents_opened_total it tells how many find nobody."
    IncidentsExhausted "foghorn_incidents_exhausted_total" Counter ["severity"]
        "Incidents whose policy came to its end and nobody answered. Alert on any: somebody has to look, and the policy needs another step."
    IncidentsNow "foghorn_incidents" Gauge ["status", "severity"]
        "Incidents that are open or acknowledged now. Alert on open critical ones that nobody takes: `foghorn incident list`."
    IncidentsUnrouted "foghorn_incidents_unrouted_total" Counter []
        "Incidents that no route wanted, so nobody was told. Alert when it grows: add a route that takes everything."

    Deliveries "foghorn_deliveries_total" Counter ["channel", "result"]
        "Deliveries that came to an end, each once: sent, dead, canceled or expired. Alert when dead grows."
    ChannelTests "foghorn_channel_tests_total" Counter ["channel", "result"]
        "Messages of `foghorn test channel`, by how they ended. They are no deliveries and count nowhere else."
    DeliveryAttempts "foghorn_delivery_attempts_total" Counter ["channel", "provider", "outcome"]
        "Calls of the provider by outcome: ok, retryable, permanent or throttled."
    DeliveryAttemptFailures "foghorn_delivery_attempt_failures_total" Counter ["channel", "reason"]
        "Failed calls by reason. misconfigured: mend the channel, its deliveries wait. throttled: ask the provider for a higher rate."
    DeliveryAttemptDuration "foghorn_delivery_attempt_duration_seconds" Histogram(ATTEMPT) ["channel"]
        "How long the provider takes to answer. workers / this is the most a channel can send in a second."
    DeliveryLatency "foghorn_delivery_latency_seconds" Histogram(LATENCY) ["channel"]
        "From the event's commit to the provider's yes, of deliveries that were due at once: what people feel."
    DeliveriesWaiting "foghorn_deliveries" Gauge ["channel", "state"]
        "Deliveries that are pending, sending, retrying or dead now."
    OldestPending "foghorn_delivery_oldest_pending_seconds" Gauge ["channel"]
        "Age of the oldest delivery that is not sent yet. The best single thing to alert on: above 120, a channel is stuck."
    SmsSegments "foghorn_sms_segments_total" Counter ["channel", "encoding"]
        "Parts of text messages that a provider took, which is what it charges for. ucs2: something outside of the GSM alphabet was said, at more than twice the price."
    ChannelUp "foghorn_channel_up" Gauge ["channel", "type", "provider"]
        "1 while the channel takes deliveries. If 0, the log says what the provider answered; deliveries wait."

    EventsOutPublished "foghorn_events_out_published_total" Counter ["sink", "result"]
        "Events that were offered to a sink of events_out, by what it did: taken, refused (offered again), given_up (refused for a day, lost to it); away counts the times it could not be had."
    EventsOutWaiting "foghorn_events_out_waiting" Gauge ["sink"]
        "Events that wait for a sink, counted up to 10000. They are rows: while it is away they wait, and nothing else does."
    EventsOutOldest "foghorn_events_out_oldest_seconds" Gauge ["sink"]
        "Age of the oldest event that a sink has not taken. Alert above 300: the sink is away or refuses it; the log says why."

    DeadLetters "foghorn_dead_letters" Gauge ["kind"]
        "Deliveries and records that wait for a person: `foghorn dlq list`."
    DeadLetterRetries "foghorn_dead_letter_retries_total" Counter ["result"]
        "Dead letters that somebody asked to repeat: repeated, or refused because there was nothing to repeat."

    HttpRequests "foghorn_http_requests_total" Counter ["route", "method", "code"]
        "Answered requests by route template and status code."
    HttpRequestDuration "foghorn_http_request_duration_seconds" Histogram(ATTEMPT) ["route", "method"]
        "How long answering takes. Accepting an event waits for its commit."

    SseClients "foghorn_sse_clients" Gauge []
        "Streams that are open now: dashboards, `foghorn tail`, `foghorn top`. At 128, more are turned away."

    StoreCommitDuration "foghorn_store_commit_duration_seconds" Histogram(COMMIT) []
        "How long one transaction takes, fsync included. It is the floor of every other latency: a slow one wants a faster disk."
    StoreBatchSize "foghorn_store_batch_size" Histogram(ROWS) ["kind"]
        "Rows that share a transaction. Near 1 under load means that the store is not the bottleneck."
    StoreErrors "foghorn_store_errors_total" Counter ["operation"]
        "Calls that the store did not answer. Nothing is lost while it is away, intake stands still: bring it back."

    ActorMailboxDepth "foghorn_actor_mailbox_depth" Gauge ["actor"]
        "Messages that wait for actors of this kind. Bounded by credits; if it only grows, report a bug."
    ActorMessages "foghorn_actor_messages_total" Counter ["actor"]
        "Messages handled by actors of this kind."
    ActorHandling "foghorn_actor_handling_seconds" Histogram(HANDLING) ["actor"]
        "How long actors of this kind take for a message, waiting included."
    ActorRestarts "foghorn_actor_restarts_total" Counter ["actor"]
        "Actors of this kind that died and were started again. Nothing is lost, but each is a bug: the log has the panic."
    ActorCredits "foghorn_actor_credits_in_use" Gauge ["actor"]
        "Work that actors of this kind have taken on and not finished. At its limit, the sender waits."
}

/// The table as a page for people.
pub fn documentation() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         `GET /metrics`, Prometheus text format. Made from the table in `src/telemetry/names.rs`: do not edit,\n\
         run `FOGHORN_BLESS=1 cargo test --test it inventory`. Besides these there is the standard `process_*` set.\n\n\
         | name | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for spec in Metric::ALL.iter().map(|metric| metric.spec()) {
        let labels: Vec<_> = spec.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        let kind = spec.kind.as_str();
        let written = writeln!(page, "| `{}` | {kind} | {labels} | {} |", spec.name, spec.help);
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_follow_the_rules() {
        let mut seen = Vec::new();
        for Spec { name, kind, help, .. } in Metric::ALL.iter().map(|metric| metric.spec()) {
            assert!(!seen.contains(name), "{name} twice");
            seen.push(name);
            assert!(name.starts_with("foghorn_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(help.ends_with('.') && !help.contains('|'), "{name}: {help}");
        }
    }

    #[test]
    fn buckets_rise() {
        for spec in Metric::ALL.iter().map(|metric| metric.spec()) {
            if let Kind::Histogram(buckets) = spec.kind {
                assert!(buckets.is_sorted_by(|a, b| a < b), "{}", spec.name);
            }
        }
    }
}
