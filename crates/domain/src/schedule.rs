//! When an integration runs by itself: how often, and within which hours. Times of day are the
//! customer's, in its time zone; `backend` turns them into moments.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    text::{FieldError, UnknownText},
    text_enum,
};

/// Minutes between two runs where nobody said otherwise.
pub const EVERY_MINUTES_DEFAULT: u32 = 5;

/// Seconds over which integrations with the same cron expression, or the same opening of their
/// windows, are spread, so that ten thousand don't start at once. An interval is spread over its
/// whole length.
pub const SPREAD_S: u32 = 300;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// `{"every_minutes": 5}` or `{"cron": "0 6 * * 1-5"}`, either with a `window`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Schedule {
    /// How often.
    pub timing: Timing,
    /// Within which hours only; none means at any time.
    pub window: Option<Window>,
}

/// How often an integration runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// A run every so many minutes, 1 to 10,080 (a week).
    EveryMinutes(u32),
    /// A cron expression of five fields, in the customer's time zone.
    Cron(String),
}

/// A schedule as the API and the tables write it. Exactly one of `every_minutes` and `cron`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct Written {
    /// A run every so many minutes, 1 to 10,080 (a week).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every_minutes: Option<u32>,
    /// A cron expression of five fields, in the customer's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// Within which hours only; absent means at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

impl From<Schedule> for Written {
    fn from(schedule: Schedule) -> Self {
        let (every_minutes, cron) = match schedule.timing {
            Timing::EveryMinutes(minutes) => (Some(minutes), None),
            Timing::Cron(text) => (None, Some(text)),
        };
        Self {
            every_minutes,
            cron,
            window: schedule.window,
        }
    }
}

impl TryFrom<Written> for Schedule {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let timing = match (written.every_minutes, written.cron) {
            (Some(minutes), None) => Timing::EveryMinutes(minutes),
            (None, Some(text)) => Timing::Cron(text),
            _ => return Err("give either every_minutes or cron"),
        };
        Ok(Self {
            timing,
            window: written.window,
        })
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Schedule {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Written::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Schedule {
    fn schemas(
        schemas: &mut Vec<(
            String,
            utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
        )>,
    ) {
        Written::schemas(schemas);
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::every(EVERY_MINUTES_DEFAULT)
    }
}

impl Schedule {
    /// A run every so many minutes, at any time of day.
    pub const fn every(minutes: u32) -> Self {
        Self {
            timing: Timing::EveryMinutes(minutes),
            window: None,
        }
    }

    /// A run whenever the cron expression says.
    pub fn cron(text: impl Into<String>) -> Self {
        Self {
            timing: Timing::Cron(text.into()),
            window: None,
        }
    }

    /// Checks what needs no knowledge of time zones: the interval's limits and the window. A cron
    /// expression is checked where it can be read (`backend`).
    pub fn check(&self) -> Result<(), FieldError> {
        match &self.timing {
            Timing::EveryMinutes(1..=10_080) => {}
            Timing::EveryMinutes(_) => {
                return Err(FieldError::new(
                    "schedule.every_minutes",
                    "Choose between 1 minute and 10,080 minutes (a week).",
                ));
            }
            Timing::Cron(text) if text.trim().is_empty() => {
                return Err(FieldError::new(
                    "schedule.cron",
                    "Enter a cron expression, such as 0 6 * * 1-5.",
                ));
            }
            Timing::Cron(_) => {}
        }
        self.window.as_ref().map_or(Ok(()), Window::check)
    }

    /// Whether it names times of day, which mean something else in another time zone.
    pub const fn needs_zone(&self) -> bool {
        matches!(self.timing, Timing::Cron(_)) || self.window.is_some()
    }

    /// The schedule in few words: "every 5 min, 22:00 to 06:00".
    pub fn title(&self) -> String {
        let timing = match &self.timing {
            Timing::EveryMinutes(1) => "every minute".to_owned(),
            Timing::EveryMinutes(n) => format!("every {n} min"),
            Timing::Cron(text) => format!("cron {text}"),
        };
        match &self.window {
            Some(window) => format!("{timing}, {} to {}", window.from, window.until),
            None => timing,
        }
    }

    /// The schedule in a sentence without its full stop: "Runs every 5 minutes, between 22:00 and
    /// 06:00, Monday to Friday, Europe/Amsterdam".
    pub fn sentence(&self, time_zone: &str) -> String {
        let timing = match &self.timing {
            Timing::EveryMinutes(1) => "Runs every minute".to_owned(),
            Timing::EveryMinutes(n) => {
                format!("Runs every {} minutes", crate::number::grouped((*n).into()))
            }
            Timing::Cron(text) => format!("Runs by cron {text}"),
        };
        let window = self.window.as_ref().map(|window| {
            let (from, until) = (window.from, window.until);
            if window.days.is_empty() {
                format!("between {from} and {until}")
            } else {
                let days = days_title(&window.days);
                format!("between {from} and {until} on {days}")
            }
        });
        let zone = self.needs_zone().then(|| time_zone.to_owned());
        let parts: Vec<_> = [Some(timing), window, zone].into_iter().flatten().collect();
        parts.join(", ")
    }
}

/// The hours within which an integration may run by itself. An `until` that isn't after `from` is
/// on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it opens.
    pub from: TimeOfDay,
    /// When it closes.
    pub until: TimeOfDay,
    /// The days on which it opens; none named means every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
}

impl Window {
    fn check(&self) -> Result<(), FieldError> {
        if self.from.minutes() == DAY {
            return Err(FieldError::new(
                "schedule.window.from",
                "24:00 is the end of a day. For its beginning enter 00:00.",
            ));
        }
        if self.from == self.until {
            return Err(FieldError::new(
                "schedule.window.until",
                "The window ends when it begins. For whole days enter 00:00 and 24:00.",
            ));
        }
        Ok(())
    }

