//! Media that a post names by URL: fetched here, bound to the post by their hash, kept, and given to the provider by the
//! gateway's own address. `docs/decisions/0014-media-by-url.md`.

use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use jiff::civil::Date;

use crate::domain::account::{Account, AccountId};
use crate::domain::clock::in_japan;
use crate::domain::decision::{Refusal, RefusalKind};
use crate::domain::dossier::{Dossier, Seen};
use crate::domain::fetch::{Errand, Fetched, MediaKind, Unfetched, Wants};
use crate::domain::media::{Media, Sha256};
use crate::domain::outbound::{OutBody, Spool};
use crate::domain::ports::{Fetch, Shelf};
use crate::extract::swap::{self, Swap};
use crate::extract::{Extracted, MediaUrl};
use crate::recognise::Recognised;

use super::scan::Scanner;
use super::{Gate, Rules};

/// Media by URL in one request.
const MOST: usize = 20;
/// Addresses whose last hash is remembered.
const REMEMBERED: usize = 4096;

/// What is needed to see media by URL.
pub struct ByUrl {
    /// Fetches them.
    fetch: Arc<dyn Fetch>,
    /// Keeps them; none: there is no address under which a provider could get a copy.
    shelf: Option<Arc<dyn Shelf>>,
    /// What stood at an address when it was last looked at. It only explains: the digest is what binds.
    last: Mutex<IndexMap<(AccountId, String), Sha256>>,
}

/// What came of looking at the media of one request.
#[derive(Debug, Default)]
pub struct Looked {
    /// The addresses to write in the place of the post's own.
    pub swaps: Vec<Swap>,
    /// Whether something else stood at an address than the last time.
    changed: bool,
}

impl ByUrl {
    /// Fetches by `fetch`, keeps on `shelf`.
    pub fn new(fetch: Arc<dyn Fetch>, shelf: Option<Arc<dyn Shelf>>) -> Self {
        Self { fetch, shelf, last: Mutex::default() }
    }

    /// Fetches every medium that the request names by URL, and puts its hash into the post.
    ///
    /// # Errors
    /// Refusal `media-by-url` where nothing could be given to the provider that is sure to be what was seen, and one of
    /// `media-url-*` where a medium could not be had.
    pub async fn look(
        &self,
        (scanner, rules, today): (&Scanner, &Arc<Rules>, Date),
        extracted: &mut Extracted,
        account: &Account,
        dossier: &mut Dossier,
    ) -> Result<Looked, Box<Refusal>> {
        if extracted.by_url {
            return Err(Box::new(hidden()));
        }
        if extracted.media_urls.is_empty() {
            return Ok(Looked::default());
        }
        let Some(shelf) = &self.shelf else {
            extracted.by_url = true;
            return Err(Box::new(unseen()));
        };
        if extracted.media_urls.len() > MOST {
            return Err(Box::new(too_many()));
        }
        let mut looked = Looked::default();
        // One address is one medium within a request, however often it is named.
        let mut copies: IndexMap<String, (Sha256, u64, String)> = IndexMap::new();
        for MediaUrl { at, url } in &extracted.media_urls {
            if !copies.contains_key(url) {
                let spool = self.one(url).await?;
                extracted.shown.extend(scanner.fetched(rules, &spool.0, today).await);
                let found = kept(spool, shelf.as_ref()).await?;
                looked.changed |= self.remember(account, url, found.0);
                dossier.seen.push(Seen { url: url.clone(), sha256: found.0, len: found.1 });
                copies.insert(url.clone(), found);
            }
            let Some((sha256, len, copy)) = copies.get(url) else { continue };
            extracted.post.media.push(Media { id: at.clone(), sha256: *sha256, len: *len, alt: None });
            looked.swaps.push(Swap { at: at.clone(), old: url.clone(), new: copy.clone() });
        }
        Ok(looked)
    }

    /// Fetches anything else that the gate has to look at, by the same rules.
    ///
    /// # Errors
    /// Why nothing was fetched.
    pub async fn fetch(&self, errand: Errand) -> Result<Fetched, Unfetched> {
        self.fetch.fetch(errand).await
    }

