//! One version of an integration's settings, below the integration's tabs, and restoring it.

use domain::{
    id::IntegrationId,
    permission::Permission,
    settings::{IntegrationSettings, all_settings, version::VersionView},
};
use leptos_router::components::Outlet;

use super::{
    api::{PreviewVersion, RestoreVersion, view_version},
    list::use_id,
    shown::{
        RestoreLink, RestoreQuestion, VersionBody, WhatChanges, named, use_against, use_number,
    },
};
use crate::{
    session::may,
    ui::{form::Post, prelude::*},
};

/// The integration, and one of its versions.
type Read = (IntegrationId, VersionView<IntegrationSettings>);

async fn read(
    id: Option<IntegrationId>,
    number: Option<i64>,
    against: Option<i64>,
) -> AppResult<Read> {
    let id = named(id)?;
    Ok((id, view_version(id, named(number)?, against).await?))
}

/// The page of one version.
#[component]
pub fn VersionPage() -> impl IntoView {
    let (id, number, against) = (use_id(), use_number(), use_against());
    let changes = use_changes();
    let version = Resource::new(
        move || (id.get(), number.get(), against.get(), changes.follow()),
        |(id, number, against, _)| read(id, number, against),
    );
    let preview = use_post::<PreviewVersion>();
    view! {
        <Load
            resource=version
            children=move |(id, view)| {
                view! { <Version id=id view=view preview=preview /> }
            }
        />
        <Outlet />
    }
    .into_any()
}

#[component]
fn Version(
    id: IntegrationId,
    view: VersionView<IntegrationSettings>,
    preview: Post<PreviewVersion>,
) -> impl IntoView {
    let VersionView {
        version,
        from_now,
        from_other,
        newest,
    } = view;
    let number = version.number;
    let same = from_now.differences.is_empty();
    view! {
        <div class="px-6 py-4 max-md:px-4 max-w-4xl">
            <div class="flex items-start gap-x-4 gap-y-2 flex-wrap mb-4">
                <div class="min-w-0">
                    <h2 class="text-lg">{format!("Version {}", grouped(number))}</h2>
                    <p class="text-muted wrap-anywhere">
                        <bdi>{version.source.to_string()}</bdi> ", by " <bdi>{version.saved_by}</bdi>
                        ", " <ExactTime at=version.saved_at />
                    </p>
                </div>
                <div class="ms-auto flex gap-2 flex-wrap">
                    {(may(Permission::RunsStart) && !same)
                        .then(|| {
                            view! {
                                <PostForm post=preview class="contents">
                                    <input type="hidden" name="id" value=id.to_string() />
                                    <input type="hidden" name="number" value=number.to_string() />
                                    <Submit
                                        label="Preview this version"
                                        busy="Starting"
                                        class="btn"
                                        icon="eye"
                                    />
                                </PostForm>
                            }
                        })}
                    {(may(Permission::IntegrationsWrite) && !same)
                        .then(|| {
                            view! {
                                <RestoreLink href=routes::integration_version_restore(id, number) />
                            }
                        })}
                </div>
            </div>
            <VersionBody
                page=routes::integration_version(id, number)
                number=number
                newest=newest
                present="the present settings"
                from_now=from_now
                from_other=from_other
                settings=all_settings(&version.settings)
            />
        </div>
    }
    .into_any()
}

/// Restore this version, over its page: with what that would change.
#[component]
pub fn RestoreDialog() -> impl IntoView {
    let (id, number) = (use_id(), use_number());
    let version = Resource::new(
        move || (id.get(), number.get()),
        |(id, number)| read(id, number, None),
    );
    let post = use_post::<RestoreVersion>();
    view! {
        <Load
            resource=version
            children=move |(id, view): Read| {
                let (number, found) = (view.version.number, view.from_now);
                view! {
                    <RestoreQuestion
                        post=post
                        id=id.to_string()
                        number=number
                        hash=found.hash.clone()
                        back=routes::integration_version(id, number)
                        says="The settings become those of this version again. It is a save like any other: \
                        a version of its own, which can be taken back."
                        differs=!found.differences.is_empty()
                    >
                        <WhatChanges found=found />
                    </RestoreQuestion>
                }
            }
        />
    }
    .into_any()
}
