//! The links of a customer, as a section of its page: who made each, for what, and what came of it.

use domain::{
    consent_link::{ConsentLink, ConsentLinkLine, ConsentLinkState},
    id::{ConsentLinkId, CustomerId},
    paging::{Page, PageRequest},
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};

use crate::{
    session::may,
    ui::{address::link, form::Post, list::past_the_end, prelude::*, time::now_millis},
};

/// The links of a customer, the newest first.
#[server(endpoint = "consent-links/list", input = Json)]
pub(crate) async fn list_consent_links(
    customer: CustomerId,
    page: PageRequest,
) -> AppResult<Page<ConsentLinkLine>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::consent_links::list(&backend, &scope, customer, page).await?)
}

/// Ends a link before its time.
#[server(endpoint = "consent-links/revoke")]
pub(crate) async fn revoke_consent_link(id: ConsentLinkId) -> AppResult<Done> {
    use backend::store::consent_links;
    let (backend, scope) = crate::session::caller().await?;
    let tenant = consent_links::get(&backend, &scope, id).await?.link.tenant;
    consent_links::revoke(&backend, &scope, id).await?;
    crate::session::done(
        format!("The link for {tenant} can’t be used any more"),
        None,
    )
    .await
}

/// How a link stands.
fn mark(state: ConsentLinkState) -> Mark {
    let (icon, tone) = match state {
        ConsentLinkState::Waiting => ("circle-dashed", ""),
        ConsentLinkState::Failed => ("circle-x", "fail"),
        ConsentLinkState::Consented => ("clock", "held"),
        ConsentLinkState::Proven => ("circle-check", "ok"),
        ConsentLinkState::Ended => ("circle-slash", "quiet"),
        ConsentLinkState::Revoked => ("ban", "quiet"),
    };
    let word = state.title();
    Mark { icon, word, tone }
}

