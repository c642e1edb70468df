//! Tenants from a seed: the same number gives the same people.

pub(crate) mod groups;
pub(crate) mod names;
pub(crate) mod people;

use chrono::{DateTime, Utc};
use rand_chacha::ChaCha8Rng;

use crate::config::TenantConfig;
use crate::directory::Directory;
use crate::directory::object::{Life, Object};
use crate::directory::schema::{self, Kind, service_principal};
use crate::directory::snapshot::GroupKind;
use crate::farm::random_id;

/// Fills a directory.
pub(crate) fn plant(
    config: &TenantConfig,
    domain: &str,
    now: DateTime<Utc>,
    rng: &mut ChaCha8Rng,
) -> Directory {
    // Times hang on the day, so that one day's farms are alike.
    let now = now.timestamp().div_euclid(86_400) * 86_400;
    let mut directory = Directory::default();
    for place in 0..config.users {
        let id = random_id(rng);
        directory.seed(people::user(rng, id, place, domain, now));
    }
    for place in 0..config.deleted_users {
        let id = random_id(rng);
        let mut user = people::user(rng, id, config.users + place, domain, now);
        user.life = Life::Binned(now - 86_400);
        directory.seed_binned(user);
    }
    for place in 0..config.groups {
        let id = random_id(rng);
        directory.seed(groups::group(rng, id, place, domain, now));
    }
    for place in 0..config.contacts {
        let id = random_id(rng);
        directory.seed(people::contact(rng, id, place, now));
    }
    for place in 0..config.devices {
        let id = random_id(rng);
        directory.seed(people::device(rng, id, place, now));
    }
    let mut principal = Object::new(Kind::ServicePrincipal, random_id(rng), now);
    principal.set_text(schema::DISPLAY_NAME, "Payroll connector");
    principal.set_text(service_principal::APP_ID, random_id(rng).to_string());
    directory.seed(principal);
    groups::populate(&mut directory, config.memberships, rng);
    directory
}

/// Sets the attributes that make a group of this kind (graph.md §6.1).
pub(crate) fn set_group_kind(object: &mut Object, kind: GroupKind) {
    let (unified, mail, security) = match kind {
        GroupKind::Security => (false, false, true),
        GroupKind::Microsoft365 => (true, true, false),
        GroupKind::MailEnabledSecurity => (false, true, true),
        GroupKind::Distribution => (false, true, false),
    };
    object.set_flag(schema::group::UNIFIED, Some(unified));
    object.set_flag(schema::group::MAIL_ENABLED, Some(mail));
    object.set_flag(schema::group::SECURITY_ENABLED, Some(security));
}
