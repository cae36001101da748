//! From terms to tests, by the keys of a subject.

use super::glob::Glob;
use super::syntax::{Operator, Value, Written, wrong};
use super::{Field, Query, QueryError, Side, Term, Test};
use crate::domain::Timestamp;
use crate::domain::suggest::{listed, nearest, question};

/// Something that can be asked of a subject.
#[derive(Debug)]
pub struct Key<F: 'static> {
    /// As it is written. One that ends with a dot is followed by a name of the sender's.
    pub name: &'static str,
    /// What it asks about.
    pub field: F,
    /// What its values are.
    pub kind: Kind,
}

/// What the values of a key are.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Words of ours: all of them, and how one is read.
    Words(&'static [&'static str], fn(&str) -> Option<&'static str>),
    /// Names and text, with `*`.
    Glob,
    /// Numbers, with or without `#`.
    Number,
    /// How long ago: `>10m`, `<2h`.
    Age,
    /// Not before this moment.
    Since,
    /// Before this moment.
    Before,
    /// The value of a label, with `*`.
    Label,
}

/// May `letter` stand in a key? Every key of ours, and every usual name of a label.
pub(super) fn is_of_key(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/')
}

/// The conditions that these terms say of a subject.
pub(super) fn query<F: Field>(
    written: Vec<Written>,
    subject: &str,
    now: Timestamp,
) -> Result<Query<F>, QueryError> {
    let terms = written.into_iter().map(|term| {
        let test = match &term.key {
            None => Test::Like(F::TEXT, globs(&term.values)),
            Some((name, operator)) => keyed(&term, name, *operator, subject, now)?,
        };
        Ok(Term { sense: term.sense, test })
    });
    Ok(Query { terms: terms.collect::<Result<_, _>>()? })
}

fn keyed<F: Field>(
    term: &Written,
    name: &str,
    operator: Operator,
    subject: &str,
    now: Timestamp,
) -> Result<Test<F>, QueryError> {
    let key = F::KEYS.iter().find(|key| match key.kind {
        Kind::Label => name.len() > key.name.len() && name.starts_with(key.name),
        _ => key.name == name,
    });
    let Some(key) = key else {
        return Err(unknown_key::<F>(term.column, name, subject));
    };
    let column = term.values[0].column;
    match (operator, key.kind) {
        (Operator::Over | Operator::Under, Kind::Age) | (Operator::Is, _) => {}
        _ => return Err(wrong(term.column, format!("\"{name}\" is followed by \":\", as in {name}:VALUE"))),
    }
    Ok(match key.kind {
        Kind::Words(all, parse) => Test::OneOf(key.field, words(&term.values, name, all, parse)?),
        Kind::Glob => Test::Like(key.field, globs(&term.values)),
        Kind::Label => Test::Label(name[key.name.len()..].to_owned(), globs(&term.values)),
        Kind::Number => Test::Number(key.field, numbers(&term.values, name)?),
        Kind::Age => {
            let side = match operator {
                Operator::Over => Side::Before,
                Operator::Under => Side::Since,
                Operator::Is => {
                    return Err(wrong(column, format!("write {name}>10m or {name}<2h")));
                }
            };
            Test::Time(key.field, side, ago(single(&term.values)?, now)?)
        }
        Kind::Since => Test::Time(key.field, Side::Since, moment(single(&term.values)?)?),
        Kind::Before => Test::Time(key.field, Side::Before, moment(single(&term.values)?)?),
    })
}

fn unknown_key<F: Field>(column: usize, name: &str, subject: &str) -> QueryError {
    let names = || F::KEYS.iter().map(|key| key.name);
    let label = names().find(|known| known.ends_with('.'));
    let meant = nearest(name, names().filter(|known| !known.ends_with('.')));
    let known = listed(names().map(|known| if Some(known) == label { "label.NAME" } else { known }));
    wrong(
        column,
        format!(
            "{subject} have no \"{}\"; known are {known}.{} Text with a \":\" goes in quotes.",
            shortened(name),
            question(meant)
        ),
    )
}

fn globs(values: &[Value]) -> Vec<Glob> {
    values.iter().map(|value| value.glob.clone()).collect()
}

fn words(
    values: &[Value],
    name: &str,
    all: &'static [&'static str],
    parse: fn(&str) -> Option<&'static str>,
) -> Result<Vec<&'static str>, QueryError> {
    let mut found = Vec::new();
    for Value { column, glob } in values {
        let before = found.len();
        match glob.as_literal() {
            Some(text) => found.extend(parse(text)),
            None => found.extend(all.iter().copied().filter(|word| glob.matches(word))),
        }
        if found.len() == before {
            let text = shortened(&glob.parts().join("*"));
            let meant = question(nearest(&text, all.iter().copied()));
            let known = listed(all.iter().copied());
            return Err(wrong(*column, format!("\"{text}\" is no {name}; known are {known}.{meant}")));
        }
    }
    Ok(found)
}

fn numbers(values: &[Value], name: &str) -> Result<Vec<u64>, QueryError> {
    values
        .iter()
        .map(|value| {
            let text = value.glob.as_literal().unwrap_or_default();
            let number = text.trim_start_matches('#').parse().ok();
            // Stores keep numbers as signed 64-bit integers.
            number.filter(|number| i64::try_from(*number).is_ok()).ok_or_else(|| {
                wrong(value.column, format!("{name} is followed by a number, as in {name}:1042"))
            })
        })
        .collect()
}

/// The value of a key that takes one.
fn single(values: &[Value]) -> Result<(usize, &str), QueryError> {
    match values {
        [Value { column, glob }] => Ok((*column, glob.as_literal().unwrap_or("*"))),
        [_, second, ..] => Err(wrong(second.column, "one value is enough here")),
        [] => Err(wrong(1, "a value is missing")),
    }
}

/// The moment so long before `now`.
fn ago((column, text): (usize, &str), now: Timestamp) -> Result<Timestamp, QueryError> {
    let told = || wrong(column, format!("\"{}\" is no age; write 30s, 10m, 2h, 3d or 1w", shortened(text)));
    let digits = text.trim_end_matches(|letter: char| letter.is_alphabetic());
    let count: i64 = digits.parse().ok().filter(|count| *count >= 0).ok_or_else(told)?;
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(told()),
    };
    let seconds = count.checked_mul(unit).ok_or_else(told)?;
    let millis = seconds.checked_mul(1_000).and_then(|ms| now.as_millisecond().checked_sub(ms));
    // Longer ago than there is time: nothing is.
    let then = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    Ok(then.unwrap_or(Timestamp::MIN))
}

/// A moment, or the start of a day.
fn moment((column, text): (usize, &str)) -> Result<Timestamp, QueryError> {
    let day = || format!("{text}T00:00Z").parse();
    text.parse().or_else(|_| day()).map_err(|_: jiff::Error| {
        let text = shortened(text);
        wrong(column, format!("\"{text}\" is no moment; write 2026-11-21T10:00Z or 2026-11-21"))
    })
}

/// Enough to recognise it in a message.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
