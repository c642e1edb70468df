//! What rules read of an object: the source's attributes by the names that the source has for them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use cel::{
    common::{
        types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString},
        value::{CowVal, Val},
    },
    context::VariableResolver,
};
use domain::{mapping::columns, policy::ObjectType};
use serde_json::Value;

use crate::read::SourceObject;

/// The attributes of one object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Variables<'a> {
    /// As its source gave it.
    Object(&'a SourceObject),
    /// As they are kept, by their names.
    Values(&'a BTreeMap<String, Value>),
}

/// An attribute's value without a copy, as far as it can be.
enum Read<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Json(&'a Value),
    Nothing,
}

impl<'a> Variables<'a> {
    /// Those of an object as its source gave it.
    pub(super) const fn of(object: &'a SourceObject) -> Self {
        Self::Object(object)
    }

    fn read(self, name: &str) -> Read<'a> {
        match self {
            Self::Object(object) => of_object(object, name),
            Self::Values(values) => values.get(name).map_or(Read::Nothing, Read::Json),
        }
    }

    /// An attribute's value; null where the source has none.
    pub(super) fn json(self, name: &str) -> Value {
        match self.read(name) {
            Read::Text(text) => Value::String(text.into_owned()),
            Read::Flag(is) => Value::Bool(is),
            Read::Json(value) => value.clone(),
            Read::Nothing => Value::Null,
        }
    }
}

fn of_object<'a>(object: &'a SourceObject, name: &str) -> Read<'a> {
    let content = &object.content;
    let text = |text: &'a Option<String>| match text {
        Some(text) => Read::Text(Cow::Borrowed(text)),
        None => Read::Nothing,
    };
    let of_type = object.object_type;
    if let Some((column, _)) = columns(of_type).iter().find(|(_, own)| *own == name) {
        return match *column {
            "display_name" => Read::Text(Cow::Borrowed(&content.display_name)),
            "user_principal_name" => text(&content.user_principal_name),
            "given_name" => text(&content.given_name),
            "surname" => text(&content.surname),
            _ => text(&content.mail),
        };
    }
    match name {
        "id" => Read::Text(Cow::Owned(object.external_id.to_string())),
        "accountEnabled" => Read::Flag(!content.sign_in_blocked),
        "userType" if of_type == ObjectType::User => Read::Text(Cow::Borrowed(if content.guest {
            "Guest"
        } else {
            "Member"
        })),
        name => content
            .attributes
            .get(name)
            .map_or(Read::Nothing, Read::Json),
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        // Names with a dot are asked for as a whole first, before their parts.
        if name.contains(['.', '@']) {
            return None;
        }
        Some(match self.read(name) {
            Read::Text(text) => CowVal::owned(CelString::from(text)),
            Read::Flag(is) => CowVal::owned(CelBool::from(is)),
            Read::Json(value) => CowVal::Owned(val(value)),
            Read::Nothing => CowVal::owned(CelNull),
        })
    }
}

/// JSON as a value of an expression, with its texts where they are.
fn val(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(is) => Box::new(CelBool::from(*is)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Box::new(CelInt::from(whole)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or_default())),
        },
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(items) => {
            let items: Vec<Box<dyn Val + '_>> = items.iter().map(val).collect();
            Box::new(CelList::from(items))
        }
        Value::Object(map) => {
            let map: HashMap<CelMapKey<'_>, Box<dyn Val + '_>> = map
                .iter()
                .map(|(name, item)| (CelMapKey::from(name.as_str()), val(item)))
                .collect();
            Box::new(CelMap::from(map))
        }
    }
}
