//! `[[routes]]` and `[policies]`: who hears about what.

use std::collections::BTreeMap;

use super::channels::{Channels, texts};
use super::check::is_bad;
use super::people::{stranger, team, user};
use super::problem::{Code, Problem};
use super::report::Report;
use super::schema::{FIELDS, SEVERITIES, join};
use super::settings::ChannelConfig;
use super::tree::{Entry, Node, Place, Table, Value};
use crate::domain::directory::{Directory, Reach, StandIns};
use crate::domain::names::{ChannelName, PolicyName, RouteName, TeamName, UserName};
use crate::domain::pattern::Pattern;
use crate::domain::people::Recipient;
use crate::domain::routes::{Field, OnResolve, Policy, Route, RouteTable, Step};
use crate::domain::severity::Severity;
use crate::domain::suggest::{listed, nearest, question};

/// Reads everything that a plan is made from.
pub(super) fn read(tree: &Table, channels: &Channels, report: &mut Report<'_>) -> RouteTable {
    let users: BTreeMap<_, _> =
        each(tree.table("users"), |name, table| (UserName::from(name), user(name, table, report)));
    let teams: BTreeMap<_, _> =
        each(tree.table("teams"), |name, table| (TeamName::from(name), team(name, table, tree, report)));
    let reach = |(name, channel): (&ChannelName, &ChannelConfig)| {
        let contact = channel.channel_type.contact();
        (name.clone(), Reach { contact, max_age: channel.retry.max_age })
    };
    let mut directory = Directory {
        users,
        teams,
        channels: channels.configured.iter().map(reach).collect(),
        stand_ins: StandIns::new(),
    };
    let mut desk = Desk { tree, channels, directory: &directory, report };
    let policies =
        each(tree.table("policies"), |name, table| (PolicyName::from(name), desk.policy(name, table)));
    let routes = desk.routes();
    policies.values().flat_map(|policy| &policy.immediate).for_each(|step| directory.pair(&step.via));
    RouteTable { routes, policies, directory }
}

fn each<K: Ord, V>(table: &Table, mut read: impl FnMut(&str, &Table) -> (K, V)) -> BTreeMap<K, V> {
    let entries = table.entries.iter();
    entries.filter_map(|entry| Some(read(&entry.key, entry.node.table()?))).collect()
}

struct Desk<'a, 'b, 'c> {
    tree: &'a Table,
    channels: &'a Channels,
    directory: &'a Directory,
    report: &'b mut Report<'c>,
}

