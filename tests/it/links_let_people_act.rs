//! A link in a message lets its reader act on its incident, for a while and without signing in; whoever
//! only looks at it, as mail scanners do, changes nothing.

use foghorn::clock::Clock;
use reqwest::{Client, Response, StatusCode, redirect};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::SmtpSink;

struct Read {
    home: Home,
    life: Life,
    sink: SmtpSink,
    browser: Client,
}

impl Read {
    /// ada has a mail about an incident.
    async fn start() -> Self {
        let sink = SmtpSink::start().await;
        let home = Home::of(Draft::mailing_to(sink.port)).await;
        home.edit("name = \"harbour\"", "name = \"harbour\"\npublic_url = \"https://fog.example\"");
        let life = home.start().await;
        home.submit("load-first").await;
        home.all_sent().await;
        let browser = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { home, life, sink, browser }
    }

    /// The path of the link in the mail.
    async fn link(&self) -> String {
        let id = self.home.list("/api/v1/deliveries?").await[0]["id"].as_str().unwrap().to_owned();
        let delivery = self.home.get(&format!("/api/v1/deliveries/{id}")).await;
        let words = delivery["rendered"]["text"].as_str().unwrap();
        let start = words.find("https://fog.example/i/").expect("a link") + "https://fog.example".len();
        words[start..].split_whitespace().next().unwrap().to_owned()
    }

    async fn look(&self, path: &str) -> Response {
        self.browser.get(self.home.url(path)).send().await.unwrap()
    }

    async fn press(&self, path: &str, button: &str) -> Response {
        let request = self.browser.post(self.home.url(&format!("{path}/{button}")));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.header("origin", "https://fog.example").body("").send().await.unwrap()
    }

    async fn incident(&self) -> Value {
        self.home.get("/api/v1/incidents/1").await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_changes_nothing_and_who_presses_acts_in_their_own_name() {
    let read = Read::start().await;
    let link = read.link().await;
    assert!(link.starts_with("/i/1-ada-"), "{link}");
    for _ in 0..5 {
        let page = read.look(&link).await;
        assert_eq!(page.status(), StatusCode::OK);
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
        let words = page.text().await.unwrap();
        assert!(words.contains("Nobody has it yet.") && words.contains("/acknowledge"), "{words}");
        let head = read.browser.head(read.home.url(&link)).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(read.look(&format!("{link}/acknowledge")).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(read.incident().await["version"], 1);

    let pressed = read.press(&link, "acknowledge").await;
    assert_eq!(pressed.status(), StatusCode::SEE_OTHER);
    assert_eq!(pressed.headers()["location"].to_str().unwrap(), link);
    let taken = read.incident().await;
    assert_eq!((&taken["status"], &taken["acknowledged_by"]), (&"acknowledged".into(), &"ada".into()));
    assert!(read.look(&link).await.text().await.unwrap().contains("You have it. Paging stopped."));
    let line = read.home.get("/api/v1/incidents/1/timeline").await["data"][1].clone();
    assert_eq!((&line["by"], &line["via"]), (&"ada".into(), &"link".into()));
    assert_eq!(read.press(&link, "acknowledge").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(read.incident().await["version"], taken["version"], "pressed twice is pressed once");
    assert_eq!(read.press(&link, "resolve").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(read.incident().await["status"], "resolved");
    read.life.kill().await;
    drop(read.sink);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_changed_is_too_old_or_comes_from_another_page_does_nothing() {
    let read = Read::start().await;
    let link = read.link().await;
    let other = link.replace("/i/1-ada-", "/i/2-ada-");
    for bad in [other.as_str(), "/i/1-ada-zzzz-aaaaaaaaaaaaaaaa", "/i/x", &format!("{link}x")] {
        assert_eq!(read.look(bad).await.status(), StatusCode::FORBIDDEN, "{bad}");
        assert_eq!(read.press(bad, "acknowledge").await.status(), StatusCode::FORBIDDEN, "{bad}");
    }
    let foreign = read.browser.post(read.home.url(&format!("{link}/acknowledge")));
    let foreign = foreign.header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert_eq!(read.incident().await["version"], 1);

    // A key of its own for each database, and the same after a restart.
    let Read { home, life, sink, browser } = read;
    life.kill().await;
    let read = Read { life: home.start().await, home, sink, browser };
    assert_eq!(read.look(&link).await.status(), StatusCode::OK);
    read.life.kill().await;
    let file = format!("sqlite://{}", read.home.file("foghorn.db").display());
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let long_ago = Clock::system().now().as_millisecond() - 48 * 3_600_000;
    let age = sqlx::query("UPDATE delivery SET created_at = ?").bind(long_ago);
    age.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let Read { home, sink, browser, .. } = read;
    let read = Read { life: home.start().await, home, sink, browser };
    let old = read.link().await;
    assert_ne!(old, link);
    assert!(read.look(&old).await.text().await.unwrap().contains("too old"));
    assert_eq!(read.press(&old, "acknowledge").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(read.incident().await["version"], 1);
    read.life.kill().await;
    drop(read.sink);
}
