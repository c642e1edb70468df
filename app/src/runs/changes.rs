//! The objects that a run changed, held, could not change or kept out: before and after.

use domain::{
    id::RunId,
    paging::PageRequest,
    policy::ObjectType,
    run::{Action, ChangeStatus, RunChange},
    user::DirectoryStatus,
};
use serde_json::Value;

use super::api::run_changes;
use crate::ui::{list::past_the_end, prelude::*};

/// The types that have changes of their own.
const TYPES: [ObjectType; 3] = [ObjectType::User, ObjectType::Group, ObjectType::Membership];

/// An action in a word.
const fn action_word(action: Action) -> &'static str {
    match action {
        Action::Create => "Create",
        Action::Update => "Update",
        Action::Disable => "Disable",
        Action::Enable => "Enable",
        Action::Delete => "Delete",
        Action::Restore => "Restore",
        Action::Filter => "Filter",
    }
}

/// Where a change stands, as the tables of status say it.
const fn status_word(status: ChangeStatus) -> &'static str {
    match status {
        ChangeStatus::Planned => "Planned",
        ChangeStatus::Applied => "Applied",
        ChangeStatus::Held => "Held",
        ChangeStatus::Failed => "Failed",
        ChangeStatus::Filtered => "Filtered",
        ChangeStatus::Rejected => "Rejected",
        ChangeStatus::Overtaken => "Overtaken",
    }
}

const fn status_mark(status: ChangeStatus) -> Mark {
    let (icon, tone) = match status {
        ChangeStatus::Planned => ("circle-dashed", ""),
        ChangeStatus::Applied => ("circle-check", "ok"),
        ChangeStatus::Held => ("hand", "held"),
        ChangeStatus::Failed => ("circle-x", "fail"),
        ChangeStatus::Filtered | ChangeStatus::Overtaken => ("circle-minus", "quiet"),
        ChangeStatus::Rejected => ("undo-2", ""),
    };
    Mark {
        icon,
        word: status_word(status),
        tone,
    }
}

/// The list. Read again when `version` becomes another.
#[component]
pub fn Changes(
    /// The run.
    run: Signal<Option<RunId>>,
    /// How much it has applied.
    version: Signal<(i64, bool)>,
) -> impl IntoView {
    let address = use_address();
    let asked = Memo::new({
        let address = address.clone();
        move |_| {
            (
                address.list(),
                address.parsed::<ObjectType>("type"),
                address.parsed::<Action>("action"),
                address.parsed::<ChangeStatus>("status"),
            )
        }
    });
    let filtered = Memo::new(move |_| {
        ["q", "type", "action", "status"]
            .iter()
            .any(|name| address.get(name).is_some())
    });
    let changes = Resource::new(
        move || (run.get(), asked.get(), version.get()),
        |(run, (query, object_type, action, status), _)| async move {
            match run {
                Some(id) => run_changes(id, query, object_type, action, status).await,
                None => Err(AppError::NotFound {
                    what: "run".to_owned(),
                }),
            }
        },
    );
    view! {
        <section aria-labelledby="h-changes" id="changes" class="border-t border-line">
            <h2 id="h-changes" class="text-base px-6 pt-3 max-md:px-4">
                "Changes"
            </h2>
            <ListBar label="Changes">
                <FilterChip name="type" label="Type" options=options(&TYPES, ObjectType::title) />
                <FilterChip
                    name="action"
                    label="Action"
                    options=options(Action::ALL, action_word)
                />
                <FilterChip
                    name="status"
                    label="Status"
                    options=options(ChangeStatus::ALL, status_word)
                />
                <TotalOf resource=changes one="object" many="objects" />
            </ListBar>
            <Load
                resource=changes
                children=move |page| {
                    let asked = asked.get_untracked().0.page;
                    if page.items.is_empty() && !past_the_end(&page, asked) {
                        return if filtered.get_untracked() {
                            view! { <NoMatch many="changes" /> }.into_any()
                        } else {
                            view! {
                                <p class="px-6 pb-6 text-muted max-md:px-4">
                                    "None: nothing differed, nothing was kept out."
                                </p>
                            }
                                .into_any()
                        };
                    }
                    view! { <Table changes=page.items page=asked total=page.total /> }.into_any()
                }
            />
        </section>
    }
    .into_any()
}

#[component]
fn Table(changes: Vec<RunChange>, page: PageRequest, total: i64) -> impl IntoView {
    let rows = changes
        .into_iter()
        .map(|change| view! { <Row change=change /> })
        .collect_view();
    view! {
        <table class="rc-table bleed still rc-stack rows" role="table" aria-labelledby="h-changes">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Name" />
                    <Head label="Type" />
                    <Head label="Action" />
                    <Head label="Before and after" class="grow" />
                    <Head label="Status" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pager page=page total=total />
    }
    .into_any()
}

