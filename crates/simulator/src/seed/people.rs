//! Users, contacts and devices.

use rand::Rng;
use uuid::Uuid;

use super::names::{self, Name};
use crate::directory::object::Object;
use crate::directory::schema::{self, Kind, contact, device, user};

/// So many users have an address without a number.
const PLAIN: usize = 12;

/// What is out of the ordinary about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quirk {
    None,
    Guest,
    Disabled,
    NoSurname,
    NoGivenName,
    /// A room or a service account: a display name and nothing else.
    Room,
    Odd(usize),
    Long,
}

/// Even the smallest tenant has a guest, a disabled person and someone without a surname; who is
/// what follows from the place alone, so that every size has its share.
fn quirk(place: usize) -> Quirk {
    match place % 40 {
        3 | 21 => Quirk::Guest,
        5 | 29 => Quirk::Disabled,
        7 => Quirk::NoSurname,
        9 => odd(place / 40 * 2),
        13 => Quirk::NoGivenName,
        17 => Quirk::Room,
        25 => odd(place / 40 * 2 + 1),
        35 if place % 400 == 35 => Quirk::Long,
        _ => Quirk::None,
    }
}

/// Each odd name once: more of them would fill the first pages of every list.
fn odd(which: usize) -> Quirk {
    if which < names::ODD_NAMES.len() {
        Quirk::Odd(which)
    } else {
        Quirk::None
    }
}

/// The user in this place of the tenant.
pub(crate) fn user(rng: &mut impl Rng, id: Uuid, place: usize, domain: &str, now: i64) -> Object {
    let created = now - rng.random_range(86_400..5 * 365 * 86_400);
    let mut object = Object::new(Kind::User, id, created);
    let plain = place < PLAIN;
    let name = if plain {
        names::spread(place, rng)
    } else {
        names::pick(rng)
    };
    let quirk = quirk(place);
    object.set_flag(user::ENABLED, Some(quirk != Quirk::Disabled));
    object.set_text(user::USER_TYPE, "Member");
    object.set_text(schema::DISPLAY_NAME, display_name(name, quirk));
    if !matches!(quirk, Quirk::NoGivenName | Quirk::Room) {
        object.set_text(user::GIVEN_NAME, name.given);
    }
    if !matches!(quirk, Quirk::NoSurname | Quirk::Room) {
        object.set_text(user::SURNAME, name.surname);
    }
    let local = match quirk {
        Quirk::Room => format!("room.{place}"),
        _ if plain => format!("{}.{}", name.given_ascii, name.surname_ascii),
        // The place keeps the address one of a kind.
        _ => format!("{}.{}{place}", name.given_ascii, name.surname_ascii),
    };
    object.set_text(user::MAIL_NICKNAME, local.clone());
    if quirk == Quirk::Guest {
        guest(&mut object, &local, domain);
        return object;
    }
    let upn = format!("{local}@{domain}");
    match place % 8 {
        // Some have no mailbox, some are written to under the company's other domain.
        6 => {}
        1 | 4 => object.set_text(user::MAIL, other_domain(&local, domain)),
        _ => object.set_text(user::MAIL, upn.clone()),
    }
    object.set_text(user::UPN, upn);
    if quirk != Quirk::Room {
        work(&mut object, rng, name, place);
    }
    object
}

fn other_domain(local: &str, domain: &str) -> String {
    format!(
        "{local}@{}.example",
        domain.split('.').next().unwrap_or(domain)
    )
}

fn display_name(name: Name, quirk: Quirk) -> String {
    match quirk {
        Quirk::Odd(which) => names::ODD_NAMES[which].to_owned(),
        // 256 characters is the most Entra takes (graph.md §6.2); these take four bytes each.
        Quirk::Long => "𝔏𝔬𝔫𝔤 ".chars().cycle().take(256).collect(),
        Quirk::Room => format!("Meeting room {}", name.city),
        Quirk::NoSurname => name.given.to_owned(),
        _ => name.display(),
    }
}

/// graph.md §6.2: a guest's user principal name is made from the real address.
fn guest(object: &mut Object, local: &str, domain: &str) {
    object.set_text(user::USER_TYPE, "Guest");
    object.set_text(user::UPN, format!("{local}_partner.example#EXT#@{domain}"));
    object.set_text(user::MAIL, format!("{local}@partner.example"));
    object.set_text(user::OTHER_MAILS, format!("{local}@partner.example"));
    object.set_text(user::CREATION_TYPE, "Invitation");
    let accepted = !object.id.as_bytes()[0].is_multiple_of(3);
    object.set_text(
        user::EXTERNAL_STATE,
        if accepted {
            "Accepted"
        } else {
            "PendingAcceptance"
        },
    );
}

