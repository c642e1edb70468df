//! The tab Template of an integration: which it follows, in what it deviates, and what is its own.

use std::collections::BTreeMap;

use domain::{
    id::IntegrationId,
    permission::Permission,
    settings::{
        SettingDifference,
        template::{Drift, OwnSetting},
    },
};
use leptos::{form::FromFormData as _, html};
use leptos_router::{components::Outlet, hooks::use_params_map};
use wasm_bindgen::JsCast as _;

use super::api::{
    AcceptDrift, FollowTemplate, LeaveTemplate, PutBackDrift, StandingView, template_standing,
};
use crate::{
    session::may,
    ui::{
        form::{FieldError, Post, use_field_error, use_post_or},
        prelude::*,
    },
};

fn use_id() -> Memo<Option<IntegrationId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

async fn read(id: Option<IntegrationId>) -> AppResult<(IntegrationId, StandingView)> {
    match id {
        Some(id) => Ok((id, template_standing(id).await?)),
        None => Err(AppError::NotFound {
            what: "integration".to_owned(),
        }),
    }
}

/// The tab, with its dialogs.
#[component]
pub fn TemplateTab() -> impl IntoView {
    use leptos::server_fn::ServerFn as _;
    let id = use_id();
    let changes = use_changes();
    let standing = Resource::new(move || (id.get(), changes.follow()), |(id, _)| read(id));
    let back = use_post::<PutBackDrift>();
    let accept = use_post_or::<AcceptDrift>(PutBackDrift::PATH).or(back);
    view! {
        <Load
            resource=standing
            children=move |(id, standing): (IntegrationId, StandingView)| {
                if let Some(drift) = standing.drift {
                    view! { <Following id=id drift=drift accept=accept back=back /> }.into_any()
                } else {
                    let any = !standing.templates.is_empty();
                    view! { <FollowsNone id=id any=any /> }.into_any()
                }
            }
        />
        <Outlet />
    }
    .into_any()
}

#[component]
fn FollowsNone(id: IntegrationId, any: bool) -> impl IntoView {
    view! {
        <Empty
            title="It follows no policy template"
            text="A template holds one policy for many integrations. What this one needs otherwise can stay \
            its own; its selected groups always do."
        >
            {(any && may(Permission::IntegrationsWrite))
                .then(|| {
                    view! {
                        <a
                            class="btn btn-primary"
                            href=routes::integration_follow(id)
                            data-noscroll="true"
                        >
                            "Follow a template"
                        </a>
                    }
                })}
            <a class="btn" href=routes::POLICY_TEMPLATES>"Policy Templates"</a>
        </Empty>
    }
    .into_any()
}

#[component]
fn Following(
    id: IntegrationId,
    drift: Drift,
    accept: Post<AcceptDrift>,
    back: Post<PutBackDrift>,
) -> impl IntoView {
    let write = may(Permission::IntegrationsWrite);
    let behind = drift.version < drift.newest;
    let version = format!("Version {}", grouped(drift.version));
    let Drift {
        differences,
        own,
        hash,
        ..
    } = drift;
    let own_hash = hash.clone();
    view! {
        <div class="px-6 py-4 max-md:px-4 max-w-4xl">
            <div class="flex items-start gap-x-4 gap-y-2 flex-wrap mb-4">
                <div class="min-w-0">
                    <h2 class="text-lg">
                        "Follows "
                        <a class="rc-link" href=routes::policy_template(drift.policy_template_id)>
                            <bdi>{drift.name}</bdi>
                        </a>
                    </h2>
                    <p class="text-muted">
                        {version}
                        {behind
                            .then(|| {
                                format!(". Version {} is on its way.", grouped(drift.newest))
                            })}
                    </p>
                </div>
                {write
                    .then(|| {
                        view! {
                            <div class="ms-auto flex gap-2 flex-wrap">
                                <a
                                    class="btn"
                                    href=routes::integration_follow(id)
                                    data-noscroll="true"
                                >
                                    "Follow another"
                                </a>
                                <a
                                    class="btn"
                                    href=routes::integration_leave(id)
                                    data-noscroll="true"
                                >
                                    "Follow none"
                                </a>
                            </div>
                        }
                    })}
            </div>
            <section aria-labelledby="h-drift">
                <h3 id="h-drift" class="text-base mb-1">"Drift"</h3>
                {if differences.is_empty() {
                    view! {
                        <p class="text-muted">
                            "It has the template’s settings, but for what is its own."
                        </p>
                    }
                        .into_any()
                } else {
                    // A form of its own for each answer: no tick and no note of the last decision stays.
                    (move || {
                        view! {
                            <Deviations
                                id=id
                                differences=differences.clone()
                                hash=hash.clone()
                                accept=accept
                                back=back
                                write=write
                            />
                        }
                    })
                        .into_any()
                }}
            </section>
            <Own id=id own=own hash=own_hash back=back write=write />
        </div>
    }
    .into_any()
}

