//! New API Token.

use domain::{
    api_token::{ApiTokenKind, LIFETIME_DAYS, LIFETIME_DAYS_MAX},
    id::CustomerId,
    permission::{Permission, Role},
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::{OfferedText, Text};
use crate::{
    session::{may, use_operator},
    ui::{customers::CustomerTicks, prelude::*},
};

/// What the form shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenForm {
    /// Customers to choose from, by name.
    customers: Vec<(CustomerId, String)>,
    /// Whether there are more than are listed.
    more: bool,
    /// The text to copy.
    offered: OfferedText,
}

/// What the form shows.
#[server(endpoint = "api-tokens/form", input = Json)]
pub(crate) async fn read_form() -> AppResult<TokenForm> {
    use backend::store::{customers, tokens};
    let (backend, scope) = crate::session::caller().await?;
    let customers = customers::names(&backend, &scope, None).await?;
    Ok(TokenForm {
        more: i64::try_from(customers.len()).unwrap_or(i64::MAX) >= customers::NAMES_MAX,
        customers,
        offered: tokens::offer_new(&backend, &scope).await?.into(),
    })
}

/// What bounds a token beside its role and customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// After so many days it ends.
    days: i64,
    /// The networks it can be used from, with commas or spaces between.
    #[serde(default)]
    addresses: String,
}

/// Makes a token. `reach` is `all` or `some`.
#[server(endpoint = "api-tokens/add")]
pub(crate) async fn add_token(
    name: String,
    kind: ApiTokenKind,
    role: Role,
    reach: String,
    #[server(default)] customer_ids: Vec<CustomerId>,
    bounds: Bounds,
    sealed_token: String,
) -> AppResult<Done> {
    use domain::api_token::NewApiToken;
    let (backend, scope) = crate::session::caller().await?;
    if !(1..=LIFETIME_DAYS_MAX).contains(&bounds.days) {
        let message = format!("Choose 1 to {LIFETIME_DAYS_MAX} days.");
        return Err(AppError::invalid("bounds[days]", message));
    }
    let new = NewApiToken {
        name,
        kind,
        role,
        customer_ids: (reach != "all").then_some(customer_ids),
        addresses: bounds
            .addresses
            .split([',', ' ', '\n', '\r', '\t'])
            .map(str::to_owned)
            .collect(),
        expires_at: Some(backend.clock.now() + chrono::Duration::days(bounds.days)),
    };
    let made = backend::store::tokens::create_with(&backend, &scope, new, &sealed_token)
        .await
        .map_err(of_form)?;
    crate::session::done(
        format!("{} can be used now", made.name),
        Some(routes::api_token(made.id)),
    )
    .await
}

/// A refusal with the field as the form names it, not as the store does.
#[cfg(feature = "ssr")]
fn of_form(error: backend::Error) -> AppError {
    match AppError::from(error) {
        AppError::Invalid(mut error) if error.field == "addresses" => {
            "bounds[addresses]".clone_into(&mut error.field);
            AppError::Invalid(error)
        }
        other => other,
    }
}

/// The roles that the operator may give.
fn roles() -> Vec<(String, String)> {
    let own = use_operator().role;
    Role::ALL
        .iter()
        .filter(|role| own.holds(**role))
        .map(|role| (role.to_string(), role.title().to_owned()))
        .collect()
}

/// The times to choose from.
fn times() -> Vec<(String, String)> {
    [7, 30, LIFETIME_DAYS, 180, LIFETIME_DAYS_MAX - 1]
        .map(|days| (days.to_string(), format!("{days} days")))
        .into()
}

/// The kinds that the operator may make.
fn kinds() -> impl Iterator<Item = ApiTokenKind> {
    let administers = may(Permission::TokensWrite);
    ApiTokenKind::ALL
        .iter()
        .copied()
        .filter(move |kind| administers || *kind == ApiTokenKind::Personal)
}

