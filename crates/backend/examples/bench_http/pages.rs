//! Pages of the Users grid as a browser gets them: signed in, whole, with the rows in them.

use std::time::Instant;

use backend::Backend;
use domain::{id::CustomerId, permission::Role};
use reqwest::{Client, StatusCode, header};

use crate::{
    Result, fill,
    server::{self, Server},
};

/// Pages of each kind, after some that warm up.
const PAGES: u32 = 60;
const BEFORE: u32 = 3;
const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "a tortoise beside the canal";

/// What is asked the n-th time.
type Query = fn(u32) -> String;

/// Measures and prints the 95th percentile of each kind.
pub async fn measure(b: &Backend, server: &Server, customer: CustomerId) -> Result<()> {
    let client = server::client()?;
    let cookie = sign_in(b, server, &client).await?;
    println!("| page of the grid by HTTP, 95th percentile of {PAGES} | |\n| --- | ---: |");
    let kinds: [(&str, Query); 5] = [
        ("first page", |_| String::new()),
        ("filtered: inactive, made here", |_| {
            "&status=inactive&source_type=Manual".to_owned()
        }),
        ("part of a name, as many have", |n| {
            format!("&q={}", fill::syllables(n))
        }),
        ("part of a user name, as few have", |n| {
            format!("&q={}%40con", 1_000 + n * 17)
        }),
        ("page 1,000", |n| format!("&page={}", 970 + n)),
    ];
    for (what, query) in kinds {
        let mut took = Vec::new();
        for n in 0..BEFORE + PAGES {
            let url = format!(
                "{}/users?customer={customer}&rows=50{}",
                server.origin,
                query(n)
            );
            let request = client
                .get(url)
                .header(header::ACCEPT, "text/html")
                .header(header::COOKIE, &cookie);
            let begun = Instant::now();
            server::read(request, StatusCode::OK).await?;
            if n >= BEFORE {
                took.push(begun.elapsed().as_secs_f64() * 1_000.0);
            }
        }
        took.sort_by(f64::total_cmp);
        println!("| {what} | {:.1} ms |", took[took.len() * 95 / 100]);
    }
    println!();
    Ok(())
}

/// Signs somebody in as a browser does; answers the cookie.
async fn sign_in(b: &Backend, server: &Server, client: &Client) -> Result<String> {
    backend::auth::add_operator(b, EMAIL, "Bench", Role::ReadOnly, PASSWORD.into()).await?;
    let answer = client
        .post(format!("{}/api/session/sign-in", server.origin))
        .header("sec-fetch-site", "same-origin")
        .form(&[("email", EMAIL), ("password", PASSWORD), ("next", "")])
        .send()
        .await?;
    let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| cookie.to_str().ok());
    let session = cookies
        .filter_map(|cookie| cookie.split(';').next())
        .find(|cookie| cookie.starts_with("rollcall_session="));
    Ok(session.ok_or("nobody was signed in")?.to_owned())
}
