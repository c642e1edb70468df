//! Following a link that came by mail: an invitation, and a forgotten password.

use std::net::IpAddr;

use domain::{
    DateTime,
    audit::{ActorKind, AuditAction, AuditChanges},
    operator::parse_email,
    text::parse_name,
};
use secrecy::SecretString;

use super::{
    known_browsers,
    link::{self, Purpose},
    password, slow_down,
};
use crate::{
    Backend, Error, Origin, Result, Tx, execute,
    mail::check_address,
    operator_mail,
    store::{
        audit::{self, Entry},
        operators,
        sessions::{self, Whose},
        tokens,
    },
};

/// Whom a link is for, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Their mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// When the link ends.
    pub expires_at: DateTime,
}

/// Whom a link is for; none where it is not good (any more). Looking at it uses nothing up: mail
/// servers open the links of the mails that they pass on.
pub async fn follow(
    b: &Backend,
    purpose: Purpose,
    secret: SecretString,
) -> Result<Option<Followed>> {
    let mut tx = b.db.read().await?;
    let holder = link::holder(&mut tx, purpose, &secret, b.clock.now()).await?;
    Ok(holder.map(|holder| Followed {
        email: holder.email,
        name: holder.name,
        expires_at: holder.expires_at,
    }))
}

/// Accepts an invitation: sets name and password. Signing in comes after it, with all that it asks.
pub async fn accept_invitation(
    b: &Backend,
    secret: SecretString,
    name: &str,
    password: SecretString,
    origin: &Origin,
) -> Result<()> {
    let name = parse_name("name", name)?;
    let (mut tx, holder) =
        set_password(b, Purpose::Invitation, &secret, password, Some(&name)).await?;
    execute!(
        &mut tx,
        "UPDATE operator SET name = $1, name_folded = $2, joined_at = $3 WHERE id = $4",
        &name,
        planner::key(&name),
        b.clock.now(),
        holder.id
    )?;
    operators::end_links(&mut tx, holder.id).await?;
    let action = AuditAction::OperatorAcceptInvitation;
    recorded(b, tx, (&holder, &name), origin, action).await
}

/// Sets a new password in place of a forgotten one, and ends every session of theirs; with
/// `revoke_tokens` also the API tokens that they made for themselves. It doesn't sign in: that comes
/// after it, with all that it asks.
pub async fn reset_password(
    b: &Backend,
    secret: SecretString,
    password: SecretString,
    revoke_tokens: bool,
    origin: &Origin,
) -> Result<()> {
    let (mut tx, holder) = set_password(b, Purpose::PasswordReset, &secret, password, None).await?;
    sessions::end_others_in(&mut tx, Whose::Operator(holder.id), None).await?;
    slow_down::forget_account(&mut tx, &holder.email).await?;
    known_browsers::forget(&mut tx, holder.id).await?;
    if revoke_tokens {
        let actor = actor(&holder, &holder.name);
        tokens::revoke_personal(b, &mut tx, (actor, origin), holder.id).await?;
    }
    let action = AuditAction::OperatorResetPassword;
    recorded(b, tx, (&holder, &holder.name), origin, action).await
}

/// Writes down what the holder of a link did by it.
async fn recorded(
    b: &Backend,
    mut tx: Tx,
    (holder, name): (&link::Holder, &str),
    origin: &Origin,
    action: AuditAction,
) -> Result<()> {
    let entry = Entry::new(action, holder.id.0, &holder.email)
        .changes(AuditChanges::none().secret("password"));
    audit::record_as(b, &mut tx, actor(holder, name), origin, entry).await?;
    tx.commit().await
}

fn actor<'a>(holder: &link::Holder, name: &'a str) -> audit::Actor<'a> {
    audit::Actor {
        kind: ActorKind::Operator,
        id: Some(holder.id.0),
        name,
    }
}

/// Uses the link up and sets the password; nothing lasts until the caller commits. The password is
/// looked at, and hashed, only for who has a good link. `name` is the one that they choose with it.
async fn set_password(
    b: &Backend,
    purpose: Purpose,
    secret: &SecretString,
    password: SecretString,
    name: Option<&str>,
) -> Result<(Tx, link::Holder)> {
    let mut tx = b.db.read().await?;
    let found = link::holder(&mut tx, purpose, secret, b.clock.now()).await?;
    drop(tx);
    let found = found.ok_or_else(ended)?;
    let whose = password::Whose {
        name: name.unwrap_or(&found.name),
        email: &found.email,
    };
    let password = password::accept(b, "password", password, whose).await?;
    let hash = password::hash(b, password).await?;

    let mut tx = b.db.write().await?;
    let holder = link::holder(&mut tx, purpose, secret, b.clock.now()).await?;
    let holder = holder.ok_or_else(ended)?;
    if !link::take(&mut tx, purpose, secret).await? {
        return Err(ended());
    }
    execute!(
        &mut tx,
        "UPDATE operator SET password_hash = $1 WHERE id = $2",
        hash,
        holder.id
    )?;
    Ok((tx, holder))
}

fn ended() -> Error {
    Error::conflict("This link was used already, or has ended. Ask for a new one.")
}

/// Somebody forgot their password: whoever it is, the answer is the same, and takes as long. The
/// worker looks whether there is such an operator, and mails them a link.
///
/// `browser` is what the browser keeps, where somebody signed in with it before.
pub async fn ask_for_reset(
    b: &Backend,
    email: &str,
    address: IpAddr,
    browser: Option<&SecretString>,
) -> Result<()> {
    if b.settings.smtp.is_none() {
        return Err(Error::Unavailable(
            "Mail isn’t set up here. Ask another operator, or whoever runs this server: rollcall operator reset-password sets a new password.".to_owned(),
        ));
    }
    let email = parse_email(email)?;
    let email = check_address(&email).map_err(|error| Error::invalid("email", error.message))?;
    if let Some(browser) = known_browsers::known(b, &email, browser).await? {
        slow_down::count_ask(b, &[&slow_down::Subject::reset_in(&email, &browser)]).await?;
    } else {
        b.limits.unknown_try()?;
        let account = slow_down::Subject::reset_of(&email, address);
        let address = slow_down::Subject::resets_from(address);
        slow_down::count_ask(b, &[&account, &address]).await?;
    }
    let mut tx = b.db.write().await?;
    operator_mail::put_reset(b, &mut tx, &email).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(())
}
