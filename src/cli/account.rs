//! `account list|lock|unlock`: the list from the configuration, the acts at the running gateway.

use serde_json::{Value, json};

use super::args::AccountCommand;
use super::client::{Answer, NoAnswer, call};
use super::{Exit, Io, with};
use crate::config::Config;
use crate::domain::account::AccountKind;

pub(super) fn run(command: AccountCommand, io: &mut Io<'_>) -> Exit {
    match command {
        AccountCommand::List { config, json } => with(&config.files, io, |config, io| list(&config, json, io)),
        AccountCommand::Lock { config, person, reason, account } => with(&config.files, io, |config, io| {
            let answer = ask(&config, &person, &account, "lock", &json!({ "reason": reason }));
            done(answer, io, |_| format!("アカウント「{account}」を停止しました。次の投稿から通しません。"))
        }),
        AccountCommand::Unlock { config, person, reason, account } => with(&config.files, io, |config, io| {
            let answer = ask(&config, &person, &account, "unlock", &json!({ "reason": reason }));
            done(answer, io, |_| format!("アカウント「{account}」を再開しました。"))
        }),
    }
}

/// Asks the running gateway for an act on an account.
fn ask(config: &Config, person: &str, account: &str, act: &str, body: &Value) -> Result<Answer, NoAnswer> {
    if !account.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Err(NoAnswer("this is not the name of an account".to_owned()));
    }
    call(config, person, &format!("/api/v1/accounts/{account}/{act}"), Some(body))
}

fn done(answer: Result<Answer, NoAnswer>, io: &mut Io<'_>, show: impl FnOnce(&Value) -> String) -> Exit {
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

/// The accounts of the configuration.
fn list(config: &Config, json: bool, io: &mut Io<'_>) -> Exit {
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
}
