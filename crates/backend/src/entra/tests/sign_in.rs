//! Consent links of who looks after some customers only, with the partner's own application, which may
//! read other customers' tenants already: an administrator of the tenant has to sign in. Whoever holds
//! a link here is whoever made it, with everything that they could try.

use chrono::Duration;
use domain::{
    consent_link::{ConsentLink, ConsentLinkState},
    integration::NewIntegration,
};
use simulator::GLOBAL_ADMINISTRATOR;
use url::Url;
use uuid::Uuid;

use super::{consent::*, *};

/// A partner with two customers, the application in both tenants, and an operator of one customer.
struct Partner {
    world: World,
    shared: CredentialProfile,
    some: Scope,
}

impl Partner {
    async fn new(kind: Kind) -> Option<Self> {
        let world = World::shared(kind).await?;
        let shared = world.profile(None, 0).await;
        let some = world.t.administrator_of(&[world.customer]).await;
        Some(Self {
            world,
            shared,
            some,
        })
    }

    /// A link of theirs for the tenant in this place.
    async fn link(&self, at: usize) -> Hands {
        let tenant = self.world.tenant(at).0.domain;
        let link = self
            .world
            .link_by(&self.some, self.world.customer, self.shared.id, &tenant);
        link.await.unwrap()
    }

    /// Comes back with this tenant's consent; answers where to sign in.
    async fn to_sign_in(&self, hands: &Hands, tenant: Uuid) -> Url {
        let state = self.world.leave(hands).await;
        match self.world.onward(hands, &state, &tenant.to_string()).await {
            Onward::SignIn(url) => url,
            other => panic!("{other:?}"),
        }
    }

    async fn comes_with(&self, hands: &Hands, code: &str, state: &str) -> Onward {
        let back = CameBack {
            state: Some(state.to_owned()),
            code: Some(code.to_owned()),
            ..CameBack::default()
        };
        self.world.came(hands, back).await
    }

    /// Consents, signs in and comes back.
    async fn goes_through(&self, hands: &Hands, at: usize) -> ConsentLink {
        let (tenant, control) = self.world.tenant(at);
        control.set_app_state(AppState::Ready);
        let url = self.to_sign_in(hands, tenant.tenant_id).await;
        let (code, state) = signs_in(&url).await;
        assert_eq!(self.comes_with(hands, &code, &state).await, Onward::Page);
        let now = self.world.now(hands).await;
        self.world.t.clock.advance(Duration::seconds(5));
        now
    }

