//! The list of policy templates.

use domain::settings::template::PolicyTemplate;
use leptos_router::components::Outlet;

use super::{api::list_templates, may_make};
use crate::ui::prelude::*;

/// The page.
#[component]
pub fn TemplatesPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| address.list());
    let templates = Resource::new(
        move || (asked.get(), changes.follow()),
        |(query, _)| list_templates(query),
    );
    view! {
        <PageHead
            title="Policy Templates"
            facts=|| {
                view! { <span>"One policy for many integrations, each with what is its own."</span> }
                    .into_any()
            }
        >
            {may_make()
                .then(|| {
                    view! {
                        <a
                            class="btn btn-primary"
                            href=routes::POLICY_TEMPLATE_ADD
                            data-noscroll="true"
                        >
                            <Icon name="plus" />
                            "New Policy Template"
                        </a>
                    }
                })}
        </PageHead>
        <ListBar label="Policy Templates">
            <TotalOf resource=templates one="template" many="templates" />
        </ListBar>
        <Load
            resource=templates
            children=move |page| {
                let asked = asked.get_untracked();
                if page.total == 0 && asked.q.is_none() {
                    return view! {
                        <Empty
                            title="No policy templates yet"
                            text="A template holds a policy that many integrations follow. Change it, and all of \
                            them change; what one of them needs otherwise stays its own. Templates are made by \
                            who may change the integrations of all customers."
                        />
                    }
                        .into_any();
                }
                if page.total == 0 {
                    return view! { <NoMatch many="templates" /> }.into_any();
                }
                let rows = page
                    .items
                    .into_iter()
                    .map(|one| view! { <Row one=one /> })
                    .collect_view();
                view! {
                    <table
                        class="rc-table bleed rc-stack rows"
                        role="table"
                        aria-label="Policy Templates"
                    >
                        <thead role="rowgroup">
                            <tr role="row">
                                <Head label="Name" class="grow" />
                                <Head label="Version" class="n" />
                                <Head label="Followers" class="n" />
                                <Head label="Saved" />
                                <Head label="By" />
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                    <Pager page=asked.page total=page.total />
                }
                    .into_any()
            }
        />
        <Outlet />
    }
    .into_any()
}

#[component]
fn Row(one: PolicyTemplate) -> impl IntoView {
    view! {
        <tr role="row">
            <td role="cell" class="grow max-md:col-span-2">
                <a class="rc-rowlink block truncate" href=routes::policy_template(one.id)>
                    <bdi>{one.name}</bdi>
                </a>
            </td>
            <Num value=one.version class="max-md:hidden" />
            <Num value=one.followers />
            <td role="cell" class="whitespace-nowrap text-muted">
                <RelativeTime at=one.saved_at />
            </td>
            <td role="cell" class="max-md:hidden">
                <bdi class="block truncate max-w-52">{one.saved_by}</bdi>
            </td>
        </tr>
    }
    .into_any()
}
