//! A consent link, from opening it to the proof (graph.md §2.5).
//!
//! Whoever opens the link is sent to Microsoft's admin consent for the one tenant that the link was
//! made for, and comes back with the name of a tenant in the address, which anybody could have
//! written. So nothing is believed of it: Rollcall asks for a token of its own, past the cache, in the
//! tenant of the link; that token says which tenant it is and which permissions were granted. The
//! `state` ties the way back to this link and is good once; the browser that comes back has to be the
//! one that left, which brings the secret of the link in a cookie.
//!
//! Where whoever made the link may not connect the tenant by themselves, that is not enough: they may
//! have named one that consented long ago and isn't their customer's. Then the browser is sent on to
//! sign in to that tenant, and the ID token has to say that an administrator of it did.

use domain::{
    consent_link::{ConsentLink, ConsentRequest},
    id::{ConsentLinkId, IntegrationId, TenantId},
    run::RunError,
};
use graph::TokenInfo;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use super::{client, cloud_unknown, words};
use crate::{
    Backend, Error, Origin, Result, Tx,
    auth::{
        link,
        oidc::{NotSignedIn, TenantSignIn},
    },
    fetch_all, fetch_scalar,
    store::{
        across,
        consent_links::{self, Opened, SignedIn, Step},
        credential_profiles, integrations,
    },
};

/// Where Microsoft sends the browser back to, as `server::consent` has it. It has to be registered
/// with the application.
const CALLBACK: &str = "/consent/callback";

/// The codes by which Entra says that it doesn't know of a consent, or not yet.
const NOT_KNOWN_YET: [u32; 2] = [7_000_229, 700_016];

/// The longest part of what came in an address that is kept, in characters.
const TOLD_MAX: usize = 300;

/// What Microsoft put into the address on the way back.
#[derive(Debug, Default)]
pub struct CameBack {
    /// What was sent along.
    pub state: Option<String>,
    /// The tenant, where somebody consented.
    pub tenant: Option<String>,
    /// What to redeem, where somebody signed in.
    pub code: Option<String>,
    /// What went wrong, in one word.
    pub error: Option<String>,
    /// The same with Microsoft's code and in a sentence.
    pub error_description: Option<String>,
}

/// What the page of a link shows; none where the link isn't good any more. Looking uses nothing up;
/// that somebody looked is noted.
pub async fn follow_consent(b: &Backend, secret: SecretString) -> Result<Option<ConsentRequest>> {
    let mut tx = b.db.read().await?;
    let Some(opened) = consent_links::opened(b, &mut tx, &secret).await? else {
        return Ok(None);
    };
    drop(tx);
    consent_links::note_opened(b, &opened.link).await?;
    let authority = b.clouds.get(&opened.link.cloud).map(|cloud| {
        let host = cloud.authority.host_str();
        host.unwrap_or_default().to_owned()
    });
    let installation = b.settings.public_url.host_str();
    Ok(Some(ConsentRequest {
        installation: installation.unwrap_or_default().to_owned(),
        authority: authority.unwrap_or_default(),
        customer_name: opened.customer_name,
        link: opened.link,
    }))
}

/// What is registered with the application.
fn callback(b: &Backend) -> Url {
    let mut url = b.settings.public_url.clone();
    url.set_path(CALLBACK);
    url
}

/// The address at Microsoft where an administrator consents; none where the link isn't good any
/// more. A way that was begun before is no longer good.
pub async fn send_to_consent(b: &Backend, secret: &SecretString) -> Result<Option<Url>> {
    let mut tx = b.db.read().await?;
    let opened = consent_links::opened(b, &mut tx, secret).await?;
    drop(tx);
    let Some(Opened { link, .. }) = opened else {
        return Ok(None);
    };
    let Some(cloud) = b.clouds.get(&link.cloud) else {
        return Ok(None);
    };
    let state = link::make(b);
    consent_links::send_out(b, link.id, Step::Consent, &state).await?;
    let back = callback(b);
    let mut url = cloud.authority.clone();
    url.set_path(&format!("/{}/v2.0/adminconsent", link.tenant));
    url.query_pairs_mut()
        .append_pair("client_id", &link.client_id.to_string())
        .append_pair("scope", &format!("{}.default", cloud.graph))
        .append_pair("redirect_uri", back.as_str())
        .append_pair("state", state.expose_secret());
    Ok(Some(url))
}

