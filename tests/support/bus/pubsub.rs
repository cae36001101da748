//! A subscription of Google's Pub/Sub emulator. It tells nobody how many messages are handed out, so the laws of
//! `source_contract` cannot be held on it word for word: `pubsub_source` holds what they mean.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::name_of_its_own;
use crate::support::front::Front;
use crate::support::services::require;

const PORT: u16 = 8085;

pub(crate) struct Subscription {
    pub(crate) name: String,
    http: reqwest::Client,
    pub(crate) front: Front,
}

impl Subscription {
    /// One that nobody has heard of, in order of the keys of its messages. `None` if there is no emulator.
    pub(crate) async fn open() -> Option<Self> {
        if !require("pubsub") {
            return None;
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let made = Self { name: name_of_its_own(), http, front: Front::before(PORT).await };
        let topic = format!("projects/test/topics/{}", made.name);
        made.put(&topic, json!({})).await;
        let like = json!({ "topic": topic, "ackDeadlineSeconds": 10, "enableMessageOrdering": true });
        made.put(&format!("projects/test/subscriptions/{}", made.name), like).await;
        Some(made)
    }

    fn url(path: &str) -> String {
        format!("http://127.0.0.1:{PORT}/v1/{path}")
    }

    async fn put(&self, path: &str, body: Value) {
        let answer = self.http.put(Self::url(path)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(Self::url(path)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
        answer.json().await.unwrap()
    }

    /// Whoever came by the front does not get through any more, and those who come from now on take another way. A
    /// client that is let go of keeps its leases while it gets through; one that does not loses them.
    pub(crate) async fn change_way(&mut self) {
        self.front.cut();
        self.front = Front::before(PORT).await;
    }

    /// `[sources.bus]`, by way of the front.
    pub(crate) fn source(&self) -> String {
        format!(
            "[sources.bus]\ntype = \"pubsub\"\nproject = \"test\"\nsubscriptions = [\"{}\"]\n\
             endpoint = \"127.0.0.1:{}\"\n",
            self.name,
            self.front.port()
        )
    }

    /// Once it is there.
    pub(crate) async fn publish(&self, payload: &[u8], attributes: Value, ordering_key: &str) {
        let message = json!({
            "data": STANDARD.encode(payload), "attributes": attributes, "orderingKey": ordering_key
        });
        self.post(&format!("projects/test/topics/{}:publish", self.name), json!({ "messages": [message] }))
            .await;
    }

    /// How many messages nobody has and nobody acknowledged. They stay so.
    pub(crate) async fn to_be_had(&self) -> usize {
        let path = format!("projects/test/subscriptions/{}", self.name);
        let ask = json!({ "maxMessages": 1_000, "returnImmediately": true });
        let had = self.post(&format!("{path}:pull"), ask).await;
        let Some(had) = had["receivedMessages"].as_array() else { return 0 };
        let ids: Vec<_> = had.iter().map(|message| message["ackId"].clone()).collect();
        let back = json!({ "ackIds": ids, "ackDeadlineSeconds": 0 });
        self.post(&format!("{path}:modifyAckDeadline"), back).await;
        had.len()
    }
}
