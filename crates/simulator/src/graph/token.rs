//! Page and delta tokens: opaque to the client, signed with the tenant's key so that another
//! tenant's are refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

const SEAL_LENGTH: usize = 12;

/// Writes a token.
pub(crate) fn seal<T: Serialize>(key: &[u8], content: &T) -> String {
    let mut bytes = serde_json::to_vec(content).expect("a cursor of numbers and ids is JSON");
    let seal = digest(key, &bytes);
    bytes.extend_from_slice(&seal);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token that this tenant wrote.
pub(crate) fn open<T: DeserializeOwned>(key: &[u8], token: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (content, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_LENGTH)?)?;
    if digest(key, content) != seal {
        return None;
    }
    serde_json::from_slice(content).ok()
}

fn digest(key: &[u8], content: &[u8]) -> [u8; SEAL_LENGTH] {
    let hash = Sha256::new()
        .chain_update(key)
        .chain_update(content)
        .finalize();
    let mut seal = [0; SEAL_LENGTH];
    seal.copy_from_slice(&hash[..SEAL_LENGTH]);
    seal
}
