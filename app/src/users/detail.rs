//! One user: attributes, where they come from, and the groups they are in.

use domain::{
    enrolment::{Enrolment, UserMail},
    id::UserId,
    made_here::Editable,
    operator::SessionLine,
    permission::Permission,
    policy::ObjectType,
    user::{AttributeOrigin, DirectoryStatus, Membership, RunOfObject, UserDetail},
    why::Why,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::{components::Outlet, hooks::use_params_map};
use serde::{Deserialize, Serialize};

use super::{
    decided_here::DecidedHere,
    protection::{ProtectionNote, RuleNote},
    sections::{MembershipsSection, OriginsSection, RunsSection, SessionsSection},
    status::{Reactivate, Restore},
};
use crate::{
    enrolment::EnrolmentSection,
    integrations::SyncNow,
    session::may,
    ui::{
        countdown::CountdownNote,
        made_here::{BinNote, ElsewhereNote},
        object::ObjectFacts,
        prelude::*,
        why::Explanation,
    },
};

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserView {
    detail: UserDetail,
    origins: Vec<AttributeOrigin>,
    memberships: Vec<Membership>,
    runs: Vec<RunOfObject>,
    sessions: Vec<SessionLine>,
    why: Why,
    enrolment: Enrolment,
    mails: Vec<UserMail>,
}

impl UserView {
    /// The user alone.
    pub(super) fn detail(self) -> UserDetail {
        self.detail
    }

    /// The names of the attributes that have a value or a rule, as Graph has them.
    pub(super) fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.origins.iter().map(|origin| origin.name.as_str())
    }
}

/// One user with their groups, and why they are as they are.
#[server(endpoint = "users/view", input = Json)]
pub(crate) async fn view_user(id: UserId) -> AppResult<UserView> {
    use backend::store::{enrolment, users};
    let (backend, scope) = crate::session::caller().await?;
    Ok(UserView {
        detail: users::detail(&backend, &scope, id).await?,
        origins: users::origins(&backend, &scope, id).await?,
        memberships: users::memberships(&backend, &scope, id).await?,
        runs: users::runs(&backend, &scope, id).await?,
        sessions: users::sessions(&backend, &scope, id).await?,
        why: backend::why::of_user(&backend, &scope, id).await?,
        enrolment: enrolment::get(&backend, &scope, id).await?,
        mails: enrolment::mails(&backend, &scope, id).await?,
    })
}

/// The page. What changes the user are child routes with dialogs.
#[component]
pub fn UserPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<UserId>().ok()));
    let changes = use_changes();
    let user = Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => view_user(id).await,
                None => Err(AppError::NotFound {
                    what: "user".to_owned(),
                }),
            }
        },
    );
    view! {
        <Load resource=user whole=true let:user>
            <User user=user />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn User(user: UserView) -> impl IntoView {
    let address = use_address();
    let UserView {
        detail,
        origins,
        memberships,
        runs,
        sessions,
        why,
        enrolment,
        mails,
    } = user;
    let name = detail.line.user.display_name.clone();
    let changed = detail.line.changed_at;
    let parent = (address.keep(routes::USERS), "Users".to_owned());
    let facts = detail.clone();
    let (user, protection) = (detail.line.user.id, detail.protection.clone());
    let delete_at = detail.line.delete_at;
    let status = detail.line.user.status;
    let deleted = status == DirectoryStatus::Deleted;
    let active = status == DirectoryStatus::Active;
    let write = may(Permission::DirectoryWrite);
    let here = detail.editable == Editable::Here;
    let decided = detail.clone();
    let synced = detail.line.user.integration_id.is_some();
    let external_id = detail.line.user.external_id.map(|id| id.to_string());
    let source = detail
        .line
        .user
        .integration_id
        .zip(detail.line.user.external_id);
    view! {
        <PageHead
            title=name
            parent=parent
            facts=move || view! { <Facts detail=facts.clone() /> }.into_any()
        >
            {source
                .map(|(integration, object)| {
                    view! { <SyncNow integration=integration object=object /> }
                })}
            {(write && here && !deleted).then(|| view! { <Actions id=user status=status /> })}
        </PageHead>
        <div class="flex-1 grid content-start xl:grid-cols-[minmax(0,1fr)_26rem] gap-x-12 px-6 py-5 max-md:px-4 border-t border-line">
            <div class="min-w-0">
            <BinNote purge_at=detail.purge_at>
                {(write && here)
                    .then(|| view! { <div class="mt-2"><Restore id=user class="btn" /></div> })}
            </BinNote>
            <ElsewhereNote
                of=ObjectType::User
                editable=detail.editable
                elsewhere=detail.elsewhere.clone()
            />
            {protection
                .clone()
                .map(|protection| {
                    view! {
                        <ProtectionNote id=user protection=Some(protection) delete_at=None />
                    }
                })}
            {detail
                .protecting_rule
                .clone()
                .map(|rule| {
                    let integration = detail.integration_name.clone();
                    view! { <RuleNote by=rule integration=integration /> }
                })}
            <CountdownNote
                object_type=ObjectType::User
                id=detail.line.user.id.0
                countdown=detail.countdown.clone()
            />
            <section aria-labelledby="h-why" class="min-w-0">
                <h2 id="h-why" class="text-lg max-w-[60ch] mb-3">
                    <span class="sr-only">"Why? "</span>
                    {why.answer.clone()}
                </h2>
                <Explanation why=why />
            </section>
            <MembershipsSection memberships=memberships />
            {(write && !deleted)
                .then(|| {
                    view! {
                        <a
                            class="rc-link inline-block py-1"
                            href=routes::user_dialog(user, "groups")
                            data-noscroll="true"
                        >
                            "Change groups"
                        </a>
                    }
                })}
            <EnrolmentSection enrolment=enrolment mails=mails active=active />
            <SessionsSection id=user sessions=sessions />
            <DecidedHere detail=decided />
            <RunsSection runs=runs synced=synced />
            {(protection.is_none() && !deleted)
                .then(|| {
                    view! { <ProtectionNote id=user protection=None delete_at=delete_at /> }
                })}
            </div>
            <OriginsSection origins=origins external_id=external_id changed=changed />
        </div>
    }
    .into_any()
}

/// What can be done to a user made here.
#[component]
fn Actions(id: UserId, status: DirectoryStatus) -> impl IntoView {
    let link = move |dialog: &'static str, icon: &'static str, words: &'static str| {
        view! {
            <a class="btn" href=routes::user_dialog(id, dialog) data-noscroll="true">
                <Icon name=icon />
                {words}
            </a>
        }
    };
    view! {
        {link("edit", "pencil", "Edit")}
        {if status == DirectoryStatus::Inactive {
            view! { <Reactivate id=id /> }.into_any()
        } else {
            link("deactivate", "user-x", "Deactivate").into_any()
        }}
        {link("delete", "trash-2", "Delete")}
    }
    .into_any()
}

/// Status, why, where from, whose.
#[component]
fn Facts(detail: UserDetail) -> impl IntoView {
    let line = detail.line;
    view! {
        <ObjectFacts
            of=ObjectType::User
            status=line.user.status
            reason=detail.status_reason
            source=line.user.source_type
            integration_id=line.user.integration_id
            integration_name=detail.integration_name
            customer_id=line.customer_id
            customer_name=line.customer_name
            pending=line.pending
        />
        {detail.guest.then(|| view! { <span class="rc-tag">"Guest"</span> })}
        {detail
            .administrator
            .is_some()
            .then(|| view! { <span class="rc-tag run">"Administrator"</span> })}
    }
}
