//! API tokens, administered.

use std::collections::HashMap;

use domain::{
    DateTime,
    api_token::ApiToken,
    audit::{AuditAction, AuditChanges},
    id::{ApiTokenId, CustomerId},
    permission::{Permission, Role},
    text::parse_name,
};
use secrecy::SecretString;
use sqlx::FromRow;

use crate::{
    Backend, Error, Result, Scope, Tx,
    auth::token,
    execute, fetch_all, fetch_scalar, in_scope, insert_many,
    store::audit::{self, Entry},
};

/// Makes a token and answers its text, which is told this once and never again.
///
/// `customers`: those it may see; none for all. Nobody gives away more than they have.
pub async fn create(
    b: &Backend,
    scope: &Scope,
    name: &str,
    role: Role,
    customers: Option<&[CustomerId]>,
    expires_at: Option<DateTime>,
) -> Result<(ApiToken, SecretString)> {
    scope.require(Permission::TokensWrite)?;
    let name = parse_name("name", name)?;
    if !scope.role().holds(role) {
        let message = "You can’t give a role that may do more than yours.";
        return Err(Error::invalid("role", message));
    }
    if expires_at.is_some_and(|end| end <= b.clock.now()) {
        return Err(Error::invalid("expires_at", "Choose a time to come."));
    }
    if customers.is_none() && !scope.sees_all() {
        let message = "Choose the customers it may see.";
        return Err(Error::invalid("customer_ids", message));
    }
    let secret = token::make(b);
    let mut tx = b.db.write().await?;
    let customer_ids = match customers {
        None => None,
        Some(given) => Some(known_customers(&mut tx, scope, given).await?),
    };
    let made = ApiToken {
        id: ApiTokenId(b.ids.uuid()),
        name,
        role,
        customer_ids,
        created_at: b.clock.now(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    execute!(
        &mut tx,
        "INSERT INTO api_token
           (id, name, role, all_customers, secret_hash, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        made.id,
        &made.name,
        made.role,
        made.customer_ids.is_none(),
        token::hash(&secret),
        scope.actor_name(),
        made.created_at,
        made.expires_at
    )?;
    let rows = made.customer_ids.clone().unwrap_or_default();
    insert_many!(
        &mut tx,
        "INSERT INTO api_token_customer (api_token_id, customer_id)",
        columns: 2, rows_max: 1000, rows,
        |bind, row| { bind.push_bind(made.id).push_bind(*row); },
        ""
    )?;
    let changes = AuditChanges::created(&made).only(&TOLD);
    let changes = changes.now("all_customers", &made.customer_ids.is_none());
    let entry = entry(AuditAction::ApiTokenCreate, &made).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok((made, SecretString::from(secret)))
}

/// What of a token goes into the audit log.
const TOLD: [&str; 4] = ["name", "role", "customer_ids", "expires_at"];

/// That something was done to a token. One of a single customer stands in that customer's part.
fn entry(action: AuditAction, token: &ApiToken) -> Entry<'_> {
    let of = match token.customer_ids.as_deref() {
        Some([customer]) => Some(*customer),
        _ => None,
    };
    Entry::new(action, token.id.0, &token.name).of(of)
}

/// The customers as given, in order and once each; refused where one is unknown to the caller.
async fn known_customers(
    tx: &mut Tx,
    scope: &Scope,
    given: &[CustomerId],
) -> Result<Vec<CustomerId>> {
    let mut ids = given.to_vec();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        let message = "Choose at least one customer.";
        return Err(Error::invalid("customer_ids", message));
    }
    for id in &ids {
        let known = fetch_scalar!(
            &mut *tx,
            i64,
            concat!(
                "SELECT COUNT(*) FROM customer WHERE id = $3 AND ",
                in_scope!("id")
            ),
            scope.all(),
            scope.grantee(),
            *id
        )?;
        if known == 0 {
            let message = format!("There is no customer {id}.");
            return Err(Error::invalid("customer_ids", message));
        }
    }
    Ok(ids)
}

#[derive(FromRow)]
struct Row {
    id: ApiTokenId,
    name: String,
    role: Role,
    all_customers: bool,
    created_at: DateTime,
    expires_at: Option<DateTime>,
    last_used_at: Option<DateTime>,
    revoked_at: Option<DateTime>,
}

/// Every token whose customers the caller sees, the newest first.
pub async fn list(b: &Backend, scope: &Scope) -> Result<Vec<ApiToken>> {
    scope.require(Permission::TokensWrite)?;
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        "SELECT id, name, role, all_customers, created_at, expires_at, last_used_at, revoked_at
         FROM api_token ORDER BY id DESC"
    )?;
    let mut customers: HashMap<ApiTokenId, Vec<CustomerId>> = HashMap::new();
    for (token, customer) in fetch_all!(
        &mut tx,
        (ApiTokenId, CustomerId),
        "SELECT api_token_id, customer_id FROM api_token_customer
         ORDER BY api_token_id, customer_id"
    )? {
        customers.entry(token).or_default().push(customer);
    }
    let tokens = rows.into_iter().map(|row| ApiToken {
        id: row.id,
        name: row.name,
        role: row.role,
        customer_ids: (!row.all_customers).then(|| customers.remove(&row.id).unwrap_or_default()),
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    });
    Ok(tokens.filter(|token| sees(scope, token)).collect())
}

