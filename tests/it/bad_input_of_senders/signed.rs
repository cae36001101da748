//! S9, for each sender that signs: the same again, also after a restart, too old, ahead, unsigned, signed
//! twice, another body, another scheme, another secret, and the secret before while they change.

use aws_lc_rs::hmac::{self, Algorithm, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foghorn::clock::Clock;
use serde_json::json;

use super::ground::{BEFORE, BYTES, BYTES_BEFORE, Ground, SECRET};
use super::rows::{flawed, nameless, nobody, post, too_large, webhook};
use super::{Ask, Cell, Row, Told, Twice};

const UNDATED: &str = "it signs no moment: whatever is signed is heard, and what is known again counts once";

/// How somebody signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Standard,
    GrafanaDated,
    Grafana,
    GitHub,
    Sentry,
}

/// What goes into a signature.
#[derive(Debug, Clone, Copy)]
struct Signing<'s> {
    key: &'s [u8],
    algorithm: Algorithm,
    /// Seconds from now.
    off: i64,
}

impl Scheme {
    const ALL: [Self; 5] = [Self::Standard, Self::GrafanaDated, Self::Grafana, Self::GitHub, Self::Sentry];

    fn good(self) -> Signing<'static> {
        let key: &[u8] = if self == Self::Standard { &BYTES } else { SECRET.as_bytes() };
        Signing { key, algorithm: HMAC_SHA256, off: 0 }
    }

    /// What says that the thing of this name is wrong, unsigned.
    fn saying(self, name: &str) -> Ask {
        let (path, body) = match self {
            Self::Standard => ("/hooks/standard", json!({ "title": name, "dedup_key": name })),
            Self::GrafanaDated => ("/hooks/grafana-dated", webhook("1", name)),
            Self::Grafana => ("/hooks/grafana-signed", webhook("1", name)),
            Self::GitHub => ("/hooks/github", json!({ "name": name })),
            Self::Sentry => ("/hooks/sentry", json!({ "name": name })),
        };
        post(path, &body)
    }

    /// The headers that carry the signature.
    fn names(self) -> &'static str {
        match self {
            Self::Standard => "webhook-signature",
            Self::GrafanaDated | Self::Grafana => "x-grafana-alerting-signature",
            Self::GitHub => "x-hub-signature-256",
            Self::Sentry => "sentry-hook-signature",
        }
    }

    fn signed(self, ask: Ask, how: Signing<'_>) -> Ask {
        let moment = (Clock::system().now().as_second() + how.off).to_string();
        let id = format!("msg_{}", &hex(&tag(b"id", HMAC_SHA256, &[&ask.body]))[..12]);
        match self {
            Self::Standard => {
                let signed = [id.as_bytes(), b".", moment.as_bytes(), b".", &ask.body];
                let tag = STANDARD.encode(tag(how.key, how.algorithm, &signed));
                ask.with("webhook-id", id)
                    .with("webhook-timestamp", moment)
                    .with(self.names(), format!("v1,{tag}"))
            }
            Self::GrafanaDated => {
                let tag = hex(&tag(how.key, how.algorithm, &[moment.as_bytes(), b":", &ask.body]));
                ask.with("x-moment", moment).with(self.names(), tag)
            }
            Self::Grafana | Self::Sentry => {
                let tag = hex(&tag(how.key, how.algorithm, &[&ask.body]));
                ask.with(self.names(), tag)
            }
            Self::GitHub => {
                let tag = hex(&tag(how.key, how.algorithm, &[&ask.body]));
                ask.with(self.names(), format!("sha256={tag}"))
            }
        }
    }

    fn ask(self, name: &str) -> Ask {
        self.signed(self.saying(name), self.good())
    }

    fn by(self, name: &str, key: &[u8]) -> Ask {
        self.signed(self.saying(name), Signing { key, ..self.good() })
    }

    fn off(self, name: &str, off: i64) -> Ask {
        self.signed(self.saying(name), Signing { off, ..self.good() })
    }

    /// What is heard once, however often it is said.
    fn is_known_again(self) -> bool {
        self != Self::Grafana
    }

    fn is_dated(self) -> bool {
        matches!(self, Self::Standard | Self::GrafanaDated)
    }
}

fn tag(key: &[u8], algorithm: Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), &parts.concat()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that say the same, and are others than those that were signed.
fn respelled(ask: Ask) -> Ask {
    let body = [ask.body.as_slice(), b"\n"].concat();
    ask.saying(body)
}

