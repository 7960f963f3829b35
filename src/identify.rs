//! Who calls: the client by its key, then the account the request is for.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::domain::account::{Account, ProviderId};
use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::person::Client;
use crate::domain::ports::Registry;

/// The client that shows a key: `Sekisho-Client: <key>`, or `Proxy-Authorization` (Basic, the key as password; Bearer)
/// on the request or on the CONNECT that opened its tunnel.
pub fn client(
    headers: &HeaderMap,
    tunnel_credential: Option<&HeaderValue>,
    source: IpAddr,
    registry: &dyn Registry,
) -> Result<Arc<Client>, Refusal> {
    let _ = (headers, tunnel_credential, source, registry);
    todo!("helper F")
}

/// The account: `Sekisho-Account`, else the fingerprint of the provider credential, else the client's only account at
/// this provider. A named account and a known fingerprint that disagree are refused; so is an account out of scope.
pub fn account(
    client: &Client,
    provider: &ProviderId,
    headers: &HeaderMap,
    credential_fingerprint: Option<&str>,
    registry: &dyn Registry,
) -> Result<Arc<Account>, Refusal> {
    let _ = (client, provider, headers, credential_fingerprint, registry);
    todo!("helper F")
}

/// Whether the client's scope covers this: account, action, category, hours, last day.
pub fn scope(
    client: &Client,
    account: &Account,
    action: Action,
    category: Option<&str>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let _ = (client, account, action, category, now);
    todo!("helper F")
}
