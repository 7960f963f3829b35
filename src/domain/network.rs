//! Addresses and names of the public internet, and those that are not: for everything that the gateway calls by a name
//! that somebody else wrote.

use std::net::{IpAddr, Ipv4Addr};

/// Whether an address lies on the public internet (IANA special-purpose registries, RFC 6890). What only leads to another
/// address in disguise (IPv4-mapped, NAT64, 6to4, Teredo) is not public, whatever it leads to.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => {
            // Global unicast is 2000::/3; what is special in it: 2001::/23 (Teredo, ORCHID), two for documentation, 6to4.
            let [first, second, ..] = v6.segments();
            (first & 0xe000) == 0x2000
                && !(first == 0x2001 && (second == 0xdb8 || second < 0x200))
                && !(first == 0x3fff && second < 0x1000)
                && first != 0x2002
        }
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99))
}

/// Whether a host name (lower case) can be of the public internet at all: it has a dot, and does not end in a name that
/// is for use within a house (RFC 6761, RFC 6762, RFC 8375, and `.internal`, which ICANN keeps free for it).
pub fn is_public_name(host: &str) -> bool {
    const WITHIN: [&str; 8] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "corp", "onion"];
    let host = host.trim_end_matches('.');
    let ends_in = |suffix: &&str| host == *suffix || host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
    host.contains('.') && !WITHIN.iter().any(ends_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_inside_the_office_is_not_public() {
        let inside = [
            ("0.0.0.0", "this network"),
            ("0.1.2.3", "this network"),
            ("10.1.2.3", "private"),
            ("100.64.0.1", "carrier NAT"),
            ("100.127.255.255", "carrier NAT"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("169.254.169.254", "link-local, metadata of clouds"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.8", "protocol assignments"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4 relay"),
            ("192.168.1.1", "private"),
            ("198.18.0.1", "benchmarking"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("224.0.0.1", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:10.0.0.1", "mapped"),
            ("::ffff:8.8.8.8", "mapped"),
            ("::127.0.0.1", "compatible"),
            ("64:ff9b::a00:1", "NAT64"),
            ("64:ff9b::808:808", "NAT64"),
            ("64:ff9b:1::1", "NAT64, local"),
            ("100::1", "discard"),
            ("2001::1", "Teredo"),
            ("2001:20::1", "ORCHID"),
            ("2001:db8::1", "documentation"),
            ("2002:a00:1::1", "6to4"),
            ("3fff::1", "documentation"),
            ("5f00::1", "segment routing"),
            ("fc00::1", "unique local"),
            ("fd12:3456::1", "unique local"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ];
        for (address, why) in inside {
            assert!(!is_public(address.parse().unwrap()), "{address} ({why})");
        }
        for address in ["104.244.42.1", "203.104.150.2", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2001:200::1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn names_for_use_within_a_house_are_not_public() {
        for name in
            ["localhost", "intranet", "db.local", "metadata.google.internal", "a.localhost", "x.home.arpa", "a.lan."]
        {
            assert!(!is_public_name(name), "{name}");
        }
        for name in ["www.city.nerima.tokyo.jp", "local.example", "internal.city.example", "xn--eckwd4c.jp"] {
            assert!(is_public_name(name), "{name}");
        }
    }
}
