//! Answers that a spreadsheet opens. The rows are made, and made safe, by the backend.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

/// A CSV answer that is saved as `NAME.csv`. `name` is one of ours, of a–z and hyphens.
pub fn answer(name: &'static str, body: Body) -> Response {
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}.csv\""))
        .expect("the names given here are letters and hyphens");
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
        ),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, body).into_response()
}
