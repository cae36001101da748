//! `provider = "smtp"`: one conversation with a mail server per attempt, command by command, so
//! that it is known at every moment whether the server may have the message.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::config::{Protection, SmtpConfig};
use super::conversation::{Conversation, Ended, Letter, Progress, expect, failed, logged_in};
use super::message::Envelope;
use super::pool::Pool;
use super::smtp_reply::{self as reply, Stage};
use super::tls::{self, Tls};
use super::wire::{NoStartTls, Wire, starttls};
use super::{address, drafted};
use crate::channels::callback::{Callback, News, NotHeard};
use crate::channels::outbox::Draft;
use crate::channels::{Built, Channel, Settings, Surroundings, talk, unrenderable};
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
pub(super) fn build(settings: &Settings, surroundings: &Surroundings) -> Built {
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
        let letter = Letter { delivery: job.id, to: &to, message: &message };
        match timeout(self.config.timeout, self.attempt(letter, &progress)).await {
            Ok(Ok(receipt)) => Outcome::Sent(receipt),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(_) => Outcome::Failed(reply::too_late(progress.stage(), self.config.timeout)),
        }
    }

    fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        drafted(job, &self.letterhead)
    }

    async fn probe(&self) -> Result<String, String> {
        let progress = Progress::new();
        let connected = timeout(self.config.timeout, self.connect(&progress)).await;
        let connected =
            connected.unwrap_or_else(|_| Err(reply::too_late(progress.stage(), self.config.timeout)));
        let conversation = connected.map_err(|failure| format!("{}: {}", failure.code, failure.detail))?;
        let login = if self.config.login.is_some() { ", logged in" } else { "" };
        let name = reply::clean(conversation.server());
        // The answer to QUIT matters to nobody.
        let _ = timeout(self.config.timeout, conversation.quit()).await;
        Ok(format!("connected to {name}, {}{login}", self.config.protection.name()))
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Vec<News>, NotHeard> {
        self.config.bounces.heard(callback)
    }

    async fn close(&self) {
        let goodbyes = self.pool.drain().into_iter().map(Conversation::quit);
        let _ = timeout(self.config.timeout, futures::future::join_all(goodbyes)).await;
    }
}

impl Smtp {
    fn write(&self, job: &Job) -> Result<(Address, String), Failure> {
        let to = address::parse(job.target.address.expose())?;
        let mail = render::email::render(&job.content, &self.letterhead.to(job))
            .map_err(|fault| unrenderable(&fault))?;
        let message = self.envelope.message(job, &to, &mail, self.clock.now());
        Ok((to, message))
    }

    /// One attempt. A server closes idle connections when it likes; finding one closed, or being
    /// told so before `MAIL` was taken, is no attempt: there is one more, on a fresh connection.
    /// Whoever watches wants to see all of it.
    async fn attempt(&self, letter: Letter<'_>, progress: &Progress) -> Result<Receipt, Failure> {
        let idle = if talk::is_watched() { None } else { self.pool.take() };
        if let Some(conversation) = idle {
            match self.transact(conversation, letter, progress).await {
                Err(Ended { stale: true, .. }) => {}
                Err(ended) => return Err(ended.failure),
                Ok(receipt) => return Ok(receipt),
            }
        }
        let conversation = self.connect(progress).await?;
        self.transact(conversation, letter, progress).await.map_err(|ended| ended.failure)
    }

    async fn transact(
        &self,
        mut conversation: Conversation,
        letter: Letter<'_>,
        progress: &Progress,
    ) -> Result<Receipt, Ended> {
        let from = &self.config.from.email;
        let ended = match conversation.send(from, letter, progress).await {
            Ok(receipt) => {
                self.pool.put(conversation);
                return Ok(receipt);
            }
            Err(ended) => ended,
        };
        // After a plain no the connection is as good as before.
        if ended.usable && (progress.stage() == Stage::Answer || conversation.reset().await) {
            self.pool.put(conversation);
        }
        Err(ended)
    }

    /// A connection that is ready for `MAIL`.
    async fn connect(&self, progress: &Progress) -> Result<Conversation, Failure> {
        progress.enter(Stage::Connect);
        let address = (self.config.host.as_str(), self.config.port);
        let lost = |stage| move |error: std::io::Error| reply::lost(stage, &error.to_string());
        let mut stream = TcpStream::connect(address).await.map_err(lost(Stage::Connect))?;
        stream.set_nodelay(true).map_err(lost(Stage::Connect))?;
        let peer = stream.peer_addr().map_err(lost(Stage::Connect))?;
        talk::heard(&peer.to_string());
        progress.enter(Stage::Hello);
        let wire: Box<dyn AsyncTokioStream> = match &self.config.protection {
            Protection::None => Box::new(Wire::new(stream, peer)),
            Protection::Tls(tls) => secure(tls, stream, peer, Vec::new()).await?,
            Protection::StartTls(tls) => {
                talk::begin("STARTTLS");
                let greeting = starttls(&mut stream, &self.hello).await.map_err(no_starttls)?;
                secure(tls, stream, peer, greeting).await?
            }
        };
        talk::begin("EHLO");
        let connected = AsyncSmtpConnection::connect_with_transport(wire, &self.hello).await;
        let mut connection = connected.map_err(|error| failed(&error, Stage::Hello))?;
        // Once more: of the first answer lettre keeps only the extensions that it knows.
        let offers = connection.command(format!("EHLO {}\r\n", self.hello)).await;
        let offers = expect(offers, &[250], Stage::Hello).map_err(|ended| ended.failure)?;
        if let Some(login) = &self.config.login {
            progress.enter(Stage::Auth);
            let password = login.password.expose_secret().to_owned();
            let credentials = Credentials::new(login.username.clone(), password);
            let answer = connection.auth(MECHANISMS, &credentials).await;
            logged_in(answer, login)?;
        }
        Ok(Conversation::new(connection, &offers))
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
    talk::begin("TLS");
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
