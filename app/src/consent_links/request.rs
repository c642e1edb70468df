//! What a customer's administrator sees who opened a consent link: who asks for what, what will be
//! read and what not, and what came of it. They have no account here; the secret in the address lets
//! them see this one link. The ways on are plain links.

use domain::consent_link::{ConsentLink, ConsentLinkState, ConsentPermission, ConsentRequest};
use leptos::{server, server_fn::codec::Json};

use crate::ui::{address::link, prelude::*};

/// What a link is about; none where it isn't good any more.
#[server(endpoint = "consent/view", input = Json)]
pub(crate) async fn view_consent(secret: String) -> AppResult<Option<ConsentRequest>> {
    let backend = crate::session::caller::backend()?;
    Ok(backend::entra::follow_consent(&backend, secret.into()).await?)
}

/// The page.
#[component]
pub fn ConsentPage() -> impl IntoView {
    let address = use_address();
    if address.get("answer").is_some() {
        return view! { <NotOurs /> }.into_any();
    }
    let secret = StoredValue::new(address.get("secret").unwrap_or_default());
    let request = Resource::new(|| (), move |()| view_consent(secret.get_value()));
    view! {
        <Load
            resource=request
            whole=true
            children=move |request| match request {
                Some(request) => {
                    view! { <Request request=request secret=secret.get_value() /> }.into_any()
                }
                None => view! { <Ended /> }.into_any(),
            }
        />
    }
    .into_any()
}

/// An answer of Microsoft that this browser didn't ask for.
#[component]
fn NotOurs() -> impl IntoView {
    view! {
        <leptos_meta::Title text="Not the answer to a link" />
        <h1 class="text-xl mt-8">"This answer belongs to no link that you opened here"</h1>
        <p class="text-muted mt-1 mb-6">
            "It was used already, more than an hour passed, or the link was opened in another browser. \
             Nothing was changed here. Open the link that you were sent once more, and go through it \
             to the end in this browser."
        </p>
    }
    .into_any()
}

#[component]
fn Ended() -> impl IntoView {
    view! {
        <leptos_meta::Title text="This link has ended" />
        <h1 class="text-xl mt-8">"This link has ended"</h1>
        <p class="text-muted mt-1 mb-6">
            "A newer one took its place, or its time is over. Ask whoever sent it for a new one."
        </p>
    }
    .into_any()
}

/// A way on, with the secret.
fn way(path: &str, secret: &str) -> String {
    link(path, &[("secret".to_owned(), secret.to_owned())])
}

#[component]
fn Request(request: ConsentRequest, secret: String) -> impl IntoView {
    let state = request.link.state;
    let title = match state {
        ConsentLinkState::Proven => "Thank you, that’s all",
        ConsentLinkState::Consented => "Microsoft needs a few minutes",
        _ => "Let Rollcall read your directory",
    };
    view! {
        <leptos_meta::Title text=title />
        <h1 class="text-xl mt-8">{title}</h1>
        {match state {
            ConsentLinkState::Proven => view! { <Proven link=request.link secret=secret /> }.into_any(),
            ConsentLinkState::Consented => view! { <NotYet secret=secret /> }.into_any(),
            _ => view! { <Ask request=request secret=secret /> }.into_any(),
        }}
    }
    .into_any()
}

