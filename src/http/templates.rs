//! What a template would say: `POST /api/v1/templates/{name}/render`. [`super::records`] shows and changes
//! them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::flow::is_known;
use super::lists::found;
use super::problem::{Code, Problem};
use super::{Shared, json};
use crate::domain::malformed::Problem as Flaw;
use crate::domain::notification::{IncidentFacts, NotificationKind};
use crate::messages::in_use::InUse;
use crate::render::preview::{Medium, Preview, Trial, preview, variables};
use crate::render::sms::{Alphabet, SmsStyle};
use crate::render::{OwnWords, TemplateFault};
use crate::store::views::IncidentView;

/// What a template is tried with.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TemplateTrial)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// An incident that it is to be about; without it, one that never was.
    incident: Option<u64>,
    /// A channel, or a kind of channel (`email`, `sms`, `ios`, `android`), that takes the words; without
    /// it, what the template is for.
    channel: Option<String>,
    /// Its variables, over those that are known.
    #[serde(default)]
    #[schema(value_type = Object)]
    variables: Map<String, Value>,
}

/// What it would say.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RenderedTemplate)]
pub(super) struct Rendered {
    name: String,
    /// Subject or title, where there is one.
    subject: Option<String>,
    text: String,
    /// For mail.
    html: Option<String>,
    /// Of a text message.
    sms: Option<Parts>,
    /// What its reader will not see as it was written.
    warnings: Vec<String>,
}

/// What a text message costs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TextMessageParts)]
pub(super) struct Parts {
    encoding: Encoding,
    segments: usize,
    characters: usize,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TextMessageEncoding)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Gsm7,
    Ucs2,
}

pub(super) async fn render(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Rendered>, Problem> {
    let wish: Wish = json::read(&shared, request).await?;
    let in_use = shared.api.in_use.borrow().clone();
    let medium = wish.channel.as_deref().map(|channel| medium(channel, &in_use)).transpose()?;
    let facts = match wish.incident {
        None => None,
        Some(number) => {
            let incident = found(shared.api.store.incident(number).await?, "incident")?;
            Some(facts(incident, &name))
        }
    };
    let trial = Trial { template: &name, incident: facts.as_ref(), vars: &wish.variables, medium };
    match preview(&trial, &in_use.letterhead) {
        Ok(said) => Ok(Json(Rendered::of(name, said))),
        Err(fault) => Err(refused(&fault, &trial, &in_use)),
    }
}

/// What takes the words on this channel, or on channels of this kind.
fn medium(channel: &str, in_use: &InUse) -> Result<Medium, Problem> {
    let way = in_use.channels.iter().find(|(name, _)| name.as_str() == channel).map(|(_, way)| way);
    let style = way.and_then(|way| way.texts).unwrap_or_else(SmsStyle::default);
    match way.map_or(channel, |way| way.kind.as_str()) {
        "sms" => Ok(Medium::Text(style)),
        "ios" | "android" => Ok(Medium::Screen),
        "email" => Ok(Medium::Mail),
        // Subject and text, as a mail has them.
        _ if way.is_some() => Ok(Medium::Mail),
        _ => {
            let kinds = ["email", "sms", "ios", "android"];
            let known = in_use.channels.keys().map(|name| name.as_str()).chain(kinds);
            is_known("channel", channel, &known.collect::<Vec<_>>()).map(|()| Medium::Mail)
        }
    }
}

/// The incident as a message about it would find it now. Where it is open, a template for one occasion
/// has that one.
fn facts(incident: IncidentView, template: &str) -> IncidentFacts {
    let occasion = OwnWords::of_template(template).and_then(|(_, occasion)| occasion);
    IncidentFacts {
        kind: occasion.unwrap_or(NotificationKind::Opened),
        id: incident.id,
        number: incident.number,
        version: incident.version,
        title: incident.title,
        severity: incident.severity,
        status: incident.status,
        service: incident.service,
        description: incident.description,
        labels: incident.labels,
        links: incident.links,
        source: incident.source,
        policy: incident.policy.map(Into::into),
        event_count: incident.event_count,
        opened_at: incident.opened_at,
        resolved_at: incident.resolved_at,
        acknowledged_by: incident.acknowledged_by,
    }
}

impl Rendered {
    fn of(name: String, said: Preview) -> Self {
        let Preview { subject, text, html, parts, warnings } = said;
        let sms = parts.map(|(alphabet, segments)| Parts {
            encoding: match alphabet {
                Alphabet::Gsm7 => Encoding::Gsm7,
                Alphabet::Ucs2 => Encoding::Ucs2,
            },
            segments,
            characters: text.chars().count(),
        });
        Self { name, subject, text, html, sms, warnings }
    }
}

fn refused(fault: &TemplateFault, trial: &Trial<'_>, in_use: &InUse) -> Problem {
    let TemplateFault::Broken { message, .. } = fault else {
        let names: Vec<String> = in_use.letterhead.templates.all_names().collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let nothing = || Problem::new(Code::NotFound, fault.to_string());
        return is_known("template", trial.template, &known).err().unwrap_or_else(nothing);
    };
    let known: Vec<String> = variables(trial, &in_use.letterhead).into_iter().map(|(name, _)| name).collect();
    let hint = format!("variables that are known: {}", known.join(", "));
    let flaw = Flaw {
        pointer: "/variables".to_owned(),
        code: "template",
        detail: message.clone(),
        hint: Some(hint),
    };
    Problem::told(Code::TemplateUnfit, fault.to_string(), vec![flaw])
}
