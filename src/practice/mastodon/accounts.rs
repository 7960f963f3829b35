//! Accounts on Mastodon: who one is, whom one follows.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{done, entities, wrong};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::record::Published;
use crate::practice::stage::World;

/// What an account says of itself.
#[derive(Default)]
pub(super) struct Profile {
    pub(super) display_name: String,
    pub(super) note: String,
}

/// Everything under `/api/v1/accounts` and `/api/v1/profile`.
pub(super) fn answer(world: &mut World, account: &str, segments: &[&str], asked: &Asked) -> Answer {
    match (asked.method.clone(), segments) {
        (Method::GET, ["v1", "accounts", "verify_credentials"]) => {
            done(&entities::account(&world.mastodon, &asked.host, account))
        }
        (Method::PATCH, ["v1", "accounts", "update_credentials"]) => update(world, account, asked),
        (Method::DELETE, ["v1", "profile", _]) => done(&entities::account(&world.mastodon, &asked.host, account)),
        (Method::GET, ["v1", "accounts", id]) if super::is_id(id) => {
            done(&entities::account(&world.mastodon, &asked.host, id))
        }
        (Method::GET, ["v1", "accounts", "lookup"]) => done(&entities::account(&world.mastodon, &asked.host, account)),
        (Method::GET, ["v1", "accounts", ..]) => done(&json!([])),
        (Method::POST, ["v1", "accounts", id, verb]) => done(&relationship(id, verb)),
        _ => wrong(StatusCode::NOT_FOUND, "The page you were looking for doesn't exist."),
    }
}

fn relationship(id: &str, verb: &str) -> Value {
    json!({
        "id": id, "following": verb == "follow", "showing_reblogs": true, "notifying": false, "languages": null,
        "followed_by": false, "blocking": verb == "block", "blocked_by": false, "muting": verb == "mute",
        "muting_notifications": false, "requested": false, "requested_by": false, "domain_blocking": false,
        "endorsed": verb == "endorse" || verb == "pin", "note": "",
    })
}

fn update(world: &mut World, account: &str, asked: &Asked) -> Answer {
    let profile = world.mastodon.profiles.entry(account.to_owned()).or_default();
    if let Some(name) = asked.parameter("display_name") {
        profile.display_name = name;
    }
    if let Some(note) = asked.parameter("note") {
        profile.note = note;
    }
    let text = format!("{}\n{}", profile.display_name, profile.note);
    let media = asked.body.parts.iter().filter(|part| matches!(part.record.name.as_str(), "avatar" | "header"));
    world.published.push(Published {
        provider: "mastodon",
        account: account.to_owned(),
        action: "profile",
        id: account.to_owned(),
        text,
        media_sha256: media.map(|part| part.record.sha256.clone()).collect(),
        body: asked.json().unwrap_or_default(),
        request: asked.number,
        deleted: false,
    });
    done(&entities::account(&world.mastodon, &asked.host, account))
}
