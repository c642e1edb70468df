//! Mails with links that operators set a password by: an outbox of their own, since a link is a
//! secret. It is kept sealed until the mail is sent or given up, and as a hash after that.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{ActorKind, AuditAction},
    id::OperatorId,
    notification::DeliveryStatus,
    operator::{INVITATION_HOURS, RESET_HOURS},
};
use html_escape::{encode_double_quoted_attribute, encode_text};
use secrecy::{ExposeSecret, SecretString};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Result, Scope, Tx,
    auth::link::{self, Purpose},
    delivery::{Undelivered, next_attempt},
    execute, fetch_optional,
    jobs::queue::{self, Kind, NewJob, PRIORITY_PERSON},
    mail::{self, Letter},
    sealer::{Place, places},
    store::{
        audit::{self, Entry},
        write_json,
    },
};

/// The purpose of the mail that tells somebody that their second factors were taken away. There is
/// no link in it.
const SECOND_FACTOR_RESET: &str = "second_factor_reset";
/// Hours after which such a mail, or that of an invitation is given up; the link is good for longer.
const INVITATION_TRIED_HOURS: i64 = 24;
/// Who asked again before this was over has a mail already, whose link stays good: whoever knows an
/// address could otherwise end each link before it is followed, and fill the mailbox.
const RESETS_APART: Duration = Duration::minutes(5);
/// What is kept of a mail that a stranger asked for, and that went nowhere, goes after this.
const FORGOTTEN_AFTER: Duration = Duration::hours(24);

fn place(id: Uuid) -> Place {
    Place::new(places::OPERATOR_LINK, id)
}

/// Puts the mail of an invitation into the outbox, in the caller's transaction, in place of the
/// one before. Does nothing where mail isn't set up: then the link is handed over.
pub(crate) async fn put_invitation(
    b: &Backend,
    tx: &mut Tx,
    operator: OperatorId,
    invited_by: &str,
    secret: &SecretString,
) -> Result<()> {
    execute!(
        &mut *tx,
        "DELETE FROM operator_mail WHERE operator_id = $1 AND purpose = $2",
        operator,
        Purpose::Invitation.as_str()
    )?;
    if b.settings.smtp.is_none() {
        return Ok(());
    }
    let (address,) = crate::fetch_one!(
        &mut *tx,
        (String,),
        "SELECT email FROM operator WHERE id = $1",
        operator
    )?;
    let id = b.ids.uuid();
    let sealed = b.sealer.seal(tx, place(id), secret).await?;
    let row = New {
        id,
        operator: Some(operator),
        purpose: Purpose::Invitation.as_str(),
        address: &address,
        invited_by: Some(invited_by),
        sealed: Some(sealed),
    };
    put(b, tx, row).await
}

/// Puts down that somebody forgot the password of this address, which may be nobody's.
pub(crate) async fn put_reset(b: &Backend, tx: &mut Tx, address: &str) -> Result<()> {
    let row = New {
        id: b.ids.uuid(),
        operator: None,
        purpose: Purpose::PasswordReset.as_str(),
        address,
        invited_by: None,
        sealed: None,
    };
    put(b, tx, row).await
}

/// Tells an operator that their second factors were taken away, and by whom. Does nothing where
/// mail isn't set up.
pub(crate) async fn put_second_factor_reset(
    b: &Backend,
    tx: &mut Tx,
    operator: OperatorId,
    by: &str,
) -> Result<()> {
    if b.settings.smtp.is_none() {
        return Ok(());
    }
    let (address,) = crate::fetch_one!(
        &mut *tx,
        (String,),
        "SELECT email FROM operator WHERE id = $1",
        operator
    )?;
    let row = New {
        id: b.ids.uuid(),
        operator: Some(operator),
        purpose: SECOND_FACTOR_RESET,
        address: &address,
        invited_by: Some(by),
        sealed: None,
    };
    put(b, tx, row).await
}

struct New<'a> {
    id: Uuid,
    operator: Option<OperatorId>,
    purpose: &'static str,
    address: &'a str,
    invited_by: Option<&'a str>,
    sealed: Option<Vec<u8>>,
}

async fn put(b: &Backend, tx: &mut Tx, new: New<'_>) -> Result<()> {
    let now = b.clock.now();
    execute!(
        &mut *tx,
        "INSERT INTO operator_mail (id, operator_id, purpose, address, invited_by, secret_sealed,
                                    status, attempts, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)",
        new.id,
        new.operator,
        new.purpose,
        new.address,
        new.invited_by,
        new.sealed,
        DeliveryStatus::Queued,
        now
    )?;
    let job = NewJob {
        kind: Kind::DeliverOperatorMail,
        subject: new.id,
        integration_id: None,
        priority: PRIORITY_PERSON,
        run_at: now,
        dedupe_key: Some(format!("operator_mail:{}", new.id)),
    };
    queue::enqueue(b, tx, &job).await?;
    Ok(())
}

#[derive(FromRow)]
struct Waiting {
    operator_id: Option<OperatorId>,
    purpose: String,
    address: String,
    invited_by: Option<String>,
    secret_sealed: Option<Vec<u8>>,
    attempts: i64,
    created_at: DateTime,
}