    async fn one(&self, url: &str) -> Result<(Spool, MediaKind), Box<Refusal>> {
        let errand = Errand { url: url.to_owned(), wants: Wants::Media };
        let fetched = self.fetch.fetch(errand).await.map_err(|why| Box::new(unfetched(why)))?;
        let Fetched { kind: Some(kind), body: OutBody::Spool(spool), .. } = fetched else {
            return Err(Box::new(unfetched(Unfetched::Kind)));
        };
        Ok((spool, kind))
    }

    /// Notes what stands at an address; whether it is something else than before.
    fn remember(&self, account: &Account, url: &str, sha256: Sha256) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= REMEMBERED {
            last.shift_remove_index(0);
        }
        last.insert((account.id.clone(), url.to_owned()), sha256).is_some_and(|before| before != sha256)
    }
}

/// A medium as it is kept: hash, length, the address of the copy.
async fn kept((spool, kind): (Spool, MediaKind), shelf: &dyn Shelf) -> Result<(Sha256, u64, String), Box<Refusal>> {
    let (sha256, len) = (spool.sha256, spool.len);
    let copy = shelf.keep(spool, kind).await.map_err(|error| {
        tracing::error!(%error, "a medium that was fetched could not be kept");
        Box::new(unfetched(Unfetched::Spool))
    })?;
    Ok((sha256, len, copy))
}

impl Looked {
    /// A hold that says why a post that was approved is not the one that came: its words are the same, its media are not.
    pub fn explain(&self, mut refusal: Box<Refusal>) -> Box<Refusal> {
        if !self.changed || refusal.kind != RefusalKind::Held {
            return refusal;
        }
        refusal.code = "media-changed".into();
        refusal.sentence = format!(
            "URLの先の画像・動画が、前に確かめたときから変わっています。前の承認では通せません。{}",
            refusal.sentence
        );
        refusal.sentence_en =
            format!("What the URL leads to has changed since it was last seen. {}", refusal.sentence_en);
        refusal.way_forward.push_str("元の画像・動画に戻して送り直すか、いまの内容で承認を受けてください。");
        Box::new(refusal.citing("sekisho:media-by-url"))
    }
}

impl Gate {
    /// Media by URL, fetched and bound to the post. An account that is only observed may still name what nobody here saw.
    pub(super) async fn looked(
        &self,
        rules: &Arc<Rules>,
        extracted: &mut Extracted,
        account: &Account,
        dossier: &mut Dossier,
    ) -> Result<Looked, Box<Refusal>> {
        let today = in_japan(self.clock.now()).date();
        match self.by_url.look((&self.scanner, rules, today), extracted, account, dossier).await {
            Err(refusal) if extracted.by_url && super::observed::observes(account, self.clock.now()) => {
                dossier.would_refuse = Some(refusal);
                Ok(Looked::default())
            }
            looked => looked,
        }
    }

    /// Writes the addresses of the gateway's own copies into what would leave.
    pub(super) fn swap(
        &self,
        recognised: &mut Recognised,
        extracted: &mut Extracted,
        looked: &Looked,
        dossier: &mut Dossier,
    ) -> Result<(), Box<Refusal>> {
        if !looked.swaps.is_empty() {
            swap::swap(recognised, extracted, &looked.swaps)?;
            super::note_body(dossier, extracted);
        }
        Ok(())
    }
}

/// The refusal of a post whose media nobody here can vouch for.
fn unseen() -> Refusal {
    Refusal::refused(
        "media-by-url",
        "画像・動画がURLで指定されていますが、承認した内容のままSNSに渡す方法が、この関所に設定されていません。",
        "The media are named by URL, and this gateway has no public address by which it could give the provider what was seen.",
        "画像・動画をファイルとして送ってください。URLで送る必要があるときは、情報政策課に `[media] public_url` の設定を依頼してください。",
    )
    .citing("sekisho:media-by-url")
}

/// The refusal of a post that names what the provider shows and nobody here can look at, or give a copy of.
fn hidden() -> Refusal {
    Refusal::refused(
        "media-url-hidden",
        "SNSが後から取得したり、SNSの側で作られたりした画像やカードを指す形式（LINEのイメージマップ、メッセージに添えた画像のURL、Xのカードなど）は、\
         何が表示されるかを関所が確かめられないため、通せません。",
        "The post names pictures or a card (an imagemap, a picture within a message, a card) that cannot be looked at here.",
        "画像はファイルとして送るか、URLで送れる別の形式（LINEの Flex Message など）に変えてください。リンクは本文に書いてください。",
    )
    .citing("sekisho:media-by-url")
}

