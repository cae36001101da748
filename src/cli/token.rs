//! `foghorn token` and `foghorn audit`: who may call the API, and who did what over it.

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Exit;
use super::age::age;
use super::client::{Session, id};
use super::connection::Failure;
use super::lists::{FormArgs, ListArgs, footer, none, or_none, parsed, print, read};
use super::print::say;
use crate::domain::Timestamp;

/// `foghorn token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make one. Its secret is printed once, and kept nowhere
    Create(CreateArgs),
    /// All of them, those of the configuration first
    List(FormArgs),
    /// End one: nobody gets in with it any more
    Revoke(RevokeArgs),
}

/// `foghorn token create`
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    /// What it is called: what is done with it is said to be done by this
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it is good for: events:write, read, respond, or admin, which holds the others
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub scopes: Vec<String>,
    /// When it ends by itself, such as 90d; without it, it has no end
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn token revoke`
#[derive(Debug, Clone, Args)]
pub struct RevokeArgs {
    /// Its id, as the list shows it
    #[arg(value_name = "ID", value_parser = id)]
    pub id: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `foghorn audit`
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// How much of it, and how.
    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Deserialize)]
struct Token {
    id: Option<String>,
    name: String,
    scopes: Vec<String>,
    state: String,
    created_by: Option<String>,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    name: String,
    scopes: Vec<String>,
    expires_at: Option<Timestamp>,
    secret: String,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    at: Timestamp,
    who: String,
    from: String,
    action: String,
    target: String,
    status: u16,
}

const PATH: &str = "/api/v1/tokens";

/// Does what was asked.
pub(super) async fn run<W: Write>(command: &TokenCommand, session: &mut Session<W>) -> Result<Exit, Failure> {
    match command {
        TokenCommand::Create(args) => create(args, session).await,
        TokenCommand::List(form) => list(form, session).await,
        TokenCommand::Revoke(args) => revoke(args, session).await,
    }
}

/// The secret is the data: it alone goes to standard output.
async fn create<W: Write>(args: &CreateArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let wish = json!({ "name": args.name, "scopes": args.scopes, "expires_in": args.expires });
    let raw: Box<RawValue> = session.server.post(PATH, &wish).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let made: Made = parsed(&raw)?;
    session.out.line(&made.secret)?;
    let end = made.expires_at.map_or_else(|| "has no end".to_owned(), |end| format!("ends at {end}"));
    say(&format!("{} {} may: {}; it {end}.", made.id, made.name, made.scopes.join(", ")));
    say("This is shown once. Give it to commands as FOGHORN_TOKEN, or in a file with --token-file.");
    Ok(Exit::Done)
}

async fn list<W: Write>(form: &FormArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let list = ListArgs::all(form.clone());
    let listed = read(&session.server, PATH, &[], &list).await?;
    let now = session.now;
    let row = |token: &Token| {
        let end = token.expires_at.map_or_else(none, |end| end.strftime("%Y-%m-%d").to_string());
        [
            token.id.clone().unwrap_or_else(|| "config".to_owned()),
            token.name.clone(),
            token.scopes.join(","),
            token.state.clone(),
            end,
            token.last_used_at.map_or_else(none, |at| age(at, now)),
            token.created_by.clone().unwrap_or_else(none),
        ]
    };
    let header = ["ID", "NAME", "SCOPES", "STATE", "EXPIRES", "USED", "BY"];
    let id = |token: &Token| token.id.clone().unwrap_or_else(|| token.name.clone());
    print(&mut session.out, &listed, &list, header, row, id)?;
    Ok(Exit::Done)
}

async fn revoke<W: Write>(args: &RevokeArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let raw: Box<RawValue> = session.server.delete(&format!("{PATH}/{}", args.id)).await?;
    if args.json {
        session.out.json(raw.get())?;
        return Ok(Exit::Done);
    }
    let ended: Token = parsed(&raw)?;
    session.out.line(&format!("token {} is revoked: other nodes refuse it within seconds", ended.name))?;
    Ok(Exit::Done)
}

/// Who did what.
pub(super) async fn audit<W: Write>(args: &AuditArgs, session: &mut Session<W>) -> Result<Exit, Failure> {
    let listed = read(&session.server, "/api/v1/audit", &[], &args.list).await?;
    let row = |entry: &Entry| {
        let at = entry.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let method = entry.action.split(' ').next().unwrap_or_default();
        let what = format!("{method} {}", entry.target);
        [at, or_none(&entry.who), or_none(&entry.from), what, entry.status.to_string()]
    };
    let header = ["AT", "WHO", "FROM", "WHAT", "STATUS"];
    print(&mut session.out, &listed, &args.list, header, row, |entry: &Entry| entry.id.clone())?;
    footer(&listed, &args.list, "entry", "entries");
    Ok(Exit::Done)
}
