//! `/docs` is whole without a network: everything that its page asks for comes from here, and the page may
//! load nothing else. Where it is off, it is not there.

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_the_page_loads_is_served_here_and_nothing_else_may_be_loaded() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let answer = home.http().get(home.url("/docs")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    assert!(!policy.contains("http") && !policy.contains("unsafe-eval"), "{policy}");
    let page = answer.text().await.unwrap();
    let pieces = |word: &str| -> Vec<String> {
        page.split(word).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let loaded = [pieces("src=\""), pieces("href=\"")].concat();
    assert!(loaded.len() > 4, "{page}");
    for part in &loaded {
        let found = home.http().get(home.url(&format!("/{part}"))).send().await.unwrap();
        assert_eq!(found.status(), 200, "{part}");
        assert!(found.headers().contains_key("content-security-policy"), "{part}");
    }
    // No script is written into the page, which the policy would stop.
    assert_eq!(page.matches("<script").count(), pieces("src=\"").len(), "{page}");
    let start = home.http().get(home.url("/docs/swagger-initializer.js")).send().await.unwrap();
    let start = start.text().await.unwrap();
    assert!(start.contains("\"docs/openapi.json\"") && !start.contains("http"), "{start}");
    let shown = home.get("/docs/openapi.json").await;
    assert_eq!(shown, home.get("/api/v1/openapi.json").await);
    life.terminate().await;
    life.exit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_off_there_is_nothing_but_the_pages_about_errors() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    home.edit("max_body", "docs = false\nmax_body");
    let life = home.start().await;
    for (path, status) in
        [("/docs", 404), ("/docs/swagger-ui.css", 404), ("/docs/openapi.json", 404), ("/docs/errors", 200)]
    {
        let answer = home.http().get(home.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    life.terminate().await;
    life.exit().await;
}
