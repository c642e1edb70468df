//! "Why?": the explanation of one object of a customer's source, in the directory or not.
//!
//! What is known of the object is brought together here ([`kept`] from the database, [`live`] from
//! the source where nothing is kept) and handed to `planner::why`, which decides by the same
//! functions as a run and words the answer. Nothing is ever written.

mod find;
mod kept;
pub(crate) mod live;
mod manual;
mod matching;
mod scope;

use domain::{
    id::{ExternalId, GroupId, IntegrationId, UserId},
    integration::Integration,
    permission::Permission,
    policy::{ObjectType, Policy},
    run::RunObject,
    user::DirectoryStatus,
    why::{Why, WhyAnswer, WhyObject},
};
use planner::{
    derive::Facts,
    filter::Filters,
    read::{Content, SourceObject},
    user_names::are_made,
    why::{NameHolder, Subject},
};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Error, Result, Scope, Tx, fetch_optional, in_scope,
    store::{groups, integrations, users},
};

/// Why a user of the directory is as it is.
pub async fn of_user(b: &Backend, scope: &Scope, id: UserId) -> Result<Why> {
    let user = users::get(b, scope, id).await?;
    let source = user.integration_id.zip(user.external_id);
    match source {
        Some((integration, object)) => of_kept(b, scope, integration, ObjectType::User, object)
            .await
            .map(|why| why.unwrap_or_else(|| manual::of_user(&user))),
        None => Ok(manual::of_user(&user)),
    }
}

/// Why a group of the directory is as it is.
pub async fn of_group(b: &Backend, scope: &Scope, id: GroupId) -> Result<Why> {
    let group = groups::detail(b, scope, id).await?;
    let source = group.integration_id.zip(group.line.group.external_id);
    match source {
        Some((integration, object)) => of_kept(b, scope, integration, ObjectType::Group, object)
            .await
            .map(|why| why.unwrap_or_else(|| manual::of_group(&group))),
        None => Ok(manual::of_group(&group)),
    }
}

/// Why a contact of the directory is as it is.
pub async fn of_contact(b: &Backend, scope: &Scope, id: Uuid) -> Result<Why> {
    of_other(b, scope, ObjectType::Contact, id).await
}

/// Why a device of the directory is as it is.
pub async fn of_device(b: &Backend, scope: &Scope, id: Uuid) -> Result<Why> {
    of_other(b, scope, ObjectType::Device, id).await
}

#[derive(FromRow)]
struct OtherRow {
    integration_id: Option<IntegrationId>,
    external_id: Option<ExternalId>,
    display_name: String,
    mail: Option<String>,
    status: DirectoryStatus,
}

async fn of_other(b: &Backend, scope: &Scope, object_type: ObjectType, id: Uuid) -> Result<Why> {
    scope.require(Permission::DirectoryRead)?;
    let (noun, mail) = match object_type {
        ObjectType::Contact => ("contact", "d.mail"),
        _ => ("device", "NULL"),
    };
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        OtherRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT d.integration_id, d.external_id, d.display_name, {mail} AS mail, d.status
               FROM directory_{noun} d JOIN customer c ON c.id = d.customer_id
              WHERE {} AND c.deleted_at IS NULL AND d.id = $3",
            in_scope!("d.customer_id")
        )),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound(noun))?;
    drop(tx);
    let why = match row.integration_id.zip(row.external_id) {
        Some((integration, object)) => of_kept(b, scope, integration, object_type, object).await?,
        None => None,
    };
    Ok(why.unwrap_or_else(|| {
        manual::explain(WhyObject {
            object_type,
            external_id: row.external_id,
            display_name: row.display_name,
            user_principal_name: None,
            mail: row.mail,
            directory_id: Some(id),
            status: Some(row.status),
            kept: true,
        })
    }))
}

