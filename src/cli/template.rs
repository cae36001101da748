//! `foghorn template`: the operator's templates, and what each says with the variables it is given.
//! Nothing is sent, and no server is asked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Exit;
use super::configuration::printed;
use super::print::refuse;
use super::process::{environment, invalid};
use crate::catalogue::Code;
use crate::config;
use crate::render::{RenderedText, Templates};

/// `foghorn template`
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// The templates of the configured directory
    List(TemplateListArgs),
    /// What one says, with these variables
    Render(TemplateRenderArgs),
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
    /// Its variables; JSON where it is any, text otherwise
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
    }
}

fn templates(file: Option<&PathBuf>) -> Result<Templates, Exit> {
    let env: BTreeMap<String, String> = environment();
    let loaded = config::load(file.map(PathBuf::as_path), &env).map_err(|problems| invalid(&problems))?;
    let templates = Templates::load(loaded.config.templates.dir.as_deref());
    templates.map_err(|problems| failed(&problems.join("; ")))
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
    let line = |(name, html): (&str, bool)| match args.json {
        true => format!("{}\n", json!({"name": name, "html": html})),
        false => format!("{name}  {}\n", if html { "subject, text, html" } else { "subject, text" }),
    };
    printed(&templates.names().map(line).collect::<String>())
}

fn render(args: &TemplateRenderArgs) -> Exit {
    let templates = match templates(args.config.as_ref()) {
        Ok(templates) => templates,
        Err(exit) => return exit,
    };
    let variables: Map<String, Value> = args.variables.iter().cloned().collect();
    match templates.render(&args.name, &variables) {
        Ok(said) => printed(&shown(args, &said)),
        Err(fault) => {
            let known: Vec<&str> = templates.names().map(|(name, _)| name).collect();
            failed(&match known.as_slice() {
                [] => format!("{fault}; [templates] dir has none"),
                known => format!("{fault}; there are: {}", known.join(", ")),
            })
        }
    }
}

fn shown(args: &TemplateRenderArgs, said: &RenderedText) -> String {
    let RenderedText { subject, text, html } = said;
    if args.json {
        return format!("{}\n", json!({"subject": subject, "text": text, "html": html}));
    }
    if args.html {
        return format!("{}\n", html.as_deref().unwrap_or_default().trim_end());
    }
    format!("Subject: {}\n\n{}\n", subject.trim_end(), text.trim_end())
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
