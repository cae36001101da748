//! Each file of `tests/fixtures/config` is named by the mistake it contains; the text beside it is
//! what people are told. `FOGHORN_TEST_BLESS=1` writes the texts anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use foghorn::cli::check;
use foghorn::config::{Config, Problem};

/// What must never be seen in any message.
const PLANTED: &str = "hunter2";

fn fixtures() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("a fixture").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    paths
}

fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("EMPTY_VARIABLE".to_owned(), String::new())])
}

fn told(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a fixture");
    let name = path.file_name().map(Path::new);
    let problems = match Config::parse(&text, name, &environment()) {
        Ok(loaded) => {
            let debug = format!("{:?}", loaded.config);
            assert!(!debug.contains(PLANTED), "{}: {debug}", path.display());
            loaded.warnings
        }
        Err(problems) => problems,
    };
    problems.iter().map(Problem::render).collect::<Vec<_>>().join("\n\n") + "\n"
}

#[test]
fn each_mistake_is_told_as_written_down() {
    let bless = std::env::var_os("FOGHORN_TEST_BLESS").is_some();
    let mut differing = Vec::new();
    for path in fixtures() {
        let expected = path.with_extension("txt");
        let told = told(&path);
        if bless {
            fs::write(&expected, &told).expect("the texts can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != told {
            differing.push(format!("{}:\n{told}", path.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn each_mistake_is_found() {
    for path in fixtures() {
        assert!(told(&path).len() > 1, "{} is fine", path.display());
    }
}

#[test]
fn no_message_shows_a_secret() {
    for path in fixtures() {
        let told = told(&path);
        assert!(!told.contains(PLANTED), "{}:\n{told}", path.display());
    }
}

#[test]
fn ten_mistakes_are_ten_problems() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/config/every-mistake-is-told-at-once.toml");
    let errors = told(&path).matches("\nerror FH").count() + 1;
    assert_eq!(errors, 11, "{}", told(&path));
}

#[test]
fn a_valid_file_is_reported_with_what_it_amounts_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, "[channels.email]\ntype = 'email'\nprovider = 'outbox'\nretry = { max_attempts = 4 }\n")
        .unwrap();
    let checked = check::check(Some(&path), &BTreeMap::new());
    assert_eq!(checked.exit_code(), 0, "{}", checked.text);
    for part in
        ["3 keys, 0 unknown", "email by outbox, 16 workers", "waits 5s, 10s, 20s, each up to 20 % shorter"]
    {
        assert!(checked.text.contains(part), "{part}: {}", checked.text);
    }
    assert!(checked.text.contains("\nValid, 0 warnings."), "{}", checked.text);
}

#[test]
fn an_invalid_file_exits_78_with_a_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, "[http]\nlisten = 5\nlistne = 5\n").unwrap();
    let checked = check::check(Some(&path), &BTreeMap::new());
    assert_eq!(checked.exit_code(), 78);
    assert!(checked.text.ends_with("2 errors, 0 warnings."), "{}", checked.text);
    let missing = check::check(Some(&dir.path().join("nothing.toml")), &BTreeMap::new());
    assert!(missing.text.starts_with("error FH0100: cannot read"), "{}", missing.text);
    let directory = check::check(Some(dir.path()), &BTreeMap::new());
    assert_eq!(directory.exit_code(), 78);
}
