//! The words that may stand in a label. A closed list each, so that the number of series is known
//! at the start and every one of them exists at 0.

use std::fmt;

use crate::domain::fault::{Fault, Outcome};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word in the label.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(
    /// What kind of actor. Series are by kind and not by actor, so that a pool of 64 workers is one.
    ActorKind {
        /// The root.
        Supervisor = "supervisor",
        /// Reads a topic, or takes requests.
        Ingest = "ingest",
        /// Plans who hears.
        Router = "router",
        /// The single writer.
        Status = "status",
        /// Looks after dead letters.
        Dlq = "dlq",
        /// Finds forgotten rows.
        Sweeper = "sweeper",
        /// Runs the deliveries of a channel.
        Pool = "pool",
        /// Makes attempts.
        Worker = "worker",
        /// Hands events out to a sink.
        Publisher = "publisher",
    }
);

words!(
    /// In which alphabet a text message travelled.
    SmsEncoding {
        /// 160 characters in a part.
        Gsm7 = "gsm7",
        /// 70 units in a part.
        Ucs2 = "ucs2",
    }
);

words!(
    /// What became of a heartbeat.
    HeartbeatResult {
        /// It arrived.
        Sent = "sent",
        /// It did not.
        Failed = "failed",
    }
);

words!(
    /// What became of a record.
    EventResult {
        /// It is a new event, and stored.
        Accepted = "accepted",
        /// It was known.
        Duplicate = "duplicate",
        /// It is no event, and in quarantine.
        Rejected = "rejected",
        /// A rule of its mapper lets it go.
        Ignored = "ignored",
    }
);

words!(
    /// How an attempt ended, told by what follows.
    AttemptOutcome {
        /// The provider accepted.
        Ok = "ok",
        /// It failed and may be tried again.
        Retryable = "retryable",
        /// It failed for good.
        Permanent = "permanent",
        /// It has to wait; the attempt does not count.
        Throttled = "throttled",
    }
);

impl AttemptOutcome {
    /// The word for this outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Sent(_) => Self::Ok,
            Outcome::Crashed(_) => Self::Retryable,
            Outcome::Failed(failure) => match failure.fault {
                Fault::Permanent(_) => Self::Permanent,
                Fault::Transient(_) | Fault::Unknown => Self::Retryable,
                Fault::Throttled { .. } | Fault::Misconfigured => Self::Throttled,
            },
        }
    }
}

words!(
    /// Who changed an incident.
    ChangedBy {
        /// An event.
        Source = "source",
        /// Somebody.
        Person = "person",
        /// Time passed.
        Timer = "timer",
    }
);

words!(
    /// What came of offering an event to a sink.
    HandedOver {
        /// The sink has it.
        Taken = "taken",
        /// The sink does not want it; it is offered again.
        Refused = "refused",
        /// The sink did not want it for too long.
        GivenUp = "given_up",
        /// The sink could not be had.
        Away = "away",
    }
);

words!(
    /// What is dead.
    DeadLetterKind {
        /// A delivery that ran out.
        Delivery = "delivery",
        /// A record that is no event.
        Event = "event",
    }
);

words!(
    /// What came of a wish to repeat a dead letter.
    DeadLetterRetry {
        /// There is a new delivery.
        Repeated = "repeated",
        /// There was nothing to repeat.
        Refused = "refused",
    }
);

words!(
    /// What a batch of the store is made of.
    BatchKind {
        /// Events.
        Accepts = "accepts",
        /// Outcomes of attempts.
        Attempts = "attempts",
        /// Records that are no events.
        Quarantined = "quarantined",
        /// Dead letters to repeat.
        Replays = "replays",
        /// Wishes for waiting deliveries.
        Claims = "claims",
    }
);

words!(
    /// What the store was asked.
    StoreOperation {
        /// To write a batch.
        Commit = "commit",
        /// To start a new life of this node.
        Lease = "lease",
        /// What is due next.
        NextDue = "next_due",
        /// How much waits.
        Backlog = "backlog",
        /// A page of a list.
        List = "list",
        /// One row, or what belongs to it.
        Show = "show",
        /// Whether it is well.
        Check = "check",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Failure;

    #[test]
    fn every_fault_has_one_outcome() {
        let outcome = |fault| {
            AttemptOutcome::of(&Outcome::Failed(Failure {
                fault,
                code: String::new(),
                detail: String::new(),
            }))
            .as_str()
        };
        let seen: Vec<_> = Fault::ALL.into_iter().map(|fault| (fault.label(), outcome(fault))).collect();
        assert_eq!(
            seen,
            [
                ("recipient_gone", "permanent"),
                ("recipient_suspect", "permanent"),
                ("opted_out", "permanent"),
                ("refused", "permanent"),
                ("unacceptable", "permanent"),
                ("timeout", "retryable"),
                ("unreachable", "retryable"),
                ("unavailable", "retryable"),
                ("deferred", "retryable"),
                ("recipient_throttled", "throttled"),
                ("throttled", "throttled"),
                ("misconfigured", "throttled"),
                ("unknown", "retryable"),
            ]
        );
    }
}
