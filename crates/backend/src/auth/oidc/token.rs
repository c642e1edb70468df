//! Asking a provider who somebody is: the address that asks, the code that comes back, and the ID
//! token for it (OpenID Connect Core 1.0 §3.1, with PKCE, RFC 7636).

use std::{borrow::Cow, collections::BTreeMap, str::FromStr as _};

use chrono::Duration;
use domain::DateTime;
use openidconnect::{
    AdditionalClaims, AuthType, AuthUrl, AuthenticationContextClass, AuthenticationFlow,
    AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointNotSet, EndpointSet, IdToken, IdTokenClaims, IdTokenFields, IdTokenVerifier, IssuerUrl,
    JsonWebKey as _, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse,
    TokenResponse as _, TokenUrl,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
        CoreTokenType,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::{
    http::{Http, Unanswered},
    metadata::Known,
    provider::ProviderSettings,
};
use crate::delivery::chain;

/// How far the provider's clock may be ahead.
const CLOCK_SKEW: Duration = Duration::minutes(5);
/// The longest `sub` (OpenID Connect Core 1.0 §2).
const SUBJECT_CHARS_MAX: usize = 255;
/// How much of an account's name is kept.
const DISPLAY_CHARS_MAX: usize = 200;
/// The signatures that are taken: those that the provider alone can make. `none` and those by a
/// shared secret are not (RFC 8725 §3.1).
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

/// The claims that OpenID Connect doesn't name itself: tenant and object id, roles, groups.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(pub(super) BTreeMap<String, Value>);

impl AdditionalClaims for Claims {}

type OidcToken =
    IdToken<Claims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type OidcClaims = IdTokenClaims<Claims, CoreGenderClaim>;
type OidcClient = Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<
        IdTokenFields<
            Claims,
            EmptyExtraTokenFields,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
        CoreTokenType,
    >,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

/// What is secret about one sign-in.
#[derive(Debug, Clone)]
pub(super) struct Secrets {
    /// Comes back in the answer.
    pub state: SecretString,
    /// Comes back in the ID token.
    pub nonce: SecretString,
    /// Proves to the provider that whoever redeems the code is who asked.
    pub verifier: SecretString,
}

/// An account at a provider, proved.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub issuer: String,
    /// `sub`; of Entra ID the object id.
    pub subject: String,
    /// Its name there, to show.
    pub display: String,
    pub claims: Claims,
}

/// Why an account wasn't proved.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unproved {
    /// The provider doesn't answer.
    #[error("the provider doesn’t answer: {0}")]
    Unanswered(#[from] Unanswered),
    /// The provider refused the code, or Rollcall.
    #[error("the provider refused the code: {0}")]
    Refused(String),
    /// The ID token isn't good.
    #[error("the ID token is refused: {0}")]
    Token(String),
    /// It is signed with a key that isn't known.
    #[error("the ID token is signed with an unknown key")]
    UnknownKey,
    /// The account signed in there less strongly than configuration asks for.
    #[error("the provider let the account in by less than is asked for: {0}")]
    Weak(String),
    /// The tenant may not sign in.
    #[error("the tenant {} may not sign in", .0.map_or_else(|| "(none)".to_owned(), |id| id.to_string()))]
    Tenant(Option<Uuid>),
}

fn client(
    provider: &ProviderSettings,
    known: &Known,
    redirect_uri: &Url,
) -> Result<OidcClient, Unproved> {
    let unusable = |what: &str| Unproved::Token(format!("{what} is unusable"));
    let issuer = IssuerUrl::new(provider.named_issuer().to_owned());
    let issuer = issuer.map_err(|_| unusable("the issuer"))?;
    let methods = known
        .document
        .token_endpoint_auth_methods_supported
        .as_deref();
    let offers = |method: &str| methods.is_some_and(|all| all.iter().any(|one| one == method));
    let by = if offers("client_secret_post") && !offers("client_secret_basic") {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    };
    let secret = provider.client_secret.expose_secret().to_owned();
    Ok(Client::new(
        ClientId::new(provider.client_id.clone()),
        issuer,
        known.keys.set.clone(),
    )
    .set_client_secret(ClientSecret::new(secret))
    .set_auth_type(by)
    .set_auth_uri(AuthUrl::from_url(
        known.document.authorization_endpoint.clone(),
    ))
    .set_token_uri(TokenUrl::from_url(known.document.token_endpoint.clone()))
    .set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone())))
}

