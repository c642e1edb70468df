//! The list of users, of one customer or of all.

use std::collections::BTreeMap;

use domain::{
    countdown::CountdownState,
    enrolment::EnrolmentState,
    grid::{GridColumn, GridList},
    id::GroupId,
    made_here::{Editable, editable},
    permission::Permission,
    policy::ObjectType,
    protection::ProtectedFilter,
    user::{DirectoryStatus, SourceType, UserLine},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;
use serde::{Deserialize, Serialize};

use super::status::Restore;
#[cfg(feature = "ssr")]
use crate::grid::columns_of;
use crate::{
    enrolment::state_mark,
    grid::{GridLine, GridPage, ManageViews, MoreCell, TickAll, TickCell, Ticked, ViewsMenu},
    session::may,
    ui::{
        prelude::*,
        table::{
            BelowCell, ChangedCell, CustomerCell, DeletionCell, ListTable, NameCell, StatusCell,
        },
    },
};

/// What the list is filtered by, beside the customer and the search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UserFilter {
    status: Option<DirectoryStatus>,
    source_type: Option<SourceType>,
    group: Option<GroupId>,
    countdown: Option<CountdownState>,
    protected: Option<ProtectedFilter>,
    enrolment: Option<EnrolmentState>,
    guest: Option<bool>,
    administrator: Option<bool>,
}

/// Users under the list's search and filters, with the columns they are shown with: those of the
/// address, else the operator's own.
#[server(endpoint = "users/list", input = Json)]
pub(crate) async fn list_users(
    list: ListQuery,
    filter: UserFilter,
    columns: Option<String>,
) -> AppResult<GridPage<UserLine>> {
    use backend::store::users::{self, UserQuery};
    let (backend, scope) = crate::session::caller().await?;
    let columns = columns_of(&backend, &scope, GridList::Users, columns.as_deref()).await?;
    let query = UserQuery {
        sort: list.sort,
        customer_id: list.customer,
        q: list.q,
        status: filter.status,
        source_type: filter.source_type,
        group_id: filter.group,
        countdown: filter.countdown,
        protected: filter.protected,
        enrolment: filter.enrolment,
        guest: filter.guest,
        administrator: filter.administrator,
        page: list.page,
        direction: list.direction,
        ..UserQuery::default()
    };
    let page = users::list(&backend, &scope, query).await?;
    let ids: Vec<_> = page.items.iter().map(|line| line.user.id).collect();
    let more = users::more_cells(&backend, &scope, &ids, &columns).await?;
    let groups = match list.customer {
        Some(customer) if scope.can(Permission::DirectoryWrite) && page.total > 0 => {
            users::group_choice(&backend, &scope, customer, None).await?
        }
        _ => Vec::new(),
    };
    Ok(GridPage {
        page,
        columns,
        groups,
        more,
    })
}

/// The name of the group the list is filtered by.
#[server(endpoint = "users/group-name", input = Json)]
pub(crate) async fn group_name(group: GroupId) -> AppResult<String> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::groups::name(&backend, &scope, group).await?)
}

/// The page. What is added over it is a child route with a dialog.
#[component]
pub fn UsersPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let add = {
        let address = address.clone();
        move || address.at(routes::USER_ADD, &[])
    };
    let asked = Memo::new(move |_| {
        (
            address.list(),
            UserFilter {
                status: address.parsed("status"),
                source_type: address.parsed("source_type"),
                group: address.parsed("group"),
                countdown: address.parsed("countdown"),
                protected: address.parsed("protected"),
                enrolment: address.parsed("enrolment"),
                guest: address.parsed("guest"),
                administrator: address.parsed("administrator"),
            },
            address.get("columns"),
        )
    });
    let customer = Memo::new(move |_| asked.with(|(list, ..)| list.customer));
    let ticked = Ticked::none();
    let users = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter, columns), _)| list_users(list, filter, columns),
    );
    view! {
        <PageHead title="Users">
            {move || {
                let customer = customer.get().filter(|_| may(Permission::DirectoryWrite));
                customer
                    .map(|customer| {
                        view! {
                            <a class="btn" href=routes::customer_imports(customer)>
                                <Icon name="file-up" />
                                "Import"
                            </a>
                        }
                    })
            }}
            {may(Permission::DirectoryWrite)
                .then(|| {
                    view! {
                        <a class="btn btn-primary" href=add data-noscroll="true">
                            <Icon name="plus" />
                            "Add User"
                        </a>
                    }
                })}
        </PageHead>
        <ListBar label="Users">
            <GroupChip />
            <FilterChip
                name="status"
                label="User Status"
                options=options(DirectoryStatus::ALL, DirectoryStatus::title)
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
            <FilterChip
                name="protected"
                label="Protected"
                options=options(ProtectedFilter::ALL, ProtectedFilter::title)
            />
            <FilterChip
                name="enrolment"
                label="Enrolment"
                options=options(EnrolmentState::ALL, EnrolmentState::title)
            />
            <FilterChip name="guest" label="Guest" options=yes_or_no() />
            <FilterChip name="administrator" label="Administrator" options=yes_or_no() />
            <div class="ms-auto"><ViewsMenu list=GridList::Users /></div>
        </ListBar>
        <Load resource=users let:grid>
            <List asked=asked.get_untracked() grid=grid ticked=ticked />
        </Load>
        <Outlet />
    }
    .into_any()
}

