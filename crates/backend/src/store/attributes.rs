//! The attributes of an object of the directory, which are kept as the source named them, as text.

use std::collections::BTreeMap;

use domain::user::Attribute;
use serde_json::{Map, Value};

use super::read_json;
use crate::Result;

/// The attributes of a row as a person reads them, in the order of their names; without those that
/// are empty.
pub(super) fn in_words(json: &str) -> Result<Vec<Attribute>> {
    let attributes: BTreeMap<String, Value> = read_json("attributes", json)?;
    Ok(attributes
        .into_iter()
        .map(|(name, value)| Attribute {
            name,
            value: words(&value),
        })
        .filter(|attribute| !attribute.value.is_empty())
        .collect())
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            // What has parts has commas in it.
            let between = match items.first() {
                Some(Value::Object(_)) => "; ",
                _ => ", ",
            };
            let items = items.iter().map(words).filter(|item| !item.is_empty());
            items.collect::<Vec<_>>().join(between)
        }
        Value::Object(parts) => parts_in_words(parts),
    }
}

/// The parts of an address (Graph's `physicalOfficeAddress`) in the order of an envelope.
const ADDRESS: [&str; 6] = [
    "officeLocation",
    "street",
    "postalCode",
    "city",
    "state",
    "countryOrRegion",
];

/// A phone (Graph's `phone`) with its type behind, an address in its order, and of anything else
/// all there is.
fn parts_in_words(parts: &Map<String, Value>) -> String {
    let part = |name: &str| parts.get(name).map(words).filter(|part| !part.is_empty());
    if parts.contains_key("number") {
        return match (part("number"), part("type")) {
            (Some(number), Some(kind)) => format!("{number} ({kind})"),
            (number, _) => number.unwrap_or_default(),
        };
    }
    let others = parts.keys().map(String::as_str);
    let others = others.filter(|name| !ADDRESS.contains(name));
    ADDRESS
        .into_iter()
        .chain(others)
        .filter_map(part)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn what_the_source_gave_is_read_in_words() {
        let json = r#"{
            "jobTitle": "Lead",
            "department": null,
            "officeLocation": "",
            "isCompliant": false,
            "level": 3,
            "proxyAddresses": ["SMTP:a@x.example", "smtp:b@x.example"],
            "phones": [
                {"type": "business", "number": null},
                {"type": "mobile", "number": "+47 555 0100"},
                {"type": "home", "number": "1"}
            ],
            "addresses": [
                {"city": "Oslo", "street": "Storgata 1", "postalCode": "0155", "state": null,
                 "countryOrRegion": "Norway", "officeLocation": "2nd floor"}
            ],
            "other": {"b": true, "a": "x"}
        }"#;
        let said = in_words(json).unwrap().into_iter();
        let said: Vec<_> = said
            .map(|of| format!("{}: {}", of.name, of.value))
            .collect();
        assert_eq!(
            said,
            [
                "addresses: 2nd floor, Storgata 1, 0155, Oslo, Norway",
                "isCompliant: No",
                "jobTitle: Lead",
                "level: 3",
                "other: x, Yes",
                "phones: +47 555 0100 (mobile); 1 (home)",
                "proxyAddresses: SMTP:a@x.example, smtp:b@x.example",
            ]
        );
        assert!(in_words("[]").is_err());
    }
}
