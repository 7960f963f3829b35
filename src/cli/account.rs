//! `account list|lock|unlock|credential`: the list from the configuration, the acts at the running gateway.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::{AccountCommand, CredentialCommand, GivenCredential};
use super::client::{Answer, NoAnswer, call, done};
use super::{Exit, Io, registry, with};
use crate::config::{Config, private};
use crate::domain::account::AccountKind;

/// Largest credential, in bytes; a private key in PEM is the longest.
const LARGEST: u64 = 64 * 1024;

pub(super) fn run(command: AccountCommand, io: &mut Io<'_>) -> Exit {
    match command {
        AccountCommand::Form(form) => registry::account(form, io),
        AccountCommand::List { config, json } => with(&config.files, io, |config, io| list(&config, json, io)),
        AccountCommand::Lock { config, person, reason, leak, account } => with(&config.files, io, |config, io| {
            let answer = ask(&config, &person, &account, "lock", &json!({ "reason": reason, "leak": leak }));
            done(answer, io, |_| format!("アカウント「{account}」を停止しました。次の投稿から通しません。"))
        }),
        AccountCommand::Credential { command } => credential(command, io),
        AccountCommand::Unlock { config, person, reason, account } => with(&config.files, io, |config, io| {
            let answer = ask(&config, &person, &account, "unlock", &json!({ "reason": reason }));
            done(answer, io, |_| format!("アカウント「{account}」を再開しました。"))
        }),
    }
}

fn credential(command: CredentialCommand, io: &mut Io<'_>) -> Exit {
    match command {
        CredentialCommand::Set(given) => give(&given, false, io),
        CredentialCommand::Rotate(given) => give(&given, true, io),
        CredentialCommand::Lock { config, person, reason, account } => with(&config.files, io, |config, io| {
            let answer = ask(&config, &person, &account, "credential/lock", &json!({ "reason": reason }));
            done(answer, io, |_| {
                format!("アカウント「{account}」の認証情報を停止しました。新しいものを登録するまで使えません。")
            })
        }),
    }
}

fn give(given: &GivenCredential, rotate: bool, io: &mut Io<'_>) -> Exit {
    let secret = match read(given, io) {
        Ok(secret) => secret,
        Err(reason) => {
            io.complain(reason);
            return Exit::Usage;
        }
    };
    let text = secret.trim();
    // Whether it is JSON is decided here, so that a token that begins with a brace is not taken for one there.
    let secret = if text.starts_with('{') { serde_json::from_str(text).ok() } else { Some(Value::from(text)) };
    let Some(secret) = secret else {
        io.complain("the credential begins like JSON and is none");
        return Exit::Usage;
    };
    let mut body = json!({ "secret": secret, "rotate": rotate });
    if let (Some(date), Some(members)) = (given.rotate_by, body.as_object_mut()) {
        members.insert("rotate_by".to_owned(), json!(date));
    }
    with(&given.config.files, io, |config, io| {
        let answer = ask(&config, &given.person, &given.account, "credential", &body);
        done(answer, io, |told| {
            let until = told.get("rotate_by").and_then(Value::as_str).unwrap_or_default();
            format!("アカウント「{}」の認証情報を預かりました。次の変更期限: {until}", given.account)
        })
    })
}

/// The credential from a private file, or from standard input.
fn read(given: &GivenCredential, io: &mut Io<'_>) -> Result<Zeroizing<String>, String> {
    match &given.file {
        Some(file) => match private::read(file) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(format!("{}: there is no such file", file.display())),
            Err(problem) => Err(problem.to_string()),
        },
        None => {
            let mut text = Zeroizing::new(String::new());
            let mut bounded = std::io::Read::take(&mut *io.input, LARGEST);
            std::io::Read::read_to_string(&mut bounded, &mut text)
                .map_err(|error| format!("standard input: {error}"))?;
            Ok(text)
        }
    }
}

/// Asks the running gateway for an act on an account.
fn ask(config: &Config, person: &str, account: &str, act: &str, body: &Value) -> Result<Answer, NoAnswer> {
    if !account.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Err(NoAnswer("this is not the name of an account".to_owned()));
    }
    call(config, person, &format!("/api/v1/accounts/{account}/{act}"), Some(body))
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
