//! What the pages of users and groups made here share: whose a new one is, where a synced one is
//! changed, and the bin.

use domain::{
    DateTime,
    id::CustomerId,
    made_here::{BIN_DAYS, Editable, Elsewhere, GroupChoice},
    policy::ObjectType,
};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::{prelude::*, time::day_utc};

/// What the form of a new user or group has to offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewForm {
    /// Customers to choose from: all, or the one that is chosen.
    pub customers: Vec<(CustomerId, String)>,
    /// The chosen one.
    pub customer: Option<CustomerId>,
    /// Groups made here of the chosen one.
    pub groups: Vec<GroupChoice>,
}

/// What can be chosen for a new user or group: of the customer where one is named.
#[server(endpoint = "directory/new-form", input = Json)]
pub(crate) async fn read_new_form(customer: Option<CustomerId>) -> AppResult<NewForm> {
    use backend::store::{customers, users};
    use domain::customer::Customer;
    let (backend, scope) = crate::session::caller().await?;
    let Some(id) = customer else {
        return Ok(NewForm {
            customers: customers::names(&backend, &scope, None).await?,
            customer: None,
            groups: Vec::new(),
        });
    };
    let Customer { id, name, .. } = customers::get(&backend, &scope, id).await?;
    Ok(NewForm {
        customers: vec![(id, name)],
        customer: Some(id),
        groups: users::group_choice(&backend, &scope, id, None).await?,
    })
}

/// Whose a new one is: a choice, or the customer of the address.
#[component]
pub fn CustomerField(
    /// What can be chosen.
    form: NewForm,
) -> impl IntoView {
    if let (Some(id), Some((_, name))) = (form.customer, form.customers.first()) {
        return view! {
            <input type="hidden" name="customer_id" value=id.to_string() />
            <p class="text-muted">"For " <bdi class="font-medium text-base-content">{name.clone()}</bdi></p>
        }
        .into_any();
    }
    let options = form.customers.into_iter();
    let options = options.map(|(id, name)| (id.to_string(), name)).collect();
    view! { <Choice name="customer_id" label="Customer" options=options /> }.into_any()
}

/// That a synced user or group is changed in its source, and the ways there. Nothing of one that is
/// made here.
#[component]
pub fn ElsewhereNote(
    /// What it is.
    of: ObjectType,
    /// Who decides about it.
    editable: Editable,
    /// Where it is changed.
    elsewhere: Option<Elsewhere>,
) -> impl IntoView {
    let what = match of {
        ObjectType::Group => "Its name, description and members",
        _ => "Names, attributes and status",
    };
    match (editable, elsewhere) {
        (Editable::Here, _) => ().into_any(),
        (_, Some(elsewhere)) => view! {
            <section class="rc-note mb-5" aria-label="Where it is changed">
                <Icon name="cloud" class="text-muted mt-0.5" />
                <p class="min-w-0 wrap-anywhere">
                    {format!("{what} are changed in the source: ")}
                    <a class="rc-link" href=routes::integration(elsewhere.integration_id)>
                        <bdi>{elsewhere.integration_name}</bdi>
                    </a> " keeps them in step, and the next run brings what is changed there. "
                    {elsewhere
                        .portal
                        .map(|portal| {
                            view! {
                                <a class="rc-link" href=portal target="_blank" rel="noopener noreferrer">
                                    "Open it in Microsoft’s portal"
                                    <Icon name="external-link" small=true class="ms-1" />
                                </a>
                            }
                        })}
                </p>
            </section>
        }
        .into_any(),
        (_, None) => view! {
            <section class="rc-note mb-5" aria-label="Where it is changed">
                <Icon name="cloud" class="text-muted mt-0.5" />
                <p>
                    "It came from an integration that was deleted, and was left as it was. It can’t be changed here."
                </p>
            </section>
        }
        .into_any(),
    }
}

/// That something is in the bin, until when, and the way back. Nothing where it isn't.
#[component]
pub fn BinNote(
    /// When it goes for good.
    purge_at: Option<DateTime>,
    /// The form that restores it, for whoever may.
    children: Children,
) -> impl IntoView {
    purge_at.map(|at| {
        view! {
            <section class="rc-note held mb-5" aria-label="Bin">
                <Icon name="trash-2" class="text-warning mt-0.5" />
                <div class="min-w-0">
                    <p>
                        {format!("In the bin. It goes for good on {} (", day_utc(at))}
                        <RelativeTime at=at /> ")."
                    </p>
                    {children()}
                </div>
            </section>
        }
        .into_any()
    })
}

/// What a deletion means, before it is confirmed.
pub fn bin_words(stays: &str) -> String {
    format!(
        "It goes into the bin for {BIN_DAYS} days and can be restored, {stays}; then it is gone for good."
    )
}

/// An error that blames a field by the API's name, at a field of a form whose fields stand inside
/// `outer`: `user[display_name]`, `user[attributes][jobTitle]`.
#[cfg(feature = "ssr")]
pub fn at_field(outer: &str) -> impl Fn(backend::Error) -> AppError {
    move |error| match AppError::from(error) {
        AppError::Invalid(error) => {
            let parts = error.field.replace('.', "][");
            AppError::invalid(&format!("{outer}[{parts}]"), error.message)
        }
        other => other,
    }
}
