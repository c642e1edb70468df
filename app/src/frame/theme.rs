//! Light, dark, or as the system says. Kept in a cookie, so that the page comes in the right one.

use leptos::{prelude::*, server};
use wasm_bindgen::JsCast as _;

use crate::{
    error::AppResult,
    session::{Current, Theme},
    ui::{
        form::{Done, PostForm, use_post},
        icon::Icon,
        menu::Menu,
    },
};

/// Keeps the chosen theme for a year.
#[server(endpoint = "theme/choose")]
pub(crate) async fn choose_theme(theme: String) -> AppResult<Done> {
    use crate::session::caller;
    let theme = Theme::parse(&theme);
    let cookie = crate::cookies::THEME;
    caller::keep_cookie(&caller::backend()?, cookie, &theme.as_str().into());
    crate::session::done("", None).await
}

/// The menu in the top bar.
#[component]
pub fn ThemeMenu() -> impl IntoView {
    let post = use_post::<ChooseTheme>();
    let chosen = RwSignal::new(expect_context::<Current>().theme);
    let choices = Theme::ALL
        .into_iter()
        .map(|theme| {
            view! {
                <button
                    type="submit"
                    name="theme"
                    value=theme.as_str()
                    class="rc-opt w-full hover:bg-hover"
                    aria-pressed=move || if chosen.get() == theme { "true" } else { "false" }
                    on:click=move |_| {
                        chosen.set(theme);
                        show(theme);
                    }
                >
                    <Icon name=theme.icon() class="text-muted" />
                    {theme.title()}
                    {move || {
                        (chosen.get() == theme)
                            .then(|| view! { <Icon name="check" small=true class="ms-auto" /> })
                    }}
                </button>
            }
        })
        .collect_view();
    view! {
        <Menu
            class="btn btn-ghost btn-square text-muted"
            label="Light or dark"
            panel="end-0 w-40"
            summary=|| view! { <Icon name="sun-moon" /> }.into_any()
        >
            <PostForm post=post>{choices}</PostForm>
        </Menu>
    }
    .into_any()
}

fn show(theme: Theme) {
    let Some(page) = document()
        .document_element()
        .and_then(|page| page.dyn_into::<web_sys::Element>().ok())
    else {
        return;
    };
    _ = match theme.attribute() {
        Some(name) => page.set_attribute("data-theme", name),
        None => page.remove_attribute("data-theme"),
    };
}
