//! What a template would say, and what a medium would make of it, before anybody is told.

use serde_json::{Map, Value};

use super::incident::sample;
use super::language::Language;
use super::sms::{Alphabet, SmsStyle};
use super::{
    BuiltIn, Letterhead, OwnWords, RenderedText, TemplateFault, Templates, email, incident, notice, push,
    sanitize, sms,
};
use crate::domain::notification::{IncidentFacts, NotificationKind};

/// What takes the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A mail.
    Mail,
    /// A text message, as the channel wants them.
    Text(SmsStyle),
    /// A lock screen: the subject is the title.
    Screen,
}

/// A template to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// Which.
    pub template: &'a str,
    /// The incident it is about; one that never was, if it is about one and none is named.
    pub incident: Option<&'a IncidentFacts>,
    /// Its variables, over those of the incident or of the example.
    pub vars: &'a Map<String, Value>,
    /// On what; `None`: on what it is for, which is a mail if nothing else is known.
    pub medium: Option<Medium>,
}

/// What it would say there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Subject or title, where there is one.
    pub subject: Option<String>,
    /// The words.
    pub text: String,
    /// The same in HTML, for mail.
    pub html: Option<String>,
    /// Of a text message: its alphabet, and in how many parts it goes.
    pub parts: Option<(Alphabet, usize)>,
    /// What its reader will not see as it was written.
    pub warnings: Vec<String>,
}

/// The medium that a template of this name is for.
fn usual(template: &str) -> Medium {
    match OwnWords::of_template(template) {
        Some((OwnWords::Sms, _)) => Medium::Text(SmsStyle::default()),
        Some((OwnWords::Push, _)) => Medium::Screen,
        Some((OwnWords::Mail, _)) | None => Medium::Mail,
    }
}

