//! What the pages tell people to do works, word for word: each guide is followed from its first
//! command to its last.

use std::fs;
use std::path::Path;

use crate::support::database::Database;
use crate::support::guide::Guide;
use crate::support::process::free_port;
use crate::support::services::require;
use crate::support::smtp_sink::{SmtpSink, Tls};
use crate::support::tansu::Tansu;

/// Puts a mail server of the test in the place of the reader's own.
fn mail(sink: &SmtpSink) -> Vec<(String, String)> {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/authority.pem");
    let host = format!("host     = \"localhost\"\nca_file  = \"{authority}\"");
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
async fn the_first_page_is_in_the_inbox() {
    let sink = SmtpSink::start_with(Tls::Start, "server", true).await;
    let ran = follow("docs/guides/first-page.md", &mail(&sink)).await;
    assert!(ran.len() > 10, "{ran:?}");
    let mails = sink.messages();
    assert_eq!(mails.len(), 1);
    assert!(String::from_utf8_lossy(&mails[0].raw).contains("Disk full"));
}
