//! Passkeys (Web Authentication Level 3), checked by `webauthn-rs`. Each is asked for with user
//! verification, so that it is two factors in one: the device, and what unlocks it. So it signs in
//! alone, and stands beside a password. Which maker's device it is, is not asked (no attestation).

use std::net::IpAddr;

use domain::{
    audit::{ActorKind, AuditAction, AuditChanges},
    id::{OperatorId, PasskeyId},
    operator::Operator,
    second_factor::{PASSKEYS_MAX, PasskeyQuestion, Way},
    text::parse_name,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        AuthenticationResult, CredentialID, DiscoverableAuthentication, DiscoverableKey, Passkey,
        PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
        RegisterPublicKeyCredential, WebauthnError,
    },
};

use super::{
    Bearer, SettingUp, may_remove_one,
    questions::{self, Kind},
};
use crate::{
    Backend, Error, Origin, Result, Scope, Tx,
    auth::{By, admit, slow_down},
    execute, fetch_all, fetch_optional,
    store::{
        audit::{self, Entry},
        read_json, write_json,
    },
};

/// What a browser has to ask a passkey for, and the id that its answer needs. The id belongs into
/// the session, not into the page.
#[derive(Debug)]
pub struct PasskeyAsked {
    /// The id.
    pub id: Uuid,
    /// What the page is told.
    pub question: PasskeyQuestion,
}

/// What is given to sign in with a passkey alone.
#[derive(Debug)]
pub struct PasskeySignIn {
    /// The id of what was asked, from the session.
    pub asked: Uuid,
    /// What the browser answered, as JSON.
    pub answer: String,
    /// Where they ask from.
    pub address: IpAddr,
    /// The browser, as it names itself.
    pub user_agent: String,
    /// The id of the request, which the audit log keeps.
    pub request_id: String,
}

/// Whether passkeys can be used here: they belong to a domain name, and browsers give them by
/// https only, or on this machine itself.
pub fn are_offered(b: &Backend) -> bool {
    let url = &b.settings.public_url;
    url.domain().is_some_and(|domain| {
        url.scheme() == "https" || domain == "localhost" || domain.ends_with(".localhost")
    })
}

/// The site, as authenticators know it.
fn site(b: &Backend) -> Result<Webauthn> {
    let url = &b.settings.public_url;
    let domain = url.domain().filter(|_| are_offered(b)).ok_or_else(|| {
        Error::Unavailable(
            "Passkeys need a domain name and https. Set public_url to the address that browsers see."
                .to_owned(),
        )
    })?;
    WebauthnBuilder::new(domain, url)
        .and_then(|builder| builder.rp_name("Rollcall").build())
        .map_err(|error| Error::Internal(format!("public_url is not good for passkeys: {error}")))
}

/// What is told of an answer that doesn't fit, whatever the cause: the rest is of no use to a
/// person, and may be to somebody else.
fn refused() -> Error {
    Error::invalid("passkey", "This passkey was not accepted.")
}

fn broken(error: &WebauthnError) -> Error {
    Error::Internal(format!("a passkey can’t be asked for: {error}"))
}

/// The part of webauthn-rs' answer that the browser is told, as JSON.
fn question(options: &impl Serialize, change: impl FnOnce(&mut Value)) -> Result<PasskeyQuestion> {
    let whole = serde_json::to_value(options)
        .map_err(|error| Error::Internal(format!("a passkey’s options: {error}")))?;
    let mut options = whole["publicKey"].clone();
    change(&mut options);
    Ok(PasskeyQuestion {
        options: options.to_string(),
    })
}

fn answer<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        tracing::info!(%error, "a passkey’s answer can’t be read");
        refused()
    })
}

#[derive(FromRow)]
struct Row {
    id: PasskeyId,
    operator_id: OperatorId,
    credential: String,
    sign_count: i64,
}

const ROW: &str = "SELECT id, operator_id, credential, sign_count FROM operator_passkey";

impl Row {
    fn passkey(&self) -> Result<Passkey> {
        read_json("operator_passkey.credential", &self.credential)
    }
}

async fn of_operator(tx: &mut Tx, operator: OperatorId) -> Result<Vec<Passkey>> {
    let rows = fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!("{ROW} WHERE operator_id = $1")),
        operator
    )?;
    rows.iter().map(Row::passkey).collect()
}

/// Asks for a new passkey.
pub async fn ask_for_new(b: &Backend, who: &SettingUp) -> Result<PasskeyAsked> {
    let site = site(b)?;
    let bearer = who.bearer(b).await?;
    let operator = bearer.operator()?;
    let mut tx = b.db.read().await?;
    let known = of_operator(&mut tx, operator).await?;
    drop(tx);
    let known: Vec<CredentialID> = known.iter().map(|known| known.cred_id().clone()).collect();
    let (options, state) = site
        .start_passkey_registration(bearer.whose.id(), &bearer.login, &bearer.name, Some(known))
        .map_err(|error| broken(&error))?;
    let id = questions::keep(b, Kind::Register, Some(operator), &state).await?;
    let question = question(&options, |options| {
        // It has to be found without the operator being named, to sign in with it alone.
        options["authenticatorSelection"]["residentKey"] = json!("required");
        options["authenticatorSelection"]["requireResidentKey"] = json!(true);
    })?;
    Ok(PasskeyAsked { id, question })
}

