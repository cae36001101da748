//! From the checked tree to a [`Config`], with the laws between its parts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use super::access;
use super::channels::{self, Lanes};
use super::check::is_bad;
use super::events_out;
use super::heartbeat;
use super::mappers;
use super::notices;
use super::oidc;
use super::problem::{Code, Problem};
use super::report::Report;
use super::routing;
use super::schema::SEVERITIES;
use super::settings::{
    AuthMode, Config, Explorer, HttpConfig, LogFormat, LogsConfig, MetricsConfig, Migrate, ServerConfig,
    SeverityWords, StoreConfig, StoreUrl, TemplatesConfig,
};
use super::socket::socket;
use super::sources;
use super::tree::{Entry, Node, Table, Value};
use crate::domain::acceptance::IncidentRules;
use crate::domain::names::NodeName;
use crate::domain::retention::Retention;
use crate::domain::severity::{Severity, SeverityAliases};

/// Reads `tree`, which lies over the defaults, but for `templates`, which were read before, and checks what no single key can tell.
pub(super) fn compose(tree: &Table, templates: TemplatesConfig, report: &mut Report<'_>) -> Config {
    let server = server(tree.table("server"), report);
    let store = store(tree.table("store"), &server.data_dir, report);
    let auth = access::mode(tree.table("auth"));
    let oidc = oidc::read(tree.table("auth"), &server.public_url, report);
    let http = http(tree, auth, report);
    let severities = severities(tree.table("incidents"));
    let mappers = mappers::read(tree.table("mappers"), &severities.aliases, report);
    let sources = sources::read(tree.table("sources"), &mappers, report);
    let lanes = Lanes::of(tree.table("delivery"), report);
    let read = channels::Reading { server: &server, templates: &templates.all, lanes: &lanes };
    let channels = read.all(tree.table("channels"), report);
    let route_table = routing::read(tree, &channels, report);
    let sinks = events_out::read(tree.table("events_out"), report);
    let incidents = tree.table("incidents");
    let rules = IncidentRules {
        dedup_window: incidents.duration("dedup_window").unwrap_or_default(),
        flap_window: incidents.duration("flap_window").unwrap_or_default(),
        auto_resolve: incidents.duration("auto_resolve").filter(|after| !after.is_zero()),
        max_age: incidents.duration("max_age").filter(|age| !age.is_zero()),
        policies: Arc::clone(&route_table.policies),
        directory: Arc::new(route_table.directory.clone()),
        events_out: Arc::new(events_out::wanted(&server.public_url, &sinks)),
    };
    warn_of_local_links(tree, &channels, &server, report);
    Config {
        server,
        http,
        auth,
        oidc,
        session_ttl: tree.table("auth").duration("session_ttl").unwrap_or_default(),
        ack_link_ttl: tree.table("auth").duration("ack_link_ttl").unwrap_or_default(),
        tokens: access::tokens(tree.table("tokens"), report),
        store,
        sources,
        mappers: mappers.into_iter().filter_map(|(name, mapper)| Some((name, mapper?))).collect(),
        channels: channels.configured,
        events_out: sinks,
        route_table,
        tables: Arc::default(),
        incidents: rules,
        severities,
        links: notices::links(tree, report),
        templates,
        logs: logs(tree.table("telemetry").table("logs")),
        metrics: MetricsConfig {
            enabled: tree.table("telemetry").table("metrics").switch("enabled").unwrap_or(true),
        },
    }
}

/// A path as people want it: empty means none.
fn path(table: &Table, key: &str) -> Option<PathBuf> {
    table.text(key).filter(|text| !text.is_empty()).map(PathBuf::from)
}

fn server(table: &Table, report: &mut Report<'_>) -> ServerConfig {
    let name = table.text("name").unwrap_or_default();
    if name.trim().is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
        refuse(table, "name", "is no name for a server", "write 1 to 64 letters, on one line", report);
    }
    if path(table, "data_dir").is_none() {
        refuse(table, "data_dir", "is no directory", r#"write a path such as "/var/lib/foghorn""#, report);
    }
    let timezone = table.text("timezone").unwrap_or_default();
    ServerConfig {
        name: NodeName::from(name),
        public_url: public_url(table, report),
        timezone: timezone.to_owned(),
        data_dir: path(table, "data_dir").unwrap_or_default(),
        shutdown_grace: table.duration("shutdown_grace").unwrap_or_default(),
        heartbeat: heartbeat::read(table, report),
    }
}

fn public_url(table: &Table, report: &mut Report<'_>) -> String {
    let text = table.text("public_url").unwrap_or_default();
    let fits = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !fits {
        let fix = "write one such as \"https://foghorn.example.com\", without user, query and fragment";
        refuse(table, "public_url", "is no address that links can start with", fix, report);
    }
    text.trim_end_matches('/').to_owned()
}

/// Reports the value of `key` without repeating it.
fn refuse(table: &Table, key: &str, what: &str, fix: &str, report: &mut Report<'_>) {
    if let Some(node) = table.get(key) {
        report.at(&node.place, Problem::new(Code::WrongValue, format!("{key} {what}")).label(fix));
    }
}

