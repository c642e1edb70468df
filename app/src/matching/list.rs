//! The tab Matching: the queue of an integration, and decisions about many at once.

use domain::{
    id::{ExternalId, IntegrationId},
    matching::{MatchCounts, MatchDecision, MatchFilter, MatchState, MatchStrength, UserMatch},
    paging::PageRequest,
    permission::Permission,
};
use leptos_router::{components::Outlet, hooks::use_params_map};

use super::{
    api::{DecideMatches, MatchesView, TakeBackMatches, list_matches},
    sides::{InCommon, Who, standing, strength_mark},
};
use crate::{
    session::may,
    ui::{form::FieldError, form::use_field_error, prelude::*},
};

/// The integration in the path. One that can't be read is answered as one that isn't there.
pub(super) fn use_id() -> Memo<Option<IntegrationId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// The tab. One person is a child route with a dialog.
#[component]
pub fn MatchingTab() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| {
        let filter = MatchFilter {
            state: address.parsed("state"),
            strength: address.parsed("strength"),
        };
        (address.list(), filter)
    });
    let matches = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, (list, filter), _)| async move {
            match id {
                Some(id) => list_matches(id, list, filter).await,
                None => Err(AppError::NotFound {
                    what: "integration".to_owned(),
                }),
            }
        },
    );
    let within = Signal::derive(move || {
        let id = id
            .get()
            .map(|id| ("integration".to_owned(), id.to_string()));
        id.into_iter().collect::<Vec<_>>()
    });
    view! {
        <ListBar label="Matches">
            <FilterChip
                name="strength"
                label="Strength"
                options=options(MatchStrength::ALL, MatchStrength::title)
            />
            <FilterChip
                name="state"
                label="State"
                options=options(MatchState::ALL, MatchState::title)
            />
            <ExportCsv path=routes::MATCHES_CSV within=within />
        </ListBar>
        <Load
            resource=matches
            children=move |view| {
                let Some(id) = id.get_untracked() else {
                    return ().into_any();
                };
                let (list, filter) = asked.get_untracked();
                view! { <Queue id=id view=view asked=list.page filter=filter searched=list.q.is_some() /> }
                    .into_any()
            }
        />
        <Outlet />
    }
    .into_any()
}

#[component]
fn Queue(
    id: IntegrationId,
    view: MatchesView,
    asked: PageRequest,
    filter: MatchFilter,
    searched: bool,
) -> impl IntoView {
    let MatchesView { page, counts } = view;
    let decided = filter.state == Some(MatchState::Decided);
    if page.total == 0 {
        return if searched || filter.strength.is_some() {
            view! { <NoMatch many="people" /> }.into_any()
        } else {
            view! { <Nobody decided=decided counts=counts /> }.into_any()
        };
    }
    let total = page.total;
    let deciding = may(Permission::RunsDecide);
    let rows = page
        .items
        .into_iter()
        .map(|one| view! { <Row id=id one=one deciding=deciding /> }.into_any())
        .collect_view();
    let table = view! {
        <p class="px-6 max-md:px-4 pb-2 text-muted rc-num">{in_words(counts)}</p>
        <table class=if deciding { "rc-table bleed rc-stack rows ticks" } else { "rc-table bleed rc-stack rows" } role="table" aria-label="Matches">
            <thead role="rowgroup">
                <tr role="row">
                    {deciding.then(|| view! { <Head label="Chosen" /> })}
                    <Head label="In the source" class="md:w-1/3" />
                    <Head label="Here" class="md:w-1/3" />
                    <Head label="In common" class="md:w-1/3" />
                    <Head label="Strength" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pager page=asked total=total />
    }
    .into_any();
    if !deciding {
        return table;
    }
    if decided {
        let post = use_post::<TakeBackMatches>();
        return view! {
            <PostForm post=post>
                <input type="hidden" name="id" value=id.to_string() />
                {table}
                <Foot title="Take back what was decided about those who are chosen">
                    <Submit label="Take back" busy="Taking back" class="btn" icon="undo-2" />
                </Foot>
            </PostForm>
        }
        .into_any();
    }
    let post = use_post::<DecideMatches>();
    let buttons = [
        (MatchDecision::Same, "user-check"),
        (MatchDecision::Other, "user-plus"),
        (MatchDecision::Ignore, "ban"),
    ]
    .map(|(decision, icon)| {
        view! {
            <button
                type="submit"
                class="btn"
                name="decision"
                value=decision.as_str()
                aria-disabled=move || post.pending().get().then_some("true")
            >
                <Icon name=icon />
                {decision.title()}
            </button>
        }
    });
    view! {
        <PostForm post=post>
            <input type="hidden" name="id" value=id.to_string() />
            {table}
            <Foot title="Decide about those who are chosen">{buttons.collect_view()}</Foot>
        </PostForm>
    }
    .into_any()
}

