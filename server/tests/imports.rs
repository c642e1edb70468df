//! Imports by REST, and by the form of a page.

use std::{convert::Infallible, fmt::Write as _};

use axum::body::Body;
use domain::{import::FILE_BYTES_MAX, permission::Role};
use futures::{StreamExt as _, stream};
use http::{Method, Request, header};
use serde_json::{Value, json};
use server::router::BODY_MAX;

use crate::support::{Answer, TestApp, both, both_with_farm, id};

const PEOPLE: &str = "Gebruikersnaam;Voornaam;Achternaam;Afdeling\r\n\
    ada@x.example;Ada;Lovelace;Inkoop\r\n\
    geen adres;Bea;Byron;\r\n";

/// A file as a program sends it.
async fn upload(app: &TestApp, path: &str, kind: &str, file: impl Into<Body>) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", app.owner))
        .header(header::CONTENT_TYPE, kind)
        .body(file.into());
    app.send(request.unwrap()).await
}

async fn apply(app: &TestApp, import: &Value, rows: &str) -> Answer {
    let body = json!({ "rows": rows, "plan": import["plan"] });
    app.post(&format!("/imports/{}/apply", id(import)), body)
        .await
}

both!(a_program_imports_a_file, |app| {
    let customer = app.customer("Adatum").await;
    let path = format!("/customers/{customer}/imports?name=mensen.csv");
    let made = upload(&app, &path, "text/csv", PEOPLE).await;
    let import = made.expect(201);
    assert_eq!(
        made.header("location"),
        format!("/api/v1/imports/{}", id(&import))
    );
    assert_eq!(
        import["counts"],
        json!({ "create": 1, "update": 0, "unchanged": 0, "error": 1 })
    );
    assert_eq!(import["columns"][3]["field"], "department");
    let own = format!("/imports/{}", id(&import));
    let rows = app
        .get(&format!("{own}/rows?outcome=error"))
        .await
        .expect(200);
    assert_eq!(rows["items"][0]["number"], 3);
    assert_eq!(rows["items"][0]["errors"][0]["column"], "Gebruikersnaam");
    let csv = app.get(&format!("{own}/rows.csv")).await;
    assert!(csv.text.contains("3,Error,Bea Byron"), "{}", csv.text);

    apply(&app, &import, "all").await.refused(409);
    let columns = json!({ "columns": ["user_principal_name", "display_name", null, null] });
    let import = app.patch(&own, columns).await.expect(200);
    let wrong = json!({ "columns": ["shoe_size"] });
    app.patch(&own, wrong).await.refused(422);
    let stale = json!({ "rows": "good", "plan": "x" });
    app.post(&format!("{own}/apply"), stale).await.refused(409);
    let done = apply(&app, &import, "good").await.expect(200);
    assert_eq!(done["status"], "applied");
    let run = app
        .get(&format!("/runs/{}", done["run_id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(
        (&run["mode"], &run["integration_id"]),
        (&json!("import"), &Value::Null)
    );
    let users = app
        .get(&format!("/customers/{customer}/users"))
        .await
        .expect(200);
    assert_eq!(users["items"][0]["source_type"], "Import");
    let list = app
        .get(&format!("/customers/{customer}/imports"))
        .await
        .expect(200);
    assert_eq!(list[0]["name"], "mensen.csv");
    app.delete(&own).await.expect(204);
    app.get(&own).await.refused(404);
});

both!(what_is_no_file_of_people_is_refused, |app| {
    let customer = app.customer("Adatum").await;
    let path = format!("/customers/{customer}/imports");
    let json = upload(&app, &path, "application/json", "{}").await;
    json.refused(415);
    let refused = upload(&app, &path, "text/csv", "upn,name\n").await;
    assert_eq!(refused.refused(422).as_deref(), Some("file"));
    // More than any other body may have, and still a file.
    let many = "b@x.example,B\n".repeat(90_000);
    let large = upload(&app, &path, "text/csv", format!("upn,name\n{many}")).await;
    assert_eq!(large.expect(201)["counts"]["error"], 89_999);
    let too_large = vec![b'a'; 33 * 1024 * 1024];
    upload(&app, &path, "text/csv", too_large)
        .await
        .refused(413);
});

both_with_farm!(members_of_groups_come_once, |app| {
    let (customer, integration) = app.integration().await;
    let found = app
        .get(&format!("/integrations/{integration}/group-search?q=empl"))
        .await
        .expect(200);
    let group = &found["items"][0]["id"];
    let path = format!("/customers/{customer}/imports/from-groups");
    let asked = |group: &Value| {
        json!({
            "integration_id": integration,
            "group_ids": [group],
            "include_nested": true,
        })
    };
    let import = app.post(&path, asked(group)).await.expect(201);
    let number = import["counts"]["create"].as_i64().unwrap();
    assert!(number > 0, "{import}");
    assert_eq!(import["source"], "groups");
    let nobody = json!("0190a0a0-0000-7000-8000-000000000000");
    let unknown = app.post(&path, asked(&nobody)).await;
    assert_eq!(unknown.refused(422).as_deref(), Some("group_ids"));
    let elsewhere = app.customer("Elsewhere").await;
    let other = format!("/customers/{elsewhere}/imports/from-groups");
    let of_another = app.post(&other, asked(group)).await;
    assert_eq!(of_another.refused(422).as_deref(), Some("integration_id"));
    apply(&app, &import, "all").await.expect(200);
    let users = app
        .get(&format!("/customers/{customer}/users"))
        .await
        .expect(200);
    let one = &users["items"][0];
    assert_eq!(
        (&one["source_type"], &one["integration_id"]),
        (&json!("Import"), &Value::Null)
    );
    // Once more nothing changes.
    let again = app.post(&path, asked(group)).await.expect(201);
    assert_eq!(again["counts"]["unchanged"], number);
});

both_with_farm!(members_of_groups_come_with_a_password, |app| {
    let (customer, integration) = app.integration().await;
    let found = app
        .get(&format!("/integrations/{integration}/group-search?q=empl"))
        .await
        .expect(200);
    let path = format!("/customers/{customer}/imports/from-groups");
    let with = |password: &str, initial: Option<&str>| {
        json!({
            "integration_id": integration,
            "group_ids": [found["items"][0]["id"]],
            "include_nested": true,
            "password": password,
            "initial_password": initial,
        })
    };
    for refused in [
        with("column", None),
        with("column", Some("password1234")),
        with("mail", Some("seven small green teapots")),
    ] {
        let answer = app.post(&path, refused).await;
        assert_eq!(
            answer.refused(422).as_deref(),
            Some("initial_password"),
            "{}",
            answer.text
        );
    }
    let given = with("column", Some("seven small green teapots"));
    let answer = app.post(&path, given).await;
    assert!(!answer.text.contains("teapots"), "{}", answer.text);
    let import = answer.expect(201);
    assert_eq!(import["password"], "column");
    apply(&app, &import, "all").await.expect(200);
    app.work().await;
    let import = app
        .get(&format!("/imports/{}", id(&import)))
        .await
        .expect(200);
    let passwords = &import["passwords"];
    let set = passwords["set"].as_i64().unwrap();
    assert!(set > 0, "{import}");
    let users = app
        .get(&format!("/customers/{customer}/users"))
        .await
        .expect(200);
    let one = users["items"][0]["id"].as_str().unwrap();
    let stands = app
        .get(&format!("/users/{one}/enrolment"))
        .await
        .expect(200);
    assert_eq!(stands["state"], "enrolled");
});

/// The form of the page, as a browser sends it.
async fn send_form(app: &TestApp, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        let file = if *name == "file" {
            "; filename=\"people.csv\""
        } else {
            ""
        };
        write!(
            body,
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        )
        .unwrap();
    }
    body.push_str("--edge--\r\n");
    // In pieces, one after the other, as they come by a connection.
    let pieces: Vec<_> = body
        .as_bytes()
        .chunks(16 * 1024)
        .map(<[u8]>::to_vec)
        .collect();
    let pieces = stream::iter(pieces).enumerate();
    let pieces = pieces.then(async |(number, piece)| {
        if number > 0 {
            tokio::task::yield_now().await;
        }
        Ok::<_, Infallible>(piece)
    });
    let request = Request::builder()
        .method(Method::POST)
        .uri(app::routes::IMPORT_FILE)
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
        .body(Body::from_stream(pieces));
    app.send(request.unwrap()).await
}

both!(a_page_takes_a_file_without_the_browser_code, |app| {
    let customer = app.customer("Adatum").await.to_string();
    let cookie = app.session(&app.owner_scope).await;
    let sent = send_form(&app, &cookie, &[("customer", &customer), ("file", PEOPLE)]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    let to = sent.header("location").to_owned();
    assert!(to.starts_with("/imports/"), "{to}");
    let page = app.page_of(&to, &cookie).await;
    for part in [
        "people.csv",
        "Import the good ones",
        "Gebruikersnaam",
        "geen adres",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let list = app
        .page_of(&format!("/customers/{customer}/imports"), &cookie)
        .await;
    assert!(list.text.contains("people.csv"));

    let sent = send_form(&app, &cookie, &[("customer", &customer), ("file", "upn\n")]).await;
    assert_eq!(
        sent.header("location"),
        format!("/customers/{customer}/imports")
    );
    let back = app.page_of(sent.header("location"), &cookie).await;
    assert!(back.text.contains("no rows below it"), "{}", back.text);

    let nobody = send_form(&app, "", &[("customer", &customer), ("file", PEOPLE)]).await;
    assert_eq!(nobody.header("location"), app::routes::SIGN_IN);
    let reader = app
        .t
        .role_over(Role::ReadOnly, &[customer.parse().unwrap()])
        .await;
    let reader = app.session(&reader).await;
    let forbidden = send_form(&app, &reader, &[("customer", &customer), ("file", PEOPLE)]).await;
    assert_eq!(forbidden.status, 403);
});

both!(
    a_file_may_be_larger_than_other_bodies_and_no_larger_than_said,
    |app| {
        let customer = app.customer("Adatum").await.to_string();
        let path = format!("/customers/{customer}/imports");
        let file = |bytes: usize| {
            let head = "upn,name,city\nada@x.example,Ada,";
            format!("{head}{}\n", "a".repeat(bytes - head.len() - 1))
        };
        // Larger than any other body may be: what is wrong is one cell.
        let import = upload(&app, &path, "text/csv", file(2 * BODY_MAX)).await;
        assert_eq!(import.expect(201)["counts"]["error"], 1);
        let answer = upload(&app, &path, "text/csv", file(FILE_BYTES_MAX + 1)).await;
        answer.refused(413);
        assert!(answer.text.contains("32 MiB"), "{}", answer.text);

        let cookie = app.session(&app.owner_scope).await;
        let page = format!("/customers/{customer}/imports");
        for bytes in [FILE_BYTES_MAX + 1, FILE_BYTES_MAX + 1024 * 1024] {
            let fields = [("customer", &*customer), ("file", &*file(bytes))];
            let sent = send_form(&app, &cookie, &fields).await;
            assert_eq!(sent.header("location"), page, "{}", sent.status);
            let back = app.page_of(&page, &cookie).await;
            assert!(back.text.contains("at most 32 MB"), "{}", back.text);
        }
        // Before it is known to which page the browser could be led back.
        let turned = [
            ("file", &*file(FILE_BYTES_MAX + 1024 * 1024)),
            ("customer", &*customer),
        ];
        let sent = send_form(&app, &cookie, &turned).await;
        assert_eq!(sent.status, 413, "{sent:?}");
        assert!(sent.text.contains("at most 32 MB"), "{}", sent.text);
        let of_nobody = send_form(&app, &cookie, &[("file", "upn\n")]).await;
        assert_eq!(of_nobody.status, 422, "{of_nobody:?}");
        assert!(of_nobody.text.contains("customer"), "{}", of_nobody.text);
        let list = app.get(&path).await.expect(200);
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    }
);
