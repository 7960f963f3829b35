//! `account list` and `key new`.

use serde_json::json;

use super::args::{AccountCommand, KeyCommand};
use super::{Exit, Io, with};
use crate::domain::account::AccountKind;
use crate::domain::media::Sha256;

/// `account ...`.
pub(super) fn accounts(command: AccountCommand, io: &mut Io<'_>) -> Exit {
    let AccountCommand::List { config, json } = command;
    with(&config.files, io, |config, io| {
        for account in &config.accounts {
            let kind = match account.kind {
                AccountKind::General => "general",
                AccountKind::Individual => "individual",
            };
            if json {
                io.say(json!({
                    "id": account.id,
                    "organisation": account.organisation,
                    "provider": account.provider,
                    "handle": account.handle,
                    "kind": kind,
                    "state": account.state,
                    "manager": account.manager,
                }));
            } else {
                let state = account.state.as_str();
                let (id, body, provider) = (&account.id, &account.organisation, &account.provider);
                io.say(format_args!("{id}\t{body}\t{provider}\t{}\t{kind}\t{state}", account.handle));
            }
        }
        Exit::Done
    })
}

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
