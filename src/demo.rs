//! `sekisho demo`: two towns, their tools and practice providers on this machine; nothing leaves it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::config::Problem;
use crate::domain::clock::Clock;
use crate::domain::ports::Chance;
use crate::practice::{Authority, Practice};
use crate::serve::{self, Running};

pub mod client;
pub mod tour;
pub mod town;

use client::{Failed, Tool};
use town::Upstream;

/// A demo that runs: gateway and practice providers, with everything in one directory.
pub struct Demo {
    /// The gateway.
    pub running: Running,
    /// The practice providers.
    pub practice: Practice,
}

/// What verifies the ledger of a demo; the text says what was verified.
pub type Verify = fn(&crate::config::Config) -> Result<String, String>;

/// Starts a demo that keeps everything under `dir`.
pub async fn start(dir: &Path, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<Demo, Vec<Problem>> {
    let whole = |reason: String| vec![Problem { file: None, line: None, reason }];
    let authority = Authority::make().map_err(|error| whole(error.to_string()))?;
    let any_port = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let practice =
        Practice::start(any_port, authority, Arc::clone(&clock)).await.map_err(|error| whole(error.to_string()))?;
    let ca = dir.join("practice-ca.pem");
    std::fs::write(&ca, practice.ca_pem()).map_err(|error| whole(error.to_string()))?;
    let config = town::config(dir, &Upstream { address: practice.address(), ca: &ca });
    let running = serve::start(config, clock, chance).await?;
    std::fs::write(dir.join("root.pem"), &running.root_pem).map_err(|error| whole(error.to_string()))?;
    Ok(Demo { running, practice })
}

/// Plays the tour in `dir` and stops.
pub async fn tour(
    dir: &Path,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    verify: Verify,
    out: &mut (dyn Write + Send),
) -> Result<(), Failed> {
    let demo = start(dir, clock, chance).await.map_err(|problems| in_words(&problems))?;
    let upstream = Upstream { address: demo.practice.address(), ca: &dir.join("practice-ca.pem") };
    let config = town::config(dir, &upstream);
    let stage = tour::Stage {
        tool: Tool::new(demo.running.gateway, town::TOOL_KEY, &demo.running.root_pem)?,
        console: demo.running.console,
        practice: &demo.practice,
        verify: &|| verify(&config),
    };
    let played = tour::play(&stage, out).await;
    demo.running.stop().await;
    played
}

/// Problems, one a line.
pub fn in_words(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What to try, ready to be copied.
pub fn what_to_try(demo: &Demo, dir: &Path) -> String {
    let (gateway, console) = (demo.running.gateway, demo.running.console);
    let root = dir.join("root.pem");
    let root = root.display();
    let (tool, manager, duty, stream) = (town::TOOL_KEY, town::MANAGER_KEY, town::DUTY_KEY, town::STREAM_KEY);
    format!(
        "\
関所のデモが動いています。外には何も送りません。（Ctrl+C で終わります）
The demo runs on this machine; nothing leaves it. Press Ctrl+C to stop.

  gateway  {gateway}
  console  http://{console}
  CA       {root}

1. 承認を受けていない投稿は保留されます。 A post that nobody approved is held:

  curl -sS -x http://tool:{tool}@{gateway} --cacert {root} https://api.x.com/2/tweets \\
    -H 'Authorization: Bearer practice-credential' -H 'Content-Type: application/json' \\
    -d '{{\"text\":\"12月1日に健康相談会を開きます。\"}}'

2. 管理者が、待っている投稿を読み、承認します。 The manager reads what waits, and approves it:

  TICKET=$(curl -sS http://{console}/api/v1/tickets -H 'Authorization: Bearer {manager}' \\
    | grep -o '\"id\":\"[^\"]*' | head -n 1 | cut -d '\"' -f 4)
  curl -sS http://{console}/api/v1/tickets/$TICKET -H 'Authorization: Bearer {manager}'
  curl -sS http://{console}/api/v1/tickets/$TICKET/approve -H 'Authorization: Bearer {manager}' \\
    -H 'Content-Type: application/json' -d '{{}}'

   もう一度 1. を送ると公開されます。その次は、また保留されます。 Send 1. again: it is published, and once only.
   認証情報を関所に預けたアカウントなら、送り直さずに $TICKET/release で公開できます。 Where the gateway holds the
   account's credential, POST to $TICKET/release publishes it without sending again.

3. 短縮URLは、全角で書いても止まります。 A shortened link is refused, in disguise too:

  curl -sS -x http://tool:{tool}@{gateway} --cacert {root} https://api.x.com/2/tweets \\
    -H 'Authorization: Bearer practice-credential' -H 'Content-Type: application/json' \\
    -d '{{\"text\":\"くわしくは https://ｂｉｔ。ｌｙ/abc へ\"}}'

4. 緊急のときは、当直が宣言し、緊急用の入口（/emergency/）へ送ります。承認は待たず、内容の確認は省きません。
   In an emergency the duty officer declares it, then:

  curl -sS http://{console}/api/v1/emergencies -H 'Authorization: Bearer {duty}' -H 'Content-Type: application/json' \\
    -d '{{\"reason\":\"河川の氾濫\",\"accounts\":[\"nerima-x\"],\"for_s\":3600}}'
  curl -sS http://{gateway}/emergency/x/2/tweets -H 'Sekisho-Client: {tool}' \\
    -H 'Authorization: Bearer practice-credential' -H 'Content-Type: application/json' \\
    -d '{{\"text\":\"川の近くの方は、ただちに避難してください。\"}}'

5. 情報政策課は、台帳を流れてくる順に読みます（Ctrl+C で止めます）。 The security team reads the stream:

  curl -sSN 'http://{console}/api/v1/ledger/stream?organisation=nerima&after=-1' -H 'Authorization: Bearer {stream}'
"
    )
}
