//! What the OpenAPI description says besides the calls.

use utoipa::{
    OpenApi,
    openapi::{
        InfoBuilder, OpenApiBuilder, PathItem, SecurityRequirement,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::problem::{Problem, refusals};

const ABOUT: &str = "Keeps many customers’ directories in step with their identity sources.\n\n\
Sign in with a token: `Authorization: Bearer rc_…`, made on the page API Tokens or with `rollcall token create`. \
Times are RFC 3339 in UTC. Lists answer `items` and `next`; pass `next` as `cursor` for the rows \
that follow. Refusals are `application/problem+json` (RFC 9457), looked at in this order: 401; \
404 for what in the path may not be seen; 403; 400 and 422 for the body; 409.";

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Frame;

/// The description without calls.
pub fn frame() -> utoipa::openapi::OpenApi {
    let mut frame: utoipa::openapi::OpenApi = OpenApiBuilder::from(Frame::openapi())
        .info(
            InfoBuilder::new()
                .title("Rollcall")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .build(),
        )
        .security(Some([SecurityRequirement::new(
            "token",
            Vec::<String>::new(),
        )]))
        .build();
    if let Some(components) = &mut frame.components {
        components.add_security_scheme(
            "token",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    }
    frame
}

/// The refusals of a body before it is read.
const OF_BODIES: [(&str, &str); 2] = [
    (
        "413",
        "The body is larger than 1 MiB, or a file than 32 MiB",
    ),
    ("415", "The body isn’t said to be JSON"),
];

/// Every call of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

/// Adds what every call with a body may answer for it.
pub fn add_refusals_of_bodies(description: &mut utoipa::openapi::OpenApi) {
    let calls = description.paths.paths.values_mut().flat_map(operations);
    for call in calls.filter(|call| call.request_body.is_some()) {
        call.responses.responses.extend(refusals(&OF_BODIES));
    }
}

/// Gives each call an id of its own, its noun and its handler such as `users_list`: generators of
/// clients make functions of them, and OpenAPI wants them unique (OpenAPI 3.1, Operation Object).
pub fn name_operations(description: &mut utoipa::openapi::OpenApi) {
    for operation in description.paths.paths.values_mut().flat_map(operations) {
        let noun = operation.tags.iter().flatten().next();
        if let (Some(noun), Some(handler)) = (noun, &operation.operation_id) {
            let noun = noun.to_lowercase().replace(' ', "_");
            operation.operation_id = Some(format!("{noun}_{handler}"));
        }
    }
}
