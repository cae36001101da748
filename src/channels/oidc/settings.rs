//! `[auth.oidc]`

use reqwest::Url;
use tokio::sync::Mutex;
use url::Host;

use super::Provider;
use super::rights::Rights;
use crate::channels::http::{Http, HttpSettings};
use crate::channels::settings::Reader;
use crate::channels::{Settings, SettingsProblem};
use crate::clock::Clock;
use crate::domain::people::Role;

/// The keys of `[auth.oidc]`.
pub const KEYS: &[&str] = &[
    "issuer",
    "client_id",
    "client_secret",
    "admin_group",
    "groups",
    "groups_claim",
    "scopes",
    "timeout",
    "allow_private_networks",
    "ca_file",
];

/// Where the provider leads back to, below `[server] public_url`.
pub const CALLBACK: &str = "/auth/oidc/callback";

/// The provider of these settings, for the Foghorn at `public_url`.
///
/// # Errors
/// Everything that is wrong with them.
pub fn provider(
    settings: &Settings,
    public_url: &str,
    clock: Clock,
) -> Result<Provider, Vec<SettingsProblem>> {
    let mut reader = Reader::new(settings);
    let http = HttpSettings::read(&mut reader);
    let issuer = issuer(&mut reader, &http);
    let client_id = reader.required("client_id", "foghorn");
    let client_secret = reader.secret("client_secret");
    let rights = rights(&mut reader);
    let scopes = scopes(&mut reader);
    let http = Http::unless(reader.finish(), &http, clock)?;
    let (issuer, client_id) = issuer.zip(client_id).ok_or_else(Vec::new)?;
    Ok(Provider {
        http,
        issuer,
        client_id,
        client_secret,
        scopes,
        rights,
        redirect_uri: format!("{public_url}{CALLBACK}"),
        clock,
        known: Mutex::default(),
    })
}

/// As it is written, because its word says it in the same letters.
fn issuer(reader: &mut Reader, http: &HttpSettings) -> Option<String> {
    let text = reader.required("issuer", "https://login.example.com")?;
    let url = text.parse::<Url>().ok();
    let why = match &url {
        None => Some("must be a whole address, for example \"https://login.example.com\"".to_owned()),
        Some(url) if url.query().is_some() || url.fragment().is_some() || url.password().is_some() => {
            Some("must have no query, no fragment and no password".to_owned())
        }
        Some(url) if url.scheme() != "https" && !is_here(url) => {
            Some("must begin with https: whoever is on the way could say that they are anybody".to_owned())
        }
        Some(url) => http.admit(url).err().map(|why| format!("leads nowhere: {why}")),
    };
    match why {
        None => Some(text),
        Some(why) => {
            reader.problem("issuer", why);
            None
        }
    }
}

/// Nobody is on the way to this machine itself.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn rights(reader: &mut Reader) -> Rights {
    let claim = reader.text("groups_claim").unwrap_or_else(|| "groups".to_owned());
    let mut roles: Vec<(String, Role)> =
        reader.text("admin_group").into_iter().map(|group| (group, Role::Admin)).collect();
    for (group, word) in reader.texts("groups") {
        match Role::parse(&word) {
            Some(role) => roles.push((group, role)),
            None => reader.problem("groups", "has a word that is none of viewer, responder and admin"),
        }
    }
    if roles.is_empty() {
        reader.problem("admin_group", "is missing, and groups names none: nobody could sign in");
    }
    Rights { claim, roles }
}

/// What is asked for; `openid` always is.
fn scopes(reader: &mut Reader) -> String {
    let mut scopes = reader.list("scopes").unwrap_or_else(|| vec!["profile".to_owned(), "email".to_owned()]);
    scopes.retain(|scope| scope != "openid");
    scopes.insert(0, "openid".to_owned());
    scopes.join(" ")
}