/// A mail that can be sent.
struct Ready {
    address: String,
    invited_by: String,
    content: Content,
}

/// What is told.
enum Content {
    /// A link.
    Link(Purpose, SecretString),
    /// That their second factors were taken away.
    SecondFactorReset,
}

/// Makes one attempt to send a mail. Answers when the next is due, where there is one.
pub(crate) async fn deliver(b: &Backend, id: Uuid) -> Result<Option<DateTime>> {
    let mut tx = b.db.read().await?;
    let waiting = fetch_optional!(
        &mut tx,
        Waiting,
        "SELECT operator_id, purpose, address, invited_by, secret_sealed, attempts, created_at
           FROM operator_mail WHERE id = $1 AND status = 'queued'",
        id
    )?;
    drop(tx);
    // It was sent, or another took its place.
    let Some(waiting) = waiting else {
        return Ok(None);
    };
    let attempts = waiting.attempts + 1;
    let created_at = waiting.created_at;
    let Some(ready) = ready(b, id, waiting).await? else {
        forget(b, id).await?;
        return Ok(None);
    };
    let sent = send(b, id, &ready).await;
    let now = b.clock.now();
    let given_up_at = created_at
        + match ready.content {
            Content::Link(Purpose::PasswordReset, _) => Duration::hours(RESET_HOURS),
            _ => Duration::hours(INVITATION_TRIED_HOURS),
        };
    let next = next_attempt(given_up_at, now, attempts, b.ids.random());
    let next = match &sent {
        Err(undelivered) if !undelivered.final_word => next,
        _ => None,
    };
    if let Err(undelivered) = &sent {
        tracing::warn!(mail = %id, code = undelivered.error.code, attempts, "a mail to an operator was not sent");
    }
    // Only what came of an invitation is shown, and another mail names who forgot a password.
    let shown = matches!(ready.content, Content::Link(Purpose::Invitation, _));
    if !shown && next.is_none() {
        forget(b, id).await?;
        return Ok(None);
    }
    let status = match (&sent, next) {
        (Ok(()), _) => DeliveryStatus::Delivered,
        (Err(_), Some(_)) => DeliveryStatus::Queued,
        (Err(_), None) => DeliveryStatus::Failed,
    };
    let error = sent.err().map(|undelivered| undelivered.error);
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE operator_mail SET status = $2, attempts = $3, error = $4, attempted_at = $5,
                secret_sealed = CASE WHEN $6 THEN secret_sealed END WHERE id = $1",
        id,
        status,
        attempts,
        error.as_ref().map(write_json).transpose()?,
        now,
        next.is_some()
    )?;
    tx.commit().await?;
    Ok(next)
}

/// What has to be sent, and to whom; none where there is nobody. The link of a forgotten password
/// is made here, at the first attempt.
async fn ready(b: &Backend, id: Uuid, waiting: Waiting) -> Result<Option<Ready>> {
    let (invitation, reset) = (
        Purpose::Invitation.as_str(),
        Purpose::PasswordReset.as_str(),
    );
    let found = match (
        waiting.purpose.as_str(),
        waiting.operator_id,
        waiting.secret_sealed,
    ) {
        (SECOND_FACTOR_RESET, Some(_), _) => Some((waiting.address, Content::SecondFactorReset)),
        (purpose, Some(_), Some(sealed)) => {
            let secret = b.sealer.open(place(id), &sealed).await?;
            let purpose = if purpose == invitation {
                Purpose::Invitation
            } else {
                Purpose::PasswordReset
            };
            Some((waiting.address, Content::Link(purpose, secret)))
        }
        (purpose, None, None) if purpose == reset => make_reset(b, id, &waiting.address)
            .await?
            .map(|(address, secret)| (address, Content::Link(Purpose::PasswordReset, secret))),
        _ => None,
    };
    Ok(found.map(|(address, content)| Ready {
        address,
        content,
        invited_by: waiting.invited_by.unwrap_or_default(),
    }))
}

/// Makes the link for who has this address and can sign in with a password; none where nobody does:
/// who signs in by a provider alone gets no way around it. It goes to the address as it is kept, not
/// as a stranger typed it.
async fn make_reset(
    b: &Backend,
    id: Uuid,
    address: &str,
) -> Result<Option<(String, SecretString)>> {
    let mut tx = b.db.write().await?;
    let known = fetch_optional!(
        &mut tx,
        (OperatorId, String),
        "SELECT id, email FROM operator
          WHERE email_folded = $1 AND joined_at IS NOT NULL AND disabled_at IS NULL
            AND password_hash IS NOT NULL",
        planner::fold(address)
    )?;
    let Some((operator, email)) = known else {
        return Ok(None);
    };
    let lately = fetch_optional!(
        &mut tx,
        (DateTime,),
        "SELECT created_at FROM operator_link
          WHERE operator_id = $1 AND purpose = $2 AND created_at > $3",
        operator,
        Purpose::PasswordReset.as_str(),
        b.clock.now() - RESETS_APART
    )?;
    if lately.is_some() {
        return Ok(None);
    }
    let secret = link::make(b);
    link::keep(b, &mut tx, operator, Purpose::PasswordReset, &secret).await?;
    let sealed = b.sealer.seal(&mut tx, place(id), &secret).await?;
    execute!(
        &mut tx,
        "UPDATE operator_mail SET operator_id = $1, address = $2, secret_sealed = $3 WHERE id = $4",
        operator,
        &email,
        sealed,
        id
    )?;
    let actor = audit::Actor {
        kind: ActorKind::Nobody,
        id: None,
        name: ActorKind::Nobody.title(),
    };
    let entry = Entry::new(AuditAction::OperatorForgotPassword, operator.0, &email);
    audit::record_as(b, &mut tx, actor, Scope::by_itself().origin(), entry).await?;
    tx.commit().await?;
    Ok(Some((email, secret)))
}

