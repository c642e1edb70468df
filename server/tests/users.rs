use std::collections::BTreeSet;

use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, TestApp, both, both_with_farm, id};

/// Every row of a list, a small page at a time.
async fn all(app: &TestApp, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app
            .get(&format!("{path}?limit=7{cursor}"))
            .await
            .expect(200);
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

both_with_farm!(users_and_groups_are_read_page_by_page_and_by_id, |app| {
    let (customer, integration) = app.integration().await;
    let run = app.full_sync(&integration).await;
    for (noun, place) in [("users", 0), ("groups", 1)] {
        let rows = all(&app, &format!("/customers/{customer}/{noun}")).await;
        let ids: BTreeSet<_> = rows.iter().map(id).collect();
        assert_eq!(ids.len(), rows.len(), "no row comes twice");
        assert_eq!(json!(rows.len()), run["counts"][place]["created"], "{noun}");
        let one = &rows[0];
        assert_eq!(one["source_type"], "EntraSync");
        let alone = app.get(&format!("/{noun}/{}", id(one))).await.expect(200);
        // By itself a user also says more, such as whether it is protected.
        for (name, value) in one.as_object().unwrap() {
            assert_eq!(alone[name], *value, "{name}");
        }
        assert_eq!(one["customer_id"], json!(customer));
        assert_eq!(one["delete_at"], Value::Null);
        assert!(one["changed_at"].is_string(), "{one}");
        // The list of all customers says the same.
        assert_eq!(all(&app, &format!("/{noun}")).await, rows);
        if noun == "users" {
            assert_eq!(one["enrolment"], "not_invited");
            assert_eq!(one["is_protected"], false);
            assert_eq!(alone["protected"], Value::Null);
            assert_eq!(alone["aliases"], json!([]));
        }
        app.get(&format!("/{noun}/{NOBODY}")).await.refused(404);
        app.get(&format!("/customers/{NOBODY}/{noun}"))
            .await
            .refused(404);
    }

    let groups = all(&app, &format!("/customers/{customer}/groups")).await;
    let group = groups
        .iter()
        .find(|group| group["user_count"].as_i64() > Some(0))
        .unwrap();
    let members = all(&app, &format!("/groups/{}/members", id(group))).await;
    let users = members
        .iter()
        .filter(|member| member["object_type"] == "user")
        .count();
    assert_eq!(json!(users), group["user_count"]);
    assert_eq!(members[0]["direct"], true);
});

both_with_farm!(users_and_groups_are_filtered, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let new = json!({ "display_name": "Ada", "user_principal_name": "ada@example.com" });
    let ada = app
        .post(&format!("/customers/{customer}/users"), new)
        .await
        .expect(201);
    let ada = id(&ada);
    app.put(&format!("/users/{ada}/protection"), json!({}))
        .await
        .expect(200);
    app.patch(&format!("/users/{ada}"), json!({ "administrator": true }))
        .await
        .expect(200);
    let new = json!({ "display_name": "Board", "member_ids": [ada] });
    let board = app
        .post(&format!("/customers/{customer}/groups"), new)
        .await
        .expect(201);
    let board = id(&board);
    let found = async |path: &str| -> BTreeSet<String> {
        let list = app.get(path).await.expect(200);
        list["items"].as_array().unwrap().iter().map(id).collect()
    };
    let users = format!("/customers/{customer}/users?limit=1000");
    let everybody = found(&users).await;
    let synced = found(&format!("{users}&integration_id={integration}")).await;
    assert_eq!(synced.len() + 1, everybody.len());
    for list in [users.as_str(), "/users?limit=1000"] {
        for only_ada in [
            "source_type=Manual",
            "protected=by_hand",
            "protected=yes",
            "administrator=true",
            "q=ada%40example",
            &format!("group_id={board}"),
        ] {
            let found = found(&format!("{list}&{only_ada}")).await;
            assert_eq!(found, BTreeSet::from([ada.clone()]), "{list} {only_ada}");
        }
        for all_others in [
            "source_type=EntraSync",
            "protected=no",
            "administrator=false",
        ] {
            assert_eq!(found(&format!("{list}&{all_others}")).await, synced);
        }
        for all in ["enrolment=not_invited", "guest=false"] {
            assert!(
                found(&format!("{list}&{all}")).await.contains(&ada),
                "{all}"
            );
        }
        for nobody in [
            "countdown=counting",
            "enrolment=enrolled",
            "guest=true&source_type=Manual",
            "status=deleted",
            &format!("group_id={NOBODY}"),
            "q=%00",
        ] {
            let found = found(&format!("{list}&{nobody}")).await;
            assert!(found.is_empty(), "{nobody}: {found:?}");
        }
    }
    let groups = format!("/customers/{customer}/groups?limit=1000");
    for list in [groups.as_str(), "/groups?limit=1000"] {
        let made_here = found(&format!("{list}&source_type=Manual&kind=security")).await;
        assert_eq!(made_here, BTreeSet::from([board.clone()]));
        let synced = found(&format!(
            "{list}&integration_id={integration}&status=active"
        ))
        .await;
        assert!(!synced.is_empty() && !synced.contains(&board));
        let counting = found(&format!("{list}&countdown=cancelled")).await;
        assert!(counting.is_empty(), "{counting:?}");
    }
});

both!(an_unknown_filter_is_refused_with_its_name, |app| {
    let customer = app.customer("A").await;
    for (noun, filters) in [
        (
            "users",
            &[
                "status",
                "source_type",
                "integration_id",
                "group_id",
                "countdown",
                "protected",
                "enrolment",
                "guest",
                "administrator",
                "sort",
            ][..],
        ),
        (
            "groups",
            &[
                "status",
                "source_type",
                "integration_id",
                "kind",
                "countdown",
                "sort",
            ],
        ),
    ] {
        for path in [format!("/customers/{customer}/{noun}"), format!("/{noun}")] {
            for filter in filters {
                let refused = app.get(&format!("{path}?{filter}=nonsense")).await;
                assert_eq!(refused.refused(400).as_deref(), Some(*filter), "{path}");
            }
        }
    }
});

both_with_farm!(another_customers_directory_does_not_exist, |app| {
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let user = all(&app, &format!("/customers/{customer}/users"))
        .await
        .remove(0);
    let group = all(&app, &format!("/customers/{customer}/groups"))
        .await
        .remove(0);
    let other = app.customer("Other").await;
    let token = app.token(Role::Administrator, Some(&[other])).await;
    for path in [
        format!("/customers/{customer}/users"),
        format!("/customers/{customer}/groups"),
        format!("/users/{}", id(&user)),
        format!("/groups/{}", id(&group)),
        format!("/groups/{}/members?limit=nonsense", id(&group)),
    ] {
        app.call(Method::GET, &path, Some(&token), None)
            .await
            .refused(404);
    }
    for path in ["/users", "/groups"] {
        let listed = app.call(Method::GET, path, Some(&token), None).await;
        assert_eq!(listed.expect(200)["items"], json!([]), "{path}");
    }
});
