//! Pages for people in a browser. Everything that is filled in is escaped; they run no scripts and
//! load nothing, which [`POLICY`] also tells the browser.

use std::sync::LazyLock;

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// One incident: where the links of messages lead.
    Incident,
    /// The same for whoever came by a link of their own, with buttons.
    Link,
    /// Whoever came back from the identity provider is signed in.
    SignedIn,
    /// The list of what outbox channels kept.
    Outbox,
    /// One message of it.
    Message,
}

impl Page {
    fn file(self) -> &'static str {
        match self {
            Self::Incident => "incident.html",
            Self::Link => "link.html",
            Self::SignedIn => "signed_in.html",
            Self::Outbox => "outbox.html",
            Self::Message => "message.html",
        }
    }
}

/// `Content-Security-Policy` of every page, and of the frames in it.
pub const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'self'";

/// A page could not be written: a bug in its template.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unwritten(String);

static PAGES: LazyLock<Result<Environment<'static>, Unwritten>> =
    LazyLock::new(|| load().map_err(|error| Unwritten(error.to_string())));

fn load() -> Result<Environment<'static>, minijinja::Error> {
    let mut pages = Environment::new();
    pages.add_template("frame.html", include_str!("frame.html"))?;
    pages.add_template("incident.html", include_str!("incident.html"))?;
    pages.add_template("link.html", include_str!("link.html"))?;
    pages.add_template("signed_in.html", include_str!("signed_in.html"))?;
    pages.add_template("outbox.html", include_str!("outbox.html"))?;
    pages.add_template("message.html", include_str!("message.html"))?;
    Ok(pages)
}

/// `page` about `what`.
///
/// # Errors
/// See [`Unwritten`].
pub fn write(page: Page, what: impl Serialize) -> Result<String, Unwritten> {
    let pages = PAGES.as_ref().map_err(Clone::clone)?;
    let written = pages.get_template(page.file()).and_then(|page| page.render(Serde(what)));
    written.map_err(|error| Unwritten(error.to_string()))
}
