//! Attribute mapping as people set it up: what is wrong with rules, and what they make of real people.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{ExternalId, IntegrationId},
    integration::Integration,
    mapping::{
        DirectoryExtension, MappedAttribute, MappedObject, Mapping, MappingTest,
        MappingTestRequest, TRIED_MAX, is_directory_extension,
    },
    permission::Permission,
    policy::{ObjectType, Policy},
    text::FieldError,
};
use graph::{Client, ContactItem, DeviceItem};
use planner::{
    mapping::{Made, Mapper},
    read::{Content, SourceObject},
};
use serde_json::Value;

use crate::{
    Backend, Error, Result, Scope,
    entra::source,
    fetch_all,
    store::integrations,
    sync::entra::{self, Single},
    why,
};

/// People that rules are tried on where nobody is named.
const SAMPLE: i64 = 3;

/// A policy in its one form, whose expressions, of filters too, can be read.
pub(crate) fn checked(policy: Policy) -> Result<Policy> {
    let policy = policy.checked()?;
    Mapper::of(&policy)?;
    Ok(policy)
}

/// All that is wrong with rules of an integration that are being written.
pub async fn problems(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    mapping: &Mapping,
) -> Result<Vec<FieldError>> {
    integrations::get(b, scope, id).await?;
    Ok(planner::mapping::problems(mapping))
}

/// The directory schema extensions that rules can use, as the tenant has them just now, by name. Who may
/// change the integration may ask, as for its groups.
pub async fn directory_extensions(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
) -> Result<Vec<DirectoryExtension>> {
    let integration = integrations::get(b, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let mapper = Mapper::of(&integration.policy)?;
    let client = why::live::connect(b, scope, &integration, &mapper).await?;
    let found = client.extension_properties().await;
    let found = found.map_err(|error| source(&error))?;
    let mut extensions: Vec<_> = found.into_iter().filter_map(extension).collect();
    extensions.sort_unstable();
    Ok(extensions)
}

/// An extension of objects that are read; others are of no use to rules.
fn extension(found: graph::ExtensionProperty) -> Option<DirectoryExtension> {
    let object_types: Vec<_> = [
        (ObjectType::User, "User"),
        (ObjectType::Group, "Group"),
        (ObjectType::Device, "Device"),
    ]
    .into_iter()
    .filter(|(_, own)| {
        let mut targets = found.target_objects.iter();
        targets.any(|target| target.eq_ignore_ascii_case(own))
    })
    .map(|(object_type, _)| object_type)
    .collect();
    let usable = is_directory_extension(&found.name) && !object_types.is_empty();
    usable.then_some(DirectoryExtension {
        name: found.name,
        application: found.app_display_name,
        object_types,
    })
}

/// What rules, saved or not, make of some objects that are read from the source just now. Nothing of
/// it is stored. The rule for who may ask is that of "Why?".
pub async fn test(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    request: MappingTestRequest,
) -> Result<MappingTest> {
    let integration = integrations::get(b, scope, id).await?;
    scope.require(Permission::DirectoryRead)?;
    if request.objects.len() > TRIED_MAX {
        let message = format!("Rules can be tried on at most {TRIED_MAX} at once.");
        return Err(Error::invalid("objects", message));
    }
    let mapping = match (request.policy, request.mapping) {
        (Some(policy), _) => checked(policy)?.mapping,
        (None, Some(mapping)) => mapping.checked()?,
        (None, None) => integration.policy.mapping.clone(),
    };
    let mapper = Mapper::of(&Policy {
        mapping: mapping.clone(),
        ..integration.policy.clone()
    })?;
    let client = why::live::connect(b, scope, &integration, &mapper).await?;
    let mut test = MappingTest::default();
    let wanted = wanted(b, scope, &integration, &request.objects, &mut test).await?;
    for (object_type, external_id) in wanted {
        let Some(object) = read(&client, object_type, external_id).await? else {
            let message = format!("Entra ID has no {object_type} {external_id} any more.");
            test.not_found.push(message);
            continue;
        };
        let kept = why::in_directory(b, &integration, object_type, external_id).await?;
        test.objects.push(tried(&mapping, &mapper, object, kept));
    }
    refuse_names(b, &integration, &mut test).await?;
    Ok(test)
}

/// Says of whom rules would give the user name of somebody else that they do: of somebody tried before,
/// or of somebody in use here. How many there are in all says a preview.
async fn refuse_names(
    b: &Backend,
    integration: &Integration,
    test: &mut MappingTest,
) -> Result<()> {
    let mut tx = b.db.read().await?;
    let tried: Vec<ExternalId> = test.objects.iter().map(|one| one.external_id).collect();
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    for object in &mut test.objects {
        let made = object.attributes.iter_mut();
        let mut made = made.filter(|one| one.attribute == "user_principal_name");
        let Some(made) = made.find(|one| one.rule.is_some() && one.error.is_none()) else {
            continue;
        };
        let Some(name) = made.then.as_str().map(planner::key) else {
            continue;
        };
        let here = fetch_all!(
            &mut tx,
            (ExternalId, String),
            "SELECT external_id, display_name FROM directory_user
              WHERE customer_id = $1 AND user_name_folded = $2 AND integration_id = $3
                AND status = 'active' ORDER BY id LIMIT 10",
            integration.customer_id,
            &name,
            integration.id
        )?;
        let here = here.into_iter().find(|(id, _)| !tried.contains(id));
        let holder = given.get(&name).cloned().or(here.map(|(_, holder)| holder));
        match holder {
            Some(holder) => {
                made.error = Some(format!(
                    "The user name {} is already given to “{holder}”, and two can’t have it.",
                    made.then.as_str().unwrap_or_default()
                ));
            }
            None => {
                given.insert(name, object.display_name.clone());
            }
        }
    }
    Ok(())
}

/// Who is meant, each once; some people of the directory where nobody is named.
async fn wanted(
    b: &Backend,
    scope: &Scope,
    integration: &Integration,
    objects: &[String],
    test: &mut MappingTest,
) -> Result<Vec<(ObjectType, ExternalId)>> {
    if objects.is_empty() {
        let sample = sample(b, integration.id).await?;
        if sample.is_empty() {
            let message =
                "Nobody of this integration is in the directory yet. Name somebody of the tenant.";
            test.not_found.push(message.to_owned());
        }
        return Ok(sample);
    }
    let mut wanted = Vec::new();
    for object in objects {
        match why::who(b, scope, integration.id, object).await {
            Ok(one) => {
                let one = (one.object_type, one.external_id);
                if !wanted.contains(&one) {
                    wanted.push(one);
                }
            }
            Err(Error::Invalid(error)) => test.not_found.push(error.message),
            Err(error) => return Err(error),
        }
    }
    Ok(wanted)
}

async fn sample(b: &Backend, id: IntegrationId) -> Result<Vec<(ObjectType, ExternalId)>> {
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        (ExternalId,),
        "SELECT external_id FROM directory_user
          WHERE integration_id = $1 AND status = 'active' ORDER BY name_folded, id LIMIT $2",
        id,
        SAMPLE
    )?;
    let users = rows.into_iter().map(|(id,)| (ObjectType::User, id));
    Ok(users.collect())
}