#[component]
fn Row(change: RunChange) -> impl IntoView {
    let differences = differences(change.before.as_ref(), change.after.as_ref());
    let why = change
        .error
        .clone()
        .or_else(|| change.reason.map(|reason| reason.title().to_owned()));
    view! {
        <tr role="row">
            <td role="cell" class="max-md:col-span-2">
                <bdi
                    class="block truncate max-w-72 font-medium"
                    title=format!("{} ({})", change.display_name, change.external_id)
                >
                    {change.display_name.clone()}
                </bdi>
            </td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                {change.object_type.title()}
            </td>
            <td role="cell" class="whitespace-nowrap">
                {action_word(change.action)}
            </td>
            <td role="cell" class="grow max-md:col-span-2 max-md:order-last">
                {why
                    .map(|why| {
                        view! {
                            <span class="block truncate text-muted" title=why.clone()>
                                {why.clone()}
                            </span>
                        }
                    })}
                {differences
                    .into_iter()
                    .map(|difference| view! { <Difference of=difference /> })
                    .collect_view()}
            </td>
            <td role="cell" class="whitespace-nowrap">
                <Status of=status_mark(change.status) />
            </td>
        </tr>
    }
    .into_any()
}

/// One attribute, as it was and as it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OneDifference {
    attribute: String,
    before: String,
    after: String,
}

#[component]
fn Difference(of: OneDifference) -> impl IntoView {
    let title = format!("{}: {} → {}", of.attribute, of.before, of.after);
    view! {
        <span class="flex items-baseline gap-1.5 min-w-0" title=title>
            <span class="text-muted whitespace-nowrap">{of.attribute}</span>
            {(!of.before.is_empty())
                .then(|| {
                    view! {
                        <bdi class="rc-old truncate">{of.before}</bdi>
                        <Icon name="arrow-right" small=true class="text-faint self-center" />
                        <span class="sr-only">"becomes"</span>
                    }
                })}
            <bdi class="font-medium truncate">{of.after}</bdi>
        </span>
    }
    .into_any()
}

/// The attributes that differ. Of a membership change: how many come and go.
fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<OneDifference> {
    let Some(Value::Object(after)) = after else {
        return Vec::new();
    };
    let ids = |name: &str| after.get(name).and_then(Value::as_array).map(Vec::len);
    if let (Some(added), Some(removed)) = (ids("added"), ids("removed")) {
        let members = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        return [("added", added), ("removed", removed)]
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .map(|(what, n)| OneDifference {
                attribute: format!("members {what}"),
                before: String::new(),
                after: grouped(members(n)),
            })
            .collect();
    }
    let before = before.and_then(Value::as_object);
    after
        .iter()
        // The change's own reason says it in words.
        .filter(|(attribute, _)| *attribute != "status_reason")
        .map(|(attribute, value)| {
            let words = |value| match attribute.as_str() {
                "status" => status_words(value),
                _ => value_words(value),
            };
            OneDifference {
                attribute: attribute_words(attribute),
                before: before
                    .map(|before| words(before.get(attribute)))
                    .unwrap_or_default(),
                after: words(Some(value)),
            }
        })
        .collect()
}

/// A status in the words of User Status.
fn status_words(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<DirectoryStatus>().ok())
        .map_or_else(|| value_words(value), |status| status.title().to_owned())
}

/// `user_principal_name` as "user principal name".
fn attribute_words(attribute: &str) -> String {
    attribute.replace('_', " ")
}

/// A value as a person reads it; what is empty is said so.
fn value_words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "empty".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value_words(Some(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{OneDifference, differences};

    fn difference(attribute: &str, before: &str, after: &str) -> OneDifference {
        OneDifference {
            attribute: attribute.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }

    #[test]
    fn attributes_show_as_they_were_and_become() {
        assert_eq!(
            differences(
                Some(&json!({"given_name": null, "status": "active", "status_reason": null})),
                Some(&json!({
                    "given_name": "Søren",
                    "status": "inactive",
                    "status_reason": "soft_deleted"
                })),
            ),
            [
                difference("given name", "empty", "Søren"),
                difference("status", "Active", "Inactive"),
            ]
        );
        assert_eq!(differences(None, None), []);
    }

    #[test]
    fn members_are_counted_not_listed() {
        assert_eq!(
            differences(None, Some(&json!({"added": ["a", "b"], "removed": []}))),
            [difference("members added", "", "2")]
        );
    }
}
