//! A person in a browser, from the token that they show once to the end of their session: what the cookie is,
//! what it is good for, when it ends, and that its secret is nowhere.

use std::fs;
use std::process::Stdio;

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, Response};
use serde_json::Value;

use crate::support::process::{Draft, Home, said_with};

const READER: &str = "fh_of-the-reader-0123456789";
const RENEWED: &str = "fh_renewed-and-as-long-0123456789";

async fn home() -> Home {
    let more = format!(
        "[auth]\nmode = \"token\"\nsession_ttl = \"1h\"\n[telemetry.logs]\nlevel = \"trace\"\n\
         [tokens.reader]\nsecret = \"{READER}\"\nscopes = [\"read\"]\n"
    );
    Home::of(Draft { more, ..Draft::mailing_to(9) }).await
}

async fn inside(home: &Home, arguments: &[&str]) -> String {
    let socket = format!("unix:{}", home.file("foghorn.sock").display());
    let said = said_with(&[], &[arguments, &["--url", &socket]].concat(), Stdio::piped()).await;
    assert_eq!(said.exit, 0, "{said:?}");
    said.output
}

/// The cookie of somebody who signs in with this token, and the whole line that gave it.
async fn sign_in(home: &Home, token: &str) -> (String, String) {
    let answer = home.http().post(home.url("/api/v1/session")).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let line = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    let told: Value = answer.json().await.unwrap();
    assert_eq!((&told["via"], told["id"].is_string()), (&"session".into(), true), "{told}");
    (line.split(';').next().unwrap().to_owned(), line)
}

/// As a page of ours asks.
async fn ask(home: &Home, cookie: &str, method: Method, path: &str) -> Response {
    let request = home.http().request(method, home.url(path)).header(COOKIE, cookie);
    request.header("Sec-Fetch-Site", "same-origin").send().await.unwrap()
}

