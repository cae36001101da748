//! The house rules that a compiler does not know: who may import whom, which library lives in
//! which room, how long a file may be and how it must not be called.

use std::fs;
use std::path::{Path, PathBuf};

/// Each top-level module and its floor. A module imports only from floors below its own.
const FLOORS: &[(&str, u8)] = &[
    ("domain", 0),
    ("clock", 0),
    ("catalogue", 0),
    ("telemetry", 1),
    ("formats", 1),
    ("render", 1),
    ("feed", 1),
    ("amqp", 1),
    ("brokers", 1),
    ("channels", 2),
    ("sources", 2),
    ("store", 2),
    ("config", 3),
    ("messages", 3),
    ("actors", 4),
    ("http", 4),
    ("daemon", 5),
    ("cli", 6),
];

/// Libraries that stay in their rooms, so that replacing one means changing one room.
const ROOMS: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "sources/redis/table"]),
    // The monotonic clock, as the service manager reads it.
    ("rustix", &["store", "daemon/service_manager"]),
    ("rdkafka", &["brokers", "sources/kafka", "channels/sinks/kafka"]),
    ("lapin", &["amqp", "sources/rabbitmq", "channels/sinks/rabbitmq"]),
    ("google_cloud_pubsub", &["sources/pubsub"]),
    ("google_cloud_auth", &["sources/pubsub"]),
    ("redis", &["sources/redis"]),
    ("async_nats", &["sources/nats"]),
    ("lettre", &["channels/email"]),
    ("mail_parser", &["channels/email"]),
    ("ractor", &["messages", "actors", "daemon", "http"]),
    ("axum", &["http"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("tower", &["http"]),
    ("utoipa_swagger_ui", &["http/explorer"]),
    // Heartbeats go out beside every channel, so that a channel that fails is no reason for silence.
    ("reqwest", &["channels", "cli", "daemon/heartbeat"]),
    ("minijinja", &["render", "formats/mapper"]),
    ("icalendar", &["render"]),
    ("chrono", &[]),
    ("governor", &["clock", "actors/delivery/pace", "http/answers", "http/rates"]),
    ("jsonwebtoken", &["channels"]),
    ("aws_lc_rs", &["amqp", "channels", "http/credentials", "render/links", "sources/http"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("ratatui", &["cli/top"]),
    ("crossterm", &["cli/top"]),
    ("metrics_exporter_prometheus", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
];

/// Where a client of somebody's HTTP is built: that of all channels, whose guard nobody gets around; that
/// of our own API; and that of the heartbeat, whose one address is the operator's.
const HTTP_CLIENTS: &[&str] = &["channels/http/mod.rs", "cli/connection.rs", "daemon/heartbeat.rs"];

/// How one is built.
const BUILDING_A_CLIENT: &[&str] =
    &["Client::builder(", "Client::new(", "ClientBuilder::new(", "Client::default(", "reqwest::get("];

/// The domain decides; it neither waits nor talks.
const NOT_IN_THE_DOMAIN: &[&str] = &["tokio", "futures", "tracing", "std::fs", "std::net", "std::env"];

/// A file that is longer has two subjects. Its unit tests do not count.
const LONGEST_FILE: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "manager", "common", "misc"];

#[test]
fn the_house_rules_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 40, "only {} files under {}", files.len(), root.display());
    let mut broken = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).expect("it lies under src");
        let text = fs::read_to_string(&file).expect("a source file is text");
        broken.extend(violations(path.to_str().expect("an ASCII path"), &text));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Every rule that the file `path` (below `src/`) breaks, one line each.
fn violations(path: &str, text: &str) -> Vec<String> {
    let code = without_comments_and_strings(text);
    let mut broken = upward_imports(path, &code);
    broken.extend(libraries_outside_their_rooms(path, &code));
    let builds = |line: &str| BUILDING_A_CLIENT.iter().any(|words| line.contains(words));
    if let Some(line) = code.lines().position(builds).filter(|_| !HTTP_CLIENTS.contains(&path)) {
        broken.push(format!("src/{path}:{}: channels call only through channels/http", line + 1));
    }
    if !path.ends_with("tests.rs") {
        let length = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
        if length > LONGEST_FILE {
            broken.push(format!("src/{path}: {length} lines, more than {LONGEST_FILE}"));
        }
    }
    for part in path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            broken.push(format!("src/{path}: \"{part}\" says nothing about what is inside"));
        }
    }
    broken
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn upward_imports(path: &str, code: &str) -> Vec<String> {
    if path == "lib.rs" || path == "main.rs" {
        return Vec::new();
    }
    let own = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
    let Some(here) = floor(own) else {
        return vec![format!("src/{path}: \"{own}\" has no floor: give it one here and in lib.rs")];
    };
    let mut broken = Vec::new();
    for (line, module) in imported(path, code) {
        let upward = module != own && floor(&module).is_some_and(|there| there >= here);
        if upward {
            let there = floor(&module).unwrap_or_default();
            broken.push(format!("src/{path}:{line}: {own} (floor {here}) imports {module} (floor {there})"));
        }
    }
    broken
}

