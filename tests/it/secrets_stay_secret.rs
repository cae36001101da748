//! No secret is ever told: not in a log at its most talkative, not by the API, not by a command, not
//! in the database. Every place where a secret may stand holds one that would be known again, and
//! every channel fails with it in every way.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use foghorn::channels::CHANNELS;
use foghorn::config::{is_secret, json_schema};
use foghorn::http::routes::{Verb, rules};
use serde_json::{Value, json};

use crate::support::canaries::{Canaries, Form};
use crate::support::process::{Draft, Home, said};
use crate::support::smtp_sink::SmtpSink;

/// Something that was said: by whom, and what.
type Tale = (String, Vec<u8>);

const TO_ADA: &str = "steps = [{ after = \"0s\", notify = [\"user:ada\"], via = [\"email\"] }]";

#[test]
fn every_place_of_a_secret_has_a_canary() {
    let mut places = BTreeSet::new();
    for kind in CHANNELS {
        for provider in kind.providers() {
            let secrets = kind.keys(provider).iter().filter(|key| is_secret(key));
            places.extend(secrets.map(|key| format!("channels.{}.{provider}.{key}", kind.name())));
        }
    }
    let schema = json_schema();
    for room in ["server", "auth", "sources", "store", "events_out", "tokens"] {
        below(room, &schema["properties"][room], &mut places);
    }
    assert!(places.len() > 10, "{places:?}");
    let planted: BTreeSet<String> = Canaries::places().into_iter().collect();
    let bare: Vec<_> = places.difference(&planted).collect();
    assert!(bare.is_empty(), "no canary in {bare:?}: plant them in tests/support/canaries.rs");
}

/// Every key below that holds a secret. The names that operators give are left out.
fn below(path: &str, schema: &Value, places: &mut BTreeSet<String>) {
    below_named(path, &schema["additionalProperties"], places);
    below_named(path, schema, places);
}

