//! The list of groups, of one customer or of all.

use std::collections::BTreeMap;

use domain::{
    countdown::CountdownState,
    grid::{GridColumn, GridList},
    group::{GroupKind, GroupLine},
    made_here::{Editable, editable},
    permission::Permission,
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;
use serde::{Deserialize, Serialize};

use super::change::Restore;
#[cfg(feature = "ssr")]
use crate::grid::columns_of;
use crate::{
    grid::{GridLine, GridPage, ManageViews, MoreCell, TickAll, TickCell, Ticked, ViewsMenu},
    session::may,
    ui::{
        prelude::*,
        table::{ChangedCell, CustomerCell, DeletionCell, ListTable, StatusCell},
    },
};

/// What the list is filtered by, beside the customer and the search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GroupFilter {
    status: Option<DirectoryStatus>,
    source_type: Option<SourceType>,
    kind: Option<GroupKind>,
    countdown: Option<CountdownState>,
}

/// Groups under the list's search and filters, with the columns they are shown with.
#[server(endpoint = "groups/list", input = Json)]
pub(crate) async fn list_groups(
    list: ListQuery,
    filter: GroupFilter,
    columns: Option<String>,
) -> AppResult<GridPage<GroupLine>> {
    use backend::store::groups::{self, GroupQuery};
    let (backend, scope) = crate::session::caller().await?;
    let columns = columns_of(&backend, &scope, GridList::Groups, columns.as_deref()).await?;
    let query = GroupQuery {
        sort: list.sort,
        customer_id: list.customer,
        q: list.q,
        status: filter.status,
        source_type: filter.source_type,
        kind: filter.kind,
        countdown: filter.countdown,
        page: list.page,
        direction: list.direction,
        ..GroupQuery::default()
    };
    let page = groups::list(&backend, &scope, query).await?;
    let ids: Vec<_> = page.items.iter().map(|line| line.group.id).collect();
    let more = groups::more_cells(&backend, &scope, &ids, &columns).await?;
    Ok(GridPage {
        groups: Vec::new(),
        page,
        columns,
        more,
    })
}

/// The page. What is added over it is a child route with a dialog.
#[component]
pub fn GroupsPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let add = {
        let address = address.clone();
        move || address.at(routes::GROUP_ADD, &[])
    };
    let asked = Memo::new(move |_| {
        (
            address.list(),
            GroupFilter {
                status: address.parsed("status"),
                source_type: address.parsed("source_type"),
                kind: address.parsed("kind"),
                countdown: address.parsed("countdown"),
            },
            address.get("columns"),
        )
    });
    let ticked = Ticked::none();
    let groups = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter, columns), _)| list_groups(list, filter, columns),
    );
    view! {
        <PageHead title="Groups">
            {may(Permission::DirectoryWrite)
                .then(|| {
                    view! {
                        <a class="btn btn-primary" href=add data-noscroll="true">
                            <Icon name="plus" />
                            "Add Group"
                        </a>
                    }
                })}
        </PageHead>
        <ListBar label="Groups">
            <FilterChip
                name="status"
                label="Status"
                options=options(DirectoryStatus::ALL, DirectoryStatus::title)
            />
            <FilterChip
                name="kind"
                label="Kind"
                options=options(&[GroupKind::Security, GroupKind::Microsoft365], GroupKind::title)
            />
            <FilterChip
                name="source_type"
                label="Source Type"
                options=options(SourceType::ALL, SourceType::as_str)
            />
            <FilterChip
                name="countdown"
                label="Deletion"
                options=options(CountdownState::ALL, CountdownState::title)
            />
            <div class="ms-auto"><ViewsMenu list=GridList::Groups /></div>
        </ListBar>
        <Load resource=groups let:grid>
            <List asked=asked.get_untracked() grid=grid ticked=ticked />
        </Load>
        <Outlet />
    }
    .into_any()
}

/// Manage views.
#[component]
pub fn ViewsDialog() -> impl IntoView {
    view! { <ManageViews list=GridList::Groups /> }
}

#[component]
fn List(
    asked: (ListQuery, GroupFilter, Option<String>),
    grid: GridPage<GroupLine>,
    ticked: Ticked,
) -> impl IntoView {
    let (list, filter, _) = asked;
    let filtered = list.q.is_some() || filter != GroupFilter::default();
    if grid.page.total == 0 && !filtered {
        return view! { <Nothing /> }.into_any();
    }
    let total = grid.page.total;
    let write = may(Permission::DirectoryWrite);
    let on_page = grid.page.items.iter().map(|line| line.group.id.0).collect();
    ticked.shows(on_page);
    let shown = Shown {
        customer: list.customer.is_none() && grid.shows(GridColumn::Customer),
        // Among the deleted are those in the bin.
        bin: filter.status == Some(DirectoryStatus::Deleted) && write,
        ticks: write.then_some(ticked),
        columns: grid.columns,
    };
    let mut more = grid.more;
    let rows = grid
        .page
        .items
        .into_iter()
        .map(|line| {
            let more = more.remove(&line.group.id.0).unwrap_or_default();
            view! { <Row line=line more=more shown=shown.clone() /> }.into_any()
        })
        .collect();
    let columns = shown.columns.clone();
    view! {
        <GridLine
            list=GridList::Groups
            total=total
            columns=columns
            groups=Vec::new()
            ticked=shown.ticks
        />
        <ListTable
            label="Groups"
            many="groups"
            asked=list.page
            total=total
            capped=true
            rows=rows
        >
            <Heads shown=shown.clone() />
        </ListTable>
    }
    .into_any()
}

