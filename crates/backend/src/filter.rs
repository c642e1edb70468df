//! Filters as people set them up: what is wrong with them, and whom they would let in and keep out of
//! what is kept of an integration.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    filter::{
        EXAMPLES_MAX, FilterCause, FilterCount, FilterCounts, FilterRule, FilterTestRequest,
        FilterTrial, FilteredObject, Filters as Plan,
    },
    group::GroupKind,
    id::{ExternalId, IntegrationId},
    mapping::{columns, is_kept},
    permission::Permission,
    policy::{ObjectType, Policy},
    run::Reason,
    text::FieldError,
};
use planner::{
    derive::{Derived, Facts, derive},
    filter::{Filters, Judged, Values},
    mapping::Mapper,
    read::Presence,
};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Error, Result, Scope,
    db::rows::{IDS_MAX, fetch_built, push_ids},
    fetch_all,
    mapping::checked,
    store::{integrations, read_json},
};

/// Objects looked at together.
const BATCH: i64 = 2_000;
/// Examples of each answer where nobody says how many.
const EXAMPLES: u32 = 5;
/// Causes that are told apart.
const CAUSES_MAX: usize = 50;

/// All that is wrong with filters of an integration that are being written.
pub async fn problems(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    filters: &Plan,
) -> Result<Vec<FieldError>> {
    integrations::get(b, scope, id).await?;
    Ok(planner::filter::problems(filters))
}

/// The rule in plain form that an expression writes out; none where it says more than that.
pub fn plain(object_type: ObjectType, expression: &str) -> Option<FilterRule> {
    planner::filter::plain(object_type, expression)
}

/// Whom filters, saved or not, would let in and keep out of what is kept of an integration: the
/// answer of a run but for user names that are taken, for who is in scope now. Nothing is read from
/// the source, and nothing is stored.
pub async fn test(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    request: FilterTestRequest,
) -> Result<FilterTrial> {
    let integration = integrations::get(b, scope, id).await?;
    scope.require(Permission::DirectoryRead)?;
    let saved = integration.policy;
    let policy = match (request.policy, request.filters) {
        (Some(policy), _) => checked(policy)?,
        (None, Some(filters)) => checked(Policy {
            filters,
            ..saved.clone()
        })?,
        (None, None) => saved.clone(),
    };
    let object_type = request.object_type.unwrap_or(ObjectType::User);
    if object_type == ObjectType::Membership {
        let message = "Memberships aren’t filtered. Choose user, group, contact or device.";
        return Err(Error::invalid("object_type", message));
    }
    let examples = request.examples.unwrap_or(EXAMPLES);
    let most = u32::try_from(EXAMPLES_MAX).unwrap_or(u32::MAX);
    if examples > most {
        let message = format!("At most {EXAMPLES_MAX} examples are named.");
        return Err(Error::invalid("examples", message));
    }
    let filters = Filters::new(&policy.filters)?;
    let source = Source::new(&saved, object_type)?;
    let not_read = filters
        .uses(object_type)
        .into_iter()
        .filter(|name| !source.has(name))
        .map(str::to_owned)
        .collect();
    let mut trial = Trial {
        policy: &policy,
        filters: &filters,
        object_type,
        examples: usize::try_from(examples).unwrap_or(EXAMPLES_MAX),
        counts: FilterCounts::default(),
        causes: BTreeMap::new(),
        found: Default::default(),
    };
    let mut after = ExternalId(Uuid::nil());
    loop {
        let rows = batch(
            b,
            id,
            object_type,
            saved.selected_group_ids.is_empty(),
            after,
        )
        .await?;
        let Some(last) = rows.last() else { break };
        after = last.external_id;
        for row in rows {
            trial.look(row, &source)?;
        }
        // Everybody else gets a turn.
        tokio::task::yield_now().await;
    }
    let directory = directory_ids(b, id, object_type, &trial.found).await?;
    Ok(trial.done(not_read, &directory))
}

/// Of the source's values, those that are kept of objects under the saved policy.
struct Source<'a> {
    object_type: ObjectType,
    /// What rules and filters read, in `mapped_from`.
    read: BTreeSet<String>,
    /// The directory's attributes that rules make from something else.
    made: BTreeSet<&'a str>,
}

