//! Nothing that an event or a request holds can add a header, a recipient or a mail (S3).

use foghorn::domain::fault::Outcome;
use foghorn::domain::notification::{IncidentFacts, NotificationKind};
use mail_parser::MessageParser;

use crate::support::jobs::{channel, direct, facts, incident, surroundings};
use crate::support::smtp_sink::SmtpSink;

fn corpus() -> Vec<String> {
    let mut corpus: Vec<String> = [
        "a\rBcc: evil@example.com",
        "a\nBcc: evil@example.com",
        "a\r\nBcc: evil@example.com",
        "a\r\n\r\n<script>",
        "a\0b",
        "a\u{2028}Bcc: evil@example.com\u{2029}",
        "a\u{85}Bcc: evil@example.com",
        "=?utf-8?q?=0d=0aBcc:evil@example.com?=",
        "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
        "\u{202e}evil\u{202c}",
        "\u{200b}",
        "\u{1b}[31m",
        "\"; Bcc: evil@example.com",
        "<evil@example.com>",
        "--=_foghorn--",
        "\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
        "\n.\n",
        "\r.\r",
        ".",
        "..",
        "\r",
        "",
        "   ",
        "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
        "🔴🔴🔴",
    ]
    .map(str::to_owned)
    .into();
    corpus.push("x".repeat(2_000));
    corpus.push("word ".repeat(400));
    corpus.push("ü".repeat(2_000));
    corpus.push("y".repeat(10_000) + "\r\n" + &"z".repeat(1 << 16));
    corpus
}

/// Every text of an incident that comes from outside.
fn poisoned(text: &str) -> Vec<IncidentFacts> {
    let with = |change: &dyn Fn(&mut IncidentFacts)| {
        let mut facts = facts(NotificationKind::Opened);
        change(&mut facts);
        facts
    };
    vec![
        with(&|facts| facts.title = text.to_owned()),
        with(&|facts| facts.service = Some(text.to_owned())),
        with(&|facts| facts.description = Some(text.to_owned())),
        with(&|facts| facts.source = text.to_owned()),
        with(&|facts| facts.policy = Some(text.into())),
        with(&|facts| drop(facts.labels.insert(text.to_owned(), text.to_owned()))),
        with(&|facts| {
            facts.links[0].text = text.to_owned();
            facts.links[0].url = format!("https://example.com/{text}");
        }),
    ]
}

fn names(raw: &[u8]) -> Vec<String> {
    let message = MessageParser::new().parse(raw).unwrap();
    message.headers_raw().map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn the_set_of_headers_and_the_number_of_mails_never_change() {
    let sink = SmtpSink::start().await;
    let settings =
        format!("host='127.0.0.1'\nport={}\nsecurity='none'\nfrom='Foghorn <fog@example.com>'", sink.port);
    let channel = channel("email", "smtp", &settings, &surroundings());
    channel.send(&incident("ada@example.com", facts(NotificationKind::Opened))).await;
    channel.send(&direct("ada@example.com", "s", "b")).await;
    let [of_incident, of_direct] = [0, 1].map(|index| names(&sink.messages()[index].raw));

    let mut count = 2;
    for text in corpus() {
        for facts in poisoned(&text) {
            let outcome = channel.send(&incident("ada@example.com", facts)).await;
            assert!(matches!(outcome, Outcome::Sent(_)), "{text:?}: {outcome:?}");
            count += 1;
            assert_eq!(names(&sink.messages()[count - 1].raw), of_incident, "{text:?}");
        }
        for (subject, body) in [(text.as_str(), "b"), ("s", text.as_str())] {
            let outcome = channel.send(&direct("ada@example.com", subject, body)).await;
            assert!(matches!(outcome, Outcome::Sent(_)), "{text:?}: {outcome:?}");
            count += 1;
            assert_eq!(names(&sink.messages()[count - 1].raw), of_direct, "{text:?}");
        }
    }

    let messages = sink.messages();
    assert_eq!(messages.len(), count, "exactly one message each");
    assert_eq!(sink.connections(), 1, "no conversation went astray");
    for message in messages {
        assert_eq!(message.to, ["RCPT TO:<ada@example.com>"]);
        assert!(message.raw.is_ascii());
        for line in message.raw.split_inclusive(|byte| *byte == b'\n') {
            assert!(line.len() <= 998);
            let Some((b'\n', [line @ .., b'\r'])) = line.split_last() else {
                panic!("a line not ended by CRLF: {}", String::from_utf8_lossy(line));
            };
            assert!(!line.contains(&b'\r'));
        }
    }
}

#[tokio::test]
async fn a_body_arrives_as_it_was_meant() {
    let sink = SmtpSink::start().await;
    let settings = format!("host='127.0.0.1'\nport={}\nsecurity='none'\nfrom='f@example.com'", sink.port);
    let channel = channel("email", "smtp", &settings, &surroundings());
    let body = ".\n..\nFrom here\n=3D=\n trailing \n\ttab\n-- \nlast without end";
    channel.send(&direct("ada@example.com", "s", body)).await;
    let received = &sink.messages()[0];
    let message = MessageParser::new().parse(&received.raw).unwrap();
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), body);
}
