//! The cells of columns that are read only where somebody chose them.

use std::collections::BTreeMap;

use domain::{DateTime, grid::GridColumn, id::UserId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Result, Scope, Tx, db::rows::IDS_MAX, fetch_all, in_scope, store::attributes,
};

/// What chosen columns hold, by the id of the row. Moments stand in RFC 3339.
pub type MoreCells = BTreeMap<Uuid, BTreeMap<GridColumn, String>>;

#[derive(FromRow)]
struct Row {
    id: Uuid,
    external_id: Option<Uuid>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
    guest: bool,
    administrator: bool,
    integration_name: Option<String>,
    created_at: DateTime,
    last_signed_in_at: Option<DateTime>,
}

/// The cells of these columns for these users, as far as the caller may see them.
pub async fn more_cells(
    b: &Backend,
    scope: &Scope,
    ids: &[UserId],
    columns: &[GridColumn],
) -> Result<MoreCells> {
    let mut cells = MoreCells::new();
    if !columns.iter().any(|column| column.is_more()) {
        return Ok(cells);
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tx = b.db.read().await?;
    for ids in ids.chunks(IDS_MAX) {
        let sql = format!(
            "SELECT u.id, u.external_id, u.given_name, u.surname, u.mail, u.attributes,
                    COALESCE(s.guest, u.guest) AS guest,
                    (u.administrator_at IS NOT NULL) AS administrator,
                    i.name AS integration_name, u.created_at, e.last_signed_in_at
               FROM directory_user u LEFT JOIN integration i ON i.id = u.integration_id
               LEFT JOIN enrolment e ON e.user_id = u.id
               LEFT JOIN source_object s ON s.integration_id = u.integration_id
                     AND s.object_type = 'user' AND s.external_id = u.external_id
              WHERE u.id {} AND {}",
            tx.one_of(ids),
            in_scope!("u.customer_id")
        );
        let rows = fetch_all!(
            &mut tx,
            Row,
            sqlx::AssertSqlSafe(sql),
            scope.all(),
            scope.grantee()
        )?;
        let aliases = if columns.contains(&GridColumn::Aliases) {
            aliases_of(&mut tx, ids).await?
        } else {
            BTreeMap::new()
        };
        for row in rows {
            let (id, mut row) = (row.id, row.cells()?);
            if let Some(aliases) = aliases.get(&id) {
                row.insert(GridColumn::Aliases, aliases.join(", "));
            }
            row.retain(|column, text| columns.contains(column) && !text.is_empty());
            cells.insert(id, row);
        }
    }
    Ok(cells)
}

async fn aliases_of(tx: &mut Tx, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Vec<String>>> {
    let sql = format!(
        "SELECT user_id, address FROM directory_user_alias WHERE user_id {} ORDER BY address_folded",
        tx.one_of(ids)
    );
    let mut found = BTreeMap::<Uuid, Vec<String>>::new();
    for (id, address) in fetch_all!(tx, (Uuid, String), sqlx::AssertSqlSafe(sql))? {
        found.entry(id).or_default().push(address);
    }
    Ok(found)
}

impl Row {
    fn cells(self) -> Result<BTreeMap<GridColumn, String>> {
        use GridColumn as C;
        let yes = |is: bool| if is { "Yes" } else { "No" }.to_owned();
        let time = |at: DateTime| at.to_rfc3339();
        let mut cells = BTreeMap::from([
            (C::Mail, self.mail.unwrap_or_default()),
            (C::GivenName, self.given_name.unwrap_or_default()),
            (C::Surname, self.surname.unwrap_or_default()),
            (C::Guest, yes(self.guest)),
            (C::Administrator, yes(self.administrator)),
            (C::Integration, self.integration_name.unwrap_or_default()),
            (C::Created, time(self.created_at)),
            (
                C::LastSignIn,
                self.last_signed_in_at.map(time).unwrap_or_default(),
            ),
            (
                C::ObjectId,
                self.external_id
                    .map(|id| id.to_string())
                    .unwrap_or_default(),
            ),
        ]);
        cells.extend(attribute_cells(&self.attributes)?);
        Ok(cells)
    }
}

/// The cells of columns that show an attribute.
pub(in crate::store) fn attribute_cells(json: &str) -> Result<Vec<(GridColumn, String)>> {
    let attributes = attributes::in_words(json)?;
    let found = GridColumn::ALL.iter().filter_map(|column| {
        let name = column.attribute()?;
        let attribute = attributes.iter().find(|attribute| attribute.name == name)?;
        Some((*column, attribute.value.clone()))
    });
    Ok(found.collect())
}
