//! Which users a list is asked for, as a statement that each database answers from an index.
//!
//! A condition stands in the statement only where it was asked for: `$5 IS NULL OR …` would keep
//! SQLite from every index, since it plans a statement before it knows its parameters. What wasn't
//! asked for stays as `$5 IS NULL`, so that every statement has the same parameters.

use domain::{
    paging::{COUNTED_MAX, Cursor, PageRequest, UNCOUNTED},
    protection::ProtectedFilter,
};
use uuid::Uuid;

use super::UserQuery;
use crate::{
    Backend, Error, Result, Scope, Tx, fetch_optional, fetch_scalar, in_scope,
    store::{enrolment::enrolment_state, paging},
};

/// More people than so many are very many: over all customers it would take too long to look through
/// all of them, or to count them.
const MANY: i64 = 100_000;
/// Up to so many of very many are counted.
const COUNTED_OF_MANY_MAX: i64 = 1_000;
/// So many of very many, for each that is wanted, are looked through first for a part of a name, in the
/// order of their names: what one in a hundred has is found among them in a few milliseconds.
const NEAR: i64 = 100;
/// Who wants more than so many reads everybody anyway.
const NEAR_WANTED_MAX: i64 = 1_001;
/// Letters or digits in a row that tell few of very many: PostgreSQL finds texts by three at a time.
const TELLING: usize = 3;
const TOO_SHORT: &str = "Few of very many people have this in their names. To search all customers, \
type at least three letters or digits in a row, or choose a customer.";

/// In which way people are read by name.
#[derive(Clone, Copy)]
pub(super) enum Order<'a> {
    /// As the index of names has them, up to a place.
    OfIndex(Option<&'a Cursor>),
    /// Those who match are found first, and put into order then. A database that takes a rare part of
    /// a name for a frequent one would read millions in the order of the index, until it has enough.
    OfFound,
}

impl Order<'_> {
    /// What is sorted by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OfIndex(_) => "u.name_folded",
            // No index is in this order.
            Self::OfFound => "COALESCE(u.name_folded, '')",
        }
    }
}

/// What is asked, with what has to be known of it before a statement can be made.
pub(super) struct Matching<'a> {
    query: &'a UserQuery,
    pub(super) pattern: Option<String>,
    /// Whether an alias of anybody holds what is looked for: few people have any.
    by_alias: bool,
    /// Whether some are looked for among very many, of all customers.
    of_many: bool,
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

/// Those found near, where they are as many as were wanted.
fn enough(found: Vec<Uuid>, wanted: i64) -> Option<Vec<Uuid>> {
    let all = i64::try_from(found.len()).is_ok_and(|found| found >= wanted);
    all.then_some(found)
}

/// Whether anything but a customer and a part of a name is asked for.
const fn is_filtered(q: &UserQuery) -> bool {
    q.integration_id.is_some()
        || q.status.is_some()
        || q.source_type.is_some()
        || q.group_id.is_some()
        || q.countdown.is_some()
        || q.protected.is_some()
        || q.enrolment.is_some()
        || q.guest.is_some()
        || q.administrator.is_some()
}

