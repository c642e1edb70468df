//! The queue of matches by REST: found by a run, decided, done by the next, taken back.

use backend::testing::Kind;
use serde_json::json;

use crate::support::{TestApp, id};

#[tokio::test]
async fn who_is_here_already_is_decided_about_and_taken_back() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(app) = TestApp::with_farm(kind, 24).await else {
            continue;
        };
        let (customer, integration) = app.integration().await;
        let snapshot = app.control().snapshot();
        let person = snapshot.users.iter().find(|user| {
            let named = user.given_name.is_some() && user.surname.is_some();
            named && user.account_enabled && user.user_type.as_deref() != Some("Guest")
        });
        let person = person.expect("somebody comes in").clone();
        let new = json!({
            "display_name": "Here",
            "user_principal_name": person.user_principal_name,
            "given_name": person.given_name,
            "surname": person.surname,
        });
        let here = app.post(&format!("/customers/{customer}/users"), new).await;
        let here = id(&here.expect(201));
        app.full_sync(&integration).await;

        let path = format!("/integrations/{integration}");
        let counts = app.get(&format!("{path}/match-counts")).await.expect(200);
        assert_eq!(
            counts,
            json!({ "exact": 1, "likely": 0, "new": 0, "decided": 0 })
        );
        let waiting = app
            .get(&format!("{path}/matches?strength=exact"))
            .await
            .expect(200);
        let one = &waiting["items"][0];
        assert_eq!(one["external_id"], json!(person.id));
        assert_eq!(one["candidates"][0]["user_id"], here.as_str());
        assert_eq!(one["candidates"][0]["keys"], json!(["user_principal_name"]));
        assert_eq!(waiting["next"], json!(null));

        let ask = |decision: &str, note: &str| json!({ "external_ids": [person.id], "decision": decision, "note": note });
        let decide = format!("{path}/matches/decide");
        app.post(&decide, ask("same", "")).await.refused(422);
        app.post(&decide, ask("other", "T-1")).await.refused(409);
        let done = app.post(&decide, ask("same", "T-1")).await.expect(200);
        assert_eq!(done[0]["refused"], json!(null), "{done}");
        app.post(&decide, ask("same", "T-2")).await.refused(409);
        app.full_sync(&integration).await;
        let user = app.get(&format!("/users/{here}")).await.expect(200);
        assert_eq!(user["external_id"], json!(person.id));
        assert_eq!(user["source_type"], "EntraSync");
        let found = format!("{path}/matches/{}", person.id);
        let made = app.get(&found).await.expect(200)["decided"].clone();
        assert_eq!(
            (&made["decision"], &made["note"]),
            (&json!("same"), &json!("T-1"))
        );
        assert_eq!(made["automatic"], false);

        let back = json!({ "external_ids": [person.id], "note": "T-3" });
        let take_back = format!("{path}/matches/take-back");
        app.post(&take_back, back.clone()).await.expect(200);
        app.post(&take_back, back).await.refused(409);
        let user = app.get(&format!("/users/{here}")).await.expect(200);
        assert_eq!(user["source_type"], "Manual");
        assert_eq!(user["display_name"], "Here");
        assert_eq!(app.get(&found).await.expect(200)["decided"], json!(null));
        app.get(&format!("{path}/matches/{here}"))
            .await
            .refused(404);
    }
}

#[tokio::test]
async fn only_what_names_one_person_may_be_matched_without_asking() {
    let app = TestApp::with_farm(Kind::Sqlite, 8).await.unwrap();
    let (_, integration) = app.integration().await;
    let path = format!("/integrations/{integration}");
    let rule = |keys: &[&str]| json!({ "policy": { "matching": { "automatic": keys } } });
    let refused = app.patch(&path, rule(&["mail"])).await.refused(422);
    assert_eq!(refused.as_deref(), Some("policy.matching.automatic"));
    let saved = app.patch(&path, rule(&["employee_id"])).await.expect(200);
    assert_eq!(
        saved["policy"]["matching"],
        json!({ "automatic": ["employee_id"], "confirm_new": false })
    );
}
