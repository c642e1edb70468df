//! One API token: what it may do, for whom, from where, and when it was used.

use domain::{
    api_token::{ApiToken, ApiTokenKind, ApiTokenState},
    id::{ApiTokenId, CustomerId},
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};

use super::{customers_in_words, mark};
use crate::{
    session::{may, use_operator},
    ui::{prelude::*, time::now_millis},
};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenView {
    /// The token.
    pub(super) token: ApiToken,
    /// The names of the customers that it lists.
    customers: Vec<(CustomerId, String)>,
}

/// One API token.
#[server(endpoint = "api-tokens/view", input = Json)]
pub(crate) async fn view_token(id: ApiTokenId) -> AppResult<TokenView> {
    use backend::store::{operators, tokens};
    let (backend, scope) = crate::session::caller().await?;
    let token = tokens::get(&backend, &scope, id).await?;
    let listed = token.customer_ids.clone().unwrap_or_default();
    Ok(TokenView {
        customers: operators::names_of(&backend, &scope, &listed).await?,
        token,
    })
}

/// The token's id in the path.
pub(super) fn use_token_id() -> Memo<Option<ApiTokenId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// The refusal where the path holds no id.
pub(super) fn no_token() -> AppError {
    AppError::NotFound {
        what: "API token".to_owned(),
    }
}

/// The token in the path, read again after each change.
pub(super) fn use_view() -> Resource<AppResult<TokenView>> {
    let changes = use_changes();
    let id = use_token_id();
    Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_token(id).await,
                None => Err(no_token()),
            }
        },
    )
}

/// The page. Rotating, taking over and revoking are child routes with dialogs.
#[component]
pub fn ApiTokenPage() -> impl IntoView {
    let view = use_view();
    view! {
        <Load resource=view whole=true let:view>
            <Page view=view />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Page(view: TokenView) -> impl IntoView {
    let TokenView { token, customers } = view;
    let facts = {
        let token = token.clone();
        move || {
            let of = token.clone();
            view! {
                {move || view! { <Status of=mark(&of, now_millis()) /> }}
                <span>{token.kind.title()}</span>
                <span>{token.role.title()}</span>
                <span>{customers_in_words(&token)}</span>
            }
            .into_any()
        }
    };
    let acted_on = token.clone();
    view! {
        <PageHead
            title=token.name.clone()
            parent=(routes::API_TOKENS.to_owned(), "API Tokens".to_owned())
            facts=facts
        >
            <Actions token=acted_on />
        </PageHead>
        <Stopped token=token.clone() />
        <Facts token=token customers=customers />
    }
    .into_any()
}

#[component]
fn Actions(token: ApiToken) -> impl IntoView {
    let me = use_operator();
    let own = token.operator_id == Some(me.id);
    let administers = may(Permission::TokensWrite) && me.role.holds(token.role);
    let usable = matches!(token.state, ApiTokenState::Active | ApiTokenState::Stopped);
    let for_a_program = token.kind == ApiTokenKind::Program;
    let id = token.id;
    view! {
        {(usable && (own || (administers && for_a_program)))
            .then(|| {
                view! {
                    <a class="btn" href=routes::api_token_rotate(id) data-noscroll="true">
                        <Icon name="rotate-cw" />
                        "Rotate"
                    </a>
                }
            })}
        {(usable && !own && administers && for_a_program)
            .then(|| {
                view! {
                    <a class="btn" href=routes::api_token_take_over(id) data-noscroll="true">
                        <Icon name="user-check" />
                        "Take over"
                    </a>
                }
            })}
        {(token.state != ApiTokenState::Revoked && (own || administers))
            .then(|| {
                view! {
                    <a class="btn" href=routes::api_token_revoke(id) data-noscroll="true">
                        <Icon name="ban" />
                        "Revoke"
                    </a>
                }
            })}
    }
    .into_any()
}

/// Why a token can't be used that was neither revoked nor has ended.
#[component]
fn Stopped(token: ApiToken) -> impl IntoView {
    if token.state != ApiTokenState::Stopped {
        return ().into_any();
    }
    view! {
        <div class="rc-note mx-6 mb-4 max-md:mx-4" role="status">
            <Icon name="circle-alert" class="text-warning mt-0.5" />
            <p>
                "It can’t be used: the operator who answers for it is disabled, or has a role that \
                 needs a second factor and has none. It can be again once that is mended"
                {match token.kind {
                    ApiTokenKind::Program => ", or somebody takes it over.",
                    ApiTokenKind::Personal => ".",
                }}
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn Facts(token: ApiToken, customers: Vec<(CustomerId, String)>) -> impl IntoView {
    let names = customers
        .into_iter()
        .map(|(id, name)| {
            view! {
                <li>
                    <a class="rc-link" href=routes::customer(id)><bdi>{name}</bdi></a>
                </li>
            }
        })
        .collect_view();
    let listed = token.customer_ids.is_some();
    let networks = match token.addresses.as_slice() {
        [] => "From anywhere".to_owned(),
        networks => networks.join(", "),
    };
    let from = token.last_used_address.clone();
    view! {
        <dl class="rc-kv px-6 py-4 border-y border-line max-md:px-4">
            <dt>"For"</dt>
            <dd>
                {token.kind.title()} ", made by " <bdi>{token.created_by.clone()}</bdi> " "
                <RelativeTime at=token.created_at />
            </dd>
            {token
                .operator_name
                .clone()
                .map(|name| {
                    view! {
                        <dt>"Operator"</dt>
                        <dd><bdi>{name}</bdi> " answers for it"</dd>
                    }
                })}
            <dt>"Role"</dt>
            <dd>
                {token.role.title()} ". " {token.role.words()} " "
                <a class="rc-link" href=routes::ROLES>"What it may do"</a>
            </dd>
            <dt>"Customers"</dt>
            <dd>
                {customers_in_words(&token)}
                {listed
                    .then(|| {
                        view! {
                            <ul
                                class="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 max-h-40 overflow-auto"
                                aria-label="Listed customers"
                                tabindex="0"
                            >
                                {names}
                            </ul>
                        }
                    })}
            </dd>
            <dt>"Networks"</dt>
            <dd class="rc-num wrap-anywhere">{networks}</dd>
            <dt>"Last used"</dt>
            <dd>
                {match token.last_used_at {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => "Never".into_any(),
                }}
                {from.map(|from| view! { ", from " <span class="rc-num">{from}</span> })}
            </dd>
            <dt>"Ends"</dt>
            <dd><ExactTime at=token.expires_at /></dd>
            {token
                .previous_ends_at
                .map(|end| {
                    view! {
                        <dt>"Secret before"</dt>
                        <dd>"Good until " <ExactTime at=end /></dd>
                    }
                })}
            {token
                .revoked_at
                .map(|at| {
                    view! {
                        <dt>"Revoked"</dt>
                        <dd><ExactTime at=at /></dd>
                    }
                })}
        </dl>
        <p class="px-6 pt-3 pb-10 text-muted max-md:px-4 max-w-3xl">
            "It never may do more than the operator who answers for it may at that moment: what is \
             taken from them is taken from it, with its next request."
        </p>
    }
    .into_any()
}
