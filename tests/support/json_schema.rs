//! As much of JSON Schema as our own schema is made of; a word it does not know is an error.

use serde_json::Value;

/// Everything in `value` that does not fit, each with its place.
pub(crate) fn misfits(root: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(root, root, value, "", &mut found);
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
        name => panic!("{name} is no type"),
    }
}

/// The patterns of ours, by hand.
fn matches(pattern: &str, text: &str) -> bool {
    if pattern.starts_with("^labels") {
        return text.starts_with("labels.");
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
