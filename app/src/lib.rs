//! The interface: pages, their parts and their server functions, built for the server and for
//! the browser.
//!
//! One folder a noun holds everything of its screens; folders share through [`ui`] and never
//! reach into each other. A server function asks who is there, calls the backend once and turns
//! its error into one that a screen can act on. There are no rules and no SQL in here.

#![recursion_limit = "512"]

pub mod account;
pub mod api_tokens;
pub mod audit_log;
pub mod bulk;
pub mod consent_links;
pub mod contacts;
#[cfg(feature = "ssr")]
pub mod cookies;
pub mod credential_profiles;
pub mod customers;
pub mod devices;
pub mod enrolment;
pub mod error;
pub mod flash;
pub mod frame;
pub mod grid;
pub mod groups;
pub mod history;
pub mod imports;
pub mod integrations;
pub mod matching;
pub mod notifications;
pub mod operators;
pub mod overview;
pub mod passkey;
pub mod policy_templates;
pub mod proof;
pub mod routes;
pub mod runs;
pub mod session;
pub mod settings_files;
pub mod ui;
pub mod users;
pub mod versions;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    any_nested_route::IntoAnyNestedRoute,
    components::{Outlet, ParentRoute, Redirect, Route, Router, Routes},
    hooks::use_location,
    path,
};

use crate::{
    session::{Current, ReturnedForm, read_current},
    ui::{
        icon::Logo,
        live::provide_changes,
        load::{past_the_dry_run, set_page_status},
        page::PageHead,
        time::provide_now,
        toast::{ToastRegion, provide_toasts},
    },
};

/// Marks the page as plain where the browser code can't be loaded or takes longer than one waits:
/// then what only a page without it needs is shown, such as Save. [`App`] takes the mark away.
#[cfg(feature = "ssr")]
const PLAIN: &str = "(()=>{const plain=()=>{if(!document.body?.dataset.hydrated)\
document.documentElement.dataset.plain=''};\
addEventListener('unhandledrejection',plain);setTimeout(plain,5000)})()";

/// The document around the application. Made on the server, once a request.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    use leptos_meta::{HashedStylesheet, MetaTags};
    let theme = session::caller::theme().attribute();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link
                    rel="preload"
                    href="/fonts/inter-latin.woff2"
                    r#as="font"
                    r#type="font/woff2"
                    crossorigin="anonymous"
                />
                <HashedStylesheet id="style" options=options.clone() />
                <AutoReload options=options.clone() />
                <script nonce=leptos::nonce::use_nonce()>{PLAIN}</script>
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Says on the page that the browser code has it: what tests wait for before they press anything.
fn mark_hydrated() {
    Effect::new(|_| {
        if let Some(body) = document().body() {
            _ = body.set_attribute("data-hydrated", "true");
        }
        if let Some(root) = document().document_element() {
            _ = root.remove_attribute("data-plain");
        }
    });
}

/// The application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_toasts();
    provide_changes();
    mark_hydrated();
    let current = Resource::new_blocking(|| (), |()| read_current());
    provide_context(current);
    let going = RwSignal::new(false);
    view! {
        <Title formatter=|page| format!("{page} · Rollcall") />
        <Router set_is_routing=going>
            <div class="rc-going" class:on=going aria-hidden="true"></div>
            <Routes fallback=NotFound>
                <ParentRoute path=path!("") view=SignedInArea ssr=SsrMode::Async>
                    <Route path=path!("/") view=overview::OverviewPage />
                    <Route path=path!("/find") view=frame::FindPage />
                    <Route path=path!("/confirm") view=proof::ConfirmPage />
                    <AccountRoutes />
                    <ImportRoutes />
                    <CustomerRoutes />
                    <OperatorRoutes />
                    <ApiTokenRoutes />
                    <RecipientRoutes />
                    <IntegrationRoutes />
                    <RunRoutes />
                    <UserRoutes />
                    <GroupRoutes />
                    <ContactAndDeviceRoutes />
                    <ProfileRoutes />
                    <TemplateRoutes />
                </ParentRoute>
                <ParentRoute path=path!("") view=OutsideArea ssr=SsrMode::Async>
                    <OutsideRoutes />
                </ParentRoute>
                <ParentRoute path=path!("") view=OwnArea ssr=SsrMode::Async>
                    <Route path=path!("/my") view=enrolment::OwnAccountPage />
                    <Route path=path!("/my/authenticator") view=enrolment::AuthenticatorPage />
                    <Route
                        path=path!("/my/authenticator/remove")
                        view=enrolment::RemoveAuthenticatorPage
                    />
                    <Route path=path!("/my/recovery-codes") view=enrolment::RecoveryCodesPage />
                </ParentRoute>
            </Routes>
        </Router>
    }
    .into_any()
}

