//! The law of a change of policy, whatever part of it changes: what a preview of unsaved settings says
//! is what comes of them, change by change and nothing else; and once they are taken back, the
//! directory is the former one.
//!
//! The former directory is everybody who belonged into it, exactly as they were, with every membership
//! between them. What can't come back as it was, and isn't compared:
//!
//! * who was not in use before: they are not in use again, for the same reason. Who came in by the
//!   change, new or restored, becomes inactive; whom the change deleted is deleted. What it brought of
//!   their attributes stays, since whoever leaves keeps theirs, and a countdown that it stopped begins
//!   anew;
//! * who administers the workspace, where the former policy leaves that to people: runs change it only
//!   while a group decides it. A preview has no line of it, so it is compared with its group;
//! * when a row was made and changed.
//!
//! That needs a former policy that decides about everybody: one whose rules fail for nobody, that
//! protects nobody from the way back, and that lets nobody stay who left.
//!
//! A seed that fails says so. `POLICY_SEEDS=17` runs that one alone, `POLICY_SEEDS=100-199` others than
//! those of every day.

mod directory;
mod draw;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use domain::{
    decision::Decision,
    policy::{ObjectType, Policy},
    run::{CountLine, Run, RunMode, RunStatus, RunTrigger},
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use self::directory::{Change, Directory, Key, Object, foretold, plan, source};
use super::world::{World, no_guard, tenant};
use crate::{
    Scope,
    jobs::run_until_idle,
    sync,
    testing::{Kind, environment},
};

/// One seed: the way there and back.
struct Trial<'a> {
    seed: u64,
    w: &'a mut World,
    dice: ChaCha8Rng,
    former: Policy,
    changed: Policy,
    /// How often each action was previewed and came true.
    happened: &'a mut BTreeMap<String, usize>,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let json = |policy: &Policy| serde_json::to_string(policy).unwrap_or_default();
            let (former, changed) = (json(&self.former), json(&self.changed));
            eprintln!("seed {}:\nfrom {former}\nto {changed}", self.seed);
        }
    }
}

impl<'a> Trial<'a> {
    fn new(w: &'a mut World, happened: &'a mut BTreeMap<String, usize>, seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let tenant = w.control.snapshot();
        let mut draw = draw::Draw::new(&mut dice, &tenant);
        let former = draw.former();
        let changed = draw.change(&former);
        Self {
            seed,
            w,
            dice,
            former,
            changed,
            happened,
        }
    }

    async fn follow(&mut self, policy: &Policy) {
        self.w.policy = policy.clone();
        self.w.save_policy().await;
    }

    /// A directory with a past: everybody was in it, then those whom the former policy wants alone, and
    /// the days of some of the others are over.
    async fn begin(&mut self) {
        self.w.forget_everything().await;
        let everybody = Policy {
            object_types: ObjectType::OBJECTS.to_vec(),
            include_guests: true,
            require_names: false,
            guard: no_guard(),
            ..Policy::default()
        };
        let former = self.former.clone();
        self.follow(&everybody).await;
        if self.dice.random_bool(0.7) {
            self.w.run(RunMode::Full).await;
        }
        self.follow(&former).await;
        self.w.run(RunMode::Full).await;
        self.w.t.clock.advance(Duration::days(2));
        let run = self.w.run(RunMode::Full).await;
        self.let_go(&run).await;
        let again = self.w.run(RunMode::Full).await;
        assert_eq!(again.status, RunStatus::NothingToDo, "{again:#?}");
        // From here on what changes is told by its time.
        self.w.t.clock.advance(Duration::seconds(1));
    }

    /// Approves what is held: those who are deleted were inactive, and may be more than are in use.
    async fn let_go(&self, run: &Run) {
        let scope = Scope::worker();
        for line in run.counts.iter().filter(|line| line.held > 0) {
            let approved = Decision::Approved;
            let (object_type, why) = (line.object_type, "their days are over");
            let decided = sync::decide(&self.w.t, &scope, run.id, object_type, approved, why);
            decided.await.unwrap();
        }
        run_until_idle(&self.w.t).await.unwrap();
    }

