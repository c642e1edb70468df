//! Test Connection: what was tried, what came back, how long it took and what to do.

use domain::connection::{CheckStatus, ConnectionTest};
use leptos::server_fn::ServerFn;

use super::prelude::*;
use crate::{flash::Outcome, session::use_returned};

/// What the toasts are the outcome of.
const TEST: &str = "Test Connection";

/// A test that is under way or done.
#[derive(Clone, Copy)]
pub struct Tested {
    /// What came of it.
    pub outcome: Signal<Option<AppResult<ConnectionTest>>>,
    /// Whether it is under way.
    pub pending: Signal<bool>,
}

/// Follows a test, and tells its outcome in a toast.
pub fn follow_test<S>(action: ServerAction<S>) -> Tested
where
    S: ServerFn<Output = ConnectionTest, Error = AppError> + Clone + Send + Sync + 'static,
{
    let toasts = use_toasts();
    // Without the browser code the outcome came with the page.
    let with_page = use_returned(S::PATH).map(|returned| match returned.outcome {
        Outcome::Tested(test) => Ok(test),
        Outcome::Refused(error) => Err(error),
    });
    Effect::new(move |_| match action.value().get() {
        Some(Ok(test)) if test.ok => toasts.outcome(TEST, true, summary(&test)),
        Some(Ok(test)) => {
            let says = format!("{}. The fix is beside the check.", summary(&test));
            toasts.outcome(TEST, false, says);
        }
        // What a field is blamed for stands at the form.
        Some(Err(AppError::Invalid(_))) | None => {}
        Some(Err(error)) => toasts.outcome(TEST, false, error.to_string()),
    });
    Tested {
        outcome: Signal::derive(move || action.value().get().or_else(|| with_page.clone())),
        pending: action.pending().into(),
    }
}

/// "Connection to Contoso: 1 of 7 checks failed".
fn summary(test: &ConnectionTest) -> String {
    let to = test
        .tenant_name
        .as_deref()
        .map_or_else(String::new, |name| format!(" to {name}"));
    format!("Connection{to}: {}", verdict(test))
}

/// "all 7 checks passed", "1 of 7 checks failed".
fn verdict(test: &ConnectionTest) -> String {
    let count = |status| test.checks.iter().filter(|c| c.status == status).count();
    let tried = test.checks.len() - count(CheckStatus::Skipped);
    match count(CheckStatus::Failed) {
        0 if tried == 1 => "the check passed".to_owned(),
        0 => format!("all {tried} checks passed"),
        failed => format!("{failed} of {} checks failed", test.checks.len()),
    }
}

/// The button that starts a test. It keeps its width while the test is under way.
#[component]
pub fn TestButton(
    /// The test.
    tested: Tested,
    /// Where the form is sent for a test without the browser code.
    url: &'static str,
    /// Starts it.
    start: Callback<()>,
) -> impl IntoView {
    let pending = tested.pending;
    view! {
        <button
            type="submit"
            class="btn"
            formaction=url
            aria-disabled=move || pending.get().then_some("true")
            on:click=move |ev| {
                ev.prevent_default();
                if !pending.get_untracked() {
                    start.run(());
                }
            }
        >
            {move || {
                if pending.get() {
                    view! { <Icon name="loader-circle" class="rc-spin" /> }.into_any()
                } else if tested.outcome.with(Option::is_some) {
                    view! { <Icon name="rotate-cw" /> }.into_any()
                } else {
                    view! { <Icon name="plug-zap" /> }.into_any()
                }
            }}
            {move || if pending.get() { "Testing" } else { "Test Connection" }}
        </button>
    }
    .into_any()
}

/// The verdict beside the title.
#[component]
pub fn Verdict(
    /// The test.
    tested: Tested,
) -> impl IntoView {
    move || match tested.outcome.get() {
        Some(Ok(test)) => {
            let (icon, tone) = if test.ok {
                ("circle-check", "rc-st ok")
            } else {
                ("circle-x", "rc-st fail")
            };
            Some(view! {
                <span class=tone>
                    <Icon name=icon />
                    {verdict(&test)}
                </span>
            })
        }
        _ => None,
    }
}

/// The checks, each with its fix under it.
#[component]
pub fn Checks(
    /// The test.
    tested: Tested,
) -> impl IntoView {
    move || match tested.outcome.get() {
        // What a field is blamed for stands at the form.
        None | Some(Err(AppError::Invalid(_))) => None,
        Some(Err(error)) => Some(view! { <ErrorNote error=error /> }.into_any()),
        Some(Ok(test)) => {
            let checks = test
                .checks
                .into_iter()
                .map(|check| view! { <OneCheck check=check /> })
                .collect_view();
            Some(view! { <ul class="rc-steps" aria-label="Checks">{checks}</ul> }.into_any())
        }
    }
}

#[component]
fn OneCheck(check: domain::connection::Check) -> impl IntoView {
    let mark = Mark::from(check.status);
    let (colour, title) = match check.status {
        CheckStatus::Passed => ("text-success", "font-medium"),
        CheckStatus::Failed => ("text-error", "font-medium"),
        CheckStatus::Skipped => ("text-faint", "font-medium text-muted"),
    };
    let took = match check.status {
        CheckStatus::Skipped => String::new(),
        _ => format!("{} ms", grouped(check.took_ms)),
    };
    view! {
        <li>
            <Icon name=mark.icon class=colour />
            <div class="min-w-0 wrap-anywhere">
                <p class=title>
                    {check.title} <span class="sr-only">{format!(": {}", mark.word)}</span>
                </p>
                <p class="rc-hint">{check.detail}</p>
                {check
                    .fix
                    .map(|fix| {
                        view! {
                            <p class="mt-1.5 p-2.5 rounded-field bg-fail-soft">
                                <b class="font-medium">"To fix it: "</b>
                                {fix}
                            </p>
                        }
                    })}
            </div>
            <span class="rc-hint rc-num">{took}</span>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use domain::connection::{Check, CheckStatus, ConnectionTest};

    use super::{summary, verdict};

    fn test(statuses: &[CheckStatus]) -> ConnectionTest {
        ConnectionTest {
            ok: !statuses.contains(&CheckStatus::Failed),
            checks: statuses
                .iter()
                .map(|status| Check {
                    id: "x".to_owned(),
                    title: String::new(),
                    status: *status,
                    detail: String::new(),
                    fix: None,
                    took_ms: 1,
                })
                .collect(),
            tenant_id: None,
            tenant_name: Some("Contoso".to_owned()),
        }
    }

    #[test]
    fn the_verdict_counts_what_was_tried() {
        use CheckStatus::{Failed, Passed, Skipped};
        assert_eq!(
            verdict(&test(&[Passed, Passed, Skipped])),
            "all 2 checks passed"
        );
        assert_eq!(
            verdict(&test(&[Passed, Failed, Skipped])),
            "1 of 3 checks failed"
        );
        assert_eq!(
            summary(&test(&[Passed])),
            "Connection to Contoso: the check passed"
        );
    }
}