/// The top-level modules that the code names, with the line: `crate::a`, `crate::{a, b::c}`, and
/// `super::super::a` where that reaches the root.
fn imported(path: &str, code: &str) -> Vec<(usize, String)> {
    let depth = path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").count();
    let to_the_root = "super::".repeat(depth);
    let mut found = Vec::new();
    for root in ["crate::", to_the_root.as_str()] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
                continue;
            }
            let line = code[..at].matches('\n').count() + 1;
            let modules = first_segments(&code[at + root.len()..]);
            found.extend(modules.into_iter().map(|module| (line, module)));
        }
    }
    found
}

/// The first word of a path, or of each branch if it is a `{…}` group.
fn first_segments(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let mut words = Vec::new();
    let (mut open, mut start) = (1, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 || (open == 1 && letter == ',') {
            words.push(word(&group[start..at]));
            start = at + 1;
        }
        if open == 0 {
            break;
        }
    }
    words
}

fn libraries_outside_their_rooms(path: &str, code: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (library, rooms) in ROOMS {
        let at_home =
            rooms.iter().any(|room| path.starts_with(&format!("{room}/")) || path == format!("{room}.rs"));
        if let Some(line) = line_that_names(code, library).filter(|_| !at_home) {
            broken.push(format!("src/{path}:{line}: {library} lives only in {}", rooms.join(", ")));
        }
    }
    for library in NOT_IN_THE_DOMAIN.iter().filter(|_| path.starts_with("domain/")) {
        if let Some(line) = line_that_names(code, library) {
            broken.push(format!("src/{path}:{line}: {library} has no place in the domain"));
        }
    }
    broken
}

/// The first line with a path that starts with this crate: `library::…`, `use library;`.
fn line_that_names(code: &str, library: &str) -> Option<usize> {
    let is_inside_a_path = |before: &str| {
        before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':')
    };
    let names_it = |line: &str| {
        line.match_indices(&format!("{library}::")).any(|(at, _)| !is_inside_a_path(&line[..at]))
            || line.contains(&format!("use {library};"))
            || line.contains(&format!("use {library} as "))
    };
    code.lines().position(names_it).map(|index| index + 1)
}

/// The same text with comments and literals blanked, line for line.
fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let skipped = literal_or_comment(rest);
        if skipped == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().filter(|letter| *letter == '\n'));
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

/// How many bytes of comment, string or character `text` starts with; 0 if with code.
fn literal_or_comment(text: &str) -> usize {
    let up_to =
        |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return up_to("*/", 2);
    }
    for hashes in (0..3).map(|count| "#".repeat(count)) {
        let opening = format!("r{hashes}\"");
        if text.starts_with(&opening) {
            return up_to(&format!("\"{hashes}"), opening.len());
        }
    }
    if text.starts_with('"') {
        return quoted('"', text);
    }
    // A lifetime has no closing quote one letter on.
    let mut letters = text.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some('\''), Some('\\'), _) => quoted('\'', text),
        (Some('\''), Some(letter), Some('\'')) => 2 + letter.len_utf8(),
        _ => 0,
    }
}

