//! The sentences of refusals that the store decides: what changed between the look and the entry, and acts that cannot be.

use crate::domain::decision::Refusal;

/// The refusal of a failed condition.
pub fn of_code(code: &'static str) -> Refusal {
    told(code).unwrap_or_else(|| {
        Refusal::refused(
            code,
            "記録の条件が満たされなかったため、実行しませんでした。",
            "A condition of the record did not hold, so nothing was done.",
            "状況を確認してから、もう一度お試しください。",
        )
    })
}

/// The refusal with a sentence of its own.
fn told(code: &'static str) -> Option<Refusal> {
    of_post(code)
        .or_else(|| of_register(code))
        .or_else(|| of_container(code))
        .or_else(|| of_act(code))
        .or_else(|| of_account_act(code))
        .or_else(|| of_registry(code))
        .or_else(|| of_release(code))
        .or_else(|| of_incident(code))
}

/// Refusals of posts.
fn of_post(code: &'static str) -> Option<Refusal> {
    let (ja, en, way) = match code {
        "approval-spent" => (
            "この承認は、すでに使用されています。一つの承認で発信できる回数を超えるため、送信しませんでした。",
            "This approval was used already.",
            "もう一度発信する必要がある場合は、新たに承認を受けてください。",
        ),
        "approval-revoked" => (
            "この承認は取り消されています。",
            "This approval was revoked.",
            "内容を確認し、必要であれば改めて承認を受けてください。",
        ),
        "approval-expired" => (
            "この承認の有効期限が過ぎています。",
            "This approval has expired.",
            "改めて承認を受けてから、送信してください。",
        ),
        "approval-not-yet" => (
            "この承認は、まだ使用できる時刻になっていません。",
            "This approval cannot be used yet.",
            "承認の開始時刻を過ぎてから、送信してください。",
        ),
        "approval-missing" => (
            "この承認は登録されていません。",
            "This approval is not known.",
            "承認者に、承認の登録を確認してください。",
        ),
        "approval-mismatch" => (
            "承認された内容・アカウント・操作と、送信しようとした内容が一致しません。",
            "The approval is not for this post, account and action.",
            "承認を受けた内容のまま送信するか、変更後の内容で承認を受けてください。",
        ),
        "approval-conflict" => (
            "同じ番号で、内容の異なる承認がすでに登録されています。",
            "Another approval is known under this name.",
            "承認を新しい番号で発行し直してください。",
        ),
        "approval-before-restore" => (
            "記録をバックアップから復元する前に出された承認のため、使用済みかどうかを確かめられません。",
            "This approval was given before the records were restored from a backup.",
            "改めて承認を受けてください。",
        ),
        "self-approval" => (
            "発信する人（送信ツールの責任者）自身の承認では、発信できません。",
            "The author or the tool's owner cannot approve.",
            "ほかの承認者に承認を依頼してください。",
        ),
        "account-not-active" => (
            "このアカウントは現在、運用中ではありません（停止・閉鎖など）。",
            "This account is not in use.",
            "アカウント管理者に、アカウントの状態を確認してください。",
        ),
        "account-locked" => (
            "このアカウントは緊急に停止されています。投稿はされていません。",
            "This account has been locked; nothing was sent.",
            "停止の理由をアカウント管理者に確認してください。再開できるのはアカウント管理者です。",
        ),
        "emergency-ended" => (
            "緊急時の宣言は、すでに終了しているか、このアカウントを対象としていません。",
            "The emergency has ended or is not for this account.",
            "緊急の発信が必要な場合は、改めて宣言するか、通常の承認を受けてください。",
        ),
        "resend-not-open" => (
            "再送の対象となる記録の結果がすでに確定しているため、同じ再送キーでは送信できません。",
            "The outcome of the first request is known, so it cannot be sent again under this retry key.",
            "発信の結果を確認し、必要であれば新しい発信として承認を受けてください。",
        ),
        _ => return None,
    };
    let status = if code == "self-approval" { 403 } else { 409 };
    Some(Refusal::refused(code, ja, en, way).status(status).citing(clause(code)))
}

