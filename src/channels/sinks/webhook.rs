//! A signed webhook: each event a request, signed as Standard Webhooks says.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::header::HeaderName;
use tokio::time::Instant;

use super::{CONTENT_TYPE, Sink};
use crate::channels::http::{Answer, Call, Http, HttpSettings};
use crate::channels::settings::Reader;
use crate::channels::webhook::signature::Secrets;
use crate::channels::{Settings, SettingsProblem};
use crate::clock::Clock;
use crate::domain::handover::Taking;
use crate::domain::outgoing::Parcel;

/// The keys of `[events_out.NAME]` with `type = "webhook"`, beside those that all have.
pub const KEYS: &[&str] =
    &["url", "secret", "previous_secret", "timeout", "allow_private_networks", "ca_file"];

struct Receiver {
    http: Http,
    url: Url,
    secrets: Secrets,
    clock: Clock,
}

/// A sink of these settings.
///
/// # Errors
/// Everything that is wrong with them.
pub fn webhook(settings: &Settings, clock: Clock) -> Result<Arc<dyn Sink>, Vec<SettingsProblem>> {
    let mut reader = Reader::new(settings);
    let http = HttpSettings::read(&mut reader);
    let url = http.address(&mut reader, "url", None);
    let secrets = Secrets::read(&mut reader, url.as_ref());
    let http = Http::unless(reader.finish(), &http, clock)?;
    let (url, secrets) = url.zip(secrets).ok_or_else(Vec::new)?;
    Ok(Arc::new(Receiver { http, url, secrets, clock }))
}

#[async_trait]
impl Sink for Receiver {
    async fn publish(&self, parcels: &[Parcel], until: Instant) -> Vec<Taking> {
        let mut takings = Vec::with_capacity(parcels.len());
        let mut held: HashSet<&str> = HashSet::new();
        for parcel in parcels {
            let about = parcel.outgoing.about.as_str();
            if held.contains(about) {
                // Would be judged as not taken anyway: it comes after what was refused.
                takings.push(Taking::Refused("it comes after one that was refused".to_owned()));
                continue;
            }
            if Instant::now() >= until {
                break;
            }
            let taking = match self.http.call(self.signed(parcel)).await {
                Ok(answer) => meaning(&answer),
                Err(failure) => Taking::Away(format!("{}: {}", failure.code, failure.detail), None),
            };
            if matches!(taking, Taking::Refused(_)) {
                held.insert(about);
            }
            let away = matches!(taking, Taking::Away(..));
            takings.push(taking);
            if away {
                break;
            }
        }
        takings
    }

    async fn probe(&self, _within: Duration) -> Result<String, String> {
        self.http.probe(&self.url).await
    }
}

impl Receiver {
    /// The same id on every attempt, so that the receiver can tell a repetition from another event.
    fn signed(&self, parcel: &Parcel) -> Call {
        let (id, body) = (parcel.outgoing.id.as_str(), parcel.outgoing.payload.as_str());
        let moment = self.clock.now().as_second().to_string();
        let signature = self.secrets.sign(id, &moment, body.as_bytes());
        let call = Call::post(self.url.clone(), CONTENT_TYPE, body.as_bytes().to_vec())
            .header(HeaderName::from_static("webhook-id"), id)
            .header(HeaderName::from_static("webhook-timestamp"), &moment);
        match signature {
            Some(signature) => call.header(HeaderName::from_static("webhook-signature"), &signature),
            None => call,
        }
    }
}

/// What a status says: of this event only if the receiver finds fault with its bytes, and of the
/// receiver otherwise. Its words may repeat anything and are not told on.
fn meaning(answer: &Answer) -> Taking {
    match answer.status {
        200..=299 => Taking::Taken,
        400 | 406 | 409 | 413 | 415 | 422 => {
            Taking::Refused(format!("the receiver answers {}", answer.status))
        }
        status => Taking::Away(format!("the receiver answers {status}"), answer.retry_after),
    }
}
