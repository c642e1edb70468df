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

#[test]
fn mistakes_are_named_with_the_fix() {
    let generic = || given("https://login.example.com");
    let mapped = |role: &str| ProviderGiven {
        role_mapping: BTreeMap::from([("Boss".to_owned(), role.to_owned())]),
        ..generic()
    };
    for (given, part) in [
        (
            ProviderGiven {
                id: "Contoso!".to_owned(),
                ..generic()
            },
            "an id is 1 to 40 of a-z, 0-9 and -",
        ),
        (
            ProviderGiven {
                id: String::new(),
                ..generic()
            },
            "an id is",
        ),
        (
            ProviderGiven {
                title: Some(" ".to_owned()),
                ..generic()
            },
            "title of “contoso”: give a name",
        ),
        (
            ProviderGiven {
                kind: Some("azure".to_owned()),
                ..generic()
            },
            "kind of “contoso”: it is neither entra nor generic",
        ),
        (
            given("login.example.com"),
            "issuer of “contoso”: it is not a URL",
        ),
        (
            given("http://login.example.com"),
            "http is for loopback addresses only",
        ),
        (
            given("http://127.0.0.1.example.com"),
            "http is for loopback addresses only",
        ),
        (
            given("https://login.example.com/?a=b"),
            "neither a ?query nor a #fragment",
        ),
        (
            given("https://me:hunter2@login.example.com"),
            "must not hold a user name",
        ),
        (
            ProviderGiven {
                client_id: " ".to_owned(),
                ..generic()
            },
            "client_id of “contoso”: it is empty",
        ),
        (
            ProviderGiven {
                client_secret: "".into(),
                ..generic()
            },
            "client_secret of “contoso”: it is empty",
        ),
        (
            ProviderGiven {
                tenant_ids: vec![TENANT.to_owned()],
                ..generic()
            },
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
            ProviderGiven {
                issuer: format!("https://login.microsoftonline.com/{TENANT}"),
                ..entra(TENANT, &[])
            },
            "of Entra ID it is",
        ),
        (
            ProviderGiven {
                scopes: Some(vec!["a b".to_owned()]),
                ..generic()
            },
            "scopes of “contoso”: a scope is a word",
        ),
        (
            ProviderGiven {
                role_claim: Some("groups".to_owned()),
                ..generic()
            },
            "role_mapping of “contoso”: it is missing",
        ),
        (
            mapped("boss"),
            "the role for “Boss” is none of owner, administrator",
        ),
    ] {
        let text = refusal(given);
        assert!(
            text.starts_with("oidc_providers: ") && text.contains(part),
            "{text}"
        );
    }
    let twice = [generic(), generic()].map(|given| ProviderSettings::checked(given).unwrap());
    let refused = Providers::new(twice.to_vec()).unwrap_err().to_string();
    assert!(
        refused.contains("the id “contoso” is used twice"),
        "{refused}"
    );
}
