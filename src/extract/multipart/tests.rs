use super::*;

fn names() -> MediaNames {
    MediaNames { plain: vec!["media".to_owned()], base64: vec!["media_data".to_owned()], ..MediaNames::default() }
}

async fn read_in_pieces(body: &[u8], piece: usize) -> Result<(Parts, Vec<u8>, String), Refusal> {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = Multipart::new("b0", names(), Sink::new(dir.path(), 1 << 20));
    for bytes in body.chunks(piece.max(1)) {
        reader.feed(bytes).await?;
    }
    let (parts, sink, content_type) = reader.finish().await?;
    let crate::domain::outbound::OutBody::Bytes(bytes) = sink.finish().await? else { panic!("in memory") };
    Ok((parts, bytes.to_vec(), content_type))
}

/// The shape of `requests`: a file name, no content type on the medium.
fn tweepy() -> Vec<u8> {
    let mut body = b"--b0\r\nContent-Disposition: form-data; name=\"command\"\r\n\r\nAPPEND\r\n\
        --b0\r\nContent-Disposition: form-data; name=\"segment_index\"\r\n\r\n0\r\n\
        --b0\r\nContent-Disposition: form-data; name=\"media\"; filename=\"\xe5\x9b\xb3 1.png\"\r\n\r\n"
        .to_vec();
    body.extend_from_slice(b"\x89PNG\r\n--b1\r\n--b\r\r\n\0\xff\r\n--b0--\r\n");
    body
}

#[tokio::test]
async fn pieces_of_any_size_read_the_same_as_the_whole() {
    let body = tweepy();
    let (whole, ..) = read_in_pieces(&body, body.len()).await.unwrap();
    assert_eq!(
        whole.texts,
        [("command".to_owned(), "APPEND".to_owned()), ("segment_index".to_owned(), "0".to_owned())]
    );
    let medium = whole.media.clone().unwrap();
    assert_eq!(medium.sha256, Sha256::of(b"\x89PNG\r\n--b1\r\n--b\r\r\n\0\xff"));
    for piece in 1..40 {
        let (parts, rebuilt, _) = read_in_pieces(&body, piece).await.unwrap();
        assert_eq!(parts, whole, "{piece}");
        let found = parts.media.unwrap();
        let range = usize::try_from(found.offset).unwrap()..usize::try_from(found.offset + found.len).unwrap();
        assert_eq!(Sha256::of(&rebuilt[range]), found.sha256);
    }
}

#[tokio::test]
async fn a_credential_is_written_last_and_can_be_cut_off() {
    let part =
        |name: &str, value: &str| format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = [part("access_token", "secret"), part("message", "a"), "--b0--\r\n".to_owned()].concat();
    let dir = tempfile::tempdir().unwrap();
    let names = MediaNames { last: vec!["access_token".to_owned()], ..names() };
    let mut reader = Multipart::new("b0", names.clone(), Sink::new(dir.path(), 1 << 20));
    reader.feed(body.as_bytes()).await.unwrap();
    let (parts, sink, content_type) = reader.finish().await.unwrap();
    let crate::domain::outbound::OutBody::Bytes(whole) = sink.finish().await.unwrap() else { panic!("in memory") };
    let bare = parts.bare.unwrap();
    let cut = [&whole[..usize::try_from(bare.at).unwrap()], bare.closing.as_bytes()].concat();
    assert_eq!(bare.sha256, Sha256::of(&cut));
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    for (bytes, texts) in [(&whole[..], 2), (&cut[..], 1)] {
        let mut again = Multipart::new(boundary, names.clone(), Sink::new(dir.path(), 1 << 20));
        again.feed(bytes).await.unwrap();
        let parts = again.finish().await.unwrap().0;
        assert_eq!(parts.texts.len(), texts);
        assert_eq!(parts.texts[0], ("message".to_owned(), "a".to_owned()));
    }
}

#[tokio::test]
async fn what_is_rebuilt_reads_the_same_under_a_boundary_of_our_own() {
    let (parts, rebuilt, content_type) = read_in_pieces(&tweepy(), 7).await.unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert!(boundary.starts_with("sekisho-") && boundary.len() == 40);
    let dir = tempfile::tempdir().unwrap();
    let mut again = Multipart::new(boundary, names(), Sink::new(dir.path(), 1 << 20));
    again.feed(&rebuilt).await.unwrap();
    assert_eq!(again.finish().await.unwrap().0, parts);
    let text = String::from_utf8_lossy(&rebuilt);
    assert!(text.contains("name=\"media\"; filename=\"media\"\r\n\r\n") && !text.contains("図"), "{text}");
}

