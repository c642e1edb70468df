//! What the pages of settings files ask the server.

use domain::{
    id::{CustomerId, IntegrationId, SettingsDraftId},
    settings::file::ImportPlan,
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{error::AppResult, routes, ui::form::Done};

/// What a file is exported from and imported into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// One integration.
    Integration(IntegrationId),
    /// A customer.
    Customer(CustomerId),
}

impl Subject {
    /// The page of its file.
    pub fn page(self) -> String {
        match self {
            Self::Integration(id) => routes::integration_file(id),
            Self::Customer(id) => routes::customer_file(id),
        }
    }

    /// The file itself.
    pub fn file(self, format: &str) -> String {
        match self {
            Self::Integration(id) => routes::settings_file("integration", id, format),
            Self::Customer(id) => routes::settings_file("customer", id, format),
        }
    }

    /// The name of its field in a form, and its id.
    pub fn field(self) -> (&'static str, String) {
        match self {
            Self::Integration(id) => ("integration", id.to_string()),
            Self::Customer(id) => ("customer", id.to_string()),
        }
    }
}

#[cfg(feature = "ssr")]
mod asked {
    use backend::store::settings_files::{Draft, Import, Of};
    use domain::id::{CustomerId, IntegrationId};

    use super::Subject;
    use crate::error::{AppError, AppResult};

    /// What a form names.
    pub fn of(
        integration: Option<IntegrationId>,
        customer: Option<CustomerId>,
    ) -> AppResult<Subject> {
        match (integration, customer) {
            (Some(id), None) => Ok(Subject::Integration(id)),
            (None, Some(id)) => Ok(Subject::Customer(id)),
            _ => Err(AppError::NotFound {
                what: "integration".to_owned(),
            }),
        }
    }

    impl Subject {
        /// The same for the store.
        pub const fn of(self) -> Of {
            match self {
                Self::Integration(id) => Of::Integration(id),
                Self::Customer(id) => Of::Customer(id),
            }
        }
    }

    /// What is wrong with a file, at the field in which it was given.
    pub fn at_field(error: backend::Error) -> AppError {
        match AppError::from(error) {
            AppError::Invalid(error) => AppError::invalid("content", error.message),
            other => other,
        }
    }

    /// How a draft is imported.
    pub fn import<'a>(draft: &'a Draft, hash: Option<&'a str>) -> Import<'a> {
        Import {
            text: &draft.text,
            find_groups: draft.find_groups,
            hash,
        }
    }
}

/// Keeps a file to look at, and leads to the page with its difference. Nothing is saved.
#[server(endpoint = "settings-files/look")]
pub(crate) async fn look_at_file(
    integration: Option<IntegrationId>,
    customer: Option<CustomerId>,
    content: String,
    #[server(default)] find_groups: bool,
) -> AppResult<Done> {
    use backend::store::settings_files::keep_draft;
    let (backend, scope) = crate::session::caller().await?;
    let into = asked::of(integration, customer)?;
    let draft = keep_draft(&backend, &scope, into.of(), &content, find_groups)
        .await
        .map_err(asked::at_field)?;
    crate::session::done("", Some(routes::with_draft(&into.page(), draft))).await
}

/// What importing the file that was kept would change.
#[server(endpoint = "settings-files/plan", input = Json)]
pub(crate) async fn plan_import(into: Subject, draft: SettingsDraftId) -> AppResult<ImportPlan> {
    use backend::store::settings_files::{self, plan_customer, plan_integration};
    let (backend, scope) = crate::session::caller().await?;
    let kept = settings_files::draft(&backend, &scope, into.of(), draft).await?;
    let import = asked::import(&kept, None);
    Ok(match into {
        Subject::Integration(id) => plan_integration(&backend, &scope, id, &import).await?,
        Subject::Customer(id) => plan_customer(&backend, &scope, id, &import).await?,
    })
}

/// Imports the file that was kept, where the settings are still those it was compared with.
#[server(endpoint = "settings-files/import")]
pub(crate) async fn import_file(
    integration: Option<IntegrationId>,
    customer: Option<CustomerId>,
    draft: SettingsDraftId,
    hash: String,
) -> AppResult<Done> {
    use backend::store::settings_files::{self, import_customer, import_integration};
    let (backend, scope) = crate::session::caller().await?;
    let into = asked::of(integration, customer)?;
    let kept = settings_files::draft(&backend, &scope, into.of(), draft).await?;
    let import = asked::import(&kept, Some(&hash));
    let to = match into {
        Subject::Integration(id) => {
            import_integration(&backend, &scope, id, &import).await?;
            routes::integration(id)
        }
        Subject::Customer(id) => {
            import_customer(&backend, &scope, id, &import).await?;
            routes::customer(id)
        }
    };
    crate::session::done("The settings were imported", Some(to)).await
}

/// The name of the customer whose page it is.
#[server(endpoint = "settings-files/customer", input = Json)]
pub(crate) async fn name_customer(id: CustomerId) -> AppResult<(CustomerId, String)> {
    let (backend, scope) = crate::session::caller().await?;
    let customer = backend::store::customers::get(&backend, &scope, id).await?;
    Ok((customer.id, customer.name))
}
