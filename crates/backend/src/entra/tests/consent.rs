//! Consent links from the making to the proof, with one application that both tenants may have. The
//! simulator's consent page is played by the tests: it does no more than change the application's
//! state and send a browser back.

use chrono::Duration;
use domain::{
    consent_link::{ConsentLink, ConsentLinkState, ConsentPermission, NewConsentLink},
    credential_profile::CredentialProfileChange,
    id::CredentialProfileId,
    paging::PageRequest,
};
use secrecy::SecretString;

use super::*;
use crate::{store::consent_links, testing::origin};

/// A link in the hands of whoever opened it.
pub(super) struct Hands {
    pub link: ConsentLink,
    pub secret: SecretString,
}

impl World {
    pub async fn shared(kind: Kind) -> Option<Self> {
        let world = Self::with(kind, true).await?;
        for at in [0, 1] {
            world.tenant(at).1.set_app_state(AppState::NotConsented);
        }
        Some(world)
    }

    async fn link(&self, profile: CredentialProfileId, tenant: &str) -> Hands {
        let by = self.owner.clone();
        self.link_by(&by, self.customer, profile, tenant)
            .await
            .unwrap()
    }

    pub async fn link_by(
        &self,
        by: &Scope,
        customer: CustomerId,
        profile: CredentialProfileId,
        tenant: &str,
    ) -> Result<Hands> {
        let new = NewConsentLink {
            credential_profile_id: profile,
            cloud: "sim".to_owned(),
            tenant: tenant.to_owned(),
            object_types: vec![ObjectType::User, ObjectType::Group],
        };
        let made = consent_links::create(&self.t, by, customer, new).await?;
        let (page, secret) = made.url.split_once("?secret=").unwrap();
        assert_eq!(page, "http://127.0.0.1:3000/consent");
        Ok(Hands {
            secret: secret.into(),
            link: made.link,
        })
    }

    /// Goes to Microsoft; answers the state that went along.
    pub async fn leave(&self, hands: &Hands) -> String {
        let url = send_to_consent(&self.t, &hands.secret).await.unwrap();
        let url = url.expect("the link is good");
        let state = url.query_pairs().find(|(name, _)| name == "state");
        state.unwrap().1.into_owned()
    }

    /// Comes back with this tenant.
    async fn back(&self, hands: &Hands, state: &str, tenant: &str) -> bool {
        self.onward(hands, state, tenant).await != Onward::NotOurs
    }

    pub async fn onward(&self, hands: &Hands, state: &str, tenant: &str) -> Onward {
        let back = CameBack {
            state: Some(state.to_owned()),
            tenant: Some(tenant.to_owned()),
            ..CameBack::default()
        };
        self.came(hands, back).await
    }

    pub async fn came(&self, hands: &Hands, back: CameBack) -> Onward {
        consent_came_back(&self.t, &hands.secret, back, &origin("r"))
            .await
            .unwrap()
    }

    pub async fn check(&self, hands: &Hands) {
        self.t.clock.advance(Duration::seconds(5));
        assert!(
            check_consent(&self.t, &hands.secret, &origin("r"))
                .await
                .unwrap()
        );
    }

    /// Consents at the tenant of this place and comes back.
    pub async fn consents(&self, hands: &Hands, at: usize) {
        let state = self.leave(hands).await;
        let (tenant, control) = self.tenant(at);
        control.set_app_state(AppState::Ready);
        assert!(
            self.back(hands, &state, &tenant.tenant_id.to_string())
                .await
        );
    }

    pub async fn now(&self, hands: &Hands) -> ConsentLink {
        let line = consent_links::get(&self.t, &self.owner, hands.link.id).await;
        line.unwrap().link
    }

    async fn is_good(&self, hands: &Hands) -> bool {
        let secret = hands.secret.clone();
        follow_consent(&self.t, secret).await.unwrap().is_some()
    }

    fn tokens_asked_for(&self, at: usize) -> usize {
        let log = self.tenant(at).1.request_log();
        log.iter().filter(|r| r.target.contains("/oauth2/")).count()
    }
}

pub(super) fn error_of(link: &ConsentLink) -> &str {
    assert_eq!(link.state, ConsentLinkState::Failed, "{link:?}");
    &link.error.as_ref().unwrap().code
}

