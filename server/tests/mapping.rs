//! Attribute mapping: by programs, in the form, tried on people, and on whoever's page a rule fails.

use serde_json::{Value, json};

use crate::{
    previews::plain_form,
    support::{TestApp, both_with_farm, id},
};

async fn mapping(app: &TestApp, integration: &str) -> Value {
    let saved = app.get(&format!("/integrations/{integration}")).await;
    saved.expect(200)["policy"]["mapping"]["user"].clone()
}

fn line(number: usize, attribute: &str, kind: &str, value: &str) -> String {
    let name = |field: &str| format!("&mapping[lines][{number}][{field}]");
    format!(
        "{}={number}{}=user{}={attribute}{}={kind}{}={value}",
        name("number"),
        name("object_type"),
        name("attribute"),
        name("kind"),
        name("value")
    )
}

both_with_farm!(a_rule_is_saved_and_tried_by_programs, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let path = format!("/integrations/{integration}");
    assert_eq!(mapping(&app, &integration).await, json!([]));
    let mut policy = app.get(&path).await.expect(200)["policy"].clone();
    let mut save = async |rules: Value| {
        policy["mapping"] = json!({ "user": rules });
        app.patch(&path, json!({ "policy": policy })).await
    };
    let rule = |attribute: &str, rule: Value| json!({ "attribute": attribute, "rule": rule });
    let upper = rule(
        "display_name",
        json!({ "expression": "upper(displayName)" }),
    );
    for (wrong, field) in [
        (
            rule("nothing", json!("leave_out")),
            "policy.mapping.user[1].attribute",
        ),
        (
            rule("mail", json!({ "source": "nowhere" })),
            "policy.mapping.user[1].source",
        ),
        (
            rule("mail", json!({ "expression": "lower(" })),
            "policy.mapping.user[1].expression",
        ),
        (
            rule("mail", json!({ "first": [] })),
            "policy.mapping.user[1].first",
        ),
    ] {
        let refused = save(json!([upper, wrong])).await.refused(422);
        assert_eq!(refused.as_deref(), Some(field));
    }
    let refused = save(json!([rule("mail", json!({ "magic": "x" }))])).await;
    assert!(refused.refused(422).unwrap().starts_with("policy.mapping"));

    // Tried before it is saved, and nothing is stored.
    let users = format!("/customers/{customer}/users?limit=1000");
    let all = app.get(&users).await.expect(200)["items"].clone();
    let one = all
        .as_array()
        .unwrap()
        .iter()
        .find(|user| user["status"] == "active")
        .unwrap();
    let asked = json!({
        "mapping": { "user": [upper] }, "objects": [one["external_id"], "nobody@nowhere.example"],
    });
    let test = format!("{path}/mapping-test");
    let tried = app.post(&test, asked).await.expect(200);
    let name = one["display_name"].as_str().unwrap();
    let first = &tried["objects"][0];
    assert_eq!(first["directory_id"], one["id"]);
    assert_eq!(
        first["attributes"],
        json!([{
            "attribute": "display_name", "rule": "upper(displayName)",
            "now": name, "then": name.to_uppercase(), "error": null,
        }])
    );
    assert_eq!(tried["not_found"].as_array().unwrap().len(), 1);
    let six = json!({ "objects": ["aaa", "bbb", "ccc", "ddd", "eee", "fff"] });
    assert_eq!(
        app.post(&test, six).await.refused(422).as_deref(),
        Some("objects")
    );
    let wrong = json!({ "mapping": { "user": [rule("mail", json!({ "expression": "(" }))] } });
    let refused = app.post(&test, wrong).await.refused(422);
    assert_eq!(
        refused.as_deref(),
        Some("policy.mapping.user[0].expression")
    );
    let saved = app.post(&test, json!({})).await.expect(200);
    assert_eq!(saved["objects"].as_array().unwrap().len(), 3);

    let changed = save(json!([upper])).await.expect(200);
    assert_eq!(changed["full_scan_next"], true);
    assert_eq!(mapping(&app, &integration).await, json!([upper]));
    app.full_sync(&integration).await;
    let seen = app.get(&format!("/users/{}", id(one))).await.expect(200);
    assert_eq!(seen["display_name"], json!(name.to_uppercase()));
    let why = app
        .get(&format!("/users/{}/why", id(one)))
        .await
        .expect(200);
    let steps = why["steps"].as_array().unwrap();
    let step = steps
        .iter()
        .find(|step| step["title"] == "Mapping of display_name")
        .unwrap();
    assert_eq!(step["facts"][0]["value"], name);
    assert_eq!(step["facts"][1]["value"], json!(name.to_uppercase()));
});

