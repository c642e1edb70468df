//! Failed tries slow down the next ones: of an account by the network that they come from, or by the
//! browser where its operator signed in with that before ([`super::known_browsers`]), and of a network
//! whatever the account. So a stranger makes nobody wait but who shares a network with them.
//!
//! A try is counted before it is looked at and forgiven when it was right, so that many tries at
//! once gain nothing.

use std::net::IpAddr;

use chrono::Duration;
use domain::{
    DateTime,
    audit::AuditChanges,
    id::{OperatorId, UserId},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::refused_tries::{self, Tried};
use crate::{Backend, Error, Origin, Result, Tx, execute, fetch_optional, store::sessions::Whose};

/// After so long without a try, earlier ones are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::hours(24);
/// The first wait; each failure more doubles it.
const FIRST_WAIT_S: i64 = 5;
/// The longest wait: long enough to make guessing hopeless, short enough for who was locked out.
const LONGEST_WAIT_S: i64 = 15 * 60;

/// What tries are counted by.
#[derive(Debug)]
pub(super) struct Subject {
    /// Kept as a hash where it could be a mistyped secret or somebody's address.
    text: String,
    /// Tries that go unpunished.
    free: i64,
    /// Whose tries they are, for the audit log.
    tried: Tried,
}

impl Subject {
    /// An account, known or not, from a network.
    pub(super) fn account(email: &str, address: IpAddr) -> Self {
        Self {
            text: format!("{}network:{}", account(email), network(address)),
            free: 5,
            tried: Tried::Email(email.to_owned()),
        }
    }

    /// An account in a browser where its operator signed in before.
    pub(super) fn account_in(email: &str, browser: &SecretString) -> Self {
        let hash = Sha256::digest(browser.expose_secret());
        Self {
            text: format!("{}browser:{}", account(email), hex::encode(hash)),
            free: 10,
            tried: Tried::Email(email.to_owned()),
        }
    }

    /// A user of a directory, known or not, from a network.
    pub(super) fn user(user_name: &str, address: IpAddr) -> Self {
        let Self { text, free, .. } = Self::account(user_name, address);
        Self {
            text: format!("user-{text}"),
            free,
            tried: Tried::UserName(user_name.to_owned()),
        }
    }

    /// The account of a user of a directory from a network, by whichever of its names it is tried: an
    /// alias is no further guess.
    pub(super) fn user_by_any_name(user: UserId, address: IpAddr) -> Self {
        Self {
            text: format!("user:{user}:network:{}", network(address)),
            free: 5,
            tried: Tried::User(user),
        }
    }

    /// The old password of a user of a directory, asked for before a new one is set.
    pub(super) fn password_of_user(user: UserId) -> Self {
        Self {
            text: format!("user-password:{user}"),
            free: 5,
            tried: Tried::User(user),
        }
    }

    /// A network address: an office shares one, so it has more free tries.
    pub(super) fn address(address: IpAddr) -> Self {
        Self {
            text: format!("address:{}", network(address)),
            free: 20,
            tried: Tried::AnyAccount,
        }
    }

    /// The old password asked for before a new one is set.
    pub(super) fn password_of(operator: OperatorId) -> Self {
        Self {
            text: format!("password:{operator}"),
            free: 5,
            tried: Tried::Operator(operator),
        }
    }

    /// The codes of a second factor, asked for after the password and before what is dangerous.
    pub(super) fn second_factor_of(whose: Whose) -> Self {
        Self {
            text: format!("second-factor:{}", whose.id()),
            free: 5,
            tried: whose.into(),
        }
    }

    /// Asking for a new password for an account, known or not: each asks for a mail.
    pub(super) fn reset_of(email: &str, address: IpAddr) -> Self {
        Self::reset(Self::account(email, address))
    }

    /// The same in a browser where its operator signed in before.
    pub(super) fn reset_in(email: &str, browser: &SecretString) -> Self {
        Self::reset(Self::account_in(email, browser))
    }

    /// The same for a user of a directory.
    pub(super) fn reset_of_user(user_name: &str, address: IpAddr) -> Self {
        Self::reset(Self::user(user_name, address))
    }

    fn reset(Self { text, tried, .. }: Self) -> Self {
        Self {
            text: format!("reset-{text}"),
            free: 3,
            tried,
        }
    }

    /// Asking for new passwords from a network address.
    pub(super) fn resets_from(address: IpAddr) -> Self {
        let Self { text, free, tried } = Self::address(address);
        Self {
            text: format!("reset-{text}"),
            free,
            tried,
        }
    }

    /// Going to a provider from a network address. What was begun and not finished counts.
    pub(super) fn begun_from(address: IpAddr) -> Self {
        let Self { text, tried, .. } = Self::address(address);
        Self {
            text: format!("begun-{text}"),
            free: 60,
            tried,
        }
    }

    /// The setup code, from a network address.
    pub(super) fn setup(address: Option<IpAddr>) -> Self {
        let from = address.map_or_else(|| "nowhere".to_owned(), network);
        Self {
            text: format!("setup:{from}"),
            free: 10,
            tried: Tried::AnyAccount,
        }
    }

    fn wait(&self, failures: i64) -> Duration {
        if failures < self.free {
            return Duration::zero();
        }
        let doublings = u32::try_from(failures - self.free)
            .unwrap_or(u32::MAX)
            .min(16);
        Duration::seconds((FIRST_WAIT_S << doublings).min(LONGEST_WAIT_S))
    }
}

/// What the subjects of an account begin with. Hashed: what was typed may be a secret.
fn account(email: &str) -> String {
    let hash = Sha256::digest(planner::fold(email.trim()));
    format!("account:{}:", hex::encode(hash))
}

/// Of IPv6 the first 64 bits, since one person has all of the rest (RFC 6177).
pub(super) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Removes what is forgotten by now.
pub(crate) async fn delete_forgotten(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM sign_in_failure WHERE last_at < $1",
        b.clock.now() - FORGOTTEN_AFTER
    )?;
    tx.commit().await
}

