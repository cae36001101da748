//! Both ends of the promise: what was acknowledged on one side, what arrived on the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::process::{Home, PATIENCE};
use super::smtp_sink::SmtpSink;

/// What producers that never give up have been told.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<BTreeSet<String>>,
    /// How often they were not answered, or told to come again.
    refused: Mutex<usize>,
}

/// Producers that post one event after the other, each until it is acknowledged.
pub(crate) struct Load {
    told: Arc<Told>,
    stop: watch::Sender<bool>,
    producers: Vec<JoinHandle<()>>,
}

/// What came of it.
pub(crate) struct Account {
    pub(crate) acknowledged: BTreeSet<String>,
    pub(crate) refused: usize,
}

/// How long a producer waits before it posts again what was not acknowledged.
const BEFORE_AGAIN: Duration = Duration::from_millis(20);

impl Load {
    /// So many producers, each with an event every `pause` at most.
    pub(crate) fn start(home: &Arc<Home>, producers: usize, pause: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let told = Arc::new(Told::default());
        let producers = (0..producers)
            .map(|number| {
                let (home, told, stopped) = (Arc::clone(home), Arc::clone(&told), stopped.clone());
                tokio::spawn(async move {
                    let mut tick = interval(pause);
                    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
                    for event in 0.. {
                        tick.tick().await;
                        if *stopped.borrow() {
                            return;
                        }
                        insist(&home, &told, format!("load-{number}-{event}")).await;
                    }
                })
            })
            .collect();
        Self { told, stop, producers }
    }

    /// How many events are acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.told.acknowledged.lock().unwrap().len()
    }

    /// Those that are acknowledged so far.
    pub(crate) fn so_far(&self) -> BTreeSet<String> {
        self.told.acknowledged.lock().unwrap().clone()
    }

    /// Ends when every event that was begun is acknowledged. Somebody must be there to do so.
    pub(crate) async fn stop(self) -> Account {
        self.stop.send_replace(true);
        for producer in self.producers {
            timeout(PATIENCE, producer).await.expect("the last events are acknowledged").unwrap();
        }
        let acknowledged = self.told.acknowledged.lock().unwrap().clone();
        let refused = *self.told.refused.lock().unwrap();
        Account { acknowledged, refused }
    }
}

async fn insist(home: &Home, told: &Told, key: String) {
    loop {
        match home.post(&key).await {
            Ok(answer) if answer.status() == StatusCode::ACCEPTED => {
                told.acknowledged.lock().unwrap().insert(key);
                return;
            }
            Ok(answer) if answer.status() != StatusCode::SERVICE_UNAVAILABLE => {
                panic!("{}: {:?}", answer.status(), answer.text().await);
            }
            Ok(_) | Err(_) => *told.refused.lock().unwrap() += 1,
        }
        sleep(BEFORE_AGAIN).await;
    }
}

/// What arrived: for each key, the delivery that each copy of its mail belongs to.
pub(crate) fn mails(sink: &SmtpSink) -> BTreeMap<String, Vec<String>> {
    let mut mails: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in sink.messages() {
        let text = String::from_utf8_lossy(&mail.raw).into_owned();
        let key = word_at(header(&text, "Subject: "), "load-");
        let delivery = word_at(header(&text, "Message-ID: "), "del_");
        mails.entry(key).or_default().push(delivery);
    }
    mails
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let line = mail.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name}in:\n{mail}"))
}

fn word_at(line: &str, start: &str) -> String {
    let word = line.find(start).map(|at| &line[at..]);
    let word = word.unwrap_or_else(|| panic!("no {start} in {line}"));
    word.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

/// The promise itself: everything acknowledged arrived, nothing else did, each as one delivery.
/// Returns how many mails came more than once.
pub(crate) fn assert_nothing_lost(
    acknowledged: &BTreeSet<String>,
    mails: &BTreeMap<String, Vec<String>>,
) -> usize {
    let arrived: BTreeSet<String> = mails.keys().cloned().collect();
    let lost: Vec<_> = acknowledged.difference(&arrived).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), acknowledged.len());
    let unasked: Vec<_> = arrived.difference(acknowledged).collect();
    assert!(unasked.is_empty(), "nobody asked for {unasked:?}");
    for (key, deliveries) in mails {
        let same = deliveries.iter().all(|delivery| *delivery == deliveries[0]);
        assert!(same, "{key} became several deliveries: {deliveries:?}");
    }
    mails.values().map(|deliveries| deliveries.len() - 1).sum()
}

/// The figures of a run, for whoever runs it with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a proof shows its figures")]
pub(crate) fn tell(figures: &str) {
    println!("{figures}");
}
