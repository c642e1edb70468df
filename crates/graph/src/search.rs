//! Typeahead for groups, and how many members they have.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::Value;
use uuid::Uuid;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::exchange::{Ask, Priority};
use crate::reading::List;
use crate::resource::Resource;
use crate::retry::Attempts;
use crate::wire::{GroupItem, GroupKind, Item, lenient};

/// At most so many requests in one `$batch` (graph.md §4).
pub const BATCH_MAX: usize = 20;
/// More hits are of no use to someone who is typing.
const HITS_MAX: u32 = 50;
/// A longer text finds nothing.
const TEXT_MAX: usize = 256;

/// The text as it is searched for; none where nothing is left of it.
pub(crate) fn searched(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TEXT_MAX)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A text inside the quotes of `$search`.
pub(crate) fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A group found by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHit {
    /// The object id.
    pub id: Uuid,
    /// Its name.
    pub display_name: String,
    /// Its mail address.
    pub mail: Option<String>,
    /// What kind it is.
    pub kind: Option<GroupKind>,
    /// Whether a rule decides who is a member.
    pub dynamic: bool,
}

impl From<GroupItem> for GroupHit {
    fn from(group: GroupItem) -> Self {
        Self {
            id: group.id,
            kind: group.kind(),
            dynamic: group.is_dynamic(),
            display_name: group.display_name.unwrap_or_default(),
            mail: group.mail,
        }
    }
}

impl Client {
    /// Groups whose name has words that begin with those of `text`, in Graph's order.
    ///
    /// `$search` first; where that isn't to be had (B2C tenants) or finds nothing, since its index
    /// lags behind, names that begin with `text` (graph.md §5).
    ///
    /// # Errors
    /// Any of reading.
    pub async fn search_groups(&self, text: &str, top: u32) -> Result<Vec<GroupHit>> {
        let Some(text) = searched(text) else {
            return Ok(Vec::new());
        };
        let quoted = quoted(&text);
        let search = ("$search", format!("\"displayName:{quoted}\""));
        let found = match self.groups_like(search, top, true).await {
            // 400 and 501: this tenant has no search.
            Err(Error::Refused { .. }) => Vec::new(),
            other => other?,
        };
        if !found.is_empty() {
            return Ok(found);
        }
        let quoted = text.replace('\'', "''");
        let filter = ("$filter", format!("startswith(displayName,'{quoted}')"));
        self.groups_like(filter, top, false).await
    }

    async fn groups_like(
        &self,
        condition: (&str, String),
        top: u32,
        eventual: bool,
    ) -> Result<Vec<GroupHit>> {
        let mut query = vec![
            condition,
            (
                "$select",
                "id,displayName,mail,groupTypes,securityEnabled,mailEnabled".to_owned(),
            ),
            ("$top", top.clamp(1, HITS_MAX).to_string()),
        ];
        if eventual {
            query.push(("$count", "true".to_owned()));
        }
        let url = self
            .target
            .cloud
            .graph_url(GroupItem::RESOURCE.path(), &query);
        let mut ask = Ask::get(url, Resource::Groups, Priority::High);
        ask.eventual = eventual;
        let list: List<GroupItem> = self.ask(&ask).await?.value;
        Ok(list.value.into_iter().map(GroupHit::from).collect())
    }

    /// How many direct members each of at most [`BATCH_MAX`] groups has, in one `$batch`. A group
    /// that can't be counted, because it is gone or stays throttled, is left out.
    ///
    /// # Errors
    /// [`Error::InvalidCall`] for too many groups; any of reading.
    pub async fn member_counts(&self, groups: &[Uuid]) -> Result<BTreeMap<Uuid, u64>> {
        if groups.len() > BATCH_MAX {
            return Err(Error::InvalidCall {
                reason: format!(
                    "{BATCH_MAX} groups can be counted at once, not {}",
                    groups.len()
                ),
            });
        }
        let settings = self.connector.settings();
        let clock = self.connector.clock();
        let mut attempts = Attempts::new(clock, self.connector.chance(), settings.interactive);
        let mut counts = BTreeMap::new();
        let mut open: Vec<Uuid> = groups.to_vec();
        open.sort_unstable();
        open.dedup();
        while !open.is_empty() {
            let Some(error) = self.count_some(&mut open, &mut counts).await? else {
                break;
            };
            if attempts.again(error).await.is_err() {
                break;
            }
        }
        Ok(counts)
    }

    /// One `$batch`: moves what was counted from `open` to `counts`, drops what is refused, and
    /// gives back why the rest is to be asked for again.
    async fn count_some(
        &self,
        open: &mut Vec<Uuid>,
        counts: &mut BTreeMap<Uuid, u64>,
    ) -> Result<Option<Error>> {
        let requests = open.iter().enumerate().map(|(number, group)| BatchRequest {
            id: number.to_string(),
            method: "GET",
            url: format!("/groups/{group}/members?$count=true&$top=1&$select=id"),
            headers: BTreeMap::from([("ConsistencyLevel", "eventual")]),
        });
        let json = serde_json::to_vec(&Batch {
            requests: requests.collect(),
        })
        .map_err(|error| Error::InvalidCall {
            reason: error.to_string(),
        })?;
        let url = self.target.cloud.graph_url("$batch", &[]);
        let mut ask = Ask::get(url, Resource::Groups, Priority::High);
        ask.method = reqwest::Method::POST;
        ask.json = Some(json);
        // Each request in it is billed like one of its own.
        ask.cost = u32::try_from(open.len()).unwrap_or(u32::MAX);
        let batch: BatchAnswer = self.ask(&ask).await?.value;
        let mut again = None;
        let mut rest = Vec::new();
        for answer in batch.responses {
            let Some(group) = answer.id.parse().ok().and_then(|at: usize| open.get(at)) else {
                continue;
            };
            if let (200..=299, Some(count)) = (answer.status, answer.body["@odata.count"].as_u64())
            {
                counts.insert(*group, count);
            } else if matches!(answer.status, 429 | 500 | 502..=504) {
                rest.push(*group);
                again = Some(longest(again, self.batch_refusal(&ask, &answer)));
            }
        }
        *open = rest;
        Ok(again)
    }

    fn batch_refusal(&self, ask: &Ask, answer: &BatchItem) -> Error {
        let body = answer.body.to_string();
        let mut error = self.inner_refusal(ask, answer.status, body.as_bytes());
        let asked = answer
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
            .and_then(|(_, value)| match value {
                Value::String(text) => text.trim().parse().ok(),
                other => other.as_u64(),
            })
            .map(Duration::from_secs);
        if let Error::Throttled { retry_after, .. } | Error::Unavailable { retry_after, .. } =
            &mut error
        {
            *retry_after = asked;
        }
        error
    }
}

/// The error that asks for the longer rest.
fn longest(one: Option<Error>, other: Error) -> Error {
    match one {
        Some(one) if one.retry_after() >= other.retry_after() => one,
        _ => other,
    }
}

#[derive(Serialize)]
struct Batch {
    requests: Vec<BatchRequest>,
}

#[derive(Serialize)]
struct BatchRequest {
    id: String,
    method: &'static str,
    url: String,
    headers: BTreeMap<&'static str, &'static str>,
}

#[derive(Deserialize)]
struct BatchAnswer {
    #[serde(deserialize_with = "lenient::list")]
    responses: Vec<BatchItem>,
}

#[derive(Deserialize)]
struct BatchItem {
    id: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: Value,
}
