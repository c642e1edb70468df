//! The state of a list lives in the address, so that a link shows the same to everyone.

use std::str::FromStr;

use domain::{
    id::CustomerId,
    paging::{Direction, PageRequest, ROWS_PER_PAGE},
};
use leptos::{prelude::*, reactive::graph::Observer};
use leptos_router::{
    hooks::{use_location, use_query_map},
    location::Location,
    params::ParamsMap,
};
use serde::{Deserialize, Serialize};

/// What every list is asked for. Filters that only one noun has are arguments of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// Part of a name.
    pub q: Option<String>,
    /// The chosen customer; null for all.
    pub customer: Option<CustomerId>,
    /// The column to sort by; null for the list's own order.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
    /// Which rows.
    pub page: PageRequest,
}

/// The address of the page, read and written by its lists.
#[derive(Clone)]
pub struct Address {
    location: Location,
    query: Memo<ParamsMap>,
}

/// The address of this page.
pub fn use_address() -> Address {
    Address {
        location: use_location(),
        query: use_query_map(),
    }
}

impl Address {
    /// A parameter that isn't empty.
    pub fn get(&self, name: &str) -> Option<String> {
        follow(|| self.query.with(|query| query.get(name))).filter(|value| !value.trim().is_empty())
    }

    /// A parameter in its type. What can't be read counts as absent: an old link still works.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// The chosen customer.
    pub fn customer(&self) -> Option<CustomerId> {
        self.parsed("customer")
    }

    /// What the address asks of a list.
    pub fn list(&self) -> ListQuery {
        let (sort, direction) = match self.get("sort") {
            Some(sort) => match sort.strip_prefix('-') {
                Some(column) => (Some(column.to_owned()), Direction::Descending),
                None => (Some(sort), Direction::Ascending),
            },
            None => (None, Direction::Ascending),
        };
        ListQuery {
            q: self.get("q"),
            customer: self.customer(),
            sort,
            direction,
            page: PageRequest::new(
                self.parsed("page").unwrap_or(1),
                self.parsed("rows")
                    .filter(|rows| ROWS_PER_PAGE.contains(rows))
                    .unwrap_or(ROWS_PER_PAGE[0]),
            ),
        }
    }

    /// This page's path.
    pub fn path(&self) -> String {
        follow(|| self.location.pathname.get())
    }

    /// A link to this page with parameters set, or dropped where `None`. The page number falls
    /// back to the first unless it is set itself: page 7 of another list is nobody's wish.
    ///
    /// A grid that is opened with nothing in its address opens with one's default view, so that
    /// nothing is filtered is said in so many words.
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let path = self.path();
        let bare = self.pairs().iter().all(|(name, _)| {
            name == "customer"
                || name == "page"
                || name == "view"
                || changes.iter().any(|(c, _)| c == name)
        }) && changes
            .iter()
            .all(|(name, value)| *name == "customer" || value.is_none());
        if bare && [crate::routes::USERS, crate::routes::GROUPS].contains(&path.as_str()) {
            let mut changes = changes.to_vec();
            changes.push(("view", Some("all")));
            return self.at(&path, &changes);
        }
        self.at(&path, changes)
    }

    /// A link to this page with nothing but a customer.
    pub fn bare(&self, customer: Option<String>) -> String {
        let path = self.path();
        let mut pairs: Vec<_> = customer
            .map(|id| ("customer".to_owned(), id))
            .into_iter()
            .collect();
        if [crate::routes::USERS, crate::routes::GROUPS].contains(&path.as_str()) {
            pairs.push(("view".to_owned(), "all".to_owned()));
        }
        link(&path, &pairs)
    }

    /// A link to another page that keeps this address's parameters, with changes.
    pub fn at(&self, path: &str, changes: &[(&str, Option<&str>)]) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(name, _)| {
            name != "page" && name != "view" && changes.iter().all(|(c, _)| c != name)
        });
        for (name, value) in changes {
            if let Some(value) = value {
                pairs.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        link(path, &pairs)
    }

    /// A link to another page that keeps nothing but the chosen customer.
    pub fn keep(&self, path: &str) -> String {
        match self.get("customer") {
            Some(customer) => link(path, &[("customer".to_owned(), customer)]),
            None => path.to_owned(),
        }
    }

    /// Every parameter that isn't empty, in order.
    pub fn pairs(&self) -> Vec<(String, String)> {
        follow(|| {
            self.query.with(|query| {
                query
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(name, value)| (name.to_string(), value.to_owned()))
                    .collect()
            })
        })
    }
}

/// Reads the address and follows it where something can: a row of a list is made anew with its
/// list, so it needs not.
fn follow<T>(read: impl FnOnce() -> T) -> T {
    if Observer::get().is_some() {
        read()
    } else {
        untrack(read)
    }
}

/// A path with a query.
pub fn link(path: &str, pairs: &[(String, String)]) -> String {
    let mut text = path.to_owned();
    for (i, (name, value)) in pairs.iter().enumerate() {
        text.push(if i == 0 { '?' } else { '&' });
        encode(&mut text, name);
        text.push('=');
        encode(&mut text, value);
    }
    text
}

/// Percent-encodes what may not stand bare in a query (RFC 3986 §2.3 lists what may).
fn encode(to: &mut String, text: &str) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            write!(to, "%{byte:02X}").expect("a String takes everything");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_link_carries_any_text() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(link("/users", &[]), "/users");
        assert_eq!(
            link("/users", &[pair("q", "a&b=ü /?"), pair("rows", "100")]),
            "/users?q=a%26b%3D%C3%BC%20%2F%3F&rows=100"
        );
    }
}
