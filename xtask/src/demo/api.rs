//! The product's REST API as a program sees it (`/api/v1`).

use serde_json::Value;
use ureq::{Agent, http::Response};

use crate::error::Error;

/// A caller with a token.
pub struct Api {
    agent: Agent,
    base: String,
    token: String,
}

impl Api {
    /// `url` is the server's address without a path.
    pub fn new(url: &str, token: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        Self {
            agent,
            base: format!("{url}/api/v1"),
            token: token.to_owned(),
        }
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let answer = request.header("authorization", self.authorization()).call();
        read("GET", path, answer)
    }

    /// Sends `body` and returns the answer.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let answer = request
            .header("authorization", self.authorization())
            .send_json(body);
        read("POST", path, answer)
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

fn read(
    method: &str,
    path: &str,
    answer: Result<Response<ureq::Body>, ureq::Error>,
) -> Result<Value, Error> {
    let failed = |cause: String| {
        let what = format!("{method} /api/v1{path}: {cause}");
        Error::found(what, "look into the server's log, named above")
    };
    let mut answer = answer.map_err(|error| failed(error.to_string()))?;
    let status = answer.status();
    let body = answer
        .body_mut()
        .read_to_string()
        .map_err(|error| failed(error.to_string()))?;
    if !status.is_success() {
        return Err(failed(format!("{status}: {body}")));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body).map_err(|error| failed(format!("{error} in {body}")))
}
