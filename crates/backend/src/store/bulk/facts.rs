//! How each of many users or groups is, read for many at once.

use std::collections::HashMap;

use domain::{
    DateTime,
    bulk::BulkFacts,
    enrolment::EnrolmentState,
    grid::GridList,
    id::{CustomerId, GroupId, IntegrationId},
    made_here::editable,
    user::{DirectoryStatus, SourceType},
};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Result, Scope, Tx, db::rows::IDS_MAX, fetch_all, in_scope, mail::check_address,
    store::enrolment::enrolment_state,
};

/// One of them.
pub(super) struct Found {
    pub id: Uuid,
    pub customer_id: CustomerId,
    pub name: String,
    pub detail: String,
    pub facts: BulkFacts,
    /// Names how it is: another where anything was changed since.
    pub was: String,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    customer_id: CustomerId,
    display_name: String,
    user_principal_name: Option<String>,
    mail: Option<String>,
    status: DirectoryStatus,
    status_before: Option<DirectoryStatus>,
    source_type: SourceType,
    integration_id: Option<IntegrationId>,
    purge_at: Option<DateTime>,
    delete_at: Option<DateTime>,
    countdown_cancelled_at: Option<DateTime>,
    protected_at: Option<DateTime>,
    changed_at: DateTime,
    enrolment: EnrolmentState,
    /// What came of the last mail: a status, or that it came back.
    last_mail: String,
    sessions: i64,
    in_group: bool,
    name_taken: bool,
}

const USERS: &str = concat!(
    "SELECT u.id, u.customer_id, u.display_name, u.user_principal_name, u.mail, u.status,
            u.status_before, u.source_type, u.integration_id, u.purge_at, u.delete_at,
            u.countdown_cancelled_at, u.protected_at, u.changed_at, ",
    enrolment_state!("$3"),
    " AS enrolment,
            COALESCE((SELECT CASE WHEN m.bounced_at IS NULL THEN m.status ELSE 'bounced' END
                        FROM enrolment_mail m WHERE m.user_id = u.id
                       ORDER BY m.created_at DESC, m.id DESC LIMIT 1), '') AS last_mail,
            (SELECT COUNT(*) FROM session k WHERE k.user_id = u.id AND k.expires_at > $3)
            AS sessions,
            EXISTS (SELECT 1 FROM directory_membership m
                     WHERE m.group_id = $4 AND m.member_id = u.id) AS in_group,
            (u.status <> 'active' AND (
                EXISTS (SELECT 1 FROM directory_user o
                         WHERE o.customer_id = u.customer_id
                           AND o.user_name_folded = u.user_name_folded
                           AND o.status = 'active' AND o.id <> u.id)
                OR EXISTS (SELECT 1 FROM directory_user_alias a
                             JOIN directory_user o ON o.id = a.user_id
                            WHERE a.customer_id = u.customer_id
                              AND a.address_folded = u.user_name_folded
                              AND o.status = 'active' AND o.id <> u.id))) AS name_taken
       FROM directory_user u JOIN customer c ON c.id = u.customer_id
      WHERE ",
    in_scope!("u.customer_id"),
    " AND c.deleted_at IS NULL AND u.id "
);

const GROUPS: &str = concat!(
    "SELECT g.id, g.customer_id, g.display_name, NULL AS user_principal_name, g.mail, g.status,
            g.status_before, g.source_type, g.integration_id, g.purge_at, g.delete_at,
            g.countdown_cancelled_at, NULL AS protected_at, g.changed_at,
            'not_invited' AS enrolment, '' AS last_mail,
            (SELECT COUNT(*) FROM session k WHERE k.user_id = g.id) AS sessions,
            ($3 IS NULL AND $4 IS NOT NULL) AS in_group, FALSE AS name_taken
       FROM directory_group g JOIN customer c ON c.id = g.customer_id
      WHERE ",
    in_scope!("g.customer_id"),
    " AND c.deleted_at IS NULL AND g.id "
);

/// These users or groups as they are now, as far as the caller may see them; `group` is the one that
/// the action names, with its customer.
pub(super) async fn facts(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    list: GridList,
    ids: &[Uuid],
    group: Option<(GroupId, CustomerId)>,
) -> Result<HashMap<Uuid, Found>> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS_MAX) {
        let select = match list {
            GridList::Users => USERS,
            GridList::Groups => GROUPS,
        };
        let sql = format!("{select}{}", tx.one_of(ids));
        let rows = fetch_all!(
            &mut *tx,
            Row,
            sqlx::AssertSqlSafe(sql),
            scope.all(),
            scope.grantee(),
            b.clock.now(),
            group.map(|(id, _)| id)
        )?;
        for row in rows {
            found.insert(row.id, row.found(b.clock.now(), group.map(|(_, of)| of))?);
        }
    }
    Ok(found)
}

impl Row {
    fn found(self, now: DateTime, group_customer: Option<CustomerId>) -> Result<Found> {
        let addresses = [self.mail.as_deref(), self.user_principal_name.as_deref()];
        let has_address = addresses
            .into_iter()
            .flatten()
            .any(|given| check_address(given).is_ok());
        let facts = BulkFacts {
            status: self.status,
            editable: editable(self.source_type, self.integration_id),
            in_bin: self.status == DirectoryStatus::Deleted
                && self.purge_at.is_some_and(|at| at > now),
            was_active: self.status_before != Some(DirectoryStatus::Inactive),
            protected: self.protected_at.is_some(),
            counting: self.delete_at.is_some(),
            cancelled: self.countdown_cancelled_at.is_some(),
            enrolment: self.enrolment,
            has_address,
            mail_sent: self.last_mail == "delivered",
            mail_bounced: self.last_mail == "bounced",
            name_taken: self.name_taken,
            in_group: self.in_group,
            of_group_customer: group_customer == Some(self.customer_id),
            sessions: self.sessions,
        };
        // Sessions and mails come and go by themselves; they are no change of anybody.
        let still = BulkFacts {
            sessions: 0,
            mail_sent: false,
            mail_bounced: false,
            ..facts.clone()
        };
        Ok(Found {
            was: crate::store::hash_of(&(&still, self.changed_at, self.delete_at))?,
            id: self.id,
            customer_id: self.customer_id,
            name: self.display_name,
            detail: self.user_principal_name.or(self.mail).unwrap_or_default(),
            facts,
        })
    }
}
