//! Media on Mastodon: pictures are ready at once, films after they were asked for once.

use http::{Method, StatusCode};
use serde_json::json;

use super::{done, entities, invalid, missing};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::stage::World;

/// An attachment.
pub(super) struct Media {
    pub(super) account: String,
    pub(super) sha256: String,
    pub(super) kind: &'static str,
    pub(super) description: Option<String>,
    pub(super) ready: bool,
    /// Whether a status shows it; then it can no longer be changed.
    pub(super) attached: bool,
}

/// `POST /api/v2/media` and its elder.
pub(super) fn upload(world: &mut World, account: &str, mut asked: Asked) -> Answer {
    let description = asked.parameter("description");
    let Some(part) = asked.take_media().filter(|part| !asked.body.broken && part.record.bytes > 0) else {
        return invalid("File can't be blank");
    };
    let film = part.record.content_type.as_deref().is_some_and(|kind| kind.starts_with("video/"));
    let media = Media {
        account: account.to_owned(),
        sha256: part.record.sha256,
        kind: if film { "video" } else { "image" },
        description,
        ready: !film,
        attached: false,
    };
    let id = world.mastodon.next_id(asked.at);
    let status = if media.ready { StatusCode::OK } else { StatusCode::ACCEPTED };
    let body = entities::attachment(&asked.host, id, &media);
    world.mastodon.media.insert(id, media);
    Answer::json(status, &body)
}

/// `/api/v1/media/{id}`: its state, its description, its end.
pub(super) fn one(world: &mut World, account: &str, id: &str, method: &Method, asked: &Asked) -> Answer {
    let number = id.parse::<u64>().unwrap_or_default();
    let own = world.mastodon.media.get_mut(&number).filter(|media| media.account == account && !media.attached);
    let Some(media) = own else { return missing() };
    match *method {
        Method::PUT => {
            if let Some(description) = asked.parameter("description") {
                media.description = Some(description);
            }
        }
        Method::DELETE => {
            world.mastodon.media.remove(&number);
            return done(&json!({}));
        }
        _ => {
            if !std::mem::replace(&mut media.ready, true) {
                return Answer::json(StatusCode::PARTIAL_CONTENT, &entities::attachment(&asked.host, number, media));
            }
        }
    }
    done(&entities::attachment(&asked.host, number, media))
}
