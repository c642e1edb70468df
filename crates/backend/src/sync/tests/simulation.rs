//! One seed drives the source, the policy, faults, crashes, the clock, operators and two workers
//! through many steps. Whenever it is quiet for a while, the directory is what the tenant says of
//! itself, no run is lost, nothing is done twice, and nothing went that the guard should have held.
//!
//! A seed that fails is named by the failure. `SIMULATION_SEEDS=17` runs that one alone,
//! `SIMULATION_SEEDS=1000-1999` others than those of every day.

use std::collections::BTreeSet;

use chrono::Duration;
use domain::{
    decision::Decision,
    id::{ExternalId, RunId, UserId},
    made_here::NewKeptAttribute,
    mapping::{AttributeRule, MappingRule},
    policy::{Guard, Limit, ObjectType, OutOfScope, Policy},
    protection::{Matching, ProtectedAttribute, ProtectedRule},
    run::{RunMode, RunStatus},
};
use rand::{Rng as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use simulator::{Fault, FaultPlan, GroupKind, UserSnapshot};

use super::world::{World, no_guard, tenant};
use crate::{
    Error, Scope,
    db::crash::crash_at,
    fetch_all,
    jobs::run_until_idle,
    store::kept_attributes,
    sync,
    testing::{Kind, environment},
};

/// Steps of a seed.
const STEPS: usize = 60;
/// Steps between two looks at the whole.
const QUIET_EVERY: usize = 15;
/// Disables and deletes of users that the guard of a simulation lets through.
const LET_THROUGH: i64 = 4;

/// Faults that end a run, or have it read everything.
const HARD: [Fault; 10] = [
    Fault::Forbidden,
    Fault::Cut,
    Fault::Truncated,
    Fault::ShortAnswer,
    Fault::EndlessLink,
    Fault::ForeignLink,
    Fault::EmptyAnswer,
    Fault::ExpiredDeltaToken,
    Fault::Resync,
    Fault::Unauthorized,
];

/// An expression that every tenant of these has a result for.
const IN_CAPITALS: &str = "upper(displayName)";

/// What becomes of somebody's name, by the few rules that lives have: by other means than those that
/// map it.
pub(super) fn mapped_name(policy: &Policy, user: &UserSnapshot) -> String {
    let own = user.display_name.clone().unwrap_or_default();
    match policy.mapping.user.first().map(|rule| &rule.rule) {
        Some(MappingRule::Constant(text)) => text.clone(),
        Some(MappingRule::First(_)) => {
            let surname = user.surname.clone().filter(|name| !name.trim().is_empty());
            surname.unwrap_or(own)
        }
        Some(MappingRule::Expression(_)) => own.to_uppercase(),
        Some(MappingRule::Source(_) | MappingRule::LeaveOut) | None => own,
    }
}

struct Simulation {
    seed: u64,
    w: World,
    dice: ChaCha8Rng,
    /// What was done, to read where it fails.
    log: Vec<String>,
    /// Runs that the guard watched, and no operator decided about.
    watched: BTreeSet<RunId>,
    decided: BTreeSet<RunId>,
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}:\n{}", self.seed, self.log.join("\n"));
        }
    }
}

impl Simulation {
    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    async fn step(&mut self) {
        match self.dice.random_range(0..100) {
            0..25 => self.change_source(),
            25..35 => self.schedule().await,
            35..45 => self.start_one().await,
            45..60 => self.crash().await,
            60..66 => self.two_workers().await,
            66..74 => self.fault(),
            74..84 => self.change_policy().await,
            84..90 => self.jump(),
            90..94 => self.decide().await,
            94..97 => self.keep_here().await,
            _ => self.cancel().await,
        }
    }

