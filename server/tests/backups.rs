//! The restore drill: a copy made while everything runs is a whole installation again.

use backend::{Db, testing::Kind};
use serde_json::json;

use crate::support::{TestApp, id};

#[tokio::test]
async fn a_copy_is_a_whole_installation() {
    let app = TestApp::with_farm(Kind::Sqlite, 40).await.unwrap();
    let (customer, integration) = app.integration().await;
    app.full_sync(&integration).await;
    let copy = app.t.folder.path().join("copy.db");
    backend::backup(&app.t, &copy).await.unwrap();
    let users = format!("/customers/{customer}/users?limit=1000");
    let before = app.get(&users).await.expect(200);

    // What happens after the copy is not in it.
    app.delete(&format!("/customers/{customer}"))
        .await
        .expect(204);
    let lost = app.customer("Added after the copy").await;

    let restored = Db::open(&format!("sqlite://{}", copy.display()))
        .await
        .unwrap();
    assert!(restored.is_current().await.unwrap());
    let app = app.on(restored);
    assert_eq!(app.get(&users).await.expect(200), before);
    app.get(&format!("/customers/{lost}")).await.refused(404);
    // The key is the old one, so the sealed secret opens and the tenant is read again.
    let run = app.full_sync(&integration).await;
    assert_eq!(run["status"], json!("nothing_to_do"), "{run}");
    assert!(!id(&run).is_empty());
}
