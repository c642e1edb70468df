//! "Sync this person now": starting a run of one object of the source.

use domain::{
    audit::{AuditAction, AuditChanges},
    id::IntegrationId,
    policy::{ObjectType, Policy},
    run::{LineStatus, Run, RunMode, RunObject, RunTrigger},
};

use super::{
    counts,
    record::with_groups,
    starting::{self, Starting, Target},
};
use crate::{
    Backend, Error, Result, Scope, Tx,
    store::audit::{self, Entry},
    why,
};

/// Starts a run of one object: the same steps as any other, read live, and nothing else is touched.
/// `object` is its object id, user name, mail address or display name, kept here or not.
///
/// A scheduled run that waits for a worker is a conflict as one at work is: it does the same and
/// more, and taken out of the queue it would lose its turn.
pub async fn sync_object(
    b: &Backend,
    scope: &Scope,
    integration_id: IntegrationId,
    object: &str,
    trigger: RunTrigger,
) -> Result<Run> {
    let mut tx = b.db.read().await?;
    ready(&mut tx, scope, integration_id).await?;
    drop(tx);
    // The source may have to be asked, which takes its time.
    let object = why::who(b, scope, integration_id, object).await?;
    let mut tx = b.db.write().await?;
    let (target, policy) = ready(&mut tx, scope, integration_id).await?;
    can_be_alone(&object, &policy)?;
    let starting = Starting {
        integration_id,
        customer_id: target.customer_id,
        name: &target.name,
        mode: RunMode::Object,
        trigger,
        started_by: Some(scope.actor_name()),
        preview: None,
        object: Some(&object),
    };
    let Some(id) = starting::put(b, &mut tx, &starting).await? else {
        let open = starting::open_run(&mut tx, integration_id).await?;
        return Err(starting::in_progress(open));
    };
    counts::open(&mut tx, id, &policy, LineStatus::Queued).await?;
    let who = match &object.display_name {
        Some(name) => name.clone(),
        None => object.external_id.to_string(),
    };
    let changes = AuditChanges::none()
        .now("object", &who)
        .now("external_id", &object.external_id);
    let entry = Entry::new(AuditAction::RunSyncObject, id.0, &target.name)
        .of(target.customer_id)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    let run = starting::load(&mut tx, id).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(run)
}

/// The integration and its policy, where one object of it can be synced now.
async fn ready(tx: &mut Tx, scope: &Scope, id: IntegrationId) -> Result<(Target, Policy)> {
    let target = starting::target(tx, scope, id).await?;
    if !target.first_full_done {
        return Err(Error::conflict(
            "Nothing of this integration was synced yet. Choose its groups and start its first full sync; once that went well, one person can be synced alone.",
        ));
    }
    if let Some(open) = starting::open_run(tx, id).await? {
        return Err(starting::in_progress(Some(open)));
    }
    let policy = with_groups(tx, id, &target.policy).await?;
    Ok((target, policy))
}

/// Refuses what no run reads alone.
fn can_be_alone(object: &RunObject, policy: &Policy) -> Result<()> {
    let refused = match object.object_type {
        ObjectType::User if policy.reads(ObjectType::User) => return Ok(()),
        ObjectType::User => {
            "This is a user, and the integration doesn’t sync users. Object Types on Tenant Configuration says which it does."
        }
        ObjectType::Contact | ObjectType::Device => {
            "This is a contact or a device. Only users are synced alone: the next delta sync reads what changed of it."
        }
        _ => {
            "This is a group. Only users are synced alone: a group’s members are many, and the next delta sync reads exactly what changed of them."
        }
    };
    Err(Error::invalid("object", refused))
}
