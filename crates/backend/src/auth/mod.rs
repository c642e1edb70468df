//! Who asks: passwords, accounts of providers, sessions' operators, tokens. Everything that makes a [`Scope`] is in here, and what makes a [`users::UserScope`].

mod by_link;
mod half;
pub mod known_browsers;
pub(crate) mod link;
pub mod oidc;
mod password;
mod proof;
mod recovery;
pub(crate) mod refused_tries;
pub mod second_factor;
mod setup;
pub(crate) mod slow_down;
pub mod token;
pub mod users;

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use domain::{
    DateTime,
    audit::{ActorKind, AuditAction, AuditChanges},
    id::{CustomerId, OperatorId},
    operator::{CustomerScope, Operator, ScopeKind, parse_email},
    permission::Role,
    second_factor::Way,
    text::parse_name,
};
use secrecy::SecretString;
use uuid::Uuid;

pub use by_link::{Followed, accept_invitation, ask_for_reset, follow, reset_password};
pub use half::Half;
pub use link::Purpose;
pub use password::BreachedPasswords;
pub use proof::{PROOF_GOOD_FOR, Proof, ask_to_prove, prove, ways_to_prove};
pub use recovery::{all_operators, set_enabled, set_password};
pub use setup::{FirstOwner, create_first_owner, setup_code};
pub use token::token_scope;

use crate::{
    Backend, Error, Origin, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar,
    refusal,
    scope::Customers,
    store::{
        audit::{self, Entry},
        operators::{self, Added},
        sessions::{self, Whose},
        tokens,
    },
};

/// What someone gives to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// Their mail address.
    pub email: String,
    /// Their password.
    pub password: SecretString,
    /// Where they ask from; failed tries are counted by it too.
    pub address: IpAddr,
    /// What the browser keeps, where somebody signed in with it before ([`known_browsers`]).
    pub browser: Option<SecretString>,
    /// The browser, as it names itself.
    pub user_agent: String,
    /// The id of the request, which the audit log keeps.
    pub request_id: String,
}

/// Whether there is no operator yet, so that the first owner has to be made.
pub async fn needs_owner(b: &Backend) -> Result<bool> {
    let mut tx = b.db.read().await?;
    has_no_operator(&mut tx).await
}

async fn has_no_operator(tx: &mut Tx) -> Result<bool> {
    let operators = fetch_scalar!(tx, i64, "SELECT COUNT(*) FROM operator")?;
    Ok(operators == 0)
}

/// What comes of the right password.
#[derive(Debug)]
pub enum SignedIn {
    /// They are signed in.
    Whole(Operator),
    /// A second factor is asked of them, or has to be set up, before they are.
    Half(Half),
}

#[cfg(any(test, feature = "testing"))]
impl SignedIn {
    /// Who is signed in; none where more is asked.
    pub fn operator(self) -> Option<Operator> {
        match self {
            Self::Whole(operator) => Some(operator),
            Self::Half(_) => None,
        }
    }
}

/// Signs an operator in by password, or half in where a second factor is asked of them too.
///
/// `SignedOut` for an unknown address, a wrong password and a disabled operator alike, in the same
/// time; `TooMany` without looking at the password where too many tries failed before, or too many
/// browsers that nobody knows try just now; `Busy` where too many wait already. Each try that was
/// looked at is in the audit log.
pub async fn sign_in(b: &Backend, given: SignIn) -> Result<SignedIn> {
    let origin = Origin::page(given.address, &given.request_id);
    let user_agent = given.user_agent.clone();
    let proved = prove_password(b, given, &origin).await?;
    let mut tx = b.db.read().await?;
    let factors = second_factor::of(&mut tx, Whose::Operator(proved.id)).await?;
    drop(tx);
    if factors.required || !factors.is_empty() {
        return Ok(SignedIn::Half(Half::new(b, proved.id, &proved.hash)));
    }
    let operator = admit(
        b,
        proved.id,
        By::Ways(&[Way::Password]),
        &origin,
        &user_agent,
    )
    .await?;
    Ok(SignedIn::Whole(operator))
}

