//! The table of a list of the directory, and the cells that such lists share.

use domain::{DateTime, paging::PageRequest, policy::ObjectType, user::DirectoryStatus};
use leptos::prelude::*;

use super::{icon::Icon, list::Pager, load::NoMatch, status::InDirectory, time::RelativeTime};

/// The table and its pages. Where no row matches, that is said in its place.
#[component]
pub fn ListTable(
    /// The list's title, for those who hear the page.
    label: &'static str,
    /// What there is none of where nothing matches: "users".
    many: &'static str,
    /// The page as it was asked for.
    asked: PageRequest,
    /// Rows of the whole list.
    total: i64,
    /// Whether they are counted up to a bound only.
    #[prop(optional)]
    capped: bool,
    /// The rows of this page.
    rows: Vec<AnyView>,
    /// The heads of the columns.
    children: Children,
) -> impl IntoView {
    // A page past the end still has its pages below.
    let past_the_end = total > 0 && asked.page > 1;
    view! {
        {if rows.is_empty() && !past_the_end {
            view! { <NoMatch many=many /> }.into_any()
        } else {
            view! {
                <table class="rc-table bleed rc-stack rows" role="table" aria-label=label>
                    <thead role="rowgroup">
                        <tr role="row">{children()}</tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            }
                .into_any()
        }}
        <Pager page=asked total=total capped=capped />
    }
    .into_any()
}

/// The name of an object, which leads to its page.
#[component]
pub fn NameCell(
    /// Its page.
    href: String,
    /// Its name.
    name: String,
) -> impl IntoView {
    view! {
        <td role="cell" class="grow">
            <a class="rc-rowlink block truncate" href=href>
                <bdi title=name.clone()>{name.clone()}</bdi>
            </a>
        </td>
    }
}

/// The customer of a row, where the list shows more than one's.
#[component]
pub fn CustomerCell(
    /// Whether it does.
    show: bool,
    /// The customer's name.
    name: String,
) -> impl IntoView {
    show.then(|| {
        view! {
            <td role="cell" class="max-md:hidden">
                <bdi class="block truncate max-w-44" title=name.clone()>
                    {name.clone()}
                </bdi>
            </td>
        }
    })
}

/// A text in the second voice; on narrow screens it goes below the name.
#[component]
pub fn BelowCell(
    /// The text.
    text: Option<String>,
) -> impl IntoView {
    let text = text.unwrap_or_default();
    view! {
        <td role="cell" class="text-muted max-md:order-3">
            <bdi class="block truncate max-w-72" title=text.clone()>{text.clone()}</bdi>
        </td>
    }
}

/// Whether an object is in use, and when it will be deleted.
#[component]
pub fn StatusCell(
    /// Its status.
    status: DirectoryStatus,
    /// What it is.
    of: ObjectType,
    /// Whether no run changes it.
    #[prop(optional)]
    protected: bool,
    /// When it will be deleted; none where no days are counting.
    delete_at: Option<DateTime>,
) -> impl IntoView {
    view! {
        <td role="cell" class="max-md:justify-self-end">
            <InDirectory status=status of=of />
            {protected
                .then(|| {
                    view! {
                        <span class="flex items-center gap-1 text-xs text-muted">
                            <Icon name="lock" small=true />
                            "Protected"
                        </span>
                    }
                })}
            {delete_at
                .map(|at| {
                    view! {
                        <span class="block text-xs text-warning whitespace-nowrap">
                            "to be deleted " <RelativeTime at=at plain=true />
                        </span>
                    }
                })}
        </td>
    }
}

/// When an object will be deleted.
#[component]
pub fn DeletionCell(
    /// When; none where no days are counting.
    at: Option<DateTime>,
) -> impl IntoView {
    view! {
        <td role="cell" class="whitespace-nowrap max-md:hidden">
            {match at {
                Some(at) => view! { <RelativeTime at=at /> }.into_any(),
                None => view! { <span class="text-faint">"–"</span> }.into_any(),
            }}
        </td>
    }
}

/// When an object last changed; on narrow screens below its status.
#[component]
pub fn ChangedCell(
    /// When.
    at: DateTime,
) -> impl IntoView {
    view! {
        <td role="cell" class="text-muted whitespace-nowrap max-md:order-4 max-md:justify-self-end">
            <RelativeTime at=at />
        </td>
    }
}