/// What nobody should hear, and what is heard; each with a word for it.
fn strangers(scheme: Scheme) -> Vec<(&'static str, Ask)> {
    let good = || scheme.ask("stranger");
    let name = scheme.names();
    let of = |ask: &Ask| ask.headers.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    let again = |value: String| good().without(name).with(name, value);
    let value = of(&good());
    let legacy = Signing { algorithm: HMAC_SHA1_FOR_LEGACY_USE_ONLY, ..scheme.good() };
    let mut all = vec![
        ("another secret", scheme.by("stranger", b"somebody else's secret!!")),
        ("no signature", good().without(name)),
        ("an empty signature", again(String::new())),
        ("a shorter signature", again(value[..value.len() - 2].to_owned())),
        ("a longer signature", again(value.clone() + "00")),
        ("two signatures", good().with(name, value.clone())),
        ("the body written again", respelled(good())),
        ("the signature of another body", again(of(&scheme.ask("another")))),
        ("another algorithm", scheme.signed(scheme.saying("stranger"), legacy)),
        ("another scheme's word", again(format!("v2,{value}"))),
        ("a token instead", scheme.saying("stranger").with("authorization", format!("Bearer {SECRET}"))),
    ];
    if scheme.is_dated() {
        let moment = if scheme == Scheme::Standard { "webhook-timestamp" } else { "x-moment" };
        all.extend([
            ("too old", scheme.off("stranger", -310)),
            ("ahead", scheme.off("stranger", 310)),
            ("no moment", good().without(moment)),
            ("another moment", good().without(moment).with(moment, "1")),
            ("no such moment", good().without(moment).with(moment, "soon")),
            ("two moments", good().with(moment, "1")),
        ]);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_is_heard_once_and_nobody_else_is_heard() {
    let mut ground = Ground::start().await;
    let mut wrong = Vec::new();
    let mut played_back = Vec::new();
    for scheme in Scheme::ALL {
        let name = format!("{scheme:?}");
        let before = ground.open().await;
        for (what, ask) in strangers(scheme) {
            if let Err(why) = ground.judged(&ask, &nobody()).await {
                wrong.push(format!("{name}, {what}: {why}"));
            }
        }
        if ground.open().await != before {
            wrong.push(format!("{name}: something of a stranger was kept"));
        }
        let first = scheme.ask(&name);
        let told = ground.ask(&first).await.result();
        let again = ground.ask(&first).await.result();
        let expected = if scheme.is_known_again() { "duplicate" } else { "updated" };
        if (&told, &again) != (&json!("opened"), &json!(expected)) {
            wrong.push(format!("{name}: {told}, and again {again}"));
        }
        let key: &[u8] = if scheme == Scheme::Standard { &BYTES_BEFORE } else { BEFORE.as_bytes() };
        let rotating = ground.ask(&scheme.by(&format!("{name} rotating"), key)).await;
        if rotating.result() != "opened" {
            wrong.push(format!("{name}, by the secret before: {rotating:?}"));
        }
        for off in [-290, 290] {
            let told = ground.ask(&scheme.off(&format!("{name} off by {off}"), off)).await;
            if told.result() != "opened" {
                wrong.push(format!("{name}, off by {off} s: {told:?}"));
            }
        }
        played_back.push((name, first, expected));
    }
    ground = ground.restarted().await;
    for (name, ask, expected) in played_back {
        let told = ground.ask(&ask).await;
        if told.result() != expected {
            wrong.push(format!("{name}, after a restart: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
    ground.end().await;
}

/// The row of the big table of a sender that signs.
fn row(scheme: Scheme, name: &'static str, good: fn(&str) -> Ask, rest: Rest) -> Row {
    let resigned = |body: &[u8]| scheme.signed(scheme.saying("x").saying(body), scheme.good());
    Row {
        name,
        good,
        taken: 202,
        empty: Cell::Bad(scheme.saying("x").saying("").with(scheme.names(), "0"), nobody()),
        wrong_type: Cell::Bad(resigned(rest.wrong_type.0), rest.wrong_type.1),
        missing_required: Cell::Bad(resigned(rest.missing.0), rest.missing.1),
        oversize: Cell::Bad(resigned(&[b' '; (1 << 20) + 1]), too_large()),
        unknown_version: rest.version,
        duplicate: Twice(Told::Event(202, "duplicate"), 1),
        replayed_signature: Cell::Again(
            scheme.ask(&format!("{name} played back")),
            Told::Event(202, "duplicate"),
        ),
        bad_signature: Cell::Bad(scheme.by("x", b"somebody else's secret!!"), nobody()),
        clock_skew: match scheme.is_dated() {
            true => Cell::Bad(scheme.off("x", -301), nobody()),
            false => Cell::Never(UNDATED),
        },
    }
}

/// What differs by format.
struct Rest {
    wrong_type: (&'static [u8], Told),
    missing: (&'static [u8], Told),
    version: Cell,
}

pub(super) fn standard_row() -> Row {
    let rest = Rest {
        wrong_type: (br#"{"title":5}"#, flawed("/title", "must be text, is a number")),
        missing: (b"{}", flawed("/title", "\"title\" is required")),
        version: Cell::Bad(
            Scheme::Standard.ask("x").without("webhook-signature").with("webhook-signature", "v9,AAAA"),
            nobody(),
        ),
    };
    row(Scheme::Standard, "auto, signed as Standard Webhooks say", |name| Scheme::Standard.ask(name), rest)
}

pub(super) fn grafana_row() -> Row {
    let later = Scheme::GrafanaDated.saying("x").saying(webhook("2", "x").to_string());
    let rest = Rest {
        wrong_type: (b"[]", flawed("", "must be an object, is a list")),
        missing: (br#"{"version":"1"}"#, flawed("/alerts", "\"alerts\" is required")),
        version: Cell::Bad(
            Scheme::GrafanaDated.signed(later, Scheme::GrafanaDated.good()),
            flawed("/version", "\"2\" is not known here"),
        ),
    };
    row(Scheme::GrafanaDated, "grafana, signed", |name| Scheme::GrafanaDated.ask(name), rest)
}

fn mapped(scheme: Scheme, name: &'static str, good: fn(&str) -> Ask) -> Row {
    let rest = Rest {
        wrong_type: (b"[1]", nameless("is a list of 1")),
        missing: (b"{\"nam\":1}", nameless("has nam")),
        version: Cell::Never("anybody's JSON has the version that its mapper was written for"),
    };
    row(scheme, name, good, rest)
}

pub(super) fn github_row() -> Row {
    mapped(Scheme::GitHub, "json, signed by GitHub", |name| Scheme::GitHub.ask(name))
}

pub(super) fn sentry_row() -> Row {
    mapped(Scheme::Sentry, "json, signed by Sentry", |name| Scheme::Sentry.ask(name))
}
