//! That a token reads lists, for the audit log: each kind of list once a day (UTC), however often it is
//! read. So a token that somebody took, and that may only read, leaves more than when it was last used;
//! and reading stays reading, without a write for each call.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use domain::{
    api_token::ListKind,
    audit::{AuditAction, AuditChanges},
    id::ApiTokenId,
};
use serde::{Deserialize, Serialize};

use crate::{
    Backend, Result, Scope, execute, fetch_scalar,
    store::{
        audit::{self, Entry},
        read_json, write_json,
    },
};

/// What of today this process knows to be written down: most reads end here. At most every kind of list
/// for every token.
#[derive(Debug, Default)]
pub struct ReadsNoted(Mutex<Today>);

#[derive(Debug, Default)]
struct Today {
    day: String,
    noted: HashSet<(ApiTokenId, ListKind)>,
}

impl ReadsNoted {
    fn has(&self, day: &str, token: ApiTokenId, list: ListKind) -> bool {
        let today = self.today();
        today.day == day && today.noted.contains(&(token, list))
    }

    fn add(&self, day: &str, token: ApiTokenId, list: ListKind) {
        let mut today = self.today();
        if today.day != day {
            *today = Today {
                day: day.to_owned(),
                noted: HashSet::new(),
            };
        }
        today.noted.insert((token, list));
    }

    fn today(&self) -> std::sync::MutexGuard<'_, Today> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The column `lists_read`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ListsRead {
    day: String,
    lists: Vec<ListKind>,
}

/// Writes down that the token which asks reads a kind of list, before the rows go out: once a day for
/// each kind. Nothing is written of people, nor of Rollcall itself.
pub async fn note_read(b: &Backend, scope: &Scope, list: ListKind) -> Result<()> {
    let Some(token) = scope.token_id() else {
        return Ok(());
    };
    let day = b.clock.now().format("%Y-%m-%d").to_string();
    if b.reads_noted.has(&day, token, list) {
        return Ok(());
    }
    let mut tx = b.db.write().await?;
    tx.hold("api_token", token.0).await?;
    let kept = fetch_scalar!(
        &mut tx,
        Option<String>,
        "SELECT lists_read FROM api_token WHERE id = $1",
        token
    )?;
    let mut read = match kept {
        Some(text) => read_json("api_token.lists_read", &text)?,
        None => ListsRead::default(),
    };
    if read.day != day {
        read = ListsRead {
            day: day.clone(),
            lists: Vec::new(),
        };
    }
    if !read.lists.contains(&list) {
        read.lists.push(list);
        execute!(
            &mut tx,
            "UPDATE api_token SET lists_read = $1 WHERE id = $2",
            write_json(&read)?,
            token
        )?;
        // One of a single customer stands in that customer's part, as what else is done with tokens.
        let entry = Entry::new(AuditAction::ApiTokenRead, token.0, scope.actor_name())
            .of(scope.only_customer())
            .changes(AuditChanges::none().now("list", &list));
        audit::record(b, &mut tx, scope, entry).await?;
        tx.commit().await?;
    }
    b.reads_noted.add(&day, token, list);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::Duration;
    use domain::{api_token::NewApiToken, id::CustomerId, permission::Role};
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::{
        auth::token_scope,
        db_test, fetch_all,
        store::tokens,
        testing::{TestBackend, origin},
    };

    async fn token(t: &TestBackend, name: &str, customers: Option<&[CustomerId]>) -> Scope {
        let new = NewApiToken {
            customer_ids: customers.map(<[CustomerId]>::to_vec),
            ..NewApiToken::of_everything(name, Role::ReadOnly)
        };
        let owner = t.owner().await;
        let (_, secret) = tokens::create(t, &owner, new).await.unwrap();
        token_scope(t, secret.expose_secret(), origin("r"))
            .await
            .unwrap()
    }

    /// Who read what, of which customer, in the order it was written down.
    async fn written(t: &TestBackend) -> Vec<(String, String, CustomerId)> {
        let mut tx = t.db.read().await.unwrap();
        let rows = fetch_all!(
            &mut tx,
            (String, String, CustomerId),
            "SELECT actor, changes, customer_id FROM audit_event
              WHERE action = 'api_token.read' ORDER BY id"
        );
        let rows = rows.unwrap().into_iter();
        rows.map(|(actor, changes, customer)| {
            let changes: serde_json::Value = serde_json::from_str(&changes).unwrap();
            let list = changes["after"]["list"].as_str().unwrap().to_owned();
            (actor, list, customer)
        })
        .collect()
    }

    db_test!(each_kind_of_list_is_written_down_once_a_day, |t| {
        let a = t.customer("A").await;
        let (one, other) = (
            token(&t, "one", None).await,
            token(&t, "other", Some(&[a])).await,
        );
        let nobodys = CustomerId(uuid::Uuid::nil());
        let entry = |actor: &str, list: &str, of| (actor.to_owned(), list.to_owned(), of);
        for _ in 0..3 {
            note_read(&t, &one, ListKind::Users).await.unwrap();
        }
        note_read(&t, &one, ListKind::Groups).await.unwrap();
        note_read(&t, &other, ListKind::Users).await.unwrap();
        note_read(&t, &t.owner().await, ListKind::Users)
            .await
            .unwrap();
        let mut expected = vec![
            entry("one", "users", nobodys),
            entry("one", "groups", nobodys),
            entry("other", "users", a),
        ];
        assert_eq!(written(&t).await, expected);

        // Another process, and this one started anew, know of nothing.
        let mut t = t;
        t.backend.reads_noted = Arc::default();
        note_read(&t, &one, ListKind::Users).await.unwrap();
        note_read(&t, &one, ListKind::Devices).await.unwrap();
        expected.push(entry("one", "devices", nobodys));
        assert_eq!(written(&t).await, expected);

        t.clock.advance(Duration::days(1));
        for _ in 0..2 {
            note_read(&t, &one, ListKind::Users).await.unwrap();
        }
        expected.push(entry("one", "users", nobodys));
        assert_eq!(written(&t).await, expected);
        assert!(audit::verify(&t, None).await.unwrap().holds());
    });

    db_test!(two_reads_at_once_leave_one_entry, |t| {
        let one = token(&t, "one", None).await;
        let reads = (0..8).map(|_| note_read(&t, &one, ListKind::Users));
        for read in futures::future::join_all(reads).await {
            read.unwrap();
        }
        assert_eq!(written(&t).await.len(), 1);
    });
}
