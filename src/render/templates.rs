//! The operator's templates: MiniJinja files of one directory, read and compiled once at start.
//!
//! A template `welcome` is `welcome.subject.txt`, `welcome.txt` and, for mail, `welcome.html`,
//! whose values are escaped. A variable that is not given is a fault and never an empty word. Some
//! names are taken: they say what Foghorn would say itself (see [`OwnWords`]).
//! Templates reach nothing outside their directory: no loader is set, so `include` finds only the
//! files read at start; and each rendering runs on a limited amount of fuel.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use minijinja::value::{Serde, Value};
use minijinja::{Environment, Template, UndefinedBehavior};
use serde_json::Map;

use super::Letterhead;
use super::incident::{OwnWords, sample, variables};

/// Instructions one rendering may take.
const FUEL: u64 = 100_000;
/// The longest result, bytes.
const LONGEST: usize = 256 << 10;

const SUBJECT: &str = ".subject.txt";
const TEXT: &str = ".txt";
const HTML: &str = ".html";

/// Every template there is.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    names: BTreeSet<String>,
}

/// The files of one template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Files<T> {
    /// `NAME.subject.txt`, where the medium has a subject or title.
    pub subject: Option<T>,
    /// `NAME.txt`
    pub text: T,
    /// `NAME.html`, for mail.
    pub html: Option<T>,
}

impl<T> Files<T> {
    /// Each with the name it has as a file of the template `name`.
    pub fn named(self, name: &str) -> impl Iterator<Item = (String, T)> {
        let files = [(SUBJECT, self.subject), (TEXT, Some(self.text)), (HTML, self.html)];
        files.into_iter().filter_map(move |(suffix, file)| Some((format!("{name}{suffix}"), file?)))
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self { environment: strict(), names: BTreeSet::new() }
    }
}

/// What a template said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedText {
    /// `NAME.subject.txt`; empty where the medium has none.
    pub subject: String,
    /// `NAME.txt`
    pub text: String,
    /// `NAME.html`, if there is one.
    pub html: Option<String>,
}

/// Why a template said nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// No template of this name.
    #[error("no template \"{0}\"")]
    Unknown(String),
    /// It does not fit its variables, or takes too much.
    #[error("template \"{file}\": {message}")]
    Broken {
        /// Which file of it.
        file: String,
        /// What, and where.
        message: String,
    },
}

/// Why a template came to no end of its own.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsaid {
    /// It says too much.
    #[error("says more than {LONGEST} bytes")]
    TooMuch,
    /// It does not fit its variables.
    #[error(transparent)]
    Broken(#[from] minijinja::Error),
}

/// What `template` says with `vars`, unless it is too much.
pub(super) fn bounded(template: &Template<'_, '_>, vars: Value) -> Result<String, Unsaid> {
    let mut page = Page::default();
    let rendered = template.render_captured_to(vars, &mut page).map(drop);
    if page.is_full {
        return Err(Unsaid::TooMuch);
    }
    rendered?;
    // MiniJinja writes whole texts.
    Ok(String::from_utf8_lossy(&page.text).into_owned())
}

/// An environment without any template, in which a missing variable is a fault.
pub(super) fn strict() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
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

