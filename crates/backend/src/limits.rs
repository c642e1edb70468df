//! How much of what is costly anybody may ask for: a person or a program, and everybody behind a
//! network address together.
//!
//! The allowances are kept by each process for itself, in memory: what they guard are this process's
//! work and the sources it asks. Failed sign-ins are slowed down elsewhere, by the database, since
//! guessing must not start anew with another process (`auth::slow_down`).

use std::{net::IpAddr, time::Duration};

use uuid::Uuid;

use crate::{Clock, Error, Result, Scope, rate::Limiter};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Inviting somebody, each of which is a mail, and making links for those outside.
    Invitation,
    /// Testing a connection: a handful of requests to Entra ID and Graph.
    ConnectionTest,
    /// Asking a customer's source while somebody waits: groups by typing, "Why?" for whoever isn't
    /// kept, one person's sync.
    LiveQuery,
    /// Looking for a part of a name: over everything while somebody types, and in the lists of pages.
    Search,
    /// Taking a whole list out of the installation.
    Export,
    /// A program's page of a list.
    ListPage,
}

impl Limited {
    const ALL: [Self; 6] = [
        Self::Invitation,
        Self::ConnectionTest,
        Self::LiveQuery,
        Self::Search,
        Self::Export,
        Self::ListPage,
    ];

    /// How many at once, and after how long one more. Far above what a person does, far below what
    /// would be felt by others.
    const fn allowance(self) -> (u32, Duration) {
        match self {
            Self::Invitation => (30, Duration::from_mins(1)),
            Self::ConnectionTest => (30, Duration::from_secs(2)),
            Self::LiveQuery => (60, Duration::from_millis(500)),
            Self::Search => (100, Duration::from_millis(100)),
            Self::Export => (20, Duration::from_secs(5)),
            // 250 a second: a quarter more than the 200 that the API promises each token.
            Self::ListPage => (1_000, Duration::from_millis(4)),
        }
    }

    /// Whether those behind an address share an allowance too. What is promised to each token isn't
    /// taken from it by others.
    const fn is_shared(self) -> bool {
        !matches!(self, Self::ListPage)
    }
}

/// An office shares an address: so many times what one person may.
const OFFICE: u32 = 5;

/// The allowances of one kind.
#[derive(Debug)]
struct Allowances {
    of_each: Limiter<Uuid>,
    of_address: Option<Limiter<IpAddr>>,
}

/// What strangers may do, before all that they may call: requests of a network that change something,
/// as an office needs on a Monday morning.
const STRANGERS: (u32, Duration) = (600, Duration::from_millis(500));
/// New sessions of strangers that are kept for a network: what a plain form that was refused leaves
/// for its page, and what a sign-in at a provider is bound to.
const STRANGERS_SESSIONS: (u32, Duration) = (100, Duration::from_secs(10));
/// The same for all networks together. They end after an hour and hold at most some 9 KiB, so that
/// strangers never have more than 50 MB of the database.
const ALL_SESSIONS: (u32, Duration) = (2_000, Duration::from_secs(1));
/// Tries to sign in, and asks for a new password, of browsers in which nobody signed in before: of
/// all networks together, since each leaves rows. Those of others are not counted here.
const ALL_TRIES: (u32, Duration) = (300, Duration::from_secs(1));
/// Tries that were refused and have an entry of the audit log for it, of all networks together: as many
/// as those that were looked at, since whoever has many networks is always new somewhere.
const ALL_REFUSED_TRIES: (u32, Duration) = ALL_TRIES;
/// That all strangers together had to wait is told so often.
const REFUSALS_OF_ALL: (u32, Duration) = (1, Duration::from_hours(1));

/// Every allowance.
#[derive(Debug)]
pub struct Limits {
    of_callers: [Allowances; Limited::ALL.len()],
    strangers: Limiter<IpAddr>,
    strangers_sessions: Limiter<IpAddr>,
    all_sessions: Limiter<()>,
    all_tries: Limiter<()>,
    all_refused_tries: Limiter<()>,
    refusals_of_all: Limiter<()>,
}

