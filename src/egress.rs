//! The way out of the office, written from the definitions' hosts: a proxy auto-configuration for posting tools, and
//! rules that close the way round the gate. A proxy variable is no control: several SDKs ignore it.
//!
//! Firewall rules by address cannot tell a provider's hosts from others behind the same network, so `nft` closes the web
//! for the posting machines as a whole; `squid` goes by name.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A proxy auto-configuration file (JavaScript).
    Pac,
    /// An nftables ruleset for a posting machine, or for the router in front of several.
    Nft,
    /// Access rules for a Squid that the office goes out by.
    Squid,
}

/// The hosts of the providers, as patterns: `api.x.com`, or `.host.bsky.network` for all under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Those that an API answers on: the gate's.
    pub api: Vec<String>,
    /// Those on which a person posts by hand: closed to posting machines, since no gate sees them.
    pub web: Vec<String>,
}

impl Hosts {
    /// Sorted, each once; a name that is no host name is left out, so that none can end a line or a string.
    pub fn new(api: Vec<String>, web: Vec<String>) -> Self {
        let tidy = |mut names: Vec<String>| {
            names.retain(|name| is_host(name));
            names.sort_unstable();
            names.dedup();
            names
        };
        Self { api: tidy(api), web: tidy(web) }
    }
}

/// Whether it is a host name, an address, or a name with a dot before it.
pub fn is_host(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    !name.is_empty() && name.len() <= 253 && name.bytes().all(plain)
}

/// The proxy auto-configuration: the providers' APIs by the gateway, everything else as before.
pub fn pac(hosts: &Hosts, gateway: &str, port: u16) -> String {
    let mut out = String::from(
        "// 関所: SNSのAPIだけをゲートウェイに通します。 / The providers' APIs go by the gateway, nothing else.\n\
         function FindProxyForURL(url, host) {\n  host = host.toLowerCase();\n",
    );
    for host in &hosts.api {
        let test = match host.strip_prefix('.') {
            Some(_) => format!("host.slice(-{}) === \"{host}\"", host.len()),
            None => format!("host === \"{host}\""),
        };
        // No "; DIRECT" behind it: a gateway that does not answer must not open the way round it.
        let _ = writeln!(out, "  if ({test}) return \"PROXY {gateway}:{port}\";");
    }
    out.push_str("  return \"DIRECT\";\n}\n");
    out
}

/// Rules for nftables: posting machines reach the web only by the gateway's `ports`, and no proxy on the usual ports or
/// on those of the gateway's own `parents`. `from`: their network, on the router in front
/// of them; none: the rules are for the machine itself.
pub fn nft(hosts: &Hosts, gateway: IpAddr, ports: &[u16], parents: &[u16], from: Option<&str>) -> String {
    let (family, chain) = match (gateway, from) {
        (IpAddr::V4(_), None) => ("ip", "output"),
        (IpAddr::V6(_), None) => ("ip6", "output"),
        (IpAddr::V4(_), Some(_)) => ("ip", "forward"),
        (IpAddr::V6(_), Some(_)) => ("ip6", "forward"),
    };
    let source = from.map(|network| format!("{family} saddr {network} ")).unwrap_or_default();
    // A network of one family says nothing of the other, so both are closed.
    let closed = |rule: &str| match from {
        None => format!("    {rule} counter reject\n"),
        Some(_) => format!("    {source}{rule} counter reject\n"),
    };
    let mut out = String::from(
        "#!/usr/sbin/nft -f\n# 関所: 投稿用の端末からは、ゲートウェイを通るほかにウェブへ出られません。\n",
    );
    out.push_str("# Posting machines reach the web by the gateway alone. Closed among others:\n");
    for host in hosts.api.iter().chain(&hosts.web) {
        let _ = writeln!(out, "#   {host}");
    }
    out.push_str("table inet sekisho {}\nflush table inet sekisho\ntable inet sekisho {\n");
    let _ = writeln!(out, "  chain {chain} {{\n    type filter hook {chain} priority filter; policy accept;");
    if from.is_none() {
        out.push_str("    oifname \"lo\" accept\n");
    }
    for port in ports {
        let _ = writeln!(out, "    {source}{family} daddr {gateway} tcp dport {port} accept");
    }
    let web = BTreeSet::from([80, 443, 853, 1080, 3128, 8080, 8443]);
    let web: Vec<String> = web.iter().chain(parents).collect::<BTreeSet<_>>().into_iter().map(u16::to_string).collect();
    out.push_str(&closed(&format!("tcp dport {{ {} }}", web.join(", "))));
    // QUIC and DNS over QUIC.
    out.push_str(&closed("udp dport { 80, 443, 853 }"));
    out.push_str("  }\n}\n");
    out
}

