//! What a configuration amounts to, kept to be compared with the next one. Secrets leave nothing but
//! an imprint that means something in this process only.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use super::listing::{Secrecy, bare, masked};
use super::tree::{Node, Table, Value};

/// Every value of a configuration, defaults included.
#[derive(Debug, Clone, Default)]
pub struct Snapshot(BTreeMap<String, Seen>);

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    /// The value as anybody may see it.
    shown: toml::Value,
    /// Tells whether the value itself is the same.
    imprint: u64,
}

/// One value that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its key with those of its tables; entries of a list by their name or by their place, from 1.
    pub key: String,
    /// What it was, masked; `None` if it was not there.
    pub before: Option<toml::Value>,
    /// What it is, masked; `None` if it is not there any more.
    pub after: Option<toml::Value>,
}

/// Tables and keys that are read once, when the process starts.
const READ_AT_START: [&str; 7] =
    ["server", "http", "auth", "store", "events_out", "telemetry.logs.format", "telemetry.metrics"];

impl Snapshot {
    pub(super) fn of(tree: &Table) -> Self {
        let mut found = BTreeMap::new();
        collect("", tree, Secrecy::of(0), &mut found);
        Self(found)
    }

    /// What is different in `after`, by key.
    pub fn changes(&self, after: &Self) -> Vec<Change> {
        let keys = self.0.keys().chain(after.0.keys().filter(|key| !self.0.contains_key(*key)));
        let mut changes: Vec<Change> = keys
            .filter(|key| self.0.get(*key) != after.0.get(*key))
            .map(|key| Change {
                key: key.clone(),
                before: self.0.get(key).map(|seen| seen.shown.clone()),
                after: after.0.get(key).map(|seen| seen.shown.clone()),
            })
            .collect();
        changes.sort_by(|one, other| one.key.cmp(&other.key));
        changes
    }

    /// Eight hexadecimal digits that are the same for the same configuration, on every node. Secrets
    /// have no part in them.
    pub fn digest(&self) -> String {
        let lines = self.0.iter().map(|(key, seen)| format!("{key} = {}\n", seen.shown));
        format!("{:08x}", lines.fold(FNV_OFFSET, |hash, line| fnv(hash, line.as_bytes())))
    }
}

/// FNV-1a, 32 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>. To tell configurations apart, not
/// to protect them.
const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

fn fnv(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(FNV_PRIME))
}

