//! The list of devices, of one customer or of all.

use domain::{
    device::{Device, trust_words},
    directory::DirectoryLine,
    paging::Page,
    policy::ObjectType,
};
use leptos::{server, server_fn::codec::Json};

use crate::ui::{
    directory::{DirectoryChips, DirectoryFilter, NotRead},
    prelude::*,
    table::{BelowCell, CustomerCell, ListTable, NameCell, StatusCell},
};

/// Devices under the list's search and filters.
#[server(endpoint = "devices/list", input = Json)]
pub(crate) async fn list_devices(
    list: ListQuery,
    filter: DirectoryFilter,
) -> AppResult<Page<DirectoryLine<Device>>> {
    let (backend, scope) = crate::session::caller().await?;
    let query = filter.query(list);
    Ok(backend::store::devices::list(&backend, &scope, query).await?)
}

/// The page.
#[component]
pub fn DevicesPage() -> impl IntoView {
    let address = use_address();
    let changes = use_changes();
    let asked = Memo::new(move |_| (address.list(), DirectoryFilter::of(&address)));
    let devices = Resource::new(
        move || (asked.get(), changes.follow()),
        |((list, filter), _)| list_devices(list, filter),
    );
    view! {
        <PageHead title="Devices" />
        <ListBar label="Devices">
            <DirectoryChips />
            <TotalOf resource=devices one="device" many="devices" />
            <ExportCsv path=routes::DEVICES_CSV />
        </ListBar>
        <Load resource=devices let:page>
            <List asked=asked.get_untracked() page=page />
        </Load>
    }
    .into_any()
}

#[component]
fn List(asked: (ListQuery, DirectoryFilter), page: Page<DirectoryLine<Device>>) -> impl IntoView {
    let (list, filter) = asked;
    if page.total == 0 && list.q.is_none() && filter.is_none() {
        return view! { <NotRead title="Devices" many="devices" /> }.into_any();
    }
    let total = page.total;
    let show_customer = list.customer.is_none();
    let rows = page
        .items
        .into_iter()
        .map(|line| view! { <Row line=line show_customer=show_customer /> }.into_any())
        .collect();
    view! {
        <ListTable label="Devices" many="devices" asked=list.page total=total rows=rows>
            <SortHead label="Name" column="name" first=true class="grow" />
            <Head label="Operating System" />
            <Head label="Version" />
            <Head label="Trust Type" />
            <Head label="Compliant" />
            <Head label="Managed" />
            {show_customer.then(|| view! { <Head label="Customer" /> })}
            <SortHead label="Status" column="status" />
            <SortHead label="Source Type" column="source" />
        </ListTable>
    }
    .into_any()
}

#[component]
fn Row(line: DirectoryLine<Device>, show_customer: bool) -> impl IntoView {
    let address = use_address();
    let device = line.object;
    let trust = device.trust_type.unwrap_or_default();
    view! {
        <tr role="row">
            <NameCell
                href=address.keep(&routes::device(device.id))
                name=device.display_name
            />
            <BelowCell text=device.operating_system />
            <td role="cell" class="text-muted whitespace-nowrap rc-num max-md:order-4 max-md:justify-self-end">
                <bdi>{device.operating_system_version}</bdi>
            </td>
            <td role="cell" class="whitespace-nowrap max-md:hidden">
                <bdi>{trust_words(&trust).to_owned()}</bdi>
            </td>
            <FlagCell flag=device.is_compliant />
            <FlagCell flag=device.is_managed />
            <CustomerCell show=show_customer name=line.customer_name />
            <StatusCell status=device.status of=ObjectType::Device delete_at=line.delete_at />
            <td role="cell" class="max-md:hidden"><Source source=device.source_type /></td>
        </tr>
    }
    .into_any()
}

/// Yes or No, where the source says either.
#[component]
fn FlagCell(flag: Option<bool>) -> impl IntoView {
    view! {
        <td role="cell" class="max-md:hidden">
            {match flag {
                Some(yes) => view! { <YesNo yes=yes /> }.into_any(),
                None => view! { <span class="text-faint">"–"</span> }.into_any(),
            }}
        </td>
    }
}
