//! "From Office 365 groups": the members of groups are read once, through an integration, and become
//! rows as those of a file are. Nothing ties them to the integration afterwards.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use domain::{
    id::CustomerId,
    import::{
        GroupsImport, Import, ImportField, ImportPassword, ImportSource, ROWS_MAX,
        SOURCE_GROUPS_MAX,
    },
    mapping::Mapping,
    permission::Permission,
    policy::ObjectType,
};
use graph::{Client, GET_BY_IDS_MAX, ObjectKind, UserItem};
use planner::{
    import::{Reading, table::Table},
    kept_here::typed,
    mapping::Mapper,
    read::{Content, Presence},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Given, planning::off_thread, stage};
use crate::{
    Backend, Error, Result, Scope,
    auth::users::may_be_set,
    entra::source,
    store::{customers, integrations},
    sync::entra::Single,
    why::live::{connect, refused},
};

/// Reads the members of groups and makes a dry run of them. Nothing of the directory changes.
pub async fn from_groups(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    asked: &GroupsImport,
) -> Result<Import> {
    let mut tx = b.db.read().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    let integration = integrations::find(&mut tx, scope, asked.integration_id).await?;
    drop(tx);
    scope.require(Permission::DirectoryWrite)?;
    if integration.customer_id != customer {
        return Err(Error::invalid(
            "integration_id",
            "This integration is another customer’s.",
        ));
    }
    let password = initial_password(b, asked).await?;
    let groups: BTreeSet<Uuid> = asked.group_ids.iter().map(|id| id.0).collect();
    if groups.is_empty() || groups.len() > SOURCE_GROUPS_MAX {
        return Err(Error::invalid(
            "group_ids",
            format!("Choose between 1 and {SOURCE_GROUPS_MAX} groups."),
        ));
    }
    // As the source has them: rules are for what is kept in step.
    let mapper = Mapper::new(&Mapping::default())?;
    let client = connect(b, scope, &integration, &mapper).await?;
    let names = group_names(&client, &groups).await?;
    let members = members(&client, groups, asked.include_nested).await?;
    let people = people(&client, &members, asked).await?;
    if people.is_empty() {
        return Err(Error::invalid(
            "group_ids",
            "Nobody is a member of these groups, apart from those who are left aside.",
        ));
    }
    let read = off_thread(move || {
        let text = text(&people, password.as_ref());
        Table::read(&text).map(|table| (text, table))
    });
    let (text, table) = read
        .await?
        .map_err(|error| Error::Internal(format!("members can’t be read as rows: {error}")))?;
    let mut reading = Reading::matched(table.headers());
    reading.password = asked.password;
    let given = Given {
        name: &super::short(&names.join(", ")),
        source: ImportSource::Groups,
        encoding: None,
        text: &text,
        table: Arc::new(table),
        reading,
    };
    stage(b, scope, customer, given).await
}

/// The password that everybody is to have at first, looked at before anybody is read.
async fn initial_password(b: &Backend, asked: &GroupsImport) -> Result<Option<SecretString>> {
    const FIELD: &str = "initial_password";
    match (asked.password, asked.initial_password.as_deref()) {
        (ImportPassword::Column, None | Some("")) => Err(Error::invalid(
            FIELD,
            "Enter the password that they sign in with at first.",
        )),
        (ImportPassword::Column, Some(given)) => {
            if given.chars().any(char::is_control) {
                return Err(Error::invalid(FIELD, "Use one line of plain text."));
            }
            let given = SecretString::from(given);
            may_be_set(b, FIELD, given.clone()).await?;
            Ok(Some(given))
        }
        (_, None | Some("")) => Ok(None),
        (_, Some(_)) => Err(Error::invalid(
            FIELD,
            "Leave it out, or have the password set for everybody.",
        )),
    }
}

async fn group_names(client: &Client, groups: &BTreeSet<Uuid>) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(groups.len());
    for id in groups {
        let group = client.group(*id).await.map_err(|error| source(&error))?;
        let Some(group) = group else {
            return Err(Error::invalid(
                "group_ids",
                format!("The tenant has no group {id} any more."),
            ));
        };
        names.push(group.display_name.unwrap_or_else(|| id.to_string()));
    }
    names.sort_unstable();
    Ok(names)
}

