//! `[channels.NAME]` with `provider = "twilio"`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::channels::Surroundings;
use crate::channels::http::HttpSettings;
use crate::channels::settings::{FlagOrText, Reader};
use crate::channels::sms::phrasing::read_style;
use crate::domain::people::is_phone;
use crate::render::sms::SmsStyle;

/// Every key.
pub(in crate::channels::sms) const KEYS: &[&str] = &[
    "account_sid",
    "auth_token",
    "previous_auth_token",
    "api_key",
    "api_secret",
    "from",
    "messaging_service_sid",
    "status_callback",
    "base_url",
    "max_segments",
    "encoding",
    "links",
    "replies",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

const BASE_URL: &str = "https://api.twilio.com";

/// Who a message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sender {
    /// A number, a short code or a name.
    From(String),
    /// Whichever number the messaging service picks.
    Service(String),
}

/// Where Twilio says what became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Receipts {
    /// Nowhere.
    Nowhere,
    /// At our own address, below this one.
    Here(String),
    /// At this address.
    At(String),
}

/// What is needed to talk to Twilio.
pub(super) struct TwilioSettings {
    /// `{base_url}/2010-04-01/Accounts/{account_sid}/Messages.json`
    pub(super) messages: Url,
    /// The value of `Authorization`.
    pub(super) authorization: SecretString,
    pub(super) sender: Sender,
    pub(super) receipts: Receipts,
    pub(super) style: SmsStyle,
}

impl TwilioSettings {
    /// `None` if something that is needed is missing; the reader knows what.
    pub(super) fn read(
        reader: &mut Reader,
        http: &HttpSettings,
        surroundings: &Surroundings,
    ) -> Option<Self> {
        let base = http.address(reader, "base_url", Some(BASE_URL));
        let account = reader.required("account_sid", "AC00000000000000000000000000000000");
        let account = account.filter(|account| checked(reader, "account_sid", account, "AC"));
        let authorization = authorization(reader, account.as_deref());
        let style = read_style(reader);
        let sender = sender(reader, style.replies);
        let receipts = receipts(reader, &surroundings.public_url);
        let mut messages = base?;
        let path = ["2010-04-01", "Accounts", account.as_deref()?, "Messages.json"];
        messages.path_segments_mut().ok()?.pop_if_empty().extend(path);
        Some(Self { messages, authorization: authorization?, sender: sender?, receipts, style })
    }
}

/// The account's own token, or a key that was made for Foghorn. The token signs what Twilio sends us,
/// so it may be there beside a key.
fn authorization(reader: &mut Reader, account: Option<&str>) -> Option<SecretString> {
    let token = reader.secret("auth_token");
    // Only signatures are checked with it.
    drop(reader.secret("previous_auth_token"));
    let key = reader.text("api_key");
    let key = key.filter(|key| checked(reader, "api_key", key, "SK"));
    let secret = reader.secret("api_secret");
    let (user, password) = match (key, secret, token) {
        (Some(key), Some(secret), _) => (key, secret),
        (Some(_), None, _) => {
            reader.problem("api_secret", "is missing beside api_key");
            return None;
        }
        (None, Some(_), _) => {
            reader.problem("api_key", "is missing beside api_secret; for example \"SK…\"");
            return None;
        }
        (None, None, Some(token)) => (account?.to_owned(), token),
        (None, None, None) => {
            let what =
                "is missing; write auth_token = { env = \"TWILIO_AUTH_TOKEN\" }, or api_key and api_secret";
            reader.problem("auth_token", what);
            return None;
        }
    };
    let pair = format!("{user}:{}", password.expose_secret());
    Some(SecretString::from(format!("Basic {}", STANDARD.encode(pair))))
}

fn sender(reader: &mut Reader, replies: bool) -> Option<Sender> {
    let from = reader.text("from");
    let service = reader.text("messaging_service_sid");
    match (from, service) {
        (Some(from), None) => {
            if !is_sender(&from) {
                let what =
                    "must be a number such as \"+15550100\", a short code, or a name of up to 11 letters";
                reader.problem("from", what);
            } else if replies && from.contains(|letter: char| letter.is_ascii_alphabetic()) {
                reader.problem("replies", "needs a number in from: nobody can reply to a name");
            }
            Some(Sender::From(from))
        }
        (None, Some(service)) => {
            checked(reader, "messaging_service_sid", &service, "MG").then_some(Sender::Service(service))
        }
        (Some(_), Some(_)) => {
            reader.problem("from", "stands beside messaging_service_sid; one of them decides who sends");
            None
        }
        (None, None) => {
            reader.problem("from", "is missing; for example from = \"+15550100\", or messaging_service_sid");
            None
        }
    }
}

/// A phone number, a short code, or a name (an alphanumeric sender ID).
fn is_sender(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let name =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'&'));
    match digits {
        true => (3..=8).contains(&text.len()),
        false => is_phone(text) || (name && text.len() <= 11),
    }
}

/// On if Twilio can reach us: it calls neither a test machine nor in the clear unless told to.
fn receipts(reader: &mut Reader, public_url: &str) -> Receipts {
    let here = || Receipts::Here(format!("{public_url}/callbacks"));
    let is_address = |text: &str| {
        text.parse::<Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    };
    match reader.flag_or_text("status_callback") {
        None if public_url.starts_with("https://") => here(),
        None | Some(FlagOrText::Flag(false)) => Receipts::Nowhere,
        Some(FlagOrText::Flag(true)) => {
            if !is_address(public_url) {
                reader.problem(
                    "status_callback",
                    "needs [server] public_url, an address that Twilio can reach",
                );
            }
            here()
        }
        Some(FlagOrText::Text(url)) => {
            if !is_address(&url) {
                reader.problem("status_callback", "must be true, false or a whole address");
            }
            Receipts::At(url)
        }
    }
}

/// Twilio's ids are two letters and 32 hexadecimal digits.
fn checked(reader: &mut Reader, key: &str, sid: &str, prefix: &str) -> bool {
    let digits = sid.strip_prefix(prefix);
    let fits =
        digits.is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !fits {
        reader.problem(key, format!("must be {prefix} and 32 hexadecimal digits"));
    }
    fits
}
