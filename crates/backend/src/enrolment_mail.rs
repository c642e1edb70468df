//! Mails with which users of a directory activate their accounts, or set a new password: an outbox
//! like that of operators. The link is made at the first attempt, so that its days count from then;
//! it is kept sealed until the mail is sent or given up, and as a hash after that.

mod words;

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Duration;
use domain::{
    DateTime,
    audit::{ActorKind, AuditAction},
    enrolment::{EnrolmentMail, EnrolmentSettings},
    id::{CustomerId, UserId},
    notification::DeliveryStatus,
    user::DirectoryStatus,
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Result, Scope, Tx,
    auth::{
        link::{self, Purpose},
        token,
        users::signs_in_as,
    },
    delivery::{Undelivered, next_attempt},
    execute, fetch_all, fetch_optional,
    jobs::queue::{self, Kind, NewJob, PRIORITY_NOTIFICATION, PRIORITY_PERSON},
    mail::{self, Letter, Sender},
    sealer::{Place, places},
    store::{
        audit::{self, Entry},
        enrolment::load_settings,
        write_json,
    },
};
use words::Words;

/// Hours after which a mail is given up; its link is good for longer.
const TRIED_HOURS: i64 = 24;
/// Days for which the link of a new password is good: like an invitation's, it may be read late.
const NEW_PASSWORD_DAYS: i64 = 1;
/// Who asks for a new password more often than this gets no further mail.
const RESETS_APART: Duration = Duration::minutes(5);
/// The most accounts that one user name stands for, over all customers.
const ACCOUNTS_MAX: i64 = 5;

fn place(id: Uuid) -> Place {
    Place::new(places::ENROLMENT_LINK, id)
}

/// A mail to put into the outbox.
pub(crate) struct New<'a> {
    /// To whom, of which customer; none: it is looked up who signs in with `address`.
    pub user: Option<(UserId, CustomerId)>,
    pub purpose: Purpose,
    pub address: &'a str,
    pub invited_by: &'a str,
}

/// Puts a mail into the outbox, in the caller's transaction, in place of one that waits.
pub(crate) async fn put(b: &Backend, tx: &mut Tx, new: New<'_>) -> Result<()> {
    let (id, now) = (b.ids.uuid(), b.clock.now());
    if let Some((user, _)) = new.user {
        execute!(
            &mut *tx,
            "DELETE FROM enrolment_mail WHERE user_id = $1 AND status = 'queued'",
            user
        )?;
    }
    execute!(
        &mut *tx,
        "INSERT INTO enrolment_mail (id, user_id, customer_id, purpose, address, invited_by, status,
                                     attempts, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)",
        id,
        new.user.map(|(user, _)| user),
        new.user.map(|(_, customer)| customer),
        new.purpose.as_str(),
        new.address,
        new.invited_by,
        DeliveryStatus::Queued,
        now
    )?;
    let asked_for = new.purpose == Purpose::PasswordReset;
    let job = NewJob {
        kind: Kind::DeliverEnrolmentMail,
        subject: id,
        integration_id: None,
        // Thousands of invitations don't keep who forgot a password waiting.
        priority: if asked_for {
            PRIORITY_PERSON
        } else {
            PRIORITY_NOTIFICATION
        },
        run_at: now,
        dedupe_key: Some(format!("enrolment_mail:{id}")),
    };
    queue::enqueue(b, tx, &job).await?;
    Ok(())
}

#[derive(FromRow)]
struct Waiting {
    user_id: Option<UserId>,
    customer_id: Option<CustomerId>,
    purpose: String,
    address: String,
    secret_sealed: Option<Vec<u8>>,
    attempts: i64,
    created_at: DateTime,
}

impl Waiting {
    fn purpose(&self) -> Purpose {
        if self.purpose == Purpose::Invitation.as_str() {
            Purpose::Invitation
        } else {
            Purpose::PasswordReset
        }
    }
}

/// Makes one attempt to send a mail. Answers when the next is due, where there is one.
pub(crate) async fn deliver(b: &Backend, id: Uuid) -> Result<Option<DateTime>> {
    let mut tx = b.db.read().await?;
    let waiting = fetch_optional!(
        &mut tx,
        Waiting,
        "SELECT user_id, customer_id, purpose, address, secret_sealed, attempts, created_at
           FROM enrolment_mail WHERE id = $1 AND status = 'queued'",
        id
    )?;
    drop(tx);
    // It was sent, or another took its place.
    let Some(waiting) = waiting else {
        return Ok(None);
    };
    let (Some(user), Some(customer)) = (waiting.user_id, waiting.customer_id) else {
        look_up(b, id, &waiting.address).await?;
        return Ok(None);
    };
    let Some(ready) = ready(b, id, &waiting, (user, customer)).await? else {
        forget(b, id).await?;
        return Ok(None);
    };
    let sent = send(b, id, &ready).await;
    let attempts = waiting.attempts + 1;
    if let Err(undelivered) = &sent {
        tracing::warn!(mail = %id, code = undelivered.error.code, attempts, "a mail to a user was not sent");
    }
    let given_up_at = waiting.created_at + Duration::hours(TRIED_HOURS);
    let next = next_attempt(given_up_at, b.clock.now(), attempts, b.ids.random());
    let next = match &sent {
        Err(undelivered) if !undelivered.final_word => next,
        _ => None,
    };
    note(b, id, user, (attempts, sent.err(), next)).await?;
    Ok(next)
}

