//! Passwords: which may be set, and how they are kept: argon2id with OWASP's parameters (19 MiB, 2
//! passes, 1 lane), away from the threads that answer requests.

mod accepted;
mod breached;
#[cfg(test)]
mod set_tests;

use argon2::{
    Algorithm, Argon2, Params, PasswordVerifier,
    password_hash::{PasswordHash, PasswordHasher, SaltString},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

pub(super) use accepted::{Accepted, Whose, accept};
pub use breached::BreachedPasswords;

use crate::{Backend, Error, Result};

/// Hashes at the same time: each takes 19 MiB and a core for a while.
const AT_ONCE: usize = 4;
/// Those that wait for it: on two cores the last of them for some two seconds.
const WAITING_MAX: usize = 64;
/// Seconds after which the queue is likely to have room again.
const RETRY_AFTER_S: u64 = 5;

static HASHING: Hashing = Hashing {
    room: Semaphore::const_new(AT_ONCE + WAITING_MAX),
    at_once: Semaphore::const_new(AT_ONCE),
};

/// Who hashes, and who waits for it. Who comes when it is full is sent away at once: a queue without
/// an end would keep everybody waiting, and hold what each request holds.
struct Hashing {
    room: Semaphore,
    at_once: Semaphore,
}

impl Hashing {
    async fn off_thread<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let broken = |error: &dyn std::fmt::Display| {
            Error::Internal(format!("hashing a password broke off: {error}"))
        };
        let busy = Error::Busy {
            retry_after_s: RETRY_AFTER_S,
        };
        let place = self.room.try_acquire().map_err(|_| busy)?;
        let turn = self
            .at_once
            .acquire()
            .await
            .map_err(|error| broken(&error))?;
        // Both go with the work: whoever asked for it may be gone before it ends.
        let work = move || {
            let _held = (place, turn);
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| broken(&error))?
    }
}

/// What the password of someone unknown is compared with, so that it takes as long as that of
/// someone known. Nothing hashes to zeros.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSBubw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password that may be set, as a PHC string.
pub(super) async fn hash(b: &Backend, Accepted(password): Accepted) -> Result<String> {
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

/// The hash of a password that is set already, at the cost of today.
pub(super) async fn hash_anew(b: &Backend, password: SecretString) -> Result<String> {
    hash(b, Accepted(password)).await
}

/// Whether a hash was made at a lower cost than is paid today, or by another algorithm.
pub(super) fn is_outdated(hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else {
        return true;
    };
    let now = Argon2::default();
    let Ok(made) = Params::try_from(&parsed) else {
        return true;
    };
    let now = now.params();
    parsed.algorithm != Algorithm::default().ident()
        || made.m_cost() < now.m_cost()
        || made.t_cost() < now.t_cost()
        || made.p_cost() < now.p_cost()
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
    HASHING.off_thread(work).await
}

fn broken(error: argon2::password_hash::Error) -> Error {
    Error::Internal(format!("a password hash can’t be made or read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Kind, TestBackend};

    /// Room for two, one of whom waits.
    static TIGHT: Hashing = Hashing {
        room: Semaphore::const_new(2),
        at_once: Semaphore::const_new(1),
    };

    #[tokio::test]
    async fn who_comes_when_the_queue_is_full_is_sent_away_at_once() {
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let one = tokio::spawn(TIGHT.off_thread(move || {
            begun.send(()).unwrap();
            wait.recv().unwrap();
            Ok(1)
        }));
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap())
            .await
            .unwrap();
        let mut two = Box::pin(TIGHT.off_thread(|| Ok(2)));
        assert!(futures::poll!(&mut two).is_pending());
        let three = TIGHT.off_thread(|| Ok(3)).await;
        assert!(
            matches!(three, Err(Error::Busy { retry_after_s: 5 })),
            "{three:?}"
        );
        go_on.send(()).unwrap();
        assert_eq!(one.await.unwrap().unwrap(), 1);
        assert_eq!(two.await.unwrap(), 2);
        assert_eq!(TIGHT.off_thread(|| Ok(4)).await.unwrap(), 4);
    }

    #[test]
    fn only_a_hash_of_a_lower_cost_is_outdated() {
        for (hash, expected) in [
            (NOBODY.to_owned(), false),
            (NOBODY.replace("m=19456", "m=19455"), true),
            (NOBODY.replace("t=2", "t=1"), true),
            (NOBODY.replace("m=19456,t=2", "m=47104,t=3"), false),
            (NOBODY.replace("argon2id", "argon2i"), true),
            (String::new(), true),
        ] {
            assert_eq!(is_outdated(&hash), expected, "{hash}");
        }
    }

    #[tokio::test]
    async fn a_hash_names_owasps_parameters_and_fits_only_its_password() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let given = || Accepted(SecretString::from("correct horse"));
        let made = hash(&t, given()).await.unwrap();
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        let again = hash(&t, given()).await.unwrap();
        assert_ne!(made, again, "each hash has a salt of its own");
        let fits =
            |password: &str, hash: Option<String>| verify(SecretString::from(password), hash);
        assert!(fits("correct horse", Some(made.clone())).await.unwrap());
        assert!(!fits("correct Horse", Some(made)).await.unwrap());
        assert!(!fits("correct horse", None).await.unwrap());
    }
}
