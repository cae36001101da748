//! What a report about a mail says (RFC 3464): which delivery it is about, and what became of it.
//!
//! - **Which:** Foghorn gives every mail the id of its delivery, as `Message-ID` and, where the server
//!   takes one, as envelope id. Reports repeat the envelope id, hold the mail or its headers, or answer
//!   it as any mail does (`In-Reply-To`, `References`).
//! - **What:** the first recipient that failed decides; our mails have one. What is delayed is on its
//!   way and no news.
//! - **Why:** the enhanced code, read with the table of SMTP ([`super::super::codes`]).

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use crate::channels::callback::{News, NotHeard};
use crate::channels::email::codes::SMTP_DATA_CODES;
use crate::channels::email::smtp_reply::{clean, enhanced_code, of_class};
use crate::domain::delivery::Address;
use crate::domain::ids::DeliveryId;
use crate::domain::receipt::ReceiptKind;

/// Parts of a mail, at the most. Each that holds others begins with a header of this name, and
/// thousands within each other would take the stack with them.
const MOST_PARTS: usize = 128;
const PART: &[u8] = b"content-type";

type Enhanced = (u8, u16, u16);

/// What `mail` says; nothing if the mail that it is about is still on its way.
pub(super) fn read(mail: &[u8]) -> Result<Option<News>, NotHeard> {
    let not = |why: &str| NotHeard::NotUnderstood(why.to_owned());
    let parts = mail.windows(PART.len()).filter(|window| window.eq_ignore_ascii_case(PART)).count();
    if parts > MOST_PARTS {
        return Err(not("a report does not have so many parts"));
    }
    let mail = parser().parse(mail).ok_or_else(|| not("the body is no mail"))?;
    let status = mail.parts.iter().find(|part| {
        part.is_content_type("message", "delivery-status")
            || part.is_content_type("message", "global-delivery-status")
    });
    let status = status.ok_or_else(|| {
        not("this mail is no report about another one: it has no part of type message/delivery-status")
    })?;
    let status = String::from_utf8_lossy(status.contents()).replace("\r\n", "\n");
    let groups: Vec<Group> = status.split("\n\n").filter_map(Group::read).collect();
    let delivery = groups.iter().find_map(|group| delivery(group.envelope.as_deref()?));
    let delivery = delivery.or_else(|| named_by(&mail));
    let delivery = delivery.ok_or_else(|| not("the report is about no mail of this Foghorn"))?;
    let said = |action| groups.iter().find(move |group| group.action == Some(action));
    if let Some(failed) = said(Action::Failed) {
        return Ok(Some(failed.bounced(delivery)));
    }
    if let Some(delivered) = said(Action::Delivered) {
        return Ok(Some(delivered.arrived(delivery)));
    }
    match said(Action::OnItsWay) {
        Some(_) => Ok(None),
        None => Err(not("the report does not say what became of the mail: no field Action is known")),
    }
}

fn parser() -> MessageParser {
    MessageParser::new().with_mime_headers().with_message_ids()
}

/// The delivery that the mail in the report, or else the report itself, names.
fn named_by(report: &Message<'_>) -> Option<DeliveryId> {
    let returned = report.parts.iter().find_map(|part| match &part.body {
        PartType::Message(message) => delivery(message.message_id()?),
        _ if part.is_content_type("text", "rfc822-headers")
            || part.is_content_type("message", "rfc822")
            || part.is_content_type("message", "global-headers") =>
        {
            delivery(parser().parse_headers(part.contents())?.message_id()?)
        }
        _ => None,
    });
    returned.or_else(|| named_in(report.in_reply_to())).or_else(|| named_in(report.references()))
}

fn named_in(ids: &HeaderValue<'_>) -> Option<DeliveryId> {
    match ids {
        HeaderValue::Text(id) => delivery(id),
        HeaderValue::TextList(ids) => ids.iter().rev().find_map(|id| delivery(id)),
        _ => None,
    }
}

/// `del_01J9…@example.com`, with or without what stands around it.
fn delivery(id: &str) -> Option<DeliveryId> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    id.split('@').next()?.parse().ok()
}

