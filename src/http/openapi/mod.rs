//! The API as OpenAPI 3.1: `GET /api/v1/openapi.json`, `foghorn openapi`, `docs/openapi.json`.
//!
//! It is made of the table of routes, which is what is served, and of the types that are read and written;
//! so it cannot say anything else than what is there. A row without a description does not compile. The
//! examples of answers are real ones: a test asks for each and keeps it in `examples.json`.

mod tables;
mod told;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Json;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::limits::{DEFAULT_PAGE, PAGE};
use super::probes::is_probe;
use super::problem;
use super::routes;
use super::rule::{Needs, Repeats, Route, Rule, Verb};
use crate::catalogue::{Code, Effect};
pub use told::Tag;
pub(super) use told::Told;
pub(super) use told::{Ask, Kind, Say};

/// How a list is asked for.
pub(super) const LIMIT: Ask = Ask("limit", Kind::Count(1, PAGE as u64), "How many at most; 50 unless said.");
/// Where a page begins.
pub(super) const CURSOR: Ask =
    Ask("cursor", Kind::Text, "`next_cursor` of the page before; without it, the first page.");
/// The language of lists.
pub(super) const FILTER: Ask = Ask(
    "filter",
    Kind::Text,
    "Words that all must fit, such as `status:open severity:critical age:<2h`; the reference has all of them.",
);

const _: () = assert!(DEFAULT_PAGE == 50, "said above");

/// Answers of real requests, by operation: see `tests/it/the_api_is_as_described.rs`.
const EXAMPLES: &str = include_str!("examples.json");

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| assembled().0);

/// The document.
pub fn document() -> Value {
    DOCUMENT.clone()
}

/// The document as it is kept in a file.
pub fn text() -> String {
    format!("{:#}\n", *DOCUMENT)
}

/// The API as OpenAPI 3.1.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Document, value_type = Object)]
pub(super) struct Document(&'static Value);

pub(super) async fn serve() -> Json<Document> {
    Json(Document(&DOCUMENT))
}

/// The document, and the names that two different types have.
fn assembled() -> (Value, Vec<String>) {
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let mut types = Types::default();
    types.add(problem::Body::name().into_owned(), &problem::Body::schema());
    let mut others = Vec::new();
    problem::Body::schemas(&mut others);
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for Route { rule, told, .. } in routes::all() {
        let mut say = (told.say)(Say::default());
        others.append(&mut say.types);
        say.tables.drain(..).for_each(|(name, schema)| types.add_written(name, schema));
        let operation = operation(&rule, &told, &say, examples.get(told.id));
        paths.entry(rule.path).or_default().insert(rule.method.as_str().to_ascii_lowercase(), operation);
    }
    others.iter().for_each(|(name, schema)| types.add(name.clone(), schema));
    let tags = Tag::ALL.map(|tag| json!({ "name": tag.about().0, "description": tag.about().1 }));
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Foghorn",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events in, incidents out, and the right people told. Unknown fields of requests are refused; \
                            clients must ignore unknown fields of answers. Every answer has `X-Request-Id`.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": types.known,
            "responses": refusals(),
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "`foghorn token create`; asked for where `[auth] mode = \"token\"`. A scope is needed where \
                                one is named, and `admin` holds the others.",
            }, "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": "__Host-foghorn",
                "description": "`POST /api/v1/session`; for browsers. Without https the name has no `__Host-`. What changes something \
                                has to come from a page of this server, as `Sec-Fetch-Site` or `Origin` say.",
            } },
        },
    });
    (document, types.clashes)
}

/// Types by name.
#[derive(Default)]
struct Types {
    known: BTreeMap<String, Value>,
    clashes: Vec<String>,
}

impl Types {
    fn add(&mut self, name: String, schema: &utoipa::openapi::RefOr<utoipa::openapi::Schema>) {
        self.add_written(name, told::written(schema));
    }

    fn add_written(&mut self, name: String, schema: Value) {
        match self.known.get(&name) {
            Some(known) if *known == schema => {}
            Some(_) => self.clashes.push(name),
            None => {
                self.known.insert(name, schema);
            }
        }
    }
}

fn operation(rule: &Rule, told: &Told, say: &Say, example: Option<&Value>) -> Value {
    let mut operation = json!({
        "operationId": told.id,
        "tags": [told.tag.name()],
        "summary": told.summary,
        "responses": responses(rule, say, example),
        "security": [],
    });
    match rule.needs {
        Needs::Nothing => {}
        Needs::Token => operation["security"] = json!([{ "token": [] }]),
        Needs::Somebody => operation["security"] = json!([{ "token": [] }, { "session": [] }]),
        Needs::Scope(scope) => {
            let scope = scope.as_str();
            operation["security"] = json!([{ "token": [scope] }, { "session": [scope] }]);
            operation["description"] = format!("Needs the scope `{scope}`.").into();
        }
    }
    let parameters = parameters(rule, say);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(taken) = &say.takes {
        let mut content = json!({ "schema": either(&taken.types) });
        if !taken.example.is_null() {
            content["example"] = taken.example.clone();
        }
        let kind = if taken.types.is_empty() { "*/*" } else { "application/json" };
        operation["requestBody"] = json!({ "required": taken.required, "content": { kind: content } });
    }
    operation
}

fn parameters(rule: &Rule, say: &Say) -> Vec<Value> {
    let named = rule.path.split('/').filter_map(|part| part.strip_prefix('{')?.split('}').next());
    let by = named.zip(&say.by).map(|(name, (schema, says))| {
        json!({ "name": name, "in": "path", "required": true, "description": says, "schema": schema })
    });
    let asks = say.asks.iter().map(|ask| ask.written("query"));
    let wants = say.wants.iter().map(|ask| ask.written("header"));
    by.chain(asks).chain(wants).chain(repeated(rule).then(idempotency_key)).collect()
}

