//! A link in the hands of whoever opened it. They have no [`Scope`](crate::Scope): the secret in the
//! link is what lets them see this one link, and nothing else.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{ActorKind, AuditAction, AuditChanges},
    consent_link::ConsentLink,
    id::{ConsentLinkId, TenantId},
    run::RunError,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::FromRow;
use uuid::Uuid;

use super::{Row, columns, entry};
use crate::{
    Backend, Origin, Result, Tx,
    auth::token,
    execute, fetch_optional,
    store::{audit, write_json},
};

/// How long one may take at Microsoft.
const AWAY: Duration = Duration::hours(1);
/// That a link was opened is noted no more exactly than this.
const OPENED_NOTED_EVERY: Duration = Duration::minutes(1);
/// A token is asked for no more often than this for one link.
const CHECK_EVERY: Duration = Duration::seconds(5);

/// What somebody who followed a link is asked for at Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// To consent for their tenant.
    Consent,
    /// To sign in to it, so that it is known that they administer it.
    SignIn,
}

impl Step {
    /// The text in the table.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::SignIn => "sign_in",
        }
    }
}

/// An administrator who signed in by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignedIn {
    /// The tenant that they may consent for.
    pub tenant: TenantId,
    /// They themselves, in that tenant.
    pub object_id: Uuid,
}

/// A good link.
#[derive(Debug)]
pub(crate) struct Opened {
    pub link: ConsentLink,
    pub customer_name: String,
    /// Whether who made it sees all customers.
    pub vouched: bool,
    /// The tenant that Microsoft named on the way back.
    pub returned_tenant: Option<String>,
    /// Who signed in since.
    pub signed_in: Option<SignedIn>,
    /// Whether Microsoft ever said that somebody consented.
    pub consented: bool,
}

#[derive(FromRow)]
struct Whole {
    #[sqlx(flatten)]
    row: Row,
    customer_name: String,
    vouched: bool,
    returned_tenant: Option<String>,
    signed_in_tenant_id: Option<TenantId>,
    signed_in_object_id: Option<Uuid>,
}

/// The link of this secret; none where it has ended, or the profile has another application by now,
/// and where there never was such a link.
pub(crate) async fn opened(
    b: &Backend,
    tx: &mut Tx,
    secret: &SecretString,
) -> Result<Option<Opened>> {
    let now = b.clock.now();
    let found = fetch_optional!(
        tx,
        Whole,
        concat!(
            "SELECT ",
            columns!(),
            ", c.name AS customer_name, l.vouched, l.returned_tenant, l.signed_in_tenant_id,
                 l.signed_in_object_id
               FROM consent_link l
               JOIN customer c ON c.id = l.customer_id AND c.deleted_at IS NULL
               JOIN credential_profile p
                 ON p.id = l.credential_profile_id AND p.client_id = l.client_id
              WHERE l.secret_hash = $1 AND l.expires_at > $2"
        ),
        token::hash(secret.expose_secret()),
        now
    )?;
    let Some(found) = found else { return Ok(None) };
    let signed_in = found.signed_in_tenant_id.zip(found.signed_in_object_id);
    Ok(Some(Opened {
        signed_in: signed_in.map(|(tenant, object_id)| SignedIn { tenant, object_id }),
        consented: found.row.consented_at.is_some(),
        link: found.row.link(now)?,
        customer_name: found.customer_name,
        vouched: found.vouched,
        returned_tenant: found.returned_tenant,
    }))
}

/// Notes that somebody looks at the page of a link.
pub(crate) async fn note_opened(b: &Backend, link: &ConsentLink) -> Result<()> {
    let now = b.clock.now();
    if (link.opened_at).is_some_and(|at| now - at < OPENED_NOTED_EVERY) {
        return Ok(());
    }
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE consent_link SET opened_at = $1 WHERE id = $2",
        now,
        link.id
    )?;
    tx.commit().await
}

/// Notes that somebody is on their way to Microsoft with this state. One before is no longer good.
pub(crate) async fn send_out(
    b: &Backend,
    id: ConsentLinkId,
    step: Step,
    state: &SecretString,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE consent_link SET state_hash = $1, state_step = $2, state_ends_at = $3
          WHERE id = $4",
        token::hash(state.expose_secret()),
        step.as_str(),
        b.clock.now() + AWAY,
        id
    )?;
    tx.commit().await
}

