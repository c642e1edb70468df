//! Signing in at a provider that behaves, and at one that doesn't.

mod accounts;
mod attacks;
mod providers;

use std::collections::HashMap;

use chrono::Duration;
use domain::{
    operator::{CustomerScope, NewOperator, OperatorState},
    permission::Role,
};
use serde_json::json;

use super::*;
use crate::{
    db_test, fetch_all,
    store::{operators, sample},
    testing::{
        TestBackend,
        provider::{Authorized, Signing, StubProvider, Token},
    },
};

const TENANT: &str = "63122682-6e3c-4cbb-9f35-7c1da11e1e1e";
const OTHER_TENANT: &str = "99999999-6e3c-4cbb-9f35-7c1da11e1e1e";
const OBJECT: &str = "0a0a0a0a-0000-4000-8000-000000000001";

/// A Rollcall with the provider `contoso`, and a browser.
struct World {
    t: TestBackend,
    stub: StubProvider,
    browser: SecretString,
}

impl World {
    async fn new(t: TestBackend) -> Self {
        let stub = StubProvider::start().await;
        Self::with(t, stub, |_| {})
    }

    /// With the provider set up otherwise.
    fn with(
        mut t: TestBackend,
        stub: StubProvider,
        change: impl FnOnce(&mut ProviderGiven),
    ) -> Self {
        let mut given = stub.given("contoso");
        change(&mut given);
        let settings = ProviderSettings::checked(given).unwrap();
        t.backend.oidc = Providers::new(vec![settings]).unwrap();
        let browser = new_browser(&t);
        Self { t, stub, browser }
    }

    /// Entra ID for many tenants, of which one may sign in.
    async fn entra(t: TestBackend) -> Self {
        let stub = StubProvider::start().await;
        stub.metadata("issuer", format!("{}/{{tenantid}}/v2.0", stub.issuer()));
        stub.metadata("authorization_response_iss_parameter_supported", false);
        let issuer = format!("{}/organizations/v2.0", stub.issuer());
        let w = Self::with(t, stub, |given| {
            given.kind = Some("entra".to_owned());
            given.issuer = issuer;
            given.tenant_ids = vec![TENANT.to_owned()];
        });
        w.entra_tokens(TENANT, TENANT);
        w
    }

    /// Tokens of a tenant, whose issuer is that of another where the two differ.
    fn entra_tokens(&self, tenant: &str, issuer: &str) {
        let issuer = format!("{}/{issuer}/v2.0", self.stub.issuer());
        let tenant = tenant.to_owned();
        self.stub.tokens(move |token| {
            token.claims["iss"] = json!(issuer);
            token.claims["tid"] = json!(tenant);
            token.claims["oid"] = json!(OBJECT);
        });
    }

    async fn go(&self, intent: Intent<'_>) -> Result<Url> {
        let asked = Begin {
            provider: "contoso",
            intent,
            return_to: "/users".to_owned(),
            browser: &self.browser,
            address: [192, 0, 2, 1].into(),
        };
        begin(&self.t, asked).await
    }

    /// Goes to the provider and signs in there.
    async fn authorized(&self, intent: Intent<'_>, subject: &str) -> Authorized {
        let question = self.go(intent).await.unwrap();
        self.stub.authorize(&question, subject, self.t.clock.now())
    }

    fn answer(&self, authorized: &Authorized) -> Answer {
        Answer {
            provider: "contoso".to_owned(),
            state: Some(authorized.state.clone()),
            code: Some(authorized.code.clone()),
            iss: Some(self.stub.issuer().to_owned()),
            error: None,
        }
    }

    async fn finish_as(&self, answer: Answer, scope: Option<&Scope>) -> Result<Finished> {
        let browser = Browser {
            secret: Some(self.browser.clone()),
            scope,
            address: [192, 0, 2, 1].into(),
            user_agent: "Browser 1".to_owned(),
            request_id: "r1".to_owned(),
        };
        finish(&self.t, answer, browser).await
    }

    async fn finish(&self, answer: Answer) -> Finished {
        self.finish_as(answer, None).await.unwrap()
    }

    /// The whole way of a sign-in with this account.
    async fn sign_in(&self, subject: &str) -> Finished {
        let authorized = self.authorized(Intent::SignIn, subject).await;
        let mut answer = self.answer(&authorized);
        if self.t.oidc.list[0].settings.entra {
            answer.iss = None;
        }
        self.finish(answer).await
    }

    /// Somebody who was invited; answers the secret of the link.
    async fn invited(&self, email: &str, role: Role) -> SecretString {
        let owner = self.t.owner().await;
        let new = NewOperator {
            email: email.to_owned(),
            name: "Bob".to_owned(),
            role,
            scope: CustomerScope::All,
        };
        let invited = operators::invite(&self.t, &owner, new).await.unwrap();
        let url = invited.invitation_url.unwrap();
        let (_, secret) = url.split_once("secret=").unwrap();
        secret.to_owned().into()
    }

    /// An operator who accepted an invitation with this account.
    async fn joined(&self, subject: &str, role: Role) -> Operator {
        let secret = self.invited(&format!("{subject}@example.com"), role).await;
        let authorized = self
            .authorized(Intent::AcceptInvitation(secret), subject)
            .await;
        let mut answer = self.answer(&authorized);
        if self.t.oidc.list[0].settings.entra {
            answer.iss = None;
        }
        match self.finish(answer).await {
            Finished::SignedIn { operator, .. } => *operator,
            other => panic!("{other:?}"),
        }
    }

    async fn scope(&self, operator: &Operator) -> Scope {
        self.t.scope_of(operator.id).await
    }

    /// The reasons of the refusals in the audit log.
    async fn reasons(&self) -> Vec<String> {
        let mut tx = self.t.db.read().await.unwrap();
        let rows = fetch_all!(
            &mut tx,
            (String,),
            "SELECT changes FROM audit_event WHERE action = 'operator.sign_in_failed' ORDER BY id"
        );
        let reason = |(changes,): (String,)| {
            let changes: serde_json::Value = serde_json::from_str(&changes).unwrap();
            changes["after"]["reason"].as_str().unwrap().to_owned()
        };
        rows.unwrap().into_iter().map(reason).collect()
    }
}

#[track_caller]
fn refused(finished: Finished) -> String {
    match finished {
        Finished::Refused { message } => message,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn signed_in(finished: Finished) -> Operator {
    match finished {
        Finished::SignedIn { operator, .. } => *operator,
        other => panic!("{other:?}"),
    }
}
