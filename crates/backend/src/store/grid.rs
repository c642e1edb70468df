//! How an operator has the Users grid and the Groups grid: the columns they chose, and views: filters,
//! order and columns under a name.
//!
//! A view holds an address's query and nothing of the directory: whoever opens it sees what they may
//! see anyway. Its own words may still tell something (a name that was looked for), so a shared one is
//! seen by those who look after its customer, and where it is over all customers, by those who look
//! after all.
//!
//! A program shares views in the name of the operator who answers for its token. That operator's
//! private ones, and with which of them their list opens, are no program's business.

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    grid::{
        GridColumn, GridList, NewSavedView, SavedView, SavedViewChange, VIEWS_MAX, columns_text,
    },
    id::{CustomerId, OperatorId, SavedViewId},
    permission::Permission,
    text::parse_name,
};
use sqlx::FromRow;

use super::{
    audit::{self, Entry},
    customers,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar, in_scope,
};

/// The columns that the caller chose for a list; none where they chose none. A program has none.
pub async fn columns(
    b: &Backend,
    scope: &Scope,
    list: GridList,
) -> Result<Option<Vec<GridColumn>>> {
    scope.require(Permission::DirectoryRead)?;
    let Some(operator) = scope.operator_id() else {
        return Ok(None);
    };
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        (String,),
        "SELECT columns FROM operator_columns WHERE operator_id = $1 AND list = $2",
        operator,
        list
    )?;
    Ok(row.and_then(|(text,)| list.parse_columns(&text)))
}

/// Keeps the columns that an operator chose; the usual ones are forgotten, so that later ones come.
pub async fn choose_columns(
    b: &Backend,
    scope: &Scope,
    list: GridList,
    columns: &[GridColumn],
) -> Result<()> {
    scope.require(Permission::DirectoryRead)?;
    let operator = operator(scope)?;
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM operator_columns WHERE operator_id = $1 AND list = $2",
        operator,
        list
    )?;
    let chosen = list.columns().iter().copied();
    let chosen: Vec<_> = chosen.filter(|column| columns.contains(column)).collect();
    if chosen != list.usual() {
        execute!(
            &mut tx,
            "INSERT INTO operator_columns (operator_id, list, columns) VALUES ($1, $2, $3)",
            operator,
            list,
            columns_text(&chosen)
        )?;
    }
    tx.commit().await
}

fn operator(scope: &Scope) -> Result<OperatorId> {
    scope.operator_id().ok_or_else(|| {
        Error::conflict("Only an operator has columns of their own; a program has none.")
    })
}

/// Who keeps what the caller saves: the operator who asks, or who answers for the program that does.
async fn keeper(tx: &mut Tx, scope: &Scope) -> Result<Option<OperatorId>> {
    let Some(token) = scope.token_id() else {
        return Ok(scope.operator_id());
    };
    let row = fetch_optional!(
        tx,
        (Option<OperatorId>,),
        "SELECT operator_id FROM api_token WHERE id = $1",
        token
    )?;
    Ok(row.and_then(|(operator,)| operator))
}

async fn require_keeper(tx: &mut Tx, scope: &Scope) -> Result<OperatorId> {
    keeper(tx, scope).await?.ok_or_else(|| {
        Error::conflict(
            "No operator answers for this token, so nobody would have the view. Use a token that an operator made.",
        )
    })
}

/// Views are an operator's own and change nothing of a directory. What a program saves is for others.
fn may_save(scope: &Scope) -> Result<()> {
    scope.require(if scope.is_token() {
        Permission::DirectoryWrite
    } else {
        Permission::DirectoryRead
    })
}

/// Refuses a program what only an operator has, and what the program itself would not see.
fn check_program(
    scope: &Scope,
    customer: Option<CustomerId>,
    shared: bool,
    is_default: bool,
) -> Result<()> {
    if !scope.is_token() {
        return Ok(());
    }
    if !shared {
        return Err(Error::invalid(
            "shared",
            "A program has no views of its own. Share it: “shared” has to be true.",
        ));
    }
    if is_default {
        return Err(Error::invalid(
            "is_default",
            "Each operator says for themselves with which view a list opens. Leave this out.",
        ));
    }
    if customer.is_none() && !scope.sees_all() {
        return Err(Error::invalid(
            "query",
            "This token doesn’t see every customer. Name one that it sees, such as customer=….",
        ));
    }
    Ok(())
}

