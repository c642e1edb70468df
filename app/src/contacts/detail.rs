//! One contact: attributes, where it comes from, and the groups it is in.

use domain::{contact::Contact, id::ContactId};
use leptos::{server, server_fn::codec::Json};

use crate::ui::{
    directory::{ObjectPage, ObjectView, use_object},
    prelude::*,
};

/// One contact with its groups.
#[server(endpoint = "contacts/view", input = Json)]
pub(crate) async fn view_contact(id: ContactId) -> AppResult<ObjectView<Contact>> {
    use backend::store::contacts;
    let (backend, scope) = crate::session::caller().await?;
    Ok(ObjectView {
        detail: contacts::detail(&backend, &scope, id).await?,
        groups: contacts::member_of(&backend, &scope, id).await?,
    })
}

/// The page.
#[component]
pub fn ContactPage() -> impl IntoView {
    let contact = use_object(view_contact);
    let show = |shown: ObjectView<Contact>| {
        let contact = &shown.detail.line.object;
        // The company stands among what else the source gave.
        let known = vec![
            ("givenName", contact.given_name.clone()),
            ("surname", contact.surname.clone()),
            ("mail", contact.mail.clone()),
        ];
        view! { <ObjectPage shown=shown parent=(routes::CONTACTS, "Contacts") known=known /> }
    };
    view! { <Load resource=contact whole=true children=show /> }.into_any()
}
