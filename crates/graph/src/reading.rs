//! What can be read: rounds of changes, members, objects by id, the tenant itself.

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::exchange::{Ask, Priority};
use crate::links::{self, Round};
use crate::pages::Pages;
use crate::resource::Resource;
use crate::wire::{
    ContactItem, DeviceItem, GroupItem, Item, Member, Organization, Select, UserItem, lenient,
};

/// At most so many ids in the filter of one delta round (graph.md §3.1).
pub const FILTER_IDS_MAX: usize = 50;
/// At most so many ids in one `getByIds`.
pub const GET_BY_IDS_MAX: usize = 1_000;

/// Where a delta round begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeltaStart {
    /// With everything there is.
    Beginning,
    /// With what changes from now on: the round has no items and one delta link.
    Latest,
    /// With what changed since a round whose delta link this is. The selection and the filter are
    /// those of that round. A next link goes on in the middle of a round.
    Link(String),
}

impl Client {
    /// A round of users.
    pub fn users_delta(&self, start: DeltaStart, select: &Select) -> Pages<UserItem> {
        self.delta(start, select, &[])
    }

    /// A round of groups: all of them, or those named by `ids`, at most [`FILTER_IDS_MAX`]. Add
    /// `members` to `select` to get [`GroupItem::members`].
    pub fn groups_delta(
        &self,
        start: DeltaStart,
        select: &Select,
        ids: &[Uuid],
    ) -> Pages<GroupItem> {
        self.delta(start, select, ids)
    }

    /// A round of organizational contacts.
    pub fn contacts_delta(&self, start: DeltaStart, select: &Select) -> Pages<ContactItem> {
        self.delta(start, select, &[])
    }

    /// A round of devices.
    pub fn devices_delta(&self, start: DeltaStart, select: &Select) -> Pages<DeviceItem> {
        self.delta(start, select, &[])
    }

    /// A round of any kind; `ids` limits it to these objects.
    pub fn delta<T: Item>(&self, start: DeltaStart, select: &Select, ids: &[Uuid]) -> Pages<T> {
        let round = Round::delta(T::RESOURCE);
        let start = self.first_url(&round, start, select, ids);
        Pages::new(self, round, start, false)
    }

    fn first_url(
        &self,
        round: &Round,
        start: DeltaStart,
        select: &Select,
        ids: &[Uuid],
    ) -> Result<Url> {
        let cloud = &self.target.cloud;
        if ids.len() > FILTER_IDS_MAX {
            return Err(Error::InvalidCall {
                reason: format!(
                    "a round can be limited to {FILTER_IDS_MAX} objects, not to {}",
                    ids.len()
                ),
            });
        }
        let mut query = Vec::new();
        match start {
            DeltaStart::Link(link) => return links::check(cloud, round, &link),
            DeltaStart::Latest => query.push(("$deltatoken", "latest".to_owned())),
            DeltaStart::Beginning => {}
        }
        query.push(("$select", select.text()));
        if !ids.is_empty() {
            let terms: Vec<String> = ids.iter().map(|id| format!("id eq '{id}'")).collect();
            query.push(("$filter", terms.join(" or ")));
        }
        Ok(cloud.graph_url(&round.path(), &query))
    }

    /// The direct members of a group, of every kind, 999 a page.
    pub fn group_members(&self, group: Uuid) -> Pages<Member> {
        let round = Round::list(Resource::Groups, format!("groups/{group}/members"));
        let query = [("$select", "id".to_owned()), ("$top", "999".to_owned())];
        let start = self.target.cloud.graph_url(&round.path(), &query);
        Pages::new(self, round, Ok(start), false)
    }

    /// Those of the objects that exist and are of the kind, in any order.
    ///
    /// # Errors
    /// [`Error::InvalidCall`] for more than [`GET_BY_IDS_MAX`] ids; any of reading.
    pub async fn get_by_ids<T: Item>(&self, ids: &[Uuid], select: &Select) -> Result<Vec<T>> {
        #[derive(Serialize)]
        struct Body<'a> {
            ids: &'a [Uuid],
            types: [&'static str; 1],
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        if ids.len() > GET_BY_IDS_MAX {
            return Err(Error::InvalidCall {
                reason: format!(
                    "{GET_BY_IDS_MAX} objects can be asked for at once, not {}",
                    ids.len()
                ),
            });
        }
        let json = serde_json::to_vec(&Body {
            ids,
            types: [T::TYPE],
        })
        .map_err(|error| Error::InvalidCall {
            reason: error.to_string(),
        })?;
        let query = [("$select", select.text())];
        let url = self
            .target
            .cloud
            .graph_url("directoryObjects/getByIds", &query);
        let ask = Ask {
            method: reqwest::Method::POST,
            json: Some(json),
            cost: 2,
            ..Ask::get(url, T::RESOURCE, Priority::Low)
        };
        Ok(self.ask::<List<T>>(&ask).await?.value.value)
    }

    /// The tenant itself.
    ///
    /// # Errors
    /// Any of reading.
    pub async fn organization(&self) -> Result<Organization> {
        let query = [("$select", Organization::SELECT.to_owned())];
        let url = self.target.cloud.graph_url("organization", &query);
        let ask = Ask::get(url, Resource::Organization, Priority::Normal);
        let list: List<Organization> = self.ask(&ask).await?.value;
        list.value
            .into_iter()
            .next()
            .ok_or_else(|| Error::BadAnswer {
                endpoint: self.graph_endpoint(),
                reason: "the list of organizations is empty".to_owned(),
                request_id: None,
            })
    }

    /// One cheap reading that shows whether `resource` can be read: for Test Connection.
    ///
    /// # Errors
    /// [`Error::PermissionMissing`] where it can't; any of reading.
    pub async fn probe(&self, resource: Resource) -> Result<()> {
        // `/organization` has one row and takes no page size.
        let mut query = vec![("$select", "id".to_owned())];
        if resource != Resource::Organization {
            query.push(("$top", "1".to_owned()));
        }
        let url = self.target.cloud.graph_url(resource.path(), &query);
        let ask = Ask::get(url, resource, Priority::Normal);
        self.ask::<List<serde::de::IgnoredAny>>(&ask)
            .await
            .map(drop)
    }
}

/// A list that comes in one answer.
#[derive(Deserialize)]
#[serde(bound = "T: serde::de::DeserializeOwned")]
pub(crate) struct List<T> {
    #[serde(deserialize_with = "lenient::list")]
    pub(crate) value: Vec<T>,
}
