//! One version: its settings, how they differ from the present ones and from any other version,
//! and restoring it.

use domain::{
    id::IntegrationId,
    permission::Permission,
    settings::{SettingsDifference, all_settings},
};
use leptos_router::{components::Outlet, hooks::use_params_map};

use super::{
    api::{PreviewVersion, RestoreVersion, VersionView, view_version},
    list::use_id,
};
use crate::{
    session::may,
    ui::{
        form::Post,
        prelude::*,
        settings::{AllSettings, SettingDifferences},
    },
};

/// Versions that are offered to compare with.
const OFFERED_MAX: i64 = 200;

fn use_number() -> Memo<Option<i64>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("number")?.parse().ok()))
}

async fn read(
    id: Option<IntegrationId>,
    number: Option<i64>,
    against: Option<i64>,
) -> AppResult<VersionView> {
    match (id, number) {
        (Some(id), Some(number)) => view_version(id, number, against).await,
        _ => Err(AppError::NotFound {
            what: "version".to_owned(),
        }),
    }
}

/// The page of one version, below the tabs of its integration.
#[component]
pub fn VersionPage() -> impl IntoView {
    let (id, number) = (use_id(), use_number());
    let address = use_address();
    let changes = use_changes();
    let against = Memo::new(move |_| address.parsed::<i64>("against"));
    let version = Resource::new(
        move || (id.get(), number.get(), against.get(), changes.follow()),
        |(id, number, against, _)| read(id, number, against),
    );
    let preview = use_post::<PreviewVersion>();
    view! {
        <Load resource=version let:view>
            <Version view=view preview=preview />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn Version(view: VersionView, preview: Post<PreviewVersion>) -> impl IntoView {
    let VersionView {
        version,
        from_now,
        from_other,
        newest,
    } = view;
    let (id, number) = (version.integration_id, version.number);
    let same = from_now.differences.is_empty();
    let names = from_now.group_names.clone();
    let compared = match from_other {
        Some((other, found)) => view! {
            <Differing
                id="h-difference"
                title=format!("Compared with version {other}")
                same="These two versions are the same."
                found=found
            />
        }
        .into_any(),
        None => view! {
            <Differing
                id="h-difference"
                title="Restoring it would change"
                same="These are the present settings."
                found=from_now
            />
        }
        .into_any(),
    };
    view! {
        <div class="px-6 py-4 max-md:px-4 max-w-4xl">
            <div class="flex items-start gap-x-4 gap-y-2 flex-wrap mb-4">
                <div class="min-w-0">
                    <h2 class="text-lg">{format!("Version {}", grouped(number))}</h2>
                    <p class="text-muted wrap-anywhere">
                        <bdi>{version.source.to_string()}</bdi> ", by " <bdi>{version.saved_by}</bdi>
                        ", " <ExactTime at=version.saved_at />
                    </p>
                </div>
                <div class="ms-auto flex gap-2 flex-wrap">
                    {(may(Permission::RunsStart) && !same)
                        .then(|| {
                            view! {
                                <PostForm post=preview class="contents">
                                    <input type="hidden" name="id" value=id.to_string() />
                                    <input type="hidden" name="number" value=number.to_string() />
                                    <Submit
                                        label="Preview this version"
                                        busy="Starting"
                                        class="btn"
                                        icon="eye"
                                    />
                                </PostForm>
                            }
                        })}
                    {(may(Permission::IntegrationsWrite) && !same)
                        .then(|| {
                            view! {
                                <a
                                    class="btn btn-primary"
                                    href=routes::integration_version_restore(id, number)
                                    data-noscroll="true"
                                >
                                    <Icon name="history" />
                                    "Restore this version"
                                </a>
                            }
                        })}
                </div>
            </div>
            <CompareWith
                page=routes::integration_version(id, number)
                number=number
                newest=newest
                present="the present settings"
            />
            {compared}
            <section aria-labelledby="h-settings" class="mt-6">
                <h3 id="h-settings" class="text-base mb-1">"Its settings"</h3>
                <AllSettings of=all_settings(&version.settings) names=names label="Settings" />
            </section>
        </div>
    }
    .into_any()
}

/// Chooses what it is compared with: a GET form, so that the choice stands in the address.
#[component]
pub(crate) fn CompareWith(
    /// The version's page.
    page: String,
    number: i64,
    newest: i64,
    /// What it is compared with where no other version is chosen.
    present: &'static str,
) -> impl IntoView {
    let address = use_address();
    let chosen = address.parsed::<i64>("against");
    let others = (1..=newest)
        .rev()
        .take(usize::try_from(OFFERED_MAX).unwrap_or(usize::MAX))
        .filter(|other| *other != number)
        .map(|other| {
            view! {
                <option value=other.to_string() selected=chosen == Some(other)>
                    {format!("Version {other}")}
                </option>
            }
        })
        .collect_view();
    view! {
        <form method="get" action=page class="flex items-center gap-2 flex-wrap mb-4">
            <label for="f-against">"Compare with"</label>
            <select id="f-against" name="against" class="select max-w-60">
                <option value="">{present}</option>
                {others}
            </select>
            <button type="submit" class="btn">"Compare"</button>
        </form>
    }
    .into_any()
}

/// How two states of settings differ, with a title.
#[component]
pub(crate) fn Differing(
    /// Tells it apart from others of its kind on the page.
    id: &'static str,
    #[prop(into)] title: String,
    same: &'static str,
    found: SettingsDifference,
) -> impl IntoView {
    view! {
        <section aria-labelledby=id>
            <h3 id=id class="text-base mb-1">{title}</h3>
            {if found.differences.is_empty() {
                view! { <p class="text-muted">{same}</p> }.into_any()
            } else {
                view! {
                    <SettingDifferences
                        of=found.differences
                        names=found.group_names
                        label="Differences"
                    />
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

/// Restore this version, over its page: with what that would change.
#[component]
pub fn RestoreDialog() -> impl IntoView {
    let (id, number) = (use_id(), use_number());
    let version = Resource::new(
        move || (id.get(), number.get()),
        |(id, number)| read(id, number, None),
    );
    let post = use_post::<RestoreVersion>();
    view! {
        <Load
            resource=version
            children=move |view: VersionView| {
                let (id, number) = (view.version.integration_id, view.version.number);
                let back = routes::integration_version(id, number);
                let found = view.from_now;
                view! {
                    <Dialog title=format!("Restore version {number}") back=back.clone()>
                        <PostForm post=post>
                            <input type="hidden" name="id" value=id.to_string() />
                            <input type="hidden" name="number" value=number.to_string() />
                            <input type="hidden" name="hash" value=found.hash.clone() />
                            <p class="mb-3">
                                "The settings become those of this version again. It is a save like any other: \
                                 a version of its own, which can be taken back."
                            </p>
                            <div class="max-h-80 overflow-y-auto">
                                <Differing
                                    id="h-restoring"
                                    title="What changes"
                                    same="Nothing: these are the present settings."
                                    found=found
                                />
                            </div>
                            <DialogFoot back=back>
                                <Submit label="Restore" busy="Restoring" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}
