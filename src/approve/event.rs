//! Publish events of a body's content management system (長野 2(8)): the head of the section approved a page there, which
//! stands for the decision on the post that speaks of it.
//!
//! An event is a JWS in compact form, `typ: sekisho-publish-event+jwt`, signed by an issuer of the body's registry. It names
//! who approved, the page, and the post: by its text and title, or by its digest. It is good once, for at most a day.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::claims;
use super::signed::LONGEST;
use crate::domain::account::{Account, AccountId};
use crate::domain::action::Action;
use crate::domain::approval::{Approval, ApprovalId, PUBLISH_EVENT};
use crate::domain::decision::Refusal;
use crate::domain::digest::Digest;
use crate::domain::person::PersonId;
use crate::domain::post::Post;
use crate::domain::registry::{EventAlgorithm, Issuer};
use crate::domain::remarks::Remarks;
use crate::domain::tree::normal_text;

/// The header that carries an event.
pub const HEADER: &str = "sekisho-publish-event";
/// `typ` of its JWS (RFC 8725 3.11).
pub const TYPE: &str = "sekisho-publish-event+jwt";
/// Longest time between signing and expiry, in seconds.
const LONGEST_LIFE_S: i64 = 24 * 60 * 60;
/// Longest `jti`, `sub` and title, in bytes.
const LONGEST_NAME: usize = 256;
/// Clauses that refusals cite.
const CLAUSE: &str = "nagano:2(8)a";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    jti: String,
    iat: i64,
    exp: i64,
    sub: String,
    event: Published,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    account: AccountId,
    page: String,
    title: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    digest: Option<String>,
}

/// An event whose signature, audience and times hold. Only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct Event {
    claims: Claims,
    issuer: Arc<Issuer>,
    approver: PersonId,
}

/// The event that is signed here, if one of these issuers signed it for this gateway and it has not expired.
///
/// # Errors
/// Refusals `event-malformed`, `event-signature`, `event-expired`.
pub fn verify(signed: &str, issuers: &[Arc<Issuer>], audience: &str, now: Timestamp) -> Result<Event, Refusal> {
    if signed.len() > LONGEST {
        return Err(malformed("it is longer than 8 KiB"));
    }
    let mut parts = signed.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("a JWS in compact form has three parts"));
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed("a part is not strict base64url"));
    let (head, body) = (decode(header)?, decode(payload)?);
    decode(signature)?;
    let (alg, kid) = claims::head_of(&head, TYPE).map_err(malformed)?;
    let claims: Claims = Some(&body)
        .filter(|body| body.starts_with(b"{"))
        .and_then(|body| serde_json::from_slice(body).ok())
        .ok_or_else(|| malformed("a claim is missing, repeated, unknown or of another type than it must be"))?;
    let issuer = issuers.iter().find(|it| it.id.as_str() == claims.iss);
    let issuer = issuer.ok_or_else(|| unsigned("the issuer is not registered for this account now"))?;
    if alg != issuer.algorithm.as_str() {
        return Err(unsigned("the algorithm is not the issuer's"));
    }
    let message = signed.get(..header.len() + 1 + payload.len()).unwrap_or_default();
    let algorithm = match issuer.algorithm {
        EventAlgorithm::EdDSA => Algorithm::EdDSA,
        EventAlgorithm::ES256 => Algorithm::ES256,
    };
    let fits = |key: &DecodingKey| {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
    };
    if !issuer.keys(kid.as_deref()).iter().any(fits) {
        return Err(unsigned("the signature does not fit"));
    }
    if claims.aud != audience {
        return Err(malformed("the audience is not this gateway"));
    }
    let names = [&claims.jti, &claims.sub, &claims.event.title];
    if names.iter().any(|name| name.trim().is_empty() || name.len() > LONGEST_NAME) {
        return Err(malformed("a name is empty or too long"));
    }
    if claims.event.text.is_none() == claims.event.digest.is_none() {
        return Err(malformed("it names the post by its text or by its digest, by one of them"));
    }
    let second = now.as_second();
    if claims.exp <= claims.iat || claims.exp.saturating_sub(claims.iat) > LONGEST_LIFE_S {
        return Err(malformed("its life is empty, or longer than a day"));
    }
    if second < claims.iat || claims.exp <= second {
        return Err(expired());
    }
    let approver = PersonId::new(claims.sub.as_str());
    Ok(Event { claims, issuer: Arc::clone(issuer), approver })
}

impl Event {
    /// The page that was approved.
    pub fn page(&self) -> &str {
        &self.claims.event.page
    }

    /// Who approved it.
    pub fn approver(&self) -> &PersonId {
        &self.approver
    }

