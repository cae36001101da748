//! Collects problems and shows where they lie, without ever showing a secret.

use std::ops::Range;

use super::problem::{Excerpt, Location, Problem};
use super::texts::{Texts, floor};
use super::tree::{Node, Place, Table, Value};
use crate::domain::record::Section;

/// Keys that hold a secret, under channels, sources, the store and the server.
const SECRETS: &[&str] = &[
    "password",
    "auth_token",
    "previous_auth_token",
    "token",
    "secret",
    "api_secret",
    "previous_secret",
    "client_secret",
    "heartbeat_url",
    "webhook_url",
    "signing_secret",
    "previous_signing_secret",
    "key",
    "bounce_secret",
    "service_account",
];

/// Where a secret may be.
pub(super) const PLACES: [&str; 3] = ["env", "file", "credential"];

/// Is the value of this key a secret? Dotted names (`sasl.password`) count by their last part.
pub fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    SECRETS.contains(&last)
}

/// May the value of this key be a secret, misspelt or not? Then it is not shown.
pub(super) fn may_be_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let last = key.rsplit('.').next().unwrap_or(&key);
    // The name of a secret is no secret, and the key of an incident opens nothing.
    if matches!(last, "credential" | "dedup_key") {
        return false;
    }
    // What a header holds is the gateway's business, and as a rule a credential.
    matches!(last, "key" | "headers")
        || last.ends_with("_key")
        || ["pass", "secret", "token", "credential", "pwd"].iter().any(|part| key.contains(part))
        || SECRETS.iter().any(|secret| strsim::damerau_levenshtein(last, secret) <= slips(secret))
}

/// How many letters may be wrong. Of a short word little is left, and much looks like it.
fn slips(secret: &str) -> usize {
    if secret.len() < 5 { 1 } else { 2 }
}

/// The problems found so far, and the text that they are in.
pub(super) struct Report<'a> {
    texts: Texts,
    path: &'a str,
    hidden: Vec<Range<usize>>,
    /// Each with its place in the texts; what has none comes last.
    problems: Vec<(usize, Problem)>,
}

impl<'a> Report<'a> {
    /// `path` is what messages call the file.
    pub(super) fn new(text: &str, path: &'a str) -> Self {
        Self { texts: Texts::of(text, path), path, hidden: Vec::new(), problems: Vec::new() }
    }

    /// Adds a file. Returns where its text begins.
    pub(super) fn add(&mut self, text: &str, path: &str) -> usize {
        self.texts.add(text, path)
    }

    /// Says that the file that was added last is this record; see [`Texts::is_record`].
    pub(super) fn is_record(&mut self, section: Section, name: &str, pointers: Vec<(Range<usize>, String)>) {
        self.texts.is_record(section, name, pointers);
    }

    /// The files so far.
    pub(super) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Where `place` is, for the text of a problem that lies elsewhere.
    pub(super) fn named(&self, place: &Place) -> String {
        match place {
            Place::Default => "the defaults".to_owned(),
            Place::Variable(name) => name.to_string(),
            Place::File(span) => {
                let (path, _) = self.texts.file_at(span.start);
                format!("{path}:{}", self.texts.line_at(span.start))
            }
        }
    }

