//! Every server function, as the pages call it. One that is new fails the test until it is asked
//! something here.

use backend::{Scope, testing::Kind};
use http::Method;
use leptos::server_fn::axum::server_fn_paths;
use serde_json::{Value, json};

use super::{ROLES, Things, head, line};
use crate::support::{Answer, TestApp};

/// What strangers may call: who they are, the ways to sign in and out, the links of an invitation
/// and of a forgotten password and a consent link, which are secrets themselves, the same for users of
/// a directory, the first start, and a colour. Beside these this list only ever shrinks.
const FOR_STRANGERS: [&str; 18] = [
    "consent/view",
    "enrolment/activate",
    "enrolment/forgot",
    "enrolment/sign-in",
    "enrolment/view",
    "invitation/accept",
    "invitation/view",
    "own-account/asked",
    "own-account/sign-out",
    "password/forgot",
    "password/reset",
    "password/view",
    "session/current",
    "session/providers",
    "session/sign-in",
    "session/sign-out",
    "setup/create-owner",
    "theme/choose",
];

/// What somebody may call beside it who gave a right password and no second factor yet: giving it,
/// and adding the first passkey, which is refused to who has one.
const FOR_HALF: [&str; 2] = ["passkeys/add", "session/second-factor"];

/// What a function is asked: about things of one customer, wherever it is about any.
enum Asked {
    Json(Value),
    Form(String),
}

/// A page of a list, of one customer.
fn list(things: &Things) -> Value {
    json!({
        "q": null,
        "customer": things.customer,
        "sort": null,
        "direction": "ascending",
        "page": { "page": 1, "rows": 50 },
    })
}

fn asked(app: &TestApp, things: &Things, session: &str, function: &str) -> Asked {
    reading(things, function).map_or_else(
        || Asked::Form(changing(app, things, session, function)),
        Asked::Json,
    )
}

/// What a function that reads is asked.
pub(super) fn reading(things: &Things, function: &str) -> Option<Value> {
    let Things {
        customer,
        credential_profile: profile,
        integration,
        run,
        user,
        group,
        contact,
        device,
        recipient,
        audit_event,
        operator,
        api_token,
        ..
    } = things;
    Some(match function {
        "consent-links/form" => json!({ "customer": null, "integration": integration }),
        "consent-links/list" => json!({ "customer": customer, "page": list(things)["page"] }),
        "account/second-factors"
        | "account/sessions"
        | "account/ways-to-sign-in"
        | "api-tokens/form"
        | "customers/count"
        | "customers/known-tags"
        | "operators/invitation-form"
        | "operators/required-second-factor"
        | "own-account/asked"
        | "own-account/view"
        | "own-recovery-codes/offer"
        | "recovery-codes/offer"
        | "session/current"
        | "session/proof"
        | "session/providers"
        | "session/ways"
        | "sync/standing" => json!({}),
        // These take JSON too. To sign in with a passkey is for strangers; that is tried where there
        // are passkeys.
        "passkeys/ask" => json!({ "purpose": "Confirm" }),
        "passkeys/give" => json!({ "purpose": "Confirm", "answer": "{}", "next": "" }),
        "passkeys/add" => json!({ "answer": "{}", "name": "Key", "next": "" }),
        "authenticator/offer" | "own-authenticator/offer" => json!({ "sealed": null }),
        "api-tokens/list" => json!({ "list": list(things), "state": null }),
        "api-tokens/rotation-form" | "api-tokens/take-over-form" | "api-tokens/view" => {
            json!({ "id": api_token })
        }
        "audit-log/list" => json!({ "list": list(things), "filter": {} }),
        "audit-log/view" => json!({ "id": audit_event }),
        "contacts/view" => json!({ "id": contact }),
        "credential-profiles/list" => json!({ "list": list(things) }),
        "credential-profiles/view" => json!({ "id": profile }),
        "customers/get"
        | "customers/name"
        | "customers/tag-choice"
        | "customers/view"
        | "customers/zones" => {
            json!({ "id": customer })
        }
        "customers/list" => json!({ "list": list(things), "bin": false }),
        "customers/names" | "find/all" => json!({ "q": "Contoso" }),
        "contacts/list" | "devices/list" | "groups/list" | "users/list" => {
            json!({ "list": list(things), "filter": {} })
        }
        "consent/view" | "enrolment/view" | "invitation/view" | "password/view" => {
            json!({ "secret": "x" })
        }
        "operators/again-form" | "operators/view" => json!({ "id": operator }),
        "operators/list" => json!({ "list": list(things), "role": null, "state": null }),
        "devices/view" => json!({ "id": device }),
        "groups/candidates" => json!({ "id": group, "q": "a" }),
        "groups/members" => json!({ "id": group, "list": list(things) }),
        "groups/view" => json!({ "id": group }),
        "history/list" => json!({ "query": list(things), "integration_id": integration }),
        "directory/new-form"
        | "enrolment/settings"
        | "integrations/choices"
        | "notifications/list"
        | "overview/read" => {
            json!({ "customer": customer })
        }
        "enrolment/preview" => json!({
            "customer": customer,
            "form": { "language": "nl", "link_days": "3" },
        }),
        "notifications/offer-secret" => json!({ "customer": customer, "id": null }),
        "notifications/view" => json!({ "id": recipient }),
        "runs/changes" => json!({ "id": run, "query": list(things) }),
        "runs/get" => json!({ "id": run }),
        "users/group-name" => json!({ "group": group }),
        "bulk/view" => {
            json!({ "id": things.bulk_change, "outcome": null, "page": { "page": 1, "rows": 50 } })
        }
        "grid/views" => json!({ "list": "users" }),
        "users/groups-form" | "users/view" => json!({ "id": user }),
        other => return reading_integrations(things, other),
    })
}

