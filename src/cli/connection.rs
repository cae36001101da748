//! The connection to a running Foghorn, and what its refusals mean to a command.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Exit;
use super::print::{refuse, say};
use super::stream::SILENCE;
use super::whom::Whom;
use crate::catalogue::Code;

/// Longer than the server gives itself.
const PATIENCE: Duration = Duration::from_secs(35);

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nobody is there.
    #[error("{0}")]
    Unreachable(String),
    /// `--url` is none.
    #[error("\"{0}\" is no URL of a server")]
    NoUrl(String),
    /// There is no token where one was said to be.
    #[error("{0}")]
    NoToken(String),
    /// The server said no.
    #[error("{told}")]
    Refused { exit: Exit, code: String, told: String },
    /// What it said is not understood.
    #[error("the answer of {url} is not understood: {why}")]
    Garbled { url: String, why: String },
    /// It is not one who says no as a Foghorn does.
    #[error("the server answered {0}; is it a Foghorn?")]
    Stranger(StatusCode),
    /// What should be handed over cannot be read to its end.
    #[error("{0}")]
    Unreadable(String),
    /// The past of a source cannot be looked at, and waiting does not help.
    #[error("{0}")]
    OutOfSight(String),
    /// The bus of a source does not answer.
    #[error("{0}")]
    BusAway(String),
    /// Standard output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable(_) | Self::BusAway(_) => Exit::Unreachable,
            Self::NoUrl(_) | Self::NoToken(_) | Self::Unreadable(_) | Self::OutOfSight(_) => Exit::Usage,
            Self::Refused { exit, .. } => *exit,
            Self::Garbled { .. } | Self::Stranger(_) | Self::Output(_) => Exit::Failed,
        }
    }

    /// Tells it, with what to do.
    pub(super) fn tell(&self) {
        let code = match self {
            Self::Unreachable(_) => Code::NobodyAnswers,
            Self::NoUrl(_) => Code::NoServerUrl,
            Self::NoToken(_) => Code::TokenUnreadable,
            Self::Garbled { .. } | Self::Stranger(_) => Code::NotUnderstood,
            Self::Unreadable(_) => Code::InputUnreadable,
            Self::OutOfSight(_) => Code::PastOutOfSight,
            Self::BusAway(_) => Code::BusAway,
            Self::Output(_) => Code::CannotWrite,
            // Its detail says what to do, and the server may know more codes than this command.
            Self::Refused { code, told, .. } => return format!("error {code}: {told}").lines().for_each(say),
        };
        refuse(code, self);
    }
}

/// A running Foghorn.
#[derive(Debug)]
pub(super) struct Connection {
    http: reqwest::Client,
    /// For what has no end.
    endless: reqwest::Client,
    whom: Whom,
}

/// One page of a list; entries as they came, so that `--json` shows what this version cannot name.
#[derive(Debug, Deserialize)]
pub(super) struct RawPage {
    pub(super) data: Vec<Box<RawValue>>,
    pub(super) next_cursor: Option<String>,
}

/// What became of records that were handed over.
#[derive(Debug)]
pub(super) enum Handed {
    /// Of each of them, one thing or another.
    Taken(Vec<Box<RawValue>>),
    /// None was taken; the place of each problem begins with the number of its record, from 0.
    Refused(Vec<Place>),
    /// There is no room now.
    Later,
}

#[derive(Debug, Deserialize)]
struct Taken {
    events: Vec<Box<RawValue>>,
}

/// A problem as the API tells it.
#[derive(Debug, Deserialize)]
struct Told {
    code: String,
    title: String,
    detail: String,
    #[serde(default)]
    errors: Vec<Place>,
}

/// Where the server of a socket has its port.
#[derive(Debug, Deserialize)]
struct Listening {
    address: String,
}

/// One thing that is wrong, and where.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    pub(super) pointer: String,
    pub(super) detail: String,
    pub(super) hint: Option<String>,
}

impl Place {
    fn told(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        match self.pointer.as_str() {
            "" => format!("\n{}{hint}", self.detail),
            pointer => format!("; {pointer}: {}{hint}", self.detail),
        }
    }
}

