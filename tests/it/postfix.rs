//! A mail server as it is out there: its own words have the effect that the table says, it takes no
//! login but the right one, and when it is killed, the other one takes over.

use std::collections::BTreeSet;

use foghorn::channels::Channel;
use foghorn::domain::fault::{Fault, Outcome, Permanent, Scope};

use crate::support::jobs::{channel, direct, failure, surroundings};
use crate::support::postfix::{LARGEST, PASSWORD, Postfix};
use crate::support::process::{Draft, Home};

async fn send(mail: &dyn Channel, to: &str, body: &str) -> Outcome {
    mail.send(&direct(to, "from a test", body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_own_words_have_the_effect_they_should() {
    let Some(postfix) = Postfix::start().await else { return };
    let mail = channel("email", "smtp", &postfix.settings(), &surroundings());
    let large = "a line of the text that is too long\n".repeat(LARGEST / 20);
    let gone = Fault::Permanent(Permanent::RecipientGone);
    let too_large = Fault::Permanent(Permanent::Unacceptable);
    for (to, body, code, expected) in [
        ("nobody@foghorn.test", "hello", "550 5.1.1", Some(gone)),
        ("later@foghorn.test", "hello", "450 4.7.1", None),
        ("ada@foghorn.test", large.as_str(), "552 5.3.4", Some(too_large)),
    ] {
        let failure = failure(send(&*mail, to, body).await);
        assert_eq!(failure.code, code, "{failure:?}");
        match (expected, &failure.fault) {
            (Some(expected), fault) => assert_eq!(*fault, expected, "{failure:?}"),
            // Somebody who is asked to come again is not asked for at once, and nobody else waits.
            (None, Fault::Throttled { retry_after: Some(_), scope: Scope::Recipient }) => {}
            (None, fault) => panic!("{fault:?}"),
        }
        // The next one is taken, over the same connection.
        let outcome = send(&*mail, "grace@foghorn.test", "hello").await;
        let Outcome::Sent(receipt) = outcome else { panic!("after {code}: {outcome:?}\n{}", postfix.log()) };
        let id = receipt.provider_id.expect("Postfix says its id");
        assert!(postfix.log().contains(&format!("{id}: client=")), "{id}");
    }
    mail.close().await;
    assert_eq!(postfix.log().matches(": connect from").count(), 1, "{}", postfix.log());
    assert_eq!(postfix.mailbox("ada"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_login_at_the_right_server_sends_mail() {
    let Some(postfix) = Postfix::start().await else { return };
    let right = postfix.settings();
    let nobody: String = right
        .lines()
        .filter(|line| !line.starts_with("username") && !line.starts_with("password"))
        .fold(String::new(), |text, line| text + line + "\n");
    let stranger = right.replace("authority.pem", "stranger.pem");
    let refused = Fault::Permanent(Permanent::Refused);
    for (settings, code, fault) in [
        (right.replace(PASSWORD, "hunter3"), "535 5.7.8", Fault::Misconfigured),
        (stranger, "tls", Fault::Misconfigured),
        (nobody, "554 5.7.1", refused),
    ] {
        let mail = channel("email", "smtp", &settings, &surroundings());
        let failure = failure(send(&*mail, "ada@foghorn.test", "hello").await);
        assert_eq!((failure.code.as_str(), failure.fault), (code, fault), "{failure:?}");
        assert!(!failure.detail.contains("hunter"), "{failure:?}");
    }
    let mail = channel("email", "smtp", &right, &surroundings());
    let probed = mail.probe().await.unwrap();
    assert!(probed.contains("mail.foghorn.test") && probed.contains("STARTTLS, logged in"), "{probed}");
    assert_eq!(postfix.mailbox("ada"), "");
}

const EVENTS: usize = 60;

/// The keys of the events that a relay has delivered.
fn arrived(postfix: &Postfix) -> BTreeSet<String> {
    let mailbox = postfix.mailbox("ada");
    let subjects = mailbox.lines().filter_map(|line| line.strip_prefix("Subject: "));
    let keys = subjects.filter_map(|subject| subject.split(' ').find(|word| word.starts_with("load-")));
    keys.map(|key| key.trim_end_matches(|letter: char| !letter.is_ascii_digit()).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_first_relay_is_killed_the_second_takes_over_and_nothing_is_lost() {
    let (Some(first), Some(second)) = (Postfix::start().await, Postfix::start().await) else { return };
    let more =
        format!("[channels.email-backup]\ntype = \"email\"\nprovider = \"smtp\"\n{}", second.settings());
    let home = Home::of(Draft { more, ..Draft::mailing_to(first.port) }).await;
    let login: String = first
        .settings()
        .lines()
        .skip(2)
        .filter(|line| !line.starts_with("from"))
        .fold(String::new(), |text, line| text + line + "\n");
    home.edit("security = \"none\"\n", &login);
    home.edit("ada@example.com", "ada@foghorn.test");
    home.edit("via = [\"email\"]", "via = [\"email\", \"email-backup\"]");
    let life = home.start().await;
    let keys: BTreeSet<String> = (0..EVENTS).map(|number| format!("load-{number}")).collect();
    for (number, key) in keys.iter().enumerate() {
        home.submit(key).await;
        if number == EVENTS / 3 {
            home.until("the first relay is at work", async || !arrived(&first).is_empty()).await;
            first.die();
        }
    }
    home.all_sent().await;
    // What it had said yes to when it died is on its disk.
    first.come_up();
    home.until("both relays are done", async || first.is_idle() && second.is_idle()).await;
    let (by_first, by_second) = (arrived(&first), arrived(&second));
    assert!(!by_first.is_empty() && by_second.len() >= EVENTS / 2, "{} {}", by_first.len(), by_second.len());
    let all: BTreeSet<String> = by_first.union(&by_second).cloned().collect();
    let lost: Vec<_> = keys.difference(&all).collect();
    assert!(lost.is_empty(), "{lost:?}\n{}", first.log());
    let deliveries = home.list("/api/v1/deliveries?channel=email-backup").await;
    assert!(deliveries.len() >= EVENTS / 2, "{}", deliveries.len());
    life.kill().await;
}