/// The same about integrations.
fn reading_integrations(things: &Things, function: &str) -> Option<Value> {
    let (integration, run) = (&things.integration, &things.run);
    Some(match function {
        "integrations/configuration" | "integrations/deletion" | "integrations/head" => {
            json!({ "id": integration })
        }
        "integrations/group-search" => json!({ "id": integration, "q": "empl", "counts": false }),
        "integrations/protected-forecast" => json!({ "id": integration, "rules": [] }),
        "integrations/settings-of-preview" => json!({ "id": integration, "run": run }),
        "integrations/explain" => json!({ "id": integration, "object": "somebody" }),
        "integrations/groups" => json!({ "id": integration, "query": list(things) }),
        "integrations/list" => json!({ "query": list(things), "filters": {} }),
        other => return reading_settings(things, other),
    })
}

/// The same about settings: mapping, versions, files and templates.
fn reading_settings(things: &Things, function: &str) -> Option<Value> {
    let Things {
        customer,
        integration,
        run,
        ..
    } = things;
    Some(match function {
        "mapping/extensions" | "mapping/get" | "policy-templates/standing" => {
            json!({ "id": integration })
        }
        "filters/get" => json!({ "id": integration, "run": null }),
        "filters/check" => json!({ "id": integration, "form": {} }),
        "filters/test" => json!({ "id": integration, "form": {}, "object_type": "user" }),
        "matches/list" => json!({ "id": integration, "list": list(things), "filter": {} }),
        // Somebody who doesn't wait.
        "matches/view" => json!({ "id": integration, "person": run }),
        "mapping/check" => json!({ "id": integration, "mapping": { "lines": [] } }),
        "mapping/test" => json!({ "id": integration, "mapping": null, "objects": "" }),
        "policy-templates/form" => json!({}),
        "policy-templates/list" => json!({ "query": list(things) }),
        "policy-templates/text" => json!({ "id": things.policy_template }),
        "policy-templates/view" | "policy-templates/versions" => {
            json!({ "id": things.policy_template, "query": list(things) })
        }
        "policy-templates/effect" => json!({ "id": things.policy_template, "draft": run }),
        "policy-templates/version" => {
            json!({ "id": things.policy_template, "number": 1, "against": null })
        }
        "policy-templates/touched" => {
            let becomes = json!({ "Version": [things.policy_template, 1] });
            json!({ "becomes": becomes, "integration": integration })
        }
        "policy-templates/effect-of-version" => {
            json!({ "id": things.policy_template, "number": 1 })
        }
        "settings-files/customer" => json!({ "id": customer }),
        // A file that was never put aside.
        "settings-files/plan" => json!({ "into": { "Integration": integration }, "draft": run }),
        "imports/get" => json!({ "id": things.import }),
        "imports/group-search" => json!({ "integration": integration, "q": "empl" }),
        "imports/integrations" | "imports/list" => json!({ "customer": customer }),
        "imports/rows" => json!({ "id": things.import, "query": list(things), "outcome": null }),
        "versions/list" => json!({ "id": integration, "query": list(things) }),
        "versions/view" => json!({ "id": integration, "number": 1, "against": null }),
        "versions/of-customer" => json!({ "id": customer, "query": list(things) }),
        "versions/view-of-customer" => json!({ "id": customer, "number": 1, "against": null }),
        _ => return None,
    })
}

