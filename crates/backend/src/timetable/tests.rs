use domain::schedule::parse_days;
use uuid::Uuid;

use super::*;
use crate::testing::start;

const AMSTERDAM: &str = "Europe/Amsterdam";

fn id(n: u128) -> IntegrationId {
    IntegrationId(Uuid::from_u128(n))
}

/// An integration whose place is the very beginning of every spread, so that times are whole.
fn punctual(schedule: Schedule, zone: &str) -> Timetable {
    Timetable {
        place: 0,
        ..Timetable::new(id(0), schedule, zone)
    }
}

fn windowed(mut schedule: Schedule, from: &str, until: &str, days: &str) -> Schedule {
    schedule.window = Some(Window {
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
        days: parse_days(days).unwrap(),
    });
    schedule
}

/// A moment in UTC.
fn utc(text: &str) -> DateTime {
    format!("{text}:00Z").parse().unwrap()
}

/// The next times after `from`, in UTC.
fn times(timetable: &Timetable, from: &str, count: usize) -> Vec<String> {
    let mut at = utc(from);
    (0..count)
        .map(|_| {
            at = timetable.next(at).unwrap();
            at.format("%m-%dT%H:%M").to_string()
        })
        .collect()
}

#[test]
fn cron_has_five_fields_and_comes_true_some_day() {
    for good in ["0 6 * * 1-5", "*/15 * * * *", "0 0 29 2 *", " 0 6 * * MON "] {
        assert!(check(&Schedule::cron(good), start()).is_ok(), "{good}");
    }
    for (bad, said) in [
        ("", "Enter a cron expression"),
        ("x", "has 1 field where"),
        ("0 6 * *", "has 4 fields where"),
        ("0 0 6 * * 1", "has 6 fields where"),
        ("* * * * * * *", "has 7 fields where"),
        ("61 * * * *", "“61” can’t be read as the minute"),
        ("0 25 * * *", "“25” can’t be read as the hour"),
        ("0 6 * * FUN", "“FUN” can’t be read as the day of the week"),
        ("0 0 31 2 *", "never comes true"),
    ] {
        let refused = check(&Schedule::cron(bad), start()).unwrap_err();
        assert!(
            matches!(&refused, Error::Invalid(f)
                if f.field == "schedule.cron" && f.message.contains(said)),
            "{bad}: {refused}"
        );
    }
    assert!(check(&Schedule::every(0), start()).is_err());
    let never = windowed(Schedule::cron("0 12 * * *"), "22:00", "06:00", "");
    let refused = check(&never, start()).unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(f) if f.field == "schedule.window"),
        "{refused}"
    );
}

#[test]
fn a_zone_is_a_name_of_the_list() {
    assert_eq!(check_zone(" Europe/Amsterdam ").unwrap(), AMSTERDAM);
    assert_eq!(check_zone("europe/amsterdam").unwrap(), AMSTERDAM);
    assert_eq!(check_zone("utc").unwrap(), "UTC");
    for bad in ["", "Amsterdam", "UTC+1", "Europe/Amsterdm", "+01:00"] {
        let refused = check_zone(bad).unwrap_err();
        assert!(
            matches!(&refused, Error::Invalid(f) if f.field == "time_zone"),
            "{bad}: {refused}"
        );
    }
}

#[test]
fn a_cron_expression_is_read_in_the_customers_zone() {
    // start() is a Sunday, 12:00 UTC.
    let cron = Schedule::cron("0 6 * * 1-5");
    let next = |zone| punctual(cron.clone(), zone).next(start()).unwrap();
    assert_eq!(next("UTC"), utc("2026-03-02T06:00"));
    assert_eq!(next(AMSTERDAM), utc("2026-03-02T05:00"));
    assert_eq!(next("Asia/Kolkata"), utc("2026-03-02T00:30"));
    // In Auckland it is Monday already.
    assert_eq!(next("Pacific/Auckland"), utc("2026-03-01T17:00"));
}

