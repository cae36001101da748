//! What Twilio says of its own accord: how a message fares, and what a person answers.
//!
//! Reports come in any order and more than once. A status has a rank, and a message only ever climbs:
//! `sent` after `delivered` is old news.

use std::fmt;

use super::codes::CODES;
use crate::channels::codes::{Meaning, Rule, Status, rule};
use crate::domain::delivery::Address;
use crate::domain::people::is_phone;

/// How a message fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// Twilio will look for a sender.
    Accepted,
    /// It goes out later.
    Scheduled,
    /// It waits for its sender.
    Queued,
    /// It is on its way to the carrier.
    Sending,
    /// The carrier has it.
    Sent,
    /// Some of its parts arrived.
    PartiallyDelivered,
    /// It arrived.
    Delivered,
    /// It did not arrive.
    Undelivered,
    /// It was never sent.
    Failed,
    /// It was called back before it was sent.
    Canceled,
    /// Somebody read it.
    Read,
}

impl MessageStatus {
    const ALL: [(&'static str, Self); 11] = [
        ("accepted", Self::Accepted),
        ("scheduled", Self::Scheduled),
        ("queued", Self::Queued),
        ("sending", Self::Sending),
        ("sent", Self::Sent),
        ("partially_delivered", Self::PartiallyDelivered),
        ("delivered", Self::Delivered),
        ("undelivered", Self::Undelivered),
        ("failed", Self::Failed),
        ("canceled", Self::Canceled),
        ("read", Self::Read),
    ];

    /// The status of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, status)| status)
    }

    /// Twilio's word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, status)| *status == self).map_or("", |(word, _)| word)
    }

    /// How far the message is. Two ends have the same rank: the first one that is heard of stays.
    pub fn rank(self) -> u8 {
        match self {
            Self::Accepted | Self::Scheduled => 0,
            Self::Queued => 1,
            Self::Sending => 2,
            Self::Sent => 3,
            Self::PartiallyDelivered => 4,
            Self::Delivered | Self::Undelivered | Self::Failed | Self::Canceled => 5,
            Self::Read => 6,
        }
    }

    /// Is this news to somebody who knows `known`?
    pub fn supersedes(self, known: Self) -> bool {
        self.rank() > known.rank() && !known.is_failure()
    }

    /// Did it come to a bad end?
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed)
    }
}

impl fmt::Display for MessageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one call about a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The message: the `provider_id` of its delivery.
    pub message_sid: String,
    /// How it fares.
    pub status: MessageStatus,
    /// Twilio's code, if something is wrong.
    pub error_code: Option<u32>,
}

/// Why a call is none that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// A parameter is not there, or is no such thing.
    #[error("{0} is missing or malformed")]
    Parameter(&'static str),
    /// A status that is not of a message that we sent.
    #[error("MessageStatus is none that is known")]
    Status,
}

/// It came to a bad end, and nobody says why.
const UNEXPLAINED: Rule =
    rule(Status::Any, "", Meaning::RetryRecipient, "it did not arrive, and nobody says why");

impl StatusReport {
    /// Reads the parameters of a call to `StatusCallback`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(form: &[(String, String)]) -> Result<Self, NotUnderstood> {
        let status = value(form, "MessageStatus").or_else(|| value(form, "SmsStatus"));
        let status = MessageStatus::parse(status.unwrap_or_default()).ok_or(NotUnderstood::Status)?;
        let error_code = match value(form, "ErrorCode").filter(|code| !code.is_empty()) {
            Some(code) => Some(code.parse().map_err(|_| NotUnderstood::Parameter("ErrorCode"))?),
            None => None,
        };
        // Zero is what some say for none.
        let error_code = error_code.filter(|code| *code != 0);
        Ok(Self { message_sid: message_sid(form)?, status, error_code })
    }

    /// What is to be done about a bad end, and why it came to it; `None` if all is well.
    pub fn trouble(&self) -> Option<&'static Rule> {
        if !self.status.is_failure() {
            return None;
        }
        let code = self.error_code.map(|code| code.to_string()).unwrap_or_default();
        let known = CODES.rules.iter().find(|rule| rule.code == code);
        Some(known.unwrap_or(&UNEXPLAINED))
    }
}

/// The most characters of a message that are kept.
const LONGEST_BODY: usize = 1_600;

/// What a person sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The message.
    pub message_sid: String,
    /// Who: a phone number. Printed masked.
    pub from: Address,
    /// To which of our numbers. Printed masked.
    pub to: Address,
    /// What, cut.
    pub body: String,
}

