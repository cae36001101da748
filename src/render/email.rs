//! Mail: a subject, plain text, and the same in HTML.
//!
//! The subject of an incident is the same for its whole life, so that readers which thread by
//! subject keep it together; the first line of the text says where it stands.

use std::fmt::Write as _;

use super::language::Language;
use super::{Letterhead, OwnWords, RenderedText, TemplateFault, bundle, sanitize, words};
use crate::domain::notification::{Content, IncidentFacts, NotificationKind};
use crate::domain::severity::Severity;

/// A mail before it has headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailText {
    /// One line.
    pub subject: String,
    /// Lines ended by `\n`.
    pub text: String,
    /// The alternative, which says the same.
    pub html: String,
}

/// `content` as a mail.
///
/// # Errors
/// The template that was asked for does not exist or does not fit its variables.
pub fn render(content: &Content, letterhead: &Letterhead) -> Result<EmailText, TemplateFault> {
    match content {
        Content::Incident(facts) => Ok(incident(facts, letterhead)),
        Content::Direct(request) => Ok(templated(&letterhead.direct(request)?)),
        Content::Bundle(contents) => Ok(templated(&bundle::bundle(contents, letterhead)?)),
    }
}

/// What somebody else's words are as a mail.
pub(super) fn templated(said: &RenderedText) -> EmailText {
    let text = sanitize::block(&said.text).into_owned();
    let html = said.html.as_deref().map(|html| sanitize::block(html).into_owned());
    EmailText {
        subject: sanitize::line(&said.subject, sanitize::SUBJECT).into_owned(),
        html: html.unwrap_or_else(|| plain_html(&text)),
        text,
    }
}

fn incident(facts: &IncidentFacts, letterhead: &Letterhead) -> EmailText {
    if let Some(said) = letterhead.instead(OwnWords::Mail, facts) {
        return templated(&said);
    }
    let subject = format!("[Foghorn #{}] {}", facts.number, words::headline(facts, letterhead.language()));
    let summary = Summary::of(facts, letterhead);
    EmailText {
        subject: sanitize::cut(&subject, sanitize::SUBJECT).into_owned(),
        text: summary.text(),
        html: summary.html(),
    }
}

