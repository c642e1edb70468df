//! `/users/delta`, `/groups/delta`, `/contacts/delta`, `/devices/delta` (graph.md §3).

use std::collections::HashSet;

use super::cursor::{self, Cursor, Trap};
use super::error::GraphError;
use super::page::{self, End, Frame};
use super::query::Selection;
use super::{Context, token};
use crate::config::Settings;
use crate::directory::json::{Style, push_id, push_members};
use crate::directory::object::{Life, Object, Ref};
use crate::directory::round::{Item, Scope};
use crate::directory::schema::{Kind, Schema};
use crate::directory::{Directory, mark};
use crate::faults::Fault;
use crate::reply::Reply;

/// One round, as far as this page is concerned.
struct Round<'a> {
    directory: &'a Directory,
    schema: &'static Schema,
    selection: Selection,
    /// Only what changed, and null for what was cleared.
    minimal: bool,
    source: Source<'a>,
    /// Objects that came later than this belong to the next round.
    to: u64,
    removed_in_initial: bool,
}

enum Source<'a> {
    /// Everything there is.
    First(std::borrow::Cow<'a, [Ref]>),
    Changes(Vec<Item>),
}

/// Answers one page.
pub(crate) fn answer(context: &Context, kind: Kind) -> Result<Reply, GraphError> {
    context.tenant.empty_bin();
    let settings = context.tenant.settings();
    let directory = context.tenant.directory();
    let schema = kind.schema();
    let now = context.tenant.now_ms() - settings.replication_lag_s * 1000;
    let present = if settings.replication_lag_s > 0 {
        directory.sequence_at(now)
    } else {
        directory.sequence()
    };
    let mut cursor = cursor::read(context, kind, &settings, directory.sequence())?;
    if cursor::is_latest(context) {
        cursor.from = Some(present);
        let end = End::Delta(context.delta_link(kind, &cursor.token(context)));
        return Ok(finish(context, schema, &cursor, end, &[]));
    }
    let to = *cursor
        .to
        .get_or_insert(present.max(cursor.from.unwrap_or(0)));
    let selection = Selection::parse(cursor.select.as_deref(), schema)?.with_id(schema);
    let scope = Scope {
        kind,
        ids: cursor.ids.clone(),
        mask: selection.mask,
        members: selection.members && kind == Kind::Group,
    };
    let source = match cursor.from {
        None => Source::First(directory.walk(&scope)),
        Some(from) => Source::Changes(directory.changed(&scope, from, to)),
    };
    let minimal = cursor.from.is_some()
        && context
            .request
            .header("prefer")
            .is_some_and(|text| text.contains("return=minimal"));
    let round = Round {
        directory: &directory,
        schema,
        selection,
        minimal,
        source,
        to,
        removed_in_initial: settings.removed_in_initial,
    };
    let reply = page_of(context, &round, cursor, &settings);
    Ok(if minimal {
        reply.header("preference-applied", "return=minimal")
    } else {
        reply
    })
}

