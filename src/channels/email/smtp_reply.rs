//! From a mail server's answer to a [`crate::domain::fault::Fault`]: which table of [`super::codes`] the stage of the conversation
//! calls for, and what silence means.
//!
//! After the final dot the server may have the message: no answer there means that nobody knows.

use std::time::Duration;

use super::codes::{SMTP_CODES, SMTP_DATA_CODES, SMTP_LOGIN_CODES, SMTP_MAIL_CODES};
use crate::channels::LONGEST_DETAIL;
use crate::channels::codes::Codes;
use crate::domain::fault::{Failure, Fault, Transient};
use crate::render::sanitize;

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

    /// What an answer means here.
    fn codes(self) -> &'static Codes {
        match self {
            Self::Connect | Self::Hello | Self::Auth => &SMTP_LOGIN_CODES,
            Self::Mail => &SMTP_MAIL_CODES,
            Self::Recipient => &SMTP_CODES,
            Self::Data | Self::Message | Self::Answer => &SMTP_DATA_CODES,
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
        400..=599 => stage.codes().find(code, &of_class(code, enhanced)).meaning.fault(None),
        // After the final dot, neither yes nor no proves nothing either way.
        _ if stage == Stage::Answer => Fault::Unknown,
        _ => stage.codes().find(code, "").meaning.fault(None),
    };
    let code = match enhanced {
        Some((class, subject, detail)) => format!("{code} {class}.{subject}.{detail}"),
        None => code.to_string(),
    };
    Failure { fault, code, detail: clean(text) }
}

/// The enhanced code as the tables have it: of the class of the reply code, whatever the server says.
pub(super) fn of_class(code: u16, enhanced: Option<(u8, u16, u16)>) -> String {
    enhanced.map_or_else(String::new, |(_, subject, detail)| format!("{}.{subject}.{detail}", code / 100))
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

/// The enhanced status code that `text` begins with: class, subject, detail.
pub(super) fn enhanced_code(text: &str) -> Option<(u8, u16, u16)> {
    let mut parts = text.split_whitespace().next()?.split('.');
    let class = parts.next()?.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?;
    let subject = parts.next()?.parse().ok().filter(|subject| *subject < 1_000)?;
    let detail = parts.next()?.parse().ok().filter(|detail| *detail < 1_000)?;
    parts.next().is_none().then_some((class, subject, detail))
}

#[cfg(test)]
#[path = "smtp_reply_tests.rs"]
mod tests;
