//! `demo --tour`: the story, played through the doors by a small tool, step by step, each step checked.

use std::io::Write;
use std::net::SocketAddr;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::{Failed, Reply, Tool, console};
use super::town::{DUTY_KEY, MANAGER_KEY, STREAM_KEY};
use crate::domain::clock::for_people;
use crate::practice::Practice;

/// What the tour plays on.
pub struct Stage<'a> {
    /// 練馬区's posting tool.
    pub tool: Tool,
    /// The console port.
    pub console: SocketAddr,
    /// The practice providers, whose record is the truth of what was published.
    pub practice: &'a Practice,
    /// Verifies the ledger of every log; the text says what was verified.
    pub verify: &'a (dyn Fn() -> Result<String, String> + Sync),
}

const HEALTH: &str =
    "【健康課】令和8年12月1日(火)10時から、区役所本庁舎アトリウムで健康相談会を開きます。予約は不要です。";
const EDITED: &str =
    "【健康課】令和8年12月1日(火)11時から、区役所本庁舎アトリウムで健康相談会を開きます。予約は不要です。";
const SHORTENED: &str = "健康相談会のくわしい案内はこちらです。https://ｂｉｔ。ｌｙ/3xKenko";
const FLOOD: &str =
    "【緊急】石神井川が氾濫危険水位に達しました。川の近くの方は、ただちに安全な場所へ避難してください。";

/// Plays the story. The error names the step that went wrong.
pub async fn play(stage: &Stage<'_>, out: &mut (dyn Write + Send)) -> Result<(), Failed> {
    let mut steps = Steps { out, number: 0 };
    steps.line("関所のひとめぐり  A tour of sekisho")?;
    steps.line("")?;
    steps
        .line("練馬区の職員が、区の公式Xアカウントでお知らせを出します。相手は練習用のSNSで、外には何も送りません。")?;
    steps.line("A ward office posts to X. The providers are practice ones on this machine; nothing leaves it.")?;

    let held = tweet(stage, HEALTH).await?;
    steps.begins("投稿ツールが、まだ承認されていない投稿を送る", "A post that nobody has approved yet")?;
    steps.sent(HEALTH)?;
    steps.answered(&held)?;
    steps.holds(held.status == 403 && held.header("sekisho-decision") == "held", "投稿は保留される", "held")?;
    let cited = message(&held).contains("nerima:11");
    steps.holds(cited, "根拠は区のガイドライン第11条（nerima:11）と示される", "the clause is named")?;
    steps.holds(published(stage) == 0, "SNSには何も届いていない", "the provider got nothing")?;

    let ticket = held.header("sekisho-ticket").to_owned();
    approval(stage, &mut steps, &ticket).await?;

    let passed = tweet(stage, HEALTH).await?;
    steps.begins("投稿ツールが、同じ投稿をもう一度送る", "The same post again, now approved")?;
    steps.sent(HEALTH)?;
    steps.answered(&passed)?;
    let once = passed.status == 201 && published(stage) == 1;
    steps.holds(once, "承認されたとおりに、一度だけ公開される", "published once, as approved")?;

    let edited = tweet(stage, EDITED).await?;
    steps.begins("承認のあとで、開始時刻を10時から11時に変えて送る", "The hour was changed after the approval")?;
    steps.sent(EDITED)?;
    steps.answered(&edited)?;
    let stopped = edited.status == 403 && published(stage) == 1;
    steps.holds(stopped, "一文字でも違えば別の投稿なので、止まる", "one character makes it another post")?;

    let replayed = tweet(stage, HEALTH).await?;
    steps.begins("公開済みの投稿を、もう一度送る", "The approved post a second time")?;
    steps.sent(HEALTH)?;
    steps.answered(&replayed)?;
    let stopped = replayed.status == 403 && published(stage) == 1;
    steps.holds(stopped, "承認は一度しか使えないので、止まる", "an approval is good once")?;

    let shortened = tweet(stage, SHORTENED).await?;
    steps.begins("短縮URLを全角で書いて送る", "A shortened link, disguised in full-width letters")?;
    steps.sent(SHORTENED)?;
    steps.answered(&shortened)?;
    let stopped = shortened.header("sekisho-decision") == "refused" && published(stage) == 1;
    steps.holds(stopped, "短縮URLと見抜かれ、承認があっても通らない", "refused; no approval would help")?;

    emergency(stage, &mut steps).await?;
    stream(stage, &mut steps).await?;
    steps.begins("台帳を検証する", "The ledger is verified")?;
    let verified = (stage.verify)()?;
    let whole = format!("欠けた記録も、書き換えられた記録もない（{verified}）");
    steps.holds(!verified.is_empty(), &whole, "nothing is missing or altered")?;
    steps.line("")?;
    steps.line("すべての段が、話のとおりに進みました。  Every step went as told.")
}

