//! From a mail server's answer to a [`Fault`]: one table of reply code, enhanced status code
//! (RFC 3463) and the stage of the conversation.
//!
//! The stage matters as much as the code. Before `RCPT` nothing was said about the recipient: a
//! permanent refusal there means the operator's settings, and must not cost anybody their mail.
//! After the final dot the server may have the message: no answer there means that nobody knows.

use std::time::Duration;

use crate::channels::LONGEST_DETAIL;
use crate::domain::fault::{Failure, Fault, Permanent, Scope, Transient};
use crate::render::sanitize;

/// How long a server that greylists wants to be left alone, at the least.
const GREYLIST_WAIT: Duration = Duration::from_secs(300);

/// How far one attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    /// Looking up the name, connecting.
    Connect,
    /// Greeting, `EHLO`, `STARTTLS`.
    Hello,
    /// `AUTH`.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`.
    Data,
    /// The message is on its way; its final dot is not.
    Message,
    /// The final dot is on its way: from here on the server may have the message.
    Answer,
}

impl Stage {
    pub(super) const ALL: [Self; 8] = [
        Self::Connect,
        Self::Hello,
        Self::Auth,
        Self::Mail,
        Self::Recipient,
        Self::Data,
        Self::Message,
        Self::Answer,
    ];

    /// Its name in a talk that is watched; greeting and encryption have names of their own.
    pub(super) fn step(self) -> Option<&'static str> {
        match self {
            Self::Connect => Some("connect"),
            Self::Hello => None,
            Self::Auth => Some("AUTH"),
            Self::Mail => Some("MAIL FROM"),
            Self::Recipient => Some("RCPT TO"),
            Self::Data => Some("DATA"),
            Self::Message => Some("body"),
            Self::Answer => Some("message"),
        }
    }

    /// For people, after "while".
    fn doing(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Hello => "greeting",
            Self::Auth => "logging in",
            Self::Mail => "naming the sender",
            Self::Recipient => "naming the recipient",
            Self::Data => "asking to send",
            Self::Message => "sending the message",
            Self::Answer => "waiting for the answer to the message",
        }
    }
}

/// What a negative answer means.
pub(super) fn refused(stage: Stage, code: u16, text: &str) -> Failure {
    let enhanced = enhanced_code(text);
    let fault = match code {
        400..=499 => for_now(stage, code, enhanced),
        500..=599 => for_good(stage, code, enhanced),
        // Neither yes nor no. After the final dot that proves nothing either way.
        _ if stage == Stage::Answer => Fault::Unknown,
        _ => Fault::Transient(Transient::Unavailable),
    };
    let code = match enhanced {
        Some((class, subject, detail)) => format!("{code} {class}.{subject}.{detail}"),
        None => code.to_string(),
    };
    Failure { fault, code, detail: clean(text) }
}

/// What it means that the connection is gone.
pub(super) fn lost(stage: Stage, why: &str) -> Failure {
    let fault = match stage {
        Stage::Answer => Fault::Unknown,
        _ => Fault::Transient(Transient::Unreachable),
    };
    Failure {
        fault,
        code: "connection".to_owned(),
        detail: clean(&format!("while {}: {why}", stage.doing())),
    }
}

/// What it means that the time is up.
pub(super) fn too_late(stage: Stage, timeout: Duration) -> Failure {
    let fault = match stage {
        Stage::Answer => Fault::Unknown,
        _ => Fault::Transient(Transient::Timeout),
    };
    let timeout = humantime::format_duration(timeout);
    Failure {
        fault,
        code: "timeout".to_owned(),
        detail: format!("{timeout} were over while {}", stage.doing()),
    }
}

/// What it means that the server is not what the settings say.
pub(super) fn misconfigured(code: &str, why: &str) -> Failure {
    Failure { fault: Fault::Misconfigured, code: code.to_owned(), detail: clean(why) }
}

/// The server's words, fit for a log line.
pub(super) fn clean(text: &str) -> String {
    sanitize::line(text, LONGEST_DETAIL).into_owned()
}

/// `4yz`: later, perhaps.
fn for_now(stage: Stage, code: u16, enhanced: Option<(u8, u16, u16)>) -> Fault {
    let (subject, detail) = enhanced.map_or((0, 0), |(_, subject, detail)| (subject, detail));
    match (code, subject, detail) {
        (421, ..) => Fault::Transient(Transient::Unavailable),
        (_, 7, _) if stage >= Stage::Recipient => {
            Fault::Throttled { retry_after: Some(GREYLIST_WAIT), scope: Scope::Recipient }
        }
        (_, 7, _) if stage == Stage::Mail => Fault::Throttled { retry_after: None, scope: Scope::Channel },
        (_, 3, _) => Fault::Transient(Transient::Unavailable),
        (450..=452, ..) if stage >= Stage::Recipient => Fault::Transient(Transient::Deferred),
        _ => Fault::Transient(Transient::Unavailable),
    }
}

/// `5yz`: never, but whose fault is it?
fn for_good(stage: Stage, code: u16, enhanced: Option<(u8, u16, u16)>) -> Fault {
    if stage < Stage::Recipient || matches!(code, 500 | 502..=504 | 530 | 534 | 535 | 538) {
        return Fault::Misconfigured;
    }
    let (subject, detail) = enhanced.map_or((0, 0), |(_, subject, detail)| (subject, detail));
    match (subject, detail) {
        // Our own address, not theirs.
        (1, 7 | 8) => Fault::Misconfigured,
        (1, 1..=6 | 10) | (2, 1) | (4, 1) => Fault::Permanent(Permanent::RecipientGone),
        (2, 2) => Fault::Transient(Transient::Deferred),
        (2, 3) | (3, 4) | (6, _) => Fault::Permanent(Permanent::Unacceptable),
        (7, _) => Fault::Permanent(Permanent::Refused),
        _ => for_good_by_code(stage, code),
    }
}

fn for_good_by_code(stage: Stage, code: u16) -> Fault {
    match (code, stage) {
        (501 | 550 | 551 | 553 | 556, Stage::Recipient) => Fault::Permanent(Permanent::RecipientGone),
        (552, Stage::Recipient) => Fault::Transient(Transient::Deferred),
        (501 | 552, _) => Fault::Permanent(Permanent::Unacceptable),
        _ => Fault::Permanent(Permanent::Refused),
    }
}

/// The enhanced status code that `text` begins with: class, subject, detail.
fn enhanced_code(text: &str) -> Option<(u8, u16, u16)> {
    let mut parts = text.split_whitespace().next()?.split('.');
    let class = parts.next()?.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?;
    let subject = parts.next()?.parse().ok().filter(|subject| *subject < 1_000)?;
    let detail = parts.next()?.parse().ok().filter(|detail| *detail < 1_000)?;
    parts.next().is_none().then_some((class, subject, detail))
}

#[cfg(test)]
#[path = "smtp_reply_tests.rs"]
mod tests;
