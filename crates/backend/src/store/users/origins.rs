//! The attributes of one user, each with where its value comes from.

use std::collections::BTreeMap;

use domain::{
    id::{ExternalId, IntegrationId, UserId},
    made_here::{Editable, KeptAttribute, USER_ATTRIBUTES, editable},
    mapping::{MappingRule, columns},
    policy::{ObjectType, Policy},
    user::{AttributeOrigin, SourceType, ValueFrom},
};
use sqlx::FromRow;

use crate::{
    Backend, Error, Result, Scope, Tx, fetch_optional,
    store::{attributes, kept_attributes, read_json},
};

#[derive(FromRow)]
struct Row {
    source_type: SourceType,
    integration_id: Option<IntegrationId>,
    external_id: Option<ExternalId>,
    #[sqlx(flatten)]
    values: Values,
    policy: Option<String>,
}

/// Columns and attributes, of the directory or of the source.
#[derive(FromRow)]
struct Values {
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    attributes: String,
}

impl Values {
    /// By the names that the directory has for them.
    fn by_name(self) -> Result<BTreeMap<String, String>> {
        let columns = [
            ("display_name", Some(self.display_name)),
            ("user_principal_name", self.user_principal_name),
            ("given_name", self.given_name),
            ("surname", self.surname),
            ("mail", self.mail),
        ];
        let columns = columns
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let others = attributes::in_words(&self.attributes)?.into_iter();
        Ok(columns
            .chain(others.map(|attribute| (attribute.name, attribute.value)))
            .collect())
    }
}

/// Every attribute of a user that has a value, a rule, or is kept here, by its name in Graph: first
/// names and addresses, then the others.
pub async fn origins(b: &Backend, scope: &Scope, id: UserId) -> Result<Vec<AttributeOrigin>> {
    super::get(b, scope, id).await?;
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        Row,
        "SELECT u.source_type, u.integration_id, u.external_id, u.display_name,
                u.user_principal_name, u.given_name, u.surname, u.mail, u.attributes, i.policy
           FROM directory_user u LEFT JOIN integration i ON i.id = u.integration_id
          WHERE u.id = $1",
        id
    )?
    .ok_or(Error::NotFound("user"))?;
    let policy: Policy = match &row.policy {
        Some(policy) => read_json("integration.policy", policy)?,
        None => Policy::default(),
    };
    let kept = kept_attributes::of_user(&mut tx, id).await?;
    let source = match row.integration_id.zip(row.external_id) {
        Some((integration, object)) if !kept.is_empty() => {
            in_source(&mut tx, integration, object).await?
        }
        _ => BTreeMap::new(),
    };
    let told = Told {
        editable: editable(row.source_type, row.integration_id),
        policy: &policy,
        kept: &kept,
        source: &source,
    };
    let mut values = row.values.by_name()?;
    let names = told.names(&values);
    Ok(names
        .into_iter()
        .map(|name| AttributeOrigin {
            from: told.from(&name),
            value: values.remove(&name),
            name: in_graph(&name).to_owned(),
        })
        .collect())
}

/// What the source says of somebody, mapped.
async fn in_source(
    tx: &mut Tx,
    integration: IntegrationId,
    object: ExternalId,
) -> Result<BTreeMap<String, String>> {
    let row = fetch_optional!(
        tx,
        Values,
        "SELECT display_name, user_principal_name, given_name, surname, mail, attributes
           FROM source_object
          WHERE integration_id = $1 AND object_type = 'user' AND external_id = $2",
        integration,
        object
    )?;
    row.map_or_else(|| Ok(BTreeMap::new()), Values::by_name)
}

/// The name that Graph has for an attribute of the directory.
fn in_graph(name: &str) -> &str {
    let columns = columns(ObjectType::User).iter();
    let mut columns = columns.filter(|(column, _)| *column == name);
    columns.next().map_or(name, |(_, graph)| graph)
}

/// What says where values come from.
struct Told<'a> {
    editable: Editable,
    policy: &'a Policy,
    kept: &'a [KeptAttribute],
    source: &'a BTreeMap<String, String>,
}

impl Told<'_> {
    /// The attributes that are worth a line, without repeating any.
    fn names(&self, values: &BTreeMap<String, String>) -> Vec<String> {
        let mut names: Vec<String> = columns(ObjectType::User)
            .iter()
            .map(|(column, _)| (*column).to_owned())
            .collect();
        let usual = USER_ATTRIBUTES.into_iter();
        let usual = usual.filter(|name| values.contains_key(*name) || self.decided(name));
        let usual = usual.map(str::to_owned).collect::<Vec<_>>();
        let others = values.keys().cloned();
        let rules = self.policy.mapping.user.iter();
        let rules = rules.map(|rule| rule.attribute.clone());
        let kept = self.kept.iter().map(|kept| kept.name.clone());
        for name in usual.into_iter().chain(others).chain(rules).chain(kept) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn decided(&self, name: &str) -> bool {
        self.kept.iter().any(|kept| kept.name == name)
            || self
                .policy
                .mapping
                .user
                .iter()
                .any(|rule| rule.attribute == name)
    }

    fn from(&self, name: &str) -> ValueFrom {
        match self.editable {
            Editable::Here => return ValueFrom::Here,
            Editable::Nowhere => return ValueFrom::Left,
            Editable::InSource => {}
        }
        if let Some(kept) = self.kept.iter().find(|kept| kept.name == name) {
            return ValueFrom::Kept {
                by: kept.by.clone(),
                at: kept.at,
                note: kept.note.clone(),
                source_value: self.source.get(name).cloned(),
            };
        }
        let rules = self.policy.mapping.user.iter();
        let mut rules = rules.filter(|rule| rule.attribute == name);
        match rules.next().map(|rule| &rule.rule) {
            Some(MappingRule::Source(attribute)) => ValueFrom::Source {
                attribute: attribute.clone(),
            },
            Some(rule) => ValueFrom::Rule {
                rule: rule.kind(),
                value: rule.value(),
            },
            None => ValueFrom::Source {
                attribute: in_graph(name).to_owned(),
            },
        }
    }
}