/// Manage views.
#[component]
pub fn ViewsDialog() -> impl IntoView {
    view! { <ManageViews list=GridList::Users /> }
}

fn yes_or_no() -> Vec<(String, String)> {
    let both = [("true", "Yes"), ("false", "No")];
    both.map(|(value, word)| (value.to_owned(), word.to_owned()))
        .to_vec()
}

/// "Group: Sales", while the list shows one group's users.
#[component]
fn GroupChip() -> impl IntoView {
    let address = use_address();
    let group = Memo::new(move |_| address.parsed::<GroupId>("group"));
    let name = Resource::new(
        move || group.get(),
        |group| async move {
            match group {
                Some(group) => group_name(group).await.map(Some),
                None => Ok(None),
            }
        },
    );
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let name = match name.await {
                    Ok(name) => name,
                    Err(_) => Some("unknown".to_owned()),
                };
                name.map(|name| view! { <ChosenChip name="group" text=format!("Group: {name}") /> })
            })}
        </Transition>
    }
}

#[component]
fn List(
    asked: (ListQuery, UserFilter, Option<String>),
    grid: GridPage<UserLine>,
    ticked: Ticked,
) -> impl IntoView {
    let (list, filter, _) = asked;
    let filtered = list.q.is_some() || filter != UserFilter::default();
    if grid.page.total == 0 && !filtered {
        return view! { <Nobody /> }.into_any();
    }
    let total = grid.page.total;
    let write = may(Permission::DirectoryWrite);
    let on_page = grid.page.items.iter().map(|line| line.user.id.0).collect();
    ticked.shows(on_page);
    let shown = Shown {
        // One customer's own list says it above.
        customer: list.customer.is_none() && grid.shows(GridColumn::Customer),
        // Among the deleted are those in the bin.
        bin: filter.status == Some(DirectoryStatus::Deleted) && write,
        ticks: write.then_some(ticked),
        columns: grid.columns,
    };
    let (mut more, groups) = (grid.more, grid.groups);
    let rows = grid
        .page
        .items
        .into_iter()
        .map(|line| {
            let more = more.remove(&line.user.id.0).unwrap_or_default();
            view! { <Row line=line more=more shown=shown.clone() /> }.into_any()
        })
        .collect();
    let columns = shown.columns.clone();
    view! {
        <GridLine
            list=GridList::Users
            total=total
            columns=columns
            groups=groups
            ticked=shown.ticks
        />
        <ListTable
            label="Users"
            many="users"
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
            C::UserName => view! { <SortHead label="User Name" column="user_name" /> }.into_any(),
            C::Status => view! { <SortHead label="User Status" column="status" /> }.into_any(),
            C::Source => view! { <SortHead label="Source Type" column="source" /> }.into_any(),
            C::Changed => {
                view! { <SortHead label="Changed" column="changed" largest_first=true /> }
                    .into_any()
            }
            C::Groups => view! { <Head label="Groups" class="n" /> }.into_any(),
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

/// Before anybody was synced or added.
#[component]
fn Nobody() -> impl IntoView {
    let address = use_address();
    let integrations = address.keep(routes::INTEGRATIONS);
    view! {
        <Empty
            title="No users yet"
            text="Users come with the first Full Sync of an integration, or are added here."
        >
            <a class="btn btn-primary" href=integrations>"Integrations"</a>
        </Empty>
    }
}

#[component]
fn Row(line: UserLine, more: BTreeMap<GridColumn, String>, shown: Shown) -> impl IntoView {
    let (address, mut more) = (use_address(), more);
    let user = &line.user;
    let (id, name) = (user.id, user.display_name.clone());
    let restorable = editable(user.source_type, user.integration_id) == Editable::Here;
    let href = address.keep(&routes::user(id));
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
            <NameCell href=href name=name />
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
fn cell(column: GridColumn, line: &UserLine, more: Option<String>) -> AnyView {
    use GridColumn as C;
    let user = &line.user;
    match column {
        C::UserName => view! { <BelowCell text=user.user_principal_name.clone() /> }.into_any(),
        C::Customer => {
            view! { <CustomerCell show=true name=line.customer_name.clone() /> }.into_any()
        }
        C::Status => view! {
            <StatusCell
                status=user.status
                of=ObjectType::User
                protected=line.protected
                delete_at=line.delete_at
            />
        }
        .into_any(),
        C::Source => view! {
            <td role="cell" class="max-md:hidden"><Source source=user.source_type /></td>
        }
        .into_any(),
        C::Enrolment => view! {
            <td role="cell" class="max-md:hidden"><Status of=state_mark(line.enrolment) /></td>
        }
        .into_any(),
        C::Protected => view! {
            <td role="cell" class="max-md:hidden"><YesNo yes=line.protected /></td>
        }
        .into_any(),
        C::Countdown => view! { <DeletionCell at=line.delete_at /> }.into_any(),
        C::Groups => view! { <Num value=line.groups class="max-md:hidden" /> }.into_any(),
        C::Changed => view! { <ChangedCell at=line.changed_at /> }.into_any(),
        other => view! { <MoreCell column=other text=more /> }.into_any(),
    }
}