impl Inbound {
    /// Reads the parameters of a call about a message that came in.
    ///
    /// # Errors
    /// It is none, or from nobody who can be told anything.
    pub fn read(form: &[(String, String)]) -> Result<Self, NotUnderstood> {
        let from = value(form, "From").filter(|from| is_phone(from));
        let to = value(form, "To").filter(|to| !to.is_empty());
        let body = value(form, "Body").ok_or(NotUnderstood::Parameter("Body"))?;
        Ok(Self {
            message_sid: message_sid(form)?,
            from: from.ok_or(NotUnderstood::Parameter("From"))?.into(),
            to: to.ok_or(NotUnderstood::Parameter("To"))?.into(),
            body: body.chars().take(LONGEST_BODY).collect(),
        })
    }
}

/// Two letters and 32 hexadecimal digits.
pub(super) fn is_message_sid(text: &str) -> bool {
    let digits = text.strip_prefix("SM").or_else(|| text.strip_prefix("MM"));
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn message_sid(form: &[(String, String)]) -> Result<String, NotUnderstood> {
    let sid = value(form, "MessageSid").or_else(|| value(form, "SmsSid"));
    let sid = sid.filter(|sid| is_message_sid(sid)).ok_or(NotUnderstood::Parameter("MessageSid"))?;
    Ok(sid.to_owned())
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SID: &str = "SM0123456789abcdef0123456789abcdef";

    fn form(text: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    fn report(text: &str) -> Result<StatusReport, NotUnderstood> {
        StatusReport::read(&form(text))
    }

    #[test]
    fn a_report_says_which_message_how_it_fares_and_why() {
        let sent =
            report(&format!("MessageSid={SID}&MessageStatus=sent&To=%2B15550111&AccountSid=AC1")).unwrap();
        assert_eq!((sent.status, sent.error_code, sent.trouble()), (MessageStatus::Sent, None, None));
        let failed = report(&format!("SmsSid={SID}&MessageStatus=undelivered&ErrorCode=30005")).unwrap();
        assert_eq!(failed.message_sid, SID);
        assert_eq!(failed.trouble().unwrap().meaning, Meaning::DropTarget);
        for unknown in ["", "&ErrorCode=99999", "&ErrorCode=0", "&ErrorCode="] {
            let report = report(&format!("MessageSid={SID}&MessageStatus=failed{unknown}")).unwrap();
            assert_eq!(report.trouble().unwrap().meaning, Meaning::RetryRecipient, "{unknown}");
        }
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let table = [
            (String::new(), NotUnderstood::Status),
            (format!("MessageSid={SID}&MessageStatus=received"), NotUnderstood::Status),
            ("MessageStatus=sent".to_owned(), NotUnderstood::Parameter("MessageSid")),
            ("MessageSid=../x&MessageStatus=sent".to_owned(), NotUnderstood::Parameter("MessageSid")),
            (
                format!("MessageSid={SID}&MessageStatus=failed&ErrorCode=x"),
                NotUnderstood::Parameter("ErrorCode"),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(report(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_answer_says_who_and_what() {
        let inbound =
            Inbound::read(&form(&format!("MessageSid={SID}&From=%2B15550111&To=%2B15550100&Body=1042a")))
                .unwrap();
        assert_eq!((inbound.from.expose(), inbound.body.as_str()), ("+15550111", "1042a"));
        assert!(!format!("{inbound:?}").contains("15550111"));
        let long = format!("MessageSid={SID}&From=%2B15550111&To=12345&Body={}", "x".repeat(160_000));
        assert_eq!(Inbound::read(&form(&long)).unwrap().body.len(), LONGEST_BODY);
        for wrong in ["From=tel:1&To=1&Body=a", "From=%2B15550111&Body=a", "From=%2B15550111&To=1"] {
            assert!(Inbound::read(&form(&format!("MessageSid={SID}&{wrong}"))).is_err(), "{wrong}");
        }
    }

    fn known(reports: &[MessageStatus]) -> MessageStatus {
        let climb =
            |known: MessageStatus, next: &MessageStatus| if next.supersedes(known) { *next } else { known };
        reports.iter().fold(MessageStatus::Accepted, climb)
    }

    proptest! {
        /// Whatever the order, and however often.
        #[test]
        fn reports_in_any_order_lead_to_the_same_end(seed in any::<u64>(), arrived in any::<bool>()) {
            let end = if arrived { MessageStatus::Delivered } else { MessageStatus::Undelivered };
            let mut reports = vec![MessageStatus::Queued, MessageStatus::Sending, MessageStatus::Sent, end];
            reports.extend_from_within(..);
            fastrand::Rng::with_seed(seed).shuffle(&mut reports);
            prop_assert_eq!(known(&reports), end);
        }

        #[test]
        fn no_form_is_too_odd(
            form in prop::collection::vec(any::<(String, String)>(), 0..6),
            name in "MessageSid|MessageStatus|From|Body",
            value in any::<String>(),
        ) {
            let form = [form, vec![(name, value)]].concat();
            let _ = StatusReport::read(&form);
            let _ = Inbound::read(&form);
        }
    }
}
