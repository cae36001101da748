//! What Twilio calls back with: receipts, and what people answer.

use url::form_urlencoded;

use super::Twilio;
use super::callback::{Inbound, MessageStatus, StatusReport};
use super::signature::Signed;
use crate::channels::callback::{Answer, Callback, News, NotHeard};
use crate::domain::ids::DeliveryId;
use crate::domain::receipt::ReceiptKind;

impl Twilio {
    /// Reads a callback that Twilio signed.
    pub(super) fn heard(&self, callback: &Callback<'_>) -> Result<Vec<News>, NotHeard> {
        let form: Vec<(String, String)> = form_urlencoded::parse(callback.body).into_owned().collect();
        let signature = callback.headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
        let signed = signature
            .is_some_and(|signature| self.tokens.signed(callback.url, Signed::Form(&form), signature));
        if !signed {
            return Err(NotHeard::NotTheirs);
        }
        // A message that came in has a status too, and a text besides.
        if form.iter().any(|(name, _)| name == "Body") {
            let said = Inbound::read(&form).map_err(|why| NotHeard::NotUnderstood(why.to_string()))?;
            return Ok(vec![News::Said { from: said.from, text: said.body }]);
        }
        let report = StatusReport::read(&form).map_err(|why| NotHeard::NotUnderstood(why.to_string()))?;
        let Some(delivery) = delivery(callback.url) else {
            return Err(NotHeard::NotUnderstood("the address names no delivery".to_owned()));
        };
        Ok(receipt(delivery, &report).into_iter().collect())
    }
}

/// Which delivery the address was made for.
fn delivery(url: &str) -> Option<DeliveryId> {
    let (_, query) = url.split_once('?')?;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "delivery")?.1.parse().ok()
}

/// The final word, if this is one: what is on its way is no news.
fn receipt(delivery: DeliveryId, report: &StatusReport) -> Option<News> {
    let trouble = report.trouble();
    let kind = match report.status {
        MessageStatus::Delivered | MessageStatus::Read => ReceiptKind::Delivered,
        _ if trouble.is_some() => ReceiptKind::Undelivered,
        _ => return None,
    };
    Some(News::Receipt {
        delivery,
        kind,
        fault: trouble.map(|rule| rule.meaning.fault(None)),
        code: report.error_code.map(|code| code.to_string()).unwrap_or_default(),
        detail: trouble.map(|rule| rule.why.to_owned()).unwrap_or_default(),
        about: Vec::new(),
    })
}

/// TwiML: with words, a message back to whoever wrote.
pub(super) fn twiml(words: Option<&str>) -> Answer {
    let message = words.map_or_else(String::new, |words| format!("<Message>{}</Message>", escaped(words)));
    Answer {
        content_type: "text/xml; charset=utf-8",
        body: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{message}</Response>"),
    }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
