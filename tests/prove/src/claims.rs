//! What is proven, and for each claim the amendments for which the proof must fail.
//!
//! A claim is a Cedar permit: whatever the rules in force permit for one of the actions, the claim permits. It is proven for
//! **every** value of every fact that the schema allows, whether the gateway would ever compute it or not; no assumption about
//! the facts is made. What Cedar cannot see is decided by the gateway before and after, and has scenes of its own:
//!
//! - What a fact means. `approver_is_author`, `pass`, `exemption`, `drill` are computed in `src/guideline/facts/request.rs`;
//!   `exemption = "emergency"` arises only in `src/exempt.rs`, for a declaration that is open at the minute and names the
//!   account (`src/exempt/tests.rs`, `tests/it/emergency.rs`); `resend` and `followed` repeat what an entry already covers.
//! - Observation. While an account is observed (an end date, at most 60 days), the gateway lets pass what *only* rules marked
//!   `@observable`, and holds, refuse. `@observable` stands on Nerima's article 14 and Nagano's 4(11) among others: the claims
//!   speak of what the rules permit, and observation is an exception to them (`src/gate/observed.rs`, `tests/it/observe.rs`).
//! - The principles (原則) that a manager sets aside with a reason are facts (`set_aside`), so the proofs include them.

/// An amendment of the files for which a claim must fail.
pub enum Amendment {
    /// This rule is struck.
    Struck(&'static str),
    /// In this rule, these words become those.
    Changed(&'static str, &'static str, &'static str),
}

/// What the rules in force must keep to.
pub struct Claim {
    pub body: &'static str,
    /// In a sentence.
    pub says: &'static str,
    /// The actions for which it is proven; none: all of the schema.
    pub actions: &'static [&'static str],
    /// The condition that every permitted request must meet.
    pub condition: &'static str,
    /// Each breaks it.
    pub amendments: &'static [Amendment],
}

use Amendment::{Changed, Struck};

/// Everything that the public may see something new or different by.
const WRITES: &[&str] = &[
    "publish",
    "edit",
    "schedule",
    "delete",
    "quote",
    "repost",
    "follow",
    "like",
    "profile",
    "other",
    "reply",
    "direct-message",
];
/// Words of the account's own to everybody, and those of others that it passes on.
const PUBLISHES: &[&str] = &["publish", "edit", "schedule", "quote", "repost", "profile", "other", "like"];
const ANSWERS: &[&str] = &["reply", "direct-message"];

pub const CLAIMS: &[Claim] = &[
    Claim {
        body: "nerima",
        says: "練馬: 発信は、本人以外の承認、第12条第2項の自己決裁（委託事業者を除く）、第11条各号、第18条第2項、先の記録の続きのいずれかによる",
        actions: PUBLISHES,
        condition: r#"
            (context.pass == "approved" && !context.approver_is_author) ||
            (context.pass == "approved" && context.approver_is_author && context.self_approval && !context.client_is_contractor) ||
            (context.pass == "exempt" && context.exemption == "emergency" && !context.drill) ||
            (action in Action::"announce" && context.pass == "exempt" && context.exemption == "weather-event" && context.template_fits) ||
            (action in Action::"announce" && context.pass == "exempt" && context.exemption == "operating-policy" && context.category_in_policy) ||
            context.pass == "resend" || context.pass == "followed" || context.closed_audience"#,
        amendments: &[
            Struck("common.self-approval"),
            Struck("nerima.18-1.contractor"),
            Changed("common.self-approval", "|| context.self_approval", "|| context.has_media"),
            Changed("nerima.11-3.operating-policy", " && context.category_in_policy", ""),
        ],
    },
    Claim {
        body: "nerima",
        says: "練馬: 承認による発信は、アカウント管理者か、委任されたSNS運用責任者の承認による",
        actions: WRITES,
        condition: r#"
            context.pass != "approved" || context.approver_is_manager ||
            (context.approver_is_operator && context.approver_is_delegate) || context.closed_audience"#,
        amendments: &[
            Changed(
                "nerima.11.approver",
                "context.approver_is_operator && context.approver_is_delegate",
                "context.approver_is_operator",
            ),
            Struck("nerima.11.approver"),
        ],
    },
    Claim {
        body: "nerima",
        says: "練馬: 個別の返信とダイレクトメッセージは、定型の応答と第18条第2項のほかは、承認があっても緊急時でも許可されない",
        actions: ANSWERS,
        condition: "context.fixed_answer || context.closed_audience",
        amendments: &[
            Struck("nerima.14.no-individual-reply"),
            Changed(
                "nerima.14.no-individual-reply",
                "unless { context.fixed_answer",
                r#"unless { context.exemption == "emergency" || context.fixed_answer"#,
            ),
        ],
    },
    Claim {
        body: "nerima",
        says: "練馬: 承認のない発信・削除・操作は、第11条各号、定型の応答、第18条第2項、先の記録の続きのほかは許可されない",
        actions: WRITES,
        condition: r#"
            ["approved", "resend", "followed"].contains(context.pass) || context.closed_audience ||
            (action in Action::"answer" && context.fixed_answer) ||
            (context.pass == "exempt" && context.exemption == "emergency" && !context.drill) ||
            (action in Action::"announce" && context.pass == "exempt" && ["weather-event", "operating-policy"].contains(context.exemption))"#,
        amendments: &[
            Changed("nerima.11-1.emergency", r#"context.pass == "exempt" && "#, r#"context.pass != "approved" && "#),
            Changed("nerima.14.fixed-answer", r#"action in Action::"answer""#, r#"action in Action::"write""#),
        ],
    },
    Claim {
        body: "nerima",
        says: "練馬: 短縮URLは、誰の承認によっても許可されない",
        actions: &[],
        condition: r#"!context.block_categories.contains(Category::"url_shortener")"#,
        amendments: &[Struck("common.shortened-link")],
    },
    Claim {
        body: "nagano",
        says: "長野: 発信は、本人以外の決裁、運用ポリシーの認める自己決裁、大規模災害時の緊急情報、取り決めと根拠のある例外（報告の遅れがない場合）、CMSのページとの一致、先の記録の続きのいずれかによる",
        actions: PUBLISHES,
        condition: r#"
            (context.pass == "approved" && !context.approver_is_author) ||
            (context.pass == "approved" && context.approver_is_author && context.self_approval) ||
            (context.pass == "exempt" && context.exemption == "emergency" && !context.drill) ||
            (action in Action::"announce" && context.pass == "exempt" && context.evidence_holds && context.exemption_arranged &&
                !context.reports_overdue && ["already-published", "established-fact", "statutory"].contains(context.exemption)) ||
            (action in Action::"announce" && context.pass == "exempt" && context.evidence_holds &&
                context.exemption == "cms-page" && context.cms == "page" && context.provider == "x") ||
            context.pass == "resend" || context.pass == "followed""#,
        amendments: &[
            Struck("common.self-approval"),
            Struck("nagano.2-7p.arranged"),
            Struck("nagano.2-7p.overdue"),
            Struck("nagano.2-8.only-x"),
            Changed(
                "nagano.2-7p.overdue",
                "context.reports_overdue && ",
                "context.reports_overdue && context.has_media && ",
            ),
            Changed("nagano.2-8.deemed", r#" && context.cms == "page""#, ""),
        ],
    },
    Claim {
        body: "nagano",
        says: "長野: 決裁のない操作は、緊急情報、根拠のある例外、定型の応答、つながりの解除、誤投稿等の速やかな削除、先の記録の続きのほかは許可されない",
        actions: WRITES,
        condition: r#"
            ["approved", "resend", "followed"].contains(context.pass) ||
            (action in Action::"answer" && context.fixed_answer) ||
            (action == Action::"follow" && context.undoes) ||
            (action == Action::"delete" && context.target_is_own && ["mispost", "violation"].contains(context.withdrawal)) ||
            (action in Action::"announce" && context.pass == "exempt" && context.evidence_holds &&
                ["already-published", "established-fact", "statutory", "cms-page"].contains(context.exemption)) ||
            (context.pass == "exempt" && context.exemption == "emergency" && !context.drill)"#,
        amendments: &[
            Changed("nagano.6-2.delete", "context.target_is_own && ", ""),
            Changed("nagano.4-12.undo", "context.undoes", "true"),
        ],
    },
    Claim {
        body: "nagano",
        says: "長野: 代表アカウントの返信は、定型の応答と、所属長が理由を添えて原則（4(11)）によらないとしたもののほかは許可されない",
        actions: ANSWERS,
        condition: r#"
            context.account_kind != "general" || context.fixed_answer || context.set_aside.contains("nagano:4(11)")"#,
        amendments: &[Struck("nagano.4-11.no-reply")],
    },
    Claim {
        body: "nagano",
        says: "長野: 短縮URLは、CMSによるXへの投稿と、原則（4(9)）によらないとしたもののほかは許可されない",
        actions: &[],
        condition: r#"
            !context.block_categories.contains(Category::"url_shortener") ||
            (context.cms != "none" && context.provider == "x") || context.set_aside.contains("nagano:4(9)")"#,
        amendments: &[Changed("nagano.4-9.shortened-link", r#"context.cms != "none" && "#, "")],
    },
    Claim {
        body: "nerima",
        says: "練馬: 炎上への対応中の発信は、異なる所属の二人以上の承認か、緊急時の例外、先の記録の続きによる",
        actions: PUBLISHES,
        condition: r#"
            !context.modes.contains(Mode::"flame") || (context.approvers >= 2 && context.approver_offices >= 2) ||
            context.exemption == "emergency" || context.pass == "resend" || context.pass == "followed""#,
        amendments: &[Struck("common.flame"), Changed("common.flame", " && context.approver_offices >= 2", "")],
    },
    Claim {
        body: "nerima",
        says: "練馬: 事案への対応のため停止中のアカウントからは、訂正、削除、緊急時の例外、第18条第2項、先の記録の続きのほかは許可されない",
        actions: WRITES,
        condition: r#"
            !context.modes.contains(Mode::"held") || context.modes.contains(Mode::"correction") || action == Action::"delete" ||
            context.exemption == "emergency" || context.pass == "resend" || context.pass == "followed" || context.closed_audience"#,
        amendments: &[Struck("nerima.15.held")],
    },
    Claim {
        body: "nagano",
        says: "長野: 炎上への対応中の発信は、異なる所属の二人以上の承認か、緊急時の例外、先の記録の続きによる",
        actions: PUBLISHES,
        condition: r#"
            !context.modes.contains(Mode::"flame") || (context.approvers >= 2 && context.approver_offices >= 2) ||
            context.exemption == "emergency" || context.pass == "resend" || context.pass == "followed""#,
        amendments: &[Struck("nagano.6-3.flame"), Changed("nagano.6-3.flame", " && context.approver_offices >= 2", "")],
    },
    Claim {
        body: "nagano",
        says: "長野: 事案への対応のため停止中のアカウントからは、訂正、削除、緊急時の例外、先の記録の続きのほかは許可されない",
        actions: WRITES,
        condition: r#"
            !context.modes.contains(Mode::"held") || context.modes.contains(Mode::"correction") || action == Action::"delete" ||
            context.exemption == "emergency" || context.pass == "resend" || context.pass == "followed""#,
        amendments: &[Struck("nagano.6-1.held")],
    },
];

/// What both bodies must keep to: the same claims, proven for each.
pub const COMMON: &[Claim] = &[
    Claim {
        body: "",
        says: "緊急時の例外は、訓練では、どの操作にも効かない（宣言の有無・対象・期限は src/exempt.rs が確かめる）",
        actions: &[],
        condition: "!context.drill",
        amendments: &[Struck("common.drill")],
    },
    Claim {
        body: "",
        says: "緊急時にも、停止・閉鎖・申請中・アーカイブのアカウント、認められていないSNS、停止された認証情報からは発信されない",
        actions: WRITES,
        condition: r#"context.account_state == "active" && context.provider_recognised && context.credential != "locked""#,
        amendments: &[
            Struck("common.account-active"),
            Struck("common.credential-locked"),
            Changed(
                "common.account-active",
                r#"unless { context.account_state == "active" }"#,
                r#"unless { context.account_state == "active" || context.exemption == "emergency" }"#,
            ),
        ],
    },
    Claim {
        body: "",
        says: "発信してはならない分類（never）の指摘があるものは、誰の承認によっても、緊急時にも、どの操作でも許可されない",
        actions: &[],
        condition: "context.never_categories.isEmpty()",
        amendments: &[
            Struck("common.never"),
            Changed(
                "common.never",
                "context.never_categories.isEmpty()",
                r#"context.never_categories.isEmpty() || context.exemption == "emergency""#,
            ),
        ],
    },
    Claim {
        body: "",
        says: "止めるべき（block）指摘は、短縮URLのほかは、どの操作でも許可されない",
        actions: &[],
        condition: r#"[Category::"url_shortener"].containsAll(context.block_categories)"#,
        amendments: &[Struck("common.block")],
    },
    Claim {
        body: "",
        says: "内容を確認できない項目があるものは、それを見た承認か、先の記録の再送のほかは許可されない",
        actions: WRITES,
        condition: r#"!context.has_rest || context.pass == "approved" || context.pass == "resend""#,
        amendments: &[Struck("common.unmapped-fields")],
    },
];

/// For both bodies: no rule can raise an error, on any facts of the schema. Cedar would skip such a rule; the gateway refuses.
/// The amendment validates against the schema, and overflows.
pub const NEVER_ERRS: &[(&str, Amendment)] = &[
    ("nerima", Changed("nerima.8-2.stale", "context.policy_stale_days <= 30", "context.policy_stale_days * 24 <= 720")),
    (
        "nagano",
        Changed(
            "nagano.4-10.head",
            "context.begins_with_section ||",
            "context.begins_with_section || context.hour + context.weekday > 30 ||",
        ),
    ),
];
