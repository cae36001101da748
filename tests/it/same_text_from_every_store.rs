//! Any text of an accepted event comes out of every store as it went in, less what is taken out of
//! it for readers: a character that one database refuses would be poison there and an event
//! elsewhere.

use std::sync::Arc;

use foghorn::store::Store;
use foghorn::store::memory::MemoryStore;
use serde_json::{Value, json};

use crate::support::databases::on_each_database;
use crate::support::whole::Whole;

on_each_database! {
    every_strange_character_is_stored_alike
    a_line_break_is_a_blank_in_a_line_and_a_break_in_a_paragraph
}

/// All controls but NUL, everything that breaks lines or turns them around, what has no width, what
/// is no character, what is composed, and what means something to a browser, a shell or a database.
fn strange() -> Vec<String> {
    let controls = ('\u{1}'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    let marks = "\u{2028}\u{2029}\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    let hidden = "\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{fe0f}\u{e0001}";
    let odd = "\u{fffd}\u{fffe}\u{ffff}\u{fdd0}\u{e000}\u{10ffff}\u{d7ff}ıİßﬁ東🔥";
    let words = [
        "e\u{301}",
        "é",
        "z\u{335}\u{336}\u{337}",
        "👩‍👩‍👧",
        "\\u0000",
        "\\x00",
        "%00",
        "''; DROP TABLE event;--",
        "$1 ?1 :a",
        "<script>alert(1)</script>",
        "\"><img onerror=x>",
        "{{7*7}} {% include %}",
        "\u{1b}[31mred\u{1b}[0m",
        "\\",
        "\"",
        "{}",
    ];
    let each = controls.chain(marks.chars()).chain(hidden.chars()).chain(odd.chars()).map(String::from);
    each.chain(words.map(str::to_owned)).collect()
}

/// An event with `text` in every field that takes any, and in an id if an id takes it.
fn event(number: usize, text: &str) -> Value {
    let framed = format!("a{text}b");
    let is_plain = !text.chars().any(|c| {
        c.is_control()
            || "\u{2028}\u{2029}\u{61c}\u{200e}\u{200f}".contains(c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    });
    let key = if is_plain { framed.clone() } else { "k".to_owned() };
    json!({
        "title": framed, "service": framed, "description": framed,
        "labels": { (key.clone()): framed },
        "links": [{ "text": framed, "url": "https://example.com/" }],
        "event_id": format!("{number} {key}"), "dedup_key": format!("{number} {key}"),
    })
}

/// What a Foghorn over this store makes of the events: the incidents, and what is to be sent.
async fn told(store: Arc<dyn Store>, events: &[Value]) -> Vec<Value> {
    let whole = Whole::over(store).await;
    for (number, event) in events.iter().enumerate() {
        let kept = whole.accepted(&format!("{number}: {event}"), event.to_string().as_bytes()).await;
        assert_eq!(kept["result"], "opened", "{event}");
    }
    whole.assert_well("strange text").await;
    let mut told = Vec::new();
    for incident in whole.incidents().await.into_iter().rev().take(events.len()) {
        told.push(json!({
            "title": incident.title, "service": incident.service, "description": incident.description,
            "labels": incident.labels, "links": incident.links, "dedup_key": incident.dedup_key,
        }));
    }
    whole.end().await;
    told
}

async fn every_strange_character_is_stored_alike(store: Arc<dyn Store>) {
    let strange = strange();
    let events: Vec<_> = strange.iter().enumerate().map(|(number, text)| event(number, text)).collect();
    let (in_memory, on_disk) =
        (told(Arc::new(MemoryStore::default()), &events).await, told(store, &events).await);
    assert_eq!(in_memory.len(), strange.len());
    for ((text, expected), found) in strange.iter().zip(in_memory).zip(on_disk) {
        assert_eq!(found, expected, "{text:?}");
        let title = found["title"].as_str().unwrap();
        let harmless = !title.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(harmless && title.starts_with('a') && title.ends_with('b'), "{title:?}");
    }
}

async fn a_line_break_is_a_blank_in_a_line_and_a_break_in_a_paragraph(store: Arc<dyn Store>) {
    let text = "a\r\nb\rc\u{2028}d\te\u{202e}f\u{7}g\u{1b}[2Jh";
    let told = told(store, &[event(1, text)]).await;
    let line = "aa b c d efghb";
    assert_eq!(told[0]["title"], line);
    assert_eq!(told[0]["service"], line);
    assert_eq!(told[0]["labels"]["k"], line);
    assert_eq!(told[0]["links"][0]["text"], line);
    assert_eq!(told[0]["description"], "aa\nb\nc\nd\tefghb");
}
