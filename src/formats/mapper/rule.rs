//! One rule: which records it takes, and what it makes of them.

use std::borrow::Cow;

use super::super::fields::Fields;
use super::super::native::{self, TITLE};
use super::super::problems::Problems;
use super::super::strict_json::Node;
use super::super::text::Layout;
use super::super::{Parsed, Words};
use super::condition::Condition;
use super::excerpt::shortened;
use super::field::{Class, Field, Kind, WHOSE, key};
use super::told::{Filled, Tried, Verdict};
use super::value::{Record, Value};
use crate::domain::Timestamp;
use crate::domain::event::{Body, RequestText};
use crate::domain::malformed::{Malformation, Malformed, Problem};
use crate::domain::owner::Whose;

/// What stands for every name that is not listed.
pub(super) const ALL: &str = "*";

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) when: Vec<Condition>,
    pub(super) kind: Kind,
    pub(super) fields: Vec<(Field, Taking)>,
}

/// How a field is put together.
#[derive(Debug)]
pub(super) enum Taking {
    /// One value.
    One(Value),
    /// One or more texts each.
    Each(Vec<Value>),
    /// A value behind each name; behind [`ALL`], an object whose entries come first.
    Named(Vec<(String, Value)>),
    /// Addresses with a text.
    Links(Vec<Link>),
}

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) text: Option<Value>,
    pub(super) url: Value,
}

type Tree<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

impl Rule {
    /// Is the record its?
    pub(super) fn takes(&self, root: &Node<'_>) -> bool {
        self.when.iter().all(|condition| condition.holds(root))
    }

    /// Why the record is not its: the first condition that does not hold.
    pub(super) fn refusal(&self, root: &Node<'_>) -> Option<Problem> {
        let failed = self.when.iter().find(|condition| !condition.holds(root))?.checked(root);
        let detail = format!("rule \"{}\" wants {}, found {}", self.name, failed.wanted, failed.found);
        Some(Problem { pointer: failed.pointer, code: "unmapped", detail, hint: None })
    }

    /// How it was judged, for people.
    pub(super) fn tried(&self, root: &Node<'_>, is_decided: bool) -> Tried {
        let verdict = match () {
            () if is_decided => Verdict::NotReached,
            () if self.takes(root) => Verdict::Match,
            () => Verdict::NoMatch,
        };
        let conditions = self.when.iter().map(|condition| condition.checked(root)).collect();
        Tried { name: self.name.clone(), verdict, conditions }
    }

    /// What it makes of the record: a record of our own, read as strictly as if it had come so.
    pub(super) fn read(
        &self,
        record: &Record<'_, '_>,
        words: &Words,
        now: Timestamp,
    ) -> Result<Parsed, Malformed> {
        let mut tree = self.tree(record)?;
        let whose = taken(&mut tree, WHOSE);
        let has_template = tree.iter().any(|(name, _)| name == "template");
        // Our own record has the words of its template; those of others may have a subject beside it.
        let subject = has_template.then(|| taken(&mut tree, "subject")).flatten();
        let mut problems = Problems::default();
        let parsed = native::body(Node::Map(tree), "", words, now, &mut problems);
        let beside = [("subject", subject), (WHOSE, whose)];
        let beside = beside.into_iter().filter_map(|(name, node)| Some((Cow::Borrowed(name), node?)));
        let beside = self.beside(beside.collect(), &mut problems);
        let parsed = parsed.zip(beside).map(|(parsed, beside)| beside.on(parsed));
        problems.verdict(parsed).map_err(|refused| self.in_words_of_the_record(refused, record))
    }

