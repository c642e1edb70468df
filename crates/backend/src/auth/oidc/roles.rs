//! The role that a provider's claims give.

use domain::permission::Role;
use serde_json::Value;

use super::{
    provider::ProviderSettings,
    refused::Refused,
    token::{Account, Claims},
};

/// The role that the account's claims give: the highest of those that match. None where the provider
/// has no mapping; refused where it has one and nothing matches.
pub(super) fn mapped(
    provider: &ProviderSettings,
    account: &Account,
) -> Result<Option<Role>, Refused> {
    let Some(mapping) = &provider.mapping else {
        return Ok(None);
    };
    let values: Vec<&str> = match account.claims.0.get(&mapping.claim) {
        Some(Value::String(value)) => vec![value],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let roles = values.iter().filter_map(|value| mapping.roles.get(*value));
    // The order of roles: whoever may most comes first.
    if let Some(role) = roles.min() {
        return Ok(Some(*role));
    }
    let too_many = is_left_out(&account.claims, &mapping.claim);
    Err(Refused::no_role(provider, too_many).of(account))
}

/// Whether Entra ID left the claim out since it would be too long (learn.microsoft.com, "Configure
/// group claims and app roles in tokens", group overages).
fn is_left_out(claims: &Claims, claim: &str) -> bool {
    let elsewhere = claims.0.get("_claim_names");
    elsewhere.is_some_and(|names| names.get(claim).is_some())
        || (claim == "groups" && claims.0.get("hasgroups") == Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::oidc::provider_tests::given;

    fn of(claims: Value) -> Result<Option<Role>, Refused> {
        let mut given = given("https://login.example.com");
        given.role_claim = Some("groups".to_owned());
        for (value, role) in [("staff", "read_only"), ("Chiefs", "administrator")] {
            given.role_mapping.insert(value.to_owned(), role.to_owned());
        }
        let provider = ProviderSettings::checked(given).unwrap();
        let account = Account {
            issuer: "https://login.example.com".to_owned(),
            subject: "s".to_owned(),
            display: "s".to_owned(),
            claims: serde_json::from_value(claims).unwrap(),
        };
        mapped(&provider, &account)
    }

    #[test]
    fn the_highest_of_the_matched_roles_counts() {
        for (claims, role) in [
            (json!({ "groups": ["staff"] }), Role::ReadOnly),
            (
                json!({ "groups": ["x", "staff", "Chiefs"] }),
                Role::Administrator,
            ),
            (json!({ "groups": "Chiefs" }), Role::Administrator),
        ] {
            assert_eq!(of(claims).unwrap(), Some(role));
        }
    }

    #[test]
    fn who_has_none_of_them_is_refused_and_told_why() {
        for claims in [
            json!({}),
            json!({ "groups": [] }),
            json!({ "groups": ["chiefs", " staff", 7, null] }),
            json!({ "groups": { "staff": true } }),
            json!({ "roles": ["staff"] }),
        ] {
            let refused = of(claims).unwrap_err();
            assert!(refused.message.contains("None of your roles or groups"));
        }
        for claims in [
            json!({ "_claim_names": { "groups": "src1" } }),
            json!({ "hasgroups": true }),
        ] {
            let refused = of(claims).unwrap_err();
            assert!(refused.message.contains("more groups than"));
        }
    }
}