    fn change_source(&mut self) {
        let (number, seed) = (self.dice.random_range(1..25), self.dice.random());
        let done = self.w.control.random_changes(number, seed);
        self.note(format!("source: {}", done.join("; ")));
        if self.w.policy.object_types.len() > 2 {
            let others = self
                .w
                .control
                .random_changes_of_others(number / 2 + 1, seed);
            self.note(format!("others: {}", others.join("; ")));
        }
    }

    async fn schedule(&mut self) {
        self.note("the schedule comes true");
        self.w.t.clock.advance(Duration::minutes(6));
        run_until_idle(&self.w.t).await.unwrap();
    }

    /// Starts a run as a person does; a run that is open is in the way.
    async fn start(&mut self) -> Option<RunId> {
        let modes = [
            RunMode::Full,
            RunMode::Delta,
            RunMode::Delta,
            RunMode::Preview,
        ];
        if self.dice.random_range(0..5) == 0 {
            return self.start_alone().await;
        }
        let mode = *modes.choose(&mut self.dice).unwrap();
        let scope = Scope::worker();
        let trigger = domain::run::RunTrigger::Operator;
        match sync::start(&self.w.t, &scope, self.w.integration, mode, trigger).await {
            Ok(run) => {
                self.note(format!("{mode} run {}", run.id));
                Some(run.id)
            }
            Err(Error::Conflict { .. }) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Starts a run of one person who is known, where people are synced.
    async fn start_alone(&mut self) -> Option<RunId> {
        if !self.w.policy.reads(ObjectType::User) {
            return None;
        }
        let mut tx = self.w.t.db.read().await.unwrap();
        let known = fetch_all!(
            &mut tx,
            (ExternalId,),
            "SELECT external_id FROM source_object WHERE object_type = 'user' ORDER BY external_id"
        )
        .unwrap();
        drop(tx);
        let one = known.choose(&mut self.dice)?.0.to_string();
        let (scope, operator) = (Scope::worker(), domain::run::RunTrigger::Operator);
        match sync::sync_object(&self.w.t, &scope, self.w.integration, &one, operator).await {
            Ok(run) => {
                self.note(format!("run {} of {one} alone", run.id));
                Some(run.id)
            }
            Err(Error::Conflict { .. }) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn start_one(&mut self) {
        self.start().await;
        run_until_idle(&self.w.t).await.unwrap();
    }

    async fn crash(&mut self) {
        self.start().await;
        let moment = self.dice.random_range(0..40);
        let done = crash_at(moment, run_until_idle(&self.w.t)).await;
        let how = if done.is_some() {
            "isn't reached"
        } else {
            "is one"
        };
        self.note(format!("crash: moment {moment} {how}"));
        if self.dice.random() {
            self.w.t.clock.advance(Duration::seconds(31));
        }
    }

    async fn two_workers(&mut self) {
        self.start().await;
        self.note("two workers");
        let (one, other) = tokio::join!(
            Box::pin(run_until_idle(&self.w.t)),
            Box::pin(run_until_idle(&self.w.t))
        );
        one.unwrap();
        other.unwrap();
    }

    fn fault(&mut self) {
        match self.dice.random_range(0..3) {
            0 => {
                let plan = FaultPlan::recoverable(self.dice.random(), 0.05);
                self.w.control.set_faults(plan);
                self.note("faults on");
            }
            1 => {
                self.w.control.set_faults(FaultPlan::default());
                self.note("faults off");
            }
            _ => {
                let fault = *HARD.choose(&mut self.dice).unwrap();
                let mut on = vec!["/users/delta", "/groups/delta", "getByIds"];
                if self.w.policy.object_types.len() > 2 {
                    on.extend(["/contacts/delta", "/devices/delta"]);
                }
                let path = *on.choose(&mut self.dice).unwrap();
                self.w.control.next(path, fault);
                self.note(format!("next {path}: {fault:?}"));
            }
        }
    }

    /// Every second life reads users and groups alone, as most do.
    fn draw_types(&mut self) {
        let others = [ObjectType::Contact, ObjectType::Device];
        let others: Vec<ObjectType> = match self.seed % 4 {
            1 => vec![*others.choose(&mut self.dice).unwrap()],
            3 => others.to_vec(),
            _ => Vec::new(),
        };
        let types = [ObjectType::User, ObjectType::Group];
        self.w.policy.object_types = types.into_iter().chain(others).collect();
    }

    async fn change_policy(&mut self) {
        if self.seed % 4 == 3 && self.dice.random_range(0..5) == 0 {
            // Some types are read no more, or again: one at least is.
            let all = ObjectType::OBJECTS;
            let mut types: Vec<ObjectType> =
                all.into_iter().filter(|_| self.dice.random()).collect();
            types.extend(types.is_empty().then_some(ObjectType::Device));
            self.w.policy.object_types = types;
        }
        let dice = &mut self.dice;
        let policy = &mut self.w.policy;
        match dice.random_range(0..9) {
            0 => policy.include_guests = dice.random(),
            1 => policy.require_names = dice.random(),
            2 => policy.blocked_sign_in_disables = dice.random(),
            3 => policy.include_nested = dice.random(),
            4 => {
                policy.out_of_scope = OutOfScope::Delete;
                policy.delete_after_days = dice.random_range(1..4);
            }
            5 => policy.out_of_scope = OutOfScope::Disable,
            6 => policy.mapping.user = draw_rule(dice),
            7 => {
                let letter = ["a", "e", "s"].choose(dice).map(|letter| ProtectedRule {
                    attribute: ProtectedAttribute::GivenName,
                    matches: Matching::StartsWith,
                    value: (*letter).to_owned(),
                });
                policy.protected = letter.into_iter().filter(|_| dice.random()).collect();
            }
            _ => {
                let groups = self.w.control.snapshot().groups;
                let usable = groups.iter().filter(|group| {
                    matches!(group.kind, GroupKind::Security | GroupKind::Microsoft365)
                });
                let usable: Vec<_> = usable.map(|group| ExternalId(group.id)).collect();
                let number = dice.random_range(0..4);
                let mut ids: Vec<_> = usable.choose_multiple(dice, number).copied().collect();
                ids.sort_unstable();
                policy.selected_group_ids = ids;
            }
        }
        self.note(format!("policy: {:?}", self.w.policy));
        self.w.save_policy().await;
    }

    /// An operator keeps an attribute of somebody as they say.
    async fn keep_here(&mut self) {
        let mut tx = self.w.t.db.read().await.unwrap();
        let users = fetch_all!(
            &mut tx,
            (UserId,),
            "SELECT id FROM directory_user WHERE status = 'active' ORDER BY external_id"
        )
        .unwrap();
        drop(tx);
        let Some((id,)) = users.choose(&mut self.dice).copied() else {
            return;
        };
        let name = *["jobTitle", "display_name", "surname"]
            .choose(&mut self.dice)
            .unwrap();
        let new = NewKeptAttribute {
            value: Some("As they say".to_owned()),
            note: String::new(),
        };
        kept_attributes::keep(&self.w.t, &Scope::worker(), id, name, new)
            .await
            .unwrap();
        self.note(format!("{name} of {id} is kept here"));
    }

    /// Everything follows the source again.
    async fn release_all(&self) {
        let mut tx = self.w.t.db.read().await.unwrap();
        let kept = fetch_all!(
            &mut tx,
            (UserId, String),
            "SELECT user_id, name FROM directory_user_kept_attribute ORDER BY user_id, name"
        )
        .unwrap();
        drop(tx);
        for (id, name) in kept {
            kept_attributes::release(&self.w.t, &Scope::worker(), id, &name)
                .await
                .unwrap();
        }
    }

    fn jump(&mut self) {
        let minutes = *[-10, 1, 60, 60 * 26, 60 * 24 * 8]
            .choose(&mut self.dice)
            .unwrap();
        self.w.t.clock.advance(Duration::minutes(minutes));
        self.note(format!("the clock jumps {minutes} min"));
    }

    async fn waiting(&self) -> Vec<(RunId, ObjectType)> {
        let mut tx = self.w.t.db.read().await.unwrap();
        fetch_all!(
            &mut tx,
            (RunId, ObjectType),
            "SELECT c.run_id, c.object_type FROM run_count c JOIN run r ON r.id = c.run_id
              WHERE r.status = 'held' AND c.status = 'held' ORDER BY c.run_id, c.object_type"
        )
        .unwrap()
    }

    async fn decide(&mut self) {
        for (run, object_type) in self.waiting().await {
            let decision = if self.dice.random() {
                Decision::Approved
            } else {
                Decision::Rejected
            };
            let scope = Scope::worker();
            let decided = sync::decide(&self.w.t, &scope, run, object_type, decision, "T-1");
            match decided.await {
                Ok(_) => {
                    self.decided.insert(run);
                    self.note(format!("{run}, {object_type}: {decision}"));
                }
                Err(Error::Conflict { message, .. }) => self.note(message),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    async fn cancel(&mut self) {
        let Some(run) = self.start().await else {
            return;
        };
        let moment = self.dice.random_range(0..20);
        crash_at(moment, run_until_idle(&self.w.t)).await;
        match sync::cancel(&self.w.t, &Scope::worker(), run).await {
            Ok(_) => self.note("and cancelled"),
            Err(Error::Conflict { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Lets everything come to rest, and compares.
    async fn quiet(&mut self, what: &str) {
        self.note("quiet");
        self.w.control.clear_faults();
        self.w.control.set_faults(FaultPlan::default());
        self.w.recover().await;
        self.assert_guarded(what).await;
        let guard = std::mem::replace(&mut self.w.policy.guard, no_guard());
        // Who is protected isn't what the source says.
        let protected = std::mem::take(&mut self.w.policy.protected);
        self.w.save_policy().await;
        self.take_rejections_back().await;
        self.release_all().await;
        let mut run = self.w.run(RunMode::Full).await;
        // Without a guard, what is complete and empty is held all the same.
        while run.status == RunStatus::Held {
            for (held, object_type) in self.waiting().await {
                let (scope, approved) = (Scope::worker(), Decision::Approved);
                let decided = sync::decide(&self.w.t, &scope, held, object_type, approved, "T-1");
                match decided.await {
                    // Memberships may wait with their user or group.
                    Ok(_) | Err(Error::Conflict { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            run_until_idle(&self.w.t).await.unwrap();
            run = self.w.run(RunMode::Full).await;
        }
        let ended = matches!(run.status, RunStatus::Succeeded | RunStatus::NothingToDo);
        assert!(ended, "{what}: {run:#?}");
        self.w.assert_equal(what).await;
        let again = self.w.run(RunMode::Full).await;
        assert_eq!(again.status, RunStatus::NothingToDo, "{what}: {again:#?}");
        self.watch_from_here().await;
        self.w.policy.guard = guard;
        self.w.policy.protected = protected;
        self.w.save_policy().await;
    }

    async fn take_rejections_back(&mut self) {
        let mut tx = self.w.t.db.read().await.unwrap();
        let kept = fetch_all!(
            &mut tx,
            (RunId, ObjectType),
            "SELECT run_id, object_type FROM run_decision
              WHERE decision = 'rejected' AND withdrawn_by IS NULL"
        )
        .unwrap();
        drop(tx);
        for (run, object_type) in kept {
            match sync::withdraw(&self.w.t, &Scope::worker(), run, object_type).await {
                Ok(_) | Err(Error::Conflict { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    async fn runs(&self) -> Vec<(RunId, i64)> {
        let mut tx = self.w.t.db.read().await.unwrap();
        fetch_all!(
            &mut tx,
            (RunId, i64),
            "SELECT r.id, CAST(c.disabled + c.deleted AS BIGINT) FROM run r
               JOIN run_count c ON c.run_id = r.id AND c.object_type = 'user'
              WHERE r.mode <> 'preview'"
        )
        .unwrap()
    }

    /// Runs until now are nobody's business any more.
    async fn watch_from_here(&mut self) {
        self.watched = self.runs().await.into_iter().map(|(id, _)| id).collect();
    }

    /// No run took more users away than the guard lets through, unless somebody approved it.
    async fn assert_guarded(&self, what: &str) {
        for (run, gone) in self.runs().await {
            let free = self.watched.contains(&run) || self.decided.contains(&run);
            assert!(
                free || gone <= LET_THROUGH,
                "{what}: run {run} took {gone} users away"
            );
        }
    }
}

/// A rule for names, or none any more.
fn draw_rule(dice: &mut ChaCha8Rng) -> Vec<AttributeRule> {
    let rule = match dice.random_range(0..4) {
        0 => return Vec::new(),
        1 => MappingRule::Constant("A colleague".to_owned()),
        2 => MappingRule::First(["surname", "displayName"].map(str::to_owned).to_vec()),
        _ => MappingRule::Expression(IN_CAPITALS.to_owned()),
    };
    let attribute = "display_name".to_owned();
    vec![AttributeRule { attribute, rule }]
}

async fn simulate(kind: Kind, seed: u64) {
    let Some(w) = World::new(kind, tenant(seed, 25)).await else {
        return;
    };
    let mut simulation = Simulation {
        seed,
        w,
        dice: ChaCha8Rng::seed_from_u64(seed),
        log: Vec::new(),
        watched: BTreeSet::new(),
        decided: BTreeSet::new(),
    };
    simulation.draw_types();
    simulation.w.save_policy().await;
    simulation.w.run(RunMode::Full).await;
    simulation.watch_from_here().await;
    simulation.w.policy.guard.user = Limit {
        max_count: Some(u32::try_from(LET_THROUGH).unwrap()),
        max_percent: 100,
    };
    simulation.w.policy.guard.group = Guard::default().group;
    simulation.w.save_policy().await;
    for step in 1..=STEPS {
        simulation.step().await;
        if step % QUIET_EVERY == 0 {
            let what = format!("seed {seed} after step {step}");
            simulation.quiet(&what).await;
        }
    }
}

/// Tests of one database, each with seeds of its own, so that they run side by side.
const TESTS: u64 = 8;

/// Seeds of each. A database of PostgreSQL's takes longer to make than a life on SQLite.
const fn every_day(kind: Kind) -> u64 {
    match kind {
        Kind::Sqlite => 20,
        Kind::Postgres => 5,
    }
}

/// The share that a test has of the seeds: those of every day, or those that the environment names.
fn seeds(test: u64, kind: Kind) -> std::ops::Range<u64> {
    let (first, last) = match environment("SIMULATION_SEEDS") {
        Some(named) => {
            let number = |text: &str| text.trim().parse::<u64>().expect("a number");
            let (first, last) = named.split_once('-').unwrap_or((&named, &named));
            (number(first), number(last) + 1)
        }
        None => (0, TESTS * every_day(kind)),
    };
    let share = (last - first).div_ceil(TESTS);
    let from = (first + test * share).min(last);
    from..(from + share).min(last)
}

async fn simulate_all(test: u64, kind: Kind) {
    for seed in seeds(test, kind) {
        Box::pin(simulate(kind, seed)).await;
    }
}

macro_rules! simulations {
    ($($name:ident: $test:literal;)+) => { $(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn sqlite() {
                simulate_all($test, Kind::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                simulate_all($test, Kind::Postgres).await;
            }
        }
    )+ };
}

simulations! {
    lives_0: 0;
    lives_1: 1;
    lives_2: 2;
    lives_3: 3;
    lives_4: 4;
    lives_5: 5;
    lives_6: 6;
    lives_7: 7;
}
