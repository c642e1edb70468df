//! What is decided here of every user, wherever it comes from: whether it administers its customer's
//! workspace, the other addresses it signs in with, and what is kept of it whatever its source says.

use domain::{
    id::UserId,
    made_here::{Administrator, AdministratorsGroup, Editable, KeptAttribute, kept_choice},
    mapping::is_directory_extension,
    permission::Permission,
    user::{DirectoryStatus, UserDetail},
};
use leptos::server;

use super::{
    detail::UserView,
    dialog::{OfUser, OfWholeUser},
    form::label,
};
use crate::{
    session::may,
    ui::{form::Post, prelude::*},
};

/// Makes a user administrator of its customer's workspace, or takes that back.
#[server(endpoint = "users/set-administrator")]
pub(crate) async fn set_administrator(
    id: UserId,
    #[server(default)] administrator: bool,
) -> AppResult<Done> {
    use domain::made_here::UserChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = UserChange {
        administrator: Some(administrator),
        ..UserChange::default()
    };
    let user = backend::store::users::change(&backend, &scope, id, change).await?;
    let name = user.user.display_name;
    let message = if administrator {
        format!("{name} administers the workspace")
    } else {
        format!("{name} no longer administers the workspace")
    };
    crate::session::done(message, None).await
}

/// Sets the other addresses that a user signs in with, one a line.
#[server(endpoint = "users/set-aliases")]
pub(crate) async fn set_aliases(id: UserId, aliases: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let given: Vec<String> = aliases
        .split(['\n', ',', ';'])
        .map(|line| line.trim().to_owned())
        .collect();
    backend::store::users::set_aliases(&backend, &scope, id, &given).await?;
    crate::session::done("Saved", Some(routes::user(id))).await
}

/// Keeps an attribute of a synced user.
#[server(endpoint = "users/keep-attribute")]
pub(crate) async fn keep_attribute(
    id: UserId,
    name: String,
    value: String,
    note: String,
) -> AppResult<Done> {
    use domain::made_here::NewKeptAttribute;
    let (backend, scope) = crate::session::caller().await?;
    let new = NewKeptAttribute {
        value: Some(value),
        note,
    };
    backend::store::kept_attributes::keep(&backend, &scope, id, &name, new).await?;
    crate::session::done("Kept here: no run changes it", Some(routes::user(id))).await
}

/// Lets an attribute of a synced user follow its source again.
#[server(endpoint = "users/release-attribute")]
pub(crate) async fn release_attribute(id: UserId, name: String) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::kept_attributes::release(&backend, &scope, id, &name).await?;
    crate::session::done("The next run brings what the source says", None).await
}

/// All of it.
#[component]
pub(super) fn DecidedHere(detail: UserDetail) -> impl IntoView {
    let id = detail.line.user.id;
    let deleted = detail.line.user.status == DirectoryStatus::Deleted;
    let write = may(Permission::DirectoryWrite) && !deleted;
    let synced = detail.editable == Editable::InSource;
    let none = detail.aliases.is_empty();
    let aliases = detail.aliases.join(", ");
    view! {
        <section aria-labelledby="h-here" class="min-w-0 mt-6">
            <h2 id="h-here" class="text-base mb-1">"Decided here"</h2>
            <dl class="grid grid-cols-[10rem_minmax(0,1fr)] max-sm:grid-cols-1 gap-x-4 gap-y-2">
                <dt class="text-muted">"Administrator"</dt>
                <dd>
                    <IsAdministrator
                        id=id
                        of=detail.administrator
                        group=detail.administrators_group
                        write=write
                    />
                </dd>
                <dt class="text-muted">"Aliases"</dt>
                <dd class="flex flex-wrap gap-x-3 min-w-0">
                    {if none {
                        view! { <span class="text-faint">"None"</span> }.into_any()
                    } else {
                        view! { <bdi class="wrap-anywhere">{aliases}</bdi> }.into_any()
                    }}
                    {write
                        .then(|| {
                            view! {
                                <a
                                    class="rc-link"
                                    href=routes::user_dialog(id, "aliases")
                                    data-noscroll="true"
                                >
                                    "Change aliases"
                                </a>
                            }
                        })}
                </dd>
            </dl>
            {(synced || !detail.kept.is_empty())
                .then(|| view! { <Kept id=id kept=detail.kept write=write /> })}
        </section>
    }
    .into_any()
}

#[component]
fn IsAdministrator(
    id: UserId,
    of: Option<Administrator>,
    /// The group of its source that decides it.
    group: Option<AdministratorsGroup>,
    write: bool,
) -> impl IntoView {
    let post = use_post::<SetAdministrator>();
    let is = of.is_some();
    let write = write && group.is_none();
    view! {
        <div class="flex flex-wrap items-center gap-x-3">
            {match of {
                Some(of) => {
                    view! {
                        <span>
                            "Administers the workspace since " <RelativeTime at=of.at /> ", by "
                            <bdi>{of.by}</bdi>
                        </span>
                    }
                        .into_any()
                }
                None => view! { <span class="text-faint">"No"</span> }.into_any(),
            }}
            {group.map(|group| view! { <DecidedBy group=group /> })}
            {write
                .then(|| {
                    view! {
                        <PostForm post=post class="inline">
                            <input type="hidden" name="id" value=id.to_string() />
                            {(!is)
                                .then(|| {
                                    view! { <input type="hidden" name="administrator" value="true" /> }
                                })}
                            <Submit
                                label=if is { "No longer administrator" } else { "Make administrator" }
                                class="rc-act"
                            />
                        </PostForm>
                    }
                })}
        </div>
    }
    .into_any()
}