#[derive(FromRow)]
struct Row {
    id: SavedViewId,
    list: GridList,
    name: String,
    query: String,
    customer_id: Option<CustomerId>,
    shared: bool,
    operator_id: OperatorId,
    operator_name: String,
    is_default: bool,
    created_at: DateTime,
}

impl Row {
    fn view(self, keeper: Option<OperatorId>) -> SavedView {
        SavedView {
            own: keeper == Some(self.operator_id),
            id: self.id,
            list: self.list,
            name: self.name,
            query: self.query,
            customer_id: self.customer_id,
            shared: self.shared,
            by: self.operator_name,
            is_default: self.is_default,
            created_at: self.created_at,
        }
    }
}

/// Views that the caller may see: their own and those shared with them, of customers they see. Their
/// own over all customers stay theirs whatever they look after.
macro_rules! visible {
    () => {
        concat!(
            "SELECT v.id, v.list, v.name, v.query, v.customer_id, v.shared, v.operator_id,
                    o.name AS operator_name, v.created_at,
                    EXISTS (SELECT 1 FROM saved_view_default d
                             WHERE d.view_id = v.id AND d.operator_id = $3) AS is_default
               FROM saved_view v JOIN operator o ON o.id = v.operator_id
               LEFT JOIN customer c ON c.id = v.customer_id
              WHERE (v.operator_id = $3 OR v.shared)
                AND ((v.customer_id IS NULL AND (v.operator_id = $3 OR $4))
                     OR (v.customer_id IS NOT NULL AND c.deleted_at IS NULL AND ",
            in_scope!("v.customer_id"),
            "))"
        )
    };
}

/// The views of a list that the caller may see, by name.
pub async fn views(b: &Backend, scope: &Scope, list: GridList) -> Result<Vec<SavedView>> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let keeper = keeper(&mut tx, scope).await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        concat!(
            visible!(),
            " AND v.list = $5 ORDER BY v.name_folded, v.id LIMIT 1000"
        ),
        scope.all(),
        scope.grantee(),
        scope.operator_id(),
        scope.sees_all(),
        list
    )?;
    Ok(rows.into_iter().map(|row| row.view(keeper)).collect())
}

/// One view that the caller may see.
pub async fn view(b: &Backend, scope: &Scope, id: SavedViewId) -> Result<SavedView> {
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await
}

async fn find(tx: &mut Tx, scope: &Scope, id: SavedViewId) -> Result<SavedView> {
    let keeper = keeper(tx, scope).await?;
    let row = fetch_optional!(
        tx,
        Row,
        concat!(visible!(), " AND v.id = $5"),
        scope.all(),
        scope.grantee(),
        scope.operator_id(),
        scope.sees_all(),
        id
    )?;
    row.map(|row| row.view(keeper))
        .ok_or(Error::NotFound("view"))
}

/// The customer that a query is over, whom the caller has to see.
async fn customer_in(tx: &mut Tx, scope: &Scope, query: &str) -> Result<Option<CustomerId>> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("customer="));
    let Some(value) = value else { return Ok(None) };
    let unknown = || Error::invalid("query", "This view names a customer that there isn’t.");
    let id: CustomerId = value.parse().map_err(|_| unknown())?;
    match customers::find_in_use(tx, scope, id).await {
        Ok(_) => Ok(Some(id)),
        Err(Error::NotFound(_)) => Err(unknown()),
        Err(error) => Err(error),
    }
}

/// Saves a view for the operator who asks, or who answers for the program that does.
pub async fn save(b: &Backend, scope: &Scope, new: NewSavedView) -> Result<SavedView> {
    may_save(scope)?;
    let name = parse_name("name", &new.name)?;
    let query = new.list.parse_query(&new.query)?;
    let mut tx = b.db.write().await?;
    let customer = customer_in(&mut tx, scope, &query).await?;
    check_program(scope, customer, new.shared, new.is_default)?;
    let operator = require_keeper(&mut tx, scope).await?;
    let kept = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM saved_view WHERE operator_id = $1 AND list = $2",
        operator,
        new.list
    )?;
    if kept >= VIEWS_MAX {
        return Err(Error::conflict(format!(
            "You have {VIEWS_MAX} views of this list. Delete one first."
        )));
    }
    let id = SavedViewId(b.ids.uuid());
    execute!(
        &mut tx,
        "INSERT INTO saved_view (id, list, name, name_folded, query, customer_id, shared,
                                 operator_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        new.list,
        &name,
        planner::key(&name),
        &query,
        customer,
        new.shared,
        operator,
        b.clock.now()
    )?;
    if new.is_default {
        set_default(&mut tx, operator, new.list, Some(id)).await?;
    }
    let view = find(&mut tx, scope, id).await?;
    let changes = AuditChanges::none()
        .now("list", &view.list)
        .now("query", &view.query)
        .now("shared", &view.shared);
    record(
        b,
        &mut tx,
        scope,
        AuditAction::SavedViewCreate,
        &view,
        changes,
    )
    .await?;
    tx.commit().await?;
    Ok(view)
}

