//! Rows that tests of the store begin with.

use std::sync::Arc;

use chrono::Duration;
use domain::{
    audit::AuditChanges,
    credential_profile::{CredentialKind, CredentialProfile, NewCredentialProfile},
    id::{CustomerId, ExternalId, GroupId, IntegrationId, OperatorId, RunId, UserId},
    integration::{Integration, IntegrationKind, NewIntegration},
    policy::{ObjectType, Policy},
    run::{RunMode, RunPhase, RunStatus, RunTrigger},
    schedule::Schedule,
    user::{DirectoryStatus, SourceType},
};

use secrecy::SecretString;

use super::{credential_profiles, integrations};
use crate::{
    Backend, Scope, Settings,
    auth::{
        link::{self, Purpose},
        second_factor::{self, SettingUp},
    },
    execute, fetch_all, fetch_scalar,
    mail::{Smtp, SmtpGiven},
    operator_mail,
    sealer::{Place, places},
    testing::TestBackend,
};

/// What is given for a profile with the secret `s3cret value`.
pub fn new_profile(customer: Option<CustomerId>, name: &str) -> NewCredentialProfile {
    NewCredentialProfile {
        customer_id: customer,
        name: name.to_owned(),
        kind: CredentialKind::ClientSecret,
        client_id: "00001111-aaaa-2222-bbbb-3333cccc4444".to_owned(),
        client_secret: Some("s3cret value".to_owned()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: None,
    }
}

pub async fn profile(
    t: &TestBackend,
    scope: &Scope,
    customer: Option<CustomerId>,
    name: &str,
) -> CredentialProfile {
    let new = new_profile(customer, name);
    credential_profiles::create(t, scope, new).await.unwrap()
}

/// What stands in a new link with which an operator sets a password that they forgot.
pub async fn reset_link(t: &TestBackend, operator: OperatorId) -> SecretString {
    let secret = link::make(t);
    let mut tx = t.db.write().await.unwrap();
    link::keep(t, &mut tx, operator, Purpose::PasswordReset, &secret)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    secret
}

/// What is given for an integration.
pub fn new_integration(profile: &CredentialProfile, tenant: &str) -> NewIntegration {
    NewIntegration {
        kind: IntegrationKind::EntraId,
        tenant: tenant.to_owned(),
        cloud: "global".to_owned(),
        credential_profile_id: profile.id,
        enabled: true,
        schedule: Schedule::default(),
        policy: Policy::default(),
    }
}

/// An integration with a profile of the customer's own, of a tenant that nobody else has.
pub async fn integration(t: &TestBackend, scope: &Scope, customer: CustomerId) -> Integration {
    let profile = profile(t, scope, Some(customer), "Own").await;
    let new = new_integration(&profile, &format!("{customer}.example"));
    integrations::create(t, scope, customer, new).await.unwrap()
}

/// As after a first full run that succeeded.
pub async fn first_full_done(t: &TestBackend, id: IntegrationId) {
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "UPDATE integration SET first_full_done = TRUE, full_scan_next = FALSE, state = 'ok',
           next_run_at = $1 WHERE id = $2",
        t.clock.now() + Duration::minutes(5),
        id
    )
    .unwrap();
    tx.commit().await.unwrap();
}

