//! Paging, `$select`, `$filter`, `$search`, `$count` (graph.md §5, §7).

use serde_json::json;
use simulator::{Attributes, GroupKind};

use crate::client::{Client, ids};

#[tokio::test]
async fn pages_hold_a_hundred_or_what_is_asked_for_and_lead_to_everyone_once() {
    let client = Client::with_users(250).await;
    let truth: Vec<String> = client
        .control
        .snapshot()
        .users
        .iter()
        .map(|user| user.id.to_string())
        .collect();
    for (query, pages) in [("", 3), ("?$top=999", 1), ("?$top=7&$select=id", 36)] {
        client.control.reset_stats();
        let (users, last) = client.all(&format!("/v1.0/users{query}")).await;
        let mut found = ids(&users);
        found.sort_unstable();
        assert_eq!(found, truth, "{query}");
        assert_eq!(
            client.control.stats().requests["GET /users"],
            pages,
            "{query}"
        );
        assert_eq!(last.link("deltaLink"), None);
    }
}

#[tokio::test]
async fn refuses_page_sizes_it_does_not_know() {
    let client = Client::with_users(5).await;
    for top in ["0", "1000", "-1", "many"] {
        let answer = client.get(&format!("/v1.0/users?$top={top}")).await;
        assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
        assert_eq!(
            answer.message(),
            format!("Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive.")
        );
    }
    for option in ["$skip=5", "$expand=manager"] {
        let answer = client.get(&format!("/v1.0/users?{option}")).await;
        assert_eq!(
            answer.refusal(),
            (400, "Request_UnsupportedQuery"),
            "{option}"
        );
    }
}

#[tokio::test]
async fn selects_by_name_encoded_or_not() {
    let client = Client::with_users(5).await;
    for query in ["$select=id,mail", "%24select=id%2Cmail", "select=id, mail"] {
        let answer = client.get(&format!("/v1.0/users?{query}")).await;
        let user = answer.value()[0].as_object().unwrap();
        assert_eq!(user.keys().collect::<Vec<_>>(), ["id", "mail"], "{query}");
    }
    let answer = client.get("/v1.0/users?$select=nickname").await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
    assert_eq!(
        answer.message(),
        "Could not find a property named 'nickname' on type 'microsoft.graph.user'."
    );
    assert_eq!(
        client.get("/v1.0/users?$select=skills").await.refusal(),
        (501, "NotImplemented")
    );
}

#[tokio::test]
async fn page_tokens_belong_to_one_tenant_and_one_listing_and_expire() {
    let client = Client::with_users(250).await;
    let link = client.get("/v1.0/users").await.link("nextLink").unwrap();
    let elsewhere = link.replace("/users?", "/groups?");
    assert_eq!(
        client.get(&elsewhere).await.refusal(),
        (400, "Request_BadRequest")
    );
    let forged = link.replace("skiptoken=", "skiptoken=A");
    assert_eq!(
        client.get(&forged).await.refusal(),
        (400, "Request_BadRequest")
    );
    client
        .control
        .configure(|settings| settings.page_token_lifetime_s = -1);
    assert_eq!(
        client.get(&link).await.refusal(),
        (400, "Directory_ExpiredPageToken")
    );
}