/// What became of the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Failed,
    Delivered,
    /// Delayed, relayed or expanded.
    OnItsWay,
}

/// One paragraph of the status: of the whole mail, or of one recipient.
struct Group {
    envelope: Option<String>,
    action: Option<Action>,
    status: Option<Enhanced>,
    /// What a mail server answered: its code, and its words.
    answer: Option<(u16, String)>,
    diagnostic: String,
    recipients: Vec<Address>,
}

impl Group {
    fn read(text: &str) -> Option<Self> {
        let bytes = format!("{}\n\n", text.trim_start());
        let fields = MessageParser::new().parse_headers(bytes.as_bytes())?;
        let field = |name: &'static str| {
            let words: Vec<&str> = fields.header_raw(name)?.split_whitespace().collect();
            Some(words.join(" ")).filter(|value| !value.is_empty())
        };
        // "rfc822; ada@example.com", "smtp; 550 no"
        let typed = |name| {
            let value = field(name)?;
            let (kind, value) = value.split_once(';')?;
            Some((kind.trim().to_ascii_lowercase(), value.trim().to_owned()))
        };
        let action = field("Action").and_then(|action| match action.to_ascii_lowercase().as_str() {
            "failed" => Some(Action::Failed),
            "delivered" => Some(Action::Delivered),
            "delayed" | "relayed" | "expanded" => Some(Action::OnItsWay),
            _ => None,
        });
        let (kind, diagnostic) = typed("Diagnostic-Code").unwrap_or_default();
        let recipients = [typed("Final-Recipient"), typed("Original-Recipient")];
        Some(Self {
            envelope: field("Original-Envelope-Id"),
            action,
            status: field("Status").as_deref().and_then(enhanced_code),
            answer: (kind == "smtp").then(|| reply(&diagnostic)).flatten(),
            diagnostic,
            recipients: recipients
                .into_iter()
                .flatten()
                .map(|(_, address)| address.as_str().into())
                .collect(),
        })
    }

    fn arrived(&self, delivery: DeliveryId) -> News {
        let (kind, fault, code) = (ReceiptKind::Delivered, None, String::new());
        News::Receipt { delivery, kind, fault, code, detail: clean(&self.diagnostic), about: self.about() }
    }

    fn bounced(&self, delivery: DeliveryId) -> News {
        let (reply, words) = self.answer.clone().unwrap_or_default();
        // x.0.0 says nothing; whoever writes it may repeat a server who says more.
        let plain = self.status.filter(|(_, subject, detail)| (*subject, *detail) != (0, 0));
        let enhanced = plain.or_else(|| enhanced_code(&words)).or(self.status);
        let class = enhanced.map_or(reply / 100, |(class, ..)| u16::from(class));
        let status = match class {
            _ if reply / 100 == class && matches!(class, 4 | 5) => reply,
            4 => 450,
            _ => 554,
        };
        let rule = SMTP_DATA_CODES.find(status, &of_class(status, enhanced));
        let told = enhanced.map(|(class, subject, detail)| format!("{class}.{subject}.{detail}"));
        let code = match (self.answer.is_some(), told) {
            (true, Some(told)) => format!("{reply} {told}"),
            (true, None) => reply.to_string(),
            (false, told) => told.unwrap_or_default(),
        };
        let detail = if self.diagnostic.is_empty() { rule.why } else { &self.diagnostic };
        News::Receipt {
            delivery,
            kind: ReceiptKind::Bounced,
            fault: Some(rule.meaning.fault(None)),
            code,
            detail: clean(detail),
            about: self.about(),
        }
    }

    fn about(&self) -> Vec<Address> {
        self.recipients.clone()
    }
}

/// `550-5.1.1 no such user`: the code, and what stands behind it.
fn reply(diagnostic: &str) -> Option<(u16, String)> {
    let (code, words) = diagnostic.split_at_checked(3)?;
    let code = code.parse().ok().filter(|code| (400..=599).contains(code))?;
    Some((code, words.trim_start_matches(['-', ' ', '#']).to_owned()))
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