impl<'a> Source<'a> {
    fn new(saved: &'a Policy, object_type: ObjectType) -> Result<Self> {
        let mapper = Mapper::of(saved)?;
        let rules = saved.mapping.of(object_type).iter();
        Ok(Self {
            object_type,
            read: mapper
                .uses(object_type)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            made: rules.map(|rule| rule.attribute.as_str()).collect(),
        })
    }

    /// The directory's name of an attribute that is there as the source has it.
    fn as_it_is<'b>(&self, name: &'b str) -> Option<&'b str> {
        let column = columns(self.object_type)
            .iter()
            .find(|(_, own)| *own == name);
        let target = match column {
            Some((column, _)) => *column,
            None if is_kept(self.object_type, name) => name,
            None => return None,
        };
        (!self.made.contains(target)).then_some(target)
    }

    /// Whether an attribute's values are known.
    fn has(&self, name: &str) -> bool {
        self.read.contains(name)
            || matches!(name, "id" | "accountEnabled" | "userType")
            || self.as_it_is(name).is_some()
    }

    /// The values that filters look at.
    fn values(&self, row: &Row, uses: &BTreeSet<&str>) -> Result<Values> {
        let mut values: Values = match &row.mapped_from {
            Some(text) => read_json("mapped_from", text)?,
            None => Values::new(),
        };
        let missing = |name: &&&str| !values.contains_key(**name) && !self.read.contains(**name);
        let missing: Vec<&str> = uses.iter().filter(missing).copied().collect();
        if missing.is_empty() {
            return Ok(values);
        }
        let kept: Values = read_json("attributes", &row.attributes)?;
        for name in missing {
            if let Some(value) = self.value(row, &kept, name) {
                values.insert(name.to_owned(), value);
            }
        }
        Ok(values)
    }

    fn value(&self, row: &Row, kept: &Values, name: &str) -> Option<Value> {
        let text = |text: &Option<String>| text.clone().map(Value::String);
        match name {
            "id" => return Some(Value::String(row.external_id.to_string())),
            "accountEnabled" => return Some(Value::Bool(!row.sign_in_blocked)),
            "userType" => {
                let kind = if row.guest { "Guest" } else { "Member" };
                return Some(Value::String(kind.to_owned()));
            }
            _ => {}
        }
        match self.as_it_is(name)? {
            "display_name" => Some(Value::String(row.display_name.clone())),
            "user_principal_name" => text(&row.user_principal_name),
            "given_name" => text(&row.given_name),
            "surname" => text(&row.surname),
            "mail" => text(&row.mail),
            other => kept.get(other).cloned(),
        }
    }
}

#[derive(FromRow)]
struct Row {
    external_id: ExternalId,
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    sign_in_blocked: bool,
    guest: bool,
    group_kind: Option<GroupKind>,
    attributes: String,
    is_unmapped: bool,
    mapped_from: Option<String>,
}

/// The next objects that the source has, in scope.
async fn batch(
    b: &Backend,
    id: IntegrationId,
    object_type: ObjectType,
    whole_tenant: bool,
    after: ExternalId,
) -> Result<Vec<Row>> {
    let mut tx = b.db.read().await?;
    fetch_all!(
        &mut tx,
        Row,
        "SELECT external_id, display_name, user_principal_name, given_name, surname, mail,
                sign_in_blocked, guest, group_kind, attributes,
                mapping_error IS NOT NULL AS is_unmapped, mapped_from
           FROM source_object
          WHERE integration_id = $1 AND object_type = $2 AND external_id > $3
            AND presence = 'present' AND (in_scope OR $4)
          ORDER BY external_id LIMIT $5",
        id,
        object_type,
        after,
        whole_tenant,
        BATCH
    )
}

/// How an object falls.
#[derive(Clone, Copy)]
enum Falls {
    In,
    Out,
    Fails,
}

struct Trial<'a> {
    policy: &'a Policy,
    filters: &'a Filters,
    object_type: ObjectType,
    examples: usize,
    counts: FilterCounts,
    causes: BTreeMap<FilterCause, i64>,
    /// Examples of each answer.
    found: [Vec<FilteredObject>; 3],
}

