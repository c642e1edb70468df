//! What the pages of Sync History ask the server.

use domain::{
    id::IntegrationId,
    paging::Page,
    policy::ObjectType,
    run::{HistoryLine, LineStatus},
};
use leptos::{prelude::*, server_fn::codec::Json};

use crate::{
    error::AppResult,
    ui::{address::ListQuery, period::Period},
};

/// A page of Sync History.
#[server(endpoint = "history/list", input = Json)]
pub(crate) async fn history(
    query: ListQuery,
    integration_id: Option<IntegrationId>,
    status: Option<LineStatus>,
    object_type: Option<ObjectType>,
    period: Option<Period>,
) -> AppResult<Page<HistoryLine>> {
    use backend::store::runs;
    use domain::paging::Direction;
    let (backend, scope) = crate::session::caller().await?;
    let query = runs::HistoryQuery {
        customer_id: query.customer,
        integration_id,
        object_type,
        status,
        from: period.map(|period| period.from(backend.clock.now())),
        to: None,
        q: query.q,
        page: query.page,
        direction: match query.sort {
            Some(_) => query.direction,
            None => Direction::Descending,
        },
        sort: query.sort,
    };
    Ok(runs::history(&backend, &scope, query).await?)
}
