//! The directory schema extensions of a tenant, which a form offers by name once they were asked for.

use domain::{
    id::IntegrationId, mapping::DirectoryExtension, permission::Permission, policy::ObjectType,
};
use leptos::task::spawn_local;

use super::attributes::directory_extensions;
use crate::{session::may, ui::prelude::*};

/// What is known of them; none before they were asked for.
#[derive(Clone, Copy)]
pub struct Extensions(RwSignal<Option<AppResult<Vec<DirectoryExtension>>>>);

impl Extensions {
    /// None yet.
    pub fn new() -> Self {
        Self(RwSignal::new(None))
    }

    /// The names of those that objects of a type can have.
    pub fn of(self, object_type: ObjectType) -> Vec<String> {
        self.0.with(|known| {
            let known = known.as_ref().and_then(|known| known.as_ref().ok());
            let of_type = known
                .into_iter()
                .flatten()
                .filter(|one| one.object_types.contains(&object_type));
            of_type.map(|one| one.name.clone()).collect()
        })
    }

    /// The same as options of a list.
    pub fn options(self, object_type: ObjectType) -> AnyView {
        let names = self.of(object_type).into_iter();
        names
            .map(|name| view! { <option value=name></option> })
            .collect_view()
            .into_any()
    }
}

/// The button that asks for them, and what came of it. Whoever may not ask, or has no browser code,
/// types their names.
#[component]
pub fn LoadExtensions(id: IntegrationId, extensions: Extensions) -> impl IntoView {
    if !may(Permission::IntegrationsWrite) {
        return ().into_any();
    }
    let asking = RwSignal::new(false);
    let ask = move |_| {
        if asking.get_untracked() {
            return;
        }
        asking.set(true);
        spawn_local(async move {
            let answer = directory_extensions(id).await;
            // The page may be left by now.
            _ = extensions.0.try_set(Some(answer));
            _ = asking.try_set(false);
        });
    };
    view! {
        <div class="mt-3 plain:hidden">
            <button
                type="button"
                class="btn"
                aria-disabled=move || asking.get().then_some("true")
                on:click=ask
            >
                <Icon name="refresh-cw" />
                {move || if asking.get() { "Loading" } else { "Load directory extensions" }}
            </button>
            <div role="status" class="mt-1">
                {move || extensions.0.get().map(|answer| view! { <Answer answer=answer /> })}
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Answer(answer: AppResult<Vec<DirectoryExtension>>) -> impl IntoView {
    match answer {
        Err(error) => view! {
            <ErrorNote error=error />
            <p class="rc-hint">
                "Their names can be typed all the same: extension_<application id>_<name>."
            </p>
        }
        .into_any(),
        Ok(found) if found.is_empty() => view! {
            <p class="rc-hint">
                "Entra ID lists none. It does so too where a tenant has more than 1,000 enterprise applications; names can be typed all the same."
            </p>
        }
        .into_any(),
        Ok(found) => {
            let number = i64::try_from(found.len()).unwrap_or(i64::MAX);
            let number = counted(number, "directory extension is", "directory extensions are");
            let all = found
                .into_iter()
                .map(|one| {
                    let of = one.application.map(|of| format!(" of {of}"));
                    view! {
                        <li class="wrap-anywhere">
                            <code class="rc-mono">{one.name}</code>
                            <bdi class="text-muted">{of}</bdi>
                        </li>
                    }
                })
                .collect_view();
            view! {
                <details>
                    <summary class="rc-link cursor-pointer min-h-6">
                        {format!("{number} offered while you type")}
                    </summary>
                    <ul class="list-disc ps-5">{all}</ul>
                </details>
            }
            .into_any()
        }
    }
}
