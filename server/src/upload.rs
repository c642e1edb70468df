//! Files that a form of a page sends: a people's file to import. The browser sends it by itself, with
//! and without the browser code, and is led to the page of what came of it.

use app::{error::AppError, flash, routes};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartError},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, post},
};
use backend::{Backend, store::imports};
use domain::{id::CustomerId, import::FILE_BYTES_MAX, permission::Permission};
use tower_sessions::Session;

use crate::export::{Asking, Refused};

/// What a form has around its file.
const FORM_BYTES: usize = 64 * 1024;

/// What is answered: all that this file serves.
fn answers() -> [(&'static str, MethodRouter<Backend>); 1] {
    [(routes::IMPORT_FILE, post(import_file))]
}

/// The paths that are served.
pub fn paths() -> impl Iterator<Item = &'static str> {
    answers().into_iter().map(|(path, _)| path)
}

/// The routes.
pub fn router(backend: &Backend) -> Router {
    let router = Router::new();
    let serve = |router: Router<Backend>, (path, answer)| router.route(path, answer);
    let router = answers().into_iter().fold(router, serve);
    router
        .layer(DefaultBodyLimit::max(FILE_BYTES_MAX + FORM_BYTES))
        .with_state(backend.clone())
}

/// What the form brings.
#[derive(Debug, Default)]
struct Given {
    customer: Option<CustomerId>,
    name: String,
    bytes: Vec<u8>,
}

/// Makes a dry run of a file, and leads to it; back to the form where it is refused.
async fn import_file(
    State(backend): State<Backend>,
    session: Session,
    asking: Asking,
    form: Multipart,
) -> Result<Response, Refused> {
    let (_, scope) = asking.may(Permission::DirectoryWrite).await?;
    let mut given = Given::default();
    let read = read(form, &mut given).await;
    let Some(customer) = given.customer else {
        return Ok(without_customer(read));
    };
    let made = match read {
        Ok(()) if given.name.is_empty() && given.bytes.is_empty() => {
            Err(backend::Error::invalid("file", "Choose a file first."))
        }
        Ok(()) => {
            imports::from_file(&backend, &scope, customer, &given.name, given.bytes, None).await
        }
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(imports::too_large()),
        Err(_) => Err(backend::Error::invalid(
            "file",
            "The file did not arrive whole. Try again.",
        )),
    };
    Ok(match made {
        Ok(import) => Redirect::to(&routes::import(import.id)).into_response(),
        Err(error @ backend::Error::NotFound(_)) => return Err(Refused::of(error)),
        Err(error) => {
            let (page, form) = (routes::customer_imports(customer), routes::IMPORT_FILE);
            flash::leave_refusal(&session, &page, form, AppError::from(error)).await;
            Redirect::to(&page).into_response()
        }
    })
}

/// What is answered where it isn't known to which page the browser could be led back.
fn without_customer(read: Result<(), MultipartError>) -> Response {
    let (status, why) = match read {
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            (StatusCode::PAYLOAD_TOO_LARGE, imports::too_large())
        }
        Err(_) => (
            StatusCode::BAD_REQUEST,
            backend::Error::invalid("file", "The form did not arrive whole. Try again."),
        ),
        Ok(()) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            backend::Error::invalid(
                "customer",
                "The form doesn’t say into which customer’s directory, before its file.",
            ),
        ),
    };
    let why = AppError::from(why);
    (status, format!("{why} Nothing was imported.\n")).into_response()
}

async fn read(mut form: Multipart, given: &mut Given) -> Result<(), MultipartError> {
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("customer") => given.customer = field.text().await?.parse().ok(),
            Some("file") => {
                field
                    .file_name()
                    .unwrap_or_default()
                    .clone_into(&mut given.name);
                given.bytes = field.bytes().await?.into();
            }
            _ => {}
        }
    }
    Ok(())
}
