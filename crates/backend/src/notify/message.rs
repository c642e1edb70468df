//! What is told, in words for people and as JSON for programs. Mail has all of it; a webhook has
//! no more than what somebody outside may know: ids, names of customer and integration, a title.

use domain::{
    DateTime,
    credential_profile::CredentialKind,
    id::{CredentialProfileId, CustomerId, IntegrationId, RunId},
    notification::NotificationCause,
    number::{counted, grouped, listed},
    policy::ObjectType,
    run::{Action, RunError, RunStatus},
};
use html_escape::{encode_double_quoted_attribute, encode_text};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// Minutes of a day.
const DAY_MIN: i64 = 24 * 60;

/// Something with a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Named<Id> {
    pub id: Id,
    pub name: String,
}

/// What a message is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct About {
    pub customer: Named<CustomerId>,
    pub integration: Named<IntegrationId>,
    pub run_id: RunId,
}

impl About {
    /// "Contoso, contoso.example"; once where both have the same name.
    fn title(&self) -> String {
        let (customer, integration) = (&self.customer.name, &self.integration.name);
        if customer == integration {
            customer.clone()
        } else {
            format!("{customer}, {integration}")
        }
    }
}

/// A credential profile that a message is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AboutProfile {
    /// None for a shared one.
    pub customer: Option<Named<CustomerId>>,
    pub profile: Named<CredentialProfileId>,
}

/// How a profile is before its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    /// What ends.
    pub kind: CredentialKind,
    /// When.
    pub ends_at: DateTime,
    /// Integrations that use it.
    pub used_by: i64,
    /// Whether a next one is there, which nobody tried out.
    pub next_untested: bool,
}

/// A message, as it is kept until it is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    /// None for a test.
    pub cause: Option<NotificationCause>,
    /// The run it is about; none for a test and for a profile.
    pub about: Option<About>,
    /// The credential profile it is about.
    pub profile: Option<AboutProfile>,
    /// When what it tells of happened.
    pub at: DateTime,
    /// In one line.
    pub title: String,
    /// What happened.
    what: String,
    /// Why.
    why: String,
    /// What to do.
    fix: String,
    /// The page that shows it, as `app::routes` has it.
    path: String,
}

/// What is held of one object type.
#[derive(Debug, Clone)]
pub(super) struct HeldType {
    pub object_type: ObjectType,
    pub number: i64,
    pub actions: Vec<Action>,
}

impl Message {
    /// A plan is held.
    pub fn held(about: About, at: DateTime, held: &[HeldType], error: Option<&RunError>) -> Self {
        let customer = &about.customer.name;
        let title = format!("Held: {}", would(held, customer));
        let cause = error.map_or_else(String::new, |error| format!(" {}.", error.title));
        Self {
            what: format!(
                "A sync of {} holds changes back until somebody decides.{cause}",
                about.title()
            ),
            why: error.map_or_else(String::new, |error| error.detail.clone()),
            fix: error.map_or_else(
                || "Look through the held changes.".to_owned(),
                |error| error.fix.clone(),
            ),
            path: run_path(about.run_id),
            title,
            cause: Some(NotificationCause::Held),
            about: Some(about),
            profile: None,
            at,
        }
    }

    /// An integration keeps failing.
    pub fn failing(
        about: About,
        at: DateTime,
        failures: i64,
        since: DateTime,
        error: Option<&RunError>,
    ) -> Self {
        let reason = error.map_or("its runs fail", |error| error.title.as_str());
        Self {
            title: format!("Failing: {}: {reason}", about.title()),
            what: format!(
                "{} of {} failed in a row, the first at {}. Its users and groups stay as they were.",
                counted(failures, "run", "runs"),
                about.title(),
                utc(since)
            ),
            why: why(error),
            fix: fix(error),
            path: integration_path(about.integration.id),
            cause: Some(NotificationCause::Failing),
            about: Some(about),
            profile: None,
            at,
        }
    }

    /// The scheduled runs of an integration stopped.
    pub fn quarantined(
        about: About,
        at: DateTime,
        failures: i64,
        error: Option<&RunError>,
    ) -> Self {
        Self {
            title: format!("Quarantined: {}: scheduled runs stopped", about.title()),
            what: format!(
                "Sign-in was refused, and {} of {} failed in a row. Its scheduled runs stopped; nothing is tried any more until somebody acts.",
                counted(failures, "run", "runs"),
                about.title()
            ),
            why: why(error),
            fix: format!(
                "{} Then start a run: one that succeeds lifts the quarantine.",
                fix(error)
            ),
            path: integration_path(about.integration.id),
            cause: Some(NotificationCause::Quarantined),
            about: Some(about),
            profile: None,
            at,
        }
    }

