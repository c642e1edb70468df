//! The directory schema extensions of a tenant, as applications defined them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use super::error::GraphError;
use crate::directory::schema::{COST_CENTER, DIVISION};
use crate::reply::Reply;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    is_synced_from_on_premises: Option<bool>,
}

/// `POST /directoryObjects/getAvailableExtensionProperties`: all, or those that a sync from
/// on-premises brought, or the others.
pub(crate) fn answer(context: &Context) -> Result<Reply, GraphError> {
    let asked: Asked = serde_json::from_slice(&context.request.body).map_err(|error| {
        GraphError::bad_request(format!("Unable to read JSON request payload: {error}"))
    })?;
    let all = [
        (COST_CENTER, "Payroll connector", false),
        (DIVISION, "Tenant Schema Extension App", true),
    ];
    let wanted = asked.is_synced_from_on_premises;
    let listed: Vec<Value> = all
        .into_iter()
        .filter(|(_, _, synced)| wanted.is_none_or(|wanted| wanted == *synced))
        .map(|(name, application, synced)| {
            json!({
                "@odata.type": "#microsoft.graph.extensionProperty",
                "name": name,
                "appDisplayName": application,
                "dataType": "String",
                "isMultiValued": false,
                "isSyncedFromOnPremises": synced,
                "targetObjects": ["User"],
            })
        })
        .collect();
    let body = json!({
        "@odata.context": format!("{}/v1.0/$metadata#Collection(extensionProperty)", context.origin()),
        "value": listed,
    });
    Ok(Reply::graph(200, body.to_string()))
}
