//! What reads text that others made and can’t be reached from elsewhere, by itself, to be fuzzed.
//! Nothing here may panic, whatever the bytes; what else must hold is asserted.

#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is what a fuzzer looks for"
)]

use domain::{DateTime, id::IntegrationId, schedule::Schedule};

pub use crate::auth::oidc::fuzzing::{id_token, provider};
use crate::{
    store::tokens::addresses,
    timetable::{self, Timetable},
};

/// When an integration runs, in the time zone that stands in a first line: what is taken comes true
/// some day, and later each time.
pub fn schedule(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (zone, schedule) = text.split_once('\n').unwrap_or(("UTC", text));
    let schedule = serde_json::from_str(schedule).unwrap_or_else(|_| Schedule::cron(schedule));
    let Ok(zone) = timetable::check_zone(zone) else {
        return;
    };
    let now = DateTime::UNIX_EPOCH;
    if timetable::check(&schedule, now).is_err() {
        return;
    }
    let timetable = Timetable::new(IntegrationId(uuid::Uuid::nil()), schedule, &zone);
    let mut at = now;
    for _ in 0..3 {
        let Some(next) = timetable.next(at) else {
            return;
        };
        assert!(next > at, "{text}: {next} after {at}");
        at = next;
    }
}

/// The networks of a token, one a line: read again they are the same, and none is every address.
pub fn networks(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let given: Vec<String> = text.lines().map(str::to_owned).collect();
    let Ok(networks) = addresses::parse("addresses", &given) else {
        return;
    };
    assert!(networks.iter().all(|network| network.prefix_len() > 0));
    let written: Vec<String> = networks.iter().map(ToString::to_string).collect();
    let again = addresses::parse("addresses", &written);
    assert_eq!(again.as_ref(), Ok(&networks), "{text}");
    for network in &networks {
        assert!(
            addresses::hold(&networks, Some(network.addr())),
            "{network}"
        );
    }
}
