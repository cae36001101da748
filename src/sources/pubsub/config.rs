//! `[sources.NAME]` with `type = "pubsub"`, and the clients that it makes.

use google_cloud_auth::credentials::{Builder, Credentials, anonymous, service_account};
use google_cloud_pubsub::client::{Subscriber, SubscriptionAdmin};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use crate::brokers::Objection;
use crate::formats::Format;
use crate::sources::SourceError;

/// Settings of a Pub/Sub source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PubSubSettings {
    /// The project that the subscriptions are in.
    pub project: String,
    /// Subscriptions to read; each gets a stream of its own.
    pub subscriptions: Vec<String>,
    /// The key of a service account, as JSON. Without one, what the machine has.
    #[serde(deserialize_with = "secret")]
    pub service_account: Option<SecretString>,
    /// Another address than Google's. One without TLS is an emulator's, to which nobody signs in.
    pub endpoint: String,
    /// What the messages are.
    pub format: Format,
    /// Most messages read and not yet stored, per subscription; each 16 KiB of one count as one more.
    pub max_in_flight: usize,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?.into()))
}

impl Default for PubSubSettings {
    fn default() -> Self {
        Self {
            project: String::new(),
            subscriptions: Vec::new(),
            service_account: None,
            endpoint: String::new(),
            format: Format::default(),
            max_in_flight: 1_000,
        }
    }
}

/// Who reads, and who is asked how the subscription is.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) subscriber: Subscriber,
    pub(super) admin: SubscriptionAdmin,
}

impl PubSubSettings {
    /// Everything that cannot be, not only the first.
    pub fn objections(&self) -> Vec<Objection> {
        let mut objections = Vec::new();
        let mut object = |key: &str, detail: &str| objections.push(Objection::to(key, detail));
        if self.project.trim().is_empty() || self.project.contains('/') {
            object("project", "name the project by its id, such as \"acme-prod\"");
        }
        if self.subscriptions.is_empty() {
            object("subscriptions", "name at least one subscription");
        }
        if !self.subscriptions.iter().all(|subscription| is_subscription(subscription)) {
            object(
                "subscriptions",
                "a subscription has 3 to 255 letters, digits and -._~+%, and begins with a letter",
            );
        }
        if let Some(key) = &self.service_account
            && serde_json::from_str::<serde_json::Value>(key.expose_secret()).is_err()
        {
            object("service_account", "is no JSON: it is the key file of a service account");
        }
        if self.max_in_flight == 0 {
            object("max_in_flight", "must be at least 1");
        }
        objections
    }

    /// `projects/PROJECT/subscriptions/SUBSCRIPTION`
    pub(super) fn path(&self, subscription: &str) -> String {
        format!("projects/{}/subscriptions/{subscription}", self.project)
    }

    /// `host:port` is how an emulator is named.
    fn address(&self) -> Option<String> {
        let endpoint = self.endpoint.trim().trim_end_matches('/');
        match endpoint {
            "" => None,
            _ if endpoint.contains("://") => Some(endpoint.to_owned()),
            _ => Some(format!("http://{endpoint}")),
        }
    }

    /// Where it is, to be shown.
    pub fn shown(&self) -> String {
        let host = self.address();
        let host = host.as_deref().and_then(|address| address.split("://").nth(1));
        format!("{} at {}", self.project, host.unwrap_or("pubsub.googleapis.com"))
    }

    fn credentials(&self, address: Option<&str>) -> Result<Credentials, SourceError> {
        let refused = |why: String| SourceError::Refused(format!("no credentials for Google: {why}"));
        if address.is_some_and(|address| address.starts_with("http://")) {
            // Never in clear.
            return Ok(anonymous::Builder::new().build());
        }
        let Some(key) = &self.service_account else {
            return Builder::default().build().map_err(|error| refused(error.to_string()));
        };
        let key = serde_json::from_str(key.expose_secret())
            .map_err(|_| refused("service_account is no JSON".to_owned()))?;
        service_account::Builder::new(key).build().map_err(|error| refused(error.to_string()))
    }

    /// Clients of this project. They connect when they are asked.
    pub(super) async fn clients(&self) -> Result<Clients, SourceError> {
        let address = self.address();
        let credentials = self.credentials(address.as_deref())?;
        let mut subscriber = Subscriber::builder().with_credentials(credentials.clone());
        let mut admin = SubscriptionAdmin::builder().with_credentials(credentials);
        if let Some(address) = address {
            subscriber = subscriber.with_endpoint(address.clone());
            admin = admin.with_endpoint(address);
        }
        let unmade = |error: String| SourceError::Refused(format!("no client can be made: {error}"));
        Ok(Clients {
            subscriber: subscriber.build().await.map_err(|error| unmade(error.to_string()))?,
            admin: admin.build().await.map_err(|error| unmade(error.to_string()))?,
        })
    }
}

fn is_subscription(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> PubSubSettings {
        toml::from_str(text).expect("settings")
    }

    #[test]
    fn the_least_that_can_be_said_is_a_project_and_a_subscription() {
        let settings = settings("project = 'acme'\nsubscriptions = ['incidents']");
        assert_eq!(settings.objections(), []);
        assert_eq!(settings.path("incidents"), "projects/acme/subscriptions/incidents");
        assert_eq!(settings.shown(), "acme at pubsub.googleapis.com");
    }

    #[test]
    fn every_objection_is_told() {
        let settings = settings(
            "project = 'projects/acme'\nsubscriptions = ['a/b']\nservice_account = 'x'\nmax_in_flight = 0",
        );
        let keys: Vec<_> = settings.objections().into_iter().map(|objection| objection.key).collect();
        assert_eq!(keys, ["project", "subscriptions", "service_account", "max_in_flight"]);
    }

    #[test]
    fn an_emulator_is_named_as_its_variable_names_it() {
        for endpoint in ["127.0.0.1:8085", "http://127.0.0.1:8085/"] {
            let settings = PubSubSettings { endpoint: endpoint.to_owned(), ..PubSubSettings::default() };
            assert_eq!(settings.address().as_deref(), Some("http://127.0.0.1:8085"));
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let settings = settings("project = 'p'\nservice_account = '{\"private_key\":\"canary\"}'");
        assert!(!format!("{settings:?}").contains("canary"));
    }
}
