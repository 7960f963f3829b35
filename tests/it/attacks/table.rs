//! The cases, class by class.
#![expect(clippy::too_many_lines, reason = "a table is long")]

use sekisho::demo::town::NAGANO_TOOL_KEY;
use serde_json::{Value, json};

use super::wire::Door;
use super::{Case, HEALTH, Want, broadcast, identity, request};
use crate::stage::words;

mod content;
mod forms;
mod framing;
mod paths;
mod people;

use content::{json_shapes, types};
use forms::forms;
use framing::{forward, framing};
use paths::{endpoints, paths};
use people::{line, scopes, sides};

const JSON: &str = "content-type: application/json\r\n";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const MULTIPART: &str = "content-type: multipart/form-data; boundary=b\r\n";

/// The cases of a class.
pub(super) fn cases(class: &str) -> Vec<Case> {
    let mut cases = match class {
        "ep" => endpoints(),
        "path" => paths(),
        "smug" => framing(),
        "fwd" => forward(),
        "json" => json_shapes(),
        "type" => types(),
        "form" => forms(),
        "side" => sides(),
        "scope" => scopes(),
        "line" => line(),
        _ => panic!("no class {class}"),
    };
    // Valid posts stand first and last, by path and by tunnel: refusing everything is no defence.
    cases.insert(0, plain_control());
    cases.push(tunnel_control());
    for (number, case) in cases.iter_mut().enumerate() {
        case.name = format!("{class} {number} {}", case.name);
    }
    cases
}

/// How many cases there are in all.
pub(super) fn count() -> usize {
    ["ep", "path", "smug", "fwd", "json", "type", "form", "side", "scope", "line"].iter().map(|c| cases(c).len()).sum()
}

fn approved() -> Value {
    json!({ "text": HEALTH })
}

fn plain(name: impl Into<String>, bytes: Vec<u8>, want: Want) -> Case {
    Case { name: name.into(), door: Door::Plain, bytes, want }
}

fn tunnel(name: impl Into<String>, bytes: Vec<u8>, want: Want) -> Case {
    Case { name: name.into(), door: Door::Tunnel("api.x.com"), bytes, want }
}

fn plain_control() -> Case {
    let bytes = request("POST", "/x/2/tweets", "gw", JSON, words(HEALTH).as_bytes());
    plain("control by path", bytes, Want::Passes(approved()))
}

fn tunnel_control() -> Case {
    let bytes = request("POST", "/2/tweets", "api.x.com", JSON, words(HEALTH).as_bytes());
    tunnel("control by tunnel", bytes, Want::Passes(approved()))
}

fn post(target: &str, more: &str, body: &str) -> Vec<u8> {
    request("POST", target, "gw", &format!("{JSON}{more}"), body.as_bytes())
}

/// A post whose framing lines are given, then these bytes.
fn framed(lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST /x/2/tweets HTTP/1.1\r\nhost: gw\r\n{}{JSON}{lines}\r\n", identity());
    [head.as_bytes(), body].concat()
}

fn chunks(pieces: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}
