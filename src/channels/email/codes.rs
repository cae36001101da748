//! What a mail server's answers mean: reply code (RFC 5321 §4.2) and enhanced code (RFC 3463).
//!
//! The moment matters as much as the code, so there is a table for each. Before `RCPT` nothing was
//! said about the recipient: a permanent refusal there means the operator's settings, and must not
//! cost anybody their mail. Where a server's enhanced code and reply code are of different classes,
//! the reply code's class counts.

use std::time::Duration;

use crate::channels::codes::{Codes, Meaning, Rule, Status, rule};
use crate::domain::fault::Scope;

/// How long a server that greylists wants to be left alone, at the least.
pub(super) const GREYLIST_WAIT: Duration = Duration::from_secs(300);

const SOURCE: &str = "RFC 5321, RFC 3463, IANA SMTP Enhanced Status Codes";

const GREYLISTED: Meaning = Meaning::Throttle(Scope::Recipient, GREYLIST_WAIT);
const THROTTLED: Meaning = Meaning::Throttle(Scope::Channel, Duration::ZERO);

const CLOSING: Rule = rule(Status::Is(421), "", Meaning::Retry, "the server is closing");
const FOR_NOW: Rule = rule(Status::In(400, 499), "", Meaning::Retry, "the server cannot just now");
/// What answers nothing that was asked.
const OUT_OF_TURN: Rule =
    rule(Status::In(0, 999), "", Meaning::Retry, "neither yes nor no: the server is not well");

const fn never(code: &'static str, meaning: Meaning, why: &'static str) -> Rule {
    rule(Status::In(500, 599), code, meaning, why)
}

/// From `RCPT TO` on, whenever it is said.
const FROM_RECIPIENT: [Rule; 30] = [
    CLOSING,
    rule(Status::In(400, 499), "4.7.*", GREYLISTED, "greylisted, or too much for this recipient"),
    rule(Status::In(400, 499), "4.3.*", Meaning::Retry, "the server is short of something"),
    rule(
        Status::In(450, 452),
        "",
        Meaning::RetryRecipient,
        "the mailbox is busy, full, or its server out of reach",
    ),
    FOR_NOW,
    // Who talks like this does not speak of a recipient.
    rule(Status::Is(500), "", Meaning::ChannelFault, "the command is not understood: is it a mail server?"),
    rule(Status::In(502, 504), "", Meaning::ChannelFault, "the command is not taken: log in, or use TLS"),
    rule(Status::Is(530), "", Meaning::ChannelFault, "a login or TLS comes first: set username, security"),
    rule(Status::In(534, 535), "", Meaning::ChannelFault, "the login is refused: check username, password"),
    rule(Status::Is(538), "", Meaning::ChannelFault, "the login needs TLS: set security"),
    // Our own address, not theirs.
    never("5.1.7", Meaning::ChannelFault, "the sender's address is malformed: check from"),
    never("5.1.8", Meaning::ChannelFault, "the sender's domain takes no mail: check from"),
    // Nobody is reached there.
    never("5.1.1", Meaning::DropTarget, "no such mailbox"),
    never("5.1.2", Meaning::DropTarget, "no such domain"),
    never("5.1.3", Meaning::DropTarget, "the address is malformed"),
    never("5.1.4", Meaning::DropTarget, "the address means more than one mailbox"),
    never("5.1.5", Meaning::DropTarget, "no valid destination"),
    never("5.1.6", Meaning::DropTarget, "the mailbox has moved, nobody says where to"),
    never("5.1.10", Meaning::DropTarget, "the domain takes no mail at all (null MX)"),
    never("5.2.1", Meaning::DropTarget, "the mailbox is disabled"),
    never("5.4.1", Meaning::DropTarget, "the server takes no mail for this recipient"),
    // Full, and read some day.
    never("5.2.2", Meaning::RetryRecipient, "the mailbox is full"),
    // The message.
    never("5.2.3", Meaning::MessageFault, "longer than this mailbox takes"),
    never("5.3.4", Meaning::MessageFault, "larger than the server takes"),
    never("5.6.*", Meaning::MessageFault, "the message is not taken as it is written"),
    // Reputation and policy: somebody has to talk to the other side; the address is in order.
    never("5.7.1", Meaning::Refused, "not allowed: relaying denied, blocked, or taken for spam"),
    never("5.7.23", Meaning::Refused, "SPF says that this server may not send for from"),
    never("5.7.25", Meaning::Refused, "the sending server's address has no name (reverse DNS)"),
    never("5.7.26", Meaning::Refused, "neither SPF nor DKIM vouches for from (DMARC)"),
    never("5.7.*", Meaning::Refused, "refused by policy"),
];

/// Where only a reply code is given, it speaks of what was just said.
const OF_RECIPIENT: [Rule; 8] = [
    rule(Status::Is(501), "", Meaning::DropTarget, "the address is malformed"),
    rule(Status::In(550, 551), "", Meaning::DropTarget, "no such mailbox, or not here"),
    rule(Status::Is(552), "", Meaning::RetryRecipient, "the mailbox is full"),
    rule(Status::Is(553), "", Meaning::DropTarget, "the name of the mailbox is not allowed"),
    rule(Status::Is(554), "", Meaning::Refused, "refused, nobody says why"),
    rule(Status::Is(556), "", Meaning::DropTarget, "the domain takes no mail"),
    rule(Status::In(500, 599), "", Meaning::Refused, "refused"),
    OUT_OF_TURN,
];
const OF_MESSAGE: [Rule; 4] = [
    rule(Status::Is(501), "", Meaning::MessageFault, "the message is not taken as it is written"),
    rule(Status::Is(552), "", Meaning::MessageFault, "the message is too large"),
    rule(Status::In(500, 599), "", Meaning::Refused, "refused: policy, or taken for spam"),
    OUT_OF_TURN,
];

/// The rules of two lists, the first list's first.
const fn both<const N: usize>(first: &[Rule], second: &[Rule]) -> [Rule; N] {
    assert!(first.len() + second.len() == N);
    let mut all = [OUT_OF_TURN; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

/// Answers to `RCPT TO`.
pub(in crate::channels) const SMTP_CODES: Codes =
    Codes { provider: "smtp", source: SOURCE, rules: &both::<38>(&FROM_RECIPIENT, &OF_RECIPIENT) };

/// Answers to `DATA` and to the message. What came back later is read with this table too: a bounce
/// does not say when its 550 was said, and only an enhanced code is plain enough to cost an address.
pub(in crate::channels) const SMTP_DATA_CODES: Codes =
    Codes { provider: "smtp-data", source: SOURCE, rules: &both::<34>(&FROM_RECIPIENT, &OF_MESSAGE) };

/// Answers to `MAIL FROM`.
pub(in crate::channels) const SMTP_MAIL_CODES: Codes = Codes {
    provider: "smtp-mail",
    source: SOURCE,
    rules: &[
        CLOSING,
        rule(Status::In(400, 499), "4.7.*", THROTTLED, "too much from this sender"),
        FOR_NOW,
        never("", Meaning::ChannelFault, "the sender is refused: check from, username and password"),
        OUT_OF_TURN,
    ],
};

/// Answers to everything before: greeting, `EHLO`, `STARTTLS`, `AUTH`.
pub(in crate::channels) const SMTP_LOGIN_CODES: Codes = Codes {
    provider: "smtp-login",
    source: SOURCE,
    rules: &[
        CLOSING,
        FOR_NOW,
        never("", Meaning::ChannelFault, "the server does not want us: check host, security, the login"),
        OUT_OF_TURN,
    ],
};
