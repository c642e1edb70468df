//! Recovery codes: ten, each good once, for when nothing else is at hand. They are shown before
//! they are kept, so that nobody has some who never saw them; kept are their hashes.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::OperatorId,
    second_factor::{RECOVERY_CODES, RecoveryCodesOffer},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::Bearer;
use crate::{Backend, Error, Result, Scope, Tx, auth::setup::ALPHABET, execute, sealer::places};

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
fn hash(id: OperatorId, code: &str) -> Option<Vec<u8>> {
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
    let whole = [id.0.as_bytes().as_slice(), letters.as_bytes()].concat();
    Some(Sha256::digest(whole).to_vec())
}

async fn bearer_with_factor(b: &Backend, scope: &Scope) -> Result<Bearer> {
    let bearer = Bearer::of(b, scope, None).await?;
    let mut tx = b.db.read().await?;
    if super::of(&mut tx, bearer.id).await?.is_empty() {
        return Err(Error::conflict(
            "Recovery codes stand in for a second factor. Set up an authenticator app or a passkey first.",
        ));
    }
    Ok(bearer)
}

/// Makes codes to be shown. They are good once they are sent back.
pub async fn offer_recovery_codes(b: &Backend, scope: &Scope) -> Result<RecoveryCodesOffer> {
    let bearer = bearer_with_factor(b, scope).await?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| make(b)).collect();
    let text = SecretString::from(codes.join(" "));
    let form = places::OFFERED_RECOVERY_CODES;
    let sealed = b.sealer.offer(&b.db, form, bearer.id.0, &text).await?;
    Ok(RecoveryCodesOffer { codes, sealed })
}

/// Keeps codes that were shown, in place of those before.
pub async fn keep_recovery_codes(b: &Backend, scope: &Scope, sealed: &str) -> Result<()> {
    let bearer = bearer_with_factor(b, scope).await?;
    let form = places::OFFERED_RECOVERY_CODES;
    let text = b.sealer.take_back(form, bearer.id.0, sealed).await?;
    let hashes: Vec<_> = text
        .expose_secret()
        .split(' ')
        .filter_map(|code| hash(bearer.id, code))
        .collect();
    if hashes.len() != RECOVERY_CODES {
        return Err(Error::Internal(
            "recovery codes were offered that can’t be read".to_owned(),
        ));
    }
    let (mut tx, before) = bearer.begin(b).await?;
    delete_all(&mut tx, bearer.id).await?;
    for hash in hashes {
        execute!(
            &mut tx,
            "INSERT INTO operator_recovery_code (operator_id, code_hash) VALUES ($1, $2)",
            bearer.id,
            hash
        )?;
    }
    let changes = AuditChanges::none().was("left", &before.recovery_codes);
    let action = AuditAction::OperatorRenewRecoveryCodes;
    bearer
        .record(b, &mut tx, action, changes.secret("recovery_codes"))
        .await?;
    tx.commit().await
}

pub(super) async fn delete_all(tx: &mut Tx, id: OperatorId) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM operator_recovery_code WHERE operator_id = $1",
        id
    )?;
    Ok(())
}

/// Whether this is one of the operator's codes that was not used yet. Then it is used now.
pub(super) async fn take_code(b: &Backend, id: OperatorId, typed: &str) -> Result<bool> {
    let Some(hash) = hash(id, typed) else {
        return Ok(false);
    };
    let mut tx = b.db.write().await?;
    let used = execute!(
        &mut tx,
        "UPDATE operator_recovery_code SET used_at = $1
          WHERE operator_id = $2 AND code_hash = $3 AND used_at IS NULL",
        b.clock.now(),
        id,
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
        let id = OperatorId(uuid::Uuid::from_u128(7));
        let kept = hash(id, "0123-4567-89AB-CDEF-GHJK-MNPQ");
        assert!(kept.is_some());
        assert_eq!(hash(id, " oi23 4567 89ab cdef ghjk mnpq "), kept);
        assert_eq!(hash(id, "0l23456789abcdefghjkmnpq"), kept);
        assert_ne!(hash(id, "0123-4567-89AB-CDEF-GHJK-MNP0"), kept);
        let another = OperatorId(uuid::Uuid::from_u128(8));
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
