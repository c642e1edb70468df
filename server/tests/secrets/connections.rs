//! What comes up with tenants, webhooks, links and programs.

use http::Method;
use serde_json::{Value, json};

use super::Story;
use crate::support::id;

/// A tenant with every kind of credential, right and wrong; answers the profile and the integration.
pub async fn tenant(story: &mut Story) -> (String, String) {
    let tenant = story.app.tenant().clone();
    story.text("a profile’s secret", &tenant.client_secret);
    let key_line = tenant.private_key_pem.lines().nth(1).unwrap();
    story.text("a line of a private key", key_line);
    let profile = story.app.profile().await;
    let path = format!("/customers/{}/integrations", story.customer);
    let integration = story.app.integration_body(&profile);
    let integration = id(&story.app.post(&path, integration).await.expect(201));
    let certificate = json!({
        "name": "With a certificate",
        "kind": "certificate",
        "client_id": tenant.client_id.to_string(),
        "certificate_pem": tenant.certificate_pem,
        "private_key_pem": tenant.private_key_pem,
    });
    sent(story, Method::POST, "/credential-profiles", certificate).await;

    let run = story.app.full_sync(&integration).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    let wrong = json!({ "client_secret": "a-secret-that-is-refused" });
    story.text("a secret that is refused", "a-secret-that-is-refused");
    let own = format!("/credential-profiles/{profile}");
    sent(story, Method::PATCH, &own, wrong.clone()).await;
    sent(story, Method::POST, "/credential-profiles", wrong).await;
    let run = id(&story.app.full_sync(&integration).await);
    story.get(&format!("/runs/{run}")).await;
    story.get(&format!("/runs/{run}/changes")).await;
    second_secrets(story, &own, &integration).await;
    (profile, integration)
}

/// Second secrets of a profile whose first one is wrong: one signs in.
async fn second_secrets(story: &mut Story, profile: &str, integration: &str) {
    let next = story.app.control().add_secret(None);
    story.text("a profile’s second secret", &next);
    let second = format!("{profile}/second");
    let odd = json!({
        "kind": "client_secret",
        "client_secret": "a-secret-that-is-refused",
        "name": "no such field",
    });
    sent(story, Method::PUT, &second, odd).await;
    let good = json!({ "kind": "client_secret", "client_secret": next });
    sent(story, Method::PUT, &second, good).await;
    let with = json!({ "integration_id": integration });
    let test = format!("{second}/test-connection");
    sent(story, Method::POST, &test, with).await;
    let went_over = story.app.full_sync(integration).await;
    assert_eq!(went_over["status"], "nothing_to_do", "{went_over}");
    let made = json!({ "kind": "certificate", "certificate_years": 1 });
    sent(story, Method::PUT, &second, made).await;
    let certificate = format!("{profile}/certificate?second=1");
    let answer = story.app.get(&certificate).await;
    story.keep(&certificate, answer, &[]);
}

async fn sent(story: &mut Story, method: Method, path: &str, body: Value) {
    let owner = story.app.owner.clone();
    let answer = story.app.call(method, path, Some(&owner), Some(body)).await;
    story.keep(path, answer, &[]);
}

/// A webhook that is told a test with both of its secrets; answers the path of its page.
pub async fn webhook(story: &mut Story) -> String {
    let hook = json!({ "kind": "webhook", "address": story.hooks.url("/") });
    let path = "/notification-recipients";
    let hook = story.app.post(path, hook).await.expect(201);
    let told = format!("{path}/{}", id(&hook));
    let rotate = json!({ "rotate_secret": true });
    let rotated = story.app.patch(&told, rotate).await.expect(200);
    for (name, made) in [
        ("what a webhook is signed with", hook),
        ("what a webhook is signed with next", rotated),
    ] {
        let secret = made["secret"].as_str().unwrap();
        story.text(name, secret.strip_prefix("whsec_").unwrap());
    }
    let test = format!("{told}/test");
    sent(story, Method::POST, &test, json!({})).await;
    assert_eq!(story.hooks.take().len(), 1, "it was signed with both");
    story.get(&told).await;
    told
}

/// A link for an administrator of the customer, who goes as far as Microsoft.
pub async fn consent_link(story: &mut Story, profile: &str) {
    const LINK: &str = "a consent link";
    let body = json!({
        "credential_profile_id": profile,
        "cloud": "sim",
        "tenant": story.app.tenant().domain,
    });
    let path = format!("/customers/{}/consent-links", story.customer);
    let made = story.app.post(&path, body).await.expect(201);
    let (_, secret) = made["url"].as_str().unwrap().split_once("secret=").unwrap();
    story.text(LINK, secret);
    story.get(&format!("/consent-links/{}", id(&made))).await;
    let page = format!("/consent?secret={secret}");
    story.page_with(&page, "", &[LINK]).await;
    let left = format!("/consent/continue?secret={secret}");
    let left = story.page(&left, "").await;
    assert_eq!(left.status, 303, "{left:?}");
    let cookie = left.cookie("rollcall_consent").to_owned();
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(cookie.split_once('=').unwrap().1, secret);
    let (_, state) = left.header("location").split_once("&state=").unwrap();
    let back = format!("/consent/callback?error=access_denied&state={state}");
    story.page_with(&back, cookie, &[LINK]).await;
    story.page("/consent?secret=of-nobody-at-all", "").await;
}

/// A program gives its own token a new secret.
pub async fn rotated_token(story: &mut Story) {
    let path = format!("/api-tokens/{}/rotation", story.app.owner_token);
    let rotated = story.app.post(&path, json!({})).await.expect(200);
    let next = rotated["secret"].as_str().unwrap();
    story.token("an API token’s next", next);
    let refused = format!("{next}x");
    for token in [next, &refused] {
        let (method, path) = (Method::GET, "/api-tokens");
        let answer = story.app.call(method, path, Some(token), None).await;
        story.keep(path, answer, &[]);
    }
}
