//! `foghorn check --connect` asks Redis and NATS, over TLS too, reads nothing and makes nothing.

use std::fs;
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::bus::Bus;
use crate::support::bus::hybrid::Hybrid;
use crate::support::bus::nats::JetStream;
use crate::support::bus::redis::RedisStream;
use crate::support::front::Front;
use crate::support::process::{Said, said};
use crate::support::program::Program;
use crate::support::tls;

const DONE: u8 = 0;
const INVALID: u8 = 78;

async fn checked(sources: &str) -> Said {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config.toml");
    let text = format!("[store]\nurl = 'memory:'\n{sources}");
    fs::write(&file, text).unwrap();
    said(&["check", "--connect", "--config", file.to_str().unwrap()], Stdio::piped()).await
}

fn told(said: &Said) -> String {
    format!("{}{}", said.output, said.errors)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_is_told_and_nothing_is_made() {
    let (Some(redis), Some(nats), Some(hybrid)) =
        (RedisStream::open().await, JetStream::open().await, Hybrid::open().await)
    else {
        return;
    };
    redis.publish(b"x").await;
    nats.publish(b"x").await;
    hybrid.insert(b"x").await;
    let sources = format!(
        "[sources.redis]\n{}[sources.nats]\n{}[sources.hybrid]\n{}",
        redis.source(),
        nats.source(),
        hybrid.source()
    );
    let said = checked(&sources).await;
    assert_eq!(said.exit, DONE, "{said:?}");
    for seen in [
        format!("streams {}(1)", redis.name),
        format!("stream {}(1)", nats.name),
        format!("table {}(1 waiting)", hybrid.name),
    ] {
        assert!(told(&said).contains(&seen), "{seen}: {said:?}");
    }
    assert_eq!((redis.unsettled().await.waiting, nats.consumer("foghorn").await), (1, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_spoken_to_whom_the_authority_vouches_for() {
    let Some(redis) = RedisStream::open().await else { return };
    for (certificate, exit, words) in [
        ("server", DONE, "not there yet"),
        ("stranger", INVALID, "tls.ca_file"),
        ("expired", INVALID, "tls.ca_file"),
    ] {
        let front = Front::showing(certificate, 6379).await;
        let source = format!(
            "[sources.redis]\ntype = 'redis'\nurl = 'rediss://127.0.0.1:{}'\nstreams = ['{}']\ntls = {{ ca_file = '{}' }}\n",
            front.port(),
            redis.name,
            tls::AUTHORITY
        );
        let said = checked(&source).await;
        assert_eq!(said.exit, exit, "{certificate}: {said:?}");
        assert!(told(&said).contains(words), "{certificate}: {said:?}");
    }
    for (certificate, words) in [("server", "there is no stream"), ("stranger", "tls.ca_file")] {
        let file =
            |kind: &str| format!("{}/tests/support/tls/{certificate}.{kind}", env!("CARGO_MANIFEST_DIR"));
        let (chain, key) = (file("pem"), file("key"));
        let Some(nats) = Program::nats(&["--tls", "--tlscert", &chain, "--tlskey", &key]).await else {
            return;
        };
        let source = format!(
            "[sources.nats]\ntype = 'nats'\nservers = ['tls://127.0.0.1:{}']\nstream = 'S'\ntls = {{ ca_file = '{}' }}\n",
            nats.port,
            tls::AUTHORITY
        );
        let said = checked(&source).await;
        assert_eq!(said.exit, INVALID, "{certificate}: {said:?}");
        assert!(told(&said).contains(words), "{certificate}: {said:?}");
    }
}