// Each of these is one type for the compiler, whatever is in it: the type of all routes together would
// be as long as this file, and each page would be compiled with all of it.

/// My Account, with the dialogs of second factors.
#[component(transparent)]
fn AccountRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/account") view=account::AccountPage>
            <Route path=path!("") view=|| () />
            <Route path=path!("authenticator") view=account::AuthenticatorDialog />
            <Route
                path=path!("authenticator/remove")
                view=account::RemoveAuthenticatorDialog
            />
            <Route path=path!("recovery-codes") view=account::RecoveryCodesDialog />
            <Route path=path!("passkeys/add") view=account::AddPasskeyDialog />
            <Route path=path!("passkeys/:id") view=account::PasskeyDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Imports: those of a customer, and one.
#[component(transparent)]
fn ImportRoutes() -> impl MatchNestedRoutes + Clone {
    view! {
        <Route path=path!("/customers/:id/imports") view=imports::ImportsPage />
        <Route
            path=path!("/customers/:id/imports/from-groups")
            view=imports::ImportGroupsPage
        />
        <Route path=path!("/imports/:id") view=imports::ImportPage />
    }
    .into_inner()
    .into_any_nested_route()
}

/// Customers: the list, and one with its dialogs.
#[component(transparent)]
fn CustomerRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/customers") view=customers::CustomersPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("add") view=customers::AddDialog />
                    </ParentRoute>
                    <Route
                        path=path!("/customers/:id/settings-file")
                        view=settings_files::CustomerFilePage
                    />
                    <Route
                        path=path!("/customers/:id/versions")
                        view=versions::CustomerVersionsPage
                    />
                    <ParentRoute
                        path=path!("/customers/:id/versions/:number")
                        view=versions::CustomerVersionPage
                    >
                        <Route path=path!("") view=|| () />
                        <Route path=path!("restore") view=versions::CustomerRestoreDialog />
                    </ParentRoute>
                    <ParentRoute path=path!("/customers/:id") view=customers::CustomerPage>
                        <ParentRoute path=path!("") view=consent_links::CustomerConsentLinks>
                            <ParentRoute path=path!("") view=notifications::CustomerNotifications>
                                <Route path=path!("") view=|| () />
                                <Route path=path!("rename") view=customers::RenameDialog />
                                <Route path=path!("time-zone") view=customers::TimeZoneDialog />
                                <Route path=path!("tags") view=customers::TagsDialog />
                                <Route path=path!("pause") view=customers::PauseDialog />
                                <Route path=path!("delete") view=customers::DeleteDialog />
                                <Route path=path!("notifications/add") view=notifications::AddDialog />
                            </ParentRoute>
                        </ParentRoute>
                    </ParentRoute>
                    <ParentRoute path=path!("/customers/:id/enrolment") view=enrolment::EnrolmentPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("invite") view=enrolment::InviteDialog />
                    </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Sync History, runs and the audit log.
#[component(transparent)]
fn RunRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <Route path=path!("/sync-history") view=history::SyncHistoryPage />
                    <ParentRoute path=path!("/runs/:id") view=runs::RunPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("apply") view=runs::ApplyDialog />
                    </ParentRoute>
                    <Route path=path!("/audit-log") view=audit_log::AuditLogPage />
                    <Route path=path!("/audit-log/:id") view=audit_log::AuditEventPage />
    }
    .into_inner()
    .into_any_nested_route()
}

/// Contacts and devices.
#[component(transparent)]
fn ContactAndDeviceRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <Route path=path!("/contacts") view=contacts::ContactsPage />
                    <Route path=path!("/contacts/:id") view=contacts::ContactPage />
                    <Route path=path!("/devices") view=devices::DevicesPage />
                    <Route path=path!("/devices/:id") view=devices::DevicePage />
    }
    .into_inner()
    .into_any_nested_route()
}

