//! The interface: Leptos' routes, server functions and the page for everything that isn't there.

use axum::{
    Router,
    body::Body,
    extract::{FromRef, Request, State},
    middleware::from_fn,
    response::{IntoResponse, Response},
};
use backend::Backend;
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::provide_context};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};

use crate::{config::SiteFiles, security};

/// What a page is rendered with.
#[derive(Clone, Debug)]
struct PageState {
    backend: Backend,
    options: LeptosOptions,
}

impl FromRef<PageState> for LeptosOptions {
    fn from_ref(state: &PageState) -> Self {
        state.options.clone()
    }
}

/// Leptos' own settings, as the build tool made the site.
fn options(site: &SiteFiles) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name("rollcall")
        .site_root(site.root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .hash_files(site.hashed)
        .build()
}

/// Given to every page and every server function.
fn context(backend: &Backend) -> impl Fn() + Clone + Send + Sync + 'static {
    let backend = backend.clone();
    move || {
        provide_context(backend.clone());
        let policy = use_nonce().and_then(|nonce| security::page_policy(&nonce));
        let response = leptos::context::use_context::<ResponseOptions>();
        if let (Some(policy), Some(response)) = (policy, response) {
            response.insert_header(http::header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Pages, server functions, and the files of the site.
pub fn router(backend: &Backend, site: &SiteFiles) -> Router {
    let options = options(site);
    let state = PageState {
        backend: backend.clone(),
        options: options.clone(),
    };
    let shell = {
        let options = options.clone();
        move || app::shell(options.clone())
    };
    let routes = generate_route_list(shell.clone());
    let missing = {
        let state = state.clone();
        async move |request: Request| not_found(State(state), request).await
    };
    Router::new()
        .leptos_routes_with_context(&state, routes, context(backend), shell)
        .with_state(state)
        .merge(crate::site::files(site, missing))
        .layer(from_fn(app::flash::plain_forms))
}

/// The interface's own page for an address that leads nowhere.
async fn not_found(State(state): State<PageState>, request: Request<Body>) -> Response {
    let options = state.options.clone();
    let render = leptos_axum::render_app_async_with_context(context(&state.backend), move || {
        app::shell(options.clone())
    });
    let mut response = render(request).await.into_response();
    if response.status() == http::StatusCode::OK {
        *response.status_mut() = http::StatusCode::NOT_FOUND;
    }
    response
}
