//! Mail, by SMTP: to those who are told what goes wrong, and to operators.

use domain::{DateTime, text::FieldError};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::{
    Error, Result,
    delivery::{TIMEOUT, Undelivered, chain},
    loopback::is_loopback,
};

/// How the connection to the mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// In the clear at first, then TLS, or nothing is sent (port 587).
    StartTls,
    /// TLS from the first byte on (port 465).
    Tls,
    /// In the clear: for this machine itself only (port 25).
    None,
}

/// A mail server, checked.
#[derive(Debug, Clone)]
pub struct Smtp {
    host: String,
    port: u16,
    security: SmtpSecurity,
    login: Option<(String, SecretString)>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

/// A mail server as configuration gives it.
#[derive(Debug, Default)]
pub struct SmtpGiven {
    /// Its name or address.
    pub host: String,
    /// Its port; by `security` where absent.
    pub port: Option<u16>,
    /// `starttls` (where absent), `tls` or `none`.
    pub security: Option<String>,
    /// Whom to sign in as; nobody where absent.
    pub username: Option<String>,
    /// With what.
    pub password: Option<SecretString>,
    /// Who the mails are from: an address, or a name with an address in angle brackets.
    pub from: String,
    /// Whom an answer goes to, where that is another.
    pub reply_to: Option<String>,
}

impl Smtp {
    /// Checks what was given; an error names the key below `smtp`, and never repeats the value: a
    /// password may stand at a wrong place.
    pub fn checked(given: SmtpGiven) -> Result<Self> {
        let refused =
            |key: &str, problem: String| Error::configuration(&format!("smtp.{key}"), &problem);
        let host = given.host.trim().to_owned();
        let parsed = Host::parse(&host)
            .or_else(|_| Host::parse(&format!("[{host}]")))
            .map_err(|_| {
                refused(
                    "host",
                    "it is not a host; give its name alone, such as mail.example.com".to_owned(),
                )
            })?;
        let security = match given.security.as_deref().unwrap_or("starttls") {
            "starttls" => SmtpSecurity::StartTls,
            "tls" => SmtpSecurity::Tls,
            "none" => SmtpSecurity::None,
            _ => {
                return Err(refused(
                    "security",
                    "it is none of starttls, tls, none".to_owned(),
                ));
            }
        };
        if security == SmtpSecurity::None && !is_loopback(&parsed) {
            return Err(refused(
                "security",
                "none is for this machine itself only, and smtp.host is another; use starttls or tls"
                    .to_owned(),
            ));
        }
        let login = match (given.username, given.password) {
            (Some(username), Some(password)) => Some((username, password)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(refused(
                    "password",
                    "it is missing, and smtp.username is there; give it, or password_file"
                        .to_owned(),
                ));
            }
            (None, Some(_)) => {
                return Err(refused(
                    "username",
                    "it is missing, and a password is there; give both or neither".to_owned(),
                ));
            }
        };
        let mailbox = |key: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|_| {
                refused(
                    key,
                    "it is not a mail address, such as Rollcall <rollcall@example.com>".to_owned(),
                )
            })
        };
        Ok(Self {
            port: given.port.unwrap_or(match security {
                SmtpSecurity::StartTls => 587,
                SmtpSecurity::Tls => 465,
                SmtpSecurity::None => 25,
            }),
            security,
            login,
            from: mailbox("from", &given.from)?,
            reply_to: given
                .reply_to
                .map(|text| mailbox("reply_to", &text))
                .transpose()?,
            host,
        })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn sender(&self, name: Option<&str>) -> Mailbox {
        match name {
            Some(name) => Mailbox::new(Some(name.to_owned()), self.from.email.clone()),
            None => self.from.clone(),
        }
    }

    /// Whom a mail is from, as mail programs show it.
    pub(crate) fn shown_from(&self, name: Option<&str>) -> String {
        self.sender(name).to_string()
    }

