//! Where tokens are asked for and there never was one, a start makes the first one and shows it, once: on a
//! terminal, or in a file that nobody else can read. It is kept nowhere, and is ended like any.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::support::process::{Draft, Home, Said, said_with};
use crate::support::terminal::Terminal;

const LOCKED: &str = "[auth]\nmode = \"token\"\n[telemetry.logs]\nlevel = \"trace\"\n";

async fn home(more: &str) -> Home {
    Home::of(Draft { more: format!("{LOCKED}{more}"), ..Draft::mailing_to(9) }).await
}

fn file(home: &Home) -> PathBuf {
    home.file("first-token")
}

async fn outside(home: &Home, token: &str, arguments: &[&str]) -> Said {
    let url = home.url("");
    said_with(&[("FOGHORN_TOKEN", token)], &[arguments, &["--url", &url]].concat(), Stdio::piped()).await
}

async fn tokens(home: &Home, token: &str) -> Vec<Value> {
    let listed = outside(home, token, &["token", "list", "--json"]).await;
    assert_eq!(listed.exit, 0, "{listed:?}");
    listed.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All that is in the home but for the file itself.
fn kept(home: &Home) -> String {
    let files = fs::read_dir(home.file("")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && *path != file(home));
    files.map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_makes_one_and_no_other_start_does() {
    let home = home("").await;
    let life = home.start().await;
    home.until("the file is named", async || life.log().contains("first-token")).await;
    let secret = fs::read_to_string(file(&home)).unwrap().trim().to_owned();
    assert_eq!((secret.len(), &secret[..3]), (67, "fh_"));
    assert_eq!(fs::metadata(file(&home)).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = tokens(&home, &secret).await;
    let shown = |key: &str| listed[0][key].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (listed.len(), shown("name"), shown("origin"), shown("created_by"), listed[0]["scopes"].to_string()),
        (
            1,
            "bootstrap".to_owned(),
            "bootstrap".to_owned(),
            "first start".to_owned(),
            "[\"admin\"]".to_owned()
        )
    );
    let id = shown("id");
    assert!(life.log().contains(&format!("foghorn token revoke {id}")), "{}", life.log());
    assert!(!kept(&home).contains(&secret[3..27]), "it is kept somewhere");
    life.terminate().await;
    life.exit().await;

    // It is not shown again, and no other is made: not while it counts, and not when it was ended.
    let text = fs::read_to_string(file(&home)).unwrap();
    fs::remove_file(file(&home)).unwrap();
    fs::write(home.file("stderr.log"), "").unwrap();
    let life = home.start().await;
    assert_eq!(tokens(&home, text.trim()).await.len(), 1);
    assert_eq!(outside(&home, &secret, &["token", "revoke", &id]).await.exit, 0);
    assert!(!life.log().contains("first-token"), "{}", life.log());
    life.terminate().await;
    life.exit().await;
    let life = home.start().await;
    let hint =
        format!("foghorn token create NAME --scope admin --url unix:{}", home.file("foghorn.sock").display());
    home.until("how to get in is said", async || life.log().contains(&hint)).await;
    assert!(!file(&home).exists());
    assert_eq!(outside(&home, &secret, &["token", "list"]).await.exit, 4, "it is ended");
    life.terminate().await;
    life.exit().await;
    assert!(!kept(&home).contains(&secret[3..27]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_configuration_lets_somebody_in_none_is_made() {
    let home =
        home("[tokens.boss]\nsecret = \"fh_of-the-configuration-0123456789\"\nscopes = [\"admin\"]\n").await;
    let life = home.start().await;
    assert_eq!(tokens(&home, "fh_of-the-configuration-0123456789").await.len(), 1, "its own");
    life.terminate().await;
    life.exit().await;
    assert!(!file(&home).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shown_is_not_made() {
    let home = home("").await;
    fs::create_dir(file(&home)).unwrap();
    let life = home.start().await;
    home.until("why not is said", async || life.log().contains("cannot write")).await;
    home.until("another way is said", async || life.log().contains("foghorn token create NAME")).await;
    life.terminate().await;
    life.exit().await;
    fs::remove_dir(file(&home)).unwrap();
    let life = home.start().await;
    home.until("then it is made", async || file(&home).is_file()).await;
    life.terminate().await;
    life.exit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_shows_it_and_then_there_is_no_file() {
    let home = home("").await;
    let config = home.file("config.toml").display().to_string();
    let mut terminal =
        Terminal::run(&["serve", "--config", &config], &[("FOGHORN_TELEMETRY__LOGS__LEVEL", "error")]);
    let text = terminal.shows("foghorn token revoke tok_").await;
    let secret = text.split_whitespace().find(|word| word.starts_with("fh_")).unwrap().to_owned();
    assert_eq!(tokens(&home, &secret).await.len(), 1);
    assert!(!file(&home).exists());
    assert!(!kept(&home).contains(&secret[3..27]));
    terminal.press("\u{3}");
    assert_eq!(terminal.exit().await, 0);
}
