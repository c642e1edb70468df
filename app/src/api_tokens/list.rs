//! The list of API tokens.

use domain::{
    api_token::{ApiToken, ApiTokenState},
    paging::Page,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;

use super::{customers_in_words, mark};
use crate::ui::{list::past_the_end, prelude::*, time::now_millis};

/// Tokens under the list's search and filters.
#[server(endpoint = "api-tokens/list", input = Json)]
pub(crate) async fn list_tokens(
    list: ListQuery,
    state: Option<ApiTokenState>,
) -> AppResult<Page<ApiToken>> {
    use backend::store::tokens::{self, ApiTokenQuery};
    let (backend, scope) = crate::session::caller().await?;
    let query = ApiTokenQuery {
        q: list.q,
        state,
        customer: list.customer,
        page: list.page,
        sort: list.sort,
        direction: list.direction,
    };
    Ok(tokens::list(&backend, &scope, query).await?)
}

/// The page. Making a token is a child route with a dialog.
#[component]
pub fn ApiTokensPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let add = {
        let address = address.clone();
        move || address.at(routes::API_TOKEN_ADD, &[])
    };
    let asked = Memo::new({
        let address = address.clone();
        move |_| (address.list(), address.parsed::<ApiTokenState>("state"))
    });
    let tokens = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, state), _)| list_tokens(list, state),
    );
    view! {
        <PageHead title="API Tokens">
            <a class="btn" href=routes::API_DOCS rel="external">
                <Icon name="external-link" />
                "API"
            </a>
            <a class="btn btn-primary" href=add data-noscroll="true">
                <Icon name="plus" />
                "New API Token"
            </a>
        </PageHead>
        <ListBar label="API Tokens">
            <FilterChip
                name="state"
                label="State"
                options=options(ApiTokenState::ALL, ApiTokenState::title)
            />
            <TotalOf resource=tokens one="token" many="tokens" />
        </ListBar>
        <Load
            resource=tokens
            children=move |page| {
                let (list, state) = asked.get_untracked();
                if !page.items.is_empty() || past_the_end(&page, list.page) {
                    return view! {
                        <List tokens=page.items />
                        <Pager page=list.page total=page.total />
                    }
                        .into_any();
                }
                if list.q.is_some() || list.customer.is_some() || state.is_some() {
                    return view! { <NoMatch many="tokens" /> }.into_any();
                }
                view! {
                    <Empty
                        title="No API token yet"
                        text="A program signs in with a token: it may do what you choose, never more than you may yourself, and ends when you say."
                    />
                }
                    .into_any()
            }
        />
        <Outlet />
    }
    .into_any()
}

#[component]
fn List(tokens: Vec<ApiToken>) -> impl IntoView {
    let rows = tokens
        .into_iter()
        .map(|token| view! { <Row token=token /> })
        .collect_view();
    view! {
        <table class="rc-table bleed rc-stack rows" role="table" aria-label="API Tokens">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label="Name" column="name" first=true class="grow" />
                    <Head label="For" />
                    <SortHead label="Role" column="role" />
                    <Head label="Customers" />
                    <Head label="State" />
                    <SortHead label="Ends" column="ends" />
                    <SortHead label="Last used" column="last_used" largest_first=true />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(token: ApiToken) -> impl IntoView {
    let customers = customers_in_words(&token);
    let (role, kind) = (token.role.title(), token.kind.title());
    let (ends, used) = (token.expires_at, token.last_used_at);
    let by = token.created_by.clone();
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <a class="rc-rowlink block truncate" href=routes::api_token(token.id)>
                    <bdi title=token.name.clone()>{token.name.clone()}</bdi>
                </a>
            </td>
            <td role="cell" class="text-muted max-md:order-3">
                <span class="block truncate max-w-56" title=by.clone()>
                    {kind} ", by " <bdi>{by.clone()}</bdi>
                </span>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:order-4">{role}</td>
            <td role="cell" class="whitespace-nowrap max-md:hidden">{customers}</td>
            <td role="cell" class="whitespace-nowrap">
                {move || view! { <Status of=mark(&token, now_millis()) /> }}
            </td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                <RelativeTime at=ends />
            </td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                {match used {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => view! { <span class="text-faint">"Never"</span> }.into_any(),
                }}
            </td>
        </tr>
    }
    .into_any()
}