/// A run in this status, queued now.
pub async fn run(t: &TestBackend, integration: IntegrationId, status: RunStatus) -> RunId {
    let id = RunId(t.ids.uuid());
    let now = t.clock.now();
    let ended = !matches!(
        status,
        RunStatus::Queued | RunStatus::Running | RunStatus::Held
    );
    let mut tx = t.db.write().await.unwrap();
    let (customer, name, customer_name) = fetch_all!(
        &mut tx,
        (CustomerId, String, String),
        "SELECT i.customer_id, i.name, c.name FROM integration i
         JOIN customer c ON c.id = i.customer_id WHERE i.id = $1",
        integration
    )
    .unwrap()
    .remove(0);
    execute!(
        &mut tx,
        "INSERT INTO run (id, integration_id, customer_id, mode, triggered_by, started_by, status,
           phase, complete_read, full_read, queued_at, started_at, ended_at, requests,
           resource_units, pages_read, objects_read, planned, applied, folded, search_text)
         VALUES ($1, $2, $3, $4, $5, 'Mina', $6, $7, TRUE, TRUE, $8, $9, $10, 3, 5, 2, 40, 1, 1,
           1, $11)",
        id,
        integration,
        customer,
        RunMode::Full,
        RunTrigger::Operator,
        status,
        if status == RunStatus::Queued {
            RunPhase::Waiting
        } else {
            RunPhase::Done
        },
        now,
        (status != RunStatus::Queued).then_some(now),
        ended.then_some(now + Duration::seconds(30)),
        planner::fold::search_text([name.as_str(), customer_name.as_str()])
    )
    .unwrap();
    execute!(
        &mut tx,
        "UPDATE integration SET last_run_id = $1, last_sync_started_at = $2,
           last_sync_status = $3 WHERE id = $4",
        id,
        now,
        status,
        integration
    )
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A line of counts of a run: `created`, of which nothing else is known, and `filtered`.
pub async fn count(t: &TestBackend, run: RunId, kind: ObjectType, created: i64, filtered: i64) {
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "INSERT INTO run_count (run_id, object_type, status, total, unchanged, created, updated,
           disabled, enabled, deleted, restored, filtered, failed, held, blocked)
         SELECT id, $2, status, $3, 0, $4, 0, 0, 0, 0, 0, $5, 0, 0, 0 FROM run WHERE id = $1",
        run,
        kind,
        created + filtered,
        created,
        filtered
    )
    .unwrap();
    tx.commit().await.unwrap();
}

/// Puts an object into a group.
pub async fn member(t: &TestBackend, group: GroupId, member: uuid::Uuid, kind: ObjectType) {
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "INSERT INTO directory_membership (group_id, member_id, member_type) VALUES ($1, $2, $3)",
        group,
        member,
        kind
    )
    .unwrap();
    tx.commit().await.unwrap();
}

/// Everything a stream of CSV answers, as text.
pub async fn text(stream: impl futures::Stream<Item = crate::Result<bytes::Bytes>>) -> String {
    let parts: Vec<bytes::Bytes> = futures::TryStreamExt::try_collect(stream).await.unwrap();
    String::from_utf8(parts.concat()).unwrap()
}

pub async fn run_status(t: &TestBackend, id: RunId) -> RunStatus {
    let mut tx = t.db.read().await.unwrap();
    fetch_scalar!(
        &mut tx,
        RunStatus,
        "SELECT status FROM run WHERE id = $1",
        id
    )
    .unwrap()
}

