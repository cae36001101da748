//! The bytes of a mail (RFC 5322, MIME).
//!
//! Written here rather than by lettre's builder, which panics on or passes through what an event
//! can hold, and costs more than the rest of a mail together. Only header names of this file are
//! ever written; values are clean lines; bodies are quoted-printable, so that a line is never
//! longer than 76 bytes, never begins with a dot, and never ends but by CRLF.

use std::fmt::{Arguments, Write as _};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::Address;
use lettre::message::Mailbox;

use crate::domain::delivery::Job;
use crate::domain::notification::{Content, IncidentFacts};
use crate::domain::severity::Severity;
use crate::render::email::EmailText;
use crate::render::sanitize;

/// Separates the alternatives. "=_" is in no quoted-printable text, so no body can hold it.
const BOUNDARY: &str = "=_foghorn";

/// Longest line of an encoded header or body, as RFC 2045 and 2047 have it.
const LINE: usize = 76;

/// Says that no person wrote it, so that no machine answers.
pub(super) const AUTOMATIC: [(&str, &str); 2] =
    [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];

/// What is the same in every mail of a channel.
#[derive(Debug)]
pub(super) struct Envelope {
    /// `From` to `MIME-Version`, ready to be copied.
    constant: String,
    /// Right side of message ids and list ids.
    host: String,
}

impl Envelope {
    pub(super) fn new(from: &Mailbox, reply_to: Option<&Mailbox>) -> Self {
        let mut constant = format!("From: {}\r\n", mailbox(from));
        if let Some(reply_to) = reply_to {
            let _ = write!(constant, "Reply-To: {}\r\n", mailbox(reply_to));
        }
        for (name, value) in AUTOMATIC {
            let _ = write!(constant, "{name}: {value}\r\n");
        }
        constant.push_str("MIME-Version: 1.0\r\n");
        Self { constant, host: from.email.domain().to_ascii_lowercase() }
    }

    /// The message of `job`, without the CRLF that comes before the final dot.
    pub(super) fn message(&self, job: &Job, to: &Address, mail: &EmailText, now: Timestamp) -> String {
        let bodies = mail.text.len() + mail.html.len();
        let mut out = String::with_capacity(1_024 + bodies + bodies / 4);
        out.push_str(&self.constant);
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "To: <{to}>\r\nSubject: ");
        push_encoded(&mut out, &mail.subject, "Subject: ".len());
        out.push_str("\r\n");
        let date = now.to_zoned(TimeZone::UTC);
        let _ = write!(out, "Date: {}\r\n", date.strftime("%a, %d %b %Y %H:%M:%S +0000"));
        self.each_header(job, |name, value| {
            let _ = write!(out, "{name}: {value}\r\n");
        });
        let _ = write!(
            out,
            "Content-Type: multipart/alternative; boundary=\"{BOUNDARY}\"\r\n\r\n--{BOUNDARY}\r\n"
        );
        push_part(&mut out, "plain", &mail.text);
        let _ = write!(out, "\r\n--{BOUNDARY}\r\n");
        push_part(&mut out, "html", &mail.html);
        let _ = write!(out, "\r\n--{BOUNDARY}--");
        out
    }

    /// What ties a mail to its delivery and to the other mails of its incident, whoever carries it.
    pub(super) fn each_header(&self, job: &Job, mut put: impl FnMut(&'static str, Arguments<'_>)) {
        let host = &self.host;
        put("Message-ID", format_args!("<{}@{host}>", job.id));
        if let Content::Incident(facts) = &*job.content {
            self.each_of_incident(facts, put);
        }
    }

    fn each_of_incident(&self, facts: &IncidentFacts, mut put: impl FnMut(&'static str, Arguments<'_>)) {
        let host = &self.host;
        // Nobody ever sent this message: a thread whose root is the incident cannot lose its root.
        let root = format!("<{}@{host}>", facts.id);
        put("In-Reply-To", format_args!("{root}"));
        put("References", format_args!("{root}"));
        if facts.kind.calls_for_action() && facts.severity <= Severity::High {
            put("Importance", format_args!("high"));
        }
        if let Some(policy) = &facts.policy {
            let label = dns_label(policy.as_str());
            put("List-Id", format_args!("Foghorn {label} <{label}.{host}>"));
        }
        put("X-Foghorn-Incident", format_args!("{}", facts.number));
        put("X-Foghorn-Severity", format_args!("{}", facts.severity));
        put("X-Foghorn-Status", format_args!("{}", facts.status));
    }
}

