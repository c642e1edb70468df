//! The tab Tenant Configuration: connection, scope, people, guard; saved together.

use domain::{id::ExternalId, integration::GroupHit, permission::Permission, policy::OutOfScope};
use leptos::{form::FromFormData as _, html};
use wasm_bindgen::JsCast as _;

use super::{
    api::{
        Configuration, PreviewSettings, SaveSettings, TestSaved, get_configuration, group_search,
    },
    checks::follow_test,
    group_field::{CHARS_MIN, Chosen},
    guard::GuardTable,
    head::{of_integration, use_id},
    leaving::AskBeforeLeaving,
    sections::{Connection, PeopleSection, Scope, test_url},
    settings::SettingsForm,
};
use crate::{
    session::may,
    ui::{
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
    let find = Memo::new(move |_| address.get("find"));
    let settings = Resource::new(
        move || (id.get(), saved.get(), find.get()),
        |(id, _, find)| of_integration(id, async move |id| read(id, find).await),
    );
    view! {
        <Load
            resource=settings
            children=move |(configuration, found)| {
                view! {
                    <Form
                        configuration=configuration
                        found=found
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

/// The settings, and the groups of a search that was made without the browser code.
async fn read(
    id: domain::id::IntegrationId,
    find: Option<String>,
) -> AppResult<(Configuration, Vec<GroupHit>)> {
    let configuration = get_configuration(id).await?;
    let found = match find.filter(|find| find.trim().chars().count() >= CHARS_MIN) {
        Some(find) => group_search(id, find, false).await?,
        None => Vec::new(),
    };
    Ok((configuration, found))
}

/// The form around a part of it.
fn form_of(inside: NodeRef<html::Div>) -> Option<web_sys::HtmlFormElement> {
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

#[component]
fn Form(
    configuration: Configuration,
    found: Vec<GroupHit>,
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
    let chosen_groups = returned.as_ref().map_or_else(
        || saved_groups.clone(),
        |form| chosen(&form.selected_group_ids, &saved_groups, &found),
    );
    let shown = returned.unwrap_or_else(|| was.get_value());
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
    let discard = Callback::new(move |()| {
        if came_back {
            // The form's own first state is what came back, not what is saved.
            _ = window().location().reload();
        }
        if let Some(form) = form_of(inside) {
            form.reset();
        }
        groups.set(saved_groups.clone());
        look();
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
    view! {
        <AskBeforeLeaving changes=changes />
        <form id="find-groups" method="get" action=routes::integration(id)></form>
        <PostForm post=post class="flex-1 flex flex-col">
            <input type="hidden" name="id" value=id.to_string() />
            <div
                node_ref=inside
                class="flex-1 grid content-start xl:grid-cols-[minmax(0,1fr)_20rem] gap-x-10 px-6 py-4 max-md:px-4"
                on:input=move |_| look()
                on:change=move |_| look()
            >
                <div class="max-w-3xl min-w-0">
                    <Connection configuration=configuration shown=shown.clone() tested=tested start=start />
                    <Scope id=id shown=shown.clone() groups=groups found=found />
                    <PeopleSection shown=shown.clone() delete_too=delete_too />
                </div>
                <aside
                    class="min-w-0 max-xl:mt-6 max-xl:pt-5 max-xl:border-t max-xl:border-line max-xl:max-w-3xl"
                    aria-label="Guard"
                    id="f-guard"
                >
                    <GuardTable shown=shown now=now sizes=guard_sizes />
                </aside>
            </div>
            <SaveBar changes=changes discard=discard>
                {may(Permission::RunsStart)
                    .then(|| view! { <PreviewButton post=preview start=start_preview /> })}
            </SaveBar>
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
