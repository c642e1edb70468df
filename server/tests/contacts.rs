//! Contacts and devices: by programs, on their pages and as files.

use domain::{
    id::CustomerId,
    permission::Role,
    user::DirectoryStatus::{Active, Inactive},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{NOBODY, TestApp, both, id};

/// Two contacts and two devices of a new customer.
async fn world(app: &TestApp) -> CustomerId {
    let customer = app.t.customer("Adatum").await;
    app.t.contact(customer, None, "Zoë Ångström", Active).await;
    app.t.contact(customer, None, "=1+1", Inactive).await;
    app.t.device(customer, None, "LAPTOP-1", Active).await;
    app.t.device(customer, None, "LAPTOP-2", Inactive).await;
    customer
}

async fn items(app: &TestApp, path: &str) -> Vec<Value> {
    let list = app.get(path).await.expect(200);
    list["items"].as_array().unwrap().clone()
}

both!(
    contacts_and_devices_are_read_page_by_page_and_by_id,
    |app| {
        let customer = world(&app).await;
        for noun in ["contacts", "devices"] {
            let list = format!("/customers/{customer}/{noun}");
            let first = app.get(&format!("{list}?limit=1")).await.expect(200);
            let next = first["next"].as_str().unwrap();
            let second = app
                .get(&format!("{list}?limit=1&cursor={next}"))
                .await
                .expect(200);
            assert_eq!(second["next"], Value::Null);
            let (one, two) = (&first["items"][0], &second["items"][0]);
            assert_ne!(id(one), id(two));
            let by_id = app.get(&format!("/{noun}/{}", id(one))).await.expect(200);
            assert_eq!(&by_id, one);
            app.get(&format!("/{noun}/{NOBODY}")).await.refused(404);
            app.get(&format!("/customers/{NOBODY}/{noun}"))
                .await
                .refused(404);
            let unknown = app.get(&format!("{list}?colour=red")).await;
            assert_eq!(unknown.refused(400).as_deref(), Some("colour"));
        }
        let contacts = items(&app, &format!("/customers/{customer}/contacts?q=angst")).await;
        assert_eq!(
            contacts,
            [json!({
                "id": id(&contacts[0]),
                "external_id": null,
                "display_name": "Zoë Ångström",
                "given_name": "Given",
                "surname": "Surname",
                "mail": "zoe.angstrom@supplier.example",
                "company_name": "Supplier & Sons",
                "status": "active",
                "source_type": "Manual",
                "integration_id": null,
            })]
        );
        let devices = items(&app, &format!("/customers/{customer}/devices?q=laptop-1")).await;
        assert_eq!(
            devices,
            [json!({
                "id": id(&devices[0]),
                "external_id": null,
                "device_id": "d-1",
                "display_name": "LAPTOP-1",
                "operating_system": "Windows",
                "operating_system_version": "10.0.22631",
                "trust_type": "AzureAd",
                "is_compliant": true,
                "is_managed": null,
                "status": "active",
                "source_type": "Manual",
                "integration_id": null,
            })]
        );
    }
);

both!(another_customers_contacts_and_devices_do_not_exist, |app| {
    let customer = world(&app).await;
    let other = app.t.customer("Other").await;
    let token = app.token(Role::Administrator, Some(&[other])).await;
    let session = app.session(&app.t.administrator_of(&[other]).await).await;
    for noun in ["contacts", "devices"] {
        let list = format!("/customers/{customer}/{noun}");
        let one = id(&items(&app, &list).await[0]);
        for path in [
            format!("{list}?limit=nonsense"),
            format!("/{noun}/{one}"),
            format!("/{noun}/{one}/countdown"),
        ] {
            app.call(Method::GET, &path, Some(&token), None)
                .await
                .refused(404);
        }
        let page = app.page_of(&format!("/{noun}/{one}"), &session).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        let file = format!("/export/{noun}.csv?customer={customer}");
        let file = app.page_of(&file, &session).await;
        assert_eq!(
            (file.status, file.text.lines().count()),
            (StatusCode::OK, 1)
        );
        assert_eq!(app.page(&format!("/export/{noun}.csv")).await.status, 303);
        assert_eq!(app.page(&format!("/{noun}")).await.status, 302);
    }
});

both!(contacts_and_devices_have_pages_and_files, |app| {
    let customer = world(&app).await;
    let session = app.session(&app.owner_scope).await;
    let page = async |path: &str| -> String {
        let answer = app.page_of(path, &session).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.text
    };
    let said = async |path: &str, says: &[&str]| {
        let text = page(path).await;
        for says in says {
            assert!(text.contains(says), "{path} doesn’t say {says}");
        }
    };
    let of = format!("customer={customer}");
    said(
        &format!("/contacts?{of}"),
        &[
            "Zoë Ångström",
            "zoe.angstrom@supplier.example",
            "Supplier &amp; Sons",
            "2 contacts",
            "/export/contacts.csv?customer=",
        ],
    )
    .await;
    let filtered = page(&format!("/contacts?{of}&status=active")).await;
    assert!(!filtered.contains("=1+1"));
    said(
        &format!("/devices?{of}&sort=-name"),
        &["LAPTOP-1", "10.0.22631", "Entra joined", "2 devices"],
    )
    .await;
    said(&format!("/contacts?{of}&q=nobody"), &["No contacts match"]).await;

    let contact = &items(&app, &format!("/customers/{customer}/contacts?q=angst")).await[0];
    let path = format!("/contacts/{}", id(contact));
    said(
        &path,
        &[
            "Given name",
            "Company",
            "+1 555 0100 (mobile)",
            "Storgata 1, 0155, Oslo, Norway",
            "In no group.",
        ],
    )
    .await;
    let device = &items(&app, &format!("/customers/{customer}/devices")).await[0];
    let path = format!("/devices/{}", id(device));
    said(
        &path,
        &["Operating system version", "Compliant", "Entra joined"],
    )
    .await;
    said(
        &format!("/customers/{customer}"),
        &["active contact", "active device"],
    )
    .await;

    let file = page(&format!("/export/contacts.csv?{of}&status=inactive")).await;
    let lines: Vec<_> = file.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("'=1+1,Given,Surname,"), "{}", lines[1]);
    let file = page(&format!("/export/devices.csv?{of}")).await;
    assert_eq!(file.lines().count(), 3);
});

both!(
    an_empty_list_says_how_contacts_and_devices_are_read,
    |app| {
        let customer = app.t.customer("Empty").await;
        let session = app.session(&app.owner_scope).await;
        for (noun, title) in [("contacts", "Contacts"), ("devices", "Devices")] {
            let path = format!("/{noun}?customer={customer}");
            let text = app.page_of(&path, &session).await.text;
            assert!(text.contains(&format!("No {noun} yet")), "{text}");
            assert!(text.contains(&format!("tick {title} under Object types")));
            assert!(text.contains(&format!("/integrations?customer={customer}")));
        }
    }
);
