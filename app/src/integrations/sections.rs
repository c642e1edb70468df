//! The parts of the form Tenant Configuration.

use domain::{
    credential_profile::CredentialProfile,
    id::{CredentialProfileId, IntegrationId},
    integration::GroupHit,
    permission::Permission,
    policy::{ObjectType, OutOfScope},
};

use super::{
    add::profile_words,
    api::{Configuration, TestSaved},
    group_field::{Chosen, GroupField},
    settings::SettingsForm,
    timing::{Hours, Timing},
};
use crate::{
    session::may,
    ui::{
        checks::{Checks, TestButton, Tested, Verdict},
        form::{FieldError, use_field_error},
        prelude::*,
    },
};

/// A section with its title, on a hairline but for the first.
#[component]
pub(super) fn Section(
    id: &'static str,
    title: &'static str,
    #[prop(optional)] first: bool,
    children: Children,
) -> impl IntoView {
    let class = if first {
        ""
    } else {
        "mt-4 pt-5 border-t border-line"
    };
    view! {
        <section aria-labelledby=id class=class>
            <h2 id=id class="text-base mb-1">
                {title}
            </h2>
            {children()}
        </section>
    }
    .into_any()
}

/// A switch with its subject to the left, and beside it what it does.
#[component]
pub(super) fn Toggle(
    name: &'static str,
    /// What it is about.
    subject: &'static str,
    /// What on means.
    label: &'static str,
    on: bool,
    #[prop(optional)] hint: &'static str,
) -> impl IntoView {
    let id = format!("f-{name}");
    let (subject_id, label_id, hint_id) = (format!("{id}-s"), format!("{id}-l"), format!("{id}-h"));
    view! {
        <div class="rc-row">
            <span id=subject_id.clone()>{subject}</span>
            <div class="flex items-start gap-3 py-1">
                <input
                    id=id.clone()
                    name=name
                    type="checkbox"
                    role="switch"
                    class="toggle mt-0.5 flex-none"
                    value="true"
                    checked=on
                    aria-labelledby=format!("{subject_id} {label_id}")
                    aria-describedby=(!hint.is_empty()).then(|| hint_id.clone())
                />
                <div>
                    <label for=id id=label_id class="font-medium">
                        {label}
                    </label>
                    {(!hint.is_empty())
                        .then(|| {
                            view! {
                                <p class="rc-hint" id=hint_id>
                                    {hint}
                                </p>
                            }
                        })}
                </div>
            </div>
        </div>
    }
    .into_any()
}

/// The profiles to choose from, with the one in use where the person may not choose it: it stays
/// until another is chosen.
fn profile_options(
    profiles: &[CredentialProfile],
    in_use: CredentialProfileId,
) -> Vec<(CredentialProfileId, String)> {
    let mut options: Vec<_> = profiles
        .iter()
        .map(|profile| (profile.id, profile_words(profile)))
        .collect();
    if options.iter().all(|(id, _)| *id != in_use) {
        let words = "The one in use, which you may not choose".to_owned();
        options.insert(0, (in_use, words));
    }
    options
}

/// Tenant and cloud as they are; credential, on and off, and when it runs.
#[component]
pub fn Connection(
    /// What is saved.
    configuration: Configuration,
    /// What the fields show at first.
    shown: SettingsForm,
    /// Test Connection.
    tested: Tested,
    /// Starts it.
    start: Callback<()>,
) -> impl IntoView {
    let Configuration {
        integration,
        cloud_name,
        profiles,
        timing,
        ..
    } = configuration;
    let authorize =
        may(Permission::IntegrationsWrite).then(|| routes::integration_authorize(integration.id));
    let zone = integration.time_zone.clone();
    let chosen = shown.credential_profile_id;
    let options = profile_options(&profiles, integration.credential_profile_id)
        .into_iter()
        .map(|(id, words)| {
            view! {
                <option value=id.to_string() selected=id == chosen>
                    {words}
                </option>
            }
        })
        .collect_view();
    let profile_error = use_field_error("settings[credential_profile_id]");
    let was = |name: &'static str, on: bool| {
        on.then(|| view! { <input type="hidden" name=name value="true" /> })
    };
    view! {
        <Section id="h-connection" title="Connection" first=true>
            <div class="rc-row">
                <span>"Tenant"</span>
                <div class="pt-1.5 flex items-center gap-2 flex-wrap">
                    <Icon name="lock" small=true class="text-faint" />
                    <span class="wrap-anywhere">{integration.tenant.clone()}</span>
                    {integration
                        .tenant_id
                        .map(|id| id.to_string())
                        .filter(|id| *id != integration.tenant)
                        .map(|id| view! { <span class="rc-mono text-muted wrap-anywhere">{id}</span> })}
                </div>
            </div>
            <div class="rc-row">
                <span>"Azure Cloud"</span>
                <div class="pt-1.5 flex items-center gap-2 flex-wrap">
                    <Icon name="lock" small=true class="text-faint" />
                    <span>{cloud_name}</span>
                    <span class="text-muted">"can’t be changed after creation"</span>
                </div>
            </div>
            <div class="rc-row">
                <label for="f-profile">"Credential Profile"</label>
                <div>
                    <div class="flex gap-2 flex-wrap">
                        <select
                            id="f-profile"
                            name="settings[credential_profile_id]"
                            class="select max-w-sm"
                            aria-invalid=move || profile_error.get().map(|_| "true")
                            aria-describedby=move || profile_error.get().map(|_| "f-profile-e")
                        >
                            {options}
                        </select>
                        <TestButton tested=tested url=test_url() start=start />
                        {authorize
                            .map(|authorize| {
                                view! {
                                    <a class="btn" href=authorize data-noscroll="true">
                                        "Authorize"
                                    </a>
                                }
                            })}
                    </div>
                    <FieldError id="f-profile-e" error=profile_error />
                    <div class="mt-2 empty:hidden">
                        <Verdict tested=tested />
                    </div>
                    <Checks tested=tested />
                </div>
            </div>
            {was("settings[enabled_was]", shown.enabled_was)}
            <Toggle
                name="settings[enabled]"
                subject="Enabled"
                label="Sync this tenant"
                on=shown.enabled
                hint="Turning it off cancels a running run and changes nobody."
            />
            {was("settings[full_scan_was]", shown.full_scan_was)}
            <Toggle
                name="settings[full_scan_next]"
                subject="Next run"
                label="Perform a full scan on next run"
                on=shown.full_scan_next
                hint="Goes off by itself after a complete full read."
            />
            <Timing shown=shown.clone() zone=zone timing=timing />
            <Hours shown=shown />
        </Section>
    }
    .into_any()
}

