//! Seals secrets before they reach SQL, and opens them again.

use std::{
    io::{Read, Write},
    path::Path,
    sync::Arc,
};

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Error, Result, ids::Ids};

/// The form of sealed bytes: this byte, 24 bytes of nonce, the cipher text with its tag.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// Where a sealed secret stands. It is sealed together with it, so that a sealed value copied to
/// another row or column doesn't open.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's id.
    pub row: Uuid,
}

/// Holds the master key and seals with XChaCha20-Poly1305.
#[derive(Clone)]
pub struct Sealer {
    cipher: Arc<XChaCha20Poly1305>,
    fingerprint: [u8; 32],
    ids: Ids,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    /// A sealer with this key.
    pub fn new(key: &[u8; KEY_BYTES], ids: Ids) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"rollcall master key fingerprint v1");
        hash.update(key);
        Self {
            cipher: Arc::new(XChaCha20Poly1305::new(Key::from_slice(key))),
            fingerprint: hash.finalize().into(),
            ids,
        }
    }

    /// Names the key without telling it.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Seals a secret for its place.
    pub fn seal(&self, place: Place, secret: &SecretString) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_BYTES];
        self.ids.fill(&mut nonce);
        let sealed = self
            .cipher
            .encrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: secret.expose_secret().as_bytes(),
                    aad: &associated(place),
                },
            )
            .map_err(|_| Error::Internal(format!("{place:?} can’t be sealed")))?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for this place with this key.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<SecretString> {
        let refused = || {
            Error::Internal(format!(
                "the secret in {}.{} of {} doesn’t open with this master key",
                place.table, place.column, place.row
            ))
        };
        let (version, rest) = sealed.split_first().ok_or_else(refused)?;
        if *version != VERSION || rest.len() < NONCE_BYTES {
            return Err(refused());
        }
        let (nonce, cipher_text) = rest.split_at(NONCE_BYTES);
        let open = self
            .cipher
            .decrypt(
                XNonce::from_slice(nonce),
                Payload {
                    msg: cipher_text,
                    aad: &associated(place),
                },
            )
            .map_err(|_| refused())?;
        let open = Zeroizing::new(open);
        let text = std::str::from_utf8(&open).map_err(|_| refused())?;
        Ok(SecretString::from(text))
    }
}

fn associated(place: Place) -> Vec<u8> {
    [
        place.table.as_bytes(),
        b".",
        place.column.as_bytes(),
        b".",
        place.row.as_bytes(),
    ]
    .concat()
}

/// Reads the master key from its file: 32 bytes as 64 hexadecimal digits.
pub fn read_master_key(file: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(file)
        .and_then(|mut open| open.read_to_string(&mut text))
        .map_err(|error| Error::file("read the master key in", file, &error))?;
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    hex::decode_to_slice(text.trim(), key.as_mut_slice()).map_err(|_| {
        Error::configuration(
            "master_key_file",
            &format!(
                "{} has to hold 64 hexadecimal digits and nothing else",
                file.display()
            ),
        )
    })?;
    Ok(key)
}

/// Makes a new master key in a file that only its owner can read (mode 0600). An existing file is
/// never overwritten.
pub fn make_master_key(file: &Path, ids: &Ids) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    use std::os::unix::fs::OpenOptionsExt;

    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    ids.fill(key.as_mut_slice());
    let text = Zeroizing::new(format!("{}\n", hex::encode(key.as_slice())));
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| {
            open.write_all(text.as_bytes())?;
            open.sync_all()
        })
        .map_err(|error| Error::file("write the master key to", file, &error))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn sealer(key: u8) -> Sealer {
        Sealer::new(&[key; 32], Ids::seeded(Clock::system(), 1))
    }

    #[test]
    fn a_secret_opens_only_in_its_own_place_with_its_own_key() {
        let here = Place {
            table: "credential_profile",
            column: "secret_sealed",
            row: Uuid::from_u128(1),
        };
        let sealed = sealer(1)
            .seal(here, &SecretString::from("hunter2"))
            .unwrap();
        assert_eq!(
            sealer(1).open(here, &sealed).unwrap().expose_secret(),
            "hunter2"
        );
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));

        let elsewhere = Place {
            row: Uuid::from_u128(2),
            ..here
        };
        assert!(sealer(1).open(elsewhere, &sealed).is_err());
        assert!(sealer(2).open(here, &sealed).is_err());
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert!(sealer(1).open(here, &bent).is_err());
        assert!(sealer(1).open(here, &sealed[..10]).is_err());
    }
}
