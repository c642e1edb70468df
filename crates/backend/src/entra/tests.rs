//! Test Connection and group search against the simulator, in this process.

mod consent;
mod sign_in;

use std::sync::Arc;

use domain::{
    connection::{CheckStatus, ConnectionTest},
    credential_profile::{
        CredentialKind, CredentialProfile, NewCredentialProfile, NewSecondCredential,
    },
    id::{CustomerId, ExternalId, TenantId},
    integration::{Integration, IntegrationChange, NewIntegration},
    policy::{ObjectType, Policy},
};
use simulator::{
    AppState, Attributes, Control, Farm, FarmConfig, GroupKind, ManualClock, RunningFarm,
    TenantConfig, TenantInfo,
};

use super::*;
use crate::{
    Cloud, Clouds, Error, Scope,
    store::{credential_profiles, integrations, sample},
    testing::{Kind, TestBackend, start},
};

/// A backend whose cloud `sim` is a farm of two tenants.
struct World {
    t: TestBackend,
    farm: Farm,
    _running: RunningFarm,
    owner: Scope,
    customer: CustomerId,
}

impl World {
    async fn new() -> Self {
        Self::on(Kind::Sqlite).await.unwrap()
    }

    async fn on(kind: Kind) -> Option<Self> {
        Self::with(kind, false).await
    }

    /// With an application in each tenant, or with one in both.
    async fn with(kind: Kind, shared_app: bool) -> Option<Self> {
        let farm = Farm::new(FarmConfig {
            seed: 7,
            tenants: vec![TenantConfig::sized(12), TenantConfig::sized(12)],
            shared_app,
            clock: Arc::new(ManualClock::new(start())),
        });
        let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let origin = running.origin();
        let cloud = Cloud::parse("sim", "Simulator", &origin, &origin).unwrap();
        // Nothing listens on port 1.
        let dead = "http://127.0.0.1:1";
        let dead = Cloud::parse("dead", "Nobody there", dead, dead).unwrap();
        let t = TestBackend::with_clouds(kind, Clouds::new([cloud, dead]).unwrap()).await?;
        let (owner, customer) = (t.owner().await, t.customer("Contoso").await);
        Some(Self {
            t,
            farm,
            _running: running,
            owner,
            customer,
        })
    }

    fn tenant(&self, at: usize) -> (TenantInfo, Control) {
        let tenant = self.farm.tenants().remove(at);
        let control = self.farm.control(tenant.tenant_id);
        (tenant, control)
    }

    async fn profile(&self, customer: Option<CustomerId>, at: usize) -> CredentialProfile {
        let tenant = self.tenant(at).0;
        let new = NewCredentialProfile {
            client_id: tenant.client_id.to_string(),
            client_secret: Some(tenant.client_secret),
            ..sample::new_profile(customer, "Own")
        };
        let made = credential_profiles::create(&self.t, &self.owner, new).await;
        made.unwrap()
    }

    async fn new_integration(&self) -> NewIntegration {
        let profile = self.profile(Some(self.customer), 0).await;
        NewIntegration {
            cloud: "sim".to_owned(),
            ..sample::new_integration(&profile, &self.tenant(0).0.domain)
        }
    }

    async fn saved(&self) -> Integration {
        let new = self.new_integration().await;
        let made = integrations::create(&self.t, &self.owner, self.customer, new).await;
        made.unwrap()
    }

    async fn test(&self, new: NewIntegration) -> ConnectionTest {
        let test = test_connection(&self.t, &self.owner, self.customer, new).await;
        test.unwrap()
    }
}

/// The checks as "id status", and of failed ones the detail and the fix.
fn lines(test: &ConnectionTest) -> Vec<String> {
    assert_eq!(
        test.ok,
        test.checks.iter().all(|c| c.status != CheckStatus::Failed)
    );
    test.checks
        .iter()
        .map(|check| {
            assert_eq!(check.fix.is_some(), check.status == CheckStatus::Failed);
            assert!(!check.detail.is_empty());
            format!("{} {}", check.id, check.status)
        })
        .collect()
}

fn failed(test: &ConnectionTest) -> (&str, &str) {
    let check = test
        .checks
        .iter()
        .find(|c| c.status == CheckStatus::Failed)
        .expect("a check failed");
    (&check.id, &check.detail)
}

