//! The lines of a run: joined, the first with its times, a running one with its progress.

use domain::run::{CountLine, HistoryLine, LineStatus, RunMode, RunPhase, RunStatus, RunTrigger};

use crate::ui::{
    duration::{self, left},
    prelude::*,
    progress::ProgressLine,
    time::{ClockTime, now_millis},
};

/// All lines of a page; those of one run joined.
#[component]
pub fn Lines(
    /// In the order of the list.
    lines: Vec<HistoryLine>,
    /// Whether runs of several integrations stand here.
    all: bool,
) -> impl IntoView {
    runs(lines)
        .into_iter()
        .map(|run| view! { <OneRun lines=run all=all /> })
        .collect_view()
}

/// Neighbours of one run together. A folded run says "nothing" once, not once a type.
fn runs(lines: Vec<HistoryLine>) -> Vec<Vec<HistoryLine>> {
    let mut runs: Vec<Vec<HistoryLine>> = Vec::new();
    for line in lines {
        match runs.last_mut() {
            Some(run) if run[0].run_id == line.run_id => {
                if line.folded <= 1 {
                    run.push(line);
                }
            }
            _ => runs.push(vec![line]),
        }
    }
    runs
}

#[component]
fn OneRun(lines: Vec<HistoryLine>, all: bool) -> impl IntoView {
    let Some(head) = lines.first().cloned() else {
        return ().into_any();
    };
    let open = head.run_status.is_open();
    let last = lines.len() - 1;
    let rows = lines
        .into_iter()
        .enumerate()
        .map(|(i, line)| {
            let joined = open || i < last;
            view! { <Row line=line first=i == 0 joined=joined all=all /> }
        })
        .collect_view();
    let columns = if all { "9" } else { "8" };
    let progress = open.then(|| {
        view! {
            <tr role="row" class="prog">
                <td role="cell" colspan=columns class="p-0!">
                    <ProgressLine
                        percent=head.progress.percent()
                        label=format!("Run of {}", head.integration_name)
                    />
                </td>
            </tr>
        }
    });
    view! {
        {rows}
        {progress}
    }
    .into_any()
}

#[component]
fn Row(line: HistoryLine, first: bool, joined: bool, all: bool) -> impl IntoView {
    let open = line.run_status.is_open();
    let class = match (joined, open) {
        (true, true) => "joined bg-run-soft/40",
        (true, false) => "joined",
        (false, _) => "",
    };
    let counts = line.counts;
    // Until a run has counted, a number is unknown, not 0.
    let unknown = counts.total == 0
        && (line.folded > 1
            || matches!(
                line.run_status,
                RunStatus::Queued | RunStatus::Running | RunStatus::Failed | RunStatus::Cancelled
            ));
    let number = move |number: i64| (!unknown).then_some(number);
    let changed = if line.folded > 1 {
        Some(0)
    } else {
        number(counts.objects_changed())
    };
    let deleted = if line.folded > 1 {
        Some(0)
    } else {
        number(counts.objects_deleted())
    };
    let filtered = if line.folded > 1 {
        Some(0)
    } else {
        number(counts.filtered)
    };
    let kind = if line.folded > 1 {
        "All"
    } else {
        counts.object_type.title()
    };
    let name = line.integration_name.clone();
    // An import has none, and leads to its customer's imports.
    let to_integration = line.integration_id.map_or_else(
        || routes::customer_imports(line.customer_id),
        routes::integration,
    );
    view! {
        <tr role="row" class=class>
            <td role="cell" class="c-start whitespace-nowrap">
                {if first {
                    view! { <Start line=line.clone() all=all /> }.into_any()
                } else {
                    view! {
                        <span class="sr-only"><RelativeTime at=line.started_at /></span>
                    }
                    .into_any()
                }}
            </td>
            {all
                .then(|| {
                    view! {
                        <td role="cell" class="max-md:hidden">
                            {first
                                .then(|| {
                                    if line.integration_deleted {
                                        view! {
                                            <span
                                                class="block truncate max-w-36 text-muted"
                                                title=format!("{name}, deleted")
                                            >
                                                <bdi>{name.clone()}</bdi>
                                            </span>
                                        }
                                            .into_any()
                                    } else {
                                        view! {
                                            <a
                                                class="rc-link block truncate max-w-36"
                                                href=to_integration
                                                title=name.clone()
                                            >
                                                <bdi>{name.clone()}</bdi>
                                            </a>
                                        }
                                            .into_any()
                                    }
                                })}
                        </td>
                    }
                })}
            <td role="cell" class="c-end whitespace-nowrap rc-num">
                {first.then(|| view! { <End line=line.clone() /> })}
            </td>
            <td role="cell" class="c-type">{kind}</td>
            <Num value=number(counts.total) label="total" />
            <Num value=changed label="changed" />
            <Num value=deleted label="deleted" />
            <Num value=filtered label="filtered" />
            <td role="cell" class="c-st grow">
                <LineState line=line first=first />
            </td>
        </tr>
    }
    .into_any()
}

