//! A file that somebody looks at before they confirm it. It is kept here in the meantime, so that
//! the page with the difference has an address, and works without the browser code.

use chrono::Duration;
use domain::{id::SettingsDraftId, permission::Permission, settings::file::FileContent};

use super::{Of, other_kind, read};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_optional,
    store::{customers, integrations, policy_templates},
};

/// How long a draft is kept.
const KEPT: Duration = Duration::hours(24);

/// A file that waits for its confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The file as it was given.
    pub text: String,
    /// Whether groups are looked for by their names.
    pub find_groups: bool,
}

/// Who may import into it. What may not be seen is not found.
async fn may(tx: &mut Tx, scope: &Scope, of: Of) -> Result<()> {
    match of {
        Of::Integration(id) => {
            integrations::find(tx, scope, id).await?;
        }
        Of::Customer(id) => {
            customers::find_in_use(tx, scope, id).await?;
        }
        Of::Template(id) => {
            policy_templates::find(tx, scope, id).await?;
            return policy_templates::may_make(scope);
        }
    }
    scope.require(Permission::IntegrationsWrite)
}

/// The columns that say what a draft is of.
fn columns(of: Of) -> [Option<uuid::Uuid>; 3] {
    match of {
        Of::Integration(id) => [Some(id.0), None, None],
        Of::Customer(id) => [None, Some(id.0), None],
        Of::Template(id) => [None, None, Some(id.0)],
    }
}

/// Refuses a file that holds something else than what it is for.
fn refuse_another(of: Of, content: &FileContent) -> Result<()> {
    match (of, content) {
        (Of::Integration(_), FileContent::Integration(_))
        | (Of::Customer(_), FileContent::Customer(_))
        | (Of::Template(_), FileContent::Template(_) | FileContent::Integration(_)) => Ok(()),
        (Of::Integration(_), other) => Err(other_kind(other, "one of an integration")),
        (Of::Customer(_), other) => Err(other_kind(other, "one of a customer")),
        (Of::Template(_), other) => {
            Err(other_kind(other, "one of a template or of an integration"))
        }
    }
}

fn maker(scope: &Scope) -> Result<uuid::Uuid> {
    scope.actor_id().ok_or(Error::SignedOut)
}

/// Keeps a file that can be read, in place of the caller's last one for the same thing.
pub async fn keep_draft(
    b: &Backend,
    scope: &Scope,
    of: Of,
    text: &str,
    find_groups: bool,
) -> Result<SettingsDraftId> {
    let mut tx = b.db.write().await?;
    may(&mut tx, scope, of).await?;
    refuse_another(of, &read(text)?)?;
    let [integration, customer, template] = columns(of);
    let made_by = maker(scope)?;
    execute!(
        &mut tx,
        "DELETE FROM settings_draft WHERE made_by = $1
            AND (integration_id = $2 OR customer_id = $3 OR template_id = $4)",
        made_by,
        integration,
        customer,
        template
    )?;
    let id = SettingsDraftId(b.ids.uuid());
    execute!(
        &mut tx,
        "INSERT INTO settings_draft (id, made_by, integration_id, customer_id, template_id,
            find_groups, content, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        made_by,
        integration,
        customer,
        template,
        find_groups,
        text,
        b.clock.now()
    )?;
    tx.commit().await?;
    Ok(id)
}

/// A draft of the caller's own.
pub async fn draft(b: &Backend, scope: &Scope, of: Of, id: SettingsDraftId) -> Result<Draft> {
    let mut tx = b.db.read().await?;
    may(&mut tx, scope, of).await?;
    let [integration, customer, template] = columns(of);
    let row = fetch_optional!(
        &mut tx,
        (String, bool),
        "SELECT content, find_groups FROM settings_draft WHERE id = $1 AND made_by = $2
            AND (integration_id = $3 OR customer_id = $4 OR template_id = $5) AND created_at > $6",
        id,
        maker(scope)?,
        integration,
        customer,
        template,
        b.clock.now() - KEPT
    )?;
    row.map(|(text, find_groups)| Draft { text, find_groups })
        .ok_or(Error::NotFound("settings file"))
}

/// Removes what was never confirmed.
pub(crate) async fn delete_old(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM settings_draft WHERE created_at <= $1",
        b.clock.now() - KEPT
    )?;
    tx.commit().await
}