    /// How long it is open, minutes of the clock on the wall.
    pub const fn minutes(&self) -> u16 {
        let (from, until) = (self.from.minutes(), self.until.minutes());
        if until > from {
            until - from
        } else {
            until + DAY - from
        }
    }

    /// Whether it opens on this day of the week.
    pub fn opens_on(&self, day: Weekday) -> bool {
        self.days.is_empty() || self.days.contains(&day)
    }

    /// The longest it stays closed between two openings, minutes.
    pub fn closed_minutes(&self) -> u32 {
        let days = if self.days.is_empty() { 1 } else { 7 };
        days * u32::from(DAY) - u32::from(self.minutes().min(DAY))
    }
}

/// A time of day by the clock on the wall, in whole minutes: `22:00`. `24:00` is the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "22:00"))]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes since 00:00, at most 1,440.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl std::str::FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("“{text}” is no time of day such as 22:00");
        let (hours, minutes) = text.trim().split_once(':').ok_or_else(refused)?;
        let number = |text: &str| -> Option<u16> {
            let digits = (1..=2).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        match (number(hours), number(minutes)) {
            (Some(24), Some(0)) => Ok(Self(DAY)),
            (Some(hours @ 0..=23), Some(minute @ 0..=59)) if minutes.len() == 2 => {
                Ok(Self(hours * 60 + minute))
            }
            _ => Err(refused()),
        }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

text_enum! {
    /// A day of the week.
    pub enum Weekday {
        /// Monday.
        Monday = "mon",
        /// Tuesday.
        Tuesday = "tue",
        /// Wednesday.
        Wednesday = "wed",
        /// Thursday.
        Thursday = "thu",
        /// Friday.
        Friday = "fri",
        /// Saturday.
        Saturday = "sat",
        /// Sunday.
        Sunday = "sun",
    }
}

impl Weekday {
    /// The day in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Monday => "Monday",
            Self::Tuesday => "Tuesday",
            Self::Wednesday => "Wednesday",
            Self::Thursday => "Thursday",
            Self::Friday => "Friday",
            Self::Saturday => "Saturday",
            Self::Sunday => "Sunday",
        }
    }
}

/// Days in words, in the order of the week: "Monday to Friday", "Monday, Wednesday and Sunday".
fn days_title(days: &[Weekday]) -> String {
    let days: Vec<Weekday> = Weekday::ALL
        .iter()
        .copied()
        .filter(|day| days.contains(day))
        .collect();
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return String::new();
    };
    let in_a_row = *last as usize - *first as usize + 1 == days.len();
    match days.len() {
        1 => first.title().to_owned(),
        3.. if in_a_row => format!("{} to {}", first.title(), last.title()),
        count => {
            let titles: Vec<_> = days.iter().map(|day| day.title()).collect();
            format!("{} and {}", titles[..count - 1].join(", "), last.title())
        }
    }
}