    /// What was told is over. `ended`: what, since when.
    pub fn recovered(
        about: About,
        at: DateTime,
        ended: &[(NotificationCause, DateTime)],
        status: RunStatus,
    ) -> Self {
        let ended: Vec<String> = ended
            .iter()
            .map(|(cause, since)| {
                let was = match cause {
                    NotificationCause::Held => "It had held changes",
                    NotificationCause::Quarantined => "It had been quarantined",
                    NotificationCause::Failing
                    | NotificationCause::Recovered
                    | NotificationCause::SecretEnds => "It had been failing",
                };
                format!("{was} since {}.", utc(*since))
            })
            .collect();
        Self {
            title: format!("Recovered: {}", about.title()),
            what: format!("{} is well again.", about.title()),
            why: format!(
                "{} The run at {} ended as “{}”.",
                ended.join(" "),
                utc(at),
                status.title()
            ),
            fix: "Nothing.".to_owned(),
            path: run_path(about.run_id),
            cause: Some(NotificationCause::Recovered),
            about: Some(about),
            profile: None,
            at,
        }
    }

    /// What a run held was decided. `since`: how long it had waited.
    pub fn decided(about: About, at: DateTime, since: DateTime, status: RunStatus) -> Self {
        Self {
            title: format!("Decided: {}", about.title()),
            what: format!("The held changes of {} were decided.", about.title()),
            why: format!(
                "They had waited since {}. The run ended at {} as “{}”.",
                utc(since),
                utc(at),
                status.title()
            ),
            fix: "Nothing.".to_owned(),
            path: run_path(about.run_id),
            cause: Some(NotificationCause::Recovered),
            about: Some(about),
            profile: None,
            at,
        }
    }

    /// A test.
    pub fn test(at: DateTime, asked_by: &str, path: String) -> Self {
        Self {
            title: "Test message from Rollcall".to_owned(),
            what: format!("{asked_by} sent this to see whether it arrives. It does."),
            why: "Notifications of Rollcall come this way.".to_owned(),
            fix: "Nothing.".to_owned(),
            path,
            cause: None,
            about: None,
            profile: None,
            at,
        }
    }

    /// A secret or certificate ends soon.
    pub fn secret_ends(about: AboutProfile, at: DateTime, ending: Ending) -> Self {
        let name = &about.profile.name;
        // Begun days count: half a day before the end it is one day.
        let left = (ending.ends_at - at).num_minutes();
        let left = counted((left + DAY_MIN - 1) / DAY_MIN, "day", "days");
        let noun = ending.kind.title().to_lowercase();
        let of = match &about.customer {
            Some(customer) => format!(" of {}", customer.name),
            None => String::new(),
        };
        let (use_it, refused) = match ending.used_by {
            0 => ("No integration uses it".to_owned(), String::new()),
            one => (
                format!(
                    "{} it",
                    counted(
                        one,
                        "integration signs in with",
                        "integrations sign in with"
                    )
                ),
                " Entra ID refuses it from then on, and runs fail.".to_owned(),
            ),
        };
        let fix = if ending.next_untested {
            "The next one is there, but nobody tried it out. Open the profile and choose Test Connection beside it."
        } else if ending.used_by == 0 {
            "Replace it, or delete the profile if it is needed no more."
        } else {
            "Make a new one in Entra ID and add it to the profile as the second, or have Rollcall make a certificate and upload it there. Both work side by side, and Rollcall goes over to the second by itself."
        };
        Self {
            title: format!("Ends in {left}: the {noun} of {name}"),
            what: format!(
                "The {noun} of the credential profile {name}{of} ends at {}, in {left}.",
                utc(ending.ends_at)
            ),
            why: format!("{use_it}.{refused}"),
            fix: fix.to_owned(),
            path: format!("/credential-profiles/{}", about.profile.id),
            cause: Some(NotificationCause::SecretEnds),
            about: None,
            profile: Some(about),
            at,
        }
    }

