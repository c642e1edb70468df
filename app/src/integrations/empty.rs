//! What stands in place of the list before the first integration: what happens next, step by
//! step.

use super::{api::Choices, list::AddButton};
use crate::ui::prelude::*;

/// Title, steps, the button and what it needs.
#[component]
pub fn NothingConnected(
    /// The customers, and what the chosen one may use.
    choices: Resource<AppResult<Choices>>,
) -> impl IntoView {
    let address = use_address();
    let customer = {
        let address = address.clone();
        Memo::new(move |_| address.customer())
    };
    let profiles = address.keep(routes::CREDENTIAL_PROFILES);
    view! {
        <Load
            resource=choices
            children=move |choices: Choices| {
                let chosen = customer.get_untracked();
                let name = choices
                    .customers
                    .iter()
                    .find(|(id, _)| Some(*id) == chosen)
                    .map(|(_, name)| name.clone());
                let title = match name {
                    Some(name) => format!("Nothing is connected for {name} yet"),
                    None => "Nothing is connected yet".to_owned(),
                };
                let no_customer = choices.customer.is_none();
                let needed = match choices.profiles.len() {
                    _ if no_customer => " A customer comes first.".to_owned(),
                    0 => " There is none yet that this customer may use.".to_owned(),
                    n => format!(" You have {n} that this customer may use."),
                };
                view! {
                    <div class="px-6 pt-6 pb-10 max-md:px-4 max-w-3xl w-full">
                        <h2 class="text-lg">{title}</h2>
                        <p class="text-muted mt-1 text-base">
                            "Connect an Entra tenant and Rollcall keeps the customer’s users and groups \
                             in step with it. Nothing changes until you have pressed Full Sync."
                        </p>
                        <ol class="mt-6 flex flex-col gap-4">
                            <Steps />
                        </ol>
                        <div class="flex gap-2 mt-8">
                            {if no_customer {
                                view! {
                                    <a class="btn btn-primary" href=routes::CUSTOMERS>
                                        "Customers"
                                    </a>
                                }
                                    .into_any()
                            } else {
                                view! { <AddButton /> }.into_any()
                            }}
                        </div>
                        <p class="text-muted mt-6">
                            "Needed: a "
                            <a class="rc-link" href=profiles.clone()>
                                "credential profile"
                            </a> "." {needed}
                        </p>
                    </div>
                }
            }
        />
    }
    .into_any()
}

#[component]
fn Steps() -> impl IntoView {
    let steps = [
        (
            "Consent",
            "An administrator of the tenant grants the application its permissions once, about a \
             minute.",
        ),
        (
            "Test Connection",
            "Check after check; each one that fails says what to do.",
        ),
        (
            "Pick groups",
            "By typing. Without any, the whole tenant comes in.",
        ),
        (
            "Full Sync",
            "The first run is yours to start. After that it goes every 5 minutes.",
        ),
    ];
    steps
        .into_iter()
        .zip(1..)
        .map(|((title, text), number)| {
            view! {
                <li class="grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-3">
                    <span
                        class="grid place-items-center size-6 rounded-full bg-secondary text-xs font-semibold rc-num"
                        aria-hidden="true"
                    >
                        {number}
                    </span>
                    <div>
                        <p class="font-medium">{title}</p>
                        <p class="text-muted">{text}</p>
                    </div>
                </li>
            }
        })
        .collect_view()
}
