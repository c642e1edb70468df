//! What the pages of a version have in common, whatever it is of: comparing it, its settings, and the
//! question before it is restored.

use domain::settings::{
    SettingsDifference,
    version::{Version, VersionView},
};
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;
use serde::de::DeserializeOwned;

use crate::{
    settings_files::LeftOut,
    ui::{
        form::Post,
        prelude::*,
        settings::{AllSettings, SettingDifferences},
    },
};

/// Versions that are offered to compare with.
const OFFERED_MAX: i64 = 200;

/// The number in the path.
pub(crate) fn use_number() -> Memo<Option<i64>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("number")?.parse().ok()))
}

/// The version that is compared with, in the address.
pub(crate) fn use_against() -> Memo<Option<i64>> {
    let address = use_address();
    Memo::new(move |_| address.parsed::<i64>("against"))
}

/// What the path names: one that can't be read is answered as one that isn't there.
pub(crate) fn named<T>(part: Option<T>) -> AppResult<T> {
    part.ok_or_else(|| AppError::NotFound {
        what: "version".to_owned(),
    })
}

/// The way to the dialog that asks whether a version is restored.
#[component]
pub(crate) fn RestoreLink(href: String) -> impl IntoView {
    view! {
        <a class="btn btn-primary" href=href data-noscroll="true">
            <Icon name="history" />
            "Restore this version"
        </a>
    }
    .into_any()
}

/// The page of a version that lies below no tabs.
#[component]
pub(crate) fn WholeVersion<S>(
    view: VersionView<S>,
    /// Where it leads up to, and what that is called.
    parent: (String, String),
    /// Its own page.
    page: String,
    /// The dialog that restores it, for whoever may.
    restore: Option<String>,
    /// What it is compared with where no other version is chosen: "the present settings".
    present: &'static str,
    /// The places of its settings, and their values.
    settings: Vec<(String, serde_json::Value)>,
) -> impl IntoView {
    let Version {
        number,
        source,
        saved_by,
        saved_at,
        ..
    } = view.version;
    let restore = restore.filter(|_| !view.from_now.differences.is_empty());
    let facts = move || {
        view! {
            <bdi>{source.to_string()}</bdi>
            <span>"Saved " <RelativeTime at=saved_at /> " by " <bdi>{saved_by}</bdi></span>
        }
        .into_any()
    };
    view! {
        <PageHead title=format!("Version {}", grouped(number)) parent=parent facts=facts>
            {restore.map(|href| view! { <RestoreLink href=href /> })}
        </PageHead>
        <div class="px-6 pb-8 max-md:px-4 max-w-4xl">
            <h2 class="text-lg mb-2">"Compare"</h2>
            <VersionBody
                page=page
                number=number
                newest=view.newest
                present=present
                from_now=view.from_now
                from_other=view.from_other
                settings=settings
            />
        </div>
    }
    .into_any()
}

/// How a version differs, and its settings.
#[component]
pub(crate) fn VersionBody(
    /// The version's page.
    page: String,
    number: i64,
    newest: i64,
    /// What it is compared with where no other version is chosen: "the present settings".
    present: &'static str,
    from_now: SettingsDifference,
    from_other: Option<(i64, SettingsDifference)>,
    /// The places of its settings, and their values.
    settings: Vec<(String, serde_json::Value)>,
) -> impl IntoView {
    let names = from_now.group_names.clone();
    let (title, same, found) = match from_other {
        Some((other, found)) => (
            format!("Compared with version {other}"),
            "These two versions are the same.".to_owned(),
            found,
        ),
        None => (
            "Restoring it would change".to_owned(),
            format!("Nothing: it is {present}."),
            from_now,
        ),
    };
    view! {
        <CompareWith page=page number=number newest=newest present=present />
        <Differing id="h-difference" title=title same=same found=found />
        <section aria-labelledby="h-settings" class="mt-6">
            <h3 id="h-settings" class="text-base mb-1">"Its settings"</h3>
            <AllSettings of=settings names=names label="Settings" />
        </section>
    }
    .into_any()
}

/// Chooses what it is compared with: a GET form, so that the choice stands in the address.
#[component]
fn CompareWith(page: String, number: i64, newest: i64, present: &'static str) -> impl IntoView {
    let address = use_address();
    let chosen = address.parsed::<i64>("against");
    let others = (1..=newest)
        .rev()
        .take(usize::try_from(OFFERED_MAX).unwrap_or(usize::MAX))
        .filter(|other| *other != number)
        .map(|other| {
            view! {
                <option value=other.to_string() selected=chosen == Some(other)>
                    {format!("Version {other}")}
                </option>
            }
        })
        .collect_view();
    view! {
        <form method="get" action=page class="flex items-center gap-2 flex-wrap mb-4">
            <label for="f-against">"Compare with"</label>
            <select id="f-against" name="against" class="select max-w-60">
                <option value="">{present}</option>
                {others}
            </select>
            <button type="submit" class="btn">"Compare"</button>
        </form>
    }
    .into_any()
}

/// How two states of settings differ, with a title.
#[component]
fn Differing(
    /// Tells it apart from others of its kind on the page.
    id: &'static str,
    #[prop(into)] title: String,
    #[prop(into)] same: String,
    found: SettingsDifference,
) -> impl IntoView {
    view! {
        <section aria-labelledby=id>
            <h3 id=id class="text-base mb-1">{title}</h3>
            {if found.differences.is_empty() {
                view! { <p class="text-muted">{same}</p> }.into_any()
            } else {
                view! {
                    <SettingDifferences
                        of=found.differences
                        names=found.group_names
                        label="Differences"
                    />
                }
                    .into_any()
            }}
            <LeftOut of=found.not_applied />
        </section>
    }
    .into_any()
}

/// What restoring changes, in the dialog.
#[component]
pub(crate) fn WhatChanges(found: SettingsDifference) -> impl IntoView {
    view! {
        <Differing
            id="h-restoring"
            title="What changes"
            same="Nothing: these are the present settings."
            found=found
        />
    }
    .into_any()
}

/// Restore this version, over its page: with what that would do. Where it would do nothing, there is
/// nothing to confirm.
#[component]
pub(crate) fn RestoreQuestion<F>(
    post: Post<F>,
    /// Of what it is a version.
    id: String,
    number: i64,
    /// Names what is confirmed.
    hash: String,
    /// The version's page.
    back: String,
    /// What restoring means.
    says: &'static str,
    /// Whether it would do anything.
    differs: bool,
    /// What it would do.
    children: Children,
) -> impl IntoView
where
    F: ServerFn<Output = Done, Error = AppError> + DeserializeOwned + Clone + Send + Sync + 'static,
{
    let to_version = back.clone();
    // Made inside the form, which its button belongs to.
    let foot = move || {
        if differs {
            view! {
                <DialogFoot back=to_version>
                    <Submit label="Restore" busy="Restoring" />
                </DialogFoot>
            }
            .into_any()
        } else {
            view! {
                <div class="flex justify-end mt-5">
                    <a class="btn" href=to_version data-noscroll="true">
                        "Back to the version"
                    </a>
                </div>
            }
            .into_any()
        }
    };
    view! {
        <Dialog title=format!("Restore version {number}") back=back>
            <PostForm post=post>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="number" value=number.to_string() />
                <input type="hidden" name="hash" value=hash />
                {differs.then(|| view! { <p class="mb-3">{says}</p> })}
                <div class="max-h-80 overflow-y-auto">{children()}</div>
                {foot()}
            </PostForm>
        </Dialog>
    }
    .into_any()
}
