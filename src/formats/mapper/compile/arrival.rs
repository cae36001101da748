//! How a record comes to the rules of a mapper: with which of its headers, and cut at which list. And where
//! pointers can lead, which depends on it.

use toml::Table;

use super::super::carrier::{BODY, HEADERS, MOST, forbidden};
use super::super::pointer::Pointer;
use super::Objections;
use crate::domain::suggest::{listed, nearest, question};

/// `headers = ["X-GitHub-Event"]`, in lower case.
pub(super) fn headers(written: &Table, objections: &mut Objections) -> Vec<String> {
    let Some(value) = written.get("headers") else { return Vec::new() };
    objections.at("headers", |it| {
        let Some(items) = value.as_array().filter(|items| (1..=MOST).contains(&items.len())) else {
            let fix = format!("write headers = [\"X-GitHub-Event\"], up to {MOST} of them");
            it.add("must be a list of names", Some(fix));
            return Vec::new();
        };
        let mut names: Vec<String> = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let name = item.as_str().unwrap_or_default().to_ascii_lowercase();
            let twice = names.contains(&name).then_some("is named twice: names compare without case");
            match forbidden(&name).or(twice) {
                Some(why) => it.at(at, |it| it.add(why, Some("remove it".to_owned()))),
                None => names.push(name),
            }
        }
        names
    })
}

/// `each = "/alerts"`
pub(super) fn each(written: &Table, objections: &mut Objections) -> Option<Pointer> {
    let value = written.get("each")?;
    objections.at("each", |it| {
        let pointer = super::pointer(value, it)?;
        if !it.headers.is_empty() && pointer.steps().first().is_none_or(|step| step != BODY) {
            let fix = format!(
                "with headers, what came is in /{BODY}: write each = \"/{BODY}{}\"",
                pointer.as_str()
            );
            it.add("is no list of what came", Some(fix));
            return None;
        }
        Some(pointer)
    })
}

impl Objections {
    /// The pointer that is written so, if it can lead anywhere.
    pub(in super::super) fn pointer(&mut self, text: &str) -> Option<Pointer> {
        let pointer = match Pointer::parse(text) {
            Ok(pointer) => pointer,
            Err(why) => {
                self.add(why, None);
                return None;
            }
        };
        match self.astray(&pointer) {
            Some((why, fix)) => {
                self.add(why, Some(fix));
                None
            }
            None => Some(pointer),
        }
    }

    /// Of a record that is kept with its headers there is nothing else.
    fn astray(&self, pointer: &Pointer) -> Option<(String, String)> {
        let [first, rest @ ..] = pointer.steps() else { return None };
        let known = || self.headers.iter().map(String::as_str);
        match (first.as_str(), rest) {
            _ if self.headers.is_empty() => None,
            (BODY, _) | (HEADERS, []) => None,
            (HEADERS, [name, ..]) if known().any(|known| known == name) => None,
            (HEADERS, [name, ..]) => {
                let lower = name.to_ascii_lowercase();
                let near = question(nearest(&lower, known()));
                let fix = format!("headers, in lower case: {}.{near}", listed(known()));
                Some((format!("leads to \"{name}\", which is not among its headers"), fix))
            }
            _ => {
                let fix = format!("with headers, what came is in /{BODY}: write /{BODY}{}", pointer.as_str());
                Some((format!("leads neither into /{HEADERS} nor into /{BODY}"), fix))
            }
        }
    }
}
