//! The versions of a template: all of them, one with its differences, and restoring one with its effect
//! shown first.

use domain::{
    id::PolicyTemplateId,
    policy::Policy,
    settings::{
        template::{PolicyTemplate, TemplateEffect},
        version::VersionView,
    },
};
use leptos_router::components::Outlet;

use super::{
    api::{
        Becomes, RestoreTemplateVersion, effect_of_version, template_versions,
        view_template_version,
    },
    edit::WhatItDoes,
    may_make,
    template::{of_template, settings_of, use_id},
};
use crate::{
    ui::prelude::*,
    versions::{RestoreQuestion, VersionTable, WholeVersion, named, use_against, use_number},
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

/// The template, and one of its versions.
type Read = (PolicyTemplate, VersionView<Policy>);

/// The page of one version.
#[component]
pub fn VersionPage() -> impl IntoView {
    let (id, number, against) = (use_id(), use_number(), use_against());
    let changes = use_changes();
    let version = Resource::new(
        move || (id.get(), number.get(), against.get(), changes.follow()),
        |(id, number, against, _)| {
            of_template(id, async move |id| {
                view_template_version(id, named(number)?, against).await
            })
        },
    );
    view! {
        <Load
            resource=version
            whole=true
            children=move |(template, view): Read| {
                let (id, number) = (template.id, view.version.number);
                let settings = settings_of(&view.version.settings);
                view! {
                    <WholeVersion
                        view=view
                        parent=(routes::policy_template(id), template.name)
                        page=routes::policy_template_version(id, number)
                        restore=may_make()
                            .then(|| routes::policy_template_version_restore(id, number))
                        present="the present policy"
                        settings=settings
                    />
                }
            }
        />
        <Outlet />
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
                effect_of_version(id, named(number)?).await
            })
        },
    );
    let post = use_post::<RestoreTemplateVersion>();
    view! {
        <Load
            resource=effect
            children=move |(id, number, effect): (PolicyTemplateId, i64, TemplateEffect)| {
                view! {
                    <RestoreQuestion
                        post=post
                        id=id.to_string()
                        number=number
                        hash=effect.hash.clone()
                        back=routes::policy_template_version(id, number)
                        says="The template’s policy becomes that of this version again, for all followers. It is a                         change like any other: a version of its own, which can be taken back."
                        differs=!effect.differences.is_empty()
                    >
                        <WhatItDoes becomes=Becomes::Version(id, number) effect=effect />
                    </RestoreQuestion>
                }
            }
        />
    }
    .into_any()
}