/// Keeps what came of an attempt.
async fn note(
    b: &Backend,
    id: Uuid,
    user: UserId,
    (attempts, undelivered, next): (i64, Option<Undelivered>, Option<DateTime>),
) -> Result<()> {
    let status = match (&undelivered, next) {
        (None, _) => DeliveryStatus::Delivered,
        (Some(_), Some(_)) => DeliveryStatus::Queued,
        (Some(_), None) => DeliveryStatus::Failed,
    };
    let error = undelivered.map(|undelivered| undelivered.error);
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE enrolment_mail SET status = $2, attempts = $3, error = $4, attempted_at = $5,
                secret_sealed = CASE WHEN $6 THEN secret_sealed END WHERE id = $1",
        id,
        status,
        attempts,
        error.as_ref().map(write_json).transpose()?,
        b.clock.now(),
        next.is_some()
    )?;
    execute!(
        &mut tx,
        "UPDATE enrolment SET mail_failed = $2 WHERE user_id = $1",
        user,
        status == DeliveryStatus::Failed
    )?;
    tx.commit().await
}

async fn forget(b: &Backend, id: Uuid) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(&mut tx, "DELETE FROM enrolment_mail WHERE id = $1", id)?;
    tx.commit().await
}

/// Finds who signs in with what a stranger typed, and puts a mail for each into the outbox: the same
/// name may be used at several customers.
async fn look_up(b: &Backend, id: Uuid, typed: &str) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(&mut tx, "DELETE FROM enrolment_mail WHERE id = $1", id)?;
    let users = fetch_all!(
        &mut tx,
        (UserId, CustomerId, String, Option<String>, Option<String>),
        concat!(
            "SELECT u.id, u.customer_id, u.display_name, u.mail, u.user_principal_name
               FROM directory_user u JOIN enrolment e ON e.user_id = u.id
               JOIN customer c ON c.id = u.customer_id
              WHERE u.status = 'active' AND e.enrolled_at IS NOT NULL AND c.deleted_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM enrolment_mail m
                                 WHERE m.user_id = u.id AND m.purpose = $2 AND m.created_at > $3)
                AND ",
            signs_in_as!("$1"),
            // As at the sign-in: an alias elsewhere keeps no mail from whose user name it is.
            " ORDER BY CASE WHEN u.user_name_folded = $1 THEN 0 ELSE 1 END, u.id LIMIT $4"
        ),
        planner::key(typed),
        Purpose::PasswordReset.as_str(),
        b.clock.now() - RESETS_APART,
        ACCOUNTS_MAX
    )?;
    let nobody = audit::Actor {
        kind: ActorKind::Nobody,
        id: None,
        name: ActorKind::Nobody.title(),
    };
    for (user, customer, name, mail, user_name) in users {
        let mut given = [mail, user_name].into_iter().flatten();
        let address = given.find_map(|given| mail::check_address(&given).ok());
        let Some(address) = address else { continue };
        let new = New {
            user: Some((user, customer)),
            purpose: Purpose::PasswordReset,
            address: &address,
            invited_by: "",
        };
        put(b, &mut tx, new).await?;
        let entry = Entry::new(AuditAction::UserSendNewPassword, user.0, &name).of(customer);
        audit::record_as(b, &mut tx, nobody, Scope::by_itself().origin(), entry).await?;
    }
    tx.commit().await
}

/// A mail that can be sent.
struct Ready {
    address: String,
    settings: EnrolmentSettings,
    words: Words,
    url: SecretString,
}

#[derive(FromRow)]
struct Whom {
    display_name: String,
    user_principal_name: Option<String>,
    status: DirectoryStatus,
    customer_name: String,
    enrolled: bool,
}

