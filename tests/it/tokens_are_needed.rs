//! A Foghorn that asks for tokens, from the first one to the last: made over the socket, shown by
//! commands and programs, ended, and seen in the audit log. Its secret is nowhere.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use foghorn::config::AuthMode;
use foghorn::domain::Timestamp;
use foghorn::domain::ids::TokenId;
use foghorn::domain::token::{Scope, Token, TokenChange, TokenOrigin};
use foghorn::http::digest;
use foghorn::http::limits::Limits;
use foghorn::store::Store;
use foghorn::store::batch::{AccessChange, Batch};
use foghorn::store::memory::MemoryStore;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::http::Server;
use crate::support::process::{Draft, Home, Said, event, said_with};
use crate::support::smtp_sink::SmtpSink;

const RENEWED: &str = "fh_renewed-and-as-long-0123456789";
const CONFIGURED: &str = "fh_of-the-configuration-0123456789";

async fn home() -> (SmtpSink, Home) {
    let sink = SmtpSink::start().await;
    let more = format!(
        "[auth]\nmode = \"token\"\n[telemetry.logs]\nlevel = \"trace\"\n\
         [tokens.prometheus]\nsecret = \"{CONFIGURED}\"\nscopes = [\"read\"]\n"
    );
    let home = Home::of(Draft { more, ..Draft::mailing_to(sink.port) }).await;
    (sink, home)
}

/// A command over the socket.
async fn inside(home: &Home, arguments: &[&str]) -> Said {
    let socket = format!("unix:{}", home.file("foghorn.sock").display());
    said_with(&[], &[arguments, &["--url", &socket]].concat(), Stdio::piped()).await
}

/// A command over the port, with this token.
async fn outside(home: &Home, token: &str, arguments: &[&str]) -> Said {
    let url = home.url("");
    said_with(&[("FOGHORN_TOKEN", token)], &[arguments, &["--url", &url]].concat(), Stdio::piped()).await
}

async fn made(home: &Home, arguments: &[&str]) -> String {
    let said = inside(home, &[&["token", "create"], arguments].concat()).await;
    assert_eq!(said.exit, 0, "{said:?}");
    let secret = said.output.trim().to_owned();
    assert!(secret.starts_with("fh_") && secret.len() == 67 && !said.errors.contains(&secret), "{said:?}");
    secret
}

async fn status(home: &Home, token: &str, path: &str) -> u16 {
    home.http().get(home.url(path)).bearer_auth(token).send().await.unwrap().status().as_u16()
}

