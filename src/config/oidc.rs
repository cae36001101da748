//! `[auth.oidc]`: who says who somebody is.

use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::Table;
use crate::channels::Settings;
use crate::channels::oidc::provider;
use crate::clock::Clock;

/// The settings, if there are any and they are good.
pub(super) fn read(auth: &Table, public_url: &str, report: &mut Report<'_>) -> Option<Settings> {
    let node = auth.get("oidc")?;
    let table = node.table()?;
    if !table.bad_keys().is_empty() {
        return None;
    }
    let settings = table.to_toml();
    let Err(problems) = provider(&settings, public_url, Clock::system()) else { return Some(settings) };
    for problem in problems {
        let key = problem.key.as_deref().unwrap_or_default();
        let there = table.get(key);
        let code = if there.is_some() { Code::WrongValue } else { Code::Missing };
        let place = there.map_or(&node.place, |node| &node.place);
        report.at(place, Problem::new(code, format!("[auth.oidc] {key} {}", problem.message)));
    }
    None
}
