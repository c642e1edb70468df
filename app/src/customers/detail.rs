//! One customer: what is connected, and how much of each type is kept for it.

use domain::{
    customer::{Customer as Of, CustomerLine},
    integration::{IntegrationLine, IntegrationState},
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;
use serde::{Deserialize, Serialize};

use super::{change::use_id, pause::ResumeCustomer, tags::TagLinks};
use crate::{
    session::may,
    ui::{address::link, form::Post, pause::PauseNote, prelude::*, time::day_utc},
};

/// What the page of one customer shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    /// The customer with its counts.
    pub line: CustomerLine,
    /// The customer with its settings.
    pub customer: Of,
    /// Its integrations, by name.
    pub integrations: Vec<IntegrationLine>,
}

/// One customer with its counts and integrations.
#[server(endpoint = "customers/view", input = Json)]
pub(crate) async fn view_customer(id: domain::id::CustomerId) -> AppResult<CustomerView> {
    let (backend, scope) = crate::session::caller().await?;
    let line = backend::store::customers::line(&backend, &scope, id).await?;
    let customer = backend::store::customers::get(&backend, &scope, id).await?;
    let integrations = if line.deleted_at.is_none() {
        use backend::store::integrations::{self, IntegrationQuery};
        let query = IntegrationQuery {
            customer_id: Some(id),
            page: domain::paging::PageRequest::new(1, 1000),
            ..IntegrationQuery::default()
        };
        integrations::list(&backend, &scope, query).await?.items
    } else {
        Vec::new()
    };
    Ok(CustomerView {
        line,
        customer,
        integrations,
    })
}