fn granted(link: &ConsentLink) -> Vec<(&str, bool)> {
    link.permissions
        .iter()
        .map(|ConsentPermission { name, granted, .. }| (name.as_str(), *granted))
        .collect()
}

pub(super) fn blamed<T>(refused: Result<T>) -> String {
    match refused {
        Err(Error::Invalid(error)) => error.field,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was let through"),
    }
}

async fn from_link_to_proof(kind: Kind) {
    let Some(world) = World::shared(kind).await else {
        return;
    };
    let (t, owner) = (&world.t, &world.owner);
    let (tenant, control) = world.tenant(0);
    let profile = world.profile(None, 0).await;
    let new = NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(&profile, &tenant.domain)
    };
    let integration = integrations::create(t, owner, world.customer, new)
        .await
        .unwrap();
    let hands = world.link(profile.id, &tenant.domain).await;
    assert_eq!(
        (hands.link.state, hands.link.expires_at),
        (ConsentLinkState::Waiting, t.clock.now() + Duration::days(7))
    );

    let asked = follow_consent(t, hands.secret.clone()).await.unwrap();
    let asked = asked.unwrap();
    let first = t.clock.now();
    for (seconds, noted) in [(59, first), (1, first + Duration::minutes(1))] {
        t.clock.advance(Duration::seconds(seconds));
        world.is_good(&hands).await;
        assert_eq!(world.now(&hands).await.opened_at, Some(noted));
    }
    assert_eq!(
        (asked.customer_name.as_str(), asked.installation.as_str()),
        ("Contoso", "127.0.0.1")
    );
    let url = send_to_consent(t, &hands.secret).await.unwrap().unwrap();
    assert_eq!(url.path(), format!("/{}/v2.0/adminconsent", tenant.domain));
    let asked: Vec<_> = url.query_pairs().collect();
    let asked = |name: &str| {
        let pair = asked.iter().find(|(key, _)| key == name);
        pair.unwrap().1.to_string()
    };
    assert_eq!(asked("client_id"), tenant.client_id.to_string());
    assert!(asked("scope").ends_with("/.default"));
    assert_eq!(
        asked("redirect_uri"),
        "http://127.0.0.1:3000/consent/callback"
    );

    control.set_app_state(AppState::Ready);
    assert!(
        world
            .back(&hands, &asked("state"), &tenant.tenant_id.to_string())
            .await
    );
    let proven = world.now(&hands).await;
    assert_eq!(proven.state, ConsentLinkState::Proven);
    assert_eq!(proven.proven_tenant_id, Some(TenantId(tenant.tenant_id)));
    assert_eq!(
        granted(&proven),
        [
            ("User.Read.All", true),
            ("GroupMember.Read.All", true),
            ("Organization.Read.All", true)
        ]
    );
    let pinned = integrations::get(t, owner, integration.id).await.unwrap();
    assert_eq!(pinned.tenant_id, Some(TenantId(tenant.tenant_id)));
    let log = sample::audit_log(t).await;
    let last = log.last().unwrap();
    assert!(
        last.contains("consent_link.prove") && last.contains(&tenant.domain),
        "{last}"
    );
    assert!(test_saved(t, owner, integration.id).await.unwrap().ok);
}

