//! Records that are refused, why, and where.

use super::{first, incident, notification, refused};
use crate::domain::event::RequestText;
use crate::domain::malformed::Malformation;

#[test]
fn what_is_no_json_is_refused_as_such() {
    let table: [(&[u8], &str); 16] = [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"{\"title\":\"x\"", "not_json"),
        (b"{\"title\":\"x\"} {}", "not_json"),
        (b"\xef\xbb\xbf{\"title\":\"x\"}", "not_json"),
        (b"{\0\"\0t\0", "not_json"),
        (b"\0{\0\"\0t", "not_json"),
        (b"\xff\xfe{\0", "not_json"),
        (b"{\"\xff\":1}", "not_json"),
        (b"{\"title\":\"\xc3\x28\"}", "not_json"),
        (b"{\"title\":\"\\ud800\"}", "not_json"),
        (b"{\"title\":\"a\0b\"}", "not_json"),
        (b"\0\0\0\0\x2a{\"title\":\"x\"}", "not_json"),
        (b"Obj\x01\x04\x14avro.codec", "not_json"),
        (b"\x0a\x05hello\x12\x03abc", "not_json"),
        (b"{\"title\":\"x\",\"vars\":1e400}", "not_json"),
    ];
    for (record, code) in table {
        let malformed = refused(record);
        assert_eq!(first(&malformed), (Malformation::Parse, "", code), "{record:?}");
    }
}

