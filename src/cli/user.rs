//! `foghorn user`: the people who are told, in the configuration file or in the store.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Exit;
use super::client::{Session, name};
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, or_none, print, read};
use super::stored::{self, NamedArgs, SetArgs, Stored};
use crate::domain::record::{Document, Section};

/// `foghorn user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// All of them, and how they are reached
    List(FormArgs),
    /// One, and where it stands
    Show(NamedArgs),
    /// Add one; whoever stands in a file is changed there
    Add(UserArgs),
    /// Change what is named; an empty text takes it away
    Edit(UserArgs),
    /// Have one say what a file says
    Set(SetArgs),
    /// Take one away
    Remove(NamedArgs),
}

/// `foghorn user add` and `edit`
#[derive(Debug, Clone, Args)]
pub struct UserArgs {
    /// What the configuration calls them
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// What people call them
    #[arg(long, value_name = "TEXT")]
    pub called: Option<String>,
    /// A mailbox
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// A number with its country, such as +15550111
    #[arg(long, value_name = "NUMBER")]
    pub phone: Option<String>,
    /// A member id of Slack
    #[arg(long, value_name = "ID")]
    pub slack: Option<String>,
    /// A device; more than once for more of them
    #[arg(long, value_name = "TOKEN")]
    pub ios: Vec<String>,
    /// A device; more than once for more of them
    #[arg(long, value_name = "TOKEN")]
    pub android: Vec<String>,
    /// viewer, responder or admin
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

impl UserArgs {
    fn document(&self) -> Document {
        let texts = [
            ("name", &self.called),
            ("email", &self.email),
            ("phone", &self.phone),
            ("slack", &self.slack),
            ("role", &self.role),
        ];
        let mut document: Document = texts
            .into_iter()
            .filter_map(|(key, text)| Some((key.to_owned(), of_text(text.as_deref()?))))
            .collect();
        for (key, devices) in [("ios", &self.ios), ("android", &self.android)] {
            if !devices.is_empty() {
                let devices = devices.iter().filter(|token| !token.is_empty());
                document.insert(key.to_owned(), devices.map(String::as_str).collect());
            }
        }
        document
    }
}

/// Nothing takes a key away.
fn of_text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}

/// Does what was asked.
pub(super) async fn run<W: Write>(command: &UserCommand, session: &mut Session<W>) -> Result<Exit, Failure> {
    const USERS: Section = Section::Users;
    match command {
        UserCommand::List(form) => list(form, session).await,
        UserCommand::Show(args) => stored::show(USERS, args, session).await,
        UserCommand::Add(args) => stored::add(USERS, &args.name, &args.document(), args.json, session).await,
        UserCommand::Edit(args) => stored::edit(USERS, &args.name, args.document(), args.json, session).await,
        UserCommand::Set(args) => stored::set(USERS, args, session).await,
        UserCommand::Remove(args) => stored::remove(USERS, args, session).await,
    }
}

async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, "/api/v1/users", &[], &list).await?;
    let row = |user: &Stored| {
        let reached = ["email", "phone", "slack", "ios", "android"].map(|key| (key, user.text(key)));
        let reached = reached.iter().filter(|(_, text)| !text.is_empty());
        let reached: Vec<&str> = reached
            .map(|(key, text)| match *key {
                // A token says nothing to a person.
                "ios" | "android" => key,
                _ => text.as_str(),
            })
            .collect();
        let called = or_none(&user.text("name"));
        [user.name.clone(), called, or_none(&user.text("role")), or_none(&reached.join(", ")), user.origin()]
    };
    let header = ["NAME", "CALLED", "ROLE", "REACHED BY", "ORIGIN"];
    print(&mut session.out, &listed, &list, header, row, |user: &Stored| user.name.clone())?;
    Ok(Exit::Done)
}
