//! What every call that changes something is sent.

use domain::policy::ObjectType;
use http::Method;
use serde_json::{Value, json};

use super::{grid, settings, world::World};

/// What a call that changes something is sent, so that it does, and its path where that is not the
/// one of the first thing of its noun.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) async fn body(w: &World<'_>, call: &str) -> (Option<String>, Value) {
    if let Some(asked) = body_of_access(w, call).await {
        return asked;
    }
    if let Some(body) = grid::body(w, call).await {
        return (None, body);
    }
    if let Some(body) = settings::body(w, call).await {
        return (None, body);
    }
    if let Some(asked) = body_of_directory(w, call).await {
        return asked;
    }
    let things = &w.things;
    let of_run = |run: String, what: &str| Some(format!("/runs/{run}/{what}"));
    let decision = json!({ "object_type": "user", "reason": "T-1" });
    let body = match call {
        "POST /credential-profiles" => json!({
            "name": "Another", "kind": "client_secret", "client_secret": "x",
            "client_id": "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
        }),
        "PATCH /credential-profiles/{id}" => json!({ "client_secret": "y" }),
        "POST /customers" => json!({ "name": "New" }),
        "PUT /customers/{id}/enrolment-settings" => json!({ "language": "nl" }),
        "POST /customers/{id}/imports/from-groups" => w.groups_to_import().await,
        "POST /imports/{id}/apply" => {
            json!({ "rows": "all", "plan": w.plan_of_import().await })
        }
        "PATCH /customers/{id}" => json!({ "time_zone": "Europe/Amsterdam" }),
        "POST /customers/{id}/integrations" => json!({
            "kind": "entra_id", "tenant": "fabrikam.example", "cloud": "sim",
            "credential_profile_id": things.credential_profile,
        }),
        "POST /customers/{id}/notification-recipients" | "POST /notification-recipients" => {
            json!({ "kind": "mail", "address": "new@example.com" })
        }
        "POST /customers/{id}/resume" => {
            w.post(&format!("/customers/{}/pause", things.customer), json!({}))
                .await;
            json!({})
        }
        "POST /integrations/test-connection" => json!({
            "customer_id": things.customer, "kind": "entra_id", "cloud": "sim",
            "tenant": w.app.tenant().domain,
            "credential_profile_id": things.credential_profile,
        }),
        "POST /integrations/{id}/test-connection" => {
            let path = format!("/integrations/{}/test-connection", w.fresh().await);
            return (Some(path), json!({}));
        }
        "PATCH /integrations/{id}" => json!({ "enabled": false }),
        "POST /integrations/{id}/protected-forecast" => json!({ "protected": [] }),
        "POST /integrations/{id}/resume" => {
            w.post(
                &format!("/integrations/{}/pause", things.integration),
                json!({}),
            )
            .await;
            json!({})
        }
        "POST /integrations/{id}/runs" => json!({ "mode": "full" }),
        "POST /integrations/{id}/sync-object" => {
            let user = w
                .app
                .get(&format!("/users/{}", things.user))
                .await
                .expect(200);
            json!({ "object": user["external_id"] })
        }
        "PATCH /notification-recipients/{id}" => json!({ "address": "other@example.com" }),
        "PATCH /saved-views/{id}" => {
            let path = format!("/saved-views/{}", w.own_view().await);
            return (Some(path), json!({ "name": "Ours" }));
        }
        "POST /runs/{id}/apply" => return (of_run(w.preview().await, "apply"), json!({})),
        "POST /runs/{id}/approve" => return (of_run(w.held().await, "approve"), decision),
        "POST /runs/{id}/reject" => return (of_run(w.held().await, "reject"), decision),
        "POST /runs/{id}/withdraw" => {
            let only_type = json!({ "object_type": "user" });
            return (of_run(w.rejected().await, "withdraw"), only_type);
        }
        "POST /runs/{id}/cancel" => return (of_run(w.queued().await, "cancel"), json!({})),
        "POST /sync/resume" => {
            w.post("/sync/pause", json!({})).await;
            json!({})
        }
        "DELETE /users/{id}/protection" => {
            let path = format!("/users/{}/protection", things.user);
            let app = w.app;
            let answer = app.call(Method::PUT, &path, Some(&app.owner), Some(json!({})));
            answer.await.expect(200);
            json!({})
        }
        _ => {
            for object_type in ObjectType::OBJECTS {
                if call == format!("DELETE /{object_type}s/{{id}}/countdown") {
                    w.counting(object_type).await;
                } else if call == format!("PUT /{object_type}s/{{id}}/countdown") {
                    w.cancelled(object_type).await;
                }
            }
            json!({})
        }
    };
    (None, body)
}

