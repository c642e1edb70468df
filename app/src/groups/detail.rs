//! One group: its members, and the groups it is itself a member of.

#[cfg(feature = "ssr")]
use domain::group::MemberLine;
use domain::{
    group::GroupDetail,
    id::GroupId,
    made_here::Editable,
    paging::Page,
    permission::Permission,
    policy::ObjectType,
    user::{DirectoryStatus, MemberOf},
    why::Why,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};

use super::{change::Restore, members::Removal};
use crate::{
    session::may,
    ui::{
        countdown::CountdownNote,
        list::past_the_end,
        made_here::{BinNote, ElsewhereNote},
        prelude::*,
        status::type_icon,
        why::Explanation,
    },
};

/// A member as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    id: uuid::Uuid,
    object_type: ObjectType,
    display_name: String,
    user_principal_name: Option<String>,
    status: Option<DirectoryStatus>,
    path: Vec<String>,
    /// Whether it can be taken out of the group here.
    removable: bool,
}

impl Member {
    /// The member of a group, which is made here or not.
    #[cfg(feature = "ssr")]
    fn of(line: MemberLine, made_here: bool) -> Self {
        Self {
            removable: made_here && line.direct,
            id: line.id,
            object_type: line.object_type,
            display_name: line.display_name,
            user_principal_name: line.user_principal_name,
            status: line.status,
            path: line.path,
        }
    }
}

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupView {
    detail: GroupDetail,
    member_of: Vec<MemberOf>,
    why: Why,
}

impl GroupView {
    /// The group alone.
    pub(super) fn detail(self) -> GroupDetail {
        self.detail
    }
}

/// One group, the groups that hold it, and why it is as it is.
#[server(endpoint = "groups/view", input = Json)]
pub(crate) async fn view_group(id: GroupId) -> AppResult<GroupView> {
    use backend::store::groups;
    let (backend, scope) = crate::session::caller().await?;
    Ok(GroupView {
        detail: groups::detail(&backend, &scope, id).await?,
        member_of: groups::member_of(&backend, &scope, id).await?,
        why: backend::why::of_group(&backend, &scope, id).await?,
    })
}

/// A page of a group's members.
#[server(endpoint = "groups/members", input = Json)]
pub(crate) async fn list_members(id: GroupId, list: ListQuery) -> AppResult<Page<Member>> {
    use backend::store::groups;
    let (backend, scope) = crate::session::caller().await?;
    let members = groups::members(&backend, &scope, id, list.q.as_deref(), list.page).await?;
    let made_here = groups::takes_members(&backend, &scope, id).await?;
    Ok(members.map(|line| Member::of(line, made_here)))
}

/// The page. What changes the group are child routes with dialogs.
#[component]
pub fn GroupPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<GroupId>().ok()));
    let changes = use_changes();
    let group = Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_group(id).await,
                None => Err(AppError::NotFound {
                    what: "group".to_owned(),
                }),
            }
        },
    );
    view! {
        <Load resource=group whole=true let:group>
            <Group group=group />
        </Load>
        <Members id=id />
        <Outlet />
    }
    .into_any()
}

#[component]
fn Group(group: GroupView) -> impl IntoView {
    let address = use_address();
    let GroupView {
        detail,
        member_of,
        why,
    } = group;
    let parent = (address.keep(routes::GROUPS), "Groups".to_owned());
    let name = detail.line.group.display_name.clone();
    let (id, countdown) = (detail.line.group.id, detail.countdown.clone());
    let deleted = detail.line.group.status == DirectoryStatus::Deleted;
    let changes = may(Permission::DirectoryWrite) && detail.editable == Editable::Here;
    let (editable, elsewhere) = (detail.editable, detail.elsewhere.clone());
    let purge_at = detail.purge_at;
    view! {
        <PageHead
            title=name
            parent=parent
            facts=move || view! { <Facts detail=detail.clone() /> }.into_any()
        >
            {(changes && !deleted).then(|| view! { <Actions id=id /> })}
        </PageHead>
        <div class="px-6 max-md:px-4 empty:hidden">
            <BinNote purge_at=purge_at>
                {changes.then(|| view! { <div class="mt-2"><Restore id=id class="btn" /></div> })}
            </BinNote>
            <ElsewhereNote of=ObjectType::Group editable=editable elsewhere=elsewhere />
            <CountdownNote object_type=ObjectType::Group id=id.0 countdown=countdown />
        </div>
        <MemberOfLine groups=member_of />
        <details class="px-6 pb-4 max-md:px-4 max-w-4xl">
            <summary class="cursor-pointer py-1">
                <span class="font-medium">"Why? "</span>
                {why.answer.clone()}
            </summary>
            <div class="mt-2">
                <Explanation why=why />
            </div>
        </details>
    }
    .into_any()
}

