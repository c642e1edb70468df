//! A provider as configuration names it, checked.

use std::collections::{BTreeMap, BTreeSet};

use domain::permission::Role;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use crate::{Error, Result, loopback::is_loopback};

/// The key in configuration.
const KEY: &str = "oidc_providers";
/// The longest id of a provider: it stands in the redirect URI.
const ID_CHARS_MAX: usize = 40;
/// The longest name of a provider: it stands on a button.
const TITLE_CHARS_MAX: usize = 40;
/// Where the id of the tenant stands in the issuer that Entra ID's document for many tenants names
/// (learn.microsoft.com, "OpenID Connect on the Microsoft identity platform").
const TENANT: &str = "{tenantid}";
/// What is asked for beside `openid` where nothing else is said.
const SCOPES: [&str; 2] = ["profile", "email"];
/// The claim whose values are mapped to roles where nothing else is said: Entra ID's app roles.
const ROLE_CLAIM: &str = "roles";

/// A provider as configuration gives it.
#[derive(Debug, Clone)]
pub struct ProviderGiven {
    /// Its id.
    pub id: String,
    /// Its name for people; the id where absent.
    pub title: Option<String>,
    /// `entra` or `generic`, which is the default.
    pub kind: Option<String>,
    /// Its issuer identifier.
    pub issuer: String,
    /// Rollcall's id there.
    pub client_id: String,
    /// Rollcall's secret there.
    pub client_secret: SecretString,
    /// The tenants that may sign in, where the issuer stands for many.
    pub tenant_ids: Vec<String>,
    /// What is asked for beside `openid`.
    pub scopes: Option<Vec<String>>,
    /// The claim whose values are mapped to roles.
    pub role_claim: Option<String>,
    /// The role for each value.
    pub role_mapping: BTreeMap<String, String>,
    /// One of these has to be among the ways by which the account signed in there (`amr`).
    pub required_amr: Vec<String>,
    /// The account has to have signed in there as strongly as one of these says (`acr`).
    pub required_acr: Vec<String>,
}

/// Who may have issued a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Issuer {
    /// Exactly this.
    One(String),
    /// One of these tenants of Entra ID. Each is an issuer of its own, made from the template.
    Tenants {
        /// The issuer with [`TENANT`] for the tenant's id.
        template: String,
        /// Those that may sign in.
        tenants: Vec<Uuid>,
    },
}

/// How claims become a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoleMapping {
    /// The claim.
    pub claim: String,
    /// The role for each value.
    pub roles: BTreeMap<String, Role>,
}

/// A provider, checked.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) issuer: Issuer,
    /// Whether it is Entra ID, whose accounts are named by tenant and object id.
    pub(super) entra: bool,
    /// Where its metadata is (OpenID Connect Discovery 1.0 §4).
    pub(super) discovery: Url,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) scopes: Vec<String>,
    /// None: roles are given in Rollcall alone.
    pub(super) mapping: Option<RoleMapping>,
    /// Ways of which `amr` has to name one; empty: it isn't looked at.
    pub(super) required_amr: Vec<String>,
    /// What `acr` has to be one of; empty: it isn't looked at.
    pub(super) required_acr: Vec<String>,
}

impl ProviderSettings {
    /// Checks what configuration gives.
    ///
    /// Refuses with a [`Error::Configuration`] that names the key inside the provider, and repeats
    /// no value that might be a secret.
    pub fn checked(given: ProviderGiven) -> Result<Self> {
        let id = id(&given.id)?;
        let refused = |key: &str, problem: &str| refused(&id, key, problem);
        let title = given.title.as_deref().map_or(id.as_str(), str::trim);
        if title.is_empty()
            || title.chars().count() > TITLE_CHARS_MAX
            || title.chars().any(char::is_control)
        {
            let problem = format!("give a name of 1 to {TITLE_CHARS_MAX} characters");
            return Err(refused("title", &problem));
        }
        let entra = match given.kind.as_deref() {
            None | Some("generic") => false,
            Some("entra") => true,
            Some(_) => return Err(refused("kind", "it is neither entra nor generic")),
        };
        let (issuer, discovery) = issuer(&given.issuer, entra, &given.tenant_ids)
            .map_err(|(key, problem)| refused(key, &problem))?;
        if given.client_id.trim().is_empty() {
            let problem = "it is empty; give the application’s id at the provider";
            return Err(refused("client_id", problem));
        }
        if given.client_secret.expose_secret().trim().is_empty() {
            let problem = "it is empty; give the application’s secret at the provider";
            return Err(refused("client_secret", problem));
        }
        let scopes = scopes(given.scopes, entra).map_err(|problem| refused("scopes", &problem))?;
        let mapping = mapping(given.role_claim, given.role_mapping)
            .map_err(|(key, problem)| refused(key, &problem))?;
        for (key, values) in [
            ("required_amr", &given.required_amr),
            ("required_acr", &given.required_acr),
        ] {
            strengths(values, entra).map_err(|problem| refused(key, &problem))?;
        }
        Ok(Self {
            required_amr: given.required_amr,
            required_acr: given.required_acr,
            title: title.to_owned(),
            issuer,
            entra,
            discovery,
            client_id: given.client_id.trim().to_owned(),
            client_secret: given.client_secret,
            scopes,
            mapping,
            id,
        })
    }