impl Trial<'_> {
    fn look(&mut self, row: Row, source: &Source<'_>) -> Result<()> {
        let values = source.values(&row, &self.filters.uses(self.object_type))?;
        let judged = self.filters.judge(self.object_type, &values);
        let facts = Facts {
            object_type: self.object_type,
            presence: Presence::Present,
            in_scope: true,
            has_given_name: row.given_name.is_some(),
            has_surname: row.surname.is_some(),
            sign_in_blocked: row.sign_in_blocked,
            guest: row.guest,
            filter: judged.answer(),
            unmapped: row.is_unmapped,
            matching: planner::matching::Standing::Settled,
            name_taken: false,
            name_held: false,
            group_kind: row.group_kind,
        };
        let (falls, cause, error) = match (derive(self.policy, &facts), judged) {
            // Objects of this type aren't read.
            (Derived::Absent(_), _) => return Ok(()),
            (Derived::Filtered(reason), judged) => {
                (Falls::Out, Some(self.cause(reason, &judged)), None)
            }
            (
                Derived::Undecided {
                    reason: Reason::FilterFailed,
                    ..
                },
                Judged::Fails(why),
            ) => (Falls::Fails, None, Some(why)),
            _ => (Falls::In, None, None),
        };
        self.counts.total += 1;
        match falls {
            Falls::In => self.counts.included += 1,
            Falls::Out => self.counts.excluded += 1,
            Falls::Fails => self.counts.failed += 1,
        }
        if let Some(cause) = &cause {
            *self.causes.entry(cause.clone()).or_default() += 1;
        }
        let examples = &mut self.found[falls as usize];
        let place = if examples.len() < self.examples {
            Some(examples.len())
        } else {
            giving_way(examples, cause.as_ref())
        };
        if let Some(place) = place {
            let example = FilteredObject {
                external_id: row.external_id,
                display_name: row.display_name,
                user_principal_name: row.user_principal_name,
                directory_id: None,
                cause,
                error,
            };
            match examples.get_mut(place) {
                Some(known) => *known = example,
                None => examples.push(example),
            }
        }
        Ok(())
    }

    fn cause(&self, reason: Reason, judged: &Judged) -> FilterCause {
        let rule = match judged {
            Judged::Out(cause) if reason == Reason::ExcludedByFilter => {
                Some(cause.words(&self.policy.filters, self.object_type))
            }
            _ => None,
        };
        FilterCause { reason, rule }
    }

    fn done(self, not_read: Vec<String>, directory: &HashMap<Uuid, Uuid>) -> FilterTrial {
        let [included, excluded, failed] = self.found.map(|mut found| {
            for one in &mut found {
                one.directory_id = directory.get(&one.external_id.0).copied();
            }
            found
        });
        let causes = self.causes.into_iter();
        let mut causes: Vec<FilterCount> = causes
            .map(|(cause, count)| FilterCount { cause, count })
            .collect();
        causes.sort_by_key(|one| std::cmp::Reverse(one.count));
        causes.truncate(CAUSES_MAX);
        FilterTrial {
            object_type: self.object_type,
            counts: self.counts,
            causes,
            included,
            excluded,
            failed,
            not_read,
        }
    }
}

/// Which example gives way to one of a cause that none has yet, so that each cause has one: the last of
/// a cause that several have.
fn giving_way(examples: &[FilteredObject], cause: Option<&FilterCause>) -> Option<usize> {
    let of = |cause| move |one: &&FilteredObject| one.cause.as_ref() == cause;
    if examples.iter().any(|one| of(cause)(&one)) {
        return None;
    }
    examples
        .iter()
        .rposition(|example| examples.iter().filter(of(example.cause.as_ref())).count() > 1)
}

/// The ids that the examples have in the directory.
async fn directory_ids(
    b: &Backend,
    integration: IntegrationId,
    object_type: ObjectType,
    found: &[Vec<FilteredObject>; 3],
) -> Result<HashMap<Uuid, Uuid>> {
    let ids: Vec<Uuid> = found
        .iter()
        .flatten()
        .map(|one| one.external_id.0)
        .collect();
    let mut known = HashMap::new();
    let mut tx = b.db.read().await?;
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut tx, (Uuid, Uuid), |query| {
            query.push("SELECT external_id, id FROM directory_");
            query.push(object_type.as_str());
            query
                .push(" WHERE integration_id = ")
                .push_bind(integration);
            query.push(" AND external_id");
            push_ids!(query, ids);
        })?;
        known.extend(rows);
    }
    Ok(known)
}
