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
    let fits =
        |key: &DecodingKey| jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false);
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
            (Some(text), None) => says(post, text) && normal_text(text).contains(&normal_text(&event.title)),
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

/// Whether the post is this text and nothing else: what a text does not name (media, a schedule, a quotation) needs a digest.
fn says(post: &Post, text: &str) -> bool {
    let bare = post.media.is_empty()
        && post.rest.is_empty()
        && post.schedule.is_none()
        && post.references.values().all(Vec::is_empty);
    let mut texts = Vec::new();
    for field in &post.fields {
        field.value.each_text(&field.at, &mut |_, text| texts.push(text));
    }
    bare && matches!(texts.as_slice(), [only] if normal_text(only) == normal_text(text))
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
