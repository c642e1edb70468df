//! API tokens: `rc_`, 43 letters for 32 random bytes, 6 letters for their checksum. The checksum
//! tells a mistyped token, and a scanner for leaked secrets a real one, without a database.

use chrono::Duration;
use domain::{
    DateTime,
    api_token::PREFIX,
    id::{ApiTokenId, CustomerId},
    permission::Role,
};
use sha2::{Digest, Sha256};
use sqlx::FromRow;

use super::granted;
use crate::{
    Backend, Error, Origin, Result, Scope, execute, fetch_all, fetch_optional, scope::Customers,
};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LETTERS: usize = 43;
const CHECKSUM_LETTERS: usize = 6;
/// `last_used_at` is no more exact than this: a write for each call would cost more than the call.
const USE_NOTED_EVERY: Duration = Duration::minutes(1);

/// 32 random bytes as letters that can stand anywhere.
pub(super) fn random_text(b: &Backend) -> String {
    let mut bytes = [0_u8; 32];
    b.ids.fill(&mut bytes);
    base62(&bytes, RANDOM_LETTERS)
}

/// A new token's text.
pub(crate) fn make(b: &Backend) -> String {
    let random = random_text(b);
    let checksum = base62(&crc32(random.as_bytes()).to_be_bytes(), CHECKSUM_LETTERS);
    format!("{PREFIX}{random}{checksum}")
}

/// What is kept of a token.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Whether a text has the form and the checksum of a token.
pub fn is_well_formed(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX) else {
        return false;
    };
    if rest.len() != RANDOM_LETTERS + CHECKSUM_LETTERS || !rest.is_ascii() {
        return false;
    }
    let (random, checksum) = rest.split_at(RANDOM_LETTERS);
    checksum == base62(&crc32(random.as_bytes()).to_be_bytes(), CHECKSUM_LETTERS)
}

#[derive(FromRow)]
struct Row {
    id: ApiTokenId,
    name: String,
    role: Role,
    all_customers: bool,
    expires_at: Option<DateTime>,
    last_used_at: Option<DateTime>,
    revoked_at: Option<DateTime>,
}

/// The scope of a program that gives `bearer`. `SignedOut` where that is no token, or one that
/// was revoked or has ended.
pub async fn token_scope(b: &Backend, bearer: &str, origin: Origin) -> Result<Scope> {
    if !is_well_formed(bearer) {
        return Err(Error::SignedOut);
    }
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        Row,
        "SELECT id, name, role, all_customers, expires_at, last_used_at, revoked_at
         FROM api_token WHERE secret_hash = $1",
        hash(bearer)
    )?
    .ok_or(Error::SignedOut)?;
    let now = b.clock.now();
    if row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::SignedOut);
    }
    let customers = if row.all_customers {
        Customers::All
    } else {
        let ids = fetch_all!(
            &mut tx,
            (CustomerId,),
            "SELECT customer_id FROM api_token_customer WHERE api_token_id = $1",
            row.id
        )?;
        Customers::Some(granted(ids))
    };
    drop(tx);
    if row
        .last_used_at
        .is_none_or(|at| now - at >= USE_NOTED_EVERY)
    {
        let mut tx = b.db.write().await?;
        execute!(
            &mut tx,
            "UPDATE api_token SET last_used_at = $1 WHERE id = $2",
            now,
            row.id
        )?;
        tx.commit().await?;
    }
    Ok(Scope::token(row.id, &row.name, row.role, customers, origin))
}

/// A big-endian number in base 62, with leading zeros to `letters` letters.
fn base62(bytes: &[u8], letters: usize) -> String {
    let mut number = bytes.to_vec();
    let mut text = vec![b'0'; letters];
    for letter in text.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut number {
            let part = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(part / 62).expect("the rest is below 62, so this is below 256");
            rest = part % 62;
        }
        *letter = BASE62[rest as usize];
    }
    text.into_iter().map(char::from).collect()
}

/// CRC-32 as in ISO 3309 and zlib.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc = (crc >> 1) ^ (0xEDB8_8320 * low);
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Kind, TestBackend};

    #[test]
    fn the_checksum_is_crc_32() {
        // The check value of the algorithm's catalogue entry.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(&[0], 3), "000");
        assert_eq!(base62(&[61], 1), "z");
        assert_eq!(base62(&[1, 0], 2), "48");
        assert_eq!(base62(&[255; 32], RANDOM_LETTERS).len(), RANDOM_LETTERS);
    }

    #[tokio::test]
    async fn a_mistyped_token_is_told_without_a_database() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let token = make(&t);
        assert_eq!(token.len(), 3 + 43 + 6);
        assert!(is_well_formed(&token));
        assert_ne!(token, make(&t));
        let mut bent = token.clone();
        let last = bent.pop().unwrap();
        bent.push(if last == 'x' { 'y' } else { 'x' });
        let swapped = format!("rc_{}{}", &token[4..], &token[3..4]);
        for bad in ["", "rc_", "rc_ü", &bent, &swapped, &token[1..]] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
