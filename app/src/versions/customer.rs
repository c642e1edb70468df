//! The versions of a customer's settings: all of them, one with its differences, and restoring one.

use domain::{
    id::CustomerId,
    permission::Permission,
    settings::{all_settings, customer::CustomerSettings, version::VersionView},
};
use leptos_router::{components::Outlet, hooks::use_params_map};

use super::{
    api::{RestoreCustomerVersion, list_customer_versions, view_customer_version},
    list::VersionTable,
    shown::{RestoreQuestion, WhatChanges, WholeVersion, named, use_against, use_number},
};
use crate::{session::may, ui::prelude::*};

/// The customer in the path.
fn use_customer() -> Memo<Option<CustomerId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// The customer, its name, and one of its versions.
type Read = (CustomerId, String, VersionView<CustomerSettings>);

async fn read(
    id: Option<CustomerId>,
    number: Option<i64>,
    against: Option<i64>,
) -> AppResult<Read> {
    let id = named(id)?;
    let (name, view) = view_customer_version(id, named(number)?, against).await?;
    Ok((id, name, view))
}

/// The page with all of them.
#[component]
pub fn CustomerVersionsPage() -> impl IntoView {
    let id = use_customer();
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| address.list());
    let versions = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, query, _)| async move {
            let id = named(id)?;
            let (name, versions) = list_customer_versions(id, query).await?;
            Ok::<_, AppError>((id, name, versions))
        },
    );
    view! {
        <Load
            resource=versions
            whole=true
            children=move |(id, name, versions)| {
                let page = asked.get_untracked().page;
                view! {
                    <PageHead title="Versions" parent=(routes::customer(id), name) />
                    <p class="px-6 pb-3 text-muted max-md:px-4 max-w-[70ch]">
                        "Name, time zone, tags, how people are invited, and who is told, as they were each time \
                         somebody saved. Each integration has versions of its own."
                    </p>
                    <VersionTable
                        lines=versions.items
                        page_of=move |number| routes::customer_version(id, number)
                    />
                    <Pager page=page total=versions.total />
                }
            }
        />
    }
    .into_any()
}

/// The page of one version.
#[component]
pub fn CustomerVersionPage() -> impl IntoView {
    let (id, number, against) = (use_customer(), use_number(), use_against());
    let changes = use_changes();
    let version = Resource::new(
        move || (id.get(), number.get(), against.get(), changes.follow()),
        |(id, number, against, _)| read(id, number, against),
    );
    view! {
        <Load
            resource=version
            whole=true
            children=move |(id, name, view): Read| {
                let number = view.version.number;
                let settings = all_settings(&view.version.settings);
                view! {
                    <WholeVersion
                        view=view
                        parent=(routes::customer_versions(id), name)
                        page=routes::customer_version(id, number)
                        restore=may(Permission::CustomersWrite)
                            .then(|| routes::customer_version_restore(id, number))
                        present="the present settings"
                        settings=settings
                    />
                }
            }
        />
        <Outlet />
    }
    .into_any()
}

/// Restore this version, over its page: with what that would change.
#[component]
pub fn CustomerRestoreDialog() -> impl IntoView {
    let (id, number) = (use_customer(), use_number());
    let version = Resource::new(
        move || (id.get(), number.get()),
        |(id, number)| read(id, number, None),
    );
    let post = use_post::<RestoreCustomerVersion>();
    view! {
        <Load
            resource=version
            children=move |(id, _, view): Read| {
                let (number, found) = (view.version.number, view.from_now);
                view! {
                    <RestoreQuestion
                        post=post
                        id=id.to_string()
                        number=number
                        hash=found.hash.clone()
                        back=routes::customer_version(id, number)
                        says="The customer’s settings become those of this version again. It is a save like any \
                        other: a version of its own, which can be taken back."
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