/// What can be done to a group made here.
#[component]
fn Actions(id: GroupId) -> impl IntoView {
    let link = move |dialog: &'static str, icon: &'static str, words: &'static str| {
        view! {
            <a class="btn" href=routes::group_dialog(id, dialog) data-noscroll="true">
                <Icon name=icon />
                {words}
            </a>
        }
    };
    view! {
        {link("add-members", "user-plus", "Add Members")}
        {link("edit", "pencil", "Edit")}
        {link("delete", "trash-2", "Delete")}
    }
    .into_any()
}

/// The members. Beside the group and not inside it: what is read inside what is read is lost
/// track of when the browser code takes over.
#[component]
fn Members(id: Memo<Option<GroupId>>) -> impl IntoView {
    let address = use_address();
    let asked = Memo::new(move |_| address.list());
    let changes = use_changes();
    let members = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, list, _)| async move {
            match id {
                Some(id) => list_members(id, list).await,
                None => Err(AppError::NotFound {
                    what: "group".to_owned(),
                }),
            }
        },
    );
    view! {
        <section
            aria-labelledby="h-members"
            class="rc-part flex-1 flex flex-col border-t border-line"
        >
            <h2 id="h-members" class="text-base px-6 pt-4 max-md:px-4">"Members"</h2>
            <ListBar label="Members">
                <TotalOf resource=members one="member" many="members" />
            </ListBar>
            <Load resource=members let:page>
                <MemberTable id=id.get_untracked() list=asked.get_untracked() page=page />
            </Load>
        </section>
    }
    .into_any()
}

#[component]
fn MemberTable(id: Option<GroupId>, list: ListQuery, page: Page<Member>) -> impl IntoView {
    let total = page.total;
    if page.items.is_empty() && !past_the_end(&page, list.page) {
        return if list.q.is_some() {
            view! { <NoMatch many="members" /> }.into_any()
        } else {
            view! {
                <p class="px-6 py-3 text-muted max-md:px-4">
                    "No member of this group is in the directory."
                </p>
            }
            .into_any()
        };
    }
    // Most groups hold nobody through others.
    let through = page.items.iter().any(|member| !member.path.is_empty());
    let remove =
        may(Permission::DirectoryWrite) && page.items.iter().any(|member| member.removable);
    let rows = page
        .items
        .into_iter()
        .map(|member| view! { <MemberRow member=member through=through remove=remove /> })
        .collect_view();
    let table = view! {
        <table class="rc-table bleed rc-stack rows" role="table" aria-labelledby="h-members">
            <thead role="rowgroup">
                <tr role="row">
                    {remove.then(|| view! { <Head label="Remove" /> })}
                    <Head label="Name" class="grow" />
                    <Head label="User Name" />
                    <Head label="Type" />
                    {through.then(|| view! { <Head label="Through" /> })}
                    <Head label="Status" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    };
    let table = match id.filter(|_| remove) {
        Some(id) => view! { <Removal id=id>{table}</Removal> }.into_any(),
        None => table.into_any(),
    };
    view! {
        {table}
        <Pager page=list.page total=total />
    }
    .into_any()
}

