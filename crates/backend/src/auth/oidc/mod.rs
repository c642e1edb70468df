//! Signing in with OpenID Connect: the authorization code flow with PKCE at any number of providers
//! that configuration names.
//!
//! [`begin`] answers the provider's address, to which the browser is led; it comes back with a code,
//! which [`finish`] redeems for an ID token. What the token says is believed only after everything in
//! `token` was looked at. An account is an operator's by an invitation that was accepted with it, or
//! since the operator, signed in, linked it; never because a mail address is the same
//! (`docs/decisions/0023-accounts-of-providers.md`).

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod http;
mod identity;
mod metadata;
mod pending;
mod proved;
mod provider;
#[cfg(test)]
mod provider_tests;
mod refused;
mod roles;
mod tenant;
#[cfg(test)]
mod tests;
mod token;

use std::{net::IpAddr, sync::Arc};

use domain::{identity::SignInProvider, operator::Operator};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use {
    identity::{unlink, ways_to_sign_in},
    provider::{ProviderGiven, ProviderSettings},
};
pub(crate) use {
    pending::delete_expired,
    tenant::{NotSignedIn, TenantSignIn},
};

use self::{
    http::Http,
    metadata::{Kept, Known},
    pending::{Pending, Wish},
    proved::{Of, record_refused},
    refused::{Refused, Step, Stop},
    token::{Account, Secrets, Unproved},
};
use super::{
    link::{self, Purpose},
    slow_down,
    token::{hash, random_text},
};
use crate::{Backend, Error, Origin, Result, Scope};

/// How much of a provider's error is logged. Those of the specifications have some 30 letters.
const LOGGED_CHARS_MAX: usize = 100;

/// Under this name a session's data hold what binds sign-ins under way to this browser.
pub const BROWSER: &str = "provider_sign_in";

/// The providers of the configuration, with what is known of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Providers {
    http: Http,
    list: Arc<[Provider]>,
}

#[derive(Debug)]
struct Provider {
    settings: ProviderSettings,
    kept: Kept,
}

impl Providers {
    /// These providers. Nothing is asked of them before somebody signs in.
    pub fn new(settings: Vec<ProviderSettings>) -> Result<Self> {
        Self::told_apart(&settings)?;
        let provider = |settings| Provider {
            settings,
            kept: Kept::default(),
        };
        Ok(Self {
            http: Http::new()?,
            list: settings.into_iter().map(provider).collect(),
        })
    }

    /// Refuses two of one id.
    pub fn told_apart(settings: &[ProviderSettings]) -> Result<()> {
        provider::told_apart(settings)
    }

    /// The providers as a page offers them, in the order of the configuration.
    pub fn offered(&self) -> Vec<SignInProvider> {
        let offered = |provider: &Provider| SignInProvider {
            id: provider.settings.id.clone(),
            title: provider.settings.title.clone(),
        };
        self.list.iter().map(offered).collect()
    }

    fn named(&self, id: &str) -> Result<&Provider> {
        let found = self.list.iter().find(|one| one.settings.id == id);
        found.ok_or(Error::NotFound("sign-in provider"))
    }
}

/// What somebody wants of a provider.
#[derive(Debug)]
pub enum Intent<'a> {
    /// To sign in.
    SignIn,
    /// To accept the invitation whose link has this secret.
    AcceptInvitation(SecretString),
    /// To link an account to the operator who asks.
    ///
    /// They have to have proved lately that it is them. Linking begins nowhere else, and what comes
    /// back belongs to the operator and the browser that began it.
    Link(&'a Scope),
}

/// Who asks to go to a provider.
#[derive(Debug)]
pub struct Begin<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// What for.
    pub intent: Intent<'a>,
    /// Where to go on afterwards: a path of ours.
    pub return_to: String,
    /// What the session holds as [`BROWSER`].
    pub browser: &'a SecretString,
    /// The network address.
    pub address: IpAddr,
}

/// What a session that has none yet is to hold as [`BROWSER`].
pub fn new_browser(b: &Backend) -> SecretString {
    random_text(b).into()
}

