//! What a directory has, and what a plan says that it will have.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    DateTime,
    id::{ExternalId, RunId},
    policy::ObjectType,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::world::World;
use crate::{fetch_all, sync::members::Difference};

pub(super) type Key = (ObjectType, Uuid);

/// An object of the directory as the changes of a plan speak of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    /// What it is like, by the names that changes have for it; without what is empty. `status`,
    /// `status_reason` and `delete_at` are among it.
    pub shown: Map<String, Value>,
    /// What no change names: it moves with the others, and only then.
    pub beside: (String, DateTime),
}

impl Object {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.shown.get(name).and_then(Value::as_str)
    }

    /// Whether it belongs into the directory: in use, or blocked in the source.
    pub fn belongs(&self) -> bool {
        match self.text("status") {
            Some("active") => true,
            Some("inactive") => self.text("status_reason") == Some("sign_in_blocked"),
            _ => false,
        }
    }

    pub fn set(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => self.shown.remove(name),
            value => self.shown.insert(name.to_owned(), value.clone()),
        };
    }
}

/// Everything that a directory has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Directory {
    pub objects: BTreeMap<Key, Object>,
    pub edges: BTreeSet<(Uuid, Uuid)>,
    pub administrators: BTreeSet<Uuid>,
}

impl Directory {
    pub async fn of(w: &World) -> Self {
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

    /// That no two people in use sign in with one name, whatever rules make user names.
    pub fn assert_names_of_their_own(&self) {
        let mut names = BTreeSet::new();
        for (key, object) in &self.objects {
            let active = object.text("status") == Some("active");
            if let Some(name) = object.text("user_principal_name").filter(|_| active) {
                assert!(names.insert(planner::key(name)), "{key:?}: {name} twice");
            }
        }
    }

    /// Whom the group makes administrators, as this directory has its members; none where it has not
    /// got the group.
    pub fn members(&self, group: ExternalId, nested: bool) -> Option<BTreeSet<Uuid>> {
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
pub(super) async fn source(w: &World) -> BTreeMap<Key, Object> {
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
pub(super) struct Change {
    pub object_type: ObjectType,
    external_id: Uuid,
    pub action: String,
    reason: Option<String>,
    /// It waits for a decision: no change yet.
    pub held: bool,
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
pub(super) async fn plan(w: &World, run: RunId) -> Vec<Change> {
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
pub(super) fn foretold(
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
