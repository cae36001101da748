//! Alerts of the Prometheus family: what Alertmanager (version 4) and Grafana (version 1) say to their
//! webhooks, and what Prometheus says to an Alertmanager.
//!
//! An alert is the same as before if its fingerprint is, which follows from its labels; so it is one
//! incident, whichever way it comes. A group that was cut (`truncatedAlerts`) says nothing of the alerts
//! that are not there. Prometheus says how long what it says holds (`endsAt`), and says it again before:
//! an alert that is not said again is over by then.

use std::borrow::Cow;
use std::time::Duration;

use super::texts::{self, Texts};
use crate::domain::Timestamp;
use crate::domain::dedup::Keyspace;
use crate::domain::event::{Body, Bounds, EventStatus, IncidentEvent};
use crate::domain::malformed::Malformed;
use crate::formats::envelope::{Cut, cut, list_of};
use crate::formats::fields::Fields;
use crate::formats::native::{self, SERVICE, TITLE};
use crate::formats::problems::Problems;
use crate::formats::strict_json::{self, Node};
use crate::formats::{Parsed, Parts, Words};

const CUT: Cut =
    Cut { list: "alerts", shared: &["version", "groupKey", "status", "receiver", "externalURL", "orgId"] };
/// An alert of Prometheus that does not say how long it holds, holds so long.
const HOLDS: Duration = Duration::from_secs(300);

/// Whose webhook it is.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    /// Versions that say the same of what is read here.
    versions: &'static [&'static str],
    /// What its own address is called.
    home: &'static str,
}

const ALERTMANAGER: Dialect = Dialect { versions: &["4"], home: "Alertmanager" };
const GRAFANA: Dialect = Dialect { versions: &["1"], home: "Grafana" };

/// Each alert of a webhook by itself.
pub(crate) fn parts(raw: &[u8], bounds: &Bounds) -> Result<Parts, Malformed> {
    cut(raw, bounds, CUT)
}

/// Each alert of Prometheus by itself, as a list of one.
pub(crate) fn parts_of_list(raw: &[u8], bounds: &Bounds) -> Result<Parts, Malformed> {
    let Some(items) = list_of(raw, bounds)?.filter(|items| items.len() > 1) else { return Ok(Parts::Whole) };
    Ok(Parts::Each(items.iter().map(|item| format!("[{item}]").into_bytes().into()).collect()))
}

/// The one alert of a webhook of Alertmanager.
pub(crate) fn read(raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
    read_in(ALERTMANAGER, raw, words, now)
}

/// The one alert of a webhook of Grafana.
pub(crate) fn read_grafana(raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
    read_in(GRAFANA, raw, words, now)
}

fn read_in(dialect: Dialect, raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
    let mut problems = Problems::default();
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let parsed = webhook(dialect, root, words, now, &mut problems);
    problems.verdict(parsed)
}

/// The one alert of a list of Prometheus.
pub(crate) fn read_list(raw: &[u8], words: &Words, now: Timestamp) -> Result<Parsed, Malformed> {
    let mut problems = Problems::default();
    let root = strict_json::walk(raw, &words.bounds, &mut problems)?;
    let parsed = list(root, words, now, &mut problems);
    problems.verdict(parsed)
}

fn webhook(
    dialect: Dialect,
    root: Node<'_>,
    words: &Words,
    now: Timestamp,
    problems: &mut Problems,
) -> Option<Parsed> {
    let mut fields = Fields::of(root, "", problems)?;
    let given = fields.has("version");
    let version = fields.word("version");
    if let Some(version) = fields.required("version", version, given)
        && !dialect.versions.contains(&version.as_ref())
    {
        fields.refuse_word("version", &version, dialect.versions.iter().copied());
    }
    let home = fields.word("externalURL").unwrap_or_default();
    let given = fields.has("alerts");
    let alerts = fields.list("alerts", 1);
    let alerts = fields.required("alerts", alerts, given)?;
    let Some(alert) = alerts.into_iter().next() else {
        fields.refuse("alerts", "empty", "the list has no alerts");
        return None;
    };
    let place = fields.place_of("alerts", 0);
    let mut alert = Fields::of(alert, place, fields.problems)?;
    let status = status(&mut alert);
    let said = Said::of(&mut alert, (dialect.home, &home))?;
    let status = status?;
    let moment = if status == EventStatus::Resolved { "endsAt" } else { "startsAt" };
    let occurred_at = moment_of(&mut alert, moment);
    let fingerprint = alert.word("fingerprint").filter(|text| is_fingerprint(text));
    let mut event = said.event(status, words);
    if let Some(fingerprint) = fingerprint {
        event.dedup_key = fingerprint.into_owned();
    }
    event.occurred_at = occurred_at.map(|moment| native::clamped(moment, words, now));
    Some(Parsed { body: Body::Incident(event), producer_id: None })
}

fn status(alert: &mut Fields<'_, '_>) -> Option<EventStatus> {
    let given = alert.has("status");
    let word = alert.word("status");
    match alert.required("status", word, given)?.as_ref() {
        "firing" => Some(EventStatus::Open),
        "resolved" => Some(EventStatus::Resolved),
        other => {
            alert.refuse_word("status", other, ["firing", "resolved"].into_iter());
            None
        }
    }
}

