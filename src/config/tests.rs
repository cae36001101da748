use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::report::is_secret;
use super::schema::{CHANNEL, Kind, SOURCES, every_key};
use super::{Code, Config, Loaded, Location, Problem, REFERENCE, SourceConfig};
use crate::channels::CHANNELS;
use crate::domain::retry::RetryPolicy;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn parse(text: &str, pairs: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    Config::parse(text, Some(Path::new("config.toml")), &env(pairs))
}

fn good(text: &str, pairs: &[(&str, &str)]) -> Loaded {
    parse(text, pairs).unwrap_or_else(|problems| panic!("{}", rendered(&problems)))
}

fn rendered(problems: &[Problem]) -> String {
    problems.iter().map(Problem::render).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_empty_file_is_valid_and_says_the_same_as_the_reference() {
    let empty = good("", &[]);
    let reference = good(REFERENCE, &[]);
    assert_eq!(format!("{:?}", empty.config), format!("{:?}", reference.config));
    assert_eq!(empty.warnings, []);
    assert_eq!(reference.warnings, []);
    assert!(empty.config.channels.is_empty() && empty.config.route_table.routes.is_empty());
    let sources: Vec<&str> = empty.config.sources.keys().map(|name| name.as_str()).collect();
    assert_eq!(sources, ["api"]);
    assert_eq!(empty.config.store.url.expose(), "sqlite:///var/lib/foghorn/foghorn.db");
    assert!(empty.config.http.listen.ip().is_loopback());
}

#[test]
fn the_reference_names_every_key() {
    for (path, key) in every_key() {
        let name = key.name;
        let value = [format!("{name} "), format!("[{name}"), format!(".{name}]"), format!("[[{name}")];
        let named = REFERENCE.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            line.starts_with(&value[0])
                || line.starts_with(&value[1])
                || line.starts_with(&value[3])
                || line.contains(&value[2])
                || line.contains(&format!("[{name}."))
                || line.contains(&format!(".{name}]]"))
                || line.contains(&format!("{{ {name} ="))
                || line.contains(&format!(", {name} ="))
        });
        assert!(named, "config.toml does not mention {path}.{name}");
    }
}

#[test]
fn the_examples_of_the_reference_are_valid_too() {
    let mut text = String::new();
    let mut example = false;
    for line in REFERENCE.lines() {
        example = (example || line == "# example") && !line.is_empty();
        let shown = if example && line != "# example" { line.trim_start_matches('#') } else { line };
        text.push_str(shown);
        text.push('\n');
    }
    // The one file that an example names is not on every machine.
    let mut kept: String =
        text.lines().filter(|line| !line.contains("ca_file  =")).map(|line| format!("{line}\n")).collect();
    // "page" is left for the reader to write.
    kept = kept.replace("policy = \"page\"", "policy = \"mail-only\"");
    // Nor are the files of push; keys, unlike passwords, have to be some.
    kept = kept.replace("file = \"/run/secrets/apns.p8\"", "env = \"APNS_KEY\"");
    for account in ["fcm", "pubsub"] {
        kept = kept.replace(&format!("file = \"/run/secrets/{account}.json\""), "env = \"FCM_ACCOUNT\"");
    }
    let apns = include_str!("../../tests/support/keys/apns-test-key.p8");
    let fcm = include_str!("../../tests/support/keys/fcm-test-key.pem");
    let account =
        serde_json::json!({ "client_email": "foghorn@example.com", "private_key": fcm }).to_string();
    let secrets = [
        ("OIDC_CLIENT_SECRET", "x"),
        ("PROMETHEUS_TOKEN", "fh_twenty-or-more-characters"),
        ("KAFKA_PASSWORD", "x"),
        ("REDIS_PASSWORD", "x"),
        ("RABBITMQ_PASSWORD", "x"),
        ("NATS_PASSWORD", "x"),
        ("ALERTMANAGER_TOKEN", "twenty-or-more-characters"),
        ("PROMETHEUS_PASSWORD", "x"),
        ("ROUTING_KEY", "twenty-or-more-characters"),
        ("GRAFANA_SECRET", "x"),
        ("GRAFANA_SECRET_BEFORE", "y"),
        ("INCIDENTDB_PASSWORD", "x"),
        ("SMTP_PASSWORD", "x"),
        ("POSTMARK_TOKEN", "x"),
        ("SENDGRID_API_KEY", "x"),
        ("BOUNCE_SECRET", "sixteen-or-more-x"),
        ("TWILIO_AUTH_TOKEN", "x"),
        ("TWILIO_OLD_TOKEN", "x"),
        ("SMS_GATEWAY_LOGIN", "x"),
        ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("WEBHOOK_OLD_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("EVENTS_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("EVENTS_OLD_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/x"),
        ("SLACK_SIGNING_SECRET", "x"),
        ("SLACK_OLD_SIGNING_SECRET", "x"),
        ("SLACK_TOKEN", "xoxb-x"),
        ("TEAMS_WEBHOOK_URL", "https://example.webhook.office.com/x"),
        ("CHAT_WEBHOOK_URL", "https://chat.example.com/hooks/x"),
        ("APNS_KEY", apns),
        ("FCM_ACCOUNT", account.as_str()),
    ];
    let loaded = good(&kept, &secrets);
    assert_eq!(loaded.config.route_table.routes.len(), 2);
    assert_eq!(loaded.config.channels.len(), 13);
    assert_eq!(loaded.config.sources.len(), 12);
    assert_eq!(loaded.config.mappers.len(), 2);
    assert_eq!(loaded.config.tokens.len(), 1);
    assert_eq!(loaded.config.events_out.len(), 3);
}

#[test]
fn the_retry_of_the_reference_is_the_domains() {
    let loaded = good("[channels.a]\ntype = 'email'\nprovider = 'outbox'", &[]);
    let retry = &loaded.config.channels["a"].retry;
    assert_eq!(retry, &RetryPolicy::default());
    let written = super::load::reference_retry();
    assert_eq!(written, RetryPolicy::default());
}

/// A valid line for a key, misspelt by the caller.
fn sample(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Word(..) => "'x'",
        Kind::Switch => "true",
        Kind::Count(..) => "1",
        Kind::Share => "0.5",
        Kind::Duration(..) => "'5s'",
        Kind::Size(..) => "'1MiB'",
        Kind::Rate => "'1/s'",
        Kind::Moment => "'2026-01-05T09:00:00'",
        Kind::Clock => "'22:00'",
        Kind::Zone => "'UTC'",
        Kind::Texts | Kind::Each(_) => "[]",
        _ => "{}",
    }
}

