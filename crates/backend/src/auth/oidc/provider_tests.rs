//! What configuration may say of a provider, and what it may not.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    Providers,
    provider::{Issuer, ProviderGiven, ProviderSettings},
};
use crate::Error;

const TENANT: &str = "63122682-6e3c-4cbb-9f35-7c1da11e1e1e";
const OTHER: &str = "00000000-0000-0000-0000-00000000abcd";

pub(super) fn given(issuer: &str) -> ProviderGiven {
    ProviderGiven {
        id: "contoso".to_owned(),
        title: None,
        kind: None,
        issuer: issuer.to_owned(),
        client_id: "app".to_owned(),
        client_secret: "hunter2".into(),
        tenant_ids: Vec::new(),
        scopes: None,
        role_claim: None,
        role_mapping: BTreeMap::new(),
        required_amr: Vec::new(),
        required_acr: Vec::new(),
    }
}

fn entra(tenant: &str, tenant_ids: &[&str]) -> ProviderGiven {
    ProviderGiven {
        kind: Some("entra".to_owned()),
        tenant_ids: tenant_ids.iter().map(|id| (*id).to_owned()).collect(),
        ..given(&format!("https://login.microsoftonline.com/{tenant}/v2.0"))
    }
}

#[track_caller]
fn refusal(given: ProviderGiven) -> String {
    match ProviderSettings::checked(given) {
        Err(Error::Configuration { key, problem }) => {
            let text = format!("{key}: {problem}");
            assert!(!text.contains("hunter2") && !text.contains('\n'), "{text}");
            text
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_generic_provider_is_its_issuer_to_the_letter() {
    for (issuer, discovery) in [
        (
            "https://login.example.com",
            "https://login.example.com/.well-known/openid-configuration",
        ),
        (
            "https://login.example.com/realms/a/",
            "https://login.example.com/realms/a/.well-known/openid-configuration",
        ),
        (
            "http://127.0.0.1:4000",
            "http://127.0.0.1:4000/.well-known/openid-configuration",
        ),
    ] {
        let provider = ProviderSettings::checked(given(issuer)).unwrap();
        assert_eq!(provider.discovery.as_str(), discovery);
        assert_eq!(provider.named_issuer(), issuer);
        assert_eq!(provider.issuer_of(None).as_deref(), Some(issuer));
        assert!(provider.may_be(issuer) && !provider.may_be("https://evil.example"));
        assert_eq!(provider.title, "contoso");
        assert_eq!(provider.scopes, ["profile", "email"]);
        assert!(!format!("{provider:?}").contains("hunter2"));
    }
}

#[test]
fn of_entra_each_tenant_that_may_sign_in_is_an_issuer() {
    let id: Uuid = TENANT.parse().unwrap();
    let of = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let one = ProviderSettings::checked(entra(&TENANT.to_uppercase(), &[])).unwrap();
    assert_eq!(one.named_issuer(), of(TENANT));
    let many = ProviderSettings::checked(entra("organizations", &[TENANT])).unwrap();
    assert_eq!(many.named_issuer(), of("{tenantid}"));
    assert_eq!(
        many.discovery.as_str(),
        of("organizations") + "/.well-known/openid-configuration"
    );
    for provider in [&one, &many] {
        assert_eq!(provider.issuer_of(Some(id)), Some(of(TENANT)));
        assert_eq!(provider.issuer_of(Some(OTHER.parse().unwrap())), None);
        assert_eq!(provider.issuer_of(None), None);
        assert!(provider.may_be(&of(TENANT)));
        for other in [of(OTHER), of("organizations"), of("{tenantid}")] {
            assert!(!provider.may_be(&other), "{other}");
        }
        assert!(matches!(provider.issuer, Issuer::Tenants { .. }));
    }
    let scopes = ProviderGiven {
        scopes: Some(vec!["openid".to_owned(), "email".to_owned()]),
        ..entra(TENANT, &[])
    };
    let provider = ProviderSettings::checked(scopes).unwrap();
    assert_eq!(provider.scopes, ["email", "profile"]);
}

/// A generic provider with something else about it.
fn but(change: impl FnOnce(&mut ProviderGiven)) -> ProviderGiven {
    let mut given = given("https://login.example.com");
    change(&mut given);
    given
}

#[track_caller]
fn are_refused(mistakes: impl IntoIterator<Item = (ProviderGiven, &'static str)>) {
    for (given, part) in mistakes {
        let text = refusal(given);
        let named = text.starts_with("oidc_providers: ") && text.contains(part);
        assert!(named, "{part}: {text}");
    }
}

#[test]
fn an_issuer_that_cannot_be_is_refused_with_the_fix() {
    let of = |issuer: &str| given(issuer);
    are_refused([
        (
            of("login.example.com"),
            "issuer of “contoso”: it is not a URL",
        ),
        (
            of("http://login.example.com"),
            "http is for loopback addresses only",
        ),
        (
            of("http://127.0.0.1.example.com"),
            "http is for loopback addresses only",
        ),
        (
            of("https://login.example.com/?a=b"),
            "neither a ?query nor a #fragment",
        ),
        (
            of("https://me:hunter2@login.example.com"),
            "must not hold a user name",
        ),
        (
            but(|p| p.tenant_ids = vec![TENANT.to_owned()]),
            "tenants are Entra ID’s",
        ),
        (
            entra("common", &[]),
            "tenant_ids of “contoso”: the issuer stands for every tenant",
        ),
        (entra("common", &["contoso.com"]), "a tenant’s id is a GUID"),
        (
            entra(TENANT, &[TENANT]),
            "the issuer names the one tenant already",
        ),
        (
            entra("contoso.onmicrosoft.com", &[]),
            "of Entra ID it is https://login.microsoftonline.com/TENANT-ID/v2.0",
        ),
        (
            but(|p| {
                p.kind = Some("entra".to_owned());
                p.issuer = format!("https://login.microsoftonline.com/{TENANT}");
            }),
            "of Entra ID it is",
        ),
    ]);
}

#[test]
fn other_mistakes_are_named_with_the_fix() {
    let mapped = |role: &str| ("Boss".to_owned(), role.to_owned());
    are_refused([
        (
            but(|p| p.id = "Contoso!".to_owned()),
            "an id is 1 to 40 of a-z, 0-9 and -",
        ),
        (but(|p| p.id = String::new()), "an id is"),
        (
            but(|p| p.title = Some(" ".to_owned())),
            "title of “contoso”: give a name",
        ),
        (
            but(|p| p.kind = Some("azure".to_owned())),
            "kind of “contoso”: it is neither entra nor generic",
        ),
        (
            but(|p| p.client_id = " ".to_owned()),
            "client_id of “contoso”: it is empty",
        ),
        (
            but(|p| p.client_secret = "".into()),
            "client_secret of “contoso”: it is empty",
        ),
        (
            but(|p| p.scopes = Some(vec!["a b".to_owned()])),
            "scopes of “contoso”: a scope is a word",
        ),
        (
            but(|p| p.required_amr = vec!["mfa or otp".to_owned()]),
            "required_amr of “contoso”: a value is a word",
        ),
        (
            but(|p| {
                p.kind = Some("entra".to_owned());
                p.issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
                p.required_amr = vec!["mfa".to_owned()];
            }),
            "required_amr of “contoso”: Entra ID’s tokens don’t tell it",
        ),
        (
            but(|p| p.required_acr = vec!["urn:x".to_owned(), String::new()]),
            "required_acr of “contoso”: a value is a word",
        ),
        (
            but(|p| p.role_claim = Some("groups".to_owned())),
            "role_mapping of “contoso”: it is missing",
        ),
        (
            but(|p| p.role_mapping = BTreeMap::from([mapped("boss")])),
            "the role for “Boss” is none of owner, administrator",
        ),
    ]);
    let twice = [but(|_| {}), but(|_| {})].map(|given| ProviderSettings::checked(given).unwrap());
    let refused = Providers::new(twice.to_vec()).unwrap_err().to_string();
    let named = refused.contains("the id “contoso” is used twice");
    assert!(named, "{refused}");
}
