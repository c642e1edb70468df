//! One object at a time, for someone who asks about it: by id, by address, by name, and the
//! groups it is in. Sent with priority `High`, since a person waits.

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::client::Client;
use crate::cloud::percent;
use crate::error::{Endless, Error, Result};
use crate::exchange::{Ask, Priority};
use crate::links::{self, Round};
use crate::reading::List;
use crate::resource::Resource;
use crate::search::{quoted, searched};
use crate::wire::{GroupItem, Item, ObjectKind, UserItem, lenient};

/// At most so many groups in one `checkMemberGroups` (Microsoft's reference of
/// `directoryObject: checkMemberGroups`).
const CHECKED_MAX: usize = 20;
/// More pages of an object's groups are not followed: that is 20,000 groups.
const PAGES_MAX: usize = 20;

impl Client {
    /// The user with this object id or user principal name; none where there is none.
    ///
    /// # Errors
    /// Any of reading.
    pub async fn user(&self, id_or_name: &str) -> Result<Option<UserItem>> {
        self.one(id_or_name).await
    }

    /// The group with this object id; none where there is none.
    ///
    /// # Errors
    /// Any of reading.
    pub async fn group(&self, id: Uuid) -> Result<Option<GroupItem>> {
        self.one(&id.to_string()).await
    }

