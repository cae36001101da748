//! What a log line looks like.

use std::borrow::Cow;
use std::fmt::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::Level;
use tracing::field::{Field, Visit};

/// No field is longer, in bytes.
const LONGEST_FIELD: usize = 4096;

/// A value, as it will be printed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Value {
    /// Printed as it is: a number, or `true` and `false`.
    Bare(String),
    /// Printed as text, cut.
    Text(String),
}

/// The fields of an event or a span, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Adds what an outer span knows and nobody further in has said.
    pub(super) fn inherit(&mut self, outer: &Self) {
        for (name, value) in &outer.0 {
            if !self.0.iter().any(|(own, _)| own == name) {
                self.0.push((name, value.clone()));
            }
        }
    }

    /// All of them but these.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(name)).cloned().collect())
    }

    #[cfg(test)]
    pub(super) fn of(fields: &[(&'static str, &str)]) -> Self {
        Self(fields.iter().map(|(name, text)| (*name, Value::Text((*text).to_owned()))).collect())
    }

    fn set(&mut self, field: &Field, value: Value) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, old)) => *old = value,
            None => self.0.push((field.name(), value)),
        }
    }

    fn message(&self) -> &str {
        self.0
            .iter()
            .find_map(|(name, value)| match value {
                Value::Text(text) if *name == "message" => Some(text.as_str()),
                _ => None,
            })
            .unwrap_or_default()
    }

    fn others(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.0.iter().filter(|(name, _)| *name != "message")
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, Value::Text(cut(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Bare(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::Bare(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bare(value.to_string()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let bare = value.is_finite();
        let text = value.to_string();
        self.set(field, if bare { Value::Bare(text) } else { Value::Text(text) });
    }
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST_FIELD {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST_FIELD - '…'.len_utf8());
    format!("{}…", &text[..end])
}

/// One event, ready to be written.
pub(super) struct Line<'a> {
    pub(super) at: Timestamp,
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) fields: &'a Fields,
    /// It came so often again, in so many seconds.
    pub(super) repeated: Option<(u64, u64)>,
}

impl Line<'_> {
    /// `{"ts":…,"level":…,"msg":…,…}` and a line feed.
    pub(super) fn json(&self) -> String {
        let mut out = String::with_capacity(256);
        let at = self.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
        let level = self.level.as_str().to_ascii_lowercase();
        push(&mut out, format_args!("{{\"ts\":\"{at}\",\"level\":\"{level}\",\"msg\":"));
        quote(&mut out, self.fields.message());
        if self.is_foreign() {
            out.push_str(",\"target\":");
            quote(&mut out, self.target);
        }
        for (name, value) in self.fields.others() {
            out.push(',');
            quote(&mut out, &unambiguous(name));
            out.push(':');
            match value {
                Value::Bare(bare) => out.push_str(bare),
                Value::Text(text) => quote(&mut out, text),
            }
        }
        if let Some((times, seconds)) = self.repeated {
            push(&mut out, format_args!(",\"repeated\":{times},\"in_s\":{seconds}"));
        }
        out.push_str("}\n");
        out
    }

    /// `14:02:11 INFO  delivery sent  channel=sms` and a line feed.
    pub(super) fn pretty(&self, zone: &TimeZone, coloured: bool) -> String {
        let (dim, colour, plain) = match (coloured, self.level) {
            (false, _) => ("", "", ""),
            (true, Level::ERROR) => ("\x1b[2m", "\x1b[31m", "\x1b[0m"),
            (true, Level::WARN) => ("\x1b[2m", "\x1b[33m", "\x1b[0m"),
            (true, Level::INFO) => ("\x1b[2m", "\x1b[32m", "\x1b[0m"),
            (true, _) => ("\x1b[2m", "\x1b[34m", "\x1b[0m"),
        };
        let mut out = String::with_capacity(256);
        let at = self.at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
        push(&mut out, format_args!("{dim}{at}{plain} {colour}{:<5}{plain} ", self.level.as_str()));
        escape(&mut out, self.fields.message(), as_people_read);
        if let Some((times, seconds)) = self.repeated {
            push(&mut out, format_args!(" ×{times} in {seconds}s"));
        }
        let target = self.is_foreign().then(|| ("target", Value::Text(self.target.to_owned())));
        for (index, (name, value)) in self.fields.others().chain(target.as_ref()).enumerate() {
            let gap = if index == 0 { "  " } else { " " };
            push(&mut out, format_args!("{gap}{dim}{name}={plain}"));
            match value {
                Value::Bare(bare) => out.push_str(bare),
                Value::Text(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
                    out.push('"');
                    escape(&mut out, text, as_people_read);
                    out.push('"');
                }
                Value::Text(text) => escape(&mut out, text, as_people_read),
            }
        }
        out.push('\n');
        out
    }

    fn is_foreign(&self) -> bool {
        self.target != "foghorn" && !self.target.starts_with("foghorn::")
    }
}

/// A field may be called like one of the line's own keys.
fn unambiguous(name: &'static str) -> Cow<'static, str> {
    match name {
        "ts" | "level" | "msg" | "target" | "repeated" | "in_s" => Cow::Owned(format!("{name}_")),
        _ => Cow::Borrowed(name),
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    escape(out, text, as_json);
    out.push('"');
}

/// Copies text, putting what `escaped` says in the place of what could be mistaken for structure.
fn escape(out: &mut String, text: &str, escaped: fn(char) -> Option<String>) {
    for letter in text.chars() {
        match escaped(letter) {
            Some(instead) => out.push_str(&instead),
            None => out.push(letter),
        }
    }
}

fn as_json(letter: char) -> Option<String> {
    match letter {
        '"' => Some("\\\"".to_owned()),
        '\\' => Some("\\\\".to_owned()),
        '\n' => Some("\\n".to_owned()),
        '\r' => Some("\\r".to_owned()),
        '\t' => Some("\\t".to_owned()),
        _ if is_invisible(letter) => Some(format!("\\u{:04x}", u32::from(letter))),
        _ => None,
    }
}

fn as_people_read(letter: char) -> Option<String> {
    match letter {
        '"' => Some("\\\"".to_owned()),
        '\n' => Some("\\n".to_owned()),
        '\r' => Some("\\r".to_owned()),
        '\t' => Some("\\t".to_owned()),
        _ if is_invisible(letter) => Some(format!("\\u{{{:x}}}", u32::from(letter))),
        _ => None,
    }
}

/// Commands a terminal, or turns around the order in which text is read. All are below U+10000.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push(out: &mut String, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&'static str, Value)]) -> Fields {
        Fields(list.to_vec())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn line(fields: &Fields) -> Line<'_> {
        Line {
            at: "2026-11-21T14:02:11.53Z".parse().expect("a moment"),
            level: Level::INFO,
            target: "foghorn::actors",
            fields,
            repeated: None,
        }
    }

    #[test]
    fn a_line_for_machines() {
        let fields = fields(&[
            ("message", text("delivery sent")),
            ("incident", Value::Bare("1042".to_owned())),
            ("to", text("+1555***11")),
            ("level", text("a\u{7f}\u{202e}\"\\\n")),
        ]);
        assert_eq!(
            line(&fields).json(),
            "{\"ts\":\"2026-11-21T14:02:11.530Z\",\"level\":\"info\",\"msg\":\"delivery sent\",\"incident\":1042,\
             \"to\":\"+1555***11\",\"level_\":\"a\\u007f\\u202e\\\"\\\\\\n\"}\n"
        );
    }

    #[test]
    fn a_line_for_people() {
        let fields = fields(&[
            ("incident", Value::Bare("1042".to_owned())),
            ("message", text("delivery\nsent")),
            ("answer", text("250 ok")),
            ("to", text("a***@example.com\u{1b}[2J")),
        ]);
        assert_eq!(
            line(&fields).pretty(&TimeZone::UTC, false),
            "14:02:11 INFO  delivery\\nsent  incident=1042 answer=\"250 ok\" to=a***@example.com\\u{1b}[2J\n"
        );
        let coloured = line(&fields).pretty(&TimeZone::UTC, true);
        assert!(coloured.starts_with("\x1b[2m14:02:11\x1b[0m \x1b[32mINFO \x1b[0m delivery"), "{coloured:?}");
    }

    #[test]
    fn a_library_says_who_it_is() {
        let fields = fields(&[("message", text("slow"))]);
        let mut line = line(&fields);
        line.target = "sqlx::query";
        assert!(line.json().contains("\"target\":\"sqlx::query\""));
        assert!(line.pretty(&TimeZone::UTC, false).ends_with("slow  target=sqlx::query\n"));
    }

    #[test]
    fn a_long_field_is_cut_between_letters() {
        for long in ["x".repeat(5000), "é".repeat(5000), "😀".repeat(2000)] {
            let short = cut(&long);
            assert!(short.len() <= LONGEST_FIELD && short.len() > LONGEST_FIELD - 8, "{}", short.len());
            assert!(short.ends_with('…'));
        }
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"x".repeat(LONGEST_FIELD)).len(), LONGEST_FIELD);
    }
}
