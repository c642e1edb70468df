//! The `OData` options of a request.

use super::error::GraphError;
use crate::directory::schema::Schema;
use crate::incoming::Incoming;

/// What a reader wants of each object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Positions in the schema, in the order asked for.
    pub properties: Vec<usize>,
    /// The same as bits.
    pub mask: u64,
    /// Whether `members` was named, or nothing at all.
    pub members: bool,
    /// The names as they were given; `None` when nothing was selected.
    pub named: Option<String>,
}

/// Properties that live outside the directory and can't be listed (graph.md §6.2).
const ELSEWHERE: [&str; 12] = [
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "signInActivity",
    "skills",
];

impl Selection {
    /// What `$select` says, or the default set.
    pub fn parse(select: Option<&str>, schema: &Schema) -> Result<Self, GraphError> {
        let Some(select) = select.filter(|text| !text.trim().is_empty()) else {
            return Ok(Self::default_of(schema));
        };
        let mut selection = Self {
            properties: Vec::new(),
            mask: 0,
            members: false,
            named: Some(select.to_owned()),
        };
        for name in select.split(',').map(str::trim) {
            if let Some(position) = schema.find(name) {
                if !selection.properties.contains(&position) {
                    selection.properties.push(position);
                    selection.mask |= 1 << position;
                }
            } else if name == "members" && schema.collection == "groups" {
                selection.members = true;
            } else if ELSEWHERE.contains(&name) {
                let message = "This operation target is not yet supported.";
                return Err(GraphError::new(501, "NotImplemented", message));
            } else {
                return Err(GraphError::unknown_property(name, schema.type_name));
            }
        }
        Ok(selection)
    }

    fn default_of(schema: &Schema) -> Self {
        let shown = |(position, property): (usize, &crate::directory::schema::Property)| {
            property.default.then_some(position)
        };
        let properties: Vec<usize> = schema
            .properties
            .iter()
            .enumerate()
            .filter_map(shown)
            .collect();
        // Without `$select` every change is tracked, not only those of the default set.
        Self {
            properties,
            mask: (1 << schema.properties.len()) - 1,
            members: true,
            named: None,
        }
    }

    /// The same with `id` in it, as delta always has.
    #[must_use]
    pub fn with_id(mut self, schema: &Schema) -> Self {
        if let Some(id) = schema.find("id")
            && !self.properties.contains(&id)
        {
            self.properties.push(id);
        }
        self
    }
}

/// The size of a page (graph.md §5): 100, or 1 to 999 when asked.
pub(crate) fn page_size(request: &Incoming) -> Result<usize, GraphError> {
    let Some(text) = request.query_value("$top") else {
        return Ok(100);
    };
    match text.parse::<i64>() {
        Ok(top @ 1..=999) => Ok(usize::try_from(top).unwrap_or(100)),
        _ => Err(GraphError::bad_request(format!(
            "Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive."
        ))),
    }
}

/// Whether the request asks for the eventually consistent index.
pub(crate) fn is_eventual(request: &Incoming) -> bool {
    request
        .header("consistencylevel")
        .is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
}

/// Whether `$count=true` was asked for.
pub(crate) fn wants_count(request: &Incoming) -> bool {
    request
        .query_value("$count")
        .is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
