//! Who was refused what while a request was answered, for the one line in the log that tells of it.
//!
//! Who asks is known where they are authenticated, and what they lack where an error becomes an
//! answer; the line is written further out, where the status is known. A request is answered by one
//! task, so what is noted stands in that task. Nothing secret is: ids, and names of permissions.

use std::cell::RefCell;

use domain::{audit::ActorKind, permission::Permission};
use uuid::Uuid;

use crate::Error;

tokio::task_local! {
    static NOTED: RefCell<Noted>;
}

/// What was noted of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noted {
    /// Who asked: the operator or the token, also one that may not be used any more.
    pub caller: Option<(ActorKind, Uuid)>,
    /// Why they were refused.
    pub why: Option<Why>,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There was no session and no token, or none that is known.
    SignedOut,
    /// The token is known, and can't be used now, or from there.
    TokenRefused,
    /// The role doesn't allow it.
    Permission(Permission),
    /// It is dangerous, and they did not prove lately that it is them.
    ProofWanted,
    /// They asked too often.
    TooMany,
    /// A page of another site asked.
    OtherSite,
}

impl Why {
    /// The reason as it stands in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::TokenRefused => "token_refused",
            Self::Permission(_) => "permission",
            Self::ProofWanted => "proof_wanted",
            Self::TooMany => "too_many",
            Self::OtherSite => "other_site",
        }
    }

    /// The permission that was missing.
    pub const fn permission(self) -> Option<Permission> {
        match self {
            Self::Permission(permission) => Some(permission),
            _ => None,
        }
    }

    /// Why an error refuses; none where it is no refusal of who asks.
    const fn of(error: &Error) -> Option<Self> {
        Some(match error {
            Error::SignedOut => Self::SignedOut,
            Error::TokenRefused(_) => Self::TokenRefused,
            Error::Forbidden(permission) => Self::Permission(*permission),
            Error::ProveAgain => Self::ProofWanted,
            Error::TooMany { .. } => Self::TooMany,
            _ => return None,
        })
    }
}

/// Answers a request, and what was noted meanwhile.
pub async fn noting<T>(answer: impl Future<Output = T>) -> (T, Noted) {
    let noted = RefCell::new(Noted::default());
    NOTED
        .scope(noted, async {
            let answer = answer.await;
            (answer, NOTED.with(|noted| *noted.borrow()))
        })
        .await
}

/// Notes who asks, as soon as they are known.
pub(crate) fn note_caller(kind: ActorKind, id: Uuid) {
    note(|noted| noted.caller = Some((kind, id)));
}

/// Notes the refusal that an error becomes, where it becomes an answer.
pub fn note_error(error: &Error) {
    if let Some(why) = Why::of(error) {
        note_why(why);
    }
}

/// Notes a refusal that no error of the backend stands for.
pub fn note_why(why: Why) {
    note(|noted| noted.why = Some(why));
}

/// Outside of a request, such as in the worker, nobody is told.
fn note(change: impl FnOnce(&mut Noted)) {
    let _ = NOTED.try_with(|noted| change(&mut noted.borrow_mut()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_noted_belongs_to_its_request_alone() {
        let id = Uuid::from_u128(7);
        let lacking = noting(async {
            note_caller(ActorKind::ApiToken, id);
            tokio::task::yield_now().await;
            note_error(&Error::NotFound("run"));
            note_error(&Error::Forbidden(Permission::RunsDecide));
            1
        });
        let other = noting(async {
            tokio::task::yield_now().await;
            note_error(&Error::ProveAgain);
            2
        });
        let ((one, noted), (two, others)) = tokio::join!(lacking, other);
        assert_eq!((one, two), (1, 2));
        assert_eq!(noted.caller, Some((ActorKind::ApiToken, id)));
        assert_eq!(noted.why, Some(Why::Permission(Permission::RunsDecide)));
        assert_eq!((others.caller, others.why), (None, Some(Why::ProofWanted)));
        note_why(Why::OtherSite);
        let ((), nothing) = noting(async {}).await;
        assert_eq!(nothing, Noted::default());
    }
}
