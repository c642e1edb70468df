//! How far back a list looks.

use chrono::TimeDelta;
use domain::DateTime;

/// A stretch of time that ends now, as the address names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Period {
    /// 24 hours.
    #[serde(rename = "1d")]
    Day,
    /// 7 days.
    #[serde(rename = "7d")]
    Week,
    /// 30 days.
    #[serde(rename = "30d")]
    Month,
    /// 90 days.
    #[serde(rename = "90d")]
    Quarter,
    /// 365 days.
    #[serde(rename = "365d")]
    Year,
}

impl Period {
    /// Every period, the shortest first.
    pub const ALL: [Self; 5] = [
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// In words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
            Self::Quarter => "Last 90 days",
            Self::Year => "Last 365 days",
        }
    }

    /// When it began.
    pub fn from(self, now: DateTime) -> DateTime {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
            Self::Year => 365,
        };
        now - TimeDelta::days(days)
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Day => "1d",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::Year => "365d",
        })
    }
}

impl std::str::FromStr for Period {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|period| period.to_string() == text)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::Period;

    #[test]
    fn the_address_and_the_wire_name_a_period_alike() {
        for period in Period::ALL {
            let text = period.to_string();
            assert_eq!(text.parse(), Ok(period));
            assert_eq!(
                serde_json::to_value(period).unwrap(),
                serde_json::Value::String(text)
            );
        }
        assert_eq!("8d".parse::<Period>(), Err(()));
    }
}
