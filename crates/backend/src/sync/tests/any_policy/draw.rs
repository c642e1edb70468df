//! Draws policies: any part of them, alone or with others.

use domain::{
    filter::{Condition, FilterOperator, FilterRule, FilterRules, Filters},
    id::ExternalId,
    mapping::{AttributeRule, Mapping, MappingRule},
    matching::{MatchKey, MatchingRules},
    policy::{Actions, Guard, ObjectType, OutOfScope, Policy},
    protection::{Matching, ProtectedAttribute, ProtectedRule},
};
use rand::{Rng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use simulator::{GroupKind, Kind, Membership, Snapshot};

use super::super::world::no_guard;

/// The parts of a policy.
#[derive(Debug, Clone, Copy)]
enum Part {
    Scope,
    ObjectTypes,
    Switches,
    Filters,
    Attributes,
    UserNames,
    Administrators,
    OutOfScope,
    Actions,
    Guard,
    Protected,
    Matching,
}

impl Part {
    const ALL: [Self; 12] = [
        Self::Scope,
        Self::ObjectTypes,
        Self::Switches,
        Self::Filters,
        Self::Attributes,
        Self::UserNames,
        Self::Administrators,
        Self::OutOfScope,
        Self::Actions,
        Self::Guard,
        Self::Protected,
        Self::Matching,
    ];
}

/// What is drawn from: chance, and the tenant.
pub(super) struct Draw<'a> {
    pub dice: &'a mut ChaCha8Rng,
    pub tenant: &'a Snapshot,
    /// Whether the policy has to decide about everybody: no rule that fails or protects, whoever
    /// leaves becomes inactive, nothing that brings them back is switched off or held.
    settled: bool,
}

impl<'a> Draw<'a> {
    pub(super) fn new(dice: &'a mut ChaCha8Rng, tenant: &'a Snapshot) -> Self {
        Self {
            dice,
            tenant,
            settled: false,
        }
    }

    /// A policy to come from and to go back to.
    pub(super) fn former(&mut self) -> Policy {
        self.settled = true;
        let policy = Policy {
            object_types: ObjectType::OBJECTS.to_vec(),
            guard: no_guard(),
            ..Policy::default()
        };
        let mut policy = self.changed(&policy);
        self.part(&mut policy, Part::OutOfScope);
        self.part(&mut policy, Part::Actions);
        if !policy.selected_group_ids.is_empty() {
            // Of a type that the scope holds nobody of, everybody would be held.
            policy.object_types = vec![ObjectType::User, ObjectType::Group];
        }
        policy
    }

    /// The policy with some of its parts drawn anew.
    pub(super) fn change(&mut self, of: &Policy) -> Policy {
        self.settled = false;
        let mut policy = of.clone();
        // Those whose days are over while nothing is deleted: they go with the first run that may.
        policy.actions.delete = policy.actions.delete || self.dice.random();
        let policy = self.changed(&policy);
        self.user_names(policy)
    }

    /// With a rule that gives people the user names of others, at times. It has dice of its own: what
    /// else a seed draws stays as it is.
    fn user_names(&self, mut policy: Policy) -> Policy {
        let mut dice = self.dice.clone();
        if dice.random_bool(0.4) {
            let rules = [
                MappingRule::Constant("same@x.example".to_owned()),
                MappingRule::Source("mail".to_owned()),
                MappingRule::Expression("lower(givenName) + '@x.example'".to_owned()),
                MappingRule::Expression("coalesce(city, mail, 'none') + '@x.example'".to_owned()),
            ];
            policy.mapping.user.push(AttributeRule {
                attribute: "user_principal_name".to_owned(),
                rule: rules.choose(&mut dice).unwrap().clone(),
            });
        }
        policy
    }

    /// What can't be saved isn't drawn.
    fn changed(&mut self, of: &Policy) -> Policy {
        loop {
            let mut policy = of.clone();
            for part in Part::ALL {
                if self.dice.random_bool(0.3) {
                    self.part(&mut policy, part);
                }
            }
            if let Ok(policy) = policy.checked() {
                return policy;
            }
        }
    }

