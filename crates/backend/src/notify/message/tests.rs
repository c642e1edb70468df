use super::*;

fn about(customer: &str) -> About {
    About {
        customer: Named {
            id: CustomerId(Uuid::from_u128(1)),
            name: customer.to_owned(),
        },
        integration: Named {
            id: IntegrationId(Uuid::from_u128(2)),
            name: "contoso.example".to_owned(),
        },
        run_id: RunId(Uuid::from_u128(3)),
    }
}

fn error(detail: &str) -> RunError {
    RunError {
        code: "AADSTS7000222".to_owned(),
        title: "Client secret expired".to_owned(),
        detail: detail.to_owned(),
        fix: "Make a new one.".to_owned(),
    }
}

fn held(object_type: ObjectType, number: i64, actions: &[Action]) -> HeldType {
    HeldType {
        object_type,
        number,
        actions: actions.to_vec(),
    }
}

#[test]
fn the_subject_says_what_would_happen_to_whom() {
    use ObjectType::{Group, Membership, User};
    for (rows, words) in [
        (
            vec![
                held(User, 312, &[Action::Disable]),
                held(Membership, 9, &[Action::Delete]),
            ],
            "312 users of Contoso would be disabled",
        ),
        (
            vec![
                held(User, 1_312, &[Action::Disable]),
                held(Group, 1, &[Action::Delete]),
            ],
            "1,312 users and 1 group of Contoso would be disabled or deleted",
        ),
        (
            vec![held(Membership, 1, &[Action::Delete])],
            "1 membership of Contoso would be removed",
        ),
        (
            vec![held(User, 1, &[Action::Delete])],
            "1 user of Contoso would be deleted",
        ),
    ] {
        assert_eq!(would(&rows, "Contoso"), words);
    }
}

#[test]
fn names_and_causes_stay_text_in_a_mail() {
    let url = Url::parse("https://rollcall.example/").unwrap();
    let message = Message::failing(
        about("<script>alert(1)</script> & Söhne"),
        DateTime::default(),
        3,
        DateTime::default(),
        Some(&error("\"quoted\" <b>")),
    );
    let html = message.html(&url);
    assert!(
        !html.contains("<script>") && !html.contains("<b>)"),
        "{html}"
    );
    assert!(
        html.contains("&lt;script&gt;") && html.contains("&amp; Söhne"),
        "{html}"
    );
    let text = message.text(&url);
    assert!(text.contains("<script>"), "{text}");
    for part in [
        "3 runs",
        "Client secret expired",
        "What to do: Make a new one.",
        "https://rollcall.example/integrations/00000000-0000-0000-0000-000000000002",
    ] {
        assert!(
            text.contains(part) && html.contains(part.trim_start_matches("What to do: ")),
            "{part} {text}"
        );
    }
}

#[test]
fn a_webhook_tells_no_more_than_ids_names_and_a_title() {
    let url = Url::parse("https://rollcall.example/").unwrap();
    let message = Message::failing(
        about("Contoso"),
        DateTime::default(),
        3,
        DateTime::default(),
        Some(&error("for mina@contoso.example")),
    );
    let body = message.body("msg_1", &url);
    assert!(!body.contains("mina"), "{body}");
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "id": "msg_1",
            "type": "integration.failing",
            "timestamp": "1970-01-01T00:00:00Z",
            "data": {
                "title": "Failing: Contoso, contoso.example: Client secret expired",
                "customer": { "id": Uuid::from_u128(1), "name": "Contoso" },
                "integration": { "id": Uuid::from_u128(2), "name": "contoso.example" },
                "run_id": Uuid::from_u128(3),
                "credential_profile": null,
                "url": format!("https://rollcall.example/integrations/{}", Uuid::from_u128(2)),
            },
        })
    );
}