async fn a_good_connection(kind: Kind) {
    let Some(world) = World::on(kind).await else {
        return;
    };
    let (tenant, _) = world.tenant(0);
    let test = world.test(world.new_integration().await).await;
    let expected = [
        "authority passed",
        "tenant passed",
        "credential passed",
        "token_tenant passed",
        "elsewhere passed",
        "organization passed",
        "permission_users passed",
        "read_users passed",
        "permission_groups passed",
        "read_groups passed",
    ];
    assert_eq!(lines(&test), expected);
    assert_eq!(test.tenant_id, Some(TenantId(tenant.tenant_id)));
    assert_eq!(
        test.tenant_name.as_deref(),
        Some(tenant.display_name.as_str())
    );

    let id = world.saved().await.id;
    let test = test_saved(&world.t, &world.owner, id).await.unwrap();
    assert!(test.ok);
    let saved = integrations::get(&world.t, &world.owner, id).await.unwrap();
    assert_eq!(saved.tenant_id, Some(TenantId(tenant.tenant_id)));
    assert_eq!(saved.name, tenant.display_name);
    assert_eq!(saved.tenant, tenant.domain);
}

#[tokio::test]
async fn a_good_connection_passes_and_a_saved_one_is_pinned_on_sqlite() {
    a_good_connection(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_good_connection_passes_and_a_saved_one_is_pinned_on_postgresql() {
    a_good_connection(Kind::Postgres).await;
}

#[tokio::test]
async fn a_certificate_signs_in() {
    let world = World::new().await;
    let (tenant, _) = world.tenant(0);
    let new = NewCredentialProfile {
        kind: CredentialKind::Certificate,
        client_id: tenant.client_id.to_string(),
        client_secret: None,
        certificate_pem: Some(tenant.certificate_pem),
        private_key_pem: Some(tenant.private_key_pem),
        ..sample::new_profile(None, "Certificate")
    };
    let profile = credential_profiles::create(&world.t, &world.owner, new)
        .await
        .unwrap();
    let new = NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(&profile, &tenant.tenant_id.to_string())
    };
    let test = world.test(new).await;
    assert!(test.ok, "{test:?}");
}

#[tokio::test]
async fn each_failure_stops_at_its_own_step() {
    let world = World::new().await;
    let new = world.new_integration().await;
    let (_, control) = world.tenant(0);
    let skipped_from = |test: &ConnectionTest, at: usize| {
        let lines = lines(test);
        assert!(lines[at].ends_with("failed"), "{lines:?}");
        assert!(
            lines[..at].iter().all(|l| l.ends_with("passed")),
            "{lines:?}"
        );
        assert!(
            lines[at + 1..].iter().all(|l| l.ends_with("skipped")),
            "{lines:?}"
        );
    };

    let dead = NewIntegration {
        cloud: "dead".to_owned(),
        ..new.clone()
    };
    let test = world.test(dead).await;
    skipped_from(&test, 0);

    let unknown = NewIntegration {
        tenant: "nobody.example".to_owned(),
        ..new.clone()
    };
    let test = world.test(unknown).await;
    skipped_from(&test, 1);
    assert!(failed(&test).1.contains("AADSTS90002"), "{test:?}");

    control.set_app_state(AppState::Unknown);
    let test = world.test(new.clone()).await;
    skipped_from(&test, 2);
    assert!(failed(&test).1.contains("AADSTS700016"), "{test:?}");

    control.set_app_state(AppState::Ready);
    control.expire_secrets();
    let test = world.test(new).await;
    skipped_from(&test, 2);
    assert!(failed(&test).1.contains("AADSTS7000222"), "{test:?}");
    assert_eq!((test.tenant_id, test.tenant_name), (None, None));
}

#[tokio::test]
async fn each_permission_is_named_with_its_fix_and_asked_for_anew() {
    let world = World::new().await;
    let (_, control) = world.tenant(0);
    let policy = Policy {
        object_types: vec![ObjectType::User, ObjectType::Device],
        selected_group_ids: vec![ExternalId(uuid::Uuid::from_u128(1))],
        ..Policy::default()
    };
    let new = NewIntegration {
        policy,
        ..world.new_integration().await
    };
    control.set_roles(["User.Read.All"]);
    let test = world.test(new.clone()).await;
    assert_eq!(
        lines(&test)[5..],
        [
            "organization skipped",
            "permission_users passed",
            "read_users passed",
            "permission_groups failed",
            "read_groups skipped",
            "permission_devices failed",
            "read_devices skipped",
        ]
    );
    let fix = test.checks[8].fix.as_deref().unwrap();
    assert!(fix.contains("GroupMember.Read.All"), "{fix}");
    assert!(
        test.tenant_id.is_some(),
        "the tenant is proven all the same"
    );

    control.set_roles(["Directory.Read.All"]);
    assert!(world.test(new).await.ok, "no old token is asked");
}

#[tokio::test]
async fn another_tenant_behind_the_domain_is_told_and_nothing_is_read() {
    let world = World::new().await;
    let saved = world.saved().await;
    let mut tx = world.t.db.write().await.unwrap();
    let other = TenantId(uuid::Uuid::from_u128(5));
    integrations::pin(&world.t, &mut tx, saved.id, other, None, None)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let test = test_saved(&world.t, &world.owner, saved.id).await.unwrap();
    assert_eq!(failed(&test).0, "token_tenant");
    assert!(
        lines(&test)[4..]
            .iter()
            .all(|line| line.ends_with("skipped"))
    );
    let searched = group_search(&world.t, &world.owner, saved.id, "group", false).await;
    assert!(
        matches!(&searched, Err(Error::Source(e)) if e.code == "tenant_changed"),
        "{searched:?}"
    );
    let after = integrations::get(&world.t, &world.owner, saved.id)
        .await
        .unwrap();
    assert_eq!(after.tenant_id, Some(other));
}

#[tokio::test]
async fn who_may_not_connect_may_not_test_or_search_either() {
    let world = World::new().await;
    let t = &world.t;
    let saved = world.saved().await;
    test_saved(t, &world.owner, saved.id).await.unwrap();
    let (tenant, control) = world.tenant(0);

    let mine = t.customer("Mine").await;
    let some = t.administrator_of(&[mine]).await;
    let missing = test_saved(t, &some, saved.id).await;
    assert!(matches!(missing, Err(Error::NotFound("integration"))));
    let missing = group_search(t, &some, saved.id, "group", false).await;
    assert!(matches!(missing, Err(Error::NotFound("integration"))));

    let field = |given: Result<ConnectionTest>| match given {
        Err(Error::Invalid(field)) => field.field,
        other => panic!("{other:?}"),
    };
    let shared = world.profile(None, 0).await;
    let own = world.profile(Some(mine), 0).await;
    let new = |profile: &CredentialProfile, tenant: &str| NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(profile, tenant)
    };
    let refused = test_connection(t, &some, mine, new(&shared, "x.example")).await;
    assert_eq!(field(refused), "credential_profile_id");
    let refused = test_connection(t, &some, mine, new(&own, &tenant.domain)).await;
    assert_eq!(field(refused), "tenant");
    let missing = test_connection(t, &some, world.customer, new(&own, "x.example")).await;
    assert!(matches!(missing, Err(Error::NotFound("customer"))));

    // The first customer's integration was typed as a domain; this one comes by another name of
    // the same tenant. The simulator knows a tenant by its domain and its GUID, so the GUID plays
    // the name that nobody knew: it isn't pinned when the integration is added.
    let mut tx = t.db.write().await.unwrap();
    crate::execute!(
        &mut tx,
        "UPDATE integration SET tenant_id = NULL WHERE id = $1",
        saved.id
    )
    .unwrap();
    tx.commit().await.unwrap();
    let guid = new(&own, &tenant.tenant_id.to_string());
    let sly = integrations::create(t, &some, mine, guid.clone())
        .await
        .unwrap();
    test_saved(t, &world.owner, saved.id).await.unwrap();
    control.reset_stats();
    let test = test_saved(t, &some, sly.id).await.unwrap();
    assert_eq!(failed(&test).0, "elsewhere");
    assert!(
        lines(&test)[5..]
            .iter()
            .all(|line| line.ends_with("skipped")),
        "nothing is read"
    );
    let searched = group_search(t, &some, sly.id, "group", true).await;
    assert!(matches!(&searched, Err(Error::Source(e)) if e.code == "tenant_elsewhere"));
    let read = control
        .request_log()
        .into_iter()
        .any(|r| r.target.contains("/v1.0/"));
    assert!(!read);
    assert_eq!(
        integrations::get(t, &some, sly.id).await.unwrap().tenant_id,
        None
    );

    // Who sees all customers may, and is told where else it is.
    let test = test_saved(t, &world.owner, sly.id).await.unwrap();
    assert!(test.ok);
    let elsewhere = test.checks.iter().find(|c| c.id == "elsewhere").unwrap();
    assert_eq!(elsewhere.detail, "It is also connected to Contoso.");
    group_search(t, &some, sly.id, "group", false)
        .await
        .unwrap();
}

