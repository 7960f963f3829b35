use http::HeaderValue;

use super::*;
use crate::domain::action::Action;
use crate::domain::ports::Hosts;

fn definitions() -> Definitions {
    Definitions::built_in().unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn ask(definitions: &Definitions, line: &str) -> Result<Recognised, Refusal> {
    let (method, rest) = line.split_once(' ').unwrap();
    let (host, rest) = rest.split_once('/').unwrap();
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let method = Method::from_bytes(method.as_bytes()).unwrap_or_else(|_| panic!("{method}"));
    recognise(definitions, host, &method, &format!("/{path}"), query, &HeaderMap::new())
}

#[test]
fn every_described_request_to_x_has_its_action() {
    let cases = [
        ("POST api.x.com/2/tweets", Action::Publish),
        ("POST api.twitter.com/2/tweets", Action::Publish),
        ("DELETE api.x.com/2/tweets/12", Action::Delete),
        ("PUT api.x.com/2/tweets/12/hidden", Action::Other),
        ("POST api.x.com/2/users/1/retweets", Action::Repost),
        ("DELETE api.x.com/2/users/1/retweets/2", Action::Delete),
        ("POST api.x.com/2/users/1/likes", Action::Like),
        ("DELETE api.x.com/2/users/1/likes/2", Action::Like),
        ("POST api.x.com/2/users/1/bookmarks", Action::Like),
        ("DELETE api.x.com/2/users/1/bookmarks/2", Action::Like),
        ("POST api.x.com/2/users/1/following", Action::Follow),
        ("DELETE api.x.com/2/users/1/following/2", Action::Follow),
        ("POST api.x.com/2/users/1/muting", Action::Other),
        ("DELETE api.x.com/2/users/1/muting/2", Action::Other),
        ("POST api.x.com/2/dm_conversations", Action::DirectMessage),
        ("POST api.x.com/2/dm_conversations/1-2/messages", Action::DirectMessage),
        ("POST api.x.com/2/dm_conversations/with/2/messages", Action::DirectMessage),
        ("DELETE api.x.com/2/dm_events/3", Action::Delete),
        ("POST api.x.com/2/lists", Action::Profile),
        ("PUT api.x.com/2/lists/3", Action::Profile),
        ("DELETE api.x.com/2/lists/3", Action::Delete),
        ("POST api.x.com/2/media/upload", Action::Upload),
        ("POST api.x.com/2/media/upload?command=FINALIZE&media_id=1", Action::Upload),
        ("POST api.x.com/2/media/upload/initialize", Action::Upload),
        ("POST api.x.com/2/media/upload/1/append", Action::Upload),
        ("POST api.x.com/2/media/upload/1/finalize", Action::Upload),
        ("GET api.x.com/2/media/upload?command=STATUS&media_id=1", Action::Read),
        ("POST upload.twitter.com/1.1/media/upload.json", Action::Upload),
        ("POST upload.x.com/1.1/media/upload.json?command=INIT&total_bytes=1", Action::Upload),
        ("POST api.x.com/2/media/metadata", Action::Upload),
        ("POST upload.twitter.com/1.1/media/metadata/create.json", Action::Upload),
        ("POST api.x.com/2/media/subtitles", Action::Edit),
        ("DELETE api.x.com/2/media/subtitles", Action::Delete),
        ("POST api.x.com/2/oauth2/token", Action::SignIn),
        ("POST api.x.com/oauth2/token", Action::SignIn),
        ("POST api.twitter.com/oauth/access_token", Action::SignIn),
        ("GET api.x.com/2/users/me?user.fields=name", Action::Read),
        ("GET api.x.com/2/users/12", Action::Read),
        ("GET api.x.com/2/users/by/username/city_nerima", Action::Read),
        ("GET api.x.com/2/tweets?ids=1,2", Action::Read),
        ("GET api.x.com/2/tweets/search/recent?query=%E7%B7%B4%E9%A6%AC", Action::Read),
    ];
    each_has_its_action(&cases);
}

#[test]
fn every_described_request_to_line_has_its_action() {
    let cases = [
        ("POST api.line.me/v2/bot/message/broadcast", Action::Publish),
        ("POST api.line.me/v2/bot/message/multicast", Action::Publish),
        ("POST api.line.me/v2/bot/message/narrowcast", Action::Publish),
        ("POST api.line.me/v2/bot/message/push", Action::DirectMessage),
        ("POST api.line.me/v2/bot/message/reply", Action::DirectMessage),
        ("POST api.line.me/bot/pnp/push", Action::DirectMessage),
        ("POST api.line.me/v2/bot/message/pnp/templated/push", Action::DirectMessage),
        ("POST api.line.me/v2/bot/message/validate/broadcast", Action::Read),
        ("POST api.line.me/v2/bot/richmenu", Action::Profile),
        ("POST api-data.line.me/v2/bot/richmenu/richmenu-1/content", Action::Upload),
        ("POST api.line.me/v2/bot/user/all/richmenu/richmenu-1", Action::Profile),
        ("POST api.line.me/v2/bot/user/U12/richmenu/richmenu-1", Action::Profile),
        ("POST api.line.me/v2/bot/richmenu/bulk/link", Action::Profile),
        ("DELETE api.line.me/v2/bot/richmenu/richmenu-1", Action::Delete),
        ("POST api.line.me/v2/bot/richmenu/alias", Action::Profile),
        ("POST api.line.me/v2/bot/coupon", Action::Publish),
        ("PUT api.line.me/v2/bot/coupon/1/close", Action::Delete),
        ("POST api.line.me/v2/bot/chat/loading/start", Action::Other),
        ("POST api.line.me/v2/bot/chat/markAsRead", Action::Other),
        ("POST api.line.me/v2/bot/group/C1/leave", Action::Other),
        ("PUT api.line.me/v2/bot/channel/webhook/endpoint", Action::Profile),
        ("POST api.line.me/v2/oauth/accessToken", Action::SignIn),
        ("POST api.line.me/oauth2/v2.1/token", Action::SignIn),
        ("GET api.line.me/v2/bot/info", Action::Read),
        ("GET api.line.me/v2/bot/message/delivery/push?date=20261122", Action::Read),
        ("GET api.line.me/v2/bot/richmenu/list", Action::Read),
        ("GET api.line.me/v2/bot/insight/followers?date=20261122", Action::Read),
    ];
    each_has_its_action(&cases);
}

#[test]
fn every_described_request_to_meta_has_its_action() {
    let cases = [
        ("POST graph.threads.net/v1.0/1/threads?text=a&access_token=b", Action::Publish),
        ("POST graph.threads.com/me/threads", Action::Publish),
        ("POST graph.threads.net/me/threads_publish?creation_id=1", Action::Publish),
        ("POST graph.threads.net/v1.0/12/repost", Action::Repost),
        ("POST graph.threads.net/v1.0/12/manage_reply", Action::Other),
        ("POST graph.threads.net/v1.0/12/manage_pending_reply", Action::Other),
        ("DELETE graph.threads.net/v1.0/12?access_token=a", Action::Delete),
        ("POST graph.threads.net/oauth/access_token", Action::SignIn),
        ("GET graph.threads.net/access_token?grant_type=th_exchange_token&client_secret=a", Action::SignIn),
        ("GET graph.threads.net/refresh_access_token?grant_type=th_refresh_token", Action::SignIn),
        ("GET graph.threads.net/v1.0/me?fields=id", Action::Read),
        ("GET graph.threads.net/v1.0/12?fields=status", Action::Read),
        ("GET graph.threads.net/v1.0/12/insights?metric=views", Action::Read),
        ("GET graph.threads.net/v1.0/keyword_search?q=a", Action::Read),
        ("POST graph.instagram.com/v26.0/1/media?caption=a&image_url=b", Action::Publish),
        ("POST graph.instagram.com/v26.0/1/media_publish", Action::Publish),
        ("POST graph.instagram.com/v26.0/1/comments", Action::Reply),
        ("POST graph.instagram.com/v26.0/1/replies", Action::Reply),
        ("POST graph.instagram.com/v26.0/1/mentions", Action::Reply),
        ("POST graph.instagram.com/v26.0/1?hide=true", Action::Other),
        ("POST graph.instagram.com/v26.0/me/messages", Action::DirectMessage),
        ("DELETE graph.instagram.com/v26.0/1", Action::Delete),
        ("GET graph.instagram.com/v26.0/1/content_publishing_limit?fields=config", Action::Read),
        ("POST api.instagram.com/oauth/access_token", Action::SignIn),
        ("POST graph.facebook.com/v26.0/17841/media", Action::Publish),
        ("POST graph.facebook.com/v26.0/17841/media_publish", Action::Publish),
        ("POST graph.facebook.com/v26.0/1/feed?message=a&attached_media[0]=b", Action::Publish),
        ("POST graph.facebook.com/v2.8/me/photos", Action::Publish),
        ("POST graph-video.facebook.com/v26.0/1/videos", Action::Publish),
        ("POST graph.facebook.com/v26.0/1/photo_stories", Action::Publish),
        ("POST graph.facebook.com/v26.0/1_2/", Action::Edit),
        ("POST graph.facebook.com/v26.0/1_2/comments", Action::Reply),
        ("POST graph.facebook.com/v26.0/1/albums", Action::Publish),
        ("POST graph.facebook.com/v26.0/1_2/likes", Action::Like),
        ("DELETE graph.facebook.com/v26.0/1_2/reactions", Action::Like),
        ("POST graph.facebook.com/v26.0/me/messages", Action::DirectMessage),
        ("POST graph.facebook.com/v26.0/1_2/private_replies", Action::DirectMessage),
        ("POST graph.facebook.com/v26.0/1/picture", Action::Profile),
        ("POST graph.facebook.com/v26.0/1/settings", Action::Profile),
        ("POST graph.facebook.com/v26.0/1/call_to_actions", Action::Profile),
        ("DELETE graph.facebook.com/v26.0/1_2/", Action::Delete),
        ("POST graph.facebook.com/1_2?method=delete", Action::Delete),
        ("GET graph.facebook.com/v26.0/oauth/access_token?grant_type=fb_exchange_token", Action::SignIn),
        ("GET graph.facebook.com/v26.0/me/accounts?fields=id", Action::Read),
        ("GET graph.facebook.com/v26.0/1_2?fields=message", Action::Read),
    ];
    each_has_its_action(&cases);
}

#[test]
fn a_request_that_asks_to_be_taken_for_another_method_is_taken_for_it() {
    let definitions = definitions();
    let cases = [
        ("POST graph.threads.net/v1.0/12?method=delete", Action::Delete, Method::DELETE),
        ("GET graph.threads.net/v1.0/12?method=DELETE", Action::Delete, Method::DELETE),
        ("GET graph.threads.net/me/threads?method=post&text=a", Action::Publish, Method::POST),
        ("POST graph.instagram.com/v26.0/1?method=get", Action::Read, Method::GET),
        ("DELETE graph.instagram.com/v26.0/1?method=delete", Action::Delete, Method::DELETE),
    ];
    for (line, action, method) in cases {
        let found = ask(&definitions, line).unwrap_or_else(|refusal| panic!("{line}: {}", refusal.code));
        assert_eq!((found.route.action, &found.method), (action, &method), "{line}");
        assert!(found.query.iter().all(|(key, _)| key != "method"), "{line}: what leaves asks for nothing else");
    }
    let refused = [
        "POST graph.threads.net/v1.0/12?method=post&_method=delete",
        "POST graph.threads.net/v1.0/12?method=delete&method=post",
        "POST graph.threads.net/v1.0/12?method=purge",
        "POST graph.threads.net/v1.0/12?method=",
        "GET api.x.com/2/users/me?_method=delete",
    ];
    for line in refused {
        assert_eq!(ask(&definitions, line).unwrap_err().code, "method-override", "{line}");
    }
    // A GET that is a POST is no read, and a POST that nobody described stays unknown.
    assert_eq!(ask(&definitions, "GET graph.threads.net/v1.0/12?method=post").unwrap_err().code, "unknown-route");
    let mut headers = HeaderMap::new();
    headers.insert("x-http-method-override", HeaderValue::from_static("DELETE"));
    let asked = |host| recognise(&definitions, host, &Method::POST, "/v1.0/12", None, &headers);
    assert_eq!(asked("graph.threads.net").unwrap().method, Method::DELETE);
    assert_eq!(asked("api.x.com").unwrap_err().code, "method-override");
}

fn each_has_its_action(cases: &[(&str, Action)]) {
    let definitions = definitions();
    for (line, action) in cases {
        let found = ask(&definitions, line).unwrap_or_else(|refusal| panic!("{line}: {}", refusal.code));
        assert_eq!(found.route.action, *action, "{line}");
    }
}

#[test]
fn every_described_request_to_youtube_has_its_action() {
    let cases = [
        (
            "POST youtube.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status",
            Action::Publish,
        ),
        (
            "POST www.googleapis.com/resumable/upload/youtube/v3/videos?uploadType=multipart&part=snippet",
            Action::Publish,
        ),
        ("PUT youtube.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&upload_id=a", Action::Upload),
        ("PUT www.googleapis.com/youtube/v3/videos?part=snippet&part=status", Action::Edit),
        ("DELETE youtube.mtls.googleapis.com/youtube/v3/videos?id=a", Action::Delete),
        ("POST youtube.googleapis.com/youtube/v3/videos/rate?id=a&rating=like", Action::Like),
        ("POST youtube.googleapis.com/upload/youtube/v3/thumbnails/set?videoId=a&uploadType=media", Action::Edit),
        ("POST youtube.googleapis.com/upload/youtube/v3/captions?part=snippet&uploadType=multipart", Action::Edit),
        ("POST youtube.googleapis.com/youtube/v3/commentThreads?part=snippet", Action::Reply),
        ("POST youtube.googleapis.com/youtube/v3/comments?part=snippet", Action::Reply),
        ("PUT youtube.googleapis.com/youtube/v3/comments?part=snippet", Action::Edit),
        (
            "POST youtube.googleapis.com/youtube/v3/comments/setModerationStatus?id=a&moderationStatus=rejected",
            Action::Other,
        ),
        ("POST youtube.googleapis.com/youtube/v3/playlists?part=snippet", Action::Publish),
        ("PUT youtube.googleapis.com/youtube/v3/channels?part=brandingSettings", Action::Profile),
        ("POST youtube.googleapis.com/upload/youtube/v3/channelBanners/insert?uploadType=media", Action::Upload),
        ("POST youtube.googleapis.com/youtube/v3/liveBroadcasts?part=snippet", Action::Publish),
        (
            "POST youtube.googleapis.com/youtube/v3/liveBroadcasts/transition?id=a&broadcastStatus=live&part=id",
            Action::Other,
        ),
        ("POST youtube.googleapis.com/youtube/v3/liveChat/messages?part=snippet", Action::Reply),
        ("POST youtube.googleapis.com/youtube/v3/subscriptions?part=snippet", Action::Follow),
        ("POST oauth2.googleapis.com/token", Action::SignIn),
        ("POST accounts.google.com/o/oauth2/token", Action::SignIn),
        ("GET www.googleapis.com/youtube/v3/channels?part=id&mine=true&alt=json", Action::Read),
    ];
    each_has_its_action(&cases);
    let definitions = definitions();
    for line in ["POST youtube.googleapis.com/batch", "POST www.googleapis.com/batch/youtube/v3"] {
        assert!(ask(&definitions, line).unwrap().route.batch.is_some(), "{line}");
    }
    for line in ["POST accounts.google.com/youtube/v3/comments?part=snippet", "GET www.googleapis.com/drive/v3/files"] {
        assert_eq!(ask(&definitions, line).unwrap_err().code, "unknown-route", "{line}");
    }
}

#[test]
fn known_routes_are_refused_by_name() {
    let definitions = definitions();
    let cases = [
        ("POST api.x.com/2/chat/conversations/1/messages", "cannot-inspect"),
        ("POST api.x.com/2/chat/media/upload/initialize", "cannot-inspect"),
        ("POST graph.facebook.com/v26.0/1/live_videos", "cannot-inspect"),
        ("POST graph.facebook.com/v26.0/1/instruments", "crash-report"),
        ("POST graph.facebook.com/v26.0/upload:abc", "not-understood-yet"),
        ("POST api.x.com/2/articles/draft", "not-understood-yet"),
        ("POST api.x.com/2/articles/1/publish", "not-understood-yet"),
        ("POST api.x.com/2/broadcasts/scheduled", "not-understood-yet"),
        ("POST api.x.com/2/notes", "not-understood-yet"),
        ("POST api.twitter.com/1.1/statuses/update.json", "closed-at-provider"),
        ("POST api.twitter.com/1.1/statuses/update.json?status=hello", "closed-at-provider"),
        ("POST api.twitter.com/1.1/statuses/retweet/12.json", "closed-at-provider"),
        ("POST api.twitter.com/1.1/statuses/destroy/12.json", "closed-at-provider"),
        ("POST api.twitter.com/1.1/favorites/create.json", "closed-at-provider"),
        ("POST api.twitter.com/1.1/friendships/create.json", "closed-at-provider"),
        ("POST api.twitter.com/1.1/direct_messages/events/new.json", "closed-at-provider"),
        ("POST api.twitter.com/1.1/account/update_profile.json", "closed-at-provider"),
        ("GET api.line.me/v2/bot/followers/ids", "personal-data"),
        ("POST api.line.me/v2/bot/audienceGroup/upload", "personal-data"),
        ("PUT api-data.line.me/v2/bot/audienceGroup/upload/byFile", "personal-data"),
        ("POST api.line.me/v2/bot/richmenu/batch", "not-understood-yet"),
        ("POST api.line.me/liff/v1/apps/1", "not-understood-yet"),
    ];
    for (line, code) in cases {
        let refusal = ask(&definitions, line).unwrap_err();
        assert_eq!(refusal.code, code, "{line}");
        assert!(refusal.sentence.contains(line.split(' ').next().unwrap()), "{}", refusal.sentence);
    }
}

#[test]
fn what_nobody_described_is_refused() {
    let definitions = definitions();
    let cases = [
        "POST api.x.com/2/tweets/12",
        "PATCH api.x.com/2/tweets/12",
        "PUT api.x.com/2/tweets",
        "POST api.x.com/3/tweets",
        "POST api.x.com/1.1/statuses",
        "POST api.x.com/tweets",
        "POST api.x.com/2/tweet",
        "POST api.x.com/2/Tweets",
        "POST api.x.com/2/tweets.json",
        "POST api.x.com/2/tweets/",
        "POST api.x.com/",
        "POST api.x.com/graphql/abc/CreateTweet",
        "POST api.x.com/i/api/graphql",
        "POST api.x.com/2/users/me/likes",
        "POST api.x.com/2/users/1/blocking",
        "GET api.x.com/2/users/1/followers",
        "GET api.x.com/1.1/account/verify_credentials.json",
        "POST api.x.com/2/batch",
        "POST api.x.com/1.1/media/upload.json",
        "DELETE api.x.com/2/tweets/me",
        "DELETE api.x.com/2/users/1/likes",
        "POST api.x.com/12/accounts/1/tweet",
        "POST api.x.com/2/compliance/jobs",
        "POST api.x.com/2/tweets/search/stream/rules",
        "POST api.x.com/2/media/upload/1/append/2",
        "POST api.line.me/v2/bot/message/broadcast2",
        "POST api.line.me/v3/bot/message/broadcast",
        "POST api.line.me/v2/bot/message",
        "POST api.line.me/bot/message/broadcast",
        "POST api-data.line.me/v2/bot/message/broadcast",
        "POST api.line.me/v2/bot/richmenu/richmenu-1/content",
        "GET api-data.line.me/v2/bot/message/1/content",
        "POST api.line.me/v2/bot/user/all/richmenu/menu-1",
        "GET api.line.me/v2/bot/profile/U1",
        "GET api.line.me/v2/bot/group/C1/members/ids",
        "POST api.line.me/v2/bot/user/U1/linkToken",
        "PUT api.line.me/v2/bot/message/broadcast",
    ];
    for line in cases {
        assert_eq!(ask(&definitions, line).unwrap_err().code, "unknown-route", "{line}");
    }
    for host in
        ["x.com", "ads-api.x.com", "api.x.com.", "api.x.com.evil.example", "API.X.COM", "manager.line.biz", "line.me"]
    {
        assert_eq!(ask(&definitions, &format!("POST {host}/2/tweets")).unwrap_err().code, "unknown-host", "{host}");
    }
}

#[test]
fn a_path_that_two_servers_could_read_differently_is_refused() {
    let definitions = definitions();
    let cases = [
        "/2//tweets",
        "//2/tweets",
        "/./2/tweets",
        "/2/../2/tweets",
        "/2/%74weets",
        "/2%2Ftweets",
        "/2/tweets;a=b",
        "/2\\tweets",
        "/2/tweets%00",
        "/2/tweets//",
        "/%2e%2e/2/tweets",
        "/2/tweets\u{ff0e}",
        "/2/\u{ff54}weets",
        "/2/tweets%20",
        "/2/tweets ",
        "2/tweets",
        "",
        "*",
        "//",
        "/2/users/a:b:c/likes",
    ];
    for path in cases {
        let refusal = recognise(&definitions, "api.x.com", &Method::POST, path, None, &HeaderMap::new()).unwrap_err();
        assert_eq!(refusal.code, "path-shape", "{path}");
    }
}

#[test]
fn queries_and_overrides_are_refused_unless_described() {
    let definitions = definitions();
    let cases = [
        ("POST api.x.com/2/tweets?text=hidden", "unknown-query"),
        ("POST api.x.com/2/tweets?_method=DELETE", "method-override"),
        ("POST api.x.com/2/tweets?$httpMethod=DELETE", "method-override"),
        ("GET api.x.com/2/tweets?ids=1&ids=2", "query-shape"),
        ("GET api.x.com/2/tweets?ids=1&i%64s=2", "query-shape"),
        ("GET api.x.com/2/tweets?ids=%zz", "query-shape"),
        ("GET api.x.com/2/tweets?ids=1;2", "query-shape"),
        ("GET api.x.com/2/tweets?ids", "query-shape"),
        ("GET api.x.com/2/tweets?ids[]=1", "unknown-query"),
        ("GET api.x.com/2/tweets?&ids=1", "query-shape"),
        ("GET api.x.com/2/tweets?access_token=a", "unknown-query"),
    ];
    for (line, code) in cases {
        assert_eq!(ask(&definitions, line).unwrap_err().code, code, "{line}");
    }
    for name in ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override"] {
        let mut headers = HeaderMap::new();
        headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("DELETE"));
        let refusal = recognise(&definitions, "api.x.com", &Method::POST, "/2/tweets", None, &headers).unwrap_err();
        assert_eq!(refusal.code, "method-override");
    }
}

