//! Selected Groups: tokens in a field, and what is found by typing.

use std::time::Duration;

use domain::{
    id::{ExternalId, IntegrationId},
    integration::{GroupHit, SelectedGroup},
};
use leptos::{html, leptos_dom::helpers::debounce, task::spawn_local};

use super::api::group_search;
use crate::ui::{
    options::{OptionKeys, arrow},
    prelude::*,
};

/// Characters from which on it searches.
pub const CHARS_MIN: usize = 4;

/// A group in the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its object id.
    pub id: ExternalId,
    name: String,
    members: Option<i64>,
    /// What the search knew of it, for a group that isn't saved yet.
    hit: Option<GroupHit>,
}

impl Chosen {
    /// One of which only the id is known.
    pub fn unknown(id: ExternalId) -> Self {
        Self {
            id,
            name: id.to_string(),
            members: None,
            hit: None,
        }
    }

    /// The same group under this name.
    pub fn named(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self
        }
    }
}

impl From<SelectedGroup> for Chosen {
    fn from(group: SelectedGroup) -> Self {
        Self {
            id: group.external_id,
            name: group
                .display_name
                .unwrap_or_else(|| group.external_id.to_string()),
            members: group.member_count,
            hit: None,
        }
    }
}

impl From<GroupHit> for Chosen {
    fn from(hit: GroupHit) -> Self {
        Self {
            id: hit.id,
            name: hit.display_name.clone(),
            members: hit.member_count,
            hit: Some(hit),
        }
    }
}

/// What the search shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// Nothing was typed, or too little.
    Nothing,
    /// It is under way for the first time.
    Searching,
    /// These.
    Groups(Vec<GroupHit>),
    /// It failed.
    Failed(AppError),
}

/// The state that field and list share.
#[derive(Clone, Copy)]
struct Search {
    integration: IntegrationId,
    groups: RwSignal<Vec<Chosen>>,
    typed: RwSignal<String>,
    found: RwSignal<Found>,
    open: RwSignal<bool>,
    /// The option that Enter would take.
    active: RwSignal<usize>,
    /// Counts searches, so that a late answer to an older one is dropped.
    latest: StoredValue<u32>,
}

impl Search {
    fn new(integration: IntegrationId, groups: RwSignal<Vec<Chosen>>) -> Self {
        Self {
            integration,
            groups,
            typed: RwSignal::new(String::new()),
            found: RwSignal::new(Found::Nothing),
            open: RwSignal::new(false),
            active: RwSignal::new(0),
            latest: StoredValue::new(0),
        }
    }

    fn hits(&self) -> Vec<GroupHit> {
        self.found.with_untracked(|found| match found {
            Found::Groups(hits) => hits.clone(),
            _ => Vec::new(),
        })
    }

    fn is_chosen(&self, id: ExternalId) -> bool {
        self.groups
            .with(|groups| groups.iter().any(|group| group.id == id))
    }

    /// Takes a group in, or out again where it is in.
    fn take(&self, hit: &GroupHit) {
        if !hit.can_sync {
            return;
        }
        self.groups.update(
            |groups| match groups.iter().position(|group| group.id == hit.id) {
                Some(at) => {
                    groups.remove(at);
                }
                None => groups.push(hit.clone().into()),
            },
        );
    }

    fn close(&self) {
        self.open.set(false);
    }

    /// What was typed changed: the list opens, and says at once when it is too short.
    fn typed(&self) {
        self.open.set(true);
        let long_enough = self.typed.with_untracked(|typed| enough(typed));
        self.latest.update_value(|n| *n = n.wrapping_add(1));
        if !long_enough {
            self.found.set(Found::Nothing);
        } else if self.hits().is_empty() {
            self.found.set(Found::Searching);
        }
    }

    /// Asks for names first, which is quick, and then once more with the numbers of members.
    fn search(self) {
        let q = self.typed.get_untracked().trim().to_owned();
        if !enough(&q) {
            return;
        }
        let serial = self.latest.get_value();
        let is_latest = move || self.latest.try_get_value() == Some(serial);
        spawn_local(async move {
            for counts in [false, true] {
                let answer = group_search(self.integration, q.clone(), counts).await;
                if !is_latest() {
                    return;
                }
                match answer {
                    Ok(hits) => {
                        if !counts {
                            self.active
                                .set(hits.iter().position(|hit| hit.can_sync).unwrap_or(0));
                        }
                        let nothing = hits.is_empty();
                        self.found.set(Found::Groups(hits));
                        if nothing {
                            return;
                        }
                    }
                    // Without the numbers the names are still worth showing.
                    Err(_) if counts => return,
                    Err(error) => {
                        self.found.set(Found::Failed(error));
                        return;
                    }
                }
            }
        });
    }

