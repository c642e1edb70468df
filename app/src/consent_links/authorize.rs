//! Authorize: makes a link for the customer's administrator. The link is shown in the form, before
//! anything is kept: it goes back sealed, so that it was made here for sure and is told this once.

use domain::{
    cloud::CloudName,
    consent_link::LIFETIME_DAYS,
    credential_profile::CredentialProfile,
    id::{CredentialProfileId, CustomerId, IntegrationId},
    policy::ObjectType,
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::OBJECT_TYPES;
use crate::ui::{
    form::{FieldError, use_field_error},
    prelude::*,
};

/// What an integration that is there already says of the link for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfIntegration {
    tenant: String,
    cloud: String,
    profile: CredentialProfileId,
    object_types: Vec<ObjectType>,
}

/// What the form shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeForm {
    customers: Vec<(CustomerId, String)>,
    customer: Option<CustomerId>,
    profiles: Vec<CredentialProfile>,
    clouds: Vec<CloudName>,
    of: Option<OfIntegration>,
    /// The link to hand over.
    url: String,
    /// What stands in it, sealed.
    sealed: String,
    /// What has to be registered with the application.
    redirect_uri: String,
    /// Whether a link with a shared profile has the administrator sign in.
    sign_in: bool,
}

/// What the form shows, for a customer or for an integration of theirs.
#[server(endpoint = "consent-links/form", input = Json)]
pub(crate) async fn read_authorize_form(
    customer: Option<CustomerId>,
    integration: Option<IntegrationId>,
) -> AppResult<AuthorizeForm> {
    use backend::store::{consent_links, credential_profiles, customers, integrations};
    let (backend, scope) = crate::session::caller().await?;
    let offered = consent_links::offer(&backend, &scope).await?;
    let of = match integration {
        Some(id) => Some(integrations::get(&backend, &scope, id).await?),
        None => None,
    };
    let customer = of.as_ref().map(|of| of.customer_id).or(customer);
    let mut names = customers::names(&backend, &scope, None).await?;
    if let Some(id) = customer
        && names.iter().all(|(other, _)| *other != id)
    {
        let chosen = customers::get(&backend, &scope, id).await?;
        names.push((chosen.id, chosen.name));
    }
    let customer = customer.or_else(|| names.first().map(|(id, _)| *id));
    let profiles = match customer {
        Some(id) => credential_profiles::choices_to_ask(&backend, &scope, id).await?,
        None => Vec::new(),
    };
    let mut redirect_uri = backend.settings.public_url.clone();
    redirect_uri.set_path(routes::CONSENT_CALLBACK);
    Ok(AuthorizeForm {
        customers: names,
        customer,
        profiles,
        clouds: backend.clouds.names(),
        of: of.map(|of| OfIntegration {
            tenant: of.tenant,
            cloud: of.cloud,
            profile: of.credential_profile_id,
            object_types: of.policy.object_types,
        }),
        url: offered.shown(),
        sealed: offered.sealed,
        redirect_uri: redirect_uri.to_string(),
        sign_in: !scope.sees_all(),
    })
}

/// Makes the link.
#[server(endpoint = "consent-links/add")]
pub(crate) async fn add_consent_link(
    customer_id: String,
    tenant: String,
    cloud: String,
    credential_profile_id: String,
    #[server(default)] object_types: Vec<ObjectType>,
    sealed_link: String,
) -> AppResult<Done> {
    use domain::consent_link::NewConsentLink;
    let (backend, scope) = crate::session::caller().await?;
    let customer = customer_id
        .parse()
        .map_err(|_| AppError::invalid("customer_id", "Choose a customer."))?;
    let profile = credential_profile_id
        .parse()
        .map_err(|_| AppError::invalid("credential_profile_id", "Choose a credential profile."))?;
    let new = NewConsentLink {
        credential_profile_id: profile,
        cloud,
        tenant,
        object_types,
    };
    let made =
        backend::store::consent_links::create_with(&backend, &scope, customer, new, &sealed_link)
            .await?;
    crate::session::done(
        format!("The link for {} works now; hand it over", made.tenant),
        Some(routes::customer(customer)),
    )
    .await
}

