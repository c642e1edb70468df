//! Inviting: one user, the next of a customer, and whom a run brought in.

use domain::{
    audit::{AuditAction, AuditChanges},
    enrolment::{AT_ONCE_MAX, Enrolment, Invited},
    id::{CustomerId, IntegrationId, RunId, UserId},
    permission::Permission,
    policy::Policy,
    user::DirectoryStatus,
};
use sqlx::FromRow;

use super::{Invitee, find, load};
use crate::{
    Backend, Error, Result, Scope, Tx,
    auth::link::Purpose,
    enrolment_mail, execute, fetch_all, fetch_optional, fetch_scalar,
    limits::Limited,
    mail::check_address,
    store::{
        audit::{self, Entry},
        customers, read_json,
    },
};

/// Users that one transaction invites: a mail and a job each.
const BATCH: i64 = 100;

/// Invites a user, again where they were invited before; whoever is enrolled is sent a link to set a
/// new password. A link that is on its way, or was sent, ends with the new one.
pub async fn invite(b: &Backend, scope: &Scope, id: UserId) -> Result<Enrolment> {
    let mut tx = b.db.write().await?;
    let (user, address) = to_invite(b, &mut tx, scope, id).await?;
    b.limits.take(Limited::Invitation, scope)?;
    send(b, tx, scope, (user, &address)).await
}

/// The same for one of many who are invited by one press, which was counted.
pub(crate) async fn invite_of_many(b: &Backend, scope: &Scope, id: UserId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let (user, address) = to_invite(b, &mut tx, scope, id).await?;
    send(b, tx, scope, (user, &address)).await.map(drop)
}

/// A user who can be invited, and the address that it is mailed to.
async fn to_invite(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    id: UserId,
) -> Result<(Invitee, String)> {
    let user = find(tx, scope, id).await?;
    scope.require(Permission::DirectoryWrite)?;
    mail_is_set_up(b)?;
    if user.status != DirectoryStatus::Active {
        return Err(Error::conflict(
            "Only users in use can be invited, and this one is not.",
        ));
    }
    let address = address(&user).ok_or_else(|| {
        Error::conflict("This user has neither a mail address nor a user name that is one.")
    })?;
    Ok((user, address))
}

async fn send(
    b: &Backend,
    mut tx: Tx,
    scope: &Scope,
    (user, address): (Invitee, &str),
) -> Result<Enrolment> {
    let purpose = match user.enrolled_at {
        Some(_) => Purpose::PasswordReset,
        None => Purpose::Invitation,
    };
    put(b, &mut tx, &user, address, purpose, scope.actor_name()).await?;
    let action = match purpose {
        Purpose::Invitation => AuditAction::UserInvite,
        Purpose::PasswordReset => AuditAction::UserSendNewPassword,
    };
    let entry = Entry::new(action, user.id.0, &user.display_name)
        .of(user.customer_id)
        .changes(AuditChanges::none().now("address", &address));
    let enrolment = load(b, &mut tx, user.id).await?;
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(enrolment)
}

/// Invites the first `first` active users of a customer, by name, who were never invited and have an
/// address to mail to. Once they got on with it, more can follow.
pub async fn invite_first(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    first: u32,
) -> Result<Invited> {
    let mut tx = b.db.read().await?;
    let name = customers::find_in_use(&mut tx, scope, customer).await?.name;
    drop(tx);
    scope.require(Permission::DirectoryWrite)?;
    if first == 0 || first > AT_ONCE_MAX {
        let message = format!("Choose between 1 and {AT_ONCE_MAX} users.");
        return Err(Error::invalid("first", message));
    }
    mail_is_set_up(b)?;
    b.limits.take(Limited::Invitation, scope)?;
    let mut invited = 0;
    while invited < i64::from(first) {
        let mut tx = b.db.write().await?;
        let batch = BATCH.min(i64::from(first) - invited);
        let users = fetch_all!(
            &mut tx,
            Invitee,
            "SELECT u.id, u.customer_id, u.display_name, u.user_principal_name, u.mail, u.status,
                    e.enrolled_at
               FROM directory_user u LEFT JOIN enrolment e ON e.user_id = u.id
              WHERE u.customer_id = $1 AND u.status = 'active' AND e.user_id IS NULL
                AND (u.mail LIKE '%_@_%' OR u.user_principal_name LIKE '%_@_%')
              ORDER BY u.name_folded, u.id LIMIT $2",
            customer,
            batch
        )?;
        let found = users.len();
        let by = scope.actor_name();
        let put = put_all(b, &mut tx, &users, by).await?;
        if put > 0 {
            let entry = Entry::of_whole(AuditAction::UserInvite, &name)
                .of(customer)
                .changes(AuditChanges::none().now("invited", &put));
            audit::record(b, &mut tx, scope, entry).await?;
        }
        tx.commit().await?;
        invited += put;
        if i64::try_from(found).unwrap_or(i64::MAX) < batch || put == 0 {
            break;
        }
    }
    b.wake.notify_one();
    Ok(Invited {
        invited,
        left: not_invited(b, scope, customer).await?,
    })
}

/// How many active users with an address a customer has who were never invited.
pub async fn not_invited(b: &Backend, scope: &Scope, customer: CustomerId) -> Result<i64> {
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::DirectoryRead)?;
    fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM directory_user u WHERE u.customer_id = $1 AND u.status = 'active'
            AND (u.mail LIKE '%_@_%' OR u.user_principal_name LIKE '%_@_%')
            AND NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.user_id = u.id)",
        customer
    )
}

