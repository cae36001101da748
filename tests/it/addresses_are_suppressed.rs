//! An address that a provider has spoken against is left alone, over restarts too, until somebody takes
//! it back.

use serde_json::Value;

use crate::support::process::{Draft, Home};
use crate::support::provider::{Provider, Reply};
use crate::support::smtp_sink::SmtpSink;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A Foghorn that mails and calls a webhook.
async fn home(sink: &SmtpSink, receiver: &Provider) -> Home {
    let mut draft = Draft::mailing_to(sink.port);
    draft.more = format!(
        "[channels.hook]\ntype = \"webhook\"\nprovider = \"http\"\nurl = \"{}/hook\"\n\
         secret = \"{SECRET}\"\nallow_private_networks = true\n",
        receiver.url()
    );
    let home = Home::of(draft).await;
    home.edit("via = [\"email\"]", "via = [\"email\", \"hook\"]");
    home
}

async fn known(home: &Home) -> Vec<Value> {
    home.get("/api/v1/suppressions").await["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_says_gone_is_not_called_again_until_it_is_taken_back() {
    let (sink, receiver) = (SmtpSink::start().await, Provider::always(Reply::status(410)).await);
    let home = home(&sink, &receiver).await;
    let life = home.start().await;
    home.submit("load-first").await;
    home.until("the receiver is known to be gone", async || known(&home).await.len() == 1).await;
    let listed = home.run(&["suppression", "list"]).await;
    assert!(listed.output.contains("hook") && listed.output.contains("gone, 1 in a row"), "{listed:?}");

    // The pause between the row and the planner's knowledge of it is a moment; a restart has none.
    life.kill().await;
    let life = home.start().await;
    home.submit("load-second").await;
    home.until("the mail is there", async || sink.count() == 2).await;
    assert_eq!(receiver.heard().len(), 1, "nobody calls a receiver that is gone");
    let number = home.get("/api/v1/incidents?limit=1").await["data"][0]["number"].clone();
    let timeline = home.get(&format!("/api/v1/incidents/{number}/timeline")).await;
    assert!(timeline.to_string().contains("channel hook is disabled (410)"));

    let id = known(&home).await[0]["id"].as_str().unwrap().to_owned();
    let lifted = home.run(&["suppression", "lift", &id]).await;
    assert_eq!((lifted.exit, lifted.output.as_str()), (0, "channel hook is used again\n"), "{lifted:?}");
    home.until("the receiver is called again", async || {
        home.submit(&format!("load-{}", fastrand::u64(..))).await;
        receiver.heard().len() > 1
    })
    .await;
    let unknown = home.run(&["suppression", "lift", &id]).await;
    assert_eq!(unknown.exit, 3, "{unknown:?}");
    life.kill().await;
}