/// The provider's address that asks who somebody is.
pub(super) fn question(
    provider: &ProviderSettings,
    known: &Known,
    redirect_uri: &Url,
    secrets: &Secrets,
    choose_account: bool,
) -> Result<Url, Unproved> {
    let verifier = PkceCodeVerifier::new(secrets.verifier.expose_secret().to_owned());
    let state = CsrfToken::new(secrets.state.expose_secret().to_owned());
    let nonce = Nonce::new(secrets.nonce.expose_secret().to_owned());
    let client = client(provider, known, redirect_uri)?;
    let mut request = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || state,
            move || nonce,
        )
        .add_scopes(provider.scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    for strength in &provider.required_acr {
        let strength = AuthenticationContextClass::new(strength.clone());
        request = request.add_auth_context_value(strength);
    }
    if choose_account {
        request = request.add_prompt(CoreAuthPrompt::SelectAccount);
    }
    Ok(request.url().0)
}

/// Takes the ID token for a code.
pub(super) async fn redeem(
    http: &Http,
    provider: &ProviderSettings,
    known: &Known,
    redirect_uri: &Url,
    code: String,
    verifier: &SecretString,
) -> Result<OidcToken, Unproved> {
    let client = client(provider, known, redirect_uri)?;
    let answer = client
        .exchange_code(AuthorizationCode::new(code))
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
        .request_async(http)
        .await
        .map_err(|error| match error {
            RequestTokenError::Request(error) => Unproved::Unanswered(error),
            // What the provider says of itself: its code and its words.
            RequestTokenError::ServerResponse(said) => Unproved::Refused(said.to_string()),
            error => Unproved::Refused(chain(&error)),
        })?;
    let token = answer.id_token().cloned();
    token.ok_or_else(|| Unproved::Token("there is none in the answer".to_owned()))
}

/// Reads an ID token without believing it.
pub(super) fn parse(text: &str) -> Result<OidcToken, Unproved> {
    let token = OidcToken::from_str(text);
    token.map_err(|error| Unproved::Token(format!("it can’t be read: {error}")))
}

/// Whose ID token this is, where it is good (OpenID Connect Core 1.0 §3.1.3.7).
pub(super) fn account(
    provider: &ProviderSettings,
    known: &Known,
    token: &OidcToken,
    nonce: &SecretString,
    now: DateTime,
) -> Result<Account, Unproved> {
    let issuer = IssuerUrl::new(provider.named_issuer().to_owned());
    let issuer = issuer.map_err(|_| Unproved::Token("the issuer is unusable".to_owned()))?;
    let client_id = ClientId::new(provider.client_id.clone());
    // As of a public client: no signature by a shared secret is taken, whatever the list says.
    let verifier = IdTokenVerifier::new_public_client(client_id, issuer, known.keys.set.clone())
        .set_allowed_algs(ALGORITHMS)
        // Of Entra ID the issuer depends on the tenant, and is compared below.
        .require_issuer_match(!provider.entra)
        .set_time_fn(move || now)
        .set_issue_time_verifier_fn(move |at| {
            if at > now + CLOCK_SKEW {
                Err("it is issued in the future".to_owned())
            } else {
                Ok(())
            }
        });
    let nonce = Nonce::new(nonce.expose_secret().to_owned());
    let claims = token
        .claims(&verifier, &nonce)
        .map_err(|error| match error {
            openidconnect::ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ) => Unproved::UnknownKey,
            error => Unproved::Token(chain(&error)),
        })?;
    authorized_party(provider, claims)?;
    let tenant = text(claims, "tid").and_then(|tid| Uuid::try_parse(tid).ok());
    let issuer = provider.issuer_of(tenant).ok_or(Unproved::Tenant(tenant))?;
    if **claims.issuer() != issuer {
        return Err(Unproved::Token("its issuer is another one".to_owned()));
    }
    let key = token
        .signing_key(&verifier)
        .map_err(|error| Unproved::Token(error.to_string()))?;
    let signs_for = key.key_id().and_then(|id| known.keys.issuers.get(&**id));
    if let Some(signs_for) = signs_for
        && tenant.map_or(signs_for.clone(), |tenant| {
            super::provider::filled(signs_for, tenant)
        }) != issuer
    {
        let words = "its key signs for another issuer";
        return Err(Unproved::Token(words.to_owned()));
    }
    strong_enough(provider, claims)?;
    let subject = subject(provider, claims)?;
    Ok(Account {
        display: display(claims).unwrap_or_else(|| subject.clone()),
        claims: claims.additional_claims().clone(),
        issuer,
        subject,
    })
}

