//! What a page shows while, after and instead of what it reads.

use std::task::Poll;

use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::{address::use_address, form::ErrorNote, page::PageHead};
use crate::{
    error::{AppError, AppResult},
    routes,
};

/// Shows what a resource holds. While it is read anew the old stays; on the first time nothing
/// shows, since on the first time the server has it already. An error says what to do.
#[component]
pub fn Load<T, C, V>(
    /// What is read.
    resource: Resource<AppResult<T>>,
    /// Whether it is all that the page shows, so that in its place an error needs the title.
    #[prop(optional)]
    whole: bool,
    /// What shows it.
    children: C,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Fn(T) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    view! {
        <Transition>
            {move || {
                let children = children.clone();
                Suspend::new(async move {
                    let read = resource.await;
                    past_the_dry_run().await;
                    match read {
                        Ok(value) => children(value).into_any(),
                        Err(error) => {
                            view! {
                                <Refusal
                                    error=error
                                    whole=whole
                                    retry=move || resource.refetch()
                                />
                            }
                            .into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// Keeps what follows out of the dry runs in which the server looks for what a page reads: a view
/// made in one of them is thrown away, and the resources in it take the numbers by which the
/// browser finds the answers. A dry run polls once; so this is ready at the second time.
pub(crate) fn past_the_dry_run() -> impl Future<Output = ()> {
    let mut asked = !cfg!(feature = "ssr");
    std::future::poll_fn(move |cx| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// In place of what could not be read.
#[component]
fn Refusal(
    error: AppError,
    whole: bool,
    retry: impl Fn() + Send + Sync + 'static,
) -> impl IntoView {
    let address = use_address();
    if matches!(error, AppError::ProveAgain) {
        let retry = Callback::new(move |()| retry());
        return crate::proof::panel(address.with(&[]), Some(retry));
    }
    let status = error.status();
    set_page_status(status);
    if matches!(error, AppError::SignedOut) {
        // The session ended while the page was open.
        Effect::new(move |_| _ = window().location().set_href(routes::SIGN_IN));
    }
    let heading = error.heading();
    view! {
        {whole.then(|| view! { <PageHead title=heading /> })}
        <div class="rc-refused px-6 pt-1 max-w-3xl max-md:px-4">
            {(!whole).then(|| view! { <h2 class="text-lg mb-2">{heading}</h2> })}
            <ErrorNote error=error />
            <div class="flex gap-2">
                {(status >= 429)
                    .then(|| {
                        view! {
                            <a
                                class="btn"
                                href=move || address.with(&[])
                                on:click=move |ev| {
                                    ev.prevent_default();
                                    retry();
                                }
                            >
                                "Try again"
                            </a>
                        }
                    })}
                <a class="btn btn-ghost" href=routes::OVERVIEW>"Overview"</a>
            </div>
        </div>
    }
    .into_any()
}

/// Sets the status of the page that is being made; does nothing in the browser.
pub fn set_page_status(status: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(options), Ok(status)) = (
        use_context::<leptos_axum::ResponseOptions>(),
        http::StatusCode::from_u16(status),
    ) {
        options.set_status(status);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = status;
}

/// Sets the status of what is answered to the browser code. A page or a plain form keeps its own:
/// a status over the redirect of a plain form would break the way back.
#[cfg(feature = "ssr")]
pub(crate) fn set_program_status(status: u16) {
    let to_program = use_context::<http::request::Parts>()
        .is_some_and(|parts| !crate::flash::wants_html(&parts.headers));
    if to_program {
        set_page_status(status);
    }
}

/// Says in the answer's header after how many seconds another try makes sense (RFC 9110 §10.2.3).
#[cfg(feature = "ssr")]
pub(crate) fn say_when_to_come_back(retry_after_s: u64) {
    if let Some(options) = use_context::<leptos_axum::ResponseOptions>() {
        options.insert_header(http::header::RETRY_AFTER, retry_after_s.into());
    }
}

/// A list without a row: what is missing, and what to do next.
#[component]
pub fn Empty(
    /// What is the case: "No customers yet".
    #[prop(into)]
    title: String,
    /// What it means and what happens next.
    #[prop(optional, into)]
    text: String,
    /// The button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="px-6 pt-8 pb-10 max-md:px-4 max-w-3xl w-full">
            <h2 class="text-lg">{title}</h2>
            {(!text.is_empty()).then(|| view! { <p class="text-muted mt-1 text-base">{text}</p> })}
            {children.map(|children| view! { <div class="flex gap-2 mt-6">{children()}</div> })}
        </div>
    }
    .into_any()
}

/// A list whose search or filters match nothing.
#[component]
pub fn NoMatch(
    /// What there is none of: "users".
    many: &'static str,
) -> impl IntoView {
    let address = use_address();
    let clear = move || {
        let kept: Vec<_> = address
            .pairs()
            .into_iter()
            .filter(|(name, _)| ["customer", "rows", "sort"].contains(&name.as_str()))
            .collect();
        if kept.iter().any(|(name, _)| name != "customer") {
            super::address::link(&address.path(), &kept)
        } else {
            let customer = kept.first().map(|(_, id)| id.clone());
            address.bare(customer)
        }
    };
    view! {
        <div class="px-6 pt-8 pb-10 max-md:px-4">
            <h2 class="text-lg">{format!("No {many} match")}</h2>
            <a class="btn mt-4" href=clear>"Clear filters"</a>
        </div>
    }
    .into_any()
}
