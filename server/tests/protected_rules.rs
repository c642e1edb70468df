//! People whom rules protect: by programs, in the form, in the list, and back from a preview.

use serde_json::{Value, json};

use crate::{
    previews::plain_form,
    support::{TestApp, both_with_farm, id},
};

/// The fields of Tenant Configuration as they are at first, with these lines of rules.
async fn fields(app: &TestApp, integration: &str, rules: &str) -> String {
    let saved = app
        .get(&format!("/integrations/{integration}"))
        .await
        .expect(200);
    format!(
        "id={integration}&settings[credential_profile_id]={}&settings[enabled]=true\
         &settings[enabled_was]=true&settings[timing]=minutes&settings[every_minutes]=5\
         &settings[out_of_scope]=disable&settings[require_names]=true\
         &settings[object_types][]=user&settings[object_types][]=group\
         &settings[blocked_sign_in_disables]=true&settings[create]=true\
         &settings[update]=true&settings[disable]=true&settings[delete]=true\
         &settings[guard_user_count]=20&settings[guard_user_percent]=10\
         &settings[guard_group_count]=10&settings[guard_group_percent]=20\
         &settings[guard_membership_percent]=30{rules}",
        saved["credential_profile_id"].as_str().unwrap()
    )
}

fn line(number: usize, attribute: &str, matches: &str, value: &str) -> String {
    let name = |field: &str| format!("&settings[protected][{number}][{field}]");
    format!(
        "{}={attribute}{}={matches}{}={value}",
        name("attribute"),
        name("matches"),
        name("value")
    )
}

async fn protected(app: &TestApp, integration: &str) -> Value {
    let saved = app.get(&format!("/integrations/{integration}")).await;
    saved.expect(200)["policy"]["protected"].clone()
}