    /// Whether the operator may connect the tenant in this place with the shared profile.
    async fn may_connect(&self, at: usize) -> bool {
        let new = NewIntegration {
            cloud: "sim".to_owned(),
            ..sample::new_integration(&self.shared, &self.world.tenant(at).0.domain)
        };
        let test = test_connection(&self.world.t, &self.some, self.world.customer, new).await;
        match test {
            Ok(test) => test.ok,
            Err(Error::Invalid(_)) => false,
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Signs in at the simulator; answers code and state.
async fn signs_in(url: &Url) -> (String, String) {
    let http = graph::http_client(std::time::Duration::from_secs(10), |client| client).unwrap();
    let answer = http.get(url.clone()).send().await.unwrap();
    let to = answer.headers()["location"].to_str().unwrap();
    let to = Url::parse(to).unwrap();
    assert_eq!(to.path(), "/consent/callback");
    (of(&to, "code"), of(&to, "state"))
}

fn of(url: &Url, name: &str) -> String {
    let pair = url.query_pairs().find(|(key, _)| key == name);
    pair.unwrap_or_else(|| panic!("no {name} in {url}"))
        .1
        .into_owned()
}

async fn from_link_to_integration(kind: Kind) {
    let Some(partner) = Partner::new(kind).await else {
        return;
    };
    let world = &partner.world;
    let (tenant, control) = world.tenant(0);
    let hands = partner.link(0).await;
    assert!(hands.link.needs_sign_in);
    control.set_app_state(AppState::Ready);
    let url = partner.to_sign_in(&hands, tenant.tenant_id).await;
    assert_eq!(
        url.path(),
        format!("/{}/oauth2/v2.0/authorize", tenant.tenant_id)
    );
    assert_eq!(of(&url, "client_id"), tenant.client_id.to_string());
    assert_eq!(of(&url, "scope"), "openid profile");
    assert_eq!(of(&url, "code_challenge_method"), "S256");
    assert_eq!(world.now(&hands).await.state, ConsentLinkState::Consented);
    assert!(!partner.may_connect(0).await);

    let (code, state) = signs_in(&url).await;
    assert_eq!(
        partner.comes_with(&hands, &code, &state).await,
        Onward::Page
    );
    let proven = world.now(&hands).await;
    assert_eq!(proven.state, ConsentLinkState::Proven, "{proven:?}");
    assert_eq!(proven.proven_tenant_id, Some(TenantId(tenant.tenant_id)));
    let log = sample::audit_log(&world.t).await;
    let last = log.last().unwrap();
    assert!(
        last.contains("consent_link.prove") && last.contains("signed_in_object_id"),
        "{last}"
    );
    assert!(partner.may_connect(0).await);
    assert!(!partner.may_connect(1).await);
}

#[tokio::test]
async fn an_administrator_who_signs_in_proves_the_tenant_on_sqlite() {
    from_link_to_integration(Kind::Sqlite).await;
}

#[tokio::test]
async fn an_administrator_who_signs_in_proves_the_tenant_on_postgresql() {
    from_link_to_integration(Kind::Postgres).await;
}

#[tokio::test]
async fn a_tenant_that_consented_long_ago_is_not_theirs_without_its_administrator() {
    let partner = Partner::new(Kind::Sqlite).await.unwrap();
    let world = &partner.world;
    let (tenant, control) = world.tenant(1);
    control.set_app_state(AppState::Ready);
    let hands = partner.link(1).await;

    // They come back as if somebody had consented, and leave the sign-in out.
    partner.to_sign_in(&hands, tenant.tenant_id).await;
    world.check(&hands).await;
    assert_eq!(error_of(&world.now(&hands).await), "sign_in_needed");

    // They have an account there, such as a guest's, which is no administrator's.
    let helpdesk = Uuid::from_u128(0x7298_27e3_9c14_49f7_bb1b_9608_f156_bbb8);
    for roles in [vec![], vec![helpdesk]] {
        control.configure(|settings| settings.directory_roles = roles);
        let now = partner.goes_through(&hands, 1).await;
        assert_eq!(error_of(&now), "administrator_needed");
        assert!(now.error.unwrap().fix.contains("DirectoryRole"));
    }
    // Nor is whoever administers another tenant, such as their own.
    let own = world.tenant(0);
    own.1.set_app_state(AppState::Ready);
    let url = partner.to_sign_in(&hands, own.0.tenant_id).await;
    let (code, state) = signs_in(&url).await;
    partner.comes_with(&hands, &code, &state).await;
    assert_eq!(error_of(&world.now(&hands).await), "other_tenant");
    world.t.clock.advance(Duration::seconds(5));
    let mut elsewhere = partner.to_sign_in(&hands, tenant.tenant_id).await;
    let state = of(&elsewhere, "state");
    let path = elsewhere
        .path()
        .replace(&tenant.tenant_id.to_string(), &own.0.tenant_id.to_string());
    elsewhere.set_path(&path);
    let (code, _) = signs_in(&elsewhere).await;
    partner.comes_with(&hands, &code, &state).await;
    assert_eq!(error_of(&world.now(&hands).await), "AADSTS70000");

    assert!(!partner.may_connect(1).await);
    assert_eq!(world.now(&hands).await.proven_tenant_id, None);
    control.configure(|settings| settings.directory_roles = vec![helpdesk, GLOBAL_ADMINISTRATOR]);
    let now = partner.goes_through(&hands, 1).await;
    assert_eq!(now.state, ConsentLinkState::Proven);
}

#[tokio::test]
async fn a_sign_in_belongs_to_its_link_and_its_way() {
    let partner = Partner::new(Kind::Sqlite).await.unwrap();
    let world = &partner.world;
    let tenant = world.tenant(0).0;
    world.tenant(0).1.set_app_state(AppState::Ready);
    let hands = partner.link(0).await;

    // An answer to one question is none to the other.
    let state = world.leave(&hands).await;
    assert_eq!(
        partner.comes_with(&hands, "code", &state).await,
        Onward::Page
    );
    assert_eq!(error_of(&world.now(&hands).await), "no_answer");
    let url = partner.to_sign_in(&hands, tenant.tenant_id).await;
    let state = of(&url, "state");
    let again = world
        .onward(&hands, &state, &tenant.tenant_id.to_string())
        .await;
    assert_eq!(again, Onward::Page, "not sent on once more");
    assert_eq!(error_of(&world.now(&hands).await), "no_answer");

    // A code that was asked for elsewhere: the verifier isn't this way's.
    let first = partner.to_sign_in(&hands, tenant.tenant_id).await;
    let (code, old) = signs_in(&first).await;
    let second = partner.to_sign_in(&hands, tenant.tenant_id).await;
    assert_eq!(
        partner.comes_with(&hands, &code, &old).await,
        Onward::NotOurs
    );
    partner
        .comes_with(&hands, &code, &of(&second, "state"))
        .await;
    assert_eq!(error_of(&world.now(&hands).await), "AADSTS501481");

    // A token that was made for another question.
    let mut other = partner.to_sign_in(&hands, tenant.tenant_id).await;
    let pairs: Vec<_> = other.query_pairs().into_owned().collect();
    other.query_pairs_mut().clear();
    for (name, value) in pairs {
        let value = if name == "nonce" { "guess" } else { &value };
        other.query_pairs_mut().append_pair(&name, value);
    }
    let (code, state) = signs_in(&other).await;
    partner.comes_with(&hands, &code, &state).await;
    assert_eq!(error_of(&world.now(&hands).await), "sign_in_unproven");

    let declined = partner.to_sign_in(&hands, tenant.tenant_id).await;
    let back = CameBack {
        state: Some(of(&declined, "state")),
        error: Some("access_denied".to_owned()),
        error_description: Some("AADSTS65004: declined".to_owned()),
        ..CameBack::default()
    };
    assert_eq!(world.came(&hands, back).await, Onward::Page);
    assert_eq!(error_of(&world.now(&hands).await), "AADSTS65004");

    let url = partner.to_sign_in(&hands, tenant.tenant_id).await;
    let (code, state) = signs_in(&url).await;
    world.t.clock.advance(Duration::hours(1));
    assert_eq!(
        partner.comes_with(&hands, &code, &state).await,
        Onward::NotOurs
    );
    assert_eq!(world.now(&hands).await.proven_tenant_id, None);
}

#[tokio::test]
async fn a_tenant_of_another_customer_stays_theirs() {
    let partner = Partner::new(Kind::Sqlite).await.unwrap();
    let world = &partner.world;
    let hands = partner.link(1).await;
    // Meanwhile the tenant consents by a link for the customer whose it is.
    let elsewhere = world.t.customer("Elsewhere").await;
    let domain = world.tenant(1).0.domain;
    let theirs = world.link_by(&world.owner, elsewhere, partner.shared.id, &domain);
    let theirs = theirs.await.unwrap();
    assert!(!theirs.link.needs_sign_in);
    world.consents(&theirs, 1).await;
    let now = partner.goes_through(&hands, 1).await;
    assert_eq!(error_of(&now), "tenant_elsewhere");
    assert!(!partner.may_connect(1).await);

    // Nor does one that was connected let them make a link at all.
    let new = NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(&partner.shared, &domain)
    };
    let made = integrations::create(&world.t, &world.owner, elsewhere, new).await;
    made.unwrap();
    let refused = world
        .link_by(&partner.some, world.customer, partner.shared.id, &domain)
        .await;
    assert_eq!(blamed(refused), "tenant");
}

#[tokio::test]
async fn a_domain_that_moved_is_not_the_tenant_that_was_connected() {
    let partner = Partner::new(Kind::Sqlite).await.unwrap();
    let world = &partner.world;
    let (tenant, control) = world.tenant(0);
    control.set_app_state(AppState::Ready);
    let new = NewIntegration {
        cloud: "sim".to_owned(),
        ..sample::new_integration(&partner.shared, &tenant.domain)
    };
    let made = integrations::create(&world.t, &world.owner, world.customer, new).await;
    let made = made.unwrap();
    let mut tx = world.t.db.write().await.unwrap();
    crate::execute!(
        &mut tx,
        "UPDATE integration SET tenant_id = $1 WHERE id = $2",
        Uuid::nil(),
        made.id
    )
    .unwrap();
    tx.commit().await.unwrap();
    let hands = partner.link(0).await;
    let now = partner.goes_through(&hands, 0).await;
    assert_eq!(error_of(&now), "other_tenant");
}
