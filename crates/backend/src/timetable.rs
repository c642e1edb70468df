//! When an integration runs by itself next: its schedule, read in its customer's time zone. Pure:
//! the same question has the same answer.
//!
//! So that ten thousand integrations with one schedule don't start together, each has its own
//! place, made from its id: an interval begins anywhere within its length, a cron expression and
//! the opening of a window are followed within [`SPREAD_S`] seconds, and never past the window.
//!
//! Over a change to or from daylight-saving time a cron expression that names one time of day
//! comes true once that day (in the hour that is left out: right after it), one that repeats
//! comes true at every moment that reads like it on the wall. Intervals don't know of the clock
//! on the wall. A window opens and closes by it; one that falls into the hour left out is as long
//! as ever, right after it.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;
use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};
use domain::{
    DateTime,
    id::IntegrationId,
    schedule::{SPREAD_S, Schedule, Timing, Weekday, Window},
    text::FieldError,
};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The longest time between two tries of something that fails, minutes.
const BACK_OFF_MAX: i64 = 6 * 60;
/// Times of a cron expression that are tried for one within the window.
const CRON_TRIES: usize = 2_000;
/// Changes of a zone's offset that one search of a cron expression crosses: about 16 years.
const CHANGES_MAX: usize = 32;

/// A schedule with all that decides when it comes true.
#[derive(Debug, Clone)]
pub(crate) struct Timetable {
    schedule: Schedule,
    zone: Tz,
    place: u64,
}

impl Timetable {
    /// The timetable of an integration, by its stored schedule and its customer's stored zone.
    pub fn new(id: IntegrationId, schedule: Schedule, zone: &str) -> Self {
        Self {
            schedule,
            // A zone that was known when it was saved: UTC is what remains where it is gone.
            zone: zone.parse().unwrap_or(Tz::UTC),
            place: number(&[id.0.as_bytes()]),
        }
    }

    /// The same, with the schedule as the table holds it.
    pub fn stored(id: IntegrationId, schedule: &str, zone: &str) -> Self {
        Self::new(id, serde_json::from_str(schedule).unwrap_or_default(), zone)
    }

    /// When it comes next after that moment; none where it never does.
    pub fn next(&self, after: DateTime) -> Option<DateTime> {
        match &self.schedule.timing {
            Timing::EveryMinutes(minutes) => self.next_of_interval(i64::from(*minutes) * 60, after),
            Timing::Cron(text) => self.next_of_cron(&parse(text).ok()?, text, after),
        }
    }

    /// Whether it may run at that moment: a run that was missed isn't made up for outside the
    /// window.
    pub fn is_open(&self, at: DateTime) -> bool {
        self.schedule
            .window
            .as_ref()
            .is_none_or(|window| self.open_until(window, at).is_some())
    }

    /// When something that failed `failures` times in a row is tried next: as the schedule says,
    /// but not before 1, 2, 4 … minutes have gone by, up to six hours and less up to a quarter,
    /// and not before the source said.
    pub fn after_failure(
        &self,
        now: DateTime,
        failures: i64,
        asked: Option<std::time::Duration>,
    ) -> Option<DateTime> {
        let exponent = u32::try_from((failures - 1).clamp(0, 20)).unwrap_or(0);
        let wait = 2_i64.pow(exponent).min(BACK_OFF_MAX) * 60;
        let less = number(&[&self.place.to_le_bytes(), &failures.to_le_bytes()]) % 256;
        let less = wait * i64::try_from(less).unwrap_or(0) / 1024;
        let asked = asked
            .and_then(|wait| Duration::from_std(wait).ok())
            .unwrap_or_default();
        let earliest = now.checked_add_signed(Duration::seconds(wait - less).max(asked))?;
        let next = self.next(now)?;
        if next >= earliest {
            return Some(next);
        }
        match self.schedule.timing {
            Timing::EveryMinutes(_) if self.is_open(earliest) => Some(earliest),
            _ => self.next(earliest),
        }
    }

    /// This integration's place within so many seconds.
    fn within(&self, seconds: i64) -> Duration {
        let seconds = u64::try_from(seconds.max(1)).unwrap_or(1);
        Duration::seconds(i64::try_from(self.place % seconds).unwrap_or(0))
    }

