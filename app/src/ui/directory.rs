//! What contacts and devices share: the filters of their lists, what an empty list says, and the
//! page of one of them.

use std::str::FromStr;

use domain::{
    countdown::CountdownState,
    directory::{DirectoryDetail, DirectoryObject},
    id::{ExternalId, IntegrationId},
    user::{DirectoryStatus, MemberOf, SourceType},
};
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    address::Address,
    countdown::CountdownNote,
    object::{AttributesSection, GroupsSection, ObjectFacts},
    prelude::*,
};

/// What the lists of contacts and devices are filtered by, beside the customer and the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryFilter {
    status: Option<DirectoryStatus>,
    source_type: Option<SourceType>,
    countdown: Option<CountdownState>,
}

impl DirectoryFilter {
    /// The filter in the address.
    pub fn of(address: &Address) -> Self {
        Self {
            status: address.parsed("status"),
            source_type: address.parsed("source_type"),
            countdown: address.parsed("countdown"),
        }
    }

    /// Whether it leaves everything in.
    pub const fn is_none(&self) -> bool {
        self.status.is_none() && self.source_type.is_none() && self.countdown.is_none()
    }

    /// What the store is asked.
    #[cfg(feature = "ssr")]
    pub fn query(self, list: ListQuery) -> backend::store::directory::DirectoryQuery {
        backend::store::directory::DirectoryQuery {
            customer_id: list.customer,
            q: list.q,
            status: self.status,
            source_type: self.source_type,
            countdown: self.countdown,
            page: list.page,
            sort: list.sort,
            direction: list.direction,
            ..Default::default()
        }
    }
}

/// The chips of [`DirectoryFilter`].
#[component]
pub fn DirectoryChips() -> impl IntoView {
    view! {
        <FilterChip
            name="status"
            label="Status"
            options=options(DirectoryStatus::ALL, DirectoryStatus::title)
        />
        <FilterChip
            name="source_type"
            label="Source Type"
            options=options(SourceType::ALL, SourceType::as_str)
        />
        <FilterChip
            name="countdown"
            label="Deletion"
            options=options(CountdownState::ALL, CountdownState::title)
        />
    }
    .into_any()
}

/// Before anything of a type was read that no policy reads by itself.
#[component]
pub fn NotRead(
    /// The setting's word for the type: "Contacts".
    title: &'static str,
    /// The same in the middle of a sentence: "contacts".
    many: &'static str,
) -> impl IntoView {
    let address = use_address();
    let integrations = address.keep(routes::INTEGRATIONS);
    view! {
        <Empty
            title=format!("No {many} yet")
            text=format!(
                "{title} are read only where an integration’s policy has them. Open the integration, \
                 tick {title} under Object types on its tab Tenant Configuration, and save: they come \
                 with the next run.",
            )
        >
            <a class="btn btn-primary" href=integrations>
                "Integrations"
            </a>
        </Empty>
    }
}

/// What the page of a contact or a device shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectView<T> {
    /// The contact or the device.
    pub detail: DirectoryDetail<T>,
    /// The groups it is in.
    pub groups: Vec<MemberOf>,
}

/// What `view` tells of the object whose id is in the path. An id that can't be read is answered as
/// one that isn't there.
pub fn use_object<I, T, F>(view: fn(I) -> F) -> Resource<AppResult<ObjectView<T>>>
where
    I: FromStr + Copy + PartialEq + Send + Sync + 'static,
    T: DirectoryObject + Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = AppResult<ObjectView<T>>> + Send + 'static,
{
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<I>().ok()));
    let changes = use_changes();
    Resource::new(
        move || (id.get(), changes.follow()),
        move |(id, _)| async move {
            match id {
                Some(id) => view(id).await,
                None => Err(AppError::NotFound {
                    what: T::TYPE.to_string(),
                }),
            }
        },
    )
}

/// The page of a contact or a device.
#[component]
pub fn ObjectPage<T>(
    /// What is shown.
    shown: ObjectView<T>,
    /// The list it belongs to: path and title.
    parent: (&'static str, &'static str),
    /// The attributes that every object of its type has, by Graph's names.
    known: Vec<(&'static str, Option<String>)>,
) -> impl IntoView
where
    T: DirectoryObject + 'static,
{
    let address = use_address();
    let ObjectView { detail, groups } = shown;
    let DirectoryDetail {
        line,
        integration_name,
        status_reason,
        countdown,
        attributes,
        ..
    } = detail;
    let object = line.object;
    let (id, external_id) = (object.id(), object.external_id());
    let (status, source, integration_id) = (
        object.status(),
        object.source_type(),
        object.integration_id(),
    );
    let facts = move || {
        view! {
            <ObjectFacts
                of=T::TYPE
                status=status
                reason=status_reason
                source=source
                integration_id=integration_id
                integration_name=integration_name
                customer_id=line.customer_id
                customer_name=line.customer_name
                pending=line.pending
            />
        }
        .into_any()
    };
    let others = attributes
        .into_iter()
        .map(|attribute| (attribute.name, Some(attribute.value)));
    let rows = known
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain([("id".to_owned(), external_id.map(|id| id.to_string()))])
        .chain(others)
        .collect();
    view! {
        <PageHead
            title=object.display_name()
            parent=(address.keep(parent.0), parent.1.to_owned())
            facts=facts
        />
        <div class="flex-1 grid content-start xl:grid-cols-[minmax(0,1fr)_26rem] gap-x-12 px-6 py-5 max-md:px-4 border-t border-line">
            <div class="min-w-0">
                <CountdownNote object_type=T::TYPE id=id countdown=countdown />
                <WhyLine integration=integration_id object=external_id />
                <GroupsSection groups=groups />
            </div>
            <AttributesSection rows=rows changed=line.changed_at />
        </div>
    }
    .into_any()
}

/// The way to "Why?" on the page of the integration.
#[component]
fn WhyLine(integration: Option<IntegrationId>, object: Option<ExternalId>) -> impl IntoView {
    match integration.zip(object) {
        Some((integration, object)) => {
            let href = routes::integration_why_of(integration, &object.to_string());
            view! {
                <p>
                    <a class="rc-link" href=href>
                        "Why is it as it is?"
                    </a>
                </p>
            }
            .into_any()
        }
        None => view! { <p class="text-muted">"No integration keeps it in step."</p> }.into_any(),
    }
}
