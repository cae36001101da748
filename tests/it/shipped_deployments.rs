//! What `dist/` and the Dockerfile set is what the configuration knows, and what it comes to is safe.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use foghorn::catalogue::Code;
use foghorn::config::{AuthMode, Config, Loaded, Problem};

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

type Environment = BTreeMap<String, String>;

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// `ENV` of the image.
fn image() -> Environment {
    let dockerfile = file("Dockerfile");
    let stage = dockerfile.rsplit("\nFROM ").next().unwrap();
    let (_, after) = stage.split_once("\nENV ").unwrap();
    let block: Vec<&str> = after.split_inclusive('\n').collect();
    let length = block.iter().take_while(|line| line.ends_with("\\\n")).count() + 1;
    let pair = |line: &&str| {
        let (name, value) = line.trim_end_matches(['\\', '\n']).trim().split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    block[..length].iter().filter_map(pair).collect()
}

/// Everything between `start` and the first line that is not indented more than by `indent`.
fn block<'a>(text: &'a str, start: &str, indent: usize) -> Vec<&'a str> {
    let (_, after) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    let deeper = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
    after.lines().skip(1).take_while(deeper).collect()
}

/// What the image and compose set.
fn composed() -> Environment {
    let text = file("dist/compose.yaml");
    let pairs = block(&text, "    environment:", 4).into_iter().filter_map(|line| {
        let (name, value) = line.trim().split_once(": ").filter(|(name, _)| !name.starts_with('#'))?;
        Some((name.to_owned(), value.replace("${SMTP_PASSWORD:-}", "secret")))
    });
    image().into_iter().chain(pairs).collect()
}

/// What the image and the deployment set.
fn orchestrated() -> Environment {
    let text = file("dist/kubernetes.yaml");
    let mut set = image();
    let mut name = String::new();
    for line in block(&text, "          env:", 10).into_iter().map(str::trim) {
        if let Some(next) = line.strip_prefix("- name: ") {
            next.clone_into(&mut name);
        } else if let Some(value) = line.strip_prefix("value: ") {
            set.insert(name.clone(), value.trim_matches('"').to_owned());
        } else if line.starts_with("secretKeyRef: ") {
            set.insert(name.clone(), "secret".to_owned());
        }
    }
    set
}

fn parsed(text: &str, environment: &Environment) -> Loaded {
    Config::parse(text, None, environment).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(Problem::render).collect::<Vec<_>>().join("\n"))
    })
}

fn warnings(loaded: &Loaded) -> Vec<Code> {
    loaded.warnings.iter().map(|problem| problem.code).collect()
}

#[test]
fn the_image_by_itself_starts_and_is_open_to_nobody() {
    let loaded = parsed("", &image());
    assert_eq!(warnings(&loaded), []);
    assert!(loaded.config.http.listen.ip().is_loopback());
    assert_eq!(loaded.config.auth, AuthMode::None);
}

#[test]
fn compose_says_that_it_trusts_its_network_and_publishes_to_this_machine_only() {
    let loaded = parsed("", &composed());
    assert_eq!(warnings(&loaded), [Code::OpenByChoice]);
    let port = loaded.config.http.listen.port();
    assert!(file("dist/compose.yaml").contains(&format!("ports: [\"127.0.0.1:{port}:{port}\"]")));
}

#[test]
fn the_configuration_for_kubernetes_is_right_and_says_that_it_trusts_its_network() {
    let text = file("dist/kubernetes.yaml");
    let toml = block(&text, "  config.toml: |", 2).join("\n").replace("\n    ", "\n");
    let loaded = parsed(toml.trim(), &orchestrated());
    assert_eq!(warnings(&loaded), [Code::OpenByChoice]);
    assert_eq!(loaded.secrets, 1, "the one that the deployment hands over");
    assert!(text.contains("kind: NetworkPolicy"), "which is why the network can be trusted");
    let port = format!("containerPort: {}", loaded.config.http.listen.port());
    assert!(text.contains(&port), "{port}");
}

/// A process in the environment of compose: it runs, says what it gives away, and its probes are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_trusts_its_network_runs_and_answers_every_probe_of_kubernetes() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let port = home.url("").rsplit(':').next().unwrap().to_owned();
    let mut set = composed();
    // The home has a folder of its own, and a mail server without a login.
    set.remove("FOGHORN_SERVER__DATA_DIR").unwrap();
    set.remove("SMTP_PASSWORD").unwrap();
    let variables: Vec<String> =
        set.iter().map(|(name, value)| format!("{name}={}", value.replace("3644", &port))).collect();
    let wrapper: Vec<&str> = ["env"].into_iter().chain(variables.iter().map(String::as_str)).collect();
    let life = home.ready(home.spawn_under(&wrapper)).await;
    assert!(life.log().contains(Code::OpenByChoice.as_str()), "{}", life.log());
    let text = file("dist/kubernetes.yaml");
    let probes: Vec<&str> = text.split("path: /").skip(1).filter_map(|rest| rest.split(',').next()).collect();
    assert_eq!(probes, ["startupz", "livez", "readyz"]);
    for probe in probes {
        let answer = home.http().get(home.url(&format!("/{probe}"))).send().await.unwrap();
        assert!(answer.status().is_success(), "{probe}: {}", answer.status());
    }
    life.terminate().await;
    assert_eq!(life.exit().await.0, 0);
}
