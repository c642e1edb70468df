//! What mapping costs a person, by itself: it is done beside the reading, and no database has part
//! in it.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use domain::{
    id::ExternalId,
    mapping::{AttributeRule, Mapping, MappingRule},
    policy::ObjectType,
};
use planner::{
    mapping::Mapper,
    read::{Content, Mapped, Presence, SourceObject},
};
use uuid::Uuid;

use crate::{Result, part::median};

/// People that are mapped in one go.
const PEOPLE: u32 = 50_000;
/// Goes, of which the one in the middle counts.
const GOES: usize = 9;

/// What is measured, with the most that it may take a person.
pub const AIM: Duration = Duration::from_micros(3);

/// Expressions as people write them, from the plainest on.
const EXPRESSIONS: [&str; 4] = [
    "upper(department)",
    "lower(strip_diacritics(givenName)) + '.' + lower(surname)",
    "switch(department, 'Sales', 'S', 'Finance', 'F', 'Engineering', 'E', coalesce(city, 'none'))",
    "proxyAddresses.filter(a, a.startsWith('smtp:'))",
];

/// Each expression with what it takes a person.
pub fn measure() -> Result<Vec<(&'static str, Duration)>> {
    EXPRESSIONS
        .into_iter()
        .map(|text| Ok((text, one(text)?)))
        .collect()
}

/// Prints them.
pub fn print() -> Result<()> {
    for (text, took) in measure()? {
        println!("{:>7.2} µs  {text}", micros(took));
    }
    Ok(())
}

/// In microseconds.
pub fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6
}

/// What the evaluation of one takes: without what a rule costs besides, which is a look at the
/// object.
fn one(text: &str) -> Result<Duration> {
    let rule = AttributeRule {
        attribute: "faxNumber".to_owned(),
        rule: MappingRule::Expression(text.to_owned()),
    };
    let mapping = Mapping {
        user: vec![rule],
        ..Mapping::default()
    };
    let mapper = Mapper::new(&mapping.checked()?)?;
    let person = person();
    let mut goes = Vec::new();
    for _ in 0..GOES {
        let begun = Instant::now();
        for _ in 0..PEOPLE {
            black_box(mapper.made(black_box(&person)));
        }
        goes.push(begun.elapsed() / PEOPLE);
    }
    Ok(median(goes))
}

fn person() -> SourceObject {
    let text = |text: &str| Some(text.to_owned());
    let attributes = [
        ("department", "Engineering".into()),
        ("jobTitle", "Systems engineer".into()),
        ("city", "’s-Hertogenbosch".into()),
        (
            "proxyAddresses",
            vec!["SMTP:zoe.muller@contoso.example", "smtp:zoe@old.example"].into(),
        ),
    ];
    SourceObject {
        object_type: ObjectType::User,
        external_id: ExternalId(Uuid::from_u128(1)),
        presence: Presence::Present,
        content: Content {
            display_name: "Zoë Müller".to_owned(),
            user_principal_name: text("zoe.muller@contoso.example"),
            given_name: text("Zoë"),
            surname: text("Müller"),
            mail: text("zoe.muller@contoso.example"),
            attributes: attributes
                .into_iter()
                .map(|(name, value): (&str, serde_json::Value)| (name.to_owned(), value))
                .collect(),
            ..Content::default()
        },
        mapped: Mapped::default(),
    }
}
