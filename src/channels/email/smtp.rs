//! `provider = "smtp"`: one conversation with a mail server per attempt, command by command, so
//! that it is known at every moment whether the server may have the message.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address;
use super::config::{Protection, SmtpConfig};
use super::message::Envelope;
use super::pool::Pool;
use super::smtp_reply::{self as reply, Stage};
use super::tls::{self, Tls};
use super::wire::{NoStartTls, Wire, starttls};
use crate::channels::{Channel, Settings, SettingsProblem, Surroundings, unrenderable};
use crate::clock::Clock;
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Outcome, Receipt};
use crate::render::{self, Letterhead};

const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

struct Smtp {
    config: SmtpConfig,
    envelope: Envelope,
    letterhead: Letterhead,
    clock: Clock,
    hello: ClientId,
    pool: Arc<Pool>,
}

/// The `smtp` channel of these settings.
pub(super) fn build(
    settings: &Settings,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Channel>, Vec<SettingsProblem>> {
    let config = SmtpConfig::read(settings)?;
    Ok(Arc::new(Smtp {
        envelope: Envelope::new(&config.from, config.reply_to.as_ref()),
        letterhead: surroundings.letterhead(),
        clock: surroundings.clock,
        hello: ClientId::default(),
        pool: Pool::new(surroundings.workers),
        config,
    }))
}

#[async_trait]
impl Channel for Smtp {
    async fn send(&self, job: &Job) -> Outcome {
        let (to, message) = match self.write(job) {
            Ok(written) => written,
            Err(failure) => return Outcome::Failed(failure),
        };
        let progress = Progress::new();
        match timeout(self.config.timeout, self.attempt(&to, &message, &progress)).await {
            Ok(Ok(receipt)) => Outcome::Sent(receipt),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(_) => Outcome::Failed(reply::too_late(progress.stage(), self.config.timeout)),
        }
    }

    async fn probe(&self) -> Result<String, String> {
        let progress = Progress::new();
        let mut connection = match timeout(self.config.timeout, self.connect(&progress)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(failure)) => return Err(format!("{}: {}", failure.code, failure.detail)),
            Err(_) => return Err(reply::too_late(progress.stage(), self.config.timeout).detail),
        };
        let login = if self.config.login.is_some() { ", logged in" } else { "" };
        let name = reply::clean(connection.server_info().name());
        // The answer to QUIT matters to nobody.
        let _ = timeout(self.config.timeout, connection.quit()).await;
        Ok(format!("connected to {name}, {}{login}", self.config.protection.name()))
    }

    async fn close(&self) {
        let goodbyes = self
            .pool
            .drain()
            .into_iter()
            .map(|mut connection| async move { connection.quit().await.is_ok() });
        let _ = timeout(self.config.timeout, futures::future::join_all(goodbyes)).await;
    }
}

impl Smtp {
    fn write(&self, job: &Job) -> Result<(Address, String), Failure> {
        let to = address::parse(job.target.address.expose())?;
        let mail =
            render::email::render(&job.content, &self.letterhead).map_err(|fault| unrenderable(&fault))?;
        let message = self.envelope.message(job, &to, &mail, self.clock.now());
        Ok((to, message))
    }

    /// One attempt. A server closes idle connections when it likes; finding one closed, or being
    /// told so before `MAIL` was taken, is no attempt: there is one more, on a fresh connection.
    async fn attempt(&self, to: &Address, message: &str, progress: &Progress) -> Result<Receipt, Failure> {
        if let Some(connection) = self.pool.take() {
            match self.transact(connection, to, message, progress).await {
                Err(Ended { stale: true, .. }) => {}
                Err(ended) => return Err(ended.failure),
                Ok(receipt) => return Ok(receipt),
            }
        }
        let connection = self.connect(progress).await?;
        self.transact(connection, to, message, progress).await.map_err(|ended| ended.failure)
    }

    async fn transact(
        &self,
        mut connection: AsyncSmtpConnection,
        to: &Address,
        message: &str,
        progress: &Progress,
    ) -> Result<Receipt, Ended> {
        let ended = match self.converse(&mut connection, to, message, progress).await {
            Ok(receipt) => {
                self.pool.put(connection);
                return Ok(receipt);
            }
            Err(ended) => ended,
        };
        // After a plain no the connection is as good as before.
        if ended.usable && (progress.stage() == Stage::Answer || connection.command("RSET\r\n").await.is_ok())
        {
            self.pool.put(connection);
        }
        Err(ended)
    }

    async fn converse(
        &self,
        connection: &mut AsyncSmtpConnection,
        to: &Address,
        message: &str,
        progress: &Progress,
    ) -> Result<Receipt, Ended> {
        progress.enter(Stage::Mail);
        let parameters = address::mail_parameters(connection, to)?;
        let from = self.config.from.email.clone();
        let answer = connection.command(Mail::new(Some(from), parameters)).await;
        expect(answer, &[250], Stage::Mail)?;
        progress.enter(Stage::Recipient);
        let answer = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
        expect(answer, &[250, 251], Stage::Recipient)?;
        progress.enter(Stage::Data);
        let answer = connection.command(Data).await;
        expect(answer, &[354], Stage::Data)?;
        progress.enter(Stage::Message);
        // lettre asks for the next part once this one is with the socket, and writes the final dot
        // when there is none: that is the moment.
        let mut parts = Some(message).into_iter();
        let parts = std::iter::from_fn(|| {
            let part = parts.next();
            if part.is_none() {
                progress.enter(Stage::Answer);
            }
            part
        });
        let answer = connection.message_iter(parts).await;
        let answer = expect(answer, &[250], progress.stage())?;
        let answer = format!("250 {}", text_of(&answer));
        Ok(Receipt { provider_id: queue_id(&answer).map(str::to_owned), answer: reply::clean(&answer) })
    }

