//! Templates of a running Foghorn: of its directory, of its store, and built in.

use std::io::Write;
use std::{fs, io};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::super::Exit;
use super::super::client::Session;
use super::super::connection::Failure;
use super::super::lists::{FormArgs, ListArgs, parsed, print, read};
use super::super::print::{refuse, say};
use super::super::stored::{self, NamedArgs, Stored};
use super::{TemplateListArgs, TemplateRenderArgs, TemplateSetArgs};
use crate::catalogue::Code;
use crate::domain::record::{Document, Section};
use crate::render::templates::Part;

const TEMPLATES: Section = Section::Templates;

/// What a running Foghorn is asked.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// `foghorn template list --running`
    List(&'a TemplateListArgs),
    /// `foghorn template show`
    Show(&'a NamedArgs),
    /// `foghorn template render --running`
    Render(&'a TemplateRenderArgs),
    /// `foghorn template set`
    Set(&'a TemplateSetArgs),
    /// `foghorn template remove`
    Remove(&'a NamedArgs),
}

/// Does what was asked.
pub(in crate::cli) async fn run<W: Write>(
    asked: &Asked<'_>,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    match asked {
        Asked::List(args) => list(args, session).await,
        Asked::Show(args) => show(args, session).await,
        Asked::Render(args) => render(args, session).await,
        Asked::Set(args) => set(args, session).await,
        Asked::Remove(args) => stored::remove(TEMPLATES, args, session).await,
    }
}

async fn list<W: Write>(args: &TemplateListArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(FormArgs { json: args.json, quiet: false });
    let listed = read(&session.server, "/api/v1/templates", &[], &list).await?;
    let row = |template: &Stored| {
        let parts = Part::ALL.map(Part::key).into_iter().filter(|key| !template.text(key).is_empty());
        [template.name.clone(), Vec::from_iter(parts).join(", "), template.origin()]
    };
    let header = ["NAME", "PARTS", "ORIGIN"];
    print(&mut session.out, &listed, &list, header, row, |template: &Stored| template.name.clone())?;
    Ok(Exit::Done)
}

/// Each part under the name that it would have as a file.
async fn show<W: Write>(args: &NamedArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.get(&stored::path(TEMPLATES, &args.name), &[]).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let template: Stored = parsed(&raw)?;
    for line in stored::standing(&template, session.now) {
        session.out.line(&line)?;
    }
    for part in Part::ALL {
        let text = template.text(part.key());
        if !text.is_empty() {
            session.out.line(&format!("{}:", part.file(&template.name)))?;
            text.lines().try_for_each(|line| session.out.line(&format!("   {line}")))?;
        }
    }
    Ok(Exit::Done)
}

async fn set<W: Write>(args: &TemplateSetArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    match document(args) {
        Ok(document) => stored::replace(TEMPLATES, &args.name, document, args.json, session).await,
        Err(why) => {
            refuse(Code::InputUnreadable, &why);
            Ok(Exit::Usage)
        }
    }
}

fn document(args: &TemplateSetArgs) -> Result<Document, String> {
    if let Some(file) = &args.file {
        return stored::read(file).and_then(|text| stored::document(TEMPLATES, &args.name, &text));
    }
    let dir = args.dir.clone().unwrap_or_default();
    let mut document = Document::new();
    for part in Part::ALL {
        let path = dir.join(part.file(&args.name));
        match fs::read_to_string(&path) {
            Ok(source) => drop(document.insert(part.key().to_owned(), Value::from(source))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        }
    }
    let file = Part::Text.file(&args.name);
    if document.is_empty() { Err(format!("there is no {file} in {}", dir.display())) } else { Ok(document) }
}

/// What it would say, as far as a person looks at it.
#[derive(Debug, Deserialize)]
struct Rendered {
    subject: Option<String>,
    text: String,
    html: Option<String>,
    sms: Option<Parts>,
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Parts {
    encoding: String,
    segments: usize,
    characters: usize,
}

async fn render<W: Write>(args: &TemplateRenderArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let variables: Map<String, Value> = args.variables.iter().cloned().collect();
    let wish = json!({"incident": args.incident, "channel": args.channel, "variables": variables});
    let place = format!("{}/render", stored::path(TEMPLATES, &args.name));
    let raw: Box<RawValue> = session.server.post(&place, &wish).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let said: Rendered = parsed(&raw)?;
    let text = if args.html { said.html.unwrap_or_default() } else { said.text };
    if let Some(subject) = said.subject.filter(|subject| !args.html && !subject.is_empty()) {
        session.out.line(&format!("Subject: {subject}"))?;
        session.out.line("")?;
    }
    text.trim_end().lines().try_for_each(|line| session.out.line(line))?;
    if let Some(Parts { encoding, segments, characters }) = said.sms {
        let parts = if segments == 1 { "part" } else { "parts" };
        say(&format!("{segments} {parts} in {encoding}, {characters} characters."));
    }
    said.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
    Ok(Exit::Done)
}
