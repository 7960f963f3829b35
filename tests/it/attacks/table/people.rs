//! What stands beside the text, who asks, and LINE.

use super::*;

pub(super) fn sides() -> Vec<Case> {
    let side = |field: &str, value: Value| json!({ "text": HEALTH, field: value }).to_string();
    let mut cases = Vec::new();
    for (name, body, code) in [
        ("poll", side("poll", json!({ "options": ["はい", "いいえ"], "duration_minutes": 60 })), "approval-missing"),
        ("card", side("card_uri", json!("card://1")), "media-url-hidden"),
        (
            "link to a direct message",
            side("direct_message_deep_link", json!("https://x.com/messages/compose?recipient_id=1")),
            "approval-missing",
        ),
        ("a shortener there", side("direct_message_deep_link", json!("https://bit.ly/3abc")), "shortened-link"),
        ("place", side("geo", json!({ "place_id": "1" })), "approval-missing"),
        ("reply settings", side("reply_settings", json!("mentionedUsers")), "approval-missing"),
        ("super followers", side("for_super_followers_only", json!(true)), "approval-missing"),
        ("community", side("community_id", json!("1")), "approval-missing"),
        ("nullcast", side("nullcast", json!(true)), "approval-missing"),
        ("paid partnership", side("paid_partnership", json!(true)), "approval-missing"),
        ("made with AI", side("made_with_ai", json!(true)), "approval-missing"),
        ("tagged users", side("media", json!({ "tagged_user_ids": ["1"] })), "approval-missing"),
        ("media never seen", side("media", json!({ "media_ids": ["1"] })), "unknown-media"),
        ("edit", side("edit_options", json!({ "previous_post_id": "1" })), "approval-missing"),
        ("unknown field", side("alt_text", json!("別の文")), "unmapped-fields"),
        ("unknown object", side("attachment", json!({ "url": "https://example.com/" })), "unmapped-fields"),
        (
            "a shortener in an unknown field",
            side("attachment", json!({ "url": "https://bit.ly/3abc" })),
            "shortened-link",
        ),
        ("null", side("quote_tweet_id", Value::Null), "unmapped-fields"),
    ] {
        cases.push(plain(name, post("/x/2/tweets", "", &body), Want::Entry(code)));
    }
    for (name, body) in [
        ("quote", side("quote_tweet_id", json!("1"))),
        ("reply", side("reply", json!({ "in_reply_to_tweet_id": "1" }))),
        (
            "quote and reply",
            json!({ "text": HEALTH, "quote_tweet_id": "1", "reply": { "in_reply_to_tweet_id": "1" } }).to_string(),
        ),
    ] {
        cases.push(plain(name, post("/x/2/tweets", "", &body), Want::Refused));
    }
    let changed = |from: &str, to: &str| words(&HEALTH.replace(from, to));
    for (name, body) in [
        ("one character", changed("10時", "11時")),
        ("a space more", changed("10時", "10時 ")),
        ("full width", changed("10時", "１０時")),
        ("zero width", changed("10時", "10\u{200b}時")),
        ("bidi", changed("10時", "\u{202e}10時")),
        ("a tag character", changed("10時", "10時\u{e0041}")),
        ("a variation selector", changed("【健", "【健\u{fe0f}")),
        ("a line more", format!("{{\"text\":{}}}", json!(format!("{HEALTH}\n")))),
    ] {
        cases.push(plain(format!("text: {name}"), post("/x/2/tweets", "", &body), Want::Refused));
    }
    cases
}

