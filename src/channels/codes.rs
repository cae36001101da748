//! What the answers of providers mean: one table for each provider, as data.
//!
//! A table is read from the top; the first rule that fits decides, and what no rule of a provider
//! names falls through to what HTTP says itself. `foghorn codes` prints the tables, the tests walk
//! them, and a channel does nothing but look up: there is no second opinion in any of them.

use std::fmt;
use std::time::Duration;

use super::http::{Answer, failure};
use crate::domain::fault::{Failure, Fault, Permanent, Scope, Transient};

/// What is to be done about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The provider is unwell: again, later.
    Retry,
    /// The recipient's side is unwell: again, later; says nothing about the channel.
    RetryRecipient,
    /// Too much at once: wait, for this long at the least. Costs no attempt.
    Throttle(Scope, Duration),
    /// There is no such recipient: never again to this address.
    DropTarget,
    /// The address is not for us: set aside until somebody has looked.
    QuarantineTarget,
    /// The person said stop.
    OptOut,
    /// The operator's settings or credential: the channel waits, nothing is lost.
    ChannelFault,
    /// A credential that has run out: renewed once, and the attempt repeated.
    RenewCredential,
    /// This message will never be taken.
    MessageFault,
    /// The provider will not, for reasons of its own.
    Refused,
    /// Nobody knows whether it was taken.
    Unknown,
}

impl Meaning {
    /// The fault that this is, if the provider wishes to be left alone for `wish`.
    ///
    /// A wish is heard from whoever is unwell too: they know best.
    pub fn fault(self, wish: Option<Duration>) -> Fault {
        match self {
            Self::Retry => match wish {
                Some(_) => Fault::Throttled { retry_after: wish, scope: Scope::Channel },
                None => Fault::Transient(Transient::Unavailable),
            },
            Self::RetryRecipient => Fault::Transient(Transient::Deferred),
            Self::Throttle(scope, floor) => {
                let floor = Some(floor).filter(|floor| !floor.is_zero());
                Fault::Throttled { retry_after: wish.max(floor), scope }
            }
            Self::DropTarget => Fault::Permanent(Permanent::RecipientGone),
            Self::QuarantineTarget => Fault::Permanent(Permanent::RecipientSuspect),
            Self::OptOut => Fault::Permanent(Permanent::OptedOut),
            // What is still refused after it was renewed is the operator's.
            Self::ChannelFault | Self::RenewCredential => Fault::Misconfigured,
            Self::MessageFault => Fault::Permanent(Permanent::Unacceptable),
            Self::Refused => Fault::Permanent(Permanent::Refused),
            Self::Unknown => Fault::Unknown,
        }
    }
}

impl Meaning {
    /// What Foghorn does about it, as a sentence for people.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Retry => "Tried again later; five such answers in a row hold the channel.",
            Self::RetryRecipient => "Tried again later; the channel goes on for everybody else.",
            Self::Throttle(Scope::Channel, _) => "Everything on this channel waits; no attempt is used up.",
            Self::Throttle(Scope::Recipient, _) => {
                "This recipient waits, nobody else; no attempt is used up."
            }
            Self::DropTarget => {
                "A dead letter at once, and the address is marked as gone: nothing more goes to a device, \
                 and nothing to a mailbox or number that was gone three times in a row."
            }
            Self::QuarantineTarget => {
                "A dead letter at once, and the address is set aside: foghorn suppression lift takes it back."
            }
            Self::OptOut => "A dead letter at once, and nothing more goes there until the person says so.",
            Self::ChannelFault => {
                "The channel is held until it is mended: nothing is lost, no attempt used up."
            }
            Self::RenewCredential => {
                "The credential is renewed and the attempt repeated, once; refused again, the channel is held."
            }
            Self::MessageFault => "A dead letter at once: it would be refused each time.",
            Self::Refused => "A dead letter at once; nothing is held against the address.",
            Self::Unknown => {
                "It may have been sent: tried again, or a dead letter where the channel says on_unknown = \"hold\"."
            }
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Retry => "retry",
            Self::RetryRecipient => "retry, recipient only",
            Self::Throttle(scope, floor) => {
                let who = match scope {
                    Scope::Channel => "channel",
                    Scope::Recipient => "recipient",
                };
                return match floor.is_zero() {
                    true => f.pad(&format!("throttle {who}")),
                    false => f.pad(&format!("throttle {who}, {}", humantime::format_duration(*floor))),
                };
            }
            Self::DropTarget => "drop target",
            Self::QuarantineTarget => "quarantine target",
            Self::OptOut => "opt out",
            Self::ChannelFault => "hold channel",
            Self::RenewCredential => "renew credential",
            Self::MessageFault => "message fault",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        };
        f.pad(words)
    }
}

