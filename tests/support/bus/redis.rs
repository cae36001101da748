//! A stream of Redis.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use foghorn::clock::Clock;
use redis::aio::MultiplexedConnection;
use redis::{Client, Value, cmd};

use super::{Bus, Unsettled, name_of_its_own};
use crate::support::bad_records::Row;
use crate::support::front::Front;
use crate::support::services::require;

const PORT: u16 = 6379;

pub(crate) struct RedisStream {
    pub(crate) name: String,
    client: Client,
    connection: MultiplexedConnection,
    front: Front,
    /// When it was opened, in ms since 1970.
    begun: i64,
    /// Entries since the stream was made.
    published: AtomicUsize,
}

impl Drop for RedisStream {
    fn drop(&mut self) {
        if let Ok(mut connection) = self.client.get_connection() {
            let _ = cmd("DEL").arg(&self.name).exec(&mut connection);
        }
    }
}

impl RedisStream {
    /// What Redis answers.
    pub(crate) async fn ask(&self, words: &[&str]) -> Value {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection.clone()).await.unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.front.port())
    }

    /// An entry of these fields; its id.
    pub(crate) async fn add(&self, fields: &[(&str, &[u8])]) -> String {
        let number = self.published.fetch_add(1, Ordering::SeqCst) + 1;
        let mut add = cmd("XADD");
        add.arg(&self.name).arg(self.id(number));
        for (name, value) in fields {
            add.arg(name).arg(*value);
        }
        add.query_async(&mut self.connection.clone()).await.unwrap()
    }

    /// The id of the `number`th entry; the same after the stream was made anew.
    fn id(&self, number: usize) -> String {
        format!("{}-{number}", self.begun)
    }

    async fn number(&self, words: &[&str]) -> usize {
        match self.ask(words).await {
            Value::Int(number) => usize::try_from(number).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[async_trait]
impl Bus for RedisStream {
    const TELLS_TWINS: bool = false;

    async fn open() -> Option<Self> {
        if !require("redis") {
            return None;
        }
        let client = Client::open(format!("redis://127.0.0.1:{PORT}")).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        Some(Self {
            name: name_of_its_own(),
            client,
            connection,
            front: Front::before(PORT).await,
            begun: Clock::system().now().as_millisecond(),
            published: AtomicUsize::new(0),
        })
    }

    fn source(&self) -> String {
        format!("type = \"redis\"\nurl = \"{}\"\nstreams = [\"{}\"]\n", self.url(), self.name)
    }

    fn front(&self) -> &Front {
        &self.front
    }

    async fn publish(&self, payload: &[u8]) {
        self.add(&[("payload", payload)]).await;
    }

    fn cannot(row: &Row) -> Option<&'static str> {
        row.payload.is_none().then_some("an entry without a payload is itself the record")
    }

    async fn put(&self, row: &Row) {
        let mut fields = vec![("payload", row.payload.as_deref().unwrap())];
        fields.extend(row.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        self.add(&fields).await;
    }

    async fn lose(&self, nth: usize) {
        assert_eq!(self.number(&["XDEL", &self.name, &self.id(nth)]).await, 1);
    }

    async fn make_anew(&self) {
        assert_eq!(self.number(&["DEL", &self.name]).await, 1);
        self.published.store(0, Ordering::SeqCst);
    }

    async fn unsettled(&self) -> Unsettled {
        let all = self.number(&["XLEN", &self.name]).await;
        let mut groups = cmd("XINFO");
        let groups = groups.arg("GROUPS").arg(&self.name);
        // A stream without a group has handed out nothing; a stream that nobody wrote to is not there.
        let groups: Value = groups.query_async(&mut self.connection.clone()).await.unwrap_or(Value::Nil);
        let Value::Array(groups) = groups else {
            return Unsettled { waiting: all, taken: 0 };
        };
        let Some(Value::Array(group)) = groups.into_iter().next() else {
            return Unsettled { waiting: all, taken: 0 };
        };
        let field = |name: &str| {
            let name = Value::BulkString(name.as_bytes().to_vec());
            group.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone()).unwrap()
        };
        let Value::Int(taken) = field("pending") else { panic!("{group:?}") };
        let waiting = match field("lag") {
            Value::Int(lag) => usize::try_from(lag).unwrap(),
            // What was deleted spoils the count.
            _ => {
                let Value::BulkString(last) = field("last-delivered-id") else { panic!("{group:?}") };
                let behind = format!("({}", String::from_utf8(last).unwrap());
                match self.ask(&["XRANGE", &self.name, &behind, "+"]).await {
                    Value::Array(entries) => entries.len(),
                    other => panic!("{other:?}"),
                }
            }
        };
        Unsettled { waiting, taken: usize::try_from(taken).unwrap() }
    }
}