    fn transport(
        &self,
        public_url: &Url,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, Undelivered> {
        let tls = || {
            TlsParameters::builder(self.host.clone())
                .build_rustls()
                .map_err(|error| {
                    Undelivered::new(
                        "mail_tls",
                        "TLS can’t be set up",
                        chain(&error),
                        "Check smtp.host in the configuration, and this machine’s certificate authorities.",
                    )
                })
        };
        let tls = match self.security {
            SmtpSecurity::StartTls => Tls::Required(tls()?),
            SmtpSecurity::Tls => Tls::Wrapper(tls()?),
            SmtpSecurity::None => Tls::None,
        };
        let hello = public_url.host_str().unwrap_or("localhost").to_owned();
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.clone())
                .port(self.port)
                .tls(tls)
                .timeout(Some(TIMEOUT))
                .hello_name(ClientId::Domain(hello));
        if let Some((username, password)) = &self.login {
            builder = builder.credentials(Credentials::new(
                username.clone(),
                password.expose_secret().to_owned(),
            ));
        }
        Ok(builder.build())
    }

    /// Sends a message, or says why not.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<(), Undelivered> {
        let mail = self.compose(letter).map_err(|error| {
            Undelivered::new(
                "mail_unusable",
                "The mail can’t be written",
                error,
                "Check the recipient’s address.",
            )
        })?;
        let transport = self.transport(letter.public_url)?;
        // The time-out of the transport counts for each step; this one for all.
        match tokio::time::timeout(TIMEOUT * 3, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(_) => Err(self.too_slow()),
        }
    }

    /// Connects, secures the connection and signs in, as before a mail, and sends none. Says why not.
    pub(crate) async fn probe(&self, public_url: &Url) -> Result<(), Undelivered> {
        let transport = self.transport(public_url)?;
        match tokio::time::timeout(TIMEOUT, transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(self.turned_away("It ended the connection.".to_owned())),
            Ok(Err(error)) => {
                let refused = self.refused(&error);
                // There was no mail that it could refuse.
                if refused.error.code == "mail_refused" {
                    return Err(self.turned_away(refused.error.detail));
                }
                Err(refused)
            }
            Err(_) => Err(self.too_slow()),
        }
    }

    fn turned_away(&self, detail: String) -> Undelivered {
        Undelivered::new(
            "mail_server_refuses",
            format!("{}:{} takes no mail of Rollcall now", self.host, self.port),
            detail,
            "Check that the mail server runs and lets this machine connect.",
        )
    }

    fn compose(&self, letter: &Letter<'_>) -> Result<Mail, String> {
        let to: Address = letter.to.parse().map_err(|error| format!("{error}"))?;
        let host = letter.public_url.host_str().unwrap_or("localhost");
        let reply_to = match letter.sender.reply_to {
            Some(given) => Some(given.parse::<Mailbox>().map_err(|error| chain(&error))?),
            None => self.reply_to.clone(),
        };
        let mut mail = Mail::builder()
            .from(self.sender(letter.sender.name))
            .to(Mailbox::new(None, to))
            .subject(letter.subject.to_owned())
            .date(letter.at.into())
            // The same at every try, so that a mail server can tell a repetition.
            .message_id(Some(format!("<{}@{host}>", letter.id)))
            // No machine answers it (RFC 3834 §5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = reply_to {
            mail = mail.reply_to(reply_to);
        }
        mail.multipart(MultiPart::alternative_plain_html(
            letter.text.clone(),
            letter.html.clone(),
        ))
        .map_err(|error| chain(&error))
    }

    fn refused(&self, error: &lettre::transport::smtp::Error) -> Undelivered {
        let at = format!("{}:{}", self.host, self.port);
        if error.is_timeout() {
            return self.too_slow();
        }
        if error.is_tls() {
            return Undelivered::new(
                "mail_tls",
                format!("{at} can’t be reached by TLS"),
                chain(error),
                "Check smtp.host, smtp.port and smtp.security in the configuration, and the mail server’s certificate.",
            );
        }
        match error.status().map(u16::from) {
            Some(530 | 534 | 535 | 538) => Undelivered::new(
                "mail_sign_in_refused",
                "The mail server refused the sign-in",
                chain(error),
                "Check smtp.username and smtp.password in the configuration.",
            ),
            Some(_) => Undelivered::new(
                "mail_refused",
                "The mail server refused the mail",
                chain(error),
                "Check the recipient’s address, and that the mail server lets smtp.from send.",
            ),
            None if error.is_client() => Undelivered::new(
                "mail_not_offered",
                format!("{at} doesn’t offer what is configured"),
                chain(error),
                "Check smtp.security and smtp.username in the configuration.",
            ),
            None => Undelivered::new(
                "mail_unreachable",
                format!("{at} can’t be reached"),
                chain(error),
                "Check smtp.host, smtp.port and smtp.security in the configuration, and that the mail server runs.",
            ),
        }
    }

    fn too_slow(&self) -> Undelivered {
        Undelivered::new(
            "mail_timeout",
            format!("{}:{} did not answer in time", self.host, self.port),
            format!("There was no answer for {} seconds.", TIMEOUT.as_secs()),
            "Check smtp.host, smtp.port and smtp.security in the configuration, and that no firewall is in between.",
        )
    }
}