    /// Adds problems that say themselves where they lie.
    pub(super) fn also(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems.into_iter().map(|problem| (usize::MAX, problem)));
    }

    /// Adds a problem that lies at `place`.
    pub(super) fn at(&mut self, place: &Place, problem: Problem) {
        let location = match place {
            Place::Default => None,
            Place::Variable(name) => Some(Location::Variable(name.to_string())),
            Place::File(span) => Some(self.locate(span.clone(), true)),
        };
        let record = match place {
            Place::File(span) => self.texts.record_at(span.start),
            _ => None,
        };
        self.problems.push((order(place), problem.located(location).in_record(record)));
    }

    /// Adds a problem whose line is better not shown.
    pub(super) fn beside(&mut self, place: &Place, problem: Problem) {
        match place {
            Place::File(span) => {
                let location = self.locate(span.clone(), false);
                let record = self.texts.record_at(span.start);
                self.problems.push((span.start, problem.located(Some(location)).in_record(record)));
            }
            _ => self.at(place, problem),
        }
    }

    /// Adds a problem of the file as a whole.
    pub(super) fn of_all(&mut self, problem: Problem) {
        let whole = (!self.path.is_empty()).then(|| Location::Whole(self.path.to_owned()));
        self.problems.push((usize::MAX, problem.located(whole)));
    }

    /// The problems so far; none are left.
    pub(super) fn take(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems).into_iter().map(|(_, problem)| problem).collect()
    }

    /// Every problem, in the order of the files.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|(order, _)| *order);
        self.take()
    }

    /// Remembers where in the text the values are that may be secrets.
    pub(super) fn hide_secrets_of(&mut self, table: &Table) {
        self.hide_in(table, false);
    }

    /// Behind the key of a secret, only the name of the place where it is may be seen.
    fn hide_in(&mut self, table: &Table, secret: bool) {
        for entry in &table.entries {
            let names_place = PLACES.contains(&entry.key.as_str());
            self.hide(&entry.node, (secret && !names_place) || may_be_secret(&entry.key));
        }
    }

    fn hide(&mut self, node: &Node, secret: bool) {
        match (&node.value, &node.place) {
            (Value::Table(table), _) => self.hide_in(table, secret),
            (Value::List(list), _) => list.iter().for_each(|item| self.hide(item, secret)),
            (_, Place::File(span)) if secret => self.hidden.push(span.clone()),
            _ => {}
        }
    }

    fn locate(&self, span: Range<usize>, show: bool) -> Location {
        let text = self.texts.all();
        let start = floor(text, span.start);
        let (path, file_start) = self.texts.file_at(start);
        let line_start = text[file_start..start].rfind('\n').map_or(file_start, |at| file_start + at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let end = floor(text, span.end.clamp(start, line_start + line.len().max(start - line_start)));
        let excerpt = show.then(|| {
            let mut hidden = self.hidden_in(file_start, line_start, line);
            hidden.sort_by_key(|range| range.start);
            excerpt(line, start - line_start..end - line_start, &hidden)
        });
        Location::File {
            path: if path.is_empty() { "config".to_owned() } else { path.to_owned() },
            line: self.texts.line_at(start),
            column: text[line_start..start].chars().count() + 1,
            excerpt,
        }
    }

    /// What must not be shown of a line: known secrets, and whatever looks like one.
    fn hidden_in(&self, file_start: usize, line_start: usize, line: &str) -> Vec<Range<usize>> {
        if self.texts.all()[file_start..line_start].matches("\"\"\"").count() % 2 == 1 {
            return std::iter::once(0..line.len()).collect();
        }
        let line_end = line_start + line.len();
        let known = self
            .hidden
            .iter()
            .filter(|span| span.start < line_end && span.end > line_start)
            .map(|span| span.start.max(line_start) - line_start..span.end.min(line_end) - line_start);
        known.chain(secret_values(line)).chain(url_passwords(line)).chain(chat_addresses(line)).collect()
    }
}

/// Where a problem comes among the others.
fn order(place: &Place) -> usize {
    match place {
        Place::File(span) => span.start,
        _ => usize::MAX,
    }
}

/// `password = …` anywhere in a line, for text that is not even TOML.
fn secret_values(line: &str) -> Vec<Range<usize>> {
    let is_key = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '"' | '\'');
    let mut found = Vec::new();
    for (at, _) in line.match_indices('=') {
        let head = line[..at].trim_end();
        let key_start = head.rfind(|letter| !is_key(letter)).map_or(0, |before| before + 1);
        let key = head.get(key_start..).unwrap_or_default().trim_matches(['"', '\'']);
        if key.is_empty() || !may_be_secret(key) {
            continue;
        }
        let start = at + 1 + line[at + 1..].len() - line[at + 1..].trim_start().len();
        let rest = &line[start..];
        let length = match rest.chars().next() {
            None => continue,
            Some('{') => {
                let inner = unnamed(rest);
                found.push(start + inner.start..start + inner.end);
                continue;
            }
            Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
            Some(_) => rest.find([',', '}']).unwrap_or(rest.len()),
        };
        found.push(start..start + length);
    }
    found
}

/// What of `{ … }` behind the key of a secret is not the name of a place.
fn unnamed(text: &str) -> Range<usize> {
    let end = text.find('}').unwrap_or(text.len());
    let inner = text[1..end].trim_start();
    let key = inner.split(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default();
    let start = if PLACES.contains(&key) { text[..end].find(',').unwrap_or(end) } else { 1 };
    start..end
}

/// `://user:THIS@host`
fn url_passwords(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, mark) in line.match_indices("://") {
        let start = at + mark.len();
        let end = line[start..]
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\''))
            .map_or(line.len(), |length| start + length);
        let (Some(colon), Some(sign)) = (line[start..end].find(':'), line[start..end].rfind('@')) else {
            continue;
        };
        if colon < sign {
            found.push(start + colon + 1..start + sign);
        }
    }
    found
}