/// The form of an integration's settings.
pub(super) fn settings(integration: &str, profile: &str) -> String {
    format!(
        "id={integration}&settings[credential_profile_id]={profile}&settings[timing]=minutes\
         &settings[every_minutes]=5&settings[out_of_scope]=disable\
         &settings[guard_user_percent]=10&settings[guard_group_percent]=10\
         &settings[guard_membership_percent]=10&settings[object_types][]=user\
         &settings[object_types][]=group"
    )
}

/// What a function that changes something is sent.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn changing(app: &TestApp, things: &Things, session: &str, function: &str) -> String {
    let Things {
        customer,
        credential_profile: profile,
        integration,
        run,
        user,
        recipient,
        operator,
        operator_session,
        ..
    } = things;
    let new = format!(
        "customer_id={customer}&tenant={}&cloud=sim&credential_profile_id={profile}",
        app.tenant().domain
    );
    match function {
        "account/change-password" => {
            "old_password=x&new_password=one+of+them&password_again=another".to_owned()
        }
        "account/end-other-sessions" | "session/sign-out" | "sync/pause" | "sync/resume" => {
            String::new()
        }
        // Of an account: nobody's.
        "account/end-session" | "account/unlink" => format!("id={session}"),
        "credential-profiles/add" => format!(
            "customer_id={customer}&name=New&client_id=63122682-6e3c-4cbb-9f35-7c1da11e1e1e\
             &client_secret=x"
        ),
        "credential-profiles/add-second" => {
            format!("id={profile}&kind=client_secret&client_secret=z")
        }
        "credential-profiles/use-second" | "credential-profiles/remove-second" => {
            format!("id={profile}")
        }
        "credential-profiles/test-second" => format!("id={profile}&integration_id={integration}"),
        "credential-profiles/change" => {
            format!("id={profile}&name=Own&client_id={}", app.tenant().client_id)
        }
        "credential-profiles/delete" => format!("id={profile}"),
        // With the same, so that the integration that is saved with this profile can still be read.
        "credential-profiles/replace-secret" => {
            let secret = &app.tenant().client_secret;
            format!("id={profile}&kind=client_secret&client_secret={secret}")
        }
        "customers/add" => "name=".to_owned(),
        "customers/delete" => format!("id={customer}&confirm_name=Contoso"),
        "customers/set-tags" => format!("id={customer}&tags[]=north&more="),
        "invitation/accept" | "password/reset" => {
            "secret=x&name=Eve&password=a+long+pass+phrase&password_again=a+long+pass+phrase"
                .to_owned()
        }
        "operators/change" => format!("id={operator}&name=Read-Only"),
        "operators/disable"
        | "operators/end-sessions"
        | "operators/enable"
        | "operators/reset-second-factor"
        | "operators/remove" => format!("id={operator}"),
        "operators/end-session" => format!("id={operator}&session={operator_session}"),
        "operators/invite" => format!(
            "email={}%40example.com&name=Noor&role=read_only&scope=some&customer_ids[]={customer}\
             &sealed_link=x",
            app.t.ids.uuid()
        ),
        "operators/invite-again" => format!("id={operator}&sealed_link=x"),
        "password/forgot" => "email=nobody%40example.com".to_owned(),
        "customers/rename" => format!("id={customer}&name=Contoso"),
        "customers/pause" | "customers/restore" | "customers/resume" => format!("id={customer}"),
        "customers/time-zone" => format!("id={customer}&time_zone=Europe/Amsterdam"),
        "directory/cancel-countdown" => format!("object_type=user&id={user}&note="),
        "directory/restart-countdown" => format!("object_type=user&id={user}"),
        "integrations/add" | "integrations/test" => new,
        "users/protect" => format!("id={user}&note="),
        "users/end-session" => format!("id={user}&session={}", things.operator_session),
        "bulk/prepare" => {
            format!("list=users&action=protect&ids[0]={user}&query=&group_id=&note=")
        }
        "bulk/apply" => format!("id={}", things.bulk_change),
        "grid/choose-columns" => "list=users&columns[0]=mail&back=%2Fusers".to_owned(),
        "grid/save-view" => format!("list=users&name=Mine&query=customer%3D{customer}"),
        "grid/change-view" | "grid/delete-view" => format!("id={}&name=Ours", things.saved_view),
        "users/end-sessions" | "users/unprotect" => format!("id={user}"),
        "integrations/cancel-run" => format!("run_id={run}"),
        "integrations/delete" => format!("id={integration}&people=keep"),
        "integrations/full-sync"
        | "integrations/pause"
        | "integrations/preview"
        | "integrations/resume" => format!("id={integration}"),
        // Nobody: what is refused is so after the permission.
        "integrations/sync-object" => format!("id={integration}&object=ab"),
        "integrations/preview-settings" | "integrations/save" | "integrations/test-saved" => {
            settings(integration, profile)
        }
        "filters/preview" | "filters/save" => {
            format!("id={integration}&filters[domains]=a.example")
        }
        "mapping/preview" | "mapping/save" => mapping(integration),
        "notifications/add" => {
            format!("customer_id={customer}&kind=mail&address=no-address&causes[]=run.held")
        }
        "notifications/change" => {
            format!("id={recipient}&address={customer}%40example.com&causes[]=run.held")
        }
        "notifications/check-mail-server" => String::new(),
        "notifications/delete" | "notifications/test" => format!("id={recipient}"),
        "notifications/rotate-secret" => format!("id={recipient}&sealed_secret=x"),
        "runs/apply" | "runs/cancel" => format!("id={run}"),
        "runs/decide" => {
            format!("id={run}&object_type=user&decision=approved&reason=T-1")
        }
        "runs/withdraw" => format!("id={run}&object_type=user"),
        "session/sign-in" => "email=nobody%40example.com&password=x&next=".to_owned(),
        "setup/create-owner" => "code=x&name=Eve&email=eve%40example.com&password=x".to_owned(),
        "theme/choose" => "theme=dark".to_owned(),
        other => changing_directory(app, things, &new, other),
    }
}

