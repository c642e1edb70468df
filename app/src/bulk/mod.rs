//! What is done to many users or groups at once: what would be done to each, and what came of it.

use domain::{
    bulk::{Bulk, BulkItem, BulkOutcome, BulkStatus},
    grid::GridList,
    id::BulkId,
    paging::{Page, PageRequest},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

use crate::ui::{
    address::link,
    form::Post,
    prelude::*,
    table::{BelowCell, ListTable, NameCell},
};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BulkView {
    bulk: Bulk,
    items: Page<BulkItem>,
}

/// How far it has come, and a page of those it is about.
#[server(endpoint = "bulk/view", input = Json)]
pub(crate) async fn view_bulk(
    id: BulkId,
    outcome: Option<BulkOutcome>,
    page: PageRequest,
) -> AppResult<BulkView> {
    use backend::store::bulk;
    let (backend, scope) = crate::session::caller().await?;
    Ok(BulkView {
        bulk: bulk::get(&backend, &scope, id).await?,
        items: bulk::items(&backend, &scope, id, outcome, page).await?,
    })
}

/// Applies what was shown.
#[server(endpoint = "bulk/apply")]
pub(crate) async fn apply_bulk(id: BulkId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let bulk = backend::store::bulk::apply(&backend, &scope, id).await?;
    let message = match bulk.status {
        BulkStatus::Done => format!("{} of {} done", bulk.counts.done, bulk.counts.total),
        _ => "It is being applied".to_owned(),
    };
    crate::session::done(message, None).await
}

/// The page, live while it is being applied.
#[component]
pub fn BulkPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<BulkId>().ok()));
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| (address.parsed("outcome"), address.list().page));
    let bulk = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, (outcome, page), _)| async move {
            match id {
                Some(id) => view_bulk(id, outcome, page).await,
                None => Err(AppError::NotFound {
                    what: "bulk change".to_owned(),
                }),
            }
        },
    );
    let busy = RwSignal::new(false);
    follow_while(busy.into(), move || bulk.refetch());
    // Held here: what is read again makes the form anew, and what came of applying would be lost with it.
    let post = use_post::<ApplyBulk>();
    view! {
        <Load
            resource=bulk
            whole=true
            children=move |view: BulkView| {
                busy.set(view.bulk.status == BulkStatus::Running && !view.bulk.stalled);
                view! { <Whole view=view page=asked.get_untracked().1 post=post /> }
            }
        />
    }
    .into_any()
}

/// One or many of the list.
const fn nouns(list: GridList) -> (&'static str, &'static str) {
    match list {
        GridList::Users => ("user", "users"),
        GridList::Groups => ("group", "groups"),
    }
}

#[component]
fn Whole(view: BulkView, page: PageRequest, post: Post<ApplyBulk>) -> impl IntoView {
    let BulkView { bulk, items } = view;
    let (_, many) = nouns(bulk.list);
    let title = match &bulk.group_name {
        Some(group) => format!("{}: {group}", bulk.action.title()),
        None => bulk.action.title().to_owned(),
    };
    let parent = match bulk.list {
        GridList::Users => (routes::USERS.to_owned(), "Users".to_owned()),
        GridList::Groups => (routes::GROUPS.to_owned(), "Groups".to_owned()),
    };
    let csv = link(
        routes::BULK_CSV,
        &[("bulk".to_owned(), bulk.id.to_string())],
    );
    let rows = items
        .items
        .into_iter()
        .map(|item| view! { <Row item=item list=bulk.list /> }.into_any())
        .collect();
    view! {
        <PageHead title=title parent=parent />
        <Standing bulk=bulk post=post />
        <ListBar label="People" search=false>
            <FilterChip
                name="outcome"
                label="Outcome"
                options=options(BulkOutcome::ALL, BulkOutcome::title)
            />
            <a href=csv download class="btn btn-sm ms-auto max-md:hidden">
                <Icon name="download" />
                "Export to CSV"
            </a>
        </ListBar>
        <ListTable label="People" many=many asked=page total=items.total rows=rows>
            <Head label="Name" class="grow" />
            <Head label="User Name" />
            <Head label="Outcome" />
            <Head label="Details" />
        </ListTable>
    }
    .into_any()
}

