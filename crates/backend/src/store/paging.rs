//! How every list is cut: numbered pages for the interface, keyset listings for programs.

use domain::paging::{Cursor, Direction, ListRequest, Listing};
use uuid::Uuid;

use crate::db::contains_pattern;

/// A column that a list can be sorted by: its name in an address, and its SQL.
pub(crate) type Sort = (&'static str, &'static str);

/// `ORDER BY` for the column that `sort` names, or the list's first where it names none: an old
/// link still works. The rest of the first column's order, `tie`, makes the order total. Put
/// together from literals only.
pub(crate) fn order(
    sorts: &'static [Sort],
    sort: Option<&str>,
    direction: Direction,
    tie: &'static str,
) -> String {
    let known = sort.and_then(|sort| sorts.iter().find(|(name, _)| *name == sort));
    let (_, column) = known.unwrap_or(&sorts[0]);
    let way = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    // NULL counts as smallest on SQLite and as largest on PostgreSQL, unless it is said. Where it is said,
    // PostgreSQL reads no index in its order; a name is never NULL.
    let nulls = match direction {
        _ if column.ends_with(".name_folded") => "",
        Direction::Ascending => " NULLS FIRST",
        Direction::Descending => " NULLS LAST",
    };
    format!("ORDER BY {column} {way}{nulls}, {tie} {way}")
}

/// The pattern for what someone looks for; none where they look for nothing.
pub(crate) fn pattern(q: Option<&str>) -> Option<String> {
    let q = q.map(str::trim).filter(|q| !q.is_empty())?;
    Some(contains_pattern(q))
}

/// The text and id that the next row has to be greater than.
pub(crate) fn after(request: &ListRequest) -> (String, Uuid) {
    match &request.cursor {
        Some(cursor) => (cursor.after.clone(), cursor.id),
        None => (String::new(), Uuid::nil()),
    }
}

/// Rows to read: one more than asked for, which tells whether there are more.
pub(crate) fn limit(request: &ListRequest) -> i64 {
    i64::from(request.limit) + 1
}

/// The listing of rows that were read with [`limit`]; `at` tells a row's place.
pub(crate) fn listing<T>(
    mut items: Vec<T>,
    request: &ListRequest,
    at: impl Fn(&T) -> Cursor,
) -> Listing<T> {
    let wanted = request.limit as usize;
    let more = items.len() > wanted;
    items.truncate(wanted);
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| at(last).to_string());
    Listing { items, next }
}

/// The place of a row in a list by name.
pub(crate) fn by_name(name: &str, id: Uuid) -> Cursor {
    Cursor {
        after: planner::key(name),
        id,
    }
}
