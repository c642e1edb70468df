//! One policy template: its settings, who follows it and how far they deviate, its versions.

use std::collections::BTreeMap;

use domain::{
    id::PolicyTemplateId,
    paging::{Page, PageRequest},
    policy::Policy,
    settings::{
        all_settings,
        template::{Follower, PolicyTemplate},
        version::VersionLine,
    },
};
use leptos_router::{components::Outlet, hooks::use_params_map};

use super::{
    api::{TemplateView, view_template},
    may_make,
};
use crate::{
    ui::{prelude::*, settings::AllSettings},
    versions::VersionTable,
};

/// The template's id in the path. One that can't be read is answered as one that isn't there.
pub(super) fn use_id() -> Memo<Option<PolicyTemplateId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// Asks `read` about the template in the path.
pub(super) async fn of_template<T, F>(
    id: Option<PolicyTemplateId>,
    read: impl FnOnce(PolicyTemplateId) -> F,
) -> AppResult<T>
where
    F: Future<Output = AppResult<T>>,
{
    match id {
        Some(id) => read(id).await,
        None => Err(AppError::NotFound {
            what: "policy template".to_owned(),
        }),
    }
}

/// The settings of a template's policy: without the groups, which are each integration's own.
pub(super) fn settings_of(policy: &Policy) -> Vec<(String, serde_json::Value)> {
    let groups = [
        "policy.selected_group_ids",
        "policy.administrators_group_id",
    ];
    all_settings(&serde_json::json!({ "policy": policy }))
        .into_iter()
        .filter(|(path, _)| !groups.contains(&path.as_str()))
        .collect()
}

/// The page, live while a version is on its way to the followers.
#[component]
pub fn TemplatePage() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| address.list());
    let template = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, query, _)| of_template(id, move |id| view_template(id, query)),
    );
    let busy = RwSignal::new(false);
    follow_while(busy.into(), move || template.refetch());
    view! {
        <Load
            resource=template
            whole=true
            children=move |view: TemplateView| {
                busy.set(view.template.behind > 0);
                let page = asked.get_untracked().page;
                view! { <Template view=view page=page /> }
            }
        />
        <Outlet />
    }
    .into_any()
}

#[component]
fn Template(view: TemplateView, page: PageRequest) -> impl IntoView {
    let TemplateView {
        template,
        followers,
        versions,
    } = view;
    let id = template.id;
    let facts = {
        let template = template.clone();
        move || {
            view! {
                <span>{format!("Version {}", grouped(template.version))}</span>
                <span>
                    "Saved " <RelativeTime at=template.saved_at /> " by "
                    <bdi>{template.saved_by}</bdi>
                </span>
                <span>{counted(template.followers, "follower", "followers")}</span>
            }
            .into_any()
        }
    };
    let settings = settings_of(&template.policy);
    view! {
        <PageHead
            title=template.name.clone()
            parent=(routes::POLICY_TEMPLATES.to_owned(), "Policy Templates".to_owned())
            facts=facts
        >
            <a class="btn" href=routes::settings_file("template", id, "toml") download>
                <Icon name="download" />
                "Export"
            </a>
            {may_make()
                .then(|| {
                    view! {
                        <a class="btn" href=routes::policy_template_rename(id) data-noscroll="true">
                            <Icon name="pencil" />
                            "Rename"
                        </a>
                        <a class="btn" href=routes::policy_template_delete(id) data-noscroll="true">
                            <Icon name="trash-2" />
                            "Delete"
                        </a>
                        <a class="btn btn-primary" href=routes::policy_template_edit(id)>
                            <Icon name="settings" />
                            "Change settings"
                        </a>
                    }
                })}
        </PageHead>
        <OnItsWay template=template.clone() />
        <Followers followers=followers page=page newest=template.version />
        <section aria-labelledby="h-policy" class="px-6 py-4 max-md:px-4 border-t border-line">
            <h2 id="h-policy" class="text-base mb-1">"Its settings"</h2>
            <div class="max-w-4xl">
                <AllSettings of=settings names=BTreeMap::new() label="Settings" />
            </div>
        </section>
        <Versions id=id versions=versions />
    }
    .into_any()
}

