//! What Foghorn signs, the official library of Standard Webhooks accepts; and nothing that was changed
//! on the way.

use foghorn::channels::Surroundings;
use foghorn::clock::Clock;
use foghorn::domain::fault::Outcome;
use foghorn::domain::notification::NotificationKind;
use serde_json::{Value, json};

use crate::support::jobs::{channel, facts, incident, surroundings};
use crate::support::provider::{Heard, Provider, Reply};
use crate::support::signers;

const FRESH: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FORMER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD3nYjrmVGs5k=";
const STRANGER: &str = "whsec_c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vyc3RyYW5nZXI=";

/// Has the library look at each case: true for those that it accepts.
const VERIFY: &str = r#"
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError
def accepts(case):
    try:
        return Webhook(case["secret"]).verify(case["body"], case["headers"]) == json.loads(case["body"])
    except WebhookVerificationError:
        return False
json.dump([accepts(case) for case in json.load(sys.stdin)], sys.stdout)
"#;

/// What a receiver gets of one event, signed with these secrets. The library looks at the machine's
/// clock, so Foghorn does here, too.
async fn sent(secrets: &str, title: &str) -> Heard {
    let receiver = Provider::always(Reply::status(204)).await;
    let settings = format!("url='{}/hook'\nallow_private_networks=true\n{secrets}", receiver.url());
    let now = Surroundings { clock: Clock::system(), ..surroundings() };
    let hook = channel("webhook", "http", &settings, &now);
    let mut facts = facts(NotificationKind::Opened);
    facts.title = title.to_owned();
    let outcome = hook.send(&incident("", facts)).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    receiver.heard().remove(0)
}

/// The request as the library is shown it.
fn case(secret: &str, heard: &Heard) -> Value {
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> =
        headers.iter().map(|name| ((*name).to_owned(), heard.header(name).into())).collect();
    json!({ "secret": secret, "headers": headers, "body": heard.text() })
}

fn verdicts(cases: &[Value]) -> Option<Vec<bool>> {
    let verdicts = signers::run("standardwebhooks", VERIFY, &json!(cases))?;
    Some(serde_json::from_value(verdicts).unwrap())
}

#[tokio::test]
async fn receivers_accept_what_was_signed_also_while_the_secret_changes() {
    let alone = format!("secret='{FRESH}'");
    let changing = format!("secret='{FRESH}'\nprevious_secret='{FORMER}'");
    let (mut cases, mut expected) = (Vec::new(), Vec::new());
    for title in ["disk full", "ü € 🔔 \"quoted\" \\ </script>", "\u{2028}line\u{7f}"] {
        for (secrets, fresh, former) in [(&alone, true, false), (&changing, true, true)] {
            let heard = sent(secrets, title).await;
            for (secret, accepted) in [(FRESH, fresh), (FORMER, former), (STRANGER, false)] {
                cases.push(case(secret, &heard));
                expected.push(accepted);
            }
        }
    }
    let Some(verdicts) = verdicts(&cases) else { return };
    for (index, case) in cases.iter().enumerate() {
        assert_eq!(verdicts[index], expected[index], "{case}");
    }
}

#[tokio::test]
async fn what_was_changed_on_the_way_or_comes_late_is_refused() {
    let heard = sent(&format!("secret='{FRESH}'\nprevious_secret='{FORMER}'"), "disk full").await;
    let good = case(FRESH, &heard);
    let text = |name: &str| heard.header(name).to_owned();
    let moment: i64 = text("webhook-timestamp").parse().unwrap();
    let with = |header: &str, value: String| {
        let mut case = good.clone();
        case["headers"][header] = value.into();
        case
    };
    let mut other_body = good.clone();
    other_body["body"] = heard.text().replace("disk full", "disk fine").into();
    let mut longer_body = good.clone();
    longer_body["body"] = format!("{} ", heard.text()).into();
    let cases = [
        good.clone(),
        other_body,
        longer_body,
        with("webhook-id", format!("{}0", text("webhook-id"))),
        with("webhook-timestamp", (moment + 1).to_string()),
        // Signed long ago: a repetition of somebody who listened.
        with("webhook-timestamp", (moment - 3_600).to_string()),
        with("webhook-signature", text("webhook-signature").replace("v1,", "v2,")),
        with("webhook-signature", text("webhook-signature").replace("v1,", "v1,AAAA")),
        with("webhook-signature", String::new()),
    ];
    let Some(verdicts) = verdicts(&cases) else { return };
    assert!(verdicts[0], "{good}");
    for (case, accepted) in cases.iter().zip(&verdicts).skip(1) {
        assert!(!accepted, "{case}");
    }
}