/// Which statuses a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// This one.
    Is(u16),
    /// From the first to the last.
    In(u16, u16),
    /// Whichever.
    Any,
}

impl Status {
    /// Is it about this one?
    pub fn fits(self, status: u16) -> bool {
        match self {
            Self::Is(known) => known == status,
            Self::In(first, last) => (first..=last).contains(&status),
            Self::Any => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(status) => f.pad(&status.to_string()),
            Self::In(first, last) => f.pad(&format!("{first}-{last}")),
            Self::Any => f.pad("any"),
        }
    }
}

/// One line of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The status it is about.
    pub status: Status,
    /// The provider's own code or reason; empty for any, with a star at its end for all that begin so.
    pub code: &'static str,
    /// What is to be done.
    pub meaning: Meaning,
    /// What happened and what helps, for people.
    pub why: &'static str,
}

impl Rule {
    /// Does it name this code, rather than taking any?
    pub fn names(&self, code: &str) -> bool {
        match self.code.strip_suffix('*') {
            Some(start) => code.starts_with(start),
            None => !self.code.is_empty() && self.code == code,
        }
    }
}

/// A rule; tables are made of these, one line each.
pub(super) const fn rule(status: Status, code: &'static str, meaning: Meaning, why: &'static str) -> Rule {
    Rule { status, code, meaning, why }
}

/// The rule of a provider's own code, whatever the status.
pub(super) const fn code(code: &'static str, meaning: Meaning, why: &'static str) -> Rule {
    rule(Status::Any, code, meaning, why)
}

/// The table of one provider.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    /// `provider = "…"`
    pub provider: &'static str,
    /// Where the table comes from.
    pub source: &'static str,
    /// First fit first.
    pub rules: &'static [Rule],
}

impl Codes {
    /// The rule for a status and the provider's own code.
    pub fn find(&self, status: u16, code: &str) -> &'static Rule {
        self.own(status, code).or_else(|| HTTP.own(status, code)).unwrap_or(&NO_ANSWER)
    }

    /// The same, if this table has one.
    pub fn own(&self, status: u16, code: &str) -> Option<&'static Rule> {
        let fits = |rule: &&Rule| rule.status.fits(status) && (rule.code.is_empty() || rule.names(code));
        self.rules.iter().find(fits)
    }

    /// What an answer that says no means. `code` is the provider's own, empty if there is none;
    /// `words` are for people.
    pub(super) fn judge(&self, answer: &Answer, code: &str, words: &str) -> Failure {
        let rule = self.find(answer.status, code);
        let told = format!("{} {code}", answer.status);
        let words = if words.is_empty() { rule.why } else { words };
        failure(rule.meaning.fault(answer.retry_after), told.trim_end(), words)
    }
}

