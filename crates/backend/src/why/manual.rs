//! Objects that no source decides about: made by hand, or left by an integration that was
//! deleted.

use domain::{
    group::GroupDetail,
    policy::ObjectType,
    user::{DirectoryStatus, User},
    why::{StepKind, StepOutcome, Why, WhyObject, WhyStep},
};

/// Why such a user is as it is.
pub(super) fn of_user(user: &User) -> Why {
    explain(WhyObject {
        object_type: ObjectType::User,
        external_id: user.external_id,
        display_name: user.display_name.clone(),
        user_principal_name: user.user_principal_name.clone(),
        mail: user.mail.clone(),
        directory_id: Some(user.id.0),
        status: Some(user.status),
        kept: true,
    })
}

/// Why such a group is as it is.
pub(super) fn of_group(group: &GroupDetail) -> Why {
    let line = &group.line.group;
    explain(WhyObject {
        object_type: ObjectType::Group,
        external_id: line.external_id,
        display_name: line.display_name.clone(),
        user_principal_name: None,
        mail: group.mail.clone(),
        directory_id: Some(line.id.0),
        status: Some(line.status),
        kept: true,
    })
}

/// Why such an object is as it is.
pub(super) fn explain(object: WhyObject) -> Why {
    let status = object.status.unwrap_or(DirectoryStatus::Active);
    let step = |step, outcome, title: &str, sentence: &str| WhyStep {
        step,
        title: title.to_owned(),
        outcome,
        sentence: sentence.to_owned(),
        facts: Vec::new(),
        links: Vec::new(),
        at: None,
    };
    let outcome = match status {
        DirectoryStatus::Active => StepOutcome::Passed,
        DirectoryStatus::Inactive | DirectoryStatus::Deleted => StepOutcome::Stopped,
    };
    let title = format!("{} in the directory", status.title());
    Why {
        object,
        integration_id: None,
        answer: format!("{}: no source decides about it.", status.title()),
        next_action: None,
        reason: None,
        steps: vec![
            step(
                StepKind::Seen,
                StepOutcome::Unknown,
                "From no source",
                "It was made by hand, or the integration it came from was deleted.",
            ),
            step(
                StepKind::Result,
                outcome,
                &title,
                "No run changes it. It stays as it is until somebody changes it here.",
            ),
        ],
        other: None,
    }
}
