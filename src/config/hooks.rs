//! `[sources.NAME]` with `type = "http"`: one sender, its format, and its lock.

use std::time::Duration;

use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::{Entry, Table};
use crate::formats::Format;
use crate::sources::http::{GRAFANA_HEADER, HttpSource, Lock, Scheme, Secret, Signatures};

/// What a lock may be made of, one of these.
const LOCKS: [&[&str]; 3] = [&["token"], &["username", "password"], &["signature", "secret"]];
/// What only a signature has.
const OF_SIGNATURES: [&str; 4] = ["previous_secret", "signature_header", "timestamp_header", "tolerance"];
/// What is shorter can be guessed.
const SHORTEST: usize = 20;
/// How far a signed moment may be from ours.
const TOLERANCE: Duration = Duration::from_secs(300);

/// The words for `signature`.
pub(super) const SIGNATURES: &[&str] = &["standard-webhooks", "grafana", "github", "sentry"];

/// The source of `entry`; it was told what is wrong with it.
pub(super) fn read(entry: &Entry, report: &mut Report<'_>) -> Option<HttpSource> {
    let table = entry.node.table()?;
    let format = table.text("format").and_then(Format::named).unwrap_or_default();
    let lock = lock(entry, table, report)?;
    if matches!(format, Format::PagerDuty | Format::Opsgenie) && !matches!(lock, Lock::Token(_)) {
        let what = format!(
            "[sources.{}] needs token: senders of {} have nothing else to show",
            entry.key,
            format.as_str()
        );
        let problem = Problem::new(Code::Missing, what).label(r#"add: token = { env = "NAME" }"#);
        report.at(&entry.place, problem);
    }
    Some(HttpSource { format, path: path(entry, table, report)?, lock })
}

/// Where it is, below `/hooks/`.
fn path(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<String> {
    let (path, place) = match table.get("path") {
        Some(node) => (node.text()?.to_owned(), &node.place),
        None => (format!("/hooks/{}", entry.key), &entry.place),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let name = path.strip_prefix("/hooks/").filter(|name| !name.is_empty() && name.bytes().all(plain));
    if name.is_none() {
        let what = format!(
            "[sources.{}] path must be /hooks/ and a name: letters, digits, \"-\", \"_\", \".\"",
            entry.key
        );
        report.at(
            place,
            Problem::new(Code::WrongValue, what).label(r#"write one such as "/hooks/prometheus""#),
        );
    }
    name.map(str::to_owned)
}

fn lock(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<Lock> {
    let name = &entry.key;
    let given: Vec<&[&str]> =
        LOCKS.into_iter().filter(|keys| keys.iter().any(|key| table.has(key))).collect();
    let [keys] = given.as_slice() else {
        if given.is_empty() {
            return unsigned(entry, table, report).then_some(Lock::Ours);
        }
        let what = format!(
            "[sources.{name}] has several locks: token, username and password, or signature and secret"
        );
        report.at(&entry.place, Problem::new(Code::Contradiction, what).label("keep one of them"));
        return None;
    };
    let missing: Vec<&&str> = keys.iter().filter(|key| !table.has(key)).collect();
    for key in &missing {
        let example = match **key {
            "signature" => r#"signature = "standard-webhooks""#.to_owned(),
            "username" => r#"username = "grafana""#.to_owned(),
            key => format!(r#"{key} = {{ env = "NAME" }}"#),
        };
        let problem = Problem::new(Code::Missing, format!("[sources.{name}] needs {key}"));
        report.at(&entry.place, problem.label(format!("add: {example}")));
    }
    if !missing.is_empty() || keys.iter().any(|key| table.text(key).is_none()) {
        return None;
    }
    match **keys {
        ["token"] => unsigned(entry, table, report).then(|| token(entry, table, report))?,
        ["username", ..] => unsigned(entry, table, report).then(|| basic(table))?,
        _ => signed(entry, table, report),
    }
}

/// Is there nothing that only a signature has?
fn unsigned(entry: &Entry, table: &Table, report: &mut Report<'_>) -> bool {
    let stray = OF_SIGNATURES.into_iter().find_map(|key| table.entry(key));
    if let Some(stray) = stray {
        let what = format!("[sources.{}] {} goes with signature", entry.key, stray.key);
        report.at(&stray.place, Problem::new(Code::Contradiction, what).label("add signature, or remove it"));
    }
    stray.is_none()
}

fn token(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<Lock> {
    let text = table.text("token")?;
    let fits = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits && let Some(node) = table.get("token") {
        let what = format!("[sources.{}] token can be guessed, or cannot stand in a header", entry.key);
        let label = "take 20 visible ASCII characters or more, such as those of: openssl rand -hex 16";
        report.at(&node.place, Problem::new(Code::WrongValue, what).label(label));
    }
    fits.then(|| Lock::Token(Secret::new(text)))
}

fn basic(table: &Table) -> Option<Lock> {
    let username = table.text("username")?.to_owned();
    Some(Lock::Basic { username, password: Secret::new(table.text("password")?) })
}

fn signed(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<Lock> {
    let header = |key: &str| table.text(key).map(str::to_owned);
    let scheme = match table.text("signature")? {
        "grafana" => Scheme::Grafana {
            signature: header("signature_header").unwrap_or_else(|| GRAFANA_HEADER.to_owned()),
            timestamp: header("timestamp_header"),
        },
        "github" => Scheme::GitHub,
        "sentry" => Scheme::Sentry,
        _ => Scheme::StandardWebhooks,
    };
    if !matches!(scheme, Scheme::Grafana { .. })
        && let Some(stray) =
            ["signature_header", "timestamp_header"].into_iter().find_map(|key| table.entry(key))
    {
        let what = format!("[sources.{}] {} is Grafana's alone", entry.key, stray.key);
        report.at(&stray.place, Problem::new(Code::Contradiction, what).label("remove it"));
    }
    let mut signatures = Signatures::of(scheme, table.duration("tolerance").unwrap_or(TOLERANCE));
    for key in ["secret", "previous_secret"] {
        let Some(node) = table.get(key) else { continue };
        match signatures.clone().with(table.text(key)?) {
            Ok(more) => signatures = more,
            Err(wrong) => {
                let what = format!("[sources.{}] {key} {wrong}", entry.key);
                let label = "make one: echo whsec_$(openssl rand -base64 32)";
                report.at(&node.place, Problem::new(Code::WrongValue, what).label(label));
                return None;
            }
        }
    }
    Some(Lock::Signed(signatures))
}