#[derive(FromRow)]
struct Ran {
    integration_id: Option<IntegrationId>,
    customer_id: CustomerId,
    name: String,
    policy: Option<String>,
    by_import: bool,
}

impl Ran {
    /// Whether those it brought in are to be invited: as the integration's settings say now, or as
    /// was chosen for the import.
    fn invites(&self) -> Result<bool> {
        let Some(policy) = &self.policy else {
            return Ok(self.by_import);
        };
        let policy: Policy = read_json("integration.policy", policy)?;
        Ok(policy.send_enrollment_email)
    }
}

/// Whom a run brought in use, at which place of its changes.
#[derive(FromRow)]
struct Newcomer {
    position: i64,
    #[sqlx(flatten)]
    user: Invitee,
}

/// Invites the next users whom a run brought in use and who were never invited, from behind the place
/// `after` of its changes, where the integration's settings still say so, or the import's did. Answers the place that was
/// reached; none once there are no more.
pub async fn invite_newly_synced(b: &Backend, run: RunId, after: i64) -> Result<Option<i64>> {
    if b.settings.smtp.is_none() {
        return Ok(None);
    }
    let mut tx = b.db.write().await?;
    let ran = fetch_optional!(
        &mut tx,
        Ran,
        "SELECT r.integration_id, r.customer_id, COALESCE(i.name, r.integration_name, '') AS name,
                i.policy, EXISTS (SELECT 1 FROM import m WHERE m.run_id = r.id
                                     AND m.password = 'mail') AS by_import
           FROM run r LEFT JOIN integration i ON i.id = r.integration_id
           JOIN customer c ON c.id = r.customer_id
          WHERE r.id = $1 AND c.deleted_at IS NULL",
        run
    )?;
    let Some(ran) = ran else { return Ok(None) };
    if !ran.invites()? {
        return Ok(None);
    }
    let newcomers = fetch_all!(
        &mut tx,
        Newcomer,
        "SELECT h.position, u.id, u.customer_id, u.display_name, u.user_principal_name, u.mail,
                u.status, e.enrolled_at
           FROM run_change h JOIN directory_user u ON u.id = h.object_id
           LEFT JOIN enrolment e ON e.user_id = u.id
          WHERE h.run_id = $1 AND h.position > $2 AND h.object_type = 'user'
            AND h.status = 'applied' AND h.action IN ('create', 'enable', 'restore')
            AND (u.integration_id = $3 OR ($3 IS NULL AND u.integration_id IS NULL))
            AND u.status = 'active'
            AND (u.mail LIKE '%_@_%' OR u.user_principal_name LIKE '%_@_%')
            AND e.user_id IS NULL
          ORDER BY h.position LIMIT $4",
        run,
        after,
        ran.integration_id,
        BATCH
    )?;
    let reached = newcomers.last().map(|last| last.position);
    let users: Vec<_> = newcomers.into_iter().map(|one| one.user).collect();
    let by_itself = Scope::by_itself();
    let put = put_all(b, &mut tx, &users, by_itself.actor_name()).await?;
    if put > 0 {
        let entry = Entry::of_whole(AuditAction::UserInvite, &ran.name)
            .of(ran.customer_id)
            .changes(AuditChanges::none().now("invited", &put).now("run", &run));
        audit::record(b, &mut tx, &by_itself, entry).await?;
    }
    tx.commit().await?;
    if put > 0 {
        b.wake.notify_one();
    }
    Ok(reached)
}

/// Whom a mail can be written to: at the mail address, else at the user name.
fn address(user: &Invitee) -> Option<String> {
    let given = [user.mail.as_deref(), user.user_principal_name.as_deref()];
    let mut given = given.into_iter().flatten();
    given.find_map(|given| check_address(given).ok())
}

/// Refuses what goes by mail where mail isn't set up.
pub(crate) fn mail_is_set_up(b: &Backend) -> Result<()> {
    if b.settings.smtp.is_some() {
        return Ok(());
    }
    Err(Error::conflict(
        "Mail isn’t set up, and an invitation goes by mail. Set smtp in rollcall.toml (host, from, username, password) and start Rollcall again.",
    ))
}

/// Invites those who can be mailed to; answers how many.
async fn put_all(b: &Backend, tx: &mut Tx, users: &[Invitee], by: &str) -> Result<i64> {
    let mut invited = 0;
    for user in users {
        if let Some(address) = address(user) {
            put(b, tx, user, &address, Purpose::Invitation, by).await?;
            invited += 1;
        }
    }
    Ok(invited)
}

async fn put(
    b: &Backend,
    tx: &mut Tx,
    user: &Invitee,
    address: &str,
    purpose: Purpose,
    by: &str,
) -> Result<()> {
    execute!(
        &mut *tx,
        "INSERT INTO enrolment (user_id, customer_id, invited_at, invited_by, mail_failed)
         VALUES ($1, $2, $3, $4, FALSE)
         ON CONFLICT (user_id) DO UPDATE SET invited_at = $3, invited_by = $4,
                mail_failed = FALSE, link_hash = NULL, link_expires_at = NULL",
        user.id,
        user.customer_id,
        b.clock.now(),
        by
    )?;
    let new = enrolment_mail::New {
        user: Some((user.id, user.customer_id)),
        purpose,
        address,
        invited_by: by,
    };
    enrolment_mail::put(b, tx, new).await
}
