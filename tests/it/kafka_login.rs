//! Brokers that ask for a name and a password, each in its way. A wrong password is said in words and
//! holds nothing else up, and once the broker takes it, the topic is read without a restart.

use crate::support::kafka_front::{Login, Reserved};
use crate::support::process::{Draft, Home, event, reading_from};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tansu::{Tansu, Writer};
use crate::support::tls::AUTHORITY;

const TOPIC: &str = "incidents";
const NAME: &str = "fog";
const PASSWORD: &str = "hunter2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_is_said_only_under_tls() {
    log_in("PLAIN", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scram_sha_256() {
    log_in("SCRAM-SHA-256", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scram_sha_512() {
    log_in("SCRAM-SHA-512", true).await;
}

async fn log_in(mechanism: &'static str, tls: bool) {
    let reserved = Reserved::port().await;
    let Some(broker) = Tansu::start(reserved.number()).await else {
        return;
    };
    let front = reserved.before(broker.port());
    if tls {
        front.show("server");
    }
    front.ask_for(Login { mechanism, username: NAME, password: PASSWORD });
    let protocol = if tls { "sasl_ssl" } else { "sasl_plaintext" };
    let access = [
        ("security.protocol", protocol),
        ("ssl.ca.location", AUTHORITY),
        ("sasl.mechanism", mechanism),
        ("sasl.username", NAME),
        ("sasl.password", PASSWORD),
    ];
    let writer = Writer::to(&front.address(), &access);
    writer.create(TOPIC, 1).await;
    writer.write(TOPIC, 0, event("waiting").to_string().as_bytes()).await;

    let sink = SmtpSink::start().await;
    let more = format!(
        "{}tls = {{ enabled = {tls}, ca_file = \"{AUTHORITY}\" }}\n\
         sasl = {{ mechanism = \"{mechanism}\", username = \"{NAME}\", password = \"{PASSWORD}\" }}\n",
        reading_from(&front.address(), TOPIC)
    );
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    front.ask_for(Login { mechanism, username: NAME, password: "another" });
    let mut life = home.start().await;
    let refused = "source/kafka down: the brokers refuse the source's user or password";
    home.until_reported(refused).await;
    home.submit("posted").await;
    assert!(!home.has_incident("waiting").await);

    // As after a password was set at the broker, and then at run time changed and changed back.
    for key in ["waiting", "later"] {
        front.ask_for(Login { mechanism, username: NAME, password: PASSWORD });
        if key == "later" {
            writer.write(TOPIC, 0, event(key).to_string().as_bytes()).await;
        }
        home.until_kept(key).await;
        home.until_reported("source/kafka ok").await;
        front.ask_for(Login { mechanism, username: "somebody else", password: PASSWORD });
        home.until_reported(refused).await;
    }
    let other = if mechanism == "PLAIN" { "SCRAM-SHA-256" } else { "PLAIN" };
    front.ask_for(Login { mechanism: other, username: NAME, password: PASSWORD });
    home.until("the mechanism is said to be unsupported", async || {
        let report = home.report().await;
        report.contains(refused) && report.to_lowercase().contains("mechanism")
    })
    .await;
    assert!(life.is_alive(), "it is still the first life");
    let told = life.log() + &home.report().await;
    assert!(!told.contains(PASSWORD), "a password is nobody's to read");
    life.kill().await;
}