    /// The approval that stands for the decision on this post: good once, under the event's own name.
    ///
    /// # Errors
    /// Refusals `event-other-account`, `event-other-action`; `event-other-post`, which waits for a decision of its own.
    pub fn approval(
        &self,
        account: &Account,
        action: Action,
        post: &Post,
        digest: &Digest,
    ) -> Result<Approval, Refusal> {
        let event = &self.claims.event;
        if event.account != account.id {
            return Err(other_account());
        }
        if !self.issuer.actions.contains(&action) {
            return Err(other_action());
        }
        let same = match (&event.text, &event.digest) {
            (Some(text), None) => says(post, text) && normal_text(text).contains(&*normal_text(&event.title)),
            (None, Some(named)) => Digest::parse(named).as_ref() == Some(digest),
            (Some(_), Some(_)) | (None, None) => false,
        };
        if !same {
            return Err(other_post());
        }
        let at = |second: i64| Timestamp::from_second(second).map_err(|_| malformed("a time is out of range"));
        Ok(Approval {
            id: ApprovalId::new(format!("{PUBLISH_EVENT}{}:{}", self.issuer.id, self.claims.jti)),
            account: account.id.clone(),
            actions: vec![action],
            digest: *digest,
            not_before: at(self.claims.iat)?,
            expires: at(self.claims.exp)?,
            max_uses: 1,
            approver: self.approver.clone(),
            issuer: format!("{PUBLISH_EVENT}{}", self.issuer.id),
            category: None,
            reference: Some(event.page.clone()),
            remarks: Remarks::default(),
        })
    }
}

/// Whether the post is this text and nothing else: what a text does not name (media, a place, a schedule, a quotation)
/// needs a digest.
fn says(post: &Post, text: &str) -> bool {
    post.only_text().is_some_and(|only| normal_text(only) == normal_text(text))
}

fn malformed(why: &str) -> Refusal {
    Refusal::refused(
        "event-malformed",
        "CMSの公開承認の知らせの形式が正しくありません。",
        format!("The publish event is malformed: {why}."),
        "CMSの担当者に知らせの設定を確認するか、様式3により所属長の決裁を受けてください。",
    )
    .status(400)
    .citing(CLAUSE)
}

fn unsigned(why: &str) -> Refusal {
    Refusal::refused(
        "event-signature",
        "CMSの公開承認の知らせの署名を確認できません。",
        format!("The publish event's signature cannot be verified: {why}."),
        "登録された発行元の知らせか、CMSの担当者に確認してください。",
    )
    .citing(CLAUSE)
}

fn expired() -> Refusal {
    Refusal::refused(
        "event-expired",
        "CMSの公開承認の知らせの有効期間の外です。",
        "The publish event is not valid now.",
        "CMSからもう一度送信するか、様式3により所属長の決裁を受けてください。",
    )
    .citing(CLAUSE)
}

/// The event was used for a post before.
pub fn spent() -> Refusal {
    Refusal::refused(
        "event-spent",
        "CMSの公開承認の知らせは、すでに使われています。",
        "The publish event was used already.",
        "もう一度発信する場合は、CMSで改めて公開承認を受けるか、様式3により所属長の決裁を受けてください。",
    )
    .citing(CLAUSE)
}

/// Whoever approved the page leads no section of the body.
pub fn not_a_head() -> Refusal {
    Refusal::refused(
        "event-approver",
        "CMSでページの公開を承認した人が、現在の所属長として登録されていません。",
        "Whoever approved the page in the CMS leads no section of this body now.",
        "様式3により所属長の決裁を受けるか、登録簿を確認してください。",
    )
    .held()
    .citing(CLAUSE)
}

/// The page is none of the body's own.
pub fn other_page() -> Refusal {
    Refusal::refused(
        "event-page-not-own",
        "CMSの公開承認の知らせにあるページは、この団体のホームページのものではありません。",
        "The page that the publish event names is not on the body's own site.",
        "CMSの担当者に知らせの設定を確認するか、様式3により所属長の決裁を受けてください。",
    )
    .citing(CLAUSE)
}

fn other_account() -> Refusal {
    Refusal::refused(
        "event-other-account",
        "CMSの公開承認の知らせは、別のアカウントでの発信についてのものです。",
        "The publish event is for another account.",
        "知らせに書かれたアカウントで送信してください。",
    )
    .citing(CLAUSE)
}

fn other_action() -> Refusal {
    Refusal::refused(
        "event-other-action",
        "この操作は、CMSの公開承認をもって決裁とみなす操作として登録されていません。",
        "The issuer is not registered for this action.",
        "様式3により所属長の決裁を受けてください。",
    )
    .held()
    .citing(CLAUSE)
}