/// Counts a try by each subject, or refuses it where one has to wait: that is in the audit log.
pub(super) async fn count_try(b: &Backend, subjects: &[&Subject], origin: &Origin) -> Result<()> {
    let Some(wait) = counted(b, subjects).await? else {
        return Ok(());
    };
    let why = AuditChanges::none().now("retry_after_s", &wait.seconds);
    refused_tries::note(b, &wait.subject.text, &wait.subject.tried, origin, why).await?;
    Err(wait.refusal())
}

/// The same for what isn't a try to get in: asking for a mail, or going to a provider.
pub(super) async fn count_ask(b: &Backend, subjects: &[&Subject]) -> Result<()> {
    match counted(b, subjects).await? {
        None => Ok(()),
        Some(wait) => Err(wait.refusal()),
    }
}

/// Takes one try of a browser that nobody knows, or refuses it where strangers of all networks together
/// had too many: that is in the audit log.
pub(super) async fn count_unknown(b: &Backend, origin: &Origin) -> Result<()> {
    let taken = b.limits.unknown_try();
    if let Err(Error::TooMany { retry_after_s }) = &taken {
        let why = AuditChanges::none().now("retry_after_s", retry_after_s);
        refused_tries::note_all(b, origin, why).await?;
    }
    taken
}

/// Who has to wait, and for how long.
struct Wait<'a> {
    subject: &'a Subject,
    seconds: u64,
}

impl Wait<'_> {
    fn refusal(&self) -> Error {
        Error::TooMany {
            retry_after_s: self.seconds,
        }
    }
}