impl Limits {
    /// Nothing is used up yet.
    pub fn new(clock: &Clock) -> Self {
        let of_callers = Limited::ALL.map(|what| {
            let (burst, interval) = what.allowance();
            Allowances {
                of_each: Limiter::new(clock, burst, interval),
                of_address: what
                    .is_shared()
                    .then(|| Limiter::new(clock, burst * OFFICE, interval / OFFICE)),
            }
        });
        Self {
            of_callers,
            strangers: Limiter::new(clock, STRANGERS.0, STRANGERS.1),
            strangers_sessions: Limiter::new(clock, STRANGERS_SESSIONS.0, STRANGERS_SESSIONS.1),
            all_sessions: Limiter::new(clock, ALL_SESSIONS.0, ALL_SESSIONS.1),
            all_tries: Limiter::new(clock, ALL_TRIES.0, ALL_TRIES.1),
            all_refused_tries: Limiter::new(clock, ALL_REFUSED_TRIES.0, ALL_REFUSED_TRIES.1),
            refusals_of_all: Limiter::new(clock, REFUSALS_OF_ALL.0, REFUSALS_OF_ALL.1),
        }
    }

    /// Takes one request of somebody who isn't signed in that may change something.
    pub fn stranger(&self, address: IpAddr) -> Result<()> {
        told(self.strangers.take(&network(address)))
    }

    /// Takes one new session in which nobody is signed in.
    pub fn strangers_session(&self, address: IpAddr) -> Result<()> {
        told(self.strangers_sessions.take(&network(address)))?;
        told(self.all_sessions.take(&()))
    }

    /// Takes one try to sign in, or one ask for a new password, of a browser that nobody knows.
    pub(crate) fn unknown_try(&self) -> Result<()> {
        told(self.all_tries.take(&()))
    }

    /// Whether a refused try of somebody new has an entry of its own.
    pub(crate) fn refused_try_is_told(&self) -> bool {
        self.all_refused_tries.take(&()).is_ok()
    }

    /// Whether it is told that all strangers together have to wait.
    pub(crate) fn refusal_of_all_is_told(&self) -> bool {
        self.refusals_of_all.take(&()).is_ok()
    }

    /// Takes one, or says when to come back. The command line and Rollcall itself are not limited.
    pub fn take(&self, what: Limited, scope: &Scope) -> Result<()> {
        let Some(id) = scope.actor_id() else {
            return Ok(());
        };
        let allowances = &self.of_callers[what as usize];
        told(allowances.of_each.take(&id))?;
        match (&allowances.of_address, scope.origin().address()) {
            (Some(shared), Some(address)) => told(shared.take(&network(address))),
            _ => Ok(()),
        }
    }

    /// Takes a search where a page's list is looked through for something; a list as it stands takes
    /// none.
    pub fn take_search(&self, q: Option<&str>, scope: &Scope) -> Result<()> {
        match q.map(str::trim) {
            None | Some("") => Ok(()),
            Some(_) => self.take(Limited::Search, scope),
        }
    }
}

fn told(taken: std::result::Result<(), u64>) -> Result<()> {
    taken.map_err(|retry_after_s| Error::TooMany { retry_after_s })
}

