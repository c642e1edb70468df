//! What comes of each row of an import.

use domain::{
    difference::Difference,
    id::ImportId,
    import::{CellError, ImportRow, RowOutcome},
    paging::PageRequest,
};

use super::api::list_import_rows;
use crate::ui::{list::past_the_end, prelude::*};

const fn outcome_mark(outcome: RowOutcome) -> Mark {
    let (icon, tone) = match outcome {
        RowOutcome::Create => ("plus", "ok"),
        RowOutcome::Update => ("pencil", ""),
        RowOutcome::Unchanged => ("circle-minus", "quiet"),
        RowOutcome::Error => ("circle-x", "fail"),
    };
    Mark {
        icon,
        word: outcome.title(),
        tone,
    }
}

/// The list. Read again when `version` becomes another.
#[component]
pub fn Rows(import: Signal<Option<ImportId>>, version: Signal<u32>) -> impl IntoView {
    let address = use_address();
    let asked = Memo::new({
        let address = address.clone();
        move |_| (address.list(), address.parsed::<RowOutcome>("outcome"))
    });
    let rows = Resource::new(
        move || (import.get(), asked.get(), version.get()),
        |(import, (query, outcome), _)| async move {
            match import {
                Some(id) => list_import_rows(id, query, outcome).await,
                None => Err(AppError::NotFound {
                    what: "import".to_owned(),
                }),
            }
        },
    );
    let within = Signal::derive(move || {
        let id = import.get().map(|id| ("import".to_owned(), id.to_string()));
        id.into_iter().collect::<Vec<_>>()
    });
    view! {
        <section aria-labelledby="h-rows" id="rows" class="border-t border-line">
            <h2 id="h-rows" class="text-base px-6 pt-3 max-md:px-4">
                "Rows"
            </h2>
            <ListBar label="Rows">
                <FilterChip
                    name="outcome"
                    label="Outcome"
                    options=options(RowOutcome::ALL, RowOutcome::title)
                />
                <TotalOf resource=rows one="row" many="rows" />
                <ExportCsv path=routes::IMPORT_ROWS_CSV within=within />
            </ListBar>
            <Load
                resource=rows
                children=move |page| {
                    let asked = asked.get_untracked().0.page;
                    if page.items.is_empty() && !past_the_end(&page, asked) {
                        return view! { <NoMatch many="rows" /> }.into_any();
                    }
                    view! { <Table rows=page.items page=asked total=page.total /> }.into_any()
                }
            />
        </section>
    }
    .into_any()
}

#[component]
fn Table(rows: Vec<ImportRow>, page: PageRequest, total: i64) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| view! { <Row row=row /> })
        .collect_view();
    view! {
        <table class="rc-table bleed still rc-stack rows" role="table" aria-labelledby="h-rows">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Row" class="n" />
                    <Head label="Name" />
                    <Head label="User Name" />
                    <Head label="Outcome" />
                    <Head label="What" class="grow" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pager page=page total=total />
    }
    .into_any()
}

#[component]
fn Row(row: ImportRow) -> impl IntoView {
    let differences = row.differences();
    let name = row.display_name.clone();
    let name = match row.user_id {
        Some(id) => view! {
            <a class="rc-rowlink block truncate max-w-60" href=routes::user(id) title=name.clone()>
                <bdi>{name.clone()}</bdi>
            </a>
        }
        .into_any(),
        None => view! {
            <bdi class="block truncate max-w-60 font-medium" title=name.clone()>
                {name.clone()}
            </bdi>
        }
        .into_any(),
    };
    view! {
        <tr role="row">
            <Num value=Some(row.number) label="row" />
            <td role="cell">{name}</td>
            <td role="cell" class="text-muted">
                <bdi class="block truncate max-w-72" title=row.user_principal_name.clone()>
                    {row.user_principal_name.clone()}
                </bdi>
            </td>
            <td role="cell" class="whitespace-nowrap">
                <Status of=outcome_mark(row.outcome) />
            </td>
            <td role="cell" class="grow max-md:col-span-2 max-md:order-last">
                {row.errors.into_iter().map(|error| view! { <Wrong error=error /> }).collect_view()}
                {row
                    .password_refused
                    .map(|why| view! { <span class="block wrap-anywhere">{format!("Password not set: {why}")}</span> })}
                {differences.into_iter().map(|of| view! { <Differs of=of /> }).collect_view()}
            </td>
        </tr>
    }
    .into_any()
}

/// What is wrong, behind the column it is in.
#[component]
fn Wrong(error: CellError) -> impl IntoView {
    view! {
        <span class="block wrap-anywhere">
            {error
                .column
                .map(|column| {
                    view! {
                        <bdi class="font-medium">{column}</bdi>
                        ": "
                    }
                })} {error.message}
        </span>
    }
    .into_any()
}

#[component]
fn Differs(of: Difference) -> impl IntoView {
    view! {
        <span class="flex items-baseline gap-1.5 min-w-0">
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
