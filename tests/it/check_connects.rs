//! `foghorn check --connect` asks everything that the configuration names, all at once, and changes
//! nothing: one line for each, with what is wrong and how to mend it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use foghorn::cli::connect::{self, Probe};
use foghorn::cli::{Exit, check};
use foghorn::config::Config;
use foghorn::sources::kafka::EmbeddedBroker;
use foghorn::store::open::{StoreSettings, open};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::bus::name_of_its_own;
use crate::support::bus::rabbitmq::{self, Rabbit};
use crate::support::database::Database;
use crate::support::identity::Identity;
use crate::support::process::free_port;
use crate::support::services::require;
use crate::support::smtp_sink::{Act, At, SmtpSink, Tls};
use crate::support::tls;

const PLANTED: &str = "hunter2";
const LONG: Duration = Duration::from_secs(10);

async fn probed(text: &str, deadline: Duration) -> Vec<Probe> {
    let loaded = Config::parse(text, None, &BTreeMap::new()).expect("a valid configuration");
    let probes = connect::probe(&loaded.config, deadline).await;
    let told = format!("{probes:?} {:?} {:?}", connect::text(&probes), connect::json(&probes));
    assert!(!told.contains(PLANTED), "{told}");
    probes
}

fn email(port: u16, more: &str) -> String {
    format!(
        "[channels.email]\ntype = 'email'\nprovider = 'smtp'\nhost = '127.0.0.1'\nport = {port}\n\
         from = 'Foghorn <foghorn@example.com>'\n{more}\n"
    )
}

fn kafka(broker: &str, topics: &str) -> String {
    format!("[sources.incoming]\ntype = 'kafka'\nbrokers = ['{broker}']\ntopics = [{topics}]\n")
}

fn store(path: &Path) -> String {
    format!("[store]\nurl = 'sqlite://{}'\n", path.display())
}

