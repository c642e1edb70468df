use http::Method;

use crate::support::TestApp;

#[test]
fn the_description_changes_only_on_purpose() {
    insta::assert_json_snapshot!("openapi", server::api::describe());
}

#[test]
fn no_two_calls_have_one_id() {
    let description = serde_json::to_value(server::api::describe()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let mut ids: Vec<_> = paths
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let calls = ids.len();
    assert!(calls > 20, "{calls}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), calls);
}

#[tokio::test]
async fn the_description_and_its_page_are_served_from_here_alone() {
    let app = TestApp::new(backend::testing::Kind::Sqlite).await.unwrap();
    let answer = app.call(Method::GET, "/openapi.json", None, None).await;
    assert_eq!(answer.expect(200)["info"]["title"], "Rollcall");

    let page = app.page("/api/docs").await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-security-policy")
            .contains("script-src 'self';")
    );
    let mut files = 0;
    for attribute in ["src=\"", "href=\""] {
        for rest in page.text.split(attribute).skip(1) {
            let path = rest.split('"').next().unwrap();
            if path.starts_with('#') {
                continue;
            }
            assert!(path.starts_with('/'), "{path} is elsewhere");
            if path.starts_with("/api/") {
                assert_eq!(app.page(path).await.status, 200, "{path}");
                files += 1;
            }
        }
    }
    assert_eq!(files, 3);
}
