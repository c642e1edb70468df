//! One credential profile, and where it is used.

use domain::{
    credential_profile::{CredentialKind, CredentialProfile, ProfileUse, WarningReach},
    id::CredentialProfileId,
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};

use super::{
    list::Ends,
    second::{Second, TestSecond},
};
use crate::{
    notifications::ReachNote,
    session::may,
    ui::{
        checks::{Tested, follow_test},
        prelude::*,
    },
};

/// What the page and its dialogs show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProfileView {
    pub(super) profile: CredentialProfile,
    pub(super) uses: Vec<ProfileUse>,
    customer_name: Option<String>,
    /// Who is warned before it ends; null for those who may not know of recipients.
    reach: Option<WarningReach>,
}

/// One profile with its uses.
#[server(endpoint = "credential-profiles/view", input = Json)]
pub(crate) async fn view_profile(id: CredentialProfileId) -> AppResult<ProfileView> {
    use backend::store::{credential_profiles, customers, notification_recipients};
    let (backend, scope) = crate::session::caller().await?;
    let profile = credential_profiles::get(&backend, &scope, id).await?;
    let customer_name = match profile.customer_id {
        Some(customer) => Some(customers::get(&backend, &scope, customer).await?.name),
        None => None,
    };
    let customer = profile.customer_id;
    Ok(ProfileView {
        reach: notification_recipients::warning_reach(&backend, &scope, customer).await?,
        uses: credential_profiles::uses(&backend, &scope, id).await?,
        profile,
        customer_name,
    })
}

/// The profile in the path, read again after each change.
pub(super) fn use_profile() -> Resource<AppResult<ProfileView>> {
    let params = use_params_map();
    let changes = use_changes();
    let id = Memo::new(move |_| {
        params.with(|params| params.get("id")?.parse::<CredentialProfileId>().ok())
    });
    Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_profile(id).await,
                None => Err(AppError::NotFound {
                    what: "credential profile".to_owned(),
                }),
            }
        },
    )
}

/// The page. Changing and deleting are child routes with dialogs.
#[component]
pub fn ProfilePage() -> impl IntoView {
    let profile = use_profile();
    let changes = use_changes();
    let test = ServerAction::<TestSecond>::new();
    let tested = follow_test(test);
    // That it signed in shows among its facts.
    Effect::new(move |_| {
        if matches!(test.value().get(), Some(Ok(_))) {
            changes.notify();
        }
    });
    view! {
        <Load resource=profile whole=true let:view>
            <Profile view=view test=test tested=tested />
        </Load>
        <Outlet />
    }
    .into_any()
}

/// What a profile proves itself with, as a button names it.
pub(super) const fn secret_word(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::ClientSecret => "Replace secret",
        CredentialKind::Certificate => "Replace certificate",
    }
}

#[component]
fn Profile(view: ProfileView, test: ServerAction<TestSecond>, tested: Tested) -> impl IntoView {
    let ProfileView {
        profile,
        uses,
        customer_name,
        reach,
    } = view;
    let id = profile.id;
    let kind = profile.kind;
    let ends = profile.ends_at();
    let of_first = profile.expires_at;
    let (shown, used) = (profile.clone(), uses.clone());
    view! {
        <PageHead
            title=profile.name.clone()
            parent=(routes::CREDENTIAL_PROFILES.to_owned(), "Credential Profiles".to_owned())
            facts=move || {
                view! {
                    <span>{kind.title()}</span>
                    <span class="inline-flex gap-1.5">"Ends " <Ends at=ends /></span>
                }
                .into_any()
            }
        >
            {may(Permission::CredentialProfilesWrite)
                .then(|| {
                    view! {
                        <a class="btn" href=routes::credential_profile_edit(id) data-noscroll="true">
                            <Icon name="pencil" />
                            "Edit"
                        </a>
                        <a
                            class="btn"
                            href=routes::credential_profile_secret(id)
                            data-noscroll="true"
                        >
                            <Icon name="rotate-cw" />
                            {secret_word(kind)}
                        </a>
                        <a
                            class="btn"
                            href=routes::credential_profile_delete(id)
                            data-noscroll="true"
                        >
                            <Icon name="trash-2" />
                            "Delete"
                        </a>
                    }
                })}
        </PageHead>
        <SwitchedNote profile=profile.clone() />
        {reach
            .map(|reach| {
                let to = match profile.customer_id {
                    Some(customer) => routes::customer(customer),
                    None => routes::NOTIFICATIONS.to_owned(),
                };
                view! { <ReachNote reach=reach what="this secret" to=to /> }
            })}
        <dl class="rc-kv px-6 py-4 border-y border-line max-md:px-4">
            <dt>"Application (client) id"</dt>
            <dd class="rc-mono wrap-anywhere">{profile.client_id.to_string()}</dd>
            <dt>"For"</dt>
            <dd>
                {match (customer_name, profile.customer_id) {
                    (Some(name), Some(customer)) => {
                        view! {
                            <a class="rc-link" href=routes::customer(customer)><bdi>{name}</bdi></a>
                        }
                            .into_any()
                    }
                    _ => "All customers".into_any(),
                }}
            </dd>
            <dt>{if kind == CredentialKind::Certificate { "Certificate set" } else { "Secret set" }}</dt>
            <dd><RelativeTime at=profile.secret_set_at /></dd>
            <dt>"Ends"</dt>
            <dd><Ends at=of_first /></dd>
            <Thumbprints
                id=id
                sha1=profile.certificate_thumbprint_sha1
                sha256=profile.certificate_thumbprint
            />
        </dl>
        <Second profile=shown uses=used test=test tested=tested />
        <Uses uses=uses />
    }
    .into_any()
}