/// The manager sees the very post, then approves it.
async fn approval(stage: &Stage<'_>, steps: &mut Steps<'_>, ticket: &str) -> Result<(), Failed> {
    let path = format!("/api/v1/tickets/{ticket}");
    let seen = console(stage.console, MANAGER_KEY, Method::GET, &path, None).await?;
    steps.begins("アカウント管理者が、受付番号で投稿を開いて読む", "The manager reads the held post")?;
    let shown = seen.json();
    let words = shown.pointer("/post/texts/0/text").and_then(Value::as_str).unwrap_or_default();
    steps.sent(words)?;
    steps.holds(words == HEALTH, "公開されるとおりの文面が見える", "exactly as it would be published")?;

    let approved =
        console(stage.console, MANAGER_KEY, Method::POST, &format!("{path}/approve"), Some(json!({}))).await?;
    steps.begins("アカウント管理者が承認する", "The manager approves it")?;
    steps.answered(&approved)?;
    let entered = approved.status.is_success() && !approved.header("sekisho-entry").is_empty();
    steps.holds(entered, "承認が台帳に記録される", "the approval is in the ledger")
}

async fn emergency(stage: &Stage<'_>, steps: &mut Steps<'_>) -> Result<(), Failed> {
    let early = stage.tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(text(FLOOD))).await?;
    steps.begins("緊急の宣言がないまま、緊急用の入口へ送る", "The emergency door without a declaration")?;
    steps.sent(FLOOD)?;
    steps.answered(&early)?;
    steps.holds(early.status == 403 && published(stage) == 1, "宣言がないので止まる", "refused")?;

    let declaration = json!({ "reason": "石神井川の氾濫", "accounts": ["nerima-x"], "for_s": 6 * 3600 });
    let declared = console(stage.console, DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(declaration)).await?;
    steps.begins("当直が、理由と終わりの時刻を決めて緊急を宣言する", "The duty officer declares an emergency")?;
    steps.answered(&declared)?;
    steps.holds(declared.status.is_success(), "宣言が台帳に記録される", "the declaration is in the ledger")?;

    let template = "【緊急】○時○分、石神井川が氾濫しました。";
    let unfilled = stage.tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(text(template))).await?;
    steps.begins("ひな形の「○時○分」を埋めずに、緊急用の入口へ送る", "A template that was not filled in")?;
    steps.sent(template)?;
    steps.answered(&unfilled)?;
    let stopped = unfilled.status == 403 && published(stage) == 1;
    steps.holds(stopped, "緊急のときも、内容の確認は省かれない", "filters stay in an emergency")?;

    let flood = stage.tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(text(FLOOD))).await?;
    steps.begins("緊急のお知らせを送る", "The flood warning")?;
    steps.sent(FLOOD)?;
    steps.answered(&flood)?;
    let passed = flood.status == 201 && published(stage) == 2;
    steps.holds(passed, "承認を待たずに公開される", "published without waiting for an approver")?;

    let reports = console(stage.console, MANAGER_KEY, Method::GET, "/api/v1/after-reports", None).await?;
    steps.begins("アカウント管理者が、事後報告の一覧を見る", "The report that is now owed")?;
    let owed = reports.json();
    let due = owed.pointer("/after_reports/0/due").and_then(Value::as_str).unwrap_or_default();
    let due: Result<Timestamp, _> = due.parse();
    let until = due.as_ref().map(|due| for_people(*due)).unwrap_or_default();
    let what = format!("事後報告の期限（{until}）が記録されている");
    steps.holds(reports.status.is_success() && due.is_ok(), &what, "an after-report is due")
}

