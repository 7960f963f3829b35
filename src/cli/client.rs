//! The running gateway's console, called from the same machine with the local key: one request a connection, HTTP/1.0.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::{Exit, Io};
use crate::config::{Config, private};

/// Time for connecting, and between two pieces of an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Largest answer.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Why there is no answer; the text is for the person at the terminal.
#[derive(Debug)]
pub(super) struct NoAnswer(pub(super) String);

/// An answer.
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Value,
}

impl Answer {
    /// Whether it is a success.
    pub(super) fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The sentence of a problem.
    pub(super) fn sentence(&self) -> String {
        let text = |name: &str| self.body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("{}: {} {}", text("code"), text("detail"), text("detail_en"))
    }
}

/// Tells what the gateway answered: what it did, why it did not, or that it cannot be reached.
pub(super) fn done(answer: Result<Answer, NoAnswer>, io: &mut Io<'_>, show: impl FnOnce(&Value) -> String) -> Exit {
    match answer {
        Err(NoAnswer(reason)) => {
            io.complain(reason);
            Exit::CannotRun
        }
        Ok(answer) if answer.is_done() => {
            io.say(show(&answer.body));
            Exit::Done
        }
        Ok(answer) => {
            io.complain(answer.sentence());
            Exit::Refused
        }
    }
}

/// Asks the console for `path` as `person`; with a body it is a POST.
pub(super) fn call(config: &Config, person: &str, path: &str, body: Option<&Value>) -> Result<Answer, NoAnswer> {
    call_within(PATIENCE, config, person, path, body)
}

/// The same, waiting so long for each piece of the answer.
pub(super) fn call_within(
    patience: Duration,
    config: &Config,
    person: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Answer, NoAnswer> {
    if config.listen.console_tls {
        let reason = "the console port speaks TLS, which this command does not; call its API with curl";
        return Err(NoAnswer(reason.to_owned()));
    }
    let sendable = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !sendable(person) || !sendable(path) {
        return Err(NoAnswer("an id holds characters that no id can hold".to_owned()));
    }
    let key_file = &config.console.local_key_file;
    let key = match private::read(key_file) {
        Ok(Some(key)) => key,
        Ok(None) => {
            let reason = format!("{}: no local key; the gateway makes it when it starts", key_file.display());
            return Err(NoAnswer(reason));
        }
        Err(problem) => return Err(NoAnswer(problem.to_string())),
    };
    let address = reachable(config.listen.console);
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let text = body.map(Value::to_string).unwrap_or_default();
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = zeroize::Zeroizing::new(format!(
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nSekisho-Person: {person}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            key.trim(),
            text.len(),
        ));
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(LARGEST).read_to_end(&mut answer)?;
        Ok(answer)
    };
    let bytes = exchange().map_err(|error| NoAnswer(format!("no gateway answers at {address}: {error}")))?;
    read(&bytes).ok_or_else(|| NoAnswer(format!("what answers at {address} is not a sekisho console")))
}

/// An address that means every interface is called on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn read(bytes: &[u8]) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes).ok()? else { return None };
    let body = serde_json::from_slice(bytes.get(head..)?).ok()?;
    Some(Answer { status: response.code?, body })
}