#[test]
fn one_time_of_day_comes_true_once_on_the_day_the_clock_changes() {
    let cron = |text| punctual(Schedule::cron(text), AMSTERDAM);
    // Sunday 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
    assert_eq!(
        times(&cron("30 2 * * *"), "2026-03-27T12:00", 4),
        ["03-28T01:30", "03-29T01:00", "03-30T00:30", "03-31T00:30"],
        "right after the hour that is left out"
    );
    // Sunday 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
    assert_eq!(
        times(&cron("30 2 * * *"), "2026-10-23T12:00", 4),
        ["10-24T00:30", "10-25T00:30", "10-26T01:30", "10-27T01:30"],
        "in the first of the two hours"
    );
    let again = cron("30 2 * * *");
    for between in ["2026-10-25T01:00", "2026-10-25T01:10", "2026-10-25T01:45"] {
        assert_eq!(times(&again, between, 1), ["10-26T01:30"], "{between}");
    }
}

#[test]
fn what_repeats_goes_on_through_both_changes() {
    let half_hours = punctual(Schedule::cron("*/30 * * * *"), AMSTERDAM);
    for from in ["2026-03-29T00:10", "2026-10-25T00:10"] {
        let day = &from[5..11];
        let expected = ["00:30", "01:00", "01:30", "02:00", "02:30"].map(|t| format!("{day}{t}"));
        assert_eq!(times(&half_hours, from, 5), expected);
    }
    // Between two and three: not on the short night, twice on the long one.
    let at_two = punctual(Schedule::cron("*/30 2 * * *"), AMSTERDAM);
    assert_eq!(
        times(&at_two, "2026-03-28T12:00", 2),
        ["03-30T00:00", "03-30T00:30"]
    );
    assert_eq!(
        times(&at_two, "2026-10-24T12:00", 4),
        ["10-25T00:00", "10-25T00:30", "10-25T01:00", "10-25T01:30"]
    );
    let every = punctual(Schedule::every(30), AMSTERDAM);
    assert_eq!(
        times(&every, "2026-10-25T00:10", 3),
        ["10-25T00:30", "10-25T01:00", "10-25T01:30"]
    );
}

#[test]
fn a_window_opens_and_closes_by_the_clock_on_the_wall() {
    let nightly = punctual(
        windowed(Schedule::every(240), "22:00", "06:00", ""),
        AMSTERDAM,
    );
    // The winter night is 21:00 to 05:00 UTC, the summer night 20:00 to 04:00.
    assert!(nightly.is_open(utc("2026-03-27T21:00")));
    assert!(!nightly.is_open(utc("2026-03-27T20:59")));
    assert!(nightly.is_open(utc("2026-03-29T03:59")));
    assert!(!nightly.is_open(utc("2026-03-29T04:00")));
    assert_eq!(
        times(&nightly, "2026-03-27T12:00", 6),
        [
            "03-27T21:00",
            "03-28T00:00",
            "03-28T04:00",
            "03-28T21:00",
            "03-29T00:00",
            "03-29T20:00"
        ]
    );
    assert_eq!(
        times(&nightly, "2026-10-24T12:00", 5),
        [
            "10-24T20:00",
            "10-25T00:00",
            "10-25T04:00",
            "10-25T21:00",
            "10-26T00:00"
        ]
    );
}

#[test]
fn a_window_in_the_hour_that_is_left_out_opens_after_it() {
    let early = punctual(
        windowed(Schedule::every(10), "02:00", "02:30", ""),
        AMSTERDAM,
    );
    assert_eq!(
        times(&early, "2026-03-28T12:00", 4),
        ["03-29T01:00", "03-29T01:10", "03-29T01:20", "03-30T00:00"]
    );
}

#[test]
fn a_window_has_days_on_which_it_opens() {
    let fridays = punctual(
        windowed(Schedule::every(60), "23:00", "01:00", "fri"),
        "UTC",
    );
    // Friday 6 March 2026, into Saturday.
    assert_eq!(
        times(&fridays, "2026-03-01T12:00", 3),
        ["03-06T23:00", "03-07T00:00", "03-13T23:00"]
    );
    let weekend = punctual(
        windowed(Schedule::cron("0 12 * * *"), "00:00", "24:00", "sat,sun"),
        "UTC",
    );
    assert_eq!(
        times(&weekend, "2026-03-02T00:00", 3),
        ["03-07T12:00", "03-08T12:00", "03-14T12:00"]
    );
    // Longer than a day between two runs, and the window still counts.
    let weekly = punctual(
        windowed(Schedule::every(10_080), "22:00", "23:00", ""),
        "UTC",
    );
    let weekly = times(&weekly, "2026-03-01T12:00", 3);
    assert!(weekly.iter().all(|at| at.ends_with("T22:00")), "{weekly:?}");
}

