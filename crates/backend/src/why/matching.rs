//! Who is here already that somebody may be, for their explanation.

use std::collections::HashMap;

use domain::{id::UserId, integration::Integration, policy::ObjectType};
use planner::{
    matching::{Brought, Candidate, Decided, Verdict, other_addresses, verdict},
    read::{Presence, SourceObject},
    why::{MatchDecided, MatchedUser, MatchedWith, NameHolder},
};

use crate::{
    Result, Tx, fetch_all_in,
    store::matches::{candidates, queue},
};

/// What matching says of somebody whom the directory hasn't got from the integration.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// What decides.
    pub verdict: Verdict,
    /// What is told.
    pub with: MatchedWith,
    /// Who signs in by its user name and was made here.
    pub holder: Option<NameHolder>,
}

/// Looks for who fits somebody.
pub(super) async fn of(
    tx: &mut Tx,
    integration: &Integration,
    object: &SourceObject,
) -> Result<Matched> {
    if object.object_type != ObjectType::User || object.presence != Presence::Present {
        return Ok(Matched::default());
    }
    let content = &object.content;
    let brought = Brought {
        user_name: content.user_name_folded(),
        mail: content.mail_folded(),
        employee_id: content.employee_id_folded(),
        given_name: content.given_name.clone(),
        surname: content.surname.clone(),
        aliases: other_addresses(content),
        sign_in_blocked: content.sign_in_blocked,
    };
    let (id, customer) = (integration.id, integration.customer_id);
    let fitting = candidates::of_one(tx, id, customer, &brought).await?;
    let found = HashMap::from([(object.external_id, fitting.clone())]);
    let claimed = candidates::claimed(tx, id, &found).await?;
    let fitting = candidates::weighed(fitting, |user| claimed.contains(&user));
    let queued = queue::undone(tx, id).await?;
    let queued = queued
        .into_iter()
        .find(|row| row.external_id == object.external_id);
    let decided = match &queued {
        Some(row) => row.decided()?,
        None => Decided::Nothing,
    };
    let policy = &integration.policy;
    let verdict = verdict(&policy.matching, policy.actions, &fitting, &decided);
    let names = names(tx, &fitting).await?;
    let name = |one: &Candidate| names.get(&UserId(one.id)).cloned();
    let holder = fitting
        .iter()
        .find(|one| one.holds_name && Some(one.id) != verdict.same)
        .filter(|_| verdict.name_taken);
    Ok(Matched {
        holder: holder.and_then(|one| {
            Some(NameHolder {
                id: UserId(one.id),
                display_name: name(one)?,
                integration_name: None,
                by_rule: false,
            })
        }),
        with: MatchedWith {
            candidates: fitting
                .iter()
                .filter_map(|one| {
                    Some(MatchedUser {
                        id: UserId(one.id),
                        display_name: name(one)?,
                        keys: one.keys.clone(),
                    })
                })
                .collect(),
            same: verdict.same.map(UserId),
            decided: queued.and_then(|row| {
                Some(MatchDecided {
                    decision: row.decision?,
                    by: row.decided_by.unwrap_or_default(),
                    at: row.decided_at?,
                    note: row.note,
                })
            }),
        },
        verdict,
    })
}

async fn names(tx: &mut Tx, fitting: &[Candidate]) -> Result<HashMap<UserId, String>> {
    let ids: Vec<UserId> = fitting.iter().map(|one| UserId(one.id)).collect();
    let rows = fetch_all_in!(
        tx,
        (UserId, String),
        "SELECT id, display_name FROM directory_user WHERE id IN",
        ids,
        ""
    )?;
    Ok(rows.into_iter().collect())
}
