//! The client for Entra's token endpoints and Microsoft Graph.
//!
//! It knows nothing of Rollcall's database or nouns: typed wire structs go out, typed errors go
//! out, and that is all. Clock, chance and the HTTP client are passed in.
//!
//! # How a round works
//!
//! A *round* reads one stream of one tenant, e.g. all users, page by page:
//!
//! 1. A process makes one [`Connector`] from its [`Http`] client, clock, [`Chance`] and
//!    [`Limits`]. For a run it takes [`Connector::client`], [`Client::pinned`] to the tenant's GUID
//!    and [`Client::metered`], so that [`Client::usage`] counts this run alone.
//! 2. [`Client::users_delta`] with [`DeltaStart::Beginning`] makes the first URL, with `$select`
//!    (and, for groups, a filter of ids). With [`DeltaStart::Link`] it goes on from a stored delta
//!    link, after checking that the link leads to the configured Graph origin and to this
//!    resource. [`DeltaStart::Latest`] has no items and one link: "from now on".
//! 3. [`Pages::next_page`] starts a task that reads ahead, at most
//!    [`Settings::pages_ahead`] pages, so that downloading and decoding the next page go on while
//!    this one is written to staging. Memory is bounded by those pages. Dropping the [`Pages`]
//!    stops the task.
//! 4. For each page: the limiter is asked ([`Limits`]), a token taken from the cache or had anew,
//!    the request sent with `x-ms-throttle-priority: Low`, the answer read up to a size limit,
//!    U+0000 and half surrogates replaced, and the JSON decoded straight into the item structs.
//!    429, 5xx, cut connections and cut bodies are tried again as [`Patience`] says, after
//!    `Retry-After` or with exponential back-off and jitter. A 401 renews the token once.
//! 5. A page names its successor ([`After::Next`], checked like a stored link, and followed by the
//!    reader itself), or ends the round with [`After::Delta`]. A page with neither is
//!    [`Error::Incomplete`]: nothing may be concluded from what is missing. A link that comes
//!    twice, too many pages, too many empty ones in a row and too long a time end the round with
//!    [`Error::EndlessRound`].
//! 6. [`Error::DeltaExpired`] means: begin again with [`DeltaStart::Beginning`], a full read.
//!
//! The same object may come several times in a round and in any order; the caller merges by id,
//! last one wins. Errors carry words for people: [`Error::title`], [`Error::detail`],
//! [`Error::fix`].

mod client;
mod cloud;
mod credential;
mod error;
mod exchange;
mod extensions;
mod finding;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod http;
mod limits;
mod links;
mod outside;
mod pages;
mod reading;
mod resource;
mod retry;
mod search;
mod token;
mod usage;
mod wire;

pub use client::{Client, Connector, Settings};
pub use cloud::{Cloud, MICROSOFT_CLOUDS, Tenant};
pub use credential::{Certificate, Credential, Switched};
pub use error::{
    Answer, Blame, CertificateProblem, Endless, Endpoint, Error, Result, Service, SignInRefusal,
    Stage, Unreachable,
};
pub use extensions::ExtensionProperty;
pub use finding::Holder;
pub use http::{Http, HttpOptions, client as http_client};
pub use limits::{Limits, Quota, Quotas};
pub use outside::{Chance, Clock};
pub use pages::{After, Page, Pages, RoundLimits};
pub use reading::{DeltaStart, FILTER_IDS_MAX, GET_BY_IDS_MAX};
pub use resource::Resource;
pub use retry::Patience;
pub use search::{BATCH_MAX, GroupHit};
pub use token::{AuthorizationCode, TokenInfo};
pub use usage::Usage;
pub use wire::{
    AssignedLicense, ContactItem, DeviceItem, Domain, EmployeeOrgData, GroupItem, GroupKind, Item,
    Member, MemberOp, ObjectKind, Organization, Phone, PostalAddress, Removed, Select, UserItem,
};