    fn next_of_interval(&self, interval: i64, after: DateTime) -> Option<DateTime> {
        let interval = interval.max(1);
        let place = self.within(interval).num_seconds();
        let begun = (after.timestamp() - place).div_euclid(interval);
        let at = DateTime::from_timestamp((begun + 1) * interval + place, 0)?;
        let Some(window) = &self.schedule.window else {
            return Some(at);
        };
        if self.open_until(window, at).is_some() {
            return Some(at);
        }
        let (opens, closes) = self.opening_after(window, at)?;
        let room = (closes - opens)
            .num_seconds()
            .min(interval)
            .min(SPREAD_S.into());
        Some(opens + self.within(room))
    }

    fn next_of_cron(&self, cron: &Cron, text: &str, after: DateTime) -> Option<DateTime> {
        let spread = self.within(SPREAD_S.into());
        let mut from = after.checked_sub_signed(spread)?;
        for _ in 0..CRON_TRIES {
            let at = occurrence(cron, is_once_a_day(text), self.zone, from)?;
            let Some(window) = &self.schedule.window else {
                return Some(at + spread);
            };
            if let Some(closes) = self.open_until(window, at) {
                let room = (closes - at).num_seconds().min(SPREAD_S.into());
                let at_last = at + self.within(room);
                if at_last > after {
                    return Some(at_last);
                }
                from = at;
            } else {
                let (opens, _) = self.opening_after(window, at)?;
                from = at.max(opens - Duration::seconds(1));
            }
        }
        None
    }

    /// When the window closes that is open at that moment; none where none is.
    fn open_until(&self, window: &Window, at: DateTime) -> Option<DateTime> {
        let today = at.with_timezone(&self.zone).date_naive();
        [today.pred_opt()?, today]
            .into_iter()
            .filter_map(|day| self.opening(window, day))
            .find(|(opens, closes)| *opens <= at && at < *closes)
            .map(|(_, closes)| closes)
    }

    /// The next opening after that moment, with its end.
    fn opening_after(&self, window: &Window, at: DateTime) -> Option<(DateTime, DateTime)> {
        let today = at.with_timezone(&self.zone).date_naive();
        today
            .iter_days()
            .take(9)
            .filter_map(|day| self.opening(window, day))
            .find(|(opens, _)| *opens > at)
    }

    /// From when to when the window is open that opens on this day.
    fn opening(&self, window: &Window, day: NaiveDate) -> Option<(DateTime, DateTime)> {
        let weekday = Weekday::ALL.get(day.weekday().num_days_from_monday() as usize)?;
        if !window.opens_on(*weekday) {
            return None;
        }
        let begin = day.and_time(NaiveTime::MIN);
        let from = begin + Duration::minutes(window.from.minutes().into());
        let length = Duration::minutes(window.minutes().into());
        let opens = moment(self.zone, from, false)?;
        let closes = moment(self.zone, from + length, true)?;
        // Both ends in the hour that is left out are the same moment.
        Some((
            opens,
            if closes > opens {
                closes
            } else {
                opens + length
            },
        ))
    }
}

/// The moment at which the clock on the wall reads so: right after the hour that is left out,
/// and at the first or at the last of two.
fn moment(zone: Tz, wall: NaiveDateTime, last: bool) -> Option<DateTime> {
    // A zone that crosses the date line leaves out a day.
    for minutes in 0..=26 * 60 {
        let found = zone.from_local_datetime(&(wall + Duration::minutes(minutes)));
        let found = if last {
            found.latest()
        } else {
            found.earliest()
        };
        if let Some(found) = found {
            return Some(found.to_utc());
        }
    }
    None
}

/// The next moment after `after` at which the cron expression comes true in the zone.
fn occurrence(cron: &Cron, once_a_day: bool, zone: Tz, after: DateTime) -> Option<DateTime> {
    // Whole seconds, since croner keeps what is left of one.
    let after = DateTime::from_timestamp(after.timestamp(), 0)?;
    if once_a_day {
        // Croner knows that such a one comes once. In the second of two equal hours it finds the
        // first again.
        let local = after.with_timezone(&zone);
        let found = cron.find_next_occurrence(&local, false).ok()?;
        if found > local {
            return Some(found.to_utc());
        }
        let past = zone.from_local_datetime(&found.naive_local()).latest()?;
        return Some(cron.find_next_occurrence(&past, false).ok()?.to_utc());
    }
    // Any other is looked for by the offset that counts, up to where that changes, and goes on
    // there with the new one: so it finds both of two equal hours, and none that is left out.
    let mut from = after;
    let mut inclusive = false;
    for _ in 0..CHANGES_MAX {
        let offset = zone.offset_from_utc_datetime(&from.naive_utc()).fix();
        let local = from.with_timezone(&offset);
        let found = cron.find_next_occurrence(&local, inclusive).ok()?.to_utc();
        match change_of_offset(zone, from, found) {
            None => return Some(found),
            Some(change) => {
                from = change;
                inclusive = true;
            }
        }
    }
    None
}

