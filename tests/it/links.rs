//! Where the links of a held post lead: looked at when its ticket is opened, never on its road.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use sekisho::config::Config;
use sekisho::demo::client::Reply;
use sekisho::demo::town::MANAGER_KEY;
use serde_json::{Value, json};

use crate::act::post;
use crate::scan::files::code;
use crate::stage::{Town, tweet};

const POST: &str = "【広聴広報課】まつりの詳細は https://www.city.example/matsuri をご覧ください。";

/// A town that goes the ways of links, and knows `go.example` as a shortener.
fn probing(config: &mut Config, list: &std::path::Path) {
    std::fs::write(list, "go.example\n").unwrap();
    config.inspect.shorteners = vec!["builtin:shorteners".into(), list.to_owned()];
    config.inspect.probe.on = true;
    config.inspect.probe.prohibited = vec!["*.nagano.jp".to_owned()];
}

async fn town() -> Town {
    Town::start_behind(async |_, config| {
        let list = config.ledger.dir.with_file_name("shorteners.txt");
        std::fs::create_dir_all(list.parent().unwrap()).unwrap();
        probing(config, &list);
    })
    .await
}

async fn opened(town: &Town, held: &Reply) -> Value {
    let path = format!("/api/v1/tickets/{}", held.header("sekisho-ticket"));
    town.console(MANAGER_KEY, Method::GET, &path, None).await.json()
}

