//! A code that somebody typed: what their authenticator app shows, or a recovery code. One field
//! takes both.

use domain::second_factor::Way;

use super::{authenticator, recovery_codes};
use crate::{Backend, Origin, Result, auth::slow_down, store::sessions::Whose};

/// Which of somebody's codes this is; none where it is none. It is used up then. Tries slow
/// down the next ones, by whose it is: whoever tries has the password already, or a session.
pub(in crate::auth) async fn check_code(
    b: &Backend,
    whose: Whose,
    typed: &str,
    origin: &Origin,
) -> Result<Option<Way>> {
    let subject = slow_down::Subject::second_factor_of(whose);
    slow_down::count_try(b, &[&subject], origin).await?;
    let way = if authenticator::take_code(b, whose, typed).await? {
        Way::Authenticator
    } else if recovery_codes::take_code(b, whose, typed).await? {
        Way::RecoveryCode
    } else {
        return Ok(None);
    };
    let mut tx = b.db.write().await?;
    slow_down::forget(&mut tx, &subject).await?;
    tx.commit().await?;
    Ok(Some(way))
}
