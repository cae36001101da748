//! The one HTTP client of all channels. Nobody else in this floor builds one.
//!
//! - **It reaches allowed addresses only** (S1): the address itself or what its name resolves to is
//!   checked for every connection, and the connection goes to what was checked. Redirects are not
//!   followed, and no proxy is taken from the environment.
//! - **It reads no more than 64 KiB of an answer** (S2), and unpacks nothing.
//! - **It ends in time**: five seconds to connect, the channel's own `timeout` for the whole attempt.
//!   A shared connection that has died is noticed within half a minute.
//! - **It keeps what it was told in confidence.** No answer repeats a credential that its call held.
//! - **It knows how far it came.** No connection means that nothing was sent; silence or a broken
//!   connection after that means that nobody knows.
//!
//! What an answer means is not decided here but in [`super::codes`].

mod answer;
mod confided;
mod guard;
mod settings;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url, redirect};
use tokio::time::{Instant, timeout_at};

pub(super) use self::answer::Answer;
use self::confided::Confided;
use self::guard::{Guard, GuardedNames, NotAllowed};
pub(super) use self::settings::HttpSettings;
use super::{LONGEST_DETAIL, SettingsProblem, talk};
use crate::clock::Clock;
use crate::domain::fault::{Failure, Fault, Permanent, Transient};
use crate::render::sanitize;

/// How long connecting may take, name and TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection waits for the next request.
const IDLE: Duration = Duration::from_secs(60);
/// How often the other end of an HTTP/2 connection in use is asked whether it is still there, and how
/// long it may think about that. All workers share such a connection, so one that has died unnoticed
/// would take every attempt with it.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// A client of one provider.
pub(super) struct Http {
    client: reqwest::Client,
    guard: Guard,
    timeout: Duration,
    clock: Clock,
}

/// One request, to be made once.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// A `POST` of `body`, which is of this content type.
    pub(super) fn post(url: Url, content_type: &'static str, body: Vec<u8>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { method: Method::POST, url, headers, body }
    }

    /// With one more header. A value that no header can hold is left out: whoever builds it from
    /// anything but our own words checks it before.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With a header that is never printed.
    pub(super) fn secret(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the path nor the body: both may hold a secret or an address.
        f.debug_struct("Call").field("method", &self.method).field("host", &self.url.host_str()).finish()
    }
}

