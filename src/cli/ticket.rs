//! `ticket list|release`, at the running gateway.

use std::time::Duration;

use serde_json::{Value, json};

use super::args::TicketCommand;
use super::client::{call, call_within, done};
use super::{Exit, Io, with};

/// Time for a release, which uploads its media and waits for the provider.
const PATIENCE: Duration = Duration::from_secs(600);

pub(super) fn run(command: TicketCommand, io: &mut Io<'_>) -> Exit {
    match command {
        TicketCommand::List { config, person, json } => with(&config.files, io, |config, io| {
            done(call(&config, &person, "/api/v1/tickets", None), io, |body| listed(body, json))
        }),
        TicketCommand::Release { config, person, ticket } => with(&config.files, io, |config, io| {
            if !ticket.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
                io.complain("this is not the number of a ticket");
                return Exit::Usage;
            }
            let path = format!("/api/v1/tickets/{ticket}/release");
            done(call_within(PATIENCE, &config, &person, &path, Some(&json!({}))), io, |body| {
                let entry = body.get("entry").and_then(Value::as_u64).map(|entry| entry.to_string());
                let id = text(body, "published_id");
                format!("関所から発信しました（記録 {}、SNSの番号 {id}）。", entry.unwrap_or_default())
            })
        }),
    }
}

fn text(body: &Value, name: &str) -> String {
    body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn listed(body: &Value, json: bool) -> String {
    let tickets = body.get("tickets").and_then(Value::as_array).cloned().unwrap_or_default();
    let line = |ticket: &Value| {
        if json {
            return ticket.to_string();
        }
        let of = |name: &str| text(ticket, name);
        format!("{} {} {} {} {}", of("id"), of("state"), of("account"), of("action"), of("opened"))
    };
    match tickets.is_empty() {
        true if !json => "受付はありません。".to_owned(),
        _ => tickets.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}