fn quoted(quote: char, text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if !escaped && letter == quote {
            return at + 1;
        }
        escaped = !escaped && letter == '\\';
    }
    text.len()
}

#[test]
fn an_upward_or_sideways_import_is_found_however_it_is_written() {
    let guilty = [
        ("domain/retry.rs", "use crate::clock::Clock;"),
        ("store/mod.rs", "fn f(m: crate::messages::Peers) {}"),
        ("channels/email/mod.rs", "use crate::sources::Record;"),
        ("channels/email/mod.rs", "use super::super::store::Store;"),
        ("formats/mod.rs", "use crate::{domain::event::Event, store::{Store, batch}};"),
        ("formats/mod.rs", "use crate::{\n    domain::{self, event},\n    actors,\n};"),
        ("config/mod.rs", "use crate::messages::Peers;"),
        ("http/mod.rs", "let s = 'x'; let c = '\"'; use crate::actors::router; // \""),
        ("actors/router.rs", "use crate::daemon;"),
        ("attic/mod.rs", ""),
    ];
    for (path, code) in guilty {
        assert_eq!(violations(path, code).len(), 1, "{path}: {code}");
    }
}

#[test]
fn a_library_outside_its_room_is_found() {
    let guilty = [
        ("http/lists.rs", "use sqlx::Row;"),
        ("channels/sms/mod.rs", "fn f() -> lettre::Address {}"),
        ("sources/mod.rs", "use rdkafka::consumer::Consumer;"),
        ("store/open.rs", "use ractor;"),
        ("cli/mod.rs", "async fn f(r: axum::Router) {}"),
        ("domain/event.rs", "use tokio::time::Instant;"),
        ("domain/event.rs", "let a = std::env::var(name);"),
    ];
    for (path, code) in guilty {
        assert_eq!(violations(path, code).len(), 1, "{path}: {code}");
    }
}

#[test]
fn a_second_http_client_is_found() {
    let guilty = [
        ("channels/webhook/mod.rs", "let client = reqwest::Client::new();"),
        ("channels/chat/mod.rs", "use reqwest::Client; fn f() { Client::builder(); }"),
        ("channels/http/answer.rs", "fn f() { reqwest::ClientBuilder::new() }"),
        ("channels/sms/mod.rs", "let answer = reqwest::get(url).await;"),
    ];
    for (path, code) in guilty {
        assert_eq!(violations(path, code).len(), 1, "{path}: {code}");
    }
}

#[test]
fn a_long_file_and_an_empty_name_are_found() {
    let long = "fn f() {}\n".repeat(LONGEST_FILE + 1);
    assert_eq!(violations("cli/mod.rs", &long).len(), 1);
    assert_eq!(violations("cli/util.rs", "").len(), 1);
    assert_eq!(violations("http/common/mod.rs", "").len(), 1);
}

#[test]
fn what_is_allowed_is_not_found() {
    let tests_are_long = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(500));
    let innocent = [
        ("store/memory.rs", "use crate::domain::delivery; use super::batch; use crate::store::views;"),
        (
            "actors/router.rs",
            "use crate::{domain::routes, messages::Peers, store::Store}; use ractor::Actor;",
        ),
        ("domain/event.rs", "//! see [`crate::store`]\n/* crate::actors */ const A: &str = \"crate::http\";"),
        ("telemetry/lines.rs", "let a = r#\"sqlx::query \"crate::store\" \"#; fn f<'a>(x: &'a str) {}"),
        ("telemetry/names.rs", "let b = '\\''; // crate::store::Store"),
        ("clock.rs", "mod tests { use super::Clock; } use tokio::time::Instant;"),
        ("http/mod.rs", "use my_sqlx::Row; use self::sqlx_like::a; use crate::telemetry::metrics::install;"),
        ("channels/email/smtp.rs", "use lettre::Address; use crate::render::Templates;"),
        ("cli/mod.rs", tests_are_long.as_str()),
        ("formats/tests.rs", tests_are_long.as_str()),
        ("main.rs", "use foghorn::cli;"),
    ];
    for (path, code) in innocent {
        assert_eq!(violations(path, code), Vec::<String>::new(), "{path}: {code}");
    }
}
