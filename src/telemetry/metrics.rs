//! Keeps the values of all metrics and renders them for a scrape.
//!
//! There is one registry in a process, because the `metrics` crate has one global recorder. It is
//! made when somebody first needs it, so a handle works no matter when it was made, and several
//! Foghorns in one process, as in tests, share it.
//!
//! Histograms keep every sample until the next upkeep or scrape: somebody has to call
//! [`MetricsHandle::run_upkeep`] every few seconds.

use std::sync::{Mutex, OnceLock, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::actor::ActorMetrics;
use super::events_out::SinkMetrics;
use super::handles::{
    ChannelMetrics, ConfiguredChannel, ConfiguredSource, DeadLetterMetrics, SourceMetrics, StoreMetrics,
};
use super::incidents::IncidentMetrics;
use super::labels::{ActorKind, HeartbeatResult, SmsEncoding};
use super::names::{Kind, Metric};
use crate::domain::Timestamp;
use crate::domain::fault::Outcome;
use crate::domain::names::{ChannelName, SinkName};

static RECORDER: OnceLock<PrometheusRecorder> = OnceLock::new();
static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// What `/metrics` needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MetricsHandle {
    values: PrometheusHandle,
    process: metrics_process::Collector,
}

impl MetricsHandle {
    /// Everything, in the Prometheus text format.
    pub fn render(&self) -> String {
        self.process.collect();
        self.values.render()
    }

    /// Folds the samples of histograms into their buckets. Call it every few seconds.
    pub fn run_upkeep(&self) {
        self.values.run_upkeep();
    }
}

/// Makes the registry known to everything in the process. Again and again is the same as once.
pub fn install() -> MetricsHandle {
    MetricsHandle { values: recorder().handle(), process: metrics_process::Collector::default() }
}

/// Makes every configured series exist, at 0, before the first event: a counter that appears with
/// its first error hides that error from `increase()`.
pub fn register(sources: &[ConfiguredSource], channels: &[ConfiguredChannel], sinks: &[SinkName]) {
    for sink in sinks {
        SinkMetrics::of(sink);
    }
    for source in sources {
        SourceMetrics::of(source);
    }
    for channel in channels {
        ChannelMetrics::of(channel);
        for result in TESTED {
            drop(Metric::ChannelTests.counter(&[channel.name.as_str(), result]));
        }
        if channel.kind == "sms" {
            for encoding in SmsEncoding::ALL {
                sms_sent(&channel.name, *encoding, 0);
            }
        }
    }
    for kind in ActorKind::ALL {
        ActorMetrics::of(*kind);
    }
    IncidentMetrics::of_process();
    DeadLetterMetrics::of_process();
    StoreMetrics::of_process();
    for result in HeartbeatResult::ALL {
        Metric::Heartbeats.counter(&[result.as_str()]).increment(0);
    }
    // Streams may be open when a configuration is read again.
    Metric::SseClients.gauge(&[]).increment(0.0);
}

/// Says what became of a heartbeat.
pub fn heartbeat(result: HeartbeatResult) {
    Metric::Heartbeats.counter(&[result.as_str()]).increment(1);
}

/// Says whether `/readyz` says yes.
pub fn ready(ready: bool) {
    Metric::Ready.gauge(&[]).set(f64::from(u8::from(ready)));
}

/// Says that the configuration with this digest is in use from now on.
pub fn config_loaded(digest: &str, now: Timestamp) {
    static IN_USE: Mutex<Option<Gauge>> = Mutex::new(None);
    let gauge = Metric::ConfigInfo.gauge(&[digest]);
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(before) = in_use.replace(gauge.clone()) {
        before.set(0.0);
    }
    gauge.set(1.0);
    Metric::ConfigReloadOk.gauge(&[]).set(1.0);
    Metric::ConfigReloadTime.gauge(&[]).set(now.as_second() as f64);
}

/// Says that a new configuration was refused.
pub fn config_refused() {
    Metric::ConfigReloadOk.gauge(&[]).set(0.0);
}

impl Metric {
    /// The counter with these label values, in the order of the table. Looking one up costs about
    /// a microsecond: do it once and keep it.
    pub fn counter(self, values: &[&str]) -> Counter {
        debug_assert_eq!(self.spec().kind, Kind::Counter, "{self:?}");
        recorder().register_counter(&self.key(values), &METADATA)
    }

    /// The gauge with these label values. See [`Metric::counter`].
    pub fn gauge(self, values: &[&str]) -> Gauge {
        debug_assert_eq!(self.spec().kind, Kind::Gauge, "{self:?}");
        recorder().register_gauge(&self.key(values), &METADATA)
    }

    /// The histogram with these label values. See [`Metric::counter`].
    pub fn histogram(self, values: &[&str]) -> Histogram {
        debug_assert!(matches!(self.spec().kind, Kind::Histogram(_)), "{self:?}");
        recorder().register_histogram(&self.key(values), &METADATA)
    }

    fn key(self, values: &[&str]) -> Key {
        let spec = self.spec();
        debug_assert_eq!(values.len(), spec.labels.len(), "labels of {self:?}");
        let labels: Vec<Label> = spec
            .labels
            .iter()
            .zip(values)
            .map(|(label, value)| Label::new(*label, (*value).to_owned()))
            .collect();
        Key::from_parts(spec.name, labels)
    }
}

