//! One device: attributes, where it comes from, and the groups it is in.

use domain::{device::Device, id::DeviceId};
use leptos::{server, server_fn::codec::Json};

use crate::ui::{
    directory::{ObjectPage, ObjectView, use_object},
    prelude::*,
};

/// One device with its groups.
#[server(endpoint = "devices/view", input = Json)]
pub(crate) async fn view_device(id: DeviceId) -> AppResult<ObjectView<Device>> {
    use backend::store::devices;
    let (backend, scope) = crate::session::caller().await?;
    Ok(ObjectView {
        detail: devices::detail(&backend, &scope, id).await?,
        groups: devices::member_of(&backend, &scope, id).await?,
    })
}

/// The page.
#[component]
pub fn DevicePage() -> impl IntoView {
    let device = use_object(view_device);
    // All that a device has stands among what else the source gave.
    let show = |shown: ObjectView<Device>| {
        view! { <ObjectPage shown=shown parent=(routes::DEVICES, "Devices") known=Vec::new() /> }
    };
    view! { <Load resource=device whole=true children=show /> }.into_any()
}