#[test]
fn json_of_the_wrong_shape_is_refused_with_the_place() {
    assert_each_refused(&[
        ("null", "", "wrong_type"),
        ("[]", "", "wrong_type"),
        (r#"[{"title":"x"}]"#, "", "wrong_type"),
        (r#""x""#, "", "wrong_type"),
        ("42", "", "wrong_type"),
        ("{}", "/title", "missing"),
        (r#"{"title":null}"#, "/title", "missing"),
        (r#"{"title":5}"#, "/title", "wrong_type"),
        (r#"{"title":"x","severity":{}}"#, "/severity", "wrong_type"),
        (r#"{"title":"x","labels":{"a":1.0}}"#, "/labels/a", "wrong_type"),
        (r#"{"title":"x","labels":[]}"#, "/labels", "wrong_type"),
        (r#"{"title":"x","labels":{" ":"v"}}"#, "/labels", "empty"),
        (r#"{"title":"x","links":["https://a"]}"#, "/links/0", "wrong_type"),
        (r#"{"title":"x","links":[{"text":"a"}]}"#, "/links/0/url", "missing"),
    ]);
}

#[test]
fn values_that_cannot_be_are_refused_with_the_place() {
    assert_each_refused(&[
        (r#"{"title":"x","links":[{"url":"javascript:alert(1)"}]}"#, "/links/0/url", "not_allowed"),
        (r#"{"title":"x","links":[{"url":"file:///etc/passwd"}]}"#, "/links/0/url", "not_allowed"),
        (r#"{"title":"x","links":[{"url":"http://u:p@h/"}]}"#, "/links/0/url", "not_allowed"),
        (r#"{"title":"x","event_id":9007199254740993}"#, "/event_id", "wrong_type"),
        (r#"{"title":"x","event_id":""}"#, "/event_id", "empty"),
        (r#"{"title":"x","event_id":"   "}"#, "/event_id", "empty"),
        (r#"{"title":"x","dedup_key":"a\nb"}"#, "/dedup_key", "control_character"),
        (r#"{"title":"x","severity":"high "}"#, "/severity", "not_allowed"),
        (r#"{"title":"x","severity":"urgent"}"#, "/severity", "not_allowed"),
        (r#"{"title":"x","status":"gone"}"#, "/status", "not_allowed"),
        (r#"{"title":"x","kind":"page"}"#, "/kind", "not_allowed"),
        (r#"{"title":"x","kind":1}"#, "/kind", "wrong_type"),
        (r#"{"title":"x","severity":"low","severity":"critical"}"#, "/severity", "duplicate_key"),
        (r#"{"title":"x","labels":{"a":"1","\u0061":"2"}}"#, "/labels/a", "duplicate_key"),
        (r#"{"title":"a\u0000b"}"#, "/title", "control_character"),
        (r#"{"title":"x","event_id":"a\u0000b"}"#, "/event_id", "control_character"),
        (r#"{"title":"x","labels":{"a":"\u0000"}}"#, "/labels/a", "control_character"),
        (r#"{"title":"x","severty":"high"}"#, "/severty", "unknown_field"),
        (r#"{"title":"x","a/b~c":1}"#, "/a~1b~0c", "unknown_field"),
    ]);
}

/// Each record, the pointer and the code of its first problem.
fn assert_each_refused(table: &[(&str, &str, &str)]) {
    for (record, pointer, code) in table {
        let malformed = refused(record);
        assert_eq!(first(&malformed), (Malformation::Schema, *pointer, *code), "{record}");
    }
}

#[test]
fn a_nul_in_a_key_is_refused() {
    let malformed = refused(r#"{"title":"x","labels":{"a\u0000":"v"}}"#);
    assert!(malformed.problems.iter().any(|problem| problem.code == "control_character"));
}

#[test]
fn a_link_goes_to_one_place_however_it_is_written() {
    let url = |url: &str| {
        let record = serde_json::json!({ "title": "x", "links": [{ "url": url }] }).to_string();
        incident(record).links.remove(0).url
    };
    for plain in ["https://grafana.example.com/d/abc?a=1&b=%20#top", "http://localhost/x"] {
        assert_eq!(url(plain), plain);
    }
    assert_eq!(url("HTTPS://Example.COM"), "https://example.com/");
    assert_eq!(url("https://example.com:8443/x"), "https://example.com:8443/x");
    assert_eq!(url("https://h/\"><script>"), "https://h/%22%3E%3Cscript%3E");
    for bad in ["https://", "https:///", "https://u@h/", "http://h\t.com/", "https://a b/", "//h/", "/x", ""]
    {
        let record = serde_json::json!({ "title": "x", "links": [{ "url": bad }] }).to_string();
        assert_eq!(first(&refused(record)).1, "/links/0/url", "{bad}");
    }
}

#[test]
fn every_problem_is_told_not_only_the_first() {
    let malformed = refused(
        r#"{"titel":"x","severity":"hihg","labels":{"a":1,"b":{}},"links":[{"url":"ftp://x"}],"occurred_at":"soon"}"#,
    );
    let mut found: Vec<_> = malformed.problems.iter().map(|p| (p.pointer.as_str(), p.code)).collect();
    found.sort_unstable();
    let all = [
        ("/labels/a", "wrong_type"),
        ("/labels/b", "wrong_type"),
        ("/links/0/url", "not_allowed"),
        ("/occurred_at", "not_allowed"),
        ("/severity", "not_allowed"),
        ("/titel", "unknown_field"),
        ("/title", "missing"),
    ];
    assert_eq!(found, all);
}

#[test]
fn a_likely_slip_gets_a_suggestion() {
    let hint = |record: &str| refused(record).problems[0].hint.clone().unwrap_or_default();
    assert_eq!(hint(r#"{"title":"x","severty":"high"}"#), "did you mean \"severity\"?");
    assert_eq!(hint(r#"{"title":"x","severity":"critcal"}"#), "did you mean \"critical\"?");
    assert_eq!(hint(r#"{"title":"x","severity":"high "}"#), "did you mean \"high\"?");
    let all = "one of critical, high, medium, low, info, P1";
    assert_eq!(hint(r#"{"title":"x","severity":"zzz"}"#), all);
}

#[test]
fn bounds_hold_to_the_byte() {
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"title":"x","vars":{open}{close}}}"#)
    };
    let title = |length: usize| format!(r#"{{"title":"{}"}}"#, "ö".repeat(length));
    let keys = |count: usize| {
        let entries: Vec<_> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
        format!("{{{}}}", entries.join(","))
    };
    let sized = |bytes: usize| {
        let frame = r#"{"title":"x"}"#;
        format!("{frame}{}", " ".repeat(bytes - frame.len()))
    };
    assert!(matches!(first(&refused(deep(64))), (Malformation::Schema, "/vars", "unknown_field")));
    for depth in [65, 127, 128, 100_000] {
        assert_eq!(first(&refused(deep(depth))).0, Malformation::TooLarge, "{depth}");
        assert_eq!(first(&refused(deep(depth))).2, "too_deep", "{depth}");
    }
    assert_eq!(incident(title(1_024)).title.chars().count(), 1_024);
    assert_eq!(first(&refused(title(1_025))), (Malformation::Schema, "/title", "too_long"));
    assert_eq!(first(&refused(keys(1_024))).2, "missing");
    assert_eq!(first(&refused(keys(1_025))), (Malformation::TooLarge, "", "too_many_keys"));
    assert_eq!(incident(sized(1 << 20)).title, "x");
    assert_eq!(first(&refused(sized((1 << 20) + 1))), (Malformation::TooLarge, "", "too_large"));
    let long_text = format!(r#"{{"title":"x","description":"{}"}}"#, "d".repeat((64 << 10) + 1));
    assert_eq!(first(&refused(long_text)).2, "too_long");
    let long_key = format!(r#"{{"title":"x","{}":1}}"#, "k".repeat((64 << 10) + 1));
    assert_eq!(first(&refused(long_key)).2, "too_long");
    let long_id = format!(r#"{{"title":"x","event_id":"{}"}}"#, "i".repeat(10_000));
    assert_eq!(first(&refused(long_id)), (Malformation::Schema, "/event_id", "too_long"));
}

#[test]
fn a_record_full_of_mistakes_makes_a_short_list() {
    let entries: Vec<_> = (0..1_000).map(|n| format!("\"k{n}\":1")).collect();
    let malformed = refused(format!("{{{}}}", entries.join(",")));
    assert_eq!(malformed.problems.len(), 50);
}

#[test]
fn numbers_keep_their_digits_or_are_refused() {
    let with = |number: &str| {
        format!(
            r#"{{"kind":"notification","to":"ada","via":"email","template":"t","vars":{{"n":{number}}}}}"#
        )
    };
    for number in
        ["0", "-0", "1.0", "18446744073709551615", "-9223372036854775808", "9007199254740993", "0.1"]
    {
        match notification(&with(number)).text {
            RequestText::Template { vars, .. } if number != "-0" => assert_eq!(vars["n"].to_string(), number),
            RequestText::Template { .. } => {}
            RequestText::Plain { .. } => panic!("a template was asked for"),
        }
    }
    for number in ["18446744073709551616", "-9223372036854775809", "1e300"] {
        assert_eq!(first(&refused(with(number))).1, "/vars/n", "{number}");
    }
    assert_eq!(first(&refused(with("1e400"))).2, "not_json");
}
