//! The configuration's JSON Schema, for editors that complete and check as one types. Made of the
//! tables that the check itself reads, so the two know the same keys; remarks and defaults are the
//! reference's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::load::defaults;
use super::remarks::remarks;
use super::report::is_secret;
use super::schema::{CHANNEL, FIELDS, Key, Kind, ROOT, SOURCES, Section, SourceType, join, source_keys};
use super::secrets::ROOMS;
use crate::channels::CHANNELS;

/// The schema, in the words of draft 7, which editors for TOML know best. It knows less than the
/// check: not what one value says of another, nor which keys a provider cannot do without.
pub fn json_schema() -> Value {
    let usual = toml::Value::Table(defaults().to_toml());
    let drawing = Drawing { remarks: remarks(), usual };
    let mut schema = drawing.section("", &ROOT);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Foghorn's configuration");
    schema["definitions"] = json!({
        "elsewhere": {
            "description": "Where a secret is: in a variable, in a file, or handed over by systemd.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
            "properties": {
                "env": { "type": "string", "minLength": 1 },
                "file": { "type": "string", "minLength": 1 },
                "credential": { "type": "string", "minLength": 1 },
            },
        },
    });
    schema
}

const DURATION: Kind = Kind::Duration(1, 3_600_000);

struct Drawing {
    remarks: BTreeMap<String, String>,
    usual: toml::Value,
}

impl Drawing {
    fn section(&self, path: &str, section: &'static Section) -> Value {
        self.object(path, section.keys)
    }

