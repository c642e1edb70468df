//! What functions and calls about versions, settings files and policy templates are sent.

use http::Method;
use serde_json::{Value, json};

use super::world::World;
use crate::support::id;

impl World<'_> {
    fn of_integration(&self, what: &str) -> String {
        format!("/integrations/{}{what}", self.things.integration)
    }

    /// Saves something, so that the first version is another.
    async fn saved(&self) {
        let other = json!({ "policy": { "include_guests": true } });
        let answer = self.app.patch(&self.of_integration(""), other).await;
        answer.expect(200);
    }

    /// Renames the customer, so that its first version is another.
    async fn renamed(&self) {
        let path = format!("/customers/{}", self.things.customer);
        let answer = self.app.patch(&path, json!({ "name": "Fabrikam" })).await;
        answer.expect(200);
    }

    /// A file of the integration from before something else was saved.
    async fn old_file(&self) -> Value {
        let file = self.app.get(&self.of_integration("/settings-file")).await;
        let file = file.expect(200);
        self.saved().await;
        file
    }

    /// Has the integration follow the template, from which it deviates.
    async fn following(&self) {
        let body = json!({ "policy_template_id": self.things.policy_template });
        let path = self.of_integration("/template");
        let app = self.app;
        let answer = app
            .call(Method::PUT, &path, Some(&app.owner), Some(body))
            .await;
        answer.expect(200);
    }

    /// Changes the template, so that its first version is another.
    async fn changed_template(&self) {
        let path = format!("/policy-templates/{}", self.things.policy_template);
        let other = json!({ "policy": { "include_guests": true } });
        self.app.patch(&path, other).await.expect(200);
    }

    /// Somebody of the source who waits to be confirmed.
    async fn waiting(&self) -> String {
        let policy = json!({ "include_guests": true, "matching": { "confirm_new": true } });
        let path = self.of_integration("");
        let answer = self.app.patch(&path, json!({ "policy": policy })).await;
        answer.expect(200);
        self.app.full_sync(&self.things.integration).await;
        let waiting = self
            .app
            .get(&self.of_integration("/matches"))
            .await
            .expect(200);
        let person = &waiting["items"][0]["external_id"];
        person.as_str().expect("a guest waits").to_owned()
    }

    /// Somebody of whom it was decided that they stay out.
    async fn ignored(&self) -> String {
        let person = self.waiting().await;
        let body = json!({ "external_ids": [&person], "decision": "ignore", "note": "T-1" });
        self.post(&self.of_integration("/matches/decide"), body)
            .await;
        person
    }

    async fn ask(&self, cookie: &str, function: &str, asked: Value) -> Value {
        let answer = self.app.function(function, cookie, Some(&asked), "").await;
        answer.expect(200)
    }

    /// The draft of a file that a page shows.
    async fn draft(&self, cookie: &str, function: &str, of: &str, content: &str) -> String {
        let content: String = url::form_urlencoded::byte_serialize(content.as_bytes()).collect();
        let form = format!("{of}&content={content}");
        let answer = self.app.function(function, cookie, None, &form).await;
        let to = answer.expect(200)["to"].as_str().unwrap().to_owned();
        to.split("draft=").nth(1).unwrap().to_owned()
    }
}

fn hash(of: &Value) -> &str {
    of["hash"].as_str().unwrap()
}

