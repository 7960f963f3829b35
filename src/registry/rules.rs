//! The table: what each clause asks of a change of the registry, with the sentence that a person reads when it is not met.
//!
//! A row names the clause that says so in each guideline. A row without a clause is not in force there: the registry is
//! not stricter than the text. `sekisho:registry` stands where no guideline speaks and the registry must hold together.

use crate::domain::registry::Pattern;

/// One row.
#[derive(Debug)]
pub struct Rule {
    /// Stable code of the refusal.
    pub code: &'static str,
    /// The clause in 練馬区's guideline; empty: not in force.
    nerima: &'static str,
    /// The clause in 長野市's.
    nagano: &'static str,
    /// The clause in any other body.
    plain: &'static str,
    /// HTTP status: 403 the wrong person, 409 the wrong moment, 400 an incomplete form, 404 nothing of that name.
    pub status: u16,
    /// What is wrong.
    pub ja: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// The way forward.
    pub way: &'static str,
}

impl Rule {
    /// The clause that says so in a body of this pattern; none: it is not in force there.
    pub fn clause(&self, pattern: Pattern) -> Option<&'static str> {
        let clause = match pattern {
            Pattern::Nerima => self.nerima,
            Pattern::Nagano => self.nagano,
            Pattern::Plain => self.plain,
        };
        (!clause.is_empty()).then_some(clause)
    }
}

/// The gateway's own rule that the registry holds together.
const OWN: &str = "sekisho:registry";