/// What somebody sees who isn’t signed in.
#[component(transparent)]
fn OutsideRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <Route path=path!("/sign-in") view=account::SignInPage />
                    <Route path=path!("/sign-in/second-factor") view=account::SecondFactorPage />
                    <Route path=path!("/sign-in/set-up") view=account::SetUpPage />
                    <Route path=path!("/setup") view=account::SetupPage />
                    <Route path=path!("/invitation") view=account::InvitationPage />
                    <Route path=path!("/forgot-password") view=account::ForgotPage />
                    <Route path=path!("/reset-password") view=account::ResetPage />
                    <Route path=path!("/consent") view=consent_links::ConsentPage />
                    <Route path=path!("/activate") view=enrolment::ActivatePage />
                    <Route path=path!("/my/sign-in") view=enrolment::SignInPage />
                    <Route path=path!("/my/second-factor") view=enrolment::SecondFactorPage />
                    <Route path=path!("/my/forgot-password") view=enrolment::ForgotPage />
    }
    .into_inner()
    .into_any_nested_route()
}

/// Users: the list, and one with its dialogs.
#[component(transparent)]
fn UserRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/users") view=users::UsersPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("add") view=users::AddDialog />
                        <Route path=path!("views") view=users::ViewsDialog />
                    </ParentRoute>
        <Route path=path!("/bulk/:id") view=bulk::BulkPage />
        <ParentRoute path=path!("/users/:id") view=users::UserPage>
            <Route path=path!("") view=|| () />
            <Route path=path!("edit") view=users::EditDialog />
            <Route path=path!("deactivate") view=users::DeactivateDialog />
            <Route path=path!("delete") view=users::DeleteDialog />
            <Route path=path!("groups") view=users::GroupsDialog />
            <Route path=path!("aliases") view=users::AliasesDialog />
            <Route path=path!("keep") view=users::KeepDialog />
            <Route path=path!("reset-second-factor") view=users::ResetSecondFactorDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Groups: the list, and one with its dialogs.
#[component(transparent)]
fn GroupRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/groups") view=groups::GroupsPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("add") view=groups::AddDialog />
                        <Route path=path!("views") view=groups::ViewsDialog />
                    </ParentRoute>
        <ParentRoute path=path!("/groups/:id") view=groups::GroupPage>
            <Route path=path!("") view=|| () />
            <Route path=path!("edit") view=groups::EditDialog />
            <Route path=path!("delete") view=groups::DeleteDialog />
            <Route path=path!("add-members") view=groups::AddMembersDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Operators and roles: the list, and one with its dialogs.
#[component(transparent)]
fn OperatorRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/operators/roles") view=operators::RolesPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("second-factor") view=operators::RequiredDialog />
                    </ParentRoute>
                    <ParentRoute path=path!("/operators") view=operators::OperatorsPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("invite") view=operators::InviteDialog />
                    </ParentRoute>
        <ParentRoute path=path!("/operators/:id") view=operators::OperatorPage>
            <Route path=path!("") view=|| () />
            <Route path=path!("edit") view=operators::EditDialog />
            <Route path=path!("invite-again") view=operators::AgainDialog />
            <Route path=path!("disable") view=operators::DisableDialog />
            <Route path=path!("remove") view=operators::RemoveDialog />
            <Route path=path!("reset-second-factor") view=operators::ResetSecondFactorDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Notifications of the installation, and a recipient with its dialogs.
#[component(transparent)]
fn RecipientRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/notifications") view=notifications::NotificationsPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("add") view=notifications::AddDialog />
                    </ParentRoute>
        <ParentRoute
            path=path!("/notification-recipients/:id")
            view=notifications::RecipientPage
        >
            <Route path=path!("") view=|| () />
            <Route path=path!("edit") view=notifications::EditDialog />
            <Route path=path!("secret") view=notifications::SecretDialog />
            <Route path=path!("remove") view=notifications::RemoveDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// API tokens: the list, and one with its dialogs.
#[component(transparent)]
fn ApiTokenRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/api-tokens") view=api_tokens::ApiTokensPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("add") view=api_tokens::AddDialog />
                    </ParentRoute>
        <ParentRoute path=path!("/api-tokens/:id") view=api_tokens::ApiTokenPage>
            <Route path=path!("") view=|| () />
            <Route path=path!("rotate") view=api_tokens::RotateDialog />
            <Route path=path!("take-over") view=api_tokens::TakeOverDialog />
            <Route path=path!("revoke") view=api_tokens::RevokeDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Integrations: the list, and one with its tabs and dialogs.