/// The redirect URI of a provider: each has its own, so that an answer of one can't be taken for
/// another's (RFC 9700 §4.4.2).
fn redirect_uri(b: &Backend, provider: &ProviderSettings) -> Url {
    let mut url = b.settings.public_url.clone();
    url.set_path(&format!("/sign-in/oidc/{}/callback", provider.id));
    url
}

/// Begins a sign-in; answers the address at the provider that the browser is to be led to.
///
/// `NotFound` where configuration names no such provider, `Unavailable` where it doesn't answer,
/// `Conflict` for an invitation that is over, `TooMany` where too many were begun from this address
/// and not finished.
pub async fn begin(b: &Backend, asked: Begin<'_>) -> Result<Url> {
    let provider = b.oidc.named(asked.provider)?;
    let begun = slow_down::Subject::begun_from(asked.address);
    slow_down::count_ask(b, &[&begun]).await?;
    let wish = match &asked.intent {
        Intent::SignIn => Wish::SignIn,
        Intent::AcceptInvitation(secret) => {
            let mut tx = b.db.read().await?;
            let now = b.clock.now();
            let holder = link::holder(&mut tx, Purpose::Invitation, secret, now).await?;
            holder.ok_or_else(|| Error::conflict(Refused::invitation_ended().message))?;
            Wish::AcceptInvitation(hash(secret.expose_secret()))
        }
        Intent::Link(scope) => {
            let operator = scope.operator_id().ok_or(Error::SignedOut)?;
            scope.require_recent_proof(b.clock.now())?;
            Wish::Link(operator)
        }
    };
    let settings = &provider.settings;
    let known = known(b, provider).await.map_err(unavailable)?;
    // Who makes an account theirs for good shall see which one it is.
    let choose = settings.entra && wish != Wish::SignIn;
    let pending = Pending {
        provider: settings.id.clone(),
        wish,
        return_to: asked.return_to,
    };
    let state = pending::keep(b, asked.browser, &pending).await?;
    let secrets = pending::secrets(asked.browser, state)?;
    token::question(
        settings,
        &known,
        &redirect_uri(b, settings),
        &secrets,
        choose,
    )
    .map_err(|error| Error::Internal(error.to_string()))
}

async fn known(b: &Backend, provider: &Provider) -> std::result::Result<Arc<Known>, Refused> {
    let (http, settings) = (&b.oidc.http, &provider.settings);
    let known = provider.kept.known(http, settings, b.clock.now()).await;
    known.map_err(|error| {
        refused::log_unanswered(settings, &error);
        Refused::unavailable(settings)
    })
}

fn unavailable(refused: Refused) -> Error {
    Error::Unavailable(refused.message)
}

/// What the browser brings back from a provider: the query of the redirect URI.
#[derive(Debug, Default)]
pub struct Answer {
    /// The provider whose redirect URI it is.
    pub provider: String,
    /// Names the sign-in.
    pub state: Option<String>,
    /// What to redeem.
    pub code: Option<String>,
    /// The issuer that answers (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

/// The browser that brings an answer.
#[derive(Debug)]
pub struct Browser<'a> {
    /// What its session holds as [`BROWSER`].
    pub secret: Option<SecretString>,
    /// Who is signed in there.
    pub scope: Option<&'a Scope>,
    /// Its network address.
    pub address: IpAddr,
    /// As it names itself.
    pub user_agent: String,
    /// The id of the request, which the audit log keeps.
    pub request_id: String,
}

/// What came of an answer.
#[derive(Debug)]
pub enum Finished {
    /// Somebody is let in.
    SignedIn {
        /// This operator.
        operator: Box<Operator>,
        /// Where they wanted to go.
        return_to: String,
    },
    /// An account was linked to the operator who asks.
    Linked {
        /// The account and the provider, in a few words.
        account: String,
    },
    /// Nothing was done. It is written down.
    Refused {
        /// Why, and what to do.
        message: String,
    },
}

