//! The networks a token can be used from (RFC 4632).

use std::net::IpAddr;

use domain::{api_token::ADDRESSES_MAX, text::FieldError};
use ipnet::IpNet;

use crate::{Error, Result, store::read_json};

/// Networks as typed, each once: `203.0.113.0/24`, or one address alone.
pub(crate) fn parse(field: &str, given: &[String]) -> Result<Vec<IpNet>, FieldError> {
    let mut networks = Vec::new();
    for text in given.iter().map(|text| text.trim()) {
        if text.is_empty() {
            continue;
        }
        let network = parse_one(text).ok_or_else(|| {
            let message = format!(
                "“{text}” is no network. Write an address, or one with the bits that count, such as 203.0.113.0/24."
            );
            FieldError::new(field, message)
        })?;
        if network.prefix_len() == 0 {
            let message = format!("{network} is every address. Leave this empty for that.");
            return Err(FieldError::new(field, message));
        }
        networks.push(network);
    }
    networks.sort_unstable();
    networks.dedup();
    if networks.len() > ADDRESSES_MAX {
        let message = format!("Use at most {ADDRESSES_MAX} networks.");
        return Err(FieldError::new(field, message));
    }
    Ok(networks)
}

fn parse_one(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    text.parse::<IpNet>().ok().map(|network| network.trunc())
}

/// As they are kept.
pub(super) fn written(networks: &[IpNet]) -> Result<String> {
    serde_json::to_string(networks)
        .map_err(|error| Error::Internal(format!("networks can’t be written: {error}")))
}

/// As they were [`written`].
pub(crate) fn read(text: &str) -> Result<Vec<IpNet>> {
    read_json("api_token.addresses", text)
}

/// Whether an address is in one of the networks; every one is where there are none. What didn't
/// come over a network is in none.
pub(crate) fn hold(networks: &[IpNet], address: Option<IpAddr>) -> bool {
    networks.is_empty()
        || address.is_some_and(|address| {
            let address = address.to_canonical();
            networks.iter().any(|network| network.contains(&address))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(given: &[&str]) -> Result<Vec<IpNet>, FieldError> {
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        parse("addresses", &given)
    }

    #[test]
    fn networks_are_read_as_people_write_them() {
        let networks = parsed(&["203.0.113.77/24", " 203.0.113.0/24", "", "2001:db8::1"]).unwrap();
        let texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["203.0.113.0/24", "2001:db8::1/128"]);
        for bad in [
            "x",
            "203.0.113.0/33",
            "203.0.113",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.1-9",
        ] {
            assert_eq!(parsed(&[bad]).unwrap_err().field, "addresses", "{bad}");
        }
        let many: Vec<_> = (0..=ADDRESSES_MAX)
            .map(|n| format!("10.0.{n}.0/24"))
            .collect();
        assert!(parse("addresses", &many).is_err());
        assert!(parse("addresses", &many[1..]).is_ok());
    }

    #[test]
    fn an_address_is_in_a_network_however_it_is_written() {
        let networks = parsed(&["203.0.113.0/24"]).unwrap();
        for (address, inside) in [
            ("203.0.113.9", true),
            ("::ffff:203.0.113.9", true),
            ("203.0.114.9", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(hold(&networks, address.parse().ok()), inside, "{address}");
        }
        assert!(!hold(&networks, None));
        assert!(hold(&[], None));
    }
}
