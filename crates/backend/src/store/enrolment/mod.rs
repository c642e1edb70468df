//! Accounts that users of a directory activate themselves: how far each has come, what was mailed to
//! them, and how a customer's people are invited.

mod bounce;
mod invite;
mod preview;
mod settings;

use domain::{
    DateTime,
    enrolment::{Enrolment, UserMail},
    id::{CustomerId, UserId},
    notification::DeliveryStatus,
    permission::Permission,
    user::DirectoryStatus,
};
use sqlx::FromRow;

pub use bounce::{bounced, mark_bounced, unmark_bounced};
pub use invite::{invite, invite_first, invite_newly_synced, not_invited};
pub(crate) use invite::{invite_of_many, mail_is_set_up};
pub use preview::{preview, send_test};
pub use settings::{change_settings, settings};
pub(crate) use settings::{change_settings_in, checked as checked_settings, load as load_settings};

pub use crate::enrolment_mail::STYLE_SOURCES;

use super::read_json;
use crate::{Backend, Error, Result, Scope, Tx, fetch_all, fetch_optional, in_scope};

/// Mails that a page shows of one user.
const SHOWN: i64 = 20;

/// How far the user in `u` has come, where the parameter is the time now.
macro_rules! enrolment_state {
    ($now:literal) => {
        concat!(
            "COALESCE((SELECT CASE WHEN e.enrolled_at IS NOT NULL THEN 'enrolled'
                            WHEN e.mail_failed THEN 'mail_failed'
                            WHEN e.link_expires_at <= ",
            $now,
            " THEN 'expired' ELSE 'invited' END
                 FROM enrolment e WHERE e.user_id = u.id), 'not_invited')"
        )
    };
}
pub(crate) use enrolment_state;

/// A user, as far as inviting is concerned.
#[derive(Debug, FromRow)]
struct Invitee {
    id: UserId,
    customer_id: CustomerId,
    display_name: String,
    user_principal_name: Option<String>,
    mail: Option<String>,
    status: DirectoryStatus,
    enrolled_at: Option<DateTime>,
}

async fn find(tx: &mut Tx, scope: &Scope, id: UserId) -> Result<Invitee> {
    fetch_optional!(
        tx,
        Invitee,
        concat!(
            "SELECT u.id, u.customer_id, u.display_name, u.user_principal_name, u.mail, u.status,
                    e.enrolled_at
               FROM directory_user u JOIN customer c ON c.id = u.customer_id
               LEFT JOIN enrolment e ON e.user_id = u.id
              WHERE ",
            in_scope!("u.customer_id"),
            " AND c.deleted_at IS NULL AND u.id = $3"
        ),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("user"))
}

/// How a user stands with an account of their own.
pub async fn get(b: &Backend, scope: &Scope, id: UserId) -> Result<Enrolment> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    load(b, &mut tx, id).await
}

async fn load(b: &Backend, tx: &mut Tx, id: UserId) -> Result<Enrolment> {
    fetch_optional!(
        tx,
        Enrolment,
        concat!(
            "SELECT u.id AS user_id, u.customer_id, ",
            enrolment_state!("$2"),
            " AS state, i.invited_at, i.invited_by, i.link_expires_at, i.enrolled_at,
                    i.last_signed_in_at, a.created_at AS authenticator_since
               FROM directory_user u LEFT JOIN enrolment i ON i.user_id = u.id
               LEFT JOIN authenticator a ON a.holder_id = u.id
              WHERE u.id = $1"
        ),
        id,
        b.clock.now()
    )?
    .ok_or(Error::NotFound("user"))
}

#[derive(FromRow)]
struct MailRow {
    address: String,
    created_at: DateTime,
    invited_by: String,
    status: DeliveryStatus,
    attempts: i64,
    attempted_at: Option<DateTime>,
    bounced_at: Option<DateTime>,
    error: Option<String>,
}

/// The last mails to a user, the newest first.
pub async fn mails(b: &Backend, scope: &Scope, id: UserId) -> Result<Vec<UserMail>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    let rows = fetch_all!(
        &mut tx,
        MailRow,
        "SELECT address, created_at, invited_by, status, attempts, attempted_at, bounced_at, error
           FROM enrolment_mail WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
        id,
        SHOWN
    )?;
    rows.into_iter()
        .map(|row| {
            let error = row.error.as_deref();
            Ok(UserMail {
                address: row.address,
                created_at: row.created_at,
                invited_by: row.invited_by,
                status: row.status,
                attempts: row.attempts,
                attempted_at: row.attempted_at,
                bounced_at: row.bounced_at,
                error: error
                    .map(|json| read_json("enrolment_mail.error", json))
                    .transpose()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
