//! People sign in with an identity provider: whoever it gives its word for has a session, may do what their
//! groups may, and nobody else is let in, however its word is bent.

use std::fs;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Response, redirect};
use serde_json::{Value, json};

use crate::support::identity::{CLIENT, EC, Identity, RSA, SECRET, ec, rsa, signed};
use crate::support::keys;
use crate::support::process::{Draft, Home, said_with};

async fn home(identity: &Identity) -> Home {
    let more = format!(
        "[auth]\nmode = \"token\"\n[telemetry.logs]\nlevel = \"trace\"\n\
         [auth.oidc]\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\nclient_secret = \"{SECRET}\"\nadmin_group = \"sre\"\n\
         groups = {{ \"on-call\" = \"responder\", staff = \"viewer\" }}\nallow_private_networks = true\n",
        identity.issuer()
    );
    Home::of(Draft { more, ..Draft::mailing_to(9) }).await
}

/// A browser: it keeps the two cookies, and goes nowhere by itself.
struct Browser<'a> {
    home: &'a Home,
    http: Client,
}

/// What of an answer a browser keeps under this name.
fn kept(answer: &Response, name: &str) -> Option<String> {
    let lines = answer.headers().get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
    let mut pairs = lines.map(|line| line.split(';').next().unwrap());
    pairs.rfind(|pair| pair.starts_with(&format!("{name}="))).map(str::to_owned)
}

impl<'a> Browser<'a> {
    fn new(home: &'a Home) -> Self {
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { home, http }
    }