async fn read(
    client: &Client,
    object_type: ObjectType,
    id: ExternalId,
) -> Result<Option<SourceObject>> {
    let error = |error: graph::Error| source(&error);
    let object = match object_type {
        ObjectType::User => {
            let item = client.user(&id.to_string()).await.map_err(error)?;
            item.map(entra::user)
        }
        ObjectType::Group => {
            let item = client.group(id.0).await.map_err(error)?;
            item.map(|item| entra::group(item).map(|(group, _)| group))
        }
        ObjectType::Contact => {
            let item = client.by_id::<ContactItem>(id.0).await.map_err(error)?;
            item.map(Single::object)
        }
        ObjectType::Device => {
            let item = client.by_id::<DeviceItem>(id.0).await.map_err(error)?;
            item.map(Single::object)
        }
        ObjectType::Membership => None,
    };
    object.transpose().map_err(why::live::refused)
}

/// What the rules make of an object, beside what the directory has of it.
fn tried(
    mapping: &Mapping,
    mapper: &Mapper,
    object: SourceObject,
    kept: Option<(uuid::Uuid, Content)>,
) -> MappedObject {
    let object_type = object.object_type;
    let display_name = object.content.display_name.clone();
    let user_principal_name = object.content.user_principal_name.clone();
    let made = mapper.made(&object);
    let after = mapper.map(object);
    let (directory_id, directory) = kept.unzip();
    let directory = directory.unwrap_or_default();
    let now = directory.shown();
    let of_now = |name: &str| {
        now.get(name)
            .cloned()
            .filter(|value| !is_empty(value))
            .unwrap_or_default()
    };
    let mut attributes = Vec::new();
    for (rule, Made { target, value }) in mapping.of(object_type).iter().zip(made) {
        let (then, error) = match value {
            Ok(value) => (value, None),
            Err(error) => (Value::Null, Some(error)),
        };
        attributes.push(MappedAttribute {
            now: of_now(&target),
            attribute: target,
            rule: Some(rule.rule.to_string()),
            then,
            error,
        });
    }
    let made_by_rules: BTreeSet<String> =
        attributes.iter().map(|one| one.attribute.clone()).collect();
    let content = after.content.shown();
    let names: BTreeSet<&str> = now.keys().chain(content.keys()).copied().collect();
    for name in names
        .into_iter()
        .filter(|name| !made_by_rules.contains(*name))
    {
        let then = content
            .get(name)
            .cloned()
            .filter(|value| !is_empty(value))
            .unwrap_or_default();
        let now = of_now(name);
        // What nobody has a rule for is shown where it would change.
        if directory_id.is_some() && after.mapped.error.is_none() && now != then {
            attributes.push(MappedAttribute {
                attribute: name.to_owned(),
                rule: None,
                now,
                then,
                error: None,
            });
        }
    }
    MappedObject {
        object_type,
        external_id: after.external_id,
        display_name,
        user_principal_name,
        directory_id,
        attributes,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
