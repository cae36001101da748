//! `foghorn check`: what is wrong with the configuration, or what it amounts to. That much needs no
//! network; `--connect` goes on to what it names ([`connect`]).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::print::{Printer, say};
use super::process::environment;
use super::{CheckArgs, Exit, connect};
use crate::config::{self, ChannelConfig, Config, Gravity, Loaded, Location, Problem, short_duration};

/// What `foghorn check` found.
#[derive(Debug)]
pub struct Checked {
    /// For people, without a line end after the last line.
    pub text: String,
    /// The configuration, if it is valid: `--connect` goes on with it.
    pub loaded: Option<Box<Loaded>>,
    /// Everything that is wrong or dubious.
    pub problems: Vec<Problem>,
}

/// No probe takes longer.
const DEADLINE: Duration = Duration::from_secs(10);

/// `foghorn check`
pub(super) async fn run(args: &CheckArgs) -> Exit {
    let checked = check(args.file(), &environment());
    let denied = args.deny_warnings && !checked.problems.is_empty();
    let mut out = Printer::new(io::stdout().lock());
    // What is valid is data; what is wrong is talk. A reader that went away is no error.
    if args.json {
        drop(checked.json().iter().try_for_each(|line| out.json(&line.to_string())));
    } else if checked.loaded.is_some() {
        drop(checked.text.lines().try_for_each(|line| out.line(line)));
    } else {
        checked.text.lines().for_each(say);
    }
    drop(out);
    let Some(loaded) = checked.loaded.filter(|_| !denied) else {
        return Exit::InvalidConfig;
    };
    if !args.connect {
        return Exit::Done;
    }
    let probed = connect::probe(&loaded.config, DEADLINE).await;
    let mut out = Printer::new(io::stdout().lock());
    let printed = if args.json {
        connect::json(&probed).iter().try_for_each(|line| out.json(&line.to_string()))
    } else {
        connect::text(&probed).iter().try_for_each(|line| out.line(line))
    };
    drop(printed);
    connect::exit(&probed)
}

impl Checked {
    /// The exit code of the process: 0, or 78 as everybody says for a wrong configuration.
    pub fn exit_code(&self) -> u8 {
        if self.loaded.is_some() { 0 } else { 78 }
    }

    /// For machines: one object for the whole, and one for each problem.
    pub fn json(&self) -> Vec<Value> {
        let errors = self.problems.iter().filter(|problem| problem.is_error()).count();
        let loaded = self.loaded.as_deref();
        let whole = json!({
            "part": "config",
            "ok": loaded.is_some(),
            "path": loaded.and_then(|loaded| loaded.origin.as_ref()).map(|path| path.display().to_string()),
            "included": loaded.map(|loaded| &loaded.included),
            "keys": loaded.map(|loaded| loaded.keys),
            "errors": errors,
            "warnings": self.problems.len() - errors,
        });
        std::iter::once(whole).chain(self.problems.iter().map(problem)).collect()
    }
}

fn problem(problem: &Problem) -> Value {
    let (path, line, column, variable) = match &problem.location {
        Some(Location::File { path, line, column, .. }) => (Some(path), Some(line), Some(column), None),
        Some(Location::Whole(path)) => (Some(path), None, None, None),
        Some(Location::Variable(name)) => (None, None, None, Some(name)),
        None => (None, None, None, None),
    };
    json!({
        "part": "problem",
        "code": problem.code.as_str(),
        "gravity": match problem.gravity {
            Gravity::Error => "error",
            Gravity::Warning => "warning",
        },
        "what": problem.what,
        "path": path,
        "line": line,
        "column": column,
        "variable": variable,
        "label": problem.label,
        "notes": problem.notes,
    })
}

/// Checks the file that `serve` would read, or `path`.
pub fn check(path: Option<&Path>, env: &BTreeMap<String, String>) -> Checked {
    match config::load(path, env) {
        Ok(loaded) => Checked {
            text: valid(&loaded),
            problems: loaded.warnings.clone(),
            loaded: Some(Box::new(loaded)),
        },
        Err(problems) => Checked { text: invalid(&problems), loaded: None, problems },
    }
}

fn invalid(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let _ = writeln!(text, "{}\n", problem.render());
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let _ = write!(text, "{}, {}.", counted(errors, "error"), counted(problems.len() - errors, "warning"));
    text
}

fn valid(loaded: &Loaded) -> String {
    let origin = loaded.origin.as_deref();
    let mut text = match origin {
        Some(path) => path.display().to_string(),
        None => "no file: the defaults".to_owned(),
    };
    for path in &loaded.included {
        let _ = write!(text, "\n{}", path.display());
    }
    let config = &loaded.config;
    let mut line = |name: &str, what: String| {
        let _ = write!(text, "\n  √ {name:<12} {what}");
    };
    line("syntax", format!("{}, 0 unknown", counted(loaded.keys, "key")));
    line("references", references(config));
    line("secrets", format!("{} found", loaded.secrets));
    line("store", config.store.url.to_string());
    line("sources", sources(config));
    if !loaded.borrowed.is_empty() {
        line("environment", loaded.borrowed.join(", "));
    }
    for (name, channel) in &config.channels {
        let _ = write!(text, "\n  √ channel      {name}: {}", described(channel));
        let _ = write!(text, "\n                 waits {}", schedule(channel));
    }
    for warning in &loaded.warnings {
        let _ = write!(text, "\n\n{}", warning.render());
    }
    if !loaded.warnings.is_empty() {
        text.push('\n');
    }
    let _ = write!(text, "\nValid, {}.", counted(loaded.warnings.len(), "warning"));
    text
}

fn references(config: &Config) -> String {
    let table = &config.route_table;
    format!(
        "{} → {} → {} → {}",
        counted(table.routes.len(), "route"),
        counted_as(table.policies.len(), "policy", "policies"),
        counted(config.channels.len(), "channel"),
        counted(table.directory.users.len(), "user"),
    )
}

fn sources(config: &Config) -> String {
    let named = config.sources.iter().map(|(name, source)| format!("{name} ({})", source.kind()));
    named.collect::<Vec<_>>().join(", ")
}

fn described(channel: &ChannelConfig) -> String {
    format!(
        "{} by {}, {}, at most {} in {}",
        channel.channel_type.name(),
        channel.provider,
        counted(channel.workers, "worker"),
        counted(channel.retry.max_attempts as usize, "attempt"),
        short_duration(channel.retry.max_age),
    )
}

/// The waits between attempts, as a list; equal ones in a row are counted.
fn schedule(channel: &ChannelConfig) -> String {
    let mut runs: Vec<(Duration, usize)> = Vec::new();
    for wait in channel.retry.schedule() {
        match runs.last_mut() {
            Some((last, count)) if *last == wait => *count += 1,
            _ => runs.push((wait, 1)),
        }
    }
    if runs.is_empty() {
        return "none: one attempt, then it is a dead letter".to_owned();
    }
    let shown = runs.into_iter().map(|(wait, count)| match count {
        1 => short_duration(wait),
        count => format!("{count} × {}", short_duration(wait)),
    });
    let jitter = channel.retry.jitter * 100.0;
    format!("{}, each up to {jitter:.0} % shorter", shown.collect::<Vec<_>>().join(", "))
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    counted_as(count, noun, &format!("{noun}s"))
}

fn counted_as(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
