//! Which host, method and path: everything that no definition describes.

use super::*;

pub(super) fn endpoints() -> Vec<Case> {
    let named = [
        ("POST", "/x/1.1/statuses/update.json"),
        ("POST", "/x/1.1/statuses/update_with_media.json"),
        ("POST", "/x/1.1/statuses/retweet/1.json"),
        ("POST", "/x/1.1/statuses/destroy/1.json"),
        ("POST", "/x/1.1/direct_messages/events/new.json"),
        ("POST", "/x/1.1/account/update_profile.json"),
        ("POST", "/x/1.1/collections/create.json"),
        ("POST", "/x/1.1/favorites/create.json"),
    ];
    let unknown = [
        ("PUT", "/x/2/tweets"),
        ("PATCH", "/x/2/tweets"),
        ("OPTIONS", "/x/2/tweets"),
        ("POST", "/x/2/tweets/1"),
        ("POST", "/x/1/tweets"),
        ("POST", "/x/3/tweets"),
        ("POST", "/x/v2/tweets"),
        ("POST", "/x/tweets"),
        ("POST", "/x/labs/1/tweets"),
        ("POST", "/x/i/api/graphql/abc/CreateTweet"),
        ("POST", "/x/graphql/abc/CreateTweet"),
        ("POST", "/x/12/accounts/1/tweet"),
        ("POST", "/x/12/accounts/1/scheduled_tweets"),
        ("POST", "/x/2/compliance/jobs"),
        ("POST", "/upload.x.com/2/tweets/1"),
        ("POST", "/api-data.line.me/v2/bot/message/broadcast"),
        ("POST", "/line/bot/message/broadcast"),
        ("POST", "/line/v1/bot/message/broadcast"),
        ("POST", "/line/v3/bot/message/broadcast"),
        ("POST", "/line/v2/bot/message/broadcast2"),
        ("PUT", "/line/v2/bot/message/broadcast"),
        ("POST", "/line/v2/bot/message"),
        ("POST", "/line/v2/bot/voom/post"),
    ];
    let mut cases: Vec<Case> = unknown
        .iter()
        .map(|(method, target)| {
            let bytes = request(method, target, "gw", JSON, words(HEALTH).as_bytes());
            plain(format!("{method} {target}"), bytes, Want::Entry("unknown-route"))
        })
        .collect();
    for (method, target) in named {
        let bytes = request(method, target, "gw", JSON, words(HEALTH).as_bytes());
        cases.push(plain(target, bytes, Want::Entry("closed-at-provider")));
    }
    for (target, code) in [
        ("/x/2/notes", "not-understood-yet"),
        ("/x/2/articles/draft", "not-understood-yet"),
        ("/x/2/articles/1/publish", "not-understood-yet"),
        ("/x/2/broadcasts/scheduled", "not-understood-yet"),
        ("/x/2/broadcasts/1/chat", "not-understood-yet"),
        ("/x/2/chat/conversations/1/messages", "cannot-inspect"),
        ("/x/2/chat/media/upload/initialize", "cannot-inspect"),
        ("/line/v2/bot/richmenu/batch", "not-understood-yet"),
        ("/line/liff/v1/apps", "project-missing"),
        ("/line/liff/v1/apps/1", "not-understood-yet"),
        ("/line/shop/v3/mission", "not-understood-yet"),
        ("/line/v2/bot/audienceGroup/upload", "personal-data"),
    ] {
        cases.push(plain(target, post(target, "", "{}"), Want::Entry(code)));
    }
    for target in [
        "/ads-api.x.com/12/accounts/1/tweet",
        "/x.com/i/api/graphql/abc/CreateTweet",
        "/api.x.com.evil.example/2/tweets",
        "/evil.example/2/tweets",
        "/graph.example.com/v26.0/me/feed",
        "/127.0.0.1/2/tweets",
        "/[::1]/2/tweets",
        "/api.x.com:443/2/tweets",
        "/API.X.COM/2/tweets",
        "/api.x.com./2/tweets",
        "/X/2/tweets",
        "/emergency/emergency/x/2/tweets",
        "/2/tweets",
    ] {
        let code = if target.contains('[') { "path-not-allowed" } else { "unknown-path" };
        cases.push(plain(target, post(target, "", &words(HEALTH)), Want::Door(code)));
    }
    cases
}

pub(super) fn paths() -> Vec<Case> {
    let door = [
        "//2/tweets",
        "/2//tweets",
        "/2/tweets//",
        "/./2/tweets",
        "/2/./tweets",
        "/2/tweets/.",
        "/2/tweets/..",
        "/2/x/../tweets",
        "/../2/tweets",
        "/%2e/2/tweets",
        "/2/%2e%2e/2/tweets",
        "/2/%2E/tweets",
        "/2%2ftweets",
        "/2%2Ftweets",
        "/2%5ctweets",
        "/2/tweets%00",
        "/2/tweets%00.json",
        "/2/tweets%252e",
        "/2%252ftweets",
        "/2/tweets%0d%0ax",
        "/2/tweets%3bp=1",
        "/2/tweets%7f",
        "/2/tweets;p",
        "/2;p/tweets",
    ];
    let target = [
        "/2\\tweets",
        "/2/tweets#x",
        "/2/tweets\"",
        "/2/tweets%",
        "/2/tweets%zz",
        "/2/tweets%u0041",
        "/２/tweets",
        "/2/tweets\u{200b}",
    ];
    let shape = [
        "/2/tweet%73",
        "/%32/tweets",
        "/2/tweets%20",
        "/2/tweets+",
        "/2/tweets%E2%80%8B",
        "/2/%EF%BC%B4weets",
        "/2/tweets,",
        "/2/tweets@x",
    ];
    let route = [
        "/2/tweets/",
        "/2/tweets.json",
        "/2/Tweets",
        "/2/TWEETS",
        "/2/tweets.",
        "/2/tweets~",
        "/2/tweets:publish",
        "/02/tweets",
    ];
    let mut cases = Vec::new();
    let all = [
        (&door[..], Want::Door("path-not-allowed")),
        (&target[..], Want::Door("bad-target")),
        (&shape[..], Want::Entry("path-shape")),
        (&route[..], Want::Entry("unknown-route")),
    ];
    for (paths, want) in all {
        for path in paths {
            let by_path = post(&format!("/x{path}"), "", &words(HEALTH));
            cases.push(plain(format!("/x{path}"), by_path, want.clone()));
            let inside = request("POST", path, "api.x.com", JSON, words(HEALTH).as_bytes());
            cases.push(tunnel(*path, inside, want.clone()));
        }
    }
    for (query, code) in [
        ("?text=other", "unknown-query"),
        ("?media_ids=1", "unknown-query"),
        ("?_method=DELETE", "method-override"),
        ("?x-http-method-override=PUT", "method-override"),
        ("?a", "query-shape"),
        ("?a=1;b=2", "query-shape"),
        ("?a=%ff", "query-shape"),
        ("?a=1&a=2", "query-shape"),
    ] {
        let bytes = post(&format!("/x/2/tweets{query}"), "", &words(HEALTH));
        cases.push(plain(query, bytes, Want::Entry(code)));
    }
    let empty = post("/x/2/tweets?", "", &words(HEALTH));
    cases.push(plain("control: an empty query", empty, Want::Passes(approved())));
    cases
}
