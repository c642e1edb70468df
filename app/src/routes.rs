//! Every path of the interface, built in one place. No link is a literal anywhere else.

use domain::{
    grid::GridList,
    id::{
        ApiTokenId, AuditEventId, BulkId, ContactId, CredentialProfileId, CustomerId, DeviceId,
        ExternalId, GroupId, ImportId, IntegrationId, NotificationRecipientId, OperatorId,
        PasskeyId, PolicyTemplateId, RunId, SettingsDraftId, UserId,
    },
    policy::ObjectType,
};

/// A link of an invitation, with its secret in the query.
pub const INVITATION: &str = "/invitation";
/// A link of a forgotten password, with its secret in the query.
pub const RESET_PASSWORD: &str = "/reset-password";
/// A consent link, with its secret in the query.
pub const CONSENT: &str = "/consent";
/// The same page, for an answer of Microsoft that belongs to no way this browser began.
pub const CONSENT_NOT_OURS: &str = "/consent?answer=unknown";
/// From a consent link on to Microsoft, with the link's secret in the query.
pub const CONSENT_CONTINUE: &str = "/consent/continue";
/// Back from Microsoft: the redirect URI that is registered with the application.
pub const CONSENT_CALLBACK: &str = "/consent/callback";
/// Ask again whether a consent is known by now, with the link's secret in the query.
pub const CONSENT_CHECK: &str = "/consent/check";
/// Authorize: links for customers' administrators.
pub const AUTHORIZE: &str = "/integrations/authorize";
/// Ask for a new password.
pub const FORGOT_PASSWORD: &str = "/forgot-password";
/// A link with which a user of a directory activates their account, with its secret in the query, as
/// `backend::enrolment_mail` has it too.
pub const ACTIVATE: &str = "/activate";
/// A user's own account.
pub const OWN: &str = "/my";
/// Sign in to it.
pub const OWN_SIGN_IN: &str = "/my/sign-in";
/// Give the second factor of it.
pub const OWN_SECOND_FACTOR: &str = "/my/second-factor";
/// Set up an authenticator app for it.
pub const OWN_AUTHENTICATOR: &str = "/my/authenticator";
/// Remove that app.
pub const OWN_AUTHENTICATOR_REMOVE: &str = "/my/authenticator/remove";
/// Make recovery codes for it.
pub const OWN_RECOVERY_CODES: &str = "/my/recovery-codes";
/// Ask for a new password for it.
pub const OWN_FORGOT: &str = "/my/forgot-password";
/// Operators.
pub const OPERATORS: &str = "/operators";
/// Invite an operator.
pub const OPERATOR_INVITE: &str = "/operators/invite";
/// What each role may do.
pub const ROLES: &str = "/operators/roles";
/// Overview, where one lands after signing in.
pub const OVERVIEW: &str = "/";
/// Sign in.
pub const SIGN_IN: &str = "/sign-in";
/// Go to a provider to sign in: `{provider}` is its id in configuration.
pub const PROVIDER_SIGN_IN: &str = "/sign-in/oidc/{provider}";
/// Come back from it: its redirect URI, as `backend::auth::oidc` has it too.
pub const PROVIDER_CALLBACK: &str = "/sign-in/oidc/{provider}/callback";
/// The second factor, after the password.
pub const SECOND_FACTOR: &str = "/sign-in/second-factor";
/// Set up a second factor, before one is signed in.
pub const SET_UP: &str = "/sign-in/set-up";
/// Confirm that it is the operator who is signed in.
pub const CONFIRM: &str = "/confirm";
/// Set up an authenticator app.
pub const AUTHENTICATOR: &str = "/account/authenticator";
/// Remove the authenticator app.
pub const AUTHENTICATOR_REMOVE: &str = "/account/authenticator/remove";
/// Make recovery codes.
pub const RECOVERY_CODES: &str = "/account/recovery-codes";
/// Add a passkey.
pub const PASSKEY_ADD: &str = "/account/passkeys/add";
/// Which roles need a second factor.
pub const REQUIRED_SECOND_FACTOR: &str = "/operators/roles/second-factor";
/// The first start: create the owner.
pub const SETUP: &str = "/setup";
/// My Account.
pub const ACCOUNT: &str = "/account";
/// Find anything, as a page of its own.
pub const FIND: &str = "/find";
/// Customers.
pub const CUSTOMERS: &str = "/customers";
/// Add a customer.
pub const CUSTOMER_ADD: &str = "/customers/add";
/// Users.
pub const USERS: &str = "/users";
/// Add a user.
pub const USER_ADD: &str = "/users/add";
/// Groups.
pub const GROUPS: &str = "/groups";
/// Add a group.
pub const GROUP_ADD: &str = "/groups/add";
/// Contacts.
pub const CONTACTS: &str = "/contacts";
/// Devices.
pub const DEVICES: &str = "/devices";
/// Integrations.
pub const INTEGRATIONS: &str = "/integrations";
/// Add New Integration.
pub const INTEGRATION_ADD: &str = "/integrations/add";
/// Pause the scheduled runs of every customer.
pub const PAUSE_ALL: &str = "/integrations/pause-all";
/// Sync History of everything.
pub const SYNC_HISTORY: &str = "/sync-history";
/// Policy Templates.
pub const POLICY_TEMPLATES: &str = "/policy-templates";
/// Make a policy template.
pub const POLICY_TEMPLATE_ADD: &str = "/policy-templates/add";
/// The settings of an `integration`, a `customer` or a `template` as a file, in the `format` `json`
/// or `toml`.
pub const SETTINGS_FILE: &str = "/export/settings";
/// Credential Profiles.
pub const CREDENTIAL_PROFILES: &str = "/credential-profiles";
/// Add a credential profile.
pub const CREDENTIAL_PROFILE_ADD: &str = "/credential-profiles/add";
/// Notifications of the whole installation.
pub const NOTIFICATIONS: &str = "/notifications";
/// Add a recipient to the installation.
pub const NOTIFICATION_ADD: &str = "/notifications/add";
/// API Tokens.
pub const API_TOKENS: &str = "/api-tokens";
/// New API Token.
pub const API_TOKEN_ADD: &str = "/api-tokens/add";
/// The page to try the API, which isn't part of the portal.
pub const API_DOCS: &str = "/api/docs";
/// The audit log.
pub const AUDIT_LOG: &str = "/audit-log";
/// The audit log as CSV, with the list's own query.
pub const AUDIT_LOG_CSV: &str = "/export/audit-log.csv";
/// Users as CSV, with the list's own query.
pub const USERS_CSV: &str = "/export/users.csv";
/// What came of the bulk change `bulk`, as CSV.
pub const BULK_CSV: &str = "/export/bulk.csv";
/// Groups as CSV, with the list's own query.
pub const GROUPS_CSV: &str = "/export/groups.csv";
/// Contacts as CSV, with the list's own query.
pub const CONTACTS_CSV: &str = "/export/contacts.csv";
/// Devices as CSV, with the list's own query.
pub const DEVICES_CSV: &str = "/export/devices.csv";
/// Integrations as CSV, with the list's own query.
pub const INTEGRATIONS_CSV: &str = "/export/integrations.csv";
/// Matches of the integration `integration` as CSV, with the list's own query.
pub const MATCHES_CSV: &str = "/export/matches.csv";
/// Sync History as CSV, with the list's own query.
pub const SYNC_HISTORY_CSV: &str = "/export/sync-history.csv";
/// The changes of the run `run` as CSV, with the list's own query.
pub const RUN_CHANGES_CSV: &str = "/export/run-changes.csv";