    /// What our own record cannot say.
    fn beside(&self, tree: Tree<'_>, problems: &mut Problems) -> Option<Beside> {
        let mut fields = Fields::of(Node::Map(tree), "", problems)?;
        let subject = fields.prose("subject", Layout::OneLine, TITLE);
        let whose = match fields.word(WHOSE).as_deref() {
            None | Some("nobody") => Whose::Nobody,
            Some("owner") => Whose::Owner,
            Some(word) => match word.strip_prefix("user:").filter(|name| !name.is_empty()) {
                Some(name) => Whose::User(name.into()),
                None => {
                    fields.refuse(WHOSE, "not_allowed", "is nobody, owner, or user:NAME");
                    return None;
                }
            },
        };
        Some(Beside { subject, whose })
    }

    fn tree<'a>(&self, record: &Record<'_, 'a>) -> Result<Tree<'a>, Malformed> {
        let mut tree: Tree<'a> = Vec::with_capacity(self.fields.len() + 1);
        tree.push((Cow::Borrowed("kind"), Node::Text(Cow::Borrowed(self.kind.as_str()))));
        let mut problems = Vec::new();
        for (field, taking) in &self.fields {
            match taking.take(*field, record) {
                Ok(Some(node)) => tree.push((Cow::Borrowed(field.name), node)),
                Ok(None) => {}
                Err(found) => problems.extend(found.into_iter().map(|(part, problem)| {
                    let detail = format!("{}: {}", self.place(*field, &part), problem.detail);
                    Problem { detail, ..problem }
                })),
            }
        }
        if problems.is_empty() { Ok(tree) } else { Err(Malformed { reason: Malformation::Schema, problems }) }
    }

    fn place(&self, field: Field, part: &str) -> String {
        format!("rule \"{}\", {}", self.name, dotted(field, part))
    }

    /// What the reader of our own record refuses, said of the record as it came.
    fn in_words_of_the_record(&self, refused: Malformed, record: &Record<'_, '_>) -> Malformed {
        let told = |problem: Problem| {
            let mut path = problem.pointer[1.min(problem.pointer.len())..].splitn(2, '/');
            let name = path.next().unwrap_or_default();
            let Some((field, taking)) = self.fields.iter().find(|(field, _)| field.name == name) else {
                return Problem { detail: format!("rule \"{}\": {}", self.name, problem.detail), ..problem };
            };
            let rest = path.next().unwrap_or_default();
            let Some((part, value)) = taking.part(rest) else { return problem };
            let place = self.place(*field, &part);
            let found = value.found(record).map(|found| format!("; found {found}")).unwrap_or_default();
            let detail = value.veiled(&problem.detail, record);
            let meant = || value.meant(record).filter(|_| problem.code == "missing");
            Problem {
                pointer: value.pointer(),
                detail: format!("{place} from {}: {detail}{found}", value.source()),
                hint: meant().or(problem.hint),
                ..problem
            }
        };
        Malformed { reason: refused.reason, problems: refused.problems.into_iter().map(told).collect() }
    }

    /// Each value of each field, for people.
    pub(super) fn filled(&self, record: &Record<'_, '_>) -> Vec<Filled> {
        let values = self.fields.iter().flat_map(|(field, taking)| {
            let one = |(part, value): (String, &Value)| {
                let taken = value.take(record);
                let fitted = |node| {
                    // Parts of a field are single texts.
                    let class = if part.is_empty() { field.class } else { Class::Text };
                    value.shown(&class.fitted(node))
                };
                Filled {
                    field: dotted(*field, &part),
                    from: value.source(),
                    found: value.found(record),
                    wrong: taken.as_ref().err().map(|problem| problem.detail.clone()),
                    became: taken.ok().flatten().map(fitted),
                }
            };
            taking.parts().into_iter().map(one).collect::<Vec<_>>()
        });
        values.collect()
    }
}

/// What a mapper says beside our own record.
struct Beside {
    subject: Option<String>,
    whose: Whose,
}

impl Beside {
    fn on(self, mut parsed: Parsed) -> Parsed {
        if let Body::Notification(request) = &mut parsed.body {
            request.whose = self.whose;
            if let RequestText::Template { subject, .. } = &mut request.text {
                *subject = self.subject;
            }
        }
        parsed
    }
}

