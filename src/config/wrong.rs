//! What to say of a value that does not fit its key.

use std::time::Duration;

use super::problem::{Code, Problem};
use super::schema::Kind;
use super::tree::Value;
use super::values::{self, Unreadable};
use crate::domain::rate::Rate;
use crate::domain::suggest::{listed, nearest, question};

/// What is wrong with `value` behind `key`, if something is.
pub(super) fn wrong(key: &str, kind: Kind, value: &Value) -> Option<Problem> {
    match (kind, value) {
        (Kind::Text | Kind::Patterns, Value::Text(_)) | (Kind::Switch, Value::Switch(_)) => None,
        (Kind::Secret, Value::Secret(_)) => None,
        (Kind::Text, Value::Secret(_)) => None,
        (Kind::Word(known, later), Value::Text(word)) => wrong_word(key, known, later, word),
        (Kind::Count(least, most), Value::Integer(number)) => wrong_count(key, *number, least, most),
        (Kind::Rate, Value::Text(text)) => text.parse::<Rate>().err().map(|why| {
            Problem::new(Code::WrongValue, format!("{key} = {text:?} {why}"))
                .label(format!("write {}", wanted(key, kind)))
        }),
        (Kind::Moment, Value::Text(text) | Value::Datetime(text)) => wrong_moment(key, text),
        (Kind::Clock, Value::Text(text) | Value::Datetime(text)) => wrong_clock(key, text),
        (Kind::Zone, Value::Text(text)) => wrong_zone(key, text),
        (Kind::Share, Value::Integer(_) | Value::Float(_)) => wrong_share(key, value),
        (Kind::Duration(least, most), Value::Text(text)) => wrong_duration(key, text, least, most),
        (Kind::Duration(..), Value::Integer(number)) => Some(without_unit(key, &number.to_string(), "s")),
        (Kind::Size(least, most), Value::Text(text)) => wrong_size(key, text, least, most),
        (Kind::Size(..), Value::Integer(number)) => Some(without_unit(key, &number.to_string(), "KiB")),
        (Kind::Texts | Kind::Patterns, Value::List(list)) => {
            let odd = list.iter().find(|item| item.text().is_none())?;
            let what = format!("{key} is a list of texts, and one of them is {}", odd.value.kind());
            Some(Problem::new(Code::WrongValue, what))
        }
        (
            Kind::Properties,
            Value::Text(_) | Value::Secret(_) | Value::Integer(_) | Value::Switch(_) | Value::Float(_),
        ) => None,
        (kind, value) => Some(wrong_type(key, kind, value)),
    }
}

fn wrong_type(key: &str, kind: Kind, value: &Value) -> Problem {
    let what = format!("{key} is {}", value.kind());
    Problem::new(Code::WrongValue, what).label(format!("write {}", wanted(key, kind)))
}

