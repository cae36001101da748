//! Query parameters. An unknown one is refused rather than ignored: a misspelled filter that
//! silently shows everything is worse than an error.

use std::fmt::Display;
use std::str::FromStr;

use axum::http::Uri;
use url::form_urlencoded;

use super::limits::{DEFAULT_PAGE, PAGE};
use super::problem::{Code, Problem};
use crate::domain::Timestamp;
use crate::domain::query::{self, Field, QueryError};
use crate::store::Paging;

/// The parameters of a request, each known and given once.
#[derive(Debug, PartialEq)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// The parameters of `uri`, which may be those in `known`.
    pub(super) fn parse(uri: &Uri, known: &[&'static str]) -> Result<Self, Problem> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let Some(name) = known.iter().copied().find(|name| *name == key) else {
                return Err(unknown(&key, known));
            };
            if found.iter().any(|(other, _)| *other == name) {
                return Err(bad(format!("\"{name}\" is given twice")));
            }
            // No database is asked for it: one of them cannot even hear it.
            if value.contains('\0') {
                return Err(bad(format!("{name} has a NUL character")));
            }
            found.push((name, value.into_owned()));
        }
        Ok(Self(found))
    }

    /// The value of a parameter. One without a value counts as not given.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, value)| *name == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// True if the parameter is there, with a value or without.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == key)
    }

    /// The value of a parameter, read.
    pub(super) fn read<T: FromStr>(&self, key: &str, what: &str) -> Result<Option<T>, Problem> {
        self.get(key)
            .map(|text| text.parse().map_err(|_| bad(format!("{key} = \"{}\" is not {what}", short(text)))))
            .transpose()
    }

    /// The words of a parameter, separated by commas, each one of `all`.
    pub(super) fn words<T: Copy + Display>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
        all: &[T],
    ) -> Result<Vec<T>, Problem> {
        let words = self.get(key).into_iter().flat_map(|value| value.split(','));
        words
            .map(|word| {
                parse(word.trim()).ok_or_else(|| {
                    let all: Vec<String> = all.iter().map(T::to_string).collect();
                    bad(format!("{key} = \"{}\" is none of {}", short(word), all.join(", ")))
                })
            })
            .collect()
    }

    /// `filter`, in the language of [`crate::domain::query`].
    pub(super) fn filter<F: Field>(&self, now: Timestamp) -> Result<query::Query<F>, Problem> {
        query::Query::parse(self.get("filter").unwrap_or_default(), now).map_err(not_understood)
    }

    /// `limit`, and a `cursor` that the store made from a `C`.
    pub(super) fn paging<C: FromStr>(&self) -> Result<Paging, Problem> {
        self.paging_of::<C>(DEFAULT_PAGE)
    }

    /// The same, for a list that has another usual `limit`.
    pub(super) fn paging_of<C: FromStr>(&self, usual: usize) -> Result<Paging, Problem> {
        let limit = self.read("limit", "a number")?.unwrap_or(usual);
        if !(1..=PAGE).contains(&limit) {
            return Err(bad(format!("limit = {limit} is not between 1 and {PAGE}")));
        }
        let before = self.get("cursor").map(str::to_owned);
        if before.as_ref().is_some_and(|cursor| cursor.parse::<C>().is_err()) {
            return Err(bad("cursor is not one that this list gave out".to_owned()));
        }
        Ok(Paging { before, limit })
    }
}

/// Enough of a value to recognise it in an error message.
fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

/// What a `filter` says that nobody understands, with its place.
pub(super) fn not_understood(error: QueryError) -> Problem {
    bad(format!("filter, {error}"))
}

fn bad(detail: String) -> Problem {
    Problem::new(Code::Query, detail)
}

fn unknown(key: &str, known: &[&'static str]) -> Problem {
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, key), *name))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    let key = short(key);
    bad(match nearest {
        Some((_, name)) => format!("unknown parameter \"{key}\"; did you mean \"{name}\"?"),
        None if known.is_empty() => format!("unknown parameter \"{key}\"; there are none here"),
        None => format!("unknown parameter \"{key}\"; there are {}", known.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["status", "limit", "cursor"];

    fn query(text: &str) -> Result<Query, Problem> {
        Query::parse(&format!("/x?{text}").parse().expect("a path"), KNOWN)
    }

    fn detail(problem: Problem) -> String {
        let body = problem.body("", "", "");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
        body["detail"].as_str().expect("there is a detail").to_owned()
    }

    #[test]
    fn a_misspelled_parameter_is_refused_with_a_suggestion() {
        let problem = query("statsu=open").expect_err("misspelled");
        assert_eq!(detail(problem), "unknown parameter \"statsu\"; did you mean \"status\"?");
        let problem = query("xyzzy=1").expect_err("unknown");
        assert_eq!(detail(problem), "unknown parameter \"xyzzy\"; there are status, limit, cursor");
        assert!(query("limit=1&limit=2").is_err());
    }

    #[test]
    fn a_page_has_between_1_and_200_entries() {
        let limit =
            |text: &str| query(text).and_then(|query| query.paging::<u64>()).map(|paging| paging.limit);
        assert_eq!(limit("").ok(), Some(50));
        assert_eq!(limit("limit=1").ok(), Some(1));
        assert_eq!(limit("limit=200").ok(), Some(200));
        for bad in ["limit=0", "limit=-1", "limit=201", "limit=1e9", "limit=1000000000000000000000"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_forged_cursor_is_refused() {
        let cursor = |text: &str| query(text).and_then(|query| query.paging::<u64>());
        assert_eq!(cursor("cursor=1041").ok().and_then(|paging| paging.before).as_deref(), Some("1041"));
        for bad in ["cursor=%00", "cursor=del_1", "cursor=-1", "cursor=1;drop"] {
            assert!(cursor(bad).is_err(), "{bad}");
        }
    }
}
