//! Signing in with a second factor, and the ways that must not lead around it.

mod codes;
mod half;
mod lost;
mod passkeys;
mod proof;
mod required;

use std::sync::Arc;

use chrono::Duration;
use domain::{
    operator::{CustomerScope, Operator},
    permission::Role,
    second_factor::Way,
};

use super::{testing::Authenticator, *};
use crate::{
    Settings,
    auth::{self, Half, Proof, SignIn, SignedIn, add_operator, prove, ways_to_prove},
    db_test, execute, fetch_all,
    store::sample,
    testing::{TestBackend, origin},
};

const PASSWORD: &str = "correct horse battery";
const SITE: &str = "https://rollcall.example";

/// Mina, and her scope in a session in which she proved just now that it is her.
async fn mina(t: &mut TestBackend) -> (Operator, Scope) {
    t.backend.settings = Arc::new(Settings {
        public_url: SITE.parse().unwrap(),
        ..(*t.backend.settings).clone()
    });
    let role = Role::Administrator;
    let mina = add_operator(t, "mina@example.com", "Mina", role, PASSWORD.into());
    let mina = mina.await.unwrap();
    let scope = fresh(t, &mina).await;
    (mina, scope)
}

async fn fresh(t: &TestBackend, operator: &Operator) -> Scope {
    let now = Some(t.clock.now());
    auth::session_scope(t, operator.id, now, origin("r"))
        .await
        .unwrap()
}

fn signed_in(scope: &Scope) -> SettingUp {
    SettingUp::Operator {
        scope: scope.clone(),
        session: None,
    }
}

fn given(password: &str) -> SignIn {
    SignIn {
        browser: None,
        email: "mina@example.com".to_owned(),
        password: password.to_owned().into(),
        address: [192, 0, 2, 1].into(),
        user_agent: "Browser".to_owned(),
        request_id: "r".to_owned(),
    }
}

async fn password(t: &TestBackend, password: &str) -> Result<SignedIn> {
    auth::sign_in(t, given(password)).await
}

/// Half signed in by the right password.
async fn half(t: &TestBackend) -> Half {
    match password(t, PASSWORD).await.unwrap() {
        SignedIn::Half(half) => half,
        SignedIn::Whole(_) => panic!("the password alone was enough"),
    }
}

async fn code(t: &TestBackend, half: &Half, code: &str) -> Result<Operator> {
    half.give_code(t, code, &origin("r"), "Browser").await
}

fn field<T: std::fmt::Debug>(given: Result<T>) -> String {
    match given {
        Err(Error::Invalid(error)) => error.field,
        Err(other) => format!("{other:?}"),
        Ok(_) => "taken".to_owned(),
    }
}

async fn passkey(t: &TestBackend, who: &SettingUp, name: &str) -> Authenticator {
    let mut made = Authenticator::new(SITE);
    let asked = ask_for_new(t, who).await.unwrap();
    let answer = made.create(&asked.question.options);
    add_passkey(t, who, asked.id, &answer, name).await.unwrap();
    made
}

async fn alone(t: &TestBackend, asked: &PasskeyAsked, answer: String) -> Result<Operator> {
    let given = PasskeySignIn {
        asked: asked.id,
        answer,
        address: [192, 0, 2, 1].into(),
        user_agent: "Browser".to_owned(),
        request_id: "r".to_owned(),
    };
    sign_in_with_passkey(t, given).await
}