async fn status(home: &Home, cookie: &str, method: Method, path: &str) -> u16 {
    ask(home, cookie, method, path).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_signing_in_to_signing_out() {
    let home = home().await;
    let life = home.start().await;
    let admin = inside(&home, &["token", "create", "boss", "--scope", "admin", "--expires", "90d"]).await;
    let (cookie, line) = sign_in(&home, admin.trim()).await;
    // Without https there is nothing that only a secure page may have.
    let (name, secret) = cookie.split_once('=').unwrap();
    assert_eq!((name, secret.len()), ("foghorn", 64));
    assert_eq!(line, format!("{cookie}; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict"));

    each_is_told_who_they_are(&home, &cookie).await;
    assert_eq!(status(&home, &cookie, Method::GET, "/api/v1/tokens").await, 200);
    assert_eq!(status(&home, &cookie, Method::POST, "/api/v1/channels/email/pause").await, 200);
    assert_eq!(
        status(&home, &cookie, Method::POST, "/api/v1/session").await,
        401,
        "a session makes no other"
    );
    let (other, _) = sign_in(&home, READER).await;
    assert_eq!(status(&home, &other, Method::GET, "/api/v1/incidents").await, 200);
    assert_eq!(status(&home, &other, Method::GET, "/api/v1/tokens").await, 403, "no more than its token");

    // A row, and no word of its secret.
    said_nowhere(&home, &[secret, admin.trim()]);
    life.kill().await;
    let life = home.start().await;
    assert_eq!(status(&home, &cookie, Method::GET, "/api/v1/tokens").await, 200, "it outlives the process");

    let out = ask(&home, &cookie, Method::DELETE, "/api/v1/session").await;
    let forgotten = out.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert_eq!(
        (out.status().as_u16(), forgotten),
        (204, "foghorn=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict".to_owned())
    );
    let refused = ask(&home, &cookie, Method::GET, "/api/v1/session").await;
    assert!(refused.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(refused.status(), 401);
    assert_eq!(status(&home, &other, Method::GET, "/api/v1/incidents").await, 200, "others stay");
    assert_eq!(
        audited(&home).await,
        [
            "boss DELETE /api/v1/session 204",
            "reader POST /api/v1/session 201",
            " POST /api/v1/session 401",
            "boss POST /api/v1/channels/{name}/{flow} 200",
            "boss POST /api/v1/session 201",
            "socket POST /api/v1/tokens 201",
        ]
    );
    life.terminate().await;
    life.exit().await;
    said_nowhere(&home, &[secret, admin.trim()]);
}

/// With a session, and with a token.
async fn each_is_told_who_they_are(home: &Home, cookie: &str) {
    let who: Value = ask(home, cookie, Method::GET, "/api/v1/session").await.json().await.unwrap();
    assert_eq!((&who["who"], who["scopes"].to_string()), (&"boss".into(), "[\"admin\"]".to_owned()));
    assert!(who["expires_at"].is_string(), "{who}");
    let shown: Value = home
        .http()
        .get(home.url("/api/v1/session"))
        .bearer_auth(READER)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&shown["who"], &shown["via"], &shown["id"]),
        (&"reader".into(), &"token".into(), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_with_its_token() {
    let home = home().await;
    let life = home.start().await;
    let boss = inside(&home, &["token", "create", "boss", "--scope", "admin"]).await;
    let brief = inside(&home, &["token", "create", "brief", "--scope", "read", "--expires", "10m"]).await;
    let (of_boss, _) = sign_in(&home, boss.trim()).await;
    let (of_reader, _) = sign_in(&home, READER).await;
    let (_, line) = sign_in(&home, brief.trim()).await;
    let age = line.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap().parse::<u32>().unwrap();
    assert!((500..=600).contains(&age), "no longer than its token: {line}");

    let listed: Value = ask(&home, &of_boss, Method::GET, "/api/v1/tokens").await.json().await.unwrap();
    let id = listed["data"].as_array().unwrap().iter().find(|token| token["name"] == "boss").unwrap()["id"]
        .clone();
    inside(&home, &["token", "revoke", id.as_str().unwrap()]).await;
    assert_eq!(status(&home, &of_boss, Method::GET, "/api/v1/session").await, 401);
    home.edit(READER, RENEWED);
    inside(&home, &["reload"]).await;
    assert_eq!(status(&home, &of_reader, Method::GET, "/api/v1/session").await, 401, "its secret changed");
    life.terminate().await;
    life.exit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_is_written_down_and_held_up() {
    let home = home().await;
    let life = home.start().await;
    let sign_in = async || {
        let wrong = home.http().post(home.url("/api/v1/session")).bearer_auth("fh_wrong");
        wrong.send().await.unwrap().status().as_u16()
    };
    let mut tried = Vec::new();
    for _ in 0..6 {
        tried.push(sign_in().await);
    }
    // A cookie is guessed no more often than a token.
    for _ in 0..6 {
        tried.push(status(&home, "foghorn=0000", Method::GET, "/api/v1/session").await);
    }
    assert_eq!(tried, [[401; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(sign_in().await, 429);
    assert_eq!(audited(&home).await, [" POST /api/v1/session 401"; 6], "each that was looked at");
    life.terminate().await;
    life.exit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_is_asked_nobody_signs_in() {
    let home = Home::of(Draft::mailing_to(9)).await;
    let life = home.start().await;
    let answer = home.http().post(home.url("/api/v1/session")).send().await.unwrap();
    assert!((answer.status(), answer.headers().get(SET_COOKIE)) == (reqwest::StatusCode::OK, None));
    let who: Value = answer.json().await.unwrap();
    assert_eq!(
        (&who["who"], &who["via"], &who["expires_at"]),
        (&"loopback".into(), &"network".into(), &Value::Null)
    );
    life.terminate().await;
    life.exit().await;
}

/// Who did what, the newest first.
async fn audited(home: &Home) -> Vec<String> {
    let listed = inside(home, &["audit", "--json"]).await;
    let entries = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = entries.map(|entry| {
        let word = |key: &str| entry[key].as_str().unwrap().to_owned();
        format!("{} {} {}", word("who"), word("action"), entry["status"])
    });
    told.collect()
}

/// Neither in the log at its most talkative nor in the database.
fn said_nowhere(home: &Home, secrets: &[&str]) {
    for entry in fs::read_dir(home.file("")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_none_or(|kind| kind != "toml") {
            let said = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for secret in secrets {
                assert!(!said.contains(&secret[3..27]), "{} is in {}", &secret[..9], path.display());
            }
        }
    }
}
