//! One user: attributes, where they come from, and the groups they are in.

use domain::{
    id::UserId,
    policy::ObjectType,
    user::{DirectoryStatus, MemberOf, UserDetail},
    why::Why,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

use super::protection::{ProtectionNote, RuleNote};
use crate::{
    integrations::SyncNow,
    ui::{countdown::CountdownNote, prelude::*, why::Explanation},
};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserView {
    detail: UserDetail,
    groups: Vec<MemberOf>,
    why: Why,
}

/// One user with their groups, and why they are as they are.
#[server(endpoint = "users/view", input = Json)]
pub(crate) async fn view_user(id: UserId) -> AppResult<UserView> {
    use backend::store::users;
    let (backend, scope) = crate::session::caller().await?;
    Ok(UserView {
        detail: users::detail(&backend, &scope, id).await?,
        groups: users::member_of(&backend, &scope, id).await?,
        why: backend::why::of_user(&backend, &scope, id).await?,
    })
}

/// The page.
#[component]
pub fn UserPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<UserId>().ok()));
    let changes = use_changes();
    let user = Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_user(id).await,
                None => Err(AppError::NotFound {
                    what: "user".to_owned(),
                }),
            }
        },
    );
    view! {
        <Load resource=user whole=true let:user>
            <User user=user />
        </Load>
    }
    .into_any()
}

#[component]
fn User(user: UserView) -> impl IntoView {
    let address = use_address();
    let UserView {
        detail,
        groups,
        why,
    } = user;
    let name = detail.line.user.display_name.clone();
    let changed = detail.line.changed_at;
    let count = i64::try_from(groups.len()).unwrap_or(i64::MAX);
    let parent = (address.keep(routes::USERS), "Users".to_owned());
    let facts = detail.clone();
    let (user, protection) = (detail.line.user.id, detail.protection.clone());
    let deleted = detail.line.user.status == DirectoryStatus::Deleted;
    let source = detail
        .line
        .user
        .integration_id
        .zip(detail.line.user.external_id);
    view! {
        <PageHead
            title=name
            parent=parent
            facts=move || view! { <Facts detail=facts.clone() /> }.into_any()
        >
            {source
                .map(|(integration, object)| {
                    view! { <SyncNow integration=integration object=object /> }
                })}
        </PageHead>
        <div class="flex-1 grid content-start xl:grid-cols-[minmax(0,1fr)_26rem] gap-x-12 px-6 py-5 max-md:px-4 border-t border-line">
            <div class="min-w-0">
            {protection
                .clone()
                .map(|protection| {
                    view! { <ProtectionNote id=user protection=Some(protection) /> }
                })}
            {detail
                .protecting_rule
                .clone()
                .map(|rule| {
                    let integration = detail.integration_name.clone();
                    view! { <RuleNote by=rule integration=integration /> }
                })}
            <CountdownNote
                object_type=ObjectType::User
                id=detail.line.user.id.0
                countdown=detail.countdown.clone()
            />
            <section aria-labelledby="h-why" class="min-w-0">
                <h2 id="h-why" class="text-lg max-w-[60ch] mb-3">
                    <span class="sr-only">"Why? "</span>
                    {why.answer.clone()}
                </h2>
                <Explanation why=why />
            </section>
            <section aria-labelledby="h-groups" class="min-w-0 mt-6">
                <div class="flex items-baseline gap-2">
                    <h2 id="h-groups" class="text-base">"Groups"</h2>
                    <span class="text-muted rc-num">{grouped(count)}</span>
                </div>
                <Groups groups=groups />
            </section>
            {(protection.is_none() && !deleted)
                .then(|| view! { <ProtectionNote id=user protection=None /> })}
            </div>
            <section aria-labelledby="h-attributes" class="min-w-0 max-xl:mt-6">
                <div class="flex items-baseline">
                    <h2 id="h-attributes" class="text-base">"Attributes"</h2>
                    <span class="ms-auto text-muted">"changed " <RelativeTime at=changed /></span>
                </div>
                <Attributes detail=detail />
            </section>
        </div>
    }
    .into_any()
}

/// Status, why, where from, whose.
#[component]
fn Facts(detail: UserDetail) -> impl IntoView {
    let line = detail.line;
    let from = detail.integration_name.map(|name| format!(" from {name}"));
    view! {
        <span class="inline-flex text-base-content"><InDirectory status=line.user.status /></span>
        {detail.status_reason.map(|reason| view! { <span>{reason.title()}</span> })}
        <span class="inline-flex items-center">
            <Source source=line.user.source_type />
            {match (from, line.user.integration_id) {
                (Some(from), Some(id)) => {
                    view! { <a class="hover:underline ms-1" href=routes::integration(id)>{from}</a> }
                        .into_any()
                }
                (Some(from), None) => from.into_any(),
                (None, _) => ().into_any(),
            }}
        </span>
        <a class="hover:underline" href=routes::customer(line.customer_id)>
            <bdi>{line.customer_name}</bdi>
        </a>
        {line
            .pending
            .map(|pending| {
                view! {
                    <Status of=Mark { icon: "hand", word: "Pending", tone: "held" } />
                    <span>{pending}</span>
                }
            })}
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
                    <td role="cell"><InDirectory status=group.status group=true /></td>
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
fn words(name: &str) -> String {
    match name {
        "userPrincipalName" => return "User name".to_owned(),
        "preferredLanguage" => return "Language".to_owned(),
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

#[component]
fn Attributes(detail: UserDetail) -> impl IntoView {
    let user = detail.line.user;
    let known = [
        ("givenName", user.given_name),
        ("surname", user.surname),
        ("userPrincipalName", user.user_principal_name),
        ("mail", user.mail),
        ("id", user.external_id.map(|id| id.to_string())),
    ];
    let rows = known
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain(
            detail
                .attributes
                .into_iter()
                .map(|attribute| (attribute.name, Some(attribute.value))),
        )
        .map(|(name, value)| {
            let label = if name == "id" { "Object id".to_owned() } else { words(&name) };
            let mono = if name == "id" { "block truncate rc-mono" } else { "block truncate" };
            view! {
                <tr>
                    <th scope="row" class="font-normal! static! text-sm! leading-4">
                        {label} <span class="block text-xs text-faint">{name}</span>
                    </th>
                    <td class="grow">
                        {match value {
                            Some(value) => {
                                view! { <bdi class=mono title=value.clone()>{value.clone()}</bdi> }.into_any()
                            }
                            None => view! { <span class="text-faint">"–"</span> }.into_any(),
                        }}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="rc-table still roomy mt-1" aria-labelledby="h-attributes">
            <thead>
                <tr>
                    <th scope="col">"Attribute"</th>
                    <th scope="col" class="grow">"Value"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn attributes_have_names_people_read() {
        for (name, text) in [
            ("givenName", "Given name"),
            ("jobTitle", "Job title"),
            ("userPrincipalName", "User name"),
            ("department", "Department"),
        ] {
            assert_eq!(words(name), text);
        }
    }
}
