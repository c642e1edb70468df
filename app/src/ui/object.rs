//! What the pages of users, contacts and devices show of one object: its facts, its groups and its
//! attributes.

use domain::{
    DateTime,
    device::trust_words,
    id::{CustomerId, IntegrationId},
    policy::ObjectType,
    run::Reason,
    user::{DirectoryStatus, MemberOf, SourceType},
};

use super::prelude::*;

/// Status, why, where from, whose, and what waits.
#[component]
pub fn ObjectFacts(
    /// What it is.
    of: ObjectType,
    /// Its status.
    status: DirectoryStatus,
    /// Why it is inactive or deleted.
    reason: Option<Reason>,
    /// Where it comes from.
    source: SourceType,
    /// The integration it comes from.
    integration_id: Option<IntegrationId>,
    /// The integration's name.
    integration_name: Option<String>,
    /// Its customer.
    customer_id: CustomerId,
    /// The customer's name.
    customer_name: String,
    /// What waits to be applied, in words.
    pending: Option<String>,
) -> impl IntoView {
    let from = integration_name.map(|name| format!(" from {name}"));
    view! {
        <span class="inline-flex text-base-content"><InDirectory status=status of=of /></span>
        {reason.map(|reason| view! { <span>{reason.title()}</span> })}
        <span class="inline-flex items-center">
            <Source source=source />
            {match (from, integration_id) {
                (Some(from), Some(id)) => {
                    view! { <a class="hover:underline ms-1" href=routes::integration(id)>{from}</a> }
                        .into_any()
                }
                (Some(from), None) => from.into_any(),
                (None, _) => ().into_any(),
            }}
        </span>
        <a class="hover:underline" href=routes::customer(customer_id)>
            <bdi>{customer_name}</bdi>
        </a>
        {pending
            .map(|pending| {
                view! {
                    <Status of=Mark { icon: "hand", word: "Pending", tone: "held" } />
                    <span>{waits_for(&pending)}</span>
                }
            })}
    }
    .into_any()
}

/// Why something waits, in words.
fn waits_for(pending: &str) -> String {
    match pending {
        "mapping" => "a mapping rule fails for it".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The groups that an object is in, with how many there are.
#[component]
pub fn GroupsSection(
    /// The groups.
    groups: Vec<MemberOf>,
) -> impl IntoView {
    let count = i64::try_from(groups.len()).unwrap_or(i64::MAX);
    view! {
        <section aria-labelledby="h-groups" class="min-w-0 mt-6">
            <div class="flex items-baseline gap-2">
                <h2 id="h-groups" class="text-base">"Groups"</h2>
                <span class="text-muted rc-num">{grouped(count)}</span>
            </div>
            <Groups groups=groups />
        </section>
    }
    .into_any()
}

#[component]
fn Groups(groups: Vec<MemberOf>) -> impl IntoView {
    let address = use_address();
    if groups.is_empty() {
        return view! { <p class="text-muted mt-2">"In no group."</p> }.into_any();
    }
    let rows = groups
        .into_iter()
        .map(|group| {
            let href = address.keep(&routes::group(group.id));
            view! {
                <tr role="row">
                    <td role="cell" class="grow">
                        <a class="rc-rowlink block truncate" href=href>
                            <bdi title=group.display_name.clone()>{group.display_name.clone()}</bdi>
                        </a>
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted">{group.kind.title()}</td>
                    <td role="cell"><InDirectory status=group.status of=ObjectType::Group /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="rc-table still mt-1" role="table" aria-labelledby="h-groups">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Name" class="grow" />
                    <Head label="Kind" />
                    <Head label="Status" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Graph's names in words people use; others are split where they grow a capital.
pub fn attribute_words(name: &str) -> String {
    match name {
        "id" => return "Object id".to_owned(),
        "displayName" => return "Display name".to_owned(),
        "userPrincipalName" => return "User name".to_owned(),
        "preferredLanguage" => return "Language".to_owned(),
        "companyName" => return "Company".to_owned(),
        "isCompliant" => return "Compliant".to_owned(),
        "isManaged" => return "Managed".to_owned(),
        "registrationDateTime" => return "Registered".to_owned(),
        "createdDateTime" => return "Created".to_owned(),
        "approximateLastSignInDateTime" => return "Last sign-in, about".to_owned(),
        _ => {}
    }
    let mut words = String::with_capacity(name.len() + 4);
    for (i, letter) in name.chars().enumerate() {
        match (i, letter.is_ascii_uppercase()) {
            (0, _) => words.extend(letter.to_uppercase()),
            (_, true) => {
                words.push(' ');
                words.push(letter.to_ascii_lowercase());
            }
            _ => words.push(letter),
        }
    }
    words
}

/// A value as a person reads it: a time in the reader's zone, a trust type in words.
#[component]
pub fn Value(
    /// The attribute's name.
    name: String,
    /// What it holds.
    value: String,
) -> impl IntoView {
    if name.ends_with("DateTime")
        && let Ok(at) = value.parse::<DateTime>()
    {
        return view! { <ExactTime at=at /> }.into_any();
    }
    let class = match &*name {
        "id" | "deviceId" => "block truncate rc-mono",
        _ => "block truncate",
    };
    let value = match &*name {
        "trustType" => trust_words(&value).to_owned(),
        _ => value,
    };
    view! { <bdi class=class title=value.clone()>{value.clone()}</bdi> }.into_any()
}

/// The attributes of an object: those every object of its type has, empty or not, and then
/// whatever else the source gave.
#[component]
pub fn AttributesSection(
    /// Graph's names and what they hold.
    rows: Vec<(String, Option<String>)>,
    /// When the object last changed.
    changed: DateTime,
) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|(name, value)| {
            view! {
                <tr>
                    <th scope="row" class="font-normal! static! text-sm! leading-4">
                        {attribute_words(&name)} <span class="block text-xs text-faint">{name.clone()}</span>
                    </th>
                    <td class="grow">
                        {match value {
                            Some(value) => view! { <Value name=name value=value /> }.into_any(),
                            None => view! { <span class="text-faint">"–"</span> }.into_any(),
                        }}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-attributes" class="min-w-0 max-xl:mt-6">
            <div class="flex items-baseline">
                <h2 id="h-attributes" class="text-base">"Attributes"</h2>
                <span class="ms-auto text-muted">"changed " <RelativeTime at=changed /></span>
            </div>
            <table class="rc-table still roomy mt-1" aria-labelledby="h-attributes">
                <thead>
                    <tr>
                        <th scope="col">"Attribute"</th>
                        <th scope="col" class="grow">"Value"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::attribute_words;

    #[test]
    fn attributes_have_names_people_read() {
        for (name, text) in [
            ("givenName", "Given name"),
            ("jobTitle", "Job title"),
            ("userPrincipalName", "User name"),
            ("department", "Department"),
            ("companyName", "Company"),
            ("operatingSystemVersion", "Operating system version"),
            ("isCompliant", "Compliant"),
            ("id", "Object id"),
        ] {
            assert_eq!(attribute_words(name), text);
        }
    }
}
