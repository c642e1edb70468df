//! Add New Integration, with Test Connection beside the form.

use domain::credential_profile::CredentialProfile;
#[cfg(feature = "ssr")]
use domain::{
    id::CustomerId,
    integration::{IntegrationKind, NewIntegration},
};
use leptos::{form::FromFormData as _, html};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast as _;

use super::api::{AddIntegration, Choices, TestNew, integration_choices};
use crate::ui::{
    address::link,
    checks::{Checks, TestButton, Verdict, follow_test},
    form::use_post_or,
    prelude::*,
    time::day_utc,
};

/// What was filled in, in its types.
#[cfg(feature = "ssr")]
pub(super) fn new_integration(
    customer_id: &str,
    tenant: String,
    cloud: String,
    credential_profile_id: &str,
    enabled: bool,
) -> AppResult<(CustomerId, NewIntegration)> {
    use domain::{policy::Policy, schedule::Schedule, tenant::Tenant};
    let customer = customer_id
        .parse()
        .map_err(|_| AppError::invalid("customer_id", "Choose a customer."))?;
    // Read here, so that both fields are blamed before anything is looked up.
    let tenant = Tenant::parse(&tenant).map_err(AppError::Invalid)?;
    let profile = credential_profile_id
        .parse()
        .map_err(|_| AppError::invalid("credential_profile_id", "Choose a credential profile."))?;
    Ok((
        customer,
        NewIntegration {
            kind: IntegrationKind::EntraId,
            tenant: tenant.as_str().to_owned(),
            cloud,
            credential_profile_id: profile,
            enabled,
            schedule: Schedule::default(),
            policy: Policy::default(),
        },
    ))
}

