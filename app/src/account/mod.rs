//! Getting in, and one's own account: the first start, Sign in, My Account.

mod mine;
mod setup;
mod sign_in;

pub use mine::AccountPage;
pub use setup::SetupPage;
pub use sign_in::SignInPage;
