//! Asking a browser for a passkey. Only the browser code can; where there is none, or a browser
//! that can't, nothing of it shows.

use domain::second_factor::PasskeyQuestion;
use leptos::{server, server_fn::codec::Json, task::spawn_local};
use serde::{Deserialize, Serialize};

use crate::ui::prelude::*;

/// What a passkey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To sign in by nothing else.
    SignIn,
    /// After the password.
    SecondFactor,
    /// To confirm that it is the operator who is signed in.
    Confirm,
    /// To be added to the operator who is signed in, or has to set one up.
    Add,
}

/// What the browser has to ask. What the answer is compared with stays on the server.
#[server(endpoint = "passkeys/ask", input = Json)]
pub(crate) async fn ask_passkey(purpose: Purpose) -> AppResult<PasskeyQuestion> {
    use crate::session::caller;
    use backend::auth::{self, second_factor};
    let asked = match purpose {
        Purpose::SignIn => second_factor::ask_for_sign_in(&caller::backend()?).await?,
        Purpose::SecondFactor => {
            let (backend, half) = caller::half().await?;
            half.ask_for_passkey(&backend).await?
        }
        Purpose::Confirm => {
            let (backend, scope) = caller::caller().await?;
            auth::ask_to_prove(&backend, &scope).await?
        }
        Purpose::Add => {
            let (backend, who) = caller::setting_up().await?;
            second_factor::ask_for_new(&backend, &who).await?
        }
    };
    caller::keep_asked(asked.id).await?;
    Ok(asked.question)
}

/// Takes what the browser answered: signs in, or confirms.
#[server(endpoint = "passkeys/give", input = Json)]
pub(crate) async fn give_passkey(
    purpose: Purpose,
    answer: String,
    next: String,
) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::{self, Proof, second_factor};
    let to = if routes::is_local(&next) {
        next
    } else {
        routes::OVERVIEW.to_owned()
    };
    match purpose {
        Purpose::SignIn => {
            let given = second_factor::PasskeySignIn {
                asked: caller::take_asked().await?,
                answer,
                address: caller::address(),
                user_agent: caller::user_agent(),
                request_id: caller::request_id(),
            };
            let operator = second_factor::sign_in_with_passkey(&caller::backend()?, given).await?;
            caller::enter(&operator).await?;
        }
        Purpose::SecondFactor => {
            let (backend, half) = caller::half().await?;
            let asked = caller::take_asked().await?;
            let (origin, agent) = (caller::origin(), caller::user_agent());
            let given = half.give_passkey(&backend, asked, &answer, &origin, &agent);
            let operator = given.await?;
            caller::enter(&operator).await?;
        }
        Purpose::Confirm => {
            let (backend, scope) = caller::caller().await?;
            let asked = caller::take_asked().await?;
            let given = Proof::Passkey { asked, answer };
            let at = auth::prove(&backend, &scope, given).await?;
            caller::proved(at).await?;
        }
        Purpose::Add => {
            return Err(AppError::invalid("passkey", "A new passkey has a name."));
        }
    }
    crate::session::done("", Some(to)).await
}

/// Adds the passkey that the browser made.
#[server(endpoint = "passkeys/add", input = Json)]
pub(crate) async fn add_passkey(answer: String, name: String, next: String) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::second_factor;
    use domain::second_factor::Way;
    let (backend, who) = caller::setting_up().await?;
    let asked = caller::take_asked().await?;
    second_factor::add_passkey(&backend, &who, asked, &answer, &name).await?;
    let to = caller::has_set_up(&backend, who, Way::Passkey, &next).await?;
    crate::session::done(format!("The passkey {name} was added"), Some(to)).await
}