    /// Up and down among the options, Enter, Escape, and Backspace in the empty field.
    fn key(&self, ev: &web_sys::KeyboardEvent) {
        let at = self.active.get_untracked();
        if let Some(to) = arrow(&ev.key(), at, self.hits().len()) {
            ev.prevent_default();
            self.open.set(true);
            self.active.set(to);
            return;
        }
        match ev.key().as_str() {
            "Enter" => {
                // The form is sent by its button, never by picking a group.
                ev.prevent_default();
                if self.open.get_untracked()
                    && let Some(hit) = self.hits().get(at)
                {
                    self.take(hit);
                }
            }
            "Escape" if self.open.get_untracked() => {
                ev.prevent_default();
                ev.stop_propagation();
                self.close();
            }
            "Backspace" if self.typed.with_untracked(String::is_empty) => {
                self.groups.update(|groups| {
                    groups.pop();
                });
            }
            _ => {}
        }
    }
}

fn enough(typed: &str) -> bool {
    typed.trim().chars().count() >= CHARS_MIN
}

/// The field with its tokens and its list.
#[component]
pub fn GroupField(
    /// The integration whose tenant is searched.
    integration: IntegrationId,
    /// What is chosen.
    groups: RwSignal<Vec<Chosen>>,
    /// Groups found by a search without the browser code.
    found_plainly: Vec<GroupHit>,
) -> impl IntoView {
    let search = Search::new(integration, groups);
    let field = NodeRef::<html::Input>::new();
    let mut debounced = debounce(Duration::from_millis(200), move |()| search.search());
    // With what a plain search found: which of them is ticked, only the server sees.
    let known = {
        let found = found_plainly.clone();
        move || {
            let picked = |groups: &Vec<Chosen>| -> Vec<GroupHit> {
                let hits = groups.iter().filter_map(|group| group.hit.clone());
                hits.chain(found.iter().cloned()).collect()
            };
            serde_json::to_string(&groups.with(picked)).unwrap_or_default()
        }
    };
    let active_id = move || {
        let listed = search
            .found
            .with(|found| matches!(found, Found::Groups(hits) if !hits.is_empty()));
        (search.open.get() && listed).then(|| option_id(search.active.get()))
    };
    view! {
        <div
            class="relative"
            on:focusout=move |ev| {
                let stays = ev
                    .related_target()
                    .zip(field.get_untracked().and_then(|field| field.closest(".relative").ok().flatten()))
                    .is_some_and(|(to, box_)| {
                        use wasm_bindgen::JsCast as _;
                        to.dyn_ref::<web_sys::Node>().is_some_and(|to| box_.contains(Some(to)))
                    });
                if !stays {
                    search.close();
                }
            }
        >
            <div class="flex flex-wrap gap-1 p-1 min-h-8 rounded-field border border-edge bg-base-100 focus-within:border-link focus-within:outline-2 focus-within:outline-link/30">
                <For each=move || groups.get() key=|group| group.id let:group>
                    <Token group=group groups=groups field=field />
                </For>
                <input
                    id="f-groups"
                    node_ref=field
                    name="find"
                    form="find-groups"
                    class="flex-1 min-w-40 h-6 px-1.5 outline-none bg-transparent"
                    role="combobox"
                    aria-expanded=move || search.open.get().to_string()
                    aria-controls="f-groups-list"
                    aria-autocomplete="list"
                    aria-activedescendant=active_id
                    aria-describedby="f-groups-h"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder="Type four characters or more"
                    on:input=move |ev| {
                        search.typed.set(event_target_value(&ev));
                        search.typed();
                        debounced(());
                    }
                    on:keydown=move |ev| search.key(&ev)
                />
            </div>
            <input type="hidden" name="settings[known_groups]" value=known />
            <Plain found=found_plainly />
            <p class="rc-hint mt-1" id="f-groups-h">
                {move || {
                    if groups.with(Vec::is_empty) {
                        "No group selected: the whole tenant is in scope."
                    } else {
                        "In scope are these groups and their members; of groups in them only where nested groups are included."
                    }
                }}
            </p>
            <Options search=search />
        </div>
    }
    .into_any()
}

