//! The secret that a webhook is signed with: made here, told once, sealed.

use domain::{
    DateTime,
    id::{CustomerId, NotificationRecipientId},
    notification::RecipientKind,
    permission::Permission,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::FromRow;

use super::{find, may};
use crate::{
    Backend, Error, Result, Scope, Tx, fetch_optional,
    notify::{Target, make_secret},
    sealer::{Place, places},
};

/// Where a recipient's secret stands. The one before it is sealed for the same place.
fn place(id: NotificationRecipientId) -> Place {
    Place::new(places::WEBHOOK_SECRET, id.0)
}

/// A secret for a webhook that isn't kept yet, so that a page can show it before anything is
/// stored. The sealed form opens only for this recipient, and only where it was made here.
#[derive(Debug)]
pub struct OfferedSecret {
    /// The recipient it is for.
    pub id: NotificationRecipientId,
    /// The secret, to be shown.
    pub secret: SecretString,
    /// The same, sealed, as text to give back.
    pub sealed: String,
}

impl OfferedSecret {
    /// The secret as text, for the one page that shows it.
    pub fn shown(&self) -> String {
        tell(&self.secret)
    }
}

/// Makes a secret for the recipient `id`, or for a new one of `customer` (of the installation
/// where there is none).
pub async fn offer_secret(
    b: &Backend,
    scope: &Scope,
    customer: Option<CustomerId>,
    id: Option<NotificationRecipientId>,
) -> Result<OfferedSecret> {
    let mut tx = b.db.read().await?;
    let id = if let Some(id) = id {
        let recipient = find(&mut tx, scope, id).await?;
        scope.require(Permission::NotificationsWrite)?;
        signs(recipient.kind)?;
        id
    } else {
        may(&mut tx, scope, customer, Permission::NotificationsWrite).await?;
        NotificationRecipientId(b.ids.uuid())
    };
    drop(tx);
    let secret = make_secret(&b.ids);
    let form = places::OFFERED_WEBHOOK_SECRET;
    let sealed = b.sealer.offer(&b.db, form, id.0, &secret).await?;
    Ok(OfferedSecret { id, secret, sealed })
}

/// Seals a recipient’s secret, in the transaction that keeps it.
pub(super) async fn seal(
    b: &Backend,
    tx: &mut Tx,
    id: NotificationRecipientId,
    secret: &SecretString,
) -> Result<Vec<u8>> {
    b.sealer.seal(tx, place(id), secret).await
}

/// The secret that was offered.
pub(super) async fn take_offered(
    b: &Backend,
    id: NotificationRecipientId,
    sealed: &str,
) -> Result<SecretString> {
    let form = places::OFFERED_WEBHOOK_SECRET;
    b.sealer.take_back(form, id.0, sealed).await
}

/// Whether this is the secret that a recipient has.
pub(super) async fn is_kept(
    b: &Backend,
    tx: &mut Tx,
    id: NotificationRecipientId,
    secret: &SecretString,
) -> Result<bool> {
    let kept = fetch_optional!(
        tx,
        (Option<Vec<u8>>,),
        "SELECT secret_sealed FROM notification_recipient WHERE id = $1",
        id
    )?;
    let Some((Some(kept),)) = kept else {
        return Ok(false);
    };
    let kept = b.sealer.open(place(id), &kept).await?;
    Ok(kept.expose_secret() == secret.expose_secret())
}

/// Refuses what isn't signed.
pub(super) fn signs(kind: RecipientKind) -> Result<()> {
    match kind {
        RecipientKind::Webhook => Ok(()),
        RecipientKind::Mail => Err(Error::invalid(
            "rotate_secret",
            "Mail isn’t signed, so it has no signing secret.",
        )),
    }
}

#[derive(FromRow)]
struct Row {
    kind: RecipientKind,
    address: String,
    secret_sealed: Option<Vec<u8>>,
    previous_secret_sealed: Option<Vec<u8>>,
    previous_secret_until: Option<DateTime>,
}

/// Where messages to a recipient go, with its secrets opened. For the worker, and for who was let
/// through to it.
pub(crate) async fn target(
    b: &Backend,
    tx: &mut Tx,
    id: NotificationRecipientId,
) -> Result<Option<Target>> {
    let row = fetch_optional!(
        tx,
        Row,
        "SELECT kind, address, secret_sealed, previous_secret_sealed, previous_secret_until
           FROM notification_recipient WHERE id = $1",
        id
    )?;
    let Some(row) = row else { return Ok(None) };
    let now = b.clock.now();
    let previous = row
        .previous_secret_sealed
        .filter(|_| row.previous_secret_until.is_some_and(|until| until > now));
    let mut secrets = Vec::new();
    for sealed in row.secret_sealed.into_iter().chain(previous) {
        secrets.push(b.sealer.open(place(id), &sealed).await?);
    }
    Ok(Some(Target {
        kind: row.kind,
        address: row.address,
        secrets,
    }))
}

/// A secret as the answer to a program that asked for it, once.
pub(super) fn tell(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}