/// Where the browser goes on that came back from Microsoft.
#[derive(Debug, PartialEq, Eq)]
pub enum Onward {
    /// The answer belongs to no way that this browser began with a good link: nothing was done.
    NotOurs,
    /// To the page of the link, which says what came of it.
    Page,
    /// To Microsoft once more, to sign in.
    SignIn(Url),
}

/// Takes the browser back, and says where it goes on.
pub async fn consent_came_back(
    b: &Backend,
    secret: &SecretString,
    back: CameBack,
    origin: &Origin,
) -> Result<Onward> {
    let mut tx = b.db.write().await?;
    let Some(opened) = consent_links::opened(b, &mut tx, secret).await? else {
        return Ok(Onward::NotOurs);
    };
    let state = SecretString::from(back.state.clone().unwrap_or_default());
    let id = opened.link.id;
    let Some(step) = consent_links::take_state(b, &mut tx, id, &state).await? else {
        return Ok(Onward::NotOurs);
    };
    match step {
        Step::Consent => consented(b, tx, &opened, secret, &back, origin).await,
        Step::SignIn => {
            // The code is redeemed outside of any transaction, and the state is used up before.
            tx.commit().await?;
            let failed = signed_in(b, &opened, secret, state, &back).await?.err();
            if let Some(error) = failed {
                note(b, id, &error).await?;
            } else {
                check_consent(b, secret, origin).await?;
            }
            Ok(Onward::Page)
        }
    }
}

async fn note(b: &Backend, id: ConsentLinkId, error: &RunError) -> Result<()> {
    let mut tx = b.db.write().await?;
    consent_links::note_error(&mut tx, id, Some(error)).await?;
    tx.commit().await
}

/// Takes the answer of the admin consent, whose state was used up in `tx`.
async fn consented(
    b: &Backend,
    mut tx: Tx,
    opened: &Opened,
    secret: &SecretString,
    back: &CameBack,
    origin: &Origin,
) -> Result<Onward> {
    let link = &opened.link;
    let failed = match (&back.error, &back.tenant) {
        (Some(error), _) => Some(declined(
            error,
            back.error_description.as_deref().unwrap_or_default(),
        )),
        (None, None) => Some(declined("no_answer", "")),
        (None, Some(_)) => None,
    };
    if failed.is_some() {
        consent_links::note_error(&mut tx, link.id, failed.as_ref()).await?;
        tx.commit().await?;
        return Ok(Onward::Page);
    }
    let named = shortened(back.tenant.as_deref().unwrap_or_default());
    consent_links::note_consent(b, &mut tx, link.id, &named).await?;
    tx.commit().await?;
    if !link.needs_sign_in {
        check_consent(b, secret, origin).await?;
        return Ok(Onward::Page);
    }
    match send_to_sign_in(b, link, &named, secret).await? {
        Ok(url) => Ok(Onward::SignIn(url)),
        Err(error) => {
            note(b, link.id, &error).await?;
            Ok(Onward::Page)
        }
    }
}

/// The address where the administrator signs in to the tenant that Microsoft named: to no other, so
/// that the ID token can be for no other.
async fn send_to_sign_in(
    b: &Backend,
    link: &ConsentLink,
    named: &str,
    secret: &SecretString,
) -> Result<Result<Url, RunError>> {
    let Ok(tenant) = Uuid::try_parse(named) else {
        return Ok(Err(other_tenant(link)));
    };
    let state = link::make(b);
    consent_links::send_out(b, link.id, Step::SignIn, &state).await?;
    let at = At::of(b, link, tenant)?;
    Ok(at
        .sign_in(secret, state)
        .question(b)
        .await
        .map_err(|error| not_signed_in(link, &error)))
}

/// Where an administrator signs in.
struct At {
    authority: Url,
    tenant: Uuid,
    client_id: Uuid,
    back: Url,
}

