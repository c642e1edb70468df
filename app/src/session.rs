//! Who is signed in, and what every page knows from the first byte on.

use domain::{
    DateTime,
    id::OperatorId,
    permission::{Permission, Role},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::flash::{Flash, Refused};

/// Light, dark, or as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::System];

    /// The theme in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// Its value in the cookie and in the form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that value; anything else is the system's.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The style sheet's name for it, as `data-theme` of the document.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("rollcall"),
            Self::Dark => Some("rollcall-dark"),
        }
    }

    /// Its icon.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::System => "monitor",
            Self::Light => "sun",
            Self::Dark => "moon",
        }
    }
}

/// The operator who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// Their id.
    pub id: OperatorId,
    /// Their name.
    pub name: String,
    /// Their mail address.
    pub email: String,
    /// Their role.
    pub role: Role,
    /// Whether they look after every customer.
    pub sees_all: bool,
    /// How many customers they see.
    pub customers: i64,
}

/// What every page knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Who is signed in.
    pub operator: Option<SignedIn>,
    /// Whether there is no operator at all yet.
    pub needs_owner: bool,
    /// The server's time.
    pub now: DateTime,
    /// What the last plain form left.
    pub flash: Flash,
    /// The chosen theme.
    pub theme: Theme,
}

/// The form that was refused before this page came, where it is this one.
#[derive(Clone, Copy)]
pub(crate) struct RefusedForm(pub StoredValue<Option<Refused>>);

pub(crate) fn use_refused(form: &str) -> Option<Refused> {
    use_context::<RefusedForm>()?
        .0
        .get_value()
        .filter(|refused| refused.form == form)
}

/// Who is signed in; only on pages behind the sign-in.
pub fn use_operator() -> SignedIn {
    expect_context::<SignedIn>()
}

/// Whether the person's role allows it. A courtesy: what isn't allowed is not offered, and the
/// server refuses it anyway.
pub fn may(permission: Permission) -> bool {
    use_operator().role.allows(permission)
}
