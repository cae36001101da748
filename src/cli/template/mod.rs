//! `foghorn template`: the operator's templates and those of Foghorn's own words, and what each says
//! with the variables it is given. Nothing is sent. What the directory of the configuration says needs no
//! server; `--running`, and whatever changes one, asks the running Foghorn ([`running`]).

pub mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Exit;
use super::client::{self, name, number};
use super::configuration::printed;
use super::pass::Pass;
use super::print::refuse;
use super::process::{environment, invalid};
use super::stored::NamedArgs;
use crate::catalogue::Code;
use crate::config;
use crate::render::templates::Sheet;
use crate::render::{BuiltIn, OwnWords, RenderedText, Templates, incident, notice};
use running::Asked;

/// `foghorn template`
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// The templates of the configured directory, and Foghorn's own
    List(TemplateListArgs),
    /// What one says, with these variables
    Render(TemplateRenderArgs),
    /// Write Foghorn's own words into the configured directory, to be changed there
    Eject(TemplateEjectArgs),
    /// One of the running Foghorn, and where it stands
    Show(NamedArgs),
    /// Have the running Foghorn say this; what has a file is changed there
    Set(TemplateSetArgs),
    /// Take one away that was set
    #[command(alias = "delete")]
    Remove(NamedArgs),
}

/// `foghorn template list`
#[derive(Debug, Clone, Args)]
pub struct TemplateListArgs {
    /// Where the configuration is; without it, where `serve` would find it
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Those of the running Foghorn: of its directory, and of its store
    #[arg(long, conflicts_with = "config")]
    pub running: bool,
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
    /// As the running Foghorn has it
    #[arg(long, conflicts_with = "config")]
    pub running: bool,
    /// About this incident
    #[arg(long, value_name = "NUMBER", value_parser = number, requires = "running")]
    pub incident: Option<u64>,
    /// As this channel takes it, or channels of this kind: email, sms, ios, android
    #[arg(long, value_name = "CHANNEL", value_parser = name, requires = "running")]
    pub channel: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn template set`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("from").args(["file", "dir"]).required(true))]
pub struct TemplateSetArgs {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// What it says, TOML or JSON with subject, text and html; - is standard input
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where NAME.subject.txt, NAME.txt and NAME.html are
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn template eject`
#[derive(Debug, Clone, Args)]
pub struct TemplateEjectArgs {
    /// incident (mail), incident-push, incident-sms, or one of them on one occasion (incident-resolved);
    /// email_verification, password_reset, welcome or security_alert
    #[arg(value_name = "NAME", value_parser = built_in)]
    pub built_in: BuiltIn,
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

fn built_in(name: &str) -> Result<BuiltIn, String> {
    let names = || BuiltIn::all().map(BuiltIn::name).collect::<Vec<_>>().join(", ");
    BuiltIn::parse(name).ok_or_else(|| format!("Foghorn's own words are {}", names()))
}

fn variable(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

/// Does what was asked.
pub(super) async fn run(command: &TemplateCommand, url: Option<String>, pass: &Pass) -> Exit {
    let asked = match command {
        TemplateCommand::List(args) if args.running => Asked::List(args),
        TemplateCommand::Render(args) if args.running => Asked::Render(args),
        TemplateCommand::List(args) => return list(args),
        TemplateCommand::Render(args) => return render(args),
        TemplateCommand::Eject(args) => return eject(args),
        TemplateCommand::Show(args) => Asked::Show(args),
        TemplateCommand::Set(args) => Asked::Set(args),
        TemplateCommand::Remove(args) => Asked::Remove(args),
    };
    client::template(&asked, url, pass).await
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
    let own: Vec<_> = templates.built_in().map(|(name, files)| (name, files.html.is_some())).collect();
    let own = own.iter().map(|(name, html)| Listed { name, html: *html, from: From::Foghorn });
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
        let has_subject = OwnWords::of_template(name).is_none_or(|(words, _)| words.has_subject());
        let parts = [has_subject.then_some("subject"), Some("text"), html.then_some("html")];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let built_in = if built_in { "  built in" } else { "" };
        format!("{name}  {}{built_in}\n", parts.join(", "))
    }
}

fn render(args: &TemplateRenderArgs) -> Exit {
    let templates = match templates(args.config.as_ref()) {
        Ok(templates) => templates,
        Err(exit) => return exit,
    };
    let mut variables = match BuiltIn::parse(&args.name) {
        Some(BuiltIn::Incident(..)) => incident::example(&args.name),
        Some(BuiltIn::Notice(_)) => notice::example(),
        None => Map::new(),
    };
    variables.extend(args.variables.iter().cloned());
    match templates.render(&args.name, &variables) {
        Ok(said) => printed(&shown(args, &said)),
        Err(fault) => {
            let theirs = templates.names().map(|(name, _)| name.to_owned());
            let known: BTreeSet<String> = theirs.chain(BuiltIn::all().map(BuiltIn::name)).collect();
            failed(&format!("{fault}; there are: {}", Vec::from_iter(known).join(", ")))
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
    let templates = args.built_in.templates().into_iter();
    for Sheet { name, part, source } in templates.flat_map(|(name, files)| files.sheets(&name)) {
        let path = dir.join(part.file(&name));
        if let Err(why) = write(&path, &source, args.force) {
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