/// What a function about users and groups of a directory is sent; `new` are the fields of an
/// integration.
fn changing_directory(app: &TestApp, things: &Things, new: &str, function: &str) -> String {
    let Things {
        customer,
        user,
        group,
        contact,
        ..
    } = things;
    match function {
        "groups/add" => format!("customer_id={customer}&display_name=&description="),
        "groups/add-members" | "groups/remove-members" => {
            format!("id={group}&member_ids[]={contact}")
        }
        "groups/change" => format!("id={group}&display_name=Board&description="),
        "groups/delete" | "groups/restore" => format!("id={group}"),
        "users/add" => format!(
            "customer_id={customer}&user[display_name]=&user[user_principal_name]=a%40b.example"
        ),
        "users/change" => {
            format!("id={user}&user[display_name]=A&user[user_principal_name]=a%40b.example")
        }
        "users/deactivate" => format!("id={user}&note="),
        "users/delete" | "users/reactivate" | "users/restore" | "users/set-groups" => {
            format!("id={user}")
        }
        "users/keep-attribute" => format!("id={user}&name=jobTitle&value=Lead&note="),
        "users/release-attribute" => format!("id={user}&name=jobTitle"),
        "users/set-administrator" => format!("id={user}&administrator=true"),
        "users/set-aliases" => format!("id={user}&aliases=other%40example.com"),
        other => changing_tokens(app, things, new, other),
    }
}

/// A rule for an attribute.
pub(super) fn mapping(integration: &str) -> String {
    let line = |field: &str, value: &str| format!("&mapping[lines][0][{field}]={value}");
    [
        format!("id={integration}"),
        line("number", "0"),
        line("object_type", "user"),
        line("attribute", "jobTitle"),
        line("kind", "constant"),
        line("value", "Colleague"),
    ]
    .concat()
}

/// What a function about tokens and consent links is sent; `new` are the fields of an integration.
fn changing_tokens(app: &TestApp, things: &Things, new: &str, function: &str) -> String {
    let Things {
        api_token,
        consent_link,
        ..
    } = things;
    match function {
        "api-tokens/add" => {
            "name=CI&kind=personal&role=read_only&reach=all&bounds[days]=90&sealed_token=x"
                .to_owned()
        }
        "api-tokens/revoke" => format!("id={api_token}"),
        "enrolment/invite"
        | "enrolment/mark-bounced"
        | "enrolment/reset-second-factor"
        | "enrolment/unmark-bounced" => format!("id={}", things.user),
        "enrolment/invite-first" => format!("customer={}&first=1", things.customer),
        "enrolment/save" => format!("customer={}&language=en&link_days=14", things.customer),
        "enrolment/test" => format!("customer={}&to=x", things.customer),
        "enrolment/activate" => {
            "secret=x&password=a+long+pass+phrase&password_again=a+long+pass+phrase".to_owned()
        }
        "enrolment/forgot" => "user_name=nobody%40example.com".to_owned(),
        "enrolment/sign-in" => "user_name=nobody%40example.com&password=x".to_owned(),
        "api-tokens/rotate" | "api-tokens/take-over" => {
            format!("id={api_token}&overlap_hours=1&sealed_token=x")
        }
        "consent-links/add" => format!("{new}&object_types[]=user&sealed_link=x"),
        "consent-links/revoke" => format!("id={consent_link}"),
        other => match changing_settings(things, other) {
            Some(form) => form,
            None => changing_second_factors(app, other),
        },
    }
}

