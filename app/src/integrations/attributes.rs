//! The tab Attributes: what the directory's attributes are made from, tried on real people.

mod api;
mod defaults;
mod form;
mod lines;
mod people;

use std::time::Duration;

use domain::{
    id::{IntegrationId, RunId},
    integration::Integration,
    permission::Permission,
    policy::ObjectType,
};
use leptos::{
    form::FromFormData as _, html, leptos_dom::helpers::debounce, server_fn::ServerFn as _,
};

pub(super) use self::api::directory_extensions;
use self::{
    api::{LineError, PreviewMapping, SaveMapping, check_mapping, integration_mapping},
    form::MappingForm,
    lines::{Lines, TypeSection},
    people::PeoplePanel,
};
use super::{
    api::find_preview_settings,
    configuration::form_of,
    extensions::{Extensions, LoadExtensions},
    head::{of_integration, use_id},
    leaving::AskBeforeLeaving,
};
use crate::{
    session::may,
    ui::{
        form::{FieldError, Post, SaveBar, use_field_error},
        prelude::*,
    },
};

/// The tab.
#[component]
pub fn AttributesTab() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let preview = use_post::<PreviewMapping>();
    let post = use_post::<SaveMapping>().or(preview);
    // Read again after a save and at no other time: what one is filling in stays.
    let saved = RwSignal::new(0_u32);
    Effect::new(move |_| {
        if matches!(post.action.value().get(), Some(Ok(_))) {
            saved.update(|count| *count += 1);
        }
    });
    let of_preview = Memo::new(move |_| address.parsed::<RunId>("preview"));
    let integration = Resource::new(
        move || (id.get(), saved.get(), of_preview.get()),
        |(id, _, run)| of_integration(id, async move |id| read(id, run).await),
    );
    view! {
        <Load
            resource=integration
            children=move |(integration, filled)| {
                view! {
                    <Form
                        integration=integration
                        filled=filled
                        post=post
                        preview=preview
                        again={saved.get_untracked() > 0}
                    />
                }
            }
        />
    }
    .into_any()
}

/// The integration, and the rules of a preview where the address names one.
async fn read(
    id: IntegrationId,
    run: Option<RunId>,
) -> AppResult<(Integration, Option<MappingForm>)> {
    let integration = integration_mapping(id).await?;
    let from = match run {
        Some(run) => find_preview_settings(id, run).await?,
        None => None,
    };
    let filled = from
        .filter(|from| from.policy.mapping != integration.policy.mapping)
        .map(|from| MappingForm::of(&from.policy.mapping));
    Ok((integration, filled))
}

/// What the form holds at this moment.
fn filled_in(form: &web_sys::HtmlFormElement) -> Option<MappingForm> {
    let data = web_sys::FormData::new_with_form(form).ok()?;
    SaveMapping::from_form_data(&data)
        .ok()
        .map(|save| save.mapping)
}

#[component]
fn Form(
    integration: Integration,
    /// The rules of a preview.
    filled: Option<MappingForm>,
    post: Post<SaveMapping>,
    preview: Post<PreviewMapping>,
    /// Whether it stands here anew, after a save.
    again: bool,
) -> impl IntoView {
    let id = integration.id;
    let was = StoredValue::new(MappingForm::of(&integration.policy.mapping));
    // A form that came back shows what was filled in; once it was saved, what is saved.
    let returned = post
        .filled_in()
        .filter(|save| !again && save.id == id)
        .map(|save| save.mapping);
    let from_preview = filled.is_some() && returned.is_none() && !again;
    let shown = returned
        .or(filled.filter(|_| !again))
        .unwrap_or_else(|| was.get_value());
    let types: Vec<ObjectType> = ObjectType::OBJECTS
        .into_iter()
        .filter(|one| integration.policy.reads(*one) || shown.is_about(*one))
        .collect();
    let lines = Lines::new(&shown, &types);
    let extensions = Extensions::new();
    let now = RwSignal::new(shown);
    let inside = NodeRef::<html::Div>::new();
    let look = move || {
        if let Some(filled) = form_of(inside).and_then(|form| filled_in(&form)) {
            now.set(filled);
        }
    };
    // Lines come and go after what made them do so.
    let look_later = Callback::new(move |()| request_animation_frame(look));
    let changes =
        Signal::derive(move || now.with(|now| was.with_value(|was| now.differences(was))));
    let discard = Callback::new(move |()| {
        let saved = was.get_value();
        lines.show(&saved);
        look_later.run(());
    });
    Effect::new(move |_| {
        // A browser keeps what was typed over what is saved now.
        if inside.get().is_some() {
            look();
        }
    });
    let start_preview = Callback::new(move |()| {
        if let Some(mapping) = form_of(inside).and_then(|form| filled_in(&form)) {
            preview.action.dispatch(PreviewMapping { id, mapping });
        }
    });
    let errors = checked(id, now);
    // What someone may not do is not offered; what is set is shown to all who see it.
    let write = may(Permission::IntegrationsWrite);
    let sections = types
        .into_iter()
        .map(|object_type| {
            view! {
                <TypeSection
                    object_type=object_type
                    lines=lines
                    extensions=extensions
                    now=now
                    errors=errors
                    look=look_later
                />
            }
        })
        .collect_view();
    view! {
        <AskBeforeLeaving changes=changes />
        <form id="try-people" method="get" action=routes::integration_attributes(id)>
            // An empty field is an answer too: some people of the directory.
            <input type="hidden" name="tried" value="yes" />
        </form>
        <PostForm post=post class="flex-1 flex flex-col">
            <input type="hidden" name="id" value=id.to_string() />
            <fieldset class="contents" disabled=!write>
                <div
                    node_ref=inside
                    class="flex-1 px-6 py-4 max-md:px-4 max-w-5xl w-full"
                    on:input=move |_| look()
                    on:change=move |_| look()
                >
                    <Intro write=write from_preview=from_preview />
                    <LoadExtensions id=id extensions=extensions />
                    <Refused />
                    {sections}
                </div>
            </fieldset>
            <PeoplePanel id=id now=now />
            {write
                .then(|| {
                    view! {
                        <SaveBar changes=changes discard=discard>
                            {may(Permission::RunsStart)
                                .then(|| {
                                    view! { <PreviewButton post=preview start=start_preview /> }
                                })}
                        </SaveBar>
                    }
                })}
        </PostForm>
    }
    .into_any()
}

