//! The first start: somebody who can read the server's output makes themselves the owner.

use leptos::server;
use leptos_router::components::Redirect;

use crate::{session::Current, ui::prelude::*};

/// Makes the first owner and signs them in; half, where they set up a second factor next.
#[server(endpoint = "setup/create-owner")]
pub(crate) async fn create_owner(
    code: String,
    name: String,
    email: String,
    password: String,
    #[server(default)] require_second_factor: bool,
) -> AppResult<Done> {
    use crate::session::caller;
    use backend::auth::{FirstOwner, SignedIn};
    let backend = caller::backend()?;
    let welcome = format!("Welcome, {}", name.trim());
    let given = FirstOwner {
        code,
        email,
        name,
        password: password.into(),
        require_second_factor,
    };
    match backend::auth::create_first_owner(&backend, given, &caller::origin()).await? {
        SignedIn::Whole(operator) => {
            caller::enter(&operator).await?;
            crate::session::done(welcome, Some(routes::OVERVIEW.to_owned())).await
        }
        SignedIn::Half(half) => {
            caller::enter_half(&half).await?;
            crate::session::done("", Some(routes::second_factor(routes::OVERVIEW))).await
        }
    }
}

/// The page.
#[component]
pub fn SetupPage() -> impl IntoView {
    if !expect_context::<Current>().needs_owner {
        return view! { <Redirect path=routes::SIGN_IN /> }.into_any();
    }
    let post = use_post::<CreateOwner>();
    // As it was sent, where the form came back.
    let came_back = post.error().get_untracked().is_some();
    let require = !came_back || post.given("require_second_factor").is_some();
    view! {
        <leptos_meta::Title text="Create the owner" />
        <h1 class="text-xl mt-8">"Create the owner"</h1>
        <p class="text-muted mt-1 mb-6">
            "Nobody can sign in yet. The setup code shows that you run this server: it is in the \
             server’s first lines of output and in the file "
            <span class="rc-mono">"setup-code"</span> " of its data folder."
        </p>
        <PostForm post=post plain=true class="flex flex-col gap-4">
            <Field name="code" label="Setup code" autofocus=true large=true />
            <Field name="name" label="Your name" autocomplete="name" large=true />
            <Field
                name="email"
                label="E-mail"
                kind=Kind::Email
                autocomplete="username"
                large=true
            />
            <Field
                name="password"
                label="Password"
                kind=Kind::Password
                autocomplete="new-password"
                hint="At least 12 characters. A few words do well."
                large=true
            />
            <label class="flex items-start gap-2.5">
                <input
                    type="checkbox"
                    class="checkbox flex-none mt-0.5"
                    name="require_second_factor"
                    value="true"
                    checked=require
                />
                <span>
                    "Require a second factor of owners and administrators"
                    <span class="rc-hint block">
                        "You set up yours next: an authenticator app or a passkey. It can be changed \
                         under Roles."
                    </span>
                </span>
            </label>
            <Submit label="Create the owner" class="btn btn-primary btn-lg w-full" />
        </PostForm>
    }
    .into_any()
}
