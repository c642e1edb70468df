//! How quick the simulator is: start, memory, bytes a second over one connection.
//!
//! `cargo run --release -p simulator --example measure [USERS]`

use std::error::Error;
use std::fs;
use std::time::Instant;

use serde::Deserialize;
use simulator::{Farm, FarmConfig, TenantConfig, TenantInfo};

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// What a page says about the next.
#[derive(Deserialize)]
struct Page {
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let users: usize = std::env::args()
        .nth(1)
        .map_or(Ok(100_000), |text| text.parse())?;
    let tenant = TenantConfig {
        groups: users / 20,
        memberships: users * 5,
        ..TenantConfig::sized(users)
    };
    let config = FarmConfig {
        tenants: vec![tenant],
        ..FarmConfig::default()
    };
    let start = Instant::now();
    let farm = Farm::new(config);
    let running = farm.serve(([127, 0, 0, 1], 0).into()).await?;
    println!(
        "start              {:>8.2} s",
        start.elapsed().as_secs_f64()
    );
    println!("memory             {:>8.0} MB", resident_mb()?);
    let tenant = farm.tenants().remove(0);
    farm.control(tenant.tenant_id)
        .configure(|settings| settings.quota_units = Some(u64::MAX / 1000));
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator depends on none of ours"
    )]
    let http = reqwest::Client::builder().no_proxy().build()?;
    let token = sign_in(&http, &running.origin(), &tenant).await?;
    for path in [
        "users?$top=999",
        "users?$top=999&$select=id,displayName,givenName,surname,userPrincipalName,mail,accountEnabled,userType",
        "users/delta",
        "groups/delta?$select=displayName,members",
        "users/delta?$deltatoken=latest",
    ] {
        let start = Instant::now();
        let mut link = Some(format!("{}/v1.0/{path}", running.origin()));
        let (mut pages, mut bytes) = (0_u32, 0_u32);
        while let Some(url) = link {
            let body = http
                .get(url)
                .bearer_auth(&token)
                .send()
                .await?
                .bytes()
                .await?;
            pages += 1;
            bytes += u32::try_from(body.len())?;
            link = serde_json::from_slice::<Page>(&body)?.next;
        }
        let seconds = start.elapsed().as_secs_f64();
        let megabytes = f64::from(bytes) / 1e6;
        println!(
            "{megabytes:>8.1} MB in {pages:>5} pages, {seconds:>6.2} s, {:>6.0} MB/s  {path}",
            megabytes / seconds
        );
    }
    let start = Instant::now();
    farm.control(tenant.tenant_id)
        .random_changes(users / 100, 1);
    println!(
        "{} random changes {:>8.3} s",
        users / 100,
        start.elapsed().as_secs_f64()
    );
    println!("memory at the end  {:>8.0} MB", resident_mb()?);
    running.stop().await;
    Ok(())
}

async fn sign_in(
    http: &reqwest::Client,
    origin: &str,
    tenant: &TenantInfo,
) -> Result<String, Box<dyn Error>> {
    let scope = format!("{origin}/.default");
    let client_id = tenant.client_id.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &client_id),
        ("client_secret", &tenant.client_secret),
        ("scope", &scope),
    ];
    let url = format!("{origin}/{}/oauth2/v2.0/token", tenant.tenant_id);
    let body = http.post(url).form(&form).send().await?.bytes().await?;
    Ok(serde_json::from_slice::<Token>(&body)?.access_token)
}

/// Memory in use, from the kernel's account of this process.
fn resident_mb() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .ok_or("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes / 1024.0)
}