/// What HTTP says itself (RFC 9110 §15, RFC 6585 §4), for all that a provider does not name.
pub const HTTP: Codes = Codes {
    provider: "http",
    source: "RFC 9110, RFC 6585",
    rules: &[
        rule(
            Status::In(300, 399),
            "",
            Meaning::Refused,
            "a redirect, which is not followed: put the new address in",
        ),
        rule(Status::In(401, 403), "", Meaning::ChannelFault, "the credential is refused: check it"),
        rule(Status::Is(404), "", Meaning::Refused, "there is nothing at this address"),
        rule(Status::Is(407), "", Meaning::ChannelFault, "a proxy asks for a login"),
        rule(Status::Is(408), "", Meaning::Retry, "the provider waited in vain for the request"),
        rule(Status::Is(410), "", Meaning::DropTarget, "gone, for good"),
        rule(Status::In(413, 414), "", Meaning::MessageFault, "the message is too large"),
        rule(Status::Is(425), "", Meaning::Retry, "too early"),
        rule(
            Status::Is(429),
            "",
            Meaning::Throttle(Scope::Channel, Duration::ZERO),
            "too many requests: they go out more slowly",
        ),
        rule(Status::Is(431), "", Meaning::MessageFault, "the message's headers are too large"),
        rule(Status::In(400, 499), "", Meaning::MessageFault, "the message is not taken as it is"),
        rule(Status::In(500, 599), "", Meaning::Retry, "the provider is unwell"),
    ],
};

/// Neither yes nor no nor any status there is.
const NO_ANSWER: Rule = rule(Status::Any, "", Meaning::Unknown, "the answer says neither yes nor no");

/// Every table there is.
pub const CODES: &[&Codes] = &[
    &super::sms::twilio::CODES,
    &super::sms::GATEWAY_CODES,
    &super::ios::CODES,
    &super::android::CODES,
    &super::android::ACCESS_CODES,
    &super::webhook::CODES,
    &super::slack::WEBHOOK_CODES,
    &super::slack::API_CODES,
    &super::chat::TEAMS_CODES,
    &super::chat::DISCORD_CODES,
    &super::chat::MATTERMOST_CODES,
    &super::chat::TEMPLATE_CODES,
    &super::email::SMTP_CODES,
    &super::email::SMTP_DATA_CODES,
    &super::email::SMTP_MAIL_CODES,
    &super::email::SMTP_LOGIN_CODES,
    &super::email::POSTMARK_CODES,
    &super::email::SENDGRID_CODES,
    &HTTP,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_hides_behind_an_earlier_one() {
        for codes in CODES {
            for (place, rule) in codes.rules.iter().enumerate() {
                let status = match rule.status {
                    Status::Is(status) => status,
                    // The last one is hidden only if all of them are.
                    Status::In(_, last) => last,
                    Status::Any => 599,
                };
                let found = codes.find(status, rule.code);
                assert!(
                    std::ptr::eq(found, &codes.rules[place]),
                    "{} {} {}: found {found:?}",
                    codes.provider,
                    rule.status,
                    rule.code
                );
            }
        }
    }

    #[test]
    fn http_says_what_providers_do_not() {
        let say = |status| HTTP.find(status, "").meaning;
        assert_eq!(say(302), Meaning::Refused);
        assert_eq!(say(402), Meaning::ChannelFault);
        assert_eq!(say(422), Meaning::MessageFault);
        assert_eq!(say(503), Meaning::Retry);
        assert_eq!(say(999), Meaning::Unknown);
    }

    #[test]
    fn a_wish_to_wait_is_heard_and_a_floor_is_kept() {
        let second = Duration::from_secs;
        let throttled =
            |wait: Option<Duration>| Fault::Throttled { retry_after: wait, scope: Scope::Channel };
        let floor = Meaning::Throttle(Scope::Channel, second(60));
        assert_eq!(floor.fault(Some(second(5))), throttled(Some(second(60))));
        assert_eq!(floor.fault(Some(second(90))), throttled(Some(second(90))));
        assert_eq!(Meaning::Throttle(Scope::Channel, Duration::ZERO).fault(None), throttled(None));
        assert_eq!(Meaning::Retry.fault(Some(second(3))), throttled(Some(second(3))));
        assert_eq!(Meaning::Retry.fault(None), Fault::Transient(Transient::Unavailable));
    }
}
