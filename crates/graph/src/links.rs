//! Which links are followed (`sync.md` 17).
//!
//! A link is sent a token, so it must begin with the configured Graph origin and `/v1.0/` and name
//! the resource of its round. It is parsed first and the parsed form is both what is checked and
//! what is sent: there is no second reading of it to disagree.

use url::Url;

use crate::cloud::Cloud;
use crate::error::{Error, Result};
use crate::resource::Resource;

/// Where the links of a round may lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) resource: Resource,
    /// The path behind `/v1.0/`, without `/delta`.
    pub(crate) collection: String,
    pub(crate) delta: bool,
}

impl Round {
    pub(crate) fn delta(resource: Resource) -> Self {
        Self {
            resource,
            collection: resource.path().to_owned(),
            delta: true,
        }
    }

    pub(crate) fn list(resource: Resource, collection: String) -> Self {
        Self {
            resource,
            collection,
            delta: false,
        }
    }

    /// The path of the round's first request, behind `/v1.0/`.
    pub(crate) fn path(&self) -> String {
        if self.delta {
            format!("{}/delta", self.collection)
        } else {
            self.collection.clone()
        }
    }

    /// `/delta`, `/delta()` and `/microsoft.graph.delta` are one function (graph.md §3.1).
    fn names(&self, path: &str) -> bool {
        let path = path.to_ascii_lowercase();
        let collection = self.collection.to_ascii_lowercase();
        let Some(rest) = path.strip_prefix(&collection) else {
            return false;
        };
        if self.delta {
            let function = rest.strip_prefix('/').unwrap_or_default();
            let function = function.strip_suffix("()").unwrap_or(function);
            matches!(function, "delta" | "microsoft.graph.delta")
        } else {
            rest.is_empty()
        }
    }
}

/// The link as it may be followed.
///
/// # Errors
/// [`Error::ForeignLink`], which quotes the link without its query.
pub(crate) fn check(cloud: &Cloud, round: &Round, link: &str) -> Result<Url> {
    let foreign = |link: String| Error::ForeignLink {
        resource: round.resource,
        link,
        expected: format!("{}v1.0/{}", cloud.graph(), round.path()),
    };
    let url = Url::parse(link).map_err(|_| foreign("something that is no address".to_owned()))?;
    let home = cloud.graph();
    let at_home = url.scheme() == home.scheme()
        && url.host() == home.host()
        && url.port_or_known_default() == home.port_or_known_default()
        && url.username().is_empty()
        && url.password().is_none();
    let named = url
        .path()
        .strip_prefix("/v1.0/")
        .is_some_and(|path| round.names(path));
    if at_home && named && url.fragment().is_none() {
        Ok(url)
    } else {
        let path: String = url.path().chars().take(120).collect();
        Err(foreign(format!(
            "{}{path}",
            url.origin().ascii_serialization()
        )))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cloud() -> Cloud {
        Cloud::parse(
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
        )
        .unwrap()
    }

    fn users() -> Round {
        Round::delta(Resource::Users)
    }

    #[test]
    fn links_of_the_round_are_followed() {
        for link in [
            "https://graph.microsoft.com/v1.0/users/delta?$skiptoken=a",
            "https://graph.microsoft.com:443/v1.0/users/delta()?$deltatoken=a",
            "https://graph.microsoft.com/v1.0/users/microsoft.graph.delta()?x",
            "https://graph.microsoft.com/v1.0/Users/microsoft.graph.delta?x",
            "HTTPS://GRAPH.MICROSOFT.COM/v1.0/users/delta?x",
        ] {
            assert!(check(&cloud(), &users(), link).is_ok(), "{link}");
        }
        let members = Round::list(Resource::Groups, "groups/g/members".to_owned());
        let link = "https://graph.microsoft.com/v1.0/groups/g/members?$skiptoken=a";
        assert!(check(&cloud(), &members, link).is_ok());
    }

    #[test]
    fn other_links_are_refused() {
        for link in [
            "",
            "/v1.0/users/delta",
            "//graph.microsoft.com/v1.0/users/delta",
            "http://graph.microsoft.com/v1.0/users/delta?x",
            "https://graph.microsoft.com.evil.example/v1.0/users/delta?x",
            "https://evil.example/v1.0/users/delta?x",
            "https://graph.microsoft.com:8443/v1.0/users/delta?x",
            "https://graph.microsoft.com@evil.example/v1.0/users/delta?x",
            "https://me@graph.microsoft.com/v1.0/users/delta?x",
            "https://graph.microsoft.com\\@evil.example/v1.0/users/delta",
            "https://graph.microsoft.com/beta/users/delta?x",
            "https://graph.microsoft.com/v1.0/users/delta/../../../x",
            "https://graph.microsoft.com/v1.0/groups/delta?x",
            "https://graph.microsoft.com/v1.0/users?x",
            "https://graph.microsoft.com/v1.0/usersx/delta?x",
            "https://graph.microsoft.com/v1.0/users/delta2?x",
            "https://graph.microsoft.com/v1.0/users%2Fdelta?x",
            "https://graph.microsoft.com/v1.0/users/delta?x#y",
            "javascript:alert(1)",
        ] {
            let error = check(&cloud(), &users(), link).unwrap_err();
            assert_eq!(error.code(), "foreign_link", "{link}");
        }
    }

    #[test]
    fn the_error_does_not_show_the_token_in_the_link() {
        let link = "https://evil.example/v1.0/users/delta?$deltatoken=hunter2";
        let error = check(&cloud(), &users(), link).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn whatever_is_followed_stays_at_home(link in "(https://graph\\.microsoft\\.com)?[ -~]{0,60}") {
            if let Ok(url) = check(&cloud(), &users(), &link) {
                prop_assert_eq!(url.origin(), cloud().graph().origin());
                prop_assert!(url.path().starts_with("/v1.0/"));
            }
        }
    }
}