pub(super) fn scopes() -> Vec<Case> {
    let body = words(HEALTH);
    let n = body.len();
    let bare = |lines: &str| {
        let head = format!(
            "POST /x/2/tweets HTTP/1.1\r\nhost: gw\r\n{lines}{JSON}content-length: {n}\r\nconnection: close\r\n\r\n"
        );
        [head.as_bytes(), body.as_bytes()].concat()
    };
    let mut cases = Vec::new();
    // Nobody is known, so the entry stands in the gateway's own log, not in a body's.
    for (name, lines) in [
        ("no key", "authorization: Bearer practice-credential\r\n".to_owned()),
        ("a wrong key", "sekisho-client: wrong\r\n".to_owned()),
        ("an empty key", "sekisho-client:\r\n".to_owned()),
        ("two keys", format!("{}sekisho-client: {NAGANO_TOOL_KEY}\r\n", identity())),
        ("a key beside another", format!("{}proxy-authorization: Bearer {NAGANO_TOOL_KEY}\r\n", identity())),
        ("digest", "proxy-authorization: Digest x\r\n".to_owned()),
        ("basic that is no base64", "proxy-authorization: Basic !!\r\n".to_owned()),
    ] {
        cases.push(plain(name, bare(&lines), Want::Stranger));
    }
    let with = |more: &str| post("/x/2/tweets", more, &body);
    for (name, more, code) in [
        ("another body's account", "sekisho-account: nagano-x\r\n", "account-out-of-scope"),
        ("another section's account", "sekisho-account: nerima-library-x\r\n", "account-out-of-scope"),
        ("an account of another provider", "sekisho-account: nerima-line\r\n", "account-unknown"),
        ("an account of nobody", "sekisho-account: nobody\r\n", "account-unknown"),
        ("an empty account", "sekisho-account:\r\n", "account-unknown"),
        ("two accounts", "sekisho-account: nerima-x\r\nsekisho-account: nagano-x\r\n", "account-ambiguous"),
        ("emergency without a declaration", "sekisho-emergency: 1\r\n", "no-open-emergency"),
        ("emergency: false", "sekisho-emergency: false\r\n", "no-open-emergency"),
        ("an exemption of nobody", "sekisho-exemption: yes\r\n", "unknown-exemption"),
        ("an exemption by emergency", "sekisho-exemption: emergency\r\n", "no-open-emergency"),
        (
            "a category of nobody",
            "sekisho-exemption: operating-policy\r\nsekisho-category: anything\r\n",
            "category-not-in-policy",
        ),
        ("an exemption without a category", "sekisho-exemption: operating-policy\r\n", "category-not-in-policy"),
        ("a template that does not fit", "sekisho-exemption: weather-event\r\n", "template-does-not-fit"),
        ("a template of nobody", "sekisho-exemption: weather-event:none\r\n", "unknown-template"),
        ("an approval that is none", "sekisho-approval: x\r\n", "approval-malformed"),
        ("an empty approval", "sekisho-approval:\r\n", "approval-malformed"),
        ("two approvals", "sekisho-approval: x\r\nsekisho-approval: x\r\n", "approval-malformed"),
        ("a reason that is no UTF-8", "sekisho-reason: \u{e9}\r\n", ""),
        ("two categories", "sekisho-category: a\r\nsekisho-category: b\r\n", "header-unreadable"),
        ("two user agents", "user-agent: a\r\nuser-agent: b\r\n", "header-repeated"),
    ] {
        let want = if code.is_empty() { Want::Passes(approved()) } else { Want::Entry(code) };
        cases.push(plain(name, with(more), want));
    }
    cases.push(plain(
        "the emergency door without a declaration",
        post("/emergency/x/2/tweets", "", &body),
        Want::Entry("no-open-emergency"),
    ));
    cases.push(plain("control: a named account", with("sekisho-account: nerima-x\r\n"), Want::Passes(approved())));
    // A credential that the gate cannot read may still be read by the provider.
    for (name, line) in [
        ("a tab for the space", "Bearer\tpractice-credential"),
        ("an unknown scheme", "Basic cHJhY3RpY2U6Y3JlZGVudGlhbA=="),
        ("no scheme", "practice-credential"),
        ("bytes beyond ASCII", "Bearer \u{e9}"),
        ("a token with a comma", "Bearer a, Bearer b"),
        ("an empty token", "Bearer"),
        ("OAuth with two tokens", "OAuth oauth_token=\"a\", oauth_token=\"b\""),
        ("OAuth with an escaped name", "OAuth oauth_token=\"a\", oauth%5Ftoken=\"b\""),
        ("OAuth with a tab", "OAuth\toauth_token=\"a\""),
        ("OAuth without quotes", "OAuth oauth_token=a"),
        ("OAuth with a space in the name", "OAuth oauth_token=\"a\", oauth_token =\"b\""),
        ("OAuth without a token", "OAuth oauth_consumer_key=\"k\""),
    ] {
        let lines = format!("sekisho-client: {}\r\nauthorization: {line}\r\n", sekisho::demo::town::TOOL_KEY);
        // At a reverse door no OAuth 1.0a passes at all; in a tunnel its token must be readable.
        let head = format!(
            "POST /2/tweets HTTP/1.1\r\nhost: api.x.com\r\n{lines}{JSON}content-length: {n}\r\nconnection: close\r\n\r\n"
        );
        let bytes = [head.as_bytes(), body.as_bytes()].concat();
        cases.push(tunnel(format!("credential: {name}"), bytes, Want::Entry("credential-unreadable")));
    }
    cases
}