    /// The customer it tells of; none for a test and for what all share.
    pub fn customer_id(&self) -> Option<CustomerId> {
        let of_run = self.about.as_ref().map(|about| about.customer.id);
        of_run.or_else(|| Some(self.profile.as_ref()?.customer.as_ref()?.id))
    }

    fn link(&self, public_url: &Url) -> String {
        public_url
            .join(&self.path)
            .map_or_else(|_| public_url.to_string(), Into::into)
    }

    /// The plain text of a mail.
    pub fn text(&self, public_url: &Url) -> String {
        format!(
            "{}\n\nWhy: {}\n\nWhat to do: {}\n\n{}\n\n-- \n{}\n",
            self.what,
            self.why,
            self.fix,
            self.link(public_url),
            foot(public_url)
        )
    }

    /// The HTML of a mail. Every text is escaped: names are what people elsewhere typed.
    pub fn html(&self, public_url: &Url) -> String {
        let link = self.link(public_url);
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
             <body style=\"font-family:sans-serif;line-height:1.5;max-width:40em\">\
             <h1 style=\"font-size:1.2em\">{title}</h1><p>{what}</p><p><b>Why:</b> {why}</p>\
             <p><b>What to do:</b> {fix}</p><p><a href=\"{href}\">{shown}</a></p><hr>\
             <p style=\"color:#555\">{foot}</p></body></html>\n",
            title = encode_text(&self.title),
            what = encode_text(&self.what),
            why = encode_text(&self.why),
            fix = encode_text(&self.fix),
            href = encode_double_quoted_attribute(&link),
            shown = encode_text(&link),
            foot = encode_text(&foot(public_url)),
        )
    }

    /// The body of a webhook.
    pub fn body(&self, id: &str, public_url: &Url) -> String {
        let (about, profile) = (self.about.as_ref(), self.profile.as_ref());
        let of_profile = profile.and_then(|about| about.customer.as_ref());
        serde_json::json!({
            "id": id,
            "type": self.cause.map_or("test", NotificationCause::as_str),
            "timestamp": self.at,
            "data": {
                "title": self.title,
                "customer": about.map(|about| &about.customer).or(of_profile),
                "integration": about.map(|about| &about.integration),
                "run_id": about.map(|about| about.run_id),
                "credential_profile": profile.map(|about| &about.profile),
                "url": self.link(public_url),
            },
        })
        .to_string()
    }
}

/// The id of a message as receivers see it; without a dot, which separates what is signed.
pub(super) fn public_id(message: Uuid) -> String {
    format!("msg_{}", message.simple())
}

fn foot(public_url: &Url) -> String {
    format!(
        "Somebody added this address to the notifications of Rollcall at {public_url}. An administrator there can change what it is told of, or remove it."
    )
}

fn run_path(id: RunId) -> String {
    format!("/runs/{id}")
}

pub(super) fn integration_path(id: IntegrationId) -> String {
    format!("/integrations/{id}")
}

fn utc(at: DateTime) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn why(error: Option<&RunError>) -> String {
    match error {
        Some(error) => format!("{}. {} ({})", error.title, error.detail, error.code),
        None => "The history of the integration says more.".to_owned(),
    }
}

fn fix(error: Option<&RunError>) -> String {
    error.map_or_else(
        || "Look into the history of the integration.".to_owned(),
        |error| error.fix.clone(),
    )
}

/// "312 users and 4 groups of Contoso would be disabled".
fn would(held: &[HeldType], customer: &str) -> String {
    let objects: Vec<&HeldType> = held
        .iter()
        .filter(|held| held.object_type != ObjectType::Membership)
        .collect();
    if objects.is_empty() {
        let number = held.iter().map(|held| held.number).sum();
        let memberships = counted(number, "membership", "memberships");
        return format!("{memberships} of {customer} would be removed");
    }
    let nouns: Vec<String> = objects
        .iter()
        .map(|held| {
            let noun = held.object_type.as_str();
            let plural = if held.number == 1 { "" } else { "s" };
            format!("{} {noun}{plural}", grouped(held.number))
        })
        .collect();
    let nouns = listed(&nouns);
    let does = |action| objects.iter().any(|held| held.actions.contains(&action));
    let verb = match (does(Action::Disable), does(Action::Delete)) {
        (true, true) => "disabled or deleted",
        (false, true) => "deleted",
        _ => "disabled",
    };
    format!("{nouns} of {customer} would be {verb}")
}

#[cfg(test)]
mod tests;
