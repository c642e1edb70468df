//! Versions, settings files and policy templates by REST, and their pages.

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, both_with_farm, id};

async fn put(app: &TestApp, path: &str, body: Value) -> Value {
    app.call(Method::PUT, path, Some(&app.owner), Some(body))
        .await
        .expect(200)
}

both_with_farm!(every_save_is_a_version_that_can_be_restored, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let made = app.get(&path).await.expect(200);
    let guests = json!({ "policy": { "include_guests": true } });
    app.patch(&path, guests).await.expect(200);
    let list = app
        .get(&format!("{path}/versions?limit=1"))
        .await
        .expect(200);
    assert_eq!(list["items"][0]["number"], 2);
    assert_eq!(list["items"][0]["changed"], json!(["Guests included"]));
    assert_eq!(list["items"][0]["source"]["cause"], "saved");
    let next = list["next"].as_str().unwrap();
    let rest = format!("{path}/versions?limit=1&cursor={next}");
    let rest = app.get(&rest).await.expect(200);
    assert_eq!(rest["items"][0]["source"]["cause"], "created");
    assert_eq!(rest["next"], Value::Null);

    let first = app.get(&format!("{path}/versions/1")).await.expect(200);
    assert_eq!(first["settings"]["policy"], made["policy"]);
    let difference = app
        .get(&format!("{path}/versions/1/difference"))
        .await
        .expect(200);
    assert_eq!(
        difference["differences"],
        json!([{
            "path": "policy.include_guests", "name": "Guests included",
            "before": true, "after": false,
        }])
    );
    let against = app
        .get(&format!("{path}/versions/2/difference?against=1"))
        .await
        .expect(200);
    assert_eq!(against["differences"][0]["after"], true);
    let none = app
        .get(&format!("{path}/versions/2/difference?against=7"))
        .await;
    assert_eq!(none.refused(422).as_deref(), Some("against"));

    let restore = format!("{path}/versions/1/restore");
    app.post(&restore, json!({ "hash": "of something else" }))
        .await
        .refused(409);
    let hash = json!({ "hash": difference["hash"] });
    let restored = app.post(&restore, hash).await.expect(200);
    assert_eq!(restored["policy"], made["policy"]);
    let newest = app.get(&format!("{path}/versions/3")).await.expect(200);
    assert_eq!(
        newest["source"],
        json!({ "cause": "restored", "number": 1, "name": null })
    );
    for nothing in ["4", "0", "x"] {
        app.get(&format!("{path}/versions/{nothing}"))
            .await
            .refused(404);
    }

    let cookie = app.session(&app.owner_scope).await;
    let page = app.page_of(&format!("{path}/versions"), &cookie).await;
    assert!(
        page.text.contains("Restored from version 1"),
        "{}",
        page.text
    );
    let page = app.page_of(&format!("{path}/versions/2"), &cookie).await;
    for says in [
        "Restoring it would change",
        "Restore this version",
        "Guests included",
    ] {
        assert!(page.text.contains(says), "{says}: {}", page.text);
    }
    let page = app
        .page_of(&format!("{path}/versions/2/restore"), &cookie)
        .await;
    assert!(page.text.contains("Restore version 2"), "{}", page.text);
    let page = app.page_of(&format!("{path}/versions/9"), &cookie).await;
    assert_eq!(page.status, 404);
});

