//! Where a client is in a delta stream: what its tokens carry (graph.md §3.2, §3.7).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::GraphError;
use super::query::Selection;
use super::{Context, token};
use crate::config::Settings;
use crate::directory::schema::Kind;
use crate::tenant::EpochEnd;

/// At most so many ids in a filter.
const IDS_MAX: usize = 50;

/// What a next or delta link carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub kind: Kind,
    /// `$select` as it was given at the start of the first round.
    pub select: Option<String>,
    pub ids: Vec<Uuid>,
    /// Where the round began in the change log; absent in a first round.
    pub from: Option<u64>,
    /// Where it ends; absent in a delta link, whose round hasn't begun.
    pub to: Option<u64>,
    /// The next object's place in the round.
    pub item: usize,
    /// The next membership's place within that object.
    pub link: usize,
    /// The order of the round: it visits every `stride`th object.
    pub stride: usize,
    /// Unix seconds at which the token was written.
    pub at: i64,
    pub epoch: u32,
    /// How many objects a first round walks over: those that were there when it began.
    pub length: Option<usize>,
    /// Pages so far, so that no two links of a round are alike.
    pub pages: u64,
    pub trap: Option<Trap>,
}

/// A chain of links that never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trap {
    /// The same page behind the same link.
    SameLink,
    /// Empty pages behind ever new links.
    EmptyPages,
}

impl Cursor {
    /// The cursor as a token, written now.
    pub fn token(&self, context: &Context) -> String {
        let (epoch, _) = context.tenant.epoch();
        let cursor = Self {
            at: context.tenant.now(),
            epoch,
            ..self.clone()
        };
        token::seal(&context.tenant.key, &cursor)
    }
}

/// `$deltatoken=latest`: from now on, nothing of what is.
pub(crate) fn is_latest(context: &Context) -> bool {
    context
        .request
        .query_value("$deltatoken")
        .is_some_and(|text| text.eq_ignore_ascii_case("latest"))
}

/// Reads the token, or begins a round.
pub(crate) fn read(
    context: &Context,
    kind: Kind,
    settings: &Settings,
    sequence: u64,
) -> Result<Cursor, GraphError> {
    let sent = |name| {
        context
            .request
            .query_value(name)
            .filter(|token| !token.is_empty())
    };
    let delta = sent("$deltatoken").filter(|_| !is_latest(context));
    let Some(text) = delta.or(sent("$skiptoken")) else {
        return begin(context, kind, settings);
    };
    if sent("$select").is_some() && sent("$skiptoken").is_some() {
        return Err(GraphError::unsupported(
            "$select is not supported together with $skiptoken.",
        ));
    }
    let cursor: Cursor = token::open(&context.tenant.key, text)
        .filter(|cursor: &Cursor| cursor.kind == kind)
        .ok_or_else(|| GraphError::bad_request("Badly formed token."))?;
    let (epoch, how) = context.tenant.epoch();
    if cursor.epoch != epoch && how == EpochEnd::Resync {
        return Err(GraphError::resync(context.delta_link(kind, "")));
    }
    let age = context.tenant.now() - cursor.at;
    let known = cursor.from.unwrap_or(0).max(cursor.to.unwrap_or(0)) <= sequence;
    if cursor.epoch != epoch || age > settings.delta_token_lifetime_s || !known {
        return Err(GraphError::expired_state());
    }
    Ok(cursor)
}

fn begin(context: &Context, kind: Kind, settings: &Settings) -> Result<Cursor, GraphError> {
    let request = context.request;
    for option in ["$expand", "$orderby", "$search"] {
        if request.query_value(option).is_some() {
            return Err(GraphError::unsupported(format!(
                "The query parameter {option} is not supported for delta queries of this resource."
            )));
        }
    }
    let ids = request
        .query_value("$filter")
        .map_or(Ok(Vec::new()), ids_of)?;
    let select = request
        .query_value("$select")
        .filter(|text| !text.trim().is_empty());
    Selection::parse(select, kind.schema())?;
    Ok(Cursor {
        kind,
        select: select.map(str::to_owned),
        ids,
        from: None,
        to: None,
        item: 0,
        link: 0,
        stride: if settings.shuffle_delta { 7919 } else { 1 },
        at: context.tenant.now(),
        epoch: context.tenant.epoch().0,
        length: None,
        pages: 0,
        trap: None,
    })
}

/// `id eq '…' or id eq '…'` is the only filter, with at most 50 ids (graph.md §3.1).
fn ids_of(filter: &str) -> Result<Vec<Uuid>, GraphError> {
    let only = || {
        GraphError::unsupported(
            "Only filters of the form id eq '…' joined by or are supported for delta queries.",
        )
    };
    let mut ids = Vec::new();
    for clause in filter.split(" or ") {
        let clause = clause.trim().trim_start_matches('(').trim_end_matches(')');
        let mut words = clause.split_whitespace();
        let (Some(name), Some(operator), Some(value), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(only());
        };
        if !name.eq_ignore_ascii_case("id") || operator != "eq" {
            return Err(only());
        }
        let text = value.trim_matches('\'');
        let id = Uuid::try_parse(text)
            .map_err(|_| GraphError::bad_request(format!("Invalid object identifier '{text}'.")))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.len() > IDS_MAX {
        return Err(GraphError::bad_request(format!(
            "Too many ids in the filter: at most {IDS_MAX} are supported for delta queries."
        )));
    }
    Ok(ids)
}