/// The dialog over the list.
#[component]
pub fn AddDialog() -> impl IntoView {
    let address = use_address();
    // The customer chosen in the form, until then that of the address.
    let chosen = RwSignal::new(None);
    let asked = Memo::new({
        let address = address.clone();
        move |_| {
            chosen
                .get()
                .or_else(|| address.parsed("customer_id"))
                .or_else(|| address.customer())
        }
    });
    let choices = Resource::new(move || asked.get(), integration_choices);
    let post = use_post_or::<AddIntegration>(test_url());
    view! {
        <Dialog title="Add New Integration" back=routes::INTEGRATIONS wide=true>
            <Load
                resource=choices
                children=move |choices| {
                    if choices.customers.is_empty() {
                        view! { <NoCustomer /> }.into_any()
                    } else {
                        view! { <AddForm choices=choices post=post chosen=chosen /> }.into_any()
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}

#[component]
fn NoCustomer() -> impl IntoView {
    view! {
        <div class="p-5">
            <p>"An integration belongs to a customer, and there is none yet."</p>
            <a class="btn btn-primary mt-4" href=routes::CUSTOMER_ADD>
                <Icon name="plus" />
                "Add Customer"
            </a>
        </div>
    }
    .into_any()
}

/// "Client secret, ends 3 March 2027": what one chooses a profile by.
pub(super) fn profile_words(profile: &CredentialProfile) -> String {
    let kind = profile.kind.title().to_lowercase();
    let shared = if profile.customer_id.is_none() {
        ", shared"
    } else {
        ""
    };
    match profile.expires_at {
        Some(ends) => format!("{} ({kind}{shared}, ends {})", profile.name, day_utc(ends)),
        None => format!("{} ({kind}{shared})", profile.name),
    }
}

/// What the form around its fields holds at this moment.
fn filled_in(fields: NodeRef<html::Div>) -> Option<TestNew> {
    let form = fields.get_untracked()?.closest("form").ok()??;
    let form = form.dyn_into::<web_sys::HtmlFormElement>().ok()?;
    let data = web_sys::FormData::new_with_form(&form).ok()?;
    TestNew::from_form_data(&data).ok()
}

#[component]
fn AddForm(
    choices: Choices,
    post: crate::ui::form::Post<AddIntegration>,
    chosen: RwSignal<Option<domain::id::CustomerId>>,
) -> impl IntoView {
    let address = use_address();
    let fields = NodeRef::<html::Div>::new();
    let test = ServerAction::<TestNew>::new();
    let tested = follow_test(test);
    let start = Callback::new(move |()| {
        if let Some(filled_in) = filled_in(fields) {
            test.dispatch(filled_in);
        }
    });
    // What the test refuses stands at its field too.
    let refused = Signal::derive(move || match tested.outcome.get() {
        Some(Err(AppError::Invalid(error))) => Some(error.message),
        _ => None,
    });
    let customers: Vec<_> = choices
        .customers
        .iter()
        .map(|(id, name)| (id.to_string(), name.clone()))
        .collect();
    let customer = choices
        .customer
        .map(|id| id.to_string())
        .unwrap_or_default();
    let clouds: Vec<_> = choices
        .clouds
        .iter()
        .map(|cloud| (cloud.id.clone(), cloud.name.clone()))
        .collect();
    let none = choices.profiles.is_empty();
    let profiles: Vec<_> = if none {
        vec![(String::new(), "None that this customer may use".to_owned())]
    } else {
        choices
            .profiles
            .iter()
            .map(|profile| (profile.id.to_string(), profile_words(profile)))
            .collect()
    };
    let add_profile = address.keep(routes::CREDENTIAL_PROFILE_ADD);
    let authorize = link(
        routes::AUTHORIZE,
        &[("customer_id".to_owned(), customer.clone())],
    );
    let navigate = use_navigate();
    // With the browser code, what is filled in goes along.
    let carry_over = move |ev: web_sys::MouseEvent| {
        if let Some(filled) = filled_in(fields) {
            ev.prevent_default();
            let pairs = [
                ("customer_id", filled.customer_id),
                ("tenant", filled.tenant),
                ("cloud", filled.cloud),
                ("credential_profile_id", filled.credential_profile_id),
            ]
            .map(|(name, value)| (name.to_owned(), value));
            navigate(&link(routes::AUTHORIZE, &pairs), NavigateOptions::default());
        }
    };
    let given = move |name: &str| address.get(name).unwrap_or_default();
    view! {
        <PostForm post=post class="min-h-0 flex flex-col">
            // What Enter in a field presses: a browser takes the first button of a form.
            <button type="submit" class="sr-only" tabindex="-1" aria-hidden="true">
                "Add"
            </button>
            <div
                node_ref=fields
                class="grid md:grid-cols-[20rem_minmax(0,1fr)] overflow-auto min-h-0"
            >
                <div class="p-5 flex flex-col gap-4">
                    <div on:change=move |ev| {
                        let value = event_target_value(&ev);
                        chosen.set(value.parse().ok());
                    }>
                        <Choice
                            name="customer_id"
                            label="Customer"
                            options=customers
                            value=customer
                        />
                        <button
                            class="btn btn-sm mt-2 hidden plain:inline-flex"
                            formmethod="get"
                            formaction=routes::INTEGRATION_ADD
                        >
                            "Show this customer’s profiles"
                        </button>
                    </div>
                    <Choice
                        name="kind"
                        label="Type"
                        options=vec![("entra_id".to_owned(), "Entra ID Sync".to_owned())]
                        value="entra_id"
                    />
                    <Field
                        name="tenant"
                        label="Tenant"
                        value=given("tenant")
                        hint="Domain or tenant id. Can’t be changed later."
                        autofocus=true
                    />
                    <Choice
                        name="cloud"
                        label="Azure Cloud"
                        options=clouds
                        value=given("cloud")
                        hint="Can’t be changed later."
                    />
                    <div>
                        <Choice
                            name="credential_profile_id"
                            label="Credential Profile"
                            options=profiles
                            value=given("credential_profile_id")
                        />
                        {none
                            .then(|| {
                                view! {
                                    <p class="rc-hint mt-1">
                                        <a class="rc-link" href=add_profile>
                                            "Add a credential profile"
                                        </a> " first."
                                    </p>
                                }
                            })}
                        <p class="rc-hint mt-1">
                            "Has the tenant’s administrator not consented yet? "
                            <a class="rc-link" href=authorize data-noscroll="true" on:click=carry_over>
                                "Authorize with a link"
                            </a>
                        </p>
                    </div>
                    <div class="flex items-start gap-3">
                        <input
                            id="f-enabled"
                            name="enabled"
                            type="checkbox"
                            role="switch"
                            class="toggle mt-0.5 flex-none"
                            value="true"
                            checked
                            aria-describedby="f-enabled-h"
                        />
                        <div>
                            <label for="f-enabled" class="font-medium">
                                "Enabled"
                            </label>
                            <p class="rc-hint" id="f-enabled-h">
                                "Nothing starts until you press Full Sync the first time."
                            </p>
                        </div>
                    </div>
                </div>
                <section
                    class="p-5 md:border-s border-line bg-base-200 max-md:border-t"
                    aria-labelledby="h-test"
                >
                    <div class="flex items-center gap-3 mb-2 flex-wrap">
                        <h3 id="h-test" class="text-base">
                            "Test Connection"
                        </h3>
                        <Verdict tested=tested />
                        <div class="ms-auto">
                            <TestButton tested=tested url=test_url() start=start />
                        </div>
                    </div>
                    {move || {
                        refused
                            .get()
                            .map(|message| {
                                view! {
                                    <p class="rc-err" role="alert">
                                        <Icon name="circle-x" small=true class="mt-px" />
                                        <span>{message}</span>
                                    </p>
                                }
                            })
                    }}
                    {move || {
                        tested
                            .outcome
                            .with(Option::is_none)
                            .then(|| {
                                view! {
                                    <p class="text-muted">
                                        "Tries what a sync will do, with the settings on the left: reach the \
                                         tenant, sign in, read. Nothing is stored."
                                    </p>
                                }
                            })
                    }}
                    <Checks tested=tested />
                </section>
            </div>
            <div class="flex items-center gap-2 px-5 py-2 min-h-14 border-t border-line">
                <p class="text-muted max-md:hidden">
                    "It can be added now. Nothing is read until you start the first Full Sync."
                </p>
                <a
                    class="btn btn-ghost ms-auto"
                    href=move || use_address().at(routes::INTEGRATIONS, &[])
                    data-noscroll="true"
                >
                    "Cancel"
                </a>
                <Submit label="Add" busy="Adding" />
            </div>
        </PostForm>
    }
    .into_any()
}

fn test_url() -> &'static str {
    use leptos::server_fn::ServerFn as _;
    TestNew::PATH
}
