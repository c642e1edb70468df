//! Recovery codes: shown once, and good once somebody says that they kept them.

use domain::second_factor::RecoveryCodesOffer;
use leptos::{server, server_fn::codec::Json};

use crate::{
    routes::is_local,
    ui::{prelude::*, second_factor::Codes},
};

/// Makes codes to be shown.
#[server(endpoint = "recovery-codes/offer", input = Json)]
pub(crate) async fn offer_codes() -> AppResult<RecoveryCodesOffer> {
    use backend::auth::second_factor;
    let (backend, scope) = crate::session::caller().await?;
    Ok(second_factor::offer_recovery_codes(&backend, &scope).await?)
}

/// Takes the codes that were shown in place of those before.
#[server(endpoint = "recovery-codes/keep")]
pub(crate) async fn keep_codes(sealed_codes: String, next: String) -> AppResult<Done> {
    use backend::auth::second_factor;
    let (backend, scope) = crate::session::caller().await?;
    second_factor::keep_recovery_codes(&backend, &scope, &sealed_codes).await?;
    let to = if is_local(&next) {
        next
    } else {
        routes::ACCOUNT.to_owned()
    };
    crate::session::done("The recovery codes are good from now on", Some(to)).await
}

/// The dialog.
#[component]
pub fn RecoveryCodesDialog() -> impl IntoView {
    let next = use_address().get("next").filter(|next| is_local(next));
    let next = StoredValue::new(next.unwrap_or_default());
    let post = use_post::<KeepCodes>();
    let offer = Resource::new(|| (), |()| offer_codes());
    view! {
        <Dialog title="Recovery Codes" back=routes::ACCOUNT>
            <Load
                resource=offer
                children=move |offer| {
                    view! {
                        <PostForm post=post>
                            <input type="hidden" name="sealed_codes" value=offer.sealed />
                            <input type="hidden" name="next" value=next.get_value() />
                            <p class="mb-3">
                                "Each signs you in once, in place of your second factor. Print them, \
                                 or keep them where you keep passwords: they are shown only now, and \
                                 take the place of any before."
                            </p>
                            <Codes codes=offer.codes />
                            <DialogFoot back=routes::ACCOUNT>
                                <Submit label="I kept them" busy="Keeping" />
                            </DialogFoot>
                        </PostForm>
                    }
                }
            />
        </Dialog>
    }
    .into_any()
}
