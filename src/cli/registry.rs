//! `registry ...` and the forms of `account ...`, at the running gateway.

use std::io::Read as _;
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::client::{NoAnswer, call};
use super::registry_args::{AccountForm, Asking, Class, RegistryCommand, Verdict, WithReason};
use super::{Exit, Io, with};

/// Largest form or list, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

pub(super) fn run(command: RegistryCommand, io: &mut Io<'_>) -> Exit {
    match command {
        RegistryCommand::Show { asking, record } if record.is_empty() => get(&asking, "", io, pretty),
        RegistryCommand::Show { asking, record } => {
            get(&asking, &format!("/records{}", query(&record)), io, |io, told| lines(io, told, "records"))
        }
        RegistryCommand::List { asking, kind } => {
            let kind: Vec<String> = kind.into_iter().collect();
            get(&asking, &format!("/records{}", query(&kind)), io, |io, told| lines(io, told, "records"))
        }
        RegistryCommand::History { asking, record } => {
            get(&asking, &format!("/history{}", query(&record)), io, |io, told| lines(io, told, "changes"))
        }
        RegistryCommand::Transfer { asking, file } => transfer(&asking, &file, io),
        RegistryCommand::Change { asking, file } => change(&asking, file.as_deref(), io),
        RegistryCommand::Apply { asking, purpose, provider } => {
            post(&asking, &json!({ "change": "apply-provider", "provider": provider, "purpose": purpose }), io)
        }
        RegistryCommand::Review { asking, met, versatility, availability, continuity, members, provider } => {
            let review = json!({
                "met": met, "versatility": versatility, "availability": availability, "continuity": continuity,
                "members": members,
            });
            post(&asking, &json!({ "change": "review-provider", "provider": provider, "review": review }), io)
        }
        RegistryCommand::Decide { asking, reason, review_by, provider, verdict } => {
            let form = json!({
                "change": "decide-provider", "provider": provider, "approved": verdict == Verdict::Approve,
                "reason": reason, "review_by": review_by,
            });
            post(&asking, &form, io)
        }
        RegistryCommand::StandardPolicy { asking, policy_version: version, document, consulted, opinion, provider } => {
            let form = json!({
                "change": "set-standard-policy", "provider": provider, "version": version, "document": document,
                "consulted": consulted, "opinion": opinion,
            });
            post(&asking, &form, io)
        }
        other => yearly(other, io),
    }
}

/// Forms that make a record with an id of its own.
fn yearly(command: RegistryCommand, io: &mut Io<'_>) -> Exit {
    match command {
        RegistryCommand::Grant { asking, section, year, account } => {
            let id = new_id(io);
            let form =
                json!({ "change": "apply-grant", "id": id, "account": account, "section": section, "year": year });
            told(post(&asking, &form, io), &id, io)
        }
        RegistryCommand::DecideGrant { asking, reason, id, verdict } => {
            let approved = verdict == Verdict::Approve;
            post(&asking, &json!({ "change": "decide-grant", "id": id, "approved": approved, "reason": reason }), io)
        }
        RegistryCommand::Deputise { asking, position, from, until, reason, deputy } => {
            let id = new_id(io);
            let span = json!({ "from": from, "until": until });
            let form = json!({
                "change": "deputise", "id": id, "position": position, "person": deputy, "span": span, "reason": reason,
            });
            told(post(&asking, &form, io), &id, io)
        }
        _ => Exit::Usage,
    }
}

/// A form of an account.
pub(super) fn account(form: AccountForm, io: &mut Io<'_>) -> Exit {
    match form {
        AccountForm::Standing { asking, account } => {
            get(&asking, &format!("/standing/{}", coded(&account)), io, pretty)
        }
        AccountForm::Apply { asking, provider, handle, class, purpose, topics, policy, base, operators, account } => {
            let kind = if class == Class::General { "general" } else { "individual" };
            let policy = policy.map(|version| json!({ "version": version }));
            let form = json!({
                "change": "apply-account", "account": account, "provider": provider, "handle": handle, "kind": kind,
                "purpose": purpose, "topics": topics, "policy": policy, "policy_base": base, "operators": operators,
            });
            post(&asking, &form, io)
        }
        AccountForm::Consult { asking, opinion, account } => {
            post(&asking, &json!({ "change": "consult-account", "account": account, "opinion": opinion }), io)
        }
        AccountForm::Open { asking, reason, account, verdict } => {
            let approved = verdict == Verdict::Approve;
            let form =
                json!({ "change": "decide-account", "account": account, "approved": approved, "reason": reason });
            post(&asking, &form, io)
        }
        AccountForm::Policy {
            asking,
            policy_version: version,
            base,
            categories,
            delegable,
            after_report_hours,
            exemptions,
            self_approval,
            account,
        } => {
            let policy = json!({
                "version": version, "categories": categories, "after_report_hours": after_report_hours,
                "self_approval": self_approval, "exemptions": exemptions,
            });
            let form = json!({
                "change": "set-policy", "account": account, "policy": policy, "base": base, "delegable": delegable,
            });
            post(&asking, &form, io)
        }
        other => of_life(other, io),
    }
}