    fn object(&self, path: &str, keys: &[Key]) -> Value {
        let properties: Map<String, Value> =
            keys.iter().map(|key| (key.name.to_owned(), self.key(&join(path, key.name), key.kind))).collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    /// What may stand behind a key, with what the reference says of it.
    fn key(&self, path: &str, kind: Kind) -> Value {
        let mut schema = self.kind(path, kind);
        if let Some(remark) = self.remarks.get(path) {
            schema["description"] = json!(remark);
        }
        let usual = path.split('.').try_fold(&self.usual, |table, key| table.get(key));
        if let Some(usual) = usual.filter(|usual| !usual.is_table()) {
            schema["default"] = json!(usual);
        }
        schema
    }

    fn kind(&self, path: &str, kind: Kind) -> Value {
        let elsewhere = json!({ "$ref": "#/definitions/elsewhere" });
        let room = path.split('.').next().unwrap_or_default();
        match kind {
            Kind::Text if ROOMS.contains(&room) => json!({ "anyOf": [{ "type": "string" }, elsewhere] }),
            Kind::Text => json!({ "type": "string" }),
            Kind::Secret => json!({ "anyOf": [elsewhere, { "type": "string", "minLength": 1 }] }),
            Kind::Word(known, _) => json!({ "enum": known }),
            Kind::Switch => json!({ "type": "boolean" }),
            Kind::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
            Kind::Duration(..) => {
                json!({ "type": "string", "pattern": r"^\s*([0-9]+\s*[A-Za-zµ]+\s*)+$" })
            }
            Kind::Rate => json!({ "type": "string", "pattern": "^[1-9][0-9]*/[smh]$" }),
            Kind::Size(..) => json!({ "type": "string", "pattern": "^[0-9]+ *(B|[kMG]B|[KMG]iB)$" }),
            Kind::Moment => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?$" }),
            Kind::Clock => json!({ "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$" }),
            Kind::Zone => json!({ "type": "string", "minLength": 1 }),
            Kind::Switches => {
                json!({ "type": "object", "additionalProperties": { "type": "boolean" } })
            }
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Table(section) => self.section(path, section),
            Kind::Each(section) => json!({ "type": "array", "items": self.section(path, section) }),
            Kind::Named(section) if section.open => named(self.channel(&join(path, "NAME"))),
            Kind::Named(section) => named(self.section(&join(path, "NAME"), section)),
            Kind::Sources => self.sources(&join(path, "NAME")),
            Kind::Words(words) => {
                json!({ "type": "object", "additionalProperties": { "enum": words } })
            }
            Kind::Properties => {
                let plain = json!({ "type": ["string", "number", "boolean"] });
                json!({ "type": "object", "additionalProperties": { "anyOf": [plain, elsewhere] } })
            }
            Kind::Patterns => json!({ "type": ["string", "array", "object"] }),
            Kind::Mapped => json!({ "type": ["string", "number", "boolean", "array", "object"] }),
            Kind::Match => {
                let texts = json!({ "type": "array", "items": { "type": "string" } });
                let one = json!({ "anyOf": [{ "type": "string" }, texts] });
                let fields: Map<String, Value> =
                    FIELDS.iter().map(|field| ((*field).to_owned(), one.clone())).collect();
                let names = FIELDS.iter().copied().chain(["labels"]);
                let names = json!([{ "enum": names.collect::<Vec<_>>() }, { "pattern": r"^labels\." }]);
                // `labels.env` without quotes is a table in a table.
                let label = json!({ "anyOf": [one, { "type": "object" }] });
                json!({
                    "type": "object",
                    "properties": fields,
                    "propertyNames": { "anyOf": names },
                    "additionalProperties": label,
                })
            }
        }
    }

    /// A source has the keys of its type; `api` needs none to be named.
    fn sources(&self, path: &str) -> Value {
        let mut source = self.object(path, &source_keys());
        let rule = |kind: &SourceType| {
            let names: Vec<_> = kind.section.names().collect();
            let needs: Vec<_> = kind.needs.iter().map(|(key, _)| key).collect();
            let mut then = json!({ "propertyNames": { "enum": names } });
            if !needs.is_empty() {
                then["required"] = json!(needs);
            }
            when(json!({ "type": kind.name }), then)
        };
        source["allOf"] = SOURCES.iter().map(rule).collect();
        let api = source.clone();
        source["required"] = json!(["type"]);
        let mut sources = named(source);
        sources["properties"] = json!({ "api": api });
        sources
    }

    /// A channel has the keys that every channel has, and those of its provider.
    fn channel(&self, path: &str) -> Value {
        let mut schema = self.section(path, &CHANNEL);
        let (mut providers, mut rules) = (BTreeSet::new(), Vec::new());
        for known in CHANNELS {
            let name = known.name();
            let of_type = json!({ "properties": { "provider": { "enum": known.providers() } } });
            rules.push(when(json!({ "type": name }), of_type));
            for provider in known.providers() {
                providers.insert(provider);
                let own = known.keys(provider);
                for key in own {
                    schema["properties"][*key] = self.providers_key(path, key);
                }
                let names: Vec<&str> = CHANNEL.names().chain(own.iter().copied()).collect();
                let both = json!({ "type": name, "provider": provider });
                rules.push(when(both, json!({ "propertyNames": { "enum": names } })));
            }
        }
        let types: Vec<_> = CHANNELS.iter().map(|known| known.name()).collect();
        schema["properties"]["type"]["enum"] = json!(types);
        schema["properties"]["provider"]["enum"] = json!(providers);
        schema["required"] = json!(["type", "provider"]);
        schema["allOf"] = json!(rules);
        schema
    }

    /// Providers name their keys and check the values themselves.
    fn providers_key(&self, path: &str, key: &str) -> Value {
        let path = join(path, key);
        if is_secret(key) {
            self.key(&path, Kind::Secret)
        } else if key == "timeout" {
            self.key(&path, DURATION)
        } else {
            let mut schema = json!({});
            if let Some(remark) = self.remarks.get(&path) {
                schema["description"] = json!(remark);
            }
            schema
        }
    }
}

/// Tables that the operator names.
fn named(schema: Value) -> Value {
    let names = json!({ "pattern": "^[A-Za-z0-9_.-]{1,64}$" });
    json!({ "type": "object", "propertyNames": names, "additionalProperties": schema })
}

/// If these keys have these values, then.
fn when(values: Value, then: Value) -> Value {
    let mut properties = Map::new();
    if let Value::Object(values) = values {
        for (key, value) in values {
            properties.insert(key, json!({ "const": value }));
        }
    }
    let keys: Vec<_> = properties.keys().cloned().collect();
    json!({ "if": { "properties": properties, "required": keys }, "then": then })
}