#[test]
fn every_route_is_found_by_its_own_example_path() {
    let definitions = definitions();
    let mut routes = 0;
    for (definition, route) in definitions.routes() {
        let HostPattern::Exact(host) = &route.hosts[0] else { panic!("a definition's first host is one host") };
        // Two definitions may share a host.
        let mut tables = definitions.tables.all(host).iter();
        let table = tables.find(|table| table.definition.id == definition.id).unwrap();
        for method in &route.methods {
            let (found, ..) = table.find(method, host, &route.path.example()).unwrap().unwrap();
            assert_eq!(found.id, route.id, "{}", definition.id);
            routes += 1;
        }
    }
    assert!(routes > 120, "{routes}");
    assert!(definitions.is_provider_host("upload.twitter.com"));
    assert!(!definitions.is_provider_host("example.com"));
    assert_eq!(definitions.default_host("line").as_deref(), Some("api.line.me"));
    assert_eq!(definitions.host_patterns().len(), 25);
    assert_eq!(definitions.hash().len(), 64);
    assert_eq!(definitions.hash(), Definitions::built_in().unwrap().hash());
}

const HEAD: &str = r#"id = "t"
name = { ja = "試", en = "T" }
hosts = ["api.t.example"]
errors = "problem"
credential = ["bearer"]
headers = ["authorization"]
"#;

