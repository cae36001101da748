//! What is known against addresses.

use foghorn::domain::ids::{DeliveryId, SuppressionId};
use foghorn::domain::receipt::{Receipt, ReceiptKind};
use foghorn::domain::suppression::{AddressChange, Mark, Suppression};

use foghorn::store::batch::Batch;

use crate::support::said::{after, open};
use crate::support::stores::Subject;

super::laws!(
    each_delivery_that_hears_of_it_is_one_strike,
    what_gets_through_or_is_lifted_is_forgotten,
    what_came_back_is_not_forgotten_because_the_next_one_left,
    addresses_outlive_the_process,
);

fn marked(address: &str, mark: Mark, delivery: u128, second: i64) -> Suppression {
    Suppression {
        id: SuppressionId::new(after(second), delivery),
        channel: "ios".into(),
        address: address.into(),
        recipient: "ada".into(),
        mark,
        strikes: 1,
        code: "410 Unregistered".to_owned(),
        detail: "no such device".to_owned(),
        delivery: DeliveryId::new(after(0), delivery),
        since: after(second),
        last_at: after(second),
    }
}

async fn change(subject: &Subject, changes: Vec<AddressChange>) {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.addresses = changes).await;
}

async fn known(subject: &Subject) -> Vec<Suppression> {
    subject.store.suppressions().await.unwrap()
}

async fn each_delivery_that_hears_of_it_is_one_strike(subject: Subject) {
    assert_eq!(known(&subject).await, []);
    let first = marked("token", Mark::Suspect, 1, 1);
    change(&subject, vec![AddressChange::Marked(first.clone())]).await;
    assert_eq!(known(&subject).await, std::slice::from_ref(&first));
    // The same delivery again, and then another one, whose word is the last.
    let second = marked("token", Mark::Gone, 2, 2);
    let again = vec![AddressChange::Marked(first.clone()), AddressChange::Marked(second.clone())];
    change(&subject, again).await;
    let expected = Suppression { id: first.id, since: first.since, strikes: 2, ..second };
    assert_eq!(known(&subject).await, [expected]);
}

async fn what_gets_through_or_is_lifted_is_forgotten(subject: Subject) {
    let all: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .zip(1..)
        .map(|(address, n)| marked(address, Mark::Gone, n, i64::try_from(n).unwrap()))
        .collect();
    change(&subject, all.iter().cloned().map(AddressChange::Marked).collect()).await;
    let newest_first: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(known(&subject).await, newest_first);
    let changes = vec![
        AddressChange::Reached("ios".into(), "a".into()),
        AddressChange::Reached("android".into(), "b".into()),
        AddressChange::Lifted(all[2].id),
        AddressChange::Lifted(SuppressionId::new(after(9), 9)),
    ];
    change(&subject, changes).await;
    assert_eq!(known(&subject).await, &all[1..2]);
}

/// A relay takes every mail: what it sends back later counts all the same, but a device's answer does not.
async fn what_came_back_is_not_forgotten_because_the_next_one_left(subject: Subject) {
    let lease = subject.lease().await;
    let accept = |batch: &mut Batch| {
        batch.accepts.push(open(1).accept());
        batch.grants.insert("email".into(), 1);
    };
    let sent = subject.commit(&lease, accept).await.started[0].id;
    for (kind, left) in [(ReceiptKind::Bounced, 1), (ReceiptKind::Delivered, 1)] {
        let one = Suppression { delivery: sent, ..marked("mailbox", Mark::Gone, 1, 1) };
        let receipt =
            Receipt { delivery: sent, kind, code: String::new(), detail: String::new(), at: after(2) };
        subject
            .commit(&lease, |batch| {
                batch.receipts.push(receipt);
                batch.addresses = vec![
                    AddressChange::Marked(one),
                    AddressChange::Marked(marked("token", Mark::Gone, 2, 2)),
                ];
            })
            .await;
        let reached = ["mailbox", "token"].map(|one| AddressChange::Reached("ios".into(), one.into()));
        subject.commit(&lease, |batch| batch.addresses = reached.to_vec()).await;
        let left_over: Vec<_> = known(&subject).await.into_iter().map(|one| one.address).collect();
        assert_eq!(left_over, vec!["mailbox".into(); left], "{kind:?}: the first word about it counts");
    }
}

async fn addresses_outlive_the_process(mut subject: Subject) {
    let one = marked("token", Mark::OptedOut, 1, 1);
    change(&subject, vec![AddressChange::Marked(one.clone())]).await;
    subject.reopen().await;
    assert_eq!(known(&subject).await, [one]);
}
