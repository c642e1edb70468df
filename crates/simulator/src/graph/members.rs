//! Members of groups and groups of members.

use serde::Deserialize;
use uuid::Uuid;

use super::Context;
use super::error::GraphError;
use super::list;
use super::page::{MixedSelection, write_mixed};
use super::query;
use crate::directory::Directory;
use crate::directory::object::{Object, Ref};
use crate::directory::schema::{self, Kind};
use crate::reply::Reply;

/// `/groups/{id}/members`, `/transitiveMembers`, with a cast or `$count`.
pub(crate) fn answer(
    context: &Context,
    group: &str,
    cast: Option<Kind>,
    transitive: bool,
    count: bool,
) -> Result<Reply, GraphError> {
    let request = context.request;
    let eventual = query::is_eventual(request);
    if count && !eventual {
        return Err(GraphError::bad_request(
            "$count is not currently supported.",
        ));
    }
    if transitive && cast.is_some() && !(eventual && query::wants_count(request)) && !count {
        return Err(GraphError::unsupported(
            "The specified cast is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information",
        ));
    }
    let directory = context.tenant.directory();
    let group = find(&directory, Kind::Group, group)?;
    let holder = directory.get(group);
    if cast == Some(Kind::Group) && holder.has(schema::group::UNIFIED) {
        return Err(GraphError::unsupported(
            "The specified cast is not supported for members of a Microsoft 365 group.",
        ));
    }
    let hidden = is_hidden(context, holder);
    // Those that left keep their place, so that a page token means the same later.
    let (refs, live): (Vec<Ref>, Vec<bool>) = if hidden {
        (Vec::new(), Vec::new())
    } else if transitive {
        directory
            .closure(group, |at| directory.members(at))
            .into_iter()
            .map(|at| (at, true))
            .unzip()
    } else {
        holder
            .members
            .iter()
            .map(|edge| (edge.member, directory.visible(*edge)))
            .unzip()
    };
    let fits = |place: usize, at: Ref| {
        live[place] && cast.is_none_or(|kind| directory.get(at).kind == kind)
    };
    if count {
        let number = refs
            .iter()
            .enumerate()
            .filter(|(place, at)| fits(*place, **at))
            .count();
        return Ok(Reply::new(200, "text/plain", number.to_string()));
    }
    respond(context, &directory, &refs, fits)
}

/// `/users/{id}/memberOf` and its kin.
pub(crate) fn groups_of(
    context: &Context,
    kind: Kind,
    id: &str,
    transitive: bool,
) -> Result<Reply, GraphError> {
    let directory = context.tenant.directory();
    let member = find(&directory, kind, id)?;
    let refs: Vec<Ref> = if transitive {
        directory.closure(member, |at| directory.groups_of(at))
    } else {
        directory.groups_of(member).collect()
    };
    respond(context, &directory, &refs, |_, _| true)
}

/// At most so many groups in one `checkMemberGroups`.
const CHECKED_MAX: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    group_ids: Vec<String>,
}

/// `POST /users/{id}/checkMemberGroups` and its kin: those of the groups that hold the object,
/// directly or through other groups. Ids of no group are left out, as are groups whose members are
/// hidden from the caller.
pub(crate) fn check(context: &Context, kind: Kind, id: &str) -> Result<Reply, GraphError> {
    let asked: Checked = serde_json::from_slice(&context.request.body).map_err(|error| {
        GraphError::bad_request(format!("Unable to read JSON request payload: {error}"))
    })?;
    if asked.group_ids.len() > CHECKED_MAX {
        return Err(GraphError::bad_request(format!(
            "The maximum number of group ids is {CHECKED_MAX}."
        )));
    }
    let directory = context.tenant.directory();
    let member = find(&directory, kind, id)?;
    let holders = directory.closure(member, |at| directory.groups_of(at));
    let mut held = Vec::new();
    for text in &asked.group_ids {
        let group = Uuid::try_parse(text)
            .map_err(|_| GraphError::bad_request(format!("Invalid object identifier '{text}'.")))?;
        let holds = directory
            .find_alive(Kind::Group, group)
            .is_some_and(|at| holders.contains(&at) && !is_hidden(context, directory.get(at)));
        if holds {
            held.push(group);
        }
    }
    let body = serde_json::json!({
        "@odata.context": format!("{}/v1.0/$metadata#Collection(Edm.String)", context.origin()),
        "value": held,
    });
    Ok(Reply::graph(200, body.to_string()))
}

/// Whether a group's members are kept from the caller.
fn is_hidden(context: &Context, group: &Object) -> bool {
    group.text(schema::group::VISIBILITY) == Some("HiddenMembership")
        && !context.roles.contains("Member.Read.Hidden")
}

fn respond(
    context: &Context,
    directory: &Directory,
    refs: &[Ref],
    fits: impl Fn(usize, Ref) -> bool,
) -> Result<Reply, GraphError> {
    let selection = MixedSelection::parse(context.request.query_value("$select"));
    let page = list::paged(context, refs, fits)?;
    let objects = write_mixed(directory, &page.refs, &selection, |kind| {
        context.can_read(kind)
    });
    Ok(page.reply(context, "directoryObjects".to_owned(), &objects))
}

/// The living object that a path names by id, or by user principal name.
pub(crate) fn find(directory: &Directory, kind: Kind, name: &str) -> Result<Ref, GraphError> {
    let found = match Uuid::try_parse(name) {
        Ok(id) => directory.find_alive(kind, id),
        Err(_) if kind == Kind::User => directory.find_upn(name),
        Err(_) => {
            let message = format!("Invalid object identifier '{name}'.");
            return Err(GraphError::bad_request(message));
        }
    };
    found.ok_or_else(|| GraphError::not_found(name))
}