/// The section "Consent links" of a customer's page, with the sections and dialogs after it.
#[component]
pub fn CustomerConsentLinks() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<CustomerId>().ok()));
    let address = use_address();
    let page = Memo::new(move |_| address.list().page);
    let changes = use_changes();
    let links = Resource::new(
        move || (id.get(), page.get(), changes.follow()),
        |(id, page, _)| async move {
            match id {
                Some(id) => list_consent_links(id, page).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<RevokeConsentLink>();
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let read = links.await;
                crate::ui::load::past_the_dry_run().await;
                // What can't be read, or lies in the bin, the page itself says already.
                let links = read.ok()?;
                let customer = id.get_untracked()?;
                let asked = page.get_untracked();
                Some(view! { <Section links=links asked=asked customer=customer post=post /> })
            })}
        </Transition>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Section(
    links: Page<ConsentLinkLine>,
    asked: PageRequest,
    customer: CustomerId,
    post: Post<RevokeConsentLink>,
) -> impl IntoView {
    let authorize = link(
        routes::AUTHORIZE,
        &[("customer_id".to_owned(), customer.to_string())],
    );
    let none = links.items.is_empty() && !past_the_end(&links, asked);
    let total = links.total;
    view! {
        <section aria-labelledby="h-consent-links" class="border-t border-line mt-4">
            <div class="flex items-center gap-2 px-6 pt-3 pb-1 flex-wrap max-md:px-4">
                <h2 id="h-consent-links" class="text-base">"Consent links"</h2>
                {may(Permission::IntegrationsWrite)
                    .then(|| {
                        view! {
                            <a class="btn btn-sm ms-auto" href=authorize>
                                <Icon name="link" />
                                "Authorize"
                            </a>
                        }
                    })}
            </div>
            {if none {
                view! {
                    <p class="px-6 py-3 text-muted max-md:px-4">
                        "No link was made yet. With one, an administrator of the customer’s tenant, who \
                         needs no account here, lets your application read it."
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <Links lines=links.items post=post />
                    {(total > asked.limit()).then(|| view! { <Pager page=asked total=total /> })}
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Links(lines: Vec<ConsentLinkLine>, post: Post<RevokeConsentLink>) -> impl IntoView {
    let rows = lines
        .into_iter()
        .map(|line| view! { <Row line=line post=post /> })
        .collect_view();
    view! {
        <table
            class="rc-table bleed still rc-stack rows"
            role="table"
            aria-labelledby="h-consent-links"
        >
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Tenant" class="grow" />
                    <Head label="State" />
                    <Head label="Made" />
                    <Head label="Last opened" />
                    <Head label="Ends" />
                    <Head label="" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// The permissions that were granted, or weren't; none where there are none.
fn permissions(link: &ConsentLink, granted: bool) -> Option<String> {
    let names = link
        .permissions
        .iter()
        .filter(|permission| permission.granted == granted)
        .map(|permission| permission.name.as_str());
    let names: Vec<_> = names.collect();
    let word = if granted { "Granted" } else { "Not granted" };
    (!names.is_empty()).then(|| format!("{word}: {}.", names.join(", ")))
}

/// What came of a link, beside its state: what was granted and what wasn't, or what failed.
fn outcome(link: &ConsentLink) -> Option<String> {
    match link.state {
        ConsentLinkState::Proven => {
            let lines = [permissions(link, true), permissions(link, false)];
            let lines: Vec<_> = lines.into_iter().flatten().collect();
            (!lines.is_empty()).then(|| lines.join(" "))
        }
        ConsentLinkState::Failed => link
            .error
            .as_ref()
            .map(|error| format!("{}. {}", error.title, error.fix)),
        _ => None,
    }
}

#[component]
fn Row(line: ConsentLinkLine, post: Post<RevokeConsentLink>) -> impl IntoView {
    let ConsentLinkLine {
        link,
        credential_profile_name: profile,
        integration_id,
        integration_name,
    } = line;
    let outcome = outcome(&link);
    let (id, ends, proven_at) = (link.id, link.expires_at, link.proven_at);
    // A revoked link ends at that moment, which the page's clock reaches only with its next tick.
    let may_revoke = may(Permission::IntegrationsWrite) && link.revoked_at.is_none();
    let good = Memo::new(move |_| ends.timestamp_millis() > now_millis());
    let application = link.client_id.to_string();
    view! {
        <tr role="row">
            <td role="cell" class="grow max-md:col-span-2">
                <span class="block font-medium wrap-anywhere">{link.tenant}</span>
                <span class="block text-muted">
                    {integration_id
                        .zip(integration_name)
                        .map(|(id, name)| {
                            view! {
                                <a class="rc-link" href=routes::integration(id)>
                                    <bdi>{name}</bdi>
                                </a>
                                ", "
                            }
                        })} "profile " <bdi>{profile}</bdi>
                </span>
                <span class="block text-muted">
                    "Application " <span class="rc-mono wrap-anywhere">{application}</span>
                </span>
                {link
                    .proven_tenant_id
                    .map(|tenant| {
                        view! {
                            <span class="block text-muted">
                                "Proven: tenant "
                                <span class="rc-mono wrap-anywhere">{tenant.to_string()}</span>
                            </span>
                        }
                    })}
            </td>
            <td role="cell">
                <Status of=mark(link.state) />
                {proven_at
                    .map(|at| {
                        view! {
                            <span class="block text-muted">
                                <RelativeTime at=at />
                            </span>
                        }
                    })}
                {outcome.map(|words| view! { <span class="block text-muted max-w-80">{words}</span> })}
            </td>
            <td role="cell" class="md:whitespace-nowrap text-muted">
                <RelativeTime at=link.created_at />
                <span class="block">"by " <bdi>{link.created_by}</bdi></span>
            </td>
            <td role="cell" class="md:whitespace-nowrap text-muted">
                <span class="md:sr-only">"Opened "</span>
                {match link.opened_at {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => view! { <span class="text-faint">"Never"</span> }.into_any(),
                }}
            </td>
            <td role="cell" class="md:whitespace-nowrap text-muted">
                {match link.revoked_at {
                    Some(at) => view! { "Revoked " <RelativeTime at=at /> }.into_any(),
                    None => view! { <RelativeTime at=ends /> }.into_any(),
                }}
            </td>
            <td role="cell">
                {move || {
                    (may_revoke && good.get())
                        .then(|| {
                            view! {
                                <PostForm post=post>
                                    <input type="hidden" name="id" value=id.to_string() />
                                    <Submit label="Revoke" busy="Revoking" class="btn btn-sm" />
                                </PostForm>
                            }
                        })
                }}
            </td>
        </tr>
    }
    .into_any()
}