/// What to write instead.
fn wanted(key: &str, kind: Kind) -> String {
    match kind {
        Kind::Text => "a text in quotes".to_owned(),
        Kind::Word(known, _) => format!("one of: {}", quoted(known)),
        Kind::Switch => "true or false, without quotes".to_owned(),
        Kind::Count(least, most) => format!("a whole number from {least} to {most}, without quotes"),
        Kind::Share => "a number from 0.0 to 1.0".to_owned(),
        Kind::Duration(..) => r#"a duration such as "30s", "5m" or "7d""#.to_owned(),
        Kind::Rate => r#"a rate such as "20/s", "100/m" or "1000/h""#.to_owned(),
        Kind::Size(..) => r#"a size such as "64KiB" or "1MiB""#.to_owned(),
        Kind::Moment => format!("a date and a time such as {MOMENT}"),
        Kind::Clock => format!("a time of the day such as {CLOCK}"),
        Kind::Zone => format!("an IANA name such as {ZONE}"),
        Kind::Texts => format!(r#"a list of texts: {key} = ["…"]"#),
        Kind::Secret => {
            r#"a secret: { env = "NAME" }, { file = "/path" } or { credential = "name" }"#.to_owned()
        }
        Kind::Table(_) | Kind::Named(_) | Kind::Sources | Kind::Words(_) | Kind::Switches => {
            format!("a table: [{key}]")
        }
        Kind::Each(_) => format!("a list of tables: [[{key}]]"),
        Kind::Properties => "a text, a number, true or false".to_owned(),
        Kind::Match => r#"a table: { service = "checkout-*" }"#.to_owned(),
        Kind::Patterns => "a text, or a list of texts".to_owned(),
        Kind::Mapped => "a JSON Pointer such as \"/alert/title\"".to_owned(),
    }
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    listed(quoted.iter().map(String::as_str))
}

fn wrong_word(key: &str, known: &[&str], later: &[&str], word: &str) -> Option<Problem> {
    if known.contains(&word) {
        return None;
    }
    if later.contains(&word) {
        let what = format!("{key} = \"{word}\" arrives in a later version");
        return Some(Problem::new(Code::Later, what).label(format!("this version knows {}", quoted(known))));
    }
    let slip = nearest(word, known.iter().copied());
    let problem = Problem::new(Code::WrongValue, format!("{key} = {word:?} is not known")).label(format!(
        "write one of: {}.{}",
        quoted(known),
        question(slip)
    ));
    Some(problem)
}

fn wrong_count(key: &str, number: i128, least: u64, most: u64) -> Option<Problem> {
    let fits = number >= i128::from(least) && number <= i128::from(most);
    let range =
        if least == most { format!("must be {least}") } else { format!("must be from {least} to {most}") };
    // Longer than any number that could be meant: the digits of a huge one help nobody.
    let shown = if number == i128::MAX { "too large".to_owned() } else { number.to_string() };
    (!fits).then(|| Problem::new(Code::OutOfRange, format!("{key} = {shown} is out of range")).label(range))
}

fn wrong_share(key: &str, value: &Value) -> Option<Problem> {
    let number = match value {
        Value::Float(number) => *number,
        Value::Integer(0) => 0.0,
        Value::Integer(1) => 1.0,
        _ => f64::NAN,
    };
    let fits = (0.0..=1.0).contains(&number);
    (!fits).then(|| {
        Problem::new(Code::OutOfRange, format!("{key} is out of range")).label("must be from 0.0 to 1.0")
    })
}

fn wrong_duration(key: &str, text: &str, least: u64, most: u64) -> Option<Problem> {
    match values::duration(text) {
        Err(Unreadable::NoUnit) => Some(without_unit(key, &format!("\"{text}\""), "s")),
        Err(Unreadable::Nonsense) => {
            let problem = Problem::new(Code::WrongValue, format!("{key} = {text:?} is no duration"));
            Some(problem.label(r#"write one such as "500ms", "30s", "5m", "2h" or "7d""#))
        }
        Ok(duration) => {
            let (least, most) = (Duration::from_millis(least), Duration::from_millis(most));
            let fits = (least..=most).contains(&duration);
            let range = format!("must be from {} to {}", values::short(least), values::short(most));
            (!fits).then(|| {
                Problem::new(Code::OutOfRange, format!("{key} = \"{text}\" is out of range")).label(range)
            })
        }
    }
}

const MOMENT: &str = r#""2026-01-05T09:00:00", or with an offset "2026-01-05T09:00:00Z""#;
const CLOCK: &str = r#""22:00""#;
const ZONE: &str = r#""Europe/London""#;

fn wrong_moment(key: &str, text: &str) -> Option<Problem> {
    let what = || Problem::new(Code::WrongValue, format!("{key} = {text:?} is no date and time"));
    values::moment(text).is_none().then(|| what().label(format!("write one such as {MOMENT}")))
}

fn wrong_clock(key: &str, text: &str) -> Option<Problem> {
    let what = || Problem::new(Code::WrongValue, format!("{key} = {text:?} is no time of the day"));
    values::clock(text).is_none().then(|| what().label(format!("write one such as {CLOCK}")))
}

fn wrong_zone(key: &str, text: &str) -> Option<Problem> {
    if jiff::tz::TimeZone::get(text).is_ok() {
        return None;
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let slip = nearest(text, names.iter().map(String::as_str));
    let problem = Problem::new(Code::WrongValue, format!("{key} = {text:?} is not known"));
    Some(problem.label(format!("write an IANA name such as {ZONE}.{}", question(slip))))
}

fn wrong_size(key: &str, text: &str, least: u64, most: u64) -> Option<Problem> {
    match values::size(text) {
        Err(Unreadable::NoUnit) => Some(without_unit(key, &format!("\"{text}\""), "KiB")),
        Err(Unreadable::Nonsense) => {
            let problem = Problem::new(Code::WrongValue, format!("{key} = {text:?} is no size"));
            Some(problem.label(r#"write one such as "512KiB" or "1MiB""#))
        }
        Ok(size) => {
            let fits = (least..=most).contains(&size);
            let range = format!("must be from {} to {}", values::short_size(least), values::short_size(most));
            (!fits).then(|| {
                Problem::new(Code::OutOfRange, format!("{key} = \"{text}\" is out of range")).label(range)
            })
        }
    }
}

/// `written` is a bare number; `unit` is the likeliest one.
fn without_unit(key: &str, written: &str, unit: &str) -> Problem {
    let number = written.trim_matches('"');
    let others = match unit {
        "s" => format!(r#"(or "{number}ms", "{number}m")"#),
        _ => format!(r#"(or "{number}B", "{number}MiB")"#),
    };
    Problem::new(Code::NeedsUnit, format!("{key} = {written} needs a unit"))
        .label(format!(r#"write "{number}{unit}" {others}"#))
}
