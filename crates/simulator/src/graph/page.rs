//! Writing one page of a collection.

use super::query::Selection;
use crate::directory::Directory;
use crate::directory::json::{Style, push_members, push_text};
use crate::directory::object::Ref;
use crate::directory::schema::{Kind, Schema};

/// How a page ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// There is more behind this link.
    Next(String),
    /// The round is over; changes are behind this link.
    Delta(String),
    /// Nothing follows.
    None,
}

/// What stands around the objects.
pub(crate) struct Frame {
    /// What follows `$metadata#`.
    pub context: String,
    pub count: Option<usize>,
    pub end: End,
}

/// Puts the objects, already written and joined by commas, into their frame.
pub(crate) fn frame(origin: &str, frame: &Frame, objects: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(objects.len() + 600);
    body.extend_from_slice(b"{\"@odata.context\":");
    push_text(
        &mut body,
        &format!("{origin}/v1.0/$metadata#{}", frame.context),
    );
    if let Some(count) = frame.count {
        body.extend_from_slice(format!(",\"@odata.count\":{count}").as_bytes());
    }
    let link = match &frame.end {
        End::Next(link) => Some(("@odata.nextLink", link)),
        End::Delta(link) => Some(("@odata.deltaLink", link)),
        End::None => None,
    };
    if let Some((name, link)) = link {
        body.extend_from_slice(format!(",\"{name}\":").as_bytes());
        push_text(&mut body, link);
    }
    body.extend_from_slice(b",\"value\":[");
    body.extend_from_slice(objects);
    body.extend_from_slice(b"]}");
    body
}

/// The part of a context that names a collection and what was selected of it.
pub(crate) fn context(collection: &str, selection: &Selection) -> String {
    match &selection.named {
        Some(names) => format!("{collection}({names})"),
        None => collection.to_owned(),
    }
}

/// One selection for each kind, for collections that mix them.
#[derive(Debug, Clone)]
pub(crate) struct MixedSelection {
    by_kind: [Vec<usize>; Kind::ALL.len()],
}

impl MixedSelection {
    /// A name that one kind doesn't have is left out for that kind.
    pub fn parse(select: Option<&str>) -> Self {
        let by_kind = Kind::ALL.map(|kind| {
            let schema = kind.schema();
            match select {
                Some(names) => names
                    .split(',')
                    .filter_map(|name| schema.find(name.trim()))
                    .collect(),
                None => defaults(schema),
            }
        });
        Self { by_kind }
    }

    pub fn of(&self, kind: Kind) -> &[usize] {
        &self.by_kind[kind.index()]
    }
}

fn defaults(schema: &Schema) -> Vec<usize> {
    let all = schema.properties.iter().enumerate();
    all.filter(|(_, property)| property.default)
        .map(|(position, _)| position)
        .collect()
}

/// Writes objects of several kinds, each with its type.
pub(crate) fn write_mixed(
    directory: &Directory,
    refs: &[Ref],
    selection: &MixedSelection,
    can_read: impl Fn(Kind) -> bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(refs.len() * 300);
    for at in refs {
        let object = directory.get(*at);
        let style = Style {
            typed: true,
            omit_unset: false,
            limited: !can_read(object.kind),
        };
        if !out.is_empty() {
            out.push(b',');
        }
        out.push(b'{');
        push_members(
            &mut out,
            object,
            object.kind.schema(),
            selection.of(object.kind),
            style,
        );
        out.push(b'}');
    }
    out
}

/// Writes objects of one kind.
pub(crate) fn write_plain(
    directory: &Directory,
    refs: &[Ref],
    schema: &Schema,
    properties: &[usize],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(refs.len() * 400);
    for at in refs {
        if !out.is_empty() {
            out.push(b',');
        }
        out.push(b'{');
        push_members(
            &mut out,
            directory.get(*at),
            schema,
            properties,
            Style::default(),
        );
        out.push(b'}');
    }
    out
}