/// What it deviates in, each with a tick; one form with two buttons.
#[component]
fn Deviations(
    id: IntegrationId,
    differences: Vec<SettingDifference>,
    hash: String,
    accept: Post<AcceptDrift>,
    back: Post<PutBackDrift>,
    write: bool,
) -> impl IntoView {
    let rows = differences
        .into_iter()
        .map(|one| {
            let (template, own) = one.words(&BTreeMap::new());
            let label = format!("Choose {}", one.name);
            view! {
                <tr role="row">
                    <td role="cell">
                        <input
                            type="checkbox"
                            class="checkbox"
                            name="paths[]"
                            value=one.path
                            checked=true
                            disabled=!write
                            aria-label=label
                        />
                    </td>
                    <td role="cell" class="font-medium md:whitespace-nowrap max-md:col-span-2">{one.name}</td>
                    <td role="cell" class="text-muted wrap-anywhere">
                        <bdi>{template}</bdi>
                    </td>
                    <td role="cell" class="wrap-anywhere">
                        <bdi class="font-medium">{own}</bdi>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p class="text-muted mb-2">
            "It deviates from its template here. Accept what is right for it: that is its own from then \
             on, and the template doesn’t change it. Put back the rest."
        </p>
        <PostForm post=accept class="flex flex-col gap-4">
            <input type="hidden" name="id" value=id.to_string() />
            <input type="hidden" name="hash" value=hash />
            <table class="rc-table still rc-stack rows ticks" role="table" aria-labelledby="h-drift">
                <thead role="rowgroup">
                    <tr role="row">
                        <Head label="" />
                        <Head label="Setting" />
                        <Head label="Template" />
                        <Head label="Here" />
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
            {write.then(|| view! { <Decide back=back /> })}
        </PostForm>
    }
    .into_any()
}

/// The form around a part of it, as the second button sends it.
fn filled_in(inside: NodeRef<html::Div>) -> Option<PutBackDrift> {
    let form = inside.get_untracked()?.closest("form").ok()??;
    let form: web_sys::HtmlFormElement = form.dyn_into().ok()?;
    let data = web_sys::FormData::new_with_form(&form).ok()?;
    PutBackDrift::from_form_data(&data).ok()
}

/// The two buttons. Without the browser code the second sends the form by itself.
#[component]
fn Decide(back: Post<PutBackDrift>) -> impl IntoView {
    use leptos::server_fn::ServerFn as _;
    let inside = NodeRef::<html::Div>::new();
    let put_back = move |ev: leptos::ev::MouseEvent| {
        ev.prevent_default();
        if let Some(wish) = filled_in(inside).filter(|_| !back.pending().get_untracked()) {
            back.action.dispatch(wish);
        }
    };
    let error = use_field_error("paths");
    view! {
        <FieldError id="f-paths-e" error=error />
        <Field
            name="note"
            label="Why it is accepted"
            kind=Kind::Words
            hint="A sentence or a ticket number, kept with it. May stay empty."
        />
        <div class="flex gap-2 flex-wrap" node_ref=inside>
            <Submit label="Accept" busy="Accepting" />
            <button
                type="submit"
                class="btn"
                formaction=PutBackDrift::PATH
                aria-disabled=move || back.pending().get().then_some("true")
                on:click=put_back
            >
                <Icon name="undo-2" />
                "Put back"
            </button>
        </div>
    }
    .into_any()
}

/// What is its own by decision.
#[component]
fn Own(
    id: IntegrationId,
    own: Vec<OwnSetting>,
    hash: String,
    back: Post<PutBackDrift>,
    write: bool,
) -> impl IntoView {
    if own.is_empty() {
        return ().into_any();
    }
    let items = own
        .into_iter()
        .map(|one| {
            let words = one.difference.as_ref().map_or_else(
                || "as in the template at present".to_owned(),
                |found| {
                    let (template, own) = found.words(&BTreeMap::new());
                    format!("{own}; the template has {template}")
                },
            );
            let hash = hash.clone();
            view! {
                <li class="flex items-start gap-3 flex-wrap py-2 border-b border-line">
                    <div class="min-w-0 grow wrap-anywhere">
                        <p>
                            <span class="font-medium">{one.name.clone()}</span>
                            ": "
                            <bdi>{words}</bdi>
                        </p>
                        <p class="rc-hint">
                            "Accepted by " <bdi>{one.by}</bdi> ", " <ExactTime at=one.at />
                            {(!one.note.is_empty()).then(|| view! { ": " <bdi>{one.note}</bdi> })}
                        </p>
                    </div>
                    {write
                        .then(|| {
                            view! {
                                <PostForm post=back class="contents">
                                    <input type="hidden" name="id" value=id.to_string() />
                                    <input type="hidden" name="hash" value=hash />
                                    <input type="hidden" name="paths[]" value=one.path />
                                    <Submit label="Put back" busy="Putting back" class="btn btn-sm" />
                                    <span class="sr-only">{one.name}</span>
                                </PostForm>
                            }
                        })}
                </li>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-own" class="mt-6">
            <h3 id="h-own" class="text-base mb-1">"Its own"</h3>
            <ul>{items}</ul>
        </section>
    }
    .into_any()
}

/// Follow a template, over the tab.
#[component]
pub fn FollowDialog() -> impl IntoView {
    let id = use_id();
    let standing = Resource::new(move || id.get(), read);
    let post = use_post::<FollowTemplate>();
    view! {
        <Load
            resource=standing
            children=move |(id, standing): (IntegrationId, StandingView)| {
                let back = routes::integration_template(id);
                let options = standing
                    .templates
                    .into_iter()
                    .map(|(id, name)| (id.to_string(), name))
                    .collect::<Vec<_>>();
                let ticked = post.filled_in().is_some_and(|given| given.take_settings);
                view! {
                    <Dialog title="Follow a policy template" back=back.clone()>
                        <PostForm post=post class="flex flex-col gap-4">
                            <input type="hidden" name="id" value=id.to_string() />
                            <Choice
                                name="policy_template_id"
                                label="Policy template"
                                options=options
                            />
                            <label class="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
                                <input
                                    type="checkbox"
                                    class="checkbox mt-0.5"
                                    name="take_settings"
                                    value="true"
                                    checked=ticked
                                />
                                <span>
                                    <span class="font-medium">"Take the template’s settings now"</span>
                                    <span class="rc-hint block">
                                        "All but the selected groups. Otherwise nothing changes now: what differs is shown \
                                         as drift, to be accepted or put back."
                                    </span>
                                </span>
                            </label>
                            <DialogFoot back=back>
                                <Submit label="Follow" />
                            </DialogFoot>
                        </PostForm>
                    </Dialog>
                }
            }
        />
    }
    .into_any()
}

/// Follow none, over the tab.
#[component]
pub fn LeaveDialog() -> impl IntoView {
    let id = use_id();
    let post = use_post::<LeaveTemplate>();
    move || {
        id.get().map(|id| {
            let back = routes::integration_template(id);
            view! {
                <Dialog title="Follow no policy template" back=back.clone()>
                    <PostForm post=post>
                        <input type="hidden" name="id" value=id.to_string() />
                        <p>
                            "It keeps the settings it has. Changes of the template don’t reach it any more, and \
                             what was accepted as its own is forgotten."
                        </p>
                        <DialogFoot back=back>
                            <Submit label="Follow none" />
                        </DialogFoot>
                    </PostForm>
                </Dialog>
            }
        })
    }
}