/// The refusal of a post that the register of closed matters has overtaken.
fn of_register(code: &'static str) -> Option<Refusal> {
    let moved = (code == "register-moved").then(|| {
        Refusal::refused(
            code,
            "判断のあいだに、公表できない内容の登録が変わったため、送信しませんでした。",
            "The register of what may not be published yet has changed since the post was examined.",
            "同じ内容をもう一度送信してください。新しい登録に照らして判断し直します。",
        )
    });
    Some(moved?.status(409).citing("sekisho:register"))
}

/// Refusals of publishing what was made in a request before.
fn of_container(code: &'static str) -> Option<Refusal> {
    let (ja, en, way) = match code {
        "unknown-container" => (
            "公開しようとした投稿（コンテナ）は、この関所を通って作成されたものではありません。中身を確かめられないため、公開しませんでした。",
            "The container was not made through the gateway.",
            "同じ投稿ツールから、投稿の作成（コンテナの作成）からやり直してください。",
        ),
        "foreign-container" => (
            "公開しようとした投稿（コンテナ）は、別のアカウントのために作成されたものです。",
            "The container was made for another account.",
            "作成に使ったアカウントで公開するか、このアカウントで作成からやり直してください。",
        ),
        "container-part" => (
            "公開しようとしたものは、カルーセルの一部として作成されたもので、それだけでは公開できません。",
            "The container is a part of a carousel and cannot be published by itself.",
            "カルーセル全体を作成して承認を受け、それを公開してください。",
        ),
        "container-published" => (
            "この投稿（コンテナ）は、すでに公開されたか、公開された可能性があります。二重に公開しないため、送信しませんでした。",
            "The container was published already, or may have been.",
            "公開されているかどうかをSNSの画面で確認してください。",
        ),
        "container-expired" => (
            "この投稿（コンテナ）は作成から24時間を過ぎたため、公開できません。",
            "The container was made more than 24 hours ago and has expired.",
            "投稿の作成からやり直し、改めて承認を受けてください。",
        ),
        "container-changed" => (
            "公開の操作に、作成のときに判断された中身にないものが加えられています。",
            "The publication carries what the container did not have when it was judged.",
            "公開の操作には、作成した投稿（コンテナ）の番号だけを送ってください。内容を変えるときは、作成からやり直してください。",
        ),
        _ => return None,
    };
    Some(Refusal::refused(code, ja, en, way).citing("sekisho:container"))
}

/// What a refusal of a post cites.
fn clause(code: &str) -> &'static str {
    match code {
        "self-approval" => "sekisho:self-approval",
        "account-not-active" => "sekisho:account-state",
        "account-locked" => "sekisho:account-lock",
        "emergency-ended" => "sekisho:emergency",
        "resend-not-open" => "sekisho:resend",
        _ => "sekisho:promise-2",
    }
}