/// Whom a mail is from, where that isn't as configuration says. The address is always that of
/// configuration: a mail server lets no other send.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sender<'a> {
    pub name: Option<&'a str>,
    pub reply_to: Option<&'a str>,
}

/// A mail on its way to somebody.
pub(crate) struct Letter<'a> {
    pub to: &'a str,
    pub sender: Sender<'a>,
    pub subject: &'a str,
    /// What it says, as plain text and as HTML.
    pub text: String,
    pub html: String,
    /// What tells a repetition.
    pub id: &'a str,
    pub at: DateTime,
    pub public_url: &'a Url,
}

/// What every mail meets while no mail server is configured.
pub(crate) fn not_set_up() -> Undelivered {
    Undelivered::new(
        "mail_not_set_up",
        "Mail isn’t set up",
        "Rollcall has no mail server to send with.",
        "Set smtp in rollcall.toml (host, from, username, password) and start Rollcall again.",
    )
}

/// A recipient's mail address as it is kept.
pub(crate) fn check_address(given: &str) -> Result<String, FieldError> {
    let address = domain::operator::parse_email(given)
        .map_err(|error| FieldError::new("address", error.message))?;
    match address.parse::<Address>() {
        Ok(_) => Ok(address),
        Err(_) => Err(FieldError::new(
            "address",
            "Enter an e-mail address, such as mina@example.com.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(host: &str) -> SmtpGiven {
        SmtpGiven {
            host: host.to_owned(),
            from: "Rollcall <rollcall@example.com>".to_owned(),
            ..SmtpGiven::default()
        }
    }

    #[test]
    fn the_port_follows_from_the_security() {
        for (security, port) in [(None, 587), (Some("starttls"), 587), (Some("tls"), 465)] {
            let smtp = Smtp::checked(SmtpGiven {
                security: security.map(str::to_owned),
                ..given("mail.example.com")
            });
            assert_eq!(smtp.unwrap().port(), port);
        }
        for local in ["localhost", "127.0.0.1", "::1"] {
            let smtp = Smtp::checked(SmtpGiven {
                security: Some("none".to_owned()),
                ..given(local)
            });
            assert_eq!(smtp.unwrap().port(), 25, "{local}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_key() {
        let text = |text: &str| Some(text.to_owned());
        for (wrong, key) in [
            (given("smtp://mail.example.com"), "smtp.host"),
            (given(""), "smtp.host"),
            (
                SmtpGiven {
                    security: text("none"),
                    ..given("mail.example.com")
                },
                "smtp.security",
            ),
            (
                SmtpGiven {
                    security: text("ssl"),
                    ..given("mail.example.com")
                },
                "smtp.security",
            ),
            (
                SmtpGiven {
                    username: text("me"),
                    ..given("mail.example.com")
                },
                "smtp.password",
            ),
            (
                SmtpGiven {
                    password: Some("x".into()),
                    ..given("mail.example.com")
                },
                "smtp.username",
            ),
            (
                SmtpGiven {
                    from: "Rollcall".to_owned(),
                    ..given("mail.example.com")
                },
                "smtp.from",
            ),
            (
                SmtpGiven {
                    reply_to: text("nobody"),
                    ..given("mail.example.com")
                },
                "smtp.reply_to",
            ),
        ] {
            match Smtp::checked(wrong) {
                Err(Error::Configuration { key: named, .. }) => assert_eq!(named, key),
                other => panic!("{key}: {other:?}"),
            }
        }
    }

    #[test]
    fn addresses_are_such_that_a_mail_can_be_written_to_them() {
        assert_eq!(
            check_address(" mina@example.com ").unwrap(),
            "mina@example.com"
        );
        for bad in [
            "",
            "mina",
            "mina@",
            "a@b",
            "a b@c.example",
            "a\r\nb@c.example",
            "a@b.example, c@d.example",
        ] {
            assert_eq!(check_address(bad).unwrap_err().field, "address", "{bad}");
        }
    }
}
