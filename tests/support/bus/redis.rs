//! A stream of Redis.

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{Client, Value, cmd};

use super::{Bus, Unsettled, name_of_its_own};
use crate::support::front::Front;
use crate::support::services::require;

const PORT: u16 = 6379;

pub(crate) struct RedisStream {
    pub(crate) name: String,
    client: Client,
    connection: MultiplexedConnection,
    front: Front,
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
        let mut add = cmd("XADD");
        add.arg(&self.name).arg("*");
        for (name, value) in fields {
            add.arg(name).arg(*value);
        }
        add.query_async(&mut self.connection.clone()).await.unwrap()
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
    async fn open() -> Option<Self> {
        if !require("redis") {
            return None;
        }
        let client = Client::open(format!("redis://127.0.0.1:{PORT}")).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        Some(Self { name: name_of_its_own(), client, connection, front: Front::before(PORT).await })
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
            match group.chunks(2).find(|pair| pair[0] == name).map(|pair| &pair[1]) {
                Some(Value::Int(number)) => usize::try_from(*number).unwrap(),
                other => panic!("{other:?}"),
            }
        };
        Unsettled { waiting: field("lag"), taken: field("pending") }
    }
}