fn taken<'a>(tree: &mut Tree<'a>, name: &str) -> Option<Node<'a>> {
    let at = tree.iter().position(|(key, _)| key == name)?;
    Some(tree.remove(at).1)
}

/// `labels.env`
fn dotted(field: Field, part: &str) -> String {
    if part.is_empty() { field.name.to_owned() } else { format!("{}.{}", field.name, shortened(part, 40)) }
}

impl Taking {
    /// What it is of this record; nothing if nothing of it is there.
    fn take<'a>(
        &self,
        field: Field,
        record: &Record<'_, 'a>,
    ) -> Result<Option<Node<'a>>, Vec<(String, Problem)>> {
        let mut problems = Vec::new();
        let mut part = |name: &str, value: &Value| {
            value.take(record).map_err(|problem| problems.push((name.to_owned(), problem))).ok().flatten()
        };
        let node = match self {
            Self::One(value) => part("", value),
            Self::Each(values) => {
                let taken = values.iter().enumerate().filter_map(|(at, value)| part(&at.to_string(), value));
                let flat = taken.flat_map(|node| match node {
                    Node::List(items) => items,
                    single => vec![single],
                });
                Some(Node::List(flat.collect())).filter(|list| *list != Node::List(Vec::new()))
            }
            Self::Named(values) => named(values, &mut part),
            Self::Links(links) => {
                let taken = links.iter().enumerate().filter_map(|(at, link)| {
                    let url = part(&format!("{at}.url"), &link.url)?;
                    let text = link.text.as_ref().and_then(|text| part(&format!("{at}.text"), text));
                    let text = text.map(|text| (key("text"), Class::Text.fitted(text)));
                    Some(Node::Map([(key("url"), url)].into_iter().chain(text).collect()))
                });
                Some(Node::List(taken.collect()))
            }
        };
        if problems.is_empty() { Ok(node.map(|node| field.class.fitted(node))) } else { Err(problems) }
    }

    /// Every value of it, with its name in the field.
    fn parts(&self) -> Vec<(String, &Value)> {
        match self {
            Self::One(value) => vec![(String::new(), value)],
            Self::Each(values) => {
                values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
            }
            Self::Named(values) => values.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Self::Links(links) => {
                let parts = links.iter().enumerate().flat_map(|(at, link)| {
                    let text = link.text.as_ref().map(|text| (format!("{at}.text"), text));
                    [(format!("{at}.url"), &link.url)].into_iter().chain(text)
                });
                parts.collect()
            }
        }
    }

    /// The value that a place in the field came from; the first one, if that cannot be told.
    fn part(&self, rest: &str) -> Option<(String, &Value)> {
        let name = rest.replace("~1", "/").replace("~0", "~").replace('/', ".");
        let mut parts = self.parts();
        let at = parts.iter().position(|(part, _)| *part == name);
        let all = parts.iter().position(|(part, _)| part == ALL && !name.is_empty());
        let at = at.or(all).unwrap_or_default();
        (at < parts.len()).then(|| parts.swap_remove(at))
    }
}

/// What stands behind [`ALL`], with the others over it.
fn named<'a>(
    values: &[(String, Value)],
    part: &mut impl FnMut(&str, &Value) -> Option<Node<'a>>,
) -> Option<Node<'a>> {
    let mut tree: Tree<'a> = Vec::new();
    for (name, value) in values.iter().filter(|(name, _)| name == ALL) {
        match part(name, value) {
            Some(Node::Map(entries)) => tree.extend(entries),
            // What is no object is refused by whoever reads it.
            Some(other) => return Some(other),
            None => {}
        }
    }
    for (name, value) in values.iter().filter(|(name, _)| name != ALL) {
        let Some(node) = part(name, value) else { continue };
        match tree.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = node,
            None => tree.push((key(name), node)),
        }
    }
    Some(Node::Map(tree))
}
