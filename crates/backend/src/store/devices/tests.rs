use domain::{
    policy::ObjectType,
    user::{
        DirectoryStatus::{Active, Inactive},
        SourceType,
    },
};

use super::*;
use crate::{Error, db_test, store::sample};

fn is_missing<T: std::fmt::Debug>(given: Result<T>) -> bool {
    matches!(given, Err(Error::NotFound("device")))
}

db_test!(devices_are_found_filtered_and_written_out, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let integration = sample::integration(&t, &owner, customer).await.id;
    t.device(customer, Some(integration), "LAPTOP-2", Active)
        .await;
    t.device(customer, None, "laptop-1", Inactive).await;
    t.device(customer, None, "Phone", Active).await;
    // What has the id or the name of a device isn't one.
    t.contact(customer, None, "Laptop, the shop", Active).await;
    let names = async |query: DirectoryQuery| -> Vec<String> {
        let page = list(&t, &owner, query).await.unwrap();
        assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
        page.items
            .into_iter()
            .map(|line| line.object.display_name)
            .collect()
    };
    let all = DirectoryQuery::default;
    assert_eq!(names(all()).await, ["laptop-1", "LAPTOP-2", "Phone"]);
    let laptops = DirectoryQuery {
        q: Some("Laptop".into()),
        ..all()
    };
    assert_eq!(names(laptops).await, ["laptop-1", "LAPTOP-2"]);
    let synced = DirectoryQuery {
        source_type: Some(SourceType::EntraSync),
        ..all()
    };
    assert_eq!(names(synced.clone()).await, ["LAPTOP-2"]);
    let text = sample::text(csv(&t, &owner, synced)).await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[1]
            .starts_with("LAPTOP-2,Windows,10.0.22631,Entra joined,Yes,,Active,EntraSync,A,d-1,"),
        "{}",
        lines[1]
    );
});

db_test!(a_device_shows_what_the_source_gave_and_its_groups, |t| {
    let (owner, customer) = (t.owner().await, t.customer("A").await);
    let id = t.device(customer, None, "LAPTOP-1", Active).await;
    let group = sample::group(&t, customer, None, "Kiosks").await;
    sample::member(&t, group, id.0, ObjectType::Device).await;
    let device = get(&t, &owner, id).await.unwrap();
    assert_eq!(device.device_id.as_deref(), Some("d-1"));
    assert_eq!(device.operating_system.as_deref(), Some("Windows"));
    assert_eq!(device.trust_type.as_deref(), Some("AzureAd"));
    assert_eq!((device.is_compliant, device.is_managed), (Some(true), None));
    let detail = detail(&t, &owner, id).await.unwrap();
    assert_eq!(detail.line.object, device);
    let compliant = detail.attributes.iter().find(|a| a.name == "isCompliant");
    assert_eq!(compliant.unwrap().value, "Yes");
    let groups = member_of(&t, &owner, id).await.unwrap();
    assert_eq!((groups.len(), groups[0].id), (1, group));
    let part = listing(&t, &owner, customer, &ListRequest::default()).await;
    assert_eq!(part.unwrap().items, [device]);
});

db_test!(nobody_sees_another_customers_devices, |t| {
    let (a, b) = (t.customer("A").await, t.customer("B").await);
    let some = t.administrator_of(&[a]).await;
    let device = t.device(b, None, "LAPTOP-1", Active).await;
    assert!(is_missing(get(&t, &some, device).await));
    assert!(is_missing(detail(&t, &some, device).await));
    assert!(is_missing(member_of(&t, &some, device).await));
    let missing = listing(&t, &some, b, &ListRequest::default()).await;
    assert!(matches!(missing, Err(Error::NotFound("customer"))));
    let everything = DirectoryQuery::default();
    assert_eq!(
        list(&t, &some, everything.clone()).await.unwrap(),
        Page::empty()
    );
    let text = sample::text(csv(&t, &some, everything)).await;
    assert_eq!(text.lines().count(), 1, "the head alone");
});