/// Every word that is one slip away: a letter left out, twice, swapped with the next, or another one.
fn slips(word: &str) -> Vec<String> {
    let mut slips = Vec::new();
    for at in 0..word.len() {
        let (head, tail) = word.split_at(at);
        let letter = &tail[..1];
        slips.push(format!("{head}{}", &tail[1..]));
        slips.push(format!("{head}{letter}{tail}"));
        slips.push(format!("{head}{}{}", if letter == "e" { "r" } else { "e" }, &tail[1..]));
        if let Some(next) = tail.get(1..2) {
            slips.push(format!("{head}{next}{letter}{}", &tail[2..]));
        }
    }
    slips.retain(|slip| !slip.is_empty() && slip != word && !slip.starts_with(['_', '-']));
    slips.sort();
    slips.dedup();
    slips
}

/// A table in which `key` is not there yet, with all that it needs to be understood.
fn table_of(path: &str, key: &str) -> String {
    let mut text = String::from("# comment\n\n");
    let type_with = |key: &str| {
        SOURCES.iter().find(|source| source.section.kind(key).is_some()).expect("a type has it").name
    };
    if let Some(below) = path.strip_prefix("sources.NAME.") {
        let kind = type_with(below.split('.').next().unwrap_or_default());
        text.push_str(&format!("[sources.x]\ntype = '{kind}'\n"));
    }
    let header = path.replace("NAME", "x");
    let list =
        path == "routes" || path.ends_with("steps") || path.ends_with("overrides") || path.ends_with("rules");
    match (path.is_empty(), list) {
        (true, _) => {}
        (false, true) => text.push_str(&format!("[[{header}]]\n")),
        (false, false) => text.push_str(&format!("[{header}]\n")),
    }
    if path == "sources.NAME" && key != "type" {
        text.push_str(&format!("type = '{}'\n", type_with(key)));
    }
    if path == "channels.NAME" {
        let base = ["type = 'email'\n", "provider = 'outbox'\n"];
        base.iter().filter(|line| !line.starts_with(key)).for_each(|line| text.push_str(line));
    }
    text
}

