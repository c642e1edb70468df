//! Integrations: the list, adding one, one with its tabs, deleting one.

mod add;
mod api;
mod attributes;
mod completion;
mod configuration;
mod delete;
mod editor;
mod empty;
mod extensions;
mod filters;
mod group_field;
mod groups;
mod guard;
mod head;
mod leaving;
mod list;
mod pause;
mod protected;
mod sections;
mod settings;
mod sync_now;
mod timing;
mod why;

pub use add::AddDialog;
pub use attributes::AttributesTab;
pub use configuration::ConfigurationTab;
pub use delete::DeleteDialog;
pub use filters::FiltersTab;
pub use groups::GroupsTab;
pub use head::IntegrationPage;
pub use list::IntegrationsPage;
pub use pause::PauseDialog;
pub use sync_now::SyncNow;
pub use why::WhyTab;
