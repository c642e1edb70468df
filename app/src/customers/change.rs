//! Adding, renaming, deleting and restoring a customer.

use domain::{
    customer::{BIN_DAYS, Customer},
    id::CustomerId,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::hooks::use_params_map;

use crate::ui::prelude::*;

/// One customer by its id.
#[server(endpoint = "customers/get", input = Json)]
pub(crate) async fn get_customer(id: CustomerId) -> AppResult<Customer> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::customers::get(&backend, &scope, id).await?)
}

/// Adds a customer.
#[server(endpoint = "customers/add")]
pub(crate) async fn add_customer(name: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let customer = backend::store::customers::create(&backend, &scope, &name).await?;
    crate::session::done(
        format!("{} was added", customer.name),
        Some(routes::customer(customer.id)),
    )
    .await
}

/// Gives a customer another name.
#[server(endpoint = "customers/rename")]
pub(crate) async fn rename_customer(id: CustomerId, name: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let customer = backend::store::customers::rename(&backend, &scope, id, &name).await?;
    crate::session::done(
        format!("Renamed to {}", customer.name),
        Some(routes::customer(id)),
    )
    .await
}

/// Puts a customer into the bin, once its name was typed.
#[server(endpoint = "customers/delete")]
pub(crate) async fn delete_customer(id: CustomerId, confirm_name: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::customers::delete(&backend, &scope, id, Some(&confirm_name)).await?;
    crate::session::done(
        format!("Moved to the bin, restorable for {BIN_DAYS} days"),
        Some(routes::CUSTOMERS.to_owned()),
    )
    .await
}

/// Takes a customer out of the bin.
#[server(endpoint = "customers/restore")]
pub(crate) async fn restore_customer(id: CustomerId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let customer = backend::store::customers::restore(&backend, &scope, id).await?;
    crate::session::done(
        format!("{} is back, its sync is as it was", customer.name),
        Some(routes::customer(id)),
    )
    .await
}

/// The customer's id in the path. An id that can't be read is answered as one that isn't there.
pub(super) fn use_id() -> Memo<Option<CustomerId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// Reads the customer in the path.
pub(super) async fn customer_of(id: Option<CustomerId>) -> AppResult<Customer> {
    match id {
        Some(id) => get_customer(id).await,
        None => Err(AppError::NotFound {
            what: "customer".to_owned(),
        }),
    }
}

/// Add Customer.
#[component]
pub fn AddDialog() -> impl IntoView {
    let post = use_post::<AddCustomer>();
    view! {
        <Dialog title="Add Customer" back=routes::CUSTOMERS>
            <PostForm post=post>
                <Field
                    name="name"
                    label="Name"
                    hint="The organisation as you call it. It need not be unique. Operators who look \
                          after some customers don’t see it until they are given it, or its tag; those \
                          who look after all except some do."
                    autofocus=true
                />
                <DialogFoot back=routes::CUSTOMERS>
                    <Submit label="Add" busy="Adding" />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

/// Rename Customer.
#[component]
pub fn RenameDialog() -> impl IntoView {
    let id = use_id();
    let customer = Resource::new(move || id.get(), customer_of);
    let post = use_post::<RenameCustomer>();
    view! {
        <Load resource=customer let:customer>
            <Dialog title="Rename Customer" back=routes::customer(customer.id)>
                <PostForm post=post>
                    <input type="hidden" name="id" value=customer.id.to_string() />
                    <Field name="name" label="Name" value=customer.name.clone() autofocus=true />
                    <DialogFoot back=routes::customer(customer.id)>
                        <Submit label="Save" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Delete Customer, by typing its name.
#[component]
pub fn DeleteDialog() -> impl IntoView {
    let id = use_id();
    let customer = Resource::new(move || id.get(), customer_of);
    let post = use_post::<DeleteCustomer>();
    view! {
        <Load resource=customer let:customer>
            <Dialog title=format!("Delete {}", customer.name) back=routes::customer(customer.id)>
                <PostForm post=post>
                    <input type="hidden" name="id" value=customer.id.to_string() />
                    <p class="mb-3">
                        {format!(
                            "Its sync stops now. It stays in the bin for {BIN_DAYS} days and can be \
                             restored; then its users, groups and history are deleted for good.",
                        )}
                    </p>
                    <p class="mb-1">
                        "Type " <bdi class="font-medium">{customer.name.clone()}</bdi> " to confirm."
                    </p>
                    <Field name="confirm_name" label="Name" autofocus=true />
                    <DialogFoot back=routes::customer(customer.id)>
                        <Submit label="Delete" busy="Deleting" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}
