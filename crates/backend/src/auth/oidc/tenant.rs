//! Who signed in to one tenant of Entra ID, at an application that is no provider of ours: the
//! administrator who follows a consent link. The code is redeemed by `graph`, which has the
//! application's secret or certificate; the ID token is looked at as that of a provider.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use super::{
    metadata::{Kept, Known},
    pending,
    provider::{Issuer, ProviderSettings},
    token::{self, Account, Claims, Secrets},
};
use crate::Backend;

/// The directory roles that may consent to application permissions of Microsoft Graph
/// (learn.microsoft.com, "Grant tenant-wide admin consent to an application"), by the ids of their
/// templates (learn.microsoft.com, "Microsoft Entra built-in roles"): Global Administrator and
/// Privileged Role Administrator.
const MAY_CONSENT: [Uuid; 2] = [
    Uuid::from_u128(0x62e9_0394_69f5_4237_9190_0121_7714_5e10),
    Uuid::from_u128(0xe861_1ab8_c189_46e8_94e1_6021_3ab1_f814),
];

/// A sign-in to one tenant, under way in the browser that holds `browser`.
#[derive(Debug)]
pub(crate) struct TenantSignIn<'a> {
    /// The sign-in service of the tenant's cloud.
    pub authority: &'a Url,
    pub tenant: Uuid,
    pub client_id: Uuid,
    pub redirect_uri: &'a Url,
    /// What the browser that left has to bring back.
    pub browser: &'a SecretString,
    pub state: SecretString,
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Administrator {
    /// The account's object id in that tenant.
    pub object_id: Uuid,
}

/// Why nobody counts as signed in, or can't be sent there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSignedIn {
    /// The tenant's sign-in service doesn't answer as it has to, or the ID token isn't good.
    #[error("{0}")]
    Unproved(String),
    /// The token doesn't say that the account may consent for the tenant.
    #[error("the account is no administrator who may consent")]
    NoAdministrator,
}

type Step<T> = Result<T, NotSignedIn>;

fn unproved(error: impl std::fmt::Display) -> NotSignedIn {
    NotSignedIn::Unproved(error.to_string())
}

impl TenantSignIn<'_> {
    /// The tenant as a provider. It has no secret: `graph` redeems the code.
    fn settings(&self) -> ProviderSettings {
        let at = |path: &str| {
            let mut url = self.authority.clone();
            url.set_path(&format!("/{}/v2.0{path}", self.tenant));
            url
        };
        ProviderSettings {
            id: "consent".to_owned(),
            title: String::new(),
            issuer: Issuer::Tenants {
                template: at("").to_string(),
                tenants: vec![self.tenant],
            },
            entra: true,
            discovery: at("/.well-known/openid-configuration"),
            client_id: self.client_id.to_string(),
            client_secret: SecretString::default(),
            scopes: vec!["profile".to_owned()],
            mapping: None,
            // How strongly is that tenant's affair: nobody is signed in here.
            required_acr: Vec::new(),
            required_amr: Vec::new(),
        }
    }

    /// What the tenant says of itself, asked anew: a link needs it twice.
    async fn known(&self, b: &Backend, settings: &ProviderSettings) -> Step<Arc<Known>> {
        let kept = Kept::default();
        let known = kept.known(&b.oidc.http, settings, b.clock.now()).await;
        known.map_err(unproved)
    }

    fn secrets(&self) -> Step<Secrets> {
        pending::secrets(self.browser, self.state.clone()).map_err(unproved)
    }

    /// The address at which somebody signs in.
    pub(crate) async fn question(&self, b: &Backend) -> Step<Url> {
        let (settings, secrets) = (self.settings(), self.secrets()?);
        let known = self.known(b, &settings).await?;
        token::question(&settings, &known, self.redirect_uri, &secrets, false).map_err(unproved)
    }

    /// What the code is redeemed with.
    pub(crate) fn code(&self, code: String) -> Step<graph::AuthorizationCode> {
        Ok(graph::AuthorizationCode {
            code: code.into(),
            redirect_uri: self.redirect_uri.clone(),
            verifier: self.secrets()?.verifier,
        })
    }

    /// Who signed in, where the ID token is good and says that they may consent for the tenant.
    pub(crate) async fn administrator(
        &self,
        b: &Backend,
        id_token: &SecretString,
    ) -> Step<Administrator> {
        let (settings, secrets) = (self.settings(), self.secrets()?);
        let known = self.known(b, &settings).await?;
        let token = token::parse(id_token.expose_secret()).map_err(unproved)?;
        let account = token::account(&settings, &known, &token, &secrets.nonce, b.clock.now());
        administrator(&account.map_err(unproved)?)
    }
}

fn administrator(account: &Account) -> Step<Administrator> {
    let object_id = Uuid::try_parse(&account.subject).map_err(unproved)?;
    if roles(&account.claims).any(|role| MAY_CONSENT.contains(&role)) {
        Ok(Administrator { object_id })
    } else {
        Err(NotSignedIn::NoAdministrator)
    }
}

/// The directory roles of the account, which stand in the token where the application asks for them
/// (learn.microsoft.com, "Access token claims reference", wids).
fn roles(claims: &Claims) -> impl Iterator<Item = Uuid> {
    let roles = claims.0.get("wids").and_then(|roles| roles.as_array());
    let roles = roles.into_iter().flatten();
    roles.filter_map(|role| Uuid::try_parse(role.as_str()?).ok())
}
