//! Removes what was in a bin for its days: customers with all their rows, and users and groups made
//! here with their memberships; and imports past their end. The audit log stays.

use domain::{DateTime, customer::BIN_DAYS};

use super::Outcome;
use crate::{Backend, Result, execute, store::imports};

/// Rows one statement removes.
const BATCH: i64 = 2_000;

/// What goes before the customer itself, in this order: children first, bulk in batches.
const BULK: [&str; 11] = [
    "DELETE FROM bulk_item WHERE (bulk_id, position) IN (
         SELECT i.bulk_id, i.position FROM bulk_item i JOIN customer c ON c.id = i.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM enrolment_mail WHERE id IN (
         SELECT e.id FROM enrolment_mail e JOIN customer c ON c.id = e.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM enrolment WHERE user_id IN (
         SELECT e.user_id FROM enrolment e JOIN customer c ON c.id = e.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM directory_membership WHERE (group_id, member_id) IN (
         SELECT m.group_id, m.member_id FROM directory_membership m
           JOIN directory_group g ON g.id = m.group_id JOIN customer c ON c.id = g.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM directory_user WHERE id IN (
         SELECT u.id FROM directory_user u JOIN customer c ON c.id = u.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM directory_group WHERE id IN (
         SELECT g.id FROM directory_group g JOIN customer c ON c.id = g.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM directory_contact WHERE id IN (
         SELECT d.id FROM directory_contact d JOIN customer c ON c.id = d.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM directory_device WHERE id IN (
         SELECT d.id FROM directory_device d JOIN customer c ON c.id = d.customer_id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM source_membership WHERE (integration_id, group_external_id, member_type) IN (
         SELECT m.integration_id, m.group_external_id, m.member_type
           FROM customer c JOIN integration i ON i.customer_id = c.id
           JOIN source_membership m ON m.integration_id = i.id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM source_object WHERE (integration_id, object_type, external_id) IN (
         SELECT s.integration_id, s.object_type, s.external_id
           FROM customer c JOIN integration i ON i.customer_id = c.id
           JOIN source_object s ON s.integration_id = i.id
          WHERE c.deleted_at <= $2 LIMIT $1)",
    "DELETE FROM run_change WHERE (run_id, position) IN (
         SELECT h.run_id, h.position FROM customer c JOIN run r ON r.customer_id = c.id
           JOIN run_change h ON h.run_id = r.id
          WHERE c.deleted_at <= $2 LIMIT $1)",
];

/// Of users and groups made here: their memberships, then themselves. Aliases go with their user.
const OF_DIRECTORIES: [&str; 6] = [
    "DELETE FROM directory_membership WHERE (group_id, member_id) IN (
         SELECT m.group_id, m.member_id FROM directory_user u
           JOIN directory_membership m ON m.member_id = u.id
          WHERE u.purge_at <= $2 LIMIT $1)",
    "DELETE FROM directory_membership WHERE (group_id, member_id) IN (
         SELECT m.group_id, m.member_id FROM directory_group g
           JOIN directory_membership m ON m.group_id = g.id OR m.member_id = g.id
          WHERE g.purge_at <= $2 LIMIT $1)",
    "DELETE FROM enrolment_mail WHERE id IN (
         SELECT e.id FROM enrolment_mail e JOIN directory_user u ON u.id = e.user_id
          WHERE u.purge_at <= $2 LIMIT $1)",
    "DELETE FROM enrolment WHERE user_id IN (
         SELECT e.user_id FROM enrolment e JOIN directory_user u ON u.id = e.user_id
          WHERE u.purge_at <= $2 LIMIT $1)",
    "DELETE FROM directory_user WHERE id IN (
         SELECT id FROM directory_user WHERE purge_at <= $2 LIMIT $1)",
    "DELETE FROM directory_group WHERE id IN (
         SELECT id FROM directory_group WHERE purge_at <= $2 LIMIT $1)",
];

/// Removes them, and comes back in an hour.
pub(super) async fn perform(b: &Backend) -> Result<Outcome> {
    let now = b.clock.now();
    let before = now - chrono::Duration::days(BIN_DAYS);
    for sql in OF_DIRECTORIES {
        in_batches(b, sql, now).await?;
    }
    for sql in BULK {
        in_batches(b, sql, before).await?;
    }
    imports::purge(b).await?;
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM customer WHERE deleted_at <= $1",
        before
    )?;
    tx.commit().await?;
    Ok(Outcome::Again(now + chrono::Duration::hours(1)))
}

async fn in_batches(b: &Backend, sql: &'static str, until: DateTime) -> Result<()> {
    loop {
        let mut tx = b.db.write().await?;
        let removed = execute!(&mut tx, sql, BATCH, until)?;
        tx.commit().await?;
        if removed < BATCH.unsigned_abs() {
            return Ok(());
        }
    }
}
