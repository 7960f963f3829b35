//! By what right a post passes, where it takes a look outside to tell: a page of the body's own site (長野 2(7)ただし書・1), what
//! the body's content management system says of one (長野 2(8)); and whether reports are overdue.
//!
//! A post that claims nothing pays for two looks at its headers. Evidence is looked at before the decision; the decision is
//! Cedar's.

use http::HeaderMap;

use super::{Gate, Rules, batch, header, unavailable};
use crate::approve::event::{self, Event};
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::approval::Pass;
use crate::domain::decision::{Refusal, RefusalKind};
use crate::domain::digest::Digest;
use crate::domain::dossier::{Dossier, Seen};
use crate::domain::exemption::Exemption;
use crate::domain::fetch::{Errand, Unfetched, Wants};
use crate::domain::outbound::OutBody;
use crate::domain::person::Client;
use crate::exempt::claim::{self, Asked};
use crate::exempt::page::{self, Page};
use crate::extract::Extracted;

const CLAIM: &str = "sekisho-exemption";

impl Gate {
    /// By what right the post asks to pass: as [`Gate::shown`] finds it, by a claim whose evidence is looked at here, or as
    /// the body's content management system shows that its page was approved.
    #[expect(clippy::too_many_arguments, reason = "each is a conclusion of an earlier stage, named once on the road")]
    pub(super) async fn claimed(
        &self,
        rules: &Rules,
        client: &Client,
        account: &Account,
        extracted: &Extracted,
        digest: &Digest,
        headers: &HeaderMap,
        emergency: bool,
        dossier: &mut Dossier,
    ) -> Result<Pass, Box<Refusal>> {
        if !extracted.action.needs_approval() {
            return self.shown(rules, client, account, extracted, digest, headers, emergency, dossier);
        }
        let urgent = emergency || headers.contains_key("sekisho-emergency");
        let claim = match header(headers, CLAIM)? {
            Some(claim) if !urgent => claim::asked(claim)?,
            Some(_) | None => None,
        };
        let mut pass = match claim {
            None => self.shown(rules, client, account, extracted, digest, headers, emergency, dossier)?,
            Some(_) if !extracted.items.is_empty() => return Err(Box::new(batch::no_exemption())),
            Some(asked) => match self.evidence(rules, asked, account, extracted, dossier).await {
                Ok(exemption) => Pass::Exempt(exemption),
                // Where the evidence does not hold, a decision does; without one the post waits for it.
                Err(refusal) => {
                    let mut unclaimed = headers.clone();
                    unclaimed.remove(CLAIM);
                    match self.shown(rules, client, account, extracted, digest, &unclaimed, emergency, dossier)? {
                        Pass::None => return Err(Box::new(if can_wait(&refusal) { refusal.held() } else { *refusal })),
                        decided => decided,
                    }
                }
            },
        };
        if pass == Pass::None && extracted.items.is_empty() {
            pass = self.deemed(rules, client, account, extracted, digest, headers, dossier).await?;
        }
        if let Pass::Exempt(exemption) = &pass {
            dossier.overdue = self.overdue(account, exemption)?;
        }
        Ok(pass)
    }

    /// The exemption that the claim amounts to, with its evidence.
    async fn evidence(
        &self,
        rules: &Rules,
        asked: Asked<'_>,
        account: &Account,
        extracted: &Extracted,
        dossier: &mut Dossier,
    ) -> Result<Exemption, Box<Refusal>> {
        let post = &extracted.post;
        match asked {
            Asked::AlreadyPublished { page } => {
                let page = self.page(rules, account, page, dossier).await?;
                Ok(page::already_published(post, &page)?)
            }
            Asked::EstablishedFact { template } => {
                Ok(claim::established_fact(template, post, &rules.templates, self.clock.now())?)
            }
            Asked::Statutory { law, article } => Ok(claim::statutory(law, article)?),
        }
    }

