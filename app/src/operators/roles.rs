//! What each role may do: the one table of `domain::permission`, in words.

use domain::{
    operator::ScopeKind,
    permission::{RULES, Role},
};

use crate::{session::use_operator, ui::prelude::*};

/// The page.
#[component]
pub fn RolesPage() -> impl IntoView {
    let own = use_operator().role;
    let heads = Role::ALL
        .iter()
        .map(|role| {
            view! {
                <th role="columnheader" scope="col" class="text-center!">
                    {role.title()}
                    {(*role == own).then(|| view! { <span class="sr-only">", yours"</span> })}
                </th>
            }
        })
        .collect_view();
    let rows = RULES
        .iter()
        .map(|rule| {
            let cells = Role::ALL
                .iter()
                .map(|role| {
                    let mark = if role.allows(rule.permission) {
                        view! {
                            <Icon name="check" />
                            <span class="sr-only">"Yes"</span>
                        }
                        .into_any()
                    } else {
                        view! {
                            <span class="text-faint" aria-hidden="true">"–"</span>
                            <span class="sr-only">"No"</span>
                        }
                        .into_any()
                    };
                    view! { <td role="cell" class="text-center">{mark}</td> }
                })
                .collect_view();
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row" class="w-full min-w-64 whitespace-normal! font-normal! text-base-content! text-start">
                        {rule.words}
                        " "
                        <span class="rc-mono text-xs text-muted">{rule.permission.as_str()}</span>
                    </th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    let meanings = Role::ALL
        .iter()
        .map(|role| {
            view! {
                <dt class="font-medium text-base-content!">{role.title()}</dt>
                <dd>{role.words()}</dd>
            }
        })
        .collect_view();
    let scopes = ScopeKind::ALL
        .iter()
        .map(|kind| {
            view! {
                <dt class="font-medium text-base-content!">{kind.title()}</dt>
                <dd>{kind.words()}</dd>
            }
        })
        .collect_view();
    view! {
        <PageHead
            title="Roles"
            parent=(routes::OPERATORS.to_owned(), "Operators".to_owned())
        />
        <section aria-labelledby="h-meanings" class="px-6 pb-4 max-md:px-4">
            <h2 id="h-meanings" class="sr-only">"The five roles"</h2>
            <dl class="rc-kv max-w-3xl">{meanings}</dl>
        </section>
        // No landmark of its own: the region inside, which scrolls, is one.
        <div class="border-t border-line pt-3">
            <h2 id="h-may" class="text-base px-6 pb-1 max-md:px-4">
                "What each may do, for the customers in its scope"
            </h2>
            <div class="rc-scroll" tabindex="0" role="region" aria-labelledby="h-may">
                <table class="rc-table bleed still" role="table" aria-labelledby="h-may">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th role="columnheader" scope="col" class="w-full">"Permission"</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            </div>
        </div>
        <section aria-labelledby="h-scopes" class="px-6 pt-4 pb-10 max-md:px-4">
            <h2 id="h-scopes" class="text-base mb-1">"For which customers"</h2>
            <dl class="rc-kv max-w-3xl">{scopes}</dl>
            <p class="text-muted mt-3 max-w-3xl">
                "Nobody gives a role that holds more than their own, or customers they don’t look \
                 after themselves. What is changed counts from the operator’s next click on."
            </p>
        </section>
    }
    .into_any()
}
