//! `egress`: what closes the way round the gate.

use std::net::IpAddr;

use super::args::EgressFormat;
use super::{Exit, Io};
use crate::config::Config;
use crate::recognise::Definitions;
use crate::{egress, serve};

/// What was asked for.
pub(super) struct Asked {
    /// The format.
    pub(super) format: EgressFormat,
    /// The gateway's name or address.
    pub(super) gateway: String,
    /// Its port.
    pub(super) port: Option<u16>,
    /// The posting machines' network.
    pub(super) from: Option<String>,
}

pub(super) fn run(config: &Config, asked: &Asked, io: &mut Io<'_>) -> Exit {
    let definitions = match Definitions::load(&config.providers) {
        Ok(definitions) => definitions,
        Err(problems) => {
            io.complain_all(&problems);
            return Exit::Usage;
        }
    };
    let hosts = serve::hosts(&definitions);
    if hosts.api.is_empty() {
        io.complain("the configuration names no provider, so there is nothing to close");
        return Exit::Usage;
    }
    let port = asked.port.unwrap_or_else(|| config.listen.gateway.port());
    // Where tools reach the gate without knowing of it, that port is open to them too.
    let ports: Vec<u16> = [Some(port), config.listen.transparent.map(|it| it.port())].into_iter().flatten().collect();
    // A posting machine that knows the parent's password must not use it, either.
    let parents = config.forward.parents.values().filter_map(|it| it.host_and_port());
    let parents: Vec<u16> = parents.map(|(_, port)| port).collect();
    let address = asked.gateway.parse::<IpAddr>();
    if let Some(network) = &asked.from
        && !network.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'/'))
    {
        io.complain("--from is a network such as 10.1.2.0/24");
        return Exit::Usage;
    }
    let written = match (asked.format, address) {
        (EgressFormat::Pac, _) if egress::is_host(&asked.gateway) => egress::pac(&hosts, &asked.gateway, port),
        (EgressFormat::Nft, Ok(address)) => egress::nft(&hosts, address, &ports, &parents, asked.from.as_deref()),
        (EgressFormat::Squid, Ok(address)) => egress::squid(&hosts, address),
        (EgressFormat::Pac, _) => {
            io.complain("--gateway is no host name");
            return Exit::Usage;
        }
        (EgressFormat::Nft | EgressFormat::Squid, Err(_)) => {
            io.complain("--gateway must be an address for this format: firewalls go by addresses");
            return Exit::Usage;
        }
    };
    io.say(written.trim_end());
    Exit::Done
}
