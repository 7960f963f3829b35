//! `manual record`, at the running gateway.

use serde_json::json;

use super::args::ManualCommand;
use super::client::{NoAnswer, call};
use super::{Exit, Io, with};

pub(super) fn run(command: ManualCommand, io: &mut Io<'_>) -> Exit {
    let ManualCommand::Record { config, person, entry, link } = command;
    with(&config.files, io, |config, io| {
        match call(&config, &person, &format!("/api/v1/by-hand/{entry}"), Some(&json!({ "link": link }))) {
            Err(NoAnswer(reason)) => {
                io.complain(reason);
                Exit::CannotRun
            }
            Ok(answer) if answer.is_done() => {
                io.say(format_args!("記録 {entry} の公開先として {link} を記録しました。"));
                Exit::Done
            }
            Ok(answer) => {
                io.complain(answer.sentence());
                Exit::Refused
            }
        }
    })
}
