//! The table, drawn to memory.

use std::fmt::Write;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw::{Paint, draw};
use super::metrics::Samples;
use super::model::{Key, Mode, Next, Snapshot, TopModel};
use crate::domain::Timestamp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_269_600 + seconds).expect("in range")
}

/// A server that runs for 3 days, after so many events and mails.
fn look(seconds: i64, events: u32, mails: u32) -> Snapshot {
    let metrics = format!(
        r#"process_start_time_seconds {}
foghorn_events_received_total{{source="api"}} {events}
foghorn_events_received_total{{source="kafka"}} 7
foghorn_events_rejected_total{{source="kafka",reason="parse"}} 3
foghorn_deliveries_total{{channel="email",result="sent"}} {mails}
foghorn_deliveries_total{{channel="sms",result="sent"}} 0
foghorn_delivery_attempt_duration_seconds_bucket{{channel="email",le="1"}} {mails}
foghorn_delivery_attempt_duration_seconds_bucket{{channel="email",le="+Inf"}} {mails}
"#,
        at(-259_200).as_second()
    );
    let status = serde_json::from_value(serde_json::json!({
        "version": "0.1.0", "started_at": at(-259_200).to_string(), "ready": true, "phase": "running",
        "sources": [
            {"name": "api", "type": "http", "state": "ok", "lag": null},
            {"name": "kafka", "type": "kafka", "state": "down", "reason": "refused", "lag": 12},
        ],
        "channels": [
            {"name": "email", "state": "ok", "retrying": 0, "dead": 1},
            {"name": "sms", "state": "degraded", "reason": "slow", "retrying": 4, "dead": 0},
        ],
    }));
    let status = Some(status.expect("a status"));
    Snapshot { at: at(seconds), samples: Samples::parse(&metrics), status }
}

fn model() -> TopModel {
    let mut model = TopModel::default();
    model.look(look(0, 100, 0));
    model.look(look(5, 150, 20));
    let incident = |number: u64, severity: &str, title: &str| {
        serde_json::from_value(serde_json::json!({
            "number": number, "title": title, "severity": severity, "status": "open", "service": "db-1",
            "description": null, "source": "api", "event_count": 1, "route": null, "policy": null,
            "opened_at": at(-240).to_string(), "deliveries": {"sent": 2, "pending": 1}
        }))
        .expect("an incident")
    };
    model.incidents = vec![incident(7, "medium", "Certificate"), incident(5, "critical", "Disk full")];
    model
}

fn screen(model: &TopModel, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory has room");
    terminal.draw(|frame| draw(frame, model, at(5), Paint::Plain)).expect("memory takes everything");
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for row in buffer.content().chunks(usize::from(width)) {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn type_in(model: &mut TopModel, keys: &str) {
    for letter in keys.chars() {
        assert_eq!(model.press(Key::Letter(letter)), Next::Draw);
    }
}

/// Where on the screen each is; the order of lines.
fn order(screen: &str, words: [&str; 2]) -> [Option<usize>; 2] {
    words.map(|word| screen.lines().position(|line| line.contains(word)))
}

#[test]
fn one_screen_says_what_runs_how_fast_and_what_needs_somebody() {
    assert_eq!(
        screen(&model(), 120, 9),
        "foghorn 0.1.0   ready   up 3d   events 10.0/s   sends 4.0/s   14:00:05Z\n\
         SOURCE               STATE      IN/s    LAG      REJECTED   CHANNEL         STATE      SEND/s  p95      RETRYING  DEAD\n\
         api                  ok         10.0    –        0          email           ok         4.0     0.950s   0         1\n\
         kafka                DOWN       0.0     12       3          sms             degraded   0.0     –        4         0\n\
         \n\
         NEEDS SOMEBODY  SEV      STATUS       AGE  SERVICE          TITLE                                   TOLD\n\
         #5              critical open         4m   db-1             Disk full                               2 of 3 sent\n\
         #7              medium   open         4m   db-1             Certificate                             2 of 3 sent\n\
         q quit   1-9 sort   / filter   ? help\n"
    );
}

#[test]
fn on_a_narrow_terminal_the_tables_stand_below_each_other() {
    let narrow = screen(&model(), 80, 24);
    let [source, channel] = order(&narrow, ["SOURCE", "CHANNEL"]);
    assert!(source < channel, "{narrow}");
    assert!(narrow.contains("#5") && narrow.contains("degraded"), "{narrow}");
    for (width, height) in [(1, 1), (20, 3), (300, 80)] {
        screen(&model(), width, height);
    }
}

#[test]
fn a_number_sorts_by_its_column_and_again_turns_it_round() {
    let mut model = model();
    assert_eq!(order(&screen(&model, 120, 9), ["api ", "kafka "]), [Some(2), Some(3)]);
    type_in(&mut model, "5");
    let sorted = screen(&model, 120, 9);
    assert!(sorted.contains("REJECTED↓"), "{sorted}");
    assert_eq!(order(&sorted, ["api ", "kafka "]), [Some(3), Some(2)]);
    type_in(&mut model, "5");
    assert_eq!(order(&screen(&model, 120, 9), ["api ", "kafka "]), [Some(2), Some(3)]);
    type_in(&mut model, "7");
    assert_eq!(order(&screen(&model, 120, 9), ["#7", "#5"]), [Some(6), Some(7)]);
}

#[test]
fn a_filter_shows_only_what_contains_it_until_it_is_dropped() {
    let mut model = model();
    type_in(&mut model, "/DISKq");
    assert!(screen(&model, 120, 9).contains("/DISKq▏"));
    model.press(Key::Backspace);
    model.press(Key::Enter);
    let filtered = screen(&model, 120, 9);
    assert!(filtered.contains("Disk full") && !filtered.contains("Certificate"), "{filtered}");
    assert!(filtered.contains("only \"DISK\""), "{filtered}");
    model.press(Key::Escape);
    assert!(screen(&model, 120, 9).contains("Certificate"));
}

#[test]
fn help_covers_the_table_until_any_key_and_quitting_needs_no_more_than_q() {
    let mut model = model();
    type_in(&mut model, "?");
    assert!(screen(&model, 120, 20).contains("again turns it round"));
    type_in(&mut model, "q");
    assert_eq!(model.view.mode, Mode::Watching);
    assert_eq!(model.press(Key::Letter('q')), Next::Quit);
    type_in(&mut model, "/");
    assert_eq!(model.press(Key::Interrupt), Next::Quit);
}

#[test]
fn a_lost_server_is_a_banner_over_what_was_known_and_goes_when_it_is_back() {
    let mut model = model();
    model.lost = Some("connection refused".to_owned());
    let lost = screen(&model, 120, 12);
    assert!(lost.contains("the server is lost, trying again: connection refused"), "{lost}");
    assert!(lost.contains("LOST") && lost.contains("Disk full"), "{lost}");
    model.look(look(6, 150, 20));
    assert!(!screen(&model, 120, 12).contains("lost"));
}

#[test]
fn while_the_store_is_away_the_last_known_is_shown_as_not_ready() {
    let mut model = model();
    model.look(Snapshot { status: None, ..look(6, 150, 20) });
    let screen = screen(&model, 120, 9);
    assert!(screen.contains("NOT READY") && screen.contains("kafka"), "{screen}");
}

#[test]
fn a_server_that_was_started_again_counts_from_nothing() {
    let mut model = model();
    let mut again = look(6, 3, 0);
    again.samples =
        Samples::parse("process_start_time_seconds 1795269605\nfoghorn_events_received_total 3\n");
    model.look(again);
    assert_eq!(model.rate("foghorn_events_received_total", &[]), 0.0);
}
