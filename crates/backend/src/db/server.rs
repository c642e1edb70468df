//! The way to a PostgreSQL server, and how it is kept from those in between.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Host, Url};

use crate::{Error, Result, loopback::is_loopback};

/// A PostgreSQL server as `database_url` names it.
///
/// Where the server is another machine and nothing is said of it, TLS is required, and the
/// certificate and its name are checked: `sslmode=verify-full`. libpq and sqlx say `prefer`, which
/// is in the clear as soon as somebody in between says that the server knows no TLS.
#[derive(Debug)]
pub(crate) struct Server {
    options: PgConnectOptions,
    here: bool,
    /// Whether the mode is ours, and not what somebody said.
    by_default: bool,
}

impl Server {
    /// The server that `postgres://…` names. What is absent comes from libpq's variables.
    pub(crate) fn at(url: &str) -> Result<Self> {
        let refused = |error: String| Error::configuration("database_url", &error);
        let options =
            PgConnectOptions::from_str(url).map_err(|error| refused(error.to_string()))?;
        let parsed = Url::parse(url).map_err(|error| refused(error.to_string()))?;
        let here = is_here(&options);
        // `prefer` is also what there is where PGSSLMODE is absent.
        let said = parsed
            .query_pairs()
            .any(|(name, _)| matches!(&*name, "sslmode" | "ssl-mode"))
            || !matches!(options.get_ssl_mode(), PgSslMode::Prefer);
        let by_default = !said && !here;
        Ok(Self {
            options: if by_default {
                options.ssl_mode(PgSslMode::VerifyFull)
            } else {
                options
            },
            here,
            by_default,
        })
    }

    /// What to connect with.
    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The mode as libpq names it.
    pub(crate) fn ssl_mode(&self) -> &'static str {
        match self.options.get_ssl_mode() {
            PgSslMode::Disable => "disable",
            PgSslMode::Allow => "allow",
            PgSslMode::Prefer => "prefer",
            PgSslMode::Require => "require",
            PgSslMode::VerifyCa => "verify-ca",
            PgSslMode::VerifyFull => "verify-full",
        }
    }

    /// Whether the mode is ours, since nobody said one.
    pub(crate) fn is_by_default(&self) -> bool {
        self.by_default
    }

    /// What somebody in between could do, where the server is another machine and the mode that was
    /// said lets them.
    pub(super) fn warning(&self) -> Option<String> {
        let could = match self.options.get_ssl_mode() {
            _ if self.here => return None,
            PgSslMode::VerifyFull => return None,
            PgSslMode::Disable | PgSslMode::Allow => {
                "everything goes in the clear, passwords and directories too"
            }
            PgSslMode::Prefer => "whoever is in between can have everything sent in the clear",
            PgSslMode::Require => {
                "no certificate is checked, so anybody in between can be the server"
            }
            PgSslMode::VerifyCa => {
                "the certificate’s name isn’t checked, so another server of the same authority can be it"
            }
        };
        Some(format!(
            "database_url: the server {} is another machine, and with sslmode={} {could}; write sslmode=verify-full, and sslrootcert=FILE for an authority of your own",
            self.options.get_host(),
            self.ssl_mode()
        ))
    }

    /// Why the server can't be reached, with what to do where it is the mode that nobody said.
    pub(super) fn unreachable(&self, error: &sqlx::Error) -> Error {
        let fix = if self.by_default && is_of_tls(error) {
            "; since it is another machine, it needs TLS with a certificate for its name: add sslrootcert=FILE to database_url for an authority of your own, or sslmode=… for less than verify-full"
        } else {
            ""
        };
        Error::Unavailable(format!("The database can’t be reached: {error}{fix}"))
    }
}

/// Whether the server is this machine: a Unix socket, or a loopback address.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let parsed = Host::parse(host).or_else(|_| Host::parse(&format!("[{host}]")));
    options.get_socket().is_some()
        || host.starts_with('/')
        || parsed.is_ok_and(|host| is_loopback(&host))
}

