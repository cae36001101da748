//! `foghorn codes`: what the answers of providers mean, and what Foghorn does about each. Needs no
//! server and no configuration: the tables are part of the program.

use std::io::{self, Write};

use clap::Args;
use serde_json::json;

use super::Exit;
use super::lists::none;
use super::print::{Printer, reader_left, refuse, say};
use crate::catalogue::Code;
use crate::channels::codes::{CODES, Codes, HTTP, Rule, Status};
use crate::domain::suggest::{listed, nearest, question};

/// `foghorn codes`
#[derive(Debug, Clone, Args)]
pub struct CodesArgs {
    /// Whose answers; without it, a list of all that are known
    #[arg(value_name = "PROVIDER")]
    pub provider: Option<String>,
    /// One answer: its status, the provider's own code, or both, such as: 550 5.1.1
    #[arg(value_name = "CODE", num_args = 0..=2, requires = "provider")]
    pub code: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// A line, and the table that it is of.
type Found = (&'static Codes, &'static Rule);

/// Prints the tables, one of them, or what one answer means.
pub(super) fn codes(args: &CodesArgs) -> Exit {
    let mut out = Printer::new(io::stdout().lock());
    let printed = match args.provider.as_deref() {
        None => all(&mut out, args),
        Some(provider) => match looked_up(provider, &args.code) {
            Ok((_, rules)) if !args.code.is_empty() => answer(&mut out, &rules, args),
            Ok((codes, rules)) => table(&mut out, codes, &rules, args),
            Err(what) => {
                refuse(Code::UnknownAnswer, &what);
                return Exit::NotFound;
            }
        },
    };
    match printed {
        Err(error) if !reader_left(&error) => {
            refuse(Code::CannotWrite, &error);
            Exit::Failed
        }
        _ => Exit::Done,
    }
}

/// The table of a provider, and those of its lines that were asked for.
fn looked_up(provider: &str, words: &[String]) -> Result<(&'static Codes, Vec<Found>), String> {
    let known = CODES.iter().map(|codes| codes.provider);
    let Some(codes) = CODES.iter().copied().find(|codes| codes.provider.eq_ignore_ascii_case(provider))
    else {
        let likely = question(nearest(provider, known.clone()));
        return Err(format!("no provider \"{}\".{likely} There are {}", short(provider), listed(known)));
    };
    let rules = match words {
        [] => codes.rules.iter().map(|rule| (codes, rule)).collect(),
        [word] => named(codes, word)?,
        [status, code, ..] => {
            let number = status_of(status).ok_or_else(|| unknown(codes, status))?;
            vec![deciding(codes, number, code)]
        }
    };
    Ok((codes, rules))
}

/// One word may be the provider's code or a status; what the provider calls so comes first.
fn named(codes: &'static Codes, word: &str) -> Result<Vec<Found>, String> {
    let own: Vec<Found> =
        codes.rules.iter().filter(|rule| rule.names(word)).map(|rule| (codes, rule)).collect();
    if let Some(first) = own.first() {
        // Of two lines that name it, the first one decides unless they are for other statuses.
        let others = own.iter().skip(1).filter(|(_, rule)| rule.status != first.1.status);
        return Ok(std::iter::once(first).chain(others).copied().collect());
    }
    let status = status_of(word).ok_or_else(|| unknown(codes, word))?;
    let with_code = |rule: &&Rule| !rule.code.is_empty() && rule.status == Status::Is(status);
    let mut rules: Vec<Found> = codes.rules.iter().filter(with_code).map(|rule| (codes, rule)).collect();
    rules.push(deciding(codes, status, ""));
    Ok(rules)
}

/// The line that decides: the provider's own, else what HTTP says.
fn deciding(codes: &'static Codes, status: u16, code: &str) -> Found {
    let whose = if codes.own(status, code).is_some() { codes } else { &HTTP };
    (whose, codes.find(status, code))
}

fn status_of(word: &str) -> Option<u16> {
    word.parse().ok().filter(|status| (100..=599).contains(status))
}

fn unknown(codes: &Codes, word: &str) -> String {
    let likely = question(nearest(word, codes.rules.iter().map(|rule| rule.code)));
    let provider = codes.provider;
    format!(
        "{provider} is not known to answer \"{}\", and it is no status from 100 to 599.{likely}",
        short(word)
    )
}

fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

fn all<W: Write>(out: &mut Printer<W>, args: &CodesArgs) -> io::Result<()> {
    if args.json {
        return CODES.iter().try_for_each(|codes| {
            let Codes { provider, source, rules } = codes;
            out.json(&json!({ "provider": provider, "rules": rules.len(), "source": source }).to_string())
        });
    }
    let row =
        |codes: &&Codes| [codes.provider.to_owned(), codes.rules.len().to_string(), codes.source.to_owned()];
    let rows: Vec<_> = CODES.iter().map(row).collect();
    out.table(["PROVIDER", "RULES", "SOURCE"], &rows)
}

fn table<W: Write>(
    out: &mut Printer<W>,
    codes: &'static Codes,
    rules: &[Found],
    args: &CodesArgs,
) -> io::Result<()> {
    if args.json {
        return objects(out, rules);
    }
    let row = |(_, rule): &Found| {
        let Rule { status, meaning, why, .. } = rule;
        [status.to_string(), code_of(rule), meaning.to_string(), (*why).to_owned()]
    };
    let rows: Vec<_> = rules.iter().map(row).collect();
    out.table(["STATUS", "CODE", "MEANING", "WHY"], &rows)?;
    // SMTP has a line for everything.
    if codes.own(599, "").is_none() {
        say("The first line that fits decides; for all else: foghorn codes http");
    }
    Ok(())
}

fn answer<W: Write>(out: &mut Printer<W>, rules: &[Found], args: &CodesArgs) -> io::Result<()> {
    if args.json {
        return objects(out, rules);
    }
    let row = |(codes, rule): &Found| {
        let Rule { status, meaning, why, .. } = rule;
        let of = codes.provider.to_owned();
        [of, status.to_string(), code_of(rule), meaning.to_string(), (*why).to_owned()]
    };
    let rows: Vec<_> = rules.iter().map(row).collect();
    out.table(["TABLE", "STATUS", "CODE", "MEANING", "WHY"], &rows)?;
    out.line("")?;
    let mut told = Vec::new();
    for (_, Rule { meaning, .. }) in rules {
        if !told.contains(meaning) {
            told.push(*meaning);
            out.line(&format!("{meaning}: {}", meaning.consequence()))?;
        }
    }
    Ok(())
}

fn code_of(rule: &Rule) -> String {
    if rule.code.is_empty() { none() } else { rule.code.to_owned() }
}

fn objects<W: Write>(out: &mut Printer<W>, rules: &[Found]) -> io::Result<()> {
    rules.iter().try_for_each(|(codes, rule)| {
        let Rule { status, code, meaning, why } = rule;
        let object = json!({
            "provider": codes.provider,
            "status": status.to_string(),
            "code": code,
            "meaning": meaning.to_string(),
            "why": why,
            "does": meaning.consequence(),
        });
        out.json(&object.to_string())
    })
}
