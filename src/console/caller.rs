//! Who calls: a person by key, this machine's command line for a named person, or a reader of the log stream.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header::AUTHORIZATION;
use http::request::Parts;
use subtle::ConstantTimeEq;

use super::Desk;
use super::answer::Ended;
use crate::config::{Problem, private};
use crate::domain::account::{GATEWAY_LOG, OrganisationId};
use crate::domain::chance;
use crate::domain::clock::in_japan;
use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;
use crate::domain::person::{Person, PersonId};

/// The header in which the command line names the person it acts for.
pub const PERSON_HEADER: &str = "sekisho-person";

/// Longest key, in bytes.
const LONGEST_KEY: usize = 1024;

/// Failed attempts that one address may make in a minute.
const FAILURES_A_MINUTE: NonZeroU32 = match NonZeroU32::new(30) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

/// Addresses that are remembered before old ones are let go.
const MOST_ADDRESSES: usize = 10_000;

/// The key with which this machine's own command line calls: whoever can read the file may act for any person, so it
/// is made with mode 0600 and refused when others can read it.
pub struct LocalKey {
    hash: Sha256,
}

impl LocalKey {
    /// Opens the key file, making it on first start.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let make = || chance::new_key().ok_or_else(|| Problem::of_file(path, "the system gives no random bytes"));
        let key = private::read_or_create(path, make)?;
        let key = key.trim();
        // An empty file would be a key that everybody knows.
        if key.len() < 32 {
            return Err(Problem::of_file(
                path,
                "the key is shorter than 32 characters; remove the file to make a new one",
            ));
        }
        Ok(Self { hash: Sha256::of(key.as_bytes()) })
    }
}

/// The address of the other end, put into each request by `serve`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Counts failed attempts by address. A right key is never turned away for the failures of others behind the same
/// address: in an emergency the whole office may share one.
pub(super) struct Failures {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for Failures {
    fn default() -> Self {
        Self { limiter: RateLimiter::keyed(Quota::per_minute(FAILURES_A_MINUTE)) }
    }
}

impl Failures {
    /// The answer to one more failure: 401, or 429 when there were too many.
    fn failed(&self, peer: IpAddr) -> Refusal {
        if self.limiter.len() > MOST_ADDRESSES {
            self.limiter.retain_recent();
        }
        if self.limiter.check_key(&peer).is_err() {
            return Refusal::refused(
                "too-many-attempts",
                "認証の失敗が続いたため、しばらく受け付けできません。",
                "Too many failed attempts from this address.",
                "1分ほど待ってから、利用キーをご確認のうえお試しください。",
            )
            .status(429);
        }
        Refusal::refused(
            "key-unknown",
            "利用キーを確認できません。",
            "The key is missing or not known here.",
            "Authorization ヘッダーに Bearer で利用キーを指定してください。",
        )
        .status(401)
    }
}

/// A person who acts.
pub(super) struct Acting(pub(super) Arc<Person>);

/// Somebody who wants a draft looked at, a person or a posting tool, by the body.
pub(super) struct Asking(pub(super) OrganisationId);

/// Somebody who reads logs: a person, or a holder of a stream key.
pub(super) enum Reading {
    /// A person, who sees the own body's log.
    Person(Arc<Person>),
    /// The security team, which sees every log.
    Stream,
}

impl Reading {
    /// The log that is meant: the named one, if the caller may see it, else the only one there can be.
    pub(super) fn log(&self, named: Option<&str>, desk: &Desk) -> Result<OrganisationId, Ended> {
        match (self, named) {
            (Self::Person(person), None) => Ok(person.organisation.clone()),
            (Self::Person(person), Some(name)) if person.organisation.as_str() == name => {
                Ok(person.organisation.clone())
            }
            (Self::Person(_), Some(_)) => Err(super::answer::not_found()),
            (Self::Stream, Some(GATEWAY_LOG)) => Ok(OrganisationId::new(GATEWAY_LOG)),
            (Self::Stream, Some(name)) => desk
                .registry
                .organisations()
                .into_iter()
                .find(|it| it.as_str() == name)
                .ok_or_else(super::answer::not_found),
            (Self::Stream, None) => match desk.registry.organisations().as_slice() {
                [only] => Ok(only.clone()),
                _ => Err(super::answer::bad_request("there are several logs; name one with ?organisation=")),
            },
        }
    }
}

impl FromRequestParts<Arc<Desk>> for Reading {
    type Rejection = Ended;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Ended> {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
        known(parts, desk).ok_or_else(|| desk.failures.failed(peer).into())
    }
}

impl FromRequestParts<Arc<Desk>> for Acting {
    type Rejection = Ended;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Ended> {
        match Reading::from_request_parts(parts, desk).await? {
            Reading::Person(person) => Ok(Self(person)),
            Reading::Stream => Err(Refusal::refused(
                "key-reads-only",
                "このキーは記録の閲覧専用です。",
                "This key may only read the log.",
                "操作には、ご本人の利用キーをお使いください。",
            )
            .into()),
        }
    }
}

impl FromRequestParts<Arc<Desk>> for Asking {
    type Rejection = Ended;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Ended> {
        let client = shown(parts).and_then(|key| desk.registry.client_by_key(&Sha256::of(key.as_bytes()).hex()));
        if let Some(client) = client {
            return Ok(Self(client.organisation.clone()));
        }
        Acting::from_request_parts(parts, desk).await.map(|Acting(person)| Self(person.organisation.clone()))
    }
}

/// The key in the one `Authorization: Bearer` header.
fn shown(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && key.len() <= LONGEST_KEY).then_some(key)
}

/// Whether the person holds a position today: who has left keeps a key, but it opens nothing. Where a body keeps no
/// registry, whoever was declared does.
fn works(desk: &Desk, person: &Person) -> bool {
    let book = desk.registry.book(&person.organisation).filter(|book| book.charter.is_some());
    book.is_none_or(|book| book.is_employed(&person.id, in_japan(desk.clock.now()).date()))
}

/// The caller that the one `Authorization: Bearer` header shows.
fn known(parts: &Parts, desk: &Desk) -> Option<Reading> {
    let hash = Sha256::of(shown(parts)?.as_bytes());
    if bool::from(hash.0.ct_eq(&desk.local_key.hash.0)) {
        let mut names = parts.headers.get_all(PERSON_HEADER).iter();
        let (name, None) = (names.next()?.to_str().ok()?, names.next()) else { return None };
        return desk.registry.person(&PersonId::new(name)).filter(|it| works(desk, it)).map(Reading::Person);
    }
    let hex = hash.hex();
    if let Some(person) = desk.registry.person_by_key(&hex).filter(|it| works(desk, it)) {
        return Some(Reading::Person(person));
    }
    desk.config.stream_keys_sha256.contains(&hex).then_some(Reading::Stream)
}
