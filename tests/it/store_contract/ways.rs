//! Which ways are shut, and what becomes of deliveries whose channel is gone.

use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::way::{Flow, FlowChange, Paused, Way};

use crate::support::said::{after, all, claim, of_state, open};
use crate::support::stores::Subject;

super::laws!(
    a_pause_is_on_record_until_it_is_over,
    pausing_twice_is_pausing_once,
    pauses_outlive_the_process,
    what_nobody_sends_any_more_expires_when_it_is_too_late,
);

fn email() -> Way {
    Way::Channel("email".into())
}

fn kafka() -> Way {
    Way::Source("kafka".into())
}

async fn change(subject: &Subject, changes: &[(Way, Flow)]) {
    let lease = subject.lease().await;
    let changes = changes.iter().map(|(way, flow)| FlowChange { way: way.clone(), flow: *flow });
    subject.commit(&lease, |batch| batch.flows.extend(changes)).await;
}

async fn paused(subject: &Subject) -> Paused {
    subject.store.paused().await.unwrap()
}

async fn a_pause_is_on_record_until_it_is_over(subject: Subject) {
    assert_eq!(paused(&subject).await, Paused::new());
    change(&subject, &[(email(), Flow::Paused), (kafka(), Flow::Paused)]).await;
    assert_eq!(paused(&subject).await, Paused::from([email(), kafka()]));
    change(&subject, &[(email(), Flow::Running)]).await;
    assert_eq!(paused(&subject).await, Paused::from([kafka()]));
}

async fn pausing_twice_is_pausing_once(subject: Subject) {
    let changes = [(email(), Flow::Paused), (email(), Flow::Paused), (kafka(), Flow::Running)];
    change(&subject, &changes).await;
    change(&subject, &changes).await;
    assert_eq!(paused(&subject).await, Paused::from([email()]));
    change(&subject, &[(email(), Flow::Paused), (email(), Flow::Running)]).await;
    assert_eq!(paused(&subject).await, Paused::new(), "the last word counts");
}

async fn pauses_outlive_the_process(mut subject: Subject) {
    change(&subject, &[(email(), Flow::Paused)]).await;
    subject.reopen().await;
    assert_eq!(paused(&subject).await, Paused::from([email()]));
}

async fn what_nobody_sends_any_more_expires_when_it_is_too_late(subject: Subject) {
    let lease = subject.lease().await;
    let told = [
        open(1).to(&["pager:ada@x"]).expires(after(10)).direct(),
        open(2).to(&["pager:ada@x"]).expires(after(11)).direct(),
        open(3).to(&["email:ada@x"]).expires(after(10)).direct(),
    ];
    subject.commit(&lease, |batch| batch.accepts.extend(told)).await;
    subject.commit_at(&lease, after(10), |batch| batch.abandoned.push("pager".into())).await;
    let expired = subject.store.deliveries(&of_state(DeliveryState::Expired), &all()).await.unwrap().data;
    assert_eq!(expired.len(), 1, "one of the channel's two, and none of another channel");
    assert_eq!((expired[0].channel.as_str(), expired[0].expires_at), ("pager", after(10)));
    let claimed = subject.commit_at(&lease, after(10), |batch| batch.claims.push(claim("pager", 5))).await;
    assert_eq!(claimed.claimed[0].jobs.len(), 1, "should it come back in time");
}
