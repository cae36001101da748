//! What a template says can be read before anybody gets it, and Foghorn's own words can be taken over.

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
    let listed = "welcome  subject, text, html\n\
                  incident  subject, text, html  built in\n\
                  incident.de  subject, text, html  built in\n\
                  incident-push  subject, text  built in\n\
                  incident-push.de  subject, text  built in\n\
                  incident-sms  text  built in\n\
                  incident-sms.de  text  built in\n\
                  email_verification  subject, text, html  built in\n\
                  email_verification.de  subject, text, html  built in\n\
                  password_reset  subject, text, html  built in\n\
                  password_reset.de  subject, text, html  built in\n\
                  security_alert  subject, text, html  built in\n\
                  security_alert.de  subject, text, html  built in\n";
    assert_eq!(render(&["list"]).await.output, listed);
}

#[tokio::test]
async fn what_is_missing_is_named_with_its_file_and_line() {
    let told = render(&["render", "welcome", "name=Ada"]).await;
    assert_eq!((told.exit, told.output.as_str()), (1, ""), "{told:?}");
    for wanted in ["welcome.txt", "undefined value", ":2"] {
        assert!(told.errors.contains(wanted), "no {wanted} in {}", told.errors);
    }
    let unknown = render(&["render", "welcom"]).await;
    assert!(
        unknown.errors.contains("there are: email_verification, incident, incident-push, incident-sms"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn foghorns_own_words_are_written_where_they_can_be_changed_and_nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("templates");
    fs::create_dir(&dir).unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, format!("[templates]\ndir = '{}'\n", dir.display())).unwrap();
    let template = async |arguments: &[&str]| {
        let config = ["--config", config.to_str().unwrap()];
        said(&[&["template"], arguments, &config].concat(), Stdio::piped()).await
    };
    let own = template(&["render", "incident"]).await.output;
    assert!(own.starts_with("Subject: [Foghorn #1042] CRITICAL checkout-api: 5xx rate above 5%\n"), "{own}");

    let ejected = template(&["eject", "incident"]).await;
    assert_eq!((ejected.exit, ejected.output.lines().count()), (0, 6), "{ejected:?}");
    assert_eq!(template(&["render", "incident"]).await.output, own, "the same words");
    let subject = dir.join("incident.subject.txt");
    fs::write(&subject, "Ours: {{ title }}").unwrap();
    assert!(template(&["render", "incident"]).await.output.starts_with("Subject: Ours: 5xx rate above 5%\n"));
    assert!(template(&["list"]).await.output.starts_with("incident  subject, text, html\n"));

    let again = template(&["eject", "incident"]).await;
    assert_eq!(again.exit, 1, "{again:?}");
    assert!(again.errors.contains("incident.subject.txt: is there already; --force"), "{again:?}");
    assert_eq!(fs::read_to_string(&subject).unwrap(), "Ours: {{ title }}");
    assert_eq!(template(&["eject", "incident", "--force"]).await.exit, 0);
    assert_eq!(template(&["render", "incident"]).await.output, own);

    let unknown = template(&["eject", "farewell"]).await;
    assert!(
        unknown.errors.contains("Foghorn's own words are incident, incident-push, incident-sms"),
        "{unknown:?}"
    );
}
