//! Who administers the customer's workspace, where the policy has that follow a group of the source:
//! the directory's members of that group, as a run leaves them. What a run holds of memberships, or an
//! operator kept by a decision, so counts here too.

use domain::{policy::ObjectType, run::RunMode};

use super::record::Work;
use crate::{Result, Tx, execute, fetch_optional};

/// The group `$2` of the integration `$1` in the directory, and with `$3` the groups in it, each once.
const INSIDE: &str = "WITH RECURSIVE inside (id) AS (
    SELECT id FROM directory_group
     WHERE integration_id = $1 AND external_id = $2 AND status <> 'deleted'
    UNION
    SELECT m.member_id FROM inside
      JOIN directory_membership m ON m.group_id = inside.id AND m.member_type = 'group'
      JOIN directory_group n ON n.id = m.member_id AND n.status <> 'deleted'
     WHERE $3)";

/// The people in them.
const MEMBERS: &str = "(SELECT m.member_id FROM inside
    JOIN directory_membership m ON m.group_id = inside.id AND m.member_type = 'user')";

/// Makes the group's members administrators, and nobody else of this integration. While the group
/// isn't in the directory everybody stays what they are: that a group is gone says nothing of people.
pub(super) async fn follow(work: &Work<'_>, tx: &mut Tx) -> Result<()> {
    let Some(group) = work.policy.administrators_group_id else {
        return Ok(());
    };
    if work.run.mode == RunMode::Preview || !work.policy.reads(ObjectType::Group) {
        return Ok(());
    }
    let name = fetch_optional!(
        &mut *tx,
        (String,),
        "SELECT display_name FROM directory_group
          WHERE integration_id = $1 AND external_id = $2 AND status = 'active'",
        work.integration.id,
        group
    )?;
    let Some((name,)) = name else {
        return Ok(());
    };
    let nested = work.policy.include_nested;
    let now = work.b().clock.now();
    let given = execute!(
        &mut *tx,
        sqlx::AssertSqlSafe(format!(
            "{INSIDE} UPDATE directory_user SET administrator_at = $4, administrator_by = $5
              WHERE integration_id = $1 AND administrator_at IS NULL AND id IN {MEMBERS}"
        )),
        work.integration.id,
        group,
        nested,
        now,
        format!("the group {name}")
    )?;
    let taken = execute!(
        tx,
        sqlx::AssertSqlSafe(format!(
            "{INSIDE} UPDATE directory_user SET administrator_at = NULL, administrator_by = NULL
              WHERE integration_id = $1 AND administrator_at IS NOT NULL
                AND id NOT IN {MEMBERS}"
        )),
        work.integration.id,
        group,
        nested
    )?;
    if given + taken > 0 {
        tracing::info!(run = %work.run.id, given, taken, "administrators follow their group");
    }
    Ok(())
}
