//! Setting up an authenticator app. Its key is kept only once a code showed that the app has it;
//! until then it goes back and forth sealed.

use std::fmt::Write as _;

use domain::{audit::AuditChanges, second_factor::AuthenticatorOffer};
use qrcode::{Color, QrCode};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{Bearer, Change, SettingUp, may_remove_one, totp};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    sealer::{Place, places},
    store::sessions::Whose,
};

/// What apps show beside the codes.
const ISSUER: &str = "Rollcall";
/// The empty space around a QR code, in modules (ISO/IEC 18004 §9.1).
const QUIET_ZONE: usize = 4;

type Key = Zeroizing<Vec<u8>>;

fn place(whose: Whose) -> Place {
    Place::new(places::AUTHENTICATOR_SECRET, whose.id())
}

fn as_text(key: &[u8]) -> SecretString {
    hex::encode(key).into()
}

/// Makes a key for an app to be shown, or shows once more what `sealed` holds, for a form that
/// came back.
pub async fn offer_authenticator(
    b: &Backend,
    who: &SettingUp,
    sealed: Option<&str>,
) -> Result<AuthenticatorOffer> {
    offer_to(b, &who.bearer(b).await?, sealed).await
}

/// The same, for whoever it is.
pub(in crate::auth) async fn offer_to(
    b: &Backend,
    bearer: &Bearer,
    sealed: Option<&str>,
) -> Result<AuthenticatorOffer> {
    let key = if let Some(sealed) = sealed {
        opened(b, bearer.whose, sealed).await?
    } else {
        let mut key = Zeroizing::new(vec![0; totp::KEY_BYTES]);
        b.ids.fill(&mut key);
        key
    };
    let form = places::OFFERED_AUTHENTICATOR;
    let text = as_text(&key);
    let to = bearer.whose.id();
    let sealed = b.sealer.offer(&b.db, form, to, &text).await?;
    let uri = totp::uri(&key, ISSUER, &bearer.login);
    let (qr_width, qr_path) = picture(&uri)?;
    let letters: Vec<char> = totp::base32(&key).chars().collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|four| four.iter().collect())
        .collect();
    Ok(AuthenticatorOffer {
        key: groups.join(" "),
        uri,
        qr_width,
        qr_path,
        sealed,
    })
}

/// The key that was offered.
async fn opened(b: &Backend, whose: Whose, sealed: &str) -> Result<Key> {
    let form = places::OFFERED_AUTHENTICATOR;
    let text = b.sealer.take_back(form, whose.id(), sealed).await?;
    let key = hex::decode(text.expose_secret()).ok();
    let key = key
        .filter(|key| key.len() == totp::KEY_BYTES)
        .map(Zeroizing::new);
    key.ok_or_else(|| Error::Internal("a key was offered that can’t be read".to_owned()))
}

/// Takes the app in use once it showed a right code, in place of the one before.
pub async fn confirm_authenticator(
    b: &Backend,
    who: &SettingUp,
    sealed: &str,
    code: &str,
) -> Result<()> {
    confirm_of(b, &who.bearer(b).await?, sealed, code).await
}

/// The same, for whoever it is.
pub(in crate::auth) async fn confirm_of(
    b: &Backend,
    bearer: &Bearer,
    sealed: &str,
    code: &str,
) -> Result<()> {
    let whose = bearer.whose;
    let key = opened(b, whose, sealed).await?;
    let now = b.clock.now();
    let Some(step) = totp::matching_step(&key, code, now, None) else {
        return Err(Error::invalid(
            "code",
            "This is not the code that the app shows now. Look whether the phone’s clock is right, then type the next one.",
        ));
    };
    let (mut tx, before) = bearer.begin(b).await?;
    let sealed = b.sealer.seal(&mut tx, place(whose), &as_text(&key)).await?;
    execute!(
        &mut tx,
        "INSERT INTO authenticator
           (holder_id, operator_id, user_id, secret_sealed, last_step, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (holder_id) DO UPDATE SET secret_sealed = excluded.secret_sealed,
             last_step = excluded.last_step, created_at = excluded.created_at",
        whose.id(),
        whose.operator(),
        whose.user(),
        sealed,
        step,
        now
    )?;
    bearer.added(&mut tx, &before).await?;
    let changes = AuditChanges::none().secret("authenticator");
    bearer
        .record(b, &mut tx, Change::AddAuthenticator, changes)
        .await?;
    tx.commit().await
}

/// Removes the app of the operator who asks.
pub async fn remove_authenticator(b: &Backend, scope: &Scope) -> Result<()> {
    remove_of(b, &Bearer::of(b, scope, None).await?).await
}

/// The same, of whoever it is.
pub(in crate::auth) async fn remove_of(b: &Backend, bearer: &Bearer) -> Result<()> {
    let (mut tx, before) = bearer.begin(b).await?;
    if before.authenticator_since.is_none() {
        return Err(Error::NotFound("authenticator app"));
    }
    may_remove_one(&before)?;
    delete(&mut tx, bearer.whose).await?;
    bearer.removed(&mut tx).await?;
    let changes = AuditChanges::none();
    bearer
        .record(b, &mut tx, Change::RemoveAuthenticator, changes)
        .await?;
    tx.commit().await
}

pub(in crate::auth) async fn delete(tx: &mut Tx, whose: Whose) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM authenticator WHERE holder_id = $1",
        whose.id()
    )?;
    Ok(())
}

/// Whether this is a code that their app shows now. Then it is taken: it is none any more.
pub(super) async fn take_code(b: &Backend, whose: Whose, typed: &str) -> Result<bool> {
    let mut tx = b.db.read().await?;
    let kept = fetch_optional!(
        &mut tx,
        (Vec<u8>, i64),
        "SELECT secret_sealed, last_step FROM authenticator WHERE holder_id = $1",
        whose.id()
    )?;
    drop(tx);
    let Some((sealed, last_step)) = kept else {
        return Ok(false);
    };
    let text = b.sealer.open(place(whose), &sealed).await?;
    let key = hex::decode(text.expose_secret()).map(Zeroizing::new);
    let key = key.map_err(|_| Error::Internal("a kept key is no hexadecimal text".to_owned()))?;
    let Some(step) = totp::matching_step(&key, typed, b.clock.now(), Some(last_step)) else {
        return Ok(false);
    };
    let mut tx = b.db.write().await?;
    // Of two that give the same code at once, one is the first.
    let taken = execute!(
        &mut tx,
        "UPDATE authenticator SET last_step = $1
          WHERE holder_id = $2 AND last_step < $1 AND secret_sealed = $3",
        step,
        whose.id(),
        sealed
    )?;
    tx.commit().await?;
    Ok(taken == 1)
}

/// A text as a QR code: how many modules it is wide, and the dark ones as an SVG path.
fn picture(text: &str) -> Result<(u32, String)> {
    let code = QrCode::new(text)
        .map_err(|error| Error::Internal(format!("no QR code can be made: {error}")))?;
    let width = code.width();
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let mut from = 0;
        while from < width {
            let run = modules[from..]
                .iter()
                .take_while(|module| **module == modules[from])
                .count();
            if modules[from] == Color::Dark {
                let (x, y) = (from + QUIET_ZONE, row + QUIET_ZONE);
                // Writing to a text can't fail.
                _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
            }
            from += run;
        }
    }
    let whole = u32::try_from(width + 2 * QUIET_ZONE).unwrap_or(u32::MAX);
    Ok((whole, path))
}