/// Reads days written in one text, as a form sends them: "mon,tue".
pub fn parse_days(text: &str) -> Result<Vec<Weekday>, UnknownText> {
    text.split([',', ' '])
        .filter(|day| !day.is_empty())
        .map(str::parse)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Schedule, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_schedule_is_written_as_the_api_promises() {
        for text in [
            r#"{"every_minutes":5}"#,
            r#"{"cron":"0 6 * * 1-5"}"#,
            r#"{"every_minutes":15,"window":{"from":"22:00","until":"06:00"}}"#,
            r#"{"cron":"0 * * * *","window":{"from":"00:00","until":"24:00","days":["mon","sun"]}}"#,
        ] {
            let schedule = read(text).unwrap();
            assert_eq!(serde_json::to_string(&schedule).unwrap(), text);
            assert!(schedule.check().is_ok(), "{text}");
        }
        for (text, problem) in [
            ("{}", "either every_minutes or cron"),
            (
                r#"{"every_minutes":5,"cron":"0 6 * * *"}"#,
                "either every_minutes or cron",
            ),
            (r#"{"every_minute":5}"#, "unknown field `every_minute`"),
            (
                r#"{"every_minutes":5,"window":{"from":"25:00","until":"06:00"}}"#,
                "“25:00” is no time of day",
            ),
            (
                r#"{"every_minutes":5,"window":{"from":"22:00","until":"06:00","days":["monday"]}}"#,
                "unknown variant `monday`",
            ),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(problem), "{text}: {refused}");
        }
    }

    #[test]
    fn limits_are_blamed_where_they_stand() {
        let window = |from: &str, until: &str| Schedule {
            window: Some(Window {
                from: from.parse().unwrap(),
                until: until.parse().unwrap(),
                days: Vec::new(),
            }),
            ..Schedule::default()
        };
        for (schedule, field) in [
            (Schedule::every(0), "schedule.every_minutes"),
            (Schedule::every(10_081), "schedule.every_minutes"),
            (Schedule::cron(" "), "schedule.cron"),
            (window("06:00", "06:00"), "schedule.window.until"),
            (window("24:00", "06:00"), "schedule.window.from"),
        ] {
            assert_eq!(schedule.check().unwrap_err().field, field);
        }
        assert!(window("22:00", "06:00").check().is_ok());
    }

    #[test]
    fn a_time_of_day_is_read_strictly() {
        for (text, minutes) in [
            ("00:00", 0),
            ("6:05", 365),
            (" 23:59 ", 1439),
            ("24:00", 1440),
        ] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().minutes(), minutes);
        }
        for bad in [
            "", "6", "6:5", "24:01", "12:60", "-1:00", "1:+5", "12:00:00",
        ] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_schedule_is_told_in_words() {
        let mut schedule = Schedule::every(5);
        assert_eq!(schedule.sentence("UTC"), "Runs every 5 minutes");
        schedule.window = Some(Window {
            from: "22:00".parse().unwrap(),
            until: "06:00".parse().unwrap(),
            days: parse_days("fri,mon,tue,wed,thu").unwrap(),
        });
        assert_eq!(
            schedule.sentence("Europe/Amsterdam"),
            "Runs every 5 minutes, between 22:00 and 06:00 on Monday to Friday, Europe/Amsterdam"
        );
        assert_eq!(schedule.title(), "every 5 min, 22:00 to 06:00");
        assert_eq!(
            days_title(&parse_days("sun,mon,wed").unwrap()),
            "Monday, Wednesday and Sunday"
        );
        assert_eq!(
            days_title(&parse_days("sat,sun").unwrap()),
            "Saturday and Sunday"
        );
        assert_eq!(
            Schedule::cron("0 6 * * *").sentence("Asia/Tokyo"),
            "Runs by cron 0 6 * * *, Asia/Tokyo"
        );
    }

    #[test]
    fn a_window_knows_how_long_it_is_closed() {
        let window = |days: &str| Window {
            from: "22:00".parse().unwrap(),
            until: "06:00".parse().unwrap(),
            days: parse_days(days).unwrap(),
        };
        assert_eq!(window("").minutes(), 480);
        assert_eq!(window("").closed_minutes(), 960);
        assert_eq!(window("mon").closed_minutes(), 7 * 1440 - 480);
    }
}