fn page_of(context: &Context, round: &Round, mut cursor: Cursor, settings: &Settings) -> Reply {
    let kind = round.schema.kind;
    let next = |cursor: &Cursor| End::Next(context.skip_link(kind, &cursor.token(context)));
    // An empty round is nothing unusual later on; only of a first one can a client know better.
    let empty = context.fault == Some(Fault::EmptyAnswer) && cursor.from.is_none();
    match context.fault {
        Some(Fault::EndlessChain) => cursor.trap = Some(Trap::EmptyPages),
        Some(Fault::EndlessLink) => cursor.trap = Some(Trap::SameLink),
        _ => {}
    }
    if cursor.trap == Some(Trap::EmptyPages) || context.fault == Some(Fault::EmptyPage) {
        cursor.pages += 1;
        let end = next(&cursor);
        return finish(context, round.schema, &cursor, end, &[]);
    }
    let before = cursor.clone();
    let (mut chunks, done) = round.fill(&mut cursor, settings);
    cursor.pages += 1;
    let end = if before.trap == Some(Trap::SameLink) {
        End::Next(context.skip_link(kind, &token::seal(&context.tenant.key, &before)))
    } else if done || empty {
        let ended = Cursor {
            from: cursor.to,
            to: None,
            item: 0,
            link: 0,
            length: None,
            pages: 0,
            ..cursor.clone()
        };
        End::Delta(context.delta_link(kind, &ended.token(context)))
    } else {
        next(&cursor)
    };
    let end = match context.fault {
        Some(Fault::EmptyAnswer) if empty => {
            chunks.clear();
            end
        }
        Some(Fault::Replay) => {
            // What was sent on this page, and what the round began with, once more.
            let mut start = Cursor {
                item: 0,
                link: 0,
                ..before.clone()
            };
            chunks.extend(round.fill(&mut start, settings).0);
            let again = chunks.first().cloned();
            chunks.extend(again);
            end
        }
        Some(Fault::Shuffle) => {
            chunks.reverse();
            end
        }
        Some(Fault::ShortAnswer) => End::None,
        Some(Fault::ForeignLink) => {
            let link = |text: String| text.replacen(context.origin(), super::FOREIGN_ORIGIN, 1);
            match end {
                End::Next(text) => End::Next(link(text)),
                End::Delta(text) => End::Delta(link(text)),
                End::None => End::None,
            }
        }
        _ => end,
    };
    finish(context, round.schema, &cursor, end, &chunks.join(&b','))
}

fn finish(context: &Context, schema: &Schema, cursor: &Cursor, end: End, objects: &[u8]) -> Reply {
    let suffix = cursor
        .select
        .as_ref()
        .map_or(String::new(), |names| format!("({names})"));
    let frame = Frame {
        context: format!("{}{suffix}", schema.collection),
        count: None,
        end,
    };
    Reply::graph(200, page::frame(context.origin(), &frame, objects))
}

