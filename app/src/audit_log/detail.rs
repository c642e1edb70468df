//! One entry: who, when, from where, on what, and what was so before and after.

use domain::{
    audit::{ActorKind, AuditAction, AuditEvent, AuditObject},
    id::{
        AuditEventId, ContactId, CredentialProfileId, CustomerId, DeviceId, GroupId, IntegrationId,
        NotificationRecipientId, PolicyTemplateId, RunId, UserId,
    },
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::hooks::use_params_map;
use serde_json::Value;
use uuid::Uuid;

use crate::ui::{address::link, prelude::*};

/// One entry.
#[server(endpoint = "audit-log/view", input = Json)]
pub(crate) async fn view_event(id: AuditEventId) -> AppResult<AuditEvent> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::audit::get(&backend, &scope, id).await?)
}

/// The page.
#[component]
pub fn AuditEventPage() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id")?.parse::<AuditEventId>().ok()));
    let event = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => view_event(id).await,
                None => Err(AppError::NotFound {
                    what: "audit event".to_owned(),
                }),
            }
        },
    );
    view! { <Load resource=event whole=true let:event><Entry event=event /></Load> }.into_any()
}

/// The page of what an entry is about. It may be gone by now.
fn page_of(object_type: AuditObject, id: Uuid) -> Option<String> {
    Some(match object_type {
        AuditObject::Customer => routes::customer(CustomerId(id)),
        AuditObject::CredentialProfile => routes::credential_profile(CredentialProfileId(id)),
        AuditObject::Integration => routes::integration(IntegrationId(id)),
        AuditObject::PolicyTemplate => routes::policy_template(PolicyTemplateId(id)),
        AuditObject::Run => routes::run(RunId(id)),
        AuditObject::User => routes::user(UserId(id)),
        AuditObject::Group => routes::group(GroupId(id)),
        AuditObject::Contact => routes::contact(ContactId(id)),
        AuditObject::Device => routes::device(DeviceId(id)),
        AuditObject::NotificationRecipient => {
            routes::notification_recipient(NotificationRecipientId(id))
        }
        AuditObject::Installation
        | AuditObject::Operator
        | AuditObject::Session
        | AuditObject::ApiToken
        | AuditObject::ConsentLink
        | AuditObject::SavedView
        | AuditObject::AuditEvent => return None,
    })
}

/// Whether what an entry is about is gone by what it tells.
fn took_it_away(action: AuditAction) -> bool {
    matches!(
        action,
        AuditAction::CredentialProfileDelete
            | AuditAction::IntegrationDelete
            | AuditAction::NotificationRecipientDelete
    )
}

/// The list with one filter.
fn only(name: &str, id: Uuid) -> String {
    link(routes::AUDIT_LOG, &[(name.to_owned(), id.to_string())])
}

#[component]
fn Entry(event: AuditEvent) -> impl IntoView {
    let at = event.at;
    let facts = {
        let actor = event.actor.clone();
        move || {
            view! {
                <bdi>{actor}</bdi>
                <span><RelativeTime at=at /></span>
            }
            .into_any()
        }
    };
    view! {
        <PageHead
            title=event.action.title()
            parent=(routes::AUDIT_LOG.to_owned(), "Audit Log".to_owned())
            facts=facts
        >
            {event
                .object_id
                .map(|id| {
                    view! {
                        <a class="btn" href=only("object", id)>
                            <Icon name="history" />
                            "All about this object"
                        </a>
                    }
                })}
            {event
                .actor_id
                .map(|id| {
                    view! {
                        <a class="btn" href=only("actor", id)>
                            <Icon name="user" />
                            "All by this actor"
                        </a>
                    }
                })}
        </PageHead>
        <Facts event=event.clone() />
        <Changes event=event />
    }
    .into_any()
}