async fn reported(home: &Home, token: &str, key: &str) -> u16 {
    let request = home.http().post(home.url("/api/v1/events")).bearer_auth(token).json(&event(key));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_first_token_to_the_last() {
    let (_sink, home) = home().await;
    let life = home.start().await;
    // The libraries, too.
    assert_eq!(inside(&home, &["log-level", "trace,foghorn=trace"]).await.exit, 0);
    assert_eq!(home.http().get(home.url("/api/v1/incidents")).send().await.unwrap().status(), 401);
    assert_eq!(home.report().await, "readyz check passed\n", "a proxy may be on this machine");
    let denied = home.run(&["incident", "list"]).await;
    assert_eq!((denied.exit, denied.errors.contains("FH0715")), (4, true), "{denied:?}");

    let admin = made(&home, &["boss", "--scope", "admin"]).await;
    let ci = made(&home, &["ci", "--scope", "events:write", "--scope", "read", "--expires", "90d"]).await;
    assert_eq!(
        (reported(&home, &ci, "one").await, status(&home, &ci, "/api/v1/incidents").await),
        (202, 200)
    );
    assert_eq!(status(&home, &ci, "/api/v1/tokens").await, 403);
    assert_eq!(status(&home, CONFIGURED, "/metrics").await, 200);
    assert_eq!(reported(&home, CONFIGURED, "two").await, 403);
    let refused = outside(&home, &ci, &["channel", "pause", "email"]).await;
    assert_eq!((refused.exit, refused.errors.contains("\"admin\"")), (4, true), "{refused:?}");
    // In a file, as a service has it.
    let file = home.file("a.token");
    fs::write(&file, format!("{admin}\n")).unwrap();
    let listed = home.run(&["token", "list", "--token-file", file.to_str().unwrap()]).await;
    assert_eq!(listed.exit, 0, "{listed:?}");
    for word in
        ["prometheus", "config", "ci", "events:write,read", "boss", "socket", "bootstrap", "first start"]
    {
        assert!(listed.output.contains(word), "{word}: {listed:?}");
    }
    fs::remove_file(&file).unwrap();
    home.until("that it is used is written", async || {
        let listed = inside(&home, &["token", "list", "--json"]).await;
        let tokens = listed.output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        tokens.into_iter().any(|token| token["name"] == "ci" && token["last_used_at"].is_string())
    })
    .await;

    let taken = inside(&home, &["token", "create", "ci", "--scope", "read"]).await;
    assert_eq!((taken.exit, taken.errors.contains("there is a token ci already")), (2, true), "{taken:?}");
    let kept = outside(&home, &admin, &["token", "revoke", "prometheus"]).await;
    assert_eq!((kept.exit, kept.errors.contains("[tokens.prometheus]")), (1, true), "{kept:?}");
    let id = id_of(&home, "ci").await;
    let revoked = outside(&home, &admin, &["token", "revoke", &id]).await;
    assert_eq!(revoked.exit, 0, "{revoked:?}");
    assert_eq!(status(&home, &ci, "/api/v1/incidents").await, 401, "at once, here");

    // A secret of the configuration is changed there, while it runs.
    home.edit(CONFIGURED, RENEWED);
    assert_eq!(inside(&home, &["reload"]).await.exit, 0);
    assert_eq!(
        (status(&home, CONFIGURED, "/metrics").await, status(&home, RENEWED, "/metrics").await),
        (401, 200)
    );

    said_nowhere(&home, &[&admin, &ci, CONFIGURED, RENEWED]);
    life.kill().await;
    fs::write(home.file("stderr.log"), "").unwrap();
    let life = home.start().await;
    assert!(!life.log().contains("foghorn token"), "somebody can get in");
    assert_eq!(status(&home, &ci, "/api/v1/incidents").await, 401);
    assert_eq!(status(&home, &admin, "/api/v1/tokens").await, 200);
    audited(&home, &admin).await;
    life.terminate().await;
    life.exit().await;
    said_nowhere(&home, &[&admin, &ci, CONFIGURED, RENEWED]);
}

async fn id_of(home: &Home, name: &str) -> String {
    let listed = inside(home, &["token", "list", "--json"]).await;
    let tokens = listed.output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let token = tokens.into_iter().find(|token| token["name"] == name).unwrap();
    token["id"].as_str().unwrap().to_owned()
}

/// What changed something is there with who did it, the newest first; what did not is not.
async fn audited(home: &Home, admin: &str) {
    let listed = outside(home, admin, &["audit", "--json"]).await;
    let entries: Vec<Value> = listed.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {} {}", entry["who"], entry["action"], entry["status"]).replace('"', ""))
        .collect();
    let expected = [
        "socket POST /api/v1/admin/reload 200",
        "boss DELETE /api/v1/tokens/{id} 200",
        "boss DELETE /api/v1/tokens/{id} 405",
        "socket POST /api/v1/tokens 422",
        "ci POST /api/v1/channels/{name}/{flow} 403",
        "socket POST /api/v1/tokens 201",
        "socket POST /api/v1/tokens 201",
        "socket PUT /api/v1/admin/log-level 200",
    ];
    assert_eq!(told, expected);
    assert_eq!((&entries[1]["from"], &entries[5]["from"]), (&"127.0.0.1".into(), &"".into()));
    assert_eq!(entries[4]["target"], "/api/v1/channels/email/pause");
    assert!(entries.iter().all(|entry| entry["request_id"].as_str().unwrap().starts_with("req_")));
    let shown = outside(home, admin, &["audit", "--limit", "1"]).await;
    assert!(
        shown.output.contains("socket") && shown.output.contains("POST /api/v1/admin/reload"),
        "{shown:?}"
    );
}

/// Neither in the log at its most talkative nor in the database.
fn said_nowhere(home: &Home, secrets: &[&str]) {
    let mut looked_at = 0;
    for entry in fs::read_dir(home.file("")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() || path.extension().is_some_and(|kind| kind == "toml") {
            continue;
        }
        looked_at += 1;
        let said = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for secret in secrets {
            assert!(!said.contains(&secret[3..27]), "{} is in {}", &secret[..9], path.display());
        }
    }
    assert!(looked_at > 1, "{looked_at}");
}

/// What another node does is a row, and nothing else.
#[tokio::test]
async fn what_another_node_says_of_a_token_counts_within_seconds() {
    let store = MemoryStore::default();
    let now = Timestamp::from_second(1_000).unwrap();
    let lease = store.lease(&"other".into(), now).await.unwrap();
    let write = async |change: TokenChange| {
        let mut batch = Batch::empty(lease.clone(), now, Default::default());
        batch.access.push(AccessChange::Token(change));
        store.commit(&batch).await.unwrap();
    };
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let limits = Limits { heartbeat_time: Duration::from_millis(200), ..Limits::default() };
    let server = Server::guarded(shared, limits, AuthMode::Token, Vec::new(), Arc::default()).await;
    let id = TokenId::new(now, 1);
    let token = Token {
        id,
        name: "ci".to_owned(),
        digest: digest("fh_other"),
        scopes: [Scope::Read].into_iter().collect(),
        origin: TokenOrigin::Api,
        created_at: now,
        created_by: "socket".to_owned(),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    };
    let asked = "GET /api/v1/incidents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer fh_other\r\n\r\n";
    let status = async || server.say(asked).await.unwrap().status;
    assert_eq!(status().await, 401);
    let counts_so = async |change: TokenChange, wanted: u16| {
        write(change).await;
        let begun = Instant::now();
        // Wrong tokens are held up after a while, so not too many.
        let mut tick = tokio::time::interval(Duration::from_millis(700));
        while status().await != wanted {
            tick.tick().await;
            assert!(begun.elapsed() < Duration::from_secs(5), "{wanted}");
        }
    };
    counts_so(TokenChange::Made(token), 200).await;
    let url = format!("http://{}/api/v1/stream", server.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut stream = client.get(url).bearer_auth("fh_other").send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
    counts_so(TokenChange::Revoked(id, now), 401).await;
    let ended = async { while stream.chunk().await.unwrap().is_some() {} };
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await;
    ended.expect("what was begun with it ends");
}