/// Where Test Connection goes without the browser code.
pub fn test_url() -> &'static str {
    use leptos::server_fn::ServerFn as _;
    TestSaved::PATH
}

/// Who is read.
#[component]
pub fn Scope(
    /// The integration whose tenant is searched.
    id: IntegrationId,
    /// What the fields show at first.
    shown: SettingsForm,
    /// What is chosen.
    groups: RwSignal<Vec<Chosen>>,
    /// Groups found by a search without the browser code.
    found: Vec<GroupHit>,
) -> impl IntoView {
    let error = use_field_error("settings[selected_group_ids]");
    view! {
        <Section id="h-scope" title="Scope">
            <ObjectTypes on=shown.object_types.clone() />
            <div class="rc-row">
                <label for="f-groups">"Selected Groups"</label>
                <div>
                    <GroupField integration=id groups=groups found_plainly=found />
                    <FieldError id="f-groups-e" error=error />
                </div>
            </div>
            <Toggle
                name="settings[include_nested]"
                subject="Nested groups"
                label="Include nested groups"
                on=shown.include_nested
                hint="Off: direct members alone. On: also the groups inside, their members, and so on. Without selected groups the whole tenant is in scope, and this changes nothing."
            />
            <Toggle
                name="settings[include_guests]"
                subject="Guests"
                label="Include guests"
                on=shown.include_guests
                hint="Guests are people of other tenants who were invited into this one."
            />
            <Toggle
                name="settings[require_names]"
                subject="Names"
                label="Require given name and surname"
                on=shown.require_names
                hint="People without either stay out and are listed as filtered, with the reason."
            />
        </Section>
    }
    .into_any()
}

/// The types that can be read, in the words of their pages, and the permission that each needs
/// (graph.md §8).
const OBJECT_TYPES: [(ObjectType, &str, &str); 4] = [
    (ObjectType::User, "Users", "User.Read.All"),
    (ObjectType::Group, "Groups", "GroupMember.Read.All"),
    (ObjectType::Contact, "Contacts", "OrgContact.Read.All"),
    (ObjectType::Device, "Devices", "Device.Read.All"),
];

/// "Object types": what is read at all.
#[component]
fn ObjectTypes(on: Vec<ObjectType>) -> impl IntoView {
    let error = use_field_error("settings[object_types]");
    let ticks = OBJECT_TYPES.map(|(object_type, label, permission)| {
        let id = format!("f-type-{object_type}");
        let hint = format!("{id}-h");
        view! {
            <div class="flex items-center gap-x-3 flex-wrap min-h-6">
                <label class="flex items-center gap-2 w-24">
                    <input
                        id=id
                        type="checkbox"
                        class="checkbox"
                        name="settings[object_types][]"
                        value=object_type.as_str()
                        checked=on.contains(&object_type)
                        aria-describedby=hint.clone()
                        aria-invalid=move || error.get().map(|_| "true")
                    />
                    {label}
                </label>
                <span id=hint class="rc-hint">
                    "needs the permission " <span class="rc-mono">{permission}</span>
                </span>
            </div>
        }
    });
    view! {
        <div class="rc-row" role="group" aria-labelledby="f-object-types">
            <span id="f-object-types">"Object types"</span>
            <div>
                <div class="flex flex-col gap-1 pt-1.5">{ticks}</div>
                <FieldError id="f-object-types-e" error=error />
                <p class="rc-hint mt-1">
                    "What is read from the tenant. Memberships come with their groups. What is of a type that is no longer read counts as out of scope."
                </p>
            </div>
        </div>
    }
    .into_any()
}

