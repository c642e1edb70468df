//! Following the link of a mail: an invitation, or a forgotten password. It works once, and until a
//! time; looking at it uses nothing up, since mail servers open the links of the mails they pass on.

use std::net::IpAddr;

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    enrolment::Activation,
    id::{CustomerId, UserId},
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::FromRow;

use super::{UserSignedIn, end_sessions, let_in, scope_of};
use crate::{
    Backend, Error, Origin, Result, Tx,
    auth::{link::Purpose, password, slow_down, token},
    enrolment_mail, execute, fetch_optional,
    mail::check_address,
    store::enrolment::load_settings,
};

#[derive(FromRow)]
struct Holder {
    id: UserId,
    customer_id: CustomerId,
    display_name: String,
    user_principal_name: String,
    customer_name: String,
    link_expires_at: DateTime,
    enrolled: bool,
}

/// Whose a good link is; none where it was used, replaced or has ended, where they are not in use, and
/// where there never was such a link.
async fn holder(tx: &mut Tx, secret: &SecretString, now: DateTime) -> Result<Option<Holder>> {
    fetch_optional!(
        tx,
        Holder,
        "SELECT u.id, u.customer_id, u.display_name, u.user_principal_name,
                c.name AS customer_name, e.link_expires_at,
                (e.enrolled_at IS NOT NULL) AS enrolled
           FROM enrolment e JOIN directory_user u ON u.id = e.user_id
           JOIN customer c ON c.id = u.customer_id
          WHERE e.link_hash = $1 AND e.link_expires_at > $2 AND u.status = 'active'
            AND u.user_principal_name IS NOT NULL AND c.deleted_at IS NULL",
        token::hash(secret.expose_secret()),
        now
    )
}

/// What the link leads to; none where it isn't good (any more).
pub async fn follow(b: &Backend, secret: SecretString) -> Result<Option<Activation>> {
    let mut tx = b.db.read().await?;
    let Some(holder) = holder(&mut tx, &secret, b.clock.now()).await? else {
        return Ok(None);
    };
    let language = load_settings(&mut tx, holder.customer_id).await?.language;
    Ok(Some(Activation {
        name: holder.display_name,
        user_name: holder.user_principal_name,
        customer_name: holder.customer_name,
        language,
        expires_at: holder.link_expires_at,
    }))
}

/// Uses the link up, sets the password and signs them in; half, where they have a second factor. Who
/// had forgotten theirs is signed out everywhere else.
pub async fn activate(
    b: &Backend,
    secret: SecretString,
    password: SecretString,
    origin: Origin,
    user_agent: &str,
) -> Result<UserSignedIn> {
    let mut tx = b.db.read().await?;
    let found = holder(&mut tx, &secret, b.clock.now()).await?;
    drop(tx);
    // Looked at, and hashed, only for who has a good link.
    let found = found.ok_or_else(ended)?;
    let whose = password::Whose {
        name: &found.display_name,
        email: &found.user_principal_name,
    };
    let password = password::accept(b, "password", password, whose).await?;
    let hash = password::hash(b, password).await?;

    let mut tx = b.db.write().await?;
    let now = b.clock.now();
    let Some(holder) = holder(&mut tx, &secret, now).await? else {
        return Err(ended());
    };
    let taken = execute!(
        &mut tx,
        "UPDATE enrolment SET password_hash = $2, enrolled_at = COALESCE(enrolled_at, $3),
                link_hash = NULL, link_expires_at = NULL, mail_failed = FALSE
          WHERE user_id = $1 AND link_hash = $4",
        holder.id,
        hash,
        now,
        token::hash(secret.expose_secret())
    )?;
    if taken == 0 {
        return Err(ended());
    }
    end_sessions(&mut tx, holder.id, None).await?;
    let scope = scope_of(&mut tx, holder.id, origin.clone()).await?;
    let action = if holder.enrolled {
        AuditAction::UserResetPassword
    } else {
        AuditAction::UserEnrol
    };
    let entry = scope
        .entry(action)
        .changes(AuditChanges::none().secret("password"));
    scope.record(b, &mut tx, entry).await?;
    let signed_in = let_in(b, &mut tx, holder.id, origin, user_agent).await?;
    tx.commit().await?;
    Ok(signed_in)
}

fn ended() -> Error {
    Error::conflict("This link was used already, or has ended. Ask for a new one.")
}

/// Somebody forgot their password: whoever it is, the answer is the same, and takes as long. The worker
/// looks whether there is such a user, and mails them a link.
pub async fn ask_for_new_password(b: &Backend, user_name: &str, address: IpAddr) -> Result<()> {
    if b.settings.smtp.is_none() {
        return Err(Error::Unavailable(
            "Mail isn’t set up here. Ask your administrator.".to_owned(),
        ));
    }
    let user_name =
        check_address(user_name).map_err(|error| Error::invalid("user_name", error.message))?;
    b.limits.unknown_try()?;
    let account = slow_down::Subject::reset_of_user(&user_name, address);
    let address = slow_down::Subject::resets_from(address);
    slow_down::count_ask(b, &[&account, &address]).await?;
    let mut tx = b.db.write().await?;
    let new = enrolment_mail::New {
        user: None,
        purpose: Purpose::PasswordReset,
        address: &user_name,
        invited_by: "",
    };
    enrolment_mail::put(b, &mut tx, new).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(())
}
