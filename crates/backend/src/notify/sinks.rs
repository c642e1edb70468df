//! Where notifications end up in tests: a mail server and a receiver of webhooks on this machine.
//! Each keeps what it got and answers as it was told to.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::Webhooks;
use crate::{
    Backend,
    mail::{Smtp, SmtpGiven},
};

/// What a sink got and how it answers.
#[derive(Debug)]
struct Kept<T> {
    got: Vec<T>,
    answer: String,
}

/// A sink, until it is dropped.
#[derive(Debug)]
pub struct Sink<T> {
    /// Where it listens.
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept<T>>>,
    serving: JoinHandle<()>,
}

impl<T> Drop for Sink<T> {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl<T: Send + 'static> Sink<T> {
    async fn serve<F>(answer: &str, one: fn(TcpStream, Arc<Mutex<Kept<T>>>) -> F) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let kept = Arc::new(Mutex::new(Kept {
            got: Vec::new(),
            answer: answer.to_owned(),
        }));
        let serving = tokio::spawn({
            let kept = Arc::clone(&kept);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // A client that hangs up in the middle is its own matter.
                    tokio::spawn(one(stream, Arc::clone(&kept)));
                }
            }
        });
        Self {
            address,
            kept,
            serving,
        }
    }

    /// What came since the last time.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut lock(&self.kept).got)
    }

    /// Answers so from now on: the reply to `RCPT TO`, or the status line and headers.
    pub fn answer(&self, answer: &str) {
        answer.clone_into(&mut lock(&self.kept).answer);
    }
}

fn lock<T>(kept: &Mutex<Kept<T>>) -> std::sync::MutexGuard<'_, Kept<T>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mail that came.
#[derive(Debug, Clone)]
pub struct GotMail {
    /// Whom the envelope named.
    pub to: String,
    /// Headers and parts, as they came.
    pub text: String,
}

impl GotMail {
    /// A header's value, on one line; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ");
        unfolded
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or_default()
            .to_owned()
    }
}

/// What a backend signs in to a mail server with.
pub const MAIL_PASSWORD: &str = "what opens the mail server";

/// A mail server.
pub type MailSink = Sink<GotMail>;

impl MailSink {
    /// Starts it. It takes every mail.
    ///
    /// # Panics
    ///
    /// Where no port is free: the test can't go on.
    pub async fn mail() -> Self {
        Self::serve("250 OK", converse).await
    }
}

/// SMTP as far as a client needs it to be rid of a mail (RFC 5321).
async fn converse(stream: TcpStream, kept: Arc<Mutex<Kept<GotMail>>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink ESMTP\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let verb = line.to_ascii_uppercase();
        let reply = if verb.starts_with("EHLO") {
            "250-sink\r\n250-AUTH PLAIN\r\n250 8BITMIME".to_owned()
        } else if verb.starts_with("AUTH ") {
            "235 in".to_owned()
        } else if verb.starts_with("RCPT TO:") {
            to = line[8..].trim_matches(['<', '>', ' ']).to_owned();
            lock(&kept).answer.clone()
        } else if verb == "DATA" {
            write.write_all(b"354 go on\r\n").await?;
            let mut text = String::new();
            while let Some(line) = lines.next_line().await? {
                if line == "." {
                    break;
                }
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push_str("\r\n");
            }
            let to = std::mem::take(&mut to);
            lock(&kept).got.push(GotMail { to, text });
            "250 taken".to_owned()
        } else if verb == "QUIT" {
            "221 bye".to_owned()
        } else {
            "250 OK".to_owned()
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// A webhook that came.
#[derive(Debug, Clone)]
pub struct GotHook {
    /// The path that was asked for.
    pub path: String,
    /// Headers by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body, as it came.
    pub body: String,
}

impl GotHook {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// Where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// A receiver of webhooks.
pub type HookSink = Sink<GotHook>;

impl HookSink {
    /// Starts it. It takes everything.
    ///
    /// # Panics
    ///
    /// Where no port is free: the test can't go on.
    pub async fn hooks() -> Self {
        Self::serve("HTTP/1.1 204 No Content", receive).await
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// One request of HTTP/1.1, answered and hung up.
async fn receive(stream: TcpStream, kept: Arc<Mutex<Kept<GotHook>>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = String::new();
    read.read_line(&mut line).await?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        read.read_line(&mut line).await?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    read.read_exact(&mut body).await?;
    let answer = {
        let mut kept = lock(&kept);
        kept.got.push(GotHook {
            path,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        kept.answer.clone()
    };
    let answer = format!("{answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    write.write_all(answer.as_bytes()).await
}

/// Lets a backend reach sinks: webhooks of this machine, and a mail server where there is one.
///
/// # Panics
///
/// Where no client can be made: the test can't go on.
pub fn connect(b: &mut Backend, mail: Option<&MailSink>) {
    let smtp = mail.map(|sink| {
        Smtp::checked(SmtpGiven {
            host: sink.address.ip().to_string(),
            port: Some(sink.address.port()),
            security: Some("none".to_owned()),
            username: Some("rollcall".to_owned()),
            password: Some(MAIL_PASSWORD.into()),
            from: "Rollcall <rollcall@example.com>".to_owned(),
            reply_to: Some("desk@example.com".to_owned()),
        })
        .expect("these settings fit together")
    });
    b.settings = Arc::new(crate::Settings {
        smtp,
        webhooks_to_private_networks: true,
        ..(*b.settings).clone()
    });
    b.webhooks = Webhooks::new(true, None).expect("an HTTP client is made");
}