    /// A page of the body's own site, fetched now; its address and hash go to the ledger.
    async fn page(
        &self,
        rules: &Rules,
        account: &Account,
        url: &str,
        dossier: &mut Dossier,
    ) -> Result<Page, Box<Refusal>> {
        let sites = rules.guidelines.sites(&account.organisation);
        if !is_on(sites, url) {
            return Err(Box::new(not_own()));
        }
        self.landed(sites, url, dossier).await.map_err(|why| Box::new(unread(why)))
    }

    /// The page at the end of the way from this address, if it lies on the body's own site.
    async fn landed(&self, sites: &[String], url: &str, dossier: &mut Dossier) -> Result<Page, Unfetched> {
        let fetched = self.by_url.fetch(Errand { url: url.to_owned(), wants: Wants::Page }).await?;
        let landing = fetched.way.last().cloned().unwrap_or_default();
        let OutBody::Bytes(bytes) = &fetched.body else { return Err(Unfetched::Kind) };
        if !is_on(sites, &landing) {
            return Err(Unfetched::Host);
        }
        let is_text = matches!(fetched.content_type.as_str(), "text/html" | "text/plain" | "application/xhtml+xml");
        let page = Page::read(landing, bytes).filter(|_| is_text).ok_or(Unfetched::Kind)?;
        dossier.seen.push(Seen { url: page.url.clone(), sha256: page.sha256, len: bytes.len() as u64 });
        Ok(page)
    }

    /// What the body's content management system shows in the place of a decision: a signed publish event; or, where it
    /// cannot sign and calls by its own client key, a page that says what the post says.
    #[expect(clippy::too_many_arguments, reason = "each is a conclusion of an earlier stage, named once on the road")]
    async fn deemed(
        &self,
        rules: &Rules,
        client: &Client,
        account: &Account,
        extracted: &Extracted,
        digest: &Digest,
        headers: &HeaderMap,
        dossier: &mut Dossier,
    ) -> Result<Pass, Box<Refusal>> {
        if let Some(signed) = header(headers, event::HEADER)? {
            return self.by_event(rules, signed, account, extracted, digest);
        }
        if !client.cms || extracted.action != Action::Publish {
            return Ok(Pass::None);
        }
        let links = page::links(&extracted.post);
        let [link] = links.as_slice() else { return Ok(Pass::None) };
        let sites = rules.guidelines.sites(&account.organisation);
        if !is_on(sites, link) {
            return Ok(Pass::None);
        }
        // What cannot be read, or is another's, shows nothing: the post goes the way of every other.
        let Ok(page) = self.landed(sites, link, dossier).await else { return Ok(Pass::None) };
        Ok(page::of_cms(&extracted.post, &page).map_or(Pass::None, Pass::Exempt))
    }

    /// The approval that a signed publish event derives.
    fn by_event(
        &self,
        rules: &Rules,
        signed: &str,
        account: &Account,
        extracted: &Extracted,
        digest: &Digest,
    ) -> Result<Pass, Box<Refusal>> {
        let now = self.clock.now();
        let registry = self.ports.registry.as_ref();
        let standing = registry.standing(&account.id, now);
        let issuers = standing.map(|it| it.issuers.clone()).unwrap_or_default();
        let event: Event = event::verify(signed, &issuers, self.issuers.name(), now)?;
        if !is_on(rules.guidelines.sites(&account.organisation), event.page()) {
            return Err(Box::new(event::other_page()));
        }
        // 所属長による公開承認: whoever approved the page leads a section of this body, now.
        let book = registry.book(&account.organisation);
        let holding = registry.holding(event.approver(), now);
        let leads = book.is_some_and(|book| {
            book.people.contains_key(event.approver())
                && holding.positions.iter().any(|it| book.positions.get(it).is_some_and(|known| known.leads))
        });
        if !leads {
            return Err(Box::new(event::not_a_head()));
        }
        let approval = event.approval(account, extracted.action, &extracted.post, digest)?;
        if self.ports.approvals.approval(&approval.id).map_err(unavailable)?.is_some() {
            return Err(Box::new(event::spent()));
        }
        Ok(Pass::Approved { approval: Box::new(approval), use_number: 1, deposit: true })
    }