#[test]
fn a_wrong_definition_is_told_with_its_line() {
    let good = r#"[[routes]]
id = "post"
methods = ["POST"]
path = "/posts"
action = "publish"
body = ["json"]
fields = [{ at = "/text", role = "text" }]
"#;
    assert!(source::read(&format!("{HEAD}{good}"), None, &[]).is_ok());
    for example in ["'[{\"a\": 1}, {\"text\": 2}]'", "'{\"text\": \"\"}'"] {
        let text = good.replace("body =", &format!("example = {example}\nbody ="));
        assert!(source::read(&format!("{HEAD}{text}"), None, &[]).is_ok(), "{example}");
    }
    // Where keys nest, a form shows a pointer, too.
    let nested =
        good.replace("/text", "/poll/options/*").replace("body =", "example_form = 'poll[options][]=a'\nbody =");
    assert!(source::read(&format!("{HEAD}brackets = true\n{nested}"), None, &[]).is_ok());
    assert!(source::read(&format!("{HEAD}{nested}"), None, &[]).is_err());
    let other = |from: &str, to: &str| format!("{HEAD}{}", good.replace(from, to));
    let cases = [
        (other("body =", "bodies ="), 12, "unknown field"),
        (other("\"text\" }", "\"texte\" }"), 13, "there is no role"),
        (other("role = \"text\"", "role = \"opaque\""), 7, "needs a field with a text"),
        (other("\"/posts\"", "\"/po%73ts\""), 7, "can never match"),
        (other("\"/posts\"", "\"/posts/{id}\""), 7, "path parameter"),
        (other("\"/posts\"", "\"/posts/**\""), 7, "refused by name"),
        (other("[\"POST\"]", "[\"post\"]"), 7, "is not GET"),
        (other("[\"POST\"]", "[]"), 7, "can never match"),
        (other("action =", "hosts = [\"other.example\"]\naction ="), 7, "not among the definition's"),
        (other("\"publish\"", "\"shout\""), 11, "unknown variant"),
        (other("\"/text\"", "\"text\""), 13, "is not a place"),
        (other("\"/text\"", "\"/a/**/b\""), 13, "ends a pointer"),
        (other("body =", "example = '{\"txt\": \"a\"}'\nbody ="), 14, "finds nothing in the route's example"),
        (other("body =", "example = '{'\nbody ="), 12, "no JSON"),
        (other("body =", "example = '[{\"txt\": 1}, {\"a\": 2}]'\nbody ="), 14, "finds nothing in the route's example"),
        (other("body =", "example_form = 'txt=a'\nbody ="), 14, "finds nothing in the route's example"),
        (other("body =", "example_form = 'text'\nbody ="), 12, "no name before"),
        (
            other("\"text\" }", "\"opaque\", encoding = \"json\", inner = [{ at = \"/b\", role = \"text\" }] }")
                .replace("body =", "example = '{\"text\": \"{\\\"c\\\": 1}\"}'\nbody ="),
            14,
            "\"/b\" finds nothing",
        ),
        (format!("{HEAD}{good}{good}"), 14, "two routes"),
        (format!("{HEAD}{good}{}", good.replace("\"post\"", "\"again\"")), 14, "can match the same request"),
        (format!("{HEAD}{good}").replace("\"authorization\"", "\"cookie\""), 6, "never forwarded"),
        (format!("{HEAD}{good}").replace("api.t.example", "API"), 3, "not a host name"),
    ];
    for (text, line, reason) in cases {
        let problems = source::read(&text, Some(Path::new("t.toml")), &[]).unwrap_err();
        let found = problems.iter().any(|p| p.line == Some(line) && p.reason.contains(reason));
        assert!(found, "wanted {line}: {reason}\n{problems:?}");
        assert!(problems.iter().all(|p| p.file.as_deref() == Some(Path::new("t.toml"))));
    }
}

