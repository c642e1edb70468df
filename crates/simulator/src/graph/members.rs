//! Members of groups and groups of members.

use uuid::Uuid;

use super::Context;
use super::error::GraphError;
use super::list;
use super::page::{MixedSelection, write_mixed};
use super::query;
use crate::directory::Directory;
use crate::directory::object::Ref;
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
    let hidden = holder.text(schema::group::VISIBILITY) == Some("HiddenMembership")
        && !context.roles.contains("Member.Read.Hidden");
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
