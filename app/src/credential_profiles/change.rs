//! Adding a profile, changing it, replacing its secret, deleting it.

use domain::{credential_profile::CredentialKind, id::CredentialProfileId};
use leptos::server;

use super::{
    detail::{secret_word, use_profile},
    secret::{SecretFields, SecretForm, Way, WayFields, Ways, use_way},
};
use crate::{session::use_operator, ui::prelude::*};

/// A day out of a form, as the moment in UTC at which it begins.
#[cfg(feature = "ssr")]
pub(super) fn day(field: &str, given: Option<String>) -> AppResult<Option<domain::DateTime>> {
    let Some(given) = filled(given) else {
        return Ok(None);
    };
    given
        .parse::<chrono::NaiveDate>()
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|at| Some(at.and_utc()))
        .ok_or_else(|| AppError::invalid(field, "Enter a day, such as 2027-05-31."))
}

/// A field that a form left empty counts as absent.
#[cfg(feature = "ssr")]
pub(super) fn filled(given: Option<String>) -> Option<String> {
    given.filter(|given| !given.trim().is_empty())
}

/// For how many years a certificate is to be made, where one is.
#[cfg(feature = "ssr")]
pub(super) fn years(given: Option<String>) -> AppResult<Option<u32>> {
    let Some(given) = filled(given) else {
        return Ok(None);
    };
    let years = given.parse().ok();
    years
        .map(Some)
        .ok_or_else(|| AppError::invalid("certificate_years", "Choose 1 year or 2 years."))
}

/// Adds a profile, of the kind whose fields the form had.
#[server(endpoint = "credential-profiles/add")]
pub(crate) async fn add_profile(
    name: String,
    client_id: String,
    customer_id: Option<String>,
    #[server(flatten)] secret: SecretForm,
) -> AppResult<Done> {
    use domain::{credential_profile::NewCredentialProfile, id::CustomerId};
    let (backend, scope) = crate::session::caller().await?;
    let customer_id = match filled(customer_id) {
        Some(id) => Some(id.parse::<CustomerId>().map_err(|_| {
            AppError::invalid("customer_id", "Choose a customer, or all customers.")
        })?),
        None => None,
    };
    let kind = if secret.client_secret.is_some() {
        CredentialKind::ClientSecret
    } else {
        CredentialKind::Certificate
    };
    let new = NewCredentialProfile {
        customer_id,
        name,
        kind,
        client_id,
        client_secret: filled(secret.client_secret),
        certificate_pem: filled(secret.certificate_pem),
        private_key_pem: filled(secret.private_key_pem),
        certificate_years: years(secret.certificate_years)?,
        expires_at: day("expires_at", secret.expires_at)?,
    };
    let profile = backend::store::credential_profiles::create(&backend, &scope, new).await?;
    crate::session::done(
        format!("{} was added", profile.name),
        Some(routes::credential_profile(profile.id)),
    )
    .await
}

/// Changes name and application id.
#[server(endpoint = "credential-profiles/change")]
pub(crate) async fn change_profile(
    id: CredentialProfileId,
    name: String,
    client_id: String,
) -> AppResult<Done> {
    use domain::credential_profile::CredentialProfileChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = CredentialProfileChange {
        name: Some(name),
        client_id: Some(client_id),
        ..CredentialProfileChange::default()
    };
    backend::store::credential_profiles::change(&backend, &scope, id, change).await?;
    crate::session::done("Saved", Some(routes::credential_profile(id))).await
}

/// Replaces the secret or certificate whole.
#[server(endpoint = "credential-profiles/replace-secret")]
pub(crate) async fn replace_secret(
    id: CredentialProfileId,
    kind: CredentialKind,
    client_secret: Option<String>,
    certificate_pem: Option<String>,
    private_key_pem: Option<String>,
    expires_at: Option<String>,
) -> AppResult<Done> {
    use domain::credential_profile::CredentialProfileChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = CredentialProfileChange {
        client_secret: filled(client_secret),
        certificate_pem: filled(certificate_pem),
        private_key_pem: filled(private_key_pem),
        expires_at: day("expires_at", expires_at)?,
        ..CredentialProfileChange::default()
    };
    match kind {
        CredentialKind::ClientSecret if change.client_secret.is_none() => {
            return Err(AppError::invalid("client_secret", "Enter the new secret."));
        }
        CredentialKind::Certificate if change.certificate_pem.is_none() => {
            return Err(AppError::invalid(
                "certificate_pem",
                "Paste the new certificate, or read it from a file.",
            ));
        }
        _ => {}
    }
    backend::store::credential_profiles::change(&backend, &scope, id, change).await?;
    crate::session::done(
        "Replaced; the next run uses it",
        Some(routes::credential_profile(id)),
    )
    .await
}

