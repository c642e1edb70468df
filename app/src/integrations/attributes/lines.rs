//! The rules of each type, a line each.

use domain::{
    mapping::{EXTENSION_ATTRIBUTES, MappingKind, RULES_MAX, columns, kept, more},
    policy::ObjectType,
};

use super::{
    api::LineError,
    defaults::{DefaultOfLine, Defaults},
    form::{MappingForm, MappingLine},
};
use crate::{
    integrations::{completion::Written, editor::Editor, extensions::Extensions},
    ui::prelude::*,
};

/// The lines of all types.
#[derive(Clone, Copy)]
pub struct Lines {
    all: RwSignal<Vec<MappingLine>>,
    next: StoredValue<u32>,
    types: StoredValue<Vec<ObjectType>>,
}

impl Lines {
    /// Those of a form, and an empty one for each type: without the browser code no other can be
    /// added.
    pub fn new(shown: &MappingForm, types: &[ObjectType]) -> Self {
        let made = Self {
            all: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
            types: StoredValue::new(types.to_vec()),
        };
        made.show(shown);
        made
    }

    /// Shows the lines of a form in place of those that are there.
    pub fn show(self, form: &MappingForm) {
        let mut lines: Vec<MappingLine> = Vec::new();
        let mut number = self.next.get_value();
        let mut push = |line: MappingLine| {
            lines.push(MappingLine { number, ..line });
            number += 1;
        };
        for object_type in self.types.get_value() {
            let of_type = form.filled().filter(|line| line.object_type == object_type);
            for line in of_type {
                push(line.clone());
            }
            push(MappingLine::empty(0, object_type));
        }
        self.next.set_value(number);
        self.all.set(lines);
    }

    fn of(self, object_type: ObjectType) -> Vec<MappingLine> {
        self.all.with(|lines| {
            let of_type = lines.iter().filter(|line| line.object_type == object_type);
            of_type.cloned().collect()
        })
    }

    fn add(self, object_type: ObjectType) {
        let number = self.next.get_value();
        self.next.set_value(number + 1);
        let line = MappingLine::empty(number, object_type);
        self.all.update(|lines| lines.push(line));
    }

    /// Adds a line that says what applies to an attribute without a rule, to be changed.
    pub(super) fn add_default(self, object_type: ObjectType, attribute: &str, source: &str) {
        let number = self.next.get_value();
        self.next.set_value(number + 1);
        let line = MappingLine {
            attribute: attribute.to_owned(),
            value: source.to_owned(),
            ..MappingLine::empty(number, object_type)
        };
        self.all.update(|lines| lines.push(line));
    }

    fn remove(self, number: u32) {
        self.all
            .update(|lines| lines.retain(|line| line.number != number));
    }

    fn clear(self, object_type: ObjectType) {
        self.all
            .update(|lines| lines.retain(|line| line.object_type != object_type));
        self.add(object_type);
    }
}

/// The rules of one type.
#[component]
pub fn TypeSection(
    object_type: ObjectType,
    lines: Lines,
    /// The tenant's own attributes.
    extensions: Extensions,
    /// What the form holds.
    now: RwSignal<MappingForm>,
    /// What is wrong with lines.
    errors: Resource<Vec<LineError>>,
    /// Looks at the form again, after lines came or went.
    look: Callback<()>,
) -> impl IntoView {
    let noun = object_type.as_str();
    let title = format!("{}s", object_type.title());
    let id = format!("h-mapping-{noun}");
    let of_title = id.clone();
    let are_all = move || lines.of(object_type).len() >= RULES_MAX;
    view! {
        <section aria-labelledby=id class="mt-5 pt-4 border-t border-line">
            <h2 id=of_title class="text-base mb-2">
                {title}
            </h2>
            <Names object_type=object_type extensions=extensions />
            <ul class="space-y-3">
                <For
                    each=move || lines.of(object_type)
                    key=|line| line.number
                    children=move |line| {
                        let number = line.number;
                        let place = Memo::new(move |_| {
                            let of_type = lines.of(object_type);
                            of_type.iter().position(|line| line.number == number).unwrap_or(0) + 1
                        });
                        let remove = Callback::new(move |()| {
                            lines.remove(number);
                            look.run(());
                        });
                        view! {
                            <li>
                                <Line
                                    line=line
                                    place=place
                                    now=now
                                    extensions=extensions
                                    errors=errors
                                    look=look
                                    remove=remove
                                />
                            </li>
                        }
                    }
                />
            </ul>
            <div class="flex gap-2 mt-3 plain:hidden">
                <button
                    type="button"
                    class="btn"
                    disabled=are_all
                    on:click=move |_| {
                        lines.add(object_type);
                        look.run(());
                    }
                >
                    <Icon name="plus" />
                    "Add attribute"
                    <span class="sr-only">{format!(" of a {noun}")}</span>
                </button>
                <button
                    type="button"
                    class="btn btn-ghost"
                    on:click=move |_| {
                        lines.clear(object_type);
                        look.run(());
                    }
                >
                    "All back to default"
                    <span class="sr-only">{format!(": no rules for {noun}s")}</span>
                </button>
            </div>
            <p class="rc-hint mt-1 hidden plain:block">
                "A line without an attribute is no rule: empty one to go back to the default. Save to get another line."
            </p>
            <Defaults object_type=object_type lines=lines now=now look=look />
        </section>
    }
    .into_any()
}

