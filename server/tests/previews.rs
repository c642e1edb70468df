//! Previews: what would happen, applied as it was shown, or refused since the world moved on.

use std::collections::BTreeSet;

use domain::permission::Role;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::support::{Answer, NOBODY, TestApp, both_with_farm, id};

/// A preview from start to end.
async fn preview(app: &TestApp, integration: &str, policy: Option<Value>) -> Value {
    let path = format!("/integrations/{integration}/runs");
    let run = app
        .post(&path, json!({ "mode": "preview", "policy": policy }))
        .await
        .expect(202);
    assert_eq!(
        (&run["mode"], &run["status"]),
        (&json!("preview"), &json!("queued"))
    );
    assert_eq!(run["preview"]["apply_until"], Value::Null);
    app.work().await;
    app.get(&format!("/runs/{}", id(&run))).await.expect(200)
}

/// What a list of objects of the source names, and it has one page.
fn external_ids(list: &Value, wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    assert_eq!(list["next"], Value::Null);
    let items = list["items"].as_array().unwrap().iter();
    items
        .filter(|item| wanted(item))
        .map(|item| item["external_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn users(app: &TestApp, customer: impl std::fmt::Display) -> BTreeSet<String> {
    let path = format!("/customers/{customer}/users?limit=1000");
    external_ids(&app.get(&path).await.expect(200), |_| true)
}

/// What the page of a run is told.
async fn detail(app: &TestApp, run: &Value) -> Value {
    let cookie = app.session(&app.owner_scope).await;
    let asked = json!({ "id": id(run) });
    app.function("runs/get", &cookie, Some(&asked), "")
        .await
        .expect(200)
}

both_with_farm!(a_preview_is_applied_as_it_was_shown, |app| {
    let (customer, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let mut policy = app.get(&path).await.expect(200)["policy"].clone();
    policy["require_names"] = json!(false);
    policy["guard"]["user"]["max_count"] = json!(7);
    let shown = preview(&app, &integration, Some(policy.clone())).await;
    assert_eq!(shown["status"], "succeeded", "{shown}");
    assert_eq!(shown["preview"]["unsaved"], true);
    assert!(shown["preview"]["apply_until"].is_string(), "{shown}");

    let run = format!("/runs/{}", id(&shown));
    let changes = app
        .get(&format!("{run}/changes?limit=1000"))
        .await
        .expect(200);
    let coming = external_ids(&changes, |change| {
        change["object_type"] == "user" && change["action"] == "create"
    });
    assert!(coming.len() > 10, "{changes}");
    let all = changes["items"].as_array().unwrap();
    let not_planned =
        |change: &&Value| change["status"] != "planned" && change["status"] != "filtered";
    assert_eq!(all.iter().find(not_planned), None);
    assert_eq!(users(&app, customer).await, BTreeSet::new());
    let before = app.get(&path).await.expect(200);
    assert_eq!(before["state"], "not_started");
    assert_eq!(before["policy"]["require_names"], true);
    let settings = detail(&app, &shown).await["preview"]["settings"].clone();
    let names: Vec<_> = settings
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["Names", "Guard, user"]);

    let elsewhere = app.customer("Elsewhere").await;
    let stranger = app.token(Role::Administrator, Some(&[elsewhere])).await;
    let apply = format!("{run}/apply");
    app.call(Method::POST, &apply, Some(&stranger), Some(json!({})))
        .await
        .refused(404);

    let going_on = app.post(&apply, json!({})).await.expect(202);
    assert_eq!(
        (&going_on["mode"], &going_on["status"]),
        (&json!("full"), &json!("running"))
    );
    app.work().await;
    let applied = app.get(&run).await.expect(200);
    assert_eq!(applied["status"], "succeeded", "{applied}");
    assert_eq!(
        applied["requests"], shown["requests"],
        "nothing was read again"
    );
    assert_eq!(
        applied["preview"],
        json!({ "unsaved": true, "apply_until": null })
    );
    assert_eq!(users(&app, customer).await, coming);
    assert_eq!(app.get(&path).await.expect(200)["policy"], policy);
    let again = app.post(&apply, json!({})).await.expect(409);
    assert!(
        again["detail"].to_string().contains("applied already"),
        "{again}"
    );
});

both_with_farm!(a_preview_is_refused_once_the_world_moved_on, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let shown = preview(&app, &integration, None).await;
    assert_eq!(shown["preview"]["unsaved"], false);
    assert_eq!(
        detail(&app, &shown).await["preview"]["refusal"],
        Value::Null
    );
    let apply = format!("/runs/{}/apply", id(&shown));

    let mut policy = app.get(&path).await.expect(200)["policy"].clone();
    policy["include_guests"] = json!(true);
    app.patch(&path, json!({ "policy": policy }))
        .await
        .expect(200);
    let refused = app.post(&apply, json!({})).await.expect(409);
    assert!(
        refused["detail"]
            .to_string()
            .contains("settings were changed"),
        "{refused}"
    );
    // The page says so before anybody presses anything.
    let page = detail(&app, &shown).await;
    assert_eq!(page["preview"]["refusal"], refused["detail"]);

    policy["include_guests"] = json!(false);
    app.patch(&path, json!({ "policy": policy }))
        .await
        .expect(200);
    let newer = app.full_sync(&integration).await;
    let refused = app.post(&apply, json!({})).await.expect(409);
    assert_eq!(refused["run_id"], newer["id"], "{refused}");

    let nothing = preview(&app, &integration, None).await;
    assert_eq!(nothing["status"], "nothing_to_do", "{nothing}");
    assert_eq!(nothing["preview"]["apply_until"], Value::Null);
    let apply = format!("/runs/{}/apply", id(&nothing));
    let refused = app.post(&apply, json!({})).await.expect(409);
    assert!(
        refused["detail"].to_string().contains("nothing to do"),
        "{refused}"
    );
});

both_with_farm!(a_policy_is_for_previews_and_read_closely, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}/runs");
    for mode in ["full", "delta"] {
        let body = json!({ "mode": mode, "policy": {} });
        let field = app.post(&path, body).await.refused(400);
        assert_eq!(field.as_deref(), Some("policy"));
    }
    for (policy, field) in [
        (json!("strict"), "policy"),
        (json!({ "guests": true }), "policy.guests"),
        (json!({ "include_guests": "yes" }), "policy.include_guests"),
        (json!({ "object_types": [] }), "policy.object_types"),
        (
            json!({ "object_types": ["membership"] }),
            "policy.object_types",
        ),
        (
            json!({ "selected_group_ids": ["sales"] }),
            "policy.selected_group_ids[0]",
        ),
        (
            json!({ "delete_after_days": 0 }),
            "policy.delete_after_days",
        ),
        (
            json!({ "actions": { "creates": true } }),
            "policy.actions.creates",
        ),
        (
            json!({ "guard": { "user": { "max_count": 1, "max_percent": 101 } } }),
            "policy.guard.user.max_percent",
        ),
    ] {
        let body = json!({ "mode": "preview", "policy": policy });
        let blamed = app.post(&path, body).await.refused(422);
        assert_eq!(blamed.as_deref(), Some(field));
    }
    let runs = app.get("/runs").await.expect(200);
    assert_eq!(runs["items"], json!([]), "nothing was started");
});