/// What tells a certificate from others, and the certificate as a file; nothing for a secret.
#[component]
pub(super) fn Thumbprints(
    id: CredentialProfileId,
    /// Whether it is the second one’s.
    #[prop(optional)]
    second: bool,
    sha1: Option<String>,
    sha256: Option<String>,
) -> impl IntoView {
    let sha256 = sha256?;
    Some(view! {
        {sha1
            .map(|thumbprint| {
                view! {
                    <dt>"Thumbprint, as Entra ID shows it"</dt>
                    <dd class="rc-mono wrap-anywhere">{thumbprint}</dd>
                }
            })}
        <dt>"Thumbprint (SHA-256)"</dt>
        <dd class="rc-mono wrap-anywhere">{sha256}</dd>
        <dt>"Certificate"</dt>
        <dd class="flex gap-3 flex-wrap">
            <a class="rc-link" href=routes::certificate(id, second, "cer") download>
                "Download .cer"
            </a>
            <a class="rc-link" href=routes::certificate(id, second, "pem") download>
                "Download .pem"
            </a>
        </dd>
    })
}

/// Says that the second secret took the place of the first.
#[component]
fn SwitchedNote(profile: CredentialProfile) -> impl IntoView {
    let (at, code) = profile.switched_at.zip(profile.switched_because)?;
    Some(view! {
        <div class="rc-note held mx-6 mb-4 max-md:mx-4" role="note">
            <Icon name="circle-alert" class="text-warning mt-0.5" />
            <p class="min-w-0">
                "Entra ID refused the first secret "
                <RelativeTime at=at />
                " ("
                <span class="rc-mono">{code}</span>
                "). Rollcall has used the second one since then, and nothing stopped. Add the next \
                 one in the place of the old."
            </p>
        </div>
    })
}

#[component]
fn Uses(uses: Vec<ProfileUse>) -> impl IntoView {
    let count = i64::try_from(uses.len()).unwrap_or(i64::MAX);
    if uses.is_empty() {
        return view! {
            <section aria-labelledby="h-uses" class="px-6 pt-4 max-md:px-4">
                <h2 id="h-uses" class="text-base">"Where used"</h2>
                <p class="text-muted mt-1">"No integration uses it."</p>
            </section>
        }
        .into_any();
    }
    let rows = uses
        .into_iter()
        .map(|used| {
            view! {
                <tr role="row">
                    <td role="cell">
                        <a
                            class="rc-rowlink block truncate max-w-80"
                            href=routes::integration(used.integration_id)
                        >
                            <bdi>{used.integration_name}</bdi>
                        </a>
                    </td>
                    <td role="cell" class="grow">
                        <a class="hover:underline block truncate" href=routes::customer(used.customer_id)>
                            <bdi>{used.customer_name}</bdi>
                        </a>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-uses" class="pt-3">
            <div class="flex items-baseline gap-2 px-6 pb-1 max-md:px-4">
                <h2 id="h-uses" class="text-base">"Where used"</h2>
                <span class="text-muted rc-num">{grouped(count)}</span>
            </div>
            <table class="rc-table bleed still" role="table" aria-labelledby="h-uses">
                <thead role="rowgroup">
                    <tr role="row">
                        <Head label="Integration" />
                        <Head label="Customer" class="grow" />
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}
