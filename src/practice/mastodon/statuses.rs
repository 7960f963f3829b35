//! Statuses on Mastodon.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{State, done, entities, invalid, list, missing, stamp};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::record::Published;
use crate::practice::stage::World;

/// Characters of a status.
const LONGEST: usize = 500;
/// A status is scheduled at least so far ahead.
const LEAST_AHEAD: SignedDuration = SignedDuration::from_secs(300);

/// A status.
pub(super) struct Status {
    pub(super) account: String,
    pub(super) at: Timestamp,
    pub(super) edited: Option<Timestamp>,
    pub(super) text: String,
    pub(super) spoiler: String,
    pub(super) visibility: String,
    pub(super) sensitive: bool,
    pub(super) language: Option<String>,
    pub(super) reply_to: Option<String>,
    pub(super) quotes: Option<String>,
    pub(super) media: Vec<u64>,
    pub(super) poll: Vec<String>,
    pub(super) reblog_of: Option<u64>,
    pub(super) deleted: bool,
}

/// `POST /api/v1/statuses`.
pub(super) fn create(world: &mut World, account: &str, asked: &Asked) -> Answer {
    let key = asked.header("idempotency-key").map(|key| (account.to_owned(), key.to_owned()));
    if let Some(again) = key.as_ref().and_then(|key| world.mastodon.accepted.get(key)) {
        return done(again);
    }
    let status = match new(&world.mastodon, account, asked) {
        Ok(status) => status,
        Err(answer) => return *answer,
    };
    let id = world.mastodon.next_id(asked.at);
    let body = match asked.parameter("scheduled_at") {
        Some(time) => match schedule(&mut world.mastodon, id, &status, &time, asked) {
            Ok(body) => body,
            Err(answer) => return *answer,
        },
        None => publish(world, id, status, asked),
    };
    if let Some(key) = key {
        world.mastodon.accepted.insert(key, body.clone());
    }
    done(&body)
}

fn publish(world: &mut World, id: u64, status: Status, asked: &Asked) -> Value {
    note(world, id, &status, asked, action(&status));
    for media in &status.media {
        if let Some(media) = world.mastodon.media.get_mut(media) {
            media.attached = true;
        }
    }
    world.mastodon.statuses.insert(id, status);
    shown(&world.mastodon, &asked.host, id)
}

fn action(status: &Status) -> &'static str {
    if status.visibility == "direct" {
        "direct-message"
    } else if status.reblog_of.is_some() {
        "repost"
    } else if status.reply_to.is_some() {
        "reply"
    } else if status.quotes.is_some() {
        "quote"
    } else {
        "publish"
    }
}

fn note(world: &mut World, id: u64, status: &Status, asked: &Asked, action: &'static str) {
    let hashes = status.media.iter().filter_map(|id| world.mastodon.media.get(id)).map(|media| media.sha256.clone());
    let published = Published {
        provider: "mastodon",
        account: status.account.clone(),
        action,
        id: id.to_string(),
        text: status.text.clone(),
        media_sha256: hashes.collect(),
        body: asked.json().unwrap_or_else(|| json!(asked.form())),
        request: asked.number,
        deleted: false,
    };
    world.published.push(published);
}

fn shown(state: &State, host: &str, id: u64) -> Value {
    state.statuses.get(&id).map_or(Value::Null, |status| entities::status(state, host, id, status))
}