impl Connection {
    pub(super) fn to(whom: &Whom, token: Option<SecretString>) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let header = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut header = header
                .map_err(|_| Failure::NoToken("the token is none: it cannot stand in a header".to_owned()))?;
            header.set_sensitive(true);
            headers.insert(AUTHORIZATION, header);
        }
        let client = |bounded: reqwest::ClientBuilder| {
            let mut client = bounded
                .redirect(reqwest::redirect::Policy::none())
                .default_headers(headers.clone())
                .user_agent(concat!("foghorn/", env!("CARGO_PKG_VERSION")));
            if let Whom::Socket(path) = whom {
                client = client.unix_socket(path.clone());
            }
            client.build().map_err(|error| Failure::Unreachable(chain(&error)))
        };
        let http = client(reqwest::Client::builder().timeout(PATIENCE))?;
        let endless = client(reqwest::Client::builder().connect_timeout(PATIENCE).read_timeout(SILENCE))?;
        Ok(Self { http, endless, whom: whom.clone() })
    }

    /// An answer that goes on for as long as both sides are there.
    pub(super) async fn follow(&self, path: &str, query: &[(&str, String)]) -> Result<Response, Failure> {
        let request = self.endless.get(format!("{}{path}", self.whom.base())).query(query);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        Err(refused(status, &bytes))
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        self.ask(self.http.get(format!("{}{path}", self.whom.base())).query(query)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, Failure> {
        self.ask(self.http.post(format!("{}{path}", self.whom.base())).json(body)).await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.ask(self.http.delete(format!("{}{path}", self.whom.base()))).await
    }

    /// Takes away what is answered with nothing.
    pub(super) async fn remove(&self, path: &str) -> Result<(), Failure> {
        let (status, bytes) = self.exchange(self.http.delete(format!("{}{path}", self.whom.base()))).await?;
        if status.is_success() { Ok(()) } else { Err(refused(status, &bytes)) }
    }

    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, Failure> {
        self.ask(self.http.put(format!("{}{path}", self.whom.base())).json(body)).await
    }

    /// Changes a part of something; with a version, only if it is at that one still.
    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
        if_version: Option<u64>,
    ) -> Result<T, Failure> {
        let request = self.http.patch(format!("{}{path}", self.whom.base())).json(body);
        let request = match if_version {
            Some(version) => request.header(IF_MATCH, format!("\"v{version}\"")),
            None => request,
        };
        self.ask(request).await
    }

    /// Hands over a mail as it is, with this password if there is one.
    pub(super) async fn hand_over(
        &self,
        path: &str,
        mail: Vec<u8>,
        password: Option<&str>,
    ) -> Result<(), Failure> {
        let request = self.http.post(format!("{}{path}", self.whom.base()));
        let request = request.header(CONTENT_TYPE, "message/rfc822").body(mail);
        let request = match password {
            Some(password) => request.basic_auth("foghorn", Some(password)),
            None => request,
        };
        let (status, bytes) = self.exchange(request).await?;
        if status.is_success() { Ok(()) } else { Err(refused(status, &bytes)) }
    }

    /// Hands over records, once for each `key`.
    pub(super) async fn submit(
        &self,
        query: &[(&str, String)],
        key: &str,
        body: Vec<u8>,
    ) -> Result<Handed, Failure> {
        let request = self.http.post(format!("{}/api/v1/events", self.whom.base())).query(query);
        let request = request.header(CONTENT_TYPE, "application/json").header("idempotency-key", key);
        let (status, bytes) = self.exchange(request.body(body)).await?;
        if status.is_success() {
            let taken: Taken = serde_json::from_slice(&bytes)
                .map_err(|error| Failure::Garbled { url: self.whom.to_string(), why: error.to_string() })?;
            return Ok(Handed::Taken(taken.events));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Told { errors, .. }) if !errors.is_empty() => Ok(Handed::Refused(errors)),
            _ if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {
                Ok(Handed::Later)
            }
            _ => Err(refused(status, &bytes)),
        }
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        self.whom.to_string()
    }

    /// Where its pages are, for a browser on this machine.
    pub(super) async fn pages(&self) -> Result<String, Failure> {
        match &self.whom {
            Whom::Url(url) => Ok(url.clone()),
            Whom::Socket(_) => {
                let listening: Listening = self.get("/api/v1/status", &[]).await?;
                Ok(format!("http://{}", listening.address))
            }
        }
    }

    /// The status and the text of a probe.
    pub(super) async fn probe(&self, path: &str) -> Result<(StatusCode, String), Failure> {
        let (status, bytes) = self.exchange(self.http.get(format!("{}{path}", self.whom.base()))).await?;
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let (status, bytes) = self.exchange(request).await?;
        if !status.is_success() {
            return Err(refused(status, &bytes));
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Garbled { url: self.whom.to_string(), why: error.to_string() })
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        Ok((status, bytes.to_vec()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let url = &self.whom;
        if error.is_builder() {
            Failure::NoUrl(url.to_string())
        } else if error.is_connect() {
            Failure::Unreachable(format!("no Foghorn answers at {url} ({})", chain(error)))
        } else {
            Failure::Unreachable(format!("{url} did not answer: {}", chain(error)))
        }
    }
}

fn refused(status: StatusCode, bytes: &[u8]) -> Failure {
    let exit = match status {
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Denied,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Exit::Usage,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Exit::Conflict,
        StatusCode::SERVICE_UNAVAILABLE => Exit::Unreachable,
        StatusCode::TOO_MANY_REQUESTS => Exit::Later,
        _ => Exit::Failed,
    };
    let Ok(Told { code, title, detail, errors }) = serde_json::from_slice(bytes) else {
        return Failure::Stranger(status);
    };
    let exit = if code == Code::ReloadRefused.as_str() { Exit::InvalidConfig } else { exit };
    let told = format!("{title}: {detail}{}", errors.iter().map(Place::told).collect::<String>());
    Failure::Refused { exit, code, told }
}

/// The innermost reason; reqwest's own words say nothing a person could use.
fn chain(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_code_and_ends_with_the_code_of_its_kind() {
        let body = br#"{"code":"FHnnnn","title":"The query is not understood","detail":"limit = 0"}"#;
        let failure = refused(StatusCode::BAD_REQUEST, body);
        assert_eq!(failure.to_string(), "The query is not understood: limit = 0");
        assert!(matches!(&failure, Failure::Refused { code, .. } if code == "FHnnnn"), "{failure:?}");
        assert_eq!(failure.exit(), Exit::Usage);
        let failure = refused(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(failure.to_string(), "the server answered 502 Bad Gateway; is it a Foghorn?");
        assert_eq!(failure.exit().code(), 1);
    }

    #[tokio::test]
    async fn nobody_there_is_told_with_what_to_do() {
        // Bound and closed again: nobody listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let url = format!("http://127.0.0.1:{port}");
        let connection = Connection::to(&Whom::Url(url.clone()), None).expect("a client");
        let failure = connection.probe("/livez").await.expect_err("nobody is there");
        assert_eq!(failure.exit(), Exit::Unreachable);
        let told = failure.to_string();
        assert!(told.starts_with(&format!("no Foghorn answers at {url} (")), "{told}");
    }
}