    /// Its id, by which two are told apart.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What its metadata names as the issuer.
    pub(super) fn named_issuer(&self) -> &str {
        match &self.issuer {
            Issuer::One(issuer) => issuer,
            Issuer::Tenants { template, .. } => template,
        }
    }

    /// The issuer that a token of this tenant names; none where the tenant may not sign in, or
    /// needs one and names none.
    pub(super) fn issuer_of(&self, tenant: Option<Uuid>) -> Option<String> {
        match &self.issuer {
            Issuer::One(issuer) => Some(issuer.clone()),
            Issuer::Tenants { template, tenants } => tenant
                .filter(|tenant| tenants.contains(tenant))
                .map(|tenant| filled(template, tenant)),
        }
    }

    /// Whether an answer may say that it comes from this issuer: the one of a tenant that may sign
    /// in.
    pub(super) fn may_be(&self, issuer: &str) -> bool {
        match &self.issuer {
            Issuer::One(one) => one == issuer,
            Issuer::Tenants { template, tenants } => tenants
                .iter()
                .any(|tenant| filled(template, *tenant) == issuer),
        }
    }
}

/// The template of an issuer with the tenant in its place.
pub(super) fn filled(template: &str, tenant: Uuid) -> String {
    template.replace(TENANT, &tenant.to_string())
}

/// Refuses two providers of one id.
pub(super) fn told_apart(providers: &[ProviderSettings]) -> Result<()> {
    let mut ids = BTreeSet::new();
    for provider in providers {
        if !ids.insert(&provider.id) {
            let problem = format!("the id “{}” is used twice; rename one", provider.id);
            return Err(Error::configuration(KEY, &problem));
        }
    }
    Ok(())
}

fn refused(id: &str, key: &str, problem: &str) -> Error {
    Error::configuration(KEY, &format!("{key} of “{id}”: {problem}"))
}

fn id(given: &str) -> Result<String> {
    let fits = !given.is_empty()
        && given.len() <= ID_CHARS_MAX
        && given
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        return Ok(given.to_owned());
    }
    let problem = format!(
        "an id is 1 to {ID_CHARS_MAX} of a-z, 0-9 and -, such as contoso; it stands in the redirect URI"
    );
    Err(Error::configuration(KEY, &problem))
}

