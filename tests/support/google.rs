//! Google as a channel sees it: an endpoint that gives access tokens, and FCM.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foghorn::channels::Channel;
use serde_json::json;

use super::jobs::{channel, surroundings};
use super::provider::{Heard, Provider, Reply};
use super::{keys, tls};

/// What every access token begins with.
pub(crate) const ACCESS: &str = "ya29.planted";

/// Gives access to whoever asks, and answers messages as `script` says.
pub(crate) async fn google(script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Provider {
    let given = AtomicUsize::new(0);
    start(
        move |_| {
            let token = format!("{ACCESS}-{}", given.fetch_add(1, Ordering::Relaxed));
            let grant = json!({ "access_token": token, "expires_in": 3_600, "token_type": "Bearer" });
            Reply::json(200, &grant.to_string())
        },
        script,
    )
    .await
}

/// Answers whoever asks for access as `access` says.
pub(crate) async fn start(
    access: impl Fn(&Heard) -> Reply + Send + Sync + 'static,
    messages: impl Fn(&Heard) -> Reply + Send + Sync + 'static,
) -> Provider {
    Provider::start_tls("server", move |heard| match heard.path.as_str() {
        "/token" => access(heard),
        _ => messages(heard),
    })
    .await
}

/// The file of a service account whose token endpoint is `google`.
pub(crate) fn service_account(google: &Provider) -> serde_json::Value {
    json!({
        "type": "service_account",
        "project_id": "example-1a2b3",
        "private_key_id": "9d1c",
        "private_key": keys::FCM,
        "client_email": "foghorn@example-1a2b3.iam.gserviceaccount.com",
        "token_uri": format!("{}/token", google.url())
    })
}

/// Settings that lead to `google`.
pub(crate) fn settings(google: &Provider, more: &str) -> String {
    format!(
        "service_account='{}'\nbase_url='{}'\nallow_private_networks=true\nca_file='{}'\n{more}",
        service_account(google),
        google.url(),
        tls::AUTHORITY
    )
}

/// A channel that leads to `google`.
pub(crate) fn android(google: &Provider, more: &str) -> Arc<dyn Channel> {
    channel("android", "fcm", &settings(google, more), &surroundings())
}

/// What was heard of access and of messages.
pub(crate) fn heard(google: &Provider) -> (Vec<Heard>, Vec<Heard>) {
    google.heard().into_iter().partition(|request| request.path == "/token")
}
