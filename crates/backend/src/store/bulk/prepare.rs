//! Looking at each before anything happens.

use domain::{
    bulk::{BULK_MAX, Bulk, BulkAction, BulkOutcome, BulkStatus, decide},
    grid::GridList,
    id::{BulkId, CustomerId, GroupId},
    text::parse_note,
};
use uuid::Uuid;

use super::{
    facts::{Found, facts},
    maker,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional, in_scope, insert_many,
    store::{
        enrolment,
        groups::{self, GroupQuery},
        users::{self, UserQuery},
    },
};

/// To whom.
#[derive(Debug, Clone)]
pub enum Targets {
    /// These users.
    Users(Vec<Uuid>),
    /// These groups.
    Groups(Vec<Uuid>),
    /// Every user under these filters.
    MatchingUsers(Box<UserQuery>),
    /// Every group under these filters.
    MatchingGroups(Box<GroupQuery>),
}

impl Targets {
    /// All under the filters of a list's address, from its query.
    pub fn of_address(list: GridList, query: &str) -> Self {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
        match list {
            GridList::Users => Self::MatchingUsers(Box::new(UserQuery::of_address(pairs))),
            GridList::Groups => Self::MatchingGroups(Box::new(GroupQuery::of_address(pairs))),
        }
    }

    /// Of which list they are.
    pub const fn list(&self) -> GridList {
        match self {
            Self::Users(_) | Self::MatchingUsers(_) => GridList::Users,
            Self::Groups(_) | Self::MatchingGroups(_) => GridList::Groups,
        }
    }
}

/// What is to be done, and to whom.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What.
    pub action: BulkAction,
    /// To whom.
    pub targets: Targets,
    /// The group of the actions that name one.
    pub group_id: Option<GroupId>,
    /// Why.
    pub note: String,
    /// All of them are to be of this customer.
    pub customer_id: Option<CustomerId>,
}

struct Group {
    id: GroupId,
    customer_id: CustomerId,
    name: String,
}

/// Looks at each of them and keeps what the action would do: nothing happens yet.
pub async fn prepare(b: &Backend, scope: &Scope, wanted: Prepared) -> Result<Bulk> {
    let (action, list) = (wanted.action, wanted.targets.list());
    scope.require(action.permission())?;
    if !BulkAction::of(list).contains(&action) {
        return Err(Error::invalid("action", "This can’t be done to groups."));
    }
    if action == BulkAction::Invite {
        enrolment::mail_is_set_up(b)?;
    }
    let note = parse_note("note", &wanted.note)?;
    let mut tx = b.db.read().await?;
    let group = match (action.needs_group(), wanted.group_id) {
        (true, Some(id)) => Some(group_made_here(&mut tx, scope, id).await?),
        (true, None) => return Err(Error::invalid("group_id", "Choose a group.")),
        (false, _) => None,
    };
    let ids = targets(b, &mut tx, scope, &wanted.targets).await?;
    let of_group = group.as_ref().map(|group| (group.id, group.customer_id));
    let mut found = facts(b, &mut tx, scope, list, &ids, of_group).await?;
    drop(tx);
    let of_customer = |one: &Found| wanted.customer_id.is_none_or(|of| of == one.customer_id);
    let mut people: Vec<Found> = ids
        .iter()
        .filter_map(|id| found.remove(id))
        .filter(of_customer)
        .collect();
    people.sort_by_cached_key(|one| (planner::key(&one.name), one.id));
    if people.len() < ids.len() && matches!(wanted.targets, Targets::Users(_) | Targets::Groups(_))
    {
        return Err(Error::invalid(
            "ids",
            "Some of these don’t exist, or you may not see them. Look at the list again.",
        ));
    }
    keep(b, scope, (action, list), group.as_ref(), note, &people).await
}

/// Whom is meant, each once.
async fn targets(b: &Backend, tx: &mut Tx, scope: &Scope, targets: &Targets) -> Result<Vec<Uuid>> {
    let limit = i64::try_from(BULK_MAX).unwrap_or(i64::MAX) + 1;
    let mut ids = match targets {
        Targets::Users(ids) | Targets::Groups(ids) => ids.clone(),
        Targets::MatchingUsers(query) => users::ids_matching(b, tx, scope, query, limit).await?,
        Targets::MatchingGroups(query) => groups::ids_matching(tx, scope, query, limit).await?,
    };
    let mut met = std::collections::HashSet::new();
    ids.retain(|id| met.insert(*id));
    if ids.is_empty() {
        return Err(Error::invalid("ids", "Choose at least one."));
    }
    if ids.len() > BULK_MAX {
        return Err(Error::invalid(
            "ids",
            format!(
                "At most {} at once. Choose fewer: one customer, or a status or another filter.",
                domain::number::grouped(limit - 1)
            ),
        ));
    }
    Ok(ids)
}

/// A group made here that the caller may see, whose members are changed here.
async fn group_made_here(tx: &mut Tx, scope: &Scope, id: GroupId) -> Result<Group> {
    let row = fetch_optional!(
        tx,
        (CustomerId, String, bool),
        concat!(
            "SELECT g.customer_id, g.display_name,
                    (g.integration_id IS NULL AND g.source_type IN ('Manual', 'Import')) AS here
               FROM directory_group g JOIN customer c ON c.id = g.customer_id
              WHERE ",
            in_scope!("g.customer_id"),
            " AND c.deleted_at IS NULL AND g.status <> 'deleted' AND g.id = $3"
        ),
        scope.all(),
        scope.grantee(),
        id
    )?;
    match row {
        Some((customer_id, name, true)) => Ok(Group {
            id,
            customer_id,
            name,
        }),
        Some((_, name, false)) => Err(Error::invalid(
            "group_id",
            format!("{name} isn’t made here: its source says who is in it."),
        )),
        None => Err(Error::invalid("group_id", "There is no such group.")),
    }
}

async fn keep(
    b: &Backend,
    scope: &Scope,
    (action, list): (BulkAction, GridList),
    group: Option<&Group>,
    note: &str,
    people: &[Found],
) -> Result<Bulk> {
    let id = BulkId(b.ids.uuid());
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "INSERT INTO bulk (id, list, action, group_id, group_name, note, made_by, made_by_name,
                           status, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id,
        list,
        action,
        group.map(|group| group.id),
        group.map(|group| group.name.as_str()),
        note,
        maker(scope)?,
        scope.actor_name(),
        BulkStatus::Preview,
        b.clock.now()
    )?;
    let items: Vec<_> = (1_i64..)
        .zip(people)
        .map(|(position, one)| {
            let (outcome, words) = match decide(action, &one.facts) {
                Ok(words) => (BulkOutcome::Would, words),
                Err(words) => (BulkOutcome::Skipped, words),
            };
            (position, one, outcome, words)
        })
        .collect();
    insert_many!(
        &mut tx,
        "INSERT INTO bulk_item (bulk_id, position, object_id, customer_id, name, detail, outcome,
                                words, was)",
        columns: 9, rows_max: 1000, items,
        |bind, item| {
            let (position, one, outcome, words) = item;
            bind.push_bind(id)
                .push_bind(*position)
                .push_bind(one.id)
                .push_bind(one.customer_id)
                .push_bind(&one.name)
                .push_bind(&one.detail)
                .push_bind(*outcome)
                .push_bind(words)
                .push_bind(&one.was);
        },
        ""
    )?;
    tx.commit().await?;
    super::get(b, scope, id).await
}