/// What is wrong with the lines, following what is typed.
fn checked(id: IntegrationId, now: RwSignal<MappingForm>) -> Resource<Vec<LineError>> {
    let typed = RwSignal::new(now.get_untracked());
    let asked = Memo::new(move |_| typed.get());
    let mut later = debounce(Duration::from_millis(400), move |form| typed.set(form));
    Effect::new(move |_| later(now.get()));
    Resource::new(
        move || asked.get(),
        move |form| async move {
            if form.is_empty() {
                return Vec::new();
            }
            // What can't be looked at now is looked at when it is saved.
            check_mapping(id, form).await.unwrap_or_default()
        },
    )
}

#[component]
fn Intro(write: bool, from_preview: bool) -> impl IntoView {
    view! {
        <p class="max-w-[70ch]">
            "Without a rule an attribute is as Entra ID has it. A rule makes it from something else, for everybody. For whom a rule fails, it says so in the run: such a person stays as they are."
        </p>
        <details class="mt-2 max-w-[70ch]">
            <summary class="rc-link cursor-pointer min-h-6">"What an expression can do"</summary>
            <p class="mt-1 text-muted">
                "It is CEL over the attributes of one object, by the names that Entra ID has for them. What an object doesn’t have is null. Texts are joined with +, and compared with == and !=; a ? b : c chooses."
            </p>
            <ul class="mt-1 text-muted list-disc ps-5">
                <li><code class="rc-mono">"coalesce(mail, userPrincipalName)"</code> ", the first that isn’t empty"</li>
                <li>
                    <code class="rc-mono">"lower(strip_diacritics(givenName)) + \".\" + lower(surname)"</code>
                </li>
                <li>
                    <code class="rc-mono">"switch(department, \"HR\", \"People\", \"IT\", \"Technology\", department)"</code>
                </li>
                <li>
                    <code class="rc-mono">"join([title_case(givenName), upper(surname)], \" \")"</code>
                </li>
                <li>
                    <code class="rc-mono">"regex_replace(mobilePhone, \"[^0-9+]\", \"\")"</code>
                </li>
            </ul>
            <p class="mt-1 text-muted">
                "Also upper, trim, replace, split, left_of_at, right_of_at, first_non_empty, is_empty, matches, contains, startsWith, endsWith, size and string; and one of all, exists, exists_one, filter and map over a list such as proxyAddresses."
            </p>
        </details>
        {from_preview
            .then(|| {
                view! {
                    <div class="rc-note mt-3" role="note">
                        <Icon name="info" class="text-muted mt-0.5" />
                        <p>"These rules come from a preview, and aren’t saved."</p>
                    </div>
                }
            })}
        {(!write)
            .then(|| {
                view! {
                    <p class="pt-3 text-muted flex items-center gap-1.5">
                        <Icon name="lock" small=true />
                        "Your role shows these rules and doesn’t change them."
                    </p>
                }
            })}
    }
    .into_any()
}

/// What Save or Preview refused.
#[component]
fn Refused() -> impl IntoView {
    let error = use_field_error("mapping[lines]");
    view! { <FieldError id="f-mapping-e" error=error /> }.into_any()
}

/// Shows what would happen with what is filled in. Without the browser code it sends the form by
/// itself.
#[component]
fn PreviewButton(post: Post<PreviewMapping>, start: Callback<()>) -> impl IntoView {
    let pending = post.pending();
    view! {
        <button
            type="submit"
            class="btn"
            formaction=PreviewMapping::PATH
            aria-disabled=move || pending.get().then_some("true")
            on:click=move |ev| {
                ev.prevent_default();
                if !pending.get_untracked() {
                    start.run(());
                }
            }
        >
            <Icon name="eye" />
            {move || if pending.get() { "Starting" } else { "Preview" }}
            // The saved settings have a button of the same word above.
            <span class="sr-only">" of what is filled in"</span>
        </button>
    }
    .into_any()
}
