//! The vault: what it hands out and what it keeps.

use super::*;
use crate::config::credentials::Credentials as Config;

struct Fixed(Mutex<Timestamp>);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[derive(Default)]
struct Shelf(Mutex<HashMap<AccountId, Arc<SealedCredential>>>);

impl Credentials for Shelf {
    fn credential(&self, account: &AccountId) -> Option<Arc<SealedCredential>> {
        self.0.lock().unwrap().get(account).cloned()
    }
}

struct Stage {
    vault: Vault,
    shelf: Arc<Shelf>,
    clock: Arc<Fixed>,
    account: AccountId,
    _dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (shelf, clock) = (Arc::new(Shelf::default()), Arc::new(Fixed(Mutex::new(start()))));
        let config = Config { key_file: dir.path().join("key"), ..Config::default() };
        let vault = Vault::open(&config, shelf.clone(), clock.clone()).unwrap();
        Self { vault, shelf, clock, account: AccountId::new("nerima-x"), _dir: dir }
    }

    fn keep(&self, sealed: SealedCredential) {
        self.shelf.0.lock().unwrap().insert(sealed.account.clone(), Arc::new(sealed));
    }

    fn set(&self, secret: &str) {
        self.keep(self.vault.take_in(&self.account, secret, None).unwrap());
    }
}

fn start() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

const OAUTH2: &str = r#"{"kind":"oauth2","client_id":"app","refresh_token":"refresh-old"}"#;

#[test]
fn nerima_9_a_credential_is_overdue_after_its_date_and_locked_at_once() {
    let stage = Stage::new();
    let standing = || stage.vault.standing(&stage.account, stage.clock.now());
    assert_eq!(standing(), Standing::Own);
    stage.set("a-token");
    assert_eq!(standing(), Standing::Held);
    *stage.clock.0.lock().unwrap() = start() + SignedDuration::from_hours(24 * 180);
    assert_eq!(standing(), Standing::Overdue);
    let held = (*stage.vault.about(&stage.account).unwrap()).clone();
    stage.keep(SealedCredential { locked: true, ..held });
    assert_eq!(standing(), Standing::Locked);
    let mut outbound = renew::request(&Secret::parse(OAUTH2).unwrap(), &ProviderId::new("x"), Wears::Own).unwrap();
    outbound.wears = Wears::Held(stage.account.clone());
    assert_eq!(stage.vault.put_on(&mut outbound).unwrap_err().0, "credential-locked");
}

#[test]
fn a_rotation_that_changes_nothing_is_none() {
    let stage = Stage::new();
    stage.set("a-token");
    assert_eq!(stage.vault.take_in(&stage.account, "a-token", None).unwrap_err().0, "credential-same");
    assert!(stage.vault.take_in(&stage.account, "another-token", None).is_ok());
    let past = Some(start() - SignedDuration::from_hours(1));
    let refused = stage.vault.take_in(&stage.account, "another-token", past).unwrap_err();
    assert_eq!(refused.0, "credential-rotation-past");
}

#[test]
fn what_is_stored_shows_nothing() {
    let stage = Stage::new();
    stage.set("a-very-secret-token");
    let held = stage.vault.about(&stage.account).unwrap();
    assert!(!held.sealed.windows(6).any(|window| window == b"secret"));
    assert!(!format!("{held:?}").contains("secret"));
}

#[test]
fn a_token_is_renewed_before_it_is_shown_and_again_when_the_provider_refuses_it() {
    let stage = Stage::new();
    stage.set(OAUTH2);
    let stale = |ahead| stage.vault.is_stale(&stage.account, stage.clock.now(), ahead);
    assert!(stale(0));
    let answer = br#"{"access_token":"access-1","refresh_token":"refresh-1","expires_in":7200}"#;
    stage.keep(stage.vault.renewed(&stage.account, 200, answer).unwrap());
    assert!(!stale(30) && stale(7200));
    stage.vault.doubt(&stage.account);
    assert!(!stale(0), "a token of this minute is not renewed again");
    *stage.clock.0.lock().unwrap() = start() + SignedDuration::from_mins(2);
    stage.vault.doubt(&stage.account);
    assert!(stale(0));
}

#[test]
fn after_a_renewal_that_failed_the_provider_is_left_alone_for_a_while() {
    let stage = Stage::new();
    stage.set(OAUTH2);
    let ask = || stage.vault.renewal(&stage.account, &ProviderId::new("x")).map(|_| ()).map_err(|error| error.0);
    assert_eq!(ask(), Ok(()));
    assert_eq!(stage.vault.renewed(&stage.account, 503, b"").unwrap_err().0, "renewal-refused");
    assert_eq!(ask(), Err("renewal-failed"));
    *stage.clock.0.lock().unwrap() = start() + PAUSE;
    assert_eq!(ask(), Ok(()));
}

/// A person may bring another credential while the provider is asked for a token of the old one.
#[test]
fn what_was_renewed_of_the_old_credential_never_takes_the_place_of_a_new_one() {
    let stage = Stage::new();
    stage.set(OAUTH2);
    let mut asked = stage.vault.renewal(&stage.account, &ProviderId::new("x")).unwrap();
    *stage.clock.0.lock().unwrap() = start() + SignedDuration::from_secs(1);
    stage.set(&OAUTH2.replace("refresh-old", "refresh-new"));
    let held = stage.vault.about(&stage.account).unwrap();
    assert_eq!(stage.vault.put_on(&mut asked).unwrap_err().0, "credential-changed", "the new one is not asked with");
    let answer = br#"{"access_token":"access-1","refresh_token":"refresh-1","expires_in":7200}"#;
    assert_eq!(stage.vault.renewed(&stage.account, 200, answer).unwrap_err().0, "credential-changed");
    assert_eq!(stage.vault.about(&stage.account).unwrap(), held);
    // The new one is renewed at once, as if nothing had been asked.
    stage.vault.renewal(&stage.account, &ProviderId::new("x")).unwrap();
    stage.keep(stage.vault.renewed(&stage.account, 200, answer).unwrap());
    assert!(!stage.vault.is_stale(&stage.account, stage.clock.now(), 30));
}

#[test]
fn an_at_protocol_session_that_has_ended_begins_anew_with_the_app_password() {
    let stage = Stage::new();
    stage.set(
        r#"{"kind":"atproto","host":"bsky.social","identifier":"a","app_password":"p","access_token":"a","refresh_token":"r"}"#,
    );
    let path = || stage.vault.renewal(&stage.account, &ProviderId::new("bluesky")).unwrap().path_and_query;
    assert!(path().ends_with("refreshSession"));
    stage.keep(stage.vault.renewed(&stage.account, 400, br#"{"error":"ExpiredToken"}"#).unwrap());
    assert!(path().ends_with("createSession"));
    assert!(stage.vault.is_stale(&stage.account, start(), 0));
}
