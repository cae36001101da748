//! One line on stderr for each event: coloured on a terminal, one JSON object otherwise.
//!
//! The message is a constant string that can be searched for; everything that varies is a field.
//! Fields of the spans around an event are added to it. Whatever a field holds, a line stays one
//! line: control characters are escaped, and long text is cut. Lines that repeat themselves are
//! counted, see `folding`.

use std::io::{IsTerminal, Stderr, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::folding::{Fate, Folds, Repeated, WINDOW};
use super::lines::{Fields, Line};
use super::{level, panics};

/// `[telemetry.logs] format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `pretty` on a terminal, `json` otherwise.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// `[telemetry.logs] level` is neither a level nor a list of `target=level`.
#[derive(Debug, thiserror::Error)]
#[error("\"{level}\" is no log level: write error, warn, info, debug or trace, or target=level,…")]
pub struct LevelError {
    level: String,
}

/// Starts logging, and makes panics log lines. The first call decides; later ones change nothing.
///
/// A plain level is Foghorn's own; libraries speak from `warn` up. `target=level,…` says it all.
///
/// # Errors
/// `level` cannot be understood.
pub fn init(level: &str, format: LogFormat) -> Result<(), LevelError> {
    check_level(level)?;
    LOG.get_or_init(|| {
        let lines = Lines::new(Style::of(format), std::io::stderr as ToStderr);
        let counts = Arc::clone(&lines.0);
        let Ok(filter) = level::adjustable(level) else { return counts };
        let log = tracing_subscriber::registry().with(filter).with(lines);
        // In tests somebody else may listen already.
        let _ = tracing::subscriber::set_global_default(log);
        panics::install();
        // Without this thread a count is written when something else is said.
        let ticking = Arc::clone(&counts);
        drop(thread::Builder::new().name("log-counts".to_owned()).spawn(move || ticking.tick()));
        counts
    });
    Ok(())
}

/// The log of the process.
static LOG: OnceLock<Arc<Log<ToStderr>>> = OnceLock::new();

type ToStderr = fn() -> Stderr;

/// Writes what was only counted so far. For the end of the process.
pub fn finish() {
    if let Some(log) = LOG.get() {
        let counts = log.folds().all();
        log.tell(counts, now());
    }
}

/// Checks a level without starting anything.
///
/// # Errors
/// `level` cannot be understood.
pub fn check_level(level: &str) -> Result<(), LevelError> {
    filter(level).map(drop)
}

pub(super) fn filter(level: &str) -> Result<EnvFilter, LevelError> {
    let no_level = || LevelError { level: level.to_owned() };
    let directives = match level.parse::<Level>() {
        Ok(own) if level.parse::<u8>().is_err() => format!("{},foghorn={own}", own.min(Level::WARN)),
        _ if level.contains('=') => level.to_owned(),
        _ => return Err(no_level()),
    };
    EnvFilter::try_new(directives).map_err(|_| no_level())
}

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Json,
    Plain,
    Coloured,
}

impl Style {
    fn of(format: LogFormat) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let coloured = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match format {
            LogFormat::Json => Self::Json,
            LogFormat::Auto if !terminal => Self::Json,
            LogFormat::Auto | LogFormat::Pretty if coloured => Self::Coloured,
            LogFormat::Auto | LogFormat::Pretty => Self::Plain,
        }
    }
}

/// Makes lines of events.
struct Lines<Out>(Arc<Log<Out>>);

/// Where lines go.
struct Log<Out> {
    style: Style,
    out: Out,
    folds: Mutex<Folds>,
}

/// How often it is looked whether a count is due.
const TICK: Duration = Duration::from_secs(1);

impl<Out, W> Lines<Out>
where
    Out: Fn() -> W,
    W: Write,
{
    fn new(style: Style, out: Out) -> Self {
        Self(Arc::new(Log { style, out, folds: Mutex::default() }))
    }
}

impl<Out, W> Log<Out>
where
    Out: Fn() -> W,
    W: Write,
{
    /// A panic between two counts leaves them as they were.
    fn folds(&self) -> std::sync::MutexGuard<'_, Folds> {
        self.folds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        loop {
            thread::park_timeout(TICK);
            let due = self.folds().due(now());
            self.tell(due, now());
        }
    }

    fn tell(&self, counts: Vec<Repeated>, at: Timestamp) {
        for Repeated { level, target, fields, times } in counts {
            let repeated = Some((times, WINDOW.as_secs()));
            self.write(&Line { at, level, target, fields: &fields, repeated });
        }
    }

    fn write(&self, line: &Line<'_>) {
        let text = match self.style {
            Style::Json => line.json(),
            Style::Plain => line.pretty(&TimeZone::system(), false),
            Style::Coloured => line.pretty(&TimeZone::system(), true),
        };
        // There is nowhere to complain that the log cannot be written.
        let _ = (self.out)().write_all(text.as_bytes());
    }
}

