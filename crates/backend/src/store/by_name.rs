//! A list as CSV in the order of its names, read in steps that go on after the last row: a step
//! costs the same however many were read before it, and rows that come or go meanwhile move
//! nobody.

use bytes::Bytes;
use domain::paging::Cursor;
use futures::{Stream, stream};
use uuid::Uuid;

use super::paging;
use crate::{Backend, Result, Scope, csv};

/// Rows that a step reads at most.
pub(crate) const ROWS: i64 = 1000;

/// What is asked of a list that can be written out.
pub(crate) trait ByName: Send + Sync + 'static {
    /// A row of the list.
    type Row: Send;
    /// The titles of the columns.
    const HEAD: &'static [&'static str];

    /// The first [`ROWS`] matching rows by name, or those after a place.
    fn step(
        &self,
        b: &Backend,
        scope: &Scope,
        after: Option<&Cursor>,
    ) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;

    /// A row's name and id.
    fn place(row: &Self::Row) -> (&str, Uuid);

    /// A row's cells, one for each title.
    fn cells(row: Self::Row) -> Vec<String>;
}

/// Every matching row as CSV.
pub(crate) fn csv<Q: ByName>(
    b: &Backend,
    scope: &Scope,
    query: Q,
) -> impl Stream<Item = Result<Bytes>> + Send + use<Q> {
    let state = Some((b.clone(), scope.clone(), query, None::<Cursor>));
    stream::try_unfold(state, |state| async move {
        let Some((b, scope, query, after)) = state else {
            return Ok(None);
        };
        let rows = query.step(&b, &scope, after.as_ref()).await?;
        let next = rows
            .last()
            .filter(|_| i64::try_from(rows.len()).unwrap_or(0) == ROWS)
            .map(Q::place)
            .map(|(name, id)| paging::by_name(name, id));
        let head = after
            .is_none()
            .then(|| Q::HEAD.iter().map(|title| (*title).to_owned()).collect());
        let bytes = csv::rows(head.into_iter().chain(rows.into_iter().map(Q::cells))).await?;
        Ok(Some((
            bytes,
            next.map(|next| (b, scope, query, Some(next))),
        )))
    })
}
