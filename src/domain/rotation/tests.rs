use proptest::prelude::*;

use super::*;

fn rotation(every: &str, starts: &str, zone: &str, order: &[&str]) -> Rotation {
    let hours: u64 = match every.split_at(every.len() - 1) {
        (days, "d") => 24 * days.parse::<u64>().expect("days"),
        (hours, _) => hours.parse().expect("hours"),
    };
    Rotation {
        every: Turn::of(Duration::from_secs(hours * 3600)),
        starts: starts.parse().expect("a date and a time"),
        zone: TimeZone::get(zone).expect("a zone"),
        order: order.iter().map(|name| (*name).into()).collect(),
        overrides: Vec::new(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

/// The hand-overs from the first shift that touches `from` on.
fn handovers(rotation: &Rotation, from: &str, count: usize) -> Vec<String> {
    rotation.shifts(at(from), Timestamp::MAX).take(count).map(|shift| shift.from.to_string()).collect()
}

#[test]
fn hand_over_is_at_the_same_time_of_the_day_all_the_year() {
    // Each over one change of the clocks; the zone, the start, from when, and the hand-overs.
    let table: &[(&str, &str, &str, [&str; 3])] = &[
        (
            "Europe/London",
            "2026-01-05T09:00:00",
            "2026-03-20T00:00:00Z",
            ["2026-03-16T09:00:00Z", "2026-03-23T09:00:00Z", "2026-03-30T08:00:00Z"],
        ),
        (
            "Europe/London",
            "2026-01-05T09:00:00",
            "2026-10-20T00:00:00Z",
            ["2026-10-19T08:00:00Z", "2026-10-26T09:00:00Z", "2026-11-02T09:00:00Z"],
        ),
        (
            "America/New_York",
            "2026-01-05T09:00:00",
            "2026-03-03T00:00:00Z",
            ["2026-03-02T14:00:00Z", "2026-03-09T13:00:00Z", "2026-03-16T13:00:00Z"],
        ),
        (
            "America/New_York",
            "2026-01-05T09:00:00",
            "2026-10-27T00:00:00Z",
            ["2026-10-26T13:00:00Z", "2026-11-02T14:00:00Z", "2026-11-09T14:00:00Z"],
        ),
        // Half an hour: +11:00 in summer, +10:30 in winter.
        (
            "Australia/Lord_Howe",
            "2026-01-05T09:00:00",
            "2026-04-01T00:00:00Z",
            ["2026-03-29T22:00:00Z", "2026-04-05T22:30:00Z", "2026-04-12T22:30:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "2026-01-05T09:00:00",
            "2026-09-29T00:00:00Z",
            ["2026-09-27T22:30:00Z", "2026-10-04T22:00:00Z", "2026-10-11T22:00:00Z"],
        ),
        (
            "Asia/Kolkata",
            "2026-01-05T09:00:00",
            "2026-03-24T00:00:00Z",
            ["2026-03-23T03:30:00Z", "2026-03-30T03:30:00Z", "2026-04-06T03:30:00Z"],
        ),
    ];
    for (zone, starts, from, expected) in table {
        let rotation = rotation("7d", starts, zone, &["ada", "grace"]);
        assert_eq!(handovers(&rotation, from, 3), *expected, "{zone} from {from}");
    }
}

#[test]
fn a_time_that_is_skipped_or_comes_twice_hands_over_once() {
    let table: &[(&str, &str, &str, [&str; 3])] = &[
        // 01:30 is skipped on 29 March: it is 02:30, as long after the change.
        (
            "Europe/London",
            "2026-03-01T01:30:00",
            "2026-03-28T12:00:00Z",
            ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"],
        ),
        // 01:30 comes twice on 25 October: the first one.
        (
            "Europe/London",
            "2026-03-01T01:30:00",
            "2026-10-24T12:00:00Z",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        // 02:15 is skipped on 4 October, where half an hour is.
        (
            "Australia/Lord_Howe",
            "2026-09-01T02:15:00",
            "2026-10-03T00:00:00Z",
            ["2026-10-02T15:45:00Z", "2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"],
        ),
        // Samoa had no 30 December 2011: that turn is none.
        (
            "Pacific/Apia",
            "2011-12-01T09:00:00",
            "2011-12-29T20:00:00Z",
            ["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"],
        ),
    ];
    for (zone, starts, from, expected) in table {
        let rotation = rotation("1d", starts, zone, &["ada", "grace", "joan"]);
        assert_eq!(handovers(&rotation, from, 3), *expected, "{zone} from {from}");
    }
}

#[test]
fn turns_of_hours_are_hours_that_pass() {
    let rotation = rotation("12h", "2026-03-28T09:00:00", "Europe/London", &["ada", "grace"]);
    let expected =
        ["2026-03-28T09:00:00Z", "2026-03-28T21:00:00Z", "2026-03-29T09:00:00Z", "2026-03-29T21:00:00Z"];
    assert_eq!(handovers(&rotation, "2026-03-28T09:00:00Z", 4), expected);
    assert_eq!(Turn::of(Duration::from_secs(36 * 3600)), Turn::Time(Duration::from_secs(36 * 3600)));
    assert_eq!(Turn::of(Duration::from_secs(48 * 3600)), Turn::Days(2));
}

#[test]
fn a_whole_turn_is_one_person_s_and_the_next_one_is_the_next_one_s() {
    let rotation = rotation("7d", "2026-01-05T09:00:00", "Europe/London", &["ada", "grace"]);
    let table = [
        ("2026-01-05T08:59:59Z", None, Because::NotYet),
        ("2026-01-05T09:00:00Z", Some("ada"), Because::Turn),
        ("2026-01-12T08:59:59Z", Some("ada"), Because::Turn),
        ("2026-01-12T09:00:00Z", Some("grace"), Because::Turn),
        ("2026-01-19T09:00:00Z", Some("ada"), Because::Turn),
        // Turn 12, the first one in summer, begins an hour earlier by the world's clock.
        ("2026-03-30T07:59:59Z", Some("grace"), Because::Turn),
        ("2026-03-30T08:00:00Z", Some("ada"), Because::Turn),
    ];
    for (moment, user, because) in table {
        let shift = rotation.on_call(at(moment));
        assert_eq!((shift.user.as_ref().map(UserName::as_str), shift.because), (user, because), "{moment}");
    }
}

#[test]
fn who_stands_in_is_cut_in_and_the_last_of_the_list_holds() {
    let over = |user: &str, from: &str, until: &str| Override {
        user: user.into(),
        from: at(from),
        until: at(until),
    };
    let rotation = Rotation {
        overrides: vec![
            over("joan", "2026-01-06T00:00:00Z", "2026-01-08T00:00:00Z"),
            over("mary", "2026-01-07T00:00:00Z", "2026-01-09T00:00:00Z"),
            over("ghost", "2026-01-10T00:00:00Z", "2026-01-10T00:00:00Z"),
        ],
        ..rotation("7d", "2026-01-05T09:00:00", "Europe/London", &["ada", "grace"])
    };
    let told: Vec<String> = rotation
        .shifts(at("2026-01-05T10:00:00Z"), at("2026-01-13T00:00:00Z"))
        .map(|shift| format!("{} {:?} {}", shift.user.expect("somebody"), shift.because, shift.until))
        .collect();
    assert_eq!(
        told,
        [
            "ada Turn 2026-01-06T00:00:00Z",
            "joan Override 2026-01-07T00:00:00Z",
            "mary Override 2026-01-09T00:00:00Z",
            "ada Turn 2026-01-12T09:00:00Z",
            "grace Turn 2026-01-19T09:00:00Z",
        ]
    );
    let back = rotation.on_call(at("2026-01-11T00:00:00Z"));
    assert_eq!(back.from, at("2026-01-09T00:00:00Z"), "since mary went");
}

#[test]
fn the_end_of_the_calendar_is_no_panic() {
    let never = rotation("300d", "9999-12-01T09:00:00", "America/New_York", &["ada"]);
    assert_eq!(never.on_call(at("2026-01-01T00:00:00Z")).because, Because::NotYet);
    let old = rotation("1d", "-009999-01-02T00:00:00", "UTC", &["ada"]);
    assert_eq!(old.on_call(Timestamp::MAX).until, Timestamp::MAX);
    assert_eq!(old.shifts(Timestamp::MAX, Timestamp::MAX).count(), 0);
}

const ZONES: [&str; 6] = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "Pacific/Apia",
];

fn any_rotation() -> impl Strategy<Value = Rotation> {
    let turn = prop_oneof![
        (1_u32..30).prop_map(Turn::Days),
        (1_u64..200).prop_map(|hours| Turn::of(Duration::from_secs(hours * 3600))),
    ];
    let moment = 1_761_000_000_i64..1_800_000_000;
    let over = (0_usize..4, moment, 0_i64..2_000_000).prop_map(|(who, from, length)| Override {
        user: format!("other{who}").into(),
        from: Timestamp::from_second(from).expect("in range"),
        until: Timestamp::from_second(from + length).expect("in range"),
    });
    let start = 1_760_000_000_i64..1_790_000_000;
    (turn, start, 0..ZONES.len(), 1_usize..5, prop::collection::vec(over, 0..6)).prop_map(
        |(every, start, zone, people, overrides)| {
            let zone = TimeZone::get(ZONES[zone]).expect("a zone");
            Rotation {
                every,
                // A quarter of an hour, so that skipped and doubled times are met.
                starts: zone.to_datetime(Timestamp::from_second(start / 900 * 900).expect("in range")),
                zone,
                order: (0..people).map(|who| format!("user{who}").into()).collect(),
                overrides,
            }
        },
    )
}

proptest! {
    #[test]
    fn shifts_cover_the_range_and_say_who_is_on_call(
        rotation in any_rotation(),
        from in 1_760_000_000_i64..1_800_000_000,
        length in 1_i64..40_000_000,
        samples in prop::collection::vec(0.0_f64..1.0, 40),
    ) {
        let from = Timestamp::from_second(from).expect("in range");
        let until = from + SignedDuration::from_secs(length);
        let shifts: Vec<Shift> = rotation.shifts(from, until).collect();
        prop_assert!(shifts[0].from <= from && from < shifts[0].until);
        prop_assert!(shifts.last().is_some_and(|last| last.from < until && until <= last.until));
        for pair in shifts.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
            prop_assert!(pair[0].from < pair[0].until);
        }
        for share in samples {
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any moment will do")]
            let moment = from + SignedDuration::from_secs((length as f64 * share) as i64);
            let on_call = rotation.on_call(moment);
            let holding: Vec<&Shift> =
                shifts.iter().filter(|shift| shift.from <= moment && moment < shift.until).collect();
            prop_assert_eq!(holding, [&on_call]);
        }
    }
}
