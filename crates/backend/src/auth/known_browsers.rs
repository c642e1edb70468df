//! Browsers in which an operator signed in before. What is tried there is counted apart, so that no
//! stranger who knows an address can make its owner wait (after OWASP's "device cookies").
//!
//! A browser brings 256 random bits in a cookie; kept is their SHA-256 beside each operator who
//! signed in there. It proves nothing and lets nobody in: who has stolen it has some tries of their
//! own.

use chrono::Duration;
use domain::id::OperatorId;
use secrecy::{ExposeSecret, SecretString};

use super::token;
use crate::{Backend, Result, Tx, execute, fetch_scalar};

/// So long after the last sign-in a browser is known.
pub const KNOWN_FOR: Duration = Duration::days(180);
/// Browsers of one operator that are known; the one that was used longest ago makes room.
const BROWSERS_MAX: i64 = 20;
/// Letters of what a cookie holds; anything else was not made here.
const LETTERS: usize = 43;

/// Notes that an operator signed in with a browser, which brought this. Answers what it is to keep.
pub async fn remember(
    b: &Backend,
    operator: OperatorId,
    brought: Option<SecretString>,
) -> Result<SecretString> {
    let brought = brought.filter(is_well_formed);
    let mut tx = b.db.write().await?;
    // Only what was made here is kept on: else who sets a cookie elsewhere would choose its value.
    let secret = match brought {
        Some(secret) if is_known(&mut tx, &secret).await? => secret,
        _ => token::random_text(b).into(),
    };
    execute!(
        &mut tx,
        "INSERT INTO known_browser (operator_id, secret_hash, last_used_at) VALUES ($1, $2, $3)
         ON CONFLICT (operator_id, secret_hash) DO UPDATE SET last_used_at = $3",
        operator,
        token::hash(secret.expose_secret()),
        b.clock.now()
    )?;
    execute!(
        &mut tx,
        "DELETE FROM known_browser WHERE operator_id = $1 AND secret_hash NOT IN (
            SELECT secret_hash FROM known_browser WHERE operator_id = $1
             ORDER BY last_used_at DESC, secret_hash LIMIT $2)",
        operator,
        BROWSERS_MAX
    )?;
    tx.commit().await?;
    Ok(secret)
}

fn is_well_formed(secret: &SecretString) -> bool {
    let text = secret.expose_secret();
    text.len() == LETTERS && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

async fn is_known(tx: &mut Tx, secret: &SecretString) -> Result<bool> {
    let holders = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM known_browser WHERE secret_hash = $1",
        token::hash(secret.expose_secret())
    )?;
    Ok(holders > 0)
}

/// What a browser brought, where somebody with this mail address signed in with it before.
pub(super) async fn known(
    b: &Backend,
    email: &str,
    brought: Option<&SecretString>,
) -> Result<Option<SecretString>> {
    let Some(brought) = brought.filter(|brought| is_well_formed(brought)) else {
        return Ok(None);
    };
    let mut tx = b.db.read().await?;
    let known = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM known_browser k JOIN operator o ON o.id = k.operator_id
          WHERE k.secret_hash = $1 AND o.email_folded = $2 AND k.last_used_at > $3",
        token::hash(brought.expose_secret()),
        planner::fold(email.trim()),
        b.clock.now() - KNOWN_FOR
    )?;
    Ok((known > 0).then(|| brought.clone()))
}

/// Forgets an operator's browsers: one of them may be a thief's.
pub(super) async fn forget(tx: &mut Tx, operator: OperatorId) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM known_browser WHERE operator_id = $1",
        operator
    )?;
    Ok(())
}

/// Removes browsers that were not used for long.
pub(crate) async fn delete_forgotten(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM known_browser WHERE last_used_at <= $1",
        b.clock.now() - KNOWN_FOR
    )?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::operator, db_test, fetch_all, testing::TestBackend};

    async fn rows(t: &TestBackend) -> usize {
        let mut tx = t.db.read().await.unwrap();
        let rows = fetch_all!(&mut tx, (Vec<u8>,), "SELECT secret_hash FROM known_browser");
        rows.unwrap().len()
    }

    db_test!(
        a_browser_is_known_by_what_was_made_here_and_for_a_while,
        |t| {
            let (mina, noor) = (t.owner().await, t.owner().await);
            let id = |scope: &crate::Scope| scope.operator_id().unwrap();
            let email = operator(&t, &mina).await.unwrap().email;
            let is_known = async |secret: &SecretString| {
                known(&t, &email, Some(secret)).await.unwrap().is_some()
            };
            let made = remember(&t, id(&mina), None).await.unwrap();
            assert!(is_known(&made).await);
            let odd = ["", "x", &"a".repeat(43), &"ü".repeat(43)].map(SecretString::from);
            for brought in odd {
                assert!(!is_known(&brought).await);
                let other = remember(&t, id(&mina), Some(brought)).await.unwrap();
                assert!(is_well_formed(&other), "nobody chooses what it is known by");
            }
            // It stays the same, also for somebody else, whose it isn’t before.
            let of_noor = operator(&t, &noor).await.unwrap().email;
            assert!(known(&t, &of_noor, Some(&made)).await.unwrap().is_none());
            let again = remember(&t, id(&noor), Some(made.clone())).await.unwrap();
            assert_eq!(again.expose_secret(), made.expose_secret());
            assert!(known(&t, &of_noor, Some(&made)).await.unwrap().is_some());

            for _ in 0..BROWSERS_MAX {
                t.clock.advance(Duration::seconds(1));
                remember(&t, id(&mina), None).await.unwrap();
            }
            assert!(!is_known(&made).await, "it made room");
            assert_eq!(rows(&t).await, 21);
            t.clock.advance(KNOWN_FOR);
            assert!(known(&t, &of_noor, Some(&made)).await.unwrap().is_none());
            delete_forgotten(&t).await.unwrap();
            assert_eq!(rows(&t).await, 0);
        }
    );
}
