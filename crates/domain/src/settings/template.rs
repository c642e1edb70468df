//! Policy templates: one policy that many integrations follow, each with what is its own.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{SettingDifference, tree};
use crate::{
    DateTime,
    id::{CustomerId, IntegrationId, PolicyTemplateId},
    policy::Policy,
    text::FieldError,
    text_enum,
};

/// A named policy for many integrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyTemplate {
    /// Its id.
    pub id: PolicyTemplateId,
    /// Its name.
    pub name: String,
    /// The number of its present version, from 1.
    pub version: i64,
    /// Its policy. No groups are selected in it: those are each integration's own.
    pub policy: Policy,
    /// Who saved the present version.
    pub saved_by: String,
    /// When.
    pub saved_at: DateTime,
    /// The integrations of the caller's customers that follow it.
    pub followers: i64,
    /// Those of them that its present version has not reached yet.
    pub behind: i64,
}

/// How a version of a template differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateDifference {
    /// The settings that differ.
    pub differences: Vec<SettingDifference>,
}

/// What is given to make a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPolicyTemplate {
    /// Its name, 1 to 256 characters.
    pub name: String,
    /// Its policy, without selected groups.
    #[serde(default)]
    pub policy: Policy,
}

/// What can be changed of a template; an absent field stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PolicyTemplateChange {
    /// Another name.
    pub name: Option<String>,
    /// Another policy, which every follower gets.
    pub policy: Option<Policy>,
    /// The hash of the effect that was looked at. Where it is given and something else is saved by
    /// now, nothing is changed.
    pub hash: Option<String>,
}

/// An integration that follows a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Follower {
    /// The integration.
    pub integration_id: IntegrationId,
    /// Its name.
    pub integration_name: String,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
    /// The version of the template that reached it.
    pub version: i64,
    /// Settings in which it deviates without anybody having accepted that.
    pub drift: i64,
    /// Settings that are its own.
    pub own: i64,
    /// Its active users.
    pub people: i64,
}

/// What changing a template's policy would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateEffect {
    /// What changes of the template.
    pub differences: Vec<SettingDifference>,
    /// Integrations whose settings would change.
    pub integrations: i64,
    /// Customers they are of.
    pub customers: i64,
    /// People whom runs would treat otherwise, of all followers whose people are counted.
    pub people: i64,
    /// Integrations whose people can't be counted before their source is read: a preview of each does.
    pub need_a_read: i64,
    /// Integrations whose people aren't counted here, since there are too many to look at at once.
    pub uncounted: i64,
    /// What would change of each follower.
    pub followers: Vec<FollowerEffect>,
    /// Names what was compared: whoever confirms sends it back.
    pub hash: String,
}

text_enum! {
    /// Whether it is known whom a change of settings would touch.
    pub enum TouchedPeople {
        /// They were counted, by planning with the other settings over what is known of the source.
        Counted = "counted",
        /// The source has to be read for these settings before anybody can say.
        NeedsRead = "needs_read",
        /// There are too many to look at at once.
        Uncounted = "uncounted",
    }
}

/// What changing a template would do to one follower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FollowerEffect {
    /// The integration.
    pub integration_id: IntegrationId,
    /// Its name.
    pub integration_name: String,
    /// The customer's name.
    pub customer_name: String,
    /// Whether the people whom it touches are counted.
    pub touched: TouchedPeople,
    /// People whom a run would treat otherwise; null where they aren't counted.
    pub people: Option<i64>,
    /// What changes.
    pub changes: Vec<SettingDifference>,
    /// What the template changes and the integration keeps, since it deviates there or it is its
    /// own.
    pub kept: Vec<SettingDifference>,
}

/// A setting in which an integration may differ from its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnSetting {
    /// Its place.
    pub path: String,
    /// What it is called on the pages.
    pub name: String,
    /// Who accepted it.
    pub by: String,
    /// When.
    pub at: DateTime,
    /// Why, in their words; may be empty.
    pub note: String,
    /// How it differs; null where it doesn't at present.
    pub difference: Option<SettingDifference>,
}

/// How an integration stands to its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Drift {
    /// The template.
    pub policy_template_id: PolicyTemplateId,
    /// Its name.
    pub name: String,
    /// The version that the integration has.
    pub version: i64,
    /// The present version of the template.
    pub newest: i64,
    /// In what the integration deviates: `before` is the template's value, `after` its own. Nobody
    /// accepted these yet.
    pub differences: Vec<SettingDifference>,
    /// What is the integration's own.
    pub own: Vec<OwnSetting>,
    /// Names what was compared: whoever decides sends it back.
    pub hash: String,
}

