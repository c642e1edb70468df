//! Seals secrets before they reach SQL, and opens them again.
//!
//! A sealed value names the key that it was sealed with. The database says which key seals now, and
//! a process that meets a key it doesn’t know looks for it where its keys come from: so the key can
//! be rotated while everything runs ([decision 0021]).
//!
//! | part | what it does |
//! | --- | --- |
//! | [`places`] | the one list of what is sealed |
//! | [`offered`] | what a form shows before it is kept |
//! | [`keys`] | where keys come from: a file, a command |
//! | [`rotation`] | re-seals everything with another key |
//! | [`check`] | proves that everything is sealed with the present one |
//!
//! [decision 0021]: ../../../../docs/decisions/0021-two-keys-while-one-is-rotated.md

mod check;
pub mod keys;
mod offered;
pub mod places;
pub mod rotation;
#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chacha20poly1305::{
    XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use self::keys::{KeyId, MasterKey, MasterKeySource, short};
pub use self::{offered::Offered, places::Place};
use crate::{Clock, Error, Result, Tx, fetch_optional, ids::Ids};

/// The form of sealed bytes: this byte, 8 bytes that name the key, 24 bytes of nonce, the cipher
/// text with its tag. The first two and the place are sealed in.
const VERSION: u8 = 2;
const PREFIX_BYTES: usize = 1 + size_of::<KeyId>();
const NONCE_BYTES: usize = 24;
/// Seconds before the same unknown key is looked for again: a key that is gone for good must not
/// have a command run for each try.
const LOOKED_AGAIN_S: i64 = 5;

/// Holds the master keys and seals with XChaCha20-Poly1305. Clones share the keys.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<Keys>,
    ids: Ids,
}

struct Keys {
    known: RwLock<HashMap<KeyId, Arc<MasterKey>>>,
    /// What the database named when this process began.
    first: Arc<MasterKey>,
    /// None in tests: there are no more keys.
    source: Option<(MasterKeySource, Clock)>,
    /// The key that was last looked for in vain, and when. Locked while one looks.
    missed: tokio::sync::Mutex<Option<(KeyId, domain::DateTime)>>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    /// A sealer with this key and no other.
    pub fn new(key: &[u8; keys::KEY_BYTES], ids: Ids) -> Self {
        Self::with(Arc::new(MasterKey::new(key)), &[], None, ids)
    }

    /// A sealer with these keys, that looks for further ones at their source.
    pub(crate) fn with(
        first: Arc<MasterKey>,
        more: &[Arc<MasterKey>],
        source: Option<(MasterKeySource, Clock)>,
        ids: Ids,
    ) -> Self {
        let known = std::iter::once(&first)
            .chain(more)
            .map(|key| (key.id(), key.clone()))
            .collect();
        Self {
            keys: Arc::new(Keys {
                known: RwLock::new(known),
                first,
                source,
                missed: tokio::sync::Mutex::default(),
            }),
            ids,
        }
    }

    /// Names the key that sealed when this process began, without telling it.
    pub fn fingerprint(&self) -> &[u8; 32] {
        self.keys.first.fingerprint()
    }

    /// Seals a secret for its place, with the key that the database names, in the transaction that
    /// stores it: a rotation waits for the transaction, so that nothing is sealed with the old key
    /// once it is done.
    pub async fn seal(&self, tx: &mut Tx, place: Place, secret: &SecretString) -> Result<Vec<u8>> {
        let sql = format!(
            "SELECT master_key_fingerprint FROM installation {}",
            tx.shared()
        );
        let named = fetch_optional!(tx, (Vec<u8>,), sqlx::AssertSqlSafe(sql))?;
        let key = match named {
            None => self.keys.first.clone(),
            Some((fingerprint,)) => {
                let id = KeyId::of(&fingerprint);
                self.key(id).await?.ok_or_else(|| self.unknown(id))?
            }
        };
        self.seal_with(&key, place, secret)
    }