/// Refusals of console acts.
fn of_act(code: &'static str) -> Option<Refusal> {
    let (ja, en, way) = match code {
        "approval-known" => (
            "同じ番号の承認が、すでに登録されています。",
            "An approval of this name is known already.",
            "新しい番号で登録してください。",
        ),
        "approval-not-revocable" => (
            "この承認は見つからないか、すでに取り消されています。",
            "There is no such approval, or it was revoked already.",
            "承認の番号を確認してください。",
        ),
        "approval-window" => (
            "承認の有効期限または使用回数が正しくありません。",
            "The approval's window or number of uses is wrong.",
            "期限は現在より後、使用回数は1回以上で指定してください。",
        ),
        "ticket-not-waiting" => (
            "この受付は見つからないか、すでに処理されています。",
            "There is no such ticket, or it was settled already.",
            "受付の一覧で、現在の状態を確認してください。",
        ),
        "post-unreadable" => (
            "保留された投稿の内容を表示できないため、承認できません。",
            "The held post cannot be shown, so it cannot be approved.",
            "投稿ツールからもう一度送信し、新しい受付番号で内容を確認してください。続く場合は情報システム担当課にご連絡ください。",
        ),
        "not-of-this-body" => (
            "この団体に所属する職員として登録されていないため、操作できません。",
            "You are not registered as working for this body.",
            "職員の登録を、広報担当に確認してください。",
        ),
        "may-not-declare" => (
            "緊急時の宣言を行う権限がありません。",
            "You may not declare an emergency.",
            "当直または災害対策本部の担当者に依頼してください。",
        ),
        "account-unknown" => (
            "このアカウントは、この団体のアカウントとして登録されていません。",
            "This account is not one of this body's.",
            "アカウントの名前を確認してください。",
        ),
        "emergency-without-reason" => {
            ("緊急時の宣言には、理由が必要です。", "A declaration needs a reason.", "理由を入力してください。")
        }
        "emergency-without-accounts" => (
            "緊急時の宣言には、対象のアカウントが必要です。",
            "A declaration needs accounts.",
            "対象のアカウントを一つ以上指定してください。",
        ),
        "emergency-end" => (
            "緊急時の宣言の終了時刻が正しくありません（現在より後で、定められた長さ以内にしてください）。",
            "The declaration's end is in the past or too far away.",
            "終了時刻を指定し直してください。長引く場合は、改めて宣言してください。",
        ),
        "emergency-declarer" => (
            "宣言者の名前と、操作している職員が一致しません。",
            "A declaration is made in one's own name.",
            "宣言する本人が操作してください。",
        ),
        "report-not-owed" => (
            "この事後報告は見つからないか、すでに報告されています。",
            "There is no such report, or it was made already.",
            "事後報告の一覧を確認してください。",
        ),
        "report-empty" => ("事後報告の内容が空です。", "The report is empty.", "報告の内容を入力してください。"),
        _ => return None,
    };
    Some(Refusal::refused(code, ja, en, way))
}

/// Refusals of acts on accounts and their credentials.
#[expect(clippy::too_many_lines, reason = "a table of sentences")]
fn of_account_act(code: &'static str) -> Option<Refusal> {
    let (ja, en, way) = match code {
        "may-not-hold-credential" => (
            "認証情報を登録・変更できるのは、アカウント管理者とSNS運用責任者だけです。",
            "Only the account's manager and operators may set its credential.",
            "アカウント管理者またはSNS運用責任者に依頼してください。",
        ),
        "credential-known" => (
            "このアカウントの認証情報は、すでに登録されています。",
            "A credential of this account is in custody already.",
            "変更する場合は、変更（rotate）の操作をしてください。",
        ),
        "credential-not-held" => (
            "このアカウントの認証情報は、まだ登録されていません。",
            "No credential of this account is in custody.",
            "登録（set）の操作をしてください。",
        ),
        "not-in-charge" => (
            "公表できない期間の登録と解除は、アカウント管理者とSNS運用責任者だけが行えます。",
            "Only managers and operators of an account may change the register.",
            "アカウント管理者またはSNS運用責任者に依頼してください。",
        ),
        "embargo-not-open" => (
            "この登録は見つからないか、すでに終わっています。",
            "There is no such entry of the register, or it has ended.",
            "登録の一覧を確認してください。",
        ),
        "embargo-until" => (
            "公表できない期間の終わりが正しくありません（分単位で、現在より後、5年以内にしてください）。",
            "The end must be a whole minute, later than now and within five years.",
            "終わりの日時を指定し直してください。",
        ),
        "embargo-words" => (
            "公表できない語句（2文字以上100文字以内）またはファイルを、合わせて200件以内で指定してください。",
            "Words of 2 to 100 characters or files are needed, 200 at most.",
            "語句を指定し直してください。",
        ),
        "embargo-elsewhere" => (
            "登録する人または団体が、操作している職員と一致しません。",
            "An entry is made in one's own name and body.",
            "ご本人が操作してください。",
        ),
        "finding-unknown" => (
            "指定された指摘が、この受付の投稿にはありません。",
            "The held post has no such finding.",
            "受付の内容を開き直し、指摘の番号を確認してください。",
        ),
        "finding-not-acceptable" => (
            "この指摘は、だれの確認でも認めることができません。",
            "Nobody may accept this finding.",
            "指摘された箇所を直してください。",
        ),
        "client-known" => (
            "同じ名前か同じ利用キーの投稿ツールが、すでに登録されています。",
            "A client with this id or key is registered already.",
            "名前を変えて、もう一度登録してください。",
        ),
        "client-elsewhere" => (
            "ほかの団体の投稿ツールは登録できません。",
            "The client belongs to another body.",
            "その団体のアカウント管理者に依頼してください。",
        ),
        "reason-missing" => ("理由が必要です。", "A reason is needed.", "理由を入力してください。"),
        "account-not-in-use" => (
            "このアカウントは運用中ではないため、停止の操作は要りません。すでに投稿できない状態です。",
            "The account is not in use, so there is nothing to lock: nothing can be posted to it.",
            "アカウントの一覧で、現在の状態を確認してください。",
        ),
        "account-not-locked" => (
            "このアカウントは停止されていないため、再開できません。",
            "The account is not locked.",
            "アカウントの一覧で、現在の状態を確認してください。",
        ),
        "not-the-manager" => (
            "この操作ができるのは、そのアカウントのアカウント管理者だけです。",
            "Only the account's manager may do this.",
            "アカウント管理者に依頼してください。",
        ),
        _ => return None,
    };
    Some(Refusal::refused(code, ja, en, way))
}

