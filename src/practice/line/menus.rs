//! Rich menus on LINE.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Channel, faulty, not_found, ok, refusal};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::record::Published;
use crate::practice::stage::World;

/// A rich menu.
pub(super) struct Menu {
    body: Map<String, Value>,
    image_sha256: Option<String>,
}

/// Everything under `/v2/bot/richmenu` and `/v2/bot/user`.
pub(super) fn answer(world: &mut World, asked: &Asked, channel: &Channel) -> Answer {
    let segments = asked.segments();
    let line = &mut world.line;
    match (&asked.method, segments.get(2..).unwrap_or_default()) {
        (&Method::POST, ["richmenu"]) => create(world, asked),
        (&Method::POST, ["richmenu", "validate"]) => match shape(asked) {
            Ok(_) => ok(&json!({})),
            Err(answer) => *answer,
        },
        (&Method::GET, ["richmenu", "list"]) => {
            let menus = line.menus.iter().map(|(id, menu)| shown(id, menu)).collect::<Vec<_>>();
            ok(&json!({"richmenus": menus}))
        }
        (&Method::GET, ["richmenu", "alias", "list"]) => {
            let aliases =
                line.aliases.iter().map(|(alias, menu)| json!({"richMenuAliasId": alias, "richMenuId": menu}));
            ok(&json!({"aliases": aliases.collect::<Vec<_>>()}))
        }
        (&Method::POST, ["richmenu", "alias"]) => alias(world, asked),
        (&Method::DELETE, ["richmenu", "alias", alias]) => found(line.aliases.remove(*alias).is_some()),
        (&Method::POST, ["richmenu", "bulk", "link" | "unlink"] | ["richmenu", "batch"]) => {
            Answer::json(StatusCode::ACCEPTED, &json!({}))
        }
        (&Method::GET, ["richmenu", id]) => line.menus.get(*id).map_or_else(not_found, |menu| ok(&shown(id, menu))),
        (&Method::DELETE, ["richmenu", id]) => found(line.menus.remove(*id).is_some()),
        (&Method::GET, ["user", "all", "richmenu"]) => match &line.default_menu {
            Some(id) => ok(&json!({"richMenuId": id})),
            None => refusal(StatusCode::NOT_FOUND, "no default richmenu"),
        },
        (&Method::DELETE, ["user", "all", "richmenu"]) => {
            line.default_menu = None;
            ok(&json!({}))
        }
        (&Method::POST, ["user", "all", "richmenu", id]) => set_default(world, asked, channel, id),
        (&Method::POST, ["user", _, "richmenu", id]) => found(line.menus.contains_key(*id)),
        (&Method::DELETE, ["user", _, "richmenu"]) => ok(&json!({})),
        _ => not_found(),
    }
}

fn found(there: bool) -> Answer {
    if there { ok(&json!({})) } else { not_found() }
}

fn shown(id: &str, menu: &Menu) -> Value {
    let mut body = menu.body.clone();
    body.insert("richMenuId".to_owned(), Value::from(id));
    Value::Object(body)
}

fn shape(asked: &Asked) -> Result<Map<String, Value>, Box<Answer>> {
    let Some(Value::Object(body)) = asked.json() else {
        return Err(Box::new(refusal(StatusCode::BAD_REQUEST, "The request body could not be parsed as JSON")));
    };
    let missing =
        ["size", "selected", "name", "chatBarText", "areas"].into_iter().filter(|name| !body.contains_key(*name));
    let faults = missing.map(|name| ("May not be empty".to_owned(), name.to_owned())).collect::<Vec<_>>();
    if faults.is_empty() { Ok(body) } else { Err(Box::new(faulty(&faults))) }
}

fn create(world: &mut World, asked: &Asked) -> Answer {
    match shape(asked) {
        Err(answer) => *answer,
        Ok(body) => {
            let id = format!("richmenu-{}", Uuid::new_v4().simple());
            world.line.menus.insert(id.clone(), Menu { body, image_sha256: None });
            ok(&json!({"richMenuId": id}))
        }
    }
}

fn alias(world: &mut World, asked: &Asked) -> Answer {
    let (Some(alias), Some(menu)) = (asked.parameter("richMenuAliasId"), asked.parameter("richMenuId")) else {
        return faulty(&[("May not be empty".to_owned(), "richMenuAliasId".to_owned())]);
    };
    if !world.line.menus.contains_key(&menu) {
        return refusal(StatusCode::BAD_REQUEST, "richmenu not found");
    }
    if world.line.aliases.contains_key(&alias) {
        return refusal(StatusCode::BAD_REQUEST, "conflict richmenu alias id");
    }
    world.line.aliases.insert(alias, menu);
    ok(&json!({}))
}

/// `POST api-data /v2/bot/richmenu/{id}/content`: the picture, once.
pub(super) fn set_image(world: &mut World, asked: &Asked, id: &str) -> Answer {
    let Some(menu) = world.line.menus.get_mut(id) else { return not_found() };
    if !asked.is("image/png") && !asked.is("image/jpeg") {
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be image/png or image/jpeg");
    }
    if menu.image_sha256.is_some() {
        return refusal(StatusCode::BAD_REQUEST, "An image has already been uploaded to the richmenu");
    }
    menu.image_sha256 = Some(asked.body.sha256.clone());
    ok(&json!({}))
}

/// `POST /v2/bot/user/all/richmenu/{id}`: from here on every friend sees it.
fn set_default(world: &mut World, asked: &Asked, channel: &Channel, id: &str) -> Answer {
    let Some(menu) = world.line.menus.get(id) else { return not_found() };
    let Some(image) = menu.image_sha256.clone() else {
        return refusal(StatusCode::BAD_REQUEST, "must upload richmenu image before applying it to user");
    };
    let text = menu.body.get("chatBarText").and_then(Value::as_str).unwrap_or_default().to_owned();
    world.published.push(Published {
        provider: "line",
        account: channel.user_id.clone(),
        action: "profile",
        id: id.to_owned(),
        text,
        media_sha256: vec![image],
        body: Value::Object(menu.body.clone()),
        request: asked.number,
        deleted: false,
    });
    world.line.default_menu = Some(id.to_owned());
    ok(&json!({}))
}
