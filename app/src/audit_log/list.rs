//! The list of entries, of one customer or of all in scope.

use domain::{
    audit::{ActorKind, AuditAction, AuditEvent, AuditObject},
    paging::Page,
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ui::{
    period::Period,
    prelude::*,
    table::{CustomerCell, ListTable},
};

/// The list's own filters, as the address has them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct AuditLogFilter {
    /// What was done.
    action: Option<AuditAction>,
    /// What they are who did it.
    who: Option<ActorKind>,
    /// The operator or token who did it.
    actor: Option<Uuid>,
    /// What it was done to.
    object_type: Option<AuditObject>,
    /// The one thing it was done to.
    object: Option<Uuid>,
    /// How far back.
    period: Option<Period>,
}

/// Entries under the list's search and filters.
#[server(endpoint = "audit-log/list", input = Json)]
pub(crate) async fn list_events(
    list: ListQuery,
    filter: AuditLogFilter,
) -> AppResult<Page<AuditEvent>> {
    use backend::store::audit::{self, AuditFilter, AuditQuery};
    use domain::paging::Direction;
    let (backend, scope) = crate::session::caller().await?;
    let now = backend.clock.now();
    let query = AuditQuery {
        filter: AuditFilter {
            customer_id: list.customer,
            action: filter.action,
            actor_kind: filter.who,
            actor_id: filter.actor,
            object_type: filter.object_type,
            object_id: filter.object,
            from: filter.period.map(|period| period.from(now)),
            to: None,
            q: list.q,
        },
        page: list.page,
        direction: match list.sort {
            Some(_) => list.direction,
            None => Direction::Descending,
        },
    };
    Ok(audit::list(&backend, &scope, query).await?)
}

/// The page.
#[component]
pub fn AuditLogPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| {
        (
            address.list(),
            AuditLogFilter {
                action: address.parsed("action"),
                who: address.parsed("who"),
                actor: address.parsed("actor"),
                object_type: address.parsed("object_type"),
                object: address.parsed("object"),
                period: address.parsed("period"),
            },
        )
    });
    let events = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter), _)| list_events(list, filter),
    );
    view! {
        <PageHead title="Audit Log" />
        <ListBar label="Audit Log">
            <OneChip
                events=events
                name="actor"
                label="By"
                of=|event: &AuditEvent| event.actor.clone()
            />
            <OneChip
                events=events
                name="object"
                label="About"
                of=|event: &AuditEvent| event.object_name.clone()
            />
            <FilterChip
                name="action"
                label="Action"
                options=options(AuditAction::ALL, AuditAction::title)
            />
            <FilterChip
                name="object_type"
                label="Object"
                options=options(AuditObject::ALL, AuditObject::title)
            />
            <FilterChip name="who" label="Who" options=options(ActorKind::ALL, ActorKind::title) />
            <FilterChip name="period" label="Time" options=options(&Period::ALL, Period::title) />
            <TotalOf resource=events one="entry" many="entries" />
            <ExportCsv path=routes::AUDIT_LOG_CSV />
        </ListBar>
        <Load resource=events let:page>
            <List asked=asked.get_untracked() page=page />
        </Load>
    }
    .into_any()
}

/// "By: Mina", while the list shows what one of them did, or what was done to one thing. The name
/// is the one of the latest entry.
#[component]
fn OneChip(
    events: Resource<AppResult<Page<AuditEvent>>>,
    name: &'static str,
    label: &'static str,
    of: fn(&AuditEvent) -> String,
) -> impl IntoView {
    let address = use_address();
    view! {
        <Transition>
            {move || {
                let address = address.clone();
                Suspend::new(async move {
                    let page = events.await.ok();
                    address
                        .get(name)
                        .map(|_| {
                            let one = page
                                .and_then(|page| page.items.first().map(of))
                                .filter(|name| !name.is_empty())
                                .unwrap_or_else(|| "unknown".to_owned());
                            view! { <ChosenChip name=name text=format!("{label}: {one}") /> }
                        })
                })
            }}
        </Transition>
    }
}

#[component]
fn List(asked: (ListQuery, AuditLogFilter), page: Page<AuditEvent>) -> impl IntoView {
    let (list, filter) = asked;
    if page.total == 0 && list.q.is_none() && filter == AuditLogFilter::default() {
        let text = "Every sign-in, setting, secret, approval, export and run started by hand \
                    leaves an entry here: who, when, from where, and what was so before.";
        return view! { <Empty title="Nothing was changed yet" text=text /> }.into_any();
    }
    let total = page.total;
    let show_customer = list.customer.is_none();
    let rows = page
        .items
        .into_iter()
        .map(|event| view! { <Row event=event show_customer=show_customer /> }.into_any())
        .collect();
    view! {
        <ListTable label="Audit Log" many="entries" asked=list.page total=total rows=rows>
            <Head label="Action" />
            <Head label="Object" class="grow" />
            <Head label="Who" />
            {show_customer.then(|| view! { <Head label="Customer" /> })}
            <Head label="From" />
            <SortHead label="Time" column="time" first=true largest_first=true />
        </ListTable>
    }
    .into_any()
}

#[component]
fn Row(event: AuditEvent, show_customer: bool) -> impl IntoView {
    let address = use_address();
    let href = address.keep(&routes::audit_event(event.id));
    let refused = matches!(
        event.action,
        AuditAction::OperatorSignInFailed
            | AuditAction::OperatorSignInSlowed
            | AuditAction::OperatorPasswordRefused
    );
    let object = event.object_name;
    let who = event.actor;
    view! {
        <tr role="row">
            <td role="cell" class="whitespace-nowrap">
                <span class="inline-flex items-center gap-1.5">
                    {refused
                        .then(|| view! { <Icon name="triangle-alert" small=true class="text-warning" /> })}
                    <a class="rc-rowlink" href=href>{event.action.title()}</a>
                </span>
            </td>
            <td role="cell" class="grow max-md:order-3 max-md:text-muted">
                <bdi class="block truncate" title=object.clone()>{object.clone()}</bdi>
            </td>
            <td role="cell" class="max-md:order-4 max-md:justify-self-end">
                <bdi class="block truncate max-w-52" title=who.clone()>{who.clone()}</bdi>
            </td>
            <CustomerCell show=show_customer name=event.customer_name.unwrap_or_default() />
            <td role="cell" class="text-muted whitespace-nowrap max-md:hidden">
                {event.address.unwrap_or_else(|| event.channel.title().to_owned())}
            </td>
            <td
                role="cell"
                class="text-muted whitespace-nowrap max-md:order-2 max-md:justify-self-end"
            >
                <RelativeTime at=event.at />
            </td>
        </tr>
    }
    .into_any()
}
