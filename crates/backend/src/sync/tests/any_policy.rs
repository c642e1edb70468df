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

mod draw;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use domain::{
    DateTime,
    decision::Decision,
    id::{ExternalId, RunId},
    policy::{ObjectType, Policy},
    run::{CountLine, Run, RunMode, RunStatus, RunTrigger},
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::world::{World, no_guard, tenant};
use crate::{
    Scope, fetch_all,
    jobs::run_until_idle,
    sync::{self, members::Difference},
    testing::{Kind, environment},
};

type Key = (ObjectType, Uuid);

/// An object of the directory as the changes of a plan speak of it.
#[derive(Debug, Clone, PartialEq)]
struct Object {
    /// What it is like, by the names that changes have for it; without what is empty. `status`,
    /// `status_reason` and `delete_at` are among it.
    shown: Map<String, Value>,
    /// What no change names: it moves with the others, and only then.
    beside: (String, DateTime),
}

impl Object {
    fn text(&self, name: &str) -> Option<&str> {
        self.shown.get(name).and_then(Value::as_str)
    }

    /// Whether it belongs into the directory: in use, or blocked in the source.
    fn belongs(&self) -> bool {
        match self.text("status") {
            Some("active") => true,
            Some("inactive") => self.text("status_reason") == Some("sign_in_blocked"),
            _ => false,
        }
    }

    fn set(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => self.shown.remove(name),
            value => self.shown.insert(name.to_owned(), value.clone()),
        };
    }
}

/// Everything that a directory has.
#[derive(Debug, Clone, PartialEq)]
struct Directory {
    objects: BTreeMap<Key, Object>,
    edges: BTreeSet<(Uuid, Uuid)>,
    administrators: BTreeSet<Uuid>,
}

impl Directory {
    async fn of(w: &World) -> Self {
        let mut objects = BTreeMap::new();
        for object_type in ObjectType::OBJECTS {
            let from = format!("directory_{object_type} o");
            let state = "o.status, o.status_reason, o.delete_at, o.changed_at";
            objects.extend(read(w, object_type, &from, state, "kind").await);
        }
        let mut tx = w.t.db.read().await.unwrap();
        let administrators = fetch_all!(
            &mut tx,
            (Uuid,),
            "SELECT external_id FROM directory_user WHERE administrator_at IS NOT NULL"
        );
        let administrators = administrators.unwrap().into_iter().map(|(id,)| id);
        Self {
            objects,
            edges: w.actual().await.edges,
            administrators: administrators.collect(),
        }
    }

    /// Whom the group makes administrators, as this directory has its members; none where it has not
    /// got the group.
    fn members(&self, group: ExternalId, nested: bool) -> Option<BTreeSet<Uuid>> {
        let status = |id: Uuid| self.objects.get(&(ObjectType::Group, id))?.text("status");
        status(group.0).filter(|status| *status == "active")?;
        let mut inside = BTreeSet::from([group.0]);
        let mut members = BTreeSet::new();
        let mut open = vec![group.0];
        while let Some(one) = open.pop() {
            for (_, member) in self.edges.iter().filter(|edge| edge.0 == one) {
                members.insert(*member);
                let is_group = status(*member).is_some_and(|status| status != "deleted");
                if nested && is_group && inside.insert(*member) {
                    open.push(*member);
                }
            }
        }
        let is_user = |id: &Uuid| self.objects.contains_key(&(ObjectType::User, *id));
        members.retain(is_user);
        Some(members)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    external_id: Uuid,
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    kind: Option<String>,
    dynamic: bool,
    attributes: String,
    search_text: String,
    status: String,
    status_reason: Option<String>,
    delete_at: Option<DateTime>,
    changed_at: DateTime,
}

impl From<Row> for Object {
    fn from(row: Row) -> Self {
        let attributes: Map<String, Value> = serde_json::from_str(&row.attributes).unwrap();
        let mut object = Self {
            shown: attributes,
            beside: (row.search_text, row.changed_at),
        };
        object.shown.retain(|_, value| !value.is_null());
        let dynamic = row.kind.is_some().then_some(row.dynamic);
        let texts = [
            ("display_name", Some(row.display_name)),
            ("user_principal_name", row.user_principal_name),
            ("given_name", row.given_name),
            ("surname", row.surname),
            ("mail", row.mail),
            ("kind", row.kind),
            ("status", Some(row.status)),
            ("status_reason", row.status_reason),
            ("delete_at", row.delete_at.map(|at| at.to_rfc3339())),
        ];
        for (name, text) in texts {
            object.set(name, &text.into());
        }
        object.set("dynamic", &dynamic.into());
        object
    }
}

/// Objects of one type, of the directory or of the source.
async fn read(
    w: &World,
    object_type: ObjectType,
    from: &str,
    state: &str,
    kind: &str,
) -> Vec<(Key, Object)> {
    let own = match object_type {
        ObjectType::User => {
            "o.user_principal_name, o.given_name, o.surname, o.mail, NULL AS kind, FALSE AS dynamic"
                .to_owned()
        }
        ObjectType::Group => format!(
            "NULL AS user_principal_name, NULL AS given_name, NULL AS surname, o.mail,
             o.{kind} AS kind, o.dynamic"
        ),
        ObjectType::Contact => "NULL AS user_principal_name, o.given_name, o.surname, o.mail,
             NULL AS kind, FALSE AS dynamic"
            .to_owned(),
        ObjectType::Device | ObjectType::Membership => {
            "NULL AS user_principal_name, NULL AS given_name, NULL AS surname, NULL AS mail,
             NULL AS kind, FALSE AS dynamic"
                .to_owned()
        }
    };
    let sql = format!(
        "SELECT o.external_id, o.display_name, o.attributes, o.search_text, {own}, {state}
           FROM {from} WHERE o.external_id IS NOT NULL"
    );
    let mut tx = w.t.db.read().await.unwrap();
    let rows = fetch_all!(&mut tx, Row, sqlx::AssertSqlSafe(sql)).unwrap();
    let key = |row: &Row| (object_type, row.external_id);
    rows.into_iter()
        .map(|row| (key(&row), row.into()))
        .collect()
}

/// What the source says, as far as a run has read it. A create shows this and no copy of it.
async fn source(w: &World) -> BTreeMap<Key, Object> {
    let mut all = BTreeMap::new();
    for object_type in ObjectType::OBJECTS {
        let from = format!(
            "(SELECT s.*, i.created_at AS changed_at FROM source_object s
                JOIN integration i ON i.id = s.integration_id
               WHERE s.object_type = '{object_type}') o"
        );
        let state = "'' AS status, NULL AS status_reason, NULL AS delete_at, o.changed_at";
        all.extend(read(w, object_type, &from, state, "group_kind").await);
    }
    all
}

