//! "n random changes": what happens in a tenant on an ordinary day, and some of what is rare.

use rand::Rng;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};

use crate::directory::Directory;
use crate::directory::object::{Object, Ref, timestamp};
use crate::directory::schema::{self, Kind};
use crate::directory::snapshot::GroupKind;
use crate::farm::random_id;
use crate::seed::{self, names};
use crate::tenant::Tenant;

/// Makes `count` changes. One that can't be made (nothing to restore) is replaced by another.
pub(crate) fn change(tenant: &Tenant, count: usize, seed: u64) -> Vec<String> {
    changes(tenant, count, seed, What::Everything)
}

/// The same of contacts and devices, and of their memberships.
pub(crate) fn change_others(tenant: &Tenant, count: usize, seed: u64) -> Vec<String> {
    changes(tenant, count, seed, What::Others)
}

/// What changes.
#[derive(Clone, Copy)]
enum What {
    /// People and groups above all.
    Everything,
    /// Contacts and devices.
    Others,
}

fn changes(tenant: &Tenant, count: usize, seed: u64, what: What) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let now = tenant.now_ms();
    let mut directory = tenant.directory_mut();
    let mut day = Day {
        directory: &mut directory,
        rng: &mut rng,
        now,
        domain: &tenant.domain,
    };
    let mut done = Vec::with_capacity(count);
    let mut tries = 0;
    // An empty tenant has nothing to change; it isn't waited for.
    while done.len() < count && tries < count * 50 + 100 {
        tries += 1;
        done.extend(match what {
            What::Everything => day.one(),
            What::Others => day.other(),
        });
    }
    done
}

struct Day<'a> {
    directory: &'a mut Directory,
    rng: &'a mut ChaCha8Rng,
    now: i64,
    domain: &'a str,
}

