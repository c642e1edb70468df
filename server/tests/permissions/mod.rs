//! Who may call what: everything that can be called, by a stranger, by somebody whose session has
//! ended or whose token was revoked, by somebody who gave a password and no second factor yet, by each
//! role over another customer, by each role over the
//! customer, and by an owner of everything. Each golden file is the policy in one table.

mod audited;
mod calls;
mod crawler;
mod functions;
mod places;
mod reads;
mod routes;
mod unavailable;

use std::fmt::Write as _;

use backend::store::{consent_links, imports};
use domain::{
    consent_link::NewConsentLink, id::CustomerId, permission::Role, policy::ObjectType,
    user::DirectoryStatus,
};
use serde_json::json;

use crate::support::{TestApp, id};

/// One of everything, of one customer.
#[derive(Clone)]
struct Things {
    customer: String,
    credential_profile: String,
    integration: String,
    run: String,
    user: String,
    group: String,
    contact: String,
    device: String,
    recipient: String,
    audit_event: String,
    operator: String,
    api_token: String,
    consent_link: String,
    /// One that waits.
    import: String,
    /// Of the installation, not of the customer.
    policy_template: String,
    /// A session of that operator.
    operator_session: String,
    /// Prepared by the owner's token.
    bulk_change: String,
    /// The owner's, shared with whoever looks after the customer.
    saved_view: String,
}

/// Who asks, in the order of the columns. Whoever may least comes first, so that what one of them
/// changes hides little from the next.
const COLUMNS: [&str; 10] = [
    "stranger",
    "ended",
    "half",
    "elsewhere",
    "read_only",
    "help_desk",
    "user_mgr",
    "admin",
    "owner",
    "everything",
];

/// The roles over the customer, in the order of their columns.
const ROLES: [Role; 5] = [
    Role::ReadOnly,
    Role::HelpDesk,
    Role::UserManager,
    Role::Administrator,
    Role::Owner,
];

/// The mail address of an operator who is half signed in.
const HALF: &str = "hal@example.com";
const HALF_PASSWORD: &str = "half of what is asked";

/// An owner of whom more than a password is asked.
async fn with_half(app: &TestApp) {
    let hal = backend::auth::add_operator(&app.t, HALF, "Hal", Role::Owner, HALF_PASSWORD.into());
    let hal = app.t.scope_of(hal.await.unwrap().id).await;
    app.authenticator(&hal).await;
}

/// The head of a golden table.
fn head(title: &str, width: usize) -> String {
    let mut head = format!("{title:<width$}");
    for column in COLUMNS {
        write!(head, " {column:>10}").unwrap();
    }
    head.push('\n');
    head
}

/// A line of a golden table.
fn line(of: &str, width: usize, statuses: &[u16]) -> String {
    assert_eq!(statuses.len(), COLUMNS.len(), "{of}");
    let mut line = format!("{of:<width$}");
    for status in statuses {
        write!(line, " {status:>10}").unwrap();
    }
    line.push('\n');
    line
}

/// An import that waits, of one person.
async fn import(app: &TestApp, customer: CustomerId) -> String {
    let by = backend::auth::command_line_scope();
    let file = b"upn,name\nimported@x.example,Imported\n".to_vec();
    let import = imports::from_file(&app.t, &by, customer, "users.csv", file, None).await;
    import.unwrap().id.to_string()
}

impl Things {
    async fn new(app: &TestApp) -> Self {
        Box::pin(Self::make(app)).await
    }