/// A key with what is wrong about it.
type Problem = (&'static str, String);

fn issuer(given: &str, entra: bool, tenant_ids: &[String]) -> Result<(Issuer, Url), Problem> {
    let refused = |problem: &str| ("issuer", problem.to_owned());
    let url = Url::parse(given)
        .map_err(|_| refused("it is not a URL, such as https://login.example.com"))?;
    let Some(host) = url.host() else {
        return Err(refused("it has no host"));
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&host)) {
        return Err(refused("use https; http is for loopback addresses only"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        // OpenID Connect Core 1.0 §2, iss.
        return Err(refused("an issuer has neither a ?query nor a #fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it must not hold a user name or a password"));
    }
    let discovery = format!(
        "{}/.well-known/openid-configuration",
        given.trim_end_matches('/')
    );
    let discovery = Url::parse(&discovery).map_err(|_| refused("it is not a URL"))?;
    if entra {
        return Ok((entra_issuer(&url, tenant_ids)?, discovery));
    }
    if !tenant_ids.is_empty() {
        let problem = "tenants are Entra ID’s; leave them out, or set kind = \"entra\"";
        return Err(("tenant_ids", problem.to_owned()));
    }
    Ok((Issuer::One(given.to_owned()), discovery))
}

fn entra_issuer(url: &Url, tenant_ids: &[String]) -> Result<Issuer, Problem> {
    let problem = "of Entra ID it is https://login.microsoftonline.com/TENANT-ID/v2.0, or with organizations or common in place of the tenant’s id";
    let tenant = url
        .path()
        .strip_prefix('/')
        .and_then(|path| path.strip_suffix("/v2.0"))
        .ok_or_else(|| ("issuer", problem.to_owned()))?;
    let template = |text: &str| text.replacen(&format!("/{tenant}/"), &format!("/{TENANT}/"), 1);
    let template = template(url.as_str());
    let many = ["common", "organizations"].contains(&tenant);
    if many {
        if tenant_ids.is_empty() {
            let problem = "the issuer stands for every tenant there is; list the ids of those that may sign in";
            return Err(("tenant_ids", problem.to_owned()));
        }
        let tenants = tenant_ids.iter().map(|given| {
            Uuid::try_parse(given.trim()).map_err(|_| {
                let problem =
                    "a tenant’s id is a GUID, such as 63122682-6e3c-4cbb-9f35-7c1da11e1e1e";
                ("tenant_ids", problem.to_owned())
            })
        });
        let tenants = tenants.collect::<Result<Vec<_>, _>>()?;
        return Ok(Issuer::Tenants { template, tenants });
    }
    let tenant = Uuid::try_parse(tenant).map_err(|_| ("issuer", problem.to_owned()))?;
    if !tenant_ids.is_empty() {
        let problem = "the issuer names the one tenant already; leave them out, or write organizations in place of its id";
        return Err(("tenant_ids", problem.to_owned()));
    }
    let tenants = vec![tenant];
    Ok(Issuer::Tenants {
        // The document of one tenant names that tenant.
        template: filled(&template, tenant),
        tenants,
    })
}

fn scopes(given: Option<Vec<String>>, entra: bool) -> Result<Vec<String>, String> {
    let mut scopes = given.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
    // RFC 6749 §3.3.
    let token = |scope: &String| {
        !scope.is_empty()
            && scope
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    if !scopes.iter().all(token) {
        return Err("a scope is a word without blanks, such as profile".to_owned());
    }
    scopes.retain(|scope| scope != "openid");
    // Without it Entra ID leaves the object id out (learn.microsoft.com, "ID token claims
    // reference", oid).
    if entra && !scopes.iter().any(|scope| scope == "profile") {
        scopes.push("profile".to_owned());
    }
    Ok(scopes)
}

/// They stand in the question with blanks between them (OpenID Connect Core 1.0 §3.1.2.1). Entra ID's
/// ID tokens of version 2.0 hold neither claim (learn.microsoft.com, "ID token claims reference").
fn strengths(values: &[String], entra: bool) -> Result<(), String> {
    if entra && !values.is_empty() {
        return Err("Entra ID’s tokens don’t tell it; leave it out, and require multifactor authentication for the application by a Conditional Access policy".to_owned());
    }
    let word = |value: &String| {
        !value.is_empty() && value.len() <= 200 && value.bytes().all(|b| b.is_ascii_graphic())
    };
    if values.iter().all(word) {
        Ok(())
    } else {
        Err("a value is a word without blanks, such as mfa".to_owned())
    }
}

fn mapping(
    claim: Option<String>,
    given: BTreeMap<String, String>,
) -> Result<Option<RoleMapping>, Problem> {
    if given.is_empty() {
        if claim.is_none() {
            return Ok(None);
        }
        let problem = "it is missing; map the claim’s values, such as { \"Rollcall.Owner\" = \"owner\" }, or leave role_claim out";
        return Err(("role_mapping", problem.to_owned()));
    }
    let claim = claim.unwrap_or_else(|| ROLE_CLAIM.to_owned());
    if claim.is_empty() || claim.len() > 100 || claim.chars().any(char::is_control) {
        let problem = "give the name of a claim, such as roles or groups";
        return Err(("role_claim", problem.to_owned()));
    }
    let role = |(value, role): (String, String)| match role.parse::<Role>() {
        Ok(role) if !value.is_empty() => Ok((value, role)),
        Ok(_) => Err((
            "role_mapping",
            "a value is empty; give what the claim holds".to_owned(),
        )),
        Err(_) => {
            let roles: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
            let problem = format!("the role for “{value}” is none of {}", roles.join(", "));
            Err(("role_mapping", problem))
        }
    };
    let roles = given.into_iter().map(role).collect::<Result<_, _>>()?;
    Ok(Some(RoleMapping { claim, roles }))
}