/// The public part of a certificate of the profile `profile`, of its `second` one where that is
/// named, in the `format` `cer` or `pem`.
pub const CERTIFICATE: &str = "/export/certificate";

/// Sign in, and go on to `back` afterwards.
pub fn sign_in(back: &str) -> String {
    if back == OVERVIEW || !is_local(back) {
        SIGN_IN.to_owned()
    } else {
        crate::ui::address::link(SIGN_IN, &[("next".to_owned(), back.to_owned())])
    }
}

/// How a customer's people are invited.
pub fn customer_enrolment(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/enrolment")
}

/// Bring people of a file, or members of groups, into a customer's directory.
pub fn customer_imports(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/imports")
}

/// Import members of groups of a customer's tenant.
pub fn customer_import_groups(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/imports/from-groups")
}

/// Where a file to import is sent to.
pub const IMPORT_FILE: &str = "/imports/file";
/// What comes of the rows of the import `import` as CSV, with the list's own query.
pub const IMPORT_ROWS_CSV: &str = "/export/import-rows.csv";

/// One import.
pub fn import(id: ImportId) -> String {
    format!("/imports/{id}")
}

/// Invite the next of them.
pub fn customer_invite(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/enrolment/invite")
}

/// One API token.
pub fn api_token(id: ApiTokenId) -> String {
    format!("{API_TOKENS}/{id}")
}

