//! Settings as tables: all of them, or those that differ.

use std::collections::BTreeMap;

use domain::settings::{SettingDifference, words};
use leptos::prelude::*;

use super::{icon::Icon, list::Head};

/// The settings that differ, each with both values.
#[component]
pub fn SettingDifferences(
    /// What differs.
    of: Vec<SettingDifference>,
    /// Names of the groups in it, by their ids.
    names: BTreeMap<String, String>,
    /// What the table is of, for those who hear the page.
    #[prop(into)]
    label: String,
    /// The head of the first value.
    #[prop(default = "Before")]
    before: &'static str,
    /// The head of the second value.
    #[prop(default = "After")]
    after: &'static str,
) -> impl IntoView {
    let rows = of
        .into_iter()
        .map(|one| {
            let (was, becomes) = one.words(&names);
            view! {
                <tr role="row">
                    <td role="cell" class="max-md:col-span-2 font-medium md:whitespace-nowrap" title=one.path>
                        {one.name}
                    </td>
                    <td role="cell" class="text-muted wrap-anywhere max-md:min-w-24">
                        <bdi>{was}</bdi>
                    </td>
                    <td role="cell" class="wrap-anywhere">
                        <span class="flex items-baseline gap-1.5 min-w-0">
                            <Icon
                                name="arrow-right"
                                small=true
                                class="text-faint self-center md:hidden"
                            />
                            <bdi class="font-medium">{becomes}</bdi>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="rc-table still rc-stack rows" role="table" aria-label=label>
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Setting" />
                    <Head label=before />
                    <Head label=after />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// All settings of a thing, each with its value.
#[component]
pub fn AllSettings(
    /// Their places and values.
    of: Vec<(String, serde_json::Value)>,
    /// Names of the groups in it, by their ids.
    names: BTreeMap<String, String>,
    /// What the table is of, for those who hear the page.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let rows = of
        .into_iter()
        .map(|(path, value)| {
            view! {
                <tr role="row">
                    <td role="cell" class="font-medium md:whitespace-nowrap" title=path.clone()>
                        {words::name_of(&path)}
                    </td>
                    <td role="cell" class="grow wrap-anywhere">
                        <bdi>{words::said(&value, &names)}</bdi>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="rc-table still rc-stack rows" role="table" aria-label=label>
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Setting" />
                    <Head label="Value" class="grow" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}
