//! Listings: `/users`, `/groups`, `/contacts`, `/devices`, deleted items, counts (graph.md §5).

use serde::{Deserialize, Serialize};

use super::error::GraphError;
use super::filter::Filter;
use super::page::{self, End, Frame};
use super::query::{self, Selection};
use super::search::Search;
use super::{Context, token};
use crate::directory::object::{Object, Ref, Value};
use crate::directory::schema::{Kind, Schema};
use crate::faults::Fault;
use crate::reply::Reply;

/// What a `$skiptoken` carries.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    /// What is being listed.
    path: String,
    next: usize,
    /// Unix seconds.
    at: i64,
    pages: u64,
    trapped: bool,
}

/// Which objects of a listing are wanted, in which order.
struct Wanted {
    filter: Option<Filter>,
    search: Option<Search>,
    /// A property's position, and whether it goes downwards.
    order: Option<(usize, bool)>,
}

impl Wanted {
    fn parse(context: &Context, schema: &'static Schema) -> Result<Self, GraphError> {
        let request = context.request;
        let eventual = query::is_eventual(request);
        let advanced = eventual && query::wants_count(request);
        let filter = request
            .query_value("$filter")
            .map(|text| Filter::parse(text, schema))
            .transpose()?;
        if let Some(operator) = filter.as_ref().and_then(Filter::advanced)
            && !advanced
        {
            return Err(GraphError::unsupported(format!(
                "Operator '{operator}' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
            )));
        }
        let search = match request.query_value("$search") {
            Some(_) if !eventual => {
                return Err(GraphError::unsupported(
                    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
                ));
            }
            Some(text) => Some(Search::parse(text, schema)?),
            None => None,
        };
        let order = request
            .query_value("$orderby")
            .map(|text| order(text, schema))
            .transpose()?;
        if filter.is_some() && order.is_some() && !advanced {
            return Err(GraphError::unsupported(
                "Sorting not supported for current query.",
            ));
        }
        Ok(Self {
            filter,
            search,
            order,
        })
    }

    fn fits(&self, object: &Object) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches(object))
            && self
                .search
                .as_ref()
                .is_none_or(|search| search.matches(object))
    }
}

fn order(text: &str, schema: &Schema) -> Result<(usize, bool), GraphError> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let place = schema
        .find(name)
        .ok_or_else(|| GraphError::unknown_property(name, schema.type_name))?;
    match words.next() {
        None | Some("asc") => Ok((place, false)),
        Some("desc") => Ok((place, true)),
        Some(other) => Err(GraphError::bad_request(format!(
            "Invalid sort direction '{other}'."
        ))),
    }
}

/// Answers one page of a listing.
pub(crate) fn answer(context: &Context, kind: Kind) -> Result<Reply, GraphError> {
    let schema = kind.schema();
    let selection = Selection::parse(context.request.query_value("$select"), schema)?;
    let wanted = Wanted::parse(context, schema)?;
    refuse_unknown(context)?;
    let directory = context.tenant.directory();
    let mut refs = std::borrow::Cow::Borrowed(directory.of_kind(kind));
    if let Some((place, down)) = wanted.order {
        refs.to_mut()
            .sort_by_cached_key(|at| sort_key(directory.get(*at), place));
        if down {
            refs.to_mut().reverse();
        }
    }
    let fits = |_: usize, at: Ref| {
        let object = directory.get(at);
        object.is_alive() && wanted.fits(object)
    };
    let context_text = page::context(schema.collection, &selection);
    let page = paged(context, &refs, fits)?;
    let objects = page::write_plain(&directory, &page.refs, schema, &selection.properties);
    Ok(page.reply(context, context_text, &objects))
}

fn sort_key(object: &Object, place: usize) -> String {
    match object.value(object.kind.schema().properties[place].slot) {
        Value::Text(text) => text.to_lowercase(),
        _ => String::new(),
    }
}

/// Deleted objects of a kind.
pub(crate) fn deleted(context: &Context, kind: Kind) -> Result<Reply, GraphError> {
    context.tenant.empty_bin();
    let schema = kind.schema();
    let selection = Selection::parse(context.request.query_value("$select"), schema)?;
    let directory = context.tenant.directory();
    let refs: Vec<Ref> = directory.deleted(kind).collect();
    let page = paged(context, &refs, |_, _| true)?;
    let objects = page::write_plain(&directory, &page.refs, schema, &selection.properties);
    Ok(page.reply(
        context,
        page::context("directoryObjects", &selection),
        &objects,
    ))
}

