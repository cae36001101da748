//! One bad request, and how it is to be refused.

use std::fmt;

use foghorn::http::routes::Rule;
use serde_json::Value;

use crate::support::http::Answer;

/// A route, and where one of what it serves is.
pub(super) struct Place<'a> {
    pub(super) rule: Rule,
    pub(super) document: &'a Value,
    pub(super) operation: &'a Value,
    /// Its path, with something that is there, if anything is.
    pub(super) path: String,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rule.method.as_str(), self.rule.path)
    }
}

impl Place<'_> {
    /// Its parameters in the path, the query or the headers.
    pub(super) fn parameters(&self, place: &str) -> impl Iterator<Item = &Value> {
        let all = self.operation["parameters"].as_array().into_iter().flatten();
        all.filter(move |parameter| parameter["in"] == place)
    }

    pub(super) fn takes_a_body(&self) -> bool {
        self.operation.get("requestBody").is_some()
    }

    /// The schema of its JSON body, and one that is taken.
    pub(super) fn body(&self) -> Option<(&Value, &Value)> {
        let content = self.operation["requestBody"]["content"].get("application/json")?;
        Some((&content["schema"], &content["example"]))
    }

    /// A good request, as far as it needs to be one.
    pub(super) fn ask(&self) -> Ask {
        let body = self.body().map(|(_, example)| example.to_string().into_bytes());
        Ask {
            method: self.rule.method.as_str().to_owned(),
            target: self.path.clone(),
            host: "Host: localhost\r\n".to_owned(),
            token: format!("Authorization: Bearer {}\r\n", super::ground::secret("admin")),
            kind: if body.is_some() {
                "Content-Type: application/json\r\n".to_owned()
            } else {
                String::new()
            },
            length: None,
            more: String::new(),
            body: body.unwrap_or_default(),
        }
    }
}

/// A request in its parts, each a whole line.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: String,
    pub(super) token: String,
    pub(super) kind: String,
    /// Unless given, the length of the body.
    pub(super) length: Option<String>,
    pub(super) more: String,
    pub(super) body: Vec<u8>,
}

impl Ask {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let Self { method, target, host, token, kind, length, more, body } = self;
        let length = length.clone().unwrap_or_else(|| format!("Content-Length: {}\r\n", body.len()));
        let head = format!(
            "{method} {target} HTTP/1.1\r\n{host}Connection: close\r\n{token}{kind}{length}{more}\r\n"
        );
        [head.as_bytes(), body].concat()
    }
}

/// How a request is refused.
#[derive(Debug, Clone)]
pub(super) enum Refused {
    /// With one of these codes, and one of these words in what is told, if there are any.
    With(&'static [&'static str], Vec<String>),
    /// By whatever code the document has for it.
    Somehow,
    /// By the reader of HTTP itself, with a bare status or the end of the connection.
    Bare,
    /// Refused or done, but as the document says.
    Perhaps,
}

/// A request that no client should send.
pub(super) struct Cell {
    /// What is bad about it.
    pub(super) name: String,
    pub(super) says: Vec<u8>,
    pub(super) refused: Refused,
}

impl Cell {
    pub(super) fn new(name: impl Into<String>, ask: &Ask, refused: Refused) -> Self {
        Self { name: name.into(), says: ask.bytes(), refused }
    }

    /// What is wrong with this answer.
    pub(super) fn judge(&self, place: &Place<'_>, answer: Option<&Answer>) -> Result<(), String> {
        let told = |why: String| format!("{place}, {}: {why}", self.name);
        let Some(answer) = answer else {
            let bare = matches!(self.refused, Refused::Bare);
            return if bare { Ok(()) } else { Err(told("no answer".to_owned())) };
        };
        let status = answer.status;
        match &self.refused {
            Refused::Bare if (400..500).contains(&status) || status == 501 => Ok(()),
            Refused::Perhaps
                if status < 400 && place.operation["responses"].get(status.to_string()).is_some() =>
            {
                Ok(())
            }
            Refused::Bare => Err(told(format!("{answer:?}"))),
            refused if (400..500).contains(&status) => is_problem(place, answer, refused).map_err(told),
            _ => Err(told(format!("not refused: {answer:?}"))),
        }
    }
}

/// It is one, which the document has for this route, and it says what is wrong.
fn is_problem(place: &Place<'_>, answer: &Answer, refused: &Refused) -> Result<(), String> {
    if answer.header("content-type") != Some("application/problem+json") {
        return Err(format!("no problem: {answer:?}"));
    }
    // Whoever asked for the head alone got no more.
    if answer.body.is_empty() {
        return Ok(());
    }
    let problem = answer.problem();
    let code = problem["code"].as_str().unwrap_or_default();
    if let Refused::With(codes, words) = refused {
        if !codes.contains(&code) {
            return Err(format!("not {codes:?}, but {problem}"));
        }
        let said = format!("{} {}", problem["detail"], problem["errors"]);
        if !words.is_empty() && !words.iter().any(|word| said.contains(word.as_str())) {
            return Err(format!("nothing of {words:?} is in {problem}"));
        }
    }
    if problem["detail"].as_str().is_none_or(str::is_empty) {
        return Err(format!("it does not say what is wrong: {problem}"));
    }
    // What is asked for with another method is another operation, or none.
    let elsewhere = ["FH0707", "FH0708"].contains(&code);
    if elsewhere || is_described(place, answer.status, code) {
        Ok(())
    } else {
        Err(format!("the document does not have {} {code} here: {problem}", answer.status))
    }
}

fn is_described(place: &Place<'_>, status: u16, code: &str) -> bool {
    let status = status.to_string();
    let Some(response) = place.operation["responses"].get(&status) else { return false };
    let shared = &place.document["components"]["responses"][&status];
    let refers = response["$ref"] == format!("#/components/responses/{status}");
    let has = refers || response["content"].get("application/problem+json").is_some();
    has && shared["description"].as_str().is_some_and(|codes| codes.contains(code))
}
