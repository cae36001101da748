//! Mappers as tables: what each makes of a record, what it refuses with which words, and what is no mapper.

use std::collections::BTreeMap;

use super::super::{Parsed, Words, native};
use super::*;
use crate::domain::event::{Body, EventStatus, IncidentEvent};
use crate::domain::severity::Severity;
use serde_json::Value;

fn now() -> Timestamp {
    "2026-11-21T14:02:08Z".parse().expect("a time")
}

fn words() -> Words {
    let links =
        BTreeMap::from([("email_verification".into(), "https://app.example.com/v/{token}".to_owned())]);
    let aliases = SeverityAliases(BTreeMap::from([("P1".to_owned(), Severity::Critical)]));
    Words { links, aliases, ..Words::default() }
}

fn mapper(text: &str) -> Mapper {
    let written = text.parse().expect("it is TOML");
    Mapper::compile("shop", &written, &words().aliases).unwrap_or_else(|objections| panic!("{objections:#?}"))
}

fn objections(text: &str) -> Vec<String> {
    let written = text.parse().expect("it is TOML");
    let found = Mapper::compile("shop", &written, &words().aliases).expect_err("it is none");
    found.into_iter().map(|one| format!("{}: {}", one.path.join("."), one.detail)).collect()
}

fn read(mapper: &Mapper, record: &str) -> Result<Parsed, Malformed> {
    match mapper.parse(record.as_bytes(), &words(), now())? {
        Mapped::Event(parsed) => Ok(parsed),
        Mapped::Ignored(rule) => panic!("{record}: rule {rule} lets it go"),
    }
}

fn incident(mapper: &Mapper, record: &str) -> IncidentEvent {
    match read(mapper, record).map(|parsed| parsed.body) {
        Ok(Body::Incident(event)) => event,
        other => panic!("{record}: {other:?}"),
    }
}

/// `pointer code: detail [hint]` of each problem.
fn refused(mapper: &Mapper, record: &str) -> Vec<String> {
    let malformed = read(mapper, record).expect_err(record);
    let one = |problem: Problem| {
        let hint = problem.hint.map(|hint| format!(" [{hint}]")).unwrap_or_default();
        format!("{} {}: {}{hint}", problem.pointer, problem.code, problem.detail)
    };
    malformed.problems.into_iter().map(one).collect()
}

const PAYMENTS: &str = r#"
event_type = "/type"
service    = "/app"
dedup_key  = { pointer = ["/alert/id", "/alert/uuid"] }

[[rules]]
on          = "alert.*"
when        = { "/env" = ["prod", "prod-*"], "/muted" = { exists = false } }
title       = "{{ alert.name }} on {{ alert.host | upper }}"
severity    = { pointer = "/prio", map = { P1 = "critical", 2 = "high" }, default = "low" }
occurred_at = "/at"
description = "/alert/text"
labels      = { "*" = "/tags", env = "/env", team = "payments", count = "/count" }
links       = [{ text = "Runbook", url = "/alert/runbook" }, { url = "/alert/dashboard" }]
event_id    = "/id"

[[rules]]
name      = "over"
on        = "over"
title     = "/alert/name"
status    = "resolved"
"#;

#[test]
fn the_first_rule_that_takes_a_record_fills_an_event_of_ours() {
    let mapper = mapper(PAYMENTS);
    let record = r#"{"type":"alert.new","env":"prod-eu","app":"checkout","prio":2,"at":1795269700,"id":77,"count":3,
        "tags":{"zone":"a","env":"x","gone":null},
        "alert":{"name":"Disk","host":"db-1","uuid":"u-1","id":"","runbook":"https://r.example/x","text":"Full.\nNow."}}"#;
    let parsed = read(&mapper, record).expect("an event");
    assert_eq!(parsed.producer_id.as_deref(), Some("77"));
    let event = incident(&mapper, record);
    assert_eq!((event.title.as_str(), event.severity), ("Disk on DB-1", Severity::High));
    assert_eq!((event.service.as_deref(), event.dedup_key.as_str()), (Some("checkout"), "u-1"));
    assert_eq!(event.occurred_at, Some("2026-11-21T14:01:40Z".parse().expect("a time")));
    let labels: Vec<_> = event.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["count=3", "env=prod-eu", "team=payments", "zone=a"]);
    assert_eq!(event.links.len(), 1, "the dashboard is not there");
    assert_eq!(event.description.as_deref(), Some("Full.\nNow."));
    let over = incident(&mapper, r#"{"type":"over","app":"checkout","alert":{"name":"Disk","id":5}}"#);
    assert_eq!((over.status, over.dedup_key.as_str()), (EventStatus::Resolved, "5"));
}