fn other_post() -> Refusal {
    Refusal::refused(
        "event-other-post",
        "投稿の内容が、CMSで公開承認を受けた内容と異なります。",
        "The post is not the one that the publish event names.",
        "CMSが作成した内容のまま送信するか、様式3により所属長の決裁を受けてください。",
    )
    .held()
    .citing(CLAUSE)
    .citing("nagano:2(7)")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::media::Sha256;
    use crate::domain::registry::{EventKey, RecordId, Span};

    const NOW: i64 = 1_795_000_000;

    struct Signer(Ed25519KeyPair, EncodingKey);

    fn signer() -> Signer {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Signer(pair, EncodingKey::from_ed_der(der.as_ref()))
    }

    impl Signer {
        fn jwk(&self, kid: &str) -> Value {
            let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
        }

        fn sign(&self, head: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let message = format!("{}.{}", part(head), part(claims));
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.1, Algorithm::EdDSA).unwrap();
            format!("{message}.{signature}")
        }
    }

    fn issuer(keys: &[Value]) -> Vec<Arc<Issuer>> {
        vec![Arc::new(Issuer {
            id: RecordId::new("cms"),
            name: "CMS".into(),
            algorithm: EventAlgorithm::EdDSA,
            key: EventKey::Jwks(json!({ "keys": keys })),
            accounts: vec![AccountId::new("nagano-x")],
            actions: vec![Action::Publish],
            span: Span { from: jiff::civil::Date::MIN, until: None },
            withdrawn: false,
        })]
    }

    fn claims() -> Value {
        let digest = Digest::from_sha256(Sha256::of(b"the post")).to_string();
        json!({
            "iss": "cms", "aud": "gate.example", "jti": "1", "iat": NOW, "exp": NOW + 60, "sub": "head",
            "event": { "account": "nagano-x", "page": "https://a.example/", "title": "題名", "digest": digest },
        })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn verified(signed: &str, issuers: &[Arc<Issuer>], now: Timestamp) -> Result<Event, String> {
        verify(signed, issuers, "gate.example", now).map_err(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn a_set_of_keys_is_searched_by_kid_and_wholly_without_one() {
        let (old, new) = (signer(), signer());
        let issuers = issuer(&[old.jwk("a"), new.jwk("b")]);
        let head = |kid: Option<&str>| match kid {
            Some(kid) => json!({ "alg": "EdDSA", "typ": TYPE, "kid": kid }),
            None => json!({ "alg": "EdDSA", "typ": TYPE }),
        };
        assert!(verified(&new.sign(&head(Some("b")), &claims()), &issuers, at(NOW)).is_ok());
        assert!(verified(&new.sign(&head(None), &claims()), &issuers, at(NOW)).is_ok());
        let crossed = verified(&new.sign(&head(Some("a")), &claims()), &issuers, at(NOW));
        assert_eq!(crossed.err().as_deref(), Some("event-signature"));
        let gone = verified(&new.sign(&head(None), &claims()), &issuer(&[old.jwk("a")]), at(NOW));
        assert_eq!(gone.err().as_deref(), Some("event-signature"));
    }

    #[test]
    fn an_event_is_read_strictly_and_within_its_time() {
        let cms = signer();
        let issuers = issuer(&[cms.jwk("a")]);
        let head = json!({ "alg": "EdDSA", "typ": TYPE });
        let good = cms.sign(&head, &claims());
        for (second, wanted) in [(NOW - 1, false), (NOW, true), (NOW + 59, true), (NOW + 60, false)] {
            assert_eq!(verified(&good, &issuers, at(second)).is_ok(), wanted, "{second}");
        }
        let heads = [
            json!({ "alg": "none", "typ": TYPE }),
            json!({ "alg": "HS256", "typ": TYPE }),
            json!({ "alg": "ES256", "typ": TYPE }),
            json!({ "alg": "EdDSA", "typ": "sekisho-approval+jwt" }),
            json!({ "alg": "EdDSA" }),
            json!({ "alg": "EdDSA", "typ": TYPE, "crit": ["b64"] }),
        ];
        for wrong in &heads {
            assert!(verified(&cms.sign(wrong, &claims()), &issuers, at(NOW)).is_err(), "{wrong}");
        }
        let changes: [fn(&mut Value); 6] = [
            |it| it["extra"] = json!(1),
            |it| it["event"]["extra"] = json!(1),
            |it| it["event"]["text"] = json!("both"),
            |it| drop(it["event"].as_object_mut().unwrap().remove("digest")),
            |it| it["jti"] = json!(" "),
            |it| it["aud"] = json!(["gate.example"]),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = claims();
            change(&mut changed);
            let refused = verified(&cms.sign(&head, &changed), &issuers, at(NOW));
            assert_eq!(refused.err().as_deref(), Some("event-malformed"), "{number}");
        }
        assert!(verified("a.b", &issuers, at(NOW)).is_err() && verified("", &issuers, at(NOW)).is_err());
    }

    #[test]
    fn words_that_a_head_approved_carry_no_place_and_no_tag_with_them() {
        use crate::domain::post::{Field, Role};
        use crate::domain::tree::Tree;
        let value = Tree::Text("題名のお知らせです。".into());
        let mut post = Post { fields: vec![Field { role: Role::Text, at: "/text".into(), value }], ..Post::default() };
        assert!(says(&post, "題名のお知らせです。") && !says(&post, "題名の"));
        post.audience.insert("/nullcast".into(), Tree::Bool(false));
        assert!(says(&post, "題名のお知らせです。"), "a switch that is off says nothing");
        post.audience.insert("/geo/place_id".into(), Tree::Text("5a110d312052166f".into()));
        assert!(!says(&post, "題名のお知らせです。"));
    }
}