#[tokio::test]
async fn a_token_proves_the_tenant_and_pins_it_on_sqlite() {
    from_link_to_proof(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_token_proves_the_tenant_and_pins_it_on_postgresql() {
    from_link_to_proof(Kind::Postgres).await;
}

#[tokio::test]
async fn a_forged_tenant_proves_nothing() {
    let world = World::shared(Kind::Sqlite).await.unwrap();
    let (right, other) = (world.tenant(0).0, world.tenant(1).0);
    let profile = world.profile(None, 0).await;
    // The application may read the other tenant already.
    world.tenant(1).1.set_app_state(AppState::Ready);
    world.tenant(0).1.set_app_state(AppState::Ready);
    let hands = world.link(profile.id, &right.domain).await;
    let other = other.tenant_id.to_string();
    for forged in [other.as_str(), "", "x", right.domain.as_str()] {
        let state = world.leave(&hands).await;
        assert!(world.back(&hands, &state, forged).await);
        let now = world.now(&hands).await;
        assert_eq!(error_of(&now), "other_tenant", "{forged}");
        assert_eq!(now.proven_tenant_id, None);
        world.t.clock.advance(Duration::seconds(5));
    }
    assert_eq!(world.tokens_asked_for(1), 0, "the other one is never asked");
    world.consents(&hands, 0).await;
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Proven);
}

#[tokio::test]
async fn a_state_is_good_once_for_its_link_and_for_an_hour() {
    let world = World::shared(Kind::Sqlite).await.unwrap();
    let (first, second) = (world.tenant(0).0, world.tenant(1).0);
    world.tenant(0).1.set_app_state(AppState::Ready);
    let profile = world.profile(None, 0).await;
    let hands = world.link(profile.id, &first.domain).await;
    let others = world.link(profile.id, &second.domain).await;
    let tenant = first.tenant_id.to_string();

    assert!(!world.back(&hands, "", &tenant).await);
    assert!(!world.back(&hands, "guess", &tenant).await);
    let old = world.leave(&hands).await;
    let elsewhere = world.leave(&others).await;
    let state = world.leave(&hands).await;
    assert!(
        !world.back(&hands, &old, &tenant).await,
        "a newer took its place"
    );
    assert!(
        !world.back(&hands, &elsewhere, &tenant).await,
        "another link's"
    );
    let unknown = Hands {
        link: hands.link.clone(),
        secret: "guess".to_owned().into(),
    };
    assert!(!world.back(&unknown, &state, &tenant).await, "no link");
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Waiting);
    assert_eq!(world.tokens_asked_for(0), 0);

    world.t.clock.advance(Duration::hours(1));
    assert!(!world.back(&hands, &state, &tenant).await, "too late");
    let state = world.leave(&hands).await;
    assert!(world.back(&hands, &state, &tenant).await);
    assert!(!world.back(&hands, &state, &tenant).await, "used");
}

#[tokio::test]
async fn what_is_not_known_everywhere_yet_is_asked_again() {
    let world = World::shared(Kind::Sqlite).await.unwrap();
    let (tenant, control) = world.tenant(0);
    let profile = world.profile(None, 0).await;
    let hands = world.link(profile.id, &tenant.domain).await;
    world.check(&hands).await;
    assert_eq!(world.tokens_asked_for(0), 0, "nobody consented");

    let state = world.leave(&hands).await;
    assert!(
        world
            .back(&hands, &state, &tenant.tenant_id.to_string())
            .await
    );
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Consented);
    // Whoever presses again at once is shown the same.
    check_consent(&world.t, &hands.secret, &origin("r"))
        .await
        .unwrap();
    assert_eq!(world.tokens_asked_for(0), 1);
    control.set_app_state(AppState::Unknown);
    world.check(&hands).await;
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Consented);
    control.set_app_state(AppState::Ready);
    control.configure(|settings| settings.oidless_tokens = true);
    world.check(&hands).await;
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Consented);
    control.configure(|settings| settings.oidless_tokens = false);
    control.set_roles(["User.Read.All"]);
    world.check(&hands).await;
    let now = world.now(&hands).await;
    assert_eq!(now.state, ConsentLinkState::Proven);
    assert_eq!(
        granted(&now),
        [
            ("User.Read.All", true),
            ("GroupMember.Read.All", false),
            ("Organization.Read.All", false)
        ]
    );
    control.set_roles(["Directory.Read.All"]);
    world.check(&hands).await;
    assert!(
        granted(&world.now(&hands).await)
            .iter()
            .all(|(_, has)| *has)
    );
    let proofs = sample::audit_log(&world.t).await;
    let proofs = proofs
        .iter()
        .filter(|line| line.contains("consent_link.prove"));
    assert_eq!(proofs.count(), 1);

    control.expire_secrets();
    world.check(&hands).await;
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Proven);
}