/// What is asked.
#[component]
fn Ask(request: ConsentRequest, secret: String) -> impl IntoView {
    let ConsentRequest {
        link,
        customer_name,
        authority,
        installation,
    } = request;
    let again =
        (link.state == ConsentLinkState::Failed).then(|| way(routes::CONSENT_CHECK, &secret));
    let ends = exact(link.expires_at);
    let sign_in = link.needs_sign_in;
    view! {
        <p class="text-muted mt-1 mb-4">
            <bdi class="text-base-content">{link.created_by}</bdi> " asks for it, for "
            <bdi class="text-base-content">{customer_name}</bdi> ", from the Rollcall at "
            <span class="text-base-content wrap-anywhere">{installation}</span>
            ". Nothing is granted before an administrator of the tenant accepts at Microsoft."
        </p>
        {link
            .error
            .map(|error| view! { <ErrorNote error=AppError::Source(error) /> })}
        <dl class="mb-4">
            <dt class="text-muted">"Tenant"</dt>
            <dd class="mb-2 font-medium wrap-anywhere">{link.tenant}</dd>
            <dt class="text-muted">"Application (client) id"</dt>
            <dd class="mb-2 rc-mono wrap-anywhere">{link.client_id.to_string()}</dd>
            <dt class="text-muted">"This link ends"</dt>
            <dd class="mb-2">{move || ends.get()}</dd>
        </dl>
        <h2 class="text-base mb-1">"What will be read"</h2>
        <Permissions permissions=link.permissions outcome=false />
        <h2 class="text-base mt-4 mb-1">"What will not"</h2>
        <ul class="list-disc ps-5 mb-4">
            <li>"Nothing is ever written to your tenant."</li>
            <li>"No passwords, no mail, no files, no chats, no sign-in logs."</li>
        </ul>
        <p class="text-muted mb-4">
            "Microsoft lists the permissions once more before you accept. Where it asks for more than \
             stands here, don’t accept, and ask whoever sent you this link."
            {sign_in
                .then_some(
                    " After that it asks you to sign in, which shows that you administer the tenant: with \
                     an account that is a Global Administrator or a Privileged Role Administrator. Nothing \
                     else is read of it.",
                )}
        </p>
        <div class="flex flex-col gap-2">
            <a
                class="btn btn-primary btn-lg w-full"
                href=way(routes::CONSENT_CONTINUE, &secret)
                rel="external"
            >
                "Continue to Microsoft"
            </a>
            {again
                .map(|again| {
                    view! {
                        <a class="btn w-full" href=again rel="external">"Check again"</a>
                    }
                })}
        </div>
        <p class="rc-hint mt-2">"Leads to " <span class="rc-mono wrap-anywhere">{authority}</span></p>
    }
    .into_any()
}

#[component]
fn NotYet(secret: String) -> impl IntoView {
    view! {
        <p class="text-muted mt-1 mb-6">
            "You consented, and its sign-in service doesn’t know of it everywhere yet. That is usual. \
             Check again in a minute or two; you can come back to this link later, too."
        </p>
        <div class="flex flex-col gap-2">
            <a
                class="btn btn-primary btn-lg w-full"
                href=way(routes::CONSENT_CHECK, &secret)
                rel="external"
            >
                "Check again"
            </a>
            <a class="btn w-full" href=way(routes::CONSENT_CONTINUE, &secret) rel="external">
                "Consent once more"
            </a>
        </div>
    }
    .into_any()
}

#[component]
fn Proven(link: ConsentLink, secret: String) -> impl IntoView {
    let missing = link
        .permissions
        .iter()
        .any(|permission| !permission.granted);
    let tenant = link.proven_tenant_id.map(|id| id.to_string());
    view! {
        <p class="text-muted mt-1 mb-4">
            "The tenant " <span class="text-base-content wrap-anywhere">{link.tenant}</span>
            " let the application read it. You can close this page."
        </p>
        {tenant
            .map(|id| {
                view! {
                    <p class="text-muted mb-4">
                        "Tenant id " <span class="rc-mono wrap-anywhere">{id}</span>
                    </p>
                }
            })}
        <h2 class="text-base mb-1">"Permissions"</h2>
        <Permissions permissions=link.permissions outcome=true />
        {missing
            .then(|| {
                view! {
                    <p class="text-muted mt-4 mb-3">
                        "It can take some minutes until permissions that were granted show. Where one \
                         stays missing, tell whoever sent you the link: the application has to be \
                         registered with it, and then you consent once more."
                    </p>
                    <div class="flex flex-col gap-2">
                        <a
                            class="btn w-full"
                            href=way(routes::CONSENT_CHECK, &secret)
                            rel="external"
                        >
                            "Check again"
                        </a>
                        <a
                            class="btn w-full"
                            href=way(routes::CONSENT_CONTINUE, &secret)
                            rel="external"
                        >
                            "Consent once more"
                        </a>
                    </div>
                }
            })}
    }
    .into_any()
}

/// The permissions, with what each is for; and whether it is granted, once that is known.
#[component]
fn Permissions(permissions: Vec<ConsentPermission>, outcome: bool) -> impl IntoView {
    const GRANTED: Mark = Mark {
        icon: "circle-check",
        word: "Granted",
        tone: "ok",
    };
    const MISSING: Mark = Mark {
        icon: "circle-x",
        word: "Missing",
        tone: "fail",
    };
    let lines = permissions
        .into_iter()
        .map(|permission| {
            let mark = outcome.then_some(if permission.granted { GRANTED } else { MISSING });
            view! {
                <li class="py-1">
                    <span class="flex items-center gap-x-3 flex-wrap">
                        <span class="rc-mono">{permission.name}</span>
                        {mark.map(|mark| view! { <Status of=mark /> })}
                    </span>
                    <span class="text-muted">{permission.purpose}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul>{lines}</ul> }.into_any()
}
