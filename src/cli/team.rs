//! `foghorn team`: who belongs together, in the configuration file or in the store.

use std::io::Write;

use clap::{Args, Subcommand};

use super::Exit;
use super::client::{Session, name};
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, or_none, print, read};
use super::stored::{self, NamedArgs, SetArgs, Stored};
use crate::domain::record::{Document, Section};

/// `foghorn team`
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// All of them, and who belongs to each
    List(FormArgs),
    /// One, and where it stands
    Show(NamedArgs),
    /// Add one; what stands in a file is changed there
    Add(TeamArgs),
    /// Have it these members and no others
    Edit(TeamArgs),
    /// Have one say what a file says
    Set(SetArgs),
    /// Take one away
    Remove(NamedArgs),
}

/// `foghorn team add` and `edit`
#[derive(Debug, Clone, Args)]
pub struct TeamArgs {
    /// What the configuration calls it
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// A user; several with commas, or more than once
    #[arg(long = "member", value_name = "USER", required = true, value_delimiter = ',')]
    pub members: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

impl TeamArgs {
    fn document(&self) -> Document {
        Document::from_iter([("members".to_owned(), self.members.iter().map(String::as_str).collect())])
    }
}

/// Does what was asked.
pub(super) async fn run<W: Write>(command: &TeamCommand, session: &mut Session<W>) -> Result<Exit, Failure> {
    const TEAMS: Section = Section::Teams;
    match command {
        TeamCommand::List(form) => list(form, session).await,
        TeamCommand::Show(args) => stored::show(TEAMS, args, session).await,
        TeamCommand::Add(args) => stored::add(TEAMS, &args.name, &args.document(), args.json, session).await,
        TeamCommand::Edit(args) => stored::edit(TEAMS, &args.name, args.document(), args.json, session).await,
        TeamCommand::Set(args) => stored::set(TEAMS, args, session).await,
        TeamCommand::Remove(args) => stored::remove(TEAMS, args, session).await,
    }
}

async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, "/api/v1/teams", &[], &list).await?;
    let row = |team: &Stored| [team.name.clone(), or_none(&team.text("members")), team.origin()];
    let header = ["NAME", "MEMBERS", "ORIGIN"];
    print(&mut session.out, &listed, &list, header, row, |team: &Stored| team.name.clone())?;
    Ok(Exit::Done)
}