#[tokio::test]
async fn a_part_with_a_type_and_no_final_line_end_is_read() {
    // The shape of twitter-api-v2.
    let body = b"--b0\r\nContent-Disposition: form-data; name=\"media\"\r\nContent-Type: application/octet-stream\r\n\r\nabc\r\n--b0--";
    let (parts, rebuilt, _) = read_in_pieces(body, 5).await.unwrap();
    assert_eq!(parts.media.unwrap().len, 3);
    assert!(
        String::from_utf8_lossy(&rebuilt)
            .contains("\r\nContent-Type: application/octet-stream\r\n\r\nabc\r\n--sekisho-")
    );
}

#[tokio::test]
async fn a_multipart_body_that_servers_could_read_differently_is_refused() {
    let part = |head: &str| format!("--b0\r\n{head}\r\n\r\nx\r\n--b0--\r\n");
    let form = "Content-Disposition: form-data; name=";
    let many = "A: b\r\n".repeat(1000);
    let cases = [
        (format!("preamble\r\n{}", part(&format!("{form}\"a\""))), "multipart-shape"),
        (format!("\r\n{}", part(&format!("{form}\"a\""))), "multipart-shape"),
        (format!("{}epilogue", part(&format!("{form}\"a\""))), "multipart-shape"),
        (format!("{}\r\n", part(&format!("{form}\"a\""))), "multipart-shape"),
        ("--b0--\r\n".to_owned(), "multipart-shape"),
        (format!("--b0\r\n{form}\"a\"\r\n\r\nx"), "multipart-shape"),
        (format!("--b0\r\n{form}\"a\"\r\n\r\nx\r\n--b0"), "multipart-shape"),
        (format!("--b0\r\n{form}\"a\"\r\n\r\nx\r\n--b0-"), "multipart-shape"),
        (format!("--b0 \r\n{form}\"a\"\r\n\r\nx\r\n--b0--\r\n"), "multipart-shape"),
        (format!("--b0\n{form}\"a\"\n\nx\n--b0--\n"), "multipart-shape"),
        (format!("--b0\r\n{form}\"a\"\r\n\r\nx\r\n--b0x\r\n"), "multipart-shape"),
        (part(&format!("{form}\"a\"\r\nContent-Transfer-Encoding: base64")), "multipart-header"),
        (part(&format!("{form}\"a\"\r\nContent-Length: 1")), "multipart-header"),
        (part(&format!("{form}\"a\"\r\n{form}\"b\"")), "multipart-header"),
        (part(&format!("{form}\"a\"\r\nContent-Type: text/plain\r\ncontent-type: text/plain")), "multipart-header"),
        (part("Content-Type: text/plain"), "multipart-header"),
        (part(&format!("{form}\"media\"; filename*=utf-8''a")), "multipart-header"),
        (part(&format!("{form}\"a\"; name=\"b\"")), "multipart-header"),
        (part(&format!("{form}\"a\\\"b\"")), "multipart-header"),
        (part("Content-Disposition: attachment; name=\"a\""), "multipart-header"),
        (part(&format!("{form}\"a\"\r\n folded: x")), "multipart-header"),
        (part(&format!("{form}\"a\"\r\n{many}")), "multipart-shape"),
        (part(&format!("{form}\"a\"; filename=\"f\"")), "multipart-part"),
        (part(&format!("{form}\"a\"\r\nContent-Type: text/plain; charset=shift_jis")), "multipart-part"),
        (part(&format!("{form}\"a\"\r\nContent-Type: multipart/mixed; boundary=c")), "multipart-part"),
        (part(&format!("{form}\"a[]\"")), "form-key"),
        (part(&format!("{form}\"_charset_\"")), "form-key"),
        (part(&format!("{form}\"_method\"")), "method-override"),
        (format!("--b0\r\n{form}\"a\"\r\n\r\nx\r\n{}", part(&format!("{form}\"a\""))), "form-repeated-key"),
        (format!("--b0\r\n{form}\"a\"\r\n\r\n\0\r\n--b0--\r\n"), "multipart-shape"),
        (format!("--b0\r\n{form}\"a\"\r\n\r\n{}\r\n--b0--\r\n", "x".repeat(70_000)), "multipart-field-too-large"),
    ];
    for (body, code) in cases {
        for piece in [1, 64 * 1024] {
            let refusal = read_in_pieces(body.as_bytes(), piece).await.unwrap_err();
            assert_eq!(refusal.code, code, "{:.200}", body);
        }
    }
}