/// Refusals of acts on incidents and of joint approvals.
fn of_incident(code: &'static str) -> Option<Refusal> {
    let (ja, en, way) = match code {
        "incident-not-open" => (
            "この事案は見つからないか、すでに終了しています。",
            "There is no such incident, or it is closed.",
            "事案の一覧（sekisho incident list）を確認してください。",
        ),
        "incident-not-the-office" => (
            "この操作ができるのは、事案の報告を受ける課（指示は課長、終了はアカウント管理者も含みます）だけです。",
            "Only the offices that the incident is reported to may do this.",
            "広報担当課または情報政策担当課に依頼してください。",
        ),
        "incident-acknowledged" => (
            "この課は、すでに事案を確認しています。",
            "This office has acknowledged the incident already.",
            "もう一方の課の確認をお待ちください。",
        ),
        "incident-held" => (
            "アカウントがこの事案のために停止されている間は、終了できません。",
            "An incident that holds its account cannot be closed.",
            "先に、両課の確認（sekisho incident acknowledge）を受けてください。",
        ),
        "incident-uncorrected" => (
            "誤った投稿がまだ訂正も削除もされていない経路があるため、終了できません。",
            "The wrong post still stands uncorrected on some channel.",
            "示された経路へ訂正（Sekisho-Corrects）を送信するか、そのままにする理由を添えて終了してください。",
        ),
        "joint-same-person" => (
            "この内容は、すでにあなたが承認しています。もう一人は別の人の承認が必要です。",
            "You have approved this content already; the second approval is another person's.",
            "別の課の承認者に承認を依頼してください。",
        ),
        "flame-end" => (
            "炎上対応の終了時刻が正しくありません（現在より後で、31日以内にしてください）。",
            "The end is in the past or more than 31 days away.",
            "終了時刻を指定し直してください。長引く場合は、改めて宣言してください。",
        ),
        _ => return None,
    };
    let status = if code == "incident-not-the-office" { 403 } else { 409 };
    let clause = if code.starts_with("incident") { "sekisho:incident" } else { "sekisho:joint" };
    Some(Refusal::refused(code, ja, en, way).status(status).citing(clause))
}

