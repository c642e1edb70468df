//! The counts of a run, a line a type. A number leads to the objects it counts.

use domain::run::{CountLine, RunMode, RunStatus};

use crate::ui::{chart::Shares, prelude::*};

/// The table.
#[component]
pub fn Counts(
    /// A line a type.
    counts: Vec<CountLine>,
    /// How the run is: until it has counted, a number is unknown.
    status: RunStatus,
    /// What kind of run: a preview did none of it.
    mode: RunMode,
) -> impl IntoView {
    let titles = match mode {
        RunMode::Preview => ["Create", "Update", "Enable", "Disable", "Delete", "Restore"],
        RunMode::Full | RunMode::Delta | RunMode::Object | RunMode::Import => [
            "Created", "Updated", "Enabled", "Disabled", "Deleted", "Restored",
        ],
    };
    let rows = counts
        .into_iter()
        .map(|line| view! { <Line line=line unknown=status.is_open() && line.total == 0 /> })
        .collect_view();
    view! {
        <section aria-labelledby="h-counts" class="px-6 py-3 border-t border-line max-md:px-4">
            <h2 id="h-counts" class="sr-only">
                "Counts by type"
            </h2>
            <div
                class="rc-scroll"
                role="region"
                aria-label="Counts, scrolls sideways"
                tabindex="0"
            >
                <table class="rc-table still [&_td]:border-0 [&_tbody_th]:border-0 [&_td]:px-2 [&_th]:px-2 [&_th:first-child]:ps-0 [&_:is(td,th):last-child]:pe-0">
                    <thead>
                        <tr>
                            <th scope="col">"Type"</th>
                            <th scope="col">"Changes"</th>
                            {titles
                                .into_iter()
                                .chain(["Filtered", "Failed", "Held", "Unchanged", "Total"])
                                .map(|title| {
                                    view! {
                                        <th scope="col" class="n">
                                            {title}
                                        </th>
                                    }
                                })
                                .collect_view()}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Line(line: CountLine, unknown: bool) -> impl IntoView {
    let address = use_address();
    let kind = line.object_type;
    let to = {
        let address = address.clone();
        move |name: &str, value: &str| {
            let link = address.with(&[
                ("type", Some(kind.as_str())),
                ("action", (name == "action").then_some(value)),
                ("status", (name == "status").then_some(value)),
            ]);
            format!("{link}#changes")
        }
    };
    let cells = [
        (line.created, "action", "create", ""),
        (line.updated, "action", "update", ""),
        (line.enabled, "action", "enable", ""),
        (line.disabled, "action", "disable", ""),
        (line.deleted, "action", "delete", ""),
        (line.restored, "action", "restore", ""),
        (line.filtered, "status", "filtered", ""),
        (line.failed, "status", "failed", "text-error"),
        (line.held, "status", "held", "text-warning"),
    ]
    .map(|(number, name, value, colour)| {
        let shown = match (number, unknown) {
            (_, true) => view! { <span class="zero">"–"</span> }.into_any(),
            (0, _) => view! { <span class="zero">"0"</span> }.into_any(),
            (number, _) => view! {
                <a href=to(name, value) class=format!("hover:underline font-medium {colour}")>
                    {grouped(number)}
                </a>
            }
            .into_any(),
        };
        view! { <td class="n">{shown}</td> }
    });
    let fine = line.changed();
    let number = move |number: i64| {
        if unknown {
            "–".to_owned()
        } else {
            grouped(number)
        }
    };
    view! {
        <tr>
            <th scope="row" class="font-medium! text-base-content! text-sm! static!">
                {kind.title()}
            </th>
            <td class="w-[22%] min-w-24">
                <Shares parts=vec![
                    (fine, "m-ok"),
                    (line.held, "m-held"),
                    (line.failed, "m-fail"),
                    (line.filtered, "m-quiet"),
                ] />
            </td>
            {cells}
            <td class="n text-muted">{number(line.unchanged)}</td>
            <td class="n">{number(line.total)}</td>
        </tr>
    }
    .into_any()
}