/// The same about versions, settings files and policy templates. What is confirmed with another hash is
/// refused after the permission.
fn changing_settings(things: &Things, function: &str) -> Option<String> {
    let (integration, template) = (&things.integration, &things.policy_template);
    let draft = &things.run;
    Some(match function {
        "matches/decide" => {
            format!("id={integration}&external_ids[]={draft}&decision=ignore&note=T-1")
        }
        "matches/take-back" => format!("id={integration}&external_ids[]={draft}&note=T-1"),
        "imports/apply" => format!("id={}&plan=x&rows=all", things.import),
        "imports/change" => format!("id={}&password=none", things.import),
        "imports/delete" => format!("id={}", things.import),
        "imports/from-groups" => format!(
            "customer={}&integration={integration}&password=none",
            things.customer
        ),
        "versions/restore" => format!("id={integration}&number=1&hash=x"),
        "versions/restore-customer" => format!("id={}&number=1&hash=x", things.customer),
        "versions/preview" => format!("id={integration}&number=1"),
        "settings-files/look" => format!("integration={integration}&content=x+%3D+1"),
        "settings-files/import" => format!("integration={integration}&draft={draft}&hash=x"),
        "policy-templates/add" => "name=New&copy_from=".to_owned(),
        "policy-templates/rename" => format!("id={template}&name=Standard"),
        "policy-templates/delete" => format!("id={template}"),
        "policy-templates/look" => format!("id={template}&content=x+%3D+1"),
        "policy-templates/save" => format!("id={template}&draft={draft}&hash=x"),
        "policy-templates/restore" => format!("id={template}&number=1&hash=x"),
        "policy-templates/follow" => {
            format!("id={integration}&policy_template_id={template}")
        }
        "policy-templates/leave" => format!("id={integration}"),
        "policy-templates/accept-drift" | "policy-templates/put-back-drift" => {
            format!("id={integration}&paths[]=policy.include_guests&note=&hash=x")
        }
        _ => return None,
    })
}

/// The same about one's own second factors.
fn changing_second_factors(app: &TestApp, function: &str) -> String {
    match function {
        "authenticator/confirm" => "sealed_key=x&code=123456".to_owned(),
        "authenticator/remove"
        | "operators/require-second-factor"
        | "own-account/end-other-sessions"
        | "own-account/sign-out" => String::new(),
        "own-account/second-factor" => "code=123456".to_owned(),
        "own-authenticator/confirm" => "sealed_key=x&code=123456&password=x".to_owned(),
        "own-authenticator/remove" => "password=x".to_owned(),
        "own-recovery-codes/keep" => "sealed_codes=x&password=x".to_owned(),
        "recovery-codes/keep" => "sealed_codes=x&next=".to_owned(),
        "session/confirm" | "session/second-factor" => "code=123456&next=".to_owned(),
        "passkeys/rename" => format!("id={}&name=Key", app.t.ids.uuid()),
        "passkeys/remove" | "own-account/end-session" => format!("id={}", app.t.ids.uuid()),
        "own-account/change-password" => {
            "old_password=x&new_password=one+of+them&password_again=another".to_owned()
        }
        other => panic!("a new server function, {other}: ask it something here"),
    }
}

/// The functions that are linked, without the prefix. What takes away comes last.
pub(super) fn functions() -> Vec<String> {
    let mut functions: Vec<_> = server_fn_paths()
        .map(|(path, method)| {
            assert_eq!(method, Method::POST, "{path}: a change by GET is a hole");
            path.strip_prefix("/api/").expect("one prefix").to_owned()
        })
        .collect();
    functions.sort_by_key(|function| (takes_away(function), function.clone()));
    functions
}

fn takes_away(function: &str) -> bool {
    [
        "/delete",
        "/remove",
        "/revoke",
        "/take-over",
        "operators/end-session",
    ]
    .iter()
    .any(|end| function.ends_with(end))
}

