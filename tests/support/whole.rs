//! All of Foghorn but the process around it: the actors, a real store, the API on a real socket, and
//! a topic in memory. Time is real.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use foghorn::config::{AuthMode, Explorer};
use foghorn::domain::event::Bounds;
use foghorn::domain::query::IncidentQuery;
use foghorn::formats::Format;
use foghorn::http::limits::Limits;
use foghorn::http::{Api, Stage, serve};
use foghorn::store::views::IncidentView;
use foghorn::store::{Paging, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::http::{Answer, Server};
use super::universe::{Draft, Universe};

/// Longer than anything takes that works, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

pub(crate) struct Whole {
    pub(crate) universe: Universe,
    server: Server,
}

impl Whole {
    pub(crate) async fn over(store: Arc<dyn Store>) -> Self {
        Self::reading(store, Format::Foghorn).await
    }

    /// The same with records of this format.
    pub(crate) async fn reading(store: Arc<dyn Store>, format: Format) -> Self {
        let universe = Universe::draft(Draft { memory: store, format, ..Draft::default() }).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stage, stages) = watch::channel(Stage::Running);
        let api = Api {
            store: Arc::clone(&universe.store) as Arc<dyn Store>,
            peers: universe.foghorn.peers(),
            in_use: universe.foghorn.in_use(),
            outbox: Arc::default(),
            health: universe.health.clone(),
            feed: universe.feed.clone(),
            metrics: Arc::new(String::new),
            clock: universe.clock,
            limits: Limits::default(),
            bounds: Bounds::default(),
            source: "api".into(),
            public_url: "https://fog.example".to_owned(),
            auth: AuthMode::None,
            provider: None,
            session_ttl: Duration::from_secs(3_600),
            retention: Default::default(),
            explorer: Explorer::Served,
            hosts: vec!["foghorn".to_owned()],
            control: tokio::sync::mpsc::channel(1).0,
            address,
            started_at: universe.clock.now(),
        };
        let done = tokio::spawn(serve(listener, api, stages));
        let server =
            Server { address, health: universe.health.clone(), feed: universe.feed.clone(), stage, done };
        Self { universe, server }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.universe.store
    }

    /// The answer to this body. `headers` are whole lines.
    pub(crate) async fn post(&self, headers: &str, body: &[u8]) -> Option<Answer> {
        let length = body.len();
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        self.server.say([head.as_bytes(), body].concat()).await
    }

    /// The answer to a request of any kind.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        self.server.say(head + body).await.unwrap_or_else(|| panic!("no answer to {path}"))
    }

    /// What became of the one event of `body`, which must be a good one.
    pub(crate) async fn accepted(&self, name: &str, body: &[u8]) -> serde_json::Value {
        let answer = self.post(JSON, body).await.unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!(answer.status, 202, "{name}: {answer:?}, {:?}", self.universe.health.report());
        let mut answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        answer["events"][0].take()
    }

    /// A good event by request is kept. Returns its incident's number.
    pub(crate) async fn assert_well(&self, after: &str) -> u64 {
        let title = format!("good after {after}");
        let event = serde_json::json!({ "title": title, "severity": "low" }).to_string();
        let kept = self.accepted(&title, event.as_bytes()).await;
        assert_eq!(kept["result"], "opened", "{title}");
        let number = kept["incident_number"].as_u64().expect("it has a number");
        let incident = self.store().incident(number).await.unwrap().expect("it is stored");
        assert_eq!(incident.title, title);
        number
    }

    /// Waits until everything before `offset` of the topic is on stable storage.
    pub(crate) async fn until_settled(&self, partition: i32, offset: i64, what: &str) {
        within(what, self.universe.topic.until_settled(partition, offset)).await;
    }

    /// All incidents, newest first.
    pub(crate) async fn incidents(&self) -> Vec<IncidentView> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = self
                .store()
                .incidents(&IncidentQuery::default(), &Paging { before, limit: 200 })
                .await
                .unwrap();
            all.extend(page.data);
            before = page.next_cursor;
            if before.is_none() {
                return all;
            }
        }
    }

    pub(crate) async fn end(self) {
        self.universe.foghorn.stop().await;
    }
}

/// The same, unless it takes too long.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("took too long: {what}"))
}
