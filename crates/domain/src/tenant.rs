//! What a person types to name an Entra tenant.

use crate::text::FieldError;

/// A tenant as given: a GUID or a DNS name in lower case, safe to stand in a URL's path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tenant(String);

impl Tenant {
    /// Accepts a GUID or a DNS name (RFC 1035 §2.3.1 labels, at least two of them).
    pub fn parse(given: &str) -> Result<Self, FieldError> {
        let text = given.trim().to_ascii_lowercase();
        if text.is_empty() {
            return Err(FieldError::new(
                "tenant",
                "Enter the tenant’s domain or id.",
            ));
        }
        if let Ok(id) = uuid::Uuid::try_parse(&text) {
            return Ok(Self(id.hyphenated().to_string()));
        }
        let labels: Vec<&str> = text.split('.').collect();
        let label_ok = |label: &&str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if labels.len() < 2 || text.len() > 253 || !labels.iter().all(label_ok) {
            return Err(FieldError::new(
                "tenant",
                "Enter a domain such as contoso.onmicrosoft.com, or the tenant’s id (a GUID).",
            ));
        }
        Ok(Self(text))
    }

    /// The text for a URL's path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_guids_pass_and_nothing_that_could_leave_its_place_in_a_url() {
        for good in [
            "contoso.onmicrosoft.com",
            " Contoso.Example ",
            "xn--bcher-kva.example",
        ] {
            assert!(Tenant::parse(good).is_ok(), "{good}");
        }
        assert_eq!(
            Tenant::parse("{63122682-1111-2222-3333-444455556666}")
                .unwrap()
                .as_str(),
            "63122682-1111-2222-3333-444455556666"
        );
        for bad in [
            "",
            "contoso",
            "a/b.example",
            "a..b",
            "-a.example",
            "a.example?x",
            "common",
            "a b.c",
            "ü.example",
        ] {
            assert!(Tenant::parse(bad).is_err(), "{bad}");
        }
    }
}
