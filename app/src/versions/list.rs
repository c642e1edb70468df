//! The tab Versions: every state of the settings that was saved, the newest first.

use domain::{id::IntegrationId, settings::version::VersionLine};
use leptos_router::hooks::use_params_map;

use super::api::list_versions;
use crate::ui::prelude::*;

/// The integration in the path. One that can't be read is answered as one that isn't there.
pub(super) fn use_id() -> Memo<Option<IntegrationId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// The tab.
#[component]
pub fn VersionsTab() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| address.list());
    let versions = Resource::new(
        move || (id.get(), asked.get(), changes.follow()),
        |(id, query, _)| async move {
            match id {
                Some(id) => list_versions(id, query).await,
                None => Err(AppError::NotFound {
                    what: "integration".to_owned(),
                }),
            }
        },
    );
    view! {
        <ListBar label="Versions" search=false>
            <TotalOf resource=versions one="version" many="versions" />
        </ListBar>
        <Load
            resource=versions
            children=move |page| {
                let Some(id) = id.get_untracked() else {
                    return ().into_any();
                };
                if page.total == 0 {
                    return view! {
                        <Empty
                            title="No versions yet"
                            text="Each time the settings are saved, what they were is kept here: to look at, to \
                            compare and to restore."
                        />
                    }
                        .into_any();
                }
                let asked = asked.get_untracked();
                view! {
                    <VersionTable
                        lines=page.items
                        page_of=move |number| routes::integration_version(id, number)
                    />
                    <Pager page=asked.page total=page.total />
                }
                    .into_any()
            }
        />
    }
    .into_any()
}

/// Versions, each with the way to its page.
#[component]
pub(crate) fn VersionTable(
    /// The versions.
    lines: Vec<VersionLine>,
    /// The page of a version, by its number.
    page_of: impl Fn(i64) -> String,
) -> impl IntoView {
    let rows = lines
        .into_iter()
        .map(|line| {
            let page = page_of(line.number);
            view! { <Row page=page line=line /> }
        })
        .collect_view();
    view! {
        <table class="rc-table bleed rc-stack rows" role="table" aria-label="Versions">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Version" />
                    <Head label="Saved" />
                    <Head label="By" />
                    <Head label="Why" />
                    <Head label="What changed" class="grow" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(page: String, line: VersionLine) -> impl IntoView {
    let changed = line.changed.join(", ");
    let source = line.source.to_string();
    view! {
        <tr role="row">
            <td role="cell" class="whitespace-nowrap">
                <a class="rc-rowlink" href=page>
                    {format!("Version {}", grouped(line.number))}
                </a>
            </td>
            <td role="cell" class="whitespace-nowrap text-muted">
                <RelativeTime at=line.saved_at />
            </td>
            <td role="cell">
                <bdi class="block truncate max-w-52">{line.saved_by}</bdi>
            </td>
            <td role="cell">
                <bdi class="block truncate max-w-72" title=source.clone()>{source.clone()}</bdi>
            </td>
            <td role="cell" class="grow text-muted max-md:col-span-2">
                <span class="block truncate" title=changed.clone()>
                    {changed.clone()}
                </span>
            </td>
        </tr>
    }
    .into_any()
}