#[test]
fn a_record_that_no_rule_takes_is_refused_with_what_each_rule_missed() {
    assert_eq!(
        refused(&mapper(PAYMENTS), r#"{"type":"alert.new","env":"test","alert":{"name":"Disk"}}"#),
        [
            "/env unmapped: rule \"alert.*\" wants prod | prod-*, found text \"test\"",
            "/type unmapped: rule \"over\" wants over, found text \"alert.new\" [add a rule for such records; one \
             without \"when\" takes all that are left]",
        ]
    );
    let muted =
        refused(&mapper(PAYMENTS), r#"{"type":"alert.x","env":"prod","muted":"yes","alert":{"name":"D"}}"#);
    assert_eq!(muted[0], "/muted unmapped: rule \"alert.*\" wants nothing, found text \"yes\"");
}

#[test]
fn a_fault_says_which_rule_which_place_what_was_found_and_what_to_do() {
    let table = [
        (
            r#"{"type":"over","alert":{"nmae":"Disk","id":5}}"#,
            "/alert/name missing: rule \"over\", title from /alert/name: \"title\" is required; found nothing; /alert has \
             nmae, id [did you mean \"/alert/nmae\"?]",
        ),
        (
            r#"{"type":"over","alert":{"name":["Disk"],"id":5}}"#,
            "/alert/name wrong_type: rule \"over\", title from /alert/name: must be text, is a list; found a list of 1",
        ),
        (
            r#"{"type":"over"}"#,
            "/alert/name missing: rule \"over\", title from /alert/name: \"title\" is required; found nothing; the record \
             has type",
        ),
        (
            r#"{"type":"alert.x","env":"prod","alert":{"name":"D"}}"#,
            " missing: rule \"alert.*\", title: the record has no alert.host [give it a default, or write \
             {{ name | default(\"…\") }}]",
        ),
        (
            r#"{"type":"alert.x","env":"prod","at":"soon","alert":{"name":"D","host":"h"}}"#,
            "/at not_allowed: rule \"alert.*\", occurred_at from /at: \"soon\" is no date and time with a zone; found text \
             \"soon\" [like 2026-11-21T14:02:08Z]",
        ),
        (
            r#"{"type":"alert.x","env":"prod","tags":{"a":{"b":1}},"alert":{"name":"D","host":"h"}}"#,
            "/tags wrong_type: rule \"alert.*\", labels.* from /tags: must be text, is an object; found an object with a",
        ),
        (
            r#"{"type":"alert.x","env":"prod","alert":{"name":"D","host":"h","runbook":"javascript:alert(1)"}}"#,
            "/alert/runbook not_allowed: rule \"alert.*\", links.0.url from /alert/runbook: must be a http or https \
             address; found text \"javascript:alert(1)\"",
        ),
    ];
    for (record, expected) in table {
        assert_eq!(refused(&mapper(PAYMENTS), record), [expected], "{record}");
    }
    let strict = mapper(
        "title = \"/t\"\nseverity = { pointer = \"/prio\", map = { P1 = \"critical\", P2 = \"high\" } }",
    );
    assert_eq!(
        refused(&strict, r#"{"t":"x","prio":"p1"}"#),
        ["/prio not_allowed: rule \"shop\", severity: text \"p1\" is not in the map [did you mean \"P1\"?]"]
    );
    assert_eq!(
        refused(&strict, r#"{"t":"x","prio":{"x":1}}"#),
        [
            "/prio not_allowed: rule \"shop\", severity: an object with x is not in the map [its map has P1, P2; add this \
          one there, or a default]"
        ]
    );
    assert_eq!(
        incident(&strict, r#"{"t":"x"}"#).severity,
        Severity::Medium,
        "what is not there is not looked up"
    );
}

#[test]
fn what_may_be_a_secret_and_addresses_are_not_repeated() {
    let mapper = mapper("title = \"/t\"\nseverity = \"/auth/token\"\nstatus = \"/mail\"");
    let told = refused(&mapper, r#"{"t":"x","auth":{"token":"hunter2-and-more"},"mail":"ada@example.com"}"#)
        .join("\n");
    assert!(told.contains("text, which is not shown"), "{told}");
    assert!(!told.contains("hunter2") && !told.contains("ada@"), "{told}");
}

#[test]
fn bounds_and_dubious_json_are_refused_as_everywhere() {
    let mapper = mapper("title = \"/t\"\ndescription = \"{{ a | replace('x', b) }}\"");
    let code = |record: &str| read(&mapper, record).expect_err("refused").problems[0].code;
    assert_eq!(code(""), "empty");
    assert_eq!(code("{"), "not_json");
    assert_eq!(code("[]"), "missing", "a list is no object, and has no /t");
    assert_eq!(code("7"), "missing");
    assert_eq!(code(r#"{"t":"a","t":"b"}"#), "duplicate_key");
    assert_eq!(code("{\"t\":\"a\\u0000\"}"), "control_character");
    assert_eq!(code(&format!("{{\"t\":{}1{}}}", "[".repeat(70), "]".repeat(70))), "too_deep");
    assert_eq!(code(&format!("{{\"t\":\"{}\"}}", "x".repeat(70_000))), "too_long");
    assert_eq!(code(&format!("{{\"t\":\"{}\"}}", "x".repeat(1 << 20))), "too_large");
    assert_eq!(code(&format!("{{\"t\":\"{}\",\"a\":\"\",\"b\":\"\"}}", "x".repeat(2_000))), "too_long");
    // Each letter of a long text replaced by a long text would be gigabytes.
    let (letters, long) = ("x".repeat(60_000), "y".repeat(60_000));
    assert_eq!(code(&format!(r#"{{"t":"a","a":"{letters}","b":"{long}"}}"#)), "not_allowed");
}

#[test]
fn no_expression_runs_for_ever_or_makes_too_much() {
    let title = |expression: &str| format!("title = '''{expression}'''");
    for never in [
        "{% for a in range(100000) %}x{% endfor %}",
        "{{ 'x' * 90000000 }}",
        "{{ [1] * 90000000 }}",
        "{{ n ** n }}",
        "{{ range(9) }}{% if x %}",
        "{{ x | indent(1000000) }}",
        "{{ x | nope }}",
        "{{ x",
        "{{ x + }}",
        "{# x #}",
    ] {
        assert_eq!(objections(&title(never)).len(), 1, "{never}");
    }
    let fails = |expression: &str, record: &str, word: &str| {
        let told = refused(&mapper(&title(expression)), record).join("\n");
        assert!(told.contains(word), "{expression}: {told}");
    };
    assert_eq!(objections(&title(&format!("{{{{ {} }}}}", vec!["x"; 6_000].join(" ~ ")))).len(), 1);
    assert!(
        incident(&mapper(&title(&format!("{{{{ {} }}}}", vec!["x"; 200].join(" ~ ")))), r#"{"x":"y"}"#)
            .title
            .len()
            == 200
    );
    let nested = format!("{{{{ {}x{} }}}}", "(".repeat(400), ")".repeat(400));
    assert_eq!(objections(&title(&nested)).len(), 1);
    fails(
        "{{ list | join(between) }}",
        &format!(r#"{{"list":[{}1],"between":"{}"}}"#, "1,".repeat(900), "z".repeat(60_000)),
        "more than",
    );
    fails("{{ missing }}", "{}", "has no missing");
    fails("{{ a.b.c }}", r#"{"a":{}}"#, "has no a.b.c");
    fails("{{ record.x }}", "[]", "has no record.x");
    fails("{{ include('/etc/passwd') }}", "{}", "");
    fails("{{ x.y() }}", r#"{"x":"a"}"#, "");
    fails("{{ 1 / 0 }}", "{}", "");
    let deep = "[".repeat(60) + &"]".repeat(60);
    assert!(read(&mapper("title = \"a\"\nlabels = \"{{ x }}\""), &format!(r#"{{"x":{deep}}}"#)).is_err());
    // A star in a text is a star.
    assert_eq!(incident(&mapper(&title("{{ x | replace('*', 'star') }}")), r#"{"x":"a*"}"#).title, "astar");
}

#[test]
fn what_is_no_mapper_is_told_with_its_place() {
    let table = [
        ("", ": does not say where the title is"),
        ("titel = \"/t\"", "titel: is no key here"),
        ("title = \"/a~2\"", "title: behind \"~\" comes 0, which means \"~\", or 1, which means \"/\""),
        ("title = [\"/a\"]", "title: must be one value"),
        ("title = { pointr = \"/a\" }", "title.pointr: is no key here"),
        (
            "title = { pointer = \"a\" }",
            "title.pointer: a JSON Pointer begins with \"/\", such as \"/alert/title\"",
        ),
        ("title = { pointer = \"/a\", value = \"b\" }", "title: does not say where it comes from"),
        ("title = \"/t\"\nseverity = \"critcal\"", "severity: makes \"critcal\", which is not known"),
        (
            "title = \"/t\"\nseverity = { pointer = \"/p\", map = { a = \"hgih\" } }",
            "severity: makes \"hgih\", which is not known",
        ),
        (
            "title = \"/t\"\nstatus = { pointer = \"/p\", default = \"opn\" }",
            "status: makes \"opn\", which is not known",
        ),
        ("title = \"/t\"\nlinks = [\"/a\"]", "links.0: is no link"),
        ("title = \"/t\"\nlinks = 7", "links: must be a list of links"),
        ("to = \"/t\"\nvia = [\"email\"]", ": does not say where the text is"),
        (
            "title = \"/t\"\nto = \"/t\"",
            "to: belongs to an event of kind notification, and this is one of kind incident",
        ),
        ("rules = 7", "rules: must be a list of tables"),
        ("rules = [7]", "rules.0: must be a table"),
        ("rules = []", "rules: has no rule"),
        ("title = \"/t\"\nrules = [{ on = \"x\" }]", "rules.0.on: needs event_type"),
        (
            "title = \"/t\"\nrules = [{}, { when = { \"/a\" = 1 } }]",
            "rules.0: rule \"rule 1\" takes every record, so those below it are never reached",
        ),
        (
            "title = \"/t\"\nrules = [{ when = { a = 1 } }]",
            "rules.0.when.a: a JSON Pointer begins with \"/\", such as \"/alert/title\"",
        ),
        ("title = \"/t\"\nrules = [{ when = { \"/a\" = { is = 1 } } }]", "rules.0.when./a: is no condition"),
        (
            "title = \"/t\"\nrules = [{ when = { \"/a\" = [] } }]",
            "rules.0.when./a: must be a text, or a list of texts",
        ),
        ("title = \"/t\"\nrules = [{ kind = \"page\" }]", "rules.0.kind: is no kind of event"),
        (
            "event_type = \"type\"\ntitle = \"/t\"",
            "event_type: a JSON Pointer begins with \"/\", such as \"/alert/title\"",
        ),
    ];
    for (written, expected) in table {
        let found = objections(written);
        assert!(found.iter().any(|one| one == expected), "{written}: {found:?}");
    }
}

#[test]
fn what_cannot_arrive_so_and_what_may_not_be_let_go_is_told_with_its_place() {
    let table = [
        ("title = \"/body/t\"\nheaders = []", "headers: must be a list of names"),
        (
            "title = \"/body/t\"\nheaders = [\"X-A\", \"x-a\"]",
            "headers.1: is named twice: names compare without case",
        ),
        (
            "title = \"/body/t\"\nheaders = [\"Authorization\"]",
            "headers.0: may be a secret, which would be kept with every record",
        ),
        (
            "title = \"/body/t\"\nheaders = [\"X-Gitlab-Token\"]",
            "headers.0: may be a secret, which would be kept with every record",
        ),
        (
            "title = \"/body/t\"\nheaders = [\"a b\"]",
            "headers.0: is no name of a header: letters, digits, \"-\", \"_\", \".\" and \":\", at most 64",
        ),
        ("title = \"/t\"\nheaders = [\"X-A\"]", "title: leads neither into /headers nor into /body"),
        (
            "title = \"/headers/X-A\"\nheaders = [\"X-A\"]",
            "title: leads to \"X-A\", which is not among its headers",
        ),
        (
            "rules = [{ title = \"/body/t\", when = { \"/headers/x-b\" = 1 } }]\nheaders = [\"X-A\"]",
            "rules.0.when./headers/x-b: leads to \"x-b\", which is not among its headers",
        ),
        ("title = \"/body/t\"\nheaders = [\"X-A\"]\neach = \"/headers\"", "each: is no list of what came"),
        ("title = \"/t\"\neach = 7", "each: must be a JSON Pointer"),
        ("rules = [{ kind = \"ignored\" }]", "rules.0: does not say which records it lets go"),
        (
            "rules = [{ kind = \"ignored\", when = { \"/a\" = 1 }, title = \"/t\" }]",
            "rules.0.title: belongs to an event of kind incident, and this rule makes none",
        ),
        (
            "rules = [{ kind = \"ignored\", when = { \"/a\" = 1 }, event_id = \"/t\" }]",
            "rules.0.event_id: belongs to an event, and this rule makes none",
        ),
    ];
    for (written, expected) in table {
        let found = objections(written);
        assert!(found.iter().any(|one| one == expected), "{written}: {found:?}");
    }
}

#[test]
fn conditions_look_at_words_numbers_lists_and_what_is_there() {
    let takes = |when: &str, record: &str| {
        let mapper = mapper(&format!("title = \"x\"\n[[rules]]\nwhen = {{ \"/a\" = {when} }}"));
        read(&mapper, record).is_ok()
    };
    let table = [
        ("\"x\"", r#"{"a":"x"}"#, true),
        ("\"x\"", r#"{"a":"X"}"#, false),
        ("\"x*\"", r#"{"a":"xyz"}"#, true),
        ("[\"y\", \"x*\"]", r#"{"a":"xyz"}"#, true),
        ("5", r#"{"a":5}"#, true),
        ("5", r#"{"a":"5"}"#, true),
        ("true", r#"{"a":true}"#, true),
        ("\"x\"", r#"{"a":["y","x"]}"#, true),
        ("\"x\"", r#"{"a":{"x":1}}"#, false),
        ("\"*\"", r"{}", false),
        ("\"*\"", r#"{"a":null}"#, false),
        ("{ exists = true }", r#"{"a":{}}"#, true),
        ("{ exists = true }", r#"{"a":null}"#, false),
        ("{ exists = false }", r#"{"a":null}"#, true),
        ("{ exists = false }", r#"{"a":0}"#, false),
        ("{ not = \"x\" }", r#"{"a":"y"}"#, true),
        ("{ not = [\"x\", \"y\"] }", r#"{"a":"y"}"#, false),
        ("{ not = \"x\" }", r"{}", false),
    ];
    for (when, record, expected) in table {
        assert_eq!(takes(when, record), expected, "{when} {record}");
    }
}

const GITHUB: &str = r#"
headers    = ["X-GitHub-Event", "X-GitHub-Delivery"]
event_type = "/headers/x-github-event"
event_id   = "/headers/x-github-delivery"
title      = "{{ body.issue.title }} ({{ headers['x-github-event'] }})"
[[rules]]
on         = "issues"
when       = { "/body/action" = "opened" }
[[rules]]
name       = "pings"
on         = "ping"
kind       = "ignored"
"#;

/// What becomes of a record that comes with these headers, part by part.
fn came(mapper: &Mapper, lines: &[(&str, &str)], raw: &str) -> Vec<(String, Result<Mapped, Malformed>)> {
    let header = |name: &str| {
        let found = lines.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    };
    let parts = match mapper.parts(raw.as_bytes(), &header, &words().bounds).expect("it can be cut") {
        Parts::Whole => vec![raw.as_bytes().into()],
        Parts::Each(parts) => parts,
    };
    let one = |part: std::sync::Arc<[u8]>| {
        // A part is whole: it is not cut again, and needs no header.
        let again = mapper.parts(&part, &|_| None, &words().bounds);
        assert!(matches!(again, Ok(Parts::Whole)) || serde_json::from_slice::<Value>(&part).is_err());
        let read = mapper.parse(&part, &words(), now());
        (String::from_utf8_lossy(&part).into_owned(), read)
    };
    parts.into_iter().map(one).collect()
}

#[test]
fn headers_are_read_and_kept_with_the_record_so_that_it_needs_none_when_it_is_read_again() {
    let mapper = mapper(GITHUB);
    let body = r#"{"action":"opened","issue":{"title":"Down"}}"#;
    let came = came(&mapper, &[("x-github-EVENT", "issues"), ("X-GitHub-Delivery", "d-1")], body);
    let [(kept, Ok(Mapped::Event(parsed)))] = came.as_slice() else { panic!("{came:?}") };
    let expected = r#"{"headers":{"x-github-delivery":"d-1","x-github-event":"issues"},"body":BODY}"#;
    assert_eq!(*kept, expected.replace("BODY", body));
    assert_eq!(parsed.producer_id.as_deref(), Some("d-1"));
    assert!(matches!(&parsed.body, Body::Incident(event) if event.title == "Down (issues)"));
}

#[test]
fn a_record_without_its_header_and_one_that_is_no_json_are_dead_letters_with_all_their_bytes() {
    let mapper = mapper(GITHUB);
    let unnamed = came(&mapper, &[], r#"{"action":"opened"}"#);
    let (kept, Err(malformed)) = &unnamed[0] else { panic!("{unnamed:?}") };
    assert_eq!(kept, r#"{"headers":{},"body":{"action":"opened"}}"#);
    assert_eq!(
        malformed.problems[0].detail,
        "rule \"issues\" wants issues, found nothing; /headers is an empty object"
    );
    let torn = came(&mapper, &[("X-GitHub-Event", "issues")], r#"{"action":"#);
    let (kept, Err(malformed)) = &torn[0] else { panic!("{torn:?}") };
    assert_eq!((kept.as_str(), malformed.reason), (r#"{"action":"#, Malformation::Parse));
}

#[test]
fn a_record_of_the_largest_size_and_depth_is_as_good_with_headers() {
    let mapper = mapper("headers = [\"X-A\"]\ntitle = \"/body/t\"");
    let deep = format!("{}1{}", "[".repeat(63), "]".repeat(63));
    let record = |filling: &str| format!(r#"{{"t":"x","d":{deep}{filling}}}"#);
    let record = record(&" ".repeat(words().bounds.bytes - record("").len()));
    assert_eq!(record.len(), words().bounds.bytes);
    let came = came(&mapper, &[("X-A", &"\"".repeat(1_024))], &record);
    assert!(matches!(came[0].1, Ok(Mapped::Event(_))), "{:?}", came[0].1);
}

#[test]
fn a_rule_lets_go_what_it_takes_and_what_no_rule_takes_is_refused() {
    let mapper = mapper(GITHUB);
    let event = |kind: &str| {
        let mut all = came(&mapper, &[("X-GitHub-Event", kind)], r#"{"zen":"x"}"#);
        all.remove(0).1
    };
    assert_eq!(event("ping"), Ok(Mapped::Ignored("pings".to_owned())));
    assert_eq!(event("star").expect_err("nobody lets it go").problems.len(), 2);
}

const EACH: &str = r#"
each      = "/data/alerts"
dedup_key = "/data/alerts/0/id"
[[rules]]
name = "heartbeat"
when = { "/data/alerts/0" = { exists = false }, "/kind" = "heartbeat" }
kind = "ignored"
[[rules]]
name = "chatter"
when = { "/data/alerts/0/level" = "debug" }
kind = "ignored"
[[rules]]
title = "{{ site }}: {{ data.alerts[0].name }}"
"#;

#[test]
fn each_item_of_a_list_is_an_event_with_all_that_is_around_the_list() {
    let mapper = mapper(EACH);
    let record = r#"{"site":"ams", "data":{ "alerts":[{"id":1,"name":"A"}, {"id":2}, {"id":3,"level":"debug"},{"id":4,"name":"D"}],"n":4} }"#;
    let came = came(&mapper, &[], record);
    let parts: Vec<&str> = came.iter().map(|(part, _)| part.as_str()).collect();
    assert_eq!(parts.len(), 4);
    assert_eq!(parts[0], r#"{"site":"ams", "data":{ "alerts":[{"id":1,"name":"A"}],"n":4} }"#);
    assert_eq!(parts[1], r#"{"site":"ams", "data":{ "alerts":[{"id":2}],"n":4} }"#);
    let told = |at: usize| match &came[at].1 {
        Ok(Mapped::Event(Parsed { body: Body::Incident(event), .. })) => {
            format!("{} {}", event.title, event.dedup_key)
        }
        Ok(Mapped::Ignored(rule)) => format!("let go by {rule}"),
        other => format!("{other:?}").chars().take(9).collect(),
    };
    assert_eq!(
        [told(0), told(1), told(2), told(3)],
        ["ams: A 1", "Err(Malfo", "let go by chatter", "ams: D 4"]
    );
}

#[test]
fn a_list_of_one_one_alone_none_and_an_empty_one_are_told_apart() {
    let mapper = mapper(EACH);
    let told = |record: &str| match came(&mapper, &[], record).as_slice() {
        [(part, Ok(Mapped::Event(_)))] => format!("event of {part}"),
        [(_, Ok(Mapped::Ignored(rule)))] => rule.clone(),
        [(_, Err(malformed))] => format!("{} {}", malformed.problems[0].pointer, malformed.problems[0].code),
        more => panic!("{more:?}"),
    };
    let one = r#"{"site":"ams","data":{"alerts":[{"id":1,"name":"A"}]}}"#;
    assert_eq!(told(one), format!("event of {one}"), "as it came");
    assert_eq!(
        told(&one.replace(['[', ']'], "")),
        format!("event of {one}"),
        "an object counts as a list of one"
    );
    assert_eq!(told(r#"{"site":"ams","data":{"alerts":[]}}"#), "/data/alerts empty");
    assert_eq!(told(r#"{"kind":"heartbeat","data":{"alerts":[]}}"#), "heartbeat");
    assert_eq!(told(r#"{"kind":"heartbeat"}"#), "heartbeat");
    assert_eq!(told(r#"{"site":"ams","data":{}}"#), " missing", "an expression names what is not there");
    assert_eq!(told(r#"{"site":"ams","data":{"alerts":[{}],"alerts":[{}]}}"#), "/data/alerts duplicate_key");
}

#[test]
fn a_record_may_be_a_list_and_have_headers() {
    let mapper = mapper(
        "headers = [\"X-Site\"]\neach = \"/body\"\ntitle = \"{{ headers['x-site'] }}: {{ body[0].t }}\"",
    );
    let came = came(&mapper, &[("X-Site", "ams")], r#" [{"t":"A"},{"t":"B"}] "#);
    let titles: Vec<_> = came.iter().map(|(part, _)| incident(&mapper, part).title).collect();
    assert_eq!(titles, ["ams: A", "ams: B"]);
}

#[test]
fn too_many_events_and_too_much_around_them_are_refused_as_a_whole() {
    let mapper = mapper("each = \"/a\"\ntitle = \"/a/0/t\"");
    let cut = |record: String| {
        mapper.parts(record.as_bytes(), &|_| None, &words().bounds).map_err(|why| why.reason)
    };
    let list = |count: usize| vec!["{}"; count].join(",");
    assert!(
        matches!(cut(format!(r#"{{"a":[{}]}}"#, list(2_000))), Ok(Parts::Each(parts)) if parts.len() == 2_000)
    );
    assert_eq!(cut(format!(r#"{{"a":[{}]}}"#, list(2_001))), Err(Malformation::TooLarge));
    let around = "x".repeat(100 << 10);
    assert!(cut(format!(r#"{{"b":"{around}","a":[{}]}}"#, list(100))).is_ok(), "a few may share much");
    assert_eq!(cut(format!(r#"{{"b":"{around}","a":[{}]}}"#, list(1_000))), Err(Malformation::TooLarge));
}

/// The records that the five systems document, with a mapper that says what the preset for each says.
const SEEDS: [(&str, &str, &[&str]); 5] = [
    (
        "channels",
        r#"
        subject = { expression = "subject | default((content | lines | first) | truncate(78))" }
        body    = "/content"
        via     = "{{ channels | lower | split(',') if channels is string else channels }}"
        [[rules]]
        when  = { "/destination" = { exists = true }, "/user/id" = { exists = true } }
        to    = "/destination"
        whose = "user:{{ user.id }}"
        [[rules]]
        when  = { "/destination" = { exists = true } }
        to    = "/destination"
        whose = "owner"
        [[rules]]
        to    = "user:{{ user.id if user is mapping else user }}"
        whose = "user:{{ user.id if user is mapping else user }}"
        "#,
        &[
            r#"{"content":"Hi","channels":["email"],"destination":"a@x"}"#,
            r#"{"content":"Hi\nthere","channels":"email,SMS","destination":["a@x","+15550111"]}"#,
            r#"{"content":"Hi","channels":["email"],"destination":"a@x","user":{"id":7,"plan":"pro"}}"#,
            r#"{"content":"Hi","channels":["ios"],"user":"ada"}"#,
        ],
    ),
    (
        "topic",
        r#"
        to      = "user:{{ user_id }}"
        via     = { expression = "topic | lower" }
        subject = "/message"
        body    = "/message"
        "#,
        &[
            r#"{"user_id":1,"topic":"email","message":"Hi!"}"#,
            r#"{"user_id":"ada","topic":"SMS","message":"Hi!"}"#,
        ],
    ),
    (
        "request",
        r#"
        type    = "/notification_type"
        to      = "/recipient_email"
        via     = ["email"]
        whose   = "owner"
        subject = "/subject"
        [[rules]]
        when     = { "/template_vars" = { exists = true } }
        template = "/content"
        vars     = "/template_vars"
        [[rules]]
        body     = "/content"
        "#,
        &[
            r#"{"notification_type":"receipt","recipient_email":"a@x","subject":"S","content":"welcome","template_vars":{"n":1}}"#,
            r#"{"notification_type":"receipt","recipient_email":"a@x","subject":"S","content":"Thank you, Ada"}"#,
        ],
    ),
    (
        "notice",
        r#"
        event_type = "/event_type"
        [[rules]]
        on       = "UserEmailVerificationRequested"
        type     = "email_verification"
        template = "email_verification"
        to       = "/email"
        via      = ["email"]
        priority = "high"
        whose    = "user:{{ userid }}"
        [rules.vars]
        userid       = "/userid"
        email        = "/email"
        username     = "/username"
        verify_token = "/verify_token"
        link         = "https://app.example.com/v/{{ verify_token | urlencode }}"
        "#,
        &[r#"{"event_type":"UserEmailVerificationRequested","userid":"a1b2","email":"user@example.com",
              "username":"John Doe","verify_token":"a b"}"#],
    ),
    (
        "command",
        r#"
        event_type = "/type"
        title      = { pointer = ["/payload/title", "/payload/incident_id"] }
        dedup_key  = { pointer = ["/payload/dedup_key", "/payload/incident_id"] }
        severity   = "/payload/severity"
        service    = "/payload/service"
        event_id   = "/event_id"
        labels     = { team = "/payload/team" }
        [[rules]]
        on     = "create_incident"
        [[rules]]
        on     = "update_incident"
        status = "/payload/status"
        [[rules]]
        on     = "resolve_incident"
        status = "resolved"
        [[rules]]
        on      = "send_notification"
        to      = "user:{{ payload.user_id }}"
        via     = "/payload/topic"
        subject = "/payload/message"
        body    = "/payload/message"
        "#,
        &[
            r#"{"type":"create_incident","payload":{"title":"Disk","severity":"high","team":"DevOps","incident_id":42}}"#,
            r#"{"type":"create_incident","event_id":"e1","payload":{"title":"Disk","service":"db"}}"#,
            r#"{"type":"update_incident","payload":{"incident_id":"42","title":"Disk","status":"resolved"}}"#,
            r#"{"type":"resolve_incident","payload":{"incident_id":"42"}}"#,
            r#"{"type":"send_notification","payload":{"user_id":1,"topic":"email","message":"Hi"}}"#,
        ],
    ),
];

#[test]
fn a_mapper_can_say_what_each_preset_says() {
    for (name, written, records) in SEEDS {
        let mapper = mapper(written);
        for record in records {
            let preset = native::parse(record.as_bytes(), &words(), now()).expect(record);
            assert_eq!(read(&mapper, record).as_ref(), Ok(&preset), "{name}: {record}");
        }
    }
}

#[test]
fn each_step_is_told() {
    let record = r#"{"type":"over","app":"web","alert":{"name":"Disk","id":5}}"#;
    let (steps, parsed) = mapper(PAYMENTS).explain(record.as_bytes(), &words(), now());
    assert!(parsed.is_ok());
    let steps = steps.expect("it is JSON");
    let verdicts: Vec<_> = steps.rules.iter().map(|rule| (rule.name.as_str(), rule.verdict)).collect();
    assert_eq!(verdicts, [("alert.*", Verdict::NoMatch), ("over", Verdict::Match)]);
    let filled: Vec<String> = steps
        .fields
        .iter()
        .map(|one| format!("{} ← {} = {}", one.field, one.from, one.became.as_deref().unwrap_or("nothing")))
        .collect();
    assert_eq!(
        filled,
        [
            "title ← /alert/name = text \"Disk\"",
            "status ← always text \"resolved\" = text \"resolved\"",
            "service ← /app = text \"web\"",
            "dedup_key ← /alert/id or /alert/uuid = text \"5\"",
        ]
    );
}

proptest::proptest! {
    #[test]
    fn no_record_makes_a_mapper_panic(
        text in proptest::prelude::any::<String>(),
        keys in proptest::sample::subsequence(vec!["type", "app", "env", "prio", "at", "tags", "alert", "id"], 0..8),
    ) {
        let mapper = mapper(PAYMENTS);
        for value in [serde_json::json!(text), serde_json::json!([text]), serde_json::json!({ "name": text, "host": 1 }),
            7.into(), serde_json::json!("alert.x")] {
            let record: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), value.clone())).collect();
            let raw = serde_json::to_vec(&record).expect("it is JSON");
            let _ = mapper.explain(&raw, &words(), now());
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "[a-z/{}|\\(\\)\"'~% .\\[\\]0-9é]{0,40}") {
        let mut written = toml::Table::new();
        written.insert("title".to_owned(), text.clone().into());
        let _ = Mapper::compile("x", &written, &SeverityAliases::default());
    }
}