/// Rules for a Squid: the gateway reaches the APIs, nobody else does; nobody reaches the pages on which people post.
pub fn squid(hosts: &Hosts, gateway: IpAddr) -> String {
    let mut out = String::from(
        "# 関所: SNSのAPIへ出られるのはゲートウェイだけです。squid.conf の http_access の先頭に読み込ませます。\n\
         # Only the gateway reaches the providers' APIs. Include it before every other http_access.\n",
    );
    let _ = writeln!(out, "acl sekisho_gateway src {gateway}");
    for (name, hosts) in [("sekisho_api", &hosts.api), ("sekisho_web", &hosts.web)] {
        for host in hosts {
            let _ = writeln!(out, "acl {name} dstdomain {host}");
        }
    }
    if !hosts.api.is_empty() {
        out.push_str("http_access allow sekisho_gateway sekisho_api\nhttp_access deny sekisho_api\n");
    }
    if !hosts.web.is_empty() {
        out.push_str("http_access deny sekisho_web\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        let api = ["api.x.com", ".host.bsky.network", "api.x.com", "bad\"host", "a\nb"];
        Hosts::new(api.map(str::to_owned).into(), vec!["x.com".to_owned()])
    }

    #[test]
    fn the_pac_sends_the_apis_to_the_gateway_and_never_falls_back_to_the_open_road() {
        let pac = pac(&hosts(), "gate.example", 8443);
        assert!(pac.contains("if (host === \"api.x.com\") return \"PROXY gate.example:8443\";"), "{pac}");
        assert!(pac.contains("if (host.slice(-18) === \".host.bsky.network\") return"), "{pac}");
        assert_eq!(pac.matches("DIRECT").count(), 1);
        assert!(!pac.contains("bad") && !pac.contains("\"x.com\""), "{pac}");
    }

    #[test]
    fn squid_lets_only_the_gateway_to_the_apis_and_nobody_to_the_pages() {
        let rules = squid(&hosts(), "10.1.2.3".parse().unwrap());
        let access: Vec<&str> = rules.lines().filter(|line| line.starts_with("http_access")).collect();
        assert_eq!(
            access,
            [
                "http_access allow sekisho_gateway sekisho_api",
                "http_access deny sekisho_api",
                "http_access deny sekisho_web"
            ]
        );
        assert!(
            rules.contains("acl sekisho_gateway src 10.1.2.3\n") && rules.contains("acl sekisho_web dstdomain x.com\n")
        );
    }

    #[test]
    fn nft_opens_the_gateway_and_closes_the_web_for_a_machine_and_for_a_network() {
        let own = nft(&hosts(), "10.1.2.3".parse().unwrap(), &[8443], &[10080], None);
        let accept = own.find("ip daddr 10.1.2.3 tcp dport 8443 accept").unwrap();
        assert!(accept < own.find("reject").unwrap() && own.contains("hook output") && own.contains("udp dport"));
        assert!(own.contains("tcp dport { 80, 443, 853, 1080, 3128, 8080, 8443, 10080 } counter reject"), "{own}");
        let net = nft(&hosts(), "fd00::1".parse().unwrap(), &[8443, 443], &[], Some("fd00:1::/64"));
        for port in [8443, 443] {
            let open = format!("ip6 saddr fd00:1::/64 ip6 daddr fd00::1 tcp dport {port} accept");
            assert!(net.contains(&open), "{net}");
        }
        assert!(net.contains("hook forward") && net.contains("ip6 saddr fd00:1::/64 tcp dport { 80, 443"), "{net}");
    }
}