    fn part(&mut self, policy: &mut Policy, part: Part) {
        match part {
            Part::Scope => {
                let groups = self.usable_groups();
                let number = self.dice.random_range(0..4);
                let chosen = groups.choose_multiple(self.dice, number);
                policy.selected_group_ids = chosen.copied().collect();
                policy.include_nested = self.dice.random();
            }
            Part::ObjectTypes => {
                let all = ObjectType::OBJECTS.into_iter();
                policy.object_types = all.filter(|_| self.dice.random_bool(0.7)).collect();
            }
            Part::Switches => {
                policy.include_guests = self.dice.random();
                policy.require_names = self.dice.random();
                policy.blocked_sign_in_disables = self.dice.random();
            }
            Part::Filters => policy.filters = self.filters(),
            Part::Attributes => policy.mapping = self.mapping(),
            Part::UserNames => policy.normalize_user_names = !policy.normalize_user_names,
            Part::Administrators => {
                let group = self.usable_groups().choose(self.dice).copied();
                policy.administrators_group_id = group.filter(|_| self.dice.random_bool(0.8));
            }
            Part::OutOfScope => {
                let keep = (!self.settled).then_some(OutOfScope::Keep);
                let all = keep.into_iter();
                let all: Vec<_> = all
                    .chain([OutOfScope::Disable, OutOfScope::Delete])
                    .collect();
                policy.out_of_scope = *all.choose(self.dice).unwrap();
                policy.delete_after_days = self.dice.random_range(1..3);
            }
            // Who waits to be deleted is as gone as who was.
            Part::Actions if self.settled => policy.actions.delete = self.dice.random(),
            Part::Actions => {
                let mut on = || self.dice.random_bool(0.6);
                policy.actions = Actions {
                    create: on(),
                    update: on(),
                    disable: on(),
                    delete: on(),
                };
            }
            Part::Guard | Part::Protected | Part::Matching if self.settled => {}
            Part::Guard => policy.guard = Guard::default(),
            Part::Protected => policy.protected = self.protected(),
            Part::Matching => {
                let key = [MatchKey::UserPrincipalName, MatchKey::EmployeeId];
                policy.matching = MatchingRules {
                    automatic: key.choose(self.dice).copied().into_iter().collect(),
                    confirm_new: self.dice.random(),
                };
            }
        }
    }

    /// Groups that can be read and have people in them.
    fn usable_groups(&self) -> Vec<ExternalId> {
        let usable = |kind| matches!(kind, GroupKind::Security | GroupKind::Microsoft365);
        let edges = &self.tenant.memberships;
        let peopled = |group| {
            let is_one =
                |edge: &Membership| edge.group_id == group && edge.member_type == Kind::User;
            edges.iter().any(is_one)
        };
        let groups = self.tenant.groups.iter();
        let groups = groups.filter(|group| usable(group.kind) && peopled(group.id));
        groups.map(|group| ExternalId(group.id)).collect()
    }

    /// Rules that look at given names, which no rule of [`Draw::mapping`] leaves as they are for
    /// everybody.
    fn protected(&mut self) -> Vec<ProtectedRule> {
        let letters = ["a", "e", "j", "m", "s"];
        let number = self.dice.random_range(0..3);
        let chosen = letters.choose_multiple(self.dice, number);
        chosen
            .map(|letter| ProtectedRule {
                attribute: ProtectedAttribute::GivenName,
                matches: Matching::StartsWith,
                value: (*letter).to_owned(),
            })
            .collect()
    }

    fn mapping(&mut self) -> Mapping {
        let mut mapping = Mapping::default();
        for object_type in ObjectType::OBJECTS {
            let (targets, sources) = attributes(object_type);
            let rules = mapping.of_mut(object_type).unwrap();
            for target in targets {
                if self.dice.random_bool(0.3) {
                    let attribute = (*target).to_owned();
                    let rule = self.rule(&attribute, sources);
                    rules.push(AttributeRule { attribute, rule });
                }
            }
        }
        mapping
    }

