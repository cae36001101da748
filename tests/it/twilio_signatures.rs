//! What Twilio's own library signs is taken, and what it would not sign is not.

use foghorn::channels::sms::twilio::signature::{Signed, Tokens};
use serde_json::json;

use crate::support::signers;

/// Signs each case as Twilio does, and has the library's validator agree.
const SIGN: &str = r#"
import hashlib, json, sys
from twilio.request_validator import RequestValidator
validator = RequestValidator("12345")
signed = []
for case in json.load(sys.stdin):
    url, content = case["url"], case["form"]
    if content is None:
        content = case["body"]
        url += "bodySHA256=" + hashlib.sha256(content.encode()).hexdigest()
    signature = validator.compute_signature(url, case["form"] or {})
    assert validator.validate(url, content, signature), case
    signed.append([url, signature])
json.dump(signed, sys.stdout)
"#;

/// What the library makes of `cases`, if it is there.
fn signed(cases: &serde_json::Value) -> Option<Vec<(String, String)>> {
    let signed = signers::run("twilio.request_validator", SIGN, cases)?;
    Some(serde_json::from_value(signed).unwrap())
}

fn pairs(form: &serde_json::Value) -> Vec<(String, String)> {
    let form = form.as_object().unwrap();
    form.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

#[test]
fn what_twilios_library_signs_is_taken_and_nothing_else() {
    let report =
        json!({ "MessageSid": "SM1", "MessageStatus": "delivered", "To": "+15550111", "ErrorCode": "" });
    let odd = json!({ "Body": "1042A ü € 🔔 & = +", "a": "1", "B": "2", "Aa": "x", "A": "" });
    let urls = [
        "https://foghorn.example.com/callbacks/sms",
        "https://foghorn.example.com/callbacks/sms?a=b&c=%20d",
        "https://foghorn.example.com:8443/callbacks/sms",
        "http://foghorn.example.com:80/",
        "https://user:pass@foghorn.example.com/x",
    ];
    let mut cases = Vec::new();
    for url in urls {
        for form in [&report, &odd, &json!({})] {
            cases.push(json!({ "url": url, "form": form }));
        }
    }
    for body in ["{}", r#"{"text":"ü 🔔"}"#, "[1, 2]"] {
        cases.push(json!({ "url": "https://foghorn.example.com/x?", "form": null, "body": body }));
    }
    let Some(signed) = signed(&json!(cases)) else { return };
    let (known, stranger) = (Tokens::new(["fresh", "12345"]), Tokens::new(["54321"]));
    for (case, (url, signature)) in cases.iter().zip(signed) {
        let form = if case["form"].is_null() { Vec::new() } else { pairs(&case["form"]) };
        let content = match case["body"].as_str() {
            Some(body) => Signed::Body(body.as_bytes()),
            None => Signed::Form(&form),
        };
        assert!(known.signed(&url, content, &signature), "{case}");
        assert!(!stranger.signed(&url, content, &signature), "{case}");
        assert!(!known.signed(&format!("{url}#"), content, &signature), "{case}");
    }
}
