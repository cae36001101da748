//! What an operator does to single deliveries: take one back before it is sent, or have it tried now.
//!
//! Decided on the rows as they stand in the transaction, so that an attempt and an operator who are
//! at it at the same moment have an order. Whatever is asked for twice is done once and answered alike.

use std::fmt;

use super::delivery::{DeliveryState, Target};
use super::event::Priority;
use super::ids::{DeliveryId, NotificationId};
use super::notification::NotificationKind;

/// What an operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// This delivery is not to be sent.
    Cancel(DeliveryId),
    /// None of this direct notification's deliveries is to be sent.
    CancelAll(NotificationId),
    /// One that waits is due now; one that is dead is repeated.
    Retry(DeliveryId),
}

/// A delivery as its row stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Which.
    pub id: DeliveryId,
    /// Where it stands.
    pub state: DeliveryState,
    /// To whom and how.
    pub target: Target,
    /// Why.
    pub kind: NotificationKind,
    /// The incident behind it.
    pub incident: Option<u64>,
    /// Which lane.
    pub priority: Priority,
    /// Of a dead one: what became of it since.
    pub afterlife: Afterlife,
}

/// What became of a dead delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterlife {
    /// It is a dead letter.
    Open,
    /// Somebody took it off the list.
    Discarded,
    /// This delivery repeats it.
    Repeated(DeliveryId),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// These are canceled.
    Cancel(Vec<DeliveryId>),
    /// This one is due now.
    Hurry(DeliveryId),
    /// This one is repeated.
    Repeat(DeliveryId),
    /// Nothing, and this is said.
    Nothing(Handled),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// These were changed: they are canceled, or due now.
    Done(Vec<DeliveryId>),
    /// It was so already.
    Already,
    /// This delivery repeats it, since now or since somebody asked before.
    Repeated(DeliveryId),
    /// It makes no sense as it stands.
    Refused(Refusal),
    /// There is no such delivery, or no such direct notification.
    NotFound,
}

/// Why it makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It stands here.
    Is(DeliveryState),
    /// It was dead, and somebody took it off the list.
    Discarded,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Is(DeliveryState::Sending) => "it is being sent at this moment",
            Self::Is(DeliveryState::Sent) => "it was sent",
            Self::Is(DeliveryState::Dead) => "it is dead, and nothing more is tried",
            Self::Is(DeliveryState::Expired) => "its time ran out",
            Self::Is(DeliveryState::Canceled) => "it was canceled",
            Self::Is(DeliveryState::Pending | DeliveryState::Retrying) => "it waits",
            Self::Discarded => "it was discarded",
        })
    }
}

/// What `wish` means for what it is about.
pub fn decide(wish: Handling, found: &[Standing]) -> Deed {
    let Some(first) = found.first() else { return Deed::Nothing(Handled::NotFound) };
    match wish {
        Handling::Cancel(_) | Handling::CancelAll(_) => cancel(found),
        Handling::Retry(_) => retry(first),
    }
}

/// Those that wait; what has left has left.
fn cancel(found: &[Standing]) -> Deed {
    let waiting: Vec<DeliveryId> = found.iter().filter(|one| one.waits()).map(|one| one.id).collect();
    if !waiting.is_empty() {
        return Deed::Cancel(waiting);
    }
    let left = found.iter().find(|one| one.state != DeliveryState::Canceled);
    Deed::Nothing(match left {
        Some(one) => Handled::Refused(Refusal::Is(one.state)),
        None => Handled::Already,
    })
}

fn retry(one: &Standing) -> Deed {
    match (one.state, one.afterlife) {
        (DeliveryState::Pending | DeliveryState::Retrying, _) => Deed::Hurry(one.id),
        (DeliveryState::Dead, Afterlife::Open) => Deed::Repeat(one.id),
        (DeliveryState::Dead, Afterlife::Repeated(child)) => Deed::Nothing(Handled::Repeated(child)),
        (DeliveryState::Dead, Afterlife::Discarded) => Deed::Nothing(Handled::Refused(Refusal::Discarded)),
        (state, _) => Deed::Nothing(Handled::Refused(Refusal::Is(state))),
    }
}

impl Standing {
    fn waits(&self) -> bool {
        matches!(self.state, DeliveryState::Pending | DeliveryState::Retrying)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use DeliveryState as Is;

    fn one(n: u128, state: DeliveryState, afterlife: Afterlife) -> Standing {
        Standing {
            id: id(n),
            state,
            target: Target { recipient: "ada".into(), channel: "email".into(), address: "a@b.c".into() },
            kind: NotificationKind::Direct,
            incident: None,
            priority: Priority::Normal,
            afterlife,
        }
    }

    fn id(n: u128) -> DeliveryId {
        DeliveryId::new(Timestamp::UNIX_EPOCH, n)
    }

    #[test]
    fn what_waits_is_canceled_and_what_has_left_is_not() {
        for state in Is::ALL {
            let deed = decide(Handling::Cancel(id(1)), &[one(1, state, Afterlife::Open)]);
            let wanted = match state {
                Is::Pending | Is::Retrying => Deed::Cancel(vec![id(1)]),
                Is::Canceled => Deed::Nothing(Handled::Already),
                other => Deed::Nothing(Handled::Refused(Refusal::Is(other))),
            };
            assert_eq!(deed, wanted, "{state}");
        }
        assert_eq!(decide(Handling::Cancel(id(1)), &[]), Deed::Nothing(Handled::NotFound));
    }

    #[test]
    fn of_a_notification_those_that_wait_are_canceled_whatever_became_of_the_others() {
        let all = NotificationId::new(Timestamp::UNIX_EPOCH, 1);
        let of = |states: &[DeliveryState]| {
            let found: Vec<Standing> =
                states.iter().zip(1..).map(|(state, n)| one(n, *state, Afterlife::Open)).collect();
            decide(Handling::CancelAll(all), &found)
        };
        assert_eq!(
            of(&[Is::Sent, Is::Pending, Is::Canceled, Is::Retrying]),
            Deed::Cancel(vec![id(2), id(4)])
        );
        assert_eq!(of(&[Is::Canceled, Is::Canceled]), Deed::Nothing(Handled::Already));
        assert_eq!(of(&[Is::Canceled, Is::Sent]), Deed::Nothing(Handled::Refused(Refusal::Is(Is::Sent))));
    }

    #[test]
    fn what_waits_is_due_now_and_what_is_dead_is_repeated_once() {
        for state in Is::ALL {
            let deed = decide(Handling::Retry(id(1)), &[one(1, state, Afterlife::Open)]);
            let wanted = match state {
                Is::Pending | Is::Retrying => Deed::Hurry(id(1)),
                Is::Dead => Deed::Repeat(id(1)),
                other => Deed::Nothing(Handled::Refused(Refusal::Is(other))),
            };
            assert_eq!(deed, wanted, "{state}");
        }
        let again = one(1, Is::Dead, Afterlife::Repeated(id(2)));
        assert_eq!(decide(Handling::Retry(id(1)), &[again]), Deed::Nothing(Handled::Repeated(id(2))));
        let gone = one(1, Is::Dead, Afterlife::Discarded);
        let refused = Deed::Nothing(Handled::Refused(Refusal::Discarded));
        assert_eq!(decide(Handling::Retry(id(1)), &[gone]), refused);
    }
}
