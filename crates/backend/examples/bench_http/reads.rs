//! Reads by REST, a second, of one token: the API promises each 200.

use std::time::Instant;

use backend::Backend;
use domain::{id::CustomerId, permission::Role};
use reqwest::StatusCode;

use crate::{
    Result,
    server::{self, Server},
};

/// Reads that are measured: with those before them fewer than a token may at once
/// (`Limited::ListPage`), so that the limit isn't what is measured.
const READS: u32 = 900;
/// Reads before: the first ones come from the disk, and prepare statements.
const BEFORE: u32 = 40;
/// The fewest a second.
const AIM: u32 = 200;

/// Measures and prints them.
pub async fn measure(b: &Backend, server: &Server, customer: CustomerId) -> Result<()> {
    println!("| reads by REST, one token, a second | aim, at least | |\n| --- | ---: | ---: |");
    for (what, path) in [
        (
            "50 users",
            format!("/api/v1/customers/{customer}/users?limit=50"),
        ),
        (
            "integrations",
            format!("/api/v1/customers/{customer}/integrations?limit=50"),
        ),
    ] {
        for connections in [1, 4] {
            // Each has a token of its own, and with it the whole allowance.
            let token = server::token(b, Role::ReadOnly, None).await?;
            let url = format!("{}{path}", server.origin);
            let a_second = a_second(&url, &token, connections).await?;
            let how = match connections {
                1 => "one after the other".to_owned(),
                more => format!("over {more} connections"),
            };
            println!("| {what}, {how} | {AIM} | {a_second:.0} |");
        }
    }
    println!();
    Ok(())
}

async fn a_second(url: &str, token: &str, connections: u32) -> Result<f64> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        let client = server::client()?;
        for _ in 0..BEFORE / connections {
            server::read(client.get(url).bearer_auth(token), StatusCode::OK).await?;
        }
        clients.push(client);
    }
    let each = READS / connections;
    let begun = Instant::now();
    let reading = clients.into_iter().map(async |client| {
        for _ in 0..each {
            server::read(client.get(url).bearer_auth(token), StatusCode::OK).await?;
        }
        Ok(())
    });
    let done: Vec<Result<()>> = futures::future::join_all(reading).await;
    let took = begun.elapsed().as_secs_f64();
    done.into_iter().collect::<Result<()>>()?;
    Ok(f64::from(each * connections) / took)
}
