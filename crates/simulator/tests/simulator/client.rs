//! A client that hides nothing: every status, every header.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use simulator::{Control, Farm, FarmConfig, RunningFarm, TenantInfo};

/// A farm on a port, and its first tenant with a token.
pub struct Client {
    http: reqwest::Client,
    running: RunningFarm,
    token: String,
    pub tenant: TenantInfo,
    pub control: Control,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body; null where it isn't JSON.
    pub json: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and code of a refusal by Graph.
    pub fn refusal(&self) -> (u16, &str) {
        let code = self.json["error"]["code"].as_str().unwrap_or_default();
        (self.status.as_u16(), code)
    }

    pub fn message(&self) -> &str {
        self.json["error"]["message"].as_str().unwrap_or_default()
    }

    /// The objects of a page.
    #[track_caller]
    pub fn value(&self) -> &[Value] {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json["value"].as_array().expect("a page has a value")
    }

    pub fn link(&self, name: &str) -> Option<String> {
        self.json
            .get(format!("@odata.{name}"))?
            .as_str()
            .map(str::to_owned)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator depends on none of ours"
)]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl Client {
    pub async fn start(config: FarmConfig) -> Self {
        let farm = Farm::new(config);
        let tenant = farm.tenants().remove(0);
        let running = farm.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let control = farm.control(tenant.tenant_id);
        let token = String::new();
        let mut client = Self {
            http: http(),
            running,
            token,
            tenant,
            control,
        };
        client.sign_in().await;
        client
    }

    /// A tenant of this many users, from seed 1.
    pub async fn with_users(users: usize) -> Self {
        Self::start(FarmConfig::with_users(1, users)).await
    }

    pub fn origin(&self) -> String {
        self.running.origin()
    }

    /// The fields of a right token request.
    pub fn form(&self) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.tenant.client_id.to_string()),
            ("client_secret", self.tenant.client_secret.clone()),
            ("scope", format!("{}/.default", self.origin())),
        ]
    }

    /// Takes a new token.
    pub async fn sign_in(&mut self) {
        let answer = self.token(&self.tenant.domain, &self.form()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.token = answer.json["access_token"].as_str().unwrap().into();
    }

    pub async fn token(&self, tenant: &str, form: &[(&'static str, String)]) -> Answer {
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.origin());
        read(self.http.post(url).form(form)).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.get_with(target, &[]).await
    }

    /// As the eventually consistent index is asked.
    pub async fn eventual(&self, target: &str) -> Answer {
        self.get_with(target, &[("consistencylevel", "eventual")])
            .await
    }

    pub async fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.call(Method::GET, target, headers, None).await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.call(Method::POST, target, &[], Some(body)).await
    }

    pub async fn call(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        read(self.request(method, target, headers, body)).await
    }

    pub fn request(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> reqwest::RequestBuilder {
        let url = if target.starts_with("http") {
            target.to_owned()
        } else {
            format!("{}{target}", self.origin())
        };
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            all.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let request = self
            .http
            .request(method, url)
            .bearer_auth(&self.token)
            .headers(all);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Every object behind the next links, and the last page.
    pub async fn all(&self, target: &str) -> (Vec<Value>, Answer) {
        let mut found = Vec::new();
        let mut page = self.get(target).await;
        loop {
            found.extend_from_slice(page.value());
            match page.link("nextLink") {
                Some(link) => page = self.get(&link).await,
                None => return (found, page),
            }
        }
    }
}

pub async fn read(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer {
        status,
        headers,
        json,
        text,
    }
}

/// The ids of objects.
pub fn ids(objects: &[Value]) -> Vec<String> {
    objects
        .iter()
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect()
}
