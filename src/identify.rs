//! Who calls: the client by its key, then the account the request is for, then whether its scope covers it.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::domain::account::{Account, AccountId, ProviderId};
use crate::domain::action::Action;
use crate::domain::arrival::Door;
use crate::domain::clock::in_japan;
use crate::domain::credential::{STAND_IN, Standing};
use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;
use crate::domain::person::Client;
use crate::domain::ports::Registry;

/// The header with the client key.
pub const CLIENT_HEADER: &str = "sekisho-client";
/// The header that names the account.
pub const ACCOUNT_HEADER: &str = "sekisho-account";

/// Longest client key, in bytes: more is not a key, and need not be hashed.
const LONGEST_KEY: usize = 1024;

/// The client that shows a key: `Sekisho-Client: <key>`, or `Proxy-Authorization` (Basic, the key as password; Bearer)
/// on the request or on the CONNECT that opened its tunnel.
///
/// The registry is asked for the SHA-256 of the key, so that no comparison of secrets takes a time that tells of them.
/// The answer is 403 and never 407, since a client that is asked again sends the same key again.
///
/// Without a key, the address that it comes `from` counts, at the transparent door alone (its tools know of no gateway),
/// where the registry has exactly one client for it. A key that is shown and unknown is never made good by an address.
pub fn client(
    headers: &HeaderMap,
    tunnel_credential: Option<&HeaderValue>,
    from: (Door, SocketAddr),
    registry: &dyn Registry,
) -> Result<Arc<Client>, Refusal> {
    let mut keys = Vec::new();
    for value in headers.get_all(CLIENT_HEADER) {
        keys.push(plain_key(value).ok_or_else(unreadable_key)?);
    }
    for value in headers.get_all(PROXY_AUTHORIZATION).iter().chain(tunnel_credential) {
        keys.push(proxy_key(value).ok_or_else(unreadable_key)?);
    }
    let Some((first, others)) = keys.split_first() else {
        return match from {
            (Door::Transparent, peer) => registry.client_by_source(peer.ip()).ok_or_else(no_key),
            (_, _) => Err(no_key()),
        };
    };
    let hash = Sha256::of(first);
    if others.iter().any(|other| Sha256::of(other) != hash) {
        return Err(Refusal::refused(
            "client-ambiguous",
            "投稿ツールの利用キーが二つ以上、食い違って送られています。",
            "Two different client keys were shown at once.",
            "利用キーは一つだけ設定してください。",
        ));
    }
    registry.client_by_key(&hash.hex()).ok_or_else(|| {
        Refusal::refused(
            "client-unknown",
            "この投稿ツールは登録されていません。",
            "The client key is not registered.",
            "利用キーをご確認いただくか、広報担当課に投稿ツールの登録をお申し出ください。",
        )
    })
}

fn no_key() -> Refusal {
    Refusal::refused(
        "client-unknown",
        "投稿ツールの利用キーが送られていません。",
        "No client key was shown.",
        "投稿ツールのプロキシ設定のパスワード欄、または Sekisho-Client ヘッダーに利用キーを設定してください。",
    )
}

fn unreadable_key() -> Refusal {
    Refusal::refused(
        "client-unknown",
        "投稿ツールの利用キーを読み取れません。",
        "The client key cannot be read: Sekisho-Client, or Proxy-Authorization with Basic or Bearer.",
        "利用キーの設定をご確認ください。",
    )
}

fn plain_key(value: &HeaderValue) -> Option<Vec<u8>> {
    let key = value.as_bytes().trim_ascii();
    (!key.is_empty() && key.len() <= LONGEST_KEY).then(|| key.to_vec())
}

/// The key in a `Proxy-Authorization`: the password of Basic, or its user where the password is empty, since some
/// tools have one field only; or the value of Bearer.
fn proxy_key(value: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, credential) = value.to_str().ok()?.trim().split_once(' ')?;
    let credential = credential.trim();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        credential.as_bytes().to_vec()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = STANDARD.decode(credential).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        let (user, password) = (pair.get(..colon)?, pair.get(colon + 1..)?);
        if password.is_empty() { user.to_vec() } else { password.to_vec() }
    } else {
        return None;
    };
    (!key.is_empty() && key.len() <= LONGEST_KEY).then_some(key)
}