/// Where it is changed who is administrator.
#[component]
fn DecidedBy(group: AdministratorsGroup) -> impl IntoView {
    let name = group.name();
    view! {
        <p class="rc-hint">
            "Decided by the group "
            {match group.id {
                Some(id) => {
                    view! {
                        <a class="rc-link" href=routes::group(id)>
                            <bdi>{name}</bdi>
                        </a>
                    }
                        .into_any()
                }
                None => view! { <bdi>{name}</bdi> }.into_any(),
            }} " in the source: add or remove them there. It is chosen under "
            <a class="rc-link" href=routes::integration_filters(group.integration_id)>
                "Filters of "
                <bdi>{group.integration_name}</bdi>
            </a> "."
        </p>
    }
    .into_any()
}

#[component]
fn Kept(id: UserId, kept: Vec<KeptAttribute>, write: bool) -> impl IntoView {
    let post = use_post::<ReleaseAttribute>();
    let none = kept.is_empty();
    let rows = kept
        .into_iter()
        .map(|kept| {
            let name = kept.name.clone();
            let note = (!kept.note.is_empty()).then_some(kept.note);
            view! {
                <tr>
                    <th scope="row" class="font-normal! static! text-sm! leading-4">
                        {label(&kept.name).to_owned()}
                        <span class="block text-xs text-faint">{kept.name.clone()}</span>
                    </th>
                    <td class="grow">
                        {match kept.value {
                            Some(value) => view! { <bdi class="wrap-anywhere">{value}</bdi> }.into_any(),
                            None => view! { <span class="text-faint">"Empty"</span> }.into_any(),
                        }}
                        <span class="block text-xs text-muted">
                            <bdi>{kept.by}</bdi> ", " <RelativeTime at=kept.at />
                            {note.map(|note| view! { ": " <bdi class="wrap-anywhere">{note}</bdi> })}
                        </span>
                    </td>
                    <td>
                        {write
                            .then(|| {
                                view! {
                                    <PostForm post=post class="inline">
                                        <input type="hidden" name="id" value=id.to_string() />
                                        <input type="hidden" name="name" value=name />
                                        <Submit label="Follow the source" busy="Releasing" class="rc-act" />
                                    </PostForm>
                                }
                            })}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="mt-4">
            <div class="flex flex-wrap items-baseline gap-x-3">
                <h3 id="h-kept" class="text-sm font-medium">"Kept here"</h3>
                {write
                    .then(|| {
                        view! {
                            <a
                                class="rc-link"
                                href=routes::user_dialog(id, "keep")
                                data-noscroll="true"
                            >
                                "Keep an attribute"
                            </a>
                        }
                    })}
            </div>
            {if none {
                view! {
                    <p class="text-muted mt-1">
                        "Nothing: every attribute follows the source."
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <table class="rc-table still roomy mt-1" aria-labelledby="h-kept">
                        <thead>
                            <tr>
                                <th scope="col">"Attribute"</th>
                                <th scope="col" class="grow">"Stays"</th>
                                <th scope="col"><span class="sr-only">"Take back"</span></th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                }
                    .into_any()
            }}
        </div>
    }
    .into_any()
}

/// Change Aliases.
#[component]
pub fn AliasesDialog() -> impl IntoView {
    let post = use_post::<SetAliases>();
    view! {
        <OfUser let:user>
            <Dialog title="Change Aliases" back=routes::user(user.line.user.id)>
                <PostForm post=post>
                    <input type="hidden" name="id" value=user.line.user.id.to_string() />
                    <Field
                        name="aliases"
                        label="Aliases"
                        kind=Kind::Lines
                        value=user.aliases.join("\n")
                        hint="Other addresses to sign in with, one a line. Nobody else of the customer may sign in with them."
                        autofocus=true
                    />
                    <DialogFoot back=routes::user(user.line.user.id)>
                        <Submit label="Save" />
                    </DialogFoot>
                </PostForm>
            </Dialog>
        </OfUser>
    }
    .into_any()
}

/// Keep an Attribute.
#[component]
pub fn KeepDialog() -> impl IntoView {
    let post = use_post::<KeepAttribute>();
    view! {
        <OfWholeUser let:user>
            <KeepForm user=user post=post />
        </OfWholeUser>
    }
    .into_any()
}

#[component]
fn KeepForm(user: UserView, post: Post<KeepAttribute>) -> impl IntoView {
    // Extensions are whatever the tenant has: those of which anything is known here.
    let extensions = user
        .attribute_names()
        .filter(|name| is_directory_extension(name));
    let options: Vec<_> = kept_choice()
        .into_iter()
        .chain(extensions)
        .map(|name| (name.to_owned(), label(name).to_owned()))
        .collect();
    let id = user.detail().line.user.id;
    view! {
        <Dialog title="Keep an Attribute" back=routes::user(id)>
            <PostForm post=post class="flex flex-col gap-4">
                <input type="hidden" name="id" value=id.to_string() />
                <p>
                    "It becomes what you say at once and stays so, whatever the source says, until it follows the source again."
                </p>
                <Choice name="name" label="Attribute" options=options />
                <Field
                    name="value"
                    label="Value"
                    hint="Empty: it stays empty. Several phones, addresses or licences have commas between."
                />
                <Field
                    name="note"
                    label="Note"
                    hint="Optional: why, or a ticket number. Kept in the audit log and shown here."
                />
                <DialogFoot back=routes::user(id)>
                    <Submit label="Keep here" />
                </DialogFoot>
            </PostForm>
        </Dialog>
    }
    .into_any()
}
