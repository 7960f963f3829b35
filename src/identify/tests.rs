//! Keys, accounts and scopes.

use std::net::Ipv4Addr;

use jiff::civil::{date, time};

use super::*;
use crate::domain::account::{AccountKind, AccountState, OrganisationId};
use crate::domain::person::{ClientId, Hours, Person, PersonId};

struct Town {
    clients: Vec<Arc<Client>>,
    accounts: Vec<Arc<Account>>,
}

impl Registry for Town {
    fn client_by_key(&self, key: &str) -> Option<Arc<Client>> {
        self.clients.iter().find(|client| client.key_sha256 == key).cloned()
    }
    fn client(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.clients.iter().find(|client| client.id == *id).cloned()
    }
    fn account(&self, id: &AccountId) -> Option<Arc<Account>> {
        self.accounts.iter().find(|account| account.id == *id).cloned()
    }
    fn account_by_fingerprint(&self, provider: &ProviderId, print: &str) -> Option<Arc<Account>> {
        let fits = |a: &&Arc<Account>| a.provider == *provider && a.credential_fingerprints.iter().any(|p| p == print);
        self.accounts.iter().find(fits).cloned()
    }
    fn accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.clone()
    }
    fn person(&self, _: &PersonId) -> Option<Arc<Person>> {
        None
    }
    fn person_by_key(&self, _: &str) -> Option<Arc<Person>> {
        None
    }
    fn organisations(&self) -> Vec<OrganisationId> {
        vec![OrganisationId::new("nerima")]
    }
}

#[test]
fn a_credential_that_is_signed_over_the_url_needs_the_forward_proxy() {
    let shown = [
        ("authorization", "OAuth oauth_consumer_key=\"k\", oauth_signature=\"s\""),
        ("authorization", "oauth\toauth_token=\"t\""),
        ("authorization", "DPoP abc"),
        ("dpop", "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.c2ln"),
    ];
    for (name, value) in shown {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        for door in [Door::Path, Door::Origin] {
            let refusal = url_bound(door, &headers).unwrap_err();
            assert_eq!(refusal.code, "needs-forward", "{value}");
            assert!(refusal.way_forward.contains("HTTPS_PROXY"), "{}", refusal.way_forward);
        }
        for door in [Door::Absolute, Door::Tunnel, Door::Transparent] {
            assert!(url_bound(door, &headers).is_ok(), "{value}");
        }
    }
    let mut bearer = HeaderMap::new();
    bearer.insert("authorization", "Bearer oauth".parse().unwrap());
    assert!(url_bound(Door::Path, &bearer).is_ok());
    assert!(url_bound(Door::Origin, &HeaderMap::new()).is_ok());
}

fn an_account(id: &str, provider: &str, prints: &[&str]) -> Arc<Account> {
    Arc::new(Account {
        id: AccountId::new(id),
        organisation: OrganisationId::new("nerima"),
        provider: ProviderId::new(provider),
        handle: format!("@{id}"),
        kind: AccountKind::General,
        state: AccountState::Active,
        manager: PersonId::new("kacho"),
        operators: Vec::new(),
        operating_policy: None,
        credential_fingerprints: prints.iter().map(|print| (*print).to_owned()).collect(),
        trouble: Default::default(),
        observe: None,
    })
}

fn a_client(accounts: &[&str]) -> Client {
    Client {
        id: ClientId::new("cms"),
        organisation: OrganisationId::new("nerima"),
        owner: PersonId::new("shuji"),
        key_sha256: Sha256::of(b"right-key").hex(),
        accounts: accounts.iter().map(|id| AccountId::new(*id)).collect(),
        actions: vec![Action::Publish],
        categories: Vec::new(),
        hours: None,
        until: None,
        sources: Vec::new(),
        cms: false,
    }
}

