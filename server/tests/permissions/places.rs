//! Where ids stand in what a call takes, beside its path: by the description, so that a new call is
//! tried by itself.

use http::Method;
use serde_json::{Map, Value, json};

use super::Things;

/// Schemas within schemas that are looked into: deeper there are only the same again.
const DEPTH: usize = 8;
/// Fields of queries that take an id and are described as any text.
const TEXTS_WITH_IDS: [&str; 4] = ["q", "object", "member_ids", "hash"];

/// One place where a call takes an id.
#[derive(Debug)]
pub(super) struct Place {
    pub method: Method,
    /// The path, without the prefix.
    pub pattern: String,
    at: At,
}

#[derive(Debug)]
enum At {
    /// The field of the query.
    Query(String),
    /// The names of the fields, each in the one before, and the body's schema.
    Body(Vec<String>, Value),
}

impl Place {
    /// The call as a person would name it.
    pub fn title(&self) -> String {
        let at = match &self.at {
            At::Query(field) => format!("?{field}"),
            At::Body(fields, _) => fields.join("."),
        };
        format!("{} {} {at}", self.method, self.pattern)
    }

    /// The name of the field itself.
    pub fn field(&self) -> &str {
        match &self.at {
            At::Query(field) => field,
            At::Body(fields, _) => fields.last().map_or("", String::as_str),
        }
    }

    /// The path of the call and its body, about `own`, with this id in the place.
    pub fn filled(
        &self,
        description: &Description,
        own: &Things,
        id: &str,
    ) -> (String, Option<Value>) {
        let path = own.path(&self.pattern);
        match &self.at {
            At::Query(field) => (format!("{path}?{field}={id}"), None),
            At::Body(fields, schema) => {
                let body = description.example(schema, "", Some((fields.as_slice(), id)), own, 0);
                (path, Some(body))
            }
        }
    }
}

/// The description of the API.
pub(super) struct Description(Value);

impl Description {
    pub fn new() -> Self {
        Self(serde_json::from_str(&server::api::describe().to_json().unwrap()).unwrap())
    }

    /// Every place that takes an id.
    pub fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            let pattern = path.strip_prefix("/api/v1").unwrap();
            for (method, call) in item.as_object().unwrap() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else {
                    continue;
                };
                let place = |at| Place {
                    method: method.clone(),
                    pattern: pattern.to_owned(),
                    at,
                };
                let parameters = call["parameters"].as_array();
                for parameter in parameters.into_iter().flatten() {
                    let name = parameter["name"].as_str().unwrap_or_default();
                    let takes = self.is_id(&parameter["schema"]) || TEXTS_WITH_IDS.contains(&name);
                    if parameter["in"] == "query" && takes {
                        places.push(place(At::Query(name.to_owned())));
                    }
                }
                let schema = &call["requestBody"]["content"]["application/json"]["schema"];
                for fields in self.ids_in(schema, 0) {
                    places.push(place(At::Body(fields, schema.clone())));
                }
            }
        }
        places
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let Some(name) = schema["$ref"].as_str() else {
            return schema;
        };
        let name = name.rsplit('/').next().unwrap_or_default();
        &self.0["components"]["schemas"][name]
    }

    fn is_id(&self, schema: &Value) -> bool {
        self.resolved(schema)["format"] == "uuid"
    }

    /// What may stand for a schema: itself, one of its kinds, or all of its parts together.
    fn kinds<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolved(schema);
        let several = ["oneOf", "anyOf", "allOf"]
            .iter()
            .find_map(|of| schema[of].as_array());
        match several {
            Some(several) => several.iter().flat_map(|one| self.kinds(one)).collect(),
            None => vec![schema],
        }
    }

    /// The fields of a schema at whose end there is an id, or a list of them.
    fn ids_in(&self, schema: &Value, depth: usize) -> Vec<Vec<String>> {
        if depth > DEPTH {
            return Vec::new();
        }
        let mut found = Vec::new();
        for kind in self.kinds(schema) {
            if self.is_id(kind) {
                found.push(Vec::new());
            }
            if kind["items"].is_object() {
                found.extend(self.ids_in(&kind["items"], depth + 1));
            }
            let properties = kind["properties"].as_object();
            for (name, property) in properties.into_iter().flatten() {
                let inside = self.ids_in(property, depth + 1).into_iter();
                found.extend(inside.map(|rest| [vec![name.clone()], rest].concat()));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// What a schema asks for: what is required, and an id in its place.
    fn example(
        &self,
        schema: &Value,
        name: &str,
        place: Option<(&[String], &str)>,
        own: &Things,
        depth: usize,
    ) -> Value {
        assert!(depth <= DEPTH + 1, "{name}: what is required has no end");
        let kinds = self.kinds(schema);
        let within = |kind: &Value| match place {
            Some((fields, _)) => self.ids_in(kind, depth).iter().any(|found| found == fields),
            None => kind["type"] != "null",
        };
        let Some(kind) = kinds.iter().find(|kind| within(kind)).or(kinds.first()) else {
            return Value::Null;
        };
        if let Some(one) = kind["enum"].as_array().and_then(|all| all.first()) {
            return one.clone();
        }
        let of_type = match &kind["type"] {
            Value::Array(types) => types.iter().find(|one| **one != "null"),
            one => Some(one),
        };
        match of_type.and_then(Value::as_str).unwrap_or_default() {
            "array" => match place {
                Some(_) => json!([self.example(&kind["items"], name, place, own, depth + 1)]),
                None => json!([]),
            },
            "string" => Value::from(match (place, kind["format"].as_str()) {
                (Some((_, id)), _) => id.to_owned(),
                (None, Some("uuid")) => of_field(own, name).to_owned(),
                (None, Some("date-time")) => "2027-01-01T00:00:00Z".to_owned(),
                (None, _) => text(name).to_owned(),
            }),
            "integer" | "number" => json!(1),
            "boolean" => json!(false),
            _ => {
                let required = kind["required"].as_array();
                let is_required = |name: &str| {
                    let mut required = required.into_iter().flatten();
                    required.any(|one| *one == name)
                };
                let mut object = Map::new();
                let properties = kind["properties"].as_object();
                for (name, property) in properties.into_iter().flatten() {
                    let inside = match place {
                        Some(([first, rest @ ..], id)) if first == name => Some((rest, id)),
                        _ => None,
                    };
                    // Without it the cloud is Microsoft's own.
                    if inside.is_some() || is_required(name) || name == "cloud" {
                        let value = self.example(property, name, inside, own, depth + 1);
                        object.insert(name.clone(), value);
                    }
                }
                Value::Object(object)
            }
        }
    }
}

/// One of the customer's own that such a field can name.
fn of_field<'a>(own: &'a Things, field: &str) -> &'a str {
    match field {
        "customer_id" | "customer_ids" => &own.customer,
        "credential_profile_id" => &own.credential_profile,
        "integration_id" => &own.integration,
        "policy_template_id" => &own.policy_template,
        "group_id" | "group_ids" => &own.group,
        _ => &own.user,
    }
}

/// A text that such a field takes.
fn text(field: &str) -> &'static str {
    match field {
        "cloud" => "sim",
        "tenant" => "contoso.example",
        "email" | "address" | "to" | "mail" | "user_principal_name" => "somebody@example.com",
        _ => "Some text",
    }
}
