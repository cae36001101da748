//! What the pages tell people to do works, word for word: each guide is followed from its first
//! command to its last.

use std::fs;
use std::path::Path;

use crate::support::bus::Bus;
use crate::support::bus::nats::JetStream;
use crate::support::bus::pubsub::Subscription;
use crate::support::bus::rabbitmq::RabbitQueue;
use crate::support::bus::redis::RedisStream;
use crate::support::database::Database;
use crate::support::google::{google, service_account};
use crate::support::guide::Guide;
use crate::support::provider::{Provider, Reply};
use crate::support::services::require;
use crate::support::smtp_sink::{SmtpSink, Tls};
use crate::support::tansu::{Tansu, Writer};
use crate::support::{keys, tls};

/// Puts a mail server of the test in the place of the reader's own.
fn mail(sink: &SmtpSink) -> Vec<(String, String)> {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/authority.pem");
    let host = format!("host     = \"127.0.0.1\"\nca_file  = \"{authority}\"");
    vec![
        ("host     = \"smtp.example.com\"".to_owned(), host),
        ("port     = 587".to_owned(), format!("port     = {}", sink.port)),
    ]
}

async fn follow(page: &str, instead: &[(String, String)]) -> Vec<String> {
    let instead: Vec<(&str, &str)> =
        instead.iter().map(|(told, put)| (told.as_str(), put.as_str())).collect();
    Guide::read(page, &instead).await.follow().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_front_page_does_what_it_says() {
    let demo = ("make run".to_owned(), "foghorn dev --demo".to_owned());
    let ran = follow("README.md", &[demo]).await;
    assert!(ran.len() > 6, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_page_is_in_the_inbox() {
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    let ran = follow("docs/guides/first-page.md", &mail(&sink)).await;
    assert!(ran.len() > 10, "{ran:?}");
    let mails = sink.messages();
    assert_eq!(mails.len(), 1);
    assert!(String::from_utf8_lossy(&mails[0].raw).contains("Disk full"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_through_a_server_that_wants_a_login() {
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    follow("docs/guides/smtp.md", &mail(&sink)).await;
    assert_eq!(sink.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_read_paused_and_read_again() {
    let Some(broker) = Tansu::start_alone().await else {
        return;
    };
    Writer::to(&broker.address(), &[]).create("incidents", 1).await;
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    let mut instead = mail(&sink);
    instead.push(("kafka-1:9092".to_owned(), broker.address()));
    follow("docs/guides/kafka.md", &instead).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_redis_is_read() {
    let Some(stream) = RedisStream::open().await else {
        return;
    };
    let server = "redis://127.0.0.1:6379";
    let instead = [
        (
            "rediss://redis-1:6379/0\"\nusername = \"foghorn\"\npassword = { env = \"REDIS_PASSWORD\" }",
            format!("{server}\""),
        ),
        ("redis://redis-1:6379", server.to_owned()),
        ("[\"incidents\"]", format!("[\"{}\"]", stream.name)),
        ("XADD incidents", format!("XADD {}", stream.name)),
    ];
    follow("docs/guides/redis.md", &instead.map(|(told, put)| (told.to_owned(), put))).await;
    assert_eq!(stream.unsettled().await.all(), 0, "what the page had written was taken in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_nats_is_read() {
    let Some(stream) = JetStream::open().await else {
        return;
    };
    let instead = [
        ("[\"tls://nats-1:4222\", \"tls://nats-2:4222\"]", format!("[\"{}\"]", stream.server())),
        ("username = \"foghorn\"\npassword = { env = \"NATS_PASSWORD\" }\n", String::new()),
        ("\"INCIDENTS\"", format!("\"{}\"", stream.name)),
        ("incidents.>", stream.subject(">")),
    ];
    follow("docs/guides/nats.md", &instead.map(|(told, put)| (told.to_owned(), put))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_of_rabbitmq_is_read() {
    let Some(queue) = RabbitQueue::open().await else {
        return;
    };
    let url = format!("amqp://guest:guest@127.0.0.1:{}/", queue.front().port());
    let instead = [
        ("password = { env = \"RABBITMQ_PASSWORD\" }\n", String::new()),
        ("amqps://foghorn@rabbit-1:5671/prod", url),
        ("[\"incidents\"]", format!("[\"{}\"]", queue.name)),
    ];
    follow("docs/guides/rabbitmq.md", &instead.map(|(told, put)| (told.to_owned(), put))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_of_pubsub_is_read() {
    let Some(bus) = Subscription::open().await else {
        return;
    };
    let here = format!("endpoint = \"{}\"", format_args!("127.0.0.1:{}", bus.front.port()));
    let instead = [
        ("service_account = { file = \"/run/secrets/pubsub.json\" }", here),
        ("acme-prod", "test".to_owned()),
        ("[\"incidents\"]", format!("[\"{}\"]", bus.name)),
    ];
    follow("docs/guides/pubsub.md", &instead.map(|(told, put)| (told.to_owned(), put))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_send_already_is_taken() {
    let ran = follow("docs/guides/senders.md", &[]).await;
    assert!(ran.len() > 15, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_is_kept_in_postgresql() {
    if !require("postgres") {
        return;
    }
    let database = Database::create().await;
    let told = "postgres://foghorn@db.example.com/foghorn".to_owned();
    follow("docs/guides/postgresql.md", &[(told, database.url.clone())]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_and_brought_back() {
    let place = tempfile::tempdir().unwrap();
    let instead = ("/backup/".to_owned(), format!("{}/", place.path().display()));
    follow("docs/guides/backup.md", &[instead]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_for_what_is_wrong_finds_the_way() {
    follow("docs/guides/troubleshooting.md", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_gets_a_configuration_that_was_checked() {
    follow("docs/guides/kubernetes.md", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_asked_as_the_page_says() {
    follow("docs/queries.md", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_guide_is_followed_here() {
    let tests = include_str!("guides.rs");
    for guide in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides")).unwrap() {
        let name = guide.unwrap().file_name().into_string().unwrap();
        assert!(tests.contains(&format!("\"docs/guides/{name}\"")), "nobody follows {name}");
    }
}

/// Lets a channel call a provider of the test, under TLS.
fn calling(provider: &Provider) -> String {
    format!(
        "base_url = \"{}\"\nallow_private_networks = true\nca_file = \"{}\"",
        provider.url(),
        tls::AUTHORITY
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_goes_through_twilio() {
    let queued = Reply::json(201, r#"{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}"#);
    let twilio = Provider::start_tls("server", move |_| queued.clone()).await;
    let by = "provider       = \"twilio\"".to_owned();
    let instead = [(by.clone(), format!("{by}\n{}", calling(&twilio)))];
    follow("docs/guides/sms.md", &instead).await;
    let heard = twilio.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].text().contains("Disk+full"), "{}", heard[0].text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_pushed_to_both_kinds_of_phone() {
    let apple = Provider::start_tls("server", |_| Reply::status(200)).await;
    let google = google(|_| Reply::json(200, r#"{"name":"projects/example-1a2b3/messages/0:1"}"#)).await;
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        (format!("\"{name}\""), format!("\"{}\"", path.display()))
    };
    let (apns, fcm) = ("provider    = \"apns\"".to_owned(), "provider        = \"fcm\"".to_owned());
    let instead = [
        (apns.clone(), format!("{apns}\n{}", calling(&apple))),
        (fcm.clone(), format!("{fcm}\n{}", calling(&google))),
        file("apns.p8", keys::APNS),
        file("fcm.json", &service_account(&google).to_string()),
    ];
    follow("docs/guides/push.md", &instead).await;
    assert_eq!(apple.heard().len(), 2, "a page and a test");
    assert_eq!(google.heard().len(), 2, "a token and a page");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_called() {
    let receiver = Provider::start_tls("server", |_| Reply::status(204)).await;
    let url = "url      = \"https://hooks.example.com/foghorn\"".to_owned();
    let ours = format!(
        "url = \"{}/foghorn\"\nallow_private_networks = true\nca_file = \"{}\"",
        receiver.url(),
        tls::AUTHORITY
    );
    follow("docs/guides/webhooks.md", &[(url, ours)]).await;
    assert_eq!(receiver.heard().len(), 1);
    assert!(receiver.heard()[0].header("webhook-signature").starts_with("v1,"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rooms_are_told() {
    let slack = Provider::start_tls("server", |_| Reply::Answer(200, Vec::new(), b"ok".to_vec())).await;
    let room = Provider::start_tls("server", |_| Reply::Answer(200, Vec::new(), b"ok".to_vec())).await;
    let here = format!("allow_private_networks = true\nca_file = \"{}\"", tls::AUTHORITY);
    let (webhook, chat) = ("provider       = \"webhook\"", "provider    = \"mattermost\"");
    let instead = [
        (webhook.to_owned(), format!("{webhook}\n{here}")),
        (chat.to_owned(), format!("{chat}\n{here}")),
        ("https://hooks.slack.com".to_owned(), slack.url()),
        ("https://chat.example.com".to_owned(), room.url()),
    ];
    follow("docs/guides/chat.md", &instead).await;
    assert_eq!((slack.heard().len(), room.heard().len()), (1, 1));
    assert!(slack.heard()[0].text().contains("Acknowledge"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_words_of_messages_are_looked_at_changed_and_put_back() {
    let ran = follow("docs/guides/templates.md", &[]).await;
    assert!(ran.len() > 8, "{ran:?}");
}
