//! Whether the time of an answer tells that something is there: for each kind of object, an id that is
//! another customer's beside one that never was.
//!
//! Each round asks for both, and for a second one that never was, by turns; what the two that never were
//! differ in is what this machine can't tell. Compared are medians.

use std::time::Instant;

use backend::{
    Backend, Origin,
    auth::{self, command_line_scope},
    store::{audit, customers, grid},
};
use domain::{
    grid::{GridList, NewSavedView},
    id::CustomerId,
    permission::Role,
};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    Result, median,
    server::{self, Server},
};

/// Rounds of each kind.
const ROUNDS: u32 = 600;
/// Rounds before, which aren't counted.
const BEFORE: u32 = 30;
/// A difference is one where it is more than so many times what two that never were differ in, and more
/// than that part of the median.
const TIMES_THE_NOISE: f64 = 3.0;
const PART_OF_MEDIAN: f64 = 0.03;

/// A call about one object, and the id of one that is another customer's.
struct Kind {
    what: &'static str,
    method: Method,
    /// With `{id}`.
    path: &'static str,
    body: Option<Value>,
    foreign: String,
}

/// Whoever asks for what isn't theirs.
struct Asker<'a> {
    client: Client,
    origin: &'a str,
    token: String,
}

impl Asker<'_> {
    fn request(&self, method: &Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.origin);
        let request = self.client.request(method.clone(), url);
        let request = request.bearer_auth(&self.token);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Makes something; answers its id.
    async fn make(&self, path: &str, body: &Value, status: StatusCode) -> Result<String> {
        let request = self.request(&Method::POST, path, Some(body));
        server::id(&server::read(request, status).await?)
    }

    /// How long a refusal takes, in milliseconds.
    async fn refused(&self, kind: &Kind, id: &str) -> Result<f64> {
        let path = kind.path.replace("{id}", id);
        let request = self.request(&kind.method, &path, kind.body.as_ref());
        let begun = Instant::now();
        server::read(request, StatusCode::NOT_FOUND).await?;
        Ok(begun.elapsed().as_secs_f64() * 1_000.0)
    }
}

async fn asker<'a>(
    b: &Backend,
    server: &'a Server,
    role: Role,
    customers: Option<&[CustomerId]>,
) -> Result<Asker<'a>> {
    Ok(Asker {
        client: server::client()?,
        origin: &server.origin,
        token: server::token(b, role, customers).await?,
    })
}

/// Measures and prints them.
pub async fn measure(b: &Backend, server: &Server) -> Result<()> {
    let scope = command_line_scope();
    let one = customers::create(b, &scope, "One").await?.id;
    let other = customers::create(b, &scope, "Other").await?.id;
    let owner = asker(b, server, Role::Owner, None).await?;
    let kinds = kinds(b, &owner, one).await?;
    let of_other = asker(b, server, Role::Administrator, Some(&[other])).await?;
    println!(
        "Medians of {ROUNDS} refusals each, in milliseconds; noise: between two that never were.\n"
    );
    println!("| id of | another’s | of nothing | difference | noise | |");
    println!("| --- | ---: | ---: | ---: | ---: | --- |");
    for kind in &kinds {
        let [mut foreign, mut never, mut again] = [(); 3].map(|()| Vec::new());
        for round in 0..BEFORE + ROUNDS {
            // Who comes first changes, or the second of them would find everything warm.
            let mut turns = [
                (kind.foreign.clone(), &mut foreign),
                (b.ids.uuid().to_string(), &mut never),
                (b.ids.uuid().to_string(), &mut again),
            ];
            turns.rotate_left(usize::try_from(round % 3)?);
            for (id, times) in turns {
                let took = of_other.refused(kind, &id).await?;
                if round >= BEFORE {
                    times.push(took);
                }
            }
        }
        let (foreign, never) = (median(&mut foreign), median(&mut never));
        let noise = (never - median(&mut again)).abs();
        let difference = foreign - never;
        let tells =
            difference.abs() > TIMES_THE_NOISE * noise && difference.abs() > PART_OF_MEDIAN * never;
        let verdict = if tells { "**look**" } else { "alike" };
        println!(
            "| {} | {foreign:.3} | {never:.3} | {difference:+.3} | {noise:.3} | {verdict} |",
            kind.what
        );
    }
    println!();
    Ok(())
}

