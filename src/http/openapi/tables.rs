//! The tables of the configuration that the API takes as bodies, drawn from the configuration's own schema:
//! each key with its type, its bounds, what is usual and what the reference says of it. So the two cannot
//! part, and a new key is described with its row there.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::config::json_schema;
use crate::domain::record::Section;

/// A schema under its name.
pub(super) type Named = (String, Value);

static CONFIGURATION: LazyLock<Value> = LazyLock::new(json_schema);

/// One of the section as it stands in a file, where `null` says that something does not stand there.
pub(super) fn whole(section: Section) -> Named {
    let named = &CONFIGURATION["properties"][section.as_str()];
    let one = [&named["additionalProperties"], &named["items"]].into_iter().find(|schema| schema.is_object());
    let mut schema = one.cloned().unwrap_or_default();
    loosen(&mut schema);
    schema["description"] =
        "As its table in the configuration file; of a patch, what of it is to be something else (RFC 7386)."
            .into();
    if section == Section::Routes {
        let place = "Where it stands among the stored ones: lower goes before, and without one it is last.";
        schema["properties"]["position"] =
            json!({ "type": ["integer", "null"], "format": "int64", "description": place });
        schema["properties"]["name"]["description"] = "As in the address, if it is said at all.".into();
    }
    (format!("{}Table", capital(section)), schema)
}

/// Another one, with its name.
pub(super) fn new(section: Section) -> Named {
    let named = &CONFIGURATION["properties"][section.as_str()]["propertyNames"]["pattern"];
    let mut name = json!({ "type": "string", "minLength": 1, "maxLength": 64, "description": "Its name." });
    if named.is_string() {
        name["pattern"] = named.clone();
    }
    let schema = json!({
        "type": "object",
        "required": ["name", "document"],
        "properties": {
            "name": name,
            "document": { "$ref": format!("#/components/schemas/{}", whole(section).0) },
        },
        "additionalProperties": false,
    });
    (format!("New{}", capital(section)), schema)
}

/// Whatever may be there may also not be there, or be taken away; a list is one thing.
fn loosen(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for one in properties.values_mut() {
        loosen(one);
        let mut inner = one.take();
        let remark = inner.as_object_mut().and_then(|words| words.remove("description"));
        let mut loose = Map::from_iter([("anyOf".to_owned(), json!([inner, { "type": "null" }]))]);
        loose.extend(remark.map(|remark| ("description".to_owned(), remark)));
        *one = Value::Object(loose);
    }
}

fn capital(section: Section) -> String {
    let mut letters = section.one().chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_the_keys_that_the_configuration_reads() {
        for (section, key) in [
            (Section::Users, "email"),
            (Section::Teams, "rotation"),
            (Section::Policies, "steps"),
            (Section::Routes, "match"),
            (Section::Silences, "until"),
        ] {
            let (name, schema) = whole(section);
            assert!(schema["properties"][key].is_object(), "{name} has no {key}: {schema}");
            assert_eq!(schema["additionalProperties"], false, "{name}");
            assert_eq!(schema["properties"][key]["anyOf"][1], json!({ "type": "null" }), "{name}");
        }
    }
}
