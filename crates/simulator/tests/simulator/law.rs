//! The law of delta: from any point on, whatever happened and however the pages came, replaying
//! the rounds gives what is really there.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Map, Value};
use simulator::{FarmConfig, Fault, FaultPlan, Snapshot, TenantConfig};

use crate::client::Client;

const STREAMS: [&str; 4] = [
    "/v1.0/users/delta?$select=displayName,surname,jobTitle,mail,userPrincipalName,accountEnabled",
    "/v1.0/groups/delta?$select=displayName,securityEnabled,members",
    "/v1.0/contacts/delta",
    "/v1.0/devices/delta?$select=displayName",
];

/// What a client of the deltas believes, and where it would go on.
#[derive(Debug, Clone, Default)]
struct Replica {
    objects: BTreeMap<String, Map<String, Value>>,
    members: BTreeSet<(String, String)>,
    links: [Option<String>; STREAMS.len()],
}

impl Replica {
    fn take(&mut self, object: &Value) {
        let id = object["id"].as_str().unwrap().to_owned();
        if object.get("@removed").is_some() {
            self.objects.remove(&id);
            self.members.retain(|(group, _)| *group != id);
            return;
        }
        for link in object["members@delta"].as_array().into_iter().flatten() {
            let edge = (id.clone(), link["id"].as_str().unwrap().to_owned());
            if link.get("@removed").is_some() {
                self.members.remove(&edge);
            } else {
                self.members.insert(edge);
            }
        }
        let known = self.objects.entry(id).or_default();
        for (name, value) in object.as_object().unwrap() {
            if name != "members@delta" {
                known.insert(name.clone(), value.clone());
            }
        }
    }

    /// One round of every stream; `between` is called after each page.
    async fn catch_up(&mut self, client: &Client, mut between: impl FnMut()) {
        for (place, target) in STREAMS.into_iter().enumerate() {
            let mut target = self.links[place]
                .clone()
                .unwrap_or_else(|| target.to_owned());
            loop {
                let page = client.get(&target).await;
                page.value().iter().for_each(|object| self.take(object));
                between();
                match (page.link("nextLink"), page.link("deltaLink")) {
                    (Some(next), None) => target = next,
                    (None, Some(delta)) => {
                        self.links[place] = Some(delta);
                        break;
                    }
                    both => panic!("a page has exactly one of the two links: {both:?}"),
                }
            }
        }
    }

    /// Compares with the truth.
    fn check(&self, truth: &Snapshot) -> Result<(), TestCaseError> {
        let users = truth.users.iter().map(|user| (user.id, &user.attributes));
        let groups = truth
            .groups
            .iter()
            .map(|group| (group.id, &group.attributes));
        let others = truth
            .contacts
            .iter()
            .chain(&truth.devices)
            .map(|o| (o.id, &o.attributes));
        let known: BTreeMap<String, _> = users
            .chain(groups)
            .chain(others)
            .map(|(id, all)| (id.to_string(), all))
            .collect();
        let ids = |keys: &BTreeSet<&String>| format!("{keys:?}");
        let (have, want): (BTreeSet<_>, BTreeSet<_>) =
            (self.objects.keys().collect(), known.keys().collect());
        prop_assert_eq!(ids(&have), ids(&want));
        for (id, object) in &self.objects {
            for (name, value) in object {
                prop_assert_eq!(value, &known[id][name.as_str()], "{} of {}", name, id);
            }
        }
        let edges: BTreeSet<(String, String)> = truth
            .memberships
            .iter()
            .map(|edge| (edge.group_id.to_string(), edge.member_id.to_string()))
            .collect();
        prop_assert_eq!(&self.members, &edges);
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    users: usize,
    /// Changes before each round.
    steps: Vec<usize>,
    /// Changes after each page of a round.
    between: usize,
    page_objects: usize,
    page_links: usize,
    shuffle: bool,
    fault_rate: f64,
}

fn cases() -> impl Strategy<Value = Case> {
    (
        any::<u64>(),
        0_usize..40,
        prop::collection::vec(0_usize..60, 1..5),
        0_usize..3,
        1_usize..30,
        1_usize..40,
        any::<bool>(),
        prop_oneof![Just(0.0), Just(0.2)],
    )
        .prop_map(
            |(seed, users, steps, between, page_objects, page_links, shuffle, fault_rate)| Case {
                seed,
                users,
                steps,
                between,
                page_objects,
                page_links,
                shuffle,
                fault_rate,
            },
        )
}

async fn holds(case: Case) -> Result<(), TestCaseError> {
    let tenants = vec![TenantConfig {
        groups: 9,
        ..TenantConfig::sized(case.users)
    }];
    let client = Client::start(FarmConfig {
        seed: case.seed,
        tenants,
        ..FarmConfig::default()
    })
    .await;
    let control = &client.control;
    control.configure(|settings| {
        settings.delta_page_objects = case.page_objects;
        settings.delta_page_links = case.page_links;
        settings.shuffle_delta = case.shuffle;
        settings.quota_units = Some(u64::MAX / 1000);
    });
    let plan = [Fault::EmptyPage, Fault::Replay, Fault::Shuffle];
    control.set_faults(
        plan.into_iter()
            .fold(FaultPlan::new(case.seed), |plan, fault| {
                plan.with(fault, case.fault_rate)
            }),
    );
    let mut seed = case.seed;
    let mut change = |count: usize| {
        seed = seed.wrapping_add(1);
        control.random_changes(count, seed);
    };
    let mut replica = Replica::default();
    let mut points = Vec::new();
    for step in &case.steps {
        let mut pages = 0;
        // Changes in the middle of a round, but not for ever.
        replica
            .catch_up(&client, || {
                pages += 1;
                change(if pages < 15 { case.between } else { 0 });
            })
            .await;
        points.push(replica.clone());
        change(*step);
    }
    let truth = control.snapshot();
    for mut point in points {
        point.catch_up(&client, || ()).await;
        point.check(&truth)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn replaying_from_any_point_gives_the_truth(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(holds(case))?;
    }
}
