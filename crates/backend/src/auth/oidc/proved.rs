//! What an account that was proved gets: in, by whom it belongs to; an invitation accepted; itself
//! linked. And what is written down where it gets nothing.

use domain::{
    audit::{ActorKind, AuditAction, AuditChanges},
    id::OperatorId,
    operator::Operator,
};

use super::{
    Finished, Provider, identity,
    provider::ProviderSettings,
    refused::{Refused, Step},
    roles,
    token::Account,
};
use crate::{
    Backend, Error, Origin, Result, Scope, Tx,
    auth::{
        By, admit,
        link::{self, Purpose},
        second_factor,
    },
    execute, fetch_scalar,
    store::{
        audit::{self, Entry},
        operators,
        sessions::Whose,
    },
};

/// An account that was proved, and by which request.
pub(super) struct Of<'a> {
    pub b: &'a Backend,
    pub provider: &'a ProviderSettings,
    pub account: &'a Account,
    pub origin: &'a Origin,
}

impl Of<'_> {
    /// Signs in whose account it is, with the role that the provider gives.
    pub(super) async fn sign_in(&self, user_agent: &str, return_to: String) -> Step<Finished> {
        let (b, account) = (self.b, self.account);
        let mut tx = b.db.write().await?;
        operators::one_at_a_time(&mut tx).await?;
        let holder = identity::holder(&mut tx, self.provider, account).await?;
        let holder = holder.ok_or_else(|| Refused::unknown(self.provider, account))?;
        let refused = |refused: Refused| refused.of(account).operator(holder.operator_id);
        if holder.disabled_at.is_some() {
            return Err(refused(Refused::disabled()).into());
        }
        let given = self.give_role(&mut tx, holder.operator_id).await?;
        identity::used(&mut tx, holder.id, account, b.clock.now()).await?;
        self.record_role(&mut tx, given).await?;
        tx.commit().await?;
        self.admit(holder.operator_id, user_agent, return_to).await
    }

    /// Accepts an invitation with it, in place of a password, and signs in.
    pub(super) async fn accept(&self, link: &[u8], user_agent: &str) -> Step<Finished> {
        let (b, account, now) = (self.b, self.account, self.b.clock.now());
        let mut tx = b.db.write().await?;
        operators::one_at_a_time(&mut tx).await?;
        let invited = link::holder_of(&mut tx, Purpose::Invitation, link, now).await?;
        let invited = invited.ok_or_else(|| Refused::invitation_ended().of(account))?;
        let given = self.give_role(&mut tx, invited.id).await?;
        if !identity::insert(b, &mut tx, self.provider, account, invited.id, true).await? {
            return Err(Refused::taken(self.provider, account).into());
        }
        execute!(
            &mut tx,
            "UPDATE operator SET joined_at = $1 WHERE id = $2",
            now,
            invited.id
        )?;
        operators::end_links(&mut tx, invited.id).await?;
        self.record_role(&mut tx, given).await?;
        let actor = audit::Actor {
            kind: ActorKind::Operator,
            id: Some(invited.id.0),
            name: &invited.name,
        };
        let action = AuditAction::OperatorAcceptInvitation;
        let entry = Entry::new(action, invited.id.0, &invited.email).changes(self.told());
        audit::record_as(b, &mut tx, actor, self.origin, entry).await?;
        tx.commit().await?;
        self.admit(invited.id, user_agent, "/".to_owned()).await
    }

    /// Links it to the operator who asks.
    pub(super) async fn link(&self, scope: &Scope, operator: OperatorId) -> Step<Finished> {
        let (b, account) = (self.b, self.account);
        let mut tx = b.db.write().await?;
        tx.hold("operator", operator.0).await?;
        if identity::count(&mut tx, operator).await? >= identity::IDENTITIES_MAX {
            return Err(Refused::too_many_accounts(identity::IDENTITIES_MAX).into());
        }
        if !identity::insert(b, &mut tx, self.provider, account, operator, false).await? {
            return Err(Refused::taken(self.provider, account).into());
        }
        let action = AuditAction::OperatorLinkIdentity;
        let entry = Entry::new(action, operator.0, scope.actor_name()).changes(self.told());
        audit::record(b, &mut tx, scope, entry).await?;
        tx.commit().await?;
        Ok(Finished::Linked {
            account: format!("{} of {}", account.display, self.provider.title),
        })
    }

    /// What the audit log says of it.
    fn told(&self) -> AuditChanges {
        AuditChanges::none()
            .now("provider", &self.provider.title)
            .now("account", &self.account.display)
    }

    /// Gives an operator the role that the provider's claims say; answers what that changed.
    async fn give_role(
        &self,
        tx: &mut Tx,
        operator: OperatorId,
    ) -> Step<Option<(Operator, AuditChanges)>> {
        let role = roles::mapped(self.provider, self.account);
        let Some(role) = role.map_err(|refused| refused.operator(operator))? else {
            return Ok(None);
        };
        match operators::give_role(tx, operator, role).await {
            Ok(given) => Ok(given),
            Err(Error::Conflict { .. }) => Err(Refused::last_owner(self.provider)
                .of(self.account)
                .operator(operator)
                .into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn record_role(
        &self,
        tx: &mut Tx,
        given: Option<(Operator, AuditChanges)>,
    ) -> Result<()> {
        let Some((operator, changes)) = given else {
            return Ok(());
        };
        let actor = audit::Actor {
            kind: ActorKind::Rollcall,
            id: None,
            name: ActorKind::Rollcall.title(),
        };
        let note = format!("As {} says", self.provider.title);
        let entry = Entry::new(AuditAction::OperatorUpdate, operator.id.0, &operator.email);
        let entry = entry.changes(changes).note(&note);
        audit::record_as(self.b, tx, actor, self.origin, entry).await
    }

    /// The refusal where their role needs a second factor, and they have a password, with which they
    /// could get in without one. Who has no password is asked for whatever the provider asks for.
    async fn needs_second_factor(&self, operator: OperatorId) -> Result<Option<Refused>> {
        let mut tx = self.b.db.read().await?;
        let factors = second_factor::of(&mut tx, Whose::Operator(operator)).await?;
        let has_password = fetch_scalar!(
            &mut tx,
            i64,
            "SELECT COUNT(*) FROM operator WHERE id = $1 AND password_hash IS NOT NULL",
            operator
        )?;
        let needs = factors.required && factors.is_empty() && has_password > 0;
        Ok(needs.then(|| {
            Refused::needs_second_factor()
                .of(self.account)
                .operator(operator)
        }))
    }

    async fn admit(
        &self,
        operator: OperatorId,
        user_agent: &str,
        return_to: String,
    ) -> Step<Finished> {
        let by = By::Provider(&self.provider.title);
        if let Some(refused) = self.needs_second_factor(operator).await? {
            return Err(refused.into());
        }
        match admit(self.b, operator, by, self.origin, user_agent).await {
            Ok(operator) => Ok(Finished::SignedIn {
                operator: Box::new(operator),
                return_to,
            }),
            Err(Error::SignedOut) => Err(Refused::disabled()
                .of(self.account)
                .operator(operator)
                .into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Writes down that a sign-in was refused.
pub(super) async fn record_refused(
    b: &Backend,
    provider: &Provider,
    refused: &Refused,
    user_agent: &str,
    origin: &Origin,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    let operator = match refused.operator {
        Some(id) => operators::by_id(&mut tx, id).await?,
        None => None,
    };
    let title = &provider.settings.title;
    let account = refused.account.as_deref().unwrap_or(title);
    let actor = audit::Actor {
        kind: ActorKind::Nobody,
        id: None,
        name: ActorKind::Nobody.title(),
    };
    let action = AuditAction::OperatorSignInFailed;
    let entry = match &operator {
        Some(operator) => Entry::new(action, operator.id.0, &operator.email),
        None => Entry::of_whole(action, account),
    };
    let changes = AuditChanges::none()
        .now("provider", title)
        .now("reason", &refused.reason)
        .now("user_agent", &user_agent);
    audit::record_as(b, &mut tx, actor, origin, entry.changes(changes)).await?;
    tx.commit().await
}
