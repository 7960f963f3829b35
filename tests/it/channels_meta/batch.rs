//! Graph's `batch`: several requests in one field of one. Each is judged as if it had come alone, the whole is refused if
//! one is, and what nobody can judge beforehand is refused by name.

use http::Method;
use sekisho::demo::client::{Reply, Tool};
use serde_json::{Value, json};

use super::{approve, form, graph, id, written};
use crate::act::{HEALTH, entry_of, outcomes};
use crate::stage::Town;

const GRAPH: &str = "graph.facebook.com";
const NEWS: &str = "明日は図書館の休館日です。";

fn post(text: &str) -> Value {
    json!({ "method": "POST", "relative_url": "v26.0/1001/feed", "body": written(&[("message", text)]) })
}

/// A batch as facebook_business sends it.
async fn batch(tool: &Tool, items: &[Value]) -> Reply {
    let list = Value::from(items.to_vec()).to_string();
    form(tool, GRAPH, "/v26.0/", &[("batch", &list), ("include_headers", "false")]).await
}

/// What the gateway let leave, as a list.
fn left(town: &Town) -> Value {
    let request = town.provider.requests().pop().unwrap();
    let body = String::from_utf8_lossy(request.body.as_deref().unwrap()).into_owned();
    let list = body.split('&').find_map(|pair| pair.strip_prefix("batch=")).unwrap().to_owned();
    let list = percent_encoding::percent_decode_str(&list.replace('+', " ")).decode_utf8().unwrap().into_owned();
    serde_json::from_str(&list).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_posts_in_one_batch_are_one_thing_to_approve_and_spent_once() {
    let town = Town::start().await;
    let tool = town.nerima();
    let items = [post(HEALTH), json!({ "method": "GET", "relative_url": "me?fields=id" }), post(NEWS)];
    let held = town.refuses("approval-missing", "nerima:11", batch(&tool, &items)).await;
    assert_eq!(town.last_entry()["action"], "publish");
    let path = format!("/api/v1/tickets/{}", held.header("sekisho-ticket"));
    let ticket = town.console(sekisho::demo::town::MANAGER_KEY, Method::GET, &path, None).await;
    let shown = String::from_utf8_lossy(&ticket.body).into_owned();
    assert!(shown.contains(HEALTH) && shown.contains(NEWS), "the approver sees every item: {shown}");
    approve(&town, &held).await;

    // Another order, one item fewer, other words, another target: another thing.
    let others = [
        vec![items[2].clone(), items[1].clone(), items[0].clone()],
        vec![items[0].clone(), items[1].clone()],
        vec![items[0].clone(), items[1].clone(), post("別の文")],
    ];
    for other in &others {
        town.refuses("approval-missing", "nerima:11", batch(&tool, other)).await;
    }
    let sent = batch(&tool, &items).await;
    assert_eq!(sent.status, 200, "{:?}", sent.json());
    let answers = sent.json();
    assert_eq!(answers.as_array().unwrap().len(), 3, "each item has its answer: {answers}");
    let first: Value = serde_json::from_str(answers[0]["body"].as_str().unwrap()).unwrap();
    let posts = town.provider.posts();
    assert_eq!(posts.iter().map(|post| post.text.as_str()).collect::<Vec<_>>(), [HEALTH, NEWS]);
    assert_eq!(json!(posts[0].id), first["id"]);
    assert_eq!(left(&town)[0]["relative_url"], "v26.0/1001/feed");
    assert_eq!(outcomes(&town, entry_of(&sent))[0]["outcome"], "published");
    town.refuses("approval-missing", "nerima:11", batch(&tool, &items)).await;

    // A comment under a post that came out of a batch continues the account's own thread (練馬 第14条 is of others').
    let comment = format!("/v26.0/{}/comments", posts[1].id);
    let comment = form(&tool, GRAPH, &comment, &[("message", "お問い合わせは図書館まで。")]);
    town.refuses("approval-missing", "nerima:11", comment).await;
    assert_eq!(town.provider.posts().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_item_refuses_the_whole_and_says_which() {
    let town = Town::start().await;
    let tool = town.nerima();
    let short = post("詳しくは https://bit.ly/3abc へ");
    let refused =
        town.refuses("shortened-link", "guideline-2011:shortened-url", batch(&tool, &[post(HEALTH), short])).await;
    assert!(refused.header("sekisho-ticket").is_empty());
    // 練馬 第14条: an answer to somebody, among posts.
    let answer = json!({ "method": "POST", "relative_url": "1001_9/comments", "body": "message=a" });
    let refused = town.refuses("individual-reply", "nerima:14", batch(&tool, &[post(HEALTH), answer])).await;
    assert!(refused.json().to_string().contains("2件のうち2件目"), "{:?}", refused.json());
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_judged_as_what_it_does_and_leaves_as_that() {
    let town = Town::start().await;
    let tool = town.nerima();
    let held = town.refuses("approval-missing", "nerima:11", batch(&tool, &[post(HEALTH)])).await;
    approve(&town, &held).await;
    batch(&tool, &[post(HEALTH)]).await;
    let made = town.provider.posts()[0].id.clone();
    // A read by its method, a delete by its query.
    let hidden = json!({ "method": "POST", "relative_url": format!("{made}?method=delete"), "name": "gone" });
    let held = town.refuses("approval-missing", "nerima:11", batch(&tool, std::slice::from_ref(&hidden))).await;
    assert_eq!(town.last_entry()["action"], "delete");
    approve(&town, &held).await;
    let sent = batch(&tool, std::slice::from_ref(&hidden)).await;
    assert_eq!(sent.status, 200, "{:?}", sent.json());
    assert_eq!(left(&town), json!([{ "method": "DELETE", "relative_url": made }]));
    assert!(town.provider.posts()[0].deleted);
    let received = town.received();
    let inside = json!({ "method": "POST", "relative_url": made, "body": "method=delete" });
    town.refuses("method-override", "sekisho:promise-3", batch(&tool, &[inside])).await;
    assert_eq!(town.received(), received);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_judge_beforehand_is_refused_by_name() {
    let town = Town::start().await;
    let tool = town.nerima();
    let with = |name: &str, value: Value| {
        let mut item = post(HEALTH);
        item[name] = value;
        item
    };
    let to = |url: &str, body: &str| json!({ "method": "POST", "relative_url": url, "body": body });
    let cases = [
        (with("depends_on", json!("first")), "batch-reference"),
        (to("{result=first:$.id}/comments", "message=a"), "batch-reference"),
        (to("1001/feed", "message=%7Bresult%3Dfirst%3A%24.data.0.message%7D"), "batch-reference"),
        (with("attached_files", json!("cat")), "batch-files"),
        (with("access_token", json!("another")), "batch-credential"),
        (to("1001/feed", "message=a&access_token=another"), "batch-credential"),
        (to("1001/feed?access_token=another", "message=a"), "batch-credential"),
        (with("headers", json!([{ "name": "X-HTTP-Method-Override", "value": "DELETE" }])), "batch-shape"),
        (to("1001/feed", "message=a&published=false"), "batch-step"),
        (to("1001_9", "is_published=true"), "batch-step"),
        (to("", "batch=%5B%5D"), "unknown-route"),
        (to("17841/media", "caption=a&image_url=b"), "unknown-route"),
        (to("https://graph.facebook.com/1001/feed", "message=a"), "path-shape"),
        (to("1001/live_videos", "title=a"), "cannot-inspect"),
        (json!({ "method": "PUT", "relative_url": "1001/feed" }), "batch-shape"),
        (json!("1001/feed"), "batch-shape"),
    ];
    for (item, code) in cases {
        let refused = town.refuses(code, "sekisho:promise-3", batch(&tool, &[post(NEWS), item.clone()])).await;
        assert!(refused.json().to_string().contains("2件のうち2件目"), "{item}: {:?}", refused.json());
    }
    for list in ["[]", "{}", "1", "[{", "null"] {
        let pairs = [("batch", list)];
        town.refuses("batch-shape", "sekisho:promise-3", form(&tool, GRAPH, "/me", &pairs)).await;
    }
    town.refuses("batch-shape", "sekisho:promise-3", batch(&tool, &vec![post(NEWS); 51])).await;
    // On any other path Graph would take the list as a batch, too.
    let list = json!([post(NEWS)]).to_string();
    let pairs = [("message", HEALTH), ("batch", list.as_str())];
    town.refuses("batch-place", "sekisho:promise-3", form(&tool, GRAPH, "/v26.0/1001/feed", &pairs)).await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_pass_together_and_a_batch_in_json_or_parts_is_the_same_batch() {
    let town = Town::start().await;
    let tool = town.nerima();
    let reads = [
        json!({ "method": "GET", "relative_url": "me?fields=id" }),
        json!({ "method": "GET", "relative_url": "1001/feed?limit=1" }),
    ];
    let read = batch(&tool, &reads).await;
    assert_eq!((read.status.as_u16(), town.received()), (200, 1), "{:?}", read.json());
    assert_eq!(town.entries("nerima").iter().find(|entry| entry["kind"] == "permit").unwrap()["action"], "read");

    let held = town.refuses("approval-missing", "nerima:11", batch(&tool, &[post(HEALTH)])).await;
    approve(&town, &held).await;
    let list = json!([post(HEALTH)]);
    let part = format!("--B\r\nContent-Disposition: form-data; name=\"batch\"\r\n\r\n{list}\r\n--B--\r\n");
    let parts = graph(
        &tool,
        Method::POST,
        GRAPH,
        "/v26.0/?include_headers=false",
        Some(("multipart/form-data; boundary=B", part)),
    )
    .await;
    assert_eq!(parts.status, 200, "{:?}", parts.json());
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str()), (1, HEALTH));
    // The same thing in JSON is held for itself: its approval was used.
    for batch in [list.clone(), json!(list.to_string())] {
        let body = Some(("application/json", json!({ "batch": batch }).to_string()));
        town.refuses("approval-missing", "nerima:11", graph(&tool, Method::POST, GRAPH, "/", body)).await;
    }
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_items_the_provider_refuses_is_not_called_published() {
    let town = Town::start().await;
    let tool = town.nerima();
    let edit =
        json!({ "method": "POST", "relative_url": "1001_17900000000000999", "body": written(&[("message", HEALTH)]) });
    let held = town.refuses("approval-missing", "nerima:11", batch(&tool, std::slice::from_ref(&edit))).await;
    approve(&town, &held).await;
    let sent = batch(&tool, std::slice::from_ref(&edit)).await;
    assert_eq!(sent.json()[0]["code"], 400, "{:?}", sent.json());
    let outcome = outcomes(&town, entry_of(&sent))[0].clone();
    assert_eq!(outcome["outcome"], "refused-by-provider", "{outcome}");
    assert_eq!(town.provider.posts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpublished_photo_is_shown_by_an_item_and_judged_with_it() {
    let town = Town::start().await;
    let tool = town.nerima();
    let body = "--B\r\nContent-Disposition: form-data; name=\"published\"\r\n\r\nfalse\r\n--B\r\nContent-Disposition: \
                form-data; name=\"source\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\npng 1\r\n--B--\r\n";
    let photo = Some(("multipart/form-data; boundary=B", body.to_owned()));
    let photo = id(&graph(&tool, Method::POST, GRAPH, "/v26.0/1001/photos", photo).await);
    let showing = |photo: &str| {
        let attached = json!([{ "media_fbid": photo }]).to_string();
        json!({ "method": "POST", "relative_url": "1001/feed", "body": written(&[("message", HEALTH), ("attached_media", &attached)]) })
    };
    town.refuses("unknown-container", "sekisho:promise-3", batch(&tool, &[showing("17900000000000999")])).await;
    let held = town.refuses("approval-missing", "nerima:11", batch(&tool, &[showing(&photo)])).await;
    approve(&town, &held).await;
    let sent = batch(&tool, &[showing(&photo)]).await;
    assert_eq!(sent.json()[0]["code"], 200, "{:?}", sent.json());
    let posts = town.provider.posts();
    assert_eq!(posts[0].media_sha256, [sekisho::domain::media::Sha256::of(b"png 1").hex()]);
}
