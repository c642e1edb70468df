//! Filters: by programs, tried on what is kept, in the form, and on the page of whoever one keeps out;
//! and who is administrator by a group of the source.

use domain::id::CustomerId;
use serde_json::{Value, json};

use crate::{
    previews::plain_form,
    support::{TestApp, both_with_farm, id},
};

async fn policy(app: &TestApp, integration: &str) -> Value {
    let saved = app.get(&format!("/integrations/{integration}")).await;
    saved.expect(200)["policy"].clone()
}

/// Somebody active of the customer.
async fn somebody(app: &TestApp, customer: &CustomerId) -> Value {
    let users = format!("/customers/{customer}/users?limit=1000");
    let users = app.get(&users).await.expect(200)["items"].clone();
    let users = users.as_array().unwrap();
    let found = users.iter().find(|user| user["status"] == "active");
    found.unwrap().clone()
}

both_with_farm!(a_filter_is_tried_saved_and_explained, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let path = format!("/integrations/{integration}");
    let saved = policy(&app, &integration).await;
    assert_eq!(
        saved["filters"]["user"],
        json!({ "include": [], "exclude": [] })
    );
    assert_eq!(saved["filters"]["include_disabled"], true);
    let user = somebody(&app, &customer).await;
    let name = user["user_principal_name"].as_str().unwrap();
    let is = json!({ "attribute": "userPrincipalName", "operator": "is", "value": name });
    let rule = json!({ "all": [is] });
    let with = |rules: Value| json!({ "user": { "exclude": rules } });

    let save = async |filters: Value| {
        let mut policy = saved.clone();
        policy["filters"] = filters;
        app.patch(&path, json!({ "policy": policy })).await
    };
    for (wrong, field) in [
        (json!([{ "all": [] }]), "policy.filters.user.exclude[0].all"),
        (
            json!([rule, { "any": [{ "attribute": "nowhere", "operator": "is_empty" }] }]),
            "policy.filters.user.exclude[1].any[0].attribute",
        ),
        (
            json!([{ "all": [{ "attribute": "city", "operator": "matches", "value": "(" }] }]),
            "policy.filters.user.exclude[0].all[0].value",
        ),
        (
            json!([{ "expression": "lower(" }]),
            "policy.filters.user.exclude[0].expression",
        ),
    ] {
        let refused = save(with(wrong)).await.refused(422);
        assert_eq!(refused.as_deref(), Some(field));
    }

    let test = format!("{path}/filter-test");
    let before = app.post(&test, json!({})).await.expect(200);
    let tried = json!({ "filters": with(json!([rule])), "examples": 20 });
    let tried = app.post(&test, tried).await.expect(200);
    assert_eq!(tried["counts"]["total"], before["counts"]["total"]);
    let included = |of: &Value| of["counts"]["included"].as_i64().unwrap();
    assert_eq!(included(&tried), included(&before) - 1, "{tried}");
    let words = format!("Keep out: userPrincipalName is “{name}”");
    let mut causes = tried["causes"].as_array().unwrap().iter();
    let cause = causes
        .find(|one| one["cause"]["rule"] == json!(words))
        .unwrap();
    assert_eq!(
        (&cause["count"], &cause["cause"]["reason"]),
        (&json!(1), &json!("excluded_by_filter"))
    );
    let many = app.post(&test, json!({ "examples": 21 })).await;
    assert_eq!(many.refused(422).as_deref(), Some("examples"));
    let edges = app
        .post(&test, json!({ "object_type": "membership" }))
        .await;
    assert_eq!(edges.refused(422).as_deref(), Some("object_type"));

    save(with(json!([rule]))).await.expect(200);
    let run = app
        .post(&format!("{path}/runs"), json!({ "mode": "delta" }))
        .await;
    let run = run.expect(202);
    app.work().await;
    let run = app.get(&format!("/runs/{}", id(&run))).await.expect(200);
    assert_eq!(run["status"], "succeeded", "{run}");
    let seen = app.get(&format!("/users/{}", id(&user))).await.expect(200);
    assert_eq!(seen["status"], "inactive");
    let why = app
        .get(&format!("/users/{}/why", id(&user)))
        .await
        .expect(200);
    assert_eq!(why["reason"], "excluded_by_filter");
    let mut steps = why["steps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["step"] == "filters").unwrap();
    assert_eq!(step["outcome"], "stopped");
    assert!(step["sentence"].as_str().unwrap().contains(name), "{step}");
    let change = &why["other"]["changes"][0];
    assert!(
        change["sentence"]
            .as_str()
            .unwrap()
            .contains("remove the rule"),
        "{why}"
    );
    let cookie = app.session(&app.owner_scope).await;
    let page = app
        .page_of(&format!("/users/{}", id(&user)), &cookie)
        .await
        .text;
    assert!(page.contains("Excluded by filter"), "{page}");
    assert!(page.contains(&format!("/integrations/{integration}/filters")));
});

