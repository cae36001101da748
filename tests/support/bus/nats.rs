//! A stream of NATS JetStream.

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{HeaderMap, Subject};
use async_trait::async_trait;

use super::{Bus, Unsettled, name_of_its_own, nats_raw};
use crate::support::bad_records::Row;
use crate::support::front::Front;
use crate::support::services::require;

pub(crate) const PORT: u16 = 4222;

/// What a stream keeps.
const MOST_HEADERS: usize = 64 << 10;

/// What a server takes, if it is not told otherwise.
const LARGEST: usize = 1 << 20;

pub(crate) struct JetStream {
    pub(crate) name: String,
    pub(crate) context: Context,
    pub(crate) stream: Stream,
    front: Front,
}

impl Drop for JetStream {
    fn drop(&mut self) {
        let (context, name) = (self.context.clone(), self.name.clone());
        let handle = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            let _ = handle.block_on(context.delete_stream(name));
        });
    }
}

impl JetStream {
    pub(crate) fn server(&self) -> String {
        format!("nats://127.0.0.1:{}", self.front.port())
    }

    /// A subject below the stream's.
    pub(crate) fn subject(&self, below: &str) -> String {
        format!("{}.{below}", self.name)
    }

    /// Once the stream has it.
    pub(crate) async fn send(&self, subject: &str, headers: HeaderMap, payload: &[u8]) {
        let subject = Subject::from(subject);
        let sent = self.context.publish_with_headers(subject, headers, payload.to_vec().into()).await;
        sent.unwrap().await.unwrap();
    }

    pub(crate) async fn consumer(&self, name: &str) -> Option<jetstream::consumer::Info> {
        let consumer = self.stream.get_consumer::<pull::Config>(name).await.ok()?;
        Some(consumer.cached_info().clone())
    }
}

fn config(name: &str) -> Config {
    Config { name: name.to_owned(), subjects: vec![format!("{name}.>")], ..Config::default() }
}

#[async_trait]
impl Bus for JetStream {
    async fn open() -> Option<Self> {
        if !require("nats") {
            return None;
        }
        let client = async_nats::connect(format!("nats://127.0.0.1:{PORT}")).await.unwrap();
        let (context, name) = (jetstream::new(client), name_of_its_own());
        let stream = context.create_stream(config(&name)).await.unwrap();
        Some(Self { name, context, stream, front: Front::before(PORT).await })
    }

    fn source(&self) -> String {
        format!(
            "type = \"nats\"\nservers = [\"{}\"]\nstream = \"{}\"\nack_wait = \"2s\"\n",
            self.server(),
            self.name
        )
    }

    fn front(&self) -> &Front {
        &self.front
    }

    async fn publish(&self, payload: &[u8]) {
        self.send(&self.subject("incident"), HeaderMap::new(), payload).await;
    }

    fn cannot(row: &Row) -> Option<&'static str> {
        let bytes = row.payload.as_ref().map(Vec::len);
        match bytes {
            None => Some("a message has bytes, if only none of them"),
            Some(bytes) if bytes > LARGEST => Some("a server takes 1 MiB, unless it is told otherwise"),
            _ if row.headers.iter().any(|(_, value)| value.len() >= MOST_HEADERS) => {
                Some("64 KiB of headers")
            }
            Some(_) => None,
        }
    }

    async fn put(&self, row: &Row) {
        let subject = self.subject("incident");
        nats_raw::publish(PORT, &subject, &row.headers, row.payload.as_deref().unwrap()).await;
    }

    async fn lose(&self, nth: usize) {
        assert!(self.stream.delete_message(nth as u64).await.unwrap());
    }

    async fn make_anew(&self) {
        self.context.delete_stream(&self.name).await.unwrap();
        self.context.create_stream(config(&self.name)).await.unwrap();
    }

    async fn unsettled(&self) -> Unsettled {
        match self.consumer("foghorn").await {
            Some(info) => {
                Unsettled { waiting: usize::try_from(info.num_pending).unwrap(), taken: info.num_ack_pending }
            }
            None => {
                let info = self.stream.get_info().await.unwrap();
                Unsettled { waiting: usize::try_from(info.state.messages).unwrap(), taken: 0 }
            }
        }
    }
}
