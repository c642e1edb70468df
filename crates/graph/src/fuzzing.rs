//! What reads bytes that others made, by itself, to be fuzzed. Nothing here may panic, whatever the
//! bytes; what else must hold is asserted.

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    Cloud, ContactItem, DeviceItem, Endpoint, GroupItem, Member, Resource, Service, Tenant,
    UserItem,
    error::Refusal,
    links::{self, Round},
    pages::WirePage,
    retry,
    token::{Access, Granted},
    wire::text,
};

fn cloud() -> Cloud {
    Cloud::parse(
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
    )
    .expect("Microsoft’s addresses parse")
}

/// A page of each kind of object, as Graph answers it; its links as they would be followed.
pub fn page(bytes: &[u8]) {
    let mut body = bytes.to_vec();
    text::repair(&mut body);
    assert_eq!(body.len(), bytes.len(), "repairing keeps every place");
    read::<UserItem>(&body, Resource::Users);
    read::<GroupItem>(&body, Resource::Groups);
    read::<ContactItem>(&body, Resource::Contacts);
    read::<DeviceItem>(&body, Resource::Devices);
    read::<Member>(&body, Resource::Groups);
}

fn read<T: DeserializeOwned>(body: &[u8], resource: Resource) {
    let Ok(page) = serde_json::from_slice::<WirePage<T>>(body) else {
        return;
    };
    drop(page.value);
    for link in [page.next, page.delta].into_iter().flatten() {
        followed(&link, resource);
    }
}

/// A link that a page or the database holds.
pub fn link(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    followed(text, Resource::Users);
}

/// A token is sent to wherever a link leads: nowhere but Graph.
fn followed(text: &str, resource: Resource) {
    let cloud = cloud();
    if let Ok(url) = links::check(&cloud, &Round::delta(resource), text) {
        assert_eq!(url.origin(), cloud.graph().origin(), "{text}");
        assert!(url.path().starts_with("/v1.0/"), "{text}");
        assert!(
            url.username().is_empty() && url.password().is_none(),
            "{text}"
        );
    }
}

/// A refusal, by Graph and by the token endpoint; the first byte chooses the status. A secret that a
/// server repeats is never quoted.
pub fn refusal(bytes: &[u8]) {
    const SECRET: &str = "s3cret~of~ours";
    const STATUSES: [u16; 8] = [400, 401, 403, 404, 410, 429, 500, 503];
    let Some((first, body)) = bytes.split_first() else {
        return;
    };
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(&body[..body.len().min(64)]) {
        headers.insert(RETRY_AFTER, value);
    }
    let now = chrono::DateTime::UNIX_EPOCH;
    let _ = retry::retry_after(&headers, now);
    let endpoint = Endpoint {
        service: Service::Graph,
        host: "graph.microsoft.com".to_owned(),
    };
    let refusal = Refusal {
        endpoint: &endpoint,
        status: STATUSES[usize::from(*first) % STATUSES.len()],
        headers: &headers,
        id: Uuid::nil(),
        secrets: &[SECRET],
        now,
    };
    for error in [
        refusal.by_graph(body, Resource::Users, first % 2 == 0),
        refusal.by_sign_in(body),
    ] {
        let words = format!("{} {} {}", error.title(), error.detail(), error.fix());
        assert!(!words.contains(SECRET), "{words}");
    }
}

/// A token endpoint's success, with the token inside it.
pub fn token(bytes: &[u8]) {
    if let Ok(granted) = serde_json::from_slice::<Granted>(bytes) {
        let _ = Access::new(granted, chrono::DateTime::UNIX_EPOCH);
    }
}

/// What a person types as a tenant: what is accepted can stand in a path as it is.
pub fn tenant(bytes: &[u8]) {
    let Ok(typed) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(tenant) = Tenant::parse(typed) {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        assert!(tenant.as_str().chars().all(safe), "{typed}");
    }
}