/// A button that asks for a passkey. It shows only where the browser can.
#[component]
pub fn PasskeyButton(
    /// What for.
    purpose: Purpose,
    /// Where it leads on.
    #[prop(into)]
    next: String,
    /// What goes on instead, where something on this page does.
    then: Option<Callback<Done>>,
    /// What it says.
    label: &'static str,
    /// Its classes.
    class: &'static str,
    /// The field with the name of a new one.
    #[prop(optional)]
    name: Option<NodeRef<leptos::html::Input>>,
) -> impl IntoView {
    let offered = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(None::<String>);
    Effect::new(move |_| offered.set(browser::can()));
    let press = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        refused.set(None);
        let name = name
            .and_then(|field| field.get_untracked())
            .map(|field| field.value());
        let next = next.clone();
        spawn_local(async move {
            let outcome = asked_and_given(purpose, name, next).await;
            busy.set(false);
            match (outcome, then) {
                (Ok(done), Some(then)) => then.run(done),
                // Whoever is signed in changes: the page is opened anew.
                (Ok(done), None) => {
                    let to = done.to.unwrap_or_else(|| routes::OVERVIEW.to_owned());
                    _ = window().location().set_href(&to);
                }
                (Err(message), _) => refused.set(Some(message)),
            }
        });
    };
    view! {
        <div class:hidden=move || !offered.get()>
            <button
                type="button"
                class=class
                aria-disabled=move || busy.get().then_some("true")
                on:click=press
            >
                <Icon name="key-round" />
                {label}
            </button>
            {move || {
                refused
                    .get()
                    .map(|message| {
                        view! {
                            <p class="rc-err mb-3" role="alert">
                                <Icon name="circle-x" small=true class="mt-px" />
                                <span>{message}</span>
                            </p>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// Asks the server what to ask, the browser for a passkey, and gives the server its answer.
async fn asked_and_given(
    purpose: Purpose,
    name: Option<String>,
    next: String,
) -> Result<Done, String> {
    let told = |error: AppError| match error {
        AppError::SignedOut => "That took too long. Sign in anew.".to_owned(),
        error => error.to_string(),
    };
    let question = ask_passkey(purpose).await.map_err(told)?;
    let answer = browser::answer(purpose == Purpose::Add, &question.options).await;
    let answer = answer.ok_or_else(|| "No passkey was given. Try again.".to_owned())?;
    let given = match purpose {
        Purpose::Add => add_passkey(answer, name.unwrap_or_default(), next).await,
        _ => give_passkey(purpose, answer, next).await,
    };
    given.map_err(told)
}

/// `navigator.credentials`, with questions and answers as JSON (Web Authentication Level 3 §5.1.8
/// to §5.1.10), so that nothing of them has to be understood in here.
mod browser {
    use js_sys::{Function, JSON, Object, Promise, Reflect};
    use wasm_bindgen::{JsCast as _, JsValue};
    use wasm_bindgen_futures::JsFuture;

    const CREATE: &str = "parseCreationOptionsFromJSON";
    const GET: &str = "parseRequestOptionsFromJSON";

    fn member(of: &JsValue, name: &str) -> Option<JsValue> {
        let found = Reflect::get(of, &name.into()).ok()?;
        (!found.is_undefined() && !found.is_null()).then_some(found)
    }

    fn class() -> Option<JsValue> {
        member(&js_sys::global(), "PublicKeyCredential")
    }

    /// Whether this browser knows passkeys, and takes them as JSON.
    pub fn can() -> bool {
        class().is_some_and(|class| {
            [CREATE, GET]
                .iter()
                .all(|name| member(&class, name).is_some_and(|found| found.is_function()))
        })
    }

    /// What came of a question; none where the person gave nothing.
    pub async fn answer(new: bool, options: &str) -> Option<String> {
        let (method, parse) = if new {
            ("create", CREATE)
        } else {
            ("get", GET)
        };
        let promise = promise(method, parse, options).ok().flatten()?;
        let credential = JsFuture::from(promise).await.ok()?;
        JSON::stringify(&credential).ok()?.as_string()
    }

    fn promise(method: &str, parse: &str, options: &str) -> Result<Option<Promise>, JsValue> {
        let Some(class) = class() else {
            return Ok(None);
        };
        let parse: Function = Reflect::get(&class, &parse.into())?.dyn_into()?;
        let options = parse.call1(&class, &JSON::parse(options)?)?;
        let asked = Object::new();
        Reflect::set(&asked, &"publicKey".into(), &options)?;
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
        let container = Reflect::get(&navigator, &"credentials".into())?;
        let ask: Function = Reflect::get(&container, &method.into())?.dyn_into()?;
        ask.call1(&container, &asked)?.dyn_into().map(Some)
    }
}
