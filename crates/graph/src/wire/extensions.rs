//! Directory schema extensions: properties that an application added to a tenant's objects, called
//! `extension_<its id>_<name>` (graph.md §6.2). They are read where `$select` names them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The extensions of an object by their names, without those that are null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extensions(BTreeMap<String, Value>);

impl Serialize for Extensions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Properties;
        impl<'de> Visitor<'de> for Properties {
            type Value = Extensions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extensions, A::Error> {
                let mut extensions = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    // What else there is isn't ours: annotations, and properties nobody asked for.
                    if !name.starts_with("extension_") {
                        map.next_value::<IgnoredAny>()?;
                    } else if let Some(value) = map.next_value::<Option<Value>>()? {
                        extensions.insert(name, value);
                    }
                }
                Ok(Extensions(extensions))
            }
        }
        from.deserialize_map(Properties)
    }
}

#[cfg(test)]
mod tests {
    use crate::UserItem;

    #[test]
    fn only_extensions_are_kept_and_serialise_beside_the_others() {
        let json = serde_json::json!({
            "@odata.type": "#microsoft.graph.user",
            "id": "8f3a1b2c-0000-4000-8000-000000000001",
            "displayName": "Ada",
            "signInActivity": {"x": 1},
            "extension_0123456789abcdef0123456789abcdef_costCenter": "4711",
            "extension_0123456789abcdef0123456789abcdef_badges": ["a", "b"],
            "extension_0123456789abcdef0123456789abcdef_none": null,
            "onPremisesExtensionAttributes": {"extensionAttribute1": "x", "extensionAttribute2": null},
        });
        let user: UserItem = serde_json::from_value(json).unwrap();
        assert_eq!(
            serde_json::to_value(&user).unwrap(),
            serde_json::json!({
                "id": "8f3a1b2c-0000-4000-8000-000000000001",
                "displayName": "Ada",
                "onPremisesExtensionAttributes":
                    {"extensionAttribute1": "x", "extensionAttribute2": null},
                "extension_0123456789abcdef0123456789abcdef_costCenter": "4711",
                "extension_0123456789abcdef0123456789abcdef_badges": ["a", "b"],
            })
        );
    }
}