#[tokio::test]
async fn what_microsoft_refuses_is_told_with_what_to_do() {
    let world = World::shared(Kind::Sqlite).await.unwrap();
    let tenant = world.tenant(0).0;
    let profile = world.profile(None, 0).await;
    let hands = world.link(profile.id, &tenant.domain).await;
    let long = "x".repeat(5_000);
    for (error, description, code, title) in [
        (
            "access_denied",
            "AADSTS65004: declined",
            "AADSTS65004",
            "The consent was declined",
        ),
        (
            "consent_required",
            "",
            "consent_required",
            "An administrator is needed",
        ),
        (
            "access_denied",
            "AADSTS90094: An",
            "AADSTS90094",
            "An administrator is needed",
        ),
        (
            "unauthorized_client",
            "AADSTS700016: not found",
            "AADSTS700016",
            "The application can’t be used in this tenant",
        ),
        ("odd", "AADSTS: ü", "odd", "Microsoft refused the consent"),
        ("odd", long.as_str(), "odd", "Microsoft refused the consent"),
    ] {
        let back = CameBack {
            state: Some(world.leave(&hands).await),
            // In errors it is there too, and means nothing.
            tenant: Some(tenant.tenant_id.to_string()),
            error: Some(error.to_owned()),
            error_description: Some(description.to_owned()),
            ..CameBack::default()
        };
        assert_eq!(world.came(&hands, back).await, Onward::Page);
        let now = world.now(&hands).await;
        assert_eq!(error_of(&now), code);
        let told = now.error.unwrap();
        assert_eq!(told.title, title, "{description}");
        assert!(!told.fix.is_empty() && told.detail.chars().count() < 500);
        let said = description.chars().take(300).collect::<String>();
        assert!(told.detail.contains(&said), "{}", told.detail);
    }
    let back = CameBack {
        state: Some(world.leave(&hands).await),
        ..CameBack::default()
    };
    assert_eq!(world.came(&hands, back).await, Onward::Page);
    assert_eq!(error_of(&world.now(&hands).await), "no_answer");
    assert_eq!(world.tokens_asked_for(0), 0);

    // What is wrong on our side is told in the client's words.
    world.tenant(0).1.expire_secrets();
    world.consents(&hands, 0).await;
    assert_eq!(error_of(&world.now(&hands).await), "AADSTS7000222");
}

#[tokio::test]
async fn a_link_ends_and_what_it_proved_stays() {
    let world = World::shared(Kind::Sqlite).await.unwrap();
    let (t, owner) = (&world.t, &world.owner);
    let (first, second) = (world.tenant(0).0, world.tenant(1).0);
    let profile = world.profile(None, 0).await;
    let old = world.link(profile.id, &first.domain).await;
    world.consents(&old, 0).await;
    let new = world.link(profile.id, &first.domain).await;
    let others = world.link(profile.id, &second.domain).await;
    assert!(!world.is_good(&old).await, "a newer took its place");
    assert!(world.is_good(&new).await && world.is_good(&others).await);
    assert_eq!(world.now(&old).await.state, ConsentLinkState::Proven);

    consent_links::revoke(t, owner, others.link.id)
        .await
        .unwrap();
    assert!(!world.is_good(&others).await);
    assert_eq!(world.now(&others).await.state, ConsentLinkState::Revoked);
    assert_eq!(send_to_consent(t, &others.secret).await.unwrap(), None);
    let state = world.leave(&new).await;
    t.clock.advance(Duration::days(7));
    assert!(!world.is_good(&new).await);
    assert!(!world.back(&new, &state, &first.tenant_id.to_string()).await);
    assert!(!check_consent(t, &new.secret, &origin("r")).await.unwrap());

    // Of another application nothing is proven.
    let proven = async || {
        let mut tx = t.db.read().await.unwrap();
        let found =
            consent_links::proven_tenant(&mut tx, world.customer, "sim", &first.domain, profile.id);
        found.await.unwrap()
    };
    assert_eq!(proven().await, Some(TenantId(first.tenant_id)));
    let again = world.link(profile.id, &first.domain).await;
    let change = CredentialProfileChange {
        client_id: Some(t.ids.uuid().to_string()),
        client_secret: Some("x".to_owned()),
        ..CredentialProfileChange::default()
    };
    credential_profiles::change(t, owner, profile.id, change)
        .await
        .unwrap();
    assert_eq!(proven().await, None);
    assert!(!world.is_good(&again).await);

    t.clock.advance(Duration::days(40));
    consent_links::delete_old(t).await.unwrap();
    let left = consent_links::list(t, owner, world.customer, PageRequest::default()).await;
    let left: Vec<_> = left.unwrap().items.iter().map(|of| of.link.id).collect();
    assert_eq!(left, [old.link.id]);
}

