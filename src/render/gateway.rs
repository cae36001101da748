//! The body of a request to somebody else's gateway or chat: the operator's own template in the file of the
//! configuration.
//!
//! What the template puts in is escaped as the body's kind says, so that no text ends a JSON string
//! or begins another parameter. The placeholder stands where a value belongs:
//! `{"to": "{{ to }}"}`, `to={{ to }}`. `{{ text | safe }}` is not escaped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use minijinja::value::Value;
use minijinja::{Environment, Output};
use url::form_urlencoded::byte_serialize;

use super::sanitize;
use super::templates::{TemplateFault, Unsaid, bounded, strict};

/// How values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// As within a JSON string.
    Json,
    /// As in a form, or in the query of an address.
    Form,
    /// As in XML, between tags and in attributes.
    Xml,
    /// Not at all.
    Plain,
}

impl BodyKind {
    /// The kind that a content type asks for.
    pub fn of(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            "application/xml" | "text/xml" => Self::Xml,
            kind if kind.ends_with("+json") => Self::Json,
            kind if kind.ends_with("+xml") => Self::Xml,
            _ => Self::Plain,
        }
    }

    fn escape(self, text: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            // A plus is a space in a form, and itself in the eyes of some who read an address.
            Self::Form => byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20"),
            Self::Xml => {
                let mut escaped = String::with_capacity(text.len());
                sanitize::push_html(&mut escaped, text);
                escaped
            }
            Self::Plain => text.to_owned(),
        }
    }
}

/// What a template may name, and what it stands for in one message.
pub type Said<'a> = [(&'static str, Cow<'a, str>)];

/// A compiled template of a body.
pub struct BodyTemplate {
    environment: Environment<'static>,
    /// What it may name, for messages.
    names: &'static str,
}

impl fmt::Debug for BodyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its text may hold a credential.
        f.debug_struct("BodyTemplate").finish_non_exhaustive()
    }
}

/// What the one template is called.
const NAME: &str = "body";

impl BodyTemplate {
    /// The template of this text, which may name `names`, tried with `sample`.
    ///
    /// # Errors
    /// Why it cannot be used, without a word of it.
    pub fn compile(
        source: &str,
        kind: BodyKind,
        names: &'static str,
        sample: &Said<'_>,
    ) -> Result<Self, String> {
        let mut environment = strict();
        environment.set_formatter(move |output, _, value| write(output, kind, value));
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| told(&error, names))?;
        let template = Self { environment, names };
        let body = template.say(sample).map_err(|unsaid| template.broken(&unsaid))?;
        if kind == BodyKind::Json && serde_json::from_str::<serde_json::Value>(&body).is_err() {
            return Err("does not come out as JSON; write values as \"{{ text }}\", in quotes".to_owned());
        }
        Ok(template)
    }

    /// The body that says this.
    ///
    /// # Errors
    /// It does not fit, or is too much.
    pub fn render(&self, said: &Said<'_>) -> Result<String, TemplateFault> {
        let broken = |unsaid| TemplateFault::Broken { file: NAME.to_owned(), message: self.broken(&unsaid) };
        self.say(said).map_err(broken)
    }

    fn say(&self, said: &Said<'_>) -> Result<String, Unsaid> {
        let vars: BTreeMap<_, _> = said.iter().map(|(name, value)| (*name, Value::from(&**value))).collect();
        bounded(&self.environment.get_template(NAME)?, Value::from(vars))
    }

    fn broken(&self, unsaid: &Unsaid) -> String {
        match unsaid {
            Unsaid::TooMuch => unsaid.to_string(),
            Unsaid::Broken(error) => told(error, self.names),
        }
    }
}

fn write(output: &mut Output<'_>, kind: BodyKind, value: &Value) -> Result<(), minijinja::Error> {
    let text = value.to_string();
    let text = if value.is_safe() { text } else { kind.escape(&text) };
    output.write_str(&text)?;
    Ok(())
}

/// What is wrong, without quoting the template.
fn told(error: &minijinja::Error, names: &str) -> String {
    let line = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
    format!("{}{line}; it may name {names}", error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> [(&'static str, Cow<'_, str>); 3] {
        [("to", "+15550100".into()), ("text", text.into()), ("id", "d1".into())]
    }

    const TEXT: &str = "Say \"hi\" & 100%";

    fn compile(source: &str, kind: BodyKind) -> Result<BodyTemplate, String> {
        BodyTemplate::compile(source, kind, "to, text and id", &said(TEXT))
    }

    fn say(source: &str, kind: BodyKind, text: &str) -> Result<String, String> {
        compile(source, kind)?.render(&said(text)).map_err(|fault| fault.to_string())
    }

    #[test]
    fn values_are_escaped_as_the_content_type_says() {
        let table = [
            ("application/json; charset=utf-8", r#"{"t":"{{ text }}"}"#, r#"{"t":"Say \"hi\" & 100%"}"#),
            ("application/vnd.x+json", r#"{"t":{{ text | tojson }}}"#, r#"{"t":"Say \"hi\" \u0026 100%"}"#),
            (
                "application/x-www-form-urlencoded",
                "to={{ to }}&t={{ text }}",
                "to=%2B15550100&t=Say%20%22hi%22%20%26%20100%25",
            ),
            ("application/x-www-form-urlencoded", "to={{ to[1:] }}", "to=15550100"),
            (
                "text/xml",
                "<t to='{{ to }}'>{{ text }}</t>",
                "<t to='+15550100'>Say &quot;hi&quot; &amp; 100%</t>",
            ),
            ("text/plain", "{{ id }}: {{ text }}", "d1: Say \"hi\" & 100%"),
        ];
        for (content_type, source, expected) in table {
            let said = say(source, BodyKind::of(content_type), TEXT);
            assert_eq!(said.as_deref(), Ok(expected), "{content_type}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_known_at_once_and_not_repeated() {
        for source in [
            "hunter2 {{ hunter2",
            "{{ hunter2 }}",
            "{{ from }}",
            "{{ text | hunter2 }}",
            "{\"hunter2\": {{ text }}}",
        ] {
            let problem = compile(source, BodyKind::Json).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        let endless = "{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}";
        assert!(compile(endless, BodyKind::Plain).unwrap_err().contains("fuel"));
    }

    proptest! {
        #[test]
        fn no_text_ends_its_json_string_or_its_parameter(text in any::<String>()) {
            let json = say(r#"{"a":"{{ text }}","b":1}"#, BodyKind::Json, &text).unwrap();
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&json, &serde_json::json!({ "a": text.clone(), "b": 1 }));
            let form = say("a={{ text }}&b=1", BodyKind::Form, &text).unwrap();
            let form = url::form_urlencoded::parse(form.as_bytes()).into_owned();
            prop_assert_eq!(form.collect::<Vec<_>>(), [("a".to_owned(), text), ("b".to_owned(), "1".to_owned())]);
        }
    }
}
