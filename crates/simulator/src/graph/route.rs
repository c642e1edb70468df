//! Which resource a path names, what it costs and which permission it takes.

use std::collections::BTreeSet;

use super::error::GraphError;
use crate::directory::schema::Kind;
use crate::faults::Shape;
use crate::incoming::Incoming;

/// A resource of Graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Organization,
    List(Kind),
    Count(Kind),
    One(Kind, String),
    Delta(Kind),
    Members {
        group: String,
        cast: Option<Kind>,
        transitive: bool,
        count: bool,
    },
    MemberOf {
        kind: Kind,
        id: String,
        transitive: bool,
    },
    CheckMemberGroups {
        kind: Kind,
        id: String,
    },
    GetByIds,
    ExtensionProperties,
    DirectoryObject(String),
    Deleted(Kind),
    DeletedOne(String),
    Batch,
}

impl Route {
    /// Reads method and path; `segments` begin after the version.
    pub fn parse(method: &str, segments: &[String]) -> Result<Self, GraphError> {
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let route = match parts.as_slice() {
            ["$batch"] => Self::Batch,
            ["directoryObjects", action] if is_function(action, "getByIds") => Self::GetByIds,
            ["directoryObjects", action]
                if is_function(action, "getAvailableExtensionProperties") =>
            {
                Self::ExtensionProperties
            }
            ["directoryObjects", id] => Self::DirectoryObject((*id).to_owned()),
            ["organization"] => Self::Organization,
            ["directory", "deletedItems", id] if uuid::Uuid::try_parse(id).is_ok() => {
                Self::DeletedOne((*id).to_owned())
            }
            ["directory", "deletedItems", cast] => Self::Deleted(cast_of(cast)?),
            [collection, rest @ ..] => Self::of_collection(collection_of(collection)?, rest)?,
            [] => return Err(GraphError::unknown_segment("")),
        };
        let wanted = match route {
            Self::Batch
            | Self::GetByIds
            | Self::ExtensionProperties
            | Self::CheckMemberGroups { .. } => "POST",
            _ => "GET",
        };
        if method == wanted {
            Ok(route)
        } else {
            Err(GraphError::method())
        }
    }

    fn of_collection(kind: Kind, rest: &[&str]) -> Result<Self, GraphError> {
        let members = |group: &str, transitive, cast, count| Self::Members {
            group: group.to_owned(),
            cast,
            transitive,
            count,
        };
        Ok(match rest {
            [] => Self::List(kind),
            ["$count"] => Self::Count(kind),
            [function] if is_function(function, "delta") => Self::Delta(kind),
            [id] => Self::One(kind, (*id).to_owned()),
            [id, action] if is_function(action, "checkMemberGroups") => Self::CheckMemberGroups {
                kind,
                id: (*id).to_owned(),
            },
            [id, edge @ ("memberOf" | "transitiveMemberOf"), ..] => Self::MemberOf {
                kind,
                id: (*id).to_owned(),
                transitive: *edge == "transitiveMemberOf",
            },
            [id, edge @ ("members" | "transitiveMembers"), tail @ ..] if kind == Kind::Group => {
                let transitive = *edge == "transitiveMembers";
                match tail {
                    [] => members(id, transitive, None, false),
                    ["$count"] => members(id, transitive, None, true),
                    [cast] => members(id, transitive, Some(cast_of(cast)?), false),
                    [cast, "$count"] => members(id, transitive, Some(cast_of(cast)?), true),
                    [_, other, ..] => return Err(GraphError::unknown_segment(other)),
                }
            }
            [_, other, ..] => return Err(GraphError::unknown_segment(other)),
        })
    }

    /// How it is counted.
    pub fn label(&self) -> String {
        match self {
            Self::Organization => "GET /organization".to_owned(),
            Self::List(kind) => format!("GET /{}", kind.schema().collection),
            Self::Count(kind) => format!("GET /{}/$count", kind.schema().collection),
            Self::One(kind, _) => format!("GET /{}/{{id}}", kind.schema().collection),
            Self::Delta(kind) => format!("GET /{}/delta", kind.schema().collection),
            Self::Members {
                transitive, count, ..
            } => format!(
                "GET /groups/{{id}}/{}{}",
                if *transitive {
                    "transitiveMembers"
                } else {
                    "members"
                },
                if *count { "/$count" } else { "" }
            ),
            Self::MemberOf {
                kind, transitive, ..
            } => format!(
                "GET /{}/{{id}}/{}",
                kind.schema().collection,
                if *transitive {
                    "transitiveMemberOf"
                } else {
                    "memberOf"
                }
            ),
            Self::CheckMemberGroups { kind, .. } => {
                format!(
                    "POST /{}/{{id}}/checkMemberGroups",
                    kind.schema().collection
                )
            }
            Self::GetByIds => "POST /directoryObjects/getByIds".to_owned(),
            Self::ExtensionProperties => {
                "POST /directoryObjects/getAvailableExtensionProperties".to_owned()
            }
            Self::DirectoryObject(_) => "GET /directoryObjects/{id}".to_owned(),
            Self::Deleted(_) => "GET /directory/deletedItems".to_owned(),
            Self::DeletedOne(_) => "GET /directory/deletedItems/{id}".to_owned(),
            Self::Batch => "POST /$batch".to_owned(),
        }
    }

