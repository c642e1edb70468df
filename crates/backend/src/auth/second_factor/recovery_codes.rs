//! Recovery codes: ten, each good once, for when nothing else is at hand. They are shown before
//! they are kept, so that nobody has some who never saw them; kept are their hashes.

use domain::{
    audit::AuditChanges,
    second_factor::{RECOVERY_CODES, RecoveryCodesOffer},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{Bearer, Change};
use crate::{
    Backend, Error, Result, Scope, Tx, auth::setup::ALPHABET, execute, sealer::places,
    store::sessions::Whose,
};

/// 24 letters of 5 bits: 120 bits, so that a fast hash is enough, as with tokens (OWASP ASVS 5.0 6.5.2
/// asks for 112).
const LETTERS: usize = 24;

fn make(b: &Backend) -> String {
    let mut bytes = [0_u8; LETTERS];
    b.ids.fill(&mut bytes);
    let mut code = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    code
}

/// What is kept of a code. Hyphens, blanks and small letters are how people type, and letters that
/// aren't in the alphabet stand for those they look like (Crockford's base 32).
fn hash(whose: Whose, code: &str) -> Option<Vec<u8>> {
    let letters: String = code
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    if letters.len() != LETTERS {
        return None;
    }
    let salted = [whose.id().as_bytes().as_slice(), letters.as_bytes()].concat();
    Some(Sha256::digest(salted).to_vec())
}

async fn require_factor(b: &Backend, bearer: &Bearer) -> Result<()> {
    let mut tx = b.db.read().await?;
    if super::of(&mut tx, bearer.whose).await?.is_empty() {
        return Err(Error::conflict(
            "Recovery codes stand in for a second factor. Set up an authenticator app or a passkey first.",
        ));
    }
    Ok(())
}

/// Makes codes to be shown. They are good once they are sent back.
pub async fn offer_recovery_codes(b: &Backend, scope: &Scope) -> Result<RecoveryCodesOffer> {
    offer_to(b, &Bearer::of(b, scope, None).await?).await
}

/// The same, for whoever it is.
pub(in crate::auth) async fn offer_to(b: &Backend, bearer: &Bearer) -> Result<RecoveryCodesOffer> {
    require_factor(b, bearer).await?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| make(b)).collect();
    let text = SecretString::from(codes.join(" "));
    let form = places::OFFERED_RECOVERY_CODES;
    let to = bearer.whose.id();
    let sealed = b.sealer.offer(&b.db, form, to, &text).await?;
    Ok(RecoveryCodesOffer { codes, sealed })
}

/// Keeps codes that were shown, in place of those before.
pub async fn keep_recovery_codes(b: &Backend, scope: &Scope, sealed: &str) -> Result<()> {
    keep_of(b, &Bearer::of(b, scope, None).await?, sealed).await
}

/// The same, for whoever it is.
pub(in crate::auth) async fn keep_of(b: &Backend, bearer: &Bearer, sealed: &str) -> Result<()> {
    require_factor(b, bearer).await?;
    let whose = bearer.whose;
    let form = places::OFFERED_RECOVERY_CODES;
    let text = b.sealer.take_back(form, whose.id(), sealed).await?;
    let hashes: Vec<_> = text
        .expose_secret()
        .split(' ')
        .filter_map(|code| hash(whose, code))
        .collect();
    if hashes.len() != RECOVERY_CODES {
        return Err(Error::Internal(
            "recovery codes were offered that can’t be read".to_owned(),
        ));
    }
    let (mut tx, before) = bearer.begin(b).await?;
    delete_all(&mut tx, whose).await?;
    for hash in hashes {
        execute!(
            &mut tx,
            "INSERT INTO recovery_code (holder_id, operator_id, user_id, code_hash)
             VALUES ($1, $2, $3, $4)",
            whose.id(),
            whose.operator(),
            whose.user(),
            hash
        )?;
    }
    let changes = AuditChanges::none().was("left", &before.recovery_codes);
    let changes = changes.secret("recovery_codes");
    bearer
        .record(b, &mut tx, Change::RenewRecoveryCodes, changes)
        .await?;
    tx.commit().await
}

pub(in crate::auth) async fn delete_all(tx: &mut Tx, whose: Whose) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM recovery_code WHERE holder_id = $1",
        whose.id()
    )?;
    Ok(())
}

/// Whether this is one of their codes that was not used yet. Then it is used now.
pub(super) async fn take_code(b: &Backend, whose: Whose, typed: &str) -> Result<bool> {
    let Some(hash) = hash(whose, typed) else {
        return Ok(false);
    };
    let mut tx = b.db.write().await?;
    let used = execute!(
        &mut tx,
        "UPDATE recovery_code SET used_at = $1
          WHERE holder_id = $2 AND code_hash = $3 AND used_at IS NULL",
        b.clock.now(),
        whose.id(),
        hash
    )?;
    tx.commit().await?;
    Ok(used == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let id = Whose::User(domain::id::UserId(uuid::Uuid::from_u128(7)));
        let kept = hash(id, "0123-4567-89AB-CDEF-GHJK-MNPQ");
        assert!(kept.is_some());
        assert_eq!(hash(id, " oi23 4567 89ab cdef ghjk mnpq "), kept);
        assert_eq!(hash(id, "0l23456789abcdefghjkmnpq"), kept);
        assert_ne!(hash(id, "0123-4567-89AB-CDEF-GHJK-MNP0"), kept);
        let another = Whose::User(domain::id::UserId(uuid::Uuid::from_u128(8)));
        assert_ne!(hash(another, "0123-4567-89AB-CDEF-GHJK-MNPQ"), kept);
        for odd in [
            "",
            "0123",
            "0123-4567-89AB-CDEF",
            "0123-4567-89AB-CDEF-GHJK-MNPQ-0",
        ] {
            assert_eq!(hash(id, odd), None, "{odd}");
        }
    }
}
