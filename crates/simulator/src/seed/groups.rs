//! Groups of every kind, and who is in them.

use std::collections::HashSet;

use rand::Rng;
use uuid::Uuid;

use super::{names, set_group_kind};
use crate::directory::Directory;
use crate::directory::object::{Object, Ref};
use crate::directory::schema::{self, Kind, group};
use crate::directory::snapshot::GroupKind;

/// How many groups the nesting cycle has.
const CYCLE: usize = 3;

/// The group in this place of the tenant. The first six are one of each kind, so that the
/// smallest tenant has them all; the first is the large one.
pub(crate) fn group(rng: &mut impl Rng, id: Uuid, place: usize, domain: &str, now: i64) -> Object {
    let mut object = Object::new(Kind::Group, id, now - rng.random_range(86_400..90_000_000));
    let department = names::any(names::DEPARTMENTS, rng);
    let city = names::any(names::CITIES, rng);
    let (kind, dynamic, name) = match place {
        0 => (GroupKind::Security, false, "All employees".to_owned()),
        1 => (GroupKind::Microsoft365, false, "Project Aurora".to_owned()),
        2 => (
            GroupKind::MailEnabledSecurity,
            false,
            "Mail-enabled admins".to_owned(),
        ),
        3 => (GroupKind::Distribution, false, "Newsletter".to_owned()),
        4 => (
            GroupKind::Security,
            true,
            "Everyone in Berlin (dynamic)".to_owned(),
        ),
        5 => (GroupKind::Security, false, "Empty on purpose".to_owned()),
        _ => {
            let kind = match place % 20 {
                0 | 4 | 8 | 12 => GroupKind::Microsoft365,
                5 => GroupKind::MailEnabledSecurity,
                10 => GroupKind::Distribution,
                _ => GroupKind::Security,
            };
            let dynamic = place % 20 == 15;
            let name = match place % 50 {
                // Some are named like nothing one would choose.
                33 => names::ODD_NAMES[place / 50 % names::ODD_NAMES.len()].to_owned(),
                1 => format!("{department}{city}{place}"),
                2 => format!("{department}.{city}.{place}"),
                _ => format!("{department} {city} {place}"),
            };
            (kind, dynamic, name)
        }
    };
    object.set_text(schema::DISPLAY_NAME, name);
    if place % 3 != 2 {
        object.set_text(group::DESCRIPTION, format!("{department} in {city}"));
    }
    set_group_kind(&mut object, kind);
    let nickname = format!("group{place}");
    if object.has(group::MAIL_ENABLED) {
        object.set_text(group::MAIL, format!("{nickname}@{domain}"));
    }
    object.set_text(group::MAIL_NICKNAME, nickname);
    if kind == GroupKind::Microsoft365 {
        object.set_text(
            group::VISIBILITY,
            if place.is_multiple_of(8) {
                "Public"
            } else {
                "Private"
            },
        );
        object.set_flag(group::TEAM, Some(place % 12 == 8));
    }
    if dynamic {
        object.set_flag(group::DYNAMIC, Some(true));
        object.set_text(group::RULE, "user.city -eq \"Berlin\"");
        object.set_text(group::RULE_STATE, "On");
    }
    if place % 20 == 7 {
        object.set_flag(group::SYNCED, Some(true));
    }
    object
}

/// Puts about `wanted` memberships into the groups: a fifth of them, or everybody, in the large
/// one; then a chain of nested groups with a cycle; the rest evenly with some chance.
pub(crate) fn populate(directory: &mut Directory, wanted: usize, rng: &mut impl Rng) {
    let groups: Vec<Ref> = directory.of_kind(Kind::Group).to_vec();
    let users: Vec<Ref> = directory.alive(Kind::User).collect();
    let [large, rest @ ..] = groups.as_slice() else {
        return;
    };
    if users.is_empty() {
        return;
    }
    let in_large = users.len().min((wanted / 5).max(users.len().min(20)));
    users[..in_large]
        .iter()
        .for_each(|user| directory.seed_edge(*large, *user));
    let mut left = wanted.saturating_sub(in_large);
    left = left.saturating_sub(nest(directory, rest));
    left = left.saturating_sub(mix(directory, *large));

    let open: Vec<Ref> = rest
        .iter()
        .copied()
        .filter(|at| !stays_empty(directory, *at))
        .collect();
    for (place, group) in open.iter().enumerate() {
        let share = left / (open.len() - place);
        let most = users.len().min(share * 2);
        let size = if place + 1 == open.len() {
            left
        } else {
            rng.random_range(0..=most)
        };
        let size = size.min(users.len());
        fill(directory, *group, &users, size, rng);
        left = left.saturating_sub(size);
    }
}

/// Empty groups are as common as any.
fn stays_empty(directory: &Directory, group: Ref) -> bool {
    let object = directory.get(group);
    object.text(schema::DISPLAY_NAME) == Some("Empty on purpose") || object.id.as_bytes()[1] < 8
}

/// `size` users who follow each other, from a place that chance decides: no search for doubles.
fn fill(directory: &mut Directory, group: Ref, users: &[Ref], size: usize, rng: &mut impl Rng) {
    let already: HashSet<Ref> = directory.members(group).collect();
    let start = rng.random_range(0..users.len());
    // A step that shares no divisor with the number of users visits each once.
    let step = [7919, 104_729, 1]
        .into_iter()
        .find(|step| !users.len().is_multiple_of(*step))
        .unwrap_or(1);
    for number in 0..size {
        let user = users[(start + number * step) % users.len()];
        if already.is_empty() || !already.contains(&user) {
            directory.seed_edge(group, user);
        }
    }
}

/// Security groups inside each other, the last of which holds the first.
fn nest(directory: &mut Directory, groups: &[Ref]) -> usize {
    let plain = |at: &Ref| {
        let object = directory.get(*at);
        object.has(group::SECURITY_ENABLED)
            && !object.has(group::MAIL_ENABLED)
            && !object.has(group::DYNAMIC)
            && !stays_empty(directory, *at)
    };
    let chain: Vec<Ref> = groups
        .iter()
        .copied()
        .filter(plain)
        .take(CYCLE + 2)
        .collect();
    let mut edges: Vec<(Ref, Ref)> = chain.windows(2).map(|pair| (pair[0], pair[1])).collect();
    if chain.len() >= CYCLE {
        edges.push((chain[CYCLE - 1], chain[0]));
    }
    for (outer, inner) in &edges {
        directory.seed_edge(*outer, *inner);
    }
    edges.len()
}

/// A device, a contact and a service principal among the members of the large group.
fn mix(directory: &mut Directory, large: Ref) -> usize {
    let others: Vec<Ref> = [Kind::Device, Kind::Contact, Kind::ServicePrincipal]
        .into_iter()
        .filter_map(|kind| directory.of_kind(kind).first().copied())
        .collect();
    for member in &others {
        directory.seed_edge(large, *member);
    }
    others.len()
}
