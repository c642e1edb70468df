//! The settings of a customer as one thing. Those of its integrations have versions of their own.

use serde::{Deserialize, Serialize};

use super::file::{NotApplied, RecipientInFile};
use crate::{enrolment::EnrolmentSettings, notification::RecipientKind};

/// What a version keeps of a customer. No secrets: of a webhook only the host, since its path is often
/// its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerSettings {
    /// Its name.
    pub name: String,
    /// Its time zone.
    pub time_zone: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How its people are invited.
    pub enrolment: EnrolmentSettings,
    /// Who is told what goes wrong, by address.
    pub notification_recipients: Vec<RecipientInFile>,
}

/// Why a webhook isn't brought back.
const WEBHOOK_GONE: &str = "A version holds neither the path nor the signing secret of a webhook. Add it \
    by hand.";

/// Why a webhook that came later isn't taken away.
const WEBHOOK_STAYS: &str = "This webhook was added later. It stays, since its signing secret couldn’t be \
    brought back. Remove it by hand.";

/// Why a webhook isn't changed.
const WEBHOOK_UNCLEAR: &str = "Several webhooks have this host. Change them by hand.";

impl CustomerSettings {
    /// What the settings become where these are restored over `present`, and what of them can't be.
    /// Webhooks neither come nor go: only what they are told of.
    pub fn restored_over(&self, present: &Self) -> (Self, Vec<NotApplied>) {
        let mut not_applied = Vec::new();
        let mut recipients = Vec::new();
        let mails = self.notification_recipients.iter();
        recipients.extend(mails.filter(|one| !is_webhook(one)).cloned());
        for webhook in present.webhooks() {
            let host = &webhook.address;
            let same = |of: &Self| of.webhooks().filter(|one| one.address == *host).count();
            let kept = self.webhooks().find(|one| one.address == *host);
            match (same(present), same(self), kept) {
                (1, 1, Some(kept)) => recipients.push(kept.clone()),
                (_, 0, _) | (_, _, None) => {
                    not_applied.push(NotApplied::new(host, WEBHOOK_STAYS));
                    recipients.push(webhook.clone());
                }
                _ => {
                    if !self.notification_recipients.contains(webhook) {
                        not_applied.push(NotApplied::new(host, WEBHOOK_UNCLEAR));
                    }
                    recipients.push(webhook.clone());
                }
            }
        }
        for gone in self.webhooks() {
            if !present.webhooks().any(|one| one.address == gone.address) {
                not_applied.push(NotApplied::new(&gone.address, WEBHOOK_GONE));
            }
        }
        recipients.sort_by(|one, other| one.address.cmp(&other.address));
        let restored = Self {
            notification_recipients: recipients,
            ..self.clone()
        };
        (restored, not_applied)
    }

    fn webhooks(&self) -> impl Iterator<Item = &RecipientInFile> {
        let all = self.notification_recipients.iter();
        all.filter(|one| is_webhook(one))
    }
}

fn is_webhook(of: &RecipientInFile) -> bool {
    of.kind == RecipientKind::Webhook
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::NotificationCause;

    fn told(kind: RecipientKind, address: &str, causes: &[NotificationCause]) -> RecipientInFile {
        RecipientInFile {
            kind,
            address: address.to_owned(),
            causes: causes.to_vec(),
        }
    }

    fn settings(notification_recipients: Vec<RecipientInFile>) -> CustomerSettings {
        CustomerSettings {
            name: "A".to_owned(),
            time_zone: "UTC".to_owned(),
            tags: Vec::new(),
            enrolment: EnrolmentSettings::default(),
            notification_recipients,
        }
    }

    #[test]
    fn webhooks_neither_come_nor_go() {
        use NotificationCause::{Failing, Held};
        use RecipientKind::{Mail, Webhook};
        let version = settings(vec![
            told(Mail, "old@a.example", &[Held]),
            told(Webhook, "both.example", &[Held]),
            told(Webhook, "gone.example", &[Held]),
        ]);
        let present = settings(vec![
            told(Webhook, "both.example", &[Failing]),
            told(Webhook, "later.example", &[Failing]),
            told(Mail, "new@a.example", &[Held]),
        ]);
        let (restored, not_applied) = version.restored_over(&present);
        assert_eq!(
            restored.notification_recipients,
            [
                told(Webhook, "both.example", &[Held]),
                told(Webhook, "later.example", &[Failing]),
                told(Mail, "old@a.example", &[Held]),
            ]
        );
        let left: Vec<_> = not_applied.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(left, ["later.example", "gone.example"]);
    }

    #[test]
    fn webhooks_of_one_host_stay_as_they_are() {
        use NotificationCause::{Failing, Held};
        let two = |causes: &[NotificationCause]| {
            settings(vec![
                told(RecipientKind::Webhook, "a.example", &[Held]),
                told(RecipientKind::Webhook, "a.example", causes),
            ])
        };
        let (restored, not_applied) = two(&[Held]).restored_over(&two(&[Failing]));
        assert_eq!(restored, two(&[Failing]));
        assert_eq!(not_applied.len(), 1, "{not_applied:?}");
        let (same, nothing) = two(&[Held]).restored_over(&two(&[Held]));
        assert_eq!((same, nothing), (two(&[Held]), Vec::new()));
    }
}