/// The first moment after `from`, up to `to`, at which the zone's offset is another than at
/// `from`.
fn change_of_offset(zone: Tz, from: DateTime, to: DateTime) -> Option<DateTime> {
    let offset = |at: DateTime| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let before = offset(from);
    let mut low = from;
    loop {
        let high = to.min(low + Duration::days(7));
        if offset(high) != before {
            let (mut low, mut high) = (low.timestamp(), high.timestamp());
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if offset(DateTime::from_timestamp(middle, 0)?) == before {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            return DateTime::from_timestamp(high, 0);
        }
        if high >= to {
            return None;
        }
        low = high;
    }
}

/// Whether an expression names one minute of one hour.
fn is_once_a_day(text: &str) -> bool {
    text.split_whitespace()
        .take(2)
        .all(|field| field.bytes().all(|c| c.is_ascii_digit()))
}

/// A number made from bytes, alike everywhere and for ever.
fn number(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// A customer's time zone as it was given, an IANA name.
pub(crate) fn check_zone(given: &str) -> Result<String> {
    let given = given.trim();
    if let Ok(zone) = given.parse::<Tz>() {
        return Ok(zone.name().to_owned());
    }
    // "europe/amsterdam" is what they meant.
    if let Some(zone) = zones().find(|zone| zone.eq_ignore_ascii_case(given)) {
        return Ok(zone.to_owned());
    }
    let message = format!(
        "“{given}” is no time zone. Use a name of the IANA list, such as Europe/Amsterdam or UTC."
    );
    Err(Error::invalid("time_zone", message))
}

/// Every time zone by its IANA name.
pub fn zones() -> impl Iterator<Item = &'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
}

/// "Mon 2 Mar, 22:03", by the clock on the customer's wall.
pub fn on_the_wall(at: DateTime, zone: &str) -> String {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    at.with_timezone(&zone)
        .format("%a %-d %b, %H:%M")
        .to_string()
}

/// Whether the schedule is one that comes true some day.
pub(crate) fn check(schedule: &Schedule, now: DateTime) -> Result<()> {
    schedule.check()?;
    if let Timing::Cron(text) = &schedule.timing {
        let cron = parse(text).map_err(|error| refused(text, &error))?;
        if cron.find_next_occurrence(&now, false).is_err() {
            let message = format!("“{text}” never comes true: there is no such day.");
            return Err(Error::invalid("schedule.cron", message));
        }
    }
    let timetable = Timetable::new(IntegrationId(uuid::Uuid::nil()), schedule.clone(), "UTC");
    if timetable.next(now).is_none() {
        let message = "The cron expression never comes true while the window is open.";
        return Err(Error::invalid("schedule.window", message));
    }
    Ok(())
}

/// The five fields of a cron expression.
const CRON_FIELDS: [&str; 5] = [
    "minute",
    "hour",
    "day of the month",
    "month",
    "day of the week",
];

/// What is wrong with a cron expression, and in which of its fields.
fn refused(text: &str, error: &CronError) -> Error {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let wrong = (fields.len() == CRON_FIELDS.len())
        .then(|| {
            (0..fields.len()).find(|at| {
                let mut alone = ["*"; CRON_FIELDS.len()];
                alone[*at] = fields[*at];
                parse(&alone.join(" ")).is_err()
            })
        })
        .flatten();
    let message = match wrong {
        Some(at) => format!(
            "“{}” can’t be read as the {} of a cron expression. An example of one is 0 6 * * 1-5.",
            fields[at], CRON_FIELDS[at]
        ),
        None if fields.len() != CRON_FIELDS.len() => format!(
            "“{text}” has {} where a cron expression has five: {}. An example is 0 6 * * 1-5.",
            domain::number::counted(i64::try_from(fields.len()).unwrap_or(0), "field", "fields"),
            CRON_FIELDS.join(", ")
        ),
        None => format!("“{text}” is no cron expression such as 0 6 * * 1-5: {error}"),
    };
    FieldError::new("schedule.cron", message).into()
}

fn parse(text: &str) -> std::result::Result<Cron, CronError> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
}

#[cfg(test)]
mod tests;
