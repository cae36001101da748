//! What no client should send, to every route there is: the cells of a table whose lines are the routes, as
//! the router has them, and whose columns are the ways in which a request can be bad. A new route is in it
//! with its row; nobody has to think of it here.
//!
//! ```text
//! locks     no token, tokens that do not count, scopes that are not enough
//! methods   every other one
//! targets   parts of the path that cannot be, and other ways to write a path
//! queries   unknown, given twice, and what no such value can be
//! headers   of another site, for another server, keys and versions that are none
//! frames    lengths, codings and headers that HTTP does not allow
//! bodies    what is no JSON, too much of it, of another type, and what the document says is not taken
//! ```
//!
//! A real process answers all of it. Each answer is a refusal of the right kind which the document has for this
//! route, in time, with a word about what is wrong; nothing of what is kept changes; and the next good
//! request is answered.

mod bodies;
mod cells;
mod ground;
mod heads;
mod locks;
mod slow;
mod targets;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use foghorn::http::routes::{Needs, rules};

use crate::support::database::Database;
use crate::support::services;
use cells::{Cell, Place};
use ground::Ground;

/// The longest that a refusal may take, on a busy machine.
const BOUND: Duration = Duration::from_secs(5);

/// A column: its cells for one route.
type Column = (&'static str, fn(&Place<'_>) -> Vec<Cell>);

/// What gets as far as the store, if it gets through.
const DEEP: [&str; 3] = ["targets", "queries", "bodies"];

const COLUMNS: [Column; 7] = [
    ("locks", locks::cells),
    ("methods", heads::methods),
    ("targets", targets::paths),
    ("queries", targets::queries),
    ("headers", heads::headers),
    ("frames", heads::frames),
    ("bodies", bodies::refused),
];

/// The kinds of bad requests by number, and where each is held: in a column here, or in a scenario of its own,
/// because it is about what one address means and not about any route.
const KINDS: [(std::ops::RangeInclusive<u8>, &[&str]); 17] = [
    (1..=16, &["bodies", "bad_events_by_request.rs"]),
    (17..=18, &["bad_events_by_request.rs", "odd_events_by_request.rs"]),
    (19..=22, &["targets", "odd_events_by_request.rs", "same_text_from_every_store.rs"]),
    (23..=25, &["mail_headers.rs", "mail_injection.rs"]),
    (26..=28, &["bad_events_by_request.rs", "absurd_renderings.rs"]),
    (29..=30, &["bodies", "frames", "http_bad_input.rs"]),
    (31..=32, &["slow.rs", "http_limits.rs"]),
    (33..=34, &["frames", "targets", "http_bad_input.rs"]),
    (35..=35, &["methods"]),
    (36..=36, &["headers", "same_request_twice.rs"]),
    (37..=37, &["locks", "every_route_has_a_lock.rs", "tokens_are_needed.rs"]),
    (38..=38, &["twilio_signatures.rs", "slack_buttons.rs"]),
    (39..=39, &["headers", "http_bad_input.rs"]),
    (40..=41, &["queries", "http_lists.rs"]),
    (42..=42, &["templates_are_rendered.rs"]),
    (43..=43, &["only_allowed_addresses_are_called.rs"]),
    (44..=45, &["somebody_takes_it.rs", "dead_letters_in_bulk.rs", "replays.rs"]),
];

#[test]
fn every_kind_of_bad_request_is_held_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let columns: BTreeSet<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let mut next = 1;
    for (numbers, places) in KINDS {
        assert_eq!(*numbers.start(), next, "none is left out");
        next = *numbers.end() + 1;
        for place in places {
            let is_there = folder.join(place).exists() || folder.join("bad_requests").join(place).exists();
            assert!(columns.contains(place) || is_there, "{place}");
        }
    }
    assert_eq!(next, 46);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_refuses_what_is_bad_and_nothing_changes_on_sqlite() {
    let columns = COLUMNS.iter().collect();
    every_route_refuses_what_is_bad_and_nothing_changes(Ground::on_sqlite().await, columns).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_refuses_what_is_bad_and_nothing_changes_on_postgres() {
    if services::require("postgres") {
        let database = Database::create().await;
        let columns = COLUMNS.iter().filter(|(name, _)| DEEP.contains(name)).collect();
        every_route_refuses_what_is_bad_and_nothing_changes(Ground::on_postgres(database).await, columns)
            .await;
    }
}

async fn every_route_refuses_what_is_bad_and_nothing_changes(ground: Ground, columns: Vec<&Column>) {
    let mut before = ground.kept().await;
    assert!(before.len() > 1_000, "there is something to lose: {before}");
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for rule in rules() {
        let place = ground.place(&rule);
        for (column, cells) in &columns {
            let cells = cells(&place);
            if let Some(why) = empty_where_it_must_not_be(column, &place, cells.len()) {
                wrong.push(why);
            }
            asked += cells.len();
            for cell in cells {
                wrong.extend(ground.refusal(&place, &cell).await.err());
            }
        }
        let after = ground.kept().await;
        if after != before {
            wrong.push(format!("{place}: something was done: {}", ground::difference(&before, &after)));
            before = after;
        }
        ground.assert_alive(&place).await;
    }
    assert!(wrong.is_empty(), "{} of {asked} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 40 * rules().len(), "{asked}");
    ground.assert_well().await;
    ground.end().await;
}

/// A route without a row of the table is an error of the table.
fn empty_where_it_must_not_be(column: &str, place: &Place<'_>, cells: usize) -> Option<String> {
    let must = match column {
        "locks" => place.rule.needs != Needs::Nothing,
        "queries" => place.parameters("query").next().is_some(),
        "bodies" => place.takes_a_body(),
        _ => true,
    };
    (must && cells == 0).then(|| format!("{place} has no {column}"))
}