impl At {
    fn of(b: &Backend, link: &ConsentLink, tenant: Uuid) -> Result<Self> {
        let cloud = b.clouds.get(&link.cloud);
        let cloud = cloud.ok_or_else(|| cloud_unknown(&link.cloud))?;
        Ok(Self {
            authority: cloud.authority.clone(),
            tenant,
            client_id: link.client_id,
            back: callback(b),
        })
    }

    fn sign_in<'a>(&'a self, secret: &'a SecretString, state: SecretString) -> TenantSignIn<'a> {
        TenantSignIn {
            authority: &self.authority,
            tenant: self.tenant,
            client_id: self.client_id,
            redirect_uri: &self.back,
            browser: secret,
            state,
        }
    }
}

/// Redeems what the sign-in brought, and keeps which administrator it was.
async fn signed_in(
    b: &Backend,
    opened: &Opened,
    secret: &SecretString,
    state: SecretString,
    back: &CameBack,
) -> Result<Result<(), RunError>> {
    let link = &opened.link;
    let named = opened.returned_tenant.as_deref().unwrap_or_default();
    let Ok(tenant) = Uuid::try_parse(named) else {
        return Ok(Err(other_tenant(link)));
    };
    let code = match (&back.error, &back.code) {
        (None, Some(code)) => code.clone(),
        (error, _) => {
            let error = error.as_deref().unwrap_or("no_answer");
            let said = back.error_description.as_deref().unwrap_or_default();
            return Ok(Err(sign_in_refused(error, said)));
        }
    };
    let mut tx = b.db.read().await?;
    let profile = link.credential_profile_id;
    let credential = credential_profiles::credential(b, &mut tx, profile).await?;
    drop(tx);
    let at = At::of(b, link, tenant)?;
    let sign_in = at.sign_in(secret, state);
    let client = client(b, &link.cloud, &tenant.to_string(), credential)?;
    let code = match sign_in.code(code) {
        Ok(code) => code,
        Err(error) => return Ok(Err(not_signed_in(link, &error))),
    };
    let id_token = match client.redeem(&code).await {
        Ok(id_token) => id_token,
        Err(error) => return Ok(Err(words(&error))),
    };
    let administrator = match sign_in.administrator(b, &id_token).await {
        Ok(administrator) => administrator,
        Err(error) => return Ok(Err(not_signed_in(link, &error))),
    };
    let signed_in = SignedIn {
        tenant: TenantId(tenant),
        object_id: administrator.object_id,
    };
    let mut tx = b.db.write().await?;
    consent_links::note_signed_in(&mut tx, link.id, signed_in).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Why nobody counts as signed in. What is odd about the token is logged, and told to nobody.
fn not_signed_in(link: &ConsentLink, error: &NotSignedIn) -> RunError {
    if let NotSignedIn::NoAdministrator = error {
        return told(
            "administrator_needed",
            "An administrator has to sign in",
            "Microsoft doesn’t say of the account that signed in that it is a Global Administrator or a Privileged Role Administrator of the tenant.",
            "Open the link again with such an account. Where it is one, tell whoever sent you the link: the manifest of the application has to have groupMembershipClaims set to DirectoryRole.",
        );
    }
    tracing::warn!(link = %link.id, %error, "nobody counts as signed in by a consent link");
    told(
        "sign_in_unproven",
        "The sign-in could not be proven",
        "Rollcall could not make sure who signed in. The reason is in its log.",
        "Open the link again and go through it to the end. Where it stays so, tell whoever sent you the link.",
    )
}

/// What Microsoft's refusal of the sign-in means.
fn sign_in_refused(error: &str, description: &str) -> RunError {
    let said = shortened(description);
    let detail = if said.is_empty() {
        "Microsoft sent nobody back who signed in.".to_owned()
    } else {
        format!("It said: {said}")
    };
    told(
        &shortened(entra_code(description).unwrap_or(error)),
        "The sign-in was not finished",
        &detail,
        "Open the link again, consent, and sign in to the end.",
    )
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(TOLD_MAX).collect()
}

/// Asks for a token in the tenant and keeps what it says; not where that was done a moment ago, nor
/// before Microsoft said that somebody consented. False where the link isn't good any more.
pub async fn check_consent(b: &Backend, secret: &SecretString, origin: &Origin) -> Result<bool> {
    let mut tx = b.db.read().await?;
    let Some(opened) = consent_links::opened(b, &mut tx, secret).await? else {
        return Ok(false);
    };
    let profile = opened.link.credential_profile_id;
    let credential = credential_profiles::credential(b, &mut tx, profile).await?;
    drop(tx);
    if !opened.consented || !consent_links::may_check(b, opened.link.id).await? {
        return Ok(true);
    }
    let link = &opened.link;
    let client = client(b, &link.cloud, &link.tenant, credential)?;
    let answer = client.fresh_token().await;
    let mut tx = b.db.write().await?;
    match answer {
        Ok(token) if token.object_id.is_some() => {
            take_token(b, &mut tx, &opened, &token, origin).await?;
        }
        // A token without a service principal: the consent isn't everywhere yet.
        Ok(_) => consent_links::note_error(&mut tx, link.id, None).await?,
        Err(error) if is_not_known_yet(&error) => {
            consent_links::note_error(&mut tx, link.id, None).await?;
        }
        Err(error) => {
            let words = words(&error);
            consent_links::note_error(&mut tx, link.id, Some(&words)).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

fn is_not_known_yet(error: &graph::Error) -> bool {
    let graph::Error::SignIn(refusal) = error else {
        return false;
    };
    refusal
        .number
        .is_some_and(|number| NOT_KNOWN_YET.contains(&number))
}

/// What a token proves of the link's tenant.
async fn take_token(
    b: &Backend,
    tx: &mut Tx,
    opened: &Opened,
    token: &TokenInfo,
    origin: &Origin,
) -> Result<()> {
    let link = &opened.link;
    match proven(tx, opened, token).await? {
        Err(error) => consent_links::note_error(tx, link.id, Some(&error)).await,
        Ok(tenant) => {
            pin(b, tx, link, tenant).await?;
            consent_links::note_roles(tx, link.id, &token.roles).await?;
            consent_links::prove(b, tx, opened, tenant, &token.roles, origin).await
        }
    }
}

/// The tenant, where it is the right one and may be this customer's.
async fn proven(
    tx: &mut Tx,
    opened: &Opened,
    token: &TokenInfo,
) -> Result<Result<TenantId, RunError>> {
    let link = &opened.link;
    let Some(found) = token.tenant_id.map(TenantId) else {
        return Ok(Err(told(
            "token_unreadable",
            "The token doesn’t tell which tenant it is for",
            "Rollcall could not read the tenant in the token that it was given.",
            "Try again. Where it stays so, tell whoever sent you the link.",
        )));
    };
    let named = Uuid::try_parse(&link.tenant).ok().map(TenantId);
    let returned = opened.returned_tenant.as_deref().unwrap_or_default();
    let returned = Uuid::try_parse(returned).ok().map(TenantId);
    let before = link.proven_tenant_id;
    let differs = |expected: Option<TenantId>| expected.is_some_and(|expected| expected != found);
    if returned != Some(found) || differs(named) || differs(before) {
        return Ok(Err(other_tenant(link)));
    }
    if link.needs_sign_in && opened.signed_in.map(|by| by.tenant) != Some(found) {
        return Ok(Err(told(
            "sign_in_needed",
            "An administrator has to sign in",
            "The tenant consented, and nobody has shown yet that they administer it.",
            "Open the link again, consent, and sign in to the end.",
        )));
    }
    if pinned_elsewhere(tx, link, found).await? {
        return Ok(Err(other_tenant(link)));
    }
    let others = across::customers_of_tenant(tx, link.customer_id, &link.cloud, found).await?;
    let elsewhere = !others.is_empty()
        || across::tenant_is_proven_elsewhere(tx, link.customer_id, &link.cloud, found).await?;
    if elsewhere && !opened.vouched {
        // Whose else it is isn't for whoever opened the link to know.
        return Ok(Err(told(
            "tenant_elsewhere",
            "This tenant can’t be connected with this link",
            "Only someone who administers all customers can connect it here.",
            "Tell whoever sent you the link: a link made by someone who administers all customers works.",
        )));
    }
    Ok(Ok(found))
}

/// Whether the customer's integrations of this name belong to another tenant: its domain moved.
async fn pinned_elsewhere(tx: &mut Tx, link: &ConsentLink, found: TenantId) -> Result<bool> {
    let others = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM integration WHERE customer_id = $1 AND cloud = $2 AND tenant = $3
            AND tenant_id IS NOT NULL AND tenant_id <> $4",
        link.customer_id,
        &link.cloud,
        &link.tenant,
        found
    )?;
    Ok(others > 0)
}

fn other_tenant(link: &ConsentLink) -> RunError {
    let detail = format!(
        "This link is for {}, and what came back is for another tenant.",
        link.tenant
    );
    told(
        "other_tenant",
        "That was another tenant",
        &detail,
        "Open the link again and sign in with an account of the right organization. Where the tenant above isn’t yours, tell whoever sent you the link.",
    )
}

/// Pins the customer's integrations of this tenant and profile that aren't pinned yet.
async fn pin(b: &Backend, tx: &mut Tx, link: &ConsentLink, tenant: TenantId) -> Result<()> {
    let unpinned = fetch_all!(
        &mut *tx,
        (IntegrationId,),
        "SELECT id FROM integration WHERE customer_id = $1 AND cloud = $2
            AND credential_profile_id = $3 AND tenant = $4 AND tenant_id IS NULL ORDER BY id",
        link.customer_id,
        &link.cloud,
        link.credential_profile_id,
        &link.tenant
    )?;
    for (id,) in unpinned {
        match integrations::pin(b, tx, id, tenant, None, None).await {
            // Nobody stood for it that may be elsewhere too: its own Test Connection says so.
            Ok(()) | Err(Error::Source(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn told(code: &str, title: &str, detail: &str, fix: &str) -> RunError {
    RunError {
        code: code.to_owned(),
        title: title.to_owned(),
        detail: detail.to_owned(),
        fix: fix.to_owned(),
    }
}

/// The `AADSTS…` code at the beginning of a description.
fn entra_code(description: &str) -> Option<&str> {
    let rest = description.trim_start().strip_prefix("AADSTS")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let start = description.trim_start();
    (digits > 0).then(|| &start[.."AADSTS".len() + digits])
}

/// What Microsoft's refusal means, and what to do.
fn declined(error: &str, description: &str) -> RunError {
    let code = entra_code(description).unwrap_or(error);
    let (title, detail, fix) = match code {
        "AADSTS65004" | "access_denied" | "permission_denied" => (
            "The consent was declined",
            "Microsoft says that whoever was asked did not accept.",
            "Nothing was changed. Open the link again where that was a mistake; ask whoever sent it what is unclear.",
        ),
        "AADSTS90094"
        | "AADSTS90093"
        | "AADSTS65001"
        | "consent_required"
        | "interaction_required" => (
            "An administrator is needed",
            "The account that signed in may not consent for the whole organization.",
            "Have it opened by a Global Administrator or a Privileged Role Administrator of the tenant.",
        ),
        "AADSTS700016" | "unauthorized_client" | "AADSTS50194" | "AADSTS50020" => (
            "The application can’t be used in this tenant",
            "Microsoft doesn’t offer this application to the tenant. Most likely it isn’t registered for several tenants.",
            "Tell whoever sent you the link: under Authentication, the application has to allow accounts in any organizational directory.",
        ),
        "server_error" | "temporarily_unavailable" => (
            "Microsoft’s sign-in service failed",
            "It says that it can’t answer at the moment.",
            "Try again in a few minutes.",
        ),
        "no_answer" => (
            "Microsoft sent no answer",
            "The way back named neither a tenant nor an error.",
            "Open the link again and go through it to the end.",
        ),
        _ => (
            "Microsoft refused the consent",
            "",
            "Try again. Where it stays so, send this to whoever sent you the link.",
        ),
    };
    let said = shortened(description);
    let detail = match (detail.is_empty(), said.is_empty()) {
        (false, true) => detail.to_owned(),
        (true, _) => format!("It said: {}", if said.is_empty() { error } else { &said }),
        (false, false) => format!("{detail} It said: {said}"),
    };
    told(&shortened(code), title, &detail, fix)
}
