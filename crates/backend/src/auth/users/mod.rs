//! Users of a directory who sign in to their own account: nothing but what is their own is reached
//! by that. Who is deactivated, in the source or here, is out at their next request.

mod half;
mod imported;
mod link;
mod own;
mod second_factor;

use std::net::IpAddr;

use domain::{
    audit::{ActorKind, AuditAction, AuditChanges},
    id::{CustomerId, UserId},
    second_factor::Way,
};
use secrecy::SecretString;
use uuid::Uuid;

pub use half::UserHalf;
pub(crate) use imported::{hash_imported, may_be_set};
pub use link::{activate, ask_for_new_password, follow};
pub use own::{
    UserPasswordChange, change_password, end_other_sessions, end_session, own_account, sessions,
    sign_out,
};
pub use second_factor::{
    confirm_authenticator, keep_recovery_codes, offer_authenticator, offer_recovery_codes,
    remove_authenticator, reset as reset_second_factor,
};

use super::{password, refused_tries, second_factor as factors, slow_down};
use crate::{
    Backend, Error, Origin, Result, Tx, execute, fetch_all, fetch_optional, refusal,
    store::{
        audit::{self, Entry},
        sessions::Whose,
    },
};

/// The most accounts that one user name stands for, over all customers: each costs a hash.
const ACCOUNTS_MAX: i64 = 5;

/// A user of a directory who is signed in. Only this module makes one.
#[derive(Clone, Debug)]
pub struct UserScope {
    id: UserId,
    customer: CustomerId,
    name: String,
    origin: Origin,
}

impl UserScope {
    /// Who it is.
    pub fn user_id(&self) -> UserId {
        self.id
    }

    fn actor(&self) -> audit::Actor<'_> {
        actor(self.id, &self.name)
    }

    /// That they did something to their own account.
    fn entry(&self, action: AuditAction) -> Entry<'_> {
        Entry::new(action, self.id.0, &self.name).of(self.customer)
    }

    async fn record(&self, b: &Backend, tx: &mut Tx, entry: Entry<'_>) -> Result<()> {
        audit::record_as(b, tx, self.actor(), &self.origin, entry).await
    }
}

fn actor(id: UserId, name: &str) -> audit::Actor<'_> {
    audit::Actor {
        kind: ActorKind::User,
        id: Some(id.0),
        name,
    }
}

/// A user with an account, in use, of a customer that isn't in the bin: `u`, `e` and `c`.
macro_rules! with_account {
    () => {
        "directory_user u JOIN enrolment e ON e.user_id = u.id JOIN customer c ON c.id = u.customer_id
          WHERE u.status = 'active' AND e.enrolled_at IS NOT NULL AND e.password_hash IS NOT NULL
            AND c.deleted_at IS NULL"
    };
}
use with_account;

/// That the user in `u` signs in with this name, which is folded: their own, or an alias. The customers
/// come first, since names are indexed within each.
macro_rules! signs_in_as {
    ($name:literal) => {
        concat!(
            "u.id IN (SELECT n.id FROM customer k CROSS JOIN directory_user n
                       WHERE n.customer_id = k.id AND n.user_name_folded = ",
            $name,
            " UNION SELECT a.user_id FROM customer k CROSS JOIN directory_user_alias a
                       WHERE a.customer_id = k.id AND a.address_folded = ",
            $name,
            ")"
        )
    };
}
pub(crate) use signs_in_as;

/// The user of a session, as they are now. `SignedOut` where they are not in use any more.
pub async fn user_scope(b: &Backend, id: UserId, origin: Origin) -> Result<UserScope> {
    refusal::note_caller(ActorKind::User, id.0);
    let mut tx = b.db.read().await?;
    scope_of(&mut tx, id, origin).await
}

async fn scope_of(tx: &mut Tx, id: UserId, origin: Origin) -> Result<UserScope> {
    let (customer, name) = fetch_optional!(
        tx,
        (CustomerId, String),
        concat!(
            "SELECT u.customer_id, u.display_name FROM ",
            with_account!(),
            " AND u.id = $1"
        ),
        id
    )?
    .ok_or(Error::SignedOut)?;
    Ok(UserScope {
        id,
        customer,
        name,
        origin,
    })
}

