//! The queue as a file.

use bytes::Bytes;
use domain::{
    id::IntegrationId,
    matching::{MatchDoubt, MatchFilter, MatchKey, UserMatch},
    paging::{Cursor, ListRequest},
    permission::Permission,
};
use futures::Stream;
use uuid::Uuid;

use super::{by_name, dressed};
use crate::{
    Backend, Result, Scope,
    store::{
        by_name::{self as file, ByName, ROWS},
        integrations,
    },
};

/// What is written out.
struct Query {
    id: IntegrationId,
    filter: MatchFilter,
    q: Option<String>,
}

/// Every matching row of an integration's queue as CSV, by name.
pub async fn csv(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    filter: MatchFilter,
    q: Option<String>,
) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
    scope.require(Permission::DirectoryRead)?;
    integrations::get(b, scope, id).await?;
    Ok(file::csv(b, scope, Query { id, filter, q }))
}

impl ByName for Query {
    type Row = UserMatch;

    const HEAD: &'static [&'static str] = &[
        "Name",
        "User name",
        "Mail",
        "Employee id",
        "Object id",
        "Strength",
        "Here: name",
        "Here: user name",
        "Here: mail",
        "Here: employee id",
        "Here: source",
        "The same",
        "To consider",
        "Others here that fit",
        "Decision",
        "Decided by",
        "Decided at",
        "Reason",
        "Applied at",
    ];

    async fn step(
        &self,
        b: &Backend,
        scope: &Scope,
        after: Option<&Cursor>,
    ) -> Result<Vec<UserMatch>> {
        let mut tx = b.db.read().await?;
        integrations::find(&mut tx, scope, self.id).await?;
        let request = ListRequest {
            // One more is read than asked for.
            limit: u32::try_from(ROWS - 1).unwrap_or(1),
            cursor: after.cloned(),
            q: self.q.clone(),
        };
        let rows = by_name(&mut tx, self.id, &self.filter, &request).await?;
        dressed(&mut tx, self.id, rows).await
    }

    fn place(row: &UserMatch) -> (&str, Uuid) {
        (&row.source.display_name, row.external_id.0)
    }

    fn cells(row: UserMatch) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let keys = |keys: &[MatchKey]| {
            let all: Vec<&str> = keys.iter().map(|key| key.title()).collect();
            all.join(", ")
        };
        let doubts = |doubts: &[MatchDoubt]| {
            let all: Vec<&str> = doubts.iter().map(|doubt| doubt.title()).collect();
            all.join(", ")
        };
        let time = |at: domain::DateTime| at.to_rfc3339();
        let first = row.candidates.first();
        let here = first.map(|one| one.here.clone()).unwrap_or_default();
        let decided = row.decided.as_ref();
        vec![
            row.source.display_name.clone(),
            text(&row.source.user_principal_name),
            text(&row.source.mail),
            text(&row.source.employee_id),
            row.external_id.to_string(),
            row.strength.title().to_owned(),
            here.display_name.clone(),
            text(&here.user_principal_name),
            text(&here.mail),
            text(&here.employee_id),
            first.map_or_else(String::new, |one| {
                let integration = one.integration_name.clone();
                integration.unwrap_or_else(|| one.source_type.to_string())
            }),
            first.map_or_else(String::new, |one| keys(&one.keys)),
            first.map_or_else(String::new, |one| doubts(&one.doubts)),
            row.candidates.len().saturating_sub(1).to_string(),
            decided.map_or_else(String::new, |made| made.decision.title().to_owned()),
            decided.map_or_else(String::new, |made| made.by.clone()),
            decided.map_or_else(String::new, |made| time(made.at)),
            decided.map_or_else(String::new, |made| made.note.clone()),
            decided
                .and_then(|made| made.applied_at)
                .map_or_else(String::new, time),
        ]
    }
}
