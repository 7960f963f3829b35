use super::*;
use crate::domain::account::ProviderId;
use crate::recognise::Definitions;
use http::StatusCode;
use http_body::Frame;

fn definition(id: &str) -> Arc<Definition> {
    Definitions::built_in().unwrap().get(&ProviderId::new(id)).unwrap().clone()
}

fn origin() -> Called {
    Called { base: "https://gw:9001".to_owned(), by_path: false }
}

fn path() -> Called {
    Called { base: "https://gw:8443".to_owned(), by_path: true }
}

fn json(provider: &str, called: &Called, text: &str) -> String {
    let provider = definition(provider);
    let way = Way { called, provider: &provider };
    String::from_utf8(way.json(Bytes::copy_from_slice(text.as_bytes())).to_vec()).unwrap()
}

#[test]
fn an_address_leads_back_by_the_door_that_the_tool_came_in() {
    let facebook = definition("facebook");
    let back = |called: Called, address: &str| Way { called: &called, provider: &facebook }.back(address);
    let next = "https://graph.facebook.com/v24.0/me/feed?after=a%2Fb";
    assert_eq!(back(origin(), next).unwrap(), "https://gw:9001/v24.0/me/feed?after=a%2Fb");
    assert_eq!(back(path(), next).unwrap(), "https://gw:8443/graph.facebook.com/v24.0/me/feed?after=a%2Fb");
    let upload = "https://rupload.facebook.com/video-upload/v24.0/1";
    assert_eq!(back(origin(), upload).unwrap(), "https://gw:9001/rupload.facebook.com/video-upload/v24.0/1");
    let foreign = [
        "https://graph.facebook.com.evil.example/1",
        "https://graph.facebook.com:444/1",
        "https://tool@graph.facebook.com/1",
        "http://graph.facebook.com/1",
        "https://www.city.example/",
        "//graph.facebook.com/1",
        "",
    ];
    for address in foreign {
        assert_eq!(back(origin(), address), None, "{address}");
        assert_eq!(back(path(), address), None, "{address}");
    }
}

#[test]
fn an_origin_to_go_on_from_is_the_doors_own() {
    let given =
        r#"{"did":"did:plc:a","didDoc":{"service":[{"id":"p","serviceEndpoint":"https://a.host.bsky.network"}]}}"#;
    let ours = json("bluesky", &origin(), given);
    assert_eq!(ours, given.replace("https://a.host.bsky.network", "https://gw:9001"));
    let ours = json("bluesky", &path(), given);
    assert_eq!(ours, given.replace("https://a.host.bsky.network", "https://gw:8443/a.host.bsky.network"));
}

#[test]
fn nothing_but_the_named_addresses_changes_in_an_answer() {
    let given = concat!(
        r#"{ "data" : [ {"id":"1_2","n":1.50,"big":123456789012345678901234567890,"message":"https://graph.facebook.com/1","#,
        r#""comments":{"data":[],"paging":{"next":"https:\/\/graph.facebook.com\/2"}}} ],"#,
        r#""paging":{"cursors":{"after":"https://graph.facebook.com/3"},"next":"https://graph.facebook.com/4","#,
        r#""previous":"https://www.city.example/5"} }"#,
    );
    let expected = given
        .replace(r"https:\/\/graph.facebook.com\/2", "https://gw:9001/2")
        .replace("https://graph.facebook.com/4", "https://gw:9001/4");
    assert_eq!(json("facebook", &origin(), given), expected);
    for untouched in ["[1,", "", "null", r#"{"paging":{"next":7}}"#, r#"{"next":"https://graph.facebook.com/4"}"#] {
        assert_eq!(json("facebook", &origin(), untouched), untouched);
    }
    // Too deep to be a page of Graph.
    let deep = format!(
        "{}{}{}",
        r#"{"a":"#.repeat(40),
        r#"{"paging":{"next":"https://graph.facebook.com/4"}}"#,
        "}".repeat(40)
    );
    assert_eq!(json("facebook", &origin(), &deep), deep);
}

