//! `foghorn completions` and `foghorn man`: made of the command tree itself, so they are never old; and
//! `foghorn openapi`, which is made of the table of routes.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::configuration::printed;
use super::print::say;
use super::{Cli, CompletionsArgs, Exit, ManArgs};
use crate::http::openapi;

/// The whole tree, with what clap fills in only as it parses: full names, inherited options.
fn tree() -> Command {
    let mut tree = Cli::command();
    tree.build();
    tree
}

pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "foghorn", &mut script);
    printed(&String::from_utf8_lossy(&script))
}

/// The manual page of the command at `path`.
///
/// # Errors
/// The first word that names no command.
pub fn page(path: &[String]) -> Result<String, String> {
    let mut command = &tree();
    for word in path {
        command = command.find_subcommand(word).ok_or_else(|| word.clone())?;
    }
    let name = match path {
        [] => "foghorn".to_owned(),
        path => format!("foghorn-{}", path.join("-")),
    };
    let mut page = Vec::new();
    let whole = Man::new(command.clone()).title(name).render(&mut page);
    whole.map_err(|error: io::Error| error.to_string())?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The document of the API, as the server serves it.
pub(super) fn openapi() -> Exit {
    printed(&openapi::text())
}

pub(super) fn man(args: &ManArgs) -> Exit {
    match page(&args.command) {
        Ok(page) => printed(&page),
        Err(word) => {
            say(&format!("error: there is no command \"{word}\" to tell of"));
            say("   = foghorn help shows all");
            Exit::Usage
        }
    }
}
