//! `demo --tour`: the story, played through the doors by a small tool, step by step, each step checked.

use std::io::Write;
use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use super::client::{Failed, Reply, Tool, console};
use super::town::{DUTY_KEY, MANAGER_KEY, STREAM_KEY};
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

    let held = tweet(stage, HEALTH).await?;
    steps.told("投稿ツールが、承認を受けていない投稿を送る", &held)?;
    steps.holds(held.status == 403 && held.header("sekisho-decision") == "held", "保留される")?;
    steps.holds(message(&held).contains("第11条") || message(&held).contains("nerima:11"), "根拠の条が示される")?;
    steps.holds(published(stage) == 0, "SNSには何も届いていない")?;

    let ticket = held.header("sekisho-ticket").to_owned();
    let path = format!("/api/v1/tickets/{ticket}/approve");
    let approved = console(stage.console, MANAGER_KEY, Method::POST, &path, Some(json!({}))).await?;
    steps.told("アカウント管理者が、受付番号で承認する", &approved)?;
    steps.holds(approved.status.is_success(), "承認が台帳に記録される")?;

    let passed = tweet(stage, HEALTH).await?;
    steps.told("投稿ツールが、同じ投稿をもう一度送る", &passed)?;
    steps.holds(passed.status == 201 && published(stage) == 1, "一度だけ公開される")?;

    let edited = tweet(stage, EDITED).await?;
    steps.told("承認後に開始時刻を一文字変えて送る", &edited)?;
    steps.holds(edited.status == 403 && published(stage) == 1, "別の投稿として止まる")?;

    let replayed = tweet(stage, HEALTH).await?;
    steps.told("承認済みの投稿をもう一度送る", &replayed)?;
    steps.holds(replayed.status == 403 && published(stage) == 1, "承認は一度しか使えない")?;

    let shortened = tweet(stage, SHORTENED).await?;
    steps.told("全角で書かれた短縮URLを含む投稿を送る", &shortened)?;
    steps
        .holds(shortened.header("sekisho-decision") == "refused" && published(stage) == 1, "短縮URLとして却下される")?;

    emergency(stage, &mut steps).await?;
    stream(stage, &mut steps).await?;
    let verified = (stage.verify)()?;
    steps.line(&format!("台帳を検証する: {verified}"))?;
    steps.line("すべての段が、話のとおりに進みました。")
}

async fn emergency(stage: &Stage<'_>, steps: &mut Steps<'_>) -> Result<(), Failed> {
    let early = stage.tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(text(FLOOD))).await?;
    steps.told("宣言のないまま、緊急の口へ送る", &early)?;
    steps.holds(early.status == 403 && published(stage) == 1, "宣言がないので止まる")?;

    let declaration = json!({ "reason": "石神井川の氾濫", "accounts": ["nerima-x"], "for_s": 6 * 3600 });
    let declared = console(stage.console, DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(declaration)).await?;
    steps.told("当直が、理由と終わりを決めて緊急を宣言する", &declared)?;
    steps.holds(declared.status.is_success(), "宣言が台帳に記録される")?;

    let template = "【緊急】○時○分、石神井川が氾濫しました。";
    let unfilled = stage.tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(text(template))).await?;
    steps.told("ひな形の「○時○分」を埋めずに緊急の口へ送る", &unfilled)?;
    steps.holds(unfilled.status == 403 && published(stage) == 1, "緊急のときも止まる")?;

    let flood = stage.tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(text(FLOOD))).await?;
    steps.told("緊急の投稿を送る", &flood)?;
    steps.holds(flood.status == 201 && published(stage) == 2, "承認を待たずに公開される")?;

    let reports = console(stage.console, MANAGER_KEY, Method::GET, "/api/v1/after-reports", None).await?;
    steps.told("事後報告の一覧を見る", &reports)?;
    let due = String::from_utf8_lossy(&reports.body).contains("\"due\"");
    steps.holds(reports.status.is_success() && due, "事後報告の期限が記録されている")
}

async fn stream(stage: &Stage<'_>, steps: &mut Steps<'_>) -> Result<(), Failed> {
    let path = "/api/v1/ledger/entries?organisation=nerima&after=-1";
    let entries = console(stage.console, STREAM_KEY, Method::GET, path, None).await?;
    let text = String::from_utf8_lossy(&entries.body).into_owned();
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let lines: Vec<Value> = lines.into_iter().filter(|line| line.get("index").is_some()).collect();
    for entry in &lines {
        let field = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        let index = entry.get("index").cloned().unwrap_or_default();
        steps.line(&format!("    {index:>3}  {:<10} {:<20} {}", field("kind"), field("code"), field("at")))?;
    }
    steps.line("情報政策課が、台帳の流れを読む")?;
    steps.holds(lines.len() >= 10, "却下も公開も宣言も、すべて並んでいる")
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

    fn told(&mut self, what: &str, reply: &Reply) -> Result<(), Failed> {
        self.number += 1;
        writeln!(self.out, "\n{}. {what}\n   → {}", self.number, reply.status)?;
        let said = message(reply);
        if !said.is_empty() {
            writeln!(self.out, "     {said}")?;
        }
        Ok(())
    }

    fn holds(&mut self, holds: bool, what: &str) -> Result<(), Failed> {
        if holds {
            self.line(&format!("   ✓ {what}"))
        } else {
            self.line(&format!("   ✗ {what}"))?;
            Err(format!("step {} went wrong: {what}", self.number).into())
        }
    }
}
