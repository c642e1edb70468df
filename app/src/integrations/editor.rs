//! A field for values and expressions of rules, with a list of what could stand where somebody writes.
//! Without the browser code it is the field alone.

use std::borrow::Cow;

use domain::{
    mapping::{RULE_BYTES_MAX, sources},
    policy::ObjectType,
};
use leptos::html;

use super::{
    completion::{Suggestion, Written, completed, suggestions},
    extensions::Extensions,
};
use crate::ui::{
    options::{OptionKeys, arrow},
    prelude::*,
};

/// Rows that a text is shown with, at most, where it doesn't grow by itself.
const ROWS_MAX: usize = 12;

/// The state that field and list share.
#[derive(Clone, Copy)]
struct Editing {
    field: NodeRef<html::Textarea>,
    /// The names of its parts begin with it.
    id: StoredValue<String>,
    written: Signal<Written>,
    object_type: ObjectType,
    extensions: Extensions,
    /// What the list offers; nothing while it is closed.
    offered: RwSignal<Vec<Suggestion>>,
    /// The option that Enter would take.
    active: RwSignal<usize>,
    /// Told when something was taken, which the browser doesn't tell.
    look: Callback<()>,
}

impl Editing {
    fn is_open(self) -> bool {
        self.offered.with(|offered| !offered.is_empty())
    }

    fn list_id(self) -> String {
        self.id.with_value(|id| format!("{id}-list"))
    }

    fn option_id(self, at: usize) -> String {
        self.id.with_value(|id| format!("{id}-{at}"))
    }

    /// The text before and after the place where somebody writes; none while some of it is selected.
    fn around(self) -> Option<(String, String)> {
        let field = self.field.get_untracked()?;
        let start = field.selection_start().ok().flatten()?;
        let end = field.selection_end().ok().flatten()?;
        if start != end {
            return None;
        }
        // Browsers count halves of characters.
        let text: Vec<u16> = field.value().encode_utf16().collect();
        let (before, after) = text.split_at_checked(usize::try_from(start).ok()?)?;
        Some((
            String::from_utf16_lossy(before),
            String::from_utf16_lossy(after),
        ))
    }

    /// Offers what could stand there; `asked`: also where nothing was typed.
    fn offer(self, asked: bool) {
        let written = self.written.get_untracked();
        let found = self.around().map(|(before, _)| {
            let own = untrack(|| self.extensions.of(self.object_type));
            let names = sources(self.object_type)
                .map(Cow::Borrowed)
                .chain(own.into_iter().map(Cow::Owned));
            suggestions(written, &before, names, asked)
        });
        self.active.set(0);
        self.offered.set(found.unwrap_or_default());
    }

    fn close(self) {
        if untrack(|| self.is_open()) {
            self.offered.set(Vec::new());
        }
    }

    /// Writes an option in place of what was typed of it.
    fn take(self, at: usize) {
        let taken = self.offered.with_untracked(|all| all.get(at).cloned());
        self.close();
        let (Some(field), Some((before, after)), Some(taken)) =
            (self.field.get_untracked(), self.around(), taken)
        else {
            return;
        };
        let written = self.written.get_untracked();
        if let Some((text, place)) = completed(written, &before, &after, &taken) {
            field.set_value(&text);
            _ = field.set_selection_range(place, place);
            self.look.run(());
        }
    }

    /// Up and down among the options, Enter and Tab, Escape; and what opens them.
    fn key(self, ev: &web_sys::KeyboardEvent) {
        // Enter and arrows choose among the characters of an input method.
        if ev.is_composing() {
            return;
        }
        let (key, at) = (ev.key(), self.active.get_untracked());
        let count = self.offered.with_untracked(Vec::len);
        if let Some(to) = arrow(&key, at, count) {
            ev.prevent_default();
            self.active.set(to);
            self.show(to);
            return;
        }
        let written = self.written.get_untracked();
        let open = count > 0;
        match key.as_str() {
            "Enter" | "Tab" if open && !ev.shift_key() => {
                ev.prevent_default();
                self.take(at);
            }
            "Escape" if open => {
                ev.prevent_default();
                ev.stop_propagation();
                self.close();
            }
            "ArrowLeft" | "ArrowRight" | "Home" | "End" => self.close(),
            " " if ev.ctrl_key() => {
                ev.prevent_default();
                self.offer(true);
            }
            "ArrowDown" if matches!(written, Written::Name | Written::Names) => {
                ev.prevent_default();
                self.offer(true);
            }
            // These have one line.
            "Enter" if matches!(written, Written::Name | Written::Text) => ev.prevent_default(),
            _ => {}
        }
    }

