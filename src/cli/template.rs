//! `foghorn template`: the operator's templates and those of Foghorn's own words, and what each says
//! with the variables it is given. Nothing is sent, and no server is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Exit;
use super::configuration::printed;
use super::print::refuse;
use super::process::{environment, invalid};
use crate::catalogue::Code;
use crate::config;
use crate::render::{OwnWords, RenderedText, Templates, incident};

/// `foghorn template`
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// The templates of the configured directory, and Foghorn's own
    List(TemplateListArgs),
    /// What one says, with these variables
    Render(TemplateRenderArgs),
    /// Write Foghorn's own words into the configured directory, to be changed there
    Eject(TemplateEjectArgs),
}

/// `foghorn template list`
#[derive(Debug, Clone, Args)]
pub struct TemplateListArgs {
    /// Where the configuration is; without it, where `serve` would find it
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `foghorn template render`
#[derive(Debug, Clone, Args)]
pub struct TemplateRenderArgs {
    /// The name of the template: `welcome` is welcome.subject.txt, welcome.txt and welcome.html
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its variables; JSON where it is any, text otherwise. Those of an incident have values already
    #[arg(value_name = "KEY=VALUE", value_parser = variable)]
    pub variables: Vec<(String, Value)>,
    /// The HTML rather than subject and text
    #[arg(long, conflicts_with = "json")]
    pub html: bool,
    /// Where the configuration is; without it, where `serve` would find it
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn template eject`
#[derive(Debug, Clone, Args)]
pub struct TemplateEjectArgs {
    /// incident (mail), incident-push or incident-sms
    #[arg(value_name = "NAME", value_parser = own_words)]
    pub words: OwnWords,
    /// Where to, rather than the configured directory
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
    /// Write over what is there
    #[arg(long)]
    pub force: bool,
    /// Where the configuration is; without it, where `serve` would find it
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
}

fn own_words(name: &str) -> Result<OwnWords, String> {
    let names = || OwnWords::ALL.map(OwnWords::name).join(", ");
    OwnWords::parse(name).ok_or_else(|| format!("Foghorn's own words are {}", names()))
}

fn variable(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

/// Does what was asked.
pub(super) fn run(command: &TemplateCommand) -> Exit {
    match command {
        TemplateCommand::List(args) => list(args),
        TemplateCommand::Render(args) => render(args),
        TemplateCommand::Eject(args) => eject(args),
    }
}

fn dir(file: Option<&PathBuf>) -> Result<Option<PathBuf>, Exit> {
    let env: BTreeMap<String, String> = environment();
    let loaded = config::load(file.map(PathBuf::as_path), &env).map_err(|problems| invalid(&problems))?;
    Ok(loaded.config.templates.dir)
}

fn templates(file: Option<&PathBuf>) -> Result<Templates, Exit> {
    Templates::load(dir(file)?.as_deref()).map_err(|problems| failed(&problems.join("; ")))
}

fn failed(why: &str) -> Exit {
    refuse(Code::TemplateSaysNothing, &why);
    Exit::Failed
}

fn list(args: &TemplateListArgs) -> Exit {
    let templates = match templates(args.config.as_ref()) {
        Ok(templates) => templates,
        Err(exit) => return exit,
    };
    let theirs = templates.names().map(|(name, html)| Listed { name, html, from: From::Directory });
    let own = OwnWords::ALL.into_iter().filter(|words| !templates.contains(words.name()));
    let own = own.map(|words| {
        let html = words.files().html.is_some();
        Listed { name: words.name(), html, from: From::Foghorn }
    });
    printed(&theirs.chain(own).map(|listed| listed.line(args.json)).collect::<String>())
}

/// One line of the list.
struct Listed<'a> {
    name: &'a str,
    html: bool,
    from: From,
}

/// Whose words they are.
#[derive(Clone, Copy, PartialEq)]
enum From {
    Directory,
    Foghorn,
}

impl Listed<'_> {
    fn line(&self, json: bool) -> String {
        let Self { name, html, from } = self;
        let built_in = *from == From::Foghorn;
        if json {
            return format!("{}\n", json!({"name": name, "html": html, "built_in": built_in}));
        }
        let has_subject = OwnWords::parse(name).is_none_or(|words| words.files().subject.is_some());
        let parts = [has_subject.then_some("subject"), Some("text"), html.then_some("html")];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let built_in = if built_in { "  built in" } else { "" };
        format!("{name}  {}{built_in}\n", parts.join(", "))
    }
}

fn render(args: &TemplateRenderArgs) -> Exit {
    let mut templates = match templates(args.config.as_ref()) {
        Ok(templates) => templates,
        Err(exit) => return exit,
    };
    let mut variables = Map::new();
    if let Some(words) = OwnWords::parse(&args.name) {
        variables = incident::example();
        templates.complete(words);
    }
    variables.extend(args.variables.iter().cloned());
    match templates.render(&args.name, &variables) {
        Ok(said) => printed(&shown(args, &said)),
        Err(fault) => {
            let known = templates.names().map(|(name, _)| name).chain(OwnWords::ALL.map(OwnWords::name));
            let known: BTreeSet<&str> = known.collect();
            failed(&format!("{fault}; there are: {}", known.into_iter().collect::<Vec<_>>().join(", ")))
        }
    }
}

fn eject(args: &TemplateEjectArgs) -> Exit {
    let dir = match args.dir.clone().map_or_else(|| dir(args.config.as_ref()), |dir| Ok(Some(dir))) {
        Ok(Some(dir)) => dir,
        Ok(None) => {
            return failed("there is no directory for templates: set [templates] dir, or say --dir PATH");
        }
        Err(exit) => return exit,
    };
    let mut written = String::new();
    for (file, source) in args.words.files().named(args.words.name()) {
        let path = dir.join(file);
        if let Err(why) = write(&path, source, args.force) {
            return failed(&format!("{}: {why}", path.display()));
        }
        written.push_str(&format!("{}\n", path.display()));
    }
    printed(&written)
}

/// Never over what somebody wrote, unless they say so.
fn write(path: &Path, source: &str, over: bool) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut file = match over {
        true => File::create(path),
        false => File::create_new(path),
    }
    .map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::other("is there already; --force writes over it"),
        _ => error,
    })?;
    file.write_all(source.as_bytes())
}

fn shown(args: &TemplateRenderArgs, said: &RenderedText) -> String {
    let RenderedText { subject, text, html } = said;
    if args.json {
        return format!("{}\n", json!({"subject": subject, "text": text, "html": html}));
    }
    if args.html {
        return format!("{}\n", html.as_deref().unwrap_or_default().trim_end());
    }
    let subject = match subject.trim_end() {
        "" => String::new(),
        subject => format!("Subject: {subject}\n\n"),
    };
    format!("{subject}{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_json_where_it_is_any_and_text_otherwise() {
        assert_eq!(variable("name=Ada L."), Ok(("name".to_owned(), Value::from("Ada L."))));
        assert_eq!(variable("count=3"), Ok(("count".to_owned(), Value::from(3))));
        assert_eq!(variable("list=[1,2]"), Ok(("list".to_owned(), json!([1, 2]))));
        assert!(variable("name").is_err());
    }
}
