//! Inviting operators: by mail, or with a link that the inviter hands over.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
    operator::{NewOperator, Operator, OperatorState, parse_email},
    permission::Permission,
    text::parse_name,
};
use secrecy::SecretString;

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

/// Whether the caller may invite anybody. A program may not, whatever its role: with a token that
/// leaked somebody would come in who stays when it is revoked.
fn may_invite(scope: &Scope) -> Result<()> {
    if scope.is_token() {
        return Err(Error::Forbidden(Permission::OperatorsWrite));
    }
    scope.require(Permission::OperatorsWrite)
}

/// Makes the link of an invitation for a form to show, where mail isn't set up: who sends the form
/// hands it over. Nothing is kept until then.
pub async fn offer_link(b: &Backend, scope: &Scope) -> Result<Option<Offered>> {
    may_invite(scope)?;
    if b.settings.smtp.is_some() {
        return Ok(None);
    }
    let secret = link::make(b);
    let url = link::url(b, Purpose::Invitation, &secret);
    let offered = Offered::to(b, scope, places::OFFERED_INVITATION, &secret, url).await?;
    Ok(Some(offered))
}

/// Invites somebody: by mail, or with the link that was offered, where mail isn't set up.
pub async fn invite_with(
    b: &Backend,
    scope: &Scope,
    new: NewOperator,
    sealed_link: Option<&str>,
) -> Result<Operator> {
    may_invite(scope)?;
    let secret = chosen(b, scope, sealed_link).await?;
    invite_by(b, scope, new, &secret).await
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
    may_invite(scope)?;
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
    may_invite(scope)?;
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

/// Inviting with the link at hand, which no program is told.
#[cfg(any(test, feature = "testing"))]
pub mod testing {
    use domain::{
        id::OperatorId,
        operator::{NewOperator, Operator},
    };
    use secrecy::{ExposeSecret, SecretString};

    use super::{invite_by, resend_by};
    use crate::{
        Backend, Result, Scope,
        auth::link::{self, Purpose},
    };

    /// An operator who was invited.
    #[derive(Debug)]
    pub struct Invited {
        /// They.
        pub operator: Operator,
        /// The link; none where a mail takes it to them.
        pub invitation_url: Option<String>,
    }

    impl Invited {
        /// What stands in the link.
        ///
        /// # Panics
        ///
        /// Where a mail takes it to them.
        pub fn secret(&self) -> SecretString {
            let url = self.invitation_url.as_deref();
            let url = url.expect("the link is at hand where mail isn’t set up");
            let (_, secret) = url.split_once("secret=").expect("it has a secret");
            secret.into()
        }
    }

    /// Invites somebody.
    pub async fn invite(b: &Backend, scope: &Scope, new: NewOperator) -> Result<Invited> {
        let secret = link::make(b);
        let operator = invite_by(b, scope, new, &secret).await?;
        Ok(invited(b, operator, &secret))
    }

    /// Invites somebody again: the link before ends.
    pub async fn resend(b: &Backend, scope: &Scope, id: OperatorId) -> Result<Invited> {
        let secret = link::make(b);
        let operator = resend_by(b, scope, id, &secret).await?;
        Ok(invited(b, operator, &secret))
    }

    fn invited(b: &Backend, operator: Operator, secret: &SecretString) -> Invited {
        let url = link::url(b, Purpose::Invitation, secret);
        let by_hand = b.settings.smtp.is_none();
        Invited {
            operator,
            invitation_url: by_hand.then(|| url.expose_secret().to_owned()),
        }
    }
}