/// What both alternatives say.
struct Summary<'a> {
    language: Language,
    number: u64,
    colour: &'static str,
    state: String,
    title: String,
    description: Option<std::borrow::Cow<'a, str>>,
    url: Option<String>,
    /// The link lets its reader take the incident.
    takes: bool,
    links: Vec<(String, &'a str)>,
    /// Name and value of each fact.
    rows: Vec<(&'static str, String)>,
    footer: String,
}

impl<'a> Summary<'a> {
    fn of(facts: &'a IncidentFacts, letterhead: &Letterhead) -> Self {
        let language = letterhead.language();
        let mut state = words::state(facts, language).to_owned();
        if let Some(lasted) = words::lasted(facts, language) {
            state = format!("{state} {lasted}");
        }
        state = format!("{state} - {}", words::severity(facts.severity, language));
        if let Some(service) = words::service(facts) {
            state = format!("{state} - {service}");
        }
        Self {
            language,
            number: facts.number,
            colour: colour(facts),
            state,
            title: words::title(facts),
            description: facts.description.as_deref().map(sanitize::block),
            url: letterhead.incident_url(facts.number),
            takes: letterhead.offers_to_take(facts.status),
            links: words::links(facts),
            rows: rows(facts, language),
            footer: footer(facts, letterhead),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.state, self.title);
        if let Some(description) = &self.description {
            text.push_str(description.trim_end());
            text.push('\n');
        }
        text.push('\n');
        if let Some(url) = &self.url {
            // Writing to a String cannot fail, here and below.
            let leads_to = match self.takes {
                true => self.language.say("Acknowledge", "Übernehmen"),
                false => self.language.say("Incident", "Vorfall"),
            };
            let _ = writeln!(text, "{leads_to}: {url}");
        }
        for (name, url) in &self.links {
            let _ = writeln!(text, "{name}: {url}");
        }
        if self.url.is_some() || !self.links.is_empty() {
            text.push('\n');
        }
        let width = self.language.say(9, 11);
        for (name, value) in &self.rows {
            let _ = writeln!(text, "{name:<width$}{value}");
        }
        let _ = write!(text, "\n{}\n", self.footer);
        text
    }

    fn html(&self) -> String {
        let colour = self.colour;
        let mut page = String::with_capacity(2_048);
        push_start(&mut page, self.language);
        let _ = write!(page, "<p style=\"margin:0 0 8px;font-size:13px;font-weight:bold;color:{colour}\">");
        sanitize::push_html(&mut page, &self.state);
        page.push_str("</p><h1 style=\"margin:0 0 8px;font-size:20px\">");
        sanitize::push_html(&mut page, &self.title);
        page.push_str("</h1>");
        if let Some(description) = &self.description {
            page.push_str("<p style=\"margin:0 0 16px;white-space:pre-wrap\">");
            sanitize::push_html(&mut page, description.trim_end());
            page.push_str("</p>");
        }
        if let Some(url) = &self.url {
            let _ = write!(
                page,
                "<p style=\"margin:0 0 16px\"><a style=\"display:inline-block;padding:10px 16px;\
                 border-radius:4px;background:{colour};color:#fff;text-decoration:none\" href=\""
            );
            sanitize::push_html(&mut page, url);
            let words = match self.takes {
                true => self.language.say("Acknowledge", "Übernehmen"),
                false => self.language.say("Open incident", "Vorfall ansehen"),
            };
            let _ = write!(page, "\">{words} #{}</a></p>", self.number);
        }
        for (name, url) in &self.links {
            page.push_str("<p style=\"margin:0 0 8px\"><a href=\"");
            sanitize::push_html(&mut page, url);
            page.push_str("\">");
            sanitize::push_html(&mut page, name);
            page.push_str("</a></p>");
        }
        page.push_str("<table style=\"margin:8px 0;font-size:13px\">");
        for (name, value) in &self.rows {
            let _ = write!(page, "<tr><td style=\"padding-right:12px\">{name}</td><td>");
            sanitize::push_html(&mut page, value);
            page.push_str("</td></tr>");
        }
        page.push_str("</table><p style=\"margin:16px 0 0;font-size:12px;opacity:.7\">");
        sanitize::push_html(&mut page, &self.footer);
        page.push_str("</p>");
        page.push_str(PAGE_END);
        page
    }
}

fn rows(facts: &IncidentFacts, language: Language) -> Vec<(&'static str, String)> {
    let by = language.say("by", "von");
    let events = match facts.event_count {
        1 => language.say("1 event", "1 Ereignis").to_owned(),
        count => format!("{count} {}", language.say("events", "Ereignisse")),
    };
    let since = words::moment(facts.opened_at, language);
    let opened = format!("{since} {by} {}, {events}", words::source(facts));
    let number = format!("#{}", facts.number);
    let mut rows =
        vec![(language.say("Incident", "Vorfall"), number), (language.say("Opened", "Seit"), opened)];
    if let Some(who) = words::taken_by(facts) {
        rows.push((language.say("Taken", "Übernommen"), format!("{by} {who}")));
    }
    if let Some(resolved) = facts.resolved_at {
        rows.push((language.say("Resolved", "Behoben"), words::moment(resolved, language)));
    }
    let labels = words::labels(facts);
    if !labels.is_empty() {
        rows.push((language.say("Labels", "Merkmale"), labels));
    }
    rows
}

fn footer(facts: &IncidentFacts, letterhead: &Letterhead) -> String {
    let language = letterhead.language();
    let sender = match words::server(letterhead) {
        name if name.is_empty() => "Foghorn".to_owned(),
        name => format!("Foghorn {} {name}", language.say("on", "auf")),
    };
    let says = language.say("tells you because", "benachrichtigt Sie");
    match words::policy(facts) {
        Some(policy) => {
            format!("{sender} {says} {} \"{policy}\".", language.say("of policy", "wegen der Richtlinie"))
        }
        None => {
            let chosen = language.say("somebody chose you for it", "weil Sie dafür ausgewählt wurden");
            format!("{sender} {says}{} {chosen}.", language.say("", ","))
        }
    }
}

/// What is over is green, however bad it was.
fn colour(facts: &IncidentFacts) -> &'static str {
    match facts.severity {
        _ if facts.kind == NotificationKind::Resolved => "#2e6b3c",
        Severity::Critical => "#b3121d",
        Severity::High => "#b34700",
        Severity::Medium => "#7a5c00",
        Severity::Low | Severity::Info => "#2f5d8a",
    }
}

fn plain_html(text: &str) -> String {
    let mut page = String::with_capacity(PAGE_START.len() + PAGE_END.len() + text.len() + 96);
    push_start(&mut page, Language::default());
    page.push_str("<p style=\"margin:0;white-space:pre-wrap\">");
    sanitize::push_html(&mut page, text.trim_end());
    page.push_str("</p>");
    page.push_str(PAGE_END);
    page
}

pub(super) fn push_start(page: &mut String, language: Language) {
    let _ = write!(page, "<!doctype html>\n<html lang=\"{}\">{PAGE_START}", language.tag());
}

const PAGE_START: &str = "<head><meta charset=\"utf-8\">\
<meta name=\"color-scheme\" content=\"light dark\"></head>\
<body style=\"margin:0;padding:16px\"><div style=\"max-width:600px;margin:0 auto;\
font-family:system-ui,sans-serif;font-size:15px;line-height:1.45\">\n";
pub(super) const PAGE_END: &str = "\n</div></body></html>\n";

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
