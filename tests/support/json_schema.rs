//! As much of JSON Schema as our own schema is made of; a word it does not know is an error.

use std::str::FromStr;

use serde_json::Value;

/// Everything in `value` that does not fit, each with its place.
pub(crate) fn misfits(root: &Value, value: &Value) -> Vec<String> {
    misfits_of(root, root, value)
}

/// The same of one schema in a document.
pub(crate) fn misfits_of(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(root, schema, value, "", &mut found);
    found
}

fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut found = Vec::new();
    check(root, schema, value, "", &mut found);
    found.is_empty()
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let Some(words) = schema.as_object() else {
        assert_eq!(schema, &Value::Bool(false), "{place}");
        return found.push(format!("{place} is not allowed"));
    };
    for (word, rule) in words {
        match word.as_str() {
            "$schema" | "title" | "description" | "default" | "definitions" | "then" => {}
            "example" | "examples" => {}
            "allOf" => rule.as_array().unwrap().iter().for_each(|one| check(root, one, value, place, found)),
            "if" if fits(root, rule, value) => check(root, &words["then"], value, place, found),
            "if" => {}
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{place}[{index}]"), found);
                }
            }
            "properties" | "additionalProperties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    let own = words.get("properties").and_then(|known| known.get(key));
                    let rule = if word == "properties" { own } else { Some(rule).filter(|_| own.is_none()) };
                    if let Some(rule) = rule {
                        check(root, rule, inner, &format!("{place}.{key}"), found);
                    }
                }
            }
            _ if holds(root, word, rule, value) => {}
            _ => found.push(format!("{place}: {word}")),
        }
    }
}

/// Does one word hold of the value itself? Words about values of another type hold.
fn holds(root: &Value, word: &str, rule: &Value, value: &Value) -> bool {
    let (text, number, table) = (value.as_str(), value.as_f64(), value.as_object());
    let count = rule.as_u64().unwrap_or_default();
    match word {
        "$ref" => {
            let target = rule.as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
            fits(root, target.unwrap_or_else(|| panic!("{rule} leads nowhere")), value)
        }
        "type" => match rule {
            Value::Array(types) => types.iter().any(|name| is(name, value)),
            name => is(name, value),
        },
        "enum" => rule.as_array().unwrap().contains(value),
        "const" => rule == value,
        "minimum" => number.is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => number.is_none_or(|number| number <= rule.as_f64().unwrap()),
        "format" => text.is_none_or(|text| is_written_as(rule.as_str().unwrap(), text)),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= count),
        "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= count),
        "maxLength" => text.is_none_or(|text| text.chars().count() as u64 <= count),
        "oneOf" => rule.as_array().unwrap().iter().filter(|one| fits(root, one, value)).count() == 1,
        "minLength" => text.is_none_or(|text| text.len() as u64 >= count),
        "minProperties" => table.is_none_or(|table| table.len() as u64 >= count),
        "maxProperties" => table.is_none_or(|table| table.len() as u64 <= count),
        "pattern" => text.is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        "anyOf" => rule.as_array().unwrap().iter().any(|one| fits(root, one, value)),
        "required" => table.is_none_or(|table| {
            rule.as_array().unwrap().iter().all(|key| table.contains_key(key.as_str().unwrap()))
        }),
        "propertyNames" => {
            table.is_none_or(|table| table.keys().all(|key| fits(root, rule, &key.as_str().into())))
        }
        word => panic!("{word} is not understood here"),
    }
}

fn is(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        name => panic!("{name} is no type"),
    }
}

fn is_written_as(format: &str, text: &str) -> bool {
    match format {
        "date-time" => jiff::Timestamp::from_str(text).is_ok(),
        // Of numbers, which are of another type.
        "int32" | "int64" | "float" | "double" => true,
        format => panic!("{format} is no format known here"),
    }
}

/// Fields in `value` that `schema` says nothing of, each with its place.
pub(crate) fn strangers(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(root, &[schema], value, "", &mut found);
    found
}

fn look(root: &Value, schemas: &[&Value], value: &Value, place: &str, found: &mut Vec<String>) {
    let mut parts = Vec::new();
    schemas.iter().for_each(|schema| gather(root, schema, value, &mut parts));
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        let items: Vec<&Value> = parts.iter().filter_map(|part| part.get("items")).collect();
        look(root, &items, item, &format!("{place}[{index}]"), found);
    }
    let says_all = parts.iter().any(|part| part.get("properties").is_some());
    for (key, inner) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{key}");
        let own: Vec<&Value> =
            parts.iter().filter_map(|part| part.get("properties").and_then(|known| known.get(key))).collect();
        let others = || parts.iter().filter_map(|part| part.get("additionalProperties"));
        let others: Vec<&Value> = others().filter(|rule| rule.is_object()).collect();
        match (own.as_slice(), others.as_slice()) {
            ([], []) if says_all => found.push(format!("{place} is not in the schema")),
            ([], others) => look(root, others, inner, &place, found),
            (own, _) => look(root, own, inner, &place, found),
        }
    }
}

/// All that says something of `value`: behind references, and in those branches that fit.
fn gather<'a>(root: &'a Value, schema: &'a Value, value: &Value, parts: &mut Vec<&'a Value>) {
    parts.push(schema);
    if let Some(path) = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        gather(root, root.pointer(path).unwrap_or_else(|| panic!("{path} leads nowhere")), value, parts);
    }
    let list = |word: &str| schema[word].as_array().into_iter().flatten();
    list("allOf").for_each(|one| gather(root, one, value, parts));
    let fitting = list("oneOf").chain(list("anyOf")).filter(|one| fits(root, one, value));
    fitting.for_each(|one| gather(root, one, value, parts));
}

/// The patterns of ours, by hand.
fn matches(pattern: &str, text: &str) -> bool {
    // An id: its prefix, and a ULID.
    if let Some(prefix) =
        pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix("_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))
    {
        let ulid = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
        let letter =
            |letter: char| letter.is_ascii_digit() || letter.is_ascii_uppercase() && !"ILOU".contains(letter);
        return ulid.is_some_and(|ulid| {
            ulid.len() == 26
                && ulid.starts_with(|first| ('0'..='7').contains(&first))
                && ulid.chars().all(letter)
        });
    }
    if pattern.ends_with("/(s|m|min)$") {
        let (count, unit) = text.split_once('/').unwrap_or_default();
        return count.parse::<u32>().is_ok_and(|count| count > 0) && ["s", "m", "min"].contains(&unit);
    }
    if pattern.starts_with("^labels") {
        return text.starts_with("labels.");
    }
    if pattern.starts_with("^[0-9]{4}") {
        return jiff::civil::Date::from_str(text.get(..10).unwrap_or_default()).is_ok();
    }
    if pattern.starts_with("^[0-9]{2}:") {
        return jiff::civil::Time::from_str(text).is_ok();
    }
    let (number, unit) =
        text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    if pattern.contains("iB") {
        let units = ["B", "kB", "MB", "GB", "KiB", "MiB", "GiB"];
        !number.is_empty() && units.contains(&unit.trim_start())
    } else if pattern.ends_with("/[smh]$") {
        !number.is_empty() && !number.starts_with('0') && ["/s", "/m", "/h"].contains(&unit)
    } else if pattern.contains('µ') {
        !number.is_empty() && unit.ends_with(|letter: char| letter.is_alphabetic())
    } else {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        (1..=64).contains(&text.len()) && text.chars().all(plain)
    }
}