/// How far the present version has come.
#[component]
fn OnItsWay(template: PolicyTemplate) -> impl IntoView {
    (template.behind > 0).then(|| {
        let reached = template.followers - template.behind;
        view! {
            <div class="px-6 pb-3 max-md:px-4">
                <div class="rc-note run max-w-3xl" role="status">
                    <Icon name="loader-circle" class="rc-spin text-link mt-0.5" />
                    <p class="min-w-0">
                        {format!(
                            "Version {} is on its way: it reached {} of {}.",
                            grouped(template.version),
                            grouped(reached),
                            counted(template.followers, "follower", "followers"),
                        )}
                    </p>
                </div>
            </div>
        }
    })
}

#[component]
fn Followers(followers: Page<Follower>, page: PageRequest, newest: i64) -> impl IntoView {
    let total = followers.total;
    let rows = followers
        .items
        .into_iter()
        .map(|one| view! { <FollowerRow one=one newest=newest /> })
        .collect_view();
    view! {
        <section aria-labelledby="h-followers" class="border-t border-line">
            <h2 id="h-followers" class="text-base px-6 pt-3 pb-1 max-md:px-4">"Followers"</h2>
            {if total == 0 {
                view! {
                    <p class="px-6 py-3 text-muted max-md:px-4">
                        "No integration follows it yet. Under Template on an integration’s page it can."
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <table
                        class="rc-table bleed still rc-stack rows"
                        role="table"
                        aria-labelledby="h-followers"
                    >
                        <thead role="rowgroup">
                            <tr role="row">
                                <Head label="Integration" class="grow" />
                                <Head label="Customer" />
                                <Head label="Version" class="n" />
                                <Head label="Drift" class="n" />
                                <Head label="Its own" class="n" />
                                <Head label="Active users" class="n" />
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                    <Pager page=page total=total />
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn FollowerRow(one: Follower, newest: i64) -> impl IntoView {
    let drift = if one.drift == 0 {
        "none".to_owned()
    } else {
        counted(one.drift, "setting", "settings")
    };
    let version = if one.version == newest {
        grouped(newest)
    } else {
        format!("{} of {}", grouped(one.version), grouped(newest))
    };
    view! {
        <tr role="row">
            <td role="cell" class="grow max-md:col-span-2">
                <a
                    class="rc-rowlink block truncate"
                    href=routes::integration_template(one.integration_id)
                >
                    <bdi>{one.integration_name}</bdi>
                </a>
            </td>
            <td role="cell">
                <bdi class="block truncate max-w-52">{one.customer_name}</bdi>
            </td>
            <td role="cell" class="n rc-num max-md:hidden">{version}</td>
            <td role="cell" class="n whitespace-nowrap">{drift}</td>
            <Num value=one.own class="max-md:hidden" />
            <Num value=one.people class="max-md:hidden" />
        </tr>
    }
    .into_any()
}

/// The latest versions, and the way to all of them where there are more.
#[component]
fn Versions(id: PolicyTemplateId, versions: Page<VersionLine>) -> impl IntoView {
    let total = versions.total;
    let more = usize::try_from(total).is_ok_and(|total| total > versions.items.len());
    view! {
        <section aria-labelledby="h-versions" class="border-t border-line pb-8">
            <h2 id="h-versions" class="text-base px-6 pt-3 pb-1 max-md:px-4">"Versions"</h2>
            <VersionTable
                lines=versions.items
                page_of=move |number| routes::policy_template_version(id, number)
            />
            {more
                .then(|| {
                    view! {
                        <p class="px-6 pt-3 max-md:px-4">
                            <a class="rc-link" href=routes::policy_template_versions(id)>
                                {format!("All {} versions", grouped(total))}
                            </a>
                        </p>
                    }
                })}
        </section>
    }
    .into_any()
}