async fn stream(stage: &Stage<'_>, steps: &mut Steps<'_>) -> Result<(), Failed> {
    let path = "/api/v1/ledger/entries?organisation=nerima&after=-1";
    let entries = console(stage.console, STREAM_KEY, Method::GET, path, None).await?;
    let text = String::from_utf8_lossy(&entries.body).into_owned();
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    steps.begins("情報政策課が、練馬区の台帳を読む", "The security team reads the ledger")?;
    steps.line("")?;
    steps.line(&row(["番号", "日時（日本時間）", "種類", "内容"]))?;
    let mut told = Vec::new();
    for line in &lines {
        let (Some(index), Some(entry)) = (line.get("index").and_then(Value::as_u64), line.get("entry")) else {
            continue;
        };
        let at: Timestamp = entry.get("at").and_then(Value::as_str).unwrap_or_default().parse()?;
        let (kind, what) = kind_and_what(entry);
        steps.line(&row([&index.to_string(), &for_people(at), kind, &what]))?;
        told.push(kind);
    }
    steps.line("")?;
    let all = ["保留", "却下", "許可", "結果", "操作"].iter().all(|kind| told.contains(kind));
    steps.holds(all, "保留も却下も許可も結果も操作も、起きた順にすべて並んでいる", "everything, in order")
}

/// What an entry tells, in a word and in detail.
fn kind_and_what(entry: &Value) -> (&'static str, String) {
    let field = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match (field("kind").as_str(), field("decision").as_str()) {
        ("refusal", "held") => ("保留", field("code")),
        ("refusal", _) => ("却下", field("code")),
        ("permit", _) => ("許可", field("rule")),
        ("outcome", _) => ("結果", format!("{} {}", field("outcome"), field("code")).trim_end().to_owned()),
        ("act", _) => ("操作", format!("{} {}", field("act"), field("result"))),
        (_, _) => ("その他", field("kind")),
    }
}

/// One line of the table.
fn row(columns: [&str; 4]) -> String {
    let [index, at, kind, what] = columns;
    format!("     {}{}{}{what}", wide(index, 6), wide(at, 26), wide(kind, 8))
}

/// `text` filled with spaces to so many columns of a terminal, where a Japanese character takes two.
fn wide(text: &str, columns: usize) -> String {
    let width: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(columns.saturating_sub(width)))
}

async fn tweet(stage: &Stage<'_>, words: &str) -> Result<Reply, Failed> {
    stage.tool.send(Method::POST, "api.x.com", "/2/tweets", &[], Some(text(words))).await
}

fn text(words: &str) -> String {
    json!({ "text": words }).to_string()
}

fn published(stage: &Stage<'_>) -> usize {
    stage.practice.posts().len()
}

/// What an SDK would show of a refusal.
fn message(reply: &Reply) -> String {
    let body = reply.json();
    body.get("detail").or_else(|| body.get("message")).and_then(Value::as_str).unwrap_or_default().to_owned()
}

struct Steps<'a> {
    out: &'a mut (dyn Write + Send),
    number: u32,
}

impl Steps<'_> {
    fn line(&mut self, text: &str) -> Result<(), Failed> {
        writeln!(self.out, "{text}")?;
        Ok(())
    }

    /// A step begins: what happens, in Japanese and in short English.
    fn begins(&mut self, what: &str, english: &str) -> Result<(), Failed> {
        self.number += 1;
        self.line("")?;
        self.line(&format!("{:>2}. {what}", self.number))?;
        self.line(&format!("    {english}"))
    }

    /// The words of the post.
    fn sent(&mut self, words: &str) -> Result<(), Failed> {
        self.line(&format!("      「{words}」"))
    }

    /// What came back.
    fn answered(&mut self, reply: &Reply) -> Result<(), Failed> {
        let decision = match reply.header("sekisho-decision") {
            "held" => "保留",
            "refused" => "却下",
            "permitted" => "通過",
            _ => "受付",
        };
        self.line(&format!("    → {decision} ({})", reply.status.as_u16()))?;
        let said = message(reply);
        if said.is_empty() { Ok(()) } else { self.line(&format!("      {said}")) }
    }

    fn holds(&mut self, holds: bool, what: &str, english: &str) -> Result<(), Failed> {
        let mark = if holds { '✓' } else { '✗' };
        self.line(&format!("    {mark} {what}  {english}"))?;
        if holds { Ok(()) } else { Err(format!("step {} went wrong: {what} ({english})", self.number).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_what_an_entry_tells_and_stays_straight() {
        let held = json!({ "kind": "refusal", "decision": "held", "code": "approval-missing" });
        assert_eq!(kind_and_what(&held), ("保留", "approval-missing".to_owned()));
        let known = json!({ "kind": "outcome", "outcome": "published" });
        assert_eq!(kind_and_what(&known), ("結果", "published".to_owned()));
        assert_eq!(wide("番号", 6), "番号  ");
        assert_eq!(wide("12", 6), "12    ");
    }
}