/// Adds the passkey that was made.
pub async fn add_passkey(
    b: &Backend,
    who: &SettingUp,
    asked: Uuid,
    given: &str,
    name: &str,
) -> Result<()> {
    let name = parse_name("name", name)?;
    let site = site(b)?;
    let bearer = who.bearer(b).await?;
    let operator = bearer.operator()?;
    let state: PasskeyRegistration =
        questions::take(b, asked, Kind::Register, Some(operator)).await?;
    let given: RegisterPublicKeyCredential = answer(given)?;
    let passkey = site
        .finish_passkey_registration(&given, &state)
        .map_err(|error| {
            tracing::info!(%error, "a new passkey was refused");
            refused()
        })?;
    let (mut tx, before) = bearer.begin(b).await?;
    if i64::try_from(before.passkeys.len()).unwrap_or(i64::MAX) >= PASSKEYS_MAX {
        return Err(Error::conflict(format!(
            "You have {PASSKEYS_MAX} passkeys, which is the most. Remove one first."
        )));
    }
    let id = PasskeyId(b.ids.uuid());
    let kept = execute!(
        &mut tx,
        "INSERT INTO operator_passkey
           (id, operator_id, credential_id, credential, sign_count, name, created_at)
         VALUES ($1, $2, $3, $4, 0, $5, $6)",
        id,
        operator,
        passkey.cred_id().clone(),
        write_json(&passkey)?,
        &name,
        b.clock.now()
    );
    match kept {
        Err(error) if error.is_unique_violation() => {
            return Err(Error::conflict("This passkey was added already."));
        }
        other => other?,
    };
    bearer.added(&mut tx, &before).await?;
    let changes = AuditChanges::none().now("passkey", &name);
    let action = AuditAction::OperatorAddPasskey;
    bearer.record_action(b, &mut tx, action, changes).await?;
    tx.commit().await
}

/// Gives one of the passkeys of the operator who asks another name.
pub async fn rename_passkey(b: &Backend, scope: &Scope, id: PasskeyId, name: &str) -> Result<()> {
    let name = parse_name("name", name)?;
    let operator = crate::auth::operator(b, scope).await?;
    let mut tx = b.db.write().await?;
    let before = name_of(&mut tx, operator.id, id).await?;
    execute!(
        &mut tx,
        "UPDATE operator_passkey SET name = $1 WHERE id = $2",
        &name,
        id
    )?;
    let action = AuditAction::OperatorRenamePasskey;
    let changes = AuditChanges::none().field("passkey", &before, &name);
    let entry = Entry::new(action, operator.id.0, &operator.email).changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// Removes one of the passkeys of the operator who asks.
pub async fn remove_passkey(b: &Backend, scope: &Scope, id: PasskeyId) -> Result<()> {
    let bearer = Bearer::of(b, scope, None).await?;
    let (mut tx, before) = bearer.begin(b).await?;
    let name = name_of(&mut tx, bearer.operator()?, id).await?;
    may_remove_one(&before)?;
    execute!(&mut tx, "DELETE FROM operator_passkey WHERE id = $1", id)?;
    bearer.removed(&mut tx).await?;
    let changes = AuditChanges::none().was("passkey", &name);
    let action = AuditAction::OperatorRemovePasskey;
    bearer.record_action(b, &mut tx, action, changes).await?;
    tx.commit().await
}

pub(super) async fn delete_all(tx: &mut Tx, operator: OperatorId) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM operator_passkey WHERE operator_id = $1",
        operator
    )?;
    Ok(())
}

async fn name_of(tx: &mut Tx, operator: OperatorId, id: PasskeyId) -> Result<String> {
    let row = fetch_optional!(
        tx,
        (String,),
        "SELECT name FROM operator_passkey WHERE id = $1 AND operator_id = $2",
        id,
        operator
    )?;
    row.map(|(name,)| name).ok_or(Error::NotFound("passkey"))
}

/// Asks for one of an operator's passkeys.
pub(in crate::auth) async fn ask_for_proof(
    b: &Backend,
    operator: OperatorId,
) -> Result<PasskeyAsked> {
    let site = site(b)?;
    let mut tx = b.db.read().await?;
    let known = of_operator(&mut tx, operator).await?;
    drop(tx);
    if known.is_empty() {
        return Err(Error::NotFound("passkey"));
    }
    let (options, state) = site
        .start_passkey_authentication(&known)
        .map_err(|error| broken(&error))?;
    let id = questions::keep(b, Kind::Prove, Some(operator), &state).await?;
    let question = question(&options, |_| {})?;
    Ok(PasskeyAsked { id, question })
}

