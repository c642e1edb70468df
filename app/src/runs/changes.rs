//! The objects that a run changed, held, could not change or kept out: before and after.

use domain::{
    difference::Difference,
    id::RunId,
    paging::PageRequest,
    policy::ObjectType,
    run::{Action, ChangeStatus},
};

use super::api::{ChangeLine, run_changes};
use crate::ui::{list::past_the_end, prelude::*};

const fn status_mark(status: ChangeStatus) -> Mark {
    let (icon, tone) = match status {
        ChangeStatus::Planned => ("circle-dashed", ""),
        ChangeStatus::Applied => ("circle-check", "ok"),
        ChangeStatus::Held => ("hand", "held"),
        ChangeStatus::Failed => ("circle-x", "fail"),
        ChangeStatus::Filtered | ChangeStatus::Overtaken => ("circle-minus", "quiet"),
        ChangeStatus::Rejected => ("undo-2", ""),
    };
    Mark {
        icon,
        word: status.title(),
        tone,
    }
}

/// The list. Read again when `version` becomes another.
#[component]
pub fn Changes(
    /// The run.
    run: Signal<Option<RunId>>,
    /// Counts how often it moved on.
    version: Signal<u32>,
) -> impl IntoView {
    let address = use_address();
    let asked = Memo::new({
        let address = address.clone();
        move |_| {
            (
                address.list(),
                address.parsed::<ObjectType>("type"),
                address.parsed::<Action>("action"),
                address.parsed::<ChangeStatus>("status"),
            )
        }
    });
    let filtered = Memo::new(move |_| {
        ["q", "type", "action", "status"]
            .iter()
            .any(|name| address.get(name).is_some())
    });
    let changes = Resource::new(
        move || (run.get(), asked.get(), version.get()),
        |(run, (query, object_type, action, status), _)| async move {
            match run {
                Some(id) => run_changes(id, query, object_type, action, status).await,
                None => Err(AppError::NotFound {
                    what: "run".to_owned(),
                }),
            }
        },
    );
    let within = Signal::derive(move || {
        let id = run.get().map(|id| ("run".to_owned(), id.to_string()));
        id.into_iter().collect::<Vec<_>>()
    });
    view! {
        <section aria-labelledby="h-changes" id="changes" class="border-t border-line">
            <h2 id="h-changes" class="text-base px-6 pt-3 max-md:px-4">
                "Changes"
            </h2>
            <ListBar label="Changes">
                <FilterChip name="type" label="Type" options=options(ObjectType::ALL, ObjectType::title) />
                <FilterChip
                    name="action"
                    label="Action"
                    options=options(Action::ALL, Action::title)
                />
                <FilterChip
                    name="status"
                    label="Status"
                    options=options(ChangeStatus::ALL, ChangeStatus::title)
                />
                <TotalOf resource=changes one="object" many="objects" />
                <ExportCsv path=routes::RUN_CHANGES_CSV within=within />
            </ListBar>
            <Load
                resource=changes
                children=move |page| {
                    let asked = asked.get_untracked().0.page;
                    if page.items.is_empty() && !past_the_end(&page, asked) {
                        return if filtered.get_untracked() {
                            view! { <NoMatch many="changes" /> }.into_any()
                        } else {
                            view! {
                                <p class="px-6 pb-6 text-muted max-md:px-4">
                                    "None: nothing differed, nothing was kept out."
                                </p>
                            }
                                .into_any()
                        };
                    }
                    view! { <Table changes=page.items page=asked total=page.total /> }.into_any()
                }
            />
        </section>
    }
    .into_any()
}

#[component]
fn Table(changes: Vec<ChangeLine>, page: PageRequest, total: i64) -> impl IntoView {
    let rows = changes
        .into_iter()
        .map(|line| view! { <Row line=line /> })
        .collect_view();
    view! {
        <table class="rc-table bleed still rc-stack rows" role="table" aria-labelledby="h-changes">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Name" />
                    <Head label="Type" />
                    <Head label="Action" />
                    <Head label="Before and after" class="grow" />
                    <Head label="Status" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pager page=page total=total />
    }
    .into_any()
}

#[component]
fn Row(line: ChangeLine) -> impl IntoView {
    let address = use_address();
    let ChangeLine {
        change,
        directory_id,
    } = line;
    // A membership change is about its group.
    let of = match change.object_type {
        ObjectType::Membership => ObjectType::Group,
        other => other,
    };
    let page = directory_id.and_then(|id| routes::object(of, id));
    let name = view! { <bdi>{change.display_name.clone()}</bdi> };
    let title = format!("{} ({})", change.display_name, change.external_id);
    let name = match page {
        Some(page) => view! {
            <a
                class="rc-rowlink block truncate max-w-72"
                href=address.keep(&page)
                title=title
            >
                {name}
            </a>
        }
        .into_any(),
        None => view! {
            <span class="block truncate max-w-72 font-medium" title=title>
                {name}
            </span>
        }
        .into_any(),
    };
    let differences = change.differences();
    let why = change
        .error
        .clone()
        .or_else(|| change.reason.map(|reason| reason.title().to_owned()));
    view! {
        <tr role="row">
            <td role="cell" class="max-md:col-span-2">{name}</td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                {change.object_type.title()}
            </td>
            <td role="cell" class="whitespace-nowrap">
                {change.action.title()}
            </td>
            <td role="cell" class="grow max-md:col-span-2 max-md:order-last">
                {why
                    .map(|why| {
                        view! {
                            <span class="block truncate text-muted" title=why.clone()>
                                {why.clone()}
                            </span>
                        }
                    })}
                {differences
                    .into_iter()
                    .map(|difference| view! { <OneDifference of=difference /> })
                    .collect_view()}
            </td>
            <td role="cell" class="whitespace-nowrap">
                <Status of=status_mark(change.status) />
            </td>
        </tr>
    }
    .into_any()
}

/// One attribute or setting, as it was and as it becomes.
#[component]
fn OneDifference(of: Difference) -> impl IntoView {
    let title = format!("{}: {} → {}", of.name, of.before, of.after);
    view! {
        <span class="flex items-baseline gap-1.5 min-w-0" title=title>
            <span class="text-muted whitespace-nowrap">{of.name}</span>
            {(!of.before.is_empty())
                .then(|| {
                    view! {
                        <bdi class="rc-old truncate">{of.before}</bdi>
                        <Icon name="arrow-right" small=true class="text-faint self-center" />
                        <span class="sr-only">"becomes"</span>
                    }
                })}
            <bdi class="font-medium truncate">{of.after}</bdi>
        </span>
    }
    .into_any()
}