/// A credential that is signed over the URL that the tool called holds at the provider only if that URL is the
/// provider's own: OAuth 1.0a (RFC 5849 section 3.4.1) and DPoP (RFC 9449 section 4.3) need the forward proxy.
///
/// # Errors
/// Refusal `needs-forward` at a reverse door.
pub fn url_bound(door: Door, headers: &HeaderMap) -> Result<(), Refusal> {
    match door {
        Door::Absolute | Door::Tunnel | Door::Transparent => return Ok(()),
        Door::Path | Door::Origin => {}
    }
    let signed = |value: &HeaderValue| {
        let scheme = value.as_bytes().trim_ascii_start().split(|byte| *byte == b' ' || *byte == b'\t').next();
        scheme.is_some_and(|name| name.eq_ignore_ascii_case(b"oauth") || name.eq_ignore_ascii_case(b"dpop"))
    };
    if !headers.contains_key("dpop") && !headers.get_all(AUTHORIZATION).iter().any(signed) {
        return Ok(());
    }
    Err(Refusal::refused(
        "needs-forward",
        "この投稿ツールの認証方式（OAuth 1.0a または DPoP）は、送信先のURLに署名するため、この入口では使えません。投稿はされていません。",
        "The credential (OAuth 1.0a or DPoP) is signed over the URL, so it cannot be used at a reverse door.",
        "投稿ツールの送信先をSNSの本来のURLに戻し、プロキシ（HTTPS_PROXY）にこのゲートウェイを設定してください。設定の方法は情報システム担当課にご相談ください。",
    ))
}

/// The account: `Sekisho-Account`, else the fingerprint of the provider credential, else the client's only account at
/// this provider. A named account and a known fingerprint that disagree are refused; so is an account out of scope.
///
/// Where accounts of this provider have fingerprints registered, a credential that is not among them is refused: a
/// post that was meant for one's own account must not go out through the office's tool, nor the other way round
/// (弥富市 2018, 川崎市 2024). The same holds where the gateway holds the credential of one of them.
pub fn account(
    client: &Client,
    provider: &ProviderId,
    headers: &HeaderMap,
    credential_fingerprint: Option<&str>,
    registry: &dyn Registry,
    is_held: &dyn Fn(&AccountId) -> bool,
) -> Result<Arc<Account>, Refusal> {
    let named = named_account(provider, headers, registry)?;
    // The stand-in says only that the tool brings no credential of its own.
    let credential = credential_fingerprint.filter(|print| !is_stand_in(print));
    let shown = credential.and_then(|print| registry.account_by_fingerprint(provider, print));
    if credential.is_some() && shown.is_none() && has_credentials(provider, registry, is_held) {
        return Err(Refusal::refused(
            "private-credential",
            "登録された公式アカウントの認証情報ではありません。個人のアカウントなど、別のアカウントの認証情報が使われているおそれがあります。投稿はされていません。",
            "The provider credential is not one of a registered account.",
            "投稿ツールに設定されているアカウントをご確認ください。認証情報を更新した場合は、広報担当課に登録の変更をお申し出ください。",
        )
        .citing("sekisho:account-resolution"));
    }
    let account = match (named, shown) {
        (Some(named), Some(shown)) if named.id != shown.id => {
            return Err(Refusal::refused(
                "account-mismatch",
                format!("指定されたアカウント「{}」と、送られた認証情報のアカウントが一致しません。", named.id),
                "The named account and the account of the provider credential differ.",
                "どのアカウントで発信するのかをご確認ください。",
            ));
        }
        (Some(account), _) | (None, Some(account)) => account,
        (None, None) => only_account(client, provider, registry)?,
    };
    in_scope(client, &account)?;
    if credential_fingerprint.is_some_and(is_stand_in) && !is_held(&account.id) {
        return Err(Refusal::refused(
            "credential-not-held",
            format!("アカウント「{}」の認証情報は、関所に登録されていません。投稿はされていません。", account.id),
            "The tool shows the stand-in, but the gateway holds no credential of this account.",
            "アカウント管理者またはSNS運用責任者に、認証情報の登録を依頼してください。",
        )
        .citing("sekisho:custody"));
    }
    Ok(account)
}

