//! Passwords: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), away from the threads
//! that answer requests.

use argon2::{
    Argon2, PasswordVerifier,
    password_hash::{PasswordHash, PasswordHasher, SaltString},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::{Backend, Error, Result};

/// Hashes at the same time: each takes 19 MiB and a core for a while.
const AT_ONCE: usize = 4;
static HASHING: Semaphore = Semaphore::const_new(AT_ONCE);

/// What the password of someone unknown is compared with, so that it takes as long as that of
/// someone known. Nothing hashes to zeros.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSBubw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The password's hash as a PHC string.
pub(super) async fn hash(b: &Backend, password: SecretString) -> Result<String> {
    let mut salt = [0_u8; 16];
    b.ids.fill(&mut salt);
    off_thread(move || {
        let salt = SaltString::encode_b64(&salt).map_err(broken)?;
        // The crate's default is OWASP's recommendation; a test holds it to that.
        let hash = Argon2::default()
            .hash_password(password.expose_secret().as_bytes(), &salt)
            .map_err(broken)?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether the password fits the hash. Without a hash it never does, and takes as long.
pub(super) async fn verify(password: SecretString, hash: Option<String>) -> Result<bool> {
    off_thread(move || {
        let text = hash.as_deref().unwrap_or(NOBODY);
        let parsed = PasswordHash::new(text).map_err(broken)?;
        let outcome =
            Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed);
        match outcome {
            Ok(()) => Ok(hash.is_some()),
            Err(argon2::password_hash::Error::Password) => Ok(false),
            Err(error) => Err(broken(error)),
        }
    })
    .await
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let _permit = HASHING
        .acquire()
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("hashing a password broke off: {error}")))?
}

fn broken(error: argon2::password_hash::Error) -> Error {
    Error::Internal(format!("a password hash can’t be made or read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Kind, TestBackend};

    #[tokio::test]
    async fn a_hash_names_owasps_parameters_and_fits_only_its_password() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let made = hash(&t, SecretString::from("correct horse")).await.unwrap();
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        let again = hash(&t, SecretString::from("correct horse")).await.unwrap();
        assert_ne!(made, again, "each hash has a salt of its own");
        let fits =
            |password: &str, hash: Option<String>| verify(SecretString::from(password), hash);
        assert!(fits("correct horse", Some(made.clone())).await.unwrap());
        assert!(!fits("correct Horse", Some(made)).await.unwrap());
        assert!(!fits("correct horse", None).await.unwrap());
    }
}