/// The status that a request asks for, if it may be.
fn new(state: &State, account: &str, asked: &Asked) -> Result<Status, Box<Answer>> {
    let no = |answer: Answer| Err(Box::new(answer));
    let text = asked.parameter("status").unwrap_or_default();
    let media = list(asked, "media_ids");
    let poll = poll_options(asked);
    if text.trim().is_empty() && media.is_empty() {
        return no(invalid("Text can't be blank"));
    }
    if text.chars().count() > LONGEST {
        return no(invalid("Text character limit of 500 exceeded"));
    }
    let own = |id: &String| {
        let id = id.parse::<u64>().ok()?;
        state.media.get(&id).filter(|media| media.account == account && media.ready && !media.attached).map(|_| id)
    };
    let Some(media) = media.iter().map(own).collect::<Option<Vec<_>>>() else {
        return no(invalid("Cannot attach files that have not finished processing. Try again in a moment!"));
    };
    if media.len() > 4 {
        return no(invalid("Cannot attach more than 4 files"));
    }
    let visibility = asked.parameter("visibility").unwrap_or_else(|| "public".to_owned());
    if !["public", "unlisted", "private", "direct"].contains(&visibility.as_str()) {
        return no(invalid("Visibility is not included in the list"));
    }
    let reply_to = asked.parameter("in_reply_to_id").filter(|id| !id.is_empty());
    // A reply may be to a status of another instance, whose id practice does not know.
    if reply_to.as_ref().is_some_and(|id| !super::is_id(id)) {
        return no(missing());
    }
    Ok(Status {
        account: account.to_owned(),
        at: asked.at,
        edited: None,
        text,
        spoiler: asked.parameter("spoiler_text").unwrap_or_default(),
        visibility,
        sensitive: asked.parameter("sensitive").is_some_and(|flag| flag == "true" || flag == "1"),
        language: asked.parameter("language"),
        reply_to,
        quotes: asked.parameter("quoted_status_id"),
        media,
        poll,
        reblog_of: None,
        deleted: false,
    })
}

fn poll_options(asked: &Asked) -> Vec<String> {
    let options = list(asked, "poll[options]");
    let json = asked.json();
    let listed = json.as_ref().and_then(|json| json.pointer("/poll/options")).and_then(Value::as_array);
    options.into_iter().chain(listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)).collect()
}

/// Keeps a status for later: a `ScheduledStatus`.
fn schedule(state: &mut State, id: u64, status: &Status, time: &str, asked: &Asked) -> Result<Value, Box<Answer>> {
    let time = ahead(time, asked.at)?;
    let media: Vec<Value> = status
        .media
        .iter()
        .filter_map(|id| state.media.get(id).map(|media| entities::attachment(&asked.host, *id, media)))
        .collect();
    let params = json!({
        "text": status.text, "media_ids": status.media.iter().map(u64::to_string).collect::<Vec<_>>(),
        "sensitive": status.sensitive, "spoiler_text": status.spoiler, "visibility": status.visibility,
        "language": status.language, "in_reply_to_id": status.reply_to, "scheduled_at": null, "poll": null,
        "application_id": 1, "idempotency": null, "with_rate_limit": false,
    });
    let body = json!({"id": id.to_string(), "scheduled_at": time, "params": params, "media_attachments": media});
    state.scheduled.insert(id, body.clone());
    Ok(body)
}

fn ahead(time: &str, now: Timestamp) -> Result<String, Box<Answer>> {
    match time.parse::<Timestamp>() {
        Ok(at) if at > now + LEAST_AHEAD => Ok(stamp(at)),
        _ => Err(Box::new(invalid("Scheduled at The scheduled date must be in the future"))),
    }
}

/// `/api/v1/scheduled_statuses/{id}`.
pub(super) fn scheduled(world: &mut World, id: &str, method: &Method, asked: &Asked) -> Answer {
    let number = id.parse::<u64>().unwrap_or_default();
    let Some(entry) = world.mastodon.scheduled.get_mut(&number) else { return missing() };
    match *method {
        Method::PUT => match ahead(&asked.parameter("scheduled_at").unwrap_or_default(), asked.at) {
            Ok(time) => {
                if let Value::Object(entry) = entry {
                    entry.insert("scheduled_at".to_owned(), Value::String(time));
                }
                done(entry)
            }
            Err(answer) => *answer,
        },
        Method::DELETE => {
            world.mastodon.scheduled.remove(&number);
            done(&json!({}))
        }
        _ => done(entry),
    }
}

/// `GET /api/v1/statuses/{id}`, and the verbs whose answer is the status as it is.
pub(super) fn read(world: &World, id: &str, asked: &Asked) -> Answer {
    match standing(&world.mastodon, id) {
        Some((number, _)) => done(&shown(&world.mastodon, &asked.host, number)),
        None => missing(),
    }
}

