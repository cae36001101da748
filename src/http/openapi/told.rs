//! What a route says of itself: what it takes and what it answers, by the types that really do.
//!
//! What every route takes and may answer is not said here again: [`super::document`] adds it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::tables::{self, Named};
use crate::domain::record::Section;

/// Where a route stands in the reference. The words stay: generated clients are named after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "said in `about`")]
pub enum Tag {
    Events,
    Incidents,
    Deliveries,
    DeadLetters,
    Routing,
    Templates,
    People,
    Ways,
    Access,
    Upkeep,
    OtherSystems,
}

impl Tag {
    pub(super) const ALL: [Self; 11] = [
        Self::Events,
        Self::Incidents,
        Self::Deliveries,
        Self::DeadLetters,
        Self::Routing,
        Self::Templates,
        Self::People,
        Self::Ways,
        Self::Access,
        Self::Upkeep,
        Self::OtherSystems,
    ];

    pub(super) fn name(self) -> &'static str {
        self.about().0
    }

    /// Its name, and what is found under it.
    pub(super) fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::Events => ("Events", "What came in, and what comes of it as it happens."),
            Self::Incidents => ("Incidents", "What is wrong, who has it, and what people do about it."),
            Self::Deliveries => ("Deliveries", "Who was told what on which way, and what came of it."),
            Self::DeadLetters => {
                ("Dead letters", "What could not be delivered or understood, alone and in bulk.")
            }
            Self::Routing => ("Routing", "Who would hear of what, and when nobody does."),
            Self::Templates => {
                ("Templates", "The words of messages: what is built in, and what is said instead.")
            }
            Self::People => ("People", "Users and teams, and who is on call."),
            Self::Ways => ("Ways", "Sources and channels: how they are, shutting and trying them."),
            Self::Access => ("Access", "Tokens, and who did what."),
            Self::Upkeep => ("Upkeep", "The process itself: how it stands, its configuration, its log."),
            Self::OtherSystems => (
                "Other systems",
                "The requests of systems that Foghorn takes over from, answered as they were.",
            ),
        }
    }
}

/// What is said of a route.
pub(in crate::http) struct Told {
    pub(super) tag: Tag,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) say: fn(Say) -> Say,
}