fn list(root: Node<'_>, words: &Words, now: Timestamp, problems: &mut Problems) -> Option<Parsed> {
    let alert = match root {
        Node::List(alerts) if alerts.len() == 1 => alerts.into_iter().next()?,
        Node::List(_) => {
            problems.schema(String::new(), "empty", "the list has no alerts".to_owned(), None);
            return None;
        }
        other => {
            let detail = format!("must be a list of alerts, is {}", other.kind());
            problems.schema(String::new(), "wrong_type", detail, None);
            return None;
        }
    };
    let mut alert = Fields::of(alert, "/0", problems)?;
    let (starts_at, ends_at) = (moment_of(&mut alert, "startsAt"), moment_of(&mut alert, "endsAt"));
    let said = Said::of(&mut alert, ("", ""))?;
    let ended_at = ends_at.filter(|ends_at| *ends_at <= now);
    let status = if ended_at.is_some() { EventStatus::Resolved } else { EventStatus::Open };
    let mut event = said.event(status, words);
    event.occurred_at = ended_at.or(starts_at).map(|moment| native::clamped(moment, words, now));
    let holds = || now.checked_add(HOLDS).unwrap_or(Timestamp::MAX);
    event.expires_at = (status == EventStatus::Open).then(|| ends_at.unwrap_or_else(holds));
    Some(Parsed { body: Body::Incident(event), producer_id: None })
}

/// `0001-01-01T00:00:00Z` says that nobody knows.
fn moment_of(alert: &mut Fields<'_, '_>, name: &'static str) -> Option<Timestamp> {
    if !alert.begins(name, "0001-") {
        return alert.moment(name);
    }
    alert.take(name);
    None
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What every alert of this family says.
struct Said<'a> {
    labels: Texts<'a>,
    annotations: Texts<'a>,
    links: Vec<(&'static str, Cow<'a, str>)>,
    value: Option<Cow<'a, str>>,
}

impl<'a> Said<'a> {
    /// Labels are what an alert is known by: there have to be some.
    fn of(alert: &mut Fields<'a, '_>, home: (&'static str, &str)) -> Option<Self> {
        let given = alert.has("labels");
        let labels = alert.texts("labels");
        let labels = alert.required("labels", labels, given)?;
        let annotations = alert.texts("annotations").unwrap_or_default();
        let mut links = vec![("Source", alert.word("generatorURL").unwrap_or_default())];
        for (text, name) in [
            ("Dashboard", "dashboardURL"),
            ("Panel", "panelURL"),
            ("Silence", "silenceURL"),
            ("Image", "imageURL"),
        ] {
            links.push((text, alert.word(name).unwrap_or_default()));
        }
        links.push((home.0, Cow::Owned(home.1.to_owned())));
        let value = alert.word("valueString");
        if labels.iter().all(|(_, value)| value.is_empty()) {
            alert.refuse("labels", "empty", "an alert is known by its labels, and this one has none");
            return None;
        }
        Some(Self { labels, annotations, links, value })
    }

    /// The event that says the same.
    fn event(&self, status: EventStatus, words: &Words) -> IncidentEvent {
        let Self { labels, annotations, links, value } = self;
        let title = texts::first(annotations, &["summary", "title"]);
        let title = title.or_else(|| texts::first(labels, &["alertname"]));
        let title = title.and_then(|title| texts::line(title, TITLE));
        let description = texts::first(annotations, &["description", "message"]).or(value.as_deref());
        let service = texts::first(labels, &["service", "job"]);
        let annotated = |name| texts::first(annotations, &[name]).unwrap_or_default();
        let own = [("Runbook", annotated("runbook_url")), ("Dashboard", annotated("dashboard_url"))];
        let links = own.into_iter().chain(links.iter().map(|(text, url)| (*text, url.as_ref())));
        IncidentEvent {
            title: title.unwrap_or_else(|| "an alert without a name".to_owned()),
            severity: texts::severity(texts::of(labels, "severity"), words),
            status,
            service: service.and_then(|service| texts::line(service, SERVICE)),
            dedup_key: fingerprint(labels),
            keyspace: Keyspace::Shared,
            description: description.and_then(|text| texts::lines(text, words.bounds.string)),
            labels: texts::labels(texts::pairs(labels)),
            links: texts::links(links),
            occurred_at: None,
            expires_at: None,
        }
    }
}

/// What Prometheus and Alertmanager know an alert by: FNV-1a over its labels in the order of their names.
fn fingerprint(labels: &Texts<'_>) -> String {
    const BETWEEN: &[u8] = &[0xFF];
    let mut pairs: Vec<_> = texts::pairs(labels).filter(|(_, value)| !value.is_empty()).collect();
    pairs.sort_unstable();
    let bytes: Vec<u8> = pairs
        .iter()
        .flat_map(|(name, value)| [name.as_bytes(), BETWEEN, value.as_bytes(), BETWEEN].concat())
        .collect();
    format!("{:016x}", native::fnv1a(&bytes))
}
