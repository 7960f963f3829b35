//! Attacks: raw bytes against the doors, class by class. In every town of this file the plain post *is* approved, many
//! times over, so that whatever an attack disguises would pass if the disguise were undone somewhere.
//!
//! Each case asserts: the provider received nothing (a control: exactly the approved content, once), an answer or an
//! end came within five seconds, the gateway still greets afterwards, and one entry was made where the answer names
//! one, none where the door turned the request away.

mod h2;
mod scenes;
mod table;
mod wire;

use sekisho::demo::town as demo;
use sekisho::domain::action::Action;
use serde_json::{Value, json};

use crate::stage::{Town, digest_of, words};
use wire::{Answer, Door};

/// The approved post.
const HEALTH: &str = "【健康課】12月1日(火)10時から、区役所本庁舎で健康相談会を開きます。";

/// What is to happen.
#[derive(Clone, Debug)]
enum Want {
    /// The door turns it away: this code, no entry.
    Door(&'static str),
    /// The road refuses it: this code, one entry.
    Entry(&'static str),
    /// The road refuses it, by whichever clause: one entry.
    Refused,
    /// No tool is known: refused with an entry, which is in the gateway's own log.
    Stranger,
    /// The head was clean and the body was not: this code; an entry if the tool was known before the body broke.
    BrokenBody(&'static str),
    /// The connection ends, with or without a word.
    Ends,
    /// It passes with this body, once.
    Passes(Value),
    /// The first passes, whatever follows it does not.
    FirstOnly(Value),
}

/// One attack.
#[derive(Clone, Debug)]
struct Case {
    /// Class and number or words.
    pub name: String,
    /// Where it comes in.
    pub door: Door,
    /// What is sent.
    pub bytes: Vec<u8>,
    /// What is to happen.
    pub want: Want,
}

/// A town in which the plain posts are approved and the deadlines are short.
async fn town() -> Town {
    let town = Town::start_with(|config| {
        config.listen.limits.head_ms = 1_000;
        config.listen.limits.body_ms = 1_200;
        config.listen.limits.idle_ms = 2_500;
        config.extract.body_ms = 1_500;
        config.gate.requests_per_second = 10_000;
        config.gate.burst = 10_000;
    })
    .await;
    let x = digest_of(&town.config, "api.x.com", "POST", "/2/tweets", &words(HEALTH)).await;
    town.approve_for("nerima-x", Action::Publish, &x, 10_000).await;
    let body = broadcast(HEALTH);
    let line = digest_of(&town.config, "api.line.me", "POST", "/v2/bot/message/broadcast", &body).await;
    town.approve_for("nerima-line", Action::Publish, &line, 10_000).await;
    town
}

/// A LINE broadcast of one text.
fn broadcast(text: &str) -> String {
    json!({ "messages": [{ "type": "text", "text": text }] }).to_string()
}

/// Plays every case in one town; says all that went wrong, not only the first.
async fn play(cases: Vec<Case>) {
    assert!(cases.len() >= 5, "a class of {} cases shows little", cases.len());
    let town = town().await;
    let mut wrong = Vec::new();
    let mut passed = 0;
    for case in &cases {
        passed += usize::from(matches!(case.want, Want::Passes(_)));
        if let Err(what) = try_case(&town, case).await {
            wrong.push(format!("{}: {what}", case.name));
        }
    }
    assert!(passed > 0, "no valid control stands among the cases");
    assert!(wrong.is_empty(), "{} of {} went wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

async fn try_case(town: &Town, case: &Case) -> Result<(), String> {
    // X refuses the same words twice: each case begins with a provider that has seen nothing.
    town.provider.reset();
    let entries = town.entries("nerima").len();
    let answer = wire::send(town, &case.door, &case.bytes).await?;
    wire::greet(town).await?;
    let requests = town.provider.requests();
    let mut entered = town.entries("nerima").split_off(entries);
    entered.retain(|entry| entry["kind"] != "outcome");
    let told = || format!("{answer}; entries {:?}", entered.iter().map(|entry| &entry["code"]).collect::<Vec<_>>());
    let named = answer.entries();
    if named > entered.len() && !matches!(case.want, Want::Stranger) {
        return Err(format!("{named} entries are named, but not made: {}", told()));
    }
    match &case.want {
        Want::Passes(body) | Want::FirstOnly(body) => {
            let [request] = requests.as_slice() else {
                return Err(format!("the provider received {} requests: {}", requests.len(), told()));
            };
            if request.json().as_ref() != Some(body) {
                return Err(format!("the provider received {:?}", request.body));
            }
            let only = matches!(case.want, Want::FirstOnly(_)) || entered.len() == 1;
            if only && answer.passed() == 1 { Ok(()) } else { Err(told()) }
        }
        _ if !requests.is_empty() => Err(format!("the provider received {:?}: {}", requests[0].target, told())),
        _ if answer.passed() > 0 => Err(format!("it was answered well: {}", told())),
        Want::Door(code) if entered.is_empty() && answer.codes() == [*code] => Ok(()),
        Want::Entry(code) => {
            let refused = entered.len() == 1 && entered[0]["code"] == *code && named == 1;
            if refused { Ok(()) } else { Err(format!("not {code}: {}", told())) }
        }
        Want::Refused if entered.len() == 1 && entered[0]["kind"] == "refusal" && named == 1 => Ok(()),
        Want::Stranger if entered.is_empty() && answer.heads.iter().any(|head| head.status == 403) => Ok(()),
        Want::BrokenBody(code) if entered.len() <= 1 && answer.codes() == [*code] => Ok(()),
        Want::Ends if entered.is_empty() && answer.ended => Ok(()),
        Want::Door(_) | Want::Refused | Want::Stranger | Want::BrokenBody(_) | Want::Ends => Err(told()),
    }
}

/// The header lines that every tool sends.
fn identity() -> String {
    format!("sekisho-client: {}\r\nauthorization: Bearer practice-credential\r\n", demo::TOOL_KEY)
}

/// A request with a JSON body, its own length, and these further header lines.
fn request(method: &str, target: &str, host: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {host}\r\n{}{more}content-length: {}\r\nconnection: close\r\n\r\n",
        identity(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

impl Answer {
    fn passed(&self) -> usize {
        self.heads.iter().filter(|head| head.status < 300 && head.status >= 200).count()
    }
}

async fn class(name: &str) {
    play(table::cases(name)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_hosts_and_versions_that_nobody_described() {
    class("ep").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_two_readers_take_differently() {
    class("path").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn framing_that_two_readers_take_differently() {
    class("smug").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_and_absolute_targets_to_somewhere_else() {
    class("fwd").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_two_readers_take_differently() {
    class("json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_types_and_codings_that_hide_the_body() {
    class("type").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_and_multipart_that_two_readers_take_differently() {
    class("form").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_beside_the_approved_text() {
    class("side").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_and_scopes_of_somebody_else() {
    class("scope").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_to_line_that_nobody_approved() {
    class("line").await;
}

#[test]
fn there_are_enough_cases() {
    assert!(table::count() >= 300, "only {}", table::count());
}
