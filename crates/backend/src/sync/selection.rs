//! What is read of each type of objects: what every object needs, what the directory keeps, and what
//! mapping rules and filters use. Of what a rule makes from something else, the source's own value isn't read.

use domain::{
    mapping::{columns, is_extension_attribute},
    policy::ObjectType,
};
use graph::{Client, ContactItem, DeviceItem, GroupItem, Item, Select, UserItem};
use planner::mapping::Mapper;

/// What tells what an object is, and that it was delivered whole (`super::entra`).
const fn needed(object_type: ObjectType) -> &'static [&'static str] {
    match object_type {
        ObjectType::User => &["id", "accountEnabled", "userType", "displayName"],
        ObjectType::Group => &[
            "id",
            "displayName",
            "mailEnabled",
            "securityEnabled",
            "groupTypes",
        ],
        // It may be called by any of these.
        ObjectType::Contact => &[
            "id",
            "displayName",
            "givenName",
            "surname",
            "mail",
            "mailNickname",
            "companyName",
        ],
        ObjectType::Device => &["id", "accountEnabled", "displayName", "deviceId"],
        ObjectType::Membership => &[],
    }
}

/// The client, which reads what the rules need.
pub(crate) fn selecting(mut client: Client, mapper: &Mapper) -> Client {
    if mapper.looks_at(ObjectType::User) {
        client = client.selecting::<UserItem>(select::<UserItem>(ObjectType::User, mapper));
    }
    if mapper.looks_at(ObjectType::Group) {
        client = client.selecting::<GroupItem>(select::<GroupItem>(ObjectType::Group, mapper));
    }
    if mapper.looks_at(ObjectType::Contact) {
        client =
            client.selecting::<ContactItem>(select::<ContactItem>(ObjectType::Contact, mapper));
    }
    if mapper.looks_at(ObjectType::Device) {
        client = client.selecting::<DeviceItem>(select::<DeviceItem>(ObjectType::Device, mapper));
    }
    client
}

fn select<T: Item>(object_type: ObjectType, mapper: &Mapper) -> Select {
    let (uses, makes) = (mapper.uses(object_type), mapper.makes(object_type));
    let made = |property: &str| {
        let column = columns(object_type)
            .iter()
            .find(|(_, own)| *own == property);
        makes.contains(column.map_or(property, |(column, _)| column))
    };
    let mut select = Select::all_of::<T>().only(|property| {
        needed(object_type).contains(&property) || uses.contains(property) || !made(property)
    });
    for name in uses {
        // Fifteen in one property.
        select = if is_extension_attribute(name) {
            select.and("onPremisesExtensionAttributes")
        } else {
            select.and(name.to_owned())
        };
    }
    select
}

#[cfg(test)]
mod tests {
    use domain::mapping::{AttributeRule, Mapping, MappingRule, kept};

    use super::*;

    fn kept_and_needed<T: Item>(object_type: ObjectType) {
        let named = columns(object_type).iter().map(|(_, own)| *own);
        let mut wanted: Vec<&str> = needed(object_type).iter().copied().chain(named).collect();
        wanted.extend(kept(object_type));
        wanted.sort_unstable();
        wanted.dedup();
        let mut read = T::SELECT.to_vec();
        read.sort_unstable();
        assert_eq!(read, wanted, "{object_type}");
    }

    #[test]
    fn without_rules_exactly_what_the_directory_keeps_is_read() {
        kept_and_needed::<UserItem>(ObjectType::User);
        kept_and_needed::<GroupItem>(ObjectType::Group);
        kept_and_needed::<ContactItem>(ObjectType::Contact);
        kept_and_needed::<DeviceItem>(ObjectType::Device);
    }

    fn rule(attribute: &str, rule: MappingRule) -> AttributeRule {
        AttributeRule {
            attribute: attribute.to_owned(),
            rule,
        }
    }

    #[test]
    fn what_rules_use_is_read_and_what_they_replace_is_not() {
        let extension = "extension_0123456789abcdef0123456789abcdef_costCenter";
        let mapping = Mapping {
            user: vec![
                rule("display_name", MappingRule::Source("mail".to_owned())),
                rule("jobTitle", MappingRule::Constant("none".to_owned())),
                rule("city", MappingRule::LeaveOut),
                rule(
                    "department",
                    MappingRule::Expression(format!("coalesce(extensionAttribute3, {extension})")),
                ),
                rule(
                    "given_name",
                    MappingRule::Source("extensionAttribute4".to_owned()),
                ),
                rule("faxNumber", MappingRule::Source("state".to_owned())),
            ],
            ..Mapping::default()
        };
        let mapper = Mapper::new(&mapping.checked().unwrap()).unwrap();
        let mut expected = Select::all_of::<UserItem>().only(|property| {
            !["jobTitle", "city", "department", "givenName", "faxNumber"].contains(&property)
        });
        expected = expected
            .and("onPremisesExtensionAttributes")
            .and(extension.to_owned());
        assert_eq!(select::<UserItem>(ObjectType::User, &mapper), expected);
        let groups = select::<GroupItem>(ObjectType::Group, &mapper);
        assert_eq!(groups, Select::all_of::<GroupItem>());
    }
}