/// The names of attributes that can be made, for what is typed.
#[component]
fn Names(object_type: ObjectType, extensions: Extensions) -> impl IntoView {
    let noun = object_type.as_str();
    let numbered: &[&str] = match object_type {
        ObjectType::User => &EXTENSION_ATTRIBUTES,
        _ => &[],
    };
    let targets = columns(object_type)
        .iter()
        .map(|(column, _)| *column)
        .chain(kept(object_type).iter().copied())
        .chain(more(object_type).iter().copied())
        .chain(numbered.iter().copied())
        .map(|name| view! { <option value=name></option> })
        .collect_view();
    view! {
        <datalist id=format!("targets-{noun}")>
            {targets} {move || extensions.options(object_type)}
        </datalist>
    }
    .into_any()
}

#[component]
fn Line(
    line: MappingLine,
    /// Counted from 1 among those of its type.
    place: Memo<usize>,
    /// What the form holds.
    now: RwSignal<MappingForm>,
    extensions: Extensions,
    errors: Resource<Vec<LineError>>,
    look: Callback<()>,
    remove: Callback<()>,
) -> impl IntoView {
    let number = line.number;
    let noun = line.object_type.as_str();
    let name = move |field: &str| format!("mapping[lines][{number}][{field}]");
    let title = line.object_type.title();
    let label = move |field: &'static str| move || format!("{title} rule {}: {field}", place.get());
    let kind = RwSignal::new(line.kind);
    let kinds = MappingKind::ALL
        .iter()
        .map(|one| {
            view! {
                <option value=one.as_str() selected=*one == line.kind>
                    {one.title()}
                </option>
            }
        })
        .collect_view();
    let written = move || match kind.get() {
        MappingKind::Source => Written::Name,
        MappingKind::First => Written::Names,
        MappingKind::Expression => Written::Expression,
        MappingKind::Constant | MappingKind::LeaveOut => Written::Text,
    };
    let example = move || match kind.get() {
        MappingKind::Source => match line.object_type {
            ObjectType::Group => "description",
            ObjectType::Contact => "companyName",
            ObjectType::Device => "operatingSystem",
            _ => "jobTitle",
        },
        MappingKind::Constant => "Contoso",
        MappingKind::First => "mail, displayName",
        MappingKind::Expression => "lower(displayName)",
        MappingKind::LeaveOut => "",
    };
    let error_id = format!("mapping-{number}-e");
    let described = error_id.clone();
    view! {
        <div class="flex gap-2 flex-wrap items-center" role="group" aria-label=move || format!("{title} rule {}", place.get())>
            <input type="hidden" name=name("number") value=number.to_string() />
            <input type="hidden" name=name("object_type") value=noun />
            <input
                name=name("attribute")
                class="input max-w-56"
                list=format!("targets-{noun}")
                autocomplete="off"
                spellcheck="false"
                placeholder="Attribute"
                aria-label=label("attribute")
                aria-describedby=described.clone()
                value=line.attribute
            />
            <span aria-hidden="true" class="text-muted">"←"</span>
            <select
                name=name("kind")
                class="select max-w-40"
                aria-label=label("rule")
                on:change:target=move |ev| {
                    if let Ok(chosen) = ev.target().value().parse() {
                        kind.set(chosen);
                    }
                }
            >
                {kinds}
            </select>
            <div class="flex-1 min-w-56">
                <Editor
                    id=format!("mapping-{number}-v")
                    name=name("value")
                    label=Signal::derive(label("value"))
                    value=line.value
                    example=Signal::derive(example)
                    written=Signal::derive(written)
                    object_type=line.object_type
                    extensions=extensions
                    described_by=described
                    look=look
                />
            </div>
            <button
                type="button"
                class="btn btn-ghost plain:hidden"
                aria-label=move || format!("Back to default: {title} rule {}", place.get())
                on:click=move |_| remove.run(())
            >
                "Back to default"
            </button>
        </div>
        <DefaultOfLine object_type=line.object_type number=number now=now />
        <div id=error_id role="status">
            <Transition>
                {move || Suspend::new(async move {
                    let found = errors.await.into_iter().find(|error| error.number == number);
                    found
                        .map(|error| {
                            view! {
                                <p class="rc-err mt-1">
                                    <Icon name="circle-x" small=true class="mt-px" />
                                    <span class="wrap-anywhere">{error.message}</span>
                                </p>
                            }
                        })
                })}
            </Transition>
        </div>
    }
    .into_any()
}
