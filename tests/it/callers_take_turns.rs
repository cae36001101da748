//! One caller that asks too often waits, and the others do not.

use std::num::NonZeroU32;
use std::sync::Arc;

use foghorn::config::{AuthMode, RateLimit};
use foghorn::domain::token::{ConfiguredToken, Scope};
use foghorn::http::digest;
use foghorn::http::limits::Limits;
use foghorn::store::memory::MemoryStore;

use crate::support::http::{Answer, Server};

fn token(name: &str) -> ConfiguredToken {
    let scopes = [Scope::Read].into_iter().collect();
    ConfiguredToken { name: name.to_owned(), digest: digest(&format!("fh_{name}")), scopes }
}

async fn server(auth: AuthMode, per_second: u32, burst: u32) -> Server {
    let count = |count| NonZeroU32::new(count).unwrap();
    let rate = RateLimit { per_second: count(per_second), burst: count(burst) };
    let limits = Limits { rate: Some(rate), ..Limits::default() };
    let tokens = vec![token("busy"), token("calm")];
    Server::guarded(Arc::new(MemoryStore::default()), limits, auth, tokens, Arc::default()).await
}

async fn asked(server: &Server, path: &str, token: &str) -> Answer {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer fh_{token}\r\n\r\n");
    server.say(request).await.expect("an answer")
}

fn held_up(answer: &Answer) {
    assert_eq!(answer.problem()["code"], "FH0719", "{answer:?}");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{answer:?}");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again_and_others_are_not_held_up() {
    // Slow enough that no turn comes back meanwhile.
    let server = server(AuthMode::Token, 1, 100).await;
    let mut statuses = Vec::new();
    for _ in 0..130 {
        let answer = asked(&server, "/api/v1/incidents", "busy").await;
        statuses.push(answer.status);
        if answer.status == 429 {
            held_up(&answer);
        }
    }
    let answered = statuses.iter().filter(|status| **status == 200).count();
    assert!((100..120).contains(&answered), "{answered}");
    assert_eq!(statuses[..100], [200; 100]);
    assert_eq!(asked(&server, "/api/v1/incidents", "calm").await.status, 200);
    // Whoever looks after the process is no caller.
    assert_eq!(asked(&server, "/livez", "busy").await.status, 200);
}

#[tokio::test]
async fn without_tokens_an_address_is_a_caller() {
    let server = server(AuthMode::None, 1, 2).await;
    let mut last = None;
    for _ in 0..10 {
        last = Some(asked(&server, "/api/v1/incidents", "busy").await);
    }
    held_up(&last.unwrap());
}

#[tokio::test]
async fn wrong_tokens_are_held_up_and_a_right_one_from_there_is_not() {
    let server = server(AuthMode::Token, 1_000, 1_000).await;
    let mut statuses = Vec::new();
    for number in 0..12 {
        statuses.push(asked(&server, "/api/v1/incidents", &format!("guess-{number}")).await.status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses.contains(&429), "{statuses:?}");
    held_up(&asked(&server, "/api/v1/incidents", "guess").await);
    assert_eq!(asked(&server, "/api/v1/incidents", "calm").await.status, 200);
}