    /// Scrolls the list to an option.
    fn show(self, at: usize) {
        use wasm_bindgen::JsCast as _;
        let part = |id: &str| {
            let found = document().get_element_by_id(id)?;
            found.dyn_into::<web_sys::HtmlElement>().ok()
        };
        if let (Some(list), Some(option)) = (part(&self.list_id()), part(&self.option_id(at))) {
            let room = list.client_height() - option.offset_height();
            list.set_scroll_top(option.offset_top() - room / 2);
        }
    }
}

/// The field with its list. A textbox with a list box, by ARIA: a text of several lines is no combobox.
#[component]
pub fn Editor(
    /// Tells it from others of the page.
    id: String,
    /// Its name in the form.
    name: String,
    /// What it is called, for those who hear the page.
    #[prop(into)]
    label: Signal<String>,
    /// What stands in it at first.
    value: String,
    /// An example, while it is empty.
    #[prop(into)]
    example: Signal<&'static str>,
    /// What is written in it.
    #[prop(into)]
    written: Signal<Written>,
    /// Objects of which type it is about.
    object_type: ObjectType,
    /// The tenant's own attributes.
    extensions: Extensions,
    /// Where what is wrong with it stands.
    described_by: String,
    /// Looks at the form again, after something was taken.
    look: Callback<()>,
) -> impl IntoView {
    let editing = Editing {
        field: NodeRef::new(),
        id: StoredValue::new(id),
        written,
        object_type,
        extensions,
        offered: RwSignal::new(Vec::new()),
        active: RwSignal::new(0),
        look,
    };
    let rows = value.lines().count().clamp(1, ROWS_MAX);
    let has_list = move || (written.get() != Written::Text).then_some("list");
    let has_popup = move || (written.get() != Written::Text).then_some("listbox");
    let list_id = move || editing.is_open().then(|| editing.list_id());
    let active_id = move || {
        editing
            .is_open()
            .then(|| editing.option_id(editing.active.get()))
    };
    view! {
        <div class="relative w-full" on:focusout=move |_| editing.close()>
            <textarea
                node_ref=editing.field
                name=name
                class="textarea rc-mono rc-write"
                rows=rows.to_string()
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                maxlength=RULE_BYTES_MAX.to_string()
                placeholder=example
                aria-label=label
                aria-describedby=described_by
                aria-autocomplete=has_list
                aria-haspopup=has_popup
                aria-controls=list_id
                aria-activedescendant=active_id
                on:input=move |_| editing.offer(false)
                on:click=move |_| editing.close()
                on:keydown=move |ev| editing.key(&ev)
            >
                {value}
            </textarea>
            <Options editing=editing />
        </div>
    }
    .into_any()
}

/// What could stand there, under the field.
#[component]
fn Options(editing: Editing) -> impl IntoView {
    let number = move || {
        let number = editing.offered.with(Vec::len);
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        (number > 0).then(|| counted(number, "suggestion", "suggestions"))
    };
    let options = move || {
        let offered = editing.offered.get().into_iter().enumerate();
        offered
            .map(|(at, one)| view! { <SuggestionOption editing=editing at=at one=one /> })
            .collect_view()
    };
    let open = Memo::new(move |_| editing.is_open());
    let panel = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(panel) = panel.get() {
            bring_into_view(&panel);
        }
    });
    let list = move || {
        view! {
            <div
                node_ref=panel
                class="rc-pop rc-suggest"
                // A press in the list leaves the cursor in the field.
                on:pointerdown=|ev| ev.prevent_default()
                on:mousedown=|ev| ev.prevent_default()
            >
                <ul
                    id=editing.list_id()
                    role="listbox"
                    aria-label="Suggestions"
                    // It scrolls, so it can be scrolled by keys too.
                    tabindex="0"
                >
                    {options}
                </ul>
                <OptionKeys enter="write" />
            </div>
        }
    };
    view! {
        <p class="sr-only" role="status">
            {number}
        </p>
        {move || open.get().then(list)}
    }
    .into_any()
}

/// Scrolls the page so far that all of it shows, above the save bar.
fn bring_into_view(panel: &web_sys::HtmlElement) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    panel.scroll_into_view_with_scroll_into_view_options(&options);
}

#[component]
fn SuggestionOption(editing: Editing, at: usize, one: Suggestion) -> impl IntoView {
    let (text, kind) = match one {
        Suggestion::Attribute(name) => (name.into_owned(), "attribute"),
        Suggestion::Function(function) => (function.signature.to_owned(), "function"),
    };
    let title = text.clone();
    view! {
        <li
            id=editing.option_id(at)
            class="rc-opt cursor-pointer"
            role="option"
            aria-selected=move || (editing.active.get() == at).to_string()
            title=title
            on:pointerenter=move |_| editing.active.set(at)
            on:click=move |_| editing.take(at)
        >
            <span class="rc-mono min-w-0 truncate">{text}</span>
            <span class="ms-auto ps-3 text-xs text-muted">{kind}</span>
        </li>
    }
    .into_any()
}