impl Templates {
    /// The templates in `dir`; none without one.
    ///
    /// # Errors
    /// Every file that cannot be read or compiled, and every template that lacks a file.
    pub fn load(dir: Option<&Path>) -> Result<Self, Vec<String>> {
        let mut templates = Self::default();
        let Some(dir) = dir else { return Ok(templates) };
        let entries =
            fs::read_dir(dir).map_err(|error| vec![format!("templates dir {}: {error}", dir.display())])?;
        let mut problems = Vec::new();
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if let Err(problem) = templates.add(&path) {
                problems.push(format!("{}: {problem}", path.display()));
            }
        }
        for name in &templates.names {
            problems.extend(templates.missing(name));
        }
        if problems.is_empty() {
            problems.extend(OwnWords::ALL.into_iter().filter_map(|words| templates.try_out(words)));
        }
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    /// The name of each, and whether it has HTML.
    pub fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.names.iter().map(|name| (name.as_str(), self.has(name, HTML)))
    }

    /// Is there a template of this name?
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Foghorn's own words as a template, unless the operator has taken them over.
    pub fn complete(&mut self, words: OwnWords) {
        if self.names.insert(words.name().to_owned()) {
            for (file, source) in words.files().named(words.name()) {
                // They compile: a test renders each.
                let _ = self.environment.add_template_owned(file, source);
            }
        }
    }

    fn has(&self, name: &str, suffix: &str) -> bool {
        self.environment.get_template(&format!("{name}{suffix}")).is_ok()
    }

    fn missing(&self, name: &str) -> Vec<String> {
        let has_subject = OwnWords::parse(name).is_none_or(|words| words.files().subject.is_some());
        let needed: &[&str] = if has_subject { &[SUBJECT, TEXT] } else { &[TEXT] };
        let missing = needed.iter().filter(|suffix| !self.has(name, suffix));
        missing.map(|suffix| format!("template \"{name}\" has no {name}{suffix}")).collect()
    }

    /// What is wrong with what the operator says of incidents, before there is one.
    fn try_out(&self, words: OwnWords) -> Option<String> {
        let letterhead = Letterhead { public_url: "https://example.com".to_owned(), ..Letterhead::default() };
        let wrong = |facts| self.render(words.name(), &variables(&facts, &letterhead)).err();
        let fault = self.contains(words.name()).then(|| sample::all().into_iter().find_map(wrong))??;
        Some(fault.to_string())
    }

    /// What the template `name` says with `vars`.
    ///
    /// # Errors
    /// There is none, or it does not fit `vars`.
    pub fn render(
        &self,
        name: &str,
        vars: &Map<String, serde_json::Value>,
    ) -> Result<RenderedText, TemplateFault> {
        if !self.contains(name) {
            return Err(TemplateFault::Unknown(name.chars().take(100).collect()));
        }
        let vars = Value::from(Serde(vars));
        let optional =
            |suffix| self.has(name, suffix).then(|| self.render_file(name, suffix, &vars)).transpose();
        Ok(RenderedText {
            subject: optional(SUBJECT)?.unwrap_or_default(),
            text: self.render_file(name, TEXT, &vars)?,
            html: optional(HTML)?,
        })
    }

    fn render_file(&self, name: &str, suffix: &str, vars: &Value) -> Result<String, TemplateFault> {
        let file = format!("{name}{suffix}");
        let broken = |message: String| TemplateFault::Broken { file: file.clone(), message };
        let template = self.environment.get_template(&file).map_err(|error| broken(error.to_string()))?;
        bounded(&template, vars.clone()).map_err(|unsaid| broken(unsaid.to_string()))
    }

    /// Takes one file in, if it is one of a template.
    fn add(&mut self, path: &Path) -> Result<(), String> {
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else {
            return Ok(());
        };
        let part = [SUBJECT, TEXT, HTML]
            .into_iter()
            .find_map(|suffix| file.strip_suffix(suffix).map(|name| (name, suffix)));
        let Some((name, _)) = part else { return Ok(()) };
        if name.is_empty() || name.starts_with('.') || !path.is_file() {
            return Ok(());
        }
        let source = fs::read_to_string(path).map_err(|error| error.to_string())?;
        self.names.insert(name.to_owned());
        self.environment.add_template_owned(file.to_owned(), source).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn load(files: &[(&str, &str)]) -> Result<Templates, Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        for (name, source) in files {
            fs::write(dir.path().join(name), source).unwrap();
        }
        Templates::load(Some(dir.path()))
    }

    fn said(files: &[(&str, &str)], vars: &serde_json::Value) -> Result<RenderedText, TemplateFault> {
        load(files).unwrap().render("hi", vars.as_object().unwrap())
    }

    #[test]
    fn a_template_is_three_files_and_only_its_html_is_escaped() {
        let files = [
            ("hi.subject.txt", "Hello {{ name }}"),
            ("hi.txt", "Dear {{ name }}"),
            ("hi.html", "<p>{{ name }}</p>"),
            ("README.md", "{{ broken"),
        ];
        let rendered = said(&files, &json!({ "name": "<b>Ada" })).unwrap();
        assert_eq!(rendered.subject, "Hello <b>Ada");
        assert_eq!(rendered.text, "Dear <b>Ada");
        assert_eq!(rendered.html.unwrap(), "<p>&lt;b&gt;Ada</p>");
        assert!(load(&files).unwrap().contains("hi"));
        assert!(!load(&files).unwrap().contains("README"));
    }

    #[test]
    fn what_cannot_be_said_is_a_fault() {
        let table = [
            ("{{ missing }}", "undefined"),
            ("{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}", "fuel"),
            ("{% include '/etc/passwd' %}", "passwd"),
            ("{{ 'x' * 1000000 }}", ""),
            ("{{ 1 / 0 }}", ""),
        ];
        for (source, word) in table {
            let fault = said(&[("hi.subject.txt", "x"), ("hi.txt", source)], &json!({})).unwrap_err();
            assert!(fault.to_string().contains(word), "{source}: {fault}");
        }
    }

    #[test]
    fn what_says_too_much_is_stopped_there() {
        let vars = json!({ "long": "x".repeat(LONGEST / 4) });
        let hi = |source: &str| said(&[("hi.subject.txt", "x"), ("hi.txt", source)], &vars);
        let four = "{% for i in range(4) %}{{ long }}{% endfor %}";
        assert_eq!(hi(four).map(|said| said.text.len()), Ok(LONGEST));
        // Each of these would take gigabytes before its fuel ends.
        for source in [format!("{four}."), four.replace('4', "15000")] {
            let fault = hi(&source).unwrap_err().to_string();
            assert!(fault.contains("says more than"), "{fault}");
        }
    }

    #[test]
    fn everything_wrong_is_said_at_start() {
        let problems = load(&[("a.txt", "{% if %}"), ("b.html", "x")]).unwrap_err();
        let all = problems.join("\n");
        for word in ["a.txt: syntax error", "a.subject.txt", "b.subject.txt", "no b.txt"] {
            assert!(all.contains(word), "{word} in {all}");
        }
        assert!(Templates::load(Some(Path::new("/nowhere"))).is_err());
        assert!(Templates::load(None).is_ok());
    }
}