    fn rule(&mut self, target: &str, sources: &[&str]) -> MappingRule {
        let one = *sources.choose(self.dice).unwrap();
        let other = *sources.choose(self.dice).unwrap();
        let kinds = match (self.settled, target) {
            // A display name that is empty fails.
            (true, "display_name") => 0..2,
            (true, _) => 0..4,
            (false, _) => 0..6,
        };
        match self.dice.random_range(kinds) {
            0 => MappingRule::Constant("Same".to_owned()),
            1 => MappingRule::Expression(format!("upper(coalesce({one}, {other}, 'none'))")),
            2 => MappingRule::Source(one.to_owned()),
            3 => MappingRule::First(vec![one.to_owned(), other.to_owned()]),
            4 => MappingRule::LeaveOut,
            // Fails for whoever has one of them not.
            _ => MappingRule::Expression(format!("{one} + '/' + {other}")),
        }
    }

    fn filters(&mut self) -> Filters {
        let mut filters = Filters {
            include_disabled: self.dice.random_bool(0.7),
            include_unlicensed: self.dice.random_bool(0.7),
            ..Filters::default()
        };
        if self.dice.random_bool(0.2) {
            let user = self.tenant.users.choose(self.dice).unwrap();
            let name = user.user_principal_name.clone().unwrap_or_default();
            let domain = name.rsplit_once('@').map(|(_, domain)| domain.to_owned());
            filters.domains = domain.into_iter().collect();
        }
        for object_type in ObjectType::OBJECTS {
            let some = [0, 0, 0, 1];
            let include = *some.choose(self.dice).unwrap();
            let exclude = self.dice.random_range(0..2);
            *filters.of_mut(object_type).unwrap() = FilterRules {
                include: (0..include).map(|_| self.filter(object_type)).collect(),
                exclude: (0..exclude).map(|_| self.filter(object_type)).collect(),
            };
        }
        filters
    }

    fn filter(&mut self, object_type: ObjectType) -> FilterRule {
        let (_, sources) = attributes(object_type);
        let conditions: Vec<Condition> = (0..2).map(|_| self.condition(sources)).collect();
        let kinds = if self.settled { 3 } else { 4 };
        match self.dice.random_range(0..kinds) {
            0 => FilterRule::All(conditions),
            1 => FilterRule::Any(conditions),
            2 => FilterRule::Expression(FilterRule::All(conditions).cel()),
            // Fails for whoever hasn't got it.
            _ => FilterRule::Expression(format!("size({}) > 9", sources.last().unwrap())),
        }
    }

    fn condition(&mut self, sources: &[&str]) -> Condition {
        let operator = *FilterOperator::ALL.choose(self.dice).unwrap();
        let value = match operator {
            one if one.has_pattern() => "^[A-M]",
            one if one.has_value() => ["a", "e", "m", "s"].choose(self.dice).unwrap(),
            _ => "",
        };
        Condition {
            attribute: (*sources.choose(self.dice).unwrap()).to_owned(),
            operator,
            value: value.to_owned(),
        }
    }
}

/// Attributes that rules make, and those that they read; the last is a text that some haven't got.
const fn attributes(object_type: ObjectType) -> (&'static [&'static str], &'static [&'static str]) {
    match object_type {
        ObjectType::User => (
            &[
                "display_name",
                "given_name",
                "mail",
                "jobTitle",
                "city",
                "extensionAttribute1",
            ],
            &[
                "displayName",
                "userPrincipalName",
                "mail",
                "department",
                "extensionAttribute2",
                "city",
            ],
        ),
        ObjectType::Group => (
            &["display_name", "mail", "description"],
            &["displayName", "mailNickname", "description"],
        ),
        ObjectType::Contact => (
            &["display_name", "surname", "jobTitle"],
            &["displayName", "mail", "companyName", "department"],
        ),
        ObjectType::Device => (
            &["display_name", "model"],
            &["displayName", "operatingSystem", "deviceId", "trustType"],
        ),
        ObjectType::Membership => (&[], &[]),
    }
}
