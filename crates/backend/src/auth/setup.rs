//! The first owner: made once, by who can read the setup code on the machine.

use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
};

use domain::permission::Role;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::{
    Half, SignedIn, created, has_no_operator, insert, needs_owner, operator_actor, second_factor,
    slow_down, with_password,
};
use crate::{Backend, Error, Origin, Result, execute, private_files, store::audit};

/// Letters and digits that can't be taken for each other (Crockford's base 32).
pub(super) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 26 letters of 5 bits: 130 bits.
const LETTERS: usize = 26;
/// They are shown in groups of five; the last one has what is left.
const GROUPS: usize = 5;

/// The setup code while there is no operator: read from `<data_dir>/setup-code`, or made there
/// with mode 0600. None, and no file, once an operator exists.
pub async fn setup_code(b: &Backend) -> Result<Option<String>> {
    if !needs_owner(b).await? {
        remove(b)?;
        return Ok(None);
    }
    let file = file(b);
    match std::fs::read_to_string(&file) {
        Ok(code) if !code.trim().is_empty() => return Ok(Some(code.trim().to_owned())),
        Ok(_) => remove(b)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file("read the setup code in", &file, &error)),
    }
    let code = make(b);
    let made = private_files::make(&file).and_then(|mut open| writeln!(open, "{code}"));
    match made {
        Ok(()) => Ok(Some(code)),
        Err(error) => Err(Error::file("keep the setup code in", &file, &error)),
    }
}

/// What somebody gives to become the first owner.
#[derive(Debug)]
pub struct FirstOwner {
    /// The setup code.
    pub code: String,
    /// Their mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their password.
    pub password: SecretString,
    /// Whether owners and administrators need a second factor from now on: then they set one up
    /// themselves before they are signed in.
    pub require_second_factor: bool,
}

/// Makes the first owner, and signs them in, or half in. Refused once there is an operator; the code
/// is gone then.
pub async fn create_first_owner(
    b: &Backend,
    given: FirstOwner,
    origin: &Origin,
) -> Result<SignedIn> {
    let Some(expected) = setup_code(b).await? else {
        return Err(exists());
    };
    let subject = slow_down::Subject::setup(origin.address());
    slow_down::count_try(b, &[&subject], origin).await?;
    if digest(&given.code) != digest(&expected) {
        let message = "This is not the setup code. It is on the server’s first lines of output and in the file setup-code of its data folder.";
        return Err(Error::invalid("code", message));
    }
    let (email, name) = (&given.email, &given.name);
    let new = with_password(b, email, name, Role::Owner, given.password).await?;
    let hash = new.password_hash.clone().unwrap_or_default();

    let mut tx = b.db.write().await?;
    slow_down::forget(&mut tx, &subject).await?;
    // Who comes second waits here for the first, on PostgreSQL too.
    execute!(&mut tx, "UPDATE installation SET id = id")?;
    if !has_no_operator(&mut tx).await? {
        return Err(exists());
    }
    let operator = insert(b, &mut tx, new).await?;
    let actor = operator_actor(&operator);
    audit::record_as(b, &mut tx, actor, origin, created(&operator)).await?;
    if given.require_second_factor {
        second_factor::require_at_first(b, &mut tx, actor, origin).await?;
    }
    tx.commit().await?;
    remove(b)?;
    Ok(if given.require_second_factor {
        SignedIn::Half(Half::new(b, operator.id, &hash))
    } else {
        SignedIn::Whole(operator)
    })
}

fn exists() -> Error {
    Error::conflict("There is an owner already. Sign in, or ask them for an account.")
}

fn file(b: &Backend) -> PathBuf {
    b.settings.data_dir.join("setup-code")
}

fn remove(b: &Backend) -> Result<()> {
    let file = file(b);
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::file("remove the setup code in", &file, &error))
        }
        _ => Ok(()),
    }
}

fn make(b: &Backend) -> String {
    let mut bytes = [0_u8; LETTERS];
    b.ids.fill(&mut bytes);
    let mut code = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % GROUPS == 0 && at < GROUPS * GROUPS {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    code
}

/// Compared as hashes, so that the time it takes tells nothing about the code. Hyphens, blanks
/// and small letters are how people type.
fn digest(code: &str) -> [u8; 32] {
    let letters: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    Sha256::digest(letters).into()
}
