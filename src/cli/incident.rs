//! `incident list|show|instruct|acknowledge|close|flame|flame-end`, at the running gateway.

use serde_json::{Value, json};

use super::args::{IncidentCommand, Who};
use super::client::{call, done};
use super::{Exit, Io, with};
use crate::domain::clock::for_people;

pub(super) fn run(command: IncidentCommand, io: &mut Io<'_>) -> Exit {
    match command {
        IncidentCommand::List { who, json } => ask(&who, "incidents", None, io, |body| list(body, json)),
        IncidentCommand::Show { who, json, id } => {
            let show = |body: &Value| if json { body.to_string() } else { one(body) };
            of("incidents", &id, "", io, |path, io| ask(&who, &path, None, io, show))
        }
        IncidentCommand::Instruct { who, instruction, hold, id } => {
            let asked = json!({ "instruction": instruction, "hold": hold });
            let told = if hold {
                "指示を記録し、アカウントを停止しました。"
            } else {
                "指示を記録しました。"
            };
            of("incidents", &id, "/instruct", io, |path, io| ask(&who, &path, Some(&asked), io, |_| told.to_owned()))
        }
        IncidentCommand::Acknowledge { who, id } => of("incidents", &id, "/acknowledge", io, |path, io| {
            ask(&who, &path, Some(&json!({})), io, |_| format!("事案 {id} を確認しました。"))
        }),
        IncidentCommand::Close { who, reason, leave_uncorrected, id } => {
            let asked = json!({ "reason": reason, "leave_uncorrected": leave_uncorrected });
            of("incidents", &id, "/close", io, |path, io| {
                ask(&who, &path, Some(&asked), io, |_| format!("事案 {id} を終了しました。"))
            })
        }
        IncidentCommand::Flame { who, until, reason, account } => {
            let asked = json!({ "until": until, "reason": reason });
            let told = format!("「{account}」は {} まで、異なる課の二人の承認が必要です。", for_people(until));
            of("accounts", &account, "/flame", io, |path, io| ask(&who, &path, Some(&asked), io, |_| told.clone()))
        }
        IncidentCommand::FlameEnd { who, reason, account } => {
            let asked = json!({ "reason": reason });
            of("accounts", &account, "/flame/end", io, |path, io| {
                ask(&who, &path, Some(&asked), io, |_| format!("「{account}」の炎上対応を終了しました。"))
            })
        }
    }
}

/// The path of something by its id, which may not lead anywhere else.
fn of(what: &str, id: &str, step: &str, io: &mut Io<'_>, then: impl FnOnce(String, &mut Io<'_>) -> Exit) -> Exit {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        io.complain("this is not an id");
        return Exit::Usage;
    }
    then(format!("{what}/{id}{step}"), io)
}

fn ask(who: &Who, path: &str, body: Option<&Value>, io: &mut Io<'_>, show: impl FnOnce(&Value) -> String) -> Exit {
    with(&who.config.files, io, |config, io| {
        done(call(&config, &who.person, &format!("/api/v1/{path}"), body), io, show)
    })
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn line(incident: &Value) -> String {
    let is = |name: &str| incident.get(name).is_some_and(|it| !it.is_null() && *it != Value::Bool(false));
    let state = match (is("closed"), is("holds")) {
        (true, _) => "終了",
        (false, true) => "停止中",
        (false, false) => "対応中",
    };
    let [id, account, cause, opened] = ["id", "account", "cause", "opened_in_japan"].map(|name| text(incident, name));
    format!("{state} {id} {account} {cause} {opened}")
}

fn list(body: &Value, json: bool) -> String {
    let incidents = body.get("incidents").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let shown = |it: &Value| if json { it.to_string() } else { line(it) };
    match incidents.is_empty() {
        true if !json => "事案はありません。".to_owned(),
        _ => incidents.iter().map(shown).collect::<Vec<_>>().join("\n"),
    }
}

fn one(incident: &Value) -> String {
    let mut lines = vec![line(incident)];
    if !text(incident, "instruction").is_empty() {
        lines.push(format!("指示: {}", text(incident, "instruction")));
    }
    match incident.get("channels").and_then(Value::as_array) {
        None => lines.push("誤った投稿の経路は、台帳からは分かりません。".to_owned()),
        Some(channels) => lines.extend(channels.iter().map(|channel| {
            let corrected = channel.get("corrected_by").is_some_and(|it| !it.is_null());
            let withdrawn = channel.get("withdrawn").and_then(Value::as_bool).unwrap_or_default();
            let state = match (corrected, withdrawn) {
                (true, _) => "訂正済み",
                (false, true) => "削除済み",
                (false, false) => "未訂正",
            };
            format!("{state} {}（{}）", text(channel, "account"), text(channel, "provider"))
        })),
    }
    lines.join("\n")
}
