//! `POST /notifications/preferences` and `GET|PUT /notifications/preferences/{userid}`: what a user wants to
//! hear. They are the user's own table of the configuration, kept in the store: `[users.USERID]`.
//!
//! What nobody said is wanted. What nobody can turn off is kept as it was asked for, and said all the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::notice::Notice;
use crate::domain::record::{Document, Expected, Section};
use crate::http::actions::asker;
use crate::http::lists::found;
use crate::http::problem::{Code, Problem};
use crate::http::records::{change, told};
use crate::http::{Shared, json};
use crate::messages::control::{RecordAct, RecordChanged, RecordRefused, RecordWish};

/// What is to be known of a user.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = PreferencesRequest)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Wanted {
    #[serde(default)]
    notification_email: Option<String>,
    #[serde(default)]
    preferences: BTreeMap<String, bool>,
}

impl Wanted {
    fn document(self) -> Document {
        let mut document = Document::new();
        document.extend(self.notification_email.map(|email| ("email".to_owned(), Value::String(email))));
        if !self.preferences.is_empty() {
            document.insert("preferences".to_owned(), json!({ "types": self.preferences }));
        }
        document
    }

    /// Whoever is told things by a service is not one of those who are called.
    fn anew(self) -> Document {
        let mut document = self.document();
        document.insert("role".to_owned(), json!("viewer"));
        document
    }
}

/// What a user wants to hear.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Preferences)]
pub(in crate::http) struct View {
    userid: String,
    notification_email: Option<String>,
    preferences: BTreeMap<String, bool>,
}

impl View {
    fn of(userid: &str, document: &Document) -> Self {
        let types = document.get("preferences").and_then(|all| all.get("types")).and_then(Value::as_object);
        let said = types.into_iter().flat_map(Map::iter);
        let said = said.filter_map(|(of, wanted)| Some((of.clone(), wanted.as_bool()?)));
        let wanted = Notice::ALL.iter().map(|notice| (notice.as_str().to_owned(), true));
        Self {
            userid: userid.to_owned(),
            notification_email: document.get("email").and_then(Value::as_str).map(str::to_owned),
            preferences: wanted.chain(said).collect(),
        }
    }
}

pub(in crate::http) async fn create(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let by = asker(&request).to_string();
    let wanted: Wanted = json::read(&shared, request).await?;
    if wanted.notification_email.is_none() {
        return Err(Problem::new(Code::InvalidBody, "notification_email is missing"));
    }
    let userid = format!("{:032x}", fastrand::u128(..));
    let wish = wish(&userid, RecordAct::Put(wanted.anew()), Expected::Nothing, by);
    answered(&userid, change(&shared, wish).await?)
}

pub(in crate::http) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(userid): Path<String>,
) -> Result<Response, Problem> {
    let tables = Arc::clone(&shared.api.in_use.borrow().tables);
    let entry = found(tables.find(Section::Users, &userid), "user")?;
    Ok(Json(View::of(&userid, &entry.document)).into_response())
}

pub(in crate::http) async fn update(
    State(shared): State<Arc<Shared>>,
    Path(userid): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let by = asker(&request).to_string();
    let wanted: Wanted = json::read(&shared, request).await?;
    let known = shared.api.in_use.borrow().tables.find(Section::Users, &userid).is_some();
    let (act, expected) = match known {
        true => (RecordAct::Patch(wanted.document()), Expected::Something),
        false => (RecordAct::Put(wanted.anew()), Expected::Nothing),
    };
    answered(&userid, change(&shared, wish(&userid, act, expected, by)).await?)
}

fn wish(userid: &str, act: RecordAct, expected: Expected, by: String) -> RecordWish {
    RecordWish { section: Section::Users, name: userid.to_owned(), act, expected, by }
}

fn answered(userid: &str, changed: Result<RecordChanged, RecordRefused>) -> Result<Response, Problem> {
    let RecordChanged { before, after, .. } =
        changed.map_err(|refused| told(refused, Section::Users, userid))?;
    let view = View::of(userid, &found(after, "user")?.document);
    if before.is_some() {
        return Ok(Json(view).into_response());
    }
    let place = format!("/notifications/preferences/{userid}");
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(view)).into_response())
}
