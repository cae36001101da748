use super::*;
use crate::channels::codes::Status;
use crate::channels::email::codes::GREYLIST_WAIT;
use crate::domain::fault::{Permanent, Scope};
use Stage::{Answer, Auth, Data, Hello, Mail, Recipient};

const GONE: Fault = Fault::Permanent(Permanent::RecipientGone);
const REFUSED: Fault = Fault::Permanent(Permanent::Refused);
const UNACCEPTABLE: Fault = Fault::Permanent(Permanent::Unacceptable);
const UNAVAILABLE: Fault = Fault::Transient(Transient::Unavailable);
const DEFERRED: Fault = Fault::Transient(Transient::Deferred);
const GREYLISTED: Fault = Fault::Throttled { retry_after: Some(GREYLIST_WAIT), scope: Scope::Recipient };
const THROTTLED: Fault = Fault::Throttled { retry_after: None, scope: Scope::Channel };

const TABLE: &[(Stage, u16, &str, Fault)] = &[
    // Closing, at any stage.
    (Hello, 421, "4.3.2 shutting down", UNAVAILABLE),
    (Mail, 421, "4.7.0 too many connections", UNAVAILABLE),
    (Recipient, 421, "", UNAVAILABLE),
    (Answer, 421, "4.3.0 bye", UNAVAILABLE),
    // Greylisting and limits.
    (Recipient, 450, "4.7.1 greylisted", GREYLISTED),
    (Recipient, 451, "4.7.1 try again in 5 minutes", GREYLISTED),
    (Answer, 451, "4.7.500 server busy", GREYLISTED),
    (Mail, 450, "4.7.1 rate limited", THROTTLED),
    // The recipient's side, for now.
    (Recipient, 450, "4.2.1 mailbox busy", DEFERRED),
    (Recipient, 450, "", DEFERRED),
    (Recipient, 451, "", DEFERRED),
    (Recipient, 452, "4.2.2 over quota", DEFERRED),
    (Recipient, 452, "4.5.3 too many recipients", DEFERRED),
    (Answer, 452, "4.2.2 full", DEFERRED),
    (Answer, 451, "4.4.1 no answer from host", DEFERRED),
    // The provider's side, for now.
    (Recipient, 452, "4.3.1 insufficient storage", UNAVAILABLE),
    (Mail, 451, "local error", UNAVAILABLE),
    (Mail, 452, "4.3.1 insufficient storage", UNAVAILABLE),
    (Data, 451, "4.3.0 queue file write error", UNAVAILABLE),
    (Auth, 454, "4.7.0 temporary authentication failure", UNAVAILABLE),
    (Recipient, 499, "made up", UNAVAILABLE),
    // Nobody there.
    (Recipient, 550, "5.1.1 no such user", GONE),
    (Recipient, 550, "5.1.2 bad domain", GONE),
    (Recipient, 501, "5.1.3 bad address", GONE),
    (Recipient, 550, "5.1.6 moved", GONE),
    (Recipient, 556, "5.1.10 null MX", GONE),
    (Recipient, 550, "5.2.1 disabled", GONE),
    (Recipient, 550, "5.4.1 access denied", GONE),
    (Recipient, 550, "mailbox unavailable", GONE),
    (Recipient, 551, "not local", GONE),
    (Recipient, 553, "name not allowed", GONE),
    (Answer, 550, "5.1.1 no such user", GONE),
    // Full.
    (Recipient, 552, "5.2.2 over quota", DEFERRED),
    (Recipient, 552, "exceeded storage", DEFERRED),
    (Answer, 552, "5.2.2 over quota", DEFERRED),
    // The message.
    (Answer, 552, "5.2.3 too long", UNACCEPTABLE),
    (Answer, 552, "5.3.4 too big", UNACCEPTABLE),
    (Answer, 552, "too big", UNACCEPTABLE),
    (Answer, 554, "5.6.0 malformed", UNACCEPTABLE),
    // Policy.
    (Recipient, 550, "5.7.1 relaying denied", REFUSED),
    (Recipient, 554, "5.7.1 blocked", REFUSED),
    (Answer, 550, "5.7.26 unauthenticated", REFUSED),
    (Answer, 550, "spam", REFUSED),
    (Answer, 554, "5.7.1 spam", REFUSED),
    (Answer, 554, "no", REFUSED),
    (Data, 554, "no valid recipients", REFUSED),
    (Recipient, 599, "made up", REFUSED),
    // The operator.
    (Hello, 554, "no service here", Fault::Misconfigured),
    (Hello, 502, "no EHLO", Fault::Misconfigured),
    (Auth, 535, "5.7.8 bad credentials", Fault::Misconfigured),
    (Auth, 534, "5.7.9 too weak", Fault::Misconfigured),
    (Mail, 530, "5.7.0 log in first", Fault::Misconfigured),
    (Mail, 550, "5.7.1 not your address", Fault::Misconfigured),
    (Mail, 553, "5.1.8 bad sender", Fault::Misconfigured),
    (Recipient, 530, "5.7.0 must issue STARTTLS", Fault::Misconfigured),
    (Recipient, 503, "5.5.1 need AUTH", Fault::Misconfigured),
    (Recipient, 550, "5.1.8 sender domain not found", Fault::Misconfigured),
    // Neither yes nor no.
    (Mail, 354, "what?", UNAVAILABLE),
    (Recipient, 220, "hello again", UNAVAILABLE),
    (Answer, 354, "go ahead", Fault::Unknown),
    (Answer, 220, "hello again", Fault::Unknown),
];