#[component(transparent)]
fn IntegrationRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/integrations") view=integrations::IntegrationsPage>
                        <Route path=path!("") view=|| () />
                        <Route path=path!("add") view=integrations::AddDialog />
                        <Route path=path!("pause-all") view=frame::PauseAllDialog />
                        <Route path=path!("authorize") view=consent_links::AuthorizeDialog />
                    </ParentRoute>
        <ParentRoute path=path!("/integrations/:id") view=integrations::IntegrationPage>
            <Route path=path!("") view=integrations::ConfigurationTab />
            <Route path=path!("sync-history") view=history::IntegrationHistory />
            <Route path=path!("groups") view=integrations::GroupsTab />
            <Route path=path!("filters") view=integrations::FiltersTab />
            <Route path=path!("attributes") view=integrations::AttributesTab />
            <ParentRoute path=path!("matching") view=matching::MatchingTab>
                <Route path=path!("") view=|| () />
                <Route path=path!(":person") view=matching::MatchDialog />
            </ParentRoute>
            <Route path=path!("why") view=integrations::WhyTab />
            <Route path=path!("settings-file") view=settings_files::IntegrationFilePage />
            <ParentRoute path=path!("template") view=policy_templates::TemplateTab>
                <Route path=path!("") view=|| () />
                <Route path=path!("follow") view=policy_templates::FollowDialog />
                <Route path=path!("leave") view=policy_templates::LeaveDialog />
            </ParentRoute>
            <Route path=path!("versions") view=versions::VersionsTab />
            <ParentRoute path=path!("versions/:number") view=versions::VersionPage>
                <Route path=path!("") view=|| () />
                <Route path=path!("restore") view=versions::RestoreDialog />
            </ParentRoute>
            <Route path=path!("pause") view=integrations::PauseDialog />
            <Route path=path!("delete") view=integrations::DeleteDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Policy templates: the list, and one with its dialogs.
#[component(transparent)]
fn TemplateRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/policy-templates") view=policy_templates::TemplatesPage>
            <Route path=path!("") view=|| () />
            <Route path=path!("add") view=policy_templates::AddDialog />
        </ParentRoute>
        <Route path=path!("/policy-templates/:id/edit") view=policy_templates::EditPage />
        <Route path=path!("/policy-templates/:id/versions") view=policy_templates::VersionsPage />
        <ParentRoute
            path=path!("/policy-templates/:id/versions/:number")
            view=policy_templates::VersionPage
        >
            <Route path=path!("") view=|| () />
            <Route path=path!("restore") view=policy_templates::RestoreDialog />
        </ParentRoute>
        <ParentRoute path=path!("/policy-templates/:id") view=policy_templates::TemplatePage>
            <Route path=path!("") view=|| () />
            <Route path=path!("rename") view=policy_templates::RenameDialog />
            <Route path=path!("delete") view=policy_templates::DeleteDialog />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Credential profiles: the list, and one with its dialogs.
#[component(transparent)]
fn ProfileRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute
                        path=path!("/credential-profiles")
                        view=credential_profiles::ProfilesPage
                    >
                        <Route path=path!("") view=|| () />
                        <Route path=path!("add") view=credential_profiles::AddDialog />
                    </ParentRoute>
        <ParentRoute
            path=path!("/credential-profiles/:id")
            view=credential_profiles::ProfilePage
        >
            <Route path=path!("") view=|| () />
            <Route path=path!("edit") view=credential_profiles::EditDialog />
            <Route path=path!("secret") view=credential_profiles::SecretDialog />
            <Route path=path!("delete") view=credential_profiles::DeleteDialog />
            <Route path=path!("second") view=credential_profiles::SecondDialog />
            <Route
                path=path!("use-second")
                view=credential_profiles::UseSecondDialog
            />
            <Route
                path=path!("remove-second")
                view=credential_profiles::RemoveSecondDialog
            />
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

type CurrentResource = Resource<error::AppResult<Current>>;

/// Gives what every page knows to the pages inside.
fn provide_current(current: &Current) {
    provide_now(current.now);
    let returned = StoredValue::new(current.flash.returned.clone());
    provide_context(ReturnedForm(returned));
    // What came of a form belongs to the page it came back to.
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            returned.set_value(None);
        }
        path
    });
    provide_context(current.clone());
    if let Some(notice) = &current.flash.notice {
        ui::toast::use_toasts().good(notice.clone());
    }
}

