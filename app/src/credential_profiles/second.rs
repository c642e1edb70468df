//! The second secret of a profile: beside the one in use, so that nothing stops when that one ends.

use domain::{
    connection::ConnectionTest,
    credential_profile::{CredentialKind, CredentialProfile, ProfileUse, SecondCredential},
    id::{CredentialProfileId, IntegrationId},
    permission::Permission,
};
use leptos::{html, server, server_fn::ServerFn as _};

use super::{
    detail::{Thumbprints, use_profile},
    list::Ends,
    secret::{SecretForm, Way, WayFields, Ways, use_way},
};
use crate::{
    session::may,
    ui::{
        checks::{Checks, TestButton, Tested, Verdict},
        prelude::*,
    },
};

/// Gives a profile a second secret, or a certificate that is given or made.
#[server(endpoint = "credential-profiles/add-second")]
pub(crate) async fn add_second(
    id: CredentialProfileId,
    kind: CredentialKind,
    #[server(flatten)] secret: SecretForm,
) -> AppResult<Done> {
    use super::change::{day, filled, years};
    use backend::store::credential_profiles;
    use domain::credential_profile::NewSecondCredential;
    let (backend, scope) = crate::session::caller().await?;
    let new = NewSecondCredential {
        kind,
        client_secret: filled(secret.client_secret),
        certificate_pem: filled(secret.certificate_pem),
        private_key_pem: filled(secret.private_key_pem),
        certificate_years: years(secret.certificate_years)?,
        expires_at: day("expires_at", secret.expires_at)?,
    };
    let made = new.certificate_years.is_some();
    credential_profiles::put_second(&backend, &scope, id, new).await?;
    let message = if made {
        "Made. Download the certificate and upload it in Entra ID"
    } else {
        "Added beside the one in use"
    };
    crate::session::done(message, Some(routes::credential_profile(id))).await
}

/// Has the second one take the place of the one in use.
#[server(endpoint = "credential-profiles/use-second")]
pub(crate) async fn use_second(id: CredentialProfileId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::credential_profiles::use_second(&backend, &scope, id).await?;
    let message = "The next run uses it";
    crate::session::done(message, Some(routes::credential_profile(id))).await
}

/// Removes the second one.
#[server(endpoint = "credential-profiles/remove-second")]
pub(crate) async fn remove_second(id: CredentialProfileId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::credential_profiles::remove_second(&backend, &scope, id).await?;
    crate::session::done("Removed", Some(routes::credential_profile(id))).await
}

/// Tries the second one out, alone.
#[server(endpoint = "credential-profiles/test-second")]
pub(crate) async fn test_second(
    id: CredentialProfileId,
    integration_id: IntegrationId,
) -> AppResult<ConnectionTest> {
    let (backend, scope) = crate::session::caller().await?;
    let test = backend::entra::test_second(&backend, &scope, id, integration_id).await?;
    crate::session::tested(TestSecond::PATH, test).await
}

/// What the section calls it: what it is for, and not only that it is the second.
fn heading(second: &SecondCredential) -> &'static str {
    match (second.kind, second.is_next()) {
        (CredentialKind::ClientSecret, true) => "Next secret",
        (CredentialKind::Certificate, true) => "Next certificate",
        (CredentialKind::ClientSecret, false) => "Secret before",
        (CredentialKind::Certificate, false) => "Certificate before",
    }
}