#[test]
fn ten_thousand_alike_are_spread_evenly_and_stay_where_they_are() {
    let now = start();
    for (schedule, length) in [
        (Schedule::every(5), 300),
        (Schedule::every(60), 3600),
        (Schedule::cron("0 6 * * *"), i64::from(SPREAD_S)),
        (
            windowed(Schedule::every(60), "22:00", "23:00", ""),
            i64::from(SPREAD_S),
        ),
    ] {
        let mut slots = vec![0; 10];
        let first = punctual(schedule.clone(), "UTC").next(now).unwrap();
        for n in 0..10_000 {
            let timetable = Timetable::new(id(n), schedule.clone(), "UTC");
            let at = timetable.next(now).unwrap();
            assert_eq!(timetable.next(now), Some(at), "the same every time");
            let into = (at - first).num_seconds().rem_euclid(length);
            slots[usize::try_from(into * 10 / length).unwrap()] += 1;
        }
        assert!(
            slots.iter().all(|slot| (850..1150).contains(slot)),
            "{schedule:?} {slots:?}"
        );
    }
}

#[test]
fn nobody_is_spread_out_of_the_window_or_away_from_the_cron_expression() {
    let now = start();
    for n in 0..500 {
        let late = windowed(Schedule::cron("59 5 * * *"), "22:00", "06:00", "");
        let late = Timetable::new(id(n), late, AMSTERDAM);
        let at = late.next(now).unwrap();
        assert!(late.is_open(at), "{at}");
        assert!((at - utc("2026-03-02T04:59")).num_seconds() < 60, "{at}");
        assert_eq!((late.next(at).unwrap() - at).num_hours(), 24);

        let cron = Timetable::new(id(n), Schedule::cron("0 * * * *"), AMSTERDAM);
        let mut at = now;
        for _ in 0..3 {
            let next = cron.next(at).unwrap();
            assert!(next > at && next - at <= Duration::hours(1));
            assert!(next.timestamp() % 3600 < i64::from(SPREAD_S));
            at = next;
        }
    }
}

#[test]
fn what_fails_is_tried_less_and_less_often() {
    let now = start();
    let every = punctual(Schedule::every(5), "UTC");
    let minutes =
        |failures, wait| (every.after_failure(now, failures, wait).unwrap() - now).num_minutes();
    assert_eq!(minutes(1, None), 5, "the schedule is later");
    assert!((6..=8).contains(&minutes(4, None)), "{}", minutes(4, None));
    let waits: Vec<_> = (1..10).map(|failures| minutes(failures, None)).collect();
    assert!(waits.is_sorted(), "{waits:?}");
    for failures in [10, 50, i64::MAX] {
        assert!((270..=360).contains(&minutes(failures, None)));
    }
    assert_eq!(minutes(1, Some(std::time::Duration::from_mins(20))), 20);
    // Those that failed together are not tried together.
    let together: std::collections::BTreeSet<_> = (0..100)
        .map(|n| Timetable::new(id(n), Schedule::every(5), "UTC").after_failure(now, 10, None))
        .collect();
    assert!(together.len() > 50, "{}", together.len());
}

#[test]
fn a_next_try_keeps_to_the_window_and_to_cron() {
    let now = utc("2026-03-02T05:50");
    let nightly = punctual(windowed(Schedule::every(5), "22:00", "06:00", ""), "UTC");
    let next = nightly.after_failure(now, 6, None).unwrap();
    assert_eq!(next, utc("2026-03-02T22:00"));
    let hourly = punctual(Schedule::cron("0 * * * *"), "UTC");
    let next = hourly.after_failure(now, 8, None).unwrap();
    assert_eq!(next, utc("2026-03-02T08:00"));
}
