//! The control API, and what a seed gives.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Attributes, ChangeError, Farm, FarmConfig, GroupKind, Snapshot, TenantConfig};

use crate::client::{Answer, Client};

impl Client {
    async fn at(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let target = format!("/control/tenants/{}{path}", self.tenant.domain);
        self.call(method, &target, &[], body.as_ref()).await
    }
}

#[tokio::test]
async fn everything_can_be_done_over_http() {
    let client = Client::with_users(12).await;
    let made = client.at(
        Method::POST,
        "/users",
        Some(json!({"displayName": "Ann", "userPrincipalName": "ann@x.example", "surname": "Lee"})),
    );
    let made = made.await;
    assert_eq!(made.status, 201, "{}", made.text);
    let person = made.json["id"].as_str().unwrap().to_owned();
    let group = json!({"displayName": "Team", "kind": "microsoft_365", "description": "d"});
    let group = client.at(Method::POST, "/groups", Some(group)).await;
    let group = group.json["id"].as_str().unwrap().to_owned();
    let members = format!("/groups/{group}/members");
    let body = Some(json!({"ids": [person]}));
    assert_eq!(
        client.at(Method::POST, &members, body.clone()).await.status,
        204
    );
    let object = format!("/objects/{person}");
    let change = Some(json!({"displayName": "Anna", "accountEnabled": false, "mail": null}));
    assert_eq!(client.at(Method::PATCH, &object, change).await.status, 204);

    let snapshot = client.at(Method::GET, "/snapshot", None).await;
    let snapshot: Snapshot = serde_json::from_value(snapshot.json).unwrap();
    assert_eq!(snapshot, client.control.snapshot());
    let user = snapshot
        .users
        .iter()
        .find(|user| user.id.to_string() == person)
        .unwrap();
    assert_eq!(user.display_name.as_deref(), Some("Anna"));
    assert!(!user.account_enabled);
    let team = snapshot
        .groups
        .iter()
        .find(|one| one.id.to_string() == group)
        .unwrap();
    assert_eq!(team.kind, GroupKind::Microsoft365);
    assert!(
        snapshot
            .memberships
            .iter()
            .any(|edge| edge.member_id.to_string() == person)
    );

    assert_eq!(client.at(Method::DELETE, &members, body).await.status, 204);
    assert_eq!(client.at(Method::DELETE, &object, None).await.status, 204);
    assert_eq!(client.at(Method::DELETE, &object, None).await.status, 404);
    assert_eq!(
        client
            .at(Method::POST, &format!("{object}/restore"), None)
            .await
            .status,
        204
    );
    assert_eq!(
        client
            .at(Method::DELETE, &format!("{object}?hard=true"), None)
            .await
            .status,
        204
    );
    assert_eq!(
        client
            .at(Method::POST, &format!("{object}/restore"), None)
            .await
            .status,
        404
    );
    let random = Some(json!({"count": 25, "seed": 3}));
    let random = client.at(Method::POST, "/random-changes", random).await;
    assert_eq!(random.json["changes"].as_array().unwrap().len(), 25);
}

#[tokio::test]
async fn mistakes_are_explained() {
    let client = Client::with_users(3).await;
    let person = client.control.snapshot().users[0].id;
    let object = format!("/objects/{person}");
    for (method, path, body, status, part) in [
        (
            Method::PATCH,
            object.as_str(),
            json!({"shoe": 1}),
            422,
            "no attribute \"shoe\"",
        ),
        (
            Method::PATCH,
            &object,
            json!({"id": "x"}),
            422,
            "no attribute \"id\"",
        ),
        (
            Method::PATCH,
            &object,
            json!({"mail": 1}),
            422,
            "takes a text or null",
        ),
        (
            Method::PATCH,
            &object,
            json!({"accountEnabled": "no"}),
            422,
            "true, false or null",
        ),
        (
            Method::POST,
            "/users",
            json!({"displayName": "x"}),
            422,
            "userPrincipalName is missing",
        ),
        (
            Method::PUT,
            "/faults",
            json!({"rates": {"flood": 1}}),
            422,
            "flood",
        ),
        (
            Method::PUT,
            "/faults",
            json!({"rates": {"cut": 2}}),
            422,
            "not between 0 and 1",
        ),
        (
            Method::PATCH,
            "/settings",
            json!({"speed": 1}),
            422,
            "speed",
        ),
        (
            Method::POST,
            "/app/certificates",
            json!({"certificate_pem": "x"}),
            422,
            "PEM",
        ),
        (
            Method::POST,
            "/random-changes",
            json!({"count": 99_999_999}),
            422,
            "at most",
        ),
    ] {
        let answer = client.at(method, path, Some(body)).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        let error = answer.json["error"].as_str().unwrap();
        assert!(error.contains(part), "{path}: {error}");
    }
    let answer = client.get("/control/tenants/nobody/snapshot").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text.contains("nobody"));
    let before = client.control.snapshot();
    let half = json!({"displayName": "changed", "shoe": 1});
    assert_eq!(
        client.at(Method::PATCH, &object, Some(half)).await.status,
        422
    );
    assert_eq!(client.control.snapshot(), before, "all or nothing");
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let farm = Farm::new(FarmConfig::default());
    let error = farm.serve(([0, 0, 0, 0], 0).into()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("loopback"), "{error}");
    let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    let taken = running
        .origin()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    assert!(farm.serve(taken).await.is_err());
    running.stop().await;
    assert!(farm.serve(taken).await.is_ok(), "the port is free again");
}