/// When it started, how and by whom; a folded line says how many it stands for.
#[component]
fn Start(line: HistoryLine, all: bool) -> impl IntoView {
    let to = routes::run(line.run_id);
    let name = all.then(|| {
        view! { <span class="md:hidden truncate"><bdi>{line.integration_name.clone()}</bdi></span> }
    });
    if line.folded > 1 {
        let until = line.last_seen_at.unwrap_or(line.started_at);
        return view! {
            <span class="flex items-baseline gap-2 text-muted">
                <a class="hover:underline underline-offset-2" href=to>
                    {format!("{} runs", grouped(line.folded))}
                </a>
                {name}
                <span class="text-faint rc-num">
                    <ClockTime at=line.started_at />" to "<ClockTime at=until />
                </span>
            </span>
        }
        .into_any();
    }
    let how = how(&line);
    let title = how.clone();
    view! {
        <span class="flex items-baseline gap-2">
            <a class="rc-rowlink" href=to><RelativeTime at=line.started_at plain=true /></a>
            {name}
            <span class="text-muted truncate md:max-w-40" title=title>
                {how}
            </span>
        </span>
    }
    .into_any()
}

/// "Full, Mina Vermeulen", "Delta, schedule", "Ada Lovelace alone, Mina Vermeulen".
fn how(line: &HistoryLine) -> String {
    let by = match (&line.started_by, line.trigger) {
        (Some(name), RunTrigger::Api) => format!("API token {name}"),
        (Some(name), _) => name.clone(),
        (None, trigger) => trigger_word(trigger).to_owned(),
    };
    match &line.object_name {
        Some(name) => format!("{name} alone, {by}"),
        None => format!("{}, {by}", mode_word(line.mode)),
    }
}

/// A run's mode in a word.
const fn mode_word(mode: RunMode) -> &'static str {
    match mode {
        RunMode::Full => "Full",
        RunMode::Delta => "Delta",
        RunMode::Preview => "Preview",
        RunMode::Object => "Single",
        RunMode::Import => "Import",
    }
}

const fn trigger_word(trigger: RunTrigger) -> &'static str {
    match trigger {
        RunTrigger::Schedule => "schedule",
        RunTrigger::Operator => "operator",
        RunTrigger::Api => "API",
        RunTrigger::Push => "notification",
    }
}

#[component]
fn End(line: HistoryLine) -> impl IntoView {
    if let Some(ended) = line.ended_at.filter(|_| line.folded <= 1) {
        let took = (ended - line.started_at).num_milliseconds();
        return view! {
            <span class="max-md:hidden"><ClockTime at=ended />" "</span>
            <span class="text-muted">{duration::words(took)}</span>
        }
        .into_any();
    }
    let began = line.started_at.timestamp_millis();
    let percent = line.progress.percent();
    match line.run_status {
        RunStatus::Running => view! {
            <span class="text-muted">
                {move || left(began, now_millis(), percent).map(|left| format!("in {left}"))}
            </span>
        }
        .into_any(),
        RunStatus::Held => {
            view! { <span class="text-muted">"waits for a decision"</span> }.into_any()
        }
        _ => ().into_any(),
    }
}

/// The line's status and, on the first line, what came of the run in a few words.
#[component]
fn LineState(line: HistoryLine, first: bool) -> impl IntoView {
    let status = line.counts.status;
    let says = if line.run_status.is_open() {
        first.then(|| progress_words(&line)).flatten()
    } else {
        detail(&line, first)
    };
    let percent = line
        .progress
        .percent()
        .filter(|_| first && line.run_status == RunStatus::Running);
    let review = first && status == LineStatus::Held;
    view! {
        <span class="flex items-center gap-3">
            <Status of=Mark::from(status) />
            {says
                .map(|says| {
                    view! { <span class="text-muted truncate" title=says.clone()>{says.clone()}</span> }
                })}
            {percent
                .map(|percent| {
                    view! {
                        <span class="ms-auto rc-num font-medium whitespace-nowrap">
                            {format!("{percent} %")}
                        </span>
                    }
                })}
            {review
                .then(|| {
                    view! { <a class="rc-link ms-auto" href=routes::run(line.run_id)>"Review"</a> }
                })}
        </span>
    }
    .into_any()
}

fn progress_words(line: &HistoryLine) -> Option<String> {
    let at = line.progress;
    Some(match at.phase {
        RunPhase::Waiting | RunPhase::Done => return None,
        RunPhase::Reading => match at.objects_expected {
            Some(expected) if expected > 0 => format!(
                "{} of about {} objects read",
                grouped(at.objects_read),
                grouped(expected.max(at.objects_read))
            ),
            _ => format!("{} read", counted(at.objects_read, "object", "objects")),
        },
        RunPhase::Merging | RunPhase::Planning | RunPhase::Deciding => at.phase.title().to_owned(),
        RunPhase::Applying => {
            format!(
                "{} of {} applied",
                grouped(at.applied),
                counted(at.planned, "change", "changes")
            )
        }
    })
}

/// What stopped the run, or what is special about this line.
fn detail(line: &HistoryLine, first: bool) -> Option<String> {
    let CountLine { failed, held, .. } = line.counts;
    match line.counts.status {
        LineStatus::Failed => line
            .error
            .as_ref()
            .filter(|_| first)
            .map(|error| format!("{}, {}", error.title, error.code)),
        LineStatus::Partial if failed > 0 => Some(format!("{} failed", grouped(failed))),
        LineStatus::Partial => line.error.as_ref().map(|error| error.title.clone()),
        LineStatus::Held if held > 0 => Some(format!("{} held", grouped(held))),
        LineStatus::WouldHold if held > 0 => Some(format!("{} would be held", grouped(held))),
        LineStatus::Held => line.error.as_ref().map(|error| error.title.clone()),
        LineStatus::Succeeded if first && line.mode == RunMode::Preview => {
            Some("nothing was changed".to_owned())
        }
        _ => None,
    }
}
