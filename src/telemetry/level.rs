//! The log level of the running process: what the configuration says, unless somebody wants to hear
//! more for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::{EnvFilter, Registry, reload};

use super::logs::{LevelError, filter};

/// What the log lets through, and what it usually does.
struct Switch {
    handle: reload::Handle<EnvFilter, Registry>,
    /// What the configuration says.
    usual: String,
    /// What is let through now.
    now: String,
    /// Grows with each change: a timer of an earlier one means nothing any more.
    turn: u64,
}

static SWITCH: Mutex<Option<Switch>> = Mutex::new(None);

/// The level now, and the configured one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// What is let through.
    pub now: String,
    /// What the configuration says.
    pub usual: String,
}

/// Why a level was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// It is none.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// Nobody logs, or somebody else does.
    #[error("this process does not write a log of its own")]
    NoLog,
}

fn switch() -> MutexGuard<'static, Option<Switch>> {
    // Plain assignments cannot panic half-way.
    SWITCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The filter of `level`, which can be another one later.
pub(super) fn adjustable(level: &str) -> Result<reload::Layer<EnvFilter, Registry>, LevelError> {
    let (layer, handle) = reload::Layer::new(filter(level)?);
    *switch() = Some(Switch { handle, usual: level.to_owned(), now: level.to_owned(), turn: 0 });
    Ok(layer)
}

/// Makes `level` the configured one, at once.
///
/// # Errors
/// It is no level, or there is no log.
pub fn configure(level: &str) -> Result<(), SetError> {
    let mut switch = switch();
    let switch = switch.as_mut().ok_or(SetError::NoLog)?;
    switch.usual = level.to_owned();
    switch.set(level)
}

/// Logs at `level`, until somebody sets another or, if there is a `time`, until it is over. Has to be
/// called inside a runtime if there is one.
///
/// # Errors
/// It is no level, or there is no log.
pub fn set(level: &str, time: Option<Duration>) -> Result<Levels, SetError> {
    let mut guard = switch();
    let switch = guard.as_mut().ok_or(SetError::NoLog)?;
    switch.set(level)?;
    if let Some(time) = time {
        let turn = switch.turn;
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            back_to_usual(turn);
        });
    }
    Ok(Levels { now: switch.now.clone(), usual: switch.usual.clone() })
}

/// What is let through.
pub fn levels() -> Option<Levels> {
    let switch = switch();
    switch.as_ref().map(|switch| Levels { now: switch.now.clone(), usual: switch.usual.clone() })
}

fn back_to_usual(turn: u64) {
    let mut guard = switch();
    let Some(switch) = guard.as_mut().filter(|switch| switch.turn == turn) else {
        return;
    };
    let usual = switch.usual.clone();
    let done = switch.set(&usual);
    drop(guard);
    if let Ok(()) = done {
        tracing::info!(log_level = usual, "log level is as configured again");
    }
}

impl Switch {
    fn set(&mut self, level: &str) -> Result<(), SetError> {
        let filter = filter(level)?;
        self.handle.reload(filter).map_err(|_| SetError::NoLog)?;
        self.turn += 1;
        level.clone_into(&mut self.now);
        Ok(())
    }
}