/// Finishes what [`begin`] began. The sign-in is used up by it, whatever comes of it.
///
/// `NotFound` where configuration names no such provider, `TooMany` where too many failed before from
/// this address; then the answer isn't looked at.
pub async fn finish(b: &Backend, answer: Answer, browser: Browser<'_>) -> Result<Finished> {
    let provider = b.oidc.named(&answer.provider)?;
    let address = slow_down::Subject::address(browser.address);
    let origin = Origin::page(browser.address, &browser.request_id);
    slow_down::count_try(b, &[&address], &origin).await?;
    match attempt(b, provider, answer, &browser, &origin).await {
        Ok(finished) => {
            let mut tx = b.db.write().await?;
            let begun = slow_down::Subject::begun_from(browser.address);
            for subject in [&address, &begun] {
                slow_down::forgive_one(&mut tx, subject).await?;
            }
            tx.commit().await?;
            Ok(finished)
        }
        Err(Stop::Refused(refused)) => {
            record_refused(b, provider, &refused, &browser.user_agent, &origin).await?;
            Ok(Finished::Refused {
                message: refused.message,
            })
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

async fn attempt(
    b: &Backend,
    provider: &Provider,
    answer: Answer,
    browser: &Browser<'_>,
    origin: &Origin,
) -> Step<Finished> {
    let state = SecretString::from(answer.state.unwrap_or_default());
    let pending = pending::take(b, &state, browser.secret.as_ref()).await?;
    let (Some(pending), Some(secret)) = (pending, &browser.secret) else {
        return Err(Refused::stale().into());
    };
    if pending.provider != provider.settings.id {
        return Err(Refused::mixed_up().into());
    }
    let known = known(b, provider).await?;
    let iss = answer.iss.as_deref();
    check_answering(&provider.settings, &known, iss)?;
    if let Some(error) = answer.error {
        // From outside: in quotes, and not all of it however long it is.
        let error: String = error.chars().take(LOGGED_CHARS_MAX).collect();
        tracing::warn!(
            provider = provider.settings.id,
            ?error,
            "a provider refused a sign-in"
        );
        return Err(Refused::by_provider(&provider.settings, &error).into());
    }
    let secrets = pending::secrets(secret, state)?;
    let code = answer.code.unwrap_or_default();
    let account = prove(b, provider, known, code, &secrets).await;
    let account = account.map_err(|error| {
        refused::log(&provider.settings, &error);
        Refused::unproved(&provider.settings, &error)
    })?;
    if iss.is_some_and(|iss| iss != account.issuer) {
        return Err(Refused::mixed_up().of(&account).into());
    }
    let of = Of {
        b,
        provider: &provider.settings,
        account: &account,
        origin,
    };
    match pending.wish {
        Wish::SignIn => of.sign_in(&browser.user_agent, pending.return_to).await,
        Wish::AcceptInvitation(link) => of.accept(&link, &browser.user_agent).await,
        Wish::Link(operator) => match browser.scope {
            Some(scope) if scope.operator_id() == Some(operator) => of.link(scope, operator).await,
            _ => Err(Refused::stale().into()),
        },
    }
}

/// Whether the answer comes from whom was asked, as far as it says (RFC 9207 §2.4).
fn check_answering(
    provider: &ProviderSettings,
    known: &Known,
    iss: Option<&str>,
) -> Result<(), Refused> {
    let names_itself = known
        .document
        .authorization_response_iss_parameter_supported;
    match iss {
        Some(iss) if provider.may_be(iss) => Ok(()),
        None if !names_itself => Ok(()),
        _ => Err(Refused::mixed_up()),
    }
}

/// Redeems a code and looks at the token. With a key that isn't known yet, keys are asked for anew.
async fn prove(
    b: &Backend,
    provider: &Provider,
    known: Arc<Known>,
    code: String,
    secrets: &Secrets,
) -> std::result::Result<Account, Unproved> {
    let (http, settings) = (&b.oidc.http, &provider.settings);
    let uri = redirect_uri(b, settings);
    let token = token::redeem(http, settings, &known, &uri, code, &secrets.verifier).await?;
    let now = b.clock.now();
    match token::account(settings, &known, &token, &secrets.nonce, now) {
        Err(Unproved::UnknownKey) => {
            let known = provider.kept.with_new_keys(http, now).await?;
            let known = known.ok_or(Unproved::UnknownKey)?;
            token::account(settings, &known, &token, &secrets.nonce, now)
        }
        proved => proved,
    }
}
