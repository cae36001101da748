//! `Idempotency-Key`: a request that is sent again is done once, and answered with the first answer.
//!
//! Whoever comes first *claims* the key, in a row, so that one of many wins on whatever node. The row gets
//! the answer, and is forgotten when `[store.retention] idempotency_keys` is over. A claim whose owner died without an answer is
//! free again after a while.

use super::Timestamp;

/// Who asked, and the key that they chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Keys of different callers have nothing to do with each other.
    pub caller: String,
    /// The header.
    pub key: String,
}

/// A wish to be the one who does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Of what.
    pub key: Key,
    /// Who claims: different for each request.
    pub by: String,
    /// Tells this request from others with the same key.
    pub fingerprint: String,
    /// When.
    pub at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// Claims without an answer that were begun before this are given up.
    pub stale_before: Timestamp,
}

/// An answer that is given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `Content-Type`
    pub content_type: String,
    /// `Location`, or empty.
    pub location: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// A key that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who claimed it.
    pub by: String,
    /// For what.
    pub fingerprint: String,
    /// What came of it; `None` while it runs.
    pub answer: Option<Answer>,
}

/// What becomes of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// Somebody would do it; the first one counts. What is past is forgotten.
    Claimed(Claim),
    /// Whoever claimed it is done.
    Answered {
        /// Which.
        key: Key,
        /// Who claimed it; an answer of anybody else changes nothing.
        by: String,
        /// What to say from now on.
        answer: Answer,
    },
    /// Whoever claimed it has failed: it may be tried again.
    Released {
        /// Which.
        key: Key,
        /// Who claimed it.
        by: String,
    },
}

/// What somebody with a key is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The work itself.
    Do,
    /// Nothing: this was the answer.
    Repeat(Answer),
    /// Nothing yet: somebody else does it.
    Wait,
    /// Nothing: the key was for another request.
    Refuse,
}

/// What `by` is to do about a request with this fingerprint. `known` is what is known after the claim.
pub fn judge(known: Option<Known>, by: &str, fingerprint: &str) -> Verdict {
    match known {
        Some(known) if known.fingerprint != fingerprint => Verdict::Refuse,
        Some(Known { answer: Some(answer), .. }) => Verdict::Repeat(answer),
        Some(known) if known.by == by => Verdict::Do,
        // Whoever had it has just let it go: to be asked again.
        _ => Verdict::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_does_it_the_same_is_repeated_and_another_is_refused() {
        let answer =
            Answer { status: 202, content_type: String::new(), location: String::new(), body: vec![1] };
        let known = |by: &str, answer: Option<&Answer>| {
            Some(Known { by: by.to_owned(), fingerprint: "f".to_owned(), answer: answer.cloned() })
        };
        assert_eq!(judge(known("me", None), "me", "f"), Verdict::Do);
        assert_eq!(judge(known("you", None), "me", "f"), Verdict::Wait);
        assert_eq!(judge(known("you", Some(&answer)), "me", "f"), Verdict::Repeat(answer.clone()));
        assert_eq!(judge(known("me", None), "me", "other"), Verdict::Refuse);
        assert_eq!(judge(known("you", Some(&answer)), "me", "other"), Verdict::Refuse);
        assert_eq!(judge(None, "me", "f"), Verdict::Wait);
    }
}