#[component]
fn Facts(event: AuditEvent) -> impl IntoView {
    let object_page = event
        .object_id
        .filter(|_| !took_it_away(event.action))
        .and_then(|id| page_of(event.object_type, id));
    let object = event.object_name.clone();
    let who = match event.actor_kind {
        ActorKind::Operator | ActorKind::User | ActorKind::ApiToken => {
            format!("{}, {}", event.actor, event.actor_kind.title())
        }
        ActorKind::CommandLine | ActorKind::Rollcall | ActorKind::Nobody => {
            event.actor_kind.title().to_owned()
        }
    };
    let from = match event.address {
        Some(address) => format!("{address} ({})", event.channel.title()),
        None => event.channel.title().to_owned(),
    };
    view! {
        <dl class="rc-kv px-6 py-4 border-y border-line max-md:px-4">
            <dt>"Time"</dt>
            <dd><ExactTime at=event.at /></dd>
            <dt>"Who"</dt>
            <dd><bdi>{who}</bdi></dd>
            <dt>"From"</dt>
            <dd>{from}</dd>
            <dt>"Object"</dt>
            <dd>
                {event.object_type.title()} ": "
                {match object_page {
                    Some(page) => {
                        view! { <a class="rc-link" href=page><bdi>{object}</bdi></a> }.into_any()
                    }
                    None => view! { <bdi>{object}</bdi> }.into_any(),
                }}
            </dd>
            {event
                .customer_id
                .map(|id| {
                    let name = event.customer_name.clone().unwrap_or_else(|| id.to_string());
                    view! {
                        <dt>"Customer"</dt>
                        <dd>
                            <a class="rc-link" href=routes::customer(id)><bdi>{name}</bdi></a>
                        </dd>
                    }
                })}
            {(!event.note.is_empty())
                .then(|| {
                    view! {
                        <dt>"Reason"</dt>
                        <dd class="whitespace-pre-line wrap-anywhere">
                            <bdi>{event.note.clone()}</bdi>
                        </dd>
                    }
                })}
            <dt>"Action"</dt>
            <dd class="rc-mono">{event.action.as_str()}</dd>
            <dt>"Request"</dt>
            <dd class="rc-mono wrap-anywhere">{event.request_id}</dd>
            <dt>"Place in the chain"</dt>
            <dd class="rc-num">
                {format!("{} of {}", grouped(event.position), event.day)}
            </dd>
            <dt>"Hash"</dt>
            <dd class="rc-mono wrap-anywhere">{event.hash}</dd>
        </dl>
    }
    .into_any()
}

/// A value as a person reads it.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::Array(items) if items.is_empty() => "None".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(words).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

#[component]
fn Changes(event: AuditEvent) -> impl IntoView {
    let changes = event.changes();
    if changes.is_empty() {
        return ().into_any();
    }
    let value = |value: Option<&Value>| match value {
        Some(value) => {
            let text = words(value);
            view! { <bdi class="whitespace-pre-line wrap-anywhere">{text}</bdi> }.into_any()
        }
        None => view! { <span class="text-faint">"–"</span> }.into_any(),
    };
    let rows = changes
        .fields()
        .into_iter()
        .map(|(name, before, after)| {
            view! {
                <tr role="row">
                    <td role="rowheader" class="rc-mono align-top">{name.to_owned()}</td>
                    <td role="cell" class="align-top whitespace-normal!">{value(before)}</td>
                    <td role="cell" class="grow align-top whitespace-normal!">{value(after)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-changes" class="pt-3">
            <h2 id="h-changes" class="text-base px-6 pb-1 max-md:px-4">"Before and after"</h2>
            <div
                class="rc-scroll"
                role="region"
                aria-label="Before and after, scrolls sideways"
                tabindex="0"
            >
                <table class="rc-table bleed still roomy" role="table" aria-labelledby="h-changes">
                    <thead role="rowgroup">
                        <tr role="row">
                            <Head label="Field" />
                            <Head label="Before" />
                            <Head label="After" class="grow" />
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::words;

    #[test]
    fn values_are_shown_in_words() {
        for (value, shown) in [
            (json!("Contoso"), "Contoso"),
            (json!(true), "Yes"),
            (json!([]), "None"),
            (json!(["user", "group"]), "user\ngroup"),
            (json!([{ "a": 1 }]), r#"[{"a":1}]"#),
            (json!(20), "20"),
        ] {
            assert_eq!(words(&value), shown);
        }
    }
}