/// Give an API token a new secret.
pub fn api_token_rotate(id: ApiTokenId) -> String {
    format!("{API_TOKENS}/{id}/rotate")
}

/// Answer for an API token.
pub fn api_token_take_over(id: ApiTokenId) -> String {
    format!("{API_TOKENS}/{id}/take-over")
}

/// Revoke an API token.
pub fn api_token_revoke(id: ApiTokenId) -> String {
    format!("{API_TOKENS}/{id}/revoke")
}

/// Go to a provider: to sign in and go on to `next`; to accept an `invitation`, by its secret; or to
/// `link` an account to the operator who is signed in.
pub fn provider_sign_in(id: &str, query: &[(String, String)]) -> String {
    crate::ui::address::link(&PROVIDER_SIGN_IN.replace("{provider}", id), query)
}

/// The page of an invitation, by its secret.
pub fn invitation(secret: &str) -> String {
    crate::ui::address::link(INVITATION, &[("secret".to_owned(), secret.to_owned())])
}

fn and_then(page: &str, next: &str) -> String {
    if next.is_empty() || next == OVERVIEW || !is_local(next) {
        page.to_owned()
    } else {
        crate::ui::address::link(page, &[("next".to_owned(), next.to_owned())])
    }
}

/// The second factor, and go on to `next` afterwards.
pub fn second_factor(next: &str) -> String {
    and_then(SECOND_FACTOR, next)
}

/// Set up a second factor, and go on to `next` afterwards.
pub fn set_up(next: &str) -> String {
    and_then(SET_UP, next)
}

/// Confirm who one is, and go on to `next` afterwards.
pub fn confirm(next: &str) -> String {
    and_then(CONFIRM, next)
}

/// Make recovery codes, and go on to `next` afterwards.
pub fn recovery_codes(next: &str) -> String {
    and_then(RECOVERY_CODES, next)
}

/// Change the name of a passkey, or remove it.
pub fn passkey(id: PasskeyId) -> String {
    format!("/account/passkeys/{id}")
}

/// Take away the second factors of an operator.
pub fn operator_reset_second_factor(id: OperatorId) -> String {
    format!("{OPERATORS}/{id}/reset-second-factor")
}

/// One entry of the audit log.
pub fn audit_event(id: AuditEventId) -> String {
    format!("{AUDIT_LOG}/{id}")
}

/// One customer.
pub fn customer(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}")
}

/// Rename a customer.
pub fn customer_rename(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/rename")
}

/// Pause the scheduled runs of a customer's integrations.
pub fn customer_pause(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/pause")
}

/// Give a customer another time zone.
pub fn customer_time_zone(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/time-zone")
}

/// Delete a customer.
pub fn customer_delete(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/delete")
}

/// Add a notification recipient to a customer.
pub fn customer_notification_add(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/notifications/add")
}

/// Give a customer other tags.
pub fn customer_tags(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/tags")
}

