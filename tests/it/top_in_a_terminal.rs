//! `foghorn top` in a real terminal: what it shows, how it is driven, and how it leaves.

use reqwest::StatusCode;
use tokio::process::Command;

use crate::support::process::{Draft, Home, said};
use crate::support::smtp_sink::SmtpSink;
use crate::support::terminal::Terminal;

async fn top(home: &Home) -> Terminal {
    let url = home.url("");
    let terminal = Terminal::run(&["top", "--interval", "200ms", "--url", &url], &[]);
    terminal.shows("NEEDS SOMEBODY").await;
    terminal
}

/// The row of this channel, cell by cell.
fn row<'a>(screen: &'a str, name: &str) -> Vec<&'a str> {
    let words = |line: &'a str| line.split_whitespace().skip_while(|word| *word != name).collect::<Vec<_>>();
    screen.lines().map(words).find(|words| !words.is_empty()).unwrap_or_default()
}

fn assert_left(terminal: &Terminal) {
    assert!(!terminal.is_alternate() && !terminal.hides_cursor(), "{}", terminal.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_shows_what_happens_and_leaves_the_terminal_as_it_was() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let life = home.start().await;
    let mut terminal = top(&home).await;
    assert!(terminal.is_alternate() && terminal.hides_cursor());
    assert!(terminal.is_coloured(), "ready is green");

    home.submit("disk-full").await;
    home.submit("queue-deep").await;
    let screen = terminal.until("both, told", |text| text.matches("1 of 1 sent").count() == 2).await;
    assert!(screen.contains("#1") && screen.contains("#2") && screen.contains("disk-full"), "{screen}");
    let rate = |screen: &str| row(screen, "email").get(2).and_then(|rate| rate.parse::<f32>().ok());
    let screen = terminal.until("mails a second", |text| rate(text) > Some(0.0)).await;
    assert_eq!(row(&screen, "email")[1], "ok", "{screen}");
    assert!(row(&screen, "email")[3].ends_with('s'), "a p95: {screen}");

    terminal.press("/queue\r");
    terminal.until("only one", |text| text.contains("queue-deep") && !text.contains("disk-full")).await;
    terminal.press("\u{1b}");
    terminal.shows("disk-full").await;
    let order = |text: &str| text.find("disk-full") < text.find("queue-deep");
    terminal.press("9");
    terminal.until("the oldest first", |text| text.contains("AGE↓") && order(text)).await;
    terminal.press("9");
    terminal.until("the newest first", |text| text.contains("AGE↑") && !order(text)).await;
    terminal.press("?");
    terminal.shows("again turns it round").await;
    terminal.press("?");

    terminal.resize(30, 80);
    let below = |text: &str| {
        let line = |word: &str| text.lines().position(|line| line.contains(word));
        line("SOURCE").is_some() && line("SOURCE") < line("CHANNEL") && line("? help") == Some(29)
    };
    terminal.until("the tables below each other, to the last line", below).await;

    terminal.press("q");
    assert_eq!(terminal.exit().await, 0);
    assert_left(&terminal);
    drop(life);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_and_comes_back_is_told_and_sigterm_leaves_in_order() {
    let smtp = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let life = home.start().await;
    let mut terminal = top(&home).await;
    life.kill().await;
    terminal.shows("the server is lost, trying again").await;
    let _second = home.start().await;
    home.until_readiness(StatusCode::OK).await;
    terminal.until("it is back", |text| !text.contains("lost") && text.contains("ready")).await;
    home.submit("after").await;
    terminal.shows("after").await;

    let sent = Command::new("kill").args(["-TERM", &terminal.pid().to_string()]).status().await.unwrap();
    assert!(sent.success());
    assert_eq!(terminal.exit().await, 0);
    assert_left(&terminal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_colours_it_has_none_and_control_c_quits() {
    let home = Home::of(Draft::mailing_to(1)).await;
    let _life = home.start().await;
    let url = home.url("");
    let mut terminal = Terminal::run(&["top", "--url", &url], &[("NO_COLOR", "1")]);
    terminal.shows("ready").await;
    assert!(!terminal.is_coloured());
    terminal.press("\u{3}");
    assert_eq!(terminal.exit().await, 0);
    assert_left(&terminal);
}

#[tokio::test]
async fn off_a_terminal_it_says_so_and_names_what_there_is_for_scripts() {
    let said = said(&["top"], std::process::Stdio::piped()).await;
    assert_eq!((said.exit, said.output.as_str()), (2, ""));
    assert!(said.errors.contains("foghorn status --json, foghorn tail --json"), "{said:?}");
}
