//! A query means the same in every store: each is asked of the store under test and of one in
//! memory that was told the same.

use std::sync::Arc;

use foghorn::domain::Timestamp;
use foghorn::domain::acceptance::Accept;
use foghorn::domain::delivery::{DeadReason, Lease};
use foghorn::domain::event::{Body, Event, Position};
use foghorn::domain::ids::{DeadLetterId, EventId};
use foghorn::domain::malformed::Malformation;
use foghorn::domain::query::{DeadLetterQuery, DeliveryQuery, EventQuery, IncidentQuery, LetterQuery};
use foghorn::domain::severity::Severity;
use foghorn::store::batch::{Next, Quarantined};
use foghorn::store::memory::MemoryStore;
use foghorn::store::views::Page;
use foghorn::store::{Paging, Store};

use crate::support::said::{NOW, after, all, batch, ended, open, resolved};
use crate::support::stores::Subject;

super::laws!(
    a_query_about_incidents_means_the_same,
    a_query_about_deliveries_means_the_same,
    a_query_about_dead_letters_means_the_same,
    a_query_about_events_means_the_same,
    incidents_that_are_not_over_are_counted,
);

/// Names and sentences with everything that means something to GLOB, LIKE, JSON or SQL.
const ODD: [&str; 8] =
    ["checkout-api", "Checkout-web", "50%_off", "a*b", "a?[x]b", r"back\slash", "it's \"fine\"", "größe É"];

fn odd(offset: usize) -> Accept {
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let severity = Severity::ALL[offset % 5];
    let accept =
        open(offset as i64).about(keys[offset]).severity(severity).to(&["email:a@x", "sms:+1555"]).accept();
    let word = ODD.get(offset).copied();
    let mut event = Event::clone(&accept.event);
    event.id = EventId::new(after(offset as i64), offset as u128);
    event.source = if offset.is_multiple_of(2) { "kafka".into() } else { "api_1".into() };
    event.raw = format!("{{\"title\":\"n{offset} {}\"}}", word.unwrap_or("none")).into_bytes().into();
    if let Body::Incident(body) = &mut event.body {
        body.title = format!("Event {offset} of {}", word.unwrap_or("nothing"));
        body.service = word.map(str::to_owned);
        body.description = offset.is_multiple_of(3).then(|| format!("Wrong: {}", word.unwrap_or("?")));
        body.labels =
            [("env".to_owned(), word.unwrap_or("prod").to_owned()), ("5".to_owned(), "x".to_owned())].into();
    }
    Accept { event: Arc::new(event), ..accept }
}

async fn told(store: &dyn Store, lease: &Lease) {
    let mut first = batch(lease);
    first.accepts.extend((0..10).map(odd));
    first.accepts.push(resolved(20).about("c").to(&[]).accept());
    first.grants.insert("email".into(), 4);
    for (index, reason) in
        [Malformation::Parse, Malformation::TooLarge, Malformation::Poison].into_iter().enumerate()
    {
        first.quarantined.push(Quarantined {
            came_back: 0,
            id: DeadLetterId::new(NOW, index as u128),
            source: if index == 0 { "kafka".into() } else { "api_1".into() },
            position: Position::Request(EventId::new(NOW, index as u128)),
            reason,
            detail: format!("Detail {index}: {}", ODD[index + 2]),
            raw: b"x".as_slice().into(),
        });
    }
    let started = store.commit(&first).await.unwrap().started;
    let mut second = batch(lease);
    second.now = after(60);
    for (job, outcome) in started.iter().zip(["timeout", "permanent", "timeout", "sent"]) {
        let next = match outcome {
            "sent" => Next::Sent,
            "permanent" => Next::Dead(DeadReason::Rejected),
            _ => Next::Dead(DeadReason::Exhausted),
        };
        second.attempted.push(ended(job, outcome, next));
    }
    store.commit(&second).await.unwrap();
}

/// The store under test and one in memory, both told the same.
async fn both(subject: &Subject) -> MemoryStore {
    let memory = MemoryStore::default();
    told(&memory, &memory.lease(&"node-a".into(), NOW).await.unwrap()).await;
    told(&*subject.store, &subject.lease().await).await;
    memory
}

fn now() -> Timestamp {
    after(3600)
}

/// Every atom alone, turned around, and with every other one.
fn queries(atoms: &[String]) -> Vec<String> {
    let mut all = vec![String::new()];
    for (index, atom) in atoms.iter().enumerate() {
        all.extend([atom.clone(), format!("-{atom}")]);
        all.extend(atoms.iter().skip(index + 1).step_by(3).map(|other| format!("{atom} -{other}")));
        all.extend(atoms.iter().skip(index + 1).step_by(4).map(|other| format!("{other} {atom}")));
    }
    all
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn atoms(fixed: &[&str], keys: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = fixed.iter().map(|atom| (*atom).to_owned()).collect();
    for key in keys {
        all.extend(ODD.iter().map(|odd| format!("{key}{}", quoted(odd))));
        all.extend(ODD.iter().map(|odd| {
            let half = odd.char_indices().nth(odd.chars().count() / 2).unwrap().0;
            format!("{key}*{}*", quoted(&odd[half..]))
        }));
    }
    all
}

/// Reads a list to its end, two rows at a time.
macro_rules! whole {
    ($store:expr, $list:ident, $query:expr, $key:expr) => {{
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page: Page<_> = $store.$list($query, &Paging { before, limit: 2 }).await.unwrap();
            found.extend(page.data.iter().map($key));
            before = page.next_cursor;
            if before.is_none() {
                break found;
            }
        }
    }};
}

