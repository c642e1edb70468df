//! What is kept, a file or a folder a noun. Every function that touches a customer's data takes
//! [`Scope`](crate::Scope); what the caller may not see is not found.

pub mod audit;
pub mod groups;
pub mod overview;
mod paging;
pub mod runs;
pub mod sessions;
pub mod tokens;
pub mod users;

use domain::id::CustomerId;

use crate::{Error, Result, Scope, Tx, fetch_scalar};

/// Refuses a customer that the caller may not see, and one in the bin.
async fn customer_in_use(tx: &mut Tx, scope: &Scope, id: CustomerId) -> Result<()> {
    let found = fetch_scalar!(
        tx,
        i64,
        concat!(
            "SELECT COUNT(*) FROM customer WHERE id = $3 AND deleted_at IS NULL AND ",
            crate::in_scope!("id")
        ),
        scope.all(),
        scope.grantee(),
        id
    )?;
    if found == 1 {
        Ok(())
    } else {
        Err(Error::NotFound("customer"))
    }
}
