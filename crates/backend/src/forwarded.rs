//! Whom proxies name as the one who asks.

use std::net::{IpAddr, SocketAddr};

/// The client: from the nearest hop outwards, the first address that is not a trusted proxy. What
/// stands further out was written by that client and says nothing. `named` are the values of the
/// headers that name hops, the nearest last.
pub fn client<'a>(
    peer: IpAddr,
    named: impl IntoIterator<Item = &'a str>,
    trusts: impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let mut client = peer.to_canonical();
    if !trusts(client) {
        return client;
    }
    let named = named.into_iter().flat_map(|value| value.split(','));
    let named: Vec<&str> = named.collect();
    for hop in named.iter().rev() {
        let Some(address) = address(hop.trim()) else {
            break;
        };
        client = address.to_canonical();
        if !trusts(client) {
            break;
        }
    }
    client
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|hop| hop.ip()))
        .or_else(|| {
            text.strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'))
                .and_then(|text| text.parse().ok())
        })
}
