//! Getting in, and one's own account: the first start, Sign in with its second factor, accounts of
//! providers, invitations and forgotten passwords, My Account.

mod forgot;
mod half;
mod invitation;
mod mine;
mod passkeys;
mod providers;
mod recovery_codes;
mod second_factor;
mod setup;
mod sign_in;

pub use forgot::{ForgotPage, ResetPage};
pub use half::{SecondFactorPage, SetUpPage};
pub use invitation::InvitationPage;
pub use mine::AccountPage;
pub use passkeys::{AddPasskeyDialog, PasskeyDialog};
pub use recovery_codes::RecoveryCodesDialog;
pub use second_factor::{AuthenticatorDialog, RemoveAuthenticatorDialog};
pub use setup::SetupPage;
pub use sign_in::SignInPage;
