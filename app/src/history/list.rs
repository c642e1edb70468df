//! The list: search, filters, the table, pages; live while something runs.

use domain::{
    id::IntegrationId,
    policy::ObjectType,
    run::{HistoryLine, LineStatus},
};

use super::{api, line::Lines};
use crate::ui::{period::Period, prelude::*};

/// Sync History of one integration, or of all.
#[component]
pub fn HistoryList(
    /// The one integration; none for all.
    integration: Signal<Option<IntegrationId>>,
) -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new({
        let address = address.clone();
        move |_| {
            (
                address.list(),
                integration.get(),
                address.parsed::<LineStatus>("status"),
                address.parsed::<ObjectType>("type"),
                address.parsed::<Period>("period"),
            )
        }
    });
    let lines = Resource::new(
        move || (asked.get(), changes.follow()),
        |((query, integration, status, object_type, period), _)| {
            api::history(query, integration, status, object_type, period)
        },
    );
    let busy = RwSignal::new(false);
    follow_while(busy.into(), move || lines.refetch());
    follow_idle(move || lines.refetch());
    let within = Signal::derive(move || {
        integration
            .get()
            .map(|id| vec![("integration".to_owned(), id.to_string())])
            .unwrap_or_default()
    });
    let filtered = {
        let address = address.clone();
        move || {
            ["q", "status", "type", "period", "page"]
                .iter()
                .any(|name| address.get(name).is_some())
        }
    };
    let all = Signal::derive(move || integration.with(Option::is_none));
    view! {
        <div class="contents group">
            <div class="group-has-[.rc-none]:hidden">
                <ListBar label="Sync History">
                    <FilterChip
                        name="status"
                        label="Status"
                        options=options(LineStatus::ALL, LineStatus::title)
                    />
                    <FilterChip name="type" label="Type" options=options(ObjectType::ALL, ObjectType::title) />
                    <FilterChip
                        name="period"
                        label="Time"
                        options=options(&Period::ALL, Period::title)
                    />
                    <TotalOf resource=lines one="line" many="lines" />
                    <ExportCsv path=routes::SYNC_HISTORY_CSV within=within />
                </ListBar>
            </div>
            <Load
                resource=lines
                children=move |page| {
                    busy.set(page.items.iter().any(|line| line.run_status.is_open()));
                    if page.items.is_empty() {
                        return if filtered() {
                            view! { <NoMatch many="runs" /> }.into_any()
                        } else {
                            view! { <NothingYet all=all.get() /> }.into_any()
                        };
                    }
                    let asked = asked.get().0.page;
                    view! {
                        <HistoryTable lines=page.items all=all.get() />
                        <Pager page=asked total=page.total />
                    }
                        .into_any()
                }
            />
        </div>
    }
    .into_any()
}

/// What stands here before the first run.
#[component]
fn NothingYet(all: bool) -> impl IntoView {
    let address = use_address();
    let text = if all {
        "Every run of every integration leaves its lines here: when it ran, what it read, what it \
         changed and why it stopped."
    } else {
        "Nothing was read from this tenant yet. The first run is yours to start: Full Sync. After \
         that it goes by its schedule, and every run leaves its lines here."
    };
    view! {
        <div class="rc-none contents">
            <Empty title="No run yet" text=text>
                {all
                    .then(|| {
                        view! {
                            <a class="btn" href=move || address.keep(routes::INTEGRATIONS)>
                                "Integrations"
                            </a>
                        }
                    })}
            </Empty>
        </div>
    }
    .into_any()
}

#[component]
fn HistoryTable(lines: Vec<HistoryLine>, all: bool) -> impl IntoView {
    view! {
        <table class="rc-table bleed rc-stack hist" role="table" aria-label="Sync History">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label="Start Time" column="start" largest_first=true first=true />
                    {all.then(|| view! { <Head label="Integration" /> })}
                    <SortHead label="End Time" column="end" largest_first=true />
                    <SortHead label="Type" column="type" />
                    <SortHead label="Total Objects" column="total" largest_first=true class="n" />
                    <SortHead
                        label="Objects Changed"
                        column="changed"
                        largest_first=true
                        class="n"
                    />
                    <SortHead
                        label="Objects Deleted"
                        column="deleted"
                        largest_first=true
                        class="n"
                    />
                    <SortHead
                        label="Objects Filtered"
                        column="filtered"
                        largest_first=true
                        class="n"
                    />
                    <SortHead label="Status" column="status" class="grow" />
                </tr>
            </thead>
            <tbody role="rowgroup">
                <Lines lines=lines all=all />
            </tbody>
        </table>
    }
    .into_any()
}
