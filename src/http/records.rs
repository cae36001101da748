//! Users, teams, policies, routes, silences and templates, wherever they stand: `GET` shows those of the files and those of
//! the store; `POST`, `PUT`, `PATCH` (JSON merge patch) and `DELETE` change those of the store.
//!
//! A document has the shape of its table in the configuration file. A change is answered once it is on
//! stable storage and in use. `ETag` is the version, and with `If-Match` a change is done only to that one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::actions::asker;
use super::flow::is_known;
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Shared, ask, json};
use crate::domain::malformed::Problem as Flaw;
use crate::domain::record::{Document, Entry, Expected, Origin, Section, Tables};
use crate::messages::control::{ControlMessage, RecordAct, RecordChanged, RecordRefused, RecordWish};
use crate::store::views::Page;

/// `GET` of a whole section.
pub(super) fn list(section: Section) -> MethodRouter<Arc<Shared>> {
    get(async move |State(shared): State<Arc<Shared>>, uri: Uri| {
        // Short, and comes whole.
        Query::parse(&uri, &["limit", "cursor"])?;
        let tables = Arc::clone(&shared.api.in_use.borrow().tables);
        let data = tables.of(section).cloned().map(View::from).collect();
        Ok::<_, Problem>(Json(Page { data, next_cursor: None }))
    })
}

/// `GET` of all that stand in the store, whatever their section, and whether they are in use or left out.
pub(super) fn stored() -> MethodRouter<Arc<Shared>> {
    get(async move |State(shared): State<Arc<Shared>>, uri: Uri| {
        // Short, and comes whole.
        Query::parse(&uri, &["limit", "cursor"])?;
        let tables = Arc::clone(&shared.api.in_use.borrow().tables);
        let stored = tables.0.iter().filter(|entry| matches!(entry.origin, Origin::Store { .. }));
        let view = |entry: &Entry| StoredView { section: entry.section, record: entry.clone().into() };
        Ok::<_, Problem>(Json(Page { data: stored.map(view).collect(), next_cursor: None }))
    })
}

/// `GET` of one.
pub(super) fn show(section: Section) -> MethodRouter<Arc<Shared>> {
    get(async move |State(shared): State<Arc<Shared>>, Path(name): Path<String>| {
        let tables = Arc::clone(&shared.api.in_use.borrow().tables);
        let known: Vec<&str> = tables.of(section).map(|entry| entry.name.as_str()).collect();
        is_known(section.one(), &name, &known)?;
        let entry = tables.find(section, &name).cloned();
        entry.map(|entry| shown(StatusCode::OK, entry, Vec::new())).ok_or_else(|| nothing(section, &name))
    })
}

/// `POST` of another one.
pub(super) fn add(section: Section) -> MethodRouter<Arc<Shared>> {
    post(async move |State(shared): State<Arc<Shared>>, request: Request| {
        let by = asker(&request).to_string();
        let New { name, document } = json::read(&shared, request).await?;
        let document = fitting(section, &name, document)?;
        let (act, expected) = (RecordAct::Put(document), Expected::Nothing);
        changed(&shared, RecordWish { section, name, act, expected, by }).await
    })
}

/// What becomes of the document that is there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Write {
    /// `PUT`: it is replaced.
    Whole,
    /// `PATCH`: it is changed where the patch says so (RFC 7386).
    Part,
}

/// `PUT` and `PATCH` of one.
pub(super) fn write(section: Section, write: Write) -> MethodRouter<Arc<Shared>> {
    let handler =
        async move |State(shared): State<Arc<Shared>>, Path(name): Path<String>, request: Request| {
            let (expected, by) = (expected(request.headers())?, asker(&request).to_string());
            let document = fitting(section, &name, json::read(&shared, request).await?)?;
            let act = match write {
                Write::Whole => RecordAct::Put(document),
                Write::Part => RecordAct::Patch(document),
            };
            changed(&shared, RecordWish { section, name, act, expected, by }).await
        };
    match write {
        Write::Whole => put(handler),
        Write::Part => patch(handler),
    }
}

