//! The nouns of Rollcall: ids, policy, states, permissions and paging.
//!
//! Built for the server and for the browser, so there is no I/O, no async and no clock in here.
//! A type in this crate is the same thing on a page, in the API, in the store and in a test;
//! field and state names are the ones promised in the REST API.
//!
//! With the feature `sqlx`, ids and states can be read straight out of a row on either database;
//! with `openapi`, they describe themselves in the API document.

pub mod api_token;
pub mod audit;
pub mod bulk;
pub mod cloud;
pub mod connection;
pub mod consent_link;
pub mod contact;
pub mod countdown;
pub mod credential_profile;
pub mod customer;
pub mod decision;
pub mod device;
pub mod difference;
pub mod directory;
pub mod enrolment;
pub mod filter;
pub mod grid;
pub mod group;
pub mod guard;
pub mod id;
pub mod identity;
pub mod import;
pub mod integration;
pub mod made_here;
pub mod mapping;
pub mod matching;
pub mod notification;
pub mod number;
pub mod operator;
pub mod overview;
pub mod paging;
pub mod pause;
pub mod permission;
pub mod policy;
pub mod protection;
pub mod run;
pub mod schedule;
pub mod second_factor;
pub mod settings;
pub mod tenant;
pub mod text;
pub mod user;
pub mod why;

/// A moment in UTC, with microseconds as its finest unit: `PostgreSQL` keeps no finer one.
/// Named as in chrono, since the API description tells its format by that name.
pub type DateTime = chrono::DateTime<chrono::Utc>;

/// Implements a state's text form once, for rows, JSON, queries in an address and display.
///
/// The text is part of the REST API: changing one is a breaking change.
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $text:tt, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text"))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name { $(
            $(#[$vmeta])*
            #[serde(rename = $text)]
            #[cfg_attr(feature = "sqlx", sqlx(rename = $text))]
            $variant,
        )+ }

        impl $name {
            /// Every value, in the order a person expects to see them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text used in the API, in the tables and in addresses.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::UnknownText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::text::UnknownText::new(text, &[$($text),+])),
                }
            }
        }
    };
}
pub(crate) use text_enum;