/// One of each kind of one customer.
async fn kinds(b: &Backend, owner: &Asker<'_>, customer: CustomerId) -> Result<Vec<Kind>> {
    let of = |noun: &str| format!("/customers/{customer}/{noun}");
    let made = StatusCode::CREATED;
    let profile = json!({
        "customer_id": customer, "name": "Own", "kind": "client_secret", "client_secret": "x",
        "client_id": "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
    });
    let profile = owner.make("/credential-profiles", &profile, made).await?;
    let integration = json!({
        "kind": "entra_id", "tenant": "contoso.example", "credential_profile_id": profile,
    });
    let integration = owner.make(&of("integrations"), &integration, made).await?;
    let runs = format!("/integrations/{integration}/runs");
    let run = json!({ "mode": "full" });
    let run = owner.make(&runs, &run, StatusCode::ACCEPTED).await?;
    let user = json!({ "display_name": "Ada", "user_principal_name": "ada@example.com" });
    let user = owner.make(&of("users"), &user, made).await?;
    let group = json!({ "display_name": "Board" });
    let group = owner.make(&of("groups"), &group, made).await?;
    let recipient = json!({ "kind": "mail", "address": "ada@example.com" });
    let recipients = of("notification-recipients");
    let recipient = owner.make(&recipients, &recipient, made).await?;
    let link = json!({ "credential_profile_id": profile, "tenant": "consent.example" });
    let template = json!({ "name": "Standard" });
    let bulk = json!({ "list": "users", "action": "protect", "ids": [user] });
    let token = token_id(b, customer).await?;
    let (approve, pause) = (json!({ "object_type": "user", "reason": "T-1" }), json!({}));
    let kind = |what, method, path, body, foreign| Kind {
        what,
        method,
        path,
        body,
        foreign,
    };
    let get = |what, path, foreign| kind(what, Method::GET, path, None, foreign);
    let held = held(b, &run).await?;
    Ok(vec![
        get("customer", "/customers/{id}", customer.to_string()),
        get("credential profile", "/credential-profiles/{id}", profile),
        kind(
            "integration, changed",
            Method::POST,
            "/integrations/{id}/pause",
            Some(pause),
            integration.clone(),
        ),
        get("integration", "/integrations/{id}", integration),
        get("run", "/runs/{id}", run),
        kind(
            "held run, decided",
            Method::POST,
            "/runs/{id}/approve",
            Some(approve),
            held,
        ),
        get("group", "/groups/{id}", group),
        get("recipient", "/notification-recipients/{id}", recipient),
        get(
            "consent link",
            "/consent-links/{id}",
            owner.make(&of("consent-links"), &link, made).await?,
        ),
        get(
            "policy template",
            "/policy-templates/{id}",
            owner.make("/policy-templates", &template, made).await?,
        ),
        get(
            "bulk change",
            "/bulk-changes/{id}",
            owner.make(&of("bulk-changes"), &bulk, made).await?,
        ),
        get("user", "/users/{id}", user),
        get("API token", "/api-tokens/{id}", token),
        get("import", "/imports/{id}", import(b, customer).await?),
        get(
            "audit event",
            "/audit-events/{id}",
            entry(b, customer).await?,
        ),
        kind(
            "saved view, changed",
            Method::PATCH,
            "/saved-views/{id}",
            Some(json!({ "name": "Ours" })),
            view(b, customer).await?,
        ),
    ])
}

/// Has the run wait for a decision.
async fn held(b: &Backend, run: &str) -> Result<String> {
    let mut tx = b.db.write().await?;
    let id: domain::id::RunId = run.parse()?;
    backend::execute!(&mut tx, "UPDATE run SET status = 'held' WHERE id = $1", id)?;
    tx.commit().await?;
    Ok(run.to_owned())
}

async fn token_id(b: &Backend, customer: CustomerId) -> Result<String> {
    use backend::store::tokens;
    use domain::api_token::NewApiToken;
    let new = NewApiToken {
        customer_ids: Some(vec![customer]),
        ..NewApiToken::of_everything("theirs", Role::ReadOnly)
    };
    let (token, _) = tokens::create(b, &command_line_scope(), new).await?;
    Ok(token.id.to_string())
}

async fn import(b: &Backend, customer: CustomerId) -> Result<String> {
    use backend::store::imports;
    let file = b"upn,name\nimported@x.example,Imported\n".to_vec();
    let scope = command_line_scope();
    let import = imports::from_file(b, &scope, customer, "users.csv", file, None).await?;
    Ok(import.id.to_string())
}

/// An entry of the audit log about the customer.
async fn entry(b: &Backend, customer: CustomerId) -> Result<String> {
    let query = audit::AuditQuery {
        filter: audit::AuditFilter {
            customer_id: Some(customer),
            ..audit::AuditFilter::default()
        },
        page: domain::paging::PageRequest::new(1, 10),
        direction: domain::paging::Direction::Descending,
    };
    let page = audit::list(b, &command_line_scope(), query).await?;
    let entry = page.items.first().ok_or("the audit log is empty")?;
    Ok(entry.id.to_string())
}

/// A view that isn't shared.
async fn view(b: &Backend, customer: CustomerId) -> Result<String> {
    let email = "viewer@example.com";
    let password = "a heron upon the reeds".into();
    let operator = auth::add_operator(b, email, "Viewer", Role::ReadOnly, password).await?;
    let origin = Origin::page([127, 0, 0, 1].into(), "bench");
    let scope = auth::operator_scope(b, operator.id, origin).await?;
    let new = NewSavedView {
        list: GridList::Users,
        name: "Inactive".to_owned(),
        query: format!("customer={customer}&status=inactive"),
        shared: false,
        is_default: false,
    };
    Ok(grid::save(b, &scope, new).await?.id.to_string())
}
