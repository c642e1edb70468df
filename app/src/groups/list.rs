//! The list of groups, of one customer or of all.

use domain::{
    group::{GroupKind, GroupLine},
    made_here::{Editable, editable},
    paging::Page,
    permission::Permission,
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;
use serde::{Deserialize, Serialize};

use super::change::Restore;
use crate::{
    session::may,
    ui::{
        prelude::*,
        table::{ChangedCell, CustomerCell, ListTable, StatusCell},
    },
};

/// What the list is filtered by, beside the customer and the search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupFilter {
    status: Option<DirectoryStatus>,
    source_type: Option<SourceType>,
    kind: Option<GroupKind>,
}

/// Groups under the list's search and filters.
#[server(endpoint = "groups/list", input = Json)]
pub(crate) async fn list_groups(
    list: ListQuery,
    filter: GroupFilter,
) -> AppResult<Page<GroupLine>> {
    use backend::store::groups::{self, GroupQuery};
    let (backend, scope) = crate::session::caller().await?;
    let query = GroupQuery {
        sort: list.sort,
        customer_id: list.customer,
        q: list.q,
        status: filter.status,
        source_type: filter.source_type,
        kind: filter.kind,
        page: list.page,
        direction: list.direction,
        ..GroupQuery::default()
    };
    Ok(groups::list(&backend, &scope, query).await?)
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
            },
        )
    });
    let groups = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter), _)| list_groups(list, filter),
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
            <TotalOf resource=groups one="group" many="groups" />
            <ExportCsv path=routes::GROUPS_CSV />
        </ListBar>
        <Load resource=groups let:page>
            <List asked=asked.get_untracked() page=page />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn List(asked: (ListQuery, GroupFilter), page: Page<GroupLine>) -> impl IntoView {
    let (list, filter) = asked;
    let filtered = list.q.is_some()
        || filter.status.is_some()
        || filter.source_type.is_some()
        || filter.kind.is_some();
    if page.total == 0 && !filtered {
        return view! { <Nothing /> }.into_any();
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
        <ListTable label="Groups" many="groups" asked=list.page total=total rows=rows>
            <SortHead label="Name" column="name" first=true class="grow" />
            {show_customer.then(|| view! { <Head label="Customer" /> })}
            <SortHead label="Kind" column="kind" />
            <SortHead label="Status" column="status" />
            <SortHead label="Source Type" column="source" />
            <SortHead label="User Count" column="users" largest_first=true class="n" />
            <Head label="Effective" class="n" />
            <SortHead label="Changed" column="changed" largest_first=true />
            {bin.then(|| view! { <Head label="" /> })}
        </ListTable>
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
fn Row(
    line: GroupLine,
    show_customer: bool,
    /// Whether those made here can be restored.
    bin: bool,
) -> impl IntoView {
    let address = use_address();
    let group = line.group;
    let (id, restorable) = (
        group.id,
        // What an integration keeps in step has an object id of its source.
        group.external_id.is_none() && editable(group.source_type, None) == Editable::Here,
    );
    let href = address.keep(&routes::group(group.id));
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <span class="flex items-baseline gap-2 min-w-0">
                    <a class="rc-rowlink truncate" href=href>
                        <bdi title=group.display_name.clone()>{group.display_name.clone()}</bdi>
                    </a>
                    {line.selected.then(|| view! { <span class="rc-tag run">"Selected"</span> })}
                    {line.dynamic.then(|| view! { <span class="rc-tag">"Dynamic"</span> })}
                </span>
            </td>
            <CustomerCell show=show_customer name=line.customer_name />
            <td role="cell" class="whitespace-nowrap text-muted max-md:order-3">{group.kind.title()}</td>
            <StatusCell status=group.status of=ObjectType::Group delete_at=None />
            <td role="cell" class="max-md:hidden"><Source source=group.source_type /></td>
            <Num value=group.user_count class="max-md:hidden" />
            <Num value=group.effective_user_count class="max-md:hidden" />
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
