//! What is said on a connection that is ready for `MAIL`: one message to one recipient, and what
//! the server answers to each part of it.
//!
//! A server that offers `PIPELINING` (RFC 2920) hears sender, recipient and `DATA` in one go: two
//! round trips less for each mail. The answers are still judged one by one, and the message itself
//! is never sent before the server has taken all three.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::MailParameter;
use lettre::transport::smtp::response::Response;

use super::address;
use super::config::Login;
use super::smtp_reply::{self as reply, Stage};
use crate::channels::talk;
use crate::domain::fault::{Failure, Receipt};
use crate::domain::ids::DeliveryId;

/// A connection, and what its server can do beyond what lettre knows of.
pub(super) struct Conversation {
    connection: AsyncSmtpConnection,
    pipelining: Pipelining,
    reports: Reports,
}

/// Whether the server repeats an envelope id in what it reports later (RFC 3461).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reports {
    WithId,
    Plain,
}

/// Whether commands may be sent before the one before them was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pipelining {
    Offered,
    NotOffered,
}

impl Conversation {
    /// On `connection`, whose server answered `EHLO` with `offers`.
    pub(super) fn new(connection: AsyncSmtpConnection, offers: &Response) -> Self {
        let is_offered = |name| offers.message().any(|line| line.trim().eq_ignore_ascii_case(name));
        let pipelining = if is_offered("PIPELINING") { Pipelining::Offered } else { Pipelining::NotOffered };
        let reports = if is_offered("DSN") { Reports::WithId } else { Reports::Plain };
        Self { connection, pipelining, reports }
    }

    /// The name that the server goes by.
    pub(super) fn server(&self) -> &str {
        self.connection.server_info().name()
    }

    /// Forgets a mail that was not taken. False if the connection is of no more use.
    pub(super) async fn reset(&mut self) -> bool {
        self.connection.command("RSET\r\n").await.is_ok()
    }

    /// Says goodbye. What the server answers matters to nobody.
    pub(super) async fn quit(mut self) {
        drop(self.connection.quit().await);
    }

    /// Sends `message` of `delivery`, telling `progress` how far it has come.
    pub(super) async fn send(
        &mut self,
        from: &Address,
        Letter { delivery, to, message }: Letter<'_>,
        progress: &Progress,
    ) -> Result<Receipt, Ended> {
        progress.enter(Stage::Mail);
        let mut parameters = address::mail_parameters(&self.connection, to)?;
        if self.reports == Reports::WithId {
            let (keyword, value) = ("ENVID".to_owned(), Some(delivery.to_string()));
            parameters.push(MailParameter::Other { keyword, value });
        }
        let mail = Mail::new(Some(from.clone()), parameters);
        let recipient = Rcpt::new(to.clone(), Vec::new());
        match self.pipelining {
            Pipelining::Offered => self.announce_at_once(mail, recipient, progress).await?,
            Pipelining::NotOffered => self.announce(mail, recipient, progress).await?,
        }
        let answer = self.hand_over(message, progress).await;
        let answer = expect(answer, &[250], progress.stage())?;
        let answer = format!("250 {}", text_of(&answer));
        Ok(Receipt { provider_id: queue_id(&answer).map(str::to_owned), answer: reply::clean(&answer) })
    }

    async fn hand_over(&mut self, message: &str, progress: &Progress) -> Answer {
        if message.len() <= AT_ONCE && !has_leading_dot(message) {
            progress.enter(Stage::Answer);
            return self.connection.command(Whole(message)).await;
        }
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
        self.connection.message_iter(parts).await
    }

    async fn announce(&mut self, mail: Mail, recipient: Rcpt, progress: &Progress) -> Result<(), Ended> {
        expect(self.connection.command(mail).await, &[250], Stage::Mail)?;
        progress.enter(Stage::Recipient);
        expect(self.connection.command(recipient).await, &[250, 251], Stage::Recipient)?;
        progress.enter(Stage::Data);
        expect(self.connection.command(Data).await, &[354], Stage::Data)?;
        Ok(())
    }