/// The forms of an account in use.
fn of_life(form: AccountForm, io: &mut Io<'_>) -> Exit {
    let reasoned = |WithReason { asking, reason, account }: WithReason, name: &str, io: &mut Io<'_>| {
        post(&asking, &json!({ "change": name, "account": account, "reason": reason }), io)
    };
    match form {
        AccountForm::Operators { asking, account, operators } => {
            post(&asking, &json!({ "change": "set-operators", "account": account, "operators": operators }), io)
        }
        AccountForm::Delegate { asking, categories, from, until, account, delegate } => {
            let id = new_id(io);
            let form = json!({
                "change": "delegate", "id": id, "account": account, "delegate": delegate, "categories": categories,
                "span": { "from": from, "until": until },
            });
            told(post(&asking, &form, io), &id, io)
        }
        AccountForm::Suspend(given) => reasoned(given, "suspend-account", io),
        AccountForm::Resume(given) => reasoned(given, "resume-account", io),
        AccountForm::Archive(given) => reasoned(given, "archive-account", io),
        AccountForm::Notify { asking, closing, reason, account } => {
            let form = json!({ "change": "notify-closing", "account": account, "closing": closing, "reason": reason });
            post(&asking, &form, io)
        }
        AccountForm::Close { asking, account } => {
            post(&asking, &json!({ "change": "close-account", "account": account }), io)
        }
        _ => Exit::Usage,
    }
}

fn new_id(io: &Io<'_>) -> String {
    io.chance.id(io.clock.now())
}

fn told(exit: Exit, id: &str, io: &mut Io<'_>) -> Exit {
    if exit == Exit::Done {
        io.say(format_args!("番号: {id}"));
    }
    exit
}

fn coded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// `?kind=...&id=...`, as far as there are words for it.
fn query(words: &[String]) -> String {
    let parts: Vec<String> =
        ["kind", "id"].iter().zip(words).map(|(name, word)| format!("{name}={}", coded(word))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// Asks for something of the registry and shows it.
fn get(asking: &Asking, path: &str, io: &mut Io<'_>, show: impl FnOnce(&mut Io<'_>, &Value)) -> Exit {
    let path = format!("/api/v1/registry{path}");
    with(&asking.config.files, io, |config, io| match call(&config, &asking.person, &path, None) {
        Err(NoAnswer(reason)) => {
            io.complain(reason);
            Exit::CannotRun
        }
        Ok(answer) if answer.is_done() => {
            show(io, &answer.body);
            Exit::Done
        }
        Ok(answer) => {
            io.complain(answer.sentence());
            Exit::Refused
        }
    })
}

fn pretty(io: &mut Io<'_>, told: &Value) {
    io.say(serde_json::to_string_pretty(told).unwrap_or_default());
}

fn lines(io: &mut Io<'_>, told: &Value, name: &str) {
    for line in told.get(name).and_then(Value::as_array).into_iter().flatten() {
        io.say(line);
    }
}

/// Hands in a form.
fn post(asking: &Asking, form: &Value, io: &mut Io<'_>) -> Exit {
    submit(asking, "/api/v1/registry/changes", form, io, |io, told| {
        let entry = told.get("entry").map(Value::to_string).unwrap_or_default();
        io.say(format_args!("登録簿を変更しました（記録番号 {entry}）。"));
    })
}

fn submit(asking: &Asking, path: &str, form: &Value, io: &mut Io<'_>, show: impl FnOnce(&mut Io<'_>, &Value)) -> Exit {
    with(&asking.config.files, io, |config, io| match call(&config, &asking.person, path, Some(form)) {
        Err(NoAnswer(reason)) => {
            io.complain(reason);
            Exit::CannotRun
        }
        Ok(answer) if answer.is_done() => {
            show(io, &answer.body);
            Exit::Done
        }
        Ok(answer) => {
            io.complain(answer.sentence());
            Exit::Refused
        }
    })
}

/// Reads a whole file, or standard input.
fn read(file: Option<&Path>, io: &mut Io<'_>) -> Result<String, String> {
    let mut text = String::new();
    let read = match file {
        Some(path) => std::fs::File::open(path).and_then(|opened| opened.take(LARGEST).read_to_string(&mut text)),
        None => std::io::Read::take(&mut *io.input, LARGEST).read_to_string(&mut text),
    };
    let name = file.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(format!("{name}: UTF-8 ではありません。「CSV UTF-8」で保存してください。"))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn change(asking: &Asking, file: Option<&Path>, io: &mut Io<'_>) -> Exit {
    let form = read(file, io).and_then(|text| serde_json::from_str::<Value>(&text).map_err(|it| it.to_string()));
    match form {
        Ok(form) => post(asking, &form, io),
        Err(reason) => {
            io.complain(reason);
            Exit::Usage
        }
    }
}

/// The list goes to the gateway as it is, so that terminal and console tell the same of each line.
fn transfer(asking: &Asking, file: &Path, io: &mut Io<'_>) -> Exit {
    let csv = match read(Some(file), io) {
        Ok(text) => text,
        Err(reason) => {
            io.complain(reason);
            return Exit::CannotRun;
        }
    };
    let exit = submit(asking, "/api/v1/registry/transfers", &json!({ "csv": csv }), io, |io, told| {
        let moves = told.get("moves").map(Value::to_string).unwrap_or_default();
        io.say(format_args!("異動{moves}件を反映しました。"));
    });
    if exit != Exit::Done {
        return exit;
    }
    get(asking, "", io, |io, told| {
        for wants in told.get("attention").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| wants.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            io.say(format_args!("注意: アカウント「{}」{}", text("account"), text("sentence")));
        }
    })
}