fn option_id(at: usize) -> String {
    format!("f-groups-{at}")
}

/// One chosen group. Without the browser code it is a tick that can be taken away.
#[component]
fn Token(
    group: Chosen,
    groups: RwSignal<Vec<Chosen>>,
    field: NodeRef<html::Input>,
) -> impl IntoView {
    let id = group.id;
    let new = group.hit.is_some();
    let class = if new {
        "inline-flex items-center gap-1.5 h-6 ps-2 max-w-full rounded-selector bg-run-soft"
    } else {
        "inline-flex items-center gap-1.5 h-6 ps-2 max-w-full rounded-selector bg-secondary"
    };
    let size = match (new, group.members) {
        (true, _) => view! { <span class="text-xs text-link">"new"</span> }.into_any(),
        (false, Some(members)) => view! {
            <span class="text-xs rc-num text-muted" title="Direct members">{grouped(members)}</span>
        }
        .into_any(),
        (false, None) => ().into_any(),
    };
    let remove = move |_| {
        groups.update(|groups| groups.retain(|group| group.id != id));
        if let Some(field) = field.get_untracked() {
            _ = field.focus();
        }
    };
    view! {
        <span class=class>
            <input
                type="checkbox"
                name="settings[selected_group_ids][]"
                value=id.to_string()
                checked
                class="checkbox hidden plain:inline-block"
                aria-label=format!("Keep {}", group.name)
            />
            <bdi class="font-medium truncate" title=group.name.clone()>{group.name.clone()}</bdi>
            {size}
            <button
                type="button"
                class="grid place-items-center size-6 text-muted hover:text-base-content plain:hidden"
                aria-label=format!("Remove {}", group.name)
                on:click=remove
            >
                <Icon name="x" small=true />
            </button>
        </span>
    }
    .into_any()
}

