//! What a person at the settings of an integration asks of its tenant: Test Connection, and
//! groups by their name; and what the tenant's administrator does with a consent link. Runs read on
//! their own, in `sync`.

mod checks;
mod connection;
mod consent;
mod groups;
#[cfg(test)]
mod tests;

use domain::{run::RunError, tenant::Tenant};
use graph::{Client, Credential};

pub use connection::{test_connection, test_saved, test_second};
pub use consent::{
    CameBack, Onward, check_consent, consent_came_back, follow_consent, send_to_consent,
};
pub use groups::{SEARCH_CHARS_MIN, group_search};

use crate::{Backend, Error, Result};

/// A client for one tenant. Nothing is sent yet.
pub(crate) fn client(
    b: &Backend,
    cloud: &str,
    tenant: &str,
    credential: Credential,
) -> Result<Client> {
    let known = b.clouds.get(cloud).ok_or_else(|| cloud_unknown(cloud))?;
    let cloud = graph::Cloud::parse(known.authority.as_str(), known.graph.as_str())
        .map_err(|error| source(&error))?;
    let tenant = Tenant::parse(tenant)?;
    let tenant = graph::Tenant::parse(tenant.as_str()).map_err(|error| source(&error))?;
    Ok(b.graph.client(cloud, tenant, credential))
}

fn cloud_unknown(cloud: &str) -> Error {
    Error::Source(RunError {
        code: "cloud_unknown".to_owned(),
        title: "The cloud is not configured".to_owned(),
        detail: format!("The configuration of this installation has no cloud “{cloud}”."),
        fix: "Add the cloud to the configuration, or delete the integration.".to_owned(),
    })
}

/// What Entra or Graph said, in the words of the API.
pub(crate) fn words(error: &graph::Error) -> RunError {
    RunError {
        code: error.code().to_owned(),
        title: error.title(),
        detail: error.detail(),
        fix: error.fix(),
    }
}

pub(crate) fn source(error: &graph::Error) -> Error {
    Error::Source(words(error))
}