/// What a function is sent; none for other functions.
pub(super) async fn form(w: &World<'_>, function: &str, cookie: &str) -> Option<String> {
    let (integration, template) = (&w.things.integration, &w.things.policy_template);
    Some(match function {
        "matches/decide" => {
            let person = w.waiting().await;
            format!("id={integration}&external_ids[]={person}&decision=ignore&note=T-1")
        }
        "matches/take-back" => {
            let person = w.ignored().await;
            format!("id={integration}&external_ids[]={person}&note=T-1")
        }
        "versions/restore" => {
            w.saved().await;
            let asked = json!({ "id": integration, "number": 1, "against": null });
            let view = w.ask(cookie, "versions/view", asked).await;
            format!("id={integration}&number=1&hash={}", hash(&view["from_now"]))
        }
        "versions/restore-customer" => {
            w.renamed().await;
            let customer = &w.things.customer;
            let asked = json!({ "id": customer, "number": 1, "against": null });
            let view = w.ask(cookie, "versions/view-of-customer", asked).await;
            let hash = hash(&view[1]["from_now"]);
            format!("id={customer}&number=1&hash={hash}")
        }
        "settings-files/import" => {
            let file = w.old_file().await.to_string();
            let of = format!("integration={integration}");
            let draft = w.draft(cookie, "settings-files/look", &of, &file).await;
            let asked = json!({ "into": { "Integration": integration }, "draft": draft });
            let plan = w.ask(cookie, "settings-files/plan", asked).await;
            format!("{of}&draft={draft}&hash={}", hash(&plan))
        }
        "settings-files/look" | "policy-templates/look" => {
            let file = w.old_file().await.to_string();
            let file: String = url::form_urlencoded::byte_serialize(file.as_bytes()).collect();
            let of = match function {
                "settings-files/look" => format!("integration={integration}"),
                _ => format!("id={template}"),
            };
            format!("{of}&content={file}")
        }
        "policy-templates/rename" => format!("id={template}&name=Other"),
        "policy-templates/save" => {
            let file = w.old_file().await.to_string();
            let of = format!("id={template}");
            let draft = w.draft(cookie, "policy-templates/look", &of, &file).await;
            let asked = json!({ "id": template, "draft": draft });
            let effect = w.ask(cookie, "policy-templates/effect", asked).await;
            format!("{of}&draft={draft}&hash={}", hash(&effect))
        }
        "policy-templates/restore" => {
            w.changed_template().await;
            let asked = json!({ "id": template, "number": 1 });
            let effect = w.ask(cookie, "policy-templates/effect-of-version", asked);
            format!("id={template}&number=1&hash={}", hash(&effect.await[2]))
        }
        "policy-templates/leave" => {
            w.following().await;
            format!("id={integration}")
        }
        "policy-templates/accept-drift" | "policy-templates/put-back-drift" => {
            w.following().await;
            let asked = json!({ "id": integration });
            let standing = w.ask(cookie, "policy-templates/standing", asked).await;
            format!(
                "id={integration}&paths[]=policy.include_nested&note=T-1&hash={}",
                hash(&standing["drift"])
            )
        }
        _ => return None,
    })
}

/// What a call is sent; none for other calls.
pub(super) async fn body(w: &World<'_>, call: &str) -> Option<Value> {
    Some(match call {
        "POST /integrations/{id}/matches/decide" => json!({
            "external_ids": [w.waiting().await], "decision": "ignore", "note": "T-1",
        }),
        "POST /integrations/{id}/matches/take-back" => json!({
            "external_ids": [w.ignored().await], "note": "T-1",
        }),
        "POST /integrations/{id}/versions/{number}/restore" => {
            w.saved().await;
            json!({})
        }
        "POST /customers/{id}/versions/{number}/restore" => {
            w.renamed().await;
            json!({})
        }
        "POST /integrations/{id}/settings-file" => w.old_file().await,
        "POST /customers/{id}/settings-file" => {
            let path = format!("/customers/{}/settings-file", w.things.customer);
            let mut file = w.app.get(&path).await.expect(200);
            file["customer"]["time_zone"] = json!("Europe/Amsterdam");
            file
        }
        "POST /policy-templates" => json!({ "name": "New" }),
        "PATCH /policy-templates/{id}" => json!({ "name": "Other" }),
        "POST /policy-templates/{id}/versions/{number}/restore" => {
            w.changed_template().await;
            json!({})
        }
        "PUT /integrations/{id}/template" => {
            json!({ "policy_template_id": w.things.policy_template })
        }
        "DELETE /integrations/{id}/template"
        | "POST /integrations/{id}/drift/accept"
        | "POST /integrations/{id}/drift/put-back" => {
            w.following().await;
            json!({})
        }
        _ => return None,
    })
}

/// A template from which every new integration deviates.
pub(in crate::permissions) async fn template(app: &crate::support::TestApp) -> String {
    let body = json!({ "name": "Standard", "policy": { "include_nested": true } });
    id(&app.post("/policy-templates", body).await.expect(201))
}
