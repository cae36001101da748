//! I5 for a record that takes the whole process along. Such a record is allowed and says something;
//! it only needs more memory than the process may have, so that the process aborts over it. After
//! three restarts it is a dead letter, byte for byte, and no good record is one.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use foghorn::sources::kafka::EmbeddedBroker;
use serde_json::Value;
use tokio::time::{Instant, interval};

use crate::support::load::{assert_nothing_lost, mails, tell};
use crate::support::process::{Draft, Home, Life, event, reading_from};
use crate::support::records::direct;
use crate::support::smtp_sink::SmtpSink;

const TOPIC: &str = "incidents";
/// More than keeping the record takes, and less than looking into it does.
const SPARE_KIB: u64 = 100 << 10;
/// The allocator takes address space in pieces of 32 MiB, or a limit would say little.
const SMALL: &str = "export MIMALLOC_ARENA_RESERVE=32768";
const RESTARTS: usize = 3;

/// A notification with a list of so many numbers: two bytes each in the record, and more than thirty
/// each for whoever looks into it.
fn heavy(numbers: usize) -> String {
    let list = "0,".repeat(numbers - 1);
    direct(&format!(r#""to":"ada","template":"t","vars":{{"list":[{list}0]}}"#))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_dead_letter_after_three_restarts_and_good_records_are_mails() {
    let begun = Instant::now();
    let sink = SmtpSink::start().await;
    let broker = EmbeddedBroker::start(&[(TOPIC, 1)]).unwrap();
    let more = reading_from(broker.address(), TOPIC);
    let home = Home::of(Draft { more, max_body: "16MiB", ..Draft::mailing_to(sink.port) }).await;
    let produce = async |record: &str| broker.produce(TOPIC, "same", record.as_bytes()).await.unwrap();

    let first = home.ready(spawn(&home, SMALL)).await;
    produce(&event("load-first").to_string()).await;
    home.until("a good record is mailed", async || sink.count() == 1).await;
    let limit = virtual_kib(first.pid()) + SPARE_KIB;
    first.terminate().await;
    assert_eq!(first.exit().await.0, 0);

    let poison = heavy(2_200_000);
    let good = ["load-first", "load-before", "load-after", "load-last"].map(str::to_owned);
    let records = [&good[1], &good[2], &good[3]].map(|key| event(key).to_string());
    for record in [&records[0], &poison, &records[1], &records[2]] {
        produce(record).await;
    }

    let limited = format!("{SMALL}; ulimit -v {limit}");
    let (mut life, mut ends) = (spawn(&home, &limited), 0);
    let mut tick = interval(Duration::from_millis(50));
    while sink.count() < good.len() {
        tick.tick().await;
        assert!(begun.elapsed() < Duration::from_secs(120), "not in time:\n{}", life.last_words());
        if !life.is_alive() {
            ends += 1;
            assert!(life.last_words().contains("memory allocation of"), "{}", life.last_words());
            assert!(ends <= RESTARTS, "it ends over it for ever:\n{}", life.last_words());
            life = spawn(&home, &limited);
        }
    }
    assert_eq!(ends, RESTARTS, "the record does not end the process, so this shows nothing");
    assert_only_letter(&home, &poison).await;
    assert_eq!(home.all_sent().await, good.len());
    assert_eq!(assert_nothing_lost(&BTreeSet::from(good), &mails(&sink)), 0);
    let took = begun.elapsed().as_secs_f64();
    tell(&format!(
        "{ends} aborts over a record of {} bytes, next good record mailed; {took:.1} s",
        poison.len()
    ));
    life.kill().await;
}

/// A life in a shell's surroundings.
fn spawn(home: &Home, surroundings: &str) -> Life {
    home.spawn_under(&["sh", "-c", &format!("{surroundings}; exec \"$0\" \"$@\"")])
}

async fn assert_only_letter(home: &Home, poison: &str) {
    let letters = home.list("/api/v1/dead-letters?kind=event").await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["reason"], "poison");
    let letter: Value =
        home.get(&format!("/api/v1/dead-letters/{}", letters[0]["id"].as_str().unwrap())).await;
    assert!(letter["payload"].as_str() == Some(poison), "all its bytes are kept");
}

/// How much of the address space a process has taken at most.
fn virtual_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
