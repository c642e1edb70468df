//! Adding and changing a user made here.

use std::collections::BTreeMap;

use domain::{
    id::{CustomerId, GroupId, UserId},
    user::UserDetail,
};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::dialog::OfUser;
use crate::ui::{
    made_here::{CustomerField, NewForm, read_new_form},
    prelude::*,
    ticks::Ticks,
};

/// What the form of a user holds, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFields {
    user_principal_name: String,
    display_name: String,
    #[serde(default)]
    given_name: String,
    #[serde(default)]
    surname: String,
    #[serde(default)]
    mail: String,
    #[serde(default)]
    guest: bool,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// Adds a user to a customer.
#[server(endpoint = "users/add")]
pub(crate) async fn add_user(
    customer_id: CustomerId,
    user: UserFields,
    #[server(default)] administrator: bool,
    #[server(default)] group_ids: Vec<GroupId>,
    #[server(default)] invite: bool,
) -> AppResult<Done> {
    use domain::made_here::NewUser;
    let (backend, scope) = crate::session::caller().await?;
    if invite && backend.settings.smtp.is_none() {
        let message = "Mail isn’t set up: choose to send it later.";
        return Err(AppError::invalid("invite", message));
    }
    let new = NewUser {
        user_principal_name: user.user_principal_name,
        display_name: user.display_name,
        given_name: Some(user.given_name),
        surname: Some(user.surname),
        mail: Some(user.mail),
        guest: user.guest,
        administrator,
        aliases: Vec::new(),
        group_ids,
        attributes: user.attributes,
    };
    let made = backend::store::users::create(&backend, &scope, customer_id, new)
        .await
        .map_err(crate::ui::made_here::at_field("user"))?;
    let (id, name) = (made.user.id, made.user.display_name);
    let message = if invite {
        match backend::store::enrolment::invite(&backend, &scope, id).await {
            Ok(_) => format!("{name} was added, and the invitation is on its way"),
            // They are there by now: inviting them is what is left to do.
            Err(error) => format!(
                "{name} was added, but isn’t invited yet. {}",
                AppError::from(error)
            ),
        }
    } else {
        format!("{name} was added")
    };
    crate::session::done(message, Some(routes::user(id))).await
}

/// Changes a user made here.
#[server(endpoint = "users/change")]
pub(crate) async fn change_user(id: UserId, user: UserFields) -> AppResult<Done> {
    use domain::made_here::UserChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = UserChange {
        user_principal_name: Some(user.user_principal_name),
        display_name: Some(user.display_name),
        given_name: Some(user.given_name),
        surname: Some(user.surname),
        mail: Some(user.mail),
        guest: Some(user.guest),
        administrator: None,
        attributes: user.attributes,
    };
    backend::store::users::change(&backend, &scope, id, change)
        .await
        .map_err(crate::ui::made_here::at_field("user"))?;
    crate::session::done("Saved", Some(routes::user(id))).await
}

/// The attributes beside names and addresses: Graph's name, the form's, and the label.
const ATTRIBUTES: [(&str, &str, &str); 16] = [
    ("jobTitle", "user[attributes][jobTitle]", "Job title"),
    ("department", "user[attributes][department]", "Department"),
    ("companyName", "user[attributes][companyName]", "Company"),
    (
        "officeLocation",
        "user[attributes][officeLocation]",
        "Office",
    ),
    (
        "businessPhones",
        "user[attributes][businessPhones]",
        "Business phones",
    ),
    (
        "mobilePhone",
        "user[attributes][mobilePhone]",
        "Mobile phone",
    ),
    ("faxNumber", "user[attributes][faxNumber]", "Fax"),
    (
        "otherMails",
        "user[attributes][otherMails]",
        "Other mail addresses",
    ),
    ("streetAddress", "user[attributes][streetAddress]", "Street"),
    ("postalCode", "user[attributes][postalCode]", "Postal code"),
    ("city", "user[attributes][city]", "City"),
    ("state", "user[attributes][state]", "State or province"),
    ("country", "user[attributes][country]", "Country"),
    (
        "preferredLanguage",
        "user[attributes][preferredLanguage]",
        "Language",
    ),
    (
        "usageLocation",
        "user[attributes][usageLocation]",
        "Usage location",
    ),
    ("employeeId", "user[attributes][employeeId]", "Employee id"),
];

/// The label of an attribute that can be typed here; of others the name that Graph has for them.
pub(super) fn label(name: &str) -> &str {
    match name {
        "display_name" => "Display name",
        "given_name" => "First name",
        "surname" => "Last name",
        "mail" => "Mail",
        name => ATTRIBUTES
            .iter()
            .find(|(known, ..)| *known == name)
            .map_or(name, |(_, _, label)| label),
    }
}

impl From<&UserDetail> for UserFields {
    fn from(detail: &UserDetail) -> Self {
        let user = detail.line.user.clone();
        let attributes = detail.attributes.iter();
        Self {
            user_principal_name: user.user_principal_name.unwrap_or_default(),
            display_name: user.display_name,
            given_name: user.given_name.unwrap_or_default(),
            surname: user.surname.unwrap_or_default(),
            mail: user.mail.unwrap_or_default(),
            guest: detail.guest,
            attributes: attributes
                .map(|attribute| (attribute.name.clone(), attribute.value.clone()))
                .collect(),
        }
    }
}