    /// Whether a user with this object id was deleted and can be restored (graph.md §6.5). What is
    /// neither among the users nor here is gone for good.
    ///
    /// # Errors
    /// Any of reading.
    pub async fn is_deleted_user(&self, id: Uuid) -> Result<bool> {
        let path = format!("directory/deletedItems/{id}");
        let url = self
            .target
            .cloud
            .graph_url(&path, &[("$select", "id".to_owned())]);
        let ask = Ask::get(url, Resource::Users, Priority::High);
        match self.ask::<Deleted>(&ask).await {
            Ok(found) => Ok(found.value.id == id),
            Err(error) if says_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The object of a kind with this object id; none where there is none.
    ///
    /// # Errors
    /// Any of reading.
    pub async fn by_id<T: Item>(&self, id: Uuid) -> Result<Option<T>> {
        self.one(&id.to_string()).await
    }

    async fn one<T: Item>(&self, name: &str) -> Result<Option<T>> {
        let path = format!("{}/{}", T::RESOURCE.path(), percent(name));
        let query = [("$select", self.select::<T>().text())];
        let url = self.target.cloud.graph_url(&path, &query);
        let ask = Ask::get(url, T::RESOURCE, Priority::High);
        match self.ask::<T>(&ask).await {
            Ok(found) => Ok(Some(found.value)),
            Err(error) if says_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Objects whose mail address, or one of whose other addresses, is this one.
    ///
    /// # Errors
    /// Any of reading.
    pub async fn with_address<T: Item>(&self, address: &str, top: u32) -> Result<Vec<T>> {
        let Some(address) = searched(address) else {
            return Ok(Vec::new());
        };
        let address = address.replace('\'', "''");
        let filter = format!("mail eq '{address}' or proxyAddresses/any(p:p eq 'smtp:{address}')");
        self.listed(("$filter", filter), top, false).await
    }

    /// Objects whose name has words that begin with those of `text`: `$search` first, and where
    /// that isn't to be had or finds nothing, names that begin with `text` (graph.md §5).
    ///
    /// # Errors
    /// Any of reading.
    pub async fn named<T: Item>(&self, text: &str, top: u32) -> Result<Vec<T>> {
        let Some(text) = searched(text) else {
            return Ok(Vec::new());
        };
        let search = ("$search", format!("\"displayName:{}\"", quoted(&text)));
        let found = match self.listed(search, top, true).await {
            // 400 and 501: this tenant has no search.
            Err(Error::Refused { .. }) => Vec::new(),
            other => other?,
        };
        if !found.is_empty() {
            return Ok(found);
        }
        let begins = text.replace('\'', "''");
        let filter = ("$filter", format!("startswith(displayName,'{begins}')"));
        self.listed(filter, top, false).await
    }

    async fn listed<T: Item>(
        &self,
        condition: (&str, String),
        top: u32,
        eventual: bool,
    ) -> Result<Vec<T>> {
        let mut query = vec![
            condition,
            ("$select", self.select::<T>().text()),
            ("$top", top.clamp(1, 50).to_string()),
        ];
        if eventual {
            query.push(("$count", "true".to_owned()));
        }
        let url = self.target.cloud.graph_url(T::RESOURCE.path(), &query);
        let mut ask = Ask::get(url, T::RESOURCE, Priority::High);
        ask.eventual = eventual;
        Ok(self.ask::<List<T>>(&ask).await?.value.value)
    }

    /// The groups that an object is a direct member of, with their names where they may be read.
    /// `kind` is the collection that the object is in.
    ///
    /// # Errors
    /// Any of reading; [`Error::ForeignLink`]; [`Error::EndlessRound`] after 20,000 groups.
    pub async fn groups_of(&self, kind: Resource, id: Uuid) -> Result<Vec<Holder>> {
        let round = Round::list(kind, format!("{}/{id}/memberOf", kind.path()));
        let query = [
            ("$select", "id,displayName".to_owned()),
            ("$top", "999".to_owned()),
        ];
        let mut next: Option<Url> = Some(self.target.cloud.graph_url(&round.path(), &query));
        let mut groups = Vec::new();
        for _ in 0..PAGES_MAX {
            let Some(url) = next else {
                return Ok(groups);
            };
            let ask = Ask::get(url, Resource::Groups, Priority::High);
            let page: MemberOfPage = self.ask(&ask).await?.value;
            groups.extend(
                page.value
                    .into_iter()
                    .filter(|holder| holder.kind == ObjectKind::Group),
            );
            next = page
                .next_link
                .map(|link| links::check(&self.target.cloud, &round, &link))
                .transpose()?;
        }
        Err(Error::EndlessRound {
            resource: Resource::Groups,
            why: Endless::Pages,
            pages: u32::try_from(PAGES_MAX).unwrap_or(u32::MAX),
        })
    }

    /// Those of the groups that hold an object, directly or through other groups. `kind` is the
    /// collection that the object is in.
    ///
    /// # Errors
    /// Any of reading.
    pub async fn groups_holding(
        &self,
        kind: Resource,
        id: Uuid,
        groups: &[Uuid],
    ) -> Result<Vec<Uuid>> {
        let mut holding = Vec::new();
        for group_ids in groups.chunks(CHECKED_MAX) {
            let json =
                serde_json::to_vec(&Checked { group_ids }).map_err(|error| Error::InvalidCall {
                    reason: error.to_string(),
                })?;
            let path = format!("{}/{id}/checkMemberGroups", kind.path());
            let url = self.target.cloud.graph_url(&path, &[]);
            let ask = Ask {
                method: reqwest::Method::POST,
                json: Some(json),
                cost: 4,
                ..Ask::get(url, Resource::Groups, Priority::High)
            };
            holding.extend(self.ask::<List<Uuid>>(&ask).await?.value.value);
        }
        Ok(holding)
    }
}

/// Whether Graph itself says that there is no such object (graph.md §7). A 404 of anything else on
/// the way, or of another kind, says nothing about it.
fn says_absent(error: &Error) -> bool {
    let code = "Request_ResourceNotFound";
    matches!(error, Error::NotFound { answer } if answer.code.eq_ignore_ascii_case(code))
}

#[derive(Deserialize)]
struct Deleted {
    id: Uuid,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked<'a> {
    group_ids: &'a [Uuid],
}

/// What holds an object as a member.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Its object id.
    pub id: Uuid,
    /// What it is: a group, or something that no sync reads, such as a directory role.
    #[serde(rename = "@odata.type", default = "unnamed")]
    pub kind: ObjectKind,
    /// Its name; none where the permission to read groups is missing.
    #[serde(default)]
    pub display_name: Option<String>,
}

fn unnamed() -> ObjectKind {
    ObjectKind::Other
}

#[derive(Deserialize)]
struct MemberOfPage {
    #[serde(deserialize_with = "lenient::list")]
    value: Vec<Holder>,
    #[serde(default, rename = "@odata.nextLink")]
    next_link: Option<String>,
}