#[tokio::test]
async fn advanced_queries_need_their_header() {
    let client = Client::with_users(30).await;
    let search = "/v1.0/groups?$search=\"displayName:auro\"";
    let answer = client.get(search).await;
    assert_eq!(answer.refusal(), (400, "Request_UnsupportedQuery"));
    assert!(
        answer
            .message()
            .ends_with("special request header: 'ConsistencyLevel: eventual'")
    );
    assert_eq!(client.eventual(search).await.value().len(), 1);

    let ends = "/v1.0/users?$filter=endswith(mail,'.example')";
    let answer = client.get(ends).await;
    assert_eq!(answer.refusal(), (400, "Request_UnsupportedQuery"));
    assert!(
        answer
            .message()
            .starts_with("Operator 'endsWith' is not supported")
    );
    assert_eq!(
        client.eventual(ends).await.status,
        400,
        "the count is missing"
    );
    assert!(
        !client
            .eventual(&format!("{ends}&$count=true"))
            .await
            .value()
            .is_empty()
    );

    let answer = client.get("/v1.0/users/$count").await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    let answer = client.eventual("/v1.0/users/$count").await;
    assert_eq!(answer.text, "30");
    let answer = client.get("/v1.0/users?$count=true").await;
    assert_eq!(
        answer.json.get("@odata.count"),
        None,
        "ignored without the header"
    );
    let answer = client.eventual("/v1.0/users?$count=true&$top=10").await;
    assert_eq!(answer.json["@odata.count"], 30);
    let second = client.eventual(&answer.link("nextLink").unwrap()).await;
    assert_eq!(
        second.json.get("@odata.count"),
        None,
        "only on the first page"
    );
}

#[tokio::test]
async fn filters_what_directories_filter() {
    let client = Client::with_users(80).await;
    let truth = client.control.snapshot();
    let first = &truth.users[0];
    let count = async |filter: &str| {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let target = format!("/v1.0/users?$count=true&$top=999&$filter={filter}");
        client.eventual(&target).await.value().len()
    };
    let guests = truth
        .users
        .iter()
        .filter(|user| user.user_type.as_deref() == Some("Guest"));
    let guests = guests.count();
    let disabled = truth
        .users
        .iter()
        .filter(|user| !user.account_enabled)
        .count();
    assert!(guests > 0 && disabled > 0);
    assert_eq!(count("userType eq 'Guest'").await, guests);
    assert_eq!(count("userType ne 'Guest'").await, 80 - guests);
    assert_eq!(count("accountEnabled eq false").await, disabled);
    assert_eq!(
        count("accountEnabled eq false or userType eq 'guest'").await,
        guests + disabled
    );
    assert_eq!(
        count("accountEnabled eq false and userType eq 'Guest'").await,
        0
    );
    assert_eq!(count("not(userType eq 'Guest')").await, 80 - guests);
    assert_eq!(count(&format!("id eq '{}'", first.id)).await, 1);
    assert_eq!(
        count(&format!("id in ('{}','{}')", first.id, truth.users[1].id)).await,
        2
    );
    let name = first.display_name.clone().unwrap().replace('\'', "''");
    assert!(count(&format!("displayName eq '{name}'")).await >= 1);
    let upn = first.user_principal_name.clone().unwrap();
    assert!(count(&format!("startswith(userPrincipalName,'{}')", &upn[..4])).await >= 1);
    assert_eq!(
        count("proxyAddresses/any(x:startswith(x,'smtp:nobody'))").await,
        0
    );
    assert_eq!(count("createdDateTime ge 2000-01-01T00:00:00Z").await, 80);

    let groups = client
        .get("/v1.0/groups?$filter=groupTypes/any(c:c eq 'Unified')")
        .await;
    let unified = truth
        .groups
        .iter()
        .filter(|group| group.kind == GroupKind::Microsoft365);
    assert_eq!(groups.value().len(), unified.count());
    for nonsense in [
        "displayName eq",
        "eq 'x'",
        "foo eq 'x'",
        "displayName eq 'x",
        "((((",
        "",
    ] {
        let answer = client.get(&format!("/v1.0/users?$filter={nonsense}")).await;
        assert_eq!(answer.status, 400, "{nonsense}");
    }
    let deep = format!("/v1.0/users?$filter={}", "(".repeat(3000));
    assert_eq!(client.get(&deep).await.status, 400);
}

