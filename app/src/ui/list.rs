//! The parts around a table: search, filter chips, sorted heads, pages, the link to its CSV.
//! All of them are links and GET forms, so a list works before the browser code has loaded.

use domain::paging::{COUNTED_MAX, Page, PageRequest, ROWS_PER_PAGE, UNCOUNTED};
use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast as _;

use super::{
    address::{link, use_address},
    icon::Icon,
    menu::Menu,
    number::grouped,
};
use crate::error::AppResult;

/// The line above a table: search, chips, how many there are, and what stands at the end.
#[component]
pub fn ListBar(
    /// The list's title, for those who hear the page.
    label: &'static str,
    /// Whether the list can be searched.
    #[prop(default = true)]
    search: bool,
    /// Chips, the count, the link to the CSV.
    children: Children,
) -> impl IntoView {
    view! {
        <div
            class="rc-bar flex items-center gap-2 px-6 pt-1 pb-2 flex-wrap max-md:px-4"
            role="search"
            aria-label=label
        >
            {search.then(|| view! { <Search label=label /> })}
            {children()}
        </div>
    }
    .into_any()
}

/// Search as a GET form. With the browser code it searches while one types.
#[component]
fn Search(label: &'static str) -> impl IntoView {
    let address = use_address();
    let navigate = use_navigate();
    let field = NodeRef::<leptos::html::Input>::new();
    let kept = {
        let address = address.clone();
        move || {
            address
                .pairs()
                .into_iter()
                .filter(|(name, _)| name != "q" && name != "page")
                .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
                .collect_view()
        }
    };
    let go = {
        let address = address.clone();
        move || {
            let Some(field) = field.get_untracked() else {
                return;
            };
            let typed = field.value();
            let q = Some(typed.trim()).filter(|q| !q.is_empty());
            let to = untrack(|| address.with(&[("q", q)]));
            navigate(
                &to,
                NavigateOptions {
                    replace: true,
                    scroll: false,
                    ..NavigateOptions::default()
                },
            );
        }
    };
    let typed = {
        let go = go.clone();
        leptos::leptos_dom::helpers::debounce(std::time::Duration::from_millis(250), move |()| go())
    };
    let action = {
        let address = address.clone();
        move || address.path()
    };
    let query = Memo::new({
        let address = address.clone();
        move |_| address.get("q").unwrap_or_default()
    });
    // The address may change under the field: back, or "Clear filters". What one is typing stays.
    Effect::new(move |_| {
        let q = query.get();
        if let Some(field) = field.get()
            && field.value().trim() != q
            && document().active_element().as_ref() != Some(field.unchecked_ref())
        {
            field.set_value(&q);
        }
    });
    view! {
        <form
            method="get"
            action=action
            class="contents"
            on:submit=move |ev: ev::SubmitEvent| {
                ev.prevent_default();
                go();
            }
        >
            {kept}
            <label class="input w-64! max-md:w-full!">
                <Icon name="search" class="text-faint" />
                <input
                    node_ref=field
                    type="search"
                    name="q"
                    placeholder="Search"
                    aria-label=format!("Search {label}")
                    autocomplete="off"
                    value=query.get_untracked()
                    on:input={
                        let mut typed = typed;
                        move |_| typed(())
                    }
                />
            </label>
        </form>
    }
    .into_any()
}

/// A filter: dashed while empty, tinted while it filters, and then its × clears it.
#[component]
pub fn FilterChip(
    /// The parameter in the address.
    name: &'static str,
    /// The column it filters.
    label: &'static str,
    /// Values and their words.
    #[prop(into)]
    options: Vec<(String, String)>,
) -> impl IntoView {
    let address = use_address();
    let options = StoredValue::new(options);
    move || {
        let chosen = address.get(name);
        let word = chosen.as_ref().map(|chosen| {
            options.with_value(|options| {
                options
                    .iter()
                    .find(|(value, _)| value == chosen)
                    .map_or_else(|| chosen.clone(), |(_, word)| word.clone())
            })
        });
        let Some(word) = word else {
            let links = options
                .get_value()
                .into_iter()
                .map(|(value, word)| {
                    let to = address.with(&[(name, Some(&value))]);
                    view! { <li><a class="rc-opt hover:bg-hover" href=to>{word}</a></li> }
                })
                .collect_view();
            return view! {
                <Menu
                    class="rc-chip"
                    summary=move || {
                        view! {
                            <Icon name="plus" small=true />
                            {label}
                        }
                        .into_any()
                    }
                >
                    <ul aria-label=label class="max-h-80 overflow-y-auto">{links}</ul>
                </Menu>
            }
            .into_any();
        };
        view! {
            <a
                class="rc-chip on"
                href=address.with(&[(name, None)])
                aria-label=format!("Clear filter {label}: {word}")
            >
                {format!("{label}: {word}")}
                <Icon name="x" small=true />
            </a>
        }
        .into_any()
    }
}

