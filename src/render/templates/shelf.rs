//! Compiled templates by name, and what one of them says: strictly, for a limited time, and not too much.

use std::collections::BTreeMap;
use std::io;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, Template, UndefinedBehavior};
use serde_json::Map;

use super::{Flaw, Part, RenderedText, Sheet, TemplateFault};

/// Instructions one rendering may take.
const FUEL: u64 = 100_000;
/// The longest result, bytes.
pub(super) const LONGEST: usize = 256 << 10;

/// Some templates.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    environment: Environment<'static>,
    /// Which parts there are of each.
    parts: BTreeMap<String, Vec<Part>>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { environment: strict(), parts: BTreeMap::new() }
    }
}

impl Shelf {
    /// Takes one part of a template in.
    pub(super) fn add(&mut self, sheet: Sheet) -> Result<(), Flaw> {
        let Sheet { name, part, source } = sheet;
        self.parts.entry(name.clone()).or_default().push(part);
        let added = self.environment.add_template_owned(part.file(&name), source);
        added.map_err(|error| Flaw { name, part: Some(part), what: error.to_string(), hint: None })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.parts.contains_key(name)
    }

    pub(super) fn has(&self, name: &str, part: Part) -> bool {
        self.parts.get(name).is_some_and(|parts| parts.contains(&part))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// What the template `name`, which is there, says with `vars`.
    pub(super) fn render(
        &self,
        name: &str,
        vars: &Map<String, serde_json::Value>,
    ) -> Result<RenderedText, TemplateFault> {
        let vars = Value::from(Serde(vars));
        let optional = |part| self.has(name, part).then(|| self.say(name, part, &vars)).transpose();
        Ok(RenderedText {
            subject: optional(Part::Subject)?.unwrap_or_default(),
            text: self.say(name, Part::Text, &vars)?,
            html: optional(Part::Html)?,
        })
    }

    fn say(&self, name: &str, part: Part, vars: &Value) -> Result<String, TemplateFault> {
        let file = part.file(name);
        let broken = |message: String| TemplateFault::Broken { file: file.clone(), message };
        let template = self.environment.get_template(&file).map_err(|error| broken(error.to_string()))?;
        bounded(&template, vars.clone()).map_err(|unsaid| broken(unsaid.to_string()))
    }
}

/// An environment without any template, in which a missing variable is a fault.
pub(in crate::render) fn strict() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

/// Why a template came to no end of its own.
#[derive(Debug, thiserror::Error)]
pub(in crate::render) enum Unsaid {
    /// It says too much.
    #[error("says more than {LONGEST} bytes")]
    TooMuch,
    /// It does not fit its variables.
    #[error(transparent)]
    Broken(#[from] minijinja::Error),
}

/// What `template` says with `vars`, unless it is too much.
pub(in crate::render) fn bounded(template: &Template<'_, '_>, vars: Value) -> Result<String, Unsaid> {
    let mut page = Page::default();
    let rendered = template.render_captured_to(vars, &mut page).map(drop);
    if page.is_full {
        return Err(Unsaid::TooMuch);
    }
    rendered?;
    // MiniJinja writes whole texts.
    Ok(String::from_utf8_lossy(&page.text).into_owned())
}

/// Takes what a template says until it is too much: fuel is spent on instructions, however much one
/// of them says.
#[derive(Default)]
struct Page {
    text: Vec<u8>,
    is_full: bool,
}

impl io::Write for Page {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        if self.text.len() + said.len() > LONGEST {
            self.is_full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.text.extend_from_slice(said);
        Ok(said.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