/// Of IPv6 the first 64 bits, since one person has all of the rest (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = u128::from(v6) >> 64 << 64;
            IpAddr::V6(bits.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth, db_test, testing::TestBackend};

    fn refused(result: Result<()>) -> u64 {
        match result {
            Err(Error::TooMany { retry_after_s }) => retry_after_s,
            other => panic!("{other:?}"),
        }
    }

    async fn as_from(t: &TestBackend, scope: &Scope, address: &str) -> Scope {
        let origin = crate::Origin::page(address.parse().unwrap(), "r");
        auth::operator_scope(t, scope.operator_id().unwrap(), origin)
            .await
            .unwrap()
    }

    #[test]
    fn strangers_run_out_by_network_and_all_together() {
        let clock = crate::Clock::standing(crate::testing::start());
        let limits = Limits::new(&clock);
        let address = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, n, 0, 0, 0, 1]);
        for _ in 0..600 {
            limits.stranger(address(0)).unwrap();
        }
        assert_eq!(refused(limits.stranger(address(0))), 1);
        limits.stranger(address(1)).unwrap();
        clock.advance(chrono::Duration::milliseconds(500));
        limits.stranger(address(0)).unwrap();

        let mut kept = 0;
        for network in 0..100 {
            while limits.strangers_session(address(network)).is_ok() {
                kept += 1;
            }
        }
        assert_eq!(kept, 2_000, "however many networks ask");
        clock.advance(chrono::Duration::seconds(5));
        let waits = refused(limits.strangers_session(address(0)));
        assert_eq!(waits, 5, "its own are used up");
        limits.strangers_session(address(200)).unwrap();

        for _ in 0..300 {
            limits.unknown_try().unwrap();
        }
        assert_eq!(refused(limits.unknown_try()), 1);
    }

    db_test!(one_person_runs_out_and_an_office_later, |t| {
        let limits = Limits::new(&t.clock);
        let mina = t.owner().await;
        for _ in 0..20 {
            limits.take(Limited::Export, &mina).unwrap();
        }
        assert_eq!(refused(limits.take(Limited::Export, &mina)), 5);
        limits.take(Limited::Search, &mina).unwrap();
        t.clock.advance(chrono::Duration::seconds(5));
        limits.take(Limited::Export, &mina).unwrap();
        limits
            .take(Limited::Export, &auth::command_line_scope())
            .unwrap();

        let mut taken = 0;
        let waits = loop {
            let another = as_from(&t, &t.owner().await, &format!("2001:db8::{taken:x}")).await;
            match limits.take(Limited::Export, &another) {
                Ok(()) => taken += 1,
                other => break refused(other),
            }
        };
        assert_eq!((taken, waits), (100, 1), "one network, many people");
        let elsewhere = as_from(&t, &t.owner().await, "2001:db8:0:1::1").await;
        limits.take(Limited::Export, &elsewhere).unwrap();
    });

    db_test!(
        who_types_is_not_kept_from_looking_and_no_program_looks_endlessly,
        |t| {
            let limits = Limits::new(&t.clock);
            let mina = t.owner().await;
            for _ in 0..1_000 {
                limits.take_search(None, &mina).unwrap();
                limits.take_search(Some("  "), &mina).unwrap();
            }
            let mut taken = 0;
            while limits.take_search(Some("ada"), &mina).is_ok() {
                taken += 1;
                assert!(taken <= 100, "there is no end to it");
            }
            assert_eq!(taken, 100);
            // Nobody types faster than ten letters a second for long.
            t.clock.advance(chrono::Duration::milliseconds(100));
            limits.take_search(Some("ada"), &mina).unwrap();
        }
    );

    db_test!(each_program_gets_its_pages_and_no_endless_number, |t| {
        let limits = Limits::new(&t.clock);
        let (one, other) = (t.owner().await, t.owner().await);
        let mut taken = 0;
        while limits.take(Limited::ListPage, &one).is_ok() {
            taken += 1;
            assert!(taken <= 1_000, "there is no end to it");
        }
        limits.take(Limited::ListPage, &other).unwrap();
        // At a steady pace no fewer than are promised, second after second.
        for _ in 0..5 {
            t.clock.advance(chrono::Duration::seconds(1));
            for page in 0..200 {
                let page_is_given = limits.take(Limited::ListPage, &one);
                assert!(page_is_given.is_ok(), "{page}: {page_is_given:?}");
            }
        }
        for n in 0..10 {
            let another = as_from(&t, &t.owner().await, "203.0.113.7").await;
            for page in 0..1_000 {
                let taken = limits.take(Limited::ListPage, &another);
                assert!(taken.is_ok(), "{n}: {page}: a neighbour takes nothing away");
            }
        }
    });
}
