//! The imports of a customer, and the form that takes a file.

use domain::{
    id::CustomerId,
    import::{FILE_BYTES_MAX, Import, ImportStatus},
    permission::Permission,
};
use leptos_router::hooks::use_params_map;

use super::api::{ImportsView, list_imports};
use crate::{
    flash::Outcome,
    session::{may, use_returned},
    ui::prelude::*,
};

/// The customer of the path.
pub(super) fn use_customer() -> Memo<Option<CustomerId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")?.parse().ok()))
}

/// How an import is.
pub(super) fn state(import: &Import) -> Mark {
    let (icon, tone) = match import.status {
        ImportStatus::Waiting => ("circle-dashed", ""),
        ImportStatus::SettingPasswords => ("loader-circle", ""),
        ImportStatus::Applied => ("circle-check", "ok"),
    };
    Mark {
        icon,
        word: import.status.title(),
        tone,
    }
}

/// The page.
#[component]
pub fn ImportsPage() -> impl IntoView {
    let customer = use_customer();
    let changes = use_changes();
    let view = Resource::new(
        move || (customer.get(), changes.follow()),
        |(customer, _)| async move {
            match customer {
                Some(customer) => list_imports(customer).await,
                None => Err(AppError::NotFound {
                    what: "customer".to_owned(),
                }),
            }
        },
    );
    view! {
        <Load resource=view whole=true let:view>
            <Page view=view />
        </Load>
    }
    .into_any()
}

#[component]
fn Page(view: ImportsView) -> impl IntoView {
    let customer = view.customer;
    let parent = (routes::customer(customer), view.name);
    let none = view.imports.is_empty();
    let rows = view
        .imports
        .into_iter()
        .map(|import| view! { <Row import=import /> })
        .collect_view();
    view! {
        <PageHead title="Imports" parent=parent />
        {may(Permission::DirectoryWrite).then(|| view! { <Give customer=customer /> })}
        <section aria-labelledby="h-imports" class="border-t border-line">
            <h2 id="h-imports" class="text-base px-6 pt-3 max-md:px-4">
                "Lately"
            </h2>
            {if none {
                view! {
                    <p class="px-6 py-3 text-muted max-md:px-4">
                        "Nothing was imported yet. People who come this way are changed here; no sync touches them."
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <table
                        class="rc-table bleed still rc-stack rows"
                        role="table"
                        aria-labelledby="h-imports"
                    >
                        <thead role="rowgroup">
                            <tr role="row">
                                <Head label="Name" class="grow" />
                                <Head label="Rows" class="n" />
                                <Head label="By" />
                                <Head label="When" />
                                <Head label="Status" />
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Row(import: Import) -> impl IntoView {
    let mark = state(&import);
    let total = import.counts.map(|counts| counts.total());
    view! {
        <tr role="row">
            <td role="cell" class="grow">
                <a class="rc-rowlink block truncate" href=routes::import(import.id)>
                    <bdi title=import.name.clone()>{import.name.clone()}</bdi>
                </a>
            </td>
            <Num value=total class="max-md:hidden" />
            <td role="cell" class="max-md:hidden">
                <bdi>{import.made_by}</bdi>
            </td>
            <td role="cell" class="whitespace-nowrap text-muted">
                <RelativeTime at=import.created_at />
            </td>
            <td role="cell" class="whitespace-nowrap">
                <Status of=mark />
            </td>
        </tr>
    }
    .into_any()
}

/// The form that takes a file. The browser sends it by itself, with and without the browser code.
#[component]
fn Give(customer: CustomerId) -> impl IntoView {
    let refused = use_returned(routes::IMPORT_FILE).map(|returned| returned.outcome);
    let refused = match refused {
        Some(Outcome::Refused(error)) => Some(error),
        _ => None,
    };
    let hint = format!(
        "CSV with the names of the columns in the first row, from Excel or anything else; at most 100,000 rows and {} MB.",
        FILE_BYTES_MAX / 1024 / 1024
    );
    let invalid = refused.is_some().then_some("true");
    view! {
        <section aria-labelledby="h-give" class="px-6 pb-5 max-md:px-4 max-w-3xl">
            <h2 id="h-give" class="text-base">"Import people"</h2>
            <p class="text-muted mt-1 mb-3">
                "First it is shown what comes of each row. Nothing changes until you import it."
            </p>
            {refused.map(|error| view! { <ErrorNote error=error /> })}
            <form
                method="post"
                action=routes::IMPORT_FILE
                enctype="multipart/form-data"
                class="flex flex-col gap-3"
            >
                <input type="hidden" name="customer" value=customer.to_string() />
                <div>
                    <label for="f-file" class="block font-medium mb-1">
                        "File"
                    </label>
                    <input
                        id="f-file"
                        type="file"
                        name="file"
                        required
                        accept=".csv,.txt,.tsv,text/csv"
                        class="block w-full max-w-full rounded-field file:me-3 file:h-8 file:cursor-pointer file:rounded-field file:border file:border-solid file:border-edge file:bg-base-100 file:px-3 file:font-medium hover:file:bg-hover max-md:file:h-10"
                        aria-describedby="f-file-h"
                        aria-invalid=invalid
                    />
                    <p id="f-file-h" class="rc-hint mt-1">{hint}</p>
                </div>
                <div class="flex gap-2 flex-wrap">
                    <button type="submit" class="btn btn-primary">
                        <Icon name="file-up" />
                        "Look at the file"
                    </button>
                    <a class="btn" href=routes::customer_import_groups(customer)>
                        <Icon name="users" />
                        "From Office 365 groups"
                    </a>
                </div>
            </form>
        </section>
    }
    .into_any()
}
