//! Overview: how all customers are, and who needs someone, the worst first.

use domain::{
    id::CustomerId,
    overview::{Day, Overview, Trouble, TroubleKind},
};
use leptos::{server, server_fn::codec::Json};

use crate::{
    notifications::ReachNote,
    ui::{
        chart::{Bar, Bars, Shares},
        live::follow_idle,
        prelude::*,
    },
};

/// How all customers are, or the chosen one.
#[server(endpoint = "overview/read", input = Json)]
pub(crate) async fn read_overview(customer: Option<CustomerId>) -> AppResult<Overview> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::overview::summary(&backend, &scope, customer).await?)
}

/// The page.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let address = use_address();
    let customer = Memo::new(move |_| address.customer());
    let overview = Resource::new(move || customer.get(), read_overview);
    follow_idle(move || overview.refetch());
    view! {
        <Load resource=overview whole=true let:overview>
            <Everything overview=overview />
        </Load>
    }
    .into_any()
}

/// The one sentence that is true of everything.
fn sentence(overview: &Overview) -> String {
    let need = overview.failing + overview.held + overview.partial + overview.behind;
    match (overview.customers, need) {
        (0, _) => "No customers yet".to_owned(),
        (_, 0) if overview.current == 0 => "Nothing is in step yet".to_owned(),
        (1, 0) => "The customer is current".to_owned(),
        (all, 0) if overview.current == all => {
            format!("All {} customers are current", grouped(all))
        }
        (_, 0) => "No customer needs someone".to_owned(),
        (1, _) => "The customer needs someone".to_owned(),
        (all, need) => format!(
            "{} of {} customers {} someone",
            grouped(need),
            grouped(all),
            if need == 1 { "needs" } else { "need" }
        ),
    }
}

#[component]
fn Everything(overview: Overview) -> impl IntoView {
    let title = sentence(&overview);
    if overview.customers == 0 {
        return view! {
            <PageHead title=title />
            <FirstSteps />
        }
        .into_any();
    }
    let counts = [
        (overview.current, Mark::CURRENT, "m-ok"),
        (overview.behind, Mark::BEHIND, "m-behind"),
        (overview.partial, Mark::PARTIAL, "m-held"),
        (overview.held, Mark::HELD, "m-held"),
        (overview.failing, Mark::FAILING, "m-fail"),
        (overview.not_started, Mark::NOT_STARTED, "m-quiet"),
        (overview.disabled, Mark::DISABLED, "m-quiet"),
    ];
    let parts = counts.map(|(count, _, class)| (count, class)).to_vec();
    let words = counts
        .into_iter()
        // What is nought and never needs anyone is left out; the rest shows its nought.
        .filter(|(count, mark, _)| {
            *count > 0 || ![Mark::NOT_STARTED, Mark::DISABLED].contains(mark)
        })
        .map(|(count, mark, _)| {
            let faint = if count == 0 {
                "text-faint font-normal"
            } else {
                "font-semibold"
            };
            let mark = if count == 0 {
                Mark {
                    tone: "quiet",
                    ..mark
                }
            } else {
                mark
            };
            view! {
                <li class="flex items-center gap-2">
                    <span class=format!("text-lg rc-num {faint}")>{grouped(count)}</span>
                    <Status of=mark />
                </li>
            }
        })
        .collect_view();
    view! {
        <PageHead title=title />
        <div class="px-6 pb-4 max-md:px-4">
            <Shares parts=parts />
            <ul class="mt-2 flex flex-wrap gap-x-8 gap-y-2" aria-label="Customers by state">
                {words}
            </ul>
        </div>
        {overview
            .warnings
            .map(|reach| {
                view! {
                    <ReachNote
                        reach=reach
                        what="a secret or certificate"
                        to=routes::NOTIFICATIONS.to_owned()
                    />
                }
            })}
        <Trends days=overview.days />
        <WorstFirst troubles=overview.worst_first total=overview.troubles />
    }
    .into_any()
}

