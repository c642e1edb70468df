//! What functions and calls about views and about many at once are sent.

use backend::{
    Scope,
    store::{
        bulk::{self, Prepared, Targets},
        grid, sessions,
    },
};
use domain::{
    bulk::BulkAction,
    grid::{GridList, NewSavedView},
    id::CustomerId,
};
use serde_json::{Value, json};

use super::world::World;
use crate::support::{TestApp, id};

/// A bulk change that the owner's token prepared: it would protect somebody.
pub async fn bulk_change(app: &TestApp, customer: CustomerId, user: &str) -> String {
    let body = json!({ "list": "users", "action": "protect", "ids": [user] });
    let path = format!("/customers/{customer}/bulk-changes");
    id(&app.post(&path, body).await.expect(201))
}

/// A view of the customer's users, shared.
pub async fn saved_view(app: &TestApp, by: &Scope, customer: CustomerId) -> String {
    let new = NewSavedView {
        list: GridList::Users,
        name: "Inactive".to_owned(),
        query: format!("customer={customer}&status=inactive"),
        shared: true,
        is_default: false,
    };
    grid::save(&app.t, by, new).await.unwrap().id.to_string()
}

impl World<'_> {
    /// A session of the user; answers its public id.
    pub async fn user_session(&self) -> String {
        let data = json!({ "user_id": self.things.user }).to_string();
        let cookie = i128::from_be_bytes(*self.app.t.ids.uuid().as_bytes());
        assert!(sessions::create(&self.app.t, cookie, &data).await.unwrap());
        let id = sessions::public_id(&self.app.t, cookie).await.unwrap();
        id.unwrap().to_string()
    }

    async fn own_bulk_change(&self) -> String {
        let wanted = Prepared {
            action: BulkAction::Protect,
            targets: Targets::Users(vec![self.things.user.parse().unwrap()]),
            group_id: None,
            note: String::new(),
            customer_id: None,
        };
        let bulk = bulk::prepare(&self.app.t, self.caller, wanted).await;
        bulk.unwrap().id.to_string()
    }

    /// A view that the caller, or the operator who answers for the token, made.
    pub async fn own_view(&self) -> String {
        let customer = self.things.customer.parse().unwrap();
        saved_view(self.app, self.caller, customer).await
    }
}

/// What a function is sent so that it changes something; none for functions of other things.
pub(super) async fn form(w: &World<'_>, function: &str) -> Option<String> {
    let user = &w.things.user;
    Some(match function {
        "bulk/prepare" => {
            format!("list=users&action=protect&ids[0]={user}&query=&group_id=&note=")
        }
        "bulk/apply" => format!("id={}", w.own_bulk_change().await),
        "grid/choose-columns" => "list=users&columns[0]=mail&back=%2Fusers".to_owned(),
        "grid/save-view" => "list=users&name=Mine&query=status%3Dinactive".to_owned(),
        "grid/change-view" => format!("id={}&name=Ours", w.own_view().await),
        "grid/delete-view" => format!("id={}", w.own_view().await),
        "users/end-session" => format!("id={user}&session={}", w.user_session().await),
        "users/end-sessions" => {
            w.user_session().await;
            format!("id={user}")
        }
        _ => return None,
    })
}

/// The same of a call's body.
pub(super) async fn body(w: &World<'_>, call: &str) -> Option<Value> {
    Some(match call {
        "POST /customers/{id}/bulk-changes" => {
            json!({ "list": "users", "action": "protect", "ids": [w.things.user] })
        }
        "POST /bulk-changes/{id}/apply" => json!({}),
        "POST /saved-views" => json!({ "list": "users", "name": "Mine", "shared": true }),
        "DELETE /users/{id}/sessions" => {
            w.user_session().await;
            json!({})
        }
        _ => return None,
    })
}