/// What failed, with its fix.
fn failure(probe: &Probe) -> (Exit, String) {
    let trouble = probe.found.as_ref().expect_err("it failed");
    assert!(!trouble.fix.is_empty(), "{trouble:?}");
    (trouble.exit, trouble.what.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_answers_is_told_with_what_was_seen() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("foghorn.db");
    let settings = StoreSettings { url: format!("sqlite://{}", path.display()), ..StoreSettings::default() };
    // A Foghorn that runs is no obstacle.
    let running = open(&settings).await.unwrap();
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    let broker =
        EmbeddedBroker::start(&[("incidents", 6), ("notices", 3), ("letters", 2), ("changes", 4)]).unwrap();
    let identity = Identity::start().await;
    let access = format!("username = 'ada'\npassword = '{PLANTED}'\nca_file = '{}'", tls::AUTHORITY);
    let text = [
        store(&path),
        kafka(broker.address(), "'incidents', 'notices'") + "dead_letter_topic = 'letters'\n",
        email(sink.port, &access),
        "[channels.sms]\ntype = 'sms'\nprovider = 'outbox'\n".to_owned(),
        format!("[events_out.bus]\ntype = 'kafka'\nbrokers = ['{}']\ntopic = 'changes'\n", broker.address()),
        format!(
            "[auth.oidc]\nissuer = '{}'\nclient_id = 'foghorn'\nclient_secret = '{PLANTED}'\nadmin_group = 'sre'\n\
             allow_private_networks = true\n",
            identity.issuer()
        ),
    ];
    let probes = probed(&text.concat(), LONG).await;
    assert_eq!(connect::exit(&probes), Exit::Done, "{:?}", connect::text(&probes));
    let told = connect::text(&probes).join("\n");
    for part in [
        "√ store    sqlite",
        "(current)",
        "√ source   incoming  1 broker, topics incidents(6) notices(3) letters(2)",
        "√ channel  email",
        "logged in",
        "√ channel  sms",
        "√ sink     bus       topic changes(4)",
        "publishes 2 keys",
        "\n0 failed, 6 ok.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(sink.messages().is_empty());
    drop(running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_and_subscriptions_are_asked_for_and_not_made() {
    let nobody = free_port().await;
    let closed = format!(
        "[sources.rabbit]\ntype = 'rabbitmq'\nurl = 'amqp://u:{PLANTED}@127.0.0.1:{nobody}/'\nqueues = ['q']\n\
         [sources.google]\ntype = 'pubsub'\nproject = 'p'\nsubscriptions = ['sub']\nendpoint = '127.0.0.1:{nobody}'\n\
         [events_out.bus]\ntype = 'rabbitmq'\nurl = 'amqp://u:{PLANTED}@127.0.0.1:{nobody}/'\n[store]\nurl = 'memory:'\n"
    );
    let probes = probed(&closed, LONG).await;
    for probe in &probes[1..] {
        assert_eq!(failure(probe).0, Exit::Unreachable, "{probe:?}");
    }
    assert_eq!(probes.len(), 4);
    let Some(rabbit) = Rabbit::reach().await else { return };
    let (queue, absent) = (name_of_its_own(), name_of_its_own());
    rabbit.declare(&queue, &[]).await;
    let url = format!("amqp://guest:guest@127.0.0.1:{}/", rabbitmq::PORT);
    let text = format!(
        "[sources.rabbit]\ntype = 'rabbitmq'\nurl = '{url}'\nqueues = ['{queue}', '{absent}']\n\
         [sources.strict]\ntype = 'rabbitmq'\nurl = '{url}'\nqueues = ['{absent}']\ndeclare = false\n\
         [events_out.bus]\ntype = 'rabbitmq'\nurl = '{url}'\nexchange = 'amq.topic'\n\
         [events_out.none]\ntype = 'rabbitmq'\nurl = '{url}'\nexchange = '{absent}'\ndeclare = false\n\
         [store]\nurl = 'memory:'\n"
    );
    let probes = probed(&text, LONG).await;
    let told = connect::text(&probes).join("\n");
    let seen = format!("127.0.0.1:5672, queues {queue}(0) {absent}(not there yet; serve makes it)");
    assert!(told.contains(&seen) && told.contains("exchange amq.topic"), "{told}");
    let strict = probes.iter().find(|probe| probe.name == "strict").unwrap();
    assert_eq!(failure(strict), (Exit::InvalidConfig, format!("there is no queue \"{absent}\"")));
    let none = probes.iter().find(|probe| probe.name == "none").unwrap();
    assert_eq!(failure(none).0, Exit::InvalidConfig);
    assert!(told.ends_with("2 failed, 3 ok."), "{told}");
    if !require("pubsub") {
        return;
    }
    let text = "[sources.google]\ntype = 'pubsub'\nproject = 'p'\nsubscriptions = ['nowhere']\n\
                endpoint = '127.0.0.1:8085'\n[store]\nurl = 'memory:'\n";
    let (exit, what) = failure(&probed(text, LONG).await[1]);
    assert!(exit == Exit::InvalidConfig && what.contains("NOT_FOUND"), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_is_unreachable_and_holds_up_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let (broker, mail) = (free_port().await, free_port().await);
    let text = [
        store(&directory.path().join("foghorn.db")),
        kafka(&format!("127.0.0.1:{broker}"), "'incidents'"),
        email(mail, "security = 'none'"),
    ];
    let begun = Instant::now();
    let probes = probed(&text.concat(), LONG).await;
    assert!(begun.elapsed() < LONG, "a broker that refuses is not waited for: {:?}", begun.elapsed());
    assert!(probes[0].found.is_ok(), "{probes:?}");
    let (exit, what) = failure(&probes[1]);
    assert_eq!(exit, Exit::Unreachable);
    assert!(what.starts_with("no broker answers") && what.contains(&broker.to_string()), "{what}");
    let (exit, what) = failure(&probes[2]);
    assert_eq!(exit, Exit::Unreachable, "{what}");
    assert_eq!(connect::exit(&probes).code(), 69);
    assert!(connect::text(&probes).last().unwrap().starts_with("2 failed, 1 ok."));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "a store was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_what_changes_is_asked_too() {
    let directory = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(&[("incidents", 1)]).unwrap();
    let nobody = free_port().await;
    let text = [
        store(&directory.path().join("foghorn.db")),
        kafka(broker.address(), "'incidents'") + "dead_letter_topic = 'letters'\n",
        format!("[events_out.bus]\ntype = 'kafka'\nbrokers = ['{}']\ntopic = 'changes'\n", broker.address()),
        format!(
            "[events_out.hook]\ntype = 'webhook'\nurl = 'http://127.0.0.1:{nobody}/'\nallow_private_networks = true\n"
        ),
        format!(
            "[auth.oidc]\nissuer = 'http://127.0.0.1:{nobody}'\nclient_id = 'fog'\nadmin_group = 'sre'\nallow_private_networks = true\n"
        ),
    ];
    let probes = probed(&text.concat(), Duration::from_secs(3)).await;
    let failed: Vec<(&str, &str)> = probes
        .iter()
        .filter(|probe| probe.found.is_err())
        .map(|probe| (probe.part, probe.name.as_str()))
        .collect();
    assert_eq!(failed, [("source", "incoming"), ("sink", "bus"), ("sink", "hook"), ("auth", "oidc")]);
    for (part, words) in [("source", "letters"), ("sink", "changes")] {
        let (_, what) = failure(probes.iter().find(|probe| probe.part == part).unwrap());
        assert!(what.contains(words), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_is_told_as_it_was_said_and_outweighs_silence() {
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    sink.always(At::Auth, Act::Say("535 5.7.8 that is not the password"));
    let broker = EmbeddedBroker::start(&[("incidents", 1)]).unwrap();
    let access = format!("username = 'ada'\npassword = '{PLANTED}'\nca_file = '{}'", tls::AUTHORITY);
    let text = format!(
        "{}{}[sources.far]\ntype = 'kafka'\nbrokers = ['127.0.0.1:{}']\ntopics = ['t']\n[store]\nurl = 'memory:'\n",
        kafka(broker.address(), "'incidents', 'absent'"),
        email(sink.port, &access),
        free_port().await,
    );
    let probes = probed(&text, LONG).await;
    let by = |name: &str| failure(probes.iter().find(|probe| probe.name == name).unwrap());
    assert_eq!(by("far").0, Exit::Unreachable);
    let (exit, what) = by("email");
    assert_eq!(exit, Exit::InvalidConfig);
    assert!(what.contains("535 5.7.8") && what.contains("that is not the password"), "{what}");
    let (exit, what) = by("incoming");
    assert_eq!(exit, Exit::InvalidConfig, "{what}");
    assert!(what.contains("there is no topic \"absent\""), "{what}");
    assert_eq!(connect::exit(&probes).code(), 78);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_is_given_up_at_the_deadline() {
    let sink = SmtpSink::start().await;
    sink.always(At::Greeting, Act::Hang);
    // It takes connections and never says a word.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broker = mute.local_addr().unwrap();
    let text = [
        "[store]\nurl = 'memory:'\n".to_owned(),
        kafka(&broker.to_string(), "'incidents'"),
        email(sink.port, "security = 'none'"),
    ];
    let begun = Instant::now();
    let probes = probed(&text.concat(), Duration::from_secs(2)).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "side by side, not one after the other: {took:?}");
    assert_eq!(connect::exit(&probes), Exit::Unreachable);
    assert_eq!(failure(&probes[2]).1, "no answer within 2 s");
}

#[tokio::test]
async fn a_database_that_would_be_refused_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    fs::write(&path, "Dear Ada, this is a letter and no database. ".repeat(30)).unwrap();
    let before = fs::read(&path).unwrap();
    let probes = probed(&store(&path), LONG).await;
    assert_eq!(failure(&probes[0]).0, Exit::InvalidConfig);
    let probes = probed(&store(&directory.path().join("no/such/foghorn.db")), LONG).await;
    assert_eq!(failure(&probes[0]).0, Exit::Unreachable);
    let empty = directory.path().join("empty.db");
    fs::write(&empty, "").unwrap();
    let probes = probed(&store(&empty), LONG).await;
    assert!(probes[0].found.as_ref().is_ok_and(|seen| seen.contains("nothing there yet")), "{probes:?}");
    assert_eq!(fs::read(&empty).unwrap(), b"");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "a file was made");
}

#[tokio::test]
async fn a_database_that_rests_is_read_without_a_trace() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("foghorn.db");
    let settings = StoreSettings { url: format!("sqlite://{}", path.display()), ..StoreSettings::default() };
    drop(open(&settings).await.unwrap());
    let listed = || {
        let mut names: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        names.sort();
        names
    };
    // The last connection takes the log away as it closes, on a thread of its own.
    let closed = async {
        while directory.path().join("foghorn.db-wal").exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, closed).await.expect("the database is closed");
    let before = listed();
    let probes = probed(&store(&path), LONG).await;
    assert!(probes[0].found.as_ref().is_ok_and(|seen| seen.contains("(current)")), "{probes:?}");
    assert!(listed() == before, "something changed");
}

#[tokio::test]
async fn an_empty_server_stays_empty_and_a_used_one_tells_its_schema() {
    if !require("postgres") {
        return;
    }
    let database = Database::create().await;
    let text = format!("[store]\nurl = '{}'\n", database.url);
    for _ in 0..2 {
        let probes = probed(&text, LONG).await;
        assert!(probes[0].found.as_ref().is_ok_and(|seen| seen.contains("nothing there yet")), "{probes:?}");
    }
    let settings =
        StoreSettings { url: database.url.clone(), max_connections: 2, ..StoreSettings::default() };
    drop(open(&settings).await.unwrap());
    let probes = probed(&text, LONG).await;
    assert!(probes[0].found.as_ref().is_ok_and(|seen| seen.contains("(current)")), "{probes:?}");
    let port = free_port().await;
    let text = format!("[store]\nurl = 'postgres://ada@127.0.0.1:{port}/x'\npassword = '{PLANTED}'\n");
    assert_eq!(failure(&probed(&text, LONG).await[0]).0, Exit::Unreachable);
}

/// The binary as scripts see it.
async fn foghorn(arguments: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_foghorn"));
    let output = command.args(arguments).env_clear().output().await.unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), lines, String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_get_an_object_a_line_and_an_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let file = path.to_str().unwrap();
    let sink = SmtpSink::start().await;
    let text = |port: u16| {
        format!("{}[store]\nurl = 'memory:'\n", email(port, "security = 'none'\nhost = '127.0.0.1'"))
            .replacen("host = '127.0.0.1'\n", "", 1)
    };
    fs::write(&path, text(sink.port)).unwrap();
    let (code, lines, talk) = foghorn(&["check", file, "--connect", "--json"]).await;
    assert_eq!((code, talk.as_str()), (Some(0), ""), "{lines:?}");
    let parts: Vec<_> = lines.iter().map(|line| (line["part"].as_str().unwrap(), &line["ok"])).collect();
    // Links to localhost, and nothing else to say.
    assert_eq!(
        parts,
        [
            ("config", &Value::Bool(true)),
            ("problem", &Value::Null),
            ("store", &Value::Bool(true)),
            ("channel", &Value::Bool(true))
        ]
    );
    assert_eq!((&lines[1]["code"], &lines[1]["gravity"]), (&"FH0207".into(), &"warning".into()));
    let (code, _, _) = foghorn(&["check", file, "--deny-warnings", "--json"]).await;
    assert_eq!(code, Some(78));

    fs::write(&path, text(free_port().await)).unwrap();
    let (code, lines, _) = foghorn(&["check", "--config", file, "--connect", "--json"]).await;
    assert_eq!(
        (code, &lines[3]["ok"], &lines[3]["exit"]),
        (Some(69), &false.into(), &69.into()),
        "{lines:?}"
    );

    fs::write(&path, "[http]\nlistne = 'x'\n").unwrap();
    let (code, lines, _) = foghorn(&["check", file, "--connect", "--json"]).await;
    assert_eq!(code, Some(78));
    assert_eq!(lines.len(), 2, "a wrong file is not connected for: {lines:?}");
    assert_eq!((&lines[1]["line"], &lines[1]["column"]), (&2.into(), &1.into()));
    let checked = check::check(Some(&path), &BTreeMap::new());
    assert_eq!(checked.problems.len(), 1);
}