/// Before there is any customer.
#[component]
fn FirstSteps() -> impl IntoView {
    let step = |number: &'static str, title: &'static str, text: &'static str| {
        view! {
            <li class="grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-3">
                <span
                    class="grid place-items-center size-6 rounded-full bg-secondary text-xs font-semibold rc-num"
                    aria-hidden="true"
                >
                    {number}
                </span>
                <div>
                    <p class="font-medium">{title}</p>
                    <p class="text-muted">{text}</p>
                </div>
            </li>
        }
    };
    view! {
        <div class="px-6 max-md:px-4 max-w-3xl">
            <p class="text-muted text-base">
                "Rollcall keeps your customers’ users and groups in step with their Entra tenants."
            </p>
            <ol class="mt-6 flex flex-col gap-4">
                {step("1", "Add a customer", "The organisation whose directory is kept here.")}
                {step(
                    "2",
                    "Add a credential profile",
                    "The application in Entra ID with which Rollcall reads, with its secret or certificate.",
                )}
                {step(
                    "3",
                    "Add an integration",
                    "The customer’s tenant. Test Connection says what is still missing.",
                )}
                {step(
                    "4",
                    "Full Sync",
                    "The first run is yours to start. After that it goes every 5 minutes.",
                )}
            </ol>
            <div class="flex gap-2 mt-8">
                <a href=routes::CUSTOMER_ADD class="btn btn-primary">
                    <Icon name="plus" />
                    "Add Customer"
                </a>
                <a href=routes::CREDENTIAL_PROFILE_ADD class="btn">"Add Credential Profile"</a>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Trends(days: Vec<Day>) -> impl IntoView {
    let first = days.first().map(|day| short(*day)).unwrap_or_default();
    let (runs, failed) = days.iter().fold((0, 0), |(runs, failed), day| {
        (runs + day.runs, failed + day.failed)
    });
    let today = days.last().copied();
    let changes: i64 = days.iter().map(|day| day.changes).sum();
    let run_bars = days
        .iter()
        .map(|day| Bar {
            total: day.runs,
            failed: day.failed,
        })
        .collect();
    let change_bars = days
        .iter()
        .map(|day| Bar {
            total: day.changes,
            failed: 0,
        })
        .collect();
    let dates = move || {
        view! {
            <div class="flex justify-between text-xs text-muted mt-1 rc-num" aria-hidden="true">
                <span>{first.clone()}</span>
                <span>"Today"</span>
            </div>
        }
    };
    view! {
        <section
            aria-label="Trends"
            class="grid md:grid-cols-2 border-y border-line md:divide-x divide-line max-md:divide-y"
        >
            <div class="px-6 py-3.5 max-md:px-4">
                <div class="flex items-baseline gap-2">
                    <h2 class="text-sm font-medium text-muted">"Runs a day"</h2>
                    <span class="ms-auto text-xs text-muted">"30 days"</span>
                </div>
                <p class="text-lg font-semibold rc-num mt-0.5 mb-2">
                    {grouped(today.map_or(0, |day| day.runs))}
                    <span class="text-sm font-normal text-muted">" today"</span>
                    {(failed > 0)
                        .then(|| {
                            view! {
                                <span class="text-sm font-normal text-error ms-2">
                                    {format!("{} failed in 30 days", share(failed, runs))}
                                </span>
                            }
                        })}
                </p>
                <Bars
                    bars=run_bars
                    label=format!(
                        "Runs a day over 30 days: {} in all, {} failed",
                        grouped(runs),
                        grouped(failed),
                    )
                />
                {dates.clone()()}
            </div>
            <div class="px-6 py-3.5 max-md:px-4">
                <div class="flex items-baseline gap-2">
                    <h2 class="text-sm font-medium text-muted">"Changes a day"</h2>
                    <span class="ms-auto text-xs text-muted">"30 days"</span>
                </div>
                <p class="text-lg font-semibold rc-num mt-0.5 mb-2">
                    {grouped(today.map_or(0, |day| day.changes))}
                    <span class="text-sm font-normal text-muted">" today"</span>
                </p>
                <Bars
                    bars=change_bars
                    label=format!("Changes a day over 30 days: {} in all", grouped(changes))
                />
                {dates()}
            </div>
        </section>
    }
    .into_any()
}

/// "11 Feb".
fn short(day: Day) -> String {
    day.date.format("%-d %b").to_string()
}

/// A share in percent with one decimal; never 0.0 for something.
fn share(part: i64, of: i64) -> String {
    let tenths = (part * 1000 / of.max(1)).max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[component]
fn WorstFirst(troubles: Vec<Trouble>, total: i64) -> impl IntoView {
    if troubles.is_empty() {
        return view! {
            <section aria-labelledby="h-need" class="px-6 pt-4 max-md:px-4">
                <h2 id="h-need" class="text-base">"Worst first"</h2>
                <p class="text-muted mt-1">"Nothing waits for anyone."</p>
            </section>
        }
        .into_any();
    }
    let shown = i64::try_from(troubles.len()).unwrap_or(i64::MAX);
    let rows = troubles
        .into_iter()
        .map(|trouble| view! { <Line trouble=trouble /> })
        .collect_view();
    view! {
        <section aria-labelledby="h-need" class="flex-1">
            <div class="flex items-center gap-2 px-6 pt-3 pb-1 max-md:px-4">
                <h2 id="h-need" class="text-base">"Worst first"</h2>
                <span class="text-muted rc-num">{grouped(total)}</span>
                {(shown < total)
                    .then(|| {
                        view! {
                            <span class="ms-auto text-muted">
                                {format!("the first {} are shown", grouped(shown))}
                            </span>
                        }
                    })}
            </div>
            <table
                class="rc-table bleed still rc-stack rows"
                role="table"
                aria-labelledby="h-need"
            >
                <thead role="rowgroup">
                    <tr role="row">
                        <Head label="State" />
                        <Head label="Customer" />
                        <Head label="What happened" class="grow" />
                        <Head label="Since" />
                        <Head label="" />
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn mark(kind: TroubleKind) -> Mark {
    match kind {
        TroubleKind::Quarantined => Mark::QUARANTINED,
        TroubleKind::Failing => Mark::FAILING,
        TroubleKind::Held => Mark::HELD,
        TroubleKind::Partial => Mark::PARTIAL,
        TroubleKind::Behind => Mark::BEHIND,
        TroubleKind::MatchesWait => Mark {
            icon: "user-check",
            word: "Matching",
            tone: "held",
        },
        TroubleKind::SecretEnds => Mark {
            icon: "key-round",
            word: "Secret ends",
            tone: "",
        },
    }
}

/// What to press, and where it leads: to the place where it is mended.
fn action(trouble: &Trouble) -> Option<(String, &'static str)> {
    let profile = trouble
        .credential_profile_id
        .map(|id| (routes::credential_profile(id), "See profile"));
    let run = trouble.run_id.map(|id| (routes::run(id), "See run"));
    let integration = trouble
        .integration_id
        .map(|id| (routes::integration(id), "See integration"));
    match trouble.kind {
        TroubleKind::SecretEnds => profile,
        TroubleKind::MatchesWait => trouble
            .integration_id
            .map(|id| (routes::integration_matches(id), "Decide")),
        _ => run.or(integration).or(profile),
    }
}

#[component]
fn Line(trouble: Trouble) -> impl IntoView {
    let name_path = match (trouble.customer_id, trouble.credential_profile_id) {
        (Some(customer), _) => routes::customer(customer),
        (None, Some(profile)) => routes::credential_profile(profile),
        (None, None) => routes::OVERVIEW.to_owned(),
    };
    let action = action(&trouble);
    let label = trouble.name.clone();
    view! {
        <tr role="row">
            <td role="cell" class="max-md:order-1"><Status of=mark(trouble.kind) /></td>
            <td role="cell" class="max-md:order-3 max-md:col-span-2">
                <a class="rc-rowlink block truncate max-w-64 max-md:max-w-full" href=name_path>
                    <bdi>{trouble.name}</bdi>
                </a>
            </td>
            <td role="cell" class="grow max-md:order-4">
                <span class="flex items-baseline gap-2.5 min-w-0 max-md:flex-wrap">
                    <span class="truncate max-md:whitespace-normal max-md:text-muted" title=trouble.what.clone()>
                        {trouble.what.clone()}
                    </span>
                    {trouble
                        .code
                        .map(|code| {
                            view! { <span class="rc-mono text-muted max-md:hidden">{code}</span> }
                        })}
                </span>
            </td>
            <td role="cell" class="whitespace-nowrap text-muted max-md:order-2 max-md:text-end">
                <RelativeTime at=trouble.since />
            </td>
            <td role="cell" class="text-end max-md:order-5 max-md:self-end">
                {action
                    .map(|(href, word)| {
                        view! {
                            <a class="rc-act" href=href>
                                {word}
                                <span class="sr-only">": " {label}</span>
                                <Icon name="chevron-right" small=true />
                            </a>
                        }
                    })}
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_agrees_with_the_counts() {
        let overview = |customers, current, failing| Overview {
            customers,
            current,
            failing,
            ..Overview::default()
        };
        for (counts, text) in [
            (overview(0, 0, 0), "No customers yet"),
            (overview(3, 0, 0), "Nothing is in step yet"),
            (overview(3, 3, 0), "All 3 customers are current"),
            (overview(3, 2, 0), "No customer needs someone"),
            (overview(3, 2, 1), "1 of 3 customers needs someone"),
            (
                overview(1412, 1392, 20),
                "20 of 1,412 customers need someone",
            ),
        ] {
            assert_eq!(sentence(&counts), text);
        }
    }

    #[test]
    fn a_small_share_is_not_told_as_none() {
        assert_eq!(share(1, 1_000_000), "0.1 %");
        assert_eq!(share(21, 1000), "2.1 %");
    }
}
