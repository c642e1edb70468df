//! Removes sessions, links, settings files and bulk changes that nobody confirmed, sign-ins under way and questions
//! for passkeys past their end, failed sign-ins and browsers that are forgotten, and tells what was
//! counted of refused tries, an hour after the last time.

use super::Outcome;
use crate::{
    Backend, Result,
    auth::{known_browsers, link, oidc, refused_tries, second_factor, slow_down},
    operator_mail,
    store::{bulk, consent_links, sessions, settings_files},
};

/// Removes them.
pub(super) async fn perform(b: &Backend) -> Result<Outcome> {
    let now = b.clock.now();
    sessions::delete_expired(b).await?;
    link::delete_expired(b).await?;
    oidc::delete_expired(b).await?;
    second_factor::delete_expired(b).await?;
    operator_mail::delete_old(b).await?;
    consent_links::delete_old(b).await?;
    settings_files::draft::delete_old(b).await?;
    bulk::delete_old(b).await?;
    slow_down::delete_forgotten(b).await?;
    known_browsers::delete_forgotten(b).await?;
    refused_tries::tell_counted(b).await?;
    Ok(Outcome::Again(now + chrono::Duration::hours(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db_test, execute, fetch_scalar};

    db_test!(sessions_past_their_end_go, |t| {
        let now = t.clock.now();
        let mut tx = t.db.write().await.unwrap();
        for (hash, expires_at) in [(1_u8, now), (2, now + chrono::Duration::seconds(1))] {
            execute!(
                &mut tx,
                "INSERT INTO session (id_hash, id, data, user_agent, created_at, last_used_at,
                                      expires_at)
                 VALUES ($1, $2, '{}', '', $3, $3, $4)",
                vec![hash],
                t.ids.uuid(),
                now,
                expires_at
            )
            .unwrap();
        }
        tx.commit().await.unwrap();
        let again = perform(&t).await.unwrap();
        assert_eq!(again, Outcome::Again(now + chrono::Duration::hours(1)));
        let mut tx = t.db.read().await.unwrap();
        let left = fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM session").unwrap();
        assert_eq!(left, 1);
    });
}