/// `DELETE` of one.
pub(super) fn remove(section: Section) -> MethodRouter<Arc<Shared>> {
    delete(async move |State(shared): State<Arc<Shared>>, Path(name): Path<String>, request: Request| {
        let (expected, by) = (expected(request.headers())?, asker(&request).to_string());
        changed(&shared, RecordWish { section, name, act: RecordAct::Remove, expected, by }).await
    })
}

/// What is to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    document: Document,
}

/// One of them as the API shows it, also when it was just taken away.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ConfigRecord)]
pub(super) struct View {
    name: String,
    #[serde(flatten)]
    origin: Origin,
    /// As its table in the configuration file.
    #[schema(value_type = Object)]
    document: Document,
    /// What is dubious about it, where it was just changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl From<Entry> for View {
    fn from(Entry { name, origin, document, .. }: Entry) -> Self {
        Self { name, origin, document, warnings: Vec::new() }
    }
}

/// One that stands in the store, and of which section it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StoredRecord)]
pub(super) struct StoredView {
    section: Section,
    #[serde(flatten)]
    record: View,
}

/// What a view of its own says beside it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ConfigStanding)]
pub(super) struct Standing {
    #[serde(flatten)]
    origin: Origin,
    /// As its table in the configuration file.
    #[schema(value_type = Object)]
    document: Document,
}

impl Standing {
    /// Of the table of this name, if it is known where it stands.
    pub(super) fn of(tables: &Tables, section: Section, name: &str) -> Option<Self> {
        let Entry { origin, document, .. } = tables.find(section, name)?.clone();
        Some(Self { origin, document })
    }

    /// For whoever wants to change it.
    pub(super) fn etag(&self) -> Option<(HeaderName, HeaderValue)> {
        etag(&self.origin)
    }
}

fn etag(origin: &Origin) -> Option<(HeaderName, HeaderValue)> {
    let Origin::Store { version, .. } = origin else { return None };
    Some((ETAG, HeaderValue::from_str(&format!("\"v{version}\"")).ok()?))
}

fn shown(status: StatusCode, entry: Entry, warnings: Vec<String>) -> Response {
    let etag = etag(&entry.origin);
    let mut response = (status, Json(View { warnings, ..View::from(entry) })).into_response();
    response.headers_mut().extend(etag);
    response
}

/// `POST /api/v1/routes/test` asks a question, so no route can have this address.
const TAKEN: &str = "test";

/// The name of a route stands in its table, and here in its address too.
fn fitting(section: Section, name: &str, mut document: Document) -> Result<Document, Problem> {
    if section != Section::Routes {
        return Ok(document);
    }
    if name == TAKEN {
        let detail = format!("a stored route cannot be called \"{TAKEN}\": its address is another one's");
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    match document.remove("name") {
        Some(other) if other != name => {
            let detail = format!("this is route \"{name}\"; a route is renamed by adding it anew");
            let flaw = Flaw { pointer: "/name".to_owned(), code: "name", detail, hint: None };
            Err(Problem::told(Code::InvalidBody, "1 problem".to_owned(), vec![flaw]))
        }
        _ => Ok(document),
    }
}

/// What the caller takes for granted.
fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(value.to_str().ok().map(str::trim)),
            _ => Err(Problem::new(Code::BadRequest, format!("{name} is there twice"))),
        }
    };
    match (one(&IF_MATCH)?, one(&IF_NONE_MATCH)?) {
        (None, None) => Ok(Expected::Whatever),
        (None, Some("*")) => Ok(Expected::Nothing),
        (Some("*"), None) => Ok(Expected::Something),
        (Some(tag), None) => {
            let version = tag.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"'));
            // Another tag is none of ours, and fits no version.
            Ok(Expected::Version(version.and_then(|version| version.parse().ok()).unwrap_or_default()))
        }
        _ => Err(Problem::new(Code::BadRequest, "say If-Match: \"vN\", If-Match: * or If-None-Match: *")),
    }
}