#[tokio::test]
async fn groups_are_found_by_typing_with_kind_reason_and_number() {
    let world = World::new().await;
    let (_, control) = world.tenant(0);
    let make = |name: &str, kind| {
        control
            .create_group(name, kind, &Attributes::new())
            .unwrap()
    };
    let users: Vec<_> = control
        .snapshot()
        .users
        .iter()
        .map(|u| u.id)
        .take(3)
        .collect();
    let sales = make("Zebra Sales", GroupKind::Security);
    control.add_members(sales, &users).unwrap();
    make("Zebra List", GroupKind::Distribution);
    make("Zebra Mail", GroupKind::MailEnabledSecurity);
    make("Zebra Team", GroupKind::Microsoft365);
    let id = world.saved().await.id;
    let search = async |q: &str, counts| group_search(&world.t, &world.owner, id, q, counts).await;

    for short in ["", "zeb", "   zeb  "] {
        let refused = search(short, false).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(f)) if f.field == "q"),
            "{refused:?}"
        );
    }
    let mut hits = search(" zebra ", false).await.unwrap();
    hits.sort_by(|a, b| a.display_name.cmp(&b.display_name));
    let told: Vec<_> = hits
        .iter()
        .map(|h| {
            (
                h.display_name.as_str(),
                h.kind.as_str(),
                h.reason.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "Zebra List",
                "distribution",
                Some("Distribution list: cannot be synced")
            ),
            (
                "Zebra Mail",
                "mail_enabled_security",
                Some("Mail-enabled security group: cannot be synced")
            ),
            ("Zebra Sales", "security", None),
            ("Zebra Team", "microsoft_365", None),
        ]
    );
    assert!(
        hits.iter()
            .all(|h| h.can_sync == h.reason.is_none() && h.member_count.is_none())
    );

    let select = IntegrationChange {
        policy: Some(Policy {
            selected_group_ids: vec![ExternalId(sales)],
            ..Policy::default()
        }),
        ..IntegrationChange::default()
    };
    integrations::change(&world.t, &world.owner, id, select)
        .await
        .unwrap();
    let hits = search("zebra", true).await.unwrap();
    let counted = hits.iter().find(|h| h.id.0 == sales).unwrap();
    assert_eq!(counted.member_count, Some(3));
    let kept = integrations::selected_groups(&world.t, &world.owner, id)
        .await
        .unwrap();
    assert_eq!(kept[0].display_name.as_deref(), Some("Zebra Sales"));
    assert_eq!(kept[0].member_count, Some(3));
    assert!(
        search("nothing of the kind", true)
            .await
            .unwrap()
            .is_empty()
    );
}

