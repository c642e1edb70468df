//! User names that a mapping rule gives to more than one person of an integration
//! ([`planner::user_names`]). Looked for before people are planned, and only where a rule makes user
//! names: a source gives each person one of their own.

use std::collections::HashMap;

use domain::{id::ExternalId, policy::ObjectType, user::DirectoryStatus};
use planner::user_names::{Claim, after, are_made, refused};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids},
    walk::Walk,
};
use crate::{Result, Tx, fetch_all};

/// To whom a name is refused.
#[derive(Debug, Default)]
pub(super) struct NamesByRule {
    refused: HashMap<ExternalId, Refused>,
}

/// A name that another has.
#[derive(Debug)]
struct Refused {
    user_name: String,
    /// The display name of who has it.
    holder: String,
}

/// What the source says of somebody whose name isn't theirs alone.
#[derive(Debug, FromRow)]
struct Brought {
    external_id: ExternalId,
    user_name_folded: Option<String>,
    user_principal_name: Option<String>,
    display_name: String,
}

/// What the directory has of them.
#[derive(Debug, FromRow)]
struct Here {
    external_id: ExternalId,
    id: Uuid,
    user_name_folded: Option<String>,
    display_name: String,
    status: DirectoryStatus,
}

impl NamesByRule {
    /// Looks for them. `walk` says what a run does about each.
    pub async fn find(work: &Work<'_>, walk: &Walk) -> Result<Self> {
        if !are_made(&work.policy.mapping) {
            return Ok(Self::default());
        }
        let mut tx = work.b().db.read().await?;
        let ids = claimed_by_several(&mut tx, work).await?;
        let mut brought = HashMap::new();
        let mut here = HashMap::new();
        for ids in ids.chunks(IDS_MAX) {
            for row in of_source(&mut tx, work, ids).await? {
                brought.insert(row.external_id, row);
            }
            for row in of_directory(&mut tx, work, ids).await? {
                here.insert(row.external_id, row);
            }
        }
        drop(tx);
        let wants = wants(work, walk, &ids, (&brought, &here)).await?;
        let claims: Vec<Claim> = ids
            .into_iter()
            .map(ExternalId)
            .map(|id| claim(id, here.get(&id), wants.get(&id)))
            .collect();
        let name_of = |id: &ExternalId| {
            let here = here.get(id).map(|row| &row.display_name);
            here.or_else(|| brought.get(id).map(|row| &row.display_name))
        };
        let refused = refused(&claims).into_iter();
        let refused = refused.map(|(id, holder)| {
            let name = brought.get(&id);
            let name = name.and_then(|row| row.user_principal_name.clone());
            let told = Refused {
                user_name: name.unwrap_or_default(),
                holder: name_of(&holder).cloned().unwrap_or_default(),
            };
            (id, told)
        });
        Ok(Self {
            refused: refused.collect(),
        })
    }

    /// Whether nobody's is.
    pub fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Whether somebody's is.
    pub fn refuses(&self, id: ExternalId) -> bool {
        self.refused.contains_key(&id)
    }

    /// What is wrong, in words for people.
    pub fn error(&self, id: ExternalId) -> Option<String> {
        let Refused { user_name, holder } = self.refused.get(&id)?;
        Some(format!(
            "The user name {user_name} is already given to “{holder}” by this rule, and two can’t have it. Change the rule for user names, or the value that it reads."
        ))
    }
}

/// People one of whose names, the present one and that of the source, another has or is to have.
async fn claimed_by_several(tx: &mut Tx, work: &Work<'_>) -> Result<Vec<Uuid>> {
    let rows = fetch_all!(
        tx,
        (Uuid,),
        "WITH claim AS (
             SELECT user_name_folded AS name, external_id FROM source_object
              WHERE integration_id = $1 AND object_type = 'user' AND presence = 'present'
                AND mapping_error IS NULL AND user_name_folded IS NOT NULL
              UNION
             SELECT user_name_folded AS name, external_id FROM directory_user
              WHERE integration_id = $1 AND status = 'active' AND user_name_folded IS NOT NULL)
         SELECT DISTINCT external_id FROM claim
          WHERE name IN (SELECT name FROM claim GROUP BY name HAVING COUNT(*) > 1)",
        work.integration.id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

async fn of_source(tx: &mut Tx, work: &Work<'_>, ids: &[Uuid]) -> Result<Vec<Brought>> {
    fetch_built!(tx, Brought, |query| {
        query.push("SELECT external_id, user_name_folded, user_principal_name, display_name ");
        query.push("FROM source_object WHERE object_type = 'user' AND integration_id = ");
        query.push_bind(work.integration.id);
        query.push(" AND external_id");
        push_ids!(query, ids);
    })
}

async fn of_directory(tx: &mut Tx, work: &Work<'_>, ids: &[Uuid]) -> Result<Vec<Here>> {
    fetch_built!(tx, Here, |query| {
        query.push("SELECT external_id, id, user_name_folded, display_name, status ");
        query.push("FROM directory_user WHERE integration_id = ");
        query.push_bind(work.integration.id);
        query.push(" AND external_id");
        push_ids!(query, ids);
    })
}

/// With what each would sign in after the run. Whom the source has no row of stays as they are.
async fn wants(
    work: &Work<'_>,
    walk: &Walk,
    ids: &[Uuid],
    (brought, here): (&HashMap<ExternalId, Brought>, &HashMap<ExternalId, Here>),
) -> Result<HashMap<ExternalId, String>> {
    let mut wants = HashMap::new();
    for ids in ids.chunks(IDS_MAX) {
        for row in walk.these(work, ids).await? {
            let id = row.external_id;
            let outcome = row.decide(&work.policy, ObjectType::User, walk.now).outcome;
            let source = brought.get(&id);
            let source = source.and_then(|row| row.user_name_folded.as_deref());
            let directory = here.get(&id);
            let directory = directory.map(|row| (row.status, row.user_name_folded.as_deref()));
            let name = after(work.policy.actions, outcome, source, directory);
            wants.extend(name.map(|name| (id, name.to_owned())));
        }
    }
    Ok(wants)
}

fn claim(id: ExternalId, here: Option<&Here>, wants: Option<&String>) -> Claim {
    let is_active = |row: &&Here| row.status == DirectoryStatus::Active;
    Claim {
        id,
        directory_id: here.map(|row| row.id),
        has: here
            .filter(is_active)
            .and_then(|row| row.user_name_folded.clone()),
        wants: wants.cloned(),
    }
}
