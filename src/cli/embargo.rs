//! `embargo add|list|lift`, at the running gateway.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::args::EmbargoCommand;
use super::client::{call, done};
use super::{Exit, Io, with};
use crate::config::Config;
use crate::domain::clock::for_people;
use crate::domain::media::Sha256;

pub(super) fn run(command: EmbargoCommand, io: &mut Io<'_>) -> Exit {
    match command {
        EmbargoCommand::Add { config, person, kind, words, documents, from, until, public_comment, reason } => {
            let Some(documents) = hashes(&documents, io) else { return Exit::CannotRun };
            let mut asked = json!({
                "kind": kind.as_str(), "words": words, "documents": documents, "until": until, "reason": reason,
            });
            if let Some(members) = asked.as_object_mut() {
                members.extend(from.map(|from| ("from".to_owned(), json!(from))));
                members.extend(public_comment.map(|number| ("public_comment".to_owned(), json!(number))));
            }
            with(&config.files, io, |config, io| {
                let answer = call(&config, &person, "/api/v1/embargoes", Some(&asked));
                done(answer, io, |body| {
                    format!(
                        "{} まで公表できない内容として登録しました（登録 {}）。",
                        for_people(until),
                        text(body, "id")
                    )
                })
            })
        }
        EmbargoCommand::Lift { config, person, reason, id } => with(&config.files, io, |config, io| {
            if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
                io.complain("this is not the id of an entry");
                return Exit::Usage;
            }
            let path = format!("/api/v1/embargoes/{id}/lift");
            let answer = call(&config, &person, &path, Some(&json!({ "reason": reason })));
            done(answer, io, |_| format!("登録 {id} を解除しました。"))
        }),
        EmbargoCommand::List { config, person, json } => {
            with(&config.files, io, |config, io| list(&config, &person, json, io))
        }
    }
}

/// SHA-256 of each file.
fn hashes(files: &[PathBuf], io: &mut Io<'_>) -> Option<Vec<String>> {
    let mut hashes = Vec::with_capacity(files.len());
    for file in files {
        match std::fs::read(file) {
            Ok(bytes) => hashes.push(Sha256::of(&bytes).hex()),
            Err(error) => {
                io.complain(format!("{}: {error}", file.display()));
                return None;
            }
        }
    }
    Some(hashes)
}

fn text(body: &Value, name: &str) -> String {
    body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list(config: &Config, person: &str, json: bool, io: &mut Io<'_>) -> Exit {
    let show = |body: &Value| {
        let entries = body.get("embargoes").and_then(Value::as_array).cloned().unwrap_or_default();
        let line = |entry: &Value| {
            if json {
                return entry.to_string();
            }
            let words: Vec<&str> =
                entry.get("words").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            let holds = entry.get("holds").and_then(Value::as_bool).unwrap_or_default();
            let (id, kind, until) = (text(entry, "id"), text(entry, "kind"), text(entry, "until_in_japan"));
            format!("{} {id} {kind} {until}まで {}", if holds { "●" } else { "○" }, words.join("、"))
        };
        match entries.is_empty() {
            true if !json => "登録はありません。".to_owned(),
            _ => entries.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    };
    done(call(config, person, "/api/v1/embargoes", None), io, show)
}