/// The users among the members of groups; with `nested`, of groups in them too.
async fn members(client: &Client, groups: BTreeSet<Uuid>, nested: bool) -> Result<BTreeSet<Uuid>> {
    let mut users = BTreeSet::new();
    let mut seen: HashSet<Uuid> = groups.iter().copied().collect();
    let mut waiting: Vec<Uuid> = groups.into_iter().collect();
    while let Some(group) = waiting.pop() {
        let mut pages = client.group_members(group);
        while let Some(page) = pages.next_page().await.map_err(|error| source(&error))? {
            for member in page.items {
                match member.kind {
                    ObjectKind::User => {
                        users.insert(member.id);
                    }
                    ObjectKind::Group if nested && seen.insert(member.id) => {
                        waiting.push(member.id);
                    }
                    _ => {}
                }
            }
            if users.len() > ROWS_MAX {
                return Err(Error::invalid(
                    "group_ids",
                    format!("These groups have more than {ROWS_MAX} members. Choose fewer."),
                ));
            }
        }
    }
    Ok(users)
}

/// Those of the members who are to come.
async fn people(
    client: &Client,
    members: &BTreeSet<Uuid>,
    asked: &GroupsImport,
) -> Result<Vec<Content>> {
    let select = client.select::<UserItem>();
    let ids: Vec<Uuid> = members.iter().copied().collect();
    let mut people = Vec::with_capacity(ids.len());
    for ids in ids.chunks(GET_BY_IDS_MAX) {
        let found = client.get_by_ids::<UserItem>(ids, &select).await;
        for item in found.map_err(|error| source(&error))? {
            let object = item.object().map_err(refused)?;
            debug_assert_eq!(object.object_type, ObjectType::User);
            let content = object.content;
            let comes = object.presence == Presence::Present
                && (asked.include_guests || !content.guest)
                && (asked.include_blocked || !content.sign_in_blocked);
            if comes {
                people.push(content);
            }
        }
    }
    people.sort_by(|a, b| a.user_principal_name.cmp(&b.user_principal_name));
    Ok(people)
}

/// What is taken of a member.
const FIELDS: [ImportField; 22] = [
    ImportField::UserPrincipalName,
    ImportField::DisplayName,
    ImportField::GivenName,
    ImportField::Surname,
    ImportField::Mail,
    ImportField::Guest,
    ImportField::EmployeeId,
    ImportField::JobTitle,
    ImportField::Department,
    ImportField::CompanyName,
    ImportField::OfficeLocation,
    ImportField::BusinessPhones,
    ImportField::MobilePhone,
    ImportField::FaxNumber,
    ImportField::OtherMails,
    ImportField::StreetAddress,
    ImportField::PostalCode,
    ImportField::City,
    ImportField::State,
    ImportField::Country,
    ImportField::PreferredLanguage,
    ImportField::UsageLocation,
];

/// The members as a file would have them, each with the password where there is one.
fn text(people: &[Content], password: Option<&SecretString>) -> String {
    let mut text = String::new();
    let header = FIELDS
        .into_iter()
        .chain(password.map(|_| ImportField::Password));
    row(&mut text, header.map(|field| field.as_str().to_owned()));
    let password = password.map(ExposeSecret::expose_secret);
    for person in people {
        let cells = FIELDS.map(|field| value(person, field)).into_iter();
        row(&mut text, cells.chain(password.map(str::to_owned)));
    }
    text
}

fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push('"');
        for c in cell.chars() {
            match c {
                '"' => text.push_str("\"\""),
                // Addresses have lines in Entra ID, and none here.
                c if c.is_control() => text.push(' '),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text.push('\n');
}

fn value(person: &Content, field: ImportField) -> String {
    let own = match field {
        ImportField::UserPrincipalName => person.user_principal_name.clone(),
        ImportField::DisplayName => Some(person.display_name.clone()),
        ImportField::GivenName => person.given_name.clone(),
        ImportField::Surname => person.surname.clone(),
        ImportField::Mail => person.mail.clone(),
        ImportField::Guest => Some(if person.guest { "yes" } else { "no" }.to_owned()),
        other => {
            let value = other
                .attribute()
                .and_then(|name| person.attributes.get(name));
            value.map(typed)
        }
    };
    own.unwrap_or_default()
}