#[test]
fn templates_overlap_exactly_when_one_path_fits_both() {
    let template = |text: &str| matcher::PathTemplate::parse(text, false, false).unwrap();
    let cases = [
        ("/a/{id}", "/a/me", true),
        ("/a/{id:digits}", "/a/me", false),
        ("/a/{id:digits}", "/a/12", true),
        ("/a/{id:menu-*}", "/a/list", false),
        ("/a/{id:menu-*}", "/a/{id:digits}", false),
        ("/a/{id:menu-*}", "/a/{x}", true),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/a", false),
        ("/a/upload:{s}", "/a/{id}", false),
        ("/a/{b}/c", "/a/b/{c}", true),
        ("/a/{id:id}", "/a/12_3", true),
        ("/a/{id:id}", "/a/12__3", false),
        ("/a/{id:id}", "/a/me", false),
        ("/a/{id:id}", "/a/{x:1_*}", true),
        ("/**", "/a", true),
    ];
    for (a, b, overlap) in cases {
        assert_eq!(template(a).overlaps(&template(b)), overlap, "{a} {b}");
        assert_eq!(template(b).overlaps(&template(a)), overlap, "{b} {a}");
    }
}

/// What the format can say and the gateway cannot carry out yet refuses when it is matched.
#[test]
fn the_format_carries_more_than_the_gateway_which_refuses_what_it_cannot_do_yet() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.toml");
    let route = "[[routes]]\nid = \"post\"\nmethods = [\"POST\"]\npath = \"/posts\"\naction = \"publish\"\n";
    let text = "fields = [{ at = \"form:text\", role = \"text\" }]\n";
    let cases = [
        ("body = [\"form\"]\n", text, None),
        ("body = [\"http-batch\"]\n", "", Some("not-supported-yet")),
        ("body = [\"form\"]\nbatch = { kind = \"graph\", at = \"param:batch\" }\n", text, None),
        ("body = [\"http-batch\"]\nbatch = { kind = \"http\" }\n", "", None),
        ("body = [\"form\"]\nbatch = { kind = \"http\" }\n", text, Some("not-supported-yet")),
        (
            "body = [\"form\"]\n",
            "fields = [{ at = \"form:text\", role = \"text\", encoding = \"brackets\" }]\n",
            Some("not-supported-yet"),
        ),
    ];
    for (body, fields, code) in cases {
        std::fs::write(&file, format!("{HEAD}{route}{body}{fields}")).unwrap();
        let provider = Provider { definition: Some(file.clone()), ..Provider::default() };
        let definitions = Definitions::load(&BTreeMap::from([(ProviderId::new("t"), provider)]));
        let definitions = definitions.unwrap_or_else(|problems| panic!("{body}{fields}: {problems:?}"));
        let refused = ask(&definitions, "POST api.t.example/posts").err().map(|refusal| refusal.code);
        assert_eq!(refused.as_deref(), code, "{body}{fields}");
    }
}