both_with_farm!(rules_are_written_without_the_browser_code, |app| {
    let (_, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let cookie = app.session(&app.owner_scope).await;
    let path = format!("/integrations/{integration}/attributes");
    let save = async |lines: &str| {
        let fields = format!("id={integration}{lines}");
        plain_form(&app, "mapping/save", &cookie, &fields, &path).await
    };
    // Lines that were taken away leave gaps, and the empty one at the end is no rule.
    let lines = [
        line(0, "jobTitle", "constant", "Colleague"),
        line(4, "mail", "first", "mail,+userPrincipalName"),
        line(9, "", "source", ""),
    ];
    assert_eq!(save(&lines.concat()).await, path);
    assert_eq!(
        mapping(&app, &integration).await,
        json!([
            { "attribute": "jobTitle", "rule": { "constant": "Colleague" } },
            { "attribute": "mail", "rule": { "first": ["mail", "userPrincipalName"] } },
        ])
    );
    let form = app.page_of(&path, &cookie).await.text;
    for says in [
        "For real people",
        "mapping[lines][2][value]",
        ">Colleague</textarea>",
    ] {
        assert!(form.contains(says), "{says}");
    }
    save(&line(0, "mail", "expression", "upper(nowhere)")).await;
    let form = app.page_of(&path, &cookie).await.text;
    assert!(
        form.contains("The user rule for mail: A user has no attribute “nowhere”."),
        "{form}"
    );
    assert!(form.contains(">upper(nowhere)</textarea>"));

    // Several lines stay several, and what stands behind // ends with its line.
    let several = line(0, "mail", "expression", "lower(+//+in+small%0D%0A++mail)");
    assert_eq!(save(&several).await, path);
    assert_eq!(
        mapping(&app, &integration).await[0]["rule"]["expression"],
        "lower( // in small\n  mail)"
    );
    let form = app.page_of(&path, &cookie).await.text;
    assert!(form.contains(">lower( // in small\n  mail)</textarea>"));
    save(&line(0, "jobTitle", "constant", "Colleague")).await;

    // The saved rules are tried by the address alone.
    let tried = app
        .page_of(&format!("{path}?tried=yes&try="), &cookie)
        .await
        .text;
    assert!(tried.contains("With these rules") && tried.contains("the constant “Colleague”"));

    // A preview leads to its run, which leads back with the rules filled in.
    let filled = format!("id={integration}{}", line(0, "city", "constant", "Utrecht"));
    let run = plain_form(&app, "mapping/preview", &cookie, &filled, &path).await;
    app.work().await;
    let shown = app.page_of(&run, &cookie).await.text;
    assert!(shown.contains("Mapping of user city"), "{shown}");
    let back = format!("{path}?preview={}", run.strip_prefix("/runs/").unwrap());
    assert!(shown.contains(&format!("href=\"{back}\"")), "{shown}");
    let form = app.page_of(&back, &cookie).await.text;
    assert!(
        form.contains("These rules come from a preview") && form.contains(">Utrecht</textarea>")
    );
    save("").await;
    assert_eq!(mapping(&app, &integration).await, json!([]));
});

both_with_farm!(whom_a_rule_fails_for_is_named_everywhere, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let path = format!("/integrations/{integration}");
    let mut policy = app.get(&path).await.expect(200)["policy"].clone();
    let rule = json!({ "attribute": "jobTitle", "rule": { "expression": "employeeId + '!'" } });
    policy["mapping"] = json!({ "user": [rule] });
    app.patch(&path, json!({ "policy": policy }))
        .await
        .expect(200);
    let run = app
        .post(&format!("{path}/runs"), json!({ "mode": "delta" }))
        .await
        .expect(202);
    app.work().await;
    let run = app.get(&format!("/runs/{}", id(&run))).await.expect(200);
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("partial"), &json!("mapping_failed"))
    );
    let changes = app
        .get(&format!("/runs/{}/changes?limit=1000", id(&run)))
        .await
        .expect(200);
    let changes = changes["items"].as_array().unwrap();
    let users = format!("/customers/{customer}/users?limit=1000");
    let users = app.get(&users).await.expect(200)["items"].clone();
    let users = users.as_array().unwrap();
    let active = |change: &&Value| {
        let mut of_it = users
            .iter()
            .filter(|user| user["external_id"] == change["external_id"]);
        of_it.any(|user| user["status"] == "active")
    };
    let mut failed = changes.iter().filter(|change| change["status"] == "failed");
    let failed = failed
        .find(active)
        .expect("somebody active has no employee id");
    assert_eq!(failed["reason"], "mapping_failed");
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .starts_with("jobTitle: “+” can’t be used")
    );
    let user = users
        .iter()
        .find(|user| user["external_id"] == failed["external_id"])
        .unwrap();
    let cookie = app.session(&app.owner_scope).await;
    let page = app
        .page_of(&format!("/users/{}", id(user)), &cookie)
        .await
        .text;
    for says in [
        "a mapping rule fails for it",
        "jobTitle: “+” can’t be used with nothing and a text.",
    ] {
        assert!(page.contains(says), "{says}");
    }
    let page = app
        .page_of(&format!("/runs/{}", id(&run)), &cookie)
        .await
        .text;
    assert!(page.contains("A mapping rule fails for"), "{page}");
});

both_with_farm!(the_directory_extensions_of_a_tenant_are_listed, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}/directory-extensions");
    // A sync doesn't need the permission; names can be typed without it.
    let refused = app.get(&path).await.expect(502);
    assert_eq!(refused["code"], "permission_missing");
    assert!(
        refused.to_string().contains("Directory.Read.All"),
        "{refused}"
    );
    app.control().set_roles(["Directory.Read.All"]);
    app.post(
        &format!("/integrations/{integration}/test-connection"),
        json!({}),
    )
    .await
    .expect(200);
    let listed = app.get(&path).await.expect(200);
    let listed = listed["items"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1]["application"], "Payroll connector");
    for one in listed {
        assert_eq!(one["object_types"], json!(["user"]));
        let rule = json!({ "attribute": "jobTitle", "rule": { "source": one["name"] } });
        let tried = json!({ "mapping": { "user": [rule] } });
        let test = format!("/integrations/{integration}/mapping-test");
        app.post(&test, tried).await.expect(200);
    }
});
