//! Changing tables of the configuration over the API.

use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::process::Home;

/// What the API said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) body: Value,
}

impl Told {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default()).collect()
    }
}

impl Home {
    pub(crate) async fn put(&self, table: &str, document: Value) -> Told {
        self.tell(Method::PUT, table, None, Some(document)).await
    }

    pub(crate) async fn remove(&self, table: &str) -> Told {
        self.tell(Method::DELETE, table, None, None).await
    }

    /// Asks for a change of a table, such as `users/ada`, or of its version `etag` alone.
    pub(crate) async fn tell(
        &self,
        method: Method,
        table: &str,
        etag: Option<&str>,
        body: Option<Value>,
    ) -> Told {
        let mut request = self.http().request(method, self.url(&format!("/api/v1/{table}")));
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let etag = answer.headers().get(ETAG).map(|etag| etag.to_str().unwrap().to_owned());
        Told { status: answer.status(), etag, body: answer.json().await.unwrap() }
    }
}

/// A policy that mails these.
pub(crate) fn mailing(notify: &[&str]) -> Value {
    json!({"steps": [{"after": "0s", "notify": notify, "via": ["email"]}]})
}

/// A route for the incidents whose title begins so.
pub(crate) fn leading_to(policy: &str, title: &str) -> Value {
    json!({"match": {"title": format!("{title}*")}, "policy": policy})
}