/// Whether the provider asked for what configuration wants it to ask for: a second factor, mostly.
/// `amr` names the ways (RFC 8176), `acr` the strength; either may be left out by a provider, and
/// then nothing is known.
fn strong_enough(provider: &ProviderSettings, claims: &OidcClaims) -> Result<(), Unproved> {
    let ways = claims.auth_method_refs().into_iter().flatten();
    let ways: Vec<&str> = ways.map(|way| way.as_str()).collect();
    let wanted = &provider.required_amr;
    if !wanted.is_empty() && !wanted.iter().any(|way| ways.contains(&way.as_str())) {
        let (wanted, ways) = (wanted.join(", "), ways.join(", "));
        return Err(Unproved::Weak(format!("amr is [{ways}], none of {wanted}")));
    }
    let strength = claims.auth_context_ref().map_or("", |acr| acr.as_str());
    let wanted = &provider.required_acr;
    if !wanted.is_empty() && !wanted.iter().any(|one| one == strength) {
        let wanted = wanted.join(", ");
        return Err(Unproved::Weak(format!(
            "acr is “{strength}”, none of {wanted}"
        )));
    }
    Ok(())
}

/// A token for another client of the same provider is not for this one (OpenID Connect Core 1.0
/// §3.1.3.7, 5). The library leaves this open.
fn authorized_party(provider: &ProviderSettings, claims: &OidcClaims) -> Result<(), Unproved> {
    match claims.authorized_party() {
        Some(party) if **party != provider.client_id => {
            Err(Unproved::Token("it is for another client (azp)".to_owned()))
        }
        _ => Ok(()),
    }
}

/// What names the account for good: of Entra ID the object id, which is the same whatever
/// application asks, together with the tenant in the issuer (learn.microsoft.com, "ID token claims
/// reference", oid and tid); elsewhere `sub` with the issuer (OpenID Connect Core 1.0 §5.7). Never a
/// mail address or a user name: those are given to others.
fn subject(provider: &ProviderSettings, claims: &OidcClaims) -> Result<String, Unproved> {
    let subject = if provider.entra {
        let id = text(claims, "oid").and_then(|oid| Uuid::try_parse(oid).ok());
        id.map(|id| id.to_string())
    } else {
        Some(claims.subject().to_string())
    };
    subject
        .filter(|subject| {
            !subject.is_empty()
                && subject.chars().count() <= SUBJECT_CHARS_MAX
                && !subject.chars().any(char::is_control)
        })
        .ok_or_else(|| Unproved::Token("it names no account".to_owned()))
}

fn text<'a>(claims: &'a OidcClaims, name: &str) -> Option<&'a str> {
    claims.additional_claims().0.get(name)?.as_str()
}

/// The account's name, to show it to a person.
fn display(claims: &OidcClaims) -> Option<String> {
    let name = claims.preferred_username().map(|name| name.as_str());
    let email = claims.email().map(|email| email.as_str());
    let shown = name.or(email).or_else(|| {
        let name = claims.name()?.get(None)?;
        Some(name.as_str())
    })?;
    let shown: String = shown
        .chars()
        .filter(|c| !c.is_control())
        .take(DISPLAY_CHARS_MAX)
        .collect();
    Some(shown.trim().to_owned()).filter(|shown| !shown.is_empty())
}
