//! Members, objects by id, the tenant itself, probes.

use graph::{
    After, ContactItem, DeviceItem, GroupItem, Item, ObjectKind, Resource, Select, UserItem,
};
use serde_json::{Value, json as value};
use uuid::Uuid;

use crate::stub::{Stub, TENANT, json, status};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[tokio::test]
async fn members_come_in_pages() {
    let stub = Stub::start().await;
    let path = format!("groups/{}/members", id(1));
    let member = |kind: &str, number| value!({"@odata.type": kind, "id": id(number)});
    stub.then(json(
        value!({"@odata.nextLink": stub.link(&format!("{path}?$skiptoken=a")),
        "value": [member("#microsoft.graph.user", 2), member("#microsoft.graph.device", 3)]}),
    ))
    .then(json(
        value!({"value": [member("#microsoft.graph.orgContact", 4), {"id": id(5)}]}),
    ));
    let (members, after) = stub.client().group_members(id(1)).all().await.unwrap();
    let kinds: Vec<ObjectKind> = members.iter().map(|member| member.kind).collect();
    assert_eq!(
        kinds,
        [
            ObjectKind::User,
            ObjectKind::Device,
            ObjectKind::Contact,
            ObjectKind::Other
        ]
    );
    assert_eq!(after, After::End);
    assert_eq!(stub.graph_seen()[0].param("$top"), "999");

    let other = stub.link(&format!("groups/{}/members?$skiptoken=a", id(9)));
    stub.then(json(value!({"@odata.nextLink": other, "value": []})));
    let error = stub.client().group_members(id(1)).all().await.unwrap_err();
    assert_eq!(error.code(), "foreign_link");
    stub.then(status(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired",
    ));
    let error = stub.client().group_members(id(1)).all().await.unwrap_err();
    assert_eq!(error.code(), "page_expired");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn objects_are_read_by_id() {
    let stub = Stub::start().await;
    stub.then(json(
        value!({"value": [{"@odata.type": "#microsoft.graph.user", "id": id(1),
        "displayName": "Ada"}]}),
    ));
    let client = stub.client();
    let select = Select::all_of::<UserItem>();
    let users: Vec<UserItem> = client.get_by_ids(&[id(1), id(2)], &select).await.unwrap();
    assert_eq!(users[0].display_name.as_deref(), Some("Ada"));
    let seen = &stub.graph_seen()[0];
    assert_eq!(seen.path, "/v1.0/directoryObjects/getByIds");
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body, value!({"ids": [id(1), id(2)], "types": ["user"]}));
    assert!(seen.param("$select").contains("userPrincipalName"));

    let none: Vec<GroupItem> = client.get_by_ids(&[], &Select::id()).await.unwrap();
    assert!(none.is_empty());
    let many: Vec<Uuid> = (0..1_001).map(id).collect();
    let error = client
        .get_by_ids::<UserItem>(&many, &select)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid_call");
    assert_eq!(stub.graph_seen().len(), 1);
}

#[tokio::test]
async fn the_tenant_says_who_it_is() {
    let stub = Stub::start().await;
    let domain = |name: &str, is_default| value!({"name": name, "isDefault": is_default});
    stub.then(json(
        value!({"value": [{"id": TENANT, "displayName": "Contoso",
        "verifiedDomains": [domain("contoso.onmicrosoft.com", false),
        domain("contoso.com", true)]}]}),
    ));
    let organization = stub.client().organization().await.unwrap();
    assert_eq!(
        (organization.id, organization.default_domain()),
        (TENANT, Some("contoso.com"))
    );
    stub.then(json(value!({"value": []})));
    assert_eq!(
        stub.client().organization().await.unwrap_err().code(),
        "bad_answer"
    );
}

#[tokio::test]
async fn a_probe_names_the_permission_that_is_missing() {
    let stub = Stub::start().await;
    for resource in Resource::ALL {
        stub.then(json(value!({"value": [{"id": id(1)}]})));
        stub.client().probe(resource).await.unwrap();
        stub.then(status(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges.",
        ));
        let error = stub.client().probe(resource).await.unwrap_err();
        assert_eq!(error.code(), "permission_missing");
        assert!(
            error.fix().contains(resource.least_role()),
            "{}",
            error.fix()
        );
        let seen = stub.graph_seen().pop().unwrap();
        assert_eq!(seen.path, format!("/v1.0/{}", resource.path()));
        let top = if resource == Resource::Organization {
            ""
        } else {
            "1"
        };
        assert_eq!((seen.param("$top"), seen.param("$select")), (top, "id"));
    }
}

/// What Graph sends for each property of the selection has its place in the struct.
#[test]
fn every_selected_property_is_kept() {
    fn check<T: Item + serde::Serialize>(odd: &[(&str, Value)]) {
        for name in T::SELECT {
            let plain = [value!("text"), value!(true), value!(["text"])];
            let odd = odd
                .iter()
                .filter(|(odd, _)| odd == name)
                .map(|(_, value)| value.clone());
            let kept = odd.chain(plain).any(|sent| {
                let mut object = value!({"id": id(1)});
                object[*name] = if *name == "id" { value!(id(1)) } else { sent };
                serde_json::from_value::<T>(object.clone())
                    .is_ok_and(|item| serde_json::to_value(item).unwrap() == object)
            });
            assert!(kept, "{name} of {} is dropped", T::TYPE);
        }
    }
    let time = value!("2024-05-01T10:00:00Z");
    check::<UserItem>(&[
        ("createdDateTime", time.clone()),
        ("assignedLicenses", value!([{"skuId": id(1)}])),
    ]);
    check::<GroupItem>(&[("createdDateTime", time.clone())]);
    check::<ContactItem>(&[
        ("phones", value!([{"type": "mobile", "number": "1"}])),
        (
            "addresses",
            value!([{"city": "Bern", "countryOrRegion": "CH"}]),
        ),
    ]);
    check::<DeviceItem>(&[("registrationDateTime", time)]);
}
