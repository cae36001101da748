//! What comes in at night is said in the morning, what cannot wait is said at once, and what nobody wants
//! is not said at all.

use std::time::Duration;

use foghorn::domain::Timestamp;
use foghorn::domain::delivery::DeliveryState;
use foghorn::domain::names::MessageType;
use foghorn::domain::notice::Notice;
use foghorn::domain::query::LetterQuery;
use foghorn::domain::quiet::{EXCEPT, QuietHours};
use foghorn::domain::routes::RouteTable;
use foghorn::store::{Paging, Store};
use jiff::tz::TimeZone;

use crate::support::universe::{Draft, Universe, routes};

/// Where it is three at night when a universe begins.
const HOME: &str = "Pacific/Auckland";
/// Seven in the morning there.
const MORNING: Timestamp = Timestamp::constant(1_795_269_600 + 4 * 3600, 0);

fn at_home() -> RouteTable {
    let mut routes = routes();
    let ada = routes.directory.users.get_mut("ada").unwrap();
    ada.quiet_hours = Some(QuietHours {
        from: "22:00".parse().unwrap(),
        to: "07:00".parse().unwrap(),
        zone: TimeZone::get(HOME).unwrap(),
        except: EXCEPT.to_vec(),
    });
    ada.preferences.types = [("welcome".into(), false)].into();
    routes.directory.insistent = [MessageType::from("security_alert")].into();
    routes
}

async fn universe() -> Universe {
    Universe::draft(Draft { routes: at_home(), ..Draft::default() }).await
}

fn direct(universe: &Universe, more: &str) {
    let record =
        format!(r#"{{"kind":"notification","to":"ada","via":"email","subject":"s","body":"b"{more}}}"#);
    universe.topic.push(record.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_page_of_the_night_is_said_in_the_morning_and_a_critical_one_at_once() {
    let universe = universe().await;
    universe.push("disk");
    universe.topic.push(br#"{"title":"fire","severity":"critical"}"#);
    let deliveries =
        universe.until(|all| all.len() == 2 && all.iter().any(|one| one.state == DeliveryState::Sent)).await;
    let (sent, waiting): (Vec<_>, Vec<_>) =
        deliveries.iter().partition(|one| one.state == DeliveryState::Sent);
    assert_eq!((sent[0].incident_number, waiting[0].incident_number), (Some(2), Some(1)));
    assert_eq!((waiting[0].state, waiting[0].next_attempt_at), (DeliveryState::Pending, Some(MORNING)));

    let night = MORNING.duration_since(universe.clock.now()).unsigned_abs();
    tokio::time::advance(night - Duration::from_secs(2)).await;
    universe.live_for(Duration::from_secs(1)).await;
    assert_eq!(universe.channel.accepted().len(), 1, "it is a second to seven");
    let ended = universe.until_ended(2).await;
    assert!(ended.iter().all(|one| one.state == DeliveryState::Sent), "{ended:?}");
    assert!(universe.clock.now() >= MORNING);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_before_the_morning_wakes_nobody() {
    let universe = universe().await;
    universe.push("disk");
    universe.until(|all| all.len() == 1).await;
    universe.topic.push(br#"{"title":"disk","dedup_key":"disk","status":"resolved"}"#);
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Canceled);
    assert_eq!(universe.channel.accepted().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_type_that_is_turned_off_is_not_sent_and_one_that_nobody_can_turn_off_is() {
    let universe = universe().await;
    direct(&universe, r#","type":"welcome","priority":"critical""#);
    direct(&universe, r#","type":"security_alert","priority":"low""#);
    direct(&universe, r#","type":"receipt","expires_at":"2026-11-21T17:00:00Z""#);
    universe.topic.until_settled(0, 3).await;
    let ended = universe.until_ended(1).await;
    assert_eq!(ended[0].state, DeliveryState::Sent, "at night, and without haste: {ended:?}");
    let paging = Paging { before: None, limit: 10 };
    let letters = universe.store.dead_letters(&LetterQuery::default(), &paging).await.unwrap().data;
    assert!(letters.is_empty(), "who does not want to hear is nobody's mistake: {letters:?}");
}

/// By its type, and by the template that everybody knows it by.
#[tokio::test(start_paused = true)]
async fn every_notice_can_be_turned_off_but_for_those_that_nobody_can() {
    for notice in Notice::ALL.map(Notice::as_str) {
        for insists in [false, true] {
            let mut routes = at_home();
            let ada = routes.directory.users.get_mut("ada").unwrap();
            ada.quiet_hours = None;
            ada.preferences.types = Notice::ALL.map(|notice| (notice.as_str().into(), false)).into();
            routes.directory.insistent = insists.then(|| MessageType::from(notice)).into_iter().collect();
            let universe = Universe::draft(Draft { routes, ..Draft::default() }).await;
            direct(&universe, &format!(r#","type":"{notice}""#));
            let template = r#"{"kind":"notification","to":"ada","via":"email","template":"NAME"}"#;
            universe.topic.push(template.replace("NAME", notice).as_bytes());
            universe.topic.until_settled(0, 2).await;
            universe.live_for(Duration::from_secs(2)).await;
            let said = universe.channel.accepted().len();
            assert_eq!(said, if insists { 2 } else { 0 }, "{notice}, insists: {insists}");
        }
    }
}
