//! The list of users, of one customer or of all.

use domain::{
    countdown::CountdownState,
    enrolment::EnrolmentState,
    id::GroupId,
    made_here::{Editable, editable},
    paging::Page,
    permission::Permission,
    policy::ObjectType,
    protection::ProtectedFilter,
    user::{DirectoryStatus, SourceType, UserLine},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;
use serde::{Deserialize, Serialize};

use super::status::Restore;
use crate::{
    enrolment::state_mark,
    session::may,
    ui::{
        prelude::*,
        table::{BelowCell, ChangedCell, CustomerCell, ListTable, NameCell, StatusCell},
    },
};

/// What the list is filtered by, beside the customer and the search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserFilter {
    status: Option<DirectoryStatus>,
    source_type: Option<SourceType>,
    group: Option<GroupId>,
    countdown: Option<CountdownState>,
    #[serde(default)]
    protected: Option<ProtectedFilter>,
    #[serde(default)]
    enrolment: Option<EnrolmentState>,
}

/// Users under the list's search and filters.
#[server(endpoint = "users/list", input = Json)]
pub(crate) async fn list_users(list: ListQuery, filter: UserFilter) -> AppResult<Page<UserLine>> {
    use backend::store::users::{self, UserQuery};
    let (backend, scope) = crate::session::caller().await?;
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
        page: list.page,
        direction: list.direction,
        ..UserQuery::default()
    };
    Ok(users::list(&backend, &scope, query).await?)
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
            },
        )
    });
    let users = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter), _)| list_users(list, filter),
    );
    view! {
        <PageHead title="Users">
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
            <TotalOf resource=users one="user" many="users" />
            <ExportCsv path=routes::USERS_CSV />
        </ListBar>
        <Load resource=users let:page>
            <List asked=asked.get_untracked() page=page />
        </Load>
        <Outlet />
    }
    .into_any()
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
fn List(asked: (ListQuery, UserFilter), page: Page<UserLine>) -> impl IntoView {
    let (list, filter) = asked;
    let filtered = list.q.is_some()
        || filter.status.is_some()
        || filter.source_type.is_some()
        || filter.group.is_some()
        || filter.countdown.is_some()
        || filter.protected.is_some()
        || filter.enrolment.is_some();
    if page.total == 0 && !filtered {
        return view! { <Nobody /> }.into_any();
    }
    let total = page.total;
    let show_customer = list.customer.is_none();
    // Among the deleted are those in the bin.
    let bin = filter.status == Some(DirectoryStatus::Deleted) && may(Permission::DirectoryWrite);
    let rows = page
        .items
        .into_iter()
        .map(|line| view! { <Row line=line show_customer=show_customer bin=bin /> }.into_any())
        .collect();
    view! {
        <ListTable label="Users" many="users" asked=list.page total=total rows=rows>
            <SortHead label="Name" column="name" first=true class="grow" />
            <SortHead label="User Name" column="user_name" />
            {show_customer.then(|| view! { <Head label="Customer" /> })}
            <SortHead label="User Status" column="status" />
            <SortHead label="Source Type" column="source" />
            <Head label="Enrolment" class="max-md:hidden" />
            <Head label="Groups" class="n" />
            <SortHead label="Changed" column="changed" largest_first=true />
            {bin.then(|| view! { <Head label="" /> })}
        </ListTable>
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
fn Row(
    line: UserLine,
    show_customer: bool,
    /// Whether those made here can be restored.
    bin: bool,
) -> impl IntoView {
    let address = use_address();
    let user = line.user;
    let (id, restorable) = (
        user.id,
        editable(user.source_type, user.integration_id) == Editable::Here,
    );
    let href = address.keep(&routes::user(user.id));
    view! {
        <tr role="row">
            <NameCell href=href name=user.display_name />
            <BelowCell text=user.user_principal_name />
            <CustomerCell show=show_customer name=line.customer_name />
            <StatusCell status=user.status of=ObjectType::User protected=line.protected delete_at=line.delete_at />
            <td role="cell" class="max-md:hidden"><Source source=user.source_type /></td>
            <td role="cell" class="max-md:hidden"><Status of=state_mark(line.enrolment) /></td>
            <Num value=line.groups class="max-md:hidden" />
            <ChangedCell at=line.changed_at />
            {bin
                .then(|| {
                    view! {
                        <td role="cell" class="whitespace-nowrap text-end">
                            {restorable.then(|| view! { <Restore id=id class="rc-act" /> })}
                        </td>
                    }
                })}
        </tr>
    }
}
