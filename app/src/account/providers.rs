//! Signing in with an account of an OpenID provider: the buttons that lead there, and which accounts
//! of theirs an operator has linked.

use domain::identity::{LinkedIdentity, SignInProvider, WaysToSignIn};
use leptos::{server, server_fn::codec::Json};
use uuid::Uuid;

use crate::{
    flash::Outcome,
    session::use_returned,
    ui::{form::Post, prelude::*},
};

/// The providers at which one can sign in.
#[server(endpoint = "session/providers", input = Json)]
pub(crate) async fn list_providers() -> AppResult<Vec<SignInProvider>> {
    let offered = crate::session::caller::backend()?.oidc.offered();
    // A server function has to be asynchronous, and there is nothing to wait for.
    Ok(std::future::ready(offered).await)
}

/// The ways in which the operator can sign in.
#[server(endpoint = "account/ways-to-sign-in", input = Json)]
pub(crate) async fn view_ways() -> AppResult<WaysToSignIn> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::auth::oidc::ways_to_sign_in(&backend, &scope).await?)
}

/// Unlinks an account and ends the operator's other sessions.
#[server(endpoint = "account/unlink")]
pub(crate) async fn unlink_account(id: Uuid) -> AppResult<Done> {
    use crate::session::caller;
    let (backend, scope) = caller::caller().await?;
    let keep = caller::session_id(&backend).await?;
    backend::auth::oidc::unlink(&backend, &scope, id, keep).await?;
    crate::session::done("Account unlinked, other sessions ended", None).await
}

/// Why nothing came of going to a provider, on the page that one was led back to.
#[component]
pub(super) fn ProviderRefusal() -> impl IntoView {
    let returned = use_returned(routes::PROVIDER_SIGN_IN);
    returned.and_then(|returned| match returned.outcome {
        Outcome::Refused(error) => Some(view! { <ErrorNote error=error /> }),
        Outcome::Tested(_) => None,
    })
}

/// A button for each provider, and "or" between them and what comes below; nothing where there is no
/// provider.
#[component]
pub(super) fn ProviderButtons(
    /// What stands before a provider's name: "Sign in with".
    words: &'static str,
    /// What goes along with it, as `routes::provider_sign_in` takes it.
    query: Vec<(String, String)>,
) -> impl IntoView {
    let providers = Resource::new(|| (), |()| list_providers());
    let query = StoredValue::new(query);
    view! {
        <Load
            resource=providers
            children=move |providers| {
                if providers.is_empty() {
                    return ().into_any();
                }
                let buttons = providers
                    .into_iter()
                    .map(|provider| {
                        let href = query
                            .with_value(|query| routes::provider_sign_in(&provider.id, query));
                        view! {
                            <a class="btn btn-lg w-full" href=href rel="external">
                                <span class="truncate">{words} " " {provider.title}</span>
                            </a>
                        }
                    })
                    .collect_view();
                view! {
                    <div class="flex flex-col gap-2">{buttons}</div>
                    <div
                        class="flex items-center gap-3 my-5 text-muted text-xs"
                        aria-hidden="true"
                    >
                        <span class="h-px flex-1 bg-line"></span>
                        "or"
                        <span class="h-px flex-1 bg-line"></span>
                    </div>
                }
                    .into_any()
            }
        />
    }
    .into_any()
}

/// The part of My Account about accounts of providers; nothing where there is neither a provider nor
/// an account.
#[component]
pub(super) fn LinkedAccounts() -> impl IntoView {
    let changes = use_changes();
    let ways = Resource::new(move || changes.follow(), |_| view_ways());
    let unlink = use_post::<UnlinkAccount>();
    view! {
        <Load
            resource=ways
            children=move |ways: WaysToSignIn| {
                if ways.providers.is_empty() && ways.identities.is_empty() {
                    return ().into_any();
                }
                view! { <Section ways=ways unlink=unlink /> }.into_any()
            }
        />
    }
    .into_any()
}

#[component]
fn Section(ways: WaysToSignIn, unlink: Post<UnlinkAccount>) -> impl IntoView {
    let query = vec![("link".to_owned(), "1".to_owned())];
    let links = ways
        .providers
        .iter()
        .map(|provider| {
            view! {
                <a
                    class="btn"
                    href=routes::provider_sign_in(&provider.id, &query)
                    rel="external"
                >
                    <Icon name="plus" />
                    "Link an account of "
                    {provider.title.clone()}
                </a>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-accounts" class="border-t border-line pt-4 mt-6">
            <h2 id="h-accounts" class="text-base mb-1">"Accounts you sign in with"</h2>
            <ProviderRefusal />
            {(!ways.has_password)
                .then(|| {
                    view! {
                        <p class="text-muted mb-2">
                            "You have no password here. "
                            <a class="rc-link" href=routes::FORGOT_PASSWORD>"Forgot your password?"</a>
                            " on the sign-in page sets one."
                        </p>
                    }
                })}
            {if ways.identities.is_empty() {
                view! { <p class="text-muted mb-3">"None is linked."</p> }.into_any()
            } else {
                view! { <Accounts ways=ways.clone() unlink=unlink /> }.into_any()
            }}
            <div class="flex gap-2 flex-wrap mt-3">{links}</div>
        </section>
    }
    .into_any()
}

#[component]
fn Accounts(ways: WaysToSignIn, unlink: Post<UnlinkAccount>) -> impl IntoView {
    let rows = ways
        .identities
        .iter()
        .map(|identity| {
            let may = ways.can_do_without(identity.id);
            view! { <Account identity=identity.clone() may=may unlink=unlink /> }
        })
        .collect_view();
    view! {
        <table class="rc-table still mt-1" role="table" aria-labelledby="h-accounts">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Account" class="grow" />
                    <Head label="Provider" />
                    <Head label="Linked" class="max-md:hidden" />
                    <Head label="Last sign-in" class="max-md:hidden" />
                    <Head label="" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// A line of the table. `may`: whether it can be unlinked, since another way to sign in is left.
#[component]
fn Account(identity: LinkedIdentity, may: bool, unlink: Post<UnlinkAccount>) -> impl IntoView {
    let label = format!("Unlink {}", identity.display);
    let button = if may {
        view! {
            <PostForm post=unlink class="inline">
                <input type="hidden" name="id" value=identity.id.to_string() />
                <button type="submit" class="rc-act" aria-label=label>
                    "Unlink"
                </button>
            </PostForm>
        }
        .into_any()
    } else {
        view! { <span class="text-muted">"Your only way in"</span> }.into_any()
    };
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <bdi class="block truncate" title=identity.display.clone()>{identity.display.clone()}</bdi>
            </td>
            <td role="cell" class="whitespace-nowrap text-muted">
                {identity.provider}
                {(!identity.usable).then_some(" (not set up any more)")}
            </td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                <RelativeTime at=identity.linked_at />
            </td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                {match identity.last_used_at {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => "Never".into_any(),
                }}
            </td>
            <td role="cell" class="whitespace-nowrap text-end">{button}</td>
        </tr>
    }
    .into_any()
}
