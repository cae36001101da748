//! A stream of NATS JetStream.

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{HeaderMap, Subject};
use async_trait::async_trait;

use super::{Bus, Unsettled, name_of_its_own};
use crate::support::front::Front;
use crate::support::services::require;

const PORT: u16 = 4222;

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

#[async_trait]
impl Bus for JetStream {
    async fn open() -> Option<Self> {
        if !require("nats") {
            return None;
        }
        let client = async_nats::connect(format!("nats://127.0.0.1:{PORT}")).await.unwrap();
        let (context, name) = (jetstream::new(client), name_of_its_own());
        let config = Config { name: name.clone(), subjects: vec![format!("{name}.>")], ..Config::default() };
        let stream = context.create_stream(config).await.unwrap();
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
