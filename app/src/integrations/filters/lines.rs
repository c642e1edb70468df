//! The rules of each type: conditions in plain form, or an expression, each shown as the other.

use domain::{
    filter::{
        CONDITIONS_MAX, FILTER_RULES_MAX, FilterEffect, FilterKind, FilterOperator, FilterRule,
    },
    mapping::sources,
    policy::ObjectType,
};

use super::{
    api::LineCheck,
    form::{ConditionLine, FilterForm, RuleLine, lines},
};
use crate::{
    integrations::{completion::Written, editor::Editor, extensions::Extensions},
    ui::prelude::*,
};

/// A rule with its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    rule: RuleLine,
    conditions: Vec<ConditionLine>,
}

/// The rules of all types.
#[derive(Clone, Copy)]
pub struct Rules {
    all: RwSignal<Vec<Shown>>,
    next: StoredValue<u32>,
    types: StoredValue<Vec<ObjectType>>,
}

impl Rules {
    /// Those of a form, and an empty one for each type and effect: without the browser code no other
    /// can be added.
    pub fn new(shown: &FilterForm, types: &[ObjectType]) -> Self {
        let made = Self {
            all: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
            types: StoredValue::new(types.to_vec()),
        };
        made.show(shown);
        made
    }

    /// Shows the rules of a form in place of those that are there.
    pub fn show(self, form: &FilterForm) {
        let mut all = Vec::new();
        for object_type in self.types.get_value() {
            for effect in FilterEffect::ALL {
                let of_both = form
                    .filled()
                    .filter(|(line, _)| line.object_type == object_type && line.effect == *effect);
                for (_, rule) in of_both {
                    all.push(self.made(object_type, *effect, &rule));
                }
                let empty = FilterRule::All(Vec::new());
                all.push(self.made(object_type, *effect, &empty));
            }
        }
        self.all.set(all);
    }

    fn made(self, object_type: ObjectType, effect: FilterEffect, rule: &FilterRule) -> Shown {
        let number = self.next.get_value();
        self.next.set_value(number + 1);
        let (rule, mut conditions) = lines(number, object_type, effect, rule);
        if conditions.len() < CONDITIONS_MAX {
            conditions.push(ConditionLine::empty(number));
        }
        Shown { rule, conditions }
    }

    fn of(self, object_type: ObjectType, effect: FilterEffect) -> Vec<Shown> {
        self.all.with(|all| {
            let of_both = all
                .iter()
                .filter(|one| one.rule.object_type == object_type && one.rule.effect == effect);
            of_both.cloned().collect()
        })
    }

    fn add(self, object_type: ObjectType, effect: FilterEffect) {
        let empty = self.made(object_type, effect, &FilterRule::All(Vec::new()));
        self.all.update(|all| all.push(empty));
    }

    fn remove(self, number: u32) {
        self.all
            .update(|all| all.retain(|one| one.rule.number != number));
    }

    /// Puts another form of a rule in its place.
    fn replace(self, line: &RuleLine, rule: &FilterRule) {
        let made = self.made(line.object_type, line.effect, rule);
        self.all.update(|all| {
            if let Some(at) = all.iter().position(|one| one.rule.number == line.number) {
                all[at] = made;
            }
        });
    }
}

/// The rules of one type.
#[component]
pub fn TypeRules(
    object_type: ObjectType,
    rules: Rules,
    /// The tenant's own attributes.
    extensions: Extensions,
    /// What the form holds.
    now: RwSignal<FilterForm>,
    /// What was found about rules.
    checks: Resource<Vec<LineCheck>>,
    /// Looks at the form again, after lines came or went.
    look: Callback<()>,
) -> impl IntoView {
    let names = sources(object_type)
        .map(|name| view! { <option value=name></option> })
        .collect_view();
    let effects = FilterEffect::ALL
        .iter()
        .map(|effect| {
            view! {
                <Effects
                    object_type=object_type
                    effect=*effect
                    rules=rules
                    extensions=extensions
                    now=now
                    checks=checks
                    look=look
                />
            }
        })
        .collect_view();
    view! {
        <datalist id=format!("filter-names-{object_type}")>
            {names} {move || extensions.options(object_type)}
        </datalist>
        {effects}
    }
    .into_any()
}