    /// Resource units (graph.md §4). A batch costs what is in it.
    pub fn units(&self, request: &Incoming) -> u64 {
        let base: i64 = match self {
            Self::Batch => return 0,
            Self::List(Kind::User) | Self::MemberOf { .. } => 2,
            Self::CheckMemberGroups { .. } => 4,
            Self::Members {
                transitive: false, ..
            } => 3,
            Self::Members {
                transitive: true, ..
            } => 5,
            Self::GetByIds => {
                return if request.query_value("$select").is_some() {
                    2
                } else {
                    5
                };
            }
            _ => 1,
        };
        let selected = i64::from(request.query_value("$select").is_some());
        let expanded = i64::from(request.query_value("$expand").is_some());
        let top = request
            .query_value("$top")
            .and_then(|top| top.parse::<u32>().ok());
        let small = i64::from(top.is_some_and(|top| top < 20));
        u64::try_from(base - selected + expanded - small)
            .unwrap_or(1)
            .max(1)
    }

    /// What faults can do to it.
    pub fn shape(&self, request: &Incoming) -> Shape {
        let has = |name| {
            request
                .query_value(name)
                .is_some_and(|token| !token.is_empty())
        };
        let delta = matches!(self, Self::Delta(_));
        Shape {
            page: delta
                || matches!(
                    self,
                    Self::List(_) | Self::Members { count: false, .. } | Self::MemberOf { .. }
                ),
            delta,
            delta_token: delta && (has("$deltatoken") || has("$skiptoken")),
            skip_token: has("$skiptoken"),
        }
    }

    /// Whether these application roles open it (graph.md §8).
    pub fn is_allowed(&self, roles: &BTreeSet<String>) -> bool {
        match self {
            Self::Organization => has_any(roles, &["Organization.Read.All"]),
            Self::Deleted(Kind::Group) => has_any(roles, &["Group.Read.All"]),
            Self::List(kind)
            | Self::Count(kind)
            | Self::One(kind, _)
            | Self::Delta(kind)
            | Self::Deleted(kind)
            | Self::MemberOf { kind, .. } => can_read(roles, *kind),
            Self::Members { .. } => can_read(roles, Kind::Group),
            // Reading the object and reading memberships (permissions of
            // `directoryObject: checkMemberGroups` in Microsoft's reference).
            Self::CheckMemberGroups { kind, .. } => {
                can_read(roles, *kind) && can_read(roles, Kind::Group)
            }
            Self::GetByIds | Self::DirectoryObject(_) | Self::DeletedOne(_) => {
                Kind::ALL.into_iter().any(|kind| can_read(roles, kind))
            }
            // Nothing less opens it (`directoryObject: getAvailableExtensionProperties` in Microsoft's
            // reference).
            Self::ExtensionProperties => has_any(roles, &[]),
            Self::Batch => true,
        }
    }
}

/// Whether these roles let someone read objects of this kind.
pub(crate) fn can_read(roles: &BTreeSet<String>, kind: Kind) -> bool {
    match kind {
        Kind::User => has_any(roles, &["User.Read.All", "User.ReadWrite.All"]),
        Kind::Group => has_any(
            roles,
            &[
                "GroupMember.Read.All",
                "Group.Read.All",
                "Group.ReadWrite.All",
            ],
        ),
        Kind::Contact => has_any(roles, &["OrgContact.Read.All"]),
        Kind::Device => has_any(roles, &["Device.Read.All"]),
        Kind::ServicePrincipal => has_any(roles, &["Application.Read.All"]),
    }
}

fn has_any(roles: &BTreeSet<String>, wanted: &[&str]) -> bool {
    ["Directory.Read.All", "Directory.ReadWrite.All"]
        .iter()
        .chain(wanted)
        .any(|role| roles.contains(*role))
}

/// `delta`, `delta()`, `microsoft.graph.delta` and `microsoft.graph.delta()` are the same
/// (graph.md §3.1).
fn is_function(segment: &str, name: &str) -> bool {
    let bare = segment.strip_suffix("()").unwrap_or(segment);
    bare.strip_prefix("microsoft.graph.")
        .unwrap_or(bare)
        .eq_ignore_ascii_case(name)
}

fn collection_of(segment: &str) -> Result<Kind, GraphError> {
    [Kind::User, Kind::Group, Kind::Contact, Kind::Device]
        .into_iter()
        .find(|kind| kind.schema().collection.eq_ignore_ascii_case(segment))
        .ok_or_else(|| GraphError::unknown_segment(segment))
}

fn cast_of(segment: &str) -> Result<Kind, GraphError> {
    let name = segment.trim_start_matches('#');
    Kind::ALL
        .into_iter()
        .find(|kind| kind.schema().type_name.eq_ignore_ascii_case(name))
        .ok_or_else(|| GraphError::unknown_segment(segment))
}