/// Each key with a table for it, a value, and the other keys of the table.
fn every_place() -> Vec<(String, &'static str, &'static str, Vec<&'static str>)> {
    let keys = every_key();
    let mut places = Vec::new();
    for (path, key) in &keys {
        let beside = keys.iter().filter(|(other, _)| other == path).map(|(_, key)| key.name).collect();
        places.push((table_of(path, key.name), key.name, sample(key.kind), beside));
    }
    for kind in CHANNELS {
        for provider in kind.providers() {
            let text = format!("[channels.x]\ntype = '{}'\nprovider = '{provider}'\n", kind.name());
            let beside: Vec<_> = CHANNEL.names().chain(kind.keys(provider).iter().copied()).collect();
            for key in kind.keys(provider) {
                places.push((text.clone(), *key, "'x'", beside.clone()));
            }
        }
    }
    places
}

#[test]
fn a_key_misspelt_by_one_letter_is_found_at_its_place_with_what_was_meant() {
    let (mut tried, mut right) = (0, 0);
    let (mut lost, mut unsuggested) = (Vec::new(), Vec::new());
    for (table, key, value, beside) in every_place() {
        for slip in slips(key).into_iter().filter(|slip| !beside.contains(&slip.as_str())) {
            tried += 1;
            let text = format!("{table}  {slip} = {value}\n");
            match suggested(&text, &slip, table.lines().count() + 1) {
                None => lost.push(text),
                Some(label) if label.contains(&format!("Did you mean \"{key}\"?")) => right += 1,
                Some(_) => unsuggested.push(format!("{slip} for {key}")),
            }
        }
    }
    assert!(tried > 2_500, "{tried}");
    assert!(lost.is_empty(), "{} of {tried} are not found at their place: {lost:#?}", lost.len());
    assert!(right * 100 >= tried * 95, "{right} of {tried}; {unsuggested:?}");
}

/// What is said at the misspelt key, if it is found at its line and column.
fn suggested(text: &str, misspelt: &str, line: usize) -> Option<String> {
    let problems = parse(text, &[]).err()?;
    let found = problems.into_iter().find(|problem| {
        let here = matches!(problem.location, Some(Location::File { line: at, column: 3, .. }) if at == line);
        here && problem.code == Code::UnknownKey && problem.what == format!("unknown key \"{misspelt}\"")
    });
    found?.label
}