/// Somebody who proved by password to be this operator, and is not signed in by that yet: more may
/// be asked of them before [`admit`].
struct Proved {
    id: OperatorId,
    /// Of the password that was right.
    hash: String,
}

async fn prove_password(b: &Backend, given: SignIn, origin: &Origin) -> Result<Proved> {
    let browser = known_browsers::known(b, &given.email, given.browser.as_ref()).await?;
    let (account, address) = if let Some(browser) = browser {
        (slow_down::Subject::account_in(&given.email, &browser), None)
    } else {
        slow_down::count_unknown(b, origin).await?;
        let account = slow_down::Subject::account(&given.email, given.address);
        (account, Some(slow_down::Subject::address(given.address)))
    };
    let counted: Vec<_> = [Some(&account), address.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    slow_down::count_try(b, &counted, origin).await?;

    let mut tx = b.db.read().await?;
    let known = fetch_optional!(
        &mut tx,
        (OperatorId, String),
        "SELECT id, password_hash FROM operator
          WHERE email_folded = $1 AND password_hash IS NOT NULL AND joined_at IS NOT NULL
            AND disabled_at IS NULL",
        planner::fold(given.email.trim())
    )?;
    drop(tx);
    let hash = known.as_ref().map(|(_, hash)| hash.clone());
    let fits = password::verify(given.password.clone(), hash).await?;
    let (id, mut hash) = match known {
        Some(known) if fits => known,
        known => {
            let known = known.map(|(id, _)| id);
            record_failed(b, known, &given.email, &given.user_agent, origin).await?;
            return Err(Error::SignedOut);
        }
    };
    let anew = if password::is_outdated(&hash) {
        Some(password::hash_anew(b, given.password).await?)
    } else {
        None
    };
    let mut tx = b.db.write().await?;
    slow_down::forgive(&mut tx, &account, address.as_ref()).await?;
    if let Some(anew) = anew {
        // Unless it was changed meanwhile.
        let kept = execute!(
            &mut tx,
            "UPDATE operator SET password_hash = $1 WHERE id = $2 AND password_hash = $3",
            &anew,
            id,
            &hash
        )?;
        if kept == 1 {
            hash = anew;
        }
    }
    tx.commit().await?;
    Ok(Proved { id, hash })
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy)]
enum By<'a> {
    /// By these ways of their own.
    Ways(&'a [Way]),
    /// With an account at the provider of this name.
    Provider(&'a str),
}

/// Lets in who proved all that is asked of them. `SignedOut` where they were disabled meanwhile.
async fn admit(
    b: &Backend,
    id: OperatorId,
    by: By<'_>,
    origin: &Origin,
    user_agent: &str,
) -> Result<Operator> {
    let mut tx = b.db.write().await?;
    let noted = execute!(
        &mut tx,
        "UPDATE operator SET last_signed_in_at = $1 WHERE id = $2 AND disabled_at IS NULL",
        b.clock.now(),
        id
    )?;
    let operator = operators::by_id(&mut tx, id).await?;
    let operator = operator.filter(|_| noted == 1).ok_or(Error::SignedOut)?;
    let changes = AuditChanges::none().now("user_agent", &user_agent);
    let changes = match by {
        By::Ways([Way::Password]) => changes,
        By::Ways(ways) => changes.now("by", &ways),
        By::Provider(title) => changes.now("provider", &title),
    };
    let entry = Entry::new(AuditAction::OperatorSignIn, id.0, &operator.email).changes(changes);
    audit::record_as(b, &mut tx, operator_actor(&operator), origin, entry).await?;
    tx.commit().await?;
    Ok(operator)
}

/// The operator as who did something, before there is a scope of theirs.
fn operator_actor(operator: &Operator) -> audit::Actor<'_> {
    audit::Actor {
        kind: ActorKind::Operator,
        id: Some(operator.id.0),
        name: &operator.name,
    }
}