/// What an integration follows a template with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Following {
    /// The template.
    pub policy_template_id: PolicyTemplateId,
    /// Whether the integration takes the template's settings now. Otherwise what differs is shown
    /// as drift, to be accepted or put back.
    #[serde(default)]
    pub take_settings: bool,
}

/// What becomes of settings in which an integration deviates from its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DriftDecision {
    /// Their places; all in which it deviates where none is named.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Why: a sentence or a ticket number, at most 500 characters. Kept with what is accepted.
    #[serde(default)]
    pub note: String,
    /// The hash of the drift that was looked at. Where it is given and something else is saved by
    /// now, nothing is done.
    #[serde(default)]
    pub hash: Option<String>,
}

/// A policy as the tree in which it is compared: by the places that settings have everywhere, and
/// without groups of a tenant (those that are selected, and whose members are administrators), which
/// are each integration's own.
fn tree_of(policy: &Policy) -> Value {
    let shared = Policy {
        selected_group_ids: Vec::new(),
        administrators_group_id: None,
        ..policy.clone()
    };
    json!({ "policy": shared })
}

/// The policy that a tree is, with the groups of `own`.
fn policy_of(mut tree: Value, own: &Policy) -> Result<Policy, FieldError> {
    let policy = tree["policy"].take();
    let policy: Policy = serde_json::from_value(policy).map_err(|error| {
        FieldError::new(
            "policy",
            format!("These settings can’t go together: {error}."),
        )
    })?;
    Policy {
        selected_group_ids: own.selected_group_ids.clone(),
        administrators_group_id: own.administrators_group_id,
        ..policy
    }
    .checked()
}

/// Whether a place is, or lies in or around, one of those that are an integration's own.
fn is_own(path: &str, own: &[String]) -> bool {
    own.iter()
        .any(|own| tree::is_within(path, own) || tree::is_within(own, path))
}

/// In what a policy deviates from its template: first the template's value, then its own. What is
/// its own by decision is left out.
pub fn drift(template: &Policy, policy: &Policy, own: &[String]) -> Vec<SettingDifference> {
    apart(template, policy)
        .into_iter()
        .filter(|one| !is_own(&one.path, own))
        .map(Into::into)
        .collect()
}

/// Every place in which a policy deviates from its template.
pub fn all_drift(template: &Policy, policy: &Policy) -> Vec<SettingDifference> {
    let apart = apart(template, policy).into_iter();
    apart.map(Into::into).collect()
}

fn apart(template: &Policy, policy: &Policy) -> Vec<tree::TreeDifference> {
    tree::differences(&tree_of(template), &tree_of(policy))
}

/// The policy with the template's values at these places.
pub fn put_back(
    template: &Policy,
    policy: &Policy,
    paths: &[String],
) -> Result<Policy, FieldError> {
    let back: Vec<_> = apart(policy, template)
        .into_iter()
        .filter(|one| paths.contains(&one.path))
        .collect();
    changed(policy, &back)
}

fn changed(policy: &Policy, changes: &[tree::TreeDifference]) -> Result<Policy, FieldError> {
    let mut tree = tree_of(policy);
    tree::apply(&mut tree, changes)
        .map_err(|error| FieldError::new("policy", error.to_string()))?;
    policy_of(tree, policy)
}

/// What becomes of a follower when its template changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Its new policy.
    pub policy: Policy,
    /// What changes of it.
    pub changes: Vec<SettingDifference>,
    /// What the template changes and it keeps: first the template's new value, then its own.
    pub kept: Vec<SettingDifference>,
}