both_with_farm!(settings_of_a_customer_are_versions_too, |app| {
    let customer = app.customer("Contoso").await;
    let path = format!("/customers/{customer}");
    let zone = json!({ "time_zone": "Europe/Amsterdam" });
    app.patch(&path, zone).await.expect(200);
    let told = json!({ "kind": "mail", "address": "it@contoso.example", "causes": ["run.held"] });
    let recipients = format!("{path}/notification-recipients");
    app.post(&recipients, told).await.expect(201);

    let list = app.get(&format!("{path}/versions")).await.expect(200);
    let changed: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["changed"].clone())
        .collect();
    assert_eq!(
        changed,
        [
            json!(["Notification recipients"]),
            json!(["Time zone"]),
            json!([])
        ]
    );
    let first = app.get(&format!("{path}/versions/1")).await.expect(200);
    assert_eq!(first["settings"]["time_zone"], "UTC");
    let difference = app.get(&format!("{path}/versions/1/difference")).await;
    let difference = difference.expect(200);
    assert_eq!(difference["differences"].as_array().unwrap().len(), 2);
    let none = format!("{path}/versions/2/difference?against=7");
    let none = app.get(&none).await.refused(422);
    assert_eq!(none.as_deref(), Some("against"));

    let restore = format!("{path}/versions/1/restore");
    app.post(&restore, json!({ "hash": "of something else" }))
        .await
        .refused(409);
    let hash = json!({ "hash": difference["hash"] });
    let restored = app.post(&restore, hash).await.expect(200);
    assert_eq!(restored["time_zone"], "UTC");
    let left = app.get(&recipients).await.expect(200);
    assert_eq!(left["items"], json!([]));

    let cookie = app.session(&app.owner_scope).await;
    for (page, says) in [
        ("versions", "Restored from version 1"),
        ("versions/2", "Restoring it would change"),
        ("versions/2?against=3", "Compared with version 3"),
        ("versions/2/restore", "What changes"),
    ] {
        let page = app.page_of(&format!("{path}/{page}"), &cookie).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(says), "{says}: {}", page.text);
    }
    // Where nothing differs, nothing is offered.
    let page = app
        .page_of(&format!("{path}/versions/1/restore"), &cookie)
        .await;
    assert!(
        page.text
            .contains("Nothing: these are the present settings.")
            && page.text.contains("Back to the version"),
        "{}",
        page.text
    );
    let token = app.token(Role::Administrator, None).await;
    let elsewhere = app.customer("Elsewhere").await;
    let stranger = app.token(Role::Administrator, Some(&[elsewhere])).await;
    let as_them = async |token: &str, method, path: &str| {
        let body = (method == Method::POST).then(|| json!({}));
        app.call(method, path, Some(token), body).await
    };
    let first = format!("{path}/versions/1");
    as_them(&token, Method::GET, &first).await.expect(200);
    as_them(&stranger, Method::GET, &first).await.refused(404);
    as_them(&stranger, Method::POST, &restore)
        .await
        .refused(404);
});