/// `GET /api/v1/timelines/home`: the newest first, page by page, with the next page's address in `Link`.
pub(super) fn timeline(world: &World, account: &str, asked: &Asked) -> Answer {
    let most = asked.query("limit").and_then(|text| text.parse().ok()).unwrap_or(20_usize).clamp(1, 40);
    let before = asked.query("max_id").and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
    let own = |(id, status): &(&u64, &Status)| **id < before && !status.deleted && status.account == account;
    let state = &world.mastodon;
    let mut ids = state.statuses.iter().filter(own).map(|(id, _)| *id).collect::<Vec<_>>();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let more = ids.len() > most;
    ids.truncate(most);
    let page = done(&Value::Array(ids.iter().map(|id| shown(state, &asked.host, *id)).collect()));
    match (ids.first(), ids.last()) {
        (Some(first), Some(last)) => {
            let address =
                |name: &str, id: u64| format!("<https://{}{}?limit={most}&{name}={id}>", asked.host, asked.path);
            let next = if more { format!("{}; rel=\"next\", ", address("max_id", *last)) } else { String::new() };
            page.with("link", format!("{next}{}; rel=\"prev\"", address("min_id", *first)))
        }
        _ => page,
    }
}

fn standing<'w>(state: &'w State, id: &str) -> Option<(u64, &'w Status)> {
    let id = id.parse().ok()?;
    state.statuses.get(&id).filter(|status| !status.deleted).map(|status| (id, status))
}

/// `PUT /api/v1/statuses/{id}`.
pub(super) fn edit(world: &mut World, account: &str, id: &str, asked: &Asked) -> Answer {
    let Some((number, _)) = standing(&world.mastodon, id).filter(|(_, status)| status.account == account) else {
        return missing();
    };
    let media = list(asked, "media_ids").iter().filter_map(|id| id.parse().ok()).collect();
    let Some(status) = world.mastodon.statuses.get_mut(&number) else { return missing() };
    status.text = asked.parameter("status").unwrap_or_default();
    status.spoiler = asked.parameter("spoiler_text").unwrap_or_default();
    status.media = media;
    status.edited = Some(asked.at);
    let body = shown(&world.mastodon, &asked.host, number);
    if let Some(status) = world.mastodon.statuses.remove(&number) {
        note(world, number, &status, asked, "edit");
        world.mastodon.statuses.insert(number, status);
    }
    done(&body)
}

/// `DELETE /api/v1/statuses/{id}`: the answer is the deleted status with its source.
pub(super) fn delete(world: &mut World, account: &str, id: &str, asked: &Asked) -> Answer {
    let Some((number, _)) = standing(&world.mastodon, id).filter(|(_, status)| status.account == account) else {
        return missing();
    };
    let mut body = shown(&world.mastodon, &asked.host, number);
    if let (Some(status), Value::Object(body)) = (world.mastodon.statuses.get_mut(&number), &mut body) {
        status.deleted = true;
        body.insert("text".to_owned(), Value::String(status.text.clone()));
    }
    for published in world.published.iter_mut().filter(|it| it.provider == "mastodon" && it.id == id) {
        published.deleted = true;
    }
    done(&body)
}

/// `POST /api/v1/statuses/{id}/reblog`.
pub(super) fn reblog(world: &mut World, account: &str, id: &str, asked: &Asked) -> Answer {
    let Some((of, original)) = standing(&world.mastodon, id) else { return missing() };
    let status = Status {
        account: account.to_owned(),
        at: asked.at,
        edited: None,
        text: original.text.clone(),
        spoiler: String::new(),
        visibility: asked.parameter("visibility").unwrap_or_else(|| "public".to_owned()),
        sensitive: false,
        language: None,
        reply_to: None,
        quotes: None,
        media: Vec::new(),
        poll: Vec::new(),
        reblog_of: Some(of),
        deleted: false,
    };
    let id = world.mastodon.next_id(asked.at);
    done(&publish(world, id, status, asked))
}