both_with_farm!(filters_are_written_without_the_browser_code, |app| {
    let (_, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let cookie = app.session(&app.owner_scope).await;
    let path = format!("/integrations/{integration}/filters");
    let on = "&filters[include_disabled]=true&filters[include_unlicensed]=true\
              &filters[require_names]=true";
    let save = async |fields: &str| {
        let fields = format!("id={integration}{on}{fields}");
        plain_form(&app, "filters/save", &cookie, &fields, &path).await
    };
    let rule = |number: usize, kind: &str, expression: &str| {
        let name = |field: &str| format!("&filters[rules][{number}][{field}]");
        format!(
            "{}={number}{}=user{}=exclude{}={kind}{}={expression}",
            name("number"),
            name("object_type"),
            name("effect"),
            name("kind"),
            name("expression")
        )
    };
    let condition = |key: usize, rule: usize, attribute: &str, operator: &str, value: &str| {
        let name = |field: &str| format!("&filters[conditions][{key}][{field}]");
        format!(
            "{}={rule}{}={attribute}{}={operator}{}={value}",
            name("rule"),
            name("attribute"),
            name("operator"),
            name("value")
        )
    };
    // The empty ones at the end are no rule and no condition; an expression that has the plain shape
    // is read into the plain form that is chosen.
    let fields = [
        rule(0, "any", ""),
        rule(3, "all", "equals(city,+%22Delft%22)+%26%26+!is_empty(mail)"),
        rule(5, "expression", "size(coalesce(city,+%22%22))+%3E+99"),
        rule(9, "all", ""),
        condition(0, 0, "jobTitle", "contains", "robot"),
        condition(1, 0, "department", "is_empty", ""),
        condition(2, 0, "", "is", ""),
        condition(900, 9, "", "is", ""),
        "&filters[domains]=@Contoso.example,+b.example".to_owned(),
    ];
    assert_eq!(save(&fields.concat()).await, path);
    let saved = policy(&app, &integration).await;
    assert_eq!(
        saved["filters"]["user"]["exclude"],
        json!([
            { "any": [
                { "attribute": "jobTitle", "operator": "contains", "value": "robot" },
                { "attribute": "department", "operator": "is_empty" },
            ] },
            { "all": [
                { "attribute": "city", "operator": "is", "value": "Delft" },
                { "attribute": "mail", "operator": "is_not_empty" },
            ] },
            { "expression": "size(coalesce(city, \"\")) > 99" },
        ])
    );
    assert_eq!(
        saved["filters"]["domains"],
        json!(["b.example", "contoso.example"])
    );
    let form = app.page_of(&path, &cookie).await.text;
    for says in [
        "value=\"robot\"",
        "b.example, contoso.example",
        "kept out, of",
    ] {
        assert!(form.contains(says), "{says}: {form}");
    }
    save(&rule(0, "all", "city+==+%22Delft%22")).await;
    let form = app.page_of(&path, &cookie).await.text;
    assert!(
        form.contains("says more than a rule in plain form can"),
        "{form}"
    );
    save("&filters[domains]=a+b@c").await;
    let form = app.page_of(&path, &cookie).await.text;
    assert!(form.contains("is not a domain"), "{form}");

    // A preview leads to its run, which leads back with the filters filled in.
    let filled = format!("id={integration}{on}&filters[domains]=other.example");
    let run = plain_form(&app, "filters/preview", &cookie, &filled, &path).await;
    app.work().await;
    let shown = app.page_of(&run, &cookie).await.text;
    assert!(shown.contains("other.example"), "{shown}");
    let back = format!("{path}?preview={}", run.strip_prefix("/runs/").unwrap());
    assert!(shown.contains(&format!("href=\"{back}\"")), "{shown}");
    let form = app.page_of(&back, &cookie).await.text;
    assert!(form.contains("These filters come from a preview"), "{form}");
    save("").await;
    let saved = policy(&app, &integration).await["filters"].clone();
    assert_eq!(saved["domains"], json!([]));
});

both_with_farm!(a_group_of_the_source_decides_about_administrators, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let cookie = app.session(&app.owner_scope).await;
    let path = format!("/integrations/{integration}/filters");
    let groups = format!("/customers/{customer}/groups?limit=1000");
    let groups = app.get(&groups).await.expect(200)["items"].clone();
    let mut groups = groups.as_array().unwrap().iter();
    let group = groups
        .find(|group| group["user_count"].as_i64() > Some(0))
        .unwrap();
    let on = "&filters[include_disabled]=true&filters[include_unlicensed]=true\
              &filters[require_names]=true";
    let save = async |named: &str| {
        let fields = format!("id={integration}{on}&filters[administrators]={named}");
        plain_form(&app, "filters/save", &cookie, &fields, &path).await
    };
    save("Nobody+calls+a+group+so").await;
    let form = app.page_of(&path, &cookie).await.text;
    assert!(
        form.contains("No synced group is called “Nobody calls a group so”"),
        "{form}"
    );
    save(group["external_id"].as_str().unwrap()).await;
    let saved = policy(&app, &integration).await;
    assert_eq!(saved["administrators_group_id"], group["external_id"]);
    app.full_sync(&integration).await;
    let members = format!("/groups/{}/members?limit=1000", id(group));
    let members = app.get(&members).await.expect(200)["items"].clone();
    let mut members = members.as_array().unwrap().iter();
    let is_direct = |one: &&Value| one["object_type"] == "user" && one["direct"] == true;
    let member = members.find(is_direct).unwrap();
    let user = format!("/users/{}", id(member));
    let seen = app.get(&user).await.expect(200);
    assert!(
        seen["administrator"]["by"]
            .as_str()
            .unwrap()
            .starts_with("the group "),
        "{seen}"
    );
    assert_eq!(seen["administrators_group"]["id"], group["id"]);
    app.patch(&user, json!({ "administrator": false }))
        .await
        .refused(409);
    let page = app.page_of(&user, &cookie).await.text;
    assert!(page.contains("Decided by the group"), "{page}");
    assert!(!page.contains("No longer administrator"));
});
