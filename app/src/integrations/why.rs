//! "Why is somebody (not) here?": anybody of the source, by id, name or address.

use domain::{
    id::IntegrationId,
    policy::ObjectType,
    why::{Why, WhyAnswer, WhyFound, WhyObject},
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    head::{of_integration, use_id},
    sync_now::SyncNow,
};
use crate::ui::{prelude::*, why::Explanation};

/// The name of the question in the address.
const OBJECT: &str = "object";

/// Why an object of an integration's source is or isn't in the directory.
#[server(endpoint = "integrations/explain", input = Json)]
pub(crate) async fn explain_object(id: IntegrationId, object: String) -> AppResult<WhyAnswer> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::why::of_object(&backend, &scope, id, &object).await?)
}

/// The box on the page of an integration: a form that leads to the answer.
#[component]
pub fn WhyBox(
    /// The integration.
    id: Memo<Option<IntegrationId>>,
) -> impl IntoView {
    let address = use_address();
    let navigate = use_navigate();
    let field = NodeRef::<leptos::html::Input>::new();
    let asked = Memo::new(move |_| address.get(OBJECT).unwrap_or_default());
    // The address may change under the field, by a candidate or by going back.
    Effect::new(move |_| {
        let asked = asked.get();
        if let Some(field) = field.get_untracked() {
            field.set_value(&asked);
        }
    });
    let submit = move |ev: leptos::ev::SubmitEvent| {
        let (Some(id), Some(field)) = (id.get_untracked(), field.get_untracked()) else {
            return;
        };
        ev.prevent_default();
        let to = routes::integration_why_of(id, field.value().trim());
        navigate(&to, NavigateOptions::default());
    };
    view! {
        <form
            method="get"
            role="search"
            aria-labelledby="l-why"
            class="flex items-center gap-x-3 gap-y-2 flex-wrap px-6 pb-3 max-md:px-4"
            action=move || id.get().map(routes::integration_why)
            on:submit=submit
        >
            <label id="l-why" for="f-why" class="font-medium">
                "Why is somebody (not) here?"
            </label>
            <input
                id="f-why"
                node_ref=field
                name=OBJECT
                type="search"
                class="input w-72! max-md:w-full!"
                placeholder="Object id, name or address"
                autocomplete="off"
                minlength="3"
                required
                value=asked.get_untracked()
            />
            <button type="submit" class="btn">
                "Explain"
            </button>
        </form>
    }
    .into_any()
}

/// The answer.
#[component]
pub fn WhyTab() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let object = Memo::new(move |_| address.get(OBJECT));
    let answer = Resource::new(
        move || (id.get(), object.get()),
        |(id, object)| async move {
            match object {
                Some(object) => {
                    let answer = of_integration(id, move |id| explain_object(id, object));
                    answer.await.map(Some)
                }
                None => Ok(None),
            }
        },
    );
    view! {
        <Load
            resource=answer
            children=move |answer| {
                let asked = object.get_untracked().unwrap_or_default();
                match answer {
                    Some(answer) => {
                        view! { <Answer id=id.get_untracked() asked=asked answer=answer /> }
                            .into_any()
                    }
                    None => {
                        view! {
                            <Empty
                                title="Ask about anybody in the tenant"
                                text="By object id, user name, mail address or name. Who isn’t kept here \
                                is asked for in Entra ID, and nothing of the answer is stored."
                            />
                        }
                            .into_any()
                    }
                }
            }
        />
    }
    .into_any()
}

#[component]
fn Answer(id: Option<IntegrationId>, asked: String, answer: WhyAnswer) -> impl IntoView {
    let looked = format!("Looked through {}.", answer.asked.join(", then "));
    let shown = match (answer.found, answer.why) {
        (_, Some(why)) => view! { <One id=id why=why /> }.into_any(),
        (WhyFound::Several, _) => {
            let rows = answer
                .candidates
                .into_iter()
                .map(|object| view! { <Candidate id=id object=object /> })
                .collect_view();
            view! {
                <h2 class="text-lg">"Several fit “" <bdi>{asked}</bdi> "”. Which one?"</h2>
                <table class="rc-table still mt-2" role="table" aria-label="Candidates">
                    <thead role="rowgroup">
                        <tr role="row">
                            <Head label="Name" class="grow" />
                            <Head label="Address" />
                            <Head label="Type" />
                            <Head label="Here" />
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            }
            .into_any()
        }
        _ => view! {
            <h2 class="text-lg">"Nothing fits “" <bdi>{asked}</bdi> "”"</h2>
            <p class="text-muted mt-1">
                "Check the spelling, or ask by the object id or the user name that Entra ID shows."
            </p>
        }
        .into_any(),
    };
    view! {
        <section aria-label="Why?" class="px-6 py-5 max-md:px-4 max-w-4xl">
            {shown} <p class="rc-hint mt-3">{looked}</p>
        </section>
    }
    .into_any()
}

/// The way to an object's own page, where it has one.
fn own_page(object: &WhyObject) -> Option<String> {
    routes::object(object.object_type, object.directory_id?)
}

#[component]
fn One(id: Option<IntegrationId>, why: Why) -> impl IntoView {
    let object = why.object.clone();
    let alone = object
        .external_id
        .filter(|_| object.object_type == ObjectType::User);
    let sync = id.zip(alone);
    let name = object.display_name.clone();
    let named = match own_page(&object) {
        Some(page) => view! {
            <a class="rc-link" href=page>
                <bdi>{name}</bdi>
            </a>
        }
        .into_any(),
        None => view! { <bdi class="font-medium text-base-content">{name}</bdi> }.into_any(),
    };
    let address = object.user_principal_name.or(object.mail);
    view! {
        <p class="flex items-center gap-x-4 gap-y-1 flex-wrap text-muted">
            <span>{object.object_type.title()}</span>
            {named}
            <bdi>{address}</bdi>
            {object
                .status
                .map(|status| {
                    view! { <InDirectory status=status of=object.object_type /> }
                })}
        </p>
        <h2 class="text-lg max-w-[60ch] mt-1 mb-3">{why.answer.clone()}</h2>
        {sync
            .map(|(id, object)| {
                view! {
                    <div class="mb-3">
                        <SyncNow integration=id object=object />
                    </div>
                }
            })}
        <Explanation why=why />
    }
    .into_any()
}

#[component]
fn Candidate(id: Option<IntegrationId>, object: WhyObject) -> impl IntoView {
    let asks = object
        .external_id
        .map(|external| external.to_string())
        .unwrap_or_default();
    let href = id.map(|id| routes::integration_why_of(id, &asks));
    let of = object.object_type;
    let here = match (object.kept, object.status) {
        (_, Some(status)) => view! { <InDirectory status=status of=of /> }.into_any(),
        (true, None) => "Known, not in the directory".into_any(),
        (false, None) => "In Entra ID only".into_any(),
    };
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <a class="rc-rowlink block truncate" href=href>
                    <bdi>{object.display_name.clone()}</bdi>
                </a>
            </td>
            <td role="cell" class="text-muted">
                <bdi>{object.user_principal_name.or(object.mail)}</bdi>
            </td>
            <td role="cell">{object.object_type.title()}</td>
            <td role="cell" class="whitespace-nowrap text-muted">
                {here}
            </td>
        </tr>
    }
    .into_any()
}
