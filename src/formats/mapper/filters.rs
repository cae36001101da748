//! What expressions are evaluated in: the filters and the tests there are, none of which makes more than it was
//! given, or what is bounded besides.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, filters, tests as checks};

/// Instructions one expression may take.
const FUEL: u64 = 10_000;
/// The longest that a filter makes of many texts, bytes.
const LONGEST: usize = 256 << 10;

/// What expressions are evaluated in: the same for all, since none can change it.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut all = Environment::empty();
    all.set_undefined_behavior(UndefinedBehavior::Strict);
    all.set_fuel(Some(FUEL));
    all.set_debug(false);
    all.add_filter("lower", filters::lower);
    all.add_filter("upper", filters::upper);
    all.add_filter("title", filters::title);
    all.add_filter("capitalize", filters::capitalize);
    all.add_filter("trim", filters::trim);
    all.add_filter("lines", filters::lines);
    all.add_filter("split", filters::split);
    all.add_filter("replace", replaced);
    all.add_filter("join", joined);
    all.add_filter("truncate", truncated);
    all.add_filter("urlencode", filters::urlencode);
    all.add_filter("string", filters::string);
    all.add_filter("int", filters::int);
    all.add_filter("float", filters::float);
    all.add_filter("round", filters::round);
    all.add_filter("abs", filters::abs);
    all.add_filter("length", filters::length);
    all.add_filter("first", filters::first);
    all.add_filter("last", filters::last);
    all.add_filter("list", filters::list);
    all.add_filter("unique", filters::unique);
    all.add_filter("sort", filters::sort);
    all.add_filter("items", filters::items);
    all.add_filter("attr", filters::attr);
    all.add_filter("map", attributes);
    all.add_filter("selectattr", filters::selectattr);
    all.add_filter("rejectattr", filters::rejectattr);
    all.add_filter("default", filters::default);
    all.add_filter("object", object);
    all.add_filter("hex", hexadecimal);
    all.add_filter("tojson", |value: &Value| serde_json::to_string(value).unwrap_or_default());
    all.add_test("defined", checks::is_defined);
    all.add_test("undefined", checks::is_undefined);
    all.add_test("none", checks::is_none);
    all.add_test("string", checks::is_string);
    all.add_test("number", checks::is_number);
    all.add_test("boolean", checks::is_boolean);
    all.add_test("mapping", checks::is_mapping);
    all.add_test("sequence", checks::is_sequence);
    all.add_test("startingwith", checks::is_startingwith);
    all.add_test("endingwith", checks::is_endingwith);
    all.add_test("eq", checks::is_eq);
    all.add_test("equalto", checks::is_eq);
    all.add_test("ne", checks::is_ne);
    all.add_test("in", checks::is_in);
    all.add_test("true", checks::is_true);
    all
});

/// The filters there are.
pub(super) const FILTERS: [&str; 31] = [
    "lower",
    "upper",
    "title",
    "capitalize",
    "trim",
    "lines",
    "split",
    "replace",
    "join",
    "truncate",
    "urlencode",
    "string",
    "int",
    "float",
    "round",
    "abs",
    "length",
    "first",
    "last",
    "list",
    "unique",
    "sort",
    "items",
    "attr",
    "map",
    "selectattr",
    "rejectattr",
    "default",
    "object",
    "hex",
    "tojson",
];

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("makes more than {LONGEST} bytes"))
}

/// As MiniJinja's own, but bounded: between each two letters of a long text a long one could be put.
fn replaced(text: &Value, from: &Value, to: &Value) -> Result<String, Error> {
    let (text, from, to) = (there(text)?, there(from)?, there(to)?);
    let times = text.matches(&from).count();
    let grown = times.saturating_mul(to.len()).saturating_add(text.len());
    if grown > LONGEST { Err(too_long()) } else { Ok(text.replace(&from, &to)) }
}

/// As MiniJinja's own, but bounded.
fn joined(list: &Value, between: Option<&str>) -> Result<String, Error> {
    let mut text = String::new();
    if list.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    for (at, item) in list.try_iter()?.enumerate() {
        if at > 0 {
            text.push_str(between.unwrap_or_default());
        }
        text.push_str(&item.to_string());
        if text.len() > LONGEST {
            return Err(too_long());
        }
    }
    Ok(text)
}

/// The beginning of a text, so many characters of it at the most.
fn truncated(text: &Value, most: usize) -> Result<String, Error> {
    let text = there(text)?;
    Ok(match text.char_indices().nth(most) {
        None => text,
        Some(_) => {
            let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(end, _)| end);
            format!("{}…", text[..end].trim_end())
        }
    })
}

/// An object of a list of pairs: `[{"key": "env", "value": "prod"}]`, or with other names for the two.
fn object(list: &Value, key: Option<&str>, value: Option<&str>) -> Result<Value, Error> {
    if list.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let (key, value) = (key.unwrap_or("key"), value.unwrap_or("value"));
    let mut object = BTreeMap::new();
    for pair in list.try_iter()? {
        let (key, value) = (pair.get_attr(key)?, pair.get_attr(value)?);
        if !key.is_undefined() && !value.is_undefined() {
            object.insert(key.to_string(), value);
        }
    }
    Ok(Value::from(object))
}

/// A whole number of up to 64 bits, or a text of its digits, as 16 hexadecimal digits.
fn hexadecimal(number: &Value) -> Result<String, Error> {
    let text = there(number)?;
    let number = text
        .parse::<u64>()
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "hex is of a whole number of up to 64 bits"))?;
    Ok(format!("{number:016x}"))
}

/// A value as a text, if there is one.
fn there(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// One attribute of each item.
fn attributes(list: &Value, how: Kwargs) -> Result<Vec<Value>, Error> {
    if list.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let name: Value = how.get("attribute")?;
    how.assert_all_used()?;
    list.try_iter()?.map(|item| item.get_item(&name)).collect()
}