/// What of a row is shown.
#[derive(Clone)]
struct Shown {
    columns: Vec<GridColumn>,
    customer: bool,
    /// Whether those made here can be restored.
    bin: bool,
    /// Which rows are ticked; none where nobody may change any.
    ticks: Option<Ticked>,
}

#[component]
fn Heads(shown: Shown) -> impl IntoView {
    use GridColumn as C;
    let heads = shown
        .columns
        .iter()
        .filter(|column| **column != C::Customer || shown.customer)
        .map(|column| match column {
            C::Kind => view! { <SortHead label="Kind" column="kind" /> }.into_any(),
            C::Status => view! { <SortHead label="Status" column="status" /> }.into_any(),
            C::Source => view! { <SortHead label="Source Type" column="source" /> }.into_any(),
            C::Users => view! {
                <SortHead label="User Count" column="users" largest_first=true class="n" />
            }
            .into_any(),
            C::Effective => view! { <Head label="Effective" class="n" /> }.into_any(),
            C::Changed => {
                view! { <SortHead label="Changed" column="changed" largest_first=true /> }
                    .into_any()
            }
            C::Customer => view! { <Head label="Customer" /> }.into_any(),
            other => view! { <Head label=other.title() class="max-md:hidden" /> }.into_any(),
        })
        .collect_view();
    view! {
        {shown.ticks.map(|ticked| view! { <TickAll ticked=ticked /> })}
        <SortHead label="Name" column="name" first=true class="grow" />
        {heads}
        {shown.bin.then(|| view! { <Head label="" /> })}
    }
    .into_any()
}

/// Before anything was synced or added.
#[component]
fn Nothing() -> impl IntoView {
    let address = use_address();
    let integrations = address.keep(routes::INTEGRATIONS);
    view! {
        <Empty
            title="No groups yet"
            text="Groups come with the first Full Sync of an integration, or are added here."
        >
            <a class="btn btn-primary" href=integrations>"Integrations"</a>
        </Empty>
    }
}

#[component]
fn Row(line: GroupLine, more: BTreeMap<GridColumn, String>, shown: Shown) -> impl IntoView {
    let (address, mut more) = (use_address(), more);
    let group = &line.group;
    let (id, name) = (group.id, group.display_name.clone());
    // What an integration keeps in step has an object id of its source.
    let restorable =
        group.external_id.is_none() && editable(group.source_type, None) == Editable::Here;
    let href = address.keep(&routes::group(id));
    let cells = shown
        .columns
        .iter()
        .filter(|column| **column != GridColumn::Customer || shown.customer)
        .map(|column| cell(*column, &line, more.remove(column)))
        .collect_view();
    let label = name.clone();
    let ticks = shown.ticks;
    let selected = move || {
        ticks
            .is_some_and(|ticked| ticked.has(id.0))
            .then_some("true")
    };
    view! {
        <tr role="row" aria-selected=selected>
            {shown
                .ticks
                .map(|ticked| view! { <TickCell id=id.0 name=label ticked=ticked /> })}
            <td role="cell" class="grow">
                <span class="flex items-baseline gap-2 min-w-0">
                    <a class="rc-rowlink truncate" href=href>
                        <bdi title=name.clone()>{name.clone()}</bdi>
                    </a>
                    {line.selected.then(|| view! { <span class="rc-tag run">"Selected"</span> })}
                    {line.dynamic.then(|| view! { <span class="rc-tag">"Dynamic"</span> })}
                </span>
            </td>
            {cells}
            {shown
                .bin
                .then(|| {
                    view! {
                        <td role="cell" class="whitespace-nowrap text-end">
                            {restorable.then(|| view! { <Restore id=id class="rc-act" /> })}
                        </td>
                    }
                })}
        </tr>
    }
    .into_any()
}

/// The cell of a column.
fn cell(column: GridColumn, line: &GroupLine, more: Option<String>) -> AnyView {
    use GridColumn as C;
    let group = &line.group;
    match column {
        C::Customer => {
            view! { <CustomerCell show=true name=line.customer_name.clone() /> }.into_any()
        }
        C::Kind => view! {
            <td role="cell" class="whitespace-nowrap text-muted max-md:order-3">
                {group.kind.title()}
            </td>
        }
        .into_any(),
        C::Status => view! {
            <StatusCell status=group.status of=ObjectType::Group delete_at=line.delete_at />
        }
        .into_any(),
        C::Source => view! {
            <td role="cell" class="max-md:hidden"><Source source=group.source_type /></td>
        }
        .into_any(),
        C::Countdown => view! { <DeletionCell at=line.delete_at /> }.into_any(),
        C::Users => view! { <Num value=group.user_count class="max-md:hidden" /> }.into_any(),
        C::Effective => {
            view! { <Num value=group.effective_user_count class="max-md:hidden" /> }.into_any()
        }
        C::Changed => view! { <ChangedCell at=line.changed_at /> }.into_any(),
        other => view! { <MoreCell column=other text=more /> }.into_any(),
    }
}