/// Deletes a profile that nothing uses.
#[server(endpoint = "credential-profiles/delete")]
pub(crate) async fn delete_profile(id: CredentialProfileId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::credential_profiles::delete(&backend, &scope, id).await?;
    crate::session::done("Deleted", Some(routes::CREDENTIAL_PROFILES.to_owned())).await
}

/// Add Credential Profile. The kind stands in the address, so that its fields are there before
/// the browser code is.
#[component]
pub fn AddDialog() -> impl IntoView {
    let address = use_address();
    let post = use_post::<AddProfile>();
    let sees_all = use_operator().sees_all;
    let customer = move || address.get("customer").unwrap_or_default();
    let way = use_way(Way::Secret);
    let for_whom = move || {
        let customer = customer();
        if customer.is_empty() {
            ().into_any()
        } else if sees_all {
            view! {
                <Choice
                    name="customer_id"
                    label="For"
                    value=customer.clone()
                    options=vec![
                        (customer, "This customer only".to_owned()),
                        (String::new(), "All customers".to_owned()),
                    ]
                />
            }
            .into_any()
        } else {
            view! { <input type="hidden" name="customer_id" value=customer /> }.into_any()
        }
    };
    view! {
        <Dialog title="Add Credential Profile" back=routes::CREDENTIAL_PROFILES>
            <PostForm post=post class="flex flex-col gap-4">
                <Ways chosen=way />
                <Field
                    name="name"
                    label="Name"
                    hint="For example: Partner application."
                    autofocus=true
                />
                <Field
                    name="client_id"
                    label="Application (client) id"
                    hint="On the application’s Overview in Entra ID."
                />
                {for_whom}
                {move || view! { <WayFields way=way.get() /> }}
                <DialogFoot back=routes::CREDENTIAL_PROFILES>
                    <Submit label="Add" busy="Adding" />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

/// Edit: name and application id.
#[component]
pub fn EditDialog() -> impl IntoView {
    let profile = use_profile();
    let post = use_post::<ChangeProfile>();
    view! {
        <Load resource=profile let:view>
            <Dialog
                title="Edit Credential Profile"
                back=routes::credential_profile(view.profile.id)
            >
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=view.profile.id.to_string() />
                    <Field name="name" label="Name" value=view.profile.name.clone() autofocus=true />
                    <Field
                        name="client_id"
                        label="Application (client) id"
                        value=view.profile.client_id.to_string()
                    />
                    <DialogFoot back=routes::credential_profile(view.profile.id)>
                        <Submit label="Save" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Replace secret, or certificate.
#[component]
pub fn SecretDialog() -> impl IntoView {
    let profile = use_profile();
    let post = use_post::<ReplaceSecret>();
    view! {
        <Load resource=profile let:view>
            <Dialog
                title=secret_word(view.profile.kind)
                back=routes::credential_profile(view.profile.id)
            >
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=view.profile.id.to_string() />
                    <input type="hidden" name="kind" value=view.profile.kind.as_str() />
                    <SecretFields kind=view.profile.kind />
                    <DialogFoot back=routes::credential_profile(view.profile.id)>
                        <Submit label="Replace" busy="Replacing" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Delete: refused while something uses it.
#[component]
pub fn DeleteDialog() -> impl IntoView {
    let profile = use_profile();
    let post = use_post::<DeleteProfile>();
    view! {
        <Load resource=profile let:view>
            <Dialog
                title=format!("Delete {}", view.profile.name)
                back=routes::credential_profile(view.profile.id)
            >
                {if view.uses.is_empty() {
                    view! {
                        <PostForm post=post>
                            <input type="hidden" name="id" value=view.profile.id.to_string() />
                            <p>
                                "No integration uses it. Its secret is deleted with it. The application \
                                 in Entra ID stays as it is."
                            </p>
                            <DialogFoot back=routes::credential_profile(view.profile.id)>
                                <Submit label="Delete" busy="Deleting" class="btn btn-error" />
                            </DialogFoot>
                        </PostForm>
                    }
                        .into_any()
                } else {
                    let count = i64::try_from(view.uses.len()).unwrap_or(i64::MAX);
                    let names = view
                        .uses
                        .iter()
                        .take(10)
                        .map(|used| {
                            view! {
                                <li>
                                    <a class="rc-link" href=routes::integration(used.integration_id)>
                                        <bdi>{used.integration_name.clone()}</bdi>
                                    </a>
                                    " of "
                                    <bdi>{used.customer_name.clone()}</bdi>
                                </li>
                            }
                        })
                        .collect_view();
                    view! {
                        <p>
                            {format!(
                                "It can’t be deleted while {} it. Give these another profile first:",
                                counted(count, "integration uses", "integrations use"),
                            )}
                        </p>
                        <ul class="mt-2 flex flex-col gap-1">{names}</ul>
                    }
                        .into_any()
                }}
            </Dialog>
        </Load>
    }
    .into_any()
}
