//! What the guard would say, beside its limits while they are typed.

use domain::{
    guard::{GuardSize, holds_at},
    policy::{Limit, ObjectType},
};

use super::settings::SettingsForm;
use crate::ui::prelude::*;

/// The limit in the fields of one line; none while they can't be read as one.
fn limit(count: &str, percent: &str) -> Option<Limit> {
    let max_count = match count.trim() {
        "" | "–" => None,
        text => Some(text.parse().ok()?),
    };
    let percent = percent.trim().trim_end_matches('%').trim_end();
    let max_percent = percent.parse().ok().filter(|percent| *percent <= 100)?;
    Some(Limit {
        max_count,
        max_percent,
    })
}

/// The two fields of a line: number and percent.
fn fields(form: &SettingsForm, object_type: ObjectType) -> (&str, &str) {
    match object_type {
        ObjectType::User => (&form.guard_user_count, &form.guard_user_percent),
        ObjectType::Group => (&form.guard_group_count, &form.guard_group_percent),
        ObjectType::Membership => (&form.guard_membership_count, &form.guard_membership_percent),
        ObjectType::Contact | ObjectType::Device => ("", ""),
    }
}

/// What the guard would say with this limit.
fn words(size: GuardSize, limit: Limit) -> String {
    let number = |number: u64| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    if size.objects == 0 {
        return "The directory has none yet.".to_owned();
    }
    match holds_at(limit, size.active, size.objects) {
        Some(at) => format!(
            "With today’s directory this would hold at {} ({} active).",
            number(at),
            number(size.active)
        ),
        None => format!(
            "With today’s directory this never holds ({} active).",
            number(size.active)
        ),
    }
}

/// "With today’s directory this would hold at 12 (120 active).", following what is typed.
#[component]
pub fn Forecast(
    /// What the form holds.
    now: RwSignal<SettingsForm>,
    /// How many there are; nothing shows where that isn't known.
    size: Option<GuardSize>,
    /// The type of its line.
    object_type: ObjectType,
) -> impl IntoView {
    size.map(|size| {
        let text = move || {
            now.with(|form| {
                let (count, percent) = fields(form, object_type);
                limit(count, percent).map(|limit| words(size, limit))
            })
        };
        view! {
            <tr>
                <td colspan="3" class="whitespace-normal! pt-0! pb-2!">
                    <span class="rc-hint">{text}</span>
                </td>
            </tr>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forecast_follows_what_is_typed() {
        let size = |active, objects| GuardSize {
            object_type: ObjectType::User,
            active,
            objects,
        };
        let held = "With today’s directory this would hold at";
        for (count, percent, active, objects, expected) in [
            (
                "20",
                "10",
                120,
                130,
                Some(format!("{held} 13 (120 active).")),
            ),
            (
                " 5 ",
                "10 %",
                120,
                130,
                Some(format!("{held} 6 (120 active).")),
            ),
            (
                "",
                "30",
                41_000,
                41_000,
                Some(format!("{held} 12,301 (41,000 active).")),
            ),
            (
                "–",
                "100",
                9,
                9,
                Some("With today’s directory this never holds (9 active).".into()),
            ),
            ("", "10", 0, 0, Some("The directory has none yet.".into())),
            ("many", "10", 120, 130, None),
            ("20", "101", 120, 130, None),
            ("20", "", 120, 130, None),
        ] {
            let said = limit(count, percent).map(|limit| words(size(active, objects), limit));
            assert_eq!(said, expected, "{count:?} {percent:?}");
        }
    }
}
