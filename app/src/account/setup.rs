//! The first start: somebody who can read the server's output makes themselves the owner.

use leptos::server;
use leptos_router::components::Redirect;

use crate::{session::Current, ui::prelude::*};

/// Makes the first owner and signs them in.
#[server(endpoint = "setup/create-owner")]
pub(crate) async fn create_owner(
    code: String,
    name: String,
    email: String,
    password: String,
) -> AppResult<Done> {
    use crate::session::caller;
    let backend = caller::backend()?;
    let origin = caller::origin();
    let password = password.into();
    let operator =
        backend::auth::create_first_owner(&backend, &code, &email, &name, password, &origin)
            .await?;
    caller::enter(&operator).await?;
    crate::session::done(
        format!("Welcome, {}", operator.name),
        Some(routes::OVERVIEW.to_owned()),
    )
    .await
}

/// The page.
#[component]
pub fn SetupPage() -> impl IntoView {
    if !expect_context::<Current>().needs_owner {
        return view! { <Redirect path=routes::SIGN_IN /> }.into_any();
    }
    let post = use_post::<CreateOwner>();
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
            <Submit label="Create the owner" class="btn btn-primary btn-lg w-full" />
        </PostForm>
    }
    .into_any()
}
