//! The tab Filters: who of those in scope comes in, with a live count; what becomes of user names; and
//! who decides about administrators.

mod api;
mod form;
mod lines;
mod trial;

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

use self::{
    api::{
        FiltersView, LineCheck, PreviewFilters, SaveFilters, check_filters, integration_filters,
    },
    form::FilterForm,
    lines::{Rules, TypeRules},
    trial::TrialPanel,
};
use super::{
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
pub fn FiltersTab() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let preview = use_post::<PreviewFilters>();
    let post = use_post::<SaveFilters>().or(preview);
    // Read again after a save and at no other time: what one is filling in stays.
    let saved = RwSignal::new(0_u32);
    Effect::new(move |_| {
        if matches!(post.action.value().get(), Some(Ok(_))) {
            saved.update(|count| *count += 1);
        }
    });
    let of_preview = Memo::new(move |_| address.parsed::<RunId>("preview"));
    let view = Resource::new(
        move || (id.get(), saved.get(), of_preview.get()),
        |(id, _, run)| of_integration(id, async move |id| integration_filters(id, run).await),
    );
    view! {
        <Load
            resource=view
            children=move |view| {
                view! {
                    <Form
                        view=view
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

/// What the form holds at this moment.
fn filled_in(form: &web_sys::HtmlFormElement) -> Option<FilterForm> {
    let data = web_sys::FormData::new_with_form(form).ok()?;
    SaveFilters::from_form_data(&data)
        .ok()
        .map(|save| save.filters)
}

#[component]
fn Form(
    view: FiltersView,
    post: Post<SaveFilters>,
    preview: Post<PreviewFilters>,
    /// Whether it stands here anew, after a save.
    again: bool,
) -> impl IntoView {
    let FiltersView {
        integration,
        saved,
        filled,
        groups,
    } = view;
    let id = integration.id;
    let was = StoredValue::new(saved);
    // A form that came back shows what was filled in; once it was saved, what is saved.
    let returned = post
        .filled_in()
        .filter(|save| !again && save.id == id)
        .map(|save| save.filters);
    let from_preview = filled.is_some() && returned.is_none() && !again;
    let shown = returned
        .or(filled.filter(|_| !again))
        .unwrap_or_else(|| was.get_value());
    let types = types(&integration, &shown);
    let rules = Rules::new(&shown, &types);
    let extensions = Extensions::new();
    let now = RwSignal::new(shown.clone());
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
    // The fields above the rules stand here anew, with what was saved.
    let fields = RwSignal::new(shown);
    let discard = Callback::new(move |()| {
        let saved = was.get_value();
        rules.show(&saved);
        fields.set(saved);
        look_later.run(());
    });
    Effect::new(move |_| {
        // A browser keeps what was typed over what is saved now.
        if inside.get().is_some() {
            look();
        }
    });
    let start_preview = Callback::new(move |()| {
        if let Some(filters) = form_of(inside).and_then(|form| filled_in(&form)) {
            preview.action.dispatch(PreviewFilters { id, filters });
        }
    });
    let checks = checked(id, now);
    // What someone may not do is not offered; what is set is shown to all who see it.
    let write = may(Permission::IntegrationsWrite);
    let sections = types
        .into_iter()
        .map(|object_type| {
            view! {
                <TypeSection
                    id=id
                    object_type=object_type
                    rules=rules
                    extensions=extensions
                    now=now
                    checks=checks
                    look=look_later
                />
            }
        })
        .collect_view();
    view! {
        <AskBeforeLeaving changes=changes />
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
                    {move || view! { <Switches of=fields.get() groups=groups.clone() /> }}
                    {sections}
                </div>
            </fieldset>
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

/// The types that are read, and those that have rules all the same.
fn types(integration: &Integration, shown: &FilterForm) -> Vec<ObjectType> {
    ObjectType::OBJECTS
        .into_iter()
        .filter(|one| integration.policy.reads(*one) || shown.is_about(*one))
        .collect()
}

/// What was found about the rules, following what is typed.
fn checked(id: IntegrationId, now: RwSignal<FilterForm>) -> Resource<Vec<LineCheck>> {
    let typed = RwSignal::new(now.get_untracked());
    let asked = Memo::new(move |_| typed.get());
    let mut later = debounce(Duration::from_millis(400), move |form| typed.set(form));
    Effect::new(move |_| later(now.get()));
    Resource::new(
        move || asked.get(),
        move |form| async move {
            if form.filled().next().is_none() {
                return Vec::new();
            }
            // What can't be looked at now is looked at when it is saved.
            check_filters(id, form).await.unwrap_or_default()
        },
    )
}

#[component]
fn Intro(write: bool, from_preview: bool) -> impl IntoView {
    view! {
        <p class="max-w-[70ch]">
            "Of those in scope, these come in. A filter looks at what Entra ID says, before any rule for attributes. Whoever is kept out and is here already leaves as Tenant Configuration says for “Out of scope or deleted”, and the guard holds when they are many."
        </p>
        <details class="mt-2 max-w-[70ch]">
            <summary class="rc-link cursor-pointer min-h-6">"What an expression can do"</summary>
            <p class="mt-1 text-muted">
                "It is CEL over the attributes of one object, and has to be true or false. The functions of the plain form are equals, includes, begins_with, ends_with, matches and is_empty; case, accents and white space around make no difference to the first four, and of a list one value that fits is enough."
            </p>
            <ul class="mt-1 text-muted list-disc ps-5">
                <li><code class="rc-mono">"equals(department, \"Sales\") || equals(city, \"Delft\")"</code></li>
                <li>
                    <code class="rc-mono">"size(coalesce(employeeId, \"\")) < 4 && userType == \"Member\""</code>
                </li>
                <li>
                    <code class="rc-mono">"proxyAddresses.exists(a, begins_with(a, \"SMTP:\"))"</code>
                </li>
            </ul>
        </details>
        {from_preview
            .then(|| {
                view! {
                    <div class="rc-note mt-3" role="note">
                        <Icon name="info" class="text-muted mt-0.5" />
                        <p>"These filters come from a preview, and aren’t saved."</p>
                    </div>
                }
            })}
        {(!write)
            .then(|| {
                view! {
                    <p class="pt-3 text-muted flex items-center gap-1.5">
                        <Icon name="lock" small=true />
                        "Your role shows these filters and doesn’t change them."
                    </p>
                }
            })}
    }
    .into_any()
}

/// What Save or Preview refused about rules.
#[component]
fn Refused() -> impl IntoView {
    let error = use_field_error("filters[rules]");
    view! { <FieldError id="f-filters-e" error=error /> }.into_any()
}

/// What is no rule: kinds of people, domains, user names and administrators.
#[component]
fn Switches(of: FilterForm, groups: Vec<String>) -> impl IntoView {
    let groups = groups
        .into_iter()
        .map(|name| view! { <option value=name></option> })
        .collect_view();
    view! {
        <section aria-labelledby="h-switches" class="mt-5 pt-4 border-t border-line">
            <h2 id="h-switches" class="text-base mb-1">
                "People"
            </h2>
            <Switch
                name="filters[include_guests]"
                label="Include guests"
                on=of.include_guests
                hint="Off: guests are kept out."
            />
            <Switch
                name="filters[include_disabled]"
                label="Include disabled"
                on=of.include_disabled
                hint="On: whoever is disabled in Entra ID comes in as Inactive. Off: kept out, devices too."
            />
            <Switch
                name="filters[include_unlicensed]"
                label="Include without a license"
                on=of.include_unlicensed
                hint="Off: whoever has no license in Entra ID is kept out."
            />
            <Switch
                name="filters[require_names]"
                label="Require given name and surname"
                on=of.require_names
                hint="On: whoever lacks one of them is kept out."
            />
            <TextRow
                name="filters[domains]"
                label="Domains"
                value=of.domains
                list=""
                hint="Only user names of these domains come in, of guests their mail address. Commas between them; empty for every domain."
            />
            <h2 class="text-base mb-1 mt-5">"User names and administrators"</h2>
            <Switch
                name="filters[normalize_user_names]"
                label="Normalise user names"
                on=of.normalize_user_names
                hint="On: user names are kept here in lower case, without white space around."
            />
            <TextRow
                name="filters[administrators]"
                label="Administrators from"
                value=of.administrators
                list="filter-groups"
                hint="Empty: who administers the customer’s workspace is decided here. A synced group, by its name or object id: its members do, as each run finds them, and nobody else of this integration."
            />
            <datalist id="filter-groups">{groups}</datalist>
        </section>
    }
    .into_any()
}

/// A line of text with its label, hint and error.
#[component]
fn TextRow(
    name: &'static str,
    label: &'static str,
    value: String,
    /// The list of what can be chosen; empty without one.
    list: &'static str,
    hint: &'static str,
) -> impl IntoView {
    let id = format!("f-{name}");
    let (hint_id, error_id) = (format!("{id}-h"), format!("{id}-e"));
    let error = use_field_error(name);
    view! {
        <div class="rc-row">
            <label for=id.clone()>{label}</label>
            <div>
                <input
                    id=id
                    name=name
                    class="input w-full max-w-lg"
                    autocomplete="off"
                    spellcheck="false"
                    list=(!list.is_empty()).then_some(list)
                    aria-describedby=format!("{hint_id} {error_id}")
                    value=value
                />
                <p class="rc-hint mt-1" id=hint_id>
                    {hint}
                </p>
                <FieldError id=error_id error=error />
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn TypeSection(
    id: IntegrationId,
    object_type: ObjectType,
    rules: Rules,
    extensions: Extensions,
    now: RwSignal<FilterForm>,
    checks: Resource<Vec<LineCheck>>,
    look: Callback<()>,
) -> impl IntoView {
    let heading = format!("h-filters-{object_type}");
    let of_heading = heading.clone();
    view! {
        <section aria-labelledby=heading class="mt-5 pt-4 border-t border-line">
            <h2 id=of_heading class="text-base">
                {format!("{}s", object_type.title())}
            </h2>
            <TypeRules
                object_type=object_type
                rules=rules
                extensions=extensions
                now=now
                checks=checks
                look=look
            />
            <TrialPanel id=id object_type=object_type now=now />
        </section>
    }
    .into_any()
}

/// Shows what would happen with what is filled in. Without the browser code it sends the form by
/// itself.
#[component]
fn PreviewButton(post: Post<PreviewFilters>, start: Callback<()>) -> impl IntoView {
    let pending = post.pending();
    view! {
        <button
            type="submit"
            class="btn"
            formaction=PreviewFilters::PATH
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
