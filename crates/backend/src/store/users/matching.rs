//! Which users a list is asked for, as a statement that each database answers from an index.
//!
//! A condition stands in the statement only where it was asked for: `$5 IS NULL OR …` would keep
//! SQLite from every index, since it plans a statement before it knows its parameters. What wasn't
//! asked for stays as `$5 IS NULL`, so that every statement has the same parameters.

use domain::{
    paging::{COUNTED_MAX, Cursor},
    protection::ProtectedFilter,
};
use uuid::Uuid;

use super::UserQuery;
use crate::{
    Backend, Result, Scope, Tx, fetch_scalar, in_scope,
    store::{enrolment::enrolment_state, paging},
};

/// What is asked, with what has to be known of it before a statement can be made.
pub(super) struct Matching<'a> {
    query: &'a UserQuery,
    pub(super) pattern: Option<String>,
    /// Whether an alias of anybody holds what is looked for: few people have any.
    by_alias: bool,
}

/// Runs a statement over [`Matching::text`] with its fourteen parameters, and others behind them:
/// `bound!(matching, b, scope, fetch_all, tx, Row, text, limit)`.
macro_rules! bound {
    ($matching:expr, $b:expr, $scope:expr, $fetch:ident, $tx:expr, $row:ty, $text:expr
     $(, $more:expr)* $(,)?) => {
        $crate::$fetch!(
            $tx,
            $row,
            sqlx::AssertSqlSafe($text),
            $scope.all(),
            $scope.grantee(),
            $matching.query().customer_id,
            $matching.query().integration_id,
            $matching.pattern.as_deref(),
            $matching.query().status,
            $matching.query().source_type,
            $matching.query().group_id,
            $matching.query().countdown,
            $matching.query().protected,
            $matching.query().enrolment,
            $b.clock.now(),
            $matching.query().guest,
            $matching.query().administrator
            $(, $more)*
        )
    };
}
pub(super) use bound;

/// A condition, where it was asked for.
fn when(asked: bool, condition: &'static str, parameter: &'static str) -> String {
    if asked {
        format!(" AND {condition}")
    } else {
        format!(" AND {parameter} IS NULL")
    }
}

/// Users whom a rule of their integration protects.
const BY_RULE: &str = "SELECT d.id FROM source_object o
      JOIN directory_user d ON d.integration_id = o.integration_id AND d.external_id = o.external_id
     WHERE o.object_type = 'user' AND o.protected";

impl<'a> Matching<'a> {
    pub(super) async fn new(tx: &mut Tx, scope: &Scope, query: &'a UserQuery) -> Result<Self> {
        let pattern = paging::pattern(query.q.as_deref());
        let by_alias = match &pattern {
            None => false,
            Some(pattern) => {
                let found = fetch_scalar!(
                    tx,
                    i64,
                    concat!(
                        r"SELECT COUNT(*) FROM (SELECT 1 AS one FROM directory_user_alias a
                           WHERE a.address_folded LIKE $4 ESCAPE '\' AND ",
                        in_scope!("a.customer_id"),
                        " AND ($3 IS NULL OR a.customer_id = $3) LIMIT 1) x"
                    ),
                    scope.all(),
                    scope.grantee(),
                    query.customer_id,
                    pattern
                )?;
                found > 0
            }
        };
        Ok(Self {
            query,
            pattern,
            by_alias,
        })
    }