async fn approve(town: &Town, held: &Reply) {
    let path = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    let reply = town.console(MANAGER_KEY, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
}

fn rules(link: &Value) -> Vec<&str> {
    link["warnings"].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_approver_sees_a_shortener_on_the_way_and_where_it_ends_and_the_entry_keeps_it() {
    let town = town().await;
    town.provider.lead_from_site("/matsuri", "https://go.example/x1");
    town.provider.lead_from_site("/x1", "https://www.city.nagano.nagano.jp/elsewhere");
    let tool = town.nerima();
    let held = town.refuses("approval-missing", "nerima:11", tweet(&tool, POST)).await;
    assert_eq!(town.provider.site_visits(), Vec::<String>::new(), "nothing is called on the road of a post");

    let shown = opened(&town, &held).await;
    let link = &shown["links"]["links"][0];
    assert_eq!((&link["host"], &link["landing"]), (&json!("www.city.example"), &json!("www.city.nagano.nagano.jp")));
    assert_eq!(link["hops"], json!(["www.city.example", "go.example", "www.city.nagano.nagano.jp"]), "{shown}");
    assert_eq!(rules(link), ["shortener.listed", "link.prohibited", "link.elsewhere"]);
    assert!(link["warnings"].to_string().contains("nagano:4(9)"), "{link}");
    assert_eq!(town.provider.site_visits(), ["/matsuri", "/x1", "/elsewhere"]);
    assert_eq!(opened(&town, &held).await["links"], shown["links"], "the answer is kept");
    assert_eq!(town.provider.site_visits().len(), 3);

    approve(&town, &held).await;
    let act = town.last_entry();
    let counted = (&act["act"], &act["links_seen"], &act["links_warned"], &act["links_unresolved"]);
    assert_eq!(counted, (&json!("approve-ticket"), &json!(1), &json!(1), &json!(0)), "{act}");
    assert!(!act.to_string().contains("city.example"), "an entry shows no content: {act}");
    let payload = town.running.ledger.payload("nerima", act["index"].as_u64().unwrap()).unwrap().unwrap();
    assert_eq!(payload.links, ["www.city.example > www.city.nagano.nagano.jp"]);
    // The approver has seen it and lets it out; the post passes without another look.
    assert_eq!(tweet(&tool, POST).await.status, 201);
    assert_eq!((town.received(), town.provider.site_visits().len()), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_into_the_office_is_not_followed_and_an_endless_one_ends() {
    let town = town().await;
    town.provider.lead_from_site("/matsuri", "https://127.0.0.1/admin");
    let text = format!("{POST} https://www.city.example/round");
    let held = town.refuses("approval-missing", "nerima:11", tweet(&town.nerima(), &text)).await;
    let shown = opened(&town, &held).await;
    let links = shown["links"]["links"].as_array().unwrap();
    let codes: Vec<&Value> = links.iter().map(|link| &link["unresolved"]["code"]).collect();
    assert_eq!(codes, ["private", "redirects"], "{shown}");
    assert_eq!((&links[0]["landing"], rules(&links[0]).contains(&"link.elsewhere")), (&Value::Null, true));
    let visits = town.provider.site_visits();
    assert_eq!(visits.iter().filter(|path| *path == "/matsuri").count(), 1);
    assert_eq!(visits.iter().filter(|path| *path == "/round").count(), 1 + town.config.inspect.probe.redirects);
    assert!(!visits.contains(&"/admin".to_owned()));

    // By hand it is looked at anew: meanwhile the page leads home.
    town.provider.lead_from_site("/matsuri", "https://www.city.example/home");
    let path = format!("/api/v1/tickets/{}/links", held.header("sekisho-ticket"));
    let again = town.console(MANAGER_KEY, Method::POST, &path, None).await;
    assert_eq!(again.json()["links"][0]["landing"], "www.city.example", "{:?}", again.json());
    approve(&town, &held).await;
    let settled = town.console(MANAGER_KEY, Method::POST, &path, None).await;
    assert_eq!(settled.json()["code"], "ticket-not-waiting");
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_office_has_not_said_so_nobody_is_called_and_the_links_are_read_all_the_same() {
    let town = Town::start().await;
    let text = "【広聴広報課】申込は https://www.city.example/go?to=https%3A%2F%2Fwww.other.example%2FForm へ。";
    let held = town.refuses("approval-missing", "nerima:11", tweet(&town.nerima(), text)).await;
    let shown = opened(&town, &held).await;
    let links = shown["links"]["links"].as_array().unwrap();
    let hosts: Vec<&Value> = links.iter().map(|link| &link["host"]).collect();
    assert!(hosts.contains(&&json!("www.other.example")), "the nested one, too: {shown}");
    assert!(links.iter().all(|link| link["unresolved"]["code"] == "off"), "{shown}");
    assert_eq!((&shown["links"]["resolved"], town.provider.site_visits().len()), (&json!(false), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_a_qr_code_is_looked_at_like_one_in_the_text_and_who_saw_none_has_none_in_the_entry() {
    let town = town().await;
    let picture = code("https://www.city.example/qr");
    let media = BASE64_STANDARD.encode(&picture);
    let body = json!({ "media": media, "media_category": "tweet_image", "media_type": "image/png" });
    let uploaded = post(&town.nerima(), "api.x.com", "/2/media/upload", &[], &body).await;
    assert_eq!(uploaded.status, 200, "{:?}", uploaded.json());
    let id = uploaded.json()["data"]["id"].clone();
    let body = json!({ "text": "【広聴広報課】申込は画像のコードから。", "media": { "media_ids": [id] } });
    let send = post(&town.nerima(), "api.x.com", "/2/tweets", &[], &body).await;
    assert_eq!(send.header("sekisho-decision"), "held", "{:?}", send.json());
    assert_eq!(town.provider.site_visits().len(), 0);
    // Approved unseen, the entry says nothing of links.
    let path = format!("/api/v1/tickets/{}", send.header("sekisho-ticket"));
    let shown = town.console("demo-nerima-clerk", Method::GET, &path, None).await.json();
    let link = &shown["links"]["links"][0];
    assert_eq!(
        (&link["url"], &link["landing"]),
        (&json!("https://www.city.example/qr"), &json!("www.city.example")),
        "{shown}"
    );
    assert!(link["at"].as_str().unwrap().starts_with("media:"), "{link}");
    approve(&town, &send).await;
    assert_eq!(town.last_entry()["links_seen"], Value::Null, "somebody else saw them");
}
