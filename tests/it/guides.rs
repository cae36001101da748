//! What the pages tell people to do works, word for word: each guide is followed from its first
//! command to its last.

use std::fs;
use std::path::Path;

use crate::support::database::Database;
use crate::support::guide::Guide;
use crate::support::services::require;
use crate::support::smtp_sink::{SmtpSink, Tls};
use crate::support::tansu::{Tansu, Writer};

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
