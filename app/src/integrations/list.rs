//! The list of integrations, live while something runs.

use domain::{
    integration::{IntegrationLine, IntegrationState},
    permission::Permission,
    run::RunStatus,
};
use leptos_router::components::Outlet;

use super::{
    api::{Choices, Filters, integration_choices, list_integrations},
    empty::NothingConnected,
};
use crate::{
    frame::may_pause_all,
    session::may,
    ui::{list::past_the_end, prelude::*},
};

/// The parameters that filter this list.
const FILTERS: [&str; 5] = ["q", "enabled", "profile", "status", "cloud"];

/// The page. Adding one is a child route with a dialog.
#[component]
pub fn IntegrationsPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new({
        let address = address.clone();
        move |_| {
            let filters = Filters {
                enabled: address.parsed("enabled"),
                profile: address.parsed("profile"),
                status: address.parsed("status"),
                cloud: address.get("cloud"),
            };
            (address.list(), filters)
        }
    });
    let filtered = Memo::new({
        let address = address.clone();
        move |_| FILTERS.iter().any(|name| address.get(name).is_some())
    });
    let lines = Resource::new(
        move || (asked.get(), changes.follow()),
        |((query, filters), _)| list_integrations(query, filters),
    );
    // Beside the list and not inside it: what is read inside what is read is lost track of when
    // the browser code takes over.
    let customer = Memo::new(move |_| address.customer());
    let choices = Resource::new(move || customer.get(), integration_choices);
    let busy = RwSignal::new(false);
    follow_while(busy.into(), move || lines.refetch());
    follow_idle(move || lines.refetch());
    view! {
        <div class="contents group">
            <PageHead title="Integrations">
                <span class="contents group-has-[.rc-none]:hidden">
                    {may_pause_all()
                        .then(|| {
                            view! {
                                <a class="btn" href=routes::PAUSE_ALL data-noscroll="true">
                                    <Icon name="circle-pause" />
                                    "Pause all"
                                </a>
                            }
                        })}
                    <AddButton />
                </span>
            </PageHead>
            <div class="group-has-[.rc-none]:hidden">
                <ListBar label="Integrations">
                    <Chips choices=choices />
                    <TotalOf resource=lines one="integration" many="integrations" />
                    <ExportCsv path=routes::INTEGRATIONS_CSV />
                </ListBar>
            </div>
            <Load
                resource=lines
                children=move |page| {
                    busy.set(page.items.iter().any(is_open));
                    let asked = asked.get_untracked().0;
                    if page.total == 0 && !filtered.get_untracked() {
                        return view! { <div class="rc-none hidden"></div> }.into_any();
                    }
                    if page.items.is_empty() && !past_the_end(&page, asked.page) {
                        return view! { <NoMatch many="integrations" /> }.into_any();
                    }
                    view! {
                        <Table lines=page.items />
                        <Pager page=asked.page total=page.total />
                    }
                        .into_any()
                }
            />
            <div class="hidden group-has-[.rc-none]:contents">
                <NothingConnected choices=choices />
            </div>
        </div>
        <Outlet />
    }
    .into_any()
}

fn is_open(line: &IntegrationLine) -> bool {
    line.last_sync_status.is_some_and(RunStatus::is_open)
}

/// "Add New Integration", a link that opens the dialog.
#[component]
pub(super) fn AddButton() -> impl IntoView {
    let address = use_address();
    may(Permission::IntegrationsWrite).then(|| {
        view! {
            <a
                class="btn btn-primary"
                href=move || address.at(routes::INTEGRATION_ADD, &[])
                data-noscroll="true"
            >
                <Icon name="plus" />
                "Add New Integration"
            </a>
        }
    })
}

/// The filters. Profiles and clouds are read once a customer.
#[component]
fn Chips(choices: Resource<AppResult<Choices>>) -> impl IntoView {
    let yes_no = vec![
        ("true".to_owned(), "Yes".to_owned()),
        ("false".to_owned(), "No".to_owned()),
    ];
    view! {
        <FilterChip name="enabled" label="Enabled" options=yes_no />
        <Transition>
            {move || Suspend::new(async move {
                let choices = choices.await.unwrap_or_default();
                let profiles: Vec<_> = choices
                    .profiles
                    .into_iter()
                    .map(|profile| (profile.id.to_string(), profile.name))
                    .collect();
                let clouds: Vec<_> = choices
                    .clouds
                    .into_iter()
                    .map(|cloud| (cloud.id, cloud.name))
                    .collect();
                view! {
                    <FilterChip name="profile" label="Profile" options=profiles />
                    <FilterChip
                        name="status"
                        label="Last Sync Status"
                        options=options(RunStatus::ALL, RunStatus::title)
                    />
                    <FilterChip name="cloud" label="Azure Cloud" options=clouds />
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Table(lines: Vec<IntegrationLine>) -> impl IntoView {
    let rows = lines
        .into_iter()
        .map(|line| view! { <Row line=line /> })
        .collect_view();
    view! {
        <table class="rc-table bleed rc-stack rows" role="table" aria-label="Integrations">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label="Name" column="name" first=true />
                    <SortHead label="Enabled" column="enabled" largest_first=true />
                    <SortHead label="Profile" column="profile" />
                    <SortHead
                        label="Last Sync Start"
                        column="last_sync"
                        largest_first=true
                    />
                    <SortHead label="Last Sync Status" column="status" class="grow" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// How the list shows an integration: its last run, or why there is none.
fn mark(line: &IntegrationLine) -> Mark {
    match (line.state, line.last_sync_status) {
        (_, Some(status)) if status.is_open() => status.into(),
        (IntegrationState::Quarantined, _) => Mark::QUARANTINED,
        (IntegrationState::Paused, _) => Mark::PAUSED,
        (_, Some(status)) => status.into(),
        (_, None) => Mark::NOT_STARTED,
    }
}

#[component]
fn Row(line: IntegrationLine) -> impl IntoView {
    let mark = mark(&line);
    let detail = if line.last_sync_detail.is_empty() && line.last_sync_status.is_none() {
        "Pick groups, then Full Sync".to_owned()
    } else {
        line.last_sync_detail.clone()
    };
    let title = format!("{} ({})", line.name, line.customer_name);
    view! {
        <tr role="row">
            <td role="cell" class="max-md:col-span-2">
                <span class="flex items-baseline gap-2 min-w-0">
                    <a
                        class="rc-rowlink truncate max-w-72"
                        href=routes::integration(line.id)
                        title=title
                    >
                        <bdi>{line.name}</bdi>
                    </a>
                    <span class="text-muted truncate max-w-56">{line.tenant}</span>
                </span>
            </td>
            <td role="cell" class="max-md:hidden">
                <YesNo yes=line.enabled />
            </td>
            <td role="cell" class="max-md:hidden">
                <bdi class="block truncate max-w-52" title=line.profile_name.clone()>
                    {line.profile_name.clone()}
                </bdi>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:order-last max-md:text-muted">
                {match line.last_sync_started_at {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => view! { <span class="text-faint">"never"</span> }.into_any(),
                }}
            </td>
            <td role="cell" class="grow">
                <span class="flex items-baseline gap-2.5">
                    <span class="self-center">
                        <Status of=mark />
                    </span>
                    <span class="text-muted truncate" title=detail.clone()>
                        {detail.clone()}
                    </span>
                </span>
            </td>
        </tr>
    }
    .into_any()
}
