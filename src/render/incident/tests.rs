//! What is ejected says what was said.

use std::fs;
use std::sync::Arc;

use super::*;
use crate::domain::notification::Content;
use crate::render::sms::SmsStyle;
use crate::render::{Templates, email, push, sms};

fn house(templates: Templates) -> Letterhead {
    Letterhead {
        server_name: "fog-1".into(),
        public_url: "https://foghorn.example.com".into(),
        templates: Arc::new(templates),
    }
}

/// The templates of a directory with these files.
fn load(files: &[(String, &str)]) -> Result<Templates, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        fs::write(dir.path().join(name), source).unwrap();
    }
    Templates::load(Some(dir.path()))
}

fn ejected() -> Templates {
    let files: Vec<_> =
        OwnWords::ALL.into_iter().flat_map(|words| words.files().named(words.name())).collect();
    load(&files).unwrap()
}

/// Of a page: its words and the addresses of its links, without the form they have.
fn read(html: &str) -> String {
    let mut words = String::new();
    for (place, part) in html.split(['<', '>']).enumerate() {
        let is_tag = place % 2 == 1;
        let link = part.split_once("href=\"").and_then(|(_, rest)| rest.split('"').next());
        words.push_str(if is_tag { link.unwrap_or(" ") } else { part });
    }
    for (written, meant) in
        [("&#x2f;", "/"), ("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&#34;", "\"")]
    {
        words = words.replace(written, meant);
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn ejected_templates_say_what_foghorn_says_itself() {
    let (own, theirs) = (house(Templates::default()), house(ejected()));
    let style = SmsStyle { replies: true, max_segments: 2, ..SmsStyle::default() };
    for facts in sample::all() {
        let facts = IncidentFacts { title: "a < b & \"c\"".into(), ..facts };
        let content = Content::Incident(Box::new(facts));
        let (expected, said) =
            (email::render(&content, &own).unwrap(), email::render(&content, &theirs).unwrap());
        assert_eq!(said.subject, expected.subject);
        assert_eq!(said.text, expected.text.trim_end());
        assert_eq!(read(&said.html), read(&expected.html));
        assert_eq!(push::render(&content, &theirs), push::render(&content, &own));
        assert_eq!(sms::render(&content, &theirs, &style), sms::render(&content, &own, &style));
    }
}

#[test]
fn a_text_message_keeps_number_code_and_link_whatever_the_template_says() {
    let long = "x".repeat(400);
    let theirs = house(load(&[("incident-sms.txt".to_owned(), long.as_str())]).unwrap());
    let content = Content::Incident(Box::new(sample::all().swap_remove(0)));
    let style = SmsStyle { replies: true, ..SmsStyle::default() };
    let said = sms::render(&content, &theirs, &style).unwrap();
    assert_eq!(said.segments, 1);
    assert!(said.text.starts_with("Foghorn CRIT #1042 xxx"), "{}", said.text);
    assert!(
        said.text.contains(" Reply 1042A ack. https://foghorn.example.com/incidents/1042"),
        "{}",
        said.text
    );
}

#[test]
fn a_slip_that_shows_with_some_incidents_only_is_found_when_it_is_read() {
    let table = [
        ("{{ servise }}", "undefined"),
        ("{{ description|upper|nofilter }}", "nofilter"),
        ("{% if kind == 'resolved' %}{{ after }}{% endif %}", "undefined"),
        ("{% if not service %}{{ nothing.at_all }}{% endif %}", "undefined"),
    ];
    for (source, word) in table {
        let problems = load(&[("incident-sms.txt".to_owned(), source)]).unwrap_err().join("; ");
        assert!(problems.contains(word) && problems.contains("incident-sms.txt"), "{source}: {problems}");
    }
}

#[test]
fn a_page_goes_out_in_foghorns_words_if_the_template_fails_it() {
    let source = "{% if number == 7 %}{{ 1 / 0 }}{% endif %}hello";
    let theirs = house(load(&[("incident-sms.txt".to_owned(), source)]).unwrap());
    let say = |number| {
        let facts = IncidentFacts { number, ..sample::all().swap_remove(0) };
        sms::render(&Content::Incident(Box::new(facts)), &theirs, &SmsStyle::default()).unwrap().text
    };
    assert!(say(8).starts_with("Foghorn CRIT #8 hello"), "{}", say(8));
    assert!(say(7).starts_with("Foghorn CRIT #7 checkout-api: 5xx rate above 5%"), "{}", say(7));
}
