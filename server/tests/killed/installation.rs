//! An installation of the real binary with a tenant to read, whose processes are started and killed
//! one by one.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use backend::testing::{Kind, database_url};
use rand::{Rng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Control, Farm, FarmConfig, RunningFarm, TenantInfo};
use uuid::Uuid;

use crate::support::id;

/// A lease ends 30 s after its holder was killed; the rest is the run, on a busy machine.
const ENDS_WITHIN: Duration = Duration::from_secs(150);

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Serves, with a worker beside it.
    Both,
    /// Serves alone.
    Front,
    /// Works alone.
    Worker,
}

impl Part {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Both => &["serve"],
            Self::Front => &["serve", "--no-worker"],
            Self::Worker => &["work"],
        }
    }
}

/// A process; it is killed with its handle.
pub struct Process(Child);

impl Process {
    /// What the kernel does to a process that gets no time for anything. Returns when it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself, or be killed already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A database, a farm with one tenant, and how to reach what runs on them.
pub struct Installation {
    folder: tempfile::TempDir,
    database_url: String,
    clouds: String,
    address: String,
    token: String,
    client: reqwest::Client,
    pub control: Control,
    tenant: TenantInfo,
    _farm: RunningFarm,
}

/// What is synced in an installation.
pub struct Connected {
    pub customer: String,
    pub integration: String,
}

impl Installation {
    /// None, with a loud line, where the database can't be had.
    pub async fn new(kind: Kind, seed: u64, users: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let database_url = database_url(kind, folder.path()).await?;
        let farm = Farm::new(FarmConfig::with_users(seed, users));
        let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let tenant = farm.tenants().remove(0);
        let origin = running.origin();
        let clouds = json!([{ "id": "sim", "name": "S", "authority": origin, "graph": origin }]);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap().to_string();
        drop(port);
        #[expect(clippy::disallowed_methods, reason = "it talks to the binary alone")]
        let client = reqwest::Client::builder().build().unwrap();
        let mut this = Self {
            database_url,
            clouds: clouds.to_string(),
            address,
            token: String::new(),
            client,
            control: farm.control(tenant.tenant_id),
            tenant,
            _farm: running,
            folder,
        };
        let create = ["token", "create", "--name", "t", "--role", "administrator"];
        let made = this.rollcall().args(create).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        this.token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        Some(this)
    }

    /// Rotates the master key, in a process of its own.
    pub fn rotate(&self) -> Process {
        let rotate = self
            .rollcall()
            .args(["secrets", "rotate"])
            .stdout(Stdio::null())
            .stderr(log(self.folder.path()))
            .spawn();
        Process(rotate.unwrap())
    }

    /// Runs a command to its end; answers what it prints.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = self.rollcall().args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Adds profiles whose secrets are there to be sealed anew.
    pub async fn add_profiles(&self, number: usize) {
        for at in 0..number {
            let profile = json!({
                "name": format!("P{at}"),
                "kind": "client_secret",
                "client_id": self.tenant.client_id.to_string(),
                "client_secret": self.tenant.client_secret,
            });
            self.post("/credential-profiles", profile).await;
        }
    }

    /// Has the processes open a secret and sign in with it.
    pub async fn connects(&self, of: &Connected) {
        let path = format!("/integrations/{}/test-connection", of.integration);
        let test = self.post(&path, json!({})).await;
        assert_eq!(test["ok"], true, "{test}");
    }

