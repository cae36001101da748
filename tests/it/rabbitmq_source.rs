//! What is RabbitMQ's own about a source: what is made and what is only looked for, whom a refusal is for, what
//! a message is called, and where dead letters go. What every bus promises is in `source_contract`.

use std::collections::BTreeSet;
use std::sync::Arc;

use foghorn::sources::rabbitmq::{self, RabbitSettings};
use foghorn::sources::{Polled, Source, SourceError};
use foghorn::telemetry::health::Condition;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

use crate::support::bus::amqp_raw::{self, long, short};
use crate::support::bus::name_of_its_own;
use crate::support::bus::rabbitmq::{PORT, Rabbit, named};
use crate::support::front::Front;
use crate::support::inside::Inside;
use crate::support::polling::soon;
use crate::support::tls;

fn source(login: &str, more: &str) -> String {
    format!("type = \"rabbitmq\"\nurl = \"amqp://{login}@127.0.0.1:{PORT}/\"\n{more}")
}

fn inside(more: &str) -> String {
    format!("[sources.bus]\n{}", source("guest:guest", more))
}

fn event(title: &str) -> Vec<u8> {
    format!(r#"{{"title":"{title}","dedup_key":"{title}"}}"#).into_bytes()
}

/// Why the operator has to act.
async fn refusal(login: &str, more: &str) -> String {
    let settings: toml::Table = source(login, more).parse().unwrap();
    let settings: toml::Table = settings.into_iter().filter(|(key, _)| key != "type").collect();
    let settings: RabbitSettings = settings.try_into().unwrap();
    let source = rabbitmq::open(&Arc::new(settings), "foghorn-nowhere");
    match soon("a refusal", source.poll()).await {
        Err(SourceError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_operator_can_mend_ends_the_source() {
    if Rabbit::reach().await.is_none() {
        return;
    }
    let queues = "queues = ['foghorn-nowhere']\n";
    let passive = format!("{queues}declare = false\n");
    let told = refusal("guest:guest", &passive).await;
    assert_eq!(told, "there is no queue \"foghorn-nowhere\", and declare is false");
    let told = refusal("guest:wrong", queues).await;
    assert!(told.contains("ACCESS_REFUSED"), "{told}");
    let direct = format!("{queues}exchange = 'amq.direct'\n");
    let told = refusal("guest:guest", &direct).await;
    assert!(told.contains("PRECONDITION_FAILED") && told.contains("type"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_spoken_with_whom_we_trust() {
    let Some(rabbit) = Rabbit::reach().await else { return };
    let queue = name_of_its_own();
    rabbit.declare(&queue, &[]).await;
    let trusting = |front: &Front, ca_file: &str| {
        format!(
            "[sources.bus]\ntype = \"rabbitmq\"\nurl = \"amqps://guest:guest@127.0.0.1:{}/\"\n\
             queues = ['{queue}']\ntls = {{ ca_file = '{ca_file}' }}\n",
            front.port()
        )
    };
    for (certificate, authority) in
        [("server", ""), ("stranger", tls::AUTHORITY), ("expired", tls::AUTHORITY)]
    {
        let front = Front::showing(certificate, PORT).await;
        let inside = Inside::reading(&trusting(&front, authority)).await;
        let told = || matches!(inside.condition(), Condition::Down(why) if why.contains("certificate"));
        inside.until(certificate, async || told()).await;
        inside.crash().await;
    }
    let front = Front::showing("server", PORT).await;
    let inside = Inside::reading(&trusting(&front, tls::AUTHORITY)).await;
    rabbit.publish("", &queue, &event("a"), named("a")).await;
    inside.until_kept(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchange_queue_and_bindings_are_made_and_only_what_is_bound_comes() {
    let Some(rabbit) = Rabbit::reach().await else { return };
    let (exchange, queue) = (name_of_its_own(), name_of_its_own());
    let more = format!("queues = ['{queue}']\nexchange = '{exchange}'\nbindings = ['user.#', 'alert.*']\n");
    let inside = Inside::reading(&inside(&more)).await;
    inside.until_lag(0).await;
    for (key, name) in [("user.account.new", "a"), ("order.new", "b"), ("alert.new", "c")] {
        rabbit.publish(&exchange, key, &event(name), named(name)).await;
    }
    inside.until_kept(2).await;
    let mut titles: Vec<_> = inside.incidents().await.into_iter().map(|incident| incident.title).collect();
    titles.sort();
    assert_eq!(titles, ["a", "c"]);
    inside.crash().await;
    rabbit.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
    rabbit.channel.exchange_delete(exchange.as_str().into(), Default::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_with_its_bytes_counts_once_and_without_a_name_each_counts() {
    let Some(rabbit) = Rabbit::reach().await else { return };
    let queue = name_of_its_own();
    rabbit.declare(&queue, &[]).await;
    let inside = Inside::reading(&inside(&format!("queues = ['{queue}']\n"))).await;
    let mut envelope = FieldTable::default();
    for (name, value) in
        [("cloudEvents:specversion", "1.0"), ("cloudEvents:id", "7"), ("cloudEvents:source", "/s")]
    {
        envelope.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let enveloped = BasicProperties::default().with_headers(envelope);
    let messages = [
        (named("m-1"), "a"),
        (named("m-1"), "a"),
        // A producer that repeats a name.
        (named("m-1"), "b"),
        (BasicProperties::default(), "c"),
        (BasicProperties::default(), "c"),
        (enveloped.clone(), "d"),
        (enveloped, "d"),
    ];
    for (properties, title) in messages {
        rabbit.publish("", &queue, &event(title), properties).await;
    }
    inside.until_lag(0).await;
    inside.until_kept(5).await;
    let mut heard: Vec<_> =
        inside.incidents().await.into_iter().map(|incident| (incident.title, incident.event_count)).collect();
    heard.sort();
    let expected = [("a", 1), ("b", 1), ("c", 2), ("d", 1)].map(|(title, count)| (title.to_owned(), count));
    assert_eq!(heard, expected);
    assert_eq!(inside.letters().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_goes_where_the_queue_has_a_place_for_it() {
    let Some(rabbit) = Rabbit::reach().await else { return };
    let (queue, letters) = (name_of_its_own(), name_of_its_own());
    rabbit.declare(&letters, &[]).await;
    let to = |value: &str| AMQPValue::LongString(value.into());
    let dead = [("x-dead-letter-exchange", to("")), ("x-dead-letter-routing-key", to(&letters))];
    rabbit.declare(&queue, &dead).await;
    let more = format!("queues = ['{queue}']\nreject_to_dlx = true\n");
    let inside = Inside::reading(&inside(&more)).await;
    for (payload, name) in [(event("a"), "a"), (b"no event".to_vec(), "b"), (event("c"), "c")] {
        rabbit.publish("", &queue, &payload, named(name)).await;
    }
    inside.until_kept(2).await;
    inside.until("the broker has the letter", async || rabbit.waiting(&letters).await == 1).await;
    inside.until_lag(0).await;
    assert_eq!(inside.letters().await.len(), 1);
    let (_, properties, payload) = rabbit.next(&letters).await.unwrap();
    assert_eq!((properties.message_id().as_ref().unwrap().as_str(), &*payload), ("b", &b"no event"[..]));
    assert_eq!(rabbit.waiting(&letters).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_comes_back_to_its_queue_goes_round_three_times() {
    let Some(rabbit) = Rabbit::reach().await else { return };
    let queue = name_of_its_own();
    let to = |value: &str| AMQPValue::LongString(value.into());
    let round = [("x-dead-letter-exchange", to("")), ("x-dead-letter-routing-key", to(&queue))];
    rabbit.declare(&queue, &round).await;
    let more = format!("queues = ['{queue}']\nreject_to_dlx = true\n");
    let inside = Inside::reading(&inside(&more)).await;
    rabbit.publish("", &queue, b"no event, and no name", BasicProperties::default()).await;
    rabbit.publish("", &queue, b"no event, and a name", named("a")).await;
    // One that has no name is another one each time.
    inside.until("it went round", async || inside.letters().await.len() == 5).await;
    inside.until_lag(0).await;
    rabbit.publish("", &queue, &event("after"), named("after")).await;
    inside.until_kept(1).await;
    inside.until_lag(0).await;
    assert_eq!(inside.letters().await.len(), 5);
    inside.drain().await;
    assert_eq!(rabbit.waiting(&queue).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_ahead_waits_while_paused_and_goes_back_when_the_source_closes() {
    let Some(rabbit) = Rabbit::reach().await else { return };
    let queue = name_of_its_own();
    rabbit.declare(&queue, &[]).await;
    for name in ["a", "b", "c"] {
        rabbit.publish("", &queue, &event(name), named(name)).await;
    }
    let url = format!("amqp://guest:guest@127.0.0.1:{PORT}/");
    let settings =
        RabbitSettings { url: url.into(), queues: vec![queue.clone()], ..RabbitSettings::default() };
    let source = rabbitmq::open(&Arc::new(settings), &queue);
    assert_eq!(soon("up", source.poll()).await.unwrap(), Polled::Up);
    source.pause();
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(1_500), async {
        while matches!(source.poll().await, Ok(Polled::Lag(_))) {}
    });
    assert!(quiet.await.is_err(), "no record comes while it is paused");
    source.resume();
    let mut count = 0;
    while count < 3 {
        match soon("records", source.poll()).await.unwrap() {
            Polled::Records(records) => count += records.len(),
            Polled::Lag(_) => {}
            other => panic!("{other:?}"),
        }
    }
    source.close(std::time::Duration::from_secs(5)).await;
    assert!(matches!(source.poll().await, Err(SourceError::Lost(_))));
    assert_eq!(rabbit.waiting(&queue).await, 3, "nothing was acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_headers_cannot_be_read_is_read_without_them_and_stands_in_nobodys_way() {
    const HEADERS: u16 = 1 << 13;
    const ID: u16 = 1 << 7;
    let Some(rabbit) = Rabbit::reach().await else { return };
    let queue = name_of_its_own();
    rabbit.declare(&queue, &[]).await;
    let mut bottomless = Vec::new();
    for _ in 0..15_000 {
        bottomless = [short(b"a"), vec![b'F'], long(&bottomless)].concat();
    }
    let latin = [short(b"\xff\xfe"), vec![b't', 1]].concat();
    rabbit.publish("", &queue, &event("before"), named("before")).await;
    for (title, flags, properties) in [
        ("bottomless", HEADERS | ID, [long(&bottomless), short(b"m-1")].concat()),
        ("latin", HEADERS | ID, [long(&latin), short(b"m-2")].concat()),
        ("nameless", ID, short(b"\xff\xfe")),
    ] {
        amqp_raw::publish(&queue, flags, &properties, &event(title)).await;
    }
    rabbit.publish("", &queue, &event("after"), named("after")).await;
    let inside = Inside::reading(&inside(&format!("queues = ['{queue}']\n"))).await;
    inside.until_kept(5).await;
    inside.until_lag(0).await;
    let titles: BTreeSet<_> = inside.incidents().await.into_iter().map(|incident| incident.title).collect();
    assert_eq!(titles, ["after", "before", "bottomless", "latin", "nameless"].map(str::to_owned).into());
}