/// Around every page behind the sign-in. A stranger is led to the sign-in before anything of the
/// page is made.
#[component]
fn SignedInArea() -> impl IntoView {
    let current = expect_context::<CurrentResource>();
    let location = use_location();
    let owner = Owner::current().expect("a component is made by an owner");
    view! {
        <Suspense>
            {move || {
                let owner = owner.clone();
                let location = location.clone();
                Suspend::new(async move {
                    let current = current.await;
                    past_the_dry_run().await;
                    match current {
                        Ok(current) => match current.operator.clone() {
                            Some(operator) => owner
                                .with(|| {
                                    provide_current(&current);
                                    provide_context(operator);
                                    view! {
                                        <frame::Shell>
                                            <Outlet />
                                        </frame::Shell>
                                    }
                                })
                                .into_any(),
                            None if current.needs_owner => {
                                view! { <Redirect path=routes::SETUP /> }.into_any()
                            }
                            None => {
                                let back = location.pathname.get_untracked()
                                    + &location.search.with_untracked(|search| {
                                        if search.is_empty() {
                                            String::new()
                                        } else {
                                            format!("?{search}")
                                        }
                                    });
                                view! { <Redirect path=routes::sign_in(&back) /> }.into_any()
                            }
                        },
                        Err(error) => view! { <Broken error=error /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

/// Around a user's own account.
#[component]
fn OwnArea() -> impl IntoView {
    view! { <Outside wide=true /> }
}

/// Around the pages of strangers: signing in, and the first start.
#[component]
fn OutsideArea() -> impl IntoView {
    view! { <Outside /> }
}

/// Around every page outside the portal.
#[component]
fn Outside(
    /// Whether there is more on them than a form.
    #[prop(optional)]
    wide: bool,
) -> impl IntoView {
    let around = if wide {
        "w-full max-w-3xl mx-auto px-4 pt-8 pb-8"
    } else {
        "w-full max-w-[22.5rem] mx-auto px-4 pt-[16vh] pb-8"
    };
    let current = expect_context::<CurrentResource>();
    let owner = Owner::current().expect("a component is made by an owner");
    view! {
        <Suspense>
            {move || {
                let owner = owner.clone();
                Suspend::new(async move {
                    let current = current.await;
                    past_the_dry_run().await;
                    match current {
                        Ok(current) => owner
                            .with(|| {
                                provide_current(&current);
                                view! {
                                    <main id="main" class="min-h-screen grid grid-rows-[1fr_auto]">
                                        <div class=around>
                                            <div class="flex items-center gap-2.5 text-lg font-semibold tracking-tight">
                                                <Logo class="w-7 h-7" />
                                                "Rollcall"
                                            </div>
                                            <Outlet />
                                        </div>
                                        <footer class="flex justify-center gap-5 py-5 text-xs text-muted">
                                            <span class="rc-num">
                                                "Version " {env!("CARGO_PKG_VERSION")}
                                            </span>
                                        </footer>
                                    </main>
                                    <ToastRegion />
                                }
                            })
                            .into_any(),
                        Err(error) => view! { <Broken error=error /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

/// A page that can show nothing at all.
#[component]
fn Broken(error: error::AppError) -> impl IntoView {
    set_page_status(error.status());
    view! {
        <main id="main" class="max-w-3xl mx-auto px-6 pt-[12vh]">
            <PageHead title=error.heading() />
            <div class="px-6 max-md:px-4">
                <ui::form::ErrorNote error=error />
                <a class="btn" href=routes::OVERVIEW rel="external">"Try again"</a>
            </div>
        </main>
    }
    .into_any()
}

/// A path that leads nowhere.
#[component]
fn NotFound() -> impl IntoView {
    set_page_status(404);
    view! {
        <main id="main" class="max-w-3xl mx-auto px-6 pt-[12vh]">
            <PageHead title="There is no page here" />
            <div class="px-6 max-md:px-4">
                <p class="text-muted mb-4">
                    "The address may be mistyped, or what it showed is gone."
                </p>
                <a class="btn" href=routes::OVERVIEW>"Overview"</a>
            </div>
        </main>
    }
    .into_any()
}
