//! What a template says can be read before anybody gets it.

use std::fs;
use std::process::Stdio;

use crate::support::process::{Said, said};

async fn render(arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let templates = folder.path().join("templates");
    fs::create_dir(&templates).unwrap();
    fs::write(templates.join("welcome.subject.txt"), "Welcome, {{ name }}").unwrap();
    fs::write(templates.join("welcome.txt"), "Hello {{ name }},\nyou have {{ count }} things to do.\n")
        .unwrap();
    fs::write(templates.join("welcome.html"), "<p>Hello {{ name }}</p>\n").unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, format!("[templates]\ndir = '{}'\n", templates.display())).unwrap();
    let config = ["--config", config.to_str().unwrap()];
    said(&[&["template"], arguments, &config].concat(), Stdio::piped()).await
}

#[tokio::test]
async fn a_template_says_its_subject_and_text_with_what_it_is_given() {
    let told = render(&["render", "welcome", "name=Ada", "count=3"]).await;
    assert_eq!(told.exit, 0, "{told:?}");
    assert_eq!(told.output, "Subject: Welcome, Ada\n\nHello Ada,\nyou have 3 things to do.\n");
    let html = render(&["render", "welcome", "name=<Ada>", "count=3", "--html"]).await;
    assert_eq!(html.output, "<p>Hello &lt;Ada&gt;</p>\n", "values are escaped");
    let json = render(&["render", "welcome", "name=Ada", "count=3", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.output).expect("one object");
    assert_eq!(json["subject"], "Welcome, Ada");
    assert_eq!(render(&["list"]).await.output, "welcome  subject, text, html\n");
}

#[tokio::test]
async fn what_is_missing_is_named_with_its_file_and_line() {
    let told = render(&["render", "welcome", "name=Ada"]).await;
    assert_eq!((told.exit, told.output.as_str()), (1, ""), "{told:?}");
    for wanted in ["welcome.txt", "undefined value", ":2"] {
        assert!(told.errors.contains(wanted), "no {wanted} in {}", told.errors);
    }
    let unknown = render(&["render", "welcom"]).await;
    assert!(unknown.errors.contains("there are: welcome"), "{unknown:?}");
}