both_with_farm!(a_settings_file_goes_out_and_comes_in, |app| {
    let (customer, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let file = app.get(&format!("{path}/settings-file")).await;
    assert_eq!(file.header("content-type"), "application/json");
    let file = file.expect(200);
    assert_eq!(
        (&file["rollcall"], &file["version"]),
        (&json!("settings"), &json!(1))
    );
    let toml = app.get(&format!("{path}/settings-file?format=toml")).await;
    assert_eq!(toml.header("content-type"), "application/toml");
    assert!(
        toml.text.contains("rollcall = \"settings\""),
        "{}",
        toml.text
    );
    app.get(&format!("{path}/settings-file?format=yaml"))
        .await
        .refused(400);

    let mut other = file.clone();
    other["integration"]["policy"]["require_names"] = json!(false);
    let dry = format!("{path}/settings-file?dry_run=true");
    let plan = app.post(&dry, other.clone()).await.expect(200);
    assert_eq!(
        plan["changes"][0]["differences"][0]["path"],
        "policy.require_names"
    );
    let unchanged = app.get(&path).await.expect(200);
    assert_eq!(unchanged["policy"]["require_names"], true);
    let hash = plan["hash"].as_str().unwrap();
    let confirmed = format!("{path}/settings-file?hash={hash}");
    app.post(&confirmed, other.clone()).await.expect(200);
    let after = app.get(&path).await.expect(200);
    assert_eq!(after["policy"]["require_names"], false);
    app.post(&confirmed, file.clone()).await.refused(409);

    let mut misspelt = file.clone();
    misspelt["integration"]["policy"]["include_gests"] = json!(true);
    let answer = app.post(&dry, misspelt).await;
    assert_eq!(
        answer.refused(422).as_deref(),
        Some("integration.policy.include_gests")
    );
    assert!(answer.text.contains("include_guests"), "{}", answer.text);
    let mut newer = file;
    newer["version"] = json!(2);
    assert_eq!(
        app.post(&dry, newer).await.refused(422).as_deref(),
        Some("version")
    );

    let of_customer = format!("/customers/{customer}/settings-file");
    let whole = app.get(&of_customer).await.expect(200);
    let dry = format!("{of_customer}?dry_run=true");
    let plan = app.post(&dry, whole.clone()).await.expect(200);
    assert_eq!(plan["changes"], json!([]));
    let mut other = whole;
    other["customer"]["tags"] = json!(["gold"]);
    app.post(&of_customer, other).await.expect(200);
    let after = app.get(&format!("/customers/{customer}")).await.expect(200);
    assert_eq!(after["tags"], json!(["gold"]));
});

both_with_farm!(invitations_and_administrators_go_with_the_file, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let groups = app.get(&format!("/customers/{customer}/groups")).await;
    let group = groups.expect(200)["items"][0].clone();
    let (name, group) = (&group["display_name"], &group["external_id"]);
    let path = format!("/integrations/{integration}");
    let of_customer = format!("/customers/{customer}/settings-file");
    let before = app.get(&of_customer).await.expect(200);
    assert_eq!(
        before["customer"]["enrolment"],
        json!({ "language": "en", "link_days": 14 })
    );
    let integrations = &before["customer"]["integrations"];
    assert_eq!(integrations[0]["administrators"], json!({}));
    app.patch(
        &path,
        json!({ "policy": { "administrators_group_id": group } }),
    )
    .await
    .expect(200);
    let invites = format!("/customers/{customer}/enrolment-settings");
    let dutch = json!({ "language": "nl", "subject": "Welkom", "link_days": 7 });
    app.call(Method::PUT, &invites, Some(&app.owner), Some(dutch))
        .await
        .expect(200);
    let after = app.get(&of_customer).await.expect(200);
    let integrations = &after["customer"]["integrations"];
    assert_eq!(
        integrations[0]["administrators"],
        json!({ "group": { "id": group, "name": name } })
    );

    // Back again: first the difference, then all of it.
    let dry = format!("{of_customer}?dry_run=true");
    let plan = app.post(&dry, before.clone()).await.expect(200);
    let names = plan["changes"].as_array().unwrap().iter();
    let names = names.flat_map(|change| change["differences"].as_array().unwrap());
    let names: Vec<_> = names.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "Invitations: language",
            "Invitations: days the link is good",
            "Invitations: subject",
            "Administrators",
        ]
    );
    assert_eq!(plan["group_names"][group.as_str().unwrap()], *name);
    let hash = plan["hash"].as_str().unwrap();
    app.post(&format!("{of_customer}?hash={hash}"), before)
        .await
        .expect(200);
    let settings = app.get(&invites).await.expect(200);
    assert_eq!(settings["link_days"], 14);
    let policy = app.get(&path).await.expect(200)["policy"].clone();
    assert_eq!(policy["administrators_group_id"], Value::Null);

    let mut wrong = after;
    wrong["customer"]["enrolment"]["link_days"] = json!(0);
    assert_eq!(
        app.post(&dry, wrong).await.refused(422).as_deref(),
        Some("customer.enrolment.link_days")
    );
    let older = json!({
        "rollcall": "settings", "version": 1,
        "customer": { "name": "Older", "time_zone": "UTC" },
    });
    let plan = app.post(&dry, older).await.expect(200);
    assert_eq!(plan["changes"], json!([]));
});

