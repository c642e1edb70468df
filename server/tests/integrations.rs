use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, both_with_farm, id};

both_with_farm!(an_integration_comes_changes_and_goes, |app| {
    let (customer, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let made = app.get(&path).await.expect(200);
    assert_eq!(made["customer_id"], json!(customer));
    assert_eq!(made["state"], "not_started");
    assert_eq!(made["full_scan_next"], true);
    assert_eq!(made["schedule"], json!({ "every_minutes": 5 }));
    assert_eq!(made["policy"]["object_types"], json!(["user", "group"]));
    assert_eq!(made["next_run_at"], Value::Null);

    let group = "11111111-2222-4333-8444-555555555555";
    let change = json!({
        "schedule": { "cron": "0 6 * * 1-5" },
        "policy": { "selected_group_ids": [group], "include_guests": true },
    });
    let changed = app.patch(&path, change).await.expect(200);
    assert_eq!(changed["policy"]["selected_group_ids"], json!([group]));
    assert_eq!(changed["policy"]["require_names"], true);

    for list in [
        "/integrations".to_owned(),
        format!("/customers/{customer}/integrations"),
    ] {
        let list = app.get(&list).await.expect(200);
        assert_eq!(list["items"], json!([changed]));
        assert_eq!(list["next"], Value::Null);
    }
    assert_eq!(
        app.delete(&format!("{path}?people=burn"))
            .await
            .refused(400)
            .as_deref(),
        Some("people")
    );
    app.delete(&format!("{path}?people=keep")).await.expect(204);
    app.get(&path).await.refused(404);
});

both_with_farm!(an_integration_is_refused_with_the_field_to_blame, |app| {
    let customer = app.customer("Contoso").await;
    let profile = app.profile().await;
    let path = format!("/customers/{customer}/integrations");
    for (change, field) in [
        (json!({ "tenant": "not a tenant" }), "tenant"),
        (json!({ "tenant": "a.example/../b" }), "tenant"),
        (json!({ "cloud": "moon" }), "cloud"),
        (
            json!({ "credential_profile_id": NOBODY }),
            "credential_profile_id",
        ),
        (
            json!({ "credential_profile_id": "nonsense" }),
            "credential_profile_id",
        ),
        (
            json!({ "schedule": { "every_minutes": 0 } }),
            "schedule.every_minutes",
        ),
        (
            json!({ "schedule": { "cron": "0 25 * * *" } }),
            "schedule.cron",
        ),
        (
            json!({ "schedule": { "every_minutes": 5, "cron": "0 6 * * *" } }),
            "schedule",
        ),
        (
            json!({ "schedule": { "every_minutes": 5, "window": { "from": "22", "until": "6:00" } } }),
            "schedule.window.from",
        ),
        (
            json!({ "schedule": { "every_minutes": 5, "window": { "from": "22:00", "until": "22:00" } } }),
            "schedule.window.until",
        ),
        (json!({ "schedule": { "cron": "never" } }), "schedule.cron"),
        (
            json!({ "policy": { "object_types": [] } }),
            "policy.object_types",
        ),
        (
            json!({ "policy": { "delete_after_days": 0 } }),
            "policy.delete_after_days",
        ),
        (json!({ "policy": { "guards": {} } }), "policy.guards"),
        (json!({ "kind": "scim" }), "kind"),
        (json!({ "tenant_id": NOBODY }), "tenant_id"),
    ] {
        let mut body = app.integration_body(&profile);
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = app.post(&path, body).await;
        assert_eq!(
            answer.refused(422).as_deref(),
            Some(field),
            "{}",
            answer.text
        );
    }
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    for fixed in ["tenant", "cloud", "kind", "customer_id"] {
        let answer = app.patch(&path, json!({ fixed: "x" })).await;
        assert_eq!(answer.refused(422).as_deref(), Some(fixed));
    }
});

both_with_farm!(a_profile_in_use_stays, |app| {
    let (_, integration) = app.integration().await;
    let integration = app
        .get(&format!("/integrations/{integration}"))
        .await
        .expect(200);
    let profile = integration["credential_profile_id"].as_str().unwrap();
    let answer = app.delete(&format!("/credential-profiles/{profile}")).await;
    answer.refused(409);
    assert!(answer.text.contains("Contoso"), "{}", answer.text);
});

both_with_farm!(a_shared_profile_is_connected_by_those_who_see_all, |app| {
    let customer = app.customer("Contoso").await;
    let profile = app.profile().await;
    let token = app.token(Role::Administrator, Some(&[customer])).await;
    let path = format!("/customers/{customer}/integrations");
    let body = app.integration_body(&profile);
    let answer = app
        .call(Method::POST, &path, Some(&token), Some(body.clone()))
        .await;
    // To this caller a shared profile that it may not use is none.
    assert!([403, 422].contains(&answer.status.as_u16()), "{answer:?}");
    app.post(&path, body).await.expect(201);
});

both_with_farm!(
    a_token_of_one_customer_reaches_no_tenant_of_another_by_a_shared_profile,
    |app| {
        let ours = app.customer("Adatum").await;
        let token = app.token(Role::Administrator, Some(&[ours])).await;
        let ask = async |method: Method, path: &str, body: Option<Value>| {
            app.call(method, path, Some(&token), body).await
        };
        let own = json!({
            "customer_id": ours,
            "name": "Own",
            "kind": "client_secret",
            "client_id": app.tenant().client_id.to_string(),
            "client_secret": "not theirs",
        });
        let own = ask(Method::POST, "/credential-profiles", Some(own)).await;
        let own = id(&own.expect(201));
        let list = format!("/customers/{ours}/integrations");
        let body = |tenant: &str, profile: &str| {
            json!({
                "kind": "entra_id",
                "tenant": tenant,
                "cloud": "sim",
                "credential_profile_id": profile,
            })
        };
        // One with the tenant that becomes the other customer's, and one with nobody's.
        let theirs_by_name = &app.tenant().domain;
        let theirs_by_id = &app.tenant().tenant_id.to_string();
        let mut integrations = Vec::new();
        for tenant in [theirs_by_name, "nobody.example"] {
            let made = ask(Method::POST, &list, Some(body(tenant, &own))).await;
            integrations.push(id(&made.expect(201)));
        }
        let (theirs, theirs_integration) = app.integration().await;
        app.full_sync(&theirs_integration).await;
        let shared = app
            .get(&format!("/integrations/{theirs_integration}"))
            .await
            .expect(200);
        let shared = shared["credential_profile_id"].as_str().unwrap();

        let mut refused = Vec::new();
        for tenant in [theirs_by_name, theirs_by_id, "nobody.example"] {
            let new = body(tenant, shared);
            let mut unsaved = new.clone();
            unsaved["customer_id"] = json!(ours);
            let test = "/integrations/test-connection";
            refused.push(ask(Method::POST, test, Some(unsaved)).await);
            refused.push(ask(Method::POST, &list, Some(new)).await);
        }
        for integration in &integrations {
            let path = format!("/integrations/{integration}");
            let change = json!({ "credential_profile_id": shared });
            refused.push(ask(Method::PATCH, &path, Some(change)).await);
        }
        for answer in &refused {
            let field = answer.refused(422);
            assert_eq!(field.as_deref(), Some("credential_profile_id"));
            assert_eq!(answer.text, refused[0].text);
        }

        // Neither by an integration that was to be changed, nor by theirs, nor for their customer.
        for integration in &integrations {
            let path = format!("/integrations/{integration}");
            let still = ask(Method::GET, &path, None).await.expect(200);
            assert_eq!(still["credential_profile_id"], json!(own));
            let search = format!("{path}/group-search?q=empl");
            let found = ask(Method::GET, &search, None).await;
            found.refused(502);
        }
        let never = format!("/integrations/{NOBODY}/group-search?q=empl");
        let never = ask(Method::GET, &never, None).await;
        never.refused(404);
        let search = format!("/integrations/{theirs_integration}/group-search?q=empl");
        assert_eq!(ask(Method::GET, &search, None).await.text, never.text);
        let by_the_customer = |customer: &str| {
            let mut unsaved = body(theirs_by_name, shared);
            unsaved["customer_id"] = json!(customer);
            Some(unsaved)
        };
        let test = "/integrations/test-connection";
        let never = ask(Method::POST, test, by_the_customer(NOBODY)).await;
        assert_eq!(never.refused(422).as_deref(), Some("customer_id"));
        let test = ask(Method::POST, test, by_the_customer(&theirs.to_string())).await;
        assert_eq!(test.text, never.text);
    }
);

both_with_farm!(a_tenant_is_connected_to_a_customer_once, |app| {
    let (customer, _) = app.integration().await;
    let body = app.integration_body(&app.profile().await);
    let path = format!("/customers/{customer}/integrations");
    let answer = app.post(&path, body.clone()).await;
    assert_eq!(answer.refused(422).as_deref(), Some("tenant"));
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("already")
    );
    let list = app.get(&path).await.expect(200);
    assert_eq!(
        list["items"].as_array().unwrap().len(),
        1,
        "nothing was left behind"
    );

    // Once the tenant is known by its id too, neither name of it is taken twice.
    app.post(
        &format!("/integrations/{}/test-connection", id(&list["items"][0])),
        json!({}),
    )
    .await
    .expect(200);
    let mut by_id = body.clone();
    by_id["tenant"] = json!(app.tenant().tenant_id.to_string());
    let answer = app.post(&path, by_id).await;
    assert_eq!(answer.refused(422).as_deref(), Some("tenant"));

    // Another customer of someone who sees all may have it.
    let other = app.customer("Fabrikam").await;
    app.post(&format!("/customers/{other}/integrations"), body)
        .await
        .expect(201);
});

