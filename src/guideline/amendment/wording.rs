//! The cases in words that a clerk understands.

use crate::domain::action::Action;

/// The ways of approval, in the order of the table.
pub(super) const PASSES: [&str; 24] = [
    "アカウント管理者（所属長）の承認がある",
    "承認がない",
    "代決者の承認がある",
    "権限を委任されたSNS運用責任者の承認がある",
    "委任を受けていないSNS運用責任者の承認がある",
    "管理者でも運用責任者でもない人の承認がある",
    "作成者である管理者が自分で承認（自己決裁を認めていない）",
    "作成者である管理者が自分で承認（自己決裁を認めている）",
    "作成者である委任されたSNS運用責任者が自分で承認（自己決裁を認めている）",
    "承認なし、緊急宣言による",
    "承認なし、訓練の緊急宣言による",
    "承認なし、悪天候等のひな形による",
    "承認なし、悪天候等の例外を主張（ひな形と違う）",
    "承認なし、運用ポリシーに定めた情報として",
    "承認なし、運用ポリシーに定めのない情報を例外と主張",
    "結果不明の投稿の再送",
    "判断済みのコンテナの公開",
    "承認なし、既に市のページにある内容として（確かめられ、取り決めがある）",
    "承認なし、既に市のページにある内容として（確かめられない）",
    "承認なし、既に市のページにある内容として（取り決めがない）",
    "承認なし、既成の事実として（確かめられ、取り決めがある）",
    "承認なし、法令等で定められた内容として（示され、取り決めがある）",
    "承認なし、CMSで公開されたページと一致する内容として",
    "CMSの公開承認の知らせがある",
];

/// What a request does.
pub(super) fn action(action: Action) -> &'static str {
    match action {
        Action::Publish => "投稿",
        Action::Edit => "編集",
        Action::Delete => "削除",
        Action::Reply => "返信",
        Action::DirectMessage => "ダイレクトメッセージ",
        Action::Quote => "引用",
        Action::Repost => "リポスト",
        Action::Follow => "フォロー",
        Action::Like => "いいね",
        Action::Upload => "素材の登録",
        Action::Schedule => "予約投稿",
        Action::Profile => "プロフィールの変更",
        Action::Read => "閲覧",
        Action::SignIn => "認証",
        Action::Other => "その他の操作",
    }
}

/// What differs from an ordinary post, where it has words of its own.
const WORDS: [(&str, &str, &str); 70] = [
    ("account_kind", "general", "総合（代表）アカウント"),
    ("account_registered", "false", "登録されていないアカウント"),
    ("account_state", "applied", "申請中のアカウント"),
    ("account_state", "archived", "アーカイブされたアカウント"),
    ("account_state", "closed", "閉鎖されたアカウント"),
    ("account_state", "suspended", "停止中のアカウント"),
    ("approver_gave_reason", "true", "承認に理由がある"),
    ("begins_with_section", "false", "文頭に所属名と題名がない"),
    ("client_current", "false", "委託の期間の外"),
    ("client_in_hours", "false", "投稿できる時間の外"),
    ("client_is_cms", "true", "CMSからの投稿"),
    ("client_is_contractor", "true", "委託事業者の投稿"),
    ("closed_audience", "true", "組織内の情報交換のためのアカウント"),
    ("continues_thread", "true", "自分の投稿の続き"),
    ("credential", "held", "認証情報を関所が預かっている"),
    ("credential", "locked", "認証情報が停止されている"),
    ("credential", "overdue", "認証情報の変更期限を過ぎている"),
    ("declares", "location", "位置情報の確認を宣言"),
    ("declares", "no-endorsement", "推奨でないことを宣言"),
    ("declares", "people", "写っている人の承諾を宣言"),
    ("declares", "people,place", "承諾と撮影許可を宣言"),
    ("declares", "place", "撮影許可を宣言"),
    ("declares", "third-party", "第三者のページの確認を宣言"),
    ("ends_with_signature", "false", "署名で終わらない"),
    ("fixed_answer", "true", "定型の応答"),
    ("has_media", "true", "写真・動画がある"),
    ("has_operating_policy", "false", "運用ポリシーがない"),
    ("has_place", "true", "位置情報がある"),
    ("has_rest", "true", "内容を確認できない項目がある"),
    ("has_schedule", "true", "予約の指定がある"),
    ("has_text", "false", "本文がない"),
    ("manager_in_post", "false", "アカウント管理者が空席"),
    ("media_consent_asked", "true", "運用ポリシーが承諾の宣言を求めている"),
    ("media_consent_waived", "true", "運用ポリシーが承諾の宣言を要しないとしている"),
    ("modes", "correction", "誤りのあった投稿の訂正"),
    ("modes", "flame", "炎上の状態"),
    ("modes", "held", "事案への対応のため停止中"),
    ("modes", "joint", "運用ポリシーが二人以上の決裁を求めている"),
    ("modes", "unplanned", "情報化企画の記録がない機能"),
    ("operator_in_post", "false", "SNS運用責任者がいない"),
    ("profile_names_body", "false", "説明文に団体の名称がない"),
    ("profile_names_site", "false", "説明文に団体のサイトがない"),
    ("provider_conditions_kept", "false", "SNSの承認の条件に合わない"),
    ("provider_recognised", "false", "利用が認められていないSNS"),
    ("purpose", "outside", "アカウントの範囲の外の分野"),
    ("purpose", "unnamed", "分野の指定がない"),
    ("purpose", "within", "アカウントの範囲の中の分野"),
    ("quotes", "true", "他者の投稿の引用がある"),
    ("reports_overdue", "true", "事後報告が遅れている"),
    ("section_granted", "false", "所属に今年度の利用承認がない"),
    ("section_of_manager", "false", "管理者と別の所属"),
    ("source", "contractor", "受託事業者の発信"),
    ("source", "facility-manager", "指定管理者の発信"),
    ("source", "funded", "出資法人の発信"),
    ("source", "government", "国・自治体の発信"),
    ("source", "judged", "管理者が認めた発信元"),
    ("source", "own", "自団体の発信"),
    ("source", "sponsored", "後援事業の主催者の発信"),
    ("source", "transport", "公共交通機関の発信"),
    ("target_is_own", "true", "対象は自分の投稿"),
    ("third_party_link", "true", "第三者のページへのリンクがある"),
    ("undoes", "true", "取り消しの操作"),
    ("withdrawal", "expired", "理由は期限切れ"),
    ("withdrawal", "mispost", "理由は誤投稿"),
    ("withdrawal", "typo", "理由は誤字"),
    ("withdrawal", "violation", "理由は抵触"),
    ("weekday", "6", "土曜日"),
    ("weekday", "7", "日曜日"),
    ("after_report_hours", "0", "運用ポリシーが事後報告を求めていない"),
    ("approvers", "0", "承認者がいない"),
];

