//! Putting members into a group made here, and taking them out.

use std::time::Duration;

use domain::{id::GroupId, made_here::MemberHit};
use leptos::{leptos_dom::helpers::debounce, server, server_fn::codec::Json};

use super::change::use_id;
use crate::ui::{
    form::{FieldError, use_field_error},
    prelude::*,
    status::type_icon,
};

/// Who of the customer's directory could become a member: whose name or address holds `q`.
#[server(endpoint = "groups/candidates", input = Json)]
pub(crate) async fn candidates(id: GroupId, q: String) -> AppResult<Vec<MemberHit>> {
    let (backend, scope) = crate::session::caller().await?;
    if q.trim().is_empty() {
        // Who may not see the group learns so all the same.
        backend::store::groups::name(&backend, &scope, id).await?;
        return Ok(Vec::new());
    }
    Ok(backend::store::groups::candidates(&backend, &scope, id, &q).await?)
}

/// Puts members into a group.
#[server(endpoint = "groups/add-members")]
pub(crate) async fn add_members(
    id: GroupId,
    #[server(default)] member_ids: Vec<uuid::Uuid>,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    if member_ids.is_empty() {
        backend::store::groups::name(&backend, &scope, id).await?;
        return Err(AppError::invalid("member_ids", "Tick somebody first."));
    }
    let number = backend::store::groups::add_members(&backend, &scope, id, &member_ids).await?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let message = format!("{} added", counted(number, "member", "members"));
    crate::session::done(message, Some(routes::group(id))).await
}

/// Takes members out of a group.
#[server(endpoint = "groups/remove-members")]
pub(crate) async fn remove_members(
    id: GroupId,
    #[server(default)] member_ids: Vec<uuid::Uuid>,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let number = backend::store::groups::remove_members(&backend, &scope, id, &member_ids).await?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let message = format!("{} removed", counted(number, "member", "members"));
    crate::session::done(message, None).await
}

/// A table of members in which some are ticked, and the button that takes them out.
#[component]
pub(super) fn Removal(
    /// The group.
    id: GroupId,
    /// The table.
    children: Children,
) -> impl IntoView {
    let post = use_post::<RemoveMembers>();
    view! {
        <PostForm post=post>
            <input type="hidden" name="id" value=id.to_string() />
            {children()}
            <div class="px-6 py-2 max-md:px-4">
                <Submit label="Remove ticked members" busy="Removing" class="btn btn-sm" />
            </div>
        </PostForm>
    }
    .into_any()
}

/// Add Members. What is searched for stands in the address, so that it works before the browser code
/// has loaded; with it, it is searched for while one types, and who is ticked stays so.
#[component]
pub fn AddMembersDialog() -> impl IntoView {
    let address = use_address();
    let id = use_id();
    let typed = RwSignal::new(address.get("find").unwrap_or_default());
    let hits = Resource::new(
        move || (id.get(), typed.get()),
        |(id, q)| async move {
            match id {
                Some(id) => candidates(id, q).await,
                None => Err(AppError::NotFound {
                    what: "group".to_owned(),
                }),
            }
        },
    );
    let chosen = RwSignal::new(Vec::<MemberHit>::new());
    let post = use_post::<AddMembers>();
    let back = id
        .get_untracked()
        .map_or_else(|| routes::GROUPS.to_owned(), routes::group);
    let here = address.path();
    let kept = move || {
        let pairs = address.pairs().into_iter();
        pairs
            .filter(|(name, _)| name != "find")
            .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
            .collect_view()
    };
    let search = debounce(Duration::from_millis(200), move |q: String| typed.set(q));
    view! {
        <Dialog title="Add Members" back=back.clone()>
            <form method="get" action=here class="mb-3" on:submit=|ev| ev.prevent_default()>
                {kept}
                <label for="f-find" class="block font-medium mb-1">
                    "Find"
                </label>
                <div class="flex gap-2">
                    <input
                        id="f-find"
                        class="input"
                        type="search"
                        name="find"
                        autocomplete="off"
                        autofocus=true
                        placeholder="A part of a name or an address"
                        value=typed.get_untracked()
                        on:input={
                            let mut search = search;
                            move |ev| search(event_target_value(&ev))
                        }
                    />
                    <button type="submit" class="btn hidden plain:inline-flex">
                        "Search"
                    </button>
                </div>
            </form>
            <PostForm post=post>
                <input
                    type="hidden"
                    name="id"
                    value=move || id.get().map(|id| id.to_string()).unwrap_or_default()
                />
                <Load
                    resource=hits
                    children=move |found| {
                        view! { <Hits found=found q=typed.get_untracked() chosen=chosen /> }
                    }
                />
                <MemberError />
                <DialogFoot back=back>
                    <Submit label="Add" busy="Adding" />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

#[component]
fn MemberError() -> impl IntoView {
    view! { <FieldError id="f-member_ids-e" error=use_field_error("member_ids") /> }
}

/// Who was ticked before and isn't found any more, and who is found.
#[component]
fn Hits(found: Vec<MemberHit>, q: String, chosen: RwSignal<Vec<MemberHit>>) -> impl IntoView {
    let before: Vec<_> = chosen.with_untracked(|chosen| {
        let others = chosen.iter();
        others
            .filter(|one| found.iter().all(|hit| hit.id != one.id))
            .cloned()
            .collect()
    });
    let nobody = found.is_empty() && before.is_empty();
    if nobody {
        let says = if q.trim().is_empty() {
            "Users, groups, contacts and devices of the customer are found by a part of their name."
        } else {
            "Nobody else of the customer has this in name or address."
        };
        return view! { <p class="text-muted" role="status">{says}</p> }.into_any();
    }
    let rows = before
        .into_iter()
        .chain(found)
        .map(|hit| view! { <Hit hit=hit chosen=chosen /> })
        .collect_view();
    view! {
        <ul
            class="max-h-72 overflow-auto rounded-field border border-line p-1"
            aria-label="Found"
            tabindex="0"
        >
            {rows}
        </ul>
    }
    .into_any()
}

#[component]
fn Hit(hit: MemberHit, chosen: RwSignal<Vec<MemberHit>>) -> impl IntoView {
    let id = hit.id;
    let ticked = chosen.with_untracked(|chosen| chosen.iter().any(|one| one.id == id));
    let (of, name, detail) = (
        hit.object_type,
        hit.display_name.clone(),
        hit.detail.clone(),
    );
    let turn = move |ev: web_sys::Event| {
        let hit = hit.clone();
        chosen.update(|chosen| {
            chosen.retain(|one| one.id != id);
            if event_target_checked(&ev) {
                chosen.push(hit);
            }
        });
    };
    view! {
        <li>
            <label class="rc-opt hover:bg-hover">
                <input
                    type="checkbox"
                    class="checkbox flex-none"
                    name="member_ids[]"
                    value=id.to_string()
                    checked=ticked
                    on:change=turn
                />
                <Icon name=type_icon(of) class="text-muted" />
                <bdi class="truncate">{name}</bdi>
                <bdi class="ms-auto ps-3 text-xs text-muted truncate">
                    {detail.unwrap_or_else(|| of.title().to_owned())}
                </bdi>
            </label>
        </li>
    }
    .into_any()
}