/// The section of the profile’s page.
#[component]
pub(super) fn Second(
    profile: CredentialProfile,
    uses: Vec<ProfileUse>,
    /// A test of it, under way or done.
    test: ServerAction<TestSecond>,
    /// The same, as it is shown.
    tested: Tested,
) -> impl IntoView {
    let id = profile.id;
    let write = may(Permission::CredentialProfilesWrite);
    let Some(second) = profile.second else {
        return view! {
            <section aria-labelledby="h-second" class="px-6 py-4 border-b border-line max-md:px-4">
                <h2 id="h-second" class="text-base">"Second secret"</h2>
                <p class="text-muted mt-1 max-w-prose">
                    "There is none. Beside the one in use a profile can have a second secret or \
                     certificate: when Entra ID refuses the first, Rollcall goes over to it and \
                     nothing stops."
                </p>
                {write
                    .then(|| {
                        view! {
                            <a
                                class="btn mt-3"
                                href=routes::credential_profile_second(id)
                                data-noscroll="true"
                            >
                                <Icon name="plus" />
                                "Add a second"
                            </a>
                        }
                    })}
            </section>
        }
        .into_any();
    };
    let title = heading(&second);
    let is_next = second.is_next();
    let is_certificate = second.kind == CredentialKind::Certificate;
    let untested = is_next && second.tested_at.is_none();
    let steps = match (is_next, is_certificate, untested) {
        (true, true, true) => {
            "Download it and upload it to the application in Entra ID, under Certificates & secrets. \
             Then test it."
        }
        (true, false, true) => "Test it, so that it is sure to work when the first one ends.",
        (true, _, false) => {
            "It works. Rollcall goes over to it by itself when Entra ID refuses the one in use."
        }
        (false, ..) => "It was used before. Remove it once you have deleted it in Entra ID.",
    };
    view! {
        <section aria-labelledby="h-second" class="px-6 py-4 border-b border-line max-md:px-4">
            <div class="flex items-center gap-2 flex-wrap">
                <h2 id="h-second" class="text-base me-auto">{title}</h2>
                {write.then(|| view! { <Actions id=id is_next=is_next /> })}
            </div>
            <p class="text-muted mt-1 max-w-prose">{steps}</p>
            <dl class="rc-kv mt-3">
                <dt>"Kind"</dt>
                <dd>{second.kind.title()}</dd>
                <dt>"Set"</dt>
                <dd><RelativeTime at=second.set_at /></dd>
                {second
                    .replaced_at
                    .map(|at| view! { <dt>"Used until"</dt> <dd><RelativeTime at=at /></dd> })}
                <dt>"Ends"</dt>
                <dd><Ends at=second.expires_at /></dd>
                {is_next
                    .then(|| {
                        view! {
                            <dt>"Tested"</dt>
                            <dd>
                                {match second.tested_at {
                                    Some(at) => {
                                        view! { "Signed in " <RelativeTime at=at /> }.into_any()
                                    }
                                    None => {
                                        view! { <span class="text-faint">"Not yet"</span> }.into_any()
                                    }
                                }}
                            </dd>
                        }
                    })}
                <Thumbprints
                    id=id
                    second=true
                    sha1=second.certificate_thumbprint_sha1
                    sha256=second.certificate_thumbprint
                />
            </dl>
            {write.then(|| view! { <Test id=id uses=uses test=test tested=tested /> })}
        </section>
    }
    .into_any()
}

#[component]
fn Actions(id: CredentialProfileId, is_next: bool) -> impl IntoView {
    view! {
        <a class="btn btn-sm" href=routes::credential_profile_second_use(id) data-noscroll="true">
            <Icon name="check" />
            {if is_next { "Use from now on" } else { "Use it again" }}
        </a>
        <a class="btn btn-sm" href=routes::credential_profile_second(id) data-noscroll="true">
            <Icon name="rotate-cw" />
            "Replace"
        </a>
        <a
            class="btn btn-sm"
            href=routes::credential_profile_second_remove(id)
            data-noscroll="true"
        >
            <Icon name="trash-2" />
            "Remove"
        </a>
    }
}