/// Ends a token at once and for good. One that is revoked already stays so.
pub async fn revoke(b: &Backend, scope: &Scope, id: ApiTokenId) -> Result<()> {
    let tokens = list(b, scope).await?;
    let token = tokens.into_iter().find(|token| token.id == id);
    let token = token.ok_or(Error::NotFound("API token"))?;
    let mut tx = b.db.write().await?;
    let revoked = execute!(
        &mut tx,
        "UPDATE api_token SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
        b.clock.now(),
        id
    )?;
    if revoked == 1 {
        let changes = AuditChanges::deleted(&token).only(&TOLD);
        let entry = entry(AuditAction::ApiTokenRevoke, &token).changes(changes);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await
}

fn sees(scope: &Scope, token: &ApiToken) -> bool {
    match &token.customer_ids {
        None => scope.sees_all(),
        // Whose customers are all gone could be anybody's.
        Some(ids) if ids.is_empty() => scope.sees_all(),
        Some(ids) => ids.iter().all(|id| scope.sees(*id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{command_line_scope, token_scope},
        db_test,
        testing::origin,
    };
    use chrono::Duration;
    use secrecy::ExposeSecret;

    db_test!(a_token_signs_in_until_it_ends_or_is_revoked, |t| {
        let owner = command_line_scope();
        let end = t.clock.now() + Duration::days(1);
        let (token, secret) = create(&t, &owner, " CI ", Role::Administrator, None, Some(end))
            .await
            .unwrap();
        assert_eq!(token.name, "CI");
        assert_eq!(token.customer_ids, None);
        let secret = secret.expose_secret();

        let scope = token_scope(&t, secret, origin("r1")).await.unwrap();
        assert!(scope.sees_all() && scope.is_token() && scope.operator_id().is_none());
        assert_eq!((scope.actor_name(), scope.request_id()), ("CI", "r1"));
        let used = |tokens: Vec<ApiToken>| tokens[0].last_used_at.unwrap();
        let first = used(list(&t, &owner).await.unwrap());
        t.clock.advance(Duration::seconds(59));
        token_scope(&t, secret, origin("r")).await.unwrap();
        let second = used(list(&t, &owner).await.unwrap());
        assert_eq!(second, first, "noted once a minute");
        t.clock.advance(Duration::seconds(1));
        token_scope(&t, secret, origin("r")).await.unwrap();
        let third = used(list(&t, &owner).await.unwrap());
        assert_eq!(third, first + Duration::minutes(1));

        let signed_out = |given: Result<Scope>| matches!(given, Err(Error::SignedOut));
        assert!(signed_out(token_scope(&t, "rc_nothing", origin("r")).await));
        assert!(signed_out(
            token_scope(&t, &token::make(&t), origin("r")).await
        ));
        revoke(&t, &owner, token.id).await.unwrap();
        revoke(&t, &owner, token.id).await.unwrap();
        assert!(signed_out(token_scope(&t, secret, origin("r")).await));

        let (_, secret) = create(&t, &owner, "B", Role::Owner, None, Some(end))
            .await
            .unwrap();
        t.clock.advance(Duration::days(1));
        assert!(signed_out(
            token_scope(&t, secret.expose_secret(), origin("r")).await
        ));
    });

    db_test!(nobody_gives_away_more_than_they_have, |t| {
        let (a, b) = (t.customer("A").await, t.customer("B").await);
        let some = t.administrator_of(&[a]).await;
        let admin = Role::Administrator;
        let refused = async |name: &str, role: Role, customers: Option<&[CustomerId]>| match create(
            &t, &some, name, role, customers, None,
        )
        .await
        {
            Err(Error::Invalid(field)) => field.field,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused("x", Role::Owner, Some(&[a])).await, "role");
        assert_eq!(refused("x", admin, None).await, "customer_ids");
        assert_eq!(refused("x", admin, Some(&[])).await, "customer_ids");
        assert_eq!(refused("x", admin, Some(&[a, b])).await, "customer_ids");
        assert_eq!(refused("", admin, Some(&[a])).await, "name");

        let (token, secret) = create(&t, &some, "x", admin, Some(&[a, a]), None)
            .await
            .unwrap();
        assert_eq!(token.customer_ids, Some(vec![a]));
        let scope = token_scope(&t, secret.expose_secret(), origin("r"))
            .await
            .unwrap();
        assert!(scope.sees(a) && !scope.sees(b) && !scope.sees_all());

        let owner = t.owner().await;
        let (all, _) = create(&t, &owner, "all", admin, None, None).await.unwrap();
        let (of_b, _) = create(&t, &owner, "b", admin, Some(&[b]), None)
            .await
            .unwrap();
        assert_eq!(list(&t, &owner).await.unwrap().len(), 3);
        let seen: Vec<_> = list(&t, &some).await.unwrap();
        assert_eq!(seen.iter().map(|t| t.id).collect::<Vec<_>>(), [token.id]);
        for id in [all.id, of_b.id] {
            let refused = revoke(&t, &some, id).await;
            assert!(matches!(refused, Err(Error::NotFound(_))));
        }
    });

    db_test!(only_the_hash_is_kept, |t| {
        let owner = command_line_scope();
        let (_, secret) = create(&t, &owner, "x", Role::Owner, None, None)
            .await
            .unwrap();
        let mut tx = t.db.read().await.unwrap();
        let kept = fetch_all!(&mut tx, (Vec<u8>,), "SELECT secret_hash FROM api_token").unwrap();
        assert_eq!(kept, [(token::hash(secret.expose_secret()),)]);
    });
}