fn below_named(path: &str, schema: &Value, places: &mut BTreeSet<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        if is_secret(key) {
            places.insert(format!("{path}.{key}"));
        } else if key != "api" {
            below_named(&format!("{path}.{key}"), inner, places);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_said_holds_a_secret() {
    let (sink, canaries) = (SmtpSink::start().await, Canaries::plant().await);
    let home = home(&sink, &canaries).await;
    let out = home.file("stdout.log").display().to_string();
    let life = home.ready(home.spawn_under(&["sh", "-c", "exec \"$@\" >\"$0\"", &out])).await;
    // The libraries, too.
    let everything = json!({ "level": "trace,foghorn=trace" });
    let level = home.http().put(home.url("/api/v1/admin/log-level")).json(&everything);
    assert!(level.send().await.unwrap().status().is_success());
    let stream = follow(&home);

    home.submit("disk").await;
    every_channel_was_tried(&home, &canaries).await;
    let mut tales = tests_of_channels(&home, &canaries).await;
    tales.extend(lists_and_entries(&home).await);
    tales.extend(commands(&home).await);
    let letters = tales.iter().filter(|(from, _)| from.starts_with("/api/v1/dead-letters/"));
    assert!(letters.count() > 5, "dead letters are among what is looked at");
    assert!(canaries.credentials_heard() > 20, "{}", canaries.credentials_heard());
    assert_eq!(home.run(&["reload"]).await.exit, 0);
    tales.extend(files(&home));
    life.terminate().await;
    life.exit().await;
    tales.extend(files(&home));
    tales.push(("/api/v1/stream".to_owned(), stream.lock().unwrap().clone()));
    assert!(tales.iter().any(|(from, said)| from == "/api/v1/stream" && said.len() > 10_000));
    assert_none_tells(&tales, &canaries.needles());
}

async fn home(sink: &SmtpSink, canaries: &Canaries) -> Home {
    let more =
        format!("[telemetry.logs]\nlevel = \"trace\"\nformat = \"json\"\n{}", canaries.tables(Form::File));
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let step = |name: &str| format!("{{ after = \"0s\", notify = [\"user:ada\"], via = [\"{name}\"] }}");
    let steps: Vec<String> = canaries.channels().map(step).collect();
    home.edit(TO_ADA, &format!("steps = [{}]", steps.join(",\n")));
    home.edit("[server]\n", &format!("[server]\n{}", canaries.server(Form::File)));
    let addresses =
        format!("phone = \"+15550111\"\nios = [\"{}\"]\nandroid = [\"a-device\"]", "0a".repeat(32));
    home.edit("email = \"ada@example.com\"", &format!("email = \"ada@example.com\"\n{addresses}"));
    home
}

/// All that the stream tells from now on.
fn follow(home: &Home) -> Arc<Mutex<Vec<u8>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (url, all) = (home.url("/api/v1/stream"), Arc::clone(&told));
    tokio::spawn(async move {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut response = client.get(url).send().await.unwrap();
        while let Ok(Some(chunk)) = response.chunk().await {
            all.lock().unwrap().extend_from_slice(&chunk);
        }
    });
    told
}

async fn every_channel_was_tried(home: &Home, canaries: &Canaries) {
    home.until("every channel was tried", async || {
        let mut tried = BTreeSet::new();
        for delivery in home.list("/api/v1/deliveries?").await {
            if home.outcomes(delivery["id"].as_str().unwrap()).await.iter().any(|how| how != "none") {
                tried.insert(delivery["channel"].as_str().unwrap().to_owned());
            }
        }
        canaries.channels().all(|name| tried.contains(name))
    })
    .await;
}

/// What the test button says of each channel.
async fn tests_of_channels(home: &Home, canaries: &Canaries) -> Vec<Tale> {
    let mut tales = Vec::new();
    for name in canaries.channels() {
        let path = format!("/api/v1/channels/{name}/test");
        let answer = home.http().post(home.url(&path)).json(&json!({ "to": "ada", "severity": "high" }));
        tales.push((path, answer.send().await.unwrap().bytes().await.unwrap().to_vec()));
    }
    tales
}

/// Everything that the API shows to whoever asks: each path that has a `get`, with every entry of
/// the list above it where it needs one.
async fn lists_and_entries(home: &Home) -> Vec<Tale> {
    let mut tales = Vec::new();
    for rule in rules().into_iter().filter(|rule| rule.method == Verb::Get) {
        for path in paths(home, rule.path).await {
            let answer = home.http().get(home.url(&path)).send().await.unwrap();
            let headers = format!("{:?}", answer.headers()).into_bytes();
            tales.push((path, [headers, answer.bytes().await.unwrap().to_vec()].concat()));
        }
    }
    assert!(tales.len() > 60, "{}", tales.len());
    tales
}

/// The paths that a route serves.
async fn paths(home: &Home, path: &str) -> Vec<String> {
    // The stream is read from its beginning, elsewhere; the pages about errors are the same everywhere.
    // A link shows what its incident does.
    if path == "/api/v1/stream"
        || path.starts_with("/docs/")
        || path.starts_with("/i/")
        || path.starts_with("/calendar/")
    {
        return Vec::new();
    }
    // What became of a request of another system, which has no list.
    if path.starts_with("/v2/") {
        return vec!["/v2/alerts/requests/1".to_owned()];
    }
    if path == "/readyz" {
        return vec!["/readyz?verbose".to_owned()];
    }
    let Some((list, rest)) = path.split_once("/{") else {
        return vec![path.to_owned()];
    };
    let (key, rest) = rest.split_once('}').unwrap();
    let (entries, key) = match (list.strip_prefix("/api/v1").unwrap_or(list), key) {
        (_, "userid") => ("/users", "name"),
        (entries, key) => (entries, key),
    };
    let entries = home.list(&format!("/api/v1{entries}?")).await;
    let id = |entry: &Value| entry[key].to_string().trim_matches('"').to_owned();
    entries.iter().map(|entry| format!("{list}/{}{rest}", id(entry))).collect()
}

/// What the commands say of the process, of its configuration, and of one that is wrong.
async fn commands(home: &Home) -> Vec<Tale> {
    let mut tales = Vec::new();
    for line in ["status", "dlq list", "dlq list --json", "delivery list", "channel list", "source list"] {
        let said = home.run(&line.split(' ').collect::<Vec<_>>()).await;
        tales.push((line.to_owned(), format!("{said:?}").into_bytes()));
    }
    let right = home.file("config.toml");
    let lines = ["config show", "config show --effective --origin --json", "config diff"];
    let checks = ["check", "check --json", "check --connect", "db status"];
    let backup = format!("db backup {}", home.file("foghorn.db.backup").display());
    for line in lines.into_iter().chain(checks).chain([backup.as_str()]) {
        tales.push(told(line, &right).await);
    }
    tales
}

/// What a command says of this configuration.
async fn told(line: &str, config: &Path) -> Tale {
    let arguments: Vec<&str> = line.split(' ').chain(["--config", config.to_str().unwrap()]).collect();
    let said = said(&arguments, Stdio::piped()).await;
    (format!("{line} of {}", config.display()), format!("{}\n{}", said.output, said.errors).into_bytes())
}

/// What is in the home, but for the configuration: logs, the database and what belongs to it.
fn files(home: &Home) -> Vec<Tale> {
    let files = fs::read_dir(home.file("")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && path.extension().is_none_or(|kind| kind != "toml"));
    let tales: Vec<Tale> = files.map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect();
    for wanted in ["stdout.log", "stderr.log", "foghorn.db", "foghorn.db.backup"] {
        assert!(tales.iter().any(|(name, _)| name.ends_with(wanted)), "{wanted} is looked at");
    }
    tales
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_a_configuration_in_any_state_holds_no_secret() {
    let canaries = Canaries::plant().await;
    let dir = tempfile::tempdir().unwrap();
    let mut tales = Vec::new();
    for (form, exit) in [(Form::Clear, "0"), (Form::Misspelt, "78")] {
        let text = format!(
            "config_version = 1\n[server]\ndata_dir = '{}'\n{}{}{}",
            dir.path().display(),
            canaries.server(form),
            canaries.store(form),
            canaries.tables(form)
        );
        let path = dir.path().join(format!("{exit}.toml"));
        fs::write(&path, text).unwrap();
        for line in ["check", "check --json", "config show --effective --origin", "config diff", "db status"]
        {
            tales.push(told(line, &path).await);
        }
        if form == Form::Clear {
            tales.push(told("check --connect", &path).await);
        }
    }
    let wrong = tales.iter().filter(|(_, said)| String::from_utf8_lossy(said).contains("error FH01")).count();
    assert!(wrong > 1, "the misspelt ones are told");
    assert_none_tells(&tales, &canaries.needles());
}

fn assert_none_tells(tales: &[Tale], needles: &[String]) {
    let mut found = Vec::new();
    for (from, said) in tales {
        let said = String::from_utf8_lossy(said);
        for needle in needles {
            if let Some(at) = said.find(needle.as_str()) {
                let around: String = said[..at].chars().rev().take(120).collect();
                let around: String = around.chars().rev().collect();
                found.push(format!("{from} says {needle}, behind: {around}"));
                break;
            }
        }
    }
    assert!(found.is_empty(), "{} of {} tell:\n{}", found.len(), tales.len(), found.join("\n"));
}
