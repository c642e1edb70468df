//! Who asks: passwords, sessions' operators, tokens. Everything that makes a [`Scope`] is in here.

mod password;
mod setup;
mod slow_down;
pub mod token;

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use domain::{
    audit::{ActorKind, AuditAction, AuditChanges},
    id::{CustomerId, OperatorId},
    operator::{Operator, check_password, parse_email},
    permission::Role,
    text::parse_name,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

pub use setup::{create_first_owner, setup_code};
pub use token::token_scope;

use crate::{
    Backend, Error, Origin, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar,
    scope::Customers,
    store::{
        audit::{self, Entry},
        sessions,
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

/// Signs an operator in by password.
///
/// `SignedOut` for an unknown address and a wrong password alike, in the same time; `TooMany`
/// without looking at the password where too many tries failed before. Each try that was looked at
/// is in the audit log.
pub async fn sign_in(b: &Backend, given: SignIn) -> Result<Operator> {
    let account = slow_down::Subject::account(&given.email);
    let address = slow_down::Subject::address(given.address);
    slow_down::count_try(b, &[&account, &address]).await?;

    let mut tx = b.db.read().await?;
    let known = fetch_optional!(
        &mut tx,
        (OperatorId, String),
        "SELECT id, password_hash FROM operator WHERE email_folded = $1",
        planner::fold(given.email.trim())
    )?;
    drop(tx);
    let (known, hash) = known.unzip();
    let origin = Origin::page(given.address, &given.request_id);
    let fits = password::verify(given.password, hash).await?;
    let Some(id) = known.filter(|_| fits) else {
        record_failed(b, known, &given.email, &given.user_agent, &origin).await?;
        return Err(Error::SignedOut);
    };

    let mut tx = b.db.write().await?;
    slow_down::forgive(&mut tx, &account, &address).await?;
    execute!(
        &mut tx,
        "UPDATE operator SET last_signed_in_at = $1 WHERE id = $2",
        b.clock.now(),
        id
    )?;
    let operator = find(&mut tx, id).await?.ok_or(Error::SignedOut)?;
    let entry = Entry::new(AuditAction::OperatorSignIn, id.0, &operator.email)
        .changes(AuditChanges::none().now("user_agent", &given.user_agent));
    audit::record_as(b, &mut tx, operator_actor(&operator), &origin, entry).await?;
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

/// Writes down that a sign-in was refused. What was typed is kept only where it is a mail address:
/// else it may be a password in the wrong field.
async fn record_failed(
    b: &Backend,
    known: Option<OperatorId>,
    email: &str,
    user_agent: &str,
    origin: &Origin,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    let operator = match known {
        Some(id) => find(&mut tx, id).await?,
        None => None,
    };
    let typed = parse_email(email).unwrap_or_else(|_| "Not a mail address".to_owned());
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

/// The scope of an operator who signed in. `SignedOut` where they are gone.
pub async fn operator_scope(b: &Backend, id: OperatorId, origin: Origin) -> Result<Scope> {
    let mut tx = b.db.read().await?;
    let (name, role, all) = fetch_optional!(
        &mut tx,
        (String, Role, bool),
        "SELECT o.name, r.role, r.all_customers
         FROM operator o JOIN operator_role r ON r.operator_id = o.id WHERE o.id = $1",
        id
    )?
    .ok_or(Error::SignedOut)?;
    let customers = if all {
        Customers::All
    } else {
        let ids = fetch_all!(
            &mut tx,
            (CustomerId,),
            "SELECT customer_id FROM operator_role_customer WHERE operator_id = $1",
            id
        )?;
        granted(ids)
    };
    Ok(Scope::operator(id, &name, role, customers, origin))
}

fn granted(ids: Vec<(CustomerId,)>) -> Customers {
    let ids: HashSet<_> = ids.into_iter().map(|(id,)| id).collect();
    Customers::Some(Arc::new(ids))
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
    find(&mut tx, id).await?.ok_or(Error::SignedOut)
}

async fn find(tx: &mut Tx, id: OperatorId) -> Result<Option<Operator>> {
    fetch_optional!(
        tx,
        Operator,
        "SELECT o.id, o.email, o.name, r.role, o.created_at, o.last_signed_in_at
         FROM operator o JOIN operator_role r ON r.operator_id = o.id WHERE o.id = $1",
        id
    )
}

/// Changes the password of the operator who asks and ends their other sessions: all but `keep`,
/// the public id of the one that asks.
pub async fn change_password(
    b: &Backend,
    scope: &Scope,
    old: SecretString,
    new: SecretString,
    keep: Option<Uuid>,
) -> Result<()> {
    let operator = operator(b, scope).await?;
    check_password("new_password", new.expose_secret())?;
    let account = slow_down::Subject::password_of(operator.id);
    slow_down::count_try(b, &[&account]).await?;
    let mut tx = b.db.read().await?;
    let hash = fetch_scalar!(
        &mut tx,
        String,
        "SELECT password_hash FROM operator WHERE id = $1",
        operator.id
    )?;
    drop(tx);
    if !password::verify(old, Some(hash)).await? {
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
    sessions::end_others_in(&mut tx, operator.id, keep).await?;
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
    let new = NewOperator::new(b, email, name, role, password).await?;
    let mut tx = b.db.write().await?;
    let operator = insert(b, &mut tx, new).await?;
    let actor = command_line_scope();
    audit::record(b, &mut tx, &actor, created(&operator)).await?;
    tx.commit().await?;
    Ok(operator)
}

/// That an operator was added.
fn created(operator: &Operator) -> Entry<'_> {
    let changes = AuditChanges::created(operator).only(&["email", "name", "role"]);
    Entry::new(AuditAction::OperatorCreate, operator.id.0, &operator.email)
        .changes(changes.now("all_customers", &true).secret("password"))
}

/// An operator whose fields were checked and whose password was hashed, outside any transaction.
struct NewOperator {
    email: String,
    name: String,
    role: Role,
    password_hash: String,
}

impl NewOperator {
    async fn new(
        b: &Backend,
        email: &str,
        name: &str,
        role: Role,
        password: SecretString,
    ) -> Result<Self> {
        let email = parse_email(email)?;
        let name = parse_name("name", name)?;
        check_password("password", password.expose_secret())?;
        Ok(Self {
            email,
            name,
            role,
            password_hash: password::hash(b, password).await?,
        })
    }
}

async fn insert(b: &Backend, tx: &mut Tx, new: NewOperator) -> Result<Operator> {
    let operator = Operator {
        id: OperatorId(b.ids.uuid()),
        email: new.email,
        name: new.name,
        role: new.role,
        created_at: b.clock.now(),
        last_signed_in_at: None,
    };
    let inserted = execute!(
        tx,
        "INSERT INTO operator (id, email, email_folded, name, password_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        operator.id,
        &operator.email,
        planner::fold(&operator.email),
        &operator.name,
        new.password_hash,
        operator.created_at
    );
    match inserted {
        Err(error) if error.is_unique_violation() => {
            let message = "An operator with this e-mail address exists already.";
            return Err(Error::invalid("email", message));
        }
        other => other?,
    };
    execute!(
        tx,
        "INSERT INTO operator_role (operator_id, role, all_customers) VALUES ($1, $2, TRUE)",
        operator.id,
        operator.role
    )?;
    Ok(operator)
}

#[cfg(test)]
mod tests;