#[tokio::test]
async fn search_finds_tokens_not_fragments() {
    let client = Client::with_users(5).await;
    for name in [
        "Group Marketing",
        "HelloWorld hello.there",
        "Größe & Co",
        "営業部",
    ] {
        client
            .control
            .create_group(name, GroupKind::Security, &Attributes::new())
            .unwrap();
    }
    let names = async |search: &str| -> Vec<String> {
        let search: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
        let answer = client
            .eventual(&format!(
                "/v1.0/groups?$search={search}&$select=displayName"
            ))
            .await;
        let name = |group: &serde_json::Value| group["displayName"].as_str().unwrap().to_owned();
        answer.value().iter().map(name).collect()
    };
    assert_eq!(names("\"displayName:mark\"").await, ["Group Marketing"]);
    assert_eq!(names("\"displayName:rket\"").await, Vec::<String>::new());
    assert_eq!(
        names("\"displayName:marketing group\"").await,
        ["Group Marketing"]
    );
    assert_eq!(
        names("\"displayName:world\"").await,
        ["HelloWorld hello.there"]
    );
    assert_eq!(
        names("\"displayName:hellothere\"").await,
        ["HelloWorld hello.there"]
    );
    assert_eq!(names("\"displayName:größe\"").await, ["Größe & Co"]);
    assert_eq!(names("\"displayName:営業\"").await, ["営業部"]);
    assert_eq!(
        names("\"displayName:mark\" OR \"displayName:world\"").await,
        ["Group Marketing", "HelloWorld hello.there"]
    );
    assert!(
        names("\"displayName:mark\" AND \"displayName:world\"")
            .await
            .is_empty()
    );
    for nonsense in [
        "displayName:mark",
        "\"mark\"",
        "\"displayName:mark",
        "\"foo:mark\"",
    ] {
        let answer = client
            .eventual(&format!("/v1.0/groups?$search={nonsense}"))
            .await;
        assert_eq!(answer.status, 400, "{nonsense}");
    }
}

#[tokio::test]
async fn answers_carry_the_headers_of_graph() {
    let client = Client::with_users(5).await;
    let id = "0b0f9c46-7a1f-4d0c-8f33-2a8a8e2f7a11";
    let answer = client
        .get_with("/v1.0/xyz", &[("client-request-id", id)])
        .await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
    assert_eq!(
        answer.message(),
        "Resource not found for the segment 'xyz'."
    );
    let inner = &answer.json["error"]["innerError"];
    assert_eq!(inner["client-request-id"], id);
    assert_eq!(inner["request-id"].as_str(), answer.header("request-id"));
    assert!(!inner["date"].as_str().unwrap().ends_with('Z'));
    assert_eq!(answer.header("client-request-id"), Some(id));
    let answer = client.get("/v1.0/users?$top=5&$select=id").await;
    assert_eq!(answer.header("x-ms-resource-unit"), Some("1"));
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .contains("IEEE754Compatible=false")
    );
}

#[tokio::test]
async fn resource_units_are_counted_as_documented() {
    let client = Client::with_users(30).await;
    let group = client.control.snapshot().groups[0].id;
    for (path, units) in [
        ("users".to_owned(), 2),
        ("users?$select=id".to_owned(), 1),
        ("users?$top=5&$select=id".to_owned(), 1),
        ("groups".to_owned(), 1),
        (format!("groups/{group}/members"), 3),
        (format!("groups/{group}/members?$select=id&$top=999"), 2),
        (format!("groups/{group}/transitiveMembers"), 5),
        ("users/delta".to_owned(), 1),
        ("organization".to_owned(), 1),
    ] {
        let answer = client.get(&format!("/v1.0/{path}")).await;
        assert_eq!(
            answer.header("x-ms-resource-unit"),
            Some(units.to_string().as_str()),
            "{path}"
        );
    }
    let body = json!({"ids": [group]});
    let answer = client.post("/v1.0/directoryObjects/getByIds", &body).await;
    assert_eq!(answer.header("x-ms-resource-unit"), Some("5"));
}
