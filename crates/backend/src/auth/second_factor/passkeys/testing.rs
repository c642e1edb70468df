//! An authenticator in software, for tests: it makes one passkey and gives it, and can be told to
//! do so wrongly.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// An authenticator with one passkey.
#[derive(Debug)]
pub struct Authenticator {
    key: KeyPair,
    id: Vec<u8>,
    user: Vec<u8>,
    site: String,
    /// The page that the browser says is asking.
    pub origin: String,
    /// What it says of how often it was given.
    pub counter: u32,
    /// Whether it says that the person proved to be its owner.
    pub verifies: bool,
}

impl Authenticator {
    /// One that knows nothing yet, in a browser at this page.
    ///
    /// # Panics
    ///
    /// Where no key can be made.
    pub fn new(origin: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        Self {
            id: Sha256::digest(key.der_bytes()).to_vec(),
            key,
            user: Vec::new(),
            site: String::new(),
            origin: origin.to_owned(),
            counter: 0,
            verifies: true,
        }
    }

    /// Makes the passkey, as `PublicKeyCredentialCreationOptionsJSON` asks.
    ///
    /// # Panics
    ///
    /// Where the options are none.
    pub fn create(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(options["attestation"], "none");
        self.site = text(&options["rp"]["id"]);
        self.user = decoded(&options["user"]["id"]);
        let client = self.client_data("webauthn.create", &options["challenge"]);
        // The point, behind the byte that says that both coordinates follow.
        let point = self.key.der_bytes();
        let (x, y) = point[1..].split_at(32);
        let length = u16::try_from(self.id.len()).expect("an id is short");
        let mut data = self.authenticator_data(ATTESTED);
        data.extend([0; 16]);
        data.extend(length.to_be_bytes());
        data.extend(&self.id);
        // A COSE key: EC2, ES256, P-256, x and y (RFC 9053 §7.1.1).
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        let mut object = vec![0xa3];
        for name in ["fmt", "none", "attStmt"] {
            object.push(0x60 | u8::try_from(name.len()).expect("short"));
            object.extend(name.as_bytes());
        }
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.extend([0x58, u8::try_from(data.len()).expect("short")]);
        object.extend(&data);
        self.credential(json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "transports": ["internal"],
        }))
    }

    /// Gives the passkey, as `PublicKeyCredentialRequestOptionsJSON` asks.
    ///
    /// # Panics
    ///
    /// Where the options are none, or name other passkeys only.
    pub fn give(&self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options are JSON");
        let allowed = options["allowCredentials"].as_array();
        if let Some(allowed) = allowed.filter(|allowed| !allowed.is_empty()) {
            assert!(allowed.iter().any(|one| decoded(&one["id"]) == self.id));
        }
        let client = self.client_data("webauthn.get", &options["challenge"]);
        let data = self.authenticator_data(0);
        let signed = [data.as_slice(), &Sha256::digest(&client)].concat();
        let signature = self.key.sign(&signed).expect("a key signs");
        self.credential(json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": URL_SAFE_NO_PAD.encode(&self.user),
        }))
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn authenticator_data(&self, more: u8) -> Vec<u8> {
        let verified = if self.verifies { USER_VERIFIED } else { 0 };
        let mut data = Sha256::digest(&self.site).to_vec();
        data.push(USER_PRESENT | verified | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn credential(&self, response: Value) -> String {
        json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id),
            "rawId": URL_SAFE_NO_PAD.encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
        .to_string()
    }
}

fn decoded(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a text");
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