/// Writes down that a sign-in was refused.
async fn record_failed(
    b: &Backend,
    known: Option<OperatorId>,
    email: &str,
    user_agent: &str,
    origin: &Origin,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    let operator = match known {
        Some(id) => operators::by_id(&mut tx, id).await?,
        None => None,
    };
    let typed = refused_tries::named(email);
    let actor = audit::Actor {
        kind: ActorKind::Nobody,
        id: None,
        name: ActorKind::Nobody.title(),
    };
    let entry = match &operator {
        Some(operator) => Entry::new(
            AuditAction::OperatorSignInFailed,
            operator.id.0,
            &operator.email,
        ),
        None => Entry::of_whole(AuditAction::OperatorSignInFailed, &typed),
    };
    let entry = entry.changes(AuditChanges::none().now("user_agent", &user_agent));
    audit::record_as(b, &mut tx, actor, origin, entry).await?;
    tx.commit().await
}

/// Writes down that a passkey of an operator was refused where they wanted to sign in with it.
async fn record_refused(
    b: &Backend,
    id: OperatorId,
    user_agent: &str,
    origin: &Origin,
) -> Result<()> {
    record_failed(b, Some(id), "", user_agent, origin).await
}

/// The scope of an operator in a session in which they last proved at `proved_at` that it is them.
pub async fn session_scope(
    b: &Backend,
    id: OperatorId,
    proved_at: Option<DateTime>,
    origin: Origin,
) -> Result<Scope> {
    let until = proved_at.map(|at| at + b.settings.proof_good_for);
    Ok(operator_scope(b, id, origin).await?.proved(until))
}

/// The scope of an operator who signed in: as it is now, so that what was taken from them is gone
/// at their next request. `SignedOut` where they are disabled or removed, and where their role needs
/// a second factor and they have none. Who signs in by a provider alone has it there: what else is
/// asked of them is the provider's to say.
pub async fn operator_scope(b: &Backend, id: OperatorId, origin: Origin) -> Result<Scope> {
    refusal::note_caller(ActorKind::Operator, id.0);
    let mut tx = b.db.read().await?;
    let (name, role, kind) = fetch_optional!(
        &mut tx,
        (String, Role, ScopeKind),
        "SELECT o.name, r.role, r.scope
         FROM operator o JOIN operator_role r ON r.operator_id = o.id
         WHERE o.id = $1 AND o.disabled_at IS NULL AND o.joined_at IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM operator_without_factor f WHERE f.operator_id = o.id)",
        id
    )?
    .ok_or(Error::SignedOut)?;
    let customers = looked_after(&mut tx, id, kind).await?;
    Ok(Scope::operator(id, &name, role, customers, origin))
}

/// The customers whom an operator looks after now.
async fn looked_after(tx: &mut Tx, id: OperatorId, kind: ScopeKind) -> Result<Customers> {
    Ok(match kind {
        ScopeKind::All => Customers::All,
        ScopeKind::Some => Customers::Some(granted(listed(tx, id).await?)),
        ScopeKind::AllExcept => Customers::AllExcept(granted(listed(tx, id).await?)),
        ScopeKind::Tags => Customers::Some(granted(fetch_all!(
            tx,
            (CustomerId,),
            "SELECT DISTINCT t.customer_id FROM operator_role_tag g
               JOIN customer_tag t ON t.tag = g.tag WHERE g.operator_id = $1",
            id
        )?)),
    })
}

async fn listed(tx: &mut Tx, id: OperatorId) -> Result<Vec<(CustomerId,)>> {
    fetch_all!(
        tx,
        (CustomerId,),
        "SELECT customer_id FROM operator_role_customer WHERE operator_id = $1",
        id
    )
}

fn granted(ids: Vec<(CustomerId,)>) -> Arc<HashSet<CustomerId>> {
    Arc::new(ids.into_iter().map(|(id,)| id).collect())
}

/// The scope of who works on the machine itself with the command line: they own the database
/// anyway.
pub fn command_line_scope() -> Scope {
    Scope::command_line()
}

/// The operator who asks. `SignedOut` for tokens, which are nobody.
pub async fn operator(b: &Backend, scope: &Scope) -> Result<Operator> {
    let id = scope.operator_id().ok_or(Error::SignedOut)?;
    let mut tx = b.db.read().await?;
    operators::by_id(&mut tx, id).await?.ok_or(Error::SignedOut)
}

