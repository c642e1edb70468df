//! The cells of columns that are read only where somebody chose them.

use std::collections::BTreeMap;

use domain::{DateTime, grid::GridColumn, id::GroupId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Result, Scope,
    db::rows::IDS_MAX,
    fetch_all, in_scope,
    store::users::{MoreCells, attribute_cells},
};

#[derive(FromRow)]
struct Row {
    id: Uuid,
    external_id: Option<Uuid>,
    mail: Option<String>,
    attributes: String,
    integration_name: Option<String>,
    created_at: DateTime,
}

/// The cells of these columns for these groups, as far as the caller may see them.
pub async fn more_cells(
    b: &Backend,
    scope: &Scope,
    ids: &[GroupId],
    columns: &[GridColumn],
) -> Result<MoreCells> {
    use GridColumn as C;
    let mut cells = MoreCells::new();
    if !columns.iter().any(|column| column.is_more()) {
        return Ok(cells);
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tx = b.db.read().await?;
    for ids in ids.chunks(IDS_MAX) {
        let sql = format!(
            "SELECT g.id, g.external_id, g.mail, g.attributes, i.name AS integration_name,
                    g.created_at
               FROM directory_group g LEFT JOIN integration i ON i.id = g.integration_id
              WHERE g.id {} AND {}",
            tx.one_of(ids),
            in_scope!("g.customer_id")
        );
        let rows = fetch_all!(
            &mut tx,
            Row,
            sqlx::AssertSqlSafe(sql),
            scope.all(),
            scope.grantee()
        )?;
        for row in rows {
            let id = row.external_id.map(|id| id.to_string());
            let mut of_row = BTreeMap::from([
                (C::Mail, row.mail.unwrap_or_default()),
                (C::Integration, row.integration_name.unwrap_or_default()),
                (C::Created, row.created_at.to_rfc3339()),
                (C::ObjectId, id.unwrap_or_default()),
            ]);
            of_row.extend(attribute_cells(&row.attributes)?);
            of_row.retain(|column, text| columns.contains(column) && !text.is_empty());
            cells.insert(row.id, of_row);
        }
    }
    Ok(cells)
}
