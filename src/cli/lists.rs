//! Lists: read page by page, printed as columns, as JSON lines or as bare ids.

use std::io::Write;

use clap::{ArgGroup, Args};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::connection::{Connection, Failure, RawPage};
use super::print::{Printer, say};

/// In which form a list is printed.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("form").args(["json", "quiet"]))]
pub struct FormArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Only ids
    #[arg(long, short)]
    pub quiet: bool,
}

/// How a list is printed, and how much of it.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// In which form.
    #[command(flatten)]
    pub form: FormArgs,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

impl ListArgs {
    /// The whole of a list that is short.
    pub(super) fn all(form: FormArgs) -> Self {
        Self { form, limit: u32::MAX, all: true }
    }
}

/// What a list is about.
#[derive(Debug, Clone, Args)]
pub struct FilterArgs {
    /// Only what fits, such as: severity:critical service:checkout-* age>10m some text
    #[arg(long, value_name = "QUERY")]
    pub filter: Option<String>,
}

impl FilterArgs {
    /// As a parameter of the API.
    pub(super) fn parameter(&self) -> Option<(&'static str, String)> {
        self.filter.as_ref().map(|filter| ("filter", filter.clone()))
    }

    /// The query itself, or none.
    pub(super) fn text(&self) -> &str {
        self.filter.as_deref().unwrap_or_default()
    }
}

/// Most entries that the server gives at once.
const PAGE: usize = 200;

/// A list as it was asked for.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) entries: Vec<Box<RawValue>>,
    /// There are more than were asked for.
    pub(super) more: bool,
}

/// Reads as many pages as it takes.
pub(super) async fn read(
    server: &Connection,
    path: &str,
    filter: &[(&str, String)],
    args: &ListArgs,
) -> Result<Listed, Failure> {
    let most = if args.all { usize::MAX } else { args.limit as usize };
    let mut entries = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = filter.to_vec();
        query.push(("limit", PAGE.min(most - entries.len()).to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: RawPage = server.get(path, &query).await?;
        entries.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() || entries.len() >= most {
            let more = cursor.is_some();
            return Ok(Listed { entries, more });
        }
    }
}

/// Prints a list in the form that was asked for.
pub(super) fn print<W: Write, T: DeserializeOwned, const N: usize>(
    out: &mut Printer<W>,
    listed: &Listed,
    args: &ListArgs,
    header: [&str; N],
    row: impl Fn(&T) -> [String; N],
    id: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    if args.form.json {
        for entry in &listed.entries {
            out.json(entry.get())?;
        }
        return Ok(());
    }
    let entries = listed.entries.iter().map(|entry| parsed(entry));
    let entries: Vec<T> = entries.collect::<Result<_, _>>()?;
    if args.form.quiet {
        for entry in &entries {
            out.line(&id(entry))?;
        }
        return Ok(());
    }
    let rows: Vec<_> = entries.iter().map(row).collect();
    out.table(header, &rows)?;
    Ok(())
}

/// An entry as what the tables read of it.
pub(super) fn parsed<T: DeserializeOwned>(raw: &RawValue) -> Result<T, Failure> {
    serde_json::from_str(raw.get())
        .map_err(|error| Failure::Garbled { url: "the server".to_owned(), why: error.to_string() })
}

/// The line under a table; talk, so it does not disturb a pipe.
pub(super) fn footer(listed: &Listed, args: &ListArgs, one: &str, many: &str) {
    if args.form.json || args.form.quiet {
        return;
    }
    let shown = listed.entries.len();
    if listed.more {
        say(&format!("{} shown, there are more: --limit N or --all", counted(shown as u64, one, many)));
    } else {
        say(&format!("{}.", counted(shown as u64, one, many)));
    }
}

/// `1 event`, `2 events`
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `text`, or what stands for nothing.
pub(super) fn or_none(text: &str) -> String {
    if text.is_empty() { none() } else { text.to_owned() }
}

/// Nothing, where something could be.
pub(super) fn none() -> String {
    "–".to_owned()
}