fn work(object: &mut Object, rng: &mut impl Rng, name: Name, place: usize) {
    object.set_text(user::JOB_TITLE, names::any(names::JOBS, rng));
    object.set_text(user::DEPARTMENT, names::any(names::DEPARTMENTS, rng));
    object.set_text(user::CITY, name.city);
    object.set_text(user::COUNTRY, name.country);
    object.set_text(user::USAGE_LOCATION, name.country);
    object.set_text(user::LANGUAGE, name.language);
    object.set_flag(user::LICENSED, Some(!place.is_multiple_of(10)));
    match place % 4 {
        0 => {
            let number = rng.random_range(10_000_000..99_999_999);
            object.set_text(user::MOBILE, format!("+31 6 {number}"));
        }
        1 => {
            let number = rng.random_range(1_000_000..9_999_999);
            object.set_text(user::BUSINESS_PHONES, format!("+44 20 {number}"));
        }
        _ => {}
    }
    if place.is_multiple_of(3) {
        object.set_text(user::OFFICE, names::any(names::CITIES, rng));
        object.set_text(user::EMPLOYEE_ID, format!("E{:06}", place % 1_000_000));
    }
    if place % 3 == 1 {
        object.set_text(user::COST_CENTER, format!("{}", 4_000 + place % 40));
    }
    if place % 5 == 2 {
        // An Exchange server on-premises fills these in.
        object.set_text(
            user::EXTENSIONS,
            format!("1 {}\n2 floor {}", name.surname_ascii, place % 9),
        );
        object.set_text(
            user::DIVISION,
            if place.is_multiple_of(2) {
                "North"
            } else {
                "South"
            },
        );
        object.set_flag(user::SYNCED, Some(true));
        object.set_text(user::SAM_ACCOUNT, format!("{}{place}", name.surname_ascii));
        object.set_text(
            user::IMMUTABLE_ID,
            format!("{:022x}==", object.id.as_u128() >> 40),
        );
    }
}

/// The contact in this place of the tenant.
pub(crate) fn contact(rng: &mut impl Rng, id: Uuid, place: usize, now: i64) -> Object {
    let mut object = Object::new(
        Kind::Contact,
        id,
        now - rng.random_range(86_400..90_000_000),
    );
    let name = names::pick(rng);
    let local = format!("{}.{}{place}", name.given_ascii, name.surname_ascii);
    object.set_text(schema::DISPLAY_NAME, format!("{} (extern)", name.display()));
    object.set_text(contact::GIVEN_NAME, name.given);
    if place % 6 != 5 {
        object.set_text(contact::SURNAME, name.surname);
    }
    object.set_text(contact::MAIL, format!("{local}@supplier.example"));
    object.set_text(contact::MAIL_NICKNAME, local);
    object.set_text(contact::COMPANY, "Supplier & Sons");
    object.set_text(contact::JOB_TITLE, names::any(names::JOBS, rng));
    object.set_text(contact::CITY, name.city);
    object.set_text(contact::COUNTRY, name.country);
    object.set_text(
        contact::BUSINESS,
        format!("+49 30 {}", rng.random_range(100_000..999_999)),
    );
    object
}

/// The device in this place of the tenant.
pub(crate) fn device(rng: &mut impl Rng, id: Uuid, place: usize, now: i64) -> Object {
    const SYSTEMS: [(&str, &str, &str, &str); 5] = [
        ("Windows", "10.0.22631.3447", "Dell Inc.", "Latitude 7440"),
        ("Windows", "10.0.19045.4291", "LENOVO", "ThinkPad X1"),
        ("iOS", "17.4.1", "Apple", "iPhone 15"),
        ("Android", "14", "Google", "Pixel 8"),
        ("MacMDM", "14.4.1", "Apple", "MacBook Air"),
    ];
    let registered = now - rng.random_range(86_400..90_000_000);
    let mut object = Object::new(Kind::Device, id, registered);
    let (system, version, maker, model) = SYSTEMS[place % SYSTEMS.len()];
    object.set_text(
        schema::DISPLAY_NAME,
        format!("DESKTOP-{:06X}", rng.random_range(0..0xFF_FFFF)),
    );
    object.set_text(device::DEVICE_ID, crate::farm::random_id(rng).to_string());
    object.set_text(device::SYSTEM, system);
    object.set_text(device::SYSTEM_VERSION, version);
    object.set_text(device::MANUFACTURER, maker);
    object.set_text(device::MODEL, model);
    object.set_text(
        device::TRUST,
        ["AzureAd", "ServerAd", "Workplace"][place % 3],
    );
    object.set_text(device::PROFILE, "RegisteredDevice");
    let text = crate::directory::object::timestamp;
    object.set_text(device::REGISTERED, text(registered));
    object.set_text(
        device::LAST_SIGN_IN,
        text(now - rng.random_range(0..2_000_000)),
    );
    object.set_flag(device::ENABLED, Some(place % 11 != 10));
    object.set_flag(
        device::COMPLIANT,
        (place % 4 != 3).then_some(place % 4 != 2),
    );
    object.set_flag(device::MANAGED, Some(place.is_multiple_of(2)));
    object
}