/// The customers with a tag.
pub fn customers_tagged(tag: &str) -> String {
    crate::ui::address::link(CUSTOMERS, &[("tag".to_owned(), tag.to_owned())])
}

/// Authorize the tenant of an integration.
pub fn integration_authorize(id: IntegrationId) -> String {
    crate::ui::address::link(AUTHORIZE, &[("integration".to_owned(), id.to_string())])
}

/// One operator.
pub fn operator(id: OperatorId) -> String {
    format!("{OPERATORS}/{id}")
}

/// Change an operator's name, role and customers.
pub fn operator_edit(id: OperatorId) -> String {
    format!("{OPERATORS}/{id}/edit")
}

/// Invite an operator once more.
pub fn operator_invite_again(id: OperatorId) -> String {
    format!("{OPERATORS}/{id}/invite-again")
}

/// Keep an operator from signing in.
pub fn operator_disable(id: OperatorId) -> String {
    format!("{OPERATORS}/{id}/disable")
}

/// Remove an operator.
pub fn operator_remove(id: OperatorId) -> String {
    format!("{OPERATORS}/{id}/remove")
}

/// One notification recipient.
pub fn notification_recipient(id: NotificationRecipientId) -> String {
    format!("/notification-recipients/{id}")
}

/// Change a recipient's address and causes.
pub fn notification_recipient_edit(id: NotificationRecipientId) -> String {
    format!("/notification-recipients/{id}/edit")
}

/// Give a recipient a new signing secret.
pub fn notification_recipient_secret(id: NotificationRecipientId) -> String {
    format!("/notification-recipients/{id}/secret")
}

/// Remove a recipient.
pub fn notification_recipient_remove(id: NotificationRecipientId) -> String {
    format!("/notification-recipients/{id}/remove")
}

/// What is done to many at once.
pub fn bulk(id: BulkId) -> String {
    format!("/bulk/{id}")
}

/// Manage the views of a list.
pub const fn grid_views(list: GridList) -> &'static str {
    match list {
        GridList::Users => "/users/views",
        GridList::Groups => "/groups/views",
    }
}

/// One user.
pub fn user(id: UserId) -> String {
    format!("{USERS}/{id}")
}

/// A dialog of a user: `edit`, `deactivate`, `delete`, `groups`, `aliases`, `keep` or
/// `reset-second-factor`.
pub fn user_dialog(id: UserId, dialog: &str) -> String {
    format!("{USERS}/{id}/{dialog}")
}

/// A dialog of a group: `edit`, `delete` or `add-members`.
pub fn group_dialog(id: GroupId, dialog: &str) -> String {
    format!("{GROUPS}/{id}/{dialog}")
}

/// One group.
pub fn group(id: GroupId) -> String {
    format!("{GROUPS}/{id}")
}

/// One contact.
pub fn contact(id: ContactId) -> String {
    format!("{CONTACTS}/{id}")
}

/// One device.
pub fn device(id: DeviceId) -> String {
    format!("{DEVICES}/{id}")
}

/// An object of the directory of this type; none for memberships, which have no page.
pub fn object(object_type: ObjectType, id: uuid::Uuid) -> Option<String> {
    match object_type {
        ObjectType::User => Some(user(UserId(id))),
        ObjectType::Group => Some(group(GroupId(id))),
        ObjectType::Contact => Some(contact(ContactId(id))),
        ObjectType::Device => Some(device(DeviceId(id))),
        ObjectType::Membership => None,
    }
}

/// One integration, with its first tab: Tenant Configuration.
pub fn integration(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}")
}

/// One integration, with the settings of a preview filled in.
pub fn integration_with_preview(id: IntegrationId, run: RunId) -> String {
    format!("{INTEGRATIONS}/{id}?preview={run}")
}

/// The tab Sync History of one integration.
pub fn integration_history(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/sync-history")
}

/// The tab Groups of one integration.
pub fn integration_groups(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/groups")
}

/// The tab Matching of one integration.
pub fn integration_matches(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/matching")
}