#[tokio::test]
async fn a_proof_lets_those_with_some_customers_connect_that_tenant_and_no_other() {
    let world = World::shared(Kind::Sqlite).await.unwrap();
    let (t, customer) = (&world.t, world.customer);
    let (first, second) = (world.tenant(0).0, world.tenant(1).0);
    world.tenant(1).1.set_app_state(AppState::Ready);
    let shared = world.profile(None, 0).await;
    let elsewhere = t.customer("Elsewhere").await;
    let some = t.administrator_of(&[customer]).await;
    let other = t.administrator_of(&[elsewhere]).await;
    let new = |tenant: &str| NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(&shared, tenant)
    };

    let hidden = world
        .link_by(&other, customer, shared.id, &first.domain)
        .await;
    assert!(matches!(hidden, Err(Error::NotFound("customer"))));
    let hands = world.link(shared.id, &first.domain).await;
    let hidden = consent_links::get(t, &other, hands.link.id).await;
    assert!(matches!(hidden, Err(Error::NotFound("consent link"))));
    let hidden = consent_links::list(t, &other, customer, PageRequest::default()).await;
    assert!(matches!(hidden, Err(Error::NotFound("customer"))));
    let hidden = consent_links::revoke(t, &other, hands.link.id).await;
    assert!(matches!(hidden, Err(Error::NotFound("consent link"))));
    let refused = integrations::create(t, &some, customer, new(&first.domain)).await;
    assert_eq!(blamed(refused), "credential_profile_id");
    assert!(
        credential_profiles::choices(t, &some, customer)
            .await
            .unwrap()
            .is_empty()
    );

    world.consents(&hands, 0).await;
    let choices = credential_profiles::choices(t, &some, customer)
        .await
        .unwrap();
    assert_eq!(choices.len(), 1);
    assert!(
        credential_profiles::choices(t, &other, elsewhere)
            .await
            .unwrap()
            .is_empty()
    );
    for tenant in [&second.domain, &second.tenant_id.to_string()] {
        let refused = integrations::create(t, &some, customer, new(tenant)).await;
        assert_eq!(blamed(refused), "credential_profile_id", "{tenant}");
    }
    let refused = integrations::create(t, &other, elsewhere, new(&first.domain)).await;
    assert_eq!(blamed(refused), "credential_profile_id");
    let test = test_connection(t, &some, customer, new(&first.domain))
        .await
        .unwrap();
    assert!(test.ok, "{test:?}");
    // By its id as well as by the domain; either way it is that very tenant.
    let made = integrations::create(t, &some, customer, new(&first.tenant_id.to_string())).await;
    let made = made.unwrap();
    assert_eq!(made.tenant_id, Some(TenantId(first.tenant_id)));
    assert!(test_saved(t, &some, made.id).await.unwrap().ok);

    // Their next link for it names the tenant that was proven, not the domain.
    let theirs = world
        .link_by(&some, customer, shared.id, &first.domain)
        .await
        .unwrap();
    assert_eq!(theirs.link.tenant, first.tenant_id.to_string());
    assert!(!theirs.link.needs_sign_in);
}

#[tokio::test]
async fn a_profile_of_ones_own_goes_to_no_tenant_of_another_customer() {
    let world = World::shared(Kind::Sqlite).await.unwrap();
    let (t, owner, customer) = (&world.t, &world.owner, world.customer);
    let tenant = world.tenant(0).0;
    let own = world.profile(Some(customer), 0).await;
    let some = t.administrator_of(&[customer]).await;
    let hands = world
        .link_by(&some, customer, own.id, &tenant.domain)
        .await
        .unwrap();

    // Meanwhile the tenant is connected to another customer.
    world.tenant(0).1.set_app_state(AppState::Ready);
    let elsewhere = t.customer("Elsewhere").await;
    let theirs = world.profile(Some(elsewhere), 0).await;
    let new = NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(&theirs, &tenant.domain)
    };
    let theirs = integrations::create(t, owner, elsewhere, new)
        .await
        .unwrap();
    assert!(test_saved(t, owner, theirs.id).await.unwrap().ok);
    world.consents(&hands, 0).await;
    let now = world.now(&hands).await;
    assert_eq!(error_of(&now), "tenant_elsewhere");
    let told = now.error.unwrap();
    let told = format!("{} {} {}", told.title, told.detail, told.fix);
    assert!(!told.contains("Elsewhere"), "{told}");
    let refused = world.link_by(&some, customer, own.id, &tenant.domain).await;
    assert_eq!(blamed(refused), "tenant");

    // Whoever sees all customers may.
    let hands = world.link(own.id, &tenant.domain).await;
    world.consents(&hands, 0).await;
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Proven);
}