impl Http {
    /// A client of these settings, unless there are `problems` with them already: then nobody needs one,
    /// and making it reads the machine's certificates.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub(super) fn unless(
        problems: Vec<SettingsProblem>,
        settings: &HttpSettings,
        clock: Clock,
    ) -> Result<Self, Vec<SettingsProblem>> {
        Self::made(problems, || Self::built(Self::builder(settings), settings, clock))
    }

    /// The same, for a provider that speaks nothing but HTTP/2.
    ///
    /// # Errors
    /// As [`Self::unless`].
    pub(super) fn speaking_http2_unless(
        problems: Vec<SettingsProblem>,
        settings: &HttpSettings,
        clock: Clock,
    ) -> Result<Self, Vec<SettingsProblem>> {
        let builder = || Self::builder(settings).http2_prior_knowledge();
        Self::made(problems, || Self::built(builder(), settings, clock))
    }

    fn made(
        problems: Vec<SettingsProblem>,
        make: impl FnOnce() -> Result<Self, String>,
    ) -> Result<Self, Vec<SettingsProblem>> {
        if !problems.is_empty() {
            return Err(problems);
        }
        make().map_err(|message| vec![SettingsProblem { key: Some("ca_file".to_owned()), message }])
    }

    fn builder(settings: &HttpSettings) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .dns_resolver(Arc::new(GuardedNames::of_the_machine(Guard::new(settings.allow_private_networks))))
            .tls_backend_rustls()
            .tls_certs_merge(settings.authorities.iter().cloned())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(PONG)
            .tcp_nodelay(true)
            .user_agent(concat!("foghorn/", env!("CARGO_PKG_VERSION")))
    }

    fn built(builder: reqwest::ClientBuilder, settings: &HttpSettings, clock: Clock) -> Result<Self, String> {
        let client = builder.build().map_err(|error| innermost(&error))?;
        let guard = Guard::new(settings.allow_private_networks);
        Ok(Self { client, guard, timeout: settings.timeout, clock })
    }

    /// When an attempt that begins now has to be over.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Makes a call, once.
    ///
    /// # Errors
    /// Why there is no answer. An answer that says no is an answer.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, Failure> {
        self.call_until(call, self.deadline()).await
    }

    /// The same, as one of several calls that have to be over together.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(super) async fn call_until(&self, call: Call, until: Instant) -> Result<Answer, Failure> {
        let confided = Confided::of(&call);
        self.watched(step(&call.method), call, &confided, until).await
    }

    /// Asks for a credential.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(super) async fn call_for_credential(&self, call: Call, until: Instant) -> Result<Answer, Failure> {
        let confided = Confided::with_form(&call);
        self.watched("token", call, &confided, until).await
    }

    /// Whoever watches hears the status and nothing else: what a provider says may hold an address or a
    /// secret, and only its channel knows what to leave out.
    async fn watched(
        &self,
        step: &'static str,
        call: Call,
        confided: &Confided,
        until: Instant,
    ) -> Result<Answer, Failure> {
        talk::begin(step);
        let answer = confided.taken_out_of(self.exchange(call, until).await?);
        talk::heard(&answer.status.to_string());
        Ok(answer)
    }

    async fn exchange(&self, call: Call, until: Instant) -> Result<Answer, Failure> {
        self.guard.check(&call.url).map_err(|why| refused(&why))?;
        let request = self.client.request(call.method, call.url).headers(call.headers).body(call.body);
        let response = timeout_at(until, request.send()).await;
        let response = response.map_err(|_| self.too_late())?.map_err(|error| lost(&error))?;
        Ok(Answer::read(response, until, self.clock.now()).await)
    }

    /// The connection may have been there, or not: connecting has its own, shorter limit.
    fn too_late(&self) -> Failure {
        let limit = humantime::format_duration(self.timeout);
        failure(Fault::Unknown, "timeout", &format!("no answer within {limit}"))
    }

    /// Connects to `url` and asks for nothing that matters, for `foghorn check --connect`.
    ///
    /// # Errors
    /// As [`super::Channel::probe`].
    pub(super) async fn probe(&self, url: &Url) -> Result<String, String> {
        let call =
            Call { method: Method::HEAD, url: url.clone(), headers: HeaderMap::new(), body: Vec::new() };
        let host = url.host_str().unwrap_or_default().to_owned();
        match self.call(call).await {
            Ok(_) => Ok(format!("{host} answers")),
            Err(failure) if failure.fault == Fault::Unknown => {
                Err(format!("timeout: {host}: {}", failure.detail))
            }
            Err(failure) => Err(format!("{}: {host}: {}", failure.code, failure.detail)),
        }
    }
}

/// The address of what lies below `base`, each segment encoded.
pub(super) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn step(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        _ => "POST",
    }
}

/// What it means that there is no answer.
fn lost(error: &reqwest::Error) -> Failure {
    if let Some(why) = cause::<NotAllowed>(error) {
        return refused(why);
    }
    let words = innermost(error);
    if error.is_builder() {
        return failure(Fault::Permanent(Permanent::Unacceptable), "request", &words);
    }
    if !error.is_connect() {
        return failure(Fault::Unknown, "connection", &words);
    }
    match cause::<rustls::Error>(error) {
        // Not who the configuration says it is, which no retry will change.
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            failure(Fault::Misconfigured, "tls", &words)
        }
        _ if error.is_timeout() => {
            let limit = humantime::format_duration(CONNECT);
            failure(Fault::Transient(Transient::Timeout), "timeout", &format!("no connection within {limit}"))
        }
        _ => failure(Fault::Transient(Transient::Unreachable), "connection", &words),
    }
}

fn refused(why: &NotAllowed) -> Failure {
    failure(Fault::Misconfigured, "address_refused", &why.to_string())
}

/// A failure with these words, cut and cleaned.
pub(super) fn failure(fault: Fault, code: &str, words: &str) -> Failure {
    Failure { fault, code: code.to_owned(), detail: sanitize::line(words, LONGEST_DETAIL).into_owned() }
}

/// The first cause of this type. An `io::Error` hides what it wraps from `source`.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// The innermost reason; the words around it hold the address, which may hold a secret.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
