//! Pages of lists, for the interface (numbered pages) and for programs (cursors).

use serde::{Deserialize, Serialize};

/// How many rows a page of the interface may have.
pub const ROWS_PER_PAGE: [u32; 3] = [50, 100, 1000];

/// The most rows one API call may ask for.
pub const LIMIT_MAX: u32 = 1000;

/// The rows an API call gets when it doesn't say.
pub const LIMIT_DEFAULT: u32 = 50;

/// Up to so many rows are counted of a list that may be very long.
pub const COUNTED_MAX: i64 = 10_000;

/// In place of the number of rows of a list that goes on behind its page, and that takes too long to
/// count.
pub const UNCOUNTED: i64 = i64::MAX;

/// Which part of a list is wanted. Page numbers begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// 1 for the first page.
    pub page: u32,
    /// Rows a page, 1 to [`LIMIT_MAX`].
    pub rows: u32,
}

impl PageRequest {
    /// The page with these numbers, brought into their limits.
    pub fn new(page: u32, rows: u32) -> Self {
        Self {
            page: page.max(1),
            rows: rows.clamp(1, LIMIT_MAX),
        }
    }

    /// Rows before this page.
    pub fn offset(self) -> i64 {
        i64::from(self.page - 1) * i64::from(self.rows)
    }

    /// Rows to read.
    pub fn limit(self) -> i64 {
        i64::from(self.rows)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            page: 1,
            rows: ROWS_PER_PAGE[0],
        }
    }
}

/// Which way a column is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest, oldest or A first.
    #[default]
    Ascending,
    /// Largest, newest or Z first.
    Descending,
}

/// One page of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Rows of the whole list under the same search and filters. Of users and groups, which may be
    /// very many, one more than [`COUNTED_MAX`] says that there are more than that; and of what is found
    /// over all customers [`UNCOUNTED`], that there are more than up to this page.
    pub total: i64,
}

impl<T> Page<T> {
    /// A list without a row.
    pub fn empty() -> Self {
        Self {
            items: Vec::new(),
            total: 0,
        }
    }

    /// The same page with each row turned into another form.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            total: self.total,
        }
    }
}

/// What an API list answers: rows and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listing<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Pass this as `cursor` for the next rows; null at the end.
    pub next: Option<String>,
}

/// Where an API list goes on: the sort text and id of the last row that was answered.
///
/// Opaque to programs. Rows that are added or removed between two calls move nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last row's value of the column the list is sorted by.
    pub after: String,
    /// The last row's id, which breaks ties.
    pub id: uuid::Uuid,
}

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that a list answered")]
pub struct UnknownCursor;

impl std::fmt::Display for Cursor {
    /// The id and then the sort text, in hexadecimal: safe in an address as it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id.simple())?;
        self.after
            .bytes()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for Cursor {
    type Err = UnknownCursor;

    fn from_str(text: &str) -> Result<Self, UnknownCursor> {
        let (id, after) = text.split_at_checked(32).ok_or(UnknownCursor)?;
        let id = uuid::Uuid::try_parse(id).map_err(|_| UnknownCursor)?;
        let after = after
            .as_bytes()
            .chunks(2)
            .map(|pair| match std::str::from_utf8(pair) {
                Ok(pair) if pair.len() == 2 && !pair.starts_with('+') => {
                    u8::from_str_radix(pair, 16).map_err(|_| UnknownCursor)
                }
                _ => Err(UnknownCursor),
            })
            .collect::<Result<Vec<u8>, _>>()?;
        let after = String::from_utf8(after).map_err(|_| UnknownCursor)?;
        Ok(Self { after, id })
    }
}

/// What an API list call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// Rows wanted, 1 to [`LIMIT_MAX`].
    pub limit: u32,
    /// Where the last answer ended.
    pub cursor: Option<Cursor>,
    /// A part of a name to look for.
    pub q: Option<String>,
}

impl Default for ListRequest {
    fn default() -> Self {
        Self {
            limit: LIMIT_DEFAULT,
            cursor: None,
            q: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_out_and_nothing_else_is_one() {
        for after in ["", "contoso", "ümlaut 🏢 / ?&=\0"] {
            let cursor = Cursor {
                after: after.to_owned(),
                id: uuid::Uuid::from_u128(7),
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        let id = uuid::Uuid::from_u128(7).simple().to_string();
        for bad in [
            "",
            "x",
            "🏢🏢🏢🏢🏢🏢🏢🏢🏢",
            &format!("{id}6"),
            &format!("{id}+1"),
            &format!("{id}ff"),
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(UnknownCursor), "{bad}");
        }
    }
}
