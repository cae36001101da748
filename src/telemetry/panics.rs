//! A panic is one log line: with the name of the actor if one was at work, with the place always.
//!
//! The supervisor of an actor that died says that it is started again and does not repeat why.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::future::Future;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Once};

use tracing::subscriber::NoSubscriber;

tokio::task_local! {
    static ACTOR: Arc<str>;
}

/// Runs `work` as `actor`: if it panics, the log line says who it was.
pub async fn while_handling<F: Future>(actor: Arc<str>, work: F) -> F::Output {
    ACTOR.scope(actor, work).await
}

/// From now on panics go to the log. Where there is no log, they are printed as before. Again and
/// again is the same as once.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if tracing::dispatcher::get_default(|log| log.is::<NoSubscriber>()) {
                before(info);
            } else {
                log(info);
            }
        }));
    });
}

fn log(info: &PanicHookInfo<'_>) {
    let actor = ACTOR.try_with(Arc::clone).ok();
    let panic = info.payload_as_str().unwrap_or("a panic without words");
    let at = info.location().map(ToString::to_string);
    let thread = std::thread::current();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    match actor {
        Some(actor) => tracing::error!(actor = &*actor, panic, at, backtrace, "actor panicked"),
        None => tracing::error!(thread = thread.name(), panic, at, backtrace, "panic"),
    }
}
