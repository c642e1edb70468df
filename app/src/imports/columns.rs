//! How the columns of an import are read, to be corrected.

use domain::{
    id::ImportId,
    import::{Import, ImportColumn, ImportField, ImportPassword, ImportSource},
};

use super::api::ChangeImport;
use crate::ui::{
    form::{Post, use_field_error},
    prelude::*,
};

/// How people of groups come by a password that was typed in with the groups.
pub(super) const SET_FOR_ALL: &str = "Set now, the same for everybody";

/// The form: a line for each column.
#[component]
pub fn Columns(import: Import, post: Post<ChangeImport>) -> impl IntoView {
    let of_file = import.source == ImportSource::File;
    let id = import.id;
    let passwords = ImportPassword::ALL
        .iter()
        .filter(|password| {
            of_file || **password != ImportPassword::Column || import.password == **password
        })
        .map(|password| {
            let title = match password {
                ImportPassword::Column if !of_file => SET_FOR_ALL,
                password => password.title(),
            };
            (password.to_string(), title.to_owned())
        })
        .collect::<Vec<_>>();
    let columns = import.columns;
    view! {
        <details class="px-6 py-3 border-t border-line max-md:px-4" open=import.problem.is_some() || of_file>
            <summary class="font-medium cursor-pointer">"How it is read"</summary>
            <PostForm post=post class="mt-3">
                <Fields id=id columns=columns passwords=passwords password=import.password />
            </PostForm>
        </details>
    }
    .into_any()
}

#[component]
fn Fields(
    id: ImportId,
    columns: Vec<ImportColumn>,
    passwords: Vec<(String, String)>,
    password: ImportPassword,
) -> impl IntoView {
    let error = use_field_error("columns");
    let rows = columns
        .into_iter()
        .enumerate()
        .map(|(at, column)| view! { <Column at=at column=column /> })
        .collect_view();
    view! {
        <input type="hidden" name="id" value=id.to_string() />
        <table class="rc-table still max-w-4xl" aria-label="Columns">
            <thead>
                <tr>
                    <th scope="col">"Column"</th>
                    <th scope="col" class="max-md:hidden">"For example"</th>
                    <th scope="col">"Is imported as"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {move || {
            error.get().map(|error| view! { <p class="rc-err mt-2" role="alert">{error}</p> })
        }}
        <div class="mt-4 max-w-96">
            <Choice
                name="password"
                label="Password"
                options=passwords
                value=password.as_str()
                hint="An empty cell, and a column that is left aside, change nothing. Aliases and groups are added, never taken away."
            />
        </div>
        <div class="mt-3">
            <Submit label="Look again" busy="Looking" class="btn" />
        </div>
    }
    .into_any()
}

#[component]
fn Column(at: usize, column: ImportColumn) -> impl IntoView {
    let label = format!("{} is imported as", column.header);
    let options = ImportField::ALL
        .iter()
        .map(|field| {
            view! {
                <option value=field.as_str() selected=column.field == Some(*field)>
                    {field.title()}
                </option>
            }
        })
        .collect_view();
    let id = format!("f-column-{at}");
    view! {
        <tr>
            <th scope="row" class="font-medium text-start">
                <bdi class="block truncate max-w-60" title=column.header.clone()>
                    {column.header.clone()}
                </bdi>
            </th>
            <td class="max-md:hidden">
                <bdi class="block truncate max-w-72 text-muted">{column.example}</bdi>
            </td>
            <td>
                <select id=id name="columns[]" class="select" aria-label=label>
                    <option value="" selected=column.field.is_none()>
                        "Left aside"
                    </option>
                    {options}
                </select>
            </td>
        </tr>
    }
    .into_any()
}
