//! `foghorn delivery cancel` and `foghorn delivery retry`: what an operator does to single deliveries.

use std::io::Write;

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Exit;
use super::client::{Session, id};
use super::connection::Failure;
use super::each::each;
use super::lists::{counted, parsed};
use super::shapes::Delivery;
use crate::domain::ids::NotificationId;

/// Some that have ids.
#[derive(Debug, Clone, Args)]
pub struct HandleArgs {
    /// Which: del_…; or ntf_… to cancel all of a direct notification
    #[arg(value_name = "ID", value_parser = id, required = true)]
    pub ids: Vec<String>,
    /// One JSON object a line: the delivery as it stands then
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Deserialize)]
struct Withdrawn {
    canceled: Vec<String>,
}

/// What is done to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Cancel,
    Retry,
}

/// Does it to each; one that fails stops nothing.
pub(super) async fn run<W: Write>(
    wish: Wish,
    args: &HandleArgs,
    session: &mut Session<W>,
) -> Result<Exit, Failure> {
    each(&args.ids, session, async |id, session| one(wish, id, args, session).await).await
}

async fn one<W: Write>(
    wish: Wish,
    id: &str,
    args: &HandleArgs,
    session: &mut Session<W>,
) -> Result<(), Failure> {
    let path = match wish {
        Wish::Cancel if id.starts_with(NotificationId::PREFIX) => {
            format!("/api/v1/notifications/{id}/cancel")
        }
        Wish::Cancel => format!("/api/v1/deliveries/{id}/cancel"),
        Wish::Retry => format!("/api/v1/deliveries/{id}/retry"),
    };
    let raw: Box<RawValue> = session.server.post(&path, &json!({})).await?;
    if args.json {
        return Ok(session.out.json(raw.get())?);
    }
    let said = match wish {
        Wish::Cancel if id.starts_with(NotificationId::PREFIX) => {
            let withdrawn: Withdrawn = parsed(&raw)?;
            let count = counted(withdrawn.canceled.len() as u64, "delivery", "deliveries");
            format!("{id}  {count} canceled")
        }
        Wish::Cancel => format!("{id}  canceled"),
        Wish::Retry => {
            let delivery: Delivery = parsed(&raw)?;
            match delivery.replay_of {
                Some(dead) if dead == id => format!("{}  repeats {id}", delivery.id),
                _ => format!("{id}  is tried now"),
            }
        }
    };
    Ok(session.out.line(&said)?)
}
