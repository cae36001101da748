//! `foghorn config`: what the configuration says and why, what differs from the defaults, and what
//! could be said at all.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Exit;
use super::print::{Printer, reader_left, refuse, say};
use super::process::{environment, invalid};
use crate::catalogue::Code;
use crate::config::{self, Difference, Origin, Problem, REFERENCE, Setting};

/// `foghorn config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// What file and environment say; secrets are not shown
    Show(ShowConfigArgs),
    /// What is not the default
    Diff(ConfigArgs),
    /// The JSON Schema, for editors: foghorn config schema > foghorn.schema.json
    Schema,
    /// Every key with its default, as a commented file
    Reference,
}

/// `foghorn config diff`
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// The file; without it, the one that `serve` would read
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `foghorn config show`
#[derive(Debug, Clone, Args)]
pub struct ShowConfigArgs {
    /// What everything amounts to, defaults included
    #[arg(long)]
    pub effective: bool,
    /// Where each value comes from
    #[arg(long)]
    pub origin: bool,
    /// Which file, and how it is printed.
    #[command(flatten)]
    pub config: ConfigArgs,
}

pub(super) fn run(command: &ConfigCommand) -> Exit {
    let lines = match command {
        ConfigCommand::Show(args) => shown(args),
        ConfigCommand::Diff(args) => differing(args),
        ConfigCommand::Schema => Ok(format!("{:#}\n", config::json_schema())),
        ConfigCommand::Reference => Ok(REFERENCE.to_owned()),
    };
    match lines {
        Ok(text) => printed(&text),
        Err(problems) => invalid(&problems),
    }
}

/// Text of ours, on standard output.
pub(super) fn printed(text: &str) -> Exit {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if !reader_left(&error) => {
            refuse(Code::CannotWrite, &error);
            Exit::Failed
        }
        _ => Exit::Done,
    }
}

fn shown(args: &ShowConfigArgs) -> Result<String, Vec<Problem>> {
    let (file, env) = (args.config.config.as_deref(), environment());
    let settings = if args.effective { config::effective(file, &env)? } else { config::written(file, &env)? };
    let each = |setting: &Setting| match args.config.json {
        true => format!("{}\n", object(setting)),
        false => safe(&text(setting, args.origin)),
    };
    Ok(settings.iter().map(each).collect())
}

fn differing(args: &ConfigArgs) -> Result<String, Vec<Problem>> {
    let differences = config::differences(args.config.as_deref(), &environment())?;
    if differences.is_empty() && !args.json {
        say("Everything is as by default.");
    }
    let each = |Difference { setting, default }: &Difference| {
        if args.json {
            let mut object = object(setting);
            object["default"] = json!(default);
            return format!("{object}\n");
        }
        let usual = default.as_ref().map(|default| format!("- {} = {default}\n", setting.key));
        let now = text(setting, true);
        let now: String = now.lines().map(|line| format!("+ {line}\n")).collect();
        safe(&format!("{}{now}", usual.unwrap_or_default()))
    };
    Ok(differences.iter().map(each).collect())
}

/// Lines made harmless: they hold the operator's text.
fn safe(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut printer = Printer::new(&mut bytes);
    // Memory takes everything.
    drop(text.lines().try_for_each(|line| printer.line(line)));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The setting as TOML, a list of tables with one on each line.
pub fn text(setting: &Setting, origin: bool) -> String {
    let remark = |origin_of: &Origin| match origin {
        true => format!("   # {}", said(origin_of)),
        false => String::new(),
    };
    match setting.value.as_array().filter(|_| !setting.items.is_empty()) {
        Some(list) => {
            let items = list.iter().zip(&setting.items);
            let lines: String = items.map(|(item, from)| format!("  {item},{}\n", remark(from))).collect();
            format!("{} = [\n{lines}]\n", setting.key)
        }
        None => format!("{} = {}{}\n", setting.key, setting.value, remark(&setting.origin)),
    }
}

fn said(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::File { path, line } => format!("{}:{line}", path.display()),
        Origin::Variable(name) => format!("env {name}"),
    }
}

fn object(setting: &Setting) -> Value {
    let origin = match &setting.origin {
        Origin::Default => json!({ "kind": "default" }),
        Origin::File { path, line } => {
            json!({ "kind": "file", "path": path.display().to_string(), "line": line })
        }
        Origin::Variable(name) => json!({ "kind": "env", "name": name }),
    };
    json!({ "key": setting.key, "value": setting.value, "origin": origin })
}
