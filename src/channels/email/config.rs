//! `[channels.NAME]` with `provider = "smtp"`.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};

use super::bounces::Bounces;
use super::tls::Tls;
use crate::channels::settings::Reader;
use crate::channels::{LONGEST_ATTEMPT, Settings, SettingsProblem};

/// Keys of `provider = "smtp"`.
pub(super) const KEYS: &[&str] = &[
    "host",
    "port",
    "security",
    "username",
    "password",
    "from",
    "reply_to",
    "timeout",
    "ca_file",
    "bounce_secret",
];

/// What keeps others from reading along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    /// Starts in the clear and goes on only under TLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Nothing.
    None,
}

/// How the connection is protected, ready to use.
#[derive(Clone)]
pub(super) enum Protection {
    StartTls(Tls),
    Tls(Tls),
    None,
}

/// Who logs in.
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: SecretString,
}

impl Login {
    /// `text` without the password, as it is and as `AUTH` says it.
    pub(super) fn taken_out_of(&self, text: &str) -> String {
        let password = self.password.expose_secret();
        let plain = STANDARD.encode(format!("\0{}\0{password}", self.username));
        let forms = [plain, STANDARD.encode(password), password.to_owned()];
        forms.iter().fold(text.to_owned(), |text, form| text.replace(form, "***"))
    }
}

/// Where mail goes, and in whose name.
pub(super) struct SmtpConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) protection: Protection,
    pub(super) login: Option<Login>,
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    /// Bounds a whole attempt, from connecting to the last answer.
    pub(super) timeout: Duration,
    pub(super) bounces: Bounces,
}

impl SmtpConfig {
    /// What `settings` say.
    pub(super) fn read(settings: &Settings) -> Result<Self, Vec<SettingsProblem>> {
        let mut reader = Reader::new(settings);
        let host = reader.required("host", "smtp.example.com");
        let port = reader.number("port", 1, u64::from(u16::MAX));
        let words = [("starttls", Security::StartTls), ("tls", Security::Tls), ("none", Security::None)];
        let security = reader.choice("security", &words).unwrap_or(Security::StartTls);
        let login = login(&mut reader);
        let from = reader.required("from", "Foghorn <foghorn@example.com>");
        let from = from.and_then(|text| mailbox(&mut reader, "from", &text));
        let reply_to = reader.text("reply_to");
        let reply_to = reply_to.and_then(|text| mailbox(&mut reader, "reply_to", &text));
        let timeout = reader.duration("timeout", LONGEST_ATTEMPT);
        let ca_file = reader.text("ca_file");
        let bounces = Bounces::read(&mut reader);
        if let Some(host) = &host
            && login.is_some()
            && security == Security::None
            && !is_loopback(host)
        {
            let message = "must be \"starttls\" or \"tls\": a password never goes out unprotected";
            reader.problem("security", message);
        }
        let protection = match &host {
            Some(host) => protection(&mut reader, security, host, ca_file.as_deref()),
            None => None,
        };
        let problems = reader.finish();
        match (host, from, protection) {
            (Some(host), Some(from), Some(protection)) if problems.is_empty() => Ok(Self {
                host,
                port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(587),
                protection,
                login,
                from,
                reply_to,
                timeout: timeout.unwrap_or(Duration::from_secs(15)),
                bounces,
            }),
            _ => Err(problems),
        }
    }
}

fn login(reader: &mut Reader) -> Option<Login> {
    let (username, password) = (reader.text("username"), reader.secret("password"));
    match (username, password) {
        (Some(username), Some(password)) => Some(Login { username, password }),
        (Some(_), None) => {
            reader.problem("password", "is missing, and username is given");
            None
        }
        (None, Some(_)) => {
            reader.problem("username", "is missing, and password is given");
            None
        }
        (None, None) => None,
    }
}

pub(super) fn mailbox(reader: &mut Reader, key: &str, text: &str) -> Option<Mailbox> {
    let mailbox = text.parse::<Mailbox>().ok();
    let mailbox = mailbox.filter(|_| !text.chars().any(char::is_control));
    if mailbox.is_none() {
        reader.problem(key, "must be a mailbox, for example \"Foghorn <foghorn@example.com>\"");
    }
    mailbox
}

fn protection(
    reader: &mut Reader,
    security: Security,
    host: &str,
    ca_file: Option<&str>,
) -> Option<Protection> {
    if security == Security::None {
        if ca_file.is_some() {
            reader.problem("ca_file", "has no use with security = \"none\"");
        }
        return Some(Protection::None);
    }
    let authorities = match ca_file.map(fs::read).transpose() {
        Ok(pem) => pem.unwrap_or_default(),
        Err(error) => {
            reader.problem("ca_file", format!("cannot be read: {error}"));
            return None;
        }
    };
    if ca_file.is_some() && authorities.is_empty() {
        reader.problem("ca_file", "is empty");
        return None;
    }
    match Tls::new(host, &authorities) {
        Ok(tls) if security == Security::Tls => Some(Protection::Tls(tls)),
        Ok(tls) => Some(Protection::StartTls(tls)),
        Err(problem) => {
            let key = if ca_file.is_some() { "ca_file" } else { "security" };
            reader.problem(key, problem);
            None
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        match SmtpConfig::read(&text.parse().unwrap()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().filter_map(|problem| problem.key).collect(),
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let table: [(&str, &[&str]); 9] = [
            ("host='h'\nfrom='a@example.com'\nsecurity='none'", &[]),
            ("", &["host", "from"]),
            ("host=1\nfrom='nobody'\nsecurity='maybe'", &["host", "security", "from"]),
            ("host='h'\nfrom='a@example.com'\nport=0\ntimeout='5m'", &["port", "timeout"]),
            ("host='h'\nfrom='a@example.com'\nusername='u'", &["password"]),
            ("host='h'\nfrom='a@example.com'\nsecurity='none'\nusername='u'\npassword='p'", &["security"]),
            ("host='127.0.0.1'\nfrom='a@example.com'\nsecurity='none'\nusername='u'\npassword='p'", &[]),
            ("host='h'\nfrom='a@example.com'\nca_file='/nowhere'", &["ca_file"]),
            ("host='h'\nfrom=\"A\\r\\nBcc: b@c.de <a@example.com>\"\nrate='1/s'", &["from", "rate"]),
        ];
        for (text, keys) in table {
            assert_eq!(problems(text), keys, "{text}");
        }
    }
}
