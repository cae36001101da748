//! What follows from what a sink of events out did with each of them: whether it is gone, is offered
//! again, or is given up. The order of what is about the same thing stands whatever happens.

use std::time::Duration;

use super::Timestamp;
use super::outgoing::Parcel;
use super::retry::{doubled, later};

/// What a sink did with one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// It has it.
    Taken,
    /// It does not want this one, as it is now.
    Refused(String),
    /// It cannot be had, whatever the event; perhaps it said when to come back.
    Away(String, Option<Duration>),
}

/// What follows from what a sink did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handed {
    /// The numbers of those that need not wait any more.
    pub done: Vec<i64>,
    /// Of those, how many the sink refused until it was too late.
    pub given_up: usize,
    /// Those to be offered again, and when.
    pub refused: Vec<(i64, Timestamp)>,
    /// Why the last one was refused.
    pub why: Option<String>,
    /// The sink is away: why, and how long it wants to be left alone.
    pub away: Option<(String, Option<Duration>)>,
}

/// The first wait of an event that was refused; it doubles.
const FIRST_REFUSAL: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST_REFUSAL: Duration = Duration::from_secs(900);
/// One that is refused for so long is given up: else it would hold up all that is about the same thing.
const GIVE_UP_AFTER: Duration = Duration::from_secs(86_400);

/// Judges what a sink did with `parcels`, one after the other. What it took although something earlier
/// about the same thing was not taken is offered again after that, so that the order stands.
pub fn judge(parcels: &[Parcel], takings: &[Taking], now: Timestamp) -> Handed {
    let mut handed = Handed::default();
    let mut held: Vec<&str> = Vec::new();
    for (parcel, taking) in parcels.iter().zip(takings) {
        let about = parcel.outgoing.about.as_str();
        if held.contains(&about) {
            continue;
        }
        match taking {
            Taking::Taken => handed.done.push(parcel.number),
            Taking::Away(why, wait) => {
                held.push(about);
                handed.away.get_or_insert_with(|| (why.clone(), *wait));
            }
            Taking::Refused(why) => {
                handed.why = Some(why.clone());
                let age = Duration::try_from(now.duration_since(parcel.created_at)).unwrap_or_default();
                if age >= GIVE_UP_AFTER {
                    handed.given_up += 1;
                    handed.done.push(parcel.number);
                } else {
                    held.push(about);
                    let wait = doubled(FIRST_REFUSAL, parcel.attempts, LONGEST_REFUSAL);
                    handed.refused.push((parcel.number, later(now, wait)));
                }
            }
        }
    }
    handed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outgoing::Outgoing;

    fn parcel(number: i64, about: &str) -> Parcel {
        let outgoing = Outgoing {
            sink: "bus".into(),
            id: number.to_string(),
            kind: "io.foghorn.incident.opened".to_owned(),
            about: about.to_owned(),
            payload: "{}".to_owned(),
        };
        Parcel { number, outgoing, created_at: Timestamp::UNIX_EPOCH, attempts: 0 }
    }

    #[test]
    fn what_follows_something_that_was_not_taken_waits_behind_it_and_the_rest_does_not() {
        let parcels = [parcel(1, "a"), parcel(2, "b"), parcel(3, "a"), parcel(4, "c")];
        let refused = || Taking::Refused("no".to_owned());
        let handed =
            judge(&parcels, &[refused(), Taking::Taken, Taking::Taken, Taking::Taken], Timestamp::UNIX_EPOCH);
        assert_eq!(handed.done, [2, 4]);
        assert_eq!(handed.refused, [(1, Timestamp::from_second(5).expect("a time"))]);
        assert_eq!(handed.away, None);
        let away = Taking::Away("gone".to_owned(), None);
        let handed = judge(&parcels, &[Taking::Taken, away], Timestamp::UNIX_EPOCH);
        assert_eq!((handed.done, handed.refused.len()), (vec![1], 0));
        assert!(handed.away.is_some());
    }

    #[test]
    fn what_is_refused_for_a_day_is_given_up() {
        let late = Timestamp::from_second(86_400).expect("a time");
        let handed =
            judge(&[parcel(1, "a"), parcel(2, "a")], &[Taking::Refused(String::new()), Taking::Taken], late);
        assert_eq!((handed.done, handed.given_up), (vec![1, 2], 1));
    }
}