both_with_farm!(
    a_file_is_looked_at_on_its_page_before_it_is_imported,
    |app| {
        let (customer, integration) = app.integration().await;
        let path = format!("/integrations/{integration}");
        let cookie = app.session(&app.owner_scope).await;
        let download = format!("/export/settings?integration={integration}&format=toml");
        let file = app.page_of(&download, &cookie).await;
        assert_eq!(file.status, 200);
        assert!(
            file.header("content-disposition")
                .contains("integration-settings.toml")
        );
        let page = app.page_of(&format!("{path}/settings-file"), &cookie).await;
        for says in ["Export as TOML", "Import settings", "Show the difference"] {
            assert!(page.text.contains(says), "{says}: {}", page.text);
        }
        let text = file
            .text
            .replace("include_guests = false", "include_guests = true");
        let content: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let form = format!("integration={integration}&content={content}");
        let looked = app
            .function("settings-files/look", &cookie, None, &form)
            .await;
        let to = looked.expect(200)["to"].as_str().unwrap().to_owned();
        let page = app.page_of(&to, &cookie).await;
        for says in ["Nothing is saved yet", "Guests included", "Import"] {
            assert!(page.text.contains(says), "{says}: {}", page.text);
        }
        let wrong = format!("integration={integration}&content=rollcall");
        let wrong = app
            .function("settings-files/look", &cookie, None, &wrong)
            .await;
        assert_eq!(wrong.status, 422, "{wrong:?}");
        assert!(wrong.text.contains("content"), "{}", wrong.text);

        let page = format!("/customers/{customer}/settings-file");
        let page = app.page_of(&page, &cookie).await;
        assert!(page.text.contains("Export as JSON"), "{}", page.text);
        // Whoever may not change anything may export.
        let reader = app.t.role_over(Role::ReadOnly, &[customer]).await;
        let reader = app.session(&reader).await;
        let page = app.page_of(&format!("{path}/settings-file"), &reader).await;
        assert!(page.text.contains("Export as TOML"), "{}", page.text);
        assert!(!page.text.contains("Import settings"), "{}", page.text);
    }
);

