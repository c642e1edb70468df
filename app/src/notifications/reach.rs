//! Whether a warning of a secret that ends would reach anybody, where pages have to say that it may not.

use domain::{credential_profile::WarningReach, notification::MailServerCheck};

use crate::ui::prelude::*;

/// Why nobody is sure to hear of it, or not everybody; none where all is well. `what` ends.
fn words(reach: &WarningReach, what: &str) -> Option<String> {
    let (all, doubt) = (reach.recipients, reach.in_doubt());
    if all == 0 {
        // Without those of the installation nothing can be said for sure.
        return reach
            .complete
            .then(|| format!("Nobody is told before {what} ends."));
    }
    if doubt == 0 {
        return None;
    }
    if doubt < all {
        let recipients = counted(all, "recipient", "recipients");
        return Some(format!(
            "Of {recipients} that are told before {what} ends, {} may not be reached.",
            grouped(doubt)
        ));
    }
    let why = if reach.unreached > 0 {
        "the last messages were not delivered"
    } else if reach.untried > 0 {
        "no message has reached a recipient yet. A test message shows whether one would"
    } else if reach.mail_error().is_some() {
        "the mail server takes no mail"
    } else {
        "no mail server is set up"
    };
    Some(format!(
        "Nobody is sure to be told before {what} ends: {why}."
    ))
}

/// Says when nobody is sure to hear that a secret ends, or not everybody.
#[component]
pub fn ReachNote(
    /// Who would hear of it.
    reach: WarningReach,
    /// What ends, as a sentence says it.
    what: &'static str,
    /// Where its recipients are.
    to: String,
) -> impl IntoView {
    let text = words(&reach, what)?;
    let word = if reach.recipients == 0 {
        "Add a recipient"
    } else {
        "See the recipients"
    };
    let failed = reach
        .mail_server
        .filter(|check| reach.without_mail > 0 && check.error.is_some());
    Some(view! {
        <div class="rc-note held mx-6 mb-4 max-md:mx-4" role="note">
            <Icon name="circle-alert" class="text-warning mt-0.5" />
            <div class="min-w-0 wrap-anywhere">
                <p>{text} " " <a class="rc-link" href=to>{word}</a></p>
                {failed.map(|check| view! { <Checked check=check /> })}
            </div>
        </div>
    })
}

/// What came of a look at the mail server, with the fix where it would take no mail.
#[component]
pub(super) fn Checked(
    /// What came of it.
    check: MailServerCheck,
) -> impl IntoView {
    let at = check.checked_at;
    match check.error {
        Some(error) => view! {
            <p class="text-muted">
                {error.title} ". " {error.detail} " " {error.fix} " "
                <span class="rc-mono">{error.code}</span> ", checked " <RelativeTime at=at />
            </p>
        }
        .into_any(),
        None => view! {
            <p class="text-muted">
                "The mail server would take a mail, checked " <RelativeTime at=at />
            </p>
        }
        .into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_sure_to_be_reached_leaves_nothing_to_say() {
        let of = |recipients, unreached, untried, without_mail| {
            let reach = WarningReach {
                recipients,
                unreached,
                untried,
                without_mail,
                complete: true,
                ..WarningReach::default()
            };
            words(&reach, "this secret")
        };
        assert_eq!(of(2, 0, 0, 0), None);
        for (reach, part) in [
            (of(0, 0, 0, 0), "Nobody is told before this secret ends."),
            (of(2, 0, 1, 0), "Of 2 recipients"),
            (of(2, 1, 1, 0), "not delivered"),
            (of(1, 0, 1, 0), "no message has reached a recipient yet"),
            (of(1, 0, 0, 1), "no mail server is set up"),
        ] {
            let text = reach.unwrap();
            assert!(text.contains(part), "{text}");
        }
        let unknown = WarningReach::default();
        assert_eq!(words(&unknown, "this secret"), None);
    }
}
