//! The binary killed with SIGKILL in the middle of a run, and started again: the run goes to its
//! end and the directory is what the tenant holds.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use backend::testing::{Kind, database_url};
use serde_json::{Value, json};
use simulator::{Control, Farm, FarmConfig, RunningFarm, TenantInfo};

use crate::support::id;

/// Enough that reading takes several pages and applying several batches.
const USERS: usize = 3_000;
/// A lease ends 30 s after its holder was killed; the rest is the run, on a busy machine.
const ENDS_WITHIN: Duration = Duration::from_secs(150);

/// A `rollcall serve` of its own, with a tenant to read.
struct Installation {
    folder: tempfile::TempDir,
    database_url: String,
    clouds: String,
    address: String,
    token: String,
    server: Option<Child>,
    client: reqwest::Client,
    control: Control,
    tenant: TenantInfo,
    _farm: RunningFarm,
}

impl Installation {
    /// None, with a loud line, where the database can't be had.
    async fn new(kind: Kind) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let database_url = database_url(kind, folder.path()).await?;
        let farm = Farm::new(FarmConfig::with_users(11, USERS));
        let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let tenant = farm.tenants().remove(0);
        let origin = running.origin();
        let clouds = json!([{ "id": "sim", "name": "S", "authority": origin, "graph": origin }]);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap().to_string();
        drop(port);
        let mut this = Self {
            database_url,
            clouds: clouds.to_string(),
            address,
            token: String::new(),
            server: None,
            client: reqwest::Client::builder().build().unwrap(),
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

    async fn start(&mut self) {
        let log = log(self.folder.path());
        let started = self
            .rollcall()
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.server = Some(started.unwrap());
        let ready = format!("http://{}/readyz", self.address);
        self.until(async || self.client.get(&ready).send().await.is_ok().then_some(()))
            .await;
    }

    /// What the kernel does to a process that gets no time for anything.
    fn kill(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.kill().unwrap();
        server.wait().unwrap();
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
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

    async fn get(&self, path: &str) -> Value {
        self.call(reqwest::Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(reqwest::Method::POST, path, Some(body)).await
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
    async fn until<T>(&self, mut look: impl AsyncFnMut() -> Option<T>) -> T {
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

    /// Connects the tenant and starts its first full run; answers customer and run.
    async fn begin(&self) -> (String, String) {
        let customer = id(&self.post("/customers", json!({ "name": "Contoso" })).await);
        let profile = json!({
            "name": "P",
            "kind": "client_secret",
            "client_id": self.tenant.client_id.to_string(),
            "client_secret": self.tenant.client_secret,
        });
        let profile = id(&self.post("/credential-profiles", profile).await);
        let integration = json!({
            "kind": "entra_id",
            "tenant": self.tenant.domain,
            "cloud": "sim",
            "credential_profile_id": profile,
        });
        let path = format!("/customers/{customer}/integrations");
        let integration = id(&self.post(&path, integration).await);
        let path = format!("/integrations/{integration}/runs");
        let run = self.post(&path, json!({ "mode": "full" })).await;
        (customer, id(&run))
    }

    /// Kills the server as soon as `is_there` says so, while the run is open, starts it again and
    /// waits for the run to end.
    async fn killed_when(&mut self, is_there: impl AsyncFn(&Self, &str, &Value) -> bool) -> String {
        self.start().await;
        let (customer, run) = self.begin().await;
        let path = format!("/runs/{run}");
        let seen = self
            .until(async || {
                let seen = self.get(&path).await;
                let reached = is_there(self, &customer, &seen).await;
                let over = !["queued", "running"].contains(&seen["status"].as_str().unwrap());
                (reached || over).then_some(seen)
            })
            .await;
        self.kill();
        assert_eq!(seen["status"], "running", "it was killed too late: {seen}");

        self.control.configure(|settings| settings.latency_ms = 0);
        self.start().await;
        let ended = self
            .until(async || {
                let run = self.get(&path).await;
                (!run["ended_at"].is_null()).then_some(run)
            })
            .await;
        assert_eq!(ended["status"], "succeeded", "{ended}\n{}", self.log());
        customer
    }

    /// The directory holds whom the tenant holds, and nobody twice.
    async fn assert_equal(&self, customer: &str) {
        let snapshot = self.control.snapshot();
        let named =
            |name: &Option<String>| name.as_ref().is_some_and(|name| !name.trim().is_empty());
        let wanted: BTreeSet<_> = snapshot
            .users
            .iter()
            .filter(|user| user.user_type.as_deref() != Some("Guest"))
            .filter(|user| named(&user.given_name) && named(&user.surname))
            .map(|user| user.id.to_string())
            .collect();
        let users = self.all(&format!("/customers/{customer}/users")).await;
        let kept: BTreeSet<_> = users.iter().map(external_id).collect();
        assert_eq!(kept.len(), users.len(), "someone is there twice");
        assert_eq!(kept, wanted);

        let members: BTreeSet<_> = snapshot
            .memberships
            .iter()
            .map(|m| (m.group_id.to_string(), m.member_id.to_string()))
            .collect();
        let groups = self.all(&format!("/customers/{customer}/groups")).await;
        assert!(!groups.is_empty());
        let ids: BTreeSet<_> = kept
            .into_iter()
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

impl Drop for Installation {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill();
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

async fn while_reading(kind: Kind) {
    let Some(mut there) = Installation::new(kind).await else {
        return;
    };
    there
        .control
        .configure(|settings| settings.latency_ms = 100);
    let customer = there
        .killed_when(async |_, _, run| run["requests"].as_i64().unwrap() >= 3)
        .await;
    there.assert_equal(&customer).await;
}

async fn while_applying(kind: Kind) {
    let Some(mut there) = Installation::new(kind).await else {
        return;
    };
    let customer = there
        .killed_when(async |there, customer, _| {
            let path = format!("/customers/{customer}/users?limit=1");
            there.get(&path).await["items"] != json!([])
        })
        .await;
    there.assert_equal(&customer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_reading_on_sqlite() {
    while_reading(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_reading_on_postgres() {
    while_reading(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_applying_on_sqlite() {
    while_applying(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_applying_on_postgres() {
    while_applying(Kind::Postgres).await;
}