    async fn preview(&self) -> Run {
        let (w, policy) = (&self.w, Some(self.changed.clone()));
        let scope = Scope::worker();
        let asked = sync::preview(&w.t, &scope, w.integration, policy, RunTrigger::Operator);
        let id = asked.await.unwrap().id;
        run_until_idle(&w.t).await.unwrap();
        w.ended(id).await
    }

    /// Applies exactly what was previewed, or saves the settings and runs, which has to come to the same
    /// plan. A plan without a change can't be applied.
    async fn change(&mut self, shown: &Run, planned: &[Change]) {
        let exactly = changes(shown) > 0 && self.dice.random();
        let done = if exactly {
            let scope = Scope::worker();
            let applied = sync::apply_preview(&self.w.t, &scope, shown.id).await;
            applied.unwrap();
            run_until_idle(&self.w.t).await.unwrap();
            self.w.policy = self.changed.clone();
            self.w.ended(shown.id).await
        } else {
            let changed = self.changed.clone();
            self.follow(&changed).await;
            let mode = self.mode();
            self.w.run(mode).await
        };
        assert_eq!(plan(self.w, done.id).await, planned);
    }

    fn mode(&mut self) -> RunMode {
        if self.dice.random() {
            RunMode::Full
        } else {
            RunMode::Delta
        }
    }

    /// Previewed and applied.
    async fn there(&mut self, before: &Directory) {
        let shown = self.preview().await;
        let now = Directory::of(self.w).await;
        assert_eq!(now, *before, "a preview changes nothing");
        let planned = plan(self.w, shown.id).await;
        let source = source(self.w).await;
        self.change(&shown, &planned).await;

        let after = Directory::of(self.w).await;
        after.assert_names_of_their_own();
        let mut expected = foretold(before, &planned, &source, &after.edges);
        self.protected_count_down_no_more(&mut expected, &source);
        self.administrators_follow(&mut expected);
        same(&expected, &after, before);
        for change in planned.iter().filter(|change| !change.held) {
            *self.happened.entry(change.action.clone()).or_default() += 1;
        }

        if planned.iter().any(|change| change.held) {
            // Whether that is held is for each run to say, by the directory as it finds it.
            return;
        }
        // Read once more, everything is as it should be.
        let again = self.w.run(RunMode::Full).await;
        assert_eq!(changes(&again), 0, "{again:#?}");
        same(&after, &Directory::of(self.w).await, &after);
    }

    /// Whom a rule protects isn't deleted: where it counted down to that, it ends without a line of a
    /// plan, as soon as the rule is saved.
    fn protected_count_down_no_more(
        &self,
        expected: &mut Directory,
        source: &BTreeMap<Key, Object>,
    ) {
        let matches = |object: &Object| {
            let name = object.text("given_name").unwrap_or_default().to_lowercase();
            let mut rules = self.changed.protected.iter();
            rules.any(|rule| name.starts_with(&rule.value))
        };
        for (key, object) in &mut expected.objects {
            let protected = matches(object) || source.get(key).is_some_and(matches);
            if key.0 == ObjectType::User && protected {
                object.set("delete_at", &Value::Null);
            }
        }
    }

    fn administrators_follow(&self, expected: &mut Directory) {
        let Some(group) = self.changed.administrators_group_id else {
            return;
        };
        if let Some(members) = expected.members(group, self.changed.include_nested) {
            expected.administrators = members;
        }
    }