/// A line of a plan.
#[derive(Debug, Clone, PartialEq, PartialOrd, sqlx::FromRow)]
struct Change {
    object_type: ObjectType,
    external_id: Uuid,
    action: String,
    reason: Option<String>,
    /// It waits for a decision: no change yet.
    held: bool,
    edges: i64,
    before_value: Option<String>,
    after_value: Option<String>,
    error: Option<String>,
}

impl Change {
    fn values(text: Option<&str>) -> Map<String, Value> {
        text.map(|text| serde_json::from_str(text).unwrap())
            .unwrap_or_default()
    }
}

/// What a run is to change. `Failed` from the first is no change, and stays a line.
async fn plan(w: &World, run: RunId) -> Vec<Change> {
    let mut tx = w.t.db.read().await.unwrap();
    fetch_all!(
        &mut tx,
        Change,
        "SELECT object_type, external_id, action, reason, (status = 'held') AS held, edges,
                before_value, after_value, error
           FROM run_change WHERE run_id = $1 AND status IN ('planned', 'applied', 'held')
          ORDER BY object_type, external_id, action, held",
        run
    )
    .unwrap()
}

/// The directory as the plan says that it will be: each change upon what it says that there was. Of a
/// group that comes in the plan says how many members it has; who they are is looked up in `new`, the
/// directory that came of it.
fn foretold(
    before: &Directory,
    plan: &[Change],
    source: &BTreeMap<Key, Object>,
    new: &BTreeSet<(Uuid, Uuid)>,
) -> Directory {
    let mut then = before.clone();
    for change in plan.iter().filter(|change| !change.held) {
        let key = (change.object_type, change.external_id);
        if change.object_type == ObjectType::Membership {
            members_change(&mut then, change, new);
            continue;
        }
        if change.action == "create" {
            let mut object = source[&key].clone();
            let status = change.reason.as_ref().map_or("active", |_| "inactive");
            object.set("status", &status.into());
            object.set("status_reason", &change.reason.clone().into());
            let there = then.objects.insert(key, object);
            assert_eq!(there, None, "{change:?}");
            continue;
        }
        let object = then.objects.get_mut(&key).unwrap();
        for (name, was) in Change::values(change.before_value.as_deref()) {
            let now = object.shown.get(&name).cloned().unwrap_or_default();
            assert_eq!(now, was, "{name} before {change:?}");
        }
        for (name, becomes) in Change::values(change.after_value.as_deref()) {
            object.set(&name, &becomes);
        }
    }
    then
}

fn members_change(then: &mut Directory, change: &Change, new: &BTreeSet<(Uuid, Uuid)>) {
    let group = change.external_id;
    let Some(after) = &change.after_value else {
        let members = new.iter().filter(|edge| edge.0 == group);
        let edges_before = then.edges.len();
        then.edges.extend(members);
        let came = i64::try_from(then.edges.len() - edges_before).unwrap();
        assert_eq!(came, change.edges, "{change:?}");
        return;
    };
    let Difference { added, removed } = Difference::read(after).unwrap();
    let number = i64::try_from(added.len() + removed.len()).unwrap();
    assert_eq!(number, change.edges, "{change:?}");
    for member in added {
        assert!(then.edges.insert((group, member.0)), "{change:?}");
    }
    for member in removed {
        assert!(then.edges.remove(&(group, member.0)), "{change:?}");
    }
}

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