/// Uses a state up; answers what was asked for with it. None where it isn't this link's, was used, or
/// is too old.
pub(crate) async fn take_state(
    b: &Backend,
    tx: &mut Tx,
    id: ConsentLinkId,
    state: &SecretString,
) -> Result<Option<Step>> {
    let taken = fetch_optional!(
        tx,
        (Option<String>,),
        "UPDATE consent_link SET state_hash = NULL, state_ends_at = NULL
          WHERE id = $1 AND state_hash = $2 AND state_ends_at > $3 RETURNING state_step",
        id,
        token::hash(state.expose_secret()),
        b.clock.now()
    )?;
    let step = taken.and_then(|(step,)| step);
    Ok([Step::Consent, Step::SignIn]
        .into_iter()
        .find(|known| step.as_deref() == Some(known.as_str())))
}

/// Notes that Microsoft said that somebody consented, and for which tenant. Who signed in before
/// doesn't count for it.
pub(crate) async fn note_consent(
    b: &Backend,
    tx: &mut Tx,
    id: ConsentLinkId,
    tenant: &str,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE consent_link SET consented_at = $1, returned_tenant = $2, error = NULL,
                signed_in_tenant_id = NULL, signed_in_object_id = NULL
          WHERE id = $3",
        b.clock.now(),
        tenant,
        id
    )?;
    Ok(())
}

/// Keeps which administrator signed in.
pub(crate) async fn note_signed_in(
    tx: &mut Tx,
    id: ConsentLinkId,
    signed_in: SignedIn,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE consent_link SET signed_in_tenant_id = $1, signed_in_object_id = $2, error = NULL
          WHERE id = $3",
        signed_in.tenant,
        signed_in.object_id,
        id
    )?;
    Ok(())
}

/// Notes what failed; nothing where the tenant is proven already. None: it only needs time.
pub(crate) async fn note_error(
    tx: &mut Tx,
    id: ConsentLinkId,
    error: Option<&RunError>,
) -> Result<()> {
    let error = match error {
        Some(error) => Some(write_json(error)?),
        None => None,
    };
    execute!(
        tx,
        "UPDATE consent_link SET error = $1 WHERE id = $2 AND proven_at IS NULL",
        error,
        id
    )?;
    Ok(())
}

/// Whether a token may be asked for now; if so, that is noted.
pub(crate) async fn may_check(b: &Backend, id: ConsentLinkId) -> Result<bool> {
    let now: DateTime = b.clock.now();
    let mut tx = b.db.write().await?;
    let noted = execute!(
        &mut tx,
        "UPDATE consent_link SET checked_at = $1
          WHERE id = $2 AND (checked_at IS NULL OR checked_at <= $3)",
        now,
        id,
        now - CHECK_EVERY
    )?;
    tx.commit().await?;
    Ok(noted == 1)
}

/// Keeps the permissions of the last token.
pub(crate) async fn note_roles(tx: &mut Tx, id: ConsentLinkId, roles: &[String]) -> Result<()> {
    execute!(
        tx,
        "UPDATE consent_link SET roles = $1 WHERE id = $2",
        write_json(&roles)?,
        id
    )?;
    Ok(())
}

/// Keeps that a token proved the tenant, and writes it down, the first time.
pub(crate) async fn prove(
    b: &Backend,
    tx: &mut Tx,
    opened: &Opened,
    tenant: TenantId,
    roles: &[String],
    origin: &Origin,
) -> Result<()> {
    let link = &opened.link;
    let proven = execute!(
        &mut *tx,
        "UPDATE consent_link SET proven_at = $1, proven_tenant_id = $2, error = NULL
          WHERE id = $3 AND proven_at IS NULL",
        b.clock.now(),
        tenant,
        link.id
    )?;
    if proven == 0 {
        return Ok(());
    }
    let nobody = audit::Actor {
        kind: ActorKind::Nobody,
        id: None,
        name: ActorKind::Nobody.title(),
    };
    let mut changes = AuditChanges::none()
        .now("proven_tenant_id", &tenant)
        .now("client_id", &link.client_id)
        .now("roles", &roles);
    if let Some(by) = opened.signed_in.filter(|_| link.needs_sign_in) {
        changes = changes.now("signed_in_object_id", &by.object_id);
    }
    let entry = entry(AuditAction::ConsentLinkProve, link).changes(changes);
    audit::record_as(b, tx, nobody, origin, entry).await
}