/// Why an object of an integration's source is or isn't in the directory: `object` is its object
/// id, user name, mail address or display name. Several that fit are answered as candidates.
///
/// What isn't kept here is asked for in the source, under the rule of group search: who may search
/// the tenant's groups may ask for its people.
pub async fn of_object(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    object: &str,
) -> Result<WhyAnswer> {
    let integration = integrations::get(b, scope, id).await?;
    scope.require(Permission::DirectoryRead)?;
    find::find(b, scope, &integration, object).await
}

/// Who of an integration's source is meant, to be synced alone; `object` and the rule are as for
/// [`of_object`]. Where nobody or several fit, the error says so, with each of them. The name is
/// given where something is kept.
pub(crate) async fn who(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    object: &str,
) -> Result<RunObject> {
    let integration = integrations::get(b, scope, id).await?;
    let (search, fits) = find::who(b, scope, &integration, object).await?;
    let candidates = match fits {
        find::Fits::Kept(one) => {
            return Ok(RunObject {
                object_type: one.object_type,
                external_id: one.external_id,
                display_name: Some(one.display_name),
                reason: None,
            });
        }
        find::Fits::Live(_, one) => {
            return Ok(RunObject {
                object_type: one.object_type,
                external_id: one.external_id,
                display_name: None,
                reason: None,
            });
        }
        find::Fits::Choice(candidates) => candidates,
    };
    let asked = object.trim();
    if candidates.is_empty() {
        let message = format!(
            "Nothing fits “{asked}”. Looked through {}. Check the spelling, or give the object id or the user name that Entra ID shows.",
            search.asked.join(", then ")
        );
        return Err(Error::invalid("object", message));
    }
    let all: Vec<String> = candidates.iter().map(in_words).collect();
    let message = format!(
        "Several fit “{asked}”: {}. Give the object id of the one that is meant.",
        all.join("; ")
    );
    Err(Error::invalid("object", message))
}

/// "Ada Lovelace (user, ada@contoso.example, 8f3a…)".
fn in_words(one: &WhyObject) -> String {
    let address = one.user_principal_name.as_ref().or(one.mail.as_ref());
    let id = one.external_id.map(|id| id.to_string());
    let details = [Some(one.object_type.to_string()), address.cloned(), id];
    let details: Vec<String> = details.into_iter().flatten().collect();
    format!("{} ({})", one.display_name, details.join(", "))
}

async fn of_kept(
    b: &Backend,
    scope: &Scope,
    integration: IntegrationId,
    object_type: ObjectType,
    object: ExternalId,
) -> Result<Option<Why>> {
    let mut tx = b.db.read().await?;
    let integration = integrations::find(&mut tx, scope, integration).await?;
    let subject = kept::subject(b, &mut tx, &integration, object_type, object).await?;
    Ok(subject.as_ref().map(planner::why::explain))
}

/// What the directory has of an object, with its id there; none where it has nothing.
pub(crate) async fn in_directory(
    b: &Backend,
    integration: &Integration,
    object_type: ObjectType,
    object: ExternalId,
) -> Result<Option<(Uuid, Content)>> {
    let mut tx = b.db.read().await?;
    let subject = kept::subject(b, &mut tx, integration, object_type, object).await?;
    Ok(subject.and_then(|subject| subject.directory_id.zip(subject.directory)))
}

/// What decides about a source object.
fn facts(policy: &Policy, object: &SourceObject, in_scope: bool, name_taken: bool) -> Facts {
    let content = &object.content;
    // Filters were looked at when they were saved.
    let filters = Filters::new(&policy.filters).unwrap_or_default();
    let judged = filters.judge_kept(object.object_type, object.mapped.from.as_deref());
    Facts {
        object_type: object.object_type,
        presence: object.presence,
        in_scope,
        has_given_name: content.given_name.is_some(),
        has_surname: content.surname.is_some(),
        sign_in_blocked: content.sign_in_blocked,
        guest: content.guest,
        filter: judged.answer(),
        unmapped: object.mapped.error.is_some(),
        matching: planner::matching::Standing::Settled,
        name_taken,
        name_held: false,
        group_kind: content.group_kind,
    }
}

#[derive(FromRow)]
struct HolderRow {
    id: UserId,
    display_name: String,
    integration_name: String,
}

