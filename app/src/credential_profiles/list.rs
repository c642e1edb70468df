//! The list of credential profiles.

use domain::{
    DateTime, credential_profile::CredentialProfileLine, paging::Page, permission::Permission,
};
use leptos::{server, server_fn::codec::Json};
use leptos_router::components::Outlet;

use crate::{
    session::may,
    ui::{
        list::past_the_end,
        prelude::*,
        time::{day_utc, now_millis, relative},
    },
};

/// Profiles under the list's search and filters.
#[server(endpoint = "credential-profiles/list", input = Json)]
pub(crate) async fn list_profiles(list: ListQuery) -> AppResult<Page<CredentialProfileLine>> {
    use backend::store::credential_profiles::{self, CredentialProfileQuery};
    let (backend, scope) = crate::session::caller().await?;
    let query = CredentialProfileQuery {
        sort: list.sort,
        customer_id: list.customer,
        q: list.q,
        page: list.page,
        direction: list.direction,
    };
    Ok(credential_profiles::list(&backend, &scope, query).await?)
}

/// The page. Adding is a child route with a dialog.
#[component]
pub fn ProfilesPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let add = {
        let address = address.clone();
        move || address.at(routes::CREDENTIAL_PROFILE_ADD, &[])
    };
    let asked = Memo::new(move |_| address.list());
    let profiles = Resource::new(
        move || (asked.get(), changes.follow()),
        |(list, _)| list_profiles(list),
    );
    view! {
        <PageHead title="Credential Profiles">
            {may(Permission::CredentialProfilesWrite)
                .then(|| {
                    view! {
                        <a class="btn btn-primary" href=add data-noscroll="true">
                            <Icon name="plus" />
                            "Add Credential Profile"
                        </a>
                    }
                })}
        </PageHead>
        <ListBar label="Credential Profiles">
            <TotalOf resource=profiles one="profile" many="profiles" />
        </ListBar>
        <Load resource=profiles let:page>
            <List list=asked.get_untracked() page=page />
        </Load>
        <Outlet />
    }
    .into_any()
}

#[component]
fn List(list: ListQuery, page: Page<CredentialProfileLine>) -> impl IntoView {
    let total = page.total;
    if page.items.is_empty() && !past_the_end(&page, list.page) {
        return if list.q.is_some() {
            view! { <NoMatch many="profiles" /> }.into_any()
        } else {
            view! {
                <Empty
                    title="No credential profiles yet"
                    text="A credential profile is an application registered in Entra ID, with the \
                    secret or certificate by which Rollcall signs in as it. Integrations share it."
                />
            }
            .into_any()
        };
    }
    let rows = page
        .items
        .into_iter()
        .map(|line| view! { <Row line=line /> })
        .collect_view();
    view! {
        <table class="rc-table bleed rc-stack rows" role="table" aria-label="Credential Profiles">
            <thead role="rowgroup">
                <tr role="row">
                    <SortHead label="Name" column="name" first=true class="grow" />
                    <SortHead label="Kind" column="kind" />
                    <SortHead label="For" column="customer" />
                    <SortHead label="Ends" column="expires" />
                    <SortHead label="Used by" column="used_by" largest_first=true class="n" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pager page=list.page total=total />
    }
    .into_any()
}

/// When a secret or certificate ends, with a mark where that is soon or past.
#[component]
pub(super) fn Ends(
    /// When, if known.
    at: Option<DateTime>,
) -> impl IntoView {
    let Some(at) = at else {
        return view! { <span class="text-faint">"Unknown"</span> }.into_any();
    };
    let then = at.timestamp_millis();
    let mark = Memo::new(move |_| {
        let days = (then - now_millis()).div_euclid(86_400_000);
        match days {
            ..0 => Some(Mark {
                icon: "circle-x",
                word: "Ended",
                tone: "fail",
            }),
            0..domain::overview::SECRET_ENDS_DAYS => Some(Mark {
                icon: "circle-alert",
                word: "Ends soon",
                tone: "held",
            }),
            _ => None,
        }
    });
    view! {
        <span class="inline-flex items-center gap-2 whitespace-nowrap">
            {move || mark.get().map(|mark| view! { <Status of=mark /> })}
            <time class="text-muted" datetime=at.to_rfc3339() title=day_utc(at)>
                {move || relative(then, now_millis())}
            </time>
        </span>
    }
    .into_any()
}

#[component]
fn Row(line: CredentialProfileLine) -> impl IntoView {
    let profile = line.profile;
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <a class="rc-rowlink block truncate" href=routes::credential_profile(profile.id)>
                    <bdi title=profile.name.clone()>{profile.name.clone()}</bdi>
                </a>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:text-muted">{profile.kind.title()}</td>
            <td role="cell" class="max-md:hidden">
                {match line.customer_name {
                    Some(name) => {
                        view! { <bdi class="block truncate max-w-52">{name}</bdi> }.into_any()
                    }
                    None => view! { <span class="text-muted">"All customers"</span> }.into_any(),
                }}
            </td>
            <td role="cell" class="max-md:order-4"><Ends at=profile.expires_at /></td>
            <Num value=line.used_by class="max-md:order-5" />
        </tr>
    }
}
