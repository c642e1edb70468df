//! The default rule of each attribute: what applies where there is no rule for it.

use domain::{
    mapping::{default_source, defaults, is_target},
    policy::ObjectType,
};

use super::{form::MappingForm, lines::Lines};
use crate::ui::prelude::*;

/// The attributes for which the form holds no rule, each with what it is made from.
#[component]
pub fn Defaults(
    object_type: ObjectType,
    lines: Lines,
    /// What the form holds.
    now: RwSignal<MappingForm>,
    /// Looks at the form again, after a line came.
    look: Callback<()>,
) -> impl IntoView {
    let noun = object_type.as_str();
    let rows = Memo::new(move |_| now.with(|now| without_rule(now, object_type)));
    let number = move || {
        let number = i64::try_from(rows.with(Vec::len)).unwrap_or(i64::MAX);
        counted(number, "attribute", "attributes")
    };
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    view! {
        <details class="mt-4" open=true>
            <summary class="cursor-pointer min-h-6 font-medium">
                "Without a rule: " {number} " as Entra ID has them"
            </summary>
            <table
                class="rc-table still rc-stack rows max-w-3xl mt-1"
                role="table"
                aria-label=format!("Default rules of {noun}s")
                hidden=is_empty
            >
                <thead role="rowgroup">
                    <tr role="row">
                        <Head label="Attribute" />
                        <Head label="Default rule" class="grow" />
                        <th role="columnheader" scope="col">
                            <span class="sr-only">"Change"</span>
                        </th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For
                        each=move || rows.get()
                        key=|row| row.0
                        children=move |(attribute, source)| {
                            view! {
                                <tr role="row">
                                    <td role="cell" class="rc-mono">{attribute}</td>
                                    <td role="cell" class="grow text-muted max-md:col-span-2 max-md:row-start-2">
                                        "Source attribute " <span class="rc-mono">{source}</span>
                                    </td>
                                    <td role="cell" class="whitespace-nowrap">
                                        <button
                                            type="button"
                                            class="btn btn-ghost btn-sm plain:hidden"
                                            on:click=move |_| {
                                                lines.add_default(object_type, attribute, source);
                                                look.run(());
                                            }
                                        >
                                            "Write a rule"
                                            <span class="sr-only">{format!(" for {attribute} of a {noun}")}</span>
                                        </button>
                                    </td>
                                </tr>
                            }
                        }
                    />
                </tbody>
            </table>
        </details>
    }
    .into_any()
}

/// The default rules that apply beside the rules of a form.
fn without_rule(form: &MappingForm, object_type: ObjectType) -> Vec<(&'static str, &'static str)> {
    let ruled: Vec<&str> = form
        .filled()
        .filter(|line| line.object_type == object_type)
        .map(|line| line.attribute.trim())
        .collect();
    defaults(object_type)
        .filter(|(attribute, _)| !ruled.contains(attribute))
        .collect()
}

/// Under a rule: what would apply without it.
#[component]
pub fn DefaultOfLine(
    object_type: ObjectType,
    /// The line's number.
    number: u32,
    /// What the form holds.
    now: RwSignal<MappingForm>,
) -> impl IntoView {
    let words = Memo::new(move |_| {
        now.with(|now| {
            let line = now.lines.iter().find(|line| line.number == number)?;
            default_words(object_type, line.attribute.trim())
        })
    });
    view! {
        {move || words.get().map(|words| view! { <p class="rc-hint mt-1">{words}</p> })}
    }
}

/// What applies to an attribute without a rule; none where it isn't one of the directory.
fn default_words(object_type: ObjectType, attribute: &str) -> Option<String> {
    match default_source(object_type, attribute) {
        Some(source) => Some(format!("Default: source attribute {source}.")),
        None if is_target(object_type, attribute) => {
            Some("Default: none, it stays empty.".to_owned())
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::mapping::{AttributeRule, Mapping, MappingRule};

    use super::*;

    #[test]
    fn what_has_a_rule_has_no_default() {
        let mapping = Mapping {
            user: vec![AttributeRule {
                attribute: "display_name".to_owned(),
                rule: MappingRule::Source("mail".to_owned()),
            }],
            ..Mapping::default()
        };
        let form = MappingForm::of(&mapping);
        let left = without_rule(&form, ObjectType::User);
        assert!(!left.iter().any(|(name, _)| *name == "display_name"));
        assert!(left.contains(&("given_name", "givenName")) && left.contains(&("city", "city")));
        let groups = without_rule(&form, ObjectType::Group);
        assert!(groups.contains(&("display_name", "displayName")));
    }

    #[test]
    fn a_line_says_what_would_apply_without_it() {
        let words = |attribute| default_words(ObjectType::User, attribute);
        assert_eq!(
            words("mail").as_deref(),
            Some("Default: source attribute mail.")
        );
        assert_eq!(
            words("employeeType").as_deref(),
            Some("Default: none, it stays empty.")
        );
        assert_eq!(words("nowhere"), None);
    }
}