/// The search without the browser code: a button, and ticks for what it found.
#[component]
fn Plain(found: Vec<GroupHit>) -> impl IntoView {
    let ticks = found
        .into_iter()
        .map(|hit| {
            let id = format!("f-found-{}", hit.id);
            let why = hit
                .reason
                .clone()
                .unwrap_or_else(|| hit.kind.title().to_owned());
            view! {
                <li class="rc-opt">
                    <input
                        id=id.clone()
                        type="checkbox"
                        class="checkbox"
                        name="settings[selected_group_ids][]"
                        value=hit.id.to_string()
                        disabled=!hit.can_sync
                    />
                    <label for=id class="min-w-0 truncate"><bdi>{hit.display_name}</bdi></label>
                    <span class="ms-auto text-xs text-muted">{why}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="hidden plain:block mt-1">
            <button type="submit" class="btn btn-sm" form="find-groups">"Search groups"</button>
            <ul class="mt-1" aria-label="Groups found">{ticks}</ul>
        </div>
    }
    .into_any()
}

/// What is found, under the field.
#[component]
fn Options(search: Search) -> impl IntoView {
    view! {
        <div
            class="rc-pop absolute z-20 inset-x-0 top-full mt-1 p-1"
            class:hidden=move || !search.open.get()
            // A press in the list leaves the cursor in the field.
            on:pointerdown=|ev| ev.prevent_default()
            on:mousedown=|ev| ev.prevent_default()
        >
            <ul
                id="f-groups-list"
                role="listbox"
                aria-label="Groups found"
                aria-multiselectable="true"
                class="max-h-80 overflow-auto"
            >
                {move || match search.found.get() {
                    Found::Groups(hits) => {
                        Some(
                            hits
                                .into_iter()
                                .enumerate()
                                .map(|(at, hit)| {
                                    view! { <GroupOption search=search at=at hit=hit /> }
                                })
                                .collect_view(),
                        )
                    }
                    _ => None,
                }}
            </ul>
            <p class="px-2 py-1.5 text-muted" role="status">
                {move || says(&search)}
            </p>
            <OptionKeys enter="add" />
        </div>
    }
    .into_any()
}

/// The state of the search in words.
fn says(search: &Search) -> String {
    match search.found.get() {
        Found::Nothing => {
            let typed = search.typed.with(|typed| typed.trim().chars().count());
            match CHARS_MIN.saturating_sub(typed) {
                0 => String::new(),
                1 => "One more character".to_owned(),
                more => format!("{more} more characters"),
            }
        }
        Found::Searching => "Searching the tenant".to_owned(),
        Found::Groups(hits) if hits.is_empty() => "No group of this name".to_owned(),
        Found::Groups(hits) => counted(
            i64::try_from(hits.len()).unwrap_or(0),
            "group found",
            "groups found",
        ),
        Found::Failed(error) => error.to_string(),
    }
}

#[component]
fn GroupOption(search: Search, at: usize, hit: GroupHit) -> impl IntoView {
    let (id, can_sync) = (hit.id, hit.can_sync);
    let chosen = move || search.is_chosen(id);
    let kind = match (&hit.reason, hit.dynamic) {
        (Some(reason), _) => reason.clone(),
        (None, true) => format!("{}, dynamic", hit.kind.title()),
        (None, false) => hit.kind.title().to_owned(),
    };
    let (voice, icon) = if can_sync {
        ("text-muted", "users")
    } else {
        ("text-faint", "ban")
    };
    let members = hit.member_count.map(grouped).unwrap_or_default();
    let (before, matched, after) = split_match(&hit.display_name, &search.typed.get_untracked());
    let taken = hit.clone();
    view! {
        <li
            id=option_id(at)
            class="rc-opt"
            class:cursor-pointer=can_sync
            role="option"
            aria-selected=move || (search.active.get() == at).to_string()
            aria-disabled=(!can_sync).then_some("true")
            title=hit.display_name.clone()
            on:pointerenter=move |_| search.active.set(at)
            on:click=move |_| search.take(&taken)
        >
            {move || {
                if chosen() {
                    view! { <Icon name="check" class="text-link" /> }.into_any()
                } else {
                    view! { <Icon name=icon class=voice /> }.into_any()
                }
            }}
            <bdi class="min-w-0 truncate">
                {before}
                <mark class="bg-transparent text-link font-semibold">{matched}</mark>
                {after}
            </bdi>
            {move || chosen().then(|| view! { <span class="sr-only">"selected"</span> })}
            <span class=format!("ms-auto ps-3 text-xs whitespace-nowrap {voice}")>{kind}</span>
            <span class=format!("w-12 text-end text-xs rc-num {voice}")>{members}</span>
        </li>
    }
    .into_any()
}

/// The name before, at and after the first place where it holds what was typed, whatever the case.
fn split_match(name: &str, typed: &str) -> (String, String, String) {
    let wanted: Vec<char> = typed.trim().chars().flat_map(char::to_lowercase).collect();
    if wanted.is_empty() {
        return (name.to_owned(), String::new(), String::new());
    }
    for (start, _) in name.char_indices() {
        let mut left = wanted.as_slice();
        for (at, c) in name[start..].char_indices() {
            let folded: Vec<char> = c.to_lowercase().collect();
            match left.strip_prefix(folded.as_slice()) {
                Some(rest) => left = rest,
                None => break,
            }
            if left.is_empty() {
                let end = start + at + c.len_utf8();
                return (
                    name[..start].to_owned(),
                    name[start..end].to_owned(),
                    name[end..].to_owned(),
                );
            }
        }
    }
    (name.to_owned(), String::new(), String::new())
}

#[cfg(test)]
mod tests {
    use super::{enough, split_match};

    #[test]
    fn it_searches_from_four_characters_whatever_their_bytes() {
        assert!(!enough(" abc "));
        assert!(enough("verk"));
        assert!(enough("Łódź"));
    }

    #[test]
    fn what_was_typed_is_found_in_the_name_whatever_its_case() {
        let split = |name, typed| {
            let (a, b, c) = split_match(name, typed);
            format!("{a}[{b}]{c}")
        };
        assert_eq!(split("Verkoop Benelux", "verk"), "[Verk]oop Benelux");
        assert_eq!(split("Contractors – Łódź", "łódź"), "Contractors – [Łódź]");
        assert_eq!(split("İstanbul", "stan"), "İ[stan]bul");
        assert_eq!(split("Sales", "verk"), "Sales[]");
        assert_eq!(split("Sales", " "), "Sales[]");
    }
}
