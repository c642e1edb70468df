//! The versions of a template: all of them, one with its differences, and restoring one with its effect
//! shown first.

use std::collections::BTreeMap;

use domain::settings::SettingsDifference;
use leptos_router::{components::Outlet, hooks::use_params_map};

use super::{
    api::{
        RestoreTemplateVersion, VersionView, effect_of_version, template_versions,
        view_template_version,
    },
    edit::WhatItDoes,
    may_make,
    template::{of_template, settings_of, use_id},
};
use crate::{
    ui::{prelude::*, settings::AllSettings},
    versions::{CompareWith, Differing, VersionTable},
};

/// The page with all of them.
#[component]
pub fn VersionsPage() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| address.list());
    let versions = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, query, _)| {
            of_template(id, async move |id| {
                Ok((id, template_versions(id, query).await?))
            })
        },
    );
    view! {
        <Load
            resource=versions
            whole=true
            children=move |(id, (name, versions))| {
                let page = asked.get_untracked().page;
                view! {
                    <PageHead title="Versions" parent=(routes::policy_template(id), name) />
                    <VersionTable
                        lines=versions.items
                        page_of=move |number| routes::policy_template_version(id, number)
                    />
                    <Pager page=page total=versions.total />
                }
            }
        />
    }
    .into_any()
}

fn use_number() -> Memo<Option<i64>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("number")?.parse().ok()))
}

fn numbered(number: Option<i64>) -> AppResult<i64> {
    number.ok_or_else(|| AppError::NotFound {
        what: "version".to_owned(),
    })
}

/// The page of one version.
#[component]
pub fn VersionPage() -> impl IntoView {
    let (id, number) = (use_id(), use_number());
    let address = use_address();
    let changes = use_changes();
    let against = Memo::new(move |_| address.parsed::<i64>("against"));
    let version = Resource::new(
        move || (id.get(), number.get(), against.get(), changes.follow()),
        |(id, number, against, _)| {
            of_template(id, async move |id| {
                view_template_version(id, numbered(number)?, against).await
            })
        },
    );
    view! {
        <Load resource=version whole=true let:view>
            <Version view=view />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Version(view: VersionView) -> impl IntoView {
    let VersionView {
        template,
        version,
        from_now,
        from_other,
    } = view;
    let (id, number) = (version.policy_template_id, version.number);
    let same = from_now.is_empty();
    let facts = {
        let version = version.clone();
        move || {
            view! {
                <bdi>{version.source.to_string()}</bdi>
                <span>
                    "Saved " <RelativeTime at=version.saved_at /> " by " <bdi>{version.saved_by}</bdi>
                </span>
            }
            .into_any()
        }
    };
    let (title, nothing, differences) = match from_other {
        Some((other, found)) => (
            format!("Compared with version {other}"),
            "These two versions are the same.",
            found,
        ),
        None => (
            "Restoring it would change".to_owned(),
            "This is the present policy.",
            from_now,
        ),
    };
    let found = SettingsDifference {
        differences,
        group_names: BTreeMap::new(),
        hash: String::new(),
    };
    view! {
        <PageHead
            title=format!("Version {}", grouped(number))
            parent=(routes::policy_template(id), template.name)
            facts=facts
        >
            {(may_make() && !same)
                .then(|| {
                    view! {
                        <a
                            class="btn btn-primary"
                            href=routes::policy_template_version_restore(id, number)
                            data-noscroll="true"
                        >
                            <Icon name="history" />
                            "Restore this version"
                        </a>
                    }
                })}
        </PageHead>
        <div class="px-6 pb-8 max-md:px-4 max-w-4xl">
            <h2 class="text-lg mb-2">"Compare"</h2>
            <CompareWith
                page=routes::policy_template_version(id, number)
                number=number
                newest=template.version
                present="the present policy"
            />
            <Differing id="h-difference" title=title same=nothing found=found />
            <section aria-labelledby="h-settings" class="mt-6">
                <h2 id="h-settings" class="text-lg mb-1">"Its settings"</h2>
                <AllSettings
                    of=settings_of(&version.policy)
                    names=BTreeMap::new()
                    label="Settings"
                />
            </section>
        </div>
    }
    .into_any()
}

/// Restore this version, over its page: with what that would do.
#[component]
pub fn RestoreDialog() -> impl IntoView {
    let (id, number) = (use_id(), use_number());
    let effect = Resource::new(
        move || (id.get(), number.get()),
        |(id, number)| {
            of_template(id, async move |id| {
                effect_of_version(id, numbered(number)?).await
            })
        },
    );
    let post = use_post::<RestoreTemplateVersion>();
    view! {
        <Load
            resource=effect
            children=move |(id, number, effect)| {
                let back = routes::policy_template_version(id, number);
                let hash = effect.hash.clone();
                view! {
                    <Dialog title=format!("Restore version {number}") back=back.clone()>
                        <PostForm post=post>
                            <input type="hidden" name="id" value=id.to_string() />
                            <input type="hidden" name="number" value=number.to_string() />
                            <input type="hidden" name="hash" value=hash />
                            <p class="mb-3">
                                "The template’s policy becomes that of this version again, for all followers. It \
                                 is a change like any other: a version of its own, which can be taken back."
                            </p>
                            <div class="max-h-80 overflow-y-auto">
                                <WhatItDoes effect=effect />
                            </div>
                            <DialogFoot back=back>
                                <Submit label="Restore" busy="Restoring" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}