/// What has to be sent, with its link, which is made with the first attempt; none where the user is
/// no longer in use, is enrolled already or has nothing to sign in as.
async fn ready(
    b: &Backend,
    id: Uuid,
    waiting: &Waiting,
    (user, customer): (UserId, CustomerId),
) -> Result<Option<Ready>> {
    let purpose = waiting.purpose();
    let mut tx = b.db.write().await?;
    let whom = fetch_optional!(
        &mut tx,
        Whom,
        "SELECT u.display_name, u.user_principal_name, u.status, c.name AS customer_name,
                (e.enrolled_at IS NOT NULL) AS enrolled
           FROM directory_user u JOIN customer c ON c.id = u.customer_id
           JOIN enrolment e ON e.user_id = u.id
          WHERE u.id = $1 AND c.deleted_at IS NULL",
        user
    )?;
    let Some(whom) = whom else { return Ok(None) };
    let wanted = whom.enrolled == (purpose == Purpose::PasswordReset);
    let Some(user_name) = whom.user_principal_name else {
        return Ok(None);
    };
    if whom.status != DirectoryStatus::Active || !wanted {
        return Ok(None);
    }
    let settings = load_settings(&mut tx, customer).await?;
    let days = match purpose {
        Purpose::Invitation => settings.link_days,
        Purpose::PasswordReset => NEW_PASSWORD_DAYS,
    };
    let secret = match &waiting.secret_sealed {
        Some(sealed) => b.sealer.open(place(id), sealed).await?,
        None => make_link(b, &mut tx, (id, user), days).await?,
    };
    tx.commit().await?;
    let whose = words::Whose {
        name: &whom.display_name,
        user_name: &user_name,
        customer: &whom.customer_name,
        days,
    };
    Ok(Some(Ready {
        address: waiting.address.clone(),
        words: Words::of(&settings, purpose, whose),
        settings,
        url: url(b, &secret),
    }))
}

/// Makes a link and keeps it: sealed with the mail, and as a hash with the user. The one before ends.
async fn make_link(
    b: &Backend,
    tx: &mut Tx,
    (id, user): (Uuid, UserId),
    days: i64,
) -> Result<SecretString> {
    let secret = link::make(b);
    let sealed = b.sealer.seal(&mut *tx, place(id), &secret).await?;
    execute!(
        &mut *tx,
        "UPDATE enrolment_mail SET secret_sealed = $2 WHERE id = $1",
        id,
        sealed
    )?;
    execute!(
        tx,
        "UPDATE enrolment SET link_hash = $2, link_expires_at = $3 WHERE user_id = $1",
        user,
        token::hash(secret.expose_secret()),
        b.clock.now() + Duration::days(days)
    )?;
    Ok(secret)
}

/// The link, to the page that `app::routes` has at this path. What makes it secret stands in its
/// query, which is not logged.
fn url(b: &Backend, secret: &SecretString) -> SecretString {
    let mut url = b.settings.public_url.clone();
    url.set_path("/activate");
    url.set_query(Some(&format!("secret={}", secret.expose_secret())));
    url.to_string().into()
}

async fn send(b: &Backend, id: Uuid, ready: &Ready) -> std::result::Result<(), Undelivered> {
    let smtp = b.settings.smtp.as_ref().ok_or_else(mail::not_set_up)?;
    let url = ready.url.expose_secret();
    let letter = Letter {
        to: &ready.address,
        sender: sender(&ready.settings),
        subject: &ready.words.subject,
        text: ready.words.text(url),
        html: ready.words.html(url),
        id: &format!("us_{}", id.simple()),
        at: b.clock.now(),
        public_url: &b.settings.public_url,
    };
    smtp.send(&letter).await
}

fn sender(settings: &EnrolmentSettings) -> Sender<'_> {
    Sender {
        name: settings.sender_name.as_deref(),
        reply_to: settings.reply_to.as_deref(),
    }
}

/// What stands in the link of a mail that shows how invitations look. It leads to a page that says so.
const SAMPLE: &str = "sample";

/// What an invitation looks like with these settings, for this customer.
pub(crate) fn sample(
    b: &Backend,
    settings: &EnrolmentSettings,
    whose: words::Whose<'_>,
) -> EnrolmentMail {
    let words = Words::of(settings, Purpose::Invitation, whose);
    let url = url(b, &SAMPLE.into());
    EnrolmentMail {
        from: match &b.settings.smtp {
            Some(smtp) => smtp.shown_from(sender(settings).name),
            None => settings.sender_name.clone().unwrap_or_default(),
        },
        text: words.text(url.expose_secret()),
        html: words.html(url.expose_secret()),
        subject: words.subject,
    }
}

/// The style attributes of these mails as a Content-Security-Policy names them (CSP 3, §8.4): a page
/// that shows one lets these through, and no others.
pub static STYLE_SOURCES: LazyLock<String> = LazyLock::new(|| {
    let sources = words::STYLES.map(|style| {
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        format!("'sha256-{hash}'")
    });
    format!("'unsafe-hashes' {}", sources.join(" "))
});

/// Sends such a mail, once.
pub(crate) async fn send_sample(
    b: &Backend,
    settings: &EnrolmentSettings,
    to: &str,
    mail: EnrolmentMail,
) -> std::result::Result<(), Undelivered> {
    let smtp = b.settings.smtp.as_ref().ok_or_else(mail::not_set_up)?;
    let letter = Letter {
        to,
        sender: sender(settings),
        subject: &mail.subject,
        text: mail.text,
        html: mail.html,
        id: &format!("us_{}", b.ids.uuid().simple()),
        at: b.clock.now(),
        public_url: &b.settings.public_url,
    };
    smtp.send(&letter).await
}

pub(crate) use words::Whose;

#[cfg(test)]
mod tests;
