//! The clouds that configuration names: Microsoft's four, and more where wanted.

use domain::cloud::CloudName;
use graph::MICROSOFT_CLOUDS;
use url::Url;

use crate::{Error, Result, loopback::is_loopback};

/// One cloud: where its tenants sign in and where its Graph is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    /// The id used in configuration and the API.
    pub id: String,
    /// Its name in words.
    pub name: String,
    /// The login origin, without a path.
    pub authority: Url,
    /// The Graph origin, without a path.
    pub graph: Url,
}

/// Every cloud there is, in the order a choice lists them.
#[derive(Debug, Clone)]
pub struct Clouds(Vec<Cloud>);

impl Clouds {
    /// Microsoft's clouds and `more`. An id of Microsoft's can't be given to another.
    pub fn new(more: impl IntoIterator<Item = Cloud>) -> Result<Self> {
        let mut clouds = MICROSOFT_CLOUDS
            .iter()
            .map(|(id, name, authority, graph)| Cloud::parse(id, name, authority, graph))
            .collect::<Result<Vec<_>>>()?;
        for cloud in more {
            if clouds.iter().any(|known| known.id == cloud.id) {
                return Err(Error::configuration(
                    "clouds",
                    &format!("the id “{}” is used twice", cloud.id),
                ));
            }
            clouds.push(cloud);
        }
        Ok(Self(clouds))
    }

    /// The cloud with this id.
    pub fn get(&self, id: &str) -> Option<&Cloud> {
        self.0.iter().find(|cloud| cloud.id == id)
    }

    /// Ids and names, for a choice.
    pub fn names(&self) -> Vec<CloudName> {
        self.0
            .iter()
            .map(|cloud| CloudName {
                id: cloud.id.clone(),
                name: cloud.name.clone(),
            })
            .collect()
    }
}

impl Cloud {
    /// A cloud whose origins are `https`, or `http` on a loopback address, without a path.
    pub fn parse(id: &str, name: &str, authority: &str, graph: &str) -> Result<Self> {
        let id_fits = !id.is_empty()
            && id.len() <= 40
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !id_fits {
            return Err(Error::configuration(
                "clouds",
                &format!("the id “{id}” may have small letters, digits and _ only"),
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            authority: origin(id, "authority", authority)?,
            graph: origin(id, "graph", graph)?,
        })
    }
}

fn origin(cloud: &str, field: &str, given: &str) -> Result<Url> {
    let refused = |problem: &str| {
        Error::configuration(
            "clouds",
            &format!("{field} of “{cloud}”, {given}: {problem}"),
        )
    };
    let url = Url::parse(given).map_err(|error| refused(&error.to_string()))?;
    let Some(host) = url.host() else {
        return Err(refused("it needs a host"));
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        "http" => return Err(refused("http is for loopback addresses only, use https")),
        _ => return Err(refused("it has to begin with https://")),
    }
    if url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        return Err(refused("give the origin alone, without a path"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microsofts_clouds_are_there_and_http_stays_on_the_machine() {
        let clouds = Clouds::new([]).unwrap();
        assert_eq!(clouds.names().len(), 4);
        assert_eq!(
            clouds.get("us_gov_l5").unwrap().graph.as_str(),
            "https://dod-graph.microsoft.us/"
        );
        let ok = "https://graph.example";
        assert!(
            Cloud::parse(
                "sim",
                "Simulator",
                "http://127.0.0.1:4010",
                "http://[::1]:4010"
            )
            .is_ok()
        );
        for bad in [
            "http://graph.example",
            "https://graph.example/v1.0",
            "ftp://x.example",
            "graph",
            "https://a@b.example",
        ] {
            assert!(Cloud::parse("sim", "Simulator", ok, bad).is_err(), "{bad}");
        }
        let again = Cloud::parse("global", "Mine", ok, ok).unwrap();
        assert!(Clouds::new([again]).is_err());
    }
}
