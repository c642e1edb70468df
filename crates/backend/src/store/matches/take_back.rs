//! Taking decisions about matches back. One that no run has done yet is forgotten; of one that was
//! done, the user becomes what it was before.

use super::{
    Row,
    before::{self, Before},
    hold, look_again, read_ids, read_note,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    store::{
        audit::{self, Entry},
        integrations, read_json,
        users::names,
    },
};
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{ExternalId, IntegrationId, UserId},
    integration::Integration,
    matching::{MatchDecision, MatchOutcome, MatchWithdrawal},
    permission::Permission,
    user::DirectoryStatus,
};

/// Takes decisions about people of an integration's source back: they wait again. What can't be taken
/// back is answered with the reason, and the rest is done; where it is one person, the reason is the
/// error.
pub async fn take_back(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    withdrawal: &MatchWithdrawal,
) -> Result<Vec<MatchOutcome>> {
    let mut tx = b.db.write().await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::RunsDecide)?;
    let note = read_note(&withdrawal.note)?;
    let ids = read_ids(&withdrawal.external_ids)?;
    hold(&mut tx, &integration).await?;
    let rows = super::of(&mut tx, id, &ids).await?;
    let now = b.clock.now();
    let (mut done, mut names, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
    for person in &ids {
        let person = ExternalId(*person);
        let row = rows.get(&person);
        let refused = match row {
            None => Some(format!(
                "Nothing was decided about anybody with the id {person}."
            )),
            Some(row) => undo(&mut tx, &integration, row, now).await?.err(),
        };
        let name = row.map(|row| row.display_name.clone());
        if refused.is_none() {
            done.push(person.0);
            names.extend(name.clone());
        }
        outcomes.push(MatchOutcome {
            external_id: person,
            display_name: name,
            refused,
        });
    }
    if let ([only], []) = (outcomes.as_slice(), done.as_slice()) {
        let refused = only.refused.clone().unwrap_or_default();
        return Err(match only.display_name {
            None => Error::invalid("external_ids", refused),
            Some(_) => Error::conflict(refused),
        });
    }
    if !done.is_empty() {
        look_again(&mut tx, id, &done).await?;
        let changes = AuditChanges::none()
            .was("people", &names)
            .was("external_ids", &done);
        let action = AuditAction::IntegrationTakeBackMatches;
        let entry = Entry::new(action, id.0, &integration.name)
            .of(integration.customer_id)
            .note(note)
            .changes(changes);
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await?;
    Ok(outcomes)
}

/// Undoes one decision, or says why that can't be.
async fn undo(
    tx: &mut Tx,
    integration: &Integration,
    row: &Row,
    now: DateTime,
) -> Result<Result<(), String>> {
    let name = &row.display_name;
    let Some(decision) = row.decision else {
        return Ok(Err(format!("Nothing is decided about {name} yet.")));
    };
    if let Some(because) = row.final_because() {
        return Ok(Err(because));
    }
    if decision == MatchDecision::Same
        && let (Some(user), Some(at)) = (row.user_id, row.applied_at)
        && let Err(refused) = part(tx, integration, row, (user, at), now).await?
    {
        return Ok(Err(refused));
    }
    execute!(
        tx,
        "UPDATE user_match SET decision = NULL, refused = NULL, decided_by = NULL,
                decided_at = NULL, note = '', automatic = FALSE, taken_back = TRUE,
                applied_at = NULL, before_value = NULL, found_at = $3
          WHERE integration_id = $1 AND external_id = $2",
        integration.id,
        row.external_id,
        now
    )?;
    Ok(Ok(()))
}

/// Parts a user from the source that took it over.
async fn part(
    tx: &mut Tx,
    integration: &Integration,
    row: &Row,
    (user, matched_at): (UserId, DateTime),
    now: DateTime,
) -> Result<Result<(), String>> {
    let name = &row.display_name;
    tx.hold("directory_user", user.0).await?;
    let found = fetch_optional!(
        &mut *tx,
        (DirectoryStatus, Option<String>),
        "SELECT d.status, m.before_value FROM directory_user d
           JOIN user_match m ON m.user_id = d.id AND m.integration_id = d.integration_id
                AND m.external_id = d.external_id
          WHERE d.id = $1 AND d.integration_id = $2 AND d.external_id = $3",
        user,
        integration.id,
        row.external_id
    )?;
    let Some((status, Some(was))) = found else {
        return Ok(Err(format!(
            "{name} isn’t the user any more that it was matched with: there is nothing to take back."
        )));
    };
    if status == DirectoryStatus::Deleted {
        return Ok(Err(format!(
            "{name} was deleted by a run since. Once the source has it again and it is back, the match can be taken back."
        )));
    }
    let was: Before = read_json("user_match.before_value", &was)?;
    if was.status == DirectoryStatus::Active
        && let Err(taken) = free(tx, integration, user, &was).await?
    {
        return Ok(Err(taken));
    }
    before::restore(tx, user, &was, matched_at, now).await?;
    execute!(
        tx,
        "UPDATE source_object SET kept = FALSE
          WHERE integration_id = $1 AND object_type = 'user' AND external_id = $2",
        integration.id,
        row.external_id
    )?;
    Ok(Ok(()))
}

/// Refuses where somebody else signs in by now with a name that the user gets back.
async fn free(
    tx: &mut Tx,
    integration: &Integration,
    user: UserId,
    was: &Before,
) -> Result<Result<(), String>> {
    let aliases = names::aliases(tx, user).await?;
    for name in was.content.user_principal_name.iter().chain(&aliases) {
        let field = "user_principal_name";
        match names::refuse_taken(tx, integration.customer_id, user, field, name).await {
            Ok(()) => {}
            Err(Error::Invalid(error)) => return Ok(Err(error.message)),
            Err(other) => return Err(other),
        }
    }
    Ok(Ok(()))
}
