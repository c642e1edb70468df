//! How far a run is, as it happens.

use domain::run::{RunDetail, RunMode, RunPhase, RunStatus};

use crate::ui::{duration::left, prelude::*, progress::ProgressLine, time::now_millis};

/// The steps a person waits through, with what each does.
const STEPS: [(RunPhase, &str); 4] = [
    (RunPhase::Reading, "Read"),
    (RunPhase::Merging, "Match"),
    (RunPhase::Planning, "Plan"),
    (RunPhase::Applying, "Apply"),
];

/// The steps, the share and the time left.
#[component]
pub fn Progress(
    /// A run that is queued or running.
    detail: RunDetail,
) -> impl IntoView {
    let progress = detail.progress;
    let percent = progress.percent();
    let began = detail.run.started_at.map_or(0, |at| at.timestamp_millis());
    let queued = detail.run.status == RunStatus::Queued;
    let preview = detail.run.mode == RunMode::Preview;
    let steps = STEPS
        .into_iter()
        .filter(|(phase, _)| !preview || *phase != RunPhase::Applying)
        .map(|(phase, word)| {
            let mark = if queued || progress.phase < phase {
                Step::Waits
            } else if progress.phase == phase {
                Step::Goes
            } else {
                Step::Done
            };
            let says = says(&detail, phase, mark);
            view! { <OneStep word=word mark=mark says=says /> }
        })
        .collect_view();
    let time_left = move || match left(began, now_millis(), percent) {
        _ if queued => "Waits for a worker".to_owned(),
        Some(left) => format!("{left} left"),
        None => "Just begun".to_owned(),
    };
    view! {
        <section aria-labelledby="h-progress" class="border-t border-line">
            <div class="flex items-baseline gap-3 px-6 pt-3 max-md:px-4">
                <h2 id="h-progress" class="text-base">
                    "Progress"
                </h2>
                <span class="text-muted rc-num">{time_left}</span>
                <span class="ms-auto text-lg font-semibold rc-num">
                    {percent.map(|percent| format!("{percent} %"))}
                </span>
            </div>
            <ol class="rc-steps px-6 pb-2 max-md:px-4">{steps}</ol>
            <ProgressLine percent=percent label="Progress of this run" />
        </section>
    }
    .into_any()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Waits,
    Goes,
    Done,
}

#[component]
fn OneStep(word: &'static str, mark: Step, says: String) -> impl IntoView {
    let (icon, class, spoken) = match mark {
        Step::Waits => ("circle-dashed", "text-faint", "waits"),
        Step::Goes => ("loader-circle", "text-link rc-spin", "under way"),
        Step::Done => ("circle-check", "text-success", "done"),
    };
    let title = if mark == Step::Waits {
        "text-muted"
    } else {
        "font-medium"
    };
    view! {
        <li>
            <Icon name=icon class=class />
            <p class=title>
                {word} <span class="sr-only">{format!(": {spoken}")}</span>
            </p>
            <span class="text-muted rc-num">{says}</span>
        </li>
    }
    .into_any()
}

/// The numbers of a step that began.
fn says(detail: &RunDetail, phase: RunPhase, mark: Step) -> String {
    let at = detail.progress;
    if mark == Step::Waits {
        return String::new();
    }
    match phase {
        RunPhase::Reading => {
            let pages = counted(at.pages_read, "page", "pages");
            let objects = match at.objects_expected.filter(|_| mark == Step::Goes) {
                Some(expected) if expected > at.objects_read => format!(
                    "{} of about {} objects",
                    grouped(at.objects_read),
                    grouped(expected)
                ),
                _ => counted(at.objects_read, "object", "objects"),
            };
            format!("{pages}, {objects}")
        }
        RunPhase::Planning if mark == Step::Done => counted(at.planned, "change", "changes"),
        RunPhase::Applying => format!(
            "{} of {}",
            grouped(at.applied),
            counted(at.planned, "change", "changes")
        ),
        _ => String::new(),
    }
}