impl Change {
    /// Does it take a new process?
    pub fn needs_restart(&self) -> bool {
        READ_AT_START.iter().any(|start| {
            self.key.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Is it about what lies below this key?
    pub fn is_below(&self, tables: [&str; 2]) -> bool {
        let [table, name] = tables;
        let rest = self.key.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'));
        let rest = rest.and_then(|rest| rest.strip_prefix(bare(name).as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "+ {key} = {after}"),
            (Some(before), None) => write!(f, "- {key} = {before}"),
            (Some(before), Some(after)) if before == after => write!(f, "~ {key} (a secret that changed)"),
            (Some(before), Some(after)) => write!(f, "~ {key} = {before} → {after}"),
            (None, None) => write!(f, "~ {key}"),
        }
    }
}

fn collect(path: &str, table: &Table, around: Secrecy, found: &mut BTreeMap<String, Seen>) {
    for entry in &table.entries {
        let secrecy = around.below(&entry.key, &entry.node);
        let key = match path {
            "" => bare(&entry.key),
            path => format!("{path}.{}", bare(&entry.key)),
        };
        visit(key, &entry.node, secrecy, found);
    }
}

fn visit(key: String, node: &Node, secrecy: Secrecy, found: &mut BTreeMap<String, Seen>) {
    match &node.value {
        Value::Table(inner) if !inner.entries.is_empty() => collect(&key, inner, secrecy, found),
        Value::List(list) if list.iter().any(|item| item.table().is_some()) => {
            for (index, item) in list.iter().enumerate() {
                let name = item.table().and_then(|table| table.text("name"));
                let name = name.map_or_else(|| (index + 1).to_string(), |name| format!("\"{name}\""));
                visit(format!("{key}[{name}]"), item, secrecy, found);
            }
            // Routes are taken in their order, so the order is a value too.
            let order: Vec<_> = list.iter().filter_map(|item| item.table()?.text("name")).collect();
            if !order.is_empty() {
                let shown = toml::Value::from(order);
                let imprint = imprint(&shown.to_string());
                found.insert(format!("{key} (order)"), Seen { shown, imprint });
            }
        }
        _ => {
            let value = node.to_toml().map(|value| value.to_string()).unwrap_or_default();
            let shown = masked(&key, node, secrecy);
            found.insert(key, Seen { shown, imprint: imprint(&value) });
        }
    }
}

fn imprint(value: &str) -> u64 {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    STATE.get_or_init(RandomState::new).hash_one(value)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        let env = [("SECRET".to_owned(), "one".to_owned()), ("OTHER".to_owned(), "two".to_owned())];
        let loaded = Config::parse(text, Some(Path::new("config.toml")), &env.into());
        loaded.expect("it is valid").snapshot
    }

    fn told(before: &str, after: &str) -> Vec<String> {
        snapshot(before).changes(&snapshot(after)).iter().map(ToString::to_string).collect()
    }

    const MAIL: &str = "[channels.email]\ntype = \"email\"\nprovider = \"smtp\"\nhost = \"mx\"\n\
                        from = \"a@x.example\"\nreply_to = \"r@x.example\"\n";

    #[test]
    fn the_same_is_no_change_and_has_the_same_digest() {
        assert_eq!(told(MAIL, &format!("# said otherwise\n{MAIL}")), [""; 0]);
        assert_eq!(snapshot(MAIL).digest(), snapshot(&format!("\n{MAIL}")).digest());
        assert_ne!(snapshot(MAIL).digest(), snapshot("").digest());
    }

    #[test]
    fn a_change_says_what_it_was_and_what_it_is() {
        let other = MAIL.replace("\"mx\"", "\"mx2\"").replace("reply_to = \"r@x.example\"\n", "port = 25\n");
        assert_eq!(
            told(MAIL, &other),
            [
                "~ channels.email.host = \"mx\" → \"mx2\"",
                "+ channels.email.port = 25",
                "- channels.email.reply_to = \"r@x.example\"",
            ]
        );
    }

    #[test]
    fn a_secret_that_changed_is_told_and_never_shown() {
        let with = |name: &str| format!("{MAIL}username = \"u\"\npassword = {{ env = \"{name}\" }}\n");
        assert_eq!(
            told(&with("SECRET"), &with("OTHER")),
            ["~ channels.email.password (a secret that changed)"]
        );
        assert_eq!(snapshot(&with("SECRET")).digest(), snapshot(&with("OTHER")).digest());
    }

    #[test]
    fn routes_are_told_apart_by_name_and_by_order() {
        let people = "[users.ada]\nemail = \"ada@x.example\"\n[policies.p]\nsteps = [{ after = \"0s\", notify = [\"user:ada\"], via = [\"email\"] }]\n";
        let route = |name: &str| {
            format!("[[routes]]\nname = \"{name}\"\npolicy = \"p\"\nmatch = {{ service = \"{name}-*\" }}\n")
        };
        let rest = "[[routes]]\nname = \"rest\"\npolicy = \"p\"\n";
        let before = [MAIL, people, &route("a"), &route("b"), rest].concat();
        let after = [MAIL, people, &route("b"), &route("a"), rest].concat();
        assert_eq!(
            told(&before, &after),
            ["~ routes (order) = [\"a\", \"b\", \"rest\"] → [\"b\", \"a\", \"rest\"]"]
        );
        let after = before.replace("service = \"a-*\"", "service = \"c-*\"");
        assert_eq!(told(&before, &after), ["~ routes[\"a\"].match.service = \"a-*\" → \"c-*\""]);
    }

    #[test]
    fn what_is_read_at_start_needs_a_restart() {
        let change = |key: &str| Change { key: key.to_owned(), before: None, after: None };
        for key in ["http.listen", "store.url", "server.name", "telemetry.logs.format", "auth.mode"] {
            assert!(change(key).needs_restart(), "{key}");
        }
        for key in ["servers.x", "telemetry.logs.level", "channels.email.host", "routes[1].policy"] {
            assert!(!change(key).needs_restart(), "{key}");
        }
        assert!(change("sources.kafka.topics").is_below(["sources", "kafka"]));
        assert!(!change("sources.kafka-2.topics").is_below(["sources", "kafka"]));
    }
}
