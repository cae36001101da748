//! `foghorn check`, the part that needs no network: what is wrong with the configuration, or what
//! it amounts to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::config::{self, ChannelConfig, Config, Loaded, Problem, short_duration};

/// What `foghorn check` found.
#[derive(Debug)]
pub struct Checked {
    /// For people, without a line end after the last line.
    pub text: String,
    /// The configuration, if it is valid: `--connect` goes on with it.
    pub loaded: Option<Box<Loaded>>,
}

impl Checked {
    /// The exit code of the process: 0, or 78 as everybody says for a wrong configuration.
    pub fn exit_code(&self) -> u8 {
        if self.loaded.is_some() { 0 } else { 78 }
    }
}

/// Checks the file that `serve` would read, or `path`.
pub fn check(path: Option<&Path>, env: &BTreeMap<String, String>) -> Checked {
    match config::load(path, env) {
        Ok(loaded) => Checked { text: valid(&loaded), loaded: Some(Box::new(loaded)) },
        Err(problems) => Checked { text: invalid(&problems), loaded: None },
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

fn counted(count: usize, noun: &str) -> String {
    counted_as(count, noun, &format!("{noun}s"))
}

fn counted_as(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