/// `/users/$count`.
pub(crate) fn count(context: &Context, kind: Kind) -> Result<Reply, GraphError> {
    if !query::is_eventual(context.request) {
        return Err(GraphError::bad_request(
            "$count is not currently supported.",
        ));
    }
    let wanted = Wanted::parse(context, kind.schema())?;
    let directory = context.tenant.directory();
    let number = directory
        .alive(kind)
        .filter(|at| wanted.fits(directory.get(*at)))
        .count();
    Ok(Reply::new(200, "text/plain", number.to_string()))
}

/// `$skip` isn't known to directory objects, and no relation can be expanded here.
fn refuse_unknown(context: &Context) -> Result<(), GraphError> {
    for option in ["$skip", "$expand"] {
        if context.request.query_value(option).is_some() {
            let message = format!("'{option}' is not supported by the service.");
            return Err(GraphError::unsupported(message));
        }
    }
    Ok(())
}

/// The objects of one page, and how it ends.
pub(crate) struct Paged {
    pub refs: Vec<Ref>,
    count: Option<usize>,
    end: End,
}

impl Paged {
    /// The answer with these objects, already written.
    pub fn reply(self, context: &Context, context_text: String, objects: &[u8]) -> Reply {
        let frame = Frame {
            context: context_text,
            count: self.count,
            end: self.end,
        };
        Reply::graph(200, page::frame(context.origin(), &frame, objects))
    }
}

/// Cuts the page that the request asks for out of `refs`; `fits` gets a place in it and what is
/// there, and says whether that counts.
pub(crate) fn paged(
    context: &Context,
    refs: &[Ref],
    fits: impl Fn(usize, Ref) -> bool,
) -> Result<Paged, GraphError> {
    let request = context.request;
    let size = query::page_size(request)?;
    let mut place = place(context)?;
    let first = place.next == 0;
    // A listing needs the header on every page that was asked for with it (graph.md §5).
    let count = (first && query::wants_count(request) && query::is_eventual(request)).then(|| {
        refs.iter()
            .enumerate()
            .filter(|(at, object)| fits(*at, **object))
            .count()
    });
    let before = place.next;
    place.pages += 1;
    if context.fault == Some(Fault::EndlessLink) {
        place.trapped = true;
    }
    if context.fault == Some(Fault::EmptyAnswer) {
        return Ok(Paged {
            refs: Vec::new(),
            count,
            end: End::None,
        });
    }
    if context.fault == Some(Fault::EmptyPage) {
        let end = End::Next(next_link(context, &place));
        return Ok(Paged {
            refs: Vec::new(),
            count,
            end,
        });
    }
    let mut found = refs
        .iter()
        .enumerate()
        .skip(before)
        .filter(|(place, at)| fits(*place, **at));
    let taken: Vec<Ref> = found.by_ref().take(size).map(|(_, at)| *at).collect();
    let following = found.next().map(|(next, _)| next);
    let end = if place.trapped {
        place.pages = 0;
        place.next = before;
        place.at = 0;
        End::Next(next_link(context, &place))
    } else if let Some(next) = following {
        place.next = next;
        End::Next(next_link(context, &place))
    } else {
        End::None
    };
    let end = match (context.fault, end) {
        (Some(Fault::ForeignLink), End::Next(link)) => {
            End::Next(link.replacen(context.origin(), super::FOREIGN_ORIGIN, 1))
        }
        (_, end) => end,
    };
    Ok(Paged {
        refs: taken,
        count,
        end,
    })
}

fn place(context: &Context) -> Result<Place, GraphError> {
    let path = context.request.path.clone();
    let now = context.tenant.now();
    let Some(text) = context.request.query_value("$skiptoken") else {
        return Ok(Place {
            path,
            next: 0,
            at: now,
            pages: 0,
            trapped: false,
        });
    };
    let place: Place = token::open(&context.tenant.key, text)
        .filter(|place: &Place| place.path == path)
        .ok_or_else(|| GraphError::bad_request("Badly formed token."))?;
    let lifetime = context.tenant.settings().page_token_lifetime_s;
    if !place.trapped && now - place.at > lifetime {
        return Err(GraphError::expired_page());
    }
    Ok(Place { at: now, ..place })
}

/// The same request with another skip token.
fn next_link(context: &Context, place: &Place) -> String {
    let request = context.request;
    let kept = request
        .raw_query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !name
                .trim_start_matches("%24")
                .trim_start_matches('$')
                .eq_ignore_ascii_case("skiptoken")
        });
    let mut link = format!("{}{}?", context.origin(), request.path);
    for pair in kept {
        link.push_str(pair);
        link.push('&');
    }
    link.push_str("$skiptoken=");
    link.push_str(&token::seal(&context.tenant.key, place));
    link
}