/// A filter whose value is chosen elsewhere, such as a group: shown only while it filters.
#[component]
pub fn ChosenChip(
    /// The parameter in the address.
    name: &'static str,
    /// What it filters by and to what: "Group: Sales".
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let address = use_address();
    view! {
        <a
            class="rc-chip on max-w-80"
            href=move || address.with(&[(name, None)])
            aria-label=format!("Clear filter {text}")
        >
            <bdi class="truncate">{text.clone()}</bdi>
            <Icon name="x" small=true />
        </a>
    }
}

/// How many rows the list has under its filters.
#[component]
pub fn Total(
    /// Rows.
    total: i64,
    /// The noun for one.
    one: &'static str,
    /// The noun for any other number.
    many: &'static str,
) -> impl IntoView {
    view! {
        <span class="text-muted rc-num ms-2 max-md:hidden">
            {super::number::counted(total, one, many)}
        </span>
    }
}

/// [`Total`] of what a list's own resource holds, for the line above the table.
#[component]
pub fn TotalOf<T>(
    /// What the list reads.
    resource: Resource<AppResult<Page<T>>>,
    /// The noun for one.
    one: &'static str,
    /// The noun for any other number.
    many: &'static str,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
{
    view! {
        <Transition>
            {move || {
                resource
                    .get()
                    .and_then(Result::ok)
                    .map(|page| view! { <Total total=page.total one=one many=many /> })
            }}
        </Transition>
    }
}

/// "Export to CSV": every row under the list's filters, not only this page's.
#[component]
pub fn ExportCsv(
    /// The path of the CSV.
    path: &'static str,
    /// What the list is limited to without its address saying so, as the parts of a page are.
    #[prop(optional, into)]
    within: Option<Signal<Vec<(String, String)>>>,
) -> impl IntoView {
    let address = use_address();
    let href = move || {
        let pairs: Vec<_> = address
            .pairs()
            .into_iter()
            .filter(|(name, _)| name != "page" && name != "rows")
            .chain(within.map(|within| within.get()).unwrap_or_default())
            .collect();
        link(path, &pairs)
    };
    view! {
        <a href=href download class="btn btn-sm ms-auto max-md:hidden">
            <Icon name="download" />
            "Export to CSV"
        </a>
    }
    .into_any()
}

/// The head of a column that can be sorted: a link that turns the order.
#[component]
pub fn SortHead(
    /// The column's title.
    label: &'static str,
    /// Its name in `sort`.
    column: &'static str,
    /// Whether the list is sorted by it where the address doesn't say.
    #[prop(optional)]
    first: bool,
    /// Whether the first click sorts the largest or newest first.
    #[prop(optional)]
    largest_first: bool,
    /// More classes of the head: `n` for numbers, `grow` for the one that takes the room.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let address = use_address();
    let state = Memo::new({
        let address = address.clone();
        move |_| match address.get("sort") {
            None => first.then_some(largest_first),
            Some(sort) if sort == column => Some(false),
            Some(sort) if sort.strip_prefix('-') == Some(column) => Some(true),
            Some(_) => None,
        }
    });
    let href = move || {
        let down = match state.get() {
            Some(down) => !down,
            None => largest_first,
        };
        let sort = if down {
            format!("-{column}")
        } else {
            column.to_owned()
        };
        address.with(&[("sort", Some(&sort))])
    };
    view! {
        <th
            role="columnheader"
            scope="col"
            class=class
            aria-sort=move || {
                state.get().map(|down| if down { "descending" } else { "ascending" })
            }
        >
            <a href=href data-noscroll="true">
                {label}
                {move || {
                    state
                        .get()
                        .map(|down| {
                            view! {
                                <Icon
                                    name=if down { "arrow-down" } else { "arrow-up" }
                                    small=true
                                />
                            }
                        })
                }}
            </a>
        </th>
    }
    .into_any()
}

/// The head of a column that can't be sorted.
#[component]
pub fn Head(
    /// The column's title; an empty one is for the ear only, "Action".
    label: &'static str,
    /// More classes.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    view! {
        <th role="columnheader" scope="col" class=class>
            {if label.is_empty() {
                view! { <span class="sr-only">"Action"</span> }.into_any()
            } else {
                label.into_any()
            }}
        </th>
    }
}