/// The fields, filled in with `of`. What came back from a plain form stands over it.
#[component]
fn Fields(of: UserFields) -> impl IntoView {
    let any = of.attributes.values().any(|value| !value.is_empty());
    let mut values = of.attributes;
    let attributes = ATTRIBUTES
        .into_iter()
        .map(|(name, field, label)| {
            let value = values.remove(name).unwrap_or_default();
            view! { <Field name=field label=label value=value /> }
        })
        .collect_view();
    view! {
        <Field
            name="user[display_name]"
            label="Display name"
            value=of.display_name
            autofocus=true
        />
        <Field
            name="user[user_principal_name]"
            label="User name"
            kind=Kind::Email
            value=of.user_principal_name
            hint="In the form of a mail address. Nobody else of the customer may sign in with it."
        />
        <div class="grid sm:grid-cols-2 gap-4">
            <Field name="user[given_name]" label="First name" value=of.given_name />
            <Field name="user[surname]" label="Last name" value=of.surname />
        </div>
        <Field name="user[mail]" label="Mail" kind=Kind::Email value=of.mail />
        <Tick name="user[guest]" label="Guest" hint="Somebody from elsewhere." on=of.guest />
        <details open=any>
            <summary class="cursor-pointer rc-link py-1">"Other attributes"</summary>
            <p class="rc-hint mb-2">"Several phones or mail addresses have commas between."</p>
            <div class="grid sm:grid-cols-2 gap-4">{attributes}</div>
        </details>
    }
    .into_any()
}

/// Yes or no, with what it means.
#[component]
fn Tick(name: &'static str, label: &'static str, hint: &'static str, on: bool) -> impl IntoView {
    view! {
        <label class="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
            <input type="checkbox" class="checkbox mt-0.5" name=name value="true" checked=on />
            <span>
                <span class="font-medium">{label}</span>
                <span class="rc-hint block">{hint}</span>
            </span>
        </label>
    }
}

/// Add User.
#[component]
pub fn AddDialog() -> impl IntoView {
    let address = use_address();
    let form = Resource::new(move || address.customer(), read_new_form);
    let post = use_post::<AddUser>();
    view! {
        <Dialog title="Add User" back=routes::USERS>
            <Load resource=form let:form>
                <Add form=form post=post />
            </Load>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Add(form: NewForm, post: crate::ui::form::Post<AddUser>) -> impl IntoView {
    let given = post.filled_in();
    let (fields, administrator, ticked, invite) = match given {
        Some(given) => (
            given.user,
            given.administrator,
            given.group_ids,
            given.invite,
        ),
        None => Default::default(),
    };
    let invitation = [(false, "Send it later"), (true, "Send it now")]
        .map(|(now, words)| (now.to_string(), words.to_owned()))
        .to_vec();
    let groups = form.groups.clone().into_iter();
    let choices: Vec<_> = groups
        .map(|group| (group.id.to_string(), group.display_name))
        .collect();
    let ticked: Vec<_> = ticked.into_iter().map(|id| id.to_string()).collect();
    view! {
        <PostForm post=post class="flex flex-col gap-4">
            <CustomerField form=form />
            <Fields of=fields />
            <Tick
                name="administrator"
                label="Administrator of the workspace"
                hint="Administers what the customer’s own people use."
                on=administrator
            />
            <Choice
                name="invite"
                label="Invitation to activate an account"
                options=invitation
                value=invite.to_string()
                hint="Sent later, they stand as \u{201c}Not invited\u{201d} until you invite them on their page, in the list or under Enrolment."
            />
            {(!choices.is_empty())
                .then(|| {
                    let more = choices.len() >= 1_000;
                    view! {
                        <fieldset>
                            <legend class="font-medium mb-1">"Groups"</legend>
                            <Ticks
                                name="group_ids"
                                label="Groups"
                                one="a group"
                                choices=choices
                                more=more
                                chosen=ticked
                            />
                        </fieldset>
                    }
                })}
            <DialogFoot back=routes::USERS>
                <Submit label="Add" busy="Adding" />
            </DialogFoot>
        </PostForm>
    }
    .into_any()
}

/// Edit User.
#[component]
pub fn EditDialog() -> impl IntoView {
    let post = use_post::<ChangeUser>();
    view! {
        <OfUser let:user>
            <Dialog title="Edit User" back=routes::user(user.line.user.id)>
                <PostForm post=post class="flex flex-col gap-4">
                    <input type="hidden" name="id" value=user.line.user.id.to_string() />
                    <Fields of=post
                        .filled_in()
                        .map_or_else(|| UserFields::from(&user), |given| given.user) />
                    <DialogFoot back=routes::user(user.line.user.id)>
                        <Submit label="Save" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </OfUser>
    }
    .into_any()
}
