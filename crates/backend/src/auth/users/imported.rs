//! Passwords that an import brings.

use secrecy::SecretString;

use crate::{
    Backend, Error, Result,
    auth::password::{self, Whose},
};

/// Refuses a password that nobody may have, whoever they are; blames `field`.
pub(crate) async fn may_be_set(b: &Backend, field: &str, password: SecretString) -> Result<()> {
    let whose = Whose {
        name: "",
        email: "",
    };
    password::accept(b, field, password, whose).await.map(drop)
}

/// The hash of a password that may be set, else why it may not. The rules are those of a password that
/// people choose themselves.
pub(crate) async fn hash_imported(
    b: &Backend,
    password: SecretString,
    name: &str,
    user_name: &str,
) -> Result<std::result::Result<String, String>> {
    let whose = Whose {
        name,
        email: user_name,
    };
    match password::accept(b, "password", password, whose).await {
        Ok(accepted) => password::hash(b, accepted).await.map(Ok),
        Err(Error::Invalid(error)) => Ok(Err(error.message)),
        Err(error) => Err(error),
    }
}