/// What an operator gives to change their password.
#[derive(Debug)]
pub struct PasswordChange {
    /// The one that they have.
    pub old: SecretString,
    /// The one that they want.
    pub new: SecretString,
    /// The public id of the session that asks, which goes on.
    pub keep: Option<Uuid>,
    /// Whether their personal API tokens end too: for who thinks that somebody had the old one.
    pub revoke_tokens: bool,
}

/// Changes the password of the operator who asks and ends their other sessions.
pub async fn change_password(b: &Backend, scope: &Scope, given: PasswordChange) -> Result<()> {
    let PasswordChange {
        old,
        new,
        keep,
        revoke_tokens,
    } = given;
    let operator = operator(b, scope).await?;
    if !second_factor::mine(b, scope).await?.is_empty() {
        // Who has none proves it by the old password.
        scope.require_recent_proof(b.clock.now())?;
    }
    let whose = password::Whose {
        name: &operator.name,
        email: &operator.email,
    };
    let new = password::accept(b, "new_password", new, whose).await?;
    let account = slow_down::Subject::password_of(operator.id);
    slow_down::count_try(b, &[&account], scope.origin()).await?;
    let mut tx = b.db.read().await?;
    let hash = fetch_scalar!(
        &mut tx,
        Option<String>,
        "SELECT password_hash FROM operator WHERE id = $1",
        operator.id
    )?;
    drop(tx);
    if !password::verify(old, hash).await? {
        let mut tx = b.db.write().await?;
        let action = AuditAction::OperatorPasswordRefused;
        let entry = Entry::new(action, operator.id.0, &operator.email);
        audit::record(b, &mut tx, scope, entry).await?;
        tx.commit().await?;
        return Err(Error::invalid("old_password", "This is not your password."));
    }
    let hash = password::hash(b, new).await?;

    let mut tx = b.db.write().await?;
    slow_down::forget(&mut tx, &account).await?;
    execute!(
        &mut tx,
        "UPDATE operator SET password_hash = $1 WHERE id = $2",
        hash,
        operator.id
    )?;
    sessions::end_others_in(&mut tx, Whose::Operator(operator.id), keep).await?;
    if revoke_tokens {
        let actor = audit::Actor::of(scope);
        tokens::revoke_personal(b, &mut tx, (actor, scope.origin()), operator.id).await?;
    }
    let action = AuditAction::OperatorChangePassword;
    let entry = Entry::new(action, operator.id.0, &operator.email)
        .changes(AuditChanges::none().secret("password"));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// Adds an operator for all customers: the command line's `operator add`.
pub async fn add_operator(
    b: &Backend,
    email: &str,
    name: &str,
    role: Role,
    password: SecretString,
) -> Result<Operator> {
    let added = with_password(b, email, name, role, password).await?;
    let mut tx = b.db.write().await?;
    let operator = insert(b, &mut tx, added).await?;
    let actor = command_line_scope();
    audit::record(b, &mut tx, &actor, created(&operator)).await?;
    tx.commit().await?;
    Ok(operator)
}

/// That an operator was added.
fn created(operator: &Operator) -> Entry<'_> {
    let changes = AuditChanges::created(operator).only(&operators::TOLD);
    Entry::new(AuditAction::OperatorCreate, operator.id.0, &operator.email)
        .changes(changes.secret("password"))
}

/// An operator for all customers whose fields were checked and whose password was hashed, outside
/// any transaction.
async fn with_password(
    b: &Backend,
    email: &str,
    name: &str,
    role: Role,
    password: SecretString,
) -> Result<Added> {
    let email = parse_email(email)?;
    let name = parse_name("name", name)?;
    let whose = password::Whose {
        name: &name,
        email: &email,
    };
    let password = password::accept(b, "password", password, whose).await?;
    let password_hash = Some(password::hash(b, password).await?);
    Ok(Added {
        email,
        name,
        role,
        scope: CustomerScope::All,
        password_hash,
    })
}

async fn insert(b: &Backend, tx: &mut Tx, added: Added) -> Result<Operator> {
    let id = operators::insert(b, tx, added).await?;
    operators::by_id(tx, id)
        .await?
        .ok_or_else(|| Error::Internal("an operator that was added isn’t there".to_owned()))
}

#[cfg(test)]
mod dangerous_tests;
#[cfg(test)]
mod tests;