/// The rules with one effect.
#[component]
fn Effects(
    object_type: ObjectType,
    effect: FilterEffect,
    rules: Rules,
    extensions: Extensions,
    now: RwSignal<FilterForm>,
    checks: Resource<Vec<LineCheck>>,
    look: Callback<()>,
) -> impl IntoView {
    let hint = match effect {
        FilterEffect::Include => {
            "Whom one of these rules matches comes in, nobody else. Without a rule everybody does."
        }
        FilterEffect::Exclude => {
            "Whom one of these rules matches is kept out, whatever lets them in."
        }
    };
    let are_all = move || rules.of(object_type, effect).len() >= FILTER_RULES_MAX;
    view! {
        <h3 class="font-medium mt-3">{effect.title()}</h3>
        <p class="rc-hint mb-2">{hint}</p>
        <ul class="space-y-3">
            <For
                each=move || rules.of(object_type, effect)
                key=|one| one.rule.number
                children=move |one| {
                    let number = one.rule.number;
                    let place = Memo::new(move |_| {
                        let of_both = rules.of(object_type, effect);
                        of_both.iter().position(|one| one.rule.number == number).unwrap_or(0) + 1
                    });
                    view! {
                        <li>
                            <Rule
                                one=one
                                place=place
                                rules=rules
                                extensions=extensions
                                now=now
                                checks=checks
                                look=look
                            />
                        </li>
                    }
                }
            />
        </ul>
        <button
            type="button"
            class="btn mt-2 plain:hidden"
            disabled=are_all
            on:click=move |_| {
                rules.add(object_type, effect);
                look.run(());
            }
        >
            <Icon name="plus" />
            "Add rule"
            <span class="sr-only">{format!(": {} {object_type}s", effect.title())}</span>
        </button>
        <p class="rc-hint mt-1 hidden plain:block">
            "A rule without conditions is none. Save to get another rule or condition."
        </p>
    }
    .into_any()
}

#[component]
fn Rule(
    one: Shown,
    /// Counted from 1 among those of its type and effect.
    place: Memo<usize>,
    rules: Rules,
    extensions: Extensions,
    now: RwSignal<FilterForm>,
    checks: Resource<Vec<LineCheck>>,
    look: Callback<()>,
) -> impl IntoView {
    let line = StoredValue::new(one.rule.clone());
    let (number, object_type, effect) = (one.rule.number, one.rule.object_type, one.rule.effect);
    let name = move |field: &str| format!("filters[rules][{number}][{field}]");
    let title = move || {
        let (kind, effect) = (object_type.title(), effect.title().to_lowercase());
        format!("{kind} rule {}, {effect}", place.get())
    };
    let label = move |field: &'static str| move || format!("{}: {field}", title());
    let kind = RwSignal::new(one.rule.kind);
    let is_expression = move || kind.get() == FilterKind::Expression;
    let conditions = RwSignal::new((0_usize..).zip(one.conditions).collect::<Vec<_>>());
    let kinds = FilterKind::ALL
        .iter()
        .map(|kind| {
            view! {
                <option value=kind.as_str() selected=*kind == one.rule.kind>
                    {kind.title()}
                </option>
            }
        })
        .collect_view();
    // What the form has of the rule, which follows what is typed.
    let written = Memo::new(move |_| {
        now.with(|form| {
            let line = form.rules.iter().find(|line| line.number == number)?;
            form.rule(line)
        })
    });
    let choose = move |chosen: FilterKind| {
        let before = kind.get_untracked();
        kind.set(chosen);
        // The form says already which kind was chosen, and holds what was written of the one before.
        let rule = now.with_untracked(|form| {
            let line = form.rules.iter().find(|line| line.number == number)?;
            form.rule(&RuleLine {
                kind: before,
                ..line.clone()
            })
        });
        match (before, chosen, rule) {
            // What was in plain form goes on as the expression that says the same.
            (FilterKind::All | FilterKind::Any, FilterKind::Expression, Some(rule)) => {
                let text = FilterRule::Expression(rule.cel());
                line.with_value(|line| rules.replace(line, &text));
                look.run(());
            }
            (FilterKind::Expression, FilterKind::All | FilterKind::Any, Some(_)) => {
                let known = checks.get_untracked().unwrap_or_default();
                let found = known.into_iter().find(|one| one.number == number);
                if let Some(plain) = found.and_then(|one| one.plain) {
                    line.with_value(|line| rules.replace(line, &plain));
                    look.run(());
                }
            }
            _ => {}
        }
    };
    let error_id = format!("filter-{number}-e");
    let described = error_id.clone();
    view! {
        <div
            class="rounded-field border border-line p-3"
            role="group"
            aria-label=title
            aria-describedby=described
        >
            <input type="hidden" name=name("number") value=number.to_string() />
            <input type="hidden" name=name("object_type") value=object_type.as_str() />
            <input type="hidden" name=name("effect") value=effect.as_str() />
            <div class="flex gap-2 flex-wrap items-center">
                <select
                    name=name("kind")
                    class="select max-w-44"
                    aria-label=label("kind")
                    on:change:target=move |ev| {
                        if let Ok(chosen) = ev.target().value().parse() {
                            choose(chosen);
                        }
                    }
                >
                    {kinds}
                </select>
                <button
                    type="button"
                    class="btn btn-ghost plain:hidden ms-auto"
                    aria-label=move || format!("Remove {}", title())
                    on:click=move |_| {
                        rules.remove(number);
                        look.run(());
                    }
                >
                    "Remove"
                </button>
            </div>
            <ul class="space-y-2 mt-2 plain:block" class:hidden=is_expression>
                <For
                    each=move || conditions.get()
                    key=|(at, _)| *at
                    children=move |(at, condition)| {
                        view! {
                            <li>
                                <ConditionRow
                                    condition=condition
                                    row=number * 100 + u32::try_from(at).unwrap_or(99)
                                    object_type=object_type
                                    label=Signal::derive(move || format!("{}, condition {}", title(), at + 1))
                                />
                            </li>
                        }
                    }
                />
                <li class="plain:hidden">
                    <button
                        type="button"
                        class="btn btn-ghost"
                        disabled=move || { conditions.with(Vec::len) >= CONDITIONS_MAX }
                        on:click=move |_| {
                            conditions
                                .update(|all| {
                                    let next = all.last().map_or(0, |(at, _)| at + 1);
                                    all.push((next, ConditionLine::empty(number)));
                                });
                            look.run(());
                        }
                    >
                        <Icon name="plus" />
                        "Add condition"
                        <span class="sr-only">{move || format!(" to {}", title())}</span>
                    </button>
                </li>
            </ul>
            <div class="mt-2 plain:block" class:hidden=move || !is_expression()>
                <Editor
                    id=format!("filter-{number}-x")
                    name=name("expression")
                    label=Signal::derive(label("expression"))
                    value=one.rule.expression
                    example="equals(department, \"Sales\") && !is_empty(mail)"
                    written=Written::Expression
                    object_type=object_type
                    extensions=extensions
                    described_by=error_id.clone()
                    look=look
                />
            </div>
            <p class="rc-hint mt-1 plain:hidden" class:hidden=is_expression>
                {move || {
                    written
                        .get()
                        .map(|rule| {
                            view! {
                                "As CEL: "
                                <code class="rc-mono wrap-anywhere">{rule.cel()}</code>
                            }
                        })
                }}
            </p>
            <div id=error_id role="status">
                <Transition>
                    {move || Suspend::new(async move {
                        let found = checks.await.into_iter().find(|one| one.number == number)?;
                        let plain = found.plain.filter(|_| is_expression());
                        Some(view! { <Found message=found.message plain=plain /> })
                    })}
                </Transition>
            </div>
        </div>
    }
    .into_any()
}

