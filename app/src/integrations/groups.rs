//! The tab Groups: what an integration keeps in the directory.

use domain::{group::GroupLine, id::IntegrationId, paging::Page, policy::ObjectType};
use leptos::{server, server_fn::codec::Json};

use super::head::{of_integration, use_id};
use crate::ui::{list::past_the_end, prelude::*};

/// Groups of the directory that come from an integration.
#[server(endpoint = "integrations/groups", input = Json)]
pub(crate) async fn integration_groups(
    id: IntegrationId,
    query: ListQuery,
) -> AppResult<Page<GroupLine>> {
    use backend::store::groups;
    let (backend, scope) = crate::session::caller().await?;
    let query = groups::GroupQuery {
        integration_id: Some(id),
        q: query.q,
        page: query.page,
        sort: query.sort,
        direction: query.direction,
        ..Default::default()
    };
    Ok(groups::list(&backend, &scope, query).await?)
}

/// The tab.
#[component]
pub fn GroupsTab() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| address.list());
    let groups = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, query, _)| of_integration(id, move |id| integration_groups(id, query)),
    );
    view! {
        <div class="contents group">
            <div class="group-has-[.rc-none]:hidden">
                <ListBar label="Groups">
                    <TotalOf resource=groups one="group" many="groups" />
                </ListBar>
            </div>
            <Load
                resource=groups
                children=move |page| {
                    let asked = asked.get_untracked();
                    if page.total == 0 && asked.q.is_none() {
                        return view! {
                            <div class="rc-none contents">
                                <Empty
                                    title="No groups yet"
                                    text="The groups of this integration’s scope come in with a sync, and stand here \
                                    with their members."
                                />
                            </div>
                        }
                            .into_any();
                    }
                    if page.items.is_empty() && !past_the_end(&page, asked.page) {
                        return view! { <NoMatch many="groups" /> }.into_any();
                    }
                    view! {
                        <Table groups=page.items />
                        <Pager page=asked.page total=page.total />
                    }
                        .into_any()
                }
            />
        </div>
    }
    .into_any()
}

#[component]
fn Table(groups: Vec<GroupLine>) -> impl IntoView {
    let rows = groups
        .into_iter()
        .map(|line| view! { <Row line=line /> })
        .collect_view();
    view! {
        <table class="rc-table bleed rc-stack rows" role="table" aria-label="Groups">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label="Name" column="name" first=true class="grow" />
                    <SortHead label="Kind" column="kind" />
                    <SortHead label="Status" column="status" />
                    <SortHead label="User Count" column="users" largest_first=true class="n" />
                    <Head label="Effective" class="n" />
                    <SortHead label="Changed" column="changed" largest_first=true />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(line: GroupLine) -> impl IntoView {
    let GroupLine {
        group,
        dynamic,
        selected,
        changed_at,
        ..
    } = line;
    let address = use_address();
    let kind = if dynamic {
        format!("{}, dynamic", group.kind.title())
    } else {
        group.kind.title().to_owned()
    };
    view! {
        <tr role="row">
            <td role="cell" class="grow max-md:col-span-2">
                <span class="flex items-baseline gap-2 min-w-0">
                    <a
                        class="rc-rowlink truncate"
                        href=address.keep(&routes::group(group.id))
                        title=group.display_name.clone()
                    >
                        <bdi>{group.display_name.clone()}</bdi>
                    </a>
                    {selected.then(|| view! { <span class="rc-tag run">"Selected"</span> })}
                </span>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:hidden">
                {kind}
            </td>
            <td role="cell">
                <InDirectory status=group.status of=ObjectType::Group />
            </td>
            <Num value=group.user_count />
            <Num value=group.effective_user_count class="max-md:hidden" />
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                <RelativeTime at=changed_at />
            </td>
        </tr>
    }
    .into_any()
}