/// One person of the tab Matching.
pub fn integration_match(id: IntegrationId, person: ExternalId) -> String {
    format!("{INTEGRATIONS}/{id}/matching/{person}")
}

/// The tab Versions of one integration.
pub fn integration_versions(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/versions")
}

/// One version of an integration's settings.
pub fn integration_version(id: IntegrationId, number: i64) -> String {
    format!("{INTEGRATIONS}/{id}/versions/{number}")
}

/// Restore a version of an integration's settings.
pub fn integration_version_restore(id: IntegrationId, number: i64) -> String {
    format!("{INTEGRATIONS}/{id}/versions/{number}/restore")
}

/// The tab Attributes of one integration.
pub fn integration_attributes(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/attributes")
}

/// The tab Attributes, with the rules of a preview filled in.
pub fn integration_attributes_with_preview(id: IntegrationId, run: RunId) -> String {
    format!("{INTEGRATIONS}/{id}/attributes?preview={run}")
}

/// The tab Filters of one integration.
pub fn integration_filters(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/filters")
}

/// The tab Filters, with what a preview was made for filled in.
pub fn integration_filters_with_preview(id: IntegrationId, run: RunId) -> String {
    format!("{INTEGRATIONS}/{id}/filters?preview={run}")
}

/// Why somebody is or isn't here: asked of one integration.
pub fn integration_why(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/why")
}

/// The answer about an object: its object id, user name, mail address or display name.
pub fn integration_why_of(id: IntegrationId, object: &str) -> String {
    let pair = ("object".to_owned(), object.to_owned());
    crate::ui::address::link(&integration_why(id), &[pair])
}

/// A setting of an integration, by its name in the policy: its place on Tenant Configuration.
pub fn setting(id: IntegrationId, field: &str) -> String {
    let place = match field {
        // They have tabs of their own.
        "mapping" => return integration_attributes(id),
        "filters" => return integration_filters(id),
        "selected_group_ids" => "f-groups".to_owned(),
        "out_of_scope" => "f-out-of-scope".to_owned(),
        "guard" => "f-guard".to_owned(),
        "protected" => "f-protected".to_owned(),
        "object_types" => "f-object-types".to_owned(),
        actions if actions.starts_with("actions.") => "f-actions".to_owned(),
        other => format!("f-settings[{other}]"),
    };
    format!("{}#{place}", integration(id))
}

/// Pause the scheduled runs of an integration.
pub fn integration_pause(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/pause")
}

/// Delete an integration.
pub fn integration_delete(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/delete")
}

/// One policy template.
pub fn policy_template(id: PolicyTemplateId) -> String {
    format!("{POLICY_TEMPLATES}/{id}")
}

/// Change a policy template: its policy, with what that would touch.
pub fn policy_template_edit(id: PolicyTemplateId) -> String {
    format!("{POLICY_TEMPLATES}/{id}/edit")
}

/// Give a policy template another name.
pub fn policy_template_rename(id: PolicyTemplateId) -> String {
    format!("{POLICY_TEMPLATES}/{id}/rename")
}

/// All versions of a policy template.
pub fn policy_template_versions(id: PolicyTemplateId) -> String {
    format!("{POLICY_TEMPLATES}/{id}/versions")
}

/// One version of a policy template.
pub fn policy_template_version(id: PolicyTemplateId, number: i64) -> String {
    format!("{POLICY_TEMPLATES}/{id}/versions/{number}")
}

/// Restore a version of a policy template.
pub fn policy_template_version_restore(id: PolicyTemplateId, number: i64) -> String {
    format!("{POLICY_TEMPLATES}/{id}/versions/{number}/restore")
}

/// Delete a policy template.
pub fn policy_template_delete(id: PolicyTemplateId) -> String {
    format!("{POLICY_TEMPLATES}/{id}/delete")
}

/// The tab Template of one integration: which it follows, and its drift.
pub fn integration_template(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/template")
}

/// Follow a policy template.
pub fn integration_follow(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/template/follow")
}