/// The dialog over the list of integrations.
#[component]
pub fn AuthorizeDialog() -> impl IntoView {
    let address = use_address();
    let chosen = RwSignal::new(None);
    let asked = Memo::new({
        let address = address.clone();
        move |_| {
            let customer = chosen
                .get()
                .or_else(|| address.parsed("customer_id"))
                .or_else(|| address.customer());
            (customer, address.parsed::<IntegrationId>("integration"))
        }
    });
    let form = Resource::new(
        move || asked.get(),
        |(customer, integration)| read_authorize_form(customer, integration),
    );
    let post = use_post::<AddConsentLink>();
    view! {
        <Dialog title="Authorize" back=routes::INTEGRATIONS>
            <Load
                resource=form
                children=move |form| {
                    let given = post.filled_in();
                    let types = given
                        .map(|given| given.object_types)
                        .or_else(|| form.of.as_ref().map(|of| of.object_types.clone()))
                        .unwrap_or_else(|| vec![ObjectType::User, ObjectType::Group]);
                    let links = form.customer.map(routes::customer);
                    view! {
                        <PostForm post=post class="flex flex-col gap-4">
                            <p class="text-muted">
                                "An administrator of the customer’s tenant opens the link, without an \
                                 account here, and consents at Microsoft. It needs a credential profile \
                                 of a multi-tenant application."
                                {form
                                    .sign_in
                                    .then_some(
                                        " With a shared profile they also sign in, to show that they administer \
                                         the tenant: the manifest of the application has to have \
                                         groupMembershipClaims set to DirectoryRole.",
                                    )}
                            </p>
                            <Subject form=form.clone() chosen=chosen />
                            <Types on=types />
                            <HandOver form=form />
                            <DialogFoot back=routes::INTEGRATIONS>
                                {links
                                    .map(|links| {
                                        view! {
                                            <a class="btn btn-ghost" href=links>
                                                "Links so far"
                                            </a>
                                        }
                                    })}
                                <Submit label="Make link" busy="Making" />
                            </DialogFoot>
                        </PostForm>
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}

/// What a profile is chosen by.
fn profile_words(profile: &CredentialProfile) -> String {
    let shared = if profile.customer_id.is_none() {
        " (shared)"
    } else {
        ""
    };
    format!("{}{shared}", profile.name)
}

/// Whose tenant, and which application: to choose, or as an integration has them.
#[component]
fn Subject(form: AuthorizeForm, chosen: RwSignal<Option<CustomerId>>) -> impl IntoView {
    let customer = form.customer.map(|id| id.to_string()).unwrap_or_default();
    if let Some(of) = form.of {
        let name = form
            .customers
            .into_iter()
            .find(|(id, _)| Some(*id) == form.customer);
        let name = name.map(|(_, name)| name).unwrap_or_default();
        let profile = form
            .profiles
            .iter()
            .find(|profile| profile.id == of.profile);
        let profile = profile.map_or_else(|| "The one in use".to_owned(), profile_words);
        return view! {
            <input type="hidden" name="customer_id" value=customer />
            <input type="hidden" name="tenant" value=of.tenant.clone() />
            <input type="hidden" name="cloud" value=of.cloud />
            <input type="hidden" name="credential_profile_id" value=of.profile.to_string() />
            <p>
                "For the tenant " <span class="font-medium wrap-anywhere">{of.tenant}</span> " of "
                <bdi class="font-medium">{name}</bdi> ", with the profile "
                <span class="font-medium">{profile}</span> "."
            </p>
            <Refused />
        }
        .into_any();
    }
    let address = use_address();
    let given = move |name: &str| address.get(name).unwrap_or_default();
    let customers = form
        .customers
        .iter()
        .map(|(id, name)| (id.to_string(), name.clone()))
        .collect();
    let clouds = form
        .clouds
        .iter()
        .map(|cloud| (cloud.id.clone(), cloud.name.clone()))
        .collect();
    let profiles = if form.profiles.is_empty() {
        vec![(String::new(), "None that this customer may use".to_owned())]
    } else {
        let words = |profile: &CredentialProfile| (profile.id.to_string(), profile_words(profile));
        form.profiles.iter().map(words).collect()
    };
    view! {
        <div on:change=move |ev| {
            let value = event_target_value(&ev);
            chosen.set(value.parse().ok());
        }>
            <Choice name="customer_id" label="Customer" options=customers value=customer />
            <button
                class="btn btn-sm mt-2 hidden plain:inline-flex"
                formmethod="get"
                formaction=routes::AUTHORIZE
            >
                "Show this customer’s profiles"
            </button>
        </div>
        <Field
            name="tenant"
            label="Tenant"
            value=given("tenant")
            hint="Domain or tenant id. The link works for this tenant alone."
            autofocus=true
        />
        <Choice name="cloud" label="Azure Cloud" options=clouds value=given("cloud") />
        <Choice
            name="credential_profile_id"
            label="Credential Profile"
            options=profiles
            value=given("credential_profile_id")
        />
    }
    .into_any()
}

/// Why what an integration has was refused.
#[component]
fn Refused() -> impl IntoView {
    let profile = use_field_error("credential_profile_id");
    let tenant = use_field_error("tenant");
    view! {
        <FieldError id="f-profile-e" error=profile />
        <FieldError id="f-tenant-e" error=tenant />
    }
}

#[component]
fn Types(on: Vec<ObjectType>) -> impl IntoView {
    let error = use_field_error("object_types");
    let ticks = OBJECT_TYPES.map(|(object_type, label)| {
        view! {
            <label class="flex items-center gap-2 min-h-6">
                <input
                    type="checkbox"
                    class="checkbox"
                    name="object_types[]"
                    value=object_type.as_str()
                    checked=on.contains(&object_type)
                />
                {label}
            </label>
        }
    });
    view! {
        <fieldset aria-describedby="f-types-h">
            <legend class="font-medium mb-1">"What will be read"</legend>
            <div class="flex gap-x-5 gap-y-1 flex-wrap">{ticks}</div>
            <p class="rc-hint mt-1" id="f-types-h">
                "The link says so, and names the permissions. The application has to be registered \
                 with them."
            </p>
            <FieldError id="f-types-e" error=error />
        </fieldset>
    }
    .into_any()
}

/// The link, to be copied now.
#[component]
fn HandOver(form: AuthorizeForm) -> impl IntoView {
    let error = use_field_error("sealed_link");
    view! {
        <div>
            <label for="f-link" class="block font-medium mb-1">"Link to hand over"</label>
            <input
                id="f-link"
                class="input rc-mono"
                type="text"
                readonly=true
                autocomplete="off"
                value=form.url
                aria-describedby="f-link-h"
            />
            <p class="rc-hint mt-1" id="f-link-h">
                {format!(
                    "Copy it now: it isn’t shown again. It works once this form is sent, and for \
                     {LIFETIME_DAYS} days.",
                )}
            </p>
            <FieldError id="f-link-e" error=error />
            <input type="hidden" name="sealed_link" value=form.sealed />
            <p class="rc-hint mt-2">
                "Once for the application: under Authentication, register the web redirect URI "
                <span class="rc-mono wrap-anywhere">{form.redirect_uri}</span>
            </p>
        </div>
    }
    .into_any()
}
