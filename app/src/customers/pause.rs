//! Pausing and resuming the scheduled runs of a customer's integrations, and the time zone in
//! which its schedules are understood.

use domain::{customer::Customer, id::CustomerId};
use leptos::{server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::change::{customer_of, use_id};
use crate::ui::prelude::*;

/// Pauses the scheduled runs of a customer's integrations.
#[server(endpoint = "customers/pause")]
pub(crate) async fn pause_customer(
    id: CustomerId,
    #[server(default)] reason: String,
) -> AppResult<Done> {
    use domain::pause::NewPause;
    let (backend, scope) = crate::session::caller().await?;
    let pause = NewPause {
        reason: Some(reason),
    };
    let paused = backend::store::pauses::pause_customer(&backend, &scope, id, pause).await?;
    crate::session::done(
        format!("Scheduled runs of {} are paused", paused.name),
        Some(routes::customer(id)),
    )
    .await
}

/// Resumes the scheduled runs of a customer's integrations.
#[server(endpoint = "customers/resume")]
pub(crate) async fn resume_customer(id: CustomerId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let resumed = backend::store::pauses::resume_customer(&backend, &scope, id).await?;
    crate::session::done(format!("Scheduled runs of {} go on", resumed.name), None).await
}

/// A customer with the zones to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneChoice {
    /// The customer.
    pub customer: Customer,
    /// Every time zone by its IANA name.
    pub zones: Vec<String>,
}

/// A customer with the zones to choose from.
#[server(endpoint = "customers/zones", input = Json)]
pub(crate) async fn time_zones(id: CustomerId) -> AppResult<ZoneChoice> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(ZoneChoice {
        customer: backend::store::customers::get(&backend, &scope, id).await?,
        zones: backend::timetable::zones().map(str::to_owned).collect(),
    })
}

/// Gives a customer another time zone.
#[server(endpoint = "customers/time-zone")]
pub(crate) async fn set_time_zone(id: CustomerId, time_zone: String) -> AppResult<Done> {
    use domain::customer::CustomerChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = CustomerChange {
        time_zone: Some(time_zone),
        ..CustomerChange::default()
    };
    let customer = backend::store::customers::change(&backend, &scope, id, change).await?;
    crate::session::done(
        format!(
            "Schedules of {} are in {} now",
            customer.name, customer.time_zone
        ),
        Some(routes::customer(id)),
    )
    .await
}

/// Pause, over the customer's page.
#[component]
pub fn PauseDialog() -> impl IntoView {
    let id = use_id();
    let customer = Resource::new(move || id.get(), customer_of);
    let post = use_post::<PauseCustomer>();
    view! {
        <Load resource=customer let:customer>
            <Dialog title=format!("Pause {}", customer.name) back=routes::customer(customer.id)>
                <PostForm post=post>
                    <input type="hidden" name="id" value=customer.id.to_string() />
                    <p class="mb-3">
                        "Scheduled runs of all its integrations stop until someone resumes, also of \
                         those added later. Runs at work go on, and Full Sync still works."
                    </p>
                    <Field
                        name="reason"
                        label="Reason"
                        hint="Optional. Shown to whoever finds it paused."
                        autofocus=true
                    />
                    <DialogFoot back=routes::customer(customer.id)>
                        <Submit label="Pause" busy="Pausing" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Time Zone, over the customer's page.
#[component]
pub fn TimeZoneDialog() -> impl IntoView {
    let id = use_id();
    let choice = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => time_zones(id).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    let post = use_post::<SetTimeZone>();
    view! {
        <Load
            resource=choice
            children=move |ZoneChoice { customer, zones }| {
                let back = routes::customer(customer.id);
                let zones: Vec<_> = zones.into_iter().map(|zone| (zone.clone(), zone)).collect();
                view! {
                    <Dialog title="Time Zone" back=back.clone()>
                        <PostForm post=post>
                            <input type="hidden" name="id" value=customer.id.to_string() />
                            <Choice
                                name="time_zone"
                                label="Time zone"
                                options=zones
                                value=customer.time_zone.clone()
                                hint="Cron expressions and windows of this customer’s schedules are \
                                      understood in it."
                            />
                            <DialogFoot back=back>
                                <Submit label="Save" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}