/// What happens to people.
#[expect(clippy::too_many_lines, reason = "one form section")]
#[component]
pub fn PeopleSection(
    /// What the fields show at first.
    shown: SettingsForm,
    /// Whether deleting is chosen, and so a number of days is asked.
    delete_too: RwSignal<bool>,
) -> impl IntoView {
    let chosen = shown.out_of_scope;
    let ways = [
        (OutOfScope::Keep, "Keep as they are"),
        (OutOfScope::Disable, "Disable now"),
        (OutOfScope::Delete, "Disable now, delete later"),
    ]
    .map(|(way, words)| {
        view! {
            <option value=way.as_str() selected=way == chosen>
                {words}
            </option>
        }
    });
    let days_error = use_field_error("settings[delete_after_days]");
    view! {
        <Section id="h-people" title="People">
            <Toggle
                name="settings[blocked_sign_in_disables]"
                subject="Is Sign in Blocked on AD"
                label="Blocked in Entra ID means Inactive here"
                on=shown.blocked_sign_in_disables
                hint="Someone who is blocked when first seen is created Inactive."
            />
            <Toggle
                name="settings[send_enrollment_email]"
                subject="Enrolment"
                label="Send Enrollment Email to the Newly Synced Users"
                on=shown.send_enrollment_email
                hint="Whoever a run brings in use gets one mail, once, with a link to activate their account. Its text is the customer’s, under Enrolment. Off, nobody is mailed: they stand as \u{201c}Not invited\u{201d} there until you invite them, when you are ready."
            />
            <Toggle
                name="settings[match_by_user_name]"
                subject="Matching"
                label="Match exact by user name without asking"
                on=shown.match_by_user_name
                hint="With somebody who was made here or imported. Whoever may give out user names in the source \
                 could then take over an account here; off, a person decides on the Matching tab."
            />
            <Toggle
                name="settings[match_by_employee_id]"
                subject=""
                label="Match exact by employee id without asking"
                on=shown.match_by_employee_id
                hint="Never with who is out of use, protected, an administrator, or from another integration."
            />
            <Toggle
                name="settings[confirm_new]"
                subject=""
                label="Confirm new people first"
                on=shown.confirm_new
                hint="Whom nobody here is like waits on the Matching tab, too."
            />
            <div class="rc-row">
                <label for="f-out-of-scope">"Out of scope or deleted"</label>
                <div>
                    <div class="flex items-center gap-2 flex-wrap">
                        <select
                            id="f-out-of-scope"
                            name="settings[out_of_scope]"
                            class="select max-w-60"
                        >
                            {ways}
                        </select>
                        <span
                            class="flex items-center gap-2 plain:flex"
                            class:hidden=move || !delete_too.get()
                        >
                            <label for="f-days">"after"</label>
                            <input
                                id="f-days"
                                name="settings[delete_after_days]"
                                class="input w-20! text-end rc-num"
                                inputmode="numeric"
                                autocomplete="off"
                                value=shown.delete_after_days
                                aria-label="Days from Inactive to deleted"
                                aria-invalid=move || days_error.get().map(|_| "true")
                                aria-describedby=move || days_error.get().map(|_| "f-days-e")
                            />
                            <span>"days"</span>
                        </span>
                    </div>
                    <FieldError id="f-days-e" error=days_error />
                    <p class="rc-hint mt-1">
                        "For people who left the selected groups, and for whatever is gone from the tenant."
                    </p>
                </div>
            </div>
            <div class="rc-row" role="group" aria-labelledby="f-actions">
                <span id="f-actions">"Actions"</span>
                <div>
                    <div class="flex gap-x-5 gap-y-2 flex-wrap pt-1.5">
                        <Tick name="settings[create]" label="Create" on=shown.create />
                        <Tick name="settings[update]" label="Update" on=shown.update />
                        <Tick name="settings[disable]" label="Disable" on=shown.disable />
                        <Tick name="settings[delete]" label="Delete" on=shown.delete />
                    </div>
                    <p class="rc-hint mt-1">
                        "What a run may do. What is off is counted, and said so, but not done."
                    </p>
                </div>
            </div>
        </Section>
    }
    .into_any()
}

#[component]
fn Tick(name: &'static str, label: &'static str, on: bool) -> impl IntoView {
    view! {
        <label class="flex items-center gap-2 min-h-6">
            <input type="checkbox" class="checkbox" name=name value="true" checked=on />
            {label}
        </label>
    }
    .into_any()
}
