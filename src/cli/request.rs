//! A request as JSON on standard input: `{"host","method","path","headers","body_base64"}`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::{Commands, Exit, Io};
use crate::config::Config;

/// Largest input, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A request to a provider, as a tool would send it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostRequest {
    /// The provider's host.
    pub host: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, in base64 (RFC 4648 4).
    #[serde(default)]
    pub body_base64: String,
}

impl PostRequest {
    /// The body's bytes.
    pub fn body(&self) -> Result<Vec<u8>, String> {
        STANDARD.decode(&self.body_base64).map_err(|error| format!("`body_base64` is not base64: {error}"))
    }
}

/// Reads one request.
pub(super) fn read(io: &mut Io<'_>) -> Result<PostRequest, String> {
    let mut text = String::new();
    let mut bounded = std::io::Read::take(&mut *io.input, LARGEST);
    std::io::Read::read_to_string(&mut bounded, &mut text).map_err(|error| format!("standard input: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("standard input is not a request as JSON: {error}"))
}

/// `digest`.
pub(super) fn digest(config: &Config, commands: &dyn Commands, io: &mut Io<'_>) -> Exit {
    let request = match read(io).and_then(|request| request.body().map(|_| request)) {
        Ok(request) => request,
        Err(reason) => {
            io.complain(reason);
            return Exit::Usage;
        }
    };
    match commands.digest(config, &request) {
        Ok(digested) => {
            io.say(json!({
                "action": digested.action,
                "account": digested.account,
                "normal_form": digested.normal_form,
                "digest": digested.digest.to_string(),
            }));
            Exit::Done
        }
        Err(reason) => {
            io.complain(reason);
            Exit::Refused
        }
    }
}