/// A user of the directory; from the integration where one is given.
pub async fn user(
    t: &TestBackend,
    customer: CustomerId,
    integration: Option<IntegrationId>,
    name: &str,
    status: DirectoryStatus,
) -> UserId {
    let id = UserId(t.ids.uuid());
    let user_name = format!("{}@x.example", planner::fold(name).replace(' ', "."));
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "INSERT INTO directory_user (id, customer_id, integration_id, external_id, source_type,
           user_principal_name, user_name_folded, display_name, name_folded, search_text, mail,
           attributes, status, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, NULL, $10, $11, $12, $12)",
        id,
        customer,
        integration,
        integration.map(|_| ExternalId(t.ids.uuid())),
        if integration.is_some() {
            SourceType::EntraSync
        } else {
            SourceType::Manual
        },
        &user_name,
        name,
        planner::fold(name),
        planner::fold::search_text([name, user_name.as_str()]),
        r#"{"department":"Sales","jobTitle":"Lead","phones":["1","2"]}"#,
        status,
        t.clock.now()
    )
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// An active group of the directory.
pub async fn group(
    t: &TestBackend,
    customer: CustomerId,
    integration: Option<IntegrationId>,
    name: &str,
) -> GroupId {
    let id = GroupId(t.ids.uuid());
    let mut tx = t.db.write().await.unwrap();
    execute!(
        &mut tx,
        "INSERT INTO directory_group (id, customer_id, integration_id, external_id, source_type,
           display_name, name_folded, search_text, mail, kind, dynamic, attributes, status,
           created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, NULL, 'security', FALSE, $8, 'active', $9, $9)",
        id,
        customer,
        integration,
        integration.map(|_| ExternalId(t.ids.uuid())),
        if integration.is_some() {
            SourceType::EntraSync
        } else {
            SourceType::Manual
        },
        name,
        planner::fold(name),
        r#"{"description":"About it"}"#,
        t.clock.now()
    )
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// The audit log as "actor action object: why (field: before → after)", oldest first. Of what is new
/// or gone the fields are left out.
pub async fn audit_log(t: &TestBackend) -> Vec<String> {
    let mut tx = t.db.read().await.unwrap();
    let rows = fetch_all!(
        &mut tx,
        (String, String, String, String, String),
        "SELECT actor, action, object_name, note, changes FROM audit_event ORDER BY id"
    )
    .unwrap();
    rows.into_iter()
        .map(|(actor, action, object, note, changes)| {
            let mut line = format!("{actor} {action} {object}");
            if !note.is_empty() {
                line = format!("{line}: {note}");
            }
            let changes: AuditChanges = serde_json::from_str(&changes).unwrap();
            let fields = changed_fields(&changes);
            if !fields.is_empty() && !action.ends_with(".create") && !action.ends_with(".delete") {
                line = format!("{line} ({fields})");
            }
            line
        })
        .collect()
}

fn changed_fields(changes: &AuditChanges) -> String {
    let text = |value: Option<&serde_json::Value>| match value {
        None => "–".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let fields = changes.fields().into_iter();
    let fields = fields.map(|(name, before, after)| {
        let (before, after) = (text(before), text(after));
        format!("{name}: {before} → {after}")
    });
    fields.collect::<Vec<_>>().join(", ")
}

/// Sets up an authenticator app for an operator; answers its key.
pub async fn authenticator(t: &TestBackend, scope: &Scope) -> Vec<u8> {
    let who = SettingUp::Operator {
        scope: scope.clone(),
        session: None,
    };
    let offer = second_factor::offer_authenticator(t, &who, None);
    let offer = offer.await.unwrap();
    let key = second_factor::key_in(&offer.key);
    let code = second_factor::code_at(&key, t.clock.now());
    second_factor::confirm_authenticator(t, &who, &offer.sealed, &code)
        .await
        .unwrap();
    key
}

/// A mail with a link that is on its way to an operator; nothing is there that would send it.
pub async fn mail_with_link(t: &TestBackend, operator: OperatorId, link: &str) {
    let smtp = Smtp::checked(SmtpGiven {
        host: "mail.example".to_owned(),
        from: "rollcall@example.com".to_owned(),
        ..SmtpGiven::default()
    });
    let b = Backend {
        settings: Arc::new(Settings {
            smtp: Some(smtp.unwrap()),
            ..(*t.settings).clone()
        }),
        ..t.backend.clone()
    };
    let mut tx = b.db.write().await.unwrap();
    operator_mail::put_invitation(&b, &mut tx, operator, "Owner", &link.into())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// A mail with a link that is on its way to a user of a directory.
pub async fn mail_with_link_to_user(t: &TestBackend, link: &str) {
    let (id, user, customer) = (t.ids.uuid(), t.ids.uuid(), t.ids.uuid());
    let mut tx = t.db.write().await.unwrap();
    let place = Place::new(places::ENROLMENT_LINK, id);
    let sealed = t.sealer.seal(&mut tx, place, &link.into()).await.unwrap();
    execute!(
        &mut tx,
        "INSERT INTO enrolment_mail (id, user_id, customer_id, purpose, address, invited_by,
                                     secret_sealed, status, attempts, created_at)
         VALUES ($1, $2, $3, 'invitation', 'ada@x.example', 'Owner', $4, 'queued', 1, $5)",
        id,
        user,
        customer,
        sealed,
        t.clock.now()
    )
    .unwrap();
    tx.commit().await.unwrap();
}
