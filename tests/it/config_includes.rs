//! A configuration in several files: merged, and every place named by its own file.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::process::{Said, said_with};

struct Files(TempDir);

impl Files {
    fn new(main: &str, others: &[(&str, &str)]) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::create_dir(files.path("conf.d")).unwrap();
        fs::write(files.path("config.toml"), main).unwrap();
        for (name, text) in others {
            fs::write(files.path(name), text).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn said(&self, command: &str) -> Said {
        let config = self.path("config.toml").display().to_string();
        let words: Vec<&str> = command.split(' ').collect();
        said_with(&[("FOGHORN_CONFIG", &config)], &words, Stdio::piped()).await
    }
}

const MAIN: &str = "include = ['conf.d/*.toml']\n[server]\nname = 'harbour'\n";
const PEOPLE: &str = "# Those who hear.\n[users.ada]\nemail = 'ada@example.com'\n";
const MAIL: &str = "[channels.email]\ntype = 'email'\nprovider = 'outbox'\n";

#[tokio::test]
async fn files_are_one_configuration_and_each_value_names_its_file() {
    let hidden = ("conf.d/.swap.toml", "this is not TOML");
    let files = Files::new(MAIN, &[("conf.d/b.toml", MAIL), ("conf.d/a.toml", PEOPLE), hidden]);
    let shown = files.said("config show --origin").await;
    let people = files.path("conf.d/a.toml").display().to_string();
    let main = files.path("config.toml").display().to_string();
    for line in [
        format!("users.ada.email = \"ada@example.com\"   # {people}:3"),
        format!("server.name = \"harbour\"   # {main}:3"),
    ] {
        assert!(shown.output.lines().any(|found| found == line), "{line}\n{shown:?}");
    }
    let checked = files.said("check").await;
    assert_eq!(checked.exit, 0, "{checked:?}");
    let mentioned: Vec<usize> = ["config.toml", "conf.d/a.toml", "conf.d/b.toml"]
        .iter()
        .map(|name| checked.output.find(&*files.path(name).display().to_string()).unwrap())
        .collect();
    assert!(mentioned.is_sorted(), "{checked:?}");
}

#[tokio::test]
async fn a_problem_lies_in_the_file_that_has_it() {
    let wrong = "\n[users.ada]\nemial = 'ada@example.com'\npassword_hint = 'hunter2'\n";
    let files = Files::new(MAIN, &[("conf.d/a.toml", wrong)]);
    let told = files.said("check").await;
    let place = format!("--> {}:3:1", files.path("conf.d/a.toml").display());
    assert_eq!(told.exit, 78);
    assert!(told.errors.contains(&place) && told.errors.contains("3 | emial ="), "{told:?}");
    assert!(!told.errors.contains("hunter2"), "{told:?}");
}

#[tokio::test]
async fn a_key_in_two_files_is_an_error_that_names_both() {
    let files = Files::new(MAIN, &[("conf.d/a.toml", PEOPLE), ("conf.d/b.toml", PEOPLE)]);
    let told = files.said("check").await;
    let [first, second] =
        ["a", "b"].map(|name| files.path(&format!("conf.d/{name}.toml")).display().to_string());
    assert_eq!(told.exit, 78);
    assert!(told.errors.contains("users.ada.email stands in two files"), "{told:?}");
    assert!(told.errors.contains(&format!("--> {second}:3:1")), "{told:?}");
    assert!(told.errors.contains(&format!("it is also at {first}:3")), "{told:?}");
}

#[tokio::test]
async fn what_is_included_includes_nothing_and_has_to_be_there() {
    let main = "include = ['none.toml', 'conf.d/*.toml', 'missing.d/*.toml']\n";
    let files =
        Files::new(main, &[("conf.d/a.toml", "include = ['b.toml']\n"), ("conf.d/c.toml", "x = = 1")]);
    let told = files.said("check").await;
    assert_eq!(told.exit, 78);
    assert!(told.errors.contains("cannot include \"none.toml\""), "{told:?}");
    assert!(told.errors.contains("an included file includes others"), "{told:?}");
    let place = format!("--> {}:1:5", files.path("conf.d/c.toml").display());
    assert!(told.errors.contains("this is not TOML") && told.errors.contains(&place), "{told:?}");
    assert!(!told.errors.contains("cannot include \"missing.d"), "a pattern may match nothing: {told:?}");
}