#[test]
fn every_target_of_a_link_header_leads_back() {
    let provider = definition("facebook");
    let called = origin();
    let way = Way { called: &called, provider: &provider };
    let mut headers = HeaderMap::new();
    let two = "<https://graph.facebook.com/1?a=b>; rel=\"next\", <https://city.example/>; rel=\"prev\"";
    headers.append(header::LINK, two.parse().unwrap());
    headers.append(header::LINK, "<https://graph.facebook.com/2>; rel=last".parse().unwrap());
    headers.append(header::LOCATION, "https://scontent.example/1.jpg".parse().unwrap());
    way.headers(&mut headers, false);
    let links: Vec<_> = headers.get_all(header::LINK).iter().collect();
    assert_eq!(
        links,
        [
            "<https://gw:9001/1?a=b>; rel=\"next\", <https://city.example/>; rel=\"prev\"",
            "<https://gw:9001/2>; rel=last"
        ]
    );
    assert_eq!(headers.get(header::LOCATION).unwrap(), "https://scontent.example/1.jpg", "a picture elsewhere");
    way.headers(&mut headers, true);
    assert_eq!(headers.get(header::LOCATION), None, "bytes of a session would go past the gate");
}

#[test]
fn only_plain_json_is_looked_into() {
    let is = |pairs: &[(&str, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        is_json(&headers)
    };
    assert!(is(&[("content-type", "application/json; charset=UTF-8")]));
    assert!(is(&[("content-type", "text/javascript; charset=UTF-8")]));
    assert!(!is(&[("content-type", "text/html")]));
    assert!(!is(&[]));
    assert!(!is(&[("content-type", "application/json"), ("content-encoding", "gzip")]));
}

fn piece(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, BodyError> {
    Ok(Frame::data(bytes.into()))
}

async fn through(pieces: Vec<Result<Frame<Bytes>, BodyError>>) -> Result<Bytes, String> {
    let (provider, called) = (definition("facebook"), origin());
    let body = AnswerBody::Stream(StreamBody::new(stream::iter(pieces)).boxed());
    match (Way { called: &called, provider: &provider }).body(body).await {
        AnswerBody::Whole(bytes) => Ok(bytes),
        AnswerBody::Stream(body) => body.collect().await.map(|all| all.to_bytes()).map_err(|error| error.to_string()),
    }
}

#[tokio::test]
async fn a_read_that_streams_is_put_together_and_a_long_one_passes_as_it_is() {
    let page = r#"{"paging":{"next":"https://graph.facebook.com/4"}}"#;
    let (one, two) = page.split_at(25);
    let told = through(vec![piece(one.to_owned()), piece(two.to_owned())]).await.unwrap();
    assert_eq!(told, page.replace("https://graph.facebook.com", "https://gw:9001"));
    let filler = vec![b' '; LONGEST];
    let told = through(vec![piece(page), piece(filler.clone()), piece("!")]).await.unwrap();
    assert_eq!(told.len(), page.len() + LONGEST + 1);
    assert!(told.starts_with(page.as_bytes()) && told.ends_with(b"!"));
    let broken = through(vec![piece(page), Err("the provider broke off".into())]).await;
    assert_eq!(broken.unwrap_err(), "the provider broke off");
}

#[tokio::test]
async fn at_a_forward_door_no_answer_is_touched() {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, "https://graph.facebook.com/1".parse().unwrap());
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let page = Bytes::from_static(br#"{"paging":{"next":"https://graph.facebook.com/4"}}"#);
    let answer = Answer { status: StatusCode::OK, headers: headers.clone(), body: AnswerBody::Whole(page.clone()) };
    let told = rewritten(answer, None, None).await;
    let AnswerBody::Whole(bytes) = told.body else { panic!("it is whole") };
    assert_eq!((told.headers, bytes), (headers, page));
}