fn too_many() -> Refusal {
    Refusal::refused(
        "media-url-too-many",
        format!("URLで指定された画像・動画が{MOST}件を超えているため、通せません。"),
        format!("More than {MOST} media are named by URL."),
        "画像・動画の数を減らすか、投稿を分けてください。",
    )
    .status(400)
    .citing("sekisho:media-by-url")
}

/// The refusal of a post with a medium that could not be had.
fn unfetched(why: Unfetched) -> Refusal {
    let (code, status, ja, en, way) = match why {
        Unfetched::Form => (
            "media-url-form",
            400,
            "画像・動画のURLは、https:// で始まる通常の形でなければ通せません。",
            "The URL of a medium is not a plain https URL.",
            "https:// で始まる、ポート番号やユーザー名のないURLを指定してください。",
        ),
        Unfetched::Private => (
            "media-url-private",
            403,
            "画像・動画のURLが、インターネットに公開されていない場所（庁内や機器そのもの）を指しているため、通せません。",
            "The URL of a medium, or where it redirects to, is not on the public internet.",
            "インターネットに公開されている画像・動画のURLを指定するか、ファイルとして送ってください。",
        ),
        Unfetched::Host => (
            "media-url-host",
            403,
            "画像・動画のURLのサイトは、関所が取得してよいサイトとして登録されていません。",
            "The host of the URL is not among those that may be called.",
            "登録されているサイトに画像・動画を置くか、情報政策課に登録を相談してください。",
        ),
        Unfetched::Redirects => (
            "media-url-redirects",
            403,
            "画像・動画のURLが何度も別の場所に転送されるため、通せません。",
            "The URL of a medium redirects too often, or to nowhere.",
            "転送されない、画像・動画そのもののURLを指定してください。",
        ),
        Unfetched::TooLarge => (
            "media-url-too-large",
            413,
            "URLで指定された画像・動画が大きすぎるため、通せません。",
            "The medium at the URL is too large.",
            "画像・動画を小さくしてから、もう一度送ってください。",
        ),
        Unfetched::Slow => (
            "media-url-slow",
            504,
            "URLで指定された画像・動画を、時間内に取得できませんでした。投稿はされていません。",
            "The medium at the URL did not arrive in time.",
            "URLが開けることを確かめてから、もう一度送ってください。",
        ),
        Unfetched::Unreachable => (
            "media-url-unreachable",
            502,
            "URLで指定された画像・動画を取得できませんでした。投稿はされていません。",
            "The medium at the URL could not be had.",
            "URLに誤りがないか、だれでも開けるかを確かめてから、もう一度送ってください。",
        ),
        Unfetched::Kind => (
            "media-url-not-media",
            403,
            "URLの先にあるものが、関所の知っている種類の画像・動画・音声ではないため、通せません。",
            "What the URL leads to is no picture, film or sound of a known kind.",
            "JPEG、PNG、GIF、WebP、MP4などの画像・動画そのもののURLを指定してください。",
        ),
        Unfetched::Spool => (
            "media-store-full",
            503,
            "取得した画像・動画を関所に保存できなかったため、通せませんでした。投稿はされていません。",
            "The medium could not be stored at the gateway.",
            "情報政策課に、関所の空き容量と `[media] store_bytes` を確かめるよう連絡してください。",
        ),
    };
    Refusal::refused(code, ja, en, way).status(status).citing("sekisho:media-by-url")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_and_a_way_forward_of_its_own() {
        use Unfetched::{Form, Host, Kind, Private, Redirects, Slow, Spool, TooLarge, Unreachable};
        let all = [Form, Private, Host, Redirects, TooLarge, Slow, Unreachable, Kind, Spool].map(unfetched);
        let codes: std::collections::BTreeSet<_> = all.iter().map(|refusal| refusal.code.clone()).collect();
        assert_eq!(codes.len(), all.len());
        for refusal in all {
            assert!(refusal.sentence.ends_with('。') && refusal.way_forward.ends_with('。'), "{}", refusal.code);
            assert_eq!(refusal.kind, RefusalKind::Refused);
        }
    }
}
