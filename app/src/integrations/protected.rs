//! Protected people in Tenant Configuration: rules, a line each, and whom they match today.

use std::time::Duration;

use domain::{
    id::IntegrationId,
    protection::{
        Matching, PROTECTED_RULES_MAX, ProtectedAttribute, ProtectedForecast, ProtectedRule,
    },
    text::NAME_CHARS_MAX,
};
use leptos::leptos_dom::helpers::debounce;

use super::{
    api::forecast_protected,
    sections::Section,
    settings::{RuleLine, SettingsForm},
};
use crate::ui::{
    form::{FieldError, use_field_error},
    prelude::*,
};

/// The lines of the section, each with a number that no other has.
#[derive(Clone, Copy)]
pub struct RuleLines {
    lines: RwSignal<Vec<(usize, RuleLine)>>,
    next: StoredValue<usize>,
    first: StoredValue<Vec<(usize, RuleLine)>>,
}

impl RuleLines {
    /// Those of a form, and an empty one: without the browser code no other can be added.
    pub fn new(shown: &SettingsForm) -> Self {
        let filled = shown.protected.iter().filter(|line| !line.value.is_empty());
        let lines: Vec<_> = filled
            .cloned()
            .chain([RuleLine::EMPTY])
            .take(PROTECTED_RULES_MAX)
            .enumerate()
            .collect();
        Self {
            next: StoredValue::new(lines.len()),
            first: StoredValue::new(lines.clone()),
            lines: RwSignal::new(lines),
        }
    }

    /// The lines as they were first.
    pub fn restore(self) {
        self.lines.set(self.first.get_value());
    }

    fn add(self) {
        let number = self.next.get_value();
        self.next.set_value(number + 1);
        self.lines
            .update(|lines| lines.push((number, RuleLine::EMPTY)));
    }

    fn remove(self, number: usize) {
        self.lines
            .update(|lines| lines.retain(|(other, _)| *other != number));
    }

    fn are_all(self) -> bool {
        self.lines.with(Vec::len) >= PROTECTED_RULES_MAX
    }
}

/// The section.
#[component]
pub fn ProtectedSection(
    /// The integration whose directory is counted.
    id: IntegrationId,
    /// The lines.
    rules: RuleLines,
    /// What the form holds.
    now: RwSignal<SettingsForm>,
    /// Looks at the form again.
    look: Callback<()>,
) -> impl IntoView {
    let error = use_field_error("settings[protected]");
    view! {
        <Section id="h-protected" title="Protected people">
            <div class="rc-row" id="f-protected" role="group" aria-labelledby="h-protected">
                <span>"Never touch"</span>
                <div class="min-w-0">
                    <p class="rc-hint mb-2">
                        "No run updates, disables, enables or deletes whom one of these rules matches, nor takes them out of a group: by what the directory has of them, or by what the source says. Case and accents make no difference."
                    </p>
                    <ul class="space-y-2">
                        <For
                            each=move || rules.lines.get()
                            key=|(number, _)| *number
                            children=move |(number, line)| {
                                let remove = move |_| {
                                    rules.remove(number);
                                    // The line goes after this.
                                    request_animation_frame(move || look.run(()));
                                };
                                view! {
                                    <li class="flex gap-2 flex-wrap items-center">
                                        <Line number=number line=line />
                                        <button
                                            type="button"
                                            class="btn btn-ghost plain:hidden"
                                            aria-label=format!("Remove rule {}", number + 1)
                                            on:click=remove
                                        >
                                            "Remove"
                                        </button>
                                    </li>
                                }
                            }
                        />
                    </ul>
                    <FieldError id="f-protected-e" error=error />
                    <button
                        type="button"
                        class="btn mt-2 plain:hidden"
                        disabled=move || rules.are_all()
                        on:click=move |_| rules.add()
                    >
                        <Icon name="plus" />
                        "Add rule"
                    </button>
                    <p class="rc-hint mt-1 hidden plain:block">
                        "A line without a value is no rule. Save to get another line."
                    </p>
                    <Counts id=id now=now />
                </div>
            </div>
        </Section>
    }
    .into_any()
}