impl Told {
    pub(in crate::http) fn new(
        tag: Tag,
        id: &'static str,
        summary: &'static str,
        say: fn(Say) -> Say,
    ) -> Self {
        Self { tag, id, summary, say }
    }
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) enum Kind {
    Text,
    /// RFC 3339
    Moment,
    /// From, to.
    Count(u64, u64),
    /// One of these.
    Word(fn() -> Vec<&'static str>),
    /// Some of these, with commas between.
    Words(fn() -> Vec<&'static str>),
    /// It is there, or it is not.
    Flag,
}

/// A parameter of the query, or a header: its name, what it may be, and what for.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Ask(
    pub(in crate::http) &'static str,
    pub(in crate::http) Kind,
    pub(in crate::http) &'static str,
);

impl Ask {
    /// As the document has it; `place` is `query` or `header`.
    pub(super) fn written(&self, place: &str) -> Value {
        let Self(name, kind, says) = self;
        let schema = match kind {
            Kind::Text | Kind::Flag => json!({ "type": "string" }),
            Kind::Moment => json!({ "type": "string", "format": "date-time" }),
            Kind::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Kind::Word(words) => json!({ "type": "string", "enum": words() }),
            Kind::Words(words) => json!({ "type": "array", "items": { "type": "string", "enum": words() } }),
        };
        let mut written = json!({ "name": name, "in": place, "description": says, "schema": schema });
        match kind {
            Kind::Words(_) => written["explode"] = false.into(),
            Kind::Flag => written["allowEmptyValue"] = true.into(),
            _ => {}
        }
        written
    }
}

/// A body that is taken.
pub(super) struct Taken {
    pub(super) required: bool,
    pub(super) types: Vec<String>,
    pub(super) example: Value,
}

/// What a route takes and answers, as far as it is its own.
#[derive(Default)]
pub(in crate::http) struct Say {
    /// For each part of the path that is named there: its schema, and what it is.
    pub(super) by: Vec<(Value, &'static str)>,
    pub(super) asks: Vec<Ask>,
    pub(super) wants: Vec<Ask>,
    pub(super) takes: Option<Taken>,
    /// By status and content type: names of types, or none for text.
    pub(super) answers: BTreeMap<u16, BTreeMap<&'static str, Vec<String>>>,
    pub(super) refuses: Vec<u16>,
    /// Types by their names.
    pub(super) types: Vec<(String, RefOr<Schema>)>,
    /// Tables of the configuration by theirs.
    pub(super) tables: Vec<Named>,
}

const JSON: &str = "application/json";

impl Say {
    /// The next named part of the path is a `T`.
    pub(in crate::http) fn by<T: ToSchema>(mut self, says: &'static str) -> Self {
        T::schemas(&mut self.types);
        self.by.push((written(&T::schema()), says));
        self
    }

    /// The next named part of the path is one of these words.
    pub(in crate::http) fn by_word(mut self, words: &[&str], says: &'static str) -> Self {
        self.by.push((json!({ "type": "string", "enum": words }), says));
        self
    }

    /// Parameters of the query.
    pub(in crate::http) fn asks(mut self, asks: &[Ask]) -> Self {
        self.asks.extend_from_slice(asks);
        self
    }

    /// Headers that make a difference.
    pub(in crate::http) fn wants(mut self, asks: &[Ask]) -> Self {
        self.wants.extend_from_slice(asks);
        self
    }

    /// A body, with one that can really be sent. Said twice, it takes either.
    pub(in crate::http) fn takes<T: ToSchema>(mut self, example: Value) -> Self {
        let name = self.knows::<T>();
        let taken = self.takes.get_or_insert(Taken { required: true, types: Vec::new(), example });
        taken.types.push(name);
        self
    }

    /// A table of the configuration under a name of its own.
    pub(in crate::http) fn takes_new(mut self, section: Section, example: Value) -> Self {
        self.tables.push(tables::whole(section));
        self.takes_table(tables::new(section), example)
    }

    /// A table of the configuration, or what of it is to be something else.
    pub(in crate::http) fn takes_one(self, section: Section, example: Value) -> Self {
        self.takes_table(tables::whole(section), example)
    }

    fn takes_table(mut self, table: Named, example: Value) -> Self {
        self.takes = Some(Taken { required: true, types: vec![table.0.clone()], example });
        self.tables.push(table);
        self
    }

    /// A body that may be left out.
    pub(in crate::http) fn may_take<T: ToSchema>(self, example: Value) -> Self {
        let mut say = self.takes::<T>(example);
        if let Some(taken) = &mut say.takes {
            taken.required = false;
        }
        say
    }

    /// A body that its sender's rules are for.
    pub(in crate::http) fn takes_anything(mut self) -> Self {
        self.takes = Some(Taken { required: false, types: Vec::new(), example: Value::Null });
        self
    }

    /// It is answered with this status and a `T`. Said twice of a status, it is either.
    pub(in crate::http) fn answers<T: ToSchema>(mut self, status: u16) -> Self {
        let name = self.knows::<T>();
        self.answers.entry(status).or_default().entry(JSON).or_default().push(name);
        self
    }

    /// It is answered with text of this type.
    pub(in crate::http) fn answers_text(mut self, status: u16, content_type: &'static str) -> Self {
        self.answers.entry(status).or_default().entry(content_type).or_default();
        self
    }

    /// It is answered with this status alone.
    pub(in crate::http) fn answers_nothing(mut self, status: u16) -> Self {
        self.answers.entry(status).or_default();
        self
    }

    /// It may be refused with these, beside those that every such route may be refused with.
    pub(in crate::http) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refuses.extend_from_slice(statuses);
        self
    }

    fn knows<T: ToSchema>(&mut self) -> String {
        let name = T::name().into_owned();
        self.types.push((name.clone(), T::schema()));
        T::schemas(&mut self.types);
        name
    }
}

/// A schema as JSON. It is made of texts and numbers, so there is always one.
pub(super) fn written(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}