/// Brings what changed in a template into a follower: only at places where it had the template's
/// former value. Where it deviates, or where it has its own setting, it keeps what it has.
pub fn merge(
    follower: &Policy,
    former: &Policy,
    template: &Policy,
    own: &[String],
) -> Result<Merged, FieldError> {
    let deviates: Vec<String> = apart(former, follower)
        .into_iter()
        .map(|one| one.path)
        .collect();
    let moved = apart(former, template);
    let (kept, taken): (Vec<_>, Vec<_>) = moved
        .into_iter()
        .partition(|one| is_own(&one.path, own) || is_own(&one.path, &deviates));
    let policy = changed(follower, &taken)?;
    let changes = all_drift(follower, &policy);
    let kept = all_drift(template, &policy)
        .into_iter()
        .filter(|one| {
            kept.iter()
                .any(|kept| is_own(&one.path, std::slice::from_ref(&kept.path)))
        })
        .collect();
    Ok(Merged {
        policy,
        changes,
        kept,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{
        id::ExternalId,
        policy::{Actions, Limit, OutOfScope},
        protection::{Matching, ProtectedAttribute, ProtectedRule},
    };

    fn policies() -> impl Strategy<Value = Policy> {
        let limit =
            (prop::option::of(0..100u32), 0..=100u8).prop_map(|(max_count, max_percent)| Limit {
                max_count,
                max_percent,
            });
        (
            any::<[bool; 6]>(),
            prop::sample::select(OutOfScope::ALL),
            1..100u32,
            limit,
            prop::collection::vec("[a-c]{1,2}", 0..3),
            prop::collection::vec(0..5u128, 0..3),
        )
            .prop_map(
                |(on, out_of_scope, delete_after_days, user, protected, groups)| {
                    let mut policy = Policy {
                        include_nested: on[0],
                        include_guests: on[1],
                        require_names: on[2],
                        blocked_sign_in_disables: on[3],
                        out_of_scope,
                        delete_after_days,
                        actions: Actions {
                            create: on[4],
                            delete: on[5],
                            ..Actions::default()
                        },
                        selected_group_ids: groups
                            .into_iter()
                            .map(|n| ExternalId(Uuid::from_u128(n)))
                            .collect(),
                        protected: protected
                            .into_iter()
                            .map(|value| ProtectedRule {
                                attribute: ProtectedAttribute::Department,
                                matches: Matching::Is,
                                value,
                            })
                            .collect(),
                        ..Policy::default()
                    };
                    policy.guard.user = user;
                    policy.checked().unwrap()
                },
            )
    }

    fn paths(differences: &[SettingDifference]) -> Vec<String> {
        differences.iter().map(|one| one.path.clone()).collect()
    }

    #[test]
    fn groups_are_no_drift_and_stay_where_settings_are_put_back() {
        let template = Policy::default();
        let group = ExternalId(Uuid::from_u128(1));
        let policy = Policy {
            selected_group_ids: vec![group],
            include_guests: true,
            ..Policy::default()
        };
        let found = drift(&template, &policy, &[]);
        assert_eq!(paths(&found), ["policy.include_guests"]);
        let back = put_back(&template, &policy, &paths(&found)).unwrap();
        assert!(!back.include_guests);
        assert_eq!(back.selected_group_ids, [group]);
    }

    #[test]
    fn a_template_that_changes_leaves_what_deviates_and_what_is_own() {
        let former = Policy::default();
        let template = Policy {
            include_guests: true,
            require_names: false,
            delete_after_days: 60,
            ..Policy::default()
        };
        let follower = Policy {
            delete_after_days: 90,
            ..Policy::default()
        };
        let own = ["policy.require_names".to_owned()];
        let merged = merge(&follower, &former, &template, &own).unwrap();
        assert_eq!(paths(&merged.changes), ["policy.include_guests"]);
        assert_eq!(
            paths(&merged.kept),
            ["policy.delete_after_days", "policy.require_names"]
        );
        assert!(merged.policy.include_guests && merged.policy.require_names);
        assert_eq!(merged.policy.delete_after_days, 90);
    }

    proptest! {
        #[test]
        fn all_drift_put_back_is_the_template_but_for_what_is_own(
            template in policies(), policy in policies(), own in any::<prop::sample::Index>()
        ) {
            let every = paths(&all_drift(&template, &policy));
            let own: Vec<String> = match every.len() {
                0 => Vec::new(),
                n => vec![every[own.index(n)].clone()],
            };
            let drifting = drift(&template, &policy, &own);
            let back = put_back(&template, &policy, &paths(&drifting)).unwrap();
            prop_assert_eq!(drift(&template, &back, &own), Vec::new());
            prop_assert_eq!(paths(&all_drift(&template, &back)), own.clone());
            prop_assert_eq!(&back.selected_group_ids, &policy.selected_group_ids);
            // What is its own is as it was.
            let kept = paths(&all_drift(&policy, &back));
            prop_assert!(kept.iter().all(|path| !own.contains(path)));
        }

        #[test]
        fn a_follower_without_drift_follows_wherever_the_template_goes(
            former in policies(), template in policies(), groups in policies()
        ) {
            let follower = Policy { selected_group_ids: groups.selected_group_ids, ..former.clone() };
            let merged = merge(&follower, &former, &template, &[]).unwrap();
            prop_assert_eq!(drift(&template, &merged.policy, &[]), Vec::new());
            prop_assert_eq!(merged.kept, Vec::new());
            prop_assert_eq!(&merged.policy.selected_group_ids, &follower.selected_group_ids);
        }

        #[test]
        fn merging_twice_changes_nothing_more(
            former in policies(), template in policies(), follower in policies()
        ) {
            let once = merge(&follower, &former, &template, &[]).unwrap();
            let twice = merge(&once.policy, &former, &template, &[]).unwrap();
            prop_assert_eq!(&twice.policy, &once.policy);
            prop_assert_eq!(twice.changes, Vec::new());
        }
    }
}
