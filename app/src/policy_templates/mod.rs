//! Policy templates: the list, one with its followers and versions, changing one or restoring a version
//! of it with its effect shown first, and how an integration stands to the one it follows.

mod api;
mod change;
mod drift;
mod edit;
mod list;
mod template;
mod versions;

pub use change::{AddDialog, DeleteDialog, RenameDialog};
pub use drift::{FollowDialog, LeaveDialog, TemplateTab};
pub use edit::EditPage;
pub use list::TemplatesPage;
pub use template::TemplatePage;
pub use versions::{RestoreDialog, VersionPage, VersionsPage};

use crate::session::use_operator;
use domain::permission::Permission;

/// Whether the person may make and change templates. A courtesy, as everywhere: the server refuses it
/// anyway.
fn may_make() -> bool {
    let operator = use_operator();
    operator.sees_all && operator.role.allows(Permission::IntegrationsWrite)
}
