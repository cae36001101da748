//! What is ejected says what was said.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::incident::IncidentStatus;
use crate::domain::notification::Content;
use crate::render::links::Links;
use crate::render::sms::SmsStyle;
use crate::render::{BuiltIn, Templates, email, push, sms};

fn house(templates: Templates) -> Letterhead {
    Letterhead {
        server_name: "fog-1".into(),
        public_url: "https://foghorn.example.com".into(),
        templates: Arc::new(templates),
        ..Letterhead::default()
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
    let all = OwnWords::ALL.into_iter().flat_map(|words| BuiltIn::Incident(words, None).templates());
    let (templates, flaws) = Templates::of(all.flat_map(|(name, files)| files.sheets(&name)));
    assert_eq!(flaws, []);
    templates
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
    // To nobody, as in a chat, and to somebody who may take it by the link.
    let to_ada = |house: Letterhead| Letterhead {
        links: Some(Links::new(b"a key", Duration::from_secs(3_600))),
        reader: Some(("ada".into(), sample::facts(NotificationKind::Opened).opened_at)),
        ..house
    };
    for locale in [None, Some("de-CH".to_owned())] {
        let own = || house(Templates::default().read_in(locale.clone()));
        let theirs = || house(ejected().read_in(locale.clone()));
        says_the_same(own(), theirs());
        says_the_same(to_ada(own()), to_ada(theirs()));
    }
}

fn says_the_same(own: Letterhead, theirs: Letterhead) {
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

/// What a text message says of `facts` to somebody who reads `locale`.
fn text(templates: &Templates, locale: Option<&str>, facts: IncidentFacts) -> String {
    let house = house(templates.clone().read_in(locale.map(str::to_owned)));
    let style = SmsStyle { links: false, ..SmsStyle::default() };
    sms::render(&Content::Incident(Box::new(facts)), &house, &style).unwrap().text
}

#[test]
fn what_is_written_for_an_occasion_goes_before_what_is_written_for_all_and_for_a_language_before_for_everybody()
 {
    let files = [
        ("incident-sms-resolved.txt", "over"),
        ("incident-sms-resolved.de.txt", "vorbei"),
        ("incident-sms-escalated.txt", "again"),
        ("incident-sms.de-AT.txt", "servus"),
        ("incident-sms.de.txt", "{{ state }}"),
        ("incident-sms.fr.txt", "bonjour"),
    ];
    let templates = load(&files.map(|(file, source)| (file.to_owned(), source))).unwrap();
    let table = [
        (NotificationKind::Resolved, Some("de-AT"), "vorbei"),
        (NotificationKind::Resolved, Some("fr"), "over"),
        (NotificationKind::Resolved, None, "over"),
        (NotificationKind::Escalated, Some("de"), "again"),
        (NotificationKind::Reopened, Some("de-AT"), "servus"),
        (NotificationKind::Updated, Some("de-CH"), "SCHLIMMER"),
        (NotificationKind::Opened, Some("fr-CA"), "bonjour"),
        (NotificationKind::Acknowledged, Some("en"), "checkout-api: taken by ada. 5xx rate above 5%"),
        (NotificationKind::Opened, None, "checkout-api: 5xx rate above 5%"),
    ];
    for (kind, locale, expected) in table {
        let said = text(&templates, locale, sample::facts(kind));
        assert!(said.ends_with(&format!("#1042 {expected}")), "{kind:?} {locale:?}: {said}");
    }
    // Decided when it was open, and sent when it was over.
    let late = IncidentFacts { status: IncidentStatus::Resolved, ..sample::facts(NotificationKind::Opened) };
    assert!(text(&templates, None, late).ends_with(" over"));
}

#[test]
fn whoever_reads_german_is_told_in_german_by_every_way() {
    let mut house = house(Templates::default());
    house.locales = Arc::new([("ada".into(), "de-AT".to_owned())].into());
    let facts = |kind| IncidentFacts { acknowledged_by: Some("grace".into()), ..sample::facts(kind) };
    let content = |kind| Content::Incident(Box::new(facts(kind)));
    let to_eve = Letterhead {
        reader: Some(("eve".into(), facts(NotificationKind::Opened).opened_at)),
        ..house.clone()
    };
    let opened = email::render(&content(NotificationKind::Opened), &to_eve).unwrap();
    assert!(opened.text.starts_with("OPEN - CRITICAL - "), "{}", opened.text);

    house.reader = Some(("ada".into(), facts(NotificationKind::Opened).opened_at));
    let mail = email::render(&content(NotificationKind::Acknowledged), &house).unwrap();
    assert_eq!(mail.subject, "[Foghorn #1042] KRITISCH checkout-api: 5xx rate above 5%");
    assert_eq!(
        mail.text,
        "ÜBERNOMMEN - KRITISCH - checkout-api\n\
         5xx rate above 5%\n\
         12.4% of requests failed\n\
         \n\
         Vorfall: https://foghorn.example.com/incidents/1042\n\
         Runbook: https://wiki.example.com/checkout\n\
         \n\
         Vorfall    #1042\n\
         Seit       21.11.2026 14:02:10 UTC von prometheus, 9 Ereignisse\n\
         Übernommen von grace\n\
         Merkmale   env=prod region=eu-west-1\n\
         \n\
         Foghorn auf fog-1 benachrichtigt Sie wegen der Richtlinie \"page\".\n"
    );
    assert!(mail.html.starts_with("<!doctype html>\n<html lang=\"de\">"), "{}", mail.html);
    let push = push::render(&content(NotificationKind::Resolved), &house).unwrap();
    assert_eq!(push.title, "BEHOBEN KRITISCH checkout-api");
    let style = SmsStyle { replies: true, ..SmsStyle::default() };
    let sms = sms::render(&content(NotificationKind::Escalated), &house, &style).unwrap();
    assert_eq!(
        sms.text,
        "Foghorn KRIT #1042 checkout-api: noch offen. 5xx rate above 5%. Antwort 1042A übernimmt, 1042R \
         beendet. https://foghorn.example.com/incidents/1042"
    );
    assert_eq!((sms.alphabet, sms.segments), (sms::Alphabet::Gsm7, 1));
}
