//! The list of users, of one customer or of all.

use domain::{
    countdown::CountdownState,
    id::GroupId,
    paging::Page,
    protection::ProtectedFilter,
    user::{DirectoryStatus, SourceType, UserLine},
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::ui::{list::past_the_end, prelude::*};

/// What the list is filtered by, beside the customer and the search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserFilter {
    status: Option<DirectoryStatus>,
    source_type: Option<SourceType>,
    group: Option<GroupId>,
    countdown: Option<CountdownState>,
    #[serde(default)]
    protected: Option<ProtectedFilter>,
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

/// The page.
#[component]
pub fn UsersPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| {
        (
            address.list(),
            UserFilter {
                status: address.parsed("status"),
                source_type: address.parsed("source_type"),
                group: address.parsed("group"),
                countdown: address.parsed("countdown"),
                protected: address.parsed("protected"),
            },
        )
    });
    let users = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter), _)| list_users(list, filter),
    );
    view! {
        <PageHead title="Users" />
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
            <TotalOf resource=users one="user" many="users" />
            <ExportCsv path=routes::USERS_CSV />
        </ListBar>
        <Load resource=users let:page>
            <List asked=asked.get_untracked() page=page />
        </Load>
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
        || filter.protected.is_some();
    if page.total == 0 && !filtered {
        return view! { <Nobody /> }.into_any();
    }
    let total = page.total;
    let show_customer = list.customer.is_none();
    let none = page.items.is_empty() && !past_the_end(&page, list.page);
    let rows = page
        .items
        .into_iter()
        .map(|line| view! { <Row line=line show_customer=show_customer /> })
        .collect_view();
    view! {
        {if none {
            view! { <NoMatch many="users" /> }.into_any()
        } else {
            view! {
                <table class="rc-table bleed rc-stack rows" role="table" aria-label="Users">
                    <thead role="rowgroup">
                        <tr role="row">
                            <SortHead label="Name" column="name" first=true class="grow" />
                            <SortHead label="User Name" column="user_name" />
                            {show_customer.then(|| view! { <Head label="Customer" /> })}
                            <SortHead label="User Status" column="status" />
                            <SortHead label="Source Type" column="source" />
                            <Head label="Groups" class="n" />
                            <SortHead label="Changed" column="changed" largest_first=true />
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            }
                .into_any()
        }}
        <Pager page=list.page total=total />
    }
    .into_any()
}

/// Before anything was synced.
#[component]
fn Nobody() -> impl IntoView {
    let address = use_address();
    let integrations = address.keep(routes::INTEGRATIONS);
    view! {
        <Empty
            title="No users yet"
            text="Users come with the first Full Sync of an integration."
        >
            <a class="btn btn-primary" href=integrations>"Integrations"</a>
        </Empty>
    }
}

#[component]
fn Row(line: UserLine, show_customer: bool) -> impl IntoView {
    let address = use_address();
    let user = line.user;
    let href = address.keep(&routes::user(user.id));
    let user_name = user.user_principal_name.unwrap_or_default();
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <a class="rc-rowlink block truncate" href=href>
                    <bdi title=user.display_name.clone()>{user.display_name.clone()}</bdi>
                </a>
            </td>
            <td role="cell" class="text-muted max-md:order-3">
                <bdi class="block truncate max-w-72" title=user_name.clone()>{user_name.clone()}</bdi>
            </td>
            {show_customer
                .then(|| {
                    view! {
                        <td role="cell" class="max-md:hidden">
                            <bdi class="block truncate max-w-44" title=line.customer_name.clone()>
                                {line.customer_name.clone()}
                            </bdi>
                        </td>
                    }
                })}
            <td role="cell" class="max-md:justify-self-end">
                <InDirectory status=user.status />
                {line
                    .protected
                    .then(|| {
                        view! {
                            <span class="flex items-center gap-1 text-xs text-muted">
                                <Icon name="lock" small=true />
                                "Protected"
                            </span>
                        }
                    })}
                {line
                    .delete_at
                    .map(|at| {
                        view! {
                            <span class="block text-xs text-warning whitespace-nowrap">
                                "to be deleted " <RelativeTime at=at plain=true />
                            </span>
                        }
                    })}
            </td>
            <td role="cell" class="max-md:hidden"><Source source=user.source_type /></td>
            <Num value=line.groups class="max-md:hidden" />
            <td role="cell" class="text-muted whitespace-nowrap max-md:order-4 max-md:justify-self-end">
                <RelativeTime at=line.changed_at />
            </td>
        </tr>
    }
}
