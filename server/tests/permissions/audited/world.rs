//! Things, and what has to be the case with them before something can be done.

use backend::{Scope, store::operators};
use domain::policy::ObjectType;
use http::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::Things;
use crate::support::{TestApp, id};

/// The things of a try, and who tries.
pub(super) struct World<'a> {
    pub app: &'a TestApp,
    pub things: Things,
    /// The operator who asks.
    pub caller: &'a Scope,
}

impl World<'_> {
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.app.post(path, body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    pub async fn delete(&self, path: &str) {
        let answer = self.app.delete(path).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
    }

    /// The dry run of the import that waits.
    pub async fn plan_of_import(&self) -> String {
        let path = format!("/imports/{}", self.things.import);
        let import = self.app.get(&path).await.expect(200);
        import["plan"].as_str().unwrap().to_owned()
    }

    /// A group of the tenant whose members can be imported.
    pub async fn groups_to_import(&self) -> Value {
        let integration = &self.things.integration;
        let path = format!("/integrations/{integration}/group-search?q=empl");
        let found = self.app.get(&path).await.expect(200);
        let group = &found["items"][0]["id"];
        json!({ "integration_id": integration, "group_ids": [group], "include_nested": true })
    }

    /// A run that waits for a worker.
    pub async fn queued(&self) -> String {
        let path = format!("/integrations/{}/runs", self.things.integration);
        id(&self.post(&path, json!({ "mode": "full" })).await)
    }

    /// A preview that can be applied.
    pub async fn preview(&self) -> String {
        let path = format!("/integrations/{}", self.things.integration);
        let mut policy = self.app.get(&path).await.expect(200)["policy"].clone();
        policy["require_names"] = json!(false);
        policy["include_guests"] = json!(true);
        let body = json!({ "mode": "preview", "policy": policy });
        let run = id(&self.post(&format!("{path}/runs"), body).await);
        self.app.work().await;
        run
    }

    /// A run that holds users that left.
    pub async fn held(&self) -> String {
        let path = format!("/integrations/{}", self.things.integration);
        let guard =
            json!({ "policy": { "guard": { "user": { "max_count": 0, "max_percent": 1 } } } });
        self.app.patch(&path, guard).await.expect(200);
        let users = format!("/customers/{}/users?limit=100", self.things.customer);
        let users = self.app.get(&users).await.expect(200);
        let one = users["items"].as_array().unwrap().iter();
        let one = one.filter(|user| user["status"] == "active").take(1);
        for user in one {
            let id = user["external_id"].as_str().unwrap();
            self.app.control().delete(id.parse().unwrap()).unwrap();
        }
        let run = self.queued().await;
        self.app.work().await;
        let shown = self.app.get(&format!("/runs/{run}")).await.expect(200);
        assert_eq!(shown["status"], "held", "{shown}");
        run
    }

    pub async fn rejected(&self) -> String {
        let run = self.held().await;
        let body = json!({ "object_type": "user", "reason": "T-1" });
        self.post(&format!("/runs/{run}/reject"), body).await;
        self.app.work().await;
        run
    }

    pub fn object(&self, object_type: ObjectType) -> &str {
        match object_type {
            ObjectType::User => &self.things.user,
            ObjectType::Group => &self.things.group,
            ObjectType::Contact => &self.things.contact,
            _ => &self.things.device,
        }
    }

    /// A user made here.
    pub async fn made_user(&self) -> String {
        let new = json!({
            "display_name": "Here",
            "user_principal_name": format!("{}@example.com", self.app.t.ids.uuid()),
        });
        let path = format!("/customers/{}/users", self.things.customer);
        id(&self.post(&path, new).await)
    }

    /// One that is out of use.
    pub async fn inactive_user(&self) -> String {
        let user = self.made_user().await;
        self.post(&format!("/users/{user}/deactivate"), json!({}))
            .await;
        user
    }

    /// One in the bin.
    pub async fn deleted_user(&self) -> String {
        let user = self.made_user().await;
        self.delete(&format!("/users/{user}")).await;
        user
    }

    /// A group made here, with the user in it.
    pub async fn made_group(&self) -> String {
        let new = json!({ "display_name": "Board", "member_ids": [self.things.user] });
        let path = format!("/customers/{}/groups", self.things.customer);
        id(&self.post(&path, new).await)
    }

    /// One in the bin.
    pub async fn deleted_group(&self) -> String {
        let group = self.made_group().await;
        self.delete(&format!("/groups/{group}")).await;
        group
    }

    /// Has the user's job title kept here.
    pub async fn kept(&self) {
        let path = format!("/users/{}/kept-attributes/jobTitle", self.things.user);
        let body = Some(json!({ "value": "Countess" }));
        let answer = self
            .app
            .call(Method::PUT, &path, Some(&self.app.owner), body);
        answer.await.expect(200);
    }

    pub async fn counting(&self, object_type: ObjectType) {
        let id = self.object(object_type).parse().unwrap();
        self.app.t.count_down(object_type, id).await;
    }

    pub async fn cancelled(&self, object_type: ObjectType) {
        self.counting(object_type).await;
        let path = format!("/{object_type}s/{}/countdown", self.object(object_type));
        self.delete(&path).await;
    }

    pub async fn webhook(&self) -> String {
        let path = format!(
            "/customers/{}/notification-recipients",
            self.things.customer
        );
        let body = json!({ "kind": "webhook", "address": "https://hooks.example/a" });
        id(&self.post(&path, body).await)
    }

    /// Gives the profile a second secret.
    pub async fn second(&self) {
        self.second_of(&self.things.credential_profile).await;
    }

    /// Gives the profile of the integration a second secret, and answers which one that is.
    pub async fn second_in_use(&self) -> String {
        let path = format!("/integrations/{}", self.things.integration);
        let integration = self.app.get(&path).await.expect(200);
        let profile = integration["credential_profile_id"].as_str().unwrap();
        self.second_of(profile).await;
        profile.to_owned()
    }

    pub async fn second_of(&self, profile: &str) {
        let path = format!("/credential-profiles/{profile}/second");
        let body = json!({ "kind": "client_secret", "client_secret": "z" });
        let answer = self
            .app
            .call(Method::PUT, &path, Some(&self.app.owner), Some(body));
        answer.await.expect(200);
    }

    /// Somebody who was invited, and the secret of the link.
    pub async fn invited(&self) -> (String, String) {
        let new = serde_json::from_value(invitation(self, "some")).unwrap();
        let invited = operators::invite(&self.app.t, &self.app.owner_scope, new).await;
        let invited = invited.unwrap();
        let secret = invited.secret().expose_secret().to_owned();
        (invited.operator.id.to_string(), secret)
    }

    /// The sealed form of a link that a form showed.
    pub async fn sealed_link(&self, cookie: &str, form: &str, asked: Value) -> String {
        let offered = self.app.function(form, cookie, Some(&asked), "").await;
        let offered = offered.expect(200);
        offered["link"]["sealed"].as_str().unwrap().to_owned()
    }

    /// The sealed text of a token that a form showed.
    pub async fn sealed_token(&self, cookie: &str, form: &str, asked: Value) -> String {
        let offered = self.app.function(form, cookie, Some(&asked), "").await;
        let offered = offered.expect(200);
        offered["offered"]["sealed"].as_str().unwrap().to_owned()
    }

    /// An integration of which nothing was read yet.
    pub async fn fresh(&self) -> String {
        self.app.integration().await.1
    }
}

/// Somebody to invite, over the customer.
pub(super) fn invitation(w: &World<'_>, kind: &str) -> Value {
    json!({
        "name": "Noa",
        "email": format!("{}@example.com", w.app.t.ids.uuid()),
        "role": "read_only",
        "scope": { "kind": kind, "customer_ids": [w.things.customer] },
    })
}
