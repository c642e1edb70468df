//! The links of a customer, and what came of each.

use domain::{
    consent_link::{ConsentLink, ConsentLinkState},
    id::{ConsentLinkId, CustomerId},
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};

use crate::{
    session::may,
    ui::{address::link, prelude::*},
};

/// The links of a customer, the newest first.
#[server(endpoint = "consent-links/list", input = Json)]
pub(crate) async fn list_consent_links(customer: CustomerId) -> AppResult<Vec<ConsentLink>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::consent_links::list(&backend, &scope, customer).await?)
}

/// Ends a link before its time.
#[server(endpoint = "consent-links/end")]
pub(crate) async fn end_consent_link(id: ConsentLinkId) -> AppResult<Done> {
    use backend::store::consent_links;
    let (backend, scope) = crate::session::caller().await?;
    let link = consent_links::get(&backend, &scope, id).await?;
    consent_links::delete(&backend, &scope, id).await?;
    crate::session::done(format!("The link for {} has ended", link.tenant), None).await
}

/// How a link stands.
fn mark(state: ConsentLinkState) -> Mark {
    let (icon, tone) = match state {
        ConsentLinkState::Waiting => ("circle-dashed", ""),
        ConsentLinkState::Failed => ("circle-x", "fail"),
        ConsentLinkState::Consented => ("clock", "held"),
        ConsentLinkState::Proven => ("circle-check", "ok"),
        ConsentLinkState::Ended => ("circle-slash", "quiet"),
    };
    let word = state.title();
    Mark { icon, word, tone }
}

/// The dialog over the list of integrations.
#[component]
pub fn LinksDialog() -> impl IntoView {
    let address = use_address();
    let post = use_post::<EndConsentLink>();
    let customer = Memo::new(move |_| {
        let customer = address.parsed("customer_id");
        customer.or_else(|| address.customer())
    });
    let changes = use_changes();
    let links = Resource::new(
        move || (customer.get(), changes.follow()),
        |(customer, _)| async move {
            match customer {
                Some(customer) => list_consent_links(customer).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    view! {
        <Dialog title="Consent links" back=routes::INTEGRATIONS>
            <Load
                resource=links
                children=move |links| {
                    let another = customer
                        .get_untracked()
                        .map(|id| {
                            let id = ("customer_id".to_owned(), id.to_string());
                            link(routes::AUTHORIZE, &[id])
                        });
                    let none = links.is_empty();
                    let rows = links
                        .into_iter()
                        .map(|of| view! { <Line of=of post=post /> })
                        .collect_view();
                    view! {
                        {none.then(|| view! { <p class="text-muted">"No link was made yet."</p> })}
                        <ul class="flex flex-col divide-y divide-line" aria-label="Consent links">
                            {rows}
                        </ul>
                        <div class="flex justify-end gap-2 mt-5">
                            {another
                                .filter(|_| may(Permission::IntegrationsWrite))
                                .map(|another| {
                                    view! {
                                        <a class="btn" href=another data-noscroll="true">
                                            <Icon name="plus" />
                                            "Another link"
                                        </a>
                                    }
                                })}
                        </div>
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}

#[component]
fn Line(of: ConsentLink, post: crate::ui::form::Post<EndConsentLink>) -> impl IntoView {
    let missing: Vec<_> = of
        .permissions
        .iter()
        .filter(|permission| !permission.granted)
        .map(|permission| permission.name.clone())
        .collect();
    let missing = (of.state == ConsentLinkState::Proven && !missing.is_empty())
        .then(|| format!("Not granted: {}.", missing.join(", ")));
    let error = of.error.filter(|_| of.state == ConsentLinkState::Failed);
    let (ends, id) = (of.expires_at, of.id);
    let may_end = may(Permission::IntegrationsWrite);
    let offered =
        Memo::new(move |_| may_end && ends.timestamp_millis() > crate::ui::time::now_millis());
    view! {
        <li class="py-3">
            <div class="flex items-center gap-x-3 gap-y-1 flex-wrap">
                <span class="font-medium wrap-anywhere">{of.tenant}</span>
                <Status of=mark(of.state) />
            </div>
            <p class="text-muted">
                "Made by " <bdi>{of.created_by}</bdi> " " <RelativeTime at=of.created_at /> ", ends "
                <RelativeTime at=ends /> "."
            </p>
            <p class="text-muted">
                "Application " <span class="rc-mono wrap-anywhere">{of.client_id.to_string()}</span>
            </p>
            {of.proven_tenant_id
                .map(|tenant| {
                    view! {
                        <p>
                            "Proven: tenant "
                            <span class="rc-mono wrap-anywhere">{tenant.to_string()}</span>
                        </p>
                    }
                })}
            {missing.map(|missing| view! { <p>{missing}</p> })}
            {error
                .map(|error| {
                    view! {
                        <p class="mt-1">{error.title} ". " {error.fix}</p>
                    }
                })}
            {move || {
                offered
                    .get()
                    .then(|| {
                        view! {
                            <PostForm post=post class="mt-2">
                                <input type="hidden" name="id" value=id.to_string() />
                                <Submit label="End link" busy="Ending" class="btn btn-sm" />
                            </PostForm>
                        }
                    })
            }}
        </li>
    }
    .into_any()
}
