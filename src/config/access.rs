//! `[auth]`, `[tokens]` and `[http] rate_limit`: who may call the API, and how often.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use secrecy::SecretString;

use super::channels::texts;
use super::problem::{Code, Problem};
use super::report::Report;
use super::settings::{AuthMode, RateLimit, TokenConfig};
use super::tree::{Node, Table};
use crate::domain::suggest::{nearest, question};
use crate::domain::token::{Scope, Scopes, WITHOUT_TOKEN, is_name};

/// `[auth] mode`
pub(super) fn mode(table: &Table) -> AuthMode {
    match table.text("mode") {
        Some("trusted_network") => AuthMode::TrustedNetwork,
        Some("token") => AuthMode::Token,
        _ => AuthMode::None,
    }
}

/// Others than this machine can connect.
pub(super) fn open_to_others(address: SocketAddr, auth: AuthMode, listen: &Node, report: &mut Report<'_>) {
    match auth {
        AuthMode::None => {
            let what = format!("[auth] mode = \"none\" while listening on {address}");
            let problem = Problem::new(Code::OpenWithoutAuth, what)
                .label("listen on 127.0.0.1")
                .note("why: anyone who can reach this port could read and send messages")
                .note("fix: [auth] mode = \"token\"; or keep it on loopback; or, if only those can connect who may do everything: [auth] mode = \"trusted_network\"");
            report.at(&listen.place, problem);
        }
        AuthMode::TrustedNetwork => {
            let what = format!("whoever can connect to {address} may read and send everything");
            let problem = Problem::new(Code::OpenByChoice, what)
                .note("why: [auth] mode = \"trusted_network\" signs nobody in")
                .note("fix: nothing, if only those can connect who may; otherwise [auth] mode = \"token\", or listen on 127.0.0.1");
            report.beside(&listen.place, problem);
        }
        AuthMode::Token => {}
    }
}

/// What is shorter can be guessed.
const SHORTEST_SECRET: usize = 20;
/// What is longer is not looked at when it is shown.
const LONGEST_SECRET: usize = 512;

/// `[tokens.NAME]`
pub(super) fn tokens(table: &Table, report: &mut Report<'_>) -> Vec<TokenConfig> {
    let entries = table.entries.iter().filter_map(|entry| Some((entry, entry.node.table()?)));
    let mut tokens = Vec::new();
    for (entry, token) in entries {
        let name = &entry.key;
        if WITHOUT_TOKEN.contains(&name.as_str()) {
            let problem =
                Problem::new(Code::WrongValue, format!("[tokens.{name}]: nobody with a token is called so"))
                    .label("choose another name: this one stands for callers that have no token");
            report.at(&entry.place, problem);
        }
        for key in ["secret", "scopes"] {
            if !token.has(key) {
                let problem =
                    Problem::new(Code::Missing, format!("[tokens.{name}] needs {key}")).label(match key {
                        "secret" => r#"add: secret = { env = "NAME" }"#,
                        _ => r#"add: scopes = ["read"]"#,
                    });
                report.at(&entry.place, problem);
            }
        }
        let (secret, scopes) = (secret(name, token, report), scopes(name, token, report));
        if let Some(secret) = secret.filter(|_| is_name(name)) {
            tokens.push(TokenConfig { name: name.clone(), secret, scopes });
        }
    }
    tokens
}

fn secret(name: &str, table: &Table, report: &mut Report<'_>) -> Option<SecretString> {
    let text = table.text("secret")?;
    let fits = (SHORTEST_SECRET..=LONGEST_SECRET).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits && let Some(node) = table.get("secret") {
        let problem = Problem::new(
            Code::WrongValue,
            format!("[tokens.{name}] secret can be guessed, or cannot stand in a header"),
        )
        .label("take 20 to 512 visible ASCII characters, such as those of: openssl rand -hex 32");
        report.at(&node.place, problem);
    }
    fits.then(|| SecretString::from(text.to_owned()))
}

fn scopes(name: &str, table: &Table, report: &mut Report<'_>) -> Scopes {
    let Some(node) = table.get("scopes") else { return Scopes::default() };
    let known = Scope::ALL.map(Scope::as_str);
    let words = texts(node);
    let named: Vec<Scope> = words.iter().filter_map(|(word, _)| Scope::parse(word)).collect();
    for (word, place) in &words {
        if Scope::parse(word).is_none() {
            // Not repeated: it may be the secret, in the wrong line.
            let slip = nearest(word, known.iter().copied());
            let problem =
                Problem::new(Code::WrongValue, format!("[tokens.{name}] scopes has a word that is no scope"))
                    .label(format!("there are: {}.{}", known.join(", "), question(slip)));
            report.at(place, problem);
        }
    }
    if words.is_empty() && !super::check::is_bad(node) {
        let problem =
            Problem::new(Code::WrongValue, format!("[tokens.{name}] may do nothing: scopes is empty"))
                .label(format!("name some of: {}", known.join(", ")));
        report.at(&node.place, problem);
    }
    named.into_iter().collect()
}

/// `[http] rate_limit`
pub(super) fn rate_limit(http: &Table, report: &mut Report<'_>) -> Option<RateLimit> {
    let node = http.get("rate_limit")?;
    let table = node.table()?;
    let count = |key: &str| {
        let count = table.count(key).and_then(|count| u32::try_from(count).ok());
        count.and_then(NonZeroU32::new)
    };
    let Some(per_second) = count("requests_per_second") else {
        if !table.has("requests_per_second") {
            let problem = Problem::new(Code::Missing, "[http] rate_limit needs requests_per_second")
                .label("write one such as { requests_per_second = 100, burst = 500 }");
            report.at(&node.place, problem);
        }
        return None;
    };
    Some(RateLimit { per_second, burst: count("burst").unwrap_or(per_second) })
}
