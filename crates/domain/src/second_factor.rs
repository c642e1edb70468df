//! What operators, and users of a directory, prove themselves with beside a password: an
//! authenticator app, recovery codes for when it isn’t at hand, and for operators passkeys.

use serde::{Deserialize, Serialize};

use crate::{DateTime, id::PasskeyId, permission::Role, text_enum};

/// How many recovery codes there are at a time.
pub const RECOVERY_CODES: usize = 10;
/// The most passkeys of one operator: more than anybody has devices.
pub const PASSKEYS_MAX: i64 = 20;
/// Digits of an authenticator app's code.
pub const CODE_DIGITS: usize = 6;

text_enum! {
    /// A way to prove who one is.
    pub enum Way {
        /// With a passkey, which is two factors in one: the device, and what unlocks it.
        Passkey = "passkey",
        /// With the code that an authenticator app shows.
        Authenticator = "authenticator",
        /// With one of the codes that were kept for when nothing else is at hand.
        RecoveryCode = "recovery_code",
        /// With the password.
        Password = "password",
    }
}

/// A passkey, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct PasskeyLine {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: DateTime,
    /// When it was last given.
    pub last_used_at: Option<DateTime>,
}

/// The second factors of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SecondFactors {
    /// Since when there is an authenticator app.
    pub authenticator_since: Option<DateTime>,
    /// Passkeys, the oldest first.
    pub passkeys: Vec<PasskeyLine>,
    /// Recovery codes that were not used yet.
    pub recovery_codes: i64,
    /// Whether their role needs one, so that the last can't be removed. Never of a user of a directory.
    pub required: bool,
}

impl SecondFactors {
    /// How many there are. Recovery codes stand in for one, and are none.
    pub fn count(&self) -> usize {
        usize::from(self.authenticator_since.is_some()) + self.passkeys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The ways to prove that one is this operator, the best first. A password is one only where
    /// there is nothing better.
    pub fn ways(&self, has_password: bool) -> Vec<Way> {
        let mut ways = Vec::new();
        if !self.passkeys.is_empty() {
            ways.push(Way::Passkey);
        }
        if self.authenticator_since.is_some() {
            ways.push(Way::Authenticator);
        }
        if self.is_empty() {
            if has_password {
                ways.push(Way::Password);
            }
        } else if self.recovery_codes > 0 {
            ways.push(Way::RecoveryCode);
        }
        ways
    }

    /// What there is, in a few words: "Authenticator app, 2 passkeys".
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        if self.authenticator_since.is_some() {
            parts.push("Authenticator app".to_owned());
        }
        match self.passkeys.len() {
            0 => {}
            1 if parts.is_empty() => parts.push("A passkey".to_owned()),
            1 => parts.push("a passkey".to_owned()),
            n => parts.push(format!("{n} passkeys")),
        }
        if parts.is_empty() {
            "None".to_owned()
        } else {
            parts.join(", ")
        }
    }
}

/// What is asked of somebody who gave the right password, before they are signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedMore {
    /// Whom the password is of: what they sign in with.
    pub email: String,
    /// What they can give; empty where they have to set one up first.
    pub ways: Vec<Way>,
    /// Their role needs a second factor, and they have none: they have to set one up first.
    pub must_set_up: bool,
}

/// An authenticator app to be set up: what it has to be told, and what to send back with its
/// first code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticatorOffer {
    /// The key in base 32, in groups of four, to be typed.
    pub key: String,
    /// The same as the address that the app understands.
    pub uri: String,
    /// How many modules wide and high the QR code of the address is, with its quiet zone.
    pub qr_width: u32,
    /// The dark modules of the QR code, as the path of an SVG.
    pub qr_path: String,
    /// The key, sealed for who asked.
    pub sealed: String,
}

/// New recovery codes, which are good once they are sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodesOffer {
    /// The codes.
    pub codes: Vec<String>,
    /// The same, sealed for who asked.
    pub sealed: String,
}

/// What a browser is told to ask a passkey for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyQuestion {
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`
    /// (Web Authentication Level 3, §5.1.9 and §5.1.10), as text.
    pub options: String,
}

/// The roles that need a second factor, in the order of what they may do.
pub fn sorted(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_a_way_only_where_there_is_nothing_better() {
        let passkey = PasskeyLine {
            id: PasskeyId(uuid::Uuid::nil()),
            name: "Laptop".to_owned(),
            created_at: DateTime::default(),
            last_used_at: None,
        };
        let none = SecondFactors {
            recovery_codes: 3,
            ..SecondFactors::default()
        };
        assert_eq!(none.ways(true), [Way::Password]);
        assert_eq!(none.ways(false), []);
        assert_eq!(none.summary(), "None");
        let app = SecondFactors {
            authenticator_since: Some(DateTime::default()),
            ..SecondFactors::default()
        };
        assert_eq!(app.ways(true), [Way::Authenticator]);
        let all = SecondFactors {
            passkeys: vec![passkey],
            recovery_codes: 1,
            ..app
        };
        assert_eq!(
            all.ways(true),
            [Way::Passkey, Way::Authenticator, Way::RecoveryCode]
        );
        assert_eq!(all.summary(), "Authenticator app, a passkey");
    }
}