    /// `FROM` and `WHERE`, over the parameters `$1` to `$14` of [`bound!`]. Of one customer, who is
    /// looked up first (`CROSS JOIN` has SQLite keep to that), the people stand in an index in the
    /// order of their names.
    pub(super) fn text(&self) -> String {
        let (q, from) = (self.query, self.from());
        let mut text = format!("FROM {from}");
        text += &when(q.integration_id.is_some(), "u.integration_id = $4", "$4");
        text += &self.search();
        text += match q.status {
            Some(_) => " AND u.status = $6",
            None if q.deleted_too => " AND $6 IS NULL",
            None => " AND $6 IS NULL AND u.status <> 'deleted'",
        };
        text += &when(q.source_type.is_some(), "u.source_type = $7", "$7");
        let in_group = "u.id IN (SELECT m.member_id FROM directory_membership m
                                  WHERE m.group_id = $8)";
        text += &when(q.group_id.is_some(), in_group, "$8");
        let countdown = "(($9 = 'counting' AND u.id IN (
                SELECT d.id FROM directory_user d WHERE d.delete_at IS NOT NULL))
            OR ($9 = 'cancelled' AND u.countdown_cancelled_at IS NOT NULL))";
        text += &when(q.countdown.is_some(), countdown, "$9");
        text += &self.protected();
        let enrolment = concat!(enrolment_state!("$12"), " = $11");
        text += &when(q.enrolment.is_some(), enrolment, "$12 IS NOT NULL AND $11");
        let guest = "(COALESCE((SELECT s.guest FROM source_object s
                                 WHERE s.integration_id = u.integration_id
                                   AND s.object_type = 'user' AND s.external_id = u.external_id),
                               u.guest) = $13)";
        text += &when(q.guest.is_some(), guest, "$13");
        text += match q.administrator {
            None => " AND $14 IS NULL",
            Some(true) => {
                " AND $14 IS NOT NULL AND u.id IN (SELECT d.id FROM directory_user d
                                                    WHERE d.administrator_at IS NOT NULL)"
            }
            Some(false) => {
                " AND $14 IS NOT NULL AND u.id NOT IN (SELECT d.id FROM directory_user d
                                                        WHERE d.administrator_at IS NOT NULL)"
            }
        };
        text
    }

    fn from(&self) -> &'static str {
        if self.query.customer_id.is_some() {
            concat!(
                "customer c CROSS JOIN directory_user u
                 WHERE u.customer_id = c.id AND c.id = $3 AND c.deleted_at IS NULL AND ",
                in_scope!("c.id")
            )
        } else {
            concat!(
                // No customer is looked up for each of many rows: few are in the bin.
                "directory_user u
                 WHERE $3 IS NULL AND u.customer_id NOT IN (
                       SELECT c.id FROM customer c WHERE c.deleted_at IS NOT NULL) AND ",
                in_scope!("u.customer_id")
            )
        }
    }

    /// Names and addresses, and other addresses where anybody has such a one.
    fn search(&self) -> String {
        let Some(pattern) = &self.pattern else {
            return " AND $5 IS NULL".to_owned();
        };
        // SQLite compares faster where nothing is escaped.
        let escape = if pattern.contains('\\') {
            r" ESCAPE '\'"
        } else {
            ""
        };
        if self.by_alias {
            format!(
                " AND (u.search_text LIKE $5{escape} OR u.id IN (
                      SELECT a.user_id FROM directory_user_alias a
                       WHERE a.address_folded LIKE $5{escape}))"
            )
        } else {
            format!(" AND u.search_text LIKE $5{escape}")
        }
    }

    fn protected(&self) -> String {
        let by_hand =
            "SELECT d.id FROM directory_user d WHERE d.protected_at IS NOT NULL".to_owned();
        let by_rule = format!(
            "{BY_RULE} AND ($3 IS NULL OR o.integration_id IN (
                 SELECT i.id FROM integration i WHERE i.customer_id = $3))"
        );
        let condition = match self.query.protected {
            None => return " AND $10 IS NULL".to_owned(),
            Some(ProtectedFilter::Any) => format!("u.id IN ({by_hand} UNION ALL {by_rule})"),
            Some(ProtectedFilter::ByHand) => format!("u.id IN ({by_hand})"),
            Some(ProtectedFilter::ByRule) => format!("u.id IN ({by_rule})"),
            Some(ProtectedFilter::No) => format!("u.id NOT IN ({by_hand} UNION ALL {by_rule})"),
        };
        format!(" AND $10 IS NOT NULL AND {condition}")
    }

    pub(super) const fn query(&self) -> &UserQuery {
        self.query
    }

    /// How many match, up to one more than [`COUNTED_MAX`].
    pub(super) async fn count(&self, b: &Backend, tx: &mut Tx, scope: &Scope) -> Result<i64> {
        let text = self.text();
        bound!(
            self,
            b,
            scope,
            fetch_scalar,
            tx,
            i64,
            format!("SELECT COUNT(*) FROM (SELECT 1 AS one {text} LIMIT $15) x"),
            COUNTED_MAX + 1
        )
    }

    /// Their ids by name, those behind a place, at most so many.
    pub(super) async fn ids(
        &self,
        b: &Backend,
        tx: &mut Tx,
        scope: &Scope,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Vec<Uuid>> {
        let text = self.text();
        let place = match after {
            None => "$15 IS NULL AND $16 IS NULL",
            Some(_) => "(u.name_folded, u.id) > ($15, $16)",
        };
        let rows = bound!(
            self,
            b,
            scope,
            fetch_all,
            tx,
            (Uuid,),
            format!("SELECT u.id {text} AND {place} ORDER BY u.name_folded, u.id LIMIT $17"),
            after.map(|cursor| cursor.after.as_str()),
            after.map(|cursor| cursor.id),
            limit
        )?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}
