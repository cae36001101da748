//! What Slack calls with when somebody pressed a button: a form with one field of JSON.

use serde::Deserialize;
use url::form_urlencoded;

use crate::channels::callback::{News, NotHeard};
use crate::domain::button::{Button, Wish};

#[derive(Deserialize)]
struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    user: Option<Member>,
    #[serde(default)]
    actions: Vec<Action>,
    response_url: Option<String>,
}

#[derive(Deserialize)]
struct Member {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    value: String,
}

/// What a signed body says. Buttons that are not ours, and whatever else Slack calls for, say nothing.
pub(super) fn read(body: &[u8]) -> Result<Vec<News>, NotHeard> {
    let not_understood = |what: &str| NotHeard::NotUnderstood(what.to_owned());
    let payload = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
    let (_, payload) = payload.ok_or_else(|| not_understood("payload is missing"))?;
    let said: Interaction =
        serde_json::from_str(&payload).map_err(|_| not_understood("payload is no interaction"))?;
    let ours = |action: &&Action| Wish::parse(&action.action_id).is_some();
    let pressed: Vec<&Action> = said.actions.iter().filter(ours).collect();
    if said.kind != "block_actions" || pressed.is_empty() {
        return Ok(Vec::new());
    }
    let member = said.user.ok_or_else(|| not_understood("user is missing"))?;
    let news = pressed.into_iter().map(|action| {
        let button: Button =
            action.value.parse().map_err(|_| not_understood("the value of the button is none of ours"))?;
        Ok(News::Pressed { by: member.id.as_str().into(), button, answer_at: said.response_url.clone() })
    });
    news.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn heard(payload: &serde_json::Value) -> Result<Vec<News>, NotHeard> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("payload", &payload.to_string());
        read(form.finish().as_bytes())
    }

    fn pressing(action: &str, value: &str) -> serde_json::Value {
        json!({
            "type": "block_actions", "user": { "id": "U2CERLKJA", "username": "ada" },
            "actions": [{ "type": "button", "action_id": action, "value": value }],
            "response_url": "https://hooks.slack.com/actions/T1/2/3"
        })
    }

    #[test]
    fn a_press_says_who_what_and_where_to_answer() {
        let news = heard(&pressing("acknowledge", "acknowledge:1042:3:5")).unwrap();
        let button = Button { wish: Wish::Acknowledge, number: 1042, version: 3, episode: 5 };
        let answer_at = Some("https://hooks.slack.com/actions/T1/2/3".to_owned());
        assert_eq!(news, [News::Pressed { by: "U2CERLKJA".into(), button, answer_at }]);
    }

    #[test]
    fn what_is_not_ours_says_nothing_and_what_is_broken_is_refused() {
        assert_eq!(heard(&pressing("open", "")), Ok(Vec::new()));
        assert_eq!(heard(&json!({ "type": "view_closed" })), Ok(Vec::new()));
        for broken in [pressing("resolve", "resolve:1"), json!({}), json!([]), json!("x")] {
            assert!(matches!(heard(&broken), Err(NotHeard::NotUnderstood(_))), "{broken}");
        }
        let nobody = json!({ "type": "block_actions", "actions": [{ "action_id": "resolve", "value": "" }] });
        assert!(heard(&nobody).is_err());
        assert!(read(b"token=x").is_err() && read(b"payload=%7B").is_err());
    }

    proptest! {
        #[test]
        fn no_body_is_too_odd(body in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = read(&body);
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("payload", &text);
            let _ = read(form.finish().as_bytes());
        }
    }
}