impl<S, Out, W> Layer<S> for Lines<Out>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    Out: Fn() -> W + 'static,
    W: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.inherit(outer);
            }
        }
        let (at, level, target) = (now(), *event.metadata().level(), event.metadata().target());
        let (due, fate) = {
            let mut folds = self.0.folds();
            (folds.due(at), folds.judge(level, target, &fields, at))
        };
        self.0.tell(due, at);
        if fate == Fate::Written {
            self.0.write(&Line { at, level, target, fields: &fields, repeated: None });
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a log line says when it was written; nothing is decided by it"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::FutureExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(work: impl FnOnce()) -> Vec<serde_json::Value> {
        let written = Written::default();
        let out = written.clone();
        let lines = Lines::new(Style::Json, move || out.clone());
        let log = Arc::clone(&lines.0);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        let counts = log.folds().all();
        log.tell(counts, now());
        let bytes = written.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
    }

    #[test]
    fn an_event_is_one_flat_object_with_the_fields_of_its_spans() {
        let lines = logged(|| {
            let outer = tracing::info_span!("outer", incident = 1042, channel = "lost");
            let _outer = outer.enter();
            let inner = tracing::info_span!("inner", to = tracing::field::Empty);
            inner.record("to", "+1555***11");
            let _inner = inner.enter();
            tracing::info!(channel = "sms", took_ms = 1104_u64, "delivery sent");
        });
        let [line] = lines.as_slice() else { panic!("one line, not {lines:?}") };
        assert!(line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z')), "{line}");
        assert_eq!(line["level"], "info");
        assert_eq!(line["msg"], "delivery sent");
        assert_eq!(line["incident"], 1042);
        assert_eq!(line["channel"], "sms", "the event wins over its spans");
        assert_eq!(line["to"], "+1555***11");
        assert_eq!(line["took_ms"], 1104);
    }

    #[test]
    fn what_repeats_itself_is_one_line_and_a_count_for_each_who_says_it() {
        let lines = logged(|| {
            for number in 0..313 {
                tracing::warn!(channel = "sms", attempt = number, "delivery is dead");
            }
            tracing::warn!(channel = "email", attempt = 1, "delivery is dead");
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!((&lines[0]["attempt"], &lines[0]["repeated"]), (&0.into(), &serde_json::Value::Null));
        assert_eq!(lines[1]["channel"], "email");
        let count = &lines[2];
        assert_eq!((&count["msg"], &count["channel"]), (&"delivery is dead".into(), &"sms".into()));
        assert_eq!((&count["repeated"], &count["in_s"]), (&312.into(), &10.into()));
        assert!(count.get("attempt").is_none(), "it is about all of them: {count}");
    }

    #[test]
    fn hostile_text_stays_on_its_line() {
        let lines =
            logged(|| tracing::warn!(detail = "a\r\n{\"level\":\"error\"}\u{1b}[31m\u{9b}", "refused"));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["detail"], "a\r\n{\"level\":\"error\"}\u{1b}[31m\u{9b}");
    }

    #[test]
    fn a_panic_is_one_line_that_names_the_actor_and_the_place() {
        panics::install();
        let lines = logged(|| {
            let work = panics::while_handling("delivery/email/3".into(), async { panic!("bad {}", "luck") });
            let caught = std::panic::catch_unwind(|| work.now_or_never());
            assert!(caught.is_err());
        });
        let [line] = lines.as_slice() else { panic!("one line, not {lines:?}") };
        assert_eq!(line["msg"], "actor panicked");
        assert_eq!(line["actor"], "delivery/email/3");
        assert_eq!(line["panic"], "bad luck");
        assert!(line["at"].as_str().is_some_and(|at| at.contains("logs.rs:")), "{line}");
    }

    #[test]
    fn a_level_is_a_word_or_a_list_of_targets() {
        for good in ["info", "DEBUG", "warn,foghorn::store=trace", "off,sqlx=info"] {
            assert!(check_level(good).is_ok(), "{good}");
        }
        for bad in ["", "loud", "3", "foghorn=loud"] {
            assert!(check_level(bad).is_err(), "{bad}");
        }
        assert_eq!(filter("error").expect("a level").to_string(), "foghorn=error,error");
        assert_eq!(filter("trace").expect("a level").to_string(), "foghorn=trace,warn");
    }
}