async fn a_query_about_incidents_means_the_same(subject: Subject) {
    let memory = both(&subject).await;
    let fixed = [
        "status:open",
        "status:resolved",
        "status:open,resolved",
        "severity:critical,high",
        "severity:*i*",
        "service:checkout-*",
        "service:*",
        "service:\"\"",
        "source:kafka",
        "source:api?1",
        "title:event",
        "EVENT",
        "age>59m",
        "age<59m",
        "since:2026-11-18",
        "label.env:prod,a*",
        "label.5:x",
        "label.none:*",
        "route:*",
        "policy:page",
        "größe",
        "É",
        "é",
    ];
    for text in queries(&atoms(&fixed, &["service:", "label.env:", "", "title:"])) {
        let query = IncidentQuery::parse(&text, now()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let expected = whole!(memory, incidents, &query, |i| i.number);
        assert_eq!(whole!(subject.store, incidents, &query, |i| i.number), expected, "{text}");
    }
}

async fn a_query_about_deliveries_means_the_same(subject: Subject) {
    let memory = both(&subject).await;
    let fixed = [
        "state:dead",
        "state:sent",
        "state:failed,pending",
        "channel:email",
        "channel:s*",
        "recipient:ada",
        "ADA",
        "incident:1",
        "incident:#2,3",
        "error:timeout",
        "error:250",
        "error:reject*",
        "error:\"\\\"quoted\\\"\"",
        "error:OK",
        "kind:opened",
        "source:kafka",
        "source:*_1",
        "age>59m30s",
        "before:2026-11-18",
        "quoted",
    ]
    .map(|atom| atom.replace("59m30s", "59m"));
    let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
    let key = |d: &foghorn::store::views::DeliveryView| {
        format!("{:?} {} {}", d.incident_number, d.channel, d.state)
    };
    for text in queries(&atoms(&fixed, &[])) {
        let query = DeliveryQuery::parse(&text, now()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut expected = whole!(memory, deliveries, &query, key);
        let mut found = whole!(subject.store, deliveries, &query, key);
        // Ids of one moment are in no order.
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
}

async fn a_query_about_dead_letters_means_the_same(subject: Subject) {
    let memory = both(&subject).await;
    let fixed =
        ["source:kafka", "source:a*", "error:parse", "error:detail", "reason:poison", "reason:*o*", "age>1m"];
    for text in queries(&atoms(&fixed, &["error:", ""])) {
        let query = LetterQuery::parse(&text, now()).unwrap();
        let expected = whole!(memory, dead_letters, &query, |letter| letter.id);
        assert_eq!(whole!(subject.store, dead_letters, &query, |letter| letter.id), expected, "{text}");
        let asked = DeadLetterQuery::Event(query);
        let count = subject.store.count_dead_letters(&asked).await.unwrap();
        assert_eq!((count.value, count.exact), (expected.len() as u64, true), "{text}");
        let ids = subject.store.dead_letter_ids(&asked, &all()).await.unwrap().data;
        assert_eq!(ids, memory.dead_letter_ids(&asked, &all()).await.unwrap().data, "{text}");
    }
    for (text, dead) in [("", 3), ("error:timeout", 2), ("channel:email -error:timeout", 1), ("age<1m", 0)] {
        let asked = DeadLetterQuery::parse(text, None, now()).unwrap();
        assert_eq!(subject.store.count_dead_letters(&asked).await.unwrap().value, dead, "{text}");
        let ids = whole!(subject.store, dead_letter_ids, &asked, |id| *id);
        assert_eq!(ids.len() as u64, dead, "{text}");
    }
}

async fn a_query_about_events_means_the_same(subject: Subject) {
    let memory = both(&subject).await;
    let fixed = [
        "source:kafka",
        "incident:3",
        "decision:routed",
        "decision:direct,no_route",
        "N1",
        "text:title",
        "age>1h",
    ];
    for text in queries(&atoms(&fixed, &[""])) {
        let query = EventQuery::parse(&text, now()).unwrap();
        let key = |event: &foghorn::store::views::EventView| (event.position.clone(), event.incident_number);
        let mut expected = whole!(memory, events, &query, key);
        let mut found = whole!(subject.store, events, &query, key);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
    let id = EventId::new(after(1), 1);
    let event = subject.store.event(id).await.unwrap().expect("it was accepted");
    assert_eq!((event.incident_number, event.decision), (Some(2), "routed"));
    assert_eq!(Some(event), memory.event(id).await.unwrap());
    let kept = subject.store.event_bytes(id).await.unwrap();
    assert_eq!(kept, memory.event_bytes(id).await.unwrap());
    let letter = DeadLetterId::new(NOW, 0);
    let kept = subject.store.dead_letter_bytes(letter).await.unwrap().expect("it is kept");
    assert_eq!((kept.source.as_str(), &*kept.raw), ("kafka", b"x".as_slice()));
}

async fn incidents_that_are_not_over_are_counted(subject: Subject) {
    let memory = both(&subject).await;
    let sorted = |mut counts: Vec<foghorn::store::views::IncidentCount>| {
        counts.sort_unstable_by_key(|line| (line.status.as_str(), line.severity));
        counts
    };
    let counts = sorted(subject.store.incident_counts().await.unwrap());
    assert_eq!(counts.iter().map(|line| line.count).sum::<u64>(), 9, "one of ten is over");
    assert_eq!(counts, sorted(memory.incident_counts().await.unwrap()));
}