/// Follow no policy template any more.
pub fn integration_leave(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/template/leave")
}

/// Export and import an integration's settings.
pub fn integration_file(id: IntegrationId) -> String {
    format!("{INTEGRATIONS}/{id}/settings-file")
}

/// Export and import a customer's settings.
pub fn customer_file(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/settings-file")
}

/// The versions of a customer's settings.
pub fn customer_versions(id: CustomerId) -> String {
    format!("{CUSTOMERS}/{id}/versions")
}

/// One version of a customer's settings.
pub fn customer_version(id: CustomerId, number: i64) -> String {
    format!("{CUSTOMERS}/{id}/versions/{number}")
}

/// Restore a version of a customer's settings.
pub fn customer_version_restore(id: CustomerId, number: i64) -> String {
    format!("{CUSTOMERS}/{id}/versions/{number}/restore")
}

/// A page with a file that waits for its confirmation.
pub fn with_draft(page: &str, draft: SettingsDraftId) -> String {
    format!("{page}?draft={draft}")
}

/// The settings of a thing as a file; `of` is the name of the thing's parameter.
pub fn settings_file(of: &str, id: impl std::fmt::Display, format: &str) -> String {
    format!("{SETTINGS_FILE}?{of}={id}&format={format}")
}

/// One run.
pub fn run(id: RunId) -> String {
    format!("/runs/{id}")
}

/// Apply the preview that a run is.
pub fn run_apply(id: RunId) -> String {
    format!("/runs/{id}/apply")
}

/// What one run holds of a type, in its list of changes.
pub fn run_held(id: RunId, object_type: ObjectType) -> String {
    format!("/runs/{id}?type={object_type}&status=held#changes")
}

/// One credential profile.
pub fn credential_profile(id: CredentialProfileId) -> String {
    format!("{CREDENTIAL_PROFILES}/{id}")
}

/// Change a profile's name and application id.
pub fn credential_profile_edit(id: CredentialProfileId) -> String {
    format!("{CREDENTIAL_PROFILES}/{id}/edit")
}

/// Replace a profile's secret or certificate.
pub fn credential_profile_secret(id: CredentialProfileId) -> String {
    format!("{CREDENTIAL_PROFILES}/{id}/secret")
}

/// Delete a profile.
pub fn credential_profile_delete(id: CredentialProfileId) -> String {
    format!("{CREDENTIAL_PROFILES}/{id}/delete")
}

/// The dialog that adds a profile's second secret or certificate.
pub fn credential_profile_second(id: CredentialProfileId) -> String {
    format!("{CREDENTIAL_PROFILES}/{id}/second")
}

/// The dialog that asks before the second secret is used from now on.
pub fn credential_profile_second_use(id: CredentialProfileId) -> String {
    format!("{CREDENTIAL_PROFILES}/{id}/use-second")
}

/// The dialog that asks before the second secret is removed.
pub fn credential_profile_second_remove(id: CredentialProfileId) -> String {
    format!("{CREDENTIAL_PROFILES}/{id}/remove-second")
}

/// The public part of a certificate as a file, in the format `cer` or `pem`.
pub fn certificate(profile: CredentialProfileId, second: bool, format: &str) -> String {
    let second = if second { "&second=1" } else { "" };
    format!("{CERTIFICATE}?profile={profile}&format={format}{second}")
}

/// Whether a way back that came with a request is a path of ours, not another site's address.
pub fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        // Browsers read a backslash as a slash, and leave out line ends and tabs.
        && !path.contains(|c: char| c == '\\' || c.is_control())
        && path.len() < 2048
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn a_way_back_never_leaves_the_site() {
        for good in ["/", "/users?q=a%20b", "/runs/1"] {
            assert!(is_local(good), "{good}");
        }
        for bad in [
            "",
            "users",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/\t/evil.example",
            "/\u{0}/evil.example",
            "/\u{85}x",
            "javascript:alert(1)",
            "\\/evil.example",
        ] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
