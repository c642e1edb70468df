//! Adding and changing users made here.

use std::collections::BTreeMap;

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, UserId},
    made_here::{
        Administrator, NewUser, UserChange, attribute_field, parse_attribute, parse_mail,
        parse_sign_in, parse_value,
    },
    permission::Permission,
    text::{NAME_CHARS_MAX, parse_name},
    user::{DirectoryStatus, SourceType, WholeUser},
};
use planner::{kept_here, read::Content};

use super::{
    held::{self, Told, hold, hold_names, told},
    membership, names, whole,
};
use crate::{
    Backend, Result, Scope, Tx, execute,
    store::{
        audit::{self, Entry},
        customers, elsewhere, write_json,
    },
};

/// What of a new user is worth an entry.
#[derive(serde::Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    told: Told<'a>,
    aliases: &'a [String],
    groups: &'a [String],
}

/// Adds a user to a customer.
pub async fn create(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    new: NewUser,
) -> Result<WholeUser> {
    let mut tx = b.db.write().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::DirectoryWrite)?;
    let (id, now) = (UserId(b.ids.uuid()), b.clock.now());
    hold_names(&mut tx, customer).await?;
    let content = parse_new(&new)?;
    let aliases = names::parse_aliases(&new.aliases, Some(&new.user_principal_name))?;
    let user_name = content.user_principal_name.as_deref().unwrap_or_default();
    names::refuse_taken(&mut tx, customer, id, "user_principal_name", user_name).await?;
    for alias in &aliases {
        names::refuse_taken(&mut tx, customer, id, "aliases", alias).await?;
    }
    let administrator = new.administrator.then(|| Administrator {
        by: scope.actor_name().to_owned(),
        at: now,
    });
    insert(
        &mut tx,
        (customer, id),
        &content,
        administrator.as_ref(),
        now,
    )
    .await?;
    names::keep(&mut tx, customer, id, &aliases).await?;
    let groups = membership::choose(&mut tx, customer, &new.group_ids).await?;
    let group_ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    membership::put_into(&mut tx, id, &group_ids).await?;
    let groups: Vec<_> = groups.into_iter().map(|group| group.display_name).collect();
    let changes = AuditChanges::created(&Made {
        told: told(&content, new.administrator),
        aliases: &aliases,
        groups: &groups,
    });
    let entry = Entry::new(AuditAction::UserCreate, id.0, &content.display_name)
        .of(customer)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    whole(b, scope, id).await
}

fn parse_new(new: &NewUser) -> Result<Content> {
    let text = |field: &str, given: &Option<String>| {
        parse_value(field, given.as_deref().unwrap_or_default(), NAME_CHARS_MAX)
    };
    let user_name = parse_sign_in("user_principal_name", &new.user_principal_name)?;
    let mut content = Content {
        user_principal_name: Some(user_name),
        display_name: parse_name("display_name", &new.display_name)?,
        given_name: text("given_name", &new.given_name)?,
        surname: text("surname", &new.surname)?,
        mail: parse_mail("mail", new.mail.as_deref().unwrap_or_default())?,
        guest: new.guest,
        ..Content::default()
    };
    set_attributes(&mut content, &new.attributes)?;
    Ok(content)
}

fn set_attributes(content: &mut Content, given: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in given {
        let value = parse_attribute(&attribute_field(name), name, value)?;
        kept_here::set(content, name, value.as_deref());
    }
    Ok(())
}

async fn insert(
    tx: &mut Tx,
    (customer, id): (CustomerId, UserId),
    content: &Content,
    administrator: Option<&Administrator>,
    now: DateTime,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO directory_user (id, customer_id, source_type, user_principal_name,
            user_name_folded, display_name, name_folded, search_text, given_name, surname, mail,
            attributes, status, guest, administrator_at, administrator_by, created_at, changed_at,
            mail_folded, employee_id_folded)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17,
            $18, $19)",
        id,
        customer,
        SourceType::Manual,
        content.user_principal_name.as_deref(),
        content.user_name_folded(),
        &content.display_name,
        content.name_folded(),
        content.search_text(),
        content.given_name.as_deref(),
        content.surname.as_deref(),
        content.mail.as_deref(),
        write_json(&content.attributes)?,
        DirectoryStatus::Active,
        content.guest,
        administrator.map(|administrator| administrator.at),
        administrator.map(|administrator| administrator.by.as_str()),
        now,
        content.mail_folded(),
        content.employee_id_folded()
    )?;
    Ok(())
}

/// Changes a user made here; of a synced one, only whether it is administrator.
pub async fn change(
    b: &Backend,
    scope: &Scope,
    id: UserId,
    change: UserChange,
) -> Result<WholeUser> {
    let mut tx = b.db.write().await?;
    let before = hold(&mut tx, scope, id).await?;
    let after = changed(&before.content, &change)?;
    if let Some(name) = &change.user_principal_name
        && after.user_name_folded() != before.content.user_name_folded()
    {
        let (field, customer) = ("user_principal_name", before.customer_id);
        names::refuse_taken(&mut tx, customer, id, field, name.trim()).await?;
        let aliases = names::aliases(&mut tx, id).await?;
        names::parse_aliases(&aliases, after.user_principal_name.as_deref()).map_err(|_| {
            let message = format!(
                "{} is one of its aliases. Take that away first.",
                name.trim()
            );
            crate::Error::invalid(field, message)
        })?;
    }
    if change.concerns_source() {
        before.made_here("its names and attributes")?;
    }
    before.not_deleted()?;
    let (was, now) = (before.administrator.is_some(), b.clock.now());
    let is = change.administrator.unwrap_or(was);
    if is != was
        && let Some(group) = elsewhere::administrators(&mut tx, before.integration_id).await?
    {
        return Err(crate::Error::conflict(group.decides(before.name())));
    }
    let changes = AuditChanges::between(&told(&before.content, was), &told(&after, is));
    if !changes.is_empty() {
        if before.content != after {
            held::write(&mut tx, id, &after, now).await?;
            execute!(
                &mut tx,
                "UPDATE directory_user SET guest = $2 WHERE id = $1",
                id,
                after.guest
            )?;
        }
        if was != is {
            set_administrator(&mut tx, scope, id, is.then_some(now)).await?;
        }
        let action = AuditAction::UserUpdate;
        before
            .record(b, &mut tx, scope, action, ("", changes))
            .await?;
    }
    tx.commit().await?;
    whole(b, scope, id).await
}

async fn set_administrator(
    tx: &mut Tx,
    scope: &Scope,
    id: UserId,
    since: Option<DateTime>,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE directory_user SET administrator_at = $2, administrator_by = $3 WHERE id = $1",
        id,
        since,
        since.map(|_| scope.actor_name())
    )?;
    Ok(())
}

fn changed(before: &Content, change: &UserChange) -> Result<Content> {
    let mut after = before.clone();
    if let Some(name) = &change.user_principal_name {
        after.user_principal_name = Some(parse_sign_in("user_principal_name", name)?);
    }
    if let Some(name) = &change.display_name {
        after.display_name = parse_name("display_name", name)?;
    }
    if let Some(name) = &change.given_name {
        after.given_name = parse_value("given_name", name, NAME_CHARS_MAX)?;
    }
    if let Some(name) = &change.surname {
        after.surname = parse_value("surname", name, NAME_CHARS_MAX)?;
    }
    if let Some(mail) = &change.mail {
        after.mail = parse_mail("mail", mail)?;
    }
    if let Some(guest) = change.guest {
        after.guest = guest;
    }
    set_attributes(&mut after, &change.attributes)?;
    Ok(after)
}
