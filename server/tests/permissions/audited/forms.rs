//! What every function that changes something is sent.

use backend::auth::second_factor;
use domain::policy::ObjectType;
use http::Method;
use serde_json::json;

use super::{super::functions, PASSWORD, grid, settings, world::World};
use crate::support::id;

/// What a function that changes something is sent, so that it does, after whatever it needs.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) async fn form(w: &World<'_>, function: &str, cookie: &str, session: &str) -> String {
    if let Some(form) = settings::form(w, function, cookie).await {
        return form;
    }
    if let Some(form) = grid::form(w, function).await {
        return form;
    }
    let app = w.app;
    if let Some(form) = form_of_directory(w, function).await {
        return form;
    }
    let (customer, user) = (&w.things.customer, &w.things.user);
    let (integration, recipient) = (&w.things.integration, &w.things.recipient);
    match function {
        "account/change-password" => format!(
            "old_password={PASSWORD}&new_password=another+long+one&password_again=another+long+one"
        ),
        "account/end-session" => format!("id={session}"),
        "account/unlink" => {
            let asked = json!({});
            let ways = app.function("account/ways-to-sign-in", cookie, Some(&asked), "");
            format!("id={}", id(&ways.await.expect(200)["identities"][0]))
        }
        "session/sign-in" => format!("email=noor%40example.com&password={PASSWORD}&next="),
        "customers/add" => "name=New".to_owned(),
        "enrolment/save" => format!("customer={customer}&language=nl&link_days=3"),
        "imports/apply" => format!(
            "id={}&plan={}&rows=all",
            w.things.import,
            w.plan_of_import().await
        ),
        "imports/change" => format!("id={}&password=none", w.things.import),
        "imports/delete" => format!("id={}", w.things.import),
        "imports/from-groups" => {
            let asked = w.groups_to_import().await;
            let group = asked["group_ids"][0].as_str().unwrap();
            format!(
                "customer={customer}&integration={integration}&groups[]={group}:x&password=none"
            )
        }
        "customers/rename" => format!("id={customer}&name=Fabrikam"),
        "customers/restore" => {
            w.delete(&format!("/customers/{customer}")).await;
            format!("id={customer}")
        }
        "customers/resume" => {
            w.post(&format!("/customers/{customer}/pause"), json!({}))
                .await;
            format!("id={customer}")
        }
        "credential-profiles/change" => format!(
            "id={}&name=Other&client_id=63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
            w.things.credential_profile
        ),
        "integrations/add" => format!(
            "customer_id={customer}&tenant=fabrikam.example&cloud=sim&credential_profile_id={}",
            w.things.credential_profile
        ),
        "integrations/cancel-run" => format!("run_id={}", w.queued().await),
        "integrations/resume" => {
            w.post(&format!("/integrations/{integration}/pause"), json!({}))
                .await;
            format!("id={integration}")
        }
        "integrations/sync-object" => {
            let user = app.get(&format!("/users/{user}")).await.expect(200);
            let object = user["external_id"].as_str().unwrap();
            format!("id={integration}&object={object}")
        }
        "integrations/save" => functions::settings(integration, &w.things.credential_profile)
            .replace("[every_minutes]=5", "[every_minutes]=15"),
        "integrations/test-saved" => {
            let fresh = w.fresh().await;
            let profile = app.get(&format!("/integrations/{fresh}")).await.expect(200);
            let profile = profile["credential_profile_id"]
                .as_str()
                .unwrap()
                .to_owned();
            functions::settings(&fresh, &profile)
        }
        "notifications/add" => {
            format!("customer_id={customer}&kind=mail&address=new%40example.com&causes[]=run.held")
        }
        "notifications/change" => {
            format!("id={recipient}&address=other%40example.com&causes[]=run.held")
        }
        "notifications/rotate-secret" => {
            let hook = w.webhook().await;
            let asked = json!({ "customer": null, "id": hook });
            let offered = app.function("notifications/offer-secret", cookie, Some(&asked), "");
            let offered = offered.await.expect(200);
            let sealed = offered["sealed"].as_str().unwrap().to_owned();
            format!("id={hook}&sealed_secret={sealed}")
        }
        "runs/apply" => format!("id={}", w.preview().await),
        "runs/cancel" => format!("id={}", w.queued().await),
        "runs/decide" => {
            let run = w.held().await;
            format!("id={run}&object_type=user&decision=approved&reason=T-1")
        }
        "runs/withdraw" => format!("id={}&object_type=user", w.rejected().await),
        "sync/resume" => {
            w.post("/sync/pause", json!({})).await;
            String::new()
        }
        "users/unprotect" => {
            let path = format!("/users/{user}/protection");
            let answer = app.call(Method::PUT, &path, Some(&app.owner), Some(json!({})));
            answer.await.expect(200);
            format!("id={user}")
        }
        other if is_of_second_factors(other) => form_of_second_factors(w, other, cookie).await,
        other => form_of_access(w, other, cookie, session).await,
    }
}

fn is_of_second_factors(function: &str) -> bool {
    ["authenticator/", "recovery-codes/", "session/confirm"]
        .iter()
        .any(|part| function.starts_with(part))
        || function.ends_with("-second-factor")
}

