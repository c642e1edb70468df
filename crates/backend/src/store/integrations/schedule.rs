//! When an integration runs by itself.

use chrono::Duration;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use domain::{DateTime, id::IntegrationId, schedule::Schedule};

use crate::{Error, Result, Tx, execute};

/// Whether the schedule is one, a cron expression included: five fields, in UTC.
pub(crate) fn check(schedule: &Schedule, now: DateTime) -> Result<()> {
    schedule.check()?;
    let Schedule::Cron(text) = schedule else {
        return Ok(());
    };
    let refused = |problem: &str| {
        let message = format!("“{text}” is no cron expression such as 0 6 * * 1-5: {problem}.");
        Error::invalid("schedule", message)
    };
    let cron = parse(text).map_err(|error| refused(&error.to_string()))?;
    match cron.find_next_occurrence(&now, false) {
        Ok(_) => Ok(()),
        Err(_) => Err(refused("it never comes true")),
    }
}

/// When it comes next after `now`; none where it never does.
pub(crate) fn next(schedule: &Schedule, now: DateTime) -> Option<DateTime> {
    match schedule {
        Schedule::EveryMinutes(minutes) => Some(now + Duration::minutes(i64::from(*minutes))),
        Schedule::Cron(text) => parse(text).ok()?.find_next_occurrence(&now, false).ok(),
    }
}

fn parse(text: &str) -> std::result::Result<Cron, croner::errors::CronError> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
}

/// Sets when an integration runs next by itself.
pub(crate) async fn set_next(tx: &mut Tx, id: IntegrationId, next: Option<DateTime>) -> Result<()> {
    execute!(
        tx,
        "UPDATE integration SET next_run_at = $1 WHERE id = $2",
        next,
        id
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::start;

    #[test]
    fn cron_has_five_fields_and_comes_true_some_day() {
        for good in ["0 6 * * 1-5", "*/15 * * * *", "0 0 29 2 *", " 0 6 * * MON "] {
            assert!(
                check(&Schedule::Cron(good.to_owned()), start()).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "",
            "x",
            "0 6 * *",
            "0 0 6 * * 1",
            "61 * * * *",
            "0 0 31 2 *",
            "* * * * * * *",
        ] {
            let refused = check(&Schedule::Cron(bad.to_owned()), start()).unwrap_err();
            assert!(
                matches!(&refused, Error::Invalid(f) if f.field == "schedule"),
                "{bad}: {refused}"
            );
        }
        assert!(check(&Schedule::EveryMinutes(0), start()).is_err());
        // start() is a Sunday, 12:00.
        let monday = next(&Schedule::Cron("0 6 * * 1-5".to_owned()), start()).unwrap();
        assert_eq!(monday.to_rfc3339(), "2026-03-02T06:00:00+00:00");
        let soon = next(&Schedule::EveryMinutes(5), start()).unwrap();
        assert_eq!(soon - start(), Duration::minutes(5));
    }
}
