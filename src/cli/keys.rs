//! `key new`.

use serde_json::json;

use super::args::KeyCommand;
use super::{Exit, Io};
use crate::domain::media::Sha256;

/// `key ...`.
pub(super) fn keys(command: KeyCommand, io: &mut Io<'_>) -> Exit {
    let KeyCommand::New { json } = command;
    let Some(key) = crate::domain::chance::new_key() else {
        io.complain("the system gives no random bytes");
        return Exit::CannotRun;
    };
    let hash = Sha256::of(key.as_bytes()).hex();
    if json {
        io.say(json!({ "key": key, "key_sha256": hash }));
    } else {
        io.say(format_args!("key: {key}"));
        io.say(format_args!("key_sha256 = \"{hash}\""));
    }
    Exit::Done
}
