//! The Integrations list as CSV.

use bytes::Bytes;
use domain::{
    integration::IntegrationLine,
    paging::{Direction, PageRequest},
};
use futures::{Stream, stream};

use super::{IntegrationQuery, list};
use crate::{Backend, Result, Scope, csv};

/// Rows read at a time.
const STEP: u32 = 1000;

/// Every matching integration as CSV, by name, read in steps.
pub fn csv(
    b: &Backend,
    scope: &Scope,
    query: IntegrationQuery,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let state = Some((b.clone(), scope.clone(), query, 1));
    stream::try_unfold(state, |state| async move {
        let Some((b, scope, mut query, step)) = state else {
            return Ok(None);
        };
        query.sort = None;
        query.direction = Direction::Ascending;
        query.page = PageRequest::new(step, STEP);
        let lines = list(&b, &scope, query.clone()).await?.items;
        let more = lines.len() == STEP as usize;
        let head = (step == 1).then(|| HEAD.map(str::to_owned));
        let bytes = csv::rows(head.into_iter().chain(lines.into_iter().map(cells))).await?;
        Ok(Some((bytes, more.then(|| (b, scope, query, step + 1)))))
    })
}

const HEAD: [&str; 9] = [
    "Name",
    "Enabled",
    "Profile",
    "Last Sync Start",
    "Last Sync Status",
    "Detail",
    "Tenant",
    "Azure Cloud",
    "Customer",
];

fn cells(line: IntegrationLine) -> [String; 9] {
    let yes_no = if line.enabled { "Yes" } else { "No" };
    [
        line.name,
        yes_no.to_owned(),
        line.profile_name,
        line.last_sync_started_at
            .map(|at| at.to_rfc3339())
            .unwrap_or_default(),
        line.last_sync_status
            .map_or_else(String::new, |status| status.title().to_owned()),
        line.last_sync_detail,
        line.tenant,
        line.cloud,
        line.customer_name,
    ]
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;
    use crate::{db_test, store::sample};

    db_test!(the_file_holds_what_the_list_shows, |t| {
        let (owner, customer) = (t.owner().await, t.customer("A, Inc.").await);
        let profile = sample::profile(&t, &owner, None, "=Shared").await;
        for tenant in ["b.example", "a.example"] {
            let new = sample::new_integration(&profile, tenant);
            crate::store::integrations::create(&t, &owner, customer, new)
                .await
                .unwrap();
        }
        let query = IntegrationQuery {
            q: Some("a.ex".to_owned()),
            ..IntegrationQuery::default()
        };
        let parts: Vec<Bytes> = csv(&t, &owner, query).try_collect().await.unwrap();
        let file = String::from_utf8(parts.concat()).unwrap();
        assert_eq!(
            file,
            "Name,Enabled,Profile,Last Sync Start,Last Sync Status,Detail,Tenant,Azure \
             Cloud,Customer\r\na.example,Yes,'=Shared,,,,a.example,global,\"A, Inc.\"\r\n"
        );
    });
}