/// A file of the interface, as an operator's browser asks for it.
async fn file(app: &TestApp, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path)
        .header(header::ACCEPT, "text/html,*/*;q=0.8")
        .header(header::COOKIE, cookie)
        .body(axum::body::Body::empty())
        .unwrap();
    app.send(request).await
}

both_with_farm!(
    the_changes_of_a_run_are_a_file_with_a_line_an_attribute,
    |app| {
        let (customer, integration) = app.integration().await;
        let first = app.full_sync(&integration).await;
        let list = app
            .get(&format!("/customers/{customer}/users"))
            .await
            .expect(200);
        // Some of the tenant's names would be written with quotes, which is another test's matter.
        let is_plain = |name: &str| name.chars().all(|c| c.is_alphabetic() || c == ' ');
        let list = list["items"].as_array().unwrap();
        let user = list
            .iter()
            .find(|user| is_plain(user["display_name"].as_str().unwrap()))
            .unwrap();
        let object = user["external_id"].as_str().unwrap();
        let name = user["display_name"].as_str().unwrap();
        let groups = app
            .get(&format!("/customers/{customer}/groups"))
            .await
            .expect(200);
        let group = &groups["items"][0];
        let members = app
            .get(&format!("/groups/{}/members", id(group)))
            .await
            .expect(200);
        let member = members["items"][0]["external_id"].as_str().unwrap();
        let group_id = group["external_id"].as_str().unwrap();
        let members = [member.parse().unwrap()];
        app.control()
            .remove_members(group_id.parse().unwrap(), &members)
            .unwrap();
        let formula = "=HYPERLINK(0)";
        app.control()
            .rename(object.parse().unwrap(), formula)
            .unwrap();
        let shown = preview(&app, &integration, None).await;
        let cookie = app.session(&app.owner_scope).await;
        let path =
            |run: &Value, more: &str| format!("/export/run-changes.csv?run={}{more}", id(run));

        let answer = file(&app, &path(&shown, ""), &cookie).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .header("content-disposition")
                .contains("run-changes.csv")
        );
        let mut lines = answer.text.lines();
        assert_eq!(
            lines.next().unwrap(),
            "Type,Name,User Name,Object Id,Action,Reason,Status,Attribute,Before,After,Error"
        );
        let user_name = user["user_principal_name"].as_str().unwrap();
        assert_eq!(
            lines.find(|line| line.contains(object)),
            Some(&*format!(
                "User,'{formula},{user_name},{object},Update,,Planned,display name,{name},'{formula},"
            )),
            "{}",
            answer.text
        );
        for nothing in [
            "&action=delete",
            "&type=group",
            "&status=applied",
            "&q=nobody",
        ] {
            let answer = file(&app, &path(&shown, nothing), &cookie).await;
            assert!(!answer.text.contains(object), "{nothing}: {}", answer.text);
        }

        let removed = format!("{group_id},Update,,Planned,member removed,{member},,");
        assert!(answer.text.contains(&removed), "{}", answer.text);

        // A group that comes in keeps no copy of who is in it: a line with their number.
        let members = file(&app, &path(&first, "&type=membership"), &cookie).await;
        let numbers = members.text.lines().skip(1).map(|line| {
            let (_, number) = line
                .split_once(",Create,,Applied,members,,")
                .expect("a new group");
            number.trim_end_matches(',').parse::<i64>().unwrap()
        });
        let counts = first["counts"].as_array().unwrap();
        let line = counts
            .iter()
            .find(|line| line["object_type"] == "membership")
            .unwrap();
        assert_eq!(json!(numbers.sum::<i64>()), line["created"]);

        let elsewhere = app.customer("Elsewhere").await;
        let stranger = app.t.administrator_of(&[elsewhere]).await;
        let stranger = app.session(&stranger).await;
        assert_eq!(file(&app, &path(&shown, ""), &stranger).await.status, 404);
        for wrong in ["", "?run=x", &format!("?run={NOBODY}")] {
            let wrong = format!("/export/run-changes.csv{wrong}");
            assert_eq!(file(&app, &wrong, &cookie).await.status, 404);
        }
        let nobody = file(&app, &path(&shown, ""), "").await;
        assert_eq!(
            (nobody.status.as_u16(), nobody.header("location")),
            (303, "/sign-in")
        );
    }
);

