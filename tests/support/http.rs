//! The API on a real socket, and clients that may say anything at all to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foghorn::catalogue::{Code, Origin};
use foghorn::channels::oidc;
use foghorn::channels::outbox::Outbox;
use foghorn::clock::Clock;
use foghorn::config::{AuthMode, Explorer};
use foghorn::domain::event::Bounds;
use foghorn::domain::retry::RetryPolicy;
use foghorn::domain::token::ConfiguredToken;
use foghorn::feed::{Feed, Room};
use foghorn::http::limits::Limits;
use foghorn::http::{Api, Stage, serve};
use foghorn::messages::control::{Control, ControlMessage, RecordRefused, ReloadRefused};
use foghorn::messages::in_use::{InUse, WayOut};
use foghorn::sources::http::{HttpSource, Lock, Secret};
use foghorn::store::Store;
use foghorn::telemetry::health::{Condition, Health, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The API without any actors behind it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) health: Health,
    pub(crate) feed: Feed,
    pub(crate) stage: watch::Sender<Stage>,
    pub(crate) done: JoinHandle<()>,
}

/// A way out that hears callbacks, and a way in with a lock.
fn texting() -> InUse {
    let settings = "account_sid='AC00000000000000000000000000000000'\nauth_token='12345'\nfrom='+15550100'";
    let channel = super::jobs::channel("sms", "twilio", settings, &super::jobs::surroundings());
    let way = WayOut {
        kind: "sms".into(),
        provider: "twilio".into(),
        channel,
        retry: RetryPolicy::default(),
        texts: None,
    };
    let lock = Lock::Token(Secret::new("of the sender"));
    let hook = HttpSource { path: "locked".to_owned(), lock, ..HttpSource::default() };
    let hooks = [("locked".into(), Arc::new(hook))].into();
    InUse { channels: [("sms".into(), way)].into(), hooks, ..InUse::default() }
}

/// An identity provider that nobody is behind.
fn nobody_knows() -> Arc<oidc::Provider> {
    let settings =
        "issuer='http://127.0.0.1:1'\nclient_id='foghorn'\nadmin_group='sre'\nallow_private_networks=true";
    let provider = oidc::provider(&settings.parse().unwrap(), "https://fog.example", Clock::system());
    Arc::new(provider.unwrap_or_else(|problems| panic!("{problems:?}")))
}

impl Server {
    pub(crate) async fn start(store: Arc<dyn Store>, limits: Limits) -> Self {
        Self::start_with(store, limits, Arc::default()).await
    }

    pub(crate) async fn start_with(store: Arc<dyn Store>, limits: Limits, outbox: Arc<Outbox>) -> Self {
        Self::guarded(store, limits, AuthMode::None, Vec::new(), outbox).await
    }

    /// One that asks for these tokens, and for those of the store.
    pub(crate) async fn guarded(
        store: Arc<dyn Store>,
        limits: Limits,
        auth: AuthMode,
        tokens: Vec<ConfiguredToken>,
        outbox: Arc<Outbox>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let health = Health::default();
        health.enter(Phase::Running);
        health.store(Condition::Up);
        health.configured("a81f3c".to_owned(), Clock::system().now());
        let (stage, stages) = watch::channel(Stage::Running);
        let (_, peers) = watch::channel(Arc::default());
        let feed = Feed::new(Clock::system(), Room::default());
        let api = Api {
            store,
            peers,
            in_use: watch::channel(Arc::new(InUse { tokens, ..texting() })).1,
            outbox,
            health: health.clone(),
            feed: feed.clone(),
            metrics: Arc::new(|| panic!("nobody installed a recorder")),
            clock: Clock::system(),
            limits,
            bounds: Bounds::default(),
            source: "api".into(),
            public_url: "https://fog.example".to_owned(),
            auth,
            provider: Some(nobody_knows()),
            session_ttl: Duration::from_secs(3_600),
            retention: Default::default(),
            explorer: Explorer::Served,
            hosts: vec!["foghorn".to_owned()],
            control: refusing(),
            address,
            started_at: Clock::system().now(),
        };
        let done = tokio::spawn(serve(listener, api, stages));
        Self { address, health, feed, stage, done }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::to(self.address).await
    }

    /// The answer to `request` on a connection of its own.
    pub(crate) async fn say(&self, request: impl AsRef<[u8]>) -> Option<Answer> {
        let mut client = self.connect().await;
        client.say(request).await;
        client.hear().await
    }

    /// A good request is answered.
    pub(crate) async fn assert_well(&self, after: &str) {
        let answer = self.say("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to a good request after: {after}"));
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"), "after: {after}");
    }
}

/// A client that follows no rules.
pub(crate) struct Client {
    stream: TcpStream,
    asked_for_head: bool,
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("somebody listens");
        Self { stream, asked_for_head: false }
    }

    /// Says this. That the server hangs up meanwhile is its right.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.asked_for_head = bytes.as_ref().starts_with(b"HEAD ");
        let _ = timeout(PATIENCE, self.stream.write_all(bytes.as_ref()))
            .await
            .expect("the server reads or closes");
    }

    /// The next answer, or `None` if the connection ends without one.
    pub(crate) async fn hear(&mut self) -> Option<Answer> {
        self.hear_within(PATIENCE).await
    }

    /// The same, from somebody who may take longer.
    pub(crate) async fn hear_within(&mut self, patience: Duration) -> Option<Answer> {
        timeout(patience, self.read()).await.expect("the server answers or closes")
    }

    /// Nothing more comes but the end.
    pub(crate) async fn assert_closed(&mut self) {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        // A reset is an end, too.
        let _ = read.expect("the connection ends");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    async fn read(&mut self) -> Option<Answer> {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = Answer::read(&bytes, self.asked_for_head) {
                return Some(answer);
            }
            match self.stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

impl Answer {
    /// The answer in `bytes`, once it is all there.
    fn read(bytes: &[u8], head_only: bool) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        // That it may go on is not the answer yet.
        let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
        (head_only || body.len() >= length).then(|| Self {
            status,
            headers: headers.clone(),
            body: body.to_owned(),
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The problem in the body, after a look at everything that each problem must have.
    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: serde_json::Value = serde_json::from_str(&self.body).expect("a problem is JSON");
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        let code = problem["code"].as_str().expect("a problem has a code");
        let known = Code::named(code).map(Code::origin);
        assert_eq!(known, Some(Origin::Request), "{code}");
        assert_eq!(problem["type"], format!("https://fog.example/docs/errors/{code}"));
        problem
    }
}

/// Somebody who is asked to reload or to change something and never does.
fn refusing() -> Control {
    let (control, mut asked) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(question) = asked.recv().await {
            match question {
                ControlMessage::Reload(reply) => {
                    let problems = vec!["the test says so".to_owned()];
                    reply.send(Err(ReloadRefused { problems })).expect("somebody waits");
                }
                ControlMessage::Record(wish, reply) => {
                    let refused = match wish.name.as_str() {
                        "owned" => RecordRefused::Owned("config.toml:1".to_owned()),
                        "there" => RecordRefused::Present,
                        "other" => RecordRefused::Outdated(Some(7)),
                        _ => RecordRefused::Invalid(Vec::new()),
                    };
                    reply.send(Err(refused)).expect("somebody waits");
                }
                ControlMessage::Drain(_) => {}
            }
        }
    });
    control
}