both_with_farm!(the_guard_says_at_how_many_it_would_hold, |app| {
    let (customer, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let forecast = async || {
        let path = format!("{path}/guard-forecast");
        app.get(&path).await.expect(200)
    };
    let nothing_yet =
        |object_type| json!({ "object_type": object_type, "active": 0, "holds_at": null });
    assert_eq!(
        forecast().await,
        json!([
            nothing_yet("user"),
            nothing_yet("group"),
            nothing_yet("contact"),
            nothing_yet("device"),
            nothing_yet("membership")
        ])
    );
    app.full_sync(&integration).await;
    let users = app
        .get(&format!("/customers/{customer}/users?limit=1000"))
        .await
        .expect(200);
    let users = users["items"].as_array().unwrap().iter();
    let active = users.filter(|user| user["status"] == "active").count();
    let policy =
        json!({ "policy": { "guard": { "user": { "max_count": 6, "max_percent": 100 } } } });
    app.call(Method::PATCH, &path, Some(&app.owner), Some(policy))
        .await
        .expect(200);
    let lines = forecast().await;
    assert_eq!(lines[0]["object_type"], "user");
    assert_eq!(lines[0]["holds_at"], 7);
    assert_eq!(lines[0]["active"], active);

    let cookie = app.session(&app.owner_scope).await;
    let page = app.page_of(&path, &cookie).await.text;
    let said = "With today’s directory this would hold at 7 (";
    assert!(page.contains(said), "{page}");
    // What could be read besides, with what it takes.
    for says in [
        "settings[object_types][]",
        "OrgContact.Read.All",
        "Device.Read.All",
        "settings[guard_contact_count]",
        "settings[guard_device_percent]",
    ] {
        assert!(page.contains(says), "{says}");
    }
});
