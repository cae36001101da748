//! What the reference remarks beside each key, for editors.

use std::collections::BTreeMap;

use super::load::REFERENCE;
use super::schema::join;

/// Tables whose tables the operator names.
const NAMED: [&str; 9] = [
    "sources",
    "mappers",
    "channels",
    "events_out",
    "users",
    "teams",
    "policies",
    "silences",
    "notifications",
];

/// Remarks by path, `NAME` for the operator's names.
pub(super) fn remarks() -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let (mut table, mut last) = (String::new(), None);
    for line in REFERENCE.lines() {
        let (code, remark) = split(line);
        if let Some(header) = code.strip_prefix('[') {
            table = named(header.trim_matches(['[', ']', ' ']));
            last = None;
        } else if let Some((key, _)) = code.split_once('=').filter(|(key, _)| is_key(key.trim())) {
            let path = join(&table, key.trim());
            last = remark.map(|remark| {
                found.entry(path.clone()).or_insert_with(|| remark.to_owned());
                path
            });
        } else if let (true, Some(path), Some(remark)) = (line.starts_with("    "), &last, remark) {
            // It goes on below.
            if let Some(begun) = found.get_mut(path) {
                begun.push(' ');
                begun.push_str(remark);
            }
        }
    }
    found
}

/// What a line says, commented out or not, and what it remarks.
fn split(line: &str) -> (&str, Option<&str>) {
    let code = line.strip_prefix('#').unwrap_or(line).trim_start();
    match code.rfind("# ") {
        Some(at) => (code[..at].trim_end(), Some(code[at + 2..].trim())),
        None => (code.trim_end(), None),
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The path of a table, without the operator's names.
fn named(header: &str) -> String {
    let mut parts: Vec<&str> = header.split('.').collect();
    if let [room, name, ..] = parts.as_mut_slice()
        && NAMED.contains(room)
    {
        *name = "NAME";
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_found_by_its_key_and_may_go_on_below() {
        let remarks = remarks();
        let said = |path: &str| remarks.get(path).map(String::as_str).unwrap_or_default();
        assert_eq!(said("server.timezone"), "of times in messages; stored times are always UTC");
        assert_eq!(
            said("policies.NAME.steps.notify"),
            "user:NAME, team:NAME, oncall:TEAM, role:NAME or an address"
        );
        assert!(said("http.hosts").ends_with("the host of public_url are always known"), "{remarks:?}");
        assert_eq!(said("channels.NAME.security"), "starttls | tls | none");
    }
}