#[component]
fn Line(number: usize, line: RuleLine) -> impl IntoView {
    let name = |field: &str| format!("settings[protected][{number}][{field}]");
    let label = |field: &str| format!("Rule {}: {field}", number + 1);
    let attributes = ProtectedAttribute::ALL
        .iter()
        .map(|one| {
            view! {
                <option value=one.as_str() selected=*one == line.attribute>
                    {one.title()}
                </option>
            }
        })
        .collect_view();
    let ways = Matching::ALL
        .iter()
        .map(|one| {
            view! {
                <option value=one.as_str() selected=*one == line.matches>
                    {one.title()}
                </option>
            }
        })
        .collect_view();
    view! {
        <select name=name("attribute") class="select max-w-40" aria-label=label("attribute")>
            {attributes}
        </select>
        <select name=name("matches") class="select max-w-32" aria-label=label("comparison")>
            {ways}
        </select>
        <input
            name=name("value")
            class="input max-w-64"
            autocomplete="off"
            spellcheck="false"
            maxlength=NAME_CHARS_MAX.to_string()
            placeholder="@admin.contoso.com"
            aria-label=label("value")
            value=line.value
        />
    }
    .into_any()
}

/// How many people of today's directory the rules match, following what is typed.
#[component]
fn Counts(id: IntegrationId, now: RwSignal<SettingsForm>) -> impl IntoView {
    let typed = RwSignal::new(now.with_untracked(SettingsForm::rules));
    let asked = Memo::new(move |_| typed.get());
    let mut later = debounce(Duration::from_millis(400), move |rules| typed.set(rules));
    Effect::new(move |_| later(now.with(SettingsForm::rules)));
    let forecast = Resource::new(
        move || asked.get(),
        move |rules: Vec<ProtectedRule>| async move {
            if rules.is_empty() {
                return Ok(ProtectedForecast::default());
            }
            forecast_protected(id, rules).await
        },
    );
    view! {
        <div class="mt-2" role="status">
            <Transition>
                {move || Suspend::new(async move {
                    // What can't be counted, such as a rule that is still being typed, says nothing.
                    forecast.await.ok().map(|forecast| view! { <Counted forecast=forecast /> })
                })}
            </Transition>
        </div>
    }
    .into_any()
}

/// "5 people", of some number.
fn people(number: u64) -> String {
    counted(
        i64::try_from(number).unwrap_or(i64::MAX),
        "person",
        "people",
    )
}

/// What all rules protect together.
fn together(forecast: &ProtectedForecast) -> String {
    let all = if forecast.complete {
        String::new()
    } else {
        let looked_at = i64::try_from(forecast.looked_at).unwrap_or(i64::MAX);
        format!(", of the {} who were looked at", grouped(looked_at))
    };
    format!(
        "In today’s directory they protect {}{all}.",
        people(forecast.people)
    )
}

#[component]
fn Counted(forecast: ProtectedForecast) -> impl IntoView {
    if forecast.rules.is_empty() {
        return ().into_any();
    }
    let sentence = together(&forecast);
    let lines = forecast
        .rules
        .into_iter()
        .map(|count| {
            view! {
                <li class="wrap-anywhere">
                    <bdi>{count.rule.to_string()}</bdi> ": " {people(count.people)}
                </li>
            }
        })
        .collect_view();
    view! {
        <p>{sentence}</p>
        <ul class="rc-hint mt-1">{lines}</ul>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_says_of_how_many_it_is() {
        let mut forecast = ProtectedForecast {
            people: 1,
            looked_at: 50_000,
            complete: true,
            ..ProtectedForecast::default()
        };
        assert_eq!(
            together(&forecast),
            "In today’s directory they protect 1 person."
        );
        forecast.complete = false;
        assert_eq!(
            together(&forecast),
            "In today’s directory they protect 1 person, of the 50,000 who were looked at."
        );
    }
}
