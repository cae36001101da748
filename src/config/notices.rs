//! `[notifications.TYPE]`: where messages of a type lead.

use std::collections::BTreeMap;

use url::Url;

use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::Table;
use crate::domain::names::MessageType;

/// `[notifications.TYPE] link`, as it is written: `{token}` is where the token of a message goes.
pub(super) fn links(tree: &Table, report: &mut Report<'_>) -> BTreeMap<MessageType, String> {
    let mut links = BTreeMap::new();
    for entry in &tree.table("notifications").entries {
        let Some(table) = entry.node.table() else { continue };
        let Some((node, text)) = table.get("link").and_then(|node| Some((node, node.text()?))) else {
            continue;
        };
        let url = Url::parse(&text.replace("{token}", "t"));
        if url.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            links.insert(MessageType::from(entry.key.as_str()), text.to_owned());
        } else {
            let what = format!("[notifications.{}] link is no address", entry.key);
            let label = "write it as \"https://app.example.com/verify/{token}\"";
            report.at(&node.place, Problem::new(Code::WrongValue, what).label(label));
        }
    }
    links
}