#[test]
fn the_same_seed_gives_the_same_farm() {
    let farm = |seed| Farm::new(FarmConfig::with_users(seed, 60));
    let snapshot = |farm: &Farm| farm.control(farm.tenants()[0].tenant_id).snapshot();
    let (one, same, other) = (farm(9), farm(9), farm(10));
    assert_eq!(snapshot(&one), snapshot(&same));
    assert_ne!(snapshot(&one), snapshot(&other));
    let control = |farm: &Farm| farm.control(farm.tenants()[0].tenant_id);
    assert_eq!(
        control(&one).random_changes(100, 4),
        control(&same).random_changes(100, 4)
    );
    assert_eq!(snapshot(&one), snapshot(&same));
}

#[test]
fn a_tenant_has_the_people_that_break_things() {
    let farm = Farm::new(FarmConfig::with_users(2, 900));
    let truth = farm.control(farm.tenants()[0].tenant_id).snapshot();
    let any = |test: &dyn Fn(&simulator::UserSnapshot) -> bool| truth.users.iter().any(test);
    let named =
        |test: &dyn Fn(&str) -> bool| any(&|user| test(user.display_name.as_deref().unwrap()));
    assert!(named(&|name| name.starts_with('=')), "CSV formula");
    assert!(named(&|name| name.contains("<script>")), "HTML");
    assert!(
        named(&|name| name.chars().count() == 256),
        "as long as can be"
    );
    assert!(named(&|name| name.contains('🚀')), "emoji");
    assert!(
        named(&|name| name.chars().any(|c| ('א'..='ת').contains(&c))),
        "right to left"
    );
    assert!(named(&|name| name.contains('\'')), "apostrophe");
    assert!(any(
        &|user| user.given_name.is_none() && user.surname.is_some()
    ));
    assert!(any(
        &|user| user.given_name.is_some() && user.surname.is_none()
    ));
    assert!(any(
        &|user| user.given_name.is_none() && user.surname.is_none()
    ));
    assert!(any(&|user| user
        .user_principal_name
        .as_deref()
        .unwrap()
        .contains("#EXT#")));
    assert!(any(&|user| user.mail.is_none()));
    let mut addresses: Vec<&str> = truth
        .users
        .iter()
        .map(|user| user.user_principal_name.as_deref().unwrap())
        .collect();
    addresses.sort_unstable();
    let all = addresses.len();
    addresses.dedup();
    assert_eq!(addresses.len(), all, "everyone has an address of their own");
    assert!(truth.groups.iter().any(|group| {
        !truth
            .memberships
            .iter()
            .any(|edge| edge.group_id == group.id)
    }));
    let large =
        truth
            .memberships
            .iter()
            .fold(std::collections::BTreeMap::new(), |mut sizes, edge| {
                *sizes.entry(edge.group_id).or_insert(0) += 1;
                sizes
            });
    assert!(
        large.values().any(|size| *size >= 900),
        "one group holds everybody"
    );
}

#[test]
fn tenants_of_any_size_can_be_made() {
    for users in [0, 1, 2, 3, 12, 41] {
        let tenants = vec![
            TenantConfig::sized(users),
            TenantConfig {
                groups: 0,
                contacts: 0,
                devices: 0,
                ..TenantConfig::sized(users)
            },
        ];
        let farm = Farm::new(FarmConfig {
            tenants,
            shared_app: true,
            ..FarmConfig::default()
        });
        let infos = farm.tenants();
        assert_eq!(infos[0].client_id, infos[1].client_id);
        assert_ne!(infos[0].tenant_id, infos[1].tenant_id);
        let sign_ins = farm.secret_sign_ins();
        assert_eq!(sign_ins.len(), infos.len());
        for (sign_in, info) in sign_ins.iter().zip(&infos) {
            assert_eq!(sign_in.tenant_id, info.tenant_id);
            assert_eq!(sign_in.domain, info.domain);
            assert_eq!(sign_in.client_id, info.client_id);
            assert_eq!(sign_in.client_secret, info.client_secret);
        }
        for info in infos {
            let control = farm.control(info.tenant_id);
            control.random_changes(50, 1);
            assert!(control.snapshot().memberships.len() <= users * 6 + 100);
        }
    }
}

#[test]
fn memberships_come_as_many_as_asked_for() {
    let config = TenantConfig {
        groups: 100,
        memberships: 10_000,
        ..TenantConfig::sized(2000)
    };
    let farm = Farm::new(FarmConfig {
        tenants: vec![config],
        ..FarmConfig::default()
    });
    let count = farm
        .control(farm.tenants()[0].tenant_id)
        .snapshot()
        .memberships
        .len();
    assert!((9_000..=10_500).contains(&count), "{count}");
}

#[test]
fn impossible_changes_are_refused() {
    let farm = Farm::new(FarmConfig::default());
    let control = farm.control(farm.tenants()[0].tenant_id);
    let group = |kind| control.create_group("g", kind, &Attributes::new()).unwrap();
    let (security, unified) = (group(GroupKind::Security), group(GroupKind::Microsoft365));
    let refused = |result| matches!(result, Err(ChangeError::NotAllowed(_)));
    assert!(
        refused(control.add_members(unified, &[security])),
        "Microsoft 365 groups don't nest"
    );
    assert!(refused(control.add_members(security, &[security])));
    control.add_members(security, &[unified]).unwrap();
    let person = control.snapshot().users[0].id;
    control.delete(person).unwrap();
    let gone = control.add_members(security, &[person]);
    assert!(matches!(gone, Err(ChangeError::NotFound { .. })));
    control.delete(security).unwrap();
    assert!(
        control.restore(security).is_err(),
        "a security group is gone at once"
    );
    control.delete(unified).unwrap();
    control.restore(unified).unwrap();
}