/// What would be or was done, in numbers, and the button that applies it.
#[component]
fn Standing(bulk: Bulk, post: Post<ApplyBulk>) -> impl IntoView {
    let (one, many) = nouns(bulk.list);
    let counts = bulk.counts;
    let said = match bulk.status {
        BulkStatus::Preview => format!(
            "Nothing was done yet. It would be done to {} of {}.",
            counted(counts.would, one, many),
            grouped(counts.total)
        ),
        BulkStatus::Running => format!(
            "{} of {} done.",
            grouped(counts.done + counts.refused),
            grouped(counts.done + counts.refused + counts.would)
        ),
        BulkStatus::Done => format!("Done to {}.", counted(counts.done, one, many)),
    };
    let others = [
        (counts.skipped, "left out: it doesn’t apply to them"),
        (counts.refused, "refused: they were changed meanwhile"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| view! { <li>{format!("{} {words}", grouped(count))}</li> })
    .collect_view();
    let note = (!bulk.note.is_empty()).then(|| {
        view! { <p class="mt-2 wrap-anywhere whitespace-pre-line"><bdi>{bulk.note.clone()}</bdi></p> }
    });
    let can = bulk.status == BulkStatus::Preview && counts.would > 0 || bulk.stalled;
    let label = if bulk.stalled { "Go on" } else { "Apply" };
    let total = counts.done + counts.refused + counts.would;
    let running = bulk.status == BulkStatus::Running;
    view! {
        <section class="px-6 pb-3 max-md:px-4" aria-label="What is done">
            <p class="text-base" role="status">{said}</p>
            <ul class="text-muted list-disc ps-5">{others}</ul>
            {running
                .then(|| {
                    view! {
                        <progress
                            class="progress w-80 max-w-full mt-2"
                            value=(counts.done + counts.refused).to_string()
                            max=total.to_string()
                            aria-label="Progress"
                        ></progress>
                    }
                })}
            {bulk
                .stalled
                .then(|| {
                    view! {
                        <p class="mt-2">
                            "It stopped before its end. Going on does what is left."
                        </p>
                    }
                })}
            {note}
            {can
                .then(|| {
                    view! {
                        <PostForm post=post class="mt-3">
                            <input type="hidden" name="id" value=bulk.id.to_string() />
                            <Submit label=label busy="Applying" />
                        </PostForm>
                    }
                })}
        </section>
    }
    .into_any()
}

#[component]
fn Row(item: BulkItem, list: GridList) -> impl IntoView {
    let href = match list {
        GridList::Users => routes::user(domain::id::UserId(item.object_id)),
        GridList::Groups => routes::group(domain::id::GroupId(item.object_id)),
    };
    let (icon, tone) = match item.outcome {
        BulkOutcome::Would => ("circle-dashed", ""),
        BulkOutcome::Skipped => ("circle-dashed", "quiet"),
        BulkOutcome::Done => ("circle-check", "ok"),
        BulkOutcome::Refused => ("circle-x", "fail"),
    };
    let word = item.outcome.title();
    view! {
        <tr role="row">
            <NameCell href=href name=item.name />
            <BelowCell text=Some(item.detail) />
            <td role="cell"><Status of=Mark { icon, word, tone } /></td>
            <td role="cell" class="text-muted max-md:order-4 max-md:col-span-2">
                // The name takes what is left; a sentence needs its width.
                <span class="block w-96 max-xl:w-72 max-md:w-auto wrap-anywhere">{item.words}</span>
            </td>
        </tr>
    }
    .into_any()
}