/// What a template may count on, as far as it is known without its sender.
pub fn variables(trial: &Trial<'_>, letterhead: &Letterhead) -> Map<String, Value> {
    let mut all = match (BuiltIn::parse(trial.template), trial.incident) {
        (Some(BuiltIn::Incident(..)), None) => incident::example(trial.template),
        (Some(BuiltIn::Notice(_)), None) if trial.vars.is_empty() => notice::example(),
        (Some(BuiltIn::Notice(_)), None) => notice::variables(trial.vars, letterhead),
        (_, Some(facts)) => incident::variables(facts, letterhead, Language::of_template(trial.template)),
        (None, None) => Map::new(),
    };
    all.extend(trial.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
    all
}

/// What the template says, as the medium would have it.
///
/// # Errors
/// There is none, or it does not fit its variables.
pub fn preview(trial: &Trial<'_>, letterhead: &Letterhead) -> Result<Preview, TemplateFault> {
    let letterhead = &read_by(letterhead, trial.template);
    let said = letterhead.templates.render(trial.template, &variables(trial, letterhead))?;
    let of_incidents = OwnWords::of_template(trial.template);
    let example =
        of_incidents.map(|(_, occasion)| sample::facts(occasion.unwrap_or(NotificationKind::Opened)));
    let about = of_incidents.and(trial.incident.or(example.as_ref()));
    Ok(match trial.medium.unwrap_or_else(|| usual(trial.template)) {
        Medium::Mail => mail(&said),
        Medium::Screen => screen(&said, about),
        Medium::Text(style) => text(&said, about, letterhead, &style),
    })
}

/// For whom a template of this name is.
fn read_by(letterhead: &Letterhead, template: &str) -> Letterhead {
    let locale = template.split_once('.').map(|(_, locale)| locale.to_owned());
    let templates = Templates::clone(&letterhead.templates).read_in(locale);
    Letterhead { templates: templates.into(), ..letterhead.clone() }
}

fn mail(said: &RenderedText) -> Preview {
    let mail = email::templated(said);
    let mut warnings = cut("subject", &said.subject, &mail.subject);
    if said.html.is_none() {
        warnings.push("there is no HTML; a mail has the text in its place".to_owned());
    }
    Preview { subject: Some(mail.subject), text: mail.text, html: Some(mail.html), parts: None, warnings }
}

fn screen(said: &RenderedText, about: Option<&IncidentFacts>) -> Preview {
    let shown = push::templated(said, about.map_or_else(String::new, |facts| format!("#{}", facts.number)));
    let mut warnings = cut("title", &said.subject, &shown.title);
    warnings.extend(cut("text", &said.text, &shown.body));
    Preview { subject: Some(shown.title), text: shown.body, html: None, parts: None, warnings }
}

fn text(
    said: &RenderedText,
    about: Option<&IncidentFacts>,
    letterhead: &Letterhead,
    style: &SmsStyle,
) -> Preview {
    let (message, is_whole) = sms::phrased(said, about, letterhead, style);
    let mut warnings = Vec::new();
    if !is_whole {
        warnings.push(format!("the words are cut to what goes into {} part(s)", style.max_segments));
    }
    if !style.is_spelled_as_written(&said.text) {
        warnings.push("some characters are swapped for plain ones, which cost less".to_owned());
    }
    if message.alphabet == Alphabet::Ucs2 {
        warnings.push("a character outside of the GSM alphabet more than doubles the price".to_owned());
    }
    let parts = Some((message.alphabet, message.segments));
    Preview { subject: None, text: message.text, html: None, parts, warnings }
}

/// One line says less than was said.
fn cut(what: &str, said: &str, shown: &str) -> Vec<String> {
    let whole = sanitize::line(said, usize::MAX);
    if whole == shown { Vec::new() } else { vec![format!("the {what} is too long and is cut")] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::templates::{Files, Sheet};
    use super::*;

    fn house(name: &str, text: &str) -> Letterhead {
        let sheets: Vec<Sheet> = Files { subject: Some("s"), text, html: None }.sheets(name).collect();
        let (templates, flaws) = Templates::of(sheets);
        assert_eq!(flaws, []);
        Letterhead { templates: templates.into(), ..Letterhead::default() }
    }

    fn look(house: &Letterhead, template: &str, vars: &Value, medium: Option<Medium>) -> Preview {
        let vars = vars.as_object().expect("an object");
        preview(&Trial { template, incident: None, vars, medium }, house).expect("it is said")
    }

    #[test]
    fn a_text_message_is_shown_with_what_is_around_it_and_what_becomes_of_it() {
        let house = house("incident-sms-resolved", "{{ title }} \u{2014} over {{ lasted }}");
        let said = look(&house, "incident-sms-resolved", &json!({"lasted": "after 14 min"}), None);
        assert_eq!(said.text, "Foghorn OK #1042 5xx rate above 5% - over after 14 min");
        assert_eq!(said.parts, Some((Alphabet::Gsm7, 1)));
        assert!(said.warnings[0].contains("swapped for plain ones") && said.warnings.len() == 1, "{said:?}");
        let long = look(&house, "incident-sms-resolved", &json!({"lasted": "x".repeat(300)}), None);
        assert!(long.warnings[0].contains("cut to what goes into 1 part"), "{long:?}");
        assert_eq!(long.text.len(), 160);
    }

    #[test]
    fn what_nobody_wrote_is_shown_as_it_is_built_in_in_the_language_of_its_name() {
        let house = Letterhead::default();
        let mail = look(&house, "incident-acknowledged.de", &json!({"title": "Platte voll"}), None);
        assert!(
            mail.text.starts_with("ÜBERNOMMEN - KRITISCH - checkout-api\nPlatte voll\n"),
            "{}",
            mail.text
        );
        let screen = look(&house, "welcome", &json!({"username": "Ada"}), Some(Medium::Screen));
        assert_eq!(screen.subject.as_deref(), Some("Welcome, Ada"));
        let vars = Map::new();
        let unknown =
            preview(&Trial { template: "welcom", incident: None, vars: &vars, medium: None }, &house);
        assert_eq!(unknown, Err(TemplateFault::Unknown("welcom".to_owned())));
    }
}
