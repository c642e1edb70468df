//! Which hosts are this machine itself. What goes there never leaves it, so it may go in the clear.

use url::Host;

/// Whether a host is this machine itself: `localhost` (RFC 6761 §6.3), or a loopback address.
pub fn is_loopback<T: AsRef<str>>(host: &Host<T>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref() == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for (host, this) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("127.8.0.1", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("0.0.0.0", false),
            ("[::]", false),
            ("10.0.0.1", false),
            ("localhost.example.com", false),
            ("rollcall.localhost.example", false),
        ] {
            assert_eq!(is_loopback(&Host::parse(host).unwrap()), this, "{host}");
        }
    }
}
