//! `POST /v1.0/$batch` (graph.md §4): up to twenty requests in one, each throttled by itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value as Json;

use super::Context;
use super::error::GraphError;
use crate::directory::json::push_text;
use crate::incoming::Incoming;
use crate::reply::Reply;

/// At most so many requests in a batch.
const REQUESTS_MAX: usize = 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Json>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Answers all of them, in the order of the request.
pub(crate) fn answer(context: &Context) -> Result<Reply, GraphError> {
    let bad = |text: String| GraphError::new(400, "BadRequest", text);
    let batch: Batch = serde_json::from_slice(&context.request.body)
        .map_err(|error| bad(format!("Invalid batch payload format: {error}")))?;
    if batch.requests.len() > REQUESTS_MAX {
        let message =
            format!("Number of batch request steps exceeds the maximum value of {REQUESTS_MAX}.");
        return Err(bad(message));
    }
    let mut ids = HashSet::new();
    for item in &batch.requests {
        if !ids.insert(item.id.to_lowercase()) {
            return Err(bad(format!(
                "Batch request id '{}' is not unique.",
                item.id
            )));
        }
        if item.body.is_some()
            && !item
                .headers
                .keys()
                .any(|n| n.eq_ignore_ascii_case("content-type"))
        {
            let message = format!(
                "Write request id : {} does not contain Content-Type header or body.",
                item.id
            );
            return Err(bad(message));
        }
    }
    let mut statuses: HashMap<String, u16> = HashMap::new();
    let mut body = b"{\"responses\":[".to_vec();
    for (place, item) in batch.requests.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        let failed = |id: &String| {
            statuses
                .get(&id.to_lowercase())
                .is_none_or(|status| !(200..300).contains(status))
        };
        let reply = if item.depends_on.iter().any(failed) {
            let message = "A request that this one depends on has failed.";
            let error = GraphError::new(424, "FailedDependency", message);
            error.reply(context.tenant.clock.now(), context.farm.next_id(), "")
        } else {
            super::answer(context.farm, &request_of(context, item)).0
        };
        statuses.insert(item.id.to_lowercase(), reply.status);
        push_reply(&mut body, &item.id, &reply);
    }
    body.extend_from_slice(b"]}");
    Ok(Reply::graph(200, body))
}

fn request_of(context: &Context, item: &Item) -> Incoming {
    let mut headers = HeaderMap::new();
    for (name, value) in &item.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::from_str(value),
        ) {
            headers.insert(name, value);
        }
    }
    for name in ["authorization", "x-ms-throttle-priority"] {
        if let Some(value) = context.request.headers.get(name) {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    let body = item.body.as_ref().map(Json::to_string).unwrap_or_default();
    let target = format!("/v1.0/{}", item.url.trim_start_matches('/'));
    let method = item.method.to_uppercase();
    // A batch in a batch is refused as any other unknown segment is.
    let target = if target.starts_with("/v1.0/$batch") {
        "/v1.0/".to_owned()
    } else {
        target
    };
    Incoming::new(
        &method,
        &target,
        headers,
        Bytes::from(body),
        context.origin().to_owned(),
    )
}

/// A body that isn't JSON (a count) goes in as a JSON value all the same.
fn push_reply(out: &mut Vec<u8>, id: &str, reply: &Reply) {
    out.extend_from_slice(b"{\"id\":");
    push_text(out, id);
    out.extend_from_slice(format!(",\"status\":{},\"headers\":{{", reply.status).as_bytes());
    let shown = [
        "content-type",
        "retry-after",
        "location",
        "x-ms-resource-unit",
    ];
    let mut first = true;
    for (name, value) in reply
        .headers
        .iter()
        .filter(|(name, _)| shown.contains(name))
    {
        if !first {
            out.push(b',');
        }
        first = false;
        let title = match *name {
            "content-type" => "Content-Type",
            "retry-after" => "Retry-After",
            "location" => "Location",
            other => other,
        };
        push_text(out, title);
        out.push(b':');
        push_text(out, value);
    }
    out.extend_from_slice(b"},\"body\":");
    if reply.body.is_empty() {
        out.extend_from_slice(b"null");
    } else {
        out.extend_from_slice(&reply.body);
    }
    out.push(b'}');
}
