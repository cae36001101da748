//! Clients that do not go on: the body that never comes, half a body, half a header. All at once, since each
//! waits for as long as it may.

use std::time::Duration;

use foghorn::http::routes::rules;
use futures::future::join_all;
use tokio::time::Instant;

use super::cells::{Ask, Cell, Refused};
use super::ground::Ground;
use crate::support::http::Client;

/// A body has 15 s, and headers have 5 s.
const ENOUGH: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_go_on_is_told_so_or_let_go_and_nothing_changes() {
    let ground = Ground::on_sqlite().await;
    let before = ground.kept().await;
    let rules = rules();
    let places: Vec<_> = rules.iter().map(|rule| ground.place(rule)).collect();
    let mut waits = Vec::new();
    for place in &places {
        let mut head = place.ask().bytes();
        head.truncate(head.len() / 2);
        let half = Cell { name: "half a header".to_owned(), says: head, refused: Refused::Bare };
        waits.push((place, half));
        if place.takes_a_body() {
            let late = || Refused::With(&["FH0705"], Vec::new());
            let length = Some("Content-Length: 900\r\n".to_owned());
            let unfollowed = Ask {
                length: length.clone(),
                more: "Expect: 100-continue\r\n".to_owned(),
                body: Vec::new(),
                ..place.ask()
            };
            waits.push((place, Cell::new("a body that is waited for", &unfollowed, late())));
            waits.push((place, Cell::new("half a body", &Ask { length, ..place.ask() }, late())));
        }
    }
    assert!(waits.len() > rules.len());
    let address = ground.address();
    let wrong = join_all(waits.iter().map(async |(place, cell)| {
        let begun = Instant::now();
        let mut client = Client::to(address).await;
        client.say(&cell.says).await;
        let answer = client.hear_within(ENOUGH).await;
        let judged = cell.judge(place, answer.as_ref());
        judged.and_then(|()| match begun.elapsed() {
            took if took < ENOUGH => Ok(()),
            took => Err(format!("{place}, {}: {took:?}", cell.name)),
        })
    }))
    .await;
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), waits.len(), wrong.join("\n"));
    assert_eq!(ground.kept().await, before);
    ground.assert_well().await;
    drop(waits);
    drop(places);
    ground.end().await;
}