/// The dialog.
#[component]
pub fn AddDialog() -> impl IntoView {
    let form = Resource::new(|| (), |()| read_form());
    let post = use_post::<AddToken>();
    view! {
        <Load
            resource=form
            children=move |form| {
                let given = post.filled_in();
                let role = given.as_ref().map_or(Role::ReadOnly, |given| given.role);
                let days = given.as_ref().map_or(LIFETIME_DAYS, |given| given.bounds.days);
                let kind = given.as_ref().map(|given| given.kind);
                let reach = given.map(|given| (given.reach == "all", given.customer_ids));
                view! {
                    <Dialog title="New API Token" back=routes::API_TOKENS>
                        <PostForm post=post class="flex flex-col gap-4">
                            <Field
                                name="name"
                                label="Name"
                                hint="What it is for, such as the program that uses it."
                                autofocus=true
                            />
                            <Kinds chosen=kind />
                            <Choice
                                name="role"
                                label="Role"
                                options=roles()
                                value=role.to_string()
                                hint="What it may do at most. It never may do more than you may at that moment."
                            />
                            <Reach customers=form.customers more=form.more chosen=reach />
                            <Choice
                                name="bounds[days]"
                                label="Ends after"
                                options=times()
                                value=days.to_string()
                                hint="Rotating it gives it as many days again."
                            />
                            <Field
                                name="bounds[addresses]"
                                label="Networks"
                                hint="Where it may be used from, such as 203.0.113.0/24, with commas between. Empty: from anywhere."
                            />
                            <Text offered=form.offered />
                            <DialogFoot back=routes::API_TOKENS>
                                <Submit label="Make token" busy="Making" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}

#[component]
fn Kinds(chosen: Option<ApiTokenKind>) -> impl IntoView {
    let first = kinds().last().unwrap_or(ApiTokenKind::Personal);
    let chosen = chosen.unwrap_or(first);
    let radios = kinds()
        .map(|kind| {
            let id = format!("f-kind-{kind}");
            let hint = format!("{id}-h");
            view! {
                <div class="flex gap-2.5 py-1">
                    <input
                        id=id.clone()
                        type="radio"
                        name="kind"
                        class="radio mt-0.5 flex-none"
                        value=kind.as_str()
                        checked=kind == chosen
                        aria-describedby=hint.clone()
                    />
                    <div>
                        <label for=id>{kind.title()}</label>
                        <p class="rc-hint" id=hint>{kind.words()}</p>
                    </div>
                </div>
            }
        })
        .collect_view();
    view! {
        <fieldset>
            <legend class="font-medium mb-1">"For"</legend>
            {radios}
        </fieldset>
    }
    .into_any()
}

/// The customers: all of the operator's, or those that are ticked.
#[component]
fn Reach(
    customers: Vec<(CustomerId, String)>,
    more: bool,
    chosen: Option<(bool, Vec<CustomerId>)>,
) -> impl IntoView {
    let (all, ids) = chosen.unwrap_or((true, Vec::new()));
    view! {
        <fieldset class="group">
            <legend class="font-medium mb-1">"Customers"</legend>
            <div class="flex gap-2.5 py-1">
                <input
                    id="f-reach-all"
                    type="radio"
                    name="reach"
                    class="radio mt-0.5 flex-none"
                    value="all"
                    checked=all
                />
                <label for="f-reach-all">"All that you look after, now and later"</label>
            </div>
            <div class="flex gap-2.5 py-1">
                <input
                    id="f-reach-some"
                    type="radio"
                    name="reach"
                    class="radio mt-0.5 flex-none"
                    value="some"
                    checked=!all
                />
                <label for="f-reach-some">"Some of them"</label>
            </div>
            <div class="hidden mt-2 group-has-[#f-reach-some:checked]:block">
                <CustomerTicks choices=customers more=more chosen=ids />
            </div>
        </fieldset>
    }
    .into_any()
}