/// Who has the user name: an active user of an older integration of the customer. Ids sort by age.
async fn name_holder(
    tx: &mut Tx,
    integration: &Integration,
    object: &SourceObject,
) -> Result<Option<NameHolder>> {
    let Some(folded) = object.content.user_name_folded() else {
        return Ok(None);
    };
    if object.object_type != ObjectType::User {
        return Ok(None);
    }
    let row = fetch_optional!(
        tx,
        HolderRow,
        "SELECT u.id, u.display_name, i.name AS integration_name
           FROM directory_user u JOIN integration i ON i.id = u.integration_id
          WHERE u.customer_id = $1 AND u.user_name_folded = $2 AND u.status = 'active'
            AND u.integration_id < $3
          ORDER BY u.integration_id, u.id LIMIT 1",
        integration.customer_id,
        folded,
        integration.id
    )?;
    Ok(row.map(|row| NameHolder {
        id: row.id,
        display_name: row.display_name,
        integration_name: Some(row.integration_name),
        by_rule: false,
    }))
}

/// Who signs in with the user name of somebody whom the directory has: somebody from no source, or by
/// an alias.
async fn name_held_by(
    tx: &mut Tx,
    integration: &Integration,
    subject: &Subject,
    user: UserId,
) -> Result<Option<NameHolder>> {
    let Some(folded) = subject.content.user_name_folded() else {
        return Ok(None);
    };
    if subject.facts.object_type != ObjectType::User {
        return Ok(None);
    }
    let row = fetch_optional!(
        tx,
        (UserId, String),
        "SELECT u.id, u.display_name FROM directory_user u
          WHERE u.id <> $3 AND u.status = 'active'
            AND u.id IN (SELECT h.id FROM directory_user h
                          WHERE h.customer_id = $1 AND h.user_name_folded = $2
                            AND h.integration_id IS NULL
                         UNION SELECT a.user_id FROM directory_user_alias a
                          WHERE a.customer_id = $1 AND a.address_folded = $2)
          ORDER BY u.id LIMIT 1",
        integration.customer_id,
        folded,
        user
    )?;
    Ok(row.map(|(id, display_name)| NameHolder {
        id,
        display_name,
        integration_name: None,
        by_rule: false,
    }))
}

/// Who of the same integration has the user name that a rule gives somebody, too, as the last run found
/// it.
async fn name_held_by_rule(
    tx: &mut Tx,
    integration: &Integration,
    subject: &Subject,
) -> Result<Option<NameHolder>> {
    let waits = subject.pending.as_deref() == Some("name_held");
    let folded = subject.content.user_name_folded();
    let Some(folded) = folded.filter(|_| waits && are_made(&integration.policy.mapping)) else {
        return Ok(None);
    };
    let row = fetch_optional!(
        tx,
        (UserId, String),
        "SELECT u.id, u.display_name FROM directory_user u
          WHERE u.customer_id = $1 AND u.user_name_folded = $2 AND u.status = 'active'
            AND u.integration_id = $3 AND u.external_id <> $4
          ORDER BY u.id LIMIT 1",
        integration.customer_id,
        folded,
        integration.id,
        subject.external_id
    )?;
    Ok(row.map(|(id, display_name)| NameHolder {
        id,
        display_name,
        integration_name: None,
        by_rule: true,
    }))
}

/// Whether what was asked can be an answer at all.
fn asked(object: &str) -> Result<&str> {
    const CHARS_MAX: usize = 256;
    let object = object.trim();
    let chars = object.chars().count();
    if chars < 3 {
        let message =
            "Give an object id, a user name, a mail address or a name, of at least 3 characters.";
        Err(Error::invalid("object", message))
    } else if chars > CHARS_MAX {
        Err(Error::invalid(
            "object",
            format!("Give at most {CHARS_MAX} characters."),
        ))
    } else if object.chars().any(char::is_control) {
        Err(Error::invalid(
            "object",
            "Control characters can’t be used here.",
        ))
    } else {
        Ok(object)
    }
}