/// Test Connection of the second one, with an integration that uses the profile.
#[component]
fn Test(
    id: CredentialProfileId,
    uses: Vec<ProfileUse>,
    test: ServerAction<TestSecond>,
    tested: Tested,
) -> impl IntoView {
    if uses.is_empty() {
        return view! {
            <p class="text-muted mt-3">
                "Once an integration uses this profile, it can be tested with that one’s tenant."
            </p>
        }
        .into_any();
    }
    let form = NodeRef::<html::Form>::new();
    let start = Callback::new(move |()| {
        use leptos::form::FromFormData as _;
        let filled_in = form
            .get_untracked()
            .and_then(|form| web_sys::FormData::new_with_form(&form).ok())
            .and_then(|data| TestSecond::from_form_data(&data).ok());
        if let Some(filled_in) = filled_in {
            test.dispatch(filled_in);
        }
    });
    let options = uses
        .into_iter()
        .map(|used| {
            let words = if used.integration_name == used.customer_name {
                used.integration_name
            } else {
                format!("{}, {}", used.customer_name, used.integration_name)
            };
            view! { <option value=used.integration_id.to_string()>{words}</option> }
        })
        .collect_view();
    view! {
        <form method="post" action=TestSecond::url() class="mt-3" node_ref=form>
            <input type="hidden" name="id" value=id.to_string() />
            <div class="flex gap-2 flex-wrap items-end">
                <div class="min-w-0">
                    <label for="f-integration_id" class="block font-medium mb-1">"Test with"</label>
                    <select id="f-integration_id" name="integration_id" class="select max-w-sm">
                        {options}
                    </select>
                </div>
                <TestButton tested=tested url=TestSecond::url() start=start />
            </div>
            <div class="mt-2 empty:hidden">
                <Verdict tested=tested />
            </div>
            <Checks tested=tested />
        </form>
    }
    .into_any()
}

/// Add a second, or replace it.
#[component]
pub fn SecondDialog() -> impl IntoView {
    let profile = use_profile();
    let post = use_post::<AddSecond>();
    let way = use_way(Way::Secret);
    view! {
        <Load resource=profile let:view>
            <Dialog
                title=if view.profile.second.is_some() {
                    "Replace the second secret"
                } else {
                    "Add a second secret"
                }
                back=routes::credential_profile(view.profile.id)
            >
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=view.profile.id.to_string() />
                    <Ways chosen=way />
                    {move || {
                        view! {
                            <input type="hidden" name="kind" value=way.get().kind().as_str() />
                            <WayFields way=way.get() />
                        }
                    }}
                    <p class="text-muted">
                        {if view.profile.second.is_some() {
                            "The second one that is there goes. The one in use stays in use."
                        } else {
                            "The one in use stays in use."
                        }}
                    </p>
                    <DialogFoot back=routes::credential_profile(view.profile.id)>
                        <Submit label="Add" busy="Adding" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Use from now on.
#[component]
pub fn UseSecondDialog() -> impl IntoView {
    let profile = use_profile();
    let post = use_post::<UseSecond>();
    view! {
        <Load resource=profile let:view>
            <Dialog
                title="Use it from now on"
                back=routes::credential_profile(view.profile.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=view.profile.id.to_string() />
                    <p>
                        {if view.profile.second.as_ref().is_some_and(|second| !second.is_ready()) {
                            "Nobody has tested it since it was last set or used. If Entra ID refuses \
                             it, Rollcall goes back to the one in use now."
                        } else {
                            "It was tested and signed in."
                        }}
                    </p>
                    <p class="mt-2">
                        "The two change places. The one in use now stays as the second, until you \
                         remove it."
                    </p>
                    <DialogFoot back=routes::credential_profile(view.profile.id)>
                        <Submit label="Use from now on" busy="Changing over" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}

/// Remove the second one.
#[component]
pub fn RemoveSecondDialog() -> impl IntoView {
    let profile = use_profile();
    let post = use_post::<RemoveSecond>();
    view! {
        <Load resource=profile let:view>
            <Dialog
                title="Remove the second secret"
                back=routes::credential_profile(view.profile.id)
            >
                <PostForm post=post>
                    <input type="hidden" name="id" value=view.profile.id.to_string() />
                    <p>
                        "The one in use stays in use. What is removed is deleted here and can’t be \
                         brought back; in Entra ID it stays until you delete it there."
                    </p>
                    <DialogFoot back=routes::credential_profile(view.profile.id)>
                        <Submit label="Remove" busy="Removing" class="btn btn-error" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </Load>
    }
    .into_any()
}