macro_rules! rules {
    ($($name:ident: $code:literal, $status:literal, [$nerima:expr, $nagano:expr, $plain:expr], $ja:literal, $en:literal, $way:literal;)*) => {
        $(pub(super) static $name: Rule = Rule {
            code: $code, nerima: $nerima, nagano: $nagano, plain: $plain, status: $status, ja: $ja, en: $en, way: $way,
        };)*
        /// Every row.
        pub static TABLE: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    COLLEAGUE: "registry-not-a-colleague", 403, [OWN, OWN, OWN],
        "現在、この団体の職に就いていないため、登録簿を変更できません。",
        "You hold no position in this body now.",
        "人事異動の登録を、広報担当に確認してください。";
    KNOWN: "registry-not-found", 404, [OWN, OWN, OWN],
        "登録簿に見つかりません。",
        "The registry has nothing of that name.",
        "名前や番号をご確認ください。";
    REGISTRAR: "registry-only-the-registrar", 403, [OWN, OWN, OWN],
        "課・職・人事異動を登録できるのは、広報担当課長と情報政策担当課長（代決者を含みます）だけです。",
        "Only the heads of public relations and of information policy enter sections, positions and transfers.",
        "広報担当課長または情報政策担当課長に依頼してください。";
    SOUND: "registry-form-incomplete", 400, [OWN, OWN, OWN],
        "記入に不足や誤りがあります（空の項目、終わりのない期間、始まりより前の終わりなど）。",
        "The form is incomplete or contradicts itself.",
        "空の項目と期間を確認して、もう一度お試しください。";
    LINES: "transfer-refused", 400, [OWN, OWN, OWN],
        "異動の一覧に誤りがあるため、一件も反映していません。",
        "The list of transfers has errors; nothing was changed.",
        "示された行を直して、もう一度取り込んでください。";
    DEPUTY_BY: "deputy-only-the-holder", 403, [OWN, OWN, OWN],
        "代決者を定められるのは、その職にある本人か、異動を登録する担当課長だけです。",
        "Only the holder of the position, or a registrar, names a deputy.",
        "その職にある人に依頼してください。";

    PROVIDER_BY_HEAD: "provider-only-a-head-applies", 403, ["nerima:4-1", OWN, OWN],
        "新しいSNSの申請書（第1号様式）を提出できるのは、課長です。",
        "Only a section head applies for a new provider (Form 1).",
        "所属の課長から申請してください。";
    PROVIDER_DECIDER: "provider-only-the-director-decides", 403, ["nerima:4-1", "nagano:2(9)", OWN],
        "利用するSNSを決定できる職ではありません（練馬区では企画部長、長野市では公式アカウント管理者です）。",
        "The decision on a provider is for the position that the guideline names.",
        "決定する職にある人に依頼してください。";
    PROVIDER_APPLIED: "provider-not-applied", 409, ["nerima:4-1", OWN, OWN],
        "このSNSの申請書（第1号様式）が提出されていないか、審査・決定の段階が異なります。",
        "No application (Form 1) of this provider waits at this stage.",
        "登録簿で申請の段階を確認し、申請からやり直してください。";
    PROVIDER_OPEN: "provider-already-applied", 409, [OWN, OWN, OWN],
        "このSNSは、すでに申請中か承認済みです。",
        "This provider was applied for or approved already.",
        "登録簿で現在の段階を確認してください。";
    PROVIDER_REVIEWED: "provider-not-reviewed", 409, ["nerima:4-2", "", ""],
        "検討部会による汎用性・可用性・継続性の審査が記録されていないため、決定できません。",
        "The review of versatility, availability and continuity is not on record.",
        "検討部会の審査（開催日、構成員、三つの観点）を記録してください。";
    REVIEW_NOTES: "provider-review-incomplete", 400, ["nerima:4-2", "", ""],
        "審査の記録には、汎用性・可用性・継続性の三つの観点と、今日までの開催日が必要です。",
        "A review needs notes on versatility, availability and continuity, and a day that is not in the future.",
        "三つの観点すべてと開催日を記入してください。";
    REVIEW_CONVENER: "provider-review-only-the-director", 403, ["nerima:4-2", "", ""],
        "検討部会を召集し審査を記録するのは、企画部長です。",
        "The director of planning convenes the review.",
        "企画部長に依頼してください。";
    REVIEW_MEMBERS: "provider-review-not-a-member", 409, ["nerima:4-3", "", ""],
        "検討部会の構成員に、別表第1に掲げる職でないものが含まれているか、構成員がいません。",
        "The review may only have members whose positions stand in Table 1, and needs some.",
        "構成員を、企画部長・区長室長・広聴広報課長・企画課長・情報政策課長の中から選んでください。";
    STANDARD_BY: "standard-policy-only-pr", 403, ["nerima:3-2", OWN, OWN],
        "標準的運用ポリシーを定めるのは、広報担当課長です。",
        "The head of public relations sets the standard operating policy.",
        "広報担当課長に依頼してください。";
    STANDARD_CONSULTED: "standard-policy-not-consulted", 409, ["nerima:3-2", "", ""],
        "標準的運用ポリシーを定めるには、情報政策課長との協議の記録（日付と意見）が必要です。",
        "A standard operating policy needs the record of the consultation with information policy.",
        "情報政策課長と協議し、その日付と意見を記入してください。";
    STANDARD_RECOGNISED: "standard-policy-not-recognised", 409, ["nerima:3-2", OWN, OWN],
        "承認されていないSNSの標準的運用ポリシーは定められません。",
        "A standard operating policy is for an approved provider.",
        "先に、SNSの承認を受けてください。";
    STANDARD_THERE: "standard-policy-missing", 409, ["nerima:3-2", "", ""],
        "このSNSの標準的運用ポリシーが、まだ定められていません。",
        "The provider has no standard operating policy yet.",
        "広聴広報課長が情報政策課長と協議して、標準的運用ポリシーを定めてから承認してください。";

    OPENER: "account-only-a-head-opens", 403, ["nerima:5-1", "nagano:2(6)b", OWN],
        "アカウントの開設を申請できるのは、課長・所属長です。",
        "Only a section head applies for an account.",
        "所属の課長・所属長から申請してください。";
    GENERAL: "account-general-only-pr", 403, ["nerima:5-1", "nagano:2(3)", OWN],
        "総合アカウント・代表アカウントを開設できるのは、広報担当課長に限られます。",
        "Only the head of public relations opens an account of the whole body.",
        "個別アカウント・所属等アカウントとして申請するか、広報担当課長に相談してください。";
    RECOGNISED: "account-provider-not-recognised", 409, ["nerima:3-1", "nagano:2(9)", OWN],
        "承認されていないSNSのアカウントは開設できません。",
        "The provider is not approved.",
        "先に、新規SNS利用承認申請書（第1号様式）により、SNSの承認を受けてください。";
    FORM: "account-form-incomplete", 400, ["nerima:5-2", "nagano:2(6)b", OWN],
        "申請書に、SNSでの名前、目的または理由が記入されていません。",
        "The application lacks the handle, the purpose or the reason.",
        "申請書の空の項目を記入してください。";
    FREE: "account-name-taken", 409, [OWN, OWN, OWN],
        "この名前は使えません。",
        "This name cannot be used.",
        "団体の名前で始まる、ほかの名前にしてください（例: nerima-kosodate-x）。";
    WITH_POLICY: "account-without-policy", 409, ["nerima:5-2", "", ""],
        "開設の申請には、運用ポリシーを添えて提出する必要があります。",
        "An application comes with an operating policy.",
        "標準的運用ポリシーを参照して運用ポリシーを定め、あわせて提出してください。";
    OPENING_DECIDER: "account-only-pr-decides", 403, ["nerima:5-2", "nagano:2(2)", OWN],
        "アカウントの開設・変更・廃止の申請を決定できるのは、広報担当課長（公式アカウント管理者）だけです。",
        "Only the head of public relations decides of applications for accounts.",
        "広報担当課長に依頼してください。";
    CONSULTED: "account-not-consulted", 409, ["nerima:5-3", "", ""],
        "開設を承認するには、情報政策課長との協議の記録が必要です。",
        "An approval needs the consultation with the head of information policy.",
        "情報政策課長に、協議の意見を記録してもらってください。";
    CONSULTANT: "account-only-the-consulted", 403, ["nerima:5-3", OWN, OWN],
        "協議の意見を記録できるのは、情報政策課長です。",
        "Only the head of information policy gives the consulted opinion.",
        "情報政策課長に依頼してください。";
    WAITING: "account-nothing-to-decide", 409, ["nerima:5-2", "nagano:2(6)b", OWN],
        "決定を待つ申請がありません。",
        "No application waits for a decision.",
        "登録簿で申請の状態を確認してください。";
    OPERATORS: "account-without-operator", 409, ["nerima:12-1", "", ""],
        "SNS運用責任者が1人も指定されていません。",
        "At least one operator must be designated.",
        "アカウントごとに、職員を1人以上、SNS運用責任者に指定してください。";
    OPERATORS_WORK: "operator-not-employed", 409, ["nerima:12-1", OWN, OWN],
        "SNS運用責任者に指定できるのは、現在この団体の職にある職員だけです。",
        "Operators are people who work for the body now.",
        "登録簿で職員の在職を確認してください。";
    MANAGER: "account-only-the-manager", 403, ["nerima:7", "nagano:2(6)a", OWN],
        "この変更ができるのは、そのアカウントのアカウント管理者（代決者を含みます）だけです。",
        "Only the account's manager, or the deputy, may do this.",
        "アカウント管理者に依頼してください。";
    OPERATORS_BY: "operators-only-the-manager", 403, ["nerima:12-1", "nagano:2(6)a", OWN],
        "SNS運用責任者を指定できるのは、アカウント管理者です。",
        "Operators are designated by the account's manager.",
        "アカウント管理者に依頼してください。";
    DERIVED: "manager-is-derived", 403, ["nerima:7", "nagano:2(3)", OWN],
        "アカウント管理者は、アカウントの区分と開設した職から決まるため、変更できません。",
        "The manager follows from the class and the opener and cannot be chosen.",
        "人事異動であれば、異動の一覧を登録してください。管理者は自動的に引き継がれます。";
    POLICY_BY: "policy-only-the-manager", 403, ["nerima:8-2", "nagano:2(7)p", OWN],
        "運用ポリシー（掲載のルール）を定めるのは、アカウント管理者です。",
        "The operating policy is set by the account's manager.",
        "アカウント管理者に依頼してください。";
    POLICY_BASE: "policy-base-outdated", 409, ["nerima:8-2", "", ""],
        "運用ポリシーは、現行の標準的運用ポリシーを参照して定める必要があります。",
        "An operating policy derives from the standard operating policy in force.",
        "現行の標準的運用ポリシーを確認し、その版を記入してください。";
    POLICY_VERSION: "policy-version-used", 409, [OWN, OWN, OWN],
        "同じ版の番号で、内容の異なる運用ポリシーが登録されています。",
        "Another policy stands under this version.",
        "新しい版の番号を付けてください。";
    IN_USE: "account-not-in-use", 409, [OWN, OWN, OWN],
        "このアカウントは運用中ではないため、この操作はできません。",
        "The account is not in use.",
        "登録簿でアカウントの状態を確認してください。";
    SUSPENDED: "account-not-suspended", 409, [OWN, OWN, OWN],
        "このアカウントは停止されていないため、再開できません。",
        "The account is not suspended.",
        "登録簿でアカウントの状態を確認してください。";
    NOTICE_BY: "closing-only-the-manager", 403, ["nerima:17-2", "nagano:2(6)b", OWN],
        "閉鎖の届け出ができるのは、アカウント管理者です。",
        "The notice of a closing is the manager's.",
        "アカウント管理者に依頼してください。";
    NOTICE_AHEAD: "closing-not-ahead", 409, ["nerima:17-2", "nagano:2(6)b", ""],
        "閉鎖の届け出は事前に必要です。閉鎖日は明日以降にしてください。",
        "The notice comes before the closing: its day is tomorrow or later.",
        "閉鎖日を明日以降にして届け出てください。";
    NOTICE_THERE: "closing-without-notice", 409, ["nerima:17-2", "nagano:2(6)b", ""],
        "閉鎖の事前の届け出が記録されていないか、届け出た閉鎖日がまだ来ていません。",
        "No notice of the closing is on record, or its day has not come.",
        "先に閉鎖の届け出をし、届け出た日に閉鎖してください。";
    NOTICE_APPROVED: "closing-not-approved", 409, ["", "nagano:2(6)b", ""],
        "廃止の申請（様式2）が、公式アカウント管理者の承認を受けていません。",
        "The application to close (Form 2) was not approved.",
        "公式アカウント管理者の承認を受けてください。";
    CLOSER: "account-only-the-manager-closes", 403, ["nerima:17-1a", "nagano:2(6)b", OWN],
        "アカウントを閉鎖・アーカイブできるのは、アカウント管理者です。",
        "Only the manager closes or archives an account.",
        "アカウント管理者に依頼してください。";
    NOT_OVER: "account-is-over", 409, ["nerima:17-1a", "nagano:2(6)b", OWN],
        "このアカウントは閉鎖されているため、変更できません。",
        "The account is closed; nothing of it changes any more.",
        "発信を再開するには、新しいアカウントの開設を申請してください。";
    NOT_ARCHIVED: "account-is-archived", 409, ["nerima:17-1b", "nagano:2(6)b", OWN],
        "このアカウントはアーカイブとして公開されているため、変更できません。",
        "The account is archived; it can only be closed.",
        "発信を再開するには、新しいアカウントの開設を申請してください。";
    ARCHIVE_REASON: "archive-without-reason", 400, ["nerima:17-1b", OWN, OWN],
        "アーカイブとして引き続き公開するには、その必要の理由が要ります。",
        "Why it has to stay in public must be said.",
        "引き続き公開する必要がある理由を記入してください。";

    GRANT_BY: "grant-only-the-section-head", 403, ["", "nagano:2(4)", OWN],
        "代表アカウントの利用（様式1）を申請できるのは、その所属の所属長です。",
        "Only the section's head applies for the use of the representative account (Form 1).",
        "所属長から申請してください。";
    GRANT_ACCOUNT: "grant-not-representative", 409, ["", "nagano:2(4)", OWN],
        "利用の申請（様式1）は、運用中の代表アカウントに対して行うものです。",
        "The application is for a representative account in use.",
        "代表アカウントを指定してください。";
    GRANT_BY_REQUEST: "grant-posts-by-request", 409, ["", "nagano:2(5)", ""],
        "インスタグラムとユーチューブの代表アカウントには、依頼を受けて広報広聴課が投稿します。利用の申請（様式1）はできません。",
        "Instagram and YouTube are posted by the public relations section on request.",
        "広報広聴課に投稿を依頼してください。";
    GRANT_YEAR: "grant-year", 409, ["", "nagano:2(4)", OWN],
        "利用の申請は年度単位です。今年度または来年度を指定してください。",
        "A grant is for this fiscal year or the next.",
        "年度を確認してください。";
    GRANT_DECIDER: "grant-only-pr-decides", 403, ["", "nagano:2(4)", OWN],
        "代表アカウントの利用を承認できるのは、公式アカウント管理者だけです。",
        "Only the official accounts' manager approves a grant.",
        "公式アカウント管理者に依頼してください。";
    GRANT_WAITING: "grant-decided", 409, [OWN, "nagano:2(4)", OWN],
        "この利用の申請は、すでに決定されています。",
        "This grant was decided already.",
        "登録簿で申請の状態を確認してください。";

    DELEGATOR: "delegation-only-the-manager", 403, ["nerima:12-2", OWN, OWN],
        "発信の権限を委任できるのは、アカウント管理者だけです。",
        "Only the account's manager delegates.",
        "アカウント管理者に依頼してください。";
    DELEGATE: "delegation-not-an-operator", 409, ["nerima:12-2", OWN, OWN],
        "委任を受けられるのは、そのアカウントのSNS運用責任者だけです。",
        "Only an operator of the account can be delegated to.",
        "先に、SNS運用責任者に指定してください。";
    DELEGATION_SCOPE: "delegation-too-wide", 409, ["nerima:12-2", OWN, OWN],
        "委任する範囲が空か、運用ポリシーに定めた範囲を超えています。",
        "The scope is empty or wider than the operating policy lets be delegated.",
        "委任する情報の範囲を、先に運用ポリシーに定めてください。";

    SOURCE_BY: "source-only-the-manager", 403, ["nerima:13", "nagano:4(12)", OWN],
        "引用・フォローできる相手を登録できるのは、アカウント管理者です（団体の全アカウントについては広報担当課長です）。",
        "A source is entered by the account's manager; for all accounts, by the head of public relations.",
        "アカウント管理者に依頼してください。";
    SOURCE_CLASS: "source-class-not-listed", 409, ["nerima:13", "nagano:4(12)", ""],
        "この区分は、ガイドラインの列挙にないため登録できません。",
        "The guideline does not list this class for this use.",
        "ガイドラインの列挙から区分を選び直してください。";
    SOURCE_OWN: "source-own-account", 409, [OWN, "nagano:4(12)・2", OWN],
        "団体自身のアカウントは、運用中であれば登録なしで扱われます。",
        "The body's own accounts need no entry while they are in use.",
        "登録は不要です。";
    SOURCE_PUBLIC: "source-without-evidence", 400, ["nerima:13(1)", "nagano:4(12)", OWN],
        "公式のアカウントであることの根拠（公式ページのアドレスなど）が必要です。",
        "What shows the account to be official is missing.",
        "根拠となるページのアドレスなどを記入してください。";
    SOURCE_CONTRACT: "source-without-contract", 400, ["nerima:13(2)", OWN, OWN],
        "受託事業者の登録には、契約の番号、期間の終わり、当該受託事業の名前が必要です。",
        "A contractor as source needs the contract's number, its end and the entrusted work.",
        "契約の番号と期間、事業の名前を記入してください。";
    SOURCE_FACILITY: "source-without-facility", 400, ["nerima:13(3)", "nagano:4(12)・4", OWN],
        "指定管理者の登録には、施設の名前と指定期間の終わりが必要です。",
        "A facility's manager as source needs the facility and the end of the term.",
        "施設の名前と指定期間を記入してください。";
    SOURCE_SPONSORED: "source-without-sponsorship", 400, ["nerima:13(4)", OWN, OWN],
        "後援事業の主催者の登録には、後援の承認番号、期間の終わり、事業の名前が必要です。",
        "A sponsored organiser needs the number of the sponsorship, its end and the event.",
        "後援の承認番号と期間、事業の名前を記入してください。";
    SOURCE_JUDGED: "source-without-judgement", 400, ["nerima:13(5)", "nagano:4(12)・6", OWN],
        "管理者の判断による登録には、その理由が必要です。また、管理者本人が登録する必要があります。",
        "A source by judgement needs the manager's own reason; a deputy cannot give it.",
        "アカウント管理者本人が、理由を添えて登録してください。";

    CONTRACTOR_BY: "contractor-only-the-supervisor", 403, ["nerima:18-1b", "nagano:1a", OWN],
        "委託事業者を登録・変更できるのは、監督する課長・所属長本人（代決者を含みます）か、広報担当課長です。",
        "A contractor is entered by the head who supervises it.",
        "監督する課長・所属長に依頼してください。";
    CONTRACTOR_END: "contractor-without-end", 400, ["nerima:18-1b", "nagano:1a", OWN],
        "委託事業者の登録には、契約の番号、期間の終わり、投稿ツール、アカウントが必要です。",
        "A contractor needs a contract with an end, tools and accounts.",
        "契約の番号と期間、対象を記入してください。";
    CONTRACTOR_SUPERVISED: "contractor-without-supervisor", 409, ["nerima:18-1b", "nagano:1a", OWN],
        "監督する職が、課長・所属長の職ではないか、空席です。",
        "The supervising position does not lead a section, or is vacant.",
        "監督する課長・所属長の職を指定してください。";

    ISSUER_BY: "issuer-only-the-accounts-manager", 403, [OWN, "nagano:2(8)a", OWN],
        "CMSなどの公開承認の発行元を登録・廃止できるのは、公式アカウントを統括する広報担当課長（代決者を含みます）だけです。",
        "Issuers of publish events are entered by the head who manages the official accounts.",
        "広報担当課長に依頼してください。";
    ISSUER_FORM: "issuer-form-incomplete", 400, [OWN, "nagano:2(8)a", OWN],
        "発行元の登録には、英数字の名前、説明、期間の終わり、対象のアカウント、対象の操作（発信・編集・予約）が必要です。",
        "An issuer needs an id of letters and digits, a name, an end, accounts, and actions among publish, edit and schedule.",
        "足りない項目を記入してください。";
    ISSUER_KEY: "issuer-key-unusable", 400, [OWN, "nagano:2(8)a", OWN],
        "発行元の公開鍵を読み取れないか、秘密鍵が含まれています。",
        "The issuer's public key cannot be read, or a private key stands in its place.",
        "公開鍵（PEM、またはJWKS）だけを登録してください。秘密鍵を送ってしまった場合は、鍵を作り直してください。";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_has_a_code_of_its_own_a_sentence_and_is_in_force_somewhere() {
        assert!(TABLE.len() > 50);
        let codes: BTreeSet<_> = TABLE.iter().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), TABLE.len(), "a code stands twice");
        for rule in TABLE {
            let patterns = [Pattern::Nerima, Pattern::Nagano, Pattern::Plain];
            assert!(patterns.iter().any(|one| rule.clause(*one).is_some()), "{}", rule.code);
            assert!(
                rule.ja.ends_with('。') && rule.way.ends_with('。')
                    || rule.way.ends_with('）')
                    || rule.way.ends_with("。"),
                "{}",
                rule.code
            );
            assert!(rule.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.code);
            for (prefix, clause) in [("nerima:", rule.nerima), ("nagano:", rule.nagano)] {
                assert!(clause.is_empty() || clause == OWN || clause.starts_with(prefix), "{}: {clause}", rule.code);
            }
        }
    }
}
