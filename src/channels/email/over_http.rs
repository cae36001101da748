//! What providers of mail behind HTTP have in common: who sends, over which client, and the mail itself.
//! It has the same id, the same thread and the same words as over SMTP.

use lettre::Address;
use lettre::message::Mailbox;
use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde_json::Value;

use super::address;
use super::config::mailbox;
use super::drafted;
use super::message::{AUTOMATIC, Envelope};
use crate::channels::http::{Answer, Call, Http, HttpSettings, below};
use crate::channels::outbox::Draft;
use crate::channels::settings::Reader;
use crate::channels::{SettingsProblem, Surroundings, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::Failure;
use crate::render::email::EmailText;
use crate::render::{self, Letterhead};

/// What every such channel has.
pub(super) struct Desk {
    pub(super) http: Http,
    pub(super) token: SecretString,
    base: Url,
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    envelope: Envelope,
    letterhead: Letterhead,
}

/// A mail as these providers want it.
pub(super) struct Letter {
    pub(super) to: Address,
    pub(super) mail: EmailText,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Desk {
    /// Takes `token`, `from`, `reply_to`, `base_url` and what every client behind HTTP can be told.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub(super) fn read(
        mut reader: Reader,
        token: &str,
        base_url: &str,
        surroundings: &Surroundings,
    ) -> Result<Self, Vec<SettingsProblem>> {
        let token = reader.required_secret("token", token);
        let settings = HttpSettings::read(&mut reader);
        let base = settings.address(&mut reader, "base_url", Some(base_url));
        let from = reader.required("from", "Foghorn <foghorn@example.com>");
        let from = from.and_then(|text| mailbox(&mut reader, "from", &text));
        let reply_to = reader.text("reply_to");
        let reply_to = reply_to.and_then(|text| mailbox(&mut reader, "reply_to", &text));
        let http = Http::unless(reader.finish(), &settings, surroundings.clock)?;
        let (Some(token), Some(base), Some(from)) = (token, base, from) else { return Err(Vec::new()) };
        let envelope = Envelope::new(&from, reply_to.as_ref());
        let letterhead = surroundings.letterhead();
        Ok(Self { http, token, base, from, reply_to, envelope, letterhead })
    }

    /// The words of a mail.
    pub(super) fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        drafted(job, &self.letterhead)
    }

    /// A request to what lies below the base address, with this JSON.
    pub(super) fn post(&self, segments: &[&str], body: &Value) -> Call {
        let body = body.to_string().into_bytes();
        let call = Call::post(below(&self.base, segments), "application/json", body);
        call.header(ACCEPT, "application/json")
    }

    /// A question there.
    pub(super) fn get(&self, segments: &[&str]) -> Call {
        let url = below(&self.base, segments);
        let call = Call { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() };
        call.header(ACCEPT, "application/json")
    }

    /// Asks something that only who has the token may ask.
    pub(super) async fn probe(
        &self,
        question: Call,
        refused: impl FnOnce(&Answer) -> Failure + Send,
    ) -> Result<String, String> {
        let failure = match self.http.call(question).await {
            Ok(answer) if answer.is_success() => return Ok("the token is taken".to_owned()),
            Ok(answer) => refused(&answer),
            Err(failure) => failure,
        };
        Err(format!("{}: {}", failure.code, failure.detail))
    }

    /// The mail of `job`.
    pub(super) fn letter(&self, job: &Job) -> Result<Letter, Failure> {
        let to = address::parse(job.target.address.expose())?;
        let mail = render::email::render(&job.content, &self.letterhead.to(job))
            .map_err(|fault| unrenderable(&fault))?;
        let mut headers: Vec<_> = AUTOMATIC.map(|(name, value)| (name, value.to_owned())).into();
        self.envelope.each_header(job, |name, value| headers.push((name, value.to_string())));
        Ok(Letter { to, mail, headers })
    }
}

/// A provider's words, without the address that they may repeat.
pub(super) fn masked(words: &str, job: &Job) -> String {
    words.replace(job.target.address.expose(), &job.target.address.masked())
}
