//! How long something took, and how long it will still take.

/// A stretch of time in milliseconds, as a person says it: "0.4 s", "31 s", "2 m 37 s", "1 h 5 m".
pub fn words(millis: i64) -> String {
    let millis = millis.max(0);
    match millis {
        0..=9_949 => format!("{}.{} s", (millis + 50) / 1000, (millis + 50) % 1000 / 100),
        9_950..=59_499 => format!("{} s", (millis + 500) / 1000),
        59_500..=3_599_499 => {
            let seconds = (millis + 500) / 1000;
            format!("{} m {} s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = (millis + 30_000) / 60_000;
            format!("{} h {} m", minutes / 60, minutes % 60)
        }
    }
}

/// How long what began at `began` still takes at `now` (milliseconds since 1970), when `percent`
/// of it is done: "about 2 min". Null while too little is done to tell.
pub fn left(began: i64, now: i64, percent: Option<u8>) -> Option<String> {
    let done = i64::from(percent?);
    let passed = now - began;
    if done < 5 || passed < 2_000 {
        return None;
    }
    let seconds = passed * (100 - done.min(100)) / done / 1000;
    Some(match seconds {
        0..=9 => "a few seconds".to_owned(),
        10..=54 => format!("about {} s", seconds.div_euclid(10) * 10 + 10),
        55..=5_399 => format!("about {} min", (seconds + 30) / 60),
        _ => format!("about {} h", (seconds + 1800) / 3600),
    })
}

#[cfg(test)]
mod tests {
    use super::{left, words};

    #[test]
    fn what_it_took_is_told_in_the_unit_that_fits() {
        for (millis, text) in [
            (-5, "0.0 s"),
            (420, "0.4 s"),
            (9_949, "9.9 s"),
            (9_950, "10 s"),
            (59_499, "59 s"),
            (59_500, "1 m 0 s"),
            (157_000, "2 m 37 s"),
            (3_600_000, "1 h 0 m"),
            (3_900_000, "1 h 5 m"),
        ] {
            assert_eq!(words(millis), text, "{millis}");
        }
    }

    #[test]
    fn what_is_left_is_told_only_when_it_can_be() {
        let at = |passed: i64, percent| left(1_000_000, 1_000_000 + passed, percent);
        assert_eq!(at(60_000, None), None);
        assert_eq!(at(60_000, Some(2)), None);
        assert_eq!(at(1_000, Some(50)), None);
        assert_eq!(at(60_000, Some(50)).as_deref(), Some("about 1 min"));
        assert_eq!(at(30_000, Some(60)).as_deref(), Some("about 30 s"));
        assert_eq!(at(60_000, Some(99)).as_deref(), Some("a few seconds"));
        assert_eq!(at(60_000, Some(100)).as_deref(), Some("a few seconds"));
    }
}
