//! What is written down, and about what.

use crate::text_enum;

text_enum! {
    /// What an entry of the audit log is about.
    pub enum AuditObject {
        /// The installation as a whole.
        Installation = "installation",
        /// An operator.
        Operator = "operator",
        /// A session of a browser.
        Session = "session",
        /// An API token.
        ApiToken = "api_token",
        /// A customer.
        Customer = "customer",
        /// A credential profile.
        CredentialProfile = "credential_profile",
        /// An integration.
        Integration = "integration",
        /// A policy that integrations follow.
        PolicyTemplate = "policy_template",
        /// A link for Microsoft's admin consent.
        ConsentLink = "consent_link",
        /// A run, or Sync History as a whole.
        Run = "run",
        /// A user of a directory, or users as a whole.
        User = "user",
        /// A group of a directory, or groups as a whole.
        Group = "group",
        /// A contact of a directory, or contacts as a whole.
        Contact = "contact",
        /// A device of a directory, or devices as a whole.
        Device = "device",
        /// Somebody who is told what goes wrong.
        NotificationRecipient = "notification_recipient",
        /// A view of a list.
        SavedView = "saved_view",
        /// The audit log itself.
        AuditEvent = "audit_event",
    }
}

impl AuditObject {
    /// The noun as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Installation => "Installation",
            Self::Operator => "Operator",
            Self::Session => "Session",
            Self::ApiToken => "API token",
            Self::Customer => "Customer",
            Self::CredentialProfile => "Credential profile",
            Self::Integration => "Integration",
            Self::PolicyTemplate => "Policy template",
            Self::ConsentLink => "Consent link",
            Self::Run => "Run",
            Self::User => "User",
            Self::Group => "Group",
            Self::Contact => "Contact",
            Self::Device => "Device",
            Self::NotificationRecipient => "Notification recipient",
            Self::SavedView => "View",
            Self::AuditEvent => "Audit log",
        }
    }
}