impl Round<'_> {
    fn len(&self) -> usize {
        match &self.source {
            Source::First(refs) => refs.len(),
            Source::Changes(items) => items.len(),
        }
    }

    /// Writes objects until the page is full or the round is over; `true`: it is over.
    fn fill(&self, cursor: &mut Cursor, settings: &Settings) -> (Vec<Vec<u8>>, bool) {
        let (mut chunks, mut links) = (Vec::new(), 0);
        let length = *cursor.length.get_or_insert(self.len());
        let stride = coprime(cursor.stride, length);
        while cursor.item < length {
            let place = cursor.item.wrapping_mul(stride) % length;
            if chunks.len() >= settings.delta_page_objects.max(1)
                || links >= settings.delta_page_links.max(1)
            {
                return (chunks, false);
            }
            let room = settings.delta_page_links.max(1) - links;
            let (chunk, used, next) = match &self.source {
                Source::First(refs) => self.first(refs[place], cursor.link, room),
                Source::Changes(items) => self.change(&items[place], cursor.link, room),
            };
            chunks.extend(chunk);
            links += used;
            (cursor.item, cursor.link) = match next {
                Some(link) => (cursor.item, link),
                None => (cursor.item + 1, 0),
            };
        }
        (chunks, true)
    }

    /// One object of a first round: what is written, how many memberships that took, and where
    /// its memberships go on.
    fn first(&self, at: Ref, link: usize, room: usize) -> (Option<Vec<u8>>, usize, Option<usize>) {
        let object = self.directory.get(at);
        match object.life {
            Life::Purged => (None, 0, None),
            Life::Binned(_) => (self.removed_in_initial.then(|| removed(object)), 0, None),
            Life::Alive if object.created_seq > self.to => (None, 0, None),
            Life::Alive => self.whole(object, &[], link, room),
        }
    }

    fn change(
        &self,
        item: &Item,
        link: usize,
        room: usize,
    ) -> (Option<Vec<u8>>, usize, Option<usize>) {
        let object = self.directory.get(item.object);
        if !object.is_alive() {
            return (Some(removed(object)), 0, None);
        }
        if item.mask & (mark::CREATED | mark::RESTORED) != 0 {
            return self.whole(object, &item.touched, link, room);
        }
        let mask = if self.minimal { item.mask } else { u64::MAX };
        let mut out = self.open(object, mask);
        let group = object.members.as_slice();
        let end = (link + room).min(item.touched.len());
        let touched: HashSet<Ref> = item.touched[link..end].iter().copied().collect();
        let present: HashSet<Ref> = group
            .iter()
            .filter(|edge| touched.contains(&edge.member) && self.directory.visible(**edge))
            .map(|edge| edge.member)
            .collect();
        let links = item.touched[link..end]
            .iter()
            .map(|member| (*member, present.contains(member)));
        let used = self.push_links(&mut out, links);
        out.push(b'}');
        (Some(out), used, (end < item.touched.len()).then_some(end))
    }

    /// An object with all its members, from `link` on. Of those `touched`, the ones that left are
    /// named too: whoever knew the group before it was deleted and restored still has them.
    fn whole(
        &self,
        object: &Object,
        touched: &[Ref],
        link: usize,
        room: usize,
    ) -> (Option<Vec<u8>>, usize, Option<usize>) {
        let mut out = self.open(object, u64::MAX);
        let mut used = 0;
        let mut next = None;
        if self.selection.members && object.kind == Kind::Group {
            let touched: HashSet<Ref> = touched.iter().copied().collect();
            let edges = object.members.iter().enumerate().skip(link);
            let mut shown = edges
                .map(|(place, edge)| (place, edge.member, self.directory.visible(*edge)))
                .filter(|(_, member, visible)| *visible || touched.contains(member));
            let taken: Vec<(Ref, bool)> = shown
                .by_ref()
                .take(room)
                .map(|(_, member, visible)| (member, visible))
                .collect();
            next = shown.next().map(|(place, ..)| place);
            used = self.push_links(&mut out, taken.into_iter());
        }
        out.push(b'}');
        (Some(out), used, next)
    }

    fn open(&self, object: &Object, mask: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.push(b'{');
        let properties = &self.selection.properties;
        let style = Style {
            omit_unset: true,
            ..Style::default()
        };
        if mask == u64::MAX {
            push_members(&mut out, object, self.schema, properties, style);
        } else {
            let id = self.schema.find("id");
            let changed: Vec<usize> = properties
                .iter()
                .copied()
                .filter(|place| mask & (1 << place) != 0 || Some(*place) == id)
                .collect();
            push_members(&mut out, object, self.schema, &changed, style);
        }
        out
    }

    /// Writes `members@delta`; nothing at all where there are none.
    fn push_links(&self, out: &mut Vec<u8>, links: impl Iterator<Item = (Ref, bool)>) -> usize {
        let mut count = 0;
        for (member, present) in links {
            let member = self.directory.get(member);
            out.extend_from_slice(if count == 0 {
                b",\"members@delta\":["
            } else {
                b","
            });
            out.extend_from_slice(b"{\"@odata.type\":\"#");
            out.extend_from_slice(member.kind.schema().type_name.as_bytes());
            out.extend_from_slice(b"\",\"id\":");
            push_id(out, member.id);
            if !present {
                out.extend_from_slice(b",\"@removed\":{\"reason\":\"deleted\"}");
            }
            out.push(b'}');
            count += 1;
        }
        if count > 0 {
            out.push(b']');
        }
        count
    }
}

/// An object that is gone: `changed` in the bin, `deleted` for good (graph.md §3.3).
fn removed(object: &Object) -> Vec<u8> {
    let reason = if object.life == Life::Purged {
        "deleted"
    } else {
        "changed"
    };
    format!(
        r#"{{"id":"{}","@removed":{{"reason":"{reason}"}}}}"#,
        object.id
    )
    .into_bytes()
}

/// The next number from `stride` on that shares no divisor with `length`.
fn coprime(stride: usize, length: usize) -> usize {
    let divisor = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    // A prime below the length at the latest, or 1.
    let candidates = stride.max(1)..=stride.saturating_add(length).max(1);
    candidates
        .into_iter()
        .find(|candidate| divisor(*candidate, length) <= 1)
        .unwrap_or(1)
}
