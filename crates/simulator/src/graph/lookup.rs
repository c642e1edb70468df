//! Single objects: by id, several by their ids, the organisation.

use serde::Deserialize;
use uuid::Uuid;

use super::Context;
use super::error::GraphError;
use super::members::find;
use super::page::{self, End, Frame, MixedSelection, write_mixed};
use super::query::Selection;
use crate::directory::json::{Style, push_members, push_text};
use crate::directory::object::{Life, Ref};
use crate::directory::schema::Kind;
use crate::reply::Reply;

/// At most so many ids in one request.
const IDS_MAX: usize = 1000;

/// `/users/{id}` and its kin.
pub(crate) fn one(context: &Context, kind: Kind, id: &str) -> Result<Reply, GraphError> {
    let schema = kind.schema();
    let selection = Selection::parse(context.request.query_value("$select"), schema)?;
    let directory = context.tenant.directory();
    let at = find(&directory, kind, id)?;
    let name = page::context(schema.collection, &selection);
    let mut body = begin(context, &name);
    body.push(b',');
    let style = Style::default();
    push_members(
        &mut body,
        directory.get(at),
        schema,
        &selection.properties,
        style,
    );
    body.push(b'}');
    Ok(Reply::graph(200, body))
}

/// `/directoryObjects/{id}`.
pub(crate) fn any(context: &Context, id: &str) -> Result<Reply, GraphError> {
    let directory = context.tenant.directory();
    let parsed = Uuid::try_parse(id)
        .map_err(|_| GraphError::bad_request(format!("Invalid object identifier '{id}'.")))?;
    let at = directory
        .find(parsed)
        .filter(|at| directory.get(*at).is_alive())
        .ok_or_else(|| GraphError::not_found(id))?;
    let object = directory.get(at);
    let selection = MixedSelection::parse(context.request.query_value("$select"));
    let style = Style {
        typed: true,
        omit_unset: false,
        limited: !context.can_read(object.kind),
    };
    let mut body = begin(context, "directoryObjects");
    body.push(b',');
    push_members(
        &mut body,
        object,
        object.kind.schema(),
        selection.of(object.kind),
        style,
    );
    body.push(b'}');
    Ok(Reply::graph(200, body))
}

/// `/directory/deletedItems/{id}`: what can still be restored.
pub(crate) fn deleted(context: &Context, id: &str) -> Result<Reply, GraphError> {
    context.tenant.empty_bin();
    let parsed = Uuid::try_parse(id)
        .map_err(|_| GraphError::bad_request(format!("Invalid object identifier '{id}'.")))?;
    let directory = context.tenant.directory();
    let at = directory
        .find(parsed)
        .filter(|at| matches!(directory.get(*at).life, Life::Binned(_)))
        .filter(|at| context.can_read(directory.get(*at).kind))
        .ok_or_else(|| GraphError::not_found(id))?;
    let object = directory.get(at);
    let selection = MixedSelection::parse(context.request.query_value("$select"));
    let style = Style {
        typed: true,
        omit_unset: false,
        limited: false,
    };
    let mut body = begin(context, "directoryObjects");
    body.push(b',');
    push_members(
        &mut body,
        object,
        object.kind.schema(),
        selection.of(object.kind),
        style,
    );
    body.push(b'}');
    Ok(Reply::graph(200, body))
}

fn begin(context: &Context, name: &str) -> Vec<u8> {
    let mut body = b"{\"@odata.context\":".to_vec();
    push_text(
        &mut body,
        &format!("{}/v1.0/$metadata#{name}/$entity", context.origin()),
    );
    body
}

#[derive(Deserialize)]
struct Asked {
    ids: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
}

/// `POST /directoryObjects/getByIds`: what isn't there is left out.
pub(crate) fn by_ids(context: &Context) -> Result<Reply, GraphError> {
    let asked: Asked = serde_json::from_slice(&context.request.body).map_err(|error| {
        GraphError::bad_request(format!("Unable to read JSON request payload: {error}"))
    })?;
    if asked.ids.len() > IDS_MAX {
        return Err(GraphError::bad_request(format!(
            "Number of included identifiers cannot exceed '{IDS_MAX}'."
        )));
    }
    let directory = context.tenant.directory();
    let mut refs: Vec<Ref> = Vec::with_capacity(asked.ids.len());
    for text in &asked.ids {
        let id = Uuid::try_parse(text)
            .map_err(|_| GraphError::bad_request(format!("Invalid object identifier '{text}'.")))?;
        let wanted = |at: &Ref| {
            let object = directory.get(*at);
            let type_name = object.kind.schema().type_name;
            let short = type_name.rsplit('.').next().unwrap_or(type_name);
            let named = |name: &String| {
                name.eq_ignore_ascii_case(short)
                    || name.eq_ignore_ascii_case(type_name)
                    || name.eq_ignore_ascii_case("directoryObject")
            };
            object.is_alive() && (asked.types.is_empty() || asked.types.iter().any(named))
        };
        refs.extend(directory.find(id).filter(wanted));
    }
    let selection = MixedSelection::parse(context.request.query_value("$select"));
    let objects = write_mixed(&directory, &refs, &selection, |kind| context.can_read(kind));
    let frame = Frame {
        context: "directoryObjects".to_owned(),
        count: None,
        end: End::None,
    };
    Ok(Reply::graph(
        200,
        page::frame(context.origin(), &frame, &objects),
    ))
}

/// `/organization` (graph.md §6.6). Everything is always there; `$select` only shortens it.
pub(crate) fn organization(context: &Context) -> Reply {
    let tenant = context.tenant;
    let mut domains = serde_json::json!([{
        "name": tenant.domain,
        "isDefault": true,
        "isInitial": true,
        "type": "Managed",
        "capabilities": "Email, OfficeCommunicationsOnline",
    }]);
    if let (Some(name), Some(list)) = (tenant.domain.split('.').next(), domains.as_array_mut()) {
        list.push(serde_json::json!({
            "name": format!("{name}.example"),
            "isDefault": false,
            "isInitial": false,
            "type": "Managed",
            "capabilities": "Email",
        }));
    }
    let all = [
        ("id", serde_json::json!(tenant.id)),
        ("displayName", serde_json::json!(tenant.display_name)),
        ("verifiedDomains", domains),
        ("countryLetterCode", serde_json::json!("NL")),
        ("tenantType", serde_json::json!("AAD")),
        ("createdDateTime", serde_json::json!("2019-03-04T08:00:00Z")),
        ("onPremisesSyncEnabled", serde_json::Value::Null),
    ];
    let selected = context.request.query_value("$select");
    let wanted = |name: &str| {
        selected.is_none_or(|names| {
            names
                .split(',')
                .any(|n| n.trim().eq_ignore_ascii_case(name))
        })
    };
    let shown: serde_json::Map<String, serde_json::Value> = all
        .into_iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let object = serde_json::Value::Object(shown).to_string();
    let frame = Frame {
        context: "organization".to_owned(),
        count: None,
        end: End::None,
    };
    Reply::graph(
        200,
        page::frame(context.origin(), &frame, object.as_bytes()),
    )
}