#[test]
fn a_contract_api_is_described_by_a_file_that_is_not_built_in() {
    let described = |file: &str| {
        let definition = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        let provider = Provider { definition, ..Provider::default() };
        let definitions = Definitions::load(&BTreeMap::from([(ProviderId::new("pirika"), provider)]));
        definitions.unwrap_or_else(|problems| panic!("{problems:?}"))
    };
    let definitions = described("config/providers/pirika-contract.toml");
    let found = ask(&definitions, "PUT api.pirika.example/v1/records/r1").unwrap();
    assert_eq!((found.route.action, found.route.fields.len()), (Action::Edit, 5));
    assert_eq!(ask(&definitions, "POST api.pirika.example/v1/events").unwrap_err().code, "unknown-route");
    // As it might be given, too, with its photographs by URL.
    let given = described("tests/vectors/definitions/pirika.toml");
    assert_eq!(ask(&given, "POST api.pirika.example/v1/records").unwrap().route.action, Action::Publish);
}

#[test]
fn two_providers_cannot_claim_one_host() {
    let dir = tempfile::tempdir().unwrap();
    let write = |id: &str| {
        let path = dir.path().join(format!("{id}.toml"));
        std::fs::write(&path, format!("{}routes = []\n", HEAD.replace("\"t\"", &format!("\"{id}\"")))).unwrap();
        (ProviderId::new(id), Provider { definition: Some(path), ..Provider::default() })
    };
    let problems = Definitions::load(&BTreeMap::from([write("a"), write("b")])).unwrap_err();
    assert!(problems[0].reason.contains("both claim the host"), "{problems:?}");
    let missing = BTreeMap::from([(ProviderId::new("nowhere"), Provider::default())]);
    assert!(Definitions::load(&missing).unwrap_err()[0].reason.contains("is built in"));
}