fn second_secret(value: String) -> NewSecondCredential {
    NewSecondCredential {
        kind: CredentialKind::ClientSecret,
        client_secret: Some(value),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: None,
    }
}

async fn a_refused_secret(kind: Kind) {
    let Some(world) = World::on(kind).await else {
        return;
    };
    let (t, owner) = (&world.t, &world.owner);
    let saved = world.saved().await;
    let (profile, (_, control)) = (saved.credential_profile_id, world.tenant(0));
    let next = control.add_secret(None);
    let new = second_secret(next.clone());
    credential_profiles::put_second(t, owner, profile, new)
        .await
        .unwrap();

    // While the first is good, the second isn't used.
    assert!(test_saved(t, owner, saved.id).await.unwrap().ok);
    let now = credential_profiles::get(t, owner, profile).await.unwrap();
    assert_eq!(
        (now.switched_at, now.second.unwrap().replaced_at),
        (None, None)
    );

    control.remove_secret(&world.tenant(0).0.client_secret);
    control.reset_stats();
    let test = test_saved(t, owner, saved.id).await.unwrap();
    assert!(test.ok, "{test:?}");
    let told = test
        .checks
        .iter()
        .find(|check| check.id == "credential")
        .unwrap();
    assert!(
        told.detail.contains("The second secret signed in")
            && told.detail.contains("AADSTS7000215"),
        "{told:?}"
    );
    let now = credential_profiles::get(t, owner, profile).await.unwrap();
    assert_eq!(now.switched_at, Some(t.clock.now()));
    assert_eq!(now.switched_because.as_deref(), Some("AADSTS7000215"));
    assert!(now.second.unwrap().replaced_at.is_some());
    let log = sample::audit_log(t).await;
    assert_eq!(
        log.last().unwrap(),
        "Rollcall credential_profile.use_second Own: Entra refused the first (AADSTS7000215)"
    );
    // From now on it is the first: the old one isn't asked with.
    let tokens = || {
        let log = control.request_log();
        log.iter().filter(|r| r.target.contains("/oauth2/")).count()
    };
    assert_eq!(tokens(), 2);
    control.reset_stats();
    assert!(test_saved(t, owner, saved.id).await.unwrap().ok);
    assert_eq!(tokens(), 1);

    // Where both are refused, what is wrong with the one in use is told, and nothing changes.
    control.expire_secrets();
    let test = test_saved(t, owner, saved.id).await.unwrap();
    assert!(failed(&test).1.contains("AADSTS7000222"), "{test:?}");
    let still = credential_profiles::get(t, owner, profile).await.unwrap();
    assert_eq!(still.switched_because.as_deref(), Some("AADSTS7000215"));
    assert_eq!(sample::audit_log(t).await.len(), log.len());
}

