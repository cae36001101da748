//! Paths and queries that cannot be.

use serde_json::Value;

use super::cells::{Ask, Cell, Place, Refused};

/// What no id, no number and no name can be, written as a path may be written.
fn impossible() -> Vec<String> {
    let long = "x".repeat(10_240);
    let texts = [
        "%00",
        "a%00b",
        "%ff",
        "%c3%28",
        "%ed%a0%80",
        "%f",
        "..",
        ".",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "a%2fb",
        "%27%3b%20DROP%20TABLE%20event%3b--",
        "%f0%9f%94%a5",
        "e%cc%81",
        "cr%c4%b1tical",
        "%20",
        "a%20b",
        "a%0d%0ab",
        "a;jsessionid=1",
        "%3cscript%3e",
        "%7b%7b7*7%7d%7d",
        "%e2%80%ae",
        &long,
    ];
    texts.map(str::to_owned).to_vec()
}

const NUMBERS: [&str; 6] = ["-1", "18446744073709551616", "1.0", "1e1", "0x1", "%2b1"];

pub(super) fn paths(place: &Place<'_>) -> Vec<Cell> {
    // Its own words, or how it says that there is nothing of this kind.
    let nowhere = || Refused::With(&["FH0707", "FH0708"], Vec::new());
    let at = |target: String| Ask { target, ..place.ask() };
    let mut cells = Vec::new();
    for written in ["/{}", "{}/", "/.{}", "/%2e%2e{}", "{};jsessionid=1/x", "{}/x/y/z"] {
        let target = written.replace("{}", &place.path);
        cells.push(Cell::new(format!("the path {target}"), &at(target), nowhere()));
    }
    let foreign = at(format!("http://evil.example{}", place.path));
    let is_probe = place.operation["responses"].get("421").is_none();
    let refused = if is_probe { Refused::Perhaps } else { Refused::With(&["FH0710"], Vec::new()) };
    cells.push(Cell::new("the address of another server", &foreign, refused));
    for parameter in place.parameters("path") {
        let name = parameter["name"].as_str().unwrap();
        let numbers: &[&str] = if parameter["schema"]["type"] == "integer" { &NUMBERS } else { &[] };
        for value in impossible().into_iter().chain(numbers.iter().map(|number| (*number).to_owned())) {
            let target = with_part(place, name, &value);
            let shown: String = value.chars().take(40).collect();
            // People of other systems are called anything, but not this.
            let nobody = ["%00", "%0d", "%c3%28", "%ed", "%ff"].iter().any(|part| value.contains(part));
            let anybody = place.operation["operationId"] == "show_history" && !nobody && value.len() < 1_000;
            let refused = if anybody { Refused::Perhaps } else { Refused::Somehow };
            cells.push(Cell::new(format!("{name} = {shown}"), &at(target), refused));
        }
    }
    cells
}

/// The path with another value for this part.
fn with_part(place: &Place<'_>, name: &str, value: &str) -> String {
    let whole = format!("{{{name}}}");
    let parts = place.rule.path.split('/').zip(place.path.split('/'));
    let parts: Vec<&str> = parts.map(|(said, usual)| if said == whole { value } else { usual }).collect();
    parts.join("/")
}

/// What no filter is, and what could be the end of somebody who reads it.
const FILTERS: [&str; 8] = [
    "zzzzzzzzzz:1",
    "status:zzzzzzzzzz",
    "age:%3C",
    "age:%3C99999999999999999999d",
    "%22",
    "%00",
    "status:",
    "is:zzzzzzzzzz",
];

pub(super) fn queries(place: &Place<'_>) -> Vec<Cell> {
    let with = |query: String| Ask { target: format!("{}?{query}", place.path), ..place.ask() };
    let told = |word: &str| Refused::With(&["FH0706"], vec![word.to_owned()]);
    let mut cells = Vec::new();
    if place.parameters("query").next().is_some() {
        cells.push(Cell::new("an unknown parameter", &with("zzzzzzzzzz=1".to_owned()), told("zzzzzzzzzz")));
        cells.push(Cell::new("a parameter without a name", &with("=1".to_owned()), told("unknown")));
    }
    for parameter in place.parameters("query") {
        let name = parameter["name"].as_str().unwrap();
        cells.push(Cell::new(format!("{name} twice"), &with(format!("{name}=1&{name}=2")), told(name)));
        for value in never(parameter) {
            cells.push(Cell::new(format!("{name}={value}"), &with(format!("{name}={value}")), told(name)));
        }
        for value in
            ["%00", "%ff", "%f", "%ed%a0%80", "%f0%9f%94%a5", "%27;--", "(a%2b%2b)%24", &"x".repeat(10_240)]
        {
            let shown: String = value.chars().take(40).collect();
            cells.push(Cell::new(
                format!("{name}={shown}"),
                &with(format!("{name}={value}")),
                Refused::Perhaps,
            ));
        }
    }
    cells
}

/// What such a parameter can never be.
fn never(parameter: &Value) -> Vec<&'static str> {
    let schema = &parameter["schema"];
    let is_cursor = parameter["description"].as_str().is_some_and(|text| text.contains("`next_cursor`"));
    let words = schema["enum"].is_array() || schema["items"]["enum"].is_array();
    match (schema["type"].as_str(), parameter["name"].as_str()) {
        (Some("integer"), _) => vec!["x", "-1", "1e9", "1.5", "%00", "%20", "99999999999999999999999"],
        _ if words => vec!["zzzzzzzzzz", "%00", "OPEN%00"],
        _ if schema["format"] == "date-time" => {
            vec![
                "yesterday",
                "2026-02-30T00:00:00Z",
                "2026-11-21T14:02:08",
                "0",
                "%00",
                "99999-01-01T00:00:00Z",
            ]
        }
        (_, Some("filter")) => FILTERS.to_vec(),
        _ if is_cursor => vec!["%00", "x", "-1", "1;drop", "%27"],
        _ => Vec::new(),
    }
}