text_enum! {
    /// What was done. The part before the point is the [`AuditObject`] it was done to.
    ///
    /// None is ever removed or renamed: entries that were written with it stay.
    pub enum AuditAction {
        /// Somebody signed in.
        OperatorSignIn = "operator.sign_in",
        /// Somebody tried to sign in and was refused.
        OperatorSignInFailed = "operator.sign_in_failed",
        /// Somebody tried to sign in, or to prove who they are, while they had to wait: it wasn't
        /// looked at.
        OperatorSignInSlowed = "operator.sign_in_slowed",
        /// Somebody signed out.
        OperatorSignOut = "operator.sign_out",
        /// An operator was added.
        OperatorCreate = "operator.create",
        /// Somebody was invited to become an operator.
        OperatorInvite = "operator.invite",
        /// An invitation was sent once more.
        OperatorInviteAgain = "operator.invite_again",
        /// An invitation was accepted.
        OperatorAcceptInvitation = "operator.accept_invitation",
        /// An operator's name, role or scope was changed.
        OperatorUpdate = "operator.update",
        /// An operator may sign in again.
        OperatorEnable = "operator.enable",
        /// An operator may not sign in any more.
        OperatorDisable = "operator.disable",
        /// An operator was removed.
        OperatorDelete = "operator.delete",
        /// A link to set a new password was asked for.
        OperatorForgotPassword = "operator.forgot_password",
        /// A new password was set in place of a forgotten one.
        OperatorResetPassword = "operator.reset_password",
        /// An operator changed their password.
        OperatorChangePassword = "operator.change_password",
        /// An operator gave a wrong password where theirs was asked for again.
        OperatorPasswordRefused = "operator.password_refused",
        /// An operator linked an account of a provider, to sign in with.
        OperatorLinkIdentity = "operator.link_identity",
        /// An operator unlinked an account of a provider.
        OperatorUnlinkIdentity = "operator.unlink_identity",
        /// Somebody gave the right password and then a wrong second factor.
        OperatorSecondFactorRefused = "operator.second_factor_refused",
        /// An operator proved once more that it is them.
        OperatorConfirm = "operator.confirm",
        /// An operator could not prove that it is them.
        OperatorConfirmRefused = "operator.confirm_refused",
        /// An operator set up an authenticator app.
        OperatorAddAuthenticator = "operator.add_authenticator",
        /// An operator removed their authenticator app.
        OperatorRemoveAuthenticator = "operator.remove_authenticator",
        /// An operator added a passkey.
        OperatorAddPasskey = "operator.add_passkey",
        /// An operator gave a passkey another name.
        OperatorRenamePasskey = "operator.rename_passkey",
        /// An operator removed a passkey.
        OperatorRemovePasskey = "operator.remove_passkey",
        /// A passkey was refused, since its counter went back: there may be a copy of it.
        OperatorPasskeyCopied = "operator.passkey_copied",
        /// An operator made new recovery codes.
        OperatorRenewRecoveryCodes = "operator.renew_recovery_codes",
        /// All second factors of an operator were taken away.
        OperatorResetSecondFactor = "operator.reset_second_factor",
        /// An operator ended one of their sessions.
        SessionEnd = "session.end",
        /// An operator ended all their other sessions.
        SessionEndOthers = "session.end_others",
        /// Every session of an operator was ended.
        SessionEndAll = "session.end_all",
        /// A token was made.
        ApiTokenCreate = "api_token.create",
        /// A token was revoked.
        ApiTokenRevoke = "api_token.revoke",
        /// A token was given a new secret.
        ApiTokenRotate = "api_token.rotate",
        /// Another operator answers for a token.
        ApiTokenTakeOver = "api_token.take_over",
        /// A token was used that can't be: it ended, was revoked, or isn't good in that network.
        ApiTokenRefused = "api_token.refused",
        /// The API was called with a token that nobody has.
        ApiTokenUnknown = "api_token.unknown",
        /// A token read a kind of list, for the first time on that day (UTC).
        ApiTokenRead = "api_token.read",
        /// The scheduled runs of every customer were paused.
        InstallationPauseSync = "installation.pause_sync",
        /// The scheduled runs of every customer were resumed.
        InstallationResumeSync = "installation.resume_sync",
        /// The roles that need a second factor were changed.
        InstallationRequireSecondFactor = "installation.require_second_factor",
        /// Secrets were sealed with another master key.
        InstallationRotateMasterKey = "installation.rotate_master_key",
        /// A customer was added.
        CustomerCreate = "customer.create",
        /// A customer was changed.
        CustomerUpdate = "customer.update",
        /// How a customer's people are invited was changed.
        CustomerUpdateEnrolment = "customer.update_enrolment",
        /// A test mail of an invitation was sent.
        CustomerTestEnrolment = "customer.test_enrolment",
        /// A customer was put into the bin.
        CustomerDelete = "customer.delete",
        /// A customer was taken out of the bin.
        CustomerRestore = "customer.restore",
        /// A customer's scheduled runs were paused.
        CustomerPause = "customer.pause",
        /// A customer's scheduled runs were resumed.
        CustomerResume = "customer.resume",
        /// All settings of a customer were exported.
        CustomerExportSettings = "customer.export_settings",
        /// A credential profile was added.
        CredentialProfileCreate = "credential_profile.create",
        /// A credential profile was changed.
        CredentialProfileUpdate = "credential_profile.update",
        /// A credential profile was deleted.
        CredentialProfileDelete = "credential_profile.delete",
        /// A second credential was added to a profile.
        CredentialProfileAddSecond = "credential_profile.add_second",
        /// A profile's second credential is used from now on.
        CredentialProfileUseSecond = "credential_profile.use_second",
        /// A profile's second credential was removed.
        CredentialProfileRemoveSecond = "credential_profile.remove_second",
        /// An integration was added.
        IntegrationCreate = "integration.create",
        /// An integration's settings were changed.
        IntegrationUpdate = "integration.update",
        /// An integration was deleted.
        IntegrationDelete = "integration.delete",
        /// An integration was bound to the tenant that a token proved.
        IntegrationPin = "integration.pin",
        /// An integration was let run by itself again after refused sign-ins.
        IntegrationUnquarantine = "integration.unquarantine",
        /// An integration's scheduled runs were paused.
        IntegrationPause = "integration.pause",
        /// An integration's scheduled runs were resumed.
        IntegrationResume = "integration.resume",
        /// The list of integrations was exported.
        IntegrationExport = "integration.export",
        /// An integration's settings were exported.
        IntegrationExportSettings = "integration.export_settings",
        /// An integration follows a policy template from then on.
        IntegrationFollowTemplate = "integration.follow_template",
        /// An integration follows no policy template any more.
        IntegrationLeaveTemplate = "integration.leave_template",
        /// What an integration deviates in from its template was accepted.
        IntegrationAcceptDrift = "integration.accept_drift",
        /// It was decided whether people of its source are here already.
        IntegrationDecideMatches = "integration.decide_matches",
        /// Decisions about matches were taken back.
        IntegrationTakeBackMatches = "integration.take_back_matches",
        /// The queue of matches was written out.
        IntegrationExportMatches = "integration.export_matches",
        /// A policy template was made.
        PolicyTemplateCreate = "policy_template.create",
        /// A policy template was changed.
        PolicyTemplateUpdate = "policy_template.update",
        /// A policy template was deleted.
        PolicyTemplateDelete = "policy_template.delete",
        /// A policy template was exported.
        PolicyTemplateExportSettings = "policy_template.export_settings",
        /// A link for an administrator's consent was made.
        ConsentLinkCreate = "consent_link.create",
        /// Such a link was ended before its time.
        ConsentLinkRevoke = "consent_link.revoke",
        /// A token proved that the tenant consented.
        ConsentLinkProve = "consent_link.prove",
        /// A run was started.
        RunStart = "run.start",
        /// A run of one person was started.
        RunSyncObject = "run.sync_object",
        /// A preview was started.
        RunPreview = "run.preview",
        /// A preview was applied.
        RunApply = "run.apply",
        /// A run was cancelled.
        RunCancel = "run.cancel",
        /// Held changes were approved.
        RunApprove = "run.approve",
        /// Held changes were rejected.
        RunReject = "run.reject",
        /// A rejection was taken back.
        RunWithdraw = "run.withdraw",
        /// Sync History was exported.
        RunExport = "run.export",
        /// A run's changes were exported.
        RunExportChanges = "run.export_changes",
        /// A user was made here.
        UserCreate = "user.create",
        /// A user made here was changed, or made administrator of its customer's workspace.
        UserUpdate = "user.update",
        /// People of a file, or members of groups, were imported.
        UserImport = "user.import",
        /// An import was deleted, with what was given.
        UserImportDelete = "user.import_delete",
        /// Passwords that an import brought were set.
        UserImportPasswords = "user.import_passwords",
        /// A user made here was deactivated.
        UserDeactivate = "user.deactivate",
        /// A user made here is in use again.
        UserReactivate = "user.reactivate",
        /// A user made here was put into the bin.
        UserDelete = "user.delete",
        /// A user made here was taken out of the bin.
        UserRestore = "user.restore",
        /// The groups of a user were set.
        UserSetGroups = "user.set_groups",
        /// The other addresses that a user signs in with were set.
        UserSetAliases = "user.set_aliases",
        /// An attribute of a synced user is kept here.
        UserKeepAttribute = "user.keep_attribute",
        /// An attribute of a synced user follows its source again.
        UserReleaseAttribute = "user.release_attribute",
        /// A user was protected from sync.
        UserProtect = "user.protect",
        /// A user's protection was taken back.
        UserUnprotect = "user.unprotect",
        /// The deletion of a user was cancelled.
        UserCancelCountdown = "user.cancel_countdown",
        /// A user's days count again.
        UserRestartCountdown = "user.restart_countdown",
        /// Users were invited to activate their accounts.
        UserInvite = "user.invite",
        /// A user was sent a link to set a new password, by an operator or because they asked.
        UserSendNewPassword = "user.send_new_password",
        /// A mail to a user came back.
        UserMailBounced = "user.mail_bounced",
        /// That a mail to a user came back was a mistake.
        UserMailArrived = "user.mail_arrived",
        /// A user activated their account.
        UserEnrol = "user.enrol",
        /// A user set a new password by a link.
        UserResetPassword = "user.reset_password",
        /// A user changed their password.
        UserChangePassword = "user.change_password",
        /// A user signed in.
        UserSignIn = "user.sign_in",
        /// Somebody tried to sign in as a user and was refused.
        UserSignInFailed = "user.sign_in_failed",
        /// Somebody tried to sign in as a user while they had to wait: it wasn't looked at.
        UserSignInSlowed = "user.sign_in_slowed",
        /// A user signed out.
        UserSignOut = "user.sign_out",
        /// A user ended sessions of theirs.
        UserEndSessions = "user.end_sessions",
        /// A user set up an authenticator app.
        UserAddAuthenticator = "user.add_authenticator",
        /// A user removed their authenticator app.
        UserRemoveAuthenticator = "user.remove_authenticator",
        /// A user made new recovery codes.
        UserRenewRecoveryCodes = "user.renew_recovery_codes",
        /// A user gave the right password and a wrong second factor.
        UserSecondFactorRefused = "user.second_factor_refused",
        /// A user's second factor was taken away by an operator.
        UserResetSecondFactor = "user.reset_second_factor",
        /// An operator ended sessions of a user.
        UserSignOutByOperator = "user.sign_out_by_operator",
        /// Something was done to many users at once; of each there is an entry of its own.
        UserBulk = "user.bulk",
        /// What came of that was exported.
        UserExportBulk = "user.export_bulk",
        /// The list of users was exported.
        UserExport = "user.export",
        /// A group was made here.
        GroupCreate = "group.create",
        /// A group made here was changed.
        GroupUpdate = "group.update",
        /// A group made here was put into the bin.
        GroupDelete = "group.delete",
        /// A group made here was taken out of the bin.
        GroupRestore = "group.restore",
        /// Members were put into a group made here.
        GroupAddMembers = "group.add_members",
        /// Members were taken out of a group made here.
        GroupRemoveMembers = "group.remove_members",
        /// The deletion of a group was cancelled.
        GroupCancelCountdown = "group.cancel_countdown",
        /// A group's days count again.
        GroupRestartCountdown = "group.restart_countdown",
        /// Something was done to many groups at once; of each there is an entry of its own.
        GroupBulk = "group.bulk",
        /// The list of groups was exported.
        GroupExport = "group.export",
        /// The deletion of a contact was cancelled.
        ContactCancelCountdown = "contact.cancel_countdown",
        /// A contact's days count again.
        ContactRestartCountdown = "contact.restart_countdown",
        /// The list of contacts was exported.
        ContactExport = "contact.export",
        /// The deletion of a device was cancelled.
        DeviceCancelCountdown = "device.cancel_countdown",
        /// A device's days count again.
        DeviceRestartCountdown = "device.restart_countdown",
        /// The list of devices was exported.
        DeviceExport = "device.export",
        /// A recipient was added.
        NotificationRecipientCreate = "notification_recipient.create",
        /// A recipient was changed.
        NotificationRecipientUpdate = "notification_recipient.update",
        /// A recipient was removed.
        NotificationRecipientDelete = "notification_recipient.delete",
        /// A recipient was sent a test message.
        NotificationRecipientTest = "notification_recipient.test",
        /// A view of a list was saved.
        SavedViewCreate = "saved_view.create",
        /// A view of a list was changed.
        SavedViewUpdate = "saved_view.update",
        /// A view of a list was deleted.
        SavedViewDelete = "saved_view.delete",
        /// The audit log was exported.
        AuditEventExport = "audit_event.export",
    }
}