/// Status, kind, where from, whose.
#[component]
fn Facts(detail: GroupDetail) -> impl IntoView {
    let line = detail.line;
    view! {
        <span class="inline-flex text-base-content"><InDirectory status=line.group.status of=ObjectType::Group /></span>
        {detail.status_reason.map(|reason| view! { <span>{reason.title()}</span> })}
        <span>
            {line.group.kind.title()} {line.dynamic.then_some(", dynamic")}
        </span>
        <span class="inline-flex items-center">
            <Source source=line.group.source_type />
            {match (detail.integration_name, detail.integration_id) {
                (Some(name), Some(id)) => {
                    view! {
                        <a class="hover:underline ms-1" href=routes::integration(id)>
                            {format!("from {name}")}
                        </a>
                    }
                        .into_any()
                }
                _ => ().into_any(),
            }}
        </span>
        <a class="hover:underline" href=routes::customer(line.customer_id)>
            <bdi>{line.customer_name}</bdi>
        </a>
        {detail.mail.map(|mail| view! { <bdi>{mail}</bdi> })}
        {line.selected.then(|| view! { <span class="rc-tag run">"Selected"</span> })}
        {detail
            .description
            .map(|text| view! { <p class="basis-full max-w-[60ch]"><bdi>{text}</bdi></p> })}
    }
    .into_any()
}

/// "Member of": the groups that hold this one.
#[component]
fn MemberOfLine(groups: Vec<MemberOf>) -> impl IntoView {
    let address = use_address();
    (!groups.is_empty()).then(|| {
        let links = groups
            .into_iter()
            .map(|group| {
                let href = address.keep(&routes::group(group.id));
                view! {
                    <li>
                        <a class="rc-link" href=href><bdi>{group.display_name}</bdi></a>
                    </li>
                }
            })
            .collect_view();
        view! {
            <section
                aria-labelledby="h-member-of"
                class="flex gap-x-4 gap-y-1 flex-wrap px-6 pb-4 max-md:px-4"
            >
                <h2 id="h-member-of" class="text-sm font-medium text-muted">"Member of"</h2>
                <ul class="flex gap-x-4 gap-y-1 flex-wrap min-w-0">{links}</ul>
            </section>
        }
    })
}

/// The groups by which somebody is a member who is none directly.
#[component]
fn Through(path: Vec<String>) -> impl IntoView {
    let title = path.join(" › ");
    let names = path
        .into_iter()
        .enumerate()
        .map(|(at, name)| view! { {(at > 0).then_some(" › ")} <bdi>{name}</bdi> })
        .collect_view();
    view! {
        <td role="cell" class="text-muted max-md:order-4 max-md:has-[span:empty]:hidden">
            <span class="block truncate max-w-72" title=title>
                {names}
            </span>
        </td>
    }
}

#[component]
fn MemberRow(
    member: Member,
    /// Whether it is shown through which groups they are members.
    through: bool,
    /// Whether direct members can be ticked to be removed.
    remove: bool,
) -> impl IntoView {
    let address = use_address();
    let of = member.object_type;
    let href = routes::object(of, member.id).map(|path| address.keep(&path));
    let tick = member.removable.then(|| {
        view! {
            <input
                type="checkbox"
                class="checkbox"
                name="member_ids[]"
                value=member.id.to_string()
                aria-label=format!("Remove {}", member.display_name)
            />
        }
    });
    view! {
        <tr role="row">
            {remove.then(|| view! { <td role="cell">{tick}</td> })}
            <td role="cell" class="grow">
                <a class="rc-rowlink block truncate" href=href>
                    <bdi title=member.display_name.clone()>{member.display_name.clone()}</bdi>
                </a>
            </td>
            <td role="cell" class="text-muted max-md:order-3">
                <bdi class="block truncate max-w-72">{member.user_principal_name}</bdi>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:hidden">
                <span class="inline-flex items-center gap-1.5">
                    <Icon name=type_icon(of) class="text-muted" />
                    {of.title()}
                </span>
            </td>
            {through.then(|| view! { <Through path=member.path /> })}
            <td role="cell">
                {member.status.map(|status| view! { <InDirectory status=status of=of /> })}
            </td>
        </tr>
    }
}
