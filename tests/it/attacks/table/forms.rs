//! Forms and multipart bodies that two readers could take differently.

use super::*;

pub(super) fn forms() -> Vec<Case> {
    let mut cases = Vec::new();
    let form = |target: &str, body: &str| request("POST", target, "gw", FORM, body.as_bytes());
    let token = "/x/2/oauth2/token";
    let many: String = (0..100_000).map(|i| format!("a{i}=&")).collect::<String>() + "z=";
    for (name, body, code) in [
        ("a repeated key", "grant_type=a&grant_type=b", "form-repeated-key"),
        ("a repeated key, escaped", "grant_type=a&grant%5Ftype=b", "form-repeated-key"),
        ("brackets", "a[]=1", "form-key"),
        ("escaped brackets", "a%5B%5D=1", "form-key"),
        ("_charset_", "_charset_=shift_jis", "form-key"),
        ("_method", "_method=DELETE&a=b", "method-override"),
        ("semicolon", "a=b;c=d", "form-shape"),
        ("%u", "a=%u3042", "form-shape"),
        ("half an escape", "a=%4", "form-shape"),
        ("invalid UTF-8", "a=%ff", "form-shape"),
        ("over-long", "a=%c0%af", "form-shape"),
        ("NUL", "a=%00", "form-shape"),
        ("no value", "a", "form-shape"),
        ("ends in &", "a=b&", "form-shape"),
        ("begins with &", "&a=b", "form-shape"),
        ("raw UTF-8", "a=あ", "form-shape"),
        ("a space", "a=b c", "form-shape"),
        ("a line feed", "a=b\nc=d", "form-shape"),
        ("two =", "a=b=c", "form-shape"),
        ("JSON", "{\"a\":1}", "form-shape"),
        ("100,000 fields", many.as_str(), "form-shape"),
    ] {
        cases.push(plain(format!("form: {name}"), form(token, body), Want::Entry(code)));
    }
    cases.push(plain(
        "form: a charset",
        request("POST", token, "gw", "content-type: application/x-www-form-urlencoded; charset=shift_jis\r\n", b"a=b"),
        Want::Entry("content-type"),
    ));
    cases.push(plain(
        "form on v1.1",
        form("/x/1.1/statuses/update.json", "status=a"),
        Want::Entry("closed-at-provider"),
    ));
    cases.push(plain(
        "v1.1 by the query",
        request("POST", "/x/1.1/statuses/update.json?status=a", "gw", "", b""),
        Want::Entry("closed-at-provider"),
    ));

    let upload = |target: &str, body: &str| request("POST", target, "gw", MULTIPART, body.as_bytes());
    let part = |head: &str, body: &str| format!("--b\r\n{head}\r\n\r\n{body}\r\n");
    let media = part("Content-Disposition: form-data; name=\"media\"; filename=\"a.png\"", "PNG");
    let end = "--b--\r\n";
    let text = |name: &str, value: &str| part(&format!("Content-Disposition: form-data; name=\"{name}\""), value);
    let category = text("media_category", "tweet_image");
    for (name, body, code) in [
        ("two media", format!("{media}{media}{end}"), "form-repeated-key"),
        ("two parts of one name", format!("{media}{category}{category}{end}"), "form-repeated-key"),
        (
            "filename*",
            format!("{}{end}", part("Content-Disposition: form-data; name=\"media\"; filename*=UTF-8''a", "PNG")),
            "multipart-header",
        ),
        (
            "name*",
            format!("{}{end}", part("Content-Disposition: form-data; name*=UTF-8''media", "PNG")),
            "multipart-header",
        ),
        (
            "name twice",
            format!("{}{end}", part("Content-Disposition: form-data; name=\"a\"; name=\"media\"", "PNG")),
            "multipart-header",
        ),
        (
            "quoted pair",
            format!("{}{end}", part("Content-Disposition: form-data; name=\"me\\dia\"", "PNG")),
            "multipart-header",
        ),
        (
            "two dispositions",
            format!(
                "{}{end}",
                part(
                    "Content-Disposition: form-data; name=\"media\"\r\nContent-Disposition: form-data; name=\"a\"",
                    "PNG"
                )
            ),
            "multipart-header",
        ),
        (
            "attachment",
            format!("{}{end}", part("Content-Disposition: attachment; name=\"media\"", "PNG")),
            "multipart-header",
        ),
        (
            "transfer encoding",
            format!(
                "{}{end}",
                part("Content-Disposition: form-data; name=\"media\"\r\nContent-Transfer-Encoding: base64", "UE5H")
            ),
            "multipart-header",
        ),
        (
            "folded head",
            format!("{}{end}", part("Content-Disposition: form-data;\r\n name=\"media\"", "PNG")),
            "multipart-header",
        ),
        ("no disposition", format!("{}{end}", part("Content-Type: image/png", "PNG")), "multipart-header"),
        ("no head", format!("--b\r\n\r\nPNG\r\n{end}"), "multipart-shape"),
        (
            "a file where none is described",
            format!(
                "{media}{}{end}",
                part("Content-Disposition: form-data; name=\"media_category\"; filename=\"x\"", "y")
            ),
            "multipart-part",
        ),
        (
            "nested",
            format!(
                "{media}{}{end}",
                part(
                    "Content-Disposition: form-data; name=\"media_category\"\r\nContent-Type: multipart/mixed; boundary=c",
                    "--c--"
                )
            ),
            "multipart-part",
        ),
        (
            "part charset",
            format!(
                "{media}{}{end}",
                part(
                    "Content-Disposition: form-data; name=\"media_category\"\r\nContent-Type: text/plain; charset=utf-16",
                    "y"
                )
            ),
            "multipart-part",
        ),
        ("_charset_", format!("{media}{}{end}", text("_charset_", "utf-16")), "form-key"),
        ("_method", format!("{media}{}{end}", text("_method", "DELETE")), "method-override"),
        ("brackets", format!("{media}{}{end}", text("media[]", "x")), "form-key"),
        ("preamble", format!("hello\r\n{media}{end}"), "multipart-shape"),
        ("epilogue", format!("{media}{end}hello"), "multipart-shape"),
        ("LF only", format!("{media}{end}").replace("\r\n", "\n"), "multipart-shape"),
        ("no closing", media.clone(), "multipart-shape"),
        ("closing first", format!("{end}{media}{end}"), "multipart-shape"),
        ("nothing", String::new(), "media-missing"),
        ("white space after the boundary", format!("{media}{end}").replace("--b\r\n", "--b \r\n"), "multipart-shape"),
        ("a longer boundary", format!("{media}{end}").replace("--b", "--bb"), "multipart-shape"),
        (
            "boundary in the media",
            format!("{}{end}", part("Content-Disposition: form-data; name=\"media\"", "x\r\n--bx")),
            "multipart-shape",
        ),
        ("NUL in a text", format!("{media}{}{end}", text("media_category", "a\0b")), "multipart-shape"),
        ("the same in the query", format!("{media}{category}{end}"), "field-twice"),
        ("an unknown field", format!("{media}{}{end}", text("status", "別の文")), "unmapped-fields"),
        ("no media", format!("{category}{end}"), "media-missing"),
        ("media and base64", format!("{media}{}{end}", text("media_data", "UE5H")), "field-shape"),
        ("base64 that is none", format!("{}{end}", text("media_data", "UE5H=")), "base64"),
        ("an unknown command", format!("{media}{}{end}", text("command", "append")), "upload-step"),
    ] {
        let target = if name == "the same in the query" {
            "/upload.x.com/1.1/media/upload.json?media_category=x"
        } else {
            "/upload.x.com/1.1/media/upload.json"
        };
        cases.push(plain(format!("multipart: {name}"), upload(target, &body), Want::Entry(code)));
    }
    for (name, kind) in [
        ("no boundary", "multipart/form-data"),
        ("two boundaries", "multipart/form-data; boundary=b; boundary=c"),
        ("charset", "multipart/form-data; boundary=b; charset=utf-8"),
        ("mixed", "multipart/mixed; boundary=b"),
        ("related", "multipart/related; boundary=b"),
        ("a space in it", "multipart/form-data; boundary=\"b c\""),
        ("empty", "multipart/form-data; boundary="),
        ("71 characters", &format!("multipart/form-data; boundary={}", "b".repeat(71))),
    ] {
        let bytes = request(
            "POST",
            "/x/2/media/upload",
            "gw",
            &format!("content-type: {kind}\r\n"),
            format!("{media}{end}").as_bytes(),
        );
        cases.push(plain(format!("multipart type: {name}"), bytes, Want::Entry("content-type")));
    }
    cases.push(plain(
        "multipart on a post",
        request("POST", "/x/2/tweets", "gw", MULTIPART, format!("{}{end}", text("text", HEALTH)).as_bytes()),
        Want::Entry("content-type"),
    ));
    cases
}
