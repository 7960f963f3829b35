//! Entities as Mastodon writes them.

use serde_json::{Value, json};

use super::media::Media;
use super::statuses::Status;
use super::{State, stamp};

/// The version the instance says it is.
pub(super) const VERSION: &str = "4.5.0";

/// The account of that number.
pub(super) fn account(state: &State, host: &str, id: &str) -> Value {
    let name = format!("practice_{id}");
    let profile = state.profiles.get(id);
    let picture = format!("https://{host}/avatars/original/missing.png");
    let count = state.statuses.values().filter(|status| status.account == id && !status.deleted).count();
    json!({
        "id": id, "username": name, "acct": name,
        "display_name": profile.map_or("練習アカウント", |profile| profile.display_name.as_str()),
        "locked": false, "bot": false, "discoverable": true, "indexable": false, "group": false,
        "created_at": "2026-04-01T00:00:00.000Z",
        "note": profile.map_or_else(String::new, |profile| paragraph(&profile.note)),
        "url": format!("https://{host}/@{name}"), "uri": format!("https://{host}/users/{name}"),
        "avatar": picture, "avatar_static": picture, "header": picture, "header_static": picture,
        "followers_count": 0, "following_count": 0, "statuses_count": count, "last_status_at": null,
        "hide_collections": null, "noindex": false, "emojis": [], "roles": [], "fields": [],
        "source": {"privacy": "public", "sensitive": false, "language": "ja", "note": "", "fields": [], "follow_requests_count": 0},
    })
}

/// A status.
pub(super) fn status(state: &State, host: &str, id: u64, status: &Status) -> Value {
    let name = format!("practice_{}", status.account);
    let media: Vec<Value> = status
        .media
        .iter()
        .filter_map(|media_id| state.media.get(media_id).map(|media| attachment(host, *media_id, media)))
        .collect();
    let reblog = status.reblog_of.and_then(|of| {
        let original = state.statuses.get(&of)?;
        Some(self::status(state, host, of, original))
    });
    json!({
        "id": id.to_string(), "created_at": stamp(status.at), "edited_at": status.edited.map(stamp),
        "in_reply_to_id": status.reply_to, "in_reply_to_account_id": null,
        "sensitive": status.sensitive, "spoiler_text": status.spoiler, "visibility": status.visibility,
        "language": status.language, "uri": format!("https://{host}/users/{name}/statuses/{id}"),
        "url": format!("https://{host}/@{name}/{id}"),
        "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "quotes_count": 0,
        "favourited": false, "reblogged": false, "muted": false, "bookmarked": false, "pinned": false,
        "content": paragraph(&status.text), "filtered": [], "reblog": reblog,
        "application": {"name": "practice", "website": null}, "account": account(state, host, &status.account),
        "media_attachments": media, "mentions": [], "tags": [], "emojis": [], "card": null,
        "poll": (!status.poll.is_empty()).then(|| poll(id, &status.poll)),
        "quote": null,
        "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "automatic"},
    })
}

fn poll(id: u64, options: &[String]) -> Value {
    let options: Vec<Value> = options.iter().map(|title| json!({"title": title, "votes_count": 0})).collect();
    json!({
        "id": id.to_string(), "expires_at": null, "expired": false, "multiple": false, "votes_count": 0,
        "voters_count": 0, "voted": true, "own_votes": [], "options": options, "emojis": [],
    })
}

/// A media attachment.
pub(super) fn attachment(host: &str, id: u64, media: &Media) -> Value {
    let url = media.ready.then(|| format!("https://{host}/system/media_attachments/files/{id}/original/media"));
    json!({
        "id": id.to_string(), "type": media.kind, "url": url, "preview_url": url, "remote_url": null,
        "preview_remote_url": null, "text_url": null, "meta": {}, "description": media.description,
        "blurhash": "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH",
    })
}

/// A text as HTML, as Mastodon makes it.
fn paragraph(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    format!("<p>{}</p>", escaped.replace("\n\n", "</p><p>").replace('\n', "<br />"))
}

/// The instance (v2).
pub(super) fn instance(host: &str) -> Value {
    json!({
        "domain": host, "title": "練習用 Mastodon", "version": VERSION, "source_url": "https://example.com/mastodon",
        "description": "練習", "usage": {"users": {"active_month": 1}}, "languages": ["ja"], "rules": [], "icon": [],
        "thumbnail": {"url": format!("https://{host}/thumbnail.png")}, "api_versions": {"mastodon": 7},
        "configuration": configuration(), "registrations": {"enabled": false, "approval_required": false, "message": null},
        "contact": {"email": "practice@example.com", "account": null},
    })
}

/// The instance (v1).
pub(super) fn instance_v1(host: &str) -> Value {
    json!({
        "uri": host, "title": "練習用 Mastodon", "version": VERSION, "short_description": "", "description": "練習",
        "email": "practice@example.com", "urls": {"streaming_api": format!("wss://{host}")},
        "stats": {"user_count": 1, "status_count": 0, "domain_count": 0}, "thumbnail": null, "languages": ["ja"],
        "registrations": false, "approval_required": false, "invites_enabled": false,
        "configuration": configuration(), "contact_account": null, "rules": [],
    })
}

fn configuration() -> Value {
    json!({
        "urls": {"streaming": "wss://mastodon.example"}, "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {"max_characters": 500, "max_media_attachments": 4, "characters_reserved_per_url": 23},
        "media_attachments": {
            "supported_mime_types": ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4"],
            "image_size_limit": 16_777_216, "image_matrix_limit": 33_177_600, "video_size_limit": 103_809_024,
            "video_frame_rate_limit": 120, "video_matrix_limit": 8_294_400, "description_limit": 1500,
        },
        "polls": {"max_options": 4, "max_characters_per_option": 50, "min_expiration": 300, "max_expiration": 2_629_746},
        "translation": {"enabled": false}, "vapid": {"public_key": "practice"},
    })
}
