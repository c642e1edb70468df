use domain::{
    id::{CredentialProfileId, CustomerId, ExternalId, IntegrationId},
    integration::{Integration, IntegrationKind, IntegrationState},
    policy::{Limit, ObjectType, OutOfScope, Policy},
    schedule::Schedule,
};
use uuid::Uuid;

use super::SettingsForm;
use crate::error::AppError;

fn integration() -> Integration {
    Integration {
        id: IntegrationId(Uuid::from_u128(1)),
        customer_id: CustomerId(Uuid::from_u128(2)),
        kind: IntegrationKind::EntraId,
        name: "Contoso".to_owned(),
        tenant: "contoso.example".to_owned(),
        tenant_id: None,
        cloud: "global".to_owned(),
        credential_profile_id: CredentialProfileId(Uuid::from_u128(3)),
        enabled: true,
        full_scan_next: true,
        schedule: Schedule::default(),
        policy: Policy {
            selected_group_ids: vec![ExternalId(Uuid::from_u128(4))],
            ..Policy::default()
        },
        state: IntegrationState::Ok,
        time_zone: "UTC".to_owned(),
        pause: None,
        failures: 0,
        last_sync_started_at: None,
        last_sync_status: None,
        next_run_at: None,
    }
}

#[test]
fn an_untouched_form_differs_in_nothing_and_changes_nothing() {
    let now = integration();
    let form = SettingsForm::of(&now);
    assert!(form.differences(&form).is_empty());
    let (change, known) = form.change(&now).unwrap();
    assert_eq!(change, domain::integration::IntegrationChange::default());
    assert!(known.is_empty());
}

#[test]
fn what_went_off_by_itself_is_not_switched_on_again_by_saving_something_else() {
    let mut now = integration();
    let mut form = SettingsForm::of(&now);
    form.include_guests = true;
    now.full_scan_next = false;
    let (change, _) = form.change(&now).unwrap();
    assert_eq!(change.full_scan_next, None);
    assert!(change.policy.unwrap().include_guests);
}

#[test]
fn differences_are_named_as_the_page_names_them() {
    let was = SettingsForm::of(&integration());
    let mut form = was.clone();
    form.selected_group_ids = vec![
        ExternalId(Uuid::from_u128(5)),
        ExternalId(Uuid::from_u128(6)),
    ];
    form.full_scan_next = false;
    form.delete_after_days = "7".to_owned();
    form.guard_user_count = " 20 ".to_owned();
    assert_eq!(
        form.differences(&was),
        ["Perform a full scan on next run", "Selected Groups +2 −1"]
    );
    form.out_of_scope = OutOfScope::Delete;
    assert!(
        form.differences(&was)
            .contains(&"Out of scope or deleted".to_owned())
    );
}

#[test]
fn types_are_ticked_and_their_limits_count_where_they_are_read() {
    let now = integration();
    let was = SettingsForm::of(&now);
    let mut form = was.clone();
    form.guard_device_count = "nonsense".to_owned();
    assert_eq!(form.differences(&was), [] as [String; 0]);
    form.object_types.push(ObjectType::Contact);
    form.guard_contact_count = " 7 ".to_owned();
    assert_eq!(form.differences(&was), ["Object types", "Guard"]);
    let (change, _) = form.clone().change(&now).unwrap();
    let policy = change.policy.unwrap();
    assert!(policy.reads(ObjectType::Contact) && !policy.reads(ObjectType::Device));
    assert_eq!(
        policy.guard.contact,
        Limit {
            max_count: Some(7),
            max_percent: 20
        }
    );
    assert_eq!(policy.guard.device, now.policy.guard.device);
    form.object_types.clear();
    match form.change(&now) {
        Err(AppError::Invalid(error)) => assert_eq!(error.field, "settings[object_types]"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_that_is_none_is_blamed_at_its_field() {
    let now = integration();
    let was = SettingsForm::of(&now);
    let blamed = |form: SettingsForm| match form.change(&now) {
        Err(AppError::Invalid(error)) => error.field,
        other => panic!("{other:?}"),
    };
    let minutes = SettingsForm {
        every_minutes: "0".to_owned(),
        ..was.clone()
    };
    assert_eq!(blamed(minutes), "settings[every_minutes]");
    let percent = SettingsForm {
        guard_group_percent: "101 %".to_owned(),
        ..was.clone()
    };
    assert_eq!(blamed(percent), "settings[guard_group_percent]");
    let devices = SettingsForm {
        object_types: vec![ObjectType::Device],
        guard_device_count: "-1".to_owned(),
        ..was.clone()
    };
    assert_eq!(blamed(devices), "settings[guard_device_count]");
    let window = |from: &str, until: &str| SettingsForm {
        windowed: true,
        window_from: from.to_owned(),
        window_until: until.to_owned(),
        ..was.clone()
    };
    assert_eq!(blamed(window("ten", "06:00")), "settings[window_from]");
    assert_eq!(blamed(window("22:00", "")), "settings[window_until]");
    assert_eq!(blamed(window("22:00", "22:00")), "settings[window_until]");
    let night = window("22:00", "6:00");
    assert_eq!(night.differences(&was), ["Schedule"]);
    let (change, _) = night.change(&now).unwrap();
    assert_eq!(
        change.schedule.unwrap().title(),
        "every 5 min, 22:00 to 06:00"
    );
    let days = SettingsForm {
        out_of_scope: OutOfScope::Delete,
        delete_after_days: "soon".to_owned(),
        ..was
    };
    assert_eq!(blamed(days), "settings[delete_after_days]");
}
