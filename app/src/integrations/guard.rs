//! The guard’s limits, and what it would say while they are typed.

use domain::{
    guard::{GuardSize, holds_at},
    policy::{Limit, ObjectType},
};

use super::settings::SettingsForm;
use crate::ui::{
    form::{FieldError, use_field_error},
    prelude::*,
};

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
fn Forecast(
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
                let (count, percent) = form.guard_of(object_type);
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

/// The types with limits, and the names of their fields: at most, and or share.
const GUARDED: [(ObjectType, &str, &str); 5] = [
    (
        ObjectType::User,
        "settings[guard_user_count]",
        "settings[guard_user_percent]",
    ),
    (
        ObjectType::Group,
        "settings[guard_group_count]",
        "settings[guard_group_percent]",
    ),
    (
        ObjectType::Membership,
        "settings[guard_membership_count]",
        "settings[guard_membership_percent]",
    ),
    (
        ObjectType::Contact,
        "settings[guard_contact_count]",
        "settings[guard_contact_percent]",
    ),
    (
        ObjectType::Device,
        "settings[guard_device_count]",
        "settings[guard_device_percent]",
    ),
];

/// The guard's limits, a line a type that is read.
#[component]
pub fn GuardTable(
    /// What the fields show at first.
    shown: SettingsForm,
    /// What they show while one types.
    now: RwSignal<SettingsForm>,
    /// How much there is of each type.
    sizes: Vec<GuardSize>,
) -> impl IntoView {
    let lines = GUARDED.map(|(object_type, count_name, percent_name)| {
        let what = object_type.title();
        let (count, percent) = shown.guard_of(object_type);
        let size = sizes.iter().find(|size| size.object_type == object_type);
        let read = move || now.with(|form| form.reads(object_type));
        view! {
            // Which types are read may be ticked without the browser code too.
            <tbody class="plain:table-row-group" class:hidden=move || !read()>
                <tr>
                    <th scope="row" class="font-normal! text-base-content! text-sm!">
                        {what}
                    </th>
                    <td class="n">
                        <LimitField
                            name=count_name
                            label=format!("{what}: at most")
                            value=count.to_owned()
                        />
                    </td>
                    <td class="n">
                        <LimitField
                            name=percent_name
                            label=format!("{what}: or share, in percent")
                            value=percent.to_owned()
                        />
                    </td>
                </tr>
                <Forecast now=now object_type=object_type size=size.copied() />
            </tbody>
        }
    });
    view! {
        <h2 class="text-base">"Guard"</h2>
        <p class="rc-hint mt-0.5">
            "Disables and deletes over a limit are held instead of done. Empty means no limit by number."
        </p>
        <table class="rc-table still mt-1 [&_td]:border-0 [&_tbody_th]:border-0 [&_td]:px-1 [&_th]:px-1 [&_th:first-child]:ps-0 [&_:is(td,th):last-child]:pe-0 [&_tr:hover_td]:bg-transparent!">
            <thead>
                <tr>
                    <th scope="col">"Type"</th>
                    <th scope="col" class="n w-24">
                        "At most"
                    </th>
                    <th scope="col" class="n w-24">
                        "or share"
                    </th>
                </tr>
            </thead>
            {lines}
        </table>
    }
    .into_any()
}

#[component]
fn LimitField(name: &'static str, label: String, value: String) -> impl IntoView {
    let error = use_field_error(name);
    let error_id = format!("{name}-e");
    let described = error_id.clone();
    view! {
        <input
            name=name
            class="input input-sm text-end rc-num"
            inputmode="numeric"
            autocomplete="off"
            placeholder="–"
            aria-label=label
            value=value
            aria-invalid=move || error.get().map(|_| "true")
            aria-describedby=move || error.get().map(|_| described.clone())
        />
        <span class="whitespace-normal text-start block">
            <FieldError id=error_id error=error />
        </span>
    }
    .into_any()
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