    async fn make(app: &TestApp) -> Self {
        let (customer, integration) = app.integration().await;
        let run = app.full_sync(&integration).await;
        let (contact, device) = (
            app.t
                .contact(customer, None, "Con Tact", DirectoryStatus::Active),
            app.t
                .device(customer, None, "De Vice", DirectoryStatus::Active),
        );
        let (contact, device) = (contact.await.to_string(), device.await.to_string());
        let first = async |noun: &str| {
            let list = app
                .get(&format!("/customers/{customer}/{noun}"))
                .await
                .expect(200);
            id(&list["items"][0])
        };
        let profile = json!({
            "customer_id": customer,
            "name": "Own",
            "kind": "client_secret",
            // With it an integration goes on signing in, whoever saves it so.
            "client_id": app.tenant().client_id.to_string(),
            "client_secret": app.tenant().client_secret,
        });
        let told = json!({ "kind": "mail", "address": format!("{customer}@example.com") });
        let told = app
            .post(
                &format!("/customers/{customer}/notification-recipients"),
                told,
            )
            .await;
        let told = id(&told.expect(201));
        let audit_events = format!("/audit-events?customer_id={customer}&object_id={told}");
        let audit_events = app.get(&audit_events).await.expect(200);
        // They may do little, so that whoever looks after the customer may change them, and name
        // nobody who isn't in the customer themselves.
        let operator = app.t.role_over(Role::ReadOnly, &[customer]).await;
        let (api_token, _) = app.made_token(Role::ReadOnly, Some(&[customer])).await;
        let profile = id(&app.post("/credential-profiles", profile).await.expect(201));
        let link = NewConsentLink {
            credential_profile_id: profile.parse().unwrap(),
            cloud: "sim".to_owned(),
            tenant: "consent.example".to_owned(),
            object_types: vec![ObjectType::User],
        };
        // Not by the API, which would be asked for more of them than a person may make.
        let by = backend::auth::command_line_scope();
        let link = consent_links::create(&app.t, &by, customer, link).await;
        Self {
            consent_link: link.unwrap().link.id.to_string(),
            policy_template: audited::settings::template(app).await,
            api_token: api_token.id.to_string(),
            audit_event: id(&audit_events["items"][0]),
            operator: operator.operator_id().expect("an operator").to_string(),
            operator_session: app.session_id(&operator).await,
            recipient: told,
            bulk_change: audited::grid::bulk_change(app, customer, &first("users").await).await,
            saved_view: audited::grid::saved_view(app, &app.t.owner().await, customer).await,
            user: first("users").await,
            group: first("groups").await,
            contact,
            device,
            credential_profile: profile,
            import: import(app, customer).await,
            customer: customer.to_string(),
            run: id(&run),
            integration,
        }
    }

    /// Ids that never were anything's.
    fn never(app: &TestApp) -> Self {
        let id = || app.t.ids.uuid().to_string();
        Self {
            customer: id(),
            credential_profile: id(),
            integration: id(),
            run: id(),
            user: id(),
            group: id(),
            contact: id(),
            device: id(),
            recipient: id(),
            audit_event: id(),
            operator: id(),
            api_token: id(),
            consent_link: id(),
            import: id(),
            policy_template: id(),
            operator_session: id(),
            bulk_change: id(),
            saved_view: id(),
        }
    }

    /// Each of them, with a name, to be exchanged for another.
    fn each(&mut self) -> [(&'static str, &mut String); 18] {
        [
            ("customer", &mut self.customer),
            ("credential profile", &mut self.credential_profile),
            ("integration", &mut self.integration),
            ("run", &mut self.run),
            ("user", &mut self.user),
            ("group", &mut self.group),
            ("contact", &mut self.contact),
            ("device", &mut self.device),
            ("recipient", &mut self.recipient),
            ("audit event", &mut self.audit_event),
            ("operator", &mut self.operator),
            ("API token", &mut self.api_token),
            ("consent link", &mut self.consent_link),
            ("import", &mut self.import),
            ("policy template", &mut self.policy_template),
            ("session", &mut self.operator_session),
            ("bulk change", &mut self.bulk_change),
            ("saved view", &mut self.saved_view),
        ]
    }

    /// A path of the API with the id of the thing it is about.
    fn path(&self, pattern: &str) -> String {
        let of = match pattern.split('/').nth(1).unwrap_or_default() {
            "customers" => &self.customer,
            "credential-profiles" => &self.credential_profile,
            "integrations" => &self.integration,
            "runs" | "runs.csv" => &self.run,
            "users" => &self.user,
            "groups" => &self.group,
            "contacts" => &self.contact,
            "devices" => &self.device,
            "notification-recipients" => &self.recipient,
            "audit-events" | "audit-events.csv" => &self.audit_event,
            "operators" => &self.operator,
            "api-tokens" => &self.api_token,
            "consent-links" => &self.consent_link,
            "imports" => &self.import,
            "policy-templates" => &self.policy_template,
            "bulk-changes" => &self.bulk_change,
            "saved-views" => &self.saved_view,
            // About everything at once.
            "sync" => "",
            other => panic!("a new noun, {other}: give it an id here"),
        };
        calls::filled(pattern, of)
    }

    /// Whether an answer names any of them that wasn't named in the question.
    fn are_told_by(&self, answer: &str, question: &str) -> bool {
        let ids = [
            &self.customer,
            &self.credential_profile,
            &self.integration,
            &self.run,
            &self.user,
            &self.group,
            &self.contact,
            &self.device,
            &self.recipient,
            &self.audit_event,
            &self.operator,
            &self.api_token,
            &self.consent_link,
            &self.import,
            &self.operator_session,
            &self.bulk_change,
            &self.saved_view,
        ];
        ids.into_iter()
            .any(|id| answer.contains(id.as_str()) && !question.contains(id.as_str()))
    }
}