/// The page. What changes the customer are child routes with dialogs.
#[component]
pub fn CustomerPage() -> impl IntoView {
    let id = use_id();
    let changes = use_changes();
    let customer = Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_customer(id).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    let resume = use_post::<ResumeCustomer>();
    view! {
        <Load resource=customer whole=true let:customer>
            <Customer customer=customer resume=resume />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Customer(customer: CustomerView, resume: Post<ResumeCustomer>) -> impl IntoView {
    let CustomerView {
        line,
        customer,
        integrations,
    } = customer;
    let id = line.id;
    let in_use = line.deleted_at.is_none();
    let Of {
        time_zone,
        pause,
        tags,
        ..
    } = customer;
    let untagged = tags.is_empty();
    let paused = pause.is_some();
    let of_customer = move |path: &str| link(path, &[("customer".to_owned(), id.to_string())]);
    let added = day_utc(line.created_at);
    let state = if line.deleted_at.is_some() {
        Some(Mark {
            icon: "trash-2",
            word: "In the bin",
            tone: "held",
        })
    } else if paused {
        Some(Mark::PAUSED)
    } else if line.failing > 0 {
        Some(Mark::FAILING)
    } else {
        None
    };
    let write = may(Permission::CustomersWrite);
    let connect = may(Permission::IntegrationsWrite);
    let none = integrations.is_empty();
    let rows = integrations
        .into_iter()
        .map(|line| view! { <IntegrationRow line=line /> })
        .collect_view();
    view! {
        <PageHead
            title=line.name.clone()
            parent=(routes::CUSTOMERS.to_owned(), "Customers".to_owned())
            facts=move || {
                view! {
                    {state.map(|state| view! { <Status of=state /> })}
                    <span>{format!("Added {added}")}</span>
                    <span>
                        "Time zone " {time_zone}
                        {(write && in_use)
                            .then(|| {
                                view! {
                                    " "
                                    <a
                                        class="rc-link"
                                        href=routes::customer_time_zone(id)
                                        data-noscroll="true"
                                    >
                                        "Change time zone"
                                    </a>
                                }
                            })}
                    </span>
                    <span class="inline-flex flex-wrap items-center gap-1.5">
                        <TagLinks tags=tags />
                        {(write && in_use)
                            .then(|| {
                                view! {
                                    <a
                                        class="rc-link"
                                        href=routes::customer_tags(id)
                                        data-noscroll="true"
                                    >
                                        {if untagged { "Add tags" } else { "Change tags" }}
                                    </a>
                                }
                            })}
                    </span>
                    {line
                        .last_sync_started_at
                        .map(|at| view! { <span>"Last sync " <RelativeTime at=at /></span> })}
                }
                .into_any()
            }
        >
            {(connect && in_use && !paused)
                .then(|| {
                    view! {
                        <a class="btn" href=routes::customer_pause(id) data-noscroll="true">
                            <Icon name="circle-pause" />
                            "Pause"
                        </a>
                    }
                })}
            {(in_use && may(Permission::DirectoryRead))
                .then(|| {
                    view! {
                        <a class="btn" href=routes::customer_enrolment(id)>
                            <Icon name="mail" />
                            "Enrolment"
                        </a>
                    }
                })}
            {(in_use && may(Permission::DirectoryRead))
                .then(|| {
                    view! {
                        <a class="btn" href=routes::customer_imports(id)>
                            <Icon name="file-up" />
                            "Imports"
                        </a>
                    }
                })}
            {in_use
                .then(|| {
                    view! {
                        <a class="btn" href=routes::customer_file(id)>
                            <Icon name="settings" />
                            "Settings File"
                        </a>
                    }
                })}
            {(in_use && may(Permission::DirectoryRead) && may(Permission::NotificationsRead))
                .then(|| {
                    view! {
                        <a class="btn" href=routes::customer_versions(id)>
                            <Icon name="history" />
                            "Versions"
                        </a>
                    }
                })}
            {write
                .then(|| {
                    view! {
                        <a class="btn" href=routes::customer_rename(id) data-noscroll="true">
                            <Icon name="pencil" />
                            "Rename"
                        </a>
                        <a class="btn" href=routes::customer_delete(id) data-noscroll="true">
                            <Icon name="trash-2" />
                            "Delete"
                        </a>
                    }
                })}
        </PageHead>
        {pause
            .map(|pause| {
                view! {
                    <PauseNote pause=pause title="Scheduled runs of all its integrations are paused">
                        {connect
                            .then(|| {
                                view! {
                                    <PostForm post=resume class="contents">
                                        <input type="hidden" name="id" value=id.to_string() />
                                        <Submit label="Resume" busy="Resuming" class="btn" icon="play" />
                                    </PostForm>
                                }
                            })}
                    </PauseNote>
                }
            })}
        <ul class="flex flex-wrap gap-x-10 gap-y-3 px-6 py-4 border-y border-line max-md:px-4">
            <Figure href=of_customer(routes::USERS) number=line.active_users one="active user" many="active users" />
            <Figure href=of_customer(routes::GROUPS) number=line.active_groups one="active group" many="active groups" />
            <Figure href=of_customer(routes::CONTACTS) number=line.active_contacts one="active contact" many="active contacts" />
            <Figure href=of_customer(routes::DEVICES) number=line.active_devices one="active device" many="active devices" />
            <Figure href=of_customer(routes::INTEGRATIONS) number=line.integrations one="integration" many="integrations" />
        </ul>
        <section aria-labelledby="h-integrations">
            <div class="flex items-center gap-2 px-6 pt-3 pb-1 flex-wrap max-md:px-4">
                <h2 id="h-integrations" class="text-base">"Integrations"</h2>
                <a class="rc-act ms-auto" href=of_customer(routes::SYNC_HISTORY)>
                    "Sync History"
                    <Icon name="chevron-right" small=true />
                </a>
                {connect
                    .then(|| {
                        view! {
                            <a class="btn btn-sm" href=of_customer(routes::INTEGRATION_ADD)>
                                <Icon name="plus" />
                                "Add New Integration"
                            </a>
                        }
                    })}
            </div>
            {if none {
                view! {
                    <p class="px-6 py-3 text-muted max-md:px-4">
                        "Nothing is connected yet. Connect the customer’s Entra tenant, and its users \
                         and groups are kept in step with it. Nothing changes until you press Full Sync."
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <table
                        class="rc-table bleed still rc-stack rows"
                        role="table"
                        aria-labelledby="h-integrations"
                    >
                        <thead role="rowgroup">
                            <tr role="row">
                                <Head label="Name" />
                                <Head label="Enabled" />
                                <Head label="Profile" />
                                <Head label="Last Sync Start" />
                                <Head label="Last Sync Status" class="grow" />
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Figure(href: String, number: i64, one: &'static str, many: &'static str) -> impl IntoView {
    view! {
        <li>
            <a href=href class="group flex items-baseline gap-2">
                <span class="text-lg font-semibold rc-num group-hover:underline">{grouped(number)}</span>
                <span class="text-muted">{if number == 1 { one } else { many }}</span>
            </a>
        </li>
    }
}

#[component]
fn IntegrationRow(line: IntegrationLine) -> impl IntoView {
    view! {
        <tr role="row">
            <td role="cell" class="max-md:col-span-2">
                <span class="flex items-baseline gap-2 min-w-0">
                    <a class="rc-rowlink truncate max-w-72" href=routes::integration(line.id)>
                        <bdi>{line.name}</bdi>
                    </a>
                    <span class="text-muted truncate">{line.tenant}</span>
                </span>
            </td>
            <td role="cell" class="max-md:hidden"><YesNo yes=line.enabled /></td>
            <td role="cell" class="max-md:hidden">
                <bdi class="block truncate max-w-52">{line.profile_name}</bdi>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:order-last max-md:text-muted">
                {match line.last_sync_started_at {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => view! { <span class="text-faint">"Never"</span> }.into_any(),
                }}
            </td>
            <td role="cell" class="grow">
                <span class="flex items-center gap-2.5">
                    {match line.last_sync_status {
                        _ if line.state == IntegrationState::Paused => {
                            view! { <Status of=Mark::PAUSED /> }.into_any()
                        }
                        Some(status) => view! { <Status of=status /> }.into_any(),
                        None => view! { <Status of=Mark::NOT_STARTED /> }.into_any(),
                    }}
                    <span class="text-muted truncate">{line.last_sync_detail}</span>
                </span>
            </td>
        </tr>
    }
    .into_any()
}
