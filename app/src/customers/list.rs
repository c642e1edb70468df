//! The list of customers, and the bin of those that were deleted.

use domain::{
    customer::{BIN_DAYS, CustomerLine},
    paging::Page,
    permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;

use super::{
    change::RestoreCustomer,
    tags::{TagLinks, known_tags},
};
use crate::{
    session::{may, use_operator},
    ui::list::past_the_end,
    ui::prelude::*,
};

/// Customers whose name holds what is searched for, with a tag, or those in the bin.
#[server(endpoint = "customers/list", input = Json)]
pub(crate) async fn list_customers(
    list: ListQuery,
    bin: bool,
    tag: Option<String>,
) -> AppResult<Page<CustomerLine>> {
    use backend::store::customers::{self, CustomerQuery};
    let (backend, scope) = crate::session::caller().await?;
    let query = CustomerQuery {
        sort: list.sort,
        q: list.q,
        bin,
        tag,
        page: list.page,
        direction: list.direction,
    };
    Ok(customers::list(&backend, &scope, query).await?)
}

/// The page. What is added over it is a child route with a dialog.
#[component]
pub fn CustomersPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = {
        let address = address.clone();
        Memo::new(move |_| {
            let bin = address.get("bin").is_some();
            (address.list(), bin, address.get("tag"))
        })
    };
    let customers = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, bin, tag), _)| list_customers(list, bin, tag),
    );
    let tags = Resource::new(move || changes.follow(), |_| known_tags());
    let adds = may(Permission::CustomersWrite) && use_operator().sees_later_ones;
    let add = {
        let address = address.clone();
        move || address.at(routes::CUSTOMER_ADD, &[])
    };
    view! {
        <PageHead title="Customers">
            {adds
                .then(|| {
                    view! {
                        <a class="btn btn-primary" href=add data-noscroll="true">
                            <Icon name="plus" />
                            "Add Customer"
                        </a>
                    }
                })}
        </PageHead>
        <ListBar label="Customers">
            <TagChip tags=tags />
            <BinLink />
            <TotalOf resource=customers one="customer" many="customers" />
        </ListBar>
        <Load resource=customers let:page>
            <List asked=asked.get_untracked() page=page />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn List(asked: (ListQuery, bool, Option<String>), page: Page<CustomerLine>) -> impl IntoView {
    let (list, bin, tag) = asked;
    if page.total == 0 && list.q.is_none() && tag.is_none() && !bin {
        return view! {
            <Empty
                title="No customers yet"
                text="A customer is an organisation whose users and groups Rollcall keeps in step \
                with its Entra tenant. Add one, then connect its tenant."
            />
        }
        .into_any();
    }
    let total = page.total;
    let none = page.items.is_empty();
    let stale = past_the_end(&page, list.page);
    let rows = page
        .items
        .into_iter()
        .map(|line| view! { <Row line=line bin=bin /> })
        .collect_view();
    view! {
        {if none && !stale {
            if bin && list.q.is_none() && tag.is_none() {
                view! {
                    <Empty
                        title="The bin is empty"
                        text=format!(
                            "A deleted customer stays here for {BIN_DAYS} days and can be restored.",
                        )
                    />
                }
                    .into_any()
            } else {
                view! { <NoMatch many="customers" /> }.into_any()
            }
        } else {
            view! {
                <table class="rc-table bleed rc-stack rows" role="table" aria-label="Customers">
                    <thead role="rowgroup">
                        <tr role="row">
                            <SortHead label="Name" column="name" first=true class="grow" />
                            <SortHead
                                label="Integrations"
                                column="integrations"
                                largest_first=true
                                class="n"
                            />
                            <SortHead label="Users" column="users" largest_first=true class="n" />
                            <SortHead label="Groups" column="groups" largest_first=true class="n" />
                            <Head label="State" />
                            {if bin {
                                view! { <Head label="Deleted" /> }.into_any()
                            } else {
                                view! {
                                    <SortHead
                                        label="Last Sync Start"
                                        column="last_sync"
                                        largest_first=true
                                    />
                                }
                                    .into_any()
                            }}
                            {bin.then(|| view! { <Head label="" /> })}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            }
                .into_any()
        }}
        <Pager page=list.page total=total />
    }
    .into_any()
}

/// The filter by tag, where there are tags.
#[component]
fn TagChip(tags: Resource<AppResult<Vec<String>>>) -> impl IntoView {
    let address = use_address();
    view! {
        <Transition>
            {move || {
                let chosen = address.get("tag");
                tags.get()
                    .and_then(Result::ok)
                    .filter(|tags| !tags.is_empty() || chosen.is_some())
                    .map(|tags| {
                        let options: Vec<_> =
                            tags.into_iter().map(|tag| (tag.clone(), tag)).collect();
                        view! { <FilterChip name="tag" label="Tag" options=options /> }
                    })
            }}
        </Transition>
    }
    .into_any()
}

/// The chip that turns the list into the bin and back.
#[component]
fn BinLink() -> impl IntoView {
    let address = use_address();
    move || {
        if address.get("bin").is_some() {
            view! {
                <a class="rc-chip on" href=address.with(&[("bin", None)])>
                    "In the bin"
                    <span class="sr-only">", leave it"</span>
                    <Icon name="x" small=true />
                </a>
            }
            .into_any()
        } else {
            view! {
                <a class="rc-chip" href=address.with(&[("bin", Some("1"))])>
                    <Icon name="trash-2" small=true />
                    "Bin"
                </a>
            }
            .into_any()
        }
    }
}

#[component]
fn Row(line: CustomerLine, bin: bool) -> impl IntoView {
    let state = if line.integrations == 0 {
        view! { <span class="text-faint">"Nothing connected"</span> }.into_any()
    } else if line.failing > 0 {
        view! {
            <span class="inline-flex items-center gap-2">
                <Status of=Mark::FAILING />
                {(line.integrations > 1)
                    .then(|| {
                        view! {
                            <span class="text-muted rc-num">
                                {format!("{} of {}", line.failing, line.integrations)}
                            </span>
                        }
                    })}
            </span>
        }
        .into_any()
    } else if line.last_sync_started_at.is_none() {
        view! { <Status of=Mark::NOT_STARTED /> }.into_any()
    } else {
        // Whether it is current is told by the time beside; here stands what needs someone.
        view! {
            <span class="md:hidden text-muted">
                {counted(line.active_users, "user", "users")}
            </span>
        }
        .into_any()
    };
    let when = if bin {
        line.deleted_at
    } else {
        line.last_sync_started_at
    };
    view! {
        <tr role="row">
            <td role="cell" class="grow max-md:col-span-2">
                {if bin {
                    view! { <bdi class="block truncate font-medium">{line.name}</bdi> }.into_any()
                } else {
                    view! {
                        <span class="flex items-center gap-2 min-w-0">
                            <a class="rc-rowlink truncate" href=routes::customer(line.id)>
                                <bdi title=line.name.clone()>{line.name.clone()}</bdi>
                            </a>
                            <span class="flex gap-1 overflow-hidden max-md:hidden">
                                <TagLinks tags=line.tags />
                            </span>
                        </span>
                    }
                        .into_any()
                }}
            </td>
            <Num value=line.integrations class="max-md:hidden" />
            <Num value=line.active_users class="max-md:hidden" />
            <Num value=line.active_groups class="max-md:hidden" />
            <td role="cell" class="whitespace-nowrap">{state}</td>
            <td role="cell" class="whitespace-nowrap text-muted">
                {match when {
                    Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                    None => view! { <span class="text-faint">"Never"</span> }.into_any(),
                }}
            </td>
            {bin
                .then(|| {
                    view! {
                        <td role="cell" class="whitespace-nowrap text-end">
                            <Restore id=line.id />
                        </td>
                    }
                })}
        </tr>
    }
}

#[component]
fn Restore(id: domain::id::CustomerId) -> impl IntoView {
    let post = use_post::<RestoreCustomer>();
    may(Permission::CustomersWrite).then(|| {
        view! {
            <PostForm post=post class="inline">
                <input type="hidden" name="id" value=id.to_string() />
                <Submit label="Restore" busy="Restoring" class="rc-act" />
            </PostForm>
        }
    })
}