impl Day<'_> {
    fn one(&mut self) -> Option<String> {
        match self.rng.random_range(0..100) {
            0..10 => Some(self.create_user()),
            10..20 => self.set_user("displayName"),
            20..26 => self.move_upn(),
            26..36 => self.set_user("jobTitle"),
            36..40 => self.set_user("surname"),
            40..50 => self.toggle(Kind::User),
            50..57 => self.delete(Kind::User, false),
            57..59 => self.delete(Kind::User, true),
            59..63 => self.restore(),
            63..66 => Some(self.create_group()),
            66..69 => self.rename_group(),
            69..71 => self.delete(Kind::Group, false),
            71..86 => self.link(Kind::User),
            86..96 => self.unlink(),
            96..97 => self.swap_upns(),
            97..98 => self.delete(Kind::Device, true),
            98..99 => self.delete(Kind::Contact, true),
            _ => self.nest(),
        }
    }

    fn other(&mut self) -> Option<String> {
        let kind = if self.rng.random() {
            Kind::Contact
        } else {
            Kind::Device
        };
        match self.rng.random_range(0..100) {
            0..20 => Some(self.create_other(kind)),
            20..35 => self.set_other(kind, "displayName"),
            35..40 => self.set_other(Kind::Contact, "jobTitle"),
            40..45 => self.set_other(Kind::Device, "operatingSystemVersion"),
            // Nothing that a sync should notice.
            45..50 => self.set_other(Kind::Device, "approximateLastSignInDateTime"),
            50..60 => self.toggle(Kind::Device),
            60..70 => self.delete(kind, false),
            70..90 => self.link(kind),
            _ => self.unlink_other(kind),
        }
    }

    fn create_other(&mut self, kind: Kind) -> String {
        let place = self.directory.of_kind(kind).len();
        let id = random_id(self.rng);
        let now = self.now / 1000;
        let object = match kind {
            Kind::Contact => seed::people::contact(self.rng, id, place, now),
            _ => seed::people::device(self.rng, id, place, now),
        };
        // The id is new, so nothing can stand against it.
        let _ = self.directory.create(self.now, object);
        format!("{} {id} is created", kind.schema().title)
    }

    /// A tenth of the names are taken away: what Entra ID shows then is nothing.
    fn set_other(&mut self, kind: Kind, name: &str) -> Option<String> {
        let at = self.pick(kind)?;
        let number = self.rng.random_range(0..1_000_000);
        let value = match name {
            "displayName" if number % 10 == 0 => Json::Null,
            "approximateLastSignInDateTime" => {
                json!(timestamp(self.now / 1000 + number))
            }
            _ => json!(format!("New {number}")),
        };
        self.set(at, name, &value)
    }

    fn unlink_other(&mut self, kind: Kind) -> Option<String> {
        let member = self.pick(kind)?;
        let groups: Vec<Ref> = self.directory.groups_of(member).collect();
        let group = *groups.choose(self.rng)?;
        self.directory.unlink(self.now, group, member);
        Some(self.edge("leaves", group, member))
    }

    /// A living object of this kind. Purged ones aren't looked for long.
    fn pick(&mut self, kind: Kind) -> Option<Ref> {
        let all = self.directory.of_kind(kind);
        (0..20)
            .filter_map(|_| all.choose(self.rng).copied())
            .find(|at| self.directory.get(*at).is_alive())
    }

    fn set(&mut self, at: Ref, name: &str, value: &Json) -> Option<String> {
        let before = self.directory.sequence();
        self.directory.set(self.now, at, name, value).ok()?;
        let id = self.directory.get(at).id;
        (self.directory.sequence() > before).then(|| format!("{name} of {id} is now {value}"))
    }

    fn create_user(&mut self) -> String {
        let place = self.directory.of_kind(Kind::User).len();
        let id = random_id(self.rng);
        let user = seed::people::user(self.rng, id, place, self.domain, self.now / 1000);
        let text = format!("user {id} is created");
        // The id is new, so nothing can stand against it.
        let _ = self.directory.create(self.now, user);
        text
    }

    fn create_group(&mut self) -> String {
        let id = random_id(self.rng);
        let mut group = Object::new(Kind::Group, id, self.now / 1000);
        let number = self.directory.of_kind(Kind::Group).len();
        group.set_text(schema::DISPLAY_NAME, format!("New group {number}"));
        let kinds = [
            GroupKind::Security,
            GroupKind::Security,
            GroupKind::Microsoft365,
        ];
        let kind = kinds[self.rng.random_range(0..kinds.len())];
        seed::set_group_kind(&mut group, kind);
        let _ = self.directory.create(self.now, group);
        format!("group {id} is created")
    }

    fn set_user(&mut self, name: &str) -> Option<String> {
        let at = self.pick(Kind::User)?;
        let value = match name {
            "jobTitle" => json!(names::JOBS.choose(self.rng)),
            _ if self.rng.random_ratio(1, 10) && name == "surname" => Json::Null,
            "surname" => json!(names::pick(self.rng).surname),
            _ => {
                let person = names::pick(self.rng);
                json!(format!("{} {}", person.given, person.surname))
            }
        };
        self.set(at, name, &value)
    }

    fn move_upn(&mut self) -> Option<String> {
        let at = self.pick(Kind::User)?;
        let number = self.rng.random_range(0..1_000_000);
        self.set(
            at,
            "userPrincipalName",
            &json!(format!("moved.{number}@{}", self.domain)),
        )
    }

    /// Two people change names with each other: identity is the id, not the name.
    fn swap_upns(&mut self) -> Option<String> {
        let (left, right) = (self.pick(Kind::User)?, self.pick(Kind::User)?);
        let upn = |at| {
            self.directory
                .get(at)
                .text(schema::user::UPN)
                .map(str::to_owned)
        };
        let (left_upn, right_upn) = (upn(left)?, upn(right)?);
        self.set(left, "userPrincipalName", &json!(right_upn))?;
        self.set(right, "userPrincipalName", &json!(left_upn))
    }

    fn toggle(&mut self, kind: Kind) -> Option<String> {
        let at = self.pick(kind)?;
        let flag = match kind {
            Kind::Device => schema::device::ENABLED,
            _ => schema::user::ENABLED,
        };
        let enabled = self.directory.get(at).has(flag);
        self.set(at, "accountEnabled", &json!(!enabled))
    }

    fn rename_group(&mut self) -> Option<String> {
        let at = self.pick(Kind::Group)?;
        let number = self.rng.random_range(0..1_000_000);
        self.set(at, "displayName", &json!(format!("Renamed group {number}")))
    }

    fn delete(&mut self, kind: Kind, hard: bool) -> Option<String> {
        let at = self.pick(kind)?;
        let id = self.directory.get(at).id;
        self.directory.delete(self.now, at, hard);
        Some(format!(
            "{id} is deleted{}",
            if hard { " for good" } else { "" }
        ))
    }

    fn restore(&mut self) -> Option<String> {
        let binned: Vec<Ref> = self
            .directory
            .deleted(Kind::User)
            .chain(self.directory.deleted(Kind::Group))
            .collect();
        let at = *binned.choose(self.rng)?;
        let id = self.directory.get(at).id;
        self.directory.restore(self.now, at);
        Some(format!("{id} is restored"))
    }

    fn link(&mut self, kind: Kind) -> Option<String> {
        let (group, member) = (self.pick(Kind::Group)?, self.pick(kind)?);
        let added = self.directory.link(self.now, group, member).ok()?;
        added.then(|| self.edge("joins", group, member))
    }

    fn nest(&mut self) -> Option<String> {
        let (group, member) = (self.pick(Kind::Group)?, self.pick(Kind::Group)?);
        let added = self.directory.link(self.now, group, member).ok()?;
        added.then(|| self.edge("joins", group, member))
    }

    fn unlink(&mut self) -> Option<String> {
        let group = self.pick(Kind::Group)?;
        let members: Vec<Ref> = self.directory.members(group).collect();
        let member = *members.choose(self.rng)?;
        self.directory.unlink(self.now, group, member);
        Some(self.edge("leaves", group, member))
    }

    fn edge(&self, verb: &str, group: Ref, member: Ref) -> String {
        let id = |at| self.directory.get(at).id;
        format!("{} {verb} {}", id(member), id(group))
    }
}
