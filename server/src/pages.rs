//! The interface's files, until it has pages.

use axum::{Router, http::StatusCode};

use crate::config::SiteFiles;

/// The files of the site.
pub fn router(site: &SiteFiles) -> Router {
    crate::site::files(site, async || StatusCode::NOT_FOUND)
}