/// Refusals of what rests on the registry.
fn of_registry(code: &'static str) -> Option<Refusal> {
    let (ja, en, way) = match code {
        "registry-moved" => (
            "確認している間に、登録簿（管理者、委任、承認済みのSNSなど）が変更されたため、送信しませんでした。",
            "The registry changed while the request was looked at; nothing was sent.",
            "もう一度送信してください。変更後の登録簿で確認します。",
        ),
        "registry-unheard" => (
            "登録簿の変更は、規則による審査を経ずには実行できません。",
            "A change of the registry must be heard by its rules.",
            "登録簿の変更の手続きから行ってください。",
        ),
        "account-name-taken" => (
            "この名前のアカウントは登録できません。",
            "An account of this name cannot be registered.",
            "ほかの名前にしてください。",
        ),
        "person-name-taken" => (
            "一覧の職員の番号のうち、使えないものがあります。一件も反映していません。",
            "One of the people's ids cannot be used; nothing was changed.",
            "職員の番号を、ほかの番号にしてください。",
        ),
        _ => return None,
    };
    Some(Refusal::refused(code, ja, en, way).status(409).citing("sekisho:registry"))
}

/// Refusals of sending what was kept of a ticket.
fn of_release(code: &'static str) -> Option<Refusal> {
    let (ja, en, way) = match code {
        "ticket-not-approved" => (
            "この受付は見つからないか、まだ承認されていないため、関所から発信できません。",
            "There is no such ticket, or it is not approved.",
            "受付の一覧で状態を確認し、承認を受けてください。",
        ),
        "release-done" => (
            "この受付の投稿は、すでに関所から発信しています。二度は発信しません。",
            "What was kept of this ticket has left already; it leaves once.",
            "発信の結果を記録またはSNSの画面で確認してください。",
        ),
        "release-not-kept" => (
            "この受付の投稿は関所に保管されていません（保管の期限が過ぎたか、認証情報を関所が預かっていないときに受け付けたもの、または大きすぎるものです）。",
            "The request is not kept: it has expired, was too large, or came while the gateway held no credential.",
            "投稿ツールから、承認された内容のままもう一度送信してください。",
        ),
        "release-before-restore" => (
            "記録をバックアップから復元する前に保管された投稿のため、すでに発信したかどうかを確かめられません。",
            "The request was kept before the records were restored from a backup.",
            "SNSの画面で公開されていないことを確認し、投稿ツールからもう一度送信してください。",
        ),
        "may-not-release" => (
            "関所から発信できるのは、承認した人、アカウント管理者とSNS運用責任者だけです。",
            "Only the approver and the account's manager and operators may release a post.",
            "アカウント管理者またはSNS運用責任者に依頼してください。",
        ),
        _ => return None,
    };
    let status = if code == "may-not-release" { 403 } else { 409 };
    Some(Refusal::refused(code, ja, en, way).status(status).citing("sekisho:release"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_condition_has_a_sentence_of_its_own() {
        let source =
            concat!(include_str!("../store/condition.rs"), include_str!("acts.rs"), include_str!("acts/incidents.rs"));
        let parts: Vec<&str> = source.split('"').collect();
        let named =
            |before: &str| ["Parts::new(", "settle(", "of_account(", " => "].iter().any(|by| before.ends_with(by));
        let quoted = parts.windows(2).step_by(2).filter(|pair| is_code(pair[1]) && !named(pair[0]));
        let quoted: Vec<&str> = quoted.map(|pair| pair[1]).collect();
        assert!(quoted.len() > 20, "{quoted:?}");
        for code in quoted.into_iter().filter(|code| !["entry-closed", "condition-unknown"].contains(code)) {
            let code: &'static str = Box::leak(code.to_owned().into_boxed_str());
            assert!(told(code).is_some(), "{code} has no sentence");
        }
    }

    fn is_code(text: &str) -> bool {
        text.contains('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    }
}