/// Attributes whose value is told with them.
const VALUED: [(&str, &str, &str); 15] = [
    ("provider", "SNSは", ""),
    ("policy_stale_days", "標準的運用ポリシーの改定から", "日"),
    ("after_report_hours", "事後報告は", "時間以内"),
    ("hour", "", "時台"),
    ("weekday", "曜日（月曜が1）は", ""),
    ("approvers", "承認者は", "人"),
    ("approver_offices", "承認者の所属は", "か所"),
    ("modes", "状態は ", ""),
    ("periods", "期間は", ""),
    ("hashtags", "ハッシュタグ #", ""),
    ("set_aside", "管理者が理由を添えて原則によらないとした: ", ""),
    ("block_categories", "止める指摘: ", ""),
    ("review_categories", "確認を求める指摘: ", ""),
    ("manager_categories", "管理者の確認を求める指摘: ", ""),
    ("never_categories", "発信してはならない指摘: ", ""),
];

/// One circumstance in words; what has none is told as it stands in the facts.
pub(super) fn circumstance(name: &str, value: &str) -> String {
    if let Some((_, _, words)) = WORDS.iter().find(|(known, of, _)| *known == name && *of == value) {
        return (*words).to_owned();
    }
    match VALUED.iter().find(|(known, _, _)| *known == name) {
        Some((_, before, after)) => format!("{before}{value}{after}"),
        None => format!("{name}={value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guideline::facts::{Facts, NAMED, Value};

    #[test]
    fn whatever_the_table_may_vary_has_words() {
        let mut checked = 0;
        for (name, value) in Facts::ordinary("nerima").values() {
            let varied = match value {
                Value::Flag(flag) => vec![(!flag).to_string()],
                Value::Text(ordinary) => {
                    let named = NAMED.iter().find(|(known, _)| known == name).map(|(_, names)| names.to_vec());
                    named.unwrap_or_default().into_iter().map(str::to_owned).filter(|it| it != ordinary).collect()
                }
                Value::Number(_) | Value::Set(_) | Value::Members(..) => vec!["6".to_owned()],
            };
            // What the ways of approval vary, and the body itself, are told by them.
            if super::super::cases::is_told_otherwise(name) {
                continue;
            }
            for value in varied {
                let words = circumstance(name, &value);
                assert!(!words.contains('=') || *name == "declares", "{name}={value} has no words: {words}");
                checked += 1;
            }
        }
        assert!(checked > 50, "{checked}");
        for (name, value, words) in WORDS {
            assert!(Facts::ordinary("nerima").with(&format!("{name}={value}")).is_ok(), "{name}={value}: {words}");
        }
    }
}