/// The same about operators and second secrets; none for other calls.
async fn body_of_access(w: &World<'_>, call: &str) -> Option<(Option<String>, Value)> {
    let body = match call {
        "PUT /credential-profiles/{id}/second" => {
            json!({ "kind": "client_secret", "client_secret": "z" })
        }
        "POST /credential-profiles/{id}/second/test-connection" => {
            let profile = w.second_in_use().await;
            let path = format!("/credential-profiles/{profile}/second/test-connection");
            let body = json!({ "integration_id": w.things.integration });
            return Some((Some(path), body));
        }
        "POST /credential-profiles/{id}/second/use" | "DELETE /credential-profiles/{id}/second" => {
            w.second().await;
            json!({})
        }
        // A program gives a new secret to itself alone.
        "POST /api-tokens/{id}/rotation" => {
            let path = format!("/api-tokens/{}/rotation", w.app.owner_token);
            return Some((Some(path), json!({})));
        }
        "POST /customers/{id}/consent-links" => json!({
            "credential_profile_id": w.things.credential_profile, "cloud": "sim",
            "tenant": "fabrikam.example",
        }),
        "PATCH /operators/{id}" => json!({ "name": "Another" }),
        _ => return None,
    };
    Some((None, body))
}

/// The same about users and groups made here, and what is decided here of synced ones.
async fn body_of_directory(w: &World<'_>, call: &str) -> Option<(Option<String>, Value)> {
    let of_user = |user: String, what: &str| Some(format!("/users/{user}{what}"));
    let of_group = |group: String, what: &str| Some(format!("/groups/{group}{what}"));
    let nothing = json!({});
    Some(match call {
        "POST /customers/{id}/users" => {
            let new = json!({ "display_name": "New", "user_principal_name": "new@example.com" });
            (None, new)
        }
        "PATCH /users/{id}" => (None, json!({ "administrator": true })),
        "DELETE /users/{id}" => (of_user(w.made_user().await, ""), nothing),
        "POST /users/{id}/deactivate" => (of_user(w.made_user().await, "/deactivate"), nothing),
        "POST /users/{id}/reactivate" => (of_user(w.inactive_user().await, "/reactivate"), nothing),
        "POST /users/{id}/restore" => (of_user(w.deleted_user().await, "/restore"), nothing),
        "PUT /users/{id}/groups" => {
            w.made_group().await;
            (None, json!({ "group_ids": [] }))
        }
        "PUT /users/{id}/aliases" => (None, json!({ "aliases": ["other@example.com"] })),
        "PUT /users/{id}/kept-attributes/{name}" => (None, json!({ "value": "Countess" })),
        "DELETE /users/{id}/kept-attributes/{name}" => {
            w.kept().await;
            (None, nothing)
        }
        "POST /customers/{id}/groups" => (None, json!({ "display_name": "Board" })),
        "PATCH /groups/{id}" => {
            let body = json!({ "display_name": "Directors" });
            (of_group(w.made_group().await, ""), body)
        }
        "DELETE /groups/{id}" => (of_group(w.made_group().await, ""), nothing),
        "POST /groups/{id}/restore" => (of_group(w.deleted_group().await, "/restore"), nothing),
        "POST /groups/{id}/members" => {
            let body = json!({ "member_ids": [w.things.contact] });
            (of_group(w.made_group().await, "/members"), body)
        }
        "DELETE /groups/{id}/members" => {
            let query = format!("/members?member_ids={}", w.things.user);
            (of_group(w.made_group().await, &query), nothing)
        }
        _ => return None,
    })
}