#[tokio::test]
async fn a_second_secret_takes_over_from_one_that_is_refused_on_sqlite() {
    a_refused_secret(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_second_secret_takes_over_from_one_that_is_refused_on_postgresql() {
    a_refused_secret(Kind::Postgres).await;
}

#[tokio::test]
async fn an_expired_secret_and_an_unknown_certificate_are_taken_over_from_too() {
    let world = World::new().await;
    let (t, owner) = (&world.t, &world.owner);
    let saved = world.saved().await;
    let (profile, (_, control)) = (saved.credential_profile_id, world.tenant(0));
    let made = NewSecondCredential {
        kind: CredentialKind::Certificate,
        client_secret: None,
        certificate_years: Some(1),
        ..second_secret(String::new())
    };
    credential_profiles::put_second(t, owner, profile, made)
        .await
        .unwrap();
    control.expire_secrets();
    // The certificate isn't known to Entra yet.
    let test = test_saved(t, owner, saved.id).await.unwrap();
    assert!(failed(&test).1.contains("AADSTS7000222"), "{test:?}");
    let test = test_second(t, owner, profile, saved.id).await.unwrap();
    assert!(failed(&test).1.contains("AADSTS700027"), "{test:?}");
    let now = credential_profiles::get(t, owner, profile).await.unwrap();
    assert_eq!(now.second.unwrap().tested_at, None);

    let public = credential_profiles::certificate(t, owner, profile, true)
        .await
        .unwrap();
    control.add_certificate(&public.pem).unwrap();
    let test = test_second(t, owner, profile, saved.id).await.unwrap();
    assert!(test.ok, "{test:?}");
    let now = credential_profiles::get(t, owner, profile).await.unwrap();
    assert_eq!(now.switched_at, None, "a test changes nothing over");
    assert_eq!(now.second.unwrap().tested_at, Some(t.clock.now()));
    assert!(test_saved(t, owner, saved.id).await.unwrap().ok);
    let now = credential_profiles::get(t, owner, profile).await.unwrap();
    assert_eq!(
        (now.kind, now.switched_because.as_deref()),
        (CredentialKind::Certificate, Some("AADSTS7000222"))
    );

    let value = control.add_secret(None);
    credential_profiles::put_second(t, owner, profile, second_secret(value))
        .await
        .unwrap();
    control.remove_certificates();
    assert!(test_saved(t, owner, saved.id).await.unwrap().ok);
    let now = credential_profiles::get(t, owner, profile).await.unwrap();
    assert_eq!(
        (now.kind, now.switched_because.as_deref()),
        (CredentialKind::ClientSecret, Some("AADSTS700027"))
    );
}

#[tokio::test]
async fn a_second_secret_is_tested_with_an_integration_of_the_profile_only() {
    let world = World::new().await;
    let (t, owner) = (&world.t, &world.owner);
    let saved = world.saved().await;
    let profile = saved.credential_profile_id;
    let refused = test_second(t, owner, profile, saved.id).await;
    assert!(matches!(refused, Err(Error::NotFound("second secret"))));
    let new = second_secret("wrong value".to_owned());
    credential_profiles::put_second(t, owner, profile, new)
        .await
        .unwrap();
    let test = test_second(t, owner, profile, saved.id).await.unwrap();
    assert!(failed(&test).1.contains("AADSTS7000215"), "{test:?}");

    let other = world.profile(None, 1).await;
    let new = NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(&other, &world.tenant(1).0.domain)
    };
    let elsewhere = t.customer("Elsewhere").await;
    let elsewhere = integrations::create(t, owner, elsewhere, new)
        .await
        .unwrap();
    for with in [elsewhere.id, domain::id::IntegrationId(t.ids.uuid())] {
        let refused = test_second(t, owner, profile, with).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(f)) if f.field == "integration_id"),
            "{refused:?}"
        );
    }
    let mine = t.customer("Mine").await;
    let some = t.administrator_of(&[mine]).await;
    let missing = test_second(t, &some, profile, saved.id).await;
    assert!(matches!(
        missing,
        Err(Error::NotFound("credential profile"))
    ));
    let shared = test_second(t, &some, other.id, elsewhere.id).await;
    assert!(matches!(shared, Err(Error::Forbidden(_))));
}
