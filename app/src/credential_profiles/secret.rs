//! The fields by which a profile proves itself: a secret; a certificate from a file or pasted; or
//! one that Rollcall makes.

use std::str::FromStr;

use domain::credential_profile::CredentialKind;
use serde::{Deserialize, Serialize};

use crate::ui::{file::FileField, prelude::*};

/// What the fields of a form hold, whichever way was chosen.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecretForm {
    #[serde(default)]
    pub client_secret: Option<String>,
    #[serde(default)]
    pub certificate_pem: Option<String>,
    #[serde(default)]
    pub private_key_pem: Option<String>,
    #[serde(default)]
    pub certificate_years: Option<String>,
    #[serde(default)]
    pub expires_at: Option<String>,
}

impl std::fmt::Debug for SecretForm {
    /// Without anything in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretForm(..)")
    }
}

/// The way in which a form gives a secret or certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A client secret.
    Secret,
    /// A certificate that somebody has.
    Certificate,
    /// A certificate that Rollcall makes.
    Made,
}

impl Way {
    const ALL: [Self; 3] = [Self::Secret, Self::Certificate, Self::Made];

    /// The way in the address.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "client_secret",
            Self::Certificate => "certificate",
            Self::Made => "made",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Secret => "Client secret",
            Self::Certificate => "Certificate",
            Self::Made => "Make a certificate",
        }
    }

    /// What comes of it.
    pub const fn kind(self) -> CredentialKind {
        match self {
            Self::Secret => CredentialKind::ClientSecret,
            Self::Certificate | Self::Made => CredentialKind::Certificate,
        }
    }
}

impl FromStr for Way {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut ways = Self::ALL.into_iter();
        ways.find(|way| way.as_str() == text).ok_or(())
    }
}

/// The way that the address names, `first` where it names none.
pub(super) fn use_way(first: Way) -> Memo<Way> {
    let address = use_address();
    Memo::new(move |_| address.parsed::<Way>("with").unwrap_or(first))
}

/// The choice between the ways. It stands in the address, so that its fields are there before the
/// browser code is.
#[component]
pub(super) fn Ways(chosen: Memo<Way>) -> impl IntoView {
    let address = use_address();
    let ways = Way::ALL
        .into_iter()
        .map(|each| {
            let address = address.clone();
            view! {
                <a
                    href=move || address.with(&[("with", Some(each.as_str()))])
                    data-noscroll="true"
                    aria-current=move || (chosen.get() == each).then_some("true")
                >
                    {each.title()}
                </a>
            }
        })
        .collect_view();
    view! { <nav class="rc-seg self-start flex-wrap" aria-label="Kind">{ways}</nav> }.into_any()
}

/// The fields of a way.
#[component]
pub(super) fn WayFields(way: Way) -> impl IntoView {
    match way {
        Way::Secret | Way::Certificate => view! { <SecretFields kind=way.kind() /> }.into_any(),
        Way::Made => view! {
            <Choice
                name="certificate_years"
                label="Valid for"
                value="1"
                options=vec![
                    ("1".to_owned(), "1 year".to_owned()),
                    ("2".to_owned(), "2 years".to_owned()),
                ]
                hint="Rollcall makes the key and the certificate. The key is sealed and never leaves \
                Rollcall. The certificate is then there to download: upload it to the application in \
                Entra ID."
            />
        }
        .into_any(),
    }
}

/// Fields for a secret or a certificate.
#[component]
pub(super) fn SecretFields(
    /// Which.
    kind: CredentialKind,
) -> impl IntoView {
    match kind {
        CredentialKind::ClientSecret => view! {
            <Field
                name="client_secret"
                label="Client secret"
                kind=Kind::Password
                autocomplete="off"
                hint="The secret’s value, not its id. It is sealed and never shown again."
            />
            <Field
                name="expires_at"
                label="Ends"
                kind=Kind::Date
                hint="Entra ID shows the date beside the secret. Rollcall warns before it."
            />
        }
        .into_any(),
        CredentialKind::Certificate => view! {
            <Pem
                name="certificate_pem"
                label="Certificate (PEM)"
                hint="Begins with -----BEGIN CERTIFICATE-----. It tells by itself when it ends."
            />
            <Pem
                name="private_key_pem"
                label="Private key (PEM)"
                hint="PKCS #8, begins with -----BEGIN PRIVATE KEY-----. It is sealed and never shown again."
            />
        }
        .into_any(),
    }
}

/// A field for PEM text, pasted or read from a file.
#[component]
fn Pem(name: &'static str, label: &'static str, hint: &'static str) -> impl IntoView {
    view! {
       <FileField
           name=name
           label=label
           hint=hint
           accept=".pem,.crt,.cer,.key,.txt"
           kind=Kind::Lines
       />
    }
}
