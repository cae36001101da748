//! TLS to a broker is verified: one that cannot show who it is gets nothing and gives nothing, that
//! is said in words, everything else goes on, and so does the topic once the certificate is right.

use crate::support::kafka_front::Reserved;
use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tansu::{Tansu, Writer};
use crate::support::tls::AUTHORITY;

const TOPIC: &str = "incidents";
/// What writes the records does not care whom it talks to.
const CAREFREE: [(&str, &str); 2] =
    [("security.protocol", "ssl"), ("enable.ssl.certificate.verification", "false")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_is_believed_only_with_a_certificate_for_it() {
    let reserved = Reserved::port().await;
    let Some(broker) = Tansu::start(reserved.number()).await else {
        return;
    };
    let front = reserved.before(broker.port());
    front.show("server");
    let writer = Writer::to(&front.address(), &CAREFREE);
    writer.create(TOPIC, 1).await;
    let sink = SmtpSink::start().await;
    let tls = format!("tls = {{ enabled = true, ca_file = \"{AUTHORITY}\" }}\n");
    let more = reading_from(&front.address(), TOPIC) + &tls;
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let mut life = home.start().await;
    let write = async |key: &str| writer.write(TOPIC, 0, event(key).to_string().as_bytes()).await;

    write("first").await;
    home.until_kept("first").await;
    for certificate in ["stranger", "expired", "elsewhere"] {
        front.show(certificate);
        home.until_reported("source/kafka down: no trusted TLS connection to ").await;
        let report = home.report().await;
        assert!(report.contains("it has expired, it is for another name"), "{certificate}: {report}");
        let kept = format!("while it is {certificate}");
        write(&kept).await;
        home.submit(&format!("posted {kept}")).await;
        assert!(!home.has_incident(&kept).await, "nothing is read from {certificate}");

        front.show("server");
        home.until_kept(&kept).await;
        home.until_reported("source/kafka ok").await;
    }
    assert!(life.is_alive(), "it is still the first life");
    home.until("each loss is told, or counted", async || {
        times(&life.log(), "source lost; connecting again") >= 3
    })
    .await;
    assert_eq!(home.list("/api/v1/incidents?").await.len(), 7);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_tls_gets_nothing_that_was_meant_to_be_secret() {
    let reserved = Reserved::port().await;
    let Some(broker) = Tansu::start(reserved.number()).await else {
        return;
    };
    let front = reserved.before(broker.port());
    let sink = SmtpSink::start().await;
    let more = reading_from(&front.address(), TOPIC) + "tls = { enabled = true }\n";
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    let life = home.start().await;
    home.until("it knocks twice", async || front.heard().len() > 1).await;
    assert!(front.heard().iter().all(|first| first.first() == Some(&0x16)), "TLS, or nothing");
    home.submit("posted").await;
    life.kill().await;
}

/// How often the log tells this, lines that were folded included.
fn times(log: &str, message: &str) -> u64 {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let told = lines.filter(|line| line["msg"] == message);
    told.map(|line| line["repeated"].as_u64().unwrap_or(1)).sum()
}
