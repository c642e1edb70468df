//! What the calls about versions have in common, whatever the versions are of.

use backend::{
    Backend, Error,
    store::versions::{self, Versioned},
};
use domain::{
    paging::ListRequest,
    settings::{SettingsDifference, version::Version},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{caller::Caller, input::Query, problem::Result};

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
}

/// What a version is compared with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// The number of another version; the present settings where absent.
    against: Option<i64>,
}

impl Caller {
    /// The part of a list of versions that is asked for.
    pub fn versions_request(&self, b: &Backend, query: &Query) -> Result<ListRequest> {
        let Listed { limit, cursor } = query.parse()?;
        self.list_request(b, limit, cursor.as_deref(), None)
    }

    /// One version.
    pub async fn version<S: Versioned>(
        &self,
        b: &Backend,
        id: S::Id,
        number: i64,
    ) -> Result<Version<S>> {
        self.found(versions::get(b, &self.0, id, number).await)
    }

    /// What restoring a version would change, or how it differs from the one that the query names.
    pub async fn version_difference<S: Versioned>(
        &self,
        b: &Backend,
        id: S::Id,
        number: i64,
        query: &Query,
    ) -> Result<SettingsDifference> {
        self.version::<S>(b, id, number).await?;
        let against = query.parse::<Against>()?.against;
        versions::difference::<S>(b, &self.0, id, number, against)
            .await
            .map_err(|error| match error {
                // The first was found.
                Error::NotFound("version") => self.blamed("against", "version", error),
                error => self.refused(error),
            })
    }
}