/// The place by name that `number` people are before, behind `after`; none where there are fewer.
/// Whoever's they are: only their number counts, and nothing of the place goes out.
async fn place_ahead(tx: &mut Tx, after: Option<&Cursor>, number: i64) -> Result<Option<Cursor>> {
    let behind = match after {
        None => "$1 IS NULL AND $2 IS NULL",
        Some(_) => "(u.name_folded, u.id) > ($1, $2)",
    };
    let row = fetch_optional!(
        tx,
        (String, Uuid),
        sqlx::AssertSqlSafe(format!(
            "SELECT u.name_folded, u.id FROM directory_user u WHERE {behind}
              ORDER BY u.name_folded, u.id LIMIT 1 OFFSET $3"
        )),
        after.map(|cursor| cursor.after.as_str()),
        after.map(|cursor| cursor.id),
        number
    )?;
    Ok(row.map(|(after, id)| Cursor { after, id }))
}

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
        let some = pattern.is_some() || is_filtered(query);
        let of_many =
            query.customer_id.is_none() && some && place_ahead(tx, None, MANY).await?.is_some();
        Ok(Self {
            query,
            pattern,
            by_alias,
            of_many,
        })
    }

    /// `FROM` and `WHERE`, over the parameters `$1` to `$14` of [`bound!`]. Of one customer, who is
    /// looked up first (`CROSS JOIN` has SQLite keep to that), the people stand in an index in the
    /// order of their names.
    pub(super) fn text(&self) -> String {
        self.text_in(Order::OfIndex(None))
    }

    /// The same, for the order in which people are read.
    pub(super) fn text_in(&self, order: Order<'_>) -> String {
        let (q, from) = (self.query, self.from());
        let mut text = format!("FROM {from}");
        text += &when(q.integration_id.is_some(), "u.integration_id = $4", "$4");
        text += &self.search(order);
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
    fn search(&self, order: Order<'_>) -> String {
        let Some(pattern) = &self.pattern else {
            return " AND $5 IS NULL".to_owned();
        };
        // SQLite compares faster where nothing is escaped.
        let escape = if pattern.contains('\\') {
            r" ESCAPE '\'"
        } else {
            ""
        };
        if self.by_alias && matches!(order, Order::OfFound) {
            // PostgreSQL has no index for "this or one of those".
            format!(
                " AND u.id IN (SELECT d.id FROM directory_user d WHERE d.search_text LIKE $5{escape}
                      UNION ALL SELECT a.user_id FROM directory_user_alias a
                                 WHERE a.address_folded LIKE $5{escape})"
            )
        } else if self.by_alias {
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

    pub(super) const fn query(&self) -> &'a UserQuery {
        self.query
    }

    /// The page of a list by name, and one more, where enough are found before `end`; else none, and
    /// everybody has to be looked through ([`Order::OfFound`]).
    pub(super) async fn page_before(
        &self,
        b: &Backend,
        tx: &mut Tx,
        scope: &Scope,
        (end, page): (&Cursor, PageRequest),
    ) -> Result<Option<Vec<Uuid>>> {
        let text = self.text();
        let wanted = page.limit() + 1;
        let rows = bound!(
            self,
            b,
            scope,
            fetch_all,
            tx,
            (Uuid,),
            format!(
                "SELECT u.id {text} AND (u.name_folded, u.id) < ($15, $16)
                  ORDER BY u.name_folded, u.id LIMIT $17 OFFSET $18"
            ),
            end.after.as_str(),
            end.id,
            wanted,
            page.offset()
        )?;
        let ids = rows.into_iter().map(|(id,)| id).collect();
        Ok(enough(ids, wanted))
    }

    /// Refuses what tells few of very many by too little to find them.
    pub(super) fn require_telling(&self) -> Result<()> {
        let given = self.query.q.as_deref().unwrap_or_default();
        let mut words = given.split(|c: char| !c.is_alphanumeric());
        if words.any(|word| word.chars().count() >= TELLING) {
            Ok(())
        } else {
            Err(Error::invalid("q", TOO_SHORT))
        }
    }

    /// Where to stop looking for so many with a part of a name among very many at first, behind `after`.
    /// None where few are left, and where anything else is asked for.
    pub(super) async fn end_of_near(
        &self,
        tx: &mut Tx,
        (after, wanted): (Option<&Cursor>, i64),
    ) -> Result<Option<Cursor>> {
        if self.searches_many() {
            place_ahead(tx, after, wanted.min(NEAR_WANTED_MAX) * NEAR).await
        } else {
            Ok(None)
        }
    }

    /// How many match, up to one more than [`COUNTED_MAX`]; [`UNCOUNTED`] where that takes too long.
    pub(super) async fn count(&self, b: &Backend, tx: &mut Tx, scope: &Scope) -> Result<i64> {
        let most = if self.of_many {
            COUNTED_OF_MANY_MAX
        } else {
            COUNTED_MAX
        };
        let text = self.text();
        let count = bound!(
            self,
            b,
            scope,
            fetch_scalar,
            tx,
            i64,
            format!("SELECT COUNT(*) FROM (SELECT 1 AS one {text} LIMIT $15) x"),
            most + 1
        )?;
        Ok(if self.of_many && count > most {
            UNCOUNTED
        } else {
            count
        })
    }

    /// Whether a part of a name is looked for among very many: what isn't on the page, nor just behind
    /// it, isn't counted.
    pub(super) const fn searches_many(&self) -> bool {
        self.of_many && self.pattern.is_some()
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
        let Some(end) = self.end_of_near(tx, (after, limit)).await? else {
            let order = Order::OfIndex(None);
            return self.ids_by(b, tx, scope, (order, after), limit).await;
        };
        if limit <= NEAR_WANTED_MAX {
            let order = Order::OfIndex(Some(&end));
            let found = self.ids_by(b, tx, scope, (order, after), limit).await?;
            if let Some(ids) = enough(found, limit) {
                return Ok(ids);
            }
        }
        self.ids_by(b, tx, scope, (Order::OfFound, after), limit)
            .await
    }

    async fn ids_by(
        &self,
        b: &Backend,
        tx: &mut Tx,
        scope: &Scope,
        (order, after): (Order<'_>, Option<&Cursor>),
        limit: i64,
    ) -> Result<Vec<Uuid>> {
        let (text, name) = (self.text_in(order), order.name());
        let place = match after {
            None => "$15 IS NULL AND $16 IS NULL".to_owned(),
            Some(_) => format!("({name}, u.id) > ($15, $16)"),
        };
        let end = match order {
            Order::OfIndex(Some(end)) => Some(end),
            Order::OfIndex(None) | Order::OfFound => None,
        };
        let until = match end {
            None => "$17 IS NULL AND $18 IS NULL".to_owned(),
            Some(_) => format!("({name}, u.id) <= ($17, $18)"),
        };
        let rows = bound!(
            self,
            b,
            scope,
            fetch_all,
            tx,
            (Uuid,),
            format!("SELECT u.id {text} AND {place} AND {until} ORDER BY {name}, u.id LIMIT $19"),
            after.map(|cursor| cursor.after.as_str()),
            after.map(|cursor| cursor.id),
            end.map(|cursor| cursor.after.as_str()),
            end.map(|cursor| cursor.id),
            limit
        )?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

#[cfg(test)]
mod tests;
