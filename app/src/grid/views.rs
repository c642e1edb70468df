//! Views: a list's filters, order and columns under a name, for oneself or shared.

use domain::{
    grid::{GridList, SavedView},
    id::SavedViewId,
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Redirect;

use super::columns::page;
use crate::{
    session::may,
    ui::{address::link, menu::Menu, prelude::*},
};

/// The views of a list that the operator may see.
#[server(endpoint = "grid/views", input = Json)]
pub(crate) async fn list_views(list: GridList) -> AppResult<Vec<SavedView>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::grid::views(&backend, &scope, list).await?)
}

/// Saves the list as it is as a view.
#[server(endpoint = "grid/save-view")]
pub(crate) async fn save_view(
    list: GridList,
    name: String,
    #[server(default)] query: String,
    #[server(default)] shared: bool,
    #[server(default)] is_default: bool,
) -> AppResult<Done> {
    use domain::grid::NewSavedView;
    let (backend, scope) = crate::session::caller().await?;
    let new = NewSavedView {
        list,
        name,
        query,
        shared,
        is_default,
    };
    let view = backend::store::grid::save(&backend, &scope, new).await?;
    let to = address_of(&view);
    crate::session::done(format!("View {} saved", view.name), Some(to)).await
}

/// Changes the name of a view, who sees it, and whether the list opens with it.
#[server(endpoint = "grid/change-view")]
pub(crate) async fn change_view(
    id: SavedViewId,
    #[server(default)] name: Option<String>,
    #[server(default)] shared: bool,
    #[server(default)] is_default: bool,
) -> AppResult<Done> {
    use domain::grid::SavedViewChange;
    let (backend, scope) = crate::session::caller().await?;
    let before = backend::store::grid::view(&backend, &scope, id).await?;
    let change = SavedViewChange {
        name: name.filter(|_| before.own),
        query: None,
        shared: before.own.then_some(shared),
        is_default: Some(is_default),
    };
    backend::store::grid::change(&backend, &scope, id, change).await?;
    crate::session::done("Saved", None).await
}

/// Deletes a view.
#[server(endpoint = "grid/delete-view")]
pub(crate) async fn delete_view(id: SavedViewId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::grid::delete(&backend, &scope, id).await?;
    crate::session::done("View deleted", None).await
}

/// The list as a view has it.
fn address_of(view: &SavedView) -> String {
    if view.query.is_empty() {
        // A bare address is the default view's.
        return link(page(view.list), &[("view".to_owned(), "all".to_owned())]);
    }
    format!("{}?{}", page(view.list), view.query)
}

/// The query of the list as it is.
fn query_now(list: GridList) -> String {
    let mut pairs = use_address().pairs();
    pairs.retain(|(name, _)| list.parameters().contains(&name.as_str()));
    let text = link("", &pairs);
    text.trim_start_matches('?').to_owned()
}

/// Whether two queries say the same.
fn same(a: &str, b: &str) -> bool {
    let sorted = |query: &str| {
        let mut pairs: Vec<String> = query.split('&').map(str::to_owned).collect();
        pairs.sort_unstable();
        pairs
    };
    sorted(a) == sorted(b)
}

/// The menu of views. A list that is opened without anything in its address opens with the default.
#[component]
pub(crate) fn ViewsMenu(
    /// The list.
    list: GridList,
) -> impl IntoView {
    let changes = use_changes();
    let address = use_address();
    let views = Resource::new(move || changes.follow(), move |_| list_views(list));
    view! {
        <Transition>
            {move || {
                // Made anew with the address: it is what is saved.
                drop(address.pairs());
                Suspend::new(async move {
                    let views = views.await.unwrap_or_default();
                    view! { <Views list=list views=views /> }
                })
            }}
        </Transition>
    }
    .into_any()
}

