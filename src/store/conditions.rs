//! A query in the words of a database. Values are always bound; only words of our own enums stand
//! in the text.

use super::reading::{Ask, Dialect};
use super::rows::column;
use crate::domain::query::{
    DeliveryField, EventField, Field, Glob, IncidentField, LetterField, Query, Sense, Side, Test,
};

/// Where a fact of a field is, and how it is compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// As a whole, case matters.
    Name(&'static str),
    /// Looked into, ASCII letters in any case.
    Text(&'static str),
    /// A number, or a moment.
    Number(&'static str),
}

impl Column {
    fn expression(self) -> &'static str {
        match self {
            Self::Name(expression) | Self::Text(expression) | Self::Number(expression) => expression,
        }
    }
}

/// A field that has columns.
pub(super) trait Columns: Field {
    /// Its places; a fact of any of them counts.
    fn columns(self, dialect: Dialect) -> &'static [Column];
}

impl Columns for IncidentField {
    fn columns(self, _: Dialect) -> &'static [Column] {
        match self {
            Self::Status => &[Column::Name("i.status")],
            Self::Severity => &[Column::Name("i.severity")],
            Self::Service => &[Column::Name("i.service")],
            Self::Source => &[Column::Name("i.source")],
            Self::Title => &[Column::Text("i.title")],
            Self::Route => &[Column::Name("i.route")],
            Self::Policy => &[Column::Name("i.policy")],
            Self::OpenedAt => &[Column::Number("i.opened_at")],
            Self::Text => &[Column::Text("i.title"), Column::Text("i.description")],
        }
    }
}

/// A column of a delivery's last attempt.
macro_rules! last_attempt {
    ($column:literal) => {
        concat!(
            "(SELECT a.",
            $column,
            " FROM attempt AS a WHERE a.delivery = d.id AND a.number = d.attempts)"
        )
    };
}

impl Columns for DeliveryField {
    fn columns(self, _: Dialect) -> &'static [Column] {
        match self {
            Self::State => &[Column::Name("d.state")],
            Self::Channel => &[Column::Name("d.channel")],
            Self::Recipient => &[Column::Name("d.recipient")],
            Self::Incident => &[Column::Number("d.incident")],
            Self::Error => &[
                Column::Name("d.dead_reason"),
                Column::Name("d.last_outcome"),
                Column::Name(last_attempt!("code")),
                Column::Text(last_attempt!("detail")),
            ],
            Self::Kind => &[Column::Name("d.kind")],
            Self::Source => &[Column::Name(
                "(SELECT e.source FROM notification AS n JOIN event AS e ON e.id = n.event \
                 WHERE n.id = d.notification)",
            )],
            Self::CreatedAt => &[Column::Number("d.created_at")],
            Self::UpdatedAt => &[Column::Number("d.updated_at")],
            Self::Letter => &[Column::Name("CASE WHEN d.settled_at IS NULL THEN 'open' ELSE 'settled' END")],
            Self::Call => &[Column::Name(
                "CASE WHEN d.kind IN ('opened', 'reopened', 'escalated', 'updated') \
                 AND (SELECT i.calls FROM incident AS i WHERE i.number = d.incident) = 'off' \
                 THEN 'over' ELSE 'live' END",
            )],
            Self::Text => &[Column::Text("d.recipient"), Column::Text(last_attempt!("detail"))],
        }
    }
}

impl Columns for LetterField {
    fn columns(self, _: Dialect) -> &'static [Column] {
        match self {
            Self::Source => &[Column::Name("l.source")],
            Self::Error => &[Column::Name("l.reason"), Column::Text("l.detail")],
            Self::Reason => &[Column::Name("l.reason")],
            Self::QuarantinedAt => &[Column::Number("l.quarantined_at")],
            Self::Text => &[Column::Text("l.detail")],
        }
    }
}