#[test]
fn a_secret_is_not_shown_however_its_key_is_written() {
    let mut tried = 0;
    for (table, key, ..) in every_place().into_iter().filter(|(_, key, ..)| is_secret(key)) {
        for slip in slips(key).iter().map(String::as_str).chain([key]) {
            for value in [
                "'planted'",
                "'planted",
                "planted",
                "['planted']",
                "{ evn = 'planted' }",
                "{ value = 'planted",
                "'planted' 5",
            ] {
                tried += 1;
                // Beside it, on the same line and on the next one, something else is wrong.
                let inline = format!("{table}x = {{ {slip} = {value}, y = 1 }}\nz = \n");
                for text in [format!("{table}{slip} = {value}\nwokers = 3\n"), inline] {
                    let told = match parse(&text, &[]) {
                        Ok(loaded) => rendered(&loaded.warnings),
                        Err(problems) => rendered(&problems),
                    };
                    assert!(!told.contains("planted"), "{text}\n{told}");
                }
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let text = "[http]\nlisten = '127.0.0.1:1'\n[sources.in-coming]\ntype = 'kafka'\nbrokers = ['a:1']\ntopics = ['t']";
    let loaded = good(
        text,
        &[
            ("FOGHORN_HTTP__LISTEN", "127.0.0.1:2"),
            ("FOGHORN_DELIVERY__RETRY__MAX_AGE", "2h"),
            ("FOGHORN_SOURCES__IN_COMING__BROKERS", "b:2, c:3"),
            ("FOGHORN_SOURCES__IN_COMING__TOPICS", "[\"x\", \"y\"]"),
            ("FOGHORN_CHANNELS__EMAIL__TYPE", "email"),
            ("FOGHORN_CHANNELS__EMAIL__PROVIDER", "outbox"),
            ("FOGHORN_CHANNELS__EMAIL__WORKERS", "3"),
            ("FOGHORN_USERS__ADA__PHONE", "+15550111"),
            ("FOGHORN_INCIDENTS__SEVERITY_ALIASES", "{\"p9\": \"low\"}"),
            ("FOGHORN_CONFIG", "ignored"),
            ("FOGHORN_TEST_ANYTHING", "ignored"),
        ],
    );
    let config = loaded.config;
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.http.request_timeout, Duration::from_secs(30));
    assert_eq!(config.channels["email"].workers, 3);
    assert_eq!(config.channels["email"].retry.max_age, Duration::from_secs(7_200));
    let SourceConfig::Kafka(kafka) = &config.sources["in-coming"] else { panic!() };
    assert_eq!(kafka.brokers, ["b:2", "c:3"]);
    assert_eq!(kafka.topics, ["x", "y"]);
    assert!(config.severities.aliases.resolve("p9").is_some());
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_variable_that_means_nothing_is_a_warning_with_a_suggestion() {
    let loaded = good(
        "",
        &[("FOGHORN_HTPP__LISTEN", "x"), ("FOGHORN_HTTP__LISTNE", "x"), ("FOGHORN_HTTP_LISTEN", "x")],
    );
    let warnings = rendered(&loaded.warnings);
    assert_eq!(warnings.matches(&format!("warning {}", Code::UnknownVariable)).count(), 3, "{warnings}");
    assert_eq!(warnings.matches("did you mean FOGHORN_HTTP__LISTEN?").count(), 3, "{warnings}");
}

#[test]
fn a_wrong_variable_is_named() {
    let problems = parse("", &[("FOGHORN_HTTP__REQUEST_TIMEOUT", "15")]).unwrap_err();
    let text = rendered(&problems);
    assert!(
        text.contains(Code::NeedsUnit.as_str())
            && text.contains("environment: FOGHORN_HTTP__REQUEST_TIMEOUT"),
        "{text}"
    );
}

#[test]
fn a_header_of_a_gateway_may_be_a_secret_that_is_kept_elsewhere() {
    let text = "[channels.modem]\ntype = 'sms'\nprovider = 'http'\nurl = 'https://sms.example.com'\n\
                body = '{\"to\": \"{{ to }}\"}'\nheaders = { authorization = { env = 'SMS_LOGIN' } }\n";
    let loaded = good(text, &[("SMS_LOGIN", "Bearer hunter2")]);
    let modem = &loaded.config.channels["modem"];
    assert_eq!(modem.settings["headers"]["authorization"].as_str(), Some("Bearer hunter2"));
    assert!(!format!("{:?}", loaded.config).contains("hunter2"));
    assert!(loaded.warnings.iter().all(|problem| !problem.render().contains("modem")));
}

#[test]
fn names_of_other_services_work_and_the_file_wins() {
    let foreign = [
        ("KAFKA_BROKERS", "a:1,b:2"),
        ("KAFKA_TOPIC", "notifications"),
        ("KAFKA_GROUP_ID", "consumers"),
        ("DATABASE_URL", "postgres://foghorn@db/foghorn"),
        ("WORKER_POOL_SIZE", "7"),
        ("MAX_RETRIES", "5"),
        ("BACKOFF_BASE_DELAY_MS", "250"),
    ];
    let channel = "[channels.sms]\ntype = 'sms'\nprovider = 'outbox'\n";
    let loaded = good(channel, &foreign);
    let SourceConfig::Kafka(kafka) = &loaded.config.sources["kafka"] else { panic!() };
    assert_eq!(kafka.brokers, ["a:1", "b:2"]);
    assert_eq!(
        (kafka.topics.as_slice(), kafka.group_id.as_str()),
        (["notifications".to_owned()].as_slice(), "consumers")
    );
    let sms = &loaded.config.channels["sms"];
    assert_eq!((sms.workers, sms.retry.max_attempts, sms.retry.base), (7, 6, Duration::from_millis(250)));
    assert_eq!(loaded.config.store.url.expose(), "postgres://foghorn@db/foghorn");
    assert_eq!(loaded.borrowed.len(), foreign.len());

    let text = format!(
        "{channel}workers = 2\n[store]\nurl = 'memory:'\n[sources.mine]\ntype = 'kafka'\nbrokers = ['c:1']\ntopics = ['t']\n"
    );
    let loaded = good(&text, &foreign);
    assert!(!loaded.config.sources.contains_key("kafka"));
    assert_eq!(loaded.config.channels["sms"].workers, 2);
    assert_eq!(loaded.config.store.url.expose(), "memory:");
}

#[test]
fn a_broker_that_is_only_named_has_the_exchange_of_the_services_that_name_it() {
    let text = "[channels.sms]\ntype = 'sms'\nprovider = 'outbox'\n";
    let named = [
        ("RABBITMQ_URL", "amqp://user:planted-secret@rabbitmq:5672/"),
        ("PUBSUB_PROJECT_ID", "acme"),
        ("PUBSUB_SUBSCRIPTION_ID", "incidents"),
        ("PUBSUB_EMULATOR_HOST", "127.0.0.1:8085"),
    ];
    let loaded = good(text, &named);
    assert!(!format!("{loaded:?}").contains("planted-secret"));
    let SourceConfig::RabbitMq(rabbit) = &loaded.config.sources["rabbitmq"] else { panic!() };
    assert_eq!((rabbit.exchange.as_deref(), rabbit.declare), (Some("notification.events"), true));
    assert_eq!(
        (rabbit.queues.join(" "), rabbit.bindings.join(" ")),
        ("foghorn".to_owned(), "user.#".to_owned())
    );
    let SourceConfig::PubSub(pubsub) = &loaded.config.sources["pubsub"] else { panic!() };
    assert_eq!((pubsub.project.as_str(), pubsub.endpoint.as_str()), ("acme", "127.0.0.1:8085"));
    assert_eq!(pubsub.subscriptions, ["incidents"]);
    assert_eq!(loaded.borrowed.len(), named.len());

    let mine = format!(
        "{text}[sources.rabbitmq]\ntype = 'rabbitmq'\nqueues = ['mine']\n\
         [sources.google]\ntype = 'pubsub'\nproject = 'p'\nsubscriptions = ['sub']\nendpoint = 'https://x'\n"
    );
    let loaded = good(&mine, &named);
    let SourceConfig::RabbitMq(rabbit) = &loaded.config.sources["rabbitmq"] else { panic!() };
    assert_eq!((rabbit.queues.join(" "), rabbit.exchange.as_deref()), ("mine".to_owned(), None));
    assert!(!loaded.config.sources.contains_key("pubsub"));
    let SourceConfig::PubSub(pubsub) = &loaded.config.sources["google"] else { panic!() };
    assert_eq!(pubsub.endpoint, "https://x", "the file wins");
}

#[test]
fn a_secret_is_read_from_where_it_is_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("broker"), "planted-secret\r\n\n").unwrap();
    let text = "[sources.a]\ntype = 'kafka'\nbrokers = ['a:1']\ntopics = ['t']\n\
                sasl = { mechanism = 'SCRAM-SHA-256', username = 'u', password = { credential = 'broker' } }\n\
                [store]\nurl = 'postgres://u@h/d'\npassword = { env = 'PG' }\n";
    let directory = dir.path().display().to_string();
    let loaded = good(text, &[("CREDENTIALS_DIRECTORY", &directory), ("PG", "planted-secret")]);
    assert_eq!(loaded.secrets, 2);
    let SourceConfig::Kafka(kafka) = &loaded.config.sources["a"] else { panic!() };
    let password =
        kafka.sasl.as_ref().map(|sasl| secrecy::ExposeSecret::expose_secret(&sasl.password).to_owned());
    assert_eq!(password.as_deref(), Some("planted-secret"));
    assert!(!format!("{loaded:?}").contains("planted-secret"));
    let escape = text.replace("'broker'", "'../broker'");
    let problems = parse(&escape, &[("CREDENTIALS_DIRECTORY", &directory), ("PG", "x")]).unwrap_err();
    assert_eq!(problems.iter().filter(|problem| problem.is_error()).count(), 1, "{}", rendered(&problems));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_mistake_and_nul_is() {
    good("\u{feff}[http]\r\nmax_body = '2MiB'\r\n", &[]);
    for text in ["[http]\0", "\u{1}\u{2}\u{3}", "= = =", "[", "a"] {
        let problems = parse(text, &[]).unwrap_err();
        assert_eq!(problems[0].code, Code::Syntax, "{}", rendered(&problems));
    }
}

#[test]
fn a_channel_says_its_retry_over_delivery_over_its_type() {
    let text = "[delivery.retry]\nbase = '1s'\ncap = '1m'\n[channels.a]\ntype = 'sms'\nprovider = 'outbox'\n\
                retry = { cap = '2m', on_unknown = 'hold' }\n";
    let retry = good(text, &[]).config.channels["a"].retry.clone();
    assert_eq!((retry.base, retry.cap), (Duration::from_secs(1), Duration::from_secs(120)));
    assert_eq!(retry.max_attempts, 120);
}

#[test]
fn ten_thousand_routes_load_within_a_moment() {
    let mut text = String::from(
        "[users.ada]\nemail = 'ada@example.com'\n[channels.email]\ntype = 'email'\nprovider = 'outbox'\n",
    );
    text.push_str("[policies.p]\nsteps = [{ notify = ['ada'], via = ['email'] }]\n");
    for index in 0..10_000 {
        text.push_str(&format!(
            "[[routes]]\nname = 'r{index}'\nmatch = {{ service = 's{index}' }}\npolicy = 'p'\n"
        ));
    }
    text.push_str("[[routes]]\nname = 'rest'\npolicy = 'p'\n");
    assert_eq!(good(&text, &[]).config.route_table.routes.len(), 10_001);
}