/// The same about second factors.
async fn form_of_second_factors(w: &World<'_>, function: &str, cookie: &str) -> String {
    let app = w.app;
    if function == "operators/reset-second-factor" {
        let operator = app.t.scope_of(w.things.operator.parse().unwrap()).await;
        app.authenticator(&operator).await;
        return format!("id={}", w.things.operator);
    }
    let key = app.authenticator(w.caller).await;
    let offered = async |offer: &str| {
        let asked = json!({ "sealed": null });
        let offered = app.function(offer, cookie, Some(&asked), "").await;
        offered.expect(200)
    };
    match function {
        "authenticator/confirm" => {
            let offer = offered("authenticator/offer").await;
            let key = second_factor::key_in(offer["key"].as_str().unwrap());
            let code = second_factor::code_at(&key, app.t.clock.now());
            format!(
                "sealed_key={}&code={code}",
                offer["sealed"].as_str().unwrap()
            )
        }
        "recovery-codes/keep" => {
            let offer = offered("recovery-codes/offer").await;
            format!("sealed_codes={}&next=", offer["sealed"].as_str().unwrap())
        }
        "session/confirm" => format!("code={}&next=", app.next_code(&key)),
        // Nobody of these tests is one.
        "operators/require-second-factor" => "roles[]=help_desk".to_owned(),
        "authenticator/remove" => String::new(),
        other => panic!("{other} is not asked yet"),
    }
}

/// The same about operators and credentials.
async fn form_of_access(w: &World<'_>, function: &str, cookie: &str, session: &str) -> String {
    let (app, integration) = (w.app, &w.things.integration);
    match function {
        "api-tokens/add" => {
            let sealed = w.sealed_token(cookie, "api-tokens/form", json!({})).await;
            functions::changing(app, &w.things, session, function)
                .replace("sealed_token=x", &format!("sealed_token={sealed}"))
        }
        "api-tokens/rotate" | "api-tokens/take-over" => {
            let asked = json!({ "id": w.things.api_token });
            let offering = match function {
                "api-tokens/rotate" => "api-tokens/rotation-form",
                _ => "api-tokens/take-over-form",
            };
            let sealed = w.sealed_token(cookie, offering, asked);
            let sealed = sealed.await;
            functions::changing(app, &w.things, session, function)
                .replace("sealed_token=x", &format!("sealed_token={sealed}"))
        }
        "consent-links/add" => {
            let asked = json!({ "customer": w.things.customer, "integration": null });
            let offered = app.function("consent-links/form", cookie, Some(&asked), "");
            let offered = offered.await.expect(200);
            let sealed = offered["sealed"].as_str().unwrap();
            functions::changing(app, &w.things, session, function)
                .replace("sealed_link=x", &format!("sealed_link={sealed}"))
        }
        "credential-profiles/test-second" => {
            let profile = w.second_in_use().await;
            format!("id={profile}&integration_id={integration}")
        }
        "credential-profiles/use-second" | "credential-profiles/remove-second" => {
            w.second().await;
            functions::changing(app, &w.things, session, function)
        }
        "invitation/accept" => {
            let (_, secret) = w.invited().await;
            format!("secret={secret}&name=Noa&password={PASSWORD}&password_again={PASSWORD}")
        }
        "operators/change" => format!("id={}&name=Another", w.things.operator),
        "operators/enable" => {
            let path = format!("/operators/{}", w.things.operator);
            app.patch(&path, json!({ "enabled": false }))
                .await
                .expect(200);
            format!("id={}", w.things.operator)
        }
        "operators/invite" => {
            let sealed = w.sealed_link(cookie, "operators/invitation-form", json!({}));
            let sealed = sealed.await;
            functions::changing(app, &w.things, session, function)
                .replace("sealed_link=x", &format!("sealed_link={sealed}"))
        }
        "operators/invite-again" => {
            let (invited, _) = w.invited().await;
            let asked = json!({ "id": invited });
            let sealed = w.sealed_link(cookie, "operators/again-form", asked).await;
            format!("id={invited}&sealed_link={sealed}")
        }
        other => functions::changing(app, &w.things, session, other),
    }
}

/// The same about users and groups made here, and what is decided here of synced ones.
async fn form_of_directory(w: &World<'_>, function: &str) -> Option<String> {
    let user = &w.things.user;
    Some(match function {
        "directory/cancel-countdown" => {
            w.counting(ObjectType::User).await;
            format!("object_type=user&id={user}&note=")
        }
        "directory/restart-countdown" => {
            w.cancelled(ObjectType::User).await;
            format!("object_type=user&id={user}")
        }
        "groups/add" => {
            format!(
                "customer_id={}&display_name=Board&description=",
                w.things.customer
            )
        }
        "groups/add-members" => {
            let group = w.made_group().await;
            format!("id={group}&member_ids[]={}", w.things.contact)
        }
        "groups/change" => {
            let group = w.made_group().await;
            format!("id={group}&display_name=Directors&description=")
        }
        "groups/delete" => format!("id={}", w.made_group().await),
        "groups/remove-members" => {
            format!("id={}&member_ids[]={user}", w.made_group().await)
        }
        "groups/restore" => format!("id={}", w.deleted_group().await),
        "users/add" => format!(
            "customer_id={}&user[display_name]=New&user[user_principal_name]=new%40example.com",
            w.things.customer
        ),
        "users/change" => format!(
            "id={}&user[display_name]=New&user[user_principal_name]=new%40example.com",
            w.made_user().await
        ),
        "users/deactivate" => format!("id={}&note=", w.made_user().await),
        "users/delete" => format!("id={}", w.made_user().await),
        "users/reactivate" => format!("id={}", w.inactive_user().await),
        "users/release-attribute" => {
            w.kept().await;
            format!("id={user}&name=jobTitle")
        }
        "users/restore" => format!("id={}", w.deleted_user().await),
        "users/set-groups" => {
            w.made_group().await;
            format!("id={user}")
        }
        _ => return None,
    })
}
