//! The passkeys of My Account: adding, renaming and removing them.

use domain::{id::PasskeyId, second_factor::PasskeyLine};
use leptos::server;
use leptos_router::hooks::use_params_map;

use super::second_factor::read_second_factors;
use crate::{
    passkey::{PasskeyButton, Purpose},
    session::Current,
    ui::prelude::*,
};

/// Gives a passkey another name.
#[server(endpoint = "passkeys/rename")]
pub(crate) async fn rename_passkey(id: PasskeyId, name: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::auth::second_factor::rename_passkey(&backend, &scope, id, &name).await?;
    crate::session::done("Passkey renamed", Some(routes::ACCOUNT.to_owned())).await
}

/// Removes a passkey.
#[server(endpoint = "passkeys/remove")]
pub(crate) async fn remove_passkey(id: PasskeyId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::auth::second_factor::remove_passkey(&backend, &scope, id).await?;
    crate::session::done("Passkey removed", Some(routes::ACCOUNT.to_owned())).await
}

/// The list in My Account.
#[component]
pub(super) fn Passkeys(passkeys: Vec<PasskeyLine>) -> impl IntoView {
    let offered = expect_context::<Current>().passkeys;
    if !offered && passkeys.is_empty() {
        return view! {
            <div class="rc-row">
                <span>"Passkeys"</span>
                <p class="rc-hint pt-2">
                    "They need a domain name and https: Rollcall’s setting public_url."
                </p>
            </div>
        }
        .into_any();
    }
    let lines = passkeys
        .into_iter()
        .map(|passkey| {
            view! {
                <li class="flex items-baseline gap-x-4 gap-y-1 flex-wrap py-0.5">
                    <bdi class="font-medium">{passkey.name.clone()}</bdi>
                    <span class="text-muted">
                        {match passkey.last_used_at {
                            Some(at) => view! { "used " <RelativeTime at=at /> }.into_any(),
                            None => view! { "added " <RelativeTime at=passkey.created_at /> }.into_any(),
                        }}
                    </span>
                    <a class="rc-act" href=routes::passkey(passkey.id) data-noscroll="true">
                        "Change"<span class="sr-only">" " {passkey.name}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="rc-row">
            <span>"Passkeys"</span>
            <div class="pt-0.5">
                <ul aria-label="Passkeys">{lines}</ul>
                <a class="rc-act -ms-2" href=routes::PASSKEY_ADD data-noscroll="true">
                    "Add a passkey"
                </a>
            </div>
        </div>
    }
    .into_any()
}

/// Add a passkey. Only the browser code can.
#[component]
pub fn AddPasskeyDialog() -> impl IntoView {
    let name = NodeRef::<leptos::html::Input>::new();
    let factors = Resource::new(|| (), |()| crate::proof::recently());
    view! {
        <Dialog title="Add a Passkey" back=routes::ACCOUNT>
            <Load
                resource=factors
                children=move |()| {
                    view! {
                        <p class="mb-3">
                            "Your device, your phone or a security key then asks for your \
                             fingerprint, face or PIN. A passkey signs you in without a password."
                        </p>
                        <p class="mb-3 hidden plain:block">
                            "Passkeys need the browser code of this page, which did not load."
                        </p>
                        <label for="f-passkey-name" class="block font-medium mb-1">"Name"</label>
                        <input
                            id="f-passkey-name"
                            class="input"
                            type="text"
                            value="My passkey"
                            node_ref=name
                            autocomplete="off"
                            aria-describedby="f-passkey-name-h"
                        />
                        <p class="rc-hint mt-1 mb-4" id="f-passkey-name-h">
                            "By which you know it again, such as “Work laptop”."
                        </p>
                        <PasskeyButton
                            purpose=Purpose::Add
                            next=""
                            then=None
                            label="Add the passkey"
                            class="btn btn-primary"
                            name=name
                        />
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}

/// Rename or remove a passkey.
#[component]
pub fn PasskeyDialog() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| params.get("id").and_then(|id| id.parse::<PasskeyId>().ok()))
    });
    let found = Resource::new(
        move || id.get(),
        |id| async move {
            let factors = read_second_factors().await?;
            let mut passkeys = factors.passkeys.into_iter();
            let found = passkeys.find(|passkey| Some(passkey.id) == id);
            found.ok_or_else(|| AppError::NotFound {
                what: "passkey".to_owned(),
            })
        },
    );
    let rename = use_post::<RenamePasskey>();
    let remove = use_post::<RemovePasskey>();
    view! {
        <Dialog title="Passkey" back=routes::ACCOUNT>
            <Load
                resource=found
                children=move |passkey| {
                    view! {
                        <PostForm post=rename class="flex flex-col gap-4">
                            <input type="hidden" name="id" value=passkey.id.to_string() />
                            <Field name="name" label="Name" value=passkey.name autofocus=true />
                            <div>
                                <Submit label="Rename" busy="Renaming" class="btn" />
                            </div>
                        </PostForm>
                        <p class="mt-5 border-t border-line pt-4">
                            "Removed here, it signs you in no more. Remove it from your device too: \
                             Rollcall can’t. If it is your only second factor, your recovery codes \
                             go with it."
                        </p>
                        <PostForm post=remove>
                            <input type="hidden" name="id" value=passkey.id.to_string() />
                            <DialogFoot back=routes::ACCOUNT>
                                <Submit label="Remove" busy="Removing" class="btn btn-error" />
                            </DialogFoot>
                        </PostForm>
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}