/// Parts of addresses that chats give out: whoever knows such an address may post.
const CHATS: [&str; 6] = [
    "hooks.slack.com",
    "/api/webhooks/",
    "/hooks/",
    "webhook.office.com",
    "logic.azure.com",
    "powerplatform.com",
];

/// `https://discord.com` and behind it `/api/webhooks/THIS`, under whatever key.
fn chat_addresses(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, mark) in line.match_indices("://") {
        let start = at + mark.len();
        let end = line[start..]
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\''))
            .map_or(line.len(), |length| start + length);
        let path = line[start..end].find('/').map_or(end, |slash| start + slash);
        if CHATS.iter().any(|chat| line[start..end].contains(chat)) {
            found.push(path..end);
        }
    }
    found
}

/// Lines are cut to this many characters; nobody reads more.
const LONGEST_LINE: usize = 200;

fn excerpt(line: &str, mark: Range<usize>, hidden: &[Range<usize>]) -> Excerpt {
    let mut shown = String::new();
    let (mut start, mut end) = (None, None);
    let mut masked = 0;
    for (at, letter) in line.char_indices() {
        let position = shown.chars().count();
        if at >= mark.start {
            start.get_or_insert(position);
        }
        if at >= mark.end {
            end.get_or_insert(position);
        }
        if hidden.iter().any(|range| range.contains(&at)) {
            if masked == 0 {
                shown.push_str("***");
            }
            masked += 1;
            continue;
        }
        masked = 0;
        shown.push(if letter.is_control() && letter != '\t' { '\u{fffd}' } else { letter });
        if position > LONGEST_LINE {
            break;
        }
    }
    let length = shown.chars().count();
    let start = start.unwrap_or(length);
    Excerpt { line: shown, start, width: end.unwrap_or(length).saturating_sub(start).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let mut hidden = secret_values(line);
        hidden.extend(url_passwords(line).into_iter().chain(chat_addresses(line)));
        excerpt(line, 0..1, &hidden).line
    }

    #[test]
    fn a_line_is_shown_without_its_secrets() {
        let table = [
            (r#"password = "hunter2""#, "password = ***"),
            (r#"pasword="hunter2" # x"#, "pasword=*** # x"),
            (r#"password = "hunter2"#, "password = ***"),
            ("token = hunter2", "token = ***"),
            (
                r#"sasl = { password = "hunter2", mechanism = "PLAIN" }"#,
                r#"sasl = { password = ***, mechanism = "PLAIN" }"#,
            ),
            (r#"password = { env = "NAME" }"#, r#"password = { env = "NAME" }"#),
            (r#"password = { env = "NAME", value = "hunter2" }"#, r#"password = { env = "NAME"***}"#),
            (r#"password = {value = "hunter2"} # x"#, "password = {***} # x"),
            (r#"password = { "hunter2"#, "password = {***"),
            (r#"url = "postgres://u:hunter2@h/db""#, r#"url = "postgres://u:***@h/db""#),
            (r#"url = "postgres://h:5432/db""#, r#"url = "postgres://h:5432/db""#),
            (
                r#"url = "https://hooks.slack.com/services/T/B/hunter2" # x"#,
                r#"url = "https://hooks.slack.com***" # x"#,
            ),
            (r#"url = "https://chat.example/hooks/hunter2""#, r#"url = "https://chat.example***""#),
            (r#"url = "https://hooks.example.com/foghorn""#, r#"url = "https://hooks.example.com/foghorn""#),
            (r#""sasl.password" = "hunter2""#, r#""sasl.password" = ***"#),
            (r#"name = "Ada""#, r#"name = "Ada""#),
        ];
        for (line, expected) in table {
            assert_eq!(shown(line), expected);
        }
    }

    #[test]
    fn the_mark_moves_with_the_mask() {
        let line = r#"a = { password = "hunter2", prot = 1 }"#;
        let at = line.find("prot").unwrap();
        let excerpt = excerpt(line, at..at + 4, &secret_values(line));
        let marked: String = excerpt.line.chars().skip(excerpt.start).take(excerpt.width).collect();
        assert_eq!(marked, "prot");
    }
}