/// The foot of a list: which rows these are, "Rows per page", and the pages.
#[component]
pub fn Pager(
    /// The page as it was asked for.
    page: PageRequest,
    /// Rows of the whole list.
    total: i64,
    /// Whether they are counted up to [`COUNTED_MAX`] only.
    #[prop(optional)]
    capped: bool,
) -> impl IntoView {
    let address = use_address();
    let more = capped && total > COUNTED_MAX;
    let last = if capped && total == UNCOUNTED {
        page.page + 1
    } else if more {
        // How many there are nobody knows: there is always a next one.
        last_page(COUNTED_MAX, page.rows).max(page.page + 1)
    } else {
        last_page(total, page.rows)
    };
    let from = if total == 0 { 0 } else { page.offset() + 1 };
    let to = page.offset() + page.limit();
    let (to, of) = if capped && total == UNCOUNTED {
        (to, "many".to_owned())
    } else if more {
        (to, format!("{}+", grouped(COUNTED_MAX)))
    } else {
        (to.min(total), grouped(total))
    };
    let rows = ROWS_PER_PAGE.map(|rows| {
        let text = rows.to_string();
        let href = address.with(&[("rows", Some(&text))]);
        view! {
            <a href=href aria-current=(rows == page.rows).then_some("true")>
                {grouped(i64::from(rows))}
            </a>
        }
    });
    let page_link = |number: u32| {
        let text = number.to_string();
        address.with(&[("page", (number > 1).then_some(text.as_str()))])
    };
    let step = |label: &'static str, icon: &'static str, number: Option<u32>| match number {
        Some(number) => view! {
            <a href=page_link(number) aria-label=label><Icon name=icon small=true /></a>
        }
        .into_any(),
        None => view! {
            <span class="text-faint" aria-hidden="true"><Icon name=icon small=true /></span>
        }
        .into_any(),
    };
    let pages = shown_pages(page.page, last)
        .into_iter()
        .map(|number| match number {
            Some(number) => view! {
                <a
                    href=page_link(number)
                    aria-label=format!("Page {number}")
                    aria-current=(number == page.page).then_some("page")
                >
                    {grouped(i64::from(number))}
                </a>
            }
            .into_any(),
            None => view! { <span aria-hidden="true">"…"</span> }.into_any(),
        })
        .collect_view();
    view! {
        <div class="sticky bottom-0 mt-auto z-10 flex items-center gap-4 px-6 min-h-12 bg-base-100 border-t border-line max-md:px-4 max-md:justify-between">
            <span class="text-muted rc-num">
                {format!("{}–{}", grouped(from), grouped(to))}
                <span class="max-md:hidden">{format!(" of {of}")}</span>
            </span>
            <div class="ms-auto flex items-center gap-2 max-md:hidden">
                <span class="text-muted" id="rpp">"Rows per page"</span>
                <nav class="rc-seg" aria-labelledby="rpp">{rows}</nav>
            </div>
            <nav class="rc-seg" aria-label="Pages">
                {step("Previous page", "chevron-left", (page.page > 1).then(|| page.page - 1))}
                {pages}
                {step("Next page", "chevron-right", (page.page < last).then(|| page.page + 1))}
            </nav>
        </div>
    }
    .into_any()
}

/// The number of the last page, at least 1.
fn last_page(total: i64, rows: u32) -> u32 {
    let rows = i64::from(rows.max(1));
    u32::try_from((total.max(1) - 1) / rows + 1).unwrap_or(u32::MAX)
}

/// Which pages get a button: the first, the last, and those around the current one.
fn shown_pages(current: u32, last: u32) -> Vec<Option<u32>> {
    let mut wanted: Vec<u32> = [1, last]
        .into_iter()
        .chain(current.saturating_sub(1)..=current.saturating_add(1))
        .chain(if current <= 2 { 1..=3 } else { 1..=1 })
        .filter(|page| (1..=last).contains(page))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut shown = Vec::new();
    let mut before = 0;
    for page in wanted {
        if page == before + 2 {
            shown.push(Some(before + 1));
        } else if page > before + 2 {
            shown.push(None);
        }
        shown.push(Some(page));
        before = page;
    }
    shown
}

/// The values of a state as options of a [`FilterChip`].
pub fn options<T: Copy + std::fmt::Display>(
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Vec<(String, String)> {
    all.iter()
        .map(|value| (value.to_string(), word(*value).to_owned()))
        .collect()
}

/// Whether a page is past the end, as after a filter in another tab: then the first is meant.
pub fn past_the_end<T>(page: &Page<T>, asked: PageRequest) -> bool {
    page.items.is_empty() && page.total > 0 && asked.page > 1
}

#[cfg(test)]
mod tests {
    use super::{last_page, shown_pages};

    #[test]
    fn the_last_page_holds_the_last_row() {
        for (total, rows, last) in [(0, 50, 1), (50, 50, 1), (51, 50, 2), (4612, 50, 93)] {
            assert_eq!(last_page(total, rows), last);
        }
    }

    #[test]
    fn pages_leave_gaps_only_where_more_than_one_is_missing() {
        let show = |current, last| {
            shown_pages(current, last)
                .iter()
                .map(|page| page.map_or("…".to_owned(), |page| page.to_string()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(show(1, 1), "1");
        assert_eq!(show(1, 93), "1 2 3 … 93");
        assert_eq!(show(4, 93), "1 2 3 4 5 … 93");
        assert_eq!(show(50, 93), "1 … 49 50 51 … 93");
        assert_eq!(show(93, 93), "1 … 92 93");
    }
}