/// What was found about a rule.
#[component]
fn Found(message: Option<String>, plain: Option<FilterRule>) -> impl IntoView {
    view! {
        {message
            .map(|message| {
                view! {
                    <p class="rc-err mt-1">
                        <Icon name="circle-x" small=true class="mt-px" />
                        <span class="wrap-anywhere">{message}</span>
                    </p>
                }
            })}
        {plain
            .map(|rule| {
                view! {
                    <p class="rc-hint mt-1 wrap-anywhere">
                        {format!("In plain form, {}: {rule}", rule.kind().title().to_lowercase())}
                    </p>
                }
            })}
    }
    .into_any()
}

#[component]
fn ConditionRow(
    condition: ConditionLine,
    /// Tells conditions apart in the form.
    row: u32,
    object_type: ObjectType,
    /// What it is called, for those who hear the page.
    label: Signal<String>,
) -> impl IntoView {
    let name = move |field: &str| format!("filters[conditions][{row}][{field}]");
    let of = move |field: &'static str| move || format!("{}: {field}", label.get());
    let operator = RwSignal::new(condition.operator);
    let operators = FilterOperator::ALL
        .iter()
        .map(|one| {
            view! {
                <option value=one.as_str() selected=*one == condition.operator>
                    {one.title()}
                </option>
            }
        })
        .collect_view();
    view! {
        <div class="flex gap-2 flex-wrap items-center">
            <input type="hidden" name=name("rule") value=condition.rule.to_string() />
            <input
                name=name("attribute")
                class="input max-w-56"
                list=format!("filter-names-{object_type}")
                autocomplete="off"
                spellcheck="false"
                placeholder="Attribute"
                aria-label=of("attribute")
                value=condition.attribute
            />
            <select
                name=name("operator")
                class="select max-w-44"
                aria-label=of("operator")
                on:change:target=move |ev| {
                    if let Ok(chosen) = ev.target().value().parse() {
                        operator.set(chosen);
                    }
                }
            >
                {operators}
            </select>
            <input
                name=name("value")
                class="input flex-1 min-w-40"
                class:invisible=move || !operator.get().has_value()
                autocomplete="off"
                spellcheck="false"
                maxlength="256"
                placeholder="Value"
                aria-label=of("value")
                value=condition.value
            />
        </div>
    }
    .into_any()
}
