//! `emergency declare|end|status`, at the running gateway.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::args::EmergencyCommand;
use super::client::{NoAnswer, call, done};
use super::{Exit, Io, with};
use crate::config::Config;
use crate::domain::account::AccountId;
use crate::emergency::Request;

pub(super) fn run(command: EmergencyCommand, io: &mut Io<'_>) -> Exit {
    match command {
        EmergencyCommand::Declare { config, person, reason, accounts, for_, until, drill } => {
            let request = Request {
                reason,
                accounts: accounts.into_iter().map(AccountId::new).collect(),
                for_s: for_.map(|length| length.as_secs()),
                until,
                drill,
            };
            with(&config.files, io, |config, io| {
                let answer = call(&config, &person, "/api/v1/emergencies", Some(&json!(request)));
                done(answer, io, |body| text(body, "summary"))
            })
        }
        EmergencyCommand::End { config, person, id } => with(&config.files, io, |config, io| {
            if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
                io.complain("this is not the id of a declaration");
                return Exit::Usage;
            }
            let path = format!("/api/v1/emergencies/{id}/end");
            let answer = call(&config, &person, &path, Some(&json!({})));
            done(answer, io, |_| format!("宣言 {id} を終了しました。"))
        }),
        EmergencyCommand::Status { config, person, json } => {
            with(&config.files, io, |config, io| status(&config, person, json, io))
        }
    }
}

fn text(body: &Value, name: &str) -> String {
    body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The declarations of one body, or of every body that has a person in the configuration.
fn status(config: &Config, person: Option<String>, json: bool, io: &mut Io<'_>) -> Exit {
    let askers: Vec<String> = match person {
        Some(person) => vec![person],
        None => {
            let mut bodies = BTreeSet::new();
            let first = config.people.iter().filter(|person| bodies.insert(&person.organisation));
            first.map(|person| person.id.to_string()).collect()
        }
    };
    if askers.is_empty() {
        io.complain("the configuration names nobody; say who asks with --person");
        return Exit::Usage;
    }
    let mut found = 0;
    for asker in askers {
        let answer = match call(config, &asker, "/api/v1/emergencies", None) {
            Err(NoAnswer(reason)) => {
                io.complain(reason);
                return Exit::CannotRun;
            }
            Ok(answer) if !answer.is_done() => {
                io.complain(answer.sentence());
                return Exit::Refused;
            }
            Ok(answer) => answer,
        };
        let list = answer.body.get("emergencies").and_then(Value::as_array).cloned().unwrap_or_default();
        found += list.len();
        for emergency in list {
            if json {
                io.say(emergency);
            } else {
                let open = emergency.get("open").and_then(Value::as_bool).unwrap_or_default();
                io.say(format_args!("{} {}", if open { "●" } else { "○" }, text(&emergency, "summary")));
            }
        }
    }
    if found == 0 && !json {
        io.say("宣言はありません。");
    }
    Exit::Done
}
