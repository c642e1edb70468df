//! API tokens: `rc_`, 43 letters for 32 random bytes, 6 letters for their checksum. The checksum
//! tells a mistyped token, and a scanner for leaked secrets a real one, without a database.

use chrono::Duration;
use domain::{
    DateTime,
    api_token::PREFIX,
    audit::{ActorKind, AuditChanges},
    id::{ApiTokenId, CustomerId, OperatorId},
    operator::ScopeKind,
    permission::Role,
};
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    granted, looked_after,
    refused_tries::{self, Tried},
    slow_down,
};
use crate::{
    Backend, Error, Origin, Result, Scope, Tx, execute, fetch_all, fetch_optional, refusal,
    scope::Customers, store::tokens::addresses,
};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LETTERS: usize = 43;
const CHECKSUM_LETTERS: usize = 6;
/// Use is noted no more exactly than this: a write for each call would cost more than the call. Only
/// another address is noted at once.
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
    addresses: String,
    expires_at: DateTime,
    last_used_at: Option<DateTime>,
    last_used_address: Option<String>,
    revoked_at: Option<DateTime>,
    // Of the operator who answers for it; none where it was made on the machine.
    operator_id: Option<OperatorId>,
    operator_role: Option<Role>,
    operator_scope: Option<ScopeKind>,
    disabled_at: Option<DateTime>,
    /// 1 where that role needs a second factor and they have none.
    without_factor: i64,
}

/// The scope of a program that gives `bearer`: what the token may do, as far as the operator who
/// answers for it may at this moment.
///
/// `SignedOut` where that is no token; `TokenRefused`, which says why, where it is one that can't be
/// used: revoked, ended, stopped with its operator, or used from a network that isn't one of its
/// own. Both are in the audit log, the first of each network and hour.
pub async fn token_scope(b: &Backend, bearer: &str, origin: Origin) -> Result<Scope> {
    if !is_well_formed(bearer) {
        return refuse_unknown(b, &origin).await;
    }
    let now = b.clock.now();
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        Row,
        "SELECT t.id, t.name, t.role, t.all_customers, t.addresses, t.expires_at, t.last_used_at,
                t.last_used_address, t.revoked_at, t.operator_id,
                r.role AS operator_role, r.scope AS operator_scope, o.disabled_at,
                (SELECT COUNT(*) FROM operator_without_factor f
                  WHERE f.operator_id = t.operator_id) AS without_factor
         FROM api_token t
         LEFT JOIN operator o ON o.id = t.operator_id
         LEFT JOIN operator_role r ON r.operator_id = t.operator_id
         WHERE t.secret_hash = $1 OR (t.previous_secret_hash = $1 AND t.previous_ends_at > $2)",
        hash(bearer),
        now
    )?;
    let Some(row) = row else {
        drop(tx);
        return refuse_unknown(b, &origin).await;
    };
    refusal::note_caller(ActorKind::ApiToken, row.id.0);
    if let Err(refusal) = may_be_used(&row, now).and_then(|()| may_come_from(&row, &origin)) {
        drop(tx);
        note_refusal(b, &row, &origin, &refusal).await?;
        return Err(refusal);
    }
    let (role, customers, grantee) = reach(&mut tx, &row).await?;
    drop(tx);
    note_use(b, &row, &origin).await?;
    Ok(Scope::token(
        (row.id, &row.name),
        role,
        customers,
        grantee,
        origin,
    ))
}

fn may_be_used(row: &Row, now: DateTime) -> Result<()> {
    let refused = |why: &str| Err(Error::TokenRefused(why.to_owned()));
    if row.revoked_at.is_some() {
        return refused("This API token was revoked. Ask an administrator for another.");
    }
    if row.expires_at <= now {
        let end = row.expires_at.format("%Y-%m-%d %H:%M UTC");
        return refused(&format!(
            "This API token ended on {end}. Make another, or rotate one before it ends."
        ));
    }
    if row.disabled_at.is_some() {
        return refused(
            "The operator who answers for this API token is disabled. Ask an administrator to take it over.",
        );
    }
    if row.without_factor > 0 {
        return refused(
            "The operator who answers for this API token has a role that needs a second factor, and has none. It can be used again once they set one up, which they are asked for when they sign in.",
        );
    }
    Ok(())
}

/// What a token may do now, for whom, and whose grants tell that to a statement.
async fn reach(tx: &mut Tx, row: &Row) -> Result<(Role, Customers, Uuid)> {
    let of_operator = match (row.operator_id, row.operator_role, row.operator_scope) {
        (Some(id), Some(role), Some(kind)) => Some((id, role, looked_after(tx, id, kind).await?)),
        _ => None,
    };
    let role = match &of_operator {
        Some((_, theirs, _)) if !theirs.holds(row.role) => *theirs,
        _ => row.role,
    };
    if row.all_customers {
        return Ok(match of_operator {
            Some((id, _, customers)) => (role, customers, id.0),
            None => (role, Customers::All, row.id.0),
        });
    }
    let ids = fetch_all!(
        tx,
        (CustomerId,),
        "SELECT customer_id FROM api_token_reach WHERE api_token_id = $1",
        row.id
    )?;
    Ok((role, Customers::Some(granted(ids)), row.id.0))
}

/// Notes when and from where a token was used, no more exactly than to the minute.
async fn note_use(b: &Backend, row: &Row, origin: &Origin) -> Result<()> {
    let now = b.clock.now();
    let address = origin.address().map(|address| address.to_string());
    let lately = row
        .last_used_at
        .is_some_and(|at| now - at < USE_NOTED_EVERY);
    if lately && row.last_used_address == address {
        return Ok(());
    }
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE api_token SET last_used_at = $1, last_used_address = $2 WHERE id = $3",
        now,
        address,
        row.id
    )?;
    tx.commit().await
}

/// Refuses a token that comes from elsewhere.
fn may_come_from(row: &Row, origin: &Origin) -> Result<()> {
    let networks = addresses::read(&row.addresses)?;
    if addresses::hold(&networks, origin.address()) {
        return Ok(());
    }
    let from = origin
        .address()
        .map_or_else(|| "an unknown address".to_owned(), |at| at.to_string());
    Err(Error::TokenRefused(format!(
        "This API token can’t be used from {from}. Its networks are set where it is administered."
    )))
}

/// Writes down that a token was refused, or counts it, by the network that it came from.
async fn note_refusal(b: &Backend, row: &Row, origin: &Origin, refusal: &Error) -> Result<()> {
    let Error::TokenRefused(reason) = refusal else {
        return Ok(());
    };
    let subject = format!("token:{}:{}", row.id, from(origin));
    let tried = Tried::Token(row.id, row.name.clone());
    let why = AuditChanges::none().now("reason", reason);
    refused_tries::note(b, &subject, &tried, origin, why).await
}

/// Refuses what is no token, or nobody's, and writes that down or counts it, by the network that it
/// came from.
async fn refuse_unknown<T>(b: &Backend, origin: &Origin) -> Result<T> {
    let subject = format!("token:{}", from(origin));
    let why = AuditChanges::none();
    refused_tries::note(b, &subject, &Tried::UnknownToken, origin, why).await?;
    Err(Error::SignedOut)
}

/// The network that a call came from.
fn from(origin: &Origin) -> String {
    origin
        .address()
        .map_or_else(|| "nowhere".to_owned(), slow_down::network)
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