#[test]
fn the_whole_judgement_is_this_table() {
    for (stage, code, text, fault) in TABLE {
        assert_eq!(refused(*stage, *code, text).fault, *fault, "{stage:?} {code} {text}");
    }
}

/// Every line of every table, under each stage that it is for and under the ends of its statuses.
#[test]
fn each_line_of_the_tables_has_its_effect() {
    for stage in Stage::ALL {
        for rule in stage.codes().rules {
            let text = rule.code.replace('*', "99");
            let statuses = match rule.status {
                Status::Is(status) => vec![status],
                Status::In(first, last) => vec![first, last],
                Status::Any => panic!("{rule:?}: an SMTP answer always has a code"),
            };
            for status in statuses {
                let found = stage.codes().find(status, &text);
                let expected = match status {
                    400..=599 => found.meaning.fault(None),
                    _ if stage == Answer => Fault::Unknown,
                    _ => UNAVAILABLE,
                };
                let failure = refused(stage, status, &format!("{text} words"));
                assert_eq!(failure.fault, expected, "{stage:?} {status} {text}");
                assert!(stage.codes().own(status, &text).is_some(), "{stage:?} {status}: HTTP has no say");
            }
        }
    }
}

#[test]
fn the_class_of_the_reply_counts_where_the_two_differ() {
    assert_eq!(refused(Recipient, 550, "4.1.1 no such user").fault, GONE);
    assert_eq!(refused(Recipient, 450, "5.7.1 later").fault, GREYLISTED);
}

#[test]
fn a_refusal_before_the_recipient_is_named_costs_nobody_their_mail() {
    for stage in Stage::ALL.into_iter().filter(|stage| *stage < Recipient) {
        for code in 400..=599 {
            for text in ["", "5.1.1 x", "5.7.1 x", "4.2.2 x", "5.6.0 x"] {
                let fault = refused(stage, code, text).fault;
                assert!(!matches!(fault, Fault::Permanent(_)), "{stage:?} {code} {text}");
            }
        }
    }
}

#[test]
fn a_lost_connection_is_unknown_only_after_the_final_dot() {
    for stage in Stage::ALL {
        let (lost, late) = (lost(stage, "reset").fault, too_late(stage, GREYLIST_WAIT).fault);
        if stage == Answer {
            assert_eq!((lost, late), (Fault::Unknown, Fault::Unknown));
        } else {
            assert_eq!(lost, Fault::Transient(Transient::Unreachable), "{stage:?}");
            assert_eq!(late, Fault::Transient(Transient::Timeout), "{stage:?}");
        }
    }
}

#[test]
fn the_words_are_kept_short_and_clean() {
    let failure = refused(Recipient, 550, &format!("5.1.1 a\r\nb\0c{}", "x".repeat(10_000)));
    assert_eq!(failure.code, "550 5.1.1");
    assert!(failure.detail.starts_with("5.1.1 a b c"));
    assert_eq!(failure.detail.chars().count(), 300);
    for not_enhanced in ["5.1", "9.1.1", "5.1.1.1", "5.x.1", "5.1.12345", ""] {
        assert_eq!(refused(Recipient, 550, not_enhanced).code, "550", "{not_enhanced}");
    }
}