/// What a user gives to sign in.
#[derive(Debug)]
pub struct UserSignIn {
    /// Their user name.
    pub user_name: String,
    /// Their password.
    pub password: SecretString,
    /// Where they ask from.
    pub address: IpAddr,
    /// The browser, as it names itself.
    pub user_agent: String,
    /// The id of the request.
    pub request_id: String,
}

/// What comes of the right password, and of a link that sets one.
#[derive(Debug)]
pub enum UserSignedIn {
    /// They are signed in.
    Whole(UserScope),
    /// A second factor is asked of them before they are.
    Half(UserHalf),
}

/// Signs a user in, or half in where they have a second factor. The same user name may be used at several customers: the password says whose.
///
/// `SignedOut` for an unknown name, a wrong password and who isn't in use alike; `TooMany` without
/// looking at the password where too many tries failed before.
pub async fn sign_in(b: &Backend, given: UserSignIn) -> Result<UserSignedIn> {
    let origin = Origin::page(given.address, &given.request_id);
    slow_down::count_unknown(b, &origin).await?;
    let known = accounts(b, &given.user_name).await?;
    let tries = Tries::of(&given, &known);
    slow_down::count_try(b, &tries.all(), &origin).await?;
    let proved = first_that_fits(&known, &given.password).await?;
    let mut tx = b.db.write().await?;
    let Some(account_of) = proved else {
        for account in &known {
            failed(b, &mut tx, account, &origin, &given.user_agent).await?;
        }
        if known.is_empty() {
            failed_as_nobody(b, &mut tx, &given, &origin).await?;
        }
        tx.commit().await?;
        return Err(Error::SignedOut);
    };
    tries.forgive(&mut tx, account_of.id).await?;
    let signed_in = let_in(b, &mut tx, account_of.id, origin, &given.user_agent).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// What a try to sign in is counted by.
struct Tries {
    /// The accounts that the name stands for, whichever of their names it is, or else the name: in one
    /// order, so that tries at once don't wait for each other in a ring.
    whose: Vec<(Option<UserId>, slow_down::Subject)>,
    address: slow_down::Subject,
}

impl Tries {
    fn of(given: &UserSignIn, known: &[Account]) -> Self {
        let mut ids: Vec<UserId> = known.iter().map(|account| account.id).collect();
        ids.sort_unstable();
        let of_account = |id| slow_down::Subject::user_by_any_name(id, given.address);
        let accounts = ids.into_iter().map(|id| (Some(id), of_account(id)));
        let mut whose: Vec<_> = accounts.collect();
        if whose.is_empty() {
            let name = slow_down::Subject::user(&given.user_name, given.address);
            whose.push((None, name));
        }
        Self {
            whose,
            address: slow_down::Subject::address(given.address),
        }
    }

    fn all(&self) -> Vec<&slow_down::Subject> {
        let whose = self.whose.iter().map(|(_, subject)| subject);
        whose.chain([&self.address]).collect()
    }

    /// The try was right for this account. Others of the name only lose this one try, or whoever has
    /// one of them could guess at the others without end.
    async fn forgive(&self, tx: &mut Tx, proved: UserId) -> Result<()> {
        for (id, subject) in &self.whose {
            if *id == Some(proved) {
                slow_down::forget(tx, subject).await?;
            } else {
                slow_down::forgive_one(tx, subject).await?;
            }
        }
        slow_down::forgive_one(tx, &self.address).await
    }
}

/// Lets in who gave or set the right password; half, where they have a second factor.
async fn let_in(
    b: &Backend,
    tx: &mut Tx,
    id: UserId,
    origin: Origin,
    user_agent: &str,
) -> Result<UserSignedIn> {
    if !factors::of(tx, Whose::User(id)).await?.is_empty() {
        return Ok(UserSignedIn::Half(UserHalf::new(b, tx, id).await?));
    }
    let scope = scope_of(tx, id, origin).await?;
    signed_in(b, tx, &scope, Way::Password, user_agent).await?;
    Ok(UserSignedIn::Whole(scope))
}

#[derive(Debug, sqlx::FromRow)]
struct Account {
    id: UserId,
    customer_id: CustomerId,
    display_name: String,
    password_hash: String,
}

/// The accounts that a name stands for. Those whose user name it is come first: an alias that is given
/// at another customer is no way past them.
async fn accounts(b: &Backend, user_name: &str) -> Result<Vec<Account>> {
    let mut tx = b.db.read().await?;
    fetch_all!(
        &mut tx,
        Account,
        concat!(
            "SELECT u.id, u.customer_id, u.display_name, e.password_hash FROM ",
            with_account!(),
            " AND ",
            signs_in_as!("$1"),
            " ORDER BY CASE WHEN u.user_name_folded = $1 THEN 0 ELSE 1 END, u.id LIMIT $2"
        ),
        planner::key(user_name.trim()),
        ACCOUNTS_MAX
    )
}

/// Somebody unknown takes as long as somebody known.
async fn first_that_fits<'a>(
    known: &'a [Account],
    password: &SecretString,
) -> Result<Option<&'a Account>> {
    if known.is_empty() {
        password::verify(password.clone(), None).await?;
    }
    for account in known {
        let hash = Some(account.password_hash.clone());
        if password::verify(password.clone(), hash).await? {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

async fn failed(
    b: &Backend,
    tx: &mut Tx,
    account: &Account,
    origin: &Origin,
    user_agent: &str,
) -> Result<()> {
    let action = AuditAction::UserSignInFailed;
    let entry = Entry::new(action, account.id.0, &account.display_name)
        .of(account.customer_id)
        .changes(AuditChanges::none().now("user_agent", &user_agent));
    audit::record_as(b, tx, nobody(), origin, entry).await
}

/// The same where nobody has the name that was typed, so that it is no customer's either.
async fn failed_as_nobody(
    b: &Backend,
    tx: &mut Tx,
    given: &UserSignIn,
    origin: &Origin,
) -> Result<()> {
    let typed = refused_tries::named(&given.user_name);
    let entry = Entry::of_whole(AuditAction::UserSignInFailed, &typed)
        .changes(AuditChanges::none().now("user_agent", &given.user_agent));
    audit::record_as(b, tx, nobody(), origin, entry).await
}

fn nobody() -> audit::Actor<'static> {
    audit::Actor {
        kind: ActorKind::Nobody,
        id: None,
        name: ActorKind::Nobody.title(),
    }
}

async fn signed_in(
    b: &Backend,
    tx: &mut Tx,
    scope: &UserScope,
    by: Way,
    user_agent: &str,
) -> Result<()> {
    execute!(
        &mut *tx,
        "UPDATE enrolment SET last_signed_in_at = $2 WHERE user_id = $1",
        scope.id,
        b.clock.now()
    )?;
    let changes = AuditChanges::none()
        .now("by", &by)
        .now("user_agent", &user_agent);
    let entry = scope.entry(AuditAction::UserSignIn).changes(changes);
    scope.record(b, tx, entry).await
}

/// Has what changes the second factors of one user come one after the other.
pub(super) async fn one_at_a_time(tx: &mut Tx, id: UserId) -> Result<()> {
    let held = execute!(
        tx,
        "UPDATE enrolment SET user_id = user_id WHERE user_id = $1 AND enrolled_at IS NOT NULL",
        id
    )?;
    if held == 0 {
        return Err(Error::SignedOut);
    }
    Ok(())
}

/// Ends the sessions of a user, but for one.
async fn end_sessions(tx: &mut Tx, user: UserId, keep: Option<Uuid>) -> Result<u64> {
    execute!(
        tx,
        "DELETE FROM session WHERE user_id = $1 AND ($2 IS NULL OR id <> $2)",
        user,
        keep
    )
}

#[cfg(test)]
mod tests;