async fn forget(b: &Backend, id: Uuid) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(&mut tx, "DELETE FROM operator_mail WHERE id = $1", id)?;
    tx.commit().await
}

/// Removes mails of forgotten passwords that nobody will ask for again.
pub(crate) async fn delete_old(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM operator_mail WHERE purpose = $1 AND created_at <= $2",
        Purpose::PasswordReset.as_str(),
        b.clock.now() - FORGOTTEN_AFTER
    )?;
    tx.commit().await
}

async fn send(b: &Backend, id: Uuid, ready: &Ready) -> std::result::Result<(), Undelivered> {
    let smtp = b.settings.smtp.as_ref().ok_or_else(mail::not_set_up)?;
    let public_url = &b.settings.public_url;
    let url = match &ready.content {
        Content::Link(purpose, secret) => link::url(b, *purpose, secret),
        Content::SecondFactorReset => public_url.to_string().into(),
    };
    let words = Words::of(ready, public_url.host_str().unwrap_or_default());
    let letter = Letter {
        to: &ready.address,
        sender: mail::Sender::default(),
        subject: &words.subject,
        text: words.text(url.expose_secret()),
        html: words.html(url.expose_secret()),
        id: &format!("op_{}", id.simple()),
        at: b.clock.now(),
        public_url,
    };
    smtp.send(&letter).await
}

/// What such a mail says.
struct Words {
    subject: String,
    what: String,
    action: &'static str,
    end: String,
    not_you: &'static str,
}

impl Words {
    fn of(ready: &Ready, host: &str) -> Self {
        match ready.content {
            Content::Link(Purpose::Invitation, _) => {
                let by = &ready.invited_by;
                Self {
                    subject: format!("{by} invites you to Rollcall"),
                    what: format!(
                        "{by} has given you an account of Rollcall at {host}. Your e-mail address is your name there."
                    ),
                    action: "Choose a password",
                    end: format!(
                        "The link works once, within {} days.",
                        INVITATION_HOURS / 24
                    ),
                    not_you: "If you don’t know them, ignore this mail: nothing happens without the link.",
                }
            }
            Content::SecondFactorReset => {
                let by = &ready.invited_by;
                Self {
                    subject: "Your second factor for Rollcall was reset".to_owned(),
                    what: format!(
                        "{by} took away the authenticator app, the passkeys and the recovery codes of your account of Rollcall at {host}, and signed you out everywhere."
                    ),
                    action: "Sign in and set up a new one",
                    end: "Until then your password alone is enough, unless your role needs a second factor."
                        .to_owned(),
                    not_you: "If you didn’t ask for it, tell whoever runs Rollcall at once.",
                }
            }
            Content::Link(Purpose::PasswordReset, _) => Self {
                subject: "A new password for Rollcall".to_owned(),
                what: format!(
                    "Somebody asked for a new password for your account of Rollcall at {host}."
                ),
                action: "Choose a new password",
                end: match RESET_HOURS {
                    1 => "The link works once, within an hour. It signs you out everywhere else."
                        .to_owned(),
                    hours => format!(
                        "The link works once, within {hours} hours. It signs you out everywhere else."
                    ),
                },
                not_you: "If it wasn’t you, ignore this mail: your password stays as it is.",
            },
        }
    }

    fn text(&self, url: &str) -> String {
        format!(
            "{}\n\n{}:\n{url}\n\n{}\n\n{}\n",
            self.what, self.action, self.end, self.not_you
        )
    }

    /// Every text is escaped: names are what people typed.
    fn html(&self, url: &str) -> String {
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{subject}</title></head>\
             <body style=\"font-family:sans-serif;line-height:1.5;max-width:40em\">\
             <h1 style=\"font-size:1.2em\">{subject}</h1><p>{what}</p>\
             <p><a href=\"{href}\">{action}</a></p><p>{end}</p>\
             <p style=\"color:#555\">{not_you}</p></body></html>\n",
            subject = encode_text(&self.subject),
            what = encode_text(&self.what),
            href = encode_double_quoted_attribute(url),
            action = encode_text(self.action),
            end = encode_text(&self.end),
            not_you = encode_text(self.not_you),
        )
    }
}

#[cfg(test)]
mod tests;
