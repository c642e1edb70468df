use domain::permission::Role;
use http::Method;
use serde_json::{Value, json};

use crate::support::{NOBODY, both_with_farm, id};

both_with_farm!(a_full_sync_is_started_worked_off_and_read, |app| {
    let (customer, integration) = app.integration().await;
    let path = format!("/integrations/{integration}/runs");
    let queued = app.post(&path, json!({ "mode": "full" })).await.expect(202);
    assert_eq!(
        (&queued["status"], &queued["trigger"]),
        (&json!("queued"), &json!("api"))
    );

    let answer = app.post(&path, json!({ "mode": "delta" })).await;
    assert_eq!(answer.expect(409)["run_id"], queued["id"]);

    app.work().await;
    let run = app.get(&format!("/runs/{}", id(&queued))).await.expect(200);
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_eq!(run["error"], Value::Null);
    assert!(run["requests"].as_i64().unwrap() > 2);
    for line in run["counts"].as_array().unwrap() {
        let sum: i64 = [
            "unchanged",
            "created",
            "updated",
            "disabled",
            "enabled",
            "deleted",
            "restored",
            "filtered",
            "failed",
            "held",
        ]
        .iter()
        .map(|count| line[*count].as_i64().unwrap())
        .sum();
        assert_eq!(line["total"], sum, "{line}");
    }
    let list = app
        .get(&format!("/runs?customer_id={customer}&status=succeeded"))
        .await
        .expect(200);
    assert_eq!(list["items"], json!([run]));
    for nothing in [
        format!("customer_id={NOBODY}"),
        "status=failed".to_owned(),
        "from=2999-01-01T00:00:00Z".to_owned(),
    ] {
        assert_eq!(
            app.get(&format!("/runs?{nothing}")).await.expect(200)["items"],
            json!([])
        );
    }
    let changes = app
        .get(&format!("/runs/{}/changes?limit=1000", id(&run)))
        .await
        .expect(200);
    assert!(
        changes["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|change| change["action"] == "create")
    );

    let quiet = app.full_sync(&integration).await;
    assert_eq!(quiet["status"], "nothing_to_do", "{quiet}");
});

both_with_farm!(a_queued_run_is_cancelled_once, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}/runs");
    let run = app.post(&path, json!({ "mode": "full" })).await.expect(202);
    let cancel = format!("/runs/{}/cancel", id(&run));
    app.post(&cancel, json!({})).await.expect(202);
    app.work().await;
    let run = app.get(&format!("/runs/{}", id(&run))).await.expect(200);
    assert_eq!(run["status"], "cancelled");
    app.post(&cancel, json!({})).await.refused(409);
});

both_with_farm!(a_run_is_refused_with_the_field_to_blame, |app| {
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}/runs");
    for (body, field) in [
        (json!({}), "mode"),
        (json!({ "mode": "half" }), "mode"),
        (json!({ "mode": "full", "x": 1 }), "x"),
    ] {
        assert_eq!(
            app.post(&path, body).await.refused(422).as_deref(),
            Some(field)
        );
    }
    for (query, field) in [
        ("status=done", "status"),
        ("from=yesterday", "from"),
        ("integration_id=x", "integration_id"),
    ] {
        assert_eq!(
            app.get(&format!("/runs?{query}"))
                .await
                .refused(400)
                .as_deref(),
            Some(field)
        );
    }
});

both_with_farm!(
    the_history_as_csv_has_the_seeds_columns_and_every_row,
    |app| {
        let (customer, integration) = app.integration().await;
        for _ in 0..3 {
            app.full_sync(&integration).await;
        }
        let answer = app.get("/runs.csv").await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/csv"));
        assert!(
            answer
                .header("content-disposition")
                .contains("sync-history.csv")
        );
        let mut lines = answer.text.lines();
        let titles = lines.next().unwrap();
        for title in [
            "Start Time",
            "End Time",
            "Type",
            "Total Objects",
            "Objects Changed",
            "Objects Deleted",
            "Objects Filtered",
            "Status",
        ] {
            assert!(titles.contains(title), "{titles}");
        }
        assert_eq!(lines.count(), 9, "three runs with three types each");

        let only_users = app.get("/runs.csv?object_type=user").await;
        assert_eq!(only_users.text.lines().count(), 1 + 3);
        let other = app.customer("Other").await;
        let token = app.token(Role::Administrator, Some(&[other])).await;
        let nothing = app
            .call(
                Method::GET,
                &format!("/runs.csv?customer_id={customer}"),
                Some(&token),
                None,
            )
            .await;
        assert_eq!(nothing.text.lines().count(), 1);
    }
);