fn town(accounts: Vec<Arc<Account>>) -> Town {
    let ids: Vec<String> = accounts.iter().map(|account| account.id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Town { clients: vec![Arc::new(a_client(&ids))], accounts }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn shown(pairs: &[(&'static str, &str)], tunnel: Option<&str>) -> Result<Arc<Client>, Refusal> {
    let tunnel = tunnel.map(|value| HeaderValue::from_str(value).unwrap());
    client(
        &headers(pairs),
        tunnel.as_ref(),
        (Door::Path, (Ipv4Addr::LOCALHOST, 1).into()),
        &town(vec![an_account("nx", "x", &[])]),
    )
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

#[test]
fn a_client_is_known_by_its_key_in_every_place_a_tool_can_put_it() {
    let ways: [(&'static str, String); 6] = [
        ("sekisho-client", "right-key".to_owned()),
        ("proxy-authorization", "Bearer right-key".to_owned()),
        ("proxy-authorization", "bearer right-key".to_owned()),
        ("proxy-authorization", basic("cms:right-key")),
        ("proxy-authorization", basic("right-key:")),
        ("proxy-authorization", basic(":right-key")),
    ];
    for (name, value) in ways {
        assert_eq!(shown(&[(name, &value)], None).unwrap().id.as_str(), "cms", "{name}: {value}");
    }
    assert_eq!(shown(&[], Some(&basic("any:right-key"))).unwrap().id.as_str(), "cms");
    assert!(shown(&[("sekisho-client", "right-key")], Some("Bearer right-key")).is_ok());
}

#[test]
fn a_wrong_missing_or_unreadable_key_is_unknown_and_never_answered_with_407() {
    let long = "k".repeat(2000);
    let ways: [Vec<(&'static str, &str)>; 8] = [
        vec![],
        vec![("sekisho-client", "wrong-key")],
        vec![("sekisho-client", "")],
        vec![("sekisho-client", &long)],
        vec![("proxy-authorization", "Basic !!!")],
        vec![("proxy-authorization", "Digest right-key")],
        vec![("proxy-authorization", "right-key")],
        vec![("authorization", "Bearer right-key")],
    ];
    for way in ways {
        let refusal = shown(&way, None).unwrap_err();
        assert_eq!((refusal.code.as_ref(), refusal.status), ("client-unknown", 403), "{way:?}");
        assert!(!refusal.message().contains("wrong-key"));
    }
}

#[test]
fn two_different_keys_at_once_are_refused_even_when_one_is_right() {
    let ways = [
        (vec![("sekisho-client", "right-key"), ("sekisho-client", "other")], None),
        (vec![("sekisho-client", "right-key"), ("proxy-authorization", "Bearer other")], None),
        (vec![("sekisho-client", "right-key")], Some("Bearer other")),
    ];
    for (way, tunnel) in ways {
        assert_eq!(shown(&way, tunnel).unwrap_err().code, "client-ambiguous", "{way:?}");
    }
}

fn resolved(town: &Town, named: Option<&str>, print: Option<&str>) -> Result<String, String> {
    let headers = headers(&named.map(|name| ("sekisho-account", name)).into_iter().collect::<Vec<_>>());
    account(&town.clients[0], &ProviderId::new("x"), &headers, print, town, &|_| false)
        .map(|account| account.id.to_string())
        .map_err(|refusal| refusal.code.into_owned())
}

#[test]
fn the_account_is_the_named_one_else_the_credentials_else_the_only_one() {
    let one = town(vec![an_account("nx", "x", &[]), an_account("nl", "line", &[])]);
    let two = town(vec![an_account("nx", "x", &["f1"]), an_account("ny", "x", &["f2"])]);
    let cases = [
        (&one, None, None, Ok("nx")),
        (&one, Some("nx"), None, Ok("nx")),
        (&one, Some("nl"), None, Err("account-unknown")),
        (&one, Some("nobody"), None, Err("account-unknown")),
        (&one, None, Some("anything"), Ok("nx")),
        (&two, None, None, Err("account-ambiguous")),
        (&two, Some("ny"), None, Ok("ny")),
        (&two, None, Some("f2"), Ok("ny")),
        (&two, Some("ny"), Some("f2"), Ok("ny")),
        (&two, Some("nx"), Some("f2"), Err("account-mismatch")),
        (&two, None, Some("private"), Err("private-credential")),
        (&two, Some("nx"), Some("private"), Err("private-credential")),
    ];
    for (town, named, print, expected) in cases {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(resolved(town, named, print), expected, "{named:?} {print:?}");
    }
}

#[test]
fn an_account_that_the_client_may_not_use_is_refused_by_name_and_by_credential() {
    let mut town = town(vec![an_account("nx", "x", &["f1"]), an_account("ny", "x", &["f2"])]);
    town.clients = vec![Arc::new(a_client(&["nx"]))];
    assert_eq!(resolved(&town, Some("ny"), None), Err("account-out-of-scope".to_owned()));
    assert_eq!(resolved(&town, None, Some("f2")), Err("account-out-of-scope".to_owned()));
    assert_eq!(resolved(&town, None, None), Ok("nx".to_owned()));
}

#[test]
fn the_same_account_named_twice_is_one_and_two_names_are_none() {
    let town = town(vec![an_account("nx", "x", &[]), an_account("ny", "x", &[])]);
    let provider = ProviderId::new("x");
    let twice = headers(&[("sekisho-account", "nx"), ("sekisho-account", "nx")]);
    assert!(account(&town.clients[0], &provider, &twice, None, &town, &|_| false).is_ok());
    let two = headers(&[("sekisho-account", "nx"), ("sekisho-account", "ny")]);
    assert_eq!(
        account(&town.clients[0], &provider, &two, None, &town, &|_| false).unwrap_err().code,
        "account-ambiguous"
    );
}

#[test]
fn a_scope_is_accounts_actions_categories_hours_and_a_last_day_in_japan() {
    let account = an_account("nx", "x", &[]);
    let base = a_client(&["nx"]);
    let hours = Client { hours: Some(Hours { from: time(8, 30, 0, 0), to: time(17, 15, 0, 0) }), ..base.clone() };
    let night = Client { hours: Some(Hours { from: time(22, 0, 0, 0), to: time(6, 0, 0, 0) }), ..base.clone() };
    let ends = Client { until: Some(date(2026, 11, 22)), ..base.clone() };
    let topics = Client { categories: vec!["events".to_owned()], ..base.clone() };
    let elsewhere = a_client(&["ny"]);
    // 08:30 in Japan is 23:30 of the day before in UTC.
    let cases = [
        (&base, Action::Publish, None, "2026-11-22T00:00:00Z", None),
        (&base, Action::Delete, None, "2026-11-22T00:00:00Z", Some("action-out-of-scope")),
        (&elsewhere, Action::Publish, None, "2026-11-22T00:00:00Z", Some("account-out-of-scope")),
        (&hours, Action::Publish, None, "2026-11-21T23:30:00Z", None),
        (&hours, Action::Publish, None, "2026-11-21T23:29:59Z", Some("outside-hours")),
        (&hours, Action::Publish, None, "2026-11-22T08:15:00Z", Some("outside-hours")),
        (&night, Action::Publish, None, "2026-11-22T13:00:00Z", None),
        (&night, Action::Publish, None, "2026-11-22T03:00:00Z", Some("outside-hours")),
        (&ends, Action::Publish, None, "2026-11-22T14:59:59Z", None),
        (&ends, Action::Publish, None, "2026-11-22T15:00:00Z", Some("client-expired")),
        (&topics, Action::Publish, Some("events"), "2026-11-22T00:00:00Z", None),
        (&topics, Action::Publish, Some("disaster"), "2026-11-22T00:00:00Z", Some("category-out-of-scope")),
        (&topics, Action::Publish, None, "2026-11-22T00:00:00Z", None),
        (&base, Action::Publish, Some("anything"), "2026-11-22T00:00:00Z", None),
    ];
    for (client, action, category, now, expected) in cases {
        let code = scope(client, &account, action, category, now.parse().unwrap()).err().map(|r| r.code.into_owned());
        assert_eq!(code.as_deref(), expected, "{action} {category:?} {now}");
    }
}

#[test]
fn an_account_lives_on_the_server_that_its_handle_names_or_on_the_only_one() {
    let at = |handle: &str, server: &str, sole: bool| {
        let account = Account { handle: handle.to_owned(), ..Account::clone(&an_account("koho", "mastodon", &[])) };
        at_home(&account, server, sole).map_err(|refusal| refusal.code)
    };
    let home = "social.city.example";
    assert_eq!(at("@koho@social.city.example", home, false), Ok(true));
    assert_eq!(at("koho@Social.City.Example", home, false), Ok(true));
    assert_eq!(at("@koho@social.city.example", "other.example", true), Err("account-other".into()));
    assert_eq!(at("@koho", home, true), Ok(true));
    assert_eq!(at("@koho", home, false), Ok(false));
}