    /// Every answer is read, also after a no: the next mail must not take them for its own.
    async fn announce_at_once(
        &mut self,
        mail: Mail,
        recipient: Rcpt,
        progress: &Progress,
    ) -> Result<(), Ended> {
        let answer = self.connection.command(Group(mail, recipient)).await;
        let mail = expect(answer, &[250], Stage::Mail);
        if let Err(ended) = &mail
            && !ended.usable
        {
            return mail.map(drop);
        }
        progress.enter(Stage::Recipient);
        let answer = self.connection.read_response().await;
        let named = mail.and(expect(answer, &[250, 251], Stage::Recipient));
        progress.enter(Stage::Data);
        let answer = self.connection.read_response().await;
        match (named, expect(answer, &[354], Stage::Data)) {
            (Ok(_), data) => data.map(drop),
            // The server waits for a message to nobody: only hanging up ends that.
            (Err(ended), Ok(_)) => Err(Ended { usable: false, ..ended }),
            (Err(ended), Err(also)) => Err(Ended { usable: ended.usable && also.usable, ..ended }),
        }
    }
}

/// What is sent, and to whom.
#[derive(Clone, Copy)]
pub(super) struct Letter<'a> {
    pub(super) delivery: DeliveryId,
    pub(super) to: &'a Address,
    pub(super) message: &'a str,
}

/// Sender, recipient and `DATA` as one write.
struct Group(Mail, Rcpt);

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(mail, recipient) = self;
        write!(f, "{mail}{recipient}{Data}")
    }
}

/// Bytes that a socket takes in one go, with the final dot behind them: when it has them, nobody
/// knows any more how much of them the server has.
const AT_ONCE: usize = 64 << 10;

/// A message and the dot that ends it, as one write.
struct Whole<'a>(&'a str);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\r\n.\r\n", self.0)
    }
}

/// Whether a line begins with a dot, which would have to be doubled (RFC 5321, 4.5.2). Ours have
/// none: quoted-printable escapes them.
fn has_leading_dot(message: &str) -> bool {
    message.starts_with('.') || message.contains("\n.")
}

/// How far an attempt has come, readable when its time is up.
pub(super) struct Progress(AtomicU8);

impl Progress {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(Stage::Connect as u8))
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
        if let Some(step) = stage.step() {
            talk::begin(step);
        }
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::ALL[usize::from(self.0.load(Ordering::Relaxed))]
    }
}

/// How a conversation ended without success.
pub(super) struct Ended {
    pub(super) failure: Failure,
    /// The server spoke, and goes on listening.
    pub(super) usable: bool,
    /// The server had closed the connection before this mail, or did so now without taking it.
    pub(super) stale: bool,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self { failure, usable: true, stale: false }
    }
}

pub(super) type Answer = Result<Response, lettre::transport::smtp::Error>;

/// The answer, if it is one of `codes`.
pub(super) fn expect(answer: Answer, codes: &[u16], stage: Stage) -> Result<Response, Ended> {
    match answer {
        Ok(response) => {
            let code = u16::from(response.code());
            note(stage, code, &text_of(&response));
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

/// What the server says about a login, which may repeat parts of it.
pub(super) fn logged_in(answer: Answer, login: &Login) -> Result<(), Failure> {
    let (code, text) = match answer {
        Ok(response) => (u16::from(response.code()), text_of(&response)),
        Err(error) => match error.status() {
            Some(code) => (u16::from(code), words_of(&error)),
            None => return Err(failed(&error, Stage::Auth)),
        },
    };
    note(Stage::Auth, code, "");
    if code == 235 { Ok(()) } else { Err(reply::refused(Stage::Auth, code, &login.taken_out_of(&text))) }
}

/// Shows an answer to whoever watches.
fn note(stage: Stage, code: u16, text: &str) {
    match stage {
        Stage::Auth => talk::heard(&code.to_string()),
        _ => talk::heard(&format!("{code} {text}")),
    }
}

pub(super) fn failed(error: &lettre::transport::smtp::Error, stage: Stage) -> Failure {
    let text = words_of(error);
    match error.status() {
        Some(code) => {
            note(stage, u16::from(code), &text);
            reply::refused(stage, u16::from(code), &text)
        }
        // lettre's own objections: nothing that it could log in with.
        None if error.is_client() => reply::misconfigured("client", &text),
        None => reply::lost(stage, &text),
    }
}

fn words_of(error: &lettre::transport::smtp::Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
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