    /// The provider's door, and the cookie to come back with.
    async fn leave(&self) -> (String, String) {
        let url = self.home.url("/auth/oidc/login?to=/incidents/1042");
        let answer = self.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let line = answer.headers()[SET_COOKIE].to_str().unwrap();
        assert!(line.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"), "{line}");
        let door = answer.headers()[LOCATION].to_str().unwrap().to_owned();
        (door, kept(&answer, "foghorn-sign-in").unwrap())
    }

    async fn come_back(&self, to: &str, cookie: &str) -> Response {
        // The provider knows it by the address that people use.
        let here = to.replace("http://localhost:3644", &self.home.url(""));
        self.http.get(here).header(COOKIE, cookie).send().await.unwrap()
    }

    /// All of it.
    async fn sign_in(&self, identity: &Identity) -> Response {
        let (door, cookie) = self.leave().await;
        self.come_back(identity.sign_in(&door).as_str(), &cookie).await
    }

    async fn ask(&self, cookie: &str, method: Method, path: &str) -> Response {
        let request = self.http.request(method, self.home.url(path)).header(COOKIE, cookie);
        request.header("Sec-Fetch-Site", "same-origin").send().await.unwrap()
    }
}

async fn audited(home: &Home) -> Vec<String> {
    let socket = format!("unix:{}", home.file("foghorn.sock").display());
    let said = said_with(&[], &["audit", "--json", "--url", &socket], Stdio::piped()).await;
    let entries = said.output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries
        .map(|entry| format!("{} {} {}", entry["who"], entry["action"], entry["status"]).replace('"', ""))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_the_provider_knows_is_signed_in_and_may_what_their_groups_may() {
    let identity = Identity::start().await;
    let home = home(&identity).await;
    let life = home.start().await;
    let browser = Browser::new(&home);
    let (door, cookie) = browser.leave().await;
    let back = identity.sign_in(&door);
    let answer = browser.come_back(back.as_str(), &cookie).await;
    assert_eq!(
        (answer.status().as_u16(), kept(&answer, "foghorn-sign-in")),
        (200, Some("foghorn-sign-in=".to_owned()))
    );
    let session = kept(&answer, "foghorn").expect("a session");
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("oidc:ada@example.com") && page.contains("0; url=&#x2f;incidents&#x2f;1042"),
        "{page}"
    );

    of_two_groups(&browser, &session).await;
    // A code is good once, and so is the way there and back.
    let again = browser.come_back(back.as_str(), &cookie).await;
    assert_eq!((again.status().as_u16(), kept(&again, "foghorn")), (403, None));
    assert!(again.text().await.unwrap().contains("invalid_grant"));
    assert_eq!(
        audited(&home).await,
        [" GET /auth/oidc/callback 403", "oidc:ada@example.com GET /auth/oidc/callback 200"]
    );

    life.kill().await;
    let life = home.start().await;
    assert_eq!(
        browser.ask(&session, Method::GET, "/api/v1/session").await.status(),
        200,
        "it outlives the process"
    );
    // With another key, and in the group that may do everything.
    identity.says(|mut claims| {
        claims["groups"] = "sre".into();
        claims["email_verified"] = false.into();
        signed(&claims, Algorithm::ES256, Some(EC), &ec())
    });
    let boss = kept(&browser.sign_in(&identity).await, "foghorn").expect("a session");
    let who: Value = browser.ask(&boss, Method::GET, "/api/v1/session").await.json().await.unwrap();
    let expected = ("oidc:248289761001".to_owned(), "[\"admin\"]".to_owned());
    assert_eq!(
        (who["who"].as_str().unwrap().to_owned(), who["scopes"].to_string()),
        expected,
        "an address that nobody has proved is no name"
    );
    life.terminate().await;
    life.exit().await;
    // Another provider's word is not this one's.
    home.edit(&format!("issuer = \"{}\"", identity.issuer()), "issuer = \"https://login.example.com\"");
    let life = home.start().await;
    assert_eq!(browser.ask(&boss, Method::GET, "/api/v1/session").await.status(), 401);
    life.terminate().await;
    life.exit().await;
    said_nowhere(
        &home,
        &[SECRET, session.trim_start_matches("foghorn="), boss.trim_start_matches("foghorn=")],
    );
}

/// What whoever is on call and on the staff may do.
async fn of_two_groups(browser: &Browser<'_>, session: &str) {
    let who: Value = browser.ask(session, Method::GET, "/api/v1/session").await.json().await.unwrap();
    assert_eq!(
        (&who["who"], &who["via"], who["scopes"].to_string()),
        (&"oidc:ada@example.com".into(), &"session".into(), "[\"read\",\"respond\"]".to_owned())
    );
    assert_eq!(browser.ask(session, Method::GET, "/api/v1/incidents").await.status(), 200);
    assert_eq!(browser.ask(session, Method::GET, "/api/v1/tokens").await.status(), 403);
}

/// A word that is bent, by its name.
type Bent = (&'static str, Box<dyn Fn(Value) -> String + Send>);

/// The claims with one that is another.
fn with(key: &'static str, value: impl Into<Value> + Send + 'static) -> Box<dyn Fn(Value) -> String + Send> {
    let value = value.into();
    Box::new(move |mut claims| {
        claims[key] = value.clone();
        signed(&claims, Algorithm::RS256, Some(RSA), &rsa())
    })
}

fn bent() -> Vec<Bent> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    vec![
        ("another issuer", with("iss", "https://login.example.com")),
        ("another client", with("aud", "another")),
        ("another client among us", with("aud", json!([CLIENT, "another"]))),
        ("given to another", with("azp", "another")),
        ("another sign-in", with("nonce", "another")),
        ("no sign-in", with("nonce", Value::Null)),
        ("nobody", with("sub", "")),
        ("over", with("exp", 1_700_000_000)),
        ("not yet", with("nbf", 4_000_000_000_u64)),
        ("of the future", with("iat", 4_000_000_000_u64)),
        (
            "a key that nobody has",
            Box::new(|claims| signed(&claims, Algorithm::RS256, Some("key-other"), &rsa())),
        ),
        ("the key of another name", Box::new(|claims| signed(&claims, Algorithm::ES256, Some(RSA), &ec()))),
        (
            "a key that is not the provider's",
            Box::new(|claims| {
                let stranger = EncodingKey::from_ec_pem(keys::P384.as_bytes()).unwrap();
                signed(&claims, Algorithm::ES384, Some(EC), &stranger)
            }),
        ),
        (
            "what everybody could sign",
            Box::new(|claims| {
                signed(&claims, Algorithm::HS256, Some(RSA), &EncodingKey::from_secret(SECRET.as_bytes()))
            }),
        ),
        (
            "nothing signed",
            Box::new(move |claims| {
                format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&claims))
            }),
        ),
        ("no token", Box::new(|_| "word".to_owned())),
        (
            "another's claims",
            Box::new(move |claims| {
                let word = signed(&claims, Algorithm::RS256, Some(RSA), &rsa());
                let parts: Vec<&str> = word.split('.').collect();
                let mut other = claims;
                other["groups"] = json!(["sre"]);
                format!("{}.{}.{}", parts[0], part(&other), parts[2])
            }),
        ),
        ("no group of ours", with("groups", json!(["choir"]))),
        ("no groups", with("groups", Value::Null)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_is_bent_signs_nobody_in() {
    let identity = Identity::start().await;
    let home = home(&identity).await;
    let life = home.start().await;
    let browser = Browser::new(&home);
    // So many from one address in a minute, there and back.
    for (name, word) in bent().into_iter().take(14) {
        refused(&browser, &identity, name, word).await;
    }
    assert_eq!(identity.asked("/keys"), 1, "a key that nobody has is no reason to ask again and again");
    life.terminate().await;
    life.exit().await;
    let life = home.start().await;
    for (name, word) in bent().into_iter().skip(14) {
        refused(&browser, &identity, name, word).await;
    }
    identity.says(|claims| signed(&claims, Algorithm::RS256, Some(RSA), &rsa()));
    assert!(kept(&browser.sign_in(&identity).await, "foghorn").is_some(), "an honest word does");
    life.terminate().await;
    life.exit().await;
}

async fn refused(
    browser: &Browser<'_>,
    identity: &Identity,
    name: &str,
    word: Box<dyn Fn(Value) -> String + Send>,
) {
    identity.says(word);
    let answer = browser.sign_in(identity).await;
    assert_eq!((answer.status().as_u16(), kept(&answer, "foghorn")), (403, None), "{name}");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "FH0723", "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_did_not_leave_from_this_browser_does_not_come_back_to_it() {
    let identity = Identity::start().await;
    let home = home(&identity).await;
    let life = home.start().await;
    let browser = Browser::new(&home);
    let (door, cookie) = browser.leave().await;
    let (other_door, other_cookie) = browser.leave().await;
    let back = identity.sign_in(&door);
    let of_other = identity.sign_in(&other_door);
    let state = |url: &url::Url| url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    let swapped = back.as_str().replace(&state(&back), &state(&of_other));
    let wrong_issuer = {
        let mut url = back.clone();
        url.query_pairs_mut().append_pair("iss", "https://evil.example");
        url.to_string()
    };
    let denied =
        format!("http://localhost:3644/auth/oidc/callback?error=access_denied&state={}", state(&back));
    for (url, cookie) in [
        (back.as_str(), ""),
        (back.as_str(), other_cookie.as_str()),
        (swapped.as_str(), cookie.as_str()),
        (denied.as_str(), cookie.as_str()),
        (wrong_issuer.as_str(), cookie.as_str()),
        ("http://localhost:3644/auth/oidc/callback", cookie.as_str()),
    ] {
        let answer = browser.come_back(url, cookie).await;
        assert_eq!((answer.status().as_u16(), kept(&answer, "foghorn")), (403, None), "{url} {cookie}");
    }
    assert_eq!(identity.asked("/token"), 0, "nobody asks the provider for these");
    assert_eq!(browser.come_back(back.as_str(), &cookie).await.status(), 200, "whoever did does");
    for to in ["//evil.example", "https://evil.example/", "/a%22b"] {
        let url = home.url(&format!("/auth/oidc/login?to={to}"));
        assert_eq!(browser.http.get(url).send().await.unwrap().status(), 400, "{to}");
    }
    life.terminate().await;
    life.exit().await;
}

/// Neither in the log at its most talkative nor in the database.
fn said_nowhere(home: &Home, secrets: &[&str]) {
    for entry in fs::read_dir(home.file("")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_none_or(|kind| kind != "toml") {
            let said = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for secret in secrets {
                assert!(!said.contains(secret), "{} is in {}", &secret[..9], path.display());
            }
        }
    }
}
