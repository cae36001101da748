//! A delivery that never works ends as a dead letter, and can be repeated once.

use foghorn::domain::delivery::{DeliveryState, Repeat};
use foghorn::domain::ids::DeliveryId;
use foghorn::domain::retry::RetryPolicy;
use foghorn::messages::dlq::DlqMessage;

use crate::support::scripted_channel::Step;
use crate::support::universe::{Draft, Universe};

#[tokio::test(start_paused = true)]
async fn a_spent_delivery_is_dead_and_a_replay_makes_a_new_one_once() {
    let retry = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    let script = vec![Step::TRANSIENT; 3];
    let universe = Universe::draft(Draft { script, retry, ..Draft::default() }).await;
    universe.push("disk");
    let dead = universe.until_ended(1).await;
    assert_eq!((dead[0].state, dead[0].attempts), (DeliveryState::Dead, 3));
    assert_eq!(dead[0].reason.as_deref(), Some("exhausted"));

    let dlq = universe.foghorn.peers().borrow().dlq.clone().unwrap();
    let replay = |ids: Vec<DeliveryId>| {
        let repeats = ids.into_iter().map(Repeat::from).collect();
        dlq.ask(|reply| DlqMessage::Retry { repeats, reply }, std::time::Duration::from_secs(5))
    };
    let first = replay(vec![dead[0].id]).await.unwrap();
    let again = replay(vec![dead[0].id]).await.unwrap();
    assert!(first[0].is_some(), "there is a new delivery");
    assert_eq!(again, [None], "and only one");

    let ended = universe.until_ended(2).await;
    let child = ended.iter().find(|delivery| Some(delivery.id) == first[0]).unwrap();
    assert_eq!((child.state, child.replay_of), (DeliveryState::Sent, Some(dead[0].id)));
}
