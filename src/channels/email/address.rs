//! Addresses as recipients: stricter than the grammar, which knows groups, routes and comments.

use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::{Extension, MailParameter};

use crate::domain::fault::{Failure, Fault, Permanent};

/// An address that names one mailbox and nothing else.
pub(super) fn parse(text: &str) -> Result<Address, Failure> {
    let is_clean = text.len() <= 254
        && !text.chars().any(|character| {
            character.is_control() || character.is_whitespace() || "<>,;\"\\".contains(character)
        });
    let ascii = text.rsplit_once('@').filter(|_| is_clean).and_then(|(user, domain)| {
        if domain.is_ascii() {
            return text.parse().ok();
        }
        let domain = url::Host::parse(domain).ok()?.to_string();
        format!("{user}@{domain}").parse().ok()
    });
    ascii.ok_or_else(|| Failure {
        fault: Fault::Permanent(Permanent::RecipientGone),
        code: "address".to_owned(),
        detail: "not an address that mail can be sent to".to_owned(),
    })
}

/// SMTPUTF8 where the recipient's name needs it.
pub(super) fn mail_parameters(
    connection: &AsyncSmtpConnection,
    to: &Address,
) -> Result<Vec<MailParameter>, Failure> {
    if AsRef::<str>::as_ref(to).is_ascii() {
        return Ok(Vec::new());
    }
    if connection.server_info().supports_feature(Extension::SmtpUtfEight) {
        return Ok(vec![MailParameter::SmtpUtfEight]);
    }
    Err(Failure {
        fault: Fault::Permanent(Permanent::RecipientGone),
        code: "smtputf8".to_owned(),
        detail: "the server takes no addresses outside of ASCII".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_mailbox() {
        for good in
            ["ada@example.com", "a+b@example.com", "-oQ@example.com", "a@bücher.example", "é@example.com"]
        {
            assert!(parse(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(320));
        for bad in [
            "",
            "ada",
            "@example.com",
            "a@b.com,x@y.com",
            "a@b.com x",
            "a@b.com ",
            "a@b.com>\r\nRCPT TO:<x@y.com",
            "<a@b.com>",
            "\"a b\"@c.com",
            "a@b\0.com",
            &long,
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(parse("a@bücher.example").unwrap().domain(), "xn--bcher-kva.example");
    }
}