fn recorder() -> &'static PrometheusRecorder {
    let mut is_new = false;
    let recorder = RECORDER.get_or_init(|| {
        is_new = true;
        build()
    });
    if is_new {
        describe(recorder);
        // Another library may have been first; then its metrics are its own and ours stay ours.
        let _ = metrics::set_global_recorder(recorder);
        metrics_process::Collector::default().describe();
        let version = env!("CARGO_PKG_VERSION");
        let revision = option_env!("FOGHORN_REVISION").unwrap_or("unknown");
        let rust_version = env!("CARGO_PKG_RUST_VERSION");
        Metric::BuildInfo.gauge(&[version, revision, rust_version]).set(1.0);
    }
    recorder
}

fn build() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for spec in Metric::ALL.iter().map(|metric| metric.spec()) {
        if let Kind::Histogram(buckets) = spec.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(spec.name.to_owned()), buckets)
                .expect("no histogram of the table is without buckets");
        }
    }
    builder.build_recorder()
}

fn describe(recorder: &PrometheusRecorder) {
    for spec in Metric::ALL.iter().map(|metric| metric.spec()) {
        let (name, help) = (spec.name.into(), spec.help.into());
        let unit = spec.name.ends_with("_seconds").then_some(Unit::Seconds);
        match spec.kind {
            Kind::Counter => recorder.describe_counter(name, unit, help),
            Kind::Gauge => recorder.describe_gauge(name, unit, help),
            Kind::Histogram(_) => recorder.describe_histogram(name, unit, help),
        }
    }
}

/// A provider took a text message of so many parts.
pub fn sms_sent(channel: &ChannelName, encoding: SmsEncoding, segments: usize) {
    Metric::SmsSegments.counter(&[channel.as_str(), encoding.as_str()]).increment(segments as u64);
}

/// How a test message may end.
const TESTED: [&str; 2] = ["sent", "failed"];

/// Somebody tried a channel, and it ended like this.
pub fn channel_tested(channel: &ChannelName, outcome: &Outcome) {
    let result = match outcome {
        Outcome::Sent(_) => TESTED[0],
        Outcome::Failed(_) | Outcome::Crashed(_) => TESTED[1],
    };
    Metric::ChannelTests.counter(&[channel.as_str(), result]).increment(1);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::delivery::DeliveryState;

    fn email() -> ConfiguredChannel {
        ConfiguredChannel {
            name: "metrics-test-email".into(),
            kind: "email".to_owned(),
            provider: "smtp".to_owned(),
        }
    }

    #[test]
    fn every_configured_series_exists_at_zero_from_the_start() {
        let source = ConfiguredSource { name: "metrics-test-kafka".into(), kind: "kafka".to_owned() };
        let handle = install();
        let sms = ConfiguredChannel {
            name: "metrics-test-sms".into(),
            kind: "sms".to_owned(),
            provider: "twilio".to_owned(),
        };
        register(&[source], &[email(), sms], &["metrics-test-bus".into()]);
        config_loaded("00000000", Timestamp::UNIX_EPOCH);
        ready(false);
        let page = handle.render();
        for line in [
            r#"foghorn_source_up{source="metrics-test-kafka",type="kafka"} 0"#,
            r#"foghorn_events_processed_total{source="metrics-test-kafka",result="duplicate"} 0"#,
            r#"foghorn_events_rejected_total{source="metrics-test-kafka",reason="too_large"} 0"#,
            r#"foghorn_incidents_opened_total{severity="info",source="metrics-test-kafka"} 0"#,
            r#"foghorn_deliveries_total{channel="metrics-test-email",result="expired"} 0"#,
            r#"foghorn_delivery_attempt_failures_total{channel="metrics-test-email",reason="crashed"} 0"#,
            r#"foghorn_delivery_attempt_duration_seconds_count{channel="metrics-test-email"} 0"#,
            r#"foghorn_sms_segments_total{channel="metrics-test-sms",encoding="ucs2"} 0"#,
            r#"foghorn_actor_restarts_total{actor="worker"} 0"#,
            r#"foghorn_events_out_published_total{sink="metrics-test-bus",result="given_up"} 0"#,
            r#"foghorn_store_errors_total{operation="commit"} 0"#,
        ] {
            assert!(page.contains(line), "no {line} in\n{page}");
        }
        for metric in Metric::ALL {
            let name = metric.spec().name;
            let by_request = name.starts_with("foghorn_http_");
            assert!(by_request || page.contains(&format!("# TYPE {name} ")), "no {name}");
            assert!(by_request || page.contains(&format!("# HELP {name} ")), "no help of {name}");
        }
        assert!(page.contains("foghorn_build_info{version=\"0.1.0\""), "{page}");
        assert!(page.contains("process_resident_memory_bytes"), "{page}");
    }

    #[test]
    fn a_second_install_is_the_same_registry() {
        let first = install();
        let channel = ChannelMetrics::of(&ConfiguredChannel { name: "metrics-test-twice".into(), ..email() });
        channel.ended(DeliveryState::Sent, 2);
        channel.latency(Duration::from_millis(3));
        let page = install().render();
        first.run_upkeep();
        let sent = r#"foghorn_deliveries_total{channel="metrics-test-twice",result="sent"} 2"#;
        assert!(page.contains(sent), "{page}");
        let bucket = r#"foghorn_delivery_latency_seconds_bucket{channel="metrics-test-twice",le="0.005"} 1"#;
        assert!(page.contains(bucket), "{page}");
    }
}