#[component]
fn Views(list: GridList, views: Vec<SavedView>) -> impl IntoView {
    let address = use_address();
    let bare = address.pairs().iter().all(|(name, _)| name == "customer");
    let on_list = address.path() == page(list);
    let customer = address.customer();
    let default = views.iter().find(|view| {
        view.is_default
            && !view.query.is_empty()
            && (view.customer_id.is_none() || customer.is_none() || view.customer_id == customer)
    });
    if bare
        && on_list
        && let Some(default) = default
    {
        let mut to = address_of(default);
        if let Some(customer) = customer
            && default.customer_id.is_none()
        {
            to = format!("{to}&customer={customer}");
        }
        return view! { <Redirect path=to /> }.into_any();
    }
    let now = query_now(list);
    let items = views
        .iter()
        .map(|view| {
            let current = same(&view.query, &now).then_some("true");
            view! {
                <li>
                    <a
                        class="rc-opt hover:bg-hover"
                        href=address_of(view)
                        aria-current=current
                    >
                        <bdi class="truncate">{view.name.clone()}</bdi>
                        {view
                            .shared
                            .then(|| view! { <span class="rc-tag ms-auto">"Shared"</span> })}
                        {view
                            .is_default
                            .then(|| view! { <span class="rc-tag run ms-auto">"Default"</span> })}
                    </a>
                </li>
            }
        })
        .collect_view();
    let none = views.is_empty();
    let all = link(page(list), &[("view".to_owned(), "all".to_owned())]);
    let manage = address.at(routes::grid_views(list), &[]);
    view! {
        <Menu
            class="btn btn-sm"
            panel="end-0 w-72"
            summary=move || {
                view! {
                    <Icon name="list-filter" />
                    "Views"
                }
                .into_any()
            }
        >
            <ul aria-label="Views" class="max-h-60 overflow-y-auto">
                <li>
                    <a class="rc-opt hover:bg-hover" href=all>
                        "Everything"
                    </a>
                </li>
                {items}
            </ul>
            <SaveForm list=list query=now />
            {(!none)
                .then(|| {
                    view! {
                        <a class="rc-link block px-2 py-2" href=manage data-noscroll="true">
                            "Manage views"
                        </a>
                    }
                })}
        </Menu>
    }
    .into_any()
}

/// The form that saves the list as it is.
#[component]
fn SaveForm(list: GridList, query: String) -> impl IntoView {
    let post = use_post::<SaveView>();
    view! {
        <PostForm post=post class="border-t border-line mt-1 p-2 flex flex-col gap-2">
            <input type="hidden" name="list" value=list.as_str() />
            <input type="hidden" name="query" value=query />
            <Field
                name="name"
                label="Save this view as"
                hint="Its filters, order and columns."
                of="-view"
            />
            <Tick name="shared" words="Shared with those who look after the same customers" on=false />
            <Tick name="is_default" words="Open this list with it" on=false />
            <div>
                <Submit label="Save view" class="btn btn-sm" />
            </div>
        </PostForm>
    }
    .into_any()
}

#[component]
fn Tick(name: &'static str, words: &'static str, on: bool) -> impl IntoView {
    view! {
        <label class="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
            <input type="checkbox" class="checkbox mt-0.5" name=name value="true" checked=on />
            <span>{words}</span>
        </label>
    }
}

/// Manage views: names, who sees them, the default, and deleting them.
#[component]
pub(crate) fn ManageViews(
    /// The list.
    list: GridList,
) -> impl IntoView {
    let changes = use_changes();
    let views = Resource::new(move || changes.follow(), move |_| list_views(list));
    view! {
        <Dialog title="Manage views" back=page(list)>
            <Load resource=views let:views>
                <Managed views=views />
            </Load>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Managed(views: Vec<SavedView>) -> impl IntoView {
    if views.is_empty() {
        return view! { <p class="text-muted">"There is no view yet."</p> }.into_any();
    }
    let items = views
        .into_iter()
        .map(|view| view! { <OneView of=view /> })
        .collect_view();
    view! { <ul class="flex flex-col gap-4 max-h-[60vh] overflow-y-auto">{items}</ul> }.into_any()
}

#[component]
fn OneView(of: SavedView) -> impl IntoView {
    let change = use_post::<ChangeView>();
    let delete = use_post::<DeleteView>();
    let may_delete = of.own || may(Permission::OperatorsWrite);
    let own = of.own;
    view! {
        <li class="border-b border-line pb-3">
            <PostForm post=change class="flex flex-col gap-2">
                <input type="hidden" name="id" value=of.id.to_string() />
                {if own {
                    view! {
                        <Field name="name" label="Name" value=of.name.clone() of=of.id.to_string() />
                        <Tick
                            name="shared"
                            words="Shared with those who look after the same customers"
                            on=of.shared
                        />
                    }
                        .into_any()
                } else {
                    view! {
                        <p>
                            <bdi class="font-medium">{of.name.clone()}</bdi>
                            " "
                            <span class="text-muted">"by " <bdi>{of.by.clone()}</bdi></span>
                        </p>
                    }
                        .into_any()
                }}
                <Tick name="is_default" words="Open this list with it" on=of.is_default />
                <div>
                    <Submit label="Save" class="btn btn-sm" />
                </div>
            </PostForm>
            {may_delete
                .then(|| {
                    view! {
                        <PostForm post=delete class="mt-2">
                            <input type="hidden" name="id" value=of.id.to_string() />
                            <Submit label="Delete view" busy="Deleting" class="rc-act" />
                        </PostForm>
                    }
                })}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_view_is_current_whatever_the_order_of_its_address() {
        assert!(same("status=active&q=a", "q=a&status=active"));
        assert!(!same("q=a", "q=b"));
        assert!(same("", ""));
    }
}
