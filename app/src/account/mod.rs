//! Getting in, and one's own account: the first start, Sign in, accounts of providers, invitations
//! and forgotten passwords, My Account.

mod forgot;
mod invitation;
mod mine;
mod providers;
mod setup;
mod sign_in;

pub use forgot::{ForgotPage, ResetPage};
pub use invitation::InvitationPage;
pub use mine::AccountPage;
pub use setup::SetupPage;
pub use sign_in::SignInPage;
