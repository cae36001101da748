//! What services have their users told: built-in templates for every [`Notice`], in English and German.
//!
//! Each may be taken over like any template: whichever of them the operator wrote is said instead,
//! and then our own words of that name are not said in any language; but one that does not fit what a
//! sender says keeps nobody waiting: then our own are. `NAME.de` is for those who read German; who reads
//! what is decided where it is known who is told.

use serde_json::{Map, Value};

use super::language::Language;
use super::templates::Files;
use super::{Letterhead, words};
use crate::domain::notice::Notice;

/// The files of `NAME` in a language.
macro_rules! said {
    ($language:expr, $name:literal) => {
        $language.say(said!($name, of ""), said!($name, of ".de"))
    };
    ($name:literal, of $mark:literal) => {
        Files {
            subject: Some(include_str!(concat!($name, $mark, ".subject.txt"))),
            text: include_str!(concat!($name, $mark, ".txt")),
            html: Some(include_str!(concat!($name, $mark, ".html"))),
        }
    };
}

/// `notice` as a template in this language.
pub(super) fn files(notice: Notice, language: Language) -> Files<&'static str> {
    match notice {
        Notice::EmailVerification => said!(language, "email_verification"),
        Notice::PasswordReset => said!(language, "password_reset"),
        Notice::Welcome => said!(language, "welcome"),
        Notice::SecurityAlert => said!(language, "security_alert"),
    }
}

/// What services call the same things.
const LINKS: [&str; 6] =
    ["link", "verification_link", "verify_link", "reset_link", "login_link", "alert_link"];
const TOKENS: [&str; 5] = ["token", "verify_token", "verification_token", "reset_token", "alert_token"];
const NAMES: [&str; 3] = ["username", "name", "user_name"];
const MESSAGES: [&str; 4] = ["message", "alert_message", "details", "alert_type"];

/// What its templates may count on, beside whatever the sender said: empty where it is not known. A link
/// that leads nowhere in the web is none.
pub fn variables(vars: &Map<String, Value>, letterhead: &Letterhead) -> Map<String, Value> {
    let first = |names: &[&str]| names.iter().find_map(|name| vars.get(*name)?.as_str()).unwrap_or_default();
    let link = Some(first(&LINKS)).filter(|link| words::is_web_address(link)).unwrap_or_default();
    let mut all = vars.clone();
    for (name, value) in [
        ("link", link),
        ("token", first(&TOKENS)),
        ("username", first(&NAMES)),
        ("message", first(&MESSAGES)),
        ("server_name", &letterhead.server_name),
    ] {
        all.insert(name.to_owned(), value.into());
    }
    all
}

/// Variables of a message that never was, to see what a template makes of them.
pub fn example() -> Map<String, Value> {
    let vars = [
        ("username", "Ada Lovelace"),
        ("email", "ada@example.com"),
        ("link", "https://app.example.com/verify/a1b2c3"),
        ("token", "a1b2c3"),
        ("message", "There was a login from a new device."),
    ];
    let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    variables(&vars, &Letterhead { server_name: "foghorn".to_owned(), ..Letterhead::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{RenderedText, Templates};
    use super::*;
    use crate::domain::event::RequestText;

    fn said(name: &str, locale: Option<&str>, vars: Value) -> RenderedText {
        let vars = vars.as_object().cloned().expect("an object");
        let locale = locale.map(str::to_owned);
        let text = RequestText::Template { name: name.to_owned(), vars, subject: None, locale };
        Letterhead::default().direct(&text).expect("it is said")
    }

    #[test]
    fn every_notice_is_said_in_every_language_whatever_is_known() {
        for notice in Notice::ALL {
            for vars in [json!({}), json!({"username": "Ada", "token": "t0k"}), Value::Object(example())] {
                let english = said(notice.as_str(), None, vars.clone());
                let german = said(notice.as_str(), Some("de-AT"), vars.clone());
                assert_ne!(english.subject, german.subject, "{notice:?}");
                for one in [&english, &german] {
                    let html = one.html.as_deref().expect("it has HTML");
                    assert!(!one.subject.trim().is_empty() && !one.subject.trim().contains('\n'));
                    for (name, value) in vars.as_object().into_iter().flatten() {
                        let said = html.contains(value.as_str().unwrap_or_default());
                        let wanted = name == "username";
                        assert!(said || !wanted, "{notice:?} {name}: {html}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_senders_call_it_makes_no_difference_and_nothing_gets_out_of_its_place() {
        let vars = json!({"username": "<script>", "verification_link": "https://app.com/verify/t?a=1&b=2"});
        let html = said("email_verification", None, vars).html.expect("it has HTML");
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
        assert!(html.contains("href=\"https:&#x2f;&#x2f;app.com&#x2f;verify&#x2f;t?a=1&amp;b=2\""), "{html}");
        let html = said("email_verification", None, json!({"link": "javascript:alert(1)"})).html;
        assert!(!html.expect("it has HTML").contains("javascript"));
        let html = said("password_reset", None, json!({"reset_token": "abc"})).html.expect("it has HTML");
        assert!(html.contains("<b>abc</b>"), "{html}");
    }

    #[test]
    fn who_takes_one_over_has_all_of_it_and_who_adds_a_language_has_that_one() {
        let dir = tempfile::tempdir().expect("a directory");
        for (file, source) in [
            ("welcome.txt", "Hi {{ username }}"),
            ("welcome.subject.txt", "Hi"),
            ("password_reset.fr.txt", "Bonjour {{ username }}"),
            ("password_reset.fr.subject.txt", "Bonjour"),
        ] {
            std::fs::write(dir.path().join(file), source).expect("written");
        }
        let templates = Templates::load(Some(dir.path())).expect("they are whole");
        let vars = json!({"username": "Ada"}).as_object().cloned().expect("an object");
        let said = |name: &str, locale| {
            let vars = variables(&vars, &Letterhead::default());
            templates.render_for(name, Some(locale), &vars).expect("it is said")
        };
        let welcome = said("welcome", "de");
        assert_eq!((welcome.text.as_str(), welcome.html), ("Hi Ada", None));
        let built_in: Vec<String> = templates.built_in().map(|(name, _)| name).collect();
        assert!(built_in.contains(&"password_reset.de".to_owned()), "{built_in:?}");
        assert!(!built_in.iter().any(|name| name.starts_with("welcome")), "{built_in:?}");
        let subjects = ["fr-CA", "de", "en"].map(|locale| said("password_reset", locale).subject);
        assert_eq!(
            subjects.each_ref().map(|subject| subject.trim()),
            ["Bonjour", "Passwort zurücksetzen", "Reset your password"]
        );
    }

    #[test]
    fn a_template_that_does_not_fit_costs_nobody_their_message() {
        let sheets = Files { subject: Some("Hi"), text: "{{ promo_code }}", html: None }.sheets("welcome");
        let (templates, flaws) = Templates::of(sheets);
        assert_eq!(flaws, []);
        let house = Letterhead { templates: templates.into(), ..Letterhead::default() };
        let welcome = |vars: Value| {
            let (name, vars) = ("welcome".to_owned(), vars.as_object().cloned().expect("an object"));
            let text = RequestText::Template { name, vars, subject: None, locale: Some("de".to_owned()) };
            house.direct(&text).expect("it is said").text
        };
        assert_eq!(welcome(json!({"promo_code": "X1"})), "X1");
        assert!(welcome(json!({})).contains("willkommen"), "{}", welcome(json!({})));
    }
}