/// Counts a try by each subject; by none where one has to wait.
async fn counted<'a>(b: &Backend, subjects: &[&'a Subject]) -> Result<Option<Wait<'a>>> {
    let now = b.clock.now();
    let mut tx = b.db.write().await?;
    for subject in subjects {
        // First the write, so that on PostgreSQL tries at the same time wait for each other here.
        execute!(
            &mut tx,
            "INSERT INTO sign_in_failure (subject, failures, last_at) VALUES ($1, 0, $2)
             ON CONFLICT (subject) DO UPDATE SET failures = sign_in_failure.failures",
            &subject.text,
            now
        )?;
        let (mut failures, last_at) = fetch_optional!(
            &mut tx,
            (i64, DateTime),
            "SELECT failures, last_at FROM sign_in_failure WHERE subject = $1",
            &subject.text
        )?
        .unwrap_or((0, now));
        if now - last_at > FORGOTTEN_AFTER {
            failures = 0;
        }
        let left = last_at + subject.wait(failures) - now;
        if failures > 0 && left > Duration::zero() {
            let seconds = u64::try_from((left.num_milliseconds() + 999) / 1000).unwrap_or(1);
            return Ok(Some(Wait { subject, seconds }));
        }
        execute!(
            &mut tx,
            "UPDATE sign_in_failure SET failures = $1, last_at = $2 WHERE subject = $3",
            failures + 1,
            now,
            &subject.text
        )?;
    }
    tx.commit().await?;
    Ok(None)
}

/// The account begins anew, wherever it was tried.
pub(super) async fn forget_account(tx: &mut Tx, email: &str) -> Result<()> {
    // The pattern is hexadecimal.
    execute!(
        tx,
        "DELETE FROM sign_in_failure WHERE subject LIKE $1",
        format!("{}%", account(email))
    )?;
    Ok(())
}

/// The try was right: the account begins anew. The address only loses this one try, or whoever
/// has one account could guess at all others without end.
pub(super) async fn forgive(
    tx: &mut Tx,
    account: &Subject,
    address: Option<&Subject>,
) -> Result<()> {
    forget(tx, account).await?;
    match address {
        Some(address) => forgive_one(tx, address).await,
        None => Ok(()),
    }
}

/// The try was right: this one doesn't count.
pub(super) async fn forgive_one(tx: &mut Tx, subject: &Subject) -> Result<()> {
    execute!(
        tx,
        "UPDATE sign_in_failure SET failures = failures - 1 WHERE subject = $1 AND failures > 0",
        &subject.text
    )?;
    Ok(())
}

/// The try was right, and nothing else is counted by this subject.
pub(super) async fn forget(tx: &mut Tx, subject: &Subject) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM sign_in_failure WHERE subject = $1",
        &subject.text
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db_test;

    fn wait(given: Result<()>) -> Option<u64> {
        match given {
            Ok(()) => None,
            Err(Error::TooMany { retry_after_s }) => Some(retry_after_s),
            Err(other) => panic!("{other}"),
        }
    }

    db_test!(waits_grow_to_a_limit_and_are_forgotten_after_a_day, |t| {
        let here = IpAddr::from([192, 0, 2, 1]);
        let subject = Subject::account("Mina@Example.com", here);
        for _ in 0..5 {
            assert_eq!(wait(count_ask(&t, &[&subject]).await), None);
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let seconds = wait(count_ask(&t, &[&subject]).await).unwrap();
            waits.push(seconds);
            t.clock
                .advance(Duration::seconds(i64::try_from(seconds).unwrap()));
            assert_eq!(wait(count_ask(&t, &[&subject]).await), None);
        }
        assert_eq!(waits[..4], [5, 10, 20, 40]);
        assert_eq!(waits[11], 900);
        let same = Subject::account(" mina@example.com", here);
        assert!(wait(count_ask(&t, &[&same]).await).is_some());
        t.clock.advance(Duration::hours(25));
        assert_eq!(wait(count_ask(&t, &[&subject]).await), None);
        assert_eq!(wait(count_ask(&t, &[&subject]).await), None);
    });

    #[test]
    fn one_persons_ipv6_addresses_count_as_one() {
        let text = |address: &str| Subject::address(address.parse().unwrap()).text;
        assert_eq!(text("2001:db8:1:2::1"), text("2001:db8:1:2:ffff::9"));
        assert_ne!(text("2001:db8:1:2::1"), text("2001:db8:1:3::1"));
        assert_eq!(text("::ffff:192.0.2.1"), text("192.0.2.1"));
    }
}