/// A request whose path or fields name an account by the provider's number or DID must mean the registered one, where that
/// is registered by its number or DID too: a page that is no account of the body's is nobody's to post to (練馬 第3条、第5条).
///
/// # Errors
/// Refusal `account-other`.
pub fn destined(account: &Account, named: &[String]) -> Result<(), Refusal> {
    let number = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let did = |id: &str| id.starts_with("did:");
    let own = account.handle.as_str();
    let other = named.iter().find(|id| (number(id) && number(own) || did(id) && did(own)) && id.as_str() != own);
    other.map_or(Ok(()), |other| Err(another(account, other)))
}

/// Whether the account lives on the server that the request is for, at a provider that everybody may run: its handle says
/// so, or the body uses one server only (`sole`). An account that lives elsewhere is another one, whatever its name.
///
/// # Errors
/// Refusal `account-other`.
pub fn at_home(account: &Account, server: &str, sole: bool) -> Result<bool, Refusal> {
    match account.home() {
        Some(home) if home.eq_ignore_ascii_case(server) => Ok(true),
        Some(_) => Err(another(account, server)),
        None => Ok(sole),
    }
}

fn another(account: &Account, other: &str) -> Refusal {
    let own = &account.handle;
    Refusal::refused(
        "account-other",
        format!(
            "宛先（{other}）は、登録されたアカウント「{}」（{own}）ではありません。投稿はされていません。",
            account.id
        ),
        "The request names an account of the provider that is not the registered one.",
        "投稿ツールに設定した宛先（ページやアカウントの番号、サーバーの名前）をご確認ください。新しいアカウントは、開設の承認を受けてから登録してください。",
    )
    .citing("sekisho:account-resolution")
}

/// Whether a credential with this fingerprint is the stand-in of a tool that brings none.
fn is_stand_in(fingerprint: &str) -> bool {
    static PRINT: LazyLock<String> = LazyLock::new(|| Sha256::of(STAND_IN.as_bytes()).hex());
    fingerprint == *PRINT
}

/// A tool may not sign in to an account whose credential the gateway holds: what the provider would hand out is what
/// custody keeps from tools and staff (練馬 第9条, 長野 5(2)).
///
/// # Errors
/// Refusal `credential-in-custody`.
pub fn sign_in(action: Action, account: &Account, standing: Standing) -> Result<(), Refusal> {
    if action != Action::SignIn || !standing.is_held() {
        return Ok(());
    }
    Err(Refusal::refused(
        "credential-in-custody",
        format!(
            "アカウント「{}」の認証情報は関所が預かっているため、投稿ツールからのサインインはできません。",
            account.id
        ),
        "The gateway holds this account's credential; a tool does not sign in to it.",
        "投稿ツールの認証情報の欄には sekisho と入れてください。サインインは要りません。",
    )
    .citing("sekisho:custody"))
}

fn named_account(
    provider: &ProviderId,
    headers: &HeaderMap,
    registry: &dyn Registry,
) -> Result<Option<Arc<Account>>, Refusal> {
    let mut values = headers.get_all(ACCOUNT_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(ambiguous("アカウントの指定が二つ以上、食い違って送られています。"));
    }
    let name = value.to_str().map(str::trim).ok();
    name.and_then(|name| registry.account(&AccountId::new(name)))
        .filter(|account| account.provider == *provider)
        .map(Some)
        .ok_or_else(|| unknown("指定されたアカウントは、このSNSのアカウントとして登録されていません。"))
}