const WIDTH: usize = 34;

/// Asks a function something about `things`.
pub(super) async fn answer(app: &TestApp, things: &Things, function: &str, cookie: &str) -> Answer {
    asked_and_answered(app, things, function, cookie).await.1
}

/// What a function is asked about `things`, as text.
pub(super) fn question(app: &TestApp, things: &Things, function: &str) -> String {
    match asked(app, things, "", function) {
        Asked::Json(body) => body.to_string(),
        Asked::Form(form) => form,
    }
}

/// The same, with the question.
async fn asked_and_answered(
    app: &TestApp,
    things: &Things,
    function: &str,
    cookie: &str,
) -> (String, Answer) {
    if FOR_STRANGERS.contains(&function) {
        // Tries to sign in slow down the next ones; that is another test's matter.
        app.t.clock.advance(chrono::Duration::hours(1));
    }
    let session = app.session_id(&app.owner_scope).await;
    let (json, form) = match asked(app, things, &session, function) {
        Asked::Json(body) => (Some(body), String::new()),
        Asked::Form(form) => (None, form),
    };
    let answer = app.function(function, cookie, json.as_ref(), &form).await;
    app.work().await;
    (json.map_or(form, |json| json.to_string()), answer)
}

/// Asks a function something about `things`; answers the status, and whether it told of any that
/// wasn't named.
async fn ask(app: &TestApp, things: &Things, function: &str, cookie: &str) -> (u16, bool) {
    let (question, answer) = asked_and_answered(app, things, function, cookie).await;
    let told = things.are_told_by(&answer.text, &question);
    (answer.status.as_u16(), told)
}

#[tokio::test]
async fn every_function_answers_each_caller_as_the_table_says() {
    let app = TestApp::with_farm(Kind::Sqlite, 8).await.unwrap();
    let elsewhere = [app.customer("Elsewhere").await];
    let mut strange: Vec<Scope> = Vec::new();
    for role in ROLES {
        strange.push(app.t.role_over(role, &elsewhere).await);
    }
    super::with_half(&app).await;
    let mut table = head("server function", WIDTH);
    let mut things = Things::new(&app).await;
    for function in functions() {
        if function.starts_with("imports/") {
            // It waits for a day, and the clock goes on.
            things.import = super::import(&app, things.customer.parse().unwrap()).await;
        }
        let ended = app.ended_session(&app.owner_scope).await;
        let mut statuses = Vec::new();
        for cookie in ["", &ended] {
            let (status, told) = ask(&app, &things, &function, cookie).await;
            assert!(!told, "{function} tells a stranger of a customer's things");
            if !FOR_STRANGERS.contains(&function.as_str()) {
                assert_eq!(status, 401, "{function}");
            }
            statuses.push(status);
        }
        let half = app.half_session(super::HALF, super::HALF_PASSWORD).await;
        let (status, told) = ask(&app, &things, &function, &half).await;
        assert!(
            !told,
            "{function} tells of a customer's things before the second factor"
        );
        let open = [&FOR_STRANGERS[..], &FOR_HALF[..]].concat();
        assert_eq!(
            status == 401,
            !open.contains(&function.as_str()),
            "{function}"
        );
        statuses.push(status);

        // Of another customer: nothing is told to any role, and an owner there learns as little as
        // whoever may do nothing.
        let mut answers = Vec::new();
        for scope in &strange {
            let cookie = app.session(scope).await;
            let (status, told) = ask(&app, &things, &function, &cookie).await;
            assert!(
                !told,
                "{function} tells {} of another customer's things",
                scope.role()
            );
            answers.push(status);
        }
        let owner_elsewhere = answers[ROLES.len() - 1];
        assert!(
            answers
                .iter()
                .all(|status| *status == owner_elsewhere || *status == 403),
            "{function}: {answers:?}"
        );
        statuses.push(owner_elsewhere);

        for caller in 0..=ROLES.len() {
            let own = [things.customer.parse().unwrap()];
            let cookie = match ROLES.get(caller) {
                Some(role) => app.session(&app.t.role_over(*role, &own).await).await,
                None => app.session(&app.owner_scope).await,
            };
            let (status, _) = ask(&app, &things, &function, &cookie).await;
            statuses.push(status);
            if takes_away(&function) && status < 300 {
                things = Things::new(&app).await;
            }
        }
        table.push_str(&line(&function, WIDTH, &statuses));
    }
    insta::assert_snapshot!("function_permissions", table);
}
