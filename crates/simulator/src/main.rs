//! `entra-simulator`: the farm on a port, until Ctrl-C or SIGTERM.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;
use simulator::{Authority, Farm, FarmConfig, RunningFarm, TenantConfig, TenantInfo};
use tokio::signal::unix::{SignalKind, signal};

/// Plays Entra ID and Microsoft Graph for made-up tenants, on this machine only.
#[derive(Debug, Parser)]
#[command(name = "entra-simulator", version)]
struct Arguments {
    /// Where to listen; a loopback address, port 0 for any free one.
    #[arg(long, default_value = "127.0.0.1:4010")]
    listen: SocketAddr,
    /// How many tenants.
    #[arg(long, default_value_t = 1)]
    tenants: usize,
    /// Users of each tenant.
    #[arg(long, default_value_t = 50)]
    users: usize,
    /// Users of each tenant one by one, such as 12,2000,20000: in place of --tenants and --users.
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["tenants", "users"])]
    size: Vec<usize>,
    /// Groups of each tenant; in proportion to its users where absent.
    #[arg(long)]
    groups: Option<usize>,
    /// Direct memberships of each tenant; in proportion to its users where absent.
    #[arg(long)]
    memberships: Option<usize>,
    /// Decides all names and ids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One application id and secret for all tenants.
    #[arg(long)]
    shared_app: bool,
    /// Serve https with a certificate authority made for this run; ca.pem is written here.
    #[arg(long, value_name = "DIR")]
    tls_dir: Option<PathBuf>,
    /// Wait so many milliseconds before every answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Print one line of JSON in place of the table.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn farm(&self) -> FarmConfig {
        let sizes = if self.size.is_empty() {
            vec![self.users; self.tenants]
        } else {
            self.size.clone()
        };
        let tenant = |users: usize| {
            let standard = TenantConfig::sized(users);
            TenantConfig {
                groups: self.groups.unwrap_or(standard.groups),
                memberships: self.memberships.unwrap_or(standard.memberships),
                ..standard
            }
        };
        FarmConfig {
            seed: self.seed,
            tenants: sizes.into_iter().map(tenant).collect(),
            shared_app: self.shared_app,
            ..FarmConfig::default()
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("entra-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // Asked for first, so that a signal during the start isn't lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let farm = Farm::new(arguments.farm());
    for tenant in farm.tenants() {
        farm.control(tenant.tenant_id)
            .configure(|settings| settings.latency_ms = arguments.latency_ms);
    }
    let running = match &arguments.tls_dir {
        Some(folder) => {
            let authority = Authority::new()?;
            authority.write_to(folder)?;
            farm.serve_tls(arguments.listen, &authority).await?
        }
        None => farm.serve(arguments.listen).await?,
    };
    announce(arguments, &farm, &running)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}

/// Says where it is and how to sign in. A reader who has gone is no reason to stop.
fn announce(
    arguments: &Arguments,
    farm: &Farm,
    running: &RunningFarm,
) -> Result<(), Box<dyn std::error::Error>> {
    let text = if arguments.json {
        let ca = arguments
            .tls_dir
            .as_ref()
            .map(|folder| folder.join("ca.pem"));
        let all = json!({"origin": running.origin(), "ca_pem": ca, "tenants": farm.tenants()});
        format!("{all}\n")
    } else {
        let tenants: Vec<String> = farm.tenants().iter().map(describe).collect();
        format!(
            "entra-simulator answers on {}\n{}",
            running.origin(),
            tenants.concat()
        )
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn describe(tenant: &TenantInfo) -> String {
    format!(
        "\n{}\n  domain         {}\n  tenant id      {}\n  application id {}\n  client secret  {}\n",
        tenant.display_name,
        tenant.domain,
        tenant.tenant_id,
        tenant.client_id,
        tenant.client_secret,
    )
}