/// The reason, and what can be done about all who are chosen.
#[component]
fn Foot(title: &'static str, children: Children) -> impl IntoView {
    let error = use_field_error("external_ids");
    view! {
        <section class="px-6 max-md:px-4 py-4 max-w-2xl" aria-labelledby="h-decide">
            <h2 id="h-decide" class="text-base mb-2">
                {title}
            </h2>
            <FieldError id="f-external_ids-e" error=error />
            <Field
                name="note"
                label="Reason"
                kind=Kind::Words
                hint="A ticket number or a sentence. Kept with the decision and in the audit log."
            />
            <div class="mt-3 flex gap-2 flex-wrap">{children()}</div>
        </section>
    }
    .into_any()
}

/// "3 exact, 2 likely and 1 new wait; 10 are decided."
fn in_words(counts: MatchCounts) -> String {
    format!(
        "{} exact, {} likely and {} new wait; {} decided",
        grouped(counts.exact),
        grouped(counts.likely),
        grouped(counts.new),
        grouped(counts.decided)
    )
}

#[component]
fn Nobody(decided: bool, counts: MatchCounts) -> impl IntoView {
    if decided {
        return view! {
            <Empty
                title="Nothing is decided yet"
                text="What was decided about people who may be here already is listed here, with who decided and why."
            />
        }
        .into_any();
    }
    view! {
        <Empty
            title="Nobody waits for a decision"
            text="When the source brings somebody who may be here already, by user name, mail address, alias or \
             employee id, a run neither adds them once more nor makes them one with who is here: they wait here. \
             What may be matched without asking is set on Tenant Configuration, under People."
        />
        {(counts.decided > 0)
            .then(|| {
                view! {
                    <p class="px-6 max-md:px-4">
                        <a class="rc-link" href="?state=decided">
                            {format!("{} decided", grouped(counts.decided))}
                        </a>
                    </p>
                }
            })}
    }
    .into_any()
}

#[component]
fn Row(id: IntegrationId, one: UserMatch, deciding: bool) -> impl IntoView {
    let address = use_address();
    let (person, name) = (one.external_id, one.source.display_name.clone());
    let first = one.candidates.first().cloned();
    let others = one.candidates.len().saturating_sub(1);
    let here = first.clone().map(|here| {
        let standing = standing(&here);
        view! {
            <a class="rc-link" href=routes::user(here.user_id)>
                <bdi>{here.here.display_name.clone()}</bdi>
            </a>
            <p class="text-sm text-muted">{standing}</p>
            <Who of=here.here aliases=here.aliases />
        }
    });
    let more = (others > 0).then(|| {
        let others = i64::try_from(others).unwrap_or(0);
        view! { <p class="text-sm text-muted">{format!("and {} more", grouped(others))}</p> }
    });
    let decided = one.decided.clone().map(|made| {
        let done = match made.applied_at {
            None if made.decision == MatchDecision::Same => ", done by the next run",
            _ => "",
        };
        view! {
            <p class="text-sm wrap-anywhere">
                <b class="font-medium">{made.decision.title()}</b>
                {done}
                ", by "
                <bdi>{made.by}</bdi>
                " "
                <RelativeTime at=made.at />
                {(!made.note.is_empty()).then(|| format!(": {}", made.note))}
            </p>
        }
    });
    view! {
        <tr role="row">
            {deciding
                .then(|| {
                    view! {
                        <td role="cell" class="align-top">
                            <Tick person=person name=name.clone() />
                        </td>
                    }
                })}
            <td role="cell" class="align-top wrap-anywhere">
                <a
                    class="rc-rowlink"
                    href=move || address.at(&routes::integration_match(id, person), &[])
                    data-noscroll="true"
                >
                    <bdi>{name}</bdi>
                </a>
                <Who of=one.source />
            </td>
            <td role="cell" class="align-top wrap-anywhere">
                {here}
                {more}
            </td>
            <td role="cell" class="align-top wrap-anywhere">
                {first.map(|here| view! { <InCommon of=here /> })}
                {decided}
            </td>
            <td role="cell" class="align-top">
                <Status of=strength_mark(one.strength) />
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn Tick(person: ExternalId, name: String) -> impl IntoView {
    view! {
        <input
            type="checkbox"
            class="checkbox"
            name="external_ids[]"
            value=person.to_string()
            aria-label=format!("Choose {name}")
        />
    }
    .into_any()
}
