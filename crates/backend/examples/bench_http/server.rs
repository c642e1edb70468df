//! The real server program, on a database that was filled.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use backend::{Backend, auth::command_line_scope, store::tokens};
use domain::{api_token::NewApiToken, id::CustomerId, permission::Role};
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::Result;

/// A start on a database of this size takes a moment.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// A server that runs; it is killed with its handle.
pub struct Server {
    process: Child,
    /// Where it is, without a `/` at the end.
    pub origin: String,
}

impl Server {
    /// Starts a program on a database; it answers when this returns.
    pub async fn start(program: &str, folder: &Path, database_url: &str) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?;
        let address = port.local_addr()?.to_string();
        drop(port);
        let process = Command::new(program)
            .args(["serve", "--no-worker"])
            .current_dir(folder)
            .env("RUST_LOG", "warn")
            .env("ROLLCALL_LISTEN", &address)
            .env("ROLLCALL_PUBLIC_URL", format!("http://{address}"))
            .env("ROLLCALL_DATA_DIR", folder)
            .env("ROLLCALL_DATABASE_URL", database_url)
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self {
            process,
            origin: format!("http://{address}"),
        };
        let (client, ready) = (client()?, format!("{}/readyz", server.origin));
        let begun = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while client.get(&ready).send().await.is_err() {
            if begun.elapsed() > STARTS_WITHIN {
                return Err("the server doesn’t answer".into());
            }
            tick.tick().await;
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client with connections of its own.
pub fn client() -> Result<Client> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it talks to the server on this machine alone"
    )]
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    Ok(client)
}

/// A new token's text.
pub async fn token(b: &Backend, role: Role, customers: Option<&[CustomerId]>) -> Result<String> {
    let new = NewApiToken {
        customer_ids: customers.map(<[CustomerId]>::to_vec),
        ..NewApiToken::of_everything("bench", role)
    };
    let (_, secret) = tokens::create(b, &command_line_scope(), new).await?;
    Ok(secret.expose_secret().to_owned())
}

/// Sends a request and reads the whole answer. Refuses any other status than this one.
pub async fn read(request: RequestBuilder, status: StatusCode) -> Result<String> {
    let answer = request.send().await?;
    let (got, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await?;
    if got == status {
        Ok(text)
    } else {
        Err(format!("{url} answered {got} in place of {status}: {text}").into())
    }
}

/// The id of something that was made by a call.
pub fn id(made: &str) -> Result<String> {
    let made: Value = serde_json::from_str(made)?;
    let id = made["id"].as_str().ok_or("the answer has no id")?;
    Ok(id.to_owned())
}