    /// Taken back.
    async fn back(&mut self, before: &Directory) {
        let there = Directory::of(self.w).await;
        let former = self.former.clone();
        self.follow(&former).await;
        let mode = self.mode();
        self.w.run(mode).await;
        let after = Directory::of(self.w).await;
        after.assert_names_of_their_own();
        assert_eq!(after.edges, before.edges);
        let keys: BTreeSet<&Key> = before.objects.keys().chain(after.objects.keys()).collect();
        for key in keys {
            let (was, is) = (before.objects.get(key), after.objects.get(key));
            let is = is.unwrap_or_else(|| panic!("{key:?} is lost"));
            match was {
                Some(was) if was.belongs() => assert_eq!(is.shown, was.shown, "{key:?}"),
                _ => assert!(!is.belongs(), "{key:?} stays: {is:?}"),
            }
            let out = was.filter(|was| !was.belongs());
            let deleted = |one: &Object| one.text("status") == Some("deleted");
            if let Some(out) = out.filter(|out| !deleted(out)) {
                if there.objects.get(key).is_some_and(deleted) {
                    assert!(deleted(is), "{key:?}: {is:?}");
                    continue;
                }
                let why = |one: &Object| one.text("status_reason").map(str::to_owned);
                assert_eq!(why(is), why(out), "{key:?}");
                let counts = is.text("delete_at").is_some();
                assert_eq!(counts, out.text("delete_at").is_some(), "{key:?}");
            }
        }
        let group = former.administrators_group_id;
        if let Some(members) = group.and_then(|group| before.members(group, former.include_nested))
        {
            assert_eq!(after.administrators, members);
        }
    }
}

fn changes(run: &Run) -> i64 {
    run.counts.iter().map(CountLine::changed).sum()
}

/// That one directory is as expected; and that whoever is as before is so in everything.
fn same(expected: &Directory, is: &Directory, before: &Directory) {
    let keys = |one: &Directory| one.objects.keys().copied().collect::<BTreeSet<_>>();
    assert_eq!(keys(is), keys(expected));
    for (key, object) in &is.objects {
        let foretold = &expected.objects[key];
        assert_eq!(object.shown, foretold.shown, "{key:?}");
        let was = before.objects.get(key);
        if let Some(was) = was.filter(|was| was.shown == object.shown) {
            assert_eq!(object.beside, was.beside, "{key:?} isn’t touched");
        }
    }
    assert_eq!(is.edges, expected.edges);
    assert_eq!(is.administrators, expected.administrators);
}

/// Seeds of every day: a dozen in which everything happens that can.
const EVERY_DAY: std::ops::Range<u64> = 39..51;

/// The seeds of every day, or those that the environment names.
fn seeds() -> std::ops::Range<u64> {
    let Some(named) = environment("POLICY_SEEDS") else {
        return EVERY_DAY;
    };
    let number = |text: &str| text.trim().parse::<u64>().expect("a number");
    let (first, last) = named.split_once('-').unwrap_or((&named, &named));
    number(first)..number(last) + 1
}

async fn changes_of_any_part(kind: Kind) {
    let Some(mut w) = World::new(kind, tenant(960, 30)).await else {
        return;
    };
    // Nothing runs by itself.
    w.execute("UPDATE integration SET schedule = '{\"cron\":\"0 0 29 2 *\"}'")
        .await;
    let mut happened = BTreeMap::new();
    for seed in seeds() {
        let mut trial = Trial::new(&mut w, &mut happened, seed);
        trial.begin().await;
        let before = Directory::of(trial.w).await;
        Box::pin(trial.there(&before)).await;
        trial.back(&before).await;
    }
    if environment("POLICY_SEEDS").is_none() {
        for action in ["create", "update", "disable", "enable", "delete", "restore"] {
            assert!(happened.contains_key(action), "no {action}: {happened:?}");
        }
    }
}

mod any_change_is_as_previewed_and_taken_back_leaves_the_former_directory {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        Box::pin(changes_of_any_part(Kind::Sqlite)).await;
    }

    #[tokio::test]
    async fn postgres() {
        Box::pin(changes_of_any_part(Kind::Postgres)).await;
    }
}