fn http(tree: &Table, auth: AuthMode, report: &mut Report<'_>) -> HttpConfig {
    let table = tree.table("http");
    let listen = table.text("listen").unwrap_or_default();
    let parsed: Option<SocketAddr> = listen.parse().ok();
    match (parsed, table.get("listen")) {
        (None, Some(node)) => {
            let problem =
                Problem::new(Code::WrongValue, format!("listen = {listen:?} is no address with a port"))
                    .label(r#"write one such as "127.0.0.1:3644" or "[::1]:3644""#);
            report.at(&node.place, problem);
        }
        (Some(address), Some(node)) if !address.ip().to_canonical().is_loopback() => {
            access::open_to_others(address, auth, node, report);
        }
        _ => {}
    }
    HttpConfig {
        listen: parsed.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3644))),
        hosts: hosts(table, report),
        socket: socket(tree),
        max_body: table.size("max_body").and_then(|size| usize::try_from(size).ok()).unwrap_or(1 << 20),
        request_timeout: table.duration("request_timeout").unwrap_or_default(),
        rate: access::rate_limit(table, report),
        explorer: if table.switch("docs").unwrap_or(true) { Explorer::Served } else { Explorer::Off },
    }
}

/// Bare host names: a port says nothing about who is meant, and a pattern would let everybody in.
fn hosts(table: &Table, report: &mut Report<'_>) -> Vec<String> {
    let items = table.get("hosts").map(Node::list).unwrap_or_default();
    let mut hosts = Vec::with_capacity(items.len());
    for item in items {
        let name = item.text().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !name.is_empty() && name.bytes().all(fits) {
            hosts.push(name);
        } else {
            let problem = Problem::new(Code::WrongValue, "[http] hosts has something that is no host name")
                .label("write a bare name such as \"foghorn.internal\": no scheme, no port, no *");
            report.at(&item.place, problem);
        }
    }
    hosts
}

fn store(table: &Table, data_dir: &Path, report: &mut Report<'_>) -> StoreConfig {
    let written = table.get("url").filter(|node| node.text() != Some(""));
    let url = match written.map(|node| (node.text(), node)) {
        Some((Some(text), node)) => {
            check_store_url(text, node, table, report);
            text.to_owned()
        }
        _ => format!("sqlite://{}", data_dir.join("foghorn.db").display()),
    };
    StoreConfig {
        url: StoreUrl::new(url),
        password: table.text("password").map(|secret| SecretString::from(secret.to_owned())),
        max_connections: table
            .count("max_connections")
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1),
        migrate: match table.text("migrate") {
            Some("manual") => Migrate::Manual,
            _ => Migrate::Auto,
        },
        retention: retention(table.table("retention")),
    }
}

/// `[store.retention]`; nothing but ages, so nothing can be wrong between them.
fn retention(table: &Table) -> Retention {
    let kept = Retention::default();
    Retention {
        audit: table.duration("audit").map_or(kept.audit, |age| Some(age).filter(|age| !age.is_zero())),
        idempotency_keys: table.duration("idempotency_keys").unwrap_or(kept.idempotency_keys),
    }
}

fn check_store_url(text: &str, node: &Node, table: &Table, report: &mut Report<'_>) {
    let server = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let local = text.strip_prefix("sqlite:").is_some_and(|path| !path.trim_start_matches('/').is_empty());
    if !(server || local || text == "memory:") || (server && Url::parse(text).is_err()) {
        let problem = Problem::new(Code::WrongValue, "url is none of a store")
            .label(r#"write "sqlite:///path/to/foghorn.db", "postgres://user@host/database" or "memory:""#);
        let problem = if text.starts_with("postgres") && text.contains('@') {
            problem
                .note("hint: a password with \"@\", \":\", \"/\" or \"%\" in it goes into [store] password")
        } else {
            problem
        };
        report.at(&node.place, problem);
        return;
    }
    let in_url = Url::parse(text).is_ok_and(|url| url.password().is_some());
    if server && in_url && table.has("password") {
        let problem =
            Problem::new(Code::Contradiction, "[store] has a password in url and another in password")
                .label("write it once: in password");
        report.at(&node.place, problem);
    } else if server && in_url && matches!(node.place, super::tree::Place::File(_)) {
        let problem = Problem::new(Code::SecretInClear, "[store] url holds a password, written in the file")
            .label(r#"take it out and add: password = { env = "PGPASSWORD" }"#);
        report.beside(&node.place, problem);
    }
}

fn severities(table: &Table) -> SeverityWords {
    let severity = |node: &Node| node.text().and_then(Severity::parse);
    let alias = |entry: &Entry| Some((entry.key.clone(), severity(&entry.node)?));
    debug_assert_eq!(SEVERITIES.len(), Severity::ALL.len());
    SeverityWords {
        default: table.get("default_severity").and_then(severity).unwrap_or(Severity::Medium),
        aliases: SeverityAliases(
            table.table("severity_aliases").entries.iter().filter_map(alias).collect::<BTreeMap<_, _>>(),
        ),
    }
}

fn logs(table: &Table) -> LogsConfig {
    LogsConfig {
        level: table.text("level").unwrap_or("info").to_owned(),
        format: match table.text("format") {
            Some("pretty") => LogFormat::Pretty,
            Some("json") => LogFormat::Json,
            _ => LogFormat::Auto,
        },
    }
}

/// Only where messages really leave: whoever tries things out has nobody else to send links to.
fn warn_of_local_links(
    tree: &Table,
    channels: &channels::Channels,
    server: &ServerConfig,
    report: &mut Report<'_>,
) {
    let leaves = channels.configured.values().any(|channel| channel.provider != "outbox");
    let local = Url::parse(&server.public_url).is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    });
    let node = tree.table("server").get("public_url").filter(|node| !is_bad(node));
    if let Some(node) = node.filter(|_| leaves && local) {
        let what = format!(
            "[server] public_url is {}; links in messages will not open on a phone",
            server.public_url
        );
        let problem = Problem::new(Code::LocalLinks, what).note("fix: set public_url = \"https://…\"");
        report.beside(&node.place, problem);
    }
}

/// A value that lists may hold as text, number or switch.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Switch(on) => Some(on.to_string()),
        _ => None,
    }
}