    /// The files with keys.
    pub fn key_files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("data")).unwrap();
        let mut names: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("master.key"))
            .collect();
        names.sort();
        names
    }

    fn rollcall(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .current_dir(self.folder.path())
            .env("RUST_LOG", "warn")
            .env("ROLLCALL_LISTEN", &self.address)
            .env("ROLLCALL_DATABASE_URL", &self.database_url)
            .env("ROLLCALL_CLOUDS", &self.clouds);
        command
    }

    /// Starts a process; one that serves answers when this returns.
    pub async fn start(&self, part: Part) -> Process {
        let log = log(self.folder.path());
        let started = self
            .rollcall()
            .args(part.arguments())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let process = Process(started.unwrap());
        if part != Part::Worker {
            let ready = format!("http://{}/readyz", self.address);
            self.until(async || self.client.get(&ready).send().await.is_ok().then_some(()))
                .await;
        }
        process
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("http://{}/api/v1{path}", self.address);
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    pub async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Everything of a list.
    async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=1000{next}")).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return items,
            }
        }
    }

    /// Looks again and again until there is what is looked for.
    pub async fn until<T>(&self, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        let looking = async {
            loop {
                tick.tick().await;
                if let Some(found) = look().await {
                    return found;
                }
            }
        };
        tokio::time::timeout(ENDS_WITHIN, looking)
            .await
            .unwrap_or_else(|_| panic!("it takes too long; the log:\n{}", self.log()))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Connects the tenant. No guard: whatever a test does to it is meant.
    pub async fn connect(&self) -> Connected {
        let customer = id(&self.post("/customers", json!({ "name": "Contoso" })).await);
        let profile = json!({
            "name": "P",
            "kind": "client_secret",
            "client_id": self.tenant.client_id.to_string(),
            "client_secret": self.tenant.client_secret,
        });
        let profile = id(&self.post("/credential-profiles", profile).await);
        let limit = json!({ "max_count": 1_000_000, "max_percent": 100 });
        let integration = json!({
            "kind": "entra_id",
            "tenant": self.tenant.domain,
            "cloud": "sim",
            "credential_profile_id": profile,
            "policy": { "guard": { "user": limit, "group": limit, "membership": limit } },
        });
        let path = format!("/customers/{customer}/integrations");
        let integration = id(&self.post(&path, integration).await);
        Connected {
            customer,
            integration,
        }
    }

    /// Starts a full run; answers its path.
    pub async fn full(&self, of: &Connected) -> String {
        let path = format!("/integrations/{}/runs", of.integration);
        let run = self.post(&path, json!({ "mode": "full" })).await;
        format!("/runs/{}", id(&run))
    }

    /// Waits for the run's end, and answers it.
    pub async fn ended(&self, run: &str) -> Value {
        self.until(async || {
            let run = self.get(run).await;
            (!run["ended_at"].is_null()).then_some(run)
        })
        .await
    }

    /// Waits for the run to end well.
    pub async fn ends_well(&self, run: &str) {
        let ended = self.ended(run).await;
        let status = ended["status"].as_str().unwrap();
        assert!(
            ["succeeded", "nothing_to_do"].contains(&status),
            "{ended}\n{}",
            self.log()
        );
    }

    /// Much happens in the tenant: people are renamed, blocked and freed, some leave, some come,
    /// and groups change.
    pub fn change_much(&self, dice: &mut ChaCha8Rng) {
        let before = self.control.snapshot();
        let round: u32 = dice.random();
        for user in &before.users {
            if dice.random_bool(0.6) {
                let name = format!("{round} {}", user.id);
                self.control.rename(user.id, &name).unwrap();
            } else if dice.random_bool(0.1) {
                let enabled = !user.account_enabled;
                self.control.set_enabled(user.id, enabled).unwrap();
            } else if dice.random_bool(0.02) {
                self.control.delete(user.id).unwrap();
            }
        }
        let people: Vec<Uuid> = self.control.snapshot().users.iter().map(|u| u.id).collect();
        for group in &before.groups {
            let some: Vec<Uuid> = people.choose_multiple(dice, 5).copied().collect();
            // Dynamic groups choose for themselves.
            let _ = self.control.add_members(group.id, &some);
        }
        self.control.random_changes(100, dice.random());
    }

    /// The directory holds whom the tenant holds, as the tenant names them, and nobody twice.
    pub async fn assert_equal(&self, customer: &str) {
        let snapshot = self.control.snapshot();
        let named =
            |name: &Option<String>| name.as_ref().is_some_and(|name| !name.trim().is_empty());
        let wanted: BTreeSet<_> = snapshot
            .users
            .iter()
            .filter(|user| user.user_type.as_deref() != Some("Guest"))
            .filter(|user| named(&user.given_name) && named(&user.surname))
            .map(|user| {
                let name = user.display_name.as_deref().unwrap_or_default();
                (
                    user.id.to_string(),
                    user.account_enabled,
                    name.trim().to_owned(),
                )
            })
            .collect();
        let users = self.all(&format!("/customers/{customer}/users")).await;
        let ids: BTreeSet<_> = users.iter().map(external_id).collect();
        assert_eq!(ids.len(), users.len(), "someone is there twice");
        let here: BTreeSet<_> = wanted.iter().map(|(id, _, _)| id.clone()).collect();
        let kept: BTreeSet<_> = users
            .iter()
            .filter(|user| user["status"] == "active" || here.contains(&external_id(user)))
            .map(|user| {
                let name = user["display_name"].as_str().unwrap_or_default();
                (
                    external_id(user),
                    user["status"] == "active",
                    name.trim().to_owned(),
                )
            })
            .collect();
        assert_eq!(kept, wanted);
        self.assert_members_equal(customer, &here).await;
    }

    async fn assert_members_equal(&self, customer: &str, people: &BTreeSet<String>) {
        let members: BTreeSet<_> = self
            .control
            .snapshot()
            .memberships
            .iter()
            .map(|m| (m.group_id.to_string(), m.member_id.to_string()))
            .collect();
        let mut groups = self.all(&format!("/customers/{customer}/groups")).await;
        groups.retain(|group| group["status"] == "active");
        assert!(!groups.is_empty());
        let ids: BTreeSet<_> = people
            .iter()
            .cloned()
            .chain(groups.iter().map(external_id))
            .collect();
        for group in &groups {
            let outside = external_id(group);
            let path = format!("/groups/{}/members", id(group));
            let members_here = self.all(&path).await;
            let direct = members_here
                .iter()
                .filter(|member| member["direct"] == true);
            let kept: BTreeSet<_> = direct.map(external_id).collect();
            let wanted: BTreeSet<_> = members
                .iter()
                .filter(|(group, member)| *group == outside && ids.contains(member))
                .map(|(_, member)| member.clone())
                .collect();
            assert_eq!(kept, wanted, "members of {group}");
        }
    }
}

fn external_id(of: &Value) -> String {
    of["external_id"].as_str().unwrap().to_owned()
}

/// The log, where it goes on.
fn log(folder: &Path) -> std::fs::File {
    let file = folder.join("log");
    let open = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file);
    open.unwrap()
}