/// What rustls refuses comes as `InvalidData` of the connection.
fn is_of_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::Db;

    fn mode(url: &str) -> (&'static str, bool) {
        let server = Server::at(url).unwrap();
        (server.ssl_mode(), server.warning().is_some())
    }

    #[test]
    fn another_machine_is_reached_by_checked_tls_unless_it_is_said_otherwise() {
        for (url, expected) in [
            (
                "postgres://me@db.example.com/rollcall",
                ("verify-full", false),
            ),
            (
                "postgresql://me:p@10.0.0.5:5433/rollcall",
                ("verify-full", false),
            ),
            (
                "postgres://me@[2001:db8::1]/rollcall",
                ("verify-full", false),
            ),
            (
                "postgres:///rollcall?host=db.example.com",
                ("verify-full", false),
            ),
            (
                "postgres://localhost/rollcall?hostaddr=10.0.0.5",
                ("verify-full", false),
            ),
            (
                "postgres://localhost.example.com/rollcall",
                ("verify-full", false),
            ),
            (
                "postgres://db.example.com/rollcall?sslrootcert=/etc/ca.pem",
                ("verify-full", false),
            ),
            (
                "postgres://db.example.com/rollcall?sslmode=verify-full",
                ("verify-full", false),
            ),
            (
                "postgres://db.example.com/rollcall?sslmode=verify-ca",
                ("verify-ca", true),
            ),
            (
                "postgres://db.example.com/rollcall?sslmode=require",
                ("require", true),
            ),
            (
                "postgres://db.example.com/rollcall?ssl-mode=prefer",
                ("prefer", true),
            ),
            (
                "postgres://db.example.com/rollcall?sslmode=allow",
                ("allow", true),
            ),
            (
                "postgres://db.example.com/rollcall?sslmode=disable",
                ("disable", true),
            ),
            // This machine: nobody is in between.
            ("postgres://me@localhost/rollcall", ("prefer", false)),
            ("postgres://me@127.0.0.1:5433/rollcall", ("prefer", false)),
            ("postgres://me@[::1]/rollcall", ("prefer", false)),
            (
                "postgres:///rollcall?host=/run/postgresql",
                ("prefer", false),
            ),
            ("postgres://%2Frun%2Fpostgresql/rollcall", ("prefer", false)),
            (
                "postgres://127.0.0.1/rollcall?sslmode=disable",
                ("disable", false),
            ),
            (
                "postgres://127.0.0.1/rollcall?sslmode=require",
                ("require", false),
            ),
        ] {
            assert_eq!(mode(url), expected, "{url}");
        }
    }

    #[test]
    fn a_warning_says_what_others_could_do_and_no_password() {
        let url = "postgres://me:hunter2@db.example.com/rollcall?sslmode=require";
        let warning = Server::at(url).unwrap().warning().unwrap();
        assert_eq!(
            warning,
            "database_url: the server db.example.com is another machine, and with sslmode=require no certificate is checked, so anybody in between can be the server; write sslmode=verify-full, and sslrootcert=FILE for an authority of your own"
        );
    }

    #[test]
    fn an_address_that_cannot_be_is_refused_without_its_password() {
        for url in [
            "postgres://me:hunter2@db.example.com/rollcall?sslmode=full",
            "postgres://me:hunter2@db.example.com:port/rollcall",
            "postgres://me:hunter2@db example/rollcall",
        ] {
            let refused = Server::at(url).unwrap_err().to_string();
            assert!(
                refused.starts_with("database_url: ") && !refused.contains("hunter2"),
                "{refused}"
            );
        }
    }

    /// A server that knows no TLS, or whoever is in between and says so, gets nothing but the
    /// question for it.
    #[tokio::test]
    async fn a_server_without_tls_gets_nothing_where_tls_is_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut asked = [0; 8];
            connection.read_exact(&mut asked).await.unwrap();
            connection.write_all(b"N").await.unwrap();
            let mut more = Vec::new();
            connection.read_to_end(&mut more).await.unwrap();
            more
        });
        let url = format!("postgres://me:hunter2@127.0.0.1:{port}/rollcall?sslmode=verify-full");
        let refused = Db::open(&url).await.unwrap_err().to_string();
        assert!(refused.contains("does not support TLS"), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
        assert!(server.await.unwrap().is_empty());
    }

    #[test]
    fn that_tls_is_ours_to_ask_for_is_told_with_the_fix() {
        let no_tls = sqlx::Error::Tls("server does not support TLS".into());
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let told = |url: &str, error: &sqlx::Error| {
            Server::at(url).unwrap().unreachable(error).to_string()
        };
        let ours = told("postgres://db.example.com/rollcall", &no_tls);
        assert!(
            ours.contains("add sslrootcert=FILE to database_url"),
            "{ours}"
        );
        let theirs = told(
            "postgres://db.example.com/rollcall?sslmode=verify-full",
            &no_tls,
        );
        assert!(!theirs.contains("sslrootcert"), "{theirs}");
        let down = told(
            "postgres://db.example.com/rollcall",
            &sqlx::Error::Io(refused),
        );
        assert!(!down.contains("sslrootcert"), "{down}");
    }
}
