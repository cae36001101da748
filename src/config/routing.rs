//! `[[routes]]` and `[policies]`: who hears about what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::calendar::{ROTATION, insistent};
use super::channels::{Channels, texts};
use super::check::is_bad;
use super::matching::{fields, matches};
use super::people::{stranger, team, user};
use super::problem::{Code, Problem};
use super::report::Report;
use super::settings::ChannelConfig;
use super::silences;
use super::tree::{Node, Place, Table};
use crate::domain::Timestamp;
use crate::domain::directory::{Directory, Reach, StandIns};
use crate::domain::names::{ChannelName, PolicyName, RouteName, TeamName, UserName};
use crate::domain::people::Recipient;
use crate::domain::policy::{News, Policy, Step, StopWhen};
use crate::domain::routes::{Route, RouteTable};
use crate::domain::suggest::{listed, nearest, question};
use crate::domain::withheld::in_words;

/// Reads everything that a plan is made from.
pub(super) fn read(tree: &Table, channels: &Channels, report: &mut Report<'_>) -> RouteTable {
    let insistent = insistent(tree);
    let users: BTreeMap<_, _> = each(tree.table("users"), |name, table| {
        (UserName::from(name), user(name, table, tree, &insistent, report))
    });
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
        insistent,
    };
    let mut desk = Desk { tree, channels, directory: &directory, report };
    let policies =
        each(tree.table("policies"), |name, table| (PolicyName::from(name), desk.policy(name, table)));
    let routes = desk.routes();
    policies.values().flat_map(|policy| &policy.steps).for_each(|step| directory.pair(&step.via));
    RouteTable { routes, policies: Arc::new(policies), directory, silences: silences::read(tree, report) }
}

fn news(table: &Table, key: &str, usual: News) -> News {
    match table.text(key) {
        Some("notify") => News::Notify,
        Some("silent") => News::Silent,
        _ => usual,
    }
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
        let usual = Policy::default();
        let mut steps: Vec<Step> = steps.iter().filter_map(|step| self.step(name, step)).collect();
        // Written in any order; those of one moment stay in the order they are written in.
        steps.sort_by_key(|step| step.after);
        Policy {
            steps,
            repeat: table.count("repeat").and_then(|count| u32::try_from(count).ok()).unwrap_or(usual.repeat),
            repeat_after: table.duration("repeat_after").unwrap_or(usual.repeat_after),
            ack_timeout: table.duration("ack_timeout").filter(|timeout| !timeout.is_zero()),
            bundle: table.duration("bundle").filter(|bundle| !bundle.is_zero()),
            stop_when: match table.text("stop_when") {
                Some("resolved") => StopWhen::Resolved,
                _ => StopWhen::Acknowledged,
            },
            on_update: news(table, "on_update", usual.on_update),
            on_acknowledge: news(table, "on_acknowledge", usual.on_acknowledge),
            on_resolve: news(table, "on_resolve", usual.on_resolve),
        }
    }

    fn step(&mut self, policy: &str, step: &Node) -> Option<Step> {
        let table = step.table()?;
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
        Some(Step { after: table.duration("after").unwrap_or_default(), notify, via })
    }

    fn recipient(&mut self, policy: &str, text: &str, place: &Place) -> Option<Recipient> {
        let recipient = match text.parse::<Recipient>() {
            Ok(recipient) => recipient,
            Err(invalid) => {
                self.report.at(place, Problem::new(Code::WrongValue, invalid.to_string()));
                return None;
            }
        };
        let (room, name) = match &recipient {
            Recipient::User(name) => ("users", name.as_str()),
            Recipient::Team(name) | Recipient::OnCall(name) => ("teams", name.as_str()),
            Recipient::Role(_) | Recipient::Address(_) => return Some(recipient),
        };
        let known = self.tree.table(room);
        if !known.has(name) {
            let what = format!("policy \"{policy}\" notifies {recipient}, who does not exist");
            self.report.at(place, stranger(what, name, known));
            return None;
        }
        if matches!(recipient, Recipient::OnCall(_)) && !known.table(name).has("rotation") {
            let what = format!("policy \"{policy}\" notifies {recipient}, and nobody there takes turns");
            let problem = Problem::new(Code::Missing, what);
            let fix = format!("write team:{name}, or add to [teams.{name}]: {ROTATION}");
            self.report.at(place, problem.label(fix));
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

    /// Whoever is on call today, the others are some day.
    fn some_day(&self, recipient: &Recipient) -> Vec<Recipient> {
        let Recipient::OnCall(team) = recipient else { return vec![recipient.clone()] };
        let rotation = self.directory.teams.get(team).and_then(|team| team.rotation.as_ref());
        let people: BTreeSet<_> = rotation.into_iter().flat_map(|rotation| rotation.people()).collect();
        people.into_iter().map(|user| Recipient::User(user.clone())).collect()
    }

    /// People without the address that the channel needs are found here, not at three at night.
    fn warn_if_unreached(&mut self, policy: &str, step: &Node, notify: &[Recipient], via: &[ChannelName]) {
        let ever: Vec<Recipient> = notify.iter().flat_map(|who| self.some_day(who)).collect();
        let reached = self.directory.reach(&ever, via, Timestamp::UNIX_EPOCH);
        let by_role_alone = notify.iter().all(|who| matches!(who, Recipient::Role(_)));
        if reached.withheld.is_empty() && !(reached.targets.is_empty() && by_role_alone && !notify.is_empty())
        {
            return;
        }
        if via.is_empty() || notify.is_empty() {
            return;
        }
        let place =
            step.table().and_then(|table| table.get("notify")).map_or(&step.place, |node| &node.place);
        let why = if reached.withheld.is_empty() {
            "nobody has this role".to_owned()
        } else {
            in_words(&reached.withheld)
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
            matches: matches(table.table("match"), "", self.report),
            group_by: table.get("group_by").map(|node| fields(node, self.report)).unwrap_or_default(),
            policy: PolicyName::from(table.text("policy").unwrap_or_default()),
            name: RouteName::from(name),
        }
    }
}

fn name_place<'a>(node: &'a Node, table: &'a Table) -> &'a Place {
    table.get("name").map_or(&node.place, |name| &name.place)
}