    fn seal_with(&self, key: &MasterKey, place: Place, secret: &SecretString) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_BYTES];
        self.ids.fill(&mut nonce);
        let prefix = prefix(key.id());
        let sealed = key
            .cipher()
            .encrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: secret.expose_secret().as_bytes(),
                    aad: &[&prefix[..], &place.bytes()].concat(),
                },
            )
            .map_err(|_| Error::Internal(format!("{place} can’t be sealed")))?;
        Ok([&prefix[..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for this place.
    pub async fn open(&self, place: Place, sealed: &[u8]) -> Result<SecretString> {
        let id = key_of(sealed).ok_or_else(|| refused(place))?;
        let key = self.key(id).await?.ok_or_else(|| self.unknown(id))?;
        open_with(&key, place, sealed)
    }

    /// Opens it with a key that is known by now; nothing is looked for.
    fn open_known(&self, place: Place, sealed: &[u8]) -> Result<SecretString> {
        let key = key_of(sealed).and_then(|id| self.known(id));
        open_with(&*key.ok_or_else(|| refused(place))?, place, sealed)
    }

    fn known(&self, id: KeyId) -> Option<Arc<MasterKey>> {
        let known = self.keys.known.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned()
    }

    /// Remembers a key that a rotation brings.
    fn learn(&self, key: &Arc<MasterKey>) {
        let known = self.keys.known.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert(key.id(), key.clone());
    }

    /// The key with this name: known, or found at the source, which a rotation may have filled
    /// since this process began.
    async fn key(&self, id: KeyId) -> Result<Option<Arc<MasterKey>>> {
        if let Some(key) = self.known(id) {
            return Ok(Some(key));
        }
        let Some((source, clock)) = &self.keys.source else {
            return Ok(None);
        };
        let mut missed = self.keys.missed.lock().await;
        if let Some(key) = self.known(id) {
            return Ok(Some(key));
        }
        let now = clock.now();
        let just = chrono::Duration::seconds(LOOKED_AGAIN_S);
        if missed.is_some_and(|(was, at)| was == id && now - at < just) {
            return Ok(None);
        }
        *missed = Some((id, now));
        for key in source.find().await?.all() {
            self.learn(key);
        }
        let found = self.known(id);
        if found.is_some() {
            *missed = None;
            tracing::info!(key = %id, "another master key is in use now, and was found");
        }
        Ok(found)
    }

    fn unknown(&self, id: KeyId) -> Error {
        match &self.keys.source {
            None => Error::Internal(format!("a secret is sealed with another key: {id}")),
            Some((source, _)) => Error::Unavailable(format!(
                "Secrets of this installation are sealed with the master key {id}, which {} not give. Put it there; nothing has to be started again.",
                source.does()
            )),
        }
    }
}

fn prefix(id: KeyId) -> [u8; PREFIX_BYTES] {
    let mut prefix = [VERSION; PREFIX_BYTES];
    prefix[1..].copy_from_slice(id.bytes());
    prefix
}

/// The key that something was sealed with; none where it isn’t of this form.
fn key_of(sealed: &[u8]) -> Option<KeyId> {
    let (prefix, rest) = sealed.split_at_checked(PREFIX_BYTES)?;
    (prefix[0] == VERSION && rest.len() >= NONCE_BYTES).then(|| KeyId::of(&prefix[1..]))
}

fn open_with(key: &MasterKey, place: Place, sealed: &[u8]) -> Result<SecretString> {
    let (prefix, rest) = sealed.split_at(PREFIX_BYTES);
    let (nonce, cipher_text) = rest.split_at(NONCE_BYTES);
    let open = key
        .cipher()
        .decrypt(
            XNonce::from_slice(nonce),
            Payload {
                msg: cipher_text,
                aad: &[prefix, &place.bytes()].concat(),
            },
        )
        .map_err(|_| refused(place))?;
    let open = Zeroizing::new(open);
    let text = std::str::from_utf8(&open).map_err(|_| refused(place))?;
    Ok(SecretString::from(text))
}

fn refused(place: Place) -> Error {
    Error::Internal(format!(
        "the secret in {place} doesn’t open with this master key"
    ))
}

/// Whether this is a sealed value of the key with this fingerprint.
#[cfg(test)]
pub(crate) fn is_sealed_with(sealed: &[u8], fingerprint: &[u8]) -> bool {
    key_of(sealed) == Some(KeyId::of(fingerprint))
}

/// A fingerprint as people compare it.
pub(crate) fn key_name(fingerprint: &[u8]) -> String {
    short(fingerprint)
}