    /// A connection that is ready for `MAIL`.
    async fn connect(&self, progress: &Progress) -> Result<AsyncSmtpConnection, Failure> {
        progress.enter(Stage::Connect);
        let address = (self.config.host.as_str(), self.config.port);
        let lost = |stage| move |error: std::io::Error| reply::lost(stage, &error.to_string());
        let mut stream = TcpStream::connect(address).await.map_err(lost(Stage::Connect))?;
        stream.set_nodelay(true).map_err(lost(Stage::Connect))?;
        let peer = stream.peer_addr().map_err(lost(Stage::Connect))?;
        progress.enter(Stage::Hello);
        let wire: Box<dyn AsyncTokioStream> = match &self.config.protection {
            Protection::None => Box::new(Wire::new(stream, peer)),
            Protection::Tls(tls) => secure(tls, stream, peer, Vec::new()).await?,
            Protection::StartTls(tls) => {
                let greeting = starttls(&mut stream, &self.hello).await.map_err(no_starttls)?;
                secure(tls, stream, peer, greeting).await?
            }
        };
        let connected = AsyncSmtpConnection::connect_with_transport(wire, &self.hello).await;
        let mut connection = connected.map_err(|error| failed(&error, Stage::Hello))?;
        if let Some(login) = &self.config.login {
            progress.enter(Stage::Auth);
            let password = login.password.expose_secret().to_owned();
            let credentials = Credentials::new(login.username.clone(), password);
            let answer = connection.auth(MECHANISMS, &credentials).await;
            expect(answer, &[235], Stage::Auth).map_err(|ended| ended.failure)?;
        }
        Ok(connection)
    }
}

impl Protection {
    fn name(&self) -> &'static str {
        match self {
            Self::StartTls(_) => "STARTTLS",
            Self::Tls(_) => "TLS",
            Self::None => "not encrypted",
        }
    }
}

async fn secure(
    tls: &Tls,
    stream: TcpStream,
    peer: SocketAddr,
    greeting: Vec<u8>,
) -> Result<Box<dyn AsyncTokioStream>, Failure> {
    match tls.connect(stream).await {
        Ok(stream) => Ok(Box::new(Wire::after_greeting(stream, peer, greeting))),
        Err(error) if tls::is_wrong_identity(&error) => Err(reply::misconfigured("tls", &error.to_string())),
        Err(error) => Err(reply::lost(Stage::Hello, &format!("TLS: {error}"))),
    }
}

fn no_starttls(why: NoStartTls) -> Failure {
    match why {
        NoStartTls::Lost(error) => reply::lost(Stage::Hello, &error.to_string()),
        NoStartTls::Refused(code, text) => reply::refused(Stage::Hello, code, &text),
        NoStartTls::NotOffered => reply::misconfigured("starttls", "the server offers no STARTTLS"),
    }
}

/// How far an attempt has come, readable when its time is up.
struct Progress(AtomicU8);

impl Progress {
    fn new() -> Self {
        Self(AtomicU8::new(Stage::Connect as u8))
    }

    fn enter(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    fn stage(&self) -> Stage {
        Stage::ALL[usize::from(self.0.load(Ordering::Relaxed))]
    }
}

/// How a conversation ended without success.
struct Ended {
    failure: Failure,
    /// The server spoke, and goes on listening.
    usable: bool,
    /// The server had closed the connection before this mail, or did so now without taking it.
    stale: bool,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self { failure, usable: true, stale: false }
    }
}

type Answer = Result<Response, lettre::transport::smtp::Error>;

/// The answer, if it is one of `codes`.
fn expect(answer: Answer, codes: &[u16], stage: Stage) -> Result<Response, Ended> {
    match answer {
        Ok(response) => {
            let code = u16::from(response.code());
            if codes.contains(&code) {
                return Ok(response);
            }
            Err(Ended {
                failure: reply::refused(stage, code, &text_of(&response)),
                usable: false,
                stale: false,
            })
        }
        Err(error) => {
            let code = error.status().map(u16::from);
            let is_gone = matches!(code, None | Some(421));
            Err(Ended {
                failure: failed(&error, stage),
                usable: !is_gone,
                stale: is_gone && stage == Stage::Mail,
            })
        }
    }
}

fn failed(error: &lettre::transport::smtp::Error, stage: Stage) -> Failure {
    let source = std::error::Error::source(error).map(ToString::to_string);
    let text = source.unwrap_or_default();
    match error.status() {
        Some(code) => reply::refused(stage, u16::from(code), &text),
        // lettre's own objections: nothing that it could log in with.
        None if error.is_client() => reply::misconfigured("client", &text),
        None => reply::lost(stage, &text),
    }
}

fn text_of(response: &Response) -> String {
    response.message().collect::<Vec<_>>().join(" ")
}

/// The server's own id of the message, as most of them say it.
fn queue_id(answer: &str) -> Option<&str> {
    let (_, rest) = answer.split_once("queued as ")?;
    rest.split(|character: char| !character.is_ascii_alphanumeric() && !"-_.".contains(character))
        .next()
        .filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_id_is_what_most_servers_say() {
        assert_eq!(queue_id("250 2.0.0 Ok: queued as 4XyZ12"), Some("4XyZ12"));
        assert_eq!(queue_id("250 queued as <x"), None);
        assert_eq!(queue_id("250 ok"), None);
    }
}