both_with_farm!(a_rule_protects_people_for_programs, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let path = format!("/integrations/{integration}");
    assert_eq!(protected(&app, &integration).await, json!([]));
    let users = format!("/customers/{customer}/users");
    let all = app.get(&format!("{users}?limit=1000")).await.expect(200);
    let all = all["items"].as_array().unwrap().clone();
    let one = all.iter().find(|user| user["status"] == "active").unwrap();
    let name = one["user_principal_name"].as_str().unwrap();
    let rule = json!({
        "attribute": "user_principal_name", "matches": "is", "value": name.to_uppercase(),
    });
    let forecast = format!("{path}/protected-forecast");
    let said = app
        .post(&forecast, json!({ "protected": [rule] }))
        .await
        .expect(200);
    assert_eq!(
        (&said["people"], &said["complete"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(said["rules"][0], json!({ "rule": rule, "people": 1 }));
    assert_eq!(
        app.post(&forecast, json!({})).await.expect(200)["people"],
        0
    );

    let mut policy = app.get(&path).await.expect(200)["policy"].clone();
    let mut save = async |rules: Value| {
        policy["protected"] = rules;
        app.patch(&path, json!({ "policy": policy })).await
    };
    let mut bad = rule.clone();
    bad["value"] = json!(" ");
    let field = save(json!([rule, bad])).await.refused(422);
    assert_eq!(field.as_deref(), Some("policy.protected[1].value"));
    bad["matches"] = json!("like");
    let field = save(json!([bad])).await.refused(422);
    assert!(field.unwrap().starts_with("policy.protected"));
    save(json!([rule])).await.expect(200);
    assert_eq!(protected(&app, &integration).await, json!([rule]));

    let seen = app.get(&format!("/users/{}", id(one))).await.expect(200);
    assert_eq!(seen["display_name"], one["display_name"]);
    assert_eq!(
        seen["protected"],
        json!({
            "by_hand": null,
            "by_rule": { "integration_id": integration, "rule": rule },
        })
    );
    let other = all.iter().find(|user| id(user) != id(one)).unwrap();
    let seen = app.get(&format!("/users/{}", id(other))).await.expect(200);
    assert_eq!(seen["protected"], Value::Null);
    let listed = async |filter: &str| {
        let found = app
            .get(&format!("{users}?limit=1000&protected={filter}"))
            .await;
        found.expect(200)["items"].as_array().unwrap().len()
    };
    assert_eq!(
        (listed("by_rule").await, listed("no").await),
        (1, all.len() - 1)
    );

    let external_id = one["external_id"].as_str().unwrap();
    app.control().delete(external_id.parse().unwrap()).unwrap();
    app.full_sync(&integration).await;
    let cookie = app.session(&app.owner_scope).await;
    let page = app
        .page_of(&format!("/users/{}", id(one)), &cookie)
        .await
        .text;
    for says in [
        "Protected from sync by a rule of",
        "protected by a rule: no run touches it",
    ] {
        assert!(page.contains(says), "{says}");
    }
    let list = app.page_of("/users?protected=by_rule", &cookie).await.text;
    assert!(list.contains(&format!("/users/{}", id(one))), "{list}");
    assert!(!list.contains(&format!("/users/{}", id(other))));
    save(json!([])).await.expect(200);
    app.full_sync(&integration).await;
    let seen = app.get(&format!("/users/{}", id(one))).await.expect(200);
    assert_eq!(
        (&seen["status"], &seen["protected"]),
        (&json!("inactive"), &Value::Null)
    );
});

both_with_farm!(rules_are_saved_without_the_browser_code, |app| {
    let (_, integration) = app.integration().await;
    let cookie = app.session(&app.owner_scope).await;
    let path = format!("/integrations/{integration}");
    let save = async |rules: &str| {
        let fields = fields(&app, &integration, rules).await;
        plain_form(&app, "integrations/save", &cookie, &fields, &path).await
    };
    // Lines that were taken away leave gaps, and the empty one at the end is no rule.
    let rules = [
        line(0, "mail", "ends_with", "%40admin.example"),
        line(3, "department", "is", "+Board+"),
        line(7, "user_principal_name", "ends_with", ""),
    ];
    assert_eq!(save(&rules.concat()).await, path);
    assert_eq!(
        protected(&app, &integration).await,
        json!([
            { "attribute": "mail", "matches": "ends_with", "value": "@admin.example" },
            { "attribute": "department", "matches": "is", "value": "Board" },
        ])
    );
    let form = app.page_of(&path, &cookie).await.text;
    for says in [
        "Protected people",
        "settings[protected][2][value]",
        "value=\"@admin.example\"",
        "In today’s directory they protect 0 people.",
    ] {
        assert!(form.contains(says), "{says}");
    }
    let long = "x".repeat(257);
    save(&line(1, "mail", "is", &long)).await;
    let form = app.page_of(&path, &cookie).await.text;
    assert!(form.contains("use at most 256 characters"), "{form}");
    save("").await;
    assert_eq!(protected(&app, &integration).await, json!([]));
});

both_with_farm!(
    a_preview_leads_back_to_the_form_as_it_was_filled_in,
    |app| {
        let (_, integration) = app.integration().await;
        let cookie = app.session(&app.owner_scope).await;
        let path = format!("/integrations/{integration}");
        let rules = line(0, "display_name", "starts_with", "Break+Glass");
        let filled = fields(&app, &integration, &rules).await;
        let run = plain_form(
            &app,
            "integrations/preview-settings",
            &cookie,
            &filled,
            &path,
        )
        .await;
        app.work().await;
        let run_id = run.strip_prefix("/runs/").unwrap();
        let shown = app.page_of(&run, &cookie).await.text;
        let back = format!("{path}?preview={run_id}");
        assert!(shown.contains("Back to these settings"), "{shown}");
        assert!(shown.contains(&format!("href=\"{back}\"")), "{shown}");

        let form = app.page_of(&back, &cookie).await.text;
        for says in [
            "These settings come from",
            "value=\"Break Glass\"",
            "name=\"from_preview\"",
            "Discard them",
        ] {
            assert!(form.contains(says), "{says}");
        }
        assert!(!form.contains("were changed since that preview"));
        let plain = app.page_of(&path, &cookie).await.text;
        assert!(!plain.contains("value=\"Break Glass\""));
        assert!(!plain.contains("These settings come from"));

        // Whoever can't see the run, or names none, gets the plain page.
        let form = app
            .page_of(&format!("{path}?preview={integration}"), &cookie)
            .await
            .text;
        assert!(!form.contains("These settings come from"));

        // Saved by somebody else meanwhile.
        let mut policy = app.get(&path).await.expect(200)["policy"].clone();
        policy["include_guests"] = json!(true);
        app.patch(&path, json!({ "policy": policy }))
            .await
            .expect(200);
        let form = app.page_of(&back, &cookie).await.text;
        assert!(form.contains("were changed since that preview"), "{form}");

        // Saved, the address is the plain one again, and nothing is unsaved any more.
        let save = format!("{filled}&from_preview=true");
        assert_eq!(
            plain_form(&app, "integrations/save", &cookie, &save, &back).await,
            path
        );
        assert_eq!(
            protected(&app, &integration).await[0]["value"],
            "Break Glass"
        );
        let form = app.page_of(&back, &cookie).await.text;
        assert!(!form.contains("These settings come from"), "{form}");
    }
);
