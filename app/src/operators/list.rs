//! The list of operators.

use domain::{
    operator::{Operator, OperatorState},
    paging::Page,
    permission::{Permission, Role},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;

use super::mark;
use crate::{
    session::may,
    ui::{list::past_the_end, prelude::*, time::now_millis},
};

/// Operators under the list's search and filters.
#[server(endpoint = "operators/list", input = Json)]
pub(crate) async fn list_operators(
    list: ListQuery,
    role: Option<Role>,
    state: Option<OperatorState>,
) -> AppResult<Page<Operator>> {
    use backend::store::operators::{self, OperatorQuery};
    let (backend, scope) = crate::session::caller().await?;
    let query = OperatorQuery {
        q: list.q,
        role,
        state,
        page: list.page,
        sort: list.sort,
        direction: list.direction,
    };
    Ok(operators::list(&backend, &scope, query).await?)
}

/// The page. Inviting is a child route with a dialog.
#[component]
pub fn OperatorsPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let add = {
        let address = address.clone();
        move || address.at(routes::OPERATOR_INVITE, &[])
    };
    let asked = Memo::new(move |_| {
        (
            address.list(),
            address.parsed::<Role>("role"),
            address.parsed::<OperatorState>("state"),
        )
    });
    let operators = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, role, state), _)| list_operators(list, role, state),
    );
    view! {
        <PageHead title="Operators">
            <a class="btn" href=routes::ROLES>
                <Icon name="shield" />
                "Roles"
            </a>
            {may(Permission::OperatorsWrite)
                .then(|| {
                    view! {
                        <a class="btn btn-primary" href=add data-noscroll="true">
                            <Icon name="user-plus" />
                            "Invite Operator"
                        </a>
                    }
                })}
        </PageHead>
        <ListBar label="Operators">
            <FilterChip name="role" label="Role" options=options(Role::ALL, Role::title) />
            <FilterChip
                name="state"
                label="State"
                options=options(OperatorState::ALL, OperatorState::title)
            />
            <TotalOf resource=operators one="operator" many="operators" />
        </ListBar>
        <Load resource=operators let:page>
            <List asked=asked.get_untracked().0 page=page />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn List(asked: ListQuery, page: Page<Operator>) -> impl IntoView {
    let total = page.total;
    if page.items.is_empty() && !past_the_end(&page, asked.page) {
        return view! { <NoMatch many="operators" /> }.into_any();
    }
    let rows = page
        .items
        .into_iter()
        .map(|operator| view! { <Row operator=operator /> })
        .collect_view();
    view! {
        <table class="rc-table bleed rc-stack rows" role="table" aria-label="Operators">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label="Name" column="name" first=true class="grow" />
                    <SortHead label="E-mail" column="email" />
                    <SortHead label="Role" column="role" />
                    <Head label="Customers" />
                    <Head label="State" />
                    <SortHead
                        label="Last sign-in"
                        column="last_signed_in"
                        largest_first=true
                    />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pager page=asked.page total=total />
    }
    .into_any()
}

#[component]
fn Row(operator: Operator) -> impl IntoView {
    let summary = operator.scope.summary();
    let last = operator.last_signed_in_at;
    let role = operator.role.title();
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <a class="rc-rowlink block truncate" href=routes::operator(operator.id)>
                    <bdi title=operator.name.clone()>{operator.name.clone()}</bdi>
                </a>
            </td>
            <td role="cell" class="text-muted max-md:order-3">
                <span class="block truncate max-w-72" title=operator.email.clone()>
                    {operator.email.clone()}
                </span>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:order-4">{role}</td>
            <td role="cell" class="max-md:hidden">
                <bdi class="block truncate max-w-64" title=summary.clone()>{summary.clone()}</bdi>
            </td>
            <td role="cell" class="whitespace-nowrap">
                {move || view! { <Status of=mark(&operator, now_millis()) /> }}
            </td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                {match last {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => view! { <span class="text-faint">"Never"</span> }.into_any(),
                }}
            </td>
        </tr>
    }
    .into_any()
}