/// Changes a view of the caller's own; of another's, whether their list opens with it.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: SavedViewId,
    change: SavedViewChange,
) -> Result<SavedView> {
    let mut tx = b.db.write().await?;
    let before = find(&mut tx, scope, id).await?;
    may_save(scope)?;
    let operator = require_keeper(&mut tx, scope).await?;
    if change.concerns_others() && !before.own {
        return Err(others(&before));
    }
    let name = match &change.name {
        Some(name) => parse_name("name", name)?,
        None => before.name.clone(),
    };
    let query = match &change.query {
        Some(query) => before.list.parse_query(query)?,
        None => before.query.clone(),
    };
    let customer = customer_in(&mut tx, scope, &query).await?;
    let shared = change.shared.unwrap_or(before.shared);
    check_program(scope, customer, shared, change.is_default.unwrap_or(false))?;
    if change.concerns_others() {
        execute!(
            &mut tx,
            "UPDATE saved_view SET name = $2, name_folded = $3, query = $4, customer_id = $5,
                    shared = $6
              WHERE id = $1",
            id,
            &name,
            planner::key(&name),
            &query,
            customer,
            shared
        )?;
    }
    if let Some(is_default) = change.is_default
        && is_default != before.is_default
    {
        set_default(&mut tx, operator, before.list, is_default.then_some(id)).await?;
    }
    let after = find(&mut tx, scope, id).await?;
    let changes = AuditChanges::none()
        .field("name", &before.name, &after.name)
        .field("query", &before.query, &after.query)
        .field("shared", &before.shared, &after.shared)
        .field("is_default", &before.is_default, &after.is_default);
    if !changes.is_empty() {
        record(
            b,
            &mut tx,
            scope,
            AuditAction::SavedViewUpdate,
            &after,
            changes,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// Deletes a view of the caller's own. Whoever administers operators deletes shared ones of others.
pub async fn delete(b: &Backend, scope: &Scope, id: SavedViewId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let view = find(&mut tx, scope, id).await?;
    may_save(scope)?;
    if !view.own && !scope.can(Permission::OperatorsWrite) {
        return Err(others(&view));
    }
    execute!(&mut tx, "DELETE FROM saved_view WHERE id = $1", id)?;
    let action = AuditAction::SavedViewDelete;
    record(b, &mut tx, scope, action, &view, AuditChanges::none()).await?;
    tx.commit().await
}

fn others(view: &SavedView) -> Error {
    Error::conflict(format!(
        "{} made this view. Save one of your own instead.",
        view.by
    ))
}

async fn set_default(
    tx: &mut Tx,
    operator: OperatorId,
    list: GridList,
    view: Option<SavedViewId>,
) -> Result<()> {
    execute!(
        &mut *tx,
        "DELETE FROM saved_view_default WHERE operator_id = $1 AND list = $2",
        operator,
        list
    )?;
    if let Some(view) = view {
        execute!(
            &mut *tx,
            "INSERT INTO saved_view_default (operator_id, list, view_id) VALUES ($1, $2, $3)",
            operator,
            list,
            view
        )?;
    }
    Ok(())
}

async fn record(
    b: &Backend,
    tx: &mut Tx,
    scope: &Scope,
    action: AuditAction,
    view: &SavedView,
    changes: AuditChanges,
) -> Result<()> {
    let entry = Entry::new(action, view.id.0, &view.name).changes(changes);
    let entry = match view.customer_id {
        Some(customer) => entry.of(customer),
        None => entry,
    };
    audit::record(b, tx, scope, entry).await
}

#[cfg(test)]
mod tests;