both_with_farm!(
    groups_of_another_tenant_are_found_by_their_names_if_asked,
    |app| {
        let (_, integration) = app.integration().await;
        let path = format!("/integrations/{integration}");
        let hits = app
            .get(&format!("{path}/group-search?q=empl"))
            .await
            .expect(200);
        let hit = hits["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|hit| hit["can_sync"] == true)
            .expect("a group that can be synced");
        let name = hit["display_name"].as_str().unwrap();
        let mut file = app.get(&format!("{path}/settings-file")).await.expect(200);
        file["integration"]["tenant"] = json!("elsewhere.example");
        file["integration"]["selected_groups"] = json!([
            { "id": "11111111-2222-4333-8444-555555555555", "name": name },
            { "id": "11111111-2222-4333-8444-666666666666", "name": "Nobody has this group" },
        ]);
        let plan = async |query: &str| {
            let path = format!("{path}/settings-file?dry_run=true{query}");
            app.post(&path, file.clone()).await.expect(200)
        };
        let without = plan("").await;
        assert_eq!(without["changes"], json!([]));
        assert_eq!(without["not_applied"].as_array().unwrap().len(), 3);
        let with = plan("&find_groups=true").await;
        assert_eq!(
            with["changes"][0]["differences"][0]["after"],
            json!([id(hit)])
        );
        assert_eq!(with["not_applied"].as_array().unwrap().len(), 1);
        assert_eq!(with["not_applied"][0]["what"], "Nobody has this group");

        // So is the group whose members are administrators.
        let mut file = file.clone();
        let groups = file["integration"]["selected_groups"].take();
        file["integration"]["selected_groups"] = json!([groups[0]]);
        file["integration"]["administrators"] = json!({ "group": groups[0] });
        let plan = format!("{path}/settings-file?dry_run=true&find_groups=true");
        let plan = app.post(&plan, file).await.expect(200);
        assert_eq!(plan["not_applied"], json!([]));
        let differences = plan["changes"][0]["differences"].as_array().unwrap();
        let after: Vec<_> = differences.iter().map(|one| &one["after"]).collect();
        assert_eq!(after, [&json!(id(hit)), &json!([id(hit)])]);
    }
);

/// The pages of a template's versions, of which there are two.
async fn pages_of_versions(app: &TestApp, path: &str) {
    let cookie = app.session(&app.owner_scope).await;
    for (page, says) in [
        (path.to_owned(), "Version 1"),
        (format!("{path}/versions"), "Guests included"),
        (format!("{path}/versions/1"), "Restoring it would change"),
        (
            format!("{path}/versions/1?against=2"),
            "Compared with version 2",
        ),
        (
            format!("{path}/versions/1/restore"),
            "This changes 1 integration of 1 customer",
        ),
    ] {
        let answer = app.page_of(&page, &cookie).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(
            answer.text.contains(says),
            "{page}: {says}: {}",
            answer.text
        );
    }
    let page = app.page_of(&format!("{path}/versions/9"), &cookie).await;
    assert_eq!(page.status, 404);
}

both_with_farm!(versions_of_a_template_are_compared_and_restored, |app| {
    let (customer, integration) = app.integration().await;
    let template = json!({ "name": "Standard" });
    let template = id(&app.post("/policy-templates", template).await.expect(201));
    let path = format!("/policy-templates/{template}");
    let following = json!({ "policy_template_id": template, "take_settings": true });
    put(
        &app,
        &format!("/integrations/{integration}/template"),
        following,
    )
    .await;
    let guests = json!({ "policy": { "include_guests": true } });
    app.patch(&path, guests).await.expect(200);
    app.work().await;

    let list = app.get(&format!("{path}/versions?limit=1")).await;
    let list = list.expect(200);
    assert_eq!(list["items"][0]["changed"], json!(["Guests included"]));
    let next = list["next"].as_str().unwrap();
    let rest = format!("{path}/versions?limit=1&cursor={next}");
    let rest = app.get(&rest).await.expect(200);
    assert_eq!(rest["items"][0]["source"]["cause"], "created");
    assert_eq!(rest["next"], Value::Null);
    let first = app.get(&format!("{path}/versions/1")).await.expect(200);
    assert_eq!(first["settings"]["include_guests"], false);
    let difference = app.get(&format!("{path}/versions/1/difference")).await;
    assert_eq!(
        difference.expect(200)["differences"],
        json!([{
            "path": "policy.include_guests", "name": "Guests included",
            "before": true, "after": false,
        }])
    );
    let against = format!("{path}/versions/2/difference?against=1");
    let against = app.get(&against).await.expect(200);
    assert_eq!(against["differences"][0]["after"], true);
    let none = format!("{path}/versions/2/difference?against=7");
    assert_eq!(
        app.get(&none).await.refused(422).as_deref(),
        Some("against")
    );

    let effect = app.get(&format!("{path}/versions/1/effect")).await;
    let effect = effect.expect(200);
    assert_eq!(
        (&effect["integrations"], &effect["customers"]),
        (&json!(1), &json!(1))
    );
    pages_of_versions(&app, &path).await;
    let restore = format!("{path}/versions/1/restore");
    app.post(&restore, json!({ "hash": "of something else" }))
        .await
        .refused(409);
    let hash = json!({ "hash": effect["hash"] });
    let restored = app.post(&restore, hash).await.expect(200);
    assert_eq!(
        (&restored["version"], &restored["behind"]),
        (&json!(3), &json!(1))
    );
    app.work().await;
    let reached = app.get(&format!("/integrations/{integration}")).await;
    assert_eq!(reached.expect(200)["policy"]["include_guests"], false);
    let newest = app.get(&format!("{path}/versions/3")).await.expect(200);
    assert_eq!(
        newest["source"],
        json!({ "cause": "restored", "number": 1, "name": null })
    );
    for nothing in ["4", "0", "x"] {
        app.get(&format!("{path}/versions/{nothing}"))
            .await
            .refused(404);
    }

    // Somebody of one customer looks at them, and doesn't restore one.
    let token = app.token(Role::Administrator, Some(&[customer])).await;
    let as_them = async |method, path: &str| {
        let body = (method == Method::POST).then(|| json!({}));
        app.call(method, path, Some(&token), body).await
    };
    let seen = as_them(Method::GET, &format!("{path}/versions/1")).await;
    seen.expect(200);
    as_them(Method::POST, &restore).await.refused(403);
    let effect = format!("{path}/versions/1/effect");
    as_them(Method::GET, &effect).await.refused(403);
});

both_with_farm!(a_template_reaches_its_followers, |app| {
    let (customer, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let template = json!({ "name": "Standard", "policy": { "include_nested": true } });
    let template = id(&app.post("/policy-templates", template).await.expect(201));
    let of_template = format!("/policy-templates/{template}");
    app.get(&format!("{path}/drift")).await.refused(404);
    let following = json!({ "policy_template_id": template });
    let drift = put(&app, &format!("{path}/template"), following).await;
    assert_eq!(drift["differences"][0]["path"], "policy.include_nested");
    let decision = json!({ "hash": drift["hash"] });
    let back = app.post(&format!("{path}/drift/put-back"), decision).await;
    assert_eq!(back.expect(200)["differences"], json!([]));

    let change = json!({ "policy": { "include_nested": true, "include_guests": true } });
    let effect = app
        .post(&format!("{of_template}/effect"), change.clone())
        .await
        .expect(200);
    assert_eq!(
        (&effect["integrations"], &effect["customers"]),
        (&json!(1), &json!(1))
    );
    let mut confirmed = change;
    confirmed["hash"] = effect["hash"].clone();
    let changed = app.patch(&of_template, confirmed).await.expect(200);
    assert_eq!(
        (&changed["version"], &changed["behind"]),
        (&json!(2), &json!(1))
    );
    app.work().await;
    let changed = app.get(&of_template).await.expect(200);
    assert_eq!(changed["behind"], 0);
    let reached = app.get(&path).await.expect(200);
    assert_eq!(reached["policy"]["include_guests"], true);

    app.patch(&path, json!({ "policy": { "require_names": false, "include_nested": true, "include_guests": true } }))
        .await
        .expect(200);
    let accepted = json!({ "paths": ["policy.require_names"], "note": "T-1" });
    let accepted = app
        .post(&format!("{path}/drift/accept"), accepted)
        .await
        .expect(200);
    assert_eq!(accepted["own"][0]["note"], "T-1");
    let unknown = json!({ "paths": ["policy.nothing"] });
    let unknown = app.post(&format!("{path}/drift/accept"), unknown).await;
    assert_eq!(unknown.refused(422).as_deref(), Some("paths"));
    let followers = app
        .get(&format!("{of_template}/followers"))
        .await
        .expect(200);
    assert_eq!(followers["items"][0]["own"], 1);

    // Somebody of one customer sees it, and doesn't change it.
    let token = app.token(Role::Administrator, Some(&[customer])).await;
    let seen = app
        .call(Method::GET, &of_template, Some(&token), None)
        .await;
    assert_eq!(seen.expect(200)["followers"], 1);
    let name = json!({ "name": "Mine" });
    let refused = app
        .call(Method::PATCH, &of_template, Some(&token), Some(name))
        .await;
    refused.refused(403);

    let cookie = app.session(&app.owner_scope).await;
    for (page, says) in [
        ("/policy-templates".to_owned(), "Standard"),
        ("/policy-templates/add".to_owned(), "New Policy Template"),
        (of_template.clone(), "Followers"),
        (format!("{of_template}/edit"), "Show what it changes"),
        (format!("{of_template}/rename"), "Rename Policy Template"),
        (format!("{of_template}/delete"), "1 integration follows"),
        (format!("{path}/template"), "Its own"),
        (
            format!("{path}/template/follow"),
            "Follow a policy template",
        ),
        (
            format!("{path}/template/leave"),
            "Follow no policy template",
        ),
    ] {
        let answer = app.page_of(&page, &cookie).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(
            answer.text.contains(says),
            "{page}: {says}: {}",
            answer.text
        );
    }
    app.delete(&format!("{path}/template")).await.expect(204);
    app.delete(&format!("{path}/template")).await.refused(409);
    app.delete(&of_template).await.expect(204);
    app.get(&of_template).await.refused(404);
});
