//! Inviting operators: by mail, or with a link that the inviter hands over.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
    operator::{NewOperator, Operator, OperatorInvited, OperatorState, parse_email},
    permission::Permission,
    text::parse_name,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Added, TOLD,
    change::{find_to_change, prove_for_owner},
    find, insert, one_at_a_time,
    reach::checked,
};
use crate::{
    Backend, Error, Result, Scope, Tx,
    auth::link::{self, Purpose},
    limits::Limited,
    mail::check_address,
    operator_mail,
    sealer::{Offered, places},
    store::audit::{self, Entry},
};

/// Makes the link of an invitation for a form to show, where mail isn't set up: who sends the form
/// hands it over. Nothing is kept until then.
pub async fn offer_link(b: &Backend, scope: &Scope) -> Result<Option<Offered>> {
    scope.require(Permission::OperatorsWrite)?;
    if b.settings.smtp.is_some() {
        return Ok(None);
    }
    let secret = link::make(b);
    let url = link::url(b, Purpose::Invitation, &secret);
    let offered = Offered::to(b, scope, places::OFFERED_INVITATION, &secret, url).await?;
    Ok(Some(offered))
}

/// Invites somebody, for programs: by mail, or the answer holds the link.
pub async fn invite(b: &Backend, scope: &Scope, new: NewOperator) -> Result<OperatorInvited> {
    let secret = link::make(b);
    let url = link::url(b, Purpose::Invitation, &secret);
    let operator = invite_by(b, scope, new, &secret).await?;
    Ok(told(b, operator, &url))
}

/// Invites somebody: by mail, or with the link that was offered, where mail isn't set up.
pub async fn invite_with(
    b: &Backend,
    scope: &Scope,
    new: NewOperator,
    sealed_link: Option<&str>,
) -> Result<Operator> {
    scope.require(Permission::OperatorsWrite)?;
    let secret = chosen(b, scope, sealed_link).await?;
    invite_by(b, scope, new, &secret).await
}

/// Invites somebody again, for programs: the link before ends.
pub async fn resend(b: &Backend, scope: &Scope, id: OperatorId) -> Result<OperatorInvited> {
    let secret = link::make(b);
    let url = link::url(b, Purpose::Invitation, &secret);
    let operator = resend_by(b, scope, id, &secret).await?;
    Ok(told(b, operator, &url))
}

/// Invites somebody again: by mail, or with the link that was offered.
pub async fn resend_with(
    b: &Backend,
    scope: &Scope,
    id: OperatorId,
    sealed_link: Option<&str>,
) -> Result<Operator> {
    let mut tx = b.db.read().await?;
    find_to_change(&mut tx, scope, id).await?;
    drop(tx);
    let secret = chosen(b, scope, sealed_link).await?;
    resend_by(b, scope, id, &secret).await
}

fn told(b: &Backend, operator: Operator, url: &SecretString) -> OperatorInvited {
    let by_hand = b.settings.smtp.is_none();
    OperatorInvited {
        operator,
        invitation_url: by_hand.then(|| url.expose_secret().to_owned()),
    }
}

async fn chosen(b: &Backend, scope: &Scope, sealed_link: Option<&str>) -> Result<SecretString> {
    if b.settings.smtp.is_some() {
        return Ok(link::make(b));
    }
    let (form, sealed) = (places::OFFERED_INVITATION, sealed_link.unwrap_or_default());
    b.sealer.take_back_from(scope, form, sealed).await
}

async fn invite_by(
    b: &Backend,
    scope: &Scope,
    new: NewOperator,
    secret: &SecretString,
) -> Result<Operator> {
    scope.require(Permission::OperatorsWrite)?;
    let email = parse_email(&new.email)?;
    if b.settings.smtp.is_some() {
        check_address(&email).map_err(|error| Error::invalid("email", error.message))?;
    }
    let name = parse_name("name", &new.name)?;
    if !scope.role().holds(new.role) {
        let message = "You can’t give a role that may do more than yours.";
        return Err(Error::invalid("role", message));
    }
    prove_for_owner(b, scope, &[new.role])?;
    b.limits.take(Limited::Invitation, scope)?;
    let mut tx = b.db.write().await?;
    one_at_a_time(&mut tx).await?;
    let reach = checked(&mut tx, scope, new.scope).await?;
    let added = Added {
        email,
        name,
        role: new.role,
        scope: reach,
        password_hash: None,
    };
    let id = insert(b, &mut tx, added).await?;
    send(b, &mut tx, scope, id, secret).await?;
    let operator = find(&mut tx, scope, id).await?;
    let entry = Entry::new(AuditAction::OperatorInvite, id.0, &operator.email)
        .changes(AuditChanges::created(&operator).only(&TOLD));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(operator)
}

async fn resend_by(
    b: &Backend,
    scope: &Scope,
    id: OperatorId,
    secret: &SecretString,
) -> Result<Operator> {
    let mut tx = b.db.write().await?;
    let operator = find_to_change(&mut tx, scope, id).await?;
    prove_for_owner(b, scope, &[operator.role])?;
    if operator.state != OperatorState::Invited {
        let message = match operator.state {
            OperatorState::Disabled => "This operator is disabled. Enable them first.",
            _ => "This operator followed the invitation already.",
        };
        return Err(Error::conflict(message));
    }
    b.limits.take(Limited::Invitation, scope)?;
    send(b, &mut tx, scope, id, secret).await?;
    let entry = Entry::new(AuditAction::OperatorInviteAgain, id.0, &operator.email);
    audit::record(b, &mut tx, scope, entry).await?;
    let operator = find(&mut tx, scope, id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(operator)
}

/// Keeps the link and puts the mail with it into the outbox, where mail is set up.
async fn send(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: OperatorId,
    secret: &SecretString,
) -> Result<()> {
    link::keep(b, tx, id, Purpose::Invitation, secret).await?;
    operator_mail::put_invitation(b, tx, id, scope.actor_name(), secret).await
}