impl Desk<'_, '_, '_> {
    fn policy(&mut self, name: &str, table: &Table) -> Policy {
        let steps = table.get("steps").map(Node::list).unwrap_or_default();
        if steps.is_empty() && !table.get("steps").is_some_and(is_bad) {
            let what = format!("policy \"{name}\" has no steps: it reaches nobody");
            let problem = Problem::new(Code::NobodyHears, what);
            let example = r#"add: steps = [{ after = "0s", notify = ["user:NAME"], via = ["CHANNEL"] }]"#;
            if let Some(entry) = self.tree.table("policies").entry(name) {
                self.report.at(&entry.place, problem.label(example));
            }
        }
        Policy {
            immediate: steps.iter().filter_map(|step| self.step(name, step)).collect(),
            on_resolve: match table.text("on_resolve") {
                Some("silent") => OnResolve::Silent,
                _ => OnResolve::Notify,
            },
        }
    }

    fn step(&mut self, policy: &str, step: &Node) -> Option<Step> {
        let table = step.table()?;
        if table.duration("after").is_some_and(|after| !after.is_zero()) {
            let node = table.get("after")?;
            let what = format!("policy \"{policy}\": a step later than \"0s\" arrives in a later version");
            let problem = Problem::new(Code::Later, what)
                .label("only \"0s\" works in this version")
                .note("why: the people of this step would never hear");
            self.report.at(&node.place, problem);
        }
        for (key, example) in [("notify", "user:NAME"), ("via", "CHANNEL")] {
            let node = table.get(key);
            if node.is_none_or(|node| !is_bad(node) && node.list().is_empty()) {
                let what = format!("policy \"{policy}\": a step needs {key}");
                let problem =
                    Problem::new(Code::Missing, what).label(format!("add: {key} = [\"{example}\"]"));
                self.report.at(node.map_or(&step.place, |node| &node.place), problem);
            }
        }
        let notify = table.get("notify").map(texts).unwrap_or_default();
        let via = table.get("via").map(texts).unwrap_or_default();
        let notify: Vec<Recipient> =
            notify.iter().filter_map(|(text, place)| self.recipient(policy, text, place)).collect();
        let via: Vec<ChannelName> =
            via.iter().filter_map(|(text, place)| self.channel(policy, text, place)).collect();
        self.warn_if_unreached(policy, step, &notify, &via);
        Some(Step { notify, via })
    }

    fn recipient(&mut self, policy: &str, text: &str, place: &Place) -> Option<Recipient> {
        if text.starts_with("oncall:") {
            let what = format!("policy \"{policy}\" notifies \"{text}\": on-call arrives in a later version");
            self.report.at(place, Problem::new(Code::Later, what).label("write team:NAME or user:NAME"));
            return None;
        }
        let recipient = match text.parse::<Recipient>() {
            Ok(recipient) => recipient,
            Err(invalid) => {
                self.report.at(place, Problem::new(Code::WrongValue, invalid.to_string()));
                return None;
            }
        };
        let (room, name) = match &recipient {
            Recipient::User(name) => ("users", name.as_str()),
            Recipient::Team(name) => ("teams", name.as_str()),
            Recipient::Role(_) | Recipient::Address(_) => return Some(recipient),
        };
        let known = self.tree.table(room);
        if !known.has(name) {
            let what = format!("policy \"{policy}\" notifies {recipient}, who does not exist");
            self.report.at(place, stranger(what, name, known));
            return None;
        }
        Some(recipient)
    }

    fn channel(&mut self, policy: &str, text: &str, place: &Place) -> Option<ChannelName> {
        if self.channels.configured.contains_key(text) {
            return Some(ChannelName::from(text));
        }
        if self.channels.later.contains(text) {
            let what =
                format!("policy \"{policy}\" uses channel \"{text}\", whose type arrives in a later version");
            self.report.at(place, Problem::new(Code::UnknownChannel, what).label("use another channel"));
        } else if !self.channels.refused.contains(text) {
            let names: Vec<&str> = self.channels.configured.keys().map(ChannelName::as_str).collect();
            let slip = nearest(text, names.iter().copied());
            let what = format!("policy \"{policy}\" uses channel \"{text}\", which does not exist");
            let problem = Problem::new(Code::UnknownChannel, what).note(format!(
                "channels: {}.{}",
                listed(names.iter().copied()),
                question(slip)
            ));
            self.report.at(place, problem);
        }
        None
    }

    /// People without the address that the channel needs are found here, not at three at night.
    fn warn_if_unreached(&mut self, policy: &str, step: &Node, notify: &[Recipient], via: &[ChannelName]) {
        let reached = self.directory.reach(notify, via);
        let by_role_alone = notify.iter().all(|who| matches!(who, Recipient::Role(_)));
        if reached.unreachable.is_empty()
            && !(reached.targets.is_empty() && by_role_alone && !notify.is_empty())
        {
            return;
        }
        if via.is_empty() || notify.is_empty() {
            return;
        }
        let place =
            step.table().and_then(|table| table.get("notify")).map_or(&step.place, |node| &node.place);
        let why = if reached.unreachable.is_empty() {
            "nobody has this role".to_owned()
        } else {
            reached.unreachable.join("; ")
        };
        let what = format!("policy \"{policy}\" does not reach everybody it names");
        self.report.at(place, Problem::new(Code::NobodyHears, what).label(why));
    }

    fn routes(&mut self) -> Vec<Route> {
        let nodes = self.tree.get("routes").map(Node::list).unwrap_or_default();
        let mut routes: Vec<Route> = Vec::new();
        let mut all_taken: Option<RouteName> = None;
        for (index, node) in nodes.iter().enumerate() {
            let Some(table) = node.table() else { continue };
            let route = self.route(index, node, table);
            if routes.iter().any(|earlier| earlier.name == route.name) {
                let what = format!("there are two routes named \"{}\"", route.name);
                self.report.at(name_place(node, table), Problem::new(Code::Contradiction, what));
            }
            if let Some(earlier) = &all_taken {
                let what = format!("route \"{}\" never gets an incident", route.name);
                let problem = Problem::new(Code::NeverReached, what)
                    .label(format!("\"{earlier}\" before it takes everything; the first match wins"));
                self.report.at(name_place(node, table), problem);
            } else if route.matches.is_empty() && !table.get("match").is_some_and(is_bad) {
                all_taken = Some(route.name.clone());
            }
            routes.push(route);
        }
        if all_taken.is_none() && !nodes.is_empty() {
            let problem = Problem::new(Code::NoRoute, "incidents that match no route reach nobody")
                .note("fix: add a last [[routes]] without match");
            self.report.of_all(problem);
        }
        if nodes.is_empty() && !self.tree.table("policies").entries.is_empty() {
            let problem =
                Problem::new(Code::NoRoute, "there are policies but no routes: incidents reach nobody")
                    .note("fix: add [[routes]] with name and policy");
            self.report.of_all(problem);
        }
        routes
    }

    fn route(&mut self, index: usize, node: &Node, table: &Table) -> Route {
        let name = table.text("name").map_or_else(|| format!("route {}", index + 1), str::to_owned);
        let policies = self.tree.table("policies");
        match table.get("policy") {
            None => {
                let problem = Problem::new(Code::Missing, format!("route \"{name}\" needs a policy"))
                    .label("add: policy = \"NAME\"")
                    .note(format!(
                        "policies: {}",
                        listed(policies.entries.iter().map(|entry| entry.key.as_str()))
                    ));
                self.report.at(name_place(node, table), problem);
            }
            Some(policy) => {
                let wanted = policy.text().unwrap_or_default();
                if !is_bad(policy) && !policies.has(wanted) {
                    let names: Vec<&str> = policies.entries.iter().map(|entry| entry.key.as_str()).collect();
                    let slip = nearest(wanted, names.iter().copied());
                    let what = format!("route \"{name}\" uses policy \"{wanted}\", which does not exist");
                    let problem = Problem::new(Code::UnknownPolicy, what)
                        .note(format!("policies: {}.{}", listed(names), question(slip)))
                        .note("why: its incidents would reach nobody, so Foghorn will not start");
                    self.report.at(&policy.place, problem);
                }
            }
        }
        Route {
            matches: self.matches(table.table("match"), ""),
            policy: PolicyName::from(table.text("policy").unwrap_or_default()),
            name: RouteName::from(name),
        }
    }

    /// `labels.env = "x"` without quotes is a table in a table, and means the same.
    fn matches(&mut self, table: &Table, path: &str) -> BTreeMap<Field, Vec<Pattern>> {
        let mut matches = BTreeMap::new();
        for entry in table.entries.iter().filter(|entry| !is_bad(&entry.node)) {
            let key = join(path, &entry.key);
            if let Value::Table(inner) = &entry.node.value
                && key == "labels"
            {
                matches.extend(self.matches(inner, &key));
                continue;
            }
            match Field::parse(&key) {
                Some(field) => {
                    let patterns = self.patterns(&field, entry);
                    matches.insert(field, patterns);
                }
                None => self.unknown_field(&key, entry),
            }
        }
        matches
    }

    fn patterns(&mut self, field: &Field, entry: &Entry) -> Vec<Pattern> {
        let one = entry.node.text().map(|text| (text.to_owned(), &entry.node.place));
        let patterns: Vec<(String, &Place)> = one.map_or_else(|| texts(&entry.node), |one| vec![one]);
        if patterns.is_empty() {
            let problem = Problem::new(Code::WrongValue, format!("{} matches nothing", entry.key));
            self.report.at(&entry.node.place, problem.label("write at least one text"));
        }
        for (text, place) in &patterns {
            let severity = || Severity::ALL.iter().any(|known| known.as_str() == text);
            if *field == Field::Severity && !text.contains('*') && !severity() {
                let slip = nearest(text, SEVERITIES.iter().copied());
                let problem = Problem::new(Code::WrongValue, format!("severity {text:?} is not known"))
                    .label(format!(
                        "write one of: {}.{}",
                        listed(SEVERITIES.iter().copied()),
                        question(slip)
                    ));
                self.report.at(place, problem);
            }
        }
        patterns.into_iter().map(|(text, _)| Pattern::new(text)).collect()
    }

    fn unknown_field(&mut self, key: &str, entry: &Entry) {
        let slip = nearest(key, FIELDS);
        let problem = Problem::new(Code::UnknownKey, format!("unknown key \"{key}\""))
            .label(format!("routes do not match on it.{}", question(slip)))
            .note(format!("known keys: {}, \"labels.NAME\"", listed(FIELDS)));
        self.report.at(&entry.place, problem);
    }
}

fn name_place<'a>(node: &'a Node, table: &'a Table) -> &'a Place {
    table.get("name").map_or(&node.place, |name| &name.place)
}