    /// Whether a report of this account is overdue. In an emergency a store that cannot tell stops nobody.
    fn overdue(&self, account: &Account, exemption: &Exemption) -> Result<bool, Box<Refusal>> {
        let found = self.ports.emergencies.overdue(&account.id, self.clock.now());
        match (found, exemption) {
            (Ok(overdue), _) => Ok(overdue),
            (Err(error), Exemption::Emergency { .. }) => {
                tracing::error!(%error, "whether a report is overdue cannot be told; an emergency does not wait for it");
                Ok(false)
            }
            (Err(error), _) => Err(unavailable(error)),
        }
    }
}

/// Whether a decision would let the post pass: then it waits for one. A claim that is badly written is mended instead.
fn can_wait(refusal: &Refusal) -> bool {
    refusal.kind == RefusalKind::Refused && refusal.status == 403
}

/// Whether the address is a plain `https` one on a host of the body's own site, or below one.
fn is_on(sites: &[String], url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let below = |site: &String| host == *site || host.strip_suffix(site.as_str()).is_some_and(|it| it.ends_with('.'));
    !host.contains(['@', ':', '\\', '%']) && sites.iter().any(below)
}

fn not_own() -> Refusal {
    Refusal::refused(
        "page-not-own",
        "指定されたページは、この団体のホームページのものではありません。",
        "The page is not on the body's own site.",
        "団体のホームページのページ（https://）を指定するか、所属長の決裁を受けてください。",
    )
    .citing("nagano:2(7)p・1")
}

fn unread(why: Unfetched) -> Refusal {
    let refusal = match why {
        Unfetched::Slow => Refusal::refused(
            "page-slow",
            "指定されたページを、時間内に取得できませんでした。",
            "The page did not arrive in time.",
            "ページが開けることを確かめてもう一度送信するか、所属長の決裁を受けてください。",
        ),
        Unfetched::Host | Unfetched::Private | Unfetched::Form => Refusal::refused(
            "page-elsewhere",
            "指定されたページから、団体のホームページではない場所へ転送されます。",
            "The page redirects to somewhere that is not the body's own site.",
            "転送されないページを指定するか、所属長の決裁を受けてください。",
        ),
        Unfetched::Kind | Unfetched::TooLarge => Refusal::refused(
            "page-not-text",
            "指定されたページは、文章として読み取れるページではありません（HTML・UTF-8・1MBまで）。",
            "The page is no HTML in UTF-8 of at most 1 MiB.",
            "文章のページを指定するか、所属長の決裁を受けてください。",
        ),
        Unfetched::Redirects | Unfetched::Unreachable | Unfetched::Spool => Refusal::refused(
            "page-unreachable",
            "指定されたページを取得できませんでした。",
            "The page could not be had.",
            "ページが公開されていることを確かめてもう一度送信するか、所属長の決裁を受けてください。",
        ),
    };
    refusal.citing("nagano:2(7)p・1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_bodys_own_by_its_host_alone() {
        let sites = ["city.nagano.nagano.jp".to_owned()];
        for url in ["https://city.nagano.nagano.jp", "https://www.City.nagano.nagano.jp/a?u=https://example.com/"] {
            assert!(is_on(&sites, url), "{url}");
        }
        let others = [
            "http://www.city.nagano.nagano.jp/",
            "https://www.city.nagano.nagano.jp.example.com/",
            "https://evilcity.nagano.nagano.jp/",
            "https://www.city.nagano.nagano.jp@example.com/",
            "https://www.city.nagano.nagano.jp:8443/",
            "https://example.com/?www.city.nagano.nagano.jp",
            "https://example.com\\.city.nagano.nagano.jp/",
            "",
        ];
        for url in others {
            assert!(!is_on(&sites, url), "{url}");
        }
    }

    #[test]
    fn every_reason_why_a_page_is_not_read_cites_the_clause() {
        use Unfetched::{Form, Host, Kind, Private, Redirects, Slow, Spool, TooLarge, Unreachable};
        for why in [Form, Private, Host, Redirects, TooLarge, Slow, Unreachable, Kind, Spool] {
            let refusal = unread(why);
            assert!(can_wait(&refusal) && refusal.clauses.len() == 1, "{}", refusal.code);
        }
    }
}
