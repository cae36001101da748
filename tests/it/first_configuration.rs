//! `foghorn init` writes a file that works as it stands, and never over somebody's work.

use std::collections::BTreeMap;
use std::fs;

use foghorn::cli::check;
use foghorn::cli::init::{InitError, write};
use foghorn::config::Config;

#[test]
fn what_init_writes_passes_the_check_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), false).unwrap();
    assert_eq!(path, dir.path().join("config.toml"));
    let checked = check::check(Some(&path), &BTreeMap::new());
    assert_eq!(checked.exit_code(), 0, "{}", checked.text);
    assert!(checked.text.ends_with("Valid, 0 warnings."), "{}", checked.text);
    let config = checked.loaded.unwrap().config;
    assert_eq!(config.server.data_dir, dir.path());
    assert_eq!(config.channels["email"].provider, "outbox");
    assert_eq!(config.route_table.routes.len(), 1);
}

#[test]
fn the_lines_to_fill_in_are_valid_once_they_are_filled_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir.path().join("x.toml"), false).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.lines().count() <= 20, "{text}");
    let text = text.replace("\"outbox\"", "\"smtp\"").replace("# host", "host").replace("# from", "from");
    let text = text.replace("# username", "username").replace("# password", "password");
    let text = text.replace("http://localhost:3644", "https://foghorn.example.com");
    let env = BTreeMap::from([("SMTP_PASSWORD".to_owned(), "x".to_owned())]);
    let loaded = Config::parse(&text, Some(&path), &env).unwrap();
    assert_eq!(loaded.warnings, [], "{text}");
    assert_eq!(loaded.secrets, 1);
}

#[test]
fn a_file_that_is_there_is_left_alone_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, "# mine").unwrap();
    assert!(matches!(write(&path, false), Err(InitError::Exists(found)) if found == path));
    assert_eq!(fs::read_to_string(&path).unwrap(), "# mine");
    write(&path, true).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("config_version = 1"));
    let nowhere = dir.path().join("no/such/config.toml");
    assert!(matches!(write(&nowhere, false), Err(InitError::Unwritable { .. })));
}

#[test]
fn a_directory_with_odd_letters_is_written_as_toml_wants_it() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a \"quoted\" \\ folder");
    fs::create_dir(&odd).unwrap();
    let path = write(&odd, false).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let loaded = Config::parse(&text, Some(&path), &BTreeMap::new()).unwrap();
    assert_eq!(loaded.config.server.data_dir, odd);
}