impl AuditAction {
    /// What it is done to: the part of its name before the point.
    pub fn object(self) -> AuditObject {
        let noun = self.as_str().split('.').next().unwrap_or_default();
        noun.parse().unwrap_or(AuditObject::Installation)
    }

    /// What was done, as a page shows it.
    #[expect(clippy::too_many_lines, reason = "a line for each action")]
    pub const fn title(self) -> &'static str {
        match self {
            Self::OperatorSignIn => "Signed in",
            Self::OperatorSignInFailed => "Sign-in failed",
            Self::OperatorSignInSlowed => "Sign-in had to wait",
            Self::OperatorSignOut => "Signed out",
            Self::OperatorCreate => "Operator added",
            Self::OperatorInvite => "Operator invited",
            Self::OperatorInviteAgain => "Invitation sent again",
            Self::OperatorAcceptInvitation => "Invitation accepted",
            Self::OperatorUpdate => "Operator changed",
            Self::OperatorEnable => "Operator enabled",
            Self::OperatorDisable => "Operator disabled",
            Self::OperatorDelete => "Operator removed",
            Self::OperatorForgotPassword => "Link for a new password asked for",
            Self::OperatorResetPassword => "Password set anew",
            Self::OperatorChangePassword => "Password changed",
            Self::OperatorPasswordRefused => "Password refused",
            Self::OperatorLinkIdentity => "Account of a provider linked",
            Self::OperatorUnlinkIdentity => "Account of a provider unlinked",
            Self::OperatorSecondFactorRefused => "Second factor refused",
            Self::OperatorConfirm => "Confirmed that it is them",
            Self::OperatorConfirmRefused => "Confirmation refused",
            Self::OperatorAddAuthenticator => "Authenticator app set up",
            Self::OperatorRemoveAuthenticator => "Authenticator app removed",
            Self::OperatorAddPasskey => "Passkey added",
            Self::OperatorRenamePasskey => "Passkey renamed",
            Self::OperatorRemovePasskey => "Passkey removed",
            Self::OperatorPasskeyCopied => "Passkey refused as a copy",
            Self::OperatorRenewRecoveryCodes => "Recovery codes made anew",
            Self::OperatorResetSecondFactor => "Second factor reset",
            Self::SessionEnd => "Session ended",
            Self::SessionEndOthers => "Other sessions ended",
            Self::SessionEndAll => "All sessions ended",
            Self::ApiTokenCreate => "API token made",
            Self::ApiTokenRevoke => "API token revoked",
            Self::ApiTokenRotate => "API token rotated",
            Self::ApiTokenTakeOver => "API token taken over",
            Self::ApiTokenRefused => "API token refused",
            Self::ApiTokenUnknown => "Unknown API token refused",
            Self::ApiTokenRead => "List read by API token",
            Self::InstallationPauseSync => "All syncs paused",
            Self::InstallationResumeSync => "All syncs resumed",
            Self::InstallationRequireSecondFactor => "Roles that need a second factor changed",
            Self::InstallationRotateMasterKey => "Master key rotated",
            Self::CustomerCreate => "Customer added",
            Self::CustomerUpdate => "Customer changed",
            Self::CustomerUpdateEnrolment => "Enrolment settings changed",
            Self::CustomerTestEnrolment => "Test mail of an invitation sent",
            Self::CustomerDelete => "Customer deleted",
            Self::CustomerRestore => "Customer restored",
            Self::CustomerPause => "Customer paused",
            Self::CustomerResume => "Customer resumed",
            Self::CustomerExportSettings => "Settings of customer exported",
            Self::CredentialProfileCreate => "Credential profile added",
            Self::CredentialProfileUpdate => "Credential profile changed",
            Self::CredentialProfileDelete => "Credential profile deleted",
            Self::CredentialProfileAddSecond => "Second credential added",
            Self::CredentialProfileUseSecond => "Second credential used from now on",
            Self::CredentialProfileRemoveSecond => "Second credential removed",
            Self::IntegrationCreate => "Integration added",
            Self::IntegrationUpdate => "Integration changed",
            Self::IntegrationDelete => "Integration deleted",
            Self::IntegrationPin => "Tenant proven",
            Self::IntegrationUnquarantine => "Quarantine lifted",
            Self::IntegrationPause => "Integration paused",
            Self::IntegrationResume => "Integration resumed",
            Self::IntegrationExport => "Integrations exported",
            Self::IntegrationExportSettings => "Settings of integration exported",
            Self::IntegrationFollowTemplate => "Policy template followed",
            Self::IntegrationLeaveTemplate => "Policy template left",
            Self::IntegrationAcceptDrift => "Drift accepted",
            Self::IntegrationDecideMatches => "Matches decided",
            Self::IntegrationTakeBackMatches => "Matches taken back",
            Self::IntegrationExportMatches => "Matches exported",
            Self::PolicyTemplateCreate => "Policy template made",
            Self::PolicyTemplateUpdate => "Policy template changed",
            Self::PolicyTemplateDelete => "Policy template deleted",
            Self::PolicyTemplateExportSettings => "Policy template exported",
            Self::ConsentLinkCreate => "Consent link made",
            Self::ConsentLinkRevoke => "Consent link revoked",
            Self::ConsentLinkProve => "Consent proven",
            Self::RunStart => "Run started",
            Self::RunSyncObject => "One person synced",
            Self::RunPreview => "Preview started",
            Self::RunApply => "Preview applied",
            Self::RunCancel => "Run cancelled",
            Self::RunApprove => "Held changes approved",
            Self::RunReject => "Held changes rejected",
            Self::RunWithdraw => "Rejection taken back",
            Self::RunExport => "Sync History exported",
            Self::RunExportChanges => "Changes of a run exported",
            Self::UserCreate => "User added",
            Self::UserUpdate => "User changed",
            Self::UserImport => "Users imported",
            Self::UserImportDelete => "Import deleted",
            Self::UserImportPasswords => "Imported passwords set",
            Self::UserDeactivate => "User deactivated",
            Self::UserReactivate => "User reactivated",
            Self::UserDelete => "User deleted",
            Self::UserRestore => "User restored",
            Self::UserSetGroups => "Groups of user set",
            Self::UserSetAliases => "Aliases of user set",
            Self::UserKeepAttribute => "Attribute of user kept here",
            Self::UserReleaseAttribute => "Attribute of user follows its source again",
            Self::UserProtect => "User protected",
            Self::UserUnprotect => "User’s protection removed",
            Self::UserCancelCountdown => "Deletion of user cancelled",
            Self::UserRestartCountdown => "Deletion of user restarted",
            Self::UserInvite => "Invited to activate the account",
            Self::UserSendNewPassword => "Link for a new password sent",
            Self::UserMailBounced => "Mail to user came back",
            Self::UserMailArrived => "Mail to user did arrive",
            Self::UserEnrol => "Account activated",
            Self::UserResetPassword => "Password set anew by the user",
            Self::UserChangePassword => "Password changed by the user",
            Self::UserSignIn => "User signed in",
            Self::UserSignInFailed => "Sign-in of a user failed",
            Self::UserSignInSlowed => "Sign-in of a user had to wait",
            Self::UserSignOut => "User signed out",
            Self::UserEndSessions => "Sessions ended by the user",
            Self::UserAddAuthenticator => "Authenticator app set up by the user",
            Self::UserRemoveAuthenticator => "Authenticator app removed by the user",
            Self::UserRenewRecoveryCodes => "Recovery codes made by the user",
            Self::UserSecondFactorRefused => "Second factor of a user refused",
            Self::UserResetSecondFactor => "Second factor of user reset",
            Self::UserSignOutByOperator => "User signed out by an operator",
            Self::UserBulk => "Users changed in bulk",
            Self::UserExportBulk => "Result of a bulk change exported",
            Self::UserExport => "Users exported",
            Self::GroupCreate => "Group added",
            Self::GroupUpdate => "Group changed",
            Self::GroupDelete => "Group deleted",
            Self::GroupRestore => "Group restored",
            Self::GroupAddMembers => "Members of group added",
            Self::GroupRemoveMembers => "Members of group removed",
            Self::GroupCancelCountdown => "Deletion of group cancelled",
            Self::GroupRestartCountdown => "Deletion of group restarted",
            Self::GroupBulk => "Groups changed in bulk",
            Self::GroupExport => "Groups exported",
            Self::ContactCancelCountdown => "Deletion of contact cancelled",
            Self::ContactRestartCountdown => "Deletion of contact restarted",
            Self::ContactExport => "Contacts exported",
            Self::DeviceCancelCountdown => "Deletion of device cancelled",
            Self::DeviceRestartCountdown => "Deletion of device restarted",
            Self::DeviceExport => "Devices exported",
            Self::NotificationRecipientCreate => "Recipient added",
            Self::NotificationRecipientUpdate => "Recipient changed",
            Self::NotificationRecipientDelete => "Recipient removed",
            Self::NotificationRecipientTest => "Test message sent",
            Self::SavedViewCreate => "View saved",
            Self::SavedViewUpdate => "View changed",
            Self::SavedViewDelete => "View deleted",
            Self::AuditEventExport => "Audit log exported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_names_what_it_is_done_to() {
        for action in AuditAction::ALL {
            let noun = action.as_str().split('.').next().unwrap();
            assert_eq!(noun.parse(), Ok(action.object()), "{action}");
        }
    }

    #[test]
    fn no_two_actions_read_alike() {
        let mut titles: Vec<_> = AuditAction::ALL
            .iter()
            .map(|action| action.title())
            .collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), AuditAction::ALL.len());
    }
}
