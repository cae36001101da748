//! The codes of the configuration: from the fixtures, and from what a fixture cannot hold.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use foghorn::catalogue::{Code, Effect, Origin};
use foghorn::config::{Config, Problem, load};

use super::codes_of;

type Environment = BTreeMap<String, String>;

fn environment(name: &str, value: &str) -> Environment {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}

fn problems(text: &str, environment: &Environment) -> Vec<Problem> {
    match Config::parse(text, None, environment) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    }
}

fn fixture(name: &str) -> Vec<Problem> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    let text = fs::read_to_string(folder.join(name).with_extension("toml")).expect("a fixture");
    problems(&text, &environment("EMPTY_VARIABLE", ""))
}

fn exposed_secret() -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    fs::write(&secret, "hunter2").unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o644)).unwrap();
    let text = format!(
        "[channels.email]\ntype = 'email'\nprovider = 'smtp'\nhost = 'mail.example.com'\nusername = 'ada'\n\
         from = 'foghorn@example.com'\npassword = {{ file = '{}' }}\n",
        secret.display()
    );
    problems(&text, &Environment::new())
}

/// A file that includes another with the same key.
fn included_twice() -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("config.toml");
    fs::write(&main, "include = ['more.toml']\n[server]\nname = 'a'\n").unwrap();
    fs::write(folder.path().join("more.toml"), "[server]\nname = 'b'\n").unwrap();
    load(Some(&main), &Environment::new()).expect_err("the name stands twice")
}

/// What is said where this goes wrong; `None` if nobody knows how to make it go wrong.
fn trigger(code: Code) -> Option<Vec<Problem>> {
    Some(match code {
        Code::Unreadable => {
            let folder = tempfile::tempdir().unwrap();
            let missing = load(Some(&folder.path().join("none.toml")), &Environment::new());
            missing.expect_err("there is no file")
        }
        Code::UnknownKey => fixture("key-in-the-wrong-table"),
        Code::Syntax => fixture("not-toml"),
        Code::Missing => fixture("provider-without-its-needed-keys"),
        Code::WrongValue => fixture("hosts-that-are-none"),
        Code::NeedsUnit => fixture("duration-without-a-unit"),
        Code::OutOfRange => fixture("numbers-out-of-range"),
        Code::Later => fixture("keys-of-a-later-version"),
        Code::Contradiction => fixture("names-differing-in-case"),
        Code::Renamed => problems("[http]\nbind = '127.0.0.1:1'\n", &Environment::new()),
        Code::Included => included_twice(),
        Code::UnknownVariable => problems("", &environment("FOGHORN_HTPP__LISTEN", "127.0.0.1:1")),
        Code::SecretMissing | Code::SecretEmpty | Code::SecretUnreadable => {
            fixture("secrets-that-are-not-there")
        }
        Code::SecretInClear => fixture("secret-in-the-file"),
        Code::SecretExposed => exposed_secret(),
        Code::LocalLinks => fixture("links-to-localhost"),
        Code::UnknownPolicy | Code::UnknownChannel => fixture("route-to-nowhere"),
        Code::UnknownPerson => fixture("people-who-do-not-exist"),
        Code::NoRoute => fixture("no-route-for-the-rest"),
        Code::NobodyHears | Code::NeverReached => fixture("nobody-hears"),
        Code::OpenWithoutAuth => fixture("open-to-the-network-without-auth"),
        Code::OpenByChoice => fixture("open-to-a-trusted-network"),
        _ => return None,
    })
}

#[test]
fn every_code_of_the_configuration_is_triggered() {
    for code in codes_of(Origin::Configuration) {
        let told = trigger(code).unwrap_or_else(|| panic!("nothing triggers {code}"));
        let found: Vec<&Problem> = told.iter().filter(|problem| problem.code == code).collect();
        assert!(!found.is_empty(), "{code} is not among {told:#?}");
        let grave = code.effect() == Effect::Refuses;
        assert!(found.iter().any(|problem| problem.is_error() == grave), "{code}: {found:#?}");
    }
}
