//! The talk with a provider as it happens, for whoever watches an attempt: `foghorn test channel`.
//!
//! A channel says what it begins and what it hears, and does not know whether anybody watches: the
//! attempt that is watched is the one that the pool makes, and no other. What is said here is shown to
//! people, so a secret never is.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::LONGEST_DETAIL;
use crate::render::sanitize;

tokio::task_local! {
    static WATCHER: Talk;
}

/// One step of a talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was begun: `connect`, `AUTH`.
    pub name: &'static str,
    /// What was heard, cut and cleaned; the last of it.
    pub heard: Option<String>,
    /// From its beginning to the last that was heard, or to the next step.
    pub took: Duration,
}

/// What was said so far. Clones are of the same talk, so that it can be read when the attempt is
/// gone.
#[derive(Debug, Clone, Default)]
pub struct Talk(Arc<Mutex<Vec<Open>>>);

#[derive(Debug, Clone)]
struct Open {
    step: Step,
    begun: Instant,
}

impl Talk {
    /// Runs `attempt` and keeps what it says.
    pub async fn watch<F: Future>(&self, attempt: F) -> F::Output {
        WATCHER.scope(self.clone(), attempt).await
    }

    /// The steps, the first one first. The last one may not be over.
    pub fn steps(&self) -> Vec<Step> {
        self.lock().iter().map(|open| open.step.clone()).collect()
    }

    /// The same, when the attempt is over: a last step that heard nothing took until now.
    pub fn finished(&self) -> Vec<Step> {
        self.end();
        self.steps()
    }

    fn begin(&self, name: &'static str) {
        self.end();
        let step = Step { name, heard: None, took: Duration::ZERO };
        self.lock().push(Open { step, begun: Instant::now() });
    }

    /// A step that heard nothing took until now.
    fn end(&self) {
        if let Some(open) = self.lock().last_mut().filter(|open| open.step.heard.is_none()) {
            open.step.took = open.begun.elapsed();
        }
    }

    fn hear(&self, text: &str) {
        if let Some(open) = self.lock().last_mut() {
            open.step.heard = Some(sanitize::line(text, LONGEST_DETAIL).into_owned());
            open.step.took = open.begun.elapsed();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Open>> {
        // Whoever panicked left the list whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a step, and so ends the one before.
pub(super) fn begin(name: &'static str) {
    // Nobody watches, as a rule.
    let _ = WATCHER.try_with(|talk| talk.begin(name));
}

/// Notes what was heard in the step that was begun last. Never a secret.
pub(super) fn heard(text: &str) {
    let _ = WATCHER.try_with(|talk| talk.hear(text));
}

/// True if somebody wants to see a whole talk, from the connecting on.
pub(super) fn is_watched() -> bool {
    WATCHER.try_with(|_| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_watched_attempt_tells_its_steps_and_how_long_each_took() {
        let talk = Talk::default();
        let second = Duration::from_secs(1);
        talk.watch(async {
            assert!(is_watched());
            begin("connect");
            tokio::time::advance(second).await;
            begin("HELO");
            tokio::time::advance(2 * second).await;
            heard("250 hello\r\nthere");
            tokio::time::advance(second).await;
            begin("AUTH");
        })
        .await;
        let steps = talk.steps();
        let told: Vec<_> = steps.iter().map(|step| (step.name, step.heard.as_deref(), step.took)).collect();
        assert_eq!(
            told,
            [
                ("connect", None, second),
                ("HELO", Some("250 hello there"), 2 * second),
                ("AUTH", None, Duration::ZERO)
            ]
        );
    }

    #[test]
    fn an_attempt_that_nobody_watches_says_it_to_nobody() {
        begin("connect");
        heard("250");
        assert!(!is_watched());
    }
}
