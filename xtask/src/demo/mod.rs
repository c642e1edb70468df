//! `cargo xtask demo`: the product with three tenants in it, ready to be looked at.

mod api;

use std::{
    fs::File,
    io::Read,
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use self::api::Api;
use crate::{
    error::Error,
    postgres::free_port,
    project::{Profile, Project},
    serve, setup,
    stack::{self, CLOUD, Plan, Stack, text},
    step::say,
};

/// The tenants' sizes, small to large.
const SIMULATOR: [&str; 2] = ["--size", "12,2000,20000"];
const PORT_WISHED: u16 = 3000;
const OWNER_EMAIL: &str = "owner@demo.example";
/// How often the runs are looked at, and how often their progress is told.
const LOOK_EVERY: Duration = Duration::from_millis(300);
const TELL_EVERY: Duration = Duration::from_secs(3);
/// How often it is seen whether the two programs still run.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// How long the demo credentials say they last. The simulator doesn't check; the interface shows it.
const SECRETS_LAST: time::Duration = time::Duration::days(180);

/// Builds, starts, fills and explains; ends with Ctrl-C.
pub fn run(project: &Project) -> Result<(), Error> {
    let started = Instant::now();
    setup::run(project)?;
    serve::build(project, Profile::Release)?;
    let built = started.elapsed();

    let interrupted = interrupts()?;
    let plan = Plan {
        folder: stack::folder(project, "demo"),
        programs: Profile::Release,
        simulator: &SIMULATOR,
        settings: &[],
        database_url: None,
        port: Some(port()?),
        provider: None,
    };
    let mut stack = Stack::prepare(project, &plan)?;
    let password = password()?;
    let add = [
        "operator",
        "add",
        "--email",
        OWNER_EMAIL,
        "--name",
        "Demo Owner",
    ];
    stack
        .rollcall("creating the owner")
        .args(add)
        .args(["--role", "owner", "--password-stdin"])
        .output_with_input(&format!("{password}\n"))?;
    let token = stack
        .rollcall("making an API token")
        .args([
            "token",
            "create",
            "--name",
            "demo",
            "--role",
            "administrator",
        ])
        .output()?;
    stack.start()?;
    say(&format!(
        "Rollcall runs; its log is {}",
        plan.folder.join("rollcall.log").display()
    ));

    let api = Api::new(&stack.url, token.trim());
    let runs = connect(&api, &stack.tenants)?;
    if !wait(&api, &runs, &interrupted)? {
        return Ok(());
    }
    let took = [started.elapsed(), built];
    println!("{}", welcome(&stack, &password, &runs, took));
    while interrupted.recv_timeout(CHECK_EVERY) == Err(RecvTimeoutError::Timeout) {
        stack.check()?;
    }
    say("ending the server and the simulator");
    Ok(())
}

/// One customer's first full sync.
struct FirstRun {
    customer: String,
    id: String,
}

/// Creates a customer, a credential profile and an integration for each tenant, tests the
/// connection and starts the first full sync.
fn connect(api: &Api, simulator: &Value) -> Result<Vec<FirstRun>, Error> {
    let tenants = simulator
        .pointer("/tenants")
        .and_then(Value::as_array)
        .ok_or_else(|| {
            Error::found(
                "the simulator named no tenants",
                "make xtask agree with `--json`",
            )
        })?;
    tenants
        .iter()
        .map(|tenant| connect_one(api, tenant))
        .collect()
}

fn connect_one(api: &Api, tenant: &Value) -> Result<FirstRun, Error> {
    let name = text(tenant, "/display_name")?;
    let customer = api.post("/customers", &json!({ "name": name }))?;
    let customer_id = text(&customer, "/id")?;
    let profile = api.post(
        "/credential-profiles",
        &json!({
            "name": format!("{name} sync"),
            "kind": "client_secret",
            "client_id": text(tenant, "/client_id")?,
            "client_secret": text(tenant, "/client_secret")?,
            "expires_at": expires_at()?,
            "customer_id": customer_id,
        }),
    )?;
    let integration = api.post(
        &format!("/customers/{customer_id}/integrations"),
        &json!({
            "kind": "entra_id",
            "tenant": text(tenant, "/domain")?,
            "cloud": CLOUD,
            "credential_profile_id": text(&profile, "/id")?,
            "enabled": true,
        }),
    )?;
    let path = format!("/integrations/{}", text(&integration, "/id")?);
    let connection = api.post(&format!("{path}/test-connection"), &json!({}))?;
    if connection.pointer("/ok") != Some(&Value::Bool(true)) {
        let what = format!("{name}: Test Connection failed: {connection:#}");
        return Err(Error::found(
            what,
            "do what `fix` says for the failed check",
        ));
    }
    let run = api.post(&format!("{path}/runs"), &json!({ "mode": "full" }))?;
    say(&format!("{name}: connected, first full sync started"));
    Ok(FirstRun {
        customer: name.to_owned(),
        id: text(&run, "/id")?.to_owned(),
    })
}

/// The end of the demo credentials, RFC 3339.
fn expires_at() -> Result<String, Error> {
    (OffsetDateTime::now_utc() + SECRETS_LAST)
        .format(&Rfc3339)
        .map_err(|error| Error::found(error.to_string(), "set this machine’s clock right"))
}

/// Waits for all runs, telling how they get on. False when interrupted.
fn wait(api: &Api, runs: &[FirstRun], interrupted: &Receiver<()>) -> Result<bool, Error> {
    let started = Instant::now();
    let mut told = Instant::now();
    let mut open = runs.iter().collect::<Vec<_>>();
    while !open.is_empty() {
        match interrupted.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
        let tell = told.elapsed() >= TELL_EVERY;
        if tell {
            told = Instant::now();
        }
        let mut still = Vec::new();
        for first in open {
            let run = api.get(&format!("/runs/{}", first.id))?;
            let progress = progress(&first.customer, &run, started.elapsed())?;
            match text(&run, "/status")? {
                "queued" | "running" => {
                    if tell {
                        say(&progress);
                    }
                    still.push(first);
                }
                "succeeded" | "partial" | "nothing_to_do" => say(&progress),
                _ => {
                    let fix = run.pointer("/error/fix").and_then(Value::as_str);
                    return Err(Error::found(
                        progress,
                        fix.unwrap_or("see the run in the browser"),
                    ));
                }
            }
        }
        open = still;
    }
    Ok(true)
}

/// One line on a run: its status, what it counted and what it asked for.
fn progress(customer: &str, run: &Value, elapsed: Duration) -> Result<String, Error> {
    let counts = run
        .pointer("/counts")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let counts = counts
        .iter()
        .map(|line| {
            let total = line.pointer("/total").and_then(Value::as_u64).unwrap_or(0);
            Ok(format!(
                "{} {}",
                grouped(total),
                text(line, "/object_type")?
            ))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let counts = if counts.is_empty() {
        "no counts yet".to_owned()
    } else {
        counts.join(", ")
    };
    let requests = run
        .pointer("/requests")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let seconds = elapsed.as_secs();
    let status = text(run, "/status")?.replace('_', " ");
    Ok(format!(
        "{customer}: {status} after {seconds} s ({counts}; {requests} requests)"
    ))
}

/// `20000` → `20,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

fn welcome(stack: &Stack, password: &str, runs: &[FirstRun], took: [Duration; 2]) -> String {
    let customers = runs
        .iter()
        .map(|run| run.customer.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let [all, build] = took.map(|time| time.as_secs());
    format!(
        "
Rollcall is ready (after {all} s, {build} s of them building).

  Address    {url}
  E-mail     {OWNER_EMAIL}
  Password   {password}

What to try
  Integrations     {customers}: open one, press Test Connection, then Full Sync
  Selected Groups  type four letters of a group's name, pick it, Save, and see who stays
  Sync History     search it, page through it, Export to CSV
  Users, Groups    sort and filter, open one to see its memberships
  Add one more     customer, credential profile, Add New Integration; tenants and secrets: {file}
  REST API         {url}/api/docs

Ctrl-C ends everything.",
        url = stack.url,
        file = stack.tenants_file.display(),
    )
}

/// Where Ctrl-C, and a polite request to end, arrive from now on.
fn interrupts() -> Result<Receiver<()>, Error> {
    let (sender, receiver) = mpsc::channel();
    ctrlc::set_handler(move || {
        let _ = sender.send(());
    })
    .map_err(|error| Error::found(format!("Ctrl-C can't be listened to: {error}"), "try again"))?;
    Ok(receiver)
}

/// The port people expect, unless something else has it.
fn port() -> Result<u16, Error> {
    match std::net::TcpListener::bind(("127.0.0.1", PORT_WISHED)) {
        Ok(_) => Ok(PORT_WISHED),
        Err(_) => free_port(),
    }
}

/// A password nobody knows beforehand, easy to type: four groups of four hex digits.
fn password() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 8];
    let mut file = File::open(source).map_err(Error::io("opening", source))?;
    file.read_exact(&mut bytes)
        .map_err(Error::io("reading", source))?;
    Ok(bytes
        .chunks(2)
        .map(hex::encode)
        .collect::<Vec<_>>()
        .join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, shown) in [
            (0, "0"),
            (12, "12"),
            (2_000, "2,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn progress_says_what_was_counted() {
        let run = json!({
            "status": "nothing_to_do", "requests": 7,
            "counts": [{"object_type": "user", "total": 2000}, {"object_type": "group", "total": 12}],
        });
        assert_eq!(
            progress("Contoso", &run, Duration::from_secs(4)).unwrap(),
            "Contoso: nothing to do after 4 s (2,000 user, 12 group; 7 requests)"
        );
        let queued = json!({ "status": "queued", "counts": [] });
        let line = progress("Contoso", &queued, Duration::ZERO).unwrap();
        assert!(
            line.contains("queued") && line.contains("no counts yet"),
            "{line}"
        );
        assert!(progress("Contoso", &json!({}), Duration::ZERO).is_err());
    }

    #[test]
    fn passwords_differ_and_can_be_typed() {
        let (one, two) = (password().unwrap(), password().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 19);
    }
}
