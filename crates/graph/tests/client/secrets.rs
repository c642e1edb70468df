//! Neither secret nor key nor token comes out anywhere but in the request it is for.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};

use graph::{Certificate, Credential, DeltaStart, Resource, Select, Settings, Tenant};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use tracing_subscriber::fmt::MakeWriter;

use crate::stub::{APPLICATION, SECRET, Stub, TENANT, aadsts, jwt, status, token};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that someone could print.
struct Shown(String);

impl Shown {
    fn add(&mut self, value: &(impl std::fmt::Debug + ?Sized)) {
        writeln!(self.0, "{value:?} {value:#?}").unwrap();
    }

    fn add_error(&mut self, error: &graph::Error) {
        self.add(error);
        writeln!(self.0, "{error} {} {}", error.detail(), error.fix()).unwrap();
    }
}

#[tokio::test]
async fn nothing_secret_is_shown_or_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let stub = Stub::start().await;
    let access = jwt(TENANT, &["User.Read.All"], "token-mark");
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let pem = CertificateParams::new(vec![])
        .unwrap()
        .self_signed(&key)
        .unwrap()
        .pem();
    let certificate = Certificate::parse(&pem, &key.serialize_pem().into()).unwrap();
    let mut shown = Shown(String::new());
    shown.add(&certificate);

    let connector = stub.connector(Settings::default());
    for (with_secret, credential) in [
        (true, Credential::secret(APPLICATION, SECRET.into())),
        (false, Credential::certificate(APPLICATION, certificate)),
    ] {
        shown.add(&credential);
        let client = connector.client(stub.cloud(), Tenant::from(TENANT), credential);
        // Servers that repeat what they were sent.
        let sent = if with_secret { SECRET } else { "an assertion" };
        let echo = format!("You sent {sent} and {access}");
        stub.then_token(aadsts(401, "invalid_client", 7_000_215, sent));
        shown.add_error(&client.token().await.unwrap_err());
        stub.then_token(token(&access, 3599));
        shown.add(&client.token().await.unwrap());
        stub.then(status(400, &access, &echo).with("request-id", sent));
        shown.add_error(&client.probe(Resource::Users).await.unwrap_err());
        stub.then(status(403, "Authorization_RequestDenied", &access));
        shown.add_error(&client.probe(Resource::Users).await.unwrap_err());
        let mut pages = client.users_delta(
            DeltaStart::Link(stub.link("users/delta?$deltatoken=delta-mark")),
            &Select::id(),
        );
        stub.then(status(410, "resyncRequired", ""));
        shown.add_error(&pages.next_page().await.unwrap_err());
        shown.add(&(client, pages));
    }
    shown.add(&connector);

    let assertion = stub.seen().iter().find_map(|seen| {
        let assertion = seen.field("client_assertion");
        (!assertion.is_empty()).then_some(assertion)
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/v1.0/users/delta"), "the log is on");
    let pem = key.serialize_pem();
    for secret in [
        SECRET,
        "s3cr3t%2Bof",
        access.as_str(),
        access.split('.').nth(1).unwrap(),
        assertion.as_deref().unwrap(),
        pem.lines().nth(1).unwrap(),
    ] {
        assert!(!shown.0.contains(secret), "{secret} is shown");
        assert!(!log.contains(secret), "{secret} is logged");
    }
    assert!(!log.contains("delta-mark"), "a link's token is logged");
}
