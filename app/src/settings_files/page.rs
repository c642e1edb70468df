//! Export settings, Import settings: the tab of an integration, and the page of a customer.

use domain::{
    id::{CustomerId, IntegrationId, SettingsDraftId},
    permission::Permission,
    settings::file::{ImportChange, ImportPlan, NotApplied},
};
use leptos_router::hooks::use_params_map;

use super::api::{ImportFile, LookAtFile, Subject, name_customer, plan_import};
use crate::{
    session::may,
    ui::{
        file::FileField,
        form::{Post, use_field_error},
        prelude::*,
        settings::SettingDifferences,
    },
};

/// The tab of an integration.
#[component]
pub fn IntegrationFilePage() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id")?.parse::<IntegrationId>().ok()));
    move || {
        id.get()
            .map(|id| view! { <Files of=Subject::Integration(id) /> })
    }
}

/// The page of a customer.
#[component]
pub fn CustomerFilePage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<CustomerId>().ok()));
    let customer = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => name_customer(id).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    view! {
        <Load
            resource=customer
            whole=true
            children=move |(id, name)| {
                view! {
                    <PageHead title="Settings File" parent=(routes::customer(id), name) />
                    <Files of=Subject::Customer(id) />
                }
            }
        />
    }
    .into_any()
}

#[component]
fn Files(of: Subject) -> impl IntoView {
    let address = use_address();
    let draft = Memo::new(move |_| address.parsed::<SettingsDraftId>("draft"));
    let (what, holds) = match of {
        Subject::Integration(_) => (
            "this integration",
            "Whether it runs, its schedule, its selected groups, who administers the workspace, and its policy.",
        ),
        Subject::Customer(_) => (
            "this customer",
            "Its time zone, tags and notification recipients, how its people are invited, and the settings of \
             all its integrations.",
        ),
    };
    view! {
        <div class="px-6 py-4 max-md:px-4 max-w-4xl">
            <section aria-labelledby="h-export" class="mb-8">
                <h2 id="h-export" class="text-lg">"Export settings"</h2>
                <p class="text-muted mt-1">
                    {holds} " No secrets. Import it here again, or elsewhere."
                </p>
                <div class="flex gap-2 flex-wrap mt-3">
                    <a class="btn" href=of.file("toml") download>
                        <Icon name="download" />
                        "Export as TOML"
                    </a>
                    <a class="btn" href=of.file("json") download>
                        <Icon name="download" />
                        "Export as JSON"
                    </a>
                </div>
            </section>
            {may(Permission::IntegrationsWrite)
                .then(|| {
                    view! {
                        <section aria-labelledby="h-import">
                            <h2 id="h-import" class="text-lg">"Import settings"</h2>
                            {move || match draft.get() {
                                Some(draft) => view! { <Compared of=of draft=draft /> }.into_any(),
                                None => view! { <Give of=of what=what /> }.into_any(),
                            }}
                        </section>
                    }
                })}
        </div>
    }
    .into_any()
}

/// The form that takes a file.
#[component]
fn Give(of: Subject, what: &'static str) -> impl IntoView {
    let post = use_post::<LookAtFile>();
    let (name, id) = of.field();
    let ticked = post.filled_in().is_some_and(|given| given.find_groups);
    view! {
        <p class="text-muted mt-1 mb-3">
            {format!(
                "Into {what}. First the difference is shown; nothing is saved until you confirm it.",
            )}
        </p>
        <PostForm post=post class="flex flex-col gap-4 max-w-2xl">
            <input type="hidden" name=name value=id />
            <FileField
                name="content"
                label="Settings file"
                hint="JSON or TOML, as Export settings writes it."
                accept=".json,.toml,.txt"
            />
            <label class="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
                <input
                    type="checkbox"
                    class="checkbox mt-0.5"
                    name="find_groups"
                    value="true"
                    checked=ticked
                />
                <span>
                    <span class="font-medium">"Look for groups by their names"</span>
                    <span class="rc-hint block">
                        "Groups of another tenant are looked for in this one by exactly the same name. Otherwise \
                         they are listed, and not applied."
                    </span>
                </span>
            </label>
            <div>
                <Submit label="Show the difference" busy="Reading" />
            </div>
        </PostForm>
    }
    .into_any()
}

/// What the file would change, and the button that does it.
#[component]
fn Compared(of: Subject, draft: SettingsDraftId) -> impl IntoView {
    let changes = use_changes();
    let plan = Resource::new(move || changes.follow(), move |_| plan_import(of, draft));
    let post = use_post::<ImportFile>();
    view! {
        <Load resource=plan let:plan>
            <Plan of=of draft=draft plan=plan post=post />
        </Load>
    }
    .into_any()
}

#[component]
fn Plan(
    of: Subject,
    draft: SettingsDraftId,
    plan: ImportPlan,
    post: Post<ImportFile>,
) -> impl IntoView {
    let (name, id) = of.field();
    let nothing = plan.changes.is_empty();
    let names = plan.group_names;
    let changes = plan
        .changes
        .into_iter()
        .map(
            |ImportChange {
                 of, differences, ..
             }| {
                view! {
                    <h3 class="text-base mt-4 mb-1"><bdi>{of.clone()}</bdi></h3>
                    <SettingDifferences
                        of=differences
                        names=names.clone()
                        label=of
                        before="Now"
                        after="With the file"
                    />
                }
            },
        )
        .collect_view();
    view! {
        {if nothing {
            view! {
                <p class="mt-1">"The file changes nothing: these are the present settings."</p>
            }
                .into_any()
        } else {
            view! { <p class="mt-1 text-muted">"Nothing is saved yet. This would change:"</p> }
                .into_any()
        }}
        {changes}
        <LeftOut of=plan.not_applied />
        <PostForm post=post class="flex gap-2 flex-wrap mt-5">
            <input type="hidden" name=name value=id />
            <input type="hidden" name="draft" value=draft.to_string() />
            <input type="hidden" name="hash" value=plan.hash />
            <Refused />
            {(!nothing).then(|| view! { <Submit label="Import" busy="Importing" /> })}
            <a class="btn btn-ghost" href=of.page()>
                "Choose another file"
            </a>
        </PostForm>
    }
    .into_any()
}

/// Why the import was refused for a setting, which has no field here.
#[component]
fn Refused() -> impl IntoView {
    let error = use_field_error("policy");
    move || {
        error
            .get()
            .map(|error| view! { <p class="rc-err w-full" role="alert">{error}</p> })
    }
}

/// What stands in a file, or in a version, and isn't applied.
#[component]
pub(crate) fn LeftOut(of: Vec<NotApplied>) -> impl IntoView {
    (!of.is_empty()).then(|| {
        let items = of
            .into_iter()
            .map(|one| {
                view! {
                    <li class="wrap-anywhere">
                        <bdi class="font-medium">{one.what}</bdi>
                        ": "
                        {one.why}
                    </li>
                }
            })
            .collect_view();
        view! {
            <div class="rc-note held mt-5">
                <Icon name="circle-alert" class="text-warning mt-0.5" />
                <div class="min-w-0">
                    <p class="font-medium">"Not applied"</p>
                    <ul class="list-disc ps-5">{items}</ul>
                </div>
            </div>
        }
    })
}