/// Has a record changed; answered when the change is in use.
pub(super) async fn change(
    shared: &Shared,
    wish: RecordWish,
) -> Result<Result<RecordChanged, RecordRefused>, Problem> {
    ask::refuse_without_store(&shared.api)?;
    let (reply, answer) = oneshot::channel();
    let ending = || Problem::new(Code::Unavailable, "the process is ending");
    let question = ControlMessage::Record(Box::new(wish), reply);
    shared.api.control.send(question).await.map_err(|_| ending())?;
    answer.await.map_err(|_| ending())
}

async fn changed(shared: &Shared, wish: RecordWish) -> Result<Response, Problem> {
    let (section, name) = (wish.section, wish.name.clone());
    match change(shared, wish).await?.map_err(|refused| told(refused, section, &name))? {
        RecordChanged { before: None, after: Some(entry), warnings } => {
            let place = format!("/api/v1/{}/{name}", section.as_str());
            let mut response = shown(StatusCode::CREATED, entry, warnings);
            if let Ok(place) = HeaderValue::from_str(&place) {
                response.headers_mut().insert(LOCATION, place);
            }
            Ok(response)
        }
        RecordChanged { after: Some(entry), warnings, .. } => Ok(shown(StatusCode::OK, entry, warnings)),
        RecordChanged { before: Some(entry), after: None, .. } => {
            Ok((StatusCode::OK, Json(View::from(entry))).into_response())
        }
        RecordChanged { before: None, after: None, .. } => Err(nothing(section, &name)),
    }
}

fn nothing(section: Section, name: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no {} \"{name}\" in the store", section.one()))
}

pub(super) fn told(refused: RecordRefused, section: Section, name: &str) -> Problem {
    let one = section.one();
    match refused {
        RecordRefused::Owned(place) => Problem::new(
            Code::OwnedByFile,
            format!("{one} \"{name}\" is owned by {place}, and read-only here: change it there and reload"),
        ),
        RecordRefused::Absent => nothing(section, name),
        RecordRefused::Present => {
            Problem::new(Code::AlreadyThere, format!("there is a {one} \"{name}\" already"))
        }
        RecordRefused::Outdated(Some(version)) => {
            Problem::new(Code::Outdated, format!("{one} \"{name}\" is at version \"v{version}\" now"))
        }
        RecordRefused::Outdated(None) => {
            Problem::new(Code::Outdated, format!("there is no {one} \"{name}\" in the store"))
        }
        RecordRefused::Invalid(flaws) => {
            let detail = match flaws.len() {
                1 => "1 problem".to_owned(),
                count => format!("{count} problems"),
            };
            Problem::told(Code::ChangeRefused, detail, flaws)
        }
        RecordRefused::Unconfirmed => {
            Problem::new(Code::Unavailable, "no confirmation in time; it may or may not have been done")
        }
        RecordRefused::Unavailable => Problem::new(Code::Unavailable, "the store does not answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pairs: &[(HeaderName, &'static str)]) -> Result<Expected, Code> {
        let pairs = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        expected(&pairs.collect()).map_err(|problem| problem.code())
    }

    #[test]
    fn a_tag_that_is_not_ours_fits_nothing() {
        assert_eq!(wanted(&[]), Ok(Expected::Whatever));
        assert_eq!(wanted(&[(IF_MATCH, "\"v3\"")]), Ok(Expected::Version(3)));
        assert_eq!(wanted(&[(IF_MATCH, "*")]), Ok(Expected::Something));
        assert_eq!(wanted(&[(IF_NONE_MATCH, "*")]), Ok(Expected::Nothing));
        for tag in ["v3", "\"3\"", "W/\"v3\"", "\"v3\", \"v4\"", ""] {
            assert_eq!(wanted(&[(IF_MATCH, tag)]), Ok(Expected::Version(0)), "{tag}");
        }
        assert_eq!(wanted(&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")]), Err(Code::BadRequest));
        assert_eq!(wanted(&[(IF_NONE_MATCH, "\"v3\"")]), Err(Code::BadRequest));
    }
}
