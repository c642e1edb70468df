//! Accounts that users of a directory activate themselves: how a customer's people are invited, the
//! link of an invitation, and a user's own page.

mod activate;
mod customer;
mod own;
mod preview;
mod second_factor;
mod section;
mod sign_in;

pub use activate::ActivatePage;
pub use customer::{EnrolmentPage, InviteDialog};
pub use own::OwnAccountPage;
pub use second_factor::{
    AuthenticatorPage, RecoveryCodesPage, RemoveAuthenticatorPage, SecondFactorPage,
};
pub use section::{EnrolmentSection, state_mark};
pub use sign_in::{ForgotPage, SignInPage};
