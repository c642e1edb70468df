//! The tab Tenant Configuration: connection, scope, people, guard; saved together.

use domain::{
    id::{ExternalId, IntegrationId, RunId},
    integration::{GroupHit, Integration},
    permission::Permission,
    policy::OutOfScope,
    run::PreviewSettings as SettingsOfPreview,
};
use leptos::{form::FromFormData as _, html};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast as _;

use super::{
    api::{
        Configuration, PreviewSettings, SaveSettings, TestSaved, find_preview_settings,
        get_configuration, group_search,
    },
    group_field::{CHARS_MIN, Chosen},
    guard::GuardTable,
    head::{of_integration, use_id},
    leaving::AskBeforeLeaving,
    protected::{ProtectedSection, RuleLines},
    sections::{Connection, PeopleSection, Scope, test_url},
    settings::SettingsForm,
};
use crate::{
    session::may,
    ui::{
        checks::follow_test,
        form::{Post, SaveBar, use_post_or},
        prelude::*,
    },
};

/// The tab.
#[component]
pub fn ConfigurationTab() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let preview = use_post::<PreviewSettings>();
    let post = use_post_or::<SaveSettings>(test_url()).or(preview);
    // Read again after a save and at no other time: what one is filling in stays.
    let saved = RwSignal::new(0_u32);
    Effect::new(move |_| {
        if matches!(post.action.value().get(), Some(Ok(_))) {
            saved.update(|count| *count += 1);
        }
    });
    let searched = address.clone();
    let find = Memo::new(move |_| searched.get("find"));
    let of_preview = Memo::new(move |_| address.parsed::<RunId>("preview"));
    let settings = Resource::new(
        move || (id.get(), saved.get(), find.get(), of_preview.get()),
        |(id, _, find, run)| of_integration(id, async move |id| read(id, find, run).await),
    );
    view! {
        <Load
            resource=settings
            children=move |(configuration, found, from)| {
                view! {
                    <Form
                        configuration=configuration
                        found=found
                        from=from
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

/// What the form is made from: the settings, the groups of a search that was made without the
/// browser code, and the settings of a preview where the address names one.
type Shown = (Configuration, Vec<GroupHit>, Option<SettingsOfPreview>);

async fn read(id: IntegrationId, find: Option<String>, run: Option<RunId>) -> AppResult<Shown> {
    let configuration = get_configuration(id).await?;
    let found = match find.filter(|find| find.trim().chars().count() >= CHARS_MIN) {
        Some(find) => group_search(id, find, false).await?,
        None => Vec::new(),
    };
    let from = match run {
        Some(run) => find_preview_settings(id, run).await?,
        None => None,
    };
    // Applied or saved, nothing of it is unsaved.
    let from = from.filter(|from| from.policy != configuration.integration.policy);
    Ok((configuration, found, from))
}

/// The form around a part of it.
pub(super) fn form_of(inside: NodeRef<html::Div>) -> Option<web_sys::HtmlFormElement> {
    inside
        .get_untracked()?
        .closest("form")
        .ok()??
        .dyn_into()
        .ok()
}

/// What the form holds at this moment.
fn filled_in(form: &web_sys::HtmlFormElement) -> Option<SettingsForm> {
    let data = web_sys::FormData::new_with_form(form).ok()?;
    SaveSettings::from_form_data(&data)
        .ok()
        .map(|save| save.settings)
}

/// The groups of a form that came back, as far as they are known; the others by their ids.
fn chosen(ids: &[ExternalId], saved: &[Chosen], found: &[GroupHit]) -> Vec<Chosen> {
    ids.iter()
        .map(|id| {
            let saved = saved.iter().find(|group| group.id == *id).cloned();
            let found = || found.iter().find(|hit| hit.id == *id).cloned();
            saved
                .or_else(|| found().map(Chosen::from))
                .unwrap_or_else(|| Chosen::unknown(*id))
        })
        .collect()
}

/// The form and its groups as a preview had them.
fn of_preview(
    from: &SettingsOfPreview,
    integration: &Integration,
    saved: &[Chosen],
) -> (SettingsForm, Vec<Chosen>) {
    let shown = SettingsForm::of(&Integration {
        policy: from.policy.clone(),
        ..integration.clone()
    });
    let groups = chosen(&shown.selected_group_ids, saved, &[]).into_iter();
    let named = groups.map(|group| {
        let mut names = from.group_names.iter();
        match names.find(|(id, _)| *id == group.id) {
            Some((_, name)) => group.named(name),
            None => group,
        }
    });
    let groups = named.collect();
    (shown, groups)
}

/// Says that what is filled in comes from a preview.
#[component]
fn FromPreview(from: SettingsOfPreview) -> impl IntoView {
    view! {
        <div class="rc-note mb-4" role="note">
            <Icon name="info" class="text-muted mt-0.5" />
            <p class="min-w-0">
                "These settings come from "
                <a class="rc-link" href=routes::run(from.run_id)>"a preview"</a>
                ", and aren’t saved. What decides about nobody, such as the schedule, is as saved. "
                {from
                    .changed_since
                    .then_some(
                        "The saved settings were changed since that preview: Save puts these in their place. ",
                    )}
                // With the browser code the bar below discards.
                <a class="rc-link hidden plain:inline" href=routes::integration(from.integration_id)>
                    "Discard them"
                </a>
            </p>
        </div>
        <input type="hidden" name="from_preview" value="true" />
    }
    .into_any()
}

#[component]
fn Form(
    configuration: Configuration,
    found: Vec<GroupHit>,
    /// What a preview was made for.
    from: Option<SettingsOfPreview>,
    post: Post<SaveSettings>,
    preview: Post<PreviewSettings>,
    /// Whether it stands here anew, after a save.
    again: bool,
) -> impl IntoView {
    let integration = configuration.integration.clone();
    let id = integration.id;
    let guard_sizes = configuration.guard_sizes.clone();
    let saved_groups: Vec<Chosen> = configuration
        .groups
        .iter()
        .cloned()
        .map(Chosen::from)
        .collect();
    let was = StoredValue::new(SettingsForm::of(&integration));
    // A form that came back shows what was filled in; once it was saved, what is saved.
    let returned = post
        .filled_in()
        .filter(|save| !again && save.id == id)
        .map(|save| save.settings);
    let came_back = returned.is_some();
    let from = from.filter(|_| !again);
    let from_preview = from.is_some();
    let (shown, chosen_groups) = match (returned, &from) {
        (Some(form), _) => {
            let groups = chosen(&form.selected_group_ids, &saved_groups, &found);
            (form, groups)
        }
        (None, Some(from)) => of_preview(from, &integration, &saved_groups),
        (None, None) => (was.get_value(), saved_groups.clone()),
    };
    let rules = RuleLines::new(&shown);
    let now = RwSignal::new(shown.clone());
    let groups = RwSignal::new(chosen_groups);
    let inside = NodeRef::<html::Div>::new();
    let delete_too = RwSignal::new(shown.out_of_scope == OutOfScope::Delete);
    let look = move || {
        if let Some(form) = form_of(inside)
            && let Some(filled) = filled_in(&form)
        {
            delete_too.set(filled.out_of_scope == OutOfScope::Delete);
            now.set(filled);
        }
    };
    let changes = Signal::derive(move || {
        let mut now = now.get();
        now.selected_group_ids = groups.with(|groups| groups.iter().map(|g| g.id).collect());
        was.with_value(|was| now.differences(was))
    });
    let navigate = use_navigate();
    let discard = Callback::new(move |()| {
        if from_preview {
            // The plain page has the form as it is saved.
            navigate(&routes::integration(id), NavigateOptions::default());
            return;
        }
        if came_back {
            // The form's own first state is what came back, not what is saved.
            _ = window().location().reload();
        }
        if let Some(form) = form_of(inside) {
            form.reset();
        }
        groups.set(saved_groups.clone());
        rules.restore();
        // Lines come and go after this.
        request_animation_frame(look);
    });
    Effect::new(move |_| {
        // A browser keeps what was typed over what is saved now, and brings back what was typed
        // before a reload.
        if inside.get().is_some() {
            if again && let Some(form) = form_of(inside) {
                form.reset();
            }
            look();
        }
    });
    let test = ServerAction::<TestSaved>::new();
    let tested = follow_test(test);
    let start_preview = Callback::new(move |()| {
        if let Some(settings) = form_of(inside).and_then(|form| filled_in(&form)) {
            preview.action.dispatch(PreviewSettings { id, settings });
        }
    });
    let start = Callback::new(move |()| {
        test.dispatch(TestSaved {
            id,
            settings: now.get_untracked(),
        });
    });
    // What someone may not do is not offered; what is set is shown to all who see it.
    let write = may(Permission::IntegrationsWrite);
    view! {
        <AskBeforeLeaving changes=changes />
        <form id="find-groups" method="get" action=routes::integration(id)></form>
        <PostForm post=post class="flex-1 flex flex-col">
            <input type="hidden" name="id" value=id.to_string() />
            {(!write)
                .then(|| {
                    view! {
                        <p class="px-6 pt-4 text-muted flex items-center gap-1.5 max-md:px-4">
                            <Icon name="lock" small=true />
                            "Your role shows these settings and doesn’t change them."
                        </p>
                    }
                })}
            <fieldset class="contents" disabled=!write>
            <div
                node_ref=inside
                class="flex-1 grid content-start xl:grid-cols-[minmax(0,1fr)_20rem] gap-x-10 px-6 py-4 max-md:px-4"
                on:input=move |_| look()
                on:change=move |_| look()
            >
                <div class="max-w-3xl min-w-0">
                    {from.map(|from| view! { <FromPreview from=from /> })}
                    <Connection configuration=configuration shown=shown.clone() tested=tested start=start />
                    <Scope id=id shown=shown.clone() groups=groups found=found />
                    <PeopleSection shown=shown.clone() delete_too=delete_too />
                    <ProtectedSection id=id rules=rules now=now look=Callback::new(move |()| look()) />
                </div>
                <aside
                    class="min-w-0 max-xl:mt-6 max-xl:pt-5 max-xl:border-t max-xl:border-line max-xl:max-w-3xl"
                    aria-label="Guard"
                    id="f-guard"
                >
                    <GuardTable shown=shown now=now sizes=guard_sizes />
                </aside>
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

/// Shows what would happen with what is filled in. Without the browser code it sends the form by
/// itself.
#[component]
fn PreviewButton(post: Post<PreviewSettings>, start: Callback<()>) -> impl IntoView {
    use leptos::server_fn::ServerFn as _;
    let pending = post.pending();
    view! {
        <button
            type="submit"
            class="btn"
            formaction=PreviewSettings::PATH
            aria-disabled=move || pending.get().then_some("true")
            on:click=move |ev| {
                ev.prevent_default();
                if !pending.get_untracked() {
                    start.run(());
                }
            }
        >
            {move || {
                if pending.get() {
                    view! { <Icon name="loader-circle" class="rc-spin" /> }.into_any()
                } else {
                    view! { <Icon name="eye" /> }.into_any()
                }
            }}
            {move || if pending.get() { "Starting" } else { "Preview" }}
            // The saved settings have a button of the same word above.
            <span class="sr-only">" of what is filled in"</span>
        </button>
    }
    .into_any()
}
