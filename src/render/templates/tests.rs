use std::fs;

use serde_json::json;

use super::shelf::LONGEST;
use super::*;

fn load(files: &[(&str, &str)]) -> Result<Templates, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        fs::write(dir.path().join(name), source).unwrap();
    }
    Templates::load(Some(dir.path()))
}

fn said(files: &[(&str, &str)], vars: &serde_json::Value) -> Result<RenderedText, TemplateFault> {
    load(files).unwrap().render("hi", vars.as_object().unwrap())
}

#[test]
fn a_template_is_three_files_and_only_its_html_is_escaped() {
    let files = [
        ("hi.subject.txt", "Hello {{ name }}"),
        ("hi.txt", "Dear {{ name }}"),
        ("hi.html", "<p>{{ name }}</p>"),
        ("README.md", "{{ broken"),
    ];
    let rendered = said(&files, &json!({ "name": "<b>Ada" })).unwrap();
    assert_eq!(rendered.subject, "Hello <b>Ada");
    assert_eq!(rendered.text, "Dear <b>Ada");
    assert_eq!(rendered.html.unwrap(), "<p>&lt;b&gt;Ada</p>");
    assert!(load(&files).unwrap().contains("hi"));
    assert!(!load(&files).unwrap().contains("README"));
}

#[test]
fn what_cannot_be_said_is_a_fault() {
    let table = [
        ("{{ missing }}", "undefined"),
        ("{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}", "fuel"),
        ("{% include '/etc/passwd' %}", "passwd"),
        ("{{ 'x' * 1000000 }}", ""),
        ("{{ 1 / 0 }}", ""),
    ];
    for (source, word) in table {
        let fault = said(&[("hi.subject.txt", "x"), ("hi.txt", source)], &json!({})).unwrap_err();
        assert!(fault.to_string().contains(word), "{source}: {fault}");
    }
}

#[test]
fn what_says_too_much_is_stopped_there() {
    let vars = json!({ "long": "x".repeat(LONGEST / 4) });
    let hi = |source: &str| said(&[("hi.subject.txt", "x"), ("hi.txt", source)], &vars);
    let four = "{% for i in range(4) %}{{ long }}{% endfor %}";
    assert_eq!(hi(four).map(|said| said.text.len()), Ok(LONGEST));
    // Each of these would take gigabytes before its fuel ends.
    for source in [format!("{four}."), four.replace('4', "15000")] {
        let fault = hi(&source).unwrap_err().to_string();
        assert!(fault.contains("says more than"), "{fault}");
    }
}

#[test]
fn everything_wrong_is_said_at_start() {
    let problems = load(&[("a.txt", "{% if %}"), ("b.html", "x")]).unwrap_err();
    let all = problems.join("\n");
    for word in ["a.txt: syntax error", "a.subject.txt", "b.subject.txt", "no b.txt"] {
        assert!(all.contains(word), "{word} in {all}");
    }
    assert!(Templates::load(Some(Path::new("/nowhere"))).is_err());
    assert!(Templates::load(None).is_ok());
}
