//! The list of contacts, of one customer or of all.

use domain::{contact::Contact, directory::DirectoryLine, paging::Page, policy::ObjectType};
use leptos::{server, server_fn::codec::Json};

use crate::ui::{
    directory::{DirectoryChips, DirectoryFilter, NotRead},
    prelude::*,
    table::{BelowCell, CustomerCell, ListTable, NameCell, StatusCell},
};

/// Contacts under the list's search and filters.
#[server(endpoint = "contacts/list", input = Json)]
pub(crate) async fn list_contacts(
    list: ListQuery,
    filter: DirectoryFilter,
) -> AppResult<Page<DirectoryLine<Contact>>> {
    let (backend, scope) = crate::session::caller().await?;
    let query = filter.query(list);
    Ok(backend::store::contacts::list(&backend, &scope, query).await?)
}

/// The page.
#[component]
pub fn ContactsPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| (address.list(), DirectoryFilter::of(&address)));
    let contacts = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter), _)| list_contacts(list, filter),
    );
    view! {
        <PageHead title="Contacts" />
        <ListBar label="Contacts">
            <DirectoryChips />
            <TotalOf resource=contacts one="contact" many="contacts" />
            <ExportCsv path=routes::CONTACTS_CSV />
        </ListBar>
        <Load resource=contacts let:page>
            <List asked=asked.get_untracked() page=page />
        </Load>
    }
    .into_any()
}

#[component]
fn List(asked: (ListQuery, DirectoryFilter), page: Page<DirectoryLine<Contact>>) -> impl IntoView {
    let (list, filter) = asked;
    if page.total == 0 && list.q.is_none() && filter.is_none() {
        return view! { <NotRead title="Contacts" many="contacts" /> }.into_any();
    }
    let total = page.total;
    let show_customer = list.customer.is_none();
    let rows = page
        .items
        .into_iter()
        .map(|line| view! { <Row line=line show_customer=show_customer /> }.into_any())
        .collect();
    view! {
        <ListTable label="Contacts" many="contacts" asked=list.page total=total rows=rows>
            <SortHead label="Name" column="name" first=true class="grow" />
            <Head label="Mail" />
            <Head label="Company" />
            {show_customer.then(|| view! { <Head label="Customer" /> })}
            <SortHead label="Status" column="status" />
            <SortHead label="Source Type" column="source" />
        </ListTable>
    }
    .into_any()
}

#[component]
fn Row(line: DirectoryLine<Contact>, show_customer: bool) -> impl IntoView {
    let address = use_address();
    let contact = line.object;
    let company = contact.company_name.unwrap_or_default();
    view! {
        <tr role="row">
            <NameCell
                href=address.keep(&routes::contact(contact.id))
                name=contact.display_name
            />
            <BelowCell text=contact.mail />
            <td role="cell" class="max-md:order-4 max-md:justify-self-end max-md:text-muted">
                <bdi class="block truncate max-w-52" title=company.clone()>
                    {company.clone()}
                </bdi>
            </td>
            <CustomerCell show=show_customer name=line.customer_name />
            <StatusCell
                status=contact.status
                of=ObjectType::Contact
                delete_at=line.delete_at
            />
            <td role="cell" class="max-md:hidden"><Source source=contact.source_type /></td>
        </tr>
    }
    .into_any()
}