fn has_credentials(provider: &ProviderId, registry: &dyn Registry, is_held: &dyn Fn(&AccountId) -> bool) -> bool {
    let known = |account: &Account| !account.credential_fingerprints.is_empty() || is_held(&account.id);
    registry.accounts().iter().any(|account| account.provider == *provider && known(account))
}

fn only_account(client: &Client, provider: &ProviderId, registry: &dyn Registry) -> Result<Arc<Account>, Refusal> {
    let mut candidates =
        client.accounts.iter().filter_map(|id| registry.account(id)).filter(|account| account.provider == *provider);
    let first = candidates
        .next()
        .ok_or_else(|| unknown("この投稿ツールで使えるアカウントが、このSNSには登録されていません。"))?;
    if candidates.any(|other| other.id != first.id) {
        return Err(ambiguous(
            "この投稿ツールは、このSNSで二つ以上のアカウントを使えるため、どのアカウントか分かりません。",
        ));
    }
    Ok(first)
}

fn unknown(sentence: &str) -> Refusal {
    Refusal::refused(
        "account-unknown",
        sentence,
        "The account is not registered at this provider.",
        "アカウントの名前をご確認いただくか、広報担当課に登録をお申し出ください。",
    )
}

fn ambiguous(sentence: &str) -> Refusal {
    Refusal::refused(
        "account-ambiguous",
        sentence,
        "It is not clear which account is meant.",
        "Sekisho-Account ヘッダーで、アカウントを一つ指定してください。",
    )
}

fn in_scope(client: &Client, account: &Account) -> Result<(), Refusal> {
    if client.accounts.contains(&account.id) && account.organisation == client.organisation {
        return Ok(());
    }
    Err(Refusal::refused(
        "account-out-of-scope",
        format!("この投稿ツールは、アカウント「{}」を使うことを認められていません。", account.id),
        "The client may not use this account.",
        "使えるアカウントをご確認いただくか、広報担当課に利用範囲の変更をお申し出ください。",
    ))
}

/// Whether the client's scope covers this: account, action, category, hours, last day (C26).
pub fn scope(
    client: &Client,
    account: &Account,
    action: Action,
    category: Option<&str>,
    now: Timestamp,
) -> Result<(), Refusal> {
    in_scope(client, account)?;
    let local = in_japan(now);
    if let Some(until) = client.until
        && local.date() > until
    {
        return Err(Refusal::refused(
            "client-expired",
            format!(
                "この投稿ツールの利用期限（{}年{}月{}日）を過ぎています。",
                until.year(),
                until.month(),
                until.day()
            ),
            "The client's last day has passed.",
            "引き続き利用する場合は、所管課から利用期間の延長をお申し出ください。",
        )
        .citing("nerima:18"));
    }
    if !client.actions.contains(&action) {
        return Err(Refusal::refused(
            "action-out-of-scope",
            "この投稿ツールは、この操作を認められていません。",
            format!("The client may not ask for the action `{action}`."),
            "認められている操作をご確認いただくか、広報担当課に利用範囲の変更をお申し出ください。",
        ));
    }
    if let Some(category) = category
        && !client.categories.is_empty()
        && !client.categories.iter().any(|allowed| allowed == category)
    {
        return Err(Refusal::refused(
            "category-out-of-scope",
            "この投稿ツールは、この分野の情報を発信することを認められていません。",
            "The client may not name this category.",
            "分野の指定（Sekisho-Category）をご確認ください。",
        ));
    }
    if let Some(hours) = client.hours
        && !hours.contains(local.time())
    {
        let shown = |time: jiff::civil::Time| format!("{}時{:02}分", time.hour(), time.minute());
        return Err(Refusal::refused(
            "outside-hours",
            format!("この投稿ツールを使える時間（{}から{}まで）ではありません。", shown(hours.from), shown(hours.to)),
            "It is outside the client's hours.",
            "使える時間に改めて送信してください。",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