impl Columns for EventField {
    fn columns(self, dialect: Dialect) -> &'static [Column] {
        match (self, dialect) {
            (Self::Source, _) => &[Column::Name("e.source")],
            (Self::Incident, _) => &[Column::Number("e.incident")],
            (Self::Decision, _) => &[Column::Name("e.decision")],
            (Self::ReceivedAt, _) => &[Column::Number("e.received_at")],
            (Self::Text, Dialect::Sqlite) => &[Column::Text("CAST(e.raw AS TEXT)")],
            // An event is JSON, so its bytes are UTF-8.
            (Self::Text, Dialect::Postgres) => &[Column::Text("convert_from(e.raw, 'UTF8')")],
        }
    }
}

/// Adds every condition of `query`.
pub(super) fn conditions<F: Columns>(mut ask: Ask, query: &Query<F>, dialect: Dialect) -> Ask {
    for term in query.terms() {
        ask = test(ask.push(" AND ("), &term.test, dialect).push(match term.sense {
            Sense::Is => ")",
            // What is not there fits nothing.
            Sense::IsNot => ") IS NOT TRUE",
        });
    }
    ask
}

fn test<F: Columns>(ask: Ask, test: &Test<F>, dialect: Dialect) -> Ask {
    match test {
        Test::OneOf(field, words) => ask.each(field.columns(dialect), " OR ", |ask, column| {
            ask.push(column.expression()).push(" IN (").words(words.iter().copied()).push(")")
        }),
        Test::Like(field, globs) => ask.each(field.columns(dialect), " OR ", |ask, column| {
            ask.each(globs, " OR ", |ask, glob| like(ask, *column, glob, dialect))
        }),
        Test::Label(name, globs) => ask.each(globs, " OR ", |ask, glob| label(ask, name, glob, dialect)),
        Test::Number(field, numbers) => ask.each(field.columns(dialect), " OR ", |ask, place| {
            ask.each(numbers, " OR ", |ask, number| {
                ask.push(place.expression()).push(" = ").number(column(*number))
            })
        }),
        Test::Time(field, side, moment) => ask.each(field.columns(dialect), " OR ", |ask, place| {
            let operator = match side {
                Side::Before => " < ",
                Side::Since => " >= ",
            };
            ask.push(place.expression()).push(operator).number(moment.as_millisecond())
        }),
    }
}

fn like(ask: Ask, column: Column, glob: &Glob, dialect: Dialect) -> Ask {
    match (column, glob.as_literal()) {
        (Column::Text(expression), _) => {
            let ask = ask.push("lower(").push(expression);
            let ask = ask.push(match dialect {
                // It knows no letters but those of ASCII.
                Dialect::Sqlite => ")",
                Dialect::Postgres => " COLLATE \"C\")",
            });
            pattern(ask, &glob.within(), dialect)
        }
        (_, Some(text)) => ask.push(column.expression()).push(" = ").text(text),
        (_, None) => pattern(ask.push(column.expression()), glob, dialect),
    }
}

fn label(ask: Ask, name: &str, glob: &Glob, dialect: Dialect) -> Ask {
    let ask = match dialect {
        // A name in a query has no quote and no backslash.
        Dialect::Sqlite => ask.push("json_extract(i.labels, ").text(format!("$.\"{name}\"")).push(")"),
        Dialect::Postgres => ask.push("(i.labels::json ->> ").text(name).push(")"),
    };
    match glob.as_literal() {
        Some(text) => ask.push(" = ").text(text),
        None => pattern(ask, glob, dialect),
    }
}

fn pattern(ask: Ask, glob: &Glob, dialect: Dialect) -> Ask {
    match dialect {
        Dialect::Sqlite => ask.push(" GLOB ").text(escaped(glob, "*", |letter| match letter {
            '*' | '?' | '[' => format!("[{letter}]"),
            _ => letter.to_string(),
        })),
        Dialect::Postgres => ask.push(" LIKE ").text(escaped(glob, "%", |letter| match letter {
            '%' | '_' | '\\' => format!("\\{letter}"),
            _ => letter.to_string(),
        })),
    }
}

fn escaped(glob: &Glob, gap: &str, escape: impl Fn(char) -> String) -> String {
    let parts = glob.parts().iter().map(|part| part.chars().map(&escape).collect::<String>());
    parts.collect::<Vec<_>>().join(gap)
}