/// May it be said again with a key?
fn repeated(rule: &Rule) -> bool {
    let guarded = rule.needs != Needs::Nothing;
    rule.method == Verb::Post && guarded && rule.repeats == Repeats::ByKey
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Said again with the same key within a day, or as long as `[store.retention] idempotency_keys` says, it is done once and answered with the first answer.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    })
}

fn responses(rule: &Rule, say: &Say, example: Option<&Value>) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, contents) in &say.answers {
        let contents: Map<String, Value> = contents
            .iter()
            .map(|(kind, types)| {
                let text = || json!({ "type": "string" });
                let schema = if types.is_empty() { text() } else { either(types) };
                let mut content = json!({ "schema": schema });
                if let Some(body) =
                    example.filter(|_| !types.is_empty()).and_then(|one| one.get(status.to_string()))
                {
                    content["example"] = body.clone();
                }
                ((*kind).to_owned(), content)
            })
            .collect();
        let mut response = json!({ "description": meaning(*status) });
        if !contents.is_empty() {
            response["content"] = contents.into();
        }
        responses.insert(status.to_string(), response);
    }
    for status in refused_with(rule, say) {
        let key = status.to_string();
        match responses.get_mut(&key) {
            Some(response) => response["content"][PROBLEM] = problem_content(),
            None => {
                responses.insert(key, json!({ "$ref": format!("#/components/responses/{status}") }));
            }
        }
    }
    responses
}

fn meaning(status: u16) -> &'static str {
    match status {
        201 => "Made; `Location` leads to it.",
        202 => "Taken, and on stable storage; it is worked on.",
        304 => "It is as it was: `If-None-Match` names this version.",
        503 => "Not now.",
        _ => "Done.",
    }
}

/// The statuses that such a route may be refused with.
fn refused_with(rule: &Rule, say: &Say) -> Vec<u16> {
    let mut statuses = say.refuses.clone();
    // Probes are answered whoever asks by whatever name.
    statuses.extend_from_slice(if is_probe(rule.path) { &[503] } else { &[400, 421, 503] });
    if rule.needs != Needs::Nothing {
        statuses.extend([401, 403, 429]);
    }
    if !say.asks.is_empty() {
        statuses.push(400);
    }
    if !say.by.is_empty() {
        statuses.push(404);
    }
    if rule.method != Verb::Get {
        statuses.push(403);
    }
    if say.takes.is_some() {
        statuses.extend([408, 413, 415, 422]);
    }
    if repeated(rule) {
        statuses.extend([408, 409, 413, 422]);
    }
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

const PROBLEM: &str = "application/problem+json";

fn problem_content() -> Value {
    json!({ "schema": { "$ref": format!("#/components/schemas/{}", problem::Body::name()) } })
}

/// For each status that the catalogue has: what may be behind it.
fn refusals() -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in Code::all() {
        if let Effect::Answers(status) = code.effect() {
            by_status.entry(status).or_default().push(format!("{code}: {}", code.title()));
        }
    }
    let written = |(status, codes): (u16, Vec<String>)| {
        let refusal = json!({ "description": format!("{}.", codes.join(". ")), "content": { PROBLEM: problem_content() } });
        (status.to_string(), refusal)
    };
    by_status.into_iter().map(written).collect()
}

/// One of these types.
fn either(types: &[String]) -> Value {
    let reference = |name: &String| json!({ "$ref": format!("#/components/schemas/{name}") });
    match types {
        [] => json!({}),
        [one] => reference(one),
        several => json!({ "anyOf": several.iter().map(reference).collect::<Vec<_>>() }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_with_each_part_of_its_path_under_a_name_of_its_own() {
        let document = document();
        let mut names = BTreeSet::new();
        for Route { rule, told, .. } in routes::all() {
            let operation = &document["paths"][rule.path][rule.method.as_str().to_ascii_lowercase()];
            assert!(names.insert(told.id), "{} is the name of two operations", told.id);
            assert!(told.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", told.id);
            assert_eq!(operation["operationId"], told.id, "{} {:?}", rule.path, rule.method);
            let said: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            let parts: Vec<&str> =
                rule.path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
            assert_eq!(said, parts, "{}", rule.path);
            let say = (told.say)(Say::default());
            assert_eq!(say.by.len(), parts.len(), "{}", rule.path);
            let answers = say.answers.keys().any(|status| *status < 400);
            assert!(answers || told.id.starts_with("refuse_"), "{} answers nothing", rule.path);
        }
        assert!(names.len() > 60, "{}", names.len());
    }

    #[test]
    fn no_two_types_have_one_name_and_every_reference_leads_somewhere() {
        let (document, clashes) = assembled();
        assert!(clashes.is_empty(), "two types each are called {clashes:?}: use #[schema(as = …)]");
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference} leads nowhere");
        }
    }

    #[test]
    fn every_status_that_a_route_may_be_refused_with_is_one_of_the_catalogue() {
        let known = refusals();
        for Route { rule, told, .. } in routes::all() {
            for status in refused_with(&rule, &(told.say)(Say::default())) {
                assert!(known.contains_key(&status.to_string()), "{} {status}", rule.path);
            }
        }
    }

    #[test]
    fn a_scope_is_told_where_one_is_needed() {
        let document = document();
        let needs = |path: &str, method: &str| document["paths"][path][method]["security"].clone();
        assert_eq!(
            needs("/api/v1/events", "post"),
            json!([{ "token": ["events:write"] }, { "session": ["events:write"] }])
        );
        assert_eq!(needs("/api/v1/session", "post"), json!([{ "token": [] }]));
        assert_eq!(needs("/livez", "get"), json!([]));
    }
}