fn push_part(out: &mut String, subtype: &str, text: &str) {
    let _ = write!(
        out,
        "Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    );
    push_quoted_printable(out, text);
}

/// `text` as quoted-printable. `\n` ends a line; every other byte outside of printable ASCII is
/// escaped, and so are dots and blanks where a careless server would change them.
fn push_quoted_printable(out: &mut String, text: &str) {
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str("\r\n");
        }
        push_quoted_line(out, line);
    }
}

/// In runs of what needs no escape: a mail is 2 KiB of it, and every mail goes through here.
fn push_quoted_line(out: &mut String, line: &str) {
    let bytes = line.as_bytes();
    let (mut at, mut column) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        // The last place of a line belongs to the "=" that says it goes on.
        let room = LINE - 1 - column;
        let run = if column == 0 && *byte == b'.' { 0 } else { run_of_literals(rest) };
        if run > 0 && room > 0 {
            let run = run.min(room);
            out.push_str(&line[at..at + run]);
            (at, column) = (at + run, column + run);
        } else if run > 0 || room < 3 {
            out.push_str("=\r\n");
            column = 0;
        } else {
            push_escaped(out, *byte);
            (at, column) = (at + 1, column + 3);
        }
    }
}

/// How many bytes at the start of `rest` stand for themselves. The blank that ends a line does not.
fn run_of_literals(rest: &[u8]) -> usize {
    let is_literal = |byte: &u8| matches!(byte, b' '..=b'<' | b'>'..=b'~' | b'\t');
    let run = rest.iter().take(LINE).take_while(|byte| is_literal(byte)).count();
    let ends_blank = run == rest.len() && matches!(rest.last(), Some(b' ' | b'\t'));
    run - usize::from(ends_blank)
}

fn push_escaped(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('=');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// `text` as the value of a header that begins at `column`: as it is if it is short and plain,
/// otherwise as encoded words (RFC 2047), each of whole characters.
fn push_encoded(out: &mut String, text: &str, column: usize) {
    const OPEN: &str = "=?utf-8?Q?";
    const CLOSE: &str = "?=";
    let text = sanitize::line(text, sanitize::SUBJECT);
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_plain && push_folded(out, &text, column) {
        return;
    }
    let mut column = column + OPEN.len();
    out.push_str(OPEN);
    for character in text.chars() {
        let literal = character.is_ascii_alphanumeric();
        let width = if literal || character == ' ' { 1 } else { 3 * character.len_utf8() };
        if column + width + CLOSE.len() > LINE {
            let _ = write!(out, "{CLOSE}\r\n {OPEN}");
            column = 1 + OPEN.len();
        }
        column += width;
        match character {
            ' ' => out.push('_'),
            _ if literal => out.push(character),
            _ => {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    push_escaped(out, byte);
                }
            }
        }
    }
    out.push_str(CLOSE);
}

/// Folds plain text at its blanks; false, with nothing written, if a word is too long for a line.
fn push_folded(out: &mut String, text: &str, mut column: usize) -> bool {
    if text.split(' ').any(|word| word.len() + column.min(10) > LINE) {
        return false;
    }
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            if column + 1 + word.len() > LINE {
                out.push_str("\r\n");
                column = 0;
            }
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    true
}

/// `Foghorn <foghorn@example.com>`, whatever the display name is made of.
fn mailbox(mailbox: &Mailbox) -> String {
    let name = mailbox.name.as_deref().map(|name| sanitize::line(name, 100));
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return format!("<{}>", mailbox.email);
    };
    let mut out = String::new();
    if name.is_ascii() {
        out.push('"');
        for character in name.chars() {
            if matches!(character, '"' | '\\') {
                out.push('\\');
            }
            out.push(character);
        }
        out.push('"');
    } else {
        push_encoded(&mut out, &name, "Reply-To: ".len());
    }
    let _ = write!(out, " <{}>", mailbox.email);
    out
}

/// `name` as one label of a host name.
fn dns_label(name: &str) -> String {
    let label: String = name
        .chars()
        .take(63)
        .map(|character| match character {
            letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
            _ => '-',
        })
        .collect();
    let label = label.trim_matches('-');
    if label.is_empty() { "policy".to_owned() } else { label.to_owned() }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