/// Whether the answer is of one of the operator's passkeys.
pub(in crate::auth) async fn check_proof(
    b: &Backend,
    operator: OperatorId,
    origin: &Origin,
    asked: Uuid,
    given: &str,
) -> Result<bool> {
    let site = site(b)?;
    let state: PasskeyAuthentication =
        questions::take(b, asked, Kind::Prove, Some(operator)).await?;
    let given: PublicKeyCredential = answer(given)?;
    let row = row_of(b, operator, given.get_credential_id()).await?;
    let Some(row) = row else { return Ok(false) };
    let outcome = site.finish_passkey_authentication(&given, &state);
    given_by(b, &row, outcome, origin).await
}

/// Asks for any passkey of this site: the person chooses whose it is.
pub async fn ask_for_sign_in(b: &Backend) -> Result<PasskeyAsked> {
    let (options, state) = site(b)?
        .start_discoverable_authentication()
        .map_err(|error| broken(&error))?;
    let id = questions::keep(b, Kind::SignIn, None, &state).await?;
    let question = question(&options, |_| {})?;
    Ok(PasskeyAsked { id, question })
}

/// Signs an operator in by a passkey alone. Refused alike for a passkey that nobody has, one that
/// doesn't fit and an operator who can't sign in.
pub async fn sign_in_with_passkey(b: &Backend, given: PasskeySignIn) -> Result<Operator> {
    let origin = Origin::page(given.address, &given.request_id);
    let site = site(b)?;
    let address = slow_down::Subject::address(given.address);
    slow_down::count_try(b, &[&address], &origin).await?;
    let state: DiscoverableAuthentication =
        questions::take(b, given.asked, Kind::SignIn, None).await?;
    let credential: PublicKeyCredential = answer(&given.answer)?;
    let (operator, id) = site
        .identify_discoverable_authentication(&credential)
        .map_err(|_| refused())?;
    let operator = OperatorId(operator);
    let Some(row) = row_of(b, operator, id).await? else {
        return Err(refused());
    };
    let key = DiscoverableKey::from(row.passkey()?);
    let outcome = site.finish_discoverable_authentication_v2(&credential, state, key);
    if !given_by(b, &row, outcome, &origin).await? {
        super::super::record_refused(b, operator, &given.user_agent, &origin).await?;
        return Err(refused());
    }
    let mut tx = b.db.write().await?;
    slow_down::forgive_one(&mut tx, &address).await?;
    tx.commit().await?;
    match admit(
        b,
        operator,
        By::Ways(&[Way::Passkey]),
        &origin,
        &given.user_agent,
    )
    .await
    {
        Err(Error::SignedOut) => Err(refused()),
        other => other,
    }
}

async fn row_of(b: &Backend, operator: OperatorId, credential_id: &[u8]) -> Result<Option<Row>> {
    let mut tx = b.db.read().await?;
    fetch_optional!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "{ROW} WHERE credential_id = $1 AND operator_id = $2"
        )),
        credential_id.to_vec(),
        operator
    )
}

/// Notes that a passkey was given, where it fits. One that counts how often it was given has to
/// have counted on; where it went back, or stood still, there may be a copy of it: that is refused
/// and written down. Most passkeys don't count, and say 0 each time (§6.1.1).
async fn given_by(
    b: &Backend,
    row: &Row,
    outcome: std::result::Result<AuthenticationResult, WebauthnError>,
    origin: &Origin,
) -> Result<bool> {
    let result = match outcome {
        Ok(result) => result,
        Err(WebauthnError::CredentialPossibleCompromise) => {
            record_copied(b, row, origin).await?;
            return Ok(false);
        }
        Err(error) => {
            tracing::info!(%error, passkey = %row.id, "a passkey was refused");
            return Ok(false);
        }
    };
    let count = i64::from(result.counter());
    if (count > 0 || row.sign_count > 0) && count <= row.sign_count {
        record_copied(b, row, origin).await?;
        return Ok(false);
    }
    let mut passkey = row.passkey()?;
    if passkey.update_credential(&result).is_none() {
        return Ok(false);
    }
    let mut tx = b.db.write().await?;
    // Of two answers at once with the same count, one is the first.
    let noted = execute!(
        &mut tx,
        "UPDATE operator_passkey SET credential = $1, sign_count = $2, last_used_at = $3
          WHERE id = $4 AND sign_count = $5",
        write_json(&passkey)?,
        count,
        b.clock.now(),
        row.id,
        row.sign_count
    )?;
    tx.commit().await?;
    Ok(noted == 1)
}

async fn record_copied(b: &Backend, row: &Row, origin: &Origin) -> Result<()> {
    let mut tx = b.db.write().await?;
    let operator = crate::store::operators::by_id(&mut tx, row.operator_id).await?;
    let name = name_of(&mut tx, row.operator_id, row.id).await?;
    let actor = audit::Actor {
        kind: ActorKind::Nobody,
        id: None,
        name: ActorKind::Nobody.title(),
    };
    let email = operator.map(|operator| operator.email).unwrap_or_default();
    let action = AuditAction::OperatorPasskeyCopied;
    let changes = AuditChanges::none().was("passkey", &name);
    let entry = Entry::new(action, row.operator_id.0, &email).changes(changes);
    audit::record_as(b, &mut tx, actor, origin, entry).await?;
    tx.commit().await
}

#[cfg(any(test, feature = "testing"))]
pub mod testing;
