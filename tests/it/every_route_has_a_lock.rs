//! Where tokens are asked for, no route answers without one: each route there is, with each token that
//! does not count, on a real socket.

use std::sync::Arc;

use foghorn::channels::outbox::Outbox;
use foghorn::config::AuthMode;
use foghorn::domain::Timestamp;
use foghorn::domain::ids::{SessionId, TokenId};
use foghorn::domain::session::{Grounds, Session, SessionChange};
use foghorn::domain::token::{ConfiguredToken, Scope, Scopes, Token, TokenChange, TokenOrigin};
use foghorn::http::digest;
use foghorn::http::limits::Limits;
use foghorn::http::routes::{Needs, Rule, Verb, rules};
use foghorn::store::Store;
use foghorn::store::batch::{AccessChange, Batch};
use foghorn::store::memory::MemoryStore;

use crate::support::absent_store::AbsentStore;
use crate::support::http::{Answer, Server};

/// A token, and whether it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Unknown,
    Expired,
    Revoked,
    Garbled,
    /// A session of nobody.
    NoSession,
    /// One that is over.
    OldSession,
    /// One whose token was ended.
    OrphanedSession,
    /// A good session beside a wrong token.
    WrongTokenAndSession,
}

const NEVER: [Shown; 9] = [
    Shown::Nothing,
    Shown::Unknown,
    Shown::Expired,
    Shown::Revoked,
    Shown::Garbled,
    Shown::NoSession,
    Shown::OldSession,
    Shown::OrphanedSession,
    Shown::WrongTokenAndSession,
];

impl Shown {
    fn header(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Unknown => format!("Authorization: Bearer fh_{}\r\n", "0".repeat(64)),
            Self::Expired => "Authorization: Bearer fh_expired\r\n".to_owned(),
            Self::Revoked => "Authorization: Bearer fh_revoked\r\n".to_owned(),
            // Right but for the way it is shown.
            Self::Garbled => "Authorization: Basic fh_admin\r\n".to_owned(),
            Self::NoSession => cookie("nobody"),
            Self::OldSession => cookie("old"),
            Self::OrphanedSession => cookie("orphaned"),
            Self::WrongTokenAndSession => format!("{}{}", Self::Unknown.header(), cookie("admin")),
        }
    }
}

/// As a browser shows a session of this secret from our own page.
fn cookie(secret: &str) -> String {
    format!("Cookie: __Host-foghorn={secret}\r\nSec-Fetch-Site: same-origin\r\n")
}

fn session(secret: &str, grounds: Grounds, expires_at: Timestamp) -> AccessChange {
    AccessChange::Session(SessionChange::Began(Session {
        id: SessionId::new(Timestamp::UNIX_EPOCH, fastrand::u128(..)),
        digest: digest(secret),
        who: "somebody".to_owned(),
        grounds,
        // What counts is what the token may.
        scopes: Scopes::all(),
        created_at: Timestamp::UNIX_EPOCH,
        expires_at,
    }))
}

fn configured(name: &str) -> Grounds {
    Grounds::Configured(name.replace(':', "-"), digest(&format!("fh_{name}")))
}