/// A form of the interface, as a browser without our code sends it: answers where it leads.
pub(crate) async fn plain_form(
    app: &TestApp,
    function: &str,
    cookie: &str,
    fields: &str,
    from: &str,
) -> String {
    let request = Request::post(format!("/api/{function}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, format!("http://127.0.0.1:3000{from}"))
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin")
        .body(axum::body::Body::from(fields.to_owned()))
        .unwrap();
    let answer = app.send(request).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").to_owned()
}

both_with_farm!(
    settings_are_previewed_and_applied_without_the_browser_code,
    |app| {
        let (customer, integration) = app.integration().await;
        let cookie = app.session(&app.owner_scope).await;
        let path = format!("/integrations/{integration}");
        let leads = file(&app, &path, &cookie).await.text;
        for says in ["Look at a preview", "action=\"/api/integrations/preview\""] {
            assert!(leads.contains(says), "{says}");
        }
        assert!(leads.contains("formaction=\"/api/integrations/preview-settings\""));

        let profile = app.get(&path).await.expect(200)["credential_profile_id"].clone();
        let fields = |minutes: &str| {
            format!(
                "id={integration}&settings[credential_profile_id]={}&settings[enabled]=true\
             &settings[enabled_was]=true&settings[full_scan_next]=true\
             &settings[full_scan_was]=true&settings[timing]=minutes\
             &settings[every_minutes]={minutes}&settings[out_of_scope]=disable\
             &settings[include_guests]=true&settings[require_names]=true\
             &settings[blocked_sign_in_disables]=true&settings[create]=true\
             &settings[update]=true&settings[disable]=true&settings[delete]=true\
             &settings[guard_user_count]=20&settings[guard_user_percent]=10\
             &settings[guard_group_count]=10&settings[guard_group_percent]=20\
             &settings[guard_membership_percent]=30&settings[object_types][]=user\
             &settings[object_types][]=group",
                profile.as_str().unwrap()
            )
        };
        let preview = "integrations/preview-settings";
        // What is wrong comes back to the form, as after Save.
        let back = plain_form(&app, preview, &cookie, &fields("soon"), &path).await;
        assert_eq!(back, path);
        let form = file(&app, &back, &cookie).await.text;
        for says in ["Enter a whole number", "value=\"soon\""] {
            assert!(form.contains(says), "{says}");
        }

        let run = plain_form(&app, preview, &cookie, &fields("15"), &path).await;
        assert!(run.starts_with("/runs/"), "{run}");
        let waits = file(&app, &run, &cookie).await.text;
        for says in [
            "It leaves aside what decides about nobody: Schedule",
            "Once it has ended it can be applied.",
        ] {
            assert!(waits.contains(says), "{says}");
        }
        app.work().await;
        let shown = file(&app, &run, &cookie).await.text;
        for says in [
            "A preview of settings that aren’t saved",
            "Nothing was changed.",
            "kept out",
            "included",
            "It can be applied until",
            &format!("href=\"{run}/apply\""),
        ] {
            assert!(shown.contains(says), "{says}");
        }
        let asks = file(&app, &format!("{run}/apply"), &cookie).await.text;
        let of_run = app.get(&run).await.expect(200);
        let coming = of_run["counts"][0]["created"].as_i64().unwrap();
        for says in [
            "Apply exactly this?",
            "The settings are saved with it",
            &format!("{coming} users"),
            "action=\"/api/runs/apply\"",
        ] {
            assert!(asks.contains(says), "{says}");
        }

        let apply = format!("id={}", id(&of_run));
        let from = format!("{run}/apply");
        assert_eq!(
            plain_form(&app, "runs/apply", &cookie, &apply, &from).await,
            run
        );
        app.work().await;
        assert!(
            file(&app, &run, &cookie)
                .await
                .text
                .contains("It was applied as it was shown.")
        );
        let saved = app.get(&path).await.expect(200);
        assert_eq!(saved["policy"]["include_guests"], true);
        assert_eq!(
            saved["schedule"]["every_minutes"], 5,
            "only what decides is saved"
        );
        assert_eq!(
            json!(users(&app, customer).await.len()),
            of_run["counts"][0]["created"]
        );

        // A second press comes back with the reason, and there is no button any more.
        let again = plain_form(&app, "runs/apply", &cookie, &apply, &from).await;
        let again = file(&app, &again, &cookie).await.text;
        assert!(again.contains("applied already"));
        assert!(!again.contains("action=\"/api/runs/apply\""));
    }
);
