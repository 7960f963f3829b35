//! Refusals of the gate itself, each with its sentence.

use crate::domain::decision::Refusal;
use crate::domain::dossier::Outcome;

/// The ledger or store cannot answer; nothing leaves without a record.
pub fn ledger_down() -> Refusal {
    Refusal::refused(
        "ledger-down",
        "記録を残せない状態のため、送信していません。",
        "The record cannot be written, so nothing was sent.",
        "情報政策担当へ連絡し、復旧後にもう一度送信してください。",
    )
    .citing("sekisho:promise-1")
    .status(503)
}

/// Something broke inside the gateway.
pub fn internal() -> Refusal {
    Refusal::refused(
        "internal",
        "関所の内部で問題が起きたため、処理を止めました。",
        "Something went wrong inside the gateway; the request was stopped.",
        "公開されたかどうかを画面で確認し、情報政策担当へ連絡してください。",
    )
    .citing("sekisho:promise-3")
    .status(500)
}

/// A header of the gateway is there twice or not UTF-8.
pub fn header_unreadable(name: &str) -> Refusal {
    Refusal::refused(
        "header-unreadable",
        format!("ヘッダー {name} が二つあるか、読み取れません。"),
        format!("The header {name} is there twice or cannot be read."),
        "ヘッダーを一つだけ、UTF-8 で付けて送信してください。",
    )
    .citing("sekisho:promise-3")
    .status(400)
}

/// The provider answered, but the outcome could not be recorded.
pub fn outcome_unrecorded() -> Refusal {
    Refusal::refused(
        "outcome-unrecorded",
        "送信しましたが、結果を記録できませんでした。公開されている可能性があります。",
        "It was sent, but the outcome could not be recorded. It may be public.",
        "再送せず、SNSの画面で公開されたかどうかを確認してください。",
    )
    .citing("sekisho:promise-5")
}

/// What a client is told when there is no answer to pass on. *Unknown* is never called failed (C23).
pub fn of_outcome(outcome: &Outcome) -> Refusal {
    match outcome {
        Outcome::NotSent { code } if code.starts_with("parent-proxy-") => Refusal::refused(
            "not-sent",
            format!("庁外への出口のプロキシを通れなかったため、送信していません（{code}）。"),
            format!("The parent proxy did not let it through ({code}); nothing was sent."),
            "情報政策担当へ、関所から上位プロキシへの接続（利用者名、パスワード、許可先）の確認を依頼してください。",
        )
        .status(502),
        Outcome::NotSent { .. } => Refusal::refused(
            "not-sent",
            "SNSに接続できなかったため、送信していません。",
            "The provider could not be reached; nothing was sent.",
            "時間をおき、改めて承認を受けてから送信してください。",
        )
        .status(502),
        Outcome::Published { .. } | Outcome::RefusedByProvider { .. } | Outcome::Unknown { .. } => Refusal::refused(
            "outcome-unknown",
            "送信しましたが、SNSからの返事を確認できませんでした。公開されたかどうかは不明（確認中）です。",
            "It was sent, but the provider's answer did not arrive. Whether it is public is unknown.",
            "再送せず、SNSの画面で公開されたかどうかを確認してください。",
        )
        .status(504),
    }
    .citing("sekisho:promise-5")
}