/// A token of the store with every scope, which does not count any more.
fn ended(name: &str, expires_at: Option<Timestamp>, revoked_at: Option<Timestamp>) -> Vec<AccessChange> {
    let id = TokenId::new(Timestamp::UNIX_EPOCH, fastrand::u128(..));
    let token = Token {
        id,
        name: name.to_owned(),
        digest: digest(&format!("fh_{name}")),
        scopes: Scopes::all(),
        origin: TokenOrigin::Api,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "socket".to_owned(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let revoked = revoked_at.map(|at| TokenChange::Revoked(id, at));
    [Some(TokenChange::Made(token)), revoked].into_iter().flatten().map(AccessChange::Token).collect()
}

/// A server that asks for tokens, and knows one of each scope and two that ended.
async fn server() -> Server {
    let store = MemoryStore::default();
    let past = Timestamp::from_second(1).unwrap();
    let lease = store.lease(&"test".into(), past).await.unwrap();
    let mut batch = Batch::empty(lease, past, Default::default());
    batch.access = [ended("expired", Some(past), None), ended("revoked", None, Some(past))].concat();
    let AccessChange::Token(TokenChange::Revoked(revoked, _)) = &batch.access[2] else {
        panic!("the last one")
    };
    let far = Timestamp::MAX;
    let mut sessions: Vec<_> =
        Scope::ALL.iter().map(|scope| session(scope.as_str(), configured(scope.as_str()), far)).collect();
    sessions.push(session("old", configured("admin"), past));
    sessions.push(session("orphaned", Grounds::Token(*revoked), far));
    batch.access.extend(sessions);
    store.commit(&batch).await.unwrap();
    let tokens = Scope::ALL.map(|scope| ConfiguredToken {
        name: scope.as_str().replace(':', "-"),
        digest: digest(&format!("fh_{scope}")),
        scopes: [scope].into_iter().collect(),
    });
    let store: Arc<dyn Store> = Arc::new(store);
    Server::guarded(store, Limits::default(), AuthMode::Token, tokens.to_vec(), Arc::<Outbox>::default())
        .await
}

/// The path of a route, its parts being anything.
fn path(rule: &Rule) -> String {
    let parts = rule.path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn request(method: &str, path: &str, header: &str) -> String {
    let body = if matches!(method, "POST" | "PUT") { "{}" } else { "" };
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{header}Content-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn methods(rule: &Rule) -> Vec<&'static str> {
    match rule.method {
        // Whoever asks for the head alone learns as much as the status tells.
        Verb::Get => vec!["GET", "HEAD"],
        other => vec![other.as_str()],
    }
}

async fn asked(server: &Server, method: &str, path: &str, header: &str) -> Answer {
    let answer = server.say(request(method, path, header)).await;
    answer.unwrap_or_else(|| panic!("no answer to {method} {path} with {header:?}"))
}

#[tokio::test]
async fn no_route_answers_a_token_that_does_not_count_and_it_is_not_told_why() {
    let mut words = std::collections::BTreeSet::new();
    for shown in NEVER {
        // Wrong tokens from one address are held up after a while: not by this test.
        let mut server = server().await;
        let closed = rules().into_iter().filter(|rule| rule.needs != Needs::Nothing);
        for (number, rule) in closed.enumerate() {
            if number % 4 == 0 {
                server = self::server().await;
            }
            for method in methods(&rule) {
                let answer = asked(&server, method, &path(&rule), &shown.header()).await;
                assert_eq!(answer.status, 401, "{shown:?} {method} {}: {answer:?}", rule.path);
                assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"foghorn\""));
                if method != "HEAD" {
                    words.insert(answer.problem()["detail"].to_string());
                }
            }
        }
    }
    assert_eq!(words.len(), 1, "{words:?}");
}

#[tokio::test]
async fn a_scope_opens_what_needs_it_and_nothing_else() {
    let server = server().await;
    let mut opened = 0;
    for rule in rules() {
        let Needs::Scope(needed) = rule.needs else { continue };
        for held in Scope::ALL {
            let token = format!("Authorization: Bearer fh_{held}\r\n");
            let by_session = cookie(held.as_str());
            let ways =
                methods(&rule).into_iter().flat_map(|method| [(method, &token), (method, &by_session)]);
            for (method, header) in ways {
                // What is opened would be done, or goes on for ever.
                let may = held == needed || held == Scope::Admin;
                if may && (rule.path.starts_with("/api/v1/admin") || rule.path == "/api/v1/stream") {
                    continue;
                }
                let answer = asked(&server, method, &path(&rule), header).await;
                if may {
                    assert!(![401, 403].contains(&answer.status), "{held} {method} {}", rule.path);
                    opened += 1;
                } else {
                    assert_eq!(answer.status, 403, "{held} {method} {}: {answer:?}", rule.path);
                    let challenge = answer.header("www-authenticate").unwrap();
                    assert!(challenge.ends_with(&format!("scope=\"{needed}\"")), "{challenge}");
                }
            }
        }
    }
    assert!(opened > 120, "{opened}");
}

#[tokio::test]
async fn with_a_session_nothing_is_changed_for_another_page() {
    let server = server().await;
    let mut refused = 0;
    let cookie = "Cookie: __Host-foghorn=admin\r\n";
    for rule in rules().into_iter().filter(|rule| rule.needs != Needs::Nothing && rule.method != Verb::Get) {
        for page in [
            "",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
            "Sec-Fetch-Site: none\r\n",
        ] {
            let answer = asked(&server, rule.method.as_str(), &path(&rule), &format!("{cookie}{page}")).await;
            // Whoever signs in shows a token, and nothing else.
            let expected = if rule.needs == Needs::Token { "FH0715" } else { "FH0722" };
            assert_eq!(answer.problem()["code"], expected, "{} {} {page}", rule.method.as_str(), rule.path);
            refused += 1;
        }
        let foreign = format!("{cookie}Origin: https://evil.example\r\n");
        let answer = asked(&server, rule.method.as_str(), &path(&rule), &foreign).await;
        assert_eq!(answer.problem()["code"], "FH0709", "{}", rule.path);
    }
    assert!(refused > 120, "{refused}");
}

#[tokio::test]
async fn only_what_tells_nothing_is_open() {
    let server = server().await;
    let open: Vec<Rule> = rules().into_iter().filter(|rule| rule.needs == Needs::Nothing).collect();
    let paths: Vec<&str> = open.iter().map(|rule| rule.path).collect();
    let expected = [
        // The address is the lock.
        "/calendar/{file}",
        "/callbacks/{channel}",
        // The provider is the lock.
        "/auth/oidc/login",
        "/auth/oidc/callback",
        // The same for every Foghorn.
        "/docs",
        "/docs/openapi.json",
        "/docs/{file}",
        "/docs/errors",
        "/docs/errors/{code}",
        "/livez",
        "/readyz",
        "/healthz",
        "/startupz",
        // The link is the lock.
        "/i/{token}",
        "/i/{token}/acknowledge",
        "/i/{token}/unacknowledge",
        "/i/{token}/resolve",
        "/i/{token}/reopen",
        "/i/{token}/snooze",
        "/i/{token}/escalate",
        // The source has a lock of its own.
        "/hooks/{name}",
        "/hooks/{name}",
        "/api/v2/alerts",
        "/hooks/{name}/api/v2/alerts",
        "/v2/enqueue",
        "/generic/2010-04-15/create_event.json",
        "/v2/change/enqueue",
        "/v2/alerts",
        "/v2/alerts/requests/{id}",
        "/v2/alerts/{id}/{deed}",
        "/v2/alerts/{id}/{deed}",
    ];
    assert_eq!(paths, expected, "another route is open: is that meant?");
    // Links have a lock of their own, and so have callbacks.
    let (links, others): (Vec<&Rule>, Vec<&Rule>) =
        open.iter().partition(|rule| ["/i/", "/calendar/"].iter().any(|start| rule.path.starts_with(start)));
    for rule in links {
        let answer = asked(&server, rule.method.as_str(), &path(rule), "").await;
        assert_eq!(answer.problem()["code"], "FH0721", "{}", rule.path);
    }
    // Whoever comes back has left from here, and this provider is away.
    for (path, code) in [("/auth/oidc/login", "FH0724"), ("/auth/oidc/callback", "FH0723")] {
        assert_eq!(asked(&server, "GET", path, "").await.problem()["code"], code, "{path}");
    }
    for rule in others.into_iter().filter(|rule| !rule.path.starts_with("/auth/")) {
        let answer = asked(&server, rule.method.as_str(), &path(rule), "").await;
        assert!(![401, 403].contains(&answer.status), "{}: {answer:?}", rule.path);
    }
    // Nobody signed this callback.
    assert_eq!(asked(&server, "POST", "/callbacks/sms", "").await.problem()["code"], "FH0714");
}

#[tokio::test]
async fn a_token_of_the_configuration_lets_in_while_the_store_is_away() {
    let token = ConfiguredToken {
        name: "prometheus".to_owned(),
        digest: digest("fh_prometheus"),
        scopes: [Scope::Read].into_iter().collect(),
    };
    let store = Arc::new(AbsentStore);
    let server =
        Server::guarded(store, Limits::default(), AuthMode::Token, vec![token], Arc::default()).await;
    for (shown, expected) in [("prometheus", 200), ("of-the-store", 503)] {
        let header = format!("Authorization: Bearer fh_{shown}\r\n");
        assert_eq!(asked(&server, "GET", "/api/v1/routes", &header).await.status, expected, "{shown}");
    }
}

/// The table is the only place where a handler gets an address.
#[test]
fn no_route_is_made_beside_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http");
    let entries = |folder: &str| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = ["/routes", "/openapi", "/compatible"].map(|below| format!("{folder}{below}"));
    let files = entries(folder).chain(below.iter().flat_map(|below| entries(below)));
    for file in files.filter(|file| file.extension().is_some_and(|kind| kind == "rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let makes: Vec<&str> = [".route(", ".route_service(", ".nest(", ".nest_service(", "Router::new("]
            .into_iter()
            .filter(|word| text.contains(word))
            .collect();
        let expected: &[&str] = if file.ends_with("routes.rs") { &[".route(", "Router::new("] } else { &[] };
        assert_eq!(makes, expected, "{}", file.display());
    }
    let table = std::fs::read_to_string(format!("{folder}/routes.rs")).unwrap();
    assert_eq!(table.matches(".route(").count(), 1);
}