pub(super) fn line() -> Vec<Case> {
    let good = broadcast(HEALTH);
    let message = |target: &str, body: &str| post(&format!("/line{target}"), "", body);
    let control = |name: &str, more: &str| {
        plain(
            name,
            post("/line/v2/bot/message/broadcast", more, &good),
            Want::Passes(serde_json::from_str(&good).unwrap()),
        )
    };
    let mut cases = vec![control("control: the approved broadcast", "")];
    let bubble = |text: &str| {
        json!({ "messages": [{ "type": "flex", "altText": "案内", "contents": { "type": "bubble", "body": {
        "type": "box", "layout": "vertical", "contents": [{ "type": "text", "contents": [{ "type": "span", "text": text }] }] } } }] }).to_string()
    };
    let action = |uri: &str| {
        json!({ "messages": [{ "type": "text", "text": HEALTH, "quickReply": { "items": [{ "type": "action",
        "action": { "type": "uri", "label": "詳細", "uri": uri } }] } }] })
        .to_string()
    };
    let to = |to: Value| json!({ "to": to, "messages": [{ "type": "text", "text": HEALTH }] }).to_string();
    for (name, target, body, code) in [
        ("push", "push", to(json!("U1")), ""),
        ("multicast", "multicast", to(json!(["U1", "U2"])), "approval-missing"),
        ("narrowcast", "narrowcast", good.clone(), "approval-missing"),
        ("narrowcast with a filter", "narrowcast", json!({ "messages": [{ "type": "text", "text": HEALTH }], "filter": { "demographic": {} } }).to_string(), "approval-missing"),
        ("reply", "reply", json!({ "replyToken": "t", "messages": [{ "type": "text", "text": HEALTH }] }).to_string(), ""),
        ("a second message", "broadcast", json!({ "messages": [{ "type": "text", "text": HEALTH }, { "type": "text", "text": "別" }] }).to_string(), "approval-missing"),
        ("another type", "broadcast", good.replace("\"type\":\"text\"", "\"type\":\"textV2\""), "approval-missing"),
        ("not notified", "broadcast", json!({ "messages": [{ "type": "text", "text": HEALTH }], "notificationDisabled": true }).to_string(), "approval-missing"),
        ("an emoji more", "broadcast", json!({ "messages": [{ "type": "text", "text": HEALTH, "emojis": [{ "index": 0, "productId": "1", "emojiId": "1" }] }] }).to_string(), "approval-missing"),
        ("another sender", "broadcast", json!({ "messages": [{ "type": "text", "text": HEALTH, "sender": { "name": "東京都" } }] }).to_string(), "approval-missing"),
        ("flex", "broadcast", bubble("こんにちは"), "approval-missing"),
        ("flex with a shortener", "broadcast", bubble("くわしくは https://bit.ly/3abc"), "shortened-link"),
        ("flex with a disguised shortener", "broadcast", bubble("https://ｂｉｔ。ｌｙ/3abc"), "shortened-link"),
        ("quick reply with a shortener", "broadcast", action("https://bit.ly/3abc"), "shortened-link"),
        ("quick reply", "broadcast", action("https://www.city.nerima.tokyo.jp/"), "approval-missing"),
        ("messages twice", "broadcast", format!("{{\"messages\":[],{}", &good[1..]), "json-repeated-key"),
        ("messages as text", "broadcast", json!({ "messages": HEALTH }).to_string(), "approval-missing"),
        ("no messages", "broadcast", "{}".to_owned(), "approval-missing"),
    ] {
        let want = if code.is_empty() { Want::Refused } else { Want::Entry(code) };
        cases.push(plain(name, message(&format!("/v2/bot/message/{target}"), &body), want));
    }
    for (name, method, target, body, code) in [
        ("rich menu of nobody", "POST", "/v2/bot/user/all/richmenu/richmenu-1", "", "unknown-media"),
        ("rich menu for one user", "POST", "/v2/bot/user/U1/richmenu/richmenu-1", "", "unknown-media"),
        (
            "rich menu alias",
            "POST",
            "/v2/bot/richmenu/alias",
            "{\"richMenuAliasId\":\"a\",\"richMenuId\":\"richmenu-1\"}",
            "unknown-media",
        ),
        ("rich menu removed", "DELETE", "/v2/bot/user/all/richmenu", "", "approval-missing"),
        (
            "webhook endpoint",
            "PUT",
            "/v2/bot/channel/webhook/endpoint",
            "{\"endpoint\":\"https://evil.example/\"}",
            "approval-missing",
        ),
        (
            "webhook endpoint behind a shortener",
            "PUT",
            "/v2/bot/channel/webhook/endpoint",
            "{\"endpoint\":\"https://bit.ly/3abc\"}",
            "shortened-link",
        ),
        ("leave a group", "POST", "/v2/bot/group/G1/leave", "", "approval-missing"),
        ("coupon", "POST", "/v2/bot/coupon", "{\"title\":\"割引\"}", "approval-missing"),
    ] {
        let kind = if body.is_empty() { "" } else { JSON };
        let bytes = request(method, &format!("/line{target}"), "gw", kind, body.as_bytes());
        cases.push(plain(name, bytes, Want::Entry(code)));
    }
    let key = "x-line-retry-key: 123e4567-e89b-12d3-a456-426614174000\r\n";
    cases.push(control("control: with a retry key", key));
    for (name, more) in [
        ("a retry key that is none", "x-line-retry-key: 別の文\r\n"),
        ("a retry key with words", "x-line-retry-key: 123e4567-e89b-12d3-a456-426614174000 x\r\n"),
    ] {
        cases.push(plain(name, post("/line/v2/bot/message/broadcast", more, &good), Want::Entry("field-shape")));
    }
    cases.push(plain(
        "two retry keys",
        post("/line/v2/bot/message/broadcast", &format!("{key}{key}"), &good),
        Want::Entry("field-twice"),
    ));
    cases.push(plain(
        "the retry key again, another body",
        post("/line/v2/bot/message/broadcast", key, &broadcast("別の文")),
        Want::Entry("approval-missing"),
    ));
    cases
}
