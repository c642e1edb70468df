//! The names that people of a customer sign in with: user names and aliases, each of one active
//! person.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, UserId},
    made_here::{ALIASES_MAX, parse_sign_in},
};

use super::held::hold;
use crate::{Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional};

/// Refuses a name that another active person of the customer signs in with, and says who. `held` is
/// to have the customer's names held.
pub(crate) async fn refuse_taken(
    tx: &mut Tx,
    customer: CustomerId,
    but: UserId,
    field: &str,
    name: &str,
) -> Result<()> {
    let folded = planner::key(name);
    let holder = fetch_optional!(
        tx,
        (String, bool),
        "SELECT u.display_name, FALSE AS by_alias FROM directory_user u
          WHERE u.customer_id = $1 AND u.user_name_folded = $2 AND u.status = 'active'
            AND u.id <> $3
         UNION ALL
         SELECT u.display_name, TRUE AS by_alias FROM directory_user_alias a
           JOIN directory_user u ON u.id = a.user_id
          WHERE a.customer_id = $1 AND a.address_folded = $2 AND u.status = 'active'
            AND u.id <> $3
         LIMIT 1",
        customer,
        &folded,
        but
    )?;
    match holder {
        None => Ok(()),
        Some((holder, by_alias)) => {
            let how = if by_alias {
                "as an alias"
            } else {
                "as user name"
            };
            Err(Error::invalid(
                field,
                format!("{holder} signs in with {name} already, {how}. Choose another."),
            ))
        }
    }
}

/// A user's aliases, in order.
pub(crate) async fn aliases(tx: &mut Tx, id: UserId) -> Result<Vec<String>> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT address FROM directory_user_alias WHERE user_id = $1 ORDER BY address_folded",
        id
    )?;
    Ok(rows.into_iter().map(|(address,)| address).collect())
}

/// Aliases as they are kept: each once, in order, none the user name.
pub(super) fn parse_aliases(given: &[String], user_name: Option<&str>) -> Result<Vec<String>> {
    let field = "aliases";
    let mut aliases: Vec<(String, String)> = Vec::new();
    for given in given.iter().filter(|given| !given.trim().is_empty()) {
        let address = parse_sign_in(field, given).map_err(|error| {
            Error::invalid(field, format!("“{}”: {}", given.trim(), error.message))
        })?;
        let folded = planner::key(&address);
        if user_name.map(planner::key).as_deref() == Some(folded.as_str()) {
            return Err(Error::invalid(
                field,
                format!("{address} is the user name: it needs no alias."),
            ));
        }
        aliases.push((folded, address));
    }
    aliases.sort_unstable();
    aliases.dedup_by(|a, b| a.0 == b.0);
    if aliases.len() > ALIASES_MAX {
        return Err(Error::invalid(
            field,
            format!("A user has at most {ALIASES_MAX} aliases."),
        ));
    }
    Ok(aliases.into_iter().map(|(_, address)| address).collect())
}

/// Keeps these aliases of a user in place of those there are.
pub(super) async fn keep(
    tx: &mut Tx,
    customer: CustomerId,
    id: UserId,
    aliases: &[String],
) -> Result<()> {
    execute!(
        &mut *tx,
        "DELETE FROM directory_user_alias WHERE user_id = $1",
        id
    )?;
    for address in aliases {
        execute!(
            &mut *tx,
            "INSERT INTO directory_user_alias (user_id, customer_id, address, address_folded)
             VALUES ($1, $2, $3, $4)",
            id,
            customer,
            address,
            planner::key(address)
        )?;
    }
    Ok(())
}

/// Sets the other addresses that a user signs in with, in place of those there are. Also of a synced
/// user: no source says them.
pub async fn set_aliases(
    b: &Backend,
    scope: &Scope,
    id: UserId,
    given: &[String],
) -> Result<Vec<String>> {
    let mut tx = b.db.write().await?;
    let user = hold(&mut tx, scope, id).await?;
    let wanted = parse_aliases(given, user.content.user_principal_name.as_deref())?;
    for address in &wanted {
        refuse_taken(&mut tx, user.customer_id, id, "aliases", address).await?;
    }
    user.not_deleted()?;
    let before = aliases(&mut tx, id).await?;
    if before != wanted {
        keep(&mut tx, user.customer_id, id, &wanted).await?;
        let changes = AuditChanges::none().field("aliases", &before, &wanted);
        let action = AuditAction::UserSetAliases;
        user.record(b, &mut tx, scope, action, ("", changes))
            .await?;
    }
    tx.commit().await?;
    Ok(wanted)
}
